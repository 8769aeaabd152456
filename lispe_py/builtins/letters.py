"""What kind of characters a text is made of.

Each test holds if it holds for every character; the empty text passes none,
but for ``punctuationp``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lispe_py.registry import primitive
from lispe_py.runtime.letters import PUNCTUATION, is_emoji
from lispe_py.runtime.text import base_letter, text_of

LIBRARY = "strings"

_DIGITS = re.compile("[0-9]+")
_NO_PUNCTUATION = re.compile(f"[^{PUNCTUATION}]")

_VOWELS = frozenset("aeiouyAEIOUY")
_CONSONANTS = frozenset("bcdfghjklmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ")


def _every(text: str, test: Callable[[str], bool]) -> bool | None:
    return True if text and all(map(test, text)) else None


def _cased(character: str) -> bool:
    return character.islower() or character.isupper()


@primitive("vowelp", "vowel?", library=LIBRARY, truth=True)
def vowelp(text: Any) -> bool | None:
    """Are all characters Latin vowels, accents or not? ``y`` is one, ``œ`` and ``æ`` are none.

    (list (vowelp "oui") (vowelp "été"))
    ; (true nil)
    """
    return _every(text_of(text), lambda c: base_letter(c) in _VOWELS)


@primitive("consonantp", "consonant?", library=LIBRARY, truth=True)
def consonantp(text: Any) -> bool | None:
    """Are all characters Latin consonants, accents or not?

    (consonantp "çñ")
    ; true
    """
    return _every(text_of(text), lambda c: base_letter(c) in _CONSONANTS)


@primitive("lowerp", "lower?", library=LIBRARY, truth=True)
def lowerp(text: Any) -> bool | None:
    """Are all characters small letters?

    (list (lowerp "soft") (lowerp "so ft"))
    ; (true nil)
    """
    return _every(text_of(text), str.islower)


@primitive("upperp", "upper?", library=LIBRARY, truth=True)
def upperp(text: Any) -> bool | None:
    """Are all characters capital letters?

    (upperp "ÀÉ")
    ; true
    """
    return _every(text_of(text), str.isupper)


@primitive("alphap", "alpha?", library=LIBRARY, truth=True)
def alphap(text: Any) -> bool | None:
    """Are all characters letters that are small or capital? Those of Chinese are neither.

    (list (alphap "Σκέψη") (alphap "漢字") (alphap "a1"))
    ; (true nil nil)
    """
    return _every(text_of(text), _cased)


@primitive("digitp", "digit?", library=LIBRARY, truth=True)
def digitp(text: Any) -> bool | None:
    """Are all characters among 0 to 9?

    (list (digitp 42) (digitp "4.2"))
    ; (true nil)
    """
    return True if _DIGITS.fullmatch(text_of(text)) else None


@primitive("punctuationp", "punctuation?", library=LIBRARY, truth=True)
def punctuationp(text: Any) -> bool | None:
    """Are all characters signs of punctuation? ``$ % _`` are none; the empty text passes.

    (list (punctuationp "?!…") (punctuationp "$") (punctuationp ""))
    ; (true nil true)
    """
    return None if _NO_PUNCTUATION.search(text_of(text)) else True


@primitive("emojip", "emoji?", library=LIBRARY, truth=True)
def emojip(text: Any) -> bool | None:
    """Are all characters emoji? A sequence that shows as one sign counts as one.

    (list (emojip "🎈☂") (emojip "x🙂"))
    ; (true nil)
    """
    return True if is_emoji(text_of(text)) else None
