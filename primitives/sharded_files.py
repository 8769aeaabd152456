"""Checkpoints in folders, written by several processes at once, read by any number.

Every process writes the part of each tensor that it holds, through
``torch.distributed.checkpoint``, in safetensors files, which hold nothing but
data. ``run.pt`` beside them is the rest of the record; it names the folder of
the tensors. Tensors go to a new folder each time and ``run.pt`` is replaced
last, by process 0, after all have written: so at any moment the whole is the
old checkpoint or the new one.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lispe_py.errors import LispError

from . import storage
from .sharding import by_first, is_sharded, parts_of, started

OUTLINE = "run.pt"
_TENSORS = re.compile(r"tensors-[0-9a-f]{32}")


def is_folder(path: str) -> bool:
    return path.endswith(("/", os.sep)) or os.path.isdir(path)


def outline_of(path: str) -> str:
    """The file that makes a checkpoint what it is: the path, or the outline in its folder."""
    return os.path.join(path, OUTLINE) if is_folder(path) else path


def check_target(path: str, module: nn.Module) -> bool:
    """Is the path to become a folder? A sharded module fits into no file."""
    folder = is_folder(path)
    if is_sharded(module) and not folder:
        raise LispError(
            f"cannot write {path}: a sharded module is kept in a folder",
            hint="let the path end in '/'",
        )
    if folder and os.path.isdir(path):
        others = [n for n in os.listdir(path) if n != OUTLINE and not _ours(n)]
        if others:
            raise LispError(f"cannot write {path}: there are other files in it: {others[0]}")
    return folder


def _ours(name: str) -> bool:
    return _TENSORS.fullmatch(name) is not None or name.startswith(f".{OUTLINE}.")


# ------------------------------------------------------------------ writing


def write(path: str, record: dict[str, Any]) -> None:
    """Write a record to a folder; all processes of the group must call this."""
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
    from torch.distributed.checkpoint.state_dict_saver import save

    tensors, outline = _taken_apart(record)
    name = by_first(lambda: _begin(path))
    target = os.path.join(path, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            save(
                dict(parts_of(tensors)),
                storage_writer=HuggingFaceStorageWriter(target, save_distributed=True),
                no_dist=not started(),
            )
    except (CheckpointException, OSError, RuntimeError, ValueError) as error:
        raise LispError(f"cannot write {path}: {_why(error)}") from None
    by_first(lambda: _finish(path, name, outline))


def _begin(path: str) -> str:
    name = f"tensors-{uuid.uuid4().hex}"
    try:
        os.makedirs(os.path.join(path, name))
    except OSError as error:
        raise LispError(f"cannot write {path}: {storage.reason(error)}") from None
    return name


def _finish(path: str, name: str, outline: dict[str, Any]) -> None:
    """The tensors are there: let the outline name them, and remove those it named before."""
    folder = os.path.join(path, name)
    try:
        sizes = {}
        for file in sorted(os.listdir(folder)):
            with open(os.path.join(folder, file), "rb+") as stream:
                os.fsync(stream.fileno())
                sizes[file] = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise LispError(f"cannot write {path}: {storage.reason(error)}") from None
    outline["tensors"] = {"folder": name, "files": sizes}
    storage.write_torch(os.path.join(path, OUTLINE), outline)
    storage.remove_unfinished(os.path.join(path, OUTLINE))
    for other in os.listdir(path):
        # What cannot be removed is only room on the disk; the next writer tries again.
        if other != name and _TENSORS.fullmatch(other):
            shutil.rmtree(os.path.join(path, other), ignore_errors=True)


def _taken_apart(record: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a record by one name each, and the record with their types instead."""
    tensors = {f"model.{name}": value for name, value in record["model"].items()}
    outline = {**record, "model": {name: v.dtype for name, v in record["model"].items()}}
    kept = record.get("optimizer")
    if kept is not None:
        moments: dict[int, dict[str, Any]] = {}
        for number, values in kept["state"]["state"].items():
            moments[number] = {}
            for key, value in values.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{number}.{key}"] = value
                    moments[number][key] = value.dtype
                else:
                    moments[number][key] = value
        outline["optimizer"] = {**kept, "state": {**kept["state"], "state": moments}}
    return tensors, outline


# ------------------------------------------------------------------ reading


def fill(
    path: str,
    outline: dict[str, Any],
    own: Mapping[str, Tensor],
    optimizer: Optimizer | None,
) -> dict[str, Any]:
    """The record of an outline with its tensors, as much of each as this process holds.

    ``own`` are the tensors of the module that is to take them; those it has
    not, or has in another shape, are read whole. No process waits for another.
    """
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.state_dict_loader import load

    try:
        folder = _whole_folder(path, outline["tensors"])
        reader = HuggingFaceStorageReader(folder)
        sizes: dict[str, torch.Size] = {
            name: entry.size  # type: ignore[union-attr]
            for name, entry in reader.read_metadata().state_dict_metadata.items()
        }
        tensors: dict[str, Tensor] = {}

        def wanted(name: str, dtype: torch.dtype, like: Tensor | None) -> Tensor:
            if like is not None and like.shape == sizes[name]:
                tensors[name] = torch.empty_like(like, dtype=dtype)
            else:
                tensors[name] = torch.empty(sizes[name], dtype=dtype)
            return tensors[name]

        model = {
            name: wanted(f"model.{name}", dtype, own.get(name))
            for name, dtype in outline["model"].items()
        }
        found = {**outline, "model": model}
        kept = outline.get("optimizer")
        if kept is not None:
            groups = kept["state"]["param_groups"]
            numbers = [n for group in groups for n in group["params"]]
            given = [] if optimizer is None else optimizer.param_groups
            likes = dict(zip(numbers, (p for g in given for p in g["params"]), strict=False))
            state = {
                number: {
                    key: wanted(f"optimizer.{number}.{key}", value, likes.get(number))
                    if isinstance(value, torch.dtype)
                    else value
                    for key, value in values.items()
                }
                for number, values in kept["state"]["state"].items()
            }
            found["optimizer"] = {**kept, "state": {**kept["state"], "state": state}}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load(dict(tensors), storage_reader=reader, no_dist=True)
        return found
    except LispError:
        raise
    except (CheckpointException, Exception) as error:
        raise LispError(f"cannot read {path}: it is damaged ({_why(error)})") from None


def _whole_folder(path: str, told: Any) -> str:
    """The folder of the tensors, once it is sure that nothing of it is missing."""
    name = told["folder"]
    if not _TENSORS.fullmatch(name):
        raise LispError(f"cannot read {path}: it is damaged")
    folder = os.path.join(path, name)
    there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    for file, size in told["files"].items():
        if file not in there or os.path.getsize(os.path.join(folder, file)) != size:
            raise LispError(f"cannot read {path}: {name}/{file} is missing or damaged")
    if there - set(told["files"]):
        raise LispError(f"cannot read {path}: {name} holds other files")
    return folder


def _why(error: BaseException) -> str:
    """The reason behind a failure that torch reports for every process."""
    failures = getattr(error, "failures", None)
    if isinstance(failures, Mapping):
        for inner, _ in failures.values():
            return storage.reason(inner)
    return storage.reason(error)
