"""Sinusoidal encodings and rotary embeddings, from their formulas."""

from __future__ import annotations

import math

import pytest
import torch

import lispe_py.primitives
from lispe_py import LispE, LispError
from lispe_py.primitives.positions import (
    PositionalEncoding,
    RotaryEmbedding,
    torch_apply_rotary_pos_emb,
    torch_rotary_forward,
)

lispe_py.primitives.load()


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


def run(program: str) -> str:
    lisp = LispE()
    lisp.eval("(use 'lispe_torch)")
    return lisp.show(lisp.eval(program))


def sinusoid(position: int, column: int, dim: int) -> float:
    angle = position / 10000 ** (2 * (column // 2) / dim)
    return math.cos(angle) if column % 2 else math.sin(angle)


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 7, 16])
def test_table_of_sinusoids(dim: int) -> None:
    table = PositionalEncoding(dim, 50)(torch.zeros(50, dim))
    expected = torch.tensor([[sinusoid(p, c, dim) for c in range(dim)] for p in range(50)])
    close(table, expected)


def test_far_positions_keep_their_digits() -> None:
    table = PositionalEncoding(4, 20000)(torch.zeros(20000, 4))
    assert abs(table[19999, 0].item() - math.sin(19999)) < 1e-6


def test_rows_are_added_position_by_position() -> None:
    encoder = PositionalEncoding(6, 20)
    x = torch.randn(3, 5, 6)
    y = encoder(x)
    close(y - x, encoder.pe[:5].expand(3, 5, 6))
    close(y[1], encoder(x[1]))
    assert encoder(torch.zeros(0, 6)).shape == (0, 6)
    assert encoder(x.double()).dtype is torch.float64
    assert encoder(x.half()).dtype is torch.float16


def test_positional_encoding_has_a_buffer_and_no_parameter() -> None:
    assert run("(size (torch_model_parameters (torch_positional_encoding 4 8)))") == "0"
    assert run("(torch_state_dict (torch_positional_encoding 4 8))") == (
        "PyTorch State Dict (0 parameters)"
    )
    assert run("(size (torch_state_dict (torch_positional_encoding 4 8)))") == "1"


def test_rotary_tables() -> None:
    cos, sin = torch_rotary_forward(RotaryEmbedding(6, 32), 10)
    angles = torch.tensor(
        [[p / 10000 ** (2 * i / 6) for i in (0, 1, 2, 0, 1, 2)] for p in range(10)]
    )
    close(cos, angles.cos())
    close(sin, angles.sin())


def test_rotary_check_values() -> None:
    cos, sin = torch_rotary_forward(RotaryEmbedding(4), 2)
    x = torch.tensor([[1.0, 2, 3, 4], [1, 2, 3, 4]])
    turned = torch_apply_rotary_pos_emb(x, cos, sin)
    close(turned[0], x[0])
    close(turned[1], torch.tensor([-1.98411, 1.95990, 2.46238, 4.01980]), 1e-5)
    close(turned.norm(dim=-1), x.norm(dim=-1), 1e-5)


def test_rotation_of_two_three_and_four_axes() -> None:
    rotary = RotaryEmbedding(8)
    cos, sin = torch_rotary_forward(rotary, 12)
    x = torch.randn(2, 3, 5, 8)
    turned = torch_apply_rotary_pos_emb(x, cos, sin)
    close(turned[1], torch_apply_rotary_pos_emb(x[1], cos, sin))
    close(turned[1, 2], torch_apply_rotary_pos_emb(x[1, 2], cos, sin))
    close(turned, rotary(x))
    pairs = torch.complex(x[..., :4], x[..., 4:])
    expected = pairs * torch.polar(torch.ones(5, 4), torch.atan2(sin[:5, :4], cos[:5, :4]))
    close(turned, torch.cat((expected.real, expected.imag), -1), 1e-5)


def test_products_depend_on_the_distance_only() -> None:
    cos, sin = torch_rotary_forward(RotaryEmbedding(8), 20)
    q, k = torch.randn(1, 8), torch.randn(1, 8)

    def at(v: torch.Tensor, p: int) -> torch.Tensor:
        return torch_apply_rotary_pos_emb(v, cos[p : p + 1], sin[p : p + 1])

    close(at(q, 3) @ at(k, 1).T, at(q, 19) @ at(k, 17).T, 1e-5)


def test_tables_grow_past_their_length_and_types_are_kept() -> None:
    rotary = RotaryEmbedding(4, 8)
    cos, _ = torch_rotary_forward(rotary, 100)
    assert cos.shape == (100, 4)
    assert abs(cos[99, 0].item() - math.cos(99)) < 1e-6
    x = torch.randn(3, 4, dtype=torch.bfloat16)
    assert rotary(x).dtype is torch.bfloat16
    assert torch_rotary_forward(rotary, 0)[0].shape == (0, 4)


def test_rotation_has_gradients() -> None:
    rotary = RotaryEmbedding(4)
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rotary, (x,))


def test_printed_forms() -> None:
    assert run("(torch_rotary_embedding 64)") == (
        "PyTorch Rotary Embedding (dim=64, max_seq_len=8192)"
    )
    assert run("(torch_positional_encoding 64)") == "PyTorch Positional Encoding"
    assert run("(list (type (torch_rotary_embedding 4)) (type (torch_positional_encoding 4)))") == (
        "(torch_rotary_embedding_ torch_positional_encoding_)"
    )


TABLES = "(setq t (torch_rotary_forward (torch_rotary_embedding 4) 3)) "


@pytest.mark.parametrize(
    "program",
    [
        "(torch_positional_encoding 0)",
        "(torch_positional_encoding 4 -1)",
        "(torch_positional_encoding 4.5)",
        "(torch_positional_encoding_forward (torch_positional_encoding 4 2) (tensor_zeros '(1 3 4)))",
        "(torch_positional_encoding_forward (torch_positional_encoding 4) (tensor_zeros '(2 5)))",
        "(torch_positional_encoding_forward (torch_positional_encoding 4) (tensor_zeros '(4)))",
        "(torch_positional_encoding_forward (torch_positional_encoding 4) (torch_tensor '((1 2 3 4))))",
        "(torch_positional_encoding_forward (torch_linear 4 4) (tensor_zeros '(2 4)))",
        "(torch_positional_encoding_forward (torch_positional_encoding 4) 5)",
        "(torch_rotary_embedding 7)",
        "(torch_rotary_embedding 0)",
        "(torch_rotary_embedding 4 0)",
        '(torch_rotary_forward (torch_rotary_embedding 4) 3 "abc")',
        "(torch_rotary_forward (torch_rotary_embedding 4) -1)",
        "(torch_rotary_forward (torch_linear 4 4) 3)",
        TABLES + "(torch_apply_rotary_pos_emb (tensor_zeros '(3 6)) (@ t 0) (@ t 1))",
        TABLES + "(torch_apply_rotary_pos_emb (tensor_zeros '(5 4)) (@ t 0) (@ t 1))",
        TABLES + "(torch_apply_rotary_pos_emb (tensor_zeros '(4)) (@ t 0) (@ t 1))",
        TABLES + "(torch_apply_rotary_pos_emb (torch_tensor '((1 2 3 4))) (@ t 0) (@ t 1))",
        TABLES + "(torch_apply_rotary_pos_emb (tensor_zeros '(3 4)) (@ t 0) 5)",
        "(torch_apply_rotary_pos_emb (tensor_zeros '(1 3)) (tensor_ones '(1 3)) (tensor_ones '(1 3)))",
    ],
)
def test_mistakes_are_errors_of_the_language(program: str) -> None:
    with pytest.raises(LispError):
        run(program)
