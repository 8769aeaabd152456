"""``lispe format``: the layout, and that the program stays what it was."""

from __future__ import annotations

from pathlib import Path

import corpus
import pytest

from lispe_py import LispError
from lispe_py.printer import show
from lispe_py.reader import read
from lispe_py.tools.formatting import WIDTH, format_text, main

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(defun f(x)\n(* x\n 2 )\n)", "(defun f(x)\n   (* x\n      2))\n"),
        ("( +  1   2 )", "(+ 1 2)\n"),
        ("(f 1)\n\n\n\n(f 2)\n\n", "(f 1)\n\n(f 2)\n"),
        ("(f (g 1)(h 2))", "(f (g 1) (h 2))\n"),
        ("(f ; why\n1)", "(f ; why\n   1)\n"),
        ("(f 1 ; last\n)", "(f 1 ; last\n   )\n"),
        ("   ; alone\n(f)", "; alone\n(f)\n"),
        ("(a)   ; aligned\n", "(a)   ; aligned\n"),
        (";; two\n lines ;;\n(f)", ";; two\n lines ;;\n(f)\n"),
        ('(f "a\n  b")', '(f "a\n  b")\n'),
        ("(f '( 1 2\n3))", "(f '(1 2\n     3))\n"),
        ("{ a:1 b : 2 }", "{a:1 b : 2}\n"),
        ("#!/usr/bin/env lispe\n(f  1)", "#!/usr/bin/env lispe\n(f 1)\n"),
        ("(f (g (h 1]", "(f (g (h 1]\n"),
        ("", ""),
    ],
)
def test_layout(text: str, wanted: str) -> None:
    assert format_text(text) == wanted


def test_long_lines_are_broken_at_the_outermost_blank() -> None:
    first, second = "x" * 34, "y" * 34
    made = format_text(f"(println (first {first}) (second {second}) (third 1 2 3 4))")
    assert made == f"(println (first {first}) (second {second})\n   (third 1 2 3 4))\n"
    assert max(map(len, made.split("\n"))) <= WIDTH
    # A text that is too long by itself stays in one piece.
    alone = f'(println "{"z" * 120}")\n'
    assert format_text(alone) == alone


def test_programs_stay_what_they_were() -> None:
    """Every program of the corpus, and every file of the project; twice is as once."""
    texts = [
        c["program"]
        for family in ("core", "containers", "strings", "torch")
        for c in corpus.load(family)
    ]
    texts += [
        p.read_text(encoding="utf-8") for p in ROOT.glob("*/**/*.lisp") if ".venv" not in p.parts
    ]
    tried = 0
    for text in texts:
        try:
            before = read(text)
        except LispError:
            continue
        made = format_text(text)
        assert show(read(made)) == show(before)
        assert format_text(made) == made
        tried += 1
    assert tried > 3000


def test_the_files_of_the_project_are_laid_out() -> None:
    paths = [*ROOT.glob("lisp_examples/*.lisp"), *ROOT.glob("tests/lisp/*.lisp")]
    assert [
        p.name for p in paths if format_text(p.read_text("utf-8")) != p.read_text("utf-8")
    ] == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "a.lisp"
    program.write_text("( +  1 2)\n", encoding="utf-8")
    assert main(["--check", str(program)]) == 1
    assert main(["--diff", str(program)]) == 0
    shown = capsys.readouterr().out
    assert "-( +  1 2)\n+(+ 1 2)\n" in shown
    assert program.read_text(encoding="utf-8") == "( +  1 2)\n"
    assert main([str(tmp_path)]) == 0
    assert program.read_text(encoding="utf-8") == "(+ 1 2)\n"
    assert main(["--check", str(program)]) == 0


def test_a_broken_file_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "a.lisp"
    program.write_text("(f  1", encoding="utf-8")
    assert main([str(program)]) == 1
    assert capsys.readouterr().err == (
        f"{program}:1:1: parentheses do not balance: opening not closed\n"
    )
    assert program.read_text(encoding="utf-8") == "(f  1"
    assert main([str(tmp_path / "none.lisp")]) == 2
