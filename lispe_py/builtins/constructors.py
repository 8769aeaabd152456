"""Making lists: the constructors, ``to_list`` and its like, copies."""

from __future__ import annotations

import sys
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.reader import read_data
from lispe_py.registry import primitive
from lispe_py.runtime import matrices  # noqa: F401  (what the language does with a matrix)
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import to_integer, to_number
from lispe_py.runtime.copying import clone as deep_copy
from lispe_py.runtime.lazy import finite
from lispe_py.runtime.limits import claim
from lispe_py.runtime.sequence import construct, iterate
from lispe_py.values.heap import Heap
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.matrix import shaped
from lispe_py.values.records import Data, Enumeration, Range, Stream
from lispe_py.values.typed import (
    Floats,
    Integers,
    Numbers,
    Shorts,
    Stringbytes,
    Strings,
)
from lispe_py.values.types import (
    DICTIONARY_KINDS,
    LISTS,
    NUMBERS,
    SET_KINDS,
    TYPE_NAMES,
    is_list,
)

#: Beyond this many members a request is a mistake, not a list.
MOST_MEMBERS = 1 << 30


@primitive("list")
def list_(*values: Any) -> List:
    """A new list of the arguments; lists among them are members.

    (list 1 "a" '(2 3))
    ; (1 "a" (2 3))
    """
    return List(values)


@primitive("llist")
def llist(*values: Any) -> LinkedList:
    """A new linked list of the arguments.

    ``push`` and ``pop`` work at its head, in constant time.

    (llist 1 2 3)
    ; (1 2 3)
    """
    return LinkedList(values)


@primitive("integers")
def integers(*values: Any) -> Integers:
    """A typed list of integers; lists among the arguments are spliced.

    Other values are converted: decimals are cut, a text gives its leading
    number or 0. What does not fit in 64 bits is an error.

    (integers '(5 6) 7.9 "12")
    ; (5 6 7 12)
    """
    found: Integers = construct(Integers, values)
    return found


@primitive("shorts")
def shorts(*values: Any) -> Shorts:
    """A typed list of integers of 16 bits; what does not fit is an error.

    (shorts 1 2.5)
    ; (1 2)
    """
    found: Shorts = construct(Shorts, values)
    return found


@primitive("floats")
def floats(*values: Any) -> Floats:
    """A typed list of numbers of 32 bits.

    (floats 1 2.5)
    ; (1 2.5)
    """
    found: Floats = construct(Floats, values)
    return found


@primitive("numbers")
def numbers(*values: Any) -> Numbers:
    """A typed list of numbers of 64 bits.

    (numbers 1 "2e2")
    ; (1 200)
    """
    found: Numbers = construct(Numbers, values)
    return found


@primitive("strings")
def strings(*values: Any) -> Strings:
    """A typed list of strings; other values give their printed form.

    (strings "a" 'b 1.5)
    ; ("a" "b" "1.5")
    """
    found: Strings = construct(Strings, values)
    return found


@primitive("stringbytes")
def stringbytes(*values: Any) -> Stringbytes:
    """A typed list of byte strings; other values give their printed form.

    (stringbytes "a" 6)
    ; ("a" "6")
    """
    found: Stringbytes = construct(Stringbytes, values)
    return found


def _count(n: Any, name: str) -> int:
    count = to_integer(n)
    if count > MOST_MEMBERS:
        raise LispError(f"'{name}' cannot make so many elements: {count}")
    count = max(count, 0)
    claim(8 * count)
    return count


@primitive("⊂", "to_list", interpreter=True)
def to_list(lisp: Context, value: Any, n: Any = None) -> Any:
    """A generic list of the members of a container; with a count, the value repeated.

    A generic list is returned as it is; a text is read as the members of a list;
    what is no list becomes its only member.

    (to_list "a (b 3) {c}")
    ; (a (b 3) (sets c))
    """
    if n is not None:
        return List([value] * _count(n, "to_list"))
    if isinstance(value, str):
        return lisp.links.spelled(read_data(value))
    cls = value.__class__
    if cls in (List, Tail, Data):
        return value
    if cls in LISTS or cls in SET_KINDS or cls in (Heap, Enumeration, Range, Stream):
        return List(finite(value))
    if cls not in TYPE_NAMES:
        adapter = adapter_for(cls)
        if adapter.is_list(value):
            return List(adapter.iterate(value) or ())
    return List((value,))


@primitive("to_llist")
def to_llist(value: Any) -> LinkedList:
    """A linked list of the members of a list or set.

    (to_llist '(5 6))
    ; (5 6)
    """
    cls = value.__class__
    if is_list(value) or cls in SET_KINDS or cls is Heap:
        return LinkedList(iterate(value))
    return LinkedList((value,))


@primitive("replicate")
def replicate(n: Any, value: Any) -> List:
    """A list of n independent copies of a value.

    (replicate 3 'z)
    ; (z z z)
    """
    count = _count(n, "replicate")
    if value.__class__ in LISTS or value.__class__ not in TYPE_NAMES or _mutable(value):
        claim(sys.getsizeof(value) * count)
        return List([deep_copy(value) for _ in range(count)])
    return List([value] * count)


def _mutable(value: Any) -> bool:
    cls = value.__class__
    return cls in DICTIONARY_KINDS or cls in SET_KINDS or cls is Heap


@primitive("clone")
def clone(value: Any) -> Any:
    """A deep copy of a container: nothing is shared with the original.

    (setq a '(1 (2)))
    (setq b (clone a))
    (push (@ b 1) 3)
    (list a b)
    ; ((1 (2)) (1 (2 3)))
    """
    return deep_copy(value)


@primitive("bytes")
def bytes_(value: Any) -> Any:
    """The bytes of a byte string; of a string, four for each character, the lowest first.

    (list (bytes b"LK") (bytes (stringbyte "é")) (bytes "é"))
    ; ((76 75) (195 169) (233 0 0 0))
    """
    if isinstance(value, str):
        return Shorts(value.encode("utf-32-le", "surrogatepass"))
    if value.__class__ is bytes:
        return Shorts(value)
    return Shorts()


@primitive("⊃", "to_tensor")
def to_tensor(value: Any) -> Any:
    """The typed list, matrix or tensor that regular nested numbers make.

    Integers only give integers, a decimal among them numbers. Irregular or
    mixed lists are returned as they are.

    (type (to_tensor '((5 6) (7 8))))
    ; matrix_integer_
    """
    if not is_list(value):
        raise LispError("Expecting a list")
    if value.__class__ not in (List, Tail, LinkedList, Data):
        return value
    kind = _number_kind(value)
    if kind is None:
        return value
    shape, flat = _regular(value)
    if shape is None:
        return value
    if kind is float:
        return shaped("numbers", shape, Numbers([to_number(x) for x in flat]))
    return shaped("integers", shape, Integers(flat))


def _number_kind(value: Any) -> type | None:
    """int or float: the kind that holds every member at any depth, else None."""
    found: type | None = None
    stack = [(iter(value), id(value))]
    path = {id(value)}
    while stack:
        members_left, mark = stack[-1]
        for item in members_left:
            cls = item.__class__
            if cls in LISTS:
                if id(item) in path:
                    return None
                stack.append((iter(item), id(item)))
                path.add(id(item))
                break
            if cls not in NUMBERS or cls is complex:
                return None
            if issubclass(cls, float):
                found = float
            elif found is None:
                found = int
        else:
            stack.pop()
            path.discard(mark)
    return found


def _regular(value: Any) -> tuple[list[int] | None, list[Any]]:
    """Shape and flat members of a nested list whose rows all have one length."""
    level: list[Any] = [value]
    shape: list[int] = []
    while level and all(item.__class__ in LISTS for item in level):
        sizes = {len(item) for item in level}
        if len(sizes) != 1 or 0 in sizes:
            return None, []
        shape.append(sizes.pop())
        level = [member for item in level for member in item]
    if any(item.__class__ in LISTS for item in level):
        return None, []
    return shape, level
