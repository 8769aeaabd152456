"""Classes of characters: letters, vowels, punctuation, emoji.

The predicates on texts, the regular expressions and the segmentation share
these tables.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import Any

#: What counts as punctuation, as the inside of a class of a regular expression.
#: ``$ % _`` and the signs of currencies are not in it.
PUNCTUATION = (
    "!-#&-/:-@\\[-\\^`{-~\x9c\xa0-\xa2\xa4-\xa6\xaa-\xad\xaf-\xb1\xb5-\xb8\xba-\xbf\xd7\xf7\u02bc"
    "\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u060c-\u060f\u061f\u066d\u06dd\u06de\u06e9\ufd3e\ufd3f"
    "\u2013-\u2015\u2018\u2019\u201c\u201d\u2020-\u2022\u2025\u2026\u2032\u2033\u203b\u212e"
    "\u2190-\u2193\u2234\u2264\u2265\u263a\u266a\u3001\u3002\u3008\u3009\u300c-\u300f"
    "\u301c\u301d\u301f\u303d\uff01\uff0c\uff1a\uff1f"
)

#: Chinese, Japanese, Korean, with their signs and full-width forms.
ASIAN = (
    "\u1100-\u115f\u2329-\u232a\u2e80-\u303e\u3040-\ua4cf\uac00-\ud7a3\uf900-\ufaff"
    "\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
)
GREEK = "\u0391-\u03db"

#: What may follow an emoji and belong to it.
EMOJI_COMPLEMENT = "\u200d\ufe0f\u20e3\u2640\u2642\u2695\u2696\u2708\u2764\U0001f3fb-\U0001f3ff"

#: One emoji with all that belongs to it, in the syntax of the ``regex`` module.
_TAIL = "[\\ufe0f\\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
EMOJI = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}"
    f"|\\p{{Extended_Pictographic}}{_TAIL}(?:\\u200d\\p{{Extended_Pictographic}}{_TAIL})*"
    "|[#*0-9]\\ufe0f?\\u20e3)"
)

#: Latin letters that have no decomposition into a base letter and a mark.
_BASES = {
    "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ħ": "h", "Ħ": "H",
    "ı": "i", "ŋ": "n", "Ŋ": "N", "Ð": "D", "ð": "d", "ŧ": "t", "Ŧ": "T",
}  # fmt: skip


@cache
def pattern(source: str) -> Any:
    """A compiled pattern of the ``regex`` module, which is imported when first used."""
    import regex

    return regex.compile(source)


@lru_cache(maxsize=4096)
def base_letter(character: str) -> str:
    """A Latin or Greek letter without its accents; other characters as they are."""
    found = _BASES.get(character)
    if found is not None:
        return found
    pieces = unicodedata.normalize("NFD", character)
    if len(pieces) > 1 and all(unicodedata.combining(mark) for mark in pieces[1:]):
        letter = pieces[0]
        if unicodedata.name(letter, "").startswith(("LATIN", "GREEK")):
            return _BASES.get(letter, letter)
    return character


def deaccentuate(text: str) -> str:
    """The text with its Latin and Greek letters without accents.

    >>> deaccentuate("Crème brûlée")
    'Creme brulee'
    """
    if text.isascii():
        return text
    kept: list[str] = []
    for character in text:
        if unicodedata.combining(character) and kept and base_letter(kept[-1]).isascii():
            # A mark of its own after its letter.
            if kept[-1].isalpha():
                continue
        kept.append(base_letter(character))
    return "".join(kept)


@lru_cache(maxsize=4096)
def _upper(character: str) -> str:
    found = character.upper()
    return found if len(found) == 1 else character


@lru_cache(maxsize=4096)
def _lower(character: str) -> str:
    return character.lower()[:1]


def upper(text: str) -> str:
    """Upper case, one character for one: ``ß`` stays.

    >>> upper("straße")
    'STRAßE'
    """
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def lower(text: str) -> str:
    """Lower case, one character for one.

    >>> lower("ΩΣ")
    'ωσ'
    """
    return text.lower() if text.isascii() else "".join(map(_lower, text))


def is_vowel(character: str) -> bool:
    return base_letter(character) in "aeiouyAEIOUY"


def is_consonant(character: str) -> bool:
    letter = base_letter(character)
    return letter.isascii() and letter.isalpha() and letter not in "aeiouyAEIOUY"


def is_cased(character: str) -> bool:
    return character.islower() or character.isupper()


def is_punctuation(text: str) -> bool:
    """Is every character punctuation? The empty text counts."""
    return pattern(f"[{PUNCTUATION}]*").fullmatch(text) is not None


def is_emoji(text: str) -> bool:
    """Does the text hold emoji only, one or more?"""
    return pattern(f"{EMOJI}+").fullmatch(text) is not None
