"""The option ``promote``: mixed arithmetic gives a number."""

from __future__ import annotations

import pytest

from lispe_py import LispE

#: program -> value by default, where the first operand decides; value under ``promote``
MIXED = {
    "(+ 1 2.5)": (3, 3.5),
    "(- 1 0.9)": (0, 1 - 0.9),
    "(* 3 1.5)": (4, 4.5),
    "(+ 2.5 1)": (3.5, 3.5),
    "(- 2.5 1)": (1.5, 1.5),
    "(/ 7 2)": (3.5, 3.5),
    "(+ 1 2)": (3, 3),
    "(* 4 5)": (20, 20),
    "(+ 1 2.0)": (3, 3.0),
    "(+ 1 2.5 2.5)": (5, 6.0),
    "(+ 0.5 1 2)": (3.5, 3.5),
    "(- 10 0.5 0.25)": (8, 9.25),
    # folds of one list, and of a function
    "(+ '(1 2.5 3))": (6, 6.5),
    "(* '(2 1.5))": (3, 3.0),
    "(foldl '+ 0 '(1.5 1.5))": (2, 3.0),
    "(foldl1 '* '(2 1.5))": (3, 3.0),
    # updates
    "(setq x 1) (+= x 0.5) x": (1, 1.5),
    "(setq x 1) (+= x 1) x": (2, 2),
    "(setq x 3) (*= x 1.5) x": (4, 4.5),
    "(setq x 3) (-= x 0.5) x": (2, 2.5),
    "(setq l '(1 2)) (+= (at l 0) 0.5) l": ([1, 2], [1.5, 2]),
    # in functions, where the compiler may know classes
    "(defun f(a b) (+ a b)) (f 1 2.5)": (3, 3.5),
    "(defun f(n s) (if (= n 0) s (f (- n 1) (+ s 0.5)))) (f 4 1)": (1, 3.0),
    "(setq s 0) (loop i '(0.5 0.5) (+= s i)) s": (0, 1.0),
    "(maplist (\\(x) (+ 1 x)) '(0.5 1))": ([1, 2], [1.5, 2.0]),
    "(map '(+ 0.5) '(1 2))": ([1, 2], [1.5, 2.5]),
    "(apply '+ '(1 0.5))": (1, 1.5),
    "(eval '(+ 1 0.5))": (1, 1.5),
    # lists
    "(+ '(1 2) 0.5)": ([1, 2], [1.5, 2.5]),
    "(+ 1 '(0.5 1))": ([1.5, 2], [1.5, 2]),
    "(+ '(1 2) '(0.5 0.5))": ([1, 2], [1.5, 2.5]),
    # what is no mixture of numbers is as ever
    '(+ "a" 1)': ("a1", "a1"),
    "(% 7 2.5)": (1, 1),
    "(<< 1 2)": (4, 4),
}


def wanted(value: object, expected: object) -> bool:
    if isinstance(expected, list):
        members = list(value)  # type: ignore[call-overload]
        return len(members) == len(expected) and all(map(wanted, members, expected))
    return value == expected and type(value) is type(expected)


@pytest.mark.parametrize("program", MIXED)
def test_values(program: str) -> None:
    default, promoted = MIXED[program]
    assert wanted(LispE().eval(program), default)
    assert wanted(LispE(promote=True).eval(program), promoted)


@pytest.mark.parametrize(
    "program", ["(= 1 1.5)", "(< 1 1.5)", "(eq 1 1.0)", "(max 1 1.5)", "(sort '< '(2 1.5 1))"]
)
def test_comparison_is_the_same(program: str) -> None:
    assert LispE().eval(program) == LispE(promote=True).eval(program)


def test_both_side_by_side() -> None:
    plain, promoting = LispE(), LispE(promote=True)
    program = "(defun f(a b) (+ a b))"
    plain.eval(program)
    promoting.eval(program)
    assert [plain.call("f", 1, 0.5), promoting.call("f", 1, 0.5)] == [1, 1.5]
    assert plain.eval("(f 1 0.5)") == 1


@pytest.mark.parametrize(
    "program",
    [
        "(defun f(a b) (* (+ a b) (- a 1)))",
        "(defun fib(n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))",
        "(setq s 0) (loopcount 10 i (+= s i))",
        "(defun total(l) (+ (map '(* 2) l)))",
    ],
)
def test_the_fast_path_is_the_same_code(program: str) -> None:
    assert LispE().python_source(program) == LispE(promote=True).python_source(program)
