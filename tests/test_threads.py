"""Threads: ``dethread``, ``wait``, ``lock``, ``threadspace``, isolation, errors."""

from __future__ import annotations

import io

import pytest

from lispe_py import LispE, LispError

THREADS, TIMES = 8, 1000


@pytest.fixture
def lisp() -> LispE:
    return LispE()


def test_threadspace_counts_exactly(lisp: LispE) -> None:
    lisp.eval(
        f"""
        (threadspace (seth total 0))
        (dethread work(n)
           (loopcount {TIMES} i
              (threadspace (+= total n))))
        (loopcount {THREADS} i (work 1))
        (wait)
        """
    )
    assert lisp.eval("(threadspace total)") == THREADS * TIMES


def test_reading_and_setting_in_one_threadspace_is_whole(lisp: LispE) -> None:
    lisp.eval(
        f"""
        (threadspace (seth total 0))
        (dethread work(n)
           (loopcount {TIMES} i
              (threadspace
                 (setq seen total)
                 (seth total (+ seen n)))))
        (loopcount {THREADS} i (work 1))
        (wait)
        """
    )
    assert lisp.eval("(threadspace total)") == THREADS * TIMES


def test_lock_counts_exactly(lisp: LispE) -> None:
    lisp.eval(
        f"""
        (setq total 0)
        (dethread work(n)
           (loopcount {TIMES} i
              (lock "total"
                 (setq seen total)
                 (setg total (+ seen n)))))
        (loopcount {THREADS} i (work 1))
        (wait)
        """
    )
    assert lisp.eval("total") == THREADS * TIMES


def test_locks_of_one_name_nest_and_are_released_by_errors(lisp: LispE) -> None:
    assert lisp.eval('(lock "a" (lock "a" (+ 1 2)))') == 3
    lisp.eval('(dethread taking() (lock "a" (setg taken true)))')
    with pytest.raises(LispError):
        lisp.eval('(lock "a" (car 5))')
    assert lisp.eval("(setq taken nil) (taking) (wait) taken") is True


def test_a_thread_that_fails_leaves_the_space_open() -> None:
    lisp = LispE(stderr=io.StringIO())
    lisp.eval("(threadspace (seth total 1)) (dethread work() (threadspace (car total)))")
    lisp.eval("(work) (wait)")
    assert lisp.eval("(threadspace (+= total 1) total)") == 2


def test_errors_are_written_at_wait() -> None:
    errors = io.StringIO()
    lisp = LispE(stderr=errors)
    lisp.eval("(dethread work(x)\n  (/ 1 x))", "work.lisp")
    assert lisp.eval("(work 0)") is True
    assert lisp.eval("(wait)") is True
    assert errors.getvalue() == "Error: division by zero, line: 2 in: work.lisp\n"
    # Once is enough.
    assert lisp.eval("(wait)") is True
    assert errors.getvalue().count("\n") == 1


def test_an_error_of_one_thread_does_not_stop_the_others() -> None:
    errors = io.StringIO()
    lisp = LispE(stderr=errors)
    lisp.eval('(setq l ()) (dethread work(x) (lock "l" (push l (/ 6 x))))')
    lisp.eval("(loop i '(1 0 2 0 3) (work i)) (wait)")
    assert sorted(lisp.eval("l")) == [2, 3, 6]
    assert errors.getvalue() == 2 * "Error: division by zero, line: 1 in: main\n"


def test_a_thread_handles_its_own_error(lisp: LispE) -> None:
    lisp.eval('(dethread work(x) (maybe (/ 1 x) (threadstore "bad" x)))')
    assert lisp.eval('(work 0) (wait) (threadretrieve "bad")') == [0]


@pytest.mark.parametrize(
    ("container", "change"),
    [
        ("(list 1 2)", "(push x 3)"),
        ("(list 1 (list 2))", "(push (at x 1) 3)"),
        ("(integers 1 2)", "(push x 3)"),
        ('(dictionary "a" 1)', '(key@ x "b" 2)'),
        ("(setn 1 2)", "(insert x 3)"),
    ],
)
def test_arguments_are_copies(lisp: LispE, container: str, change: str) -> None:
    lisp.eval(f"(setq l {container}) (dethread work(x) {change})")
    before = lisp.show(lisp.eval("l"))
    lisp.eval("(work l) (wait)")
    assert lisp.show(lisp.eval("l")) == before


@pytest.mark.parametrize(
    "call",
    ["(work (force l))", "(setq same work) (same (force l))", "(defun go(l) (work (force l))) (go l)"],
)
def test_force_is_for_threads_called_by_any_name(lisp: LispE, call: str) -> None:
    assert lisp.eval(f"(setq l (list 1)) (dethread work(x) (push x 2)) {call} (wait) l") == [1, 2]


@pytest.mark.parametrize(
    "program",
    [
        "(force 5)",
        "(setq x (force 5))",
        "(defun f(x) x) (f (force 5))",
        "(list (force 5))",
        "(dethread work(x) x) (work (car (force (list 1))))",
    ],
)
def test_force_is_for_arguments_of_threads(lisp: LispE, program: str) -> None:
    with pytest.raises(LispError, match="^'force' can only be used as a thread argument$"):
        lisp.eval(program)


@pytest.mark.parametrize("call", ["(work)", "(work 1 2 3)"])
def test_a_thread_is_called_with_its_number_of_arguments(lisp: LispE, call: str) -> None:
    lisp.eval("(dethread work(n (m 2)) n)")
    with pytest.raises(LispError, match="^Wrong number of arguments in call to: '.work .n .m 2"):
        lisp.eval(call)
    assert lisp.eval("(wait)") is True


def test_the_space_of_the_threads(lisp: LispE) -> None:
    assert lisp.eval("(space thread (seth q 4) (+= q 1) q)") == 5
    assert lisp.eval("(list (threadspace q) (space thread q))") == [5, 5]
    with pytest.raises(LispError, match="Unbound atom: 'q'"):
        lisp.eval("q")


def test_force_shares_an_argument(lisp: LispE) -> None:
    program = "(setq l (list 1)) (dethread work(x) (push x 2)) (work (force l)) (wait) l"
    assert lisp.eval(program) == [1, 2]


def test_variables_of_threads_are_their_own(lisp: LispE) -> None:
    lisp.eval(
        f"""
        (setq results ())
        (dethread work(n)
           (setq own 0)
           (loopcount {TIMES} i (+= own n))
           (lock "results" (push results own)))
        (loop i (iota {THREADS}) (work i))
        (wait)
        """
    )
    assert sorted(lisp.eval("results")) == [n * TIMES for n in range(1, THREADS + 1)]


def test_threads_of_two_interpreters_do_not_wait_for_each_other() -> None:
    one, two = LispE(), LispE()
    for lisp in (one, two):
        lisp.eval('(setq n 0) (dethread work(x) (lock "n" (setg n x)))')
    two.eval("(work 2)")
    one.eval("(work 1) (wait)")
    two.eval("(wait)")
    assert [one.eval("n"), two.eval("n")] == [1, 2]


def test_deep_recursion_in_a_thread(lisp: LispE) -> None:
    program = """
        (defun depth(n) (if (= n 0) 0 (+ 1 (depth (- n 1)))))
        (dethread work(n) (lock "d" (setg deep (depth n))))
        (work 5000) (wait) deep
        """
    assert lisp.eval(program) == 5000


def test_seth_stands_in_a_threadspace(lisp: LispE) -> None:
    with pytest.raises(LispError, match="threadspace"):
        lisp.eval("(seth a 1)")
