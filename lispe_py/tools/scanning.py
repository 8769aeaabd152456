"""Which names a program binds and uses, and what its functions take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lispe_py.libraries import BUILT_IN, LIBRARIES
from lispe_py.registry import Entry
from lispe_py.testing import KINDS
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

#: Line, column, code and text of a finding.
Found = tuple[int, int, str, str]
Place = tuple[int, int]

CODES = (
    "unknown-name", "unknown-library", "arguments", "unused-variable", "unused-parameter",
    "defined-twice", "integer-first",
)  # fmt: skip

_LOOPS = frozenset({"loop", "for", "whilein"})
_SETTERS = frozenset({"setq", "setg", "setqv", "setq=", "setqi", "setconst"})
_FUNCTIONS = frozenset({"defun", "dethread"})
_PATTERNS = frozenset({"defpat", "defpred", "defprol"})
_LOADERS = frozenset({"load", "loadcode"})
#: Forms whose members are not evaluated, or not as they stand.
_DATA = frozenset({"quote", "data@", "defmacro", "use", "macroexpand"})
#: Forms that hold clauses, from a member on.
_CLAUSES = {"cond": 1, "switch": 2}
#: Forms whose first argument names something.
_NAMING = frozenset({"λ", "let", "lloop", "mloop", "pattern@", "defspace", "space"})
#: Names with a meaning in the forms that hold them.
_WORDS = frozenset({"cut_", "fail_", "-+"})
#: What finds functions and variables by names made at run time.
_DYNAMIC = frozenset({"eval", "loadcode"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})


class Function:
    """What is known of a function of the program: how many arguments it takes."""

    def __init__(self, parameters: List, place: Place) -> None:
        self.place = place
        required = optional = 0
        self.rest = False
        for parameter in parameters:
            if isinstance(parameter, List):
                optional += 1
                self.rest = self.rest or (bool(parameter) and parameter[0] == List())
            else:
                required += 1
        self.least = required
        self.most = None if self.rest else required + optional

    def accepts(self, count: int) -> bool:
        return count >= self.least and (self.most is None or count <= self.most)


class Scan:
    """The names of one file. Add its forms, then ask for the findings.

    Args:
        is_known: does the language, or a library, have something of a name?
    """

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        self.is_known = is_known
        self.forms: list[Any] = []
        #: Names that anything binds: variables, parameters, functions, classes, fields.
        self.bound: set[str] = set()
        self.functions: dict[str, Function | None] = {}
        self.loads: list[str] = []
        self._told: list[Found] = []
        #: Are there names that only a run of the program gives?
        self.open = False

    def add(self, form: Any) -> None:
        """Collect what a form binds."""
        self.forms.append(form)
        for inner in _lists(form):
            head = _name(inner[0]) if inner else None
            if head is not None:
                self._bind(head, inner, inner is form)

    def _bind(self, head: str, form: List, outermost: bool) -> None:
        target = form[1] if len(form) > 1 else None
        if head in _SETTERS or head in _LOOPS:
            self._take_all([target])
        elif head == "loopcount":
            self._take(_counter(form)[1])
        elif head in ("lloop", "mloop", "λ", "pattern@"):
            self._take_all(target)
        elif head == "let" and isinstance(target, List):
            self._take_all([clause[:1] for clause in target if isinstance(clause, List)])
        elif head in _FUNCTIONS or head in _PATTERNS:
            self._define(head, form, outermost)
        elif head == "class@":
            self._take(target)
            for field in form[2] if len(form) > 2 and isinstance(form[2], List) else ():
                self._take(field[0] if isinstance(field, List) and field else field)
            self._take_all([part for part in form[3:] if not isinstance(part, List)])
            self.functions[_name(target) or ""] = None
        elif head == "data@":
            self._take_all(form[1:])
        elif head in ("defspace", "space"):
            self._take(target)
        elif head in _LOADERS or head == "use":
            self._load(head, target)
            self._take_all(form[2:])
        self.open = self.open or head in _DYNAMIC

    def _define(self, head: str, form: List, outermost: bool) -> None:
        name = _name(form[1]) if len(form) > 1 else None
        if name is None or len(form) < 3:
            return
        self.bound.add(name)
        if isinstance(form[2], List):
            self._take_all(form[2])
        known = self.functions.get(name)
        if head in _PATTERNS or not isinstance(form[2], List):
            self.functions[name] = None
        elif outermost and known is not None:
            line, column = _place(form)
            first = known.place[0]
            self._told.append(
                (line, column, "defined-twice", f"'{name}' is defined at line {first} already")
            )
        elif outermost:
            self.functions[name] = Function(form[2], _place(form))
        else:
            # A method, or a function within one: others may have its name.
            self.functions[name] = None

    def _library(self, form: List, name: str) -> None:
        if name not in LIBRARIES and name not in BUILT_IN:
            text = f"there is no library '{name}'"
            self._told.append((*_place(form), "unknown-library", text))

    def _load(self, head: str, target: Any) -> None:
        if isinstance(target, str):
            self.loads.append(str(target))
        elif head == "use" and isinstance(target, List) and _name(target[-1]):
            self._library(target, target[-1].name)
        elif not (isinstance(target, List) and _name(target[0] if target else 0) == "quote"):
            self.open = True

    def _take(self, target: Any) -> None:
        if target.__class__ is Symbol:
            self.bound.add(target.name)
            # (defpat f([a* $ rest]) ...) binds a.
            self.bound.add(target.name.rstrip("*+%") or target.name)

    def _take_all(self, targets: Any) -> None:
        for inner in _everything(targets):
            self._take(inner)

    # ------------------------------------------------------------ findings

    def findings(self, entry: Callable[[str], Entry | None]) -> Iterator[Found]:
        """What looks wrong in the forms that were added."""
        yield from self._told
        for form in self.forms:
            if isinstance(form, List) and form and _name(form[0]) == "test_error":
                continue  # what it holds is wrong on purpose
            for inner, index, called in _uses(form):
                yield from self._use(inner, index, called, entry)
            if isinstance(form, List) and form:
                yield from _unused(form)

    def _use(
        self, form: List, index: int, called: bool, entry: Callable[[str], Entry | None]
    ) -> Iterator[Found]:
        name = form[index].name
        place = _place(form, index)
        if name in self.bound:
            function = self.functions.get(name)
            count = len(form) - 1
            if called and function is not None and not function.accepts(count):
                wanted = _wanted(function.least, function.most)
                yield *_place(form), "arguments", f"'{name}' takes {wanted}, not {count}"
            return
        if called and name in _ARITHMETIC:
            yield from _integer_first(form)
        if self.is_known(name):
            known = entry(name) if called else None
            if known is not None and not known.special and not known.accepts(len(form) - 1):
                wanted = _wanted(known.least, known.most)
                text = f"'{name}' takes {wanted}, not {len(form) - 1}"
                yield *_place(form), "arguments", text
        elif not (self.open or name in KINDS or name in _WORDS or name.startswith("_")):
            yield *place, "unknown-name", f"nothing is called '{name}'"


def _wanted(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least} argument{'s' if least != 1 else ''}"
    if least == most:
        return f"{least or 'no'} argument{'s' if least != 1 else ''}"
    return f"{least} to {most} arguments"


def _integer_first(form: List) -> Iterator[Found]:
    """The first operand decides: ``(- 1 0.9)`` is 1."""
    if len(form) > 2 and form[1].__class__ is int and float in {m.__class__ for m in form[2:]}:
        yield (
            *_place(form),
            "integer-first",
            f"an integer comes first, so the result is one: write {form[1]}.0",
        )


def _unused(form: List) -> Iterator[Found]:
    """Variables and parameters of a function that are given and never asked for."""
    head = _name(form[0])
    if head not in _FUNCTIONS or len(form) < 3 or not isinstance(form[2], List):
        return
    read: set[str] = set()
    given: dict[str, tuple[Place, str]] = {}
    for index, parameter in enumerate(form[2]):
        inner = parameter
        while isinstance(inner, List) and inner:
            inner = inner[1] if inner[0] == List() and len(inner) > 1 else inner[0]
        if inner.__class__ is Symbol:
            given[inner.name] = (_place(form[2], index), "parameter")
    for part in form[2:]:
        for inner in _lists(part):
            name = _name(inner[0]) if inner else None
            binds = name in ("setq", "setqv") and len(inner) > 1
            skipped = 1 if binds and inner[1].__class__ is Symbol else -1
            if skipped == 1:
                given.setdefault(inner[1].name, (_place(inner), "variable"))
            if inner is not form[2]:
                read |= {m.name for n, m in enumerate(inner) if n != skipped and _name(m)}
        if part.__class__ is Symbol:
            read.add(part.name)
    for name, (place, kind) in given.items():
        if name not in read and not name.startswith("_"):
            yield *place, f"unused-{kind}", f"the {kind} '{name}' is not used"


# ---------------------------------------------------------------- going through forms


def _name(value: Any) -> str | None:
    return value.name if value.__class__ is Symbol else None


def _place(form: List, index: int | None = None) -> Place:
    where = getattr(form, "where", None)
    if where is None:
        return 1, 1
    if index is None or index >= len(where.members):
        return where.line, where.column
    line, column = where.members[index][:2]
    return line, column


def _everything(value: Any) -> Iterator[Any]:
    pending = [value]
    while pending:
        inner = pending.pop()
        if isinstance(inner, list):
            pending.extend(inner)
        else:
            yield inner


def _lists(form: Any) -> Iterator[List]:
    """Every list of a form, those under quotes too."""
    pending = [form]
    while pending:
        inner = pending.pop()
        if isinstance(inner, List):
            yield inner
            pending.extend(reversed(inner))


def _uses(form: Any) -> Iterator[tuple[List, int, bool]]:
    """Where names are evaluated: the list, the place in it, and whether it is called."""
    pending: list[tuple[Any, bool]] = [(form, True)]
    while pending:
        inner, is_call = pending.pop()
        if not isinstance(inner, List) or not inner:
            continue
        head = _name(inner[0])
        if head in _DATA:
            continue
        skipped = _not_evaluated(head, inner) if is_call else set()
        clauses = _CLAUSES.get(head or "", len(inner)) if is_call else len(inner)
        for index, member in enumerate(inner):
            if index in skipped:
                continue
            if member.__class__ is Symbol:
                yield inner, index, is_call and index == 0
            else:
                pending.append((member, index < clauses))
        if is_call and skipped:
            pending += [(value, True) for value in _defaults(head, inner)]


def _not_evaluated(head: str | None, form: List) -> set[int]:
    if head in _FUNCTIONS or head in _PATTERNS or head == "class@":
        names = (n for n in range(3, len(form)) if head == "class@" and _name(form[n]))
        return {1, 2, *names}
    if head in _SETTERS or head in _LOOPS or head in _NAMING:
        return {1}
    if head == "load":
        return set(range(2, len(form)))
    return _counter(form)[0] if head == "loopcount" else set()


def _counter(form: List) -> tuple[set[int], Any]:
    """``(loopcount 3 i ...)`` or ``(loopcount 3 into i ...)``: what is no code, and the name."""
    if len(form) > 4 and _name(form[2]) in ("into", "?"):
        return {2, 3}, form[3]
    if len(form) > 3 and _name(form[2]):
        return {2}, form[2]
    return set(), None


def _defaults(head: str | None, form: List) -> Iterator[Any]:
    """What is evaluated within the members that are left out."""
    at = 2 if head in _FUNCTIONS or head == "class@" else 1
    if head in ("let", "λ", "class@") or head in _FUNCTIONS:
        for clause in form[at] if len(form) > at and isinstance(form[at], List) else ():
            if isinstance(clause, List):
                yield from clause[1:]
