"""The training step: gradients, precision, compilation, random numbers."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.registry import primitive, registry
from lispe_py.runtime.context import Context
from lispe_py.runtime.writing import construct
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers

from .arguments import FLOATING, boolean, integer, number, tensor, text, what
from .layers import TransformerBlock
from .optimisers import optimizer_of

LIBRARY = "lispe_torch"


def accelerator() -> str:
    """The kind of device that mixed precision is for: the GPU where there is one."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@primitive("torch_backward", library=LIBRARY)
def torch_backward(loss: Any, retain_graph: Any = None, create_graph: Any = None) -> bool:
    """Back-propagate from a scalar loss; gradients add up until they are cleared.

    retain_graph keeps the graph for another call; create_graph lets the
    gradients be differentiated in turn. A loss that is not a scalar, does not
    depend on a parameter, or whose graph is gone, is an error.

    (setq layer (torch_linear 2 1))
    (torch_backward (tensor_sum (torch_linear_forward layer (tensor_ones '(1 2)))))
    ; true
    """
    retain = create = False
    if loss.__class__ is not Tensor or retain_graph is not None or create_graph is not None:
        loss = tensor(loss, "loss")
        create = boolean(create_graph, "create_graph")
        retain = boolean(retain_graph, "retain_graph") or create
    try:
        if _Switch.casting:
            # The graph knows its precision; casting its gradients again would lose digits.
            with torch.autocast(loss.device.type, enabled=False):
                _differentiate(loss, retain, create)
        elif create:
            _differentiate(loss, retain, create)
        else:
            loss.backward(retain_graph=retain)
    except RuntimeError as error:
        # What is wrong is found out afterwards: a loss that is right pays for no test.
        refusal = _refusal(loss, error)
        if refusal is None:
            raise
        raise refusal from None
    return True


class _Switch:
    """What scripts have switched for the whole process."""

    casting = False


def _refusal(loss: Tensor, error: RuntimeError) -> LispError | None:
    """Why a loss could not be differentiated, where it is the program's doing."""
    if loss.numel() != 1:
        return LispError(f"a loss must be a scalar, not {what(loss)}")
    if not loss.requires_grad:
        return LispError(
            "this loss does not depend on anything that is trained",
            hint="was it computed with gradients switched off, or from numbers?",
        )
    if "second time" in str(error):
        return LispError(
            "the graph of this loss is gone: it was used by an earlier backward",
            hint="compute the loss again, or keep the graph: (torch_backward loss true)",
        )
    return None


def _differentiate(loss: Tensor, retain: bool, create: bool) -> None:
    if not create:
        loss.backward(retain_graph=retain)
        return
    with warnings.catch_warnings():
        # That such gradients keep their graph alive is what was asked for.
        warnings.filterwarnings("ignore", message="Using backward.. with create_graph=True")
        loss.backward(retain_graph=True, create_graph=True)


@primitive("torch_grad", library=LIBRARY)
def torch_grad(parameter: Any) -> Any:
    """The gradient gathered in a parameter, or nil if there is none yet.

    (setq layer (torch_linear 2 1))
    (torch_backward (tensor_sum (torch_linear_forward layer (torch_tensor '((3.0 4.0))))))
    (torch_grad (@ layer "weight"))
    ; ((3 4))
    """
    found = tensor(parameter, "parameter")
    if not found.is_leaf:
        raise LispError("only parameters gather gradients, not the results of computations")
    return found.grad


@primitive("torch_set_grad_enabled", library=LIBRARY)
def torch_set_grad_enabled(enabled: Any) -> bool:
    """Switch the recording of gradients on or off for all that follows.

    (torch_set_grad_enabled true)
    ; true
    """
    torch.set_grad_enabled(boolean(enabled, "enabled"))
    return True


@primitive("torch_no_grad", library=LIBRARY, interpreter=True)
def torch_no_grad(lisp: Context, function: Any) -> Any:
    """Call a function without recording gradients, and give its value.

    Afterwards the recording is as it was, after an error too.

    (setq layer (torch_linear 2 1))
    (torch_shape (torch_no_grad (lambda () (torch_forward layer (tensor_ones '(3 2))))))
    ; (3 1)
    """
    called = lisp.callable(function)
    with torch.no_grad():
        return called()


@primitive("torch_manual_seed", library=LIBRARY)
def torch_manual_seed(seed: Any) -> bool:
    """Seed torch's random numbers, on every device.

    (torch_manual_seed 42)
    ; true
    """
    torch.manual_seed(integer(seed, "seed"))
    return True


def precision(value: Any) -> torch.dtype:
    """The element type of mixed precision."""
    found = FLOATING.get(text(value, "dtype").lower().removeprefix("torch."))
    if found not in (torch.bfloat16, torch.float16):
        raise LispError(f"mixed precision is bfloat16 or float16, not {value}")
    return found


@primitive("torch_set_autocast", library=LIBRARY)
def torch_set_autocast(enabled: Any, dtype: Any = "bfloat16") -> bool:
    """Switch mixed precision on or off for the forwards that follow.

    Matrix products run in bfloat16 (or float16), what needs precision stays
    in float32; parameters and gradients keep their type. It applies to the
    CPU and, where there is one, the GPU. Backward is not affected. With
    float16 small gradients vanish: scale the loss, see torch_grad_scaler.

    (torch_set_autocast nil)
    ; true
    """
    on = boolean(enabled, "enabled")
    wanted = precision("bfloat16" if dtype is None else dtype)
    # The cache of cast weights lives as long as the outermost autocast block.
    # A switch has no block, and the optimiser changes the weights meanwhile.
    _Switch.casting = on
    torch.set_autocast_cache_enabled(not on)
    torch.clear_autocast_cache()
    for kind in {"cpu", accelerator()}:
        torch.set_autocast_dtype(kind, wanted)
        torch.set_autocast_enabled(kind, on)
    return True


@primitive("torch_set_checkpoint", library=LIBRARY)
def torch_set_checkpoint(enabled: Any) -> bool:
    """Decide whether new transformer blocks and checkpoint wrappers recompute activations.

    (torch_set_checkpoint nil)
    ; true
    """
    TransformerBlock.recompute_by_default = boolean(enabled, "enabled")
    return True


def _compiler_is_there() -> bool:
    """Is there a C++ compiler, which torch.compile needs on the CPU?"""
    names = ("c++", "g++", "clang++") if sys.platform != "win32" else ("cl",)
    return any(shutil.which(name) for name in names)


@primitive("torch_compile", library=LIBRARY, interpreter=True)
def torch_compile(lisp: Context, model: Any, fullgraph: Any = None, backend: Any = None) -> Any:
    """Compile a module, or a function on tensors, to fused kernels.

    A module is compiled in place and returned: its name, weights and files
    stay as they are. A function comes back as a new one. Compilation happens
    at the first call, for the shapes it meets. With fullgraph true anything
    that breaks the graph is an error; backend is "inductor", "eager" or
    another of torch.compile. Where no C++ compiler is found, the module
    comes back uncompiled, with a warning.

    (torch_compile (torch_linear 2 1) nil "eager")
    ; PyTorch Linear Layer
    """
    name = "inductor" if backend is None else text(backend, "backend")
    if name not in torch.compiler.list_backends(exclude_tags=()):
        raise LispError(f"torch.compile has no backend '{name}'")
    whole = boolean(fullgraph, "fullgraph")
    _let_integers_be_traced()
    target: Callable[..., Any] | nn.Module = (
        model if isinstance(model, nn.Module) else lisp.callable(model)
    )
    if name == "inductor" and accelerator() == "cpu" and not _compiler_is_there():
        lisp.stderr.write("torch_compile: no C++ compiler found, running uncompiled\n")
        return target
    if isinstance(target, nn.Module):
        target.compile(fullgraph=whole, backend=name)
        return target
    # The tracer resolves Python's own names in the outermost function, so that is one of Python.
    return torch.compile(lambda *inputs: target(*inputs), fullgraph=whole, backend=name)


@cache
def _let_integers_be_traced() -> None:
    """In a graph ``(integers 2 3)``, a shape most often, is an ordinary list.

    The tracer of torch.compile cannot look into a typed one, and would break the graph.
    """
    entry = registry.get("integers")
    assert entry is not None

    @torch.compiler.substitute_in_graph(entry.function, skip_signature_check=True)
    def integers(*values: Any) -> Any:
        found = List()
        for value in values:
            if isinstance(value, list):
                found.extend(value)
            else:
                found.append(value)
        plain = all(isinstance(n, int) and not isinstance(n, bool) for n in found)
        return found if plain else construct(Integers, values)


class ScalerAdapter(Adapter):
    name = "torch_grad_scaler_"

    def show(self, value: Any) -> str:
        return f"Gradient Scaler (scale={value.get_scale():.6g})"


register_adapter(GradScaler, ScalerAdapter())


def scaler_of(value: Any) -> GradScaler:
    if isinstance(value, GradScaler):
        return value
    raise LispError(f"scaler must be a gradient scaler, not {what(value)}")


@primitive("torch_grad_scaler", library=LIBRARY)
def torch_grad_scaler(initial_scale: Any = 65536.0, growth_interval: Any = 2000) -> GradScaler:
    """Make a gradient scaler for float16 training.

    It multiplies the loss so that small gradients survive in float16, and
    divides the gradients before the update. Its scale halves when gradients
    overflow, and doubles after growth_interval good steps.

    (torch_grad_scaler 1024)
    ; Gradient Scaler (scale=1024)
    """
    scale = 65536.0 if initial_scale is None else number(initial_scale, "initial_scale")
    interval = 2000 if growth_interval is None else integer(growth_interval, "growth_interval")
    if scale <= 0 or interval < 1:
        raise LispError("the scale and the growth interval must be positive")
    return GradScaler(accelerator(), init_scale=scale, growth_interval=interval)


@primitive("torch_scale_loss", library=LIBRARY)
def torch_scale_loss(scaler: Any, loss: Any) -> Tensor:
    """The loss times the scale of a gradient scaler; hand it to torch_backward.

    (torch_scale_loss (torch_grad_scaler 8) (torch_tensor 0.5))
    ; 4
    """
    return scaler_of(scaler).scale(tensor(loss, "loss"))  # type: ignore[return-value]


@primitive("torch_scaler_unscale", library=LIBRARY)
def torch_scaler_unscale(scaler: Any, optimizer: Any) -> bool:
    """Divide the gradients of an optimiser by the scale now, so that they can be clipped.

    Once between two steps; torch_scaler_step does it otherwise.

    (setq layer (torch_linear 2 1))
    (setq scaler (torch_grad_scaler 8))
    (setq opt (torch_optimizer layer 0.1))
    (setq loss (tensor_sum (torch_forward layer (torch_tensor '((3.0 4.0))))))
    (torch_backward (torch_scale_loss scaler loss))
    (torch_scaler_unscale scaler opt)
    (torch_grad (@ layer "weight"))
    ; ((3 4))
    """
    try:
        scaler_of(scaler).unscale_(optimizer_of(optimizer))
    except (RuntimeError, AssertionError) as error:
        raise LispError(f"torch_scaler_unscale: {error}") from None
    return True


@primitive("torch_scaler_step", library=LIBRARY)
def torch_scaler_step(scaler: Any, optimizer: Any) -> Any:
    """Update from scaled gradients; true, or nil if they overflowed and the step was left out.

    The scale of the scaler is adapted in either case.

    (setq layer (torch_linear 2 1))
    (setq scaler (torch_grad_scaler 8))
    (setq opt (torch_optimizer layer 0.1))
    (setq loss (tensor_sum (torch_forward layer (tensor_ones '(1 2)))))
    (torch_backward (torch_scale_loss scaler loss))
    (torch_scaler_step scaler opt)
    ; true
    """
    found, target = scaler_of(scaler), optimizer_of(optimizer)
    before = found.get_scale()
    try:
        found.step(target)
        found.update()
    except (RuntimeError, AssertionError) as error:
        raise LispError(f"torch_scaler_step: {error}") from None
    return True if found.get_scale() >= before else None


#: Switches that were announced, recorded, and without effect on results.
SWITCHES = {
    "fusion": False,
    "adaptive_precision": False,
    "memory_pools": False,
    "autotuning": False,
}


@primitive("torch_enable_fusion", library=LIBRARY)
def torch_enable_fusion(enabled: Any) -> bool:
    """Record the wish for kernel fusion; results do not depend on it.

    torch fuses kernels itself: see torch_compile.

    (torch_enable_fusion true)
    ; true
    """
    SWITCHES["fusion"] = boolean(enabled, "enabled")
    return True


@primitive("torch_adaptive_precision", library=LIBRARY)
def torch_adaptive_precision(enabled: Any) -> bool:
    """Record the wish for adaptive precision; results do not depend on it.

    For mixed precision see torch_set_autocast.

    (torch_adaptive_precision true)
    ; true
    """
    SWITCHES["adaptive_precision"] = boolean(enabled, "enabled")
    return True


@primitive("torch_optimize_memory_pools", library=LIBRARY)
def torch_optimize_memory_pools(enabled: Any) -> bool:
    """Record the wish for memory pools; results do not depend on it.

    (torch_optimize_memory_pools true)
    ; true
    """
    SWITCHES["memory_pools"] = boolean(enabled, "enabled")
    return True


@primitive("torch_enable_autotuning", library=LIBRARY)
def torch_enable_autotuning(enabled: Any) -> bool:
    """Record the wish for auto-tuning; results do not depend on it.

    (torch_enable_autotuning true)
    ; true
    """
    SWITCHES["autotuning"] = boolean(enabled, "enabled")
    return True
