"""The product of few rows with a matrix, part by part on all threads, is the product."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from lispe_py import LispE, LispError
from lispe_py.primitives import few_rows


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "shape", [(96,), (1, 96), (1, 1, 96), (3, 96), (2, 5, 96), (16, 96), (17, 96)]
)
@pytest.mark.parametrize("outputs", [512, 513, 389])
@pytest.mark.parametrize("biased", [True, False])
def test_the_product(shape: tuple[int, ...], outputs: int, biased: bool) -> None:
    torch.manual_seed(1)
    x, weight = torch.randn(shape), torch.randn(outputs, 96)
    bias = torch.randn(outputs) if biased else None
    want = torch.nn.functional.linear(
        x.double(), weight.double(), bias.double() if biased else None
    )
    with torch.no_grad():
        found = few_rows.linear(x, weight, bias)
        strided = few_rows.linear(x, weight.t().contiguous().t(), bias)
    torch.testing.assert_close(found.double(), want, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(strided.double(), want, atol=1e-4, rtol=1e-5)
    assert found.shape == (*shape[:-1], outputs)


@pytest.mark.parametrize(
    ("outputs", "threads", "parts"),
    [(576, 1, 1), (576, 2, 2), (577, 2, 1), (576, 5, 6), (513, 2, 3), (49152, 16, 16), (7, 4, 7)],
)
def test_the_parts_are_equal_and_at_least_the_threads(
    outputs: int, threads: int, parts: int
) -> None:
    assert few_rows.parts_of(outputs, threads) == parts


def test_a_layer_in_and_out_of_training() -> None:
    lisp = LispE()
    lisp.eval("(use 'lispe_torch) (setq l (torch_linear 256 512)) (setq x (torch_randn '(1 256)))")
    trained = lisp.eval("(torch_forward l x)")
    assert trained.requires_grad
    with torch.no_grad():
        plain = lisp.eval("(torch_forward l x)")
    torch.testing.assert_close(plain, trained.detach(), atol=1e-5, rtol=1e-5)
    with torch.no_grad(), pytest.raises(LispError, match="should be 256"):
        lisp.eval("(torch_forward l (torch_randn '(1 255)))")
