"""Programs of the language in Python, by the names of LispE's own Python module.

>>> import pylispe
>>> lisp = pylispe.lisp()
>>> lisp.eval("(+ 10 32)")
42
>>> lisp.execute("size", [1, 2, 3])
3

Unlike there, errors of a program are raised, as :class:`error`, not returned.
Mixed arithmetic gives numbers. ``lispe_py.LispE`` has more to offer.
"""

from __future__ import annotations

from typing import Any

from lispe_py import LispE, LispError
from lispe_py.runtime.interop import from_python, to_python
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

__all__ = ["error", "lisp"]

error = LispError


class lisp:  # noqa: N801 - the name that programs know
    """An interpreter of its own."""

    def __init__(self) -> None:
        self._lisp = LispE(promote=True)

    def eval(self, code: str) -> Any:
        """The value of the last expression of a text, as a Python value."""
        if not isinstance(code, str):
            raise AttributeError("eval takes a string of code")
        return to_python(self._lisp.eval(code))

    def load(self, path: str) -> Any:
        """Run a file; the value of its last expression."""
        if not isinstance(path, str):
            raise AttributeError("load takes the path of a file")
        return to_python(self._lisp.execute(path))

    def execute(self, name: str, *args: Any) -> Any:
        """Call a function or operator.

        A string is the name of a variable; between double quotes it is a text.
        """
        if not isinstance(name, str) or not args:
            raise AttributeError("execute takes a name and one argument or more")
        form = List([Symbol(name), *map(_argument, args)])
        return to_python(self._lisp.evaluate(form))


def _argument(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) >= 2 and value[0] == value[-1] == '"':
            return value[1:-1]
        return Symbol(value)
    converted = from_python(value)
    if isinstance(converted, list):
        return List([Symbol("quote"), converted])
    return converted
