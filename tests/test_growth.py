"""Texts that are built at their end: in place where Python can, the same result everywhere."""

from __future__ import annotations

import pytest

from lispe_py import LispE, LispError

PROGRAMS = [
    ('(defun f(l) (setq s "") (loop i l (+= s i)) s) (f \'("a" "b" "c"))', "abc"),
    ('(defun f(l) (setq s "") (loop i l (setq s (+ s (string i) ","))) s) (f \'(1 2))', "1,2,"),
    ('(defun f(s) (setq t s) (+= s "b") (list s t)) (f "a")', ["ab", "a"]),
    ('(defun f(s) (+= s 1 "b") s) (f "a")', "a1b"),
    ('(defun f(s) (+= s s) s) (f "ab")', "abab"),
    ('(defun f(s) (+= s s s) s) (f "ab")', "ababab"),
    ('(defun f(s) (setq s (+ s s "-")) s) (f "ab")', "abab-"),
    ('(defun f(s) (setq s (+ "a" s)) s) (f "b")', "ab"),
    ("(defun f(n) (+= n 2 3) n) (f 1)", 6),
    ("(defun f(l) (setq m l) (+= l 1) m) (f (integers 1 2))", [2, 3]),
    ('(defun f(s) (block (+= s "x") (+= s "y"))) (f "a")', "axy"),
    ('(setq s "a") (defun f() (+= s "b")) (f) (f) s', "abb"),
    ('(setq s "a") (+= s "b" "c") s', "abc"),
    ('(defun f(s) ((\\(x) (+= s x)) "b") s) (f "a")', "ab"),
    ('(let ((s "a")) (+= s "b") s)', "ab"),
    ('(class@ A (s) (defun m(x) (+= s x) s)) (setq a (A "a")) (a (m "b"))', "ab"),
    ('(defun f(s) (+= s `b` (fill "c" 2)) s) (f "a")', "abcc"),
]


@pytest.mark.parametrize(("program", "expected"), PROGRAMS)
def test_value(program: str, expected: object) -> None:
    found = LispE().eval(program)
    assert (list(found) if isinstance(expected, list) else found) == expected


@pytest.mark.parametrize("form", ['(+= s "ab")', '(setq s (+ s "a" "b"))'])
def test_a_long_text_is_grown_in_place(form: str) -> None:
    source = LispE().python_source(f'(defun f(n) (setq s "") (loop i (iota n) {form}) s)')
    assert ".str:\n" in source
    grown = source.partition(".str:\n")[2].splitlines()[0].strip()
    assert grown.startswith("s = s + ")


def test_errors_keep_their_place() -> None:
    with pytest.raises(LispError) as caught:
        LispE().eval('(defun f(s)\n  (+= s (car 5)))\n(f "a")')
    assert (caught.value.line, caught.value.column) == (2, 9)
