"""Regular expressions of the language: ``rgx`` in its own syntax, ``prgx`` in that of ECMAScript.

Both are translated once into a Python pattern. The ``rgx`` syntax::

    ?  any character          %d %x %a %c %C %p %h %H %s %S %r %n %e %E  classes
    ~e  anything but e        {..}  one of     [..]  a sequence     (..)  optional
    e+ e*  repetition         ^ first, $ last: ends of the text

A repetition before something that must follow stops at the first place where
the rest matches; otherwise it takes all it can.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter

_UNRECOGNIZED = "Unrecognized regular expression"


class Regex:
    """What both kinds share: their source, and the compiled pattern."""

    __slots__ = ("source", "pattern")
    atom = ""

    def __init__(self, source: str) -> None:
        self.source = source
        self.pattern: Any = self.compiled(source)

    @staticmethod
    def compiled(source: str) -> Any:
        raise LispError(_UNRECOGNIZED)

    def matches(self, text: str) -> bool:
        """Does the whole text match?"""
        return self.pattern.fullmatch(text) is not None

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.source!r})"


class Rgx(Regex):
    """``rgx_``: an expression in the language's own syntax."""

    __slots__ = ()
    atom = "rgx_"

    @staticmethod
    def compiled(source: str) -> Any:
        return _compiled_rgx(source)


class Prgx(Regex):
    """``prgx_``: an expression in the syntax of ECMAScript."""

    __slots__ = ()
    atom = "prgx_"

    @staticmethod
    def compiled(source: str) -> Any:
        return _compiled_prgx(source)


class RegexAdapter(Adapter):
    """An expression prints as its source, and as a function it tests a text."""

    def type_name(self, value: Any) -> str:
        name: str = value.atom
        return name

    def show(self, value: Any) -> str:
        text: str = value.source
        return text

    def equal(self, left: Any, right: Any) -> bool:
        return left.__class__ is right.__class__ and left.source == right.source

    def call(self, value: Any) -> Callable[..., Any] | None:
        from lispe_py.printer import display

        def test(item: Any) -> bool | None:
            return True if value.matches(display(item)) else None

        return test


register_adapter(Regex, RegexAdapter())


# ---------------------------------------------------------------- rgx

#: Class -> what stands for it inside a class of the regex module.
CLASSES = {
    "x": "0-9A-Fa-f",
    "d": "0-9",
    "a": r"\p{Lowercase}\p{Uppercase}_",
    "c": r"\p{Lowercase}",
    "C": r"\p{Uppercase}",
    "s": r" \t\xa0",
    "S": r"\x01-\x20\xa0",
    "r": r"\r\n",
    "n": r"\xa0",
}
_ANY = "(?s:.)"
_NEVER = "(?!)"


class _Item:
    """One element: characters of a class, or alternatives of any length."""

    __slots__ = ("inside", "whole", "character")

    def __init__(self, inside: str = "", whole: str = "", character: str = "") -> None:
        #: how it is written inside a class of characters; empty: it cannot be
        self.inside = inside
        self.whole = whole or f"[{inside}]"
        #: a plain character, which can bound a range
        self.character = character

    def negated(self) -> _Item:
        if self.inside:
            return _Item(whole=f"[^{self.inside}]")
        return _Item(whole=f"(?!{self.whole}){_ANY}")


def _plain(character: str) -> _Item:
    return _Item(re.escape(character), re.escape(character), character)


class _Node:
    """An element with its repetition, or an optional part."""

    __slots__ = ("text", "parts", "sign")

    def __init__(self, text: str = "", parts: list[_Node] | None = None, sign: str = "") -> None:
        self.text = text
        self.parts = parts
        #: ``+``, ``*``, ``?`` for an optional part, or nothing
        self.sign = sign


class _Translator:
    """Reads an ``rgx`` source and writes the pattern of the regex module."""

    def __init__(self, source: str) -> None:
        # A long pattern may be written over several lines.
        self.source = source.replace("\n", "")
        self.at = 0

    def pattern(self) -> str:
        nodes = self.sequence("")
        return self.text(nodes, False)

    def peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def take(self) -> str:
        character = self.peek()
        if not character:
            raise LispError(_UNRECOGNIZED)
        self.at += 1
        return character

    def sequence(self, closing: str) -> list[_Node]:
        """The elements up to a closing bracket, which is taken, or to the end."""
        nodes: list[_Node] = []
        if closing and self.peek() == closing:
            raise LispError(_UNRECOGNIZED)
        while True:
            character = self.peek()
            if not character:
                if closing:
                    raise LispError(_UNRECOGNIZED)
                return nodes
            if character == closing:
                self.at += 1
                return nodes
            nodes.append(self.node())

    def node(self) -> _Node:
        start = self.at
        character = self.peek()
        if character == "(":
            self.at += 1
            # No repetition after it: a sign there is a plain character.
            return _Node(parts=self.sequence(")"), sign="?")
        if character == "[":
            self.at += 1
            return _Node(parts=self.sequence("]"), sign=self.repetition())
        if character == "^":
            self.at += 1
            return _Node(r"\A" if start == 0 else _NEVER)
        if character == "$":
            self.at += 1
            return _Node(r"\Z" if self.at == len(self.source) else _NEVER)
        return _Node(self.item().whole, sign=self.repetition())

    def repetition(self) -> str:
        if self.peek() in ("+", "*") and self.peek():
            return self.take()
        return ""

    def item(self) -> _Item:
        """A character, a class, a choice, or the negation of one."""
        character = self.take()
        if character == "~":
            if self.peek() in ("", "(", "[", "?"):
                raise LispError(_UNRECOGNIZED)
            return self.item().negated()
        if character == "{":
            return self.choice()
        if character == "?":
            return _Item(whole=_ANY)
        if character in ")}]":
            raise LispError(_UNRECOGNIZED)
        return self.single(character)

    def single(self, character: str) -> _Item:
        if character == "%":
            return self.percent()
        if character == "\\":
            return self.escape()
        return _plain(character)

    def percent(self) -> _Item:
        if not self.peek():
            return _plain("%")
        name = self.take()
        if name in CLASSES:
            return _Item(CLASSES[name])
        if name in "phHEe":
            from lispe_py.runtime import letters

            if name == "e":
                return _Item(whole=letters.EMOJI)
            return _Item(
                {
                    "p": letters.PUNCTUATION,
                    "h": letters.GREEK,
                    "H": letters.ASIAN,
                    "E": letters.EMOJI_COMPLEMENT,
                }[name]
            )
        return _plain(name)

    def escape(self) -> _Item:
        """``\\065`` and ``\\x0041`` are codes; otherwise the next character itself."""
        found = re.compile(r"[0-9]{3}|x[0-9A-Fa-f]{4}").match(self.source, self.at)
        if found is None:
            return _plain(self.take())
        self.at = found.end()
        code = found[0]
        return _plain(chr(int(code[1:], 16) if code[0] == "x" else int(code)))

    def choice(self) -> _Item:
        """What stands between braces: characters, classes, ranges, sequences."""
        if self.peek() in ("+", "*", "}", ""):
            raise LispError(_UNRECOGNIZED)
        inside: list[str] = []
        others: list[str] = []
        last: _Item | None = None
        while self.peek() != "}":
            character = self.peek()
            if character == "[":
                self.at += 1
                others.append(self.text(self.sequence("]"), False))
                last = None
                continue
            if character == "-" and last is not None and last.character:
                if self.range(inside, last.character):
                    last = None
                    continue
            if character == "(":
                raise LispError(_UNRECOGNIZED)
            item = self.item()
            sign = self.repetition()
            if sign:
                others.append(self.grouped(item.whole) + sign)
                item = _Item(whole=item.whole)
            elif item.inside:
                inside.append(item.inside)
            else:
                others.append(item.whole)
            last = item
        self.at += 1
        if not others:
            return _Item("".join(inside))
        if inside:
            others.append(f"[{''.join(inside)}]")
        return _Item(whole=f"(?:{'|'.join(others)})")

    def range(self, inside: list[str], low: str) -> bool:
        """Read ``-z`` after ``a``; False if the hyphen is a plain one."""
        begin = self.at
        self.at += 1
        if self.peek() in ("", "}", "{", "[", "~", "?"):
            self.at = begin
            return False
        high = self.single(self.take()).character
        if not high:
            self.at = begin
            return False
        if low > high:
            raise LispError(_UNRECOGNIZED)
        inside[-1] = f"{re.escape(low)}-{re.escape(high)}"
        return True

    def text(self, nodes: list[_Node], followed: bool) -> str:
        """The pattern of a sequence; ``followed``: something must come after it."""
        out: list[str] = []
        for node in reversed(nodes):
            body = node.text
            if node.parts is not None:
                body = f"(?:{self.text(node.parts, followed or node.sign in ('+', '*'))})"
            sign = node.sign
            if sign in ("+", "*") and sign:
                body = f"{self.grouped(body)}{sign}{'?' if followed else ''}"
            elif sign == "?":
                body += "?"
            out.append(body)
            if sign not in ("*", "?"):
                followed = True
        return "".join(reversed(out))

    @staticmethod
    def grouped(body: str) -> str:
        if body.startswith(("[", "(?:")) or len(body) == 1:
            return body
        return f"(?:{body})"


@lru_cache(maxsize=512)
def _compiled_rgx(source: str) -> Any:
    import regex

    text = _Translator(source).pattern()
    try:
        return regex.compile(text)
    except regex.error:
        raise LispError(_UNRECOGNIZED) from None


# ---------------------------------------------------------------- prgx

_POSIX = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z",
    "space": r" \t\n\r\f\v", "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f",
    "cntrl": r"\x00-\x1f\x7f", "print": r"\x20-\x7e", "graph": r"\x21-\x7e", "w": r"\w",
    "d": r"\d", "s": r"\s",
}  # fmt: skip

_MESSAGES = (
    ("unterminated character set", "The expression contained mismatched [ and ]."),
    ("missing )", "The expression contained mismatched ( and )."),
    ("unbalanced parenthesis", "The expression contained mismatched ( and )."),
    ("nothing to repeat", "One of *?+{ was not preceded by a valid regular expression."),
    ("multiple repeat", "One of *?+{ was not preceded by a valid regular expression."),
    ("bad character range", "The expression contained an invalid character range."),
    ("invalid group reference", "The expression contained an invalid back reference."),
    ("min repeat", "The expression contained an invalid range in a {} expression."),
    ("bad escape", "The expression contained an invalid escaped character, or a trailing escape."),
)


def _python_pattern(source: str) -> str:
    """An ECMAScript pattern in the syntax of ``re``."""
    out: list[str] = []
    at = 0
    while at < len(source):
        character = source[at]
        if character == "\\":
            out.append(source[at : at + 2])
            at += 2
        elif character == "$":
            out.append(r"\Z")
            at += 1
        elif character == "[":
            text, at = _python_class(source, at)
            out.append(text)
        else:
            out.append(character)
            at += 1
    return "".join(out)


def _python_class(source: str, start: int) -> tuple[str, int]:
    """The class that starts at a bracket, and the position after it."""
    if source.startswith("[]", start):
        return _NEVER, start + 2
    if source.startswith("[^]", start):
        return _ANY, start + 3
    out = ["["]
    at = start + 1
    while at < len(source) and source[at] != "]":
        named = re.compile(r"\[:(\w+):\]").match(source, at)
        if named is not None:
            members = _POSIX.get(named[1])
            if members is None:
                raise LispError("The expression contained an invalid character class name.")
            out.append(members)
            at = named.end()
        elif source[at] == "\\":
            out.append(source[at : at + 2])
            at += 2
        else:
            out.append("\\" + source[at] if source[at] in "[&~|" else source[at])
            at += 1
    return "".join(out) + source[at : at + 1], at + 1


@lru_cache(maxsize=512)
def _compiled_prgx(source: str) -> Any:
    try:
        with warnings.catch_warnings():
            # Python warns of set operations that it may have one day, as in [a--b].
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(_python_pattern(source), re.ASCII)
    except (re.error, OverflowError, ValueError) as error:
        text = str(error)
        for beginning, message in _MESSAGES:
            if text.startswith(beginning):
                raise LispError(message) from None
        raise LispError(f"The regular expression is not valid: {text}") from None


def ecma_replacement(template: str, found: re.Match[str]) -> str:
    """A replacement text with its ``$1 $& $$`` filled in.

    >>> ecma_replacement("<$1$$>", re.match("a(.)", "ab"))
    '<b$>'
    """
    groups = found.re.groups

    def value(mark: re.Match[str]) -> str:
        name = mark[1]
        if name == "$":
            return "$"
        if name == "&":
            return found[0]
        if name == "`":
            return found.string[: found.start()]
        if name == "'":
            return found.string[found.end() :]
        if int(name) > groups and len(name) == 2 and 0 < int(name[0]) <= groups:
            return (found[int(name[0])] or "") + name[1]
        if not 0 < int(name) <= groups:
            return "" if int(name) else mark[0]
        return found[int(name)] or ""

    return re.sub(r"\$([$&`']|[0-9]{1,2})", value, template)
