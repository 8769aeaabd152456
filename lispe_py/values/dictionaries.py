"""Dictionaries: hashed by string, integer or number; sorted; as JSON gives them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

from lispe_py.values.ordered import in_order


class Dictionary(dict):  # type: ignore[type-arg]
    """``dictionary_``: string keys."""

    __slots__ = ()
    atom: ClassVar[str] = "dictionary_"
    #: Kind of the keys: ``string``, ``integer`` or ``number``.
    keys_are: ClassVar[str] = "string"

    def copy(self) -> Any:
        return self.__class__(self)

    __copy__ = copy

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({dict.__repr__(self)})"


class DictionaryI(Dictionary):
    """``dictionary_i_``: integer keys."""

    __slots__ = ()
    atom = "dictionary_i_"
    keys_are = "integer"


class DictionaryN(Dictionary):
    """``dictionary_n_``: number keys."""

    __slots__ = ()
    atom = "dictionary_n_"
    keys_are = "number"


class DictionaryJson(Dictionary):
    """``dictionaryjson_``: string keys in order of insertion."""

    __slots__ = ()
    atom = "dictionaryjson_"


class DictionaryTree(Dictionary):
    """``dictionarytree_``: string keys, visited in sorted order.

    Keys are stored as in any dictionary. Those that came last are put in order when
    the order is asked for next, or before one is removed.
    """

    __slots__ = ("_order",)
    atom = "dictionarytree_"
    _order: Any

    def __init__(self, items: Any = ()) -> None:
        self._order = None
        dict.__init__(self, items)

    def _sorted(self) -> Any:
        if self._order is None:
            self._order = in_order(dict.__iter__(self))
        elif len(self._order) != len(self):
            new = islice(dict.__reversed__(self), len(self) - len(self._order))
            self._order.update(new)
        return self._order

    def __delitem__(self, key: Any) -> None:
        if self._order is not None and key in self:
            self._sorted().remove(key)
        dict.__delitem__(self, key)

    def pop(self, key: Any, *default: Any) -> Any:
        if self._order is not None and key in self:
            self._sorted().remove(key)
        return dict.pop(self, key, *default)

    def clear(self) -> None:
        self._order = None
        dict.clear(self)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._sorted())

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._sorted())

    def keys(self) -> Any:
        return self._sorted()

    def values(self) -> Any:
        return [self[key] for key in self._sorted()]

    def items(self) -> Any:
        return [(key, self[key]) for key in self._sorted()]

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Members come after the dictionary itself, which they may hold.
        return self.__class__, (), None, None, iter(self.items())


class DictionaryTreeI(DictionaryTree):
    """``dictionarytree_i_``: integer keys, sorted."""

    __slots__ = ()
    atom = "dictionarytree_i_"
    keys_are = "integer"


class DictionaryTreeN(DictionaryTree):
    """``dictionarytree_n_``: number keys, sorted."""

    __slots__ = ()
    atom = "dictionarytree_n_"
    keys_are = "number"


#: Every kind, by the name of its constructor.
DICTIONARIES: dict[str, type[Dictionary]] = {
    "dictionary": Dictionary,
    "dictionaryi": DictionaryI,
    "dictionaryn": DictionaryN,
    "dictionarytree": DictionaryTree,
    "dictionarytreei": DictionaryTreeI,
    "dictionarytreen": DictionaryTreeN,
    "json_dictionary": DictionaryJson,
}
