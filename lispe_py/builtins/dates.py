"""Dates, the clock, waiting."""

from __future__ import annotations

import time
from typing import Any

from lispe_py.builtins.strings import text_of
from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.registry import primitive
from lispe_py.runtime.convert import to_integer, to_number
from lispe_py.runtime.dates import Chrono, Date, moment_of
from lispe_py.runtime.pauses import paused


def _date(value: Any) -> Date:
    if not isinstance(value, Date):
        raise LispError(f"a date is expected, not: '{display(value)}'")
    return value


@primitive("date")
def date() -> Date:
    """The current date, in local time.

    It prints as ``YYYY/MM/DD HH:MM:SS``. Dates are compared with ``< = >``; the
    difference of two is in seconds, and seconds can be added to one;
    ``(integer d)`` counts the seconds since 1970.

    (type (date))
    ; date_
    """
    return Date(float(int(time.time())))


@primitive("setdate")
def setdate(
    year: Any,
    month: Any = -1,
    day: Any = -1,
    hour: Any = -1,
    minute: Any = -1,
    second: Any = -1,
) -> Date:
    """A date from its parts; -1 keeps the current one. What overflows carries over.

    (setdate 2031 2 31 8 5 3)
    ; 2031/03/03 08:05:03
    """
    fields = list(time.localtime()[:6])
    for index, value in enumerate((year, month, day, hour, minute, second)):
        number = to_integer(value)
        if number != -1:
            fields[index] = number
    return Date(moment_of(fields))


def _part(date: Any, part: str, value: Any) -> Any:
    found = _date(date)
    if value is not None:
        number = to_integer(value)
        if number != -1:
            found.change(part, number)
            return found
    return getattr(found.local, {
        "year": "tm_year", "month": "tm_mon", "day": "tm_mday",
        "hour": "tm_hour", "minute": "tm_min", "second": "tm_sec",
    }[part])  # fmt: skip


@primitive("year")
def year(date: Any, value: Any = None) -> Any:
    """The year of a date; with a value, changes it in place and gives the date.

    (year (setdate 2031 4 9 8 5 3))
    ; 2031
    """
    return _part(date, "year", value)


@primitive("month")
def month(date: Any, value: Any = None) -> Any:
    """The month of a date, from 1; with a value, changes it in place and gives the date.

    (month (setdate 2031 4 9 8 5 3) 1)
    ; 2031/01/09 08:05:03
    """
    return _part(date, "month", value)


@primitive("day")
def day(date: Any, value: Any = None) -> Any:
    """The day of the month of a date; with a value, changes it in place and gives the date.

    (day (setdate 2031 4 9 8 5 3) 31)
    ; 2031/05/01 08:05:03
    """
    return _part(date, "day", value)


@primitive("hour")
def hour(date: Any, value: Any = None) -> Any:
    """The hour of a date; with a value, changes it in place and gives the date.

    (hour (setdate 2031 4 9 8 5 3))
    ; 8
    """
    return _part(date, "hour", value)


@primitive("minute")
def minute(date: Any, value: Any = None) -> Any:
    """The minute of a date; with a value, changes it in place and gives the date.

    (minute (setdate 2031 4 9 8 5 3))
    ; 5
    """
    return _part(date, "minute", value)


@primitive("second")
def second(date: Any, value: Any = None) -> Any:
    """The second of a date; with a value, changes it in place and gives the date.

    (second (setdate 2031 4 9 8 5 3) 59)
    ; 2031/04/09 08:05:59
    """
    return _part(date, "second", value)


@primitive("weekday")
def weekday(date: Any) -> int:
    """The day of the week of a date; 0 is Sunday.

    (weekday (setdate 2031 4 9 8 5 3))
    ; 3
    """
    return (_date(date).local.tm_wday + 1) % 7


@primitive("yearday")
def yearday(date: Any) -> int:
    """The day of the year of a date, from 0.

    (yearday (setdate 2031 4 9 8 5 3))
    ; 98
    """
    return _date(date).local.tm_yday - 1


@primitive("date_format")
def date_format(date: Any, pattern: Any) -> str:
    """A date written as a ``strftime`` pattern says; an empty result is an error.

    (date_format (setdate 2031 4 9 8 5 3) "%d.%m.%y %H:%M")
    ; 09.04.31 08:05
    """
    try:
        text = time.strftime(text_of(pattern), _date(date).local)
    except ValueError as error:
        raise LispError(f"cannot write the date: {error}") from None
    if not text:
        raise LispError("this format gives an empty text")
    return text


@primitive("chrono")
def chrono() -> Chrono:
    """A point of a steady clock; the difference of two is in milliseconds.

    (setq start (chrono)) (>= (- (chrono) start) 0)
    ; true
    """
    return Chrono(time.perf_counter())


@primitive("sleep")
def sleep(milliseconds: Any) -> bool:
    """Wait for a number of milliseconds.

    (sleep 2)
    ; true
    """
    seconds = to_number(milliseconds) / 1000
    if not 0 <= seconds < 1e9:
        raise LispError("'sleep' needs a number of milliseconds, 0 or more")
    paused(seconds)
    return True
