"""Loops over typed lists, whose classes the compiler infers, against code that it knows nothing of.

In a function that mentions ``eval`` the variables stand in a mapping, and every access and
operation goes by the rules of the runtime. The same program without it must give the same
value, or the same error at the same place.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.compiler import inference
from lispe_py.names import NOT_RESERVED

#: Replaced by a call of another function: what lies before and behind keeps its place.
DYNAMIC = "(if nil (eval 1))"
KNOWN = "(if nil (list 1))"
LARGE = 1 << 63


def outcome(program: str, *values: Any) -> Any:
    """Value and classes of a call of ``f``, or the error and its place."""
    lisp = LispE()
    lisp.eval(program)
    arguments = [lisp.eval(v) for v in values]
    try:
        found = lisp.call("f", *arguments)
    except LispError as error:
        return error.message, error.line, error.column
    return described(found), described(arguments)


def described(value: Any, depth: int = 0) -> Any:
    """A value by classes and texts; of a list that may hold itself the outer levels."""
    if not (isinstance(value, (list, tuple)) or hasattr(value, "tolist")):
        return type(value).__name__, repr(value)
    return type(value).__name__, depth < 5 and [described(v, depth + 1) for v in value]


def both(body: str, parameters: str = "", *values: str) -> Any:
    """The outcome of a function, which is the same with and without the knowledge of classes."""
    head = f"(defun f({parameters})\n "
    found = outcome(f"{head}{KNOWN}\n{body})", *values)
    assert found == outcome(f"{head}{DYNAMIC}\n{body})", *values), body
    return found


def python_of(program: str) -> str:
    return str(LispE().eval(f"(show_python (quote {program}))"))


# ---------------------------------------------------------------- whatever the program does

LISTS = st.sampled_from(["a", "b", "c", "p", "q"])
INDEXES = st.one_of(
    st.sampled_from(["i", "j", "-1", "0", "1", "x", "i", "j"]),
    st.sampled_from(["n", "3", "9", "-7", "1.5", '"1"', "(at a i)", f"{LARGE}"]),
)
ATOMS = st.sampled_from(
    ["i", "j", "n", "x", "y", "1", "-2", "0.5", "2.0", '"7"', '"z"', "nil", f"{LARGE}", "a", "p"]
)
READS = st.builds("(at {} {})".format, LISTS, INDEXES)
#: One operation at most: of two errors in one expression, the first counts where the classes are
#: known, and else that of a member.
OPERANDS = st.one_of(ATOMS, READS)
VALUES = st.one_of(
    OPERANDS, st.builds("({} {} {})".format, st.sampled_from("+-*/"), OPERANDS, OPERANDS)
)
CHANGES = st.one_of(
    st.builds("(set@ {} {} {})".format, LISTS, INDEXES, VALUES),
    st.builds("({} (at {} {}) {})".format, st.sampled_from(["+=", "-=", "*=", "/="]), LISTS,
              INDEXES, VALUES),
    st.builds("(push {} {})".format, LISTS, VALUES),
    st.builds("(setq {} {})".format, st.sampled_from("abcxyn"), VALUES),
    st.builds("(setq x ({} (at {} {}) {}))".format, st.sampled_from(["+=", "-="]), LISTS,
              INDEXES, VALUES),
    st.builds("(+= {} {})".format, st.sampled_from("abcxyn"), VALUES),
    st.builds("(setq {} (reverse {} true))".format, LISTS, LISTS),
    st.builds("(reverse {})".format, LISTS),
)  # fmt: skip
LOOPS = st.builds(
    "(loop {} {} {})".format,
    st.sampled_from(["i", "x", "n"]),
    st.sampled_from(["(iota0 3)", "(range 1 5 2)", "(clone a)", "(clone b)", "(clone p)", "(clone c)", "(rho 3 c)",
                     "(iota n)", "(numbers 1.5 2)", "(rho 2 b)"]),
    st.lists(CHANGES, min_size=1, max_size=2).map(" ".join),
)  # fmt: skip
#: Functions have versions for parameters that are all lists of integers, or all of numbers.
TYPED = [("(integers 4 5 6)", "(integers 7)"), ("(numbers 0.5 2)", "(numbers 1)")]
GIVEN = st.sampled_from(
    ["(integers 4 5 6)", "(numbers 0.5 2)", "(list 1 2.5 3)", '(strings "u" "v")', "(shorts 1 2)",
     "(floats 1 2)", "nil", "(integers)", '"text"', "3"]
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(
    st.lists(st.one_of(CHANGES, LOOPS), min_size=1, max_size=4),
    VALUES,
    st.one_of(st.sampled_from(TYPED), st.tuples(GIVEN, GIVEN)),
    st.booleans(),
)
def test_what_is_known_of_lists_changes_no_outcome(
    statements: list[str], result: str, lists: tuple[str, str], decimals: bool
) -> None:
    lines = [
        '(setq a (integers 3 1 2)) (setq c (list 2 3 "u")) (setq i 0) (setq j 1) (setq n 2)',
        "(setq b (rho 3 (numbers 0.5))) (setq x 1.5) (setq y 0.25)"
        if decimals
        else "(setq b (iota 4)) (setq x 3) (setq y (- x 5))",
        *statements,
        f"(list a b c i j n x y {result})",
    ]
    both("\n".join(lines), "p q", *lists)


# ---------------------------------------------------------------- one by one

PLACES = {
    # body, arguments: what is out of bounds or does not fit, and the column where it is told
    "(setq l (integers 1 2)) (at l 2)": ("index out of bounds", 26),
    "(setq l (integers 1 2)) (at l -3)": ("index out of bounds", 26),
    f"(setq l (integers 1 2)) (at l {LARGE})": ("index out of bounds", 26),
    "(setq l (integers 1 2)) (+ 1 (at l (at l 1)))": ("index out of bounds", 31),
    "(setq l (integers 1 2)) (set@ l -3 0)": ("index out of bounds", 26),
    "(setq l (integers 1 2)) (+= (at l -3) 1)": ("index out of bounds", 26),
    f"(setq l (integers 1 2)) (set@ l 0 {LARGE})": (f"{LARGE} does not fit in 'integers'", 26),
    f"(setq l (integers 1 2)) (push l {LARGE})": (f"{LARGE} does not fit in 'integers'", 26),
    f"(setq l (integers 1 2)) (+= (at l 0) {LARGE})": (f"{LARGE + 1} does not fit in 'integers'", 26),
    "(setq l (numbers 1 2)) (/= (at l 0) 0)": ("division by zero", 25),
    "(setq l (numbers 1 2)) (/= (at l 0) (at l 7))": ("index out of bounds", 38),
    '(setq l (integers 1 2)) (at l "a")': (
        "cannot use this element in an arithmetic expression: 'a'", 26),
    "(setq l (integers 1 2)) (push l nil)": None,
    "(setq l (list 1 2)) (at l 2)": ("index out of bounds", 22),
    "(setq l (list 1 2)) (set@ l -3 0)": ("index out of bounds", 22),
    '(setq l ()) (+ 1 (at l "a"))': None,
    "(setq l (integers 1 2)) (loop i l (at l i))": ("index out of bounds", 36),
}  # fmt: skip


@pytest.mark.parametrize("body", PLACES)
def test_errors_and_their_places(body: str) -> None:
    found = both(f" {body}")
    if PLACES[body] is not None:
        message, column = PLACES[body]
        assert found == (message, 3, column)


VALUES_OF = {
    # a member beyond the end is appended, one before the end is from behind
    "(setq l (integers 1 2)) (set@ l 5 9) l": [1, 2, 9],
    "(setq l (integers 1 2)) (set@ l -1 9) l": [1, 9],
    "(setq l (integers 1 2)) (+= (at l 5) 9) l": [1, 2, 9],
    "(setq l (integers 1 2)) (-= (at l -1) 9) l": [1, -7],
    "(setq l (numbers 1 2)) (+= (at l 0) 1) (*= (at l 1) 3) l": [2.0, 6.0],
    "(setq l (integers 1 2)) (+= (at l 0) 1.9) l": [2, 2],
    "(setq l (integers 1 2)) (/= (at l 1) 2) l": [1, 1],
    "(setq l (integers 1 2)) (set@ l 0 2.9) (push l 3.7) l": [2, 2, 3],
    "(setq l (numbers)) (push l 1) (push l 0.5) l": [1.0, 0.5],
    "(setq l (integers 8)) (list (+= (at l 0) 2) l)": [10, [10]],
    # the member is read before the value is evaluated, which may change it
    "(setq l (integers 1)) (+= (at l 0) (block (set@ l 0 50) 1)) l": [2],
    # a loop sees what its body appends
    "(setq l (integers 3)) (setq s 0) (loop x l (+= s x) (if (> x 1) (push l (- x 1)))) s": 6,
    # other variables that hold the list see the change
    "(setq l (integers 1 2)) (setq m l) (set@ m 0 7) (+= (at m 1) 1) l": [7, 3],
    # a variable that another list comes into, later or by a lambda
    '(setq l (integers 1 2)) (setq r ()) (loopcount 2 (push r (+ (at l 0) 1)) (setq l (list "a")))'
    " r": [2, "a1"],
    '(setq l (integers 1)) (setq g (\\() (setq l (list "b")))) (g) (+ (at l 0) 1)': "b1",
    "(setq l (integers 1 2)) (over (\\(x) (* 1.5 x)) l) (+ 0.5 (at l 1))": 3.5,
    "(setq n 3) (setq l (rho n (numbers 0))) (setq n (list 2 2)) (setq l (rho n l)) (size l)": 2,
    # several lists side by side, up to the shortest; a loop that a condition ends
    "(setq a (iota 4)) (setq b (numbers 0.5 2)) (setq s 0.0) (lloop (x y) a b (+= s (* y x))) s": 4.5,
    "(setq a (iota 2)) (setq s 0) (lloop (x y) a '(1 \"u\") (setq s (+ y s))) s": "u1",
    "(setq a (iota 2)) (setq r ()) (mloop (x y) a a (push r (- x y))) (list r x y)": [[0, 0], 2, 2],
    "(setq a (iota 9)) (setq s 0) (whilein x a (< x 4) (+= s x)) (list s x)": [6, 4],
    "(setq a (iota 2)) (lloop (x x) a (numbers 0.5 1.5) (setq y (/ x 2))) y": 0.75,
    # generic lists
    '(setq l ()) (loop i (iota 3) (push l (* i i))) (set@ l 1 "x") (set@ l 9 nil) l': [1, "x", 9, None],
    "(setq l '(1 2)) (setq s 0) (loop x l (+= s x) (if (< s 3) (push l 5))) (list s l)": [8, [1, 2, 5]],
    "(setq l '(1 (2 3))) (setq l (cdr l)) (list (at l 0) (set@ l 0 7) (push l 8))": [[2, 3], [7, 8], [7, 8]],
    "(setq l (list 1)) (setq l (rho 3 l)) (+= (at l 1) 0.5) (-= (at l -1) 3) l": [1, 1, -2],
    '(setq l \'{"a": 3}) (at l "a")': 3,
    # all of a list
    "(setq l (integers 7 2)) (setq m (/ l (numbers 2 2))) (+ (at m 0) 0)": 3,
    "(setq l (integers 7 2)) (setq m (- 1.5 l)) (list m (+ 1 (at m 0)))": [[-6, -1], -5],
    "(setq l (numbers 1 2)) (+= l 1) (+ 0.5 (at l 1))": 3.5,
    "(setq m (iota 3)) (setq l (reverse m true)) (setq s 0) (loop x l (setq s (+ (* s 10) x))) s": 321,
    "(setq m (iota 2.5)) (at m 0)": 1.5,
    "(setq s 0) (loop i (iota0 -2) (+= s 1)) (loop i (iota 3) (+= s i)) s": 6,
}  # fmt: skip


def plain(value: Any) -> Any:
    return (
        [plain(v) for v in value]
        if hasattr(value, "__iter__") and value.__class__ is not str
        else value
    )


@pytest.mark.parametrize("body", VALUES_OF)
def test_values(body: str) -> None:
    both(body)
    lisp = LispE()
    lisp.eval(f"(defun f() {body})")
    assert plain(lisp.call("f")) == VALUES_OF[body]


def test_a_version_for_typed_lists_and_all_other_calls() -> None:
    body = "(setq s 0) (loop i (iota0 (size p)) (+= s (at p i)) (set@ p i (* 2 (at p i)))) s"
    calls = {
        "(integers 1 2 3)": 6, "(numbers 0.5 1)": 1, "(list 1 2)": 3, "(shorts 4 5)": 9, "nil": 0,
    }  # fmt: skip
    for argument, expected in calls.items():
        (_, text), _ = both(body, "p", argument)
        assert float(text) == expected, argument
    assert both(body, "p", '(strings "a")')[0].startswith("cannot")


@pytest.mark.parametrize("n", ["3", "2.5", "-1", "(list 2 2)", "(integers 3)", '"3"', "nil"])
def test_a_bound_of_a_range_of_any_class(n: str) -> None:
    both("(setq s 0) (loop i (iota0 n) (+= s i)) (loop i (range 0 n 1) (setq s (- i s))) s", "n", n)
    both("(setq l (rho n (integers 1))) (loopcount 2 i (set@ l i (+ (at l 0) i))) l", "n", n)


def test_ranges_of_integers_that_rise_fall_or_stand() -> None:
    lisp = LispE()
    lisp.eval(
        "(defun f(a b c) (setq r ()) (loop i (range (+ a 0) (+ b 0) (+ c 0)) (push r i)) r)"
        "(defun g(a b c) (setq r ()) (setq l (range a b c)) (loop i l (push r i)) r)"
    )
    for bounds in product([-3, 0, 2, 5], [-4, 0, 3, 9], [-2, -1, 1, 3]):
        assert lisp.call("f", *bounds) == lisp.call("g", *bounds), bounds


@pytest.mark.parametrize("value", ["1", "0.5", f"{LARGE}", '"7"', '"z"', "nil", "(list 1 2)"])
def test_pushing_on_a_list_of_any_class(value: str) -> None:
    for container in (
        "(integers 1)",
        "(numbers 1)",
        "(list 1)",
        "(shorts 1)",
        "nil",
        '"a"',
        "(set 1)",
    ):
        both("(push p v) (push p 2) (set@ p 5 v) p", "p v", container, value)


def test_a_parameter_that_takes_another_value_keeps_no_class() -> None:
    assert both("(setq m n) (setq n 5) (+ m 1)", "n", '"abc"')[0] == ("str", "'abc1'")
    found = both("(setq s 0) (loop i (iota0 2) (setq s (at p 0)) (setq p (list \"x\"))) s", "p",
                 "(integers 1 2)")  # fmt: skip
    assert found[0] == ("str", "'x'")


def test_a_parameter_with_the_name_of_a_constructor() -> None:
    lisp = LispE()
    lisp.eval('(defun f(numbers) (setq l (numbers 1)) (+ (at l 0) "b"))')
    assert lisp.call("f", lisp.eval('(lambda (x) (list "a"))')) == "ab"
    lisp.eval('(defun g(h) ((\\(clone) (setq l (clone (integers 1))) (+ (at l 0) "b")) h))')
    assert lisp.call("g", lisp.eval('(lambda (x) (list "a"))')) == "ab"
    assert inference._SHADOWABLE.isdisjoint(NOT_RESERVED)


def test_an_error_in_a_caller_is_not_taken_for_one_of_the_list() -> None:
    found = both("(setq l (integers 1)) (setq e (list)) (set@ l 0 (at e 4))")
    assert found == ("index out of bounds", 3, 49)


def test_members_are_reached_without_a_test() -> None:
    code = python_of(
        "(defun f(n) (setq l (rho 9 (integers 0))) (loop i (iota0 9) (set@ l i (+ i (at l i)))) l)"
    )
    assert "class" not in code, code
