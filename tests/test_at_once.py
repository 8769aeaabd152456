"""Whole-list work gives exactly what the work member by member gives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

from lispe_py import LispE
from lispe_py.builtins import reorder
from lispe_py.runtime import at_once, vector
from lispe_py.runtime.parts import PART
from lispe_py.values.lists import List
from lispe_py.values.matrix import Grid, Matrix, Tensor
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import Floats, Integers, Numbers, Shorts, Strings

TOP = (1 << 63) - 1
LISTS: list[Any] = [
    Integers(), Integers((7,)), Integers((3, -1, 3, 0, 5, -1)), Integers((TOP, 1, -TOP - 1, TOP)),
    Integers(range(-150, 150)), Integers([TOP // 2] * 300), Shorts([30000, -30000, 5, 5] * 80),
    Shorts((1, 2, 1)), Shorts(i % 7 for i in range(250)),
    Numbers((0.5, -0.0, 0.0, 0.5, math.inf)), Numbers((math.nan, 1.0, math.nan, 2.0)),
    Numbers(i / 7 for i in range(300)), Numbers([1e308] * 250), Numbers((1.0000001, 1.0000002, 1.0)),
    Floats((0.1, 0.1, 2.5)), Floats(i / 3 for i in range(260)), Floats([3e38] * 210),
    List((1, 2, 1, 3)), List((0.5, 0.25)), List((1, 0.5)), List(range(40)), List((10**30, 4)),
    List(("b", "a", "b")), List((1, "1", 1.0)), List((List((1, 2)), List((3, 4)))),
    Strings(("u", "v", "u")),
]  # fmt: skip
FOLDS = ["+", "-", "*", "max", "min"]
TABLES = ["+", "-", "*", "=", "!=", "<", "<=", ">", ">=", "==", "eq", "neq"]


def described(value: Any) -> Any:
    """Everything by which two values may differ: classes, shapes, members to the bit."""
    if isinstance(value, Grid):
        return type(value), value.kind, value.shape, described(value.buffer)
    if isinstance(value, (list, Integers, Shorts, Numbers, Floats)):
        return type(value), [described(m) for m in value]
    return type(value), repr(value)


def outcome(action: Callable[[], Any]) -> Any:
    try:
        return described(action())
    except Exception as error:  # noqa: BLE001  both ways must fail alike
        return type(error), str(error)


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], tuple[Any, Any]]:
    """The outcome with the quick ways, and without them."""
    import numpy  # noqa: F401  lists of a few hundred members go through it

    def run(action: Callable[[], Any]) -> tuple[Any, Any]:
        quick = outcome(action)
        with monkeypatch.context() as patch:
            for name in ("running", "folded", "distinct", "products", "equal_members"):
                patch.setattr(at_once, name, lambda *a, **k: None)
            patch.setattr("lispe_py.runtime.compare.equal_members", lambda *a: None)
            slow = outcome(action)
        return quick, slow

    return run


@pytest.mark.parametrize("name", ["scan", "backscan", "reduce", "backreduce"])
def test_folds(name: str, both: Any) -> None:
    lisp = LispE()
    for operator, items in itertools.product(FOLDS, LISTS):
        if name == "reduce" and items.__class__ in (Numbers, Floats) and operator == "+":
            continue  # a sum of numbers, which numpy adds by pairs, is no matter of this file
        quick, slow = both(lambda: lisp.call(name, Symbol(operator), items))  # noqa: B023
        assert quick == slow, (operator, items)


def test_unique(both: Any) -> None:
    lisp = LispE()
    for items in LISTS:
        quick, slow = both(lambda: lisp.call("unique", items))  # noqa: B023
        assert quick == slow, items


@pytest.mark.parametrize(
    "items",
    [
        Integers([5, -3, 5, 0, -3] * 800),
        Integers([1 << 62, -(1 << 62), 7] * 1000),
        Integers([(1 << 63) - 1, (1 << 63) - 2, (1 << 63) - 1] * 1000),
        Shorts([32767, -32768, 0, -1] * 10000),
    ],
)
def test_unique_of_long_lists(items: Any) -> None:
    found = LispE().call("unique", items)
    assert found.__class__ is items.__class__
    assert found.tolist() == list(dict.fromkeys(items.tolist()))


@pytest.mark.parametrize("operator", TABLES)
def test_products(operator: str, both: Any) -> None:
    lisp = LispE()
    for left, right in itertools.product(LISTS, LISTS):
        if len(left) * len(right) > 6000:
            continue
        quick, slow = both(lambda: lisp.call("°", Symbol(operator), left, right))  # noqa: B023
        assert quick == slow, (left, right)


def test_matches(both: Any) -> None:
    lisp = LispE()
    others = [3, 0.5, 1 / 3, 0.1, TOP, 10**30, math.nan, "3", None, *LISTS]
    others += [1 << 53, (1 << 53) + 1, float(1 << 53)]
    for left, right in itertools.product(LISTS, others):
        quick, slow = both(lambda: lisp.call("==", left, right))  # noqa: B023
        assert quick == slow, (left, right)


def _rows_turned(grid: Grid, steps: int, rows: bool) -> Any:
    """By nested lists."""
    nested = grid.nested()

    def turned(items: Any, depth: int) -> Any:
        if depth and not rows:
            return [turned(item, depth - 1) for item in items]
        count = steps % len(items)
        return items[count:] + items[:count]

    return turned(nested, len(grid.shape) - 1)


@pytest.mark.parametrize("rows", [None, True])
@pytest.mark.parametrize("steps", [-7, -1, 0, 1, 2, 5])
def test_rotated_matrices(steps: int, rows: Any) -> None:
    for grid in (
        Matrix("integers", (3, 4), Integers(range(12))),
        Matrix("integers", (20, 15), Integers(range(300))),
        Matrix("numbers", (1, 5), Numbers(range(5))),
        Matrix("strings", (2, 2), Strings("abcd")),
        Tensor("shorts", (2, 3, 2), Shorts(range(12))),
    ):
        before = described(grid)
        found = reorder.rotate(grid, steps, rows)
        assert found.nested() == _rows_turned(grid, steps, rows is True)
        assert (type(found), found.kind, found.shape) == (type(grid), grid.kind, grid.shape)
        assert described(grid) == before
        found.fill(found.buffer[:])
        assert described(grid) == before


def test_rotated_lists() -> None:
    for items in LISTS:
        for steps in (-400, -1, 0, 1, 3):
            plain = list(items)
            count = steps % len(plain) if plain else 0
            expected = plain[count:] + plain[:count]
            found = reorder.rotate(items, steps)
            assert found is not items
            assert repr(list(found)) == repr(expected)
            assert type(found) is type(items)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("(== m 3)", "((0 0) (1 0)) matrix_integer_"),
        ('(== m "3")', "((0 0) (1 0)) matrix_integer_"),
        ("(== f 3)", "((0 0) (1 0)) matrix_number_"),
        ("(== (rho 2 2 (shorts 1 2 3 4)) 3)", "((0 0) (1 0)) matrix_short_"),
        ("(== m m)", "((1 1) (1 1)) list_"),
        ("(== m '((1 2) (3 5)))", "((1 1) (1 0)) list_"),
        ("(* (== m 3) m)", "((0 0) (3 0)) matrix_integer_"),
        ("(+ (== f 3) 1)", "((1 1) (2 1)) matrix_number_"),
        (
            "(== (rho 2 2 2 (integers (iota 8))) 3)",
            "(((0 0) (1 0)) ((0 0) (0 0))) tensor_integer_",
        ),
    ],
)
def test_equality_of_a_matrix(form: str, expected: str) -> None:
    # Each as the reference answers.
    lisp = LispE()
    lisp.eval("(setq m (rho 2 2 (integers 1 2 3 4))) (setq f (rho 2 2 (numbers 1 2 3 4)))")
    found = lisp.eval(form)
    assert f"{lisp.show(found)} {lisp.call('type', found)}" == expected


def test_the_quick_ways_are_taken() -> None:
    long = Integers(range(5000))
    assert vector.use_numpy(len(long))
    assert at_once.running(Symbol("+"), long) is not None
    assert at_once.products(Symbol("*"), Integers(range(100)), Integers(range(100))) is not None
    assert at_once.equal_members(long, 3) is not None
    assert at_once.distinct(long) is not None


@pytest.mark.parametrize("size", [0, 1, 499, 500, 501, PART, PART * 2 + 3])
def test_sums_of_integers_are_exact(size: int) -> None:
    for step in (1, -3, TOP // 5, -(TOP // 7)):
        items = [(i * 7919) % 5 * step for i in range(size)]
        assert vector.total(Integers(items)) == sum(items)
        small = [item % 1000 - 500 for item in items]
        assert vector.total(Shorts(small)) == sum(small)
