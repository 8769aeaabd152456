"""Reading containers: positions, parts, ends, sizes."""

from __future__ import annotations

from itertools import product
from typing import Any

from lispe_py.printer import display
from lispe_py.registry import Entry, primitive, registry
from lispe_py.runtime import sequence, slices
from lispe_py.runtime.writing import push_last
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Data
from lispe_py.values.types import LISTS, is_list


@primitive("at", "@", "nth")
def at(container: Any, key: Any, *keys: Any) -> Any:
    """The member at a path of positions or keys, one a level.

    Negative positions count from the end; an absent member is an error.

    (list (at '(p q r) 2) (@ '((4 5) (6 7)) -1 0))
    ; (r 6)
    """
    return sequence.at(container, key, *keys)


@primitive("extract", "@@", arity=(2, None))
def extract(container: Any, *positions: Any) -> Any:
    """The part of a list or string between two positions, the second excluded.

    An end up to 0 counts from the end, and so does a bare ``-``. Texts may
    stand for positions: ``+`` before one includes it, ``-`` looks backward,
    ``-+`` does both. One position gives one member.

    (list (@@ '(a b c d e) 1 3) (@@ "lispe-core" "-" -))
    ; ((b c) "core")
    """
    return slices.extract(container, positions)


@primitive("atshape", "@@@", arity=(3, None))
def atshape(container: Any, shape: Any, *keys: Any) -> Any:
    """A cell of a flat list seen through a shape, row by row.

    With fewer keys, or a key of -1 that keeps its axis, a list of cells; an
    axis kept by -2 is walked outermost.

    (@@@ (range 10 22 1) '(3 4) -1 2)
    ; (12 16 20)
    """
    return slices.at_shape(container, shape, keys)


@primitive("last@", "last")
def last(container: Any) -> Any:
    """The last member, nil where there is none.

    (last@ '(1 2 3))
    ; 3
    """
    return sequence.last(container)


@primitive("size")
def size(value: Any) -> int:
    """The number of members of a container, or of characters; 0 for other values.

    (list (size '(4 5 6)) (size "wörld") (size 44))
    ; (3 5 0)
    """
    return sequence.size(value)


@primitive("car")
def car(value: Any) -> Any:
    """The first member of a list, nil of an empty one; the first character of a string.

    (car '(8 9))
    ; 8
    """
    return sequence.car(value)


@primitive("cdr")
def cdr(value: Any) -> Any:
    """What follows the first member, nil when nothing does.

    It shares the storage of a generic list: changes are seen through both.

    (cdr '(8 9 10))
    ; (9 10)
    """
    return sequence.cdr(value)


def path_of(name: str) -> str | None:
    """The steps of a name such as ``caddr``, None if it is none: letters between c and r."""
    steps = name[1:-1]
    if name[:1] == "c" and name[-1:] == "r" and len(steps) > 1 and not steps.strip("ad"):
        return steps
    return None


def path_entry(name: str) -> Entry | None:
    """The entry of ``cadr``, ``cddr`` and so on, made when the name is first met."""
    entry = registry.get(name)
    steps = path_of(name)
    if entry is not None or steps is None:
        return entry

    def walk(value: Any) -> Any:
        return sequence.traverse(steps, value)

    path = " of the ".join({"a": "first", "d": "rest"}[step] for step in steps)
    walk.__doc__ = f"The {path} of a list.\n\n{_path_example(name, steps)}"
    walk.__name__ = name
    walk.__qualname__ = name
    primitive(name)(walk)
    return registry.get(name)


def _path_example(name: str, steps: str) -> str:
    """A call on a list that the steps fit, with its value."""
    value: Any = List((7, 8, 9))
    for step in steps:
        value = List((value,)) if step == "a" else List((0, *value))
    return f"({name} '{display(value)})\n; {display(sequence.traverse(steps, value))}"


for _length in range(2, 5):
    for _letters in product("ad", repeat=_length):
        path_entry(f"c{''.join(_letters)}r")


@primitive("cons")
def cons(first: Any, rest: Any) -> Any:
    """A new list, of the kind of the second argument, with one more member in front.

    What is no list makes a dotted pair; ``nil`` counts as the empty list.

    (list (cons 7 '(8 9)) (cons 7 8))
    ; ((7 8 9) (7 . 8))
    """
    return sequence.cons(first, rest)


@primitive("consb")
def consb(container: Any, last: Any) -> Any:
    """A copy of a list with one more member at its end.

    What is no list comes in front of the second argument, as with ``cons``.

    (list (consb '(7 8) 9) (consb 7 '(8 9)))
    ; ((7 8 9) (7 8 9))
    """
    cls = container.__class__
    if cls in (List, Tail, Data):
        return List((*container, last))
    if container is None:
        return List((last,))
    if cls in LISTS:
        return push_last(sequence.like(container, container), last)
    if is_list(container):
        return List((*sequence.iterate(container), last))
    return sequence.cons(container, last)


@primitive("conspoint", arity=(2, None))
def conspoint(*values: Any) -> LinkedList:
    """An improper list: the last argument stands after the dot.

    (conspoint 6 7 8)
    ; (6 7 . 8)
    """
    return LinkedList(values[:-1], values[-1])
