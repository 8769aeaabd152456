"""JSON: from values to text and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import encoder
from json.encoder import encode_basestring
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display, integer
from lispe_py.protocol import adapter_for
from lispe_py.runtime.convert import leading_number
from lispe_py.runtime.reading import iterate
from lispe_py.values.dictionaries import Dictionary, DictionaryJson, DictionaryTree
from lispe_py.values.lists import List
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.typed import Strings
from lispe_py.values.types import DICTIONARY_KINDS, TYPE_NAMES, is_container

# ---------------------------------------------------------------- writing

#: Members of a container whose text is made at once, at most.
_FLAT = 1000
#: Classes that Python's writer in C treats as this module does; but see ``_WHOLE``.
_SCALARS = frozenset({str, int, float, type(None)})
#: Dictionaries whose keys are texts, and all containers that this writer may be given.
_RECORDS = frozenset({Dictionary, DictionaryJson, DictionaryTree})
_PLAIN = _RECORDS | {List, Strings}
#: What makes the pieces of a text; None on a Python that has no such writer.
_writer: Any = getattr(encoder, "c_make_encoder", None)
_encoded: Any = _writer and _writer(
    None, None, encode_basestring, None, ":", ",", False, False, False
)
#: The end of a decimal without a fraction, which we write as an integer.
_WHOLE = re.compile(r"[0-9]\.0[,}\]]")
_LONE = re.compile("[\ud800-\udfff]")


def quoted(text: str) -> str:
    """A JSON string. Characters stay as they are where JSON allows it."""
    found = encode_basestring(str(text))
    return found if found.isascii() else _without_lone(found)


def _without_lone(text: str) -> str:
    """A JSON text in which halves of characters, which have no bytes, are escaped."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE.sub(lambda m: f"\\u{ord(m[0]):04x}", text)
    return text


def number(value: float) -> str:
    """The shortest digits that read back as the same number; null for what is none."""
    if value != value or value in (float("inf"), float("-inf")):
        return "null"
    if value.__class__ is Float32:
        text = next(
            t for t in (f"{float(value):.{p}g}" for p in range(6, 18)) if Float32(float(t)) == value
        )
    else:
        text = float.__repr__(value)
    return text.removesuffix(".0")


def _scalar(value: Any) -> str | None:
    """The text of a value without members, None for a container."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    cls = value.__class__
    if cls is int or cls is Short:
        return integer(value)
    if cls is float or cls is Float32:
        return number(value)
    if isinstance(value, str):
        return quoted(value)
    if cls in DICTIONARY_KINDS or is_container(value):
        return None
    if cls not in TYPE_NAMES:
        adapter = adapter_for(cls)
        if adapter.is_number(value):
            return _scalar(adapter.number(value))
    return quoted(display(value))


def _is_plain(value: Any) -> bool:
    """Does a container hold only texts, numbers, nil and such containers, not too many?

    Python's writer in C then gives the same text, but for whole decimals.
    """
    room = _FLAT
    waiting = [value]
    while waiting:
        container = waiting.pop()
        cls = container.__class__
        if cls not in _PLAIN:
            return False
        # What is nested too deeply, or holds itself, finds no room either.
        room -= len(container) + _FLAT // 50
        if room < 0:
            return False
        members = container.values() if cls in _RECORDS else container
        if not _SCALARS.issuperset(map(type, members)):
            waiting += [m for m in members if m.__class__ not in _SCALARS]
    return True


def _flat(value: Any) -> str | None:
    """The text of a small container of plain values, the most common record.

    None for any other, and for one so large that its text is better made in pieces.
    """
    if _encoded is None or not _is_plain(value):
        return None
    try:
        whole = "".join(_encoded(value, 0))
    except ValueError:
        # Infinity, NaN, or an integer of more digits than Python writes.
        return None
    if ".0" in whole and _WHOLE.search(whole):
        return None
    return whole if whole.isascii() else _without_lone(whole)


def at_once(value: Any) -> str | None:
    """The text of a value that is made in one piece, None for another container."""
    return _flat(value) if value.__class__ in _PLAIN else _scalar(value)


def pieces(value: Any) -> Iterator[str]:
    """The JSON text of a value, in pieces. Nesting may be of any depth."""
    text = at_once(value)
    if text is not None:
        yield text
        return
    # Each level: its members, its closing bracket, the identity of its container.
    stack: list[tuple[Iterator[tuple[str, Any]], str, int]] = []
    active: set[int] = set()

    def opened(container: Any) -> str:
        if id(container) in active:
            raise LispError("a structure that holds itself has no JSON text")
        active.add(id(container))
        if container.__class__ in DICTIONARY_KINDS:
            stack.append((_members(container), "}", id(container)))
            return "{"
        stack.append((_elements(container), "]", id(container)))
        return "["

    yield opened(value)
    while stack:
        members, closing, mark = stack[-1]
        for prefix, item in members:
            text = at_once(item)
            if text is None:
                yield prefix + opened(item)
                break
            yield prefix + text
        else:
            stack.pop()
            active.discard(mark)
            yield closing


def _members(value: Dictionary) -> Iterator[tuple[str, Any]]:
    separator = ""
    for key, item in value.items():
        yield f"{separator}{quoted(display(key))}:", item
        separator = ","


def _elements(value: Any) -> Iterator[tuple[str, Any]]:
    separator = ""
    for item in iterate(value):
        yield separator, item
        separator = ","


# ---------------------------------------------------------------- reading

#: Beyond this a decimal number no longer holds every integer.
_EXACT = 2.0**53


def parse(text: str, raw: bool = False) -> Any:
    """The value of a JSON text.

    Objects become ordered dictionaries, or ordinary ones if ``raw``. Numbers
    without a fraction are integers. Besides JSON, single quotes, words without
    quotes, a last comma and text after the end are accepted.
    """
    cls = Dictionary if raw else DictionaryJson
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: cls((k, _leaf(v)) for k, v in pairs),
            parse_float=_number,
            parse_int=leading_number,
            parse_constant=lambda name: name,
            strict=False,
        )
        return _converted(value)
    except ValueError:
        return _Lenient(text, cls).value()


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if abs(value) <= _EXACT and value.is_integer() else value


def _leaf(value: Any) -> Any:
    return None if value is False else value


def _converted(value: Any) -> Any:
    """The lists of Python's reader as lists of the language, at all levels."""
    if value.__class__ is list:
        root: Any = List(value)
        waiting = [root]
    elif isinstance(value, dict):
        root = value
        waiting = [root]
    else:
        return _leaf(value)
    while waiting:
        container = waiting.pop()
        entries = enumerate(container) if container.__class__ is List else container.items()
        changed: list[tuple[Any, Any]] = []
        for key, item in entries:
            if item is False:
                changed.append((key, None))
            elif item.__class__ is list:
                made = List(item)
                changed.append((key, made))
                waiting.append(made)
            elif isinstance(item, dict):
                waiting.append(item)
        for key, item in changed:
            container[key] = item
    return root


_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9A-Fa-f]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)")
_WORD = re.compile(r"[^\s,:\[\]{}\"']+")
_STRING = {quote: re.compile(rf"(?:[^\\{quote}]|\\.)*{quote}", re.DOTALL) for quote in "\"'"}
_ESCAPE = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
                     r"|\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)  # fmt: skip
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_WORDS = {"true": True, "false": None, "null": None}


def _unescaped(found: re.Match[str]) -> str:
    high, low, code, other = found.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if code:
        return chr(int(code, 16))
    return _ESCAPES.get(other, other)


class _Lenient:
    """A reader of what people write as JSON."""

    def __init__(self, text: str, cls: type[Dictionary]) -> None:
        self.text = text
        self.cls = cls
        self.at = 0

    def error(self) -> LispError:
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - (self.text.rfind("\n", 0, self.at) + 1) + 1
        return LispError(f"JSON' structure contains errors line: {line} at position: {column}")

    def skip(self) -> str:
        """Go to the next sign that is no blank; the sign, empty at the end."""
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.text[self.at : self.at + 1]

    def string(self, quote: str) -> str:
        found = _STRING[quote].match(self.text, self.at + 1)
        if found is None:
            raise self.error()
        self.at = found.end()
        return _ESCAPE.sub(_unescaped, found[0][:-1])

    def scalar(self, top: bool = False) -> Any:
        character = self.skip()
        if character in ('"', "'") and character:
            return self.string(character)
        found = _NUMBER.match(self.text, self.at)
        word = _WORD.match(self.text, self.at)
        if word is None:
            raise self.error()
        if found is not None and found.end() == word.end():
            self.at = found.end()
            value = leading_number(found[0])
            return _number(str(value)) if value.__class__ is float else value
        if top and word[0] not in _WORDS:
            raise self.error()
        self.at = word.end()
        return _WORDS.get(word[0], word[0])

    def key(self) -> str:
        character = self.skip()
        if character in ('"', "'") and character:
            key = self.string(character)
        else:
            word = _WORD.match(self.text, self.at)
            if word is None:
                raise self.error()
            self.at = word.end()
            key = word[0]
        if self.skip() != ":":
            raise self.error()
        self.at += 1
        return key

    def value(self) -> Any:
        """The first value of the text. Nesting is kept on a stack of its own."""
        stack: list[tuple[Any, str]] = []
        root = self.begin(stack, True)
        while stack:
            container, key = stack[-1]
            closing = "}" if isinstance(container, dict) else "]"
            if self.skip() == closing:
                self.at += 1
                stack.pop()
                if stack:
                    self.after(stack)
                continue
            if closing == "}":
                key = self.key()
            depth = len(stack)
            item = self.begin(stack, False)
            if closing == "}":
                container[key] = item
            else:
                container.append(item)
            if len(stack) == depth:
                self.after(stack)
        return root

    def begin(self, stack: list[tuple[Any, str]], top: bool) -> Any:
        """A scalar, or a container that is still to be filled."""
        character = self.skip()
        if character in ("[", "{") and character:
            self.at += 1
            made: Any = List() if character == "[" else self.cls()
            stack.append((made, ""))
            return made
        return self.scalar(top)

    def after(self, stack: list[tuple[Any, str]]) -> None:
        """A comma, or the end of the container, must come after a member."""
        closing = "}" if isinstance(stack[-1][0], dict) else "]"
        character = self.skip()
        if character == ",":
            self.at += 1
        elif character != closing:
            raise self.error()
