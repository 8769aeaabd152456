"""From forms as they are read to forms as they are compiled.

Composition dots, operator notation, texts with values in braces and macros are
rewritten, everywhere but under a quote and where a list is no call, such as a
list of parameters. What is not rewritten stays the very same object, so it keeps
its place; a list made here has the place of what it was made from.

The walk keeps a stack of its own: no depth of nesting overflows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lispe_py.errors import LispSyntaxError
from lispe_py.infix import from_infix
from lispe_py.macros import Body, Macros, Steps, run_steps
from lispe_py.places import error_at, place_at
from lispe_py.reader import Braces, read
from lispe_py.values.lists import List, Span
from lispe_py.values.symbol import Symbol

#: Expansions that may stand inside one another before a macro is taken to be endless.
DEEPEST = 10_000
#: Members that the expansions of one form may have altogether.
LARGEST = 5_000_000

_DOT = Symbol(".")
_PLUS = Symbol("+")
_RANGE = Symbol("range")
_AT = Symbol("at")
_BLOCK = Symbol("block")
_QUOTE = Symbol("quote")

# How a member of a special form is walked, where it is no form to evaluate.
_KEEP = "keep"  # as it is
_CLAUSE = "clause"  # its members are forms
_CLAUSES = "clauses"  # a list of clauses whose first member is a name
_PARAMETERS = "parameters"  # names, and (name default)
_PATTERNS = "patterns"  # each member may hold calls

#: In place of a definition that has been recorded.
_GONE = object()

_SHAPES: dict[str, dict[int, str]] = {
    "defun": {2: _PARAMETERS},
    "dethread": {2: _PARAMETERS},
    "class@": {2: _PARAMETERS},
    "λ": {1: _PARAMETERS},
    "defpat": {2: _PATTERNS},
    "defpred": {2: _PATTERNS},
    "defprol": {2: _PATTERNS},
    "let": {1: _CLAUSES},
    "setq": {1: _KEEP},
    "setqv": {1: _KEEP},
    "setg": {1: _KEEP},
    "setq=": {1: _KEEP},
    "setqi": {1: _KEEP},
    "setconst": {1: _KEEP},
    "lloop": {1: _KEEP},
    "mloop": {1: _KEEP},
}
#: From which member on the members of a form are clauses.
_CLAUSES_FROM = {"cond": 1, "switch": 2}
#: Forms that hold no code.
_DATA = {"quote", "data@"}


class Expander:
    """Rewrites forms; knows the macros of one interpreter.

    Args:
        condition: see :class:`lispe_py.macros.Macros`.
    """

    def __init__(self, condition: Callable[[List], bool | None] | None = None) -> None:
        self.macros = Macros(condition)

    def define_macro(self, form: list[Any]) -> None:
        """Add the body of a ``(defmacro name (pattern ...) template)`` form."""
        self.macros.define(form)

    def is_macro(self, name: str) -> bool:
        return name in self.macros

    def macro_names(self) -> list[str]:
        """Every macro, for completion."""
        return self.macros.names()

    def bodies(self, name: str) -> list[Body]:
        """The bodies of a macro, none if it is not one."""
        return self.macros.bodies(name)

    def expand(self, form: Any) -> Any:
        """The whole of a form rewritten, again and again until nothing is left to do.

        A ``defmacro`` inside it is recorded and taken out; where the form itself
        is one, the result is nil.

        Raises:
            LispError: for a misplaced dot, a malformed infix expression, arguments
                no body of a macro takes, or a macro that never ends.
        """
        result = run_steps(_Walk(self.macros).form(form, 0))
        return None if result is _GONE else result

    def expand_once(self, form: Any) -> Any:
        """One step at the head of a form; the form itself where there is none."""
        if not isinstance(form, List):
            return form
        return _rewrite(self.macros, form)[0]


def _is_definition(form: Any) -> bool:
    return (
        isinstance(form, List)
        and len(form) > 0
        and form[0].__class__ is Symbol
        and form[0].name == "defmacro"
    )


def _rewrite(macros: Macros, form: List) -> tuple[Any, list[Any] | None]:
    """One step at the head of a form, and what a macro put in, if it was one."""
    if not form or isinstance(form, Braces):
        return form, None
    head = form[0]
    name = head.name if head.__class__ is Symbol else ""
    if name in _DATA:
        return form, None
    if _DOT in form[1:]:
        return compose(form), None
    if name in macros:
        return macros.expand(form)
    if name == "infix":
        return from_infix(form), None
    if name == "f_":
        return interpolate(form), None
    if name == "loop":
        return counted(form), None
    if name == "at":
        return table(form), None
    if name[:1] == "!" and name[1:].isalnum():
        return apart(form), None
    return form, None


class _Walk:
    """One walk over one form."""

    def __init__(self, macros: Macros) -> None:
        self.macros = macros
        self.made = 0
        # Arguments of macros by identity: they stand as deep in expansions as
        # the call did, not as deep as where the template puts them. The forms
        # are held so that no other takes over an identity.
        self.given: dict[int, tuple[Any, int]] = {}

    def form(self, form: Any, depth: int) -> Steps:
        """Rewrite a form and all it holds; ``depth`` counts expansions around it."""
        while isinstance(form, List):
            if _is_definition(form):
                self.macros.define(form)
                return _GONE
            known = self.given.get(id(form))
            if known is not None:
                depth = known[1]
            result, given = _rewrite(self.macros, form)
            if given is None:
                if result is form:
                    break
            else:
                self._note(given, depth)
                depth += 1
                self._check(form, result, depth)
            form = result
        if not isinstance(form, List) or not form:
            return form
        head = form[0]
        name = head.name if head.__class__ is Symbol else ""
        if name in _DATA:
            return form
        shape = _SHAPES.get(name)
        clauses_from = _CLAUSES_FROM.get(name)
        changes: dict[int, Any] = {}
        for index, item in enumerate(form):
            if not isinstance(item, List) or not item:
                continue
            kind = shape.get(index) if shape is not None else None
            if clauses_from is not None and index >= clauses_from:
                kind = _CLAUSE
            if kind is None:
                new = yield self.form(item, depth)
            elif kind is _KEEP:
                continue
            else:
                new = yield self.members(item, kind, depth)
            if new is not item:
                changes[index] = new
        return _changed(form, changes) if changes else form

    def members(self, form: List, kind: str, depth: int) -> Steps:
        """Rewrite the members of a list that is no call itself."""
        if kind is _CLAUSE and _DOT in form[1:]:
            form = compose(form)
        changes: dict[int, Any] = {}
        for index, item in enumerate(form):
            if not isinstance(item, List) or not item:
                continue
            if kind is _CLAUSE or kind is _PATTERNS:
                new = yield self.form(item, depth)
            elif item[0].__class__ is Symbol:
                # (name default), (name value): the name is no call.
                new = yield self.members(item, _CLAUSE, depth)
            else:
                continue
            if new is not item:
                changes[index] = new
        return _changed(form, changes) if changes else form

    def _note(self, given: list[Any], depth: int) -> None:
        for value in given:
            if isinstance(value, List):
                self.given.setdefault(id(value), (value, depth))
                for member in value:
                    if isinstance(member, List):
                        self.given.setdefault(id(member), (member, depth))

    def _check(self, call: List, result: Any, depth: int) -> None:
        if isinstance(result, List):
            self.made += len(result)
        if depth > DEEPEST or self.made > LARGEST:
            raise error_at(
                f"the macro '{call[0].name}' expands for ever",
                getattr(call, "where", None),
                hint="what it expands to calls it again, whatever its arguments are",
            )


def _changed(form: List, changes: dict[int, Any]) -> List:
    """The list with some of its members replaced, or taken out."""
    new = form.__class__()
    for index, item in enumerate(form):
        item = changes.get(index, item)
        if item is not _GONE:
            new.append(item)
    where: Span | None = getattr(form, "where", None)
    if where is not None:
        kept = [n for n in range(len(where.members)) if changes.get(n) is not _GONE]
        new.where = where._replace(members=tuple(where.members[n] for n in kept))
    return new


# --- composition ------------------------------------------------------------------


def compose(form: List) -> List:
    """``(f a . g b . h c)`` as ``(f a (g b (h c)))``.

    A dot in front is the inner product, not composition. A last part that is one
    literal or one list, as in ``(f . (g x))``, is the argument itself.

    Raises:
        LispError: for a dot with nothing behind it, or two in a row.
    """
    where: Span | None = getattr(form, "where", None)
    dots = [index for index in range(1, len(form)) if form[index] is _DOT]
    if not dots:
        return form
    if dots[-1] == len(form) - 1:
        raise error_at("Wrong use of '.'", where, hint="a call must follow the dot")
    starts = [0, *(dot + 1 for dot in dots)]
    ends = [*dots, len(form)]
    if any(start == end for start, end in zip(starts[1:], ends[1:], strict=True)):
        raise error_at("two '.' in a row. Composition is impossible", where)
    places = where.members if where is not None and len(where.members) == len(form) else ()
    inner: Any = None
    for start, end in zip(reversed(starts), reversed(ends), strict=True):
        part = List(form[start:end])
        last = end == len(form)
        if last and len(part) == 1 and part[0].__class__ is not Symbol:
            inner = part[0]
            continue
        if not last:
            part.append(inner)
        if where is not None and places:
            part.where = _part_place(where, places, start, end, last)
        else:
            place_at(part, where)
        inner = part
    return inner  # type: ignore[no-any-return]


def _part_place(
    where: Span,
    places: tuple[tuple[int, int, int, int], ...],
    start: int,
    end: int,
    last: bool,
) -> Span:
    """The place of a part: from its first member to the end of the call."""
    line, column = where[:2] if start == 0 else places[start][:2]
    # Without the closing bracket, but for the whole.
    end_line, end_column = where[2:4] if start == 0 else places[-1][2:]
    members = places[start:end]
    if not last:
        members += ((*places[end + 1][:2], *places[-1][2:]),)
    return Span(line, column, end_line, end_column, where.file, members)


# --- functions that are not composed ------------------------------------------------


def apart(form: List) -> List:
    """``(!map f (map g l))``: no part of one loop with its list, or with what is around it."""
    members = [*form[1:2], *map(_alone, form[2:])]
    made = List((Symbol(form[0].name[1:]), *members))
    place_at(made, getattr(form, "where", None))
    return _alone(made)


def _alone(form: Any) -> Any:
    """A form that no composition looks into."""
    if not isinstance(form, List) or not form or form[0] is _QUOTE:
        return form
    made = List((_BLOCK, form))
    place_at(made, getattr(form, "where", None))
    return made


# --- spellings of the guides to the torch library ------------------------------------


def counted(form: List) -> List:
    """``(loop (i 0 n) ...)`` and ``(loop i 50 ...)`` as loops over a range.

    Both mean nothing otherwise: a variable is no list, and a number holds nothing.
    """
    variable, *body = form[1:] or [None]
    where: Span | None = getattr(form, "where", None)
    inside: Span | None = None
    if isinstance(variable, List) and len(variable) == 3 and variable[0].__class__ is Symbol:
        inside = getattr(variable, "where", None)
        variable, *ends = variable
    elif variable.__class__ is Symbol and len(form) > 3 and _is_count(body[0]):
        ends = [0, body.pop(0)]
    else:
        return form
    numbers = List((_RANGE, *ends, 1))
    place_at(numbers, inside or where, dict(enumerate(inside.members if inside else ())))
    made = List((form[0], variable, numbers, *body))
    place_at(made, where)
    return made


def _is_count(form: Any) -> bool:
    return form.__class__ is int and form > 0


def table(form: List) -> List:
    """``(@ (@ "key" value) ...)`` as a dictionary: a piece of a literal text is no address."""
    members = form[1:]
    if not members or not all(
        isinstance(m, List) and len(m) == 3 and m[0] is _AT and isinstance(m[1], str)
        for m in members
    ):
        return form
    made = List((Symbol("dictionary"), *(item for m in members for item in m[1:])))
    place_at(made, getattr(form, "where", None))
    return made


# --- texts with values ------------------------------------------------------------


def interpolate(form: List) -> Any:
    """``(f_ "a{x}b{* x 2}")`` as ``(+ "a" x "b" (* x 2))``.

    Between braces stands one form, or the members of a call without its brackets;
    ``%{`` and ``%}`` are braces of the text.

    Raises:
        LispError: without exactly one literal text, or for braces left open.
    """
    where: Span | None = getattr(form, "where", None)
    if len(form) != 2:
        raise error_at("Wrong use of 'f_'", where)
    text = form[1]
    if not isinstance(text, str):
        raise error_at(
            "Wrong use of 'f_'", where, hint="its argument is a text written there, not a variable"
        )
    pieces: list[Any] = []
    plain: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character == "%" and text[position + 1 : position + 2] in ("{", "}"):
            plain.append(text[position + 1])
            position += 2
        elif character == "{":
            value, position = _value(text, position + 1, where)
            if plain or not pieces:
                pieces.append("".join(plain))
                plain.clear()
            pieces.append(value)
        else:
            plain.append(character)
            position += 1
    if plain:
        pieces.append("".join(plain))
    if len(pieces) < 2:
        return pieces[0] if pieces else ""
    call = List((_PLUS, *pieces))
    place_at(call, where)
    return call


def _value(text: str, start: int, where: Span | None) -> tuple[Any, int]:
    """The form between braces from ``start`` on, and where the text goes on."""
    end = text.find("}", start)
    while end >= 0:
        try:
            forms = read(text[start:end])
        except LispSyntaxError as error:
            if not error.incomplete:
                raise error_at(error.message, where) from None
            # This brace stood in a string, or closed one opened in the value.
            end = text.find("}", end + 1)
            continue
        if not forms:
            break
        value = forms[0] if len(forms) == 1 else List(forms)
        _place(value, where)
        return value, end + 1
    raise error_at("Wrong format", where, hint="'%{' writes a brace")


def _place(form: Any, where: Span | None) -> None:
    """Give all lists of a form the place of the text they were read from."""
    stack = [form]
    while stack:
        item = stack.pop()
        if isinstance(item, List):
            if where is not None:
                item.where = Span(*where[:5], (where[:4],) * len(item))
            stack.extend(item)
