"""Low-rank adapters (LoRA): layers, whole models, merging, several adapters by name."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.values.lists import List

from . import lora_files, lora_models
from .arguments import (
    boolean,
    is_list,
    known,
    module,
    modules,
    options,
    positive,
    tensor,
    text,
    what,
)
from .lora_layers import DEFAULT, Adapted, LoRAConfig, LoRALinear
from .lora_models import some_layers
from .persistence import path_of

LIBRARY = "lispe_torch"


def layer_of(value: Any) -> Adapted:
    if isinstance(value, Adapted):
        return value
    raise LispError(f"lora_layer must be a LoRA layer, not {what(value)}")


def _config(rank: Any, alpha: Any, inputs: int, outputs: int, given: Any) -> LoRAConfig:
    settings = options(given, "options")
    known(settings, ("dropout", "rslora", "bias"), "LoRA layer")
    found = LoRAConfig(rank, alpha, settings.get("dropout", 0.0), settings.get("rslora"))
    if found.rank > min(inputs, outputs):
        raise LispError(
            f"rank {found.rank} is above the sizes of the layer ({inputs} -> {outputs})"
        )
    return found


@primitive("torch_lora_linear", "torch_lora_linear_create", library=LIBRARY)
def torch_lora_linear(
    in_features: Any, out_features: Any, rank: Any, alpha: Any, options_: Any = None
) -> LoRALinear:
    """Make a frozen linear layer with a low-rank adapter (Hu et al. 2021).

    y = x W^T + b + (alpha/rank) (x A^T) B^T, A [rank,in] drawn from
    N(0, 1/sqrt(rank)), B [out,rank] zeros: a fresh layer equals its base. The
    rank is at least 1 and at most the smaller size. Options are dropout, bias
    and rslora (the scale is alpha/sqrt(rank)).

    (torch_lora_linear 512 256 16 32)
    ; LoRA Linear Layer (512 -> 256, rank=16, alpha=32, merged=false)
    """
    inputs, outputs = positive(in_features, "in_features"), positive(out_features, "out_features")
    config = _config(rank, alpha, inputs, outputs, options_)
    made = LoRALinear(inputs, outputs, options(options_).get("bias", True))
    made.add(DEFAULT, config, made.weight)
    return made


@primitive("torch_lora_apply_to_linear", library=LIBRARY)
def torch_lora_apply_to_linear(
    linear_layer: Any, rank: Any, alpha: Any, options_: Any = None
) -> LoRALinear:
    """Make a LoRA layer with copies of the weight and the bias of a linear layer.

    The linear layer stays as it is, and training it later does not reach the
    copy. Another kind of module is an error.

    (torch_lora_apply_to_linear (torch_linear 6 4) 2 8)
    ; LoRA Linear Layer (6 -> 4, rank=2, alpha=8, merged=false)
    """
    if not isinstance(linear_layer, nn.Linear):
        raise LispError(f"linear_layer must be a linear layer, not {what(linear_layer)}")
    inputs, outputs = linear_layer.in_features, linear_layer.out_features
    config = _config(rank, alpha, inputs, outputs, options_)
    made = LoRALinear.around(linear_layer, copied=True)
    made.add(DEFAULT, config, made.weight)
    return made


@primitive("torch_lora_forward", "torch_lora_linear_forward", library=LIBRARY)
def torch_lora_forward(lora_layer: Any, input: Any) -> Tensor:
    """Run a LoRA layer on [..., in]; the result is [..., out].

    Once merged the adapters are part of the weight and cost nothing.

    (torch_shape (torch_lora_forward (torch_lora_linear 6 4 2 8) (tensor_ones '(3 6))))
    ; (3 4)
    """
    return layer_of(lora_layer)(tensor(input, "input"))


@primitive("torch_lora_forward_with_gradients", library=LIBRARY)
def torch_lora_forward_with_gradients(
    lora_layer: Any, input: Any, retain_graph: Any = True
) -> Tensor:
    """Run a LoRA layer with gradients recorded, whether or not recording is switched off.

    retain_graph is accepted for older programs; torch_backward decides what is kept.

    (torch_set_grad_enabled nil)
    (setq y (torch_lora_forward_with_gradients (torch_lora_linear 3 2 1 1) (tensor_ones '(1 3))))
    (torch_set_grad_enabled true)
    (torch_backward (tensor_sum y))
    ; true
    """
    boolean(retain_graph, "retain_graph")
    with torch.enable_grad():
        return layer_of(lora_layer)(tensor(input, "input"))


@primitive("torch_lora_merge_weights", "torch_lora_merge", library=LIBRARY)
def torch_lora_merge_weights(lora_layer: Any) -> str:
    """Put the active adapters of a layer, or of all layers of a model, into the weights.

    The forward pass then skips the adapters. A second call changes nothing.
    The weight of before is kept aside until torch_lora_unmerge.

    (torch_lora_merge_weights (torch_lora_linear 6 4 2 8))
    ; LoRA weights merged successfully
    """
    for layer in some_layers(lora_layer).values():
        layer.merge()
    return "LoRA weights merged successfully"


@primitive("torch_lora_unmerge_weights", "torch_lora_unmerge", library=LIBRARY)
def torch_lora_unmerge_weights(lora_layer: Any) -> str:
    """Take merged adapters out of the weights again, to the very bits of before.

    (setq l (torch_lora_linear 6 4 2 8))
    (torch_lora_merge_weights l)
    (torch_lora_unmerge_weights l)
    ; LoRA weights unmerged successfully
    """
    for layer in some_layers(lora_layer).values():
        layer.unmerge()
    return "LoRA weights unmerged successfully"


@primitive("torch_lora_compute_delta", library=LIBRARY)
def torch_lora_compute_delta(lora_layer: Any) -> Tensor:
    """What the active adapters add to the weight: (alpha/rank) B A, a tensor [out,in].

    (tensor_sum (torch_lora_compute_delta (torch_lora_linear 6 4 2 8)))
    ; 0
    """
    return layer_of(lora_layer).delta()


@primitive("torch_lora_get_adaptation_magnitude", library=LIBRARY)
def torch_lora_get_adaptation_magnitude(lora_layer: Any) -> float:
    """The Frobenius norm of what the active adapters add to the weight.

    (torch_lora_get_adaptation_magnitude (torch_lora_linear 6 4 2 8))
    ; 0
    """
    return float(layer_of(lora_layer).delta().detach().norm())


@primitive("torch_lora_trainable_params", "torch_lora_get_trainable_params", library=LIBRARY)
def torch_lora_trainable_params(layer_or_model: Any) -> List:
    """A and B of every active adapter of a layer, a model or a list of them, for an optimiser.

    The list is empty where there is no LoRA layer.

    (size (torch_lora_trainable_params (torch_lora_linear 6 4 2 8)))
    ; 2
    """
    found: dict[int, Tensor] = {}
    for member in modules(layer_or_model, "model"):
        for layer in lora_models.adapted_layers(member).values():
            found.update((id(part), part) for part in layer.trained())
    return List(found.values())


# ------------------------------------------------------------------ whole models


@primitive("torch_lora_config", library=LIBRARY)
def torch_lora_config(config: Any = None) -> LoRAConfig:
    """Make a LoRA configuration from a dictionary or a list of pairs.

    Keys: rank (16), alpha (16), target_modules (all-linear), dropout (0) and
    rslora (nil). The names that PEFT uses, such as r and lora_alpha, will do.

    (torch_lora_config (dictionary "rank" 8 "alpha" 16 "target_modules" (list "q_proj" "v_proj")))
    ; LoRA Config (rank=8, alpha=16, targets=2)
    """
    return lora_models.configuration(config)[0]


@primitive("torch_lora_targets", library=LIBRARY)
def torch_lora_targets(model: Any) -> List:
    """The names of all modules of a model that can get an adapter.

    in_proj is the joint projection of an attention layer to queries, keys and values.

    (torch_lora_targets (torch_transformer_block 8 2 16))
    ; ("self_attn.in_proj" "self_attn.out_proj" "linear1" "linear2")
    """
    return List(lora_models.candidates(lora_models.bare_model(module(model, "model"))))


@primitive(
    "torch_lora_apply", "torch_lora_apply_to_model", "torch_lora_add_adapter", library=LIBRARY
)
def torch_lora_apply(model: Any, config: Any = None, adapter_name: Any = DEFAULT) -> Any:
    """Give modules of a model an adapter, and freeze everything else. The model is returned.

    The configuration is that of torch_lora_config. target_modules are names,
    ends of names ("linear1"), patterns ("layers.*.linear?"), one regular
    expression, or "all-linear": every linear layer but the output head. A
    target that is not there is an error that lists those that are. The new
    adapter is the active one; others stay, by their names.

    (setq m (torch_lora_apply (torch_model 4 8 3)
       (dictionary "rank" 2 "target_modules" (list "fc1" "fc2"))))
    (size (torch_model_parameters m))
    ; 4
    """
    settings, dtype = lora_models.configuration(config)
    name = DEFAULT if adapter_name is None else text(adapter_name, "adapter_name")
    lora_models.add_adapter(module(model, "model"), settings, name, dtype)
    return model


@primitive("torch_lora_adapters", library=LIBRARY)
def torch_lora_adapters(model: Any) -> List:
    """The names of the adapters of a layer or model.

    (torch_lora_adapters (torch_lora_apply (torch_model 4 8 3)))
    ; ("default")
    """
    found = [
        layer
        for member in modules(model, "model")
        for layer in lora_models.adapted_layers(member).values()
    ]
    return List(lora_models.names_of(found))


@primitive("torch_lora_set_adapter", "torch_lora_set_active", library=LIBRARY)
def torch_lora_set_adapter(model: Any, adapter_names: Any = None) -> bool:
    """Use the adapter of a name, or the sum of several; nil or an empty list use none.

    Only what is used is trained. A merged model is unmerged first. An unknown
    name is an error that lists those that are there.

    (setq m (torch_lora_apply (torch_lora_apply (torch_model 4 8 3) nil "french") nil "german"))
    (torch_lora_set_adapter m "french")
    ; true
    """
    if adapter_names is None:
        names = []
    elif is_list(adapter_names):
        names = [text(name, "the name of an adapter") for name in adapter_names]
    else:
        names = [text(adapter_names, "the name of an adapter")]
    lora_models.activate(model, names)
    return True


@primitive("torch_lora_delete_adapter", library=LIBRARY)
def torch_lora_delete_adapter(model: Any, adapter_name: Any) -> bool:
    """Remove the adapter of a name from a layer or model.

    (setq m (torch_lora_apply (torch_model 4 8 3)))
    (torch_lora_delete_adapter m "default")
    (torch_lora_adapters m)
    ; ()
    """
    name = text(adapter_name, "adapter_name")
    layers = [layer for layer in some_layers(model).values() if name in layer.configs]
    if not layers:
        there = lora_models.names_of(some_layers(model).values())
        raise LispError(
            f"there is no adapter '{name}' here",
            hint=f"the adapters are: {' '.join(there) or 'none'}",
        )
    for layer in layers:
        layer.remove(name)
    return True


@primitive("torch_lora_merge_and_unload", "torch_lora_unload", library=LIBRARY)
def torch_lora_merge_and_unload(model: Any) -> Any:
    """Merge the active adapters and make plain layers of the LoRA layers of a model.

    What is left is a model as it was before, with the adapted weights: for
    deployment, and for files that need no LoRA. The model is returned.

    (torch_lora_merge_and_unload (torch_lora_apply (torch_model 4 8 3)))
    ; PyTorch Model
    """
    found = lora_models.bare_model(module(model, "model"))
    some_layers(found)
    lora_models.unload(found)
    return model


# ------------------------------------------------------------------ files


@primitive("torch_lora_save_adapters", library=LIBRARY, needs=("fs",))
def torch_lora_save_adapters(lora_layer: Any, path: Any) -> str:
    """Write the active adapters of a layer, a model or a list of layers to a file.

    A and B of every layer, with rank, alpha and sizes; the base is not
    written. The file is a PyTorch archive, or safetensors if it is named so.

    (torch_lora_save_adapters (torch_lora_linear 6 4 2 8) "adapters.pt")
    ; LoRA adapters saved successfully
    """
    if isinstance(lora_layer, str):
        lora_layer, path = path, lora_layer
    lora_files.save(some_layers(lora_layer), path_of(path))
    return "LoRA adapters saved successfully"


@primitive("torch_lora_load_adapters", library=LIBRARY, needs=("fs",))
def torch_lora_load_adapters(lora_layer: Any, path: Any) -> str:
    """Read adapters from a file into a layer, a model or a list of layers.

    Written (layer path) or (path layer). Another rank or other sizes, layers that the
    file lacks, a missing or damaged file, are errors that leave everything as
    it was. A merge is undone first.

    (torch_lora_save_adapters (torch_lora_linear 6 4 2 8) "adapters.pt")
    (torch_lora_load_adapters (torch_lora_linear 6 4 2 8) "adapters.pt")
    ; LoRA adapters loaded successfully
    """
    if isinstance(lora_layer, str):
        lora_layer, path = path, lora_layer
    lora_files.load(some_layers(lora_layer), path_of(path))
    return "LoRA adapters loaded successfully"


@primitive("torch_lora_save_peft", "torch_lora_save_pretrained", library=LIBRARY, needs=("fs",))
def torch_lora_save_peft(model: Any, folder: Any, adapter_name: Any = None) -> str:
    """Write an adapter of a model in the file format of the PEFT library.

    The folder gets adapter_config.json and adapter_model.safetensors. Without
    a name it is the active adapter.

    (torch_lora_save_peft (torch_lora_apply (torch_model 4 8 3)) "adapter")
    ; LoRA adapters saved successfully
    """
    name = None if adapter_name is None else text(adapter_name, "adapter_name")
    lora_files.save_peft(some_layers(module(model, "model")), path_of(folder), name)
    return "LoRA adapters saved successfully"


@primitive("torch_lora_load_peft", "torch_lora_load_pretrained", library=LIBRARY, needs=("fs",))
def torch_lora_load_peft(model: Any, folder: Any, adapter_name: Any = DEFAULT) -> Any:
    """Give a model the adapter that a folder holds in the file format of PEFT.

    The model needs no adapters before; it is returned. Layers that the model
    lacks, other sizes, and kinds of adapters other than LoRA on linear layers
    are errors. Nothing in the files is executed.

    (torch_lora_save_peft (torch_lora_apply (torch_model 4 8 3)) "adapter")
    (torch_lora_load_peft (torch_model 4 8 3) "adapter")
    ; PyTorch Model
    """
    name = DEFAULT if adapter_name is None else text(adapter_name, "adapter_name")
    lora_files.load_peft(module(model, "model"), path_of(folder), name)
    return model
