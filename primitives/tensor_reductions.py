"""Reductions: many elements to one, or to fewer.

Without an axis the result is a tensor of no axis: it keeps its gradient and
acts as a number in arithmetic, comparison, printing and ``at``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive

from . import convert
from .arguments import boolean
from .convert import axis, only_tensor

LIBRARY = "lispe_torch"


def _axes(dim: Any) -> Any:
    """One axis, or a list of them."""
    return convert.sizes(dim, "dim", negative=True) if convert.is_data(dim) else axis(dim)


def _filled(value: Tensor, name: str, dim: int | None = None) -> Tensor:
    """The tensor, which must have an element to choose."""
    if not value.numel():
        inside = dim is not None and -value.dim() <= dim < value.dim()
        if not inside or not value.shape[dim]:  # type: ignore[index]
            raise LispError(f"{name} of an empty tensor")
    return value


def _floating(value: Tensor, name: str) -> Tensor:
    """The tensor, which must not hold integers: along an axis they are not converted."""
    if value.is_floating_point() or value.is_complex():
        return value
    raise LispError(
        f"{name} along an axis takes floating values, not {convert.dtype_name(value.dtype)}",
        hint='convert them: (torch_to_dtype t "float32")',
    )


def _undefined(value: Tensor) -> Tensor:
    """nan, on the graph of the value."""
    return value.sum() * torch.nan


@primitive("torch_sum", "tensor_sum", "torch_tensor_sum", library=LIBRARY)
def torch_sum(tensor: Any, dim: Any = None, keepdim: Any = None) -> Tensor:
    """The sum of all elements, or along an axis or a list of axes.

    Integers stay integers; of no element it is 0.

    (list (torch_sum (torch_ones '(2 3))) (torch_sum (torch_ones '(2 3)) 0))
    ; (6 (2 2 2))
    """
    if dim is None:
        return torch.sum(only_tensor(tensor))
    return torch.sum(only_tensor(tensor), _axes(dim), boolean(keepdim, "keepdim"))


@primitive("torch_prod", "tensor_prod", "torch_tensor_prod", library=LIBRARY)
def torch_prod(tensor: Any, dim: Any = None, keepdim: Any = None) -> Tensor:
    """The product of all elements, or along an axis.

    (torch_prod (torch_tensor (integers 4 5 6)))
    ; 120
    """
    if dim is None:
        return torch.prod(only_tensor(tensor))
    return torch.prod(only_tensor(tensor), axis(dim), boolean(keepdim, "keepdim"))


@primitive("torch_mean", "tensor_mean", "torch_tensor_mean", library=LIBRARY)
def torch_mean(tensor: Any, dim: Any = None, keepdim: Any = None) -> Tensor:
    """The mean of all elements, integers as float32; or along an axis or a list of axes.

    The mean of no element is nan.

    (torch_mean (torch_tensor (integers 4 5)))
    ; 4.5
    """
    if dim is None:
        return torch.mean(convert.floating(only_tensor(tensor)))
    value = _floating(only_tensor(tensor), "mean")
    return torch.mean(value, _axes(dim), boolean(keepdim, "keepdim"))


@primitive("torch_mean_dim", "tensor_mean_dim", "torch_tensor_mean_dim", library=LIBRARY)
def torch_mean_dim(tensor: Any, dim: Any, keepdim: Any = None) -> Tensor:
    """The mean along an axis, which is left out of the result. Integers are an error.

    (torch_mean_dim (torch_tensor '((1.0 2) (3 6))) 0)
    ; (2 4)
    """
    value = _floating(only_tensor(tensor), "mean")
    return torch.mean(value, _axes(dim), boolean(keepdim, "keepdim"))


@primitive("torch_std", "tensor_std", "torch_tensor_std", library=LIBRARY)
def torch_std(tensor: Any, dim: Any = None, keepdim: Any = None) -> Tensor:
    """The sample standard deviation (n-1) of all elements, or along an axis.

    Integers are taken as float32; of fewer than two elements it is nan.

    (torch_std (torch_tensor (floats 2 4 4 4 5 5 7 9)))
    ; 2.13809
    """
    value = convert.floating(only_tensor(tensor))
    if dim is None:
        return torch.std(value) if value.numel() > 1 else _undefined(value)
    return torch.std(value, _axes(dim), keepdim=boolean(keepdim, "keepdim"))


@primitive("torch_var", "tensor_var", "torch_tensor_var", library=LIBRARY)
def torch_var(tensor: Any, dim: Any = None, keepdim: Any = None) -> Tensor:
    """The sample variance (n-1) of all elements, or along an axis; integers as float32.

    (torch_var (torch_tensor (floats 1 2 3 4 5)))
    ; 2.5
    """
    value = convert.floating(only_tensor(tensor))
    if dim is None:
        return torch.var(value) if value.numel() > 1 else _undefined(value)
    return torch.var(value, _axes(dim), keepdim=boolean(keepdim, "keepdim"))


@primitive("torch_max", "tensor_max", "torch_tensor_max", library=LIBRARY)
def torch_max(tensor: Any, dim: Any = None, keepdim: Any = None) -> Tensor:
    """The largest of all elements, or along an axis; an empty tensor is an error.

    (list (torch_max (torch_tensor '((4 9) (6 5)))) (torch_max (torch_tensor '((4 9) (6 5))) 1))
    ; (9 (9 6))
    """
    if dim is None:
        return torch.max(_filled(only_tensor(tensor), "max"))
    along = axis(dim)
    value = _filled(only_tensor(tensor), "max", along)
    return torch.max(value, along, boolean(keepdim, "keepdim")).values


@primitive("torch_min", "tensor_min", "torch_tensor_min", library=LIBRARY)
def torch_min(tensor: Any, dim: Any = None, keepdim: Any = None) -> Tensor:
    """The smallest of all elements, or along an axis; an empty tensor is an error.

    (list (torch_min (torch_tensor '((4 9) (6 5)))) (torch_min (torch_tensor '((4 9) (6 5))) 1))
    ; (4 (4 5))
    """
    if dim is None:
        return torch.min(_filled(only_tensor(tensor), "min"))
    along = axis(dim)
    value = _filled(only_tensor(tensor), "min", along)
    return torch.min(value, along, boolean(keepdim, "keepdim")).values


@primitive("torch_argmax", "tensor_argmax", "torch_tensor_argmax", library=LIBRARY)
def torch_argmax(tensor: Any, dim: Any = None, keepdim: Any = True) -> Tensor:
    """The position of the largest element, int64: in the flattened tensor, or along an axis.

    The axis is kept with size 1 unless keepdim is nil. Of equal elements the
    first counts.

    (list (torch_argmax (torch_tensor '((4 9) (6 5))))
       (torch_argmax (torch_tensor '((4 9) (6 5))) 1 nil))
    ; (1 (1 0))
    """
    value = only_tensor(tensor)
    if dim is None:
        return torch.argmax(_filled(value, "argmax"))
    along = axis(dim)
    return torch.argmax(_filled(value, "argmax", along), along, boolean(keepdim, "keepdim"))


@primitive("torch_argmin", "tensor_argmin", "torch_tensor_argmin", library=LIBRARY)
def torch_argmin(tensor: Any, dim: Any = None, keepdim: Any = True) -> Tensor:
    """The position of the smallest element, as torch_argmax gives that of the largest.

    (torch_argmin (torch_tensor '((4 9) (6 5))))
    ; 0
    """
    value = only_tensor(tensor)
    if dim is None:
        return torch.argmin(_filled(value, "argmin"))
    along = axis(dim)
    return torch.argmin(_filled(value, "argmin", along), along, boolean(keepdim, "keepdim"))


@primitive("torch_cumsum", "tensor_cumsum", "torch_tensor_cumsum", library=LIBRARY)
def torch_cumsum(tensor: Any, dim: Any) -> Tensor:
    """The running sum along an axis; the shape stays.

    (torch_cumsum (torch_tensor '((1 2) (3 4))) 0)
    ; ((1 2) (4 6))
    """
    return torch.cumsum(only_tensor(tensor), axis(dim))


@primitive("torch_logsumexp", "tensor_logsumexp", "torch_tensor_logsumexp", library=LIBRARY)
def torch_logsumexp(tensor: Any, dim: Any = -1, keepdim: Any = None) -> Tensor:
    """log(sum(exp(x))) along an axis, computed so that nothing overflows.

    (torch_logsumexp (torch_tensor (floats 1000 1000)))
    ; 1000.69
    """
    value = convert.floating(only_tensor(tensor))
    return torch.logsumexp(value, -1 if dim is None else _axes(dim), boolean(keepdim, "keepdim"))


@primitive("torch_any", "tensor_any", "torch_tensor_any", library=LIBRARY, truth=True)
def torch_any(tensor: Any) -> bool | None:
    """Is any element other than zero? true or nil.

    (list (torch_any (torch_tensor '(0 4))) (torch_any (torch_zeros '(2))))
    ; (true nil)
    """
    return True if bool(torch.any(only_tensor(tensor))) else None


@primitive("torch_all", "tensor_all", "torch_tensor_all", library=LIBRARY, truth=True)
def torch_all(tensor: Any) -> bool | None:
    """Are all elements other than zero? true or nil.

    (list (torch_all (torch_tensor '(0 4))) (torch_all (torch_ones '(2))))
    ; (nil true)
    """
    return True if bool(torch.all(only_tensor(tensor))) else None


@primitive(
    "torch_allclose", "tensor_allclose", "torch_tensor_allclose", library=LIBRARY, truth=True
)
def torch_allclose(tensor1: Any, tensor2: Any, tolerance: Any = 1e-5) -> bool | None:
    """Do two tensors of one shape differ by no more than the tolerance? true or nil.

    The tolerance is absolute, plus the same share of the second tensor.

    (list (torch_allclose (torch_ones '(2)) (torch_ones '(2)))
       (torch_allclose (torch_ones '(2)) (torch_zeros '(2))))
    ; (true nil)
    """
    left, right = convert.operands(tensor1, tensor2)
    if not isinstance(left, Tensor) or not isinstance(right, Tensor) or left.shape != right.shape:
        return None
    near = 1e-5 if tolerance is None else float(convert.number_or_tensor(tolerance, "tolerance"))
    common = torch.promote_types(left.dtype, right.dtype)
    close = torch.allclose(left.to(common), right.to(common), rtol=near, atol=near)
    return True if close else None
