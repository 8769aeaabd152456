"""TorchScript models, against the torch modules they were made of."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lispe_py import LispE, LispError
from lispe_py.primitives.lora_layers import LoRALinear

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.relu(self.first(x)))  # type: ignore[no-any-return]


class Net(nn.Module):
    """Parts within parts, a part that is called twice, a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Inner(), Inner())
        self.norm = nn.LayerNorm(3)
        self.head = nn.Linear(3, 2)
        self.register_buffer("scale", torch.tensor([2.0]))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.blocks(self.norm(x)))
        return self.head(x) * self.scale  # type: ignore[no-any-return]


@pytest.fixture
def net() -> Net:
    torch.manual_seed(5)
    return Net().eval()


@pytest.fixture(params=["script", "trace"])
def lisp(request: Any, net: Net, tmp_path: Path) -> LispE:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if request.param == "script":
            made = torch.jit.script(net)
        else:
            made = torch.jit.trace(net, torch.ones(2, 3))
        made.save(str(tmp_path / "net.pt"))
    lisp = LispE(stderr=io.StringIO())
    lisp.eval("(use 'lispe_torch)")
    lisp.define("folder", f"{tmp_path}/")
    lisp.globals["x"] = torch.randn(2, 3)
    lisp.eval('(setq m (torch_jit_load (+ folder "net.pt")))')
    return lisp


def test_forward_names_and_info(lisp: LispE, net: Net) -> None:
    x = lisp.globals["x"]
    torch.testing.assert_close(lisp.eval("(torch_jit_model_forward m x)"), net(x))
    torch.testing.assert_close(lisp.eval("(torch_forward m x)"), net(x))
    names = [n for n, _ in net.named_parameters()]
    assert list(lisp.eval("(torch_jit_model_list_parameter_names m)")) == names
    assert list(lisp.eval("(torch_jit_model_list_tensor_names m)")) == [*names, "scale"]
    assert "forward" in list(lisp.eval("(torch_jit_model_list_methods m)"))
    info = lisp.eval("(torch_jit_model_info m)")
    count = sum(p.numel() for p in net.parameters())
    assert info["parameter_count"] == count and info["loaded"] is True
    assert info["memory_mb"] == pytest.approx((count + 1) * 4 / 2**20)
    shown = lisp.show(lisp.eval("m")).split("\n")
    assert shown[0] == "=== TorchScript Model Info ===" and shown[2] == f"Parameters: {count}"
    assert torch.equal(lisp.eval('(@ m "head_weight")'), net.head.weight)


def test_states_within_are_what_hooks_see(lisp: LispE, net: Net) -> None:
    names = ["blocks.0.first", "norm", "blocks.1", "blocks.0", "blocks.1.second", "blocks"]
    seen: dict[str, Tensor] = {}
    for name in names:
        net.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.__setitem__(name, output)
        )
    net(lisp.globals["x"])
    if "blocks" not in {n for n, _ in lisp.globals["m"].module.named_modules()}:
        names.remove("blocks")
    try:
        lisp.globals["names"] = names
        found = lisp.eval("(torch_jit_model_get_intermediate_states m x names)")
    except LispError as error:
        # A traced Sequential is dissolved: its members are called, it is not.
        assert "'blocks' is not called" in error.message
        names.remove("blocks")
        found = lisp.eval("(torch_jit_model_get_intermediate_states m x names)")
    for name, state in zip(names, found, strict=True):
        torch.testing.assert_close(state, seen[name])


def test_a_single_layer(lisp: LispE, net: Net) -> None:
    found = lisp.eval('(torch_jit_model_forward_single_layer m x "blocks.0.first")')
    torch.testing.assert_close(found, net.blocks[0].first(lisp.globals["x"]))


def test_adapters_train_through_the_model(lisp: LispE, net: Net) -> None:
    x = lisp.globals["x"]
    lisp.eval("(setq l (torch_lora_linear 3 2 1 2))")
    lisp.eval('(torch_jit_model_register_lora_hook m "head.weight" l)')
    layer = lisp.globals["l"]
    assert isinstance(layer, LoRALinear)
    before = lisp.eval("(torch_jit_model_forward m x)")
    torch.testing.assert_close(lisp.eval("(torch_jit_model_forward_with_lora m x)"), before)
    lisp.eval("(torch_jit_model_forward_with_lora m x)").sum().backward()
    assert float(layer.lora_B["default"].grad.abs().sum()) > 0
    with torch.no_grad():
        layer.lora_B["default"].copy_(torch.ones(2, 1))
        net.head.weight += layer.delta()
    torch.testing.assert_close(lisp.eval("(torch_jit_model_forward_with_lora m x)"), net(x))
    torch.testing.assert_close(lisp.eval("(torch_jit_model_forward m x)"), before)
    lisp.eval("(torch_jit_model_apply_lora_temporarily m)")
    torch.testing.assert_close(lisp.eval("(torch_jit_model_forward m x)"), net(x))
    lisp.eval("(torch_jit_model_apply_lora_temporarily m)")
    lisp.eval("(torch_jit_model_restore_weights m)")
    assert torch.equal(lisp.eval("(torch_jit_model_forward m x)"), before)


def test_weights_are_changed_kept_and_saved(lisp: LispE) -> None:
    before = lisp.eval("(torch_jit_model_forward m x)")
    lisp.eval('(torch_jit_model_backup_weights m (list "head.bias"))')
    lisp.eval("(torch_jit_model_update_weight m \"head.bias\" (tensor_ones '(2)))")
    changed = lisp.eval("(torch_jit_model_forward m x)")
    assert not torch.equal(changed, before)
    lisp.eval('(torch_jit_save m (+ folder "other.pt"))')
    other = lisp.eval('(torch_jit_model_forward (torch_jit_load (+ folder "other.pt")) x)')
    torch.testing.assert_close(other, changed)
    lisp.eval("(torch_jit_model_restore_weights m)")
    assert torch.equal(lisp.eval("(torch_jit_model_forward m x)"), before)


def test_names_from_a_mapping(lisp: LispE, tmp_path: Path) -> None:
    mapping = {"transformer/head": "head.weight"}
    (tmp_path / "net_name_mapping.json").write_text(json.dumps(mapping))
    lisp.eval('(setq m (torch_jit_load (+ folder "net.pt")))')
    shape = lisp.eval('(torch_jit_model_get_tensor_shape m "transformer/head")')
    assert list(shape) == [2, 3]


def test_devices_and_unloading(lisp: LispE) -> None:
    assert lisp.eval('(torch_jit_load (+ folder "net.pt") "warp")') is not None
    assert "the model stays on the CPU" in lisp.stderr.getvalue()
    assert lisp.eval("(torch_jit_model_to_best_device m)") is True
    if not torch.backends.mps.is_available():
        assert lisp.eval("(torch_jit_model_to_mps m)") is True
        assert "MPS is not available" in lisp.stderr.getvalue()
        assert lisp.eval("(torch_jit_model_forward m x)").device.type == "cpu"
    assert lisp.eval("(torch_jit_unload m)") is True
    assert lisp.show(lisp.eval("m")) == "<TorchJITModel: Not loaded>"
    with pytest.raises(LispError, match="Model not loaded"):
        lisp.eval("(torch_jit_model_forward m x)")


def test_our_own_modules_are_traced(lisp: LispE) -> None:
    lisp.eval("(setq b (torch_transformer_block 8 2 16))")
    lisp.eval("(setq t (torch_jit_trace b (tensor_ones '(1 4 8))))")
    lisp.globals["y"] = torch.randn(1, 4, 8)
    torch.testing.assert_close(lisp.eval("(torch_forward t y)"), lisp.eval("(torch_forward b y)"))


def test_a_traced_model_generates(lisp: LispE) -> None:
    lisp.eval("(setq e (torch_embedding 6 6)) (setq t (torch_jit_trace e (torch_tensor '((0 1)))))")
    both = "(list (torch_generator_greedy (torch_generator_create t) (integers 2) 4)"
    both += "(torch_generator_greedy (torch_generator_create e) (integers 2) 4))"
    ours, theirs = lisp.eval(both)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('(torch_jit_load "none.pt")', "file not found"),
        ("(torch_jit_model_forward m (tensor_ones '(5)))", "the model failed"),
        ('(torch_jit_model_get_tensor m "fc3.weight")', "no tensor 'fc3.weight'"),
        ('(torch_jit_model_get_buffer m "fc9")', "no tensor 'fc9'"),
        ('(torch_jit_model_register_lora_hook m "x" (torch_lora_linear 3 2 1 1))', "no tensor 'x'"),
        (
            '(torch_jit_model_register_lora_hook m "head.weight" (torch_lora_linear 4 2 1 1))',
            r"has the shape \(2 3\), the LoRA layer is for \(2 4\)",
        ),
        ('(torch_jit_model_register_lora_hook m "head.weight" 5)', "must be a LoRA layer"),
        ('(torch_jit_model_get_intermediate_states m x (list "fc5"))', "no part 'fc5'"),
        ("(torch_jit_model_update_weight m \"head.bias\" (tensor_ones '(3)))", "has the shape"),
        ('(torch_jit_model_to_device m "warp")', "unknown device"),
        ("(torch_jit_model_forward 5 x)", "must be a TorchScript model"),
    ],
)
def test_errors(lisp: LispE, text: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        lisp.eval(text)


def test_a_damaged_file(lisp: LispE, tmp_path: Path) -> None:
    whole = (tmp_path / "net.pt").read_bytes()
    for part in (b"", b"no archive", whole[: len(whole) // 2]):
        (tmp_path / "bad.pt").write_bytes(part)
        with pytest.raises(LispError, match="cannot read"):
            lisp.eval('(torch_jit_load (+ folder "bad.pt"))')
