"""The operators of arithmetic as functions, ``sign`` and ``signp``, sums and products.

The compiler calls the binary operations itself; these serve operators given
to other functions, ``(foldl '+ 0 l)``, and calls by name.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.registry import primitive
from lispe_py.runtime import arithmetic, elementwise, vector
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import in_kind_of
from lispe_py.runtime.operands import CONTAINERS, NUMBERS, NUMERIC_LISTS, SETS, unusable
from lispe_py.values.matrix import Grid
from lispe_py.values.sets import SetS
from lispe_py.values.typed import Stringbytes, Strings
from lispe_py.values.types import TYPE_NAMES


def _all(lisp: Context, symbol: str, values: tuple[Any, ...]) -> Any:
    """An operation on any number of operands, from the left; one list is folded."""
    operation = arithmetic.operations(lisp.promote)[symbol]
    if len(values) == 2:
        return operation.apply(values[0], values[1])
    if len(values) == 1:
        return elementwise.fold(operation, values[0])
    result = values[0]
    for value in values[1:]:
        result = operation.apply(result, value)
    return result


@primitive("+", arity=(1, None), interpreter=True, pure=True)
def plus(lisp: Context, *values: Any) -> Any:
    """The sum; a text as the first operand has the others appended.

    The first operand decides the type: an integer stays one, and the sum is
    cut toward zero at every step. Lists are added member by member; a single
    list is folded.

    (list (+ 1 2.5) (+ 2.5 1) (+ "n=" 5) (+ '(1 2) 10) (+ '(4 5 6)))
    ; (3 3.5 "n=5" (11 12) 15)
    """
    return _all(lisp, "+", values)


@primitive("-", arity=(1, None), interpreter=True, pure=True)
def minus(lisp: Context, *values: Any) -> Any:
    """The difference, from the left; of lists, member by member.

    (list (- 20 5 3) (- 10 '(1 2 3)) (- '(20 4 5)))
    ; (12 (9 8 7) 11)
    """
    return _all(lisp, "-", values)


@primitive("*", arity=(1, None), interpreter=True, pure=True)
def times(lisp: Context, *values: Any) -> Any:
    """The product; of lists, member by member.

    (list (* 2 3 4) (* 5 1.5) (* '(4 5) 2))
    ; (24 7 (8 10))
    """
    return _all(lisp, "*", values)


@primitive("/", arity=(1, None), interpreter=True, pure=True)
def divided(lisp: Context, *values: Any) -> Any:
    """The quotient: a number, also of two integers.

    Typed lists of integers keep their kind, and their quotients are cut.
    Dividing by zero is an error.

    (list (/ 9 2) (/ '(4 5) 2) (/ (integers 9 5) 2))
    ; (4.5 (2 2.5) (4 2))
    """
    return _all(lisp, "/", values)


@primitive("%", arity=(1, None), interpreter=True, pure=True)
def modulo(lisp: Context, *values: Any) -> Any:
    """The remainder of the operands cut to integers, with the sign of the first.

    (list (% -17 5) (% 17.9 5))
    ; (-2 2)
    """
    return _all(lisp, "%", values)


@primitive("^^", "**", arity=(1, None), interpreter=True, pure=True)
def power(lisp: Context, *values: Any) -> Any:
    """The power: a number, folded from the left.

    (list (^^ 2 10) (^^ 2 -2) (^^ 2 3 2))
    ; (1024 0.25 64)
    """
    return _all(lisp, "^^", values)


@primitive("<<", arity=(1, None), interpreter=True, pure=True)
def shift_left(lisp: Context, *values: Any) -> Any:
    """Bits shifted to the left.

    (list (<< 3 4) (<< '(1 2 3) 1))
    ; (48 (2 4 6))
    """
    return _all(lisp, "<<", values)


@primitive(">>", arity=(1, None), interpreter=True, pure=True)
def shift_right(lisp: Context, *values: Any) -> Any:
    """Bits shifted to the right; the sign is kept.

    (list (>> 48 4) (>> -16 2))
    ; (3 -4)
    """
    return _all(lisp, ">>", values)


@primitive("&", arity=(1, None), interpreter=True, pure=True)
def bit_and(lisp: Context, *values: Any) -> Any:
    """The bits that all operands have.

    (& 15 7 5)
    ; 5
    """
    return _all(lisp, "&", values)


@primitive("|", arity=(1, None), interpreter=True, pure=True)
def bit_or(lisp: Context, *values: Any) -> Any:
    """The bits that any operand has.

    (| 1 2 4)
    ; 7
    """
    return _all(lisp, "|", values)


@primitive("^", arity=(1, None), interpreter=True, pure=True)
def bit_xor(lisp: Context, *values: Any) -> Any:
    """The bits that an odd number of operands have.

    (^ 12 10)
    ; 6
    """
    return _all(lisp, "^", values)


@primitive("&~", arity=(1, None), interpreter=True, pure=True)
def bit_and_not(lisp: Context, *values: Any) -> Any:
    """The bits of the first operand that the others do not have.

    (&~ 12 10)
    ; 4
    """
    return _all(lisp, "&~", values)


@primitive("~", pure=True)
def complement(value: Any) -> Any:
    """All bits of an integer inverted; of a list, member by member.

    (list (~ 12) (~ '(0 1)))
    ; (-13 (-1 -2))
    """
    return arithmetic.complement(value)


@primitive("!", pure=True)
def factorial(value: Any) -> Any:
    """The factorial of the integer part, exact; of a list, member by member.

    (list (! 6) (! 25) (! (integers 4 5)))
    ; (720 15511210043330985984000000 (24 120))
    """
    return arithmetic.factorial(value)


@primitive("sign", pure=True)
def sign(value: Any) -> Any:
    """The number, or the members of a typed list, with the opposite sign.

    (list (sign 5) (sign (integers 4 -5)))
    ; (-5 (-4 5))
    """
    return arithmetic.negate_sign(value)


@primitive("signp", pure=True)
def signp(value: Any) -> int:
    """-1, 0 or 1: the sign of a number.

    (list (signp -0.5) (signp 0) (signp 7))
    ; (-1 0 1)
    """
    return arithmetic.signp(value)


# ---------------------------------------------------------------- aggregates

_NO_CONTAINER = "expecting a container as argument"


def _members(value: Any) -> list[Any]:
    cls = value.__class__
    if cls in (Strings, Stringbytes, SetS) or cls not in CONTAINERS:
        raise LispError(_NO_CONTAINER)
    items = elementwise.members(value)
    for item in items:
        if item.__class__ not in NUMBERS:
            raise unusable(item)
    return items


def _foreign(value: Any, name: str) -> Any:
    """The aggregate that the adapter of a foreign value may offer."""
    if value.__class__ in TYPE_NAMES or isinstance(value, Grid):
        return None
    return getattr(adapter_for(value.__class__), name, None)


@primitive("∑", "sum", pure=True)
def total(container: Any) -> Any:
    """The sum of the members of a container.

    A typed list gives its own kind, exactly for integers; a generic list gives
    a number; texts are joined.

    (list (sum (integers 4 5 6)) (sum '(4 0.5)) (sum (strings "u" "v")))
    ; (15 4.5 "uv")
    """
    cls = container.__class__
    if cls in NUMERIC_LISTS:
        return in_kind_of(container, vector.total(container))
    if cls is Strings:
        return "".join(container)
    if cls is Stringbytes:
        return b"".join(container)
    reduce = _foreign(container, "sum")
    if reduce is not None:
        return reduce(container)
    items = _members(container)
    result = sum(items)
    return _number(result) if cls not in SETS else result


def _number(result: Any) -> Any:
    if result.__class__ is complex:
        return result
    try:
        return float(result)
    except OverflowError:
        raise LispError("the integer is too large for a number") from None


@primitive("∏", "product", pure=True)
def product(container: Any) -> Any:
    """The product of the members of a container; 1 if there are none.

    A typed list gives its own kind, exactly for integers; a generic list gives
    a number.

    (list (product (integers 4 5 6)) (product '(4 0.5)))
    ; (120 2)
    """
    cls = container.__class__
    if cls in NUMERIC_LISTS:
        return in_kind_of(container, math.prod(container.tolist()))
    reduce = _foreign(container, "product")
    if reduce is not None:
        return reduce(container)
    items = _members(container)
    result: Any = 1
    for item in items:
        result = operator.mul(result, item)
    return _number(result) if cls not in SETS else result
