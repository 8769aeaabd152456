"""Messages on standard error: levels, times, one interpreter beside another."""

from __future__ import annotations

import io
import re

import pytest

from lispe_py import LispE, LispError


@pytest.fixture
def lisp() -> LispE:
    return LispE(stderr=io.StringIO())


def test_a_message_has_time_and_level(lisp: LispE) -> None:
    lisp.eval('(log_info "loss" 0.25 (list 1 "a")) (log_error "two\nlines")')
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
    assert re.fullmatch(
        rf"{stamp} INFO    loss 0\.25 \(1 \"a\"\)\n{stamp} ERROR   two\n    lines\n",
        lisp.stderr.getvalue(),
    )


def test_levels(lisp: LispE) -> None:
    other = LispE(stderr=io.StringIO())
    calls = "(list (log_debug 1) (log_info 1) (log_warning 1) (log_error 1))"
    assert lisp.show(lisp.eval(calls)) == "(nil true true true)"
    lisp.eval("(log_level 'warning)")
    assert lisp.show(lisp.eval(calls)) == "(nil nil true true)"
    assert lisp.stderr.getvalue().count("\n") == 5
    assert other.eval("(log_level)") == "info"


def test_an_unknown_level(lisp: LispE) -> None:
    with pytest.raises(LispError, match="unknown level: 'loud'"):
        lisp.eval('(log_level "loud")')


def test_programs_may_use_the_names(lisp: LispE) -> None:
    assert lisp.eval("(defun log_info(x) (* 2 x)) (log_info 4)") == 8
