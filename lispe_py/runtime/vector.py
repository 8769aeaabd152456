"""Arithmetic on typed numeric lists.

The list's own type rules: a scalar is converted to it before the operation,
another typed list is combined as numbers and the result cut. Long lists go
through numpy on the same buffers; short ones are not worth its cost. Both
ways give the same numbers, and refuse a result that does not fit.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from itertools import repeat
from typing import TYPE_CHECKING, Any

from lispe_py.runtime.convert import CONVERTERS, plain_number, to_number, truncated
from lispe_py.runtime.operands import TEXTS, division_by_zero, unusable
from lispe_py.runtime.parts import checked_in_parts, read_in_parts
from lispe_py.values.scalars import Float32
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import TYPED, Floats, Integers, Numbers, Numeric, Shorts
from lispe_py.values.unfilled import unfilled

if TYPE_CHECKING:
    from lispe_py.runtime.arithmetic import Operation

#: Two numbers between which others lie.
Interval = tuple[int, int]

#: Length from which numpy is worth its calls, and from which it is worth importing.
SHORT, WORTH_IMPORT = 200, 2000
#: Length from which numpy adds faster than Python, and up to which two passes cost nothing.
WORTH_ADDING, SMALL = 500, 1 << 13

#: Members that are looked at for a negative one, before all are.
_SAMPLE = 32

_WHOLE = frozenset({Integers, Shorts})
#: Class of a typed list -> that of its members, for the bit operators.
_MEMBERS: dict[type, type] = {Integers: int, Shorts: int, Numbers: float, Floats: Float32}
_LIMITS = {Integers: (-(1 << 63), (1 << 63) - 1), Shorts: (-(1 << 15), (1 << 15) - 1)}

#: Operators for which a text is no number: as a scalar, as a member of a generic list.
_NO_TEXT = frozenset({"%", "^^"})
_NO_MEMBER_TEXT = frozenset({"%", "^^", "/"})

#: operator -> the numpy function, where there is one for it
FUNCTIONS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "fmod",
    "&": "bitwise_and", "|": "bitwise_or", "^": "bitwise_xor",
    "<<": "left_shift", ">>": "right_shift",
}  # fmt: skip


def use_numpy(size: int) -> bool:
    """Is a list of this length worked by numpy?"""
    return size > WORTH_IMPORT or (size > SHORT and "numpy" in sys.modules)


def view(items: Numeric) -> Any:
    """The members of a typed list as a numpy array on the same memory."""
    import numpy

    return numpy.frombuffer(items, items.typecode)


def whole_quotient(a: int, b: int) -> int:
    """``/`` inside a list of integers: cut toward zero."""
    if b == 0:
        raise division_by_zero()
    result = abs(a) // abs(b)
    return result if (a < 0) == (b < 0) else -result


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
    convert = CONVERTERS[kind]
    result: Numeric = TYPED[kind]([convert(m) for m in members])
    return result


def _scalar(operation: Operation, items: Numeric, value: Any) -> int | float:
    """A scalar operand as a member of the list."""
    cls = value.__class__
    if (
        operation.bits
        and items.__class__ not in _WHOLE
        and (value is None or cls is bool or cls in TEXTS)
    ):
        raise unusable(value)
    if cls is int or cls is float:
        number = value
    elif cls is Symbol:
        raise unusable(value)
    else:
        number = plain_number(value)
    if items.__class__ in _WHOLE:
        return truncated(number)
    return to_number(number) if items.__class__ is Numbers else Float32(to_number(number))


# ---------------------------------------------------------------- the three forms


def typed_and_scalar(operation: Operation, items: Numeric, value: Any) -> Any:
    """A typed list on the left of a scalar."""
    if operation.symbol in _NO_TEXT and (
        value is None or value is True or value.__class__ in TEXTS
    ):
        raise unusable(value)
    if operation.symbol == "^^":
        scalar = plain_number(value)
        if scalar.__class__ is float and scalar.is_integer():
            scalar = int(scalar)
    else:
        scalar = _scalar(operation, items, value)
    if use_numpy(len(items)):
        result = _with_numpy(operation, items, view(items), scalar)
        if result is not None:
            return result
    return _stored(items, _one_by_one(operation, items, items, repeat(scalar)))


def scalar_and_typed(operation: Operation, value: Any, items: Numeric) -> Any:
    """A scalar on the left of a typed list."""
    if operation.bits and operation.commutes:
        return typed_and_scalar(operation, items, value)
    scalar = _scalar(operation, items, value)
    if use_numpy(len(items)):
        result = _with_numpy(operation, items, scalar, view(items))
        if result is not None:
            return result
    return _stored(items, _one_by_one(operation, items, repeat(scalar), items))


def typed_and_typed(operation: Operation, left: Numeric, right: Numeric) -> Any:
    """Two typed lists; the left one gives the length and the kind."""
    size = min(len(left), len(right))
    if use_numpy(size):
        a, b = view(left), view(right)
        result = _with_numpy(operation, left, a[:size], b[:size])
        if result is not None:
            if size < len(left):
                result.extend(left[size:])
            return result
    results = _one_by_one(operation, left, left, right)
    if size < len(left):
        results.extend(left[size:].tolist())
    return _stored(left, results)


def _stored(items: Numeric, results: list[Any]) -> Any:
    if items.__class__ in _WHOLE:
        for index, result in enumerate(results):
            if result.__class__ is not int:
                results[index] = truncated(result)
    return items.__class__(results)


def _one_by_one(
    operation: Operation, items: Numeric, left: Iterable[Any], right: Iterable[Any]
) -> list[Any]:
    """The results in Python, not cut yet."""
    symbol = operation.symbol
    whole = items.__class__ in _WHOLE
    if symbol in ("/", "^^"):
        if not whole:
            return list(map(operation.reals, left, right))
        exact = whole_quotient if symbol == "/" else operation.integers
        reals = operation.reals
        return [
            exact(a, b) if a.__class__ is b.__class__ is int else reals(a, b)
            for a, b in zip(left, right, strict=False)
        ]
    if operation.bits:
        member = _MEMBERS[items.__class__]
        return list(map(operation.scalars[member], map(member, left), right))
    return list(map(operation.integers if whole or symbol == "%" else operation.reals, left, right))


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
        (result,) = _one_by_one(operation, items, (result,), (member,))
        if whole and result.__class__ is not int:
            result = truncated(result)
    return result if whole else float(result)


def total(items: Numeric) -> int | float:
    """The sum of a typed list: exact for integers."""
    size = len(items)
    if size < WORTH_ADDING or not use_numpy(size):
        exact: int | float = sum(items.tolist())
        return exact
    import numpy

    add, values = numpy.add.reduce, view(items)
    if items.__class__ is Shorts:
        return int(add(values, dtype="q"))
    if items.__class__ is not Integers:
        return float(add(values, dtype="d"))
    sums: list[int] = []

    def work(start: int, stop: int) -> bool:
        part = values[start:stop]
        low, high = bounds(part) if stop - start > SMALL else exact_bounds(part)
        if max(high, -low) * len(part) >= 1 << 63:
            sums.append(sum(part.tolist()))
        else:
            sums.append(int(add(part)))
        return True

    read_in_parts(size, work)
    return sum(sums)


# ---------------------------------------------------------------- numpy


def _with_numpy(operation: Operation, items: Numeric, a: Any, b: Any) -> Any:
    """The result as a new typed list; None where Python must do it exactly.

    ``a`` and ``b`` are arrays, or one of them a plain number.
    """
    worker = _whole if items.__class__ in _WHOLE else _numbers
    return worker(operation, items.__class__, a, b)


def _is_array(x: Any) -> bool:
    return x.__class__ is not int and not isinstance(x, float)


def _has_zero(x: Any) -> bool:
    return not x.all() if _is_array(x) else not x


def _size(a: Any, b: Any) -> int:
    return len(a) if _is_array(a) else len(b)


def cut(x: Any, start: int, stop: int) -> Any:
    """The members of an operand from one index to another; a scalar is all of itself."""
    return x[start:stop] if _is_array(x) else x


def _numbers(operation: Operation, cls: type[Numeric], a: Any, b: Any) -> Any:
    """Lists of numbers. Infinities and NaN arise as in Python."""
    import numpy

    symbol = operation.symbol
    if symbol == "^^":
        return _powers(cls, a, b)
    if symbol not in ("+", "-", "*", "/"):
        return None
    result = unfilled(cls, _size(a, b))
    out = view(result)
    function = getattr(numpy, FUNCTIONS[symbol])
    if symbol == "/":
        try:
            with numpy.errstate(divide="raise", invalid="raise", over="ignore", under="ignore"):
                function(a, b, out=out, casting="unsafe")
            return result
        except FloatingPointError:
            if _has_zero(b):
                raise division_by_zero() from None
    # A list of 32 bits and one of 64 are combined in 64.
    with numpy.errstate(all="ignore"):
        function(a, b, out=out, casting="unsafe")
    return result


def _powers(cls: type[Numeric], a: Any, b: Any) -> Any:
    import numpy

    result = unfilled(cls, _size(a, b))
    out = view(result)
    if not _is_array(b) and b == 2 and cls is Numbers:
        with numpy.errstate(all="ignore"):
            numpy.multiply(a, a, out=out)
        return result
    try:
        with numpy.errstate(over="raise", divide="raise", invalid="ignore"):
            numpy.power(a, b, out=out, dtype="d", casting="unsafe")
    except FloatingPointError:
        return None
    return result


def bounds(x: Any) -> Interval:
    """Two numbers between which all integers of an array lie, the closer the better."""
    if not _is_array(x):
        return x, x
    if x[0] < 0 or x[-1] < 0 or x[:_SAMPLE].min() < 0:
        return exact_bounds(x)
    import numpy

    joined = int(numpy.bitwise_or.reduce(x))
    if joined >= 0:
        # None is negative: no member has a bit that is not among the joined ones.
        return 0, (1 << joined.bit_length()) - 1
    return exact_bounds(x)


def exact_bounds(x: Any) -> Interval:
    if not _is_array(x):
        return x, x
    import numpy

    return int(numpy.minimum.reduce(x)), int(numpy.maximum.reduce(x))


def interval(symbol: str, a: Interval, b: Interval) -> Interval:
    """Between what the results of an operation lie, given its operands."""
    (a1, a2), (b1, b2) = a, b
    if symbol == "+":
        return a1 + b1, a2 + b2
    if symbol == "-":
        return a1 - b2, a2 - b1
    if symbol == "<<":
        return min(a1, a1 << b2), max(a2, a2 << b2)
    ends = (a1 * b1, a1 * b2, a2 * b1, a2 * b2)
    return min(ends), max(ends)


def fits_in(cls: type[Numeric], ends: Interval) -> bool:
    """Do all integers between two numbers fit in a list?"""
    least, most = _LIMITS[cls]
    return least <= ends[0] and ends[1] <= most


def fits(cls: type[Numeric], symbol: str, a: Any, b: Any) -> bool:
    """Is it certain that all results fit in the list?"""
    if symbol in ("+", "-") and not _is_array(b):
        # One end is enough.
        step = b if symbol == "+" else -b
        least, most = _LIMITS[cls]
        if step >= 0:
            return bool(int(a.max()) + step <= most)
        return bool(int(a.min()) + step >= least)
    return fits_in(cls, interval(symbol, bounds(a), bounds(b))) or fits_in(
        cls, interval(symbol, exact_bounds(a), exact_bounds(b))
    )


def _whole(operation: Operation, cls: type[Numeric], a: Any, b: Any) -> Any:
    """Lists of integers; None where the result might not fit, or is not exact."""
    import numpy

    symbol = operation.symbol
    least, most = _LIMITS[cls]
    for x in (a, b):
        if _is_array(x):
            if x.dtype.kind != "i":
                return None
        elif x.__class__ is not int or not -(1 << 63) <= x < 1 << 63:
            return None
    if symbol == "/":
        return _quotients(cls, a, b)
    if symbol == "%":
        if _has_zero(b):
            raise division_by_zero()
        if not _is_array(a) or (cls is Integers and not _is_array(b) and b == -1):
            return None
    elif symbol in ("<<", ">>"):
        low, high = exact_bounds(b)
        if low < 0 or high > 62 or (symbol == "<<" and not fits(cls, symbol, a, b)):
            return None
    elif symbol == "^^":
        return None
    elif cls is Shorts:
        for low, high in (exact_bounds(a), exact_bounds(b)):
            if low < least or high > most:
                return None
    result = unfilled(cls, _size(a, b))
    out = view(result)
    if symbol == "&~":
        numpy.bitwise_and(a, ~b, out=out, casting="unsafe")
        return result
    function = getattr(numpy, FUNCTIONS[symbol])

    def work(start: int, stop: int) -> None:
        x, y = cut(a, start, stop), cut(b, start, stop)
        function(x, y, out=out[start:stop], dtype="q", casting="unsafe")

    if symbol not in ("+", "-", "*"):
        work(0, len(out))
        return result

    def check(start: int, stop: int) -> bool:
        return fits(cls, symbol, cut(a, start, stop), cut(b, start, stop))

    return result if checked_in_parts(len(out), work, check, len(out)) else None


def _quotients(cls: type[Numeric], a: Any, b: Any) -> Any:
    """``/`` on lists of integers, cut toward zero; numpy's own cuts down."""
    import numpy

    if _has_zero(b):
        raise division_by_zero()
    (a1, _), (b1, b2) = exact_bounds(a), exact_bounds(b)
    if a1 == _LIMITS[cls][0] and b1 <= -1 <= b2:
        return None
    result = unfilled(cls, _size(a, b))
    out = view(result)
    if a1 >= 0 and b1 > 0:
        numpy.floor_divide(a, b, out=out, casting="unsafe")
        return result
    numpy.fmod(a, b, out=out, casting="unsafe")
    numpy.subtract(a, out, out=out, casting="unsafe")
    numpy.floor_divide(out, b, out=out, casting="unsafe")
    return result
