"""Dates, in local time, and points of the clock."""

from __future__ import annotations

import time
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import print_as_text
from lispe_py.protocol import Adapter, register_adapter

#: The parts of a date, in the order of ``time.struct_time``.
PARTS = ("year", "month", "day", "hour", "minute", "second")


def moment_of(fields: list[int]) -> float:
    """Seconds since 1970 of local fields; what overflows carries over."""
    # The month first: not every system takes one beyond December.
    year, month = divmod(fields[0] * 12 + fields[1] - 1, 12)
    day, hour, minute, second = fields[2:6]
    try:
        return time.mktime((year, month + 1, day, hour, minute, second, 0, 0, -1))
    except (OverflowError, ValueError, OSError):
        raise LispError("this date is out of range") from None


class Date:
    """``date_``: a moment, to the second, shown in local time. It can be changed in place."""

    __slots__ = ("moment",)
    atom = "date_"

    def __init__(self, moment: float) -> None:
        self.moment = moment

    @property
    def local(self) -> time.struct_time:
        try:
            return time.localtime(self.moment)
        except (OverflowError, ValueError, OSError):
            raise LispError("this date is out of range") from None

    @property
    def fields(self) -> list[int]:
        """Year, month, day, hour, minute, second."""
        return list(self.local[:6])

    def change(self, part: str, value: int) -> None:
        fields = self.fields
        fields[PARTS.index(part)] = value
        self.moment = moment_of(fields)

    @property
    def text(self) -> str:
        year, month, day, hour, minute, second = self.fields
        return f"{year:04d}/{month:02d}/{day:02d} {hour:02d}:{minute:02d}:{second:02d}"

    def __repr__(self) -> str:
        return f"Date({self.text!r})"


class DateAdapter(Adapter):
    """Dates have an order; their difference is in seconds, and seconds can be added."""

    name = "date_"

    def show(self, value: Any) -> str:
        text: str = value.text
        return text

    def as_number(self, value: Any) -> int | float:
        return int(value.moment)

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, Date) and isinstance(right, Date):
            if operator == "-":
                return int(left.moment) - int(right.moment)
        elif isinstance(left, Date) and operator in "+-" and _is_seconds(right):
            return Date(left.moment + (right if operator == "+" else -right))
        elif isinstance(right, Date) and operator == "+" and _is_seconds(left):
            return Date(right.moment + left)
        raise LispError(f"cannot evaluate '{operator}' with a date")

    def equal(self, left: Any, right: Any) -> bool:
        return self.compare(left, right) == 0

    def compare(self, left: Any, right: Any) -> int | None:
        if not (isinstance(left, Date) and isinstance(right, Date)):
            return None
        return (left.moment > right.moment) - (left.moment < right.moment)

    def clone(self, value: Any) -> Date:
        return Date(value.moment)


def _is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and value is not True


class Chrono:
    """``chrono_``: a point of a steady clock, for differences in milliseconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"Chrono({self.seconds!r})"


class ChronoAdapter(Adapter):
    """Two points have a difference, in milliseconds, and an order."""

    name = "chrono_"

    def show(self, value: Any) -> str:
        return f"{value.seconds * 1000:.0f}"

    def as_number(self, value: Any) -> int | float:
        milliseconds: float = value.seconds * 1000
        return milliseconds

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        if operator == "-" and isinstance(left, Chrono) and isinstance(right, Chrono):
            return (left.seconds - right.seconds) * 1000
        raise LispError(f"cannot evaluate '{operator}' with a point of the clock")

    def equal(self, left: Any, right: Any) -> bool:
        return self.compare(left, right) == 0

    def compare(self, left: Any, right: Any) -> int | None:
        if not (isinstance(left, Chrono) and isinstance(right, Chrono)):
            return None
        return (left.seconds > right.seconds) - (left.seconds < right.seconds)


register_adapter(Date, DateAdapter())
register_adapter(Chrono, ChronoAdapter())
print_as_text(Date, lambda value: value.text)
