"""Functions on texts that compile in line.

A call on a string is a method of Python's strings behind a test of the class;
everything else goes to the built-in, which has the rules for every kind.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lispe_py.builtins.strings import BLANKS
from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.control import as_value
from lispe_py.compiler.forms import inline, test_form
from lispe_py.compiler.operators import is_text
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

#: From the text and the other arguments to the method's call; None where the
#: built-in is needed.
Method = Callable[..., ast.expr | None]


def _is_whole(node: ast.expr) -> bool:
    """Is a node a literal that is no negative integer?"""
    return isinstance(node, ast.Constant) and node.value.__class__ is int and node.value >= 0


def _filled(node: ast.expr) -> bool:
    """Is a node a literal text with something in it?"""
    return is_text(node) and bool(node.value)  # type: ignore[attr-defined]


def _method(text: ast.expr, name: str, *args: ast.expr) -> ast.expr:
    return emit.call(emit.attribute(text, name), args)


def _part(text: ast.expr, start: ast.expr | None, end: ast.expr | None) -> ast.expr:
    return ast.Subscript(text, ast.Slice(start, end), emit.LOAD)


def _guarded(c: Compiler, form: List, cls: str, method: Method) -> ast.expr:
    """A call whose first argument is tested to be of a class."""
    entry = c.world.entry(form[0].name)
    assert entry is not None
    if len(form) < 2:
        return c.primitive_call(form, entry)
    call = c.primitive_call(form, entry)
    # What the compiler made of the call is kept where its arguments are not simple.
    if not isinstance(call, ast.Call) or call.keywords:
        return call
    first, *others = call.args
    if not all(isinstance(n, ast.Constant) or c.stable(n) for n in others):
        return call
    if isinstance(first, (ast.Constant, ast.Starred)):
        return call
    tested = first
    if not c.stable(first):
        target = c.temp()
        tested, first = emit.walrus(target, first), emit.name(target)
    fast = method(first, *others)
    if fast is None:
        return call
    return emit.conditional(
        emit.has_class(tested, cls), fast, emit.call(call.func, [first, *others])
    )


# ---------------------------------------------------------------- values


def _left(text: ast.expr, *rest: ast.expr) -> ast.expr | None:
    return _part(text, None, rest[0]) if len(rest) == 1 and _is_whole(rest[0]) else None


def _middle(text: ast.expr, *rest: ast.expr) -> ast.expr | None:
    if len(rest) != 2 or not all(isinstance(n, ast.Constant) for n in rest):
        return None
    start, count = (getattr(n, "value", None) for n in rest)
    if start.__class__ is not int or count.__class__ is not int or start < 0:
        return None
    return _part(text, rest[0], None if count < 0 else emit.constant(start + count))


def _count(text: ast.expr, *rest: ast.expr) -> ast.expr | None:
    return _method(text, "count", *rest) if len(rest) == 1 and _filled(rest[0]) else None


def _replace(text: ast.expr, *rest: ast.expr) -> ast.expr | None:
    fits = len(rest) == 2 and _filled(rest[0]) and is_text(rest[1])
    return _method(text, "replace", *rest) if fits else None


def _trimming(name: str) -> Method:
    def trimmed(text: ast.expr, *rest: ast.expr) -> ast.expr | None:
        return None if rest else _method(text, name, emit.constant(BLANKS))

    return trimmed


#: Functions of a text that give no truth value.
METHODS: dict[str, Method] = {
    "trim": _trimming("strip"),
    "trimleft": _trimming("lstrip"),
    "trimright": _trimming("rstrip"),
    "left": _left,
    "middle": _middle,
    "count": _count,
    "replace": _replace,
}


def _value(c: Compiler, form: List) -> ast.expr:
    node = _guarded(c, form, "str", METHODS[form[0].name])
    if form[0].name == "count":
        node.number_class = "int"  # type: ignore[attr-defined]
    return node


inline(*METHODS)(_value)


@inline("size")
def size(c: Compiler, form: List) -> ast.expr:
    entry = c.world.entry("size")
    assert entry is not None
    if len(form) != 2:
        return c.primitive_call(form, entry)
    (node,) = c.args(form)
    if emit.list_class(node):
        return emit.classed(emit.run("len", node), "int")
    tested = node
    if not c.stable(node):
        target = c.temp()
        tested, node = emit.walrus(target, node), emit.name(target)
    result = emit.conditional(
        ast.Compare(emit.attribute(tested, "__class__"), [ast.In()], [emit.helper("sized")]),
        emit.run("len", node),
        emit.call(emit.name(c.world.bind(entry)), [node]),
    )
    result.number_class = "int"  # type: ignore[attr-defined]
    return result


#: Conversions -> what makes them, and the class of what it gives.
CONVERSIONS = {"integer": ("to_integer", "int"), "number": ("to_number", "float")}


@inline(*CONVERSIONS)
def convert(c: Compiler, form: List) -> ast.expr:
    helper, cls = CONVERSIONS[form[0].name]
    result = emit.run(helper, *c.args(form))
    result.number_class = cls  # type: ignore[attr-defined]
    return result


# ---------------------------------------------------------------- regular expressions


def _on_match(
    c: Compiler, form: List, kind: str, method: str, result: Callable[[ast.expr], ast.expr]
) -> ast.expr:
    """A call on an expression of a kind and a text: a method of its pattern.

    ``result`` makes the value from what the method gives.
    """
    entry = c.world.entry(form[0].name)
    assert entry is not None
    call = c.primitive_call(form, entry)
    if not isinstance(call, ast.Call) or call.keywords or len(call.args) != 2:
        return call
    expression, text = call.args
    if isinstance(expression, (ast.Constant, ast.Starred)) or not _is_read(c, text):
        return call
    tested = expression
    if not c.stable(expression):
        target = c.temp()
        tested, expression = emit.walrus(target, expression), emit.name(target)
    found = _method(emit.attribute(expression, "pattern"), method, text)
    return emit.conditional(
        ast.BoolOp(ast.And(), [emit.has_class(tested, kind), emit.has_class(text, "str")]),
        result(found),
        emit.call(call.func, [expression, text]),
    )


def _is_read(c: Compiler, node: ast.expr) -> bool:
    """May a node be read again after others: a variable that nothing else sets?"""
    return isinstance(node, ast.Name) and c.stable(node)


#: Tests of a whole text -> the kind of their expressions.
MATCHES = {"prgx_match": "Prgx", "rgx_match": "Rgx"}


@test_form(*MATCHES)
def matches(c: Compiler, form: List) -> ast.expr:
    kind = MATCHES[form[0].name]
    return _on_match(c, form, kind, "fullmatch", lambda found: emit.is_not(found, emit.nil()))


@inline(*MATCHES)
def is_match(c: Compiler, form: List) -> ast.expr:
    return as_value(matches(c, form))


@inline("prgx_find")
def first_match(c: Compiler, form: List) -> ast.expr:
    match = c.temp()

    def part(found: ast.expr) -> ast.expr:
        whole = emit.subscript(emit.name(match), emit.constant(0))
        return emit.conditional(emit.walrus(match, found), whole, emit.constant(""))

    return _on_match(c, form, "Prgx", "search", part)


# ---------------------------------------------------------------- tests


def _starts(text: ast.expr, *rest: ast.expr) -> ast.expr | None:
    return _method(text, "startswith", *rest) if len(rest) == 1 and _filled(rest[0]) else None


def _ends(text: ast.expr, *rest: ast.expr) -> ast.expr | None:
    return _method(text, "endswith", *rest) if len(rest) == 1 and _filled(rest[0]) else None


def _holds(text: ast.expr, *rest: ast.expr) -> ast.expr | None:
    return ast.Compare(rest[0], [ast.In()], [text]) if is_text(rest[0]) else None


#: Functions of a text that are tests.
TESTS: dict[str, Method] = {"startwith": _starts, "endwith": _ends, "in": _holds}


def _keys_of(form: Any) -> Any:
    """The form of a dictionary whose keys are looked through, None for another form."""
    fits = (
        isinstance(form, List)
        and len(form) == 2
        and form[0].__class__ is Symbol
        and form[0].name == "keys@"
    )
    return form[1] if fits else None


def _test(c: Compiler, form: List) -> ast.expr:
    name = form[0].name
    if name == "in" and len(form) == 3 and not c.shadowed("keys@"):
        owner = _keys_of(form[1])
        if owner is not None:
            # Keys are looked up, not listed.
            whole = List([form[0], owner, form[2]])
            where = getattr(form, "where", None)
            if where is not None:
                whole.where = where
            container, key = c.args(whole)
            return _has_key(c, container, key)
    return _guarded(c, form, "str", TESTS[name])


def _has_key(c: Compiler, container: ast.expr, key: ast.expr) -> ast.expr:
    general = emit.run("has_key", container, key)
    if not (c.stable(container) and c.stable(key)) or isinstance(container, ast.Constant):
        return general
    tests: list[ast.expr] = [emit.in_classes(container, "text_keyed")]
    if not is_text(key):
        tests.append(emit.has_class(key, "str"))
    return emit.conditional(
        tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests),
        ast.Compare(key, [ast.In()], [container]),
        general,
    )


def _test_value(c: Compiler, form: List) -> ast.expr:
    return as_value(_test(c, form))


inline(*TESTS)(_test_value)
test_form(*TESTS)(_test)
