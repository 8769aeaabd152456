"""Comparisons as functions of any number of operands; largest and smallest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.registry import primitive
from lispe_py.runtime import compare, vector
from lispe_py.runtime.elementwise import mapped
from lispe_py.runtime.operands import NUMERIC_LISTS
from lispe_py.runtime.sequence import like
from lispe_py.runtime.truth import truth
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List
from lispe_py.values.matrix import Grid
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.sets import SetI, SetN, SetS
from lispe_py.values.typed import Floats, Shorts
from lispe_py.values.types import LISTS, TYPE_NAMES

Truth = bool | None


def _chain(test: Callable[[Any, Any], Truth], values: tuple[Any, ...]) -> Truth:
    """Does the test hold between each operand and the next?"""
    left = values[0]
    for right in values[1:]:
        if test(left, right) is None:
            return None
        left = right
    return True


@primitive("=", arity=(2, None), pure=True, truth=True)
def equal(*values: Any) -> Truth:
    """Are all operands equal? Numbers by value, lists member by member.

    Lists of different kinds may be equal. A text on the left is compared with
    the printed form of the other side, a number with the number that a text
    spells.

    (list (= 5 5.0) (= 1 1.5) (= '(1 2) (integers 1 2)) (= "1" 1))
    ; (true nil true true)
    """
    first = values[0]
    return None if any(compare.equal(first, v) is None for v in values[1:]) else True


@primitive("!=", arity=(2, None), pure=True, truth=True)
def not_equal(*values: Any) -> Truth:
    """Is each operand different from the next one?

    (list (!= '(4 5) '(4 6)) (!= 4 4))
    ; (true nil)
    """
    return _chain(compare.not_equal, values)


@primitive("eq", arity=(2, None), pure=True, truth=True)
def same(*values: Any) -> Truth:
    """Are all operands the same atom, number, text, typed list or object?

    (setq l '(1 2)) (list (eq l l) (eq l '(1 2)) (eq 4 4.0) (eq 4 "4"))
    ; (true nil true nil)
    """
    first = values[0]
    return None if any(compare.same(first, v) is None for v in values[1:]) else True


@primitive("neq", arity=(2, None), pure=True, truth=True)
def not_same(*values: Any) -> Truth:
    """Is the first operand none of the others?

    (list (neq 'a 'b) (neq 1 1))
    ; (true nil)
    """
    first = values[0]
    return None if any(compare.same(first, v) for v in values[1:]) else True


@primitive("<", arity=(2, None), pure=True, truth=True)
def less(*values: Any) -> Truth:
    """Do the operands rise? Numbers, texts, or lists of them.

    Values that have no order answer nil.

    (list (< 1 1.5 2) (< "apple" "banana") (< '(1 2) '(1 3)) (< 'a 'b))
    ; (true true true nil)
    """
    return _chain(compare.less, values)


@primitive("<=", arity=(2, None), pure=True, truth=True)
def less_equal(*values: Any) -> Truth:
    """Does no operand fall below the one before it?

    (<= 1 3 3)
    ; true
    """
    return _chain(compare.less_equal, values)


@primitive(">", arity=(2, None), pure=True, truth=True)
def greater(*values: Any) -> Truth:
    """Do the operands fall?

    (list (> 9 5 1) (> 9 5 5))
    ; (true nil)
    """
    return _chain(compare.greater, values)


@primitive(">=", arity=(2, None), pure=True, truth=True)
def greater_equal(*values: Any) -> Truth:
    """Does no operand rise above the one before it?

    (>= 9 5 5)
    ; true
    """
    return _chain(compare.greater_equal, values)


@primitive(">=<", pure=True)
def order(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 as the first is less, equal or greater; nil without an order.

    (list (>=< 3 4) (>=< "b" "a") (>=< 4 4.0) (>=< 'a 'b))
    ; (-1 1 0 nil)
    """
    return compare.order(left, right)


@primitive("==", pure=True)
def matches(left: Any, right: Any) -> Any:
    """1 if the two are equal, else 0; member by member on lists of one length.

    (list (== 4 4) (== '(4 5 6) '(4 0 6)))
    ; (1 (1 0 1))
    """
    return compare.matches(left, right)


@primitive("¬", "not", pure=True)
def negation(value: Any) -> Any:
    """true for a false value, else nil; 1 and 0 on a typed list of numbers.

    A list of any other kind is judged by its emptiness.

    (list (not nil) (not 5) (not '(1 nil)) (not (integers 1 0)))
    ; (true nil nil (0 1))
    """
    if value.__class__ in NUMERIC_LISTS and len(value):
        return mapped(lambda member: 0 if member else 1, value)
    if isinstance(value, Grid) and len(value) and value.buffer.__class__ in NUMERIC_LISTS:
        return value.with_members(negation(value.buffer))
    return None if truth(value) else True


# ---------------------------------------------------------------- largest and smallest

#: What a typed list gives for one of its members.
_AS_MEMBER: dict[type, type] = {Shorts: Short, Floats: Float32}


def _candidates(values: tuple[Any, ...], what: str) -> Any:
    """The operands, or the members of a single container."""
    if len(values) > 1:
        return values
    container = values[0]
    cls = container.__class__
    if cls in LISTS or cls in (SetS, SetI, SetN) or cls in (list, tuple):
        return container
    if isinstance(container, Dictionary):
        return list(container.values())
    if isinstance(container, Grid):
        return container.buffer
    if cls not in TYPE_NAMES and adapter_for(cls).is_list(container):
        return list(adapter_for(cls).iterate(container) or ())
    raise LispError(f"cannot find the {what} for this object")


def _best(items: Any, test: Callable[[Any, Any], Truth], numeric: Callable[[Any], Any]) -> Any:
    """The first member that no other beats; nil of nothing."""
    cls = items.__class__
    if cls in NUMERIC_LISTS:
        if not len(items):
            return None
        found = _typed_best(items, numeric)
        kind = _AS_MEMBER.get(cls)
        return found if kind is None else kind(found)
    members = iter(items)
    best = next(members, None)
    for member in members:
        if test(member, best):
            best = member
    return best


def _typed_best(items: Any, numeric: Callable[[Any], Any]) -> Any:
    if not vector.use_numpy(len(items)):
        return numeric(items.tolist())
    import numpy

    values = numpy.frombuffer(items, items.typecode)
    found = (values.max() if numeric is max else values.min()).item()
    # A NaN among the members: Python's answer is that of the short lists.
    return found if found == found else numeric(items.tolist())  # noqa: PLR0124


@primitive("max", arity=(1, None), pure=True)
def largest(*values: Any) -> Any:
    """The largest of the operands, or of the members of one list; nil of an empty list.

    (list (max 3 9 4) (max '(4 8 1)) (max "pear" "fig"))
    ; (9 8 "pear")
    """
    reduce = _reduction(values, "max")
    if reduce is not None:
        return reduce(values[0])
    return _best(_candidates(values, "maximum"), compare.greater, max)


@primitive("min", arity=(1, None), pure=True)
def smallest(*values: Any) -> Any:
    """The smallest of the operands, or of the members of one list; nil of an empty list.

    (list (min 3 9 4) (min (floats 4.5 2.5)))
    ; (3 2.5)
    """
    reduce = _reduction(values, "min")
    if reduce is not None:
        return reduce(values[0])
    return _best(_candidates(values, "minimum"), compare.less, min)


def _reduction(values: tuple[Any, ...], name: str) -> Any:
    """The reduction that the adapter of a single foreign value may offer."""
    if len(values) > 1 or values[0].__class__ in TYPE_NAMES or isinstance(values[0], Grid):
        return None
    return getattr(adapter_for(values[0].__class__), name, None)


@primitive("minmax", arity=(1, None), pure=True)
def extremes(*values: Any) -> Any:
    """The smallest and the largest, in a list of the kind of the operand.

    (list (minmax 6 4 9) (minmax (strings "q" "p")))
    ; ((4 9) ("p" "q"))
    """
    items = _candidates(values, "minmax")
    low = _best(items, compare.less, min)
    if low is None and not len(items):
        return None
    pair = [low, _best(items, compare.greater, max)]
    container = values[0] if len(values) == 1 else None
    if container.__class__ in LISTS and container.__class__ is not LinkedList:
        return like(container, pair)
    return LinkedList(pair) if container.__class__ is LinkedList else List(pair)
