"""Threads that wait for each other and hand values on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lispe_py.printer import display
from lispe_py.registry import primitive
from lispe_py.runtime.signals import signals_of

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


@primitive("wait", interpreter=True, truth=True)
def wait(lisp: LispE) -> bool:
    """Wait for all threads to end.

    The errors of threads are written to the standard error; the program goes on.

    (dethread work(n) (threadstore "sum" n)) (work 2) (wait) (threadretrieve "sum")
    ; (2)
    """
    for error in lisp.threads.wait():
        lisp.stderr.write(f"{error.text}\n")
    return True


@primitive("waiton", interpreter=True, truth=True)
def waiton(lisp: LispE, key: Any) -> bool:
    """Wait until another thread triggers a key.

    (dethread late() (waiton "go") (threadstore "log" "woken"))
    (late) (while (not (trigger "go")) (sleep 1)) (wait) (threadretrieve "log")
    ; ("woken")
    """
    signals_of(lisp).wait_on(display(key))
    return True


@primitive("trigger", interpreter=True, truth=True)
def trigger(lisp: LispE, key: Any) -> bool | None:
    """Wake the threads that wait on a key; nil if none does.

    (trigger "nobody")
    ; nil
    """
    return True if signals_of(lisp).trigger(display(key)) else None


@primitive("threadstore", interpreter=True, truth=True)
def threadstore(lisp: LispE, key: Any, value: Any) -> bool:
    """Append a copy of a value to the list of a key, which all threads share.

    (threadstore "box" 1) (threadstore "box" "two") (threadretrieve "box")
    ; (1 "two")
    """
    signals_of(lisp).store(display(key), value)
    return True


@primitive("threadretrieve", interpreter=True)
def threadretrieve(lisp: LispE, key: Any = None) -> Any:
    """A copy of the list of a key, nil if nothing was stored; all lists without a key.

    (threadstore "box" 1) (threadretrieve)
    ; {"box":(1)}
    """
    signals = signals_of(lisp)
    return signals.all_stored() if key is None else signals.stored(display(key))


@primitive("threadclear", interpreter=True, truth=True)
def threadclear(lisp: LispE, key: Any = None) -> bool | None:
    """Empty the list of a key, nil if there is none; without a key remove all lists.

    (threadstore "box" 1) (threadclear "box") (threadretrieve "box")
    ; ()
    """
    signals = signals_of(lisp)
    if key is None:
        signals.clear_all()
        return True
    return True if signals.clear(display(key)) else None
