"""Sequences that give their members one at a time, perhaps without end.

The compiler fuses nested composed functions into loops. Where it cannot see
the composition, ``map`` and its like work on these objects instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, repeat
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import COMPOSED
from lispe_py.runtime.sequence import iterate
from lispe_py.values.lists import List
from lispe_py.values.records import Range, Stream


def is_endless(value: Any) -> bool:
    """May walking this value never end?"""
    cls = value.__class__
    return cls is Stream or (cls is Range and value.endless)


def refuse_endless(value: Any) -> None:
    """An error for a sequence without end where all members are needed."""
    if is_endless(value):
        raise LispError(COMPOSED)


def finite(value: Any) -> Iterable[Any]:
    """The members of a container that must end."""
    refuse_endless(value)
    return iterate(value)


def composed(value: Any, members: Callable[[Any], Iterable[Any]]) -> Any:
    """A list of new members, or a stream of them where the source has no end."""
    if is_endless(value):
        return Stream(lambda: iter(members(value)))
    return List(members(iterate(value)))


def endlessly(value: Any) -> Stream:
    """A value over and over."""
    return Stream(lambda: repeat(value))


def in_circles(items: Iterable[Any]) -> Stream:
    """The members of a list over and over."""
    kept = list(items)
    return Stream(lambda: cycle(kept))


def chunks(items: Iterator[Any], count: int) -> Iterator[List]:
    """Members in groups of ``count``; the last may be shorter."""
    group = List()
    for item in items:
        group.append(item)
        if len(group) == count:
            yield group
            group = List()
    if group:
        yield group
