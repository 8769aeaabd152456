"""Low-rank adapters, computed again with plain torch."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lispe_py import LispE, LispError
from lispe_py.primitives import lora_layers

torch.set_num_threads(1)


@pytest.fixture
def lisp(tmp_path: Path) -> LispE:
    made = LispE()
    made.eval("(use 'lispe_torch)")
    made.define("folder", f"{tmp_path}/")
    torch.manual_seed(7)
    return made


def show(lisp: LispE, text: str) -> str:
    return lisp.show(lisp.eval(text))


def take(lisp: LispE, text: str) -> Any:
    """Run a text, and give the variable that it sets first."""
    lisp.eval(text)
    return lisp.globals[text.partition("(setq ")[2].split(" ")[0]]


def train(layers: Any) -> None:
    """Give every adapter values as training would."""
    with torch.no_grad():
        for module in layers.modules():
            if isinstance(module, lora_layers.Adapted):
                for part in [*module.lora_A.values(), *module.lora_B.values()]:
                    part.copy_(torch.randn_like(part) * 0.1)


def bits(value: Tensor) -> list[int]:
    return value.detach().contiguous().view(torch.int32).flatten().tolist()


# ------------------------------------------------------------------ layers


def test_a_configuration(lisp: LispE) -> None:
    made = lisp.eval(
        '(torch_lora_config (dictionary "r" 4 "lora_alpha" 12 "target_modules" (list "q" "v" "k")))'
    )
    assert lisp.show(made) == "LoRA Config (rank=4, alpha=12, targets=3)"


def test_forward_is_the_formula(lisp: LispE) -> None:
    layer = take(lisp, "(setq l (torch_lora_linear 6 4 2 8))")
    x = torch.randn(5, 6)
    assert torch.equal(lisp.call("torch_lora_forward", layer, x), F.linear(x, layer.weight, layer.bias))
    train(layer)
    a, b = lisp.eval("(torch_lora_trainable_params l)")
    want = F.linear(x, layer.weight, layer.bias) + 4 * (x @ a.T) @ b.T
    torch.testing.assert_close(lisp.call("torch_forward", layer, x), want)
    torch.testing.assert_close(lisp.eval("(torch_lora_compute_delta l)"), 4 * b @ a)
    norm = lisp.eval("(torch_lora_get_adaptation_magnitude l)")
    assert norm == pytest.approx(float((4 * b @ a).detach().norm()))


def test_rslora_divides_by_the_root_of_the_rank(lisp: LispE) -> None:
    layer = lisp.eval('(torch_lora_linear 8 8 4 8 (dictionary "rslora" true "bias" nil))')
    train(layer)
    a, b = layer.pair("default")
    torch.testing.assert_close(layer.delta(), 8 / math.sqrt(4) * b @ a)
    assert layer.bias is None


def test_dropout_only_in_training(lisp: LispE) -> None:
    layer = lisp.eval('(torch_lora_linear 50 4 2 8 (dictionary "dropout" 0.5))')
    train(layer)
    x = torch.ones(1, 50)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))


def test_merge_and_unmerge_are_exact(lisp: LispE) -> None:
    layer = take(lisp, "(setq l (torch_lora_linear 6 4 2 8))")
    train(layer)
    x = torch.randn(5, 6)
    before, weight = layer(x), bits(layer.weight)
    assert lisp.eval("(torch_lora_merge_weights l)") == "LoRA weights merged successfully"
    merged = bits(layer.weight)
    lisp.eval("(torch_lora_merge_weights l)")
    assert bits(layer.weight) == merged
    torch.testing.assert_close(layer(x), before)
    lisp.eval("(torch_lora_unmerge_weights l)")
    assert bits(layer.weight) == weight
    assert torch.equal(layer(x), before)


def test_only_the_adapters_learn(lisp: LispE) -> None:
    layer = take(lisp, "(setq l (torch_lora_linear 6 4 2 8))")
    assert show(lisp, "(size (torch_model_parameters l))") == "2"
    layer(torch.randn(3, 6)).sum().backward()
    assert layer.weight.grad is None and layer.lora_B["default"].grad is not None


def test_a_low_precision_base_with_full_precision_adapters() -> None:
    base = nn.Linear(6, 4, dtype=torch.bfloat16)
    layer = lora_layers.LoRALinear.around(base)
    layer.add("default", lora_layers.LoRAConfig(2, 4), layer.weight, torch.float32)
    train(layer)
    out = layer(torch.randn(3, 6))
    assert out.dtype is torch.bfloat16 and layer.lora_A["default"].dtype is torch.float32
    layer.merge()
    assert layer.weight.dtype is torch.bfloat16


# ------------------------------------------------------------------ whole models


TRANSFORMER = """
(setq m (torch_model_create "transformer" (dictionary "vocab_size" 12 "embed_dim" 8
   "num_heads" 2 "num_layers" 2 "ffn_dim" 16 "max_length" 20)))
"""


def test_a_fresh_adapter_changes_nothing_and_freezes_the_rest(lisp: LispE) -> None:
    model = take(lisp, TRANSFORMER)
    ids = torch.randint(0, 12, (2, 5))
    base = model(ids)
    targets = lisp.eval("(torch_lora_targets m)")
    assert len(targets) == 9 and "layers.1.self_attn.in_proj" in targets
    lisp.eval('(torch_lora_apply m (dictionary "rank" 2 "alpha" 4))')
    assert torch.equal(model(ids), base)
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert len(trained) == 16 and all("lora_" in name for name in trained)
    assert show(lisp, "(size (torch_lora_trainable_params m))") == "16"
    assert not any(name.startswith("head.") for name in trained)


def test_adapters_act_as_changed_weights(lisp: LispE) -> None:
    """The adapted model equals the plain one with the deltas in its weights, attention included."""
    model = take(lisp, TRANSFORMER)
    plain = take(lisp, TRANSFORMER.replace("setq m", "setq p"))
    plain.load_state_dict(model.state_dict())
    lisp.eval('(torch_lora_apply m (dictionary "rank" 2 "alpha" 4))')
    train(model)
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, lora_layers.LoRAAttention):
                plain.get_submodule(name).in_proj_weight += module.delta()
            elif isinstance(module, lora_layers.Adapted):
                plain.get_submodule(name).weight += module.delta()
    ids = torch.randint(0, 12, (2, 5))
    torch.testing.assert_close(model(ids), plain(ids))
    weights = {n: bits(p) for n, p in model.named_parameters()}
    before = model(ids)
    lisp.eval("(torch_lora_merge_weights m)")
    torch.testing.assert_close(model(ids), plain(ids))
    lisp.eval("(torch_lora_unmerge_weights m)")
    assert {n: bits(p) for n, p in model.named_parameters()} == weights
    assert torch.equal(model(ids), before)
    lisp.eval("(torch_lora_merge_and_unload m)")
    assert list(model.state_dict()) == list(plain.state_dict())
    torch.testing.assert_close(model(ids), before)
    assert lisp.eval("(torch_lora_adapters m)") == []


@pytest.mark.parametrize(
    ("targets", "count"),
    [
        ('(list "linear1")', 2),
        ('(list "layers.0.linear1" "head")', 2),
        ('(list "self_attn.in_proj" "out_proj")', 4),
        ('(list "layers.*.linear?")', 4),
        ('"all-linear"', 8),
        ('"linear2"', 2),
        (r'"layers\\.[01]\\.linear1|head"', 3),
    ],
)
def test_targets(lisp: LispE, targets: str, count: int) -> None:
    model = take(lisp, TRANSFORMER)
    lisp.eval(f'(torch_lora_apply m (dictionary "rank" 2 "target_modules" {targets}))')
    assert sum(isinstance(m, lora_layers.Adapted) for m in model.modules()) == count


def test_an_unknown_target_lists_those_that_exist(lisp: LispE) -> None:
    lisp.eval(TRANSFORMER)
    with pytest.raises(LispError) as caught:
        lisp.eval('(torch_lora_apply m (dictionary "target_modules" (list "linear1" "q_proj")))')
    assert "'q_proj'" in caught.value.message
    assert "layers.*.self_attn.in_proj" in caught.value.message
    assert lisp.eval("(torch_lora_adapters m)") == []


def test_adapters_by_name(lisp: LispE) -> None:
    model = take(lisp, "(setq m (torch_model 4 8 3))")
    x = torch.randn(2, 4)
    base = model(x)
    lisp.eval('(torch_lora_apply m (dictionary "rank" 2) "one")')
    lisp.eval('(torch_lora_apply m (dictionary "rank" 3 "target_modules" (list "fc3")) "two")')
    assert show(lisp, "(torch_lora_adapters m)") == '("one" "two")'
    train(model)
    second = model(x)
    lisp.eval('(torch_lora_set_adapter m "one")')
    first = model(x)
    lisp.eval("(torch_lora_set_adapter m nil)")
    assert torch.equal(model(x), base)
    lisp.eval('(torch_lora_set_adapter m (list "one" "two"))')
    both = model(x)
    assert len({float(v.sum()) for v in (base, first, second, both)}) == 4
    delta = model.fc3.delta()
    torch.testing.assert_close(delta, model.fc3.delta(["one"]) + model.fc3.delta(["two"]))
    lisp.eval("(torch_lora_merge_weights m)")
    torch.testing.assert_close(model(x), both)
    lisp.eval('(torch_lora_set_adapter m "two")')
    assert torch.equal(model(x), second)
    lisp.eval('(torch_lora_delete_adapter m "two")')
    assert show(lisp, "(torch_lora_adapters m)") == '("one")'
    with pytest.raises(LispError, match="there is no adapter 'two'") as caught:
        lisp.eval('(torch_lora_set_adapter m "two")')
    assert caught.value.hint == "the adapters are: one"


def test_a_shared_layer_gets_one_adapter(lisp: LispE) -> None:
    program = '(setq f (torch_linear 4 4)) (setq m (torch_module (dictionary "a" f "b" f)))'
    lisp.eval(program + "(torch_lora_apply m)")
    model = lisp.globals["m"]
    assert model.a is model.b and isinstance(model.a, lora_layers.LoRALinear)


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("name", ["m.pt", "m.safetensors"])
def test_an_adapted_model_is_saved_and_rebuilt(lisp: LispE, name: str) -> None:
    model = take(lisp, TRANSFORMER)
    lisp.eval('(torch_lora_apply m (dictionary "rank" 2 "alpha" 4 "dropout" 0.1))')
    train(model)
    model.eval()
    ids = torch.randint(0, 12, (2, 5))
    lisp.eval(f'(torch_save_model m (+ folder "{name}"))')
    again = lisp.eval(f'(torch_load_model (+ folder "{name}"))').eval()
    assert torch.equal(again(ids), model(ids))
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert {n for n, p in again.named_parameters() if p.requires_grad} == trained
    plain = take(lisp, TRANSFORMER.replace("setq m", "setq p"))
    with pytest.raises(LispError):
        lisp.eval(f'(torch_load_model (+ folder "{name}") p)')
    lisp.call("torch_lora_apply", plain, {"rank": 2, "alpha": 4, "dropout": 0.1})
    lisp.eval(f'(torch_load_model (+ folder "{name}") p)')
    assert torch.equal(plain.eval()(ids), model(ids))


def test_a_merged_layer_and_files(lisp: LispE) -> None:
    layer = take(lisp, "(setq l (torch_lora_linear 6 4 2 8))")
    train(layer)
    x = torch.randn(3, 6)
    before = layer(x)
    lisp.eval('(torch_lora_merge_weights l) (torch_save_model l (+ folder "m.pt"))')
    again = take(lisp, '(setq a (torch_load_model (+ folder "m.pt")))')
    assert lisp.show(again).endswith("merged=true)")
    torch.testing.assert_close(again(x), before)
    again.unmerge()
    torch.testing.assert_close(again(x), before)
    # into a layer that is not merged
    other = take(lisp, '(setq o (torch_lora_linear 6 4 2 8)) (torch_load_model (+ folder "m.pt") o) o')
    assert not other.merged
    torch.testing.assert_close(other(x), before)


def test_adapter_files_of_models(lisp: LispE) -> None:
    model = take(lisp, TRANSFORMER)
    lisp.eval('(torch_lora_apply m (dictionary "rank" 2 "alpha" 4))')
    train(model)
    other = take(lisp, TRANSFORMER.replace("setq m", "setq o"))
    lisp.eval('(torch_lora_apply o (dictionary "rank" 2 "alpha" 1))')
    for name in ("a.pt", "a.safetensors"):
        lisp.eval(f'(torch_lora_save_adapters m (+ folder "{name}"))')
        train(other)
        lisp.eval(f'(torch_lora_load_adapters o (+ folder "{name}"))')
        for path, layer in lora_layers_of(model).items():
            assert torch.equal(layer.delta(), lora_layers_of(other)[path].delta())
    small = take(lisp, TRANSFORMER.replace("setq m", "setq s"))
    lisp.call("torch_lora_apply", small, {"rank": 2, "targets": ["linear1"]})
    with pytest.raises(LispError, match="the adapters of 8 layers, not of 2"):
        lisp.eval('(torch_lora_load_adapters s (+ folder "a.pt"))')


def lora_layers_of(model: nn.Module) -> dict[str, lora_layers.Adapted]:
    return {n: m for n, m in model.named_modules() if isinstance(m, lora_layers.Adapted)}


def test_peft_files_that_do_not_fit(lisp: LispE, tmp_path: Path) -> None:
    lisp.eval("(setq m (torch_model 4 8 3)) (torch_lora_apply m)")
    lisp.eval('(torch_lora_save_peft m (+ folder "a"))')
    with pytest.raises(LispError, match="is for 4 -> 8, the layer is 5 -> 8"):
        lisp.eval('(torch_lora_load_peft (torch_model 5 8 3) (+ folder "a"))')
    with pytest.raises(LispError, match="has no linear layer 'fc1'"):
        lisp.eval('(torch_lora_load_peft (torch_transformer_block 8 2 8) (+ folder "a"))')
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    for change, message in (({"use_dora": True}, "use_dora"), ({"peft_type": "IA3"}, "no LoRA")):
        (tmp_path / "a" / "adapter_config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(LispError, match=message):
            lisp.eval('(torch_lora_load_peft (torch_model 4 8 3) (+ folder "a"))')
    with pytest.raises(LispError, match="there is no folder"):
        lisp.eval('(torch_lora_load_peft (torch_model 4 8 3) (+ folder "none"))')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(torch_lora_linear 8 8 0 16)", "rank must be a positive integer"),
        ("(torch_lora_linear 8 4 5 16)", "rank 5 is above the sizes"),
        ('(torch_lora_linear 8 4 2 "x")', "alpha must be a number"),
        ("(torch_lora_forward (torch_lora_linear 6 4 2 4) (tensor_ones '(1 5)))", "should be 6"),
        ("(torch_lora_apply_to_linear (torch_layer_norm 4) 1 1)", "must be a linear layer"),
        ("(torch_lora_merge_weights (torch_linear 2 2))", "must be a LoRA layer"),
        ("(torch_lora_compute_delta 3)", "must be a LoRA layer"),
        ("(torch_lora_apply (torch_linear 2 2))", "cannot be replaced"),
        ('(torch_lora_apply (torch_model 2 2 2) (dictionary "rang" 2))', "unknown option 'rang'"),
        ('(torch_lora_load_adapters (torch_lora_linear 2 2 1 1) "none.pt")', "file not found"),
        ('(torch_lora_save_adapters (torch_linear 2 2) "a.pt")', "must be a LoRA layer"),
    ],
)
def test_errors(lisp: LispE, text: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        lisp.eval(text)


def test_adapters_of_another_size_leave_the_layer_alone(lisp: LispE) -> None:
    lisp.eval('(torch_lora_save_adapters (torch_lora_linear 6 4 2 4) (+ folder "a.pt"))')
    for other in ("6 4 3 4", "5 4 2 4", "6 3 2 4"):
        layer = take(lisp, f"(setq l (torch_lora_linear {other}))")
        before = bits(layer.lora_A["default"])
        with pytest.raises(LispError):
            lisp.eval('(torch_lora_load_adapters l (+ folder "a.pt"))')
        assert bits(layer.lora_A["default"]) == before
