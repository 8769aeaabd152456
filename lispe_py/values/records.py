"""Small values: data structures, caught errors, lazy sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any, ClassVar

from lispe_py.errors import LispError
from lispe_py.values.lists import List


class Data(List):
    """``data_``: a structure declared with ``data@``; its name comes first."""

    __slots__ = ()


class Caught:
    """``maybe_``: an error that ``catch`` turned into a value."""

    __slots__ = ("error",)
    atom: ClassVar[str] = "maybe_"

    def __init__(self, error: LispError) -> None:
        self.error = error

    def __repr__(self) -> str:
        return f"Caught({self.error.text!r})"


class Range:
    """What ``irange`` gives: ``start start+step ...``, endless without ``stop``."""

    __slots__ = ("start", "step", "stop", "closed")
    atom: ClassVar[str] = "irange"

    def __init__(self, start: Any, step: Any, stop: Any = None, closed: bool = False) -> None:
        self.start = start
        self.step = step
        self.stop = stop
        self.closed = closed

    def __iter__(self) -> Iterator[Any]:
        start, step, stop = self.start, self.step, self.stop
        if stop is None:
            if start.__class__ is int and step.__class__ is int:
                return count(start, step)
            return (start + i * step for i in count())
        if start.__class__ is int and step.__class__ is int and stop.__class__ is int:
            return iter(range(start, stop + ((1 if step > 0 else -1) if self.closed else 0), step))
        return self._numbers()

    def _numbers(self) -> Iterator[Any]:
        rising = self.step > 0
        for i in count():
            value = self.start + i * self.step
            if value == self.stop:
                if self.closed:
                    yield value
                return
            if (value > self.stop) is rising:
                return
            yield value

    @property
    def endless(self) -> bool:
        return self.stop is None


class Enumeration:
    """What ``enum`` gives: the pairs (position member) of a container."""

    __slots__ = ("size", "source", "start")
    atom: ClassVar[str] = "enum"

    def __init__(
        self,
        source: Callable[[], Iterable[Any]],
        start: int = 0,
        size: Callable[[], int] | None = None,
    ) -> None:
        #: Gives the members anew each time.
        self.source = source
        self.start = start
        #: Of a container that may grow meanwhile: its members are those at the beginning.
        self.size = size

    def __iter__(self) -> Iterator[List]:
        pairs = enumerate(self.source(), self.start)
        return map(List, islice(pairs, self.size()) if self.size else pairs)

    def __len__(self) -> int:
        return self.size() if self.size else sum(1 for _ in self.source())


class Stream:
    """Members that a composed function such as ``map`` will give one at a time.

    ``members`` gives a new iterator each time. It exists inside compositions
    with an endless source only; as a value of its own it is an error.
    """

    __slots__ = ("members",)
    atom: ClassVar[str] = "stream_"

    def __init__(self, members: Callable[[], Iterator[Any]]) -> None:
        self.members = members

    def __iter__(self) -> Iterator[Any]:
        return self.members()
