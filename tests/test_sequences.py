"""Reading, changing, searching and reordering sequences of every kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.builtins.access import path_entry
from lispe_py.runtime.characters import characters
from lispe_py.runtime.sequence import at, iterate, set_at, traverse
from lispe_py.values.lists import List


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


READING = [
    ("(list (@ '(4 5) 1) (@ '(4 5) -2) (@ \"wörld\" 1) (@ '((4 5) (6 7)) -1 0))", '(5 4 "ö" 6)'),
    ("(@ '(4 5 6) 1.8)", "5"),
    ("(list (@ (strings \"u\" \"v\") -1) (@ b\"ab\" 1))", '("v" "b")'),
    ("(@ (lambda (x) x) 1)", "(x)"),
    ("(@@ '(a b c d e f) 2 4)", "(c d)"),
    ("(@@ '(a b c d e f) 2 -1)", "(c d e)"),
    ("(list (@@ '(a b c) 0 2 9) (@@ \"thunder\" 1 2 3))", '((a b) "h")'),
    ("(list (@@ '(a b c) 2) (@@ '(a b c) -3) (@@ \"abc\" 1))", '(c a "b")'),
    ("(@@ '(a b c d e f) -4 -2)", "(c d)"),
    ("(list (@@ '(a b) 1 0) (@@ '(a b) 0 0) (@@ '(a b) 0 -2))", "((b) (a b) ())"),
    ("(list (@@ '(a b) 1 1) (@@ '(a b) 9 12) (@@ '(a b) -99 2) (@@ '(a b) 0 99))",
     "(() () () (a b))"),
    ("(list (type (@@ (integers 5 6 7) 1 3)) (@@ \"lispe\" 2 5))", '(integers_ "spe")'),
    ("(list (@@ \"lispe-core\" \"i\" \"e\") (@@ \"lispe-core\" \"i\" 3) (@@ \"lispe-core\" \"q\" \"e\"))",
     '("sp" "spe" "")'),
    ("(@@ (strings \"a\" \"b\" \"c\" \"d\") \"b\" \"d\")", '("b" "c")'),
    ("(@@ (strings \"a\" \"b\" \"c\" \"d\") \"b\" 2)", '("b" "c")'),
    ("(@@ (strings \"a\" \"b\") \"z\" \"b\")", "()"),
    # Sought from the end, a member as the beginning lies outside unless + includes it.
    ("(setq l '(\"a\" \"/\" \"b\" \"/\" \"c\" \"d\")) (list (@@ l -\"/\" 0) (@@ l -+\"/\" 0) (@@ l -\"/\" 1))",
     '(("c" "d") ("/" "c" "d") ("c"))'),
    ("(setq l '(\"a\" \"/\" \"b\" \"/\" \"c\")) (set@@ l -\"/\" 0 9) (list (@@ l -\"/\") l)",
     '(9 ("a" "/" "b" "/" 9))'),
    ("(@@@ (range 10 22 1) '(3 4) 2 1)", "19"),
    ("(@@@ (range 10 22 1) '(3 4) 1)", "(14 15 16 17)"),
    ("(@@@ (range 10 22 1) '(3 4) -1 2)", "(12 16 20)"),
    ("(@@@ (range 0 24 1) '(2 3 4) -1 -1 3)", "(3 7 11 15 19 23)"),
    ("(@@@ (range 0 24 1) '(2 3 4) -1 -2 3)", "(3 15 7 19 11 23)"),
    ("(@@@ (range 0 24 1) '(2 3 4) -1 2)", "(8 9 10 11 20 21 22 23)"),
    ("(list (last@ '(1 2)) (last@ \"xyz\") (last@ ()) (last@ 5) (last@ (floats 1 2.5)))",
     '(2 "z" nil nil 2.5)'),
    ("(list (size '(1 2)) (size nil) (size 44) (size \"wörld\") (size (lambda (x) x)))", "(2 0 0 5 3)"),
    ("(list (car '(8 9)) (car ()) (car \"lm\") (car (irange 4 1)))", '(8 nil "l" 4)'),
    ("(list (cdr '(8 9)) (cdr '(8)) (cdr ()) (cdr \"lm\") (cdr \"l\") (cdr (integers 1)))",
     '((9) nil nil "m" "" nil)'),
    ("(list (cadr '(7 8)) (cddr '(7 8)) (cdar '((7 8))) (cadadr '(7 (8 9))))", "(8 nil (8) 9)"),
    ("(list (cons 7 ()) (cons 7 nil) (cons '(7) '(8)) (consb '(7) '(8)) (consb nil 1))",
     "((7) (7) ((7) 8) (7 (8)) (1))"),
    ("(list (keys@ '(p q)) (values@ \"ab\"))", "((0 1) ())"),
]  # fmt: skip

CHANGING = [
    ("(setq l (list 4)) (push l 5 6) l", "(4 5 6)"),
    ("(setq l nil) (push l 5) l", "(5)"),
    ("(setq s \"mn\") (push s \"o\" 1) s", "mno1"),
    ("(setq s \"mn\") (setq r s) (push r \"o\") (list s r)", '("mn" "mno")'),
    ("(setq s b\"mn\") (push s \"o\") (list (type s) s)", '(stringbyte_ "mno")'),
    ("(setq l (list 4 5)) (pushfirst l 6 7) l", "(7 6 4 5)"),
    ("(setq l (integers 4)) (pushfirst l 6.5 \"7\") l", "(7 6 4)"),
    ("(setq s \"mn\") (pushfirst s \"o\" \"p\") s", "pomn"),
    ("(setq l (list)) (pushtrue l nil 0 () \"\" (integers) 2) l", '(0 "" 2)'),
    ("(list (pop (list 4 5 6)) (pop (list 4 5 6) 1) (pop (list 4 5 6) -1) (pop (list 4 5 6) -2))",
     "((4 5) (4 6) (4 5) nil)"),
    ("(list (pop (list 1 2) 2) (pop ()) (pop nil) (pop 5))", "(nil nil nil nil)"),
    ("(setq s \"lisp\") (list (pop s) (pop s 1) (pop s 9) (popfirst s) (poplast s) s)",
     '("lis" "lsp" "" "isp" "lis" "lisp")'),
    ("(setq l (integers 4 5 6)) (popfirst l) (poplast l) l", "(5)"),
    ("(list (insert (list 4 5) 9 1) (insert (list 4 5) 9) (insert (list 4 5) 9 7))",
     "((4 9 5) (4 5 9) (4 5 9))"),
    ("(insert \"adef\" \"bc\" 1)", "abcdef"),
    ("(insert (list 10 20 40) 30 (\\(x y) (< x y)))", "(10 20 30 40)"),
    ("(insert (integers 10 20 40) 5 (\\(x y) (< x y)))", "(5 10 20 40)"),
    ("(setq l (list 4 5)) (set@ l 0 9) (set@ l -1 8) (set@ l 7 6) l", "(9 8 6)"),
    ("(setq l (list (list 1 2) \"abc\")) (set@ l 0 1 9) (set@ l 1 0 \"z\") l", '((1 9) "zbc")'),
    ("(setq s \"lisp\") (set@ s 0 \"L\") (set@ s 9 \"!\") s", "Lisp!"),
    ("(setq l (list 1 2 3 4 5 6)) (setrange l 1 3 \"x\") l", '(1 "x" 4 5 6)'),
    ("(setq l (list 1 2 3)) (setrange l 0 2 '(7 8)) l", "((7 8) 3)"),
    ("(setq l (integers 1 2 3 4)) (setrange l 1 0 9.5) l", "(1 9)"),
    ("(setq l (list 1 2)) (setrange l 1 1 9) (setrange l 7 9 9) l", "(1 2)"),
    ("(setq s \"abcdef\") (setrange s 1 3 \"X\") s", "aXdef"),
    ("(setq f (range 0 6 1)) (set@@@ f '(2 3) 1 1 99) f", "(0 1 2 3 99 5)"),
    ("(setq f (range 0 6 1)) (set@@@ f '(2 3) 1 '(7 8 9)) f", "(0 1 2 7 8 9)"),
    ("(setq f (range 0 6 1)) (set@@@ f '(2 3) -1 1 '(7 8)) f", "(0 7 2 3 8 5)"),
    ("(list (swap (list 4 5 6) 0 2) (swap (list 4 5 6) 1) (swap (integers 1 2) 0))",
     "((6 5 4) (4 6 5) (2 1))"),
    ("(setq l (list 4 5 4)) (list (replaceall l 4 0) l)", "(2 (0 5 0))"),
    ("(setq l (strings \"a\" \"b\")) (replaceall l \"a\" 7) l", '("7" "b")'),
    ("(list (replaceall '(4 (4)) 4 0) (replaceall 4 4 0) (replaceall \"banana\" \"an\" \"\"))", "(1 0 2)"),
    ("(setq x (list 7)) (nconc x '(8) 9 \"lm\") x", '(7 8 9 "lm")'),
    ("(setq x (list 7)) (list (nconcn x '(8)) x (nconc) (type (nconcn (integers 7) (floats 8))))",
     "((7 8) (7) () integers_)"),
    ("(setq x (list 7)) (extend x '(8)) (extend x \"lm\") (extend x x) x", '(7 8 "lm" 7 8 "lm")'),
    ("(setq x (integers 7)) (extend x x) (extend x (numbers 8.5)) x", "(7 7 8)"),
]  # fmt: skip

SHARING = [
    ("(setq a (list 4 5 6)) (setq b (cdr a)) (push b 7) (set@ b 0 0) (list a b)",
     "((4 0 6 7) (0 6 7))"),
    ("(setq a (list 4 5 6)) (setq b (cdr a)) (pop a) (pop b) (list a b)", "((4) nil)"
     .replace("nil", "()")),
    ("(setq a (list 4 5 6)) (setq b (cdr a)) (pushfirst b 7) (insert b 8 1) (list a b)",
     "((4 7 8 5 6) (7 8 5 6))"),
    ("(setq a (list 4 6 5)) (sort '> (cdr a)) (setrange (cddr a) 0 1 9) a", "(4 6 9)"),
    ("(setq a (list 1 2 3)) (reverse (cdr a)) a", "(1 3 2)"),
    ("(setq a (integers 4 5)) (setq b (cdr a)) (push b 7) a", "(4 5)"),
    ("(setq a (list 4 5 6)) (setq b (@@ a 1 3)) (push b 9) a", "(4 5 6)"),
    ("(setq a (list 1 (list 2))) (setq b (clone a)) (push (@ b 1) 3) a", "(1 (2))"),
    ("(setq a (list 1)) (push a a) (setq b (clone a)) (set@ b 0 2) (list a b)", "((1 ...) (2 ...))"),
    ("(setq a (list 1)) (setq b (list a a)) (setq c (clone b)) (push (car c) 2) (list b c)",
     "(((1) (1)) ((1 2) (1 2)))"),
    ("(setq r (replicate 2 (list 8))) (push (@ r 0) 9) r", "((8 9) (8))"),
    ("(setq a (list 4)) (list (eq a (push a 1)) (eq a (to_list a)) (eq a (clone a)))", "(true true nil)"),
]  # fmt: skip

SEARCHING = [
    ("(list (find '(7 8 7) 7 1) (find '(7 8) 5) (find '(7 8 9) 9 -1) (find '(7) 7 5))", "(2 nil 2 nil)"),
    ("(list (find '(7 8.5) 8.5) (find '(7 8) 8.0) (find '(7 8) 8.5) (find '(7 8) \"8\"))",
     "(1 1 nil nil)"),
    ("(list (find (integers 7 8) \"8\") (find (integers 7 8) 8.5) (find (floats 0.1) 0.1))", "(1 nil 0)"),
    ("(list (find (strings \"7\") 7) (find '(\"7\") 7) (find '(a \"a\") \"a\") (find '(\"a\" a) 'a))",
     "(0 nil 1 1)"),
    ("(list (find '(1 nil) nil) (find '(1 true) true) (find '(true 1) 1))", "(1 1 1)"),
    ("(setq k (list 7)) (list (find (list 1 k) k) (find '(1 (7)) '(7)))", "(1 nil)"),
    ("(list (find \"abcabc\" \"c\" 3) (find \"a1\" 1) (find \"abc\" \"z\") (find \"abc\" \"c\" -1))", "(5 1 nil nil)"),
    ("(list (rfind '(7 8 7) 7) (rfind \"abcabc\" \"b\") (rfind '(1) 2) (rfind (integers 1 1) 1))",
     "(2 4 nil 1)"),
    ("(list (findall '(7 8 7 7) 7) (findall '(7 8 7 7) 7 1) (findall \"aaaa\" \"aa\") (type (findall '(7) 5)))",
     "((0 2 3) (2 3) (0 2) list_)"),
    ("(list (in \"lisp\" \"sp\") (in '(7) 7) (in nil 1) (in 5 5) (in (numbers 1.5) 1.5))",
     "(true true nil nil true)"),
    ("(list (count '(7 8 7) 7) (count '(7 8 7) 7 1) (count \"aaaa\" \"aa\") (count nil 1))", "(2 1 2 0)"),
]  # fmt: skip

REORDERING = [
    ("(list (reverse (list 4 5)) (reverse \"lisp\") (reverse ()) (reverse nil) (reverse 5))",
     '((5 4) "psil" () () ())'),
    ("(list (reverse b\"ab\") (type (reverse (integers 1))))", '("ba" integers_)'),
    ("(list (rotate '(4 5 6)) (rotate '(4 5 6) true) (rotate '(4 5 6) -4) (rotate ()))",
     "((5 6 4) (6 4 5) (6 4 5) ())"),
    ("(list (rotate \"lisp\") (rotate \"lisp\" true) (rotate \"lisp\" 3) (rotate \"\"))",
     '("plis" "ispl" "plis" "")'),
    ("(list (type (rotate (integers 4 5))) (rotate 5) (rotate nil))", "(integers_ 5 nil)"),
    ("(flatten '(1 (2 (3 \"a\")) () nil))", '(1 2 3 "a" nil)'),
    ("(list (type (flatten (integers 1))) (type (flatten (llist 1))) (flatten 5) (flatten \"ab\"))",
     '(integers_ list_ (5) ("ab"))'),
    ("(list (flatten (seti 2 1)) (flatten (list {1:(list 2)})))", "((1 2) (1 2))"),
    ("(setq a (list 1)) (push a a) (flatten a)", "(1)"),
    ("(list (unique '(4 4.0 \"4\")) (unique '(nil true nil)) (unique '((1) (1))))", "((4) (nil true) ((1)))"),
    ("(list (type (unique (integers 1 1))) (unique 5) (size (unique (numbers 0.12345671 0.12345672))))",
     "(integers_ 5 2)"),
    ("(list (slice '(4 5 6) 2) (slice \"lispe\" 3) (slice () 2) (type (car (slice (integers 4) 2))))",
     '(((4 5) (6)) ("lis" "pe") () list_)'),
    ("(list (zip '(4 5) '(a b)) (zip '(1) '(2) '(3)) (zip () ()))", "(((4 a) (5 b)) ((1 2 3)) ())"),
    ("(list (type (car (zip (integers 4) (integers 5)))) (type (car (zip (integers 4) '(5)))))",
     "(integers_ list_)"),
    ("(list (enum '(p q)) (enum '(p) 5) (enum \"ab\") (enum ()) (size (enum '(p q))))",
     '(((0 p) (1 q)) ((5 p)) ((0 "a") (1 "b")) () 2)'),
    ("(list (mask@ '(1 0 0 1) '(a b) '(c d)) (mask@ '(1 0) '(a)) (mask@ '(true nil) (integers 4) (integers 5)))",
     "((a c d b) (a nil) (4 5))"),
    ("(list (takenb 2 '(7 8 9)) (takenb -2 '(7 8 9)) (takenb 2 '(7 8 9) true) (takenb 9 '(7)) (takenb -9 '(7)))",
     "((7 8) (8 9) (8 9) (7) (7))"),
    ("(type (takenb 1 (strings \"a\")))", "strings_"),
    ("(shift (\\(x y) (list x y)) '(1 2 3) 1)", "((1 2) (2 3))"),
    ("(shift (\\(x y) (list x y)) '(1 2 3) -1)", "((2 1) (3 2))"),
    ("(shift (\\(x y) x) '(1 2) 7)", "nil"),
    ("(scanlist (\\(x) (if (> x 4) (* 10 x))) '(3 4 5 6))", "50"),
    ("(scanlist (\\(x) nil) '(3 4))", "nil"),
    ("(list (join '(\"u\" \"v\") \"+\") (join (integers 4 5)) (join {1:\"x\"} \",\") (join '(1 (2 \"a\")) \"-\"))",
     '("u+v" "45" "1:x" "1-(2 \\"a\\")")'),
    ("(explode \"abc\")", "(a b c)"),
    ("(setq l (list 1)) (list (mark l) (mark l true) (mark l) (mark l nil) (mark l))",
     "(nil true true true nil)"),
    ("(setq l (list 1 2)) (setq c (cdr l)) (mark l true) (list (mark c) (mark c true) (mark c nil) (mark l))",
     "(nil true true true)"),
    ("(setq l (list 1 2)) (loop p (enum l) (push l p)) (list (size l) (maplist 'car (enum l)))",
     "(4 (0 1 2 3))"),
    ("(setq l (floats 1 2)) (setq e (enum l)) (push l 3) (loop p e (push l 4)) (list l (size e))",
     "((1 2 3 4 4 4) 6)"),
    ("(setq l (list 1 2 3)) (setq r ()) (loop p (enum l) (pop l) (push r p)) r", "((0 1) (1 2))"),
    ("(setq l (list 1 2)) (loop x (cdr l) (push l (+ x 1)) (if (> x 4) (break))) l", "(1 2 3 4 5 6)"),
    ("(setq l (list 1 2 3 4)) (setq r ()) (loop x (cdr l) (push r x) (popfirst l)) r", "(2 4)"),
    ("(sort (\\(x y) (< (cadr x) (cadr y))) '((a 3) (b 1) (c 2)))", "((b 1) (c 2) (a 3))"),
    ("(setq l (list 3 1 2)) (sort (\\(x y) (> x y)) l) l", "(3 2 1)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("program", "expected"), READING + CHANGING + SHARING + SEARCHING + REORDERING
)
def test_values(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(@ '(p q r) 3)", "index out of bounds"),
        ("(@ '(p q r) -4)", "index out of bounds"),
        ("(@ (integers) 0)", "index out of bounds"),
        ("(@ \"wx\" 2)", "index out of bounds"),
        ("(@ '((4 5) 6) 1 0)", "value cannot be access through index"),
        ("(@ nil 0)", "value cannot be access through index"),
        ("(@ '(1 2) 'k)", "cannot use this element in an arithmetic expression: 'k'"),
        ("(@ '(1 2) nil)", "cannot use this element in an arithmetic expression: 'nil'"),
        ("(@ '(4))", "Wrong number of arguments for: 'at'"),
        ("(@@ '(k l m) 'k 'm)", "cannot use the first position in 'extract'"),
        ("(@@ \"abc\" 0 nil)", "cannot use the second position in 'extract'"),
        ("(@@@ (range 0 6 1) '(2 3) 2 0)", "index mismatch with shape"),
        ("(@@@ (range 0 6 1) '(2) 1 0)",
         "Expecting a list with enough values to match the indexes as second argument"),
        ("(car 8)", "You cannot apply 'car' to: '8'"),
        ("(cdr nil)", "You cannot apply 'cdr' to: 'nil'"),
        ("(car \"\")", "Empty string"),
        ("(cadr '(7))", "No more elements to traverse with 'cad..r'"),
        ("(caar '(7 8))", "No more elements to traverse with 'cad..r'"),
        ("(cddr '(7))", "No more elements to traverse with 'cad..r'"),
        ("(cadr nil)", "You cannot apply 'car' or 'cdr' to: 'nil'"),
        ("(push 44 4)", "cannot push in this kind of elements"),
        ("(push true 4)", "cannot push in this kind of elements"),
        ("(insert '(4 5 6) 9 -2)", "Wrong index in 'insert'"),
        ("(set@ (list 4 5) -4 9)", "index out of bounds"),
        ("(set@ nil 0 1)", "cannot modify this element"),
        ("(set@ (list 1) 'a 2)", "cannot use this element in an arithmetic expression: 'a'"),
        ("(set@@@ (range 0 6 1) '(2 3) 1 7)", "cannot store this value in this container"),
        ("(swap (list 4 5 6) 2)", "cannot swap values in this list"),
        ("(swap (list 4 5 6) -1 0)", "cannot swap values in this list"),
        ("(swap \"ab\" 0 1)", "cannot swap in this element"),
        ("(nconc nil '(8))", "first element is not a list"),
        ("(extend nil '(8))", "missing list in 'extend'"),
        ("(sort (\\(x y) true) '(6 4))",
         "The comparison must be strict for a 'sort': (comp a a) must return 'nil'."),
        ("(sort (\\(x y) nil) \"cab\")", "the second argument should be a list for 'sort'"),
        ("(slice '(4 5) 0)", "'slice' needs a positive size"),
        ("(zip '(4 5) 6)", "'zip' only accepts lists as arguments"),
        ("(zip '(4) '(1 2))", "Lists should all have the same size in 'zip'"),
        ("(mask@ '(0 1 0) '(a) '(b))", "size mismatch"),
        ("(mask@ '(1 0) 4 5)", "first element should be a list of 1 and 0"),
        ("(takenb 2 \"lisp\")", "Expecting a list as second element"),
        ("(takenb -1 '(7 8) false)", "wrong value for first argument"),
        ("(join 44 \",\")", "'join' can only be used for lists"),
        ("(to_tensor \"row\")", "Expecting a list"),
        ("(in '(7 8) 7 0)", "Wrong number of arguments for: 'in'"),
    ],
)  # fmt: skip
def test_errors(program: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        shown(program)
    assert caught.value.message == message


EAGER = [
    ("(maplist (\\(x) (+ x 1)) '(4 5))", "(5 6)"),
    ("(type (maplist (\\(x) (+ x 1)) '(4 5)))", "integers_"),
    ("(list (type (maplist (\\(x) x) '(4 5) false)) (type (maplist (\\(x) x) '(1.5))) (type (maplist 'string '(4))))",
     "(list_ numbers_ strings_)"),
    ("(maplist (\\(x) (if (= x 4) 4 4.5)) '(4 5))", "(4 4)"),
    ("(list (maplist (\\(x) (if (= x 4) \"s\" 4)) '(4 5)) (maplist (\\(x) (if (= x 4) 4 \"s\")) '(4 5)))",
     '(("s" "4") (4 0))'),
    ("(maplist (\\(x) (if (= x 4) 4 9223372036854775808)) '(4 5))", "(4 9223372036854775808)"),
    ("(list (maplist (\\(x) x) ()) (maplist (\\(c) (+ c c)) \"ab\") (maplist (\\(x) (list x)) '(4)))",
     '(() ("aa" "bb") ((4)))'),
    ("(mapcar (\\(x) (if (= x 4) 4 \"s\")) (integers 4 5))", '(4 "s")'),
    ("(list (mapcar 'numberp '(1 a)) (mapcar (\\(x) (> x 1)) '(1 2)) (mapcar (\\(x) (if (> x 1) 'big)) '(1 2)))",
     "((1 0) (0 1) (nil big))"),
    ("(list (mapcar 'size {\"ab\":1}) (mapcar 'size nil) (mapcar 'size 5))", "((2) () ())"),
    ("(list (type (filterlist (\\(x) (> x 4)) (integers 4 5))) (filterlist (\\(c) (!= c \"b\")) \"abc\"))",
     '(integers_ "ac")'),
    ("(list (filtercar (\\(x) (> x 4)) (integers 4 5)) (filtercar (\\(c) true) \"ab\"))", '((5) ("a" "b"))'),
    ("(list (takelist (\\(x) (< x 6)) '(4 5 6 4)) (takecar (\\(x) (< x 6)) (integers 4 6)))", "((4 5) (4))"),
    ("(list (droplist (\\(x) (> x 5)) '(4 5 6 4)) (dropcar (\\(x) (> x 9)) '(4)))", "((6 4) ())"),
    ("(list (filterlist (\\(x) 0) '(4)) (filterlist (\\(x) \"\") '(4)) (filterlist (\\(x) 'a) '(4)))", "(() () (4))"),
    ("(zipwith (\\(x y) (* x y)) '(4 5) '(6 7))", "(24 35)"),
    ("(list (type (zipwith (\\(x y) x) '(\"u\") '(1))) (zipwith 'list '(4) '(5) '(6)) (zipwith 'list () ()))",
     '(strings_ ((4 5 6)) ())'),
    ("(list (maplist '* '(4 5)) (mapcar '+ '(4 (5 6))))", "((4 5) (4 11))"),
    ("(shift '- (integers 10 7 5 1) 1)", "(3 2 4)"),
    ("(list (apply 'list '(a b)) (apply (\\(x y) (- x y)) '(9 4)))", "((a b) 5)"),
]  # fmt: skip

COMPOSED = [
    ("(map (\\(x) (* x x)) '(4 5))", "(16 25)"),
    ("(list (map (\\(c) (+ c c)) \"ab\") (map 'car '((4) (5))) (map (\\(x) x) nil))", '(("aa" "bb") (4 5) ())'),
    ("(filter (\\(x) x) '(4 0 nil () \"\" 5))", "(4 5)"),
    ("(list (take 2 '(4 5 6)) (take 0 '(4)) (take -1 '(4)) (take 9 \"ab\"))", '((4 5) () () ("a" "b"))'),
    ("(list (drop 2 '(4 5 6)) (drop 0 '(4)) (drop -1 '(4)) (drop 9 '(4)))", "((6) (4) (4) ())"),
    ("(list (takewhile (\\(x) (!= x 6)) '(4 6 4)) (dropwhile (\\(x) (!= x 6)) '(4 6 4)))", "((4) (6 4))"),
    ("(take 5 (cycle '(4 5)))", "(4 5 4 5 4)"),
    ("(take 2 (repeat '(4)))", "((4) (4))"),
    ("(take 3 (filter (\\(x) (= 0 (% x 7))) (irange 10 1)))", "(14 21 28)"),
    ("(takewhile (\\(x) (< x 40)) (map (\\(x) (* x x)) (irange 4 1)))", "(16 25 36)"),
    ("(take 2 (drop 3 (cycle '(4 5))))", "(5 4)"),
    ("(take 3 (dropwhile (\\(x) (< x 6)) (irange 4 1)))", "(6 7 8)"),
    ("(take 3 (scanl (\\(a x) (+ a x)) 0 (irange 1 1)))", "(0 1 3)"),
    ("(list (foldl (\\(a x) (- a x)) 100 '(4 5 6)) (foldr (\\(x a) (- x a)) 100 '(4 5 6)))", "(85 -95)"),
    ("(list (foldl1 'list '(4 5 6)) (foldr1 'list '(4 5 6)) (foldl1 'list ()) (foldr1 'list '(4)))",
     "(((4 5) 6) (4 (5 6)) nil 4)"),
    ("(list (foldl 'list 0 ()) (foldr 'cons () '(4 5 6)))", "(0 (4 5 6))"),
    ("(list (scanl 'list 0 '(4)) (scanl1 'list '(4 5)) (scanl 'list 0 ()) (scanl1 'list ()))",
     "((0 (0 4)) (4 (4 5)) (0) ())"),
    ("(list (scanr 'list 0 '(4 5)) (scanr1 'list '(4 5 6)) (scanr 'list 0 ()))",
     "(((4 (5 0)) (5 0) 0) ((4 (5 6)) (5 6) 6) (0))"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "expected"), EAGER + COMPOSED)
def test_functions_on_lists(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(apply 'list 44)", "arguments to 'apply' should be given as a list"),
        ("(zipwith 'list '(1) 5)", "'zipwith' only accepts lists as arguments"),
        ("(zipwith 'list '(1) '(1 2))", "'zipwith' only accepts lists of same size as arguments"),
        ("(map 44 '(4 5))", "unknown instruction: 'integer_'"),
        ("(filterlist 44 '(4))", "unknown instruction: 'integer_'"),
        ("(mapcar 'nosuch '(1))", "Unbound atom: 'nosuch'"),
        ("(take 2 (cycle 5))", "we can only cycle on list"),
        ("(foldl (\\(a x) a) 0 (irange 1 1))",
         "This instruction must be composed with other instructions such as 'drop' or 'take'"),
        ("(size (map (\\(x) x) (irange 1 1)))",
         "This instruction must be composed with other instructions such as 'drop' or 'take'"),
    ],
)  # fmt: skip
def test_errors_of_functions_on_lists(program: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        shown(program)
    assert caught.value.message == message


PREDICATES = [
    ("(map 'atomp '(a nil true () 1 \"a\" (1)))", "(true true true true nil nil nil)"),
    ("(map 'nullp '(nil () 0 \"\"))", "(true true nil nil)"),
    ("(list (nullp (integers)) (nullp (llist)) (nullp {}))", "(nil nil nil)"),
    ("(map 'emptyp '(nil () 0 \"\" 0.0 5 a (1)))", "(true true true true true nil nil nil)"),
    ("(list (emptyp {}) (emptyp (seti)) (emptyp (seti 1)) (emptyp (integers)))", "(true true nil true)"),
    ("(map 'zerop '(0 0.0 1 -1 nil () \"\" \"0\" \"5\" a))",
     "(true true nil nil true true true true nil nil)"),
    ("(map 'numberp '(1 1.5 \"1\" a nil true))", "(true true nil nil nil nil)"),
    ("(list (numberp (short 1)) (numberp (float 1)) (numberp 1,2i))", "(true true true)"),
    ("(map 'consp '((1) () nil a \"a\" 5))", "(true true nil nil nil nil)"),
    ("(list (consp (integers 1)) (consp (lambda (x) x)) (consp {}) (consp (seti 1)))", "(true true nil nil)"),
    ("(list (containerp '(1)) (containerp {}) (containerp (set)) (containerp \"a\") (containerp nil))",
     "(true true true nil nil)"),
    ("(list (stringp \"a\") (stringp b\"a\") (stringp 'a))", "(true true nil)"),
    ("(list (integerp 1) (integerp (short 1)) (integerp true) (floatp 1.5) (floatp (float 1)) (floatp 1))",
     "(true true nil true true nil)"),
    ("(list (listp '(1)) (listp nil) (listp 5) (symbolp 'a) (symbolp nil) (symbolp \"a\"))",
     "(true true nil true nil nil)"),
    ("(defun f(x) x) (list (functionp f) (functionp (\\(x) x)) (functionp 'f))", "(true true nil)"),
    ("(map 'type '(1 1.5 \"a\" a nil (1)))", "(integer_ number_ string_ atom_ atom_ list_)"),
    ("(defun f(x) x) (list (type f) (type (\\(x) x)) (type (cdr '(1 2))))", "(list_ lambda_ list_)"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "expected"), PREDICATES)
def test_predicates(program: str, expected: str) -> None:
    assert shown(program) == expected


def test_any_path_of_car_and_cdr() -> None:
    entry = path_entry("caddddr")
    assert entry is not None
    assert entry.function(List(range(9))) == 4
    assert entry.documentation.endswith("; (7 8 9)")
    assert path_entry("car") is not None
    assert path_entry("caxr") is None
    assert path_entry("cr") is None


@given(st.lists(st.integers(), min_size=1), st.text("ad", min_size=2, max_size=6))
def test_paths_agree_with_python(items: list[int], steps: str) -> None:
    value: object = List(items)
    expected: object = items
    try:
        for step in reversed(steps):
            expected = expected[0] if step == "a" else expected[1:]  # type: ignore[index]
            if expected == [] and not steps:
                raise IndexError
    except (IndexError, TypeError):
        return
    try:
        found = traverse(steps, value)
    except LispError:
        # A step on an empty rest is refused, where Python's slices go on.
        return
    assert (list(found) if isinstance(expected, list) and found is not None else found) == (
        expected if expected != [] else None
    )


def test_characters_keep_emoji_sequences_together() -> None:
    family = "👨‍👩‍👧"
    text = f"a{family}👍🏽🇫🇷é"
    assert list(characters(text)) == ["a", family, "👍🏽", "🇫🇷", "é"]
    assert "".join(characters(text)) == text
    assert characters("plain") == "plain"
    assert shown(f'(reverse "a{family}b")') == f"b{family}a"
    assert shown(f'(size "{family}")') == "5"


def test_python_level() -> None:
    items = List([1, List([2, "abc"])])
    assert at(items, -1, 1, 0) == "a"
    assert set_at(items, 1, 1, 0, "z") is items
    assert at(items, 1, 1) == "zbc"
    assert list(iterate(None)) == []
    assert list(iterate(5)) == []


def test_a_list_may_be_nested_deeply() -> None:
    deep = List([1])
    for _ in range(50_000):
        deep = List([deep])
    lisp = LispE()
    lisp.define("deep", deep)
    assert lisp.show(lisp.eval("(flatten deep)")) == "(1)"
    assert lisp.show(lisp.eval("(flatten (clone deep))")) == "(1)"
