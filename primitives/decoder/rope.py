"""Rotary positions (Su et al. 2021), and the ways to stretch them over longer texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError

from ..arguments import number, positive

#: Named, since a model may be made under another default device.
_CPU = torch.device("cpu")

#: Ways of stretching, and the settings that each must have.
KINDS: dict[str, tuple[str, ...]] = {
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
    "yarn": ("factor",),
    "factors": ("factors",),
}


def check_scaling(given: Any, positions: int) -> dict[str, Any] | None:
    """The settings of a stretching; None where there is none."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise LispError("rope_scaling must be a dictionary")
    found = dict(given)
    kind = found.get("rope_type", found.get("type", "default"))
    if kind in ("default", None):
        return None
    if kind not in KINDS:
        raise LispError(
            f"unsupported rope_scaling: '{kind}'", hint=f"the kinds are: {' '.join(KINDS)}"
        )
    for key in KINDS[kind]:
        if found.get(key) is None:
            raise LispError(f"rope_scaling of the kind '{kind}' needs '{key}'")
    if kind != "factors" and number(found["factor"], "factor") < 1.0:
        raise LispError(f"the factor of rope_scaling must be at least 1: {found['factor']}")
    found["kind"] = kind
    found["original"] = positive(
        found.get("original_max_position_embeddings") or positions, "original positions"
    )
    return found


def frequencies(dim: int, theta: float, scaling: Mapping[str, Any] | None) -> tuple[Tensor, float]:
    """The angle by which each pair turns at each step, and a factor for the tables."""
    base = theta ** (-torch.arange(0, dim, 2, dtype=torch.float64, device=_CPU) / dim)
    if scaling is None:
        return base, 1.0
    kind = scaling["kind"]
    if kind == "factors":
        divisors = torch.tensor(list(scaling["factors"]), dtype=torch.float64, device=_CPU)
        if divisors.shape != base.shape:
            raise LispError(f"{divisors.numel()} factors for {base.numel()} pairs")
        return base / divisors, 1.0
    factor = float(scaling["factor"])
    if kind == "linear":
        return base / factor, 1.0
    if kind == "llama3":
        return _llama3(base, factor, scaling), 1.0
    return _yarn(dim, theta, base, factor, scaling)


def _llama3(base: Tensor, factor: float, scaling: Mapping[str, Any]) -> Tensor:
    """Long waves are stretched, short ones kept, those between blended."""
    low, high = float(scaling["low_freq_factor"]), float(scaling["high_freq_factor"])
    turns = scaling["original"] * base / (2 * math.pi)
    share = ((turns - low) / (high - low)).clamp(0, 1)
    return (1 - share) * base / factor + share * base


def _yarn(
    dim: int, theta: float, base: Tensor, factor: float, scaling: Mapping[str, Any]
) -> tuple[Tensor, float]:
    """YaRN (Peng et al. 2023): a ramp between stretched and kept pairs, and warmer attention."""
    fast = float(scaling.get("beta_fast") or 32)
    slow = float(scaling.get("beta_slow") or 1)

    def pair_of(turns: float) -> float:
        """The pair that makes so many turns over the original length."""
        return dim * math.log(scaling["original"] / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low, high = pair_of(fast), pair_of(slow)
    if scaling.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    if low == high:
        high += 0.001
    pairs = torch.arange(dim // 2, dtype=torch.float64, device=_CPU)
    ramp = ((pairs - low) / (high - low)).clamp(0, 1)
    warmth = scaling.get("attention_factor")
    if warmth is None:
        one, all_ = scaling.get("mscale"), scaling.get("mscale_all_dim")
        if one and all_:
            warmth = _warmth(factor, float(one)) / _warmth(factor, float(all_))
        else:
            warmth = _warmth(factor, 1.0)
    return base / factor * ramp + base * (1 - ramp), float(warmth)


def _warmth(factor: float, scale: float) -> float:
    return 1.0 if factor <= 1 else 0.1 * scale * math.log(factor) + 1.0


class Rotation:
    """Tables of cosines and sines, made longer as they are needed.

    The sines of the first half of the places are negative: see :func:`rotate`.
    """

    def __init__(self, dim: int, theta: float, scaling: Mapping[str, Any] | None) -> None:
        self.frequencies, self.factor = frequencies(dim, theta, scaling)
        self.tables: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}

    def at(self, start: int, count: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines [count, dim] of the positions from ``start`` on."""
        if torch.compiler.is_compiling():
            # A graph that is kept has no use for tables of one length.
            places = torch.arange(start, start + count, device=like.device).float()
            cos, sin = self._table(places, self.frequencies.float().to(like.device))
            return cos.to(like.dtype), sin.to(like.dtype)
        key = (like.device, like.dtype)
        found = self.tables.get(key)
        end = start + count
        if found is None or found[0].shape[0] < end:
            # In single precision an angle of thousands is off by too much.
            places = torch.arange(max(2 * end, 256), dtype=torch.float64, device=_CPU)
            cos, sin = self._table(places, self.frequencies)
            found = (cos.to(*key), sin.to(*key))
            self.tables[key] = found
        return found[0][start:end], found[1][start:end]

    def _table(self, places: Tensor, frequencies: Tensor) -> tuple[Tensor, Tensor]:
        angles = torch.outer(places, frequencies)
        cos, sin = angles.cos() * self.factor, angles.sin() * self.factor
        return torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (i, i + dim/2) of [..., n, dim] by angles of tables of :class:`Rotation`."""
    return x * cos + x.roll(x.shape[-1] // 2, -1) * sin
