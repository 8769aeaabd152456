"""What a program can ask about its own functions: their source, their Python, their time."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any

from lispe_py.builtins.output import prettify, write
from lispe_py.errors import LispError
from lispe_py.printer import display, show
from lispe_py.registry import primitive
from lispe_py.runtime.dates import Chrono
from lispe_py.values.functions import form_of
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

#: Letters up to which a definition that was typed is shown on one line.
LINE = 72


def _named(lisp: LispE, function: Any) -> Any:
    """The function that a value, an atom or a text means."""
    if isinstance(function, str):
        function = Symbol(function)
    if isinstance(function, Symbol):
        found = lisp.scope.get(f"{function.name}()")
        if found is not None:
            return found
        entry = lisp.entry(function.name)
        if entry is not None:
            return entry.function
        return lisp.callable(function)
    return function


@primitive("source", interpreter=True)
def source(lisp: LispE, function: Any) -> str:
    """The source of a function: LispE for one of the program, Python for a built-in.

    The function, its atom or its name as a text. It is given as it was written, in a
    file or at the prompt; what a program has made is laid out.

    (defun half(x) (/ x 2)) (source half)
    ; (defun half (x) (/ x 2))
    """
    found = _named(lisp, function)
    form = form_of(found)
    if form is not None:
        return _written(lisp, form) or _laid_out(lisp, form)
    try:
        return inspect.getsource(found).rstrip("\n")
    except (TypeError, OSError):
        raise LispError(f"there is no source of: '{display(function)}'") from None


def _laid_out(lisp: LispE, form: List) -> str:
    short = show(form)
    return short if len(short) <= LINE else prettify(lisp, form).strip()


def _written(lisp: LispE, form: List) -> str | None:
    """The text of a form in its file or entry; None where there is none, or another one by now."""
    where = getattr(form, "where", None)
    if where is None:
        return None
    from lispe_py.reader import read

    try:
        text = lisp.texts.get(where.file)
        if text is None:
            with open(where.file, encoding="utf-8") as file:
                text = file.read()
        lines = text.split("\n")[where.line - 1 : where.end_line]
        lines[-1] = lines[-1][: where.end_column - 1]
        text = "\n".join([lines[0][where.column - 1 :], *lines[1:]])
        return text if read(text) == [form] else None
    except (OSError, ValueError, IndexError, LispError):
        return None


@primitive("show_python", interpreter=True)
def show_python(lisp: LispE, function: Any) -> str:
    """The Python that a function of the program, or a quoted form, is compiled to.

    (defun half(x) (/ x 2)) (find (show_python half) "def half")
    ; 0
    """
    form = function if isinstance(function, List) else form_of(_named(lisp, function))
    if form is None:
        raise LispError(
            f"not a function of the program: '{display(function)}'",
            hint="(source 'name) shows the Python of a built-in",
        )
    return lisp.python_of([form])


@primitive("time_since", interpreter=True)
def time_since(lisp: LispE, start: Any, value: Any = None) -> Any:
    """Tell on the standard error how long ago a ``chrono`` was taken; the value given.

    (time_since (chrono) (+ 1 2))
    ; 3
    """
    if not isinstance(start, Chrono):
        raise LispError(f"a chrono is expected, not: '{display(start)}'")
    write(lisp.stderr, f"{_span(time.perf_counter() - start.seconds)}\n")
    return value


def _span(seconds: float) -> str:
    """A time with a unit that suits it."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
