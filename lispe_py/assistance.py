"""What is known of names while a program is written: completion, signatures, descriptions.

The prompt, the Jupyter kernel and the language server ask the same functions. They read
what there is and never run anything of the program. Completion and signatures do not
import torch: what its library offers is read from its sources. To describe a primitive
loads its library.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lispe_py import libraries
from lispe_py.names import ALIASES, CONSTANTS
from lispe_py.printer import display, show
from lispe_py.registry import registry
from lispe_py.surface import (
    NAMES,
    OPENING,
    UNFINISHED_STRING,
    VOID,
    Token,
    open_brackets,
    tokens,
)
from lispe_py.values.functions import form_of
from lispe_py.values.instances import Instance

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

#: Heads whose first argument is a container and whose texts are its keys.
_KEYED = frozenset({"at", "@", "nth", "set@", "key", "key@", "pop", "in", "extract", "@@"})
#: Heads whose first argument is a Python object and whose first text names a part of it.
_ATTRIBUTED = frozenset({"py_get", "py_set", "py_call", "py_apply"})
#: Letters from which on names that merely hold what was written are offered.
_WITHIN = 3


class Candidate(NamedTuple):
    """What may stand at the cursor instead of what is written from ``start`` on.

    ``kind``: ``function class macro variable builtin primitive constant name key
    attribute method file folder``. ``name`` is a word of the text that means nothing
    to the interpreter yet, such as a parameter.
    """

    text: str
    start: int
    kind: str
    signature: str = ""
    summary: str = ""


class Signature(NamedTuple):
    """The call around a cursor, and the argument (counted from 0) in which it stands."""

    name: str
    text: str
    summary: str
    argument: int


class Description(NamedTuple):
    """All that is known of a name."""

    name: str
    kind: str
    signature: str
    summary: str
    documentation: str
    #: Where it is defined, if in a program: file, line, column (from 1).
    place: tuple[str, int, int] | None = None

    @property
    def markdown(self) -> str:
        return f"```lisp\n{self.signature or self.name}\n```\n{self.documentation}".rstrip()


def prepare() -> None:
    """Read what there is to know of all built-ins and libraries, so that the first
    completion need not (a third of a second, in whatever thread)."""
    _libraries()
    registry.entries()


@cache
def _libraries() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for package in dict.fromkeys(libraries.LIBRARIES.values()):
        found.update(libraries.described(package))
    return found


# ---------------------------------------------------------------- completion


def complete(lisp: LispE, text: str, cursor: int) -> list[Candidate]:
    """What may stand at an offset of a text, the best first.

    Names by their beginning, then those that hold what is written (``matmul`` finds
    ``torch_matmul``); inside a string the keys of the dictionary that is asked for
    one, the attributes of a Python object, else files.

    >>> from lispe_py import LispE
    >>> [c.text for c in complete(LispE(), "(torch_matm", 11)]
    ['torch_matmul']
    """
    before = tokens(text[:cursor])
    last = before[-1] if before else Token("BLANK", 0, 0)
    if last.kind == UNFINISHED_STRING:
        return _in_string(lisp, text, before)
    if last.kind not in NAMES and last.kind not in ("BLANK", "QUOTE", *OPENING):
        return []
    written, start = "", cursor
    if last.kind in NAMES:
        # Of a name with operators before it, (+dr, only the name counts.
        written, start = text[last.start : cursor], last.start
    methods = _methods(lisp, text, before)
    known = methods if methods is not None else _names(lisp, text, cursor)
    return [_with_details(lisp, name, start, kind) for name, kind in _matching(known, written)]


def _matching(known: Iterable[tuple[str, str]], written: str) -> Iterator[tuple[str, str]]:
    sought = written.lower()
    within = []
    for name, kind in known:
        if name.lower().startswith(sought):
            if name != written or kind != "name":
                yield name, kind
        elif len(sought) >= _WITHIN and sought in name.lower():
            within.append((name, kind))
    yield from within


def _names(lisp: LispE, text: str, cursor: int) -> Iterator[tuple[str, str]]:
    """Every name with its kind: those of the text, the program, the language, torch."""
    seen: set[str] = set(CONSTANTS) - {"_"}
    program = {name: _kind_of(lisp, name, value) for name, value in _variables(lisp)}
    program |= dict.fromkeys(lisp.expander.macro_names(), "macro")
    for name in sorted(_words(text, cursor)):
        if name not in program and name not in registry and name not in ALIASES:
            seen.add(name)
            yield name, "name"
    for name in sorted(program):
        if name not in seen:
            seen.add(name)
            yield name, program[name]
    for name in sorted(set(CONSTANTS) - {"_"}):
        yield name, "constant"
    languages = {*(n for n in registry.names() if n not in libraries.index()), *ALIASES}
    for names, kind in ((languages, "builtin"), (libraries.index(), "primitive")):
        for name in sorted(names):
            if name not in seen:
                seen.add(name)
                yield name, kind


def _words(text: str, cursor: int) -> set[str]:
    """The names in a text, without the one that ends at the cursor."""
    return {text[t.start : t.end] for t in tokens(text) if t.kind == "NAME" and t.end != cursor}


def _variables(lisp: LispE) -> list[tuple[str, Any]]:
    # A program may be running in another thread: take the names at once.
    scope = lisp.scope
    return [(name, scope.get(name)) for name in list(lisp.globals) if not name.startswith("⁎")]


def _kind_of(lisp: LispE, name: str, value: Any) -> str:
    if name in lisp.classes:
        return "class"
    return "function" if f"{name}()" in lisp.scope else "variable"


def _with_details(lisp: LispE, name: str, start: int, kind: str) -> Candidate:
    if kind in ("name", "constant"):
        return Candidate(name, start, kind)
    return Candidate(name, start, kind, *_details(lisp, name))


def _details(lisp: LispE, name: str) -> tuple[str, str]:
    """Signature and summary of a name; of a variable, its value in short."""
    scope = lisp.scope
    if f"{name}()" in scope or name in lisp.classes:
        return _signature(lisp, name), _summary(scope.get(name))
    if lisp.expander.is_macro(name):
        return "", "a macro"
    if name in scope:
        return "", _brief(scope[name])
    entry = registry.get(ALIASES.get(name, name))
    if entry is not None:
        return f"({name}{entry.signature[len(entry.name) + 1 :]}", entry.summary
    return _libraries().get(name, ("", ""))


def _signature(lisp: LispE, name: str) -> str:
    """The call of a function or class of the program, as its author wrote it."""
    info = lisp.classes.get(name)
    if info is not None:
        return f"({' '.join([name, *info.declared_fields])})"
    function = lisp.scope.get(f"{name}()")
    form = form_of(function)
    if form is not None:
        parameters = form[2] if len(form) > 2 and show(form[0]) != "λ" else form[1]
        if isinstance(parameters, list):
            return f"({' '.join([name, *map(show, parameters)])})"
    try:
        parts = inspect.signature(function).parameters  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return f"({name} ...)"
    return f"({' '.join([name, *parts])})"


def _summary(value: Any) -> str:
    if form_of(value) is not None:
        return ""
    return (getattr(value, "__doc__", None) or "").strip().partition("\n")[0]


def _brief(value: Any) -> str:
    """The kind of a value, and the value itself where it is short to print."""
    from lispe_py.protocol import adapter_for

    if value is None or isinstance(value, (bool, int, float, str)):
        text = display(value) if not isinstance(value, str) else show(value[:40])
        return text if len(text) <= 40 else f"{text[:37]}..."
    shape = getattr(value, "shape", None)
    name = getattr(type(value), "atom", None) or adapter_for(type(value)).type_name(value)
    size = tuple(shape) if shape is not None else len(value) if hasattr(value, "__len__") else ""
    return f"{type(value).__name__ if name == 'python_' else name} {size}".rstrip()


# ---------------------------------------------------------------- in strings


def _in_string(lisp: LispE, text: str, before: list[Token]) -> list[Candidate]:
    opening = before[-1]
    # Bytes and base64 have a letter before their quote.
    start = opening.start + (2 if text[opening.start] in "bj" else 1)
    written = text[start : opening.end]
    opened = open_brackets(before)
    call = _call(text, before[:-1], opened[-1]) if opened else None
    if call is not None:
        head, arguments = call
        first = lisp.scope.get(arguments[0]) if arguments else None
        if head in _KEYED and arguments and isinstance(first, Mapping):
            keys = [key for key in first if isinstance(key, str) and key.startswith(written)]
            return [Candidate(key, start, "key", "", _brief(first[key])) for key in keys]
        if head in _ATTRIBUTED and len(arguments) == 1 and first is not None:
            return _attributes(first, written, start)
    return list(_files(written, start))


def _attributes(value: Any, written: str, start: int) -> list[Candidate]:
    names = [n for n in dir(value) if n.startswith(written) and (written or n[0] != "_")]
    return [Candidate(name, start, "attribute") for name in names]


def _files(written: str, start: int) -> Iterator[Candidate]:
    folder, name = os.path.split(written)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            found = sorted((e.name, e.is_dir()) for e in entries)
    except (OSError, ValueError):
        return
    begin = start + len(written) - len(name)
    for text, is_folder in found:
        if text.startswith(name) and (name.startswith(".") or not text.startswith(".")):
            yield Candidate(
                f"{text}/" if is_folder else text, begin, "folder" if is_folder else "file"
            )


def _methods(lisp: LispE, text: str, before: list[Token]) -> list[tuple[str, str]] | None:
    """The methods that ``(object (met`` may call; None if it is no such call."""
    opened = open_brackets(before)
    if len(opened) < 2 or any(t.kind not in NAMES for t in before[opened[-1] + 1 :]):
        return None
    call = _call(text, before[: opened[-1]], opened[-2])
    value = lisp.scope.get(call[0]) if call is not None else None
    if not isinstance(value, Instance):
        return None
    return [(name, "method") for name in sorted(value.lisp_class.all_methods)]


# ---------------------------------------------------------------- calls


def _call(text: str, before: list[Token], index: int) -> tuple[str, list[str]] | None:
    """The call that the bracket at an index opens: its head, and its arguments so far."""
    if before[index].kind == "LBRACE" or (index and before[index - 1].kind == "QUOTE"):
        return None
    members = list(_members(text, before[index + 1 :]))
    return (members[0], members[1:]) if members else None


def _members(text: str, inside: list[Token]) -> Iterator[str]:
    """The texts of the forms in a row of tokens; the last one may be unfinished."""
    begin = depth = 0
    waiting = False
    for token in inside:
        if token.kind in VOID:
            continue
        if not depth and not waiting:
            begin = token.start
        waiting = token.kind == "QUOTE"
        depth += (token.kind in OPENING) - (token.kind in ("RPAR", "RSQUARE", "RBRACE"))
        if not depth and not waiting:
            yield text[begin : token.end]
    if depth or waiting:
        yield text[begin : inside[-1].end]


def signature_at(lisp: LispE, text: str, cursor: int) -> Signature | None:
    """The innermost call around an offset of a text that is one of a known function.

    >>> from lispe_py import LispE
    >>> lisp = LispE()
    >>> _ = lisp.eval("(defun area(width height) (* width height))")
    >>> signature_at(lisp, "(area 2 ", 8)
    Signature(name='area', text='(area width height)', summary='', argument=1)
    """
    before = tokens(text[:cursor])
    for index in reversed(open_brackets(before)):
        call = _call(text, before, index)
        if call is None:
            continue
        head, arguments = call
        found, summary = _details(lisp, head)
        if found:
            # What the cursor touches is being written still; what follows a blank is next.
            inside = before[-1].kind not in (*VOID, *OPENING) or _is_open(before, index)
            return Signature(head, found, summary, max(len(arguments) - inside, 0))
    return None


def _is_open(before: list[Token], index: int) -> bool:
    """Is there a bracket open within the one at an index?"""
    return open_brackets(before)[-1] > index


# ---------------------------------------------------------------- descriptions


def name_at(text: str, offset: int) -> str:
    """The name that an offset of a text touches; empty if it touches none."""
    for token in tokens(text):
        if token.start <= offset <= token.end and token.kind in NAMES:
            return text[token.start : token.end]
        if token.start > offset:
            break
    return ""


def describe(lisp: LispE, name: str) -> Description | None:
    """All that is known of a name; None if it means nothing.

    >>> from lispe_py import LispE
    >>> describe(LispE(), "car").signature
    '(car value)'
    """
    scope = lisp.scope
    signature, summary = _details(lisp, name)
    if f"{name}()" in scope or name in lisp.classes:
        kind = "class" if name in lisp.classes else "function"
        value = scope.get(f"{name}()")
        info = lisp.classes.get(name)
        form = info.form if info is not None else form_of(value)
        text = show(form) if form is not None else inspect.getdoc(value) or ""
        return Description(name, kind, signature, summary, text, _place(form))
    if lisp.expander.is_macro(name):
        return Description(name, "macro", signature, summary, "")
    if name in scope and name in lisp.globals:
        return Description(name, "variable", signature, summary, summary)
    entry = registry.get(ALIASES.get(name, name)) or lisp.entry(name)
    if entry is None:
        return None
    kind = "primitive" if name in libraries.index() else "builtin"
    signature = f"({name}{entry.signature[len(entry.name) + 1 :]}"
    return Description(name, kind, signature, entry.summary, entry.documentation)


def _place(form: Any) -> tuple[str, int, int] | None:
    where = getattr(form, "where", None)
    return None if where is None else (where.file, where.line, where.column)
