"""What a primitive is given, checked and brought into Python's terms.

Every function takes the name of the argument, so that the error says which
one is wrong, and gives back the value that torch wants.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import is_list as _is_list
from lispe_py.values.types import type_name


def what(value: Any) -> str:
    """How an error names a value: its type, and its shape where it has one."""
    if isinstance(value, Tensor):
        return f"a tensor {shape_text(value)}"
    if value is None:
        return "nil"
    if isinstance(value, str):
        return f'the string "{value if len(value) <= 40 else value[:37] + "..."}"'
    if isinstance(value, (int, float)):
        return str(value)
    return with_article(type_name(value))


def with_article(noun: str) -> str:
    """``a list_``, ``an atom_``.

    >>> with_article("integers_")
    'an integers_'
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def shape_text(value: Tensor) -> str:
    """A shape as the language prints it: ``(2 3)``."""
    return f"({' '.join(str(n) for n in value.shape)})"


def dtype_text(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def tensor(value: Any, name: str = "tensor") -> Tensor:
    if isinstance(value, Tensor):
        return value
    raise LispError(f"{name} must be a tensor, not {what(value)}")


def integer(value: Any, name: str) -> int:
    """A whole number; ``8.0`` is one."""
    if value.__class__ is int:
        return int(value)
    found = whole(value)
    if found is None:
        raise LispError(f"{name} must be an integer, not {what(value)}")
    return found


def whole(value: Any) -> int | None:
    """The integer that a number, or a tensor of no axis, is; None if it is none."""
    if isinstance(value, Tensor) and value.dim() == 0:
        value = value.item()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    return None


def positive(value: Any, name: str) -> int:
    """A size: an integer of at least 1."""
    number_ = integer(value, name)
    if number_ < 1:
        raise LispError(f"{name} must be a positive integer, not {number_}")
    return number_


def natural(value: Any, name: str) -> int:
    number_ = integer(value, name)
    if number_ < 0:
        raise LispError(f"{name} must not be negative: {number_}")
    return number_


def number(value: Any, name: str) -> float:
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
        return float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise LispError(f"{name} must be a number, not {what(value)}")


def rate(value: Any, name: str) -> float:
    """A probability of dropout: at least 0, below 1."""
    found = number(value, name)
    if not 0.0 <= found < 1.0:
        raise LispError(f"{name} must be at least 0 and below 1: {value}")
    return found


def boolean(value: Any, name: str) -> bool:
    """true or nil."""
    if value is None or value is True or value is False:
        return bool(value)
    raise LispError(f"{name} must be true or nil, not {what(value)}")


def text(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Symbol):
        return value.name
    raise LispError(f"{name} must be a string, not {what(value)}")


def is_list(value: Any) -> bool:
    """A LispE list of any kind; a tensor is none here."""
    return (_is_list(value) or isinstance(value, (list, tuple))) and not isinstance(value, Tensor)


def options(value: Any, name: str = "config") -> dict[str, Any]:
    """Settings from a dictionary or from a list of (key value) pairs; nil is none."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {text(key, f"a key of {name}"): item for key, item in value.items()}
    if is_list(value):
        found = {}
        for pair in value:
            members = list(pair) if is_list(pair) else []
            if len(members) != 2:
                raise LispError(f"{name} must hold (key value) pairs, not {what(pair)}")
            found[text(members[0], f"a key of {name}")] = members[1]
        return found
    raise LispError(f"{name} must be a dictionary or a list of pairs, not {what(value)}")


def known(given: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    """Refuse a key that means nothing: it is most likely misspelt."""
    allowed = list(names)
    for key in given:
        if key not in allowed:
            raise LispError(
                f"{where}: unknown option '{key}'", hint=f"the options are: {' '.join(allowed)}"
            )


#: Names of the floating element types that a module may have.
FLOATING = {
    "float32": torch.float32, "float": torch.float32,
    "float64": torch.float64, "double": torch.float64,
    "float16": torch.float16, "half": torch.float16, "fp16": torch.float16,
    "bfloat16": torch.bfloat16, "bf16": torch.bfloat16,
    "fp32": torch.float32, "fp64": torch.float64,
}  # fmt: skip


def floating_dtype(value: Any) -> torch.dtype:
    name = text(value, "dtype").lower().removeprefix("torch.")
    found = FLOATING.get(name)
    if found is None:
        raise LispError(
            f"unknown dtype for parameters: '{name}'",
            hint="use float32, float64, float16 or bfloat16",
        )
    return found


def module(value: Any, name: str = "module") -> nn.Module:
    if isinstance(value, nn.Module):
        return value
    raise LispError(f"{name} must be a module, not {what(value)}")


def modules(value: Any, name: str = "module") -> list[nn.Module]:
    """One module, or the members of a list of them."""
    if isinstance(value, nn.Module):
        return [value]
    if is_list(value):
        found = list(value)
        if found and all(isinstance(m, nn.Module) for m in found):
            return found
        wrong = next((m for m in found if not isinstance(m, nn.Module)), None)
        raise LispError(f"{name} must be a list of modules; it holds {what(wrong)}")
    raise LispError(f"{name} must be a module, not {what(value)}")


def build(cls: type, sizes: Mapping[str, Any]) -> Any:
    """An instance of ``cls`` from keyword sizes; an error where they do not fit."""
    try:
        inspect.signature(cls).bind(**sizes)
    except TypeError as error:
        raise LispError(f"unusable sizes for {cls.__name__}: {error}") from None
    return cls(**sizes)
