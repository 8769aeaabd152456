"""Several processes at one training: tensors exchanged, gradients averaged."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.sequence import like
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers

from . import storage
from .arguments import is_list, known, module, natural, options, positive, tensor, text, what
from .checkpointing import bare
from .persistence import path_of
from .sharding import Grouped, Sharded, is_sharded, own_elements, processes, rank, started

LIBRARY = "lispe_torch"

_OPERATIONS = {
    "sum": dist.ReduceOp.SUM, "mean": dist.ReduceOp.SUM, "max": dist.ReduceOp.MAX,
    "min": dist.ReduceOp.MIN, "product": dist.ReduceOp.PRODUCT,
}  # fmt: skip


def _need() -> None:
    if not started():
        raise LispError(
            "this process is part of no group", hint="begin with (torch_distributed_init)"
        )


class Parallel(Grouped):
    """A module whose gradients are averaged over the processes while they are computed."""

    runner: Any

    def __init__(self, wrapped: nn.Module) -> None:
        super().__init__(wrapped)
        from torch.nn.parallel import DistributedDataParallel

        place = next((p.device for p in wrapped.parameters()), torch.device("cpu"))
        devices = [place.index or 0] if place.type == "cuda" else None
        # Not registered as a part: its parameters are those of the module.
        object.__setattr__(self, "runner", DistributedDataParallel(wrapped, device_ids=devices))

    def forward(self, *inputs: Any) -> Any:
        return self.runner(*inputs)


def _place(given: dict[str, Any], key: str, alone: int) -> Any:
    """What a process is told of its place: by the program, by its environment, or nothing."""
    value = given.get(key)
    if value is not None:
        return value
    told = os.environ.get(key.upper(), "")
    return int(told) if told.isdigit() else alone


@primitive("torch_distributed_init", library=LIBRARY, needs=("net",))
def torch_distributed_init(config: Any = None) -> bool:
    """Join the group of processes that work together.

    torch_distributed_launch and torchrun tell each process its place; otherwise
    the keys of the configuration do: rank, world_size, init_method (such as
    file:///tmp/meeting or tcp://host:29500), backend (gloo, or nccl with
    CUDA), timeout in seconds. A process that is told nothing is a group of one.

    (torch_distributed_init)
    (torch_distributed_end)
    ; true
    """
    if not dist.is_available():
        raise LispError("this build of PyTorch has no support for groups of processes")
    if started():
        raise LispError("this process is part of a group already")
    given = options(config)
    known(given, ("rank", "world_size", "backend", "init_method", "timeout"), "distributed")
    cuda = torch.cuda.is_available() and dist.is_nccl_available()
    backend = text(given.get("backend") or ("nccl" if cuda else "gloo"), "backend")
    settings: dict[str, Any] = {
        "rank": natural(_place(given, "rank", 0), "rank"),
        "world_size": positive(_place(given, "world_size", 1), "world_size"),
    }
    if settings["rank"] >= settings["world_size"]:
        raise LispError(f"rank {settings['rank']} of {settings['world_size']} processes")
    if given.get("init_method") is not None:
        settings["init_method"] = text(given["init_method"], "init_method")
    elif "MASTER_ADDR" not in os.environ:
        if settings["world_size"] > 1:
            raise LispError(
                "the processes do not know where to meet",
                hint="start the program by torch_distributed_launch, or give an init_method",
            )
        settings["store"] = dist.HashStore()  # type: ignore[attr-defined]
    seconds = positive(given.get("timeout") or 600, "timeout")
    if cuda and backend == "nccl":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", settings["rank"])))
    try:
        dist.init_process_group(backend, timeout=timedelta(seconds=seconds), **settings)
    except (RuntimeError, ValueError, OSError) as error:
        raise LispError(f"the group cannot be formed: {storage.reason(error)}") from None
    return True


@primitive("torch_distributed_end", library=LIBRARY)
def torch_distributed_end() -> bool:
    """Leave the group of processes; without a group it does nothing.

    (torch_distributed_end)
    ; true
    """
    if started():
        # Together: a process whose peers are gone while it leaves may be aborted. A peer
        # that is gone already cannot be waited for.
        with suppress(RuntimeError):
            dist.barrier()
        dist.destroy_process_group()
    return True


@primitive("torch_distributed_rank", library=LIBRARY)
def torch_distributed_rank() -> int:
    """The number of this process in its group, from 0; 0 without a group.

    (torch_distributed_rank)
    ; 0
    """
    return rank()


@primitive("torch_distributed_world_size", library=LIBRARY)
def torch_distributed_world_size() -> int:
    """How many processes work together; 1 without a group.

    (torch_distributed_world_size)
    ; 1
    """
    return processes()


@primitive("torch_distributed_all_reduce", library=LIBRARY)
def torch_distributed_all_reduce(tensor_: Any, operation: Any = "sum") -> Tensor:
    """One tensor of the tensors of all processes: sum, mean, max, min or product.

    Each process gets it; its own tensor stays as it is. Without a group it is
    a copy.

    (torch_distributed_all_reduce (torch_tensor (floats 1 2)) "mean")
    ; (1 2)
    """
    name = text(operation, "operation")
    if name not in _OPERATIONS:
        raise LispError(f"unknown operation: '{name}'", hint=f"there are: {' '.join(_OPERATIONS)}")
    found = tensor(tensor_, "tensor").detach().clone()
    if started():
        dist.all_reduce(found, _OPERATIONS[name])
        if name == "mean":
            found = found / dist.get_world_size()
    return found


@primitive("torch_distributed_broadcast", library=LIBRARY)
def torch_distributed_broadcast(tensor_: Any, source: Any = 0) -> Tensor:
    """The tensor of one process, in all of them; theirs must have its shape.

    (torch_distributed_broadcast (torch_tensor (floats 1 2)))
    ; (1 2)
    """
    found = tensor(tensor_, "tensor").detach().clone()
    sender = natural(0 if source is None else source, "source")
    if sender >= processes():
        raise LispError(f"there is no process {sender}")
    if started():
        dist.broadcast(found, sender)
    return found


@primitive("torch_distributed_all_gather", library=LIBRARY)
def torch_distributed_all_gather(tensor_: Any) -> List:
    """The tensors of all processes, which must have one shape, in the order of their numbers.

    (torch_distributed_all_gather (torch_tensor (floats 1 2)))
    ; ((1 2))
    """
    found = tensor(tensor_, "tensor").detach().contiguous()
    if not started():
        return List([found.clone()])
    parts = [torch.empty_like(found) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, found)
    return List(parts)


@primitive("torch_distributed_barrier", library=LIBRARY)
def torch_distributed_barrier() -> bool:
    """Wait until every process has come to this point.

    (torch_distributed_barrier)
    ; true
    """
    if started():
        dist.barrier()
    return True


@primitive("torch_distributed_shard", library=LIBRARY)
def torch_distributed_shard(data: Any) -> Any:
    """The part of a list, or of the first axis of a tensor, that this process works on.

    Each process takes every world_size-th member, from its own number on; what
    does not share out evenly is left, so that all have the same amount.

    (torch_distributed_shard (list 1 2 3))
    ; (1 2 3)
    """
    own, count = rank(), processes()
    if isinstance(data, Tensor) and data.dim():
        even = data.shape[0] - data.shape[0] % count
        return data[:even][own::count]
    if not is_list(data):
        raise LispError(f"data must be a list or a tensor, not {what(data)}")
    even = len(data) - len(data) % count
    return like(data, list(data)[own:even:count])


@primitive("torch_distributed_model", library=LIBRARY)
def torch_distributed_model(model: Any, kind: Any = "replicated") -> Grouped:
    """Make a module learn with those of the other processes.

    All start from the weights of process 0; torch_backward gives each of them
    the mean of all gradients, so that they stay equal. Run the wrapper, and
    give it to the optimiser; files see the module alone.

    With "replicated" every process holds the whole module (data parallel). With
    "sharded" each holds a part of every weight, of its gradient and of the
    optimiser's moments (FSDP2, Zhao et al. 2023), and gathers the weights of a
    layer while it runs. This changes the module itself: make the optimiser
    afterwards. torch_state_dict, torch_save_model and torch_save_checkpoint,
    which writes a folder, must then be called in all processes; process 0
    alone writes what they gather.

    (torch_distributed_init)
    (setq m (torch_distributed_model (torch_linear 2 1) "sharded"))
    (setq weights (torch_state_dict m))
    (torch_distributed_end)
    (torch_shape (@ weights "weight"))
    ; (1 2)
    """
    _need()
    found = bare(module(model, "model"))
    name = text("replicated" if kind is None else kind, "kind")
    if name not in ("replicated", "sharded"):
        raise LispError(f'kind is "replicated" or "sharded", not \'{name}\'')
    if not any(p.requires_grad for p in found.parameters()):
        raise LispError("the module has nothing to be trained")
    if name == "sharded":
        return Sharded(found)
    if is_sharded(found):
        raise LispError("the module is sharded already")
    return Parallel(found)


@primitive("torch_distributed_elements", library=LIBRARY)
def torch_distributed_elements(model: Any) -> int:
    """How many elements of a module's parameters this process holds.

    All of them, unless the module is sharded.

    (torch_distributed_elements (torch_linear 2 1))
    ; 3
    """
    return own_elements(bare(module(model, "model")))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@primitive("torch_distributed_launch", library=LIBRARY, needs=("process", "fs"))
def torch_distributed_launch(script: Any, processes: Any, args: Any = None) -> Integers:
    """Run a LispE script in several processes on this machine, and wait for them.

    Each finds its place by torch_distributed_init. The result is their exit
    codes; if one fails, the others are ended. args are further arguments of
    the script.

    (fwrite "job.lisp" "(println 'ready)")
    (torch_distributed_launch "job.lisp" 2)
    ; (0 0)
    """
    path, count = storage.existing(path_of(script)), positive(processes, "processes")
    given = [] if args is None else [text(one, "args") for one in args]
    shared = {
        **os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()),
        "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count),
    }  # fmt: skip
    # Otherwise each of them would take all cores.
    shared.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    command = [sys.executable, "-m", "lispe_py", path, *given]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(count):
            place = {**shared, "RANK": str(number), "LOCAL_RANK": str(number)}
            started.append(subprocess.Popen(command, env=place))
        waiting = list(started)
        while waiting:
            for process in list(waiting):
                try:
                    code = process.wait(timeout=0.1)
                except subprocess.TimeoutExpired:
                    continue
                waiting.remove(process)
                if code:
                    for other in waiting:
                        other.terminate()
        return Integers(process.wait() for process in started)
    except OSError as error:
        raise LispError(f"the processes cannot be started: {storage.reason(error)}") from None
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
