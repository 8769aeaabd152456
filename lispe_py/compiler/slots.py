"""Forms that stand for a function of one argument: ``(- _ 10)`` and ``'(- 10)``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from lispe_py.compiler import emit
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

if TYPE_CHECKING:
    from lispe_py.compiler.compiler import Compiler

#: Functions whose first argument may be a form with a slot, ``(- _ 10)``.
EAGER = frozenset(
    "maplist mapcar filterlist filtercar takelist takecar droplist dropcar scanlist".split()
)

#: Functions whose first argument may be a quoted form.
WITH_PARTIAL = EAGER | frozenset("map filter takewhile dropwhile".split())

_QUOTE = Symbol("quote")
_NOT_CALLS = frozenset({"quote", "λ", "lambda", "\\"})


def has_slot(form: Any) -> bool:
    return (
        isinstance(form, List)
        and len(form) > 1
        and form[0].__class__ is Symbol
        and form[0].name not in ("quote", "λ")
        and None in form
    )


def with_quoted_function(form: List) -> List:
    quoted = List([Symbol("quote"), form[1]])
    copy = List([form[0], quoted, *form[2:]])
    if hasattr(form, "where"):
        copy.where = form.where
    return copy


def arguments(c: Compiler, form: List, name: str) -> list[ast.expr]:
    """The arguments of a built-in, whose function may be written as a form."""
    if name in WITH_PARTIAL:
        held = partial_with_values(c, form[1])
        if held is not None:
            return [held, *c.args(form, 2)]
        if name in EAGER and has_slot(form[1]):
            form = with_quoted_function(form)
    return c.args(form)


def partial_with_values(c: Compiler, form: Any) -> ast.expr | None:
    """``'(+ x)`` with a local variable ``x``: the form, which holds its value.

    None where a form names no local variable: the runtime reads the globals.
    """
    if has_slot(form):
        body = form
    elif isinstance(form, List) and len(form) == 2 and form[0] is _QUOTE:
        body = form[1]
    else:
        return None
    if body.__class__ is Symbol:
        node = c.expr(body) if _is_local_function(c, body) else None
    elif isinstance(body, List) and body and not _is_literal(body):
        values = [m is not body[0] and _reads_local(c, m) for m in body]
        values[0] = _is_local_function(c, body[0]) or _reads_local_call(c, body[0])
        if not any(values):
            return None
        parts = [
            emit.run("held", c.expr(m)) if local else c.expr(List([_QUOTE, m]))
            for m, local in zip(body, values, strict=True)
        ]
        node = emit.run("List", ast.Tuple(parts, emit.LOAD))
    else:
        return None
    if node is None:
        return None
    target = c.temp()
    c.emit(emit.assign(target, node))
    return emit.name(target)


def _is_literal(form: List) -> bool:
    return form[0].__class__ is Symbol and form[0].name in _NOT_CALLS


def _is_local_function(c: Compiler, form: Any) -> bool:
    """Is it a local variable that no function is named like?"""
    return (
        form.__class__ is Symbol
        and c.scope.is_local(form.name)
        and not c.is_function(form.name)
        and c.world.entry(form.name) is None
    )


def _reads_local_call(c: Compiler, form: Any) -> bool:
    """Is it a call that is to be evaluated, and in which a local variable stands?"""
    if not isinstance(form, List) or not form or form[0].__class__ is not Symbol:
        return False
    return not _is_literal(form) and any(_reads_local(c, m) for m in form)


def _reads_local(c: Compiler, form: Any) -> bool:
    if form.__class__ is Symbol:
        return c.scope.is_local(form.name)
    return _reads_local_call(c, form)
