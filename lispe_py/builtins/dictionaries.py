"""Dictionaries: their constructors, keys and values."""

from __future__ import annotations

from typing import Any

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime import sequence
from lispe_py.runtime.convert import KEYS
from lispe_py.values.dictionaries import (
    Dictionary,
    DictionaryI,
    DictionaryJson,
    DictionaryN,
    DictionaryTree,
    DictionaryTreeI,
    DictionaryTreeN,
)
from lispe_py.values.lists import List
from lispe_py.values.types import DICTIONARY_KINDS, is_list


def make(cls: type[Dictionary], name: str, pairs: tuple[Any, ...]) -> Dictionary:
    """A dictionary of keys and values in turn, or of those of another; keys are converted."""
    if not pairs:
        return cls()
    convert = KEYS[cls.keys_are]
    if len(pairs) % 2:
        if len(pairs) == 1 and pairs[0].__class__ in DICTIONARY_KINDS:
            return cls((convert(key), value) for key, value in pairs[0].items())
        if len(pairs) == 1 and is_list(pairs[0]):
            raise LispError(f"wrong arguments for '{name}'")
        raise LispError(f"wrong number of arguments for '{name}'")
    return cls(zip(map(convert, pairs[::2]), pairs[1::2], strict=True))


@primitive("dictionary", "dict")
def dictionary(*pairs: Any) -> Dictionary:
    """A dictionary with string keys, from keys and values in turn or from another dictionary.

    (list (dictionary "k" 4) (dictionary {7:"v"}))
    ; ({"k":4} {"7":"v"})
    """
    return make(Dictionary, "dictionary", pairs)


@primitive("dictionaryi")
def dictionaryi(*pairs: Any) -> Dictionary:
    """A dictionary with integer keys.

    (dictionaryi 4 "k")
    ; {4:"k"}
    """
    return make(DictionaryI, "dictionaryi", pairs)


@primitive("dictionaryn")
def dictionaryn(*pairs: Any) -> Dictionary:
    """A dictionary with number keys.

    (dictionaryn 4.5 "k")
    ; {4.5:"k"}
    """
    return make(DictionaryN, "dictionaryn", pairs)


@primitive("dictionarytree", "tree")
def dictionarytree(*pairs: Any) -> Dictionary:
    """A dictionary with string keys that are visited in order.

    (dictionarytree "n" 1 "m" 2)
    ; {"m":2 "n":1}
    """
    return make(DictionaryTree, "dictionarytree", pairs)


@primitive("dictionarytreei", "treei")
def dictionarytreei(*pairs: Any) -> Dictionary:
    """A dictionary with integer keys that are visited in order.

    (dictionarytreei 30 "a" 4 "b")
    ; {4:"b" 30:"a"}
    """
    return make(DictionaryTreeI, "dictionarytreei", pairs)


@primitive("dictionarytreen", "treen")
def dictionarytreen(*pairs: Any) -> Dictionary:
    """A dictionary with number keys that are visited in order.

    (dictionarytreen 2.5 "a" 1.25 "b")
    ; {1.25:"b" 2.5:"a"}
    """
    return make(DictionaryTreeN, "dictionarytreen", pairs)


@primitive("json_dictionary")
def json_dictionary(*pairs: Any) -> Dictionary:
    """A dictionary that keeps the order of insertion, from a flat list of pairs or a dictionary.

    (json_dictionary '("z" 1 "a" 2))
    ; {"z":1 "a":2}
    """
    items = list(pairs)
    if len(items) == 1 and items[0].__class__ in DICTIONARY_KINDS:
        return make(DictionaryJson, "json_dictionary", pairs)
    if len(items) == 1:
        items = list(sequence.iterate(items[0] or ())) if _holds_pairs(items[0]) else [None]
    if len(items) % 2:
        raise LispError("expecting a list of an even number of values")
    return make(DictionaryJson, "json_dictionary", tuple(items))


def _holds_pairs(value: Any) -> bool:
    return value is None or is_list(value)


def _key(cls: type[Dictionary], name: str, accepted: str | None, arguments: tuple[Any, ...]) -> Any:
    """``key@`` and its like: read, store, or create."""
    if not arguments:
        return cls()
    first, *others = arguments
    if first.__class__ not in DICTIONARY_KINDS:
        if len(arguments) == 1:
            raise LispError(f"Wrong number of arguments for: '{name}@'")
        if len(arguments) % 2:
            raise LispError(f"wrong number of arguments for '{name}'")
        return make(cls, name, arguments)
    if accepted is not None and first.keys_are != accepted:
        raise LispError(f"wrong dictionary type for '{name}'")
    convert = KEYS[first.keys_are]
    if len(others) == 1:
        return first.get(convert(others[0]))
    if len(others) % 2 or not others:
        raise LispError(f"wrong number of arguments for '{name}'")
    for key, value in zip(others[::2], others[1::2], strict=True):
        first[convert(key)] = value
    return first


@primitive("key@", "key")
def key(*arguments: Any) -> Any:
    """Read a key of a dictionary, nil if it is absent; or store keys and values.

    Without a dictionary, it makes one with string keys.

    (setq d {"k":4}) (list (key@ d "k") (key@ d "l") (key@ {} "m" 5))
    ; (4 nil {"m":5})
    """
    return _key(Dictionary, "key", None, arguments)


@primitive("keyi@", "keyi")
def keyi(*arguments: Any) -> Any:
    """As ``key@``, for dictionaries with integer keys.

    (keyi@ (dictionaryi 4 44) 4)
    ; 44
    """
    return _key(DictionaryI, "keyi", "integer", arguments)


@primitive("keyn@", "keyn")
def keyn(*arguments: Any) -> Any:
    """As ``key@``, for dictionaries with number keys.

    (keyn@ (dictionaryn 1.5 7) 1.5)
    ; 7
    """
    return _key(DictionaryN, "keyn", "number", arguments)


@primitive("keys@", "containerkeys", "keys")
def keys(container: Any) -> Any:
    """The keys of a dictionary in a typed list; the positions of a list or string.

    Of a set, the members.

    (keys@ (dictionarytree "n" 1 "m" 2))
    ; ("m" "n")
    """
    return sequence.keys(container)


@primitive("values@", "containervalues", "values")
def values(container: Any) -> List:
    """The values of a dictionary, in a list; the members of a set.

    (values@ (dictionarytree "n" 1 "m" 2))
    ; (2 1)
    """
    return sequence.values(container)
