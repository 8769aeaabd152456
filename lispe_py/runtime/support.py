"""Helpers that compiled code calls by name (``.add``, ``.truth`` ...).

Those that need no interpreter are here; :mod:`lispe_py.runtime.frames` has
those that reach variables.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display, show
from lispe_py.runtime import arithmetic, compare, sequence
from lispe_py.runtime.convert import to_integer, to_number
from lispe_py.runtime.lazy import finite
from lispe_py.runtime.mapping import kept, typed_by_first
from lispe_py.runtime.regex import Prgx, Rgx
from lispe_py.runtime.searching import has_key
from lispe_py.runtime.truth import truth
from lispe_py.values.dictionaries import Dictionary, DictionaryJson, DictionaryTree
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Caught
from lispe_py.values.typed import Integers, Numbers, Strings


class Sentinel:
    """A mark that no program can see."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<{self.text}>"


#: Value of a local variable that has not been set.
UNBOUND = Sentinel("unbound")
#: Value of a parameter that the call left out.
DEFAULT = Sentinel("default")


class Count:
    """What ``loopcount`` runs over, and where its variable ends."""

    __slots__ = ("steps", "final")

    def __init__(self, n: int) -> None:
        self.steps = range(n) if n >= 0 else range(-n - 1, -1, -1)
        self.final = n if n >= 0 else -1


def counted(n: Any) -> Count:
    if n.__class__ is int:
        return Count(n)
    return Count(to_integer(n))


def parallel(*lists: Any) -> Iterator[tuple[Any, ...]]:
    """The members of several containers side by side, up to the shortest."""
    return zip(*[sequence.iterate(items) for items in lists], strict=False)


def parallel_mixed(*containers: Any) -> Iterator[tuple[Any, ...]]:
    """Like :func:`parallel`; dictionaries give their values, lengths must fit."""
    members = [
        list(c.values()) if isinstance(c, dict) else list(sequence.iterate(c)) for c in containers
    ]
    if any(len(m) < len(members[0]) for m in members):
        raise LispError("index out of bounds")
    return zip(*members, strict=False)


def spread(value: Any, count: int) -> list[Any]:
    """The members of a list that as many variables take."""
    from lispe_py.values.types import is_list

    if not is_list(value) or len(value) != count:
        raise LispError("a list of variable should have the same size as its value.")
    return list(value)


def copy_literal(form: Any) -> Any:
    """A fresh copy of a quoted list, so that changes never reach the program."""
    if not isinstance(form, list):
        return form
    top = type(form)(form) if type(form) is not List else List(form)
    pending = [top]
    while pending:
        current = pending.pop()
        for index, member in enumerate(current):
            if isinstance(member, list):
                current[index] = copied = type(member)(member)
                pending.append(copied)
    return top


def raise_error(message: str) -> Any:
    raise LispError(message)


def throw(value: Any) -> Any:
    raise LispError(display(value), thrown=True)


def is_caught(value: Any) -> bool | None:
    return True if isinstance(value, Caught) else None


def no_case(subject: str) -> Any:
    raise LispError(f"Unknown 'switch' key: '{subject}'")


def in_front(members: list[Any], items: List | None) -> List:
    """A list with others before it, the last of them first."""
    members.reverse()
    joined = List(members)
    if items is not None:
        joined += items
    return joined


def elapsed(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def whole(n: Any) -> int:
    """How many members to take or drop."""
    if n.__class__ is int:
        return n
    return to_integer(n)


def source(value: Any, stops: bool) -> Any:
    """The members that a composed loop runs over; ``stops``: it may end by itself."""
    return sequence.iterate(value) if stops else finite(value)


def class_of_members(value: Any, stops: bool) -> type | None:
    """int or float, if all members of a list are of that class; None if not, or unknown.

    A list is not looked through where the loop may end early.
    """
    cls = value.__class__
    if cls is Integers:
        return int
    if cls is Numbers:
        return float
    if cls is not List or stops:
        return None
    kinds = set(map(type, value))
    return kinds.pop() if kinds == {int} or kinds == {float} else None


def not_same(left: Any, right: Any) -> bool | None:
    return None if compare.same(left, right) else True


#: Dictionaries that keep a text as a key, as it is.
TEXT_KEYED = frozenset({Dictionary, DictionaryJson, DictionaryTree})
#: Typed lists whose members are Python's own numbers, and the class of those.
MEMBERS: dict[type, type] = {Integers: int, Numbers: float}
#: Classes whose size is the length that Python gives.
SIZED = TEXT_KEYED | {List, str, Strings, Integers, Numbers}


def helpers() -> dict[str, Any]:
    """The names that compiled code may use, without their leading dot."""
    return {
        "int": int, "float": float, "str": str, "List": List, "Tail": Tail,
        "Strings": Strings, "Dictionary": Dictionary, "text_keyed": TEXT_KEYED, "sized": SIZED,
        "Integers": Integers, "Numbers": Numbers, "member_class": MEMBERS.get,
        "Prgx": Prgx, "Rgx": Rgx, "to_integer": to_integer, "to_number": to_number,
        "indexed": frozenset({Strings, *MEMBERS}),
        "has_key": has_key, "class_of_members": class_of_members,
        "kept": kept, "typed_by_first": typed_by_first,
        "Function": type(helpers), "Exception": Exception,
        "StopIteration": StopIteration, "beyond": (IndexError, OverflowError), "range": range,
        "unbound": UNBOUND, "default": DEFAULT,
        "truth": truth, "iterate": sequence.iterate, "at": sequence.at,
        "cell": sequence.cell, "set_at": sequence.set_at, "car": sequence.car, "cdr": sequence.cdr,
        "push": sequence.push, "is_null": sequence.is_null, "len": len,
        "counted": counted, "parallel": parallel, "parallel_mixed": parallel_mixed,
        "spread": spread, "copy_literal": copy_literal, "raise": raise_error,
        "in_front": in_front, "throw": throw,
        "is_caught": is_caught, "no_case": no_case, "display": display,
        "clock": time.perf_counter, "elapsed": elapsed,
        "show": show,
        "equal": compare.equal, "not_equal": compare.not_equal, "same": compare.same,
        "not_same": not_same, "less": compare.less, "less_equal": compare.less_equal,
        "greater": compare.greater, "greater_equal": compare.greater_equal,
        "whole": whole, "source": source,
        **arithmetic.helpers(),
    }  # fmt: skip
