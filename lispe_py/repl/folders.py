"""Where the prompt keeps its files (XDG Base Directory Specification)."""

from __future__ import annotations

import os

from lispe_py.runtime.store import user_folder


def history_file(name: str = "history") -> str | None:
    """The file of a history, made for the user alone; None if it cannot be written."""
    path = os.path.join(user_folder("XDG_STATE_HOME", ".local/state"), "lispe", name)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError:
        return None
    return path


def startup_file() -> str:
    """The program that runs before the first entry, if there is one."""
    return os.path.join(user_folder("XDG_CONFIG_HOME", ".config"), "lispe", "init.lisp")
