"""Changing containers in place. Strings are values: the changed one is returned.

Every function returns the container, or the new string; the primitives above
are marked ``rebinds`` so that a variable receives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.protocol import adapter_for
from lispe_py.runtime.compare import equal
from lispe_py.runtime.convert import (
    CONVERTERS,
    KEYS,
    index_of,
    to_bytes,
    to_integer,
    to_number,
    to_text,
)
from lispe_py.runtime.reading import (
    OUT_OF_BOUNDS,
    at,
    bytes_text,
    form_or_none,
    members,
    size,
)
from lispe_py.runtime.vector import use_numpy
from lispe_py.values.heap import Heap
from lispe_py.values.linked import LinkedList, Point, nothing_after_point
from lispe_py.values.lists import List, Tail
from lispe_py.values.matrix import Matrix
from lispe_py.values.records import Data
from lispe_py.values.sets import SETS, Set
from lispe_py.values.text import LongString
from lispe_py.values.typed import (
    Floats,
    Integers,
    Numbers,
    Numeric,
    Shorts,
    Stringbytes,
    Strings,
    does_not_fit,
)
from lispe_py.values.types import (
    DICTIONARY_KINDS,
    LISTS,
    NUMERIC_LISTS,
    SET_KINDS,
    TYPE_NAMES,
)
from lispe_py.values.unfilled import list_of

NO_PUSH = "cannot push in this kind of elements"
NO_CHANGE = "cannot modify this element"

_KEEP = object()


# --- typed lists -----------------------------------------------------------


#: Class of a typed list -> that of members which need no conversion.
_OWN: dict[type, set[type]] = {Integers: {int}, Numbers: {float}, Strings: {str}}


def typed(cls: type[Any], items: Iterable[Any]) -> Any:
    """A typed list of converted members: ``typed(Integers, [1.5, "2"])`` is (1 2)."""
    source = items.__class__
    if source is cls or (source in NUMERIC_LISTS and cls is Numbers):
        return cls(items)
    if cls is Floats and source in NUMERIC_LISTS:
        return cls(items)
    if source in NUMERIC_LISTS and use_numpy(len(items)):  # type: ignore[arg-type]
        found = _converted_at_once(cls, items)
        if found is not None:
            return found
    items = list(items)
    if set(map(type, items)) == _OWN.get(cls):
        return cls(items)
    convert = CONVERTERS[cls.kind]
    return cls([convert(item) for item in items])


def _converted_at_once(cls: type[Any], items: Any) -> Any:
    """A long list of numbers as one of integers; None where some do not fit."""
    if cls is not Integers and cls is not Shorts:
        return None
    import numpy

    found = numpy.frombuffer(items, items.typecode)
    if found.dtype.kind == "f":
        found = numpy.trunc(found)
    limit = 2.0 ** (63 if cls is Integers else 15)
    if not ((found >= -limit) & (found < limit)).all():
        return None
    return list_of(cls, found)


def like(value: Any, items: Iterable[Any]) -> Any:
    """A new list of the kind of ``value``."""
    cls = value.__class__
    if cls is LinkedList:
        return LinkedList(items)
    if cls in NUMERIC_LISTS or cls is Strings or cls is Stringbytes:
        return typed(cls, items)
    return List(items)


def spliced(args: Iterable[Any]) -> Iterator[Any]:
    """The arguments of a typed constructor: members of lists in place of the lists."""
    stack: list[tuple[Iterator[Any], int]] = [(iter(args), 0)]
    path: set[int] = set()
    while stack:
        members_left, mark = stack[-1]
        for item in members_left:
            inside = _spliced_members(item)
            if inside is None:
                yield item
                continue
            if id(item) in path:
                raise LispError("a list that holds itself cannot be flattened")
            stack.append((inside, id(item)))
            path.add(id(item))
            break
        else:
            stack.pop()
            path.discard(mark)


def _spliced_members(item: Any) -> Iterator[Any] | None:
    cls = item.__class__
    if cls in LISTS or cls in SET_KINDS or cls is Heap:
        inside: Iterator[Any] = iter(item)
        return inside
    if cls not in TYPE_NAMES and adapter_for(cls).is_list(item):
        return iter(adapter_for(cls).iterate(item) or ())
    return None


def construct(cls: type[Any], args: tuple[Any, ...]) -> Any:
    """``(integers ...)`` and its like."""
    if len(args) == 1 and args[0].__class__ in NUMERIC_LISTS:
        return typed(cls, args[0])
    return typed(cls, spliced(args))


def _extend_typed(value: Any, items: Iterable[Any]) -> Any:
    if items is value:
        items = list(value)
    converted = typed(value.__class__, items)
    value.extend(converted)
    return value


# --- push ------------------------------------------------------------------


def _push_list(value: Any, items: tuple[Any, ...]) -> Any:
    value.extend(items)
    return value


def _push_linked(value: Any, items: tuple[Any, ...]) -> Any:
    for item in items:
        value.push(item)
    return value


def _push_set(value: Any, items: tuple[Any, ...]) -> Any:
    convert = KEYS[value.members_are]
    for item in items:
        value.add(convert(item))
    return value


def add_to_set(value: Set, item: Any) -> None:
    """Put a value in a generic set, under its printed form."""
    value.add(display(item), item)


def _push_any_set(value: Any, items: tuple[Any, ...]) -> Any:
    for item in items:
        add_to_set(value, item)
    return value


def _push_heap(value: Any, items: tuple[Any, ...]) -> Any:
    for item in items:
        value.add(item)
    return value


def _push_text(value: Any, items: tuple[Any, ...]) -> Any:
    return value.__class__(value + "".join(map(to_text, items)))


def _push_bytes(value: Any, items: tuple[Any, ...]) -> Any:
    return value + b"".join(map(to_bytes, items))


_PUSH: dict[type, Callable[[Any, tuple[Any, ...]], Any]] = {
    List: _push_list,
    Tail: _push_list,
    Data: _push_list,
    type(None): lambda value, items: List(items),
    str: _push_text,
    LongString: _push_text,
    bytes: _push_bytes,
    Integers: _extend_typed,
    Shorts: _extend_typed,
    Floats: _extend_typed,
    Numbers: _extend_typed,
    Strings: _extend_typed,
    Stringbytes: _extend_typed,
    LinkedList: _push_linked,
    **dict.fromkeys(SETS.values(), _push_set),
    Set: _push_any_set,
    Heap: _push_heap,
}


def push(value: Any, *items: Any) -> Any:
    """Append; prepend on a linked list; add to a set or heap; nil is an empty list."""
    cls = value.__class__
    if cls is List:
        value.extend(items)
        return value
    if cls is Integers and len(items) == 1:
        item = items[0]
        try:
            value.append(item if item.__class__ is int else to_integer(item))
        except OverflowError:
            raise does_not_fit(item, "integers") from None
        return value
    if cls is Numbers and len(items) == 1:
        item = items[0]
        value.append(item if item.__class__ is float else to_number(item))
        return value
    action = _PUSH.get(cls)
    if action is not None:
        return action(value, items)
    more = getattr(adapter_for(cls), "push", None)
    if more is None or cls in TYPE_NAMES:
        raise LispError(NO_PUSH)
    return more(value, items)


def push_last(value: Any, *items: Any) -> Any:
    """Append at the end, of linked lists too."""
    if value.__class__ is LinkedList:
        for item in items:
            value.append(item)
        return value
    return push(value, *items)


def push_first(value: Any, *items: Any) -> Any:
    """Prepend one by one: the last argument comes first."""
    cls = value.__class__
    if cls is List or cls is Data:
        value[0:0] = items[::-1]
        return value
    if cls is Tail:
        value.base[value.offset : value.offset] = items[::-1]
        return value
    if cls in NUMERIC_LISTS or cls is Strings or cls is Stringbytes:
        value[0:0] = typed(cls, items[::-1])
        return value
    if cls is bytes:
        return b"".join(map(to_bytes, items[::-1])) + value
    if isinstance(value, str):
        return value.__class__("".join(map(to_text, items[::-1])) + value)
    if value is None:
        return List(items[::-1])
    return push(value, *items)


def push_true(value: Any, *items: Any) -> Any:
    """Append what is neither nil nor an empty list."""
    kept = [v for v in items if not (v is None or (v.__class__ in LISTS and not size(v)))]
    if not kept and value.__class__ in _PUSH:
        return List() if value is None else value
    return push(value, *kept)


# --- pop -------------------------------------------------------------------


def pop(value: Any, key: Any = _KEEP) -> Any:
    """Remove the last member (the first of a linked list) or that of a key.

    Gives the container, nil when there is nothing to remove. Of a string it
    gives a shorter copy, empty for a position that is none.
    """
    cls = value.__class__
    if key is _KEEP:
        return pop_first(value) if cls is LinkedList else pop_last(value)
    if cls in DICTIONARY_KINDS:
        key = KEYS[value.keys_are](key)
        if key not in value:
            return None
        del value[key]
        return value
    if cls in SET_KINDS:
        key = display(key) if cls is Set else KEYS[value.members_are](key)
        if key not in value:
            return None
        value.discard(key)
        return value
    if cls is Heap:
        return value if value.discard(key, equal) else None
    if isinstance(value, (str, bytes)):
        index = to_integer(key)
        text = _characters(value)
        if not 0 <= index < len(text):
            return _same_text(value, "")
        return _same_text(value, text[:index] + text[index + 1 :])
    if cls in LISTS:
        index = to_integer(key)
        count = len(value)
        if not (0 <= index < count or (index == -1 and count)):
            return None
        if cls is LinkedList:
            value.remove(index)
        else:
            del value[index]
        return value
    return _foreign(value, "pop", key)


def _foreign(value: Any, name: str, *args: Any) -> Any:
    """A change that the adapter of a foreign value may offer; nil if it does not."""
    if value.__class__ in TYPE_NAMES:
        return None
    action = getattr(adapter_for(value.__class__), name, None)
    return None if action is None else action(value, *args)


def _text_of(cls: type, item: Any) -> str:
    """A value as the characters that a string, or a byte string, takes in."""
    return bytes_text(to_bytes(item)) if cls is bytes else to_text(item)


def _characters(value: Any) -> str:
    return bytes_text(value) if value.__class__ is bytes else value


def _same_text(value: Any, text: str) -> Any:
    if value.__class__ is bytes:
        return text.encode("utf-8", "surrogateescape")
    return value.__class__(text)


def pop_first(value: Any) -> Any:
    """Remove the first member, the smallest of a heap; nil on an empty container."""
    cls = value.__class__
    if isinstance(value, (str, bytes)):
        return _same_text(value, _characters(value)[1:])
    if cls is Heap:
        if not len(value):
            return None
        value.pop_first()
        return value
    if cls in LISTS:
        if cls is LinkedList:
            if value.head is None:
                return None
            value.pop_first()
            return value
        if not len(value):
            return None
        del value[0]
        return value
    return _foreign(value, "pop", 0)


def pop_last(value: Any) -> Any:
    """Remove the last member, the largest of a heap; nil on an empty container."""
    cls = value.__class__
    if isinstance(value, (str, bytes)):
        return _same_text(value, _characters(value)[:-1])
    if cls is Heap:
        if not len(value):
            return None
        value.pop_last()
        return value
    if cls in LISTS:
        if not len(value):
            return None
        if cls is LinkedList:
            value.remove(len(value) - 1)
        else:
            del value[-1]
        return value
    return _foreign(value, "pop", -1)


# --- insert ----------------------------------------------------------------


def insert(value: Any, item: Any, index: Any = None) -> Any:
    """Put a member before a position, at the end without one.

    Linked lists take it at the head without one; sets and heaps have no
    positions; a string gives a new string.
    """
    cls = value.__class__
    if cls in SET_KINDS or cls is Heap:
        return push(value, item)
    if cls in LISTS:
        if index is None:
            return push(value, item)
        position = to_integer(index)
        if position < 0:
            raise LispError("Wrong index in 'insert'")
        if cls in NUMERIC_LISTS or cls is Strings or cls is Stringbytes:
            value[position:position] = typed(cls, (item,))
        else:
            value.insert(position, item)
        return value
    if isinstance(value, (str, bytes)):
        text = _characters(value)
        position = len(text) if index is None else to_integer(index)
        if position < 0:
            raise LispError("Wrong index in 'insert'")
        added = _text_of(cls, item)
        return _same_text(value, text[:position] + added + text[position:])
    return _foreign(value, "insert", item, index)


def insert_sorted(value: Any, item: Any, before: Callable[[Any, Any], bool]) -> Any:
    """Put a member in a list that the predicate has sorted, after its equals."""
    if value.__class__ not in LISTS:
        return insert(value, item)
    kind = getattr(value, "kind", None)
    stored = item if kind is None else CONVERTERS[kind](item)
    members_now: Any = list(value) if value.__class__ is LinkedList else value
    low, high = 0, len(members_now)
    while low < high:
        middle = (low + high) // 2
        if before(stored, members_now[middle]):
            high = middle
        else:
            low = middle + 1
    return insert(value, stored, low)


# --- set -------------------------------------------------------------------


#: Lists that grow where nothing is yet.
_GROWING = frozenset({List, Integers, Numbers})
#: Kind of a matrix -> the class of a number that it takes as it is.
_PLAIN: dict[str, type] = {"integers": int, "numbers": float}


def set_at(value: Any, key: Any, item: Any, *more: Any) -> Any:
    """``(set@ container key ... item)``: gives the container, or the new string."""
    if not more:
        return _set_one(value, key, item)
    cls = value.__class__
    if cls is Matrix and len(more) == 1:
        row, column, member = key, item, more[0]
        if row.__class__ is int is column.__class__ and member.__class__ is _PLAIN.get(value.kind):
            try:
                value.put(row, column, member)
            except IndexError:
                raise LispError(OUT_OF_BOUNDS) from None
            except OverflowError:
                raise does_not_fit(member, value.kind) from None
            return value
    if cls not in TYPE_NAMES and form_or_none(value) is None:
        # A matrix or a tensor reaches its member without taking out a row.
        *keys, item = key, item, *more
        result = adapter_for(cls).set_at(value, tuple(keys), item)
        return value if result is None else result
    inner = at(value, key)
    changed = set_at(inner, item, *more)
    # A string is a value: its container takes the new one.
    return value if changed is inner else _set_one(value, key, changed)


def _set_one(value: Any, key: Any, item: Any) -> Any:
    cls = value.__class__
    if cls in _GROWING and key.__class__ is int and key >= len(value):
        # A member behind the last, most often.
        if cls is not List:
            return push(value, item)
        value.append(item)
        return value
    if cls in DICTIONARY_KINDS:
        value[KEYS[value.keys_are](key)] = item
        return value
    if cls is LinkedList:
        return _set_linked(value, key, item)
    if cls in LISTS:
        index = key if key.__class__ is int else index_of(key)
        count = len(value)
        if index >= count:
            return push(value, item)
        if index < -count:
            raise LispError(OUT_OF_BOUNDS)
        if cls is List or cls is Tail or cls is Data:
            value[index] = item
            return value
        try:
            value[index] = CONVERTERS[value.kind](item)
        except OverflowError:
            raise does_not_fit(item, value.kind) from None
        return value
    if isinstance(value, (str, bytes)):
        text = _characters(value)
        index = index_of(key)
        if index < -len(text):
            raise LispError(OUT_OF_BOUNDS)
        if index < 0:
            index += len(text)
        added = _text_of(cls, item)
        return _same_text(value, text[:index] + added + text[index + 1 :])
    if cls in TYPE_NAMES or form_or_none(value) is not None:
        raise LispError(NO_CHANGE)
    result = adapter_for(cls).set_at(value, (key,), item)
    return value if result is None else result


def _set_linked(value: LinkedList, key: Any, item: Any) -> LinkedList:
    index = index_of(key)
    try:
        value.nth(index).value = item
        return value
    except IndexError:
        if index < 0:
            raise LispError(OUT_OF_BOUNDS) from None
    value.append(item)
    return value


# --- joining ---------------------------------------------------------------


def extend(value: Any, other: Any) -> Any:
    """Append the members of a list, or one value of any other kind, in place."""
    cls = value.__class__
    if cls not in LISTS:
        if cls not in TYPE_NAMES and adapter_for(cls).is_list(value):
            return push(value, *(members(other) or (other,)) if _is_list(other) else (other,))
        raise LispError("missing list in 'extend'")
    if cls is LinkedList:
        return _extend_linked(value, other)
    if not _is_list(other):
        return push(value, other)
    items = members(other)
    assert items is not None
    if cls in (List, Tail, Data):
        value.extend(list(items) if items is value or other.__class__ is Tail else items)
        return value
    return _extend_typed(value, items)


def _is_list(value: Any) -> bool:
    cls = value.__class__
    return cls in LISTS or (cls not in TYPE_NAMES and adapter_for(cls).is_list(value))


def _extend_linked(value: LinkedList, other: Any) -> LinkedList:
    """Linked lists are joined cell to cell: a list extended by itself is a circle."""
    last = value.last()
    if last.__class__ is Point:
        raise nothing_after_point()
    if other.__class__ is LinkedList:
        if last is None:
            value.head = other.head
        else:
            last.next = other.head
        return value
    added = members(other) if _is_list(other) else (other,)
    tail = LinkedList(added or ()).head
    if last is None:
        value.head = tail
    else:
        last.next = tail
    return value


def append_all(value: Any, others: Iterable[Any]) -> Any:
    """``nconc``: lists spliced, other values added one by one."""
    for other in others:
        extend(value, other)
    return value


def swap(value: Any, i: Any, j: Any = None) -> Any:
    """Exchange two members in place; the second position is the next by default."""
    cls = value.__class__
    if cls is LinkedList or cls in SET_KINDS or isinstance(value, (str, bytes)):
        raise LispError("cannot swap in this element")
    first = to_integer(i)
    second = first + 1 if j is None else to_integer(j)
    count = size(value) if cls in LISTS else 0
    if not (0 <= first < count and 0 <= second < count):
        raise LispError("cannot swap values in this list")
    value[first], value[second] = value[second], value[first]
    return value


def numeric(value: Any) -> bool:
    """A typed list of numbers."""
    return isinstance(value, Numeric)
