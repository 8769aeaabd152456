"""Collects tests written in LispE: with ``pip install lispe-py``, pytest runs them.

A file of tests is one whose name is ``test_*.lisp``; ``lispe_files`` in the settings of
pytest gives other patterns. :mod:`lispe_py.testing` says how tests are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "lispe_files",
        "patterns of the files with tests in LispE",
        type="args",
        default=["test_*.lisp"],
    )


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    patterns = parent.config.getini("lispe_files")
    if file_path.suffix == ".lisp" and any(file_path.match(pattern) for pattern in patterns):
        return LispFile.from_parent(parent, path=file_path)
    return None


class LispFile(pytest.File):
    """A file of tests in LispE."""

    def collect(self) -> Iterator[pytest.Item]:
        # Imported here: pytest loads plugins before it measures what programs import.
        from lispe_py.errors import LispError
        from lispe_py.reporting import report
        from lispe_py.testing import TestFile

        try:
            tests = TestFile(self.path)
        except LispError as error:
            raise self.CollectError(report(error)) from None
        for case in tests.cases:
            yield LispItem.from_parent(self, name=case.name, tests=tests, case=case)


class LispItem(pytest.Item):
    """One test in LispE."""

    def __init__(self, *, tests: Any, case: Any, **options: Any) -> None:
        super().__init__(**options)
        self._tests = tests
        self._case = case

    def runtest(self) -> None:
        self._tests.run(self._case)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from lispe_py.errors import LispError
        from lispe_py.reporting import report
        from lispe_py.testing import Failure

        if isinstance(excinfo.value, Failure):
            return f"{self.path}:{self._case.line}: {self.name}\n{excinfo.value}"
        if isinstance(excinfo.value, LispError):
            return report(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._case.line - 1, self.name
