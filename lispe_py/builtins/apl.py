"""Reductions, scans and products in the manner of APL.

The function may be an operator, a function, a lambda or a partial form; where
it is known to answer true or nil, its answers count as 1 and 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lispe_py.builtins.shapes import MOST_MEMBERS, mapped_rows, permuted
from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime import at_once, vector
from lispe_py.runtime.arithmetic import OPERATIONS
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import in_kind_of, to_integer, truncated
from lispe_py.runtime.elementwise import like, members
from lispe_py.runtime.limits import claim
from lispe_py.runtime.mapping import answers_truth
from lispe_py.runtime.matrices import convert, flattened, of_core, rebuilt, shape_of, typed
from lispe_py.runtime.operands import NUMBERS, NUMERIC_LISTS
from lispe_py.values.lists import List
from lispe_py.values.matrix import Grid, Matrix, from_array, shaped
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import TYPED, Floats, Integers, Numbers, Shorts
from lispe_py.values.types import LISTS, is_list

Function = Callable[[Any, Any], Any]

#: Operators that fold a typed list of numbers at once.
_AT_ONCE: dict[str, Callable[[Any], Any]] = {
    "+": vector.total, "*": lambda v: math.prod(v.tolist()),
    "max": lambda v: max(v.tolist()), "min": lambda v: min(v.tolist()),
}  # fmt: skip


def resolved(lisp: Context, function: Any) -> Function:
    """A function of two members; its truth values are numbers."""
    call = lisp.callable(function)
    if not answers_truth(function):
        return call
    return lambda a, b: 0 if call(a, b) is None else 1


def _counts(value: Any) -> list[int] | None:
    """The numbers of copies, where a list of them stands in place of a function.

    A typed list of numbers, which is no function, or a generic one of integers.
    """
    if value.__class__ not in LISTS:
        return None
    items: list[Any] = members(value)
    if value.__class__ in NUMERIC_LISTS:
        items = [truncated(item) for item in items]
    return items if items and all(m.__class__ is int for m in items) else None


def _list(value: Any, name: str) -> Any:
    if not isinstance(value, Grid) and value.__class__ not in LISTS:
        raise LispError(f"argument for '{name}' should be a list")
    return value


def _chunks(items: list[Any], step: Any) -> list[list[Any]]:
    size = to_integer(step)
    if size <= 0:
        raise LispError("wrong value for the increment")
    return [items[i : i + size] for i in range(0, len(items), size)]


def _folded(call: Function, items: list[Any]) -> Any:
    if not items:
        return None
    result = items[0]
    for item in items[1:]:
        result = call(result, item)
    return result


def _running(call: Function, items: list[Any]) -> List:
    found = List()
    for item in items:
        found.append(call(found[-1], item) if found else item)
    return found


def _refuse_many(counts: list[int]) -> None:
    total = sum(count for count in counts if count > 0)
    if total > MOST_MEMBERS:
        raise LispError("these counts make too long a list")
    claim(8 * total)


def _replicated(counts: list[int], value: Any, name: str) -> Any:
    """Each member as often as its count says."""
    items = members(_list(value, name))
    if len(counts) > len(items):
        raise LispError("List size mismatch")
    _refuse_many(counts)
    pairs = zip(counts, items, strict=False)
    repeated = [item for count, item in pairs for _ in range(count)]
    return rebuilt(value, repeated) if isinstance(value, Grid) else like(value, repeated)


def _expanded(counts: list[int], value: Any, items: list[Any], name: str) -> Any:
    """Each member as often as its count says; a count of 0 puts a zero in between."""
    if isinstance(_list(value, name), Grid):
        raise LispError(f"a matrix cannot be expanded by '{name}'")
    source = iter(items)
    found: list[Any] = []
    _refuse_many(counts)
    for count in counts:
        if count <= 0:
            found.append(0)
            continue
        item = next(source, source)
        if item is source:
            raise LispError("List size mismatch")
        found.extend([item] * count)
    kind = getattr(value, "kind", None)
    return List(found) if kind is None else typed(kind, found)


# ---------------------------------------------------------------- reduce


def _along_last(call: Function, grid: Grid) -> Any:
    """A fold of each row; the result has one axis less."""
    results = mapped_rows(grid, lambda row: _folded(call, members(row)))
    return shaped(grid.kind, grid.shape[:-1], typed(grid.kind, results))


def _along_first(call: Function, grid: Grid) -> Any:
    """A fold of each column, from the last row up."""
    axes = (*range(1, len(grid.shape)), 0)
    turned = permuted(grid, axes)
    results = mapped_rows(turned, lambda row: _folded(call, members(row)[::-1]))
    return shaped(grid.kind, grid.shape[1:], typed(grid.kind, results))


def _whole_fold(function: Any, value: Any) -> Any:
    """A fold that needs no call a member; None where there is no such way."""
    if value.__class__ in NUMERIC_LISTS and function.__class__ is Symbol and len(value):
        quick = _AT_ONCE.get(function.name)
        if quick is not None:
            return quick(value)
    return at_once.folded(function, value)


@primitive("↗", "reduce", "//", arity=(1, 3), interpreter=True)
def reduce(lisp: Context, *values: Any) -> Any:
    """A list folded from the left by a function; nil of an empty list.

    Matrices are folded row by row, tensors along their last axis. With a number
    n after the list, each n members are folded by themselves. A list of counts
    in place of the function repeats each member so many times; a list alone is
    copied.

    (list (reduce '+ '(4 5 6)) (reduce '+ (rho 2 3 (iota 6))) (// '(2 0 1) '(a b c)))
    ; (15 (6 15) (a a c))
    """
    if len(values) == 1:
        return like(values[0], members(values[0])) if values[0].__class__ in LISTS else values[0]
    function, value = values[0], of_core(values[1])
    counts = _counts(function)
    if counts is not None:
        return _replicated(counts, value, "reduce")
    call = resolved(lisp, function)
    _list(value, "reduce")
    if isinstance(value, Grid):
        return _along_last(call, value)
    if len(values) == 3:
        return List(_folded(call, chunk) for chunk in _chunks(members(value), values[2]))
    whole = _whole_fold(function, value)
    return in_kind_of(value, _folded(call, members(value)) if whole is None else whole)


@primitive("⌿", "backreduce", "-//", arity=(1, 3), interpreter=True)
def backreduce(lisp: Context, *values: Any) -> Any:
    """A list folded from its end by a function; nil of an empty list.

    Matrices are folded column by column, from the last row up. With a number
    n after the list, n members at a time are folded, as long as there are n
    left. A list of counts repeats the members, from the end; a list alone is
    reversed.

    (list (backreduce '- '(4 5 6)) (backreduce '+ (rho 2 3 (iota 6))) (-// '(4 5 6)))
    ; (-3 (5 7 9) (6 5 4))
    """
    if len(values) == 1:
        value = values[0]
        if value.__class__ in LISTS:
            return like(value, members(value)[::-1])
        return value[::-1] if isinstance(value, (str, bytes)) else value
    function, value = values[0], of_core(values[1])
    counts = _counts(function)
    if counts is not None:
        _list(value, "backreduce")
        if isinstance(value, Grid):
            return _replicated(counts[::-1], rebuilt(value, members(value)[::-1]), "backreduce")
        return _replicated(counts[::-1], like(value, members(value)[::-1]), "backreduce")
    call = resolved(lisp, function)
    _list(value, "backreduce")
    if isinstance(value, Grid):
        return _along_first(call, value)
    items = members(value)[::-1]
    if len(values) == 3:
        return List(_folded(call, chunk) for chunk in _full_chunks(items, values[2]))
    whole = at_once.folded(function, value, backwards=True)
    return in_kind_of(value, _folded(call, items) if whole is None else whole)


def _full_chunks(items: list[Any], step: Any) -> list[list[Any]]:
    return [chunk for chunk in _chunks(items, step) if len(chunk) == to_integer(step)]


# ---------------------------------------------------------------- scan


@primitive("↘", "scan", "\\\\", arity=(2, 3), interpreter=True)
def scan(lisp: Context, function: Any, value: Any, step: Any = None) -> Any:
    """The running results of a fold from the left, in a list.

    A matrix is scanned row by row. With a number n, each n members by
    themselves. A list of counts in place of the function repeats each member
    so many times, and puts a 0 where a count is 0.

    (list (scan '+ '(4 5 6)) (scan '+ '(1 2 3 4) 2) (scan '(0 3) '(7)))
    ; ((4 9 15) ((1 3) (3 7)) (0 7 7 7))
    """
    counts = _counts(function)
    if counts is not None:
        _list(value, "scan")
        return _expanded(counts, value, members(value), "scan")
    call = resolved(lisp, function)
    value = _list(of_core(value), "scan")
    if isinstance(value, Grid):
        return List(mapped_rows(value, lambda row: _scanned(function, call, row)))
    if step is not None:
        return List(_running(call, chunk) for chunk in _chunks(members(value), step))
    return _scanned(function, call, value)


def _scanned(function: Any, call: Function, value: Any) -> List:
    quick = at_once.running(function, value)
    return _running(call, members(value)) if quick is None else quick


@primitive("⍀", "backscan", "-\\\\", arity=(2, 3), interpreter=True)
def backscan(lisp: Context, function: Any, value: Any, step: Any = None) -> Any:
    """The running results of a fold from the end of a list.

    With a number n, of n members at a time, as long as there are n left. A list
    of counts is applied from the end.

    (list (backscan '- '(4 5 6)) (backscan '+ '(1 2 3 4) 2))
    ; ((6 1 -3) ((4 7) (2 3)))
    """
    counts = _counts(function)
    if counts is not None:
        _list(value, "backscan")
        return _expanded(counts[::-1], value, members(value)[::-1], "backscan")
    call = resolved(lisp, function)
    value = _list(of_core(value), "backscan")
    if isinstance(value, Grid):
        return List(mapped_rows(value, lambda row: _running(call, members(row)[::-1])))
    items = members(value)[::-1]
    if step is not None:
        return List(_running(call, chunk) for chunk in _full_chunks(items, step))
    quick = at_once.running(function, value, backwards=True)
    return _running(call, items) if quick is None else quick


# ---------------------------------------------------------------- products


def _kind_of(results: list[Any], first: Any) -> str | None:
    """The kind of a matrix for some results: that of the first operand if it holds them."""
    if not results or any(r.__class__ not in NUMBERS or r.__class__ is complex for r in results):
        return None
    whole = all(not isinstance(r, float) for r in results)
    kind = getattr(first, "kind", None)
    if whole and kind == "shorts" and all(-0x8000 <= r < 0x8000 for r in results):
        return "shorts"
    if kind in ("floats", "numbers"):
        return kind  # type: ignore[no-any-return]
    if not whole:
        return "numbers"
    return "integers" if all(-(1 << 63) <= r < 1 << 63 for r in results) else None


def _assembled(rows: List, first: Any) -> Any:
    """Nested results as a matrix or tensor of numbers, where they make one."""
    shape = shape_of(rows)
    flat = flattened(rows, shape) if len(shape) > 1 and 0 not in shape else None
    kind = None if flat is None else _kind_of(flat, first)
    if flat is None or kind is None:
        return rows
    return shaped(kind, shape, typed(kind, flat))


@primitive("°", "outer", interpreter=True)
def outer(lisp: Context, function: Any, left: Any, right: Any) -> Any:
    """A function of each member of one list with each of another.

    Numbers make a matrix of the kind of the first operand, or a tensor if that
    is a matrix; anything else nested lists.

    (list (° '* '(4 5) '(1 2 3)) (° '>= (iota 2) (iota 2)))
    ; (((4 8 12) (5 10 15)) ((1 0) (1 1)))
    """
    left, right = of_core(left), of_core(right)
    for value in (left, right):
        if not is_list(value):
            raise LispError("arguments for '°' are lists")
    claim(8 * _count(left) * _count(right))
    table = at_once.products(function, left, right)
    if table is not None:
        return table
    call = resolved(lisp, function)
    firsts = list(left.copy()) if isinstance(left, Grid) else members(left)
    if isinstance(left, Grid) and isinstance(right, Grid):
        seconds = members(right.buffer)
    else:
        seconds = list(right.copy()) if isinstance(right, Grid) else members(right)
    return _assembled(List(List(call(a, b) for b in seconds) for a in firsts), left)


def _count(value: Any) -> int:
    return math.prod(value.shape) if isinstance(value, Grid) else len(value)


_INCOMPATIBLE = "arguments for '.' must be compatible lists or matrices"


@primitive(".", "inner", interpreter=True)
def inner(lisp: Context, fold: Any, pair: Any, left: Any, right: Any) -> Any:
    """The inner product: pairs combined by one function, folded by another.

    Two vectors of one size give one value; matrices of r rows and k columns, k
    rows and c columns, a matrix of the kind of the first.

    (list (. '+ '* '(4 5 6) '(1 2 3)) (. '+ '* '((1 2) (3 4)) '((0 1) (1 0))))
    ; (32 ((2 1) (4 3)))
    """
    a, b = _operand(of_core(left)), _operand(of_core(right))
    if a is None or b is None or isinstance(a, Grid) is not isinstance(b, Grid):
        raise LispError(_INCOMPATIBLE)
    if isinstance(a, Grid):
        return _matrices(lisp, fold, pair, a, b)
    if len(a) != len(b):
        raise LispError("lists should have the same size for '.'")
    if not len(a):
        return 0
    combine, gather = resolved(lisp, pair), resolved(lisp, fold)
    if pair.__class__ is Symbol and pair.name in OPERATIONS:
        # An operator takes the two lists whole, and by their rules.
        return _folded(gather, members(combine(a, b)))
    return _vectors(gather, combine, members(a), members(b))


def _operand(value: Any) -> Any:
    """A matrix, a flat list, or None."""
    if isinstance(value, Grid):
        return value if len(value.shape) == 2 else None
    if value.__class__ not in LISTS:
        return None
    items: Any = value
    return convert(Matrix, "numbers", items) if any(is_list(m) for m in items) else items


def _vectors(gather: Function, combine: Function, a: list[Any], b: list[Any]) -> Any:
    result = combine(a[0], b[0])
    for x, y in zip(a[1:], b[1:], strict=True):
        result = gather(result, combine(x, y))
    return result


def _matrices(lisp: Context, fold: Any, pair: Any, a: Grid, b: Grid) -> Any:
    rows, inside = a.shape
    if inside != b.shape[0]:
        raise LispError("incompatible matrices")
    columns = b.shape[1]
    if fold is Symbol("+") and pair is Symbol("*"):
        product = _product(a, b)
        if product is not None:
            return product
    combine, gather = resolved(lisp, pair), resolved(lisp, fold)
    if not inside:
        return Matrix(a.kind, (rows, columns), TYPED[a.kind]((0,)) * (rows * columns))
    left, flat = members(a.buffer), members(b.buffer)
    sides = [flat[j::columns] for j in range(columns)]
    results = [
        _vectors(gather, combine, left[i * inside : (i + 1) * inside], side)
        for i in range(rows)
        for side in sides
    ]
    kind = a.kind
    if all(r.__class__ in NUMBERS for r in results):
        kind = _kind_of(results, a) or kind
    return Matrix(kind, (rows, columns), typed(kind, results))


#: Kinds whose products numpy gives as the language does.
_SAME_RULE = ({Integers.kind, Shorts.kind}, {Floats.kind, Numbers.kind})


def _product(a: Grid, b: Grid) -> Any:
    """The ordinary product by numpy; None where Python must do it exactly."""
    import numpy

    if not any({a.kind, b.kind} <= rule for rule in _SAME_RULE) or not a.shape[1]:
        return None
    left, right = numpy.asarray(a), numpy.asarray(b)
    if a.kind in _SAME_RULE[1]:
        return from_array(left.astype("d") @ right.astype("d"), a.kind)
    left, right = left.astype("q"), right.astype("q")
    bound = _largest(left) * _largest(right) * a.shape[1]
    limit = 1 << 15 if a.kind == Shorts.kind else 1 << 63
    return from_array(left @ right, a.kind) if bound < limit else None


def _largest(array: Any) -> int:
    return max(int(array.max(initial=0)), -int(array.min(initial=0)))
