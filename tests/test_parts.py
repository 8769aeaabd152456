"""Long lists worked part by part, with other threads: what comes out, and what is refused."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lispe_py import LispE, LispError
from lispe_py.runtime import parts, vector
from lispe_py.values.matrix import Matrix
from lispe_py.values.typed import Integers, Numbers

#: More than one part, and enough for several threads.
SIZE = parts.LONG + 12_345
LARGE = 1 << 62


@pytest.fixture(params=[1, 2, 4])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(parts, "_threads", request.param)
    yield request.param


def test_every_member_is_in_one_part(threads: int) -> None:
    for size in (0, 1, parts.PART, parts.PART + 1, parts.LONG, SIZE, 5 * parts.LONG + 7):
        seen: list[tuple[int, int]] = []

        def work(start: int, stop: int, seen: list[tuple[int, int]] = seen) -> bool:
            seen.append((start, stop))
            return True

        assert parts.read_in_parts(size, work)
        bounds = sorted(seen)
        assert [start for start, _ in bounds] == [0, *(stop for _, stop in bounds)][: len(bounds)]
        assert (bounds[-1][1] if bounds else 0) == size
        assert all(stop - start <= parts.SHARED_PART for start, stop in bounds)


@pytest.mark.parametrize("bad", [0, SIZE // 2, SIZE - 1])
def test_one_part_that_says_no_is_enough(threads: int, bad: int) -> None:
    def good(start: int, stop: int) -> bool:
        return not start <= bad < stop

    assert parts.read_in_parts(SIZE, good) is False
    assert parts.checked_in_parts(SIZE, lambda start, stop: None, good, 1000) is False


def test_work_without_a_check(threads: int) -> None:
    done: list[int] = []
    assert parts.checked_in_parts(SIZE, lambda a, b: done.append(b - a), None, 1 << 10)
    assert sum(done) == SIZE
    assert max(done) <= 1 << 12  # a part that had to wait makes the next ones larger


def test_an_error_reaches_the_caller(threads: int) -> None:
    def work(start: int, stop: int) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        parts.read_in_parts(SIZE, work)
    with pytest.raises(ZeroDivisionError):
        parts.checked_in_parts(SIZE, work, lambda a, b: True, SIZE)
    with pytest.raises(ZeroDivisionError):
        parts.checked_in_parts(SIZE, lambda a, b: None, work, SIZE)


def test_parts_grow_where_another_thread_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(1000))
    monkeypatch.setattr(parts, "perf_counter", lambda: next(moments))
    sizes: list[int] = []
    assert parts._each(lambda a, b: sizes.append(b - a) is None, 0, 10_000, 100)
    assert sizes == [100, 400, 1600, 6400, 1500]


def test_the_number_of_threads_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for asked, wanted in (("1", 1), ("none", None), ("0", None)):
        monkeypatch.setattr(parts, "_threads", 0)
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        cores = min(len(os.sched_getaffinity(0)), parts.MOST)
        assert parts._count() == (wanted or cores)


def test_without_threads_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a program that is ending.
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    monkeypatch.setattr(parts, "_pool", pool)
    monkeypatch.setattr(parts, "_threads", 3)
    items = Integers(range(SIZE))
    assert vector.total(items) == SIZE * (SIZE - 1) // 2
    done: list[int] = []
    work, good = lambda start, stop: done.append(stop - start), lambda start, stop: True
    assert parts.checked_in_parts(SIZE, work, good, SIZE)
    assert sum(done) == SIZE
    assert not parts.checked_in_parts(SIZE, work, lambda start, stop: stop < SIZE, SIZE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_makes_threads_of_its_own(threads: int) -> None:
    items = Integers(range(SIZE))
    wanted = SIZE * (SIZE - 1) // 2
    assert vector.total(items) == wanted
    child = os.fork()
    if not child:
        os._exit(0 if vector.total(items) == wanted else 1)
    assert os.waitpid(child, 0)[1] == 0


# ---------------------------------------------------------------- what it is used for


@pytest.fixture(scope="module")
def lisp() -> LispE:
    lisp = LispE()
    lisp.eval(
        "(defun plus(a b) (+ a b)) (defun minus(a b) (- a b)) (defun times(a b) (* a b))"
        "(defun three(a b c) (+ a b c)) (defun rest(a b c) (- a b c))"
        "(defun factors(a b c) (* a b c)) (defun mixed(a b c) (+ a b (* c 2)))"
    )
    return lisp


def test_integers_on_several_threads(lisp: LispE, threads: int) -> None:
    a, b = list(range(-5, SIZE - 5)), list(range(SIZE, 0, -1))
    i, j = Integers(a), Integers(b)
    call = lisp.call
    assert call("plus", i, j) == Integers([x + y for x, y in zip(a, b, strict=True)])
    assert call("minus", i, 7) == Integers([x - 7 for x in a])
    assert call("times", i, j) == Integers([x * y for x, y in zip(a, b, strict=True)])
    assert vector.total(i) == sum(a)
    assert vector.total(Integers([LARGE] * SIZE)) == LARGE * SIZE


@pytest.mark.parametrize("at", [0, SIZE // 2, SIZE - 1])
def test_an_integer_that_does_not_fit_is_refused(lisp: LispE, threads: int, at: int) -> None:
    items = Integers([1]) * SIZE
    items[at] = LARGE
    before = items.tobytes()
    for name, others in (("plus", (items,)), ("times", (items,)), ("three", (items, items))):
        with pytest.raises(LispError, match="does not fit"):
            lisp.call(name, items, *others)
    assert items.tobytes() == before


def test_a_sum_that_comes_back_between_the_limits_is_refused_as_step_by_step(lisp: LispE) -> None:
    a, b, c = (Integers([n]) * 5000 for n in (LARGE, LARGE, -LARGE))
    with pytest.raises(LispError, match="does not fit"):
        lisp.call("three", a, b, c)
    assert lisp.call("three", a, c, b) == Integers([LARGE]) * 5000


@pytest.mark.parametrize(
    ("size", "count"), [(3, 1), (500, 1), (5000, 1), (SIZE, 1), (SIZE, 2), (SIZE, 4)]
)
@pytest.mark.parametrize("kind", [Integers, Numbers])
def test_three_lists_at_once(
    lisp: LispE, monkeypatch: pytest.MonkeyPatch, kind: Any, size: int, count: int
) -> None:
    monkeypatch.setattr(parts, "_threads", count)
    members = [[(n * k) % 97 - 40 for n in range(size)] for k in (3, 5, 7)]
    if kind is Numbers:
        members = [[m / 8 for m in row] for row in members]
    a, b, c = map(kind, members)
    rows = list(zip(*members, strict=True))
    assert lisp.call("three", a, b, c) == kind([x + y + z for x, y, z in rows])
    assert lisp.call("rest", a, b, c) == kind([x - y - z for x, y, z in rows])
    assert lisp.call("factors", a, b, c) == kind([x * y * z for x, y, z in rows])
    assert lisp.call("mixed", a, b, c) == kind([x + y + z * 2 for x, y, z in rows])


def test_three_matrices_at_once(lisp: LispE) -> None:
    def matrix(factor: int) -> Matrix:
        return Matrix("integers", (60, 70), Integers([n * factor for n in range(4200)]))

    a, b, c = matrix(1), matrix(10), matrix(100)
    a.parts  # noqa: B018 - rows that were taken out are live
    found = lisp.call("three", a, b, c)
    assert found.shape == (60, 70)
    assert found.buffer == Integers([n * 111 for n in range(4200)])
    found = lisp.call("three", a, b, 3)
    assert found.buffer == Integers([n * 11 + 3 for n in range(4200)])
    other = Matrix("integers", (70, 60), Integers([1]) * 4200)
    assert lisp.call("three", a, b, other).shape != (70, 60)


def test_lists_that_are_not_alike_follow_the_rules_of_each_step(lisp: LispE) -> None:
    long, short = Integers(range(5000)), Integers([10]) * 3000
    numbers = Numbers([0.5]) * 5000
    plus = lambda a, b: lisp.call("plus", a, b)  # noqa: E731
    for triple in ((long, short, long), (short, long, long), (long, numbers, long),
                   (numbers, long, numbers), (long, long, 2.75), (2, long, numbers)):  # fmt: skip
        wanted = plus(plus(triple[0], triple[1]), triple[2])
        found = lisp.call("three", *triple)
        assert type(found) is type(wanted)
        assert found == wanted


def test_the_error_names_the_place_of_the_operation(lisp: LispE) -> None:
    with pytest.raises(LispError) as caught:
        lisp.eval("(setq a (integers 1 2))\n(+ a\n  3 (car '(x)))")
    assert (caught.value.line, caught.value.column) == (2, 1)


@pytest.mark.parametrize("kind", [Integers, Numbers])
@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize(
    "form",
    [
        "(+ (* a b) c)", "(+ a (* b c))", "(- (* a 3) (* b 2) (* a c))", "(* (- a b) (- a b))",
        "(- a (- b (- c a)))", "(+ (+ (* (+ (* a 3) 2) a) 7) b)", "(* 2 (- a (* 3 b)))",
    ],
)  # fmt: skip
def test_a_result_may_take_the_place_of_one_on_the_way(kind: Any, grid: bool, form: str) -> None:
    size = 4200
    lists = [kind([(n * k) % 97 - 40 for n in range(size)]) for k in (3, 5, 7)]
    values = [Matrix(kind.kind, (60, 70), items) if grid else items for items in lists]
    before = [items.tobytes() for items in lists]
    lisp = LispE()
    lisp.eval(f"(defun f(a b c) {form})")
    found = lisp.call("f", *values)
    # numbers of this size are exact, so Python's integers say what is right
    step = LispE()
    step.eval(f"(defun f(a b c) {form})")
    wanted = [step.call("f", *(int(items[n]) for items in lists)) for n in range(size)]
    assert found.__class__ is values[0].__class__
    assert (found.buffer if grid else found) == kind(wanted)
    assert [items.tobytes() for items in lists] == before


def test_what_is_known_of_a_matrix_ends_when_it_is_written_to(lisp: LispE) -> None:
    import numpy

    def fresh() -> Any:
        ones = Matrix("integers", (60, 70), Integers([1]) * 4200)
        found = lisp.call("plus", ones, ones)
        assert found.known == (0, 2)
        return found

    def by_row(matrix: Any) -> None:
        matrix.parts[3][5] = LARGE

    def by_view(matrix: Any) -> None:
        numpy.asarray(matrix)[3, 5] = LARGE

    lisp.define("large", LARGE)
    writers: list[Callable[[Any], Any]] = [
        by_row,
        by_view,
        lambda m: m.write((3, 5), LARGE),
        lambda m: m.put(3, 5, LARGE),
        lambda m: m.fill(Integers([LARGE]) * 4200),
        lambda m: lisp.eval("(\\(m) (set@ m 3 5 large))")(m),
        lambda m: lisp.eval("(\\(m) (setq r (@ m 3)) (set@ r 5 large))")(m),
    ]
    for write in writers:
        matrix = fresh()
        write(matrix)
        assert matrix.known is None
        with pytest.raises(LispError, match="does not fit"):
            lisp.call("plus", matrix, matrix)


def test_bounds_that_are_too_wide_are_read_again(lisp: LispE) -> None:
    wide = Matrix("integers", (60, 70), Integers([3]) * 4200, (-LARGE, LARGE))
    found = lisp.call("plus", wide, wide)
    assert found.known == (0, 6)
    assert found.buffer == Integers([6]) * 4200
    assert found.known is None


def test_generations_of_life(lisp: LispE) -> None:
    import numpy

    cells = numpy.random.default_rng(3).integers(0, 2, (70, 65))
    lisp.eval(
        """(defun life(m)
           (setq v (+ m (rotate m 1 true) (rotate m -1 true)))
           (setq s (+ v (rotate v 1) (rotate v -1)))
           (+ (== s 3) (* m (== s 4))))"""
    )
    board = Matrix("integers", cells.shape, Integers(cells.ravel().tolist()))
    for _ in range(5):
        v = cells + numpy.roll(cells, 1, 0) + numpy.roll(cells, -1, 0)
        s = v + numpy.roll(v, 1, 1) + numpy.roll(v, -1, 1)
        cells = (s == 3) + cells * (s == 4)
        board = lisp.call("life", board)
        assert board.known is not None
        assert board.nested() == cells.tolist()
        board = Matrix("integers", board.shape, board.for_reading(), board.known)


def test_threads_of_python_can_add_at_the_same_time(lisp: LispE) -> None:
    a = Integers(range(SIZE))
    wanted = Integers(range(0, 2 * SIZE, 2))
    found: list[bool] = []
    workers = [
        threading.Thread(target=lambda: found.append(lisp.call("plus", a, a) == wanted))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [True] * 4
