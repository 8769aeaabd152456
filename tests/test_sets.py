"""Sets, and the operations on sets, lists and strings."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.values.sets import SetI


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("{5 4 6}", "{4 5 6}"),
        ('{"b" "a" "b"}', '{"a" "b"}'),
        ('(type {4 "u"})', "set_s_"),
        ("(list (type (seti 1)) (type (setn 1)) (type (sets 1)) (type (set 1)))",
         "(set_i_ set_n_ set_s_ set_)"),
        ("(seti 9 4.9 \"12\" '(7 (4)))", "{4 7 9 12}"),
        ("(sets 4.5 'a)", '{"4.5" "a"}'),
        ("(list (seti) (set))", "({} {})"),
        ("(size (set 4 \"4\" '(4 5)))", "2"),
        ("(setq s (seti 4)) (push s \"6\" 5) (insert s 3) s", "{3 4 5 6}"),
        ("(setq s (seti 4 5)) (list (pop s 4) (pop s 9) (pop s) s)", "({5} nil nil {5})"),
        ("(setq s (set 1 '(2))) (pop s '(2)) s", "{1}"),
        ("(list (in (seti 4 5) 5) (in (seti 4 5) 5.5) (in (sets \"a\") 'a) (in (set '(4 5)) '(4 5)))",
         "(true nil true true)"),
        ("(list (find (seti 4 5) 5) (find (seti 4) 9) (count (seti 4) 4))", "(5 nil 1)"),
        ("(list (@ (seti 9 4 7) 0) (@ (seti 4) 7) (@ (seti 4) -1))", "(4 nil nil)"),
        ("(list (to_list (seti 9 4)) (keys@ (seti 5 4)) (values@ (seti 2 1)))", "((4 9) (4 5) (1 2))"),
        ("(setq r (list)) (loop x (sets \"b\" \"a\") (push r x)) r", '("a" "b")'),
        ("(setq s (seti 1 2 3)) (loop x s (pop s x)) s", "{}"),
        ("(setq s (seti 1)) (setq r s) (push r 2) s", "{1 2}"),
        ("(setq s (seti 1)) (setq r (clone s)) (push r 2) s", "{1}"),
        ("(list (popfirst (seti 1)) (poplast (seti 1)))", "(nil nil)"),
    ],
)  # fmt: skip
def test_values(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(&&& '(4 5 6 5) '(6 5 9))", "(5 6)"),
        ("(||| '(4 5 4) '(6 5 6))", "(4 5 6)"),
        ("(^^^ '(4 5 6) '(6 7))", "(4 5 7)"),
        ("(^^^ '(1 2) '(2 3) '(3 4))", "(1 4)"),
        ('(&&& "abca" "xcab")', "abc"),
        ('(||| "abca" "xcab")', "abcx"),
        ('(^^^ "abc" "cd")', "abd"),
        ("(type (&&& (integers 4 5) '(5)))", "integers_"),
        ("(||| (integers 4) '(5.5))", "(4 5)"),
        ("(&&& '(1 2) '(1.0 \"2\"))", "(1)"),
        ("(&&& '(x y z nil) '(nil z x))", "(x z nil)"),
        ("(&&& '((1) 2) '((1) 2))", "(2)"),
        ("(&&& '(4 5 6) '(5 6) '(6 7))", "(6)"),
        ("(&&& (seti 4 5 6) (seti 5 6 7))", "{5 6}"),
        ("(||| (seti 5) '(4 2.9 \"5\"))", "{2 4 5}"),
        ("(^^^ (seti 4 5) (seti 5 6))", "{4 6}"),
        ("(&&& (set 1 '(2)) (set '(2) 3))", "{(2)}"),
        ("(size (||| (set 4 5) (set 5 6)))", "3"),
        ('(||| (strings "b" "a") (strings "c" "a"))', '("b" "a" "c")'),
        ("(type (||| (llist 1 2) '(3)))", "llist_"),
        ("(&&& 5 6)", "5"),
        ('(||| (integers 4) (sets "a" "b"))', "(4 0)"),
    ],
)
def test_operations(program: str, expected: str) -> None:
    assert shown(program) == expected


def test_operands_are_untouched() -> None:
    assert shown("(setq a (list 1 2)) (setq b (list 2 3)) (||| a b) (&&& a b) (list a b)") == (
        "((1 2) (2 3))"
    )


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(&&& '(4 5) 4)", "Can only apply '&&&' to strings, lists or sets"),
        ("(||| '(4) \"ab\")", "Can only apply '|||' to strings, lists or sets"),
        ("(||| \"ab\" 5)", "Can only apply '|||' to strings, lists or sets"),
        ("(car (seti 1))", "You cannot apply 'car' to: '{1}'"),
        ("(cdr (seti 8))", "You cannot apply 'cdr' to: '{8}'"),
        ("(sort '< (seti 4 5))", "the second argument should be a list for 'sort'"),
        ("(&&&)", "Wrong number of arguments for: '&&&'"),
    ],
)
def test_errors(program: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        shown(program)
    assert caught.value.message == message


@given(st.lists(st.tuples(st.sampled_from(["add", "discard", "look"]), st.integers(-9, 9))))
def test_order_is_kept_through_changes(steps: list[tuple[str, int]]) -> None:
    mine, plain = SetI(), set()
    for action, value in steps:
        if action == "add":
            mine.add(value)
            plain.add(value)
        elif action == "discard":
            mine.discard(value)
            plain.discard(value)
        else:
            assert list(mine) == sorted(plain)
    assert list(mine) == sorted(plain)
    assert len(mine) == len(plain)


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_operations_agree_with_python_sets(a: list[int], b: list[int]) -> None:
    lisp = LispE()
    lisp.define("a", lisp.eval(f"(list {' '.join(map(str, a))})"))
    lisp.define("b", lisp.eval(f"(list {' '.join(map(str, b))})"))
    left, right = list(dict.fromkeys(a)), list(dict.fromkeys(b))
    assert list(lisp.eval("(&&& a b)")) == [x for x in left if x in right]
    assert list(lisp.eval("(||| a b)")) == left + [x for x in right if x not in left]
    assert list(lisp.eval("(^^^ a b)")) == (
        [x for x in left if x not in right] + [x for x in right if x not in left]
    )


def test_copies() -> None:
    value = SetI([3, 1, 2])
    assert list(value) == [1, 2, 3]
    for twin in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert type(twin) is SetI
        twin.add(0)
        assert list(twin) == [0, 1, 2, 3]
    assert list(value) == [1, 2, 3]
