"""Evaluations in a coroutine: each in a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lispe_py.errors import LispInterrupt
from lispe_py.runtime.stack import start_with_stack

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


class _Job:
    """A call in a thread, which can be given up before and while it runs."""

    def __init__(self, lisp: LispE, call: Callable[[], Any]) -> None:
        self.lisp = lisp
        self.call = call
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Any] = self.loop.create_future()
        self._guard = threading.Lock()
        self._thread: int | None = None
        self._given_up = False

    def start(self) -> None:
        context = contextvars.copy_context()
        start_with_stack(lambda: context.run(self._run), "lispe:async")

    def _run(self) -> None:
        with self._guard:
            self._thread = threading.get_ident()
            if self._given_up:
                self._answer(None, LispInterrupt("interrupted"))
                return
        try:
            self._answer(self.call(), None)
        except BaseException as error:
            # It is raised again where the result is awaited.
            self._answer(None, error)

    def _answer(self, value: Any, error: BaseException | None) -> None:
        def settle() -> None:
            if self.done.done():
                return
            if error is None:
                self.done.set_result(value)
            else:
                self.done.set_exception(error)

        try:
            self.loop.call_soon_threadsafe(settle)
        except RuntimeError:
            # The loop was closed without waiting: nobody wants the answer.
            return

    def give_up(self) -> None:
        with self._guard:
            self._given_up = True
            if self._thread is not None:
                self.lisp.interrupt(self._thread)


async def in_thread(lisp: LispE, call: Callable[[], Any]) -> Any:
    """Call in a thread. A cancellation interrupts it, and waits until it has ended."""
    job = _Job(lisp, call)
    job.start()
    try:
        return await asyncio.shield(job.done)
    except asyncio.CancelledError:
        # Again and again: it may not have come to the program yet.
        while not job.done.done():
            job.give_up()
            await asyncio.wait([job.done], timeout=0.05)
        job.done.exception()
        raise
