"""Linked lists: ``llist_``, dotted pairs, lists with a cycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class Cell:
    """One member. ``next`` is a Cell, None at the end, or the value after a dot."""

    __slots__ = ("value", "next")

    def __init__(self, value: Any, next: Any = None) -> None:
        self.value = value
        self.next = next


class LinkedList:
    """A head on cells that other lists may share.

    ``push`` and ``pop`` work at the head, in constant time. The last cell of
    an improper list such as ``(1 . 2)`` has a ``next`` that is neither a cell
    nor None.
    """

    __slots__ = ("head",)

    def __init__(self, items: Iterable[Any] = (), end: Any = None) -> None:
        first = Cell(None)
        last = first
        for item in items:
            last.next = cell = Cell(item)
            last = cell
        last.next = end
        self.head: Any = first.next

    @classmethod
    def of(cls, head: Cell | None) -> LinkedList:
        """A list on cells that exist already."""
        value = cls.__new__(cls)
        value.head = head
        return value

    def cells(self) -> Iterator[Cell]:
        """Each cell once, though the list may turn in a circle."""
        cell = self.head
        seen: set[int] = set()
        while cell.__class__ is Cell:
            if id(cell) in seen:
                return
            seen.add(id(cell))
            yield cell
            cell = cell.next

    def __iter__(self) -> Iterator[Any]:
        for cell in self.cells():
            yield cell.value

    def __len__(self) -> int:
        return sum(1 for _ in self.cells())

    def __bool__(self) -> bool:
        return self.head is not None

    @property
    def cyclic(self) -> bool:
        """Does following the cells never end?"""
        slow = fast = self.head
        while fast.__class__ is Cell and fast.next.__class__ is Cell:
            slow = slow.next
            fast = fast.next.next
            if slow is fast:
                return True
        return False

    @property
    def end(self) -> Any:
        """What follows the dot of an improper list, None of an ordinary one."""
        last = self.last()
        if last is None or last.next.__class__ is Cell:
            return None
        return last.next

    def last(self) -> Cell | None:
        """The last cell that iteration reaches."""
        found = None
        for cell in self.cells():
            found = cell
        return found

    def nth(self, index: int) -> Cell:
        """The cell of a position; IndexError beyond either end."""
        if index < 0:
            index += len(self)
        if index >= 0:
            for position, cell in enumerate(self.cells()):
                if position == index:
                    return cell
        raise IndexError(index)

    def push(self, value: Any) -> None:
        self.head = Cell(value, self.head)

    def append(self, value: Any) -> None:
        last = self.last()
        if last is None:
            self.head = Cell(value)
        else:
            last.next = Cell(value)

    def insert(self, index: int, value: Any) -> None:
        """Put a value before a position; at the end when that is beyond it."""
        before = None
        for position, cell in enumerate(self.cells()):
            if position == index:
                break
            before = cell
        if before is None:
            self.push(value)
        else:
            before.next = Cell(value, before.next)

    def remove(self, index: int) -> None:
        """Unlink the cell of a position; IndexError beyond either end."""
        if index < 0:
            index += len(self)
        before = None
        for position, cell in enumerate(self.cells()):
            if position == index:
                # The only cell of a circle follows itself.
                after = None if cell.next is cell else cell.next
                if before is not None:
                    before.next = after
                else:
                    last = self.last() if self.cyclic else None
                    if last is not None and last.next is cell:
                        # The circle closes over what is left of it.
                        last.next = after
                    self.head = after if after.__class__ is Cell else None
                return
            before = cell
        raise IndexError(index)

    def __repr__(self) -> str:
        return f"LinkedList({list(self)!r})"
