"""Control forms: conditions, loops, jumps, errors."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from lispe_py.compiler import emit, fronts
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.emit import class_of
from lispe_py.compiler.forms import EFFECT, TAIL, Dest, special, test_form
from lispe_py.compiler.scope import bound_names
from lispe_py.names import CONSTANTS
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

# ---------------------------------------------------------------- conditions


def ends(block: list[ast.stmt]) -> bool:
    """Does control never run past the end of a block?"""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, ast.If):
        return ends(last.body) and ends(last.orelse)
    return isinstance(last, (ast.Return, ast.Break, ast.Continue, ast.Raise))


def choose(c: Compiler, test: ast.expr, yes: Any, no: Any, dest: Dest) -> None:
    """``if`` as a statement; ``yes`` and ``no`` compile their part into ``dest``."""
    before = set(c.scope.certain)
    with c.sub_block() as body:
        yes(dest)
    after_yes = c.scope.certain
    c.scope.certain = set(before)
    with c.sub_block() as orelse:
        no(dest)
    after_no = c.scope.certain
    if ends(body):
        c.scope.certain = after_no
    elif ends(orelse):
        c.scope.certain = after_yes
    else:
        c.scope.certain = after_yes & after_no
    if not body and not orelse:
        if not emit.is_simple(test):
            c.emit(ast.Expr(test))
        return
    c.emit(ast.If(test, body or [ast.Pass()], orelse))


def _branches(c: Compiler, form: List, yes: list[Any], no: list[Any], dest: Dest) -> None:
    test = c.test(form[1])
    if dest is not EFFECT and dest is not TAIL and len(yes) <= 1 and len(no) <= 1:
        # Both parts as expressions, if they turn out to be.
        before = set(c.scope.certain)
        with c.sub_block() as body:
            first = c.expr(yes[0]) if yes else emit.nil()
        after = c.scope.certain
        c.scope.certain = set(before)
        with c.sub_block() as orelse:
            second = c.expr(no[0]) if no else emit.nil()
        c.scope.certain = after & c.scope.certain
        if not body and not orelse:
            c.put(emit.conditional(test, first, second), dest)
            return
        for block, node in ((body, first), (orelse, second)):
            if not ends(block):
                block.append(emit.assign(str(dest.target), node))
        c.emit(ast.If(test, body, orelse))
        return
    choose(c, test, lambda d: c.body(yes, d), lambda d: c.body(no, d), dest)


@special("if", "iftest", arity=(2, 3), usage="condition then [else]", statement=True)
def if_(c: Compiler, form: List, dest: Dest) -> None:
    """The second argument if the first is true, else the third, nil without one.

    (if (< 1 2) 'yes 'no)
    ; yes
    """
    _branches(c, form, form[2:3], form[3:4], dest)


@special("ife", arity=(3, None), usage="condition then else...", statement=True)
def ife(c: Compiler, form: List, dest: Dest) -> None:
    """Like ``if``, with a sequence of forms as the else part.

    (ife nil 'yes (println "no") 'no)
    ; no
    """
    _branches(c, form, form[2:3], form[3:], dest)


@special("check", arity=(1, None), usage="condition forms...", statement=True)
def check(c: Compiler, form: List, dest: Dest) -> None:
    """The value of the last form when the condition holds, else nil.

    (check (< 1 2) 'a 'b)
    ; b
    """
    _branches(c, form, form[2:], [], dest)


@special("ncheck", arity=(2, None), usage="condition failed forms...", statement=True)
def ncheck(c: Compiler, form: List, dest: Dest) -> None:
    """The second argument when the condition fails, otherwise the forms after it.

    (ncheck (< 2 1) 'failed 'held)
    ; failed
    """
    _branches(c, form, form[3:], form[2:3], dest)


@special("cond", arity=(1, None), usage="clauses...", statement=True)
def cond(c: Compiler, form: List, dest: Dest) -> None:
    """The first clause whose condition holds; nil if none does.

    (cond ((< 2 1) 'a) ((< 1 2) 'b) (true 'c))
    ; b
    """
    _clauses(c, form[1:], dest)


def _clauses(c: Compiler, clauses: list[Any], dest: Dest) -> None:
    if not clauses:
        c.put(emit.nil(), dest)
        return
    first, others = clauses[0], clauses[1:]
    if not isinstance(first, List) or len(first) < 2:
        c.put(c.raises("in a 'cond' the first element must be a list"), dest)
        return
    if first[0] is True:
        c.body(first[1:], dest)
        return
    test = c.test(first[0])
    choose(c, test, lambda d: c.body(first[1:], d), lambda d: _clauses(c, others, d), dest)


@special("switch", arity=(2, None), usage="value clauses...", statement=True)
def switch(c: Compiler, form: List, dest: Dest) -> None:
    """Dispatch on a literal number or string, compared as text; ``true`` is the default.

    (switch (+ 1 1) (1 'one) (2 'two) (true 'many))
    ; two
    """
    from lispe_py.printer import display

    subject = c.temp()
    c.emit(emit.assign(subject, emit.run("display", c.expr(form[1]))))
    clauses = form[2:]
    for clause in clauses:
        if not isinstance(clause, List) or not clause:
            raise c.fail("wrong 'switch statement'", form)
        key = clause[0]
        if key is not True and not (isinstance(key, (int, float, str)) or _quoted_atom(key)):
            raise c.fail("wrong 'switch statement'", clause)

    def rest(index: int, d: Dest) -> None:
        if index == len(clauses):
            c.emit(ast.Expr(emit.run("no_case", emit.name(subject))))
            c.put(emit.nil(), d)
            return
        clause = clauses[index]
        if clause[0] is True:
            c.body(clause[1:], d)
            return
        key = clause[0][1] if isinstance(clause[0], List) else clause[0]
        test = ast.Compare(emit.name(subject), [ast.Eq()], [c.const(display(key))])
        choose(c, test, lambda x: c.body(clause[1:], x), lambda x: rest(index + 1, x), d)

    rest(0, dest)


def _quoted_atom(form: Any) -> bool:
    return (
        isinstance(form, List)
        and len(form) == 2
        and form[0] is Symbol("quote")
        and not isinstance(form[1], List)
    )


@special("select", arity=(1, None), usage="forms...", statement=True)
def select(c: Compiler, form: List, dest: Dest) -> None:
    """The first value that is not nil.

    (select nil (car ()) 3)
    ; 3
    """

    def rest(index: int, d: Dest) -> None:
        if index == len(form) - 1:
            c.into(form[index], d)
            return
        value = c.temp()
        c.emit(emit.assign(value, c.expr(form[index])))
        choose(
            c,
            emit.is_not(emit.name(value), emit.nil()),
            lambda x: c.put(emit.name(value), x),
            lambda x: rest(index + 1, x),
            d,
        )

    rest(1, dest)


@special("block", "__root__", arity=(0, None), usage="forms...", statement=True)
def block(c: Compiler, form: List, dest: Dest) -> None:
    """Evaluate forms in turn; the value of the last.

    (block (setq a 1) (+ a 1))
    ; 2
    """
    c.body(form[1:], dest)


# ---------------------------------------------------------------- logic


def _conjunction(
    c: Compiler, operands: list[Callable[[], ast.expr]], operator: ast.boolop
) -> ast.expr:
    """``and`` / ``or`` as a Python test, statements of later operands included."""
    tests: list[tuple[list[ast.stmt], ast.expr]] = []
    certain = None
    for operand in operands:
        with c.sub_block() as needed:
            tests.append((needed, operand()))
        if certain is None:
            certain = set(c.scope.certain)
    c.scope.certain = certain or set()
    if not any(needed for needed, _ in tests[1:]):
        c.block.extend(tests[0][0])
        return ast.BoolOp(operator, [node for _, node in tests])
    target = c.temp()
    block = c.block
    for needed, node in tests:
        block.extend(needed)
        block.append(emit.assign(target, node))
        inner: list[ast.stmt] = []
        flag: ast.expr = emit.name(target)
        if isinstance(operator, ast.Or):
            flag = emit.not_(flag)
        if needed is not tests[-1][0]:
            block.append(ast.If(flag, inner, []))
            block = inner
    return emit.name(target)


@special("and", arity=(2, None), usage="conditions...")
def and_(c: Compiler, form: List) -> ast.expr:
    """true when all arguments are; stops at the first that is not.

    (and (< 1 2) (< 2 3))
    ; true
    """
    return as_value(and_test(c, form))


@special("or", arity=(2, None), usage="conditions...")
def or_(c: Compiler, form: List) -> ast.expr:
    """true when an argument is; stops at the first that is.

    (or nil 7)
    ; true
    """
    return as_value(or_test(c, form))


@test_form("and")
def and_test(c: Compiler, form: List) -> ast.expr:
    return _conjunction(c, [partial(c.test, item) for item in form[1:]], ast.And())


@test_form("or")
def or_test(c: Compiler, form: List) -> ast.expr:
    return _conjunction(c, [partial(c.test, item) for item in form[1:]], ast.Or())


@special("xor", arity=(2, None), usage="conditions...")
def xor(c: Compiler, form: List) -> ast.expr:
    """true when each argument and the next differ: one is true, the other is not.

    (list (xor true nil) (xor true nil true) (xor nil nil true))
    ; (true true nil)
    """
    return as_value(_alternation(c, form))


@test_form("xor")
def _alternation(c: Compiler, form: List) -> ast.expr:
    held = c.temp()

    def differs(left: ast.expr, item: Any) -> ast.expr:
        right = emit.walrus(held, emit.run("truth", c.expr(item)))
        return emit.is_not(left, right)

    def first() -> ast.expr:
        one, other = (emit.run("truth", node) for node in c.args(List(form[:3])))
        return emit.is_not(one, emit.walrus(held, other))

    others = [partial(differs, emit.name(held), item) for item in form[3:]]
    if not others:
        return first()
    return _conjunction(c, [first, *others], ast.And())


@test_form("¬")
def not_test(c: Compiler, form: List) -> ast.expr:
    return emit.not_(c.test(form[1]))


def as_value(test: ast.expr) -> ast.expr:
    """true or nil from a Python test."""
    return emit.conditional(test, emit.true(), emit.nil())


@special("andvalue", arity=(2, None), usage="conditions... value", statement=True)
def andvalue(c: Compiler, form: List, dest: Dest) -> None:
    """The last argument's value if all those before it hold, else nil.

    (andvalue (< 1 2) 'value)
    ; value
    """

    def rest(index: int, d: Dest) -> None:
        if index == len(form) - 1:
            c.into(form[index], d)
            return
        test = c.test(form[index])
        choose(c, test, lambda x: rest(index + 1, x), lambda x: c.put(emit.nil(), x), d)

    rest(1, dest)


# ---------------------------------------------------------------- loops


def building(compile: Callable[[Compiler, List, Dest], None]) -> Callable[..., None]:
    """A loop that may build a list from behind."""

    @wraps(compile)
    def compiled(c: Compiler, form: List, dest: Dest) -> None:
        with fronts.collected(c, form):
            compile(c, form, dest)

    return compiled


def _loop_value(c: Compiler, dest: Dest) -> Dest:
    """A loop leaves its value in a variable; TAIL cannot be used inside of it."""
    if dest is EFFECT:
        return EFFECT
    target = c.temp() if dest is TAIL else str(dest.target)
    c.emit(emit.assign(target, emit.nil()))
    return Dest(target)


def _close_loop(c: Compiler, inner: Dest, dest: Dest) -> None:
    if dest is TAIL:
        c.put(emit.name(str(inner.target)), dest)


def _loop_body(c: Compiler, forms: list[Any], inner: Dest) -> list[ast.stmt]:
    c.loops += 1
    c.break_values.append(inner)
    try:
        with c.branch() as body:
            c.body(forms, inner)
    finally:
        c.break_values.pop()
        c.loops -= 1
    return body or [ast.Pass()]


@special("while", arity=(2, None), usage="condition forms...", statement=True)
@building
def while_(c: Compiler, form: List, dest: Dest) -> None:
    """Repeat forms while a condition holds; the last value, nil if never run.

    (setq i 0) (while (< i 3) (+= i 1))
    ; 3
    """
    inner = _loop_value(c, dest)
    c.loops += 1
    before = set(c.scope.certain)
    with c.sub_block() as needed:
        test = c.test(form[1])
    c.loops -= 1
    body = _loop_body(c, form[2:], inner)
    c.scope.certain = before
    if needed:
        stop = ast.If(emit.not_(test), [ast.Break()], [])
        c.emit(ast.While(emit.true(), [*needed, stop, *body], []))
    else:
        c.emit(ast.While(test, body, []))
    _close_loop(c, inner, dest)


def bind_loop_variable(c: Compiler, name: str) -> tuple[ast.expr, list[ast.stmt]]:
    """The target of a Python ``for``, and what the body must do first with it."""
    if c._in_mapping(name):
        temp = c.temp()
        with c.sub_block() as first:
            c.store(name, emit.name(temp))
        return ast.Name(temp, emit.STORE), first
    return ast.Name(c.scope.store(name), emit.STORE), []


@special("loop", arity=(3, None), usage="name container forms...", statement=True)
@building
def loop(c: Compiler, form: List, dest: Dest) -> None:
    """Run forms for each member of a list, string, dictionary (its keys) or set.

    A number written in its place, as in (loop i 50 ...), counts from 0, and
    (loop (i 1 n) ...) from 1, both to below the end. Other numbers hold nothing.

    (setq s 0) (loop x '(1 2 3) (+= s x)) (loop (i 4 6) (+= s i)) s
    ; 15
    """
    name = c.assignable(form[1], form)
    _for_each(c, form, name, _members(c, form[2]), form[3:], dest)


#: A list that only a loop sees is not made: its numbers are counted.
_COUNTED = {("⍳", 2): "iota", ("⍳0", 2): "iota0", ("range", 4): "range"}
#: Those whose integers Python counts at once, and the first of them.
_FROM = {"⍳": 1, "⍳0": 0}


def _members(c: Compiler, form: Any) -> ast.expr:
    """What gives the members that a loop walks over, one by one."""
    if isinstance(form, List) and form and form[0].__class__ is Symbol:
        name = form[0].name
        counted = _COUNTED.get((name, len(form)))
        if counted and not (
            c.scope.is_local(name) or c.is_function(name) or c.known_variable(name)
        ):
            with c.inside(form):
                bounds = c.args(form)
            if any(class_of(bound) != "int" for bound in bounds):
                return emit.run(f"each of {counted}", *bounds)
            if name in _FROM:
                return _numbers(bounds[0], _FROM[name])
            return _rising(c, bounds, f"each of {counted}")
    source = c.expr(form)
    return source if emit.list_class(source) else emit.run("iterate", source)


def _rising(c: Compiler, bounds: list[ast.expr], other: str) -> ast.expr:
    """``(range a b c)`` on integers: Python counts where they rise."""
    bounds = [bound if emit.is_simple(bound) else c.keep(bound) for bound in bounds]
    general = emit.run(other, *bounds)
    start, end, step = bounds
    rises: list[ast.expr] = [
        ast.Compare(end, [ast.GtE()], [start]),
        ast.Compare(step, [ast.Gt()], [emit.constant(0)]),
    ]
    test = ast.BoolOp(ast.And(), rises)
    return emit.conditional(test, emit.run("range", *bounds), general)


def _numbers(count: ast.expr, first: int) -> ast.expr:
    """So many integers, from 0 or 1."""
    if not first:
        return emit.run("range", count)
    end = ast.BinOp(count, ast.Add(), emit.constant(first))
    return emit.run("range", emit.constant(first), end)


def _for_each(
    c: Compiler,
    form: List,
    name: str,
    source: ast.expr,
    body_forms: list[Any],
    dest: Dest,
    first: Any = None,
) -> None:
    inner = _loop_value(c, dest)
    before = set(c.scope.certain)
    target, prologue = bind_loop_variable(c, name)
    with c.branch():
        # Inside the body the variable is bound; after the loop it may not be.
        body = prologue + (first(c) if first else []) + _loop_body(c, body_forms, inner)
    c.scope.certain = before
    c.emit(ast.For(target, source, body, []))
    _close_loop(c, inner, dest)


@special("whilein", arity=(4, None), usage="name container condition forms...", statement=True)
@building
def whilein(c: Compiler, form: List, dest: Dest) -> None:
    """Like ``loop``, and stops when a condition fails.

    (setq r ()) (whilein x '(1 2 3 4) (< x 3) (push r x)) r
    ; (1 2)
    """
    name = c.assignable(form[1], form)
    source = _members(c, form[2])

    def condition(c: Compiler) -> list[ast.stmt]:
        with c.sub_block() as first:
            test = c.test(form[3])
            c.emit(ast.If(emit.not_(test), [ast.Break()], []))
        return first

    _for_each(c, form, name, source, form[4:], dest, condition)


@special("loopcount", arity=(2, None), usage="count name forms...", statement=True)
@building
def loopcount(c: Compiler, form: List, dest: Dest) -> None:
    """Count from 0 to n-1, or down from -n-1 to 0 for a negative n.

    (setq r ()) (loopcount 3 i (push r i)) r
    ; (0 1 2)
    """
    start = 2
    if form[start] is Symbol("?"):
        start += 1
    name = None
    if (
        len(form) > start + 1
        and form[start].__class__ is Symbol
        and form[start].name not in CONSTANTS
    ):
        name = c.assignable(form[start], form)
        start += 1
    inner = _loop_value(c, dest)
    before = set(c.scope.certain)
    steps, final = _steps(c, c.expr(form[1]))
    prologue: list[ast.stmt] = []
    keeps_final = name is not None
    if name is None:
        target: ast.expr = ast.Name(c.temp(), emit.STORE)
    elif c._in_mapping(name) or name in bound_names(List(form[start:])):
        # The body may set the variable; the count goes on all the same.
        keeps_final = False
        temp = c.temp()
        with c.sub_block() as prologue:
            c.store(name, emit.name(temp))
        target = ast.Name(temp, emit.STORE)
    else:
        target = ast.Name(c.scope.store(name), emit.STORE)
    body = prologue + _loop_body(c, form[start:], inner)
    c.scope.certain = before
    ended: list[ast.stmt] = []
    if name is not None and keeps_final:
        # After a break the variable keeps the number that it has.
        with c.sub_block() as ended:
            c.store(name, final)
    c.emit(ast.For(target, steps, body, ended))
    _close_loop(c, inner, dest)


def _steps(c: Compiler, count: ast.expr) -> tuple[ast.expr, ast.expr]:
    """The numbers that ``loopcount`` runs over, and the value of its variable at the end."""
    limit = c.temp()
    if emit.class_of(count) != "int":
        c.emit(emit.assign(limit, emit.run("counted", count)))
        kept = emit.name(limit)
        return emit.attribute(kept, "steps"), emit.attribute(kept, "final")
    c.emit(emit.assign(limit, count))
    downward = ast.Compare(emit.name(limit), [ast.Lt()], [emit.constant(0)])
    below = emit.constant(-1)
    down = emit.run("range", ast.BinOp(below, ast.Sub(), emit.name(limit)), below, below)
    return (
        emit.conditional(downward, down, emit.run("range", emit.name(limit))),
        emit.conditional(downward, below, emit.name(limit)),
    )


def _parallel(c: Compiler, form: List, dest: Dest, source: str) -> None:
    names = form[1]
    if not isinstance(names, List) or not names:
        raise c.fail("a list of variables is expected", form)
    count = len(names)
    if len(form) < 2 + count + 1:
        raise c.fail(f"Wrong number of arguments for: '{form[0].name}'", form)
    lists = [c.assignable(n, form) for n in names]
    nodes = c.args(form, 2, 2 + count)
    inner = _loop_value(c, dest)
    before = set(c.scope.certain)
    targets, prologue = [], []
    for n in lists:
        target, first = bind_loop_variable(c, n)
        targets.append(target)
        prologue += first
    body = prologue + _loop_body(c, form[2 + count :], inner)
    c.scope.certain = before
    c.emit(ast.For(ast.Tuple(targets, emit.STORE), emit.run(source, *nodes), body, []))
    _close_loop(c, inner, dest)


@special("lloop", arity=(3, None), usage="names lists forms...", statement=True)
@building
def lloop(c: Compiler, form: List, dest: Dest) -> None:
    """Loop over several lists in parallel, up to the shortest.

    (setq r ()) (lloop (a b) '(1 2) '(10 20) (push r (+ a b))) r
    ; (11 22)
    """
    _parallel(c, form, dest, "parallel")


@special("mloop", arity=(3, None), usage="names containers forms...", statement=True)
@building
def mloop(c: Compiler, form: List, dest: Dest) -> None:
    """Loop over containers of any kind in parallel; dictionaries give their values.

    (setq r ()) (mloop (a b) '(1 2) '(10 20) (push r (+ a b))) r
    ; (11 22)
    """
    _parallel(c, form, dest, "parallel_mixed")


@special("break", arity=(0, None), statement=True)
def break_(c: Compiler, form: List, dest: Dest) -> None:
    """Leave the nearest loop.

    In a lambda written in place, the walk of ``maplist mapcar filterlist zipwith``
    and their like: what has been found so far is the result.

    (maplist (\\(x) (if (> x 2) (break) (* 10 x))) '(1 2 3 4))
    ; (10 20)
    """
    if len(form) > 1:
        raise c.fail("break does not take any arguments", form)
    if not c.loops:
        if c.scope.lambdas and c.scope.lambdas[-1].leaves:
            c.emit(ast.Raise(emit.helper("StopIteration")))
        else:
            c.put(emit.nil(), dest)
        return
    if c.break_values[-1].target:
        c.emit(emit.assign(c.break_values[-1].target, emit.nil()))
    c.emit(ast.Break())


@special("return", arity=(0, 1), usage="[value]", statement=True)
def return_(c: Compiler, form: List, dest: Dest) -> None:
    """Leave the running function, lambda or, at the top level, the program.

    (defun f(x) (if (< x 0) (return 'negative)) 'positive) (f -1)
    ; negative
    """
    if c.loops or c.handlers:
        c.emit(ast.Return(c.expr(form[1]) if len(form) > 1 else emit.nil()))
    elif len(form) > 1:
        c.into(form[1], TAIL)
    else:
        c.emit(ast.Return(emit.nil()))


# ---------------------------------------------------------------- errors


@special("throw", arity=(1, 1), usage="message")
def throw(c: Compiler, form: List) -> ast.expr:
    """Raise an error whose text is the printed form of the argument.

    (maybe (throw "stop") (\\(e) e))
    ; stop, line: 1 in: main
    """
    return emit.run("throw", c.expr(form[1]))


def _guarded(c: Compiler, forms: list[Any], dest: Dest, handler: Any) -> None:
    before = set(c.scope.certain)
    inner = EFFECT if dest is EFFECT else Dest(c.temp() if dest is TAIL else dest.target)
    c.handlers += 1
    with c.sub_block() as tried:
        c.body(forms, inner)
    c.handlers -= 1
    after = c.scope.certain
    c.scope.certain = before
    with c.sub_block() as caught:
        handler(inner)
    c.scope.certain = before & after
    c.emit(emit.guarded(tried, caught))
    if dest is TAIL:
        c.put(emit.name(str(inner.target)), dest)


def _text(caught: str) -> ast.expr:
    return emit.attribute(emit.attribute(emit.name(caught), "error"), "text")


@special("catch", arity=(1, None), usage="forms...", statement=True)
def catch(c: Compiler, form: List, dest: Dest) -> None:
    """The value of the last form, or an error object for the first error.

    (maybe (catch (car 5)))
    ; true
    """
    _guarded(c, form[1:], dest, lambda d: c.put(emit.run("caught"), d))


@special("maybe", arity=(1, None), usage="forms... handler", statement=True)
def maybe(c: Compiler, form: List, dest: Dest) -> None:
    """Run forms; on an error the last argument decides. One argument: is it an error?

    A handler that is a lambda gets the message; anything else is evaluated.

    (maybe (/ 1 0) 'failed)
    ; failed
    """
    if len(form) == 2:
        c.put(emit.run("is_caught", c.expr(form[1])), dest)
        return
    handler = form[-1]

    def on_error(d: Dest) -> None:
        message = c.temp()
        c.emit(emit.assign(message, emit.run("caught")))
        if isinstance(handler, List) and handler and handler[0] is Symbol("λ"):
            function = c.expr(handler)
            c.put(emit.call(function, [_text(message)]), d)
        elif handler.__class__ is Symbol and handler.name not in CONSTANTS:
            value = c.expr(handler)
            c.put(emit.run("handle", value, emit.name(message)), d)
        else:
            c.into(handler, d)

    _guarded(c, form[1:-1], dest, on_error)
