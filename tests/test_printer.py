"""The printed form of every kind of value."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.printer import display, integer, show
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.values.dictionaries import Dictionary, DictionaryTree
from lispe_py.values.linked import Cell, LinkedList
from lispe_py.values.lists import List, Tail, rest
from lispe_py.values.records import Stream
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.sets import Set
from lispe_py.values.symbol import NOTHING, Symbol
from lispe_py.values.typed import Floats, Numbers, Strings


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nil"), (True, "true"), (5, "5"), (-5, "-5"), (Short(7), "7"),
        (2.0, "2"), (1 / 3, "0.333333"), (1234567.0, "1.23457e+06"), (1e10, "1e+10"),
        (1e-5, "1e-05"), (123456.7, "123457"), (999999.5, "1e+06"), (-0.0, "-0"),
        (math.inf, "inf"), (-math.inf, "-inf"), (Float32(0.1), "0.1"),
        (1 + 2j, "1,2i"), (1j, "0,i"), (-1j, "-0,-i"), (1.5 - 2j, "1.5,-2i"), (complex(1.5, 0), "1.5,0i"),
        (Symbol("a->b"), "a->b"), (NOTHING, ""),
        ("", '""'), ("a\"b\\c\n", '"a\\"b\\c\n"'), (b"by\"e", '"by\\"e"'),
        (List(), "()"), (List([1, "a", Symbol("b"), None]), '(1 "a" b nil)'),
        (List([Symbol("quote"), Symbol("k")]), "'k"),
        (List([Symbol("quote")]), "(quote)"),
        (List([Symbol("quote"), "s"]), "'\"s\""),
        (LinkedList([1, 2]), "(1 2)"), (LinkedList([7, 8], 9), "(7 8 . 9)"),
        (LinkedList([7], "x"), '(7 . "x")'),
        (Strings(['q"r']), '("q\\"r")'), (Floats([0.5, 0.1]), "(0.5 0.1)"),
        (Numbers([1e10, 1e-7]), "(1e+10 1e-07)"),
        (Dictionary(), "{}"), (Dictionary({'a"b': 1}), '{"a\\"b":1}'),
        (DictionaryTree({"n": "s", "m": List(["t"])}), '{"m":("t") "n":"s"}'),
        (Set({"a": "a", "(1 2)": List([1, 2])}), "{a (1 2)}"),
        (Tail(List([1, 2, 3]), 1), "(2 3)"),
    ],
)  # fmt: skip
def test_show(value: object, text: str) -> None:
    assert show(value) == text


def test_strings_are_bare_at_top_level_only() -> None:
    assert display("a") == "a"
    assert display(b"a") == "a"
    assert display(List(["a"])) == '("a")'


@given(st.integers())
def test_integers(value: int) -> None:
    assert integer(value) == str(value)


@pytest.mark.parametrize("digits", [4000, 4301, 10_000, 33_333])
@pytest.mark.parametrize("sign", [1, -1])
def test_integers_of_many_digits(digits: int, sign: int) -> None:
    # Built digit by digit, so that nothing is shared with the function under test.
    block = "7012340008"
    expected = (block * (digits // 10 + 1))[:digits]
    value = 0
    for start in range(0, digits, 10):
        part = expected[start : start + 10]
        value = value * 10 ** len(part) + int(part)
    text = integer(sign * value)
    assert text == ("-" if sign < 0 else "") + expected


def test_a_power_of_ten_keeps_its_zeros() -> None:
    assert integer(10**9000) == "1" + "0" * 9000


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_have_six_digits(value: float) -> None:
    text = show(value)
    assert len(text.partition("e")[0].lstrip("-").replace(".", "").lstrip("0")) <= 6
    assert float(text) == pytest.approx(value, rel=1e-5, abs=5e-324)


def test_a_list_inside_itself_shows_dots() -> None:
    items = List([1])
    items.append(items)
    assert show(items) == "(1 ...)"
    inner = List([items])
    assert show(inner) == "((1 ...))"


def test_a_list_met_twice_is_printed_twice() -> None:
    items = List([1])
    assert show(List([items, items])) == "((1) (1))"


def test_a_window_is_no_circle_unless_it_holds_itself() -> None:
    items = List([1, 2, 3])
    items[0] = rest(items)
    assert show(items) == "((2 3) 2 3)"


def test_circles_of_other_kinds() -> None:
    dictionary = Dictionary()
    dictionary["me"] = dictionary
    assert show(dictionary) == '{"me":...}'
    ring = LinkedList([4, 5])
    last = ring.last()
    assert isinstance(last, Cell)
    last.next = ring.head
    assert show(ring) == "(4 5 ...)"


def test_depth_is_no_limit() -> None:
    value = List([1])
    for _ in range(100_000):
        value = List([value])
    assert show(value) == "(" * 100_001 + "1" + ")" * 100_001


def test_functions_show_their_definition() -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval("(defun f(a (b 2)) (* a b)) f")) == "(defun f (a (b 2)) (* a b))"
    assert lisp.show(lisp.eval("(list (lambda (x) (list x \"s\" 'q)))")) == (
        "((λ (x) (list x \"s\" 'q)))"
    )


def test_foreign_values_show_as_their_adapter_says() -> None:
    class Point:
        pass

    class PointAdapter(Adapter):
        def show(self, value: Point) -> str:
            return "<point>"

    register_adapter(Point, PointAdapter())
    assert show(List([Point(), 1])) == "(<point> 1)"
    assert display(Point()) == "<point>"


def test_a_stream_cannot_be_shown() -> None:
    with pytest.raises(LispError, match="must be composed"):
        show(Stream(lambda: iter(())))


def test_python_containers_show_as_lists() -> None:
    assert show([1, (2, "a")]) == '(1 (2 "a"))'
    assert show({"k": [1]}) == '{"k":(1)}'
