"""Mathematics: functions of one number, constants, complex numbers.

All of them give a number (``number_``) whatever the kind of the argument, and
map over lists. The work is done by ``math``, ``cmath`` and numpy.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.registry import primitive
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.elementwise import members
from lispe_py.runtime.functions import Function, real, whole
from lispe_py.runtime.operands import CONTAINERS, NUMERIC_LISTS
from lispe_py.values.lists import List
from lispe_py.values.typed import Floats, Integers, Numbers
from lispe_py.values.types import TYPE_NAMES


def _cbrt(x: float) -> float:
    return math.copysign(abs(x) ** (1 / 3), x) if math.isinf(x) else math.cbrt(x)


def _infinite(x: float) -> float:
    """What a function that grows both ways gives where it is too large."""
    return math.copysign(math.inf, x)


def _logb(x: float) -> float:
    if x == 0:
        return -math.inf
    return math.frexp(x)[1] - 1.0 if math.isfinite(x) else abs(x)


def _lgamma(x: float) -> float:
    return math.inf if x <= 0 and x == math.floor(x) else math.lgamma(x)


def _tgamma(x: float) -> float:
    if x == 0:
        return math.copysign(math.inf, x)
    return math.gamma(x)


def _floor(x: float) -> float:
    return float(math.floor(x)) if math.isfinite(x) else x


def _trunc(x: float) -> float:
    return math.copysign(float(math.trunc(x)), x) if math.isfinite(x) else x


def _round_to(x: float, scale: float) -> float:
    """The nearest multiple of 1/scale; a number that has no finer digits is one itself."""
    scaled = x * scale
    return _round(scaled) / scale if abs(scaled) < 2**53 else x


def _round(x: float) -> float:
    """Halves go away from zero."""
    whole_part = _trunc(x)
    return whole_part + math.copysign(1.0, x) if abs(x - whole_part) >= 0.5 else whole_part


def _rint(x: float) -> float:
    """Halves go to the even neighbour."""
    return math.copysign(float(round(x)), x) if math.isfinite(x) else x


def _unchanged(z: complex) -> complex:
    return z


def _at_zero(function: Any) -> Any:
    """A complex function whose pole at 0 is an error of ours."""

    def guarded(z: complex) -> complex:
        try:
            result: complex = function(z)
        except (ValueError, OverflowError, ZeroDivisionError) as error:
            raise LispError(f"no result for this complex number: {error}") from None
        return result

    return guarded


_POLE = {0.0: -math.inf}

_FUNCTIONS = {
    f.name: f
    for f in (
        Function("sqrt", math.sqrt, _at_zero(cmath.sqrt), "sqrt"),
        Function("cbrt", _cbrt, None, "cbrt"),
        Function("exp", math.exp, _at_zero(cmath.exp), "exp"),
        Function("exp2", math.exp2, None, "exp2"),
        Function("expm1", math.expm1, None, "expm1"),
        Function("log", math.log, _at_zero(cmath.log), "log", _POLE),
        Function("log2", math.log2, None, "log2", _POLE),
        Function("log10", math.log10, _at_zero(cmath.log10), "log10", _POLE),
        Function("log1p", math.log1p, None, "log1p", {-1.0: -math.inf}),
        Function("logb", _logb),
        Function("sin", math.sin, _at_zero(cmath.sin), "sin"),
        Function("cos", math.cos, _at_zero(cmath.cos), "cos"),
        Function("tan", math.tan, _at_zero(cmath.tan), "tan"),
        Function("asin", math.asin, _at_zero(cmath.asin), "arcsin"),
        Function("acos", math.acos, _at_zero(cmath.acos), "arccos"),
        Function("atan", math.atan, _at_zero(cmath.atan), "arctan"),
        Function("sinh", math.sinh, _at_zero(cmath.sinh), "sinh", None, _infinite),
        Function("cosh", math.cosh, _at_zero(cmath.cosh), "cosh"),
        Function("tanh", math.tanh, _at_zero(cmath.tanh), "tanh"),
        Function("asinh", math.asinh, _at_zero(cmath.asinh), "arcsinh"),
        Function("acosh", math.acosh, _at_zero(cmath.acosh), "arccosh"),
        Function(
            "atanh", math.atanh, _at_zero(cmath.atanh), "arctanh", {1.0: math.inf, -1.0: -math.inf}
        ),
        Function("erf", math.erf),
        Function("erfc", math.erfc),
        Function("lgamma", _lgamma),
        Function("tgamma", _tgamma),
        Function("floor", _floor, None, "floor"),
        Function("round", _round),
        Function("trunc", _trunc, None, "trunc"),
        Function("rint", _rint, None, "rint"),
        Function("fabs", math.fabs, _unchanged, "absolute"),
        Function("radian", math.radians, None, "radians"),
        Function("degree", math.degrees, None, "degrees"),
    )
}


@primitive("sqrt", "√", pure=True)
def sqrt(value: Any) -> Any:
    """The square root; of a complex number too.

    NaN for a negative number.

    (list (sqrt 49) (sqrt 3,4i) (sqrt '(4 9)))
    ; (7 2,i (2 3))
    """
    return _FUNCTIONS["sqrt"](value)


@primitive("cbrt", "∛", pure=True)
def cbrt(value: Any) -> Any:
    """The cubic root.

    (cbrt -27)
    ; -3
    """
    return _FUNCTIONS["cbrt"](value)


@primitive("exp", pure=True)
def exp(value: Any) -> Any:
    """e to a power.

    (list (exp 0) (exp 2))
    ; (1 7.38906)
    """
    return _FUNCTIONS["exp"](value)


@primitive("exp2", pure=True)
def exp2(value: Any) -> Any:
    """2 to a power.

    (exp2 10)
    ; 1024
    """
    return _FUNCTIONS["exp2"](value)


@primitive("expm1", pure=True)
def expm1(value: Any) -> Any:
    """e to a power, minus 1; exact near 0.

    (expm1 0)
    ; 0
    """
    return _FUNCTIONS["expm1"](value)


@primitive("log", pure=True)
def log(value: Any) -> Any:
    """The natural logarithm.

    (list (log 1) (log _e))
    ; (0 1)
    """
    return _FUNCTIONS["log"](value)


@primitive("log2", pure=True)
def log2(value: Any) -> Any:
    """The logarithm to the base 2.

    (log2 1024)
    ; 10
    """
    return _FUNCTIONS["log2"](value)


@primitive("log10", pure=True)
def log10(value: Any) -> Any:
    """The logarithm to the base 10.

    (log10 0.001)
    ; -3
    """
    return _FUNCTIONS["log10"](value)


@primitive("log1p", pure=True)
def log1p(value: Any) -> Any:
    """The natural logarithm of 1 plus the argument; exact near 0.

    (log1p 0)
    ; 0
    """
    return _FUNCTIONS["log1p"](value)


@primitive("logb", pure=True)
def logb(value: Any) -> Any:
    """The binary exponent of a number.

    (list (logb 10) (logb 0.25))
    ; (3 -2)
    """
    return _FUNCTIONS["logb"](value)


@primitive("sin", pure=True)
def sin(value: Any) -> Any:
    """The sine.

    (sin 1)
    ; 0.841471
    """
    return _FUNCTIONS["sin"](value)


@primitive("cos", pure=True)
def cos(value: Any) -> Any:
    """The cosine.

    (cos 0)
    ; 1
    """
    return _FUNCTIONS["cos"](value)


@primitive("tan", pure=True)
def tan(value: Any) -> Any:
    """The tangent.

    (tan 1)
    ; 1.55741
    """
    return _FUNCTIONS["tan"](value)


@primitive("asin", pure=True)
def asin(value: Any) -> Any:
    """The arc sine; NaN outside -1 to 1.

    (asin 1)
    ; 1.5708
    """
    return _FUNCTIONS["asin"](value)


@primitive("acos", pure=True)
def acos(value: Any) -> Any:
    """The arc cosine; NaN outside -1 to 1.

    (acos 1)
    ; 0
    """
    return _FUNCTIONS["acos"](value)


@primitive("atan", pure=True)
def atan(value: Any) -> Any:
    """The arc tangent.

    (atan 2)
    ; 1.10715
    """
    return _FUNCTIONS["atan"](value)


@primitive("sinh", pure=True)
def sinh(value: Any) -> Any:
    """The hyperbolic sine.

    (sinh 1)
    ; 1.1752
    """
    return _FUNCTIONS["sinh"](value)


@primitive("cosh", pure=True)
def cosh(value: Any) -> Any:
    """The hyperbolic cosine.

    (cosh 0)
    ; 1
    """
    return _FUNCTIONS["cosh"](value)


@primitive("tanh", pure=True)
def tanh(value: Any) -> Any:
    """The hyperbolic tangent.

    (tanh 1)
    ; 0.761594
    """
    return _FUNCTIONS["tanh"](value)


@primitive("asinh", pure=True)
def asinh(value: Any) -> Any:
    """The inverse hyperbolic sine.

    (asinh 1)
    ; 0.881374
    """
    return _FUNCTIONS["asinh"](value)


@primitive("acosh", pure=True)
def acosh(value: Any) -> Any:
    """The inverse hyperbolic cosine; NaN below 1.

    (acosh 1)
    ; 0
    """
    return _FUNCTIONS["acosh"](value)


@primitive("atanh", pure=True)
def atanh(value: Any) -> Any:
    """The inverse hyperbolic tangent; infinite at -1 and 1.

    (atanh 0.5)
    ; 0.549306
    """
    return _FUNCTIONS["atanh"](value)


@primitive("erf", pure=True)
def erf(value: Any) -> Any:
    """The error function.

    (erf 0.5)
    ; 0.5205
    """
    return _FUNCTIONS["erf"](value)


@primitive("erfc", pure=True)
def erfc(value: Any) -> Any:
    """The complementary error function.

    (erfc 0.5)
    ; 0.4795
    """
    return _FUNCTIONS["erfc"](value)


@primitive("lgamma", pure=True)
def lgamma(value: Any) -> Any:
    """The logarithm of the absolute value of the gamma function.

    (lgamma 6)
    ; 4.78749
    """
    return _FUNCTIONS["lgamma"](value)


@primitive("tgamma", pure=True)
def tgamma(value: Any) -> Any:
    """The gamma function.

    (tgamma 5)
    ; 24
    """
    return _FUNCTIONS["tgamma"](value)


@primitive("floor", pure=True)
def floor(value: Any) -> Any:
    """The largest whole number that is not above the argument.

    (list (floor 4.9) (floor -4.1))
    ; (4 -5)
    """
    return _FUNCTIONS["floor"](value)


@primitive("round", pure=True)
def rounded(value: Any, digits: Any = None) -> Any:
    """The nearest whole number, or that of so many digits behind the point.

    Halves go away from zero.

    (list (round 4.49) (round 2.5) (round -2.5) (round 2.718 2))
    ; (4 3 -3 2.72)
    """
    if digits is None:
        return _FUNCTIONS["round"](value)
    # Beyond these a power of ten is no float; the number itself ends long before.
    scale = 10.0 ** min(max(to_integer(digits), -300), 300)
    return Function("round", lambda x: _round_to(x, scale))(value)


@primitive("trunc", pure=True)
def trunc(value: Any) -> Any:
    """The whole part of a number.

    (trunc -4.9)
    ; -4
    """
    return _FUNCTIONS["trunc"](value)


@primitive("rint", "nearbyint", pure=True)
def rint(value: Any) -> Any:
    """The nearest whole number; halves go to the even one.

    (list (rint 4.5) (rint 5.5))
    ; (4 6)
    """
    return _FUNCTIONS["rint"](value)


@primitive("fabs", pure=True)
def fabs(value: Any) -> Any:
    """The absolute value as a number; a complex number stays as it is.

    (fabs -4.5)
    ; 4.5
    """
    return _FUNCTIONS["fabs"](value)


@primitive("radian", pure=True)
def radian(value: Any) -> Any:
    """Degrees in radians.

    (radian 90)
    ; 1.5708
    """
    return _FUNCTIONS["radian"](value)


@primitive("degree", pure=True)
def degree(value: Any) -> Any:
    """Radians in degrees.

    (degree _pi)
    ; 180
    """
    return _FUNCTIONS["degree"](value)


@primitive("iabs", pure=True)
def iabs(value: Any) -> Any:
    """The absolute value of the integer part, as an integer; lists are mapped.

    (list (iabs -4) (iabs -4.9))
    ; (4 4)
    """
    cls = value.__class__
    if cls in NUMERIC_LISTS:
        return Integers([abs(int(m)) for m in value.tolist()])
    if cls in CONTAINERS:
        return List([iabs(m) for m in members(value)])
    if cls is complex:
        raise LispError("'iabs' is not defined for complex numbers")
    return abs(whole(value))


@primitive("gcd", "hcf", pure=True)
def gcd(a: Any, b: Any) -> int:
    """The greatest common divisor of two integers.

    (list (gcd 48 36) (gcd 7 13) (gcd 0 9))
    ; (12 1 9)
    """
    return math.gcd(whole(a), whole(b))


@primitive("cosine", pure=True)
def cosine(u: Any, v: Any) -> float:
    """The cosine of the angle between two vectors, both ``floats`` or both ``numbers``.

    0 if one of them is all zeros.

    (cosine (numbers 1 0) (numbers 1 1))
    ; 0.707107
    """
    for vector in (u, v):
        if vector.__class__ not in (Floats, Numbers):
            raise LispError("Incompatible types, expected 'floats' or 'numbers'")
    if u.__class__ is not v.__class__ or len(u) != len(v):
        raise LispError("expected 'floats' or 'numbers' or same size lists")
    length = math.hypot(*u) * math.hypot(*v)
    if not length:
        return 0.0
    return math.fsum([a * b for a, b in zip(u, v, strict=True)]) / length


# ---------------------------------------------------------------- complex numbers


@primitive("complex", pure=True)
def complex_(real_part: Any, imaginary_part: Any) -> complex:
    """The complex number of two parts.

    (list (complex 4 5) (complex 2 -1) 4,5i)
    ; (4,5i 2,-i 4,5i)
    """
    return complex(real(real_part), real(imaginary_part))


@primitive("real", pure=True)
def real_part_of(value: Any) -> Any:
    """The real part of a number, as a number.

    (list (real 4,5i) (real 7))
    ; (4 7)
    """
    if value.__class__ not in TYPE_NAMES and adapter_for(value.__class__).is_number(value):
        return value
    return real(value)


@primitive("imaginary", pure=True)
def imaginary(value: Any) -> float:
    """The imaginary part of a complex number; any other value is an error.

    (imaginary 4,-5i)
    ; -5
    """
    if value.__class__ is not complex:
        raise LispError("expecting a complex value")
    return float(value.imag)
