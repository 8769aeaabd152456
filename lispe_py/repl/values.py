"""How the prompt shows a value: as the language prints it, large tensors in short."""

from __future__ import annotations

import sys
from typing import Any

from lispe_py.printer import display, number
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.lists import List

#: Elements up to which a tensor is printed whole, and first ones shown of a larger one.
WHOLE, FIRST = 100, 6


class Short:
    """Stands for a large tensor in what is printed."""

    def __init__(self, text: str) -> None:
        self.text = text


class _ShortAdapter(Adapter):
    def show(self, value: Short) -> str:
        return value.text


register_adapter(Short, _ShortAdapter())


def summary(value: Any) -> str:
    """The text of a value at the prompt, without the last line end."""
    torch = sys.modules.get("torch")
    tensor = getattr(torch, "Tensor", None)
    return display(value if tensor is None else _shortened(value, tensor, 3))


def _shortened(value: Any, tensor: type, depth: int) -> Any:
    """A value with short forms for large tensors, in its containers too."""
    if isinstance(value, tensor):
        return Short(_tensor(value)) if value.numel() > WHOLE else value  # type: ignore[attr-defined]
    if depth and type(value) is List and any(isinstance(v, (tensor, List, dict)) for v in value):
        return List(_shortened(v, tensor, depth - 1) for v in value)
    if depth and isinstance(value, (Dictionary, dict)):
        items = {key: _shortened(v, tensor, depth - 1) for key, v in value.items()}
        return type(value)(items) if isinstance(value, Dictionary) else items
    return value


def _tensor(value: Any) -> str:
    """``tensor 512 x 512 float32 cpu (0.1 0.2 ...)``"""
    first = _first(value)
    return f"{about(value)} ({' '.join(first)} ...)" if first else about(value)


def about(tensor: Any) -> str:
    """``tensor 512 x 512 float32 cpu``"""
    shape = " x ".join(map(str, tensor.shape))
    kind = str(tensor.dtype).removeprefix("torch.")
    return " ".join(["tensor", *([shape] if shape else []), kind, str(tensor.device)])


def element(value: Any) -> str:
    """An element of a tensor, as the language prints it."""
    return number(value) if isinstance(value, float) else display(value)


def _first(value: Any) -> list[str]:
    """The first elements, none of a tensor that keeps them in another way."""
    try:
        index = (0,) * (value.dim() - 1)
        row = value.detach()[index][:FIRST].tolist()
        if len(row) < FIRST:
            row = value.detach().reshape(-1)[:FIRST].tolist()
    except (RuntimeError, TypeError, NotImplementedError, IndexError):
        return []
    return [element(x) for x in row]
