"""Whole-list work of a known operator on members of one kind.

Where all members are integers, or all are numbers, an operator of the language
is Python's own, and numpy's as long as its integers hold the results. Each
function here gives what the work member by member gives, or None where that
has to be done.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from lispe_py.runtime import vector
from lispe_py.runtime.operands import NUMERIC_LISTS, Binary
from lispe_py.values.lists import List, Tail
from lispe_py.values.matrix import Matrix
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import (
    TYPED,
    Floats,
    Integers,
    Numbers,
    Numeric,
    Shorts,
    Strings,
)
from lispe_py.values.unfilled import list_of, unfilled

#: Operators that are Python's on two integers and on two numbers.
_PYTHON: dict[str, Binary] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "max": max, "min": min,
}  # fmt: skip
#: operator -> the numpy function of its table of products, and the bounds of its results
_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply"}
_TESTS = {
    "=": "equal", "==": "equal", "eq": "equal", "!=": "not_equal", "neq": "not_equal",
    "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal",
}  # fmt: skip
_WHOLE = (Integers, Shorts)
_GENERIC = (List, Tail)
#: How much longer than a list a table over the range of its integers may be.
_TABLE = 4
#: Integers up to here are exact as numbers.
_EXACT = 1 << 53


def _alike(value: Any) -> list[Any] | None:
    """The members of a list, if all are integers or all are numbers."""
    cls = value.__class__
    if cls in NUMERIC_LISTS:
        found: list[Any] = value.tolist()
        return found
    if cls not in _GENERIC:
        return None
    kinds = set(map(type, value))
    return list(value) if kinds == {int} or kinds == {float} else None


def step_of(function: Any) -> Binary | None:
    """Python's function of two members for an operator; None for any other function."""
    return _PYTHON.get(function.name) if function.__class__ is Symbol else None


def running(function: Any, value: Any, backwards: bool = False) -> List | None:
    """The results of a fold so far, from the left or from the end."""
    step = step_of(function)
    if step is None:
        return None
    if step is operator.add and not backwards and value.__class__ in NUMERIC_LISTS:
        sums = _sums(value)
        if sums is not None:
            return List(sums)
    items = _alike(value)
    if items is None:
        return None
    return List(accumulate(reversed(items) if backwards else items, step))


def _sums(value: Numeric) -> list[Any] | None:
    """Running sums by numpy, which adds from the left as Python does."""
    if not vector.use_numpy(len(value)):
        return None
    array = vector.view(value)
    if value.__class__ in _WHOLE:
        if max(int(array.max()), -int(array.min())) * len(value) >= 1 << 63:
            return None
        found: list[Any] = array.cumsum(dtype="q").tolist()
        return found
    import numpy

    with numpy.errstate(all="ignore"):
        found = array.cumsum(dtype="d").tolist()
    return found


def folded(function: Any, value: Any, backwards: bool = False) -> Any:
    """A fold from the left or from the end."""
    step = step_of(function)
    items = None if step is None else _alike(value)
    if step is None or not items:
        return None
    members = reversed(items) if backwards else iter(items)
    result = next(members)
    for member in members:
        result = step(result, member)
    return result


def distinct(value: Any) -> Iterable[Any] | None:
    """The members that differ in print, in the order in which they come first."""
    cls = value.__class__
    if cls in _WHOLE:
        first = _first_of_each(value) if vector.use_numpy(len(value)) else None
        return dict.fromkeys(value.tolist()) if first is None else first
    if cls is Strings:
        return dict.fromkeys(value)
    if cls is Numbers or cls is Floats:
        kinds: set[type] = {float}
    elif cls in _GENERIC:
        kinds = set(map(type, value))
    else:
        return None
    if kinds == {int} or kinds == {str}:
        return dict.fromkeys(value)
    if kinds != {float}:
        return None
    found = dict.fromkeys(value)
    # 0 and -0 are equal, but print differently.
    if 0.0 in found and any(x == 0.0 and math.copysign(1.0, x) < 0 for x in value):
        return None
    return found


def _first_of_each(value: Numeric) -> Numeric | None:
    """The different integers of a list by a table of places; None if they lie far apart."""
    import numpy

    array = vector.view(value)
    least, size = int(array.min()), len(array)
    width = int(array.max()) - least + 1
    if width > _TABLE * size:
        return None
    places = numpy.full(width, size)
    # From the end: of the places of one number the first is written last.
    places[numpy.subtract(array[::-1], least, dtype="q")] = numpy.arange(size - 1, -1, -1)
    found = places[places < size]
    found.sort()
    return list_of(value.__class__, array[found])


def products(function: Any, left: Any, right: Any) -> Matrix | None:
    """An operator, or a test as 1 and 0, on each member of a list with each of another."""
    name = function.name if function.__class__ is Symbol else ""
    if (name not in _ARITHMETIC and name not in _TESTS) or not len(left) or not len(right):
        return None
    if not vector.use_numpy(len(left) * len(right)):
        return None
    first, second = _as_typed(left), _as_typed(right)
    if first is None or second is None:
        return None
    whole = first.__class__ in _WHOLE
    if whole is not (second.__class__ in _WHOLE):
        return None
    import numpy

    a, b = vector.view(first), vector.view(second)
    # The kind of the result is that of the first operand, if it has one and holds the results.
    kind = left.kind if left.__class__ in NUMERIC_LISTS else "integers" if whole else "numbers"
    if name in _TESTS:
        if left.__class__ not in NUMERIC_LISTS:
            kind = "integers"
        return _table(getattr(numpy, _TESTS[name]), a, b, kind)
    if not whole:
        return _table(getattr(numpy, _ARITHMETIC[name]), a.astype("d"), b.astype("d"), kind)
    if not vector.fits(Integers, name, a, b):
        return None
    if kind == "shorts" and not vector.fits(Shorts, name, a, b):
        return None
    return _table(getattr(numpy, _ARITHMETIC[name]), a.astype("q"), b.astype("q"), kind)


def _as_typed(value: Any) -> Numeric | None:
    if value.__class__ in NUMERIC_LISTS:
        typed: Numeric = value
        return typed
    items = _alike(value)
    if not items:
        return None
    if items[0].__class__ is float:
        return Numbers(items)
    if all(-(1 << 63) <= item < 1 << 63 for item in items):
        return Integers(items)
    return None


def _table(function: Any, a: Any, b: Any, kind: str) -> Matrix:
    import numpy

    result = unfilled(TYPED[kind], len(a) * len(b))
    out = vector.view(result).reshape(len(a), len(b))
    with numpy.errstate(all="ignore"):
        function.outer(a, b, out=out, casting="unsafe")
    return Matrix(kind, (len(a), len(b)), result)


def equal_members(items: Numeric, other: Any) -> Integers | None:
    """``==`` of a typed list with a plain number, or with a typed list as long."""
    if not vector.use_numpy(len(items)):
        return None
    a = vector.view(items)
    whole = items.__class__ in _WHOLE
    if other.__class__ in NUMERIC_LISTS:
        if whole is not (other.__class__ in _WHOLE):
            return None
        b: Any = vector.view(other)
    elif other.__class__ is int:
        if not (-(1 << 63) <= other < 1 << 63 if whole else -_EXACT <= other <= _EXACT):
            return None
        b = other
    elif other.__class__ is float and not whole:
        b = other
    else:
        return None
    import numpy

    result = unfilled(Integers, len(items))
    if not whole:
        # A number of 32 bits is compared as what it is.
        a = a.astype("d", copy=False)
    elif items.__class__ is Shorts:
        a = a.astype("q")
    numpy.equal(a, b, out=vector.view(result), casting="unsafe")
    assert isinstance(result, Integers)
    return result


def turned(items: Numeric, steps: int) -> Numeric:
    """A typed list rotated to the left."""
    size = len(items)
    result = unfilled(items.__class__, size)
    if size:
        steps %= size
        source, out = memoryview(items), memoryview(result)
        out[: size - steps] = source[steps:]
        out[size - steps :] = source[:steps]
    return result
