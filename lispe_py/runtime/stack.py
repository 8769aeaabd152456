"""Room for deep recursion.

LispE functions are Python functions, and a call from one to another takes no
C stack; only calls that pass through C (a key function of a sort, for one) do.
So the recursion limit may be high, provided the C stack is large too: the main
thread's grows on demand up to its limit, which is raised here; another thread
gets a stack of the wanted size when it is made.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Python frames that a program may nest.
DEPTH = 260_000
#: Bytes of C stack for threads of ours.
THREAD_STACK = 1 << 29

_raised = False
#: The size of the stack is a setting of the process, read when a thread starts.
_starting = threading.Lock()


def _raise_main_stack() -> None:
    """Let the main thread's stack grow (POSIX; elsewhere it stays as it is)."""
    global _raised
    if _raised or threading.current_thread() is not threading.main_thread():
        return
    _raised = True
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    unlimited = resource.RLIM_INFINITY
    wanted = 1 << 30 if hard == unlimited else min(1 << 30, hard)
    if soft != unlimited and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
        except (ValueError, OSError):
            # Not allowed here: deep calls through C end in a smaller depth.
            return


class _Depth:
    """The recursion limit of the process: high as long as anything of ours runs."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._users = 0
        self._before = 0

    def enter(self) -> None:
        with self._lock:
            if not self._users:
                self._before = sys.getrecursionlimit()
                if self._before < DEPTH:
                    _raise_main_stack()
                    sys.setrecursionlimit(DEPTH)
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._before < DEPTH:
                sys.setrecursionlimit(self._before)


_depth = _Depth()


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow :data:`DEPTH` frames while a program runs, in whichever threads."""
    _depth.enter()
    try:
        yield
    finally:
        _depth.leave()


def start_with_stack(target: Callable[[], Any], name: str) -> threading.Thread:
    """Start a thread whose stack holds deep recursion."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    with _starting:
        before = threading.stack_size(THREAD_STACK)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    return thread
