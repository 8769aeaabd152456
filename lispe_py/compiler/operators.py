"""Operators and accesses that compile in line.

An operation on two integers or on two numbers is Python's own operator behind
a test of their classes; everything else goes to the runtime.
"""

from __future__ import annotations

import ast
from typing import Any

from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler, inline, test_form
from lispe_py.compiler.control import as_value
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

#: operator of an update form
UPDATES = {
    "+=": "+", "-=": "-", "*=": "*", "/=": "/", "%=": "%", "^^=": "^^",
    "<<=": "<<", ">>=": ">>", "&=": "&", "|=": "|", "^=": "^", "&~=": "&~",
}  # fmt: skip

#: language's spelling -> name of the binary function in ``runtime.arithmetic``
ARITHMETIC = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo",
    "^^": "power", "<<": "shift_left", ">>": "shift_right", "&": "bit_and",
    "|": "bit_or", "^": "bit_xor", "&~": "bit_and_not",
}  # fmt: skip

COMPARISON = {
    "=": "equal", "!=": "not_equal", "eq": "same", "neq": "not_same", "<": "less",
    "<=": "less_equal", ">": "greater", ">=": "greater_equal",
}  # fmt: skip

_PYTHON_ARITHMETIC = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div}
_PYTHON_INTEGER = {"&": ast.BitAnd, "|": ast.BitOr, "^": ast.BitXor}
_PYTHON_COMPARISON = {
    "=": ast.Eq, "!=": ast.NotEq, "eq": ast.Eq, "neq": ast.NotEq, "<": ast.Lt,
    "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE,
}  # fmt: skip

OPERATORS = frozenset({*ARITHMETIC, *COMPARISON, *UPDATES, "==", ">=<", "~", "!"})


def is_operator(name: str) -> bool:
    """Operators evaluate to themselves when they stand as values."""
    return name in OPERATORS


def _class_of(node: ast.expr) -> str | None:
    """"int" or "float" for a node whose class is known when it is compiled."""
    if isinstance(node, ast.Constant) and node.value.__class__ in (int, float):
        return node.value.__class__.__name__
    known: str | None = getattr(node, "number_class", None)
    return known


class _Operands:
    """Two operands, each made readable twice without being evaluated twice."""

    def __init__(self, c: Compiler, left: ast.expr, right: ast.expr) -> None:
        simple_right = c.stable(right) or isinstance(right, (ast.Name, ast.Constant))
        # A global may change while the other side runs: then keep its value.
        keep_left = not (c.stable(left) or (emit.is_simple(left) and simple_right))
        self.left, self.left_first = self._twice(c, left, keep_left)
        self.right, self.right_first = self._twice(c, right, not emit.is_simple(right))

    @staticmethod
    def _twice(c: Compiler, node: ast.expr, keep: bool) -> tuple[ast.expr, ast.expr]:
        if not keep:
            return node, node
        target = c.temp()
        return emit.name(target), emit.walrus(target, node)


def _guard(first: ast.expr, second: ast.expr, cls: str) -> ast.expr:
    """``first.__class__ is second.__class__ is .cls``"""
    return ast.Compare(
        emit.attribute(first, "__class__"),
        [ast.Is(), ast.Is()],
        [emit.attribute(second, "__class__"), emit.helper(cls)],
    )


def _both(node: ast.expr, classes: tuple[str, ...]) -> ast.expr:
    tests = [emit.has_class(node, cls) for cls in classes]
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)


def _guarded(
    c: Compiler, left: ast.expr, right: ast.expr, native: Any, generic: str, *, floats: bool,
    mixed: bool,
) -> ast.expr:  # fmt: skip
    """``native(left, right)`` for two ints (two floats), else the runtime's helper.

    ``mixed``: a float on the left may meet an int on the right natively.
    """
    lc, rc = _class_of(left), _class_of(right)
    if lc and rc:
        if lc == rc and (floats or lc == "int"):
            return native(left, right)
        return emit.run(generic, left, right)
    ops = _Operands(c, left, right)
    result = native(ops.left, ops.right)
    if rc is not None:
        # The right side is a literal: test the left one only.
        if rc == "int":
            classes = ("int", "float") if floats and mixed else ("int",)
        else:
            classes = ("float",) if floats else ()
        if not classes:
            return emit.run(generic, left, right)
        test = [emit.has_class(ops.left_first, classes[0])]
        test += [emit.has_class(ops.left, cls) for cls in classes[1:]]
        guard = test[0] if len(test) == 1 else ast.BoolOp(ast.Or(), test)
        return emit.conditional(guard, result, emit.run(generic, ops.left, right))
    if lc is not None:
        if lc == "float" and not floats:
            return emit.run(generic, left, right)
        guard = emit.has_class(ops.right_first, lc)
        return emit.conditional(guard, result, emit.run(generic, left, ops.right))
    generic_call: ast.expr = emit.run(generic, ops.left, ops.right)
    if floats:
        generic_call = emit.conditional(
            _guard(ops.left, ops.right, "float"), native(ops.left, ops.right), generic_call
        )
    return emit.conditional(
        _guard(ops.left_first, ops.right_first, "int"), result, generic_call
    )


def binary(c: Compiler, operator: str, left: ast.expr, right: ast.expr) -> ast.expr:
    """An arithmetic operation on two compiled operands."""
    generic = f"op {operator}"
    python = _PYTHON_ARITHMETIC.get(operator)
    if python is not None:
        op = python()
        if operator == "/" and isinstance(right, ast.Constant) and right.value == 0:
            return emit.run(generic, left, right)
        return _guarded(
            c, left, right, lambda a, b: ast.BinOp(a, op, b), generic, floats=True, mixed=True
        )
    python = _PYTHON_INTEGER.get(operator)
    if python is not None:
        op = python()
        return _guarded(
            c, left, right, lambda a, b: ast.BinOp(a, op, b), generic, floats=False, mixed=False
        )
    if operator == "%":
        return _remainder(c, left, right)
    return emit.run(generic, left, right)


def _remainder(c: Compiler, left: ast.expr, right: ast.expr) -> ast.expr:
    """Python's ``%`` where it agrees: the left operand is not negative, the right positive."""
    ops = _Operands(c, left, right)
    if isinstance(right, ast.Constant) and right.value.__class__ is int and right.value > 0:
        tests = [
            emit.has_class(ops.left_first, "int"),
            ast.Compare(ops.left, [ast.GtE()], [emit.constant(0)]),
        ]
    else:
        tests = [
            _guard(ops.left_first, ops.right_first, "int"),
            ast.Compare(ops.left, [ast.GtE(), ast.Lt()], [emit.constant(0), ops.right]),
        ]
    return emit.conditional(
        ast.BoolOp(ast.And(), tests),
        ast.BinOp(ops.left, ast.Mod(), ops.right),
        emit.run("op %", ops.left, ops.right),
    )


def operation(c: Compiler, operator: str, operands: list[Any], form: List) -> ast.expr:
    """An arithmetic operation on any number of forms, folded from the left."""
    whole = List([form[0], *operands])
    where = getattr(form, "where", None)
    if where is not None and len(whole) == len(form):
        whole.where = where
    nodes = c.args(whole)
    if len(nodes) == 1:
        return emit.run("fold", emit.constant(operator), nodes[0])
    result = nodes[0]
    for node in nodes[1:]:
        result = binary(c, operator, result, node)
    return result


@inline(*ARITHMETIC)
def arithmetic(c: Compiler, form: List) -> ast.expr:
    return operation(c, form[0].name, form[1:], form)


def _comparison(c: Compiler, form: List) -> ast.expr:
    """A comparison as a Python truth value."""
    name = form[0].name
    nodes = c.args(form)
    generic = COMPARISON[name]
    if len(nodes) != 2:
        entry = c.world.entry(name)
        assert entry is not None
        return emit.call(emit.name(c.world.bind(entry)), nodes)
    left, right = nodes
    op = _PYTHON_COMPARISON[name]()
    if name in ("=", "eq", "!=", "neq"):
        for literal, other in ((left, right), (right, left)):
            if _is_text(literal) and c.stable(other):
                return emit.conditional(
                    emit.has_class(other, "str"),
                    ast.Compare(left, [op], [right]),
                    emit.run(generic, left, right),
                )
            if isinstance(literal, ast.Constant) and literal.value is None:
                return emit.run(generic, left, right)
    return _guarded(
        c, left, right, lambda a, b: ast.Compare(a, [op], [b]), generic, floats=True, mixed=True
    )


def _is_text(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and not node.value.startswith("\0")
    )


@inline(*COMPARISON)
def comparison(c: Compiler, form: List) -> ast.expr:
    return as_value(_comparison(c, form))


test_form(*COMPARISON)(_comparison)


# ---------------------------------------------------------------- accesses


@inline("at")
def at(c: Compiler, form: List) -> ast.expr:
    nodes = c.args(form)
    if len(nodes) != 2:
        return emit.run("at", *nodes)
    ops = _Operands(c, nodes[0], nodes[1])
    tests = [emit.has_class(ops.left_first, "List")]
    if _class_of(ops.right) == "int":
        first = ops.left
    else:
        tests.append(emit.has_class(ops.right_first, "int"))
        first = ops.left
    if ops.right_first is not ops.right:
        # Both must have been evaluated before the generic call can use them.
        return emit.run("at", *nodes)
    return emit.conditional(
        tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests),
        emit.subscript(first, ops.right),
        emit.run("at", ops.left, ops.right),
    )


@inline("car")
def car(c: Compiler, form: List) -> ast.expr:
    (node,) = c.args(form)
    first = node
    if not c.stable(node):
        target = c.temp()
        first, node = emit.walrus(target, node), emit.name(target)
    return emit.conditional(
        ast.BoolOp(ast.And(), [emit.has_class(first, "List"), node]),
        emit.subscript(node, emit.constant(0)),
        emit.run("car", node),
    )


@inline("push")
def push(c: Compiler, form: List) -> ast.expr:
    entry = c.world.entry("push")
    assert entry is not None
    target = form[1]
    if len(form) != 3 or target.__class__ is not Symbol:
        return c.primitive_call(form, entry)
    container, value = c.args(form)
    if not emit.is_simple(container) or isinstance(container, ast.Constant):
        return c.primitive_call(form, entry)
    if not emit.is_simple(value):
        kept = c.temp()
        c.emit(emit.assign(kept, value))
        value = emit.name(kept)
    # Appending to a list is by far the most common; the rest may rebind the name.
    fast = [emit.effect(emit.call(emit.attribute(container, "append"), [value]))]
    with c.branch() as slow:
        c.update(target.name, emit.run("push", container, value))
    c.emit(ast.If(emit.has_class(container, "List"), fast, slow))  # type: ignore[arg-type]
    return container
