"""A linear layer for few rows, on all threads of a CPU.

The next id of a text is computed from one row, whose product with a matrix is a
matter of reading the matrix. For so few rows torch's own product keeps to one
thread or blocks badly, and reads at half the speed of the memory or less. As a
batch of products with parts of the matrix, each thread reads its own; nothing is
copied.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

#: The most rows that count as few, and the fewest elements of a matrix worth the parts.
ROWS, SMALL = 16, 1 << 15


@lru_cache(maxsize=1024)
def parts_of(outputs: int, threads: int) -> int:
    """Into how many equal parts ``outputs`` rows of a matrix go, 1 for not at all."""
    if threads < 2:
        return 1
    return next((p for p in range(threads, 4 * threads) if outputs % p == 0), 1)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x W^T + b: ``F.linear``, but for few rows in single precision outside of training.

    ``x`` is [..., in], ``weight`` [out, in], ``bias`` [out] or None. Raises what
    ``F.linear`` raises.
    """
    if torch.is_grad_enabled() or x.dtype is not torch.float32 or not x.is_cpu:
        return F.linear(x, weight, bias)
    outputs, inputs = weight.shape
    if (
        weight.numel() < SMALL
        or not 0 < x.numel() <= ROWS * inputs
        or x.shape[-1] != inputs
        or weight.dtype is not torch.float32
        or not weight.is_contiguous()
        or torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    ):
        return F.linear(x, weight, bias)
    parts = parts_of(outputs, torch.get_num_threads())
    if parts == 1:
        return F.linear(x, weight, bias)
    rows = x.numel() // inputs
    cut = weight.view(parts, outputs // parts, inputs).transpose(1, 2)
    made = torch.bmm(x.reshape(1, rows, inputs).expand(parts, rows, inputs), cut)
    made = made.transpose(0, 1).reshape(*x.shape[:-1], outputs)
    return made if bias is None else made.add_(bias)
