"""TorchScript models: loaded, inspected, run, and adapted without changing their code."""

from __future__ import annotations

import io
import os
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers, Strings

from . import storage
from .arguments import is_list, module, shape_text, tensor, text, what
from .devices import device_of
from .language_models import LanguageModel
from .lora_layers import Adapted, LoRALinear
from .persistence import path_of
from .script_graphs import states_at

LIBRARY = "lispe_torch"

NOT_LOADED = "Model not loaded"

#: Methods that are tried, in this order, to run a model.
METHODS = ("forward", "predict", "infer", "inference", "run", "encode", "__call__")

_MEGABYTE = 1 << 20


class ScriptModel:
    """A TorchScript module, and the adapters that hang on its weights."""

    def __init__(self, script: Any, names: Mapping[str, str] | None = None) -> None:
        self.script: Any = script
        #: Original names of weights, for those that were stored under safer ones.
        self.names = dict(names or {})
        self.hooks: dict[str, Adapted] = {}
        self.kept: dict[str, Tensor] = {}

    @property
    def module(self) -> Any:
        if self.script is None:
            raise LispError(NOT_LOADED)
        return self.script

    def device(self) -> torch.device:
        return next((t.device for _, t in self.tensors()), torch.device("cpu"))

    # ------------------------------------------------------------ tensors

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters, then buffers."""
        yield from self.module.named_parameters()
        yield from self.module.named_buffers()

    def resolve(self, name: str, among: Mapping[str, Tensor]) -> str:
        """The stored name of a tensor: exact, original, or with . / - written as _."""
        if name in among:
            return name
        given = self.names.get(name, "")
        if given in among:
            return given
        safe = _safe(name)
        found = next((stored for stored in among if _safe(stored) == safe), None)
        if found is None:
            raise LispError(
                f"the model has no tensor '{name}'", hint=f"it has: {' '.join(list(among)[:20])}"
            )
        return found

    def parameter(self, value: Any) -> tuple[str, Tensor]:
        """A weight by its name."""
        weights = dict(self.module.named_parameters())
        stored = self.resolve(text(value, "name"), weights)
        return stored, weights[stored]

    def place(self, name: str, value: Tensor) -> None:
        """Put a tensor, which need not be a parameter, where a weight was."""
        above, _, last = name.rpartition(".")
        setattr(dict(self.module.named_modules())[above], last, value)

    # ------------------------------------------------------------ running

    def method(self) -> tuple[str, Any]:
        """The method that runs the model."""
        there = set(self.module._c._method_names())
        for name in METHODS:
            if name in there:
                return name, getattr(self.module, name)
        raise LispError(
            "the model has no forward method", hint=f"it has: {' '.join(sorted(there))}"
        )

    def forward(self, value: Tensor) -> Tensor:
        _, run = self.method()
        place = self.device()
        found = _run(run, value.to(place))
        if not isinstance(found, Tensor):
            raise LispError(f"the model gives no tensor but {what(found)}")
        return found

    @contextmanager
    def adapted(self, adapters: Mapping[str, Adapted]) -> Iterator[None]:
        """The adapters added to their weights; gradients reach them. Always undone."""
        before: dict[str, Tensor] = {}
        try:
            for name, layer in adapters.items():
                weight = dict(self.module.named_parameters())[name]
                before[name] = weight
                delta = layer.delta().to(weight.device, weight.dtype)
                self.place(name, weight.detach() + delta)
            yield
        finally:
            for name, weight in before.items():
                self.place(name, weight)

    def language_model(self) -> LanguageModel:
        return LanguageModel(self.forward, self.module)


def _safe(name: str) -> str:
    return re.sub(r"[./-]", "_", name)


def _run(function: Any, *inputs: Any) -> Any:
    try:
        return function(*inputs)
    except LispError:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise LispError(f"the model failed: {_last_line(error)}") from None


def _last_line(error: Exception) -> str:
    """TorchScript puts the reason at the end, after a traceback of its own."""
    lines = [line.strip() for line in str(error).strip().split("\n") if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__


class ScriptAdapter(Adapter):
    name = "jit_model_"

    def show(self, value: ScriptModel) -> str:
        if value.script is None:
            return "<TorchJITModel: Not loaded>"
        count, size = _extent(value)
        buffers = [name for name, _ in value.module.named_buffers()]
        return "\n".join([
            "=== TorchScript Model Info ===",
            f"Device: {value.device()}",
            f"Parameters: {count}",
            f"Memory: {size / _MEGABYTE:.6g} MB",
            f"Buffers: {len(buffers)}{' (' + ' '.join(buffers) + ')' if buffers else ''}",
        ])  # fmt: skip

    def at(self, value: ScriptModel, keys: tuple[Any, ...]) -> Any:
        if len(keys) != 1 or not isinstance(keys[0], str):
            raise LispError("a TorchScript model is asked for a tensor by its name")
        tensors = dict(value.tensors())
        return tensors[value.resolve(keys[0], tensors)]


register_adapter(ScriptModel, ScriptAdapter())


def _extent(model: ScriptModel) -> tuple[int, int]:
    """Number of parameters, and bytes of all tensors."""
    count = sum(p.numel() for p in model.module.parameters())
    return count, sum(t.numel() * t.element_size() for _, t in model.tensors())


def model_of(value: Any) -> ScriptModel:
    if isinstance(value, ScriptModel):
        if value.script is None:
            raise LispError(NOT_LOADED)
        return value
    raise LispError(f"model must be a TorchScript model, not {what(value)}")


def _mapping(path: str) -> dict[str, str]:
    """Original names, from the file that may lie beside a model."""
    beside = f"{os.path.splitext(path)[0]}_name_mapping.json"
    if not os.path.isfile(beside):
        return {}
    found = storage.read_json(beside)
    if not isinstance(found, Mapping):
        raise LispError(f"{beside} holds no dictionary of names")
    return {str(key): str(value) for key, value in found.items()}


# ------------------------------------------------------------------ loading and placing


@primitive("torch_jit_load", library=LIBRARY, needs=("fs",), interpreter=True)
def torch_jit_load(lisp: Context, model_path: Any, device: Any = "cpu") -> ScriptModel:
    """Load a TorchScript file, in evaluation mode, and move it to a device.

    A missing or damaged file is an error; for a device that is not present
    there is a warning, and the model stays on the CPU. A file
    <name>_name_mapping.json beside it maps original names to stored ones. A
    TorchScript file holds code, which runs when the model does.

    (torch_jit_save (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))) "linear.pt")
    (torch_jit_model_list_parameter_names (torch_jit_load "linear.pt"))
    ; ("weight" "bias")
    """
    path = storage.existing(path_of(model_path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            script = torch.jit.load(path, map_location="cpu")
    except (RuntimeError, ValueError, OSError, TypeError) as error:
        whole = zipfile.is_zipfile(path)
        reason = _last_line(error).partition(". ")[0] if whole else "it is no TorchScript file"
        raise LispError(f"cannot read {path}: {reason}") from None
    script.eval()
    made = ScriptModel(script, _mapping(path))
    try:
        place = device_of("cpu" if device is None else device)
    except LispError as error:
        lisp.stderr.write(f"warning: {error.message}; the model stays on the CPU\n")
        return made
    script.to(place)
    return made


@primitive("torch_jit_trace", library=LIBRARY)
def torch_jit_trace(model: Any, input: Any) -> ScriptModel:
    """Make a TorchScript model of a module by following it on an example input.

    What depends on the values of the input, branches above all, is fixed as it
    was for the example.

    (setq m (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    (torch_shape (torch_jit_model_forward m (tensor_ones '(5 2))))
    ; (5 1)
    """
    found = module(model, "model")
    example = tensor(input, "input")
    training = found.training
    found.eval()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(found, example, check_trace=False)
            # The parts of a fresh trace cannot be called; those of one that was read can.
            archive = io.BytesIO()
            torch.jit.save(traced, archive)
            archive.seek(0)
            script = torch.jit.load(archive)
    except (RuntimeError, TypeError, ValueError) as error:
        raise LispError(f"the module cannot be traced: {_last_line(error)}") from None
    finally:
        found.train(training)
    return ScriptModel(script)


@primitive("torch_jit_save", library=LIBRARY, needs=("fs",))
def torch_jit_save(model: Any, path: Any) -> bool:
    """Write a TorchScript model to a file.

    (torch_jit_save (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))) "linear.pt")
    ; true
    """
    found, name = model_of(model).module, path_of(path)

    def write(passing: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.save(found, passing)

    storage.write_file(name, write)
    return True


@primitive("torch_jit_unload", library=LIBRARY)
def torch_jit_unload(model: Any) -> bool:
    """Free a TorchScript model; to use it afterwards is an error.

    (setq m (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    (torch_jit_unload m)
    m
    ; <TorchJITModel: Not loaded>
    """
    found = model_of(model)
    found.script = None
    found.hooks, found.kept = {}, {}
    return True


@primitive("torch_jit_model_to_device", library=LIBRARY)
def torch_jit_model_to_device(model: Any, device: Any = "cpu") -> bool:
    """Move a TorchScript model to a device; one that is not present is an error.

    (torch_jit_model_to_device (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))) "cpu")
    ; true
    """
    model_of(model).module.to(device_of("cpu" if device is None else device))
    return True


@primitive("torch_jit_model_to_mps", library=LIBRARY, interpreter=True)
def torch_jit_model_to_mps(lisp: Context, model: Any) -> bool:
    """Move a TorchScript model to MPS; without MPS there is a warning, and it stays.

    (torch_jit_model_to_mps (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    ; true
    """
    found = model_of(model)
    if torch.backends.mps.is_available():
        found.module.to("mps")
    else:
        lisp.stderr.write("warning: MPS is not available; the model stays where it is\n")
    return True


@primitive("torch_jit_model_to_best_device", library=LIBRARY)
def torch_jit_model_to_best_device(model: Any) -> bool:
    """Move a TorchScript model to CUDA, else to MPS, else to the CPU.

    (torch_jit_model_to_best_device (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    ; true
    """
    mps = "mps" if torch.backends.mps.is_available() else "cpu"
    model_of(model).module.to("cuda" if torch.cuda.is_available() else mps)
    return True


# ------------------------------------------------------------------ running


@primitive("torch_jit_model_forward", library=LIBRARY)
def torch_jit_model_forward(model: Any, tensor_: Any) -> Tensor:
    """Run a TorchScript model on one tensor, which is moved to its device.

    Without a forward method the other usual names are tried. A failure, or a
    result that is no tensor, is an error.

    (torch_shape (torch_jit_model_forward
       (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))) (tensor_ones '(3 2))))
    ; (3 1)
    """
    return model_of(model).forward(tensor(tensor_, "input"))


@primitive("torch_jit_model_forward_single_layer", library=LIBRARY)
def torch_jit_model_forward_single_layer(model: Any, input: Any, layer_name: Any) -> Any:
    """Run one part of a TorchScript model, by its dotted name, on a tensor.

    (torch_shape (torch_jit_model_forward_single_layer
       (torch_jit_trace (torch_model 2 4 1) (tensor_ones '(1 2))) (tensor_ones '(3 2)) "fc1"))
    ; (3 4)
    """
    found, name = model_of(model), text(layer_name, "layer_name")
    parts = dict(found.module.named_modules())
    if name not in parts:
        raise LispError(
            f"the model has no part '{name}'", hint=f"it has: {' '.join(n for n in parts if n)}"
        )
    return _run(parts[name], tensor(input, "input").to(found.device()))


@primitive("torch_jit_model_get_intermediate_states", library=LIBRARY)
def torch_jit_model_get_intermediate_states(model: Any, input: Any, layer_names: Any) -> List:
    """What the named parts of a TorchScript model give while it runs on a tensor, in order.

    Of a part that is called more than once it is the last result. An unknown
    name is an error, as is a part that is called only within a branch or loop.

    (setq m (torch_jit_trace (torch_model 2 4 1) (tensor_ones '(1 2))))
    (torch_shape
       (@ (torch_jit_model_get_intermediate_states m (tensor_ones '(1 2)) (list "fc1")) 0))
    ; (1 4)
    """
    found = model_of(model)
    if isinstance(layer_names, str):
        layer_names = [layer_names]
    if not is_list(layer_names) and not isinstance(layer_names, list):
        raise LispError(f"layer_names must be a list of names, not {what(layer_names)}")
    names = [text(name, "layer_name") for name in layer_names]
    parts = [name for name, _ in found.module.named_modules() if name]
    for name in names:
        if name not in parts:
            raise LispError(f"the model has no part '{name}'", hint=f"it has: {' '.join(parts)}")
    method, _ = found.method()
    value = tensor(input, "input").to(found.device())
    states = _run(states_at, found.module, method, (value,), names)
    return List(states[name] for name in names)


# ------------------------------------------------------------------ tensors


@primitive("torch_jit_model_info", library=LIBRARY)
def torch_jit_model_info(model: Any) -> Dictionary:
    """What a TorchScript model is: loaded, device, parameter_count, memory_mb.

    (setq m (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    (@ (torch_jit_model_info m) "parameter_count")
    ; 3
    """
    if isinstance(model, ScriptModel) and model.script is None:
        return Dictionary({"loaded": None})
    found = model_of(model)
    count, size = _extent(found)
    return Dictionary({
        "loaded": True, "device": str(found.device()), "parameter_count": count,
        "memory_mb": size / _MEGABYTE,
    })  # fmt: skip


@primitive("torch_jit_model_get_buffer", library=LIBRARY)
def torch_jit_model_get_buffer(model: Any, buffername: Any) -> Tensor:
    """A buffer of a TorchScript model by its name, or an attribute that is a tensor.

    (torch_jit_model_list_buffers (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    ; ()
    """
    found, name = model_of(model), text(buffername, "buffername")
    buffers = dict(found.module.named_buffers())
    if name in buffers or found.names.get(name) in buffers:
        return buffers[found.resolve(name, buffers)]
    attribute = getattr(found.module, name, None)
    if isinstance(attribute, Tensor):
        return attribute
    return buffers[found.resolve(name, buffers)]


@primitive("torch_jit_model_get_tensor", library=LIBRARY)
def torch_jit_model_get_tensor(model: Any, tensorname: Any) -> Tensor:
    """A parameter, or else a buffer, of a TorchScript model by its name.

    The name as stored, or with . / - written as _.

    (torch_shape (torch_jit_model_get_tensor
       (torch_jit_trace (torch_model 2 4 1) (tensor_ones '(1 2))) "fc1_weight"))
    ; (4 2)
    """
    found = model_of(model)
    tensors = dict(found.tensors())
    return tensors[found.resolve(text(tensorname, "tensorname"), tensors)].detach()


@primitive("torch_jit_model_get_tensor_shape", library=LIBRARY)
def torch_jit_model_get_tensor_shape(model: Any, tensorname: Any) -> Integers:
    """The shape of a parameter or buffer of a TorchScript model.

    (torch_jit_model_get_tensor_shape
       (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))) "weight")
    ; (1 2)
    """
    return Integers(torch_jit_model_get_tensor(model, tensorname).shape)


@primitive("torch_jit_model_list_methods", library=LIBRARY)
def torch_jit_model_list_methods(model: Any) -> Strings:
    """The names of the methods of a TorchScript model.

    (torch_jit_model_list_methods (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    ; ("forward")
    """
    return Strings(model_of(model).module._c._method_names())


@primitive("torch_jit_model_list_buffers", library=LIBRARY)
def torch_jit_model_list_buffers(model: Any) -> Strings:
    """The names of the buffers of a TorchScript model.

    (torch_jit_model_list_buffers (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    ; ()
    """
    return Strings(name for name, _ in model_of(model).module.named_buffers())


@primitive("torch_jit_model_list_tensor_names", library=LIBRARY)
def torch_jit_model_list_tensor_names(model: Any) -> Strings:
    """The names of the parameters of a TorchScript model, then those of its buffers.

    (torch_jit_model_list_tensor_names (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    ; ("weight" "bias")
    """
    return Strings(name for name, _ in model_of(model).tensors())


@primitive("torch_jit_model_list_parameter_names", library=LIBRARY)
def torch_jit_model_list_parameter_names(model: Any) -> Strings:
    """The names of the parameters of a TorchScript model.

    (torch_jit_model_list_parameter_names (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    ; ("weight" "bias")
    """
    return Strings(name for name, _ in model_of(model).module.named_parameters())


@primitive("torch_jit_model_update_weight", library=LIBRARY)
def torch_jit_model_update_weight(model: Any, param_name: Any, new_weight: Any) -> bool:
    """Overwrite a parameter of a TorchScript model; the shape must be its own.

    (torch_jit_model_update_weight
       (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))) "bias" (tensor_ones '(1)))
    ; true
    """
    name, weight = model_of(model).parameter(param_name)
    value = tensor(new_weight, "new_weight")
    if value.shape != weight.shape:
        raise LispError(
            f"'{name}' has the shape {shape_text(weight)}, the new weight {shape_text(value)}"
        )
    with torch.no_grad():
        weight.copy_(value)
    return True


# ------------------------------------------------------------------ adapters


def _fitting(model: ScriptModel, name: Any, layer: Any) -> tuple[str, Adapted]:
    """A weight and a LoRA layer that belongs to it."""
    stored, weight = model.parameter(name)
    if not isinstance(layer, LoRALinear):
        raise LispError(f"lora_layer must be a LoRA layer, not {what(layer)}")
    if tuple(weight.shape) != (layer.out_features, layer.in_features):
        raise LispError(
            f"'{stored}' has the shape {shape_text(weight)}, "
            f"the LoRA layer is for ({layer.out_features} {layer.in_features})"
        )
    return stored, layer


@primitive("torch_jit_model_register_lora_hook", library=LIBRARY)
def torch_jit_model_register_lora_hook(model: Any, layer_name: Any, lora_layer: Any) -> bool:
    """Attach a LoRA layer to a weight of a TorchScript model.

    torch_jit_model_forward_with_lora adds it. The weight is named as in
    torch_jit_model_get_tensor; its shape must be that of the layer.

    (setq m (torch_jit_trace (torch_linear 3 2) (tensor_ones '(1 3))))
    (torch_jit_model_register_lora_hook m "weight" (torch_lora_linear 3 2 1 1))
    ; true
    """
    found = model_of(model)
    name, layer = _fitting(found, layer_name, lora_layer)
    found.hooks[name] = layer
    return True


@primitive("torch_jit_model_forward_with_lora", library=LIBRARY)
def torch_jit_model_forward_with_lora(model: Any, input: Any) -> Tensor:
    """Run a TorchScript model with each attached LoRA layer added to its weight.

    The weights are as before afterwards, whatever happens; gradients reach the
    adapters, so that they can be trained.

    (torch_shape (torch_jit_model_forward_with_lora
       (torch_jit_trace (torch_linear 3 2) (tensor_ones '(1 3))) (tensor_ones '(1 3))))
    ; (1 2)
    """
    found = model_of(model)
    with found.adapted(found.hooks):
        return found.forward(tensor(input, "input"))


def _keep(model: ScriptModel, names: Any) -> None:
    """Copies of weights; those that are kept already stay as they are."""
    for name in names:
        stored, weight = model.parameter(name)
        model.kept.setdefault(stored, weight.detach().clone())


@primitive("torch_jit_model_apply_lora_temporarily", library=LIBRARY)
def torch_jit_model_apply_lora_temporarily(model: Any, adapters: Any = None) -> bool:
    """Add LoRA layers to weights of a TorchScript model, until torch_jit_model_restore_weights.

    The adapters are a dictionary, or pairs, of weight names and LoRA layers;
    without them it is the attached ones.

    (setq m (torch_jit_trace (torch_linear 3 2) (tensor_ones '(1 3))))
    (torch_jit_model_apply_lora_temporarily m (dictionary "weight" (torch_lora_linear 3 2 1 1)))
    ; true
    """
    found = model_of(model)
    pairs: list[tuple[Any, Any]]
    if adapters is None:
        pairs = list(found.hooks.items())
    elif isinstance(adapters, Mapping):
        pairs = list(adapters.items())
    elif is_list(adapters) and all(is_list(m) and len(m) == 2 for m in adapters):
        pairs = [(m[0], m[1]) for m in adapters]
    else:
        raise LispError(f"adapters must be a dictionary of LoRA layers, not {what(adapters)}")
    fitting = [_fitting(found, name, layer) for name, layer in pairs]
    _keep(found, [name for name, _ in fitting])
    with torch.no_grad():
        for name, layer in fitting:
            _, weight = found.parameter(name)
            weight.add_(layer.delta().to(weight.device, weight.dtype))
    return True


@primitive("torch_jit_model_backup_weights", library=LIBRARY)
def torch_jit_model_backup_weights(model: Any, names: Any = None) -> bool:
    """Copy weights of a TorchScript model aside, the named ones or all.

    (torch_jit_model_backup_weights (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    ; true
    """
    found = model_of(model)
    if names is None:
        chosen: Any = [name for name, _ in found.module.named_parameters()]
    elif is_list(names):
        chosen = list(names)
    else:
        chosen = [names]
    stored = [found.parameter(name)[0] for name in chosen]
    for name in stored:
        found.kept.pop(name, None)
    _keep(found, stored)
    return True


@primitive("torch_jit_model_restore_weights", library=LIBRARY)
def torch_jit_model_restore_weights(model: Any) -> bool:
    """Put back the weights of a TorchScript model that were copied aside.

    (setq m (torch_jit_trace (torch_linear 2 1) (tensor_ones '(1 2))))
    (torch_jit_model_backup_weights m)
    (torch_jit_model_restore_weights m)
    ; true
    """
    found = model_of(model)
    weights = dict(found.module.named_parameters())
    with torch.no_grad():
        for name, value in found.kept.items():
            weights[name].copy_(value)
    found.kept = {}
    return True
