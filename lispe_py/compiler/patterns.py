"""Pattern functions: ``defpat``, ``defpred``, ``defprol`` and ``pattern@``.

The bodies of a function become one Python function of nested tests: a body
whose pattern fails falls through to the next one. Nothing interprets a
pattern while the program runs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.control import as_value
from lispe_py.compiler.forms import TAIL, Dest, special
from lispe_py.compiler.fronts import in_lambdas
from lispe_py.compiler.functions import finish_function, install
from lispe_py.compiler.scope import QUOTE, Frame, _pattern_names, bound_names, mentions
from lispe_py.compiler.unit import definition
from lispe_py.names import CONSTANTS, CUT, FAIL, also_written
from lispe_py.runtime.matching import is_typed
from lispe_py.values.instances import ClassInfo
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

Then = Callable[[], None]

REST = Symbol("$")
_CUT, _FAIL = Symbol(CUT), Symbol(FAIL)
PATTERN_KINDS = (Symbol("defpat"), Symbol("defpred"), Symbol("defprol"))
_KLEENE = {"*", "+", "%"}
#: Type atoms with a class of their own, tested in line.
_CLASSES = {"integer_": "int", "number_": "float", "string_": "str"}
#: Built-ins that change a list: a ``defpred`` body that uses one works on a copy.
_CHANGES = frozenset(
    "push pushfirst pushlast pushtrue pop popfirst poplast insert set@ setrange setshape sort "
    "reverse nconc extend swap replaceall shuffle".split()
)


# ---------------------------------------------------------------- one pattern


class Shared:
    """What the bodies of a pattern function have in common."""

    def __init__(self, c: Compiler, first: str = "") -> None:
        #: The first argument, and the variables with its members that bodies above made.
        self.first = first
        self.opened: dict[tuple[str, int], str] = {}
        #: The variable with the error of a condition, and whether there are conditions.
        self.refusal = c.temp()
        self.has_conditions = False


class Matcher:
    """Compiles patterns against values, for one body at a time."""

    def __init__(self, c: Compiler, shared: Shared) -> None:
        self.c = c
        self.shared = shared
        #: Names that the patterns of this body have bound so far.
        self.bound: set[str] = set()

    def match(self, pattern: Any, value: ast.expr, then: Then) -> None:
        """Emit tests of ``value``; what ``then`` emits runs when they all hold."""
        c = self.c
        if pattern is None:
            then()
        elif pattern.__class__ is Symbol:
            self._variable(pattern.name, value, then)
        elif not isinstance(pattern, List):
            self._when(self._constant(pattern, value), then)
        elif not pattern:
            self._when(emit.run("match_empty", value), then)
        elif hasattr(pattern, "pairs"):
            self._dictionary(pattern, value, then)
        else:
            head = pattern[0]
            name = head.name if head.__class__ is Symbol else None
            if name == "quote":
                self._when(self._constant(pattern[1], value), then)
            elif name is None or name in CONSTANTS or name == "$":
                self._list(pattern, value, then)
            elif name in c.world.data or name in c.world.groups:
                self._data(pattern, value, then)
            elif name in c.world.classes:
                self._instance(pattern, value, then)
            elif name.endswith("_") and len(name) > 1 and len(pattern) == 2:
                self._typed(name, pattern[1], value, then)
            elif self._is_test(pattern):
                self._condition(pattern, value, then)
            else:
                self._list(pattern, value, then)

    def _when(self, test: ast.expr, then: Then) -> None:
        with self.c.branch() as body:
            then()
        self.c.emit(ast.If(test, body or [ast.Pass()], []))

    def _variable(self, name: str, value: ast.expr, then: Then) -> None:
        c = self.c
        if name in self.bound:
            self._when(emit.run("equal", c.load(name), value), then)
            return
        self.bound.add(name)
        c.store(name, value)
        then()

    def _constant(self, pattern: Any, value: ast.expr) -> ast.expr:
        c = self.c
        literal = c.const(pattern)
        for kind in (int, str):
            if pattern.__class__ is kind:
                return emit.conditional(
                    emit.has_class(value, kind.__name__),
                    ast.Compare(value, [ast.Eq()], [literal]),
                    emit.run("equal", value, literal),
                )
        if pattern is True:
            return emit.is_(value, emit.true())
        if pattern.__class__ is Symbol and pattern.name not in CONSTANTS:
            return emit.is_(value, literal)
        return emit.run("equal", value, literal)

    def _typed(self, name: str, pattern: Any, value: ast.expr, then: Then) -> None:
        cls = _CLASSES.get(name)
        if cls is not None:
            test: ast.expr = emit.has_class(value, cls)
        elif name == "list_":
            test = emit.run("match_generic", value)
        else:
            test = emit.run("match_type", value, emit.constant(name))
        self._when(test, lambda: self.match(pattern, value, then))

    def _is_test(self, pattern: List) -> bool:
        """Does a pattern call a function on the value?"""
        c = self.c
        name = pattern[0].name
        if name[-1:] in _KLEENE and len(name) > 1 or len(pattern) < 2:
            return False
        if name in self.bound or not _last_name(pattern):
            return False
        if len(pattern) > 1 and pattern[1] is REST:
            return False
        return c.is_function(name) or c.world.entry(name) is not None

    def _condition(self, pattern: List, value: ast.expr, then: Then) -> None:
        c = self.c
        name = _last_name(pattern)
        assert name is not None
        if name in self.bound:
            self._when(emit.run("equal", c.load(name), value), lambda: self._test(pattern, then))
            return
        self.bound.add(name)
        c.store(name, value)
        self._test(pattern, then)

    def _test(self, pattern: List, then: Then) -> None:
        """A condition that fails with an error does not hold: the next body is tried."""
        c = self.c
        holds = c.temp()
        with c.branch() as tried:
            c.emit(emit.assign(holds, c.test(pattern)))
        # ``caught`` lets through what no program may catch.
        refused: list[ast.stmt] = [
            emit.assign(self.shared.refusal, emit.run("caught")),
            emit.assign(holds, emit.constant(False)),
        ]
        self.shared.has_conditions = True
        c.emit(emit.guarded(tried, refused))
        self._when(emit.name(holds), then)

    def _held(self, value: ast.expr) -> ast.expr:
        """The value in a variable, to be read several times."""
        if self.c.stable(value):
            return value
        target = self.c.temp()
        self.c.emit(emit.assign(target, value))
        return emit.name(target)

    def _each(self, patterns: list[Any], member: Callable[[int], ast.expr], then: Then) -> None:
        """Match patterns one after the other against members by position."""

        def go(index: int) -> None:
            if index == len(patterns):
                then()
                return
            pattern = patterns[index]
            if pattern is None:
                go(index + 1)
                return
            value = member(index)
            if isinstance(pattern, List) or pattern.__class__ is not Symbol:
                value = self._held(value)
            self.match(pattern, value, lambda: go(index + 1))

        go(0)

    def _list(self, pattern: List, value: ast.expr, then: Then) -> None:
        if any(_is_kleene(pattern, i) for i in range(len(pattern))):
            self._sequence(pattern, value, then)
            return
        c = self.c
        rest: Any = None
        items = list(pattern)
        if REST in items:
            place = items.index(REST)
            if place != len(items) - 2:
                raise c.fail("'$' must be followed by one name, at the end of a pattern", pattern)
            items, rest = items[:place], items[-1]
        helper = "match_list" if rest is None and REST not in pattern else "match_prefix"
        members, found = self._members(value, helper, len(items))

        def after() -> None:
            if REST in pattern:
                tail = self._held(
                    emit.run("match_rest", emit.name(members), emit.constant(len(items)))
                )
                self.match(rest, tail, then)
            else:
                then()

        self._when(
            emit.is_not(found, emit.nil()),
            lambda: self._each(
                items,
                lambda i: emit.subscript(emit.name(members), emit.constant(i)),
                after,
            ),
        )

    def _members(self, value: ast.expr, helper: str, count: int) -> tuple[str, ast.expr]:
        """A variable with the members of a list, and an expression that gives it a value.

        The first argument is the first thing that every body looks at, so what one
        found out about it serves those below.
        """
        first = isinstance(value, ast.Name) and value.id == self.shared.first
        opened = self.shared.opened
        if first and (helper, count) in opened:
            members = opened[helper, count]
            return members, emit.name(members)
        members = self.c.temp()
        if first:
            opened[helper, count] = members
        return members, emit.walrus(members, emit.run(helper, value, emit.constant(count)))

    # -------------------------------------------------------- repeated items

    def _sequence(self, pattern: List, value: ast.expr, then: Then) -> None:
        """A list with repeated items: one pass, each item taking what it can."""
        c = self.c
        members, place, size = c.temp(), c.temp(), c.temp()
        steps = _steps(c, pattern)

        def run(index: int) -> None:
            if index == len(steps):
                at_end = ast.Compare(emit.name(place), [ast.Eq()], [emit.name(size)])
                self._when(at_end, then)
                return
            kind, item = steps[index]
            if kind == "$":
                tail = self._held(emit.run("match_rest", emit.name(members), emit.name(place)))
                self.match(item, tail, then)
                return
            if kind == "":
                inside = ast.Compare(emit.name(place), [ast.Lt()], [emit.name(size)])

                def one() -> None:
                    held = self._held(emit.subscript(emit.name(members), emit.name(place)))
                    c.emit(ast.AugAssign(ast.Name(place, emit.STORE), ast.Add(), emit.constant(1)))
                    # A later round of a loop must not see the advanced place.
                    self.match(item, held, lambda: run(index + 1))

                self._when(inside, one)
                return
            self._repeat(kind, item, steps[index + 1 :], (members, place, size),
                         lambda: run(index + 1))  # fmt: skip

        def start() -> None:
            c.emit(emit.assign(place, emit.constant(0)))
            c.emit(emit.assign(size, emit.run("match_size", emit.name(members))))
            run(0)

        found = emit.walrus(members, emit.run("match_prefix", value, emit.constant(0)))
        self._when(emit.is_not(found, emit.nil()), start)

    def _repeat(
        self, kind: str, item: Any, following: list[Any], names: tuple[str, str, str], then: Then
    ) -> None:
        """Advance over the items that a repeated pattern takes, then bind them."""
        c = self.c
        members, place, size = names
        start, flag = c.temp(), c.temp()
        variable = item.name if item.__class__ is Symbol else _last_name(item)
        assert variable is not None
        c.emit(emit.assign(start, emit.name(place)))
        conditional = item.__class__ is not Symbol
        probe = item if conditional else next((p for k, p in following if k in ("", "$")), None)
        if following and following[0][0] == "$" and not conditional:
            probe = None
        with c.branch() as loop:
            if kind == "%":
                taken = ast.BinOp(emit.name(place), ast.Sub(), emit.name(start))
                c.emit(
                    ast.If(ast.Compare(taken, [ast.GtE()], [emit.constant(1)]), [ast.Break()], [])
                )
            if probe is not None:
                c.emit(emit.assign(flag, emit.constant(False)))
                known = set(self.bound)
                held = self._held(emit.subscript(emit.name(members), emit.name(place)))
                self.match(probe, held, lambda: c.emit(emit.assign(flag, emit.constant(True))))
                self.bound = known
                stop: ast.expr = emit.name(flag)
                c.emit(ast.If(emit.not_(stop) if conditional else stop, [ast.Break()], []))
            c.emit(ast.AugAssign(ast.Name(place, emit.STORE), ast.Add(), emit.constant(1)))
        inside = ast.Compare(emit.name(place), [ast.Lt()], [emit.name(size)])
        c.emit(ast.While(inside, loop, []))

        def bind() -> None:
            helper = "match_optional" if kind == "%" else "match_segment"
            segment = emit.run(helper, emit.name(members), emit.name(start), emit.name(place))
            self.match(Symbol(variable), self._held(segment), then)

        if kind == "+":
            self._when(ast.Compare(emit.name(place), [ast.Gt()], [emit.name(start)]), bind)
        else:
            bind()

    # -------------------------------------------------------- structures

    def _data(self, pattern: List, value: ast.expr, then: Then) -> None:
        c = self.c
        name = pattern[0].name
        names = c.world.groups.get(name, (name,))
        fields = c.temp()
        titles = c.const(frozenset(Symbol(n) for n in names))
        test = emit.run("match_data", value, titles, emit.constant(len(pattern) - 1))
        self._when(
            emit.is_not(emit.walrus(fields, test), emit.nil()),
            lambda: self._each(
                list(pattern[1:]),
                lambda i: emit.subscript(emit.name(fields), emit.constant(i + 1)),
                then,
            ),
        )

    def _instance(self, pattern: List, value: ast.expr, then: Then) -> None:
        c = self.c
        name = pattern[0].name
        info = c.world.classes[name]
        test = emit.has_class(value, "int")
        test.comparators = [emit.name(f"class {name}()")]
        items = list(pattern[1:])
        if len(items) == 1:
            self._when(test, lambda: self.match(items[0], value, then))
            return
        fields = info.all_fields
        if len(items) > len(fields):
            raise c.fail(f"class '{name}' has {len(fields)} fields", pattern)
        self._when(
            test,
            lambda: self._each(items, lambda i: emit.attribute(value, fields[i]), then),
        )

    def _dictionary(self, pattern: Any, value: ast.expr, then: Then) -> None:
        c = self.c
        keys, values = list(pattern[1::2]), list(pattern[2::2])
        rest: Any = None
        has_rest = REST in keys
        if has_rest:
            place = keys.index(REST)
            rest = values.pop(place)
            keys.pop(place)
        fixed = [(k, v) for k, v in zip(keys, values, strict=True) if _is_literal(k)]
        free = [(k, v) for k, v in zip(keys, values, strict=True) if not _is_literal(k)]
        found = c.temp()
        literals = tuple(_literal(k) for k, _ in fixed)
        test = emit.run(
            "match_dictionary", value, c.const(literals), emit.constant(len(free)),
            emit.constant(has_rest),
        )  # fmt: skip
        member = lambda i: emit.subscript(emit.name(found), emit.constant(i))  # noqa: E731
        some = emit.is_not(emit.walrus(found, test), emit.nil())
        parts = [v for _, v in fixed]
        if self._fit_all(parts, free):
            for k, v in free:
                parts += [k, v]
            if has_rest:
                parts.append(rest)
            self._when(some, lambda: self._each(parts, member, then))
            return
        # Which pairs the patterns mean has to be sought.
        value = self._held(value)
        others, hit = c.temp(), c.temp()
        chosen: list[str] = []

        def seek() -> None:
            c.emit(emit.assign(hit, emit.constant(False)))
            c.emit(emit.assign(others, emit.run("match_keys", value, c.const(literals))))
            self._pairs(free, value, others, hit, chosen)
            self._when(emit.name(hit), after)

        def after() -> None:
            if not has_rest:
                then()
                return
            taken = ast.Tuple([emit.name(k) for k in chosen], emit.LOAD)
            remaining = emit.run("match_remaining", value, emit.name(others), taken)
            self.match(rest, self._held(remaining), then)

        self._when(some, lambda: self._each(parts, member, seek))

    def _fit_all(self, parts: list[Any], free: list[tuple[Any, Any]]) -> bool:
        """Do the patterns of pairs without a fixed key fit any pair: are they new names?"""
        known = self.bound.union(_pattern_names(List(parts)))
        names = [p.name for pair in free for p in pair if p.__class__ is Symbol]
        return len({*names}) == len(names) == sum(
            p is not None for pair in free for p in pair
        ) and (known.isdisjoint(names))

    def _pairs(
        self, free: list[tuple[Any, Any]], value: ast.expr, others: str, hit: str, chosen: list[str]
    ) -> None:
        """Loops over the pairs, one inside the other, until every pattern has one of its own."""
        c = self.c
        if not free:
            c.emit(emit.assign(hit, emit.constant(True)))
            return
        (key, pattern), *following = free
        place = emit.name(c.temp())
        before = ast.Tuple([emit.name(k) for k in chosen], emit.LOAD)
        chosen.append(place.id)

        def member() -> None:
            held = self._held(emit.subscript(value, place))
            self.match(pattern, held, lambda: self._pairs(following, value, others, hit, chosen))

        with c.branch() as body:
            is_new = ast.Compare(place, [ast.NotIn()], [before])
            self._when(is_new, lambda: self.match(key, place, member))
            c.emit(ast.If(emit.name(hit), [ast.Break()], []))
        c.emit(ast.For(ast.Name(place.id, emit.STORE), emit.name(others), body, []))


def _last_name(form: Any) -> str | None:
    """The last name of a form that can stand for a value, quotes left out."""
    last: str | None = None
    pending = [(form, True)]
    while pending:
        item, head = pending.pop()
        if item.__class__ is Symbol:
            if not head and item.name not in CONSTANTS and last is None:
                return str(item.name)
        elif isinstance(item, List) and item and item[0] is not QUOTE:
            # Last members first; heads are functions.
            pending.extend((m, i == 0) for i, m in enumerate(item))
    return last


def _is_kleene(pattern: List, index: int) -> bool:
    item = pattern[index]
    if item.__class__ is not Symbol:
        return False
    name = item.name
    if len(name) > 1 and name[-1] in _KLEENE and name[0] not in "*+%-":
        return True
    return name in _KLEENE and index > 0 and isinstance(pattern[index - 1], List)


def _steps(c: Compiler, pattern: List) -> list[tuple[str, Any]]:
    """(kind, item) of a list pattern: kind is a Kleene sign, ``$`` or empty."""
    steps: list[tuple[str, Any]] = []
    for index, item in enumerate(pattern):
        if item is REST:
            if index != len(pattern) - 2:
                raise c.fail("'$' must be followed by one name, at the end of a pattern", pattern)
            steps.append(("$", pattern[index + 1]))
            break
        if not _is_kleene(pattern, index):
            steps.append(("", item))
        elif item.name in _KLEENE:
            steps[-1] = (item.name, steps[-1][1])
        else:
            steps.append((item.name[-1], Symbol(item.name[:-1])))
    return steps


def _is_literal(form: Any) -> bool:
    return (form.__class__ is not Symbol and form is not None) or (
        isinstance(form, List) and bool(form) and form[0] is QUOTE
    )


def _literal(form: Any) -> Any:
    return form[1] if isinstance(form, List) else form


@special("pattern@", arity=(2, 2), usage="pattern value")
def pattern_at(c: Compiler, form: List) -> ast.expr:
    """Match a value once, binding the names of the pattern in the current function.

    (pattern@ (a b) '(1 2)) (+ a b)
    ; 3
    """
    matcher = Matcher(c, Shared(c))
    value = matcher._held(c.expr(form[2]))
    found = c.temp()
    c.emit(emit.assign(found, emit.constant(False)))
    matcher.match(form[1], value, lambda: c.emit(emit.assign(found, emit.constant(True))))
    return as_value(emit.name(found))


# ---------------------------------------------------------------- pattern functions


def body_name(c: Compiler, form: List) -> str:
    """The name that a body belongs to, its shape checked."""
    if len(form) < 3 or form[1].__class__ is not Symbol or not isinstance(form[2], List):
        raise c.fail("wrong number of arguments", form)
    name: str = form[1].name
    if name in CONSTANTS or c.is_reserved(name):
        raise c.fail(f"'{name}' is a reserved keyword.", form, also_written(name))
    if len(form) < 4:
        raise c.fail("wrong number of arguments", form)
    return name


def _declare(c: Compiler, form: List) -> None:
    kind = form[0].name
    name = body_name(c, form)
    key = c.definition_key(name)
    bodies = c.patterns.setdefault(key, [])
    if not bodies:
        earlier = getattr(c.world.scope.get(key), "__lisp_bodies__", None)
        if key in c.functions or (earlier is None and key in c.world.scope):
            if not c.world.may_redefine(name):
                raise c.fail(f"Function '{name}' already declared", form)
        bodies.extend(earlier or ())
    if bodies and bodies[0][0].name != kind:
        raise c.fail(f"'{name}' is already a '{bodies[0][0].name}'", form)
    bodies.append(form)
    c.functions.add(key)


def _define(c: Compiler, form: List) -> None:
    name = form[1].name
    key = c.definition_key(name)
    bodies = c.patterns.get(key)
    if not bodies or bodies[0] is _DONE:
        return
    c.patterns[key] = [_DONE]
    install(c, List(bodies), key, name, compile_bodies(c, key, name, bodies))


def compile_bodies(
    c: Compiler, key: str, title: str, bodies: list[List], *, method_of: ClassInfo | None = None
) -> ast.FunctionDef:
    """One Python function for all bodies of a name (a method: its instance comes first)."""
    node, frame = _compile(c, key, title, bodies, method_of is None, method_of)
    if frame.looped and frame.lambdas:
        # Lambdas would share the variables of all rounds: call, do not jump.
        node, frame = _compile(c, key, title, bodies, False, method_of)
    return node


_DONE = List()

for _kind in PATTERN_KINDS:
    definition(_kind.name, _declare)(_define)


@special("defpat", arity=(0, None), usage="name patterns forms...")
def defpat(c: Compiler, form: List) -> ast.expr:
    """Add a body to a pattern function: ``(defpat name (patterns) forms ...)``.

    Bodies whose first pattern is typed are tried first, then the others in order.
    A condition that ends with an error does not hold.

    (defpat fact(0) 1) (defpat fact([integer_ n]) (* n (fact (- n 1)))) (fact 5)
    ; 120
    """
    raise c.fail("a definition cannot stand here", form)


@special("defpred", arity=(0, None), usage="name patterns tests...")
def defpred(c: Compiler, form: List) -> ast.expr:
    """Like ``defpat``; each form of a body is a test, and a false one tries the next body.

    (defpred sign_of(x) (> x 0) 'plus) (defpred sign_of(x) 'other) (sign_of 4)
    ; plus
    """
    raise c.fail("a definition cannot stand here", form)


@special("defprol", arity=(0, None), usage="name patterns tests...")
def defprol(c: Compiler, form: List) -> ast.expr:
    """Like ``defpred``, and collects the values of all bodies that hold.

    (defprol near(x) (- x 1)) (defprol near(x) (+ x 1)) (near 5)
    ; (4 6)
    """
    raise c.fail("a definition cannot stand here", form)


@special("dethread", arity=(0, None), usage="name parameters forms...")
def dethread(c: Compiler, form: List) -> ast.expr:
    """Define a function whose calls run as threads; ``(wait)`` waits for them.

    (dethread work(n) (+ n 1)) (work 1) (wait)
    ; true
    """
    raise c.fail("a definition cannot stand here", form)


def _ordered(c: Compiler, bodies: list[List]) -> list[List]:
    typed = [b for b in bodies if b[2] and is_typed(c.world, b[2][0])]
    return [*typed, *(b for b in bodies if not (b[2] and is_typed(c.world, b[2][0])))]


def _compile(
    c: Compiler,
    key: str,
    title: str,
    bodies: list[List],
    loops: bool,
    method_of: ClassInfo | None,
) -> tuple[ast.FunctionDef, Frame]:
    whole = List(bodies)
    counts = {_count(b[2]) for b in bodies}
    fixed = len(counts) == 1 and None not in counts
    parameters = tuple(f".a{i}" for i in range(counts.pop() or 0)) if fixed else ()
    names = set(bound_names(whole))
    for body in bodies:
        names |= {n for n in _pattern_names(body[2]) if n not in CONSTANTS}
        names -= _called(c, body[2])
    frame = Frame(
        "mapping" if mentions(whole, frozenset({"eval"})) else "function",
        locals=names,
        title=title,
        parameters=parameters,
        in_lambdas=in_lambdas(whole),
    )
    if method_of is not None:
        frame.become_method(method_of)
    kind = bodies[0][0].name
    frame.loops = loops and fixed and frame.kind == "function" and kind == "defpat"
    results = c.temp() if kind == "defprol" else ""
    with c.in_frame(frame) as block:
        if results:
            c.emit(emit.assign(results, emit.run("List")))
        shared = Shared(c, parameters[0] if parameters else "")
        for body in _ordered(c, bodies):
            with c.inside(body):
                _body(c, body, kind, parameters if fixed else None, results, shared)
        if results:
            c.emit(ast.Return(emit.name(results)))
        elif shared.has_conditions:
            block.insert(0, emit.assign(shared.refusal, emit.nil()))
            c.emit(_no_match(title, emit.name(shared.refusal)))
        else:
            c.emit(_no_match(title))
    prologue: list[ast.stmt] = []
    if frame.kind == "mapping":
        prologue.append(emit.assign(".F", emit.run("frame", ast.Dict([], []))))
    first = () if method_of is None else (".self",)
    signature = emit.arguments([*first, *parameters], None if fixed else ".args")
    return finish_function(frame, key, signature, prologue, block), frame


def _no_match(title: str, *refusal: ast.expr) -> ast.stmt:
    return ast.Return(emit.run("no_match", emit.constant(title), *refusal))


def _called(c: Compiler, form: Any) -> set[str]:
    """Functions that stand at the head of a list in patterns: tests, not variables."""
    found: set[str] = set()
    pending = [form]
    while pending:
        item = pending.pop()
        if isinstance(item, List):
            if len(item) > 1 and item[0].__class__ is Symbol and item[1] is not REST:
                name = item[0].name
                if c.is_function(name) or c.world.entry(name) is not None:
                    found.add(name)
            pending.extend(item)
    return found


def _count(patterns: Any) -> int | None:
    """How many arguments a body takes; None for any number."""
    return None if REST in patterns else len(patterns)


def _body(
    c: Compiler,
    body: List,
    kind: str,
    parameters: tuple[str, ...] | None,
    results: str,
    shared: Shared,
) -> None:
    matcher = Matcher(c, shared)
    patterns, forms = list(body[2]), list(body[3:])
    place = getattr(body, "where", None)
    start = len(c.block)
    certain = set(c.scope.certain)

    def run() -> None:
        _run_body(c, forms, kind, results)

    if parameters is None:
        # Bodies of different lengths: the arguments are one list.
        whole = List(patterns)
        matcher._list(whole, emit.name(".args"), run) if whole else matcher._when(
            emit.not_(emit.name(".args")), run
        )
    else:
        values: list[ast.expr] = [emit.name(p) for p in parameters]
        if kind != "defpat" and mentions(List(forms), _CHANGES):
            values = [
                v if _keeps(p) else matcher._held(emit.run("match_copy", v))
                for p, v in zip(patterns, values, strict=True)
            ]
        patterns = [Symbol(p.name[:-1]) if _keeps(p) else p for p in patterns]
        matcher._each(patterns, lambda i: values[i], run)
    c.scope.certain = certain
    if place is not None:
        for statement in c.block[start:]:
            emit.locate(statement, place[:4])


def _keeps(pattern: Any) -> bool:
    """``x@``: the argument itself, not a copy."""
    return pattern.__class__ is Symbol and len(pattern.name) > 1 and pattern.name.endswith("@")


def _run_body(c: Compiler, forms: list[Any], kind: str, results: str) -> None:
    if kind == "defpat":
        c.body(forms, TAIL)
        return
    last = len(forms) - 1
    # No further body, whatever becomes of the rest of this one.
    cut = ast.Return(emit.name(results) if results else emit.nil())

    def go(index: int) -> None:
        form = forms[index]
        if form is _FAIL:
            return
        if form is _CUT and index < last:
            go(index + 1)
            c.emit(cut)
            return
        if index < last:
            test = c.test(form)
            with c.branch() as inner:
                go(index + 1)
            c.emit(ast.If(test, inner or [ast.Pass()], []))
            return
        value = c.temp()
        c.into(form, Dest(value))
        with c.sub_block() as success:
            if results:
                append = emit.attribute(emit.name(results), "append")
                c.emit(emit.effect(emit.call(append, [emit.name(value)])))
            else:
                c.emit(ast.Return(emit.name(value)))
        c.emit(ast.If(c.truth(emit.name(value)), success, []))
        if form is _CUT and index > 0:
            c.emit(cut)

    go(0)
