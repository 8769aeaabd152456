"""Waiting that can be ended: in slices, since a request to stop a thread arrives only
while Python code runs in it."""

from __future__ import annotations

import threading
import time
from typing import Any

#: Seconds of one slice.
SLICE = 0.05


def paused(seconds: float) -> None:
    """Wait for so many seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > SLICE:
        time.sleep(SLICE)
    if left > 0:
        time.sleep(left)


def joined(thread: threading.Thread) -> None:
    """Wait for the end of a thread."""
    while thread.is_alive():
        thread.join(SLICE)


def acquired(lock: Any) -> None:
    """Acquire a lock."""
    while not lock.acquire(timeout=SLICE):
        pass
