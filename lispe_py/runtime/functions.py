"""Functions of one number, applied to whatever may stand for one.

A text counts as the number at its start; lists are mapped, typed lists of any
length through numpy; complex numbers go to ``cmath`` where it has the
function. Outside its domain a function gives NaN, at a pole an infinity, as C
does. Nil, atoms and dictionaries are errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.runtime import vector
from lispe_py.runtime.convert import leading_number
from lispe_py.runtime.elementwise import like, members
from lispe_py.runtime.operands import CONTAINERS, NUMERIC_LISTS, TEXTS, unusable
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List
from lispe_py.values.matrix import Grid
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.typed import Floats, Numbers
from lispe_py.values.types import TYPE_NAMES
from lispe_py.values.unfilled import unfilled

Real = Callable[[float], float]


class Function:
    """A function of one number.

    Attributes:
        name: the language's name, which error messages and adapters see.
        real: the function on a ``float``.
        complex: the one on a complex number, or None.
        numpy: the name of the numpy function over whole lists, or None.
        poles: argument -> value where Python raises and C gives an infinity.
        beyond: the value where the result is too large, given the argument.
    """

    __slots__ = ("beyond", "complex", "name", "numpy", "poles", "real")

    def __init__(
        self, name: str, real: Real, complex: Callable[[Any], Any] | None = None,
        numpy: str | None = None, poles: dict[float, float] | None = None,
        beyond: Real | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.real = real
        self.complex = complex
        self.numpy = numpy
        self.poles = poles or {}
        self.beyond = beyond

    def number(self, value: float) -> float:
        """The function of a plain number."""
        try:
            return self.real(value)
        except ValueError:
            return self.poles.get(value, -math.nan)
        except OverflowError:
            return math.inf if self.beyond is None else self.beyond(value)

    def __call__(self, value: Any) -> Any:
        cls = value.__class__
        if cls is float:
            return self.number(value)
        if cls is int or cls is Short or cls is Float32:
            return self.number(as_float(value))
        if cls is complex:
            if self.complex is None:
                raise LispError(f"'{self.name}' is not defined for complex numbers")
            return self.complex(value)
        if cls in CONTAINERS:
            return self._over(value)
        if cls in TEXTS:
            return self.number(as_float(number_of(value)))
        if isinstance(value, Grid):
            if value.kind in ("strings", "stringbytes"):
                raise unusable(value)
            return value.with_members(self(value.buffer))
        if cls not in TYPE_NAMES:
            adapter = adapter_for(cls)
            own = getattr(adapter, "mathematics", None)
            if own is not None:
                return own(self.name, value)
            if adapter.is_number(value):
                return self.number(as_float(adapter.number(value)))
        raise unusable(value)

    def _over(self, value: Any) -> Any:
        """The function of every member of a list."""
        cls = value.__class__
        if cls in NUMERIC_LISTS:
            kind: Any = Floats if cls is Floats else Numbers
            if self.numpy is not None and vector.use_numpy(len(value)):
                return self._with_numpy(kind, value)
            return kind([self.number(float(member)) for member in value.tolist()])
        results = [self(member) for member in members(value)]
        return like(value, results) if cls is LinkedList else List(results)

    def _with_numpy(self, kind: Any, value: Any) -> Any:
        import numpy

        result = unfilled(kind, len(value))
        assert self.numpy is not None
        with numpy.errstate(all="ignore"):
            getattr(numpy, self.numpy)(
                vector.view(value), out=vector.view(result), casting="unsafe", dtype="d"
            )
        return result


def as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        raise LispError("the integer is too large for a number") from None


def number_of(text: Any) -> int | float:
    """The number at the start of a text, which must have one."""
    plain = text.decode("utf-8", "replace") if text.__class__ is bytes else str(text)
    found = leading_number(plain)
    if not found and not plain.strip()[:2].lstrip("+-.")[:1].isdigit():
        raise unusable(text)
    return found


def plain(value: Any) -> int | float | complex:
    """A scalar argument as a number: numbers, texts, foreign scalars; else an error."""
    cls = value.__class__
    if cls in (int, float, complex):
        return value  # type: ignore[no-any-return]
    if cls is Short:
        return int(value)
    if cls is Float32:
        return float(value)
    if cls in TEXTS:
        return number_of(value)
    if cls not in TYPE_NAMES and adapter_for(cls).is_number(value):
        return adapter_for(cls).number(value)
    raise unusable(value)


def whole(value: Any) -> int:
    """A scalar argument as an integer, cut."""
    number = plain(value)
    if number.__class__ is complex:
        number = number.real
    try:
        return int(number)  # type: ignore[arg-type]
    except (OverflowError, ValueError):
        raise LispError(f"{number} has no integer value") from None


def real(value: Any) -> float:
    """A scalar argument as a number."""
    number = plain(value)
    return as_float(number.real if isinstance(number, complex) else number)
