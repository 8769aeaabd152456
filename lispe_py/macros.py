"""Macros: patterns over forms, and templates.

A macro has bodies ``(defmacro name (pattern ...) template)``, tried in order.
Patterns are those of ``defpat``, applied to forms that are not evaluated: a name
takes any form, ``'x`` is the symbol itself, ``[a b]`` and ``[a $ rest]`` take
lists apart, ``[integer_ x]`` asks for a type. In the template each name stands
for what it took, also under a quote, and ``$ name`` for its members.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from lispe_py.errors import STACK_OVERFLOW
from lispe_py.places import Place, error_at, place_at, seat_of
from lispe_py.reader import Braces
from lispe_py.values.lists import List, Span
from lispe_py.values.symbol import Symbol
from lispe_py.values.text import LongString

#: A computation that asks for the values of others, so that depth costs no stack.
Steps = Generator[Any, Any, Any]

DOLLAR = Symbol("$")
_QUOTE = Symbol("quote")

#: Types that a form can have.
_TYPES: dict[str, tuple[type, ...]] = {
    "integer_": (int,),
    "number_": (float,),
    "complex_": (complex,),
    "string_": (str,),
    "longstring_": (LongString,),
    "stringbyte_": (bytes,),
    "atom_": (Symbol, bool, type(None)),
    "list_": (List,),
}
_REPEATS = "*+%"


def run_steps(steps: Steps) -> Any:
    """Run a computation with a stack of its own."""
    stack = [steps]
    value: Any = None
    while True:
        try:
            asked = stack[-1].send(value)
        except StopIteration as stop:
            stack.pop()
            value = stop.value
            if not stack:
                return value
        else:
            stack.append(asked)
            value = None


class Body(NamedTuple):
    """One body of a macro."""

    patterns: List
    template: Any


class Macros:
    """The macros of an interpreter.

    Args:
        condition: evaluates a test of the pattern language, such as ``(< 5 10)``
            made from the pattern ``(< x 10)``, or gives None if its head is no
            function. Without it such a pattern is a list pattern.
    """

    def __init__(self, condition: Callable[[List], bool | None] | None = None) -> None:
        self.condition = condition
        self._bodies: dict[str, list[Body]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._bodies

    def names(self) -> list[str]:
        return list(self._bodies)

    def bodies(self, name: str) -> list[Body]:
        return list(self._bodies.get(name, ()))

    def table(self) -> dict[str, list[Body]]:
        """Every macro with its bodies."""
        return {name: list(bodies) for name, bodies in self._bodies.items()}

    def update(self, table: dict[str, list[Body]]) -> None:
        """Have these macros with just these bodies, besides the others."""
        self._bodies.update(table)

    def define(self, form: list[Any]) -> None:
        """Add the body of a ``(defmacro name (pattern ...) template)`` form.

        A body with the patterns of an older one replaces it.
        """
        where = getattr(form, "where", None)
        if len(form) != 4:
            raise error_at("wrong number of arguments", where, form=form)
        _, name, patterns, template = form
        if name.__class__ is not Symbol:
            raise error_at("the name of a macro is missing", where, form=form)
        if not isinstance(patterns, List):
            message = "List of missing parameters in a function declaration"
            raise error_at(message, where, form=form)
        bodies = self._bodies.setdefault(name.name, [])
        body = Body(patterns, template)
        for index, other in enumerate(bodies):
            if same_form(other.patterns, patterns):
                bodies[index] = body
                return
        bodies.append(body)

    def expand(self, call: List) -> tuple[Any, list[Any]]:
        """What a call of a macro stands for, and the argument forms put in it.

        Raises:
            LispError: if no body takes these arguments.
        """
        name = call[0].name
        where = getattr(call, "where", None)
        arguments = call[1:]
        for patterns, template in self._bodies[name]:
            bound: dict[Symbol, Any] = {}
            try:
                matches = self._match_list(patterns, 0, arguments, 0, bound)
            except RecursionError:
                # A pattern thousands of brackets deep.
                raise error_at(STACK_OVERFLOW, where, form=call) from None
            if matches:
                seats = {
                    variable: seat_of(form.name, call)
                    for variable, form in bound.items()
                    if form.__class__ is Symbol
                }
                return run_steps(_fill(template, bound, where, seats)), list(bound.values())
        from lispe_py.printer import show

        message = f"cannot apply this macro: {name} to '{show(call)}'"
        raise error_at(message, where, form=call)

    # --- matching ---------------------------------------------------------------

    def _match(self, pattern: Any, form: Any, bound: dict[Symbol, Any]) -> bool:
        if pattern is None:
            return True
        if pattern.__class__ is Symbol:
            return _bind(pattern, form, bound)
        if isinstance(pattern, Braces):
            return isinstance(form, Braces) and self._match_braces(pattern, form, bound)
        if not isinstance(pattern, List):
            return same_form(pattern, form)
        if not pattern:
            return form is None or (isinstance(form, List) and not form)
        head = pattern[0]
        if head is _QUOTE and len(pattern) == 2:
            return same_form(pattern[1], form)
        if head.__class__ is Symbol:
            types = _TYPES.get(head.name)
            if types is not None and len(pattern) <= 2:
                return form.__class__ in types and (
                    len(pattern) == 1 or self._match(pattern[1], form, bound)
                )
            if self.condition is not None:
                outcome = self._test(pattern, form, bound)
                if outcome is not None:
                    return outcome
        if not isinstance(form, List) or isinstance(form, Braces):
            return False
        return self._match_list(pattern, 0, form, 0, bound)

    def _match_list(
        self, patterns: list[Any], p: int, forms: list[Any], f: int, bound: dict[Symbol, Any]
    ) -> bool:
        """Match patterns from ``p`` on against all forms from ``f`` on."""
        while p < len(patterns):
            pattern = patterns[p]
            if pattern is DOLLAR and p + 2 == len(patterns):
                rest = List(forms[f:])
                return patterns[p + 1] is None or self._match(patterns[p + 1], rest, bound)
            if pattern.__class__ is Symbol and len(pattern.name) > 1:
                repeat = pattern.name[-1]
                if repeat in _REPEATS:
                    variable = Symbol(pattern.name[:-1])
                    return self._match_run(variable, repeat, patterns, p + 1, forms, f, bound)
            if f == len(forms) or not self._match(pattern, forms[f], bound):
                return False
            p += 1
            f += 1
        return f == len(forms)

    def _match_run(
        self,
        variable: Symbol,
        repeat: str,
        patterns: list[Any],
        p: int,
        forms: list[Any],
        f: int,
        bound: dict[Symbol, Any],
    ) -> bool:
        """``a*`` takes as few forms as let the rest match, ``a+`` at least one, ``a%`` at most."""
        most = min(f + 1, len(forms)) if repeat == "%" else len(forms)
        for end in range(f + (repeat == "+"), most + 1):
            attempt = dict(bound)
            if repeat == "%":
                taken = forms[f] if end > f else None
            else:
                taken = List(forms[f:end])
            if _bind(variable, taken, attempt) and self._match_list(
                patterns, p, forms, end, attempt
            ):
                bound.clear()
                bound.update(attempt)
                return True
        return False

    def _match_braces(self, pattern: Braces, form: Braces, bound: dict[Symbol, Any]) -> bool:
        """Exactly these members; a name for a key takes the next that is left."""
        if pattern.pairs != form.pairs and len(form) > 1:
            return False
        step = 2 if pattern.pairs else 1
        left = [form[n : n + step] for n in range(1, len(form), step)]
        wanted = [pattern[n : n + step] for n in range(1, len(pattern), step)]
        # What is named exactly is taken first, so that a variable cannot have it.
        wanted.sort(key=lambda member: member[0] is None or member[0].__class__ is Symbol)
        rest = None
        for key, *value in wanted:
            if key is DOLLAR and value:
                rest = value[0]
                continue
            for index, (found, *content) in enumerate(left):
                attempt = dict(bound)
                if self._match(key, found, attempt) and (
                    not value or self._match(value[0], content[0], attempt)
                ):
                    bound.update(attempt)
                    del left[index]
                    break
            else:
                return False
        if rest is not None:
            others = Braces((form[0], *(item for member in left for item in member)))
            return self._match(rest, others, bound)
        return not left

    def _test(self, pattern: List, form: Any, bound: dict[Symbol, Any]) -> bool | None:
        """The outcome of a test on a form, None if this is no test."""
        variable = _last_name(pattern)
        if variable is None or self.condition is None:
            return None
        values = {name: List((_QUOTE, value)) for name, value in bound.items()}
        values[variable] = List((_QUOTE, form))
        head, *arguments = pattern
        test = List((head, *(run_steps(_fill(item, values, None)) for item in arguments)))
        outcome = self.condition(test)
        if outcome is None:
            return None
        return outcome and _bind(variable, form, bound)


def _last_name(test: List) -> Symbol | None:
    """The last name of a test in reading order, in nested calls too, heads left out."""
    last = None
    stack: list[Any] = list(reversed(test[1:]))
    while stack:
        item = stack.pop()
        if item.__class__ is Symbol:
            last = item
        elif isinstance(item, List) and item and item[0] is not _QUOTE:
            stack.extend(reversed(item[1:]))
    return last


def _bind(name: Symbol, form: Any, bound: dict[Symbol, Any]) -> bool:
    """A name met again must have taken the same."""
    if name in bound:
        return same_form(bound[name], form)
    bound[name] = form
    return True


def same_form(left: Any, right: Any) -> bool:
    """Are two forms alike? Numbers compare by value, brackets by their members."""
    stack = [(left, right)]
    while stack:
        a, b = stack.pop()
        if a is b:
            continue
        if isinstance(a, List) or isinstance(b, List):
            if not (isinstance(a, List) and isinstance(b, List)) or len(a) != len(b):
                return False
            stack.extend(zip(a, b, strict=True))
        elif a is True or b is True or a is None or b is None or a != b:
            return False
    return True


# --- templates ------------------------------------------------------------------


def _fill(
    template: Any,
    bound: dict[Symbol, Any],
    where: Span | None,
    seats: Mapping[Symbol, Place | None] = {},
) -> Steps:
    """The template with what its names took in their place.

    ``seats`` tells where the names were written that its names took.
    """
    if template.__class__ is Symbol:
        return bound.get(template, template)
    if not isinstance(template, List):
        return template
    form = template.__class__()
    known = {}
    splice = False
    for item in template:
        if item is DOLLAR and not splice:
            splice = True
            continue
        if item.__class__ is Symbol:
            known[len(form)] = seats.get(item)
            item = bound.get(item, item)
        elif isinstance(item, List):
            item = yield _fill(item, bound, where, seats)
        if not splice:
            form.append(item)
        elif isinstance(item, List) and not isinstance(item, Braces):
            form.extend(item)
        else:
            form.extend((DOLLAR, item))
        splice = False
    if splice:
        form.append(DOLLAR)
    place_at(form, where, known)
    return form
