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
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.runtime import ecma

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
        return ecma.compiled(source)


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
