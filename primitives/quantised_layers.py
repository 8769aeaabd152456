"""Linear layers whose weights are kept in 8 or 4 bits.

Weights of 8 bits have one scale for each row, symmetric: w = q * scale. Those
of 4 bits have a scale and a least value for each group of columns
(:mod:`~lispe_py.primitives.four_bits`). Activations are floating, or quantised to
8 bits as well: with a scale for each row that is found while running
(``int8_dynamic``), or with one that was observed on examples (static).
Gradients pass through to the input, so that adapters below can be trained;
the weights themselves cannot be.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lispe_py.errors import LispError

from . import few_rows, four_bits
from .arguments import boolean, positive, shape_text, text
from .layers import Layer, MultiHeadAttention, check_heads

#: The ways in which a layer can be kept.
KINDS = ("int8", "int8_dynamic", "int4")
#: Columns that share a scale, in 4 bits.
GROUP = 32
#: Elements of a weight that are floating at a time: they stay in the caches of a CPU.
BLOCK = 1 << 20

_INT8 = 127.0


def pack8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers from -127 to 127 and a scale for each row."""
    wide = weight.detach().float()
    scale = wide.abs().amax(-1, keepdim=True) / _INT8
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return torch.round(wide / scale).to(torch.int8), scale


def _integer_product(x: Tensor, weight: Tensor) -> Tensor:
    """x W^T of int8 matrices, exact."""
    if x.device.type == "cpu" and hasattr(torch, "_int_mm"):
        return torch._int_mm(x, weight.t())
    return x.double() @ weight.t().double()


class _Integers(torch.autograd.Function):
    """x W^T with x in 8 bits; the gradient is that of the product with the weight as it stands."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, x: Tensor, weight: Tensor, scale: Tensor, step: Tensor, zero: Tensor
    ) -> Tensor:
        ctx.save_for_backward(weight, scale)
        whole = torch.clamp(torch.round(x / step) + zero, -128, 127)
        product = _integer_product(whole.to(torch.int8), weight).to(x.dtype)
        product = product - zero.to(x.dtype) * weight.sum(1, dtype=torch.int64).to(x.dtype)
        return product * step.to(x.dtype) * scale.t().to(x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:  # type: ignore[override]
        weight, scale = ctx.saved_tensors
        return grad @ (weight.to(grad.dtype) * scale.to(grad.dtype)), None, None, None, None


class _Floats(torch.autograd.Function):
    """x W^T; the floating weight is made again for the gradient, not kept until then."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: QuantisedLinear) -> Tensor:  # type: ignore[override]
        ctx.layer = layer
        return layer.product(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:  # type: ignore[override]
        return grad @ ctx.layer.dequantised(grad.dtype), None


class QuantisedLinear(Layer):
    """A linear layer with quantised weights."""

    kind = "quantised_linear"
    atom = "torch_linear_"
    title = "PyTorch Linear Layer"
    stands_in = True
    packed: Tensor
    scale: Tensor
    least: Tensor
    step: Tensor
    zero: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_features: Any,
        out_features: Any,
        bias: Any = True,
        how: Any = "int8",
        group: Any = GROUP,
        static: Any = None,
    ) -> None:
        """Room for the numbers, which a file or :meth:`of` brings."""
        super().__init__()
        self.in_features = positive(in_features, "in_features")
        self.out_features = positive(out_features, "out_features")
        self.how = text(how, "dtype")
        if self.how not in KINDS:
            raise LispError(
                f"unknown quantised dtype: '{self.how}'", hint=f"the kinds are: {' '.join(KINDS)}"
            )
        self.group = positive(group, "group_size")
        self.static = boolean(static, "static")
        rows, columns = self.out_features, self.in_features
        if self.how == "int4":
            groups = -(-columns // self.group)
            table = torch.zeros(columns, four_bits.width(rows), dtype=torch.uint8)
            self.register_buffer("packed", table)
            self.register_buffer("scale", torch.ones(groups, rows))
            self.register_buffer("least", torch.zeros(groups, rows))
        else:
            self.register_buffer("packed", torch.zeros(rows, columns, dtype=torch.int8))
            self.register_buffer("scale", torch.ones(rows, 1))
        if self.static:
            self.register_buffer("step", torch.ones(()))
            self.register_buffer("zero", torch.zeros(()))
        self.register_buffer("bias", torch.zeros(rows) if boolean(bias, "bias") else None)
        self.quantised = "int8 static" if self.static else self.how

    @classmethod
    def of(cls, linear: nn.Linear, how: str, group: int = GROUP) -> QuantisedLinear:
        """The quantised form of a linear layer."""
        with torch.device("meta"):
            made = cls(linear.in_features, linear.out_features, linear.bias is not None, how, group)
        made._fill(linear.weight, linear.bias)
        made.train(linear.training)
        return made

    def _fill(self, weight: Tensor, bias: Tensor | None) -> None:
        if not bool(torch.isfinite(weight).all()):
            raise LispError("weights that are not finite cannot be quantised")
        if self.how == "int4":
            self.packed, self.scale, self.least = four_bits.pack(weight, self.group)
        else:
            self.packed, self.scale = pack8(weight)
        if bias is not None:
            self.bias = bias.detach().clone()

    def observe(self, low: float, high: float) -> None:
        """Take the range of the inputs that was seen on examples."""
        low, high = min(low, 0.0), max(high, 0.0)
        step = (high - low) / 255 or 1.0
        self.static, self.quantised = True, "int8 static"
        place = self.packed.device
        self.register_buffer("step", torch.tensor(step, device=place))
        self.register_buffer("zero", torch.tensor(float(round(-128 - low / step)), device=place))

    def sizes(self) -> dict[str, Any]:
        return {
            "in_features": self.in_features, "out_features": self.out_features,
            "bias": self.bias is not None, "how": self.how, "group": self.group,
            "static": self.static,
        }  # fmt: skip

    def dequantised(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """The weight as it stands."""
        if self.how == "int4":
            return self._unpacked(0, self.out_features).t().to(dtype)
        return self.packed.to(dtype).mul_(self.scale.to(dtype))

    def _unpacked(self, begin: int, end: int) -> Tensor:
        """Some rows of a weight of 4 bits, as columns."""
        return four_bits.unpack(self.packed, self.scale, self.least, self.group, begin, end)

    def forward(self, x: Tensor) -> Tensor:
        if x.device != self.packed.device:
            self.to(x.device)
        if not x.is_floating_point():
            x = self.fit(x, self.scale)
        if x.shape[-1:] != (self.in_features,):
            raise LispError(f"the last axis of {shape_text(x)} should be {self.in_features}")
        if self.static or self.how == "int8_dynamic":
            out = self._integers(x)
        elif torch.compiler.is_compiling():
            out = F.linear(x, self.dequantised(x.dtype))
        elif x.requires_grad:
            floats: Any = _Floats.apply
            out = floats(x, self)
        else:
            out = self.product(x)
        return out if self.bias is None else out + self.bias.to(x.dtype)

    def product(self, x: Tensor) -> Tensor:
        """x W^T, with one block of rows of W after the other as floating numbers."""
        rows = x.reshape(-1, self.in_features)
        if self.how == "int4" and four_bits.fast(x, len(rows)):
            out = four_bits.product(rows.float(), self.packed, self.scale, self.least, self.group)
            return out.to(x.dtype).view(*x.shape[:-1], self.out_features)
        if self.how == "int8" and x.dtype is torch.bfloat16 and x.is_cpu and len(rows) <= 8:
            out = torch._weight_int8pack_mm(rows, self.packed, self.scale.flatten().to(x.dtype))
            return out.view(*x.shape[:-1], self.out_features)
        # An even number of rows: those of 4 bits share bytes.
        height = 2 * max(1, BLOCK // self.in_features // 2) if x.is_cpu else self.out_features
        parts = []
        for begin in range(0, self.out_features, height):
            end = min(begin + height, self.out_features)
            if self.how == "int4":
                parts.append(x @ self._unpacked(begin, end).to(x.dtype))
            else:
                # The scale of a row is that of its product.
                out = few_rows.linear(x, self.packed[begin:end].to(x.dtype), None)
                parts.append(out.mul_(self.scale[begin:end].t().to(x.dtype)))
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)

    def _integers(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_features)
        if self.static:
            step, zero = self.step.to(x.dtype), self.zero
        else:
            most = rows.detach().abs().amax(-1, keepdim=True)
            step = torch.where(most > 0, most / _INT8, torch.ones_like(most))
            zero = torch.zeros((), device=x.device)
        product: Any = _Integers.apply
        found: Tensor = product(rows, self.packed, self.scale, step, zero)
        return found.view(*x.shape[:-1], self.out_features)


class QuantisedAttention(MultiHeadAttention):
    """Multi-head attention whose joint projection is kept in 8 or 4 bits."""

    kind = "quantised_attention"
    stands_in = True

    def __init__(
        self, embed_dim: Any, num_heads: Any, how: Any = "int8", group: Any = GROUP
    ) -> None:
        embed, heads = check_heads(embed_dim, num_heads)
        super().__init__(embed, heads)
        self.projection = QuantisedLinear(embed, 3 * embed, True, how, group)
        del self.in_proj_weight, self.in_proj_bias
        self.quantised = self.projection.how
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    @classmethod
    def of(cls, attention: MultiHeadAttention, how: str, group: int = GROUP) -> QuantisedAttention:
        with torch.device("meta"):
            made = cls(attention.embed_dim, attention.num_heads, how, group)
        made.projection._fill(attention.in_proj_weight, attention.in_proj_bias)
        made.out_proj = attention.out_proj
        made.train(attention.training)
        return made

    def sizes(self) -> dict[str, Any]:
        how, group = self.projection.how, self.projection.group
        return {**super().sizes(), "how": how, "group": group}

    def in_projection(self) -> tuple[Tensor, Tensor]:
        bias = self.projection.bias
        assert bias is not None
        return self.projection.dequantised(bias.dtype), bias
