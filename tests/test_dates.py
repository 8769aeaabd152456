"""Dates and the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lispe_py import LispE, LispError
from lispe_py.runtime.dates import Date


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        yield
        return
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval("(setq d (setdate 2031 4 9 8 5 3))" + program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("d", "2031/04/09 08:05:03"),
        ("(type d)", "date_"),
        ("(list d)", '("2031/04/09 08:05:03")'),
        ("(list (year d) (month d) (day d) (hour d) (minute d) (second d))", "(2031 4 9 8 5 3)"),
        ("(list (weekday d) (yearday d))", "(3 98)"),
        ("(setq d (setdate 2028 12 31 0 0 0)) (list (weekday d) (yearday d))", "(0 365)"),
        ("(setdate 2031 14 1 0 0 0)", "2032/02/01 00:00:00"),
        ("(setdate 2031 2 31 0 0 0)", "2031/03/03 00:00:00"),
        ("(setdate 2031 1 1 25 61 61)", "2031/01/02 02:02:01"),
        ("(setdate 2031 -11 1 0 0 0)", "2030/01/01 00:00:00"),
        ("(day d 31)", "2031/05/01 08:05:03"),
        ("(month d 1) d", "2031/01/09 08:05:03"),
        ("(setq e d) (second d 59) e", "2031/04/09 08:05:59"),
        ("(setq e (clone d)) (second d 59) e", "2031/04/09 08:05:03"),
        ("(year d -1)", "2031"),
        ('(date_format d "%d.%m.%y %H:%M %j")', "09.04.31 08:05 099"),
        ("(integer (setdate 1970 1 1 0 1 1))", "61"),
        ("(number (setdate 1970 1 2 0 0 0))", "86400"),
        ("(- (setdate 2031 4 10 8 5 3) d)", "86400"),
        ("(+ d 60)", "2031/04/09 08:06:03"),
        ("(- d 3)", "2031/04/09 08:05:00"),
        ("(setq e (setdate 2031 4 9 8 5 4)) (list (< d e) (> d e) (= d e) (= d (clone d)))",
         "(true nil nil true)"),
        ("(sort '< (list (+ d 2) d (+ d 1)))",
         '("2031/04/09 08:05:03" "2031/04/09 08:05:04" "2031/04/09 08:05:05")'),
        ("(json (list d))", '["2031/04/09 08:05:03"]'),
        ("(numberp d)", "nil"),
        ('(+ "at " d)', "at 2031/04/09 08:05:03"),
    ],
)  # fmt: skip
def test_dates(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(year 3)", "a date is expected, not: '3'"),
        ("(setdate 99999999999 1 1)", "out of range"),
        ('(date_format d "")', "empty text"),
        ("(* d 2)", "with a date"),
        ("(+ d d)", "with a date"),
        ("(- (chrono) 5)", "point of the clock"),
        ("(sleep -1)", "0 or more"),
    ],
)
def test_errors(program: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        shown(program)


def test_components_are_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of this system cannot be changed")
    monkeypatch.setenv("TZ", "XST-5")
    time.tzset()
    lisp = LispE()
    assert lisp.eval("(integer (setdate 1970 1 1 0 0 0))") == -5 * 3600
    assert lisp.show(Date(0)) == "1970/01/01 05:00:00"
    assert lisp.eval('(date_format (setdate 2031 4 9) "%Z")') == "XST"


def test_now() -> None:
    before = int(time.time())
    found = LispE().eval("(date)")
    assert before <= found.moment <= time.time()
    assert len(str(found.text)) == 19
    today = time.localtime()
    assert LispE().eval("(year (setdate -1))") == today.tm_year


def test_the_clock() -> None:
    lisp = LispE()
    assert lisp.eval("(setq a (chrono)) (sleep 30) (- (chrono) a)") >= 29
    assert lisp.eval("(type a)").name == "chrono_"
    assert lisp.eval("(list (< a (chrono)) (= a a))") == [True, True]
    assert lisp.eval("(elapse (sleep 20))") >= 19
