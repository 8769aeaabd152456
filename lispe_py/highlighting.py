"""LispE for Pygments: ``pygmentize -l lispe``, Sphinx, and the prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from lispe_py import libraries
from lispe_py.compiler.forms import EXPRESSIONS, STATEMENTS
from lispe_py.names import ALIASES, CONSTANTS
from lispe_py.registry import registry
from lispe_py.surface import COMMENTS, NUMBERS, OPENING, STRINGS, UNKNOWN, VOID, tokens

#: Forms that define something: the name behind them is marked.
_DEFINING = frozenset({"defun", "defpat", "defmacro", "class@", "data@", "dethread", "defprol"})
_NUMBER = {"INTEGER": Number.Integer, "HEXADECIMAL": Number.Hex, "BINARY": Number.Bin}


def pieces(text: str) -> Iterator[tuple[_TokenType, str]]:
    """The pieces of a text, unfinished or not, with what they are; they cover it whole."""
    libraries.load_core()
    before = ""
    head = ""
    for token in tokens(text):
        piece = text[token.start : token.end]
        yield _kind(token.kind, piece, before, head), piece
        if token.kind not in VOID:
            head = piece if before in OPENING else ""
            before = token.kind


def _kind(kind: str, piece: str, before: str, head: str) -> _TokenType:
    if kind in COMMENTS:
        return Comment.Single if kind == "COMMENT" else Comment.Multiline
    if kind in STRINGS:
        return String if piece[0] == '"' else String.Other
    if kind in NUMBERS:
        return _NUMBER.get(kind, Number.Float)
    if kind == "BLANK":
        return Whitespace
    if kind in (UNKNOWN, "MALFORMED"):
        return Error
    if kind == "NAME" or kind == "UNCOMPOSED":
        return _name(piece, before, head)
    if kind in ("OPERATOR", "SIGNED", "SIGN"):
        return Operator
    return Punctuation


def _name(name: str, before: str, head: str) -> _TokenType:
    canonical = ALIASES.get(name, name)
    if canonical in CONSTANTS:
        return Keyword.Constant
    if head in _DEFINING:
        return Name.Function
    if before not in OPENING and before != "QUOTE":
        return Name
    if canonical in STATEMENTS or canonical in EXPRESSIONS:
        entry = registry.get(canonical)
        return Keyword if entry is None or entry.special else Name.Builtin
    if canonical in registry or canonical in libraries.index():
        return Name.Builtin
    return Name


class LispELexer(Lexer):  # type: ignore[misc]
    """A Pygments lexer for LispE.

    >>> from pygments import lex
    >>> from pygments.token import Keyword
    >>> (Keyword, "defun") in list(lex("(defun f(x) x)", LispELexer()))
    True
    """

    name = "LispE"
    url = "https://github.com/naver/lispe"
    aliases: ClassVar[list[str]] = ["lispe"]
    filenames: ClassVar[list[str]] = ["*.lisp"]
    mimetypes: ClassVar[list[str]] = ["text/x-lispe"]
    version_added = ""

    def get_tokens_unprocessed(self, text: str, *_: Any) -> Iterator[tuple[int, Any, str]]:
        position = 0
        for kind, piece in pieces(text):
            yield position, kind, piece
            position += len(piece)
