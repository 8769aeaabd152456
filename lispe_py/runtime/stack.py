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
from typing import Any, TypeVar

T = TypeVar("T")

#: Python frames that a program may nest.
DEPTH = 260_000
#: Bytes of C stack for threads of ours.
THREAD_STACK = 1 << 29

_raised = False


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


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow :data:`DEPTH` frames while a program runs."""
    before = sys.getrecursionlimit()
    if before >= DEPTH:
        yield
        return
    _raise_main_stack()
    sys.setrecursionlimit(DEPTH)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def thread_with_stack(target: Callable[[], Any], name: str) -> threading.Thread:
    """A thread whose stack holds deep recursion; not started yet."""
    before = threading.stack_size(THREAD_STACK)
    try:
        thread = threading.Thread(target=target, name=name, daemon=True)
        return thread
    finally:
        threading.stack_size(before)
