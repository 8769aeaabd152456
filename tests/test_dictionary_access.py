"""Keys read, stored and tested in line give what the general functions give."""

from __future__ import annotations

import pytest

from lispe_py import LispE
from lispe_py.errors import LispError

READ = '(defun f (d k) (list (key@ d k) (maybe (@ d k) "none"))) '
WRITE = "(defun g (d k v) (set@ d k v) d) "
TEST = '(defun h (d k) (if (key d k) "yes" "no")) '


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (READ + '(f (dictionary "a" 1) "a")', "(1 1)"),
        (READ + '(f (dictionary "a" 1) "b")', '(nil "none")'),
        (READ + '(f (dictionary "3" 1) 3)', "(1 1)"),
        (READ + '(f (dictionaryi 3 "x") 3)', '("x" "x")'),
        (READ + '(f (dictionarytree "a" 5) "a")', "(5 5)"),
        (WRITE + '(g (dictionary "a" 1) "z" 9)', '{"a":1 "z":9}'),
        (WRITE + "(g (dictionary) 7 9)", '{"7":9}'),
        (WRITE + '(g (dictionaryi) "4" 5)', "{4:5}"),
        (WRITE + '(g (dictionarytree "m" 1) "a" 2)', '{"a":2 "m":1}'),
        (WRITE + "(g (list 1 2) 1 7)", "(1 7)"),
        (TEST + '(list (h {"a":0} "a") (h {"a":2} "a") (h {"a":""} "a"))', '("no" "yes" "no")'),
        (TEST + """(list (h {"a":'(1)} "a") (h {"a":'()} "a") (h {} "a"))""", '("yes" "no" "no")'),
    ],
)
def test_keys_of_every_kind(code: str, text: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(code)) == text


def test_an_absent_key_is_named_at_its_place() -> None:
    with pytest.raises(LispError, match="out of bounds"):
        LispE().eval('(defun h (d k) (@ d k)) (h (dictionary "a" 1) "b")')


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('(setq d {}) (loop w \'("a" "b" "a") (+= (@ d w) 1)) d', '{"a":2 "b":1}'),
        (
            "(defun f (d w) (+= (@ d w) 1)) (setq d (dictionaryi)) (f d 4) (list (f d 4) d)",
            "(2 {4:2})",
        ),
        ("(setq d (dictionaryn)) (-= (@ d 1.5) 2) (*= (@ d 2) 5) d", "{1.5:-2 2:0}"),
        ('(setq d {"a":{}}) (+= (@ d "a" "b") 1 2) (|= (at d "a" "c") 6) d', '{"a":{"b":3 "c":6}}'),
        ('(setq d {"a":nil}) (+= (@ d "a") 3) d', '{"a":3}'),
        ("(setq l (list 1 nil)) (+= (@ l 7) 5) (+= (@ l 1) 2) l", "(1 2 5)"),
        ("(setq l (integers 1)) (-= (@ l 1) 5) l", "(1 -5)"),
        ('(setq l (strings "a")) (+= (@ l 1) "b" 3) l', '("a" "b3")'),
        ('(setq s "abc") (+= (@ s 1) "x") (+= (@ s 9) "y") s', "abxcy"),
        ('(defun f (s) (+= (@ s 0) "x") s) (f "abc")', "axbc"),
    ],
)
def test_an_update_begins_at_nothing(code: str, text: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(code)) == text


@pytest.mark.parametrize(
    "code",
    [
        '(setq d {"a":{}}) (+= (@ d "x" "c") 3)',
        "(setq l (list 1)) (+= (@ l -4) 2)",
        "(setq l (llist 1)) (+= (@ l 4) 2)",
    ],
)
def test_an_update_outside_of_a_container_is_refused(code: str) -> None:
    with pytest.raises(LispError, match="out of bounds"):
        LispE().eval(code)


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ('(setq d (dictionarytree)) (+= (@ d "b") 1) (+= (@ d "a") 2) (-= (@ d "b") 5) d', '{"a":2 "b":-4}'),
        ('(setq d {"a":1}) (setq n 1.75) (list (+= (@ d "a") n) (+= (@ d "x") n) d)', '(2 1 {"a":2 "x":1})'),
        ('(setq d {"a":1.5 "n":nil}) (+= (@ d "a") 1) (+= (@ d "n") 3) d', '{"a":2.5 "n":3}'),
        ('(setq d {"a":(1 2) "s":"t"}) (+= (@ d "a") 1) (+= (@ d "s") "u") d', '{"a":(2 3) "s":"tu"}'),
        ("(setq d {1:2}) (+= (@ d 1) 3) (+= (@ d 4) 1) d", "{1:5 4:1}"),
        ('(setq d {"5":1}) (+= (@ d 5) 1) d', '{"5":2}'),
        ('(setq l (list 1 nil "s" 2.5)) (loopcount 4 i (+= (@ l i) 1)) (+= (@ l 4) 9) (+= (@ l -1) 1) l', '(2 1 "s1" 3.5 10)'),
        ("(setq l (integers 1 2)) (+= (@ l 1) 5) (-= (@ l 0) 5) l", "(-4 7)"),
        ('(setq s "abc") (+= (@ s 1) "z") s', "abzc"),
        ('(defun f(d n) (+= (@ d "a") n) d) (list (f {"a":1} 3) (f {} 2) (f (dictionarytree "a" 1.5) 1))', '({"a":4} {"a":2} {"a":2.5})'),
        ("(setq d {:}) (loop w (split \"a b a c a\" \" \") (+= (@ d w) 1)) d", '{"a":3 "b":1 "c":1}'),
    ],
)  # fmt: skip
def test_cells_that_are_updated(program: str, value: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(program)) == value
