"""Strings other than Python's own ``str`` and ``bytes``."""

from __future__ import annotations


class LongString(str):
    """``longstring_``: a text written between backquotes or typographic quotes.

    It is an ordinary string in every respect but its type and the way it shows
    inside a container: between backquotes, without escapes.

    >>> LongString("a") == "a"
    True
    """

    __slots__ = ()
