"""Scalar numbers other than Python's own ``int``, ``float`` and ``complex``."""

from __future__ import annotations

import struct


class Short(int):
    """``short_``: a signed integer of 16 bits. ``Short(40000)`` wraps to -25536."""

    __slots__ = ()

    def __new__(cls, value: int = 0) -> Short:
        return int.__new__(cls, ((int(value) + 0x8000) & 0xFFFF) - 0x8000)


class Float32(float):
    """``float_``: a number of 32 bits, rounded when it is made.

    >>> float(Float32(0.1))
    0.10000000149011612
    """

    __slots__ = ()

    def __new__(cls, value: float = 0.0) -> Float32:
        value = float(value)
        try:
            value = struct.unpack("f", struct.pack("f", value))[0]
        except OverflowError:
            value = float("inf") if value > 0 else float("-inf")
        return float.__new__(cls, value)
