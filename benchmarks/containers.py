"""Whole-list work against numpy and against plain Python lists; how the cost of growing grows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.harness import best, line, unit
from lispe_py import LispE
from lispe_py.values.typed import Integers, Numbers

SIZES = (10**3, 10**4, 10**5, 10**6, 10**7)
#: Plain Python, and what calls a function for each member, up to here.
PYTHON_UP_TO = 10**6
#: The three sides that take turns, None where one has no counterpart.
Sides = tuple[Callable[[], Any], Callable[[], Any] | None, Callable[[], Any] | None]


def load() -> LispE:
    lisp = LispE()
    lisp.execute(Path(__file__).with_name("containers.lisp"))
    return lisp


def _loop(items: list[int]) -> int:
    total = 0
    for x in items:
        y = 1 + x * 2
        if y % 3 == 0:
            total += y
    return total


def list_work(lisp: LispE, size: int) -> dict[str, Sides]:
    """The work on lists of one length: LispE, numpy, plain Python."""
    import numpy as np

    rng = np.random.default_rng(size)
    a, b = rng.integers(-1000, 1000, size), rng.integers(-1000, 1000, size)
    x, y = rng.random(size), rng.random(size)
    i, j = Integers(a.tolist()), Integers(b.tolist())
    f, g = Numbers(x.tolist()), Numbers(y.tolist())
    pi, pj, pf, pg = i.tolist(), j.tolist(), f.tolist(), g.tolist()
    of = lisp.globals
    pairs = zip
    return {
        "sum": (lambda: of["total"](i), lambda: a.sum(), lambda: sum(pi)),
        "dot product": (
            lambda: of["dot"](f, g),
            lambda: (x * y).sum(),
            lambda: sum([p * q for p, q in pairs(pf, pg, strict=True)]),
        ),
        "integers + integers": (
            lambda: of["plus"](i, j),
            lambda: a + b,
            lambda: [p + q for p, q in pairs(pi, pj, strict=True)],
        ),
        "integers * 3": (
            lambda: of["scaled"](i), lambda: a * 3, lambda: [p * 3 for p in pi],
        ),
        "numbers + numbers": (
            lambda: of["plus"](f, g),
            lambda: x + y,
            lambda: [p + q for p, q in pairs(pf, pg, strict=True)],
        ),
        "numbers * 3": (
            lambda: of["scaled"](f), lambda: x * 3, lambda: [p * 3 for p in pf],
        ),
        "sort": (lambda: of["sorted"](i), lambda: np.sort(a), lambda: sorted(pi)),
        "unique": (
            lambda: of["distinct"](i), lambda: np.unique(a), lambda: list(dict.fromkeys(pi)),
        ),
        "cumulative sum": (
            lambda: of["running"](i), lambda: a.cumsum(), lambda: list(accumulate(pi)),
        ),
        "map, filter, fold": (lambda: of["kept_sum"](i), None, lambda: _loop(pi)),
    }  # fmt: skip


def matrix_work(lisp: LispE, side: int) -> dict[str, Sides]:
    """The work on matrices of one side: LispE, numpy."""
    import numpy as np

    rng = np.random.default_rng(side)
    a, b = rng.random(side), rng.random(side)
    m, n = rng.random((side, side)), rng.random((side, side))
    cells = rng.integers(0, 2, (side, side))
    of = lisp.globals
    f, g = Numbers(a.tolist()), Numbers(b.tolist())

    def matrix(values: Any) -> Any:
        kind = Integers if values.dtype.kind == "i" else Numbers
        return lisp.call("rho", side, side, kind(values.ravel().tolist()))

    lm, ln, board = matrix(m), matrix(n), matrix(cells)

    def life() -> Any:
        v = cells + np.roll(cells, 1, 0) + np.roll(cells, -1, 0)
        s = v + np.roll(v, 1, 1) + np.roll(v, -1, 1)
        return (s == 3) + cells * (s == 4)

    return {
        "outer product": (lambda: of["all_products"](f, g), lambda: np.outer(a, b), None),
        "matrix product": (lambda: of["matrix_product"](lm, ln), lambda: m @ n, None),
        "game of life": (lambda: of["life"](board), life, None),
    }


def _row(name: str, size: int, sides: Sides) -> None:
    present = [s for s in sides if s is not None]
    times = iter(best(*present, turns=3, seconds=0.5))
    ours = next(times)
    ratios = [f"{ours / next(times):10.2f}" if s else " " * 10 for s in sides[1:]]
    print(f"{name:24}{size:>12,}{unit(ours):>10}{''.join(ratios)}")
    sys.stdout.flush()


def report() -> None:
    """Print the ratios, the memory of a typed list and the growth factors."""
    lisp = load()
    print(f"{'':24}{'size':>12}{'LispE':>10}{'/ numpy':>10}{'/ Python':>10}")
    for size in SIZES:
        for name, (ours, numpy, python) in list_work(lisp, size).items():
            if size <= PYTHON_UP_TO:
                _row(name, size, (ours, numpy, python))
            elif numpy is not None:
                _row(name, size, (ours, numpy, None))
    for side in (32, 100, 316):
        for name, sides in matrix_work(lisp, side).items():
            _row(name, side * side, sides)
    line("memory of a million integers, over its buffer",
         f"{sys.getsizeof(Integers(range(10**6))) / 8e6:.3f}", "1.2")  # fmt: skip
    growth(lisp)


def growth(lisp: LispE) -> None:
    """How much longer a hundred times as much takes: 100 is linear, 10,000 quadratic."""
    print("\ngrowth from 10^4 to 10^6")
    for name in ("append_all", "text", "keys_of", "queue"):
        function = lisp.globals[name]
        (few,) = best(lambda f=function: f(10**4), turns=3, seconds=0)  # type: ignore[misc]
        (many,) = best(lambda f=function: f(10**6), turns=1, seconds=0)  # type: ignore[misc]
        line(name, f"{many / few:.0f}", "about 100")
    walk = lisp.globals["walk"]
    short, long = (lisp.call("to_list", Integers(range(n))) for n in (10**4, 10**6))
    (few,) = best(lambda: walk(short), turns=3, seconds=0)
    (many,) = best(lambda: walk(long), turns=1, seconds=0)
    line("cdr", f"{many / few:.0f}", "about 100")
    # A list with a member before it is a copy: a linked list grows at its head.
    function = lisp.globals["cons_all"]
    few, many = best(lambda: function(200), lambda: function(2000), turns=3, seconds=0)
    line("cons_all, from 200 to 2,000", f"{many / few:.0f}", "about 10")
