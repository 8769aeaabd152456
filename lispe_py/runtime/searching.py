"""Finding values in containers.

Numbers are compared as numbers, texts as texts, typed lists by content, atoms
and other containers by identity; a typed list first gives the sought value its own kind, where that
loses nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any

from lispe_py.protocol import adapter_for
from lispe_py.runtime.compare import equal, same
from lispe_py.runtime.convert import to_text
from lispe_py.runtime.reading import bytes_text, keys
from lispe_py.values.heap import Heap
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Data
from lispe_py.values.scalars import Float32
from lispe_py.values.sets import SETS, Set
from lispe_py.values.typed import Floats, Stringbytes, Strings, section
from lispe_py.values.types import (
    DICTIONARY_KINDS,
    NUMBERS,
    NUMERIC_LISTS,
    TEXTS,
    TYPE_NAMES,
    is_list,
)

Matcher = Callable[[Any], bool]
#: Sought values that no member can equal.
NEVER: Any = object()


def matcher(sought: Any) -> Matcher:
    """The test of a member of a generic container."""
    cls = sought.__class__
    if cls in NUMBERS:
        return lambda item: (
            item is sought
            or (item == sought if item.__class__ in NUMBERS else _foreign_number(item, sought))
        )
    if cls in TEXTS:
        if cls is bytes:
            return lambda item: item.__class__ is bytes and item == sought
        return lambda item: item.__class__ in TEXTS and item == sought
    if cls is Tail:
        return lambda item: (
            item.__class__ is Tail and item.base is sought.base and item.offset == sought.offset
        )
    if cls in NUMERIC_LISTS or cls is Strings or cls is Stringbytes:
        # As ``eq`` has it: typed lists are compared by what they hold.
        return lambda item: item.__class__ is cls and same(item, sought) is not None
    if cls not in TYPE_NAMES:
        # A row of a matrix, an instance, a tensor: by value.
        return lambda item: (
            item is sought or (item.__class__ is cls and equal(item, sought) is not None)
        )
    return lambda item: item is sought


def _foreign_number(item: Any, sought: Any) -> bool:
    if item.__class__ in TYPE_NAMES:
        return False
    adapter = adapter_for(item.__class__)
    return adapter.is_number(item) and adapter.number(item) == sought


def in_kind(value: Any, sought: Any) -> Any:
    """The sought value as a member of a typed list would be, NEVER if it cannot be one."""
    cls = value.__class__
    if cls is Strings:
        return to_text(sought)
    if cls is Stringbytes:
        return to_text(sought).encode("utf-8", "surrogatepass")
    if sought.__class__ in TEXTS:
        try:
            sought = float(sought)
        except (ValueError, OverflowError):
            return NEVER
    if sought.__class__ not in NUMBERS:
        return NEVER
    if cls is Floats and isinstance(sought, float):
        return Float32(sought)
    return sought


def positions(value: Any, sought: Any, start: int = 0) -> Iterator[int]:
    """Positions of a value in a list, from ``start`` on, in order."""
    cls = value.__class__
    if cls in NUMERIC_LISTS or cls is Strings or cls is Stringbytes:
        sought = in_kind(value, sought)
        if sought is NEVER:
            return
        position = start - 1
        while True:
            try:
                position = value.index(sought, position + 1)
            except ValueError:
                return
            yield position
    found = matcher(sought)
    items = value
    if cls is not List and cls is not Data:
        items = list(value) if is_list(value) else ()
    for position in range(start, len(items)):
        if found(items[position]):
            yield position


def _list_start(start: int, count: int) -> int:
    return max(0, count + start) if start < 0 else start


def first_position(value: Any, sought: Any, start: int = 0) -> int | None:
    return next(positions(value, sought, _list_start(start, len(value))), None)


def last_position(value: Any, sought: Any) -> int | None:
    if isinstance(value, (array, list)) and value.__class__ is not Data:
        backward = section(value, step=-1)
        if value.__class__ in (Strings, Stringbytes):
            backward = value.__class__(backward)
        elif value.__class__ is List:
            backward = List(backward)
        found = next(positions(backward, sought), None)
        return None if found is None else len(value) - 1 - found
    found = None
    for found in positions(value, sought):  # noqa: B007 - the last one is wanted
        pass
    return found


def text_of(value: Any) -> str:
    """A string or byte string as characters."""
    return bytes_text(value) if value.__class__ is bytes else value


def text_positions(text: str, sought: str, start: int = 0) -> Iterator[int]:
    """Positions of a substring, without overlap."""
    position = text.find(sought, start)
    while position >= 0 and sought:
        yield position
        position = text.find(sought, position + len(sought))


def member(value: Any, sought: Any) -> Any:
    """The member of a set or heap that is the sought value, NEVER if there is none."""
    cls = value.__class__
    if cls is Set:
        return value.members.get(to_text(sought), NEVER)
    if cls is Heap:
        found = value.position(sought, equal)
        return NEVER if found is None else value[found]
    kind = value.members_are
    if kind == "string":
        key: Any = to_text(sought)
    elif sought.__class__ in NUMBERS and sought.__class__ is not complex:
        key = sought
    elif sought.__class__ in TEXTS:
        try:
            key = float(sought)
        except ValueError:
            return NEVER
    else:
        return NEVER
    if key not in value:
        return NEVER
    return int(key) if kind == "integer" else key


def keys_with(value: Any, sought: Any) -> Iterator[Any]:
    """The keys under which a dictionary holds a value."""
    found = matcher(sought)
    return (key for key, item in value.items() if found(item))


def has_key(value: Any, sought: Any) -> bool:
    """What ``in`` answers for the keys of a container, which need not be listed."""
    if value.__class__ in DICTIONARY_KINDS and value.keys_are == "string":
        return to_text(sought) in value
    return contains(keys(value), sought)


def contains(value: Any, sought: Any) -> bool:
    """``in``: member of a list or set, part of a string, value of a dictionary."""
    cls = value.__class__
    if cls in DICTIONARY_KINDS:
        return next(keys_with(value, sought), NEVER) is not NEVER
    if cls in SETS.values() or cls is Set or cls is Heap:
        return member(value, sought) is not NEVER
    if cls in TEXTS:
        return text_of(to_text(sought)) in text_of(value)
    if cls is LinkedList or is_list(value):
        return next(positions(value, sought), None) is not None
    return False
