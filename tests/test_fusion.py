"""Composed list functions: one loop, members one at a time."""

from __future__ import annotations

import io
import math

import pytest

from lispe_py import LispE, LispError, interpreter

CASES = [
    ("(take 3 (filter (\\(x) (= 0 (% x 7))) (irange 10 1)))", "(14 21 28)"),
    ("(take 2 (map '(* 2) (cycle '(1 2 3))))", "(2 4)"),
    ("(take 3 (repeat 'a))", "(a a a)"),
    ("(map '* '(1 2 3))", "(1 4 9)"),
    ("(map '(- 10) '(4))", "(-6)"),
    ("(map '(10 -) '(4))", "(6)"),
    ("(setq k 3) (map '(+ k) '(1 2))", "(4 5)"),
    ("(foldl '+ 0 (map (\\(x) (* x x)) (filter '(< 4) (iota 10))))", "14"),
    ("(foldl '+ 0 '(0.5 0.75))", "0"),
    ("(foldl1 '- '(10 2 3))", "5"),
    ("(foldl1 '- ())", "nil"),
    ("(foldl (\\(acc x) (cons x acc)) () '(1 2 3))", "(3 2 1)"),
    ("(for x '(1 2 3) (* x 2))", "(2 4 6)"),
    ("(takewhile '(< 3) (iota 10))", "(1 2)"),
    ("(dropwhile (\\(x) (< x 3)) '(1 2 3 1))", "(3 1)"),
    ("(drop 2 '(1 2 3))", "(3)"),
    ("(take 0 (irange 1 1))", "()"),
    ("(map (\\(x) (map (\\(y) (* x y)) '(1 2))) '(3 4))", "((3 6) (4 8))"),
    ("(mapcar (\\(g) (g)) (map (\\(x) (\\() x)) '(1 2 3)))", "(1 2 3)"),
    ("(defun f(x) (+ x 1)) (map 'f (map f '(1 2)))", "(3 4)"),
    ("(defun f(l) (map (\\(x) (if (> x 1) (return 'big)) 'small) l)) (f '(1 2))", "(small big)"),
    ("(defun g(l k) (filter (\\(x) (> x k)) l)) (g '(1 5 9) 4)", "(5 9)"),
    ("(list (map (\\(x) x) '(1 2)) 99)", "((1 2) 99)"),
    ('(map (\\(x) (+ x "!")) "ab")', '("a!" "b!")'),
    ("(setq n 0) (map (\\(x) (+= n x)) '(1 2 3)) n", "6"),
    ("(!map '* (scanl1 '+ '(10 20 30)))", "(100 900 3600)"),
    (
        "(list (!zip '(1 2) '(3 4)) (!scanr1 '+ '(1 2)) (!takewhile '(< 3) (iota 5)))",
        "(((1 3) (2 4)) (3 2) (1 2))",
    ),
    ("(defun f(e) (!map '(+ e) '(1 2))) (f 10)", "(11 12)"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_value(text: str, expected: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(text)) == expected


def test_members_flow_one_at_a_time_and_stop_with_take() -> None:
    out = io.StringIO()
    LispE(stdout=out).eval("""
    (defun f(x) (println "f" x) x)
    (defun p(x) (println "p" x) (> x 1))
    (take 1 (filter 'p (map 'f '(1 2 3))))""")
    assert out.getvalue() == "f 1\np 1\nf 2\np 2\n"


@pytest.mark.parametrize(
    ("call", "order"),
    [
        ("(map 'show (map 'show '(1 2)))", "1122"),
        ("(map 'show (!map 'show '(1 2)))", "1212"),
        ("(!map 'show (map 'show '(1 2)))", "1212"),
        ("(!foldl '+ 0 (map 'show (filter 'show '(1 2))))", "1122"),
        ("(map 'show (!take 2 (map 'show '(1 2 3))))", "12312"),
    ],
)
def test_an_exclamation_mark_keeps_a_function_out_of_the_composition(call: str, order: str) -> None:
    out = io.StringIO()
    LispE(stdout=out).eval(f"(defun show(x) (print x) x) {call}")
    assert out.getvalue() == order


@pytest.mark.parametrize("text", ["(map '(+ 1) (irange 1 1))", "(drop 1 (repeat 1))"])
def test_an_endless_source_that_nothing_stops_is_an_error(text: str) -> None:
    with pytest.raises(LispError, match="must be composed with other instructions"):
        lisp = LispE()
        lisp.show(lisp.eval(text))


SOURCES = {
    "integers": "(integers 5 -3 0 12 -7)",
    "numbers": "(numbers 0.5 -3 0 7.25)",
    "shorts": "(shorts 5 -3 0)",
    "integers in a list": "(list 5 -3 0 1000000000000000000000 -7)",
    "numbers in a list": "(list 0.5 -3.0 0.0)",
    "both": "(list 5 0.5 -3 2.75)",
    "nothing": "(list)",
    "lists": "(list (integers 1 -2) '(3 4))",
    "a set": "(seti 3 -1 4)",
}
WORK = [
    "(map (\\(x) (+ 1 (* x 2))) l)",
    "(map (\\(x) (% x 3)) l)",
    "(map (\\(x) (- (% x 3) 0.5)) l)",
    "(filter (\\(x) (= 0 (% x 3))) l)",
    "(filter (\\(x) (and (< x 5) (not (= x 0)))) (map (\\(x) (* x x)) l))",
    "(filter '(< 0) l)",
    "(takewhile (\\(x) (!= x 0)) l)",
    "(dropwhile (\\(x) (!= x 0)) (map '(+ 1) l))",
    "(foldl (\\(a x) (+ a x)) 0 l)",
    "(foldl (\\(a x) (+ a x)) 0.0 l)",
    "(foldl (\\(a x) (- x a)) 1 (map (\\(x) (* x 3)) l))",
    "(foldl (\\(a x) (/ x 2)) 1 l)",
    "(foldl1 (\\(a x) (+ (* 2 a) x)) l)",
    "(foldl '+ 0 (filter '(< 1) (map '* l)))",
    "(foldl (\\(a x) (< a x)) 1 l)",
    "(take 2 (map (\\(x) (* x x)) l))",
    "(maplist (\\(x) (+ 1 (* x 2))) l)",
    "(mapcar (\\(x) (- x 0.5)) l)",
    "(maplist (\\(x) (< x 2)) l)",
    "(mapcar '(\\(x) (not (< x 2))) l)",
    "(filterlist (\\(x) (< 0 x)) l)",
    "(filtercar (\\(x) (% x 5)) l)",
    "(let ((k 2)) (map (\\(x) (+ x k)) l))",
]


@pytest.mark.parametrize("source", SOURCES)
def test_members_of_a_known_class(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop for one class of members gives what the loop for all classes gives."""

    def outcome(form: str) -> str:
        lisp = LispE()
        lisp.eval(f"(setq l {SOURCES[source]})")
        try:
            value = lisp.eval(form)
        except LispError as error:
            return f"{error.message} {error.line} {error.column}"
        return f"{value!r} {lisp.show(lisp.call('type', value))}"

    quick = [outcome(form) for form in WORK]
    monkeypatch.setitem(interpreter._HELPERS, ".class_of_members", lambda value, stops: None)
    assert [outcome(form) for form in WORK] == quick


@pytest.mark.parametrize("divisor", [1, 2, 3, 7])
def test_remainders_by_a_literal(divisor: int) -> None:
    lisp = LispE()
    lisp.eval(f"(defun rest(x) (% x {divisor}))")
    for x in (*range(-9, 10), 10**30, -(10**30), 7.9, -7.9):
        assert lisp.globals["rest"](x) == math.copysign(1, x) * (abs(int(x)) % divisor)


EAGER = [
    "(maplist F l)", "(mapcar F l)", "(filterlist F l)", "(filtercar F l)",
]  # fmt: skip
FUNCTIONS = [
    "(\\(x) (* x 2))",
    "(\\(x) (< x 4))",
    "(\\(x) (if (< x 4) 'small (+ x 0.5)))",
    "(\\(x) (setq seen (+ seen 1)) (and x (> x 3)))",
    "(\\(x) (setq x (+ x 1)) (= x 4))",
    '(\\(x) (+ x "!"))',
    "(\\(x) (setq l (list 1)) x)",
    "(\\(x) (list x))",
]
CONTAINERS = [
    "(list 1 5 3 4)", "(integers 1 5 3 4)", "(floats 0.5 7)", "(llist 1 5 3)", "(strings \"a\")",
    '"abc"', "()", "nil", "(seti 4 1)", "(rho 2 2 (integers 1 2 3 4))", "(list 9223372036854775807)",
    "(dictionary \"k\" 1)", "(range 1 6 1)", "(irange 1 1)",
]  # fmt: skip


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_lambda_in_place_is_as_one_in_a_variable(container: str) -> None:
    """The loop in place of the call gives what the call gives."""

    def outcome(form: str) -> str:
        lisp = LispE()
        lisp.eval(f"(setq seen 0) (setq l {container})")
        try:
            value = lisp.eval(form)
        except LispError as error:
            return error.message
        return f"{lisp.show(value)} {lisp.call('type', value)} {lisp.eval('(list seen l)')!r}"

    for form in EAGER:
        for function in FUNCTIONS:
            # A lambda from a variable is called, not compiled in place.
            called = f"(setq F {function}) {form}"
            assert outcome(form.replace("F", function)) == outcome(called), (form, function)
