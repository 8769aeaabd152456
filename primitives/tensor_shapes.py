"""Shapes: what they are, and tensors in other shapes and element types."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers

from . import convert
from .arguments import shape_text
from .convert import axis, only_tensor, sizes
from .devices import room

LIBRARY = "lispe_torch"


def _shape(value: Tensor) -> Any:
    if torch.compiler.is_compiling():
        # Compiled code knows generic lists; typed ones would interrupt it.
        return List(value.shape)
    return Integers(value.shape)


def _axes_of(value: Any, count: int) -> Any:
    """Axes as a list of integers."""
    axes = sizes(value, "dims", negative=True)
    for dim in axes:
        if not -count <= dim < count:
            raise LispError(f"axis {dim} is outside a tensor of {count} axes")
    return axes


@primitive("torch_shape", "tensor_shape", "torch_tensor_shape", library=LIBRARY)
def torch_shape(tensor: Any) -> Any:
    """The sizes of the axes, a list of integers; () for a tensor of no axis.

    (torch_shape (torch_zeros '(2 3 4)))
    ; (2 3 4)
    """
    return _shape(only_tensor(tensor))


@primitive("torch_size", "tensor_size", "torch_tensor_size", library=LIBRARY)
def torch_size(tensor: Any, dim: Any = None) -> Any:
    """The sizes of the axes, or the size of one axis.

    (list (torch_size (torch_zeros '(2 3))) (torch_size (torch_zeros '(2 3)) -1))
    ; ((2 3) 3)
    """
    value = only_tensor(tensor)
    return _shape(value) if dim is None else value.size(axis(dim))


@primitive("torch_dim", "tensor_dim", "torch_tensor_dim", "torch_ndim", library=LIBRARY)
def torch_dim(tensor: Any) -> int:
    """The number of axes.

    (torch_dim (torch_zeros '(2 3 4)))
    ; 3
    """
    return only_tensor(tensor).dim()


@primitive("torch_numel", "tensor_numel", "torch_tensor_numel", library=LIBRARY)
def torch_numel(tensor: Any) -> int:
    """The number of elements, quantised tensors included.

    (torch_numel (torch_zeros '(2 3 4)))
    ; 24
    """
    return only_tensor(tensor).numel()


@primitive("torch_transpose", "tensor_transpose", "torch_tensor_transpose", library=LIBRARY)
def torch_transpose(tensor: Any, dim0: Any, dim1: Any) -> Tensor:
    """Two axes exchanged: a view, without a copy. Negative axes count from the end.

    (torch_transpose (torch_tensor '((1 2 3) (4 5 6))) 0 1)
    ; ((1 4) (2 5) (3 6))
    """
    if tensor.__class__ is Tensor and dim0.__class__ is int and dim1.__class__ is int:
        return torch.transpose(tensor, dim0, dim1)
    return torch.transpose(only_tensor(tensor), axis(dim0, "dim0"), axis(dim1, "dim1"))


@primitive("torch_permute", "tensor_permute", "torch_tensor_permute", library=LIBRARY)
def torch_permute(tensor: Any, dims: Any) -> Tensor:
    """All axes in another order: a view.

    (torch_shape (torch_permute (torch_zeros '(2 3 4)) '(2 0 1)))
    ; (4 2 3)
    """
    value = only_tensor(tensor)
    return torch.permute(value, _axes_of(dims, value.dim()))


@primitive("torch_reshape", "tensor_reshape", "torch_tensor_reshape", library=LIBRARY)
def torch_reshape(tensor: Any, shape: Any) -> Tensor:
    """The same elements in another shape, in which one size may be -1 and is found.

    A view where that is possible. Another number of elements is an error.

    (torch_reshape (torch_tensor (integers 1 2 3 4)) '(2 -1))
    ; ((1 2) (3 4))
    """
    return torch.reshape(only_tensor(tensor), sizes(shape, negative=True))


@primitive("torch_flatten", "tensor_flatten", "torch_tensor_flatten", library=LIBRARY)
def torch_flatten(tensor: Any, start: Any = 0, end: Any = -1) -> Tensor:
    """The axes from start to end, both included, run together into one.

    (torch_shape (torch_flatten (torch_zeros '(2 3 4)) 1))
    ; (2 12)
    """
    first = 0 if start is None else axis(start, "start")
    return torch.flatten(only_tensor(tensor), first, -1 if end is None else axis(end, "end"))


@primitive("torch_contiguous", "tensor_contiguous", "torch_tensor_contiguous", library=LIBRARY)
def torch_contiguous(tensor: Any) -> Tensor:
    """The tensor with its elements in order in memory: itself, if they are already.

    (torch_contiguous (torch_transpose (torch_tensor '((1 2) (3 4))) 0 1))
    ; ((1 3) (2 4))
    """
    return only_tensor(tensor).contiguous()


@primitive("torch_unsqueeze", "tensor_unsqueeze", "torch_tensor_unsqueeze", library=LIBRARY)
def torch_unsqueeze(tensor: Any, dim: Any) -> Tensor:
    """An axis of size 1 put in before axis dim; -1 puts it at the end.

    (torch_shape (torch_unsqueeze (torch_zeros '(2 3)) 1))
    ; (2 1 3)
    """
    if tensor.__class__ is Tensor and dim.__class__ is int:
        return torch.unsqueeze(tensor, dim)
    return torch.unsqueeze(only_tensor(tensor), axis(dim))


@primitive("torch_squeeze", "tensor_squeeze", "torch_tensor_squeeze", library=LIBRARY)
def torch_squeeze(tensor: Any, dim: Any = None) -> Tensor:
    """All axes of size 1 left out, or only axis dim if its size is 1.

    (list (torch_shape (torch_squeeze (torch_zeros '(1 2 1))))
       (torch_shape (torch_squeeze (torch_zeros '(1 2 1)) 0)))
    ; ((2) (2 1))
    """
    value = only_tensor(tensor)
    return torch.squeeze(value) if dim is None else torch.squeeze(value, axis(dim))


@primitive("torch_expand", "tensor_expand", "torch_tensor_expand", library=LIBRARY)
def torch_expand(tensor: Any, shape: Any) -> Tensor:
    """Axes of size 1 seen as larger, without a copy; -1 keeps a size.

    (torch_expand (torch_tensor '((1) (2))) '(2 3))
    ; ((1 1 1) (2 2 2))
    """
    return only_tensor(tensor).expand(sizes(shape, negative=True))


@primitive("torch_repeat", "tensor_repeat", "torch_tensor_repeat", library=LIBRARY)
def torch_repeat(tensor: Any, counts: Any) -> Tensor:
    """The tensor side by side with itself, so many times along each axis.

    (torch_repeat (torch_tensor (integers 4 5)) '(2 2))
    ; ((4 5 4 5) (4 5 4 5))
    """
    value, times = only_tensor(tensor), sizes(counts, "counts")
    if len(times) < value.dim():
        raise LispError(f"counts must give one number for each axis of {shape_text(value)}")
    shape = (1,) * (len(times) - value.dim()) + tuple(value.shape)
    found = tuple(a * b for a, b in zip(shape, times, strict=True))
    room(found, value.dtype, value.device.type == "cpu")
    return value.repeat(times)


@primitive("torch_flip", "tensor_flip", "torch_tensor_flip", library=LIBRARY)
def torch_flip(tensor: Any, dims: Any) -> Tensor:
    """The elements in reverse order along an axis, or a list of axes.

    (torch_flip (torch_tensor '((1 2) (3 4))) 1)
    ; ((2 1) (4 3))
    """
    value = only_tensor(tensor)
    return torch.flip(value, _axes_of(dims, value.dim()))


@primitive("torch_roll", "tensor_roll", "torch_tensor_roll", library=LIBRARY)
def torch_roll(tensor: Any, shift: Any, dim: Any = -1) -> Tensor:
    """The elements moved along an axis; those that leave at one end come in at the other.

    (torch_roll (torch_tensor (integers 1 2 3 4)) 1)
    ; (4 1 2 3)
    """
    along = -1 if dim is None else axis(dim)
    return torch.roll(only_tensor(tensor), axis(shift, "shift"), along)


@primitive("torch_split", "tensor_split", "torch_tensor_split", library=LIBRARY)
def torch_split(tensor: Any, size: Any, dim: Any = 0) -> List:
    """A list of parts along an axis: of one size (the last may be smaller), or of the sizes listed.

    (torch_split (torch_tensor (integers 1 2 3 4 5)) 2)
    ; ((1 2) (3 4) (5))
    """
    value, along = only_tensor(tensor), 0 if dim is None else axis(dim)
    if convert.is_data(size):
        return List(torch.split(value, list(sizes(size, "size")), along))
    width = axis(size, "size")
    if width < 1:
        raise LispError(f"size must be a positive integer, not {width}")
    return List(torch.split(value, width, along))


@primitive("torch_triu", "tensor_triu", "torch_tensor_triu", library=LIBRARY)
def torch_triu(tensor: Any, diagonal: Any = 0) -> Tensor:
    """The part on and above a diagonal of the last two axes, zeros below it.

    (torch_triu (torch_ones '(3 3)) 1)
    ; ((0 1 1) (0 0 1) (0 0 0))
    """
    return torch.triu(_matrix(tensor), 0 if diagonal is None else axis(diagonal, "diagonal"))


@primitive("torch_tril", "tensor_tril", "torch_tensor_tril", library=LIBRARY)
def torch_tril(tensor: Any, diagonal: Any = 0) -> Tensor:
    """The part on and below a diagonal of the last two axes, zeros above it: a causal mask.

    (torch_tril (torch_ones '(3 3)))
    ; ((1 0 0) (1 1 0) (1 1 1))
    """
    return torch.tril(_matrix(tensor), 0 if diagonal is None else axis(diagonal, "diagonal"))


def _matrix(value: Any) -> Tensor:
    found = only_tensor(value)
    if found.dim() < 2:
        raise LispError(f"a triangle needs at least two axes, not {shape_text(found)}")
    return found


@primitive("torch_to_dtype", "tensor_to_dtype", "torch_tensor_to_dtype", library=LIBRARY)
def torch_to_dtype(tensor: Any, dtype: Any) -> Tensor:
    """The tensor with another element type.

    dtype is a name: float32 float64 float16 bfloat16 int64 int32 int16 int8
    uint8 bool complex64, or what (torch_float32) and its like give. Decimals
    are cut on the way to integers.

    (torch_to_dtype (torch_tensor (floats 1.5 2.5)) "int64")
    ; (1 2)
    """
    kind = convert.dtype_of(dtype)
    value = only_tensor(tensor)
    if value.__class__ is not Tensor and hasattr(value, "dequantized"):
        value = value.dequantized()
    return value.to(kind)


@primitive("torch_dtype", "tensor_dtype", "torch_tensor_dtype", library=LIBRARY)
def torch_dtype(tensor: Any) -> str:
    """The name of the element type; "qint8" or "quint8" for quantised tensors.

    (list (torch_dtype (torch_tensor (integers 4 5))))
    ; ("int64")
    """
    value = only_tensor(tensor)
    stored = getattr(value, "stored_type", None) if value.__class__ is not Tensor else None
    return convert.dtype_name(value.dtype) if stored is None else str(stored)


@primitive("torch_float32", library=LIBRARY, pure=True)
def torch_float32() -> str:
    """The name of 32-bit numbers, for torch_to_dtype.

    (list (torch_dtype (torch_to_dtype (torch_tensor (integers 4)) (torch_float32))))
    ; ("float32")
    """
    return "float32"


@primitive("torch_float64", library=LIBRARY, pure=True)
def torch_float64() -> str:
    """The name of 64-bit numbers, for torch_to_dtype.

    (list (torch_dtype (torch_to_dtype (torch_tensor (integers 4)) (torch_float64))))
    ; ("float64")
    """
    return "float64"


@primitive("torch_float16", library=LIBRARY, pure=True)
def torch_float16() -> str:
    """The name of 16-bit numbers, for torch_to_dtype.

    (list (torch_dtype (torch_to_dtype (torch_tensor (integers 4)) (torch_float16))))
    ; ("float16")
    """
    return "float16"


@primitive("torch_bfloat16", library=LIBRARY, pure=True)
def torch_bfloat16() -> str:
    """The name of 16-bit numbers with the range of 32-bit ones, for torch_to_dtype.

    (list (torch_dtype (torch_to_dtype (torch_tensor (integers 4)) (torch_bfloat16))))
    ; ("bfloat16")
    """
    return "bfloat16"


@primitive("torch_int64", library=LIBRARY, pure=True)
def torch_int64() -> str:
    """The name of 64-bit integers, for torch_to_dtype.

    (list (torch_dtype (torch_to_dtype (torch_tensor (floats 4)) (torch_int64))))
    ; ("int64")
    """
    return "int64"


@primitive("torch_int32", library=LIBRARY, pure=True)
def torch_int32() -> str:
    """The name of 32-bit integers, for torch_to_dtype.

    (list (torch_dtype (torch_to_dtype (torch_tensor (floats 4)) (torch_int32))))
    ; ("int32")
    """
    return "int32"


@primitive("torch_bool", library=LIBRARY, pure=True)
def torch_bool() -> str:
    """The name of booleans, for torch_to_dtype.

    (list (torch_dtype (torch_to_dtype (torch_tensor (floats 4)) (torch_bool))))
    ; ("bool")
    """
    return "bool"
