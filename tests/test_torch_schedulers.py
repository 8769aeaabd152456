"""Learning rate schedules by their formulas."""

from __future__ import annotations

import math

import pytest
import torch

import lispe_py.primitives
from lispe_py import LispE, LispError
from lispe_py.primitives import optimisers
from lispe_py.primitives.layers import Linear
from lispe_py.primitives.schedulers import make

lispe_py.primitives.load()


def rates(kind: str, config: dict, steps: int, rate: float = 0.001) -> list[float]:
    optimizer = optimisers.make("sgd", Linear(1, 1), rate)
    schedule = make(optimizer, kind, config)
    found = []
    for _ in range(steps):
        schedule.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


def run(program: str) -> str:
    lisp = LispE()
    lisp.eval("(use 'lispe_torch)")
    return lisp.show(lisp.eval(program))


def test_warm_up_then_cosine() -> None:
    config = {"initial_lr": 1e-3, "min_lr": 1e-6, "total_steps": 10, "warmup_steps": 2}
    found = rates("linear_warmup_cosine", config, 14)
    expected = [0.0005, 0.001]
    expected += [1e-6 + (1e-3 - 1e-6) * (1 + math.cos(math.pi * n / 8)) / 2 for n in range(1, 9)]
    assert found[:10] == pytest.approx(expected, abs=1e-15)
    assert found[2] == pytest.approx(0.00096198, abs=1e-8)
    assert found[10:] == pytest.approx([1e-6] * 4, abs=1e-15)


def test_cosine_is_pytorch_s() -> None:
    found = rates("cosine", {"min_lr": 0.01, "total_steps": 7}, 7, 0.5)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 7, 0.01)
    expected = []
    for _ in range(7):
        optimizer.step()
        theirs.step()
        expected.append(optimizer.param_groups[0]["lr"])
    assert found == pytest.approx(expected, abs=1e-12)


def test_linear_exponential_step() -> None:
    assert rates("linear", {"min_lr": 0.2, "total_steps": 4}, 5, 1.0) == pytest.approx(
        [0.8, 0.6, 0.4, 0.2, 0.2]
    )
    assert rates("exponential", {"gamma": 0.5}, 3, 0.4) == pytest.approx([0.2, 0.1, 0.05])
    assert rates("step", {"step_size": 2, "gamma": 0.1}, 5, 1.0) == pytest.approx(
        [1.0, 0.1, 0.1, 0.01, 0.01]
    )


def test_defaults() -> None:
    assert rates("exponential", {}, 1, 0.5) == pytest.approx([0.05])
    assert rates("step", {}, 100, 0.5)[98:] == pytest.approx([0.5, 0.05])
    assert rates("cosine", {}, 1000, 0.5)[-1] == pytest.approx(1e-6)
    assert rates("exponential", {"initial_lr": 1.0, "gamma": 0.5}, 1, 0.25) == pytest.approx([0.5])


def test_no_more_steps_than_warm_up() -> None:
    config = {"total_steps": 4, "warmup_steps": 8, "min_lr": 0.0}
    found = rates("linear_warmup_cosine", config, 10, 1.0)
    assert found == pytest.approx([n / 8 for n in range(1, 9)] + [1.0, 1.0])


def test_groups_keep_their_proportions() -> None:
    model = torch.nn.Sequential(Linear(1, 1), Linear(1, 1))
    optimizer = optimisers.make("sgd", model, 0.1, {"layer_decay": 0.5})
    schedule = make(optimizer, "exponential", {"gamma": 0.1})
    schedule.step()
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.005, 0.01])


def test_in_the_language() -> None:
    program = """
    (setq opt (torch_optimizer (torch_linear 1 1) 0.5 "sgd"))
    (setq s (torch_lr_scheduler opt "Exponential" (dictionary "gamma" 0.5)))
    (setq before (string s))
    (torch_scheduler_step s)
    (setq r1 (torch_scheduler_get_lr s))
    (torch_scheduler_set_lr s 2.0)
    (setq r2 (torch_scheduler_get_lr s))
    (torch_scheduler_step s)
    (list before r1 r2 (torch_scheduler_get_lr s) (string s) (type s))"""
    assert run(program) == (
        '("LR Scheduler (Exponential, step=0, lr=0.5)" 0.25 2 0.125 '
        '"LR Scheduler (Exponential, step=2, lr=0.125)" torch_lrs_scheduler_)'
    )


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("torch_lr_scheduler_linear_warmup_cosine", "LinearWarmupCosine"),
        ("torch_lr_scheduler_cosine", "Cosine"),
        ("torch_lr_scheduler_exponential", "Exponential"),
        ("torch_lr_scheduler_step_decay", "Step"),
        ("torch_lr_scheduler_linear", "Linear"),
    ],
)
def test_shorthands(call: str, name: str) -> None:
    assert run(f"({call} (torch_optimizer (torch_linear 1 1) 0.5) (dictionary))") == (
        f"LR Scheduler ({name}, step=0, lr=0.5)"
    )


@pytest.mark.parametrize(
    "program",
    [
        '(torch_lr_scheduler (torch_linear 1 1) "cosine")',
        '(torch_lr_scheduler (torch_optimizer (torch_linear 1 1)) "zigzag" (dictionary))',
        "(torch_lr_scheduler (torch_optimizer (torch_linear 1 1)) 5)",
        '(torch_lr_scheduler (torch_optimizer (torch_linear 1 1)) "cosine" (dictionary "steps" 5))',
        '(torch_lr_scheduler (torch_optimizer (torch_linear 1 1)) "cosine" (dictionary "min_lr" "a"))',
        '(torch_lr_scheduler (torch_optimizer (torch_linear 1 1)) "step" (dictionary "step_size" 0))',
        '(torch_lr_scheduler (torch_optimizer (torch_linear 1 1)) "step" (dictionary "total_steps" -1))',
        '(torch_lr_scheduler (torch_optimizer (torch_linear 1 1)) "step" 5)',
        "(torch_scheduler_step (torch_optimizer (torch_linear 1 1)))",
        "(torch_scheduler_get_lr nil)",
        '(torch_scheduler_set_lr (torch_lr_scheduler_cosine (torch_optimizer (torch_linear 1 1))) "a")',
    ],
)
def test_mistakes_are_errors_of_the_language(program: str) -> None:
    with pytest.raises(LispError):
        run(program)
