"""Tests of kind and of emptiness."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from lispe_py.protocol import adapter_for
from lispe_py.registry import primitive
from lispe_py.runtime.convert import plain_number
from lispe_py.runtime.reading import form_or_none
from lispe_py.runtime.sequence import size
from lispe_py.runtime.truth import truth
from lispe_py.values.linked import LinkedList
from lispe_py.values.records import Range
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import (
    GENERIC,
    LISTS,
    NUMBERS,
    TEXTS,
    TYPE_NAMES,
    is_container,
    is_list,
    is_number,
)

Truth = bool | None


@primitive("atomp", truth=True)
def atomp(value: Any) -> Truth:
    """Is it an atom? ``nil``, ``true`` and the empty list are.

    (list (atomp 'a) (atomp ()) (atomp 1))
    ; (true true nil)
    """
    cls = value.__class__
    return True if cls is Symbol or value is None or cls is bool or (
        cls in GENERIC and not len(value)
    ) else None  # fmt: skip


@primitive("consp", truth=True)
def consp(value: Any) -> Truth:
    """Is it a list of any kind? Matrices, structures and functions are.

    (list (consp ()) (consp (integers 1)) (consp "a"))
    ; (true true nil)
    """
    if value.__class__ in LISTS:
        return True
    return True if (
        value.__class__ is Range or is_list(value) or form_or_none(value) is not None
    ) else None  # fmt: skip


@primitive("listp", truth=True)
def listp(value: Any) -> Truth:
    """Is it a list of any kind? ``nil`` is, as the empty list.

    (list (listp '(1)) (listp nil) (listp 1))
    ; (true true nil)
    """
    return True if value is None or is_list(value) else None


@primitive("numberp", truth=True)
def numberp(value: Any) -> Truth:
    """Is it a number, complex included?

    (list (numberp 4.5) (numberp "4.5"))
    ; (true nil)
    """
    return True if value.__class__ in NUMBERS or is_number(value) else None


@primitive("integerp", truth=True)
def integerp(value: Any) -> Truth:
    """Is it an integer?

    (list (integerp 4) (integerp 4.5))
    ; (true nil)
    """
    return True if value.__class__ in (int, Short) else None


@primitive("floatp", truth=True)
def floatp(value: Any) -> Truth:
    """Is it a number with a decimal point?

    (list (floatp 4.5) (floatp 4))
    ; (true nil)
    """
    return True if value.__class__ in (float, Float32) else None


@primitive("stringp", truth=True)
def stringp(value: Any) -> Truth:
    """Is it a string or a byte string?

    (list (stringp "a") (stringp 'a))
    ; (true nil)
    """
    return True if value.__class__ in TEXTS else None


@primitive("symbolp", truth=True)
def symbolp(value: Any) -> Truth:
    """Is it an atom that names something? ``nil`` and ``true`` are constants.

    (list (symbolp 'a) (symbolp "a"))
    ; (true nil)
    """
    return True if value.__class__ is Symbol else None


@primitive("functionp", truth=True)
def functionp(value: Any) -> Truth:
    """Can it be called? Functions and lambdas can.

    (list (functionp (lambda (x) x)) (functionp 'car))
    ; (true nil)
    """
    if isinstance(value, (FunctionType, BuiltinFunctionType, MethodType)):
        return True
    cls = value.__class__
    return True if cls not in TYPE_NAMES and adapter_for(cls).call(value) is not None else None


@primitive("nullp", truth=True)
def nullp(value: Any) -> Truth:
    """Is it ``nil`` or the empty list?

    (list (nullp nil) (nullp ()) (nullp 0))
    ; (true true nil)
    """
    if value is None:
        return True
    return True if value.__class__ in GENERIC and not size(value) else None


@primitive("emptyp", truth=True)
def emptyp(value: Any) -> Truth:
    """Does it count as false? ``nil``, zero and everything empty do.

    (list (emptyp "") (emptyp {}) (emptyp '(1)))
    ; (true true nil)
    """
    return None if truth(value) else True


@primitive("zerop", truth=True)
def zerop(value: Any) -> Truth:
    """Is it zero, or an empty value? A text is judged by the number it spells.

    (list (zerop 0) (zerop 0.0) (zerop 4))
    ; (true true nil)
    """
    cls = value.__class__
    if value is None:
        return True
    if cls is complex:
        return True if value == 0 else None
    if cls in TEXTS or is_number(value):
        return True if plain_number(value) == 0 else None
    if cls is Symbol or cls is bool:
        return None
    return True if is_container(value) and not size(value) else None


@primitive("containerp", truth=True)
def containerp(value: Any) -> Truth:
    """Is it a list, a dictionary, a set or a heap?

    (list (containerp '(4)) (containerp {}) (containerp "a"))
    ; (true true nil)
    """
    return True if is_container(value) else None


@primitive("cyclicp", truth=True)
def cyclicp(value: Any) -> Truth:
    """Does a linked list turn in a circle?

    (setq l (llist 4 5)) (extend l l) (cyclicp l)
    ; true
    """
    return True if value.__class__ is LinkedList and value.cyclic else None
