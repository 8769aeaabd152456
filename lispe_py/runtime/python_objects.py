"""Python code and objects inside the language: running, calling, time limits."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.runtime.interop import from_python, to_python
from lispe_py.values.functions import form_of

#: Codes of the errors, as scripts know them.
COMPILE, RUN, CALL, UNKNOWN, CLOSED = "PYT(996)", "PYT(997)", "PYT(999)", "PYT(002)", "PYT(004)"


class Python:
    """``python_``: variables of its own, named modules, imported modules."""

    __slots__ = ("variables", "modules", "imported", "closed")

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {"__name__": "__main__"}
        self.modules: dict[str, dict[str, Any]] = {}
        self.imported: list[Any] = []
        self.closed = False

    def find(self, name: str) -> Any:
        """A function by its name, dots allowed: a variable, else of an imported module."""
        first, *others = name.split(".")
        holders: list[Any] = [self.variables, *self.imported, builtins]
        for holder in holders:
            if isinstance(holder, dict):
                found = holder.get(first, self)
            else:
                found = getattr(holder, first, self)
            if found is not self:
                return attribute(found, others)
        by_name = {module.__name__: module for module in self.imported}
        if first in by_name:
            return attribute(by_name[first], others)
        raise LispError(f"{UNKNOWN}: there is no Python function '{name}'")


def attribute(value: Any, names: list[str]) -> Any:
    for name in names:
        try:
            value = getattr(value, name)
        except AttributeError as error:
            raise LispError(f"{UNKNOWN}: {error}") from None
    return value


class PythonAdapter(Adapter):
    """Any Python object: its members, its size and its items, where it has some."""

    name = "python_"

    def show(self, value: Any) -> str:
        return "python_" if isinstance(value, Python) else str(value)

    def size(self, value: Any) -> int:
        try:
            return len(value)
        except TypeError:
            return 0

    def at(self, value: Any, keys: tuple[Any, ...]) -> Any:
        for key in keys:
            value = _item(value, key)
        return from_python(value)

    def set_at(self, value: Any, keys: tuple[Any, ...], item: Any) -> Any:
        *path, last = keys
        holder = value
        for key in path:
            holder = _item(holder, key)
        guarded(CALL, lambda: holder.__setitem__(to_python(last), argument(item)))
        return value

    def iterate(self, value: Any) -> Iterator[Any] | None:
        return members(value) if hasattr(value, "__iter__") else None

    def equal(self, left: Any, right: Any) -> bool:
        return left is right or guarded(CALL, lambda: bool(left == right))


register_adapter(object, PythonAdapter())


def _item(value: Any, key: Any) -> Any:
    return guarded(CALL, lambda: value[to_python(key)])


def members(value: Any) -> Iterator[Any]:
    """What a Python iterable gives, as values of the language."""
    iterator = guarded(CALL, lambda: iter(value))
    end = object()
    while (item := guarded(CALL, lambda: next(iterator, end))) is not end:
        yield from_python(item)


def guarded(code: str, action: Callable[[], Any]) -> Any:
    """Run Python code; what it raises becomes an error of the language."""
    try:
        return action()
    except LispError:
        raise
    except (Exception, SystemExit) as error:
        raise LispError(f"{code}: {type(error).__name__}: {error}") from error


def argument(value: Any) -> Any:
    """A value as Python code gets it. A function of the program takes Python's values."""
    if callable(value) and form_of(value) is not None:
        return callback(value)
    return to_python(value)


def callback(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the program that takes and gives Python's values."""

    def called(*args: Any) -> Any:
        return to_python(function(*map(from_python, args)))

    called.__name__ = getattr(function, "__name__", "callback")
    return called


def call(function: Any, arguments: list[Any], keywords: Mapping[str, Any] | None = None) -> Any:
    """Call a Python function with values of the language."""
    if not callable(function):
        raise LispError(f"{CALL}: not a function: {function}")
    args = [argument(value) for value in arguments]
    named = {str(key): argument(value) for key, value in (keywords or {}).items()}
    return from_python(guarded(CALL, lambda: function(*args, **named)))


def compiled(source: str, name: str) -> Any:
    try:
        return compile(source, name, "exec")
    except (SyntaxError, ValueError) as error:
        raise LispError(f"{COMPILE}: {error}") from None


class _TimeIsUp(BaseException):
    """Raised inside the thread whose time is up."""


def limited(seconds: float, action: Callable[[], Any]) -> Any:
    """Run for so many seconds at most; a negative number means without limit."""
    if seconds < 0:
        return guarded(RUN, action)
    import ctypes

    thread = threading.get_ident()
    guard = threading.Lock()
    running = True

    def stop() -> None:
        with guard:
            if running:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(_TimeIsUp)
                )

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    try:
        timer.start()
        try:
            return guarded(RUN, action)
        finally:
            with guard:
                running = False
            timer.cancel()
    except _TimeIsUp:
        raise LispError(f"{RUN}: time out after {seconds:g} seconds") from None
