"""Timing: two programs that do the same, turn by turn, in one process.

A machine that is busy with something else slows both sides; taking turns and
keeping the best time of each makes their ratio hold where the times do not.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Turns that each side has at least, and seconds after which no more are begun.
TURNS = 5
SECONDS = 4.0


@dataclass(frozen=True)
class Result:
    """Best times of the two sides, in seconds a call."""

    name: str
    lispe: float
    python: float
    #: the ratio that is wanted at most, None where there is none
    goal: float | None = None

    @property
    def ratio(self) -> float:
        return self.lispe / self.python


def once(function: Callable[[], Any]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def best(
    *functions: Callable[[], Any], turns: int = TURNS, seconds: float = SECONDS
) -> list[float]:
    """The best time of each function; they take turns, each in every place of the order.

    Who runs after a function that fills the cache with other data is slower for it.
    """
    for function in functions:
        function()
    times = [float("inf")] * len(functions)
    order = list(range(len(functions)))
    end = time.perf_counter() + seconds
    done = 0
    gc.collect()
    gc.disable()
    try:
        while done < turns or (time.perf_counter() < end and done < 10 * turns):
            for place in order:
                times[place] = min(times[place], once(functions[place]))
            order.append(order.pop(0))
            done += 1
    finally:
        gc.enable()
    return times


def compare(
    name: str,
    lispe: Callable[[], Any],
    python: Callable[[], Any],
    goal: float | None = None,
) -> Result:
    """Time two functions that must give the same.

    Raises:
        ValueError: when they do not.
    """
    value, expected = lispe(), python()
    if value != expected:
        raise ValueError(f"{name}: LispE gives {value!r:.100}, Python {expected!r:.100}")
    ours, theirs = best(lispe, python)
    return Result(name, ours, theirs, goal)


def unit(seconds: float) -> str:
    """A time with a unit that suits it."""
    for factor, name in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns"


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def line(name: str, value: str, goal: str = "") -> None:
    """Print one figure, and what is wanted."""
    print(f"{name:44}{value:>10}" + (f"   wanted: {goal}" if goal else ""))
    sys.stdout.flush()


def table(results: list[Result]) -> None:
    """Print a comparison: a line each, and whether the goal is reached."""
    print(f"{'':34}{'LispE':>10}{'Python':>10}{'ratio':>8}{'goal':>7}")
    for r in results:
        goal = f"{r.goal:7.2f}" if r.goal else " " * 7
        mark = "" if r.goal is None or r.ratio <= r.goal else "  above"
        print(f"{r.name:34}{unit(r.lispe):>10}{unit(r.python):>10}{r.ratio:8.2f}{goal}{mark}")
    sys.stdout.flush()
