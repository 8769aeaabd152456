"""The regular expressions of ``prgx``: ECMAScript's, as the standard library of C++ reads them.

A pattern is translated into one of ``re``. What only Python knows is refused, with the
message of C++: looking behind, flags, named and atomic groups, possessive repetitions.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import Any

from lispe_py.errors import LispError

_POSIX = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z",
    "space": r" \t\n\r\f\v", "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f",
    "cntrl": r"\x00-\x1f\x7f", "print": r"\x20-\x7e", "graph": r"\x21-\x7e", "w": r"\w",
    "d": r"\d", "s": r"\s",
}  # fmt: skip

_PARENTHESES = "The expression contained mismatched ( and )."
_NOTHING_TO_REPEAT = "One of *?+{ was not preceded by a valid regular expression."
_BAD_COUNT = "The expression contained an invalid range in a {} expression."
_BAD_ESCAPE = "The expression contained an invalid escaped character, or a trailing escape."
_NOT_ALL_READ = "The parser did not consume the entire regular expression."

#: Beginnings of the messages of ``re``, and those of C++.
_MESSAGES = (
    ("unterminated character set", "The expression contained mismatched [ and ]."),
    ("missing )", _PARENTHESES),
    ("unbalanced parenthesis", _PARENTHESES),
    ("bad character range", "The expression contained an invalid character range."),
    ("invalid group reference", "The expression contained an invalid back reference."),
    ("min repeat", _BAD_COUNT),
    ("the repetition number is too large", _BAD_COUNT),
    ("bad escape", _BAD_ESCAPE),
)

#: All but the four ends of a line, as ranges: Python goes through these faster.
_ANY = r"[\0-\t\x0b\x0c\x0e-\u2027\u202a-\U0010ffff]"
_COUNT = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_CODE = re.compile(r"x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}")
_NAMED = re.compile(r"\[([:.=])(.*?)\1\]", re.DOTALL)


class _Pattern:
    """A pattern on its way into the syntax of ``re``."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out: list[str] = []
        #: Can what was read last be repeated?
        self.repeatable = False
        #: For each open parenthesis: can the group be repeated?
        self.groups: list[bool] = []

    def translated(self) -> str:
        while self.at < len(self.source):
            character = self.source[self.at]
            if character in "*+?{":
                self._repetition(character)
            elif character == "(":
                self._open()
            elif character == "[":
                self._put(self._class())
            elif character == "\\":
                text = self._escape("dDwWsSbB")
                self._put(text, repeatable=text not in (r"\b", r"\B"))
            elif character in "}]":
                raise LispError(_NOT_ALL_READ)
            else:
                self.at += 1
                if character == ")":
                    self._put(character, repeatable=not self.groups or self.groups.pop())
                elif character in "^$|":
                    self._put(r"\Z" if character == "$" else character, repeatable=False)
                else:
                    self._put(_ANY if character == "." else character)
        return "".join(self.out)

    def _put(self, text: str, repeatable: bool = True) -> None:
        self.out.append(text)
        self.repeatable = repeatable

    def _repetition(self, sign: str) -> None:
        if not self.repeatable:
            raise LispError(_NOTHING_TO_REPEAT)
        if sign == "{":
            count = _COUNT.match(self.source, self.at)
            if count is None:
                raise LispError(_BAD_COUNT)
            sign = count[0]
        self.at += len(sign)
        if self.source.startswith("?", self.at):
            self.at += 1
            sign += "?"
        self._put(sign, repeatable=False)

    def _open(self) -> None:
        start = self.source[self.at : self.at + 3]
        if not start.startswith("(?"):
            start = "("
        elif start not in ("(?:", "(?=", "(?!"):
            raise LispError(_NOTHING_TO_REPEAT)
        self.at += len(start)
        self.groups.append(start not in ("(?=", "(?!"))
        self._put(start, repeatable=False)

    def _escape(self, letters: str) -> str:
        """What a backslash and the next characters stand for; ``letters`` stay as they are."""
        self.at += 1
        following = self.source[self.at : self.at + 1]
        code = _CODE.match(self.source, self.at)
        if code is not None:
            self.at = code.end()
            return "\\" + code[0]
        self.at += 1
        if following == "0":
            return r"\x00"
        if following.isdecimal() and following.isascii() and "B" in letters:
            digits = re.compile("[0-9]*").match(self.source, self.at)[0]  # type: ignore[index]
            self.at += len(digits)
            # In a group of its own: the next character belongs to another item.
            return f"(?:\\{following}{digits})"
        control = self.source[self.at : self.at + 1]
        if following == "c" and control.isascii() and control.isalpha():
            self.at += 1
            return f"\\x{ord(control) % 32:02x}"
        if following in letters or following in "fnrtv":
            if following:
                return "\\" + following
        elif not (following.isascii() and following.isalnum()):
            return re.escape(following)
        raise LispError(_BAD_ESCAPE)

    def _class(self) -> str:
        """The class that starts at a bracket."""
        for empty, text in (("[]", "(?!)"), ("[^]", "(?s:.)")):
            if self.source.startswith(empty, self.at):
                self.at += len(empty)
                return text
        out = ["["]
        self.at += 1
        while self.at < len(self.source) and self.source[self.at] != "]":
            character = self.source[self.at]
            named = _NAMED.match(self.source, self.at)
            if named is not None:
                self.at = named.end()
                out.append(_named(named[1], named[2]))
            elif character == "\\":
                out.append(self._escape("dDwWsSb"))
            else:
                self.at += 1
                out.append("\\" + character if character in "[&~|" else character)
        closed = self.source[self.at : self.at + 1]
        self.at += 1
        return "".join(out) + closed


def _named(kind: str, name: str) -> str:
    """What stands in a class between ``[:``, ``[.`` or ``[=`` and its counterpart."""
    if kind == ":":
        if name not in _POSIX:
            raise LispError("The expression contained an invalid character class name.")
        return _POSIX[name]
    if len(name) != 1:
        raise LispError("The expression contained an invalid collating element name.")
    return re.escape(name)


@lru_cache(maxsize=512)
def compiled(source: str) -> Any:
    """The Python pattern of an expression.

    >>> compiled("[[:alpha:]]+$").pattern
    '[A-Za-z]+\\\\Z'
    """
    try:
        with warnings.catch_warnings():
            # Python warns of set operations that it may have one day, as in [a--b].
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(_Pattern(source).translated(), re.ASCII)
    except (re.error, OverflowError, ValueError) as error:
        text = str(error)
        for beginning, message in _MESSAGES:
            if text.startswith(beginning):
                raise LispError(message) from None
        raise LispError(f"The regular expression is not valid: {text}") from None


def replacement(template: str, found: re.Match[str]) -> str:
    """A replacement text with its ``$1 $& $$`` filled in.

    >>> replacement("<$1$$>", re.match("a(.)", "ab"))
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
