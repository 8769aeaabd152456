"""Matrices and tensors of the core: one typed list and a shape.

As long as nobody has taken a row out, the members lie in one typed list, in
row-major order, which numpy or torch can use as it is (``buffer``). The first
row that is handed out turns the storage into a list of rows, which are live:
what is written into a row is written into the matrix. Asking for the buffer
then joins the rows anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any, ClassVar

from lispe_py.errors import LispError
from lispe_py.values.typed import TYPED, section
from lispe_py.values.unfilled import list_of

#: Kind of the storage -> its name in ``matrix_integer_``.
ELEMENTS = {
    "integers": "integer", "shorts": "short", "floats": "float", "numbers": "number",
    "strings": "string", "stringbytes": "stringbyte",
}  # fmt: skip

#: What a new matrix is filled with.
FILL: dict[str, Any] = {
    "integers": 0, "shorts": 0, "floats": 0.0, "numbers": 0.0, "strings": "", "stringbytes": b"",
}  # fmt: skip


class Grid:
    """What matrices and tensors share.

    ``kind`` names the typed list of the members (``integers``); ``shape`` is
    a tuple of at least two lengths. ``known`` are two numbers between which all
    integers lie, or None: it is known of results that nobody else could write to.
    """

    __slots__ = ("_flat", "_parts", "kind", "known", "shape")
    family: ClassVar[str]

    def __init__(
        self, kind: str, shape: Iterable[int], flat: Any, known: tuple[int, int] | None = None
    ) -> None:
        self.kind = kind
        self.shape = tuple(shape)
        self.known = known
        self._flat = flat
        self._parts: list[Any] | None = None

    @classmethod
    def of_parts(cls, kind: str, shape: Iterable[int], parts: list[Any]) -> Any:
        """One on rows (or on tensors of one axis less) that exist already."""
        grid = cls(kind, shape, None)
        grid._parts = parts
        return grid

    @property
    def atom(self) -> str:
        """The name of the type: ``matrix_integer_``."""
        return f"{self.family}_{ELEMENTS[self.kind]}_"

    @property
    def buffer(self) -> Any:
        """All members in row-major order: the storage itself, until a row was taken out."""
        self.known = None
        if self._parts is None:
            return self._flat
        joined = TYPED[self.kind]()
        width = prod(self.shape[1:])
        for part in self._parts:
            row = part.buffer if isinstance(part, Grid) else part
            if len(row) != width:
                raise LispError(
                    f"a row of {len(row)} members in a matrix of {self.shape[1]} columns"
                )
            joined.extend(row)
        return joined

    def for_reading(self) -> Any:
        """The same for work that only reads: what is known of the members stays known."""
        return self._flat if self._parts is None else self.buffer

    @property
    def parts(self) -> list[Any]:
        """The live rows, or tensors of one axis less."""
        self.known = None
        if self._parts is None:
            count, *inner = self.shape
            width = prod(inner)
            flat = self._flat
            pieces = [section(flat, i * width, (i + 1) * width) for i in range(count)]
            if len(inner) > 1:
                self._parts = [type(self)(self.kind, inner, piece) for piece in pieces]
            else:
                row = TYPED[self.kind]
                self._parts = [p if p.__class__ is row else row(p) for p in pieces]
            self._flat = None
        return self._parts

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def __bool__(self) -> bool:
        return self.shape[0] > 0

    def read(self, indexes: tuple[int, ...]) -> Any:
        """A member by one index for each axis; IndexError outside."""
        if self._parts is not None:
            part = self._parts[indexes[0]]
            return part.read(indexes[1:]) if isinstance(part, Grid) else part[indexes[1]]
        return self._flat[self._offset(indexes)]

    def write(self, indexes: tuple[int, ...], member: Any) -> None:
        """Set a member, of the right kind already; IndexError outside."""
        self.known = None
        if self._parts is not None:
            part = self._parts[indexes[0]]
            if isinstance(part, Grid):
                part.write(indexes[1:], member)
            else:
                part[indexes[1]] = member
        else:
            self._flat[self._offset(indexes)] = member

    def _offset(self, indexes: tuple[int, ...]) -> int:
        offset = 0
        for index, size in zip(indexes, self.shape, strict=True):
            if not -size <= index < size:
                raise IndexError(index)
            offset = offset * size + index % size
        return offset

    def set_parts(self, parts: list[Any]) -> None:
        """Other rows, of the same shape."""
        self.known = None
        self._parts = parts
        self._flat = None
        self.shape = (len(parts), *self.shape[1:])

    def with_members(self, flat: Any, known: tuple[int, int] | None = None) -> Any:
        """Another of the same shape, with these members and their kind."""
        return type(self)(getattr(flat, "kind", self.kind), self.shape, flat, known)

    def fill(self, flat: Any) -> None:
        """Set all members at once; rows that were handed out change too."""
        self.known = None
        if self._parts is None:
            self._flat = flat
            return
        width = prod(self.shape[1:])
        for index, part in enumerate(self._parts):
            piece = _typed(self.kind, section(flat, index * width, (index + 1) * width))
            if isinstance(part, Grid):
                part.fill(piece)
            else:
                part[:] = piece

    def copy(self) -> Any:
        """A copy that shares nothing."""
        flat = self.buffer
        if flat is self._flat:
            flat = section(flat)
        return type(self)(self.kind, self.shape, _typed(self.kind, flat))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce__(self) -> Any:
        return type(self), (self.kind, self.shape, self.buffer)

    def nested(self) -> Any:
        """The members as nested Python lists."""
        values = list(self.buffer)
        for size in reversed(self.shape[1:]):
            values = [values[i : i + size] for i in range(0, len(values), size)] if size else []
        return values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """For ``numpy.asarray``: the members where they lie, if they are numbers."""
        import numpy

        flat = self.buffer
        if self.kind in ("strings", "stringbytes"):
            array = numpy.array(list(flat), dtype=object)
        else:
            array = numpy.frombuffer(flat, flat.typecode)
        if copy:
            array = array.copy()
        array = array.reshape(self.shape)
        return array if dtype is None else array.astype(dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.kind!r}, {self.shape!r}, {self.buffer!r})"


class Matrix(Grid):
    """``matrix_T_``: rows and columns."""

    __slots__ = ()
    family = "matrix"

    def member(self, row: int, column: int) -> Any:
        """One member; IndexError outside."""
        if self._parts is not None:
            return self._parts[row][column]
        return self._flat[self._place(row, column)]

    def put(self, row: int, column: int, member: Any) -> None:
        """Set a member, of the right kind already; IndexError outside."""
        self.known = None
        if self._parts is not None:
            self._parts[row][column] = member
        else:
            self._flat[self._place(row, column)] = member

    def _place(self, row: int, column: int) -> int:
        rows, columns = self.shape
        if -rows <= row < rows and -columns <= column < columns:
            return row % rows * columns + column % columns
        raise IndexError(row, column)


class Tensor(Grid):
    """``tensor_T_``: any number of axes."""

    __slots__ = ()
    family = "tensor"


def _typed(kind: str, flat: Any) -> Any:
    """A typed list; slices of text lists are plain lists."""
    cls = TYPED[kind]
    return flat if flat.__class__ is cls else cls(flat)


def shaped(kind: str, shape: Iterable[int], flat: Any) -> Any:
    """Members of a kind in a shape: a typed list, a matrix, or a tensor of more axes."""
    shape = tuple(shape)
    flat = _typed(kind, flat)
    if len(shape) == 1:
        return flat
    return (Matrix if len(shape) == 2 else Tensor)(kind, shape, flat)


def from_array(array: Any, kind: str | None = None) -> Any:
    """The typed list, matrix or tensor of a numpy array; a plain number for none of its axes."""
    if not array.ndim:
        return array.item()
    kind = kind or ("integers" if array.dtype.kind in "iub" else "numbers")
    cls = TYPED[kind]
    if kind in ("strings", "stringbytes"):
        return shaped(kind, array.shape, cls(array.ravel().tolist()))
    return shaped(kind, array.shape, list_of(cls, array))
