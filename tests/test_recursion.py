"""Depth: recursion, tail calls, nested code; and the clean error beyond."""

from __future__ import annotations

import pytest

from lispe_py import LispE, LispError


def evaluate(text: str) -> object:
    return LispE().eval(text)


def test_recursion_a_hundred_thousand_deep() -> None:
    assert evaluate("(defun d(n) (if (= n 0) 0 (+ 1 (d (- n 1))))) (d 100000)") == 100_000


def test_mutual_recursion_a_hundred_thousand_deep() -> None:
    text = "(defun a(n) (if (= n 0) 'end (b (- n 1)))) (defun b(n) (a n)) (type (a 50000))"
    assert str(evaluate(text)) == "atom_"


def test_recursion_down_a_list_by_car_and_cdr() -> None:
    text = "(defun total(l) (if (nullp l) 0 (+ (car l) (total (cdr l))))) (total (to_list (iota 100000)))"
    assert evaluate(text) == 5_000_050_000


@pytest.mark.parametrize(
    "text",
    [
        "(defun d(n) (+ 1 (d n))) (d 1)",
        "(defun d(n) (sort (\\(a b) (d n)) '(1 2 3))) (d 1)",
        "(defun d(n) (mapcar (\\(x) (d x)) '(1))) (d 1)",
        "(defpat d(x) (list (d x))) (d 1)",
        "(class@ C () (defun m() (+ 1 (m)))) ((C) (m))",
        "(defun d(x) (eval '(d x))) (d 1)",
    ],
)
def test_endless_recursion_is_a_clean_error(text: str) -> None:
    with pytest.raises(LispError, match="^Stack overflow$"):
        evaluate(text)


def test_the_error_can_be_handled() -> None:
    assert str(evaluate("(defun d(n) (+ 1 (d n))) (maybe (d 1) 'too_deep)")) == "too_deep"


def test_a_self_call_in_tail_position_needs_no_depth() -> None:
    text = "(defun f(n acc) (cond ((= n 0) acc) (true (f (- n 1) (+ acc n))))) (f 1000000 0)"
    assert evaluate(text) == 500_000_500_000


def test_a_tail_call_evaluates_its_arguments_before_binding() -> None:
    assert evaluate("(defun f(a b) (if (= a 0) b (f (- a 1) (+ b a)))) (f 3 0)") == 6


def test_a_tail_call_starts_with_fresh_variables() -> None:
    text = """
    (setq flag 'old)
    (defun f(n) (setq seen flag) (if (= n 1) (setq flag 'new)) (if (= n 0) seen (f (- n 1))))
    (f 2)"""
    assert str(evaluate(text)) == "old"


def test_lambdas_of_each_round_keep_their_own_variables() -> None:
    text = """
    (defun f(n made) (if (= n 0) made (f (- n 1) (cons (\\() n) made))))
    (mapcar (\\(g) (g)) (f 3 ()))"""
    assert LispE().show(evaluate(text)) == "(1 2 3)"


def test_pattern_functions_recurse_in_tail_position() -> None:
    text = "(defpat s(0 acc) acc) (defpat s([integer_ n] acc) (s (- n 1) (+ acc n))) (s 300000 0)"
    assert evaluate(text) == 45_000_150_000


def test_quoted_lists_of_any_depth() -> None:
    depth = 100_000
    value = evaluate("(size '" + "(" * depth + ")" * depth + ")")
    assert value == 1


def test_code_nested_too_deeply_is_a_clean_error() -> None:
    text = "(+ 1 " * 50_000 + "1" + ")" * 50_000
    with pytest.raises(LispError, match="nested too deeply"):
        evaluate(text)


def test_code_nested_deeply_runs() -> None:
    assert evaluate("(+ 1 " * 900 + "1" + ")" * 900) == 901
    assert evaluate("(if true " * 300 + "7" + ")" * 300) == 7
