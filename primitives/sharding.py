"""Modules whose weights are shared out: each process of a group holds a part of every one.

The sharding itself is torch's (``torch.distributed.fsdp.fully_shard``; Zhao et
al. 2023, "PyTorch FSDP"): before a part of the module runs, its weights are
gathered from all processes, and afterwards they are dropped again; gradients
are averaged and shared out in one go. So the weights, their gradients and the
moments of the optimiser take 1/n of the memory in each of n processes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from lispe_py.errors import LispError

from .checkpointing import Checkpointed
from .composite import Assembled

T = TypeVar("T")

# ------------------------------------------------------------------ the group


def started() -> bool:
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """The number of this process in its group; 0 without one."""
    return dist.get_rank() if started() else 0


def processes() -> int:
    """The size of the group; 1 without one."""
    return dist.get_world_size() if started() else 1


def of_all(value: T) -> list[T]:
    """A plain value of every process, in the order of their numbers; all must call this."""
    if not started():
        return [value]
    found: list[Any] = [None] * processes()
    dist.all_gather_object(found, value)
    return found


def by_first(action: Callable[[], T]) -> T:
    """What process 0 answers, in all of them; its error is theirs too. All must call this."""
    told: list[Any] = [None, None]
    if rank() == 0:
        try:
            told[0] = action()
        except LispError as error:
            if not started():
                raise
            told[1] = (error.message, error.hint)
    if started():
        dist.broadcast_object_list(told, 0)
    if told[1] is not None:
        raise LispError(told[1][0], hint=told[1][1])
    return told[0]  # type: ignore[no-any-return]


# ------------------------------------------------------------------ modules


class Grouped(Checkpointed):
    """A module that learns with those of the other processes."""

    detail = ""

    def printed(self) -> str:
        return f"PyTorch Distributed Module (processes={processes()}{self.detail})"


class Sharded(Grouped):
    """A module of which every process holds a part; the module itself is changed."""

    detail = ", sharded"

    def __init__(self, wrapped: nn.Module) -> None:
        super().__init__(wrapped)
        if is_sharded(wrapped):
            return
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        place = next(p.device for p in wrapped.parameters())
        try:
            for value in (*wrapped.parameters(), *wrapped.buffers()):
                dist.broadcast(value.detach(), 0)
            mesh = init_device_mesh(place.type, (processes(),))
            for unit in (*_units(wrapped), wrapped):
                unit.register_forward_hook(_no_view)
                # Dropped after every run, also by the outermost: a run that only
                # looks at the output must leave the module sharded.
                fully_shard(unit, mesh=mesh, reshard_after_forward=True)  # type: ignore[call-overload]
        except (RuntimeError, ValueError, AssertionError, NotImplementedError) as error:
            raise LispError(
                f"the module cannot be sharded: {str(error).strip().splitlines()[0]}"
            ) from None


def _no_view(unit: nn.Module, inputs: Any, output: Any) -> Any:
    """An output of its own: writing into a view would cut the gradients of a sharded part off."""
    return output.clone() if isinstance(output, Tensor) and output._is_view() else output


def _units(module: nn.Module) -> list[nn.Module]:
    """The parts that are gathered one at a time, inner ones first: the layers of a stack."""
    found: dict[int, nn.Module] = {}
    for member in module.modules():
        if isinstance(member, nn.ModuleList) or (
            isinstance(member, Assembled) and member.sequential
        ):
            found.update((id(part), part) for part in member.children() if part is not module)
    units = [u for u in found.values() if next(u.parameters(), None) is not None]
    owners: dict[int, int] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        owners[id(parameter)] = owners.get(id(parameter), 0) + bool(name)
    # A tensor of several parts cannot be gathered with one of them.
    return [] if any(count > 1 for count in owners.values()) else units[::-1]


@contextmanager
def in_step(module: nn.Module | None, idle: Callable[[], Any]) -> Iterator[None]:
    """As many runs of a sharded module in each process, whatever each of them has to do.

    Every run gathers the weights from all processes. So one that is done makes runs
    by ``idle``, until the last is done; a process cannot be left waiting.
    """
    if module is None or processes() < 2 or not is_sharded(module):
        yield
        return
    place = local(next(module.parameters())).device

    def working(yes: bool) -> bool:
        count = torch.tensor(float(yes), device=place)
        dist.all_reduce(count)
        return bool(count)

    hook = module.register_forward_pre_hook(lambda *_: working(True) and None, prepend=True)
    try:
        yield
    finally:
        hook.remove()
        while working(False):
            idle()


# ------------------------------------------------------------------ tensors


def is_shard(value: Any) -> bool:
    """Does the process hold only a part of this tensor?"""
    loaded = sys.modules.get("torch.distributed.tensor")
    return loaded is not None and isinstance(value, loaded.DTensor)


def is_sharded(module: nn.Module) -> bool:
    return any(is_shard(p) for p in module.parameters())


def local(value: Any) -> Tensor:
    """What this process holds of a tensor."""
    return value.to_local() if is_shard(value) else value  # type: ignore[no-any-return]


def whole(value: Any) -> Tensor:
    """All of a tensor; if it is sharded, all processes must call this."""
    return value.full_tensor() if is_shard(value) else value  # type: ignore[no-any-return]


def shared_out(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor that every process has, sharded as ``like`` is, if it is."""
    if not is_shard(like) or is_shard(value):
        return value
    from torch.distributed.tensor import distribute_tensor

    given: Any = like
    # No source rank: each process cuts its own part out, nothing is sent.
    return distribute_tensor(
        value.to(like.device), given.device_mesh, given.placements, src_data_rank=None
    )


def own_elements(module: nn.Module) -> int:
    """How many elements of the parameters this process holds."""
    return sum(local(p).numel() for p in module.parameters())


def parts_of(values: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Tensors as they are written: detached, with memory of their own."""
    seen: set[int] = set()
    for name, value in values.items():
        found = value.detach()
        held = local(found)
        place = held.untyped_storage().data_ptr()
        if held.numel() and (place in seen or not held.is_contiguous()):
            found = found.contiguous().clone()
        seen.add(place)
        yield name, found
