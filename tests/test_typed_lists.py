"""Typed lists: what they hold, what they convert, what they refuse."""

from __future__ import annotations

import copy
import pickle
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.runtime.convert import leading_number
from lispe_py.runtime.sequence import typed
from lispe_py.values.typed import Floats, Integers, Numbers, Shorts, Stringbytes, Strings, section


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize("cls", [Integers, Shorts, Floats, Numbers])
def test_parts_copies_and_pickles_keep_the_class(cls: type[Any]) -> None:
    value = cls([1, 2, 3, 4])
    for other in (
        section(value),
        copy.copy(value),
        copy.deepcopy(value),
        pickle.loads(pickle.dumps(value)),
        section(value, 0, 2) + section(value, 2),
        cls(value[:]),
    ):
        assert other.__class__ is cls
        assert other == value
        assert other is not value
    assert section(value, 1, 3).tolist() == [2, 3]
    assert section(value, step=-2).tolist() == [4, 2]
    assert section([1, 2, 3], 1) == [2, 3]
    assert value[-1] == 4


def test_members_are_python_numbers() -> None:
    assert type(Integers([7])[0]) is int
    assert type(Numbers([7])[0]) is float
    assert Floats([0.1])[0] == struct.unpack("f", struct.pack("f", 0.1))[0]


def test_memory_is_that_of_an_array() -> None:
    assert Integers().itemsize == 8
    assert Shorts().itemsize == 2
    assert not hasattr(Integers(), "__dict__")


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(integers 3 4.9 -4.9)", "(3 4 -4)"),
        ('(integers "17" "x" "8z" b"31")', "(17 0 8 31)"),
        ("(integers 'sym nil true)", "(1 0 1)"),
        ("(integers '(5 (6 (7 8))) 8.9 '())", "(5 6 7 8 8)"),
        ("(integers 3,4i)", "(3)"),
        ("(integers (seti 9 4))", "(4 9)"),
        ("(integers {4:5})", "(0)"),
        ('(numbers "2e2" "0x1F" "-1.5kg" " 7")', "(200 31 -1.5 7)"),
        ("(floats 0.1 1)", "(0.1 1)"),
        ("(strings 1.5 (/ 1 3) 'a nil '(2 (3)) \"s\")", '("1.5" "0.333333" "a" "nil" "2" "3" "s")'),
        ("(stringbytes 6 'z \"q\")", '("6" "z" "q")'),
        ("(setq l (integers 4)) (push l \"12\" \"ab\" 6.9 '(1)) l", "(4 12 0 6 0)"),
        ("(setq l (strings \"a\")) (push l '(3 4)) l", '("a" "(3 4)")'),
        ("(setq l (integers 4 5 6)) (set@ l 1 \"q\") l", "(4 0 6)"),
        ("(setq l (integers 4 5)) (insert l 7.9 1) l", "(4 7 5)"),
        ("(cons \"k\" (integers 8 9))", "(0 8 9)"),
        ("(setq x (integers 7)) (nconc x '(8.5 \"z\")) x", "(7 8 0)"),
        ("(list (type (car (shorts 1))) (type (car (floats 1))) (type (@ (numbers 1) 0)))",
         "(short_ float_ number_)"),
        ("(type (cdr (floats 1 2)))", "floats_"),
    ],
)  # fmt: skip
def test_conversions(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    "program",
    [
        "(shorts 32768)",
        "(shorts -32769)",
        "(setq l (shorts 1)) (push l 70000)",
        "(setq l (integers 1)) (push l 9223372036854775808)",
        "(setq l (integers 1)) (set@ l 0 -9223372036854775809)",
        "(integers 1e30)",
        '(integers (number "1e400"))',
        "(insert (shorts 1) 40000 0)",
        "(iota 9223372036854775809)",
    ],
)
def test_what_does_not_fit_is_refused(program: str) -> None:
    with pytest.raises(LispError):
        shown(program)


def test_the_error_names_value_and_list() -> None:
    with pytest.raises(LispError, match="70000 does not fit in 'shorts'"):
        shown("(shorts 70000)")


def test_limits_are_accepted() -> None:
    assert shown("(integers 9223372036854775807 -9223372036854775808)") == (
        "(9223372036854775807 -9223372036854775808)"
    )
    assert shown("(shorts 32767 -32768)") == "(32767 -32768)"


@given(st.lists(st.floats(-1e9, 1e9), max_size=3000))
def test_long_and_short_lists_convert_alike(values: list[float]) -> None:
    assert list(typed(Integers, Numbers(values))) == [int(v) for v in values]


def test_conversion_of_a_long_list_checks_its_range() -> None:
    long = Numbers([0.5] * 5000 + [40000.0])
    with pytest.raises(LispError, match="40000"):
        typed(Shorts, long)
    with pytest.raises(LispError, match="does not fit|no integer"):
        typed(Integers, Numbers([float("nan")] * 5000))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42abc", 42), ("abc", 0), ("0x1F", 31), ("-0x1F", -31), ("0b101", 5), (".5", 0),
        ("+3", 3), ("--3", 0), ("- 3", 0), ("2e-2x", 0.02), ("1e", 1), ("1.2.3", 1.2),
        ("\t\n5", 5), ("inf", 0), ("", 0), ("٣", 0),
    ],
)  # fmt: skip
def test_leading_number(text: str, number: float) -> None:
    found = leading_number(text)
    assert found == number
    assert type(found) is type(number)


def test_a_number_may_have_many_digits() -> None:
    assert leading_number("1" * 5000) == (10**5000 - 1) // 9


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(list (integer 'abc) (integer nil) (integer true) (integer '(1 2)) (integer 3,4i))",
         "(1 0 1 0 3)"),
        ("(list (number \"2.5kg\") (number 'a) (number '(1)))", "(2.5 1 0)"),
        ("(list (short 40000) (short \"70000\") (type (short 1)))", "(-25536 4464 short_)"),
        ("(list (type (float 1)) (float \"0.1\"))", "(float_ 0.1)"),
        ("(list (string 2.0) (string '(1 \"a\")) (string nil) (string 'k))",
         r'("2" "(1 \"a\")" "nil" "k")'),
        ("(list (atom \"name\") (type (atom 5)) (atom nil))", "(name atom_ nil)"),
        # An atom made while the program runs has the meaning that link gave to its name.
        ("(link \"dans\" 'in) (list (atom \"dans\") (to_list \"dans (b dans)\") (apply (atom 'dans) '(\"ab\" \"b\")))",
         "(in (in (b in)) true)"),
        ("(link \"True\" true) (mapcar 'atom '(\"True\" \"False\"))", "(true False)"),
        ("(type (stringbyte 4))", "stringbyte_"),
        ("(bytes b\"é\")", "(195 169)"),
    ],
)  # fmt: skip
def test_scalar_converters(program: str, expected: str) -> None:
    assert shown(program) == expected


def test_infinity_has_no_integer() -> None:
    with pytest.raises(LispError):
        shown('(integer (number "1e999"))')


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(list (iota 5) (iota0 3) (iota 0) (iota -4))", "((1 2 3 4 5) (0 1 2) () ())"),
        ("(list (iota 3.5) (type (iota 3.0)) (iota0 2.25))", "((1.5 2.5 3.5) numbers_ (0.25 1.25))"),
        ("(iota 3 2)", "((1 2 3) (1 2))"),
        ("(range 2 9 2)", "(2 4 6 8)"),
        ("(range 9 2 -2)", "(9 7 5 3)"),
        ("(range 9 2 2)", "(9 7 5 3)"),
        ("(range 2 9 -2)", "()"),
        ("(range 0 1 0.25)", "(0 0.25 0.5 0.75)"),
        ("(range 1 2 0.1)", "(1 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9)"),
        ("(range 6)", "(0 1 2 3 4 5)"),
        ('(range "c" "g" 2)', '("c" "e" "g")'),
        ('(range "g" "c" -2)', '("g" "e" "c")'),
        ("(rangein 2 10 2)", "(2 4 6 8 10)"),
        ("(rangein 10 2 -4)", "(10 6 2)"),
        ("(rangein 0 10 3)", "(0 3 6 9)"),
        ("(rangein 0 1 0.1)", "(0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1)"),
        ("(rangein 4 4 1)", "(4)"),
        ("(list (rangein 5 5 -1) (rangein 5.5 5.5 -1))", "((5) (5.5))"),
        ("(list (range 5 5 -1) (rangein 4 5 -1))", "(() ())"),
        ("(list (map '+ (irange 9 2 2)) (map '+ (irangein 9.5 2 2)) (range 9 2 2))", "(() () (9 7 5 3))"),
        ("(type (range 2.0 5 1))", "numbers_"),
        ("(map '(+ 0) (irange 4 7 1))", "(4 5 6)"),
        ("(map '(+ 0) (irangein 6 4 -1))", "(6 5 4)"),
        ("(take 3 (irange 4 -2))", "(4 2 0)"),
    ],
)  # fmt: skip
def test_ranges(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize("program", ["(range 1 5 0)", "(rangein 1 5 0)", "(irange 1 0)"])
def test_a_step_of_zero_is_an_error(program: str) -> None:
    with pytest.raises(LispError, match="step"):
        shown(program)


def test_a_sequence_without_end_is_no_list() -> None:
    for program in ("(size (irange 1 1))", "(to_list (irange 1 1))", "(mapcar '- (irange 1 1))"):
        with pytest.raises(LispError, match="composed"):
            shown(program)


def test_text_kinds() -> None:
    assert Strings(["a"]).kind == "strings"
    assert Stringbytes([b"a"]).atom == "stringbytes_"


MEMBERS = """
(defun put(l i v) (set@ l i v) l)
(defun add(l i v) (+= (@ l i) v) l)
(defun one(l) (+= (@ l 0) 1) l)
(defun get_(l i) (@ l i))
(defun row(l i j) (@ l i j))
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(put (integers 1 2) 0 5)", "(5 2)"),
        ("(put (integers 1 2) 1 5.7)", "(1 5)"),
        ("(put (integers 1 2) -1 5)", "(1 5)"),
        ("(put (integers 1 2) 2 9)", "(1 2 9)"),
        ('(put (integers 1 2) 0 "7")', "(7 2)"),
        ("(put (numbers 1 2) 0 5)", "(5 2)"),
        ("(put (numbers 1 2) 0 5.5)", "(5.5 2)"),
        ("(put (floats 1 2) 0 5.5)", "(5.5 2)"),
        ("(put (shorts 1 2) 0 5)", "(5 2)"),
        ("(add (integers 1 2) 0 5)", "(6 2)"),
        ("(add (integers 1 2) 1 5.7)", "(1 7)"),
        ("(add (integers 1 2) -1 5)", "(1 7)"),
        ("(add (integers 1 2) 2 9)", "(1 2 9)"),
        ("(add (numbers 1 2) 0 5.5)", "(6.5 2)"),
        ("(add (numbers 1 2) 0 5)", "(6 2)"),
        ("(add (shorts 1 2) 0 5)", "(6 2)"),
        ("(one (integers 1 2))", "(2 2)"),
        ("(one (numbers 1.5 2))", "(2.5 2)"),
        ("(get_ (integers 1 2) -1)", "2"),
        ("(get_ (integers 1 2) 1.7)", "2"),
        ("(type (get_ (floats 0.5 2) 0))", "float_"),
        ("(type (get_ (shorts 1 2) 0))", "short_"),
        ("(row (list (integers 4 5) (numbers 0.5)) 0 1)", "5"),
    ],
)
def test_members_in_functions(program: str, expected: str) -> None:
    assert shown(MEMBERS + program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(get_ (integers 1 2)\n 2)", "index out of bounds"),
        ("(put (integers 1 2) 0 100000000000000000000)", "does not fit in 'integers'"),
        ("(add (integers 9223372036854775807) 0 1)", "does not fit in 'integers'"),
    ],
)
def test_errors_of_members_in_functions(program: str, message: str) -> None:
    with pytest.raises(LispError, match=message) as caught:
        LispE().eval(MEMBERS + program)
    assert caught.value.line in (2, 3, 5)
