"""Quantised models, whose numbers are computed again from their definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lispe_py import LispE, LispError
from lispe_py.primitives import quantised_layers as kept
from lispe_py.primitives.lora_layers import Adapted

torch.set_num_threads(1)


@pytest.fixture
def lisp(tmp_path: Path) -> LispE:
    made = LispE()
    made.eval("(use 'lispe_torch)")
    made.define("folder", f"{tmp_path}/")
    torch.manual_seed(2)
    return made


def take(lisp: LispE, text: str) -> Any:
    lisp.eval(text)
    return lisp.globals[text.partition("(setq ")[2].split(" ")[0]]


TRANSFORMER = """(setq m (torch_model_create "transformer" (dictionary "vocab_size" 20 "embed_dim" 32
   "num_heads" 4 "num_layers" 2 "ffn_dim" 64 "max_length" 16)))"""


# ------------------------------------------------------------------ layers


def test_eight_bits_are_within_half_a_step(lisp: LispE) -> None:
    linear = take(lisp, "(setq l (torch_linear 20 7))")
    layer = take(lisp, "(setq q (torch_model_quantize_dynamic l))")
    step = linear.weight.detach().abs().amax(1, keepdim=True) / 127
    gap = (layer.dequantised() - linear.weight.detach()).abs()
    assert bool((gap <= step / 2 + 1e-7).all())
    assert layer.packed.dtype is torch.int8 and not list(layer.parameters())
    x = torch.randn(3, 5, 20)
    want = F.linear(x, layer.dequantised(), linear.bias)
    torch.testing.assert_close(lisp.call("torch_forward", layer, x), want)
    assert lisp.show(layer) == "Quantised PyTorch Linear Layer (int8)"
    assert lisp.eval("(type q)").name == "torch_linear_"


@pytest.mark.parametrize(("columns", "group"), [(64, 32), (20, 8), (7, 32), (33, 16), (5, 3)])
def test_four_bits_are_within_half_a_step(lisp: LispE, columns: int, group: int) -> None:
    linear = take(lisp, f"(setq l (torch_linear {columns} 6))")
    layer = take(lisp, f"(setq q (torch_model_quantize_int4 l {group}))")
    weight = linear.weight.detach()
    for start in range(0, columns, group):
        part = weight[:, start : start + group]
        step = (part.amax(1, keepdim=True) - part.amin(1, keepdim=True)) / 15
        gap = (layer.dequantised()[:, start : start + group] - part).abs()
        assert bool((gap <= step / 2 + 1e-6).all())
    assert layer.packed.shape == (columns, 3 + 4)
    x = torch.randn(4, columns)
    torch.testing.assert_close(layer(x), F.linear(x, layer.dequantised(), linear.bias))


def test_rows_of_zeros(lisp: LispE) -> None:
    linear = take(lisp, "(setq l (torch_linear 8 3))")
    with torch.no_grad():
        linear.weight[1] = 0.0
    for how in kept.KINDS:
        layer = kept.QuantisedLinear.of(linear, how)
        assert not layer.dequantised()[1].any()


def integers(x: Tensor, layer: Any, step: Tensor, zero: Tensor) -> Tensor:
    """The product of integers as its definition says."""
    whole = torch.clamp(torch.round(x / step) + zero, -128, 127)
    product = (whole.long() - zero.long()) @ layer.packed.long().T
    out = product.float() * step * layer.scale.T
    return out if layer.bias is None else out + layer.bias


def test_static_layers_compute_with_integers(lisp: LispE) -> None:
    take(lisp, "(setq l (torch_linear 20 7))")
    lisp.globals["x"] = torch.rand(50, 20) * 3 - 1
    layer = take(lisp, "(setq q (torch_model_quantize_static l (list x)))")
    x = lisp.globals["x"]
    step = (x.max() - x.min()) / 255
    assert float(layer.step) == pytest.approx(float(step))
    torch.testing.assert_close(layer(x), integers(x, layer, layer.step, layer.zero))
    full = lisp.globals["l"](x).detach()
    assert float((layer(x) - full).abs().max()) < 0.05 * float(full.abs().max())
    assert lisp.show(layer) == "Quantised PyTorch Linear Layer (int8 static)"


def test_dynamic_activations_have_a_scale_for_each_row(lisp: LispE) -> None:
    take(lisp, "(setq l (torch_linear 20 7))")
    layer = take(lisp, '(setq q (torch_model_quantize_dynamic l "int8_dynamic"))')
    x = torch.randn(9, 20) * torch.logspace(-3, 3, 9).unsqueeze(1)
    step = x.abs().amax(1, keepdim=True) / 127
    torch.testing.assert_close(layer(x), integers(x, layer, step, torch.zeros(())))
    full = lisp.globals["l"](x).detach()
    assert float(((layer(x) - full).abs() / full.abs().amax(1, keepdim=True)).max()) < 0.03


@pytest.mark.parametrize("how", kept.KINDS)
def test_gradients_reach_the_input(lisp: LispE, how: str) -> None:
    linear = take(lisp, "(setq l (torch_linear 20 7))")
    layer = kept.QuantisedLinear.of(linear, how)
    x = torch.randn(4, 20, requires_grad=True)
    layer(x).sum().backward()
    want = torch.ones(4, 7) @ layer.dequantised()
    torch.testing.assert_close(x.grad, want)


@pytest.mark.parametrize("how", kept.KINDS)
def test_low_precision_inputs(lisp: LispE, how: str) -> None:
    linear = take(lisp, "(setq l (torch_linear 32 16))")
    layer = kept.QuantisedLinear.of(linear.to(torch.bfloat16), how)
    x = torch.randn(2, 32, dtype=torch.bfloat16)
    with torch.no_grad():
        found = layer(x)
    want = F.linear(x.float(), layer.dequantised(), layer.bias.float())
    assert found.dtype is torch.bfloat16
    assert float((found.float() - want).abs().max()) < 0.05


# ------------------------------------------------------------------ models


@pytest.mark.parametrize(
    ("how", "near"), [("int8", 0.02), ("qint8", 0.02), ("int8_dynamic", 0.04), ("int4", 0.25)]
)
def test_whole_models(lisp: LispE, how: str, near: float) -> None:
    model = take(lisp, TRANSFORMER)
    ids = torch.randint(0, 20, (3, 10))
    full = model(ids)
    before = {n: v.clone() for n, v in model.state_dict().items()}
    small = take(lisp, f'(setq q (torch_model_quantize_dynamic m "{how}"))')
    gap = float((small(ids) - full).abs().max()) / float(full.abs().max())
    assert 0 < gap < near
    assert all(torch.equal(v, before[n]) for n, v in model.state_dict().items())
    assert not any(p.requires_grad for p in small.parameters())
    size = "(torch_model_memory_usage {})"
    assert lisp.eval(size.format("q")) < 0.5 * lisp.eval(size.format("m"))
    kinds = {"qint8": "int8"}
    assert lisp.show(small) == f"Quantised PyTorch Transformer Model ({kinds.get(how, how)})"
    with pytest.raises(LispError):
        lisp.eval("(torch_backward (tensor_sum (torch_forward q (torch_tensor '((1 2))))))")


def test_attention_is_quantised_too(lisp: LispE) -> None:
    take(lisp, TRANSFORMER)
    small = take(lisp, "(setq q (torch_model_quantize_dynamic m))")
    assert sum(isinstance(m, kept.QuantisedAttention) for m in small.modules()) == 2
    assert not any("in_proj" in name for name in small.state_dict())


def test_layers_that_are_left_alone(lisp: LispE) -> None:
    take(lisp, TRANSFORMER)
    config = '(dictionary "exclude" (list "head" "layers.0.linear1") "group_size" 16)'
    small = take(lisp, f'(setq q (torch_model_quantize_dynamic m "int4" {config}))')
    assert type(small.head).__name__ == type(small.layers[0].linear1).__name__ == "Linear"
    assert isinstance(small.layers[1].linear1, kept.QuantisedLinear)
    assert small.layers[1].linear1.group == 16


def test_static_models(lisp: LispE) -> None:
    model = take(lisp, "(setq m (torch_model 6 32 4))")
    lisp.globals["x"] = torch.randn(200, 6)
    small = take(lisp, "(setq q (torch_model_quantize_static m x))")
    full = model(lisp.globals["x"])
    gap = (small(lisp.globals["x"]) - full).abs().max() / full.abs().max()
    assert float(gap) < 0.05
    assert lisp.show(small) == "Quantised PyTorch Model (int8 static)"


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
@pytest.mark.parametrize("how", ["int8", "int4", "static"])
def test_files(lisp: LispE, how: str, ending: str) -> None:
    take(lisp, "(setq m (torch_model 6 32 4))")
    lisp.globals["x"] = torch.randn(20, 6)
    if how == "static":
        small = take(lisp, "(setq q (torch_model_quantize_static m x))")
    else:
        small = take(lisp, f'(setq q (torch_model_quantize_dynamic m "{how}"))')
    lisp.eval(f'(torch_save_model q (+ folder "q.{ending}"))')
    again = lisp.eval(f'(torch_load_model (+ folder "q.{ending}"))')
    assert torch.equal(again(lisp.globals["x"]), small(lisp.globals["x"]))
    assert lisp.show(again) == lisp.show(small)


def test_a_quantised_transformer_in_a_file(lisp: LispE) -> None:
    take(lisp, TRANSFORMER)
    small = take(lisp, "(setq q (torch_model_quantize_dynamic m))")
    lisp.eval('(torch_save_model q (+ folder "q.pt"))')
    again = lisp.eval('(torch_load_model (+ folder "q.pt"))')
    ids = torch.randint(0, 20, (2, 5))
    assert torch.equal(again(ids), small(ids))


def test_back_to_plain_layers(lisp: LispE) -> None:
    model = take(lisp, TRANSFORMER)
    small = take(lisp, "(setq q (torch_model_quantize_dynamic m))")
    plain = take(lisp, "(setq p (torch_model_dequantize q))")
    assert list(plain.state_dict()) == list(model.state_dict())
    ids = torch.randint(0, 20, (2, 5))
    torch.testing.assert_close(plain(ids), small(ids))
    lone = lisp.eval("(torch_model_dequantize (torch_model_quantize_int4 (torch_linear 8 2)))")
    assert lisp.show(lone) == "PyTorch Linear Layer"


# ------------------------------------------------------------------ adapters


@pytest.mark.parametrize("how", kept.KINDS)
def test_adapters_over_quantised_weights(lisp: LispE, how: str) -> None:
    take(lisp, "(setq m (torch_model 6 32 4))")
    small = take(lisp, f'(setq q (torch_model_quantize_dynamic m "{how}"))')
    x = torch.randn(30, 6)
    base = small(x)
    lisp.eval('(torch_lora_apply q (dictionary "rank" 2 "alpha" 4))')
    assert torch.equal(small(x), base)
    trained = [n for n, p in small.named_parameters() if p.requires_grad]
    assert len(trained) == 6 and all("lora_" in n for n in trained)
    optimiser = torch.optim.Adam([p for p in small.parameters() if p.requires_grad], 0.05)
    goal = torch.randn(30, 4)
    first = float(F.mse_loss(small(x), goal).detach())
    for _ in range(30):
        optimiser.zero_grad()
        loss = F.mse_loss(small(x), goal)
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.8 * first
    lisp.eval('(torch_save_model q (+ folder "q.pt"))')
    again = lisp.eval('(torch_load_model (+ folder "q.pt"))')
    assert torch.equal(again(x), small(x))
    with pytest.raises(LispError, match=f"cannot be merged into weights kept as {how}"):
        lisp.eval("(torch_lora_merge_weights q)")


def test_an_adapted_model_is_quantised_under_its_adapters(lisp: LispE) -> None:
    model = take(lisp, "(setq m (torch_model 6 32 4))")
    lisp.eval('(torch_lora_apply m (dictionary "rank" 2 "target_modules" (list "fc2")))')
    with torch.no_grad():
        model.fc2.lora_B["default"].normal_()
    x = torch.randn(5, 6)
    small = take(lisp, "(setq q (torch_model_quantize_dynamic m))")
    assert isinstance(small.fc2, Adapted)
    assert torch.equal(small.fc2.delta(), model.fc2.delta())
    gap = float((small(x) - model(x)).abs().max() / model(x).abs().max())
    assert gap < 0.03
    assert [n for n, p in small.named_parameters() if p.requires_grad] == [
        "fc2.lora_A.default", "fc2.lora_B.default",
    ]  # fmt: skip


# ------------------------------------------------------------------ decoders


def test_a_loaded_decoder_is_quantised_in_place(lisp: LispE) -> None:
    lisp.eval("""
    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 40 "hidden_size" 32
       "intermediate_size" 64 "num_hidden_layers" 2 "num_attention_heads" 4
       "num_key_value_heads" 2 "tie_word_embeddings" true "initializer_range" 0.3)) (+ folder "m"))
    (setq h (torch_hf_load_model (+ folder "m")))
    (setq ids (torch_tensor '((1 5 9 3))))
    """)
    full = lisp.eval("(torch_hf_forward h ids)")
    before = lisp.eval("(torch_hf_memory_usage h)")
    assert (
        lisp.eval('(torch_hf_quantize h "int8" (dictionary "exclude" "lm_head"))')
        == (lisp.globals["h"])
    )
    found = lisp.eval("(torch_hf_forward h ids)")
    assert 0 < float((found - full).abs().max() / full.abs().max()) < 0.05
    assert lisp.eval("(torch_hf_memory_usage h)") < 0.5 * before
    ids = lisp.eval('(torch_hf_generate h ids nil 4 (dictionary "greedy" true))')
    assert len(ids) == 4
    with pytest.raises(LispError, match="is quantised"):
        lisp.eval('(torch_hf_save_model h (+ folder "n"))')
    with pytest.raises(LispError, match="is quantised"):
        lisp.eval("(torch_hf_get_q_weight h 0)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(torch_model_quantize_dynamic 5)", "must be a module"),
        ('(torch_model_quantize_dynamic (torch_linear 2 2) "int3")', "unknown quantised dtype"),
        ("(torch_model_quantize_int4 (torch_linear 2 2) 0)", "must be a positive integer"),
        ("(torch_model_quantize_static (torch_linear 3 2) (list))", "at least one tensor"),
        ("(torch_model_quantize_static (torch_linear 3 2) 5)", "must be tensors"),
        (
            "(torch_model_quantize_static (torch_linear 3 2) (tensor_ones '(1 4)))",
            "last axis",
        ),
        (
            '(torch_model_quantize_dynamic (torch_linear 2 2) "int8" (dictionary "size" 3))',
            "unknown option 'size'",
        ),
    ],
)
def test_errors(lisp: LispE, text: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        lisp.eval(text)
