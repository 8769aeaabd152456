"""Printing, and code laid out over several lines."""

from __future__ import annotations

import io

import pytest

from lispe_py import LispE
from lispe_py.values.symbol import NOTHING


def printed(program: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    LispE(stdout=out, stderr=err).eval(program)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(print "a" "b") (print 1) (println) (println "end")', "ab1\nend\n"),
        ('(println "x" 1 "y")', "x 1 y\n"),
        ("(println \"fig\" 'date 3 4.5 \"\")", "fig date 3 4.5 \n"),
        ("(println '(\"fig\" date 3 4.5))", '("fig" date 3 4.5)\n'),
        ('(println {"key":"va\\"l"})', '{"key":"va\\"l"}\n'),
        ("(println nil true (list) 1.0)", "nil true () 1\n"),
        ("(println (println))", "\n\n"),
        ('(println "é漢🙂" \'(b"é"))', 'é漢🙂 ("é")\n'),
    ],
)
def test_standard_output(program: str, expected: str) -> None:
    assert printed(program) == (expected, "")


def test_standard_error() -> None:
    assert printed('(printerr "warn" 1) (printerrln 1 2)') == ("", "warn11 2\n")


def test_the_value_of_printing_is_nothing() -> None:
    lisp = LispE(stdout=io.StringIO(), stderr=io.StringIO())
    for name in ("print", "println", "printerr", "printerrln"):
        value = lisp.eval(f"({name} 1)")
        assert value is NOTHING
        assert lisp.show(value) == ""


def test_what_a_stream_cannot_encode_is_replaced() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    LispE(stdout=stream).eval('(println "é!")')
    stream.flush()
    assert raw.getvalue() == b"?!\n"


def test_a_short_form_stays_on_its_line() -> None:
    assert LispE().eval("(prettify '(a (b c) \"d\"))") == '(a (b c) "d")\n'


def test_a_long_form_is_broken() -> None:
    assert LispE().eval("(prettify '(if (< a b) (println a) (println b)) 20)") == (
        "(if (< a b)\n   (println a)\n   (println b)\n)\n"
    )
    assert LispE().eval("(defun f(x y) (setq a (+ x y)) (loop i a (println i x y))) (prettify f 30)") == (
        "(defun f (x y)\n   (setq a (+ x y))\n   (loop i a\n      (println i x y)\n   )\n)\n"
    )


def test_lists_of_every_kind_are_broken() -> None:
    lisp = LispE()
    assert lisp.eval("(prettify (integers 10 20 30) 10)") == "(\n   10\n   20\n   30\n)\n"
    assert lisp.eval("(prettify (integers 10 20 30) 11)") == "(10 20 30)\n"
    assert lisp.eval('(prettify (strings "a" "b") 5)') == '(\n   "a"\n   "b"\n)\n'
    assert lisp.eval("(prettify (rho 2 3 (integers 1 2 3 4 5 6)) 10)") == "(\n   (1 2 3)\n   (4 5 6)\n)\n"
    assert lisp.eval("(prettify (list 'a (floats 0.1 0.2)) 8)") == (
        "(\n   a\n   (\n      0.1\n      0.2\n   )\n)\n"
    )


def test_what_is_laid_out_reads_back() -> None:
    lisp = LispE()
    form = "(defun f (x) (if (> x 1) (println \"a b\" x) (loop i (range 1 10 1) (println i (+ i 2)))))"
    for width in (1, 10, 25, 50, 1000):
        text = lisp.eval(f"(prettify '{form} {width})")
        assert lisp.show(lisp.eval(f"'{text}")) == lisp.show(lisp.eval(f"'{form}"))
