"""Algorithms on texts: digits of a base, edit distance, balanced groups."""

from __future__ import annotations

import re

from lispe_py.errors import LispError

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
