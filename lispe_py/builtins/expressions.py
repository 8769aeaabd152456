"""Regular expressions: ``rgx_*`` in the language's syntax, ``prgx_*`` in that of ECMAScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lispe_py.builtins.strings import text_of
from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime import ecma
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.regex import Prgx, Regex, Rgx
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers, Strings


def _pattern(value: Any, cls: type[Regex]) -> Any:
    if value.__class__ is not cls:
        raise LispError("the first element must be a regular expression")
    return value.pattern


def _start(position: Any) -> int:
    return max(to_integer(position), 0)


def _found(expression: Any, cls: type[Regex], value: Any, position: Any) -> Iterator[Any]:
    """The matches from a position on. A ``prgx`` reports empty ones too."""
    text = text_of(value)
    matches = _pattern(expression, cls).finditer(text, min(_start(position), len(text)))
    return matches if cls is Prgx else (m for m in matches if m.end() > m.start())


def _made(cls: Callable[[str], Regex], pattern: Any, value: Any) -> Any:
    expression = pattern if isinstance(pattern, Regex) else cls(text_of(pattern))
    if value is _ABSENT:
        return expression
    return True if expression.matches(text_of(value)) else None


_ABSENT: Any = object()


def _is_match(expression: Any, cls: type[Regex], value: Any) -> bool | None:
    return True if _pattern(expression, cls).fullmatch(text_of(value)) else None


def _first(expression: Any, cls: type[Regex], value: Any, position: Any) -> str:
    found = next(_found(expression, cls, value, position), None)
    return "" if found is None else found[0]


def _all(expression: Any, cls: type[Regex], value: Any, position: Any) -> Any:
    pieces = [found[0] for found in _found(expression, cls, value, position)]
    return Strings(pieces) if pieces else List()


def _first_place(expression: Any, cls: type[Regex], value: Any, position: Any) -> Integers:
    found = next(_found(expression, cls, value, position), None)
    return Integers() if found is None else Integers(found.span())


def _all_places(expression: Any, cls: type[Regex], value: Any, position: Any) -> Integers:
    places = Integers()
    for found in _found(expression, cls, value, position):
        places.extend(found.span())
    return places


def _split(expression: Any, cls: type[Regex], value: Any) -> Strings:
    text = text_of(value)
    pieces = []
    start = 0
    for found in _found(expression, cls, value, 0):
        if found.end() > found.start():
            pieces.append(text[start : found.start()])
            start = found.end()
    pieces.append(text[start:])
    return Strings(pieces)


# ---------------------------------------------------------------- rgx


@primitive("rgx", arity=(1, 2))
def rgx(pattern: Any, value: Any = _ABSENT) -> Any:
    """A regular expression in the language's own syntax; with a text: does it match whole?

    ``?`` any character; ``%d`` digit, ``%x`` hexadecimal, ``%a`` letter or ``_``,
    ``%c %C`` lower and upper case, ``%p`` punctuation, ``%s`` blank, ``%S`` blank or
    control, ``%r`` end of line, ``%h`` Greek, ``%H`` Asian, ``%e`` emoji; ``~e`` not;
    ``{abc0-9[seq]}`` one of; ``[seq]`` a sequence; ``(seq)`` optional; ``e+ e*``;
    ``^`` and ``$`` the ends; ``%.`` any other sign itself; ``\\065`` and ``\\x0041``
    codes. A repetition before something that must follow is the shortest that
    fits, otherwise the longest.

    (list (rgx "%d+" "42") (filterlist (rgx "{a-c}+") '("abc" "abd")))
    ; (true ("abc"))
    """
    return _made(Rgx, pattern, value)


@primitive("rgx_match", truth=True)
def rgx_match(expression: Any, value: Any) -> bool | None:
    """Does the whole text match?

    (rgx_match (rgx "%C%c+ %C%c+") "Ada Byron")
    ; true
    """
    if expression.__class__ is Rgx and value.__class__ is str:
        return True if expression.pattern.fullmatch(value) else None
    return _is_match(expression, Rgx, value)


@primitive("rgx_find")
def rgx_find(expression: Any, value: Any, position: Any = 0) -> str:
    """The first match from a position on; an empty string if there is none.

    (rgx_find (rgx "%d+(.%d+)") "v 10.25.3")
    ; 10.25
    """
    return _first(expression, Rgx, value, position)


@primitive("rgx_findall")
def rgx_findall(expression: Any, value: Any, position: Any = 0) -> Any:
    """All matches from a position on, without overlap; empty ones do not count.

    (rgx_findall (rgx "%d+") "room 12, floor 3")
    ; ("12" "3")
    """
    return _all(expression, Rgx, value, position)


@primitive("rgx_find_i")
def rgx_find_i(expression: Any, value: Any, position: Any = 0) -> Integers:
    """Start and end of the first match from a position on; empty if there is none.

    (rgx_find_i (rgx "%d+") "room 12, floor 3")
    ; (5 7)
    """
    return _first_place(expression, Rgx, value, position)


@primitive("rgx_findall_i")
def rgx_findall_i(expression: Any, value: Any, position: Any = 0) -> Integers:
    """Starts and ends of all matches, one after the other in one list.

    (rgx_findall_i (rgx "%d+") "room 12, floor 3")
    ; (5 7 15 16)
    """
    return _all_places(expression, Rgx, value, position)


@primitive("rgx_replace")
def rgx_replace(expression: Any, value: Any, new: Any) -> str:
    """The text with all matches replaced by a literal text.

    (rgx_replace (rgx "%s+") "to   be  or" "_")
    ; to_be_or
    """
    text, replacement = text_of(value), text_of(new)
    pattern = _pattern(expression, Rgx)
    result: str = pattern.sub(lambda m: replacement if m.end() > m.start() else "", text)
    return result


@primitive("rgx_split")
def rgx_split(expression: Any, value: Any) -> Strings:
    """The pieces of the text between matches, empty ones kept.

    (rgx_split (rgx ",%s*") "p, q,,r")
    ; ("p" "q" "" "r")
    """
    return _split(expression, Rgx, value)


# ---------------------------------------------------------------- prgx


@primitive("prgx", arity=(1, 2))
def prgx(pattern: Any, value: Any = _ABSENT) -> Any:
    """A regular expression in the syntax of ECMAScript; with a text: does it match whole?

    Classes such as ``[[:alpha:]]`` are known; ``\\d \\w \\s`` are ASCII. Such
    expressions are best written between backquotes.

    (list (prgx `[0-9]+` "55") (filterlist (prgx `[a-c]+`) '("abc" "abd")))
    ; (true ("abc"))
    """
    return _made(Prgx, pattern, value)


@primitive("prgx_match", truth=True)
def prgx_match(expression: Any, value: Any) -> bool | None:
    """Does the whole text match?

    (prgx_match (prgx `[0-9]+`) "55x")
    ; nil
    """
    if expression.__class__ is Prgx and value.__class__ is str:
        return True if expression.pattern.fullmatch(value) else None
    return _is_match(expression, Prgx, value)


@primitive("prgx_find")
def prgx_find(expression: Any, value: Any, position: Any = 0) -> str:
    """The first match from a position on; an empty string if there is none.

    (prgx_find (prgx `\\d+`) "no 33 of 44" 5)
    ; 44
    """
    if (
        expression.__class__ is Prgx
        and value.__class__ is str
        and position.__class__ is int
        and not position
    ):
        found = expression.pattern.search(value)
        return found[0] if found else ""
    return _first(expression, Prgx, value, position)


@primitive("prgx_findall")
def prgx_findall(expression: Any, value: Any, position: Any = 0) -> Any:
    """All matches from a position on, empty ones included.

    (prgx_findall (prgx `(.)\\1`) "aabccd")
    ; ("aa" "cc")
    """
    return _all(expression, Prgx, value, position)


@primitive("prgx_find_i")
def prgx_find_i(expression: Any, value: Any, position: Any = 0) -> Integers:
    """Start and end of the first match from a position on; empty if there is none.

    (prgx_find_i (prgx `\\d+`) "no 33 of 44")
    ; (3 5)
    """
    return _first_place(expression, Prgx, value, position)


@primitive("prgx_findall_i")
def prgx_findall_i(expression: Any, value: Any, position: Any = 0) -> Integers:
    """Starts and ends of all matches, one after the other in one list.

    (prgx_findall_i (prgx `\\d+`) "no 33 of 44")
    ; (3 5 9 11)
    """
    return _all_places(expression, Prgx, value, position)


@primitive("prgx_replace")
def prgx_replace(expression: Any, value: Any, new: Any) -> str:
    """The text with all matches replaced; ``$1`` is a group, ``$&`` the match, ``$$`` a dollar.

    (prgx_replace (prgx `(\\w+)@(\\w+)`) "me@home" "$2 at $1")
    ; home at me
    """
    text, template = text_of(value), text_of(new)
    result: str = _pattern(expression, Prgx).sub(lambda m: ecma.replacement(template, m), text)
    return result


@primitive("prgx_split")
def prgx_split(expression: Any, value: Any) -> Strings:
    """The pieces of the text between matches, empty ones kept.

    (prgx_split (prgx `[,;]`) "p,q;;r")
    ; ("p" "q" "" "r")
    """
    return _split(expression, Prgx, value)
