"""Forward passes and gradients of every module beside plain PyTorch with the same weights.

In float64 the two may differ by 1e-6 at most, in values and in gradients; inputs of two
and three axes, without positions, without a batch, and very long ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lispe_py import LispE

torch.set_num_threads(1)
Plain = Callable[[dict[str, Tensor], Tensor], Tensor]


def attention(w: dict[str, Tensor], x: Tensor, prefix: str = "", heads: int = 2) -> Tensor:
    """Multi-head attention by its formula (Vaswani et al. 2017)."""
    q, k, v = (x @ w[prefix + "in_proj_weight"].T + w[prefix + "in_proj_bias"]).chunk(3, -1)
    split = [t.unflatten(-1, (heads, -1)).transpose(-2, -3) for t in (q, k, v)]
    scores = split[0] @ split[1].transpose(-1, -2) / math.sqrt(split[0].shape[-1])
    mixed = (scores.softmax(-1) @ split[2]).transpose(-2, -3).flatten(-2)
    return mixed @ w[prefix + "out_proj.weight"].T + w[prefix + "out_proj.bias"]


def norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight + bias


def linear(w: dict[str, Tensor], x: Tensor, name: str = "") -> Tensor:
    return x @ w[f"{name}weight"].T + w[f"{name}bias"]


def mlp(w: dict[str, Tensor], x: Tensor) -> Tensor:
    hidden = linear(w, x, "fc1.").clamp(min=0)
    return linear(w, linear(w, hidden, "fc2.").clamp(min=0), "fc3.")


def block(w: dict[str, Tensor], x: Tensor) -> Tensor:
    x = norm(x + attention(w, x, "self_attn."), w["norm1.weight"], w["norm1.bias"])
    inner = linear(w, linear(w, x, "linear1.").clamp(min=0), "linear2.")
    return norm(x + inner, w["norm2.weight"], w["norm2.bias"])


def lora(w: dict[str, Tensor], x: Tensor) -> Tensor:
    return linear(w, x) + 2.0 * (x @ w["lora_A.default"].T) @ w["lora_B.default"].T


def sinusoids(_: dict[str, Tensor], x: Tensor) -> Tensor:
    rows = torch.arange(x.shape[-2], dtype=torch.float64)[:, None]
    pairs = torch.arange(x.shape[-1]) // 2 * 2
    angle = rows / 10000.0 ** (pairs / x.shape[-1])
    table = torch.where(torch.arange(x.shape[-1]) % 2 == 0, angle.sin(), angle.cos())
    return x + table.float().double()


MODULES: dict[str, Plain] = {
    "(torch_linear 8 3)": linear,
    "(torch_model 8 6 3)": mlp,
    "(torch_layer_norm 8)": lambda w, x: norm(x, w["weight"], w["bias"]),
    "(torch_multihead_attention 8 2)": attention,
    "(torch_transformer_block 8 2 16)": block,
    "(torch_lora_linear 8 3 2 4.0)": lora,
    "(torch_positional_encoding 8 4096)": sinusoids,
}
SHAPES = [(5, 8), (3, 5, 8), (1, 1, 8), (2, 0, 8), (0, 5, 8), (2, 1500, 8)]


def made(program: str) -> nn.Module:
    torch.manual_seed(4)
    module: nn.Module = LispE().eval(f"(use 'lispe_torch) {program}")
    module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            # What starts as zeros and ones would hide mistakes.
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("program", MODULES)
def test_module(program: str, shape: tuple[int, ...]) -> None:
    module = made(program)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    weights = {n: p.detach().clone().requires_grad_() for n, p in module.named_parameters()}
    lisp = LispE()
    lisp.globals["m"], lisp.globals["x"] = module, x
    found = lisp.eval("(use 'lispe_torch) (torch_forward m x)")
    wanted = MODULES[program](weights, y)
    assert found.shape == wanted.shape and found.dtype is torch.float64
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
    if not x.numel():
        return
    # A sum with other weights everywhere, so that no gradient vanishes by symmetry.
    scale = torch.linspace(-1, 1, wanted.numel(), dtype=torch.float64).reshape(wanted.shape)
    (found * scale).sum().backward()
    (wanted * scale).sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=0, atol=1e-6)
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            torch.testing.assert_close(
                parameter.grad, weights[name].grad, rtol=0, atol=1e-6, msg=lambda m, n=name: n + m
            )


@pytest.mark.parametrize("program", MODULES)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_element_types(program: str, dtype: str) -> None:
    """A module of another element type gives it, near what float64 gives."""
    module = made(program)
    x = torch.randn(3, 5, 8, dtype=torch.float64)
    wanted = MODULES[program](dict(module.named_parameters()), x)
    kind = getattr(torch, dtype)
    lisp = LispE()
    lisp.globals["m"], lisp.globals["x"] = module.to(kind), x.to(kind)
    found = lisp.eval("(use 'lispe_torch) (torch_forward m x)")
    assert found.dtype is kind
    tolerance = {"float32": 1e-5, "float16": 3e-2, "bfloat16": 2e-1}[dtype]
    torch.testing.assert_close(found.double(), wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("shape", [(7,), (3, 7), (0,), (2, 5000)], ids=str)
def test_embedding(shape: tuple[int, ...]) -> None:
    module = made("(torch_embedding 6 8)")
    ids = torch.randint(0, 6, shape)
    rows = module.weight.detach().clone().requires_grad_()
    lisp = LispE()
    lisp.globals["m"], lisp.globals["ids"] = module, ids
    found = lisp.eval("(use 'lispe_torch) (torch_forward m ids)")
    wanted = F.one_hot(ids, 6).double() @ rows
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
    if ids.numel():
        found.cos().sum().backward()
        wanted.cos().sum().backward()
        torch.testing.assert_close(module.weight.grad, rows.grad, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "program", ["(torch_multihead_attention 8 2)", "(torch_transformer_block 8 2 16)"]
)
@pytest.mark.parametrize("length", [5, 700])
def test_masks_and_their_gradients(program: str, length: int) -> None:
    """Padding that is hidden changes nothing and gets no gradient."""
    module = made(program)
    x = torch.randn(2, length, 8, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(2, length)
    mask[1, 3:] = 0
    name = "transformer" if "block" in program else "multihead_attention"
    lisp = LispE()
    lisp.globals.update({"m": module, "x": x, "mask": mask})
    found = lisp.eval(f"(use 'lispe_torch) (torch_{name}_forward m x mask)")
    short = x[1:, :3].detach().clone().requires_grad_()
    wanted = MODULES[program](dict(module.named_parameters()), short)
    torch.testing.assert_close(found[1:, :3], wanted, rtol=0, atol=1e-6)
    gradient = torch.autograd.grad(found[1, :3].square().sum(), x)[0]
    alone = torch.autograd.grad(wanted.square().sum(), short)[0]
    torch.testing.assert_close(gradient[1:, :3], alone, rtol=0, atol=1e-6)
    assert not gradient[1, 3:].any() and not gradient[0].any()
