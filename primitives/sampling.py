"""From logits to the next id: penalties, filters and draws, and the tensor functions for it.

The order is that of common practice: the penalty on the raw logits, division
by the temperature, top-k, top-p, min-p, softmax, the draw.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.values.lists import List

from .arguments import boolean, integer, positive, shape_text
from .convert import is_data, only_tensor, operand

LIBRARY = "lispe_torch"


def penalised(logits: Tensor, ids: Tensor, penalty: float) -> Tensor:
    """Make ids that are there already less likely (Keskar et al. 2019).

    Positive logits are divided by the penalty, negative ones multiplied.
    """
    count = logits.shape[-1]
    # One place more than there are ids, for what lies outside the vocabulary.
    there = torch.zeros(logits.shape[0], count + 1, dtype=torch.bool, device=logits.device)
    there.scatter_(-1, torch.where(ids < 0, count, ids).clamp(max=count), True)
    changed = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(there[:, :count], changed, logits)


def without_repeats(logits: Tensor, ids: Tensor, size: int) -> Tensor:
    """Forbid every id that would complete a group of ``size`` ids for the second time.

    Where that would leave nothing, nothing is forbidden.
    """
    length = ids.shape[-1]
    if length < size:
        return logits
    logits = logits.clone()
    for row, scores in zip(ids.tolist(), logits, strict=True):
        last = tuple(row[length - size + 1 :]) if size > 1 else ()
        banned = {
            row[start + size - 1]
            for start in range(length - size + 1)
            if tuple(row[start : start + size - 1]) == last
        }
        there = [index for index in banned if 0 <= index < scores.shape[-1]]
        if len(there) < scores.shape[-1]:
            scores[there] = float("-inf")
    return logits


def draw(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    random: torch.Generator | None = None,
) -> Tensor:
    """One id for every row of [batch, vocabulary].

    top_k keeps the k likeliest, 0 all; top_p the smallest set of the likeliest
    whose total reaches p (Holtzman et al. 2020); min_p what has at least that
    share of the likeliest one's probability. The likeliest always stays.
    """
    scores = logits.float() / temperature
    count = scores.shape[-1]
    if top_k == 1:
        return logits.argmax(-1)
    indices: Tensor | None = None
    if 0 < top_k < count:
        scores, indices = torch.topk(scores, top_k, dim=-1)
    elif top_p < 1.0:
        scores, indices = torch.sort(scores, dim=-1, descending=True, stable=True)
    if top_p < 1.0:
        shares = torch.softmax(scores, -1)
        before = shares.cumsum(-1) - shares
        keep = before < top_p
        keep[..., 0] = True
        scores = scores.masked_fill(~keep, float("-inf"))
    if min_p > 0.0:
        shares = torch.softmax(scores, -1)
        keep = shares >= min_p * shares.max(-1, keepdim=True).values
        scores = scores.masked_fill(~keep, float("-inf"))
    shares = torch.softmax(scores, -1)
    if bool(torch.isnan(shares).any()):
        raise LispError("the model gives logits from which no id can be drawn")
    picked = torch.multinomial(shares, 1, generator=random)
    return (picked if indices is None else indices.gather(-1, picked)).squeeze(-1)


# ------------------------------------------------------------------ primitives


def _axis(value: Tensor, dim: Any) -> int:
    found = integer(-1 if dim is None else dim, "dim")
    if not -max(1, value.dim()) <= found < max(1, value.dim()):
        raise LispError(f"dim {found} is outside a tensor {shape_text(value)}")
    return found


@primitive("torch_topk", "tensor_topk", "torch_tensor_topk", library=LIBRARY)
def torch_topk(tensor: Any, k: Any, dim: Any = -1, largest: Any = True) -> List:
    """The k largest elements along an axis, in order, and their positions: a list of two.

    The last axis is the default; with largest nil it is the smallest. k beyond
    the length of the axis is an error.

    (torch_topk (torch_tensor (floats 3 1 4 1 5)) 2)
    ; ((5 4) (4 2))
    """
    value = only_tensor(tensor)
    count, axis = positive(k, "k"), _axis(value, dim)
    size = value.shape[axis] if value.dim() else 1
    if count > size:
        raise LispError(f"k is {count}, the axis has {size} elements")
    return List(torch.topk(value, count, dim=axis, largest=boolean(largest, "largest")))


@primitive("torch_sort", "tensor_sort", "torch_tensor_sort", library=LIBRARY)
def torch_sort(tensor: Any, dim: Any = -1, descending: Any = None) -> List:
    """The elements in order along an axis, and where they were: a list of two.

    The last axis is the default. (torch_sort t true) sorts it from the largest
    on. Equal elements keep their order.

    (torch_sort (torch_tensor (floats 3 1 2)))
    ; ((1 2 3) (1 2 0))
    """
    value = only_tensor(tensor)
    if dim is True:
        dim, descending = -1, True
    backwards = boolean(descending, "descending")
    return List(torch.sort(value, dim=_axis(value, dim), descending=backwards, stable=True))


@primitive("torch_multinomial", "tensor_multinomial", "torch_tensor_multinomial", library=LIBRARY)
def torch_multinomial(probs: Any, num_samples: Any, replacement: Any = None) -> Tensor:
    """Draw positions with the given weights; the rows of a matrix one by one. int64.

    The weights need not add up to 1. Negative or all-zero weights, or more
    draws without replacement than there are non-zero weights, are an error.

    (torch_multinomial (torch_tensor (floats 0 0 1)) 1)
    ; (2)
    """
    value = only_tensor(operand(probs, torch.empty(0)) if is_data(probs) else probs)
    count, again = positive(num_samples, "num_samples"), boolean(replacement, "replacement")
    if value.dim() not in (1, 2) or not value.shape[-1]:
        raise LispError(f"probs must have one axis or two, not {shape_text(value)}")
    weights = value.detach() if value.is_floating_point() else value.float()
    if not bool(torch.isfinite(weights).all()) or bool((weights < 0).any()):
        raise LispError("weights must be numbers of at least 0")
    least = int((weights > 0).sum(-1).min()) if weights.numel() else 1
    if not least:
        raise LispError("all weights are 0")
    if not again and count > least:
        raise LispError(
            f"{count} draws without replacement from {least} positions of non-zero weight"
        )
    return torch.multinomial(weights, count, replacement=again)
