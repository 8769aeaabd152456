"""Thousands of interpreters, and several at work for a minute: what is left of them.

``python -m tests.leaks [COUNT]`` makes interpreters one after the other and drops
them; ``python -m tests.leaks threads [SECONDS]`` runs eight threads with one each.
The exit status is 1 where memory was kept or a result was wrong.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref

from lispe_py import LispE, LispError
from lispe_py.runtime.limits import resident

#: What the process may have grown by, from the first thousand interpreters to the last.
ALLOWED = 5_000_000
THREADS = 8

PROGRAM = """
(defmacro twice(x) (* 2 x))
(class@ Point (x (y 1)) (defun total() (+ x y)))
(data@ (Pair _ _))
(defun f(n) (twice (+ n ((Point n) (total)))))
(setq kept (list (Point 1) f (\\(x) (f x)) (Pair 1 2) (iota 100) {"a":'name%(which)d}))
(f %(which)d)
"""


def use(which: int) -> LispE:
    """An interpreter that has done a little of everything; the names differ from one to the next."""
    lisp = LispE()
    found = lisp.eval(PROGRAM % {"which": which}, f"file{which}")
    assert found == lisp.call("f", which) == 2 * (2 * which + 1)
    assert lisp.fork().eval("(f 1)") == 6
    try:
        lisp.eval(f"(car {which})")
    except LispError as error:
        assert error.line == 1
    else:
        raise AssertionError("there must be an error")
    return lisp


def dropped(count: int) -> bool:
    """Make so many interpreters one after the other."""
    alive: weakref.WeakSet[LispE] = weakref.WeakSet()
    begin = time.perf_counter()
    first = 0
    print(f"{'interpreters':>12} {'resident':>10} {'alive':>6} {'seconds':>8}")
    for done in range(count + 1):
        if done:
            alive.add(use(done))
        if done in (0, min(1_000, count // 10), count // 2, count):
            gc.collect()
            now = resident()
            first = first if done > count // 10 else now
            passed = time.perf_counter() - begin
            print(f"{done:12,} {now / 1e6:7.1f} MB {len(alive):6} {passed:8.1f}")
    grown = resident() - first
    print(f"grown since the first thousand: {grown / 1e6:.1f} MB")
    return grown < ALLOWED and not alive


def together(seconds: float) -> bool:
    """An interpreter in each of eight threads, for so long."""
    rounds, wrong = [0] * THREADS, [0] * THREADS
    until = time.monotonic() + seconds

    def work(which: int) -> None:
        lisp = LispE()
        lisp.eval(
            f"(setq mine {which}) (defun fib(n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))"
        )
        while time.monotonic() < until:
            n = rounds[which]
            rounds[which] += 1
            text = (
                f"(defun g{n % 50}(x) (+ x mine {n}))"
                f'(list (fib 12) (g{n % 50} 1) (sort \'< \'({n} 3 {-n})) (join (list mine "a") "-"))'
            )
            lisp.interactive = True
            expected = [144, 1 + which + n, sorted([n, 3, -n]), f"{which}-a"]
            wrong[which] += lisp.eval(text) != expected

    threads = [threading.Thread(target=work, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"evaluations of each thread: {rounds}")
    print(f"wrong: {sum(wrong)} of {sum(rounds):,} in {seconds:g} s")
    return not sum(wrong) and all(rounds)


def main(arguments: list[str]) -> bool:
    if arguments[:1] == ["threads"]:
        return together(float((arguments[1:] or ["60"])[0]))
    return dropped(int((arguments or ["10000"])[0]))


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:]))
