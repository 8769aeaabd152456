"""Arithmetic sequences: ``iota``, ``range`` and the lazy ``irange``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.registry import primitive
from lispe_py.runtime import sequence
from lispe_py.runtime.convert import plain_number, truncated
from lispe_py.runtime.limits import claim
from lispe_py.runtime.vector import use_numpy
from lispe_py.values.lists import List
from lispe_py.values.records import Range
from lispe_py.values.typed import Integers, Numbers, Strings, does_not_fit
from lispe_py.values.types import LISTS, TYPE_NAMES
from lispe_py.values.unfilled import list_of

#: Beyond this many members a request is a mistake, not a list.
_MOST = 1 << 30


def _plain(value: Any) -> int | float:
    """A bound as a number; a whole list has none."""
    if value.__class__ in LISTS or (
        value.__class__ not in TYPE_NAMES and adapter_for(value.__class__).is_list(value)
    ):
        raise LispError("a number is expected, not a list")
    number = plain_number(value)
    if number - number != 0:
        raise LispError("a range needs finite numbers")
    return number


def _progression(start: int | float, step: int | float, count: int) -> Integers | Numbers:
    """``count`` numbers from ``start`` on; computed one by one, so errors do not add up."""
    if count > _MOST:
        raise LispError(f"a list cannot have so many elements: {count}")
    claim(8 * count)
    if start.__class__ is int and step.__class__ is int:
        last = start + step * (count - 1)
        if max(abs(start), abs(last)) >= 1 << 63:
            raise does_not_fit(last, "integers")
        if use_numpy(count):
            import numpy

            return list_of(Integers, numpy.arange(count) * step + start)
        return Integers(range(start, start + step * count, step))
    if not use_numpy(count):
        return Numbers([start + i * step for i in range(count)])
    import numpy

    return list_of(Numbers, start + numpy.arange(count) * float(step))


def _iota(n: Any, first: int) -> Integers | Numbers:
    bound = _plain(n)
    if bound.__class__ is int:
        return _progression(first, 1, max(0, bound))  # type: ignore[arg-type]
    count = truncated(bound)
    return _progression(bound - count + first, 1, max(0, count))


@primitive("⍳", "iota")
def iota(n: Any, *more: Any) -> Any:
    """The numbers 1 to n; several counts give a list of such lists.

    A decimal count gives numbers that carry its fraction.

    (iota 5)
    ; (1 2 3 4 5)
    """
    if more:
        return List(_iota(x, 1) for x in (n, *more))
    return _iota(n, 1)


@primitive("⍳0", "iota0")
def iota0(n: Any, *more: Any) -> Any:
    """The numbers 0 to n-1; several counts give a list of such lists.

    (iota0 5)
    ; (0 1 2 3 4)
    """
    if more:
        return List(_iota(x, 0) for x in (n, *more))
    return _iota(n, 0)


def each_of_iota(n: Any) -> Iterable[Any]:
    """The members of ``(iota n)``, without the list if they are integers."""
    return range(1, n + 1) if n.__class__ is int else sequence.iterate(_iota(n, 1))


def each_of_iota0(n: Any) -> Iterable[Any]:
    """The members of ``(iota0 n)``, without the list if they are integers."""
    return range(n) if n.__class__ is int else sequence.iterate(_iota(n, 0))


def each_of_range(start: Any, stop: Any, step: Any) -> Iterable[Any]:
    """The members of ``(range start stop step)``, without the list if they rise by integers."""
    if start.__class__ is int is stop.__class__ and step.__class__ is int and step > 0:
        if stop >= start:
            return range(start, stop, step)
    return sequence.iterate(range_(start, stop, step))


#: Name in compiled code -> what a loop walks over.
EACH_OF: dict[str, Any] = {
    "each of iota": each_of_iota,
    "each of iota0": each_of_iota0,
    "each of range": each_of_range,
}


def _between(start: Any, stop: Any, step: Any, closed: bool) -> Any:
    if isinstance(start, str) and isinstance(stop, str):
        return _letters(start, stop, truncated(_plain(step)))
    first, last, by = _plain(start), _plain(stop), _plain(step)
    if not by:
        raise LispError("the step of a range cannot be zero")
    if last < first:
        by = -abs(by)
    elif by < 0 and last != first:
        return Integers() if first.__class__ is last.__class__ is by.__class__ is int else Numbers()
    whole = first.__class__ is last.__class__ is by.__class__ is int
    if whole:
        count = (last - first) // by + 1 if closed else -((first - last) // by)
    else:
        first = float(first)
        exact = (last - first) / by
        # A last step that rounding alone keeps out of reach is taken.
        near = round(exact)
        exact = near if math.isclose(exact, near, rel_tol=1e-9) else exact
        count = math.floor(exact) + 1 if closed else math.ceil(exact)
    return _progression(first, by, max(0, truncated(count)))


def _letters(start: str, stop: str, step: int) -> Strings:
    """Strings whose last character runs through an interval, both ends included."""
    if not step:
        raise LispError("the step of a range cannot be zero")
    if not start or not stop:
        return Strings()
    low, high = ord(start[-1]), ord(stop[-1])
    if high < low and step > 0:
        raise LispError("Exceeding range")
    end = high + (1 if step > 0 else -1)
    return Strings([start[:-1] + chr(code) for code in range(low, end, step)])


@primitive("range")
def range_(start: Any, stop: Any = None, step: Any = None) -> Any:
    """The numbers from start up to, and without, stop; ``(range n)`` counts from 0.

    A positive step counts down when stop is below start; a negative one on a
    rising range gives nothing. Strings run through their last character, down
    with a negative step only, and include the end. Integers only give integers, else numbers.

    (range 2 9 2)
    ; (2 4 6 8)
    """
    if step is None:
        if stop is not None:
            raise LispError("Wrong number of arguments for: 'range'")
        return _between(0, truncated(math.ceil(_plain(start))), 1, False)
    return _between(start, stop, step, False)


@primitive("rangein")
def rangein(start: Any, stop: Any = None, step: Any = None) -> Any:
    """The numbers from start to stop, stop included where the steps meet it.

    (rangein 2 10 2)
    ; (2 4 6 8 10)
    """
    if step is None:
        if stop is not None:
            raise LispError("Wrong number of arguments for: 'rangein'")
        return _between(0, truncated(_plain(start)), 1, True)
    return _between(start, stop, step, True)


def _lazy(arguments: tuple[Any, ...], closed: bool) -> Range:
    if len(arguments) == 1:
        return Range(0, _nonzero(arguments[0]))
    if len(arguments) == 2:
        return Range(_plain(arguments[0]), _nonzero(arguments[1]))
    start, stop, step = arguments
    first, last, by = _plain(start), _plain(stop), _nonzero(step)
    return Range(first, by, last, closed)


def _nonzero(step: Any) -> int | float:
    by = _plain(step)
    if not by:
        raise LispError("the step of a range cannot be zero")
    return by


@primitive("irange", arity=(1, 3))
def irange(*arguments: Any) -> Range:
    """A lazy sequence: endless ``(irange start step)`` or ``(irange start stop step)``.

    It is meant for ``loop`` and for the composed functions. One whose step leads
    away from its stop has no members: it does not turn round, as ``range`` does.

    (take 4 (irange 10 5))
    ; (10 15 20 25)
    """
    return _lazy(arguments, False)


@primitive("irangein", arity=(1, 3))
def irangein(*arguments: Any) -> Range:
    """As ``irange``, with the end included.

    (map '(+ 0) (irangein 4 6 1))
    ; (4 5 6)
    """
    return _lazy(arguments, True)
