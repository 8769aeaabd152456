"""A text that grows at its end: ``(+= s "...")`` and ``(setq s (+ s ...))``.

Python lengthens a text in place where ``s = s + t`` is a statement of its own and
``s`` a local variable that alone holds it; any other form copies, and a loop that
builds a text would take time that is quadratic in its length. So an assignment
whose value may be such a sum is written as statements.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from lispe_py.compiler import emit

#: The helpers of a sum.
_SUMS = (".op +", ".chain +", ".own0 +", ".own1 +", ".update +")


def assignment(target: str, value: ast.expr, temp: Callable[[], str]) -> list[ast.stmt]:
    """The statements that assign a value to a local variable."""
    if not _may_grow(target, value):
        return [emit.assign(target, value)]
    value = _bare(value)
    if isinstance(value, ast.IfExp):
        if getattr(value, "joins_texts", False):
            # What it does with texts is done below, in place.
            return assignment(target, value.orelse, temp)
        yes, no = (assignment(target, part, temp) for part in (value.body, value.orelse))
        return [ast.If(value.test, yes, no)]
    assert isinstance(value, ast.Call)
    statements: list[ast.stmt] = []
    parts: list[ast.expr] = []
    for part in _parts(value):
        if not emit.is_simple(part) or (isinstance(part, ast.Name) and part.id == target):
            # Evaluated before the text grows.
            kept = temp()
            statements.append(emit.assign(kept, part))
            part = emit.name(kept)
        parts.append(part)
    test: ast.expr = emit.has_class(emit.name(target), "str")
    tests = [emit.has_class(part, "str") for part in parts if isinstance(part, ast.Name)]
    if tests:
        test = ast.BoolOp(ast.And(), [test, *tests])
    grown: list[ast.stmt] = [
        emit.assign(target, ast.BinOp(emit.name(target), ast.Add(), part)) for part in parts
    ]
    whole: ast.expr = emit.name(target)
    for part in parts:
        whole = emit.call(value.func, [whole, part])
    statements.append(ast.If(test, grown, [emit.assign(target, whole)]))
    return statements


def _may_grow(target: str, value: ast.expr) -> bool:
    """Is the value, or one of its cases, a sum that begins with the variable?"""
    value = _bare(value)
    if isinstance(value, ast.IfExp):
        return _may_grow(target, value.body) or _may_grow(target, value.orelse)
    parts = _parts(value)
    if not parts:
        return False
    first = value
    while isinstance(first, ast.Call):
        first = first.args[0]
    return (
        isinstance(first, ast.Name)
        and first.id == target
        and all(not isinstance(p, ast.Constant) or _is_text(p) for p in parts)
        and not any(
            isinstance(node, ast.NamedExpr) and node.target.id == target
            for part in parts
            for node in ast.walk(part)
        )
    )


def _bare(value: ast.expr) -> ast.expr:
    """The operation itself, without what clears its temporaries."""
    found: ast.expr = getattr(value, "bare", value)
    return found


def _parts(value: ast.expr) -> list[ast.expr]:
    """What a sum of two or more adds to its first operand; nothing for any other value."""
    found: list[ast.expr] = []
    while (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _SUMS
    ):
        found.extend(reversed(value.args[1:]))
        value = value.args[0]
    return found[::-1]


def _is_text(node: ast.Constant) -> bool:
    return isinstance(node.value, str) and not node.value.startswith("\0")
