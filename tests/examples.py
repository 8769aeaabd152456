"""Examples in docstrings: programs with the results that their comments give.

A group of lines of code is followed by comment lines that begin with ``; `` and hold
what the group prints and then its value. One of the two may be left out. A comment
``; Error: ...`` stands for an error with that message (its place may be left out).
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator

from lispe_py import LispE, LispError
from lispe_py.printer import show
from lispe_py.values.symbol import NOTHING


def groups(example: str) -> Iterator[tuple[str, str | None]]:
    """Code and what it should give; None where nothing is said."""
    code: list[str] = []
    wanted: list[str] = []
    for line in [*example.split("\n"), ""]:
        if line.startswith(";"):
            wanted.append(line[1:].removeprefix(" "))
            continue
        if wanted:
            yield "\n".join(code), "\n".join(wanted)
            code, wanted = [], []
        code.append(line)
    if any(line.strip() for line in code):
        yield "\n".join(code), None


def fault(example: str) -> str | None:
    """Run an example in an interpreter of its own, in an empty folder; what is wrong."""
    out = io.StringIO()
    lisp = LispE(stdout=out, stderr=io.StringIO(), stdin=io.StringIO())
    before = os.getcwd()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        try:
            for code, wanted in groups(example):
                out.seek(0)
                out.truncate()
                shown: str | None = None
                try:
                    value = lisp.eval(code)
                    shown = None if value is NOTHING else lisp.show(value)
                except LispError as error:
                    if wanted is None or not wanted.startswith("Error"):
                        return f"raised {error.text}"
                    if not error.text.startswith(wanted.rstrip(".")):
                        return f"raised {error.text!r}, not {wanted!r}"
                    continue
                except Exception as error:
                    return f"internal error {error!r}"
                if wanted is None:
                    continue
                printed = out.getvalue().rstrip()
                both = "\n".join(part for part in (printed, shown) if part)
                quoted = show(value) if isinstance(value, str) else ""
                if _trimmed(wanted) not in {
                    _trimmed(t) for t in (both, printed, shown or "", quoted)
                }:
                    return f"gave {both!r}, not {wanted!r}"
        finally:
            os.chdir(before)
    return None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))
