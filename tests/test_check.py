"""``lispe check``: what it finds, and that it finds nothing false."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import corpus
import pytest

from lispe_py.tools.checking import check_file, check_text, main

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "words"),
    [
        ("(println 1", 1, 1, "refused", "parentheses do not balance"),
        ("(setq)", 1, 1, "refused", "Wrong number of arguments for: 'setq'"),
        ("(println\n (sqare 3))", 2, 3, "unknown-name", "nothing is called 'sqare'"),
        ("(println undefined)", 1, 10, "unknown-name", "'undefined'"),
        ("(cond ((= 1 2) 'a) (true (foo)))", 1, 27, "unknown-name", "'foo'"),
        ("(let ((x 1) (y (bar))) (+ x y))", 1, 17, "unknown-name", "'bar'"),
        ("(defpat d([integer_ x]) (+ x z))", 1, 30, "unknown-name", "'z'"),
        ("(class@ P(x (y 1)) (defun m(k) (+ x y k qq)))", 1, 41, "unknown-name", "'qq'"),
        ("(setq f (\\(a) (+ a b)))", 1, 20, "unknown-name", "'b'"),
        ("(torch_add 1)", 1, 1, "arguments", "'torch_add' takes 2 arguments, not 1"),
        ("(car)", 1, 1, "arguments", "'car' takes 1 argument, not 0"),
        ("(defun f(x (y 1)) (+ x y)) (f 1 2 3)", 1, 28, "arguments", "'f' takes 1 to 2 arguments, not 3"),
        ("(defun f(x (() r)) (+ x r)) (f)", 1, 29, "arguments", "at least 1 argument"),
        ("(defun f(x y) x)", 1, 12, "unused-parameter", "'y'"),
        ("(defun f(x) (setq y 2) x)", 1, 13, "unused-variable", "'y'"),
        ("(defun f(x) x)\n(defun f(y) y)", 2, 1, "defined-twice", "at line 1 already"),
        ("(use 'nowhere)", 1, 6, "unknown-library", "'nowhere'"),
        ("(- 1 0.9)", 1, 1, "integer-first", "write 1.0"),
        ("(defmacro twice(x) (+ x x))\n(twice (nosuch 1))", 2, 9, "unknown-name", "'nosuch'"),
    ],
)  # fmt: skip
def test_what_is_found(text: str, line: int, column: int, code: str, words: str) -> None:
    found = check_text(text, "a.lisp")
    assert [(f.line, f.column, f.code) for f in found][:1] == [(line, column, code)]
    assert words in found[0].text


@pytest.mark.parametrize(
    "text",
    [
        "(defun f(_x) 1)",
        "(println (early 2)) (defun early(x) (* x 10))",
        "(setq (a b) '(1 2)) (println a b)",
        "(loopcount 3 into i (println i))",
        '(defpat f(["(" a* ")" $ r]) (list a r))',
        "(defmacro swap(x y) (block (setq z x) (setq x y) (setq y z)))",
        "(defun f(x) (lambda (y) (+ x y)))",
        "(eval '(setq made 1)) (println made)",
        '(for c "abc" (println c))',
    ],
)
def test_what_is_no_mistake(text: str) -> None:
    assert check_text(text, "a.lisp") == []


def test_recorded_programs_without_errors_are_clean() -> None:
    """Names and arguments of every program of the corpus that ends without an error."""
    told = {}
    tried = 0
    for case in corpus.load("core"):
        if case.get("decided") or case.get("error"):
            continue
        tried += 1
        found = check_text(case["program"], case["id"])
        wrong = [f for f in found if f.code in ("unknown-name", "arguments", "refused")]
        if wrong:
            told[case["id"]] = wrong[0].text
    assert tried > 800
    # These do call what is not there, and catch the error or never get to it.
    assert told == {
        "core/error-form/036": "nothing is called 'nosuch'",
        "core/maybe/008": "nothing is called 'nosuchfn'",
        "core/maybe/024": "nothing is called 'nosuch'",
    }


def test_names_of_loaded_files(tmp_path: Path) -> None:
    (tmp_path / "lib.lisp").write_text("(defun helper(x) x)", encoding="utf-8")
    program = tmp_path / "main.lisp"
    program.write_text('(load "lib.lisp") (println (helper 1)) (halper 1)', encoding="utf-8")
    assert [f.text for f in check_file(str(program))] == ["nothing is called 'halper'"]


def test_the_examples_are_clean() -> None:
    assert [
        str(f) for p in (ROOT / "lisp_examples").glob("*.lisp") for f in check_file(str(p))
    ] == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "a.lisp"
    program.write_text("(println (sqare 3))", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert shown == f"{program}:1:11: nothing is called 'sqare' [unknown-name]\n"
    assert main(["--json", str(program)]) == 1
    assert json.loads(capsys.readouterr().out) == [
        {"file": str(program), "line": 1, "column": 11, "code": "unknown-name",
         "text": "nothing is called 'sqare'"}
    ]  # fmt: skip
    program.write_text("(println 3)", encoding="utf-8")
    assert main([str(program)]) == 0
    assert main([str(tmp_path / "none.lisp")]) == 2


def test_nothing_runs_and_torch_stays_out(tmp_path: Path) -> None:
    program = tmp_path / "a.lisp"
    program.write_text('(fwrite "made.txt" "x") (torch_zeros 1 2 3)', encoding="utf-8")
    code = (
        "import sys; from lispe_py.cli import main; main(['check', 'a.lisp'])\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "made.txt").exists()
