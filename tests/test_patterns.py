"""Pattern functions: defpat, defpred, defprol, pattern@."""

from __future__ import annotations

import pytest

from lispe_py import LispE, LispError

F = "(defpat f(x) 'other) "
CASES = [
    # Literals, types, conditions, in the order of the language: typed bodies first.
    ("(defpat f(0) 'zero) (defpat f('red) 'red) (defpat f(\"a\") 'text) " + F
     + "(mapcar 'f '(0 red \"a\" 1))", "(zero red text other)"),
    (F + "(defpat f([integer_ x]) 'typed) (list (f 1) (f 1.5))", "(typed other)"),
    ("(defpat f((< x 10)) 'small) " + F + "(list (f 5) (f 50))", "(small other)"),
    ("(defun by(n x) (= 0 (% x n))) (defpat f([by 3 x]) 'by3) " + F + "(list (f 6) (f 7))", "(by3 other)"),
    ("(defpat f([integer_ (< x 10)]) (* x 2)) " + F + "(list (f 4) (f 40))", "(8 other)"),
    # An error in a condition means that it does not hold, that of another pattern function too.
    ("(defpat f((eq 0 (% x 3))) 'three) " + F + "(list (f 6) (f \"a\") (f '(1)))", "(three other other)"),
    ("(defpat starts([h $ _]) (eq h 1)) (defpat f([starts l]) l) " + F
     + "(list (f '(1 2)) (f '(2)) (f ()) (f 3))", "((1 2) other other other)"),
    ("(defun fails(x) (throw 'no)) (defpat f([fails x] y) 'never) (defpat f(x y) (+ x y)) (f 1 2)", "3"),
    ("(defpat f([(< (car x) 3)* $ r]) (list x r)) (f '((1) (2) 5 (1)))", "(((1) (2)) (5 (1)))"),
    ("(defpat f(x x) 'same) (defpat f(x y) 'two) (list (f 1 1) (f 1 2))", "(same two)"),
    ("(defpat f(y (< y x)) 'rising) (defpat f(x y) 'no) (list (f 1 2) (f 2 1))", "(rising no)"),
    ("(defpat f(true) 'yes) " + F + "(list (f true) (f 1))", "(yes other)"),
    ("(defpat f(_ y) y) (f 1 2)", "2"),
    # Lists.
    ("(defpat f([x y]) (+ x y)) " + F + "(list (f '(1 2)) (f '(1)) (f (integers 3 4)))", "(3 other 7)"),
    ("(defpat f([h $ t]) (list h t)) (list (f '(1 2 3)) (f '(1)))", "((1 (2 3)) (1 ()))"),
    # What follows the first members is of the same kind, and an empty one ends a recursion.
    ("(defpat f([h $ t]) (cons (type t) (f t))) (defpat f([]) ()) (f (strings \"a\" \"b\"))",
     "(strings_ strings_)"),
    ("(defpat f([h $ t]) (list (type t) t)) (mapcar 'f (list (stringbytes \"a\" \"b\") (floats 1 2)))",
     '((stringbytes_ ("b")) (floats_ (2)))'),
    ("(defpat f([]) 'empty) " + F + "(list (f ()) (f nil) (f '(1)))", "(empty empty other)"),
    ("(defpat f([x [y $ z]]) (list x y z)) (f '(1 (2 3 4)))", "(1 2 (3 4))"),
    ("(defpat f(['add x y]) (+ x y)) (f '(add 1 2))", "3"),
    # A constant is no variable: the function of that name is called.
    ("(defpat f(['string x]) (string x)) (defpat f(['text x]) (string (+ x 1))) "
     "(list (f '(string 1)) (f '(text 1)))", '("1" "2")'),
    ("(defpat f([list_ x]) 'list) " + F + "(list (f ()) (f (integers 1)))", "(list other)"),
    # Repeated items.
    ("(defpat f([\"(\" a* \")\" $ r]) (list a r)) (f '(\"(\" 1 2 \")\" 3))", "((1 2) (3))"),
    ("(defpat f([\"(\" a+ \")\"]) a) " + F + "(list (f '(\"(\" 1 \")\")) (f '(\"(\" \")\")))", "((1) other)"),
    ("(defpat f([\"(\" a% \")\"]) a) " + F
     + "(list (f '(\"(\" 1 \")\")) (f '(\"(\" \")\")) (f '(\"(\" 1 2 \")\")))", "(1 nil other)"),
    ("(defpat f([(< a 10)* $ r]) (list a r)) (list (f '(1 2 30)) (f '(30)))", "(((1 2) (30)) (() (30)))"),
    ("(defpat f([(< a 10)+ $ r]) a) " + F + "(list (f '(1 20)) (f '(20)))", "((1) other)"),
    # Structures, instances, dictionaries.
    ("(data@ Shape (Circle _) (Box _ _)) (defpat f([Circle r]) r) (defpat f([Box w h]) (* w h)) "
     "(list (f (Circle 2)) (f (Box 3 4)))", "(2 12)"),
    ("(data@ Shape (Circle _) (Box _ _)) (defpat f([Shape x]) x) (f (Circle 2))", "2"),
    ("(class@ P (a b)) (defpat f([P x y]) (- x y)) (f (P 5 3))", "2"),
    ("(class@ P (a b)) (defpat f([P o]) (@ o 'b)) (f (P 5 3))", "3"),
    ("(defpat f({\"a\":x}) x) " + F + "(list (f {\"a\":1}) (f {\"a\":1 \"b\":2}))", "(1 other)"),
    ("(defpat f({\"a\":x $:r}) (list x r)) (f {\"a\":1 \"b\":2})", "(1 {\"b\":2})"),
    ("(defpat f({k:v}) (list k v)) (f {\"z\":5})", "(\"z\" 5)"),
    # Pairs without a fixed key are sought until all patterns have one of their own.
    ("(defpat f({_:y _:y $:z}) (list y z)) " + F + "(list (f {\"a\":1 \"b\":2 \"c\":1}) (f {\"a\":1 \"b\":2}))",
     '((1 {"b":2}) other)'),
    ("(defpat f({\"12\":y x:y $:r}) (list x y r)) " + F
     + "(list (f {\"12\":3 \"a\":4 \"b\":3}) (f {\"12\":3 \"a\":4}))", '(("b" 3 {"a":4}) other)'),
    ("(defpat f({x:2 z:[integer_ (> n 5)]}) (list x z n)) " + F
     + "(list (f {\"a\":7 \"b\":2}) (f {\"a\":2 \"b\":7}) (f {\"a\":2 \"b\":2}))",
     '(("b" "a" 7) ("a" "b" 7) other)'),
    ("(defpat f({x:y y:z $:r}) (list x y z r)) (f {\"q\":\"w\" \"b\":\"a\" \"a\":\"c\"})",
     '("b" "a" "c" {"q":"w"})'),
    ("(defpat f({_:1 _:1} n) (f {} (+ n 1))) (defpat f({} n) n) (f {\"a\":1 \"b\":1} 4)", "5"),
    ("(if (pattern@ {x:5} {\"a\":5}) (list x))", '("a")'),
    # Any number of arguments, bodies of several sizes, bodies in later texts.
    ("(defpat f() 'none) (defpat f(x) 'one) (defpat f(x y) 'two) (list (f) (f 1) (f 1 2))", "(none one two)"),
    ("(defpat f(x $ r) r) (f 1 2 3)", "(2 3)"),
    # defpred: a false value goes on; a body that fails leaves no trace.
    ("(defpred f(x) (> x 0) 'plus) (defpred f(x) (= x 0) 'zero) (defpred f(x) 'minus) (mapcar 'f '(5 0 -5))",
     "(plus zero minus)"),
    ("(defpred f(l) (push l 1) nil) (defpred f(l) l) (setq k (list 0)) (list (f k) k)", "((0) (0))"),
    ("(defpred f(l@) (push l 1) nil) (defpred f(l) l) (setq k (list 0)) (f k)", "(0 1)"),
    # defprol: every body; cut and fail where they stand.
    ("(defprol f(x) (+ x 1)) (defprol f(x) 0) (defprol f(x) (* x 2)) (f 10)", "(11 20)"),
    ("(defprol f(x) (> x 1) cut_ 'cut) (defprol f(x) 'rest) (list (f 5) (f 0))", "((cut) (rest))"),
    ("(defprol f(x) fail_ 'x) (defprol f(x) 'y) (f 1)", "(y)"),
    ("(defprol f(x) (if (= x 1) fail_ 5)) (defprol f(x) 'y) (list (f 1) (f 2))", "((y) (5 y))"),
    ("(defprol f(x) 'a cut_) (defprol f(x) 'y) (f 1)", "(cut_)"),
    ("(defpred f(x) (> x 1) 'a fail_) (defpred f(x) 'y) (f 3)", "y"),
    ("(defpred f(x) (check (> x 1) (fail_)) 'a) (defpred f(x) 'y) (f 3)", "y"),
    ("(defun f() (list fail_ cut_)) (f)", "(nil cut_)"),
    ("(pattern@ {\"a\":z $:r} {\"a\":7 \"b\":1}) (list z r)", '(7 {"b":1})'),
    ("(defun f(v) (pattern@ (numberp x) v) (list x (numberp x))) (f 4)", "(4 true)"),
    ("(pattern@ (a [b $ c]) '(1 (2 3 4))) (list a b c)", "(1 2 (3 4))"),
    ("(pattern@ (a a) '(1 2))", "nil"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_value(text: str, expected: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(defpat f(x) x) (f 1 2)", "Could not find a match for function: 'f'"),
        ("(defpat f(1) 1) (defpat f(x) x) (f)", "Could not find a match for function: 'f'"),
        ("(defpat f(1) 1) (f 2)", "Could not find a match for function: 'f'"),
        ("(defpred f(x) nil) (f 2)", "Could not find a match for function: 'f'"),
        ("(defpat f([$ x y]) 1)", "'$' must be followed by one name, at the end of a pattern"),
        ("(defpat car(x) x)", "'car' is a reserved keyword."),
        ("(defpat)", "wrong number of arguments"),
        ("(defun f(x) x) (defpat f(x) x)", "Function 'f' already declared"),
        ("(defpat f(x) x) (defpred f(x) x)", "'f' is already a 'defpat'"),
    ],
)
def test_error(text: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        LispE().eval(text)
    assert caught.value.message == message


def test_a_later_text_adds_a_body() -> None:
    lisp = LispE()
    lisp.eval("(defpat f(0) 'zero)")
    lisp.eval("(defpat f(x) 'more)")
    assert lisp.show(lisp.eval("(list (f 0) (f 1))")) == "(zero more)"
    assert lisp.show(lisp.eval("(bodies f)")) == "((defpat f (x) 'more) (defpat f (0) 'zero))"


def test_the_error_of_a_condition_is_told_when_nothing_fits() -> None:
    lisp = LispE()
    lisp.eval(
        "(defpat f([by 3 x]) x)\n(defun by(n x)\n  (= 0 (% x n)))\n(defpat f('a y) y)", "by.lisp"
    )
    assert lisp.eval("(f 6)") == 6
    with pytest.raises(LispError, match="Could not find a match for function: 'f'") as caught:
        lisp.eval('(f "a")')
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("a condition ended with 'Error: cannot evaluate '%'")
    assert "line: 3 in: by.lisp" in caught.value.hint
    with pytest.raises(LispError) as caught:
        lisp.eval("(f 7)")
    assert caught.value.hint is None


def test_a_condition_cannot_catch_the_end_of_its_steps() -> None:
    lisp = LispE(max_steps=1000)
    lisp.eval(
        "(defun endless(x) (while true x) true) (defpat f([endless x]) 'yes) (defpat f(x) 'no)"
    )
    with pytest.raises(LispError, match="steps"):
        lisp.eval("(f 1)")


def test_a_symbolic_differentiator() -> None:
    text = """
    (defpat d([number_ n] v) 0) (defpat d([integer_ n] v) 0)
    (defpat d(['+ a b] v) (list '+ (d a v) (d b v)))
    (defpat d(['* a b] v) (list '+ (list '* (d a v) b) (list '* a (d b v))))
    (defpat d(x v) (if (eq x v) 1 0))
    (d '(+ (* x x) (* 3 x)) 'x)"""
    lisp = LispE()
    assert lisp.show(lisp.eval(text)) == "(+ (+ (* 1 x) (* x 1)) (+ (* 0 x) (* 3 1)))"


def test_bodies_share_what_they_find_out_about_the_first_argument() -> None:
    lisp = LispE()
    lisp.eval("""
    (defpat f (('a x)) (list 'one x))
    (defpat f ((x 'b)) (list 'two x))
    (defpat f ((x y z)) (list 'three x))
    (defpat f ((x $ r)) (list 'rest r))
    (defpat f (x) 'other)""")
    shown = [
        lisp.show(lisp.eval(f"(f {v})"))
        for v in ("'(a 1)", "'(1 b)", "'(1 2 3)", "'(1 2)", "5", "(cdr '(0 a 7))")
    ]
    assert shown == ["(one 1)", "(two 1)", "(three 1)", "(rest (2))", "other", "(one 7)"]
