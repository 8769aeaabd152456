"""Training steps and the memory they take, in LispE and in plain PyTorch."""

from __future__ import annotations

import math
import resource
import subprocess
import sys
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.harness import Result, best, line, table
from lispe_py import LispE

VOCABULARY, EMBED, HEADS, LAYERS, FFN, CONTEXT, BATCH = 1000, 128, 4, 2, 384, 64, 32

LISP = f"""
(use 'lispe_torch)
(setq model (torch_model_create "transformer" (dictionary
   "vocab_size" {VOCABULARY} "embed_dim" {EMBED} "num_heads" {HEADS} "num_layers" {LAYERS}
   "ffn_dim" {FFN} "max_length" {CONTEXT})))
(setq optimizer (torch_optimizer model 0.002 "adamw"))
(defun train_step(inputs targets)
   (setq loss (torch_cross_entropy (torch_forward model inputs) targets))
   (torch_optimizer_zero_grad optimizer)
   (torch_backward loss)
   (torch_clip_grad_norm optimizer 1.0)
   (torch_optimizer_step optimizer)
   loss)
"""


def _positions(width: int) -> Tensor:
    angle = torch.arange(CONTEXT)[:, None] * torch.exp(
        torch.arange(0, width, 2) * (-math.log(10000.0) / width)
    )
    table = torch.zeros(CONTEXT, width)
    table[:, 0::2], table[:, 1::2] = torch.sin(angle), torch.cos(angle)
    return table


class Plain(nn.Module):
    """The same network from PyTorch's own parts."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, EMBED)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(EMBED, HEADS, FFN, dropout=0.0, batch_first=True)
            for _ in range(LAYERS)
        )
        self.head = nn.Linear(EMBED, VOCABULARY)
        self.register_buffer("table", _positions(EMBED))
        self.register_buffer("hidden", torch.ones(CONTEXT, CONTEXT).triu(1).bool())

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids) + self.table
        for layer in self.layers:
            x = layer(x, src_mask=self.hidden, is_causal=True)
        return self.head(x)  # type: ignore[no-any-return]


#: The layers of lisp_examples/transformer_complet.lisp, put together in LispE, at this size.
WIDTH = 64
PARTS = f"""
(setq width {WIDTH})
(defun layer ()
   (torch_module
      (dictionary
         "attention" (torch_multihead_attention width 4)
         "norm1" (torch_layer_norm width)
         "wide" (torch_linear width (* 2 width))
         "narrow" (torch_linear (* 2 width) width)
         "norm2" (torch_layer_norm width))
      (lambda (m x seen)
         (setq x (torch_forward (@ m "norm1")
            (tensor_add x (torch_multihead_attention_forward (@ m "attention") x seen))))
         (setq hidden (tensor_gelu (torch_forward (@ m "wide") x)))
         (torch_forward (@ m "norm2") (tensor_add x (torch_forward (@ m "narrow") hidden))))))
(setq parts (torch_module
   (dictionary
      "embedding" (torch_embedding {VOCABULARY} width)
      "positions" (torch_positional_encoding width {CONTEXT})
      "layer1" (layer)
      "layer2" (layer)
      "head" (torch_linear width {VOCABULARY}))
   (lambda (m ids seen)
      (setq x (torch_forward (@ m "positions") (torch_forward (@ m "embedding") ids)))
      (setq x ((@ m "layer1") x seen))
      (setq x ((@ m "layer2") x seen))
      (torch_forward (@ m "head") x))))
(setq parts_optimizer (torch_optimizer parts 0.002 "adamw"))
(defun parts_step(inputs targets seen)
   (setq loss (torch_cross_entropy (parts inputs seen) targets))
   (torch_optimizer_zero_grad parts_optimizer)
   (torch_backward loss)
   (torch_optimizer_step parts_optimizer)
   loss)
"""


class PlainLayer(nn.Module):
    """The layer of the example from PyTorch's own parts."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.wide, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        x = self.norm1(x + self.attention(x, x, x, attn_mask=hidden, need_weights=False)[0])
        return self.norm2(x + self.narrow(F.gelu(self.wide(x))))  # type: ignore[no-any-return]


class PlainParts(nn.Module):
    """The transformer of the example from PyTorch's own parts."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layer1, self.layer2 = PlainLayer(), PlainLayer()
        self.head = nn.Linear(WIDTH, VOCABULARY)
        self.register_buffer("table", _positions(WIDTH))

    def forward(self, ids: Tensor, hidden: Tensor) -> Tensor:
        x = self.embedding(ids) + self.table
        return self.head(self.layer2(self.layer1(x, hidden), hidden))  # type: ignore[no-any-return]


def _data() -> tuple[Tensor, Tensor]:
    ids = torch.randint(0, VOCABULARY, (BATCH, CONTEXT + 1))
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def demo_step() -> Callable[[], Tensor]:
    """A training step of the demo's model in LispE."""
    lisp = LispE()
    lisp.eval(LISP)
    step = lisp.globals["train_step"]
    inputs, targets = _data()
    return lambda: step(inputs, targets)


def plain_step() -> Callable[[], Tensor]:
    """The same step in plain PyTorch."""
    plain = Plain()
    optimizer = torch.optim.AdamW(plain.parameters(), lr=0.002)
    inputs, targets = _data()

    def step() -> Tensor:
        loss = F.cross_entropy(plain(inputs).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizer.step()
        return loss

    return step


def parts_steps() -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """A step of the example's transformer, in LispE and in plain PyTorch."""
    lisp = LispE()
    lisp.eval("(use 'lispe_torch)" + PARTS)
    step = lisp.globals["parts_step"]
    inputs, targets = _data()
    seen = torch.ones(CONTEXT, CONTEXT).tril()
    hidden = seen == 0
    plain = PlainParts()
    optimizer = torch.optim.AdamW(plain.parameters(), lr=0.002)

    def plainly() -> Tensor:
        loss = F.cross_entropy(plain(inputs, hidden).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return lambda: step(inputs, targets, seen), plainly


#: Processes of each side whose peak memory is taken, the least counts.
PEAKS = 4


def peak_memory(side: str) -> int:
    """Bytes that a process of its own needs at most for 30 steps of the demo's model."""
    program = f"from benchmarks.training import {side}; s = {side}(); [s() for _ in range(30)]"
    program += "; from benchmarks.training import own_peak; print(own_peak())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def own_peak() -> int:
    """Bytes that this process has had in memory at most."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def report() -> None:
    """Print the two comparisons of time and the one of memory."""
    torch.manual_seed(0)
    found = [
        Result(name, *best(*sides, turns=12, seconds=20), 1.02)
        for name, sides in {
            "training step of the demo's model": (demo_step(), plain_step()),
            "the same of the example's parts": parts_steps(),
        }.items()
    ]
    table(found)
    # What the allocator keeps differs by some hundredths from run to run.
    runs = [(peak_memory("demo_step"), peak_memory("plain_step")) for _ in range(PEAKS)]
    ours, theirs = map(min, zip(*runs, strict=True))
    line("peak memory of 30 steps, LispE", f"{ours / 1e6:.0f} MB")
    line("peak memory of 30 steps, plain PyTorch", f"{theirs / 1e6:.0f} MB")
    line("  the ratio", f"{ours / theirs:.3f}", "1.02")
