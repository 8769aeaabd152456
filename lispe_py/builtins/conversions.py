"""From one kind of scalar to another, and ``type``."""

from __future__ import annotations

from typing import Any

from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import (
    to_bytes,
    to_float,
    to_integer,
    to_number,
    to_short,
    to_symbol,
    to_text,
)
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import type_name


@primitive("integer")
def integer(value: Any) -> int:
    """A value as an integer: decimals are cut, a text gives its leading number.

    Other values give 0, atoms 1.

    (list (integer 3.9) (integer "42abc") (integer "abc"))
    ; (3 42 0)
    """
    return to_integer(value)


@primitive("short")
def short(value: Any) -> Short:
    """A value as an integer of 16 bits, which wraps round.

    (short 40000)
    ; -25536
    """
    return to_short(value)


@primitive("number")
def number(value: Any) -> float:
    """A value as a number of 64 bits, converted as ``integer`` does.

    (number "2.5kg")
    ; 2.5
    """
    return to_number(value)


@primitive("float")
def float_(value: Any) -> Float32:
    """A value as a number of 32 bits.

    (float "0.5")
    ; 0.5
    """
    return to_float(value)


@primitive("string")
def string(value: Any) -> str:
    """The printed form of a value.

    (string '(1 "a"))
    ; (1 "a")
    """
    return to_text(value)


@primitive("stringbyte")
def stringbyte(value: Any) -> bytes:
    """The printed form of a value as a byte string.

    (type (stringbyte 12))
    ; stringbyte_
    """
    return to_bytes(value)


@primitive("atom", interpreter=True)
def atom(lisp: Context, value: Any) -> Any:
    """The atom whose name is the printed form of a value, or what ``link`` lets that mean.

    (eq (atom "abc") 'abc)
    ; true
    """
    if value is None or value is True:
        return value
    return lisp.links.spelled(to_symbol(value))


@primitive("type")
def type_(value: Any) -> Symbol:
    """The kind of a value, as an atom.

    (type (integers 1 2))
    ; integers_
    """
    return Symbol(type_name(value))
