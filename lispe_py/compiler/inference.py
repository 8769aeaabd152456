"""Which local variables always hold an integer, a number, or a list of one kind.

Optimistic: every variable of a function is supposed to keep the class of its
first assignments, and what contradicts that is dropped until nothing changes.
Operations on such variables, and on members of such lists, then need no test of
their classes, those on members of generic lists excepted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lispe_py.compiler.walk import named_forms
from lispe_py.registry import registry
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

INT, FLOAT = "int", "float"
INTEGERS, NUMBERS, LIST = "Integers", "Numbers", "List"
#: Class of a typed list -> that of its members.
MEMBERS = {INTEGERS: INT, NUMBERS: FLOAT}
_LISTS = frozenset((*MEMBERS, LIST))
_LITERALS = {int: INT, float: FLOAT}
_NATIVE = frozenset("+-*/")
_BITS = frozenset(("&", "|", "^", "<<", ">>"))
#: Ranges whose members are of the class of their only argument.
_RANGES = frozenset(("⍳", "⍳0"))
#: Loops over one list, and over several side by side.
_PARALLEL = frozenset(("lloop", "mloop"))
_WALKS = frozenset(("loop", "whilein", *_PARALLEL))
_COMPARISONS = frozenset(("<", "<=", ">", ">=", "=", "!=", "eq", "neq"))
_UPDATES = {
    "+=": "+", "-=": "-", "*=": "*", "/=": "/", "%=": "%",
    "<<=": "<<", ">>=": ">>", "&=": "&", "|=": "|", "^=": "^",
}  # fmt: skip
_UNKNOWN = object()


def combine(operator: str, left: str | None, right: str | None) -> str | None:
    """Class of ``left operator right``; of numbers where Python's operator does the same.

    None for any other value. Of typed lists the first gives the class.
    """
    if left is None or right is None or LIST in (left, right):
        return None
    for operand in (left, right):
        if operand in MEMBERS:
            return operand
    if operator == "/":
        return FLOAT
    if left == right:
        return left
    # A number first keeps an integer operand; an integer first truncates.
    return FLOAT if left == FLOAT else None


class Assumption(NamedTuple):
    """A function whose calls with arguments of certain classes give a known class."""

    title: str
    #: class of each parameter, None where any will do
    parameters: tuple[str | None, ...]
    result: str


def _iota(classes: list[str | None]) -> str | None:
    return _LIST_OF.get(classes[0]) if len(classes) == 1 else None


def _shaped(classes: list[str | None]) -> str | None:
    """``(rho n list)``"""
    return classes[1] if len(classes) == 2 and classes[0] == INT and classes[1] in _LISTS else None


def _same_list(classes: list[str | None]) -> str | None:
    """A function that gives its first argument, or one of its kind, if that is a list."""
    return classes[0] if classes and classes[0] in _LISTS else None


def _member(classes: list[str | None]) -> str | None:
    return MEMBERS.get(classes[0] or "") if len(classes) == 2 else None


def _range(classes: list[str | None]) -> str | None:
    return INTEGERS if classes == [INT] * 3 else None


_LIST_OF: dict[str | None, str] = {INT: INTEGERS, FLOAT: NUMBERS}
#: Built-ins that give lists of one kind or their members: the class of the value from those of the
#: arguments. Those that change their first argument are among them.
_LISTED: dict[str, Callable[[list[str | None]], str | None]] = {
    "list": lambda classes: LIST,
    "integers": lambda classes: INTEGERS,
    "numbers": lambda classes: NUMBERS,
    "ρ": _shaped,
    "⍳": _iota,
    "⍳0": _iota,
    "range": _range,
    "at": _member,
    **dict.fromkeys(("clone", "reverse", "push", "pushlast", "pushfirst", "set@"), _same_list),
}
#: Names that a parameter can take; those of the other ones have code of their own.
_SHADOWABLE = frozenset(_LISTED) - {"list", "at", "push", "set@"}


def infer(form: Any, known: dict[str, str], assumption: Assumption | None = None) -> str | None:
    """The class of a form's value, given the classes of variables."""
    literal = _LITERALS.get(form.__class__)
    if literal is not None:
        return literal
    if form.__class__ is Symbol:
        return known.get(form.name)
    if not isinstance(form, List):
        return None
    if not form:
        return LIST
    if form[0].__class__ is not Symbol:
        return None
    name = form[0].name
    if name == "quote" and len(form) == 2:
        return LIST if type(form[1]) is List and not hasattr(form[1], "pairs") else None
    listed = _LISTED.get(name)
    if listed is not None:
        return listed([infer(operand, known, assumption) for operand in form[1:]])
    if name in _NATIVE and len(form) > 2:
        result = infer(form[1], known, assumption)
        for operand in form[2:]:
            result = combine(name, result, infer(operand, known, assumption))
        return result
    if assumption is not None and name == assumption.title:
        wanted = assumption.parameters
        fits = len(form) - 1 == len(wanted) and all(
            w is None or infer(a, known, assumption) == w
            for a, w in zip(form[1:], wanted, strict=True)
        )
        return assumption.result if fits else None
    if name == "%" and len(form) == 3:
        classes = {infer(form[1], known, assumption), infer(form[2], known, assumption)}
        return INT if classes == {INT} else None
    if name == "if" and len(form) == 4:
        yes, no = infer(form[2], known, assumption), infer(form[3], known, assumption)
        return yes if yes == no else None
    if name in _BITS and len(form) > 2:
        classes = {infer(operand, known, assumption) for operand in form[1:]}
        return INT if classes == {INT} else None
    if name == "size":
        return INT
    return None


def _tails(form: Any) -> list[Any] | None:
    """The forms whose value a form may have; None where they cannot be told."""
    if not isinstance(form, List) or not form or form[0].__class__ is not Symbol:
        return [form]
    name = form[0].name
    if name == "if" and len(form) == 4:
        parts = [form[2], form[3]]
    elif name == "cond" and len(form) > 1 and all(isinstance(k, List) and k for k in form[1:]):
        if form[-1][0] is not True:
            return None
        parts = [clause[-1] for clause in form[1:]]
    elif name == "block" and len(form) > 1:
        parts = [form[-1]]
    else:
        return [form]
    found: list[Any] = []
    for part in parts:
        tails = _tails(part)
        if tails is None:
            return None
        found += tails
    return found


def result_of(
    body: List, title: str, parameters: tuple[str, ...], known: dict[str, str]
) -> Assumption | None:
    """The class that a function always gives, if its self calls give it too."""
    tails = _tails(body[-1])
    if tails is None or _returns(body):
        return None
    for guess in (INT, FLOAT):
        assumption = Assumption(title, tuple(known.get(p) for p in parameters), guess)
        if all(infer(tail, known, assumption) == guess for tail in tails):
            return assumption
    return None


def _returns(body: List) -> bool:
    """Does the value come from elsewhere than the last form, or rest on what is assigned?"""
    return any(name in ("return", "setq", "λ", "let") for name, _ in named_forms(body))


def _walked(loop: List) -> list[tuple[Symbol, Any]]:
    """The variables of a loop over lists, each with the form of its list; none if others bind."""
    several = isinstance(loop[1], List)
    if several is not (loop[0].name in _PARALLEL):
        return []
    names = loop[1] if several else [loop[1]]
    sources = loop[2 : 2 + len(names)]
    if len(sources) < len(names) or any(n.__class__ is not Symbol for n in names):
        return []
    return list(zip(names, sources, strict=True))


def _counted(source: Any) -> Any:
    """A form of the class of the members of ``(iota n)`` and its like; None for other lists."""
    if not isinstance(source, List) or len(source) < 2 or source[0].__class__ is not Symbol:
        return None
    if source[0].name in _RANGES and len(source) == 2:
        return source[1]
    if source[0].name == "range" and len(source) == 4:
        return List([Symbol("+"), *source[1:]])
    return None


class Assignments:
    """What the forms of a function's body assign to each variable."""

    def __init__(self, body: Any, parameters: tuple[str, ...]) -> None:
        self.parameters = parameters
        #: name -> forms whose value it takes; ``_UNKNOWN`` for anything at all
        self.of: dict[str, list[Any]] = {}
        #: Members of all the forms: what a second version of the body would cost.
        self.size = 0
        for name, form in named_forms(body):
            self.size += len(form)
            self._note(name, form)
        #: A parameter, here or of a lambda, hides a function whose results are known here.
        self.obscure = not _SHADOWABLE.isdisjoint((*parameters, *self.of))

    def _note(self, name: str, form: List) -> None:
        if len(form) < 2:
            return
        target = form[1]
        if name in ("setq", "setqv", "setq=", "label", "setconst"):
            if target.__class__ is Symbol:
                self._add(target, form[2] if len(form) > 2 else _UNKNOWN)
            else:
                self._spoil(target)
        elif name in _UPDATES and target.__class__ is Symbol:
            self._add(target, List([Symbol(_UPDATES[name]), *form[1:]]))
        elif name == "loopcount":
            for item in form[2:4]:
                if item.__class__ is Symbol and item.name != "?":
                    self._add(item, 0)
                    break
        elif name in _WALKS and (walked := _walked(form)):
            for variable, source in walked:
                counted = _counted(source)
                # The class of a member is that of ``(at list 0)``.
                member = List([Symbol("at"), source, 0])
                self._add(variable, member if counted is None else counted)
        elif name == "over":
            self._spoil(List(form[1:]))
        elif name in ("let", "λ", "loop", "lloop", "mloop", "whilein", "for", "pattern@"):
            self._spoil(target)
        else:
            entry = registry.get(name)
            if target.__class__ is Symbol and entry is not None and entry.rebinds:
                # What is no list may become another value.
                self._add(target, form if name in _LISTED else _UNKNOWN)
            elif target.__class__ is Symbol and name in ("^^=", "&~=", "replaceall"):
                self._add(target, _UNKNOWN)

    def _add(self, symbol: Symbol, form: Any) -> None:
        self.of.setdefault(symbol.name, []).append(form)

    def _spoil(self, form: Any) -> None:
        """Names that are bound in a way we do not follow."""
        pending = [form]
        while pending:
            item = pending.pop()
            if item.__class__ is Symbol:
                self._add(item, _UNKNOWN)
            elif isinstance(item, List):
                pending.extend(item)


def local_classes(assignments: Assignments, assumed: dict[str, str]) -> dict[str, str]:
    """The classes that variables keep, if parameters have those of ``assumed``."""
    if assignments.obscure:
        return {}
    known = dict(assumed)
    # A parameter that nothing is assumed of may hold anything at first.
    own = {n: forms for n, forms in assignments.of.items() if n not in assignments.parameters}
    for name, forms in own.items():
        guess = next((g for f in forms if (g := infer(f, {}))), None)
        if guess is not None:
            known[name] = guess
    # Variables without a literal among their values take the class that follows.
    for _ in range(4):
        grown = False
        for name, forms in own.items():
            if name not in known:
                guess = next(
                    (g for f in forms if f is not _UNKNOWN and (g := infer(f, known))), None
                )
                if guess is not None:
                    known[name] = guess
                    grown = True
        if not grown:
            break
    changed = True
    while changed:
        changed = False
        for name, forms in assignments.of.items():
            if name in known and any(
                f is _UNKNOWN or infer(f, known) != known[name] for f in forms
            ):
                del known[name]
                changed = True
    return known


#: Forms that repeat their body.
_LOOPS = frozenset(("loopcount", "while", *_WALKS))


def suppositions(body: Any, parameters: tuple[str, ...]) -> list[dict[str, str]]:
    """Classes of parameters under which a version of a small function pays.

    A parameter counts when it is an operand of arithmetic or of a comparison;
    what it meets there tells the likely class. In a function with a loop it counts
    too if it is the bound of a range, or a list whose members are reached one by one.
    """
    meets: dict[str, set[str]] = {}
    operands: set[str] = set()
    lists: set[str] = set()
    bounds: set[str] = set()
    walked: list[tuple[str, str]] = []
    loops = decimals = False
    for name, form in named_forms(body):
        decimals = decimals or name == "numbers" or float in map(type, form)
        if name in _NATIVE or name in _COMPARISONS or name in ("%", *_UPDATES):
            literals = {_LITERALS[m.__class__] for m in form[1:] if m.__class__ in _LITERALS}
            symbols = {member.name for member in form[1:] if member.__class__ is Symbol}
            operands |= symbols
            for symbol in symbols.intersection(parameters):
                meets.setdefault(symbol, set()).update(literals)
        elif name in ("at", "set@") and len(form) == (3 if name == "at" else 4):
            if form[1].__class__ is Symbol:
                lists.add(form[1].name)
        elif name in _RANGES or name in ("range", "ρ"):
            bounds.update(m.name for m in form[1:] if m.__class__ is Symbol)
            if name == "ρ" and form[-1].__class__ is Symbol:
                bounds.discard(form[-1].name)
        elif name in _LOOPS:
            loops = True
            if name in _WALKS and len(form) > 2:
                walked += [(v.name, s.name) for v, s in _walked(form) if s.__class__ is Symbol]
    guess = {name: FLOAT if classes == {FLOAT} else INT for name, classes in meets.items()}
    lists.update(source for variable, source in walked if variable in operands)
    lists.intersection_update(parameters)
    if loops:
        guess.update(dict.fromkeys(bounds.intersection(parameters) - lists - {*guess}, INT))
    found = [guess] if guess else []
    if loops and lists:
        kinds = [NUMBERS] if decimals else [INTEGERS, NUMBERS]
        found[:0] = [{**guess, **dict.fromkeys(lists, kind)} for kind in kinds]
    return found
