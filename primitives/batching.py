"""Batches of sequences of different lengths, by a budget of tokens."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers

from .arguments import boolean, integer, is_list, positive, shape_text, what

LIBRARY = "lispe_torch"


def _ids(value: Any, index: int) -> Tensor:
    """One sequence of ids, from a tensor or a list."""
    if isinstance(value, Tensor):
        if value.dim() != 1:
            raise LispError(f"sequence {index} must have one axis, not {shape_text(value)}")
        if value.is_floating_point() or value.is_complex():
            raise LispError(f"sequence {index} must hold integers")
        return value.to(torch.int64)
    if is_list(value):
        return torch.tensor(
            [integer(n, f"an id of sequence {index}") for n in value], dtype=torch.int64
        )
    raise LispError(f"sequence {index} must be a tensor or a list of ids, not {what(value)}")


@primitive("torch_batch_by_tokens", "torch_dynamic_batches", library=LIBRARY)
def torch_batch_by_tokens(
    sequences: Any, max_tokens: Any, pad_token_id: Any = 0, shuffle: Any = None
) -> List:
    """Batches of sequences of similar length, each of at most max_tokens tokens.

    A batch counts its padding: sequences times the longest of them. Each batch
    is a list of three: the padded ids [n, longest] int64, the mask of ones and
    zeros (float32), and the positions of its sequences in the argument. With
    shuffle true equal lengths and the order of the batches are drawn anew. A
    sequence longer than the budget is an error.

    (@ (torch_batch_by_tokens (list (integers 1 2 3) (integers 4) (integers 5 6 7)) 6) 0 0)
    ; ((1 2 3) (5 6 7))
    """
    if not is_list(sequences):
        raise LispError(f"sequences must be a list, not {what(sequences)}")
    rows = [_ids(s, index) for index, s in enumerate(sequences)]
    budget = positive(max_tokens, "max_tokens")
    pad = 0 if pad_token_id is None else integer(pad_token_id, "pad_token_id")
    mixed = boolean(shuffle, "shuffle")
    for index, row in enumerate(rows):
        if row.numel() > budget:
            raise LispError(
                f"sequence {index} has {row.numel()} tokens, more than the budget of {budget}"
            )
    order = torch.randperm(len(rows)).tolist() if mixed else list(range(len(rows)))
    # Longest first: the first member of a batch says how wide it is.
    order.sort(key=lambda index: -rows[index].numel())
    groups: list[list[int]] = []
    for index in order:
        if groups and (len(groups[-1]) + 1) * max(rows[groups[-1][0]].numel(), 1) <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    if mixed:
        groups = [groups[index] for index in torch.randperm(len(groups)).tolist()]
    return List(_batch([rows[i] for i in group], group, pad) for group in groups)


def _batch(rows: list[Tensor], positions: list[int], pad: int) -> List:
    longest = max(row.numel() for row in rows)
    ids = torch.full((len(rows), longest), pad, dtype=torch.int64)
    mask = torch.zeros(len(rows), longest)
    for index, row in enumerate(rows):
        ids[index, : row.numel()] = row
        mask[index, : row.numel()] = 1.0
    return List([ids, mask, Integers(positions)])


@primitive("torch_padding_waste", library=LIBRARY)
def torch_padding_waste(batches: Any) -> float:
    """The share of padding among all tokens of batches made by torch_batch_by_tokens.

    Between 0 (no padding) and 1; a single mask of ones and zeros will do too.

    (torch_padding_waste (torch_batch_by_tokens (list (integers 1 2 3) (integers 4)) 6))
    ; 0.333333
    """
    masks = [batches] if isinstance(batches, Tensor) else []
    for batch in [] if isinstance(batches, Tensor) else batches if is_list(batches) else [batches]:
        members = list(batch) if is_list(batch) else []
        if len(members) < 2 or not isinstance(members[1], Tensor):
            raise LispError(f"batches must be those of torch_batch_by_tokens, not {what(batch)}")
        masks.append(members[1])
    total = sum(mask.numel() for mask in masks)
    return 1.0 - float(sum(int((mask != 0).sum()) for mask in masks)) / total if total else 0.0
