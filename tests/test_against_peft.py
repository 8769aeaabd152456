"""Low-rank adapters against PEFT: the same run step by step, and files both ways."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lispe_py import LispE
from lispe_py.primitives.lora_layers import Adapted

peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")

torch.set_num_threads(1)

TARGETS = ["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"]


@pytest.fixture
def lisp(tmp_path: Path) -> LispE:
    made = LispE(stderr=io.StringIO())
    made.eval("(use 'lispe_torch)")
    made.define("folder", f"{tmp_path}/")
    torch.manual_seed(7)
    return made


class Plain(nn.Module):
    """The multilayer perceptron of the library, in plain torch."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))  # type: ignore[no-any-return]


def llama(folder: Path) -> Any:
    """A small Llama of transformers, written to a folder."""
    config = transformers.LlamaConfig(
        vocab_size=60, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
        initializer_range=0.2, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config)
    model.save_pretrained(str(folder))
    return model


def adapters(model: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """A and B of every layer, by the name of the layer, in ours or in theirs."""
    found = {}
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and len(module.lora_A):
            a, b = next(iter(module.lora_A.values())), next(iter(module.lora_B.values()))
            name = name.removeprefix("base_model.model.")
            found[name] = (getattr(a, "weight", a), getattr(b, "weight", b))
    return found


def scramble(model: nn.Module) -> None:
    """Give every adapter values as training would."""
    with torch.no_grad():
        for a, b in adapters(model).values():
            a.copy_(torch.randn_like(a) * 0.1)
            b.copy_(torch.randn_like(b) * 0.1)


STEP = """
(defun train_step(inputs targets)
   (setq logits (torch_forward m inputs))
   (setq loss (torch_cross_entropy (tensor_reshape logits '(-1 60)) (tensor_reshape targets '(-1))))
   (torch_optimizer_zero_grad o) (torch_backward loss) (torch_optimizer_step o)
   loss)
"""


@pytest.mark.parametrize("rslora", [False, True])
def test_twenty_steps_are_the_same(lisp: LispE, tmp_path: Path, rslora: bool) -> None:
    theirs = peft.get_peft_model(
        llama(tmp_path / "m"),
        peft.LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS, use_rslora=rslora),
    )
    lisp.define("rslora", rslora)
    lisp.eval("""
       (setq m (torch_hf_model (torch_hf_load_model (+ folder "m"))))
       (torch_lora_apply m (dictionary "rank" 4 "alpha" 8 "rslora" rslora "target_modules"
          (list "q_proj" "v_proj" "o_proj" "gate_proj" "down_proj")))
       (setq o (torch_optimizer m 0.01 "adamw"))""")
    ours = lisp.globals["m"]
    mine, other = adapters(ours), adapters(theirs)
    assert list(mine) == list(other) and len(mine) == 2 * len(TARGETS)
    with torch.no_grad():
        for name, (a, b) in mine.items():
            a.copy_(other[name][0])
            assert torch.equal(b, other[name][1]) and not b.any()
    trained = [p for p in theirs.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trained) == sum(
        p.numel() for p in ours.parameters() if p.requires_grad
    )
    decay = lisp.globals["o"].param_groups[0]["weight_decay"]
    optimizer = torch.optim.AdamW(trained, lr=0.01, weight_decay=decay)
    lisp.eval(STEP)
    losses = []
    for step in range(20):
        ids = torch.randint(3, 60, (4, 13), generator=torch.Generator().manual_seed(step % 3))
        loss = F.cross_entropy(theirs(ids[:, :-1]).logits.flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found = lisp.call("train_step", ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
        assert float(found.detach()) == pytest.approx(float(loss), abs=1e-5), f"step {step}"
        losses.append(float(loss))
    assert losses[-1] < 0.95 * losses[0]
    for name, (a, b) in mine.items():
        torch.testing.assert_close(a, other[name][0], atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(b, other[name][1], atol=1e-3, rtol=1e-3)


# ------------------------------------------------------------------ files of decoders


def test_peft_loads_the_adapters_of_our_decoder(lisp: LispE, tmp_path: Path) -> None:
    plain = llama(tmp_path / "m").eval()
    lisp.eval("""
       (setq m (torch_hf_model (torch_hf_load_model (+ folder "m"))))
       (torch_lora_apply m (dictionary "rank" 3 "alpha" 12 "target_modules" "all-linear"))""")
    ours = lisp.globals["m"]
    scramble(ours)
    lisp.eval('(torch_lora_save_peft m (+ folder "adapter"))')
    theirs = peft.PeftModel.from_pretrained(plain, str(tmp_path / "adapter")).eval()
    assert len(adapters(theirs)) == 2 * 7
    ids = torch.randint(3, 60, (2, 9))
    with torch.no_grad():
        want = theirs(ids).logits
        torch.testing.assert_close(ours(ids), want, atol=1e-4, rtol=0)
        # merged in both
        lisp.eval("(torch_lora_merge m)")
        merged = theirs.merge_and_unload()
        torch.testing.assert_close(ours(ids), merged(ids).logits, atol=1e-4, rtol=0)


def test_we_load_the_adapters_of_peft_into_a_decoder(lisp: LispE, tmp_path: Path) -> None:
    config = peft.LoraConfig(
        r=3, lora_alpha=6, target_modules=["q_proj", "up_proj"], init_lora_weights=False,
        rank_pattern={"up_proj": 5}, alpha_pattern={"layers.1.self_attn.q_proj": 9},
    )  # fmt: skip
    theirs = peft.get_peft_model(llama(tmp_path / "m"), config).eval()
    theirs.save_pretrained(str(tmp_path / "adapter"))
    ids = torch.randint(3, 60, (2, 9))
    with torch.no_grad():
        want = theirs(ids).logits
    lisp.globals["ids"] = ids
    lisp.eval('(setq m (torch_hf_model (torch_hf_load_model (+ folder "m"))))')
    before = lisp.eval('(torch_hf_forward (+ folder "m") ids)').detach()
    lisp.eval('(torch_lora_load_peft m (+ folder "adapter") "theirs")')
    found = lisp.eval('(torch_hf_forward (+ folder "m") ids)')
    torch.testing.assert_close(found, want, atol=1e-4, rtol=0)
    assert float((found - before).detach().abs().max()) > 0.1
    # several adapters, of which one is active
    lisp.eval('(torch_lora_apply m (dictionary "rank" 2 "target_modules" (list "q_proj")) "mine")')
    assert torch.equal(lisp.eval('(torch_hf_forward (+ folder "m") ids)'), before)
    lisp.eval('(torch_lora_set_adapter m "theirs")')
    assert torch.equal(lisp.eval('(torch_hf_forward (+ folder "m") ids)'), found)


# ------------------------------------------------------------------ files of other models


def test_peft_opens_our_files(lisp: LispE, tmp_path: Path) -> None:
    lisp.eval("(setq m (torch_model 4 8 3))")
    lisp.eval(
        '(torch_lora_apply m (dictionary "rank" 2 "alpha" 6 "target_modules" (list "fc1" "fc3")))'
    )
    model = lisp.globals["m"]
    scramble(model)
    lisp.eval('(torch_lora_save_peft m (+ folder "adapter"))')
    plain = Plain()
    plain.load_state_dict({n: v for n, v in model.state_dict().items() if "lora_" not in n})
    theirs = peft.PeftModel.from_pretrained(plain, str(tmp_path / "adapter"))
    x = torch.randn(5, 4)
    torch.testing.assert_close(theirs(x), model(x))


@pytest.mark.parametrize("rslora", [False, True])
def test_we_open_the_files_of_peft(lisp: LispE, tmp_path: Path, rslora: bool) -> None:
    plain = Plain()
    lisp.eval("(setq m (torch_model 4 8 3))")
    model = lisp.globals["m"]
    model.load_state_dict(plain.state_dict())
    config = peft.LoraConfig(
        r=2,
        lora_alpha=6,
        target_modules=["fc1", "fc3"],
        init_lora_weights=False,
        use_rslora=rslora,
        rank_pattern={"fc3": 3},
        alpha_pattern={"fc3": 5},
    )
    theirs = peft.get_peft_model(plain, config)
    theirs.save_pretrained(str(tmp_path / "theirs"))
    lisp.eval('(torch_lora_load_peft m (+ folder "theirs") "task")')
    x = torch.randn(5, 4)
    torch.testing.assert_close(model(x), theirs(x))
    assert lisp.show(lisp.eval("(torch_lora_adapters m)")) == '("task")'
    assert sum(isinstance(part, Adapted) for part in model.modules()) == 2
    # and back again
    lisp.eval('(torch_lora_save_peft m (+ folder "ours"))')
    fresh = Plain()
    fresh.load_state_dict({n: v for n, v in model.state_dict().items() if "lora_" not in n})
    torch.testing.assert_close(
        peft.PeftModel.from_pretrained(fresh, str(tmp_path / "ours"))(x), model(x)
    )
