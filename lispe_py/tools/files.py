"""The files that a command is to work on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from lispe_py.errors import LispError
from lispe_py.runtime.calls import read_source


def lisp_files(paths: Iterable[str]) -> Iterator[str]:
    """The files named, and every ``.lisp`` file below the folders named, in order.

    Raises:
        LispError: there is nothing of that name.
    """
    for path in paths:
        if os.path.isdir(path):
            for folder, inner, names in os.walk(path):
                inner[:] = sorted(name for name in inner if not name.startswith("."))
                yield from (os.path.join(folder, n) for n in sorted(names) if n.endswith(".lisp"))
        elif os.path.exists(path):
            yield path
        else:
            raise LispError(f"there is no file {path}")


def text_of(path: str) -> str:
    """The text of a file.

    Raises:
        LispError: it cannot be read, or is not UTF-8.
    """
    try:
        return read_source(path)
    except OSError as error:
        raise LispError(f"cannot read {path}: {error.strerror}") from None
