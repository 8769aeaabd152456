"""Checkpoints: all that a training run needs to go on as if it had not stopped."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, adapter_for, register_adapter
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.dictionaries import DICTIONARIES, Dictionary
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import TYPED

from . import sharded_files, storage
from .arguments import integer, is_list, what
from .optimisers import kind_of
from .persistence import (
    Record,
    StateDict,
    StateDictAdapter,
    describe,
    fitting,
    gathered,
    load_state,
    path_of,
)
from .schedulers import Scheduler
from .sharding import by_first, of_all, rank

LIBRARY = "lispe_torch"
FORMAT = "lispe_torch_checkpoint"
VERSION = 1


# ------------------------------------------------------------------ LispE values in files


def encode(value: Any) -> Any:
    """A LispE value in the plain values that a file may hold."""
    if value is None or isinstance(value, (bool, str, Tensor)):
        return value.detach() if isinstance(value, Tensor) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Symbol):
        return {"symbol": value.name}
    for kind, cls in DICTIONARIES.items():
        if value.__class__ is cls:
            return {"dictionary": kind, "items": [[encode(k), encode(v)] for k, v in value.items()]}
    for kind, cls in TYPED.items():
        if value.__class__ is cls:
            return {"typed": kind, "items": list(value)}
    if isinstance(value, Mapping):
        return {
            "dictionary": "dictionary",
            "items": [[encode(k), encode(v)] for k, v in value.items()],
        }
    if is_list(value):
        return [encode(member) for member in value]
    raise LispError(f"a checkpoint cannot keep {what(value)}")


def decode(value: Any) -> Any:
    """The LispE value that :func:`encode` wrote."""
    if isinstance(value, list):
        return List(decode(member) for member in value)
    if not isinstance(value, Mapping):
        return value
    items = value.get("items") or []
    if "symbol" in value:
        return Symbol(str(value["symbol"]))
    if value.get("typed") in TYPED:
        return TYPED[value["typed"]](items)
    if value.get("dictionary") in DICTIONARIES:
        return DICTIONARIES[value["dictionary"]]({decode(k): decode(v) for k, v in items})
    return Dictionary({str(k): decode(v) for k, v in value.items()})


# ------------------------------------------------------------------ random states


def _of_python(state: Any) -> list[Any]:
    return [state[0], list(state[1]), state[2]]


def random_states(lisp: Context) -> dict[str, Any]:
    """Where every source of random numbers stands."""
    found: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "lisp": _of_python(lisp.random.getstate()),
        "python": _of_python(random.getstate()),
    }
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        found["mps"] = torch.mps.get_rng_state()
    if "numpy" in sys.modules:
        name, keys, *rest = sys.modules["numpy"].random.get_state(legacy=True)
        found["numpy"] = [name, [int(k) for k in keys], *rest]
    return found


def restore_random(lisp: Context, states: Any) -> None:
    """Put every source of random numbers where it stood."""
    if not isinstance(states, Mapping):
        return
    try:
        if isinstance(states.get("torch"), Tensor):
            torch.set_rng_state(states["torch"])
        for name, source in (("lisp", lisp.random), ("python", random)):
            if name in states:
                version, keys, gauss = states[name]
                source.setstate((version, tuple(keys), gauss))
        if "cuda" in states and len(states["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(states["cuda"])
        if "mps" in states and torch.backends.mps.is_available():
            torch.mps.set_rng_state(states["mps"])
        if "numpy" in states and "numpy" in sys.modules:
            sys.modules["numpy"].random.set_state(tuple(states["numpy"]))
    except (TypeError, ValueError, RuntimeError, KeyError) as error:
        raise LispError(f"the random states of the checkpoint: {storage.reason(error)}") from None


# ------------------------------------------------------------------ the object


class OptimizerState:
    """The moments and settings of an optimiser as a checkpoint holds them."""

    def __init__(self, kind: str, state: Mapping[str, Any]) -> None:
        self.kind = kind
        self.state = state


class OptimizerStateAdapter(Adapter):
    name = "torch_optimizer_state_"

    def show(self, value: Any) -> str:
        return f"PyTorch Optimizer State ({value.kind}, {self.size(value)} parameters)"

    def size(self, value: Any) -> int:
        return len(value.state.get("state", {}))


register_adapter(OptimizerState, OptimizerStateAdapter())


class Checkpoint(StateDict):
    """A state dictionary with the rest of a run: ``epoch``, ``optimizer`` and what else it kept."""

    def __init__(
        self, tensors: Mapping[str, Tensor], parameters: Any, entries: dict[str, Any]
    ) -> None:
        super().__init__(tensors, parameters)
        self.entries = entries


class CheckpointAdapter(StateDictAdapter):
    def at(self, value: Any, keys: tuple[Any, ...]) -> Any:
        if keys[0] not in value.entries:
            return super().at(value, keys)
        found = value.entries[keys[0]]
        for key in keys[1:]:
            if isinstance(found, Mapping):
                found = found.get(key)
            elif is_list(found):
                found = found[key]
            else:
                found = adapter_for(type(found)).at(found, (key,))
        return found


register_adapter(Checkpoint, CheckpointAdapter())


def record_of(
    lisp: Context,
    module: nn.Module,
    optimizer: Optimizer | None,
    epoch: int,
    scheduler: Scheduler | None = None,
    scaler: GradScaler | None = None,
    extra: Any = None,
) -> dict[str, Any]:
    """What a checkpoint file holds."""
    spec, state = describe(module)
    return {
        "format": FORMAT,
        "version": VERSION,
        "epoch": epoch,
        "spec": spec,
        "model": {name: value.detach() for name, value in state.items()},
        "parameters": [name for name, _ in module.named_parameters()],
        "frozen": [name for name, p in module.named_parameters() if not p.requires_grad],
        "optimizer": None
        if optimizer is None
        else {"kind": kind_of(optimizer), "state": optimizer.state_dict()},
        "scheduler": None if scheduler is None else scheduler.state(),
        "scaler": None if scaler is None else scaler.state_dict(),
        "random": random_states(lisp),
        "extra": encode(extra),
    }


def write_together(path: str, record: dict[str, Any], *differing: str) -> None:
    """Write one record for a group, with what each process has of its own under ``differing``."""
    record["processes"] = of_all({name: record.get(name) for name in ("random", *differing)})
    if sharded_files.is_folder(path):
        sharded_files.write(path, record)
    else:
        by_first(lambda: storage.write_torch(path, record))


def read_checkpoint(
    path: str, module: nn.Module | None = None, optimizer: Optimizer | None = None
) -> dict[str, Any]:
    """The record of a checkpoint, of which only the outline has been checked.

    In a folder there may be more than one process can hold: of what a sharded
    ``module`` and its ``optimizer`` are to take, only their own part is read.
    """
    found = _read_record(sharded_files.outline_of(path))
    own = found.pop("processes", None)
    if own is not None:
        if not is_list(own) or not all(isinstance(one, Mapping) for one in own):
            raise LispError(f"cannot read {path}: its processes are damaged")
        # A process that was not there begins with random numbers of its own.
        found.update(own[rank()] if rank() < len(own) else {"random": None})
        found["saved_by"] = len(own)
    if sharded_files.is_folder(path):
        tensors = {} if module is None else describe(module)[1]
        found = sharded_files.fill(path, found, tensors, optimizer)
    model = found.get("model")
    if not isinstance(model, dict) or not all(isinstance(v, Tensor) for v in model.values()):
        raise LispError(f"cannot read {path}: its model is damaged")
    return found


def _read_record(path: str) -> dict[str, Any]:
    found = storage.read_file(path)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise LispError(f"cannot read {path}: it is no checkpoint")
    if found.get("version") != VERSION:
        raise LispError(
            f"cannot read {path}: it is of version {found.get('version')}, not {VERSION}"
        )
    return found


def _check_optimizer(optimizer: Optimizer, kept: Any) -> Mapping[str, Any]:
    """The state for an optimiser, once it is sure that it fits."""
    if not isinstance(kept, Mapping) or not isinstance(kept.get("state"), Mapping):
        raise LispError("the checkpoint holds no optimizer")
    if kept.get("kind") != kind_of(optimizer):
        raise LispError(
            f"the checkpoint holds an optimizer '{kept.get('kind')}', not '{kind_of(optimizer)}'"
        )
    state = kept["state"]
    try:
        sizes = [len(g["params"]) for g in state["param_groups"]]
        numbers = [n for g in state["param_groups"] for n in g["params"]]
        moments = state["state"]
        parameters = [p for g in optimizer.param_groups for p in g["params"]]
        if sizes != [len(g["params"]) for g in optimizer.param_groups]:
            raise LispError("the optimizer of the checkpoint has other groups of parameters")
        for number, parameter in zip(numbers, parameters, strict=True):
            for value in moments.get(number, {}).values():
                if isinstance(value, Tensor) and value.dim() and value.shape != parameter.shape:
                    raise LispError(
                        "the optimizer of the checkpoint has parameters of other shapes"
                    )
    except (KeyError, TypeError, AttributeError, ValueError):
        raise LispError("the optimizer of the checkpoint is damaged") from None
    return state  # type: ignore[no-any-return]


def apply_checkpoint(
    lisp: Context,
    found: dict[str, Any],
    module: nn.Module | None,
    optimizer: Optimizer | None = None,
    scheduler: Scheduler | None = None,
    scaler: GradScaler | None = None,
) -> None:
    """Put a run where a checkpoint left it; what does not fit is refused before any change."""
    kept = None if optimizer is None else _check_optimizer(optimizer, found.get("optimizer"))
    if scheduler is not None:
        scheduler.check(found.get("scheduler"))
    if scaler is not None:
        _check_scaler(found.get("scaler"))
    state: Mapping[str, Any] = {}
    if module is not None:
        state = fitting(module, Record(found.get("spec"), found["model"]))
        before = random_states(lisp)
        try:
            restore_random(lisp, found.get("random"))
        except LispError:
            restore_random(lisp, before)
            raise
        load_state(module, state)
    if optimizer is not None and kept is not None:
        try:
            optimizer.load_state_dict(dict(kept))
        except (ValueError, KeyError, TypeError) as error:
            raise LispError(f"the optimizer of the checkpoint: {storage.reason(error)}") from None
    if scheduler is not None:
        scheduler.restore(found["scheduler"])
    if scaler is not None:
        scaler.load_state_dict(found["scaler"])


def _check_scaler(state: Any) -> None:
    keys = ("scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker")
    if not isinstance(state, dict) or not all(isinstance(state.get(k), (int, float)) for k in keys):
        raise LispError("the checkpoint holds no gradient scaler")


def checkpoint_object(found: dict[str, Any]) -> Checkpoint:
    parameters = [n for n in found.get("parameters") or () if n in found["model"]]
    entries: dict[str, Any] = {
        "epoch": found.get("epoch"),
        "model": StateDict(found["model"], parameters),
        "optimizer": None,
        "scheduler": None if found.get("scheduler") is None else decode(found["scheduler"]),
        "extra": decode(found.get("extra")),
        "version": found.get("version"),
    }
    kept = found.get("optimizer")
    if isinstance(kept, Mapping):
        entries["optimizer"] = OptimizerState(str(kept.get("kind")), kept.get("state") or {})
    return Checkpoint(found["model"], parameters, entries)


def _parts(values: Any, where: str) -> dict[str, Any]:
    """Arguments of a checkpoint call by what they are."""
    found: dict[str, Any] = {}

    def put(name: str, value: Any) -> None:
        if name in found:
            raise LispError(f"{where}: two arguments are a {name}")
        found[name] = value

    for value in values:
        if value is None:
            continue
        if isinstance(value, str):
            put("path", value)
        elif isinstance(value, Optimizer):
            put("optimizer", value)
        elif isinstance(value, Scheduler):
            put("scheduler", value)
        elif isinstance(value, GradScaler):
            put("scaler", value)
        elif isinstance(value, nn.Module) or (is_list(value) and "module" not in found):
            put("module", gathered(value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            put("epoch", integer(value, "epoch"))
        elif isinstance(value, Mapping):
            put("extra", value)
        else:
            raise LispError(f"{where} cannot use this argument: {what(value)}")
    return found


@primitive("torch_save_checkpoint", library=LIBRARY, needs=("fs",), interpreter=True)
def torch_save_checkpoint(
    lisp: Context, module: Any, optimizer: Any, epoch: Any, path: Any, *more: Any
) -> str:
    """Write a training run to a file: weights, optimiser, epoch, random states.

    More arguments may follow: a learning rate schedule, a gradient scaler, and
    a dictionary of what else the run needs (such as its place in the data),
    given back under "extra". A list of modules is kept as one. The file is
    written beside its target and renamed.

    A path that ends in / is a folder, into which all processes of a group
    write at once, each what it holds of every tensor; a sharded module needs
    one. All of them must call this. Another number of processes can read it,
    also one alone. It is the old checkpoint until all have written.

    (setq layer (torch_linear 2 1))
    (torch_save_checkpoint layer (torch_optimizer layer 0.1) 3 "run.pt")
    ; Checkpoint saved successfully
    """
    found = _parts((module, optimizer, epoch, path, *more), "torch_save_checkpoint")
    for name in ("module", "path", "epoch"):
        if name not in found:
            raise LispError(f"torch_save_checkpoint needs a {name}")
    if optimizer is not None and "optimizer" not in found:
        raise LispError("torch_save_checkpoint needs an optimizer")
    name = path_of(found.pop("path"))
    if name.endswith(".safetensors"):
        raise LispError("a checkpoint holds more than tensors: write it as a .pt file")
    folder = sharded_files.check_target(name, found["module"])
    record = record_of(
        lisp,
        found["module"],
        found.get("optimizer"),
        found["epoch"],
        found.get("scheduler"),
        found.get("scaler"),
        found.get("extra"),
    )
    if folder:
        write_together(name, record)
    else:
        storage.write_torch(name, record)
    return "Checkpoint saved successfully"


@primitive("torch_load_checkpoint", library=LIBRARY, needs=("fs",), interpreter=True)
def torch_load_checkpoint(
    lisp: Context, path: Any, module: Any = None, optimizer: Any = None, *more: Any
) -> Checkpoint:
    """Read a checkpoint, and put a module, optimiser, schedule and scaler where it left them.

    Given a module, the random states are restored too, so the run goes on
    exactly as the one that wrote the file. The result gives "epoch", "model",
    "optimizer", "scheduler" and "extra" through @, and serves as a state
    dictionary. A missing, damaged or foreign file is an error that changes
    nothing; so is a plain model file.

    (setq layer (torch_linear 2 1))
    (torch_save_checkpoint layer (torch_optimizer layer 0.1) 3 "run.pt")
    (@ (torch_load_checkpoint "run.pt" layer) "epoch")
    ; 3
    """
    found = _parts((path, module, optimizer, *more), "torch_load_checkpoint")
    if "path" not in found:
        raise LispError(f"path must be a string, not {what(path)}")
    name = path_of(found.pop("path"))
    wrong = [key for key in found if key in ("epoch", "extra")]
    if wrong:
        raise LispError(
            "torch_load_checkpoint takes a module, an optimizer, a schedule and a scaler"
        )
    record = read_checkpoint(name, found.get("module"), found.get("optimizer"))
    apply_checkpoint(
        lisp,
        record,
        found.get("module"),
        *(found.get(k) for k in ("optimizer", "scheduler", "scaler")),
    )
    return checkpoint_object(record)
