"""Typed lists whose memory is not filled yet, for what numpy fills at once.

``array`` can only be made with contents: a result would be written twice, and
the memory of a long list faulted in page by page, which takes longer than the
work itself. Here CPython's own allocator gives the memory and the list takes
it; where the system can, in large pages, as numpy asks for its own arrays.

The layout of an array is CPython's. It is tested once, on an array that exists;
where it is another (PyPy, a build to come), lists are made in the slow way.
"""

from __future__ import annotations

import sys
from array import array
from typing import Any, TypeVar

from lispe_py.values.typed import Numeric

Kind = TypeVar("Kind", bound=Numeric)

#: Bytes from which large pages are asked for (numpy's own bound).
LARGE = 1 << 22
#: Linux's ``MADV_HUGEPAGE``.
_LARGE_PAGES = 14
_PAGE = 4096


def filled(cls: type[Numeric], size: int) -> Numeric:
    """A typed list of zeros.

    array's own repetition, in place: the other ways copy once more.
    """
    result: Numeric = cls((0,) if size else ())
    array.__imul__(result, size)
    return result


def _maker() -> Any:
    """The function that makes a list without contents; ``filled`` where none is known."""
    import ctypes

    class Layout(ctypes.Structure):
        _fields_ = (
            ("header", ctypes.c_byte * object.__basicsize__),
            ("size", ctypes.c_ssize_t),
            ("items", ctypes.c_void_p),
            ("allocated", ctypes.c_ssize_t),
        )

    probe = array("q", (1, 2, 3))
    if sys.implementation.name != "cpython" or array.__basicsize__ < ctypes.sizeof(Layout):
        return filled
    seen = Layout.from_address(id(probe))
    if (seen.items, seen.size) != probe.buffer_info() or not 3 <= seen.allocated <= 16:
        return filled
    allocate = ctypes.pythonapi.PyMem_Malloc
    allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    advise = None
    if sys.platform == "linux":
        advise = getattr(ctypes.CDLL(None), "madvise", None)
    if advise is not None:
        advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

    def make(cls: type[Numeric], size: int) -> Numeric:
        result: Numeric = array.__new__(cls, cls.code)
        count = size * result.itemsize
        if not count:
            return result
        memory = allocate(count)
        if not memory:
            raise MemoryError
        if advise is not None and count >= LARGE:
            # Only whole pages of our own; a refusal costs speed, nothing else.
            start = -(-memory // _PAGE) * _PAGE
            advise(start, (memory + count - start) // _PAGE * _PAGE, _LARGE_PAGES)
        layout = Layout.from_address(id(result))
        layout.items, layout.size, layout.allocated = memory, size, size
        return result

    return make


_make: Any = None


def unfilled(cls: type[Kind], size: int) -> Kind:
    """A typed list of a length, its members any numbers: to be filled at once.

    >>> len(unfilled(Integers, 1000))
    1000
    """
    global _make
    if _make is None:
        _make = _maker()
    result: Kind = _make(cls, size)
    return result


def list_of(cls: type[Kind], array: Any) -> Kind:
    """A typed list with the members of a numpy array, in the order of its memory.

    >>> list_of(Numbers, numpy.arange(3))
    Numbers([0.0, 1.0, 2.0])
    """
    import numpy

    result = unfilled(cls, array.size)
    if array.size:
        numpy.frombuffer(result, cls.code)[:] = array.reshape(-1)
    return result
