"""What the modules of arithmetic share: the groups of classes and the errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Data
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.sets import SetI, SetN, SetS
from lispe_py.values.text import LongString
from lispe_py.values.typed import Floats, Integers, Numbers, Shorts, Stringbytes, Strings

Binary = Callable[[Any, Any], Any]

NUMBERS = frozenset({int, float, Short, Float32, complex})
TEXTS = frozenset({str, LongString, bytes})
#: Sets whose members are of one kind.
SETS = frozenset({SetS, SetI, SetN})
GENERIC = frozenset({List, Tail, Data, list, tuple})
NUMERIC_LISTS = frozenset({Integers, Shorts, Floats, Numbers})
TEXT_LISTS = frozenset({Strings, Stringbytes})
#: Containers that arithmetic works member by member.
CONTAINERS = GENERIC | NUMERIC_LISTS | TEXT_LISTS | SETS | {LinkedList}


def refused(symbol: str) -> LispError:
    """The error of a left operand that takes no part in arithmetic."""
    return LispError(f"cannot evaluate '{symbol}' with these operands")


def unusable(value: Any) -> LispError:
    """The error of a right operand that is no number."""
    return LispError(f"cannot use this element in an arithmetic expression: '{display(value)}'")


def too_large() -> LispError:
    return LispError("the result is too large")


def division_by_zero() -> LispError:
    return LispError("division by zero")
