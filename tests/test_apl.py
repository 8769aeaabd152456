"""Reductions, scans, products, membership, ranks."""

from __future__ import annotations

import itertools
import operator
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(reduce '+ '(4 5 6))", "15"), ("(// '- '(4 5 6))", "-7"), ("(reduce 'max '(4 9 6))", "9"),
        ("(reduce 'max (integers 4 9 6))", "9"), ("(reduce '+ '(\"u\" \"v\"))", "uv"),
        ("(reduce '+ ())", "nil"), ("(reduce '+ '(5))", "5"), ("(reduce '= '(1 1 1))", "1"),
        ("(reduce '+ '(4 0.75 0.75))", "4"),
        ("(defun f (a b) (+ (* 10 a) b)) (reduce 'f '(4 5 6))", "456"),
        ("(reduce (\\(a x) (+ (* 10 a) x)) '(4 5 6))", "456"),
        ("(reduce '+ '(1 2 3 4 5) 2)", "(3 7 5)"),
        ("(reduce '+ (rho 2 3 (iota 6)))", "(6 15)"),
        ("(type (reduce '+ (rho 2 3 (iota 6))))", "integers_"),
        ("(reduce '+ (rho 2 2 2 (iota 8)))", "((3 7) (11 15))"),
        ("(type (reduce '+ (rho 2 2 2 (iota 8))))", "matrix_integer_"),
        ("(reduce '+ '((4 5) (6 7)))", "(10 12)"), ("(// '(2 0 1) '(a b c))", "(a a c)"),
        ("(// (integers 1 0 2) (integers 4 5 6))", "(4 6 6)"), ("(// '(1 2 3))", "(1 2 3)"),
        ("(// (numbers 1 0 2.9) '(a b c))", "(a c c)"), ("(-// (floats 1 0 1) '(a b c))", "(c a)"),
        ("(// (numbers 0 1) (matrix_number '((1 2) (3 4))))", "((3 4))"),
        ("(reduce '* (integers (iota 20)))", "2432902008176640000"),
        ("(backreduce '- '(4 5 6))", "-3"), ("(-// '(1 0 1) '(a b c))", "(c a)"),
        ("(-// '(2 1) '(a b c))", "(c b b)"), ("(-// '(4 5 6))", "(6 5 4)"),
        ("(backreduce '+ '(1 2 3 4 5) 2)", "(9 5)"),
        ("(backreduce '+ (rho 2 3 (iota 6)))", "(5 7 9)"),
        ("(backreduce '- (rho 2 3 (iota 6)))", "(3 3 3)"),
        ("(backreduce '+ (rho 2 2 2 (iota 8)))", "((6 8) (10 12))"),
    ],
)  # fmt: skip
def test_reduce(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(scan '+ (integers 4 5 6))", "(4 9 15)"), ("(type (scan '+ (integers 4 5)))", "list_"),
        ("(scan '* (floats 1.5 2 4))", "(1.5 3 12)"), ("(scan '+ ())", "()"),
        ("(scan '+ '(1 2 3 4 5) 3)", "((1 3 6) (4 9))"), ("(\\\\ '(0 3) '(7 8))", "(0 7 7 7)"),
        ("(\\\\ '(1 0 2) '(7 8))", "(7 0 8 8)"), ("(\\\\ (numbers 0 2) '(7))", "(0 7 7)"),
        ("(scan 'list '(1 2 3))", "(1 (1 2) ((1 2) 3))"),
        ("(type (scan (integers 1 0 2) (integers 7 8)))", "integers_"),
        ("(scan '+ (rho 2 2 (iota 4)))", "((1 3) (3 7))"),
        ("(scan '+ '((1 2) (3 4)))", "((1 2) (4 6))"),
        ("(backscan '- '(4 5 6))", "(6 1 -3)"), ("(⍀ '* '(4 5 6))", "(6 30 120)"),
        ("(backscan '+ '(1 2 3 4 5) 2)", "((5 9) (3 5))"),
        ("(backscan '(1 0 2) '(7 8 9 10))", "(10 10 0 9)"),
        ("(scan '< '(1 2 3))", "(1 1 1)"),
    ],
)  # fmt: skip
def test_scan(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(° '* '(4 5) '(1 2 3))", "((4 8 12) (5 10 15))"),
        ("(° '>= (iota 2) (iota 2))", "((1 0) (1 1))"),
        ("(° '* '(1 2) '(0.5 1.5))", "((0 1) (1 3))"),
        ("(° '/ '(1 2) '(2 4))", "((0.5 0.25) (1 0.5))"),
        ("(° 'list '(a b) '(c d))", "(((a c) (a d)) ((b c) (b d)))"),
        ("(° (\\(x y) (- x y)) '(4 5) '(6 7))", "((-2 -3) (-1 -2))"),
        ("(defun g (x y) (* x y)) (° 'g '(4 5) '(6 7))", "((24 28) (30 35))"),
        ("(type (° '* (iota 2) (iota 2)))", "matrix_integer_"),
        ("(type (° '* '(1.5) '(2)))", "matrix_number_"),
        ("(type (° '+ (floats 1.5) (floats 2)))", "matrix_float_"),
        ("(type (° '* (rho 2 2 (iota 4)) (iota 2)))", "tensor_integer_"),
        ("(° '* (rho 2 2 (iota 4)) (iota 2))", "(((1 2) (2 4)) ((3 4) (6 8)))"),
        ("(° '* (iota 2) (rho 2 2 (iota 4)))", "(((1 2) (3 4)) ((2 4) (6 8)))"),
        ("(. '+ '* '(4 5 6) '(1 2 3))", "32"), ("(. 'max '+ '(4 5 6) '(3 2 1))", "7"),
        ("(. '+ '* '(1 2) '(0.5 1.5))", "2"), ("(. '+ '* () ())", "0"),
        ("(. '+ '= '(1 2) '(1 3))", "1"),
        ("(. '+ '* '((1 2) (3 4)) '((0 1) (1 0)))", "((2 1) (4 3))"),
        ("(type (. '+ '* '((1 2) (3 4)) '((0 1) (1 0))))", "matrix_number_"),
        ("(. '+ '* (rho 2 3 (iota 6)) (rho 3 2 (iota 6)))", "((22 28) (49 64))"),
        ("(. '+ '* (rho 2 2 (iota 4)) (rho 2 2 (numbers 0.5)))", "((1 1) (3 3))"),
        ("(. (\\(a b) (+ a b)) (\\(a b) (* a b)) '(1 2) '(3 4))", "11"),
    ],
)  # fmt: skip
def test_products(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(∈ (iota 5) (integers 2 4))", "(0 1 0 1 0)"), ("(∈ '(a (b c)) '(b))", "(0 (1 0))"),
        ("(∈ (rho 2 3 (iota 6)) '(1 6))", "((1 0 0) (0 0 1))"),
        ("(∈ (strings \"a\" \"b\") '(\"b\"))", "(0 1)"),
        ("(type (∈ (floats 1 2) '(2)))", "floats_"), ("(∈ (iota 3) '(\"2\" x))", "(0 1 0)"),
        ("(, '((4 5) (6 (7))))", "(4 5 6 7)"), ("(, (iota 2) (iota 3))", "(1 2 1 2 3)"),
        ("(, 9 (iota 3))", "(9 1 2 3)"), ("(, '(4 5) \"u\")", "(4 5 \"u\")"), ("(, 4 5)", "(4 5)"),
        ("(type (, 1.5 (iota 2)))", "numbers_"), ("(, \"a\" '(1 2))", '("a" "1" "2")'),
        ("(type (, (rho 2 2 (iota 4))))", "integers_"),
        ("(, (rho 2 2 (iota 4)) (rho 2 2 (iota 4)))", "((1 2 1 2) (3 4 3 4))"),
        ("(, (rho 2 2 (iota 4)) 7)", "((1 2 7) (3 4 7))"),
        ("(, 7 (rho 2 2 (iota 4)))", "((7 1 2) (7 3 4))"),
        ("(, (rho 2 2 (iota 4)) '(7 8))", "((1 2 7) (3 4 8))"),
        ("(, '((4 5) (6 7)) '(8 9))", "((4 5) (6 7) 8 9)"),
        ("(, (rho 2 2 2 (iota 8)) (rho 2 2 2 (iota 8)))",
         "(((1 2 1 2) (3 4 3 4)) ((5 6 5 6) (7 8 7 8)))"),
    ],
)  # fmt: skip
def test_members_and_joins(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("1 2", "(21 22 23 24)"), ("1 2 3", "24"), ("-1 1", "((5 6 7 8) (17 18 19 20))"),
        ("0", "((1 2 3 4) (5 6 7 8) (9 10 11 12))"), ("-1 1 2", "(7 19)"), ("0 -1 1", "(2 6 10)"),
        ("-1 -1 1", "(2 14 6 18 10 22)"), ("0 -1", "((1 2 3 4) (5 6 7 8) (9 10 11 12))"),
    ],
)  # fmt: skip
def test_rank(keys: str, expected: str) -> None:
    assert shown(f"(rank@ (rho 2 3 4 (iota 24)) {keys})") == expected
    assert shown(f"(rank@ (to_list (clone '{shown('(rho 2 3 4 (iota 24))')})) {keys})") == expected


def test_rank_of_matrices() -> None:
    assert shown("(rank@ (rho 2 3 (iota 6)) -1)") == "((1 4) (2 5) (3 6))"
    assert shown("(type (rank@ (rho 2 3 (iota 6)) -1 0))") == "integers_"
    assert shown("(map 'sum (irank@ (rho 2 3 (iota 6)) -1))") == "(5 7 9)"
    assert shown("(rank@ '(1 2) 0)") == "1"


def test_older_names_are_understood_and_stay_free() -> None:
    made = "(setq m (matrix '((1 2) (3 4))))"
    assert shown(f"{made} (list (type m) (rank m -1 1) (map 'sum (irank m -1)))") == (
        "(matrix_number_ (2 4) (4 6))"
    )
    assert shown("(setq matrix 3) (setq rank 4) (list matrix rank)") == "(3 4)"
    assert shown("(defun rank (x) (* 2 x)) (rank 4)") == "8"


@pytest.mark.parametrize(
    "program",
    [
        "(reduce '+ 44)", "(reduce '+ \"abc\")", "(reduce '+ nil)", "(reduce '+ '(1 2) 0)",
        "(// '(1 0 1) '(4 5))", "(scan '+ \"abc\")", "(scan '+)", "(scan '(3 3) '(1))", "(reduce 44 '(1 2))",
        "(reduce 'nothing_like_it '(1 2))", "(° '* '(4) 5)", "(° '* '(4))", "(. '+ '* '(4 5) '(1 2 3))",
        "(. '+ '* (rho 2 3 (iota 6)) (rho 2 3 (iota 6)))", "(. '+ '* (rho 2 2 (iota 4)) (iota 2))",
        "(. '+ '* 4 5)", "(. '+ '* '((1 2) (3)) '((1) (2)))", "(∈ 4 '(4))", "(∈ '(4))", "(∈ '(4) 4)",
        "(, 1 2 3)", "(, (rho 2 2 (iota 4)) (rho 1 2 (iota 4)))", "(rank@ (rho 2 3 (iota 6)) 2)",
        "(rank@ (rho 2 3 (iota 6)) -1 3)", "(rank@ (iota 4) 1)", "(rank@ 4 0)",
        "(rank@ '((1 2) (3)) 0)", "(rank@ (rho 2 2 (iota 4)) 0 0 0)", "(rank@ (rho 2 2 (iota 4)) 'a)",
        "(backscan '+ '(1 2) -1)", "(° '* '(1 a) '(2))",
    ],
)  # fmt: skip
def test_errors(program: str) -> None:
    with pytest.raises(LispError):
        LispE().eval(program)


numbers = st.lists(st.integers(-99, 99), min_size=1, max_size=9)


@given(numbers, st.sampled_from(["+", "-", "*"]))
def test_folds_agree_with_python(items: list[int], symbol: str) -> None:
    function = {"+": operator.add, "-": operator.sub, "*": operator.mul}[symbol]
    text = " ".join(map(str, items))
    running = list(itertools.accumulate(items, function))
    for kind in ("list", "integers"):
        found: Any = LispE().eval(f"(list (reduce '{symbol} ({kind} {text})) (scan '{symbol} ({kind} {text})))")
        assert found == [running[-1], running]


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.data())
def test_products_of_matrices_agree_with_numpy(r: int, k: int, c: int, data: st.DataObject) -> None:
    whole = st.integers(-(2**40), 2**40)
    a = data.draw(st.lists(whole, min_size=r * k, max_size=r * k))
    b = data.draw(st.lists(whole, min_size=k * c, max_size=k * c))
    expected = (
        numpy.array(a, dtype=object).reshape(r, k) @ numpy.array(b, dtype=object).reshape(k, c)
    )
    lisp = LispE()
    program = (
        f"(. '+ '* (rho {r} {k} (integers {' '.join(map(str, a))}))"
        f" (rho {k} {c} (integers {' '.join(map(str, b))})))"
    )
    if max(map(abs, expected.ravel())) < 2**63:
        assert lisp.eval(program).nested() == expected.tolist()
