"""What a ``config.json`` says, in the terms of the one model we have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from lispe_py.errors import LispError

from ..arguments import number, positive
from .rope import check_scaling


@dataclass(frozen=True)
class Family:
    """How a family of models differs from Llama."""

    name: str
    architectures: tuple[str, ...]
    #: Biases of the projections: always, never, or as the configuration says.
    qkv_bias: bool | None = None
    out_bias: bool | None = None
    #: A normalisation of every head of queries and keys.
    qk_norm: bool = False
    #: The key that switches the sliding window on; empty: the window alone does.
    window_switch: str = ""
    #: Some layers go without positions.
    skips_positions: bool = False
    theta: float = 10000.0
    eps: float = 1e-6


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("llama", ("LlamaForCausalLM",), window_switch="use_sliding_window"),
        Family("mistral", ("MistralForCausalLM",), qkv_bias=False, out_bias=False),
        Family(
            "qwen2", ("Qwen2ForCausalLM",), qkv_bias=True, out_bias=False,
            window_switch="use_sliding_window",
        ),
        Family("qwen3", ("Qwen3ForCausalLM",), qk_norm=True, window_switch="use_sliding_window"),
        Family(
            "smollm3", ("SmolLM3ForCausalLM",), skips_positions=True,
            window_switch="use_sliding_window", theta=2000000.0,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Config:
    """The sizes and habits of one model."""

    family: Family
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    eps: float
    theta: float
    max_positions: int
    tied: bool
    qkv_bias: bool
    out_bias: bool
    mlp_bias: bool
    scaling: dict[str, Any] | None
    #: For every layer the keys that it sees at most (None: all), and whether it rotates.
    windows: tuple[int | None, ...]
    rotates: tuple[bool, ...]
    eos: tuple[int, ...]
    #: The dictionary that all this was read from; it is what is written back.
    raw: dict[str, Any] = field(compare=False)

    @property
    def groups(self) -> int:
        """Query heads for each key and value head."""
        return self.num_heads // self.num_kv_heads


def family_of(raw: Mapping[str, Any]) -> Family:
    """The family that a configuration belongs to, by its architecture or its model type."""
    named = raw.get("architectures")
    architecture = named[0] if isinstance(named, (list, tuple)) and named else None
    for family in FAMILIES.values():
        if architecture in family.architectures:
            return family
    kind = raw.get("model_type")
    if architecture is None and kind in FAMILIES:
        return FAMILIES[str(kind)]
    there = " ".join(a for family in FAMILIES.values() for a in family.architectures)
    raise LispError(
        f"unsupported architecture: {architecture or kind or 'none is named'}",
        hint=f"the architectures are: {there}",
    )


def _flag(raw: Mapping[str, Any], key: str, default: bool = False) -> bool:
    value = raw.get(key)
    return default if value is None else bool(value)


def parse(raw: Mapping[str, Any]) -> Config:
    """A configuration, checked. Sizes that are not given are those of Llama 3.1 8B."""
    family = family_of(raw)

    def size(key: str, default: int) -> int:
        value = raw.get(key)
        return default if value is None else positive(value, key)

    hidden, heads = size("hidden_size", 4096), size("num_attention_heads", 32)
    kv_heads = size("num_key_value_heads", heads)
    layers = size("num_hidden_layers", 32)
    if heads % kv_heads:
        raise LispError(f"{kv_heads} key and value heads do not divide {heads} heads")
    head_dim = raw.get("head_dim")
    if head_dim is None:
        if hidden % heads:
            raise LispError(f"hidden_size {hidden} is not divisible by {heads} heads")
        head_dim = hidden // heads
    head_dim = positive(head_dim, "head_dim")
    if head_dim % 2:
        raise LispError(f"head_dim must be even: {head_dim}")
    if raw.get("hidden_act") not in (None, "silu", "swish"):
        raise LispError(f"unsupported activation: {raw['hidden_act']}")
    positions = size("max_position_embeddings", 131072)
    # Newer files have one dictionary for all that concerns the rotation.
    rotation = dict(raw.get("rope_parameters") or {})
    theta = rotation.pop("rope_theta", None) or raw.get("rope_theta") or family.theta
    scaling = check_scaling(raw.get("rope_scaling") or rotation or None, positions)
    eos = raw.get("eos_token_id")
    attention_bias = _flag(raw, "attention_bias")
    return Config(
        family=family,
        vocab_size=size("vocab_size", 128256),
        hidden_size=hidden,
        intermediate_size=size("intermediate_size", 14336),
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        eps=number(raw.get("rms_norm_eps", family.eps), "rms_norm_eps"),
        theta=number(theta, "rope_theta"),
        max_positions=positions,
        tied=_flag(raw, "tie_word_embeddings"),
        qkv_bias=attention_bias if family.qkv_bias is None else family.qkv_bias,
        out_bias=attention_bias if family.out_bias is None else family.out_bias,
        mlp_bias=_flag(raw, "mlp_bias"),
        scaling=scaling,
        windows=_windows(raw, family, layers),
        rotates=_rotates(raw, family, layers),
        eos=tuple(eos) if isinstance(eos, (list, tuple)) else () if eos is None else (eos,),
        raw=dict(raw),
    )


def _windows(raw: Mapping[str, Any], family: Family, layers: int) -> tuple[int | None, ...]:
    window = raw.get("sliding_window")
    on = window is not None and (not family.window_switch or _flag(raw, family.window_switch))
    if not on:
        return (None,) * layers
    width = positive(window, "sliding_window")
    kinds = raw.get("layer_types")
    if isinstance(kinds, (list, tuple)) and len(kinds) == layers:
        return tuple(width if kind == "sliding_attention" else None for kind in kinds)
    first = raw.get("max_window_layers", 28) if family.name in ("qwen2", "qwen3") else 0
    return tuple(width if index >= int(first) else None for index in range(layers))


def _rotates(raw: Mapping[str, Any], family: Family, layers: int) -> tuple[bool, ...]:
    if not family.skips_positions:
        return (True,) * layers
    given = raw.get("no_rope_layers")
    if isinstance(given, (list, tuple)):
        if len(given) != layers:
            raise LispError(f"no_rope_layers has {len(given)} entries for {layers} layers")
        # The name misleads: 1 stands for a layer that rotates.
        return tuple(bool(entry) for entry in given)
    interval = positive(raw.get("no_rope_layer_interval", 4), "no_rope_layer_interval")
    return tuple((index + 1) % interval != 0 for index in range(layers))


def stored_dtype(raw: Mapping[str, Any]) -> torch.dtype | None:
    """The element type that a configuration names."""
    name = str(raw.get("torch_dtype") or raw.get("dtype") or "").removeprefix("torch.")
    found = getattr(torch, name, None) if name else None
    return found if isinstance(found, torch.dtype) and found.is_floating_point else None
