"""Reductions of tensors, whose results act as numbers."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from tensor_programs import near, refused, run, shown

T = torch.tensor([[1.0, 9.0, 3.0], [4.0, 5.0, 2.0]], dtype=torch.float64)
N = T.numpy()


@pytest.mark.parametrize(
    ("name", "whole", "rows"),
    [
        ("sum", N.sum(), N.sum(1)),
        ("prod", N.prod(), N.prod(1)),
        ("mean", N.mean(), N.mean(1)),
        ("std", N.std(ddof=1), N.std(1, ddof=1)),
        ("var", N.var(ddof=1), N.var(1, ddof=1)),
        ("max", N.max(), N.max(1)),
        ("min", N.min(), N.min(1)),
    ],
)
def test_reductions(name: str, whole: float, rows: numpy.ndarray) -> None:
    for spelling in (f"torch_{name}", f"tensor_{name}", f"torch_tensor_{name}"):
        assert near(run(f"({spelling} t)", t=T), torch.tensor(whole, dtype=torch.float64))
    assert near(run(f"(torch_{name} t 1)", t=T), torch.from_numpy(rows))
    assert near(run(f"(torch_{name} t -1 true)", t=T), torch.from_numpy(rows).unsqueeze(1))


def test_several_axes() -> None:
    t = torch.rand(2, 3, 4)
    assert near(run("(torch_sum t '(0 2))", t=t), t.sum((0, 2)))
    assert near(run("(torch_mean t (integers 1 -1))", t=t), t.mean((1, 2)))


def test_integers() -> None:
    i = torch.tensor([2, 4, 4, 4, 5, 5, 7, 9])
    assert near(run("(torch_sum t)", t=i), torch.tensor(40))
    assert near(run("(torch_mean t)", t=i), torch.tensor(5.0))
    assert near(run("(torch_std t)", t=i), torch.tensor(2.1380899), 1e-5)
    assert near(run("(torch_max t)", t=i), torch.tensor(9))
    assert near(run("(torch_var t 0)", t=i), torch.tensor(4.5714288), 1e-5)
    assert "floating" in refused("(torch_mean_dim t 0)", t=i)
    assert "floating" in refused("(torch_mean t 0)", t=i)


def test_positions() -> None:
    assert near(run("(torch_argmax t)", t=T), torch.tensor(1))
    assert near(run("(torch_argmax t 1)", t=T), torch.tensor([[1], [1]]))
    assert near(run("(torch_argmax t 1 nil)", t=T), torch.tensor([1, 1]))
    assert near(run("(torch_argmax t 0 true)", t=T), torch.tensor([[1, 0, 0]]))
    assert near(run("(torch_argmin t)", t=T), torch.tensor(0))
    assert near(run("(torch_argmin t 1 nil)", t=T), torch.tensor([0, 2]))
    assert run("(torch_argmax (torch_tensor (floats 4 4 1)))").item() == 0


def test_along_an_axis() -> None:
    assert near(run("(torch_mean_dim t 0)", t=T), T.mean(0))
    assert near(run("(torch_cumsum t 1)", t=T), T.cumsum(1))
    assert near(run("(torch_cumsum (torch_tensor (integers 1 2 3)) 0)"), torch.tensor([1, 3, 6]))
    expected = torch.from_numpy(numpy.log(numpy.exp(N).sum(1)))
    assert near(run("(torch_logsumexp t)", t=T), expected)
    assert run("(torch_logsumexp (torch_tensor (floats 1000 1000)))").item() == pytest.approx(
        1000.6931
    )


def test_tests() -> None:
    assert run("(torch_any (torch_tensor (integers 0 1)))") is True
    assert run("(torch_any (torch_zeros '(2)))") is None
    assert run("(torch_all (torch_ones '(2)))") is True
    assert run("(torch_all (torch_tensor '(true nil)))") is None
    assert run("(torch_allclose t u)", t=T, u=T + 1e-9) is True
    assert run("(torch_allclose t u)", t=T, u=T + 1e-3) is None
    assert run("(torch_allclose t u 0.01)", t=T, u=T + 1e-3) is True
    assert run("(torch_allclose t u)", t=T, u=T[0]) is None


def test_of_no_element() -> None:
    empty = torch.zeros(0)
    assert run("(torch_sum t)", t=empty).item() == 0
    assert run("(torch_prod t)", t=empty).item() == 1
    assert math.isnan(run("(torch_mean t)", t=empty).item())
    assert math.isnan(run("(torch_std t)", t=empty).item())
    assert math.isnan(run("(torch_std (torch_ones '(1)))").item())
    for name in ("max", "min", "argmax", "argmin"):
        assert "empty" in refused(f"(torch_{name} t)", t=empty)
    assert "empty" in refused("(torch_max t 0)", t=empty)
    assert run("(torch_max t 1)", t=torch.zeros(0, 2)).shape == (0,)


@pytest.mark.parametrize(
    "program",
    ["(torch_sum 4)", "(torch_mean \"x\")", "(torch_max nil)", "(torch_mean_dim t 2)",
     "(torch_argmax t 3)", "(torch_argmax t 0 4)", "(torch_cumsum t 2)", "(torch_cumsum t \"x\")",
     "(torch_sum t 0.5)", "(torch_sum t '(0 5))", "(torch_max t 2)", "(torch_std t 7)"],
)  # fmt: skip
def test_what_does_not_fit(program: str) -> None:
    assert refused(program, t=T)


def test_results_act_as_numbers() -> None:
    program = "(setq m (tensor_mean (tensor_create (floats 2 4)))) "
    for form, expected in (
        ("m", "3"), ("(@ m 0)", "3"), ("(- 10.0 (tensor_item m))", "7"), ("(+ m 1)", "4"),
        ("(> m 2.5)", "true"), ("(< m 2.5)", "nil"), ("(= m 3)", "true"), ("(integer m)", "3"),
        ("(string m)", "3"), ("(tensor_add m (tensor_create (floats 1 2)))", "(4 5)"),
        ("(numberp m)", "true"), ("(at '(4 5 6 7) m)", "7"), ("(max m 7)", "7"),
        ("(sqrt (+ m 1))", "2"), ("(floats m m)", "(3 3)"), ("(car m)", "nil"), ("(size m)", "1"),
    ):  # fmt: skip
        assert shown(program + form) == expected, form


def test_results_keep_their_gradient() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    run("(torch_backward (* (tensor_mean w) 4))", w=w)
    assert w.grad is not None and w.grad.tolist() == [2, 2]
