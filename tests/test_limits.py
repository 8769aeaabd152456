"""Limits and interrupts: what ends an evaluation, and that nothing in it can prevent that."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable

import pytest

from lispe_py import LimitError, LispE, LispError, LispInterrupt, StoppedError
from lispe_py.runtime import limits as watching

ENDLESS = "(setq i 0) (while true (+= i 1))"


def limit_of(run: Callable[[], object]) -> LimitError:
    with pytest.raises(LimitError) as raised:
        run()
    return raised.value


# ---------------------------------------------------------------- steps and depth


@pytest.mark.parametrize(
    ("program", "steps"),
    [
        # One for the text itself, one a round, one a call.
        ("(+ 1 2)", 1),
        ("(setq s 0) (loop x '(1 2 3) (+= s x))", 4),
        ("(setq i 0) (while (< i 5) (+= i 1))", 6),
        ("(setq r 0) (loopcount 7 i (+= r i))", 8),
        ("(defun f(x) x) (f 1) (f 2)", 3),
        ("(defun f(n) (if (< n 1) 0 (+ 1 (f (- n 1))))) (f 3)", 5),
        ("((\\(x) x) 1)", 2),
    ],
)
def test_steps_are_counted(program: str, steps: int) -> None:
    lisp = LispE(max_steps=steps)
    lisp.eval(program)
    assert lisp.steps == steps
    if steps > 1:
        assert limit_of(lambda: LispE(max_steps=steps - 1).eval(program)).limit == "max_steps"


@pytest.mark.parametrize(
    "program",
    [
        "(while true nil)",
        "(defun f(n) (f (+ n 1))) (f 0)",
        "(while true (maybe (car 1) nil))",
        "(defun f(n) (maybe (g n) (f n))) (defun g(n) (maybe (f n) (g n))) (f 0)",
        "(catch (while true (catch (while true nil))))",
        "(mapcar (\\(x) (while true x)) '(1 2))",
        "(loop x (irange 0 1) x)",
    ],
)
def test_no_program_goes_on_beyond_its_steps(program: str) -> None:
    lisp = LispE(max_steps=10_000)
    assert limit_of(lambda: lisp.eval(program)).limit == "max_steps"
    # Each evaluation has its own; what was defined is still there.
    assert lisp.eval("(+ 1 2)") == 3


def test_the_error_has_its_place() -> None:
    error = limit_of(lambda: LispE(max_steps=50).eval("(setq i 0)\n\n  (while true\n  (+= i 1))"))
    assert (error.file, error.line, error.column) == ("main", 3, 3)
    assert error.message == "the limit of 50 steps is reached"


def test_depth() -> None:
    lisp = LispE(max_depth=50)
    lisp.eval("(defun g(n) (if (< n 1) 0 (+ 1 (g (- n 1)))))")
    assert lisp.eval("(g 49)") == 49
    assert limit_of(lambda: lisp.eval("(g 50)")).limit == "max_depth"
    # A self tail call is a loop, not a depth.
    assert lisp.eval("(defun t(n) (if (< n 1) 'end (t (- n 1)))) (t 100000)").name == "end"
    assert lisp.eval("(loopcount 300 i (g 40))") == 40


def test_limits_of_one_call() -> None:
    lisp = LispE(max_steps=1_000_000)
    lisp.eval("(defun f(n) (loopcount n i i))")
    assert limit_of(lambda: lisp.eval("(f 100)", max_steps=50)).limit == "max_steps"
    assert limit_of(lambda: lisp.call("f", 100, max_steps=50)).limit == "max_steps"
    lisp.eval("(f 100)")
    run = lisp.compile("(f n)")
    with lisp.limited(max_steps=50):
        assert limit_of(lambda: run(n=100)).limit == "max_steps"
        run(n=40)
        run(n=40)
    run(n=100)


def test_what_was_compiled_without_counting_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="LispE\\(max_steps"):
        LispE().eval("1", max_steps=10)
    with pytest.raises(ValueError, match="max_seconds must be positive"):
        LispE(max_seconds=0)


def test_without_limits_nothing_is_counted() -> None:
    assert ".step" not in LispE().python_source("(defun f(x) (while x nil)) (loop i '(1) i)")
    assert LispE().steps == 0


# ---------------------------------------------------------------- time


@pytest.mark.parametrize(
    "program",
    [
        ENDLESS,
        "(while true (maybe (car 1) nil))",
        "(while true (catch (throw 1)))",
        "(defun f(n) (+ 1 (maybe (f (+ n 1)) 2))) (while true (f 0))",
        "(sleep 100000)",
        '(waiton "never")',
        '(lock "a" (dethread w() (lock "a" 1)) (w) (wait))',
        "(dethread w() (while true nil)) (w) (w) (wait)",
        '(command "sleep 100")',
        "(sum (maplist (\\(x) (sleep 1)) (iota 100000)))",
    ],
)
def test_no_program_goes_on_beyond_its_time(program: str) -> None:
    lisp = LispE()
    before = time.monotonic()
    assert limit_of(lambda: lisp.eval(program, max_seconds=0.1)).limit == "max_seconds"
    assert time.monotonic() - before < 5
    assert lisp.eval("(+ 1 2)", max_seconds=100) == 3
    # So do the threads that it had started.
    until = time.monotonic() + 5
    while lisp.running:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_nothing_arrives_after_the_end() -> None:
    lisp = LispE()
    for _ in range(300):
        try:
            lisp.eval("(loopcount 200 i i)", max_seconds=0.0003)
        except LimitError:
            continue
    # An order that came too late would be raised here.
    for _ in range(50_000):
        pass
    assert lisp.running == []


def test_nested_evaluations_have_their_own_limits() -> None:
    lisp = LispE()
    outcome: list[object] = []

    def inner() -> str:
        try:
            lisp.eval(ENDLESS, max_seconds=0.05)
        except LimitError as error:
            outcome.append(error.limit)
        return "went on"

    lisp.define("nested", inner)
    assert lisp.eval("(nested)", max_seconds=60) == "went on"
    assert outcome == ["max_seconds"]
    # The limit around it is not for the one inside to see.
    lisp.define("nested", lambda: lisp.eval(ENDLESS, max_seconds=60))
    assert limit_of(lambda: lisp.eval("(maybe (nested) 'swallowed)", max_seconds=0.05)).line == 1


def test_an_inner_limit_cannot_be_swallowed_either() -> None:
    lisp = LispE()
    lisp.define("nested", lambda: lisp.eval(ENDLESS, max_seconds=0.05))
    assert limit_of(lambda: lisp.eval("(maybe (nested) 'swallowed)")).limit == "max_seconds"


# ---------------------------------------------------------------- memory


@pytest.mark.parametrize(
    "program",
    [
        "(setq l ()) (while true (push l (iota 10000)))",
        "(iota 100000000)",
        "(range 0 100000000 1)",
    ],
)
def test_no_program_takes_more_memory(program: str) -> None:
    before = watching.resident()
    error = limit_of(lambda: LispE().eval(f"(maybe {program} 'swallowed)", max_memory=100_000_000))
    assert error.limit == "max_memory"
    assert watching.resident() - before < 1_000_000_000


#: Programs that would take about 100 MB or more at once; nothing of it may be taken.
AT_ONCE = [
    '(fill "ab" 60000000)',
    '(fill "é世" 40000000)',
    '(padding "a" "世" 60000000)',
    "(replicate 20000000 'z)",
    "(replicate 2000000 '(1 2))",
    "(to_list 1 20000000)",
    "(rho 4000 4000 (iota 4))",
    "(rho 4000 4000 '(a b))",
    "(rho 8000 8000 (shorts 1))",
    "(matrix_number 4000 4000)",
    "(matrix_string 4000 4000)",
    "(tensor_short 400 400 400)",
    "(uniform_distribution 20000000)",
    "(reduce '(15000000 5000000) '(a b))",
    "(outer '* (iota 5000) (iota 5000))",
]

TENSORS_AT_ONCE = [
    "(torch_zeros '(5000 5000))",
    "(torch_ones '(5000 5000))",
    "(torch_full '(5000 5000) 1)",
    "(torch_rand '(5000 5000))",
    "(torch_randn '(5000 5000))",
    "(torch_randint 0 5 '(5000 5000))",
    "(torch_eye 5000)",
    "(torch_arange 30000000)",
    "(torch_repeat (torch_ones '(100 10)) '(300 300))",
    "(torch_outer (torch_ones 5000) (torch_ones 5000))",
    "(torch_linspace 0 1 30000000)",
    '(torch_zeros \'(8000 8000) "float16")',
]


def refused_at_once(lisp: LispE, program: str, allowed: int = 80_000_000) -> None:
    """The program is refused without the memory having been taken for a moment."""

    def never(_: object, now: float) -> float:
        return now + 1

    # What earlier programs left must not go in the middle of this one.
    gc.collect()
    # The thread that looks at memory is blind: only what is computed beforehand can refuse.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching.Evaluation, "look", never)
        assert limit_of(lambda: lisp.eval(program, max_memory=allowed)).limit == "max_memory"


@pytest.mark.parametrize("program", AT_ONCE)
def test_memory_is_refused_beforehand(program: str) -> None:
    refused_at_once(LispE(), program)


@pytest.mark.parametrize("program", TENSORS_AT_ONCE)
def test_memory_of_tensors_is_refused_beforehand(program: str) -> None:
    lisp = LispE()
    lisp.eval("(use 'lispe_torch) (torch_zeros 1)")
    refused_at_once(lisp, program)


@pytest.mark.parametrize("program", ["(<< 1 40000000)", "(<< '(5) 40000000)"])
def test_large_integers_are_refused_beforehand(program: str) -> None:
    refused_at_once(LispE(), program, allowed=2_000_000)


def test_memory_in_reach_is_given() -> None:
    assert LispE().eval("(sum (iota 1000))", max_memory=50_000_000) == 500500


# ---------------------------------------------------------------- interrupts


@pytest.mark.parametrize("program", [ENDLESS, "(sleep 100000)", "(while true (maybe (car 1) 1))"])
def test_an_interrupt_from_another_thread(program: str) -> None:
    lisp = LispE()
    timer = threading.Timer(0.05, lisp.interrupt)
    timer.start()
    with pytest.raises(LispInterrupt) as raised:
        lisp.eval(program)
    timer.join()
    assert isinstance(raised.value, StoppedError) and isinstance(raised.value, LispError)
    assert lisp.interrupt() is False
    assert lisp.eval("(+ 1 2)") == 3


def test_an_interrupt_ends_every_thread_of_one_interpreter_alone() -> None:
    lisp, other = LispE(), LispE()
    ends: list[str] = []

    def run(which: LispE) -> None:
        try:
            which.eval(
                "(loopcount 100000000 i i)" if which is lisp else "(loopcount 1000 i (sleep 1))"
            )
            ends.append("done")
        except LispInterrupt:
            ends.append("interrupted")

    threads = [threading.Thread(target=run, args=(w,)) for w in (lisp, lisp, lisp, other)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 10
    while len(lisp.running) < 3 and time.monotonic() < until:
        time.sleep(0.005)
    assert lisp.interrupt()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["done", "interrupted", "interrupted", "interrupted"]


def test_locks_are_free_after_an_interrupt() -> None:
    lisp = LispE()
    limit_of(lambda: lisp.eval('(lock "a" (while true nil))', max_seconds=0.05))
    assert lisp.eval(
        '(dethread w() (lock "a" (threadstore "k" 1))) (w) (wait) (threadretrieve "k")'
    ) == [1]


def test_the_recursion_limit_is_put_back() -> None:
    before = sys.getrecursionlimit()
    limit_of(lambda: LispE().eval(ENDLESS, max_seconds=0.05))
    assert sys.getrecursionlimit() == before
