"""The global variables of an interpreter as a Python mapping."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


class Globals(MutableMapping[str, Any]):
    """The global variables and functions of an interpreter, by name.

    What is stored is converted as ``define`` does; what is read is the value
    itself. A function has its signature and its documentation.

    >>> from lispe_py import LispE
    >>> lisp = LispE()
    >>> lisp.globals.update(rate=2, weights=[1, 2])
    >>> lisp.eval("(* rate (sum weights))")
    6
    """

    def __init__(self, lisp: LispE) -> None:
        self._lisp = lisp
        self._values = lisp.scope

    @staticmethod
    def _is_visible(key: object) -> bool:
        return (
            isinstance(key, str) and not key.startswith((".", ":", "__")) and not key.endswith(")")
        )

    def __getitem__(self, name: str) -> Any:
        if not self._is_visible(name):
            raise KeyError(name)
        value = self._values[name]
        if value.__class__ is FunctionType:
            from lispe_py.embedding.functions import describe

            describe(value)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        if not self._is_visible(name):
            raise KeyError(f"not the name of a variable: {name!r}")
        self._lisp.define(name, value)

    def __delitem__(self, name: str) -> None:
        if not self._is_visible(name):
            raise KeyError(name)
        del self._values[name]
        self._values.pop(f"{name}()", None)

    def __contains__(self, name: object) -> bool:
        return self._is_visible(name) and name in self._values

    def __iter__(self) -> Iterator[str]:
        # A copy: a program in another thread may add to them.
        return (k for k in list(self._values) if self._is_visible(k))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Globals({', '.join(self)})"
