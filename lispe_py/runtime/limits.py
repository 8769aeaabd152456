"""Limits on evaluations, and how one is stopped from another thread.

Every evaluation that Python starts is an :class:`Evaluation` while it runs. To
end it, the exception :class:`Stop` is raised in its thread: Python looks for
such a request at every call and at every round of a loop, so a program that is
not asked to stop pays nothing. One watching thread, which runs only while an
evaluation has a limit, looks at the clock and at the memory of the process.

A request waits while a thread is inside C code: a product of matrices, a sort
or a blocking read ends first.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypedDict

from lispe_py.errors import LimitError, Stop, StoppedError

#: Seconds between two looks at the memory, and between two requests to stop.
LOOK, AGAIN = 0.02, 0.25
#: Seconds that the watching thread outlives its last evaluation.
IDLE = 2.0

_set_exception: Callable[..., int] = ctypes.pythonapi.PyThreadState_SetAsyncExc
#: Guards ``active`` and ``reason`` of all evaluations.
#: (an ``RLock``: a handler of signals may stop what runs in its own thread).
_guard = threading.RLock()


class Limits(NamedTuple):
    """What an evaluation may use; None: as much as it likes."""

    max_seconds: float | None = None
    max_steps: int | None = None
    max_depth: int | None = None
    max_memory: int | None = None

    def checked(self) -> Limits:
        for name, value in zip(self._fields, self, strict=True):
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, not {value}")
        return self

    def over(self, other: Limits) -> Limits:
        """These limits, and the other's where these have none."""
        given = {name: v for name, v in self._asdict().items() if v is not None}
        return other._replace(**given)


NONE = Limits()


class LimitOptions(TypedDict, total=False):
    """Limits as the arguments of a call."""

    max_seconds: float | None
    max_steps: int | None
    max_depth: int | None
    max_memory: int | None


class Evaluation:
    """A program while it runs in a thread."""

    __slots__ = (
        "thread", "limits", "deadline", "ceiling", "last_step", "active", "reason", "parent",
    )  # fmt: skip

    def __init__(self, limits: Limits, parent: Evaluation | None = None) -> None:
        self.thread = threading.get_ident()
        self.limits = limits
        self.deadline: float | None = None
        self.ceiling: int | None = None
        #: The count of steps that it must not pass.
        self.last_step: int | None = None
        self.active = True
        self.reason: StoppedError | None = None
        self.parent = parent

    def begin(self) -> None:
        """Have the limits of time and memory watched."""
        if self.parent is not None:
            # A thread of a program is under the limits of what started it.
            self.deadline, self.ceiling = self.parent.deadline, self.parent.ceiling
        else:
            if self.limits.max_seconds is not None:
                self.deadline = time.monotonic() + self.limits.max_seconds
            if self.limits.max_memory is not None:
                self.ceiling = resident() + self.limits.max_memory
        if self.ceiling is not None:
            _ceilings.setdefault(self.thread, []).append(self)
        if self.deadline is not None or self.ceiling is not None:
            _watchdog.watch(self)

    def end(self) -> None:
        """It is over: nothing stops it from here on. May be called again."""
        with _guard:
            was_active, self.active = self.active, False
            if self.reason is not None and self.thread == threading.get_ident():
                # A request that has not arrived yet must not arrive later.
                _set_exception(ctypes.c_ulong(self.thread), None)
        if was_active and (self.deadline is not None or self.ceiling is not None or self.reason):
            _watchdog.forget(self)
            if self.ceiling is not None:
                others = [e for e in _ceilings.pop(self.thread, ()) if e is not self]
                if others:
                    _ceilings[self.thread] = others

    def stop(self, reason: StoppedError) -> bool:
        """End it, from any thread; False if it is over."""
        with _guard:
            if not self.active:
                return False
            if self.reason is None:
                self.reason = reason
            _set_exception(ctypes.c_ulong(self.thread), ctypes.py_object(Stop))
        _watchdog.watch(self)
        return True

    def fail(self, reason: StoppedError) -> Stop:
        """What the thread itself raises to end it."""
        with _guard:
            if self.reason is None:
                self.reason = reason
        return Stop()

    def look(self, now: float) -> float:
        """Stop it if it has used up its time or memory; when to look again."""
        if not self.active:
            _watchdog.forget(self)
            return now + IDLE
        if self.reason is not None:
            # Code that swallowed the request is asked again.
            self.stop(self.reason)
            return now + AGAIN
        if self.deadline is not None and now >= self.deadline:
            self.stop(too_long(self.limits))
            return now + AGAIN
        if self.ceiling is None:
            return self.deadline or now
        if resident() > self.ceiling:
            self.stop(too_large(self.limits))
            return now + AGAIN
        return min(self.deadline or now + LOOK, now + LOOK)


def too_long(limits: Limits) -> LimitError:
    return LimitError(f"the limit of {limits.max_seconds:g} seconds is reached", "max_seconds")


def too_large(limits: Limits) -> LimitError:
    return LimitError(f"the limit of {limits.max_memory} bytes is reached", "max_memory")


class _Watchdog:
    """The thread that looks at evaluations with limits; none, no thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watched: dict[int, Evaluation] = {}
        self._thread: threading.Thread | None = None

    def watch(self, evaluation: Evaluation) -> None:
        if threading.current_thread() is self._thread:
            return
        with self._changed:
            self._watched[id(evaluation)] = evaluation
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="lispe:limits", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, evaluation: Evaluation) -> None:
        with self._changed:
            self._watched.pop(id(evaluation), None)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._watched and not self._changed.wait(IDLE) and not self._watched:
                    self._thread = None
                    return
                now = time.monotonic()
                watched = list(self._watched.values())
            # Out of the lock: to stop an evaluation takes another one.
            again = min((e.look(now) for e in watched), default=now + IDLE)
            with self._changed:
                if all(id(e) in self._watched for e in watched) and len(self._watched) == len(
                    watched
                ):
                    self._changed.wait(max(0.0, again - time.monotonic()))


_watchdog = _Watchdog()


# ---------------------------------------------------------------- memory

#: thread -> its evaluations with a limit of memory
_ceilings: dict[int, list[Evaluation]] = {}


def resident() -> int:
    """Bytes of memory that the process occupies now (its peak, where only that is known)."""
    try:
        with open("/proc/self/statm", "rb") as stream:
            return int(stream.read().split()[1]) * _page()
    except OSError:
        try:
            import resource
        except ImportError:
            return 0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _page() -> int:
    import resource

    return resource.getpagesize()


def claim(size: int | float) -> None:
    """Refuse to make a value of so many bytes if the evaluation may not have them.

    Called by what can compute the size of its result beforehand; without a limit
    of memory it does nothing.
    """
    if not _ceilings:
        return
    for evaluation in _ceilings.get(threading.get_ident(), ()):
        if evaluation.ceiling is not None and resident() + size > evaluation.ceiling:
            raise evaluation.fail(too_large(evaluation.limits))


# ---------------------------------------------------------------- steps and depth

#: Steps between two looks where nothing is limited.
_MANY = 1 << 40


class Meter:
    """Counts the steps of an interpreter's programs: calls and rounds of loops.

    Programs call ``step`` only where they are compiled for it. Depth is looked at
    as seldom as can be: from a depth ``d`` it takes ``max_depth - d`` steps at least
    to get too deep.
    """

    def __init__(self, scope: dict[str, Any], running: Callable[[], list[Evaluation]]) -> None:
        self._scope = scope
        self._running = running
        self._before = 0
        granted = left = 0

        def step() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                look()

        def look() -> None:
            nonlocal left, granted
            self._before += granted - left
            granted = left = 0
            granted = left = self._grant()

        def rearm() -> None:
            """Look at the next step: the limits have changed."""
            nonlocal left, granted
            self._before += granted - left
            granted = left = 0

        def used() -> int:
            return self._before + granted - left

        self.step, self.rearm, self.used = step, rearm, used

    def begin(self, evaluation: Evaluation) -> None:
        """Count for an evaluation from here."""
        if evaluation.parent is not None:
            evaluation.last_step = evaluation.parent.last_step
        elif evaluation.limits.max_steps is not None:
            evaluation.last_step = self.used() + evaluation.limits.max_steps
        self.rearm()

    def _grant(self) -> int:
        """How many steps may go by before the next look."""
        granted = _MANY
        for evaluation in self._running():
            limits = evaluation.limits
            if evaluation.last_step is not None:
                left = evaluation.last_step - self._before
                if left < 0:
                    self._end(evaluation, LimitError(
                        f"the limit of {limits.max_steps} steps is reached", "max_steps"
                    ))  # fmt: skip
                granted = min(granted, max(left, 0))
            if limits.max_depth is not None:
                left = limits.max_depth - self._depth(evaluation.thread)
                if left < 0:
                    self._end(evaluation, LimitError(
                        f"the limit of {limits.max_depth} nested calls is reached", "max_depth"
                    ))  # fmt: skip
                granted = min(granted, max(left, 0))
        return granted

    def _end(self, evaluation: Evaluation, reason: LimitError) -> None:
        if evaluation.thread == threading.get_ident():
            raise evaluation.fail(reason)
        evaluation.stop(reason)

    def _depth(self, thread: int) -> int:
        """Functions of the interpreter that run inside one another in a thread."""
        scope, depth = self._scope, 0
        frame = sys._current_frames().get(thread)
        while frame is not None:
            depth += frame.f_globals is scope
            frame = frame.f_back
        # The text itself is no call.
        return depth - 1
