"""Arithmetic: what stands behind the operators.

The compiler inlines an operation on two integers or on two numbers; all else
comes here. The left operand decides: its class picks a function from the
table of the operation, and that function looks at the class of the right one.
Containers are worked member by member in :mod:`lispe_py.runtime.elementwise`;
foreign values (tensors, matrices) by their adapters. The path to an adapter is
plain tests and look-ups, so that ``torch.compile`` can trace it.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.protocol import adapter_for
from lispe_py.runtime import elementwise
from lispe_py.runtime.convert import plain_number, to_integer, to_number, truncated
from lispe_py.runtime.limits import claim
from lispe_py.runtime.operands import (
    CONTAINERS,
    NUMBERS,
    NUMERIC_LISTS,
    SETS,
    TEXTS,
    Binary,
    division_by_zero,
    refused,
    too_large,
    unusable,
)
from lispe_py.values.matrix import Grid
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.sets import SetS
from lispe_py.values.text import LongString
from lispe_py.values.typed import Stringbytes, Strings
from lispe_py.values.types import TYPE_NAMES

#: Integers beyond this many bits are refused where one operation could make them.
MOST_BITS = 1 << 26
#: No power in a list of integers needs so many: it is refused before it is computed.
MOST_POWER_BITS = 1000
#: Up to so many, the memory of an integer is nothing.
FEW_BITS = 1 << 20
#: The largest argument of the factorial.
MOST_FACTORIAL = 100_000
#: Integers up to here are exact as numbers.
_EXACT = 1 << 53


# ---------------------------------------------------------------- on plain numbers


def quotient(a: Any, b: Any) -> Any:
    """``/`` on two numbers: a number."""
    if b == 0:
        raise division_by_zero()
    try:
        return a / b
    except OverflowError:
        raise too_large() from None


def remainder(a: Any, b: Any) -> int:
    """``%``: on integers, with the sign of the left operand."""
    a, b = truncated(a), truncated(b)
    if b == 0:
        raise division_by_zero()
    result: int = abs(a) % abs(b)
    return -result if a < 0 else result


def number_power(a: Any, b: Any) -> float:
    """``^^`` on two numbers, as in C: infinite where it is too large, NaN where it is not real."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        return math.inf if a == 0 else -math.nan


def _claim_bits(count: int) -> None:
    """Refuse an integer of so many bits that is too large, or that memory is not granted for."""
    if count > MOST_BITS:
        raise too_large()
    if count > FEW_BITS:
        claim(count // 8)


def exact_power(a: int, b: int) -> int | float:
    """``^^`` in lists of integers: an integer as long as the exponent allows."""
    if b < 0:
        return number_power(a, b)
    if (abs(a).bit_length() - 1) * b > MOST_POWER_BITS:
        raise too_large()
    result: int = a**b
    return result


def shifted_left(a: int, b: int) -> int:
    if b < 0:
        raise LispError(f"cannot shift by a negative number: {b}")
    if not a:
        return 0
    _claim_bits(a.bit_length() + b)
    return a << b


def shifted_right(a: int, b: int) -> int:
    if b < 0:
        raise LispError(f"cannot shift by a negative number: {b}")
    return a >> b


def and_not(a: int, b: int) -> int:
    return a & ~b


def complex_power(a: complex, b: Any) -> complex:
    try:
        result: complex = complex(a) ** b
    except ZeroDivisionError:
        raise division_by_zero() from None
    except OverflowError:
        raise too_large() from None
    return result


def complex_quotient(a: Any, b: Any) -> complex:
    if b == 0:
        raise division_by_zero()
    result: complex = complex(a) / b
    return result


def _complex(function: Binary) -> Binary:
    """An operation on two values of which one at least is complex."""

    def on_complex(a: Any, b: Any) -> complex:
        try:
            result = function(a, b)
        except OverflowError:
            raise too_large() from None
        return result if result.__class__ is complex else complex(result)

    return on_complex


def _cut(function: Binary) -> Binary:
    """An operation on an integer and a number, cut toward zero."""

    def cut(a: int, b: float) -> int:
        if -_EXACT < a < _EXACT:
            return truncated(function(a, b))
        # The integer is beyond what a number holds: compute exactly.
        if not math.isfinite(b):
            raise LispError(f"{b:g} has no integer value")
        return int(function(Fraction(a), Fraction(b)))

    return cut


def _real(function: Binary) -> Binary:
    """An operation on a number and a number or an integer of any size."""

    def real(a: Any, b: Any) -> float:
        try:
            result: float = function(float(a), float(b))
        except OverflowError:
            raise LispError("the integer is too large for a number") from None
        return result

    return real


# ---------------------------------------------------------------- operations


class Operation:
    """One binary operator: how it treats each class of left operand.

    Attributes:
        symbol: the language's spelling.
        commutes: ``op(scalar, list)`` takes the members as left operands.
        bits: it works on integers only; numbers are cut.
        integers: the function on two integers.
        reals: the function on two plain numbers.
        scalars: class of the left operand -> function of both operands.
        promote: mixed operands give a number.
        apply: the operation on any two values.
        chain: the operation on three values or more, from the left.
        own: two versions of ``apply``, for a left or a right operand that nobody
            else holds: a long list may be written over.
    """

    def __init__(
        self, symbol: str, integers: Binary, reals: Binary, complexes: Binary | None,
        *, commutes: bool = False, bits: bool = False, promote: bool = False,
    ) -> None:  # fmt: skip
        self.symbol = symbol
        self.integers = integers
        self.reals = reals
        self.complexes = complexes
        self.commutes = commutes
        self.bits = bits
        self.promote = promote
        self.scalars = self._scalars()
        self.apply = self._apply()
        self.chain = self._chain(None)
        self.own = self._chain(0), self._chain(1)

    def promoted(self) -> Operation:
        """The same operator under the option ``promote``."""
        return Operation(
            self.symbol, self.integers, self.reals, self.complexes,
            commutes=self.commutes, bits=self.bits, promote=True,
        )  # fmt: skip

    def _scalars(self) -> dict[type, Binary]:
        symbol = self.symbol
        table: dict[type, Binary] = {}
        if self.bits or symbol == "%":
            on_integers = self._on_integers()
            table[int] = on_integers
            table[Short] = _then(on_integers, Short)
            for cls in (float, Float32):
                table[cls] = self._on_bits(cls) if self.bits else _then(on_integers, cls)
        elif symbol in ("/", "^^"):
            table[float] = self._on_numbers()
            table[int] = table[Short] = _squared(table[float]) if symbol == "^^" else table[float]
            table[Float32] = _then(table[float], Float32)
        else:
            table[int] = self._on_integer()
            table[Short] = self._on_short(table[int])
            table[float] = self._on_numbers()
            table[Float32] = _then(table[float], Float32)
        if self.complexes is not None:
            table[complex] = self._on_complex(self.complexes)
        if symbol == "+":
            table[str] = _append_text
            table[LongString] = _then(_append_text, LongString)
            table[bytes] = _append_bytes
        return table

    def _on_integer(self) -> Binary:
        """``+ - *`` with an integer on the left."""
        function, cut, real = self.integers, _cut(self.integers), _real(self.reals)
        complexes = self.complexes
        times, promote = self.symbol == "*", self.promote

        def on_integer(a: Any, b: Any) -> Any:
            cb = b.__class__
            if cb is int:
                return function(a, b)
            if cb is float or cb is Float32:
                return real(a, b) if promote else cut(a, b)
            if cb is Short:
                return function(a, int(b))
            if cb is complex:
                assert complexes is not None
                return complexes(a, b)
            if times and (b is None or b is True or cb in TEXTS):
                # Only the product reads its right operand as a number.
                return on_integer(a, plain_number(b))
            raise unusable(b)

        return on_integer

    def _on_short(self, on_integer: Binary) -> Binary:
        def on_short(a: Any, b: Any) -> Any:
            result = on_integer(int(a), b)
            return Short(result) if result.__class__ is int else result

        return on_short

    def _on_numbers(self) -> Binary:
        """A number as the result: a number on the left, or ``/`` and ``^^``."""
        real, complexes = self.reals, self.complexes
        if self.symbol in ("+", "-", "*"):
            real = _real(real)
        divides = self.symbol == "/"

        def on_numbers(a: Any, b: Any) -> Any:
            cb = b.__class__
            if cb is float or cb is int:
                return real(a, b)
            if cb is Float32:
                result = real(float(a), float(b))
                return Float32(result) if divides and a.__class__ is not float else result
            if cb is Short:
                return real(a, int(b))
            if cb is complex:
                assert complexes is not None
                return complexes(a, b)
            raise unusable(b)

        return on_numbers

    def _on_integers(self) -> Binary:
        """``%`` and the bit operators: both sides cut to integers."""
        function = self.integers

        def on_integers(a: Any, b: Any) -> int:
            cb = b.__class__
            if cb is not int:
                if cb is float or cb is Float32 or cb is Short:
                    b = truncated(b)
                elif cb is complex:
                    b = truncated(b.real)
                else:
                    raise unusable(b)
            result: int = function(truncated(a), b)
            return result

        return on_integers

    def _on_bits(self, cls: type) -> Binary:
        """A bit operator with a number on the left."""
        function = self.integers
        shifts = self.symbol in ("<<", ">>")

        def on_bits(a: Any, b: Any) -> Any:
            cb = b.__class__
            if cb not in NUMBERS:
                raise unusable(b)
            right = truncated(b.real)
            if a.is_integer():
                try:
                    return cls(function(int(a), right))
                except OverflowError:
                    raise too_large() from None
            size = _FORMS[cls][2]
            return of_bits(cls, function(bits_of(a), right % size if shifts else right))

        return on_bits

    def _on_complex(self, function: Binary) -> Binary:
        def on_complex(a: Any, b: Any) -> complex:
            if b.__class__ in TEXTS:
                b = to_number(b)
            elif b.__class__ not in NUMBERS:
                raise unusable(b)
            result: complex = function(a, b)
            return result

        return on_complex

    def _apply(self) -> Binary:
        scalars, symbol = self.scalars, self.symbol
        native = _NATIVE.get(symbol)
        operation = self

        def apply(a: Any, b: Any) -> Any:
            # type(), for Dynamo does not find what .__class__ gives in a table.
            ca = type(a)
            cb = type(b)
            if native is not None and ca is float and (cb is float or cb is int):
                return native(a, b)
            scalar = scalars.get(ca)
            if scalar is not None:
                if cb in NUMBERS:
                    return scalar(a, b)
                if cb in CONTAINERS:
                    if cb in SETS and ca not in TEXTS:
                        raise unusable(b)
                    if cb not in SETS:
                        return elementwise.scalar_and_list(operation, a, b)
                if cb in TYPE_NAMES or (ca in TEXTS and not issubclass(cb, Grid)):
                    return scalar(a, b)
                return adapter_for(cb).arithmetic(symbol, a, b)
            if ca in CONTAINERS:
                if cb in TYPE_NAMES:
                    return elementwise.list_and_any(operation, a, b)
                return adapter_for(cb).arithmetic(symbol, a, b)
            if ca not in TYPE_NAMES:
                return adapter_for(ca).arithmetic(symbol, a, b)
            if cb not in TYPE_NAMES and ca in NUMBERS:
                return adapter_for(cb).arithmetic(symbol, a, b)
            raise refused(symbol)

        return apply

    def _chain(self, owned: int | None) -> Callable[..., Any]:
        apply, symbol = self.apply, self.symbol
        at_once = symbol in ("+", "-", "*")

        def chain(first: Any, *others: Any) -> Any:
            if at_once and (type(first) in NUMERIC_LISTS or isinstance(first, Grid)):
                found = elementwise.chain(symbol, first, others, owned)
                if found is not None:
                    return found
            for other in others:
                first = apply(first, other)
            return first

        return chain


#: Python's operators, where a number on the left and a plain number on the right need no more.
_NATIVE: dict[str, Binary] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def _then(function: Binary, back: type) -> Binary:
    """A function whose plain result is stored back in the class of the left operand."""

    def stored(a: Any, b: Any) -> Any:
        result = function(a, b)
        return result if result.__class__ is complex else back(result)

    return stored


def _squared(function: Binary) -> Binary:
    """A power of integers: the square keeps the class of its base."""

    def power_of(a: Any, b: Any) -> Any:
        return a.__class__(a * a) if b.__class__ is int and b == 2 else function(a, b)

    return power_of


#: Class of a number -> its format, that of an integer as wide, and the width in bits.
_FORMS: dict[type, tuple[str, str, int]] = {float: ("<d", "<q", 64), Float32: ("<f", "<i", 32)}


def bits_of(value: Any) -> int:
    """The bits of a number in memory (IEEE 754), as a signed integer.

    The bit operators work on them where a number is no integer.
    """
    form, whole, _ = _FORMS[value.__class__]
    bits: int = struct.unpack(whole, struct.pack(form, value))[0]
    return bits


def of_bits(cls: type, bits: int) -> Any:
    """The number that some bits make; those beyond its width are lost."""
    form, _, size = _FORMS[cls]
    return cls(struct.unpack(form, (bits & ((1 << size) - 1)).to_bytes(size // 8, "little"))[0])


def _append_text(a: str, b: Any) -> str:
    return str(a) + (b if b.__class__ is str else display(b))


def _append_bytes(a: bytes, b: Any) -> bytes:
    if b.__class__ is bytes:
        return a + bytes(b)
    return a + display(b).encode("utf-8", "surrogatepass")


_plus, _minus, _times = _complex(operator.add), _complex(operator.sub), _complex(operator.mul)

#: The operators by their spelling in the language.
OPERATIONS: dict[str, Operation] = {
    o.symbol: o
    for o in (
        Operation("+", operator.add, operator.add, _plus, commutes=True),
        Operation("-", operator.sub, operator.sub, _minus),
        Operation("*", operator.mul, operator.mul, _times, commutes=True),
        Operation("/", quotient, quotient, complex_quotient),
        Operation("%", remainder, remainder, None),
        Operation("^^", exact_power, number_power, complex_power),
        Operation("<<", shifted_left, shifted_left, None, bits=True),
        Operation(">>", shifted_right, shifted_right, None, bits=True),
        Operation("&", operator.and_, operator.and_, None, bits=True, commutes=True),
        Operation("|", operator.or_, operator.or_, None, bits=True, commutes=True),
        Operation("^", operator.xor, operator.xor, None, bits=True, commutes=True),
        Operation("&~", and_not, and_not, None, bits=True),
    )
}

_promoted: dict[str, Operation] = {}


def operations(promote: bool = False) -> dict[str, Operation]:
    """The operators of an interpreter with or without ``promote``."""
    if not promote:
        return OPERATIONS
    if not _promoted:
        _promoted.update({symbol: o.promoted() for symbol, o in OPERATIONS.items()})
    return _promoted


def updates(promote: bool = False) -> dict[str, Binary]:
    """Operator -> the function behind ``+=`` and its like: a container changes in place."""
    return {symbol: _update(o) for symbol, o in operations(promote).items()}


def helpers(promote: bool = False) -> dict[str, Callable[..., Any]]:
    """What compiled code calls for each operator: on two operands, on more, as an update."""
    table: dict[str, Callable[..., Any]] = {}
    for symbol, operation in operations(promote).items():
        table[f"op {symbol}"] = operation.apply
        table[f"chain {symbol}"] = operation.chain
        table[f"own0 {symbol}"], table[f"own1 {symbol}"] = operation.own
        table[f"update {symbol}"] = _update(operation)
    return table


def _update(operation: Operation) -> Binary:
    apply = operation.apply
    powers = operation.symbol == "^^"

    def update(target: Any, value: Any) -> Any:
        result = apply(target, value)
        if powers and isinstance(result, int):
            # Unlike the operator, the update stores a number for a square too.
            return number_power(result, 1)
        if target.__class__ in CONTAINERS or isinstance(target, Grid):
            return elementwise.replaced(target, result)
        return result

    return update


def fold(symbol: str, value: Any, promote: bool = False) -> Any:
    """``(+ '(4 5 6))``: the operation with one operand, a list that it folds."""
    return elementwise.fold(operations(promote)[symbol], value)


# ---------------------------------------------------------------- one operand


def complement(value: Any) -> Any:
    """``~``: all bits inverted; lists member by member."""
    cls = value.__class__
    if cls is int:
        return ~value
    if cls is Short:
        return Short(~int(value))
    if cls in (float, Float32):
        return cls(~int(value)) if value.is_integer() else of_bits(cls, ~bits_of(value))
    if cls in CONTAINERS and cls not in (Strings, Stringbytes, SetS):
        return elementwise.mapped(complement, value)
    if cls not in TYPE_NAMES:
        adapter = adapter_for(cls)
        if adapter.is_list(value) or adapter.is_number(value):
            # ~x is -1 - x
            return adapter.arithmetic("-", -1, value)
    raise LispError("cannot evaluate '~' for this operand")


def factorial(value: Any) -> Any:
    """``!``: the factorial of the integer part; lists member by member."""
    cls = value.__class__
    if cls in CONTAINERS and cls is not SetS:
        return elementwise.mapped(factorial, value)
    if isinstance(value, Grid) and value.buffer.__class__ in NUMERIC_LISTS:
        return value.with_members(factorial(value.buffer))
    if cls not in TYPE_NAMES and not adapter_for(cls).is_number(value):
        raise unusable(value)
    number = value if cls is int else to_integer(value)
    if number < 0:
        raise LispError("factorial of a negative number does not exists")
    if number > MOST_FACTORIAL:
        raise too_large()
    return math.factorial(number)


def negate_sign(value: Any) -> Any:
    """``sign``: the opposite; lists member by member."""
    cls = value.__class__
    if cls in (int, float, complex):
        return -value
    if cls in (Short, Float32):
        return cls(-value)
    if cls in CONTAINERS and cls not in (Strings, Stringbytes, SetS):
        return elementwise.mapped(negate_sign, value)
    if cls not in TYPE_NAMES:
        adapter = adapter_for(cls)
        if adapter.is_list(value) or adapter.is_number(value):
            return adapter.arithmetic("-", 0, value)
    raise LispError("Cannot invert this object")


def signp(value: Any) -> int:
    """``signp``: -1, 0 or 1, by the sign."""
    number = value if value.__class__ in (int, float) else plain_number(value)
    return (number > 0) - (number < 0)
