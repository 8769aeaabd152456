"""Weights in folders: read into a model, and written back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError

from .. import storage
from ..arguments import shape_text
from ..layers import Layer
from ..lora_layers import Adapted
from .model import Decoder

CONFIG = "config.json"
SAFE, SAFE_INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLED, PICKLED_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"

#: Files that belong to a model and are copied along with it.
COMPANIONS = (
    "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
    "chat_template.jinja", "chat_template.json",
)  # fmt: skip

#: The most bytes in one file of weights.
SHARD = 5_000_000_000


def read_config(folder: str) -> dict[str, Any]:
    found = storage.read_json(os.path.join(folder, CONFIG))
    if not isinstance(found, Mapping):
        raise LispError(f"{os.path.join(folder, CONFIG)} holds no dictionary")
    return dict(found)


def files_of(folder: str) -> list[str]:
    """The files of weights in a folder: safetensors first, PyTorch archives otherwise."""
    for index in (SAFE_INDEX, PICKLED_INDEX):
        path = os.path.join(folder, index)
        if os.path.isfile(path):
            record = storage.read_json(path)
            weights = record.get("weight_map") if isinstance(record, Mapping) else None
            if not isinstance(weights, Mapping) or not weights:
                raise LispError(f"{path} names no files of weights")
            names = sorted({str(name) for name in weights.values()})
            if any(os.path.basename(name) != name for name in names):
                raise LispError(f"{path} names files outside its folder")
            return [storage.existing(os.path.join(folder, name)) for name in names]
    for single in (SAFE, PICKLED):
        if os.path.isfile(os.path.join(folder, single)):
            return [os.path.join(folder, single)]
    others = sorted(n for n in os.listdir(folder) if n.endswith(".safetensors"))
    others = [name for name in others if not name.startswith("adapter_")]
    if others:
        return [os.path.join(folder, name) for name in others]
    raise LispError(f"there are no weights in {folder}")


def tensors_of(paths: list[str]) -> Iterator[tuple[str, Tensor]]:
    for path in paths:
        found = storage.read_file(path, mapped=True)
        if not isinstance(found, Mapping):
            raise LispError(f"cannot read {path}: it holds no weights")
        for name, value in found.items():
            if isinstance(value, Tensor):
                yield str(name), value


def fill(
    decoder: Decoder, tensors: Iterator[tuple[str, Tensor]], dtype: torch.dtype | None
) -> None:
    """Give a model that was made without memory its weights, each as it is stored.

    Without ``dtype`` all get the type of the embedding.
    """
    expected = dict(decoder.named_parameters())
    if decoder.config.tied:
        expected.pop("lm_head.weight", None)
    found: dict[str, Tensor] = {}
    for name, value in tensors:
        parameter = expected.get(name)
        if parameter is None:
            if name.endswith("rotary_emb.inv_freq") or (
                name == "lm_head.weight" and decoder.config.tied
            ):
                continue
            raise LispError(
                f"the weight '{name}' has no place in a {decoder.config.family.name} model"
            )
        if value.shape != parameter.shape:
            raise LispError(
                f"the weight '{name}' has the shape {shape_text(value)}, "
                f"not {shape_text(parameter)}"
            )
        if not value.is_floating_point():
            raise LispError(f"the weight '{name}' holds integers: quantised files are not read")
        found[name] = value
    missing = [name for name in expected if name not in found]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise LispError(f"the weight '{missing[0]}'{more} is missing")
    wanted = dtype or found["model.embed_tokens.weight"].dtype
    for name, value in found.items():
        above, _, last = name.rpartition(".")
        parameter = nn.Parameter(value.to(wanted), requires_grad=False)
        setattr(decoder.get_submodule(above), last, parameter)
    decoder.tie()


def empty(raw: Mapping[str, Any]) -> Decoder:
    """A model without memory for its weights."""
    with torch.device("meta"):
        return Decoder(raw)


def load_folder(
    folder: str, dtype: torch.dtype | None, changes: Mapping[str, Any] | None = None
) -> Decoder:
    """A model from a folder; ``changes`` take the place of keys of its configuration."""
    raw = {**read_config(folder), **(changes or {})}
    decoder = empty(raw)
    fill(decoder, tensors_of(files_of(folder)), dtype)
    decoder.eval()
    return decoder


# ------------------------------------------------------------------ writing


def plain_state(decoder: nn.Module) -> dict[str, Tensor]:
    """The weights of a model by their own names, those of adapters left out."""
    for name, module in decoder.named_modules():
        if isinstance(module, Layer) and module.stands_in and not isinstance(module, Adapted):
            raise LispError(
                f"'{name}' is quantised: only a model with full weights is written to a folder"
            )
    return {
        name: parameter.detach()
        for name, parameter in decoder.named_parameters()
        if ".lora_A." not in name and ".lora_B." not in name
    }


def save_folder(decoder: Decoder, folder: str, source: str | None, most: int = SHARD) -> None:
    """Write a model as a folder that this library, and others, can load."""
    state = plain_state(decoder)
    dtype = str(next(iter(state.values())).dtype).removeprefix("torch.")
    raw = dict(decoder.config.raw)
    raw.pop("dtype", None)
    raw["torch_dtype"] = dtype
    raw.setdefault("architectures", list(decoder.config.family.architectures))
    raw.setdefault("model_type", decoder.config.family.name)
    try:
        os.makedirs(folder, exist_ok=True)
        for name in COMPANIONS if source and os.path.isdir(source) else ():
            path = os.path.join(str(source), name)
            if os.path.isfile(path) and not os.path.exists(os.path.join(folder, name)):
                shutil.copyfile(path, os.path.join(folder, name))
    except OSError as error:
        raise LispError(f"cannot write {folder}: {storage.reason(error)}") from None
    shards = _shards(state, most)
    if len(shards) == 1:
        storage.write_safetensors(os.path.join(folder, SAFE), shards[0])
        _remove(folder, SAFE_INDEX)
    else:
        where: dict[str, str] = {}
        for index, shard in enumerate(shards, 1):
            name = f"model-{index:05d}-of-{len(shards):05d}.safetensors"
            storage.write_safetensors(os.path.join(folder, name), shard)
            where.update(dict.fromkeys(shard, name))
        total = sum(t.numel() * t.element_size() for t in state.values())
        record = {"metadata": {"total_size": total}, "weight_map": where}
        storage.write_json(os.path.join(folder, SAFE_INDEX), record)
        _remove(folder, SAFE)
    storage.write_json(os.path.join(folder, CONFIG), raw)


def _shards(state: Mapping[str, Tensor], most: int) -> list[dict[str, Tensor]]:
    found: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, value in state.items():
        bytes_ = value.numel() * value.element_size()
        if found[-1] and size + bytes_ > most:
            found.append({})
            size = 0
        found[-1][name] = value
        size += bytes_
    return found


def _remove(folder: str, name: str) -> None:
    """What an earlier model left in the folder would be read instead of this one."""
    path = os.path.join(folder, name)
    if os.path.isfile(path):
        os.unlink(path)
