"""Whole-list work against numpy and against plain Python lists; how the cost of growing grows."""

from __future__ import annotations

import sys
from array import array
from collections import deque
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
LOOP_SIZES = (10**3, 10**4, 10**5)
#: The sides that take turns, LispE first, None where one has no counterpart.
Sides = tuple[Callable[[], Any] | None, ...]
#: Makes the lists of a program in Python.
Make = Callable[[list[Any]], Any]


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


def _integers(items: list[Any]) -> Any:
    return array("q", items)


def _numbers(items: list[Any]) -> Any:
    return array("d", items)


def _sieve(limit: int, ints: Make = list) -> int:
    flags = ints([1]) * limit
    i = 2
    while i * i < limit:
        if flags[i]:
            for j in range(i * i, limit, i):
                flags[j] = 0
        i += 1
    return sum(flags) - 2


def _numpy_sieve(limit: int) -> int:
    import numpy as np

    flags = np.ones(limit, bool)
    for i in range(2, int(limit**0.5) + 1):
        if flags[i]:
            flags[i * i :: i] = False
    return int(flags.sum()) - 2


def _kmeans(
    xs: Any, ys: Any, centres: Any, rounds: int, ints: Make = list, reals: Make = list
) -> Any:
    cx, cy = reals([xs[c] for c in centres]), reals([ys[c] for c in centres])
    for _ in range(rounds):
        sx, sy, n = reals([0.0]) * len(cx), reals([0.0]) * len(cx), ints([0]) * len(cx)
        for i in range(len(xs)):
            x, y = xs[i], ys[i]
            least, best = 1e300, 0
            for c in range(len(cx)):
                dx, dy = x - cx[c], y - cy[c]
                d = dx * dx + dy * dy
                if d < least:
                    least, best = d, c
            sx[best] += x
            sy[best] += y
            n[best] += 1
        cx = reals([a / k for a, k in zip(sx, n, strict=True)])
        cy = reals([a / k for a, k in zip(sy, n, strict=True)])
    return cx, cy


def _numpy_kmeans(x: Any, y: Any, centres: list[int], rounds: int) -> Any:
    import numpy as np

    cx, cy = x[centres], y[centres]
    for _ in range(rounds):
        best = ((x[:, None] - cx) ** 2 + (y[:, None] - cy) ** 2).argmin(1)
        n = np.bincount(best, minlength=len(cx))
        cx, cy = (np.bincount(best, v, len(cx)) / n for v in (x, y))
    return cx, cy


def loop_work(lisp: LispE, size: int) -> dict[str, Sides]:
    """Loops over typed lists, member by member: LispE, numpy, Python on lists and on arrays.

    An array of Python's keeps its members as a typed list does, and makes a number of each
    that is read: no loop in Python over such a list is faster.
    """
    import numpy as np

    rng = np.random.default_rng(size)
    x, y = rng.random(size), rng.random(size)
    f, g = Numbers(x.tolist()), Numbers(y.tolist())
    pf, pg = x.tolist(), y.tolist()
    af, ag = _numbers(pf), _numbers(pg)
    centres = [0, 1, 2, 3]
    of = lisp.globals
    return {
        "sieve": (
            lambda: of["sieve"](size), lambda: _numpy_sieve(size), lambda: _sieve(size),
            lambda: _sieve(size, _integers),
        ),
        "k-means, 4 centres, 3 rounds": (
            lambda: of["kmeans"](f, g, Integers(centres), 3),
            lambda: _numpy_kmeans(x, y, centres, 3),
            lambda: _kmeans(pf, pg, centres, 3),
            lambda: _kmeans(af, ag, centres, 3, _integers, _numbers),
        ),
    }  # fmt: skip


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
    print(f"{'loops':24}{'size':>12}{'LispE':>10}{'/ numpy':>10}{'/ Python':>10}{'/ array':>10}")
    for size in LOOP_SIZES:
        for name, sides in loop_work(lisp, size).items():
            _row(name, size, sides)
    for side in (32, 100, 316, 1000, 3162):
        for name, sides in matrix_work(lisp, side).items():
            _row(name, side * side, sides)
    line("memory of a million integers, over its buffer",
         f"{sys.getsizeof(Integers(range(10**6))) / 8e6:.3f}", "1.2")  # fmt: skip
    growth(lisp)


def _grown(function: Callable[[int], Any], few: int, many: int) -> float:
    (short,) = best(lambda: function(few), turns=3, seconds=0)
    (long,) = best(lambda: function(many), turns=1, seconds=0)
    return long / short


def _python_growths() -> dict[str, Callable[[int], Any]]:
    def append_all(n: int) -> int:
        found: list[int] = []
        for i in range(n):
            found.append(i)
        return len(found)

    def text(n: int) -> int:
        found = ""
        for _ in range(n):
            found += "ab"
        return len(found)

    def keys_of(n: int) -> int:
        found = {}
        for i in range(n):
            found[i] = 1
        return len(found)

    def queue(n: int) -> int:
        waiting = deque(range(n))
        total = 0
        while waiting:
            total += waiting.popleft()
        return total

    return {"append_all": append_all, "text": text, "keys_of": keys_of, "queue": queue}


def growth(lisp: LispE) -> None:
    """How much longer a hundred times as much takes: 100 is linear, 10,000 quadratic.

    Python's own growth stands beside: memory that is taken for the first time costs more.
    """
    few, many = 10**4, 10**6
    print(f"\n{'growth from 10^4 to 10^6':24}{'LispE':>12}{'Python':>10}")
    for name, python in _python_growths().items():
        ours = _grown(lisp.globals[name], few, many)
        print(f"{name:24}{ours:>12.0f}{_grown(python, few, many):>10.0f}")
    walk = lisp.globals["walk"]
    lists = {n: lisp.call("to_list", Integers(range(n))) for n in (few, many)}
    print(f"{'cdr':24}{_grown(lambda n: walk(lists[n]), few, many):>12.0f}")
    for name in ("cons_all", "cons_linked"):
        print(f"{name:24}{_grown(lisp.globals[name], few, many):>12.0f}")
    # A list with a member before it is a copy: only a loop does better.
    deep = lisp.globals["cons_deep"]
    grown = _grown(lambda n: deep(n, lisp.call("list")), 200, 20_000)
    print(f"{'cons_deep, 200 to 20,000':24}{grown:>12.0f}")
