"""Making tensors, joining them, and giving their values back to the language."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive

from . import convert
from .arguments import what
from .convert import axis, dtype_of, only_tensor, plain_number, sizes
from .devices import default_device, live_tensors, placed, room

LIBRARY = "lispe_torch"


def _dtype(value: Any) -> torch.dtype:
    return torch.float32 if value is None else dtype_of(value)


@primitive("torch_tensor", "tensor_create", "torch_tensor_create", "torch_create", library=LIBRARY)
def torch_tensor(data: Any, dtype: Any = None) -> Tensor:
    """A new tensor of LispE data.

    integers give int64, shorts int16, floats float32, numbers float64; matrices
    and core tensors keep shape and element type; generic lists, nested to any
    depth, give bool, int64 or float32 as their members demand; a number gives
    a tensor of no axis, a tensor a detached copy. dtype asks for another
    element type. Ragged lists and text are errors.

    (list (torch_tensor (floats 4 5)) (torch_dtype (torch_tensor '((4 5) (6 7)))))
    ; ((4 5) "int64")
    """
    return placed(convert.from_lisp(data, None if dtype is None else dtype_of(dtype)))


@primitive(
    "torch_borrow", "tensor_borrow", "torch_tensor_borrow", "torch_from_buffer", library=LIBRARY
)
def torch_borrow(data: Any) -> Tensor:
    """A tensor on the very memory of a typed list, matrix or core tensor: nothing is copied.

    A change of either is seen in the other. While the tensor lives the list
    cannot grow or shrink, and a matrix must not hand out its rows. The tensor
    is on the CPU; generic lists cannot be borrowed.

    (setq members (numbers 4 5 6))
    (setq borrowed (torch_borrow members))
    (set@ members 0 7)
    borrowed
    ; (7 5 6)
    """
    return convert.borrow(data)


@primitive("torch_zeros", "tensor_zeros", "torch_tensor_zeros", library=LIBRARY)
def torch_zeros(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of zeros, float32 unless a dtype is given.

    The shape is any list of integers, or one integer; a size of 0 is allowed,
    a negative one an error.

    (torch_zeros '(2 3))
    ; ((0 0 0) (0 0 0))
    """
    kind = _dtype(dtype)
    return torch.zeros(room(sizes(shape), kind), dtype=kind, device=default_device())


@primitive("torch_ones", "tensor_ones", "torch_tensor_ones", library=LIBRARY)
def torch_ones(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of ones, float32 unless a dtype is given; the shape as for torch_zeros.

    (torch_ones '(2))
    ; (1 1)
    """
    kind = _dtype(dtype)
    return torch.ones(room(sizes(shape), kind), dtype=kind, device=default_device())


@primitive("torch_full", "tensor_full", "torch_tensor_full", library=LIBRARY)
def torch_full(shape: Any, value: Any, dtype: Any = None) -> Tensor:
    """A tensor of one number, float32 unless a dtype is given.

    (torch_full '(2 2) 0.5)
    ; ((0.5 0.5) (0.5 0.5))
    """
    fill = plain_number(value, "value")
    kind = _dtype(dtype)
    return torch.full(room(sizes(shape), kind), fill, dtype=kind, device=default_device())


@primitive("torch_full_like", "tensor_full_like", "torch_tensor_full_like", library=LIBRARY)
def torch_full_like(tensor: Any, fill_value: Any) -> Tensor:
    """A tensor of one number with the shape, element type and device of another.

    (torch_full_like (torch_tensor (integers 4 5)) 7)
    ; (7 7)
    """
    return torch.full_like(only_tensor(tensor), plain_number(fill_value, "fill_value"))


@primitive("torch_zeros_like", "tensor_zeros_like", "torch_tensor_zeros_like", library=LIBRARY)
def torch_zeros_like(tensor: Any) -> Tensor:
    """Zeros with the shape, element type and device of another tensor.

    (torch_zeros_like (torch_tensor (floats 4 5)))
    ; (0 0)
    """
    return torch.zeros_like(only_tensor(tensor))


@primitive("torch_ones_like", "tensor_ones_like", "torch_tensor_ones_like", library=LIBRARY)
def torch_ones_like(tensor: Any) -> Tensor:
    """Ones with the shape, element type and device of another tensor.

    (torch_ones_like (torch_tensor (integers 4 5)))
    ; (1 1)
    """
    return torch.ones_like(only_tensor(tensor))


@primitive("torch_eye", "tensor_eye", "torch_tensor_eye", library=LIBRARY)
def torch_eye(rows: Any, columns: Any = None, dtype: Any = None) -> Tensor:
    """Ones on the main diagonal of a matrix of zeros, square unless columns are given.

    (torch_eye 2)
    ; ((1 0) (0 1))
    """
    high, wide = sizes(rows, "rows"), sizes(rows if columns is None else columns, "columns")
    if len(high) != 1 or len(wide) != 1:
        raise LispError("rows and columns must be integers")
    kind = _dtype(dtype)
    rows, columns = room((*high, *wide), kind)
    return torch.eye(rows, columns, dtype=kind, device=default_device())


@primitive("torch_arange", "tensor_arange", "torch_tensor_arange", library=LIBRARY)
def torch_arange(start: Any, end: Any = None, step: Any = 1) -> Tensor:
    """The numbers from start (included) to end (excluded); with one argument, from 0.

    int64 when all three are integers, else float32.

    (list (torch_arange 4) (torch_arange 1 2 0.25))
    ; ((0 1 2 3) (1 1.25 1.5 1.75))
    """
    first = plain_number(start, "start")
    last = None if end is None else plain_number(end, "end")
    if last is None:
        first, last = 0, first
    by = 1 if step is None else plain_number(step, "step")
    if by == 0 or (last - first) * by < 0:
        raise LispError(f"no numbers from {what(first)} to {what(last)} by {what(by)}")
    room((int((last - first) / by),), torch.float32)
    return torch.arange(first, last, by, device=default_device())


@primitive("torch_linspace", "tensor_linspace", "torch_tensor_linspace", library=LIBRARY)
def torch_linspace(start: Any, end: Any, steps: Any) -> Tensor:
    """As many numbers as asked, evenly spaced from start to end, both included; float32.

    (torch_linspace 0 1 5)
    ; (0 0.25 0.5 0.75 1)
    """
    count = axis(steps, "steps")
    if count < 0:
        raise LispError(f"steps must not be negative: {count}")
    first, last = plain_number(start, "start"), plain_number(end, "end")
    room((count,), torch.float32)
    return torch.linspace(first, last, count, device=default_device())


@primitive("torch_randn", "tensor_randn", "torch_tensor_randn", library=LIBRARY)
def torch_randn(shape: Any, dtype: Any = None) -> Tensor:
    """Samples of the standard normal distribution, float32 unless a dtype is given.

    random_seed makes them repeatable.

    (torch_shape (torch_randn '(3 4)))
    ; (3 4)
    """
    kind = _dtype(dtype)
    return torch.randn(room(sizes(shape), kind), dtype=kind, device=default_device())


@primitive("torch_rand", "tensor_rand", "torch_tensor_rand", library=LIBRARY)
def torch_rand(shape: Any, dtype: Any = None) -> Tensor:
    """Samples of the uniform distribution on [0,1), float32 unless a dtype is given.

    (torch_shape (torch_rand '(3 4)))
    ; (3 4)
    """
    kind = _dtype(dtype)
    return torch.rand(room(sizes(shape), kind), dtype=kind, device=default_device())


@primitive("torch_randint", "tensor_randint", "torch_tensor_randint", library=LIBRARY)
def torch_randint(low: Any, high: Any, shape: Any) -> Tensor:
    """Integers (int64) drawn from low (included) to high (excluded).

    (torch_randint 5 6 '(3))
    ; (5 5 5)
    """
    first, last = axis(low, "low"), axis(high, "high")
    if last <= first:
        raise LispError(f"high must be above low: {first} {last}")
    return torch.randint(first, last, room(sizes(shape), torch.int64), device=default_device())


@primitive("torch_cat", "tensor_cat", "torch_tensor_cat", library=LIBRARY)
def torch_cat(tensors: Any, dim: Any = 0) -> Tensor:
    """The tensors of a list joined along an axis; the other axes must agree.

    (torch_cat (list (torch_tensor (floats 4 5)) (torch_tensor (floats 6))))
    ; (4 5 6)
    """
    return torch.cat(convert.tensors_of(tensors), 0 if dim is None else axis(dim))


@primitive("torch_stack", "tensor_stack", "torch_tensor_stack", library=LIBRARY)
def torch_stack(tensors: Any, dim: Any = 0) -> Tensor:
    """Tensors of one shape, stacked along a new axis.

    (torch_stack (list (torch_tensor (floats 4 5)) (torch_tensor (floats 6 7))) 1)
    ; ((4 6) (5 7))
    """
    return torch.stack(convert.tensors_of(tensors), 0 if dim is None else axis(dim))


@primitive(
    "torch_to_list", "tensor_to_list", "torch_tensor_to_list", "torch_to_lispe", library=LIBRARY
)
def torch_to_list(tensor: Any) -> Any:
    """The values of a tensor as LispE data, copied from any device.

    No axis gives a number, one axis a typed list (floats, numbers, integers or
    shorts), more axes nested lists of these; booleans give lists of true and
    nil. Quantised values are dequantised.

    (list (torch_to_list (torch_ones '(2 2))) (type (torch_to_list (torch_ones '(2)))))
    ; (((1 1) (1 1)) floats_)
    """
    return convert.to_lisp(only_tensor(tensor))


@primitive("torch_in_memory", "tensor_in_memory", "torch_tensor_in_memory", library=LIBRARY)
def torch_in_memory() -> int:
    """The number of tensors of this process that are alive, parameters included.

    (setq kept (torch_ones '(2)))
    (> (torch_in_memory) 0)
    ; true
    """
    return len(live_tensors())


@primitive("torch_clone", "tensor_clone", "torch_tensor_clone", library=LIBRARY)
def torch_clone(tensor: Any) -> Tensor:
    """A copy of a tensor through which gradients flow.

    (torch_clone (torch_tensor (floats 4 5)))
    ; (4 5)
    """
    return only_tensor(tensor).clone()


@primitive("torch_detach", "tensor_detach", "torch_tensor_detach", library=LIBRARY)
def torch_detach(tensor: Any) -> Tensor:
    """The same values outside the graph: no gradient flows back; storage is shared.

    (torch_detach (torch_tensor (floats 4 5)))
    ; (4 5)
    """
    return only_tensor(tensor).detach()


@primitive(
    "torch_requires_grad", "tensor_requires_grad", "torch_tensor_requires_grad", library=LIBRARY
)
def torch_requires_grad(tensor: Any, flag: Any = True) -> Tensor:
    """Ask for gradients of a tensor, or with nil for none; the tensor itself is returned.

    Only floating tensors, and only those that were not computed from others.

    (setq w (torch_requires_grad (torch_tensor (floats 4 5))))
    (torch_backward (tensor_sum (tensor_mul w w)))
    (torch_grad w)
    ; (8 10)
    """
    return only_tensor(tensor).requires_grad_(flag is not None)
