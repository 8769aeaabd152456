"""Searching: ``in find rfind findall count``."""

from __future__ import annotations

from typing import Any

from lispe_py.registry import primitive
from lispe_py.runtime.compare import equal
from lispe_py.runtime.convert import to_integer, to_text
from lispe_py.runtime.searching import (
    NEVER,
    contains,
    first_position,
    keys_with,
    last_position,
    member,
    positions,
    text_of,
    text_positions,
)
from lispe_py.values.heap import Heap
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers, Numbers, Strings
from lispe_py.values.types import DICTIONARY_KINDS, SET_KINDS, TEXTS, is_list

_KEY_LISTS: dict[str, Any] = {"string": Strings, "integer": Integers, "number": Numbers}


@primitive("in", truth=True)
def in_(container: Any, value: Any) -> bool | None:
    """Is a value in a container? In a string: a substring; in a dictionary: a value.

    (list (in '(7 8) 8) (in "lisp" "sp") (in {"a":5} 5))
    ; (true true true)
    """
    return True if contains(container, value) else None


@primitive("find")
def find(container: Any, value: Any, start: Any = 0) -> Any:
    """The first position of a value from ``start`` on, or nil.

    A negative ``start`` counts from the end of a list; in a string nothing is found from there.
    In a dictionary the key that holds the value, in a set the member.

    (list (find '(7 8 7) 7 1) (find "lisp" "s") (find {"a":5} 5))
    ; (2 2 "a")
    """
    cls = container.__class__
    if cls in TEXTS:
        offset = to_integer(start)
        found = text_of(container).find(to_text(value), offset) if offset >= 0 else -1
        return None if found < 0 else found
    if cls in DICTIONARY_KINDS:
        return next(keys_with(container, value), None)
    if cls in SET_KINDS or cls is Heap:
        held = member(container, value)
        return None if held is NEVER else held
    if is_list(container):
        return first_position(container, value, to_integer(start))
    return None


@primitive("rfind")
def rfind(container: Any, value: Any, end: Any = None) -> Any:
    """The last position of a value in a list or string, or nil.

    In a string, ``end`` is the last position at which the match may begin.

    (rfind '(7 8 7) 7)
    ; 2
    """
    cls = container.__class__
    if cls in TEXTS:
        text, sought = text_of(container), to_text(value)
        last = len(text) if end is None else to_integer(end)
        if last < 0:
            last += len(text)
        found = text.rfind(sought, 0, last + len(sought)) if last >= 0 else -1
        return None if found < 0 else found
    if cls in DICTIONARY_KINDS or cls in SET_KINDS or cls is Heap:
        return find(container, value)
    return last_position(container, value) if is_list(container) else None


@primitive("findall")
def findall(container: Any, value: Any, start: Any = 0) -> Any:
    """All positions of a value, without overlap in a string; the keys in a dictionary.

    (findall '(7 8 7 7) 7)
    ; (0 2 3)
    """
    cls = container.__class__
    if cls in DICTIONARY_KINDS:
        keys = list(keys_with(container, value))
        return _KEY_LISTS[container.keys_are](keys) if keys else List()
    if cls in SET_KINDS or cls is Heap:
        held = member(container, value)
        return List() if held is NEVER else List((held,))
    offset = to_integer(start)
    if cls in TEXTS:
        if offset < 0:
            return List()
        found = list(text_positions(text_of(container), to_text(value), offset))
    elif is_list(container):
        offset = max(0, offset + len(container)) if offset < 0 else offset
        found = list(positions(container, value, offset))
    else:
        return List()
    return Integers(found) if found else List()


@primitive("count")
def count(container: Any, value: Any, start: Any = 0) -> int:
    """How often a value occurs, without overlap in a string.

    (list (count '(7 8 7) 7) (count "mississippi" "ss"))
    ; (2 2)
    """
    cls = container.__class__
    if cls in TEXTS:
        text, sought, offset = text_of(container), to_text(value), to_integer(start)
        return text.count(sought, offset) if sought and offset >= 0 else 0
    if cls in DICTIONARY_KINDS:
        return sum(1 for _ in keys_with(container, value))
    if cls in SET_KINDS:
        return 0 if member(container, value) is NEVER else 1
    if cls is Heap:
        return sum(1 for item in container if equal(item, value))
    if is_list(container):
        offset = to_integer(start)
        offset = max(0, offset + len(container)) if offset < 0 else offset
        return sum(1 for _ in positions(container, value, offset))
    return 0
