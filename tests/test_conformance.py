"""Every case of the conformance corpus, and the counts family by family.

``python -m tests.test_conformance [PREFIX]`` prints the counts and what is wrong with
the cases whose id starts with PREFIX; ``--shrink`` takes those that pass off pending.txt.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import corpus  # noqa: E402

PENDING = corpus.pending()
DEVIATIONS = corpus.deviations()


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["id"])
        for topic in corpus.TOPICS
        for case in corpus.load(topic)
        if case["id"] not in DEVIATIONS
    ],
)
def test_case(case: corpus.Case, request: pytest.FixtureRequest) -> None:
    lacking = corpus.lacks(case)
    if lacking:
        pytest.skip(f"needs {lacking}")
    is_torch = case["id"].startswith("torch/")
    values = request.getfixturevalue("tiny_models") if is_torch else {}
    fault = corpus.run(case, values)
    if case["id"] in PENDING:
        if fault:
            pytest.xfail(fault)
        pytest.fail(f"{case['id']} passes: take it off tests/conformance/pending.txt")
    if fault:
        pytest.fail(f"{fault}\n\n{case['program']}", pytrace=False)


def test_lists_name_cases_that_exist() -> None:
    known = {case["id"] for topic in corpus.TOPICS for case in corpus.load(topic)}
    assert PENDING <= known
    assert set(DEVIATIONS) <= known
    assert not PENDING & set(DEVIATIONS)
    assert all(DEVIATIONS.values())


def main(arguments: list[str]) -> None:
    shrink = "--shrink" in arguments
    prefix = next((a for a in arguments if not a.startswith("-")), "")
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    faults: dict[str, str] = {}
    models: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for topic in corpus.TOPICS:
            for case in corpus.load(topic):
                name = case["id"]
                if not name.startswith(prefix) or name in DEVIATIONS or corpus.lacks(case):
                    continue
                if topic == "torch" and not models:
                    models = corpus.make_models(Path(folder))
                family = name.rpartition("/")[0]
                total[family] += 1
                fault = corpus.run(case, models if topic == "torch" else {})
                if fault is None:
                    passed[family] += 1
                else:
                    faults[name] = fault
                    if prefix:
                        print(f"{name}: {fault}\n{case['program']}\n")
    for family, count in total.items():
        print(f"{family:28} {passed[family]:5} of {count}")
    for topic in corpus.TOPICS:
        ours = [f for f in total if f.startswith(topic)]
        if ours:
            here, there = sum(passed[f] for f in ours), sum(total[f] for f in ours)
            print(f"{topic:28} {here:5} of {there}  {100 * here / there:.1f} %")
    if shrink:
        left = sorted(
            name for name in PENDING if name in faults or name.rpartition("/")[0] not in total
        )
        text = "".join(f"{name}\n" for name in left)
        (corpus.FOLDER / "pending.txt").write_text(text, encoding="utf-8")
        print(f"pending: {len(left)}, {len(set(faults) - PENDING)} faults besides")


if __name__ == "__main__":
    main(sys.argv[1:])
