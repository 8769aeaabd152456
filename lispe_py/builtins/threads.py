"""Threads: waiting for them, signals between them, shared stores."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from lispe_py.builtins.strings import text_of
from lispe_py.registry import primitive
from lispe_py.runtime.copying import clone
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.lists import List

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


class _Shared:
    """The stores and signals of one interpreter."""

    def __init__(self) -> None:
        self.stores: dict[str, List] = {}
        #: guards the stores, and wakes the threads that wait for a signal
        self.changed = threading.Condition()
        #: key -> threads waiting, and how many signals there have been
        self.waiting: dict[str, int] = {}
        self.signals: dict[str, int] = {}


_all: WeakKeyDictionary[Any, _Shared] = WeakKeyDictionary()
_guard = threading.Lock()


def _shared(lisp: LispE) -> _Shared:
    with _guard:
        found = _all.get(lisp)
        if found is None:
            found = _all[lisp] = _Shared()
        return found


@primitive("wait", interpreter=True)
def wait(lisp: LispE) -> bool:
    """Wait until all threads have ended.

    (dethread square (n) (threadstore "r" (* n n)))
    (square 3) (wait) (threadretrieve "r")
    ; (9)
    """
    return lisp.threads.wait()


@primitive("waiton", interpreter=True)
def waiton(lisp: LispE, key: Any) -> bool:
    """Wait until another thread triggers a key.

    (dethread sleeper () (waiton "go") (threadstore "log" "woken"))
    (sleeper) (while (not (trigger "go")) (sleep 1))
    (wait) (threadretrieve "log")
    ; ("woken")
    """
    shared, name = _shared(lisp), text_of(key)
    with shared.changed:
        before = shared.signals.get(name, 0)
        shared.waiting[name] = shared.waiting.get(name, 0) + 1
        try:
            shared.changed.wait_for(lambda: shared.signals.get(name, 0) != before)
        except BaseException:
            if shared.signals.get(name, 0) == before:
                shared.waiting[name] -= 1
            raise
    return True


@primitive("trigger", interpreter=True)
def trigger(lisp: LispE, key: Any) -> bool | None:
    """Wake the threads that wait on a key; nil if none does.

    (trigger "nobody")
    ; nil
    """
    shared, name = _shared(lisp), text_of(key)
    with shared.changed:
        if not shared.waiting.get(name):
            return None
        # A second signal must not count threads that this one wakes.
        shared.waiting[name] = 0
        shared.signals[name] = shared.signals.get(name, 0) + 1
        shared.changed.notify_all()
    return True


@primitive("threadstore", interpreter=True)
def threadstore(lisp: LispE, name: Any, value: Any) -> bool:
    """Add a copy of a value to the store of a name, which all threads share.

    (threadstore "box" 1) (threadstore "box" "two") (threadretrieve "box")
    ; (1 "two")
    """
    shared, key, copied = _shared(lisp), text_of(name), clone(value)
    with shared.changed:
        shared.stores.setdefault(key, List()).append(copied)
    return True


@primitive("threadretrieve", interpreter=True, arity=(0, 1))
def threadretrieve(lisp: LispE, name: Any = None) -> Any:
    """A copy of the store of a name, nil if it is unknown; all stores in a dictionary.

    (threadstore "box" 1) (threadretrieve)
    ; {"box":(1)}
    """
    shared = _shared(lisp)
    with shared.changed:
        if name is None:
            return clone(Dictionary(shared.stores))
        found = shared.stores.get(text_of(name))
        return None if found is None else clone(found)


@primitive("threadclear", interpreter=True, arity=(0, 1))
def threadclear(lisp: LispE, name: Any = None) -> bool | None:
    """Empty the store of a name, nil if it is unknown; without a name, remove all stores.

    (threadstore "box" 1) (threadclear "box") (threadretrieve "box")
    ; ()
    """
    shared = _shared(lisp)
    with shared.changed:
        if name is None:
            shared.stores.clear()
            return True
        found = shared.stores.get(text_of(name))
        if found is None:
            return None
        found.clear()
        return True
