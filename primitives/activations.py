"""Activations: functions that networks put between their layers."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lispe_py.registry import primitive

from .arguments import boolean, number, rate
from .convert import axis, floating, only_tensor

LIBRARY = "lispe_torch"


@primitive("torch_relu", "tensor_relu", "torch_tensor_relu", library=LIBRARY)
def torch_relu(tensor: Any) -> Tensor:
    """max(x, 0) for each element x.

    (torch_relu (torch_tensor (floats -1 0 2)))
    ; (0 0 2)
    """
    if tensor.__class__ is Tensor:
        return torch.relu(tensor)
    return torch.relu(only_tensor(tensor))


@primitive("torch_sigmoid", "tensor_sigmoid", "torch_tensor_sigmoid", library=LIBRARY)
def torch_sigmoid(tensor: Any) -> Tensor:
    """1 / (1 + exp(-x)) for each element x. Integers give float32.

    (torch_sigmoid (torch_tensor (floats 0 2)))
    ; (0.5 0.880797)
    """
    if tensor.__class__ is Tensor:
        return torch.sigmoid(tensor)
    return torch.sigmoid(only_tensor(tensor))


@primitive("torch_tanh", "tensor_tanh", "torch_tensor_tanh", library=LIBRARY)
def torch_tanh(tensor: Any) -> Tensor:
    """The hyperbolic tangent of each element. Integers give float32.

    (torch_tanh (torch_tensor (floats 0 2)))
    ; (0 0.964028)
    """
    if tensor.__class__ is Tensor:
        return torch.tanh(tensor)
    return torch.tanh(only_tensor(tensor))


@primitive("torch_gelu", "tensor_gelu", "torch_tensor_gelu", library=LIBRARY)
def torch_gelu(tensor: Any) -> Tensor:
    """x P(X <= x) for a standard normal X, by the error function (Hendrycks and Gimpel 2016).

    Integers give float32.

    (torch_gelu (torch_tensor (floats 0 2)))
    ; (0 1.9545)
    """
    if tensor.__class__ is Tensor and tensor.is_floating_point():
        return F.gelu(tensor)
    return F.gelu(floating(only_tensor(tensor)))


@primitive("torch_silu", "tensor_silu", "torch_tensor_silu", library=LIBRARY)
def torch_silu(tensor: Any) -> Tensor:
    """x / (1 + exp(-x)) for each element x. Integers give float32.

    (torch_silu (torch_tensor (floats 0 2)))
    ; (0 1.76159)
    """
    if tensor.__class__ is Tensor and tensor.is_floating_point():
        return F.silu(tensor)
    return F.silu(floating(only_tensor(tensor)))


@primitive("torch_softplus", "tensor_softplus", "torch_tensor_softplus", library=LIBRARY)
def torch_softplus(tensor: Any) -> Tensor:
    """log(1 + exp(x)) for each element x. Integers give float32.

    (torch_softplus (torch_tensor (floats 0 2)))
    ; (0.693147 2.12693)
    """
    if tensor.__class__ is Tensor and tensor.is_floating_point():
        return F.softplus(tensor)
    return F.softplus(floating(only_tensor(tensor)))


@primitive("torch_leaky_relu", "tensor_leaky_relu", "torch_tensor_leaky_relu", library=LIBRARY)
def torch_leaky_relu(tensor: Any, slope: Any = 0.01) -> Tensor:
    """x for each positive element, slope times x for the others.

    (torch_leaky_relu (torch_tensor (floats -2 4)) 0.5)
    ; (-1 4)
    """
    below = 0.01 if slope is None else number(slope, "slope")
    return F.leaky_relu(floating(only_tensor(tensor)), below)


@primitive("torch_softmax", "tensor_softmax", "torch_tensor_softmax", library=LIBRARY)
def torch_softmax(tensor: Any, dim: Any = -1) -> Tensor:
    """exp(x) along an axis, divided by its sum there. Integers give float32.

    (torch_softmax (torch_tensor '((0 0) (5 5))))
    ; ((0.5 0.5) (0.5 0.5))
    """
    if tensor.__class__ is Tensor and dim.__class__ is int and tensor.is_floating_point():
        return torch.softmax(tensor, dim)
    return torch.softmax(floating(only_tensor(tensor)), -1 if dim is None else axis(dim))


@primitive("torch_log_softmax", "tensor_log_softmax", "torch_tensor_log_softmax", library=LIBRARY)
def torch_log_softmax(tensor: Any, dim: Any = -1) -> Tensor:
    """The logarithm of softmax, computed so that nothing overflows.

    (torch_log_softmax (torch_tensor (floats 0 0)))
    ; (-0.693147 -0.693147)
    """
    if tensor.__class__ is Tensor and dim.__class__ is int and tensor.is_floating_point():
        return torch.log_softmax(tensor, dim)
    return torch.log_softmax(floating(only_tensor(tensor)), -1 if dim is None else axis(dim))


@primitive("torch_dropout", "tensor_dropout", "torch_tensor_dropout", library=LIBRARY)
def torch_dropout(tensor: Any, p: Any = 0.5, training: Any = True) -> Tensor:
    """Each element zero with probability p, the others divided by 1 - p.

    With training nil nothing changes. p is at least 0 and below 1.

    (torch_dropout (torch_tensor (floats 4 5)) 0.5 nil)
    ; (4 5)
    """
    chance = 0.5 if p is None else rate(p, "p")
    return F.dropout(floating(only_tensor(tensor)), chance, boolean(training, "training"))
