"""The prompt without a terminal that can be edited on: lines in, lines out."""

from __future__ import annotations

import sys

from lispe_py.reader import is_incomplete
from lispe_py.repl.session import BANNER, Session


def run(session: Session, status: int, private: bool) -> int:
    """The session, until the end of the input; its exit status."""
    if sys.stdin.isatty():
        try:
            import readline  # noqa: F401  (line editing for input(), where there is any)
        except ImportError:
            # input() then reads lines as they come.
            pass
    print(BANNER)
    ended = session.start()
    while ended is None:
        try:
            text = _entry()
        except EOFError:
            print()
            return status
        except KeyboardInterrupt:
            print()
            continue
        ended = session.enter(text, print)
    return ended


def _entry() -> str:
    """One text: as many lines as its brackets and strings ask for."""
    text = input("> ")
    while is_incomplete(text):
        text += "\n" + input(".. ")
    return text
