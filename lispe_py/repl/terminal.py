"""The prompt on a terminal, edited with prompt_toolkit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
from prompt_toolkit.output import ColorDepth

from lispe_py import assistance
from lispe_py.repl.colours import Highlighter
from lispe_py.repl.folders import history_file
from lispe_py.repl.keys import bindings
from lispe_py.repl.menu import Menu
from lispe_py.repl.session import BANNER, Session


def run(session: Session, status: int, private: bool) -> int:
    """The session, until the end of the input; its exit status."""
    print(BANNER)
    ended = session.start()
    editor = make_editor(session, private)
    while ended is None:
        try:
            text = editor.prompt()
        except EOFError:
            return status
        except KeyboardInterrupt:
            continue
        if text.strip():
            ended = session.enter(text, show)
    return ended


def make_editor(session: Session, private: bool) -> PromptSession[str]:
    """What reads entries: editing, completion, history, the signature below."""

    def toolbar() -> StyleAndTextTuples:
        document = editor.default_buffer.document
        session.expect(document.text)
        found = assistance.signature_at(session.lisp, document.text, document.cursor_position)
        return [] if found is None else _signature(found)

    editor: PromptSession[str] = PromptSession(
        "> ",
        multiline=True,
        prompt_continuation=".. ",
        lexer=Highlighter(),
        completer=Menu(session.lisp),
        complete_while_typing=True,
        history=_history(private),
        key_bindings=bindings(),
        input_processors=[HighlightMatchingBracketProcessor(chars="()[]{}")],
        bottom_toolbar=toolbar,
        color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
        enable_suspend=True,
        enable_open_in_editor=True,
        tempfile_suffix=".lisp",
    )
    # The first completion need not wait for all that there is to read.
    timer = threading.Timer(0.1, assistance.prepare)
    timer.daemon = True
    timer.start()
    return editor


def _history(private: bool) -> History:
    path = None if private else history_file()
    return InMemoryHistory() if path is None else FileHistory(path)


def _signature(found: assistance.Signature) -> StyleAndTextTuples:
    """A call with the argument at the cursor marked."""
    words = found.text[1:-1].split(" ")
    current = found.argument + 1
    if current >= len(words) and words[-1].endswith("..."):
        current = len(words) - 1
    parts: StyleAndTextTuples = [("", " (")]
    for index, word in enumerate(words):
        parts.append(("bold underline" if index == current else "", word))
        parts.append(("", " " if index < len(words) - 1 else ")"))
    if found.summary:
        parts.append(("", f"  {found.summary}"))
    return parts


def show(text: str) -> None:
    """Print a value; page it where it is longer than the screen."""
    columns, rows = shutil.get_terminal_size()
    length = sum(1 + max(0, len(line) - 1) // columns for line in text.split("\n"))
    if length < rows or not page(text):
        print(text)


def page(text: str, run: Callable[..., Any] = subprocess.run) -> bool:
    """Hand a text to the pager of the environment; was there one?"""
    command = os.environ.get("PAGER") or "less"
    if command == "cat" or shutil.which(command.split()[0]) is None:
        return False
    sys.stdout.flush()
    environment = {"LESS": "-FRX", **os.environ}
    try:
        run(command, shell=True, input=f"{text}\n", text=True, env=environment, check=False)
    except (OSError, KeyboardInterrupt):
        # A pager that is left early has shown what was wanted.
        print()
    return True
