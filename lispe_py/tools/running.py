"""``lispe test``: runs the tests that are written in LispE, and reports on them."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

from lispe_py.errors import LispError
from lispe_py.reporting import report
from lispe_py.testing import Case, Failure, TestFile
from lispe_py.tools.files import lisp_files

PASSED, FAILED, MISUSED = 0, 1, 2


class Outcome(NamedTuple):
    """How a test went; ``fault`` is empty where it passed."""

    file: str
    name: str
    line: int
    seconds: float
    fault: str


def outcomes(paths: list[str], word: str = "") -> Iterator[Outcome]:
    """Run every test of the files, those whose name has the word.

    Raises:
        LispError: a file is not there, or is no file of tests.
    """
    for path in lisp_files(paths):
        tests = TestFile(path)
        for case in tests.cases:
            if word in case.name:
                yield run_case(tests, case)


def run_case(tests: TestFile, case: Case) -> Outcome:
    """Run one test in an interpreter of its own."""
    start = time.perf_counter()
    fault = ""
    try:
        tests.run(case)
    except Failure as failure:
        fault = str(failure)
    except LispError as error:
        fault = report(error).rstrip()
    return Outcome(tests.path, case.name, case.line, time.perf_counter() - start, fault)


def write_junit(found: list[Outcome], path: str) -> None:
    """Write a report that the services for continuous integration read (JUnit XML)."""
    suite = ElementTree.Element(
        "testsuite",
        name="lispe",
        tests=str(len(found)),
        failures=str(sum(1 for one in found if one.fault)),
        time=f"{sum(one.seconds for one in found):.3f}",
    )
    for one in found:
        case = ElementTree.SubElement(
            suite, "testcase",
            classname=os.path.splitext(os.path.basename(one.file))[0],
            name=one.name, file=one.file, line=str(one.line), time=f"{one.seconds:.3f}",
        )  # fmt: skip
        if one.fault:
            failure = ElementTree.SubElement(case, "failure", message=one.fault.split("\n")[0])
            failure.text = one.fault
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def main(words: list[str]) -> int:
    """``lispe test [-k WORD] [--junit FILE] [FILE|FOLDER ...]``"""
    parser = argparse.ArgumentParser(
        prog="lispe test", description="Run tests that are written in LispE."
    )
    parser.add_argument("paths", nargs="*", metavar="FILE|FOLDER", help="the folder tests, if none")
    parser.add_argument("-k", default="", metavar="WORD", help="only tests whose name has the word")
    parser.add_argument("--junit", metavar="FILE", help="write a report as JUnit XML too")
    options = parser.parse_args(words)
    found: list[Outcome] = []
    try:
        for one in outcomes(options.paths or ["tests"], options.k):
            found.append(one)
            sys.stdout.write("F" if one.fault else ".")
            sys.stdout.flush()
    except LispError as error:
        print(
            f"\n{report(error)}" if error.line else f"lispe test: {error.message}", file=sys.stderr
        )
        return MISUSED
    print()
    failed = [one for one in found if one.fault]
    for one in failed:
        print(f"\n{one.file}:{one.line}: {one.name}\n{one.fault}")
    seconds = sum(one.seconds for one in found)
    print(f"{len(found) - len(failed)} passed, {len(failed)} failed in {seconds:.2f} s")
    if options.junit:
        write_junit(found, options.junit)
    return FAILED if failed else PASSED if found else MISUSED
