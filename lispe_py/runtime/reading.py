"""Reading containers: members, positions, ends. Every kind, strings included."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import FunctionType
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import COMPOSED, display
from lispe_py.protocol import adapter_for
from lispe_py.runtime.characters import characters
from lispe_py.runtime.convert import KEYS, index_of
from lispe_py.values.functions import form_of
from lispe_py.values.heap import Heap
from lispe_py.values.linked import Cell, LinkedList, Point
from lispe_py.values.lists import List, Tail, rest
from lispe_py.values.matrix import Grid, Matrix
from lispe_py.values.records import Data, Enumeration, Range, Stream
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.sets import SETS, Set
from lispe_py.values.text import LongString
from lispe_py.values.typed import Floats, Integers, Numbers, Shorts, Stringbytes, Strings
from lispe_py.values.types import DICTIONARY_KINDS, LISTS, SET_KINDS, TYPE_NAMES

NO_INDEX = "value cannot be access through index"
OUT_OF_BOUNDS = "index out of bounds"

_item = array.__getitem__
#: Members of ``shorts`` and ``floats`` keep their kind when they are read one by one.
as_short: Callable[[Any], Short] = partial(int.__new__, Short)
as_float: Callable[[Any], Float32] = partial(float.__new__, Float32)


def form_or_none(value: Any) -> List | None:
    """The code of a LispE function, which list functions treat as a list."""
    return form_of(value) if value.__class__ is FunctionType else None


# --- members ---------------------------------------------------------------


def _bytes_members(value: bytes) -> Iterator[bytes]:
    return (c.encode("utf-8", "surrogateescape") for c in characters(bytes_text(value)))


def bytes_text(value: bytes) -> str:
    """Bytes as characters; what is not UTF-8 survives the way back."""
    return value.decode("utf-8", "surrogateescape")


#: Class -> what a loop runs over. Dictionaries and sets may change meanwhile.
_MEMBERS: dict[type, Callable[[Any], Iterable[Any]]] = {
    List: lambda v: v,
    str: characters,
    Integers: lambda v: v,
    Numbers: lambda v: v,
    Tail: lambda v: v,
    Strings: lambda v: v,
    Data: lambda v: v,
    LinkedList: lambda v: v,
    Stringbytes: lambda v: v,
    Shorts: lambda v: map(as_short, v),
    Floats: lambda v: map(as_float, v),
    LongString: characters,
    bytes: _bytes_members,
    type(None): lambda v: (),
    Range: lambda v: v,
    Enumeration: lambda v: v,
    Stream: lambda v: v,
    Heap: lambda v: v,
    Set: lambda v: list(v),
    list: lambda v: v,
    tuple: lambda v: v,
    dict: lambda v: list(v),
    **dict.fromkeys(DICTIONARY_KINDS, lambda v: list(v)),
    **dict.fromkeys(SETS.values(), lambda v: list(v)),
}


def members(value: Any) -> Iterable[Any] | None:
    """The members of a container or a string, None for any other value."""
    found = _MEMBERS.get(value.__class__)
    if found is not None:
        return found(value)
    if value.__class__ in TYPE_NAMES:
        return None
    form = form_or_none(value)
    if form is not None:
        return form
    found_members = adapter_for(value.__class__).iterate(value)
    if found_members is None and isinstance(value, str):
        return characters(value)
    return found_members


def iterate(value: Any) -> Iterable[Any]:
    """What ``loop`` runs over: keys of a dictionary, characters of a string.

    A value that is no container has no members.
    """
    if value.__class__ is List:
        return value
    found = members(value)
    return () if found is None else found


def size(value: Any) -> int:
    """Number of members or characters; 0 for what has none."""
    cls = value.__class__
    if cls is List or cls is str:
        return len(value)
    if cls is bytes:
        return len(bytes_text(value))
    if cls in LISTS or cls in DICTIONARY_KINDS or cls in SET_KINDS or cls is Heap:
        return len(value)
    if cls is Stream or (cls is Range and value.endless):
        raise LispError(COMPOSED)
    if cls is Enumeration:
        return len(value)
    if cls is Range:
        return sum(1 for _ in value)
    if cls in TYPE_NAMES:
        return len(value) if cls in (list, tuple, dict, LongString) else 0
    form = form_or_none(value)
    if form is not None:
        return len(form)
    return len(value) if isinstance(value, str) else adapter_for(cls).size(value)


# --- positions -------------------------------------------------------------


def _at_list(value: Any, key: Any) -> Any:
    try:
        return value[key if key.__class__ is int else index_of(key)]
    except IndexError:
        raise LispError(OUT_OF_BOUNDS) from None


def _at_tail(value: Any, key: Any) -> Any:
    if key.__class__ is int and key >= 0:
        base, index = value.base, value.offset + key
        if index < len(base):
            return base[index]
        raise LispError(OUT_OF_BOUNDS)
    return _at_list(value, key)


def _at_array(value: Any, key: Any) -> Any:
    try:
        return _item(value, key if key.__class__ is int else index_of(key))
    except IndexError:
        raise LispError(OUT_OF_BOUNDS) from None


def _at_shorts(value: Any, key: Any) -> Any:
    return as_short(_at_array(value, key))


def _at_floats(value: Any, key: Any) -> Any:
    return as_float(_at_array(value, key))


def _at_bytes(value: Any, key: Any) -> Any:
    return _at_list(bytes_text(value), key).encode("utf-8", "surrogateescape")


def _at_linked(value: Any, key: Any) -> Any:
    index = index_of(key)
    try:
        return value.nth(index).value
    except IndexError:
        raise LispError(OUT_OF_BOUNDS) from None


def key_of(value: Any, key: Any) -> Any:
    """A key as a dictionary keeps it; a number is wanted where keys are numbers."""
    kind = value.keys_are
    if kind == "string":
        return key if key.__class__ is str else display(key)
    if kind == "integer":
        return key if key.__class__ is int else index_of(key)
    if key.__class__ in (int, float, Short, Float32):
        return float(key)
    raise LispError(f"cannot use this element in an arithmetic expression: '{display(key)}'")


def _at_dictionary(value: Any, key: Any) -> Any:
    try:
        return value[key_of(value, key)]
    except KeyError:
        raise LispError(OUT_OF_BOUNDS) from None


def _at_set(value: Any, key: Any) -> Any:
    """Sets are read by position in their order; nil beyond the end."""
    if isinstance(key, str):
        kept = KEYS[value.members_are](key)
        return kept if kept in value else None
    index = index_of(key)
    return value.sorted()[index] if 0 <= index < len(value) else None


def _at_any_set(value: Any, key: Any) -> Any:
    if isinstance(key, str):
        return value.members.get(display(key))
    index = index_of(key)
    return list(value)[index] if 0 <= index < len(value) else None


def _at_heap(value: Any, key: Any) -> Any:
    return _at_list(value.prefix(), key)


def _at_enumeration(value: Any, key: Any) -> Any:
    return _at_list(list(value), key)


_AT: dict[type, Callable[[Any, Any], Any]] = {
    List: _at_list,
    Tail: _at_tail,
    str: _at_list,
    LongString: _at_list,
    Data: _at_list,
    Strings: _at_list,
    Stringbytes: _at_list,
    list: _at_list,
    tuple: _at_list,
    Integers: _at_array,
    Numbers: _at_array,
    Shorts: _at_shorts,
    Floats: _at_floats,
    bytes: _at_bytes,
    LinkedList: _at_linked,
    **dict.fromkeys(DICTIONARY_KINDS, _at_dictionary),
    **dict.fromkeys(SETS.values(), _at_set),
    Set: _at_any_set,
    Heap: _at_heap,
    Enumeration: _at_enumeration,
}


def at(value: Any, key: Any, *more: Any) -> Any:
    """``(at container key ...)``: one key a level; absent is an error."""
    if value.__class__ is List and key.__class__ is int:
        try:
            value = value[key]
        except IndexError:
            raise LispError(OUT_OF_BOUNDS) from None
    elif value.__class__ is Matrix and len(more) == 1 and key.__class__ is int is more[0].__class__:
        try:
            return value.member(key, more[0])
        except IndexError:
            raise LispError(OUT_OF_BOUNDS) from None
    else:
        read = _AT.get(value.__class__)
        if read is None:
            return _at_other(value, (key, *more))
        value = read(value, key)
    if more:
        for level, another in enumerate(more):
            read = _AT.get(value.__class__)
            if read is None:
                return _at_other(value, more[level:])
            value = read(value, another)
    return value


#: What an update finds beyond the end of a container that grows.
_NOTHING_YET: dict[type, Any] = {
    **dict.fromkeys(LISTS - {LinkedList}, 0),
    **dict.fromkeys((str, LongString, Strings), ""),
    **dict.fromkeys((bytes, Stringbytes), b""),
}


def cell(value: Any, key: Any, *more: Any) -> Any:
    """What an update such as ``+=`` finds in a cell: 0, or no text, where nothing is yet."""
    if more:
        if isinstance(value, Grid):
            # Reaching its member takes out no row.
            return at(value, key, *more)
        value, key = at(value, key, *more[:-1]), more[-1]
    cls = value.__class__
    if cls in DICTIONARY_KINDS:
        found = value.get(key_of(value, key))
    elif cls in _NOTHING_YET and index_of(key) >= size(value):
        return _NOTHING_YET[cls]
    else:
        found = at(value, key)
    return 0 if found is None else found


def _at_other(value: Any, keys: tuple[Any, ...]) -> Any:
    if value.__class__ in TYPE_NAMES:
        raise LispError(NO_INDEX)
    form = form_or_none(value)
    if form is not None:
        return at(form, *keys)
    return adapter_for(value.__class__).at(value, keys)


def last(value: Any) -> Any:
    """The last member, nil where there is none."""
    cls = value.__class__
    if cls is LinkedList:
        cell = value.last()
        return None if cell is None else cell.value
    if cls in LISTS or isinstance(value, (str, bytes)):
        return at(value, -1) if size(value) else None
    if cls in DICTIONARY_KINDS or cls in TYPE_NAMES or not size(value):
        return None
    return at(value, -1)


# --- ends ------------------------------------------------------------------


def _refused(name: str, value: Any) -> LispError:
    return LispError(f"You cannot apply '{name}' to: '{display(value)}'")


def car(value: Any) -> Any:
    """First member, nil of an empty list; first character of a string."""
    cls = value.__class__
    if cls is List:
        return value[0] if value else None
    if cls is Tail:
        base, offset = value.base, value.offset
        return base[offset] if offset < len(base) else None
    if cls is LinkedList:
        return value.head.value if value.head is not None else None
    if cls in LISTS:
        return _AT[cls](value, 0) if len(value) else None
    if isinstance(value, (str, bytes)):
        if not value:
            raise LispError("Empty string")
        return value[0] if isinstance(value, str) else _at_bytes(value, 0)
    if cls is Range:
        return value.start
    if cls is Heap:
        return value.first()
    if cls in TYPE_NAMES:
        raise _refused("car", value)
    form = form_or_none(value)
    return car(form) if form is not None else adapter_for(cls).car(value)


def is_null(value: Any) -> bool:
    """Is it nil or an empty generic list?"""
    cls = value.__class__
    if cls is Tail:
        return value.offset >= len(value.base)
    return value is None or ((cls is List or cls is Data) and not len(value))


def cdr(value: Any) -> Any:
    """What follows the first member, nil when nothing does.

    A window on the same storage for generic lists, the same cells for linked
    ones, a copy for typed lists.
    """
    cls = value.__class__
    if cls is Tail:
        base, offset = value.base, value.offset + 1
        return Tail(base, offset) if offset < len(base) else None
    if cls is List or cls is Data:
        return rest(value)
    if cls is LinkedList:
        return _from_cell(value.head.next) if value.head is not None else None
    if cls in LISTS:
        return None if len(value) < 2 else cls(value[1:])
    if isinstance(value, (str, bytes)):
        if not value:
            raise LispError("Empty string")
        if cls is bytes:
            return _bytes_after_first(value)
        return cls(value[1:])
    if cls is Range and (value.endless or size(value) > 1):
        return Range(value.start + value.step, value.step, value.stop, value.closed)
    if cls in TYPE_NAMES:
        raise _refused("cdr", value)
    form = form_or_none(value)
    return cdr(form) if form is not None else adapter_for(cls).cdr(value)


def _from_cell(cell: Cell | None) -> Any:
    """The rest of a linked list from a cell on: the value itself after a dot."""
    if cell is None:
        return None
    return cell.value if cell.__class__ is Point else LinkedList.of(cell)


def _bytes_after_first(value: Any) -> bytes:
    return bytes_text(value)[1:].encode("utf-8", "surrogateescape")


def traverse(path: str, value: Any) -> Any:
    """``c...r``: the steps of ``path``, last letter first: ``traverse("ad", l)`` is cadr."""
    if value is None or (value.__class__ not in LISTS and members(value) is None):
        raise LispError(f"You cannot apply 'car' or 'cdr' to: '{display(value)}'")
    whole, step = value, len(path)
    while step:
        step -= 1
        cls = value.__class__
        if cls is List or cls is Tail or cls is Data:
            # Windows between the steps need not be made.
            base, offset = (value.base, value.offset) if cls is Tail else (value, 0)
            while path[step] == "d":
                if offset >= len(base):
                    raise _no_more()
                offset += 1
                if not step:
                    return Tail(base, offset) if offset < len(base) else None
                step -= 1
            if offset >= len(base):
                raise _no_more()
            value = base[offset]
        elif cls is LinkedList:
            cell = value.head
            while cell is not None and path[step] == "d":
                cell = cell.next
                if not step:
                    return _from_cell(cell)
                step -= 1
            if cell is None:
                raise _no_more()
            value = cell.value
        else:
            if value is None or (cls in LISTS and not len(value)) or value == "":
                raise _no_more()
            if step and path[step] == "a" and isinstance(whole, (str, bytes)):
                raise LispError("cannot apply 'car/cdr' to one character")
            try:
                value = car(value) if path[step] == "a" else cdr(value)
            except LispError:
                raise _no_more() from None
    # Of a text nothing remains, not an empty one as ``cdr`` alone gives.
    return None if path[0] == "d" and (value == "" or value == b"") else value


def _no_more() -> LispError:
    return LispError("No more elements to traverse with 'cad..r'")


def cons(first: Any, value: Any) -> Any:
    """A new list of the kind of the second argument; a dotted pair if it is no list."""
    cls = value.__class__
    if cls is List or cls is Tail or cls is Data:
        found = List((first,))
        found.extend(value if cls is not Tail else value.base[value.offset :])
        return found
    if value is None:
        return List((first,))
    if cls is LinkedList:
        return LinkedList.of(Cell(first, value.head))
    if cls in LISTS:
        from lispe_py.runtime.writing import typed

        result = typed(cls, (first,))
        result.extend(value)
        return result
    if cls not in TYPE_NAMES:
        adapter = adapter_for(cls)
        if adapter.is_list(value):
            return List((first, *(adapter.iterate(value) or ())))
        form = form_or_none(value)
        if form is not None:
            return List((first, *form))
    return LinkedList((first,), value)


def keys(value: Any) -> Any:
    """Keys of a dictionary, positions of a list or string, members of a set."""
    cls = value.__class__
    if cls in DICTIONARY_KINDS:
        kind = {"string": Strings, "integer": Integers, "number": Numbers}[value.keys_are]
        return kind(value)
    if cls in SETS.values():
        kind = {"string": Strings, "integer": Integers, "number": Numbers}[value.members_are]
        return kind(value)
    if cls is Set:
        return Strings(map(display, value))
    if cls in LISTS or isinstance(value, (str, bytes)):
        return Integers(range(size(value)))
    if cls in TYPE_NAMES:
        return List()
    return Integers(range(size(value)))


def values(value: Any) -> List:
    """Values of a dictionary, members of a set; empty for the rest."""
    cls = value.__class__
    if cls in DICTIONARY_KINDS:
        return List(value.values())
    if cls in SET_KINDS or cls is Heap:
        return List(value)
    return List()
