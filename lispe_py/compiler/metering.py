"""Code that counts its steps, for interpreters that limit them."""

from __future__ import annotations

import ast

from lispe_py.compiler import emit


def count_steps(module: ast.Module) -> None:
    """Let every function and every round of a loop begin with a call of ``.step``."""
    nodes = [
        node for node in ast.walk(module) if isinstance(node, (ast.FunctionDef, ast.While, ast.For))
    ]
    for node in nodes:
        step = emit.effect(emit.run("step"))
        for part in ast.walk(step):
            ast.copy_location(part, node)
        node.body.insert(0, step)
