"""The decoder: embedding, layers of grouped-query attention and SwiGLU, norm, output head.

The parts carry the names that Hugging Face gives them, so that files and
adapters fit as they are.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lispe_py.errors import LispError

from .. import layers
from ..arguments import options, shape_text
from ..kv_cache import KVCache, visible
from ..language_models import LanguageModel
from ..layers import Layer, Linear
from .config import Config, parse
from .rope import Rotation, rotate


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps), scaled (Zhang and Sennrich 2019)."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype is torch.float32:
            return F.rms_norm(x, self.weight.shape, self.weight, self.eps)
        # The mean of squares of short floats is taken in single precision.
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return self.weight * wide.to(x.dtype)


class Pass:
    """What one run of the model carries from layer to layer."""

    __slots__ = ("cos", "sin", "cache", "scores")

    def __init__(
        self, rotation: Rotation, x: Tensor, start: int, cache: KVCache | None, manual: bool
    ) -> None:
        self.cos, self.sin = rotation.at(start, x.shape[1], x)
        self.cache = cache
        #: The attention weights of every layer, where they are wanted.
        self.scores: list[Tensor] | None = [] if manual else None


class Attention(nn.Module):
    """Grouped-query attention with rotary positions."""

    def __init__(self, config: Config, index: int) -> None:
        super().__init__()
        self.index = index
        self.heads, self.kv_heads = config.num_heads, config.num_kv_heads
        self.dim = config.head_dim
        self.window = config.windows[index]
        self.rotates = config.rotates[index]
        hidden, bias = config.hidden_size, config.qkv_bias
        self.q_proj = Linear(hidden, self.heads * self.dim, bias)
        self.k_proj = Linear(hidden, self.kv_heads * self.dim, bias)
        self.v_proj = Linear(hidden, self.kv_heads * self.dim, bias)
        self.o_proj = Linear(self.heads * self.dim, hidden, config.out_bias)
        norms = config.family.qk_norm
        self.q_norm = RMSNorm(self.dim, config.eps) if norms else None
        self.k_norm = RMSNorm(self.dim, config.eps) if norms else None

    def forward(self, x: Tensor, run: Pass) -> Tensor:
        batch, new, _ = x.shape
        q = self.q_proj(x).view(batch, new, self.heads, self.dim)
        k = self.k_proj(x).view(batch, new, self.kv_heads, self.dim)
        v = self.v_proj(x).view(batch, new, self.kv_heads, self.dim).transpose(1, 2)
        if self.q_norm is not None and self.k_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = q.transpose(1, 2), k.transpose(1, 2)
        if self.rotates:
            q, k = rotate(q, run.cos, run.sin), rotate(k, run.cos, run.sin)
        window = self.window
        if run.cache is not None:
            k, v = run.cache.append(self.index, k, v)
            if run.cache.window is not None:
                window = min(run.cache.window, window or run.cache.window)
        mask = visible(new, k.shape[2], window, x.device)
        if run.scores is not None:
            out = self._explicit(q, k, v, mask, run.scores)
        elif new == 1 and mask is None:
            # The heads of a group see the same keys: they are its queries.
            grouped = q.view(batch, self.kv_heads, -1, self.dim)
            out = F.scaled_dot_product_attention(grouped, k, v).view(batch, self.heads, 1, self.dim)
        else:
            out = F.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, is_causal=mask is None,
                enable_gqa=self.heads != self.kv_heads,
            )  # fmt: skip
        return self.o_proj(out.transpose(1, 2).reshape(batch, new, -1))  # type: ignore[no-any-return]

    def _explicit(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scores: list[Tensor]
    ) -> Tensor:
        """Attention step by step, whose weights are kept."""
        groups = self.heads // self.kv_heads
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        raw = (q @ k.transpose(-1, -2)) / self.dim**0.5
        if mask is None and q.shape[2] > 1:
            mask = torch.ones(raw.shape[-2:], dtype=torch.bool, device=q.device).tril()
        if mask is not None:
            raw = raw.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(raw.float(), -1)
        scores.append(weights.detach().cpu())
        return weights.to(v.dtype) @ v


class FeedForward(nn.Module):
    """down(silu(gate(x)) * up(x)) (Shazeer 2020)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        hidden, inner, bias = config.hidden_size, config.intermediate_size, config.mlp_bias
        self.gate_proj = Linear(hidden, inner, bias)
        self.up_proj = Linear(hidden, inner, bias)
        self.down_proj = Linear(inner, hidden, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))  # type: ignore[no-any-return]


class DecoderLayer(nn.Module):
    """Attention and feed-forward, each behind a norm and added to its input."""

    def __init__(self, config: Config, index: int) -> None:
        super().__init__()
        self.self_attn = Attention(config, index)
        self.mlp = FeedForward(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.eps)

    def forward(self, x: Tensor, run: Pass) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), run)
        return x + self.mlp(self.post_attention_layernorm(x))  # type: ignore[no-any-return]


class Body(nn.Module):
    """Everything below the output head."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.embed_tokens = layers.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(config, i) for i in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.eps)


class Decoder(Layer):
    """Ids [batch, n] or [n] to logits [batch, n, vocabulary]."""

    kind = "decoder"
    atom = "torch_model_"
    segmented = True

    def __init__(self, config: Any) -> None:
        """``config`` is the dictionary of a ``config.json``, or what :func:`parse` made of it."""
        super().__init__()
        self.config = config if isinstance(config, Config) else parse(options(config))
        self.model = Body(self.config)
        self.lm_head = Linear(self.config.hidden_size, self.config.vocab_size, False)
        self.rotation = Rotation(self.config.head_dim, self.config.theta, self.config.scaling)
        if not self.lm_head.weight.is_meta:
            self._initialise()
        self.tie()
        tie_again = self.register_load_state_dict_post_hook
        tie_again(lambda module, keys: module.tie())  # type: ignore[no-untyped-call]

    def _initialise(self) -> None:
        """Small normal weights, as the families start their training from."""
        spread = float(self.config.raw.get("initializer_range", 0.02))
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, 0.0, spread)
                bias = getattr(module, "bias", None)
                if bias is not None:
                    nn.init.zeros_(bias)

    def tie(self) -> None:
        """The output head of a tied model is its embedding."""
        head = self.lm_head
        # A head with merged adapters, or with quantised weights, is its own.
        if self.config.tied and "weight" in head._parameters and not getattr(head, "merged", None):
            head.weight = self.model.embed_tokens.weight

    def printed(self) -> str:
        c = self.config
        return (
            f"PyTorch Decoder ({c.family.name}, layers={c.num_layers}, hidden={c.hidden_size}, "
            f"heads={c.num_heads}, vocab={c.vocab_size})"
        )

    def sizes(self) -> dict[str, Any]:
        return {"config": self.config.raw}

    # ------------------------------------------------------------ running

    def ids(self, value: Tensor) -> Tensor:
        """Ids as int64 [batch, n]."""
        if value.is_floating_point() or value.is_complex() or value.dtype is torch.bool:
            raise LispError("ids must be integers")
        if value.dim() not in (1, 2):
            raise LispError(f"ids must have the axes [batch, n] or [n], not {shape_text(value)}")
        if not value.numel():
            raise LispError("there are no ids")
        found = value if value.dim() == 2 else value.unsqueeze(0)
        return found if found.dtype is torch.int64 else found.to(torch.int64)

    def forward(
        self,
        ids: Tensor,
        cache: KVCache | None = None,
        manual: bool = False,
        last_only: bool = False,
    ) -> Tensor:
        ids = self.ids(ids)
        used = cache if cache is not None and cache.enabled else None
        if used is not None:
            used.begin(ids.shape[0])
        x = self.model.embed_tokens(ids)
        run = Pass(self.rotation, x, used.seen if used else 0, used, manual)
        try:
            for layer in self.model.layers:
                again = self.recompute and used is None
                x = layers.recomputed(layer, x, run) if again else layer(x, run)
        except BaseException:
            if used is not None:
                # Some layers have the new keys and some have not.
                used.reset()
            raise
        if used is not None:
            used.seen += ids.shape[1]
        if manual and cache is not None:
            cache.scores = run.scores or []
        x = self.model.norm(x[:, -1:] if last_only else x)
        return self.lm_head(x)  # type: ignore[no-any-return]

    def cache(self, window: int | None = None, enabled: bool = True) -> KVCache:
        return KVCache(self, self.config.num_layers, window, enabled)

    def language_model(self) -> DecoderModel:
        return DecoderModel(self)


class DecoderModel(LanguageModel):
    """A decoder as the generator sees it, with a cache."""

    def __init__(self, decoder: Decoder, window: int | None = None) -> None:
        super().__init__(decoder, decoder)
        self.decoder = decoder
        self.window = window

    def runner(self, use_cache: bool) -> Any:
        return Cached(self.decoder, self.window) if use_cache else super().runner(False)


class Cached:
    """A run that sends only the new ids."""

    def __init__(self, decoder: Decoder, window: int | None) -> None:
        self.decoder = decoder
        self.kv = decoder.cache(window)

    def start(self, ids: Tensor) -> Tensor:
        return self.decoder(ids, self.kv, last_only=True)[:, -1]

    def step(self, new: Tensor) -> Tensor:
        return self.decoder(new.unsqueeze(-1), self.kv)[:, -1]

    def reorder(self, rows: Tensor) -> None:
        self.kv.reorder(rows)
