"""Tensor decompositions: the Tucker model and the Khatri-Rao product."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.values.lists import List

from . import convert
from .arguments import natural, number, shape_text, what
from .convert import only_tensor, sizes

LIBRARY = "lispe_torch"


def _unfolded(value: Tensor, axis: int) -> Tensor:
    """A matrix with the positions of one axis as its rows."""
    return value.movedim(axis, 0).reshape(value.shape[axis], -1)


def _multiplied(value: Tensor, factor: Tensor, axis: int) -> Tensor:
    """The mode product: ``factor`` [J, I] takes axis ``axis`` from size I to J."""
    return torch.tensordot(factor, value, ([1], [axis])).movedim(0, axis)


def _leading(matrix: Tensor, rank: int) -> Tensor:
    """The first ``rank`` left singular vectors, orthonormal whatever the rank of the matrix."""
    full = matrix.shape[1] < rank
    left = torch.linalg.svd(matrix, full_matrices=full)[0]
    return left[:, :rank].contiguous()


def _ranks(rank: Any, value: Tensor) -> list[int]:
    """One rank for each axis, cut to its size."""
    axes = value.dim()
    if convert.is_data(rank) or isinstance(rank, Tensor):
        found = list(sizes(rank, "rank"))
        if len(found) != axes:
            raise LispError(f"{len(found)} ranks for a tensor {shape_text(value)}")
    else:
        found = [convert.axis(rank, "rank")] * axes
    if any(r < 1 for r in found):
        raise LispError(f"a rank must be a positive integer: {min(found)}")
    return [min(r, size) for r, size in zip(found, value.shape, strict=True)]


def tucker(
    value: Tensor, ranks: list[int], max_iter: int, tol: float
) -> tuple[Tensor, list[Tensor]]:
    """Higher-order orthogonal iteration from a HOSVD start (De Lathauwer et al. 2000).

    The factors are orthonormal, so that the squared error is that of the
    tensor less that of the core: its relative change decides the end.
    """
    axes = range(value.dim())
    factors = [_leading(_unfolded(value, n), ranks[n]) for n in axes]
    total = float(torch.linalg.vector_norm(value))
    before = None
    for _ in range(max_iter):
        for n in axes:
            partial = value
            for m in axes:
                if m != n:
                    partial = _multiplied(partial, factors[m].T, m)
            factors[n] = _leading(_unfolded(partial, n), ranks[n])
        kept = float(torch.linalg.vector_norm(_multiplied(partial, factors[-1].T, axes[-1])))
        error = max(total * total - kept * kept, 0.0) ** 0.5 / total if total else 0.0
        if before is not None and abs(before - error) < tol:
            break
        before = error
    core = value
    for n in axes:
        core = _multiplied(core, factors[n].T, n)
    return core, factors


@primitive(
    "torch_tucker_decomposition", "tensor_tucker_decomposition",
    "torch_tensor_tucker_decomposition", library=LIBRARY,
)  # fmt: skip
def torch_tucker_decomposition(
    tensor: Any, rank: Any, max_iter: Any = 100, tol: Any = 1e-6
) -> List:
    """The Tucker model of a tensor: (core (factor ...)), one factor for each axis.

    rank is an integer or a list of one for each axis, cut to its size; a factor
    has the shape (size rank) and orthonormal columns. Starts from the singular
    vectors of the unfoldings and improves factor by factor until the relative
    error changes by less than tol, or max_iter times (De Lathauwer, De Moor and
    Vandewalle 2000).

    (setq model (torch_tucker_decomposition (torch_ones '(3 4 5)) 1))
    (list (torch_shape (@ model 0)) (torch_shape (@ (@ model 1) 2)))
    ; ((1 1 1) (5 1))
    """
    value = convert.floating(only_tensor(tensor)).detach()
    if value.is_complex():
        raise LispError("only real tensors are decomposed")
    if not value.dim() or not value.numel():
        raise LispError(f"a tensor {shape_text(value)} cannot be decomposed")
    ranks = _ranks(rank, value)
    times = 100 if max_iter is None else natural(max_iter, "max_iter")
    within = 1e-6 if tol is None else number(tol, "tol")
    if value.dtype in (torch.float16, torch.bfloat16):
        # The linear algebra of torch begins at 32 bits.
        value = value.to(torch.float32)
    if not bool(torch.isfinite(value).all()):
        raise LispError("values that are not finite cannot be decomposed")
    core, factors = tucker(value, ranks, times, within)
    return List((core, List(factors)))


@primitive(
    "torch_tucker_reconstruct", "tensor_tucker_reconstruct", "torch_tensor_tucker_reconstruct",
    library=LIBRARY,
)  # fmt: skip
def torch_tucker_reconstruct(core: Any, factors: Any) -> Tensor:
    """The tensor of a Tucker model: the core multiplied by each factor along its axis.

    (torch_tucker_reconstruct (torch_tensor '((2.0 0) (0 3)))
       (list (torch_tensor '((1.0 0) (0 1))) (torch_tensor '((1.0 2) (3 4)))))
    ; ((2 6) (6 12))
    """
    value, matrices = only_tensor(core), convert.tensors_of(factors, "factors")
    if len(matrices) != value.dim():
        raise LispError(f"{len(matrices)} factors for a core {shape_text(value)}")
    for n, factor in enumerate(matrices):
        if factor.dim() != 2 or factor.shape[1] != value.shape[n]:
            raise LispError(
                f"factor {n} {shape_text(factor)} does not fit axis {n} of the core "
                f"{shape_text(value)}"
            )
    for n, factor in enumerate(matrices):
        value = _multiplied(value, factor, n)
    return value


@primitive("torch_tucker_compression_ratio", library=LIBRARY)
def torch_tucker_compression_ratio(
    original_shape: Any, core_shape: Any, factor_shapes: Any
) -> float:
    """Elements of the original over elements of the model: core and factors together.

    (torch_tucker_compression_ratio '(8 8) '(2 2) '((8 2) (8 2)))
    ; 1.77778
    """
    if not convert.is_data(factor_shapes):
        raise LispError(f"factor_shapes must be a list of shapes, not {what(factor_shapes)}")
    kept = prod(sizes(core_shape, "core_shape"))
    kept += sum(prod(sizes(shape, "factor_shapes")) for shape in factor_shapes)
    if not kept:
        raise LispError("division by zero: the model has no elements")
    return prod(sizes(original_shape, "original_shape")) / kept


@primitive(
    "torch_khatri_rao_product", "tensor_khatri_rao_product", "torch_tensor_khatri_rao_product",
    library=LIBRARY,
)  # fmt: skip
def torch_khatri_rao_product(A: Any, B: Any) -> Tensor:
    """The Kronecker product column by column: (rows_A * rows_B) rows, the same columns.

    Both are matrices of one number of columns.

    (torch_khatri_rao_product (torch_tensor '((1.0 2) (3 4))) (torch_tensor '((5.0 6) (7 8))))
    ; ((5 12) (7 16) (15 24) (21 32))
    """
    left, right = only_tensor(A), only_tensor(B)
    if left.dim() != 2 or right.dim() != 2 or left.shape[1] != right.shape[1]:
        raise LispError(
            "two matrices of one number of columns are needed, not "
            f"{shape_text(left)} {shape_text(right)}"
        )
    return (left.unsqueeze(1) * right.unsqueeze(0)).reshape(-1, left.shape[1])
