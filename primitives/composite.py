"""Modules made of modules: a decoder-style transformer, and modules that a script builds itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError

from . import layers
from .arguments import boolean, build, integer, is_list, options, positive, shape_text, text, what
from .layers import Layer, Linear, TransformerBlock, rebuild
from .positions import PositionalEncoding


class Transformer(Layer):
    """Ids to logits: embedding, positions, transformer blocks, output head.

    Causal by default, so that it can be trained to give the next id and used
    to generate. A mask [batch, seq] of 1 and 0 leaves padding out.
    """

    kind = "transformer"
    atom = "torch_model_"
    title = "PyTorch Transformer Model"
    segmented = True

    def __init__(
        self,
        vocab_size: Any,
        embed_dim: Any,
        num_heads: Any,
        num_layers: Any,
        ffn_dim: Any,
        max_length: Any = 5000,
        causal: Any = True,
    ) -> None:
        super().__init__()
        vocabulary = positive(vocab_size, "vocab_size")
        embed = positive(embed_dim, "embed_dim")
        self.embedding = layers.Embedding(vocabulary, embed)
        self.positions = PositionalEncoding(embed, max_length)
        self.layers = nn.ModuleList(
            TransformerBlock(embed, num_heads, ffn_dim)
            for _ in range(positive(num_layers, "num_layers"))
        )
        self.head = Linear(embed, vocabulary)
        self.causal = boolean(causal, "causal")

    def sizes(self) -> dict[str, Any]:
        block = self.layers[0]
        assert isinstance(block, TransformerBlock)
        return {
            "vocab_size": self.embedding.num_embeddings,
            "embed_dim": self.embedding.embedding_dim,
            "num_heads": block.self_attn.num_heads,
            "num_layers": len(self.layers),
            "ffn_dim": block.linear1.out_features,
            "max_length": self.positions.max_length,
            "causal": self.causal,
        }

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        if ids.dim() not in (1, 2):
            raise LispError(f"ids must have the axes [batch, seq] or [seq], not {shape_text(ids)}")
        length = ids.shape[-1]
        seen = mask
        # Without padding the kernel knows the order by itself and needs no mask.
        ordered = self.causal and mask is None
        if self.causal and mask is not None:
            lower = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
            seen = self._joined(lower, mask, ids)
        x = self.positions(self.embedding(ids))
        if seen is not None and ids.dim() == 2 and seen.dim() == 2 and seen is not mask:
            # Three axes: a square mask must not be taken for one of padding.
            seen = seen.unsqueeze(0)
        for block in self.layers:
            if self.recompute:
                x = layers.recomputed(block, x, seen, ordered)
            else:
                x = block(x, seen, ordered)
        return self.head(x)  # type: ignore[no-any-return]

    @staticmethod
    def _joined(lower: Tensor, mask: Tensor, ids: Tensor) -> Tensor:
        if mask.shape != ids.shape:
            raise LispError(
                f"the mask {shape_text(mask)} should have the shape of the ids {shape_text(ids)}"
            )
        return lower & (mask != 0).unsqueeze(-2)


#: Spellings of the sizes of a transformer in a configuration.
_SPELLINGS = {
    "hidden_size": "embed_dim", "d_model": "embed_dim", "dim": "embed_dim",
    "n_heads": "num_heads", "heads": "num_heads", "num_attention_heads": "num_heads",
    "n_layers": "num_layers", "layers": "num_layers", "num_hidden_layers": "num_layers",
    "ff_dim": "ffn_dim", "ffn_hidden_dim": "ffn_dim", "intermediate_size": "ffn_dim",
    "max_seq_len": "max_length", "max_seq_length": "max_length", "max_len": "max_length",
    "max_position_embeddings": "max_length",
}  # fmt: skip


def architecture(kind: str, config: Any) -> Layer:
    """A model by the name of its architecture and a configuration of its sizes."""
    sizes = options(config)
    name = kind.lower()
    if name == "mlp":
        return build(layers.MLP, sizes)  # type: ignore[no-any-return]
    if name != "transformer":
        raise LispError(
            f"unknown architecture: '{kind}'", hint="the architectures are: mlp transformer"
        )
    found = {_SPELLINGS.get(key, key): value for key, value in sizes.items()}
    if "embed_dim" in found:
        embed = positive(found["embed_dim"], "embed_dim")
        found.setdefault("ffn_dim", 4 * embed)
    found.setdefault("num_heads", 1)
    found.setdefault("num_layers", 1)
    return build(Transformer, found)  # type: ignore[no-any-return]


class Assembled(Layer):
    """A module that a script puts together: named parts and a forward of its own.

    The parts are modules, tensors (floating ones are trained) and functions.
    ``forward`` is called with the module and the inputs; without one the parts
    run one after the other. A function is code: no file brings one along, so
    a module rebuilt from a file has its parts and gets its forward anew.
    """

    kind = "module"
    atom = "torch_model_"
    title = "PyTorch Module"
    tells_parts = True

    @property
    def segmented(self) -> bool:  # type: ignore[override]
        """Only parts that run in a row can be recomputed one by one."""
        return self.sequential

    def __init__(self, parts: Any = (), sequential: Any = True) -> None:
        """``parts`` here is what :meth:`sizes` gives: names with specs."""
        super().__init__()
        self.function: Callable[..., Any] | None = None
        #: Names of the parts in their order, functions included.
        self.order: list[str] = []
        #: No forward of its own is meant: the parts run one after the other.
        self.sequential = boolean(sequential, "sequential")
        self._functions: dict[str, Callable[..., Any]] = {}
        for entry in parts:
            if not isinstance(entry, (list, tuple)) or len(entry) != 2:
                raise LispError("the parts of this module cannot be read")
            self.place(text(entry[0], "the name of a part"), _from_spec(entry[1]))

    def place(self, name: str, value: Any) -> None:
        """Add a part, or put another in its place."""
        if not name or "." in name or (name not in self.order and hasattr(self, name)):
            raise LispError(f"a part cannot have the name '{name}'")
        if not callable(value) and not isinstance(value, Tensor):
            raise LispError(
                f"the part '{name}' must be a module, a tensor or a function, not {what(value)}"
            )
        if name in self.order:
            for table in (self._modules, self._parameters, self._buffers, self._functions):
                table.pop(name, None)
        else:
            self.order.append(name)
        if isinstance(value, nn.Module):
            self.add_module(name, value)
        elif isinstance(value, Tensor):
            if value.is_floating_point():
                # The parameter is the tensor's own storage, so the script sees it learn.
                self.register_parameter(
                    name,
                    value if isinstance(value, nn.Parameter) else nn.Parameter(value.detach()),
                )
            else:
                self.register_buffer(name, value)
        else:
            self._functions[name] = value

    def sizes(self) -> dict[str, Any]:
        return {
            "parts": [[name, self._spec_of(name)] for name in self.order],
            "sequential": self.sequential,
        }

    def _spec_of(self, name: str) -> Any:
        found = self._modules.get(name)
        if found is not None:
            if isinstance(found, Layer):
                return found.spec()
            raise LispError(
                f"the part '{name}' is of a kind that cannot be saved: {type(found).__name__}"
            )
        if name in self._functions:
            return {"kind": "function", "sizes": {}}
        value: Tensor | None = self._parameters.get(name)
        trained = value is not None
        value = value if trained else self._buffers[name]
        assert value is not None
        return {
            "kind": "parameter" if trained else "buffer",
            "sizes": {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")},
        }

    def forward(self, *inputs: Any) -> Any:
        function = self.function
        if function is not None:
            return function(self, *inputs)
        if not self.sequential:
            raise LispError(
                "the forward function of this module did not come with the file",
                hint="give it one: (torch_module_forward_with m function)",
            )
        for name in self.order:
            step: Any = self._modules.get(name)
            if step is None:
                step = self._functions.get(name)
            if step is None:
                raise LispError(
                    f"the tensor '{name}' is no step: this module needs a forward function"
                )
            inputs = (layers.recomputed(step, *inputs) if self.recompute else step(*inputs),)
        return inputs[0]


def _from_spec(spec: Any) -> Any:
    """A part as a file describes it."""
    if not isinstance(spec, Mapping):
        raise LispError("the parts of this module cannot be read")
    kind, sizes = spec.get("kind"), spec.get("sizes")
    if kind == "function":
        return _missing
    if kind in ("parameter", "buffer"):
        sizes = sizes if isinstance(sizes, Mapping) else {}
        dtype = getattr(torch, str(sizes.get("dtype")), None)
        shape = sizes.get("shape")
        if not isinstance(dtype, torch.dtype) or not isinstance(shape, (list, tuple)):
            raise LispError("a tensor of this module cannot be read")
        value = torch.zeros([max(0, integer(n, "shape")) for n in shape], dtype=dtype)
        return nn.Parameter(value) if kind == "parameter" else value
    return rebuild(spec)


def _missing(*inputs: Any) -> Any:
    raise LispError(
        "a function of this module did not come with the file: set it anew",
        hint="(torch_module_add m name function), or load the file into a module that has it",
    )


def named_parts(parts: Any, callable_of: Callable[[Any], Any]) -> list[tuple[str, Any]]:
    """Names and parts from a dictionary, a list of (name part) pairs or a list of parts."""
    found: list[tuple[str, Any]]
    if isinstance(parts, Mapping):
        found = [(text(key, "the name of a part"), value) for key, value in parts.items()]
    elif is_list(parts):
        members = list(parts)
        if members and all(is_list(m) and len(m) == 2 and isinstance(m[0], str) for m in members):
            found = [(m[0], m[1]) for m in members]
        else:
            found = [(str(index), part) for index, part in enumerate(members)]
    elif isinstance(parts, nn.Module):
        found = [("0", parts)]
    else:
        raise LispError(f"parts must be a dictionary or a list, not {what(parts)}")
    return [
        (name, part if isinstance(part, (nn.Module, Tensor)) else callable_of(part))
        for name, part in found
    ]
