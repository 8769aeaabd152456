"""Arithmetic, products and comparisons of tensors.

Two tensors go straight to torch; numbers, lists and parameters take the way
through :func:`convert.operands`.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive

from . import convert
from .arguments import is_list, text, what
from .convert import axis, number_or_tensor, only_tensor, operands
from .devices import room

LIBRARY = "lispe_torch"

# Bound once: looking them up in torch costs as much as the rest of these functions.
_add, _sub, _mul, _div, _matmul = torch.add, torch.sub, torch.mul, torch.div, torch.matmul


@primitive("torch_add", "tensor_add", "torch_tensor_add", library=LIBRARY)
def torch_add(tensor1: Any, tensor2: Any) -> Tensor:
    """The sum, element by element and broadcast.

    Either side may be a number or a numeric list. Shapes that do not broadcast
    and tensors on different devices are errors.

    (torch_add (torch_tensor (floats 4 5)) (torch_tensor '((1.0) (2.0))))
    ; ((5 6) (6 7))
    """
    if tensor1.__class__ is Tensor and tensor2.__class__ is Tensor:
        return _add(tensor1, tensor2)
    left, right = operands(tensor1, tensor2)
    return left + right


@primitive("torch_sub", "tensor_sub", "torch_tensor_sub", library=LIBRARY)
def torch_sub(tensor1: Any, tensor2: Any) -> Tensor:
    """The difference, element by element and broadcast; operands as for torch_add.

    (torch_sub (torch_tensor (floats 4 5)) 1)
    ; (3 4)
    """
    if tensor1.__class__ is Tensor and tensor2.__class__ is Tensor:
        return _sub(tensor1, tensor2)
    left, right = operands(tensor1, tensor2)
    return left - right


@primitive("torch_mul", "tensor_mul", "torch_tensor_mul", library=LIBRARY)
def torch_mul(tensor1: Any, tensor2: Any) -> Tensor:
    """The product, element by element and broadcast; operands as for torch_add.

    (torch_mul (torch_tensor (floats 4 5)) (floats 2 3))
    ; (8 15)
    """
    if tensor1.__class__ is Tensor and tensor2.__class__ is Tensor:
        return _mul(tensor1, tensor2)
    left, right = operands(tensor1, tensor2)
    return left * right


@primitive("torch_div", "tensor_div", "torch_tensor_div", library=LIBRARY)
def torch_div(tensor1: Any, tensor2: Any) -> Tensor:
    """The quotient, element by element and broadcast; operands as for torch_add.

    Integers give float32. A divisor element of 0 gives an infinity or nan; the
    number 0 as divisor is an error.

    (torch_div (torch_tensor (integers 4 5)) (torch_tensor (integers 8 2)))
    ; (0.5 2.5)
    """
    if tensor1.__class__ is Tensor and tensor2.__class__ is Tensor:
        return _div(tensor1, tensor2)
    left, right = operands(tensor1, tensor2)
    if not isinstance(right, Tensor) and right == 0:
        raise LispError("division by zero")
    return left / right


@primitive("torch_add_scalar", "tensor_add_scalar", "torch_tensor_add_scalar", library=LIBRARY)
def torch_add_scalar(tensor: Any, scalar: Any) -> Tensor:
    """A number added to every element; integers and a decimal give float32.

    (torch_add_scalar (torch_tensor (floats 4 5)) 0.5)
    ; (4.5 5.5)
    """
    return only_tensor(tensor) + number_or_tensor(scalar, "scalar")


@primitive("torch_sub_scalar", "tensor_sub_scalar", "torch_tensor_sub_scalar", library=LIBRARY)
def torch_sub_scalar(tensor: Any, scalar: Any) -> Tensor:
    """A number taken from every element; integers and a decimal give float32.

    (torch_sub_scalar (torch_tensor (floats 4 5)) 0.5)
    ; (3.5 4.5)
    """
    return only_tensor(tensor) - number_or_tensor(scalar, "scalar")


@primitive("torch_mul_scalar", "tensor_mul_scalar", "torch_tensor_mul_scalar", library=LIBRARY)
def torch_mul_scalar(tensor: Any, scalar: Any) -> Tensor:
    """Every element times a number; integers and a decimal give float32.

    (torch_mul_scalar (torch_tensor (integers 4 5)) 0.5)
    ; (2 2.5)
    """
    return only_tensor(tensor) * number_or_tensor(scalar, "scalar")


@primitive("torch_div_scalar", "tensor_div_scalar", "torch_tensor_div_scalar", library=LIBRARY)
def torch_div_scalar(tensor: Any, scalar: Any) -> Tensor:
    """Every element divided by a number, which must not be 0.

    (torch_div_scalar (torch_tensor (floats 4 5)) 2)
    ; (2 2.5)
    """
    divisor = number_or_tensor(scalar, "scalar")
    if not isinstance(divisor, Tensor) and divisor == 0:
        raise LispError("division by zero")
    return only_tensor(tensor) / divisor


@primitive("torch_matmul", "tensor_matmul", "torch_tensor_matmul", library=LIBRARY)
def torch_matmul(tensor1: Any, tensor2: Any) -> Tensor:
    """The matrix product: vectors, matrices, or batches of matrices.

    Two vectors give their dot product; leading axes broadcast. Inner sizes
    that differ and mixed element types are errors.

    (torch_matmul (torch_tensor '((1.0 2) (3 4))) (torch_tensor '((5.0 6) (7 8))))
    ; ((19 22) (43 50))
    """
    if tensor1.__class__ is Tensor and tensor2.__class__ is Tensor:
        return _matmul(tensor1, tensor2)
    left, right = operands(tensor1, tensor2)
    return torch.matmul(only_tensor(left), only_tensor(right))


@primitive("tensor_linear", "torch_tensor_linear", library=LIBRARY)
def tensor_linear(tensor1: Any, tensor2: Any, bias: Any = None) -> Tensor:
    """The linear map tensor1 tensor2^T + bias, with weights [out, in].

    [..., in] gives [..., out]. Not to be confused with torch_linear, which
    makes a layer.

    (tensor_linear (torch_tensor (floats 4 5)) (torch_tensor '((1.0 2) (3 4)))
       (torch_tensor (floats 1 1)))
    ; (15 33)
    """
    weight = only_tensor(tensor2)
    return F.linear(only_tensor(tensor1), weight, None if bias is None else only_tensor(bias))


@primitive("torch_einsum", "tensor_einsum", "torch_tensor_einsum", library=LIBRARY)
def torch_einsum(indices: Any, tensors: Any, *more: Any) -> Tensor:
    """Einstein summation: an equation, and a list of tensors or the tensors themselves.

    (torch_einsum "ij,jk->ik"
       (list (torch_tensor '((1.0 2) (3 4))) (torch_tensor '((5.0 6) (7 8)))))
    ; ((19 22) (43 50))
    """
    equation = text(indices, "indices")
    if isinstance(tensors, Tensor):
        return torch.einsum(equation, tensors, *map(only_tensor, more))
    if more:
        raise LispError(f"tensors must be a list of tensors, not {what(tensors)}")
    return torch.einsum(equation, *convert.tensors_of(tensors))


@primitive("torch_norm", "tensor_norm", "torch_tensor_norm", library=LIBRARY)
def torch_norm(tensor: Any, p: Any = 2, dim: Any = None) -> Tensor:
    """The Euclidean norm of all elements, or along an axis; p asks for another p-norm.

    (list (torch_norm (torch_tensor (floats 3 4))) (torch_norm (torch_tensor '((3.0 4) (0 2))) 1 1))
    ; (5 (7 2))
    """
    value = convert.floating(only_tensor(tensor))
    order = 2 if p is None else number_or_tensor(p, "p")
    return torch.linalg.vector_norm(value, order, None if dim is None else axis(dim))


@primitive("torch_outer", "tensor_outer", "torch_tensor_outer", library=LIBRARY)
def torch_outer(tensor1: Any, tensor2: Any) -> Tensor:
    """The outer product of two vectors.

    (torch_outer (torch_tensor (floats 1 2)) (torch_tensor (floats 3 4)))
    ; ((3 4) (6 8))
    """
    first, second = only_tensor(tensor1), only_tensor(tensor2)
    kind = torch.promote_types(first.dtype, second.dtype)
    room((first.numel(), second.numel()), kind, first.device.type == "cpu")
    return torch.outer(first, second)


@primitive("torch_maximum", "tensor_maximum", "torch_tensor_maximum", library=LIBRARY)
def torch_maximum(tensor1: Any, tensor2: Any) -> Tensor:
    """The larger of two elements at each place, broadcast.

    (torch_maximum (torch_tensor (floats 4 5)) (torch_tensor (floats 7 2)))
    ; (7 5)
    """
    left, right = operands(tensor1, tensor2)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return torch.maximum(left, right)
    value, bound = (left, right) if isinstance(left, Tensor) else (right, left)
    return torch.clamp(value, min=bound)


@primitive("torch_minimum", "tensor_minimum", "torch_tensor_minimum", library=LIBRARY)
def torch_minimum(tensor1: Any, tensor2: Any) -> Tensor:
    """The smaller of two elements at each place, broadcast.

    (torch_minimum (torch_tensor (floats 4 5)) 4.5)
    ; (4 4.5)
    """
    left, right = operands(tensor1, tensor2)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return torch.minimum(left, right)
    value, bound = (left, right) if isinstance(left, Tensor) else (right, left)
    return torch.clamp(value, max=bound)


@primitive("torch_ge", "tensor_ge", "torch_tensor_ge", library=LIBRARY)
def torch_ge(tensor: Any, other: Any) -> Tensor:
    """Where is tensor >= other? A bool tensor; other is a tensor (broadcast) or a number.

    (torch_ge (torch_tensor (floats 1 2 3)) 2)
    ; (nil true true)
    """
    left, right = operands(tensor, other)
    return left >= right


@primitive("torch_gt", "tensor_gt", "torch_tensor_gt", library=LIBRARY)
def torch_gt(tensor: Any, other: Any) -> Tensor:
    """Where is tensor > other? A bool tensor.

    (torch_gt (torch_tensor (floats 1 2 3)) 2)
    ; (nil nil true)
    """
    left, right = operands(tensor, other)
    return left > right


@primitive("torch_le", "tensor_le", "torch_tensor_le", library=LIBRARY)
def torch_le(tensor: Any, other: Any) -> Tensor:
    """Where is tensor <= other? A bool tensor.

    (torch_le (torch_tensor (floats 1 2 3)) 2)
    ; (true true nil)
    """
    left, right = operands(tensor, other)
    return left <= right


@primitive("torch_lt", "tensor_lt", "torch_tensor_lt", library=LIBRARY)
def torch_lt(tensor: Any, other: Any) -> Tensor:
    """Where is tensor < other? A bool tensor.

    (torch_lt (torch_tensor (floats 1 2 3)) 2)
    ; (true nil nil)
    """
    left, right = operands(tensor, other)
    return left < right


@primitive("torch_eq", "tensor_eq", "torch_tensor_eq", library=LIBRARY)
def torch_eq(tensor: Any, other: Any) -> Tensor:
    """Where are two tensors, or a tensor and a number, equal? A bool tensor.

    (torch_eq (torch_tensor (floats 1 2 3)) 2)
    ; (nil true nil)
    """
    left, right = operands(tensor, other)
    return left == right


@primitive("torch_ne", "tensor_ne", "torch_tensor_ne", library=LIBRARY)
def torch_ne(tensor: Any, other: Any) -> Tensor:
    """Where do two tensors, or a tensor and a number, differ? A bool tensor.

    (torch_ne (torch_tensor (floats 1 2 3)) 2)
    ; (true nil true)
    """
    left, right = operands(tensor, other)
    return left != right


@primitive("torch_logical_not", "tensor_logical_not", "torch_tensor_logical_not", library=LIBRARY)
def torch_logical_not(tensor: Any) -> Tensor:
    """Where is an element zero? A bool tensor, which turns a mask round.

    (torch_logical_not (torch_tensor '(true nil)))
    ; (nil true)
    """
    return torch.logical_not(only_tensor(tensor))


@primitive("torch_where", "tensor_where", "torch_tensor_where", library=LIBRARY)
def torch_where(condition: Any, a: Any, b: Any) -> Tensor:
    """The elements of a where the condition holds, of b elsewhere, all broadcast.

    The condition is taken as true where it is not zero; a and b are tensors,
    numbers or numeric lists.

    (torch_where (torch_tensor '(true nil)) (torch_tensor (floats 4 5)) 0)
    ; (4 0)
    """
    chosen = convert.from_lisp(condition) if is_list(condition) else only_tensor(condition)
    yes, no = convert.operand(a, chosen), convert.operand(b, chosen)
    return torch.where(chosen if chosen.dtype is torch.bool else chosen.to(torch.bool), yes, no)
