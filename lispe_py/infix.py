"""Operator notation: ``(infix a + b * c)`` to ``(+ a (* b c))``."""

from __future__ import annotations

from typing import Any

from lispe_py.errors import LispError
from lispe_py.places import Place, error_at, place_at
from lispe_py.values.lists import List, Span
from lispe_py.values.symbol import Symbol

#: Operators by how tightly they bind, the loosest first.
LEVELS: tuple[tuple[str, ...], ...] = (
    ("or", "xor"),
    ("and",),
    ("=", "!=", "<", "<=", ">", ">=", ">=<", "=="),
    ("&", "|", "^", "&~"),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
    ("^^",),
)
BINDING: dict[str, int] = {name: level for level, names in enumerate(LEVELS) for name in names}

#: These take two operands only, so a row of them nests: (!= (!= a b) c).
_BINARY = {"!=", ">=<", "=="}

_INFIX = Symbol("infix")
_QUOTE = Symbol("quote")

#: An operand, the operator of the call that it is, and its place.
_Operand = tuple[Any, str, Place | None]


def is_operator(form: Any) -> bool:
    """Is it an operator that may stand between operands?"""
    return form.__class__ is Symbol and form.name in BINDING


def from_infix(form: List) -> Any:
    """The call that an ``(infix ...)`` form means, its operands left as they are.

    Operators of one level go from the left, a row of one operator becomes one
    call: ``a - b - c`` is ``(- a b c)``. A bracketed operand whose second member
    is an operator becomes an ``infix`` form of its own.

    Raises:
        LispError: where operands and operators do not alternate.
    """
    where: Span | None = getattr(form, "where", None)
    members = form[1:]
    if len(members) % 2 == 0 or not all(is_operator(member) for member in members[1::2]):
        raise malformed(where)
    if len(members) == 1 and isinstance(members[0], List) and members[0][:1] == [_QUOTE]:
        # Data: nothing is rewritten while the program runs.
        raise malformed(where)
    places = where.members[1:] if where is not None else (None,) * len(members)
    # Each operand with the operator of the call it is, where that was made here.
    done: list[_Operand] = [(_operand(members[0], where), "", places[0])]
    pending: list[str] = []
    for symbol, operand, place in zip(members[1::2], members[2::2], places[2::2], strict=True):
        while pending and BINDING[pending[-1]] >= BINDING[symbol.name]:
            _apply(pending.pop(), done, where)
        pending.append(symbol.name)
        done.append((_operand(operand, where), "", place))
    while pending:
        _apply(pending.pop(), done, where)
    return done[0][0]


def _apply(name: str, done: list[_Operand], where: Span | None) -> None:
    right, _, place = done.pop()
    left, made, start = done.pop()
    if made == name and name not in _BINARY:
        call = left
        call.append(right)
        known = dict(enumerate(call.where.members if where is not None else ()))
    else:
        call = List((Symbol(name), left, right))
        known = {1: start}
    place_at(call, where, known | {len(call) - 1: place})
    done.append((call, name, None))


def _operand(form: Any, where: Span | None) -> Any:
    if is_operator(form):
        raise malformed(where)
    if form.__class__ is List and len(form) > 1 and is_operator(form[1]):
        if len(form) == 2:
            return form
        inner = List((_INFIX, *form))
        place_at(inner, getattr(form, "where", None) or where)
        return inner
    return form


def malformed(where: Span | None) -> LispError:
    return error_at(
        "Infix expression is malformed",
        where,
        hint="operands and operators alternate, with blanks between them: (infix a - 1 * b)",
    )
