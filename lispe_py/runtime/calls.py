"""Calling whatever stands for a function, and running code made at run time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from lispe_py.errors import LispError
from lispe_py.printer import show
from lispe_py.protocol import adapter_for
from lispe_py.registry import Entry, registry
from lispe_py.runtime import arithmetic, sequence
from lispe_py.runtime.frames import FrameMap, callers_variable, unbound
from lispe_py.runtime.mapping import element_function
from lispe_py.runtime.support import UNBOUND
from lispe_py.values.functions import FORMS
from lispe_py.values.instances import Instance
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Caught, Data
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import type_name

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

_CALLABLE = (FunctionType, BuiltinFunctionType, MethodType, type)
_LAMBDA = (Symbol("λ"), Symbol("lambda"), Symbol("\\"))


def is_callable(value: Any) -> bool:
    """May the value stand at the head of a call as it is?"""
    if isinstance(value, _CALLABLE):
        return True
    if value is None or isinstance(value, (str, int, float, list, dict, Symbol)):
        return False
    return adapter_for(value.__class__).call(value) is not None


def resolve(lisp: LispE, function: Any, slot: str) -> Callable[..., Any]:
    """A Python callable for a function, a name, a lambda form or a partial form."""
    if isinstance(function, _CALLABLE):
        info = getattr(function, "lisp_class", None)
        found: Callable[..., Any] = info.constructor if info is not None else function
        return found
    if function.__class__ is Symbol:
        return named(lisp, function.name)
    if function.__class__ is Tail:
        function = List(function)
    if isinstance(function, list) and not isinstance(function, Data):
        if function and function[0] in _LAMBDA:
            compiled: Callable[..., Any] = lisp.evaluate(function)
            return compiled
        return partial_form(lisp, function, slot)
    call = adapter_for(function.__class__).call(function)
    if call is not None:
        return call
    if isinstance(function, (Instance, Data)) or function is None or function is True:
        raise LispError("Not a function or a data structure")
    raise LispError(f"unknown instruction: '{type_name(function)}'")


def named(lisp: LispE, name: str) -> Callable[..., Any]:
    """The function that a name stands for."""
    scope = lisp.scope
    if name in lisp.classes:
        constructor: Callable[..., Any] = lisp.classes[name].constructor
        return constructor
    found = scope.get(f"{name}()")
    if found is None:
        entry = lisp.entry(name)
        if entry is not None:
            if entry.special:
                return special_as_function(lisp, name)
            found = _checked(entry, lisp.scope[lisp.bind(entry)])
    if found is None:
        found = scope.get(name)
    if found is None:
        value = callers_variable(name, scope, sys._getframe(1))
        if value is UNBOUND:
            raise unbound(name)
        found = value
    if isinstance(found, _CALLABLE):
        callable_: Callable[..., Any] = found
        return callable_
    return named(lisp, found.name) if isinstance(found, Symbol) else resolve(lisp, found, "last")


def _checked(entry: Entry, function: Any) -> Any:
    """A primitive for calls that the compiler has not seen: it counts its arguments.

    Python's own signature does that, except where it takes any number of them.
    """
    rest = any(p.rest for p in entry.parameters)
    if not rest or entry.least == sum(p.required for p in entry.parameters):
        return function

    def counted(*args: Any) -> Any:
        if not entry.accepts(len(args)):
            raise LispError(f"Wrong number of arguments for: '{entry.name}'")
        return function(*args)

    return counted


def special_as_function(lisp: LispE, name: str) -> Callable[..., Any]:
    """``(foldl 'and ...)``: a special form as a function of evaluated arguments."""
    by_count: dict[int, Callable[..., Any]] = {}

    def function(*args: Any) -> Any:
        compiled = by_count.get(len(args))
        if compiled is None:
            names = [Symbol(f"a{i}") for i in range(len(args))]
            form = List([_LAMBDA[0], List(names), List([Symbol(name), *names])])
            compiled = by_count[len(args)] = lisp.evaluate(form)
        return compiled(*args)

    return function


def partial_form(lisp: LispE, form: list[Any], slot: str) -> Callable[..., Any]:
    """``(op v)`` as a function of one element.

    ``_`` marks the place of the element. Without it, the composed functions
    put it first, ``(op x v)``, and the others last, ``(op v x)``; in a composed
    ``(v op)`` the operator comes last and the element after the value.
    """
    if not form:
        raise LispError("missing operator")
    head, last = form[0], form[-1]
    if _leads(head) and (len(form) < 2 or not _is_operator(lisp, last)):
        function, values = _operator(lisp, head, slot), list(form[1:])
    elif slot == "first" and last.__class__ in (Symbol, Held):
        function, values = _operator(lisp, last, slot), [*form[:-1], None]
    else:
        raise LispError("missing operator")
    place = next((i for i, v in enumerate(values) if v is None), None)
    values = [_argument(lisp, v) for v in values]
    if place is not None:
        before, after = values[:place], values[place + 1 :]
        return lambda x: function(*before, x, *after)
    if slot == "first":
        return lambda x: function(x, *values)
    return lambda x: function(*values, x)


class Held:
    """A value in a partial form: that of a local variable, which has no name at run time."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _leads(head: Any) -> bool:
    """May it be the operator of a partial form?"""
    if head.__class__ is Held:
        return head.value.__class__ is Symbol or isinstance(head.value, _CALLABLE)
    return head.__class__ is Symbol


def _operator(lisp: LispE, form: Any, slot: str) -> Callable[..., Any]:
    if form.__class__ is Held:
        return resolve(lisp, form.value, slot)
    return named(lisp, form.name)


def _is_operator(lisp: LispE, form: Any) -> bool:
    return (
        form.__class__ is Symbol
        and form.name not in lisp.scope
        and (registry.get(form.name) is not None or f"{form.name}()" in lisp.scope)
    )


def _argument(lisp: LispE, form: Any) -> Any:
    """A value inside a partial form: names are variables, quotes are taken off."""
    if form.__class__ is Held:
        return form.value
    if form.__class__ is Symbol:
        value = lisp.scope.get(form.name, UNBOUND)
        if value is UNBOUND:
            value = callers_variable(form.name, lisp.scope, sys._getframe(1))
        return form if value is UNBOUND else value
    if isinstance(form, list) and form and form[0].__class__ is Symbol:
        return lisp.evaluate(form)
    return form


def caller_value(lisp: LispE, name: str) -> Any:
    value = callers_variable(name, lisp.scope, sys._getframe(1))
    if value is UNBOUND:
        value = lisp.scope.get(name, UNBOUND)
    if value is UNBOUND:
        raise unbound(name)
    return value


def frozen(form: Any) -> Any:
    """A form as something hashable that equals it only if it reads the same."""
    if isinstance(form, (list, Tail)):
        return (form.__class__, *[frozen(m) for m in form])
    if form.__class__ in (int, float, str, Symbol, bytes, complex, bool) or form is None:
        return (form.__class__, form)
    # Anything else stands in the form by identity; it is kept alive by the key.
    return _Identity(form)


class _Identity:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.value is self.value


def read_source(path: str | os.PathLike[str]) -> str:
    """The text of a source file."""
    try:
        with open(path, "rb") as stream:
            return stream.read().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        raise LispError(
            f"this file is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}",
            file=os.fspath(path),
            line=before.count(b"\n") + 1,
            column=len(before) - (before.rfind(b"\n") + 1) + 1,
        ) from None


def helpers(lisp: LispE) -> dict[str, Any]:
    """The helpers of compiled code that need the interpreter."""
    scope = lisp.scope

    def callable_(value: Any) -> Callable[..., Any]:
        return value if value.__class__ is FunctionType else head(value)

    def head(value: Any) -> Callable[..., Any]:
        if isinstance(value, list) and value and value[0] in _LAMBDA:
            return resolve(lisp, value, "last")
        if value.__class__ is Symbol:
            return named(lisp, value.name)
        if isinstance(value, (list, Tail, dict)) or value is None or value is True:
            raise LispError("Not a function or a data structure")
        if isinstance(value, (int, float, str)):
            raise LispError(f"unknown instruction: '{type_name(value)}'")
        return resolve(lisp, value, "last")

    def call_or_list(value: Any, *args: Any) -> Any:
        if value.__class__ is FunctionType or is_callable(value):
            return resolve(lisp, value, "last")(*args)
        if value.__class__ is Symbol and (args or f"{value.name}()" in scope):
            return named(lisp, value.name)(*args)
        if isinstance(value, list) and value and value[0] in _LAMBDA:
            return resolve(lisp, value, "last")(*args)
        if not args and (value is None or value is True or value.__class__ is Symbol):
            # ((or a b)) is the predicate's value.
            return value
        return List([value, *args])

    def space_function(name: str, spaces: tuple[str, ...]) -> Callable[..., Any]:
        for space in reversed(spaces):
            found = scope.get(f"{name}@{space}()")
            if found is not None:
                return found  # type: ignore[no-any-return]
        return named(lisp, name)

    def call_or_read(value: Any, operator: Any, *args: Any) -> Any:
        """``(table @ key)``: the table's member, where the value is no function."""
        if isinstance(value, dict):
            return sequence.at(value, *args)
        return callable_(value)(operator, *args)

    def choose(local: Any, function: Any) -> Any:
        return local if is_callable(local) else function

    def is_class(name: str) -> bool:
        return name in lisp.classes

    def is_instance(value: Any) -> bool:
        return isinstance(value, Instance)

    def eval_(form: Any, frame: FrameMap | None = None) -> Any:
        if form.__class__ is str:
            from lispe_py.reader import read

            forms = read(form)
            if not forms:
                return None
            # Text is compiled with its definitions; its first form is the value.
            first = forms[0]
            return (
                lisp.evaluate(first, frame)
                if isinstance(first, list)
                else (lisp.evaluate(List([Symbol("block"), first]), frame))
            )
        return lisp.evaluate(form, frame)

    def loadcode(text: Any, frame: FrameMap | None = None) -> Any:
        if not isinstance(text, str):
            raise LispError("a text is expected")
        return lisp.evaluate_text(text, frame=frame)

    def load_text(text: Any, space: Any) -> Any:
        if not isinstance(text, str):
            raise LispError("a text is expected")
        name = space.name if isinstance(space, Symbol) else space
        if name is not None and not isinstance(name, str):
            raise LispError("the name of a space is expected")
        return lisp.evaluate_text(text, space=name)

    def define(key: str, name: str, form: List) -> None:
        function = scope[key]
        function.__name__ = function.__qualname__ = name
        if isinstance(form[0], list):
            # A pattern function: all its bodies, to which later texts may add.
            function.__lisp_bodies__ = form
            form = form if len(form) > 1 else List(form[0])
        function.__lisp_form__ = form
        function.__lisp_key__ = key
        if key == f"{name}()":
            # The name as a variable means the function, unless it was set to something else.
            before = scope.get(name)
            if before is None or getattr(before, "__lisp_key__", None) == key:
                scope[name] = function

    def caught() -> Caught:
        error = sys.exc_info()[1]
        assert isinstance(error, Exception)
        return lisp.caught(error)

    def handle(handler: Any, error: Caught) -> Any:
        return handler(error.error.text) if is_callable(handler) else handler

    def element(function: Any) -> Callable[[Any], Any]:
        return element_function(lisp, function)

    def fold(operator: str, value: Any) -> Any:
        return arithmetic.fold(operator, value, lisp.promote)

    def set_constant(name: str) -> None:
        lisp.constants |= {name}

    return {
        "callable": callable_, "call_or_list": call_or_list, "call_or_read": call_or_read,
        "choose": choose, "space_function": space_function, "is_class": is_class,
        "is_instance": is_instance, "eval": eval_, "loadcode": loadcode, "load_text": load_text,
        "define": define, "caught": caught,
        "handle": handle, "set_constant": set_constant, "add_forms": scope[FORMS].update,
        "show": show, "element_function": element, "fold": fold, "held": Held,
    }  # fmt: skip
