"""``lispe doc``, ``lispe test`` and the plugin for pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lispe_py.registry import registry
from lispe_py.tools import documenting, running

TESTS = """\
(defun double(x) (* 2 x))
(test "doubles" (double 4) 8)
(test "is wrong" (double 4) 9)
(test_error "one argument" (double) "Wrong number of arguments")
(test_output "prints a line" (println (double 1)) "2")
(test "has an error" (nosuch 1) 1)
"""


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    path = tmp_path / "test_double.lisp"
    path.write_text(TESTS, encoding="utf-8")
    return path


def test_running_tests(tests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tests.parent / "report.xml"
    assert running.main([str(tests.parent), "--junit", str(report)]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(".F..F\n") and "3 passed, 2 failed" in shown
    assert f"{tests}:3: is wrong\nit gave      8  [integer_]\nit should be 9  [integer_]" in shown
    assert f"{tests}:6:22: Error: Unbound atom: 'nosuch'" in shown
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("5", "2")
    assert [case.get("name") for case in suite if len(case)] == ["is wrong", "has an error"]


def test_choosing_tests(tests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert running.main([str(tests), "-k", "prints"]) == 0
    assert "1 passed, 0 failed" in capsys.readouterr().out
    assert running.main([str(tests), "-k", "none of them"]) == 2
    assert running.main([str(tests.parent / "none.lisp")]) == 2
    tests.write_text("(test 1)", encoding="utf-8")
    assert running.main([str(tests)]) == 2
    assert "takes a name, an expression" in capsys.readouterr().err


def test_the_plugin_of_pytest(tests: Path) -> None:
    (tests.parent / "other.lisp").write_text("(println 1)", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests.parent)],
        cwd=tests.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 failed, 3 passed" in done.stdout
    assert f"{tests}:3: is wrong" in done.stdout


def test_documentation_of_a_name() -> None:
    text = documenting.document_name("torch_relu")
    assert text.startswith("(torch_relu tensor)\n\nmax(x, 0) for each element x.")
    assert "(torch_relu (torch_tensor" in text


def test_documentation_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.lisp"
    path.write_text(
        "; What it is for.\n\n; The area\n; of a field.\n(defun area(w h) (* w h))\n(defun bare(x) x)\n",
        encoding="utf-8",
    )
    assert documenting.document_file(str(path)) == (
        f"What it is for.\n\n\n(area w h)    {path}:5\n\nThe area\nof a field.\n\n\n(bare x)    {path}:6\n"
    )


def test_what_has_no_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    assert documenting.main(["no_such_name"]) == 1
    assert "nothing is called 'no_such_name'" in capsys.readouterr().err


def test_the_site(tmp_path: Path) -> None:
    pytest.importorskip("markdown")
    docs = Path(__file__).parent.parent / "docs"
    written = documenting.write_site(str(tmp_path), str(docs))
    assert len(written) == len(list(docs.glob("*.md"))) + 3
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'href="prompt.html"' in index and 'src="pictures/prompt.svg"' in index
    assert (tmp_path / "pictures" / "prompt.svg").is_file()
    torch = (tmp_path / "reference-torch.html").read_text(encoding="utf-8")
    language = (tmp_path / "reference-language.html").read_text(encoding="utf-8")
    names = [e for e in registry.entries() if e.library == "lispe_torch"]
    assert len(names) > 300 and all(f"({e.name} " in torch or f"({e.name})" in torch for e in names)
    assert "(car value)" in language
    for page in written:
        text = Path(page).read_text(encoding="utf-8")
        assert 'href="tutorial.html"' in text and "http" not in text.split("<body>")[0]


@pytest.mark.parametrize("tool", ["check", "format", "doc", "test"])
def test_files_that_cannot_be_read(tool: str, tmp_path: Path) -> None:
    from lispe_py.cli import main

    bad = tmp_path / "bad.lisp"
    bad.write_bytes(b"\xff(")
    assert main([tool, str(bad)]) in (1, 2)
    assert main([tool, str(tmp_path / "none.lisp")]) in (1, 2)
    locked = tmp_path / "locked.lisp"
    locked.mkdir()
    assert main([tool, str(locked)]) in (0, 1, 2)
