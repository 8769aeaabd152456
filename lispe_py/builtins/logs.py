"""Messages about a run of a program, on standard error: time, level, text."""

from __future__ import annotations

import time
from typing import Any

from lispe_py.builtins.output import write
from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context

_LEVELS = ("debug", "info", "warning", "error")


def _log(lisp: Context, level: str, values: tuple[Any, ...]) -> bool | None:
    if _LEVELS.index(level) < _LEVELS.index(lisp.log_level):
        return None
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    text = " ".join(map(display, values)).replace("\n", "\n    ")
    write(lisp.stderr, f"{stamp}.{int(now % 1 * 1000):03d} {level.upper():7} {text}\n")
    return True


@primitive("log_debug", interpreter=True)
def log_debug(lisp: Context, *values: Any) -> bool | None:
    """Write a message for whoever looks for a fault; true if it is written.

    Messages go to standard error with the time and their level; ``log_level``
    says from which level on. Lines below the first stand further right.

    (log_debug "weights" (list 1 2))
    ; nil
    """
    return _log(lisp, "debug", values)


@primitive("log_info", interpreter=True)
def log_info(lisp: Context, *values: Any) -> bool | None:
    """Write a message on what the program is doing; true if it is written.

    (log_info "epoch" 3 "loss" 0.25)
    ; true
    """
    return _log(lisp, "info", values)


@primitive("log_warning", interpreter=True)
def log_warning(lisp: Context, *values: Any) -> bool | None:
    """Write a message on what may be wrong; true if it is written.

    (log_warning "the vocabulary is small:" 12)
    ; true
    """
    return _log(lisp, "warning", values)


@primitive("log_error", interpreter=True)
def log_error(lisp: Context, *values: Any) -> bool | None:
    """Write a message on what went wrong; true if it is written.

    (log_error "no such file" "a.txt")
    ; true
    """
    return _log(lisp, "error", values)


@primitive("log_level", interpreter=True)
def log_level(lisp: Context, level: Any = None) -> str:
    """The level from which on messages are written; with an argument, set it first.

    The levels are debug, info, warning and error. It holds for one interpreter.

    (list (log_level) (log_level "error") (log_warning "unseen"))
    ; ("info" "error" nil)
    """
    if level is not None:
        name = display(level)
        if name not in _LEVELS:
            raise LispError(f"unknown level: '{name}'", hint=f"levels: {', '.join(_LEVELS)}")
        lisp.log_level = name
    return lisp.log_level
