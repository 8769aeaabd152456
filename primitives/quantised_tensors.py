"""Quantised tensors: 8-bit integers, a scale and a zero point.

A stored q stands for (q - zero_point) * scale. The class is our own: it holds
the integers in an ordinary tensor, so it works on every device and in every
version of torch, and every operation but the few below sees the dequantised
values.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.values.typed import Integers, Numbers

from . import convert
from .arguments import number, shape_text, text, what
from .convert import axis, only_tensor

LIBRARY = "lispe_torch"

#: Name of a stored type -> element type and range.
_TYPES: dict[str, tuple[torch.dtype, int, int]] = {
    "qint8": (torch.int8, -128, 127),
    "quint8": (torch.uint8, 0, 255),
}
_ALIASES = {"int8": "qint8", "qint8": "qint8", "uint8": "quint8", "quint8": "quint8"}


class Quantised(Tensor):
    """A float32 tensor that is stored in 8 bits an element.

    Attributes:
        stored: the int8 or uint8 tensor.
        scale, zero_point: a number and an integer, or a tensor of them for
            each position of ``axis``.
        axis: None where one scale serves the whole tensor.
    """

    stored: Tensor
    scale: Any
    zero_point: Any
    axis: int | None

    # Results are ordinary tensors, not tensors of this class.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(
        cls: type[Quantised], stored: Tensor, scale: Any, zero_point: Any, axis: int | None = None
    ) -> Quantised:
        made: Quantised = Tensor._make_wrapper_subclass(
            cls, stored.shape, dtype=torch.float32, device=stored.device, requires_grad=False
        )
        made.stored, made.scale, made.zero_point, made.axis = stored, scale, zero_point, axis
        return made

    @property
    def stored_type(self) -> str:
        return "qint8" if self.stored.dtype is torch.int8 else "quint8"

    def dequantized(self) -> Tensor:
        """The values that the stored integers stand for, in float32."""
        scale, zero_point = self.scale, self.zero_point
        if self.axis is not None:
            scale, zero_point = _along(scale, self), _along(zero_point, self)
        return (self.stored.to(torch.float32) - zero_point) * scale

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"Quantised({self.stored_type}, {self.dequantized()!r})"

    def __tensor_flatten__(self) -> tuple[list[str], Any]:
        if self.axis is None:
            return ["stored"], (self.scale, self.zero_point, None)
        return ["stored", "scale", "zero_point"], (None, None, self.axis)

    @staticmethod
    def __tensor_unflatten__(parts: Any, rest: Any, size: Any, stride: Any) -> Quantised:
        scale, zero_point, along = rest
        if along is not None:
            scale, zero_point = parts["scale"], parts["zero_point"]
        return Quantised(parts["stored"], scale, zero_point, along)

    def _with(self, function: Any) -> Quantised:
        """The same values with ``function`` applied to the tensors that hold them."""
        if self.axis is None:
            return Quantised(function(self.stored), self.scale, self.zero_point)
        scale, zero_point = function(self.scale), function(self.zero_point)
        return Quantised(function(self.stored), scale, zero_point, self.axis)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        options = kwargs or {}
        name = func.overloadpacket.__name__
        first = args[0] if args else None
        if name in ("detach", "clone", "alias") and isinstance(first, Quantised):
            return first._with(lambda part: func(part, **options))
        if name == "_to_copy" and isinstance(first, Quantised) and options.get("dtype") in (
            None, torch.float32
        ):  # fmt: skip
            device = options.get("device")
            return first._with(lambda part: part.to(device, copy=True))
        if func._schema.is_mutable and isinstance(first, Quantised):
            raise LispError("a quantised tensor cannot be changed in place")

        def plainly(value: Any) -> Any:
            return value.dequantized() if isinstance(value, Quantised) else value

        return func(*tree_map(plainly, args), **tree_map(plainly, options))


def _along(values: Tensor, like: Tensor) -> Tensor:
    """One value for each position of the axis, laid along it."""
    shape = [1] * like.dim()
    shape[like.axis] = -1  # type: ignore[attr-defined]
    return values.reshape(shape)


def _source(value: Any) -> Tensor:
    """The floating tensor to be quantised."""
    found = only_tensor(value)
    if not found.is_floating_point():
        raise LispError(
            f"only floating values are quantised, not {convert.dtype_name(found.dtype)}",
            hint='convert them: (torch_to_dtype t "float32")',
        )
    if isinstance(found, Quantised):
        return found.dequantized()
    return found.detach().to(torch.float32)


def _kind(dtype: Any) -> str:
    name = "int8" if dtype is None else text(dtype, "dtype").lower().removeprefix("torch.")
    if name not in _ALIASES:
        raise LispError(f"unknown quantised dtype: '{name}'", hint="use int8 qint8 uint8 quint8")
    return _ALIASES[name]


def _scale(value: Any) -> float:
    found = number(value, "scale")
    if not (math.isfinite(found) and found > 0):
        raise LispError(f"scale must be positive: {what(value)}")
    return found


def _zero_point(value: Any, kind: str) -> int:
    _, low, high = _TYPES[kind]
    found = axis(value, "zero_point")
    if not low <= found <= high:
        raise LispError(f"zero_point must be from {low} to {high}: {found}")
    return found


def affine(
    value: Tensor, scale: Any, zero_point: Any, kind: str, along: int | None = None
) -> Quantised:
    """The quantised tensor: q = clamp(round(x / scale) + zero_point)."""
    dtype, low, high = _TYPES[kind]
    by, shift = scale, zero_point
    if along is not None:
        shape = [1] * value.dim()
        shape[along] = -1
        by, shift = scale.reshape(shape), zero_point.reshape(shape)
    stored = torch.clamp(torch.round(value / by) + shift, low, high)
    return Quantised(stored.to(dtype), scale, zero_point, along)


def automatic(value: Tensor, kind: str) -> Quantised:
    """Scale and zero point from the range of the data, with 0 inside it."""
    _, low, high = _TYPES[kind]
    if value.numel():
        least, most = (float(v) for v in torch.aminmax(value))
    else:
        least = most = 0.0
    if not (math.isfinite(least) and math.isfinite(most)):
        raise LispError("values that are not finite cannot be quantised")
    least, most = min(least, 0.0), max(most, 0.0)
    scale = (most - least) / 255
    if scale < torch.finfo(torch.float32).tiny:
        # Nothing but zeros, or numbers that float32 can hardly tell from them.
        scale = 1.0
    zero_point = min(high, max(low, round(low - least / scale)))
    return affine(value, scale, zero_point, kind)


@primitive(
    "torch_quantize_dynamic", "tensor_quantize_dynamic", "torch_tensor_quantize_dynamic",
    library=LIBRARY,
)  # fmt: skip
def torch_quantize_dynamic(tensor: Any, dtype: Any = None, zero_point: Any = None) -> Tensor:
    """Quantise a floating tensor to 8 bits, by its range or by a given scale.

    The second argument is a dtype (int8, the default, qint8, uint8 or quint8):
    scale and zero point are taken from the data. Or it is a number: then it is
    the scale, and the third argument the zero point, for int8.

    (torch_quantize_dynamic (torch_tensor (floats 1.5 -0.8)) 0.1 0)
    ; (1.5 -0.8)
    """
    value = _source(tensor)
    if isinstance(dtype, (int, float, Tensor)) and dtype is not True:
        zero = 0 if zero_point is None else _zero_point(zero_point, "qint8")
        return affine(value, _scale(dtype), zero, "qint8")
    if zero_point is not None:
        raise LispError(f"scale must be a number, not {what(dtype)}")
    return automatic(value, _kind(dtype))


@primitive(
    "torch_quantize_static", "tensor_quantize_static", "torch_tensor_quantize_static",
    library=LIBRARY,
)  # fmt: skip
def torch_quantize_static(tensor: Any, scale: Any, zero_point: Any, dtype: Any = "int8") -> Tensor:
    """Quantise with a given scale and zero point: q = clamp(round(x / scale) + zero_point).

    The scale is positive, the zero point in the range of the type: -128..127
    for int8, 0..255 for uint8.

    (torch_int_repr (torch_quantize_static (torch_tensor (floats 1.5 2.3 -0.8 4.2)) 0.1 0))
    ; (15 23 -8 42)
    """
    kind = _kind(dtype)
    return affine(_source(tensor), _scale(scale), _zero_point(zero_point, kind), kind)


@primitive(
    "torch_quantize_linear", "tensor_quantize_linear", "torch_tensor_quantize_linear",
    library=LIBRARY,
)  # fmt: skip
def torch_quantize_linear(tensor: Any, scale: Any, zero_point: Any) -> Tensor:
    """Quantise to int8 with a given scale and zero point, as torch_quantize_static does.

    (torch_int_repr (torch_quantize_linear (torch_tensor (floats 0.5 -0.5)) 0.25 1))
    ; (3 -1)
    """
    return affine(_source(tensor), _scale(scale), _zero_point(zero_point, "qint8"), "qint8")


@primitive(
    "torch_quantize_per_channel", "tensor_quantize_per_channel",
    "torch_tensor_quantize_per_channel", library=LIBRARY,
)  # fmt: skip
def torch_quantize_per_channel(tensor: Any, scales: Any, zero_points: Any, axis: Any) -> Tensor:
    """Quantise to int8 with a scale and a zero point for each position of an axis.

    There must be as many of both as the axis has positions.

    (torch_int_repr (torch_quantize_per_channel (torch_tensor '((1.0 2.0) (1.0 2.0)))
       (floats 0.5 0.25) (integers 0 1) 0))
    ; ((2 4) (5 9))
    """
    value, along = _source(tensor), convert.axis(axis, "axis")
    if not -value.dim() <= along < value.dim():
        raise LispError(f"axis {along} is outside a tensor {shape_text(value)}")
    along %= value.dim()
    found_scales = [_scale(member) for member in _members(scales, "scales")]
    found_zeros = [_zero_point(member, "qint8") for member in _members(zero_points, "zero_points")]
    count = value.shape[along]
    if len(found_scales) != count or len(found_zeros) != count:
        raise LispError(
            f"{len(found_scales)} scales and {len(found_zeros)} zero points "
            f"for an axis of {count} positions"
        )
    scale = torch.tensor(found_scales, dtype=torch.float32, device=value.device)
    zero = torch.tensor(found_zeros, dtype=torch.float32, device=value.device)
    return affine(value, scale, zero, "qint8", along)


def _members(value: Any, name: str) -> Any:
    if convert.is_data(value):
        return list(value)
    if isinstance(value, Tensor) and value.dim() == 1:
        return value.tolist()
    raise LispError(f"{name} must be a list of numbers, not {what(value)}")


@primitive(
    "torch_quantize_int8", "tensor_quantize_int8", "torch_tensor_quantize_int8", library=LIBRARY
)
def torch_quantize_int8(tensor: Any) -> Tensor:
    """Quantise to int8 by the range of the data, in which 0 is always included.

    scale = (max - min) / 255; each element comes back within half a scale.

    (torch_quantize_int8 (torch_tensor (floats 0 255)))
    ; (0 255)
    """
    return automatic(_source(tensor), "qint8")


@primitive("torch_dequantize", "tensor_dequantize", "torch_tensor_dequantize", library=LIBRARY)
def torch_dequantize(quantized_tensor: Any) -> Tensor:
    """The float32 values of a quantised tensor; any other tensor as float32.

    (torch_dequantize (torch_quantize_static (torch_tensor (floats 1.5 -0.8)) 0.1 0))
    ; (1.5 -0.8)
    """
    value = only_tensor(quantized_tensor)
    return value.dequantized() if isinstance(value, Quantised) else value.to(torch.float32)


@primitive("torch_int_repr", "tensor_int_repr", "torch_tensor_int_repr", library=LIBRARY)
def torch_int_repr(quantized_tensor: Any) -> Tensor:
    """The integers that a quantised tensor stores, an int8 or uint8 tensor.

    (torch_int_repr (torch_quantize_static (torch_tensor (floats 1 -2)) 0.5 0))
    ; (2 -4)
    """
    return _quantised(quantized_tensor).stored.clone()


@primitive("torch_q_scale", "tensor_q_scale", "torch_tensor_q_scale", library=LIBRARY)
def torch_q_scale(quantized_tensor: Any) -> Any:
    """The scale of a quantised tensor; the list of them where each channel has its own.

    (torch_q_scale (torch_quantize_static (torch_tensor (floats 1 -2)) 0.5 3))
    ; 0.5
    """
    value = _quantised(quantized_tensor)
    return value.scale if value.axis is None else Numbers(value.scale.tolist())


@primitive(
    "torch_q_zero_point", "tensor_q_zero_point", "torch_tensor_q_zero_point", library=LIBRARY
)
def torch_q_zero_point(quantized_tensor: Any) -> Any:
    """The zero point of a quantised tensor; the list of them where each channel has its own.

    (torch_q_zero_point (torch_quantize_static (torch_tensor (floats 1 -2)) 0.5 3))
    ; 3
    """
    value = _quantised(quantized_tensor)
    if value.axis is None:
        return value.zero_point
    return Integers(int(member) for member in value.zero_point.tolist())


def _quantised(value: Any) -> Quantised:
    if isinstance(value, Quantised):
        return value
    raise LispError(f"argument must be a quantised tensor, not {what(value)}")


@primitive(
    "torch_quantize_fp16", "tensor_quantize_fp16", "torch_tensor_quantize_fp16",
    "torch_tensor_to_fp16", "tensor_to_fp16", "torch_to_fp16", library=LIBRARY,
)  # fmt: skip
def torch_quantize_fp16(tensor: Any) -> Tensor:
    """The tensor in half precision, float16: two bytes an element.

    (list (torch_dtype (torch_quantize_fp16 (torch_tensor (floats 0.5 2)))))
    ; ("float16")
    """
    return only_tensor(tensor).to(torch.float16)


@primitive("torch_to_int8", "tensor_to_int8", "torch_tensor_to_int8", library=LIBRARY)
def torch_to_int8(tensor: Any) -> Tensor:
    """The tensor as plain int8: cut to whole numbers, without a scale.

    (torch_to_int8 (torch_tensor (floats 3.7 -4.2)))
    ; (3 -4)
    """
    return only_tensor(tensor).to(torch.int8)
