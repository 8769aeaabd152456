"""Operators that compile in line.

An operation on two integers or on two numbers is Python's own operator behind
a test of their classes; everything else goes to the runtime.
"""

from __future__ import annotations

import ast
from typing import Any

from lispe_py.compiler import emit
from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.control import as_value
from lispe_py.compiler.emit import class_of
from lispe_py.compiler.forms import Dest, inline, special, test_form
from lispe_py.compiler.inference import combine
from lispe_py.compiler.symbols import ARITHMETIC, COMPARISON
from lispe_py.names import CONSTANTS
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

_PYTHON = {
    "+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div,
    "&": ast.BitAnd, "|": ast.BitOr, "^": ast.BitXor, "<<": ast.LShift, ">>": ast.RShift,
}  # fmt: skip
_PYTHON_COMPARISON = {
    "=": ast.Eq, "!=": ast.NotEq, "eq": ast.Eq, "neq": ast.NotEq, "<": ast.Lt,
    "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE,
}  # fmt: skip
#: Operators on integers alone.
_BITS = frozenset(("&", "|", "^", "<<", ">>"))
_SHIFTS = frozenset(("<<", ">>"))
#: Shifts by more than this many places are left to the runtime, which sees to their size.
_FARTHEST = 64
#: Operands of one expression that are guarded together, at most.
_DEEPEST = 24


def _is_native(operator: str, operands: list[Any]) -> bool:
    """Does Python's operator do the same on integers, or on numbers?"""
    if operator in _SHIFTS:
        return all(places.__class__ is int and 0 <= places <= _FARTHEST for places in operands[1:])
    return operator in _PYTHON


class Operation:
    """An arithmetic expression: operators over operands that are guarded together.

    ``(+ (* x x) (* y y))`` becomes ``x*x + y*y`` behind one test that x and y
    are both integers, one that both are numbers, and a version that calls the
    runtime for everything else.
    """

    def __init__(self, c: Compiler) -> None:
        self.c = c
        self.forms: list[Any] = []
        self.places: list[Any] = []
        self.leaves: list[ast.expr] = []
        #: the operation joins texts, and a literal text is a known leaf
        self.texts = False
        #: temporaries that hold leaves
        self.kept: list[str] = []
        #: (operator, [operands], place): an operand is an index of a leaf or a tree
        self.tree: Any = None

    # -------------------------------------------------------- building

    def shape(self, form: Any, place: Any, depth: int) -> Any:
        """The tree of a form; what is no operation becomes a leaf."""
        if (
            isinstance(form, List)
            and len(form) > 2
            and form[0].__class__ is Symbol
            and _is_native(form[0].name, form[1:])
            and depth < _DEEPEST
        ):
            where = getattr(form, "where", None)
            places = where.members if where is not None else ()
            kids = [
                self.shape(item, places[i] if i < len(places) else place, depth + 1)
                for i, item in enumerate(form)
                if i
            ]
            return form[0].name, kids, where[:4] if where is not None else place
        self.forms.append(form)
        self.places.append(place)
        return len(self.forms) - 1

    def evaluate(self, form: List) -> None:
        """Compile the leaves, from left to right."""
        whole = List([None, *self.forms])
        where = getattr(form, "where", None)
        if where is not None:
            whole.where = where._replace(members=(where[:4], *self.places))
        self.leaves = self.c.args(whole)

    # -------------------------------------------------------- emitting

    def generic(self, tree: Any, prefix: str = "op") -> ast.expr:
        """Calls of the runtime, which has the rules for every kind of operand.

        With the prefix "update" a container on the left changes in place.
        """
        if isinstance(tree, int):
            return self.leaves[tree]
        operator, kids, place = tree
        count = len(kids)
        result = self.generic(kids[0])
        if prefix == "op" and count > 2 and all(isinstance(kid, int) for kid in kids):
            # Nothing can fail between the first operation and the last.
            result = emit.run(f"chain {operator}", result, *map(self.generic, kids[1:]))
            if place is not None:
                emit.locate(result, place)
            return result
        fresh = not isinstance(kids[0], int)
        for kid in kids[1:]:
            helper = prefix
            if prefix == "op" and fresh:
                helper = "own0"
            elif prefix == "op" and not isinstance(kid, int):
                helper = "own1"
            result = emit.run(f"{helper} {operator}", result, self.generic(kid))
            fresh = True
            if place is not None:
                emit.locate(result, place)
        return result

    def native(self, tree: Any) -> ast.expr:
        """Python's own operators."""
        if isinstance(tree, int):
            return self.leaves[tree]
        operator, kids, place = tree
        result = self.native(kids[0])
        for kid in kids[1:]:
            result = ast.BinOp(result, _PYTHON[operator](), self.native(kid))
            if place is not None:
                emit.locate(result, place)
        return result

    def result_class(self, tree: Any, supposed: str | None) -> str | None:
        """Class of the value if unknown leaves are of a supposed class; None: not native."""
        if isinstance(tree, int):
            return class_of(self.leaves[tree]) or supposed
        operator, kids, _ = tree
        result = self.result_class(kids[0], supposed)
        for kid in kids[1:]:
            right = self.result_class(kid, supposed)
            if operator in _BITS:
                result = "int" if result == right == "int" else None
            else:
                result = combine(operator, result, right)
            if result is None:
                return None
        return result

    def _unknown(self) -> list[int]:
        return [
            i
            for i, leaf in enumerate(self.leaves)
            if class_of(leaf) is None and not (self.texts and is_text(leaf))
        ]

    def joins(self, tree: Any) -> bool:
        """Does the operation join texts where all leaves are some?"""
        if isinstance(tree, int):
            return class_of(self.leaves[tree]) is None
        return tree[0] == "+" and all(self.joins(kid) for kid in tree[1])

    def settle(self) -> list[ast.expr]:
        """Make every leaf readable twice; the unknown ones as the guard reads them first."""
        c, leaves = self.c, self.leaves
        calm = all(emit.is_simple(leaf) for leaf in leaves)
        keep = [not (emit.is_simple(leaf) if calm else c.stable(leaf)) for leaf in leaves]
        unknown = self._unknown()
        # Python stops at the first difference of a chain: only its first two
        # operands are sure to be evaluated there, and only if nothing precedes them.
        inline = [i for i in unknown if keep[i]]
        in_guard = (
            inline == unknown[: len(inline)]
            and len(inline) <= 2
            and all(not keep[i] for i in range(len(leaves)) if i not in inline)
        )
        first: dict[int, ast.expr] = {}
        for index, leaf in enumerate(leaves):
            if not keep[index]:
                continue
            target = c.temp()
            self.kept.append(target)
            read = emit.name(target)
            read.number_class = class_of(leaf)  # type: ignore[attr-defined]
            if in_guard and index in inline:
                first[index] = emit.walrus(target, leaf)
            else:
                c.emit(emit.assign(target, leaf))
            leaves[index] = read
        seen: set[str] = set()
        guarded = []
        for index in unknown:
            leaf = leaves[index]
            text = leaf.id if isinstance(leaf, ast.Name) else str(index)
            if text not in seen:
                seen.add(text)
                guarded.append(first.get(index, leaf))
        self.reads = [n.target if isinstance(n, ast.NamedExpr) else n for n in guarded]
        return guarded

    def _guard(self, nodes: list[ast.expr], cls: str) -> ast.expr:
        """``a.__class__ is b.__class__ is .cls``"""
        classes = [emit.attribute(n, "__class__") for n in nodes]
        return ast.Compare(
            classes[0], [ast.Is() for _ in classes], [*classes[1:], emit.helper(cls)]
        )

    def emit(self, native: Any, generic: Any, supposed: list[str]) -> ast.expr:
        """The guarded versions; ``native`` and ``generic`` make the whole expression."""
        literals = [n for n in self.leaves if isinstance(n, ast.Constant) and class_of(n) is None]
        if literals:
            # Of literals only texts have an operation in line, with texts.
            self.texts = "str" in supposed and all(map(is_text, literals))
            supposed = ["str"] if self.texts else []
        if not supposed or any(map(emit.list_class, self.leaves)):
            return generic()
        if not self._unknown():
            return native()
        guarded = self.settle()
        result: ast.expr = generic()
        if self.kept:
            # A long list, or a tensor, must not live until the function ends.
            cleared = [emit.walrus(target, emit.nil()) for target in self.kept]
            bare = result
            result = emit.subscript(ast.Tuple([bare, *cleared], emit.LOAD), emit.constant(0))
            result.bare = bare  # type: ignore[attr-defined]
        reads = [emit.name(n.id) if isinstance(n, ast.Name) else n for n in self.reads]
        for cls, nodes in reversed([*zip(supposed, [guarded, *[reads] * (len(supposed) - 1)])]):
            result = emit.conditional(self._guard(nodes, cls), native(), result)
            result.joins_texts = cls == "str"  # type: ignore[attr-defined]
        return result

    def order(self) -> list[str]:
        """Which class to suppose first: that of the literals and known operands."""
        known = {class_of(leaf) for leaf in self.leaves}
        return ["float", "int"] if "float" in known else ["int", "float"]


def operation(
    c: Compiler, operator: str, operands: list[Any], form: List, prefix: str = "op"
) -> ast.expr:
    """An arithmetic operation on any number of forms, folded from the left."""
    where = getattr(form, "where", None)
    places = where.members[-len(operands) :] if where is not None and where.members else ()
    if len(operands) == 1:
        return emit.run("fold", emit.constant(operator), c.expr(operands[0]))
    work = Operation(c)
    if _is_native(operator, operands):
        kids = [
            work.shape(item, places[i] if i < len(places) else None, 1)
            for i, item in enumerate(operands)
        ]
        tree = (operator, kids, where[:4] if where is not None else None)
        work.evaluate(form)
        classes = [k for k in work.order() if work.result_class(tree, k)]
        found = {work.result_class(tree, k) for k in classes}
        known = not work._unknown()
        if work.joins(tree):
            classes.append("str")
        node = work.emit(lambda: work.native(tree), lambda: work.generic(tree, prefix), classes)
        if known and len(found) == 1:
            node.number_class = found.pop()  # type: ignore[attr-defined]
        return node
    whole = List([form[0], *operands])
    if where is not None:
        whole.where = where._replace(members=(where[:4], *places))
    nodes = c.args(whole)
    result = nodes[0]
    for node in nodes[1:]:
        result = (
            _remainder(c, result, node)
            if operator == "%"
            else emit.run(f"{prefix} {operator}", result, node)
        )
    return result


def _remainder(c: Compiler, left: ast.expr, right: ast.expr) -> ast.expr:
    """Python's ``%`` where it agrees: the left operand is not negative, the right positive."""
    work = Operation(c)
    work.leaves = [left, right]
    literal = isinstance(right, ast.Constant) and right.value.__class__ is int and right.value > 0
    if class_of(left) == "float" or class_of(right) == "float":
        return emit.run("op %", left, right)
    unknown = bool(work._unknown())
    guarded = work.settle()
    left, right = work.leaves
    python: ast.expr = ast.BinOp(left, ast.Mod(), right)
    tests: list[ast.expr] = []
    if literal:
        # The sign is that of the left operand.
        mirrored = ast.BinOp(ast.UnaryOp(ast.USub(), left), ast.Mod(), right)
        positive = ast.Compare(left, [ast.GtE()], [emit.constant(0)])
        python = emit.conditional(positive, python, ast.UnaryOp(ast.USub(), mirrored))
    else:
        tests = [ast.Compare(left, [ast.GtE(), ast.Lt()], [emit.constant(0), right])]
    if unknown:
        tests.insert(0, work._guard(guarded, "int"))
    node = python
    if tests:
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
        node = emit.conditional(test, python, emit.run("op %", left, right))
    if not unknown:
        node.number_class = "int"  # type: ignore[attr-defined]
    return node


def _inline_arithmetic(c: Compiler, form: List) -> ast.expr:
    return operation(c, form[0].name, form[1:], form)


inline(*ARITHMETIC)(_inline_arithmetic)


_EQUALITIES = frozenset(("=", "eq", "!=", "neq"))


def _is_remainder(form: Any) -> bool:
    return isinstance(form, List) and len(form) == 3 and form[0] is Symbol("%")


def _divides(c: Compiler, form: List, op: type[ast.cmpop], generic: str) -> ast.expr:
    """``(= 0 (% a b))``: a remainder of 0 is one in Python too, whatever the signs."""
    work = Operation(c)
    work.leaves = c.args(form)
    if "float" in map(class_of, work.leaves):
        return emit.run(generic, emit.run("op %", *work.leaves), emit.constant(0))
    unknown = bool(work._unknown())
    guarded = work.settle()
    left, right = work.leaves
    remainders = ast.BinOp(left, ast.Mod(), right), emit.run("op %", left, right)
    where = getattr(form, "where", None)
    if where is not None:
        for node in remainders:
            emit.locate(node, where[:4])
    test = ast.Compare(remainders[0], [op()], [emit.constant(0)])
    if not unknown:
        return test
    other = emit.run(generic, remainders[1], emit.constant(0))
    return emit.conditional(work._guard(guarded, "int"), test, other)


def _comparison(c: Compiler, form: List) -> ast.expr:
    """A comparison as a Python truth value."""
    name = form[0].name
    generic = COMPARISON[name]
    if len(form) != 3:
        entry = c.world.entry(name)
        assert entry is not None
        return emit.call(emit.name(c.world.bind(entry)), c.args(form))
    op = _PYTHON_COMPARISON[name]
    if name in _EQUALITIES:
        for zero, divided in (form[1:], form[:0:-1]):
            if zero.__class__ is int and not zero and _is_remainder(divided):
                return _divides(c, divided, op, generic)
    where = getattr(form, "where", None)
    places = where.members if where is not None and len(where.members) == 3 else (None,) * 3
    work = Operation(c)
    left, right = work.shape(form[1], places[1], 1), work.shape(form[2], places[2], 1)
    work.evaluate(form)
    if len(work.leaves) == 2 and name in _EQUALITIES:
        for literal, other in (work.leaves, reversed(work.leaves)):
            if is_text(literal) and not isinstance(other, ast.Constant):
                tested = other
                if not c.stable(other):
                    target = c.temp()
                    tested, other = emit.walrus(target, other), emit.name(target)
                sides = [literal, other] if literal is work.leaves[0] else [other, literal]
                return emit.conditional(
                    emit.has_class(tested, "str"),
                    ast.Compare(sides[0], [op()], [sides[1]]),
                    emit.run(generic, *sides),
                )
            if isinstance(literal, ast.Constant) and class_of(literal) is None:
                return emit.run(generic, *work.leaves)
    classes = [
        k for k in work.order() if work.result_class(left, k) and work.result_class(right, k)
    ]
    return work.emit(
        lambda: ast.Compare(work.native(left), [op()], [work.native(right)]),
        lambda: emit.run(generic, work.generic(left), work.generic(right)),
        classes,
    )


def is_text(node: ast.expr) -> bool:
    """Is a node a literal text?"""
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and not node.value.startswith("\0")
    )


@inline(*COMPARISON)
def comparison(c: Compiler, form: List) -> ast.expr:
    return as_value(_comparison(c, form))


test_form(*COMPARISON)(_comparison)


def _nullp(c: Compiler, form: List) -> ast.expr:
    """``nullp`` as a Python truth value."""
    (node,) = c.args(form)
    if not c.stable(node):
        return emit.run("is_null", node)
    return ast.BoolOp(ast.Or(), [emit.is_(node, emit.nil()), emit.run("is_null", node)])


@inline("nullp")
def nullp(c: Compiler, form: List) -> ast.expr:
    return as_value(_nullp(c, form))


test_form("nullp")(_nullp)


@inline("list")
def list_(c: Compiler, form: List) -> ast.expr:
    return emit.run("List", ast.List(c.args(form), emit.LOAD))


@special("over", arity=(2, 2), usage="function variable", statement=True)
def over(c: Compiler, form: List, dest: Dest) -> None:
    """Give a variable the list of a function of its members.

    (setq l '(1 2 3)) (over (\\(x) (* x x)) l) l
    ; (1 4 9)
    """
    if form[2].__class__ is not Symbol or form[2].name in CONSTANTS:
        raise c.fail("You cannot modify a static list", form)
    function, value = c.args(form)
    result = c.temp()
    c.emit(emit.assign(result, emit.run("over", function, value)))
    c.update(form[2].name, emit.name(result))
    c.put(emit.name(result), dest)


@special("flip", arity=(1, 1), usage="call")
def flip(c: Compiler, form: List) -> ast.expr:
    """Run a call with its first two arguments exchanged.

    What has no two arguments is evaluated: in a list that it gives, the first
    two members are exchanged; a dictionary is turned round.

    (list (flip (- 10 3)) (flip (minmax '(4 9))) (flip {"a":"b"}))
    ; (-7 (9 4) {"b":"a"})
    """
    call = form[1]
    if (
        not isinstance(call, List)
        or len(call) < 3
        or getattr(call[0], "name", "").startswith("dictionary")
    ):
        return emit.run("flipped", c.expr(call))
    swapped = List([call[0], call[2], call[1], *call[3:]])
    if hasattr(call, "where"):
        swapped.where = call.where
    return c.expr(swapped)


@inline("replaceall")
def replaceall(c: Compiler, form: List) -> ast.expr:
    entry = c.world.entry("replaceall")
    assert entry is not None
    if form[1].__class__ is not Symbol or form[1].name in CONSTANTS:
        return c.primitive_call(form, entry)
    # A text is a value: the changed one goes back to the variable.
    result = c.temp()
    c.emit(emit.assign(result, emit.run("replace_all", *c.args(form))))
    c.update(form[1].name, emit.subscript(emit.name(result), emit.constant(0)))
    return emit.subscript(emit.name(result), emit.constant(1))
