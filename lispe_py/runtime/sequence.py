"""Containers, whatever their kind: the functions that the rest of the runtime uses.

Reading is in :mod:`.reading`, changing in :mod:`.writing`; both are reached
from here.
"""

from __future__ import annotations

from lispe_py.runtime.reading import (
    at,
    car,
    cdr,
    cell,
    cons,
    is_null,
    iterate,
    keys,
    last,
    members,
    size,
    traverse,
    values,
)
from lispe_py.runtime.writing import (
    append_all,
    construct,
    extend,
    insert,
    insert_sorted,
    like,
    pop,
    pop_first,
    pop_last,
    push,
    push_first,
    push_last,
    push_true,
    set_at,
    spliced,
    swap,
    typed,
)

__all__ = [
    "append_all", "at", "car", "cdr", "cell", "cons", "construct", "extend", "insert",
    "insert_sorted", "is_null", "iterate", "keys", "last", "like", "members", "pop", "pop_first",
    "pop_last", "push", "push_first", "push_last", "push_true", "set_at", "size", "spliced",
    "swap", "traverse", "typed", "values",
]  # fmt: skip
