"""LispE data to tensors and back.

Typed lists, matrices and core tensors travel as one copy of their buffer;
nested generic lists are measured level by level, so that depth costs no
Python stack.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from math import prod
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.matrix import Grid
from lispe_py.values.records import Data
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import Floats, Integers, Numbers, Shorts, section
from lispe_py.values.unfilled import unfilled

from .arguments import what, whole

#: Class of a typed list -> element type of its tensor.
ELEMENTS: dict[type, torch.dtype] = {
    Integers: torch.int64,
    Shorts: torch.int16,
    Floats: torch.float32,
    Numbers: torch.float64,
}

#: Kind of a matrix -> element type.
KINDS = {
    "integers": torch.int64,
    "shorts": torch.int16,
    "floats": torch.float32,
    "numbers": torch.float64,
}

#: Element type -> the typed list that a tensor goes back to; booleans and complex have none.
BACK: dict[torch.dtype, type] = {
    torch.float64: Numbers,
    torch.float32: Floats,
    torch.float16: Floats,
    torch.bfloat16: Floats,
    torch.int64: Integers,
    torch.int32: Integers,
    torch.uint32: Integers,
    torch.uint64: Integers,
    torch.uint16: Integers,
    torch.int16: Shorts,
    torch.int8: Shorts,
    torch.uint8: Shorts,
}

#: Names of the element types.
DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32, "float": torch.float32, "fp32": torch.float32,
    "float64": torch.float64, "double": torch.float64, "fp64": torch.float64,
    "float16": torch.float16, "half": torch.float16, "fp16": torch.float16,
    "bfloat16": torch.bfloat16, "bf16": torch.bfloat16,
    "int64": torch.int64, "long": torch.int64, "int32": torch.int32, "int": torch.int32,
    "int16": torch.int16, "short": torch.int16, "int8": torch.int8, "uint8": torch.uint8,
    "bool": torch.bool, "complex64": torch.complex64, "complex128": torch.complex128,
}  # fmt: skip

#: The most axes that a tensor can have.
_MOST_AXES = 64
#: A shape of more elements is a mistake that torch would not survive politely.
_MOST_ELEMENTS = 1 << 62

_GENERIC = frozenset({List, Tail, Data, LinkedList, list, tuple})
_INTEGERS = frozenset({int, Short})
_REALS = frozenset({int, Short, float, Float32})
_BOOLEANS = frozenset({bool, type(None)})
_COMPLEX = frozenset({int, Short, float, Float32, complex})


def dtype_of(value: Any) -> torch.dtype:
    """An element type by its name: ``float32``, ``int64`` ..."""
    if isinstance(value, torch.dtype):
        return value
    name = value.name if value.__class__ is Symbol else value
    found = DTYPES.get(name.lower().removeprefix("torch.")) if isinstance(name, str) else None
    if found is None:
        raise LispError(
            f"unknown dtype: {what(value) if not isinstance(name, str) else repr(name)}",
            hint="use float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool",
        )
    return found


def dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


# ---------------------------------------------------------------- arguments


def only_tensor(value: Any) -> Tensor:
    """The value, which must be a tensor."""
    if isinstance(value, Tensor):
        return value
    raise LispError(f"argument must be a tensor, not {what(value)}")


def axis(value: Any, name: str = "dim") -> int:
    """A position, an axis, a count: a whole number of either sign."""
    if value.__class__ is int:
        return int(value)
    if isinstance(value, Tensor) and value.dim() == 0:
        value = value.item()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    raise LispError(f"{name} must be an integer, not {what(value)}")


def sizes(value: Any, name: str = "shape", negative: bool = False) -> tuple[int, ...]:
    """A shape: a list of integers, or one integer for a single axis."""
    if value.__class__ is int or value.__class__ is float or isinstance(value, (Short, Float32)):
        members: Sequence[Any] = (value,)
    elif type(value) in ELEMENTS or type(value) in _GENERIC:
        members = list(value)
    elif isinstance(value, Tensor) and value.dim() <= 1:
        members = value.reshape(-1).tolist()
    else:
        raise LispError(f"{name} must be a list of integers, not {what(value)}")
    found = []
    count = 1
    for member in members:
        if member.__class__ is not int:
            member = _whole(member, name)
        if member < 0 and not negative:
            raise LispError(f"{name} must be a list of integers of at least 0: it holds {member}")
        count *= member
        found.append(member)
    if count >= _MOST_ELEMENTS:
        raise LispError(f"{name} ({' '.join(map(str, found))}) is too large")
    return tuple(found)


def _whole(member: Any, name: str) -> int:
    """A size that is not written as an integer: ``2.0``, a tensor of no axis."""
    found = whole(member)
    if found is None:
        raise LispError(f"{name} must be a list of integers: it holds {what(member)}")
    return found


def number_or_tensor(value: Any, name: str) -> Any:
    """A plain Python number, or the tensor it is."""
    cls = type(value)
    if cls is int or cls is float or cls is complex or isinstance(value, Tensor):
        return value
    if cls is Short:
        return int(value)
    if cls is Float32:
        return float(value)
    raise LispError(f"{name} must be a number, not {what(value)}")


def plain_number(value: Any, name: str) -> Any:
    """A plain Python number; a tensor of one element gives its own."""
    found = number_or_tensor(value, name)
    if not isinstance(found, Tensor):
        return found
    if found.numel() != 1:
        raise LispError(f"{name} must be a number, not {what(found)}")
    return found.item()


def member_of(value: Any, name: str = "value") -> Any:
    """What can be written into a tensor: a number, a boolean, a list or a tensor."""
    if value is None or value is True:
        return value is True
    if value.__class__ is int or value.__class__ is float or isinstance(value, Tensor):
        return value
    if type(value) in _COMPLEX:
        return number_or_tensor(value, name)
    if type(value) in ELEMENTS or type(value) in _GENERIC or isinstance(value, Grid):
        return from_lisp(value)
    raise LispError(f"{name} must be a number or a tensor, not {what(value)}")


def operand(value: Any, like: Tensor) -> Any:
    """A number as it is, a list as a tensor on the device of ``like``."""
    cls = type(value)
    # The tests of plain numbers and tensors are such that torch.compile can trace them.
    if cls is int or cls is float or isinstance(value, Tensor):
        return value
    if cls in _COMPLEX:
        return number_or_tensor(value, "operand")
    if cls in ELEMENTS or cls in _GENERIC or isinstance(value, Grid):
        return from_lisp(value).to(like.device)
    raise LispError(f"argument must be a tensor, a number or a list, not {what(value)}")


def operands(left: Any, right: Any) -> tuple[Any, Any]:
    """Two operands of which at least one is a tensor afterwards."""
    if isinstance(left, Tensor):
        return left, right if isinstance(right, Tensor) else operand(right, left)
    if isinstance(right, Tensor):
        return operand(left, right), right
    if type(left) not in _COMPLEX and not is_data(left):
        raise LispError(f"argument must be a tensor, a number or a list, not {what(left)}")
    made = from_lisp(left)
    return made, operand(right, made)


def floating(value: Tensor) -> Tensor:
    """The tensor, integers and booleans as float32."""
    if value.is_floating_point() or value.is_complex():
        return value
    return value.to(torch.float32)


def is_data(value: Any) -> bool:
    """A list of the language that can hold numbers."""
    return type(value) in ELEMENTS or type(value) in _GENERIC or isinstance(value, Grid)


def tensors_of(value: Any, name: str = "tensors") -> list[Tensor]:
    """A non-empty list of tensors."""
    if type(value) in _GENERIC:
        found = list(value)
        for member in found:
            if not isinstance(member, Tensor):
                raise LispError(f"{name} must be a list of tensors: it holds {what(member)}")
        if found:
            return found
        raise LispError(f"{name} must hold at least one tensor")
    raise LispError(f"{name} must be a list of tensors, not {what(value)}")


# ---------------------------------------------------------------- to tensors


def _unsupported(value: Any) -> LispError:
    return LispError(f"unsupported type for a tensor: {what(value)}")


def borrow(value: Any) -> Tensor:
    """A tensor on the very buffer of a typed list, matrix or core tensor.

    The list cannot grow or shrink as long as the tensor lives.
    """
    if isinstance(value, Grid):
        dtype = KINDS.get(value.kind)
        flat, shape = value.buffer, value.shape
    else:
        dtype = ELEMENTS.get(type(value))
        flat, shape = value, None
    if dtype is None:
        raise _unsupported(value)
    if not len(flat):
        return torch.empty(shape or 0, dtype=dtype)
    # torch keeps what it is given alive, and a view keeps the list from changing its size.
    found = torch.frombuffer(memoryview(flat), dtype=dtype)
    return found if shape is None else found.view(shape)


def from_lisp(data: Any, dtype: torch.dtype | None = None) -> Tensor:
    """A new CPU tensor of LispE data; the element type follows the data unless given."""
    found = _from_lisp(data)
    return found if dtype is None or found.dtype is dtype else found.to(dtype)


def _from_lisp(data: Any) -> Tensor:
    cls = type(data)
    if cls in ELEMENTS or isinstance(data, Grid):
        return borrow(data).clone()
    if cls in _GENERIC:
        return _nested(data)
    if isinstance(data, Tensor):
        return data.detach().clone()
    if cls in _COMPLEX or data is True:
        return _flat([data]).reshape(())
    if cls.__module__ == "numpy":
        try:
            return torch.as_tensor(data).clone()
        except TypeError:
            raise _unsupported(data) from None
    raise _unsupported(data)


def _nested(data: Any) -> Tensor:
    """Lists in lists, all of one length at each depth."""
    level: list[Any] = [data]
    shape: list[int] = []
    while True:
        kinds = {type(item) for item in level}
        if kinds <= _GENERIC:
            if len(shape) == _MOST_AXES:
                raise LispError(f"a tensor has at most {_MOST_AXES} axes")
            if LinkedList in kinds and any(getattr(m, "cyclic", False) for m in level):
                raise LispError("a circular list makes no tensor")
            level = [list(item) for item in level]
            shape.append(_length(level))
            level = list(chain.from_iterable(level))
            if not level:
                return torch.empty(shape, dtype=torch.float32)
        elif kinds <= ELEMENTS.keys():
            return _rows(level, shape, kinds)
        elif any(issubclass(kind, Grid) for kind in kinds):
            return _stacked([_from_lisp(item) for item in level], shape)
        elif any(issubclass(kind, Tensor) for kind in kinds):
            return _with_tensors(level, shape)
        else:
            return _flat(level).reshape(shape)


def _length(rows: Sequence[Any]) -> int:
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise LispError(
            f"ragged data for a tensor: rows of {' and '.join(map(str, sorted(lengths)))} members"
        )
    return lengths.pop()


def _rows(rows: list[Any], shape: list[int], kinds: set[type]) -> Tensor:
    """Typed lists as the last axis: they keep their element type if they share one."""
    width = _length(rows)
    if len(kinds) == 1:
        cls = kinds.pop()
        joined = array(cls.code)  # type: ignore[attr-defined]
        for row in rows:
            joined.extend(row)
        dtype = ELEMENTS[cls]
        if not joined:
            return torch.empty([*shape, width], dtype=dtype)
        return torch.frombuffer(joined, dtype=dtype).reshape([*shape, width])
    flat = list(chain.from_iterable(row.tolist() for row in rows))
    if not flat:
        return torch.empty([*shape, width], dtype=torch.float32)
    return _flat(flat).reshape([*shape, width])


def _stacked(tensors: list[Tensor], shape: list[int]) -> Tensor:
    first = tensors[0]
    if any(t.shape != first.shape for t in tensors):
        raise LispError("ragged data for a tensor: parts of unequal shapes")
    return torch.stack(tensors).reshape([*shape, *first.shape])


def _with_tensors(level: list[Any], shape: list[int]) -> Tensor:
    """Members that are tensors, perhaps single numbers among plain ones."""
    if all(isinstance(item, Tensor) for item in level):
        return _stacked([item.detach() for item in level], shape)
    numbers = [
        item.item() if isinstance(item, Tensor) and item.dim() == 0 else item for item in level
    ]
    return _flat(numbers).reshape(shape)


def _flat(values: list[Any]) -> Tensor:
    """A vector of plain numbers or of booleans."""
    kinds = {type(value) for value in values}
    try:
        if kinds <= _INTEGERS:
            return _vector("q", values, torch.int64)
        if kinds <= _REALS:
            return _vector("f", values, torch.float32)
    except OverflowError:
        raise LispError("an integer is too large for a tensor") from None
    if kinds <= _BOOLEANS:
        return torch.tensor([value is True for value in values])
    if kinds <= _COMPLEX:
        return torch.tensor(values, dtype=torch.complex64)
    wrong = next(value for value in values if type(value) not in _COMPLEX)
    raise _unsupported(wrong)


def _vector(code: str, values: list[Any], dtype: torch.dtype) -> Tensor:
    if torch.compiler.is_compiling():
        # The tracer of torch.compile cannot look into an array.
        return torch.tensor(values, dtype=dtype)
    return torch.frombuffer(array(code, values), dtype=dtype)


# ---------------------------------------------------------------- to LispE


def settled(value: Tensor) -> Tensor:
    """The plain values of any tensor: detached, dense, dequantised, on the CPU."""
    found = value.detach()
    if found.__class__ is not Tensor and hasattr(found, "dequantized"):
        found = found.dequantized()
    if found.is_sparse or found.layout is not torch.strided:
        found = found.to_dense()
    return found.cpu().resolve_conj().resolve_neg()


def scalar(value: Tensor) -> Any:
    """The LispE value of a tensor of one element, of the matching kind."""
    found = value.item()
    if found.__class__ is bool:
        return True if found else None
    if found.__class__ is float and value.dtype is not torch.float64:
        return Float32(found)
    return found


def number_of(value: Tensor) -> Any:
    """The plain number, or the boolean, of a tensor of one element."""
    found = value.item()
    if found.__class__ is bool:
        return True if found else None
    return found


_as_float32: Callable[[float], Float32] = partial(float.__new__, Float32)


def members(value: Tensor) -> Iterator[Any]:
    """The elements in row-major order, as LispE values."""
    flat = settled(value).reshape(-1)
    found = flat.tolist()
    if flat.dtype is torch.bool:
        return (True if item else None for item in found)
    if flat.is_floating_point() and flat.dtype is not torch.float64:
        return map(_as_float32, found)
    return iter(found)


def typed(value: Tensor) -> Any:
    """A flat typed list of the elements; a generic list of booleans or complex numbers."""
    flat = settled(value).reshape(-1)
    cls = BACK.get(flat.dtype)
    if cls is None:
        return List(members(flat))
    return _filled(cls, flat)


def _filled(cls: type, flat: Tensor) -> Any:
    if not flat.numel():
        return cls()
    if flat.dtype is torch.uint64 and bool((flat.view(torch.int64) < 0).any()):
        raise LispError("a tensor element does not fit in 'integers'")
    found: Any = unfilled(cls, flat.numel())
    torch.frombuffer(found, dtype=ELEMENTS[cls]).copy_(flat)
    return found


def to_lisp(value: Tensor) -> Any:
    """A number for no axis, a typed list for one, nested lists of typed lists for more."""
    found = settled(value)
    if found.dim() == 0:
        return number_of(found)
    flat = typed(found)
    if found.dim() == 1:
        return flat
    *outer, width = found.shape
    rows: Any = [section(flat, i * width, (i + 1) * width) for i in range(prod(outer))]
    if flat.__class__ is List:
        rows = [List(row) for row in rows]
    for index in range(len(outer) - 1, 0, -1):
        size = outer[index]
        rows = [List(rows[i * size : (i + 1) * size]) for i in range(prod(outer[:index]))]
    return List(rows)
