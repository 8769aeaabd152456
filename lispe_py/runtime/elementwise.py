"""Arithmetic on containers: member by member, into nested lists.

The first list gives the length and the kind of the result. A missing partner
leaves a member as it is; partners without a member are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lispe_py.errors import LispError
from lispe_py.runtime import chains, vector
from lispe_py.runtime.convert import in_kind_of, plain_number, to_number, truncated
from lispe_py.runtime.operands import (
    CONTAINERS,
    GENERIC,
    NUMBERS,
    NUMERIC_LISTS,
    SETS,
    TEXT_LISTS,
    TEXTS,
    division_by_zero,
    refused,
    unusable,
)
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.matrix import Grid
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.sets import SetI, SetN, SetS
from lispe_py.values.typed import Floats, Integers, Numbers, Shorts, Stringbytes, Strings, section
from lispe_py.values.types import TYPE_NAMES

if TYPE_CHECKING:
    from lispe_py.runtime.arithmetic import Operation

#: Class of a scalar -> the typed list it spreads into.
_SPREAD: dict[type, type] = {int: Integers, Short: Shorts, float: Numbers, Float32: Floats}

#: Typed set -> the typed list whose rules its members follow.
_AS_LIST: dict[type, type] = {SetI: Integers, SetN: Numbers, SetS: Strings}


def members(value: Any) -> list[Any]:
    """The members of a container as a Python list."""
    if value.__class__ is LinkedList and value.cyclic:
        raise LispError("arithmetic needs a list that ends")
    return value.tolist() if value.__class__ in NUMERIC_LISTS else list(value)


def like(container: Any, items: list[Any]) -> Any:
    """A container of the kind of another, with other members."""
    cls = container.__class__
    if cls in GENERIC:
        return List(items)
    result = cls(items)
    if cls is LinkedList and container.improper:
        result.make_improper()
    return result


def members_of(value: Any) -> Any:
    """The members of a set as a list, any other value unchanged."""
    return List(value) if value.__class__ in SETS else value


def is_container(value: Any) -> bool:
    return value.__class__ in CONTAINERS and value.__class__ not in SETS


def is_scalar(value: Any) -> bool:
    """A number, or a text, which arithmetic takes as a whole."""
    return value.__class__ in NUMBERS or value.__class__ in TEXTS


# ---------------------------------------------------------------- one member


def member_and(operation: Operation, member: Any, partner: Any) -> Any:
    """A member of a generic list with its partner on the right.

    The scalar rule, but that an integer member has its partner cut before the
    operation, ``/`` and ``^^`` excepted.
    """
    cm = member.__class__
    cp = partner.__class__
    if cm is int:
        if cp is int:
            if operation.symbol in ("/", "^^"):
                return operation.scalars[int](member, partner)
            return operation.integers(member, partner)
        if cp in NUMBERS and operation.symbol not in ("/", "^^"):
            if cp is complex:
                partner = partner.real
            elif operation.promote and cp is not Short:
                return operation.apply(member, partner)
            return operation.integers(member, truncated(partner))
    elif cm in NUMBERS and cm is not complex and cp is complex:
        partner = partner.real
    return operation.apply(member, partner)


# ---------------------------------------------------------------- scalar and list


def scalar_and_list(operation: Operation, scalar: Any, items: Any) -> Any:
    """A scalar on the left of a list."""
    ci = items.__class__
    cs = scalar.__class__
    if not len(items):
        return section(items) if ci in NUMERIC_LISTS else like(items, [])
    if ci in NUMERIC_LISTS and cs in TEXTS and operation.symbol == "+":
        # The rules of the list hold: a text is the number that it spells.
        return vector.scalar_and_typed(operation, scalar, items)
    if cs in TEXTS:
        return _text_and_list(operation, scalar, items)
    if ci in TEXT_LISTS:
        if operation.symbol != "+":
            raise refused(operation.symbol)
        return like(items, [operation.apply(m, scalar) for m in items])
    whole = cs is int or cs is Short
    if operation.symbol == "^^" and cs is not complex and (whole or ci not in NUMERIC_LISTS):
        return _powers(operation, scalar, items)
    if ci in NUMERIC_LISTS:
        return vector.scalar_and_typed(operation, scalar, items)
    if operation.commutes:
        return like(items, [_commuted(operation, scalar, m) for m in members(items)])
    return _spread(operation, scalar, items)


def _text_and_list(operation: Operation, text: Any, items: Any) -> Any:
    if operation.symbol != "+":
        raise refused(operation.symbol)
    results = [operation.apply(text, m) for m in members(items)]
    if items.__class__ is LinkedList or any(r.__class__ not in TEXTS for r in results):
        return like(items, results)
    return (Stringbytes if text.__class__ is bytes else Strings)(results)


def _commuted(operation: Operation, scalar: Any, member: Any) -> Any:
    """``(+ 2.5 '(4 5))``: the member counts as the left operand."""
    if is_container(member):
        return scalar_and_list(operation, scalar, member)
    if member.__class__ not in TYPE_NAMES:
        return operation.apply(scalar, member)
    return member_and(operation, member, scalar)


def _spread(operation: Operation, scalar: Any, items: Any) -> Any:
    """``(- 10 '(1 2))``: as if the scalar were a typed list of the same length."""
    kind = _SPREAD.get(scalar.__class__)
    found = members(items)
    plain = kind is not None and all(m.__class__ in TYPE_NAMES for m in found)
    if not plain or any(is_container(m) for m in found):
        results = [
            scalar_and_list(operation, scalar, m) if is_container(m) else
            _spread_over(operation, scalar, m) for m in found
        ]  # fmt: skip
        return like(items, results)
    assert kind is not None
    results = [_spread_over(operation, scalar, m) for m in found]
    if items.__class__ is LinkedList:
        return like(items, results)
    if kind is Integers and any(not -(1 << 63) <= r < 1 << 63 for r in results):
        return List(results)
    return kind(results)


def _spread_over(operation: Operation, scalar: Any, member: Any) -> Any:
    """A scalar and one member that takes the kind of the scalar."""
    if member.__class__ not in TYPE_NAMES or scalar.__class__ is complex:
        return operation.apply(scalar, member)
    if member.__class__ in TEXTS and operation.symbol in ("/", "%"):
        raise unusable(member)
    if scalar.__class__ is int or scalar.__class__ is Short:
        if operation.promote and member.__class__ in (float, Float32):
            return operation.apply(scalar, member)
        number = plain_number(member)
        if operation.symbol != "/":
            return operation.integers(int(scalar), truncated(number))
        if number.__class__ is int:
            return vector.whole_quotient(int(scalar), number)
        if not number:
            raise division_by_zero()
        return truncated(int(scalar) / number)
    return operation.apply(float(scalar), to_number(member))


def _powers(operation: Operation, scalar: Any, items: Any) -> Any:
    """``(^^ 2 '(1 2 3))``: numbers."""
    found = members(items)
    if any(is_container(m) or m.__class__ not in TYPE_NAMES for m in found):
        return like(items, [operation.apply(scalar, m) for m in found])
    return Numbers([operation.reals(scalar, to_number(m)) for m in found])


# ---------------------------------------------------------------- a list on the left


def list_and_any(operation: Operation, items: Any, other: Any) -> Any:
    """A container on the left of any value of the core."""
    ci = items.__class__
    if ci in NUMERIC_LISTS:
        return _typed_and_any(operation, items, other)
    if ci in TEXT_LISTS:
        return _texts_and_any(operation, items, other)
    if ci in SETS:
        other = members_of(other)
        if other.__class__ in NUMERIC_LISTS and operation.symbol != "/":
            other = List(other)
        results = list_and_any(operation, _AS_LIST[ci](items), other)
        if any(is_container(r) for r in results):
            raise unusable(other)
        return ci(results)
    found = members(items)
    if is_container(other):
        return like(items, _paired(operation, found, members(other)))
    return like(items, [_left_member(operation, m, other) for m in found])


def _left_member(operation: Operation, member: Any, other: Any) -> Any:
    if is_container(member):
        return (
            list_and_any(operation, member, other)
            if (other.__class__ in TYPE_NAMES)
            else operation.apply(member, other)
        )
    return member_and(operation, member, other)


def _paired(operation: Operation, left: list[Any], right: list[Any]) -> list[Any]:
    """Two lists of members, pair by pair."""
    results = []
    for a, b in zip(left, right, strict=False):
        if is_container(a) or is_container(b):
            results.append(operation.apply(a, b))
        else:
            results.append(member_and(operation, a, b))
    results.extend(left[len(results) :])
    return results


def _typed_and_any(operation: Operation, items: Any, other: Any) -> Any:
    co = other.__class__
    if co in NUMERIC_LISTS:
        return vector.typed_and_typed(operation, items, other)
    if co in SETS:
        raise unusable(other)
    if is_container(other):
        found = members(other)
        if any(is_container(m) or m.__class__ not in TYPE_NAMES for m in found):
            return List(_paired(operation, items.tolist(), found))
        return vector.typed_and_typed(operation, items, vector.converted(operation, items, found))
    return vector.typed_and_scalar(operation, items, other)


def _texts_and_any(operation: Operation, items: Any, other: Any) -> Any:
    if operation.symbol != "+":
        raise refused(operation.symbol)
    apply = operation.apply
    if is_container(other):
        results = [_append(operation, a, b) for a, b in zip(items, members(other), strict=False)]
        return items.__class__([*results, *items[len(results) :]])
    return items.__class__([apply(a, other) for a in items])


def _append(operation: Operation, text: Any, other: Any) -> Any:
    """A text and anything: a list is written out, not mapped."""
    return operation.scalars[text.__class__](text, other)


# ---------------------------------------------------------------- folding, mapping


def chain(symbol: str, first: Any, others: tuple[Any, ...], owned: int | None = None) -> Any:
    """``+``, ``-`` or ``*`` over typed lists, matrices and scalars; None where they are not alike.

    A matrix remembers the bounds of a result: its integers need not be read
    again when the next one is made of them. The operand of the index ``owned``
    is a result that nobody else holds: the new one may take its place.
    """
    if not isinstance(first, Grid):
        if len(others) == 1 and first.__class__ is Integers:
            # Nothing is known of them: the ordinary way reads them least.
            return None
        found = chains.chain(symbol, [first, *others], [None] * (1 + len(others)), owned)
        return None if found is None else found[0]
    operands: list[Any] = []
    known: list[Any] = []
    for value in (first, *others):
        if isinstance(value, Grid):
            if value.__class__ is not first.__class__ or value.shape != first.shape:
                return None
            operands.append(value.for_reading())
            known.append(value.known)
        else:
            operands.append(None if is_container(value) else value)
            known.append(None)
    found = chains.chain(symbol, operands, known, owned)
    return None if found is None else first.with_members(*found)


def fold(operation: Operation, value: Any) -> Any:
    """The operation with one operand: a list is folded from the left."""
    cls = value.__class__
    symbol = operation.symbol
    if cls not in TYPE_NAMES:
        from lispe_py.protocol import adapter_for

        if adapter_for(cls).is_list(value):
            return value
    if cls not in CONTAINERS or cls in SETS:
        raise LispError(f"cannot apply '{symbol}' to one element")
    if cls in TEXT_LISTS and symbol != "+":
        raise LispError(f"cannot apply '{symbol}' to a string")
    if not len(value):
        return 0
    if cls in NUMERIC_LISTS:
        return in_kind_of(value, vector.fold(operation, value))
    if cls is Strings:
        return "".join(value)
    if cls is Stringbytes:
        return b"".join(value)
    items = members(value)
    if len(items) == 1:
        return items[0]
    if symbol == "+" and all(m.__class__ is str for m in items):
        return "".join(items)
    result = items[0]
    for item in items[1:]:
        result = operation.apply(result, item)
    return result


def replaced(container: Any, result: Any) -> Any:
    """Put the members of a result into the container it was computed from.

    So an update such as ``(+= l 1)`` is seen by all that hold the container.
    Gives the container; the result itself where the two are of other kinds.
    """
    cls = container.__class__
    if cls in NUMERIC_LISTS or cls in TEXT_LISTS:
        if result.__class__ is not cls:
            return result
        container[:] = result
    elif isinstance(container, Grid):
        if not isinstance(result, Grid) or (result.kind, result.shape) != (
            container.kind, container.shape,
        ):  # fmt: skip
            return result
        container.fill(result.buffer)
    elif cls is LinkedList:
        for cell, item in zip(container.cells(), result, strict=True):
            cell.value = item
    elif cls in SETS:
        container.clear()
        container.update(result)
    elif cls is Tail:
        container.base[container.offset :] = list(result)
    elif isinstance(container, list):
        container[:] = result
    else:
        return result
    return container


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """A function of one operand over the members of a container, its kind kept."""
    cls = value.__class__
    if cls in NUMERIC_LISTS or cls in SETS:
        return cls([function(m) for m in members(value)])
    return like(value if cls is LinkedList else (), [function(m) for m in members(value)])
