"""The flash attention family against plain softmax attention."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

import lispe_py.primitives
from lispe_py import LispE, LispError
from lispe_py.primitives.attention import FlashAttention
from lispe_py.primitives.attention import torch_flash_attention as flash
from lispe_py.primitives.attention import torch_flash_attention_masked as flash_masked
from lispe_py.primitives.attention import torch_flash_attention_with_dropout as with_dropout
from lispe_py.primitives.attention import torch_flash_attention_with_mask as with_mask
from lispe_py.primitives.attention import torch_scaled_dot_product_attention as sdpa
from lispe_py.primitives.attention import torch_standard_attention as standard

lispe_py.primitives.load()

INF = float("-inf")


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


def plain(q, k, v, bias=None, scale=None):  # type: ignore[no-untyped-def]
    """Softmax attention by the formula, in double precision."""
    q, k, v = q.double(), k.double(), v.double()
    scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    return torch.softmax(scores, -1) @ v


def run(program: str) -> str:
    lisp = LispE()
    lisp.eval("(use 'lispe_torch)")
    return lisp.show(lisp.eval(program))


SHAPES = [(2, 5, 8), (2, 3, 5, 8), (1, 1, 1), (1, 1, 1, 4)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_functional_calls_agree_with_the_formula(shape, dtype) -> None:
    q, k, v = (torch.randn(shape, dtype=dtype) for _ in range(3))
    expected = plain(q, k, v).to(dtype)
    tolerance = 1e-5 if dtype is torch.float32 else 1e-12
    for found in (sdpa(q, k, v), flash(q, k, v), flash(q, k, v, None, 64), standard(q, k, v)):
        assert found.shape == q.shape and found.dtype is dtype
        close(found, expected, tolerance)
    for found in (sdpa(q, k, v, None, 0.0, None, 0.7), flash(q, k, v, 0.7), standard(q, k, v, 0.7)):
        close(found, plain(q, k, v, scale=0.7).to(dtype), tolerance)


def test_lengths_and_the_size_of_values_may_differ() -> None:
    q, k, v = torch.randn(2, 3, 8), torch.randn(2, 6, 8), torch.randn(2, 6, 5)
    close(sdpa(q, k, v), plain(q, k, v).float(), 1e-5)
    close(flash(q, k, v), plain(q, k, v).float(), 1e-5)


def test_element_types_are_brought_together() -> None:
    q, k, v = torch.randn(1, 3, 4), torch.randn(1, 3, 4).double(), torch.randn(1, 3, 4)
    assert sdpa(q, k, v).dtype is torch.float64


def test_gradients_agree_with_the_formula() -> None:
    leaves = [torch.randn(2, 4, 8, requires_grad=True) for _ in range(3)]
    mask = torch.ones(4, 4).tril()
    sdpa(*leaves, mask).square().sum().backward()
    mine = [t.grad.clone() for t in leaves]
    for t in leaves:
        t.grad = None
    plain(*leaves, torch.zeros(4, 4).masked_fill(mask == 0, INF)).square().sum().backward()
    for found, t in zip(mine, leaves, strict=True):
        close(found, t.grad, 1e-5)


# ------------------------------------------------------------------ masks


@pytest.mark.parametrize(
    "kind", [torch.bool, torch.float32, torch.float64, torch.int64, torch.uint8]
)
def test_ones_keep_and_zeros_hide(kind: torch.dtype) -> None:
    q, k, v = torch.randn(2, 4, 8), torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    keep = torch.rand(2, 4, 5) > 0.4
    keep[..., 0] = True
    bias = torch.zeros(2, 4, 5).masked_fill(~keep, INF)
    expected = plain(q, k, v, bias).float()
    close(sdpa(q, k, v, keep.to(kind)), expected, 1e-5)
    close(flash_masked(q, k, v, None, keep.to(kind)), expected, 1e-5)
    one = torch.zeros(4, 5).masked_fill(~keep[0], INF)
    close(sdpa(q, k, v, keep[0].to(kind)), plain(q, k, v, one).float(), 1e-5)


def test_other_float_masks_are_added() -> None:
    q = torch.randn(2, 3, 4, 8)
    bias = torch.randn(4, 4)
    close(sdpa(q, q, q, bias), plain(q, q, q, bias).float(), 1e-5)
    heads = torch.randn(1, 3, 1, 4)
    close(sdpa(q, q, q, heads), plain(q, q, q, heads).float(), 1e-5)
    far = torch.zeros(4, 4).masked_fill(torch.ones(4, 4).tril() == 0, INF)
    close(sdpa(q, q, q, far), sdpa(q, q, q, None, 0.0, True), 1e-6)


def test_a_float_mask_of_zeros_adds_nothing() -> None:
    q = torch.randn(2, 4, 8)
    close(sdpa(q, q, q, torch.zeros(4, 4)), sdpa(q, q, q))


def test_a_learned_mask_gets_gradients() -> None:
    q = torch.randn(1, 4, 8)
    bias = torch.randn(4, 4, requires_grad=True)
    sdpa(q, q, q, bias).square().sum().backward()
    assert bias.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", [torch.bool, torch.float32])
def test_a_query_that_sees_nothing_gives_zeros(kind: torch.dtype) -> None:
    q = torch.randn(2, 3, 8, requires_grad=True)
    mask = torch.ones(3, 3)
    mask[1] = 0
    out = sdpa(q, q, q, mask.to(kind))
    assert torch.equal(out[:, 1], torch.zeros(2, 8))
    out.sum().backward()
    assert q.grad.isfinite().all()
    nothing = sdpa(q, q, q, torch.full((3, 3), INF))
    assert torch.equal(nothing, torch.zeros(2, 3, 8))
    assert torch.equal(sdpa(q, q, q, torch.zeros(3, 3, dtype=torch.bool)), torch.zeros(2, 3, 8))


def test_causal_and_mask_combine() -> None:
    q, k = torch.randn(2, 4, 8), torch.randn(2, 6, 8)
    lower = torch.ones(4, 6).tril()
    keep = torch.ones(4, 6)
    keep[:, 0] = 0
    both = torch.zeros(4, 6).masked_fill(lower * keep == 0, INF)
    both[0] = 0.0  # the first query sees nothing
    expected = plain(q, k, k, both).float()
    expected[:, 0] = 0.0
    for mask in (keep, keep.bool(), torch.zeros(4, 6).masked_fill(keep == 0, INF)):
        close(sdpa(q, k, k, mask, 0.0, True), expected, 1e-5)
    causal = torch.zeros(4, 6).masked_fill(lower == 0, INF)
    close(sdpa(q, k, k, None, 0.0, True), plain(q, k, k, causal).float(), 1e-5)


def test_dropout_of_the_functional_call() -> None:
    torch.manual_seed(0)
    q = torch.randn(1, 16, 8)
    ones = torch.ones(1, 16, 8)
    assert not torch.allclose(sdpa(q, q, ones, None, 0.5), ones)
    close(sdpa(q, q, ones, None, 0.0), ones, 1e-5)


# ------------------------------------------------------------------ the module


def by_hand(m: FlashAttention, q, k, v, bias=None):  # type: ignore[no-untyped-def]
    heads = m.num_heads

    def split(x):  # type: ignore[no-untyped-def]
        return x.reshape(*x.shape[:-1], heads, -1).transpose(-2, -3)

    out = plain(split(m.q_proj(q)), split(m.k_proj(k)), split(m.v_proj(v)), bias).float()
    return m.out_proj(out.transpose(-2, -3).flatten(-2))


@pytest.mark.parametrize("bias", [True, None])
def test_module_by_hand(bias: object) -> None:
    m = FlashAttention(16, 4, 0.0, bias)
    q, k, v = torch.randn(2, 3, 16), torch.randn(2, 6, 16), torch.randn(2, 6, 16)
    close(m(q, k, v), by_hand(m, q, k, v), 1e-5)
    close(m(q[0], k[0], v[0]), by_hand(m, q[0], k[0], v[0]), 1e-5)
    assert len(list(m.parameters())) == (8 if bias else 4)


def test_module_weights_are_xavier_uniform() -> None:
    m = FlashAttention(64, 4)
    limit = math.sqrt(6 / 128)
    for projection in (m.q_proj, m.k_proj, m.v_proj, m.out_proj):
        assert projection.weight.abs().max() <= limit
        assert projection.weight.abs().max() > 0.9 * limit
        assert projection.bias.abs().max() <= 1 / 8


@pytest.mark.parametrize("kind", [torch.bool, torch.float32])
def test_masks_of_the_module(kind: torch.dtype) -> None:
    m = FlashAttention(8, 2)
    x = torch.randn(3, 4, 8)
    lower = torch.ones(4, 4).tril()
    bias = torch.zeros(4, 4).masked_fill(lower == 0, INF)
    expected = by_hand(m, x, x, x, bias)
    close(with_mask(m, x, x, x, lower.to(kind)), expected, 1e-5)
    close(with_mask(m, x, x, x, lower.expand(3, 4, 4).to(kind)), expected, 1e-5)
    close(with_mask(m, x, x, x, lower.expand(2, 4, 4).to(kind)), expected, 1e-5)
    close(with_mask(m, x, x, x, lower.expand(3, 2, 4, 4).to(kind)), expected, 1e-5)
    close(with_mask(m, x[0], x[0], x[0], lower.to(kind)), expected[0], 1e-5)
    close(with_mask(m, x, x, x, None), m(x), 1e-6)
    each = torch.stack([lower, torch.ones(4, 4), torch.eye(4)])
    biases = torch.zeros(3, 1, 4, 4).masked_fill(each.unsqueeze(1) == 0, INF)
    close(with_mask(m, x, x, x, each.to(kind)), by_hand(m, x, x, x, biases), 1e-5)


def test_a_position_of_the_module_that_sees_nothing_gives_zeros() -> None:
    m = FlashAttention(8, 2)
    x = torch.randn(2, 3, 8)
    mask = torch.ones(3, 3)
    mask[2] = 0
    out = with_mask(m, x, x, x, mask)
    assert torch.equal(out[:, 2], torch.zeros(2, 8))
    assert out[:, :2].abs().min() > 0


def test_dropout_of_the_module_works_in_training_only() -> None:
    m = FlashAttention(8, 2, 0.5)
    x = torch.randn(2, 6, 8)
    m.eval()
    still = m(x)
    assert torch.equal(m(x), still)
    m.train()
    assert not torch.allclose(m(x), still)
    m.eval()
    close(with_dropout(m, x, x, x, 0.5, None), still)
    assert not torch.allclose(with_dropout(m, x, x, x, 0.5, True), still)
    assert not torch.allclose(with_dropout(m, x, x, x, 0.5), still)
    m.train()
    close(with_dropout(m, x, x, x, 0.0, True), still)


def test_attention_runs_on_long_sequences() -> None:
    q = torch.randn(1, 4096, 16)
    out = flash(q, q, q)
    row = F.softmax(q[:, 4000:4001] @ q.transpose(1, 2) * 0.25, -1) @ q
    close(out[:, 4000:4001], row, 1e-4)


def test_printed_forms() -> None:
    assert run("(torch_flash_attention_create 256 8 0.1 true)") == (
        "Flash Attention (embed_dim=256, num_heads=8, head_dim=32, dropout=0.1, bias=true)"
    )
    assert run("(torch_flash_attention_create 16 2 nil nil)") == (
        "Flash Attention (embed_dim=16, num_heads=2, head_dim=8, dropout=0, bias=false)"
    )
    assert run("(type (torch_flash_attention_create 2 1))") == "torch_flash_attention_"


T = "(tensor_ones '(1 2 4))"


@pytest.mark.parametrize(
    "program",
    [
        "(torch_flash_attention_create 8 3)",
        "(torch_flash_attention_create 8 2 1.0)",
        "(torch_flash_attention_create 8 2 -0.1)",
        "(torch_flash_attention_create 8 2 0.1 5)",
        f"(torch_flash_attention_forward (torch_linear 4 4) {T} {T} {T})",
        f"(torch_flash_attention_forward 5 {T} {T} {T})",
        f"(torch_flash_attention_forward (torch_flash_attention_create 8 2) {T} {T} {T})",
        f"(torch_flash_attention_with_dropout (torch_flash_attention_create 4 2) {T} {T} {T} 1.0)",
        f"(torch_flash_attention_with_dropout (torch_flash_attention_create 4 2) {T} {T} {T} -0.5)",
        f"(torch_flash_attention_with_mask (torch_flash_attention_create 4 2) {T} {T} {T}"
        " (tensor_ones '(3 3)))",
        f"(torch_flash_attention_with_mask (torch_flash_attention_create 4 2) {T} {T} {T} 1)",
        "(torch_flash_attention (tensor_ones '(2 4)) (tensor_ones '(2 4)) (tensor_ones '(2 4)))",
        f"(torch_flash_attention {T} {T} (tensor_ones '(1 3 4)))",
        f"(torch_flash_attention {T} (tensor_ones '(1 2 5)) {T})",
        f"(torch_flash_attention {T} (tensor_ones '(2 2 4)) {T})",
        f'(torch_flash_attention {T} {T} {T} "a")',
        f"(torch_flash_attention {T} {T} {T} nil 0)",
        f"(torch_scaled_dot_product_attention {T} {T} {T} (tensor_ones '(3 3)))",
        f"(torch_scaled_dot_product_attention {T} {T} {T} (tensor_ones '(2 2 2)))",
        f"(torch_scaled_dot_product_attention {T} {T} {T} nil 1.5)",
        f"(torch_scaled_dot_product_attention {T} {T} {T} nil 0.0 7)",
        f"(torch_scaled_dot_product_attention {T} {T} 5)",
        "(torch_scaled_dot_product_attention (torch_tensor '(((1 2)))) (torch_tensor '(((1 2))))"
        " (torch_tensor '(((1 2)))))",
        f"(torch_flash_attention_masked {T} {T} {T} nil (tensor_ones '(5)))",
        "(torch_standard_attention (tensor_ones '(2 4)) (tensor_ones '(2 4)) (tensor_ones '(2 4)))",
    ],
)
def test_mistakes_are_errors_of_the_language(program: str) -> None:
    with pytest.raises(LispError):
        run(program)
