"""Functions of each element of a tensor, powers, bounds and the RMS norm."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive

from . import convert
from .adapters import power
from .arguments import shape_text
from .convert import number_or_tensor, only_tensor

LIBRARY = "lispe_torch"


@primitive("torch_exp", "tensor_exp", "torch_tensor_exp", library=LIBRARY)
def torch_exp(tensor: Any) -> Tensor:
    """e to the power of each element; integers give float32.

    (torch_exp (torch_tensor '(0 1)))
    ; (1 2.71828)
    """
    if tensor.__class__ is Tensor:
        return torch.exp(tensor)
    return torch.exp(only_tensor(tensor))


@primitive("torch_abs", "tensor_abs", "torch_tensor_abs", library=LIBRARY)
def torch_abs(tensor: Any) -> Tensor:
    """The absolute value of each element; the element type stays.

    (torch_abs (torch_tensor (integers -4 5)))
    ; (4 5)
    """
    if tensor.__class__ is Tensor:
        return torch.abs(tensor)
    return torch.abs(only_tensor(tensor))


@primitive("torch_sqrt", "tensor_sqrt", "torch_tensor_sqrt", library=LIBRARY)
def torch_sqrt(tensor: Any) -> Tensor:
    """The square root of each element, nan of a negative one; integers give float32.

    (torch_sqrt (torch_tensor (floats 4 9)))
    ; (2 3)
    """
    if tensor.__class__ is Tensor:
        return torch.sqrt(tensor)
    return torch.sqrt(only_tensor(tensor))


@primitive("torch_rsqrt", "tensor_rsqrt", "torch_tensor_rsqrt", library=LIBRARY)
def torch_rsqrt(tensor: Any) -> Tensor:
    """1 over the square root of each element; integers give float32.

    (torch_rsqrt (torch_tensor (floats 4 16)))
    ; (0.5 0.25)
    """
    if tensor.__class__ is Tensor:
        return torch.rsqrt(tensor)
    return torch.rsqrt(only_tensor(tensor))


@primitive("torch_log", "tensor_log", "torch_tensor_log", library=LIBRARY)
def torch_log(tensor: Any) -> Tensor:
    """The natural logarithm of each element; of 0 minus infinity, of less nan.

    (torch_log (torch_tensor (floats 1 10)))
    ; (0 2.30259)
    """
    if tensor.__class__ is Tensor:
        return torch.log(tensor)
    return torch.log(only_tensor(tensor))


@primitive("torch_log10", "tensor_log10", "torch_tensor_log10", library=LIBRARY)
def torch_log10(tensor: Any) -> Tensor:
    """The logarithm of each element to the base of 10.

    (torch_log10 (torch_tensor (floats 10 1000)))
    ; (1 3)
    """
    if tensor.__class__ is Tensor:
        return torch.log10(tensor)
    return torch.log10(only_tensor(tensor))


@primitive("torch_log2", "tensor_log2", "torch_tensor_log2", library=LIBRARY)
def torch_log2(tensor: Any) -> Tensor:
    """The logarithm of each element to the base of 2.

    (torch_log2 (torch_tensor (floats 8 0.5)))
    ; (3 -1)
    """
    if tensor.__class__ is Tensor:
        return torch.log2(tensor)
    return torch.log2(only_tensor(tensor))


@primitive("torch_log1p", "tensor_log1p", "torch_tensor_log1p", library=LIBRARY)
def torch_log1p(tensor: Any) -> Tensor:
    """The logarithm of 1 + x, exact for small elements x.

    (torch_log1p (torch_tensor (floats 0 1)))
    ; (0 0.693147)
    """
    if tensor.__class__ is Tensor:
        return torch.log1p(tensor)
    return torch.log1p(only_tensor(tensor))


@primitive("torch_sin", "tensor_sin", "torch_tensor_sin", library=LIBRARY)
def torch_sin(tensor: Any) -> Tensor:
    """The sine of each element, in radians; integers give float32.

    (torch_sin (torch_tensor (floats 0 0.5)))
    ; (0 0.479426)
    """
    if tensor.__class__ is Tensor:
        return torch.sin(tensor)
    return torch.sin(only_tensor(tensor))


@primitive("torch_cos", "tensor_cos", "torch_tensor_cos", library=LIBRARY)
def torch_cos(tensor: Any) -> Tensor:
    """The cosine of each element, in radians; integers give float32.

    (torch_cos (torch_tensor (floats 0 0.5)))
    ; (1 0.877583)
    """
    if tensor.__class__ is Tensor:
        return torch.cos(tensor)
    return torch.cos(only_tensor(tensor))


@primitive("torch_tan", "tensor_tan", "torch_tensor_tan", library=LIBRARY)
def torch_tan(tensor: Any) -> Tensor:
    """The tangent of each element, in radians; integers give float32.

    (torch_tan (torch_tensor (floats 0 0.5)))
    ; (0 0.546302)
    """
    if tensor.__class__ is Tensor:
        return torch.tan(tensor)
    return torch.tan(only_tensor(tensor))


@primitive("torch_asin", "tensor_asin", "torch_tensor_asin", library=LIBRARY)
def torch_asin(tensor: Any) -> Tensor:
    """The arc sine of each element, nan outside [-1,1].

    (torch_asin (torch_tensor (floats 0 0.5)))
    ; (0 0.523599)
    """
    if tensor.__class__ is Tensor:
        return torch.asin(tensor)
    return torch.asin(only_tensor(tensor))


@primitive("torch_acos", "tensor_acos", "torch_tensor_acos", library=LIBRARY)
def torch_acos(tensor: Any) -> Tensor:
    """The arc cosine of each element, nan outside [-1,1].

    (torch_acos (torch_tensor (floats 1 0.5)))
    ; (0 1.0472)
    """
    if tensor.__class__ is Tensor:
        return torch.acos(tensor)
    return torch.acos(only_tensor(tensor))


@primitive("torch_atan", "tensor_atan", "torch_tensor_atan", library=LIBRARY)
def torch_atan(tensor: Any) -> Tensor:
    """The arc tangent of each element.

    (torch_atan (torch_tensor (floats 0 0.5)))
    ; (0 0.463648)
    """
    if tensor.__class__ is Tensor:
        return torch.atan(tensor)
    return torch.atan(only_tensor(tensor))


@primitive("torch_sinh", "tensor_sinh", "torch_tensor_sinh", library=LIBRARY)
def torch_sinh(tensor: Any) -> Tensor:
    """The hyperbolic sine of each element.

    (torch_sinh (torch_tensor (floats 0 0.5)))
    ; (0 0.521095)
    """
    if tensor.__class__ is Tensor:
        return torch.sinh(tensor)
    return torch.sinh(only_tensor(tensor))


@primitive("torch_cosh", "tensor_cosh", "torch_tensor_cosh", library=LIBRARY)
def torch_cosh(tensor: Any) -> Tensor:
    """The hyperbolic cosine of each element.

    (torch_cosh (torch_tensor (floats 0 0.5)))
    ; (1 1.12763)
    """
    if tensor.__class__ is Tensor:
        return torch.cosh(tensor)
    return torch.cosh(only_tensor(tensor))


@primitive("torch_erf", "tensor_erf", "torch_tensor_erf", library=LIBRARY)
def torch_erf(tensor: Any) -> Tensor:
    """The error function of each element.

    (torch_erf (torch_tensor (floats 0 0.5)))
    ; (0 0.5205)
    """
    if tensor.__class__ is Tensor:
        return torch.erf(tensor)
    return torch.erf(only_tensor(tensor))


@primitive("torch_floor", "tensor_floor", "torch_tensor_floor", library=LIBRARY)
def torch_floor(tensor: Any) -> Tensor:
    """The largest whole number not above each element.

    (torch_floor (torch_tensor (floats 1.5 -1.5)))
    ; (1 -2)
    """
    if tensor.__class__ is Tensor:
        return torch.floor(tensor)
    return torch.floor(only_tensor(tensor))


@primitive("torch_ceil", "tensor_ceil", "torch_tensor_ceil", library=LIBRARY)
def torch_ceil(tensor: Any) -> Tensor:
    """The smallest whole number not below each element.

    (torch_ceil (torch_tensor (floats 1.5 -1.5)))
    ; (2 -1)
    """
    if tensor.__class__ is Tensor:
        return torch.ceil(tensor)
    return torch.ceil(only_tensor(tensor))


@primitive("torch_round", "tensor_round", "torch_tensor_round", library=LIBRARY)
def torch_round(tensor: Any) -> Tensor:
    """The nearest whole number to each element, halves to the even one.

    (torch_round (torch_tensor (floats 0.5 1.5 2.6)))
    ; (0 2 3)
    """
    if tensor.__class__ is Tensor:
        return torch.round(tensor)
    return torch.round(only_tensor(tensor))


@primitive("torch_sign", "tensor_sign", "torch_tensor_sign", library=LIBRARY)
def torch_sign(tensor: Any) -> Tensor:
    """-1, 0 or 1 for each element, by its sign.

    (torch_sign (torch_tensor (floats -4 0 5)))
    ; (-1 0 1)
    """
    if tensor.__class__ is Tensor:
        return torch.sign(tensor)
    return torch.sign(only_tensor(tensor))


@primitive("torch_neg", "tensor_neg", "torch_tensor_neg", library=LIBRARY)
def torch_neg(tensor: Any) -> Tensor:
    """Each element with its sign changed; the element type stays.

    (torch_neg (torch_tensor (integers 4 -5)))
    ; (-4 5)
    """
    if tensor.__class__ is Tensor:
        return torch.neg(tensor)
    return torch.neg(only_tensor(tensor))


@primitive("torch_reciprocal", "tensor_reciprocal", "torch_tensor_reciprocal", library=LIBRARY)
def torch_reciprocal(tensor: Any) -> Tensor:
    """1 over each element, an infinity for 0; integers give float32.

    (torch_reciprocal (torch_tensor (floats 4 0.5)))
    ; (0.25 2)
    """
    if tensor.__class__ is Tensor:
        return torch.reciprocal(tensor)
    return torch.reciprocal(only_tensor(tensor))


@primitive("torch_square", "tensor_square", "torch_tensor_square", library=LIBRARY)
def torch_square(tensor: Any) -> Tensor:
    """Each element times itself; the element type stays.

    (torch_square (torch_tensor (integers 4 -5)))
    ; (16 25)
    """
    if tensor.__class__ is Tensor:
        return torch.square(tensor)
    return torch.square(only_tensor(tensor))


@primitive("torch_pow", "tensor_pow", "torch_tensor_pow", library=LIBRARY)
def torch_pow(tensor: Any, exponent: Any) -> Tensor:
    """Each element to a power: a number, or a tensor that broadcasts.

    Integers to a negative power give float32.

    (list (torch_pow (torch_tensor (floats 4 5)) 2) (torch_pow (torch_tensor (integers 2)) -1))
    ; ((16 25) (0.5))
    """
    return power(only_tensor(tensor), number_or_tensor(exponent, "exponent"))


@primitive("torch_clamp", "tensor_clamp", "torch_tensor_clamp", library=LIBRARY)
def torch_clamp(tensor: Any, min_val: Any = None, max_val: Any = None) -> Tensor:
    """Each element brought between two bounds, one of which may be nil.

    A bound is a number or a tensor that broadcasts.

    (torch_clamp (torch_tensor (floats -2 0.5 3)) -1 1)
    ; (-1 0.5 1)
    """
    value = only_tensor(tensor)
    if min_val is None and max_val is None:
        raise LispError("clamp needs a bound: min_val and max_val are both nil")
    low = None if min_val is None else number_or_tensor(min_val, "min_val")
    high = None if max_val is None else number_or_tensor(max_val, "max_val")
    if isinstance(low, Tensor) != isinstance(high, Tensor):
        # torch takes two numbers or two tensors, so one bound follows the other.
        value = value if low is None else torch.clamp(value, min=low)
        return value if high is None else torch.clamp(value, max=high)
    return torch.clamp(value, low, high)


@primitive("torch_rms_norm", "tensor_rms_norm", "torch_tensor_rms_norm", library=LIBRARY)
def torch_rms_norm(input: Any, weight: Any, eps: Any = 1e-6) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight, over the last axis (Zhang and Sennrich 2019).

    The weight is a vector as long as that axis.

    (torch_rms_norm (torch_tensor '((3.0 4.0))) (torch_tensor (floats 1 2)) 12.5)
    ; ((0.6 1.6))
    """
    value, scale = convert.floating(only_tensor(input)), only_tensor(weight)
    if not value.dim() or scale.shape != value.shape[-1:]:
        raise LispError(
            f"the weight {shape_text(scale)} does not fit the last axis of {shape_text(value)}"
        )
    small = 1e-6 if eps is None else number_or_tensor(eps, "eps")
    return F.rms_norm(value, value.shape[-1:], None, float(small)) * scale
