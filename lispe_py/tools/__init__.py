"""The commands beside running a program: ``lispe check``, ``format``, ``doc``, ``test``, ``lsp``.

Each is a module with a function ``main(words) -> status``, imported when it is asked for.
"""

from __future__ import annotations

import importlib

#: Word of the command line -> module and what it is for.
COMMANDS = {
    "check": ("checking", "find mistakes in programs without running them"),
    "format": ("formatting", "lay out programs by the conventions"),
    "doc": ("documenting", "show the documentation of names and files"),
    "lsp": ("language_server", "serve an editor (Language Server Protocol)"),
    "test": ("running", "run tests that are written in LispE"),
}


def run(command: str, words: list[str]) -> int:
    """Run one of the commands; its exit status."""
    module = importlib.import_module(f"lispe_py.tools.{COMMANDS[command][0]}")
    status: int = module.main(words)
    return status
