"""The cells that were run, of this kernel and of earlier ones, for what front ends ask.

They are kept in the format of IPython, in a file that the user alone can read.
Source: "Messaging in Jupyter: History",
https://jupyter-client.readthedocs.io/en/stable/messaging.html#history
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from IPython.core.history import HistoryAccessor

from lispe_py.repl.folders import history_file

#: In the folder of the prompt's own history, which is a text.
NAME = "jupyter.sqlite"


class History:
    """A session in the file of all sessions; in memory where there can be no such file."""

    def __init__(self) -> None:
        self._all = HistoryAccessor(hist_file=history_file(NAME) or ":memory:")
        begun = datetime.now().isoformat(" ")
        self._number = self._write("INSERT INTO sessions (start) VALUES (?)", begun)

    def add(self, line: int, source: str, output: str | None) -> None:
        """Keep a cell by its number, with the text of its value if it has shown one."""
        self._write("INSERT INTO history VALUES (?, ?, ?, ?)", self._number, line, source, source)
        if output is not None:
            self._write("INSERT INTO output_history VALUES (?, ?, ?)", self._number, line, output)

    def _write(self, command: str, *values: Any) -> int:
        """Change the file; the number of the new row."""
        try:
            with self._all.db:
                return self._all.db.execute(command, values).lastrowid or 0
        except sqlite3.Error as error:
            # A full disk is no reason for a cell to fail.
            self._all.log.warning("the history is not written: %s", error)
            return 0

    def asked(
        self,
        kind: str,
        *,
        output: bool,
        session: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        n: int | None = None,
        pattern: str | None = None,
        unique: bool = False,
    ) -> list[tuple[int, int, Any]]:
        """Cells as ``(session, number, text)``; with ``output`` the text and its value's.

        Args:
            kind: ``tail`` for the last ``n``, ``search`` for those that a ``pattern`` with
                ``*`` and ``?`` matches, ``range`` for those of a session from ``start`` up
                to and without ``stop``. A session of 0 or less is counted back from this one.
        """
        history = self._all
        if kind == "tail":
            found = history.get_tail(n, output=output, include_latest=True)
        elif kind == "search":
            found = history.search(pattern or "*", output=output, n=n, unique=unique)
        else:
            number = session or 0
            number += self._number if number <= 0 else 0
            found = history.get_range(number, start or 1, stop, output=output)
        return list(found)

    def close(self) -> None:
        self._all.db.close()
