"""Arithmetic on typed numeric lists.

The list's own type rules: a scalar is converted to it before the operation,
another typed list is combined as numbers and the result cut. Long lists go
through numpy on the same buffers; short ones are not worth its cost. Both
ways give the same numbers, and refuse a result that does not fit.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from lispe_py.runtime.convert import CONVERTERS, plain_number, to_number, truncated
from lispe_py.runtime.operands import TEXTS, division_by_zero, unusable
from lispe_py.values.scalars import Float32
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import TYPED, Floats, Integers, Numbers, Numeric, Shorts

if TYPE_CHECKING:
    from lispe_py.runtime.arithmetic import Operation

#: Length from which numpy is worth its calls, and from which it is worth importing.
SHORT, WORTH_IMPORT = 32, 1000

_WHOLE = frozenset({Integers, Shorts})
#: Class of a typed list -> that of its members, for the bit operators.
_MEMBERS: dict[type, type] = {Integers: int, Shorts: int, Numbers: float, Floats: Float32}
_LIMITS = {Integers: (-(1 << 63), (1 << 63) - 1), Shorts: (-(1 << 15), (1 << 15) - 1)}


def use_numpy(size: int) -> bool:
    """Is a list of this length worked by numpy?"""
    return size > WORTH_IMPORT or (size > SHORT and "numpy" in sys.modules)


def whole_quotient(a: int, b: int) -> int:
    """``/`` inside a list of integers: cut toward zero."""
    if b == 0:
        raise division_by_zero()
    result = abs(a) // abs(b)
    return result if (a < 0) == (b < 0) else -result


#: Operators for which a text is no number: as a scalar, as a member of a generic list.
_NO_TEXT = frozenset({"%", "^^"})
_NO_MEMBER_TEXT = frozenset({"%", "^^", "/"})


def converted(operation: Operation, items: Numeric, members: list[Any]) -> Numeric:
    """The members of a generic list as the right operand of a typed list.

    They take its kind, but for a division, which is done on numbers and cut.
    """
    if operation.symbol in _NO_MEMBER_TEXT:
        for member in members:
            if member.__class__ in TEXTS:
                raise unusable(member)
    kind = "numbers" if operation.symbol in ("/", "^^") else items.kind
    if all(m.__class__ is int for m in members):
        kind = items.kind
    result: Numeric = TYPED[kind]([CONVERTERS[kind](m) for m in members])
    return result


def _scalar(operation: Operation, items: Numeric, value: Any) -> int | float:
    """A scalar operand as a member of the list."""
    cls = value.__class__
    if operation.bits and items.__class__ not in _WHOLE and (value is None or cls in TEXTS):
        raise unusable(value)
    if cls in (int, float):
        number = value
    elif cls is Symbol or cls is bool:
        raise unusable(value)
    else:
        number = plain_number(value)
    if items.__class__ in _WHOLE:
        return truncated(number)
    return to_number(number)


# ---------------------------------------------------------------- the three forms


def typed_and_scalar(operation: Operation, items: Numeric, value: Any) -> Any:
    """A typed list on the left of a scalar."""
    if operation.symbol in _NO_TEXT and (value is None or value.__class__ in TEXTS):
        raise unusable(value)
    if operation.symbol == "^^":
        exponent = plain_number(value)
        if exponent.__class__ is float and exponent.is_integer():
            exponent = int(exponent)
        scalar: int | float = exponent
    else:
        scalar = _scalar(operation, items, value)
    if use_numpy(len(items)):
        result = _with_numpy(operation, items, items, scalar)
        if result is not None:
            return result
    return _stored(items, _one_by_one(operation, items, items.tolist(), [scalar] * len(items)))


def scalar_and_typed(operation: Operation, value: Any, items: Numeric) -> Any:
    """A scalar on the left of a typed list."""
    if operation.bits and operation.commutes:
        return typed_and_scalar(operation, items, value)
    scalar = _scalar(operation, items, value)
    if use_numpy(len(items)):
        result = _with_numpy(operation, items, scalar, items)
        if result is not None:
            return result
    return _stored(items, _one_by_one(operation, items, [scalar] * len(items), items.tolist()))


def typed_and_typed(operation: Operation, left: Numeric, right: Numeric) -> Any:
    """Two typed lists; the left one gives the length and the kind."""
    size = min(len(left), len(right))
    if use_numpy(size):
        head = left if len(left) == size else left[:size]
        tail = right if len(right) == size else right[:size]
        result = _with_numpy(operation, left, head, tail)
        if result is not None:
            result.extend(left[size:])
            return result
    results = _one_by_one(operation, left, left.tolist()[:size], right.tolist()[:size])
    return _stored(left, [*results, *left.tolist()[size:]])


def _stored(items: Numeric, results: list[Any]) -> Any:
    if items.__class__ in _WHOLE:
        results = [r if r.__class__ is int else truncated(r) for r in results]
    return items.__class__(results)


def _one_by_one(operation: Operation, items: Numeric, left: list[Any], right: list[Any]) -> list[Any]:
    """The results in Python, not cut yet."""
    symbol = operation.symbol
    whole = items.__class__ in _WHOLE
    pairs = zip(left, right, strict=True)
    if symbol == "/":
        if whole:
            return [
                whole_quotient(a, b) if a.__class__ is b.__class__ is int else operation.reals(a, b)
                for a, b in pairs
            ]
        return [operation.reals(a, b) for a, b in pairs]
    if symbol == "%":
        return [operation.integers(a, b) for a, b in pairs]
    if operation.bits:
        scalar = operation.scalars[_MEMBERS[items.__class__]]
        member = _MEMBERS[items.__class__]
        return [scalar(member(a), b) for a, b in pairs]
    if symbol == "^^":
        if whole:
            return [
                operation.integers(a, b) if a.__class__ is b.__class__ is int
                else operation.reals(a, b) for a, b in pairs
            ]  # fmt: skip
        return [operation.reals(a, b) for a, b in pairs]
    function = operation.integers if whole else operation.reals
    return [function(a, b) for a, b in pairs]


def fold(operation: Operation, items: Numeric) -> int | float:
    """A typed list folded from the left, by the rules of the list."""
    symbol = operation.symbol
    whole = items.__class__ in _WHOLE
    if symbol == "+":
        return total(items)
    members = items.tolist()
    if symbol == "*" and whole:
        product: int = math.prod(members)
        return product
    result = members[0]
    for member in members[1:]:
        (result,) = _one_by_one(operation, items, [result], [member])
        if whole and result.__class__ is not int:
            result = truncated(result)
    return result if whole else float(result)


def total(items: Numeric) -> int | float:
    """The sum of a typed list: exact for integers."""
    exact: int | float
    if not use_numpy(len(items)):
        exact = sum(items.tolist())
        return exact
    import numpy

    values = numpy.frombuffer(items, items.typecode)
    if items.__class__ in _WHOLE:
        if items.__class__ is Integers:
            largest = max(int(values.max()), -int(values.min()))
            if largest * len(items) >= 1 << 63:
                exact = sum(items.tolist())
                return exact
        return int(values.sum(dtype="q"))
    return float(values.sum(dtype="d"))


# ---------------------------------------------------------------- numpy


def empty(items: Numeric, size: int) -> Any:
    """A list of ``size`` members of the kind of another, to be filled."""
    return items.__class__((0,)) * size


def _with_numpy(operation: Operation, items: Numeric, left: Any, right: Any) -> Any:
    """The result as a new typed list; None where Python must do it exactly."""
    import numpy

    a = numpy.frombuffer(left, left.typecode) if isinstance(left, Numeric) else left
    b = numpy.frombuffer(right, right.typecode) if isinstance(right, Numeric) else right
    worker = _whole if items.__class__ in _WHOLE else _numbers
    return worker(operation, items, a, b)


def _is_zero(b: Any) -> bool:
    return bool((b == 0).any()) if hasattr(b, "any") else b == 0


def _numbers(operation: Operation, items: Numeric, a: Any, b: Any) -> Any:
    """Lists of numbers. Infinities and NaN arise as in Python."""
    import numpy

    symbol = operation.symbol
    size = len(a) if hasattr(a, "dtype") else len(b)
    if symbol not in ("+", "-", "*", "/"):
        return _unusual(operation, items, a, b)
    if symbol == "/" and _is_zero(b):
        raise division_by_zero()
    result = empty(items, size)
    out = numpy.frombuffer(result, result.typecode)
    function = {"+": numpy.add, "-": numpy.subtract, "*": numpy.multiply,
                "/": numpy.divide}[symbol]  # fmt: skip
    with numpy.errstate(all="ignore"):
        function(a, b, out=out, casting="same_kind" if _floating(a, b) else "unsafe")
    return result


def _floating(a: Any, b: Any) -> bool:
    return all(not hasattr(x, "dtype") or x.dtype.kind == "f" for x in (a, b))


def _unusual(operation: Operation, items: Numeric, a: Any, b: Any) -> Any:
    """``%``, ``^^`` and the bit operators on lists of numbers."""
    import numpy

    if operation.symbol != "^^":
        return None
    with numpy.errstate(all="ignore"):
        values = numpy.power(numpy.asarray(a, "d"), numpy.asarray(b, "d"))
    if numpy.isinf(values).any():
        return None
    result = items.__class__()
    result.frombytes(values.astype(items.typecode).tobytes())
    return result


def _bounds(x: Any) -> tuple[int, int]:
    if hasattr(x, "dtype"):
        return int(x.min()), int(x.max())
    return x, x


def _whole(operation: Operation, items: Numeric, a: Any, b: Any) -> Any:
    """Lists of integers; None where the result might not fit, or is not exact."""
    import numpy

    symbol = operation.symbol
    for x in (a, b):
        if (x.dtype.kind if hasattr(x, "dtype") else "i" if x.__class__ is int else "f") != "i":
            return None
    size = len(a) if hasattr(a, "dtype") else len(b)
    least, most = _LIMITS[items.__class__]
    (a1, a2), (b1, b2) = _bounds(a), _bounds(b)
    if not (-(1 << 63) <= min(a1, b1) and max(a2, b2) < 1 << 63):
        return None
    if symbol in ("/", "%"):
        if b1 <= 0 <= b2 and _is_zero(b):
            raise division_by_zero()
        if a1 == -(1 << 63) and b1 <= -1 <= b2:
            return None
        ends = [a1, a2, -a1, -a2] if symbol == "/" else [a1, a2, 0]
    elif symbol == "+":
        ends = [a1 + b1, a2 + b2]
    elif symbol == "-":
        ends = [a1 - b2, a2 - b1]
    elif symbol == "*":
        ends = [a1 * b1, a1 * b2, a2 * b1, a2 * b2]
    elif symbol in ("&", "|", "^", "&~", ">>"):
        if symbol == ">>" and (b1 < 0 or b2 > 63):
            return None
        ends = [a1, a2, b1, b2] if symbol != ">>" else [a1, a2]
    elif symbol == "<<" and b1 >= 0 and b2 < 63:
        ends = [a1 << b2, a2 << b2]
    else:
        return None
    if symbol not in ("/", "%") and not (least <= min(ends) and max(ends) <= most):
        return None
    if symbol == "/" and not (least <= min(a1, -a2) and max(a2, -a1) <= most) and b1 <= -1 <= b2:
        return None
    result = empty(items, size)
    out = numpy.frombuffer(result, result.typecode)
    functions = {
        "+": numpy.add, "-": numpy.subtract, "*": numpy.multiply, "%": numpy.fmod,
        "&": numpy.bitwise_and, "|": numpy.bitwise_or, "^": numpy.bitwise_xor,
        "<<": numpy.left_shift, ">>": numpy.right_shift,
    }  # fmt: skip
    if symbol == "/":
        # Cut toward zero: numpy's // cuts down.
        wide_a, wide_b = numpy.asarray(a, "q"), numpy.asarray(b, "q")
        out[:] = (wide_a - numpy.fmod(wide_a, wide_b)) // wide_b
    elif symbol == "&~":
        numpy.bitwise_and(a, ~b, out=out, casting="unsafe")
    else:
        functions[symbol](a, b, out=out, casting="unsafe")
    return result

