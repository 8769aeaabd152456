"""``lispe check``: mistakes that can be seen without running a program.

Every form is read, expanded and compiled, and never run. Beyond what the compiler
refuses, names that nothing gives, calls with a wrong number of arguments, variables
and parameters that are not used, and functions defined twice are told. A name counts
as given when anything in the file, or in a file that it loads, binds it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from lispe_py import libraries
from lispe_py.compiler.unit import compile_unit
from lispe_py.errors import LispError
from lispe_py.interpreter import LispE
from lispe_py.reader import read
from lispe_py.registry import Entry
from lispe_py.testing import KINDS
from lispe_py.tools import scanning
from lispe_py.tools.files import lisp_files, text_of
from lispe_py.tools.scanning import Scan
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

CLEAN, FOUND, MISUSED = 0, 1, 2


class Finding(NamedTuple):
    """Something that is wrong, or looks so."""

    file: str
    line: int
    column: int
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text} [{self.code}]"


class _Reader(LispE):
    """An interpreter that knows the primitives of the libraries without loading them."""

    def __init__(self) -> None:
        super().__init__(allow=())
        self.stand_ins: dict[str, Entry | None] = {}

    def entry(self, name: str) -> Entry | None:
        if name not in libraries.index():
            return super().entry(name)
        if name not in self.stand_ins:
            self.stand_ins[name] = self._stand_in(name)
        return self.stand_ins[name]

    @staticmethod
    def _stand_in(name: str) -> Entry:
        signature = _signatures()[name][0]
        words = signature.strip("()").split()[1:]
        rest = any(word.endswith("...") for word in words)
        least = sum(1 for word in words if word[0] != "[" and not word.endswith("..."))
        arity = (least, None if rest else len(words))
        return Entry(
            name, (), _not_here, "lispe_torch", (), False, False, False, False, False, arity
        )


def _not_here(*_: Any) -> Any:
    raise LispError("a program that is checked does not run")


def _signatures() -> dict[str, tuple[str, str]]:
    if not _SIGNATURES:
        for package in dict.fromkeys(libraries.LIBRARIES.values()):
            _SIGNATURES.update(libraries.described(package))
    return _SIGNATURES


_SIGNATURES: dict[str, tuple[str, str]] = {}


def check_text(text: str, file: str) -> list[Finding]:
    """What is found in a program, in the order of its lines.

    >>> [str(f) for f in check_text("(println (sqare 3))", "a.lisp")]
    ["a.lisp:1:11: nothing is called 'sqare' [unknown-name]"]
    """
    lisp = _Reader()
    found: list[Finding] = []
    try:
        forms = read(text, file)
    except LispError as error:
        return [_refused(error, file)]
    scan = Scan(lambda name: name in lisp.scope or lisp.entry(name) is not None)
    for form in _expanded(lisp, forms, found, file):
        # Names are first collected from the whole file: a function may be used above
        # the line that defines it.
        scan.add(form)
    for name in scan.loads:
        _add_loaded(lisp, scan, name, file)
    found += [Finding(file, *f) for f in scan.findings(lisp.entry)]
    places = {(f.line, f.column) for f in found}
    for finding in _compiled(lisp, scan.forms, file):
        if (finding.line, finding.column) not in places:
            found.append(finding)
    return sorted(set(found), key=lambda f: (f.line, f.column, f.code))


def _refused(error: LispError, file: str) -> Finding:
    return Finding(file, error.line or 1, error.column or 1, "refused", error.message)


def _expanded(lisp: LispE, forms: List, found: list[Finding], file: str) -> Iterator[Any]:
    for form in forms:
        try:
            yield from lisp.read_expanded([form])
        except LispError as error:
            found.append(_refused(error, file))


def _compiled(lisp: LispE, forms: list[Any], file: str) -> Iterator[Finding]:
    for form in forms:
        head = form[0] if isinstance(form, List) and form else None
        if head.__class__ is Symbol and head.name in KINDS:
            continue  # a test expects its own errors
        try:
            compile_unit(lisp, List([form]), file)
        except LispError as error:
            yield _refused(error, file)
        except RecursionError:
            where = getattr(form, "where", None)
            line, column = where[:2] if where else (1, 1)
            yield Finding(file, line, column, "refused", "nested too deeply")


def _add_loaded(lisp: LispE, scan: Scan, name: str, file: str) -> None:
    """The names of a file that is loaded count as known."""
    pending, seen = [(name, file)], set()
    while pending:
        name, origin = pending.pop()
        path = os.path.join(os.path.dirname(origin), name)
        if path in seen:
            continue
        if not os.path.isfile(path):
            # The program may write it before it is loaded.
            scan.open = True
            continue
        seen.add(path)
        try:
            forms = read(text_of(path), path)
        except LispError:
            continue  # told when that file is checked
        other = Scan(scan.is_known)
        for form in _expanded(lisp, forms, [], path):
            other.add(form)
        scan.bound |= other.bound
        scan.functions.update(other.functions)
        pending += [(inner, path) for inner in other.loads]


def check_file(path: str) -> list[Finding]:
    """What is found in a file; a file that cannot be read is a finding too."""
    try:
        return check_text(text_of(path), path)
    except LispError as error:
        return [_refused(error, path)]


def main(words: list[str]) -> int:
    """``lispe check [--json] FILE|FOLDER ...``"""
    parser = argparse.ArgumentParser(
        prog="lispe check",
        description="Find mistakes in programs without running them.",
        epilog="codes: " + ", ".join(("refused", *scanning.CODES)),
    )
    parser.add_argument("paths", nargs="+", metavar="FILE|FOLDER")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    options = parser.parse_args(words)
    found: list[Finding] = []
    try:
        for path in lisp_files(options.paths):
            found += check_file(path)
    except LispError as error:
        print(f"lispe check: {error.message}", file=sys.stderr)
        return MISUSED
    if options.json:
        print(json.dumps([f._asdict() for f in found], indent=1, ensure_ascii=False))
    else:
        for finding in found:
            print(finding)
    return FOUND if found else CLEAN
