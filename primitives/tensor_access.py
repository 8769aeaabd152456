"""Parts of tensors: read, cut out, gathered, written."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.registry import primitive
from lispe_py.runtime import sequence

from . import convert
from .adapters import OUT_OF_BOUNDS
from .arguments import shape_text
from .convert import axis, member_of, number_or_tensor, only_tensor

LIBRARY = "lispe_torch"

#: Stands for an argument that was not given, where nil means something.
_ABSENT: Any = object()


@primitive("torch_at", "tensor_at", "torch_tensor_at", library=LIBRARY)
def torch_at(tensor: Any, *indexes: Any) -> Any:
    """An element, as (at tensor index ...) gives it.

    One index counts through the flattened elements, several go axis by axis;
    a partial address gives a tensor. Negative indexes count from the end.

    (list (torch_at (torch_tensor '((4 5) (6 7))) 2) (torch_at (torch_tensor '((4 5) (6 7))) 1 1))
    ; (6 7)
    """
    value = only_tensor(tensor)
    if not indexes:
        raise LispError("torch_at needs an index")
    return adapter_for(value.__class__).at(value, indexes)


@primitive("get", library=LIBRARY)
def get(container: Any, key: Any, *keys: Any) -> Any:
    """What (at container key ...) gives, as guides to the library spell it.

    (get (dictionary "embed_dim" 4096 "num_heads" 32) "num_heads")
    ; 32
    """
    return sequence.at(container, key, *keys)


@primitive("torch_item", "tensor_item", "torch_tensor_item", library=LIBRARY)
def torch_item(tensor: Any) -> Any:
    """The value of a tensor of one element: a number, an integer or a boolean.

    (torch_item (torch_tensor '((2.5))))
    ; 2.5
    """
    value = only_tensor(tensor)
    if value.numel() != 1:
        raise LispError(f"only a tensor of one element has a value: this one has {value.numel()}")
    return convert.number_of(value)


@primitive("torch_slice", "tensor_slice", "torch_tensor_slice", library=LIBRARY)
def torch_slice(tensor: Any, dim: Any, start: Any, end: Any = _ABSENT) -> Tensor:
    """A range of positions along an axis, the end excluded: a view.

    With three arguments, tensor start end, it is axis 1 of a tensor of two or
    more axes, else axis 0. Negative positions count from the end, positions
    outside are cut, nil stands for an open end.

    (list (torch_slice (torch_tensor '((1 2 3) (4 5 6))) 1 0 2)
       (torch_slice (torch_tensor (integers 1 2 3)) 1 nil))
    ; (((1 2) (4 5)) (2 3))
    """
    value = only_tensor(tensor)
    if end is _ABSENT:
        along, start, end = (1 if value.dim() > 1 else 0), dim, start
    else:
        along = axis(dim)
    if not -value.dim() <= along < value.dim():
        raise LispError(f"axis {along} is outside a tensor {shape_text(value)}")
    first = None if start is None else axis(start, "start")
    last = None if end is None else axis(end, "end")
    return value[(slice(None),) * (along % value.dim()) + (slice(first, last),)]


@primitive("torch_select", "tensor_select", "torch_tensor_select", library=LIBRARY)
def torch_select(tensor: Any, dim: Any, index: Any = None) -> Tensor:
    """One position along an axis, which is left out: a view.

    With one number alone it is a position along the first axis.

    (setq t (torch_tensor '((1 2 3) (4 5 6)))) (list (torch_select t 1 -1) (torch_select t 0))
    ; ((3 6) (1 2 3))
    """
    if index is None:
        dim, index = 0, dim
    return torch.select(only_tensor(tensor), axis(dim), axis(index, "index"))


@primitive(
    "torch_index_select", "tensor_index_select", "torch_tensor_index_select", library=LIBRARY
)
def torch_index_select(tensor: Any, dim: Any, indices: Any) -> Tensor:
    """The listed positions along an axis, in their order; negative ones count from the end.

    (torch_index_select (torch_tensor '((1 2 3) (4 5 6))) 1 '(2 0))
    ; ((3 1) (6 4))
    """
    value, along = only_tensor(tensor), axis(dim)
    if not -value.dim() <= along < value.dim():
        raise LispError(f"axis {along} is outside a tensor {shape_text(value)}")
    chosen = _positions(indices, value)
    if chosen.dim() != 1:
        raise LispError(f"indices must be a flat list, not {shape_text(chosen)}")
    if chosen.device.type != "cpu":
        return torch.index_select(value, along, _counted(chosen, value.shape[along]))
    try:
        # On the CPU torch looks at every position itself.
        return torch.index_select(value, along, chosen)
    except (IndexError, RuntimeError):
        return torch.index_select(value, along, _counted(chosen, value.shape[along]))


def _counted(chosen: Tensor, count: int) -> Tensor:
    """Positions, negative ones counted from the end, none of them outside."""
    if chosen.numel() and bool(((chosen < -count) | (chosen >= count)).any()):
        raise LispError(OUT_OF_BOUNDS)
    return torch.where(chosen < 0, chosen + count, chosen)


def _positions(value: Any, like: Tensor) -> Tensor:
    """Positions as an int64 tensor on the device of another."""
    found = convert.from_lisp(value) if convert.is_data(value) else only_tensor(value)
    if not found.numel():
        return found.to(like.device, torch.int64)
    if found.is_floating_point() or found.is_complex() or found.dtype is torch.bool:
        raise LispError(f"positions must be integers, not {convert.dtype_name(found.dtype)}")
    return found.to(like.device, torch.int64)


@primitive(
    "torch_masked_select", "tensor_masked_select", "torch_tensor_masked_select", library=LIBRARY
)
def torch_masked_select(tensor: Any, mask: Any) -> Tensor:
    """The elements where a mask, which broadcasts, is not zero: a vector.

    (torch_masked_select (torch_tensor (integers 4 5 6)) (torch_tensor '(true nil true)))
    ; (4 6)
    """
    return torch.masked_select(only_tensor(tensor), _mask(mask))


@primitive("torch_nonzero", "tensor_nonzero", "torch_tensor_nonzero", library=LIBRARY)
def torch_nonzero(tensor: Any) -> Tensor:
    """The addresses of the elements that are not zero: a row of indexes for each.

    (torch_nonzero (torch_tensor '((0 4) (5 0))))
    ; ((0 1) (1 0))
    """
    return torch.nonzero(only_tensor(tensor))


@primitive("torch_gather", "tensor_gather", "torch_tensor_gather", library=LIBRARY)
def torch_gather(input: Any, dim: Any, index: Any) -> Tensor:
    """The elements at the positions that an index tensor gives along an axis.

    The index has as many axes as the input; the result has its shape.

    (torch_gather (torch_tensor '((10 20 30) (40 50 60))) 1 (torch_tensor '((2 0) (1 1))))
    ; ((30 10) (50 50))
    """
    value, chosen = only_tensor(input), _positions(index, only_tensor(input))
    if chosen.dim() != value.dim():
        raise LispError(
            f"index {shape_text(chosen)} must have as many axes as the input {shape_text(value)}"
        )
    return torch.gather(value, axis(dim), chosen)


def _mask(value: Any) -> Tensor:
    found = convert.from_lisp(value) if convert.is_data(value) else only_tensor(value)
    return found if found.dtype is torch.bool else found.to(torch.bool)


@primitive("torch_masked_fill", "tensor_masked_fill", "torch_tensor_masked_fill", library=LIBRARY)
def torch_masked_fill(tensor: Any, mask: Any, value: Any) -> Tensor:
    """A new tensor with a number where the mask, which broadcasts, is not zero.

    (torch_masked_fill (torch_tensor (floats 4 5)) (torch_tensor '(true nil)) 0)
    ; (0 5)
    """
    return only_tensor(tensor).masked_fill(_mask(mask), _fill(value))


@primitive(
    "torch_masked_fill_", "tensor_masked_fill_", "torch_tensor_masked_fill_", library=LIBRARY
)
def torch_masked_fill_(tensor: Any, mask: Any, value: Any) -> Tensor:
    """Write a number where the mask, which broadcasts, is not zero; the tensor is returned.

    A parameter that gathers gradients cannot be changed in place.

    (setq scores (torch_tensor (floats 4 5)))
    (torch_masked_fill_ scores (torch_tensor '(true nil)) 0)
    scores
    ; (0 5)
    """
    return only_tensor(tensor).masked_fill_(_mask(mask), _fill(value))


def _fill(value: Any) -> Any:
    return value is True if value is None or value is True else number_or_tensor(value, "value")


def _place(value: Tensor, indices: Any) -> tuple[int, ...]:
    """The address of an element or of a part, checked."""
    place = convert.sizes(indices, "indices", negative=True)
    if not place:
        raise LispError("indices must hold at least one position")
    if len(place) > value.dim():
        raise LispError(f"{OUT_OF_BOUNDS}: {len(place)} positions for a tensor {shape_text(value)}")
    for index, size in zip(place, value.shape, strict=False):
        if not -size <= index < size:
            raise LispError(f"{OUT_OF_BOUNDS}: {index} in {shape_text(value)}")
    return place


@primitive("torch_set_item", "tensor_set_item", "torch_tensor_set_item", library=LIBRARY)
def torch_set_item(tensor: Any, indices: Any, value: Any) -> Tensor:
    """A copy of the tensor with one element, or one part, replaced.

    indices are one position for each axis, or for the first axes: then the
    value is a tensor of the part's shape, or a number. Gradients flow through.

    (torch_set_item (torch_zeros '(2 2)) '(0 1) 9)
    ; ((0 9) (0 0))
    """
    found = only_tensor(tensor)
    place = _place(found, indices)
    made = found.clone()
    made[place] = member_of(value)
    return made


@primitive("torch_index_put_", "tensor_index_put_", "torch_tensor_index_put_", library=LIBRARY)
def torch_index_put_(tensor: Any, indices: Any, value: Any) -> Tensor:
    """Write one element, or one part, in place; the tensor is returned.

    Positions and values as for torch_set_item.

    (setq table (torch_zeros '(2 2)))
    (torch_index_put_ table '(1) (torch_tensor (floats 4 5)))
    table
    ; ((0 0) (4 5))
    """
    found = only_tensor(tensor)
    found[_place(found, indices)] = member_of(value)
    return found
