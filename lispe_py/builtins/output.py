"""Printing, and code laid out over several lines."""

from __future__ import annotations

from typing import Any, TextIO

from lispe_py.printer import display, show
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import to_integer
from lispe_py.values.functions import form_of
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Data
from lispe_py.values.symbol import NOTHING, Symbol


def write(stream: TextIO, text: str) -> None:
    """Write a text at once; what the stream cannot encode is replaced."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "replace").decode(encoding))


@primitive("print", interpreter=True)
def print_(lisp: Context, *values: Any) -> Symbol:
    """Write the values to the standard output, nothing between or after them.

    (print "a" 1) (println)
    (+ 1 2)
    ; 3
    """
    write(lisp.stdout, "".join(map(display, values)))
    return NOTHING


@primitive("println", interpreter=True)
def println(lisp: Context, *values: Any) -> Symbol:
    """Write the values to the standard output with a space between them, then a new line.

    The value is an atom without a name, which shows as nothing.

    (type (println "sum" 3))
    ; atom_
    """
    write(lisp.stdout, " ".join(map(display, values)) + "\n")
    return NOTHING


@primitive("printerr", interpreter=True)
def printerr(lisp: Context, *values: Any) -> Symbol:
    """Write the values to the standard error, nothing between or after them.

    (type (printerr))
    ; atom_
    """
    write(lisp.stderr, "".join(map(display, values)))
    return NOTHING


@primitive("printerrln", interpreter=True)
def printerrln(lisp: Context, *values: Any) -> Symbol:
    """Write the values to the standard error with a space between them, then a new line.

    (type (printerrln "careful"))
    ; atom_
    """
    write(lisp.stderr, " ".join(map(display, values)) + "\n")
    return NOTHING


#: How many members follow the head on its line when a form is broken.
_ON_FIRST_LINE = {
    "defun": 2, "defpat": 2, "defmacro": 2, "dethread": 2, "defprol": 2, "defpred": 2,
    "defspace": 1, "class@": 1, "λ": 1, "lambda": 1, "if": 1, "ifnot": 1, "setq": 1, "setg": 1,
    "seth": 1, "let": 1, "loop": 1, "loopcount": 1, "while": 1, "for": 2, "check": 1, "ncheck": 1,
    "lock": 1, "space": 1, "switch": 1,
}  # fmt: skip

_STEP = 3


@primitive("prettify", interpreter=True)
def prettify(lisp: Context, form: Any, width: Any = None) -> str:
    """The text of a structure or function over several indented lines.

    A list that fits in ``width`` characters, 50 by default, stays on one line.

    (prettify '(if (< a b) (println a) (println b)) 20)
    ; (if (< a b)
    ;    (println a)
    ;    (println b)
    ; )
    """
    limit = 50 if width is None else to_integer(width)
    code = form_of(form)
    return "\n".join(_lines(form if code is None else code, max(limit, 1), 0))


def _lines(form: Any, limit: int, indent: int) -> list[str]:
    text = show(form)
    blank = " " * indent
    if form.__class__ not in (List, Tail, Data) or len(text) <= limit or len(form) < 2:
        return [blank + text]
    head = form[0]
    kept = _ON_FIRST_LINE.get(head.name, 0) if isinstance(head, Symbol) else 0
    first = [show(item) for item in form[: kept + 1]]
    # A broken condition or value would hide where the body starts.
    while len(first) > 1 and len(" ".join(first)) > max(limit, 40):
        first.pop()
    if isinstance(head, (List, Tail)):
        lines = [blank + "("]
        rest = list(form)
    else:
        lines = [f"{blank}({' '.join(first)}"]
        rest = list(form)[len(first) :]
    for item in rest:
        lines += _lines(item, limit, indent + _STEP)
    lines.append(blank + ")")
    return lines
