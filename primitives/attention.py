"""The flash attention family: a module, and calls without a module, on torch's fused kernels."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.registry import primitive

from . import masks
from .arguments import (
    boolean,
    dtype_text,
    module,
    number,
    positive,
    rate,
    shape_text,
    tensor,
    what,
)
from .layers import Layer, Linear, check_heads, check_sequences, hide_rows, join_heads, split_heads

LIBRARY = "lispe_torch"


class FlashAttention(Layer):
    """Four projections around torch's fused attention."""

    kind = "flash_attention"
    atom = "torch_flash_attention_"
    title = "Flash Attention"

    def __init__(
        self, embed_dim: Any, num_heads: Any, dropout: Any = 0.0, bias: Any = True
    ) -> None:
        super().__init__()
        embed, heads = check_heads(embed_dim, num_heads)
        self.embed_dim = embed
        self.num_heads = heads
        self.dropout = rate(dropout, "dropout")
        biased = boolean(bias, "bias")
        self.q_proj = Linear(embed, embed, biased)
        self.k_proj = Linear(embed, embed, biased)
        self.v_proj = Linear(embed, embed, biased)
        self.out_proj = Linear(embed, embed, biased)
        for projection in self.children():
            assert isinstance(projection, Linear)
            nn.init.xavier_uniform_(projection.weight)

    def sizes(self) -> dict[str, Any]:
        return {
            "embed_dim": self.embed_dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "bias": self.q_proj.bias is not None,
        }

    def printed(self) -> str:
        bias = "true" if self.q_proj.bias is not None else "false"
        return (
            f"Flash Attention (embed_dim={self.embed_dim}, num_heads={self.num_heads}, "
            f"head_dim={self.embed_dim // self.num_heads}, dropout={self.dropout:g}, bias={bias})"
        )

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
        dropout: float | None = None,
    ) -> Tensor:
        key = query if key is None else key
        value = key if value is None else value
        check_sequences(self.embed_dim, query, key, value)
        if dropout is None:
            dropout = self.dropout if self.training else 0.0
        heads = self.num_heads
        batched = query.dim() == 3
        q = split_heads(self.q_proj(query), heads)
        k = split_heads(self.k_proj(key), heads)
        v = split_heads(self.v_proj(value), heads)
        if not batched:
            q, k, v = q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0)
        laid = None
        if mask is not None:
            scores = (q.shape[0], heads, q.shape[2], k.shape[2])
            if batched and mask.dim() == 3 and mask.shape[0] == q.shape[0]:
                # One mask a sequence, as attention modules take it, for all heads.
                mask = mask.unsqueeze(1)
            laid = masks.broadcast(mask, scores, q.dtype)
        out = self.out_proj(join_heads(masks.attend(q, k, v, laid, dropout=dropout)))
        if laid is not None:
            dead = laid.dead.reshape((1,) * (4 - laid.dead.dim()) + laid.dead.shape)
            out = hide_rows(out, laid._replace(dead=dead))
        return out if batched else out.squeeze(0)


def _flash(value: Any) -> FlashAttention:
    if isinstance(module(value, "flash_attention"), FlashAttention):
        return value  # type: ignore[no-any-return]
    raise LispError(f"flash_attention must be a flash attention module, not {what(value)}")


@primitive("torch_flash_attention_create", library=LIBRARY)
def torch_flash_attention_create(
    embed_dim: Any, num_heads: Any, dropout: Any = 0.0, bias: Any = True
) -> FlashAttention:
    """Make a flash attention module: query, key, value and output projections.

    The weights are Xavier-uniform, each head has embed_dim/num_heads values,
    and the dropout of the attention weights works in training mode only. An
    embed_dim that num_heads does not divide, or a dropout outside [0,1), is an
    error.

    (torch_flash_attention_create 16 4)
    ; Flash Attention (embed_dim=16, num_heads=4, head_dim=4, dropout=0, bias=true)
    """
    return FlashAttention(embed_dim, num_heads, 0.0 if dropout is None else dropout, bias)


@primitive("torch_flash_attention_forward", library=LIBRARY)
def torch_flash_attention_forward(
    flash_attention: Any, query: Any, key: Any = None, value: Any = None
) -> Tensor:
    """Attention of the queries over keys and values, through the module's projections.

    Inputs are [batch, seq, embed_dim] or [seq, embed_dim]; keys and values may
    have another length than the queries, and default to the query (self
    attention). The module's dropout works in training mode only.

    (torch_shape (torch_flash_attention_forward (torch_flash_attention_create 8 2)
       (tensor_ones '(2 5 8)) (tensor_ones '(2 7 8)) (tensor_ones '(2 7 8))))
    ; (2 5 8)
    """
    layer = _flash(flash_attention)
    key = query if key is None else key
    value = key if value is None else value
    return layer(tensor(query, "query"), tensor(key, "key"), tensor(value, "value"))  # type: ignore[no-any-return]


@primitive("torch_flash_attention_with_mask", library=LIBRARY)
def torch_flash_attention_with_mask(
    flash_attention: Any, query: Any, key: Any, value: Any, attn_mask: Any
) -> Tensor:
    """Flash attention with a mask that broadcasts to [batch, heads, queries, keys].

    Booleans, and ones and zeros, keep (1) or hide (0) a key; other float
    values are added to the scores. [batch, queries, keys] is one mask a
    sequence. A query that sees no key gives zeros; nil is no mask.

    (torch_shape (torch_flash_attention_with_mask (torch_flash_attention_create 8 2)
       (tensor_ones '(5 8)) (tensor_ones '(5 8)) (tensor_ones '(5 8))
       (tensor_tril (tensor_ones '(5 5)))))
    ; (5 8)
    """
    layer = _flash(flash_attention)
    mask = None if attn_mask is None else tensor(attn_mask, "attn_mask")
    return layer(tensor(query, "query"), tensor(key, "key"), tensor(value, "value"), mask)  # type: ignore[no-any-return]


@primitive("torch_flash_attention_with_dropout", library=LIBRARY)
def torch_flash_attention_with_dropout(
    flash_attention: Any, query: Any, key: Any, value: Any, dropout_p: Any, training: Any = True
) -> Tensor:
    """Flash attention with a dropout rate of its own, applied only while training.

    The rate takes the place of the module's and lies in [0,1); with training
    nil there is no dropout at all.

    (torch_shape (torch_flash_attention_with_dropout (torch_flash_attention_create 8 2)
       (tensor_ones '(5 8)) (tensor_ones '(5 8)) (tensor_ones '(5 8)) 0.5 nil))
    ; (5 8)
    """
    layer = _flash(flash_attention)
    found = 0.0 if dropout_p is None else rate(dropout_p, "dropout_p")
    used = found if boolean(training, "training") else 0.0
    return layer(  # type: ignore[no-any-return]
        tensor(query, "query"), tensor(key, "key"), tensor(value, "value"), None, used
    )


def _operands(query: Any, key: Any, value: Any, where: str) -> tuple[Tensor, Tensor, Tensor]:
    """The three tensors, in one floating type, with shapes that attend to one another."""
    q, k, v = tensor(query, "query"), tensor(key, "key"), tensor(value, "value")
    for name, x in (("query", q), ("key", k), ("value", v)):
        if x.dim() not in (3, 4):
            raise LispError(
                f"{where}: {name} must have the axes [batch, seq, dim] or "
                f"[batch, heads, seq, dim], not {shape_text(x)}"
            )
        if not x.is_floating_point():
            raise LispError(f"{where}: {name} must hold floating values, not {dtype_text(x)}")
    fits = q.dim() == k.dim() == v.dim() and q.shape[-1] == k.shape[-1]
    if not (fits and q.shape[:-2] == k.shape[:-2] and k.shape[:-1] == v.shape[:-1]):
        raise LispError(
            f"{where}: query, key and value do not fit: "
            f"{shape_text(q)} {shape_text(k)} {shape_text(v)}"
        )
    if not q.dtype is k.dtype is v.dtype:
        common = torch.promote_types(torch.promote_types(q.dtype, k.dtype), v.dtype)
        q, k, v = q.to(common), k.to(common), v.to(common)
    return q, k, v


def _attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Any,
    dropout: float = 0.0,
    causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    flat = q.dim() == 3
    laid = None
    if mask is not None:
        lower = masks.triangle(q.shape[-2], k.shape[-2], q.device) if causal else None
        scores = (*q.shape[:-1], k.shape[-2])
        laid = masks.broadcast(tensor(mask, "attn_mask"), scores, q.dtype, lower)
        if flat and laid.bias.dim() == 3:
            laid = masks.Mask(laid.bias.unsqueeze(1), laid.dead.unsqueeze(1))
    if flat:
        # The kernels that need no table of scores take four axes.
        q, k, v = q.unsqueeze(1), k.unsqueeze(1), v.unsqueeze(1)
    out = masks.attend(q, k, v, laid, causal=causal, dropout=dropout, scale=scale)
    return out.squeeze(1) if flat else out


def _scale(scale: Any) -> float | None:
    return None if scale is None else number(scale, "scale")


@primitive("torch_scaled_dot_product_attention", library=LIBRARY)
def torch_scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: Any = 0.0,
    is_causal: Any = None,
    scale: Any = None,
) -> Tensor:
    """softmax(scale q k^T + mask) v on [batch, seq, dim] or [batch, heads, seq, dim].

    The mask broadcasts to [..., queries, keys]: booleans and ones and zeros
    keep (1) or hide (0), other floats are added, and a query that sees no key
    gives zeros. is_causal hides the keys after the query, together with the
    mask. scale defaults to 1/sqrt(dim). dropout_p in [0,1) drops attention
    weights whenever it is given.

    (torch_scaled_dot_product_attention (tensor_zeros '(1 1 2)) (tensor_ones '(1 2 2))
       (torch_tensor '(((2.0 4) (6 8)))))
    ; (((4 6)))
    """
    q, k, v = _operands(query, key, value, "torch_scaled_dot_product_attention")
    dropout = 0.0 if dropout_p is None else rate(dropout_p, "dropout_p")
    causal = boolean(is_causal, "is_causal")
    return _attention(q, k, v, attn_mask, dropout, causal, _scale(scale))


@primitive("torch_flash_attention", library=LIBRARY)
def torch_flash_attention(
    query: Any, key: Any, value: Any, scale: Any = None, block_size: Any = None
) -> Tensor:
    """Attention without a module, in memory that grows with the length only.

    Axes [batch, seq, dim] or [batch, heads, seq, dim]; scale defaults to
    1/sqrt(dim); block_size is a hint that torch's kernels choose themselves.
    See Dao et al. 2022, "FlashAttention".

    (torch_flash_attention (tensor_zeros '(1 1 2)) (tensor_ones '(1 2 2))
       (torch_tensor '(((2.0 4) (6 8)))))
    ; (((4 6)))
    """
    q, k, v = _operands(query, key, value, "torch_flash_attention")
    if block_size is not None:
        positive(block_size, "block_size")
    return _attention(q, k, v, None, scale=_scale(scale))


@primitive("torch_flash_attention_masked", library=LIBRARY)
def torch_flash_attention_masked(query: Any, key: Any, value: Any, scale: Any, mask: Any) -> Tensor:
    """torch_flash_attention with a mask; a scale of nil is 1/sqrt(dim).

    The mask follows the rules of torch_scaled_dot_product_attention.

    (torch_flash_attention_masked (tensor_zeros '(1 2 2)) (tensor_ones '(1 2 2))
       (torch_tensor '(((2.0 4) (6 8)))) nil (tensor_tril (tensor_ones '(2 2))))
    ; (((2 4) (4 6)))
    """
    q, k, v = _operands(query, key, value, "torch_flash_attention_masked")
    return _attention(q, k, v, mask, scale=_scale(scale))


@primitive("torch_standard_attention", library=LIBRARY)
def torch_standard_attention(query: Any, key: Any, value: Any, scale: Any = None) -> Tensor:
    """Attention by the formula, softmax(scale q k^T) v, with the whole table of scores.

    It is there to compare with torch_flash_attention; its memory grows with
    the square of the length.

    (torch_standard_attention (tensor_zeros '(1 1 2)) (tensor_ones '(1 2 2))
       (torch_tensor '(((2.0 4) (6 8)))))
    ; (((4 6)))
    """
    q, k, v = _operands(query, key, value, "torch_standard_attention")
    factor = 1.0 / math.sqrt(q.shape[-1]) if scale is None else number(scale, "scale")
    return F.softmax(q @ k.transpose(-1, -2) * factor, -1) @ v
