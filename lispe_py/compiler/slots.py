"""Forms that stand for a function of one argument: ``(- _ 10)``."""

from __future__ import annotations

from typing import Any

from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

#: Functions whose first argument may be a form with a slot, ``(- _ 10)``.
EAGER = frozenset(
    "maplist mapcar filterlist filtercar takelist takecar droplist dropcar scanlist".split()
)


def has_slot(form: Any) -> bool:
    return (
        isinstance(form, List)
        and len(form) > 1
        and form[0].__class__ is Symbol
        and form[0].name not in ("quote", "λ")
        and None in form
    )


def with_quoted_function(form: List) -> List:
    quoted = List([Symbol("quote"), form[1]])
    copy = List([form[0], quoted, *form[2:]])
    if hasattr(form, "where"):
        copy.where = form.where
    return copy
