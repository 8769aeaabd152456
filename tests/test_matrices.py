"""Matrices and tensors: construction, shapes, live rows, arithmetic, buffers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.runtime.compare import equal
from lispe_py.values.lists import List
from lispe_py.values.matrix import Matrix, Tensor, from_array, shaped
from lispe_py.values.typed import Floats, Integers, Numbers, Strings


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(matrix_integer 2 3 7)", "((7 7 7) (7 7 7))"), ("(matrix_integer 2 2)", "((0 0) (0 0))"),
        ("(matrix_integer '((4.9 5) (6 7)))", "((4 5) (6 7))"),
        ("(matrix_number 1 2 0.5)", "((0.5 0.5))"),
        ("(matrix_number (rho 2 2 (iota 4)))", "((1 2) (3 4))"),
        ("(matrix_string 1 2)", '(("" ""))'),
        ("(matrix_string '((a 1) (\"b\" 2.5)))", '(("a" "1") ("b" "2.5"))'),
        ("(matrix_stringbyte 1 2 \"z\")", '(("z" "z"))'), ("(matrix_integer 0 0)", "()"),
        ("(tensor_integer 2 1 3)", "(((0 0 0)) ((0 0 0)))"),
        ("(tensor_number '(((0.5 2) (3 4)) ((5 6) (7 8))))", "(((0.5 2) (3 4)) ((5 6) (7 8)))"),
        ("(tensor_integer '((1 2) (3 4)))", "((1 2) (3 4))"),
        ("(type (tensor_integer '((1 2) (3 4))))", "tensor_integer_"),
        ("(type (matrix_short 1 1))", "matrix_short_"),
        ("(type (matrix_float 1 1))", "matrix_float_"),
        ("(type (to_tensor '((1 2) (3 4))))", "matrix_integer_"),
        ("(type (to_tensor '((1.5 2) (3 4))))", "matrix_number_"),
    ],
)  # fmt: skip
def test_construction(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(@ (rho 2 3 (iota 6)) 1 2)", "6"), ("(@ (rho 2 3 (iota 6)) 1)", "(4 5 6)"),
        ("(type (@ (rho 2 3 (iota 6)) 1))", "integers_"), ("(@ (rho 2 3 (iota 6)) -1 -1)", "6"),
        ("(type (@ (rho 2 2 2 (iota 8)) 0))", "tensor_integer_"),
        ("(@ (rho 2 2 2 (iota 8)) 1 0)", "(5 6)"), ("(@ (rho 2 2 2 (iota 8)) 1 0 1)", "6"),
        ("(size (rho 2 3 (iota 6)))", "2"), ("(≢ (rho 2 3 4 (iota 24)))", "24"),
        ("(car (rho 2 3 (iota 6)))", "(1 2 3)"), ("(cdr (rho 3 2 (iota 6)))", "((3 4) (5 6))"),
        ("(type (cdr (rho 3 2 (iota 6))))", "matrix_integer_"), ("(cdr (rho 1 2 (iota 2)))", "nil"),
        ("(integers (rho 2 2 (iota 4)))", "(1 2 3 4)"),
        ("(flatten (rho 2 2 (iota 4)))", "(1 2 3 4)"),
        ("(type (to_list (rho 2 2 (iota 4))))", "list_"), ("(consp (rho 2 2 (iota 4)))", "true"),
        ("(extract (rho 3 2 (iota 6)) 0 2)", "((1 2) (3 4))"),
        ("(find (rho 2 2 (iota 4)) (integers 3 4))", "1"),
        ("(map 'sum (rho 2 2 (iota 4)))", "(3 7)"),
    ],
)  # fmt: skip
def test_reading(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("(set@ m 1 0 9)", "((1 2) (9 4))"), ("(set@ m 1 0 9.9)", "((1 2) (9 4))"),
        ("(set@ m -1 -1 9)", "((1 2) (3 9))"), ("(set@ m 0 (integers 8 9))", "((8 9) (3 4))"),
        ("(set@ m 0 '(8 9.5))", "((8 9) (3 4))"), ("(set@ m 2 '(8 9))", "((1 2) (3 4) (8 9))"),
        ("(setq r (@ m 0)) (set@ r 1 9)", "((1 9) (3 4))"),
        ("(loop r m (set@ r 0 7))", "((7 2) (7 4))"),
        ("(setq r (car m)) (set@ m 0 0 5) (set@ r 1 6)", "((5 6) (3 4))"),
        ("(setq r (@ (cdr m) 0)) (set@ r 0 9)", "((1 2) (9 4))"),
        ("(+= (@ m 1 1) 5)", "((1 2) (3 9))"), ("(push m (integers 5 6))", "((1 2) (3 4) (5 6))"),
        ("(pop m)", "((1 2))"), ("(popfirst m)", "((3 4))"),
        ("(setq n m) (+= n 1)", "((2 3) (4 5))"),
        ("(setq r (@ m 0)) (+= m 1) (set@ r 0 9)", "((9 3) (4 5))"),
    ],
)  # fmt: skip
def test_changes(change: str, expected: str) -> None:
    assert shown(f"(setq m (rho 2 2 (iota 4))) {change} m") == expected


def test_copies_share_nothing() -> None:
    assert (
        shown("(setq m (rho 2 2 (iota 4))) (setq n (clone m)) (set@ n 0 0 9) m") == "((1 2) (3 4))"
    )
    assert shown("(setq m (rho 2 2 (iota 4))) (setq n (+ m 0)) (set@ n 0 0 9) m") == "((1 2) (3 4))"
    m = shaped("numbers", (2, 2), [1.0, 2.0, 3.0, 4.0])
    for other in (copy.copy(m), copy.deepcopy(m), pickle.loads(pickle.dumps(m))):
        assert other.__class__ is Matrix
        assert equal(other, m)
        other.parts[0][0] = 9.0
        assert m.read((0, 0)) == 1.0


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(* (rho 2 2 (iota 4)) (rho 2 2 (iota 4)))", "((1 4) (9 16))"),
        ("(+ (rho 2 2 (iota 4)) 0.5)", "((1 2) (3 4))"),
        ("(- 10 (rho 2 2 (iota 4)))", "((9 8) (7 6))"),
        ("(^^ 2 (rho 2 2 (iota 4)))", "((2 4) (8 16))"),
        ("(+ (rho 2 2 (numbers 0.5)) (rho 2 2 (iota 4)))", "((1.5 2.5) (3.5 4.5))"),
        ("(+ (rho 2 2 (iota 4)) '(10 20))", "((11 12) (23 24))"),
        ("(+ '(10 20) (rho 2 2 (iota 4)))", "((11 12) (23 24))"),
        ("(+ (integers 10 20) (rho 2 2 (iota 4)))", "((11 22) (13 24))"),
        ("(- (rho 2 2 2 (iota 8)) (rho 2 2 (iota 4)))", "(((0 1) (1 2)) ((2 3) (3 4)))"),
        ("(+ (rho 2 2 (iota 4)) '((1 2)))", "((2 4) (3 4))"),
        ("(+ (matrix_string 1 2 \"a\") \"b\")", '(("ab" "ab"))'),
        ("(~ (rho 1 2 (iota 2)))", "((-2 -3))"),
        ("(! (rho 2 2 (iota 4)))", "((1 2) (6 24))"), ("(& (rho 2 2 (iota 4)) 1)", "((1 0) (1 0))"),
        ("(+ (rho 2 2 (iota 4)))", "((1 2) (3 4))"), ("(sign (rho 1 2 (iota 2)))", "((-1 -2))"),
    ],
)  # fmt: skip
def test_arithmetic(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(+ (rho 2 2 (iota 4)) 0.5)", "matrix_integer_"),
        ("(+ 0.5 (rho 2 2 (iota 4)))", "matrix_integer_"),
        ("(+ (rho 2 2 (numbers 1)) (rho 2 2 (iota 4)))", "matrix_number_"),
        ("(+ (rho 2 2 2 (floats 1)) 1)", "tensor_float_"),
        ("(+ (integers 1 2) (rho 2 2 (numbers 1)))", "matrix_number_"),
        ("(setq m (rho 2 2 (iota 4))) (+ m 1)", "matrix_integer_"),
    ],
)  # fmt: skip
def test_kinds(program: str, expected: str) -> None:
    lisp = LispE()
    *before, last = program.split(") (+ m") if "(+ m" in program else [program]
    value = lisp.eval(program)
    assert lisp.show(lisp.callable(lisp.eval("'type"))(value)) == expected
    assert before is not None
    assert last


@pytest.mark.parametrize(
    "program",
    [
        "(matrix_integer '(4 5 6))", "(matrix_integer '((1 2) (3)))", "(matrix_integer 2)",
        "(matrix_integer \"ab\")", "(matrix_integer 2 2 '(1 2))", "(matrix_integer)",
        "(matrix_integer '(((1 2) (3 4))))", "(matrix_integer 1 2 3 4)", "(tensor_integer 4)",
        "(tensor_integer '(1 2))", "(tensor_integer '(((1 2) (3 4)) ((5 6))))", "(tensor_integer \"a\")",
        "(matrix_integer 1000000 1000000)", "(matrix_short 1 2 40000)",
        "(@ (rho 2 3 (iota 6)) 2 0)", "(@ (rho 2 3 (iota 6)) 0 3)", "(@ (rho 2 2 (iota 4)) 0 0 0)",
        "(@ (rho 2 2 (iota 4)) \"a\")", "(set@ (rho 2 2 (iota 4)) 3 0 9)",
        "(set@ (rho 2 2 (iota 4)) 0 5)", "(set@ (rho 2 2 (iota 4)) 0 '(1 2 3))",
        "(set@ (rho 2 2 (iota 4)) 0 0 (! 30))", "(push (rho 2 2 (iota 4)) '(1))",
        "(setq m (rho 2 2 (iota 4))) (push (@ m 0) 9) (+ m 1)",
        "(+ nil (rho 2 2 (iota 4)))", "(+ {\"a\":1} (rho 2 2 (iota 4)))",
        "(+ (rho 2 2 (iota 4)) 'a)", "(+ (seti 1) (rho 1 1 (iota 1)))", "(rho 2 2 7)", "(rho 2 2 nil)",
        "(rho 1000000 1000000 (iota 3))",
    ],
)  # fmt: skip
def test_errors(program: str) -> None:
    with pytest.raises(LispError):
        LispE().eval(program)


# ---------------------------------------------------------------- shapes


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(rho 2 3 (iota 4))", "((1 2 3) (4 1 2))"), ("(rho 5 (iota 3))", "(1 2 3 1 2)"),
        ("(rho '(2 3) (iota 6))", "((1 2 3) (4 5 6))"), ("(rho 2 2 '(a b c))", "((a b) (c a))"),
        ("(rho (rho 2 3 4 (iota 24)))", "(2 3 4)"), ("(rho '((4 5 6) (7 8 9)))", "(2 3)"),
        ("(rho 0 (iota 3))", "()"), ("(rho 2 0 '(a))", "(() ())"),
        ("(rho 2 3 (integers))", "((0 0 0) (0 0 0))"), ("(rho 2 2 ())", "((0 0) (0 0))"),
        ("(list (rho \"abc\") (rho {\"a\":1}) (rho (sets \"a\" \"b\")) (rho 5))", "((3) (1) (2) (0))"),
        ("(rho 2 (rho 2 2 (iota 4)))", "(1 2)"), ("(type (rho 3 (llist 1 2)))", "llist_"),
        ("(type (rho 2 2 2 2 (iota 3)))", "tensor_integer_"),
        ("(transpose (rho 2 3 (iota 6)))", "((1 4) (2 5) (3 6))"),
        ("(transpose (rho 2 2 3 (iota 12)))", "(((1 2 3) (7 8 9)) ((4 5 6) (10 11 12)))"),
        ("(type (transpose '((4 5 6) (7 8 9))))", "matrix_number_"),
        ("(transpose '((\"a\" b) (c d)))", '(("a" c) (b d))'), ("(transpose '(4 5 6))", "(4 5 6)"),
        ("(transpose (iota 3))", "(1 2 3)"), ("(transpose 4)", "4"),
        ("(transpose (rho 2 3 (strings \"a\" \"b\" \"c\")))", '(("a" "a") ("b" "b") ("c" "c"))'),
    ],
)  # fmt: skip
def test_shapes(program: str, expected: str) -> None:
    assert shown(program) == expected


@given(st.lists(st.integers(1, 4), min_size=2, max_size=4))
def test_transpose_exchanges_the_first_two_axes(shape: list[int]) -> None:
    from lispe_py.builtins.shapes import transpose

    array = numpy.arange(numpy.prod(shape)).reshape(shape)
    turned = transpose(from_array(array))
    assert numpy.array_equal(numpy.asarray(turned), array.swapaxes(0, 1))
    assert turned.shape == array.swapaxes(0, 1).shape


# ---------------------------------------------------------------- storage


def test_numpy_sees_the_storage_until_a_row_is_taken_out() -> None:
    m = shaped("integers", (2, 3), Integers(range(6)))
    view = numpy.asarray(m)
    assert view.shape == (2, 3)
    m.write((1, 2), 50)
    assert view[1, 2] == 50
    assert m.buffer is m.buffer
    row = m.parts[0]
    row[0] = 9
    assert m.read((0, 0)) == 9
    assert numpy.asarray(m).tolist() == [[9, 1, 2], [3, 4, 50]]
    m.write((0, 1), 8)
    assert row.tolist() == [9, 8, 2]


@pytest.mark.parametrize("kind", ["integers", "shorts", "floats", "numbers"])
def test_arrays_there_and_back(kind: str) -> None:
    array = numpy.arange(24).reshape(2, 3, 4)
    grid = from_array(array, kind)
    assert grid.__class__ is Tensor
    assert grid.kind == kind
    assert numpy.array_equal(numpy.asarray(grid), array)
    assert grid.nested() == array.tolist()
    assert from_array(array[0, 0]).__class__ is Integers
    assert from_array(array[0, 0] / 2).__class__ is Numbers
    assert from_array(array[0, 0, 0]) == 0


def test_rows_keep_their_class() -> None:
    for kind, cls in (("strings", Strings), ("floats", Floats)):
        members: list[Any] = ["a", "b"] if kind == "strings" else [0.5, 1.5]
        m = shaped(kind, (1, 2), members)
        assert m.parts[0].__class__ is cls
        assert m.buffer.__class__ is cls
    assert equal(shaped("integers", (1, 2), [1, 2]), List([Numbers([1, 2])])) is True


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(put (rho 2 2 (integers 1 2 3 4)) 1 0 9)", "((1 2) (9 4))"),
        ("(put (rho 2 2 (integers 1 2 3 4)) -1 -1 9.7)", "((1 2) (3 9))"),
        ("(put (rho 2 2 (numbers 1 2 3 4)) 0 1 0.5)", "((1 0.5) (3 4))"),
        ("(put (rho 2 2 (floats 1 2 3 4)) 0 1 0.5)", "((1 0.5) (3 4))"),
        ("(add (rho 2 2 (integers 1 2 3 4)) 1 1 5)", "((1 2) (3 9))"),
        ("(add (rho 2 2 (numbers 1 2 3 4)) 0 0 0.5)", "((1.5 2) (3 4))"),
        ("(see (rho 2 2 (integers 1 2 3 4)) -1 0)", "3"),
        ("(see (rho 2 2 (integers 1 2 3 4)) 1.5 0)", "3"),
        # A row that was taken out is live: it and the matrix change together.
        ("(setq m (rho 2 2 (integers 1 2 3 4))) (setq r (@ m 1)) (put m 1 0 9) r", "(9 4)"),
        ("(setq m (rho 2 2 (integers 1 2 3 4))) (setq r (@ m 1)) (set@ r 0 7) (see m 1 0)", "7"),
        (
            "(add (rho 2 2 2 (integers 1 2 3 4 5 6 7 8)) 1 1 '(1 1))",
            "(((1 2) (3 4)) ((5 6) (8 9)))",
        ),
    ],
)
def test_members_in_functions(program: str, expected: str) -> None:
    lisp = LispE()
    lisp.eval("(defun put(m i j v) (set@ m i j v) m) (defun add(m i j v) (+= (@ m i j) v) m)")
    lisp.eval("(defun see(m i j) (@ m i j))")
    assert lisp.show(lisp.eval(program)) == expected


@pytest.mark.parametrize("call", ["(see m 2 0)", "(see m 0 -3)", "(put m 0 2 1)", "(add m 2 0 1)"])
def test_members_outside(call: str) -> None:
    lisp = LispE()
    lisp.eval("(defun put(m i j v) (set@ m i j v) m) (defun add(m i j v) (+= (@ m i j) v) m)")
    lisp.eval("(defun see(m i j) (@ m i j)) (setq m (rho 2 2 (integers 1 2 3 4)))")
    with pytest.raises(LispError, match="out of bounds|index"):
        lisp.eval(call)
    assert lisp.show(lisp.eval("m")) == "((1 2) (3 4))"
