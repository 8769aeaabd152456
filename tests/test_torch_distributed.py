"""Several processes, compared with one that sees all the data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from lispe_py import LispE, LispError

torch.set_num_threads(1)
needs_groups = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="no groups of processes"
)

JOB = """
(use 'lispe_torch)
(torch_distributed_init)
(setq rank (torch_distributed_rank))
(setq lin (torch_linear 3 1))
(torch_load_model (+ "FOLDER" "start.pt") lin)
(setq m (torch_distributed_model lin))
(setq o (torch_optimizer m 0.1 "sgd"))
(setq keep (torch_linear 4 8 nil))
(torch_load_model (+ "FOLDER" "data.pt") keep)
(setq rows (torch_distributed_shard (@ keep "weight")))
(setq x (tensor_slice rows 1 0 3))
(setq y (tensor_slice rows 1 3 4))
(loopcount 5
   (setq loss (torch_mse_loss (torch_forward m x) y))
   (torch_optimizer_zero_grad o)
   (torch_backward loss)
   (torch_optimizer_step o))
(setq total (torch_distributed_all_reduce loss "mean"))
(setq all (torch_distributed_all_gather (torch_tensor (floats rank))))
(setq first (torch_distributed_broadcast (torch_tensor (floats rank)) 1))
(torch_distributed_barrier)
(if (= rank 0) (block
   (torch_save_model m (+ "FOLDER" "end.pt"))
   (fwrite (+ "FOLDER" "said.txt") (+ (string total) " " (string all) " " (string first)
      " " (string (torch_distributed_world_size))))))
(torch_distributed_end)
"""


@needs_groups
def test_two_processes_learn_as_one_does(tmp_path: Path) -> None:
    torch.manual_seed(9)
    lisp = LispE()
    lisp.eval("(use 'lispe_torch)")
    lisp.define("folder", f"{tmp_path}/")
    lisp.eval('(setq start (torch_linear 3 1)) (torch_save_model start (+ folder "start.pt"))')
    lisp.eval('(setq data (torch_linear 4 8 nil)) (torch_save_model data (+ folder "data.pt"))')
    (tmp_path / "job.lisp").write_text(JOB.replace("FOLDER", f"{tmp_path}/"))
    assert list(lisp.eval('(torch_distributed_launch (+ folder "job.lisp") 2)')) == [0, 0]
    rows = lisp.globals["data"].weight.detach()
    plain = nn.Linear(3, 1)
    plain.load_state_dict(lisp.globals["start"].state_dict())
    optimiser = torch.optim.SGD(plain.parameters(), 0.1)
    for _ in range(5):
        loss = F.mse_loss(plain(rows[:, :3]), rows[:, 3:])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = lisp.eval('(torch_load_model (+ folder "end.pt"))')
    torch.testing.assert_close(found.weight, plain.weight)
    total, rest = (tmp_path / "said.txt").read_text().split(" ", 1)
    assert float(total) == pytest.approx(float(loss.detach()), rel=1e-4)
    assert rest == "((0) (1)) (1) 2"


@needs_groups
def test_a_failing_process_ends_the_others(tmp_path: Path) -> None:
    job = tmp_path / "job.lisp"
    job.write_text("""
    (use 'lispe_torch)
    (torch_distributed_init)
    (if (= (torch_distributed_rank) 1) (throw "no more") (torch_distributed_barrier))
    """)
    lisp = LispE()
    lisp.define("job", str(job))
    codes = list(lisp.eval("(torch_distributed_launch job 2)"))
    assert codes[1] != 0 and codes[0] != 0


@needs_groups
def test_a_group_of_one() -> None:
    lisp = LispE()
    try:
        assert lisp.eval("(torch_distributed_init)") is True
        with pytest.raises(LispError, match="part of a group already"):
            lisp.eval("(torch_distributed_init)")
        assert lisp.show(lisp.eval("(torch_distributed_all_gather (torch_tensor (floats 2)))")) == "((2))"
        model = lisp.eval("(torch_distributed_model (torch_linear 2 1))")
        assert lisp.show(model) == "PyTorch Distributed Module (processes=1)"
    finally:
        assert lisp.eval("(torch_distributed_end)") is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(torch_distributed_model (torch_linear 2 1))", "part of no group"),
        ('(torch_distributed_init (dictionary "rank" 2 "world_size" 2))', "rank 2 of 2"),
        ('(torch_distributed_init (dictionary "world_size" 2))', "where to meet"),
        ('(torch_distributed_init (dictionary "ranks" 2))', "unknown option"),
        ('(torch_distributed_all_reduce (tensor_ones \'(2)) "middle")', "unknown operation"),
        ("(torch_distributed_broadcast (tensor_ones '(2)) 3)", "there is no process 3"),
        ("(torch_distributed_shard 5)", "must be a list or a tensor"),
        ('(torch_distributed_launch "none.lisp" 2)', "file not found"),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        LispE().eval(text)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("(integers 1 2 3)", "integers_"),
        ("(numbers 1 2 3)", "numbers_"),
        ('(strings "a" "b")', "strings_"),
        ("(list 1 2 3)", "list_"),
        ("(cdr (list 0 1 2))", "list_"),
        ("(iota0 5)", "integers_"),
    ],
)
def test_a_part_keeps_the_kind_of_the_list(data: str, kind: str) -> None:
    lisp = LispE()
    part = f"(torch_distributed_shard {data})"
    assert lisp.show(lisp.eval(part)) == lisp.show(lisp.eval(data))
    assert lisp.eval(f"(type {part})").name == kind
