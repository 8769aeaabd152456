"""Programs as data: loading, libraries, macros, help."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

from lispe_py import libraries
from lispe_py.errors import LispError
from lispe_py.names import ALIASES
from lispe_py.printer import display
from lispe_py.registry import primitive, registry
from lispe_py.runtime.frames import MADE
from lispe_py.runtime.matching import is_typed
from lispe_py.values.functions import form_of
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


def _name(value: Any, what: str) -> str:
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, str):
        return value
    raise LispError(f"{what} is expected, not: '{display(value)}'")


@primitive("load", interpreter=True, needs=("fs",))
def load(lisp: LispE, path: str, space: Any = None) -> Any:
    """Run a file; the value of its last form. With a name space, define into it.

    A relative path is looked for beside the file that loads, then from the current
    folder on, then in the folders of the search path.

    (fwrite "half.lisp" "(defun half(x) (/ x 2))") (load "half.lisp") (half 8)
    ; 4
    """
    lisp.require("fs")
    found = find_file(lisp, _name(path, "a path"))
    return lisp.evaluate_file(found, _name(space, "a name space") if space else None)


def find_file(lisp: LispE, path: str) -> str:
    """The file that a path means; an error that names it if there is none."""
    candidates = [path]
    if not os.path.isabs(path):
        candidates[:0] = [os.path.join(folder, path) for folder in _beside(lisp)]
        candidates += [os.path.join(folder, path) for folder in lisp.search_path]
    for candidate in candidates:
        # A pipe and /dev/stdin may be loaded too.
        if os.path.exists(candidate) and not os.path.isdir(candidate):
            return candidate
    if os.path.isdir(path):
        raise LispError(f"this is a directory, not a file: {path}")
    raise LispError(f"there is no such file: {path}")


def _beside(lisp: LispE) -> list[str]:
    """The folder of the file whose code is running, if it is one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if frame.f_globals is lisp.scope and file != MADE:
            return [os.path.dirname(file)] if os.path.isfile(file) else []
        frame = frame.f_back
    return []


@primitive("use", interpreter=True)
def use(lisp: LispE, library: Any, space: Any = None) -> bool:
    """Load a library of primitives.

    (use 'lispe_torch)
    ; true
    """
    for entry in libraries.use(_name(library, "the name of a library")):
        lisp.scope.setdefault(entry.name, lisp.scope[lisp.bind(entry)])
    return True


@primitive("link", interpreter=True)
def link(lisp: LispE, text: Any, atom: Any) -> None:
    """Make a text a new spelling of an atom, from here on; nil.

    (link "plus" '+) (plus 1 2)
    ; 3
    """
    lisp.links.add(text, atom)


@primitive("macroexpand", interpreter=True)
def macroexpand(lisp: LispE, form: Any) -> Any:
    """A quoted form with its macros expanded.

    (defmacro twice(x) (* 2 x)) (macroexpand '(twice 5))
    ; (* 2 5)
    """
    return lisp.expander.expand(form)


@primitive("bodies", interpreter=True)
def bodies(lisp: LispE, function: Any) -> Any:
    """The definition of a function; the list of its bodies if it has several.

    (defun f(x) (+ x 1)) (bodies f)
    ; (defun f (x) (+ x 1))
    """
    if isinstance(function, Symbol):
        function = lisp.callable(function)
    several = getattr(function, "__lisp_bodies__", None)
    if several is not None:
        if len(several) == 1:
            return several[0]
        # Those that take anything first, as they are listed by the reference.
        return List(sorted(several, key=lambda b: bool(b[2]) and is_typed(lisp, b[2][0])))
    form = form_of(function)
    if form is None:
        raise LispError(f"not a function: '{display(function)}'")
    return form


@primitive("help", interpreter=True)
def help_(lisp: LispE, name: Any = None) -> str | None:
    """What a built-in or a function does, as a text.

    (find (help 'cons) "(cons")
    ; 0
    """
    if name is None:
        return "(help 'name) tells about a built-in or a function of yours"
    if isinstance(name, (Symbol, str)):
        text = _name(name, "a name")
        entry = lisp.entry(text)
        if entry is not None:
            lines = [entry.signature, "", entry.documentation]
            others = sorted({*entry.aliases, *(a for a, c in ALIASES.items() if c == entry.name)})
            if others:
                lines += ["", f"also: {' '.join(others)}"]
            return "\n".join(lines)
        name = lisp.callable(Symbol(text))
    form = form_of(name)
    if form is None:
        return str(name.__doc__) if name.__doc__ else None
    from lispe_py.printer import show

    return show(form)


@primitive("atoms", interpreter=True)
def atoms(lisp: LispE) -> List:
    """The atoms that are known.

    (> (size (atoms)) 100)
    ; true
    """
    return List([Symbol(name) for name in sorted(Symbol._table)])


@primitive("trace", interpreter=True)
def trace(lisp: LispE, on: Any = None) -> bool | None:
    """Switch the tracing of function calls on or off; whether it was on.

    (trace nil)
    ; nil
    """
    return lisp.set_trace(bool(on))


@primitive("apropos", interpreter=True)
def apropos(lisp: LispE, word: Any) -> List:
    """The names of the built-ins and primitives whose name or summary has a word.

    (apropos "iota0")
    ; ("iota0")
    """
    sought = _name(word, "a word").lower()
    known = dict(libraries.described("lispe_py.primitives"))
    for entry in registry.entries():
        for name in (entry.name, *entry.aliases):
            known[name] = (entry.signature, entry.summary)
    return List(
        sorted(n for n, (_, summary) in known.items() if sought in f"{n} {summary}".lower())
    )
