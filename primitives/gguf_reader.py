"""GGUF files, the format of llama.cpp, read with the package ``gguf``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError

from . import storage


def library() -> Any:
    try:
        import gguf
    except ImportError:
        raise LispError(
            "GGUF files need the package gguf", hint="install it: pip install gguf"
        ) from None
    return gguf


class GGUF:
    """The metadata and the tensors of a file."""

    def __init__(self, path: str) -> None:
        self.gguf = library()
        self.path = storage.existing(path)
        try:
            self.reader = self.gguf.GGUFReader(path)
        except (OSError, ValueError, KeyError, IndexError, AssertionError) as error:
            raise LispError(f"cannot read {path}: {storage.reason(error)}") from None
        self.tensors = {tensor.name: tensor for tensor in self.reader.tensors}

    def get(self, key: str, default: Any = None) -> Any:
        field = self.reader.get_field(key)
        return default if field is None else field.contents()

    def need(self, key: str) -> Any:
        found = self.get(key)
        if found is None:
            raise LispError(f"{self.path} does not say its '{key}'")
        return found

    def values(self, name: str) -> Tensor:
        """A tensor; quantised blocks as single precision."""
        found = self.tensors[name]
        shape = [int(n) for n in reversed(found.shape.tolist())]
        kind = found.tensor_type.name
        if kind in ("F32", "F16"):
            return torch.from_numpy(found.data.copy()).reshape(shape)
        if kind == "BF16":
            raw = torch.from_numpy(found.data.copy()).view(torch.bfloat16)
            return raw.reshape(shape)
        try:
            plain = self.gguf.dequantize(found.data, found.tensor_type)
        except NotImplementedError:
            raise LispError(f"'{name}' is quantised in a way that cannot be read: {kind}") from None
        return torch.from_numpy(plain).reshape(shape)
