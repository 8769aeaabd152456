"""What the functions on text have in common.

They take any value by its printed form. Byte strings are worked on as
characters and give byte strings back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from lispe_py.errors import LispError
from lispe_py.runtime.convert import to_integer, to_text
from lispe_py.runtime.reading import bytes_text
from lispe_py.values.typed import Stringbytes, Strings


def text_of(value: Any) -> str:
    """Any value as the text that a function on strings works on."""
    cls = value.__class__
    if cls is str:
        return value  # type: ignore[no-any-return]
    if cls is bytes:
        return bytes_text(value)
    return str.__str__(to_text(value))


def encoded(text: str) -> bytes:
    """Characters as the bytes they came from."""
    return text.encode("utf-8", "surrogateescape")


def like(value: Any, text: str) -> Any:
    """A result as a byte string if the argument was one, else as a string."""
    return encoded(text) if value.__class__ is bytes else text


def pieces(value: Any, texts: Iterable[str]) -> Any:
    """Results as ``stringbytes`` if the argument was a byte string, else as ``strings``."""
    if value.__class__ is bytes:
        return Stringbytes(map(encoded, texts))
    return Strings(texts)


def count_of(value: Any) -> int:
    """A number of characters; what is below 0 counts as 0."""
    return max(0, to_integer(value))


def optional(value: Any, default: int) -> int:
    """An integer argument that may be left out or nil."""
    return default if value is None else to_integer(value)


#: The characters with codes 1 to 32.
BLANKS = "".join(map(chr, range(1, 33)))
_WORDS = re.compile(r"[^\x00-\x20]+")
_BLANK = re.compile(r"[\x00-\x20]")


def words(text: str) -> list[str]:
    """What stands between characters of a code up to 32."""
    return _WORDS.findall(text)


def at_blanks(text: str) -> list[str]:
    """Cut at every character of a code up to 32; a last empty piece is left out."""
    parts = _BLANK.split(text)
    if parts and not parts[-1]:
        parts.pop()
    return parts


# --- case ------------------------------------------------------------------


def _one_to_one(convert: Callable[[str], str]) -> Callable[[str], str]:
    """A conversion that maps a character to one character, or leaves it."""

    def converted(text: str) -> str:
        if text.isascii():
            return convert(text)
        result = convert(text)
        # A text of the same length may still hide an expansion and a contraction,
        # and a final sigma depends on its neighbours.
        if len(result) == len(text) and "\u03a3" not in text and _SPECIAL.search(text) is None:
            return result
        return "".join([_single(c, convert) for c in text])

    return converted


def _single(character: str, convert: Callable[[str], str]) -> str:
    result = convert(character)
    if len(result) == 1:
        return result
    # The dot of a capital I with a dot is a mark of its own in small letters.
    return result[0] if character == "\u0130" else character


_SPECIAL = re.compile(
    "[\u00df\u0130\u0149\u01f0\u0390\u03b0\u0587\u1e96-\u1e9a\u1f50-\u1ffc\ufb00-\ufb17]"
)

lower = _one_to_one(str.lower)
upper = _one_to_one(str.upper)

#: Letters that Unicode does not take apart, with the letter they are drawn on.
_STROKES = {
    "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ħ": "h", "Ħ": "H",
    "ŧ": "t", "Ŧ": "T", "ŀ": "l", "Ŀ": "L", "ŉ": "n", "ŋ": "n", "Ŋ": "N", "ı": "i",
    "ƀ": "b", "Ð": "D",
}  # fmt: skip


def base_letter(character: str) -> str:
    """The letter under the accents of a character; the character itself if it has none."""
    stroke = _STROKES.get(character)
    if stroke is not None:
        return stroke
    parts = unicodedata.normalize("NFD", character)
    if len(parts) > 1 and all(unicodedata.combining(mark) for mark in parts[1:]):
        return _STROKES.get(parts[0], parts[0])
    return character


_ACCENTED = re.compile("[\u00c0-\u02af\u0370-\u03ff\u0400-\u052f\u1e00-\u1fff]")


def deaccentuate(text: str) -> str:
    """A text with its accented letters replaced by their base letters."""
    if text.isascii():
        return text
    return _ACCENTED.sub(lambda found: base_letter(found[0]), text)


# --- numbers written in other bases ----------------------------------------

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#@"
_VALUES = {digit: value for value, digit in enumerate(DIGITS)}


def check_base(base: int) -> None:
    if base < 2:
        raise LispError("cannot convert to this base")
    if base > len(DIGITS):
        raise LispError("Base too large", hint=f"the largest is {len(DIGITS)}")


def to_base(value: int, base: int) -> str:
    """The digits of an integer in a base, with a sign if it is negative."""
    if value < 0:
        return "-" + to_base(-value, base)
    digits: list[str] = []
    while True:
        value, digit = divmod(value, base)
        digits.append(DIGITS[digit])
        if not value:
            return "".join(reversed(digits))


def from_base(text: str, base: int) -> int:
    """The integer that digits of a base stand for, 0 for none."""
    value = 0
    for character in text:
        digit = _VALUES.get(character, base)
        if digit >= base:
            raise LispError("Cannot analyze this string in this base.")
        value = value * base + digit
    return value


# --- comparison and structure ----------------------------------------------


def edit_distance(first: str, second: str) -> int:
    """Levenshtein's distance, by Myers' bit vectors (JACM 46, 1999; Hyyrö 2003).

    A column of the table of distances is two integers: the rows at which it
    rises and those at which it falls.
    """
    start = 0
    limit = min(len(first), len(second))
    while start < limit and first[start] == second[start]:
        start += 1
    end = 0
    while end < limit - start and first[-1 - end] == second[-1 - end]:
        end += 1
    first, second = first[start : len(first) - end], second[start : len(second) - end]
    if not first or not second:
        return len(first) + len(second)
    at: dict[str, int] = {}
    for place, character in enumerate(first):
        at[character] = at.get(character, 0) | 1 << place
    every = (1 << len(first)) - 1
    last = 1 << (len(first) - 1)
    rises, falls, distance = every, 0, len(first)
    for character in second:
        equal = at.get(character, 0)
        vertical = equal | falls
        horizontal = (((equal & rises) + rises) ^ rises) | equal
        up = falls | (every & ~(horizontal | rises))
        down = rises & horizontal
        if up & last:
            distance += 1
        elif down & last:
            distance -= 1
        up = (up << 1 | 1) & every
        down = down << 1 & every
        rises = down | (every & ~(vertical | up))
        falls = up & vertical
    return distance


def balanced(text: str, opening: str, closing: str, start: int) -> tuple[int, int] | None:
    """``[b, e)`` of the first balanced group from ``start`` on.

    A group begins at ``opening`` and ends at the matching ``closing``; texts
    between double quotes inside it do not count.
    """
    begin = text.find(opening, start) if opening and closing else -1
    if begin < 0:
        return None
    special = re.compile(f'["{re.escape(opening)}{re.escape(closing)}]')
    depth, place = 1, begin + 1
    while True:
        found = special.search(text, place)
        if found is None:
            return None
        place = found.end()
        character = found[0]
        if character == closing:
            depth -= 1
            if not depth:
                return begin, place
        elif character == opening:
            depth += 1
        else:
            quoted = _QUOTED.match(text, found.start())
            if quoted is not None:
                place = quoted.end()


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
