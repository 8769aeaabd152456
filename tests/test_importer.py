"""``import script``, and the module ``pylispe``."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pylispe
from lispe_py import LispError, importer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    importer.install()
    yield tmp_path
    importer.uninstall()
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_functions_and_variables_of_a_script(folder: Path) -> None:
    (folder / "shapes_a.lisp").write_text(
        "(setq unit 2)\n(defun square-of(x) (* x x unit))\n(defun ends(l) (list (car l) (last@ l)))",
        encoding="utf-8",
    )
    module = importlib.import_module("shapes_a")
    assert module.unit == 2
    assert module.square_of(3) == 18
    assert getattr(module, "square-of")(1) == 2
    assert module.ends([4, 5, 6]) == [4, 6]
    assert module.ends(("a", True)) == ["a", True]
    assert module.__lispe__.eval("(square-of 2)") == 8


def test_two_scripts_share_nothing(folder: Path) -> None:
    (folder / "one_b.lisp").write_text("(setq v 1) (defun f() v)", encoding="utf-8")
    (folder / "two_b.lisp").write_text("(setq v 2) (defun f() v)", encoding="utf-8")
    one, two = importlib.import_module("one_b"), importlib.import_module("two_b")
    assert (one.f(), two.f()) == (1, 2)


def test_help_and_signatures(folder: Path) -> None:
    (folder / "told_g.lisp").write_text(
        "; not of this one\n\n; The surface.\n; In square metres.\n"
        "(defun area-of(w (h 2) (unit (+ 1 1)) (() rest)) (* w h))",
        encoding="utf-8",
    )
    area = importlib.import_module("told_g").area_of
    assert str(inspect.signature(area)) == "(w, h=2, unit=(+ 1 1), *rest)"
    assert inspect.getdoc(area) == "The surface.\nIn square metres."
    assert area(3) == 6


def test_errors_carry_their_place(folder: Path) -> None:
    (folder / "wrong_c.lisp").write_text("(defun f(x)\n  (car x))", encoding="utf-8")
    module = importlib.import_module("wrong_c")
    with pytest.raises(LispError) as raised:
        module.f(5)
    assert raised.value.line == 2
    assert str(raised.value.file).endswith("wrong_c.lisp")


def test_a_script_that_fails_is_not_imported(folder: Path) -> None:
    (folder / "broken_d.lisp").write_text("(setq a 1)\n(car 1)", encoding="utf-8")
    with pytest.raises(LispError, match="car"):
        importlib.import_module("broken_d")
    assert "broken_d" not in sys.modules


def test_pythons_own_modules_come_first(folder: Path) -> None:
    (folder / "both_e.lisp").write_text("(setq which 'lisp)", encoding="utf-8")
    (folder / "both_e.py").write_text("which = 'python'", encoding="utf-8")
    assert importlib.import_module("both_e").which == "python"


def test_packages(folder: Path) -> None:
    inner = folder / "pack_h" / "deep"
    inner.mkdir(parents=True)
    (folder / "pack_h" / "__init__.lisp").write_text("(setq unit 3) (defun f(x) (* x unit))")
    (folder / "pack_h" / "areas.lisp").write_text("(defun area(x) (* x x))")
    (folder / "pack_h" / "more.py").write_text("from .areas import area\ntwice = 2 * area(2)")
    (inner / "__init__.lisp").write_text("(setq depth 2)")
    (inner / "last.lisp").write_text("(setq depth 3)")
    package = importlib.import_module("pack_h")
    assert package.f(2) == 6
    assert package.__path__ == [str(folder / "pack_h")]
    assert importlib.import_module("pack_h.areas").area(3) == 9
    assert importlib.import_module("pack_h.more").twice == 8
    last = importlib.import_module("pack_h.deep.last")
    assert (last.depth, package.deep.depth, last.__package__) == (3, 2, "pack_h.deep")
    with pytest.raises(ModuleNotFoundError, match="pack_h.none"):
        importlib.import_module("pack_h.none")


def test_a_folder_alone_hides_no_program(folder: Path) -> None:
    (folder / "same_i").mkdir()
    (folder / "same_i.lisp").write_text("(setq which 'file)")
    assert str(importlib.import_module("same_i").which) == "file"


def test_a_package_of_python_comes_first(folder: Path) -> None:
    (folder / "mixed_j").mkdir()
    (folder / "mixed_j" / "__init__.lisp").write_text("(setq which 'lisp)")
    (folder / "mixed_j" / "__init__.py").write_text("which = 'python'")
    assert importlib.import_module("mixed_j").which == "python"


def test_files_are_loaded_from_beside_the_file_that_loads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder / "elsewhere"
    (folder / "pack_k" / "parts").mkdir(parents=True)
    elsewhere.mkdir()
    # A file of the same name in the current folder is not meant.
    for place, value in ((elsewhere, 1), (folder / "pack_k", 2), (folder / "pack_k" / "parts", 3)):
        (place / "data.lisp").write_text(f"(setq found (cons {value} found))")
    (folder / "pack_k" / "parts" / "part.lisp").write_text(
        '(load "data.lisp") (defun again() (load "data.lisp") found)'
    )
    (folder / "pack_k" / "__init__.lisp").write_text(
        '(setq found ()) (load "data.lisp") (load "parts/part.lisp") (load "data.lisp")'
    )
    monkeypatch.chdir(elsewhere)
    module = importlib.import_module("pack_k")
    assert module.found == [2, 3, 2]
    assert module.again() == [3, 2, 3, 2]


def test_reload(folder: Path) -> None:
    path = folder / "again_l.lisp"
    path.write_text("(setq v 1) (defun my-f(x) (+ x v))")
    module = importlib.import_module("again_l")
    old, name, spec = module.my_f, module.__name__, module.__spec__
    path.write_text("(setq v 10) (setq __name__ 5) (defun my-f(x) (* x v)) (defun g() 'new)")
    assert importlib.reload(module) is module
    assert (module.v, module.my_f(2), getattr(module, "my-f")(3)) == (10, 20, 30)
    assert str(module.g()) == "new"
    assert old(2) == 3
    assert module.__name__ == name and module.__spec__.origin == spec.origin
    # A file that fails leaves the module as it was.
    path.write_text("(setq v 100)\n  (car 1)")
    with pytest.raises(LispError) as raised:
        importlib.reload(module)
    assert (raised.value.line, module.v) == (2, 10)


def test_a_traceback_shows_the_lines_of_the_program(folder: Path) -> None:
    (folder / "trace_m.lisp").write_text(
        "(defun low(x)\n  (car x))\n(defun high(x)\n  (cadr (low x)))"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from lispe_py import importer; importer.install()\n"
        "import trace_m; trace_m.high(5)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    path = folder / "trace_m.lisp"
    assert done.returncode == 1
    assert f'File "{path}", line 2, in low\n    (car x))\n' in done.stderr
    assert f'File "{path}", line 4, in high\n    (cadr (low x)))\n' in done.stderr
    assert done.stderr.splitlines()[-1].startswith("lispe_py.errors.LispError: ")


def test_the_source_of_a_module(folder: Path) -> None:
    text = "(defun f(x)\n  (car x))\n"
    (folder / "source_n.lisp").write_text(text)
    module = importlib.import_module("source_n")
    assert inspect.getsource(module) == text
    assert module.__file__ == str(folder / "source_n.lisp")


@pytest.mark.parametrize("text", ["(defun f(x)", "(setq a 1)\n(car 1 2 3)"])
def test_what_cannot_be_compiled_names_its_file(folder: Path, text: str) -> None:
    (folder / "unread_o.lisp").write_text(text)
    with pytest.raises(LispError) as raised:
        importlib.import_module("unread_o")
    assert raised.value.file == str(folder / "unread_o.lisp")
    assert raised.value.line == text.count("\n") + 1
    (note,) = raised.value.__notes__
    assert note == (
        f'  File "{folder / "unread_o.lisp"}", line {raised.value.line},'
        f" column {raised.value.column}"
    )


def test_without_the_hook(folder: Path) -> None:
    (folder / "never_f.lisp").write_text("1", encoding="utf-8")
    importer.uninstall()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("never_f")


def test_pylispe() -> None:
    lisp = pylispe.lisp()
    assert lisp.eval("(+ 10 32)") == 42
    result = lisp.eval('(list 1 2.5 "a" nil true)')
    assert result == [1, 2.5, "a", None, True] and type(result) is list
    assert lisp.eval('(dictionary "a" 1)') == {"a": 1}
    lisp.eval("(setq d 10) (defun add(a b) (+ a b))")
    assert lisp.execute("+", '"n="', "d") == "n=10"
    assert lisp.execute("add", 1, 2.5) == 3.5
    assert lisp.execute("size", [1, 2, 3]) == 3


def test_pylispe_loads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "half.lisp"
    path.write_text("(defun half(x) (/ x 2)) (half 8)", encoding="utf-8")
    assert pylispe.lisp().load(str(path)) == 4


def test_pylispe_interpreters_share_nothing() -> None:
    one, two = pylispe.lisp(), pylispe.lisp()
    one.eval("(setq v 1)")
    with pytest.raises(pylispe.error, match="Unbound atom: 'v'"):
        two.eval("v")


def test_pylispe_refuses_what_is_no_text() -> None:
    lisp = pylispe.lisp()
    with pytest.raises(AttributeError):
        lisp.eval(12)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        lisp.execute("size")
    with pytest.raises(pylispe.error):
        lisp.eval("(car 1)")
