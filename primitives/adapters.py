"""Tensors in the ordinary functions of the language: ``+ at size loop car = print``.

A tensor of no axis acts as a number; any other as a container whose members
are its elements in row-major order, with ``car``, ``cdr`` and ``extract``
going along the first axis. Importing this module registers the adapter.
"""

from __future__ import annotations

import operator as op
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.printer import show as show_member
from lispe_py.protocol import Adapter, register_adapter

from . import convert
from .arguments import shape_text

OUT_OF_BOUNDS = "tensor index out of bounds"

#: Above this many elements the middle of each axis is left out of the printed form.
MOST_PRINTED = 1000
_EDGE = 3


def _and_not(left: Any, right: Any) -> Any:
    return left & ~right


def _divided(left: Any, right: Any) -> Any:
    if right.__class__ is not Tensor and not isinstance(right, Tensor) and right == 0:
        raise LispError("division by zero")
    return left / right


def _remainder(left: Any, right: Any) -> Any:
    """The remainder has the sign of the left operand, as between numbers."""
    if not isinstance(right, Tensor):
        if right == 0:
            raise LispError("division by zero")
        return torch.fmod(left, right)
    if not isinstance(left, Tensor):
        left = torch.tensor(left, device=right.device)
    return torch.fmod(left, right)


def power(left: Any, right: Any) -> Any:
    """``left`` to the power ``right``; integers to a negative power are numbers."""
    if right.__class__ is int and right < 0 and isinstance(left, Tensor):
        left = convert.floating(left)
    return torch.pow(left, right)


def _matched(left: Any, right: Any) -> Any:
    return (left == right).to(torch.int64)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": op.add,
    "-": op.sub,
    "*": op.mul,
    "/": _divided,
    "%": _remainder,
    "^^": power,
    "&": op.and_,
    "|": op.or_,
    "^": op.xor,
    "&~": _and_not,
    "<<": op.lshift,
    ">>": op.rshift,
    "==": _matched,
}


def _cube_root(value: Tensor) -> Tensor:
    value = convert.floating(value)
    return torch.sign(value) * torch.pow(torch.abs(value), 1 / 3)


def _rounded(value: Tensor) -> Tensor:
    """Halves away from zero, as the core rounds."""
    return torch.sign(value) * torch.floor(torch.abs(value) + 0.5)


#: The mathematical functions of the core, element by element.
_MATHEMATICS: dict[str, Callable[[Tensor], Tensor]] = {
    "sqrt": torch.sqrt, "cbrt": _cube_root, "exp": torch.exp, "exp2": torch.exp2,
    "expm1": torch.expm1, "log": torch.log, "log2": torch.log2, "log10": torch.log10,
    "log1p": torch.log1p, "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
    "asin": torch.asin, "acos": torch.acos, "atan": torch.atan, "sinh": torch.sinh,
    "cosh": torch.cosh, "tanh": torch.tanh, "asinh": torch.asinh, "acosh": torch.acosh,
    "atanh": torch.atanh, "erf": torch.erf, "erfc": torch.erfc, "lgamma": torch.lgamma,
    "floor": torch.floor, "round": _rounded, "trunc": torch.trunc, "rint": torch.round,
    "fabs": torch.abs, "radian": torch.deg2rad, "degree": torch.rad2deg,
}  # fmt: skip


def same(left: Tensor, right: Tensor) -> bool:
    """Same shape, equal elements; the element types may differ."""
    if left.shape != right.shape:
        return False
    if left.device != right.device or left.__class__ is not right.__class__:
        left, right = convert.settled(left), convert.settled(right)
    return bool((left == right).all())


class TensorAdapter(Adapter):
    """What the language does with a tensor."""

    name = "torch_tensor_"

    def show(self, value: Any) -> str:
        if value.is_meta:
            return f"<tensor {shape_text(value)} without values>"
        found = convert.settled(value)
        if found.dim() == 0:
            return show_member(convert.number_of(found))
        count = found.numel()
        return _text(found, count > MOST_PRINTED or max(found.shape) > MOST_PRINTED)

    def is_list(self, value: Any) -> bool:
        return bool(value.dim() > 0)

    def is_number(self, value: Any) -> bool:
        return bool(value.dim() == 0)

    def number(self, value: Any) -> Any:
        if value.dim():
            raise LispError(f"a tensor {shape_text(value)} is not a number")
        return value.item()

    def size(self, value: Any) -> int:
        return int(value.numel())

    # ------------------------------------------------------------ members

    def _place(self, value: Tensor, keys: tuple[Any, ...]) -> tuple[int, ...]:
        """Indexes axis by axis; a single one counts through the flattened elements."""
        indexes = tuple(convert.axis(key, "index") for key in keys)
        shape = value.shape
        if len(indexes) == 1 and len(shape) != 1:
            count, index = value.numel(), indexes[0]
            if not -count <= index < count:
                raise LispError(OUT_OF_BOUNDS)
            index %= count
            place = []
            for size in reversed(shape):
                index, rest = divmod(index, size)
                place.append(rest)
            return tuple(reversed(place))
        if len(indexes) > len(shape):
            raise LispError(
                f"{OUT_OF_BOUNDS}: {len(indexes)} indexes for a tensor {shape_text(value)}"
            )
        for index, size in zip(indexes, shape, strict=False):
            if not -size <= index < size:
                raise LispError(OUT_OF_BOUNDS)
        return indexes

    def at(self, value: Any, keys: tuple[Any, ...]) -> Any:
        place = self._place(value, keys)
        found = value[place]
        return convert.scalar(found) if len(place) == value.dim() else found

    def set_at(self, value: Any, keys: tuple[Any, ...], item: Any) -> Any:
        value[self._place(value, keys)] = convert.member_of(item)
        return value

    def extract(self, value: Any, begin: Any, end: Any) -> Any:
        if not value.dim():
            raise LispError("a tensor of no axis has no parts")
        first = convert.axis(begin, "the first position")
        if end is None:
            if not -value.shape[0] <= first < value.shape[0]:
                raise LispError(OUT_OF_BOUNDS)
            return value[first]
        last = convert.axis(end, "the second position")
        return value[first:] if last == 0 else value[first:last]

    def iterate(self, value: Any) -> Iterator[Any] | None:
        return convert.members(value)

    def car(self, value: Any) -> Any:
        return value[0] if value.dim() and value.shape[0] else None

    def cdr(self, value: Any) -> Any:
        return value[1:] if value.dim() and value.shape[0] > 1 else None

    def to_typed(self, value: Any) -> Any:
        return convert.typed(value)

    def nested(self, value: Any) -> Any:
        """The nested lists that matrices and core tensors are made of."""
        return convert.to_lisp(value)

    def clone(self, value: Any) -> Any:
        """A copy that shares nothing, with the same need of gradients."""
        return value.detach().clone().requires_grad_(value.requires_grad)

    # ------------------------------------------------------------ computing

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        function = _OPERATORS.get(operator)
        if function is None:
            raise LispError(f"cannot evaluate '{operator}' with these operands")
        if left.__class__ is Tensor and right.__class__ is Tensor:
            return function(left, right)
        if isinstance(left, Tensor):
            return function(left, convert.operand(right, left))
        return function(convert.operand(left, right), right)

    def mathematics(self, name: str, value: Any) -> Any:
        """A mathematical function of the core, element by element."""
        function = _MATHEMATICS.get(name)
        if function is not None:
            return function(value)
        raise LispError(f"'{name}' is not defined for tensors")

    def complement(self, value: Any) -> Any:
        """All bits inverted; booleans turned round."""
        return ~value

    def sum(self, value: Any) -> Any:
        return torch.sum(value)

    def product(self, value: Any) -> Any:
        return torch.prod(value)

    def max(self, value: Any) -> Any:
        return torch.max(value) if value.numel() else None

    def min(self, value: Any) -> Any:
        return torch.min(value) if value.numel() else None

    def transpose(self, value: Any) -> Any:
        return value.transpose(0, 1) if value.dim() > 1 else value

    # ------------------------------------------------------------ comparing

    def equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, Tensor) and isinstance(right, Tensor):
            return same(left, right)
        mine, other = (left, right) if isinstance(left, Tensor) else (right, left)
        if mine.dim() == 0 and isinstance(other, (int, float, complex)):
            found = mine.item()
            # True is no number, though Python counts it as 1.
            return (found.__class__ is bool) is (other is True) and bool(found == other)
        if not convert.is_data(other):
            return False
        try:
            return same(mine, convert.from_lisp(other))
        except LispError:
            # Lists of words, or of unequal lengths, equal no tensor.
            return False

    def compare(self, left: Any, right: Any) -> int | None:
        a, b = _comparable(left), _comparable(right)
        if a is None or b is None:
            return None
        if a < b:
            return -1
        if a > b:
            return 1
        return 0 if a == b else None

    def call(self, value: Any) -> Callable[..., Any] | None:
        return None


def _comparable(value: Any) -> Any:
    """A number, or the number of a tensor of no axis; None for anything else."""
    if isinstance(value, Tensor):
        return None if value.dim() or value.is_complex() else value.item()
    return value if isinstance(value, (int, float)) and value is not True else None


def _text(value: Tensor, shortened: bool) -> str:
    """Nested lists; where it is shortened, the ends of each axis around dots."""
    if value.dim() == 1:
        cut = shortened and value.shape[0] > 2 * _EDGE
        if cut:
            value = torch.cat((value[:_EDGE], value[-_EDGE:]))
        found = [show_member(member) for member in convert.members(value)]
    else:
        cut = shortened and value.shape[0] > 2 * _EDGE
        rows = [*value[:_EDGE], *value[-_EDGE:]] if cut else list(value)
        found = [_text(row, shortened) for row in rows]
    if cut:
        found.insert(_EDGE, "...")
    return f"({' '.join(found)})"


register_adapter(Tensor, TensorAdapter())
