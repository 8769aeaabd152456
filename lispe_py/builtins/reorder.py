"""Reordering and regrouping: ``reverse sort zip flatten`` and their like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cmp_to_key, partial
from itertools import chain
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.protocol import adapter_for
from lispe_py.registry import primitive, registry
from lispe_py.runtime import at_once, sequence, vector
from lispe_py.runtime.characters import characters
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import KEYS, to_integer, to_text
from lispe_py.runtime.copying import clone as deep_copy
from lispe_py.runtime.lazy import chunks, finite, is_endless, refuse_endless
from lispe_py.runtime.sequence import iterate, like, typed
from lispe_py.runtime.truth import truth
from lispe_py.runtime.vector import use_numpy
from lispe_py.values.heap import Heap
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.matrix import Grid
from lispe_py.values.records import Enumeration, Stream
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import Strings, section
from lispe_py.values.types import (
    DICTIONARY_KINDS,
    GENERIC,
    LISTS,
    NUMERIC_LISTS,
    SET_KINDS,
    TEXTS,
    TYPE_NAMES,
    is_list,
)
from lispe_py.values.unfilled import unfilled


def replace_members(value: Any, items: list[Any]) -> Any:
    """Give a list of any kind other members of its own kind, as many, in place."""
    cls = value.__class__
    if cls is LinkedList:
        for cell, item in zip(value.cells(), items, strict=True):
            cell.value = item
    elif cls is Tail:
        value.base[value.offset :] = items
    elif cls in NUMERIC_LISTS:
        value[:] = cls(items)
    elif cls in LISTS:
        value[:] = items
    elif isinstance(value, Grid):
        value.set_parts(items)
    else:
        for index, item in enumerate(items):
            sequence.set_at(value, index, item)
    return value


@primitive("reverse", rebinds=1)
def reverse(container: Any, copy: Any = None) -> Any:
    """Reverse a list in place, or give a reversed copy with ``true``.

    A string gives the reversed string. In a dictionary each value becomes a
    key, which holds the list of its former keys.

    (setq l (list 4 5 6)) (list (reverse l true) l)
    ; ((6 5 4) (4 5 6))
    """
    cls = container.__class__
    if isinstance(container, str):
        return cls("".join(list(characters(container))[::-1]))
    if cls is bytes:
        return b"".join(list(iterate(container))[::-1])
    if cls in DICTIONARY_KINDS:
        return _by_value(container)
    if not is_list(container):
        return List()
    if cls is LinkedList and container.improper:
        raise LispError("cannot reverse a linked list with a final '.' element")
    if copy is not None:
        if isinstance(container, Grid):
            return _rebuilt(container, list(iterate(deep_copy(container)))[::-1])
        return like(container, list(iterate(container))[::-1])
    if cls is List or cls in NUMERIC_LISTS:
        container.reverse()
        return container
    return replace_members(container, list(iterate(container))[::-1])


def _by_value(container: Any) -> Any:
    convert = KEYS[container.keys_are]
    found = container.__class__()
    for key, value in container.items():
        turned = convert(value)
        if turned in found:
            found[turned].append(key)
        else:
            found[turned] = List((key,))
    return found


def flipped(value: Any) -> Any:
    """For ``flip``: a list with its first two members exchanged, a dictionary turned round."""
    cls = value.__class__
    if cls in DICTIONARY_KINDS:
        convert = KEYS[cls.keys_are]
        return cls((convert(item), key) for key, item in value.items())
    if not is_list(value) or isinstance(value, Grid):
        raise LispError("cannot flip this element")
    items = list(iterate(value))
    return like(value, [*items[1::-1], *items[2:]])


def _turned(items: Any, steps: int) -> Any:
    """``steps`` to the left; to the right if negative."""
    if not len(items):
        return items
    steps %= len(items)
    return section(items, steps) + section(items, 0, steps)


@primitive("⌽", "rotate")
def rotate(container: Any, steps: Any = None, rows: Any = None) -> Any:
    """A rotated copy: n steps to the left, to the right if n is negative.

    Without a number, lists go one step to the left and strings one to the
    right; ``true`` is the opposite. A matrix has its rows rotated, or the
    order of its rows with a third argument.

    (list (rotate '(4 5 6 7)) (rotate '(4 5 6 7) -1) (rotate "lisp"))
    ; ((5 6 7 4) (7 4 5 6) "plis")
    """
    is_text = isinstance(container, (str, bytes))
    if steps is None:
        count = -1 if is_text else 1
    elif steps is True:
        count = 1 if is_text else -1
    else:
        count = to_integer(steps)
    if is_text:
        turned = _turned(to_text(container), count)
        if container.__class__ is bytes:
            return turned.encode("utf-8", "surrogatepass")
        return container.__class__(turned)
    if container.__class__ in NUMERIC_LISTS:
        return at_once.turned(container, count)
    if container.__class__ in LISTS:
        return like(container, _turned(list(iterate(container)), count))
    if isinstance(container, Grid) and 0 not in container.shape:
        return _turned_grid(container, count, truth(rows))
    if container.__class__ in TYPE_NAMES or not is_list(container):
        return container
    if truth(rows):
        return _rebuilt(container, _turned(list(iterate(deep_copy(container))), count))
    members = list(iterate(container))
    return _rebuilt(container, [rotate(row, count) for row in members])


def _turned_grid(grid: Grid, steps: int, rows: bool) -> Grid:
    """A matrix or tensor rotated along its last axis, or its first."""
    known, flat = grid.known, grid.for_reading()
    return grid.with_members(_turned_members(grid, flat, steps, rows), known)


def _turned_members(grid: Grid, flat: Any, steps: int, rows: bool) -> Any:
    numeric = flat.__class__ in NUMERIC_LISTS
    if rows:
        turned = at_once.turned if numeric else _turned
        return turned(flat, steps % len(grid) * (len(flat) // len(grid)))
    width = grid.shape[-1]
    steps %= width
    if numeric and use_numpy(len(flat)):
        result = unfilled(flat.__class__, len(flat))
        source, out = (vector.view(v).reshape(-1, width) for v in (flat, result))
        out[:, : width - steps] = source[:, steps:]
        out[:, width - steps :] = source[:, :steps]
        return result
    starts = range(0, len(flat), width)
    return flat.__class__(
        chain.from_iterable(_turned(section(flat, i, i + width), steps) for i in starts)
    )


def _rebuilt(container: Any, members: list[Any]) -> Any:
    """A matrix or tensor of other rows; a list where the container is neither."""
    if isinstance(container, Grid):
        return container.of_parts(container.kind, container.shape, members)
    return List(members)


# --- flatten ---------------------------------------------------------------


def _inside(value: Any) -> Iterable[Any] | None:
    """What flattening finds in a value; None for one that is taken whole."""
    cls = value.__class__
    if cls in DICTIONARY_KINDS:
        return chain.from_iterable(value.items())
    if cls in LISTS or cls in SET_KINDS or cls is Heap or cls is Enumeration:
        return iterate(value)
    if cls not in TYPE_NAMES and is_list(value):
        return adapter_for(cls).iterate(value)
    return None


@primitive("flatten")
def flatten(value: Any) -> Any:
    """The list of all members at any depth; keys and values of dictionaries in turn.

    A typed list keeps its kind; what is no container becomes the only member.

    (flatten '(1 (2 (3 4)) 5))
    ; (1 2 3 4 5)
    """
    cls = value.__class__
    if cls in LISTS and cls not in GENERIC and cls is not LinkedList:
        return like(value, value)
    if isinstance(value, Grid):
        return List(value.buffer)
    refuse_endless(value)
    inside = _inside(value)
    if inside is None:
        return List((value,))
    found = List()
    stack = [iter(inside)]
    path = {id(value)}
    names = [id(value)]
    while stack:
        for item in stack[-1]:
            inside = _inside(item)
            if inside is None:
                found.append(item)
            elif id(item) not in path:
                # A list inside itself is walked once.
                path.add(id(item))
                names.append(id(item))
                stack.append(iter(inside))
                break
        else:
            stack.pop()
            path.discard(names.pop())
    return found


# --- unique and sort -------------------------------------------------------


def _printed(item: Any) -> Any:
    """The printed form; a number that six digits do not tell apart stands for itself."""
    text = display(item)
    if isinstance(item, float) and float(text) != item:
        return item
    return text


@primitive("unique")
def unique(container: Any) -> Any:
    """The first occurrences of the members of a list, compared by their printed form.

    (unique '(4 5 4 "5"))
    ; (4 5)
    """
    if not is_list(container):
        return container
    quick = at_once.distinct(container)
    if quick is not None:
        return quick if quick.__class__ is container.__class__ else like(container, quick)
    found: dict[Any, Any] = {}
    for item in iterate(container):
        found.setdefault(_printed(item), item)
    return like(container, found.values())


_STRICT = "The comparison must be strict for a 'sort': (comp a a) must return 'nil'."


def _alike(items: list[Any]) -> bool:
    """Members that Python orders as the language does: all numbers, or all strings."""
    kinds = {item.__class__ for item in items}
    if kinds == {str}:
        return True
    return kinds <= {int, float} and not any(item != item for item in items)


def _sorted(lisp: Context, predicate: Any, items: list[Any]) -> list[Any]:
    before = lisp.callable(predicate)
    if items and truth(before(items[0], items[0])):
        raise LispError(_STRICT)
    name = predicate.name if predicate.__class__ is Symbol else ""
    if name in ("<", ">") and _alike(items):
        return sorted(items, reverse=name == ">")
    return sorted(items, key=cmp_to_key(lambda a, b: -1 if truth(before(a, b)) else 0))


@primitive("sort", interpreter=True)
def sort(lisp: Context, predicate: Any, container: Any) -> Any:
    """Sort a list in place with a strict predicate; the list.

    (sort '< (list 6 4 5))
    ; (4 5 6)
    """
    if not is_list(container):
        raise LispError("the second argument should be a list for 'sort'")
    name = predicate.name if predicate.__class__ is Symbol else ""
    if container.__class__ in NUMERIC_LISTS and name in ("<", ">") and use_numpy(len(container)):
        return _sort_numbers(container, name == ">")
    return replace_members(container, _sorted(lisp, predicate, list(iterate(container))))


def _sort_numbers(container: Any, falling: bool) -> Any:
    """A long typed list, sorted where it lies."""
    import numpy

    buffer = numpy.frombuffer(container, container.typecode)
    buffer.sort(kind="stable")
    if falling:
        buffer[:] = buffer[::-1].copy()
    return container


# --- groups ----------------------------------------------------------------


@primitive("slice", "cutlist")
def slice_(container: Any, size: Any) -> Any:
    """Consecutive chunks of a list or a string; the last may be shorter.

    (list (slice '(4 5 6 7 8) 2) (slice "lispe" 3))
    ; (((4 5) (6 7) (8)) ("lis" "pe"))
    """
    count = to_integer(size)
    if count < 1:
        raise LispError("'slice' needs a positive size")
    if container.__class__ in TEXTS:
        text = to_text(container)
        parts = Strings(text[i : i + count] for i in range(0, len(text), count))
        if not parts:
            return List()
        return parts
    return List(chunks(iter(finite(container)), count))


@primitive("zip", arity=(2, None))
def zip_(*lists: Any) -> List:
    """The list of the tuples of the parallel members of lists of one size.

    (zip '(4 5) '(a b))
    ; ((4 a) (5 b))
    """
    if not all(map(is_list, lists)):
        raise LispError("'zip' only accepts lists as arguments")
    if len({len(items) for items in lists}) > 1:
        raise LispError("Lists should all have the same size in 'zip'")
    tuples = zip(*map(iterate, lists), strict=True)
    kinds = {items.__class__ for items in lists}
    kind = kinds.pop() if len(kinds) == 1 else List
    if kind in GENERIC or kind is LinkedList or kind not in LISTS:
        return List(map(List, tuples))
    return List(typed(kind, members) for members in tuples)


@primitive("enum")
def enum(container: Any, start: Any = 0) -> Any:
    """The pairs of a position and a member, for ``loop``, ``map`` and their like.

    (map (\\(e) (cadr e)) (enum '(p q)))
    ; (p q)
    """
    first = to_integer(start)
    if is_endless(container):
        return Stream(lambda: map(List, enumerate(iterate(container), first)))
    grows = container.__class__ in LISTS and container.__class__ is not LinkedList
    count = partial(sequence.size, container) if grows else None
    return Enumeration(partial(iterate, container), first, count)


@primitive("mask@")
def mask(flags: Any, yes: Any, no: Any = None) -> Any:
    """For each flag the next member of ``yes`` if it is true, of ``no`` otherwise.

    Without a second list, false flags give nil.

    (mask@ '(1 0 0 1) '(a b) '(c d))
    ; (a c d b)
    """
    if not is_list(flags) or not is_list(yes):
        raise LispError("first element should be a list of 1 and 0")
    if no is not None and not (is_list(no) and len(no)):
        raise LispError("wrong third argument. Should be a non empty list")
    chosen = iter(iterate(yes))
    others = None if no is None else iter(iterate(no))
    found: list[Any] = []
    missing = found
    for flag in iterate(flags):
        if truth(flag):
            item = next(chosen, missing)
        else:
            item = None if others is None else next(others, missing)
        if item is missing:
            raise LispError("size mismatch")
        found.append(item)
    return List(found) if yes.__class__ in GENERIC else like(yes, found)


_ABSENT = object()


@primitive("takenb", arity=(2, 3))
def takenb(n: Any, container: Any, end: Any = _ABSENT) -> Any:
    """The first n members of a list; the last n when n is negative.

    A third argument, whatever it is, also takes them from the end.

    (list (takenb 2 '(7 8 9)) (takenb -2 '(7 8 9)))
    ; ((7 8) (8 9))
    """
    if not is_list(container):
        raise LispError("Expecting a list as second element")
    count = to_integer(n)
    if end is not _ABSENT and count < 0:
        raise LispError("wrong value for first argument")
    items = list(iterate(container))
    if count < 0 or end is not _ABSENT:
        count = min(abs(count), len(items))
        return like(container, items[len(items) - count :])
    return like(container, items[:count])


@primitive("shift", interpreter=True)
def shift(lisp: Context, function: Any, container: Any, n: Any = 1) -> Any:
    """A function between a list without its last n members and without its first n.

    An operator or a built-in is applied to the two lists, any other function
    to their members side by side. A negative n exchanges the two sides; nil if
    n is not below the size.

    (shift '- (integers 10 7 5 1) 1)
    ; (3 2 4)
    """
    if not is_list(container):
        raise LispError("arguments to 'shift' should be given as a list")
    steps = to_integer(n)
    items = list(iterate(container))
    count = abs(steps)
    if count >= len(items):
        return None
    left, right = items[: len(items) - count], items[count:]
    if steps < 0:
        left, right = right, left
    call: Callable[..., Any] = lisp.callable(function)
    if function.__class__ is Symbol and registry.get(function.name) is not None:
        return call(like(container, left), like(container, right))
    return List(map(call, left, right))


# --- text ------------------------------------------------------------------


def _texts(container: Any) -> Iterator[str]:
    if container.__class__ in DICTIONARY_KINDS:
        return (f"{display(k)}:{display(v)}" for k, v in container.items())
    return map(to_text, iterate(container))


@primitive("join")
def join(container: Any, separator: Any = "") -> str:
    """The printed members of a list, set or dictionary, with a separator between them.

    (join '("u" "v" "w") "+")
    ; u+v+w
    """
    cls = container.__class__
    if cls in DICTIONARY_KINDS or cls in SET_KINDS or is_list(container):
        return to_text(separator).join(_texts(container))
    raise LispError("'join' can only be used for lists")


@primitive("explode")
def explode(text: Any) -> List:
    """The list of the characters of a string, as atoms.

    (explode "abcd")
    ; (a b c d)
    """
    return List(Symbol(character) for character in characters(to_text(text)))


# --- marks -----------------------------------------------------------------

#: Lists that ``mark`` has marked, by identity. They are kept alive by their mark.
_marked: dict[int, Any] = {}


def _mark_key(container: Any) -> int:
    if not is_list(container):
        raise LispError("'mark' can only be used for lists")
    return id(container)


@primitive("mark", arity=(1, 2))
def mark(container: Any, *on: Any) -> Any:
    """Set the mark of a list, or ask for it; it tells lists already visited.

    What ``cdr`` gives is a list of its own, with its own mark.

    (setq l '(1 2)) (list (mark l) (mark l true) (mark l))
    ; (nil true true)
    """
    key = _mark_key(container)
    if not on:
        return True if key in _marked else None
    if truth(on[0]):
        _marked[key] = container
    else:
        _marked.pop(key, None)
    return True


@primitive("resetmark", arity=(0, 1))
def resetmark(*container: Any) -> bool:
    """Take the mark off a list, or off all lists.

    (setq l '(1 2)) (mark l true) (resetmark) (mark l)
    ; nil
    """
    if container:
        _marked.pop(_mark_key(container[0]), None)
    else:
        _marked.clear()
    return True
