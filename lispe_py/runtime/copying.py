"""Deep copies. The walk keeps its own stack, and circles stay circles."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from lispe_py.protocol import adapter_for
from lispe_py.values.heap import Heap
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Data
from lispe_py.values.sets import SETS, Set
from lispe_py.values.typed import Numeric, Stringbytes, Strings
from lispe_py.values.types import DICTIONARY_KINDS, TYPE_NAMES

_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, type)


def clone(value: Any) -> Any:
    """A copy that shares no container with the original."""
    made: dict[int, Any] = {}
    kept: list[Any] = []
    unfinished: list[Any] = []

    def shell(item: Any) -> Any:
        """The copy of a container, whose members may still be those of the original."""
        cls = item.__class__
        kind = _SHALLOW.get(cls)
        if kind is None:
            return item if cls in TYPE_NAMES else _foreign(item)
        found = made.get(id(item))
        if found is None:
            found = made[id(item)] = kind(item)
            # Identities are compared: the originals must outlive the walk.
            kept.append(item)
            unfinished.append(found)
        return found

    result = shell(value)
    while unfinished:
        container = unfinished.pop()
        cls = container.__class__
        if cls is List or cls is Data:
            for index, item in enumerate(container):
                if item.__class__ not in _SCALARS:
                    container[index] = shell(item)
        elif cls in DICTIONARY_KINDS:
            for key, item in dict.items(container):
                if item.__class__ not in _SCALARS:
                    container[key] = shell(item)
        elif cls is LinkedList:
            for cell in container.cells():
                cell.value = shell(cell.value)
        elif cls is Set:
            for key, item in container.members.items():
                container.members[key] = shell(item)
    return result


def _heap(value: Heap) -> Heap:
    # Members are compared as they are put in: their copies must be complete.
    twin = value.copy()
    twin.replace([clone(item) for item in value])
    return twin


_SHALLOW: dict[type, Callable[[Any], Any]] = {
    List: List,
    Tail: List,
    Data: Data,
    LinkedList: copy.copy,
    Strings: Strings,
    Stringbytes: Stringbytes,
    **dict.fromkeys(Numeric.__subclasses__(), lambda v: v.__copy__()),
    **dict.fromkeys(DICTIONARY_KINDS, lambda v: v.copy()),
    **dict.fromkeys(SETS.values(), lambda v: v.copy()),
    Set: lambda v: v.copy(),
    Heap: _heap,
}

#: Classes of members that need no look.
_SCALARS = frozenset({int, float, str, bool, type(None), bytes, complex})


def _foreign(value: Any) -> Any:
    if isinstance(value, _FUNCTIONS):
        return value
    copier = getattr(adapter_for(value.__class__), "clone", None)
    if copier is not None:
        return copier(value)
    try:
        return copy.deepcopy(value)
    except TypeError:
        # Open files, locks and the like cannot be copied; they are shared.
        return value
