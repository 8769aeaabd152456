"""Adapters for whole models: which modules get one, and what is done with all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError

from .arguments import floating_dtype, is_list, known, modules, options, text, what
from .checkpointing import Checkpointed
from .layers import Layer, Linear, MultiHeadAttention, replace_part
from .lora_layers import DEFAULT, Adapted, LoRAAttention, LoRAConfig, LoRALinear, LoRAOver

#: The joint projection of an attention layer, which is no module of its own, as a target.
IN_PROJECTION = "in_proj"
ALL_LINEAR = "all-linear"

#: Keys of a configuration, with the spellings of others.
_KEYS = {
    "rank": "rank", "r": "rank", "alpha": "alpha", "lora_alpha": "alpha", "dropout": "dropout",
    "lora_dropout": "dropout", "rslora": "rslora", "use_rslora": "rslora",
    "target_modules": "targets", "targets": "targets", "dtype": "dtype",
}  # fmt: skip

#: Names of output heads, which `all-linear` leaves out.
_HEADS = ("lm_head", "head")


def configuration(value: Any) -> tuple[LoRAConfig, torch.dtype | None]:
    """A configuration, and the element type it asks for."""
    if isinstance(value, LoRAConfig):
        return value, None
    given = options(value)
    known(given, _KEYS, "LoRA configuration")
    found = {_KEYS[key]: item for key, item in given.items() if item is not None}
    dtype = found.pop("dtype", None)
    found["targets"] = targets_of(found.get("targets", ALL_LINEAR))
    return LoRAConfig(**found), None if dtype is None else floating_dtype(dtype)


def targets_of(value: Any) -> str | list[str]:
    """Names of modules, or one pattern."""
    if isinstance(value, str):
        return value
    if is_list(value):
        found = [text(member, "a target module") for member in value]
        if found:
            return found
        raise LispError("target_modules must name at least one module")
    raise LispError(f"target_modules must be a list of names, not {what(value)}")


# ------------------------------------------------------------------ targets


def _base_of(module: nn.Module) -> bool:
    """Can adapters be put on this module?"""
    if isinstance(module, (LoRALinear, LoRAOver, nn.Linear)):
        return True
    return isinstance(module, Layer) and module.stands_in and hasattr(module, "in_features")


def candidates(model: nn.Module) -> dict[str, nn.Module]:
    """Everything that can get an adapter, by its dotted name."""
    found: dict[str, nn.Module] = {}
    inside: list[str] = []
    for name, module in model.named_modules(remove_duplicate=False):
        if any(name.startswith(prefix) for prefix in inside):
            continue
        if isinstance(module, nn.MultiheadAttention) and not isinstance(module, Layer):
            # Torch's own attention uses the weights of its parts, not the parts.
            inside.append(f"{name}." if name else "")
            continue
        if isinstance(module, (LoRAOver, LoRALinear)):
            inside.append(f"{name}.")
        if _base_of(module):
            found[name] = module
        elif isinstance(module, MultiHeadAttention):
            found[f"{name}.{IN_PROJECTION}" if name else IN_PROJECTION] = module
    return found


def _matches(name: str, target: str) -> bool:
    """Is it this name, does it end in it, or does a pattern with * and ? fit?"""
    if name == target or name.endswith(f".{target}"):
        return True
    return any(c in target for c in "*?[") and fnmatchcase(name, target)


def chosen(model: nn.Module, targets: str | list[str]) -> dict[str, nn.Module]:
    """The modules that are meant: by names, ends of names, patterns, or all-linear.

    A lone string that is no name is a regular expression for the whole name,
    as in PEFT.
    """
    there = candidates(model)
    if targets == ALL_LINEAR:
        found = {n: m for n, m in there.items() if n.rpartition(".")[2] not in _HEADS}
        if found or not there:
            return _some(found, ALL_LINEAR, there)
        return there
    if isinstance(targets, str):
        found = {n: m for n, m in there.items() if _matches(n, targets)}
        if not found:
            try:
                pattern = re.compile(targets)
            except re.error as error:
                raise LispError(f"'{targets}' is no regular expression: {error}") from None
            found = {n: m for n, m in there.items() if pattern.fullmatch(n)}
        return _some(found, targets, there)
    found = {}
    for target in targets:
        part = {n: m for n, m in there.items() if _matches(n, target)}
        found.update(_some(part, target, there))
    return found


def _some(
    found: dict[str, nn.Module], target: str, there: Mapping[str, nn.Module]
) -> dict[str, nn.Module]:
    if found:
        return found
    shorts = dict.fromkeys(re.sub(r"(^|\.)\d+(?=\.|$)", r"\1*", name) for name in there)
    raise LispError(
        f"no module '{target}' can get an adapter; there are: {' '.join(shorts) or 'none'}"
    )


# ------------------------------------------------------------------ adapters


def adapted_layers(model: nn.Module) -> dict[str, Adapted]:
    """The layers with adapters, by their dotted names."""
    return {n: m for n, m in model.named_modules() if isinstance(m, Adapted)}


def target_name(name: str, layer: Adapted) -> str:
    """The name under which the adapters of a layer are written."""
    if isinstance(layer, LoRAAttention):
        return f"{name}.{IN_PROJECTION}" if name else IN_PROJECTION
    return name


def some_layers(value: Any) -> dict[str, Adapted]:
    """The adapted layers of a layer, a model or a list of them; at least one."""
    members = modules(value, "lora_layer")
    found: dict[str, Adapted] = {}
    for index, member in enumerate(members):
        for name, layer in adapted_layers(member).items():
            found[name if isinstance(value, nn.Module) else f"{index}.{name}".rstrip(".")] = layer
    if not found:
        raise LispError(
            f"argument must be a LoRA layer or a model that has some, not {what(value)}"
        )
    return found


def _put(model: nn.Module, name: str, module: nn.Module) -> Adapted:
    """The layer with adapters in the place of a module, which may be one already."""
    if isinstance(module, Adapted):
        return module
    if isinstance(module, MultiHeadAttention):
        made: Adapted = LoRAAttention.around(module)
    elif isinstance(module, nn.Linear):
        made = LoRALinear.around(module)
    else:
        made = LoRAOver(module)
    if not name or name == IN_PROJECTION:
        raise LispError(
            "the module itself cannot be replaced",
            hint="make a LoRA layer of it: (torch_lora_apply_to_linear linear rank alpha)",
        )
    place = name.removesuffix(f".{IN_PROJECTION}") if isinstance(made, LoRAAttention) else name
    replace_part(model, place, made)
    return made


def add_adapter(
    model: nn.Module,
    config: LoRAConfig,
    name: str = DEFAULT,
    dtype: torch.dtype | None = None,
    each: Mapping[str, LoRAConfig] | None = None,
) -> dict[str, Adapted]:
    """Give the chosen modules of a model an adapter, and freeze everything else.

    ``each`` names the modules one by one, with a configuration for each.
    """
    model = bare_model(model)
    there = candidates(model) if each else {}
    found = {path: there[path] for path in each} if each else chosen(model, config.targets)
    for path, module in found.items():
        if isinstance(module, Adapted) and name in module.configs:
            raise LispError(f"'{path}' has an adapter '{name}' already")
    made: dict[str, Adapted] = {}
    replaced: dict[int, Adapted] = {}
    for path, module in found.items():
        layer = replaced.get(id(module))
        if layer is None:
            layer = replaced[id(module)] = _put(model, path, module)
            one = each[path] if each else config
            layer.unmerge()
            layer.add(name, one, _like(layer), dtype)
        else:
            replace_part(model, path.removesuffix(f".{IN_PROJECTION}"), layer)
        made[path] = layer
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for layer in adapted_layers(model).values():
        layer.activate([name] if name in layer.configs else [])
    return made


def sizes_of(module: Any) -> tuple[int, int]:
    """What a module takes and gives, as an adapter on it does."""
    if isinstance(module, nn.MultiheadAttention):
        return module.embed_dim, 3 * module.embed_dim
    return module.in_features, module.out_features


def bare_model(model: nn.Module) -> nn.Module:
    while isinstance(model, Checkpointed):
        model = model.wrapped
    return model


def _like(layer: Adapted) -> Tensor:
    if isinstance(layer, LoRAOver):
        return layer.like()
    found: Tensor = getattr(layer, layer.weight_name)
    return found


def names_of(layers: Iterable[Adapted]) -> list[str]:
    """The names of the adapters of a model, each once."""
    return list(dict.fromkeys(name for layer in layers for name in layer.configs))


def activate(model: Any, names: list[str]) -> None:
    """Use these adapters in every layer that has them; the error names those that exist."""
    layers = list(some_layers(model).values())
    there = names_of(layers)
    for name in names:
        if name not in there:
            raise LispError(
                f"there is no adapter '{name}' here",
                hint=f"the adapters are: {' '.join(there) or 'none'}",
            )
    for layer in layers:
        layer.unmerge()
        layer.activate([name for name in names if name in layer.configs])


def unload(model: nn.Module) -> int:
    """Merge the active adapters, and put plain layers in the place of those with adapters."""
    found = adapted_layers(model)
    for name, layer in found.items():
        layer.merge()
        if not name:
            raise LispError("a lone LoRA layer cannot be replaced: merge it instead")
    for name, layer in found.items():
        replace_part(model, name, _plain(layer))
    return len(found)


def _plain(layer: Adapted) -> nn.Module:
    """A layer without adapters, with the same parameters."""
    with torch.device("meta"):
        made: Any
        if isinstance(layer, LoRAAttention):
            made = MultiHeadAttention(layer.embed_dim, layer.num_heads)
        else:
            assert isinstance(layer, LoRALinear)
            made = Linear(layer.in_features, layer.out_features, layer.bias is not None)
    for name, parameter in list(made.named_parameters(recurse=False)):
        setattr(made, name, getattr(layer, name))
        assert parameter.is_meta
    if isinstance(layer, LoRAAttention):
        made.out_proj = layer.out_proj
    made.train(layer.training)
    return made  # type: ignore[no-any-return]
