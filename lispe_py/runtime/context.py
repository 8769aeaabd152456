"""What a built-in may ask of the interpreter that runs it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Literal, Protocol, TextIO

from lispe_py.links import Links
from lispe_py.values.lists import List


class Context(Protocol):
    """The running interpreter as primitives with ``interpreter=True`` see it."""

    @property
    def stdout(self) -> TextIO: ...

    @property
    def stderr(self) -> TextIO: ...

    @property
    def stdin(self) -> TextIO: ...

    #: Source of everything random in the core; ``random_seed`` seeds it.
    random: random.Random
    #: Arguments of the script, a list of strings.
    args: List
    #: Folders in which ``load`` and ``use`` look.
    search_path: list[str]
    #: The spellings of atoms that ``link`` has given.
    links: Links
    #: Mixed arithmetic gives a number (see ``docs``).
    promote: bool
    #: The level from which on messages are written: debug, info, warning, error.
    log_level: str
    #: Told the path of every picture that a primitive has written, by who shows them.
    on_picture: Callable[[str], None] | None

    def callable(
        self, function: Any, slot: Literal["first", "last"] = "last"
    ) -> Callable[..., Any]:
        """A Python callable for anything that may stand for a function.

        A lambda or function, the symbol of a built-in or defined function, or a
        partial form such as ``(- 10)``: ``slot`` says where its element goes,
        and ``_`` in the form marks the place. Raises LispError otherwise.
        """
        ...

    def evaluate(self, form: Any) -> Any:
        """Compile a form and run it in the global frame."""
        ...

    def evaluate_text(self, text: str, file: str = "main") -> Any:
        """Read, compile and run a whole text; the value of its last form."""
        ...

    def variable(self, name: str) -> Any:
        """A variable as the running function sees it; LispError where there is none."""
        ...

    def require(self, capability: str) -> None:
        """Raise a LispError unless ``fs``, ``net``, ``process`` or ``python`` is allowed."""
        ...
