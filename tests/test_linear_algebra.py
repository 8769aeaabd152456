"""Determinants, inverses, systems: against numpy, and the language's conventions."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.builtins.linear_algebra import determinant, invert, lubksb, ludcmp, solve
from lispe_py.values.matrix import from_array


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


def matrix(array: Any) -> Any:
    return from_array(numpy.asarray(array, "d"), "numbers")


@st.composite
def squares(draw: st.DrawFn, members: st.SearchStrategy[float]) -> Any:
    size = draw(st.integers(1, 6))
    return numpy.array(draw(st.lists(members, min_size=size**2, max_size=size**2)), "d").reshape(size, size)


well_behaved = squares(st.floats(-10, 10)).map(lambda a: a + numpy.eye(len(a)) * 100)


@given(squares(st.integers(-9, 9).map(float)))
def test_determinant_of_whole_numbers_is_exact(a: Any) -> None:
    assert determinant(matrix(a)) == round(numpy.linalg.det(a))


@given(well_behaved)
def test_inverse_and_solution(a: Any) -> None:
    m = matrix(a)
    assert determinant(m) == pytest.approx(numpy.linalg.det(a), rel=1e-9)
    inverse = numpy.asarray(invert(m))
    assert numpy.allclose(inverse @ a, numpy.eye(len(a)), atol=1e-9)
    y = numpy.arange(len(a) ** 2, dtype="d").reshape(a.shape)
    assert numpy.allclose(a @ numpy.asarray(solve(m, matrix(y))), y, atol=1e-8)
    assert numpy.array_equal(numpy.asarray(m), a)


@given(well_behaved)
def test_decomposition(a: Any) -> None:
    m = matrix(a)
    exchanged = ludcmp(m)
    lu = numpy.asarray(m)
    rows = a.copy()
    for k, other in enumerate(exchanged):
        rows[[k, other]] = rows[[other, k]]
    lower = numpy.tril(lu, -1) + numpy.eye(len(a))
    assert numpy.allclose(lower @ numpy.triu(lu), rows, atol=1e-9)
    assert numpy.allclose(numpy.asarray(lubksb(m, exchanged)) @ a, numpy.eye(len(a)), atol=1e-9)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(determinant (rho 2 2 (numbers 4 3 2 1)))", "-2"),
        ("(determinant (rho 3 3 (numbers 1 2 3 4 5 6 7 8 9)))", "0"),
        ("(determinant (rho 1 1 (numbers 5)))", "5"),
        ("(type (determinant (rho 2 2 (numbers 4 3 2 1))))", "number_"),
        ("(invert (rho 2 2 (numbers 2 0 0 8)))", "((0.5 0) (0 0.125))"),
        ("(⌹ (rho 2 2 (numbers 2 0 0 8)) (rho 2 2 (numbers 4 6 8 16)))", "((2 3) (1 2))"),
        ("(solve (rho 2 2 (floats 2 0 0 8)) (rho 2 2 (floats 4 6 8 16)))", "((2 3) (1 2))"),
        ("(solve (rho 2 2 (integers 2 0 0 8)) (rho 2 2 (integers 4 6 8 16)))", "((2 3) (1 2))"),
        ("(type (solve (rho 1 1 (floats 2)) (rho 1 1 (floats 4))))", "matrix_float_"),
        ("(invert (rho 2 2 (numbers 1 2 2 4)))",
         "((-1.33333e+16 6.66667e+15) (6.66667e+15 -3.33333e+15))"),
        ("(setq m (rho 2 2 (numbers 4 3 8 2))) (list (ludcmp m) m)", "((1 1) ((8 2) (0.5 2)))"),
        ("(setq m (matrix_number '((10 1000) (5 2)))) (ludcmp m) m", "((5 2) (2 996))"),
        ("(setq m (matrix_integer '((4 3) (8 2)))) (ludcmp m) m", "((8 2) (0 3))"),
        ("(setq m (rho 2 2 (numbers 2 1 1 8))) (determinant m) (invert m) (solve m m) m",
         "((2 1) (1 8))"),
        ("(setq m (rho 2 2 (numbers 4 3 8 2))) (setq r (@ m 0)) (ludcmp m) r", "(8 2)"),
        ("(lubksb (rho 2 2 (numbers 1 2 3 4)) (integers 0 1))", "((2.5 -0.5) (-0.75 0.25))"),
    ],
)  # fmt: skip
def test_conventions(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(determinant (rho 2 3 (numbers 1 2 3 4 5 6)))",
         "we can only apply 'determinant' to square matrices"),
        ("(determinant '((1 2) (3 4)))", "We can only compute the determinant of a matrix"),
        ("(determinant (rho 2 2 (iota 4)))", "We can only compute the determinant of a matrix"),
        ("(determinant 4)", "We can only compute the determinant of a matrix"),
        ("(determinant (rho 2 2 2 (numbers 1)))", "We can only compute the determinant of a matrix"),
        ("(invert (rho 2 2 (integers 4 3 2 1)))", "'invert' can only be applied to matrices"),
        ("(invert (rho 2 3 (numbers 1)))", "we can only apply 'invert' to square matrices"),
        ("(solve (rho 2 2 (numbers 1)) (rho 2 2 (floats 1)))",
         "solve can only be applied to matrices of same type"),
        ("(solve '((2 0) (0 8)) '((1 2) (3 4)))", "solve can only be applied to matrices"),
        ("(solve (rho 2 2 (numbers 2 0 0 8)) (rho 2 1 (numbers 1 2)))",
         "we can only apply 'solve' to square matrices of equal sizes"),
        ("(ludcmp (rho 2 3 (numbers 1)))", "we can only apply 'ludcmp' to square matrices"),
        ("(ludcmp 5)", "solve can only be applied to matrices"),
        ("(lubksb (rho 2 2 (numbers 1 2 3 4)) 5)",
         "the second element should be an integers_ (a list of integers)"),
        ("(lubksb (rho 2 2 (numbers 1 2 3 4)) (integers 5 1))", None),
        ("(invert (rho 2 2 (numbers 0)))", None),
        ("(solve (matrix_string 1 1 \"a\") (matrix_string 1 1 \"a\"))", None),
    ],
)  # fmt: skip
def test_errors(program: str, message: str | None) -> None:
    with pytest.raises(LispError) as caught:
        LispE().eval(program)
    assert message is None or caught.value.message == message
