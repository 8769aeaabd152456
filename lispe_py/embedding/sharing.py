"""Memory of Python's arrays that programs read and write without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lispe_py import libraries
from lispe_py.errors import LispError
from lispe_py.registry import registry
from lispe_py.values.matrix import Grid
from lispe_py.values.typed import Numeric

if TYPE_CHECKING:
    from torch import Tensor


def share(data: Any) -> Tensor:
    """A tensor on the very memory of an array; see :meth:`LispE.share`."""
    import numpy
    import torch

    libraries.use("lispe_torch")
    if isinstance(data, torch.Tensor):
        return data
    if isinstance(data, (Numeric, Grid)):
        borrow = registry.get("torch_borrow")
        assert borrow is not None
        return borrow.function(data)
    try:
        if not isinstance(data, numpy.ndarray) and hasattr(data, "__dlpack__"):
            return torch.utils.dlpack.from_dlpack(data)
        array = data if isinstance(data, numpy.ndarray) else numpy.asarray(memoryview(data))
        if not array.flags.writeable:
            raise LispError("this memory may only be read, and cannot be shared")
        return torch.from_numpy(array)
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        raise LispError(
            f"cannot share memory of the class {type(data).__name__}: {error}"
        ) from error
