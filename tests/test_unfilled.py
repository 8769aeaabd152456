"""Lists made on memory that was not filled: they are lists like any other."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from array import array

import numpy as np
import pytest

from lispe_py import LispE
from lispe_py.values import unfilled as module
from lispe_py.values.typed import Floats, Integers, Numbers, Numeric, Shorts
from lispe_py.values.unfilled import filled, list_of, unfilled

KINDS = [Integers, Shorts, Floats, Numbers]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 1, 17, 5000, 3 << 20])
def test_a_list_of_a_length(kind: type[Numeric], size: int) -> None:
    found = unfilled(kind, size)
    assert found.__class__ is kind
    assert len(found) == size
    assert memoryview(found).nbytes == size * found.itemsize


def test_the_fast_way_is_taken_here() -> None:
    assert sys.implementation.name != "cpython" or module._maker() is not filled


@pytest.mark.parametrize("size", [1, 300, 1 << 20])
def test_it_grows_shrinks_and_is_released(size: int) -> None:
    found = list_of(Integers, np.arange(size))
    found.append(-1)
    found.extend(array("q", [7] * 50))
    assert found[size - 1] == size - 1
    assert found[size:].tolist() == [-1, *[7] * 50]
    del found[1:-1]
    assert found.tolist() == [0, 7]
    found.insert(1, 5)
    assert found.tolist() == [0, 5, 7]


def test_memory_comes_back() -> None:
    tracemalloc.start()
    try:
        kept = unfilled(Numbers, 1 << 20)
        assert tracemalloc.get_traced_memory()[0] >= 1 << 23
        del kept
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 1 << 20
    finally:
        tracemalloc.stop()


def test_list_of_takes_any_layout() -> None:
    grid = np.arange(6, dtype="i4").reshape(2, 3)
    assert list_of(Numbers, grid.T).tolist() == [0, 3, 1, 4, 2, 5]
    assert list_of(Shorts, grid[:, ::2]).tolist() == [0, 2, 3, 5]
    assert list_of(Floats, np.empty(0)).tolist() == []


def test_a_python_with_another_layout_has_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        name = "other"

    monkeypatch.setattr(sys, "implementation", Other)
    assert module._maker() is filled
    assert filled(Integers, 4).tolist() == [0, 0, 0, 0]
    assert filled(Integers, 0).tolist() == []


def test_results_of_long_lists() -> None:
    lisp = LispE()
    lisp.eval("(setq a (iota 100000)) (setq b (* a 3)) (setq c (+ b a))")
    assert lisp.eval("(list (@ c 0) (@ c 99999) (size c) (sum c))") == [
        4, 400000, 100000, 4 * 100000 * 100001 // 2,
    ]  # fmt: skip
    lisp.eval("(push c 1) (pop c 0)")
    assert lisp.eval("(list (@ c 0) (@ c -1) (size c))") == [8, 1, 100000]
