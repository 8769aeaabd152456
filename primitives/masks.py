"""What an attention mask means, in one place.

1 or true keeps a key, 0 or nil hides it; a float mask of other values is added
to the scores. A query whose keys are all hidden gets zeros. Nothing here looks
at the values from Python, so that a function with a mask compiles into one
graph and no GPU waits.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lispe_py.errors import LispError

from .arguments import shape_text

HIDDEN = float("-inf")


class Mask(NamedTuple):
    """A mask ready for the kernel, and the queries that see nothing.

    ``bias`` is boolean (true keeps) or floating (added); ``dead`` marks the
    queries, shaped like the scores with a last axis of 1. The bias of a dead
    query is neutral, so that no softmax meets a row without a key.
    """

    bias: Tensor
    dead: Tensor


def triangle(queries: int, keys: int, device: torch.device) -> Tensor:
    """True where a key is not later than its query."""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril()


def _is_zero_one(mask: Tensor, need_one: bool) -> Tensor:
    found = ((mask == 0) | (mask == 1)).all()
    return found & (mask == 1).any() if need_one else found


def _kept(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """The additive form of a mask of ones and zeros."""
    return torch.zeros_like(mask, dtype=dtype).masked_fill(mask != 1, HIDDEN)


def finish(bias: Tensor, causal: Tensor | None) -> Mask:
    """Join the causal triangle and find the dead queries."""
    if bias.dtype is torch.bool:
        keep = bias if causal is None else bias & causal
        dead = ~keep.any(-1, keepdim=True)
        return Mask(keep | dead, dead)
    if causal is not None:
        bias = bias.masked_fill(~causal, HIDDEN)
    dead = (bias == HIDDEN).all(-1, keepdim=True)
    return Mask(bias.masked_fill(dead, 0.0), dead)


def broadcast(
    mask: Tensor, scores: tuple[int, ...], dtype: torch.dtype, causal: Tensor | None = None
) -> Mask:
    """The mask of the functional calls: anything that broadcasts to the scores.

    Ones and zeros with at least one 1 keep and hide; an all-zero float mask
    adds nothing, as does any other float mask what it says.
    """
    try:
        fits = torch.broadcast_shapes(mask.shape, scores) == scores
    except RuntimeError:
        fits = False
    if not fits:
        raise LispError(
            f"the mask {shape_text(mask)} does not fit scores ({' '.join(map(str, scores))})"
        )
    if mask.dtype is torch.bool:
        return finish(mask, causal)
    one = _is_zero_one(mask, need_one=True)
    return finish(torch.where(one, _kept(mask, dtype), mask.to(dtype)), causal)


def of_module(mask: Tensor, batch: int | None, queries: int, keys: int, dtype: torch.dtype) -> Mask:
    """The mask of an attention module, for scores [batch, heads, queries, keys].

    [batch, keys] (or [keys]) pads; [queries, keys] and [batch, queries, keys]
    say which query sees which key, as does a full [batch, heads, queries,
    keys]. Where batch and queries are equal, a mask of two axes pads.
    ``batch`` is None for an input without a batch axis.
    """
    shape = tuple(mask.shape)
    pads = shape in ((keys,), (1, keys)) or (batch is not None and shape == (batch, keys))
    attends = shape == (queries, keys)
    if mask.dim() == 3 and shape[0] in (1, batch) and shape[1] in (1, queries) and shape[2] == keys:
        laid = mask.unsqueeze(1)
    elif mask.dim() == 4 and shape[2] in (1, queries) and shape[3] == keys:
        if shape[0] not in (1, batch):
            raise LispError(f"the mask {shape_text(mask)} has another batch than the input")
        laid = mask
    elif pads:
        laid = mask.reshape(-1, 1, 1, keys)
    elif attends:
        laid = mask.reshape(1, 1, queries, keys)
    else:
        wanted = f"({queries} {keys})"
        if batch is not None:
            wanted = f"({batch} {keys}), {wanted} or ({batch} {queries} {keys})"
        raise LispError(f"the mask {shape_text(mask)} does not fit: it should be {wanted}")
    if mask.dtype is torch.bool:
        return finish(laid, None)
    one = _is_zero_one(laid, need_one=False)
    added = laid.to(dtype)
    if pads and attends and mask.dim() == 2:
        # Scores to add can only be meant query by query.
        added = added.reshape(1, 1, queries, keys)
    return finish(torch.where(one, _kept(laid, dtype), added), None)


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Mask | None = None,
    *,
    causal: bool = False,
    dropout: float = 0.0,
    scale: float | None = None,
) -> Tensor:
    """Torch's fused attention on [batch, heads, seq, dim] with our masks."""
    found = torch.nn.functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=None if mask is None else mask.bias,
        dropout_p=dropout,
        is_causal=causal and mask is None,
        scale=scale,
    )
    return found if mask is None else found.masked_fill(mask.dead, 0.0)
