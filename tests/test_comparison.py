"""Equality, identity, order; largest and smallest."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.runtime.compare import equal, matches, not_equal, order, same
from lispe_py.values.dictionaries import Dictionary, DictionaryI
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, rest
from lispe_py.values.sets import SetI
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import Floats, Integers, Numbers, Strings


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(= 5 5.0)", "true"), ("(= 1 1.5)", "nil"), ("(= 1.5 1)", "nil"), ("(!= 1 1.5)", "true"),
        ("(= 1 \"1\")", "true"), ("(= 1 \"1x\")", "nil"), ("(= 0 \"abc\")", "nil"),
        ("(= \"1.0\" 1)", "nil"), ("(= \"1\" 1)", "true"), ("(= \"a\" 'a)", "true"),
        ("(= 'a \"a\")", "nil"), ("(= nil ())", "nil"), ("(= () ())", "true"), ("(= 0 nil)", "nil"),
        ("(= '(1 (2 3)) '(1 (2 3)))", "true"), ("(= '(4 5) '(4 5 6))", "nil"),
        ("(= '(1 2) (integers 1 2) (llist 1 2) (numbers 1 2))", "true"),
        ("(= '(1) '(1.5))", "nil"), ("(= (strings \"a\") '(\"a\"))", "true"),
        ("(= {\"a\":(list 1)} {\"a\":(list 1)})", "true"), ("(= {1:2} {\"1\":2})", "nil"),
        ("(= (dictionary \"a\" 1) (dictionarytree \"a\" 1))", "nil"),
        ("(= (dictionarytree \"b\" 2 \"a\" 1) (dictionarytree \"a\" 1 \"b\" 2))", "true"),
        ("(= (json_parse `{\"a\":1}`) (json_parse `{\"a\":1}`))", "nil"),
        ("(setq d (json_parse `{\"a\":1}`)) (list (= d d) (= (list d) (list (clone d))))", "(true nil)"),
        ("(= (rho 2 2 (iota 4)) '((1 2) (3 4)))", "true"),
        ("(= (rho 2 2 (iota 4)) (rho 4 1 (iota 4)))", "nil"),
        ("(= 1,2i 1,2i)", "true"), ("(= 1 1 2)", "nil"), ("(!= 1 2 1)", "true"),
        ("(neq 1 2 1)", "nil"), ("(= (seti 1 2) (seti 2 1))", "true"),
        ("(= '(1 . 2) '(1 . 2))", "true"), ("(= '(1 . 2) '(1 . 3))", "nil"),
        ("(= b\"a\" \"a\")", "true"),
    ],
)  # fmt: skip
def test_equality(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(eq 4 4.0)", "true"), ("(eq 4 4.5)", "nil"), ("(eq 4 \"4\")", "nil"),
        ("(eq 'ab \"ab\")", "nil"), ("(eq '(1) '(1))", "nil"), ("(eq () ())", "true"),
        ("(eq nil ())", "true"), ("(eq true 1)", "nil"), ("(eq nil false)", "true"),
        ("(setq l '(1 2 3)) (eq (cdr l) (cdr l))", "true"), ("(eq 'a 'a 'b)", "nil"),
        ("(eq (integers 1 2) (integers 1 2))", "true"),
        ("(eq (integers 1 2) (numbers 1 2))", "nil"), ("(setq d {\"a\":1}) (eq d d)", "true"),
    ],
)  # fmt: skip
def test_identity(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(< 1 1.5)", "true"), ("(< 1 1.5 1.25)", "nil"), ("(<= 1 3 3)", "true"),
        ("(> 9 5 1)", "true"), ("(>= 1 1.9)", "nil"), ("(< \"apple\" \"banana\")", "true"),
        ("(< \"Z\" \"a\")", "true"), ("(< \"10\" 9)", "true"), ("(< 4 \"5\")", "true"),
        ("(< 4 \"b\")", "nil"), ("(< 'a 'b)", "nil"), ("(< nil nil)", "nil"),
        ("(< '(4) '(5))", "true"), ("(< '(1 2) '(1 2 0))", "true"),
        ("(< '(1 (2 9)) '(1 (3 0)))", "true"),
        ("(>= '(2) (integers 1 9))", "true"), ("(>=< 4 4.5)", "-1"), ("(>=< \"b\" \"a\")", "1"),
        ("(>=< 3 3)", "0"), ("(>=< 'a 'b)", "nil"), ("(< 1,2i 2,3i)", "nil"),
        ("(sort '< (list 2 1.5 1 1.2))", "(1 1.2 1.5 2)"),
        ("(sort '< '((4) (5) (3)))", "((3) (4) (5))"),
    ],
)  # fmt: skip
def test_order(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(== 4 4)", "1"), ("(== 4 4.5)", "0"), ("(== '(4 5 6) '(4 0 6))", "(1 0 1)"),
        ("(== '(1 2) 1)", "(1 0)"), ("(== 1 '(1 2))", "0"), ("(== '(1 2) '(1 2 3))", "0"),
        ("(type (== (integers 1) (integers 1)))", "integers_"),
        ("(type (== '(1) '(1)))", "list_"),
        ("(== (rho 2 2 (iota 4)) (rho 2 2 (iota 2)))", "((1 1) (0 0))"),
        ("(== (rho 2 2 (iota 4)) 2)", "((0 1) (0 0))"), ("(== nil nil)", "1"),
    ],
)  # fmt: skip
def test_matches(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(max 1 2.5)", "2.5"), ("(type (max 3 2.5))", "integer_"), ("(max 4.5 4 4.2)", "4.5"),
        ("(max '(4 8 1))", "8"), ("(min (floats 4.5 2.5))", "2.5"), ("(max ())", "nil"),
        ("(max \"pear\" \"fig\")", "pear"), ("(type (max (floats 4 9)))", "float_"),
        ("(type (max (shorts 4 9)))", "short_"), ("(max (seti 4 9))", "9"),
        ("(max {\"a\":1 \"b\":3})", "3"), ("(max (rho 2 2 (iota 4)))", "4"),
        ("(minmax 6 4 9)", "(4 9)"), ("(minmax (strings \"q\" \"p\"))", "(\"p\" \"q\")"),
        ("(type (minmax (integers 6 4)))", "integers_"), ("(minmax ())", "nil"),
        ("(max (integers (iota 5000)))", "5000"), ("(min (numbers (iota 5000)))", "1"),
    ],
)  # fmt: skip
def test_largest_and_smallest(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(max 5)", "cannot find the maximum for this object"),
        ("(min 4)", "cannot find the minimum for this object"),
        ("(minmax 4)", "cannot find the minmax for this object"),
        ("(max nil)", "cannot find the maximum for this object"),
        ("(max)", None), ("(= 1)", None), ("(<)", None), ("(== 1 1 1)", None),
    ],
)  # fmt: skip
def test_errors(program: str, message: str | None) -> None:
    with pytest.raises(LispError) as caught:
        LispE().eval(program)
    assert message is None or caught.value.message == message


scalars = st.integers(-5, 5) | st.floats(-5, 5) | st.text("ab1", max_size=2)
trees = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(List), max_leaves=8)


@given(trees, trees)
def test_order_agrees_with_equality(a: Any, b: Any) -> None:
    there, back = order(a, b), order(b, a)
    if isinstance(a, List) and isinstance(b, List) and there is not None and back is not None:
        assert there == -back
    if not isinstance(a, str) and there == 0:
        assert equal(a, b)


@given(st.lists(st.integers(-3, 3), max_size=4), st.lists(st.integers(-3, 3), max_size=4))
def test_lists_are_ordered_as_python_orders_them(a: list[int], b: list[int]) -> None:
    assert order(List(a), Integers(b)) == (a > b) - (a < b)
    assert (equal(Numbers(a), LinkedList(b)) is True) == (a == b)
    assert (equal(Integers(a), Numbers(b)) is True) == (a == b)


def test_nan_equals_nothing() -> None:
    assert equal(math.nan, math.nan) is None
    nan = List([math.nan])
    assert equal(nan, List(nan)) is None
    assert same(math.nan, math.nan) is None
    assert order(math.nan, 1.0) is None


def test_depth_does_not_matter() -> None:
    a: Any = List()
    b: Any = List()
    for _ in range(200_000):
        a, b = List([1, a]), List([1, b])
    assert equal(a, b) is True
    assert order(a, b) == 0
    b[1][1][0] = 2
    assert equal(a, b) is None
    assert order(a, b) == -1
    # Unwound by hand: freeing them recursively is Python's own business.
    for top in (a, b):
        while top:
            top = top.pop() if len(top) > 1 else None


def test_circles_end() -> None:
    a, b = List([1]), List([1])
    a.append(a)
    b.append(b)
    assert equal(a, b) is True


def test_values_of_python() -> None:
    assert equal([1, 2], (1, 2)) is True
    assert equal(Dictionary(a=1), {"a": 1}) is True
    assert equal(Dictionary(), DictionaryI()) is None
    assert not_equal(Symbol("a"), Symbol("b")) is True
    assert same(rest(List([1])), None) is True
    assert equal(SetI([1]), List([1])) is None
    assert matches(Strings(["a", "b"]), List(["a", "c"])) == Integers([1, 0])
    assert equal(Floats([0.5]), Numbers([0.5])) is True
    assert equal(2**70, 2.0**70) is True


@pytest.mark.parametrize(
    "x", [6, -6, 7, -7, 0, 6.5, 6.0, "(float 4)", "(integers 3 4)", "(short 9)"]
)
@pytest.mark.parametrize("y", [3, -3, 2, 2.5])
def test_what_divides(x: object, y: object) -> None:
    lisp = LispE()
    lisp.eval("(defun r(x y) (% x y))")
    tests = "(= 0 (% x y)) (= (% x y) 0) (eq 0 (% x y)) (!= 0 (% x y)) (neq (% x y) 0)"
    lisp.eval(f"(defun f(x y) (list {tests}))")
    expected = "(list (= 0 r) (= r 0) (eq 0 r) (!= 0 r) (neq r 0))"
    found = lisp.show(lisp.eval(f"(f {x} {y})"))
    assert found == lisp.show(lisp.eval(f"(setq r (r {x} {y})) {expected}"))


@pytest.mark.parametrize(
    ("form", "message", "column"),
    [("(= 0 (% x 0))", "division by zero", 18), ('(= 0 (% "a" x))', "cannot evaluate '%'", 18)],
)
def test_what_does_not_divide(form: str, message: str, column: int) -> None:
    with pytest.raises(LispError, match=message) as caught:
        LispE().eval(f"(defun f(x) {form}) (f 6)")
    assert caught.value.column == column
