"""Hugging Face models: low-rank adapters for all layers at once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.lists import List

from .. import storage
from ..arguments import boolean, is_list, known, options, shape_text
from ..lora_layers import DEFAULT, Adapted, LoRAConfig
from ..lora_models import adapted_layers, add_adapter, configuration
from ..persistence import path_of
from .handles import Handle, handle_of

LIBRARY = "lispe_torch"

#: The projections that can be adapted, and what they are part of.
TARGETS = {
    "q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn", "o_proj": "self_attn",
    "gate_proj": "mlp", "up_proj": "mlp", "down_proj": "mlp",
}  # fmt: skip

_LAYER = re.compile(r"model\.layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)")


def _lora_handle(lisp: Context, name: Any) -> Handle:
    handle = handle_of(lisp, name)
    if not handle.for_lora:
        raise LispError(
            f"'{handle.name}' was not loaded for adapters",
            hint="load it by torch_hf_load_model_lora",
        )
    return handle


def _layers(handle: Handle) -> dict[str, Adapted]:
    """The adapted layers, under the names that files give them: ``layer.0.q_proj``."""
    found: dict[str, Adapted] = {}
    for name, layer in adapted_layers(handle.decoder).items():
        match = _LAYER.fullmatch(name)
        if match is not None and DEFAULT in layer.configs:
            found[f"layer.{match[1]}.{match[2]}"] = layer
    if not found:
        raise LispError(
            f"'{handle.name}' has no adapters yet", hint="make them by torch_hf_lora_init"
        )
    return found


def _parameters(handle: Handle) -> dict[str, Tensor]:
    """A and B of all layers, in order, by name."""
    found: dict[str, Tensor] = {}
    for name, layer in _layers(handle).items():
        a, b = layer.pair(DEFAULT)
        found[f"{name}.lora_A.weight"], found[f"{name}.lora_B.weight"] = a, b
    return found


@primitive("torch_hf_lora_init", library=LIBRARY, interpreter=True)
def torch_hf_lora_init(
    lisp: Context,
    model_name: Any,
    rank: Any,
    alpha: Any = None,
    target_modules: Any = None,
    dtype: Any = "float32",
) -> bool:
    """Give the named projections of every layer of a model an adapter.

    Written (name rank alpha target_modules [dtype]), or (name config) with the keys
    rank, alpha, target_modules and dtype. The targets are among q_proj k_proj
    v_proj o_proj gate_proj up_proj down_proj. Fresh adapters leave the model
    as it is; the ones it had are replaced. Everything else is frozen.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_load_model_lora "mine" "tiny")
    (torch_hf_lora_init "mine" 2 4 (list "q_proj" "v_proj"))
    ; true
    """
    handle = _lora_handle(lisp, model_name)
    if isinstance(rank, Mapping) or is_list(rank):
        given = options(rank)
    else:
        given = {"rank": rank, "alpha": alpha, "target_modules": target_modules, "dtype": dtype}
    known(given, ("rank", "alpha", "target_modules", "dtype", "dropout", "rslora"), "LoRA")
    config, kind = configuration({"dtype": "float32", **given})
    _check_targets(config)
    for layer in adapted_layers(handle.decoder).values():
        if DEFAULT in layer.configs:
            layer.remove(DEFAULT)
    add_adapter(handle.decoder, config, DEFAULT, kind)
    return True


def _check_targets(config: LoRAConfig) -> None:
    if config.targets == "all-linear":
        return
    names = [config.targets] if isinstance(config.targets, str) else config.targets
    for name in names:
        if name not in TARGETS:
            raise LispError(
                f"unknown target module: '{name}'", hint=f"there are: {' '.join(TARGETS)}"
            )
    config.targets = list(names)


@primitive(
    "torch_hf_lora_get_parameters", "torch_hf_lora_parameters", library=LIBRARY, interpreter=True
)
def torch_hf_lora_get_parameters(lisp: Context, model_name: Any) -> List:
    """A and B of every adapter of a model, in the order of the layers, for an optimiser.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_load_model_lora "mine" "tiny")
    (torch_hf_lora_init "mine" 2 4 (list "q_proj" "v_proj"))
    (size (torch_hf_lora_get_parameters "mine"))
    ; 4
    """
    return List(_parameters(_lora_handle(lisp, model_name)).values())


@primitive("torch_hf_lora_save", library=LIBRARY, needs=("fs",), interpreter=True)
def torch_hf_lora_save(lisp: Context, model_name: Any, path: Any) -> bool:
    """Write the adapters of a model to a file, a PyTorch archive or safetensors by its name.

    Every A and B under layer.<i>.<module>.lora_A.weight and lora_B.weight.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_load_model_lora "mine" "tiny")
    (torch_hf_lora_init "mine" 2 4 (list "q_proj" "v_proj"))
    (torch_hf_lora_save "mine" "adapters.pt")
    ; true
    """
    tensors = _parameters(_lora_handle(lisp, model_name))
    name = path_of(path)
    plain = {key: value.detach().cpu() for key, value in tensors.items()}
    if name.endswith(".safetensors"):
        storage.write_safetensors(name, plain)
    else:
        storage.write_torch(name, plain)
    return True


@primitive("torch_hf_lora_load", library=LIBRARY, needs=("fs",), interpreter=True)
def torch_hf_lora_load(lisp: Context, model_name: Any, path: Any) -> bool:
    """Read the adapters of a model from a file; a merge is undone first.

    The model must have adapters of the same rank on the same projections. A
    missing or damaged file, and one that does not fit, are errors that leave
    the model as it was.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_load_model_lora "mine" "tiny")
    (torch_hf_lora_init "mine" 2 4 (list "q_proj" "v_proj"))
    (torch_hf_lora_save "mine" "adapters.pt")
    (torch_hf_lora_load "mine" "adapters.pt")
    ; true
    """
    handle = _lora_handle(lisp, model_name)
    own, name = _parameters(handle), path_of(path)
    given = _read(name)
    for key, parameter in own.items():
        value = given.get(key)
        if value is None:
            raise LispError(f"{name} has no '{key}'")
        if value.shape != parameter.shape:
            raise LispError(
                f"'{key}' has the shape {shape_text(value)} in {name}, not {shape_text(parameter)}"
            )
    surplus = [key for key in given if key not in own]
    if surplus:
        raise LispError(f"{name} holds '{surplus[0]}', for which the model has no adapter")
    for layer in _layers(handle).values():
        layer.unmerge()
    for key, parameter in own.items():
        parameter.data.copy_(given[key])
    return True


def _read(path: str) -> dict[str, Tensor]:
    """The tensors of an adapter file by name; older files keep the names in a text beside."""
    found = storage.read_file(path)
    beside = f"{path}.keys"
    if os.path.isfile(beside):
        try:
            with open(beside, encoding="utf-8") as stream:
                names = [line.strip() for line in stream if line.strip()]
        except (OSError, ValueError) as error:
            raise LispError(f"cannot read {beside}: {storage.reason(error)}") from None
        values = list(found.values()) if isinstance(found, Mapping) else list(found)
        if len(names) != len(values):
            raise LispError(f"{beside} has {len(names)} names for {len(values)} tensors")
        found = dict(zip(names, values, strict=True))
    if not isinstance(found, Mapping) or not all(isinstance(v, Tensor) for v in found.values()):
        raise LispError(f"cannot read {path}: it holds no adapters")
    return dict(found)


@primitive("torch_hf_lora_merge", library=LIBRARY, interpreter=True)
def torch_hf_lora_merge(lisp: Context, model_name: Any) -> bool:
    """Put the adapters of a model into its weights; a second call changes nothing.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_load_model_lora "mine" "tiny")
    (torch_hf_lora_init "mine" 2 4 (list "q_proj" "v_proj"))
    (torch_hf_lora_merge "mine")
    ; true
    """
    for layer in _layers(_lora_handle(lisp, model_name)).values():
        layer.merge()
    return True


@primitive("torch_hf_lora_unmerge", library=LIBRARY, interpreter=True)
def torch_hf_lora_unmerge(lisp: Context, model_name: Any) -> bool:
    """Take merged adapters of a model out of its weights again, to the very bits of before.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_load_model_lora "mine" "tiny")
    (torch_hf_lora_init "mine" 2 4 (list "q_proj" "v_proj"))
    (torch_hf_lora_unmerge "mine")
    ; true
    """
    for layer in _layers(_lora_handle(lisp, model_name)).values():
        layer.unmerge()
    return True


@primitive("torch_hf_lora_enable", library=LIBRARY, interpreter=True)
def torch_hf_lora_enable(lisp: Context, model_name: Any, enable: Any = True) -> bool:
    """Use the adapters of a model in its forward pass, or with nil ignore them.

    To ignore merged adapters is to unmerge them.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_load_model_lora "mine" "tiny")
    (torch_hf_lora_init "mine" 2 4 (list "q_proj" "v_proj"))
    (torch_hf_lora_enable "mine" nil)
    ; true
    """
    on = boolean(enable, "enable")
    for layer in _layers(_lora_handle(lisp, model_name)).values():
        if not on:
            layer.unmerge()
        layer.enabled = on
    return True
