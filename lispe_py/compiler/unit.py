"""A whole text: definitions first, then its forms; to a Python code object."""

from __future__ import annotations

import ast
import types
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.forms import TAIL, World
from lispe_py.compiler.functions import define_function, finish_function
from lispe_py.compiler.scope import Frame, Scope, bound_names
from lispe_py.errors import LispError
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

#: head of a definition -> (what declares its names, what compiles it)
Declare = Callable[[Compiler, List], None]
DEFINITIONS: dict[str, tuple[Declare, Declare]] = {}

#: Definitions whose inner ``defun`` are their own: methods, functions of a space.
_OWN_DEFINITIONS = ("class@", "defspace")

_LOAD = Symbol("load")

#: Name of the function that runs the forms of a text.
MAIN = ".main"


class Code:
    """A compiled text: Python AST, and the objects that stand in it as constants."""

    def __init__(self, module: ast.Module, constants: list[Any], file: str) -> None:
        self.module = module
        self.constants = constants
        self.file = file

    def compiled(self) -> types.CodeType:
        """The code object of Python's own compiler, placeholders in place of the constants."""
        try:
            with warnings.catch_warnings():
                # Python warns of literals used as what they are not; we report that our way.
                warnings.simplefilter("ignore")
                return compile(self.module, self.file, "exec")
        except (RecursionError, MemoryError):
            raise LispError("this form is nested too deeply", file=self.file) from None
        except SyntaxError as error:
            raise LispError(
                str(error.msg), file=self.file, line=error.lineno, column=error.offset
            ) from None


def link(code: types.CodeType, constants: Sequence[Any]) -> types.CodeType:
    """A code object with every placeholder replaced by its constant."""

    def constant(value: Any) -> Any:
        if value.__class__ is str and value.startswith("\0"):
            return constants[int(value[1:])]
        if isinstance(value, types.CodeType):
            return link(value, constants)
        if value.__class__ is tuple:
            return tuple([constant(v) for v in value])
        return value

    consts = tuple([constant(value) for value in code.co_consts])
    if code.co_name.endswith("()"):
        plain = code.co_name[:-2]
        return code.replace(co_consts=consts, co_name=plain, co_qualname=plain)
    return code.replace(co_consts=consts)


def definition(name: str, declare: Declare) -> Callable[[Declare], Declare]:
    """Register what compiles a kind of definition."""

    def register(handler: Declare) -> Declare:
        DEFINITIONS[name] = (declare, handler)
        return handler

    return register


def run_definition(c: Compiler, form: List, phase: int) -> None:
    """Note what a definition will define (phase 0), or compile it (1)."""
    with c.inside(form):
        DEFINITIONS[form[0].name][phase](c, form)


def declare_function(c: Compiler, form: List) -> None:
    """Note the name of a function that the text defines."""
    if len(form) > 1 and form[1].__class__ is Symbol:
        name = form[1].name
        key = c.definition_key(name)
        if key in c.functions or key in c.world.scope or name in c.world.classes:
            if not c.world.may_redefine(name):
                raise c.fail(f"Function '{name}' already declared", form)
        c.functions.add(key)


@definition("defun", declare_function)
def _defun(c: Compiler, form: List) -> None:
    name = form[1].name if len(form) > 1 and form[1].__class__ is Symbol else ""
    define_function(c, form, c.definition_key(name))


def take_definitions(forms: List) -> tuple[List, list[List]]:
    """Remove the definitions from forms, wherever they stand (not in quotes).

    Definitions found in the body of another one are global as well, and come
    after it.
    """
    found: list[List] = []

    def clean(form: List) -> List:
        # Iterative over long lists, recursive over depth only where needed.
        if form and form[0].__class__ is Symbol and form[0].name == "quote":
            return form
        if not any(_holds_definition(m) for m in form):
            return form
        return members_left(form)

    def members_left(form: List) -> List:
        members, places = [], []
        where = getattr(form, "where", None)
        for index, member in enumerate(form):
            if _is_definition(member):
                take(member)
                continue
            if isinstance(member, List) and _holds_definition(member):
                member = clean(member)
            members.append(member)
            if where is not None and index < len(where.members):
                places.append(where.members[index])
        copy = type(form)(members)
        if where is not None:
            copy.where = where._replace(members=tuple(places))
        return copy

    def take(form: List) -> None:
        position = len(found)
        found.append(form)
        if form[0].name in _OWN_DEFINITIONS:
            return
        inside = clean(List(form[1:]))
        if len(inside) != len(form) - 1 or any(a is not b for a, b in zip(inside, form[1:])):
            whole = List([form[0], *inside])
            if hasattr(form, "where"):
                whole.where = form.where
            found[position] = whole

    return members_left(forms), found


def _is_definition(form: Any) -> bool:
    return (
        isinstance(form, List)
        and bool(form)
        and form[0].__class__ is Symbol
        and form[0].name in DEFINITIONS
    )


def _holds_definition(form: Any) -> bool:
    """Is there a definition in the form (itself included), outside quotes?"""
    pending = [form]
    while pending:
        item = pending.pop()
        if not isinstance(item, List) or not item:
            continue
        head = item[0]
        if head.__class__ is Symbol:
            if head.name == "quote":
                continue
            if head.name in DEFINITIONS:
                return True
        pending.extend(m for m in item if isinstance(m, List))
    return False


def compile_unit(
    world: World,
    forms: List,
    file: str,
    *,
    mapping: bool = False,
    spaces: Sequence[str] = (),
    mark: str = "",
) -> Code:
    """Compile the expanded forms of a text.

    Args:
        world: the interpreter.
        forms: forms, macros already expanded.
        file: name of the source, for errors.
        mapping: the text runs inside a function whose variables stand in a
            mapping (``eval``); it then takes that mapping as its argument.
        spaces: the name spaces open around the text, innermost last.
        mark: what no other text has, for the names of its lambdas; without it
            the interpreter numbers them.
    """
    c = Compiler(world, file)
    c.mark = mark
    c.spaces = list(spaces)
    c.loads = any(isinstance(form, List) and form and form[0] is _LOAD for form in forms)
    rest, definitions = take_definitions(forms)
    for form in definitions:
        run_definition(c, form, 0)
    c.variables = global_names(rest, definitions, mapping)
    frame = Frame("mapping" if mapping else "top")
    if mapping:
        frame.locals = bound_names(rest)
    for form in definitions:
        run_definition(c, form, 1)
    c.scope = Scope(frame)
    c.block = []
    c.form = rest
    c.body(rest, TAIL)
    signature = emit.arguments([".F"] if mapping else [])
    main = finish_function(frame, MAIN, signature, [], c.block)
    if c.lambda_forms:
        c.definitions.insert(0, emit.effect(emit.run("add_forms", c.const(c.lambda_forms))))
    module = ast.Module([*c.definitions, main], [])
    ast.fix_missing_locations(module)
    return Code(module, c.constants, file)


def global_names(top: List, definitions: list[List], mapping: bool) -> set[str]:
    """The globals that a text sets: at its top level, or by ``setg`` anywhere."""
    names = set() if mapping else bound_names(top)
    pending: list[Any] = [top, *definitions]
    while pending:
        form = pending.pop()
        if not isinstance(form, List) or not form:
            continue
        if form[0] is Symbol("setg") and len(form) > 1:
            targets = form[1] if isinstance(form[1], List) else [form[1]]
            names.update(t.name for t in targets if t.__class__ is Symbol)
        if form[0] is not Symbol("quote"):
            pending.extend(m for m in form if isinstance(m, List))
    return names
