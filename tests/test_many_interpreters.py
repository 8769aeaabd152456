"""Interpreters by the hundred, and one or several in many threads."""

from __future__ import annotations

import gc
import threading
import weakref

import leaks

from lispe_py import LispE

FIB = "(defun fib(n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))"


def test_interpreters_go_when_they_are_dropped() -> None:
    dropped = []
    for _ in range(200):
        lisp = LispE()
        lisp.eval("(class@ P (x)) (defun f(x) (+ x 1)) (setq l (list (P 1) f)) (f 1)")
        dropped.append(weakref.ref(lisp))
    del lisp
    gc.collect()
    assert [ref for ref in dropped if ref() is not None] == []


def test_one_interpreter_in_eight_threads() -> None:
    one = LispE()
    one.eval(FIB)
    found: list[object] = []

    def run(which: int) -> None:
        for n in range(10):
            text = f"(defun f{which}_{n}(x) (+ x (fib {n}))) (f{which}_{n} {which})"
            found.append(one.eval(text))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fib = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
    assert sorted(found) == sorted(i + fib[n] for i in range(8) for n in range(10))  # type: ignore[type-var]


def test_the_check_of_leaks_at_a_small_size() -> None:
    assert leaks.dropped(30)
    assert leaks.together(0.3)
