"""Model files: written so that no crash leaves half of one, read so that nothing in them runs.

A file is written beside its target, synced and renamed. ``.pt`` files are read
with ``weights_only=True``; TorchScript archives with a reader of tensors that
knows no code; safetensors files hold nothing but tensors.
"""

from __future__ import annotations

import json
import os
import pickle
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.runtime import atomic

#: Key of the metadata of a safetensors file under which a record without its tensors lies.
METADATA = "lispe_torch"


def reason(error: BaseException) -> str:
    """Why a file could not be used, in one short line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).strip().split("\n")[0] or type(error).__name__)[:200]


def write_file(path: str, write: Callable[[str], None]) -> None:
    """Let ``write`` fill a file of a passing name, then put it in the place of ``path``.

    After a crash at any moment there is the old file or the new one. A link
    is followed; the permissions of a file that was there are kept.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise LispError(f"cannot write {path}: it is not a file")
    try:
        with atomic.passing_file(path) as passing:
            write(passing)
    except (OSError, RuntimeError) as error:
        raise LispError(f"cannot write {path}: {reason(error)}") from None


def remove_unfinished(path: str) -> None:
    """Remove what a killed writer of the file has left beside it."""
    try:
        atomic.remove_unfinished(path)
    except OSError as error:
        raise LispError(f"cannot tidy up beside {path}: {reason(error)}") from None


def write_torch(path: str, record: Any) -> None:
    """Write plain values and tensors as a PyTorch archive."""

    def write(passing: str) -> None:
        with open(passing, "wb") as stream:
            torch.save(record, stream)

    write_file(path, write)


def write_safetensors(path: str, tensors: Mapping[str, Tensor], note: Any = None) -> None:
    """Write tensors as a safetensors file; ``note`` is kept as JSON in its metadata."""
    from safetensors.torch import save_file

    kept: dict[str, Tensor] = {}
    storages: set[int] = set()
    for name, value in tensors.items():
        found = value.detach().cpu().contiguous()
        # The format has no shared storage: what is shared is written twice.
        place = found.untyped_storage().data_ptr()
        kept[name] = found.clone() if place in storages else found
        storages.add(place)
    metadata = {"format": "pt"} if note is None else {"format": "pt", METADATA: json.dumps(note)}
    write_file(path, lambda passing: save_file(kept, passing, metadata))


def write_bytes(path: str, data: bytes) -> None:
    """Write a whole file at once."""

    def write(passing: str) -> None:
        with open(passing, "wb") as stream:
            stream.write(data)

    write_file(path, write)


def write_json(path: str, value: Any) -> None:
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())


def read_json(path: str) -> Any:
    """The value of a JSON file."""
    try:
        with open(existing(path), encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError, RecursionError) as error:
        raise LispError(f"cannot read {path}: {reason(error)}") from None


def is_there(path: str) -> bool:
    return os.path.isfile(path)


def existing(path: str) -> str:
    """The path of a file that is there."""
    if os.path.isdir(path):
        raise LispError(f"cannot read {path}: it is a folder")
    if not os.path.exists(path):
        raise LispError(f"file not found: {path}")
    return path


def read_file(path: str, mapped: bool = False) -> Any:
    """What a model file holds: nested plain values and tensors, on the CPU.

    ``mapped`` leaves the tensors in the file, from which they are fetched when
    they are used; writing to them does not reach the file. A file that is
    none, is damaged, or holds anything but data, is an error.
    """
    existing(path)
    try:
        with open(path, "rb") as stream:
            head = stream.read(9)
        if head[:4] == b"PK\x03\x04":
            if _is_script(path):
                return _script_tensors(path)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        size = struct.unpack("<Q", head[:8])[0] if len(head) == 9 else 0
        if head[8:9] == b"{" and 2 <= size <= os.path.getsize(path) - 8:
            return _read_safetensors(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except LispError:
        raise
    except (Exception, RecursionError) as error:
        raise LispError(
            f"cannot read {path}: it is damaged or no model file ({_plainly(error)})"
        ) from None


def _plainly(error: BaseException) -> str:
    if isinstance(error, pickle.UnpicklingError):
        return "it holds more than data, or no data at all"
    return reason(error)


def _read_safetensors(path: str) -> dict[str, Any]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as archive:
        metadata = archive.metadata() or {}
        tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
    note = json.loads(metadata[METADATA]) if METADATA in metadata else None
    return {**note, "state": tensors} if isinstance(note, dict) else tensors


def _is_script(path: str) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


class _Holder:
    """Stands for an object of a TorchScript archive: its attributes, without its code."""

    def __init__(self, *rest: Any) -> None:
        self.attributes: Any = {}

    def __setstate__(self, state: Any) -> None:
        self.attributes = state


_STORAGES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}  # fmt: skip


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *rest: Any) -> Tensor:
    found: Tensor = storage.as_strided(tuple(size), tuple(stride), offset)
    return found.clone()


class _Tensors(pickle.Unpickler):
    """Reads the tensors of a TorchScript archive and refuses everything else."""

    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(archive.open(f"{root}/data.pkl"))
        self.archive = archive
        self.root = root

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("__torch__"):
            return _Holder
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, *rest: data
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch.jit._pickle" and name.startswith("build_"):
            return list
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        mark, dtype, key, _, count = pid
        if mark != "storage" or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError("a storage that cannot be read")
        data = self.archive.read(f"{self.root}/data/{key}")
        if not data:
            return torch.empty(0, dtype=dtype)
        return torch.frombuffer(bytearray(data), dtype=dtype, count=count)


def _script_tensors(path: str) -> dict[str, Tensor]:
    with zipfile.ZipFile(path) as archive:
        root = next(n for n in archive.namelist() if n.endswith("/data.pkl")).rpartition("/")[0]
        return dict(_named(_Tensors(archive, root).load(), ""))


def _named(value: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    attributes = value.attributes if isinstance(value, _Holder) else value
    if not isinstance(attributes, Mapping):
        return
    for name, member in attributes.items():
        if isinstance(member, Tensor):
            yield f"{prefix}{name}", member
        elif isinstance(member, _Holder):
            yield from _named(member, f"{prefix}{name}.")
