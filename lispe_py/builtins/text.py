"""Texts: distance, balanced groups, bases, base64, indentation."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from lispe_py.builtins.strings import encoded, text_of
from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.convert import to_integer
from lispe_py.values.lists import List


@primitive("editdistance")
def editdistance(first: Any, second: Any) -> int:
    """The least number of characters to insert, remove or replace between two texts.

    The distance of Levenshtein, on code points.

    (editdistance "saturn" "stern")
    ; 2
    """
    a, b = text_of(first), text_of(second)
    if len(a) < len(b):
        a, b = b, a
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            cost = diagonal if left == right else 1 + min(diagonal, row[j], row[j - 1])
            diagonal, row[j] = row[j], cost
    return row[-1]


@primitive("getstruct")
def getstruct(value: Any, opening: Any, closing: Any, position: Any = 0) -> List | None:
    """The first balanced group at or after a position: its text, its start and its end.

    Only the first character of the two marks counts; ``"..."`` inside the group
    is passed over. Nil if there is no group.

    (getstruct "f(x, g(y)) + h(z)" "(" ")")
    ; ("(x, g(y))" 1 10)
    """
    text = text_of(value)
    begin, end = text_of(opening)[:1], text_of(closing)[:1]
    if not begin or not end:
        return None
    start = text.find(begin, max(to_integer(position), 0))
    if start < 0:
        return None
    depth, at = 1, start + 1
    while at < len(text):
        character = text[at]
        at += 1
        if character == end:
            depth -= 1
            if not depth:
                return List([text[start:at], start, at])
        elif character == begin:
            depth += 1
        elif character == '"':
            at = _after_string(text, at)
    return None


def _after_string(text: str, at: int) -> int:
    """The position after the string whose first character is at ``at``."""
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1


# ---------------------------------------------------------------- bases

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#@"
_MOST_DIGITS = 10_000


@primitive("convert_in_base")
def convert_in_base(value: Any, base: Any, reading: Any = None) -> Any:
    """The text of an integer in a base from 2 to 64; with a true third argument, the way back.

    The digits are ``0-9 A-Z a-z # @``. A negative integer has a sign; only texts
    without one are read back. A text of no digit is 0.

    (list (convert_in_base 123456 36) (convert_in_base "FACE" 16 true))
    ; ("2N9C" 64206)
    """
    radix = to_integer(base)
    if radix < 2:
        raise LispError("cannot convert to this base")
    if radix > len(_DIGITS):
        raise LispError("Base too large")
    if reading:
        return _from_base(text_of(value), radix)
    number = to_integer(value)
    if not number:
        return "0"
    sign, number = ("-", -number) if number < 0 else ("", number)
    if number.bit_length() > _MOST_DIGITS * 4:
        raise LispError("the integer is too large to be written in a base")
    digits = []
    while number:
        number, digit = divmod(number, radix)
        digits.append(_DIGITS[digit])
    return sign + "".join(reversed(digits))


def _from_base(text: str, radix: int) -> int:
    if len(text) > _MOST_DIGITS:
        raise LispError("the text is too long to be read in a base")
    number = 0
    for character in text:
        digit = _DIGITS.find(character)
        if not 0 <= digit < radix:
            raise LispError("Cannot analyze this string in this base.")
        number = number * radix + digit
    return number


@primitive("btoa")
def btoa(value: Any) -> str:
    """The text of a value in base64, by way of UTF-8.

    (btoa "light work")
    ; bGlnaHQgd29yaw==
    """
    return base64.b64encode(encoded(text_of(value))).decode("ascii")


@primitive("atob")
def atob(value: Any) -> str | bytes:
    """What a text in base64 holds: a string if it is UTF-8, else a byte string.

    (atob "bGlnaHQgd29yaw==")
    ; light work
    """
    text = text_of(value)
    if len(text) % 4:
        raise LispError("Invalid Base64 string length")
    try:
        data = base64.b64decode(text.encode("utf-8"), validate=True)
    except binascii.Error:
        raise LispError("Invalid Base64 character") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


# ---------------------------------------------------------------- indentation

_STEP = 3


@primitive("indent")
def indent(text: Any, lispmode: Any = None) -> str:
    """A text of code with each line indented by the brackets that are open before it.

    Strings and comments do not count: ``;`` begins one in Lisp, else ``//`` or ``#``.

    (indent "(if a\\nb\\nc)" true)
    ; (if a
    ;    b
    ;    c)
    """
    lines = []
    depth = 0
    quoted = False
    comments = (";",) if lispmode else ("//", "#")
    for line in text_of(text).split("\n"):
        bare = line if quoted else line.strip()
        ahead = 0
        if not quoted:
            # Closing brackets that begin a line stand under what they close.
            ahead = len(bare) - len(bare.lstrip(")]}"))
        margin = "" if quoted or not bare else " " * (_STEP * max(depth - ahead, 0))
        lines.append(margin + bare)
        depth, quoted = _after_line(bare, depth, quoted, comments)
    result = "\n".join(lines)
    return result if result.endswith("\n") else result + "\n"


def _after_line(line: str, depth: int, quoted: bool, comments: tuple[str, ...]) -> tuple[int, bool]:
    """Open brackets, and whether a string is open, after a line."""
    at = 0
    while at < len(line):
        character = line[at]
        if quoted:
            if character == "\\":
                at += 1
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif line.startswith(comments, at):
            break
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth = max(depth - 1, 0)
        at += 1
    return depth, quoted
