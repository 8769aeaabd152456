"""Devices: which there are, what is on them, and moving there.

A device that is not present is as unknown as a misspelt one. The default
device is where tensors are made; it is the CPU until ``torch_set_device``
names another one.
"""

from __future__ import annotations

import gc
import re
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.limits import claim

from .arguments import text, what
from .convert import axis, only_tensor

LIBRARY = "lispe_torch"

_NAME = re.compile(r"(cpu|mps|cuda)(?::(\d+))?")
_MEGABYTE = 1 << 20


class _State:
    """What the program has set: the device of new tensors, and the highest memory seen."""

    default: torch.device | None = None
    peak: float = 0.0
    safe: bool = False


def default_device() -> torch.device | None:
    """Where new tensors are made; None for the CPU."""
    return _State.default


def room(shape: tuple[int, ...], dtype: torch.dtype, on_cpu: bool = True) -> tuple[int, ...]:
    """A shape, if the evaluation may have the memory of a new tensor of it."""
    if on_cpu and _State.default is None and not torch.compiler.is_compiling():
        claim(prod(shape) * dtype.itemsize)
    return shape


def placed(value: Tensor) -> Tensor:
    """A new tensor, on the default device."""
    return value if _State.default is None else value.to(_State.default)


def _unknown(name: Any) -> LispError:
    there = ["cpu"]
    if torch.cuda.is_available():
        there += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        there.append("mps")
    return LispError(f"unknown device: '{name}'", hint=f"there is {' '.join(there)}")


def device_of(value: Any) -> torch.device:
    """A device that is present, by its name."""
    if isinstance(value, torch.device):
        return value
    name = text(value, "device")
    found = _NAME.fullmatch(name.lower())
    if found is None:
        raise _unknown(name)
    kind, index = found[1], int(found[2] or 0)
    if kind == "cuda" and not (torch.cuda.is_available() and index < torch.cuda.device_count()):
        raise _unknown(name)
    if kind == "mps" and (not torch.backends.mps.is_available() or index):
        raise _unknown(name)
    if kind == "cpu":
        return torch.device("cpu")
    return torch.device(name.lower())


def _cuda(index: int) -> torch.device:
    if not torch.cuda.is_available():
        raise LispError("CUDA not available")
    if not 0 <= index < torch.cuda.device_count():
        raise _unknown(f"cuda:{index}")
    return torch.device("cuda", index)


@primitive("torch_cuda_is_available", "torch_cuda_available", library=LIBRARY, truth=True)
def torch_cuda_is_available() -> bool | None:
    """Is there a usable CUDA device?

    (= (torch_cuda_is_available) (> (torch_cuda_device_count) 0))
    ; true
    """
    return True if torch.cuda.is_available() else None


@primitive("torch_cuda_device_count", library=LIBRARY)
def torch_cuda_device_count() -> int:
    """The number of CUDA devices, 0 without CUDA.

    (>= (torch_cuda_device_count) 0)
    ; true
    """
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


@primitive("torch_cuda_memory_allocated", library=LIBRARY)
def torch_cuda_memory_allocated() -> int:
    """Bytes of the current CUDA device that tensors occupy; 0 without CUDA.

    (>= (torch_cuda_memory_allocated) 0)
    ; true
    """
    return torch.cuda.memory_allocated() if torch.cuda.is_available() else 0


@primitive("torch_cuda_memory_total", library=LIBRARY)
def torch_cuda_memory_total() -> int:
    """Size in bytes of the memory of the current CUDA device; 0 without CUDA.

    (>= (torch_cuda_memory_total) (torch_cuda_memory_allocated))
    ; true
    """
    if not torch.cuda.is_available():
        return 0
    return int(torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory)


@primitive("torch_cuda_empty_cache", library=LIBRARY)
def torch_cuda_empty_cache() -> bool:
    """Give unused blocks of CUDA memory back; without CUDA nothing happens.

    (torch_cuda_empty_cache)
    ; true
    """
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return True


@primitive("torch_mps_is_available", "torch_mps_available", library=LIBRARY, truth=True)
def torch_mps_is_available() -> bool | None:
    """Can Apple's MPS be used?

    (= (torch_mps_is_available) (torch_mps_available))
    ; true
    """
    return True if torch.backends.mps.is_available() else None


@primitive("torch_mps_synchronize", library=LIBRARY)
def torch_mps_synchronize(safemode: Any = None) -> bool | None:
    """Wait for the work queued on the GPU, MPS or CUDA; nil where there is no MPS.

    With an argument, true or nil, only the flag is recorded, and the answer is
    true. A missing device is never an error.

    (torch_mps_synchronize true)
    ; true
    """
    if safemode is not None:
        _State.safe = safemode is True
        return True
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    if torch.backends.mps.is_available():
        torch.mps.synchronize()
        return True
    return None


@primitive("torch_get_best_device", library=LIBRARY)
def torch_get_best_device() -> str:
    """The first of "mps", "cuda" and "cpu" that is present.

    (torch_shape (torch_to_device (tensor_ones '(2)) (torch_get_best_device)))
    ; (2)
    """
    if torch.backends.mps.is_available():
        return "mps"
    return "cuda" if torch.cuda.is_available() else "cpu"


@primitive("torch_set_device", library=LIBRARY)
def torch_set_device(device: Any) -> bool:
    """Choose a CUDA device by its index, or by name the device of new tensors.

    The names are "cpu", "cuda", "cuda:N" and "mps"; a device that is not
    there is an error.

    (torch_set_device "cpu")
    ; true
    """
    if isinstance(device, (int, float)) and device is not True:
        torch.cuda.set_device(_cuda(axis(device, "device")))
        return True
    chosen = device_of(device)
    if chosen.type == "cuda" and chosen.index is not None:
        torch.cuda.set_device(chosen)
    _State.default = None if chosen.type == "cpu" else chosen
    return True


@primitive("torch_to_cuda", "tensor_to_cuda", "torch_tensor_to_cuda", library=LIBRARY)
def torch_to_cuda(tensor: Any, device: Any = None) -> Tensor:
    """The tensor on a CUDA device: the current one, an index, or "cuda:N".

    Gradients flow through the transfer. Without CUDA it is an error.

    (if (torch_cuda_is_available) (torch_shape (torch_to_cuda (tensor_ones '(2)))) (integers 2))
    ; (2)
    """
    value = only_tensor(tensor)
    if not torch.cuda.is_available():
        raise LispError("CUDA not available")
    if device is None:
        return value.to("cuda")
    if isinstance(device, (int, float)):
        return value.to(_cuda(axis(device, "device")))
    chosen = device_of(device)
    if chosen.type != "cuda":
        raise LispError(f"no CUDA device: {what(device)}")
    return value.to(chosen)


@primitive("torch_to_cpu", "tensor_to_cpu", "torch_tensor_to_cpu", library=LIBRARY)
def torch_to_cpu(tensor: Any) -> Tensor:
    """The tensor on the CPU; itself if it is there already.

    (torch_to_cpu (torch_tensor (floats 4 5)))
    ; (4 5)
    """
    return only_tensor(tensor).cpu()


@primitive("torch_to_mps", "tensor_to_mps", "torch_tensor_to_mps", library=LIBRARY)
def torch_to_mps(tensor: Any) -> Tensor:
    """The tensor on Apple's MPS, which must be there.

    (if (torch_mps_is_available) (torch_shape (torch_to_mps (tensor_ones '(2)))) (integers 2))
    ; (2)
    """
    value = only_tensor(tensor)
    if not torch.backends.mps.is_available():
        raise LispError("MPS not available")
    return value.to("mps")


@primitive("torch_to_device", "tensor_to_device", "torch_tensor_to_device", library=LIBRARY)
def torch_to_device(tensor: Any, device: Any) -> Any:
    """The tensor on "cpu", "cuda", "cuda:N" or "mps"; a module is moved in place.

    (torch_to_device (torch_tensor (floats 4 5)) "cpu")
    ; (4 5)
    """
    chosen = device_of(device)
    if isinstance(tensor, (Tensor, nn.Module)):
        return tensor.to(chosen)
    raise LispError(f"argument must be a tensor or a module, not {what(tensor)}")


@primitive("torch_on_mps", "tensor_on_mps", "torch_tensor_on_mps", library=LIBRARY, truth=True)
def torch_on_mps(tensor: Any) -> bool | None:
    """Does the tensor live on Apple's MPS?

    (torch_on_mps (torch_to_cpu (tensor_ones '(2))))
    ; nil
    """
    return True if only_tensor(tensor).device.type == "mps" else None


@primitive("torch_device", "tensor_device", "torch_tensor_device", library=LIBRARY)
def torch_device(tensor: Any) -> str:
    """The device that holds the tensor, such as "cpu" or "cuda:0".

    (list (torch_device (torch_to_cpu (tensor_ones '(2)))))
    ; ("cpu")
    """
    if tensor.__class__ is Tensor:
        return str(tensor.device)
    return str(only_tensor(tensor).device)


def live_tensors() -> list[Tensor]:
    """The tensors of this process that are alive."""
    return [o for o in gc.get_objects() if issubclass(type(o), Tensor)]


@primitive("torch_memory_usage", library=LIBRARY)
def torch_memory_usage() -> float:
    """Megabytes that tensors occupy: on the CUDA device if there is one, else in the process.

    Storage that several tensors share counts once.

    (>= (torch_memory_usage) 0)
    ; true
    """
    if torch.cuda.is_available():
        used = float(torch.cuda.memory_allocated())
    else:
        storages = {}
        for value in live_tensors():
            if value.layout is torch.strided and value.__class__.__torch_dispatch__ is (
                Tensor.__torch_dispatch__
            ):
                storage = value.untyped_storage()
                storages[storage._cdata] = storage.nbytes()
        used = float(sum(storages.values()))
    used /= _MEGABYTE
    _State.peak = max(_State.peak, used)
    return used


@primitive("torch_peak_memory", library=LIBRARY)
def torch_peak_memory() -> float:
    """The highest use of memory in megabytes: CUDA's own record, else what was ever measured.

    Without CUDA it is the largest answer of torch_memory_usage so far, this
    call included.

    (>= (torch_peak_memory) 0)
    ; true
    """
    used = torch_memory_usage()
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / _MEGABYTE
    return max(used, _State.peak)
