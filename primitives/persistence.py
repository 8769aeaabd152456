"""Models and state dictionaries: kept, written to files, and brought back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.registry import primitive
from lispe_py.values.lists import List

from . import convert, storage
from .arguments import boolean, is_list, modules, shape_text, what
from .checkpointing import bare
from .layers import Layer, ModuleAdapter, rebuild
from .sharding import by_first, is_sharded, shared_out, whole

LIBRARY = "lispe_torch"
FORMAT = "lispe_torch_model"
VERSION = 1


class StateDict:
    """Named tensors, copied from a module. ``parameters`` are the names that are no buffers."""

    def __init__(self, tensors: Mapping[str, Tensor], parameters: Iterable[str]) -> None:
        self.tensors = dict(tensors)
        self.parameters = tuple(parameters)


class StateDictAdapter(Adapter):
    name = "torch_state_dict_"

    def show(self, value: Any) -> str:
        return f"PyTorch State Dict ({len(value.parameters)} parameters)"

    def size(self, value: Any) -> int:
        return len(value.tensors)

    def iterate(self, value: Any) -> Iterator[Any]:
        return iter(list(value.tensors))

    def at(self, value: Any, keys: tuple[Any, ...]) -> Any:
        name = keys[0]
        found = value.tensors.get(name) if isinstance(name, str) else None
        if found is None:
            raise LispError(
                f"no tensor '{name}' in this state dictionary",
                hint=f"the names are: {' '.join(list(value.tensors)[:20])}",
            )
        if len(keys) == 1:
            return found
        from lispe_py.protocol import adapter_for

        return adapter_for(type(found)).at(found, keys[1:])


register_adapter(StateDict, StateDictAdapter())


# ------------------------------------------------------------------ modules and their tensors


def gathered(value: Any, name: str = "module") -> nn.Module:
    """A module as it is written: without wrappers; a list of modules as one."""
    if isinstance(value, nn.Module):
        return bare(value)
    return nn.ModuleList(bare(m) for m in modules(value, name))


def describe(module: nn.Module) -> tuple[dict[str, Any] | None, dict[str, Tensor]]:
    """What a file says of a module, and its tensors; no spec for a kind of torch's own."""
    if isinstance(module, Layer):
        return module.exported()
    if isinstance(module, nn.ModuleList):
        specs, tensors = [], {}
        for index, member in enumerate(module):
            spec, state = describe(member)
            specs.append(spec)
            tensors.update({f"{index}.{name}": value for name, value in state.items()})
        return (None if None in specs else {"kind": "list", "sizes": {"members": specs}}), tensors
    return None, module.state_dict()


def state_of(module: nn.Module) -> StateDict:
    """A copy of all tensors of a module."""
    tensors = {name: whole(v.detach()).clone() for name, v in module.state_dict().items()}
    return StateDict(tensors, [name for name, _ in module.named_parameters()])


def check_state(module: nn.Module, state: Mapping[str, Any]) -> None:
    """Refuse tensors that are not those of a module, by name and by shape."""
    own = module.state_dict()
    missing = [name for name in own if name not in state]
    surplus = [name for name in state if name not in own]
    title = ModuleAdapter().show(module)
    if missing:
        raise LispError(f"these weights do not fit a {title}: '{missing[0]}' is missing")
    if surplus:
        raise LispError(f"these weights do not fit a {title}: it has no '{surplus[0]}'")
    for name, value in own.items():
        given = state[name]
        if not isinstance(given, Tensor):
            raise LispError(f"'{name}' is no tensor but {what(given)}")
        if given.shape != value.shape:
            raise LispError(
                f"these weights do not fit a {title}: "
                f"'{name}' has the shape {shape_text(given)}, not {shape_text(value)}"
            )
        if given.is_floating_point() != value.is_floating_point() or given.layout != value.layout:
            raise LispError(f"these weights do not fit a {title}: '{name}' is {given.dtype}")


def load_state(module: nn.Module, state: Mapping[str, Any], *, keep: bool = False) -> None:
    """Copy tensors into a module, all of them or none; ``keep`` takes the tensors themselves."""
    check_state(module, state)
    own = module.state_dict()
    try:
        shared = {name: shared_out(value, own[name]) for name, value in state.items()}
        module.load_state_dict(shared, strict=True, assign=keep and not is_sharded(module))
    except (RuntimeError, ValueError, TypeError) as error:
        raise LispError(f"these weights cannot be loaded: {storage.reason(error)}") from None


# ------------------------------------------------------------------ records in files


class Record:
    """A model file that was read: what it says of the module, and the tensors."""

    def __init__(self, spec: Any, state: Mapping[str, Any], frozen: Any = ()) -> None:
        self.spec = spec
        self.state = state
        self.frozen = [n for n in frozen if isinstance(n, str)] if is_list(frozen) else []


def read_record(path: str, mapped: bool = False) -> Record:
    """The model in a file: ours, a bare state dictionary, or a TorchScript archive."""
    found = storage.read_file(path, mapped)
    if isinstance(found, Mapping):
        if found.get("format") == FORMAT and isinstance(found.get("state"), Mapping):
            return Record(found.get("spec"), found["state"], found.get("frozen"))
        for key in ("model", "state_dict", "model_state_dict"):
            if isinstance(found.get(key), Mapping):
                return Record(found.get("spec"), found[key], found.get("frozen"))
        if found and all(isinstance(v, Tensor) for v in found.values()):
            return Record(None, found)
    raise LispError(f"cannot read {path}: it holds no model")


def _differs(given: Any, own: Any) -> str | None:
    """What two specs of one kind disagree on beyond the shapes of tensors, or None."""
    if not isinstance(given, Mapping) or not isinstance(own, Mapping):
        return None
    if given.get("kind") != own.get("kind"):
        return "kind"
    sizes, mine = given.get("sizes"), own.get("sizes")
    if not isinstance(sizes, Mapping) or not isinstance(mine, Mapping):
        return None
    if sizes.get("num_heads") != mine.get("num_heads"):
        return "num_heads"
    for key in ("parts", "members"):
        pairs = zip(sizes.get(key) or (), mine.get(key) or (), strict=False)
        for left, right in pairs:
            found = _differs(left, right) if key == "members" else _differs(left[-1], right[-1])
            if found is not None:
                return found
    return None


def fill(module: nn.Module, record: Record, *, keep: bool = False) -> None:
    """Load a record into a module of the same kind and sizes."""
    load_state(module, fitting(module, record), keep=keep)


def fitting(module: nn.Module, record: Record) -> Mapping[str, Any]:
    """The tensors of a record as a module takes them, once it is sure that it does."""
    state: Mapping[str, Any] | None = record.state
    if isinstance(record.spec, Mapping):
        own = None
        if isinstance(module, Layer):
            own = module.spec()
            state = module.adapted(record.spec, record.state)
        elif isinstance(module, nn.ModuleList):
            own, _ = describe(module)
        title = ModuleAdapter().show(module)
        if state is None or (own is not None and own.get("kind") == "list") != (
            record.spec.get("kind") == "list"
        ):
            raise LispError(f"the file holds a '{record.spec.get('kind')}', not a {title}")
        if own is not None and state is record.state:
            wrong = _differs(record.spec, own)
            if wrong is not None:
                raise LispError(f"the file holds a module with another {wrong} than this {title}")
    assert state is not None
    check_state(module, state)
    return state


def restore(record: Record, path: str) -> Any:
    """The module that a record describes, built anew around its tensors."""
    if not isinstance(record.spec, Mapping):
        raise LispError(
            f"{path} does not say what module it holds",
            hint="make the module and load the file into it: (torch_load_model path module)",
        )
    if record.spec.get("kind") == "list":
        return _restore_list(record, path)
    _check_depth(record.spec, len(record.state))
    try:
        # Without memory and without random numbers: the tensors of the file take their place.
        with torch.device("meta"):
            module = rebuild(record.spec)
        state = record.state
        for value in {id(v): v for v in state.values() if isinstance(v, Tensor)}.values():
            if value.is_meta:
                raise LispError("a tensor has no data")
        load_state(module, state, keep=True)
    except LispError as error:
        raise LispError(f"cannot read {path}: {error.message}", hint=error.hint) from None
    except (RuntimeError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise LispError(f"cannot read {path}: {storage.reason(error)}") from None
    frozen = set(record.frozen)
    for name, parameter in module.named_parameters():
        if name in frozen:
            parameter.requires_grad_(False)
    return module


def _restore_list(record: Record, path: str) -> List:
    sizes = record.spec.get("sizes")
    members = sizes.get("members") if isinstance(sizes, Mapping) else None
    if members is None or not is_list(members):
        raise LispError(f"cannot read {path}: the list of modules is damaged")
    made = List()
    for index, spec in enumerate(members):
        prefix = f"{index}."
        state = {n[len(prefix) :]: v for n, v in record.state.items() if n.startswith(prefix)}
        frozen = [n[len(prefix) :] for n in record.frozen if n.startswith(prefix)]
        made.append(restore(Record(spec, state, List(frozen)), path))
    return made


def _check_depth(spec: Any, tensors: int) -> None:
    """A file must not make us build more layers than it has tensors for."""
    sizes = spec.get("sizes") if isinstance(spec, Mapping) else None
    count = sizes.get("num_layers") if isinstance(sizes, Mapping) else None
    if isinstance(count, (int, float)) and count > tensors:
        raise LispError(f"the file has no weights for {count} layers")


# ------------------------------------------------------------------ primitives


def path_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise LispError(f"path must be a string, not {what(value)}")


@primitive("torch_save_model", library=LIBRARY, needs=("fs",))
def torch_save_model(module: Any, path: Any) -> str:
    """Write a module of any kind, or a list of modules, to a file.

    The file holds the kind, the sizes and the weights, as a PyTorch archive,
    or as safetensors if the name ends so. It is written beside its target and
    renamed, so a crash leaves the old file or the new one.

    (torch_save_model (torch_linear 2 1) "model.pt")
    ; Model saved successfully
    """
    if isinstance(module, str):
        module, path = path, module
    target = gathered(module)
    spec, state = describe(target)
    frozen = [n for n, p in target.named_parameters() if not p.requires_grad]
    record = {"format": FORMAT, "version": VERSION, "spec": spec, "frozen": frozen}
    name = path_of(path)
    tensors = {key: whole(value.detach()) for key, value in state.items()}

    def write() -> None:
        if name.endswith(".safetensors"):
            storage.write_safetensors(name, tensors, record)
        else:
            storage.write_torch(name, {**record, "state": tensors})

    by_first(write) if is_sharded(target) else write()
    return "Model saved successfully"


@primitive("torch_load_model", library=LIBRARY, needs=("fs",))
def torch_load_model(path: Any, module: Any = None, memory_mapped: Any = None) -> Any:
    """Load the weights of a file into a module, or rebuild the module from the file.

    A path and a module, in either order, copy the weights and give a message;
    the path alone gives the module. A missing or damaged file, another kind or other
    shapes are errors that leave the module as it was. Bare state dictionaries
    and TorchScript archives with the same names can be loaded into a module.
    Nothing in a file is ever executed. With memory_mapped true the weights
    stay in the file until they are used.

    (torch_save_model (torch_linear 2 1) "model.pt")
    (torch_load_model "model.pt")
    ; PyTorch Linear Layer
    """
    if not isinstance(path, str):
        path, module = module, path
    if module is True:
        module, memory_mapped = None, True
    name = path_of(path)
    mapped = boolean(memory_mapped, "memory_mapped")
    target = None if module is None else gathered(module)
    record = read_record(name, mapped)
    if target is None:
        return restore(record, name)
    fill(target, record, keep=mapped)
    return "Model loaded successfully"


@primitive("torch_state_dict", "torch_model_state_dict", library=LIBRARY)
def torch_state_dict(module: Any) -> StateDict:
    """Copies of all parameters and buffers of a module, by name.

    Later changes of the module do not reach them. The count that is printed
    leaves buffers out; (@ state "weight") gives a tensor.

    (torch_state_dict (torch_linear 2 1))
    ; PyTorch State Dict (2 parameters)
    """
    return state_of(gathered(module))


@primitive("torch_load_state_dict", library=LIBRARY)
def torch_load_state_dict(module: Any, state_dict: Any) -> str:
    """Copy a state dictionary, or a checkpoint, into a module.

    Names and shapes must be those of the module; otherwise it stays as it was.
    A LispE dictionary of tensors will do.

    (torch_load_state_dict (torch_linear 2 1) (torch_state_dict (torch_linear 2 1)))
    ; State dict loaded successfully
    """
    if isinstance(module, (StateDict, Mapping)):
        module, state_dict = state_dict, module
    if isinstance(state_dict, StateDict):
        state: Mapping[str, Any] = state_dict.tensors
    elif isinstance(state_dict, Mapping):
        state = state_dict
    else:
        raise LispError(f"state_dict must be a state dictionary, not {what(state_dict)}")
    load_state(gathered(module), state)
    return "State dict loaded successfully"


#: Element types of raw files.
_RAW = {
    "float32": torch.float32, "float64": torch.float64, "float16": torch.float16,
    "bfloat16": torch.bfloat16, "int64": torch.int64, "int32": torch.int32,
    "int16": torch.int16, "int8": torch.int8, "uint8": torch.uint8, "bool": torch.bool,
}  # fmt: skip


@primitive("torch_memory_map", library=LIBRARY, needs=("fs",))
def torch_memory_map(path: Any, dtype: Any = "float32", shape: Any = None) -> Tensor:
    """Map a file of raw values as a tensor, without reading it.

    dtype is float32 (default), float64, float16, bfloat16, int64, int32,
    int16, int8, uint8 or bool; shape a list, one axis by default. Changes to
    the tensor do not reach the file. A size that does not fit is an error.

    (fwrite "values.bin" "abcd")
    (torch_memory_map "values.bin" "uint8" '(2 2))
    ; ((97 98) (99 100))
    """
    name = storage.existing(path_of(path))
    element = _RAW.get(str("float32" if dtype is None else dtype))
    if element is None:
        raise LispError(f"unknown dtype: '{dtype}'", hint=f"use one of: {' '.join(_RAW)}")
    size = os.path.getsize(name)
    if size % element.itemsize:
        raise LispError(f"{name} has {size} bytes, which are no whole number of {dtype}")
    count = size // element.itemsize
    if count == 0:
        values = torch.empty(0, dtype=element)
    else:
        try:
            values = torch.from_file(name, shared=False, size=count, dtype=element)
        except RuntimeError as error:
            raise LispError(f"cannot map {name}: {storage.reason(error)}") from None
    if shape is None:
        return values
    axes = convert.sizes(shape, negative=True)
    try:
        return values.reshape(axes)
    except RuntimeError:
        raise LispError(
            f"{count} values do not fill the shape ({' '.join(map(str, axes))})"
        ) from None
