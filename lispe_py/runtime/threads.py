"""Threads of one interpreter: started functions, locks, shared variables."""

from __future__ import annotations

import copy
import inspect
import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from lispe_py.errors import LispError, Stop
from lispe_py.runtime.failures import translate, wrong_number
from lispe_py.runtime.frames import unbound
from lispe_py.runtime.pauses import acquired, joined
from lispe_py.runtime.stack import start_with_stack
from lispe_py.runtime.support import UNBOUND

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


class Forced:
    """An argument that a thread gets without a copy."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Threads:
    """What the threads of an interpreter have in common."""

    def __init__(self) -> None:
        self.running: list[threading.Thread] = []
        self.errors: list[LispError] = []
        self.locks: dict[str, threading.RLock] = {}
        self.shared: dict[str, Any] = {}
        self.space = threading.RLock()
        self._guard = threading.Lock()

    def lock(self, key: Any) -> Any:
        """Acquire the lock of a name; the caller releases it."""
        from lispe_py.printer import display

        name = display(key)
        with self._guard:
            found = self.locks.setdefault(name, threading.RLock())
        acquired(found)
        return found

    def start(
        self, function: Any, name: str, args: tuple[Any, ...], inside: AbstractContextManager[Any]
    ) -> bool:
        """Call a function in a new thread, inside the evaluation that starts it."""
        values = [a.value if isinstance(a, Forced) else copy.deepcopy(a) for a in args]

        def run() -> None:
            try:
                with inside:
                    function(*values)
            except Stop:
                # The evaluation was ended, and says so where it began.
                return
            except Exception as error:
                translated = translate(error)
                if translated is None:
                    raise
                with self._guard:
                    self.errors.append(translated)

        thread = start_with_stack(run, f"lispe:{name}")
        with self._guard:
            self.running.append(thread)
        return True

    def wait(self) -> list[LispError]:
        """Wait for all threads; the errors that ended some of them."""
        while True:
            with self._guard:
                if not self.running:
                    break
                thread = self.running.pop()
            joined(thread)
        with self._guard:
            errors, self.errors = self.errors, []
        return errors


def helpers(lisp: LispE) -> dict[str, Any]:
    threads, scope = lisp.threads, lisp.scope

    def define_thread(key: str, name: str) -> None:
        function = scope[key]
        signature = inspect.signature(function)

        def start(*args: Any) -> bool:
            try:
                signature.bind(*args)
            except TypeError:
                raise LispError(wrong_number(function.__lisp_form__)) from None
            return threads.start(function, name, args, lisp.continued())

        start.__wrapped__ = function  # type: ignore[attr-defined]
        start.__name__ = start.__qualname__ = name
        start.__lisp_form__ = function.__lisp_form__  # type: ignore[attr-defined]
        start.__lisp_thread__ = True  # type: ignore[attr-defined]
        scope[key] = start
        if scope.get(name) is function:
            scope[name] = start

    def force(function: Any, value: Any) -> Forced:
        if not hasattr(function, "__lisp_thread__"):
            raise LispError("'force' can only be used as a thread argument")
        return Forced(value)

    def enter_threadspace() -> Any:
        acquired(threads.space)
        return threads.space

    def set_shared(name: str, value: Any) -> None:
        threads.shared[name] = value

    def shared_value(name: str) -> Any:
        """A name inside ``threadspace``: a shared variable, else a global."""
        value = threads.shared.get(name, UNBOUND)
        if value is UNBOUND:
            value = scope.get(name, scope.get(f"{name}()", UNBOUND))
        if value is UNBOUND:
            raise unbound(name)
        return value

    def update_shared(name: str, value: Any) -> None:
        holder = threads.shared if name in threads.shared else scope
        holder[name] = value

    return {
        "define_thread": define_thread, "enter_threadspace": enter_threadspace,
        "set_shared": set_shared, "shared_value": shared_value, "update_shared": update_shared,
        "lock": threads.lock, "force": force,
    }  # fmt: skip
