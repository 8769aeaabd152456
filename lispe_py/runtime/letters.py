"""Classes of characters that ``re`` has no name for."""

from __future__ import annotations

from typing import Any

#: Signs of punctuation, as the inside of a class of a regular expression.
PUNCTUATION = (
    r"\x21-\x23\x26-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7e\x9c\xa0-\xa2\xa4-\xa6\xaa-\xad\xaf-\xb1"
    r"\xb5-\xb8\xba-\xbf\xd7\xf7\u02bc\u05be\u05c0\u05c3\u05c6\u05f3-\u05f4\u060c-\u060f\u061f"
    r"\u066d\u06dd-\u06de\u06e9\ufd3e-\ufd3f\u2013-\u2015\u2018-\u2019\u201c-\u201d\u2020-\u2022"
    r"\u2025-\u2026\u2032-\u2033\u203b\u212e\u2190-\u2193\u2234\u2264-\u2265\u263a\u266a"
    r"\u3001-\u3002\u3008-\u3009\u300c-\u300f\u301c-\u301d\u301f\u303d\uff01\uff0c\uff1a\uff1f"
)

#: Characters of East Asian scripts, likewise.
ASIAN = (
    r"\u1100-\u115f\u2329-\u232a\u2e80-\u303e\u3040-\ua4cf\uac00-\ud7a3\uf900-\ufaff"
    r"\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
)

#: What stands after the first character of an emoji sequence, likewise.
EMOJI_COMPLEMENT = (
    r"\u200d\ufe0f\u20e3\u2640\u2642\u2695\u2696\u2708\U0001f3fb-\U0001f3ff"
    r"\U000e0020-\U000e007f"
)

GREEK = r"\u0391-\u03db"

_TAIL = r"[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
#: One emoji with all that belongs to it, for the ``regex`` module.
EMOJI = (
    r"(?>[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3"
    rf"|\p{{Extended_Pictographic}}{_TAIL}*(?:\u200d\p{{Extended_Pictographic}}{_TAIL}*)*"
    r"|[\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff])"
)

_emoji: Any = None


def is_emoji(text: str) -> bool:
    """Is a text made of emoji, at least one?"""
    global _emoji
    if _emoji is None:
        import regex

        _emoji = regex.compile(f"{EMOJI}+")
    return _emoji.fullmatch(text) is not None
