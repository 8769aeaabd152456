"""Losses."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive

from .arguments import integer, shape_text, tensor

LIBRARY = "lispe_torch"

#: An id that no target has: torch is told to ignore it, so that -100 is an error like any other.
_NOTHING = -(2**40)


@primitive("torch_mse_loss", "torch_loss_mse", library=LIBRARY)
def torch_mse_loss(predictions: Any, targets: Any) -> Tensor:
    """The mean squared difference of two tensors, a 0-d tensor.

    The shapes must broadcast. Integer targets are compared as floats.

    (torch_mse_loss (torch_tensor (floats 1 2 3)) (torch_tensor (floats 1 2 6)))
    ; 3
    """
    p, t = tensor(predictions, "predictions"), tensor(targets, "targets")
    if p.shape != t.shape:
        try:
            p, t = torch.broadcast_tensors(p, t)
        except RuntimeError:
            raise LispError(
                f"predictions {shape_text(p)} and targets {shape_text(t)} do not broadcast"
            ) from None
    if not p.is_floating_point():
        p = p.to(t.dtype if t.is_floating_point() else torch.float32)
    if t.dtype is not p.dtype:
        common = torch.promote_types(p.dtype, t.dtype)
        p, t = p.to(common), t.to(common)
    return F.mse_loss(p, t)


@primitive(
    "torch_crossentropy_loss", "torch_cross_entropy", "torch_loss_crossentropy", library=LIBRARY
)
def torch_crossentropy_loss(predictions: Any, targets: Any, ignore_index: Any = None) -> Tensor:
    """The mean negative log-likelihood of class ids under the softmax of logits.

    Logits [N, C] with ids [N], [C] with one id, or [..., C] with ids [...].
    The ids are cast to int64; one outside 0..C-1 is an error, save
    ignore_index where given, whose positions do not count (padding).

    (torch_crossentropy_loss (tensor_zeros '(2 2)) (torch_tensor (integers 0 1)))
    ; 0.693147
    """
    logits, ids = tensor(predictions, "predictions"), tensor(targets, "targets")
    skipped = _NOTHING if ignore_index is None else integer(ignore_index, "ignore_index")
    rows, classes = (*logits.shape, 0, 0)[:2]
    plain = len(logits.shape) == 2 and ids.shape == (rows,) and ids.dtype is torch.int64
    if not plain or not logits.is_floating_point():
        logits, ids = _flat(logits, ids)
        classes = logits.shape[-1]
    if torch.compiler.is_compiling():
        return F.cross_entropy(logits, ids, ignore_index=skipped)
    if ids.device.type != "cpu":
        # A bad id would end the device's context, not only this call.
        if bool((((ids < 0) | (ids >= classes)) & (ids != skipped)).any()):
            raise _outside(ids, classes, skipped)
        return F.cross_entropy(logits, ids, ignore_index=skipped)
    try:
        return F.cross_entropy(logits, ids, ignore_index=skipped)
    except IndexError:
        raise _outside(ids, classes, skipped) from None


def _flat(logits: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Logits [rows, classes] in floating values, and as many int64 ids."""
    if logits.dim() == 0:
        raise LispError("predictions must have an axis of classes")
    if not logits.is_floating_point():
        logits = logits.to(torch.float32)
    classes = logits.shape[-1]
    rows = logits.numel() // classes if classes else 0
    if ids.numel() != rows or (logits.dim() > 2 and logits.shape[:-1] != ids.shape):
        raise LispError(
            f"logits {shape_text(logits)} need {rows} class ids, not a tensor {shape_text(ids)}"
        )
    return logits.reshape(rows, classes), ids.reshape(rows).to(torch.int64)


def _outside(ids: Tensor, classes: int, skipped: int) -> LispError:
    wrong = ids[((ids < 0) | (ids >= classes)) & (ids != skipped)]
    return LispError(f"class id {int(wrong[0])} is outside 0..{classes - 1}")
