"""Forms to Python AST.

The compiler walks a form once. Every form can be compiled *into* a
destination: for its effect only, as the result of the function (tail), or
into a temporary variable; and, where that is possible, as a Python
expression. What cannot be an expression (loops, assignments, definitions) is
emitted as statements into the current block, in front of the expression that
uses its value, with the order of evaluation kept.

The forms themselves are in the sibling modules, one decorated function each.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lispe_py.compiler import emit
from lispe_py.compiler.forms import (
    EFFECT,
    EXPRESSIONS,
    MAX_DEPTH,
    SPILL_DEPTH,
    STATEMENTS,
    TAIL,
    TESTS,
    Dest,
    World,
    as_held,
)
from lispe_py.compiler.growth import assignment
from lispe_py.compiler.inference import infer
from lispe_py.compiler.scope import Frame, Lambda, Scope
from lispe_py.compiler.slots import arguments
from lispe_py.compiler.symbols import is_operator
from lispe_py.errors import LispError
from lispe_py.names import CONSTANTS, CUT, FAIL, LIBRARY_FUNCTIONS, NOT_RESERVED
from lispe_py.places import Place, seat_of
from lispe_py.registry import Entry
from lispe_py.runtime.frames import MADE
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol


class Compiler:
    """Compiles the forms of one text."""

    def __init__(self, world: World, file: str) -> None:
        self.world = world
        self.file = file
        self.block: list[ast.stmt] = []
        self.scope = Scope(Frame("top"))
        #: Definitions, run before the text itself.
        self.definitions: list[ast.stmt] = []
        #: Objects that stand in the code as constants.
        self.constants: list[Any] = []
        #: Functions, classes and variables that this text will have defined.
        self.functions: set[str] = set()
        self.variables: set[str] = set()
        #: Names that this text has bound with ``setconst``.
        self.fixed: set[str] = set()
        #: Bodies of the pattern functions of this text, by key.
        self.patterns: dict[str, list[List]] = {}
        #: Name spaces open around this point, innermost last.
        self.spaces: list[str] = []
        #: The text loads other files, which may bring functions and classes.
        self.loads = False
        #: Python loops and handlers around this point inside the function.
        self.loops = 0
        self.handlers = 0
        #: Where the value of each loop around this point goes.
        self.break_values: list[Dest] = []
        #: Inside ``threadspace``: names mean the variables that threads share.
        self.shared = False
        self.depth = 0
        #: The form being compiled, innermost, and the one around it.
        self.form, self.around = List(), List()
        self.temporaries = 0
        #: The forms of the lambdas, by the name of their code.
        self.lambda_forms: dict[str, List] = {}
        #: Stands in the names of the lambdas where they must not depend on the interpreter.
        self.mark = ""

    # ------------------------------------------------------------ blocks and names

    def temp(self) -> str:
        self.temporaries += 1
        return f".{self.temporaries}"

    def emit(self, statement: ast.stmt) -> None:
        self.block.append(statement)

    @contextmanager
    def sub_block(self) -> Iterator[list[ast.stmt]]:
        """Collect what is emitted into a block of its own."""
        outer = self.block
        inner: list[ast.stmt] = []
        self.block = inner
        try:
            yield inner
        finally:
            self.block = outer

    @contextmanager
    def branch(self) -> Iterator[list[ast.stmt]]:
        """A block that may not run: what it binds is uncertain afterwards."""
        before = set(self.scope.certain)
        try:
            with self.sub_block() as block:
                yield block
        finally:
            self.scope.certain = before

    def put(self, value: ast.expr, dest: Dest) -> None:
        """Emit the statement that sends a value to its destination."""
        if dest is TAIL:
            self.emit(ast.Return(value))
        elif dest is EFFECT:
            if not emit.is_simple(value) or emit.is_global(value):
                self.emit(ast.Expr(value))
        else:
            assert dest.target is not None
            self.emit(emit.assign(dest.target, value))

    def fail(self, message: str, form: Any = None, hint: str | None = None) -> LispError:
        """A compile error at the place of a form."""
        where = getattr(form, "where", None)
        file = None if self.file == MADE else self.file
        error = LispError(message, file=file, form=form, hint=hint)
        if where is not None:
            error.file, error.line, error.column = where.file, where.line, where.column
        return error

    def raises(self, message: str) -> ast.expr:
        """An expression that raises an error when it is evaluated."""
        return emit.run("raise", emit.constant(message))

    def const(self, value: Any) -> ast.expr:
        """A constant of the code: any object, put in after Python has compiled it."""
        if value is None or value is True or value.__class__ in (int, float, complex, bytes):
            return ast.Constant(value)
        if value.__class__ is str and not value.startswith("\0"):
            return ast.Constant(value)
        self.constants.append(value)
        node = ast.Constant(f"\0{len(self.constants) - 1}")
        return node

    # ------------------------------------------------------------ values

    def expr(self, form: Any, place: Place | None = None) -> ast.expr:
        """A Python expression for the value of a form.

        Statements that it needs are emitted into the current block first. Where
        the caller knows the ``place`` of a name it tells it.
        """
        kind = form.__class__
        if kind is Symbol:
            node = self.load(form.name)
            if not emit.is_simple(node) or emit.is_global(node):
                place = place or seat_of(form.name, self.form)
                if place is not None:
                    emit.locate(node, place)
            return node
        if not isinstance(form, List):
            return self.const(form)
        if not form:
            return emit.run("List")
        start = len(self.block)
        block = self.block
        with self.inside(form):
            node = self._call(form)
            if self.depth % SPILL_DEPTH == 0 and not emit.is_simple(node):
                target = self.temp()
                self.emit(emit.assign(target, node))
                node = emit.name(target)
        self._locate(form, node, block, start)
        return node

    @contextmanager
    def inside(self, form: List) -> Iterator[None]:
        """Compile the members of a form."""
        outer = self.form, self.around
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail("this form is nested too deeply", form)
        self.form, self.around = form, self.form
        try:
            yield
        finally:
            self.depth -= 1
            self.form, self.around = outer

    def into(self, form: Any, dest: Dest) -> None:
        """Compile a form for a destination."""
        if isinstance(form, List) and form and form[0].__class__ is Symbol:
            name = form[0].name
            handler = STATEMENTS.get(name)
            if handler is not None and not self.shadowed(name):
                start, block = len(self.block), self.block
                with self.inside(form):
                    handler(self, self.counted(form), dest)
                self._locate(form, None, block, start)
                return
            if dest is TAIL and self._tail_call(form, name):
                return
        start, block = len(self.block), self.block
        self.put(self.expr(form), dest)
        if isinstance(form, List):
            self._locate(form, None, block, start)

    def _locate(self, form: Any, node: ast.expr | None, block: list[ast.stmt], start: int) -> None:
        where = getattr(form, "where", None)
        if where is None:
            return
        place = where[:4]
        if node is not None:
            emit.locate(node, place)
        for statement in block[start:]:
            emit.locate(statement, place)

    def body(self, forms: Sequence[Any], dest: Dest) -> None:
        """Compile forms in sequence; the value of the last goes to ``dest``."""
        if not forms:
            self.put(emit.nil(), dest)
            return
        for form in forms[:-1]:
            self.into(form, EFFECT)
        self.into(forms[-1], dest)

    def value(self, form: Any) -> ast.expr:
        """Like :meth:`expr`, for a form that has a statement handler."""
        target = self.temp()
        self.into(form, Dest(target))
        return emit.name(target)

    def args(
        self, form: List, start: int = 1, stop: int | None = None, *, held: bool = False
    ) -> list[ast.expr]:
        """The arguments of a call, evaluated from left to right.

        When a later argument needs statements, those before it are kept in
        temporaries, so that nothing overtakes anything.
        """
        where = getattr(form, "where", None)
        members = where.members if where is not None else ()
        found: list[tuple[list[ast.stmt], ast.expr]] = []
        last = -1
        stop = len(form) if stop is None else stop
        for index in range(start, stop):
            item = as_held(form[index]) if held else form[index]
            with self.sub_block() as block:
                place = members[index] if index < len(members) else None
                node = self.expr(item, place)
            if place:
                emit.locate(node, place)
            if block:
                last = len(found)
            found.append((block, node))
        nodes: list[ast.expr] = []
        for position, (block, node) in enumerate(found):
            self.block.extend(block)
            if position < last and not isinstance(node, ast.Constant):
                node = self.keep(node)
            nodes.append(node)
        return nodes

    def keep(self, node: ast.expr) -> ast.Name:
        """Evaluate a node here; a reading of the variable that holds its value."""
        target = self.temp()
        self.emit(emit.assign(target, node))
        return emit.kept(target, node)

    def stable(self, node: ast.expr) -> bool:
        """Does reading the node again give the same, whatever runs in between?"""
        if isinstance(node, ast.Constant):
            return True
        return isinstance(node, ast.Name) and not emit.is_global(node)

    # ------------------------------------------------------------ variables

    def known_variable(self, name: str) -> bool:
        """Is there, or will there be, a global of this name when the text runs?"""
        return name in self.variables or name in self.world.scope

    def load(self, name: str) -> ast.expr:
        """The value of a variable."""
        if name in CONSTANTS:
            return emit.constant(CONSTANTS[name])
        if name == FAIL:
            return emit.nil()
        if name == CUT:
            return self.const(Symbol(CUT))
        scope = self.scope
        frame = scope.frame
        renamed = scope.renaming(name)
        if renamed is not None:
            read = emit.name(str(renamed))
            read.number_class = getattr(renamed, "number_class", None)  # type: ignore[attr-defined]
            return read
        identifier = emit.identifier(name)
        if scope.in_lambda(name):
            return emit.name(identifier)
        if frame.kind == "mapping":
            if name in scope.certain:
                return emit.subscript(emit.name(".F"), emit.constant(name))
            if not self._is_reserved_value(name):
                return emit.run("frame_get", emit.name(".F"), emit.constant(name))
        if frame.kind != "top" and name in frame.locals:
            if name in scope.certain:
                return frame.read(name)
            frame.uncertain.add(name)
            return emit.conditional(
                emit.is_not(emit.name(identifier), emit.helper("unbound")),
                emit.name(identifier),
                self._global_value(name),
            )
        return self._global(name)

    def _global_value(self, name: str) -> ast.expr:
        """A global read by code that also has a local of that name."""
        if name in self.scope.frame.fields:
            return emit.attribute(emit.name(".self"), name)
        return emit.run("dynamic", emit.constant(name))

    def _is_reserved_value(self, name: str) -> bool:
        return not self.known_variable(name) and (
            self.is_function(name) or self.world.entry(name) is not None
        )

    def _global(self, name: str) -> ast.expr:
        scope = self.scope
        if name in scope.frame.fields:
            return emit.attribute(emit.name(".self"), name)
        if self.shared and not self._is_reserved_value(name):
            return emit.run("shared_value", emit.constant(name))
        if self.known_variable(name):
            return emit.mark_global(emit.name(emit.identifier(name)))
        if name in self.world.classes:
            return emit.mark_global(emit.name(emit.identifier(name)))
        function = self.function_key(name)
        if function is not None:
            return emit.mark_global(emit.name(function))
        if is_operator(name):
            return self.const(Symbol(name))
        entry = self.world.entry(name)
        if entry is not None:
            return self._bare_primitive(name, entry)
        if (
            name in emit.BUILTINS
            or scope.lambdas
            or (scope.frame.kind != "top" and self.world.classes)
        ):
            # Found nowhere: the callers may have it, or the running instance.
            return emit.run("dynamic", emit.constant(name))
        return emit.mark_global(emit.name(emit.identifier(name)))

    def _bare_primitive(self, name: str, entry: Entry) -> ast.expr:
        if entry.library != "lispe":
            return emit.name(self.world.bind(entry))
        return self.raises(f"cannot evaluate this instruction: '{name}'")

    def is_constant(self, name: str) -> bool:
        """Has ``setconst`` bound the name, in this text or before?"""
        return name in self.fixed or name in self.world.constants

    def assignable(self, form: Any, where: Any = None) -> str:
        """The name that a form may assign, or an error."""
        from lispe_py.printer import show

        if form.__class__ is not Symbol or form.name in CONSTANTS:
            raise self.fail(f"Invalid variable name: '{show(form)}' (keyword)", where)
        if self.is_reserved(form.name):
            raise self.fail(f"Invalid variable name: '{form.name}' (keyword)", where)
        name: str = form.name
        return name

    def is_reserved(self, name: str) -> bool:
        """Built-in names of the language itself cannot be variables."""

        if name in NOT_RESERVED:
            return False
        if name in STATEMENTS or name in EXPRESSIONS:
            return True
        entry = self.world.entry(name)
        return entry is not None and entry.library == "lispe"

    def store(self, name: str, value: ast.expr) -> None:
        """Assign a variable of the current frame (top level: a global)."""
        if self.is_constant(name):
            self.emit(ast.Expr(self.raises(f"'{name}' is a constant value")))
            return
        scope = self.scope
        if self._in_mapping(name):
            self.emit(emit.set_subscript(emit.name(".F"), emit.constant(name), value))
            scope.certain.add(name)
            return
        self._assign(name, value)

    def _in_mapping(self, name: str) -> bool:
        scope = self.scope
        return (
            scope.frame.kind == "mapping"
            and scope.renaming(name) is None
            and not scope.in_lambda(name)
        )

    def update(self, name: str, value: ast.expr) -> None:
        """Assign a variable where it already lives: local, field, else global."""
        scope = self.scope
        if self.is_constant(name):
            self.emit(ast.Expr(self.raises(f"'{name}' is a constant value")))
        elif self.shared and not scope.is_local(name):
            self.emit(emit.effect(emit.run("update_shared", emit.constant(name), value)))
        elif self._in_mapping(name):
            self.emit(
                emit.effect(emit.run("frame_update", emit.name(".F"), emit.constant(name), value))
            )
        elif not scope.is_local(name) and name in scope.frame.fields:
            field = ast.Attribute(emit.name(".self"), name, emit.STORE)
            self.emit(ast.Assign([field], value))
        elif scope.is_local(name) and self._uncertain(name):
            # It may live among the globals, if nothing has set it here yet.
            target = self.temp()
            self.emit(emit.assign(target, value))
            identifier = emit.identifier(name)
            yes: list[ast.stmt] = [
                emit.effect(emit.run("set_global", emit.constant(name), emit.name(target)))
            ]
            no: list[ast.stmt] = [emit.assign(identifier, emit.name(target))]
            self.scope.frame.uncertain.add(name)
            test = emit.run("only_global", emit.name(identifier), emit.constant(name))
            self.emit(ast.If(test, yes, no))
        else:
            self._assign(name, value)

    def _assign(self, name: str, value: ast.expr) -> None:
        place = self.scope.store(name)
        if self.scope.frame.kind == "top":
            self.emit(emit.assign(place, value))
        else:
            self.block.extend(assignment(place, value, self.temp))

    def _uncertain(self, name: str) -> bool:
        scope = self.scope
        return (
            scope.renaming(name) is None
            and not scope.in_lambda(name)
            and name in scope.frame.locals
            and name not in scope.certain
        )

    # ------------------------------------------------------------ calls

    def shadowed(self, name: str) -> bool:
        """Does the program use a name that we understand but do not reserve?"""

        return name in NOT_RESERVED and (
            self.scope.is_local(name) or self.is_function(name) or self.known_variable(name)
        )

    def is_function(self, name: str) -> bool:
        return self.function_key(name) is not None

    def function_key(self, name: str) -> str | None:
        """Identifier of a defined function, innermost name space first."""
        for space in reversed(self.spaces):
            key = f"{name}@{space}()"
            if key in self.functions or key in self.world.scope:
                return key
        key = f"{name}()"
        if key in self.functions or key in self.world.scope:
            return key
        return None

    def definition_key(self, name: str) -> str:
        """Identifier of a function that is defined at this point."""
        return f"{name}@{self.spaces[-1]}()" if self.spaces else f"{name}()"

    def counted(self, form: List, entry: Entry | None = None) -> List:
        """The call of a built-in, less what it takes no notice of; an error for a wrong number."""
        entry = entry or self.world.entry(form[0].name)
        if entry is None or entry.accepts(len(form) - 1):
            return form
        if entry.name in LIBRARY_FUNCTIONS and len(form) - 1 > entry.least:
            kept = List(form[: (entry.most or 0) + 1])
            if hasattr(form, "where"):
                kept.where = form.where
            return kept
        raise self.fail(
            f"Wrong number of arguments for: '{entry.name}'", form, hint=f"usage: {entry.signature}"
        )

    def _call(self, form: List) -> ast.expr:
        head = form[0]
        if head.__class__ is Symbol:
            return self._named_call(form, head.name)
        if isinstance(head, List):
            return self._computed_call(form)
        if head is None or head is True:
            return self.raises("Unknown function call")
        return emit.run("List", ast.List(self.args(form, 0), emit.LOAD))

    def _named_call(self, form: List, name: str) -> ast.expr:
        scope = self.scope
        if not self.shadowed(name):
            if name in STATEMENTS:
                return self.value(form)
            expression = EXPRESSIONS.get(name)
            if expression is not None:
                return expression(self, self.counted(form))
        local = scope.is_local(name) or (
            name in scope.frame.fields and name not in scope.frame.methods
        )
        if not local and name in scope.frame.methods:
            return self.call(emit.attribute(emit.name(".self"), f"{name}()"), form)
        function = self.function_key(name)
        if self.spaces and self.loads and not local and function == f"{name}()":
            # A file that the text loads may give the space a function of this name.
            return self._call_in_spaces(form, name)
        if function is not None and not local and name not in self.world.classes:
            node = self.call(emit.name(function), form)
            node.number_class = self._known_result(form, name)  # type: ignore[attr-defined]
            return node
        if local and function is not None:
            return self._call_of_either(form, name, emit.name(function))
        if function is not None:
            from lispe_py.compiler.classes import class_call

            return class_call(self, form, self.world.classes[name])
        entry = self.world.entry(name)
        if entry is not None and not entry.special:
            if not local and not self.known_variable(name):
                return self.primitive_call(form, entry)
            return self._call_of_either(form, name, emit.name(self.world.bind(entry)))
        if self.spaces and not local and not self.known_variable(name):
            # The space may get the function when the program runs (``load``).
            return self._call_in_spaces(form, name)
        if self.loads and not local and not self.known_variable(name):
            from lispe_py.compiler.classes import loaded_class_call

            return loaded_class_call(self, form, lambda: self._dynamic_call(form, self.load(name)))
        if name in (CUT, FAIL):
            return self.load(name)
        if is_operator(name) and not local and not self.known_variable(name):
            # ``-+`` is an operator only where one is passed as a value.
            return self.raises(f"unknown instruction: '{name}'")
        if not local and not self.known_variable(name):
            for info in reversed(self.world.classes.values()):
                if name in info.methods:
                    # Outside of an instance a method runs without fields.
                    new = emit.run("new_instance", emit.name(f"class {info.name}()"))
                    return self.call(emit.attribute(new, f"{name}()"), form)
        return self._dynamic_call(form, self.load(name))

    def _call_in_spaces(self, form: List, name: str) -> ast.expr:
        """A call of the function that the innermost space has when the program runs."""
        spaces = ast.Tuple([emit.constant(s) for s in self.spaces], emit.LOAD)
        return self.call(emit.run("space_function", emit.constant(name), spaces), form)

    def _known_result(self, form: List, name: str) -> str | None:
        """Class of a self call's value, in the version of a function that knows it."""
        frame = self.scope.frame
        if frame.result is None or name != frame.title or self.spaces:
            return None
        return frame.result if infer(form, frame.classes, frame.assumption) else None

    def primitive_call(self, form: List, entry: Entry) -> ast.expr:
        form = self.counted(form, entry)
        function = emit.name(self.world.bind(entry))
        node = emit.call(function, arguments(self, form, entry.name))
        if (
            entry.stores_back(len(form) - 1)
            and form[1].__class__ is Symbol
            and form[1].name not in CONSTANTS
        ):
            target = self.temp()
            self.emit(emit.assign(target, node))
            self.update(form[1].name, emit.name(target))
            node = emit.name(target)  # type: ignore[assignment]
        return node

    def call(self, function: ast.expr, form: List, start: int = 1) -> ast.expr:
        """A call of a compiled function; ``(? name value)`` names an argument."""
        named = [
            i for i in range(start, len(form))
            if isinstance(form[i], List) and len(form[i]) == 3 and form[i][0] is Symbol("?")
            and form[i][1].__class__ is Symbol
        ]  # fmt: skip
        if not named:
            return emit.call(function, self.args(form, start, held=True))
        plain = List(m for i, m in enumerate(form) if i < start or i not in named)
        values = List([form[0], *(form[i][2] for i in named)])
        merged = List([*plain, *values[1:]])
        nodes = self.args(merged, start)
        split = len(plain) - start
        keywords = [
            ast.keyword(emit.identifier(form[i][1].name), node)
            for i, node in zip(named, nodes[split:], strict=True)
        ]
        return emit.call(function, nodes[:split], keywords)

    def _dynamic_call(self, form: List, head: ast.expr) -> ast.expr:
        """A call of whatever a variable or an expression holds."""
        if self._may_be_method_call(form):
            return self._method_call(form, head)
        if len(form) > 2 and form[1] is Symbol("at"):
            return emit.run("call_or_read", head, *self.args(form))
        if not self.stable(head):
            target = self.temp()
            guard = emit.is_function(emit.walrus(target, head))
        else:
            assert isinstance(head, ast.Name)
            target = head.id
            guard = emit.is_function(head)
        with self.sub_block() as block:
            chosen = emit.conditional(
                guard, emit.name(target), emit.run("callable", emit.name(target))
            )
            node = self.call(chosen, form)
        if block and not emit.is_simple(head):
            # The head is evaluated before the arguments.
            self.emit(emit.assign(target, head))
            chosen.test = emit.is_function(emit.name(target))
        self.block.extend(block)
        return node

    def _may_be_method_call(self, form: List) -> bool:
        first = 2 if len(form) > 1 and form[1].__class__ is Symbol else 1
        if first == 2 and form[1].name not in self.world.classes:
            return False
        calls = form[first:]
        return bool(calls) and all(
            isinstance(c, List) and c and c[0].__class__ is Symbol and self.may_be_method(c[0].name)
            for c in calls
        )

    def may_be_method(self, name: str) -> bool:
        """A method of a known class, or what only a class to come can know."""
        if any(name in k.methods for k in self.world.classes.values()):
            return True
        return not (
            self.scope.is_local(name)
            or self.is_function(name)
            or self.known_variable(name)
            or name in STATEMENTS
            or name in EXPRESSIONS
            or self.world.entry(name) is not None
        )

    def _call_of_either(self, form: List, name: str, function: ast.expr) -> ast.expr:
        """A variable with a function's name counts if it holds one, or has the methods."""
        if self._may_be_method_call(form):
            return self._method_call(form, self.load(name), function)
        return self.call(emit.run("choose", self.load(name), function), form)

    def _method_call(self, form: List, head: ast.expr, other: ast.expr | None = None) -> ast.expr:
        """``(instance (method args) ...)``, or an ordinary call if it is none."""
        target = self.temp()
        self.emit(emit.assign(target, head))
        instance = emit.name(target)
        first = 2 if form[1].__class__ is Symbol else 1
        result = self.temp()
        calls = form[first:]
        with self.sub_block() as methods:
            for item in calls:
                function = emit.attribute(instance, f"{item[0].name}()")
                node = self.call(function, item)
                emit.locate(node, getattr(item, "where", (1, 1, 1, 1))[:4])
                self.emit(emit.assign(result, node))
        with self.sub_block() as ordinary:
            try:
                chosen = ("choose", instance, other) if other else ("callable", instance)
                node = emit.call(emit.run(*chosen), self.args(form))
            except LispError as error:  # (it (last)) is right where `last` is its method
                node = self.raises(error.message)
            self.emit(emit.assign(result, node))
        self.emit(ast.If(emit.run("is_instance", instance), methods, ordinary))
        return emit.name(result)

    def _computed_call(self, form: List) -> ast.expr:
        """A call whose head is itself a form."""
        head = form[0]
        if head and head[0] is Symbol("λ"):
            with self.sub_block() as block:
                function = self.expr(head)
            self.block.extend(block)
            return self.call(function, form)
        if len(form) == 1:
            return emit.run("call_or_list", self.expr(head))
        if self._may_be_method_call(form):
            return self._method_call(form, self.expr(head))
        nodes = self.args(form, 0)
        return emit.run("call_or_list", *nodes)

    def _tail_call(self, form: List, name: str) -> bool:
        """A self call in tail position: assign the parameters and go round."""
        frame = self.scope.frame
        if (
            not frame.loops
            or self.scope.lambdas
            or self.loops
            or self.handlers
            or (name != frame.title and name != "self")
            or len(form) - 1 != len(frame.parameters)
            or self.scope.is_local(name)
            or any(isinstance(m, List) and m and m[0] is Symbol("?") for m in form)
        ):
            return False
        nodes = self.args(form)
        names = [emit.identifier(p) for p in frame.parameters]
        if len(names) == 1:
            self.emit(emit.assign(names[0], nodes[0]))
        elif names:
            targets = ast.Tuple([ast.Name(n, emit.STORE) for n in names], emit.STORE)
            self.emit(ast.Assign([targets], ast.Tuple(nodes, emit.LOAD)))
        self.emit(ast.Continue())
        frame.looped = True
        return True

    # ------------------------------------------------------------ tests

    def test(self, form: Any) -> ast.expr:
        """An expression whose Python truth is the LispE truth of a form."""
        if isinstance(form, List) and form and form[0].__class__ is Symbol:
            name = form[0].name
            handler = TESTS.get(name)
            if handler is not None and not self.shadowed(name):
                start, block = len(self.block), self.block
                with self.inside(form):
                    node = handler(self, self.counted(form))
                self._locate(form, node, block, start)
                return node
            entry = self.world.entry(name)
            if (
                entry is not None
                and entry.truth
                and not self.scope.is_local(name)
                and not self.is_function(name)
                and not self.known_variable(name)
            ):
                return self.expr(form)
        return self.truth(self.expr(form))

    def truth(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node.value.startswith("\0"):
                return emit.run("truth", node)
            return emit.constant(bool(node.value))
        if isinstance(node, (ast.Name, ast.Call)):
            # Most answers are true or nil themselves.
            first = node
            if isinstance(node, ast.Call):
                target = self.temp()
                first, node = emit.walrus(target, node), emit.name(target)  # type: ignore[assignment]
            return ast.BoolOp(ast.Or(), [
                emit.is_(first, emit.true()),
                ast.BoolOp(ast.And(), [
                    emit.is_not(node, emit.nil()), emit.run("truth", node)]),
            ])  # fmt: skip
        return emit.run("truth", node)

    # ------------------------------------------------------------ functions

    @contextmanager
    def in_lambda(self, parameters: set[str], title: str) -> Iterator[Lambda]:
        """Compile inside a nested function of the current frame."""
        scope = self.scope
        fn = Lambda(parameters, title)
        saved = (set(scope.certain), self.loops, self.handlers, scope.renamed, self.block)
        # A parameter hides a ``let`` variable of the same name.
        scope.renamed = [
            {k: v for k, v in table.items() if k not in parameters} for table in scope.renamed
        ]
        scope.certain |= parameters
        scope.lambdas.append(fn)
        scope.frame.lambdas += 1
        self.loops = self.handlers = 0
        self.block = []
        try:
            yield fn
        finally:
            scope.lambdas.pop()
            scope.certain, self.loops, self.handlers, scope.renamed, self.block = saved

    @contextmanager
    def in_frame(self, frame: Frame) -> Iterator[list[ast.stmt]]:
        """Compile the body of a function with a frame of its own."""
        saved = (self.scope, self.block, self.loops, self.handlers, self.depth)
        self.scope = Scope(frame)
        self.block = []
        self.loops = self.handlers = 0
        try:
            yield self.block
        finally:
            self.scope, self.block, self.loops, self.handlers, self.depth = saved
