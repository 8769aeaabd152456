"""Keys and values of what a model has read, so that only new ids must be computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter


class _Layer:
    """Keys and values [batch, heads, capacity, dim] of one layer, with room to grow."""

    __slots__ = ("keys", "values", "begin", "end")

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None
        self.begin = self.end = 0

    def append(self, keys: Tensor, values: Tensor, window: int | None) -> tuple[Tensor, Tensor]:
        """Add new ones; what there is now, of which at most ``window`` is kept afterwards."""
        count = keys.shape[2]
        if self.keys is None or self.end + count > self.keys.shape[2]:
            self._grow(keys, values, count)
        assert self.keys is not None and self.values is not None
        begin, end = self.begin, self.end + count
        self.keys[:, :, self.end : end] = keys
        self.values[:, :, self.end : end] = values
        self.end = end
        if window is not None:
            self.begin = max(begin, end - window)
        return self.keys[:, :, begin:end], self.values[:, :, begin:end]

    def _grow(self, keys: Tensor, values: Tensor, count: int) -> None:
        """Buffers with room for as much again, the kept ones at their front."""
        kept = self.end - self.begin
        capacity = max(64, 2 * (kept + count))
        for name, like in (("keys", keys), ("values", values)):
            made = like.new_empty(*like.shape[:2], capacity, like.shape[3])
            old = getattr(self, name)
            if old is not None:
                made[:, :, :kept] = old[:, :, self.begin : self.end]
            setattr(self, name, made)
        self.begin, self.end = 0, kept

    def reorder(self, rows: Tensor) -> None:
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[rows], self.values[rows]


class KVCache:
    """The cache of one text, or of one batch of texts, for one model.

    Attributes:
        owner: the model it belongs to; another one refuses it.
        enabled: without, it only keeps attention weights.
        window: the most keys that are kept, None for all.
        seen: ids read so far; positions go on counting when keys are dropped.
    """

    def __init__(
        self, owner: Any, layers: int, window: int | None = None, enabled: bool = True
    ) -> None:
        self.owner = owner
        self.enabled = enabled
        self.window = window
        self.count = layers
        self.seen = 0
        self.batch: int | None = None
        self.scores: list[Tensor] = []
        self._layers = [_Layer() for _ in range(layers)]

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of a layer, the new ones at the end."""
        return self._layers[layer].append(keys.detach(), values.detach(), self.window)

    def begin(self, batch: int) -> None:
        """Check that ids of this batch can be added."""
        if self.batch is not None and self.batch != batch:
            raise LispError(f"the cache holds a batch of {self.batch}, not of {batch}")
        self.batch = batch

    def reorder(self, rows: Tensor) -> None:
        """Go on with these rows in the place of the present ones."""
        for layer in self._layers:
            layer.reorder(rows)
        self.batch = int(rows.numel())

    def reset(self) -> None:
        self.seen, self.batch, self.scores = 0, None, []
        self._layers = [_Layer() for _ in range(self.count)]


class CacheAdapter(Adapter):
    name = "context_inference_"

    def show(self, value: KVCache) -> str:
        if not value.enabled:
            return "KV Cache (disabled)"
        window = "" if value.window is None else f", window={value.window}"
        return f"KV Cache (layers={value.count}, length={value.seen}{window})"

    def size(self, value: KVCache) -> int:
        return value.seen


register_adapter(KVCache, CacheAdapter())


def visible(new: int, there: int, window: int | None, device: torch.device) -> Tensor | None:
    """Which of ``there`` keys, the last ``new`` of which are new, each new query sees.

    None: all of them, or, for the whole of a text, all up to itself.
    """
    if window is None or there <= window:
        if new == 1 or new == there:
            return None
    queries = torch.arange(there - new, there, device=device).unsqueeze(1)
    keys = torch.arange(there, device=device)
    seen = keys <= queries
    return seen if window is None else seen & (keys > queries - window)
