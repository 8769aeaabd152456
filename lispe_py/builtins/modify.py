"""Changing containers in place; strings and nil give a new value to the variable."""

from __future__ import annotations

from typing import Any

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime import sequence, slices
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import to_text
from lispe_py.runtime.searching import keys_with, positions, text_of
from lispe_py.runtime.truth import truth
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import DICTIONARY_KINDS, LISTS, NUMBERS, TEXTS, is_list


@primitive("push", rebinds=True, arity=(2, None))
def push(container: Any, *values: Any) -> Any:
    """Append values to a list; prepend them to a linked list; add them to a set or heap.

    The container itself is returned. A string gives the longer string, ``nil``
    a new list; a variable that holds one receives it.

    (setq l (list 4 5)) (push l 6) l
    ; (4 5 6)
    """
    return sequence.push(container, *values)


@primitive("pushlast", rebinds=True, arity=(2, None))
def pushlast(container: Any, *values: Any) -> Any:
    """Append values at the end, of linked lists too.

    (pushlast (llist 1 2) 3)
    ; (1 2 3)
    """
    return sequence.push_last(container, *values)


@primitive("pushfirst", rebinds=True, arity=(2, None))
def pushfirst(container: Any, *values: Any) -> Any:
    """Prepend values one by one: the last of them comes first.

    (pushfirst (list 4 5) 6 7)
    ; (7 6 4 5)
    """
    return sequence.push_first(container, *values)


@primitive("pushtrue", rebinds=True, arity=(2, None))
def pushtrue(container: Any, *values: Any) -> Any:
    """Append the values that are neither nil nor an empty list; 0 and "" are kept.

    (pushtrue (list 1) nil 0 ())
    ; (1 0)
    """
    return sequence.push_true(container, *values)


@primitive("pop", arity=(1, 2))
def pop(container: Any, *key: Any) -> Any:
    """Remove the last member, or that of a position, key or value; the container.

    A linked list loses its first member. ``nil`` where there is nothing to
    remove; a string gives a new string, empty for a position outside.

    (setq l (list 4 5 6)) (pop l 0) l
    ; (5 6)
    """
    return sequence.pop(container, *key)


@primitive("popfirst")
def popfirst(container: Any) -> Any:
    """Remove the first member, the smallest of a heap; nil on an empty container.

    (popfirst (list 4 5 6))
    ; (5 6)
    """
    return sequence.pop_first(container)


@primitive("poplast")
def poplast(container: Any) -> Any:
    """Remove the last member, the largest of a heap; nil on an empty container.

    (poplast (list 4 5 6))
    ; (4 5)
    """
    return sequence.pop_last(container)


@primitive("insert", interpreter=True)
def insert(lisp: Context, container: Any, value: Any, place: Any = None) -> Any:
    """Put a value before a position, at the end without one.

    With a predicate instead of a position, at its place in a list that the
    predicate has sorted. Sets and heaps have their own order.

    (list (insert (list 4 5 6) 9 1) (insert (list 10 20 40) 30 '<))
    ; ((4 9 5 6) (10 20 30 40))
    """
    if place is None or place.__class__ in NUMBERS or place.__class__ in TEXTS:
        return sequence.insert(container, value, place)
    before = lisp.callable(place)
    return sequence.insert_sorted(container, value, lambda a, b: truth(before(a, b)))


@primitive("set@", rebinds=True, arity=(3, None))
def set_at(container: Any, *keys_and_value: Any) -> Any:
    """Store a value at a path of positions or keys, one a level.

    A position past the end appends; a string gives the changed string.

    (setq l (list 4 5 6)) (set@ l 1 9) l
    ; (4 9 6)
    """
    return sequence.set_at(container, *keys_and_value)


@primitive("setrange", "set@@", rebinds=True, arity=(3, 8))
def setrange(container: Any, *positions_and_value: Any) -> Any:
    """Put one member in place of those between two positions, as ``extract`` reads them.

    (setrange (list 1 2 3 4) 1 3 "x")
    ; (1 "x" 4)
    """
    *positions, value = positions_and_value
    return slices.set_range(container, tuple(positions), value)


@primitive("setshape", "set@@@", rebinds=True, arity=(4, None))
def setshape(container: Any, shape: Any, *keys_and_value: Any) -> Any:
    """Assign a cell, or a slice, of a flat list seen through a shape.

    (set@@@ (range 0 6 1) '(2 3) 1 1 99)
    ; (0 1 2 3 99 5)
    """
    *keys, value = keys_and_value
    return slices.set_shape(container, shape, tuple(keys), value)


@primitive("swap")
def swap(container: Any, i: Any, j: Any = None) -> Any:
    """Exchange two members in place; the second position is the next by default.

    (swap (list 4 5 6) 0 2)
    ; (6 5 4)
    """
    return sequence.swap(container, i, j)


def replace_all(container: Any, old: Any, new: Any) -> tuple[Any, int]:
    """Put a value in place of every equal member; the container and their number."""
    cls = container.__class__
    if cls in TEXTS:
        text, sought = text_of(container), to_text(old)
        count = text.count(sought) if sought else 0
        changed = text.replace(sought, to_text(new)) if count else text
        return (changed.encode("utf-8", "surrogateescape") if cls is bytes else cls(changed)), count
    if cls in DICTIONARY_KINDS:
        keys: list[Any] = list(keys_with(container, old))
        for key in keys:
            container[key] = new
        return container, len(keys)
    if cls is LinkedList:
        found = set(positions(container, old))
        for index, cell in enumerate(container.cells()):
            if index in found:
                cell.value = new
        return container, len(found)
    if not is_list(container):
        return container, 0
    places = list(positions(container, old))
    for index in places:
        sequence.set_at(container, index, new)
    return container, len(places)


@primitive("replaceall")
def replaceall(container: Any, old: Any, new: Any) -> int:
    """Put a value in place of every equal member, in place; how many there were.

    (setq l (list 4 5 4)) (list (replaceall l 4 0) l)
    ; (2 (0 5 0))
    """
    return replace_all(container, old, new)[1]


#: Functions that ``over`` applies to the list as a whole.
WHOLE = frozenset({"⌽", "rotate", "reverse", "sort", "unique", "shuffle", "flatten", "transpose"})


def over(lisp: Context, function: Any, container: Any) -> Any:
    """The value that ``over`` gives to its variable: the list with every member mapped."""
    call = lisp.callable(function)
    if function.__class__ is Symbol and function.name in WHOLE:
        return call(container)
    if not is_list(container):
        raise LispError("'over' needs a list")
    return sequence.like(container, [call(item) for item in sequence.iterate(container)])


def _joined(values: tuple[Any, ...], start: Any) -> Any:
    return sequence.append_all(start, values)


@primitive("nconc")
def nconc(*lists: Any) -> Any:
    """Append lists and other values to the first list, in place.

    (setq x (list 7)) (nconc x '(8 9) 10) x
    ; (7 8 9 10)
    """
    if not lists:
        return List()
    if lists[0].__class__ not in LISTS:
        raise LispError("first element is not a list")
    return _joined(lists[1:], lists[0])


@primitive("nconcn")
def nconcn(*lists: Any) -> Any:
    """As ``nconc``, on a fresh list of the kind of the first.

    (setq x (list 7)) (list (nconcn x '(8)) x)
    ; ((7 8) (7))
    """
    if not lists:
        return List()
    first = lists[0]
    if first.__class__ not in LISTS:
        raise LispError("first element is not a list")
    return _joined(lists[1:], sequence.like(first, sequence.iterate(first)))


@primitive("extend")
def extend(container: Any, value: Any) -> Any:
    """Append the members of a list, or one value of another kind, in place.

    A linked list extended by itself turns in a circle.

    (setq x (list 7)) (extend x '(8 9)) x
    ; (7 8 9)
    """
    return sequence.extend(container, value)
