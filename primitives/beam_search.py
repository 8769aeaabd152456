"""Beam search: the best of several hypotheses that are followed at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .generation import Settings
    from .language_models import LanguageModel

#: Hypotheses where the settings name only one.
BEAMS = 4


def beam_search(
    model: LanguageModel,
    prompt: Tensor,
    settings: Settings,
    processed: Callable[[Any, Tensor, Tensor], Tensor],
    stops: Sequence[tuple[int, ...]],
) -> list[int]:
    """The new ids of the best hypothesis for one prompt [1, n], the stop id included.

    A hypothesis is worth the sum of its log-probabilities divided by its
    length (to the power of length_penalty). The search ends when no running
    hypothesis can become better than the best finished one.
    """
    beams = settings.num_beams if settings.num_beams > 1 else BEAMS
    ends = set(settings.eos_token_id)
    longest, power = settings.max_length, settings.length_penalty
    runner = model.runner(settings.use_cache)
    ids = prompt
    logits = runner.start(ids)
    sums = torch.zeros(1, dtype=torch.float64, device=prompt.device)
    rows: list[list[int]] = [[]]
    best: tuple[float, list[int]] | None = None
    for length in range(1, longest + 1):
        shares = torch.log_softmax(processed(settings, logits, ids).double(), -1)
        count = shares.shape[-1]
        totals = (sums.unsqueeze(-1) + shares).flatten()
        # Every row may end with each of the stop ids, which take no place among the beams.
        taken = min(beams * (1 + len(ends) + len(stops)), totals.numel())
        values, places = torch.topk(totals, taken)
        kept: list[tuple[float, int, int]] = []
        for value, place in zip(values.tolist(), places.tolist(), strict=True):
            if value == float("-inf"):
                break
            row, index = divmod(place, count)
            grown = [*rows[row], index]
            if index in ends or any(tuple(grown[-len(stop) :]) == stop for stop in stops):
                worth = value / length**power
                if best is None or worth > best[0]:
                    best = (worth, grown)
            elif len(kept) < beams:
                kept.append((value, row, index))
        if not kept:
            break
        if length == longest:
            worth = kept[0][0] / length**power
            if best is None or worth > best[0]:
                best = (worth, [*rows[kept[0][1]], kept[0][2]])
            break
        # A sum never grows; divided by the greatest length it is worth the most.
        hope = max(kept[0][0] / length**power, kept[0][0] / longest**power)
        if best is not None and best[0] >= hope:
            break
        order = torch.tensor([row for _, row, _ in kept], device=prompt.device)
        new = torch.tensor([index for _, _, index in kept], device=prompt.device)
        rows = [[*rows[row], index] for _, row, index in kept]
        sums = torch.tensor([v for v, _, _ in kept], dtype=torch.float64, device=prompt.device)
        runner.reorder(order)
        ids = torch.cat((ids[order], new.unsqueeze(-1)), -1)
        logits = runner.step(new)
    return best[1] if best is not None else []
