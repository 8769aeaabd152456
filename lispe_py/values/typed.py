"""Typed lists: numbers of one kind on an array, strings on a list.

The numeric ones are ``array.array`` subclasses: growing and indexing cost
nothing more than a Python list, members are plain Python numbers, and numpy
or torch can take the buffer as it is.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any, ClassVar

from lispe_py.errors import LispError


def does_not_fit(value: Any, kind: str) -> LispError:
    """The error of a number outside the range of a typed list."""
    if value.__class__ is int and value.bit_length() > 1000:
        value = f"an integer of {value.bit_length()} bits"
    return LispError(f"{value} does not fit in '{kind}'")


class Numeric(array):  # type: ignore[type-arg]
    """What the four numeric lists share.

    A copy and a pickle keep the class, a slice is a plain array: see :func:`section`.
    ``kind`` is the name of the
    constructor (``integers``), ``atom`` what ``type`` answers.
    """

    __slots__ = ()
    kind: ClassVar[str]
    atom: ClassVar[str]
    code: ClassVar[str]

    def __new__(cls, items: Iterable[Any] = ()) -> Any:
        if isinstance(items, (bytes, bytearray)):
            # array would take them for its memory.
            items = list(items)
        try:
            return array.__new__(cls, cls.code, items)  # type: ignore[call-overload]
        except OverflowError:
            raise does_not_fit(_largest(items), cls.kind) from None

    def __copy__(self) -> Any:
        return array.__new__(self.__class__, self.code, self)  # type: ignore[call-overload]

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __add__(self, other: Any) -> Any:
        return array.__new__(self.__class__, self.code, array.__add__(self, other))

    def __mul__(self, count: Any) -> Any:
        return array.__new__(self.__class__, self.code, array.__mul__(self, count))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _restore, (self.__class__, self.tobytes())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.tolist()!r})"


def section(
    items: Any, start: int | None = None, stop: int | None = None, step: int | None = None
) -> Any:
    """A part of a list, of the same kind if that is a list of numbers.

    A method for it would take the place of array's own access to members, and make
    each of them cost five times as much.

    >>> section(Integers([4, 5, 6]), 1)
    Integers([5, 6])
    """
    found = items[start:stop:step]
    if found.__class__ is array:
        return array.__new__(items.__class__, items.typecode, found)
    return found


def _restore(cls: type[Numeric], data: bytes) -> Numeric:
    value: Numeric = cls()
    value.frombytes(data)
    return value


def _largest(items: Iterable[Any]) -> Any:
    try:
        return max(items, key=abs)
    except (TypeError, ValueError):
        return "a number"


class Integers(Numeric):
    """``integers_``: signed integers of 64 bits."""

    __slots__ = ()
    kind = "integers"
    atom = "integers_"
    code = "q"


class Shorts(Numeric):
    """``shorts_``: signed integers of 16 bits."""

    __slots__ = ()
    kind = "shorts"
    atom = "shorts_"
    code = "h"


class Floats(Numeric):
    """``floats_``: numbers of 32 bits."""

    __slots__ = ()
    kind = "floats"
    atom = "floats_"
    code = "f"


class Numbers(Numeric):
    """``numbers_``: numbers of 64 bits."""

    __slots__ = ()
    kind = "numbers"
    atom = "numbers_"
    code = "d"


class Strings(list):  # type: ignore[type-arg]
    """``strings_``: a list of ``str``."""

    __slots__ = ()
    kind: ClassVar[str] = "strings"
    atom: ClassVar[str] = "strings_"

    def __repr__(self) -> str:
        return f"Strings({list.__repr__(self)})"


class Stringbytes(list):  # type: ignore[type-arg]
    """``stringbytes_``: a list of ``bytes``."""

    __slots__ = ()
    kind: ClassVar[str] = "stringbytes"
    atom: ClassVar[str] = "stringbytes_"

    def __repr__(self) -> str:
        return f"Stringbytes({list.__repr__(self)})"


#: Every typed list, by the name of its constructor.
TYPED: dict[str, type[Any]] = {
    cls.kind: cls for cls in (Integers, Shorts, Floats, Numbers, Strings, Stringbytes)
}
