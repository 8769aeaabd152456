"""Where a token stands: sinusoidal encodings and rotary embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.values.lists import List

from . import arguments
from .arguments import module, natural, positive, shape_text, what
from .devices import device_of
from .layers import Layer

LIBRARY = "lispe_torch"


def sinusoids(length: int, dim: int) -> Tensor:
    """Rows of sin(p/10000^(2i/dim)) in even columns, cos in odd ones."""
    # Angles in double precision: at position 5000 a float32 angle is off by 1e-4.
    columns = torch.arange(0, dim, 2, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64).unsqueeze(1) / 10000.0 ** (columns / dim)
    table = torch.empty(length, dim, dtype=torch.float64)
    table[:, 0::2] = angles.sin()
    table[:, 1::2] = angles[:, : dim // 2].cos()
    return table.to(torch.float32)


class PositionalEncoding(Layer):
    """A table of sinusoids, added to the input."""

    kind = "positional_encoding"
    atom = "torch_positional_encoding_"
    title = "PyTorch Positional Encoding"
    pe: Tensor

    def __init__(self, embed_dim: Any, max_length: Any = 5000) -> None:
        super().__init__()
        self.embed_dim = positive(embed_dim, "embed_dim")
        self.max_length = positive(max_length, "max_length")
        self.register_buffer("pe", sinusoids(self.max_length, self.embed_dim))

    def sizes(self) -> dict[str, Any]:
        return {"embed_dim": self.embed_dim, "max_length": self.max_length}

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() not in (2, 3) or x.shape[-1] != self.embed_dim:
            raise LispError(
                f"the input {shape_text(x)} should have the axes [batch, seq, {self.embed_dim}] "
                f"or [seq, {self.embed_dim}]"
            )
        if x.shape[-2] > self.max_length:
            raise LispError(
                f"a sequence of {x.shape[-2]} is longer than max_length ({self.max_length})"
            )
        if not x.is_floating_point() or x.device != self.pe.device:
            self.fit(x, self.pe)
        return x + self.pe[: x.shape[-2]].to(x.dtype)


class RotaryEmbedding(Layer):
    """Rotary position embedding (Su et al. 2021, "RoFormer"), on halves of the last axis."""

    kind = "rotary_embedding"
    atom = "torch_rotary_embedding_"
    base = 10000.0

    def __init__(self, dim: Any, max_seq_len: Any = 8192) -> None:
        super().__init__()
        self.dim = positive(dim, "dim")
        if self.dim % 2:
            raise LispError(f"dim must be even, not {self.dim}")
        self.max_seq_len = positive(max_seq_len, "max_seq_len")
        # Made at the first use: a file cannot make us fill memory by its sizes alone.
        self._tables: tuple[Tensor, Tensor] | None = None

    def sizes(self) -> dict[str, Any]:
        return {"dim": self.dim, "max_seq_len": self.max_seq_len}

    def printed(self) -> str:
        return f"PyTorch Rotary Embedding (dim={self.dim}, max_seq_len={self.max_seq_len})"

    def tables(self, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """cos and sin, each [length, dim]; the two halves of the last axis are equal."""
        kept = self._tables
        if kept is None or kept[0].shape[0] < length or kept[0].device != device:
            rows = max(length, min(self.max_seq_len, 8192))
            columns = torch.arange(0, self.dim, 2, dtype=torch.float64)
            angles = torch.arange(rows, dtype=torch.float64).unsqueeze(1) / self.base ** (
                columns / self.dim
            )
            angles = torch.cat((angles, angles), -1)
            kept = (
                angles.cos().to(torch.float32).to(device),
                angles.sin().to(torch.float32).to(device),
            )
            self._tables = kept
        return kept[0][:length], kept[1][:length]

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() < 2:
            raise LispError(f"the input {shape_text(x)} should end in the axes [seq, {self.dim}]")
        return rotate(x, *self.tables(x.shape[-2], x.device))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(x1 cos - x2 sin, x2 cos + x1 sin) on the halves x1, x2 of the last axis."""
    dim, length = x.shape[-1], x.shape[-2]
    for name, table in (("cos", cos), ("sin", sin)):
        if table.dim() < 2 or table.shape[-1] != dim:
            raise LispError(
                f"the last axes of tensor {shape_text(x)} and {name} {shape_text(table)} differ"
            )
        if table.shape[-2] < length:
            raise LispError(
                f"{name} has {table.shape[-2]} positions, the tensor {shape_text(x)} needs {length}"
            )
    if dim % 2:
        raise LispError(f"the last axis must be even, not {dim}")
    if not x.is_floating_point():
        raise LispError("a rotation needs floating values")
    cos = cos[..., :length, :].to(device=x.device, dtype=x.dtype)
    sin = sin[..., :length, :].to(device=x.device, dtype=x.dtype)
    first, second = x.chunk(2, -1)
    turned = x * cos + torch.cat((-second, first), -1) * sin
    if turned.shape != x.shape:
        raise LispError(f"cos and sin {shape_text(cos)} do not fit the tensor {shape_text(x)}")
    return turned


@primitive("torch_positional_encoding", "torch_positional_encoding_create", library=LIBRARY)
def torch_positional_encoding(embed_dim: Any, max_length: Any = 5000) -> PositionalEncoding:
    """Make a sinusoidal positional encoding: a table of max_length rows.

    Even columns hold sin(p/10000^(2i/dim)), odd ones the cosine (Vaswani et
    al. 2017); nothing in it is trained. Sizes must be positive integers.

    (torch_positional_encoding_forward (torch_positional_encoding 4 10) (tensor_zeros '(1 4)))
    ; ((0 1 0 1))
    """
    return PositionalEncoding(embed_dim, 5000 if max_length is None else max_length)


@primitive("torch_positional_encoding_forward", "torch_positional_forward", library=LIBRARY)
def torch_positional_encoding_forward(pos_encoder: Any, input: Any) -> Tensor:
    """Add row p of the table to position p of [seq, dim] or [batch, seq, dim].

    The result has the shape of the input. A sequence longer than max_length
    or another last axis is an error.

    (setq encoder (torch_positional_encoding 4 10))
    (torch_shape (torch_positional_encoding_forward encoder (tensor_zeros '(2 3 4))))
    ; (2 3 4)
    """
    if not isinstance(module(pos_encoder, "pos_encoder"), PositionalEncoding):
        raise LispError(f"pos_encoder must be a positional encoding, not {what(pos_encoder)}")
    return pos_encoder(arguments.tensor(input, "input"))  # type: ignore[no-any-return]


@primitive("torch_rotary_embedding", "torch_rotary_embedding_create", library=LIBRARY)
def torch_rotary_embedding(dim: Any, max_seq_len: Any = 8192) -> RotaryEmbedding:
    """Make a rotary embedding: the angles p/10000^(2i/dim) of RoPE.

    dim must be even (Su et al. 2021). The tables grow past max_seq_len when a
    longer sequence asks for it.

    (torch_rotary_embedding 64)
    ; PyTorch Rotary Embedding (dim=64, max_seq_len=8192)
    """
    return RotaryEmbedding(dim, 8192 if max_seq_len is None else max_seq_len)


@primitive("torch_rotary_forward", "torch_rotary_embedding_forward", library=LIBRARY)
def torch_rotary_forward(rotary_embedding: Any, seq_len: Any, device: Any = "cpu") -> List:
    """The list (cos sin) of rotary tables, each [seq_len, dim], on a device.

    The two halves of the last axis are equal. A device that is not there is
    an error.

    (torch_shape (@ (torch_rotary_forward (torch_rotary_embedding 4) 3) 0))
    ; (3 4)
    """
    if not isinstance(module(rotary_embedding, "rotary_embedding"), RotaryEmbedding):
        raise LispError(
            f"rotary_embedding must be a rotary embedding, not {what(rotary_embedding)}"
        )
    place = device_of("cpu" if device is None else device)
    return List(rotary_embedding.tables(natural(seq_len, "seq_len"), place))


@primitive("torch_apply_rotary_pos_emb", library=LIBRARY)
def torch_apply_rotary_pos_emb(tensor: Any, cos: Any, sin: Any) -> Tensor:
    """Rotate [batch, heads, seq, dim], [heads, seq, dim] or [seq, dim] by position.

    On the halves x1, x2 of the last axis: (x1 cos - x2 sin, x2 cos + x1 sin).
    cos and sin are cut to the sequence; another size is an error. Position 0
    stays as it is, and norms are kept.

    (setq tables (torch_rotary_forward (torch_rotary_embedding 4) 1))
    (torch_apply_rotary_pos_emb (torch_tensor '((1.0 2 3 4))) (@ tables 0) (@ tables 1))
    ; ((1 2 3 4))
    """
    x = arguments.tensor(tensor)
    if x.dim() < 2:
        raise LispError(f"the tensor {shape_text(x)} should end in the axes [seq, dim]")
    return rotate(x, arguments.tensor(cos, "cos"), arguments.tensor(sin, "sin"))
