"""How an error is shown to the user: place, message, source line, hint, calls.

Used by the command line and the prompt; imported when there is an error.
"""

from __future__ import annotations

import os
import re
import traceback
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import NamedTuple, TextIO

from lispe_py.errors import LispError
from lispe_py.runtime.failures import place_of
from lispe_py.runtime.frames import MARK

#: Calls shown at either end of a long chain.
ENDS = 5
#: Columns of a source line that are shown.
WIDTH = 110


class Call(NamedTuple):
    """A LispE function that was running when an error arose, and where it was."""

    name: str
    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"  in {self.name}, {self.file}:{self.line}:{self.column}"


def calls(error: BaseException) -> list[Call]:
    """The LispE functions that were running, innermost first; without Python's."""
    found: list[Call] = []
    current: BaseException | None = error
    while current is not None and not found:
        tb = current.__traceback__
        while tb is not None:
            if MARK in tb.tb_frame.f_globals:
                code = tb.tb_frame.f_code
                place = place_of(code, tb.tb_lasti)
                if place is not None:
                    found.append(Call(_name(code.co_name), code.co_filename, *place))
            tb = tb.tb_next
        current = current.__cause__
    return found[::-1]


def _name(compiled: str) -> str:
    """A function as its author knows it."""
    if compiled.startswith("λ"):
        return "a lambda"
    if compiled.startswith("."):
        return "the program"
    return compiled.removesuffix("()")


def _chain(error: BaseException) -> Iterator[str]:
    """The calls to show: none for an error at top level, the ends of a long chain."""
    found = calls(error)
    if len(found) < 2:
        return
    runs = [(call, len(list(same))) for call, same in groupby(found)]
    left_out = len(runs) - 2 * ENDS
    for index, (call, count) in enumerate(runs):
        if left_out > 1 and ENDS <= index < len(runs) - ENDS:
            if index == ENDS:
                yield f"  ... {sum(n for _, n in runs[ENDS:-ENDS])} calls more"
            continue
        yield f"{call} ({count} times)" if count > 1 else str(call)


def _source_line(file: str, line: int, sources: Mapping[str, str]) -> str | None:
    text = sources.get(file)
    if text is None:
        try:
            with open(file, encoding="utf-8") as stream:
                text = stream.read()
        except (OSError, ValueError):
            return None
    lines = text.splitlines()
    return lines[line - 1] if 0 < line <= len(lines) else None


def _marked(source: str, column: int) -> Iterator[str]:
    """A source line, and a caret under a column of it (both cut where too long)."""
    index = min(column - 1, len(source))
    start = max(0, index - WIDTH // 2) if len(source) > WIDTH else 0
    cut = source[start : start + WIDTH]
    # Tabs stay, so that the caret lies below whatever width they have.
    before = "".join(
        c if c == "\t" else "  " if unicodedata.east_asian_width(c) in "WF" else " "
        for c in cut[: index - start]
        if not unicodedata.combining(c)
    )
    yield f"    {cut}".rstrip()
    yield f"    {before}^"


def report(
    error: LispError, sources: Mapping[str, str] | None = None, *, with_python: bool = False
) -> str:
    """The text of an error, several lines without the last line end.

    ``sources`` has the texts that are no files, by their names; ``with_python``
    puts Python's own traceback before it.
    """
    lines = []
    if with_python:
        lines += "".join(traceback.format_exception(error)).rstrip().split("\n")
    prefix = "" if error.thrown else "Error: "
    if error.line is None:
        lines.append(f"{prefix}{error.message}")
    else:
        file = error.file or "main"
        column = error.column or 1
        lines.append(f"{file}:{error.line}:{column}: {prefix}{error.message}")
        source = _source_line(file, error.line, sources or {})
        if source is not None:
            lines += _marked(source, column)
    if error.hint:
        lines.append(f"hint: {error.hint}")
    lines += _chain(error)
    return "\n".join(lines)


def report_internal(error: BaseException, *, with_python: bool = False) -> str:
    """The text of an error that is ours."""
    text = " ".join(str(error).split())[:300]
    found = calls(error)
    where = f" at {found[0].file}:{found[0].line}:{found[0].column}" if found else ""
    line = (
        f"internal error{where}: {type(error).__name__}: {text}"
        " (a fault of lispe_py: please report it with the program that led to it)"
    )
    if with_python:
        return "".join(traceback.format_exception(error)) + line
    return line


def text_of(
    error: BaseException, sources: Mapping[str, str] | None = None, *, with_python: bool = False
) -> str:
    """The text of whatever has ended a program: its own error, or a fault of ours."""
    if isinstance(error, LispError):
        return report(error, sources, with_python=with_python)
    if isinstance(error, OSError):
        return f"Error: cannot write: {error.strerror or error}"
    return report_internal(error, with_python=with_python)


# ---------------------------------------------------------------- colours

_STYLES = (
    (re.compile(r"^(internal error|(?:\S.*?:\d+:\d+: )?Error:)", re.MULTILINE), "1;31"),
    (re.compile(r"^( +\^)$", re.MULTILINE), "1;31"),
    (re.compile(r"^(hint:)", re.MULTILINE), "36"),
    (re.compile(r"^(  in .*|  \.\.\. \d+ calls more)$", re.MULTILINE), "2"),
)


def is_coloured(stream: TextIO) -> bool:
    """Are colours wanted on a stream: is it a terminal, and does nobody forbid them?"""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def coloured(text: str) -> str:
    """The text of an error with its parts told apart by colours (ANSI, ECMA-48)."""
    for pattern, style in _STYLES:
        text = pattern.sub(f"\x1b[{style}m\\1\x1b[0m", text)
    return text
