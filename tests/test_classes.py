"""class@ and data@: fields, methods, inheritance, structures."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from lispe_py import LispE, LispError

POINT = "(class@ Point (x (y 2)) (defun total() (+ x y)) (defun move(d) (setqi x (+ x d)) (total))) "
CASES = [
    (POINT + "(setq p (Point 4)) (list (p (total)) (p (move 5)) p)", '(6 11 (Point "x":9 "y":2))'),
    (POINT + "(Point (? y 1) (? x 8))", '(Point "x":8 "y":1)'),
    (POINT + "(Point 1 (setqi z 5))", '(Point "x":1 "y":2 "z":5)'),
    (POINT + "(setq p (Point 1)) (p (move 1) (move 1))", "5"),
    (POINT + "Point", "(class@ Point (x (y 2)))"),
    (POINT + "(list (type (Point 1)) (type Point))", "(Point class_)"),
    (POINT + "(setq p (Point 1)) (setq q (clone p)) (set@ q 'x 9) (list (@ p 'x) (@ q \"x\") (@ q 0) (= p q) (eq p p))",
     "(1 9 9 nil true)"),
    (POINT + "(setq maker Point) (maker 3)", '(Point "x":3 "y":2)'),
    (POINT + "(mapcar 'Point '(1 2))", '((Point "x":1 "y":2) (Point "x":2 "y":2))'),
    (POINT + "(setq p (Point 4)) (defun seen() x) (class@ W (x) (defun look() (seen))) ((W 7) (look))", "7"),
    ("(class@ C (l) (defun add(k) (push l k))) (setq c (C (list))) (c (add 1)) (c (add 2)) c", '(C "l":(1 2))'),
    ("(class@ C (n) (defun up() (+= n 1) n)) (setq c (C 1)) (c (up)) (c (up))", "3"),
    ("(class@ C (n) (defun upd(k) (setq= n k) n)) (setq c (C 1)) (list (c (upd 9)) c)", '(9 (C "n":9))'),
    ("(class@ C (n) (defun loc() (setq n2 5) n2) (defun me() (this))) (setq c (C 1)) (list (c (loc)) (eq c (c (me))))",
     "(5 true)"),
    ("(class@ C (x made) (defun build() 100)) (C 1 (build))", '(C "x":1 "made":100)'),
    ("(class@ C ((l ()))) (setq a (C)) (push (@ a 'l) 1) (list a (C))", '((C "l":(1)) (C "l":()))'),
    ("(class@ C (x) (defun f() (\\(k) (+ x k)))) (((C 10) (f)) 1)", "11"),
    # Inheritance
    ("(class@ A (x) (defun who() 'a) (defun hook() (who))) (class@ B (y) (from@ A) (defun who() 'b)) "
     "(setq b (B 1 2)) (list b (b (hook)) (b (who)))", '((B "y":1 "x":2) b b)'),
    ("(class@ A (x) (defun who() 'a)) (class@ B (from@ A) (defun who() (list 'b (from@ A (who))))) ((B 1) (who))",
     "(b a)"),
    ("(class@ A (x) (defun get() x)) (class@ B (from@ A) (defun twice() (* 2 (get)))) ((B 4) (twice))", "8"),
    # Methods with patterns
    ("(class@ A (x) (defpat m(1) (+ x 1)) (defpat m(y) (+ y x))) (setq a (A 1)) (list (a (m 1)) (a (m 5)))", "(2 6)"),
    ("(class@ A (x) (defpat m(0) x) (defpat m([integer_ n]) (m (- n 1))) (defpat m(s) (list s x))) "
     "(setq a (A 7)) (list (a (m 3)) (a (m 'q)))", "(7 (q 7))"),
    ("(class@ A (x) (defpred m(y) (> y 3) x) (defpred m(y) (+ y x))) (setq a (A 1)) (list (a (m 1)) (a (m 5)))",
     "(2 1)"),
    ("(class@ A (x) (defprol m(n) n) (defprol m(n) x)) ((A 7) (m 3))", "(3 7)"),
    ("(class@ A (x) (defpat m([h $ r]) (setqi x h) (m r)) (defpat m([]) x)) ((A 7) (m '(1 2)))", "2"),
    ("(class@ A (x) (defpat m(1) 'one) (defpat m(a b) (list a b x))) ((A 7) (m 3 4))", "(3 4 7)"),
    ("(class@ A (x) (defpat m(1) x)) (class@ B (from@ A) (defpat m(y) (from@ A (m 1)))) ((B 4) (m 9))", "4"),
    # A method outside of an instance
    ("(class@ A (x) (defun m(y) (* 2 y))) (class@ B (x) (defun m(y) (* 3 y))) (m 4)", "12"),
    ("(class@ A (x) (defun m(y) (* 2 y))) (defun m(y) (* 5 y)) (list (m 4) ((A 1) (m 4)))", "(20 8)"),
    # Structures
    ("(data@ (Pt integer_ _)) (setq p (Pt 1 'a)) (list p (@ p 0) (size p) (type p) (= p (Pt 1 'a)))",
     "((Pt 1 a) Pt 3 data_ true)"),
    ("(data@ (Pt _ _)) (data@ (Line Pt Pt)) (Line (Pt 1 2) (Pt 3 4))", "(Line (Pt 1 2) (Pt 3 4))"),
    ("(data@ (Pt _ _)) Pt", "(Pt nil nil)"),
    # Name spaces
    ("(defspace one (defun f() 'one)) (defun f() 'main) (list (f) (space one (f)) (space one (space mainspace_ (f))))",
     "(main one main)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_value(text: str, expected: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (POINT + "(Point)", "Wrong number of arguments in call"),
        (POINT + "(Point 1 (? q 3))", "argument list mismatch"),
        (POINT + "(@ (Point 1) 'q)", "index out of bounds"),
        ("(class@ B (from@ Missing))", "Unknown class: '(from@ Missing)'"),
        (POINT + POINT, "Function 'Point' already declared"),
        ("(setqi x 1)", "setqi can only be used within an instance"),
        ("(from@ A (f))", "cannot execute this method out of an instance"),
        ("(toclean 'f)", "this function can only be called from within a class instance"),
        ("(data@ (P integer_)) (P 1.5)", "Mismatch on argument: 1 (integer_ required)"),
        ("(data@ (P _)) (P)", "Size mismatch between argument list and data structure definition"),
        ("(data@ (P _)) (data@ (P _))", "data structure has already been recorded"),
        ("(class@ C)", "wrong class definition"),
        ("(class@ A (x) (defun m() x)) (m)", "Unbound atom: 'x'"),
        ("(class@ A (x)) ((A 1) (nope))", "Unbound atom: 'nope'"),
        ("(class@ A (x) (defpat m(0) x)) ((A 1) (m 3))", "Could not find a match for function: 'm'"),
        ("(class@ A (x) (defpat m(0) x) (defpred m(0) x))", "'m' is already a 'defpat'"),
        ("(class@ A (x) (defpat m))", "wrong number of arguments"),
        ("(space nowhere 1)", "Unbound atom: 'nowhere'"),
    ],
)
def test_error(text: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        LispE().eval(text)
    assert message in caught.value.message


def test_a_method_runs_when_the_instance_goes() -> None:
    out = io.StringIO()
    LispE(stdout=out).eval(
        "(class@ T (x) (defun bye() (println \"bye\" x)) (defun on() (toclean 'bye) 1)) "
        '(setq t (T (on))) (setq t nil) (println "end")'
    )
    assert out.getvalue() == "bye 1\nend\n"


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("(class@ T (p init) (defun cfg() (setqi q (+ p 1)))) (T 3 (cfg))", '(T "p":3 "init":true "q":4)'),
        ("(class@ T (p (y 2) k) (defun cfg() (list p y k))) (T 3 (cfg) 5)", '(T "p":3 "y":(3 nil nil) "k":5)'),
        ("(class@ T (p k) (defun cfg(x) (+ p x))) (defun f(z) (T z (cfg z))) (f 3)", '(T "p":3 "k":6)'),
        ("(class@ A (x)) (class@ B (y) (from@ A) (defun n() y)) (B 4 (? x (n)))", '(B "y":4 "x":4)'),
    ],
)  # fmt: skip
def test_a_method_among_the_arguments_sees_those_before_it(program: str, shown: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.evaluate_text(program)) == shown


def test_a_class_of_a_loaded_file(tmp_path: Path) -> None:
    (tmp_path / "point.lisp").write_text(
        "(class@ Point (x init) (defun grow() (setqi y (+ x 1))) (defun total() (+ x y)))"
        "(defun twice(n) (* n 2)) (defun half(n) (/ n 2))"
    )
    main = tmp_path / "main.lisp"
    main.write_text('''
    (load (+ _current "point.lisp"))
    (setq four 4)
    (setq p (Point four (grow)))
    (list (p (total)) (twice (half 10)) (Point (twice 1) nil))
    ''')
    lisp = LispE()
    assert lisp.show(lisp.execute(main)) == '(9 10 (Point "x":2 "init":nil))'


@pytest.mark.parametrize(
    ("call", "value"), [("(last)", 4), ("(keys 2)", 6), ("(floor)", 5), ("(floor) (last)", 4)]
)
def test_methods_may_be_named_like_library_functions_of_other_arguments(
    call: str, value: int
) -> None:
    program = "(class@ T (p) (defun last() p) (defun keys(x) (+ p x)) (defun floor() (+ p 1)))"
    assert LispE().eval(f"{program} (setq t (T 4)) (t {call})") == value


def test_such_a_call_of_a_function_is_an_error_when_it_runs() -> None:
    out = io.StringIO()
    with pytest.raises(LispError, match="Wrong number of arguments for: 'floor'"):
        LispE(stdout=out).eval(
            "(class@ T (p) (defun floor() p)) (setq f (\\(x) x)) (println 1) (f (floor))"
        )
    assert out.getvalue() == "1\n"


@pytest.mark.parametrize(
    "program",
    [
        "(defun f(p tokenizer) (tokenizer (encode p))) (f 4 t)",
        "(setq tokenizer t) (tokenizer (encode 4))",
        "(class@ M (tokenizer) (defun g(p) (tokenizer (encode p)))) ((M t) (g 4))",
        "(defun own(x) x) (defun f(p own) (own (encode p))) (f 4 t)",
        "(defun f(p floor) (floor (encode p))) (f 4 t)",
        "(defun f(p floor) (floor p)) (f 4 (\\(x) (+ x 1)))",
        "(defun f(p floor) (floor p)) (f 5.5 t)",
    ],
)
def test_variables_that_hold_instances_may_be_named_like_functions(program: str) -> None:
    made = "(class@ T (path) (defun encode(x) (+ x 1))) (setq t (T 1))"
    assert LispE().eval(f"{made} {program}") == 5
