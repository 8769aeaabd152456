"""Training goes on where a killed process left it; ``kill_resume.py`` does so at length."""

from __future__ import annotations

import io
import os
from pathlib import Path

import kill_resume
import pytest
import torch

from lispe_py import LispE


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL")
def test_three_kills_change_nothing(tmp_path: Path) -> None:
    outcome = kill_resume.run(3, tmp_path, seed=5)
    assert outcome.faults == []
    assert outcome.kills == 3
    assert outcome.left == 0


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".run.pt.abc.new").write_bytes(b"half")
    (tmp_path / ".other.pt.abc.new").write_bytes(b"half")
    lisp = LispE(stderr=io.StringIO())
    lisp.eval("(use 'lispe_torch) (setq m (torch_linear 2 1)) (setq x (tensor_ones '(4 2)))")
    lisp.define("path", str(tmp_path / "run.pt"))
    lisp.eval("""
    (torch_train m (torch_optimizer m 0.1 "sgd") (list x (tensor_ones '(4 1))) "mse"
       (dictionary "checkpoint" path "resume" true))""")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".other.pt.abc.new", "run.pt"]


def test_differences_are_found() -> None:
    one = {"a": [torch.ones(2), {"b": 1}], "c": "x"}
    same = {"a": [torch.ones(2), {"b": 1}], "c": "x"}
    other = {"a": [torch.ones(2) + 1e-7, {"b": 2}], "c": "x"}
    assert kill_resume.differences(one, same) == []
    assert kill_resume.differences(one, other) == [".a.0", ".a.1.b"]
    assert kill_resume.differences(torch.ones(1), torch.ones(1, dtype=torch.float64)) == [""]
