"""Variables: frames, lambdas that capture, updates, let, code made at run time."""

from __future__ import annotations

import pytest

from lispe_py import LispE, LispError

CASES = [
    # A function has its own variables; what it does not set is global.
    ("(setq v 1) (defun f() (setq v 2) v) (list (f) v)", "(2 1)"),
    ("(setq v 1) (defun g() v) (defun f() (setq v 2) (g)) (f)", "1"),
    ("(setq v 1) (defun f(c) (if c (setq v 5)) v) (list (f true) (f nil))", "(5 1)"),
    ("(defun f() (setg total 3)) (f) total", "3"),
    ("(setq n 1) (defun f() (setq= n 5)) (f) n", "5"),
    ("(setq n 1) (defun f() (+= n 5)) (f) n", "6"),
    ("(defun f(n) (+= n 1) n) (setq k 5) (list (f k) k)", "(6 5)"),
    ('(setq s "a") (setq t s) (push s "b") (list s t)', '("ab" "a")'),
    ("(setq a '(1)) (setq b a) (push a 2) b", "(1 2)"),
    ("(setq a '(4 5)) (setq b a) (+= a 10) b", "(14 15)"),
    # Lambdas capture lexically, and set what they captured.
    ("(defun mk(n) (\\(x) (+ x n))) (setq a (mk 1)) (setq b (mk 10)) (list (a 1) (b 1))", "(2 11)"),
    ("(defun mk() (setq n 0) (\\() (+= n 1) n)) (setq c (mk)) (c) (c) (list (c) ((mk)))", "(3 1)"),
    ("(defun f() (setq s 0) (mapcar (\\(x) (setq s (+ s x))) '(1 2 3)) s) (f)", "6"),
    ("(defun f(a) ((\\(b) ((\\(c) (+ a b c)) 3)) 2)) (f 1)", "6"),
    ("(defun f(x) (setq g (\\(x) (* x 2))) (list (g 5) x)) (f 1)", "(10 1)"),
    ("(defun g(fn n) (fn 1)) (defun f(n) (g (lambda (x) (+ x n)) 100)) (f 3)", "4"),
    # A name found nowhere else is looked for among the callers.
    ("(defun g(fn n) (fn 1)) (defun f() (g (lambda (x) (+ x n)) 100)) (f)", "101"),
    # A quoted form that stands for a function reads the variables around it.
    ("(setq e 3) (defun f(e) (maplist '(+ e) '(1 2))) (f 10)", "(11 12)"),
    ("(setq e 3) (defun f(l) (maplist (\\(e) (filterlist '(< e) l)) '(1 4))) (f '(2 5))", "((2 5) (5))"),
    ("(setq e 3) (defun f(e) (let ((e 50)) (maplist (- e _ e) '(1 2)))) (f 10)", "(-1 -2)"),
    ("(defun f(e) (maplist '(+ (* e 2)) '(1 2))) (f 10)", "(21 22)"),
    ("(setq e 3) (defun f(e) (list (map '(e -) '(1 2)) (map '(- e) '(1 2)))) (f 10)",
     "((9 8) (-9 -8))"),
    ("(setq g (\\(x) 1)) (defun f(g) (list (maplist 'g '(5)) (maplist '(g) '(5)))) (f (\\(x) 2))",
     "((2) (2))"),
    ("(defun f(size l) (list (maplist 'size l) (maplist '(cons size) '(1)))) (f '(9) '((1) (2 3)))",
     "((1 2) (((9) . 1)))"),
    ("(setq e 3) (defun g() (maplist '(+ e) '(1))) (defun f(e) (g)) (f 10)", "(4)"),
    # let
    ("(let ((a 2) (b (* a 3))) (+ a b))", "8"),
    ("(setq a 1) (defun g() a) (let ((a 2)) (g))", "2"),
    ("(setq a 1) (let ((a 2)) (setq a 9)) a", "1"),
    ("(defun f(a) (let ((a (+ a 1))) (setq a (* a 10)) a)) (f 1)", "20"),
    ("(defun f() (let ((x 1)) (let ((x 2)) x) x)) (f)", "1"),
    ("(defun f() (let ((k 5)) (\\(x) (+ x k)))) ((f) 1)", "6"),
    # Code made at run time sees and sets the variables around it.
    ("(defun f(x) (eval '(setq x (+ x 1))) x) (f 1)", "2"),
    ("(defun f(x) (eval '(setq fresh 7)) (+ x (eval 'fresh) fresh)) (maybe (f 1) 'e)", "e"),
    ("(defun f(x) (eval '(setq fresh 7)) (+ x fresh)) (f 1)", "8"),
    ("(defun f(x) ((\\(y) (eval '(+ x y))) 10)) (f 1)", "11"),
    ('(defun f(x) (eval "(+ x 1)")) (f 4)', "5"),
    ('(defun f() (loadcode "(setq a 2) (setq b 3)") (+ a b)) (f)', "5"),
    ("(eval '(defun made(x) (* x 3))) (made 4)", "12"),
    # Functions have a name space of their own.
    ("(defun sq(x) (* x x)) (setq sq 5) (list sq (sq 3))", "(5 9)"),
    ("(defun ap(op x) (op x)) (list (ap (\\(x) (+ x 1)) 10) (ap (\\(x) (* x 2)) 10))", "(11 20)"),
    ("(setq f '+) (f 1 2)", "3"),
    ("(defun f(list_of) list_of) (setq g f) (g 9)", "9"),
    ("(list (setqv (a b) '(1 2)) b)", "((1 2) 2)"),
    ("(boundp nowhere)", "nil"),
    ("(defun f(a) (setq b 1) (list (boundp a) (boundp b) (boundp c))) (f 1)", "(true true nil)"),
    ("(setq (a b) '(1 2)) (setq (a b) (list b a)) (list a b)", "(2 1)"),
    # Arguments are evaluated from left to right, statements among them too.
    ("(setq i 0) (defun n() (+= i 1) i) (list (n) (block (setq k (n)) k) (n))", "(1 2 3)"),
    ("(setq x 1) (list x (block (setq x 2) x) x)", "(1 2 2)"),
    ("(setq x 1) (defun up() (setg x 10) 1) (+ x (up))", "2"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_value(text: str, expected: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(setq car 5)", "Invalid variable name: 'car' (keyword)"),
        ("(setq 5 5)", "Invalid variable name: '5' (keyword)"),
        ('(setq d {"a":1}) (+= (key@ d "a") 5)', "Expecting an index access with 'at'"),
        ("(setq l (list 1 2)) (*= (car l) 5)", "Expecting an index access with 'at'"),
        ("(setconst k 1) (setq k 2)", "'k' is a constant value"),
        ("(setq (a b) '(1 2 3))", "a list of variable should have the same size as its value."),
        ("(let (a 1) a)", "unbalanced list of variables in 'let'"),
        ("(defun f() nowhere) (f)", "Unbound atom: 'nowhere'"),
        ("(id 5)", "Unbound atom: 'id'"),
        ("(print_it next)", "Unbound atom: 'print_it'"),
    ],
)
def test_error(text: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        LispE().eval(text)
    assert caught.value.message == message


def test_variables_and_functions_stay_between_texts() -> None:
    lisp = LispE()
    lisp.eval("(defun twice(x) (* 2 x)) (setq n 4)")
    assert lisp.eval("(twice n)") == 8
    assert lisp.call("twice", 5) == 10
    assert lisp.globals["n"] == 4
    assert "twice" in lisp.globals


def test_a_function_is_declared_once_and_again_only_at_a_prompt() -> None:
    lisp = LispE()
    lisp.eval("(defun f(x) x)")
    with pytest.raises(LispError, match="already declared"):
        lisp.eval("(defun f(x) (* x 2))")
    lisp.interactive = True
    lisp.eval("(defun f(x) (* x 2))")
    assert lisp.eval("(f 4)") == 8


def test_interpreters_share_nothing() -> None:
    one, two = LispE(), LispE()
    one.eval("(setq v 1) (defun f() 'one)")
    two.eval("(defun f() 'two)")
    assert two.show(two.eval("(f)")) == "two"
    with pytest.raises(LispError, match="Unbound atom: 'v'"):
        two.eval("v")
