"""Lists that a loop builds with ``(setq r (cons x r))``: the values, and that it takes linear time."""

from __future__ import annotations

import pytest

from lispe_py import LispE, LispError

#: (body of a function of n, its value for 5)
FUNCTIONS: list[tuple[str, str]] = [
    ("(setq r ()) (loop i (iota n) (setq r (cons i r))) r", "(5 4 3 2 1)"),
    ("(setq r '(a b)) (loop i (iota n) (setq r (cons i r))) r", "(5 4 3 2 1 a b)"),
    ("(setq r nil) (loop i (iota n) (setq r (cons i r))) r", "(5 4 3 2 1)"),
    ("(setq r nil) (loop i () (setq r (cons i r))) r", "nil"),
    ("(setq r ()) (loop i (iota n) (if (= 0 (% i 2)) (setq r (cons i r)))) r", "(4 2)"),
    ("(setq r ()) (loop i (iota n) (if (< i 3) (setq r (cons i r)) (setq r (cons 0 r)))) r",
     "(0 0 0 2 1)"),
    ("(setq r ()) (setq s ()) (loop i (iota n) (setq r (cons i r)) (setq s (cons (* i i) s)))"
     " (list r s)", "((5 4 3 2 1) (25 16 9 4 1))"),
    ("(setq r ()) (loop i (iota n) (loop j (iota 2) (setq r (cons (list i j) r)))) (size r)", "10"),
    ("(setq r ()) (loop i (iota n) (setq r (cons (cons i ()) r))) r", "((5) (4) (3) (2) (1))"),
    ("(setq r ()) (setq i 0) (while (< i n) (+= i 1) (setq r (cons i r))) r", "(5 4 3 2 1)"),
    ("(setq r ()) (loopcount n i (setq r (cons i r))) r", "(4 3 2 1 0)"),
    ("(setq r ()) (lloop (a b) (iota n) (iota n) (setq r (cons (+ a b) r))) r", "(10 8 6 4 2)"),
    ("(setq r ()) (mloop (a b) (iota n) (iota n) (setq r (cons (+ a b) r))) r", "(10 8 6 4 2)"),
    ("(setq r ()) (whilein i (iota n) (< i 4) (setq r (cons i r))) r", "(3 2 1)"),
    # a loop that is left before its end
    ("(setq r ()) (loop i (iota n) (setq r (cons i r)) (if (= i 3) (break))) r", "(3 2 1)"),
    ("(setq r ()) (maybe (loop i (iota n) (setq r (cons (/ 6 (- i 3)) r))) 0) r", "(-6 -3)"),
    ("(setq r ()) (catch (loop i (iota n) (setq r (cons i r)) (if (= i 2) (throw \"x\")))) r",
     "(2 1)"),
    # the value of the loop, and of the assignment
    ("(setq r ()) (loop i (iota n) (setq r (cons i r)))", "true"),
    ("(setq r ()) (list (loop i (iota n) (setq r (cons i r))) r)", "(true (5 4 3 2 1))"),
    # other kinds of lists keep their own way
    ("(setq r (integers 7)) (loop i (iota n) (setq r (cons i r))) (list (type r) r)",
     "(integers_ (5 4 3 2 1 7))"),
    ("(setq r (llist)) (loop i (iota n) (setq r (cons i r))) (list (type r) r)",
     "(llist_ (5 4 3 2 1))"),
    ("(setq r 9) (loop i (iota 1) (setq r (cons i r))) r", "(1 . 9)"),
    ("(setq r (cdr '(0 8 9))) (loop i (iota n) (setq r (cons i r))) r", "(5 4 3 2 1 8 9)"),
    # where something else may see the list in the loop
    ("(setq r ()) (loop i (iota n) (setq r (cons (size r) r))) r", "(4 3 2 1 0)"),
    ("(setq r ()) (setq seen ()) (loop i (iota n) (setq r (cons i r)) (push seen (size r))) seen",
     "(1 2 3 4 5)"),
    ("(setq r ()) (setq f (\\(x) (size r))) (setq seen ()) "
     "(loop i (iota n) (setq r (cons i r)) (push seen (f 0))) seen", "(1 2 3 4 5)"),
    ("(setq r ()) (loop i (iota n) (setq r (cons i r)) (setq q 'r)) (list q r)",
     "(r (5 4 3 2 1))"),
    ("(setq r ()) (setq a ()) (loop i (iota n) (setq r (cons i r)) (setq a r)) (push a 0) r",
     "(5 4 3 2 1 0)"),
    ("(loop i (iota n) (let ((r ())) (setq r (cons i r)) (setq q r))) q", "(5)"),
    ("(setq f (\\(r) (loop i (iota n) (setq r (cons i r))) r)) (f ())", "(5 4 3 2 1)"),
    ("(setq r ()) (loop r (iota n) (setq r (cons 1 r))) r", "(1 . 5)"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), FUNCTIONS)
def test_value(body: str, expected: str) -> None:
    lisp = LispE()
    # with a variable that is only sometimes set before, the general way is taken
    for program in (f"(defun f(n) {body}) (f 5)", f"(defun f((n 5)) {body}) (f)"):
        assert lisp.show(LispE().eval(program)) == expected


@pytest.mark.parametrize(("body", "expected"), FUNCTIONS)
def test_value_at_the_top(body: str, expected: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(f"(setq n 5) {body}")) == expected


def test_a_parameter_is_built_too_and_the_argument_stays() -> None:
    lisp = LispE()
    lisp.eval("(defun f(n r) (loop i (iota n) (setq r (cons i r))) r) (setq a '(9))")
    assert lisp.show(lisp.eval("(list (f 3 a) a)")) == "((3 2 1 9) (9))"


def test_a_pattern_function_builds() -> None:
    lisp = LispE()
    lisp.eval(
        "(defpat f(0 r) r) (defpat f((integer_ n) r) (loop i (iota n) (setq r (cons i r))) r)"
    )
    assert lisp.show(lisp.eval("(f 3 '(7))")) == "(3 2 1 7)"


def test_a_function_that_is_called_sees_a_global_as_it_grows() -> None:
    program = """(setq r ()) (setq seen ()) (defun look() (push seen (size r)))
    (loop i (iota 3) (setq r (cons i r)) (look)) seen"""
    assert LispE().eval(program) == [1, 2, 3]


def test_a_method_does_not_take_a_field_for_a_variable() -> None:
    program = """(class@ A (r) (defun grow(n) (loop i (iota n) (setq r (cons i r)) (look)) r)
        (defun look() (push seen r)))
    (setq seen ()) (setq a (A '(9))) (list (a (grow 2)) seen)"""
    slow = program.replace("(setq r (cons i r))", "(block (setq q (cons i r)) (setq r q))")
    assert LispE().show(LispE().eval(program)) == LispE().show(LispE().eval(slow))


@pytest.mark.parametrize("form", ["(loop i (iota 3) (setq never (cons i never)))"])
def test_a_variable_without_a_value(form: str) -> None:
    with pytest.raises(LispError) as caught:
        LispE().eval(f"\n  {form}")
    assert "never" in caught.value.message
    assert (caught.value.line, caught.value.column) == (2, 40)


def test_no_list_is_copied_in_the_loop() -> None:
    # 10^5 copies of a growing list would take half a minute.
    lisp = LispE()
    for program in (
        "(defun f(n) (setq r ()) (loop i (iota n) (setq r (cons i r))) r) (f 200000)",
        "(setq r ()) (loop i (iota 200000) (setq r (cons i r))) r",
    ):
        found = lisp.eval(program)
        assert len(found) == 200_000
        assert (found[0], found[-1]) == (200_000, 1)
    assert ".append(i)" in LispE().python_source(
        "(defun f(n) (setq r ()) (loop i n (setq r (cons i r))) r)"
    )
