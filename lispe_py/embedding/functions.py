"""Functions across the border: Python's in programs, and the programs' in Python."""

from __future__ import annotations

import functools
import inspect
import linecache
import re
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from lispe_py.errors import LispError
from lispe_py.printer import show
from lispe_py.runtime.frames import MARK
from lispe_py.runtime.interop import from_python, to_python
from lispe_py.values.functions import form_of
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


def is_python_function(value: Any) -> bool:
    """A function of Python, to be wrapped; classes, modules of torch and the like are not."""
    if getattr(value, "__globals__", {}).get(MARK) or hasattr(value, "__lisp_hosted__"):
        return False
    return inspect.isroutine(value) or isinstance(value, functools.partial)


def hosted(function: Callable[..., Any], name: str, convert: bool = True) -> Callable[..., Any]:
    """A Python function as programs call it.

    It gets and gives Python's values, and what it raises becomes an error of the
    program with the exception as its ``__cause__``. With ``convert`` off it gets
    the values of the language as they are.
    """
    signature = _signature(function)
    least, most = _counts(signature)

    def called(*args: Any, **named: Any) -> Any:
        if named or not least <= len(args) <= most:
            _bind(signature, name, args, named)
        if convert:
            args = tuple([to_python(a) for a in args])
            named = {key: to_python(value) for key, value in named.items()}
        try:
            return from_python(function(*args, **named))
        except LispError:
            raise
        except Exception as error:
            raise LispError(f"{type(error).__name__}: {error}", at_call=True) from error

    called.__name__ = called.__qualname__ = name
    called.__doc__ = inspect.getdoc(function)
    called.__lisp_hosted__ = function  # type: ignore[attr-defined]
    if signature is not None:
        called.__signature__ = signature  # type: ignore[attr-defined]
    return called


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        # Some functions written in C tell nothing of their arguments.
        return None


def _counts(signature: inspect.Signature | None) -> tuple[int, float]:
    """The least and the largest number of arguments by position."""
    if signature is None:
        return 0, float("inf")
    kinds = inspect.Parameter
    parameters = list(signature.parameters.values())
    if any(p.kind is kinds.KEYWORD_ONLY and p.default is kinds.empty for p in parameters):
        # Only a call that names an argument can be right.
        return 1, 0
    positional = [
        p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]
    rest = any(p.kind is kinds.VAR_POSITIONAL for p in parameters)
    least = sum(p.default is kinds.empty for p in positional)
    return least, float("inf") if rest else len(positional)


def _bind(signature: inspect.Signature | None, name: str, args: Any, named: Any) -> None:
    if signature is not None:
        try:
            signature.bind(*args, **named)
        except TypeError as error:
            raise LispError(
                f"Wrong number of arguments for: '{name}' ({error})",
                hint=f"usage: {usage(name, signature)}",
                at_call=True,
            ) from None


def usage(name: str, signature: inspect.Signature) -> str:
    """A call as a program writes it: ``(name x [y] rest...)``."""
    kinds = inspect.Parameter
    words = [name]
    for p in signature.parameters.values():
        if p.kind is kinds.VAR_POSITIONAL:
            words.append(f"{p.name}...")
        elif p.kind is kinds.KEYWORD_ONLY:
            words.append(f"(? {p.name} ...)")
        elif p.kind is not kinds.VAR_KEYWORD:
            words.append(p.name if p.default is kinds.empty else f"[{p.name}]")
    return f"({' '.join(words)})"


# ---------------------------------------------------------------- functions of programs


class Shown:
    """A default that is no constant: it shows as its form."""

    def __init__(self, form: Any) -> None:
        self.form = form

    def __repr__(self) -> str:
        return show(self.form)


def describe(function: FunctionType) -> None:
    """Give a function of a program what ``help`` and ``inspect.signature`` look for."""
    form = form_of(function)
    if form is None or "__signature__" in function.__dict__ or not _is_plain(form):
        return
    is_lambda = form[0].name == "λ"
    parameters, body = (form[1], form[2:]) if is_lambda else (form[2], form[3:])
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_parameter(item) for item in parameters]
    )
    if function.__doc__ is None:
        function.__doc__ = _comment(form) or _text(body)


def _is_plain(form: List) -> bool:
    """Is it a ``defun`` or a lambda? Others have patterns in place of parameters."""
    return form[0].__class__ is Symbol and form[0].name in ("defun", "dethread", "λ")


def _parameter(item: Any) -> inspect.Parameter:
    kinds = inspect.Parameter
    if item.__class__ is Symbol:
        return kinds(_spelled(item.name), kinds.POSITIONAL_OR_KEYWORD)
    if item[0].__class__ is not Symbol:
        return kinds(_spelled(item[1].name), kinds.VAR_POSITIONAL)
    default = item[1] if len(item) == 2 else None
    if isinstance(default, (list, Symbol)):
        default = Shown(default)
    return kinds(_spelled(item[0].name), kinds.POSITIONAL_OR_KEYWORD, default=default)


def _spelled(name: str) -> str:
    """A name as Python can spell it."""
    name = re.sub(r"\W", "_", name)
    return name if name.isidentifier() else f"_{name}"


def _comment(form: List) -> str | None:
    """The comment right above a definition in its file."""
    where = getattr(form, "where", None)
    if where is None:
        return None
    lines: list[str] = []
    number = where.line - 1
    while (line := linecache.getline(where.file, number).strip()).startswith(";"):
        lines.insert(0, line.lstrip(";").strip())
        number -= 1
    return "\n".join(lines) or None


def _text(body: list[Any]) -> str | None:
    """A text at the start of a body, which is there to be read."""
    first = body[0] if len(body) > 1 else None
    return str(first) if isinstance(first, str) else None


def exported(lisp: LispE, name: str) -> Callable[..., Any]:
    """A function of a program for Python: it takes and gives Python's values."""
    described = lisp.globals[name]

    def function(*args: Any) -> Any:
        return lisp.call(name, *args)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = described.__doc__
    function.__wrapped__ = described  # type: ignore[attr-defined]
    return function
