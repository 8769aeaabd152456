"""Places of forms that were not read but made, and errors that name a place."""

from __future__ import annotations

from typing import Any

from lispe_py.errors import LispError
from lispe_py.values.lists import List, Span


def place_at(form: List, where: Span | None) -> None:
    """Put a list that was made at a place: so are its members that have none."""
    if where is not None:
        place = where[:4]
        members = tuple(
            item.where[:4] if isinstance(item, List) and hasattr(item, "where") else place
            for item in form
        )
        form.where = Span(*where[:5], members)


def error_at(message: str, where: Span | None, **more: Any) -> LispError:
    """An error with a place: what expands a form is not in any traceback."""
    if where is not None:
        more |= {"file": where.file, "line": where.line, "column": where.column}
    return LispError(message, **more)
