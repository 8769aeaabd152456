"""Lists that a loop builds from behind: ``(loop x l (setq r (cons x r)))``.

Each ``cons`` copies its list, so that such a loop would take time that is quadratic
in its length. Where nothing but these assignments names the variable in the loop,
nobody can see it there: its new members are collected, and put in front when the
loop ends, however it ends.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from lispe_py.compiler import emit
from lispe_py.compiler.forms import Dest
from lispe_py.compiler.symbols import ARITHMETIC, COMPARISON, UPDATES
from lispe_py.compiler.walk import named_forms
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

if TYPE_CHECKING:
    from lispe_py.compiler.compiler import Compiler

_CONS = Symbol("cons")
_LAMBDAS = frozenset(("\\", "λ", "lambda"))
#: What runs no function of the user, who could look at a global variable there.
_HARMLESS = frozenset(
    {*ARITHMETIC, *COMPARISON, *UPDATES}
    | {"setq", "cons", "if", "ife", "cond", "check", "ncheck", "block", "and", "or", "not"}
    | {"loop", "while", "loopcount", "iota", "iota0", "⍳", "⍳0", "range", "list", "quote"}
    | {"car", "cdr", "@", "size", "string", "integer", "number"}
)


def _names(form: Any) -> Iterator[str]:
    """The symbols of a form, quoted or not."""
    pending = [form]
    while pending:
        item = pending.pop()
        if item.__class__ is Symbol:
            yield item.name
        elif isinstance(item, List):
            pending.extend(item)


def _count(form: Any, name: str) -> int:
    """How often a symbol stands in a form."""
    return sum(other == name for other in _names(form))


def in_lambdas(body: Any) -> frozenset[str]:
    """The names in the lambdas of a body: what they capture is among them."""
    lambdas = (form for head, form in named_forms(body) if head in _LAMBDAS)
    return frozenset(chain.from_iterable(map(_names, lambdas)))


def _built(form: List) -> str | None:
    """The variable of ``(setq r (cons x r))``, x without it."""
    if len(form) != 3 or form[1].__class__ is not Symbol:
        return None
    value = form[2]
    if not isinstance(value, List) or len(value) != 3 or value[0] is not _CONS:
        return None
    if value[2] is not form[1] or _count(value[1], form[1].name):
        return None
    name: str = form[1].name
    return name


def _is_harmless(c: Compiler, form: Any) -> bool:
    if not isinstance(form, List) or not form:
        return True
    if form[0].__class__ is not Symbol or form[0].name not in _HARMLESS:
        return False
    if c.is_function(form[0].name):
        return False
    return form[0].name == "quote" or all(_is_harmless(c, item) for item in form)


def _may_be_built(c: Compiler, name: str, loop: List) -> bool:
    """Is it a variable that nothing outside of the loop sees while it runs?"""
    scope = c.scope
    frame = scope.frame
    if scope.lambdas or scope.renaming(name) is not None or c.is_constant(name):
        return False
    if frame.kind == "top":
        return not c.shared and c.known_variable(name) and _is_harmless(c, loop)
    return (
        frame.kind == "function"
        and frame.in_lambdas is not None
        and name not in frame.in_lambdas
        and name in frame.locals
        and name in scope.certain
    )


def _variables(c: Compiler, loop: List) -> list[str]:
    """The variables that a loop only builds."""
    found: dict[str, int] = {}
    for head, form in named_forms(loop):
        name = _built(form) if head == "setq" else None
        if name is not None:
            found[name] = found.get(name, 0) + 1
    return [
        name
        for name, times in found.items()
        if name not in c.scope.frame.fronts
        and _count(loop, name) == 2 * times
        and _may_be_built(c, name, loop)
    ]


@contextmanager
def collected(c: Compiler, loop: List) -> Iterator[None]:
    """What is emitted is a loop: collect what it puts in front of its lists."""
    names = _variables(c, loop)
    if not names:
        yield
        return
    frame = c.scope.frame
    for name in names:
        frame.fronts[name] = front = c.temp()
        variable = c.load(name)
        usual: list[ast.expr] = [
            emit.has_class(variable, "List"),
            emit.is_(variable, emit.nil()),
        ]
        empty = ast.List([], emit.LOAD)
        collects = emit.conditional(ast.BoolOp(ast.Or(), usual), empty, emit.nil())
        begin: ast.stmt = emit.assign(front, collects)
        if frame.kind == "top":
            # Where it has no value the loop says so, if it ever comes to that.
            unset = ast.ExceptHandler(
                emit.helper("Exception"), None, [emit.assign(front, emit.nil())]
            )
            begin = ast.Try([begin], [unset], [], [])
        c.emit(begin)
    try:
        with c.sub_block() as block:
            yield
        with c.sub_block() as ending:
            for name in names:
                members = emit.name(frame.fronts[name])
                with c.branch() as joined:
                    c.store(name, emit.run("in_front", members, c.load(name)))
                c.emit(ast.If(members, joined, []))
        c.emit(ast.Try(block, [], [], ending))
    finally:
        for name in names:
            del frame.fronts[name]


def assignment(c: Compiler, form: List, dest: Dest) -> bool:
    """Compile ``(setq r (cons x r))`` in a loop that collects; False for any other form."""
    fronts = c.scope.frame.fronts
    name = _built(form) if fronts else None
    if name is None or name not in fronts:
        return False
    front = emit.name(fronts[name])
    node, variable = c.args(form[2], 1, 3)
    if not emit.is_simple(node):
        node = c.keep(node)
    entry = c.world.entry("cons")
    assert entry is not None
    with c.branch() as other:
        c.store(name, emit.call(emit.name(c.world.bind(entry)), [node, variable]))
    added = ast.Expr(emit.call(emit.attribute(front, "append"), [node]))
    c.emit(ast.If(emit.is_(front, emit.nil()), other, [added]))
    c.put(emit.true(), dest)
    return True
