"""Values between Python and the language, by one table.

| Python | LispE | back in Python |
| --- | --- | --- |
| ``None``, ``False`` | ``nil`` | ``None`` |
| ``True`` | ``true`` | ``True`` |
| ``int float complex str bytes`` | the same | the same |
| ``list tuple`` | a list | ``list`` |
| ``dict`` with string keys | ``dictionary_`` | ``dict`` |
| ``dict`` with integer, number keys | ``dictionary_i_``, ``dictionary_n_`` | ``dict`` |
| ``set frozenset`` of strings, integers, numbers | ``set_s_``, ``set_i_``, ``set_n_`` | ``set`` |
| ``array.array``, ``numpy.ndarray`` of one axis | a typed list | ``array.array`` |
| a function, a tensor, any other object | itself | itself |
"""

from __future__ import annotations

import array
from typing import Any

from lispe_py.values.dictionaries import Dictionary, DictionaryI, DictionaryN
from lispe_py.values.lists import List, Tail
from lispe_py.values.sets import Set, SetI, SetN, SetS
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import Floats, Integers, Numbers, Numeric, Shorts

_PLAIN = frozenset([int, float, complex, str, bytes, Symbol])
_CODES = {"h": Shorts, "f": Floats, "d": Numbers, "q": Integers, "i": Integers, "l": Integers}


def from_python(value: Any) -> Any:
    """A Python value as the language knows it; see the table of the module."""
    cls = value.__class__
    if cls in _PLAIN or value is None or value is True:
        return value
    if value is False:
        return None
    if cls in (list, tuple):
        return List(from_python(item) for item in value)
    if cls is dict:
        return _dictionary(value)
    if cls in (set, frozenset):
        return _set(value)
    if cls is array.array and value.typecode in _CODES:
        return _CODES[value.typecode](value)
    if cls.__module__ == "numpy":
        return _from_numpy(value)
    return value


def _kind(keys: list[Any]) -> type | None:
    """``str``, ``int`` or ``float`` when that fits all the keys."""
    classes = {k.__class__ for k in keys}
    if classes <= {int}:
        return int if classes else str
    if classes <= {int, float}:
        return float
    return str if classes <= {str} else None


def _dictionary(value: dict[Any, Any]) -> Any:
    made = {int: DictionaryI, float: DictionaryN}.get(_kind(list(value)) or str, Dictionary)()
    plain = made.__class__ is Dictionary
    for key, item in value.items():
        made[str(key) if plain else key] = from_python(item)
    return made


def _set(value: Any) -> Any:
    cls = {int: SetI, float: SetN, str: SetS}.get(_kind(list(value)) or object, Set)
    return cls(from_python(item) for item in value)


def _from_numpy(value: Any) -> Any:
    """A numpy scalar as a number, an array of one axis as a typed list, others nested."""
    import numpy

    if isinstance(value, numpy.generic):
        return from_python(value.item())
    if not isinstance(value, numpy.ndarray):
        return value
    if value.ndim == 1 and value.dtype.kind in "iuf":
        cls = Integers if value.dtype.kind in "iu" else (
            Floats if value.dtype == numpy.float32 else Numbers)  # fmt: skip
        wanted = {"q": numpy.int64, "f": numpy.float32, "d": numpy.float64}[cls().typecode]
        made = cls()
        made.frombytes(numpy.ascontiguousarray(value, dtype=wanted).tobytes())
        return made
    return from_python(value.tolist())


def to_python(value: Any) -> Any:
    """A value of the language in Python's own containers; see the table of the module."""
    if isinstance(value, (list, Tail)):
        return [to_python(item) for item in value]
    if isinstance(value, dict):
        return {key: to_python(item) for key, item in value.items()}
    if isinstance(value, Numeric):
        return array.array(value.typecode, value)
    if isinstance(value, (SetS, SetI, SetN, Set)):
        return set(value)
    if isinstance(value, Symbol):
        return value.name
    return value
