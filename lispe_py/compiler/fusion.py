"""Composed list functions as one loop.

``(take 3 (filter p (map f l)))`` becomes a single Python loop in which every
member passes through all the stages before the next one is looked at: there
is no list in between, an endless source is fine, and a function that is
written in place is compiled into the loop.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.emit import class_of
from lispe_py.compiler.forms import EFFECT, inline, special
from lispe_py.compiler.scope import Fresh, mentions
from lispe_py.compiler.slots import partial_with_values
from lispe_py.compiler.symbols import ARITHMETIC, COMPARISON
from lispe_py.names import CONSTANTS
from lispe_py.runtime.mapping import BINARY, answers_truth
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

QUOTE, LAMBDA = Symbol("quote"), Symbol("λ")
#: name -> number of arguments
_STAGES = {"map": 2, "filter": 2, "take": 2, "drop": 2, "takewhile": 2, "dropwhile": 2, "for": 3}
_FOLDS = {"foldl": 3, "foldl1": 2}
#: A body with one of these means the function around it: it cannot be moved into a loop.
_JUMPS = frozenset({"return", "self", "break"})

#: Heads of forms that set no variable and call no function of the program.
_CALM = frozenset({*ARITHMETIC, *COMPARISON, "and", "or", "not", "¬"})


class Apply:
    """A function of compiled operands, which may emit statements.

    Attributes:
        value: the node of its value.
        test: a node whose Python truth is that of the value.
        calm: it only computes: it may be compiled more than once.
    """

    def __init__(
        self,
        value: Callable[..., ast.expr],
        test: Callable[..., ast.expr],
        calm: bool = False,
    ) -> None:
        self.value = value
        self.test = test
        self.calm = calm


def _is_calm(c: Compiler, form: Any) -> bool:
    if not isinstance(form, List):
        return form.__class__ in (int, float, str, Symbol)
    head = form[0] if form else None
    return (
        head.__class__ is Symbol
        and head.name in _CALM
        and not c.shadowed(head.name)
        and all(_is_calm(c, item) for item in form[1:])
    )


def _is_chain(c: Compiler, form: Any) -> bool:
    """Is a form a stage that can be part of the loop?"""
    if not isinstance(form, List) or not form or form[0].__class__ is not Symbol:
        return False
    name = form[0].name
    return len(form) - 1 == _STAGES.get(name, -1) and not (
        c.scope.is_local(name) or c.is_function(name)
    )


def _placeholders(c: Compiler, nodes: tuple[ast.expr, ...]) -> tuple[dict[str, str], list[Symbol]]:
    """Names that stand for compiled operands inside a form."""
    table: dict[str, str] = {}
    names = []
    for node in nodes:
        target = c.temp()
        if isinstance(node, ast.Name):
            target = node.id
        else:
            c.emit(emit.assign(target, node))
        title = f".{target}"
        table[title] = Fresh(target, class_of(node))
        names.append(Symbol(title))
    return table, names


def _as_code(c: Compiler, build: Callable[[list[Symbol]], List], where: Any) -> Apply:
    """A function whose call is a form of the language, compiled in place."""

    def compiled(compile: Callable[[Any], ast.expr]) -> Callable[..., ast.expr]:
        def apply(*nodes: ast.expr) -> ast.expr:
            table, names = _placeholders(c, nodes)
            form = build(names)
            if where is not None:
                form.where = where
            c.scope.renamed.append(table)
            try:
                return compile(form)
            finally:
                c.scope.renamed.pop()

        return apply

    calm = _is_calm(c, build([Symbol("x"), Symbol("y")]))
    return Apply(compiled(c.expr), compiled(c.test), calm)


def _inlined(c: Compiler, form: List, count: int) -> Apply | None:
    """A lambda that is written in place, if its body may move into the loop."""
    if len(form) < 3 or not isinstance(form[1], List) or len(form[1]) != count:
        return None
    if any(p.__class__ is not Symbol or p.name in CONSTANTS for p in form[1]):
        return None
    if mentions(List(form[2:]), _JUMPS) or c.scope.frame.kind == "mapping":
        return None
    names = [p.name for p in form[1]]
    # A lambda made in the body would see the variable of the next round.
    if mentions(List(form[2:]), frozenset({"λ"})) or len(set(names)) != len(names):
        return None

    calm = len(form) == 3 and _is_calm(c, form[2])

    def bound(name: str, node: ast.expr) -> str:
        """The Python variable of a parameter."""
        if calm and isinstance(node, ast.Name):
            # Nothing sets the parameter: the variable that holds the operand will do.
            return Fresh(node.id, class_of(node))
        fresh = f"{name}{c.temp()}"
        c.emit(emit.assign(fresh, node))
        if c.scope.lambdas:
            c.scope.lambdas[-1].parameters.add(fresh)
        return Fresh(fresh, class_of(node)) if calm else fresh

    def compiled(compile: Callable[[Any], ast.expr]) -> Callable[..., ast.expr]:
        def apply(*nodes: ast.expr) -> ast.expr:
            table = {name: bound(name, node) for name, node in zip(names, nodes, strict=True)}
            c.scope.renamed.append(table)
            try:
                for item in form[2:-1]:
                    c.put(c.expr(item), EFFECT)
                return compile(form[-1])
            finally:
                c.scope.renamed.pop()

        return apply

    return Apply(compiled(c.expr), compiled(c.test), calm)


def _quoted(form: Any) -> Any:
    return form[1] if isinstance(form, List) and len(form) == 2 and form[0] is QUOTE else None


def _lambda(form: Any) -> List | None:
    """The lambda that is written in place of a function, quoted or not."""
    quoted = _quoted(form)
    body = quoted if isinstance(quoted, List) else form
    return body if isinstance(body, List) and body and body[0] is LAMBDA else None


def _function(c: Compiler, form: Any, count: int) -> Apply:
    """How to apply the function argument of a stage to ``count`` operands."""
    quoted = _quoted(form)
    where = getattr(form, "where", None)
    written = _lambda(form)
    apply = None if written is None else _inlined(c, written, count)
    if apply is not None:
        return apply
    if quoted.__class__ is Symbol and _is_known(c, quoted.name):
        name = quoted
        if count == 1 and name.name in BINARY:
            return _as_code(c, lambda x: List([name, x[0], x[0]]), where)
        if _accepts(c, name.name, count):
            return _as_code(c, lambda x: List([name, *x]), where)
    elif form.__class__ is Symbol and not c.scope.is_local(form.name):
        if c.is_function(form.name) and not c.known_variable(form.name):
            return _as_code(c, lambda x: List([form, *x]), where)
    elif isinstance(quoted, List) and count == 1 and len(quoted) > 1:
        partial = _partial(c, quoted)
        if partial is not None:
            return _as_code(c, partial, getattr(quoted, "where", where))
    target = c.temp()
    helper = "element_function" if count == 1 else "callable"
    held = partial_with_values(c, form) if count == 1 else None
    c.emit(emit.assign(target, emit.run(helper, held or c.expr(form))))
    return Apply(
        lambda *nodes: emit.call(emit.name(target), list(nodes)),
        lambda *nodes: c.truth(emit.call(emit.name(target), list(nodes))),
    )


def _partial(c: Compiler, form: List) -> Callable[[list[Symbol]], List] | None:
    """``'(op v ...)`` puts the element first, ``'(v op)`` last."""
    head, last = form[0], form[-1]
    simple = (int, float, str)
    if head.__class__ is Symbol and _is_known(c, head.name):
        values = form[1:]
        if all(v.__class__ in simple or v.__class__ is Symbol for v in values) and not any(
            v.__class__ is Symbol and (v.name in CONSTANTS or _is_known(c, v.name)) for v in values
        ):
            if _accepts(c, head.name, len(values) + 1):
                return lambda x: List([head, x[0], *values])
    elif len(form) == 2 and last.__class__ is Symbol and _is_known(c, last.name):
        if head.__class__ in simple and _accepts(c, last.name, 2):
            return lambda x: List([last, head, x[0]])
    return None


def _is_known(c: Compiler, name: str) -> bool:
    return not c.scope.is_local(name) and (
        c.is_function(name) or (c.world.entry(name) is not None and not c.known_variable(name))
    )


def _accepts(c: Compiler, name: str, count: int) -> bool:
    if c.is_function(name):
        return True
    entry = c.world.entry(name)
    return entry is not None and entry.accepts(count) and not entry.rebinds


class Loop:
    """One loop being built: its stages, from the source outwards."""

    def __init__(self, c: Compiler) -> None:
        self.c = c
        #: Each takes the compiled member and what follows; it emits the stage.
        self.stages: list[Callable[[ast.expr, Callable[[ast.expr], None]], None]] = []
        #: Conditions without which the source is not looked at.
        self.gates: list[ast.expr] = []
        self.stops = False
        #: May the loop be compiled once for each class of members?
        self.calm = True

    def chain(self, form: Any) -> Any:
        """Compile what the stages need, from the outermost in; the source's form."""
        c = self.c
        stages = []
        while _is_chain(c, form):
            stages.append(self._stage(form))
            form = form[2]
        self.stages = stages[::-1]
        return form

    def _stage(self, form: List) -> Any:
        c, name = self.c, form[0].name
        if name == "for":
            self.calm = False
            variable = c.assignable(form[1], form)

            def each(x: ast.expr, then: Any) -> None:
                c.store(variable, x)
                then(c.expr(form[3]))

            return each
        if name in ("take", "drop"):
            return self._counted(form, name)
        apply = _function(c, form[1], 1)
        self.calm = self.calm and apply.calm
        if name == "map":
            return lambda x, then: then(apply.value(x))
        if name == "filter":
            return self.filtered(apply)
        if name == "takewhile":
            self.stops = True

            def while_true(x: ast.expr, then: Any) -> None:
                held = self._held(x)
                c.emit(ast.If(emit.not_(apply.test(held)), [ast.Break()], []))
                then(held)

            return while_true
        dropping = c.temp()
        c.emit(emit.assign(dropping, emit.constant(True)))

        def after_false(x: ast.expr, then: Any) -> None:
            held = self._held(x)
            with c.branch() as testing:
                c.emit(emit.assign(dropping, apply.test(held)))
            c.emit(ast.If(emit.name(dropping), testing, []))
            with c.branch() as body:
                then(held)
            c.emit(ast.If(emit.not_(emit.name(dropping)), body or [ast.Pass()], []))

        return after_false

    def filtered(self, apply: Apply) -> Any:
        c = self.c

        def kept(x: ast.expr, then: Any) -> None:
            held = self._held(x)
            test = apply.test(held)
            with c.branch() as body:
                then(held)
            c.emit(ast.If(test, body or [ast.Pass()], []))

        return kept

    def _counted(self, form: List, name: str) -> Any:
        c = self.c
        limit, count = c.temp(), c.temp()
        c.emit(emit.assign(limit, emit.run("whole", c.expr(form[1]))))
        c.emit(emit.assign(count, emit.constant(0)))
        advance = ast.AugAssign(ast.Name(count, emit.STORE), ast.Add(), emit.constant(1))
        if name == "drop":

            def dropped(x: ast.expr, then: Any) -> None:
                with c.branch() as body:
                    then(x)
                test = ast.Compare(emit.name(count), [ast.Lt()], [emit.name(limit)])
                c.emit(ast.If(test, [advance], body or [ast.Pass()]))

            return dropped
        self.stops = True
        self.gates.append(ast.Compare(emit.name(limit), [ast.Gt()], [emit.constant(0)]))

        def taken(x: ast.expr, then: Any) -> None:
            c.emit(advance)
            then(x)
            full = ast.Compare(emit.name(count), [ast.GtE()], [emit.name(limit)])
            c.emit(ast.If(full, [ast.Break()], []))

        return taken

    def _held(self, node: ast.expr) -> ast.expr:
        if isinstance(node, (ast.Name, ast.Constant)):
            return node
        return self.c.keep(node)

    def run(self, source: Any, last: Callable[[ast.expr], None]) -> None:
        """Emit the loop over the members of a form's value."""
        self.over(self.c.expr(source), last)

    def over(self, members: ast.expr, last: Callable[[ast.expr], None]) -> None:
        """Emit the loop; ``last`` takes each member that passes all the stages.

        A loop that only computes is there three times: for members that are
        all integers, or all numbers, and need no test of their classes, and
        for any others.
        """
        c = self.c
        stops = emit.constant(self.stops)
        if not self.calm or not self.stages or self.gates:
            members = emit.run("source", members, stops)
            self._loop(members, None, last)
            return
        held = self._held(members)
        kind = c.temp()
        c.emit(emit.assign(kind, emit.run("class_of_members", held, stops)))
        with c.branch() as loop:
            self._loop(emit.run("source", held, stops), None, last)
        for known in ("float", "int"):
            with c.branch() as quick:
                self._loop(held, known, last)
            loop = [ast.If(emit.is_(emit.name(kind), emit.helper(known)), quick, loop)]
        c.emit(loop[0])

    def _loop(self, members: ast.expr, known: str | None, last: Callable[[ast.expr], None]) -> None:
        c = self.c
        if self.gates:
            gate = self.gates[0] if len(self.gates) == 1 else ast.BoolOp(ast.And(), self.gates)
            members = emit.conditional(gate, members, ast.Tuple([], emit.LOAD))
        member = c.temp()
        c.loops += 1
        c.break_values.append(EFFECT)
        with c.branch() as body:
            first = emit.name(member)
            first.number_class = known  # type: ignore[attr-defined]
            self._from(0, first, last)
        c.break_values.pop()
        c.loops -= 1
        c.emit(ast.For(ast.Name(member, emit.STORE), members, body or [ast.Pass()], []))

    def _from(self, index: int, x: ast.expr, last: Callable[[ast.expr], None]) -> None:
        if index == len(self.stages):
            last(x)
            return
        self.stages[index](x, lambda y: self._from(index + 1, y, last))


@inline("takelist", "takecar", "droplist", "dropcar", "scanlist", "zipwith")
def walk(c: Compiler, form: List) -> ast.expr:
    """A call of the built-in, whose lambda may leave its walk by ``(break)``."""
    c.scope.walking = _lambda(form[1])
    return _plain_call(c, form)


def _plain_call(c: Compiler, form: List) -> ast.expr:
    entry = c.world.entry(form[0].name)
    assert entry is not None
    return c.primitive_call(form, entry)


@inline(*(name for name in _STAGES if name != "for"))
def composed(c: Compiler, form: List) -> ast.expr:
    if not _is_chain(c, form) or _has_endless_source(c, form):
        return _plain_call(c, form)
    loop = Loop(c)
    source = loop.chain(form)
    result = c.temp()
    c.emit(emit.assign(result, emit.run("List")))
    append = emit.attribute(emit.name(result), "append")
    loop.run(source, lambda x: c.emit(emit.effect(emit.call(append, [x]))))
    return emit.name(result)


def _has_endless_source(c: Compiler, form: Any) -> bool:
    """An endless source that nothing stops: the built-ins tell the user so."""
    while _is_chain(c, form):
        if form[0].name in ("take", "takewhile"):
            return False
        form = form[2]
    return isinstance(form, List) and bool(form) and form[0] in (Symbol("repeat"), Symbol("cycle"))


@special("for", arity=(3, None), usage="name container forms...")
def for_(c: Compiler, form: List) -> ast.expr:
    """The list of the values of a form for each member of a container.

    (for x '(1 2 3) (* x x))
    ; (1 4 9)
    """
    if len(form) != 4:
        # The value of the last form counts; those before it are run.
        block = List([Symbol("block"), *form[3:]])
        form = List([*form[:3], block])
    return composed(c, form)


@inline("maplist", "mapcar", "filterlist", "filtercar")
def eager(c: Compiler, form: List) -> ast.expr:
    """A loop, where the function is a lambda that is written in place."""
    name = form[0].name
    written = _lambda(form[1]) if len(form) == 3 else None
    if written is None or c.scope.is_local(name) or c.is_function(name):
        return walk(c, form)
    apply = _inlined(c, written, 1)
    if apply is None:
        return walk(c, form)
    loop = Loop(c)
    loop.calm = apply.calm
    container, result = c.temp(), c.temp()
    c.emit(emit.assign(container, c.expr(form[2])))
    c.emit(emit.assign(result, emit.run("List")))
    append = emit.attribute(emit.name(result), "append")
    maps = name in ("maplist", "mapcar")
    if not maps:
        loop.stages = [loop.filtered(apply)]
    elif answers_truth(written):
        one, zero = emit.constant(1), emit.constant(0)
        loop.stages = [lambda x, then: then(emit.conditional(apply.test(x), one, zero))]
    else:
        loop.stages = [lambda x, then: then(apply.value(x))]
    loop.over(emit.name(container), lambda x: c.emit(emit.effect(emit.call(append, [x]))))
    found = emit.name(result)
    if name == "maplist":
        return emit.run("typed_by_first", found)
    return emit.run("kept", emit.name(container), found) if name == "filterlist" else found


@inline(*_FOLDS)
def fold(c: Compiler, form: List) -> ast.expr:
    name = form[0].name
    if len(form) - 1 != _FOLDS[name] or _has_endless_source(c, form[-1]):
        return _plain_call(c, form)
    apply = _function(c, form[1], 2)
    accumulator = c.temp()
    seed = c.expr(form[2]) if name == "foldl" else emit.helper("unbound")
    start = class_of(seed)
    c.emit(emit.assign(accumulator, seed))
    loop = Loop(c)
    source = loop.chain(form[-1])
    loop.calm = loop.calm and apply.calm

    def folded(x: ast.expr, known: str | None) -> str | None:
        """Emit one step, given the class of the accumulator; the class of its result."""
        before = emit.name(accumulator)
        before.number_class = known  # type: ignore[attr-defined]
        result = apply.value(before, x)
        c.emit(emit.assign(accumulator, result))
        return class_of(result)

    def step(x: ast.expr) -> None:
        if name == "foldl":
            if start is not None and apply.calm:
                # If the class of the start is that of a step's result too, it is that of all.
                with c.branch() as quick:
                    kept = folded(x, start) == start
                if kept:
                    for statement in quick:
                        c.emit(statement)
                    return
            folded(x, None)
            return
        held = loop._held(x)
        with c.branch() as further:
            folded(held, None)
        first = emit.is_(emit.name(accumulator), emit.helper("unbound"))
        c.emit(ast.If(first, [emit.assign(accumulator, held)], further))

    loop.run(source, step)
    if name == "foldl":
        return emit.name(accumulator)
    empty = emit.is_(emit.name(accumulator), emit.helper("unbound"))
    return emit.conditional(empty, emit.nil(), emit.name(accumulator))
