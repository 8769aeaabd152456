"""Members of containers, read and changed in line.

What is a generic list, a typed list or a dictionary is tested where the compiler does
not know it; of a list that it knows, nothing is left to test but the index. What
lies outside of a list, or does not fit in it, is left to the runtime, which has the rules.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.emit import class_of
from lispe_py.compiler.forms import EFFECT, Dest, inline, test_form
from lispe_py.compiler.inference import MEMBERS, combine
from lispe_py.names import CONSTANTS
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol


def _all(tests: list[ast.expr]) -> ast.expr:
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)


# ---------------------------------------------------------------- reading


@inline("at")
def at(c: Compiler, form: List) -> ast.expr:
    nodes = c.args(form)
    if len(nodes) == 3 and all(isinstance(n, (ast.Name, ast.Constant)) for n in nodes):
        return _at_two(c, *nodes)
    if len(nodes) != 2:
        return emit.run("at", *nodes)
    container, index = nodes
    kind = emit.list_class(container)
    if kind is not None:
        return emit.classed(_of_known(container, index), MEMBERS.get(kind))
    if not isinstance(container, ast.Name) or not (
        emit.is_simple(index) or class_of(index) == "int"
    ):
        return emit.run("at", *nodes)
    if not emit.is_simple(index):
        index = c.keep(index)
    tests: list[ast.expr] = [_is_indexed(container)]
    if class_of(index) != "int":
        tests.append(emit.has_class(index, "int"))
    other: ast.expr = emit.run("at", container, index)
    if class_of(index) is None and not isinstance(index, ast.Constant):
        # A key that is absent is left to the runtime, which says so.
        present = ast.Compare(index, [ast.In()], [container])
        found = [*_has_text_key(container, index), present]
        other = emit.conditional(_all(found), emit.subscript(container, index), other)
    return emit.conditional(_all(tests), emit.subscript(container, index), other)


def _of_known(container: ast.expr, index: ast.expr) -> ast.expr:
    """A member of a list whose class is known."""
    found, general = emit.subscript(container, index), emit.run("at", container, index)
    if class_of(index) == "int":
        return found
    if not emit.is_simple(index) or isinstance(index, ast.Constant):
        return general
    return emit.conditional(emit.has_class(index, "int"), found, general)


def _is_indexed(container: ast.expr) -> ast.BoolOp:
    """Is it a list whose members Python gives by an integer as the language does?"""
    kinds: list[ast.expr] = [emit.has_class(container, "List")]
    kinds.append(emit.in_classes(container, "indexed"))
    return ast.BoolOp(ast.Or(), kinds)


def _at_two(c: Compiler, container: ast.expr, first: ast.expr, second: ast.expr) -> ast.expr:
    """A member of a list in a list."""
    general = emit.run("at", container, first, second)
    if isinstance(container, ast.Constant) or not all(
        isinstance(key, ast.Name) or class_of(key) == "int" for key in (first, second)
    ):
        return general
    target = c.temp()
    inner = emit.name(target)
    tests: list[ast.expr] = [emit.has_class(container, "List")]
    tests += [emit.has_class(key, "int") for key in (first, second) if class_of(key) != "int"]
    row = emit.has_class(emit.walrus(target, emit.subscript(container, first)), "List")
    found = emit.conditional(
        ast.BoolOp(ast.Or(), [row, emit.in_classes(inner, "indexed")]),
        emit.subscript(inner, second),
        emit.run("at", inner, second),
    )
    return emit.conditional(_all(tests), found, general)


def _has_text_key(container: ast.expr, key: ast.expr) -> list[ast.expr]:
    """The tests that a dictionary keeps a key as it is."""
    kind: ast.expr = emit.has_class(container, "Dictionary")
    kind = ast.BoolOp(ast.Or(), [kind, emit.in_classes(container, "text_keyed")])
    return [kind, emit.has_class(key, "str")]


@inline("key@", "key")
def key(c: Compiler, form: List) -> ast.expr:
    entry = c.world.entry(form[0].name)
    assert entry is not None
    if len(form) != 3:
        return c.primitive_call(form, entry)
    container, name = c.args(form)
    general = emit.call(emit.name(c.world.bind(entry)), [container, name])
    if not all(c.stable(n) and isinstance(n, ast.Name) for n in (container, name)):
        return general
    return emit.conditional(
        ast.BoolOp(ast.And(), _has_text_key(container, name)),
        emit.call(emit.attribute(container, "get"), [name]),
        general,
    )


@test_form("key@", "key")
def _has_key(c: Compiler, form: List) -> ast.expr:
    """A key in a test: what is counted in a dictionary is an integer most often."""
    target = c.temp()
    found = emit.name(target)
    whole = emit.has_class(emit.walrus(target, key(c, form)), "int")
    return emit.conditional(whole, found, emit.run("truth", found))


@inline("cdr")
def cdr(c: Compiler, form: List) -> ast.expr:
    return emit.run("cdr", *c.args(form))


@inline("car")
def car(c: Compiler, form: List) -> ast.expr:
    (node,) = c.args(form)
    if isinstance(node, ast.Constant):
        return emit.run("car", node)
    first = node
    if not c.stable(node):
        target = c.temp()
        first, node = emit.walrus(target, node), emit.name(target)
    return emit.conditional(
        ast.BoolOp(ast.And(), [emit.has_class(first, "List"), node]),
        emit.subscript(node, emit.constant(0)),
        emit.run("car", node),
    )


# ---------------------------------------------------------------- changing


def tried(fast: list[ast.stmt], slow: list[ast.stmt]) -> ast.Try:
    """Statements, and those in their place where a member is none or does not fit."""
    handler = ast.ExceptHandler(emit.helper("beyond"), None, slow)
    return ast.Try(fast, [handler], [], [])


def _where(tests: list[ast.expr], fast: list[ast.stmt], slow: list[ast.stmt]) -> list[ast.stmt]:
    """Statements under a condition, and those for any other case."""
    return [ast.If(_all(tests), fast, slow)] if tests else fast


def _fits(kind: str, value: ast.expr) -> list[ast.expr] | None:
    """The tests that a list takes a value as it is; None where it surely does not."""
    if kind not in MEMBERS:
        return []
    member, known = MEMBERS[kind], class_of(value)
    if known is None:
        return None if isinstance(value, ast.Constant) else [emit.has_class(value, member)]
    return [] if known == member or known == "int" else None


def _is_whole(index: ast.expr) -> list[ast.expr] | None:
    """The tests that an index is an integer; None where it surely is none."""
    known = class_of(index)
    if known is None:
        return None if isinstance(index, ast.Constant) else [emit.has_class(index, "int")]
    return [] if known == "int" else None


@inline("set@")
def set_at(c: Compiler, form: List) -> ast.expr:
    entry = c.world.entry("set@")
    assert entry is not None
    target = form[1]
    if len(form) != 4 or target.__class__ is not Symbol or target.name in CONSTANTS:
        return c.primitive_call(form, entry)
    nodes = [node if emit.is_simple(node) else c.keep(node) for node in c.args(form)]
    container, index, value = nodes
    with c.branch() as slow:
        c.update(target.name, emit.run("set_at", container, index, value))
    fast: list[ast.stmt] = [emit.set_subscript(container, index, value)]
    kind = emit.list_class(container)
    if kind is not None:
        whole, fits = _is_whole(index), _fits(kind, value)
        if whole is None or fits is None:
            c.block.extend(slow)
        else:
            c.block.extend(_where([*whole, *fits], [tried(fast, slow)], slow))
        return container
    tests: list[ast.expr] = [emit.has_class(container, "List")]
    if class_of(index) != "int":
        tests.append(emit.has_class(index, "int"))
    # A position past the end appends, which is left to the runtime.
    tests.append(ast.Compare(index, [ast.Lt()], [emit.run("len", container)]))
    stored: list[ast.stmt] = fast if class_of(value) == "float" else [tried(fast, slow)]
    slow = [ast.If(ast.BoolOp(ast.And(), [takes(container, value), *tests[1:]]), stored, slow)]
    if class_of(index) is None and not isinstance(index, ast.Constant):
        keyed = ast.BoolOp(ast.And(), _has_text_key(container, index))
        slow = [ast.If(keyed, [emit.set_subscript(container, index, value)], slow)]
    c.emit(ast.If(ast.BoolOp(ast.And(), tests), fast, slow))
    return container


def takes(container: ast.expr, value: ast.expr) -> ast.expr:
    """Is it a typed list whose members are of the class of the value?"""
    kind = {"int": "Integers", "float": "Numbers"}.get(class_of(value) or "")
    if kind is not None:
        return emit.has_class(container, kind)
    member = emit.run("member_class", emit.attribute(container, "__class__"))
    return emit.is_(member, emit.attribute(value, "__class__"))


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
        value = c.keep(value)
    fast: list[ast.stmt] = [emit.effect(emit.call(emit.attribute(container, "append"), [value]))]
    with c.branch() as slow:
        c.update(target.name, emit.run("push", container, value))
    kind = emit.list_class(container)
    if kind is None:
        # Appending to a list is by far the most common; the rest may rebind the name.
        if class_of(value) or not isinstance(value, ast.Constant):
            stored: list[ast.stmt] = fast if class_of(value) == "float" else [tried(fast, slow)]
            slow = [ast.If(takes(container, value), stored, slow)]
        c.emit(ast.If(emit.has_class(container, "List"), fast, slow))
        return container
    fits = _fits(kind, value)
    if fits is None:
        c.block.extend(slow)
    else:
        # Only an integer can be too large, for a typed list.
        sure = kind == "List" or "float" in (class_of(value), MEMBERS[kind] if fits else None)
        c.block.extend(_where(fits, fast if sure else [tried(fast, slow)], slow))
    return container


#: Updates of a member of a typed list that are in line.
_NATIVE: dict[str, type[ast.operator]] = {
    "+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div,
}  # fmt: skip
#: Parts of an expression that reads, and does nothing else.
_CALM = (
    ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.operator, ast.unaryop,
    ast.expr_context,
)  # fmt: skip


def update_typed(
    c: Compiler,
    form: List,
    operator: str,
    parts: list[ast.expr],
    dest: Dest,
    general: Callable[[list[ast.Name]], None],
    new: str,
) -> bool:
    """``(+= (@ l i) x)`` on a list that surely is typed; False where the runtime is needed.

    Emits the update of the member that ``parts`` tell. ``general`` emits that of any
    container, with the result in the variable ``new``.
    """
    kind = emit.list_class(parts[0])
    if kind not in MEMBERS or operator not in _NATIVE or len(parts) != 2 or len(form) != 3:
        return False
    with c.branch() as needed:
        (value,) = c.args(form, 2)
    if needed or not all(isinstance(n, _CALM) for n in ast.walk(value)):
        # It might change what the member is read from.
        return False
    member, known = MEMBERS[kind], class_of(value)
    whole, fits = _is_whole(parts[1]), _fits(kind, value)
    if whole is None or fits is None or combine(operator, member, known or member) != member:
        return False
    if known is None and not emit.is_simple(value):
        return False
    nodes = [n if isinstance(n, ast.Name) and c.stable(n) else c.keep(n) for n in parts]
    container, key = nodes
    change = _NATIVE[operator]()
    if dest is EFFECT:
        cell = ast.Subscript(container, key, emit.STORE)
        fast: list[ast.stmt] = [ast.AugAssign(cell, change, value)]
    else:
        sum_ = ast.BinOp(emit.subscript(container, key), change, value)
        fast = [emit.assign(new, sum_), emit.set_subscript(container, key, emit.name(new))]
    with c.branch() as slow:
        general(nodes)
    whole = [] if not whole else [emit.has_class(key, "int")]
    c.block.extend(_where([*whole, *fits], [tried(fast, slow)], slow))
    return True
