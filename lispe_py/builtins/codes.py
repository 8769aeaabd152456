"""Characters and their codes, bases, base64, C's number formats."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.protocol import adapter_for
from lispe_py.registry import primitive
from lispe_py.runtime.convert import plain_number, to_integer, truncated
from lispe_py.runtime.sequence import iterate
from lispe_py.runtime.text import check_base, encoded, from_base, text_of, to_base
from lispe_py.runtime.truth import truth
from lispe_py.values.typed import Integers
from lispe_py.values.types import NUMBERS, TYPE_NAMES, is_list

LIBRARY = "strings"


@primitive("ord", library=LIBRARY)
def ord_(text: Any) -> Integers:
    """The codes of the characters of a text; the bytes of a byte string.

    (list (ord "Hé") (ord b"é"))
    ; ((72 233) (195 169))
    """
    return Integers(text if text.__class__ is bytes else map(ord, text_of(text)))


def _codes(value: Any) -> list[int]:
    """One number, or the members of a list of them."""
    if is_list(value):
        return [to_integer(item) for item in iterate(value)]
    return [to_integer(value)]


def _character(code: int) -> str:
    if 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000:
        return chr(code)
    raise LispError(f"there is no character with the code {code}")


@primitive("chr", library=LIBRARY)
def chr_(code: Any) -> str:
    """The character with a code, or the string of the characters of a list of codes.

    (list (chr 233) (chr '(72 105)))
    ; ("é" "Hi")
    """
    return "".join(map(_character, _codes(code)))


@primitive("chrbyte", library=LIBRARY)
def chrbyte(code: Any) -> bytes:
    """The byte string of a byte, or of a list of bytes.

    (chrbyte '(195 169))
    ; é
    """
    try:
        return bytes(_codes(code))
    except ValueError:
        raise LispError(
            "cannot convert this value to a stringbyte", hint="bytes are from 0 to 255"
        ) from None


@primitive("convert_in_base", library=LIBRARY)
def convert_in_base(value: Any, base: Any, back: Any = None) -> Any:
    """The digits of an integer in a base from 2 to 64; the integer, with a true third argument.

    The digits are ``0-9``, ``A-Z``, ``a-z``, ``#`` and ``@``.

    (list (convert_in_base 123456 36) (convert_in_base "FACE" 16 true))
    ; ("2N9C" 64206)
    """
    wanted = to_integer(base)
    check_base(wanted)
    if truth(back):
        return from_base(text_of(value), wanted)
    return to_base(to_integer(value), wanted)


@primitive("btoa", library=LIBRARY)
def btoa(text: Any) -> str:
    """The base64 form of a text in UTF-8.

    (btoa "light work")
    ; bGlnaHQgd29yaw==
    """
    data = text if text.__class__ is bytes else text_of(text).encode("utf-8", "surrogatepass")
    return base64.b64encode(data).decode("ascii")


@primitive("atob", library=LIBRARY)
def atob(text: Any) -> Any:
    """The text that a base64 form stands for; a byte string if that is not UTF-8.

    (atob "bGlnaHQgd29yaw==")
    ; light work
    """
    found = text_of(text)
    if len(found) % 4:
        raise LispError("Invalid Base64 string length")
    try:
        data = base64.b64decode(encoded(found), validate=True)
    except (binascii.Error, ValueError):
        raise LispError("Invalid Base64 character") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


# --- formats ---------------------------------------------------------------

_DIRECTIVE = re.compile(r"%([-+ #0]*)(\d*)(?:\.(\d*))?(?:hh|h|ll|l|L|q|j|z|t)?(.?)", re.DOTALL)
#: Widths beyond this are mistakes, and would fill the memory.
_WIDEST = 100_000


def _scalar(value: Any) -> int | float:
    cls = value.__class__
    if cls in NUMBERS and cls is not complex:
        return plain_number(value)
    if cls not in TYPE_NAMES and adapter_for(cls).is_number(value):
        return adapter_for(cls).number(value)
    raise LispError("the first argument should be a number", hint=f"this is '{display(value)}'")


def formatted(value: int | float, pattern: str) -> str:
    """A number put into the directives of a C format."""

    def directive(found: re.Match[str]) -> str:
        flags, width, precision, kind = found.groups()
        if kind == "%":
            return "%"
        if width and int(width) > _WIDEST or precision and int(precision) > _WIDEST:
            raise LispError(f"this format is too wide: '{found[0]}'")
        precise = "" if precision is None else f".{precision}"
        if kind in "diouxX" and kind:
            return f"%{flags}{width}{precise}{'d' if kind in 'iu' else kind}" % truncated(value)
        if kind in "eEfFgG" and kind:
            try:
                return f"%{flags}{width}{precise}{kind}" % value
            except OverflowError:
                raise LispError("the integer is too large for a number") from None
        if kind == "c":
            return f"%{flags}{width}s" % _character(truncated(value))
        if kind == "s":
            return f"%{flags}{width}{precise}s" % display(value)
        raise LispError(
            f"unknown format: '{found[0]}'", hint="the directives are d i u o x X e E f F g G c s"
        )

    return _DIRECTIVE.sub(directive, pattern)


@primitive("stringf")
def stringf(number: Any, pattern: Any) -> str:
    """A number in a format of C's ``printf``, which is given the kind of number it wants.

    (list (stringf 3.14159 "%.3f") (stringf 42 "%06d") (stringf 255 "%x"))
    ; ("3.142" "000042" "ff")
    """
    return formatted(_scalar(number), text_of(pattern))


@primitive("sprintf", library=LIBRARY)
def sprintf(number: Any, pattern: Any) -> str:
    """A number in a format of C's ``printf``: another name of ``stringf``.

    (sprintf 42 "%05d")
    ; 00042
    """
    return formatted(_scalar(number), text_of(pattern))
