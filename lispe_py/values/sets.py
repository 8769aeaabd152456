"""Sets: of strings, integers or numbers in sorted order; of anything, hashed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from lispe_py.values.ordered import in_order


class SetS(set):  # type: ignore[type-arg]
    """``set_s_``: strings, visited in sorted order."""

    __slots__ = ("_order",)
    atom: ClassVar[str] = "set_s_"
    #: Kind of the members: ``string``, ``integer`` or ``number``.
    members_are: ClassVar[str] = "string"
    _order: Any

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._order = None
        set.__init__(self, items)

    def sorted(self) -> Any:
        """The members in order; positions can be indexed."""
        if self._order is None:
            self._order = in_order(set.__iter__(self))
        return self._order

    def __iter__(self) -> Iterator[Any]:
        return iter(self.sorted())

    def add(self, item: Any) -> None:
        if self._order is not None and item not in self:
            self._order.add(item)
        set.add(self, item)

    def discard(self, item: Any) -> None:
        if self._order is not None and item in self:
            self._order.remove(item)
        set.discard(self, item)

    def remove(self, item: Any) -> None:
        set.remove(self, item)
        if self._order is not None:
            self._order.remove(item)

    def update(self, *others: Iterable[Any]) -> None:
        self._order = None
        set.update(self, *others)

    def clear(self) -> None:
        self._order = None
        set.clear(self)

    def copy(self) -> Any:
        return self.__class__(set.__iter__(self))

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__class__, (list(self),)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({list(self)!r})"


class SetI(SetS):
    """``set_i_``: integers, sorted."""

    __slots__ = ()
    atom = "set_i_"
    members_are = "integer"


class SetN(SetS):
    """``set_n_``: numbers, sorted."""

    __slots__ = ()
    atom = "set_n_"
    members_are = "number"


class Set:
    """``set_``: any values. Two values of one printed form are one member.

    ``members`` maps the printed form, which the caller computes, to the value.
    """

    __slots__ = ("members",)
    atom: ClassVar[str] = "set_"

    def __init__(self, members: dict[str, Any] | None = None) -> None:
        self.members: dict[str, Any] = {} if members is None else members

    def add(self, key: str, value: Any) -> None:
        self.members.setdefault(key, value)

    def discard(self, key: str) -> None:
        self.members.pop(key, None)

    def copy(self) -> Set:
        return Set(dict(self.members))

    __copy__ = copy

    def __contains__(self, key: str) -> bool:
        return key in self.members

    def __iter__(self) -> Iterator[Any]:
        return iter(self.members.values())

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"Set({list(self)!r})"


#: The typed kinds, by the name of their constructor.
SETS: dict[str, type[SetS]] = {"sets": SetS, "seti": SetI, "setn": SetN}
