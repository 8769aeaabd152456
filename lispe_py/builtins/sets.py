"""Sets and heaps; intersection, union, symmetric difference."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.registry import primitive, registry
from lispe_py.runtime import sequence
from lispe_py.runtime.compare import order
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import KEYS
from lispe_py.runtime.writing import add_to_set
from lispe_py.values.heap import Heap
from lispe_py.values.lists import Tail
from lispe_py.values.sets import SETS, Set, SetI, SetN, SetS
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import TYPED
from lispe_py.values.types import DICTIONARY_KINDS, NUMBERS, SET_KINDS, TEXTS, is_list

TYPED_KINDS = frozenset(TYPED.values())


@primitive("set")
def set_(*values: Any) -> Set:
    """A set of any values; two values of one printed form are one member.

    (size (set 4 "4" '(4 5)))
    ; 2
    """
    found = Set()
    for value in values:
        add_to_set(found, value)
    return found


def _typed_set(cls: type[SetS], values: tuple[Any, ...]) -> Any:
    return cls(map(KEYS[cls.members_are], sequence.spliced(values)))


@primitive("sets")
def sets(*values: Any) -> SetS:
    """A set of strings, in order; lists among the arguments are spliced.

    (sets "q" "p" "q")
    ; {"p" "q"}
    """
    found: SetS = _typed_set(SetS, values)
    return found


@primitive("seti")
def seti(*values: Any) -> SetI:
    """A set of integers, in order; other values are converted.

    (seti 9 4 7 4)
    ; {4 7 9}
    """
    found: SetI = _typed_set(SetI, values)
    return found


@primitive("setn")
def setn(*values: Any) -> SetN:
    """A set of numbers, in order; other values are converted.

    (setn 2 1.5)
    ; {1.5 2}
    """
    found: SetN = _typed_set(SetN, values)
    return found


@primitive("heap", interpreter=True)
def heap(lisp: Context, comparator: Any = None, *values: Any) -> Heap:
    """A multiset kept in the order of a comparator.

    The comparator is a function that answers negative, zero or positive, or
    true where its first argument goes first; ``nil`` or an operator means the
    natural order. ``push`` adds, ``popfirst`` and ``poplast`` remove the ends.

    (list (heap nil 6 5 4) (heap (\\(x y) (>=< y x)) 40 10 30))
    ; ((4 5 6) (40 30 10))
    """
    is_name = comparator.__class__ is Symbol and registry.get(comparator.name) is None
    if is_name or (isinstance(comparator, (list, Tail)) and len(comparator)):
        comparator = lisp.callable(comparator)
    if not callable(comparator):
        return Heap(order, values, natural=True)
    return Heap(comparator, values)


# --- operations ------------------------------------------------------------


def _identity(item: Any) -> Hashable:
    """A key under which equal members meet; containers equal none but themselves."""
    cls = item.__class__
    if cls in NUMBERS:
        return item  # type: ignore[no-any-return]
    if cls in TEXTS:
        return str, item if cls is bytes else str.__str__(item)
    return cls, id(item)


def _members(name: str, value: Any, first: Any) -> Iterable[Any]:
    cls = value.__class__
    # The characters of a string are members for another string only.
    if cls in SET_KINDS or is_list(value) or (cls in TEXTS and first.__class__ in TEXTS):
        return sequence.iterate(value)
    raise LispError(f"Can only apply '{name}' to strings, lists or sets")


def _key(first: Any) -> Any:
    """How members are identified, as seen from the first operand."""
    return display if first.__class__ in TEXTS or first.__class__ is Set else _identity


def _build(first: Any, items: list[Any]) -> Any:
    cls = first.__class__
    if cls is bytes:
        return "".join(map(display, items)).encode("utf-8", "surrogatepass")
    if cls in TEXTS:
        return cls("".join(map(display, items)))
    if cls is Set:
        return set_(*items)
    if cls in SETS.values():
        return cls(map(KEYS[first.members_are], items))
    if cls in TYPED_KINDS:
        # Members of other kinds may have become equal.
        return cls(dict.fromkeys(sequence.typed(cls, items)))
    return sequence.like(first, items)


def _operands(name: str, values: tuple[Any, ...]) -> list[dict[Any, Any]] | None:
    """The members of every operand under their keys; None when the first is no container."""
    first = values[0]
    if first.__class__ not in TEXTS and first.__class__ not in SET_KINDS and not is_list(first):
        return None
    key = _key(first)
    tables: list[dict[Any, Any]] = []
    for value in values:
        table: dict[Any, Any] = {}
        for item in _members(name, value, first):
            table.setdefault(key(item), item)
        tables.append(table)
    return tables


def _dictionaries(name: str, values: tuple[Any, ...]) -> bool:
    if values[0].__class__ not in DICTIONARY_KINDS:
        return False
    if any(v.__class__ is not values[0].__class__ for v in values):
        raise LispError(f"'{name}' needs dictionaries of one kind")
    return True


@primitive("&&&", arity=(1, None))
def intersection(*values: Any) -> Any:
    """The members that all lists, sets or strings share; dictionaries are matched by key.

    Kind and order are those of the first.

    (&&& '(4 5 6 5) '(6 5 9))
    ; (5 6)
    """
    first = values[0]
    if _dictionaries("&&&", values):
        kept = ((k, v) for k, v in first.items() if all(k in other for other in values[1:]))
        return first.__class__(kept)
    tables = _operands("&&&", values)
    if tables is None:
        return first
    head, *others = tables
    return _build(first, [v for k, v in head.items() if all(k in other for other in others)])


@primitive("|||", arity=(1, None))
def union(*values: Any) -> Any:
    """The members of all lists, sets or strings, once each; dictionaries are joined by key.

    Kind and order are those of the first; the first value of a key stays.

    (||| '(4 5 4) '(6 5 6))
    ; (4 5 6)
    """
    first = values[0]
    if _dictionaries("|||", values):
        joined = first.copy()
        for other in values[1:]:
            for key, value in other.items():
                joined.setdefault(key, value)
        return joined
    tables = _operands("|||", values)
    if tables is None:
        return first
    head = tables[0]
    for table in tables[1:]:
        for key, item in table.items():
            head.setdefault(key, item)
    return _build(first, list(head.values()))


@primitive("^^^", arity=(1, None))
def symmetric_difference(*values: Any) -> Any:
    """The members of one list, set or string but not of the other, folded from the left.

    (^^^ '(4 5 6) '(6 7))
    ; (4 5 7)
    """
    first = values[0]
    if _dictionaries("^^^", values):
        left = first.copy()
        for other in values[1:]:
            for key, value in other.items():
                if key in left:
                    del left[key]
                else:
                    left[key] = value
        return left
    tables = _operands("^^^", values)
    if tables is None:
        return first
    head = tables[0]
    for table in tables[1:]:
        alone = {k: v for k, v in head.items() if k not in table}
        alone.update((k, v) for k, v in table.items() if k not in head)
        head = alone
    return _build(first, list(head.values()))
