"""Small constructors for Python AST nodes.

Helpers of the runtime are reached by names that start with a dot, primitives
by names that start with a colon; no LispE program can spell either. Nodes are
made without positions: :func:`locate` gives them the place of the form they
come from.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from lispe_py.places import Place

Node = TypeVar("Node", bound=ast.expr)

LOAD = ast.Load()
STORE = ast.Store()

#: Names that compiled code can see besides its globals: Python's own built-ins.
BUILTINS = frozenset(name for name in vars(builtins) if not name.startswith("_"))

#: Names that an AST refuses as identifiers, though LispE allows them.
_REFUSED = {"None", "True", "False", "__debug__"}


def identifier(name: str) -> str:
    """The Python identifier of a LispE variable (any text will do in an AST)."""
    return f"{name} " if name in _REFUSED else name


def name(identifier: str) -> ast.Name:
    return ast.Name(identifier, LOAD)


def classed(node: Node, cls: str | None) -> Node:
    """Note the class of a node's value: "int", "float", or that of a list; None: unknown."""
    known = "number_class" if cls in ("int", "float", None) else "list_class"
    setattr(node, known, cls)
    return node


def class_of(node: ast.expr) -> str | None:
    """ "int" or "float" for a node whose class is known when it is compiled."""
    if isinstance(node, ast.Constant) and node.value.__class__ in (int, float):
        return str(node.value.__class__.__name__)
    known: str | None = getattr(node, "number_class", None)
    return known


def list_class(node: ast.expr) -> str | None:
    """ "List", "Integers" or "Numbers" for a node whose value surely is such a list."""
    known: str | None = getattr(node, "list_class", None)
    return known


def kept(target: str, node: ast.expr) -> ast.Name:
    """A reading of a variable that holds what a node gives."""
    read = name(target)
    for known in ("number_class", "list_class"):
        setattr(read, known, getattr(node, known, None))
    return read


def helper(text: str) -> ast.Name:
    """A runtime helper: ``helper("add")`` is the name ``.add``."""
    return ast.Name(f".{text}", LOAD)


def constant(value: Any) -> ast.Constant:
    return ast.Constant(value)


NIL = None


def nil() -> ast.Constant:
    return ast.Constant(None)


def true() -> ast.Constant:
    return ast.Constant(True)


def call(
    function: ast.expr, args: Sequence[ast.expr], keywords: Sequence[ast.keyword] = ()
) -> ast.Call:
    return ast.Call(function, list(args), list(keywords))


def run(text: str, *args: ast.expr) -> ast.Call:
    """A call of a runtime helper."""
    return ast.Call(helper(text), list(args), [])


def assign(target: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(target, STORE)], value)


def walrus(target: str, value: ast.expr) -> ast.NamedExpr:
    return ast.NamedExpr(ast.Name(target, STORE), value)


def effect(value: ast.expr) -> ast.Expr:
    return ast.Expr(value)


def attribute(value: ast.expr, attr: str) -> ast.Attribute:
    return ast.Attribute(value, attr, LOAD)


def subscript(value: ast.expr, key: ast.expr) -> ast.Subscript:
    return ast.Subscript(value, key, LOAD)


def set_subscript(value: ast.expr, key: ast.expr, item: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Subscript(value, key, STORE)], item)


def is_(left: ast.expr, right: ast.expr) -> ast.Compare:
    return ast.Compare(left, [ast.Is()], [right])


def is_not(left: ast.expr, right: ast.expr) -> ast.Compare:
    return ast.Compare(left, [ast.IsNot()], [right])


def has_class(value: ast.expr, cls: str) -> ast.Compare:
    """``value.__class__ is .cls``"""
    return is_(attribute(value, "__class__"), helper(cls))


def in_classes(value: ast.expr, classes: str) -> ast.Compare:
    """``value.__class__ in .classes``"""
    return ast.Compare(attribute(value, "__class__"), [ast.In()], [helper(classes)])


def not_(value: ast.expr) -> ast.UnaryOp:
    return ast.UnaryOp(ast.Not(), value)


def conditional(test: ast.expr, yes: ast.expr, no: ast.expr) -> ast.IfExp:
    return ast.IfExp(test, yes, no)


def guarded(tried: list[ast.stmt], failed: list[ast.stmt]) -> ast.Try:
    """Statements, and those that run when an error ends them."""
    handler = ast.ExceptHandler(helper("Exception"), None, failed or [ast.Pass()])
    return ast.Try(tried or [ast.Pass()], [handler], [], [])


def function(
    title: str,
    args: ast.arguments,
    body: list[ast.stmt],
) -> ast.FunctionDef:
    return ast.FunctionDef(title, args, body or [ast.Pass()], [], None)


def arguments(
    names: Iterable[str], rest: str | None = None, defaults: Sequence[ast.expr] = ()
) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[],
        args=[ast.arg(n) for n in names],
        vararg=ast.arg(rest) if rest else None,
        kwonlyargs=[],
        kw_defaults=[],
        kwarg=None,
        defaults=list(defaults),
    )


def is_simple(node: ast.expr) -> bool:
    """May the node be evaluated twice, or later, without a difference?"""
    return isinstance(node, (ast.Name, ast.Constant))


def is_function(node: ast.expr) -> ast.Compare:
    """Is the value a compiled function? Written so that torch.compile can follow it."""
    return is_(call(name("type"), [node]), helper("Function"))


def mark_global(node: ast.Name) -> ast.Name:
    """A variable that anything that runs may change."""
    node.is_global = True  # type: ignore[attr-defined]
    return node


def is_global(node: ast.expr) -> bool:
    return getattr(node, "is_global", False)


def locate(node: ast.AST, place: Place) -> None:
    """Give a place to every node below ``node`` that has none yet.

    ``place`` is (line, column, end line, end column), columns from 1.
    """
    line, column, end_line, end_column = place
    column -= 1
    end_column = max(end_column - 1, 0)
    pending = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, (ast.expr, ast.stmt, ast.arg, ast.keyword, ast.excepthandler)):
            if hasattr(item, "lineno"):
                continue
            item.lineno = line
            item.col_offset = column
            item.end_lineno = end_line
            item.end_col_offset = end_column
        for field in item._fields:
            value = getattr(item, field, None)
            if value.__class__ is list:
                pending.extend(v for v in value if isinstance(v, ast.AST))
            elif isinstance(value, ast.AST) and value is not LOAD and value is not STORE:
                pending.append(value)
