"""From Python values to those of the language, and back.

What has no counterpart (a module, a tensor, an object of a program) is passed
as it is: the adapter of its class serves it.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from lispe_py.printer import display
from lispe_py.protocol import adapters_of
from lispe_py.values.dictionaries import Dictionary, DictionaryI, DictionaryN
from lispe_py.values.heap import Heap
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.matrix import Matrix, Tensor, from_array
from lispe_py.values.records import Caught, Enumeration, Range
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.sets import SETS, Set, SetI, SetN, SetS
from lispe_py.values.symbol import NOTHING, Symbol
from lispe_py.values.text import LongString
from lispe_py.values.typed import (
    Floats,
    Integers,
    Numbers,
    Numeric,
    Shorts,
    Stringbytes,
    Strings,
    does_not_fit,
)

# A matrix may come from outside before a program has named anything that makes one.
adapters_of(Matrix.__module__, lambda: import_module("lispe_py.runtime.matrices"))

_AS_THEY_ARE = frozenset({int, float, complex, str, bytes, type(None)})
_BY_CODE = {"h": Shorts, "b": Shorts, "B": Shorts, "f": Floats, "d": Numbers}

_BY_DTYPE = {"int16": "shorts", "int8": "shorts", "uint8": "shorts", "float32": "floats",
             "float16": "floats"}  # fmt: skip


def from_python(value: Any) -> Any:
    """A Python value as a value of the language.

    Lists, tuples and dictionaries are converted with their members; ``False``
    and ``None`` are nil; arrays of ``array`` and numpy become typed lists and
    matrices.

    >>> from_python((1, [True, False]))
    List([1, List([True, None])])
    """
    return _from(value, {})


def _from(value: Any, made: dict[int, Any]) -> Any:
    cls = value.__class__
    if cls in _AS_THEY_ARE:
        return value
    if cls is bool:
        return True if value else None
    if cls is list or cls is tuple:
        found = made.get(id(value))
        if found is None:
            found = made[id(value)] = List()
            found.extend([_from(item, made) for item in value])
        return found
    if cls is dict:
        found = made.get(id(value))
        if found is None:
            found = made[id(value)] = _dictionary_class(value)()
            textual = found.keys_are == "string"
            for key, item in value.items():
                found[_key_text(key) if textual else key] = _from(item, made)
        return found
    if cls is set or cls is frozenset:
        return _set(value, made)
    return _converted(value, made)


def _key_text(key: Any) -> str:
    return key if key.__class__ is str else display(_from(key, {}))


def _dictionary_class(value: Mapping[Any, Any]) -> type[Dictionary]:
    kinds = {key.__class__ for key in value}
    if kinds == {int}:
        return DictionaryI
    if kinds and kinds <= {int, float}:
        return DictionaryN
    return Dictionary


def _set(value: Any, made: dict[int, Any]) -> Any:
    kinds = {item.__class__ for item in value}
    if kinds <= {str}:
        return SetS(value)
    if kinds == {int}:
        return SetI(value)
    if kinds <= {int, float}:
        return SetN([float(item) for item in value])
    result = Set()
    for item in value:
        member = _from(item, made)
        result.add(display(member), member)
    return result


def _converted(value: Any, made: dict[int, Any]) -> Any:
    """Values of classes other than Python's commonest."""
    cls = value.__class__
    if isinstance(value, (Numeric, List, Strings, Stringbytes, Dictionary, SetS)):
        return value
    if isinstance(value, array):
        return _array(value)
    module = str(getattr(cls, "__module__", "")).partition(".")[0]
    if module == "numpy":
        return _from_numpy(value, made)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (Short, Float32, LongString)):
        return value
    if isinstance(value, range):
        return Integers(value)
    # Subclasses, such as a named tuple or an ordered dictionary, act as their base.
    bases: tuple[type[Any], ...] = (list, tuple, dict, set, frozenset, str, int, float)
    for base in bases:
        if isinstance(value, base) and not callable(value):
            return _from(base(value), made)
    return value


def _array(value: array[Any]) -> Any:
    if value.typecode == "u":
        return value.tounicode()
    return _BY_CODE.get(value.typecode, Integers)(value)


def _from_numpy(value: Any, made: dict[int, Any]) -> Any:
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    shape = getattr(value, "shape", None)
    if shape is None:
        return value
    if shape == ():
        return _from(value.item(), made)
    if kind in "iuf":
        if value.dtype.name == "uint64" and value.size and int(value.max()) >> 63:
            raise does_not_fit(int(value.max()), "integers")
        return from_array(value, _BY_DTYPE.get(value.dtype.name))
    if kind == "U":
        return Strings(value.tolist()) if len(shape) == 1 else _from(value.tolist(), made)
    return _from(value.tolist(), made)


def to_python(value: Any) -> Any:
    """A value of the language as Python's own: lists, dictionaries, sets, strings.

    Atoms become strings, a matrix nested lists, an error its ``LispError``.
    Functions, and what the language has only borrowed, stay as they are.

    >>> to_python(List([1, Symbol("a"), Integers([2, 3])]))
    [1, 'a', [2, 3]]
    """
    return _to(value, {})


def _to(value: Any, made: dict[int, Any]) -> Any:
    cls = value.__class__
    if cls in _AS_THEY_ARE or cls is bool:
        return value
    plain = _PLAIN.get(cls)
    if plain is not None:
        return plain(value)
    if isinstance(value, (list, Tail, LinkedList, Heap, Enumeration)):
        found = made.get(id(value))
        if found is None:
            found = made[id(value)] = []
            members = iter(value)
            found.extend([_to(item, made) for item in members])
        return found
    if isinstance(value, dict):
        found = made.get(id(value))
        if found is None:
            found = made[id(value)] = {}
            for key, item in value.items():
                found[key] = _to(item, made)
        return found
    if cls is Set:
        return _plain_set([_to(item, made) for item in value])
    if cls is Range and value.endless:
        return iter(value)
    return value


def _plain_set(members: list[Any]) -> Any:
    try:
        return set(members)
    except TypeError:
        # Lists among them: a Python set cannot hold these.
        return members


_PLAIN: dict[type, Any] = {
    Symbol: lambda v: None if v is NOTHING else v.name,
    Short: int,
    Float32: float,
    LongString: lambda v: str.__str__(v),
    Strings: list,
    Stringbytes: list,
    Range: lambda v: iter(v) if v.endless else list(v),
    Matrix: lambda v: to_python(v.nested()),
    Tensor: lambda v: to_python(v.nested()),
    Caught: lambda v: v.error,
    **dict.fromkeys(Numeric.__subclasses__(), lambda v: v.tolist()),
    **dict.fromkeys(SETS.values(), lambda v: set(set.__iter__(v))),
}
