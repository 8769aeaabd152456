"""What happens to an entry, whatever it was read from: run, shown, remembered."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from lispe_py.errors import LispError, LispExit, StoppedError
from lispe_py.repl.folders import startup_file
from lispe_py.repl.values import summary
from lispe_py.surface import NAMES, OPENING, VOID, tokens
from lispe_py.values.symbol import NOTHING
from lispe_py.version import __version__

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

#: Shows an error; the mapping has the texts that are no files, by their names.
Teller = Callable[[BaseException, Mapping[str, str]], None]

Shown = TypeVar("Shown")

WAYS = '(help name) tells of a name, (apropos "word") finds one, (exit) leaves.'
BANNER = f"lispe_py {__version__}. {WAYS}"

#: What is typed at other prompts to ask or to leave.
_ASTRAY = frozenset({"help", "?", "exit", "quit"})

#: Seconds within which a second Ctrl-C is the same one.
SAME = 1.0

#: ``*1`` is written with a sign that a name may begin with, of the same width: in the
#: language it is a product.
_STAR = "⁎"
_REMEMBERED = ("1", "2", "3", "e")

#: What is asked of a built-in by its name, quoted or not.
_ASKING = frozenset({"help", "source"})


class Session:
    """An interpreter at the prompt: its last values and errors."""

    def __init__(self, lisp: LispE, tell: Teller) -> None:
        self.lisp = lisp
        self.tell = tell
        self._entries = 0
        self._running = False
        self._interrupted = 0.0
        self._loader: threading.Thread | None = None
        lisp.interactive = True
        for name in _REMEMBERED:
            lisp.scope[_STAR + name] = None

    def start(self) -> int | None:
        """Run the start-up file, if there is one; a status if it ends the session."""
        path = startup_file()
        if not os.path.isfile(path):
            return None
        from lispe_py.runtime.calls import read_source

        return self.run(lambda: self.lisp.eval(read_source(path), path))

    def enter(self, text: str, show: Callable[[str], None]) -> int | None:
        """Run an entry and show its value; a status if it ends the session."""
        word = text.strip()
        if word in _ASTRAY and word not in self.lisp.scope:
            show(WAYS)
            return None
        # An error in a function shows the line of the entry that has defined it.
        self._entries += 1
        return self.enter_as(f"<entry {self._entries}>", text, summary, show)

    def enter_as(
        self, name: str, text: str, form: Callable[[Any], Shown], show: Callable[[Shown], None]
    ) -> int | None:
        """Run an entry of a name; ``form`` makes of its value what ``show`` gets.

        To make it belongs to the evaluation, which may fail or be interrupted.
        """
        self.lisp.texts[name] = text
        shown: list[Shown] = []

        def run() -> None:
            self._await_library()
            value = self.lisp.eval(quoted(self.lisp, starred(text)), name)
            if value is not NOTHING:
                self.remember(value)
                shown.append(form(value))

        status = self.run(run)
        for made in shown:
            show(made)
        return status

    def run(self, action: Callable[[], Any]) -> int | None:
        """Do something of the program; its errors and interrupts end here."""
        try:
            with self._interruptible():
                action()
            sys.stdout.flush()
        except LispExit as ended:
            return ended.code & 0xFF
        except KeyboardInterrupt:
            # Threads that the program has started are a part of it.
            self.lisp.interrupt()
            self.tell(LispError("interrupted", thrown=True), self.lisp.texts)
        except Exception as error:
            if isinstance(error, LispError) and not isinstance(error, StoppedError):
                self.lisp.scope[f"{_STAR}e"] = self.lisp.caught(error)
            self.tell(error, self.lisp.texts)
        return None

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C raises KeyboardInterrupt in the block, and nothing once it has left it.

        A signal arrives between two instructions of Python: what runs in C, as a
        product of matrices does, ends first.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._interrupt)
        self._interrupted = 0.0
        self._running = True
        try:
            yield
        finally:
            self._running = False
            signal.signal(signal.SIGINT, before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._running and now - self._interrupted > SAME:
            self._interrupted = now
            raise KeyboardInterrupt

    def remember(self, value: Any) -> None:
        """Make a value ``*1``, and what was ``*1`` to ``*2``; nil is nothing to remember."""
        if value is None:
            return
        scope = self.lisp.scope
        for name, earlier in (("3", "2"), ("2", "1")):
            scope[_STAR + name] = scope[_STAR + earlier]
        scope[f"{_STAR}1"] = value

    # ------------------------------------------------------------ the torch library

    def expect(self, text: str) -> None:
        """Load the torch library in the background, once a text speaks of it."""
        if self._loader is None and ("torch" in text or "tensor" in text):
            self._loader = threading.Thread(target=_load_library, name="lispe:torch", daemon=True)
            self._loader.start()

    def _await_library(self) -> None:
        """Two threads must not import the same modules at the same time."""
        while self._loader is not None and self._loader.is_alive():
            self._loader.join(0.05)


def _load_library() -> None:
    from lispe_py import libraries

    try:
        libraries.use("lispe_torch")
    except LispError:
        # It is reported to the program that asks for it.
        return


def starred(text: str) -> str:
    """An entry with ``*1 *2 *3 *e`` made names; behind a bracket ``*`` is the product.

    >>> starred("(* 2 *1)")
    '(* 2 ⁎1)'
    """
    if "*" not in text:
        return text
    found = tokens(text)
    pieces = []
    for index, token in enumerate(found):
        piece = text[token.start : token.end]
        follower = found[index + 1] if index + 1 < len(found) else None
        if (
            piece == "*"
            and follower is not None
            and text[follower.start : follower.end] in _REMEMBERED
            and (index == 0 or found[index - 1].kind not in OPENING)
        ):
            piece = _STAR
        pieces.append(piece)
    return "".join(pieces)


def quoted(lisp: LispE, text: str) -> str:
    """An entry with ``(help car)`` made ``(help 'car)``: a built-in is no value by itself.

    >>> from lispe_py import LispE
    >>> quoted(LispE(), "(help car)")
    "(help 'car)"
    """
    if not any(word in text for word in _ASKING):
        return text
    found = [token for token in tokens(text) if token.kind not in VOID]
    pieces, position = [], 0
    for head, argument, closing in zip(found, found[1:], found[2:]):
        name = text[argument.start : argument.end]
        if (
            text[head.start : head.end] in _ASKING
            and argument.kind in NAMES
            and closing.kind == "RPAR"
            and name not in lisp.scope
            and lisp.entry(name) is not None
        ):
            pieces += [text[position : argument.start], "'"]
            position = argument.start
    return "".join([*pieces, text[position:]])
