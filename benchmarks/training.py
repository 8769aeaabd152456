"""One training step of the demo's model, in LispE and in plain PyTorch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.harness import Result, best
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
        angle = torch.arange(CONTEXT)[:, None] * torch.exp(
            torch.arange(0, EMBED, 2) * (-math.log(10000.0) / EMBED)
        )
        table = torch.zeros(CONTEXT, EMBED)
        table[:, 0::2], table[:, 1::2] = torch.sin(angle), torch.cos(angle)
        self.register_buffer("table", table)
        self.register_buffer("hidden", torch.ones(CONTEXT, CONTEXT).triu(1).bool())

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids) + self.table
        for layer in self.layers:
            x = layer(x, src_mask=self.hidden, is_causal=True)
        return self.head(x)  # type: ignore[no-any-return]


def results() -> list[Result]:
    """One comparison."""
    torch.manual_seed(0)
    lisp = LispE()
    lisp.eval(LISP)
    step = lisp.globals["train_step"]
    plain = Plain()
    optimizer = torch.optim.AdamW(plain.parameters(), lr=0.002)
    ids = torch.randint(0, VOCABULARY, (BATCH, CONTEXT + 1))
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()

    def plain_step() -> Tensor:
        loss = F.cross_entropy(plain(inputs).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizer.step()
        return loss

    ours, theirs = best(lambda: step(inputs, targets), plain_step, turns=12, seconds=20)
    return [Result("training step of the demo's model", ours, theirs, 1.05)]
