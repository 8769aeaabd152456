"""Any input: a value or a ``LispError`` comes out, and what is printed reads back.

``LISPE_FUZZ=200000`` sets the number of examples of each test; the default is small.
"""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.errors import LispExit
from lispe_py.libraries import load_core
from lispe_py.printer import show
from lispe_py.reader import Braces, read
from lispe_py.registry import CORE, registry
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

EXAMPLES = int(os.environ.get("LISPE_FUZZ", "150"))
SECONDS = 5
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

# What waits, ends or leaves the program, or reaches outside of it.
OUTSIDE = {
    "sleep", "exit", "command", "wait", "waiton", "trigger", "clearon", "input", "getchar",
    "load", "use", "dethread", "while", "set_trace", "trace", "reload", "resetmark",
    "deflib", "stop", "lock", "threadspace",
}  # fmt: skip
load_core()
NAMES = sorted(
    entry.name
    for entry in registry.entries()
    if entry.library == CORE and not entry.needs and entry.name not in OUTSIDE
    and not entry.name.startswith(("input", "python", "thread"))
)  # fmt: skip

VARIABLES = ["x", "y", "l", "f"]
ATOMS = st.one_of(
    st.sampled_from(
        ["nil", "true", "_", "1", "0", "-3", "2.5", "1e300", "1,2i", '""', '"ab c"', 'b"ab"', "()"]
        + ["{}", '{"a":1}', "{1 2}", "{1:2}", "'(1 2 3)", '\'("a" b)', "'(1 (2 3))", "'+", "'car"]
        + ["(\\(x) x)", "(\\(x y) (+ x y))", "(integers 1 2)", "(numbers 1.5)", '(strings "a")']
        + ["(llist 1 2)", "(float 1.5)", "(short 3)", "(rho 2 2 (iota 4))", "'f", "'a", "`long`"]
        + VARIABLES
    ),
    st.integers(-1000, 1000).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.text(alphabet="ab \"\\'é%{}\n", max_size=4).map(
        lambda t: '"' + t.replace("\\", "\\\\").replace('"', '\\"') + '"'
    ),
)


def calls(forms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Calls of built-ins with a fitting number of arguments, and the special forms."""

    def call(name: str) -> st.SearchStrategy[str]:
        entry = registry.get(name)
        assert entry is not None
        most = entry.least + 2 if entry.most is None else entry.most
        arguments = st.lists(forms, min_size=entry.least, max_size=max(entry.least, most))
        return arguments.map(lambda given: f"({' '.join([name, *given])})")

    variable = st.sampled_from(VARIABLES)
    return st.one_of(
        st.sampled_from(NAMES).flatmap(call),
        st.builds("(setq {} {})".format, variable, forms),
        st.builds("(loop {} {} {})".format, variable, forms, forms),
        st.builds("(loopcount 3 {} {})".format, variable, forms),
        st.builds("(maybe {} {})".format, forms, forms),
        st.builds("(defun f(x) {})".format, forms),
        st.builds("(defpat f ({}) {}) (f {})".format, forms, forms, forms),
        st.builds("(class@ A (x (y {})) (defun m(z) {})) ((A {}) (m {}))".format, *[forms] * 4),
        st.builds("((\\(x y) {}) {} {})".format, forms, forms, forms),
        st.builds("(defmacro mac(x y) {}) (mac {} {})".format, forms, forms, forms),
        st.builds("(let ((x {}) (y {})) {})".format, forms, forms, forms),
        st.builds("(eval '{})".format, forms),
    )


FORMS = st.recursive(ATOMS, calls, max_leaves=12)
PROGRAMS = st.lists(FORMS, min_size=1, max_size=3).map(" ".join)

#: A program with a few characters put into it.
BROKEN = st.tuples(
    PROGRAMS,
    st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from("()[]{}'\"`;.:$ \\\n@%«0.e-")), max_size=4
    ),
)


class OutOfTime(BaseException):
    """An input that computes for too long is none of ours: it ends here."""


@contextmanager
def limited() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    except OutOfTime:
        return
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(text: str) -> None:
    """Run a text; whatever it is, a value that can be shown or a LispError."""
    lisp = LispE(
        stdin=io.StringIO("a line\n"), stdout=io.StringIO(), stderr=io.StringIO(), allow=()
    )
    with limited():
        try:
            lisp.show(lisp.eval(text))
        except (LispError, LispExit):
            return


@FUZZ
@given(PROGRAMS)
def test_programs(text: str) -> None:
    run(text)


@FUZZ
@given(BROKEN)
def test_broken_programs(broken: tuple[str, list[tuple[int, str]]]) -> None:
    text, insertions = broken
    for place, character in insertions:
        place %= len(text) + 1
        text = text[:place] + character + text[place:]
    if "while" not in text:
        run(text)


@FUZZ
@given(st.text(max_size=60))
def test_plain_text(text: str) -> None:
    run(text)


@FUZZ
@given(st.text(alphabet="()[]{}'\"`;.:$ \\\n@%«»ab01.e-+λ_,", max_size=40))
def test_text_of_the_characters_that_matter(text: str) -> None:
    run(text)


# ---------------------------------------------------------------- printing and reading

SYMBOLS = st.sampled_from("a foo x1 + car é λ if $ map number_ atom_".split()).map(Symbol)
LITERALS = st.one_of(
    SYMBOLS,
    st.integers(-(10**20), 10**20),
    st.sampled_from([0.5, -2.25, 100.125, 3.0, 1e100]),
    # A backslash is printed as it is, as in the reference, and read as an escape.
    st.text(max_size=8).filter(lambda text: "\\" not in text),
    st.none(),
    st.just(True),
)
DATA = st.recursive(LITERALS, lambda items: st.lists(items, max_size=4).map(List), max_leaves=20)


@FUZZ
@given(DATA)
def test_what_is_printed_reads_back(form: Any) -> None:
    again = read(show(form))
    assert len(again) == 1
    assert same(again[0], form), show(form)


@FUZZ
@given(PROGRAMS)
def test_what_is_read_and_printed_reads_back(text: str) -> None:
    # Backslashes are printed as they are, and byte strings as texts.
    for form in read(text.replace("\\\\", "").replace('b"ab"', '"ab"')):
        again = read(show(form))
        assert len(again) == 1
        assert same(again[0], form), show(form)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, List) and isinstance(right, List):
        # Braces print as the call that they are.
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) or isinstance(right, float):
        # Six digits are printed, and a whole number without a point.
        return isinstance(right, (int, float)) and left == pytest.approx(right, rel=1e-5)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return type(left) is type(right) and left == right


def test_braces_print_as_calls() -> None:
    assert isinstance(read('{"a":1}')[0], Braces)
    assert show(List(read('{"a":1}'))) == '((dictionary "a" 1))'
