"""Heaps: ``heap_``, a multiset kept in the order of a comparator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cmp_to_key
from operator import eq, itemgetter
from typing import Any, ClassVar

from lispe_py.errors import LispError

Compare = Callable[[Any, Any], Any]
#: Tells whether two members are the same, as true or not.
Same = Callable[[Any, Any], Any]
_value = itemgetter(0)


class Heap:
    """Members in order, duplicates kept, smallest and largest at hand.

    ``compare(a, b)`` answers negative, zero or positive. ``natural`` tells
    that it is the natural order, under which members that are all numbers or
    all strings are compared by Python itself.
    """

    __slots__ = ("compare", "natural", "_entries", "_count", "_family")
    atom: ClassVar[str] = "heap_"

    def __init__(self, compare: Compare, items: Iterable[Any] = (), natural: bool = False) -> None:
        self.compare = compare
        self.natural = natural
        #: Sorted entries (member, moment of insertion).
        self._entries: Any = None
        self._count = 0
        #: Class group of the members while Python's own order serves.
        self._family: Any = None
        for item in items:
            self.add(item)

    def _key(self) -> Callable[[Any], Any]:
        if self._family is not None:
            return _value
        by = cmp_to_key(self._sign)
        return lambda entry: by(entry[0])

    def _sign(self, left: Any, right: Any) -> int:
        sign = self.compare(left, right)
        if sign is None:
            return 0
        if sign is True:
            # A predicate: its first argument goes first.
            return -1
        if not isinstance(sign, (int, float)):
            raise LispError("the comparator of a heap should return a number")
        return -1 if sign < 0 else 1 if sign > 0 else 0

    def _rebuild(self) -> None:
        from sortedcontainers import SortedKeyList

        entries = [] if self._entries is None else sorted(self._entries, key=itemgetter(1))
        self._entries = SortedKeyList(entries, key=self._key())

    def add(self, item: Any) -> None:
        """Put a member at its place, after its equals."""
        if self.natural and self._count == 0:
            self._family = _family(item)
        if self._entries is None:
            self._rebuild()
        elif self._family is not None and _family(item) is not self._family:
            self._family = None
            self.natural = False
            self._rebuild()
        self._entries.add((item, self._count))
        self._count += 1

    def position(self, item: Any, same: Same = eq) -> int | None:
        """Where the first equal of a value stands.

        The comparator gives the place; members may share one without being
        the same, as those of one priority do.
        """
        if not self:
            return None
        if self._family is not None and _family(item) is not self._family:
            return None
        entry = (item, 0)
        first, end = self._entries.bisect_left(entry), self._entries.bisect_right(entry)
        for found, (held, _) in enumerate(self._entries.islice(first, end), int(first)):
            if same(held, item):
                return found
        return None

    def __contains__(self, item: Any) -> bool:
        return self.position(item) is not None

    def __getitem__(self, position: int) -> Any:
        """The member at a position of the order."""
        return self._entries[position][0]

    def discard(self, item: Any, same: Same = eq) -> bool:
        """Remove one equal of a value; False if there is none."""
        found = self.position(item, same)
        if found is None:
            return False
        del self._entries[found]
        return True

    def first(self) -> Any:
        """The smallest member, nil of an empty heap."""
        return self._entries[0][0] if self else None

    def pop_first(self) -> None:
        del self._entries[0]

    def pop_last(self) -> None:
        del self._entries[-1]

    def prefix(self) -> list[Any]:
        """The members as a walk from the root of the search tree gives them.

        The tree is the one that inserting the members one by one, without
        balancing, builds: the oldest is the root, what is smaller lies to its
        left. It is found from the sorted order and the moments of insertion.
        """
        entries = list(self._entries or ())
        size = len(entries)
        left, right = [-1] * size, [-1] * size
        spine: list[int] = []
        for i in range(size):
            last = -1
            while spine and entries[spine[-1]][1] > entries[i][1]:
                last = spine.pop()
            left[i] = last
            if spine:
                right[spine[-1]] = i
            spine.append(i)
        walk = spine[:1]
        result = []
        while walk:
            i = walk.pop()
            result.append(entries[i][0])
            walk.extend(child for child in (right[i], left[i]) if child >= 0)
        return result

    def replace(self, items: list[Any]) -> None:
        """Put equal members in place of those there, one for one and in order."""
        if self._entries is not None:
            from sortedcontainers import SortedKeyList

            moments = [entry[1] for entry in self._entries]
            entries = list(zip(items, moments, strict=True))
            self._entries = SortedKeyList(entries, key=self._key())

    def copy(self) -> Heap:
        other = Heap(self.compare, natural=self.natural)
        other._family, other._count = self._family, self._count
        if self._entries is not None:
            other._entries = self._entries.copy()
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Heap:
        import copy

        # The comparator is a function, which stays what it is.
        twin = self.copy()
        memo[id(self)] = twin
        twin.replace([copy.deepcopy(item, memo) for item in self])
        return twin

    def __reduce__(self) -> Any:
        entries = list(self._entries or ())
        return _restore, (self.compare, self.natural, self._family, self._count, entries)

    def __iter__(self) -> Iterator[Any]:
        return iter([entry[0] for entry in self._entries or ()])

    def __len__(self) -> int:
        return 0 if self._entries is None else len(self._entries)

    def __repr__(self) -> str:
        return f"Heap({list(self)!r})"


def _restore(compare: Compare, natural: bool, family: Any, count: int, entries: list[Any]) -> Heap:
    heap = Heap(compare, natural=natural)
    heap._family, heap._count = family, count
    if entries:
        heap._entries = entries
        heap._rebuild()
    return heap


def _family(item: Any) -> Any:
    """The class group within which Python's own order is the natural one."""
    kind = item.__class__
    if kind is str:
        return str
    if kind is int or (kind is float and item == item):
        return int
    return None
