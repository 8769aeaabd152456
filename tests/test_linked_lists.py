"""Linked lists: shared cells, dotted pairs, circles."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.values.linked import Cell, LinkedList


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(llist 7 8 9)", "(7 8 9)"),
        ("(llist)", "()"),
        ("(list (type (llist 1)) (type (cons 1 2)) (type (cons 1 '(2))))", "(llist_ llist_ list_)"),
        ("(list (cons 7 8) (cons 7 (cons 8 9)) (cons 7 \"x\"))", '((7 . 8) (7 8 . 9) (7 . "x"))'),
        ("(list (car (cons 5 6)) (cdr (cons 5 6)))", "(5 6)"),
        ("(list (conspoint 7 8) (conspoint 6 7 8))", "((7 . 8) (6 7 . 8))"),
        ("(consb 7 8)", "(7 . 8)"),
        ("(cons 7 (llist 8 9))", "(7 8 9)"),
        ("(setq l (llist 1 2)) (push l 3 4) l", "(4 3 1 2)"),
        ("(setq l (llist 1 2)) (pushlast l 3 4) l", "(1 2 3 4)"),
        ("(setq l (llist 1 2 3)) (list (pop l) l)", "((2 3) (2 3))"),
        ("(setq l (llist 4 5 6)) (pop l 1) l", "(4 6)"),
        ("(setq l (llist 4 5 6)) (poplast l) l", "(4 5)"),
        ("(list (poplast (llist 1)) (pop (llist)) (pop (llist 1 2) 5) (pop (llist 1 2) -1))",
         "(() nil nil (1))"),
        ("(list (insert (llist 1 2) 9) (insert (llist 1 2) 9 1) (insert (llist 1 2) 9 7))",
         "((9 1 2) (1 9 2) (1 2 9))"),
        ("(setq l (llist 4 5 6)) (set@ l 1 9) l", "(4 9 6)"),
        ("(setq l (cons 1 2)) (set@ l 1 9) l", "(1 . 9)"),
        ("(setq l (llist 1)) (set@ l 5 9) l", "(1 9)"),
        ("(list (@ (llist 4 5 6) 2) (@ (llist 4 5 6) -1) (@ (cons 1 2) 1))", "(6 6 2)"),
        ("(setq a (llist 4 5 6)) (setq b (cdr a)) (set@ b 0 9) (push b 7) (list a b)",
         "((4 9 6) (7 9 6))"),
        ("(cdr (llist 1))", "nil"),
        ("(setq x (llist 1)) (extend x '(2 3)) (nconc x (llist 4) 5) x", "(1 2 3 4 5)"),
        ("(extract (llist 5 6 7 8) 1 3)", "(6 7)"),
        ("(setq l (llist 1 2 3 4)) (setrange l 1 3 9) l", "(1 9 4)"),
        ("(setq l (llist 6 4 5)) (list (sort '< l) l)", "((4 5 6) (4 5 6))"),
        ("(setq l (llist 1 2 3)) (reverse l) l", "(3 2 1)"),
        ("(list (type (unique (llist 1 2 1))) (unique (llist 4 5 4)))", "(llist_ (4 5))"),
        ("(list (find (llist 1 2) 2) (in (llist 1 2) 3) (findall (llist 1 2 1) 1) (last@ (llist 1 2)))",
         "(1 nil (0 2) 2)"),
        ("(setq l (llist 4 5 4)) (list (replaceall l 4 0) l)", "(2 (0 5 0))"),
        ("(list (to_llist '(1 2)) (type (to_llist (integers 1))) (to_llist nil))", "((1 2) llist_ (nil))"),
        ("(setq a (llist 1 (list 2))) (setq b (clone a)) (push (@ b 1) 3) (list a b)",
         "((1 (2)) (1 (2 3)))"),
        ("(consp (llist))", "true"),
    ],
)  # fmt: skip
def test_values(program: str, expected: str) -> None:
    assert shown(program) == expected


CIRCLE = "(setq l (llist 4 5)) (extend l l) "


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("l", "(4 5 ...)"),
        ("(cyclicp l)", "true"),
        ("(size l)", "2"),
        ("(setq r (list)) (loop x l (push r x)) r", "(4 5)"),
        ("(car (cdr (cdr (cdr l))))", "5"),
        ("(caddr l)", "4"),
        ("(setq k (clone l)) (set@ k 0 9) (list k l (cyclicp k))", "((9 5 ...) (4 5 ...) true)"),
        ("(popfirst l) l", "(5 4 ...)"),
        ("(pop l 1) l", "(4 ...)"),
        ("(pop l 0) l", "(5 ...)"),
        ("(pop l 0) (pop l 0) l", "()"),
    ],
)
def test_circles(program: str, expected: str) -> None:
    assert shown(CIRCLE + program) == expected


def test_ordinary_lists_turn_in_no_circle() -> None:
    assert shown(
        "(list (cyclicp (llist 1 2)) (cyclicp '(1)) (cyclicp nil) (cyclicp (cons 1 2)))"
    ) == ("(nil nil nil nil)")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(@ (llist 1 2) 2)", "index out of bounds"),
        ("(@ (llist 1 2) -3)", "index out of bounds"),
        ("(set@ (llist 1 2) -3 9)", "index out of bounds"),
        ("(swap (llist 1 2) 0)", "cannot swap in this element"),
        ("(insert (llist 1 2) 9 -1)", "Wrong index in 'insert'"),
    ],
)
def test_errors(program: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        shown(program)
    assert caught.value.message == message


@given(st.lists(st.tuples(st.sampled_from("push append insert remove".split()), st.integers(0, 9))))
def test_against_python_lists(steps: list[tuple[str, int]]) -> None:
    linked, plain = LinkedList(), []
    for action, value in steps:
        if action == "push":
            linked.push(value)
            plain.insert(0, value)
        elif action == "append":
            linked.append(value)
            plain.append(value)
        elif action == "insert":
            linked.insert(value, -value)
            plain.insert(value, -value)
        elif value < len(plain):
            linked.remove(value)
            del plain[value]
        assert list(linked) == plain
    assert len(linked) == len(plain)


def test_a_long_list_is_built_at_its_head_in_no_time() -> None:
    assert shown("(setq l (llist)) (loopcount 50000 i (push l i)) (list (size l) (car l))") == (
        "(50000 49999)"
    )


class Walking(LinkedList):
    """Appends by a walk to the last cell, with nothing remembered."""

    __slots__ = ()

    def append(self, value: int) -> None:
        last = self.last()
        if last is None:
            self.head = Cell(value)
        else:
            last.next = Cell(value)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("append append remove pop_first cdr push cut circle".split()),
            st.integers(0, 2),
            st.integers(0, 9),
        ),
        max_size=40,
    )
)
def test_appending_to_lists_that_share_cells(steps: list[tuple[str, int, int]]) -> None:
    quick = [LinkedList(range(4)), LinkedList(), LinkedList((7,))]
    plain = [Walking(range(4)), Walking(), Walking((7,))]
    for action, which, value in steps:
        for lists in (quick, plain):
            one, other = lists[which], lists[which - 1]
            if action == "cdr":
                after = one.head.next if one.head is not None else None
                lists[which - 1] = type(one).of(after if isinstance(after, Cell) else None)
            elif action == "remove" and value < len(one):
                one.remove(value)
            elif action == "cut" and len(one) > 2:
                one.cut_after(one.nth(0), one.nth(1).next)
            elif action == "circle":
                last = one.last()
                if last is not None:
                    last.next = other.head
            elif action in ("append", "push"):
                getattr(one, action)(value)
            elif action == "pop_first":
                one.pop_first()
        assert [list(one) for one in quick] == [list(one) for one in plain]


def test_a_long_queue() -> None:
    program = """
    (setq q (llist)) (setq s 0)
    (loopcount 20000 i (pushlast q i))
    (while q (+= s (car q)) (popfirst q) (if (= 0 (% s 7)) (pushlast q 1)))
    (list s q)
    """
    queue, total = deque(range(20000)), 0
    while queue:
        total += queue.popleft()
        if total % 7 == 0:
            queue.append(1)
    assert shown(program) == f"({total} ())"
