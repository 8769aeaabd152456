"""Sorted order on demand, for the dictionaries and sets that show it.

The hash table does the look-ups. A sorted list of the keys is built when the
order is first asked for, and kept up from then on; until then the module that
keeps it is not even imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def in_order(keys: Iterable[Any]) -> Any:
    """A sorted list that stays sorted: ``add``, ``remove``, iteration, indexing."""
    from sortedcontainers import SortedList

    return SortedList(keys)
