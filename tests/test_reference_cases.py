"""Programs whose results were compared with the reference, beside the conformance corpus.

A line of ``reference_cases.jsonl`` is a program and its ``value``, what it prints as ``out``,
or ``"error": true``. Only what the reference was asked for stands there, and only where no
decision differs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import corpus  # noqa: E402

_LINES = (Path(__file__).parent / "reference_cases.jsonl").read_text(encoding="utf-8").splitlines()
CASES: list[corpus.Case] = [
    {"id": f"case {number}", "out": "", "error": None, **json.loads(line)}
    for number, line in enumerate(_LINES, 1)
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_case(case: corpus.Case) -> None:
    fault = corpus.run(case, {})
    if fault:
        pytest.fail(f"{fault}\n\n{case['program']}", pytrace=False)


def test_programs_differ() -> None:
    assert len({case["program"] for case in CASES}) == len(CASES)
