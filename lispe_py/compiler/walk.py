"""Going through code as data: every form of a body, quotes left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol


def named_forms(body: Any) -> Iterator[tuple[str, List]]:
    """Name and form of every list in a body that a symbol heads, in no set order."""
    pending = [body]
    while pending:
        form = pending.pop()
        if not isinstance(form, List) or not form:
            continue
        head = form[0]
        if head.__class__ is Symbol:
            if head.name == "quote":
                continue
            yield head.name, form
        pending.extend(form)
