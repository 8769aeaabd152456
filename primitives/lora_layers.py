"""Layers with low-rank adapters: y = x W^T + b + scale (x A^T) B^T (Hu et al. 2021).

W and b are frozen. A is [rank, in], drawn from N(0, 1/sqrt(rank)); B is
[out, rank], zeros, so that a fresh adapter changes nothing. A layer holds
several adapters by name, of which some are active. Merging puts the sum into
another weight and keeps W as it was, so that unmerging is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter

from . import few_rows
from .arguments import boolean, is_list, number, positive, rate, shape_text, text, what
from .layers import Layer, MultiHeadAttention, check_heads, rebuild

#: The name of the adapter that is meant when none is given.
DEFAULT = "default"


class LoRAConfig:
    """What an adapter is made of, and the modules that are to get one."""

    __slots__ = ("rank", "alpha", "dropout", "rslora", "targets")

    def __init__(
        self,
        rank: Any = 16,
        alpha: Any = 16,
        dropout: Any = 0.0,
        rslora: Any = None,
        targets: Any = (),
    ) -> None:
        self.rank = positive(rank, "rank")
        self.alpha = number(alpha, "alpha")
        if not math.isfinite(self.alpha):
            raise LispError(f"alpha must be a finite number: {what(alpha)}")
        self.dropout = rate(dropout, "dropout")
        #: The scale is alpha / sqrt(rank) instead of alpha / rank (Kalajdzievski 2023).
        self.rslora = boolean(rslora, "rslora")
        self.targets = targets

    @property
    def scale(self) -> float:
        return self.alpha / (math.sqrt(self.rank) if self.rslora else self.rank)

    def sizes(self) -> dict[str, Any]:
        """The plain values that a file keeps."""
        return {
            "rank": self.rank, "alpha": self.alpha, "dropout": self.dropout, "rslora": self.rslora,
        }  # fmt: skip


class LoRAConfigAdapter(Adapter):
    name = "torch_lora_config_"

    def show(self, value: LoRAConfig) -> str:
        count = 1 if isinstance(value.targets, str) else len(value.targets)
        return f"LoRA Config (rank={value.rank}, alpha={value.alpha:g}, targets={count})"


register_adapter(LoRAConfig, LoRAConfigAdapter())


class Adapted(Layer):
    """A layer with adapters. A subclass says what the base is and how it runs."""

    atom = "torch_lora_linear_"
    stands_in = True
    #: The parameter to which the adapters add.
    weight_name = "weight"

    def prepare(self, in_features: int, out_features: int) -> None:
        """To be called by ``__init__`` once the base is there."""
        self.adapter_in = in_features
        self.adapter_out = out_features
        self.lora_A = nn.ParameterDict()
        self.lora_B = nn.ParameterDict()
        self.configs: dict[str, LoRAConfig] = {}
        self.active: list[str] = []
        self.enabled = True
        #: Names of the adapters in the merged weight; empty: it is the base's own.
        self.merged: list[str] = []
        self._base: list[nn.Parameter] = []

    # ------------------------------------------------------------ adapters

    def add(
        self, name: str, config: LoRAConfig, like: Tensor, dtype: torch.dtype | None = None
    ) -> None:
        """A fresh adapter on the device of ``like``; it becomes the active one."""
        if not name or "." in name or hasattr(nn.ParameterDict, name):
            raise LispError(f"an adapter cannot have the name '{name}'")
        if name in self.configs:
            raise LispError(f"there is an adapter '{name}' already")
        kind = dtype or (like.dtype if like.is_floating_point() else torch.float32)
        a = torch.empty(config.rank, self.adapter_in, dtype=kind, device=like.device)
        if not a.is_meta:
            nn.init.normal_(a, 0.0, 1.0 / math.sqrt(config.rank))
        self.lora_A[name] = nn.Parameter(a)
        b = torch.zeros(self.adapter_out, config.rank, dtype=kind, device=like.device)
        self.lora_B[name] = nn.Parameter(b)
        self.configs[name] = config
        self.activate([name])

    def activate(self, names: list[str]) -> None:
        """Use these adapters and no others. Those that are not used are not trained."""
        for name in names:
            self.pair(name)
        self.active = list(names)
        for name in self.configs:
            for part in (self.lora_A[name], self.lora_B[name]):
                part.requires_grad_(name in names)

    def remove(self, name: str) -> None:
        self.pair(name)
        if name in self.merged:
            self.unmerge()
        del self.lora_A[name], self.lora_B[name], self.configs[name]
        self.active = [other for other in self.active if other != name]

    def pair(self, name: str) -> tuple[Tensor, Tensor]:
        """A and B of an adapter."""
        if name not in self.configs:
            raise LispError(
                f"there is no adapter '{name}' here",
                hint=f"the adapters are: {' '.join(self.configs) or 'none'}",
            )
        return self.lora_A[name], self.lora_B[name]

    def trained(self) -> Iterator[Tensor]:
        """A and B of every active adapter."""
        for name in self.active:
            yield from self.pair(name)

    # ------------------------------------------------------------ computing

    def update(self, x: Tensor, out: Tensor) -> Tensor:
        """What the active adapters add to the output of the base."""
        for name in self.active:
            config, a, b = self.configs[name], self.lora_A[name], self.lora_B[name]
            low = x if x.dtype is a.dtype else x.to(a.dtype)
            if config.dropout and self.training:
                low = F.dropout(low, config.dropout)
            low = F.linear(low, a)
            if low.dtype is out.dtype:
                # The product is added where the output lies, without a tensor in between.
                rows = out.reshape(-1, self.adapter_out)
                low = low.reshape(-1, config.rank)
                out = torch.addmm(rows, low, b.t(), alpha=config.scale).view(out.shape)
            else:
                out = out + F.linear(low * config.scale, b).to(out.dtype)
        return out

    def adapts(self) -> bool:
        """Must the adapters be added in the forward pass?"""
        return self.enabled and not self.merged and bool(self.active)

    def delta(self, names: list[str] | None = None) -> Tensor:
        """scale B A, the sum over the active adapters or those named."""
        found: Tensor | None = None
        for name in self.active if names is None else names:
            a, b = self.pair(name)
            part = (b @ a) * self.configs[name].scale
            found = part if found is None else found + part
        if found is None:
            weight = getattr(self, self.weight_name)
            return torch.zeros(
                self.adapter_out, self.adapter_in, dtype=weight.dtype, device=weight.device
            )
        return found

    # ------------------------------------------------------------ merging

    def merge(self) -> None:
        """Put the active adapters into the weight. What is merged already stays so."""
        if self.merged or not self.active:
            return
        weight = getattr(self, self.weight_name)
        with torch.no_grad():
            whole = weight.to(torch.promote_types(weight.dtype, torch.float32)) + self.delta()
        # The base's own parameter is kept, not copied: it may be tied to another layer.
        self._base = [weight]
        merged = nn.Parameter(whole.to(weight.dtype), requires_grad=False)
        setattr(self, self.weight_name, merged)
        self.merged = list(self.active)

    def unmerge(self) -> None:
        """Bring the weight of the base back: the very one, where it is still there."""
        if not self.merged:
            return
        if self._base:
            base = self._base[0]
        else:
            # The layer came merged out of a file.
            weight = getattr(self, self.weight_name)
            with torch.no_grad():
                base = nn.Parameter(weight - self.delta(self.merged).to(weight.dtype), False)
        setattr(self, self.weight_name, base)
        self._base, self.merged = [], []

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        for parameter in self._base:
            parameter.data = fn(parameter.data)
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    # ------------------------------------------------------------ files

    def adapter_sizes(self) -> dict[str, Any]:
        return {
            "adapters": {name: config.sizes() for name, config in self.configs.items()},
            "active": list(self.active),
            "merged": list(self.merged),
        }

    def take_adapters(self, adapters: Any, active: Any, merged: Any, like: Tensor) -> None:
        """The adapters that a file describes."""
        if not isinstance(adapters, Mapping) or not is_list(active) or not is_list(merged):
            raise LispError("the adapters of this layer cannot be read")
        for name, sizes in adapters.items():
            if not isinstance(sizes, Mapping):
                raise LispError("the adapters of this layer cannot be read")
            self.add(text(name, "the name of an adapter"), LoRAConfig(**sizes), like)
        self.activate([text(name, "the name of an adapter") for name in active])
        for name in merged:
            self.pair(text(name, "the name of an adapter"))
        self.merged = list(merged)

    def adapted(
        self, spec: Mapping[str, Any], state: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor] | None:
        """The tensors of a file, whose weight is merged as this layer's is."""
        if spec.get("kind") != self.kind:
            return None
        sizes = spec.get("sizes", {})
        names = list(sizes.get("merged") or ())
        if names == self.merged or self.weight_name not in state:
            return state
        adapters = sizes.get("adapters") or {}
        weight = state[self.weight_name]
        for sign, which in ((-1.0, names), (1.0, self.merged)):
            for name in which:
                a, b = state.get(f"lora_A.{name}"), state.get(f"lora_B.{name}")
                if a is None or b is None or name not in adapters:
                    return state
                weight = weight + sign * LoRAConfig(**adapters[name]).scale * (b @ a)
        return {**state, self.weight_name: weight}

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *rest)
        if prefix + self.weight_name in state_dict:
            # The weight that was there before a merge belongs to the past.
            self._base = []


class LoRALinear(Adapted):
    """A frozen linear layer with adapters."""

    kind = "lora_linear"

    def __init__(
        self,
        in_features: Any,
        out_features: Any,
        bias: Any = True,
        adapters: Any = None,
        active: Any = (),
        merged: Any = (),
    ) -> None:
        super().__init__()
        self.in_features = positive(in_features, "in_features")
        self.out_features = positive(out_features, "out_features")
        base = nn.Linear(self.in_features, self.out_features, boolean(bias, "bias"))
        self.weight = base.weight.requires_grad_(False)
        self.bias = base.bias if base.bias is None else base.bias.requires_grad_(False)
        self.prepare(self.in_features, self.out_features)
        if adapters is not None:
            self.take_adapters(adapters, active, merged, self.weight)

    @classmethod
    def around(cls, linear: nn.Linear, copied: bool = False) -> LoRALinear:
        """A layer with the weights of a linear one: the same parameters, or copies."""
        with torch.device("meta"):
            made = cls(linear.in_features, linear.out_features, linear.bias is not None)
        for name in ("weight", "bias"):
            value = getattr(linear, name)
            if value is not None:
                kept = nn.Parameter(value.detach().clone()) if copied else value
                setattr(made, name, kept.requires_grad_(False))
        made.train(linear.training)
        return made

    def printed(self) -> str:
        config = self.configs.get(self.active[0] if self.active else next(iter(self.configs), ""))
        rank, alpha = (config.rank, config.alpha) if config else (0, 0.0)
        return (
            f"LoRA Linear Layer ({self.in_features} -> {self.out_features}, rank={rank}, "
            f"alpha={alpha:g}, merged={'true' if self.merged else 'false'})"
        )

    def sizes(self) -> dict[str, Any]:
        return {
            "in_features": self.in_features,
            "out_features": self.out_features,
            "bias": self.bias is not None,
            **self.adapter_sizes(),
        }

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if x.dtype is not weight.dtype or x.device != weight.device:
            x = self.fit(x, weight)
            weight = self.weight
        if x.shape[-1:] != (self.in_features,):
            raise LispError(f"the last axis of {shape_text(x)} should be {self.in_features}")
        out = few_rows.linear(x, weight, self.bias)
        return self.update(x, out) if self.adapts() else out


class LoRAAttention(Adapted, MultiHeadAttention):
    """Multi-head attention with adapters on the joint projection to queries, keys and values."""

    kind = "lora_attention"
    atom = MultiHeadAttention.atom
    weight_name = "in_proj_weight"

    def __init__(
        self,
        embed_dim: Any,
        num_heads: Any,
        adapters: Any = None,
        active: Any = (),
        merged: Any = (),
    ) -> None:
        embed, heads = check_heads(embed_dim, num_heads)
        MultiHeadAttention.__init__(self, embed, heads)
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        self.prepare(embed, 3 * embed)
        if adapters is not None:
            self.take_adapters(adapters, active, merged, self.in_proj_weight)

    @classmethod
    def around(cls, attention: MultiHeadAttention) -> LoRAAttention:
        """Attention with the very parameters and parts of another."""
        with torch.device("meta"):
            made = cls(attention.embed_dim, attention.num_heads)
        for name, parameter in attention.named_parameters(recurse=False):
            setattr(made, name, parameter.requires_grad_(False))
        made.out_proj = attention.out_proj
        made.train(attention.training)
        return made

    def printed(self) -> str:
        return MultiHeadAttention.printed(self)

    def sizes(self) -> dict[str, Any]:
        return {**MultiHeadAttention.sizes(self), **self.adapter_sizes()}

    def in_projection(self) -> tuple[Tensor, Tensor]:
        weight: Tensor = self.in_proj_weight
        if self.adapts():
            weight = weight + self.delta().to(weight.dtype)
        return weight, self.in_proj_bias


class LoRAOver(Adapted):
    """Adapters over a linear layer of another kind, such as one with quantised weights."""

    kind = "lora_over"
    tells_parts = True
    in_features: int
    out_features: int

    def __init__(self, base: Any, adapters: Any = None, active: Any = (), merged: Any = ()) -> None:
        super().__init__()
        found: Any = base if isinstance(base, Layer) else rebuild(base)
        for parameter in found.parameters():
            parameter.requires_grad_(False)
        self.base = found
        self.in_features, self.out_features = found.in_features, found.out_features
        self.prepare(self.in_features, self.out_features)
        if adapters is not None:
            self.take_adapters(adapters, active, merged, self.like())

    def like(self) -> Tensor:
        """A tensor on the device of the base, in the type that it computes in."""
        found = next(iter(self.base.state_dict().values()))
        return torch.empty(0, dtype=torch.float32, device=found.device)

    def printed(self) -> str:
        return f"LoRA over {self.base.printed()}"

    def sizes(self) -> dict[str, Any]:
        return {"base": self.base.spec(), **self.adapter_sizes()}

    def merge(self) -> None:
        kept = self.base.quantised
        into = f"weights kept as {kept}" if kept else f"a {self.base.printed()}"
        raise LispError(f"adapters cannot be merged into {into}")

    def delta(self, names: list[str] | None = None) -> Tensor:
        if names is None and not self.active:
            return self.like().new_zeros(self.out_features, self.in_features)
        return super().delta(names)

    def forward(self, x: Tensor) -> Tensor:
        out = self.base(x)
        return self.update(x.to(out.device), out) if self.adapts() else out
