"""Training goes on where a killed process left it; ``kill_resume.py`` does so at length."""

from __future__ import annotations

import os
from pathlib import Path

import kill_resume
import pytest
import torch


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL")
def test_three_kills_change_nothing(tmp_path: Path) -> None:
    outcome = kill_resume.run(3, tmp_path, seed=5)
    assert outcome.faults == []
    assert outcome.kills == 3


def test_differences_are_found() -> None:
    one = {"a": [torch.ones(2), {"b": 1}], "c": "x"}
    same = {"a": [torch.ones(2), {"b": 1}], "c": "x"}
    other = {"a": [torch.ones(2) + 1e-7, {"b": 2}], "c": "x"}
    assert kill_resume.differences(one, same) == []
    assert kill_resume.differences(one, other) == [".a.0", ".a.1.b"]
    assert kill_resume.differences(torch.ones(1), torch.ones(1, dtype=torch.float64)) == [""]
