"""What the threads of a program tell each other: signals and stored values.

The state belongs to an interpreter and goes with it.
"""

from __future__ import annotations

import copy
import threading
from typing import Any
from weakref import WeakKeyDictionary

from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.lists import List


class Signals:
    """Threads that wait for a name, and lists to which threads add."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        #: name -> how often it was triggered while somebody waited
        self._triggered: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._guard = threading.Lock()
        self._stores: dict[str, List] = {}

    def wait_on(self, name: str) -> None:
        """Block until the name is triggered."""
        with self._changed:
            before = self._triggered.get(name, 0)
            self._waiting[name] = self._waiting.get(name, 0) + 1
            try:
                # In slices: an interrupt of the main thread must get through.
                while self._triggered.get(name, 0) == before:
                    self._changed.wait(0.2)
            finally:
                self._waiting[name] -= 1

    def trigger(self, name: str) -> bool:
        """Wake all that wait on a name; whether there were any."""
        with self._changed:
            if not self._waiting.get(name):
                return False
            self._triggered[name] = self._triggered.get(name, 0) + 1
            self._changed.notify_all()
            return True

    def store(self, name: str, value: Any) -> None:
        """Append a copy of a value to a list."""
        kept = copy.deepcopy(value)
        with self._guard:
            self._stores.setdefault(name, List()).append(kept)

    def stored(self, name: str) -> List | None:
        """A copy of a list, None if nothing was ever stored in it."""
        with self._guard:
            found = self._stores.get(name)
            return None if found is None else copy.deepcopy(found)

    def all_stored(self) -> Dictionary:
        with self._guard:
            return copy.deepcopy(Dictionary(self._stores))

    def clear(self, name: str) -> bool:
        """Empty a list; whether there was one."""
        with self._guard:
            found = self._stores.get(name)
            if found is None:
                return False
            self._stores[name] = List()
            return True

    def clear_all(self) -> None:
        with self._guard:
            self._stores.clear()


_signals: WeakKeyDictionary[Any, Signals] = WeakKeyDictionary()
_guard = threading.Lock()


def signals_of(lisp: Any) -> Signals:
    """The signals of an interpreter."""
    found = _signals.get(lisp)
    if found is None:
        with _guard:
            found = _signals.setdefault(lisp, Signals())
    return found
