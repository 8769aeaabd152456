"""Arithmetic: types of results, exactness, containers, errors."""

from __future__ import annotations

import math
import operator
import struct
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.runtime import arithmetic, vector
from lispe_py.runtime.arithmetic import OPERATIONS
from lispe_py.values.lists import List, rest
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.typed import Floats, Integers, Numbers, Shorts

add, subtract, multiply, divide, modulo, power = (
    OPERATIONS[symbol].apply for symbol in ("+", "-", "*", "/", "%", "^^")
)


def shown(program: str, **options: Any) -> str:
    lisp = LispE(**options)
    return lisp.show(lisp.eval(program))


def refusal(program: str) -> str:
    with pytest.raises(LispError) as caught:
        LispE().eval(program)
    return caught.value.message


# ---------------------------------------------------------------- scalars


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(+ 1 2.5)", "3"), ("(+ 2.5 1)", "3.5"), ("(- 1 2.5)", "-1"), ("(* -3 1.5)", "-4"),
        ("(* 2 0.75 2)", "2"), ("(+ 1 0.9 0.9)", "1"), ("(/ 9 2)", "4.5"), ("(/ 9 3)", "3"),
        ("(% -17 5)", "-2"), ("(% 17 -5)", "2"), ("(% 17.9 5)", "2"), ("(^^ 2 -2)", "0.25"),
        ("(^^ 2 3 2)", "64"), ("(list (^^ 0 -1) (^^ -2 10001))", "(inf -inf)"), ("(<< 3 4)", "48"), ("(>> -16 2)", "-4"), ("(&~ 12 10)", "4"),
        ("(+ \"a\" 1 2.0 nil 'b)", "a12nilb"), ("(+ b\"a\" 5)", "a5"), ("(* 3 \"4\")", "12"),
        ("(* 3 nil)", "0"), ("(* 3 (= 1 1) 2)", "6"),
        ("(list (* (integers 5 6) true) (- (numbers 5) true) (/ (floats 5) true))", "((5 6) (4) (5))"),
        ("(+ 5 1,2i)", "6,2i"), ("(* 0,1i 0,1i)", "-1,0i"),
        ("(list (+ 1,2i \"3\") (- 1,2i \"3x\") (* '(1,2i) \"3\") (/ 1,2i b\"2\") (^^ 1,2i \"2\"))",
         "(4,2i -2,2i (3,6i) 0.5,i -3,4i)"),
        ("(/ 3,6i 3)", "1,2i"), ("(^^ 2,i 2)", "3,4i"), ("(% 7 3,2i)", "1"),
        ("(~ 12)", "-13"), ("(! 25)", "15511210043330985984000000"), ("(! 3.9)", "6"),
        ("(sign -4)", "4"), ("(signp -0.5)", "-1"),
    ],
)  # fmt: skip
def test_scalars(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(+ 4 2.5)", "integer_"), ("(+ 2.5 4)", "number_"), ("(/ 9 3)", "number_"),
        ("(/ 9 (float 2))", "float_"), ("(/ (float 9) 2.5)", "float_"), ("(^^ 2 3)", "number_"),
        ("(* (short 4) 5)", "short_"), ("(+ (float 1.5) 2)", "float_"), ("(% 7.5 3)", "number_"),
        ("(+ 1.0 (float 2.5))", "number_"), ("(/ (short 9) 2)", "number_"),
        ("(+ 5 1,2i)", "complex_"), ("(+ \"a\" 1)", "string_"), ("(& 5.0 3)", "number_"),
        ("(! 5.0)", "integer_"), ("(+ (short 1) 1,2i)", "complex_"),
    ],
)  # fmt: skip
def test_the_first_operand_decides_the_type(program: str, expected: str) -> None:
    assert shown(f"(type {program})") == expected


@given(st.integers(-(10**30), 10**30), st.floats(-1e30, 1e30))
def test_an_integer_and_a_number_are_cut_toward_zero(a: int, b: float) -> None:
    exact = math.trunc(Fraction(a) + Fraction(b))
    assert add(a, b).__class__ is int
    # Small integers are computed as numbers; then the nearest number is what is cut.
    assert add(a, b) == (exact if abs(a) >= 1 << 53 else math.trunc(a + b))


def test_integers_beyond_numbers_are_exact() -> None:
    big = 2**53 + 1
    assert add(big, 1.0) == 2**53 + 2
    assert subtract(big, 0.5) == 2**53
    assert multiply(big, 2.0) == 2 * big
    assert add(10**400, 1) == 10**400 + 1


@given(st.integers(), st.integers().filter(bool))
def test_remainder_has_the_sign_of_the_dividend(a: int, b: int) -> None:
    assert modulo(a, b) == int(math.copysign(1, a)) * (abs(a) % abs(b))


def test_shorts_wrap_and_floats_round() -> None:
    assert add(Short(32767), 1) == -32768
    assert add(Short(32767), 1).__class__ is Short
    result = add(Float32(0.1), 0.2)
    assert result.__class__ is Float32
    assert float(result) == struct.unpack("f", struct.pack("f", float(Float32(0.1)) + 0.2))[0]


def test_bits_of_a_number_that_is_no_integer() -> None:
    def bits(x: float) -> int:
        found: int = struct.unpack("<q", struct.pack("<d", x))[0]
        return found

    expected = struct.unpack("<d", struct.pack("<q", bits(7.5) | 7))[0]
    assert OPERATIONS["|"].apply(7.5, 7) == expected
    assert OPERATIONS["&"].apply(6.0, 3) == 2.0
    assert arithmetic.complement(5.5) == struct.unpack("<d", struct.pack("<q", ~bits(5.5)))[0]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(+ nil 1)", "cannot evaluate '+' with these operands"),
        ("(- \"a\" \"b\")", "cannot evaluate '-' with these operands"),
        ("(+ true 1)", "cannot evaluate '+' with these operands"),
        ("(+ {\"a\":1} 1)", "cannot evaluate '+' with these operands"),
        ("(& 4,5i 1)", "cannot evaluate '&' with these operands"),
        ("(% 4,5i 2)", "cannot evaluate '%' with these operands"),
        ("(+ 1 \"a\")", "cannot use this element in an arithmetic expression: 'a'"),
        ("(+ 2.5 nil)", "cannot use this element in an arithmetic expression: 'nil'"),
        ("(* 1.5 true)", "cannot use this element in an arithmetic expression: 'true'"),
        ("(% (integers 5) true)", "cannot use this element in an arithmetic expression: 'true'"),
        ("(+ 1 true)", "cannot use this element in an arithmetic expression: 'true'"),
        ("(+ '(4 5) \"w\")", "cannot use this element in an arithmetic expression: 'w'"),
        ("(/ 9 0)", "division by zero"), ("(/ 9.5 0.0)", "division by zero"),
        ("(% 5 0.5)", "division by zero"), ("(/ 3,6i 0)", "division by zero"),
        ("(/ '(4 5) 0)", "division by zero"),
        ("(/ (integers 4 5) (integers 2 0))", "division by zero"),
        ("(/ (numbers 4 5) 0)", "division by zero"),
        ("(+ 4)", "cannot apply '+' to one element"),
        ("(- \"a\")", "cannot apply '-' to one element"),
        ("(- (strings \"a\"))", "cannot apply '-' to a string"),
        ("(! -1)", "factorial of a negative number does not exists"),
        ("(! 1000000000)", "the result is too large"),
        ("(<< 1 1000000000)", "the result is too large"),
        ("(<< 1 -1)", "cannot shift by a negative number: -1"),
        ("(>> 1 -1)", "cannot shift by a negative number: -1"),
        ("(~ \"a\")", "cannot evaluate '~' for this operand"),
        ("(sign \"a\")", "Cannot invert this object"),
        ("(+ (integers 9223372036854775807) 1)", "9223372036854775808 does not fit in 'integers'"),
        ("(* (shorts 300) 200)", "60000 does not fit in 'shorts'"),
        ("(/ (shorts -32768) -1)", "32768 does not fit in 'shorts'"),
        ("(/ (! 400) 3)", None),
        ("(+ 1.5 (! 400))", None),
        ("(+ (seti 4 9) '((1 2)))", None),
    ],
)  # fmt: skip
def test_errors(program: str, message: str | None) -> None:
    found = refusal(program)
    assert message is None or found == message


def test_promotion_gives_numbers() -> None:
    assert shown("(+ 1 2.5)", promote=True) == "3.5"
    assert shown("(foldl '+ 0 '(0.5 0.5))", promote=True) == "1"
    assert shown("(foldl '+ 0 '(0.5 0.5))") == "0"
    assert shown("(+ '(1 2) 0.5)", promote=True) == "(1.5 2.5)"
    assert shown("(type (+ (integers 1) 0.5))", promote=True) == "integers_"


# ---------------------------------------------------------------- lists


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(+ '(4 5 6))", "15"), ("(- '(20 4 5))", "11"), ("(+ ())", "0"), ("(+ '(7))", "7"),
        ("(+ (strings \"u\" \"v\"))", "uv"), ("(/ (integers 90 4))", "22"),
        ("(+ '((1 2) (3 4)))", "(4 6)"), ("(- 10 '(1 2 3))", "(9 8 7)"),
        ("(- 10 '(0.5 0.25))", "(10 10)"), ("(- 10.5 '(4 5))", "(6.5 5.5)"),
        ("(- 10.5 (integers 4 5))", "(6 5)"), ("(/ 20 '(4 8))", "(5 2)"),
        ("(/ 20 (numbers 4 8))", "(5 2.5)"), ("(+ 2.5 '(4 5))", "(6 7)"),
        ("(* 3 '(1.5 2.5))", "(4.5 7.5)"), ("(* '(3 5) 1.5)", "(3 5)"),
        ("(/ '(4 5) 2)", "(2 2.5)"), ("(/ (integers 4 5) 2)", "(2 2)"),
        ("(+ '(4 5 6) '(10 20))", "(14 25 6)"), ("(+ '(4 5) '(10 20 30))", "(14 25)"),
        ("(+ '((1 2) (3 4)) '(10 20))", "((11 12) (23 24))"),
        ("(+ '(1 2) '((10 20) (30 40)))", "((11 21) (32 42))"),
        ("(+ (integers 4 9) '((4 9) (2 3)))", "((8 13) (11 12))"),
        ("(- (integers 4 5) (numbers 0.5 0.5))", "(3 4)"), ("(- (integers 10) 3.6)", "(7)"),
        ("(+ (integers 4 5) (strings \"6\" \"x\"))", "(10 5)"),
        ("(+ \"x\" '(1 (2 \"p\")))", "(\"x1\" (\"x2\" \"xp\"))"),
        ("(+ '(1 \"a\") 2)", "(3 \"a2\")"), ("(+ 7 (strings \"a\"))", "(\"a7\")"),
        ("(+ (seti 1 2) 2.5)", "{3 4}"), ("(+ (seti 1 2) '(10 20))", "{11 22}"),
        ("(- (llist 4 5) 1)", "(3 4)"), ("(+ (llist 1 2) '(10 20))", "(11 22)"),
        ("(^^ 2 '(1 2 3))", "(2 4 8)"), ("(^^ '(4 9) 0.5)", "(2 3)"),
        ("(^^ (integers 4 5) -1)", "(0 0)"), ("(& (integers 12 10) 8)", "(8 8)"),
        ("(+ () 5)", "()"), ("(+ 5 ())", "()"), ("(~ (integers 0 1))", "(-1 -2)"),
        ("(! '(3 4))", "(6 24)"), ("(sign '(1 -2))", "(-1 2)"),
        ("(+ (cdr '(1 2 3)) 1)", "(3 4)"),
    ],
)  # fmt: skip
def test_lists(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(- 2.5 '(4 5))", "numbers_"), ("(+ 2.5 '(4 5))", "list_"),
        ("(- 10 (shorts 4))", "shorts_"),
        ("(+ (shorts 4) (integers 5))", "shorts_"), ("(+ (floats 1.5) '(4))", "floats_"),
        ("(^^ 2 (integers 1 2))", "numbers_"), ("(^^ 2.0 (integers 1 2))", "integers_"),
        ("(+ (stringbytes \"a\") 1)", "stringbytes_"), ("(- (llist 4) 1)", "llist_"),
        ("(+ (seti 1) 1)", "set_i_"),
    ],
)  # fmt: skip
def test_kinds_of_lists(program: str, expected: str) -> None:
    assert shown(f"(type {program})") == expected


SYMBOLS = ("+", "-", "*", "/", "%", "^^", "&", "|", "^", "&~", "<<", ">>")


def outcome(symbol: str, a: Any, b: Any) -> Any:
    """The class and the members of a result, or the message of its error."""
    try:
        result = OPERATIONS[symbol].apply(a, b)
    except LispError as error:
        return error.message
    return result.__class__, [repr(float(x)) for x in result]


members: dict[Any, Any] = {
    Integers: st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9),
    Shorts: st.integers(-(2**15), 2**15 - 1) | st.integers(-9, 9),
    Floats: st.floats(-1e6, 1e6, width=32) | st.integers(-9, 9).map(float),
    Numbers: st.floats(-1e9, 1e9) | st.integers(-9, 9).map(float),
}


@given(st.data(), st.sampled_from(SYMBOLS))
def test_numpy_and_python_agree(data: st.DataObject, symbol: str) -> None:
    left = data.draw(st.sampled_from(list(members)))
    right = data.draw(st.sampled_from([*members, int, float]))
    a = left(data.draw(st.lists(members[left], min_size=1, max_size=6)))
    if right is int:
        b: Any = data.draw(st.integers(-70, 70))
    elif right is float:
        b = data.draw(st.floats(-1e3, 1e3))
    else:
        b = right(data.draw(st.lists(members[right], min_size=1, max_size=6)))
    pairs = [(a, b)] if right not in (int, float) else [(a, b), (b, a)]
    limits = vector.SHORT, vector.WORTH_IMPORT
    for x, y in pairs:
        plain = outcome(symbol, x, y)
        vector.SHORT = vector.WORTH_IMPORT = 0
        try:
            fast = outcome(symbol, x, y)
        finally:
            vector.SHORT, vector.WORTH_IMPORT = limits
        if symbol == "^^" and not isinstance(plain, str) and not isinstance(fast, str):
            assert plain[0] is fast[0]
            for p, q in zip(plain[1], fast[1], strict=True):
                assert float(p) == pytest.approx(float(q), rel=1e-6, nan_ok=True)
        else:
            assert plain == fast


def test_long_lists_give_exact_integers() -> None:
    a, b = Integers(range(-5000, 5000)), Integers(range(1, 10001))
    assert divide(a, b).tolist() == [int(math.trunc(Fraction(x, y))) for x, y in zip(a, b)]
    assert modulo(a, 7).tolist() == [int(math.fmod(x, 7)) for x in a]
    assert add(a, a).tolist() == [2 * x for x in a]
    big = Integers([2**62] * 5000)
    with pytest.raises(LispError, match="does not fit in 'integers'"):
        add(big, big)
    assert arithmetic.fold("+", big) == 5000 * 2**62
    assert arithmetic.fold("*", Integers([2] * 300)) == 2**300


def test_power_of_long_lists() -> None:
    a = Numbers([float(x) for x in range(3000)])
    assert power(a, 3).tolist() == [x**3 for x in a]
    assert power(a, 2000).tolist() == [0, 1] + [math.inf] * 2998
    assert power(a, -1).tolist()[:3] == [math.inf, 1, 0.5]


# ---------------------------------------------------------------- updates


@pytest.mark.parametrize(
    "container",
    [List([1, 2]), rest(List([0, 1, 2])), Integers([1, 2]), Numbers([1, 2])],
)
def test_updates_change_containers_in_place(container: Any) -> None:
    assert arithmetic.updates()["+"](container, 1) is container
    assert list(container) == [2, 3]


def test_updates_of_scalars_give_a_new_value() -> None:
    assert arithmetic.updates()["+"](1, 2.9) == 3
    assert arithmetic.updates(promote=True)["+"](1, 2.5) == 3.5


def test_foreign_values_are_served_by_their_adapter() -> None:
    from lispe_py.protocol import Adapter, register_adapter

    class Money:
        def __init__(self, cents: int) -> None:
            self.cents = cents

    class MoneyAdapter(Adapter):
        def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
            values = [x.cents if isinstance(x, Money) else 100 * x for x in (left, right)]
            return Money(NATIVE[operator](*values))

        def show(self, value: Money) -> str:
            return f"{value.cents}c"

    register_adapter(Money, MoneyAdapter())
    assert add(Money(5), 1).cents == 105
    assert subtract(1, Money(5)).cents == 95
    assert [m.cents for m in add(List([Money(7), Money(8)]), 2)] == [207, 208]
    assert add("x=", Money(3)) == "x=3c"


NATIVE = {"+": operator.add, "-": operator.sub}


def test_torch_traces_arithmetic_in_one_graph() -> None:
    torch = pytest.importorskip("torch")
    LispE().eval("(use 'lispe_torch)")

    def f(t: Any) -> Any:
        return multiply(subtract(3, add(t, 1.0)), add(2.0, t))

    t = torch.arange(3.0)
    compiled = torch.compile(f, fullgraph=True, backend="eager")
    assert torch.equal(compiled(t), (3 - (t + 1)) * (2 + t))
    assert torch.equal(compiled(t), f(t))


def test_long_operands_do_not_outlive_their_operation() -> None:
    held: list[str] = []

    def probe() -> None:
        frame = sys._getframe(1)
        while frame is not None:
            names = [n for n, v in frame.f_locals.items() if n[0] == "." and isinstance(v, Integers)]
            held.extend(names)
            frame = frame.f_back  # type: ignore[assignment]

    lisp = LispE()
    lisp.define("probe", probe)
    program = "(defun f(l) (setq r (+ (cdr l) (cdr l) (rotate l))) (probe) r)"
    lisp.eval(program)
    assert lisp.call("f", Integers(range(5))) == Integers([3, 6, 9, 12])
    assert not held
    # and they did stand in temporaries
    assert ".1 := None" in lisp.python_source(program)
