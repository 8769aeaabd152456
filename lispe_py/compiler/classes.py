"""``class@`` and ``data@``, and the forms that live inside of them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.forms import STATEMENTS, Dest, special
from lispe_py.compiler.functions import (
    compile_function,
    finish_function,
    function_parts,
    parse_parameters,
)
from lispe_py.compiler.patterns import PATTERN_KINDS, body_name, compile_bodies
from lispe_py.compiler.scope import Frame, mentions
from lispe_py.compiler.unit import DEFINITIONS, definition, run_definition
from lispe_py.names import CONSTANTS, also_written
from lispe_py.values.instances import ClassInfo
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

DEFUN = Symbol("defun")
FROM = Symbol("from@")
_PARTS = (DEFUN, FROM, *PATTERN_KINDS)
_CLEANS = frozenset({"toclean"})


# ---------------------------------------------------------------- data structures


def _is_structure(item: Any) -> bool:
    """A name, and fields that are a type, anything (nil) or a structure in turn."""
    return (
        isinstance(item, List)
        and bool(item)
        and item[0].__class__ is Symbol
        and all(f is None or f.__class__ is Symbol or _is_structure(f) for f in item[1:])
    )


def _structures(c: Compiler, form: List) -> tuple[str | None, list[List]]:
    """Group name and structures of a ``data@`` form."""
    members = list(form[1:])
    group = None
    if members and members[0].__class__ is Symbol:
        group = members.pop(0).name
    for item in members:
        if not _is_structure(item) or c.is_reserved(item[0].name):
            raise c.fail("wrong data structure definition", form)
    if not members:
        raise c.fail("wrong data structure definition", form)
    return group, members


def _declare_data(c: Compiler, form: List) -> None:
    group, members = _structures(c, form)
    for item in members:
        name = item[0].name
        if name in c.world.data and not c.world.may_redefine(name):
            raise c.fail("data structure has already been recorded", form)
        c.world.data[name] = len(item) - 1
        c.functions.add(f"{name}()")
    if group is not None:
        c.world.groups[group] = tuple(item[0].name for item in members)


@definition("data@", _declare_data)
def _define_data(c: Compiler, form: List) -> None:
    for item in _structures(c, form)[1]:
        node = emit.effect(emit.run("define_data", emit.constant(item[0].name), c.const(item)))
        emit.locate(node, getattr(form, "where", (1, 1, 1, 1))[:4])
        c.definitions.append(node)


@special("data@", arity=(0, None), usage="structures...")
def data(c: Compiler, form: List) -> ast.expr:
    """Declare structures: ``(data@ (Point _ _) (Named string_ _))``.

    A field is ``_`` for anything, or a type that the value must have.

    (data@ (Point integer_ integer_)) (Point 1 2)
    ; (Point 1 2)
    """
    raise c.fail("a definition cannot stand here", form)


# ---------------------------------------------------------------- classes


def _class_parts(c: Compiler, form: List) -> tuple[str, list[Any], str | None, list[List]]:
    """Name, fields, base and methods of a ``class@`` form."""
    if len(form) < 2 or form[1].__class__ is not Symbol:
        raise c.fail("wrong class definition", form)
    name = form[1].name
    if name in CONSTANTS or c.is_reserved(name):
        raise c.fail(f"'{name}' is a reserved keyword.", form, also_written(name))
    parts = list(form[2:])
    fields: list[Any] = []
    if parts and isinstance(parts[0], List) and (not parts[0] or parts[0][0] not in _PARTS):
        fields = list(parts.pop(0))
    elif not parts:
        raise c.fail("wrong class definition", form)
    base = None
    methods = []
    for part in parts:
        if not isinstance(part, List) or not part:
            raise c.fail("a method is expected in a class", form)
        if part[0] is FROM and len(part) == 2 and part[1].__class__ is Symbol:
            base = part[1].name
            if base not in c.world.classes:
                raise c.fail(f"Unknown class: '(from@ {base})'", part)
        elif part[0] is DEFUN or part[0] in PATTERN_KINDS:
            methods.append(part)
        else:
            raise c.fail("a method is expected in a class", part)
    return name, fields, base, methods


def _named_methods(c: Compiler, methods: list[List]) -> dict[str, list[List]]:
    """The methods by name: one ``defun``, or the bodies of a pattern function."""
    named: dict[str, list[List]] = {}
    for form in methods:
        is_pattern = form[0] in PATTERN_KINDS
        name = body_name(c, form) if is_pattern else function_parts(c, form)[0]
        bodies = named.setdefault(name, [])
        if is_pattern and bodies and bodies[0][0] is not form[0]:
            raise c.fail(f"'{name}' is already a '{bodies[0][0].name}'", form)
        if not is_pattern:
            # The last of several.
            bodies.clear()
        bodies.append(form)
    return named


def _declare_class(c: Compiler, form: List) -> None:
    name, field_forms, base, methods = _class_parts(c, form)
    key = f"{name}()"
    if (key in c.functions or key in c.world.scope) and not c.world.may_redefine(name):
        raise c.fail(f"Function '{name}' already declared", form)
    fields: dict[str, Any] = {}
    required = []
    for item in field_forms:
        if item.__class__ is Symbol:
            fields[item.name] = None
            required.append(item.name)
        elif isinstance(item, List) and 1 <= len(item) <= 2 and item[0].__class__ is Symbol:
            fields[item[0].name] = item[1] if len(item) == 2 else None
        else:
            raise c.fail("wrong class definition", form)
    info = ClassInfo(
        name, fields, required, set(_named_methods(c, methods)),
        c.world.classes.get(base) if base else None, form,
    )  # fmt: skip
    pending: list[Any] = list(methods)
    while pending:
        item = pending.pop()
        if isinstance(item, List) and item:
            if item[0] is Symbol("setqi") and len(item) == 3 and item[1].__class__ is Symbol:
                info.added.add(item[1].name)
            pending.extend(item)
    c.world.classes[name] = info
    c.functions.add(key)


@definition("class@", _declare_class)
def _define_class(c: Compiler, form: List) -> None:
    name, _, _, methods = _class_parts(c, form)
    info = c.world.classes[name]
    named = _named_methods(c, methods)
    where = getattr(form, "where", (1, 1, 1, 1))[:4]
    for title, bodies in named.items():
        key = f"{name}.{title}()"
        if bodies[0][0] in PATTERN_KINDS:
            node = compile_bodies(c, key, title, bodies, method_of=info)
        else:
            _, parameters, body = function_parts(c, bodies[0])
            parsed = parse_parameters(c, parameters, bodies[0])
            with c.inside(bodies[0]):
                node = compile_function(c, key, title, parsed, body, method_of=info)
        emit.locate(node, getattr(bodies[0], "where", where)[:4])
        c.definitions.append(node)
    cleans = mentions(List(methods), _CLEANS)
    listed = ast.Tuple([emit.constant(title) for title in named], emit.LOAD)
    register = emit.effect(emit.run("define_class", c.const(info), listed, emit.constant(cleans)))
    constructor = _constructor(c, info)
    after = emit.effect(
        emit.run("define", emit.constant(f"{name}()"), emit.constant(name), c.const(form))
    )
    expose = emit.effect(emit.run("expose_class", emit.constant(name)))
    for statement in (register, constructor, after, expose):
        emit.locate(statement, where)
        c.definitions.append(statement)


def _constructor(c: Compiler, info: ClassInfo) -> ast.FunctionDef:
    """``(C a b)``: a function of the fields that makes an instance."""
    defaults: dict[str, Any] = {}
    required: set[str] = set()
    chain: ClassInfo | None = info
    fields: list[str] = []
    while chain is not None:
        for name, form in chain.fields.items():
            if name not in fields:
                fields.append(name)
                if name in chain.required:
                    required.add(name)
                else:
                    defaults[name] = form
        chain = chain.base
    frame = Frame("function", locals=set(fields), title=info.name)
    identifiers = [f"{f} " for f in fields]
    first_default = next((i for i, f in enumerate(fields) if f in defaults), len(fields))
    with c.in_frame(frame) as block:
        c.emit(emit.assign(".new", emit.run("new_instance", emit.name(f"class {info.name}()"))))
        for field, identifier in zip(fields, identifiers, strict=True):
            if field in defaults:
                with c.sub_block() as body:
                    frame.locals = set()
                    c.emit(emit.assign(identifier, c.expr(defaults[field])))
                test = emit.is_(emit.name(identifier), emit.helper("default"))
                c.emit(ast.If(test, body, []))
            elif fields.index(field) > first_default:
                test = emit.is_(emit.name(identifier), emit.helper("default"))
                missing = emit.run("raise", emit.constant(_MISSING))
                c.emit(ast.If(test, [emit.effect(missing)], []))
            c.emit(_set_field(emit.name(".new"), field, emit.name(identifier)))
        c.emit(ast.Return(emit.name(".new")))
    signature = emit.arguments(
        [".self", *identifiers], None, [emit.helper("default")] * (len(fields) - first_default)
    )
    # The instance may exist already: arguments that call its methods need it.
    block[0] = ast.If(
        emit.is_(emit.name(".self"), emit.nil()),
        [block[0]],
        [emit.assign(".new", emit.name(".self"))],
    )
    return finish_function(frame, f"{info.name}()", signature, [], block)


_MISSING = "argument list mismatch with the parameter list"


def class_call(c: Compiler, form: List, info: ClassInfo) -> ast.expr:
    """``(C a b (? g v))``: an argument may call a method of the new instance."""
    known = set(info.all_fields)
    plain = List([form[0]])
    named: list[tuple[str, Any]] = []
    for item in form[1:]:
        if isinstance(item, List) and len(item) == 3 and item[0] in (Symbol("?"), Symbol("setqi")):
            if item[0] is Symbol("?") and getattr(item[1], "name", None) not in known:
                raise c.fail(_MISSING, item)
            named.append((item[1].name, item[2]))
        else:
            plain.append(item)
    instance: ast.expr = emit.nil()
    methods = info.all_methods
    values = List([form[0], *plain[1:], *(value for _, value in named)])
    if any(_calls_method(c, item, methods) for item in values[1:]):
        # Held in a list that gives it away: no variable keeps the instance alive.
        holder = c.temp()
        made = emit.run("new_instance", emit.name(f"class {info.name}()"))
        c.emit(emit.assign(holder, ast.List([made], emit.LOAD)))
        instance = emit.subscript(emit.name(holder), emit.constant(0))
    where = getattr(form, "where", None)
    if where is not None and not named:
        values.where = where
    nodes: list[ast.expr] = []
    if isinstance(instance, ast.Subscript):
        # A method sees the arguments before it as fields; those to come are nil.
        declared = info.declared_fields
        for field in declared:
            c.emit(_set_field(instance, field, emit.nil()))
        targets = [*declared[: len(plain) - 1], *(name for name, _ in named)]
        for target, item in zip_longest(targets, values[1:]):
            if _calls_method(c, item, methods):
                node = c.call(emit.attribute(instance, f"{item[0].name}()"), item)
            else:
                node = c.expr(item)
            kept = c.temp()
            c.emit(emit.assign(kept, node))
            nodes.append(emit.name(kept))
            if target is not None:
                c.emit(_set_field(instance, target, emit.name(kept)))
        instance = emit.call(emit.attribute(instance.value, "pop"), [])
    else:
        nodes = c.args(values)
    count = len(plain) - 1
    fields = {name: node for (name, _), node in zip(named, nodes[count:], strict=True)}
    keywords = [ast.keyword(f"{n} ", v) for n, v in fields.items() if n in known]
    call = emit.call(emit.name(f"{info.name}()"), [instance, *nodes[:count]], keywords)
    extra = {n: v for n, v in fields.items() if n not in known}
    if not extra:
        return call
    target = c.temp()
    c.emit(emit.assign(target, call))
    for name, node in extra.items():
        c.emit(_set_field(emit.name(target), name, node))
    return emit.name(target)


def loaded_class_call(c: Compiler, form: List, ordinary: Callable[[], ast.expr]) -> ast.expr:
    """A call of a name that a loaded file may bring, of a class perhaps.

    Whether an argument is the call of a method is known when the class is: the
    form is compiled again then.
    """
    may_initialise = any(
        isinstance(item, List) and item and item[0].__class__ is Symbol
        and c.may_be_method(item[0].name)
        for item in form[1:]
    )  # fmt: skip
    if not may_initialise or c.scope.lambdas or c.scope.frame.kind != "top":
        return ordinary()
    result = c.temp()
    with c.sub_block() as makes:
        c.emit(emit.assign(result, emit.run("eval", c.const(form))))
    with c.sub_block() as calls:
        c.emit(emit.assign(result, ordinary()))
    c.emit(ast.If(emit.run("is_class", emit.constant(form[0].name)), makes, calls))
    return emit.name(result)


def _set_field(instance: ast.expr, field: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Attribute(instance, field, emit.STORE)], value)


def _calls_method(c: Compiler, form: Any, methods: set[str]) -> bool:
    return (
        isinstance(form, List)
        and bool(form)
        and form[0].__class__ is Symbol
        and form[0].name in methods
        and not c.is_function(form[0].name)
    )


@special("class@", arity=(0, None), usage="name fields methods...")
def class_(c: Compiler, form: List) -> ast.expr:
    """Define a class: ``(class@ name (fields) (from@ base) (defun method ...) ...)``.

    (class@ Point (x (y 0)) (defun total() (+ x y)))
    ((Point 3 4) (total))
    ; 7
    """
    raise c.fail("a definition cannot stand here", form)


@special("setqi", arity=(2, 2), usage="field value", statement=True)
def setqi(c: Compiler, form: List, dest: Dest) -> None:
    """Set or add a field of the running instance.

    (class@ Point (x) (defun move(d) (setqi x (+ x d)) x))
    ((Point 3) (move 2))
    ; 5
    """
    name = c.assignable(form[1], form)
    node = c.expr(form[2])
    if c.scope.frame.owner is None:
        c.put(emit.run("set_field", emit.constant(name), node), dest)
        return
    target = ast.Attribute(emit.name(".self"), name, emit.STORE)
    c.emit(ast.Assign([target], node))
    c.put(emit.true(), dest)


@special("this", arity=(0, 0))
def this(c: Compiler, form: List) -> ast.expr:
    """The instance whose method is running.

    (class@ Point (x) (defun me() (this)))
    ((Point 3) (me))
    ; (Point "x":3)
    """
    if c.scope.frame.owner is None:
        return emit.run("running_instance")
    return emit.name(".self")


@special("from@", arity=(1, 2), usage="base [call]")
def from_(c: Compiler, form: List) -> ast.expr:
    """In a method: call the version of a method that a base class has.

    (class@ A (x) (defun who() 'a)) (class@ B (from@ A) (defun who() (from@ A (who))))
    ((B 1) (who))
    ; a
    """
    if c.scope.frame.owner is None:
        return c.raises("cannot execute this method out of an instance")
    if len(form) != 3 or form[1].__class__ is not Symbol or form[1].name not in c.world.classes:
        raise c.fail("Unknown class", form)
    item = form[2]
    if not isinstance(item, List) or not item or item[0].__class__ is not Symbol:
        raise c.fail("a method call is expected", form)
    function = emit.attribute(emit.name(f"class {form[1].name}()"), f"{item[0].name}()")
    call = c.call(function, item)
    assert isinstance(call, ast.Call)
    call.args.insert(0, emit.name(".self"))
    return call


@special("withclass", arity=(2, None), usage="class forms...", statement=True)
def withclass(c: Compiler, form: List, dest: Dest) -> None:
    """Evaluate forms with a class known in advance.

    (class@ Point (x) (defun get() x)) (setq p (Point 3)) (withclass Point (p (get)))
    ; 3
    """
    if form[1].__class__ is not Symbol or form[1].name not in c.world.classes:
        raise c.fail(f"Unknown class: '{getattr(form[1], 'name', form[1])}'", form)
    c.body(form[2:], dest)


@special("toclean", arity=(1, 1), usage="method")
def toclean(c: Compiler, form: List) -> ast.expr:
    """In a method: run the method of that name when the instance goes away.

    (class@ File (name) (defun open() (toclean 'close)) (defun close() nil))
    ((File "a") (open))
    ; true
    """
    if c.scope.frame.owner is None:
        return c.raises("this function can only be called from within a class instance")
    return emit.run("to_clean", emit.name(".self"), c.expr(form[1]))


# ---------------------------------------------------------------- name spaces


def _declare_space(c: Compiler, form: List) -> None:
    if len(form) < 2 or form[1].__class__ is not Symbol:
        raise c.fail("the name of a space is expected", form)
    _in_space(c, form, 0)


def _in_space(c: Compiler, form: List, phase: int) -> None:
    c.spaces.append(form[1].name)
    try:
        for item in form[2:]:
            if isinstance(item, List) and item and getattr(item[0], "name", "") in DEFINITIONS:
                run_definition(c, item, phase)
    finally:
        c.spaces.pop()


@definition("defspace", _declare_space)
def _define_space(c: Compiler, form: List) -> None:
    c.definitions.append(emit.effect(emit.run("add_space", emit.constant(form[1].name))))
    _in_space(c, form, 1)


@special("defspace", arity=(0, None), usage="name definitions...")
def defspace(c: Compiler, form: List) -> ast.expr:
    """Keep function definitions in a name space of their own.

    (defspace geometry (defun side() 4)) (space geometry (side))
    ; 4
    """
    raise c.fail("a definition cannot stand here", form)


@special("space", arity=(2, None), usage="name forms...", statement=True)
def space(c: Compiler, form: List, dest: Dest) -> None:
    """Evaluate forms with the functions of a name space first, then the main ones.

    The space ``thread`` is that of the variables which threads share: see ``threadspace``.

    (defspace one (defun f() 'one)) (defun f() 'main) (list (f) (space one (f)))
    ; (main one)
    """
    if form[1].__class__ is not Symbol:
        raise c.fail("the name of a space is expected", form)
    if form[1].name == "thread":
        STATEMENTS["threadspace"](c, List(form[1:]), dest)
        return
    if form[1].name != "mainspace_":
        c.emit(emit.effect(emit.run("check_space", emit.constant(form[1].name))))
    saved = c.spaces
    c.spaces = [] if form[1].name == "mainspace_" else [*saved, form[1].name]
    try:
        c.body(form[2:], dest)
    finally:
        c.spaces = saved
