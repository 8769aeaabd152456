"""The module kinds of the library: thin classes over ``torch.nn``.

A :class:`Layer` knows what the language needs beyond an ``nn.Module``: its
type atom, its printed form, and the sizes from which a file rebuilds it. Its
input is cast to its floating type, and it follows the device of its input.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter

from . import few_rows, masks
from .arguments import boolean, build, dtype_text, integer, is_list, positive, shape_text, what

#: The kinds that a file can name, by name.
KINDS: dict[str, type[Layer]] = {}


class Layer(nn.Module):
    """A module of the language.

    A subclass gives ``kind`` (its name in files), ``atom`` (what ``type``
    answers) and ``title`` (how it prints), and ``sizes``: the keyword
    arguments that make one like it, in plain numbers, strings, lists and
    dictionaries. ``sizes`` of a subclass must be checked by its ``__init__``,
    which also serves files that nobody can vouch for.
    """

    kind: ClassVar[str] = ""
    atom: ClassVar[str] = "torch_model_"
    title: ClassVar[str] = "PyTorch Model"
    #: Was it put in the place of a module of another kind (adapters, quantised weights)?
    stands_in = False
    #: Do its sizes describe its parts as well?
    tells_parts = False
    #: How its weights are kept, where they are quantised.
    quantised = ""
    #: Keep no activations of the parts, but compute them again in the backward pass.
    recompute = False
    #: Does ``recompute`` go part by part? Otherwise a wrapper recomputes the whole.
    segmented = False

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if "kind" in cls.__dict__ and cls.kind:
            KINDS[cls.kind] = cls

    def printed(self) -> str:
        return self.title

    def sizes(self) -> dict[str, Any]:
        return {}

    def spec(self) -> dict[str, Any]:
        """What a file says of this module, its weights apart."""
        found = {"kind": self.kind, "sizes": self.sizes()}
        parts: dict[str, Any] = {}
        if not self.tells_parts:
            for name, member in self.named_modules():
                inside = any(name.startswith(f"{part}.") for part in parts)
                if name and not inside and isinstance(member, Layer) and member.stands_in:
                    parts[name] = member.spec()
        return {"kind": ALTERED, "sizes": {"base": found, "parts": parts}} if parts else found

    def exported(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What is written to a file: the spec and the tensors."""
        return self.spec(), self.state_dict()

    def adapted(
        self, spec: Mapping[str, Any], state: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor] | None:
        """The tensors of a file as this module takes them; None: it is of another kind."""
        return state if spec.get("kind") == self.spec()["kind"] else None

    def fit(self, x: Tensor, like: Tensor) -> Tensor:
        """The input in the floating type of ``like``, a parameter, which follows its device."""
        if not x.is_floating_point():
            raise LispError(
                f"{self.printed()} takes floating values, not {dtype_text(x)}",
                hint='convert them: (torch_to_dtype t "float32")',
            )
        if x.device != like.device:
            self.to(x.device)
        return x if x.dtype is like.dtype else x.to(like.dtype)


#: The kind of a module some of whose parts were replaced.
ALTERED = "altered"


def replace_part(module: nn.Module, name: str, part: nn.Module) -> None:
    """Put another module in the place of the part of a dotted name."""
    above, _, last = name.rpartition(".")
    try:
        setattr(module.get_submodule(above), last, part)
    except AttributeError:
        raise LispError(f"there is no part '{name}' here") from None


def _altered(base: Any, parts: Any) -> Layer:
    """A module of a file, and the parts that were put in the place of its own."""
    made = rebuild(base)
    if not isinstance(parts, Mapping):
        raise LispError("the parts of this module cannot be read")
    for name, spec in parts.items():
        replace_part(made, str(name), rebuild(spec))
    return made


def rebuild(spec: Any) -> Layer:
    """A module from what a file says of it."""
    if not isinstance(spec, Mapping):
        raise LispError("the file does not say what module it holds")
    kind, sizes = spec.get("kind"), spec.get("sizes")
    if not isinstance(sizes, Mapping) or not all(isinstance(k, str) for k in sizes):
        raise LispError(f"the sizes of this '{kind}' cannot be read")
    if kind == ALTERED:
        return _altered(sizes.get("base"), sizes.get("parts"))
    if not isinstance(kind, str) or kind not in KINDS:
        raise LispError(f"unknown kind of module: {kind!r}")
    made = build(KINDS[kind], sizes)
    assert isinstance(made, Layer)
    return made


class Linear(Layer, nn.Linear):
    """y = x W^T + b."""

    kind = "linear"
    atom = "torch_linear_"
    title = "PyTorch Linear Layer"

    def __init__(self, in_features: Any, out_features: Any, bias: Any = True) -> None:
        nn.Linear.__init__(
            self,
            positive(in_features, "in_features"),
            positive(out_features, "out_features"),
            boolean(bias, "bias"),
        )

    def sizes(self) -> dict[str, Any]:
        return {
            "in_features": self.in_features,
            "out_features": self.out_features,
            "bias": self.bias is not None,
        }

    def adapted(
        self, spec: Mapping[str, Any], state: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor] | None:
        if spec.get("kind") == "lora_linear" and spec.get("sizes", {}).get("merged"):
            return {name: state[name] for name in ("weight", "bias") if name in state}
        return super().adapted(spec, state)

    def forward(self, x: Tensor) -> Tensor:
        if torch.compiler.is_compiling():
            return F.linear(self._fitted(x), self.weight, self.bias)
        try:
            return few_rows.linear(x, self.weight, self.bias)
        except RuntimeError:
            # Inputs that fit as they are pay for no test.
            return F.linear(self._fitted(x), self.weight, self.bias)

    def _fitted(self, x: Tensor) -> Tensor:
        weight = self.weight
        if x.dtype is not weight.dtype or x.device != weight.device:
            x = self.fit(x, weight)
        if x.shape[-1:] != (self.in_features,):
            raise LispError(f"the last axis of {shape_text(x)} should be {self.in_features}")
        return x


class Embedding(Layer, nn.Embedding):
    """A table of vectors, looked up by id."""

    kind = "embedding"
    atom = "torch_embedding_"
    title = "PyTorch Embedding"

    def __init__(self, vocab_size: Any, embed_dim: Any) -> None:
        nn.Embedding.__init__(
            self, positive(vocab_size, "vocab_size"), positive(embed_dim, "embed_dim")
        )

    def sizes(self) -> dict[str, Any]:
        return {"vocab_size": self.num_embeddings, "embed_dim": self.embedding_dim}

    def forward(self, ids: Tensor) -> Tensor:
        if ids.dtype is not torch.int64:
            if ids.is_floating_point() or ids.is_complex() or ids.dtype is torch.bool:
                raise LispError(f"ids must be integers, not {dtype_text(ids)}")
            ids = ids.to(torch.int64)
        if ids.device != self.weight.device:
            self.to(ids.device)
        if torch.compiler.is_compiling():
            return F.embedding(ids, self.weight)
        if ids.device.type != "cpu":
            # A bad id would end the device's context, not only this call.
            if ids.numel() and bool(((ids < 0) | (ids >= self.num_embeddings)).any()):
                raise self._outside(ids)
            return F.embedding(ids, self.weight)
        try:
            return F.embedding(ids, self.weight)
        except IndexError:
            raise self._outside(ids) from None

    def _outside(self, ids: Tensor) -> LispError:
        wrong = ids[(ids < 0) | (ids >= self.num_embeddings)].flatten()[0].item()
        return LispError(f"id {wrong} is outside the table of {self.num_embeddings} rows")


class LayerNorm(Layer, nn.LayerNorm):
    """Normalisation over the last axes, with learnable scale and shift."""

    kind = "layer_norm"
    atom = "torch_layernorm_"
    title = "PyTorch Layer Normalization"

    def __init__(self, normalized_shape: Any) -> None:
        axes = list(normalized_shape) if is_list(normalized_shape) else [normalized_shape]
        if not axes:
            raise LispError("normalized_shape must hold at least one size")
        nn.LayerNorm.__init__(self, [positive(n, "normalized_shape") for n in axes])

    def sizes(self) -> dict[str, Any]:
        return {"normalized_shape": list(self.normalized_shape)}

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if x.dtype is not weight.dtype or x.device != weight.device:
            x = self.fit(x, weight)
        shape = self.normalized_shape
        if x.shape[-len(shape) :] != shape:
            raise LispError(
                f"the last axes of {shape_text(x)} should be ({' '.join(map(str, shape))})"
            )
        return F.layer_norm(x, shape, self.weight, self.bias, self.eps)


class MLP(Layer):
    """Three linear layers with ReLU between them."""

    kind = "mlp"
    atom = "torch_model_"
    title = "PyTorch Model"

    def __init__(self, input_size: Any, hidden_size: Any, output_size: Any) -> None:
        super().__init__()
        inputs = positive(input_size, "input_size")
        hidden = positive(hidden_size, "hidden_size")
        outputs = positive(output_size, "output_size")
        self.fc1 = Linear(inputs, hidden)
        self.fc2 = Linear(hidden, hidden)
        self.fc3 = Linear(hidden, outputs)

    def sizes(self) -> dict[str, Any]:
        return {
            "input_size": self.fc1.in_features,
            "hidden_size": self.fc1.out_features,
            "output_size": self.fc3.out_features,
        }

    def forward(self, x: Tensor) -> Tensor:
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def check_heads(embed_dim: Any, num_heads: Any) -> tuple[int, int]:
    embed, heads = positive(embed_dim, "embed_dim"), positive(num_heads, "num_heads")
    if embed % heads:
        raise LispError("embed_dim must be divisible by num_heads")
    return embed, heads


def check_sequences(embed_dim: int, query: Tensor, key: Tensor, value: Tensor) -> None:
    """Refuse inputs that attention of this size cannot take."""
    for name, x in (("query", query), ("key", key), ("value", value)):
        if x.dim() not in (2, 3):
            raise LispError(
                f"{name} must have the axes [batch, seq, dim] or [seq, dim], not {shape_text(x)}"
            )
        if x.shape[-1] != embed_dim:
            raise LispError(f"the last axis of {name} {shape_text(x)} should be {embed_dim}")
    if query.dim() != key.dim() or key.shape[:-1] != value.shape[:-1]:
        raise LispError(
            f"query, key and value do not fit: "
            f"{shape_text(query)} {shape_text(key)} {shape_text(value)}"
        )
    if query.dim() == 3 and query.shape[0] != key.shape[0]:
        raise LispError(
            f"query and key have different batches: {shape_text(query)} {shape_text(key)}"
        )


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[batch, seq, dim] as [batch, heads, seq, dim/heads]."""
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)


def join_heads(x: Tensor) -> Tensor:
    return x.transpose(-2, -3).flatten(-2)


def hide_rows(out: Tensor, mask: masks.Mask | None) -> Tensor:
    """Zeros for the positions that no head can see anything from."""
    return out if mask is None else out.masked_fill(mask.dead.all(1), 0.0)


class MultiHeadAttention(Layer, nn.MultiheadAttention):
    """Multi-head attention with bias, batch first, on torch's fused kernels.

    The parameters carry the names of ``nn.MultiheadAttention``.
    """

    kind = "multihead_attention"
    atom = "torch_attention_"
    title = "PyTorch Multi-Head Attention"

    def __init__(self, embed_dim: Any, num_heads: Any) -> None:
        embed, heads = check_heads(embed_dim, num_heads)
        nn.MultiheadAttention.__init__(self, embed, heads, batch_first=True)

    def sizes(self) -> dict[str, Any]:
        return {"embed_dim": self.embed_dim, "num_heads": self.num_heads}

    def in_projection(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the projection to queries, keys and values."""
        return self.in_proj_weight, self.in_proj_bias

    def forward(  # type: ignore[override]
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        key = query if key is None else key
        value = key if value is None else value
        check_sequences(self.embed_dim, query, key, value)
        own = query is key and key is value
        weight, bias = self.in_projection()
        if query.dtype is not weight.dtype or query.device != weight.device or not own:
            query = self.fit(query, weight)
            key, value = (query, query) if own else (self.fit(key, weight), self.fit(value, weight))
            weight, bias = self.in_projection()
        batched = query.dim() == 3
        laid = None
        if mask is not None:
            laid = masks.of_module(
                mask,
                query.shape[0] if batched else None,
                query.shape[-2],
                key.shape[-2],
                query.dtype,
            )
        if not batched:
            query, key, value = query.unsqueeze(0), key.unsqueeze(0), value.unsqueeze(0)
        if own:
            q, k, v = F.linear(query, weight, bias).chunk(3, -1)
        else:
            (wq, wk, wv), (bq, bk, bv) = weight.chunk(3), bias.chunk(3)
            q, k, v = F.linear(query, wq, bq), F.linear(key, wk, bk), F.linear(value, wv, bv)
        heads = self.num_heads
        seen = masks.attend(
            split_heads(q, heads), split_heads(k, heads), split_heads(v, heads), laid, causal=causal
        )
        out = self.out_proj(join_heads(seen))
        out = hide_rows(out, laid)
        return out if batched else out.squeeze(0)


class TransformerBlock(Layer):
    """A post-norm encoder block with a ReLU feed-forward and no dropout.

    The parameters carry the names of ``nn.TransformerEncoderLayer``.
    """

    kind = "transformer_block"
    atom = "torch_transformer_block_"
    title = "PyTorch Transformer Block"

    segmented = True
    #: Do new blocks recompute? ``torch_set_checkpoint`` sets it.
    recompute_by_default = False

    def __init__(self, embed_dim: Any, num_heads: Any, ffn_dim: Any) -> None:
        super().__init__()
        embed, heads = check_heads(embed_dim, num_heads)
        ffn = positive(ffn_dim, "ffn_dim")
        self.self_attn = MultiHeadAttention(embed, heads)
        self.linear1 = Linear(embed, ffn)
        self.linear2 = Linear(ffn, embed)
        self.norm1 = LayerNorm(embed)
        self.norm2 = LayerNorm(embed)
        self.recompute = TransformerBlock.recompute_by_default

    def sizes(self) -> dict[str, Any]:
        return {
            "embed_dim": self.self_attn.embed_dim,
            "num_heads": self.self_attn.num_heads,
            "ffn_dim": self.linear1.out_features,
        }

    def _run(self, x: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        x = self.norm1(x + self.self_attn(x, mask=mask, causal=causal))
        return self.norm2(x + self.linear2(F.relu(self.linear1(x))))

    def forward(self, x: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        weight = self.norm1.weight
        if x.dtype is not weight.dtype or x.device != weight.device:
            x = self.fit(x, weight)
        if self.recompute:
            return recomputed(self._run, x, mask, causal)
        return self._run(x, mask, causal)


def recomputed(function: Any, *inputs: Any) -> Tensor:
    """``function(*inputs)``, whose activations are not kept but computed again in backward."""
    if not torch.is_grad_enabled():
        return function(*inputs)
    from torch.utils.checkpoint import checkpoint

    return checkpoint(function, *inputs, use_reentrant=False)


#: How modules that torch made itself print, and what their type is.
_FOREIGN: tuple[tuple[type[nn.Module], str, str], ...] = (
    (nn.Linear, Linear.atom, Linear.title),
    (nn.Embedding, Embedding.atom, Embedding.title),
    (nn.LayerNorm, LayerNorm.atom, LayerNorm.title),
    (nn.MultiheadAttention, MultiHeadAttention.atom, MultiHeadAttention.title),
)


class ModuleAdapter(Adapter):
    """Modules in the ordinary functions: they print, and ``@`` reaches their parts."""

    name = "torch_model_"

    def type_name(self, value: nn.Module) -> str:
        if isinstance(value, Layer):
            return value.atom
        return next((atom for cls, atom, _ in _FOREIGN if isinstance(value, cls)), self.name)

    def show(self, value: nn.Module) -> str:
        if isinstance(value, Layer):
            return _with_kinds(value)
        named = next((title for cls, _, title in _FOREIGN if isinstance(value, cls)), None)
        return named or f"PyTorch Module ({type(value).__name__})"

    def at(self, value: nn.Module, keys: tuple[Any, ...]) -> Any:
        """``(@ m "fc1")``, ``(@ m "fc1.weight")``, ``(@ m 0)``: a part or a tensor."""
        found: Any = value
        for key in keys:
            found = part(found, key)
        return found


def _with_kinds(value: Layer) -> str:
    """The printed form, which says how weights are quantised."""
    kinds = [m.quantised for m in value.modules() if isinstance(m, Layer) and m.quantised]
    if not kinds:
        return value.printed()
    return f"Quantised {value.printed()} ({', '.join(dict.fromkeys(kinds))})"


def part(value: Any, key: Any) -> Any:
    """A part or tensor of a module by name (with dots), or its n-th part."""
    if not isinstance(value, nn.Module):
        raise LispError(f"{what(value)} has no parts")
    if not isinstance(key, str):
        children = list(value.children())
        index = integer(key, "the number of a part")
        if not -len(children) <= index < len(children):
            raise LispError(f"part {index} of {len(children)}: index out of bounds")
        return children[index]
    found: Any = value
    for name in key.split("."):
        tables = (
            (found._modules, found._parameters, found._buffers)
            if isinstance(found, nn.Module)
            else ()
        )
        found = next((t[name] for t in tables if t.get(name) is not None), None)
        if found is None:
            names = [n for n, _ in value.named_children()] + [
                n for n, _ in value.named_parameters(recurse=False)
            ]
            raise LispError(f"no part '{key}' here", hint=f"the parts are: {' '.join(names)}")
    return found


register_adapter(nn.Module, ModuleAdapter())
