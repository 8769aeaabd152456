"""Weights in 4 bits: what is kept, and products with few rows, computed again by hand."""

from __future__ import annotations

import pytest
import torch

from lispe_py.primitives import four_bits
from lispe_py.primitives.quantised_layers import QuantisedLinear

torch.set_num_threads(1)

#: Outputs, inputs, group: odd outputs, groups that do not fill the inputs, a lone input.
SIZES = [(6, 64, 32), (7, 20, 8), (1, 7, 32), (5, 33, 16), (16, 1, 4), (33, 5, 3)]


def test_what_is_kept() -> None:
    weight = torch.tensor([[0.0, 15.0, 3.0], [-2.0, 1.0, 7.0], [4.0, 4.0, 4.0]])
    table, scale, least = four_bits.pack(weight, 2)
    # groups of the inputs (0 1) and (2): scale and least value for every output
    assert scale.tolist() == [[1.0, pytest.approx(0.2), 1.0], [1.0, 1.0, 1.0]]
    assert least.tolist() == [[0.0, -2.0, 4.0], [3.0, 7.0, 4.0]]
    one = [0, 60, 0, 0]  # 1 and 0 in half precision
    assert table.tolist() == [[0, 0, *one], [15 | 15 << 4, 0, *one], [0, 0, *one]]


@pytest.mark.parametrize(("outputs", "inputs", "group"), SIZES)
@pytest.mark.parametrize("rows", [1, 3, four_bits.ROWS, four_bits.ROWS + 1])
def test_products_are_those_of_the_floating_weight(
    outputs: int, inputs: int, group: int, rows: int
) -> None:
    torch.manual_seed(outputs)
    layer = QuantisedLinear.of(torch.nn.Linear(inputs, outputs), "int4", group)
    x = torch.randn(rows, inputs)
    want = x.double() @ layer.dequantised(torch.float64).t() + layer.bias.double()
    assert torch.allclose(layer(x).double(), want, atol=1e-5)
    assert layer(x.view(1, rows, 1, inputs)).shape == (1, rows, 1, outputs)
    torch.testing.assert_close(layer(x.double()), want)
    short = layer(x.bfloat16())
    assert short.dtype is torch.bfloat16
    assert torch.allclose(short.double(), want, atol=0.05, rtol=0.02)


def test_the_ways_of_one_row_and_of_many_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    layer = QuantisedLinear.of(torch.nn.Linear(96, 40), "int4", 32)
    x = torch.randn(2, 96)
    fast = layer(x)
    monkeypatch.setattr(four_bits, "ROWS", 0)
    torch.testing.assert_close(layer(x), fast, atol=1e-5, rtol=1e-5)
    monkeypatch.setattr("lispe_py.primitives.quantised_layers.BLOCK", 96 * 7)
    torch.testing.assert_close(layer(x), fast, atol=1e-5, rtol=1e-5)
