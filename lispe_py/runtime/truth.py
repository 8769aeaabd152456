"""What is false: nil, zero, and everything empty."""

from __future__ import annotations

from typing import Any

from lispe_py.protocol import adapter_for
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import TYPE_NAMES


def truth(value: Any) -> bool:
    """Is a value true in a test?

    False are ``nil``, zero of every kind of number, the empty string and every
    empty container.
    """
    if value is None:
        return False
    cls = value.__class__
    if cls is Symbol:
        return True
    if cls in TYPE_NAMES:
        return bool(value)
    return adapter_for(cls).truth(value)
