"""The language itself against Python: the same programs, in one run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.harness import Result, compare
from lispe_py import LispE
from lispe_py.runtime.stack import deep_recursion


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def collatz(limit: int) -> int:
    longest = 0
    start = 1
    while start < limit:
        n = start
        steps = 0
        while n != 1:
            if n % 2 == 0:
                n = n >> 1
            else:
                n = 1 + 3 * n
            steps += 1
        if steps > longest:
            longest = steps
        start += 1
    return longest


def mandelbrot(width: int, height: int) -> int:
    inside = 0
    for row in range(height):
        ci = 2.0 * row / height - 1.0
        for column in range(width):
            cr = 3.0 * column / width - 2.0
            zr = zi = 0.0
            step = 0
            while step < 100 and zr * zr + zi * zi < 4.0:
                following = zr * zr - zi * zi + cr
                zi = 2.0 * (zr * zi) + ci
                zr = following
                step += 1
            if step == 100:
                inside += 1
    return inside


def sieve(limit: int) -> int:
    flags: list[int] = []
    for _ in range(limit):
        flags.append(1)
    i = 2
    while i * i <= limit - 1:
        if flags[i] == 1:
            j = i * i
            while j < limit:
                flags[j] = 0
                j += i
        i += 1
    count = 0
    i = 2
    while i < limit:
        count += flags[i]
        i += 1
    return count


class Rest:
    """A window on a list, as a Python programmer would write it for this end."""

    __slots__ = ("items", "start")

    def __init__(self, items: list[int], start: int) -> None:
        self.items = items
        self.start = start


def total(rest: Rest) -> int:
    if rest.start >= len(rest.items):
        return 0
    return rest.items[rest.start] + total(Rest(rest.items, rest.start + 1))


def text(n: int) -> int:
    s = ""
    for i in range(n):
        s = s + str(i % 10) + ","
    return len(s)


def squares(n: int) -> int:
    found = [x * x for x in range(n)]
    kept = [x for x in found if x % 3 == 0]
    return sum(kept)


def count_words(words: list[str]) -> int:
    counts: dict[str, int] = {}
    for w in words:
        if counts.get(w):
            counts[w] = 1 + counts[w]
        else:
            counts[w] = 1
    return len(counts)


def load() -> LispE:
    """An interpreter with the LispE side of the programs."""
    lisp = LispE()
    lisp.execute(Path(__file__).with_name("core.lisp"))
    return lisp


def results(goal: float = 1.5) -> list[Result]:
    """The comparisons, as many as the foundation asks for and some more."""
    lisp = load()

    def ours(name: str) -> Any:
        return lisp.globals[name]

    words = [f"word{i % 997}" for i in range(200_000)]
    lisp.define("words", words)
    numbers = lisp.call("numbers_to", 100_000)
    plain = list(numbers)
    limit = sys.getrecursionlimit()
    with deep_recursion():
        found = [
            compare("recursive calls: fib 27", lambda: ours("fib")(27), lambda: fib(27), goal),
            compare("integer loop: collatz 30,000", lambda: ours("collatz")(30_000),
                    lambda: collatz(30_000), goal),
            compare("floats: mandelbrot 120 x 80", lambda: ours("mandelbrot")(120, 80),
                    lambda: mandelbrot(120, 80), goal),
            compare("list building, indexing: sieve", lambda: ours("sieve")(300_000),
                    lambda: sieve(300_000), goal),
            compare("car/cdr down 100,000 elements", lambda: ours("total")(numbers),
                    lambda: total(Rest(plain, 0)), goal),
            compare("string building: 200,000 pieces", lambda: ours("text")(200_000),
                    lambda: text(200_000), goal),
            compare("map, filter, sum of 200,000", lambda: ours("squares")(200_000),
                    lambda: squares(200_000)),
            compare("counting words in a dictionary", lambda: ours("count_words")(ours("words")),
                    lambda: count_words(words)),
        ]  # fmt: skip
    assert sys.getrecursionlimit() == limit
    return found
