"""Classes of letters and changes of case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lispe_py.registry import primitive
from lispe_py.runtime import letters
from lispe_py.runtime.convert import to_text
from lispe_py.runtime.reading import bytes_text


def _every(value: Any, test: Callable[[str], bool]) -> bool | None:
    text = to_text(value)
    return True if text and all(map(test, text)) else None


def _same_kind(value: Any, change: Callable[[str], str]) -> str | bytes:
    """Change the text of a value; a byte string gives a byte string."""
    if value.__class__ is bytes:
        return change(bytes_text(value)).encode("utf-8", "surrogateescape")
    return change(to_text(value))


@primitive("vowelp", "vowel?", truth=True)
def vowelp(value: Any) -> bool | None:
    """Does the text hold only vowels, accented or not? ``y`` is one.

    (list (vowelp "oué") (vowelp "oui!") (vowelp ""))
    ; (true nil nil)
    """
    return _every(value, letters.is_vowel)


@primitive("consonantp", "consonant?", truth=True)
def consonantp(value: Any) -> bool | None:
    """Does the text hold only Latin consonants, accented or not?

    (list (consonantp "çñ") (consonantp "ba"))
    ; (true nil)
    """
    return _every(value, letters.is_consonant)


@primitive("lowerp", "lower?", truth=True)
def lowerp(value: Any) -> bool | None:
    """Does the text hold only lower-case letters?

    (list (lowerp "soft") (lowerp "so ft") (lowerp ""))
    ; (true nil nil)
    """
    return _every(value, str.islower)


@primitive("upperp", "upper?", truth=True)
def upperp(value: Any) -> bool | None:
    """Does the text hold only upper-case letters?

    (list (upperp "ÀÉ") (upperp "Ab"))
    ; (true nil)
    """
    return _every(value, str.isupper)


@primitive("alphap", "alpha?", truth=True)
def alphap(value: Any) -> bool | None:
    """Does the text hold only letters that have a case?

    Chinese or Japanese signs have none.

    (list (alphap "Σκέψη") (alphap "a1") (alphap "漢字"))
    ; (true nil nil)
    """
    return _every(value, letters.is_cased)


@primitive("digitp", "digit?", truth=True)
def digitp(value: Any) -> bool | None:
    """Does the text hold only the digits 0 to 9?

    (list (digitp "42") (digitp 42) (digitp "4.2"))
    ; (true true nil)
    """
    text = to_text(value)
    return True if text.isascii() and text.isdecimal() else None


@primitive("punctuationp", "punctuation?", truth=True)
def punctuationp(value: Any) -> bool | None:
    """Does the text hold only punctuation? The empty text counts; ``$ % _`` do not.

    (list (punctuationp "?!…") (punctuationp "$"))
    ; (true nil)
    """
    return True if letters.is_punctuation(to_text(value)) else None


@primitive("emojip", "emoji?", truth=True)
def emojip(value: Any) -> bool | None:
    """Does the text hold only emoji?

    (list (emojip "🙂") (emojip "x🙂"))
    ; (true nil)
    """
    return True if letters.is_emoji(to_text(value)) else None


@primitive("lower")
def lower(value: Any) -> str | bytes:
    """The text of a value in lower case, one character for one.

    (lower "GÂTEAU Ñ")
    ; gâteau ñ
    """
    return _same_kind(value, letters.lower)


@primitive("upper")
def upper(value: Any) -> str | bytes:
    """The text of a value in upper case, one character for one: ``ß`` stays.

    (upper "straße")
    ; STRAßE
    """
    return _same_kind(value, letters.upper)


@primitive("deaccentuate")
def deaccentuate(value: Any) -> str | bytes:
    """The text of a value, its Latin and Greek letters without accents.

    ``ø ł đ ħ ı`` get their base letter too; ``œ æ ß`` stay.

    (deaccentuate "Crème brûlée à l'été")
    ; Creme brulee a l'ete
    """
    return _same_kind(value, letters.deaccentuate)
