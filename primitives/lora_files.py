"""Adapters in files: our own, and those of the PEFT library."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from lispe_py.errors import LispError

from . import storage
from .arguments import shape_text
from .lora_layers import Adapted, LoRAConfig
from .lora_models import add_adapter, bare_model, candidates, names_of, sizes_of, target_name

FORMAT = "lispe_torch_lora"
VERSION = 1

#: What the file says of each layer.
_KEYS = ("name", "rank", "alpha", "dropout", "rslora")

#: Names of the files of a PEFT folder.
CONFIG, WEIGHTS, PICKLED = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
_PREFIX = "base_model.model."
_TENSOR = re.compile(r"(.+)\.lora_([AB])(?:\.([^.]+))?\.weight")


# ------------------------------------------------------------------ our own


def _single(layer: Adapted) -> tuple[str, Tensor, Tensor, LoRAConfig]:
    """The one adapter of a layer that is written or replaced: the active one."""
    names = layer.merged or layer.active or list(layer.configs)[:1]
    if len(names) != 1:
        raise LispError(
            f"{len(names)} adapters are active: choose one",
            hint='(torch_lora_set_adapter model "name")',
        )
    a, b = layer.pair(names[0])
    return names[0], a, b, layer.configs[names[0]]


def save(layers: Mapping[str, Adapted], path: str) -> None:
    described, tensors = [], {}
    for name, layer in layers.items():
        _, a, b, config = _single(layer)
        described.append({
            "name": name, "in_features": layer.adapter_in, "out_features": layer.adapter_out,
            **config.sizes(),
        })  # fmt: skip
        key = f"{name}." if name else ""
        tensors[f"{key}lora_A"], tensors[f"{key}lora_B"] = a.detach().cpu(), b.detach().cpu()
    record = {"format": FORMAT, "version": VERSION, "layers": described}
    if path.endswith(".safetensors"):
        storage.write_safetensors(path, tensors, record)
    else:
        storage.write_torch(path, {**record, "state": tensors})


def load(layers: Mapping[str, Adapted], path: str) -> None:
    found = storage.read_file(path)
    if not isinstance(found, Mapping) or found.get("format") != FORMAT:
        raise LispError(f"cannot read {path}: it holds no LoRA adapters")
    described, state = found.get("layers"), found.get("state")
    if not isinstance(described, (list, tuple)) or not isinstance(state, Mapping):
        raise LispError(f"cannot read {path}: the adapters are damaged")
    if len(described) != len(layers):
        raise LispError(
            f"{path} holds the adapters of {len(described)} layers, not of {len(layers)}"
        )
    for one in described:
        if not isinstance(one, Mapping) or not set(_KEYS) <= set(one):
            raise LispError(f"cannot read {path}: the adapters are damaged")
    by_name = {str(one["name"]): one for one in described}
    # Layers of a list and lone layers go by their order, those of a model by their names.
    in_order = set(by_name) != set(layers)
    if in_order and not all(re.fullmatch(r"\d*", str(name)) for name in (*by_name, *layers)):
        missing = next((n for n in layers if n not in by_name), "")
        raise LispError(f"{path} has no adapters for '{missing}'")
    planned = []
    for (name, layer), one in zip(layers.items(), described, strict=True):
        entry = one if in_order else by_name[name]
        prefix = f"{entry['name']}." if entry["name"] else ""
        config = LoRAConfig(**{key: entry[key] for key in _KEYS if key != "name"})
        adapter, a, b, own = _single(layer)
        if config.rank != own.rank:
            raise LispError(f"{path} holds adapters of rank {config.rank}, not {own.rank}")
        given_a, given_b = state.get(f"{prefix}lora_A"), state.get(f"{prefix}lora_B")
        for given, part, letter in ((given_a, a, "A"), (given_b, b, "B")):
            if not isinstance(given, Tensor):
                raise LispError(f"cannot read {path}: the adapters are damaged")
            if given.shape != part.shape:
                raise LispError(
                    f"{letter} has the shape {shape_text(given)} in {path}, not {shape_text(part)}"
                )
        planned.append((layer, adapter, config, given_a, given_b))
    for layer, adapter, config, given_a, given_b in planned:
        layer.unmerge()
        replace(layer, adapter, config, given_a, given_b)


def replace(layer: Adapted, name: str, config: LoRAConfig, a: Any, b: Any) -> None:
    """Put other values into an adapter; its scale follows."""
    own = layer.configs[name]
    own.alpha, own.rslora = config.alpha, config.rslora
    for part, given in zip(layer.pair(name), (a, b), strict=True):
        part.data.copy_(given)


# ------------------------------------------------------------------ PEFT


def save_peft(layers: Mapping[str, Adapted], folder: str, name: str | None) -> None:
    if "" in layers:
        raise LispError("only the adapters of a whole model are written in the format of PEFT")
    chosen = {
        path: layer
        for path, layer in layers.items()
        if name in layer.configs or (name is None and (layer.active or layer.merged))
    }
    if not chosen:
        there = names_of(layers.values())
        raise LispError(
            f"there is no adapter '{name}' here" if name else "no adapter is active",
            hint=f"the adapters are: {' '.join(there) or 'none'}",
        )
    tensors: dict[str, Tensor] = {}
    configs: dict[str, LoRAConfig] = {}
    for path, layer in chosen.items():
        one = _single(layer)[0] if name is None else name
        a, b = layer.pair(one)
        target = target_name(path, layer)
        configs[target] = layer.configs[one]
        tensors[f"{_PREFIX}{target}.lora_A.weight"] = a
        tensors[f"{_PREFIX}{target}.lora_B.weight"] = b
    first = next(iter(configs.values()))
    ranks = {t: c.rank for t, c in configs.items() if c.rank != first.rank}
    alphas = {t: c.alpha for t, c in configs.items() if c.alpha != first.alpha}
    if any(c.rslora != first.rslora for c in configs.values()):
        raise LispError("layers with and without rslora cannot be written to one folder")
    record = {
        "peft_type": "LORA", "task_type": None, "base_model_name_or_path": None,
        "inference_mode": True, "r": first.rank, "lora_alpha": _plain(first.alpha),
        "lora_dropout": first.dropout, "target_modules": _shortest(list(configs), layers),
        "bias": "none", "fan_in_fan_out": False, "init_lora_weights": True,
        "modules_to_save": None, "use_rslora": first.rslora, "use_dora": False,
        "rank_pattern": ranks, "alpha_pattern": {t: _plain(a) for t, a in alphas.items()},
    }  # fmt: skip
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise LispError(f"cannot write {folder}: {storage.reason(error)}") from None
    storage.write_safetensors(os.path.join(folder, WEIGHTS), tensors)
    storage.write_json(os.path.join(folder, CONFIG), record)


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _shortest(targets: list[str], layers: Mapping[str, Adapted]) -> list[str]:
    """The last parts of the names, where they mean these layers and no others."""
    lasts = {target.rpartition(".")[2] for target in targets}
    meant = [
        target
        for path, layer in layers.items()
        if (target := target_name(path, layer)).rpartition(".")[2] in lasts
    ]
    return sorted(lasts) if set(meant) == set(targets) else targets


def read_peft(folder: str) -> tuple[dict[str, tuple[Tensor, Tensor]], dict[str, LoRAConfig]]:
    """A and B of every layer in a PEFT folder, and what each is made of."""
    if not os.path.isdir(folder):
        raise LispError(f"there is no folder {folder}")
    record = storage.read_json(os.path.join(folder, CONFIG))
    if not isinstance(record, Mapping) or str(record.get("peft_type", "")).upper() != "LORA":
        raise LispError(f"{os.path.join(folder, CONFIG)} describes no LoRA adapter")
    for key in ("use_dora", "modules_to_save", "layer_replication"):
        if record.get(key):
            raise LispError(f"adapters with {key} are not supported")
    path = os.path.join(folder, WEIGHTS)
    if not os.path.isfile(path):
        path = os.path.join(folder, PICKLED)
    state = storage.read_file(path)
    halves: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        match = _TENSOR.fullmatch(key.removeprefix(_PREFIX))
        if match is None or not isinstance(value, Tensor) or value.dim() != 2:
            raise LispError(f"{path} holds '{key}', which is no adapter of a linear layer")
        halves.setdefault(match[1], {})[match[2]] = value
    pairs = {}
    for name, pair in halves.items():
        if set(pair) != {"A", "B"} or pair["A"].shape[0] != pair["B"].shape[1]:
            raise LispError(f"{path} has no whole adapter for '{name}'")
        pairs[name] = (pair["A"], pair["B"])
    if not pairs:
        raise LispError(f"{path} holds no adapters")
    alphas = record.get("alpha_pattern") or {}
    configs = {}
    for name, (a, _) in pairs.items():
        alpha = next((v for k, v in alphas.items() if _fits(k, name)), record.get("lora_alpha", 8))
        configs[name] = LoRAConfig(
            a.shape[0], alpha, record.get("lora_dropout") or 0.0, bool(record.get("use_rslora"))
        )
    return pairs, configs


def _fits(pattern: str, name: str) -> bool:
    """Does a key of PEFT's alpha_pattern mean this layer?"""
    if name == pattern or name.endswith(f".{pattern}"):
        return True
    try:
        return re.fullmatch(rf"(.*\.)?(?:{pattern})", name) is not None
    except re.error:
        return False


def load_peft(model: nn.Module, folder: str, name: str) -> None:
    pairs, configs = read_peft(folder)
    model = bare_model(model)
    there = candidates(model)
    missing = [target for target in pairs if target not in there]
    if missing:
        raise LispError(
            f"the model has no linear layer '{missing[0]}'",
            hint=f"its layers are: {' '.join(list(there)[:12])} ...",
        )
    for target, (a, b) in pairs.items():
        module = there[target]
        wanted = sizes_of(module)
        if (a.shape[1], b.shape[0]) != wanted:
            raise LispError(
                f"the adapter of '{target}' is for {a.shape[1]} -> {b.shape[0]}, "
                f"the layer is {wanted[0]} -> {wanted[1]}"
            )
        if isinstance(module, Adapted) and name in module.configs:
            raise LispError(f"the model has an adapter '{name}' already")
    for target, layer in add_adapter(model, LoRAConfig(), name, each=configs).items():
        replace(layer, name, configs[target], *pairs[target])
