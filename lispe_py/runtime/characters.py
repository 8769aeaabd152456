"""What counts as one character where a string is walked.

Positions and sizes count code points. Walking (``loop``, ``map``, ``reverse``)
keeps a sequence that shows as one sign together: an emoji with its skin tone,
a family joined by zero-width joiners, the two letters of a flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Only texts with one of these can hold such a sequence.
_TAGS = "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
_JOINING = re.compile(f"[\u200d\ufe0f\u20e3\U0001f1e6-\U0001f1ff{_TAGS}]")
_SEQUENCE: re.Pattern[str] | None = None


def characters(text: str) -> Iterable[str]:
    """The characters of a text, emoji sequences whole."""
    if text.isascii() or _JOINING.search(text) is None:
        return text
    global _SEQUENCE
    if _SEQUENCE is None:
        flag = "[\U0001f1e6-\U0001f1ff]{2}"
        tail = f"[\ufe0f\u20e3{_TAGS}]*"
        _SEQUENCE = re.compile(f"{flag}|.{tail}(?:\u200d.{tail})*", re.DOTALL)
    return _SEQUENCE.findall(text)
