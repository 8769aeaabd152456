"""What all tests share; and the tests that are written in LispE."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpus
import pytest

from lispe_py import LispError
from lispe_py.reporting import report
from lispe_py.testing import Case, Failure, TestFile

# Tiny tensors are computed faster by one thread than by several.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders of tiny models, by the global that the torch cases know them by."""
    return corpus.make_models(Path(tmp_path_factory.mktemp("models")))


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """Every file of tests/lisp; lispe_py/testing.py says how they are written."""
    if file_path.suffix == ".lisp" and file_path.parent.name == "lisp":
        return LispFile.from_parent(parent, path=file_path)
    return None


class LispFile(pytest.File):
    """A file of tests in LispE."""

    def collect(self) -> Iterator[pytest.Item]:
        try:
            tests = TestFile(self.path)
        except LispError as error:
            raise self.CollectError(report(error)) from None
        for case in tests.cases:
            yield LispItem.from_parent(self, name=case.name, tests=tests, case=case)


class LispItem(pytest.Item):
    """One test in LispE."""

    def __init__(self, *, tests: TestFile, case: Case, **options: Any) -> None:
        super().__init__(**options)
        self._tests = tests
        self._case = case

    def runtest(self) -> None:
        self._tests.run(self._case)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Failure):
            return f"{self.path}:{self._case.line}: {self.name}\n{excinfo.value}"
        if isinstance(excinfo.value, LispError):
            return report(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._case.line - 1, self.name
