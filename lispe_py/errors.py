"""The errors of the language.

Two families. A :class:`LispError` is the user's: it has a message, a place in
the source and, where one is known, a hint; ``catch`` and ``maybe`` see it.
Every other exception that escapes the interpreter is an internal error.
"""

from __future__ import annotations

from typing import Any


class LispError(Exception):
    """An error that a LispE program can raise, catch and print.

    Runtime functions raise it with a message only: the place is read from the
    traceback when the error is caught (compiled code carries the positions of
    its source), so raising costs nothing that is not needed.

    Attributes:
        message: the text, without prefix and without position.
        file: name of the source, or None while it is unknown.
        line: line, counted from 1, or None.
        column: column, counted from 1, or None.
        hint: advice for the user, or None.
        form: the form being evaluated, where known.
        thrown: True when the program raised it itself with ``throw``.
        at_call: True when its place is the call of the function that raised it.

    >>> from lispe_py import LispE, LispError
    >>> try:
    ...     LispE().eval("(car 5)")
    ... except LispError as error:
    ...     print(error.line, error.column)
    1 1
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        hint: str | None = None,
        form: Any = None,
        thrown: bool = False,
        at_call: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.hint = hint
        self.form = form
        self.thrown = thrown
        self.at_call = at_call

    @property
    def text(self) -> str:
        """The message as the language shows it: prefix, message, position.

        This is what ``catch`` prints and what the handler of ``maybe`` gets.
        """
        prefix = "" if self.thrown or self.message == STACK_OVERFLOW else "Error: "
        return f"{prefix}{self.message}, line: {self.line or 0} in: {self.file or 'main'}"

    def __str__(self) -> str:
        return self.message


class LispSyntaxError(LispError):
    """Text that cannot be read.

    ``incomplete`` tells that more text could still make it right (an open
    bracket or string at the end): the prompt then asks for another line.
    """

    def __init__(self, message: str, *, incomplete: bool = False, **place: Any) -> None:
        super().__init__(message, **place)
        self.incomplete = incomplete


class StoppedError(LispError):
    """An evaluation that was ended from outside. No handler of the program sees it."""


class LimitError(StoppedError):
    """An evaluation that went beyond what it was allowed.

    Attributes:
        limit: ``max_seconds``, ``max_steps``, ``max_depth`` or ``max_memory``.

    >>> from lispe_py import LimitError, LispE
    >>> try:
    ...     LispE(max_steps=1000).eval("(while true nil)")
    ... except LimitError as error:
    ...     print(error.limit)
    max_steps
    """

    def __init__(self, message: str, limit: str = "") -> None:
        super().__init__(message)
        self.limit = limit


class LispInterrupt(StoppedError):
    """An evaluation that :meth:`LispE.interrupt` ended."""


class Stop(BaseException):
    """What travels through a program that is being ended: no error of the language,
    so that ``maybe``, ``catch`` and ``except Exception`` let it pass. It turns into a
    :class:`StoppedError` where the evaluation began."""


class LispExit(BaseException):
    """Raised by ``(exit n)``; no handler of the language catches it."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


STACK_OVERFLOW = "Stack overflow"
