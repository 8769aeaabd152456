"""Functions: definitions, lambdas, quotes, evaluation of code."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.forms import EFFECT, TAIL, inline, special
from lispe_py.compiler.fronts import in_lambdas
from lispe_py.compiler.inference import Assignments, local_classes, result_of, suppositions
from lispe_py.compiler.scope import Frame, bound_names, mentions, updated_names
from lispe_py.names import CONSTANTS, also_written
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

#: Size of a body, in members, above which no second version is compiled.
_LARGEST_VERSION = 250
#: Parameters of which something is supposed, at most.
_MOST_SUPPOSED = 6
#: Forms whose presence puts a function's variables into a mapping.
_DYNAMIC = frozenset({"eval", "loadcode"})


class Parameters(NamedTuple):
    names: list[str]
    #: name -> form of its default
    defaults: dict[str, Any]
    rest: str | None

    @property
    def all(self) -> list[str]:
        return [*self.names, *([self.rest] if self.rest else [])]


def parse_parameters(c: Compiler, form: Any, whole: Any) -> Parameters:
    """``(a b (c default) (() rest))``"""
    names: list[str] = []
    defaults: dict[str, Any] = {}
    rest = None
    for item in form:
        if rest is not None:
            raise c.fail("nothing may follow the list of remaining arguments", whole)
        if item.__class__ is Symbol and item.name not in CONSTANTS:
            if defaults:
                raise c.fail(
                    "default values should always be at the end of the parameter list", whole
                )
            names.append(item.name)
        elif isinstance(item, List) and 1 <= len(item) <= 2 and item[0].__class__ is Symbol:
            names.append(item[0].name)
            defaults[item[0].name] = item[1] if len(item) == 2 else None
        elif isinstance(item, List) and len(item) == 2 and item[0] in (None, []):
            rest = item[1].name
        else:
            raise c.fail("this is not a parameter", whole)
    # Of two parameters of one name the last counts.
    names = [n if n not in names[i + 1 :] else f"{n}.{i}" for i, n in enumerate(names)]
    return Parameters(names, defaults, rest)


def _prologue(c: Compiler, parameters: Parameters) -> list[ast.stmt]:
    """Defaults and the list of remaining arguments, at the start of a function."""
    with c.sub_block() as block:
        for name, form in parameters.defaults.items():
            identifier = emit.identifier(name)
            with c.sub_block() as body:
                c.emit(emit.assign(identifier, _default(c, form)))
            test = emit.is_(emit.name(identifier), emit.helper("default"))
            c.emit(ast.If(test, body, []))
        if parameters.rest:
            identifier = emit.identifier(parameters.rest)
            c.emit(emit.assign(identifier, emit.run("List", emit.name(identifier))))
    return block


def _default(c: Compiler, form: Any) -> ast.expr:
    """A default is evaluated with the variables of the caller."""
    if not isinstance(form, (list, Symbol)):
        return c.const(form)
    frame = Frame("function")
    with c.in_frame(frame) as inner, c.in_lambda(set(), "default"):
        node = c.expr(form)
        block = list(c.block)
    c.block.extend(inner)
    c.block.extend(block)
    return node


def _signature(parameters: Parameters, first: tuple[str, ...] = ()) -> ast.arguments:
    return emit.arguments(
        [*first, *(emit.identifier(n) for n in parameters.names)],
        emit.identifier(parameters.rest) if parameters.rest else None,
        [emit.helper("default") for _ in parameters.defaults],
    )


def compile_function(
    c: Compiler,
    key: str,
    title: str,
    parameters: Parameters,
    body: list[Any],
    *,
    method_of: Any = None,
) -> ast.FunctionDef:
    """A Python function for a ``defun`` (or a method, whose instance comes first)."""
    node, frame = _compile(c, key, title, parameters, body, method_of, True)
    if frame.looped and frame.lambdas:
        # Lambdas would share the variables of all rounds: call, do not jump.
        node, frame = _compile(c, key, title, parameters, body, method_of, False)
    return node


def _compile(
    c: Compiler,
    key: str,
    title: str,
    parameters: Parameters,
    body: list[Any],
    method_of: Any,
    loops: bool,
) -> tuple[ast.FunctionDef, Frame]:
    mapping = mentions(List(body), _DYNAMIC)
    frame = Frame(
        "mapping" if mapping else "function",
        locals=set(parameters.all) | bound_names(List(body)),
        title=title,
        parameters=tuple(parameters.all),
        in_lambdas=in_lambdas(List(body)),
        loops=loops
        and not mapping
        and not parameters.defaults
        and not parameters.rest
        and method_of is None,
    )
    fields = frozenset(method_of.all_fields) if method_of is not None else frozenset()
    frame.locals |= {
        n for n in updated_names(List(body)) if n not in fields and not c.known_variable(n)
    }
    if method_of is not None:
        frame.become_method(method_of)
    with c.in_frame(frame) as block:
        prologue = _prologue(c, parameters)
        if mapping:
            prologue.append(emit.assign(".F", emit.run("frame", *_variables(parameters.all))))
            c.body(body, TAIL)
        else:
            _versions(c, frame, body)
    result = finish_function(
        frame,
        key,
        _signature(parameters, (".self",) if method_of is not None else ()),
        prologue,
        block,
    )
    return result, frame


def _versions(c: Compiler, frame: Frame, body: list[Any]) -> None:
    """The body, and before it a version for parameters of a likely class.

    A small function whose parameters are operands of arithmetic is compiled
    twice: once under the supposition that they are, say, integers, behind one
    test of it.
    """
    whole = List(body)
    assignments = Assignments(whole, frame.parameters)
    scope = c.scope
    start = set(scope.certain)
    if assignments.size <= _LARGEST_VERSION:
        for supposed in suppositions(whole, frame.parameters):
            if len(supposed) > _MOST_SUPPOSED:
                continue
            frame.classes = local_classes(assignments, supposed)
            # A parameter that takes other values in the body is not worth it.
            tested = {n: k for n, k in supposed.items() if n in frame.classes}
            if not tested:
                continue
            frame.classes = local_classes(assignments, tested)
            if not c.world.interactive:
                frame.assumption = result_of(whole, frame.title, frame.parameters, tested)
                frame.result = frame.assumption.result if frame.assumption else None
            with c.branch() as fast:
                c.body(body, TAIL)
            frame.result = frame.assumption = None
            c.scope.certain = set(start)
            c.emit(ast.If(_tested(tested), fast, []))
    frame.classes = local_classes(assignments, {})
    c.body(body, TAIL)


def _tested(classes: dict[str, str]) -> ast.expr:
    """``a.__class__ is b.__class__ is .int and x.__class__ is .float``"""
    tests: list[ast.expr] = []
    for cls in dict.fromkeys(classes.values()):
        nodes = [
            emit.attribute(emit.name(emit.identifier(n)), "__class__")
            for n, k in classes.items()
            if k == cls
        ]
        tests.append(
            ast.Compare(nodes[0], [ast.Is() for _ in nodes], [*nodes[1:], emit.helper(cls)])
        )
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)


def _variables(names: list[str]) -> list[ast.expr]:
    """A dictionary display of variables by name."""
    return [
        ast.Dict([emit.constant(n) for n in names], [emit.name(emit.identifier(n)) for n in names])
    ]


def finish_function(
    frame: Frame, key: str, signature: ast.arguments, prologue: list[ast.stmt], body: list[ast.stmt]
) -> ast.FunctionDef:
    """Put declarations, initial values and the loop of tail calls around a body."""
    first: list[ast.stmt] = []
    if frame.globals:
        first.append(ast.Global(sorted(frame.globals)))
    if frame.kind == "function":
        own = {emit.identifier(p) for p in frame.parameters}
        unset = sorted({emit.identifier(n) for n in frame.uncertain} - own)
        initial: list[ast.stmt] = [emit.assign(n, emit.helper("unbound")) for n in unset]
    else:
        initial = []
    if frame.looped:
        loop = ast.While(emit.true(), [*initial, *body, ast.Return(emit.nil())], [])
        return emit.function(key, signature, [*first, *prologue, loop])
    return emit.function(key, signature, [*first, *initial, *prologue, *body])


def _lambda_title(c: Compiler, form: List) -> str:
    """A name for the code of a lambda, which no other one of the interpreter has."""
    number = len(c.lambda_forms) if c.mark else c.world.number()
    title = f"λ.{c.mark}{number}"
    c.lambda_forms[title] = form
    return title


@special("λ", "lambda", "\\", arity=(1, None), usage="parameters forms...")
def lambda_(c: Compiler, form: List) -> ast.expr:
    """A function without a name. It captures the variables around it.

    (mapcar (\\(x) (* x x)) '(1 2 3))
    ; (1 4 9)
    """
    if len(form) < 2 or not isinstance(form[1], List):
        raise c.fail("Missing parameter list in a lambda declaration", form)
    if len(form) < 3:
        raise c.fail("wrong number of arguments", form)
    parameters = parse_parameters(c, form[1], form)
    title = _lambda_title(c, form)
    with c.in_lambda(set(parameters.all), title) as fn:
        fn.leaves = form is c.scope.walking
        body = c.block
        c.block = []
        prologue = _prologue(c, parameters)
        c.block = body
        c.body(form[2:], TAIL)
    first: list[ast.stmt] = []
    if fn.globals:
        first.append(ast.Global(sorted(fn.globals)))
    outer = fn.stored - {emit.identifier(p) for p in parameters.all}
    if outer:
        first.append(ast.Nonlocal(sorted(emit.identifier(n) for n in outer)))
    c.emit(emit.function(title, _signature(parameters), [*first, *prologue, *body]))
    return emit.name(title)


@special("self", arity=(0, None), usage="arguments...")
def self_(c: Compiler, form: List) -> ast.expr:
    """Call the running function or lambda again.

    ((\\(n) (if (< n 2) 1 (* n (self (- n 1))))) 5)
    ; 120
    """
    if c.scope.lambdas:
        return c.call(emit.name(c.scope.lambdas[-1].title), form)
    if not c.scope.frame.title:
        raise c.fail("self can only be used in a function", form)
    return c.call(emit.name(f"{c.scope.frame.title}()"), form)


@special("defun", arity=(0, None), usage="name parameters forms...")
def defun(c: Compiler, form: List) -> ast.expr:
    """Define a function: ``(defun name (parameters) forms ...)``.

    Parameters may have defaults, ``(x 10)``, and the last may take all the
    remaining arguments, ``(() rest)``. A call may name an argument: ``(? x 3)``.

    (defun area(w (h 1)) (* w h)) (list (area 3) (area 3 2))
    ; (3 6)
    """
    # Definitions are taken out of the text before it is compiled; one that is
    # met here was made by a macro or stands where no definition can.
    raise c.fail("a definition cannot stand here", form)


def function_parts(c: Compiler, form: List) -> tuple[str, Any, list[Any]]:
    """Name, parameters and body of a ``defun``, checked."""
    if len(form) < 3:
        raise c.fail("wrong number of arguments", form)
    name = form[1]
    if name.__class__ is not Symbol:
        raise c.fail("the name of a function is expected", form)
    if name.name in CONSTANTS or c.is_reserved(name.name):
        raise c.fail(f"'{name.name}' is a reserved keyword.", form, also_written(name.name))
    if not isinstance(form[2], List):
        raise c.fail("List of missing parameters in a function declaration", form)
    if len(form) < 4:
        raise c.fail("wrong number of arguments", form)
    return name.name, form[2], form[3:]


def define_function(c: Compiler, form: List, key: str) -> None:
    """Compile a ``defun`` and install it before the text runs."""
    name, parameter_forms, body = function_parts(c, form)
    parameters = parse_parameters(c, parameter_forms, form)
    node = compile_function(c, key, name, parameters, body)
    install(c, form, key, name, node)


def install(c: Compiler, form: List, key: str, name: str, node: ast.FunctionDef) -> None:
    """Add a function definition to the text, and give it its LispE form."""
    c.definitions.append(node)
    register = emit.effect(
        emit.run("define", emit.constant(key), emit.constant(name), c.const(form))
    )
    c.definitions.append(register)
    place = getattr(form, "where", None)
    if place is not None:
        emit.locate(node, place[:4])
        emit.locate(register, place[:4])


@special("quote", arity=(1, 1), usage="form")
def quote(c: Compiler, form: List) -> ast.expr:
    """The argument itself, not evaluated; ``'x`` for short.

    (quote (+ 1 2))
    ; (+ 1 2)
    """
    return quoted(c, form[1])


def quoted(c: Compiler, item: Any) -> ast.expr:
    if not isinstance(item, List):
        return c.const(item)
    if not item and type(item) is List:
        return emit.run("List")
    if _holds_braces(item):
        return _built(c, item)
    if type(item) is List and not any(isinstance(m, List) for m in item):
        # A tuple: torch.compile hashes the constants of the code that it follows.
        return emit.run("List", c.const(tuple(item)))
    if _is_small_table(item):
        return emit.run("List", ast.Tuple([quoted(c, member) for member in item], emit.LOAD))
    return emit.run("copy_literal", c.const(item))


def _is_small_table(item: List) -> bool:
    """Rows of at most 64 members in all: few enough to be made in line."""
    rows = [m for m in item if isinstance(m, List)]
    flat = all(type(r) is List and not any(isinstance(m, List) for m in r) for r in rows)
    return flat and type(item) is List and len(item) + sum(map(len, rows)) <= 64


def _holds_braces(form: Any) -> bool:
    pending = [form]
    while pending:
        item = pending.pop()
        if isinstance(item, List):
            if hasattr(item, "pairs"):
                return True
            pending.extend(item)
    return False


def _built(c: Compiler, item: Any) -> ast.expr:
    """A quoted list that holds ``{...}``: the container stands in it, not its code."""
    if not isinstance(item, List):
        return c.const(item)
    if hasattr(item, "pairs"):
        if any(m.__class__ is Symbol for m in item[1:]):
            return emit.run("copy_literal", c.const(List(item)))
        return c.expr(item)
    return emit.run("List", ast.List([_built(c, m) for m in item], emit.LOAD))


@special("eval", arity=(1, 1), usage="form")
def eval_(c: Compiler, form: List) -> ast.expr:
    """Run a list as code, or the first form of a text, with the variables in reach.

    (eval '(+ 1 2))
    ; 3
    """
    return _evaluation(c, "eval", c.expr(form[1]))


@special("loadcode", arity=(1, 2), usage="text [space]")
def loadcode(c: Compiler, form: List) -> ast.expr:
    """Run a whole text; the value of its last form. With a name space, define into it.

    (loadcode "(setq a 2) (+ a 1)")
    ; 3
    """
    nodes = c.args(_named_space(c, form))
    if len(nodes) == 2:
        return emit.run("load_text", *nodes)
    return _evaluation(c, "loadcode", nodes[0])


def _named_space(c: Compiler, form: List) -> List:
    """``(load path space)``: the space may be named without a quote."""
    if len(form) < 3 or form[2].__class__ is not Symbol:
        return form
    name = form[2].name
    if c.scope.is_local(name) or c.known_variable(name) or name in CONSTANTS:
        return form
    copy = List([*form[:2], List([Symbol("quote"), form[2]])])
    if hasattr(form, "where"):
        copy.where = form.where
    return copy


@inline("load", "use")
def load(c: Compiler, form: List) -> ast.expr:
    entry = c.world.entry(form[0].name)
    assert entry is not None
    return c.primitive_call(_named_space(c, form), entry)


def _evaluation(c: Compiler, helper: str, code: ast.expr) -> ast.expr:
    """Run code made at run time, with the variables that are visible here."""
    scope = c.scope
    if not scope.lambdas and scope.frame.kind == "top":
        return emit.run(helper, code)
    frame: ast.expr = emit.nil() if scope.frame.kind == "top" else emit.name(".F")
    names = sorted({n for fn in scope.lambdas for n in fn.parameters if "." not in n})
    if names or scope.renamed:
        visible = {n: emit.name(emit.identifier(n)) for n in names}
        for table in scope.renamed:
            visible.update({n: emit.name(fresh) for n, fresh in table.items()})
        values = ast.Dict([emit.constant(n) for n in visible], list(visible.values()))
        frame = emit.run("inner_frame", frame, values)
    return emit.run(helper, code, frame)


@special("?", arity=(2, 2), usage="name value")
def named_argument(c: Compiler, form: List) -> ast.expr:
    """Name an argument in a call: ``(f 1 (? height 3))``.

    (defun f(a (b 1) (c 2)) (list a b c)) (f 0 (? c 9))
    ; (0 1 9)
    """
    raise c.fail("an argument can only be named in the call of a function", form)


@special("elapse", arity=(0, None), usage="forms...")
def elapse(c: Compiler, form: List) -> ast.expr:
    """The time that the forms take, in milliseconds.

    (< (elapse (+ 1 2)) 1000)
    ; true
    """

    started = c.temp()
    c.emit(emit.assign(started, emit.run("clock")))
    for item in form[1:]:
        c.into(item, EFFECT)
    return emit.run("elapsed", emit.name(started))
