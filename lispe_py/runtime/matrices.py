"""How the ordinary functions of the language treat matrices and tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import SCALARS
from lispe_py.protocol import Adapter, adapter_for, register_adapter
from lispe_py.runtime import arithmetic, compare, elementwise, vector
from lispe_py.runtime.convert import index_of, store
from lispe_py.runtime.operands import GENERIC, NUMERIC_LISTS, TEXT_LISTS, refused
from lispe_py.runtime.slices import extract
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List
from lispe_py.values.matrix import Grid, Matrix, Tensor, shaped
from lispe_py.values.typed import TYPED, Numbers, does_not_fit, section
from lispe_py.values.types import TYPE_NAMES, is_list

#: Kinds of matrices that hold numbers.
ELEMENTS_OF_NUMBERS = frozenset({"integers", "shorts", "floats", "numbers"})

OUT_OF_BOUNDS = "index out of bounds"
NO_INDEX = "value cannot be access through index"


def _indexes(keys: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple([k if k.__class__ is int else index_of(k) for k in keys])


def _row(grid: Grid, item: Any) -> Any:
    """A list as a row of a matrix (as a part of a tensor)."""
    width = grid.shape[1:]
    if isinstance(item, Grid):
        found = convert(type(grid), grid.kind, item) if len(width) > 1 else None
    elif len(width) > 1:
        found = convert(type(grid), grid.kind, item) if is_list(item) else None
    elif item.__class__ in TYPE_NAMES and is_list(item):
        found = typed(grid.kind, elementwise.members(item))
    else:
        found = None
    shape = found.shape if isinstance(found, Grid) else (len(found),) if found is not None else ()
    if shape != width:
        wanted = " ".join(map(str, width))
        raise LispError(f"a row of this {grid.family} is a list of size {wanted}")
    return found


def typed(kind: str, items: Any) -> Any:
    """Members of any kind as a typed list."""
    return TYPED[kind]([store(kind, item) for item in items])


def shape_of(value: Any) -> list[int]:
    """The lengths along the first members of nested lists."""
    shape: list[int] = []
    seen: set[int] = set()
    while is_list(value) and id(value) not in seen:
        if isinstance(value, Grid):
            return [*shape, *value.shape]
        seen.add(id(value))
        shape.append(len(value))
        if not len(value):
            break
        value = next(iter(value))
    return shape


def flattened(value: Any, shape: list[int]) -> list[Any] | None:
    """The members of nested lists that have this shape all through, else None."""
    if isinstance(value, Grid):
        return list(value.buffer) if list(value.shape) == shape else None
    level = [value]
    for size in shape:
        below: list[Any] = []
        for item in level:
            if not is_list(item) or len(item) != size:
                return None
            below.extend(item)
        level = below
    return None if any(is_list(item) for item in level) else level


def convert(family: type[Grid], kind: str, value: Any) -> Any:
    """Nested lists, or another matrix, as a matrix or tensor of a kind; None if irregular."""
    shape = shape_of(value)
    if len(shape) < 2 or (family is Matrix and len(shape) != 2):
        return None
    flat = flattened(value, shape)
    return None if flat is None else family(kind, shape, typed(kind, flat))


def of_core(value: Any) -> Any:
    """A foreign list (a tensor of torch) as a typed list, a matrix or a tensor of ours.

    Any other value is returned as it is.
    """
    cls = value.__class__
    if cls in TYPE_NAMES or isinstance(value, Grid):
        return value
    adapter = adapter_for(cls)
    nested = getattr(adapter, "nested", None)
    if nested is None or not adapter.is_list(value):
        return value
    flat = adapter.to_typed(value)
    shape = shape_of(nested(value))
    return shaped(flat.kind, shape, flat) if len(shape) > 1 else flat


class GridAdapter(Adapter):
    """Matrices and tensors as lists of their rows."""

    def type_name(self, value: Grid) -> str:
        return value.atom

    def show(self, value: Grid) -> str:
        return "".join(self.pieces(value))

    def pieces(self, value: Grid) -> Iterator[Any]:
        """The printed form, piece by piece."""
        text = SCALARS[TYPED[value.kind]]
        yield "("
        separator = ""
        for part in self._rows(value):
            yield separator
            if isinstance(part, Grid):
                yield from self.pieces(part)
            else:
                yield text(part)
            separator = " "
        yield ")"

    @staticmethod
    def _rows(value: Grid) -> Iterator[Any]:
        """The rows for reading; the storage stays in one piece."""
        if value._parts is not None:
            return iter(value._parts)
        return iter(value.copy().parts)

    def truth(self, value: Grid) -> bool:
        return len(value) > 0

    def is_list(self, value: Grid) -> bool:
        return True

    def size(self, value: Grid) -> int:
        return len(value)

    def at(self, value: Grid, keys: tuple[Any, ...]) -> Any:
        indexes = _indexes(keys)
        if len(indexes) > len(value.shape):
            raise LispError(NO_INDEX)
        try:
            if len(indexes) == len(value.shape):
                return value.read(indexes)
            found: Any = value
            for index in indexes:
                found = found.parts[index]
            return found
        except IndexError:
            raise LispError(OUT_OF_BOUNDS) from None

    def set_at(self, value: Grid, keys: tuple[Any, ...], item: Any) -> Any:
        indexes = _indexes(keys)
        if len(indexes) > len(value.shape):
            raise LispError(NO_INDEX)
        try:
            if len(indexes) == len(value.shape):
                value.write(indexes, store(value.kind, item))
                return value
            holder: Any = value
            for index in indexes[:-1]:
                holder = holder.parts[index]
            row = _row(holder, item)
            if holder is value and indexes[-1] >= len(value):
                return self.push(value, (item,))
            holder.parts[indexes[-1]] = row
        except IndexError:
            raise LispError(OUT_OF_BOUNDS) from None
        except OverflowError:
            raise does_not_fit(item, value.kind) from None
        return value

    def extract(self, value: Grid, begin: Any, end: Any) -> Any:
        """Rows of a matrix, as ``extract`` takes members out of a list."""
        return extract(List(value.parts), (begin,) if end is None else (begin, end))

    def iterate(self, value: Grid) -> Iterator[Any]:
        return iter(value.parts)

    def car(self, value: Grid) -> Any:
        return value.parts[0] if len(value) else None

    def cdr(self, value: Grid) -> Any:
        rows = value.parts[1:]
        if not rows:
            return None
        return type(value).of_parts(value.kind, (len(rows), *value.shape[1:]), rows)

    def to_typed(self, value: Grid) -> Any:
        flat = value.buffer
        return section(flat) if value._parts is None else flat

    # ------------------------------------------------------------ changes

    def push(self, value: Grid, items: tuple[Any, ...]) -> Any:
        """Rows at the end."""
        value.set_parts([*value.parts, *[_row(value, item) for item in items]])
        return value

    def insert(self, value: Grid, item: Any, index: Any = None) -> Any:
        """A row before a position, at the end without one."""
        rows = list(value.parts)
        rows.insert(len(rows) if index is None else index_of(index), _row(value, item))
        value.set_parts(rows)
        return value

    def pop(self, value: Grid, key: Any = -1) -> Any:
        """The matrix without its last row, or without that of a position; nil if none."""
        rows = list(value.parts)
        index = index_of(key)
        if not -len(rows) <= index < len(rows):
            return None
        del rows[index]
        value.set_parts(rows)
        return value

    def pop_first(self, value: Grid) -> Any:
        return self.pop(value, 0)

    def like(self, value: Grid, members: list[Any]) -> Any:
        """A matrix of the same kind with other rows; a list where they do not make one."""
        return rebuilt(value, members)

    def clone(self, value: Grid) -> Any:
        return value.copy()

    # ------------------------------------------------------------ operations

    def equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, Grid) and isinstance(right, Grid):
            if left.shape != right.shape:
                return False
            return compare.equal(left.buffer, right.buffer) is True
        grid, other = (left, right) if isinstance(left, Grid) else (right, left)
        if not is_list(other) or len(other) != len(grid):
            return False
        return all(compare.equal(a, b) for a, b in zip(self._rows(grid), other, strict=True))

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        for side in (left, right):
            if not isinstance(side, Grid) and side.__class__ not in TYPE_NAMES:
                return adapter_for(side.__class__).arithmetic(operator, left, right)
        if operator == "==":
            return _matched(left, right)
        operation = arithmetic.OPERATIONS[operator]
        if isinstance(left, Grid):
            return _grid_first(operation, left, right)
        if left.__class__ in NUMERIC_LISTS:
            return _list_first(operation, left, right)
        if (
            left.__class__ in GENERIC
            or left.__class__ is LinkedList
            or left.__class__ in TEXT_LISTS
        ):
            return elementwise.list_and_any(operation, left, List(self._rows(right)))
        if not elementwise.is_scalar(left):
            raise refused(operator)
        if operator == "^^" and right.kind in ELEMENTS_OF_NUMBERS:
            return right.with_members(vector.scalar_and_typed(operation, left, right.buffer))
        flat = operation.apply(left, right.buffer)
        return right.with_members(flat)


def _list_first(operation: arithmetic.Operation, left: Any, right: Grid) -> Any:
    """A typed list on the left of a matrix: all of it meets each row.

    The result has the kind of the matrix. Operators other than ``+ - * /``
    pair the members of the list with the rows, and give a list.
    """
    if not len(left):
        return section(left)
    if right.kind not in ELEMENTS_OF_NUMBERS:
        raise refused(operation.symbol)
    if len(right.shape) > 2:
        return rebuilt(right, [_list_first(operation, left, part) for part in _copied(right)])
    if operation.symbol not in ("+", "-", "*", "/"):
        return elementwise.list_and_any(operation, List(left), List(_copied(right)))
    rows = [operation.apply(left, row) for row in _copied(right)]
    if left.kind != right.kind and {left.kind, right.kind} != {"integers", "shorts"}:
        wide = Numbers(left)
        rows = [operation.apply(wide, Numbers(row)) for row in _copied(right)]
    return rebuilt(right, [typed(right.kind, row) for row in rows])


def _grid_first(operation: arithmetic.Operation, left: Grid, right: Any) -> Any:
    if operation.symbol in ("+", "-", "*"):
        found = elementwise.chain(operation.symbol, left, (right,))
        if found is not None:
            return found
    if isinstance(right, Grid):
        if left.shape == right.shape:
            other = right.buffer
            if left.kind != right.kind and operation.symbol not in ("/", "^^"):
                other = typed(left.kind, other)
            return left.with_members(operation.apply(left.buffer, other))
        rows = [operation.apply(a, b) for a, b in zip(_copied(left), _copied(right), strict=False)]
        return rebuilt(left, [*rows, *_copied(left)[len(rows) :]])
    if is_list(right):
        items = elementwise.members(right)
        rows = [operation.apply(a, b) for a, b in zip(_copied(left), items, strict=False)]
        return rebuilt(left, [*rows, *_copied(left)[len(rows) :]])
    return left.with_members(operation.apply(left.buffer, right))


def _copied(grid: Grid) -> list[Any]:
    """Rows that are not those of the matrix."""
    parts: list[Any] = grid.copy().parts
    return parts


def _matched(left: Any, right: Any) -> Any:
    """``==``: a matrix of 1 and 0 for a scalar, a list of lists for another list."""
    if isinstance(left, Grid) and left.kind in ELEMENTS_OF_NUMBERS and not is_list(right):
        found = compare.matches(left.for_reading(), right)
        kind = TYPED[left.kind]
        return left.with_members(found if found.__class__ is kind else kind(found), (0, 1))
    rows = List(_copied(left)) if isinstance(left, Grid) else left
    other = List(_copied(right)) if isinstance(right, Grid) else right
    return compare.matches(rows, other)


def rebuilt(grid: Grid, rows: list[Any], kind: str | None = None) -> Any:
    """Rows as a matrix of the family of another; as a list where they do not make one."""
    if kind is None:
        kind = str(getattr(rows[0], "kind", grid.kind)) if rows else grid.kind
    if not rows:
        return type(grid)(kind, (0, *grid.shape[1:]), TYPED[kind]())
    width = len(rows[0]) if rows[0].__class__ is TYPED[kind] else 0
    if width and all(row.__class__ is TYPED[kind] and len(row) == width for row in rows):
        joined = TYPED[kind]()
        for row in rows:
            joined.extend(row)
        return type(grid)(kind, (len(rows), width), joined)
    shape = shape_of(List(rows))
    flat = flattened(List(rows), shape)
    if flat is None or len(shape) < 2 or (len(shape) > 2 and type(grid) is Matrix):
        if flat is not None and len(shape) > 2:
            return Tensor(kind, shape, typed(kind, flat))
        return List(rows)
    return type(grid)(kind, shape, typed(kind, flat))


register_adapter(Grid, GridAdapter())
