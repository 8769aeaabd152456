"""What is common to all evaluations of an interpreter: limits, interrupts, errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, Unpack

from lispe_py.errors import LispInterrupt, Stop
from lispe_py.runtime.failures import placed, translate
from lispe_py.runtime.limits import NONE, Evaluation, LimitOptions, Limits, Meter
from lispe_py.runtime.stack import deep_recursion

#: Limits that ``limited`` sets, by the id of the interpreter.
_limited: ContextVar[dict[int, Limits] | None] = ContextVar("limited", default=None)


class Running:
    """The evaluations of an interpreter, and what ends them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        #: The programs that are running, those of other threads too.
        self.running: list[Evaluation] = []
        self.meter: Meter | None = None

    def new_meter(self, scope: dict[str, Any]) -> Meter | None:
        """What counts steps, if they are limited."""
        if self.limits.max_steps is None and self.limits.max_depth is None:
            return None
        return Meter(scope, lambda: list(self.running))

    @contextmanager
    def limited(self, **limits: Unpack[LimitOptions]) -> Iterator[None]:
        """Limits for every evaluation that this thread starts in the block.

        >>> from lispe_py import LispE
        >>> lisp = LispE()
        >>> with lisp.limited(max_seconds=5):
        ...     lisp.call("+", 1, 2)
        3
        """
        token = _limited.set({**(_limited.get() or {}), id(self): self._limits_of(limits)})
        try:
            yield
        finally:
            _limited.reset(token)

    def _limits_of(self, options: LimitOptions) -> Limits:
        limits = (_limited.get() or {}).get(id(self), self.limits)
        if options:
            limits = Limits(**options).checked().over(limits)
        if self.meter is None and (limits.max_steps is not None or limits.max_depth is not None):
            raise ValueError(
                "steps and depth are counted by an interpreter that was made with such a limit:"
                " LispE(max_steps=..., max_depth=...)"
            )
        return limits

    def interrupt(self, thread: int | None = None) -> bool:
        """End the evaluations that are running, from any thread; were there any?

        They raise :class:`LispInterrupt`. ``thread``: only those of the thread of
        that identifier.
        """
        found = [e for e in list(self.running) if thread is None or e.thread == thread]
        stopped = [e.stop(LispInterrupt("interrupted")) for e in found]
        return True in stopped

    @property
    def steps(self) -> int:
        """Calls and rounds of loops so far, if they are counted."""
        return 0 if self.meter is None else self.meter.used()

    def evaluated(self, action: Callable[[], Any], options: LimitOptions | None = None) -> Any:
        """Run something of the program; errors leave as LispError, with their place.

        Not a context manager: a request to stop might arrive on its way out.
        """
        evaluation = Evaluation(self._limits_of(options or {}))
        with deep_recursion():
            try:
                try:
                    self._begin(evaluation)
                    return action()
                finally:
                    self._leave(evaluation)
            except Stop as stop:
                self._leave(evaluation)
                if evaluation.reason is None:
                    # It is meant for an evaluation around this one.
                    raise
                raise placed(evaluation.reason, stop.__traceback__) from None
            except Exception as error:
                translated = translate(error)
                if translated is None or translated is error:
                    raise
                raise translated from error

    def _begin(self, evaluation: Evaluation) -> None:
        self.running.append(evaluation)
        if evaluation.limits != NONE:
            evaluation.begin()
            if self.meter is not None:
                self.meter.begin(evaluation)

    def _leave(self, evaluation: Evaluation) -> None:
        evaluation.end()
        if evaluation in self.running:
            self.running.remove(evaluation)
        if evaluation.reason is not None:
            for other in list(self.running):
                if other.parent is evaluation:
                    other.stop(evaluation.reason)

    def continued(self) -> AbstractContextManager[None]:
        """What a thread of a program runs in: a part of the evaluation that starts it."""
        here = threading.get_ident()
        parent = next((e for e in reversed(self.running) if e.thread == here), None)
        return self._thread(parent)

    @contextmanager
    def _thread(self, parent: Evaluation | None) -> Iterator[None]:
        limits = NONE if parent is None else parent.limits
        evaluation = Evaluation(limits, parent)
        with deep_recursion():
            try:
                self._begin(evaluation)
                yield
            finally:
                self._leave(evaluation)
