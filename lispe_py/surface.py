"""The tokens of a text that may be unfinished, for whatever helps while it is written.

Their patterns are those of ``grammar.lark``, so that the reader and the editor agree.
Unlike the reader, this refuses nothing: what is no token is :data:`UNKNOWN`, and a
string or comment that is not closed reaches to the end of the text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from lispe_py.grammar import grammar

#: Kinds of tokens besides those of the grammar.
UNFINISHED_STRING, UNFINISHED_COMMENT, UNKNOWN = "UNFINISHED_STRING", "UNFINISHED_COMMENT", "?"

STRINGS = frozenset({"STRING", "LONGSTRING", "BYTES", "BASE64", UNFINISHED_STRING})
COMMENTS = frozenset({"COMMENT", "BLOCK", UNFINISHED_COMMENT})
NUMBERS = frozenset({"INTEGER", "REAL", "COMPLEX", "HEXADECIMAL", "BINARY"})
NAMES = frozenset({"NAME", "OPERATOR", "SIGNED", "SIGN", "UNCOMPOSED", "DOT"})
OPENING = frozenset({"LPAR", "LSQUARE", "LBRACE"})
CLOSING = {"RPAR": "LPAR", "RSQUARE": "LSQUARE", "RBRACE": "LBRACE"}
#: What separates tokens and means nothing.
VOID = COMMENTS | {"BLANK"}

_TERMINAL = re.compile(r'^([A-Z0-9]+)(?:\.(\d+))?: (?:/(.*)/(s?)|"(.)")$', re.MULTILINE)
_OPENS_STRING = re.compile(r"[bj]?[\"`«“„‘❝]")


class Token(NamedTuple):
    """A piece of a text: its kind, and where it starts and ends."""

    kind: str
    start: int
    end: int


@cache
def _pattern() -> re.Pattern[str]:
    found = []
    for name, priority, pattern, dot_all, literal in _TERMINAL.findall(grammar()):
        body = re.escape(literal) if literal else pattern
        found.append((-int(priority or 0), name, f"(?s:{body})" if dot_all else body))
    return re.compile("|".join(f"(?P<{name}>{body})" for _, name, body in sorted(found)))


def tokens(text: str) -> list[Token]:
    """The tokens of a text, blanks and comments among them; they cover it whole.

    >>> [token.kind for token in tokens("(car 'l)")]
    ['LPAR', 'NAME', 'BLANK', 'QUOTE', 'NAME', 'RPAR']
    """
    found: list[Token] = []
    match = _pattern().match
    position = 0
    if text.startswith("#!"):
        # A first line for the system.
        position = (text.find("\n") + 1 or len(text) + 1) - 1
        found.append(Token("COMMENT", 0, position))
    while position < len(text):
        token = match(text, position)
        if token is not None and token.end() > position:
            kind, end = token.lastgroup or UNKNOWN, token.end()
            # Two quotes of three that are not closed are no empty string.
            if text.startswith('"""', position) and kind == "STRING" and end == position + 2:
                kind, end = UNFINISHED_STRING, len(text)
        elif _OPENS_STRING.match(text, position):
            kind, end = UNFINISHED_STRING, len(text)
        elif text[position] == ";":
            kind, end = UNFINISHED_COMMENT, len(text)
        else:
            kind, end = UNKNOWN, position + 1
        found.append(Token(kind, position, end))
        position = end
    return found


def open_brackets(found: list[Token]) -> list[int]:
    """The indices of the opening brackets that are not closed, outermost first."""
    opened: list[int] = []
    for index, token in enumerate(found):
        if token.kind in OPENING:
            opened.append(index)
        elif token.kind in CLOSING and opened:
            wanted = CLOSING[token.kind]
            if found[opened[-1]].kind == wanted:
                opened.pop()
            elif wanted == "LSQUARE":
                # It closes all that is open up to its bracket, or everything.
                while opened and found[opened.pop()].kind != wanted:
                    pass
    return opened
