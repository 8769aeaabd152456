"""Equality and order.

Numbers are compared as numbers, whatever their kinds; a text on the left
compares as text. Lists are equal, and ordered, member by member, across kinds.
Nesting may be as deep as memory allows: nothing here recurses on the C stack.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from lispe_py.printer import display
from lispe_py.protocol import adapter_for
from lispe_py.runtime.at_once import equal_members
from lispe_py.runtime.convert import leading_number
from lispe_py.runtime.operands import NUMBERS, NUMERIC_LISTS, SETS, TEXT_LISTS, TEXTS
from lispe_py.runtime.vector import use_numpy
from lispe_py.values.dictionaries import Dictionary, DictionaryJson
from lispe_py.values.heap import Heap
from lispe_py.values.instances import Instance
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Data
from lispe_py.values.sets import Set
from lispe_py.values.typed import Integers
from lispe_py.values.types import TYPE_NAMES

Truth = bool | None

_LISTS: frozenset[type] = frozenset(
    {List, Tail, Data, list, tuple, LinkedList, *NUMERIC_LISTS, *TEXT_LISTS}
)  # fmt: skip
_NUMBER = re.compile(
    r"\s*[+-]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)\s*"
)
_END: Any = object()
#: Pairs of containers visited after which they are remembered, in case they form a circle.
_PATIENCE = 10_000


def _number_in(text: str | bytes) -> int | float | None:
    """The number that a whole text spells."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return leading_number(text) if _NUMBER.fullmatch(text) else None


# ---------------------------------------------------------------- equality


def _scalars_equal(a: Any, b: Any) -> bool:
    """Equality of values of which neither contains others."""
    ca, cb = a.__class__, b.__class__
    if ca in NUMBERS:
        if cb in NUMBERS:
            return bool(a == b)
        if cb in TEXTS:
            number = _number_in(b)
            return number is not None and bool(a == number)
        return False
    if ca in TEXTS:
        return _text(a) == _text(b)
    if ca is cb:
        return bool(a is b)
    return False


def _text(value: Any) -> str:
    cls = value.__class__
    if cls is str:
        return value  # type: ignore[no-any-return]
    return display(value)


def _numeric_equal(a: Any, b: Any) -> bool:
    if len(a) != len(b):
        return False
    if use_numpy(len(a)):
        import numpy

        left, right = numpy.frombuffer(a, a.typecode), numpy.frombuffer(b, b.typecode)
        if left.dtype.kind == right.dtype.kind:
            return bool(numpy.array_equal(left, right))
    return bool(a.tolist() == b.tolist())


def _children(a: Any, b: Any) -> list[tuple[Any, Any]] | bool:
    """The pairs that must be equal for two containers to be, or the answer itself."""
    ca, cb = a.__class__, b.__class__
    if ca in _LISTS:
        if cb not in _LISTS:
            if cb in TYPE_NAMES:
                return False
            adapter = adapter_for(cb)
            return adapter.equal(a, b)
        if ca in NUMERIC_LISTS and cb in NUMERIC_LISTS:
            return _numeric_equal(a, b)
        if ca is LinkedList and cb is LinkedList:
            return _linked(a, b)
        if len(a) != len(b):
            return False
        return list(zip(a, b, strict=True))
    if isinstance(a, Dictionary) or ca is dict:
        # Of one kind, Python's own counting as the plain one; one from JSON equals only itself.
        kind = Dictionary if ca is dict else ca
        if kind is not (Dictionary if cb is dict else cb) or kind is DictionaryJson:
            return False
        if len(a) != len(b):
            return False
        pairs = []
        for key in a:
            if key not in b:
                return False
            pairs.append((a[key], b[key]))
        return pairs
    if ca in SETS:
        return cb in SETS and set(a) == set(b)
    if ca is Set:
        return cb is Set and a.members.keys() == b.members.keys()
    if ca is Heap:
        return list(zip(a, b, strict=True)) if cb is Heap and len(a) == len(b) else False
    if isinstance(a, Instance):
        if type(a) is not type(b) or a.__dict__.keys() != b.__dict__.keys():
            return False
        return [(value, b.__dict__[name]) for name, value in a.__dict__.items()]
    if ca not in TYPE_NAMES:
        return adapter_for(ca).equal(a, b)
    if cb not in TYPE_NAMES:
        return adapter_for(cb).equal(a, b)
    return _scalars_equal(a, b)


def _linked(a: LinkedList, b: LinkedList) -> list[tuple[Any, Any]] | bool:
    """Linked lists: their members, and whether they end."""
    left, right = list(a), list(b)
    if len(left) != len(right) or a.cyclic != b.cyclic:
        return False
    return list(zip(left, right, strict=True))


def _is_equal(a: Any, b: Any) -> bool:
    pending = [(a, b)]
    visited = 0
    seen: set[tuple[int, int]] = set()
    while pending:
        left, right = pending.pop()
        if left is right:
            if left.__class__ is float and math.isnan(left):
                return False
            continue
        cl = left.__class__
        if cl in NUMBERS or cl in TEXTS:
            if right.__class__ not in TYPE_NAMES and cl in NUMBERS:
                if not adapter_for(right.__class__).equal(left, right):
                    return False
            elif not _scalars_equal(left, right):
                return False
            continue
        visited += 1
        if visited > _PATIENCE:
            pair = (id(left), id(right))
            if pair in seen:
                continue
            seen.add(pair)
        found = _children(left, right)
        if found is False:
            return False
        if found is not True:
            pending.extend(reversed(found))
    return True


def equal(a: Any, b: Any) -> Truth:
    """``=``: equality of values, deep.

    >>> equal(1, 1.0), equal(1, 1.5)
    (True, None)
    """
    ca, cb = a.__class__, b.__class__
    if (ca is int or ca is float) and (cb is int or cb is float):
        return True if a == b else None
    if ca is str and cb is str:
        return True if a == b else None
    return True if _is_equal(a, b) else None


def not_equal(a: Any, b: Any) -> Truth:
    """``!=``: the contrary of ``=``."""
    return None if equal(a, b) else True


def same(a: Any, b: Any) -> Truth:
    """``eq``: the same object, or the same number, text or typed list."""
    if a is b:
        return None if a.__class__ is float and math.isnan(a) else True
    ca, cb = a.__class__, b.__class__
    if ca in NUMBERS:
        if cb in NUMBERS:
            return True if a == b else None
    elif ca in TEXTS:
        return True if cb in TEXTS and (ca is bytes) == (cb is bytes) and a == b else None
    elif ca in NUMERIC_LISTS:
        return True if ca is cb and _numeric_equal(a, b) else None
    elif ca in TEXT_LISTS:
        return True if ca is cb and list(a) == list(b) else None
    elif a is None:
        return True if cb in _LISTS and not b else None
    elif ca is Tail and cb is Tail:
        return True if a.base is b.base and a.offset == b.offset else None
    elif ca in (List, Tail) and cb in (List, Tail):
        return True if not len(a) and not len(b) else None
    elif ca in SETS:
        return True if ca is cb and set(a) == set(b) else None
    if ca not in TYPE_NAMES and adapter_for(ca).is_number(a):
        return True if adapter_for(ca).equal(a, b) else None
    if cb not in TYPE_NAMES and ca in NUMBERS and adapter_for(cb).is_number(b):
        return True if adapter_for(cb).equal(a, b) else None
    return None


# ---------------------------------------------------------------- order


def _sign(a: Any, b: Any) -> int | None:
    if a < b:
        return -1
    if a > b:
        return 1
    return 0 if a == b else None


def _scalar_order(a: Any, b: Any) -> int | None:
    ca, cb = a.__class__, b.__class__
    if ca in NUMBERS:
        if cb in TEXTS:
            b = _number_in(b)
            if b is None:
                return None
        elif cb not in NUMBERS:
            return adapter_for(cb).compare(a, b) if cb not in TYPE_NAMES else None
        if ca is complex or b.__class__ is complex:
            return 0 if a == b else None
        return _sign(a, b)
    if ca in TEXTS:
        return _sign(_text(a), _text(b))
    if ca not in TYPE_NAMES:
        return adapter_for(ca).compare(a, b)
    return None


def _both_lists(a: Any, b: Any) -> bool:
    return a.__class__ in _LISTS and b.__class__ in _LISTS


def order(a: Any, b: Any) -> int | None:
    """``>=<``: -1, 0 or 1; None where two values have no order.

    Lists are ordered by their first members that differ, then by length.
    """
    if not _both_lists(a, b):
        return _scalar_order(a, b)
    pending: list[tuple[Iterator[Any], Iterator[Any]]] = [(iter(a), iter(b))]
    while pending:
        left, right = pending[-1]
        x: Any = next(left, _END)
        y: Any = next(right, _END)
        if x is _END or y is _END:
            if x is not y:
                return -1 if x is _END else 1
            pending.pop()
        elif x is y and x.__class__ is not float:
            continue
        elif _both_lists(x, y):
            pending.append((iter(x), iter(y)))
        else:
            sign = _scalar_order(x, y)
            if sign != 0:
                return sign
    return 0


def less(a: Any, b: Any) -> Truth:
    """``<``"""
    ca, cb = a.__class__, b.__class__
    if (ca is int or ca is float) and (cb is int or cb is float):
        return True if a < b else None
    return True if order(a, b) == -1 else None


def less_equal(a: Any, b: Any) -> Truth:
    """``<=``"""
    ca, cb = a.__class__, b.__class__
    if (ca is int or ca is float) and (cb is int or cb is float):
        return True if a <= b else None
    return True if order(a, b) in (-1, 0) else None


def greater(a: Any, b: Any) -> Truth:
    """``>``"""
    ca, cb = a.__class__, b.__class__
    if (ca is int or ca is float) and (cb is int or cb is float):
        return True if a > b else None
    return True if order(a, b) == 1 else None


def greater_equal(a: Any, b: Any) -> Truth:
    """``>=``"""
    ca, cb = a.__class__, b.__class__
    if (ca is int or ca is float) and (cb is int or cb is float):
        return True if a >= b else None
    return True if order(a, b) in (0, 1) else None


# ---------------------------------------------------------------- as numbers


def matches(a: Any, b: Any) -> Any:
    """``==``: 1 or 0; between lists of one length, or a list and a scalar, per member."""
    ca, cb = a.__class__, b.__class__
    if ca not in _LISTS:
        if ca not in TYPE_NAMES:
            return adapter_for(ca).arithmetic("==", a, b)
        return 1 if equal(a, b) else 0
    if cb not in TYPE_NAMES:
        return adapter_for(cb).arithmetic("==", a, b)
    if ca in NUMERIC_LISTS and (cb not in _LISTS or len(a) == len(b)):
        quick = equal_members(a, b)
        if quick is not None:
            return quick
    kind: type = Integers if ca in NUMERIC_LISTS or ca in TEXT_LISTS else List
    if cb not in _LISTS:
        found = [matches(m, b) for m in a]
    elif len(a) != len(b):
        return 0
    else:
        found = [matches(x, y) for x, y in zip(a, b, strict=True)]
    return kind(found)
