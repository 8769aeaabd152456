"""What the parts of a TorchScript model give while it runs.

TorchScript calls its parts without passing through Python, so no hook sees
them. Instead the graph of the model is copied, the values that are looked for
become its results, and the copy is run. For a part within a part it is the
inputs of the outer one that are looked for first.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError


def _path(value: Any, whole: Any) -> str | None:
    """The dotted name of the part that a value of a graph stands for; None: it is none."""
    names: list[str] = []
    while value.debugName() != whole.debugName():
        node = value.node()
        if node.kind() != "prim::GetAttr":
            return None
        names.append(node.s("name"))
        value = next(node.inputs())
    return ".".join(reversed(names))


def _calls(graph: Any) -> dict[str, Any]:
    """The last call of every part that is called directly, by the name of the part."""
    whole = next(graph.inputs())
    found: dict[str, Any] = {}
    for node in graph.nodes():
        if node.kind() == "prim::CallMethod":
            path = _path(next(node.inputs()), whole)
            if path:
                found[path] = node
    return found


def _evaluated(
    script: Any, graph: Any, inputs: tuple[Any, ...], values: list[Any]
) -> tuple[Any, ...]:
    """Values of a copied graph, for the inputs of the model."""
    bundle = graph.create("prim::TupleConstruct", values)
    bundle.output().setType(torch._C.TupleType([value.type() for value in values]))
    graph.appendNode(bundle)
    while sum(1 for _ in graph.outputs()):
        graph.eraseOutput(0)
    graph.registerOutput(bundle.output())
    function = torch._C._create_function_from_graph("states", graph)
    found: tuple[Any, ...] = function(script, *inputs)
    return found


def states_at(
    script: Any, method: str, inputs: tuple[Any, ...], names: list[str]
) -> dict[str, Tensor]:
    """The results of the named parts when a method runs on these inputs."""
    graph = script._c._get_method(method).graph.copy()
    calls = _calls(graph)
    direct = [name for name in names if name in calls]
    deeper: dict[str, list[str]] = {}
    for name in names:
        if name not in calls:
            above = [path for path in calls if name.startswith(f"{path}.")]
            if not above:
                raise LispError(f"the part '{name}' is not called in the straight run of the model")
            deeper.setdefault(max(above, key=len), []).append(name)
    wanted = [calls[name].output() for name in direct]
    arguments = {path: list(calls[path].inputs())[1:] for path in deeper}
    values = wanted + [value for path in deeper for value in arguments[path]]
    if not values:
        return {}
    results = _evaluated(script, graph, inputs, values)
    found = dict(zip(direct, results, strict=False))
    rest = list(results[len(direct) :])
    for path, inside in deeper.items():
        given = tuple(rest[: len(arguments[path])])
        rest = rest[len(arguments[path]) :]
        part = dict(script.named_modules())[path]
        shorter = [name.removeprefix(f"{path}.") for name in inside]
        states = states_at(part, calls[path].s("name"), given, shorter)
        found.update(zip(inside, (states[name] for name in shorter), strict=True))
    return found
