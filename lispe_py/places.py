"""Places of forms that were made and not read, of names, and errors that name a place."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from lispe_py.errors import LispError
from lispe_py.values.lists import List, Span
from lispe_py.values.symbol import Symbol

#: Line, column, end line, end column; all count from 1.
Place = tuple[int, int, int, int]

#: Forms whose first member after the head is written to, not read.
_TARGETS = frozenset({"setq", "setqv", "setg", "setqi", "setconst", "loop", "defun", "let"})
#: How many members are looked at: a large form must not slow its compilation down.
_LIMIT = 200


def place_at(form: List, where: Span | None, known: Mapping[int, Place | None] = {}) -> None:
    """Put a list that was made at a place: so are its members that have none.

    ``known`` has the places of members that are no lists, by their positions.
    """
    if where is not None:
        place = where[:4]
        members = tuple(
            item.where[:4]
            if isinstance(item, List) and hasattr(item, "where")
            else known.get(index) or place
            for index, item in enumerate(form)
        )
        form.where = Span(*where[:5], members)


def seat_of(name: str, form: List) -> Place | None:
    """Where a form has a name first, its own members before those of lists in it.

    A list knows where it stands, a name does not: it is one object wherever it is
    written. The form around it has the places of its members.
    """
    wanted = Symbol(name)
    pending: deque[List] = deque([form])
    looked = 0
    while pending and looked < _LIMIT:
        item = pending.popleft()
        where = getattr(item, "where", None)
        if where is None or not item:
            continue
        head = item[0]
        start = 0
        if head.__class__ is Symbol:
            if head.name == "quote":
                continue
            if head.name in _TARGETS and len(item) > 1 and item[1].__class__ is Symbol:
                start = 2
        looked += len(item)
        for index, place in enumerate(where.members[start:], start):
            if index < len(item) and item[index] is wanted and place:
                return place
        pending.extend(m for m in item if isinstance(m, List))
    return None


def error_at(message: str, where: Span | None, **more: Any) -> LispError:
    """An error with a place: what expands a form is not in any traceback."""
    if where is not None:
        more |= {"file": where.file, "line": where.line, "column": where.column}
    return LispError(message, **more)
