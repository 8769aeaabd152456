"""Printing, and code laid out over several lines."""

from __future__ import annotations

from typing import Any, TextIO

from lispe_py.printer import display, show
from lispe_py.registry import primitive, registry
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.reading import iterate
from lispe_py.values.functions import form_of
from lispe_py.values.lists import List, Tail
from lispe_py.values.matrix import Grid
from lispe_py.values.symbol import NOTHING, Symbol
from lispe_py.values.types import GENERIC, LISTS

_LAMBDA = Symbol("λ")
_TYPED = LISTS - GENERIC


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

    On a terminal they are seen at once.

    (print "a" 1) (println)
    (+ 1 2)
    ; 3
    """
    write(lisp.stdout, "".join(map(display, values)))
    if lisp.stdout.isatty():
        lisp.stdout.flush()
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
    "defun": 2, "defpat": 2, "dethread": 2, "defprol": 2, "defpred": 2, "class@": 2,
    "if": 1, "ife": 1, "check": 1, "ncheck": 1, "while": 1, "loopcount": 1,
    "setq": 1, "setg": 1, "setqv": 1, "setqi": 1, "loop": 2, "lloop": 2, "mloop": 2,
}  # fmt: skip
#: Forms that are always broken, and closed behind their last member where that is no list.
_TIGHT = frozenset(
    "defun defpat dethread defprol defpred class@ if ife check ncheck loop lloop mloop".split()
)
_LOOPS = ("loop", "lloop", "mloop")

_STEP = 3


@primitive("prettify", interpreter=True)
def prettify(lisp: Context, form: Any, width: Any = None) -> str:
    """The text of a structure or function over several indented lines.

    A list shorter than ``width``, 50 by default, stays on one line. A text is
    returned as it is.

    (prettify '(if (< a b) (println a) (println b)) 20)
    ; (if (< a b)
    ;    (println a)
    ;    (println b)
    ; )
    """
    if isinstance(form, str):
        return form
    limit = 50 if width is None else to_integer(width)
    code = form_of(form)
    return "\n".join(_lines(form if code is None else code, max(limit, 1), 0)) + "\n"


def _is_broken(form: Any, limit: int) -> bool:
    cls = form.__class__
    return (
        cls in GENERIC
        and len(form) > 0
        and form[0] is not _LAMBDA
        and ((form[0].__class__ is Symbol and form[0].name in _TIGHT) or len(show(form)) >= limit)
    )


def _lines(form: Any, limit: int, indent: int) -> list[str]:
    """The lines of a form, indented."""
    blank = " " * indent
    if (form.__class__ in _TYPED or isinstance(form, Grid)) and len(show(form)) >= limit:
        form = List(iterate(form))
    if not _is_broken(form, limit):
        return [blank + show(form)]
    head = form[0]
    name = head.name if isinstance(head, Symbol) else ""
    known = name in registry
    kept = _ON_FIRST_LINE.get(name, 0)
    first = [show(item) for item in form[: kept + 1]] if known else []
    lines = [f"{blank}({' '.join(first)}"]
    rest = list(form)[len(first) :]
    if kept and len(form) > kept and not isinstance(form[kept], Symbol):
        if name in _LOOPS:
            # What is looped over is the first line of the body.
            lines = [f"{blank}({' '.join(first[:kept])} "]
            rest = list(form)[kept:]
        elif kept == 1 and _is_broken(form[1], limit):
            condition = _lines(form[1], limit, indent + _STEP)
            lines = [f"{blank}({name} {condition[0].lstrip()}", *condition[1:]]
    for item in rest:
        lines += _lines(item, limit, indent + _STEP)
    if name in _TIGHT and rest and not isinstance(rest[-1], (list, Tail)):
        lines[-1] += ")"
    else:
        lines.append(blank + ")")
    return lines
