"""What the code of pattern functions asks at run time."""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy
from typing import Any, Protocol

from lispe_py.errors import LispError
from lispe_py.runtime import sequence
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Caught, Data
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import section
from lispe_py.values.types import SET_KINDS, is_list, type_name


def _members(value: Any) -> Any:
    """Something indexable with a length for any kind of list; None for the rest."""
    cls = value.__class__
    if cls is List or cls is Tail or cls is tuple:
        return value
    if value is None or cls is str or not is_list(value):
        return None
    if isinstance(value, list) or hasattr(value, "typecode"):
        return value
    return List(sequence.iterate(value))


def match_list(value: Any, count: int) -> Any:
    """The members of a list of exactly ``count``, else None."""
    if value.__class__ is List or value.__class__ is Tail:
        return value if len(value) == count else None
    members = _members(value)
    return members if members is not None and len(members) == count else None


def match_prefix(value: Any, count: int) -> Any:
    """The members of a list of at least ``count``, else None."""
    members = _members(value)
    return members if members is not None and len(members) >= count else None


def match_rest(members: Any, start: int) -> Any:
    """What follows the first ``start`` members, of the same kind of list."""
    if members.__class__ is Tail:
        base, start = members.base, members.offset + start
        return Tail(base, start) if start < len(base) else List()
    if isinstance(members, List) and type(members) in (List, Data):
        return Tail(members, start) if start < len(members) else List()
    if members.__class__ is tuple:
        return List(members[start:])
    rest = section(members, start)
    # A slice of a list of texts is Python's own list, which is none of the language's.
    return members.__class__(rest) if rest.__class__ is list else rest


def match_segment(members: Any, start: int, stop: int) -> Any:
    part = section(members, start, stop)
    return List(part) if type(part) in (list, tuple) else part


def match_optional(members: Any, start: int, stop: int) -> Any:
    return members[start] if stop > start else None


def match_size(members: Any) -> int:
    return len(members)


def match_empty(value: Any) -> bool:
    """``[]``: an empty list of any kind; nil counts as one."""
    return value is None or (is_list(value) and len(value) == 0)


def match_generic(value: Any) -> bool:
    return value.__class__ is List or value.__class__ is Tail


def match_type(value: Any, name: str) -> bool:
    return type_name(value) == name


def match_data(value: Any, titles: frozenset[Symbol], count: int) -> Any:
    """A structure, or a list written like one, of those names and that size."""
    if isinstance(value, (list, Tail)) and len(value) == count + 1:
        head = value[0]
        if head.__class__ is Symbol and head in titles:
            return value
    return None


def match_dictionary(
    value: Any, keys: tuple[Hashable, ...], free: int, rest: bool
) -> list[Any] | None:
    """Values of the keys, then key and value of ``free`` other pairs, then the rest."""
    if not isinstance(value, dict):
        return None
    spare = len(value) - len(keys) - free
    if spare < 0 or (spare > 0 and not rest):
        return None
    found: list[Any] = []
    for key in keys:
        name = key.name if isinstance(key, Symbol) else key
        if name not in value:
            return None
        found.append(value[name])
    if free or rest:
        others = match_keys(value, keys)
        for key in others[:free]:
            found += [key, value[key]]
        if rest:
            found.append(match_remaining(value, others[free:]))
    return found


def match_keys(value: Any, keys: tuple[Hashable, ...]) -> list[Any]:
    """The keys of a dictionary but those."""
    names = {k.name if isinstance(k, Symbol) else k for k in keys}
    return [k for k in value if k not in names]


def match_remaining(value: Any, keys: list[Any], taken: tuple[Any, ...] = ()) -> Any:
    """A dictionary of the same kind with the pairs of the keys that were not taken."""
    remaining = type(value)()
    for key in keys:
        if key not in taken:
            remaining[key] = value[key]
    return remaining


def match_copy(value: Any) -> Any:
    """A copy of a container, so that a body that fails leaves no trace."""
    if value.__class__ is Tail:
        return List(value)
    if isinstance(value, (list, dict)) or hasattr(value, "typecode"):
        return type(value)(value)
    return copy(value) if value.__class__ is LinkedList or value.__class__ in SET_KINDS else value


def no_match(name: str, refusal: Caught | None = None) -> Any:
    """No body fits; the error of a condition, if there was one, may be why."""
    hint = None if refusal is None else f"a condition ended with '{refusal.error.text}'"
    raise LispError(f"Could not find a match for function: '{name}'", at_call=True, hint=hint)


class Structures(Protocol):
    """The interpreter's structures and classes, by name."""

    data: dict[str, int]
    groups: dict[str, tuple[str, ...]]
    classes: dict[str, Any]


def is_typed(world: Structures, pattern: Any) -> bool:
    """Is a body selected by the type of its first argument?"""
    if pattern.__class__ is Symbol or pattern is None:
        return False
    if not isinstance(pattern, List):
        return True
    if not pattern or hasattr(pattern, "pairs") or pattern[0].__class__ is not Symbol:
        return False
    name = pattern[0].name
    return (
        name == "quote"
        or (name.endswith("_") and len(name) > 1)
        or name in world.data
        or name in world.groups
        or name in world.classes
    )


def helpers() -> dict[str, Any]:
    names = (
        match_list, match_prefix, match_rest, match_segment, match_optional, match_size,
        match_empty, match_generic, match_type, match_data, match_dictionary, match_keys,
        match_remaining, match_copy, no_match,
    )  # fmt: skip
    return {function.__name__: function for function in names}
