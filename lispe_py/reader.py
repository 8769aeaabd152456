"""From text to forms.

``grammar.lark`` describes the surface; Lark builds an LALR parser from it whose
rules call :class:`_Builder` as they are recognised, so that no tree is built or
walked, and a nesting of any depth can be read.

A form is a value: a number, a string, ``None``, ``True``, a :class:`Symbol` or a
:class:`List`. Every list carries in ``where`` its own place and those of its
members. ``'x`` is the list ``(quote x)``; ``{...}`` is a :class:`Braces`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lispe_py.errors import LispSyntaxError
from lispe_py.grammar import make_parser
from lispe_py.names import ALIASES, CONSTANTS
from lispe_py.places import Place
from lispe_py.values.lists import List, Span
from lispe_py.values.symbol import Symbol
from lispe_py.values.text import LongString

if TYPE_CHECKING:
    from lark import Lark, Token

# Plain lists, by a name that the rule called "list" does not hide.
Children = list[Any]
Places = list[Place]


class Braces(List):
    """What was written between braces: ``(dictionary key value ...)`` and the like.

    It is the call that makes the container, headed by ``dictionary``,
    ``dictionaryi``, ``dictionaryn``, ``sets``, ``seti`` or ``setn`` (also in
    ``kind``), so evaluating and printing need nothing special. The class tells
    patterns and quoted data that braces were written: a quoted ``Braces`` stands
    for the container, not for the list.
    """

    __slots__ = ()

    @property
    def kind(self) -> str:
        """Name of the built-in that makes the container."""
        return self[0].name  # type: ignore[no-any-return]

    @property
    def pairs(self) -> bool:
        """Is it a dictionary (its members after the head go by pairs)?"""
        return self.kind.startswith("dictionary")


def read(text: str, file: str = "main") -> List:
    """The forms of a text, in a list whose ``where`` has the place of each.

    Raises:
        LispSyntaxError: with the place of the fault; ``incomplete`` is set when
            more text could make it right.
    """
    # A byte order mark is no text; a first line "#!..." is for the system.
    text = text.removeprefix("\ufeff")
    if text.startswith("#!"):
        text = ";!" + text[2:]
    with _lock:
        parser = _parser()
        _builder.file = file
        try:
            return parser.parse(text)  # type: ignore[return-value]
        except LispSyntaxError as error:
            error.file = file
            raise
        except _unexpected() as error:
            raise _refusal(error, text, file) from None


def read_data(text: str) -> List:
    """The forms of a text that is no program: without comments, dots only part.

    A percent sign makes an atom with the sign or code behind it, as in grammars.
    """
    return _as_data(read(_MARK.sub(_hide, text)))


def _hide(found: re.Match[str]) -> str:
    return f" \ue000{found[0].encode('utf-32-be').hex()}\ue000 "


def _shown(text: str) -> str:
    return _HIDDEN.sub(lambda found: bytes.fromhex(found[1]).decode("utf-32-be"), text)


def _as_data(form: List) -> List:
    members: Children = []
    for member in form:
        if isinstance(member, List):
            member = _as_data(member)
        elif member is _DOT:
            continue
        elif member.__class__ is Symbol:
            member = Symbol(_shown(f" {member.name} ").strip())
        elif isinstance(member, str):
            member = _shown(member)
        members.append(member)
    return type(form)(members)


def is_incomplete(text: str) -> bool:
    """Could more text make this readable (an open bracket, string or comment)?"""
    try:
        read(text)
    except LispSyntaxError as error:
        return error.incomplete
    return False


# --- atoms ---------------------------------------------------------------------

_QUOTE = Symbol("quote")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_names: dict[str, Any] = {}


def _name(text: str) -> Any:
    try:
        return _names[text]
    except KeyError:
        # A token is a str that knows its place; a name must not keep it.
        text = str(text)
        canonical = ALIASES.get(text, text)
        value = CONSTANTS[canonical] if canonical in CONSTANTS else Symbol(canonical)
        _names[text] = value
        return value


def _unescape(text: str) -> str:
    if "\\" not in text:
        return str(text)
    first, *rest = text.split("\\")
    pieces = [first]
    # An empty piece stands between two backslashes: the second is the character.
    literal = False
    for piece in rest:
        if literal:
            pieces.append(piece)
            literal = False
        elif piece:
            pieces.append(_ESCAPES.get(piece[0], piece[0]) + piece[1:])
        else:
            pieces.append("\\")
            literal = True
    return "".join(pieces)


def _raw(text: str) -> str:
    return text[3:-3] if text.startswith('"""') else text[1:-1]


def _string(text: str) -> str:
    return _unescape(text[1:-1])


def _long_string(text: str) -> str:
    content = _raw(text)
    return LongString(content) if content else ""


def _bytes(text: str) -> bytes:
    plain = text.startswith('b"') and not text.startswith('b"""')
    content = _unescape(text[2:-1]) if plain else _raw(text[1:])
    return content.encode("utf-8", "surrogatepass")


def _base64(text: str) -> str:
    import base64

    return base64.b64encode(_raw(text[1:]).encode("utf-8", "surrogatepass")).decode()


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        # Python refuses thousands of decimal digits at once; pieces are summed.
        sign = -1 if text[0] == "-" else 1
        value = 0
        digits = text.lstrip("+-")
        for start in range(0, len(digits), 4000):
            piece = digits[start : start + 4000]
            value = value * 10 ** len(piece) + int(piece)
        return sign * value


def _complex(text: str) -> complex:
    real, imaginary = text[:-1].split(",")
    if imaginary in ("", "+", "-"):
        imaginary += "1"
    return complex(float(real), float(imaginary))


def _malformed(text: str) -> Any:
    raise LispSyntaxError(f"malformed number: '{text}'")


_DOT = Symbol(".")
#: Stands for a semicolon that starts no comment: a character of nobody's.
_SEMICOLON = " \ue000 "
_COLON = Symbol(":")
#: What is no token of programs, and how it is hidden from their grammar: behind
#: a character of nobody's.
_MARK = re.compile(r";|(?<![^\s()\[\]{}])%(?:\d+|[^\w\s()\[\]\"'`])")
_HIDDEN = re.compile(" \ue000([0-9a-f]+)\ue000 ")
_CONVERT: dict[str, Callable[[Any], Any]] = {
    "NAME": _name,
    "OPERATOR": _name,
    "SIGNED": _name,
    "SIGN": _name,
    "UNCOMPOSED": _name,
    "DOT": lambda _: _DOT,
    "COLON": lambda _: _COLON,
    "INTEGER": _integer,
    "REAL": float,
    "COMPLEX": _complex,
    "HEXADECIMAL": lambda text: int(text, 16),
    "BINARY": lambda text: int(text, 2),
    "MALFORMED": _malformed,
    "STRING": _string,
    "LONGSTRING": _long_string,
    "BYTES": _bytes,
    "BASE64": _base64,
}


# --- rules ---------------------------------------------------------------------


class _Builder:
    """The actions of the grammar's rules, called while the parser runs."""

    file = "main"

    def start(self, children: Children) -> List:
        forms = List()
        places = self._fill(forms, children)
        if places:
            line, column = places[0][:2]
            end_line, end_column = places[-1][2:]
        else:
            line = column = end_line = end_column = 1
        forms.where = Span(line, column, end_line, end_column, self.file, tuple(places))
        return forms

    def list(self, children: Children) -> List:
        close = children.pop()
        opening = children[0]
        del children[0]
        form = List()
        places = self._fill(form, children)
        form.where = Span(
            opening.line, opening.column, close.end_line, close.end_column, self.file, tuple(places)
        )
        return form

    def quoted(self, children: Children) -> List:
        mark = children[0]
        form = List((_QUOTE,))
        (place,) = self._fill(form, children[1:])
        line, column = mark.line, mark.column
        form.where = Span(
            line, column, place[2], place[3], self.file, ((line, column, line, column + 1), place)
        )
        return form

    def braces(self, children: Children) -> Braces:
        opening, *inside, close = children
        items: Children = []
        places = self._fill(items, inside)
        mark = (opening.line, opening.column, opening.end_line, opening.end_column)
        colons = [n for n, item in enumerate(inside) if getattr(item, "type", "") == "COLON"]
        if colons or not items or opening[0] == "@":
            self._check_pairs(inside, colons, mark)
            # What stands at 0, 2 of each "key : value".
            kept = [n for n in range(len(items)) if n % 3 != 1] if len(items) > 1 else []
            items = [items[n] for n in kept]
            places = [places[n] for n in kept]
            head = "dictionary" + ("" if opening[0] == "@" else _key_kind(items[::2]))
        else:
            head = "set" + (_key_kind(items) or "s")
        form = Braces((Symbol(head), *items))
        form.where = Span(*mark[:2], close.end_line, close.end_column, self.file, (mark, *places))
        return form

    @staticmethod
    def _check_pairs(inside: Children, colons: Sequence[int], mark: Place) -> None:
        """Only ``key : value`` again and again; ``{:}`` is empty too."""
        if len(inside) == len(colons) <= 1:
            return
        if any(b - a == 1 for a, b in pairwise(colons)):
            message = "wrong key/value separator in a dictionary"
        elif len(inside) % 3 or tuple(colons) != tuple(range(1, len(inside), 3)):
            message = "dictionary has a different number of key/value"
        else:
            return
        raise LispSyntaxError(message, line=mark[0], column=mark[1])

    @staticmethod
    def _fill(form: Children, children: Children) -> Places:
        """Append the values of what was read to a form; their places."""
        places: Places = []
        for child in children:
            if isinstance(child, List):
                form.append(child)
                places.append(child.where[:4])
            else:
                try:
                    form.append(_CONVERT[child.type](child))
                except LispSyntaxError as error:
                    error.line, error.column = child.line, child.column
                    raise
                places.append((child.line, child.column, child.end_line, child.end_column))
        return places


def _key_kind(keys: list[Any]) -> str:
    """``i`` where all keys are integers, ``n`` where all are numbers, else nothing."""
    classes = {key.__class__ for key in keys}
    if classes == {int}:
        return "i"
    return "n" if classes and classes <= {int, float} else ""


# --- brackets ------------------------------------------------------------------

_CLOSERS = {"RPAR": "LPAR", "RSQUARE": "LSQUARE", "RBRACE": "LBRACE"}
_OPENERS = {opener: closer for closer, opener in _CLOSERS.items()}
_BRACKETS = {"LPAR": "parentheses", "LSQUARE": "brackets", "LBRACE": "braces"}
_MARKS = {"RPAR": ")", "RSQUARE": "]", "RBRACE": "}"}


class _Brackets:
    """Stands between lexer and parser and balances the brackets.

    A ``]`` whose ``[`` is not the innermost open bracket closes what is open up
    to that ``[``, or everything where there is none.
    """

    always_accept: tuple[str, ...] = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        opened: list[Token] = []
        for token in self._quoted_marks(list(stream)):
            kind = token.type
            if kind in _OPENERS:
                opened.append(token)
            elif kind in _CLOSERS:
                if opened and opened[-1].type == _CLOSERS[kind]:
                    opened.pop()
                elif kind == "RSQUARE" and opened:
                    yield from self._close(token, opened)
                    continue
                else:
                    raise self._surplus(token, opened)
            yield token
        if opened:
            raise self._unclosed(opened)

    @staticmethod
    def _quoted_marks(tokens: list[Token]) -> list[Token]:
        """Make names of ``'}``, ``':`` and of a ``'{`` that no brace closes."""
        quote = None
        for index, token in enumerate(tokens):
            if (
                quote is not None
                and quote.end_pos == token.start_pos
                and (
                    token.type in ("RBRACE", "COLON")
                    or (token == "{" and not _is_closed(tokens, index))
                )
            ):
                token.type = "NAME"
            quote = token if token.type == "QUOTE" else None
        return tokens

    def _close(self, token: Token, opened: list[Token]) -> Iterator[Token]:
        from lark import Token

        while opened:
            opening = opened.pop()
            if opening.type == "LBRACE":
                raise self._unclosed([opening], incomplete=False)
            yield Token.new_borrow_pos(_OPENERS[opening.type], "]", token)
            if opening.type == "LSQUARE":
                break

    def _unclosed(self, opened: list[Token], incomplete: bool = True) -> LispSyntaxError:
        first = opened[0]
        count = "opening" if len(opened) == 1 else f"{len(opened)} openings"
        return LispSyntaxError(
            f"{_BRACKETS[first.type]} do not balance: {count} not closed",
            incomplete=incomplete,
            line=first.line,
            column=first.column,
        )

    def _surplus(self, token: Token, opened: list[Token]) -> LispSyntaxError:
        hint = None
        if opened:
            last = opened[-1]
            hint = (
                f"'{last}' opened at line {last.line}, column {last.column} "
                f"is closed by '{_MARKS[_OPENERS[last.type]]}'"
            )
        return LispSyntaxError(
            f"{_BRACKETS[_CLOSERS[token.type]]} do not balance: one closing '{token}' too many",
            line=token.line,
            column=token.column,
            hint=hint,
        )


def _is_closed(tokens: list[Token], start: int) -> bool:
    """Does the bracket at ``start`` have its own closing one?"""
    opened: list[str] = []
    quote = None
    for index in range(start, len(tokens)):
        token = tokens[index]
        kind = token.type
        if kind in _OPENERS:
            opened.append(kind)
        elif kind in _CLOSERS:
            if quote is not None and quote.end_pos == token.start_pos and kind == "RBRACE":
                continue
            if opened.pop() != _CLOSERS[kind]:
                return False
            if not opened:
                return True
        quote = token if kind == "QUOTE" else None
    return False


# --- what cannot be read ---------------------------------------------------------

_UNFINISHED = {
    '"': "string: '\"' is not closed",
    "`": "string: '`' is not closed",
    "«": "string: '«' is not closed",
    "“": "string: '“' is not closed",
    "„": "string: '„' is not closed",
    "‘": "string: '‘' is not closed",
    "❝": "string: '❝' is not closed",
    ";": "comment: ';;' is not closed",
}


def _refusal(error: Any, text: str, file: str) -> LispSyntaxError:
    """What Lark refused, in the language's terms."""
    from lark import UnexpectedCharacters

    place: dict[str, Any] = {"file": file, "line": error.line, "column": error.column}
    if isinstance(error, UnexpectedCharacters):
        character = text[error.pos_in_stream or 0]
        message = _UNFINISHED.get(character)
        if message is None:
            return LispSyntaxError(f"unexpected character: {character!r}", **place)
        hint = "a comment on one line starts with a single ';'" if character == ";" else None
        return LispSyntaxError(message, incomplete=True, hint=hint, **place)
    token = error.token
    if token.type == "$END":
        # Only a quote can be left waiting: brackets have been balanced before.
        place["line"] = text.count("\n") + 1
        place["column"] = len(text) - text.rfind("\n")
        return LispSyntaxError("nothing to quote", incomplete=True, **place)
    return LispSyntaxError(f"unexpected '{token}'", **place)


def _unexpected() -> tuple[type[Exception], ...]:
    from lark import UnexpectedInput

    return (UnexpectedInput,)


# --- the parser ------------------------------------------------------------------

_lock = threading.RLock()
_builder = _Builder()
_brackets = _Brackets()
_built: Lark | None = None


def _parser() -> Lark:
    global _built
    if _built is None:
        _built = make_parser(_builder, _brackets)
    return _built
