"""Loops over ranges: the numbers are counted, the results are those of the lists."""

from __future__ import annotations

import pytest

from lispe_py import LispE, LispError

SOURCES = [
    "(iota 4)", "(iota 0)", "(iota -2)", "(iota 2.5)", '(iota "3")', "(iota0 4)", "(iota0 2.5)",
    "(range 2 9 3)", "(range 4)", "(range 9 2 3)", "(range 9 2 -3)", "(range 2 9 -1)",
    "(range 5 5 1)", "(range 1 2 0.25)", '(range "a" "e" 2)', "(range 1.5 4 1)", "(⍳ 3)", "(⍳0 3)",
]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("inside", [False, True])
def test_as_over_the_list(source: str, inside: bool) -> None:
    loop = f"(setq r ()) (loop x {source} (push r x)) r"
    form = f"(defun f() {loop}) (f)" if inside else loop
    lisp = LispE()
    assert lisp.show(lisp.eval(form)) == lisp.show(lisp.eval(f"(to_list {source})"))


@pytest.mark.parametrize("source", ["(iota0 100000000000)", "(range 0 100000000000 1)"])
def test_no_list_is_made(source: str) -> None:
    assert LispE().eval(f"(loop x {source} (if (= x 5) (break))) x") == 5


def test_whilein() -> None:
    lisp = LispE()
    form = "(setq r ()) (whilein x (iota 1000000000) (< x 4) (push r x)) r"
    assert lisp.eval(form) == [1, 2, 3]


def test_a_function_of_that_name_is_called() -> None:
    lisp = LispE()
    assert lisp.eval("(defun f(range) (setq r ()) (loop x (range 1 3 5) (push r x)) r)"
                     " (f (\\(a b c) (list b a)))") == [3, 1]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("(loop x (iota '(1 2)) x)", "a number is expected, not a list"),
        ("(loop x (range 1 2 0) x)", "the step of a range cannot be zero"),
        ("(loop x (iota) x)", "Wrong number of arguments for"),
        ("(loop x\n  (range 1 nowhere 1) x)", "Unbound atom: 'nowhere'"),
    ],
)
def test_errors(form: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        LispE().eval(form)


def test_the_variable_keeps_its_class() -> None:
    source = LispE().python_source("(defun f(l) (loop i (range 0 (size l) 2) (set@ l i 1)) l)")
    assert "i.__class__" not in source
    other = LispE().python_source("(defun f(n l) (loop i (range 0 n 0.5) (set@ l i 1)) l)")
    assert "i.__class__ is .int" in other


@pytest.mark.parametrize(
    ("count", "numbers", "end"),
    [
        ("3", [0, 1, 2], 3),
        ("(* 1 3)", [0, 1, 2], 3),
        ('(size "né")', [0, 1], 2),
        ("0", [], 0),
        ("-3", [2, 1, 0], -1),
        ("(- 0 1)", [0], -1),
        ("2.9", [0, 1], 2),
        ('"2x"', [0, 1], 2),
        ("nil", [], 0),
    ],
)
def test_loopcount(count: str, numbers: list[int], end: int) -> None:
    form = f"(setq r ()) (loopcount {count} i (push r i)) (list r i)"
    assert LispE().eval(form) == [numbers, end]
    assert LispE().eval(f"(defun f() {form}) (f)") == [numbers, end]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("(loopcount 5 i (if (= i 3) (break))) i", 3),
        ("(setq n -5) (loopcount n i (if (= i 3) (break))) i", 3),
        ("(loopcount 3 i (setq i 10)) i", 10),
    ],
)
def test_where_the_variable_of_loopcount_ends(form: str, value: int) -> None:
    assert LispE().eval(form) == value
    assert LispE().eval(f"(defun f() {form}) (f)") == value
