"""Instances, classes and data structures at run time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lispe_py.errors import LispError
from lispe_py.printer import show
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.runtime import compare
from lispe_py.values.instances import ClassInfo, Instance
from lispe_py.values.lists import List
from lispe_py.values.records import Data
from lispe_py.values.symbol import Symbol
from lispe_py.values.types import type_name

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


def fields_of(instance: Instance) -> dict[str, Any]:
    """The fields of an instance in the order of its class, added ones last."""
    values = instance.__dict__
    order = type(instance).lisp_class.all_fields
    named = {f: values[f] for f in order if f in values}
    named.update({f: v for f, v in values.items() if f not in named and not f.startswith(".")})
    return named


class InstanceAdapter(Adapter):
    """Instances behave like small containers of their fields."""

    def type_name(self, value: Instance) -> str:
        return type(value).lisp_class.name

    def show(self, value: Instance) -> str:
        if id(value) in _showing:
            return "..."
        _showing.add(id(value))
        try:
            parts = [f'"{name}":{show(item)}' for name, item in fields_of(value).items()]
        finally:
            _showing.discard(id(value))
        return f"({' '.join([type(value).lisp_class.name, *parts])})"

    def is_list(self, value: Instance) -> bool:
        return True

    def size(self, value: Instance) -> int:
        return len(fields_of(value))

    def _field(self, value: Instance, key: Any) -> str:
        fields = fields_of(value)
        if isinstance(key, Symbol):
            key = key.name
        if isinstance(key, str) and key in fields:
            return key
        if isinstance(key, int) and -len(fields) <= key < len(fields):
            return list(fields)[key]
        raise LispError("index out of bounds")

    def at(self, value: Instance, keys: tuple[Any, ...]) -> Any:
        from lispe_py.runtime.sequence import at

        item = getattr(value, self._field(value, keys[0]))
        return at(item, *keys[1:]) if len(keys) > 1 else item

    def set_at(self, value: Instance, keys: tuple[Any, ...], item: Any) -> Any:
        from lispe_py.runtime.sequence import set_at

        field = self._field(value, keys[0])
        if len(keys) > 1:
            item = set_at(getattr(value, field), *keys[1:], item)
        setattr(value, field, item)
        return value

    def iterate(self, value: Instance) -> Iterator[Any]:
        return iter(list(fields_of(value).values()))

    def equal(self, left: Any, right: Any) -> bool:
        if left is right:
            return True
        if left.__class__ is not right.__class__:
            return False
        a, b = fields_of(left), fields_of(right)
        return a.keys() == b.keys() and all(compare.equal(a[k], b[k]) for k in a)

    def call(self, value: Instance) -> None:
        return None


_showing: set[int] = set()


class ClassAdapter(Adapter):
    """A class of the program as a value."""

    name = "class_"

    def show(self, value: Any) -> str:
        info = getattr(value, "lisp_class", None)
        if info is None:
            return str(value.__name__)
        fields = [f if f in info.required else f"({f} {show(d)})" for f, d in info.fields.items()]
        return f"(class@ {info.name} ({' '.join(fields)}))"


register_adapter(Instance, InstanceAdapter())
register_adapter(type, ClassAdapter())


def structure(name: str, form: List) -> Any:
    """The constructor of a ``data@`` structure."""
    title = Symbol(name)
    checks = [_check(field, position) for position, field in enumerate(form[1:], 1)]

    def construct(*values: Any) -> Data:
        if len(values) != len(checks):
            raise LispError("Size mismatch between argument list and data structure definition")
        for check, value in zip(checks, values, strict=True):
            if check is not None:
                check(value)
        return Data([title, *values])

    return construct


def _check(field: Any, position: int) -> Any:
    """A function that refuses values of another type than the field's; None: anything goes."""
    if field is None:
        return None
    nested = field[0].name if isinstance(field, list) and field else None
    wanted = nested or getattr(field, "name", None)
    required = "list_" if nested else wanted

    def check(value: Any) -> None:
        is_structure = isinstance(value, Data) and value and value[0] is Symbol(str(wanted))
        if is_structure and (nested is None or len(value) == len(field)):
            return
        if nested is None and type_name(value) == wanted:
            return
        raise LispError(f"Mismatch on argument: {position} ({required} required)")

    return check


def running_instance(globals_: dict[str, Any]) -> Instance:
    """The instance whose method is running, for functions that a method calls."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is globals_ and ".self" in frame.f_code.co_varnames:
            found = frame.f_locals.get(".self")
            if isinstance(found, Instance):
                return found
        frame = frame.f_back
    raise LispError("this form can only be used within an instance")


def _finalise(instance: Instance) -> None:
    for name in instance.__dict__.get(".clean", ()):
        getattr(instance, f"{name}()")()


def helpers(lisp: LispE) -> dict[str, Any]:
    """The helpers of compiled code for classes and structures."""
    scope = lisp.scope

    def define_data(name: str, form: List) -> None:
        constructor = structure(name, form)
        constructor.__name__ = constructor.__qualname__ = name
        constructor.__lisp_form__ = form  # type: ignore[attr-defined]
        scope[f"{name}()"] = constructor
        scope.setdefault(name, Data([Symbol(name), *[None for _ in form[1:]]]))

    def define_class(info: ClassInfo, methods: tuple[str, ...], cleans: bool) -> None:
        base = scope[f"class {info.base.name}()"] if info.base else Instance
        body: dict[str, Any] = {"lisp_class": info}
        for name in methods:
            function = scope.pop(f"{info.name}.{name}()")
            function.__name__ = name
            function.__qualname__ = f"{info.name}.{name}"
            body[f"{name}()"] = function
        if cleans:
            body["__del__"] = _finalise
        scope[f"class {info.name}()"] = type(info.name, (base,), body)

    def expose_class(name: str) -> None:
        scope[name] = scope[f"class {name}()"]
        lisp.classes[name].constructor = lambda *args: scope[f"{name}()"](None, *args)

    def set_field(name: str, value: Any) -> bool:
        try:
            instance = running_instance(scope)
        except LispError:
            raise LispError("setqi can only be used within an instance") from None
        setattr(instance, name, value)
        return True

    def to_clean(instance: Instance, method: Any) -> bool:
        name = method.name if isinstance(method, Symbol) else str(method)
        if not hasattr(instance, f"{name}()"):
            raise LispError(f"Unknown method: '{name}'")
        instance.__dict__.setdefault(".clean", []).append(name)
        return True

    def check_space(name: str) -> None:
        if name not in lisp.spaces:
            raise LispError(f"Unbound atom: '{name}'", hint="'defspace' opens a name space")

    return {
        "define_data": define_data, "define_class": define_class, "expose_class": expose_class,
        "set_field": set_field, "running_instance": lambda: running_instance(scope),
        "to_clean": to_clean, "new_instance": object.__new__, "add_space": lisp.spaces.add,
        "check_space": check_space,
    }  # fmt: skip
