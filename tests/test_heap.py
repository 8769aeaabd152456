"""Heaps: order, duplicates, the ends, the prefix walk of ``@``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.values.heap import Heap


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


PRIORITIES = "(setq h (heap (\\(x y) (>=< (car x) (car y))) '(3 a) '(3 b) '(1 c) '(3 a)))"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(heap '>=< 40 10 30 20)", "(10 20 30 40)"),
        ("(heap nil 6 5 4)", "(4 5 6)"),
        ("(heap () 6 5 4)", "(4 5 6)"),
        ("(heap '> 3 1 2)", "(1 2 3)"),
        ("(heap nil)", "()"),
        ("(heap)", "()"),
        ("(heap (\\(x y) (>=< y x)) 40 10 30)", "(40 30 10)"),
        ("(heap (\\(x y) (- x y)) 3 1 2)", "(1 2 3)"),
        ("(heap (\\(x y) (< x y)) 3 1 2)", "(1 2 3)"),
        ("(defun cmp(x y) (>=< y x)) (list (heap cmp 1 3 2) (heap 'cmp 1 3 2))", "((3 2 1) (3 2 1))"),
        ("(type (heap nil 1))", "heap_"),
        ('(heap nil "b" "a" "c")', "(a b c)"),
        ("(setq h (heap nil 40 10 30)) (insert h 10) (push h 20 5) h", "(5 10 10 20 30 40)"),
        ("(size (heap nil 4 5 5))", "3"),
        ("(setq h (heap nil 40 10 30)) (list (popfirst h) (size h))", "((30 40) 2)"),
        ("(setq h (heap nil 40 10 30)) (poplast h) h", "(10 30)"),
        ("(setq h (heap nil 40 10 30)) (pop h) h", "(10 30)"),
        ("(setq h (heap nil 50 20 70 10 30 60 80)) (pop h 50) h", "(10 20 30 60 70 80)"),
        ("(setq h (heap nil 5 5 5)) (pop h 5) h", "(5 5)"),
        ("(pop (heap nil 1) 99)", "nil"),
        ("(list (pop (heap nil)) (popfirst (heap nil)) (poplast (heap nil)))", "(nil nil nil)"),
        ("(to_list (heap nil 40 10 30))", "(10 30 40)"),
        ("(list (in (heap nil 40 10) 10) (in (heap nil 40 10) 11) (find (heap nil 1 2) 2))",
         "(true nil 2)"),
        ("(list (emptyp (heap nil)) (consp (heap nil)) (containerp (heap nil)))", "(true nil true)"),
        ("(list (car (heap nil 3 1)) (car (heap nil)))", "(1 nil)"),
        ("(setq h (heap nil 2 1 3)) (list (@ h 0) (@ h 1) (@ h 2) (@ h -1))", "(2 1 3 3)"),
        ("(setq h (heap nil 50 20 70 10 30 60 80)) (map (\\(i) (@ h i)) (iota0 7))",
         "(50 20 10 30 70 60 80)"),
        ("(setq h (heap nil 2 1)) (setq k (clone h)) (push k 0) (list h k)", "((1 2) (0 1 2))"),
        ("(count (heap nil 4 5 5) 5)", "2"),
        # Members that share a place are not the same for that.
        (f"{PRIORITIES} (list (in h '(3 a)) (in h '(3 b)) (in h '(3 z)) (in h '(2 a)))",
         "(true true nil nil)"),
        (f"{PRIORITIES} (list (find h '(3 b)) (find h '(3 z)) (count h '(3 a)) (count h '(3 z)))",
         "((3 b) nil 2 0)"),
        (f"{PRIORITIES} (list (pop h '(3 z)) (pop h '(3 b)) h)",
         "(nil ((1 c) (3 a) (3 a)) ((1 c) (3 a) (3 a)))"),
        ("(setq h (heap (\\(x y) (>=< (car x) (car y))) (list 3 (integers 1 2)))) "
         "(list (in h '(3 (1 2))) (in h '(3 (2 1))))", "(true nil)"),
        ('(setq h (heap (\\(x y) (>=< (lower x) (lower y))) "a")) (list (in h "a") (in h "A"))',
         "(true nil)"),
    ],
)  # fmt: skip
def test_values(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(cdr (heap nil 4 5))", "You cannot apply 'cdr' to: '(4 5)'"),
        ("(set@ (heap nil 1) 0 5)", "cannot modify this element"),
        ("(@ (heap nil 1) 7)", "index out of bounds"),
        ('(heap (\\(x y) "a") 1 2)', "the comparator of a heap should return a number"),
    ],
)
def test_errors(program: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        shown(program)
    assert caught.value.message == message


def compare(a: Any, b: Any) -> int:
    return (a > b) - (a < b)


class Node:
    """An unbalanced search tree, the plain way."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.left: Node | None = None
        self.right: Node | None = None

    def insert(self, value: int) -> None:
        side = "left" if value < self.value else "right"
        child = getattr(self, side)
        if child is None:
            setattr(self, side, Node(value))
        else:
            child.insert(value)

    def prefix(self) -> list[int]:
        found = [self.value]
        for child in (self.left, self.right):
            if child is not None:
                found += child.prefix()
        return found


@pytest.mark.parametrize("natural", [True, False])
@given(values=st.lists(st.integers(-50, 50), max_size=40))
def test_against_a_plain_tree(natural: bool, values: list[int]) -> None:
    heap = Heap(compare, values, natural=natural)
    assert list(heap) == sorted(values)
    assert len(heap) == len(values)
    if values:
        root = Node(values[0])
        for value in values[1:]:
            root.insert(value)
        assert heap.prefix() == root.prefix()


@given(st.lists(st.tuples(st.sampled_from(["add", "first", "last", "discard"]), st.integers(0, 9))))
def test_changes(steps: list[tuple[str, int]]) -> None:
    heap, plain = Heap(compare, natural=True), []
    for action, value in steps:
        if action == "add":
            heap.add(value)
            plain.append(value)
        elif action == "discard":
            assert heap.discard(value) is (value in plain)
            if value in plain:
                plain.remove(value)
        elif plain:
            (heap.pop_first if action == "first" else heap.pop_last)()
            plain.remove(min(plain) if action == "first" else max(plain))
        assert list(heap) == sorted(plain)


def test_members_of_several_kinds_are_kept() -> None:
    heap = Heap(lambda a, b: compare(str(a), str(b)), [3, "1"], natural=True)
    heap.add(2.5)
    assert list(heap) == ["1", 2.5, 3]
    assert 2.5 in heap
    assert "2" not in heap
