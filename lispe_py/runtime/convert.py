"""Conversions: what a value becomes where a number, a text or bytes are wanted.

Storing into a typed list converts in the same way, and never refuses a value
for its kind: what is no number counts as 0, a symbol as 1. It does refuse a
number outside the range of the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.protocol import adapter_for
from lispe_py.values.lists import Tail
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import TYPE_NAMES

_NUMBER = re.compile(
    r"\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|([0-9]+)(\.[0-9]*)?([eE][+-]?[0-9]+)?)"
)
#: A decimal and nothing else, which Python reads in the same way.
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
#: Digits alone or behind a minus, the most common number.
_PLAIN = re.compile(r"-?[0-9]+(?![0-9.eExXbB])")
#: What may follow a number without a change of it: ``12ms`` is 12. An x or b after a 0
#: would be part of it; few characters, because each is looked at.
_UNITS = "acdefghijklmnopqrstuvwyz )]%,;\n"
#: A text of a number and a unit is shorter.
_SHORT = 32

#: Digits beyond which a text is no number of everyday use; Python reads it in blocks.
_MANY = 4000


def leading_number(text: str) -> int | float:
    """The number at the start of a text, 0 if there is none.

    >>> leading_number("0x1F"), leading_number("3.5kg"), leading_number("kg")
    (31, 3.5, 0)
    """
    found = _PLAIN.match(text)
    if found is not None and found.end() <= _MANY:
        return int(found[0])
    found = _NUMBER.match(text)
    if found is None:
        return 0
    sign, sixteen, two, whole, fraction, exponent = found.groups()
    value: int | float
    if sixteen is not None:
        value = int(sixteen, 16)
    elif two is not None:
        value = int(two, 2)
    elif fraction is None and exponent is None:
        value = _digits(whole)
    else:
        value = float(whole + (fraction or "") + (exponent or ""))
    return -value if sign == "-" else value


def _digits(text: str) -> int:
    if len(text) <= _MANY:
        return int(text)
    middle = len(text) // 2
    return _digits(text[:middle]) * 10 ** (len(text) - middle) + _digits(text[middle:])


def plain_number(value: Any) -> int | float:
    """A value as a plain ``int`` or ``float``, by the rules of this module."""
    cls = value.__class__
    if cls is int or cls is float:
        return value  # type: ignore[no-any-return]
    if cls is bool:
        return int(value)
    if value is None:
        return 0
    if cls is Short:
        return int(value)
    if cls is Float32:
        return float(value)
    if cls is complex:
        return value.real  # type: ignore[no-any-return]
    if cls is Symbol:
        return 1
    if isinstance(value, str):
        return leading_number(value)
    if cls is bytes:
        return leading_number(value.decode("utf-8", "replace"))
    if cls in TYPE_NAMES:
        return 0
    return adapter_for(cls).as_number(value)


def truncated(value: int | float) -> int:
    """Cut toward zero. Infinity and NaN have no integer."""
    try:
        return int(value)
    except (OverflowError, ValueError):
        raise LispError(f"{value:g} has no integer value") from None


def to_integer(value: Any) -> int:
    """``integer``: truncated, the leading number of a text, else 0 (1 for a symbol)."""
    cls = value.__class__
    if cls is int:
        return value  # type: ignore[no-any-return]
    if cls is str:
        if value.isdecimal():
            if value.isascii() and len(value) <= _MANY:
                return int(value)
        elif len(value) < _SHORT:
            digits = value.rstrip(_UNITS)
            if digits.isdecimal() and digits.isascii():
                return int(digits)
        found = _PLAIN.match(value)
        if found is not None and found.end() <= _MANY:
            return int(found[0])
        number = leading_number(value)
        return number if number.__class__ is int else truncated(number)  # type: ignore[return-value]
    return truncated(plain_number(value))


def to_short(value: Any) -> Short:
    """``short``: 16 bits, wrapping round."""
    return Short(to_integer(value))


def to_number(value: Any) -> float:
    """``number``: 64-bit floating point."""
    if value.__class__ is float:
        return value  # type: ignore[no-any-return]
    if value.__class__ is str and _DECIMAL.fullmatch(value):
        return float(value)
    try:
        return float(plain_number(value))
    except OverflowError:
        raise LispError("the integer is too large for a number") from None


def in_kind_of(items: Any, value: Any) -> Any:
    """What members of a typed list were folded into, as they are numbers of their kind."""
    kind = getattr(items, "kind", None)
    if kind == "floats" and value.__class__ is float:
        return Float32(value)
    if kind == "shorts" and value.__class__ is int and -0x8000 <= value < 0x8000:
        return Short(value)
    return value


def to_float(value: Any) -> Float32:
    """``float``: 32-bit floating point."""
    return Float32(to_number(value))


def to_text(value: Any) -> str:
    """``string``: the printed form at top level."""
    if value.__class__ is str:
        return value  # type: ignore[no-any-return]
    return display(value)


def to_bytes(value: Any) -> bytes:
    """``stringbyte``: the printed form in UTF-8."""
    if value.__class__ is bytes:
        return value  # type: ignore[no-any-return]
    return display(value).encode("utf-8", "surrogatepass")


def to_symbol(value: Any) -> Symbol:
    """``atom``: the symbol whose name is the printed form."""
    return value if value.__class__ is Symbol else Symbol(display(value))


#: Kind of typed list -> what turns a value into a member.
CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "integers": to_integer,
    "shorts": to_integer,
    "floats": to_number,
    "numbers": to_number,
    "strings": to_text,
    "stringbytes": to_bytes,
}

#: Kind of keys or set members -> conversion.
KEYS: dict[str, Callable[[Any], Any]] = {
    "string": to_text,
    "integer": to_integer,
    "number": to_number,
}


def store(kind: str, value: Any) -> Any:
    """A value as a member of a typed list: ``store("integers", "12")`` is 12."""
    return CONVERTERS[kind](value)


def index_of(key: Any) -> int:
    """A position given as a number; anything else is an error."""
    cls = key.__class__
    if cls is int:
        return key  # type: ignore[no-any-return]
    if cls is float or cls is Short or cls is Float32:
        return truncated(key)
    if cls is complex:
        return truncated(key.real)
    if cls not in TYPE_NAMES and cls is not Tail:
        adapter = adapter_for(cls)
        if adapter.is_number(key):
            return truncated(adapter.number(key))
    raise LispError(f"cannot use this element in an arithmetic expression: '{display(key)}'")
