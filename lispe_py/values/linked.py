"""Linked lists: ``llist_``, dotted pairs, lists with a cycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from lispe_py.errors import LispError


class Cell:
    """One member. ``next`` is a Cell, or None at the end."""

    __slots__ = ("value", "next")

    def __init__(self, value: Any, next: Cell | None = None) -> None:
        self.value = value
        self.next = next


class Point(Cell):
    """The member after the dot of an improper list: nothing can follow it."""

    __slots__ = ()


class LinkedList:
    """A head on cells that other lists may share.

    ``push`` and ``pop`` work at the head, in constant time. The last cell of
    an improper list such as ``(1 . 2)`` is a Point, and a member like the others.

    ``append`` is constant too: the list remembers its last cell, for as long
    as no cell has been taken out of the middle or the end of any list, which
    may share it.
    """

    __slots__ = ("_last", "_taken", "head")
    #: How many times a cell of any list was taken out elsewhere than at the head.
    taken: ClassVar[int] = 0

    def __init__(self, items: Iterable[Any] = (), end: Any = None) -> None:
        first = Cell(None)
        last = first
        for item in items:
            last.next = cell = Cell(item)
            last = cell
        if end is not None:
            last.next = Point(end)
        self.head = first.next
        self._last: Cell | None = None
        self._taken = 0

    @classmethod
    def of(cls, head: Cell | None) -> LinkedList:
        """A list on cells that exist already."""
        value = cls.__new__(cls)
        value.head = head
        value._last = None
        value._taken = 0
        return value

    def cells(self) -> Iterator[Cell]:
        """Each cell once, though the list may turn in a circle."""
        cell = self.head
        seen: set[int] = set()
        while cell is not None:
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
        while fast is not None and fast.next is not None:
            assert slow is not None
            slow = slow.next
            fast = fast.next.next
            if slow is fast:
                return True
        return False

    @property
    def improper(self) -> bool:
        """Does its last member stand after a dot?"""
        return self.last().__class__ is Point

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

    def __getstate__(self) -> Any:
        # The members in a row: a walk from cell to cell would be as deep as the list is long.
        cells = list(self.cells())
        after = cells[-1].next if cells else None
        turn = next(i for i, c in enumerate(cells) if c is after) if self.cyclic else None
        return [cell.value for cell in cells], self.improper, turn

    def __setstate__(self, state: Any) -> None:
        items, improper, turn = state
        LinkedList.__init__(self, items)
        if improper:
            self.make_improper()
        if turn is not None:
            cells = list(self.cells())
            cells[-1].next = cells[turn]

    def make_improper(self) -> None:
        """Put a dot before the last member; the cells are nobody else's."""
        last = self.last()
        if last is not None:
            last.__class__ = Point

    def push(self, value: Any) -> None:
        self.head = Cell(value, self.head)

    def append(self, value: Any) -> None:
        last = self._last
        if last is None or self._taken != LinkedList.taken or last.next is not None:
            self._taken = LinkedList.taken
            last = self.last()
            if last.__class__ is Point:
                raise nothing_after_point()
        self._last = cell = Cell(value)
        if last is None:
            self.head = cell
        else:
            last.next = cell

    def pop_first(self) -> None:
        """Take out the first cell, if there is one.

        In a circle, whose end is not looked for, the head moves on.
        """
        cell = self.head
        if cell is None:
            return
        after = cell.next
        if after is not None and after is not cell:
            self.head = after
        else:
            self.head = self._last = None

    def cut_after(self, cell: Cell, after: Any) -> None:
        """Take out what lies between a cell and another that follows it."""
        cell.next = after
        LinkedList.taken += 1

    def insert(self, index: int, value: Any) -> None:
        """Put a value before a position; at the end when that is beyond it."""
        before = None
        for position, cell in enumerate(self.cells()):
            if position == index:
                break
            before = cell
        if before is None:
            self.push(value)
        elif before.__class__ is Point:
            raise nothing_after_point()
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
                LinkedList.taken += 1
                if before is not None:
                    before.next = after
                else:
                    last = self.last() if self.cyclic else None
                    if last is not None and last.next is cell:
                        # The circle closes over what is left of it.
                        last.next = after
                    self.head = after
                return
            before = cell
        raise IndexError(index)

    def __repr__(self) -> str:
        return f"LinkedList({list(self)!r})"


def nothing_after_point() -> LispError:
    return LispError("cannot add an element to this list: its last member stands after a dot")
