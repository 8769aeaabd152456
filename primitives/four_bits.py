"""Weights in 4 bits, and their product with few rows.

w = q * scale + least, with q from 0 to 15 and a scale and a least value for each
group of inputs. The numbers are kept as fbgemm keeps a table of embeddings: a line
for each input, two outputs in a byte, and behind them a scale of 1 and an offset of 0
in half precision. What a group of inputs adds to all outputs is then a sum of
embeddings, weighted by x. It is taken in single precision, and reads nothing but the
4 bits; made floating first, the weight would cost several times as much.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

#: The most rows that are taken one by one; for more the weight is made floating.
ROWS = 8
#: Bytes behind the numbers of a line.
TAIL = 4


def width(outputs: int) -> int:
    """The bytes of a line."""
    return (outputs + 1) // 2 + TAIL


def pack(weight: Tensor, group: int) -> tuple[Tensor, Tensor, Tensor]:
    """The table [in, width] of a weight [out, in], scales and least values [groups, out]."""
    outputs, inputs = weight.shape
    wide = F.pad(weight.detach().float(), (0, -inputs % group))
    groups = wide.unflatten(1, (-1, group))
    if wide.shape[1] != inputs:
        # Inputs that fill the last group must not widen its range.
        groups = groups.clone()
        rest = inputs % group
        groups[:, -1, rest:] = groups[:, -1, :1]
    least = groups.amin(-1, keepdim=True)
    scale = (groups.amax(-1, keepdim=True) - least) / 15
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    whole = torch.round((groups - least) / scale).to(torch.uint8).flatten(1)
    whole = F.pad(whole[:, :inputs].t(), (0, outputs % 2))
    tail = torch.tensor([1.0, 0.0], dtype=torch.float16, device=weight.device).view(torch.uint8)
    numbers = whole[:, 0::2] | (whole[:, 1::2] << 4)
    table = torch.cat((numbers, tail.expand(inputs, TAIL)), 1)
    return table, scale.squeeze(-1).t().contiguous(), least.squeeze(-1).t().contiguous()


def unpack(table: Tensor, scale: Tensor, least: Tensor, group: int, begin: int, end: int) -> Tensor:
    """The outputs from ``begin``, an even number, to ``end`` of a weight, as [in, out] floats."""
    numbers = table[:, begin // 2 : (end + 1) // 2]
    whole = torch.stack((numbers & 15, numbers >> 4), -1).flatten(1)[:, : end - begin]
    inputs = whole.shape[0]
    groups = F.pad(whole, (0, 0, 0, -inputs % group)).unflatten(0, (-1, group))
    wide = groups.to(scale.dtype) * scale[:, None, begin:end]
    return wide.add_(least[:, None, begin:end]).flatten(0, 1)[:inputs]


def fast(x: Tensor, rows: int) -> bool:
    """Can :func:`product` take so many rows of this tensor, and is it the faster way?"""
    return 0 < rows <= ROWS and x.is_cpu and x.dtype is not torch.float64 and _available()


@lru_cache(maxsize=1)
def _available() -> bool:
    return "fbgemm" in torch.backends.quantized.supported_engines


@lru_cache(maxsize=256)
def _places(rows: int, inputs: int, group: int) -> tuple[Tensor, Tensor]:
    """The lines that each row takes, and where among them its groups begin."""
    lines = torch.arange(inputs, dtype=torch.int32, device="cpu").repeat(rows)
    firsts = torch.arange(0, inputs, group, dtype=torch.int32, device="cpu")
    above = torch.arange(0, rows * inputs, inputs, dtype=torch.int32, device="cpu")
    return lines, (above.unsqueeze(1) + firsts).flatten()


def product(x: Tensor, table: Tensor, scale: Tensor, least: Tensor, group: int) -> Tensor:
    """x W^T for a few rows [rows, in] in single precision."""
    rows, inputs = x.shape
    groups, outputs = scale.shape
    lines, firsts = _places(rows, inputs, group)
    sums = torch.ops.quantized.embedding_bag_4bit_rowwise_offsets(
        table, lines, firsts, False, 0, False, x.flatten(), None, False
    )
    sums = sums.view(rows, groups, -1)
    if outputs % 2:
        sums = sums[..., :outputs]
    whole = F.pad(x, (0, -inputs % group)) if inputs % group else x
    weights = whole.reshape(rows, groups, group).sum(-1)
    return torch.addmm(sums.mul_(scale).sum(1), weights, least)
