"""Gradient checkpointing: activations are computed again instead of kept.

In a model of several parts each part is a segment of its own: what is kept is
the input of every part, and the backward pass holds the activations of one
part at a time (Chen et al. 2016, "Training Deep Nets with Sublinear Memory
Cost").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.registry import primitive

from .arguments import module as module_of
from .arguments import tensor, what
from .layers import Layer, TransformerBlock, recomputed

LIBRARY = "lispe_torch"


class Checkpointed(Layer):
    """A module and a switch. Files and state dictionaries see the module alone."""

    atom = "torch_checkpointed_module_"

    def __init__(self, wrapped: nn.Module) -> None:
        super().__init__()
        self.wrapped = wrapped
        self.enabled = TransformerBlock.recompute_by_default

    def printed(self) -> str:
        state = "enabled" if self.enabled else "disabled"
        return f"PyTorch Checkpointed Module (checkpointing {state})"

    def spec(self) -> dict[str, Any]:
        return self._layer().spec()

    def exported(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return self._layer().exported()

    def adapted(
        self, spec: Mapping[str, Any], state: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor] | None:
        return self._layer().adapted(spec, state)

    def _layer(self) -> Layer:
        if isinstance(self.wrapped, Layer):
            return self.wrapped
        raise LispError(f"a module of this kind cannot be saved: {type(self.wrapped).__name__}")

    def forward(self, *inputs: Any) -> Any:
        wrapped = self.wrapped
        if not self.enabled:
            return wrapped(*inputs)
        if not isinstance(wrapped, Layer) or not wrapped.segmented:
            return recomputed(wrapped, *inputs)
        before = wrapped.recompute
        wrapped.recompute = True
        try:
            return wrapped(*inputs)
        finally:
            wrapped.recompute = before


def bare(module: nn.Module) -> nn.Module:
    """The module inside wrappers for checkpointing."""
    while isinstance(module, Checkpointed):
        module = module.wrapped
    return module


def _wrapper(value: Any) -> Checkpointed:
    if isinstance(value, Checkpointed):
        return value
    raise LispError(f"module must be a checkpointed module, not {what(value)}")


@primitive("torch_checkpoint_create", library=LIBRARY)
def torch_checkpoint_create(module: Any) -> Checkpointed:
    """Wrap a module so that its activations can be recomputed in the backward pass.

    The wrapper starts disabled, and shares the module with its other users. A
    model of several layers is recomputed layer by layer.

    (torch_checkpoint_create (torch_linear 2 1))
    ; PyTorch Checkpointed Module (checkpointing disabled)
    """
    return Checkpointed(module_of(module))


@primitive("torch_checkpoint_enable", library=LIBRARY)
def torch_checkpoint_enable(module: Any) -> bool:
    """Switch the recomputation of a wrapped module on: less memory, more time.

    (torch_checkpoint_enable (torch_checkpoint_create (torch_linear 2 1)))
    ; true
    """
    _wrapper(module).enabled = True
    return True


@primitive("torch_checkpoint_disable", library=LIBRARY)
def torch_checkpoint_disable(module: Any) -> bool:
    """Switch the recomputation of a wrapped module off.

    (torch_checkpoint_disable (torch_checkpoint_create (torch_linear 2 1)))
    ; true
    """
    _wrapper(module).enabled = False
    return True


@primitive("torch_checkpoint_forward", library=LIBRARY)
def torch_checkpoint_forward(module: Any, input: Any, mask: Any = None) -> Any:
    """Run a wrapped module; values and gradients do not depend on the switch.

    A module that takes a mask can be given one.

    (setq wrapped (torch_checkpoint_create (torch_linear 2 1)))
    (torch_shape (torch_checkpoint_forward wrapped (tensor_ones '(3 2))))
    ; (3 1)
    """
    wrapper = _wrapper(module)
    if mask is None:
        return wrapper(tensor(input, "input"))
    return wrapper(tensor(input, "input"), tensor(mask, "mask"))
