"""``+``, ``-`` and ``*`` over several long operands, with no list in between.

Integers are checked by intervals: from the bounds of the operands follow those
of every result on the way. Where the bounds are known nothing is read for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lispe_py.runtime import vector
from lispe_py.runtime.parts import PART, checked_in_parts
from lispe_py.runtime.vector import Interval
from lispe_py.values.typed import Integers, Numbers, Numeric
from lispe_py.values.unfilled import unfilled


def chain(
    symbol: str, operands: list[Any], known: list[Interval | None], owned: int | None = None
) -> tuple[Numeric, Interval | None] | None:
    """The operands combined from the left, and between what the results lie, if integers.

    The first operand is a typed list, the others are lists of its kind and
    length, or integers. ``known`` says between what the integers of an operand
    lie, where that need not be read. The result takes the place of the operand
    ``owned``, if there is one and nothing can be refused. None where the operands
    are others, or where an integer on the way might not fit.

    >>> chain("+", [Integers(range(300)), 1, Integers(range(300))], [None] * 3)[0][299]
    599
    """
    cls, size = operands[0].__class__, len(operands[0])
    if cls not in (Integers, Numbers) or not vector.use_numpy(size):
        return None
    arrays: list[Any] = []
    for operand in operands:
        if operand.__class__ is cls and len(operand) == size:
            arrays.append(vector.view(operand))
        elif operand.__class__ is int and cls is Integers and _fits((operand, operand)):
            arrays.append(operand)
        else:
            return None
    place: Numeric | None = None if owned is None else operands[owned]
    if place.__class__ is not cls:
        place = None
    work = _Work(symbol, arrays)
    if cls is Numbers:
        result = unfilled(cls, size) if place is None else place
        work.fill(result)
        return result, None
    pairs = [(a, a) if a.__class__ is int else k for a, k in zip(arrays, known, strict=True)]
    ends = None if None in pairs else _reached(symbol, [pair for pair in pairs if pair])
    if ends:
        result = unfilled(cls, size) if place is None else place
        work.fill(result)
        return result, ends
    # What is known of all may be far from what is.
    result = unfilled(cls, size)
    return work.fill_checked(result, pairs if None in pairs else [None] * len(pairs))


def _fits(ends: Interval) -> bool:
    return vector.fits_in(Integers, ends)


def _reached(symbol: str, operands: Iterable[Interval]) -> Interval | None:
    """Between what the results lie; None where one on the way may not fit."""
    so_far: Interval | None = None
    for ends in operands:
        so_far = ends if so_far is None else vector.interval(symbol, so_far, ends)
        if not _fits(so_far):
            return None
    return so_far


class _Work:
    """An operation over arrays of one length, and integers."""

    def __init__(self, symbol: str, arrays: list[Any]) -> None:
        self.symbol = symbol
        self.arrays = arrays

    def fill(self, result: Numeric, check: Any = None) -> bool:
        """Write the results; does the check hold for all parts?"""
        import numpy

        first, *others = self.arrays
        function, out = getattr(numpy, vector.FUNCTIONS[self.symbol]), vector.view(result)

        def work(start: int, stop: int) -> None:
            done, part = first[start:stop], out[start:stop]
            for other in others:
                done = function(done, vector.cut(other, start, stop), out=part)

        with numpy.errstate(all="ignore"):
            return checked_in_parts(len(result), work, check, PART)

    def fill_checked(
        self, result: Numeric, known: list[Interval | None]
    ) -> tuple[Numeric, Interval] | None:
        """The same for integers, with the bounds of the results; None if one may not fit."""
        found: list[Interval] = []

        def check(start: int, stop: int) -> bool:
            ends = _reached(
                self.symbol,
                (
                    pair or vector.bounds(vector.cut(array, start, stop))
                    for pair, array in zip(known, self.arrays, strict=True)
                ),
            )
            found.extend([ends] if ends else [])
            return ends is not None

        if not self.fill(result, check):
            return None
        return result, (min(low for low, _ in found), max(high for _, high in found))
