"""Tensors in the ordinary functions of the language."""

from __future__ import annotations

import pytest
import torch
from tensor_programs import near, refused, run, shown

from lispe_py.values.scalars import Float32
from lispe_py.values.typed import Floats, Integers, Numbers

SIX = "(setq t (torch_tensor '((1 2 3) (4 5 6)))) "


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("(torch_tensor (floats 0.1 1234567 0.333333333 100000))", "(0.1 1.23457e+06 0.333333 100000)"),
        ("(torch_tensor (numbers 0.1 1e-7))", "(0.1 1e-07)"),
        ("(torch_tensor (integers 1234567890 -5))", "(1234567890 -5)"),
        ("(torch_tensor '(true nil))", "(true nil)"),
        ("(torch_tensor '((0.5) (-0.25)))", "((0.5) (-0.25))"),
        ("(torch_tensor '(3,4i 5))", "(3,4i 5,0i)"),
        ("(torch_zeros '(0))", "()"),
        ("(torch_zeros '(2 0))", "(() ())"),
        ("(torch_zeros '(0 2))", "()"),
        ("(torch_tensor 4)", "4"),
        ("(torch_tensor 0.5)", "0.5"),
        ("(torch_tensor true)", "true"),
        ("(torch_div (torch_tensor (floats 1 -1)) (torch_zeros '(2)))", "(inf -inf)"),
        ("(list (torch_tensor (integers 1 2)) (torch_tensor (integers 3)))", "((1 2) (3))"),
        ('(+ "t: " (torch_tensor (floats 1 2)))', "t: (1 2)"),
        ("(string (torch_tensor (floats 1 2)))", "(1 2)"),
        ("(torch_to_dtype (torch_tensor (floats 1.5 2)) \"bfloat16\")", "(1.5 2)"),
        ("(torch_transpose (torch_tensor '((1 2) (3 4))) 0 1)", "((1 3) (2 4))"),
        ("(torch_arange 1001)", "(0 1 2 ... 998 999 1000)"),
        ("(torch_arange 1000)", "(" + " ".join(map(str, range(1000))) + ")"),
        ("(torch_reshape (torch_arange 2000) '(2 1000))",
         "((0 1 2 ... 997 998 999) (1000 1001 1002 ... 1997 1998 1999))"),
        ("(torch_reshape (torch_arange 2000) '(1000 2))",
         "((0 1) (2 3) (4 5) ... (1994 1995) (1996 1997) (1998 1999))"),
    ],
)  # fmt: skip
def test_printed_forms(program: str, text: str) -> None:
    assert shown(program) == text


def test_gradients_and_sparse_tensors_print() -> None:
    assert shown("t", t=torch.ones(2, requires_grad=True)) == "(1 1)"
    assert shown("t", t=torch.eye(2).to_sparse()) == "((1 0) (0 1))"
    assert shown("t", t=torch.ones(2, device="meta")) == "<tensor (2) without values>"
    assert shown("t", t=torch.tensor([1 + 2j]).conj()) == "(1,-2i)"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("(type t)", "torch_tensor_"), ("(size t)", "6"), ("(consp t)", "true"), ("(numberp t)", "nil"),
        ("(at t 4)", "5"), ("(@ t -1)", "6"), ("(nth t 2)", "3"), ("(@ t 1 0)", "4"),
        ("(@ t -1 -1)", "6"), ("(@ (torch_unsqueeze t 0) 0 1)", "(4 5 6)"),
        ("(@ t (torch_tensor 3))", "4"), ("(@ (torch_transpose t 0 1) 1)", "4"),
        ("(@@ t 0 1)", "((1 2 3))"), ("(@@ t 1 0)", "((4 5 6))"), ("(@@ t -1 0)", "((4 5 6))"),
        ("(@@ t 0 5)", "((1 2 3) (4 5 6))"), ("(@@ t 1)", "(4 5 6)"),
        ("(car t)", "(1 2 3)"), ("(cdr t)", "((4 5 6))"), ("(cadr t)", "(4 5 6)"),
        ("(car (torch_zeros '(0)))", "nil"), ("(cdr (torch_tensor (integers 4)))", "nil"),
        ("(cdr (torch_tensor 4))", "nil"), ("(type (car (torch_tensor (integers 4))))", "torch_tensor_"),
        ("(flatten t)", "(1 2 3 4 5 6)"), ("(type (numbers t))", "numbers_"),
        ("(floats t)", "(1 2 3 4 5 6)"), ("(integers t)", "(1 2 3 4 5 6)"),
        ("(to_list t)", "(1 2 3 4 5 6)"), ("(sum t)", "21"), ("(max t)", "6"), ("(min t)", "1"),
        ("(product t)", "720"), ("(transpose t)", "((1 4) (2 5) (3 6))"),
        ("(matrix_number t)", "((1 2 3) (4 5 6))"), ("(in (flatten t) 5)", "true"),
        ("(map (lambda (x) (* x x)) t)", "(1 4 9 16 25 36)"),
        ("(filter (lambda (x) (> x 4)) t)", "(5 6)"), ("(foldl '+ 0 t)", "21"),
        ("(cons 0 (car t))", "(0 1 2 3)"), ("(if (torch_zeros '(2)) 1 2)", "1"),
        ("(if (torch_tensor 0) 1 2)", "1"), ("(check (torch_zeros '(0)) 7)", "7"),
        ("(not t)", "nil"),
    ],
)  # fmt: skip
def test_container_functions(form: str, text: str) -> None:
    assert shown(SIX + form) == text


def test_kinds_of_elements() -> None:
    assert run("(@ (torch_tensor (floats 0.1)) 0)").__class__ is Float32
    assert run("(@ (torch_tensor (numbers 0.1)) 0)").__class__ is float
    assert run("(@ (torch_tensor (integers 1)) 0)").__class__ is int
    assert run("(@ (torch_tensor '(true nil)) 1)") is None
    assert run("(flatten (torch_tensor (floats 0.5)))")[0].__class__ in (Float32, float)
    assert (
        shown("(setq l (list)) (loop x (torch_tensor '((true) (nil))) (push l x)) l")
        == "(true nil)"
    )


def test_typed_lists_of_elements() -> None:
    assert run("(numbers t)", t=torch.ones(2, 2)).__class__ is Numbers
    assert run("(floats t)", t=torch.ones(2, 2)).__class__ is Floats
    assert run("(integers t)", t=torch.ones(2, 2)).__class__ is Integers


def test_loops_run_over_the_elements() -> None:
    assert run(SIX + "(setq s 0) (loop x t (+= s x)) s") == 21
    assert run("(setq s 0) (loop x (torch_zeros '(0)) (+= s 1)) s") == 0


def test_writing_elements() -> None:
    assert shown(SIX + "(set@ t 4 9) t") == "((1 2 3) (4 9 6))"
    assert shown(SIX + "(set@ t 0 1 9) t") == "((1 9 3) (4 5 6))"
    assert shown("(setq t (torch_zeros '(2 2))) (set@ t -1 0.5) t") == "((0 0) (0 0.5))"
    assert refused(SIX + "(set@ t 6 1)") == "tensor index out of bounds"
    assert refused(SIX + '(set@ t 0 "x")')


@pytest.mark.parametrize(
    "form",
    ["(@ t 6)", "(@ t -7)", "(@ t 0 3)", "(@ t 2 0)", "(@ t 0 0 0)", "(@ t \"x\")", "(@ t nil)",
     "(@ (torch_tensor 4) 1)", "(@@ (torch_tensor 4) 0 1)", "(@@ t 2)", "(push t 4)",
     "(+ t (torch_zeros '(7)))", "(+ t nil)", "(+ t \"x\")", "(/ t 0)", "(/ t 0.0)", "(% t 0)",
     "(- t 'a)", "(& (torch_zeros '(2)) 1)", "(+ t (dictionary \"a\" 1))", "(lgamma2 t)"],
)  # fmt: skip
def test_errors(form: str) -> None:
    assert refused(SIX + form)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("(+ t 1)", [2.0, 3.0, 5.0]), ("(+ 1.0 t)", [2.0, 3.0, 5.0]), ("(- 10.0 t)", [9.0, 8.0, 6.0]),
        ("(- t u)", [0.0, 1.0, 3.0]), ("(* t (floats 2 3 4))", [2.0, 6.0, 16.0]),
        ("(* (floats 2 3 4) t)", [2.0, 6.0, 16.0]), ("(* '(2 3 4) t)", [2.0, 6.0, 16.0]),
        ("(/ t 2)", [0.5, 1.0, 2.0]), ("(/ 8.0 t)", [8.0, 4.0, 2.0]), ("(+ t t t)", [3.0, 6.0, 12.0]),
        ("(^^ t 2)", [1.0, 4.0, 16.0]), ("(^^ 2 t)", [2.0, 4.0, 16.0]), ("(% t 3)", [1.0, 2.0, 1.0]),
        ("(% (- 0 t) 3)", [-1.0, -2.0, -1.0]), ("(% 7 t)", [0.0, 1.0, 3.0]),
        ("(sqrt (* t t))", [1.0, 2.0, 4.0]), ("(+ t (short 1))", [2.0, 3.0, 5.0]),
        ("(fabs (- 0 t))", [1.0, 2.0, 4.0]), ("(cbrt (^^ t 3))", [1.0, 2.0, 4.0]),
        ("(round (+ t 0.5))", [2.0, 3.0, 5.0]),
    ],
)  # fmt: skip
def test_arithmetic(form: str, expected: list[float]) -> None:
    t, u = torch.tensor([1.0, 2.0, 4.0]), torch.ones(3)
    assert near(run(form, t=t, u=u), torch.tensor(expected), 1e-5)


def test_arithmetic_of_integers() -> None:
    for form, expected in (
        ("(+ t 2)", [6, 7]), ("(/ t 2)", [2.0, 2.5]), ("(^^ t -1)", [0.25, 0.2]),
        ("(& t 4)", [4, 4]), ("(| t 2)", [6, 7]), ("(^ t 1)", [5, 4]), ("(&~ t 1)", [4, 4]),
        ("(<< t 1)", [8, 10]), ("(>> t 1)", [2, 2]), ("(== t 4)", [1, 0]), ("(% t 3)", [1, 2]),
        ("(+ t 0.5)", [4.5, 5.5]),
    ):  # fmt: skip
        assert run(form, t=torch.tensor([4, 5])).tolist() == pytest.approx(expected), form
    assert shown("(& (torch_tensor '(true nil)) (torch_tensor '(true true)))") == "(true nil)"


def test_broadcasting() -> None:
    assert shown("(+ (torch_tensor '((1.0) (2.0))) (floats 10 20))") == "((11 21) (12 22))"


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ("(= (torch_tensor (floats 1 2)) (torch_tensor (floats 1 2)))", "true"),
        ("(= (torch_tensor (floats 1 2)) (torch_tensor '((1.0 2))))", "nil"),
        ("(= (torch_tensor (floats 1 2)) (torch_tensor (integers 1 2)))", "true"),
        ("(= (torch_tensor (floats 1 2)) (torch_tensor (floats 1 3)))", "nil"),
        ("(= (torch_tensor (floats 1 2)) (floats 1 2))", "true"),
        ("(= '((1 2)) (torch_tensor '((1 2))))", "true"),
        ("(= (torch_tensor (floats 1 2)) '(a b))", "nil"),
        ("(= (torch_tensor (floats 1 2)) 1)", "nil"),
        ("(= (torch_tensor (floats 1 2)) \"x\")", "nil"),
        ("(= (torch_tensor (floats 1 2)) nil)", "nil"),
        ("(= (torch_tensor 3) 3)", "true"), ("(= 3.0 (torch_tensor 3))", "true"),
        ("(= (torch_tensor true) true)", "true"), ("(= (torch_tensor 1) true)", "nil"),
        ("(!= (torch_tensor 3) 4)", "true"),
        ("(= (torch_zeros '(0)) (torch_zeros '(0)))", "true"),
        ("(= (torch_zeros '(0 2)) (torch_zeros '(0 3)))", "nil"),
        ("(< (torch_tensor 3) (torch_tensor 5))", "true"), ("(<= (torch_tensor 3) 3)", "true"),
        ("(>= 5.5 (torch_tensor 5))", "true"), ("(> (torch_tensor 3) 5)", "nil"),
        ("(< (torch_ones '(2)) 3)", "nil"), ("(sort '< (list (torch_tensor 3) (torch_tensor 1)))", "(1 3)"),
    ],
)  # fmt: skip
def test_comparison(form: str, answer: str) -> None:
    assert shown(form) == answer


def test_clones_share_nothing() -> None:
    program = "(setq a (torch_tensor (floats 1 2))) (setq b (clone a)) (set@ b 0 9) (list a b)"
    assert shown(program) == "((1 2) (9 2))"
    leaf = torch.ones(2, requires_grad=True)
    copy = run("(clone t)", t=leaf)
    assert copy.requires_grad and copy.is_leaf and copy is not leaf


def test_mathematics_keeps_gradients() -> None:
    w = torch.tensor([4.0], requires_grad=True)
    run("(torch_backward (sum (sqrt w)))", w=w)
    assert w.grad is not None and w.grad.item() == 0.25


def test_tensors_stand_in_containers() -> None:
    assert shown('(setq d (dictionary "a" (torch_ones \'(2)))) (@ d "a")') == "(1 1)"
    assert shown("(setq l (list 1)) (push l (torch_tensor 2)) l") == "(1 2)"
