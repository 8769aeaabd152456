"""Tests written in LispE.

A file of tests is a program. Three forms in it are tests::

    (test "the sum" (+ 1 2) 3)                     ; the value, and its type
    (test_error "no list" (car 5) "cannot apply")  ; words of the error
    (test_output "a line" (println 1 2) "1 2")     ; what is printed

Every other form is preparation: it runs before each of the tests that stand below
it. Each test has an interpreter of its own, so that tests do not depend on others.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from lispe_py.errors import LispError
from lispe_py.interpreter import LispE
from lispe_py.reader import read
from lispe_py.runtime.calls import read_source
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import type_name

KINDS = ("test", "test_error", "test_output")


class Failure(Exception):
    """A test did not give what it should."""


class Case(NamedTuple):
    """One test of a file. The texts keep the lines and columns they have there."""

    name: str
    kind: str
    line: int
    preparation: str
    expression: str
    expected: str


class TestFile:
    """The tests of a file, in order.

    Raises:
        LispError: the file cannot be read, or a test has not the right parts.
    """

    __test__ = False  # no class of tests, whatever pytest makes of its name

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        try:
            text = read_source(self.path)
        except OSError as error:
            raise LispError(f"cannot read {self.path}: {error.strerror}") from None
        self.cases = list(_cases(text, self.path))

    def run(self, case: Case) -> None:
        """Run a test in an interpreter of its own.

        Raises:
            Failure: it gave something else.
            LispError: an error that it does not expect.
        """
        out = io.StringIO()
        folder = os.path.dirname(os.path.abspath(self.path))
        lisp = LispE(stdout=out, search_path=[folder])
        lisp.eval(case.preparation, self.path)
        out.seek(0)
        out.truncate()
        expected = lisp.eval(case.expected, self.path)
        if case.kind == "test_error":
            self._expect_error(lisp, case, str(expected))
            return
        value = lisp.eval(case.expression, self.path)
        if case.kind == "test_output":
            _compare(out.getvalue().rstrip(), str(expected).rstrip())
        else:
            _compare(_described(lisp, value), _described(lisp, expected))

    def _expect_error(self, lisp: LispE, case: Case, words: str) -> None:
        try:
            value = lisp.eval(case.expression, self.path)
        except LispError as error:
            if words not in error.text:
                raise Failure(f"the error {error.text!r} has not the words {words!r}") from error
            return
        raise Failure(f"no error, but the value {lisp.show(value)}")


def _described(lisp: LispE, value: Any) -> str:
    return f"{lisp.show(value)}  [{type_name(value)}]"


def _compare(given: str, expected: str) -> None:
    if given != expected:
        raise Failure(f"it gave      {given}\nit should be {expected}")


def _cases(text: str, file: str) -> Iterator[Case]:
    lines = text.split("\n")
    forms = read(text, file)
    preparation = ""
    for form, place in zip(forms, forms.where.members, strict=True):
        head = form[0] if isinstance(form, List) and form else None
        if not isinstance(head, Symbol) or head.name not in KINDS:
            preparation = _joined(preparation, _cut(lines, place))
            continue
        if len(form) != 4 or not isinstance(form[1], str):
            raise LispError(
                f"'{head.name}' takes a name, an expression and what is expected",
                file=file, line=place[0], column=place[1],
            )  # fmt: skip
        _, _, expression, expected = form.where.members
        yield Case(
            form[1], head.name, place[0], preparation,
            _cut(lines, expression), _cut(lines, expected),
        )  # fmt: skip


def _cut(lines: list[str], place: tuple[int, int, int, int]) -> str:
    """A piece of a text, led by blanks so that it keeps its lines and columns."""
    line, column, end_line, end_column = place
    piece = lines[line - 1 : end_line]
    piece[-1] = piece[-1][: end_column - 1]
    piece[0] = " " * (column - 1) + piece[0][column - 1 :]
    return "\n" * (line - 1) + "\n".join(piece)


def _joined(before: str, piece: str) -> str:
    """Two pieces of one text, the second at its place."""
    above = before.count("\n")
    column = len(before) - before.rfind("\n") - 1
    if piece.startswith("\n" * (above + 1)):
        return before + piece[above:]
    # The second begins in the line where the first ends.
    return before + piece[above + column :]
