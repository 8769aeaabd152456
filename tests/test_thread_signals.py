"""Threads that wait for each other, and the lists they share."""

from __future__ import annotations

import io

import pytest

from lispe_py import LispE, LispError


def run(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(threadstore "b" 1) (threadstore \'b "two") (threadretrieve "b")', '(1 "two")'),
        ('(threadretrieve "never")', "nil"),
        ('(threadstore "b" 1) (threadclear "b") (threadretrieve "b")', "()"),
        ('(threadstore "b" 1) (threadclear) (threadretrieve)', "{}"),
        ('(threadstore "b" 1) (threadclear) (threadretrieve "b")', "nil"),
        ('(threadclear "never")', "nil"),
        ('(trigger "nobody")', "nil"),
        ("(wait)", "true"),
        # What is stored and what is read are copies.
        ('(setq l (list 1)) (threadstore "b" l) (push l 2) (threadretrieve "b")', "((1))"),
        (
            '(threadstore "b" (list 1)) (push (car (threadretrieve "b")) 9) (threadretrieve "b")',
            "((1))",
        ),
    ],
)
def test_values(program: str, expected: str) -> None:
    assert run(program) == expected


def test_every_value_of_many_threads_arrives() -> None:
    program = '(dethread put(n) (threadstore "r" n)) (loop i (iota 40) (put i)) (wait) (sort \'< (threadretrieve "r"))'
    assert run(program) == "(" + " ".join(map(str, range(1, 41))) + ")"


def test_a_trigger_wakes_all_that_wait() -> None:
    program = """
    (dethread late(n) (threadstore "in" n) (waiton "go") (threadstore "log" n))
    (late 1) (late 2)
    (while (< (size (threadretrieve "in")) 2) (sleep 1))
    (sleep 50) (threadstore "log" 0) (trigger "go")
    (wait)
    (list (car (threadretrieve "log")) (sort '< (threadretrieve "log")))
    """
    assert run(program) == "(0 (0 1 2))"


def test_interpreters_share_nothing() -> None:
    LispE().eval('(threadstore "shared" 1)')
    assert LispE().eval('(threadretrieve "shared")') is None


def test_an_error_of_a_thread_is_written_and_the_program_goes_on() -> None:
    errors = io.StringIO()
    assert LispE(stderr=errors).eval('(dethread boom() (car 1)) (boom) (wait) "alive"') == "alive"
    assert "car" in errors.getvalue() and "line: 1" in errors.getvalue()


@pytest.mark.parametrize("program", ['(threadstore "b")', "(wait 3)", "(trigger)", "(waiton)"])
def test_wrong_counts(program: str) -> None:
    with pytest.raises(LispError, match="Wrong number of arguments"):
        LispE().eval(program)
