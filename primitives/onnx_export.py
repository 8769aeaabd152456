"""ONNX: modules written for other runtimes, and such files run again."""

from __future__ import annotations

import inspect
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.lists import List
from lispe_py.values.typed import Strings

from . import storage
from .arguments import boolean, is_list, known, module, options, positive, text, what
from .checkpointing import bare
from .convert import settled
from .persistence import path_of

LIBRARY = "lispe_torch"

#: A file of the format holds at most this many bytes of weights; more lie beside it.
_INSIDE = 1_500_000_000


def _package(name: str, purpose: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise LispError(
            f"{purpose} needs the package {name}", hint=f"install it: pip install {name}"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks about packages that it would like to have."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _examples(value: Any, name: str) -> tuple[Tensor, ...]:
    found = (value,) if isinstance(value, Tensor) else tuple(value) if is_list(value) else ()
    if not found or not all(isinstance(one, Tensor) for one in found):
        raise LispError(f"{name} must be a tensor or a list of tensors, not {what(value)}")
    return found


def _names(value: Any, name: str) -> list[str] | None:
    if value is None:
        return None
    if not is_list(value):
        raise LispError(f"{name} must be a list of names, not {what(value)}")
    return [text(one, name) for one in value]


def _laid_out(model: nn.Module, axes: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is said of the inputs, as the exporter wants it: of those in ``*inputs`` in a tuple."""
    kinds = [one.kind for one in inspect.signature(model.forward).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        return axes
    first = kinds.index(inspect.Parameter.VAR_POSITIONAL)
    return (*axes[:first], axes[first:])


def _export(
    model: nn.Module, examples: tuple[Tensor, ...], dynamic: bool, names: Any, opset: int | None
) -> Any:
    inputs, outputs = names
    axes = None
    if dynamic:
        # Every axis may vary, but for those that the model itself fixes.
        free = torch.export.Dim.AUTO
        each = tuple(dict.fromkeys(range(one.dim()), free) for one in examples)
        axes = _laid_out(model, each)
    try:
        with _quiet(), torch.no_grad():
            return torch.onnx.export(
                model, examples, dynamo=True, dynamic_shapes=axes, input_names=inputs,
                output_names=outputs, opset_version=opset, verbose=False, report=False,
            )  # fmt: skip
    except LispError:
        raise
    except Exception as error:
        lines = [line for line in str(error).strip().split("\n") if line.strip()]
        cause = getattr(error, "__cause__", None)
        reason = storage.reason(cause) if cause is not None else (lines or [""])[0]
        raise LispError(f"the module cannot be exported: {reason}") from None


@primitive("torch_onnx_export", "torch_export_onnx", library=LIBRARY, needs=("fs",))
def torch_onnx_export(model: Any, input: Any, path: Any, config: Any = None) -> str:
    """Write a module as an ONNX file, by following it on an example input.

    The input is a tensor or a list of them. Keys of the configuration:
    dynamic (true: axes that the model does not fix may have any size),
    input_names, output_names, opset. Needs the packages onnx and onnxscript.
    What depends on the values of the input is fixed as it was for the example.

    (torch_onnx_export (torch_linear 4 2) (tensor_ones '(3 4)) "linear.onnx")
    ; Model exported successfully
    """
    _package("onnx", "ONNX export")
    _package("onnxscript", "ONNX export")
    target, found = path_of(path), bare(module(model, "model"))
    examples = _examples(input, "input")
    given = options(config)
    known(given, ("dynamic", "input_names", "output_names", "opset"), "ONNX export")
    names = (
        _names(given.get("input_names"), "input_names"),
        _names(given.get("output_names"), "output_names"),
    )
    opset = None if given.get("opset") is None else positive(given["opset"], "opset")
    training = found.training
    found.eval()
    try:
        dynamic = boolean(given.get("dynamic", True), "dynamic")
        program = _export(found, examples, dynamic, names, opset)
    finally:
        found.train(training)
    size = sum(t.numel() * t.element_size() for t in found.state_dict().values())
    folder = os.path.dirname(os.path.realpath(target))
    if not os.path.isdir(folder):
        raise LispError(f"cannot write {target}: there is no such folder")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".onnx") as passing:
        try:
            program.save(
                os.path.join(passing, os.path.basename(target)), external_data=size > _INSIDE
            )
            # The file of weights first: the other one names it.
            for name in sorted(os.listdir(passing), key=lambda n: n == os.path.basename(target)):
                os.replace(os.path.join(passing, name), os.path.join(folder, name))
        except OSError as error:
            raise LispError(f"cannot write {target}: {storage.reason(error)}") from None
    return "Model exported successfully"


def _session(path: str) -> Any:
    runtime = _package("onnxruntime", "running ONNX files")
    settings = runtime.SessionOptions()
    settings.log_severity_level = 4
    try:
        return runtime.InferenceSession(
            storage.existing(path), settings, providers=["CPUExecutionProvider"]
        )
    except LispError:
        raise
    except Exception as error:
        raise LispError(f"cannot read {path}: {storage.reason(error)}") from None


@primitive("torch_onnx_run", library=LIBRARY, needs=("fs",))
def torch_onnx_run(path: Any, input: Any) -> Any:
    """Run an ONNX file on a tensor or a list of them: its result, a list where it has several.

    Needs the package onnxruntime.

    (torch_onnx_export (torch_linear 4 2) (tensor_ones '(3 4)) "linear.onnx")
    (torch_shape (torch_onnx_run "linear.onnx" (tensor_ones '(5 4))))
    ; (5 2)
    """
    session = _session(path_of(path))
    given = _examples(input, "input")
    wanted = session.get_inputs()
    if len(given) != len(wanted):
        raise LispError(f"the model takes {len(wanted)} inputs, not {len(given)}")
    feed = {one.name: settled(value).numpy() for one, value in zip(wanted, given, strict=True)}
    try:
        found = session.run(None, feed)
    except Exception as error:
        raise LispError(f"the model failed: {storage.reason(error)}") from None
    tensors = [torch.from_numpy(value.copy()) for value in found]
    return tensors[0] if len(tensors) == 1 else List(tensors)


@primitive("torch_onnx_info", library=LIBRARY, needs=("fs",))
def torch_onnx_info(path: Any) -> Dictionary:
    """What an ONNX file takes and gives: a dictionary of inputs, outputs and opset.

    The file is checked; a damaged one is an error. Needs the package onnx.

    (torch_onnx_export (torch_linear 4 2) (tensor_ones '(3 4)) "linear.onnx"
       (dictionary "input_names" (list "x") "output_names" (list "y")))
    (@ (torch_onnx_info "linear.onnx") "inputs")
    ; ("x")
    """
    onnx = _package("onnx", "reading ONNX files")
    name = storage.existing(path_of(path))
    try:
        onnx.checker.check_model(name)
        model = onnx.load(name, load_external_data=False)
    except Exception as error:
        raise LispError(f"cannot read {name}: {storage.reason(error)}") from None
    return Dictionary({
        "inputs": Strings(one.name for one in model.graph.input),
        "outputs": Strings(one.name for one in model.graph.output),
        "opset": max(one.version for one in model.opset_import if one.domain == ""),
        "operators": len(model.graph.node),
    })  # fmt: skip
