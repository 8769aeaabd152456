"""What the list functions share: the function of one element, lists of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lispe_py.errors import LispError
from lispe_py.registry import registry
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import CONVERTERS
from lispe_py.runtime.sequence import like
from lispe_py.values.functions import form_of
from lispe_py.values.lists import List
from lispe_py.values.scalars import Float32
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import TYPED
from lispe_py.values.types import LISTS, NUMBERS, TEXTS

#: Operators of two operands. A composed function that is given a bare one
#: applies it to the element and the element itself: ``(map '* l)`` squares.
BINARY = frozenset([
    "+", "-", "*", "/", "%", "^^", "<<", ">>", "&", "|", "^", "&~",
    "=", "!=", "eq", "neq", "<", "<=", ">", ">=", ">=<", "==", "and", "or", "xor",
])  # fmt: skip

_ARITHMETIC = frozenset(["+", "-", "*", "/", "%", "^^", "<<", ">>", "&", "|", "^", "&~"])

#: Forms that answer true or nil, besides the primitives that say so of themselves.
_LOGIC = frozenset([
    "and", "or", "xor", "not", "¬", "=", "!=", "eq", "neq", "<", "<=", ">", ">=", "boundp",
])  # fmt: skip

#: Class of the first result -> typed list that a list of results becomes.
_BY_FIRST: dict[type, str] = {
    int: "integers",
    float: "numbers",
    Float32: "floats",
    str: "strings",
    bytes: "stringbytes",
}


def element_function(lisp: Context, function: Any) -> Callable[[Any], Any]:
    """The function of one element that a composed list function is given."""
    call = lisp.callable(function, slot="first")
    if function.__class__ is Symbol and function.name in BINARY:
        return lambda x: call(x, x)
    return call


def eager_function(lisp: Context, function: Any) -> Callable[[Any], Any]:
    """The function of one element that an eager list function is given.

    A bare arithmetic operator folds the members that are lists, and leaves
    numbers and texts as they are.
    """
    call = lisp.callable(function)
    if function.__class__ is Symbol and function.name in _ARITHMETIC:
        return lambda x: x if x.__class__ in NUMBERS or x.__class__ in TEXTS else call(x)
    return call


def answers_truth(function: Any) -> bool:
    """Is it known that a function answers true or nil only?

    A built-in says so of itself; a lambda or defined function is judged by its
    last form.
    """
    while True:
        if function.__class__ is Symbol:
            return _is_test(function.name)
        form = function if isinstance(function, list) else form_of(function)
        if not form or form[0].__class__ is not Symbol:
            return False
        name = form[0].name
        if name not in ("λ", "defun", "block"):
            return _is_test(name)
        if len(form) < 2 or not isinstance(form[-1], list):
            return False
        function = form[-1]


def _is_test(name: str) -> bool:
    if name in _LOGIC:
        return True
    entry = registry.get(name)
    return entry is not None and entry.truth


def numbered(results: Iterable[Any]) -> Iterator[int]:
    """The answers of a test as numbers."""
    return (0 if result is None else 1 for result in results)


def kept(container: Any, items: Iterable[Any]) -> Any:
    """Members in a container of the kind of the original; a list where it has no such kind."""
    cls = container.__class__
    if cls in TEXTS:
        return (b"" if cls is bytes else "").join(items)
    return like(container, items) if cls in LISTS else List(items)


def typed_by_first(results: Iterable[Any]) -> Any:
    """A list typed by the first result, to whose kind the others are converted.

    Where one of them does not fit, the list is a generic one; a fresh one may
    be given, which then is the result.
    """
    items = results if isinstance(results, List) else List(results)
    if not items:
        return items
    first = items[0]
    kind = _BY_FIRST.get(first.__class__)
    if kind is None:
        return items
    cls = first.__class__
    convert = CONVERTERS[kind]
    try:
        if set(map(type, items)) == {cls}:
            # All are of one class, which is the rule: nothing is to convert.
            return TYPED[kind](items)
        return TYPED[kind]([item if item.__class__ is cls else convert(item) for item in items])
    except LispError:
        return items
