"""The prompt: with an editor on a terminal, plain elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from lispe_py.repl.session import Session, Teller

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


def open_prompt(lisp: LispE, tell: Teller, status: int = 0, *, private: bool = False) -> int:
    """Read entries, run them and show their values until the end; the exit status.

    ``tell`` shows an error; ``private`` leaves the history on disk alone.
    """
    session = Session(lisp, tell)
    if has_terminal():
        from lispe_py.repl.terminal import run
    else:
        from lispe_py.repl.plain import run
    return run(session, status, private)


def has_terminal() -> bool:
    """Is there a terminal that can move its cursor?"""
    if os.environ.get("TERM", "") in ("", "dumb") and sys.platform != "win32":
        return False
    return sys.stdin.isatty() and sys.stdout.isatty()
