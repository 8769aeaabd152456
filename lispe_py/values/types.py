"""Which kind a value is of: ``type``, and the tests the runtime makes."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from lispe_py.protocol import adapter_for
from lispe_py.values.dictionaries import DICTIONARIES
from lispe_py.values.functions import form_of
from lispe_py.values.heap import Heap
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Caught, Data, Enumeration, Range, Stream
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.sets import SETS, Set
from lispe_py.values.symbol import Symbol
from lispe_py.values.text import LongString
from lispe_py.values.typed import TYPED, Floats, Integers, Numbers, Shorts

#: The atom of each class of the core.
TYPE_NAMES: dict[type, str] = {
    int: "integer_", float: "number_", Short: "short_", Float32: "float_", complex: "complex_",
    str: "string_", LongString: "longstring_", bytes: "stringbyte_",
    type(None): "atom_", bool: "atom_", Symbol: "atom_",
    List: "list_", Tail: "list_", Data: "data_", LinkedList: "llist_",
    **{cls: cls.atom for cls in TYPED.values()},
    **{cls: cls.atom for cls in DICTIONARIES.values()},
    **{cls: cls.atom for cls in SETS.values()},
    **{cls: cls.atom for cls in (Set, Heap, Caught, Range, Enumeration, Stream)},
    list: "list_", tuple: "list_", dict: "dictionary_",
}  # fmt: skip

#: Kinds of lists; matrices and tensors are lists by their adapters.
LISTS = frozenset({List, Tail, Data, LinkedList, *TYPED.values()})
GENERIC = frozenset({List, Tail, Data})
NUMERIC_LISTS = frozenset({Integers, Shorts, Floats, Numbers})
DICTIONARY_KINDS = frozenset(DICTIONARIES.values())
SET_KINDS = frozenset({Set, *SETS.values()})
NUMBERS = frozenset({int, float, Short, Float32, complex})
TEXTS = frozenset({str, bytes, LongString})


def type_name(value: Any) -> str:
    """The name of the atom that ``(type value)`` answers."""
    cls = value.__class__
    name = TYPE_NAMES.get(cls)
    if name is not None:
        return name
    if cls is FunctionType:
        form = form_of(value)
        if form is not None:
            # A defined function is a list, as its code is; a lambda has a name of its own.
            return "lambda_" if form and form[0] is Symbol("λ") else "list_"
    return adapter_for(cls).type_name(value)


def is_list(value: Any) -> bool:
    """A list of any kind, matrices included."""
    cls = value.__class__
    if cls in LISTS:
        return True
    return cls not in TYPE_NAMES and adapter_for(cls).is_list(value)


def is_number(value: Any) -> bool:
    """A number, complex included, or a foreign value that acts as one."""
    cls = value.__class__
    if cls in NUMBERS:
        return True
    return cls not in TYPE_NAMES and adapter_for(cls).is_number(value)


def is_text(value: Any) -> bool:
    """A string or a byte string."""
    return value.__class__ in TEXTS


def is_dictionary(value: Any) -> bool:
    return value.__class__ in DICTIONARY_KINDS


def is_set(value: Any) -> bool:
    return value.__class__ in SET_KINDS


def is_container(value: Any) -> bool:
    """A list, a dictionary, a set or a heap; not a string."""
    cls = value.__class__
    return cls in DICTIONARY_KINDS or cls in SET_KINDS or cls is Heap or is_list(value)
