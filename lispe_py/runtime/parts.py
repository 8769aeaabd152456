"""Whole-list work in parts that stay in a cache, with the help of other threads.

numpy lets other threads run while it works, and what is read again while it is
in the cache costs little. So lists that are read more than once are read part
by part, and the parts of a long list are shared among a few threads. Results
are written by one thread: new memory that two threads enter at once can cost
several times the work itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter
from typing import Any

#: Members of a part for one thread, and for one of several: each call of numpy may
#: have to wait for the others, so they make fewer.
PART, SHARED_PART = 1 << 17, 1 << 19
#: Members of a list that is worth a second thread.
LONG = 1 << 18
#: Threads at most: the memory feeds no more.
MOST = 4
#: Seconds after which a part must have waited for a busy thread of Python.
WAITED = 0.002

_pool: Any = None
_threads = 0


def _forget_pool() -> None:
    """A forked process has none of the threads."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _count() -> int:
    """How many threads share the work: no more than there are cores for this process.

    ``OMP_NUM_THREADS`` is followed, as by the libraries of linear algebra.
    """
    global _threads
    if not _threads:
        try:
            cores = len(os.sched_getaffinity(0))
        except AttributeError:  # not on every system
            cores = os.cpu_count() or 1
        asked = os.environ.get("OMP_NUM_THREADS", "")
        _threads = min(int(asked) if asked.isdecimal() and int(asked) else cores, cores, MOST)
    return _threads


def _each(work: Callable[[int, int], bool], start: int, stop: int, part: int) -> bool:
    while start < stop:
        began = perf_counter()
        if not work(start, min(start + part, stop)):
            return False
        start += part
        if perf_counter() - began > WAITED:
            part *= 4
    return True


def _started(work: Callable[[int, int], bool], start: int, stop: int) -> Any:
    """Parts that another thread works on from now; None where there can be none."""
    global _pool
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor

        _pool = ThreadPoolExecutor(MOST - 1, "lispe-parts")
    try:
        return _pool.submit(_each, work, start, stop, SHARED_PART)
    except RuntimeError:
        # The program is ending, or the system gives no thread.
        return None


def read_in_parts(size: int, work: Callable[[int, int], bool]) -> bool:
    """Call ``work(start, stop)`` for all parts of a list; False as soon as one says so.

    Parts come in no order, several at once when the list is long.
    """
    count = _count() if size >= LONG else 1
    if count == 1:
        return _each(work, 0, size, PART)
    share = -(-size // count)
    here, others = [(0, share)], []
    for start in range(share, size, share):
        stop = min(start + share, size)
        other = _started(work, start, stop)
        if other is None:
            here.append((start, stop))
        else:
            others.append(other)
    try:
        done = all(_each(work, start, stop, SHARED_PART) for start, stop in here)
    finally:
        _wait(others)
    return all(other.result() for other in others) and done


def checked_in_parts(
    size: int,
    work: Callable[[int, int], object],
    check: Callable[[int, int], bool] | None,
    part: int,
) -> bool:
    """Call ``work(start, stop)`` for all parts; does ``check(start, stop)`` hold for the list?

    Where it does not, what the work has written is worth nothing. No check
    holds always.
    """
    other = None
    if check is not None and size >= LONG and _count() > 1:
        other = _started(check, 0, size)

    def step(start: int, stop: int) -> bool:
        if check is not None and other is None and not check(start, stop):
            return False
        work(start, stop)
        return True

    if other is None:
        return _each(step, 0, size, min(part, PART))
    try:
        _each(step, 0, size, part)
    finally:
        _wait([other])
    return bool(other.result())


def _wait(others: list[Any]) -> None:
    """Whatever ends this thread's part: nobody works on the lists any more."""
    from concurrent.futures import wait

    wait(others)
