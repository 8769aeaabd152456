"""Tools for texts: edit distance, balanced groups, bases, base64, indentation."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from lispe_py.builtins.strings import encoded, same_kind, text_of
from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.text_algorithms import (
    balanced,
    check_base,
    edit_distance,
    from_base,
    to_base,
)
from lispe_py.runtime.truth import truth
from lispe_py.values.lists import List


@primitive("convert_in_base")
def convert_in_base(value: Any, base: Any, back: Any = None) -> Any:
    """The digits of an integer in a base from 2 to 64; the integer, with a true third argument.

    The digits are ``0-9``, ``A-Z``, ``a-z``, ``#`` and ``@``.

    (list (convert_in_base 123456 36) (convert_in_base "FACE" 16 true))
    ; ("2N9C" 64206)
    """
    wanted = to_integer(base)
    check_base(wanted)
    if truth(back):
        return from_base(text_of(value), wanted)
    return to_base(to_integer(value), wanted)


@primitive("btoa")
def btoa(text: Any) -> str:
    """The base64 form of a text in UTF-8.

    (btoa "light work")
    ; bGlnaHQgd29yaw==
    """
    data = text if text.__class__ is bytes else text_of(text).encode("utf-8", "surrogatepass")
    return base64.b64encode(data).decode("ascii")


@primitive("atob")
def atob(text: Any) -> Any:
    """The text that a base64 form stands for; a byte string if that is not UTF-8.

    (atob "bGlnaHQgd29yaw==")
    ; light work
    """
    found = text_of(text)
    if len(found) % 4:
        raise LispError("Invalid Base64 string length")
    try:
        data = base64.b64decode(encoded(found), validate=True)
    except (binascii.Error, ValueError):
        raise LispError("Invalid Base64 character") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


@primitive("editdistance")
def editdistance(first: Any, second: Any) -> int:
    """Levenshtein's distance of two texts: insertions, deletions and replacements.

    (editdistance "sunday" "saturday")
    ; 3
    """
    return edit_distance(text_of(first), text_of(second))


@primitive("getstruct")
def getstruct(text: Any, opening: Any, closing: Any, position: Any = None) -> Any:
    """The next balanced group of a text, with its start and its end; nil if there is none.

    The first characters of ``opening`` and ``closing`` count. Texts between
    double quotes inside the group are passed over.

    (getstruct "f(x, g(y)) + h(z)" "(" ")")
    ; ("(x, g(y))" 1 10)
    """
    found = text_of(text)
    start = max(0, to_integer(position))
    group = balanced(found, text_of(opening)[:1], text_of(closing)[:1], start)
    if group is None:
        return None
    return List([same_kind(text, found[group[0] : group[1]]), *group])


_OPENING, _CLOSING = "([{", ")]}"


@primitive("indent")
def indent(code: Any, lisp: Any = None) -> str:
    """The text of a program with its lines indented by the brackets around them.

    With a true second argument the text is LispE: ``;`` begins a comment there,
    and a backquote a string.

    (indent "(a\\n(b\\nc))" true)
    ; (a
    ;    (b
    ;       c))
    """
    skip = _LISP_TEXT if truth(lisp) else _OTHER_TEXT
    lines: list[str] = []
    depth = 0
    inside: str | None = None
    for line in text_of(code).split("\n"):
        if inside is not None:
            lines.append(line)
            end = line.find(inside)
            if end < 0:
                continue
            body, inside = line[end + 1 :], None
        else:
            line = line.strip()
            closers = len(line) - len(line.lstrip(_CLOSING))
            lines.append("   " * max(0, depth - closers) + line if line else "")
            body = line
        body = skip.sub("", body)
        for place, character in enumerate(body):
            if character == "`":
                inside = character
                body = body[:place]
                break
        depth += sum(map(body.count, _OPENING)) - sum(map(body.count, _CLOSING))
        depth = max(0, depth)
    return "\n".join(lines)


_LISP_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|;.*')
_OTHER_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
