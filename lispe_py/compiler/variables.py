"""Forms that bind and change variables."""

from __future__ import annotations

import ast
from typing import Any

from lispe_py.compiler import emit, fronts
from lispe_py.compiler.accesses import takes, tried, update_typed
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.emit import class_of
from lispe_py.compiler.forms import EFFECT, TAIL, Dest, as_held, special
from lispe_py.compiler.operators import operation
from lispe_py.compiler.symbols import UPDATES
from lispe_py.names import CONSTANTS
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol


def _assign(c: Compiler, form: List, dest: Dest, store: Any, *, gives_value: bool = False) -> None:
    """Evaluate the value, store it by ``store(name, node)``."""
    target = form[1]
    if isinstance(target, List):
        if not target:
            raise c.fail("Invalid variable name: '()' (keyword)", form)
        names = [c.assignable(n, form) for n in target]
        parts, whole = c.temp(), c.temp()
        c.emit(emit.assign(whole, c.expr(form[2])))
        spread = emit.run("spread", emit.name(whole), emit.constant(len(names)))
        c.emit(emit.assign(parts, spread))
        for index, name in enumerate(names):
            store(name, emit.subscript(emit.name(parts), emit.constant(index)))
        c.put(emit.name(whole) if gives_value else emit.true(), dest)
        return
    name = c.assignable(target, form)
    node = c.expr(form[2] if gives_value else as_held(form[2]))
    answers = gives_value and dest is not EFFECT
    if answers and not isinstance(node, ast.Constant):
        kept = c.temp()
        c.emit(emit.assign(kept, node))
        node = emit.name(kept)
    store(name, node)
    c.put(node if answers else emit.true(), dest)


@special("setq", arity=(2, 2), usage="name value", statement=True)
def setq(c: Compiler, form: List, dest: Dest) -> None:
    """Bind a variable of the current function, a global at the top level; true.

    A list of names takes the members of a list of the same length.

    (setq (a b) '(1 2)) (+ a b)
    ; 3
    """
    if not fronts.assignment(c, form, dest):
        _assign(c, form, dest, c.store)


@special("setqv", "label", arity=(2, 2), usage="name value", statement=True)
def setqv(c: Compiler, form: List, dest: Dest) -> None:
    """Like ``setq``, and gives the value.

    (setqv a 5)
    ; 5
    """
    _assign(c, form, dest, c.store, gives_value=True)


@special("setg", arity=(2, 2), usage="name value", statement=True)
def setg(c: Compiler, form: List, dest: Dest) -> None:
    """Bind a global variable, from anywhere.

    (defun f() (setg total 3)) (f) total
    ; 3
    """

    def store(name: str, node: ast.expr) -> None:
        if c.is_constant(name):
            c.emit(ast.Expr(c.raises(f"'{name}' is a constant value")))
        else:
            c.emit(emit.effect(emit.run("set_global", emit.constant(name), node)))

    _assign(c, form, dest, store)


@special("setq=", arity=(2, 2), usage="name value", statement=True)
def setq_update(c: Compiler, form: List, dest: Dest) -> None:
    """Set a variable where it lives: field, local, global; else a new local.

    (setq n 1) (defun f() (setq= n 5)) (f) n
    ; 5
    """

    def store(name: str, node: ast.expr) -> None:
        if c.scope.is_local(name) or name in c.scope.frame.fields or c.known_variable(name):
            c.update(name, node)
        else:
            c.store(name, node)

    _assign(c, form, dest, store)


@special("setconst", arity=(2, 2), usage="name value", statement=True)
def setconst(c: Compiler, form: List, dest: Dest) -> None:
    """Bind a name that cannot be set again.

    (setconst limit 10) limit
    ; 10
    """
    name = c.assignable(form[1], form)
    c.store(name, c.expr(form[2]))
    c.fixed.add(name)
    c.emit(emit.effect(emit.run("set_constant", emit.constant(name))))
    c.put(emit.true(), dest)


@special("let", arity=(2, None), usage="bindings forms...", statement=True)
def let(c: Compiler, form: List, dest: Dest) -> None:
    """Bind variables for the forms of the body, one after the other.

    (let ((a 2) (b (* a 3))) (+ a b))
    ; 8
    """
    bindings = form[1]
    if not isinstance(bindings, List) or not bindings:
        raise c.fail("unbalanced list of variables in 'let'", form)
    for pair in bindings:
        if not isinstance(pair, List) or len(pair) != 2:
            raise c.fail("unbalanced list of variables in 'let'", form)
    if c.scope.frame.kind == "function" or c.scope.lambdas:
        _let_local(c, bindings, form[2:], dest)
    else:
        _let_saved(c, bindings, form[2:], dest)


def _let_local(c: Compiler, bindings: Any, body: list[Any], dest: Dest) -> None:
    """Inside a function each binding is a Python variable with a name of its own."""
    table: dict[str, str] = {}
    c.scope.renamed.append(table)
    try:
        for name_form, value in bindings:
            name = c.assignable(name_form)
            node = c.expr(as_held(value))
            fresh = f"{name}{c.temp()}"
            c.emit(emit.assign(fresh, node))
            # A lambda that holds the binding has it as a local of its own.
            if c.scope.lambdas:
                c.scope.lambdas[-1].parameters.add(fresh)
            table[name] = fresh
        c.body(body, dest)
    finally:
        c.scope.renamed.pop()


def _let_saved(c: Compiler, bindings: Any, body: list[Any], dest: Dest) -> None:
    """At the top level ``let`` hides the global itself, for callees too."""
    inner = EFFECT if dest is EFFECT else Dest(c.temp() if dest is TAIL else dest.target)
    holder = c.temp()
    keep = "save_globals" if c.scope.frame.kind == "top" else "save_frame"
    names = [c.assignable(n) for n, _ in bindings]
    listed = ast.Tuple([emit.constant(n) for n in names], emit.LOAD)
    frame = [] if keep == "save_globals" else [emit.name(".F")]
    c.emit(emit.assign(holder, emit.run(keep, *frame, listed)))
    c.handlers += 1
    with c.branch() as tried:
        for name, (_, value) in zip(names, bindings, strict=True):
            c.variables.add(name)
            c.store(name, c.expr(as_held(value)))
        c.body(body, inner)
    c.handlers -= 1
    restore = emit.effect(emit.call(emit.attribute(emit.name(holder), "restore"), []))
    c.emit(ast.Try(tried, [], [], [restore]))
    if dest is TAIL:
        c.put(emit.name(str(inner.target)), dest)


@special("boundp", arity=(1, 1), usage="name")
def boundp(c: Compiler, form: List) -> ast.expr:
    """Is the name, which is not evaluated, bound?

    (boundp nowhere)
    ; nil
    """
    name = form[1]
    if name.__class__ is not Symbol:
        return emit.true()
    if c.scope.renaming(name.name) or c.scope.in_lambda(name.name):
        return emit.true()
    if c._in_mapping(name.name):
        return emit.run("frame_bound", emit.name(".F"), emit.constant(name.name))
    if c.scope.is_local(name.name):
        c.scope.frame.uncertain.add(name.name)
        return emit.run(
            "bound_local", emit.name(emit.identifier(name.name)), emit.constant(name.name)
        )
    return emit.run("bound", emit.constant(name.name))


# ---------------------------------------------------------------- updates in place


def _update_form(symbol: str) -> None:
    operator = UPDATES[symbol]

    @special(symbol, arity=(2, None), usage="variable values...", statement=True)
    def update(c: Compiler, form: List, dest: Dest) -> None:
        target = form[1]
        if isinstance(target, List) and target and target[0] in (Symbol("at"), Symbol("set@")):
            _update_cell(c, form, dest, operator)
            return
        if isinstance(target, List) and target:
            raise c.fail("Expecting an index access with 'at'", form)
        name = c.assignable(target, form)
        node = operation(c, operator, [target, *form[2:]], form, "update")
        if dest is not EFFECT:
            node = c.keep(node)
        c.update(name, node)
        if dest is not EFFECT:
            c.put(node, dest)

    update.__doc__ = (
        f"Apply ``{operator}`` to a variable or a cell, and store the result.\n\n"
        f"(setq x 6) ({symbol} x 2) x\n"
        f"; {_UPDATE_EXAMPLES[operator]}"
    )


_UPDATE_EXAMPLES = {
    "+": 8, "-": 4, "*": 12, "/": 3, "%": 0, "^^": 36, "<<": 24, ">>": 1,
    "&": 2, "|": 6, "^": 4, "&~": 4,
}  # fmt: skip


def _update_cell(c: Compiler, form: List, dest: Dest, operator: str) -> None:
    """``(+= (at l 0) 5)``: the container and the keys are evaluated once.

    A cell in which nothing is yet counts as 0: words are counted by ``(+= (@ d word) 1)``.
    """
    new = c.temp()
    parts = c.args(form[1])

    def general(nodes: list[ast.Name]) -> None:
        _update_any_cell(c, form, operator, nodes, new)

    if update_typed(c, form, operator, parts, dest, general, new):
        c.put(emit.name(new), dest)
        return
    nodes = [c.keep(node) for node in parts]
    atom = len(form) == 3 and not isinstance(form[2], List)
    if atom and len(nodes) == 2 and operator in _COUNTING:
        (value,) = c.args(form, 2)
        if emit.is_simple(value):
            with c.branch() as other:
                general(nodes)
            c.emit(_count(c, operator, nodes, value, new, other))
            c.put(emit.name(new), dest)
            return
    general(nodes)
    c.put(emit.name(new), dest)


def _update_any_cell(
    c: Compiler, form: List, operator: str, nodes: list[ast.Name], new: str
) -> None:
    access = form[1]
    old = c.temp()
    c.emit(emit.assign(old, emit.run("cell", *nodes)))
    result: ast.expr = emit.name(old)
    for value in c.args(form, 2):
        result = emit.run(f"update {operator}", result, value)
    c.emit(emit.assign(new, result))
    stored = emit.run("set_at", *nodes, emit.name(new))
    known = emit.list_class(nodes[0]) is not None
    if access[1].__class__ is Symbol and access[1].name not in CONSTANTS and not known:
        # A text is a value: the variable takes the changed one.
        changed = c.temp()
        c.emit(emit.assign(changed, stored))
        with c.branch() as takes:
            c.update(access[1].name, emit.name(changed))
        other = ast.Compare(emit.name(changed), [ast.IsNot()], [nodes[0]])
        c.emit(ast.If(other, takes, []))
    else:
        c.emit(emit.effect(stored))


#: Updates of a cell that are in line where it holds an integer.
_COUNTING: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub}


def _count(
    c: Compiler,
    operator: str,
    nodes: list[ast.Name],
    value: ast.expr,
    new: str,
    general: list[ast.stmt],
) -> ast.If:
    """An update of a cell of a list, or of a dictionary by a text, and the one of any other."""
    container, key = nodes
    old = c.temp()

    def changed(found: ast.expr) -> list[ast.stmt]:
        sum_ = ast.BinOp(emit.name(old), _COUNTING[operator](), value)
        cell = emit.run("cell", container, key)
        result: ast.expr = emit.run(f"update {operator}", cell, value)
        for kind in (known,) if (known := class_of(value)) else ("int", "float"):
            both = emit.has_class(emit.name(old), kind)
            if not known:
                alike = emit.attribute(emit.name(old), "__class__")
                both = ast.Compare(alike, [ast.Is(), ast.Is()], [
                    emit.attribute(value, "__class__"), emit.helper(kind)])  # fmt: skip
            result = emit.conditional(both, sum_, result)
        return [
            emit.assign(old, found),
            emit.assign(new, result),
            emit.set_subscript(container, key, emit.name(new)),
        ]

    keyed: list[ast.expr] = [emit.in_classes(container, "text_keyed"), emit.has_class(key, "str")]
    there: list[ast.expr] = [
        emit.has_class(key, "int"),
        ast.Compare(emit.constant(-1), [ast.Lt(), ast.Lt()], [key, emit.run("len", container)]),
    ]
    listed = [emit.has_class(container, "List"), *there]
    # The members of a typed list have the class of the value: nothing is left to test.
    typed = [takes(container, value), *there]
    sum_ = ast.BinOp(emit.subscript(container, key), _COUNTING[operator](), value)
    in_typed: list[ast.stmt] = [
        emit.assign(new, sum_),
        emit.set_subscript(container, key, emit.name(new)),
    ]
    in_list = changed(emit.subscript(container, key))
    in_dictionary = changed(emit.call(emit.attribute(container, "get"), [key]))
    return ast.If(
        ast.BoolOp(ast.And(), keyed),
        in_dictionary,
        [
            ast.If(
                ast.BoolOp(ast.And(), listed),
                in_list,
                [ast.If(ast.BoolOp(ast.And(), typed), [tried(in_typed, general)], general)],
            )
        ],
    )


for _symbol in UPDATES:
    _update_form(_symbol)
