"""``import script``, and the module ``pylispe``."""

from __future__ import annotations

import importlib
import inspect
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
