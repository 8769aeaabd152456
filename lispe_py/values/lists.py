"""Generic lists.

``List`` is a Python list, so element access, growth and iteration run at
Python's own speed. ``(cdr l)`` is a :class:`Tail`: a window on the same
storage, made in constant time, through which changes reach the whole list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple


class Span(NamedTuple):
    """Where a form stands in its source. Lines and columns count from 1."""

    line: int
    column: int
    end_line: int
    end_column: int
    file: str = "main"
    #: (line, column, end_line, end_column) of each member of a list form.
    members: tuple[tuple[int, int, int, int], ...] = ()


class List(list):  # type: ignore[type-arg]
    """``list_``: the ordinary list. ``where`` is set on forms that were read."""

    __slots__ = ("where",)
    where: Span

    def __repr__(self) -> str:
        return f"List({list.__repr__(self)})"


class Tail:
    """``list_`` too: all of ``base`` from ``offset`` on, sharing its storage."""

    __slots__ = ("base", "offset")

    def __init__(self, base: List, offset: int) -> None:
        self.base = base
        self.offset = offset

    def __len__(self) -> int:
        return max(0, len(self.base) - self.offset)

    def __iter__(self) -> Iterator[Any]:
        # As a loop over a list, it meets what is added meanwhile.
        return islice(self.base, self.offset, None)

    def _index(self, index: int) -> int:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(index)
        return self.offset + index if index >= 0 else len(self.base) + index

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.base[self.offset :][index]
        return self.base[self._index(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        self.base[self._index(index)] = value

    def __delitem__(self, index: int) -> None:
        del self.base[self._index(index)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (list, Tail)) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> List:
        return List(self)

    def append(self, value: Any) -> None:
        self.base.append(value)

    def extend(self, values: Iterable[Any]) -> None:
        self.base.extend(values)

    def insert(self, index: int, value: Any) -> None:
        self.base.insert(self.offset + min(index, len(self)), value)

    def __repr__(self) -> str:
        return f"List({self.base[self.offset :]!r})"


def rest(items: List | Tail) -> Tail | None:
    """``(cdr items)``: a window on what follows the first member, nil if nothing."""
    if items.__class__ is Tail:
        base, offset = items.base, items.offset + 1  # type: ignore[union-attr]
    else:
        base, offset = items, 1  # type: ignore[assignment]
    return Tail(base, offset) if offset < len(base) else None
