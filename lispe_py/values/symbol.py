"""Symbols: interned names."""

from __future__ import annotations

from typing import Any


class Symbol:
    """A name of the language. Two symbols of one spelling are one object.

    >>> Symbol("car") is Symbol("car")
    True
    """

    __slots__ = ("name", "__weakref__")
    _table: dict[str, Symbol] = {}
    name: str

    def __new__(cls, name: str) -> Symbol:
        symbol = cls._table.get(name)
        if symbol is None:
            symbol = object.__new__(cls)
            # A plain string, whatever subclass a parser's token is.
            name = symbol.name = str(name)
            # setdefault: two threads that meet a new name agree on one object.
            symbol = cls._table.setdefault(name, symbol)
        return symbol

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return Symbol, (self.name,)

    def __copy__(self) -> Symbol:
        return self

    def __deepcopy__(self, memo: Any) -> Symbol:
        return self


#: What ``println`` returns: an atom that prints as nothing.
NOTHING = Symbol("")
