"""Matrices, tensors and shapes: making them, reshaping, transposing, cutting, joining."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from lispe_py.builtins.reorder import flatten
from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.registry import primitive
from lispe_py.runtime.compare import equal
from lispe_py.runtime.convert import index_of, store, to_integer, truncated
from lispe_py.runtime.elementwise import like, members
from lispe_py.runtime.limits import claim
from lispe_py.runtime.matrices import convert, flattened, of_core, rebuilt, shape_of, typed
from lispe_py.runtime.operands import GENERIC, NUMBERS, NUMERIC_LISTS, TEXT_LISTS, TEXTS
from lispe_py.runtime.sequence import size
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List
from lispe_py.values.matrix import FILL, Grid, Matrix, Tensor, from_array, shaped
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.typed import TYPED, Integers, section
from lispe_py.values.types import TYPE_NAMES, is_list

#: Members beyond which a shape is a mistake.
MOST_MEMBERS = 1 << 28

_NO_MATRIX = "Cannot initialize a matrix with this value"


def _checked(shape: list[int]) -> list[int]:
    """A shape that memory can hold; an axis of no length makes no other one free."""
    count = prod(max(1, size) for size in shape)
    if count > MOST_MEMBERS:
        raise LispError(
            f"a shape of {count:g} members is too large"
            if count < 1e300
            else ("this shape is too large")
        )
    return shape


def _claim_members(kind: str, count: int) -> None:
    """Refuse so many members of a typed list if the evaluation may not have their memory."""
    claim(count * int(getattr(TYPED[kind](), "itemsize", 8)))


def _repeated(kind: str, member: Any, shape: list[int]) -> Any:
    """A typed list of one member, over and over."""
    cls = TYPED[kind]
    count = prod(_checked(shape))
    _claim_members(kind, count)
    found = cls((member,)) * count
    return found if found.__class__ is cls else cls(found)


def _nested(value: Any) -> Any:
    """What a matrix can be made of: the nested lists of a foreign value too."""
    if value.__class__ in TYPE_NAMES or isinstance(value, Grid):
        return value
    lists = getattr(adapter_for(value.__class__), "nested", None)
    return value if lists is None else lists(value)


def _matrix(kind: str, values: tuple[Any, ...]) -> Any:
    if len(values) == 1:
        found = convert(Matrix, kind, _nested(values[0]))
        if found is None:
            raise LispError(_NO_MATRIX)
        return found
    for value in values[:2]:
        if value.__class__ not in NUMBERS:
            raise LispError(_NO_MATRIX)
    if len(values) > 2 and is_list(values[2]):
        raise LispError(_NO_MATRIX)
    shape = [max(0, to_integer(v)) for v in values[:2]]
    member = store(kind, values[2]) if len(values) > 2 else FILL[kind]
    return Matrix(kind, shape, _repeated(kind, member, shape))


def _tensor(kind: str, values: tuple[Any, ...]) -> Any:
    if len(values) == 1:
        value = _nested(values[0])
        if not is_list(value):
            raise LispError("The first element should be a list")
        found = convert(Tensor, kind, value)
        if found is None:
            raise LispError("a tensor needs nested lists of regular sizes")
        return found
    for value in values:
        if value.__class__ not in NUMBERS:
            raise LispError("the sizes of a tensor are integers")
    shape = [max(0, to_integer(v)) for v in values]
    return Tensor(kind, shape, _repeated(kind, FILL[kind], shape))


@primitive("matrix_integer", arity=(1, 3))
def matrix_integer(*values: Any) -> Matrix:
    """A matrix of integers: rows, columns, what fills it; or nested lists.

    It is filled with 0 if nothing is given; values are converted, and nested
    lists must have rows of one length.

    (list (matrix_integer 2 3 7) (matrix_integer '((4.9 5) (6 7))))
    ; (((7 7 7) (7 7 7)) ((4 5) (6 7)))
    """
    return _matrix("integers", values)  # type: ignore[no-any-return]


@primitive("matrix_short", arity=(1, 3))
def matrix_short(*values: Any) -> Matrix:
    """A matrix of integers of 16 bits; arguments as of ``matrix_integer``.

    (matrix_short 1 2 7)
    ; ((7 7))
    """
    return _matrix("shorts", values)  # type: ignore[no-any-return]


@primitive("matrix_float", arity=(1, 3))
def matrix_float(*values: Any) -> Matrix:
    """A matrix of numbers of 32 bits; arguments as of ``matrix_integer``.

    (matrix_float 2 1 1.5)
    ; ((1.5) (1.5))
    """
    return _matrix("floats", values)  # type: ignore[no-any-return]


@primitive("matrix_number", "matrix", arity=(1, 3))
def matrix_number(*values: Any) -> Matrix:
    """A matrix of numbers of 64 bits; arguments as of ``matrix_integer``.

    (matrix_number '((1.5 2) (3 4)))
    ; ((1.5 2) (3 4))
    """
    return _matrix("numbers", values)  # type: ignore[no-any-return]


@primitive("matrix_string", arity=(1, 3))
def matrix_string(*values: Any) -> Matrix:
    """A matrix of strings, empty if nothing fills it; arguments as of ``matrix_integer``.

    (matrix_string 1 2 "z")
    ; (("z" "z"))
    """
    return _matrix("strings", values)  # type: ignore[no-any-return]


@primitive("matrix_stringbyte", arity=(1, 3))
def matrix_stringbyte(*values: Any) -> Matrix:
    """A matrix of byte strings; arguments as of ``matrix_integer``.

    (matrix_stringbyte 1 2 "z")
    ; (("z" "z"))
    """
    return _matrix("stringbytes", values)  # type: ignore[no-any-return]


@primitive("tensor_integer", arity=(1, None))
def tensor_integer(*values: Any) -> Tensor:
    """A tensor of integers: its sizes, filled with 0; or nested lists.

    (list (tensor_integer 2 1 3) (tensor_integer '(((1 2)) ((3 4)))))
    ; ((((0 0 0)) ((0 0 0))) (((1 2)) ((3 4))))
    """
    return _tensor("integers", values)  # type: ignore[no-any-return]


@primitive("tensor_short", arity=(1, None))
def tensor_short(*values: Any) -> Tensor:
    """A tensor of integers of 16 bits; arguments as of ``tensor_integer``.

    (tensor_short 1 1 2)
    ; (((0 0)))
    """
    return _tensor("shorts", values)  # type: ignore[no-any-return]


@primitive("tensor_float", arity=(1, None))
def tensor_float(*values: Any) -> Tensor:
    """A tensor of numbers of 32 bits; arguments as of ``tensor_integer``.

    (tensor_float '(((1.5 2)) ((3 4))))
    ; (((1.5 2)) ((3 4)))
    """
    return _tensor("floats", values)  # type: ignore[no-any-return]


@primitive("tensor_number", arity=(1, None))
def tensor_number(*values: Any) -> Tensor:
    """A tensor of numbers of 64 bits; arguments as of ``tensor_integer``.

    (tensor_number '(((0.5 2) (3 4)) ((5 6) (7 8))))
    ; (((0.5 2) (3 4)) ((5 6) (7 8)))
    """
    return _tensor("numbers", values)  # type: ignore[no-any-return]


@primitive("tensor_string", arity=(1, None))
def tensor_string(*values: Any) -> Tensor:
    """A tensor of strings; arguments as of ``tensor_integer``.

    (tensor_string 1 1 2)
    ; ((("" "")))
    """
    return _tensor("strings", values)  # type: ignore[no-any-return]


@primitive("tensor_stringbyte", arity=(1, None))
def tensor_stringbyte(*values: Any) -> Tensor:
    """A tensor of byte strings; arguments as of ``tensor_integer``.

    (tensor_stringbyte 1 1 2)
    ; ((("" "")))
    """
    return _tensor("stringbytes", values)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- rho


def _sizes(values: tuple[Any, ...]) -> list[int]:
    """The sizes of a shape, given one by one or as a list."""
    if len(values) == 1 and is_list(values[0]):
        values = tuple(members(values[0]))
    elif values and values[0].__class__ not in (int, Short):
        raise LispError("Shape elements are either integers or a list of integers")
    if any(v.__class__ not in (int, float, Short, Float32) for v in values):
        raise LispError("Shape elements are either integers or a list of integers")
    return _checked([max(0, truncated(v)) for v in values])


def _filled(items: list[Any], count: int) -> list[Any]:
    """``count`` members, taken from a list over and over."""
    if not items or not count:
        return section(items, 0, 0)
    return section(items * -(-count // len(items)), 0, count)


def _lists(items: list[Any], sizes: list[int]) -> Any:
    """Members as nested generic lists."""
    for width in reversed(sizes[1:]):
        count = len(items) // width if width else 0
        items = [List(items[i * width : (i + 1) * width]) for i in range(count)]
    if len(sizes) > 1 and len(items) < sizes[0]:
        items = [_lists([], sizes[1:]) for _ in range(sizes[0])]
    return List(items)


@primitive("ρ", "rho", "⍴", arity=(1, None))
def rho(*values: Any) -> Any:
    """The shape of a list; or, with sizes before it, its members in that shape.

    Members are taken over and over, zeros where there are none. A typed list gives a
    typed list, a matrix or a tensor of its kind, a generic list nested lists.

    (list (rho '((4 5 6) (7 8 9))) (rho 2 3 (iota 4)) (rho 5 '(a b)))
    ; ((2 3) ((1 2 3) (4 1 2)) (a b a b a))
    """
    source = values[-1]
    if len(values) == 1:
        return _shape(source)
    if not is_list(source):
        raise LispError("last argument should be a list")
    sizes = _sizes(values[:-1])
    if not sizes:
        raise LispError("Shape elements are either integers or a list of integers")
    if source.__class__ not in TYPE_NAMES:
        source = adapter_for(source.__class__).to_typed(source)
    if source.__class__ in GENERIC or source.__class__ is LinkedList:
        claim(8 * prod(sizes))
        items = _filled(members(source) or [0], prod(sizes))
        return like(source, items) if len(sizes) == 1 else _lists(items, sizes)
    _claim_members(source.kind, prod(sizes))
    items = source if len(source) else TYPED[source.kind]((FILL[source.kind],))
    return shaped(source.kind, sizes, _filled(items, prod(sizes)))


def _shape(value: Any) -> Any:
    if not is_list(value):
        return Integers((size(value),))
    if value.__class__ not in TYPE_NAMES and not isinstance(value, Grid):
        sizes = getattr(value, "shape", None)
        if sizes is not None:
            return Integers(sizes)
    return Integers(shape_of(value))


@primitive("≢", "tally")
def tally(container: Any) -> int:
    """The number of cells of a matrix or tensor; of anything else, its size.

    (list (tally (rho 2 3 (iota 6))) (tally '(4 5)))
    ; (6 2)
    """
    return prod(container.shape) if isinstance(container, Grid) else size(container)


# ---------------------------------------------------------------- axes


def _as_array(grid: Grid) -> Any:
    import numpy

    return numpy.asarray(grid)


def permuted(grid: Grid, axes: tuple[int, ...]) -> Any:
    """A matrix or tensor with its axes in another order."""
    if axes == (1, 0):
        rows, columns = grid.shape
        flat = grid.buffer
        cls = TYPED[grid.kind]
        turned = cls()
        for column in range(columns):
            turned.extend(flat[column::columns])
        return type(grid)(grid.kind, (columns, rows), turned)
    return _again(grid, _as_array(grid).transpose(axes))


def _again(grid: Grid, array: Any) -> Any:
    """An array cut from a matrix or tensor, as a value of the same kind."""
    if not hasattr(array, "ndim"):
        return array
    return from_array(array, grid.kind) if array.ndim else array.item()


@primitive("⍉", "transpose")
def transpose(value: Any) -> Any:
    """The first two axes exchanged.

    Matrices and tensors keep their kind; nested lists of numbers make a matrix
    of numbers, other nested lists stay nested lists. A flat list is its own
    transpose.

    (list (transpose (rho 2 3 (iota 6))) (transpose '((a b) (c d))))
    ; (((1 4) (2 5) (3 6)) ((a c) (b d)))
    """
    if isinstance(value, Grid):
        return permuted(value, (1, 0, *range(2, len(value.shape))))
    if value.__class__ not in TYPE_NAMES:
        turn = getattr(adapter_for(value.__class__), "transpose", None)
        return value if turn is None else turn(value)
    if value.__class__ not in GENERIC and value.__class__ is not LinkedList:
        return value
    rows = members(value)
    if not rows or not any(is_list(row) for row in rows):
        return value
    shape = shape_of(value)
    flat = flattened(value, shape)
    if flat is None:
        if not all(is_list(row) and len(row) == len(rows[0]) for row in rows):
            raise LispError("only rows of one length can be transposed")
        return List(List(column) for column in zip(*rows, strict=True))
    if len(shape) == 2 and all(m.__class__ in NUMBERS and m.__class__ is not complex for m in flat):
        return permuted(Matrix("numbers", shape, typed("numbers", flat)), (1, 0))
    return List(List(column) for column in zip(*rows, strict=True))


def _rank(value: Any, keys: tuple[Any, ...]) -> Any:
    """The part of a matrix or tensor at some keys; -1 keeps an axis."""
    value = of_core(value)
    nested = value.__class__ in GENERIC
    if not nested and not isinstance(value, Grid):
        raise LispError("cannot apply 'rank' to this element")
    shape = shape_of(value)
    wanted = [index_of(k) for k in keys]
    while len(wanted) > 1 and wanted[-1] == -1:
        wanted.pop()
    if len(wanted) > len(shape):
        raise LispError("indexes out of bounds")
    for index, length in zip(wanted, shape, strict=False):
        if not -1 <= index < length:
            raise LispError("indexes out of bounds")
    array = _object_array(value, shape) if nested else _as_array(value)
    if all(index == -1 for index in wanted):
        axes = (1, 0, *range(2, len(shape))) if len(shape) > 1 else (0,)
        part = array.transpose(axes)
    else:
        part = array[tuple(slice(None) if i == -1 else i for i in wanted)]
        kept = wanted.count(-1)
        if kept > 1:
            # The kept axes become one, the last of them varying slowest.
            rest = tuple(range(kept, part.ndim))
            part = part.transpose((*reversed(range(kept)), *rest))
            part = part.reshape((-1, *part.shape[kept:]))
    if not nested:
        return _again(value, part)
    return part if not hasattr(part, "ndim") else _to_lists(part.tolist())


def _object_array(value: Any, shape: list[int]) -> Any:
    import numpy

    flat = flattened(value, shape)
    if flat is None:
        raise LispError("cannot apply 'rank' to this element")
    array = numpy.empty(len(flat), dtype=object)
    array[:] = flat
    return array.reshape(shape)


def _to_lists(value: Any) -> Any:
    return List(_to_lists(v) for v in value) if value.__class__ is list else value


@primitive("rank@", "⍤", "rank", arity=(2, None))
def rank(value: Any, *keys: Any) -> Any:
    """The part of a matrix, a tensor or regular nested lists at some keys.

    -1 keeps an axis: ``(rank@ m -1 2)`` is column 2. Several axes kept before
    the last key become one.

    (setq m (rho 2 3 4 (iota 24))) (list (rank@ m 1 2) (rank@ m -1 1 2))
    ; ((21 22 23 24) (7 19))
    """
    return _rank(value, keys)


@primitive("irank@", "irank", arity=(2, None))
def iterated_rank(value: Any, *keys: Any) -> Any:
    """What ``rank@`` gives, for a loop over its rows.

    (map (\\(column) (sum column)) (irank@ (rho 2 3 (iota 6)) -1))
    ; (5 7 9)
    """
    return _rank(value, keys)


# ---------------------------------------------------------------- members, joining


@primitive("∈", "member")
def member(container: Any, values: Any) -> Any:
    """1 for each member that is among the values, else 0, in the shape of the container.

    (list (member (iota 5) (integers 2 4)) (member '(a b) '(b)))
    ; ((0 1 0 1 0) (0 1))
    """
    if not is_list(container) or not is_list(values):
        raise LispError("expecting a list as first element")
    container, values = of_core(container), of_core(values)
    wanted = list(values.buffer) if isinstance(values, Grid) else list(members(values))
    return _marked(container, _finder(wanted))


def _finder(wanted: list[Any]) -> Callable[[Any], int]:
    plain = {v for v in wanted if v.__class__ in (int, float)}
    if len(wanted) == len(plain):
        # Among numbers alone a hash table answers; texts may spell a number.
        def find(item: Any) -> int:
            if item.__class__ in (int, float):
                return 1 if item in plain else 0
            return 1 if any(equal(item, v) for v in plain) else 0

        return find
    return lambda item: 1 if any(equal(item, v) for v in wanted) else 0


def _marked(container: Any, find: Callable[[Any], int]) -> Any:
    cls = container.__class__
    if isinstance(container, Grid):
        return container.with_members(_marked(container.buffer, find))
    if cls in NUMERIC_LISTS:
        return cls([find(m) for m in container.tolist()])
    if cls in TEXT_LISTS:
        return Integers([find(m) for m in container])
    return like(container, [_marked(m, find) if is_list(m) else find(m) for m in container])


@primitive(",", arity=(1, 2))
def concatenation(*values: Any) -> Any:
    """The members of a container in one flat list; or two lists, one after the other.

    The first operand gives the kind; a scalar counts as a list of one. Matrices
    are joined column by column, and a list or a scalar is a column.

    (list (, '((4 5) (6 (7)))) (, (iota 2) 9) (, (rho 2 2 (iota 4)) '(7 8)))
    ; ((4 5 6 7) (1 2 9) ((1 2 7) (3 4 8)))
    """
    values = tuple([of_core(v) for v in values])
    first = values[0]
    if len(values) == 1:
        if isinstance(first, Grid):
            return shaped(first.kind, (prod(first.shape),), section(first.buffer))
        return flatten(first)
    second = values[1]
    if isinstance(first, Grid):
        return _columns(first, first, second)
    if isinstance(second, Grid) and not _is_nested(first):
        return _columns(second, first, second)
    left = _as_members(first)
    right = List(second) if is_list(second) else List((second,))
    return (
        like(first, [*left, *_converted(first, right)]) if is_list(first) else _joined(first, right)
    )


def _is_nested(value: Any) -> bool:
    return is_list(value) and any(is_list(m) for m in value)


def _as_members(value: Any) -> list[Any]:
    return members(value) if is_list(value) else [value]


def _converted(first: Any, items: list[Any]) -> list[Any]:
    kind = getattr(first, "kind", None)
    return items if kind is None else [store(kind, item) for item in items]


#: Class of a scalar -> the typed list that it begins.
_BEGINS: dict[type, str] = {
    int: "integers", Short: "shorts", float: "numbers", Float32: "floats",
    bytes: "stringbytes", **dict.fromkeys(TEXTS - {bytes}, "strings"),
}  # fmt: skip


def _joined(first: Any, items: list[Any]) -> Any:
    kind = _BEGINS.get(first.__class__)
    if kind is None or any(is_list(item) for item in items):
        return List([first, *items])
    return typed(kind, [first, *items])


def _columns(grid: Grid, left: Any, right: Any) -> Any:
    """Two operands side by side, of which one is a matrix."""
    pairs = zip(_rows(left, len(grid)), _rows(right, len(grid)), strict=True)
    if len(grid.shape) > 2:
        return rebuilt(grid, [concatenation(a, b) for a, b in pairs])
    rows = []
    for a, b in pairs:
        row = TYPED[grid.kind]()
        row.extend(typed(grid.kind, _as_members(a)))
        row.extend(typed(grid.kind, _as_members(b)))
        rows.append(row)
    return rebuilt(grid, rows)


def _rows(operand: Any, count: int) -> list[Any]:
    """An operand as ``count`` rows: a scalar is repeated."""
    if not is_list(operand):
        return [operand] * count
    rows = list(operand.copy()) if isinstance(operand, Grid) else members(operand)
    if len(rows) != count:
        raise LispError("Length error")
    return rows


def mapped_rows(grid: Grid, function: Callable[[Any], Any]) -> list[Any]:
    """A function of each vector along the last axis, in order."""
    width = grid.shape[-1]
    flat = grid.buffer
    count = prod(grid.shape[:-1])
    return [function(section(flat, i * width, (i + 1) * width)) for i in range(count)]
