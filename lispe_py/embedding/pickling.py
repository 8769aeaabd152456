"""Values as bytes, for the interpreter that made them and for others.

Data is pickled by ``pickle`` alone. Classes and functions belong to an
interpreter: they are kept by name, and the interpreter that loads them looks
the names up among its own definitions.
"""

from __future__ import annotations

import io
import pickle
from contextvars import ContextVar
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from lispe_py.errors import LispError
from lispe_py.values.instances import Instance

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

#: The interpreter for which bytes are being loaded.
_loading: ContextVar[LispE | None] = ContextVar("loading", default=None)


def dumps(lisp: LispE, value: Any, protocol: int | None = None) -> bytes:
    """See :meth:`lispe_py.LispE.dumps`."""
    stream = io.BytesIO()
    try:
        _Pickler(lisp, stream, protocol).dump(value)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise LispError(f"this value cannot be pickled: {error}") from error
    return stream.getvalue()


def loads(lisp: LispE, data: bytes) -> Any:
    """See :meth:`lispe_py.LispE.loads`."""
    token = _loading.set(lisp)
    try:
        return pickle.loads(data)
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, ImportError) as error:
        raise LispError(f"these bytes are not a pickled value: {error}") from error
    finally:
        _loading.reset(token)


class _Pickler(pickle.Pickler):
    """Keeps what belongs to an interpreter by its name."""

    def __init__(self, lisp: LispE, stream: io.BytesIO, protocol: int | None) -> None:
        super().__init__(stream, protocol)
        self.lisp = lisp

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Instance):
            return _instance, (self._class_name(type(value)),), value.__dict__
        if isinstance(value, type) and issubclass(value, Instance):
            return _class, (self._class_name(value),)
        if isinstance(value, FunctionType) and not _of_python(value):
            return _function, (self._function_name(value),)
        if isinstance(value, MethodType) and value.__self__ is self.lisp:
            return _primitive, (self._primitive_name(value),)
        return NotImplemented

    def _class_name(self, cls: type[Instance]) -> str:
        name = cls.lisp_class.name
        if self.lisp.scope.get(f"class {name}()") is not cls:
            raise LispError(f"'{name}' is not, or no longer, a class of this interpreter")
        return name

    def _function_name(self, function: FunctionType) -> str:
        name = function.__name__
        if self.lisp.scope.get(f"{name}()") is not function:
            raise LispError("a function without a name cannot be pickled")
        return name

    def _primitive_name(self, method: MethodType) -> str:
        for key, value in self.lisp.scope.items():
            if key.startswith(":") and value.__class__ is MethodType and value == method:
                return key[1:]
        raise LispError(f"this function cannot be pickled: {method.__name__}")


def _of_python(function: FunctionType) -> bool:
    """Does it lie in a module, where pickle finds it by itself?"""
    import sys

    found: Any = sys.modules.get(function.__module__ or "")
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function


def _interpreter() -> LispE:
    lisp = _loading.get()
    if lisp is None:
        raise LispError("these bytes name what belongs to an interpreter: use its 'loads'")
    return lisp


def _class(name: str) -> Any:
    cls = _interpreter().scope.get(f"class {name}()")
    if cls is None:
        raise LispError(f"Unknown class: '{name}'")
    return cls


def _instance(name: str) -> Any:
    return object.__new__(_class(name))


def _function(name: str) -> Any:
    function = _interpreter().scope.get(f"{name}()")
    if function is None:
        raise LispError(f"Unknown function: '{name}'")
    return function


def _primitive(name: str) -> Any:
    lisp = _interpreter()
    entry = lisp.entry(name)
    if entry is None:
        raise LispError(f"Unknown function: '{name}'")
    return lisp.scope[lisp.bind(entry)]
