"""Forms for threads: functions that run as threads, locks, shared variables."""

from __future__ import annotations

import ast

from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.forms import EFFECT, TAIL, Dest, special
from lispe_py.compiler.functions import define_function
from lispe_py.compiler.unit import declare_function, definition
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol


@definition("dethread", declare_function)
def _dethread(c: Compiler, form: List) -> None:
    name = form[1].name if len(form) > 1 and form[1].__class__ is Symbol else ""
    key = c.definition_key(name)
    define_function(c, form, key)
    c.definitions.append(
        emit.effect(emit.run("define_thread", emit.constant(key), emit.constant(name)))
    )


@special("lock", arity=(1, None), usage="name forms...", statement=True)
def lock(c: Compiler, form: List, dest: Dest) -> None:
    """Run forms while no other thread holds the lock of that name.

    (lock "counter" (+ 1 2))
    ; 3
    """
    inner = EFFECT if dest is EFFECT else Dest(c.temp() if dest is TAIL else dest.target)
    held = c.temp()
    c.emit(emit.assign(held, emit.run("lock", c.expr(form[1]))))
    c.handlers += 1
    with c.branch() as body:
        c.body(form[2:], inner)
    c.handlers -= 1
    release = emit.effect(emit.call(emit.attribute(emit.name(held), "release"), []))
    c.emit(ast.Try(body or [ast.Pass()], [], [], [release]))
    if dest is TAIL:
        c.put(emit.name(str(inner.target)), dest)


@special("threadspace", arity=(1, None), usage="forms...", statement=True)
def threadspace(c: Compiler, form: List, dest: Dest) -> None:
    """Run forms that share variables with the other threads (see ``seth``).

    (threadspace (seth total 5)) (threadspace (+= total 1) total)
    ; 6
    """
    inner = EFFECT if dest is EFFECT else Dest(c.temp() if dest is TAIL else dest.target)
    shared = c.temp()
    c.emit(emit.assign(shared, emit.run("enter_threadspace")))
    c.handlers += 1
    before = c.shared
    c.shared = True
    with c.branch() as body:
        c.body(form[1:], inner)
    c.shared = before
    c.handlers -= 1
    release = emit.effect(emit.call(emit.attribute(emit.name(shared), "release"), []))
    c.emit(ast.Try(body, [], [], [release]))
    if dest is TAIL:
        c.put(emit.name(str(inner.target)), dest)


@special("seth", arity=(2, 2), usage="name value", statement=True)
def seth(c: Compiler, form: List, dest: Dest) -> None:
    """Set a variable that all threads share; inside ``threadspace``.

    (threadspace (seth total 5) total)
    ; 5
    """
    if not c.shared:
        c.put(c.raises("'seth' can only be used within a threadspace"), dest)
        return
    name = c.assignable(form[1], form)
    c.emit(emit.effect(emit.run("set_shared", emit.constant(name), c.expr(form[2]))))
    c.put(emit.true(), dest)


@special("force", arity=(1, 1), usage="argument")
def force(c: Compiler, form: List) -> ast.expr:
    """Pass an argument to a thread as it is, not as a copy; an error anywhere else.

    (dethread work(l) (push l 1)) (setq l ()) (work (force l)) (wait) l
    ; (1)
    """
    head = c.around[0] if c.around else None
    name = head.name if head.__class__ is Symbol else ""
    key = c.function_key(name)
    if key is not None and not c.scope.is_local(name):
        function: ast.expr = emit.name(key)
    elif c.scope.is_local(name) or c.known_variable(name) or (c.loads and not c.world.entry(name)):
        function = c.load(name)
    else:
        function = emit.nil()
    return emit.run("force", function, c.expr(form[1]))
