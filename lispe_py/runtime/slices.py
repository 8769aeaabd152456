"""Parts of containers: ``extract`` and ``setrange``, ``atshape`` and ``setshape``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, NamedTuple

from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.runtime.convert import index_of, to_integer, to_text
from lispe_py.runtime.reading import at, bytes_text, iterate
from lispe_py.runtime.searching import last_position, positions
from lispe_py.runtime.writing import like, set_at, typed
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Data
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import LISTS, NUMBERS, TEXTS, TYPE_NAMES, is_list

_MINUS, _PLUS, _BOTH = Symbol("-"), Symbol("+"), Symbol("-+")


class Position(NamedTuple):
    """One end of a part: a number or a text, with the signs written before a text."""

    value: Any
    #: the match itself belongs to the part
    included: bool = False
    #: the last match is meant
    backward: bool = False

    @property
    def is_text(self) -> bool:
        return self.value.__class__ in TEXTS


#: A bare ``-`` as the last position: up to the end.
TO_THE_END = Position(0)


def read_positions(arguments: tuple[Any, ...]) -> list[Position]:
    """The positions of a call; ``+``, ``-`` and ``-+`` before a text are its signs."""
    found: list[Position] = []
    sign: Symbol | None = None
    for argument in arguments:
        if argument is _PLUS or argument is _MINUS or argument is _BOTH:
            sign = argument
            continue
        position = Position(argument, sign in (_PLUS, _BOTH), sign in (_MINUS, _BOTH))
        if sign is not None and not position.is_text:
            raise _misplaced(sign, len(found))
        found.append(position)
        sign = None
    if sign is not None:
        if not found or sign is not _MINUS:
            raise _misplaced(sign, len(found))
        found.append(TO_THE_END)
    if len(found) > 1 and found[1].included and found[1].backward and not found[0].is_text:
        raise _misplaced(_BOTH, 1)
    for place, position in enumerate(found):
        if not position.is_text and position.value.__class__ not in NUMBERS:
            adapter = adapter_for(position.value.__class__)
            if position.value.__class__ in TYPE_NAMES or not adapter.is_number(position.value):
                raise _unusable(place)
    return found


def _misplaced(sign: Symbol, place: int) -> LispError:
    which = "second" if place else "first"
    return LispError(f"Wrong value after {which} operator: '{sign.name}'")


def _unusable(place: int) -> LispError:
    which = "second" if place else "first"
    return LispError(f"cannot use the {which} position in 'extract'")


#: (position, begin) -> (index of the match, index after it); None if absent
_Find = Callable[[Position, int], "tuple[int, int] | None"]


def _in_text(text: str) -> _Find:
    def find(position: Position, begin: int) -> tuple[int, int] | None:
        sought = to_text(position.value)
        index = text.rfind(sought, begin) if position.backward else text.find(sought, begin)
        return None if index < 0 else (index, index + len(sought))

    return find


def _in_list(items: Any) -> _Find:
    def find(position: Position, begin: int) -> tuple[int, int] | None:
        if position.backward:
            index = last_position(items, position.value)
            if index is not None and index < begin:
                index = None
        else:
            index = next(positions(items, position.value, begin), None)
        return None if index is None else (index, index + 1)

    return find


def bounds(value: Any, begin: Position, end: Position | None) -> tuple[int, int] | None:
    """``[b, e)`` of a part; None where it is empty or a text is not found.

    A number up to 0 as the end counts from the end of the container. After a
    text as the beginning, a positive number counts members from there. The
    match of a text lies outside of the part unless ``+`` says that it belongs
    to it; in a list the beginning lies inside, but for one sought from the end.
    """
    in_text = value.__class__ in TEXTS
    items = bytes_text(value) if value.__class__ is bytes else value
    count = len(items)
    find = _in_text(items) if in_text else _in_list(items)
    if begin.is_text:
        match = find(begin, 0)
        if match is None:
            return None
        inside = begin.included or not (in_text or begin.backward)
        first = match[0] if inside else match[1]
        origin = match[1] if in_text else first
        search_from = match[1]
    else:
        first = index_of(begin.value)
        if first < 0:
            first += count
        origin = 0
        search_from = first
    if not 0 <= first < count:
        return None
    if end is None:
        return first, first + 1
    if end.is_text:
        match = find(end, search_from)
        if match is None:
            return None
        last = match[1] if end.included else match[0]
    else:
        last = index_of(end.value)
        last = last + count if last <= 0 else origin + last
    last = min(last, count)
    return (first, last) if first < last else None


def part(value: Any, first: int, last: int) -> Any:
    """The members ``[first, last)``, in a container of the same kind."""
    cls = value.__class__
    if cls is bytes:
        return bytes_text(value)[first:last].encode("utf-8", "surrogateescape")
    if cls is Tail:
        return List(value.base[value.offset + first : value.offset + last])
    if cls is LinkedList:
        found = LinkedList(list(value)[first:last])
        if last >= len(value) and value.improper:
            found.make_improper()
        return found
    if cls in TEXTS:
        return cls(value[first:last])
    if cls is Data:
        return List(value[first:last])
    return cls(value[first:last])


def extract(value: Any, arguments: tuple[Any, ...]) -> Any:
    """``(extract container begin [end])``; what follows is not looked at."""
    if value.__class__ is str and len(arguments) == 2:
        opening, closing = arguments
        if opening.__class__ is closing.__class__ is str:
            # The part between two texts, which is asked for most often.
            start = value.find(opening)
            stop = value.find(closing, start + len(opening)) if start >= 0 else -1
            return value[start + len(opening) : stop] if stop >= 0 else ""
    begin, *others = read_positions(arguments)
    end = others[0] if others else None
    cls = value.__class__
    if cls not in LISTS and cls not in TEXTS:
        if cls in TYPE_NAMES:
            return None
        return adapter_for(cls).extract(value, begin.value, None if end is None else end.value)
    found = bounds(value, begin, end)
    if end is None and cls not in TEXTS:
        return List() if found is None else at(value, found[0])
    if found is None:
        return cls() if cls in TEXTS else like(value, ())
    return part(value, *found)


def set_range(value: Any, arguments: tuple[Any, ...], item: Any) -> Any:
    """Put one member in place of a part; a text in place of a part of a string.

    ``arguments`` are the positions as ``extract`` takes them; one alone is that of a member.
    """
    begin, *others = read_positions(arguments)
    if len(others) > 1:
        raise LispError("Wrong number of arguments for: 'setrange'")
    if not others:
        return set_at(value, begin.value, item)
    cls = value.__class__
    if cls not in LISTS and cls not in TEXTS:
        return value
    found = bounds(value, begin, others[0])
    if found is None:
        return value
    start, stop = found
    if cls in TEXTS:
        text = bytes_text(value) if cls is bytes else value
        changed = text[:start] + to_text(item) + text[stop:]
        return changed.encode("utf-8", "surrogateescape") if cls is bytes else cls(changed)
    if cls is LinkedList:
        cell = value.nth(start)
        cell.value = item
        value.cut_after(cell, value.nth(stop - 1).next)
    elif cls is Tail:
        value.base[value.offset + start : value.offset + stop] = [item]
    else:
        value[start:stop] = [item] if cls in (List, Data) else typed(cls, (item,))
    return value


# --- a flat list seen through a shape --------------------------------------


def _shape(value: Any, keys: tuple[Any, ...]) -> list[int]:
    shape = [to_integer(n) for n in iterate(value)] if is_list(value) else []
    if len(shape) < len(keys):
        raise LispError(
            "Expecting a list with enough values to match the indexes as second argument"
        )
    if any(extent < 1 for extent in shape):
        raise LispError("index mismatch with shape")
    return shape


def _offsets(shape: list[int], keys: list[int]) -> Iterator[int]:
    """Flat positions of the members that the keys keep, in their order.

    A negative key keeps its axis; those of -2 are the outer ones.
    """
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    origin = 0
    kept: list[tuple[int, int]] = []
    for axis, extent in enumerate(shape):
        key = keys[axis] if axis < len(keys) else -1
        if key >= extent:
            raise LispError("index mismatch with shape")
        if key < 0:
            kept.append((key, axis))
        else:
            origin += key * strides[axis]
    axes = [axis for key, axis in kept if key == -2] + [axis for key, axis in kept if key != -2]
    steps: list[Iterable[int]] = [
        range(0, shape[axis] * strides[axis], strides[axis]) for axis in axes
    ]
    return (origin + sum(path) for path in product(*steps))


def at_shape(value: Any, shape: Any, keys: tuple[Any, ...]) -> Any:
    """``(atshape list shape key ...)``: a cell, or a list of cells."""
    if not is_list(value):
        raise LispError("value cannot be access through index")
    extents = _shape(shape, keys)
    indexes = [index_of(key) for key in keys]
    if len(indexes) == len(extents) and min(indexes) >= 0:
        return at(value, next(_offsets(extents, indexes)))
    items = list(value)
    try:
        return like(value, [items[i] for i in _offsets(extents, indexes)])
    except IndexError:
        raise LispError("index out of bounds") from None


def set_shape(value: Any, shape: Any, keys: tuple[Any, ...], item: Any) -> Any:
    """Assign a cell, or the cells of a slice from a list of as many values."""
    if not is_list(value):
        raise LispError("cannot modify this value")
    extents = _shape(shape, keys)
    offsets = list(_offsets(extents, [index_of(key) for key in keys]))
    if len(offsets) == 1 and len(keys) == len(extents):
        if offsets[0] >= len(value):
            raise LispError("index out of bounds")
        return set_at(value, offsets[0], item)
    items = list(iterate(item)) if is_list(item) else None
    if items is None or len(items) != len(offsets):
        raise LispError("cannot store this value in this container")
    if offsets and max(offsets) >= len(value):
        raise LispError("index out of bounds")
    for offset, member in zip(offsets, items, strict=True):
        set_at(value, offset, member)
    return value
