"""Functions of numbers, constants, complex numbers, aggregates."""

from __future__ import annotations

import cmath
import math
from typing import Any

import pytest

from lispe_py import LispE, LispError
from lispe_py.builtins.mathematics import _FUNCTIONS
from lispe_py.runtime import vector
from lispe_py.values.lists import List
from lispe_py.values.typed import Floats, Integers, Numbers


def value(program: str) -> Any:
    return LispE().eval(program)


def call(name: str, argument: Any) -> Any:
    lisp = LispE()
    lisp.globals["x"] = argument
    return lisp.eval(f"({name} x)")


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        ("sqrt", 49, 7.0), ("√", 0.25, 0.5), ("cbrt", -27, -3.0), ("∛", 64, 4.0),
        ("exp", 2, math.exp(2)), ("exp2", 10, 1024.0), ("expm1", 1e-10, math.expm1(1e-10)),
        ("log", 10, math.log(10)), ("log2", 1024, 10.0), ("log10", 0.001, -3.0),
        ("log1p", 1e-10, math.log1p(1e-10)), ("logb", 10, 3.0), ("logb", 0.25, -2.0),
        ("sin", 1, math.sin(1)), ("cos", 1, math.cos(1)), ("tan", 1, math.tan(1)),
        ("asin", 0.5, math.asin(0.5)), ("acos", 0.5, math.acos(0.5)), ("atan", 2, math.atan(2)),
        ("sinh", 1, math.sinh(1)), ("cosh", 1, math.cosh(1)), ("tanh", 1, math.tanh(1)),
        ("asinh", 1, math.asinh(1)), ("acosh", 2, math.acosh(2)), ("atanh", 0.5, math.atanh(0.5)),
        ("erf", 0.5, math.erf(0.5)), ("erfc", 0.5, math.erfc(0.5)),
        ("lgamma", 6, math.log(120)), ("tgamma", 5, 24.0), ("floor", -4.1, -5.0),
        ("round", 2.5, 3.0), ("round", -2.5, -3.0), ("round", 0.49999999999999994, 0.0),
        ("trunc", -4.9, -4.0), ("rint", 4.5, 4.0), ("nearbyint", 5.5, 6.0), ("fabs", -4, 4.0),
        ("radian", 90, math.pi / 2), ("degree", math.pi, 180.0),
    ],
)  # fmt: skip
def test_functions(name: str, argument: float, expected: float) -> None:
    found = call(name, argument)
    assert found.__class__ is float
    assert found == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(log 0)", "-inf"), ("(log2 0)", "-inf"), ("(log1p -1)", "-inf"), ("(logb 0)", "-inf"),
        ("(lgamma 0)", "inf"), ("(lgamma -2)", "inf"), ("(tgamma 0)", "inf"), ("(atanh 1)", "inf"),
        ("(atanh -1)", "-inf"), ("(exp 1000)", "inf"), ("(sinh -1000)", "-inf"),
        ("(cosh 1000)", "inf"), ("(sqrt -4)", "-nan"), ("(acos 2)", "-nan"), ("(log -1)", "-nan"),
        ("(expm1 1000)", "inf"), ("(rint -0.5)", "-0"), ("(floor (exp 1000))", "inf"),
    ],
)  # fmt: skip
def test_beyond_the_domain(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(sqrt '(4 9 (16)))", "(2 3 (4))"), ("(sqrt (integers 4 9))", "(2 3)"),
        ("(type (sqrt (integers 4 9)))", "numbers_"), ("(type (sqrt (floats 4 9)))", "floats_"),
        ("(sqrt (rho 2 2 (integers 1 4 9 16)))", "((1 2) (3 4))"),
        ("(type (sqrt (rho 2 2 (integers 1 4))))", "matrix_number_"),
        ("(sqrt (llist 4 9))", "(2 3)"), ("(sqrt \"9\")", "3"), ("(sqrt 3,4i)", "2,i"),
        ("(map 'sqrt '(4 9))", "(2 3)"), ("(iabs '(-4 4.9))", "(4 4)"),
        ("(iabs (integers -4))", "(4)"),
    ],
)  # fmt: skip
def test_lists_are_mapped(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize("name", sorted(_FUNCTIONS))
def test_long_lists_agree_with_single_numbers(name: str) -> None:
    function = _FUNCTIONS[name]
    items = Numbers([x / 7 for x in range(-300, 300)])
    limits = vector.SHORT, vector.WORTH_IMPORT
    vector.SHORT = vector.WORTH_IMPORT = 0
    try:
        found = function(items)
        narrow = function(Floats(items))
    finally:
        vector.SHORT, vector.WORTH_IMPORT = limits
    assert found.__class__ is Numbers
    assert narrow.__class__ is Floats
    expected = [function(x) for x in items]
    assert found.tolist() == pytest.approx(expected, rel=1e-13, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "function"),
    [("sqrt", cmath.sqrt), ("exp", cmath.exp), ("log", cmath.log), ("sin", cmath.sin),
     ("cos", cmath.cos), ("tan", cmath.tan), ("asin", cmath.asin), ("atanh", cmath.atanh)],
)  # fmt: skip
def test_complex_functions(name: str, function: Any) -> None:
    assert call(name, 1 + 2j) == function(1 + 2j)


def test_complex_numbers() -> None:
    assert value("(complex 4 -5)") == 4 - 5j
    assert value("(complex \"1\" 2.5)") == 1 + 2.5j
    assert value("(real 4,5i)") == 4.0
    assert value("(real 7)").__class__ is float
    assert value("(imaginary 4,-5i)") == -5.0
    assert shown("(list (complex 2 1) (complex 2 -1) (complex 1.5 0))") == "(2,i 2,-i 1.5,0i)"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("_pi", math.pi), ("π", math.pi), ("_tau", math.tau), ("τ", math.tau), ("_e", math.e),
        ("ℯ", math.e), ("_phi", (1 + 5**0.5) / 2), ("ϕ", (1 + 5**0.5) / 2),
    ],
)  # fmt: skip
def test_constants(program: str, expected: float) -> None:
    assert value(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(gcd 48 36)", 12), ("(hcf 7 13)", 1), ("(gcd 0 9)", 9), ("(gcd -4 6)", 2),
        ("(gcd 4.5 6)", 2), ("(cosine (numbers 1 0) (numbers 0 2))", 0.0),
        ("(cosine (numbers 0 0) (numbers 1 1))", 0.0), ("(cosine (floats 2 0) (floats 4 0))", 1.0),
        ("(sum (integers 4 5 6))", 15), ("(sum '(4 0.5))", 4.5), ("(sum ())", 0),
        ("(round 2.718 2)", 2.72), ("(round -2.675 1)", -2.7), ("(round 1234.5 -2)", 1200.0),
        ("(round 2.718 10000)", 2.718), ("(round 1e300 20)", 1e300), ("(round 7.5 -400)", 0.0),
        ("(product ())", 1), ("(product '(4 5 6))", 120), ("(sum (llist 4 5))", 9),
        ("(sum (seti 1 2))", 3), ("(product (integers))", 1), ("(sum '(1,2i 3))", 4 + 2j),
    ],
)  # fmt: skip
def test_values(program: str, expected: Any) -> None:
    assert value(program) == expected


def test_sums_keep_the_kind() -> None:
    kinds = "(integers 4 5) (shorts 4 5) (floats 4 5) (numbers 4 5) (llist 4 5)"
    assert shown(f"(map (\\(x) (type (sum x))) (list {kinds} '(4 5)))") == (
        "(integer_ short_ float_ number_ number_ number_)"
    )
    assert value("(sum (integers 9223372036854775807 1))") == 2**63
    assert value("(sum (integers (iota 10000)))") == 50005000
    assert value("(type (sum (shorts 32767 1)))").name == "integer_"
    assert value("(sum (strings \"u\" \"v\"))") == "uv"


@pytest.mark.parametrize(
    "program",
    [
        "(sqrt nil)", "(sqrt 'a)", "(sqrt true)", "(floor \"abc\")", "(sqrt {\"a\":1})", "(sqrt)",
        "(erf 1,2i)", "(gcd 4)", "(gcd 'a 4)", "(iabs 1,2i)", "(sqrt (strings \"a\"))",
        "(cosine '(1 0) '(1 1))", "(cosine (numbers 1 0) (numbers 1 0 1))",
        "(cosine (numbers 1) (floats 1))", "(imaginary 7)", "(real nil)", "(complex 4)",
        "(sum 4)", "(sum \"lm\")", "(sum '(\"u\"))", "(sum '((1)))", "(sum nil)",
        "(sum (rho 2 2 (iota 4)))", "(product (strings \"u\"))", "(sum (list 1.5 (! 300)))",
        "(sqrt (! 300))", "(abs -4)", "(ceil 4.5)",
    ],
)  # fmt: skip
def test_errors(program: str) -> None:
    with pytest.raises(LispError):
        value(program)


def test_python_lists() -> None:
    assert _FUNCTIONS["sqrt"]([4, 9]) == List([2.0, 3.0])
    assert _FUNCTIONS["sqrt"](Integers([4])) == Numbers([2.0])
