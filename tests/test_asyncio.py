"""Evaluations in coroutines."""

from __future__ import annotations

import asyncio
import time

import pytest

from lispe_py import LimitError, LispE, LispError


def test_other_tasks_go_on() -> None:
    lisp = LispE()
    ticks = []

    async def tick() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0.01)

    async def main() -> object:
        other = asyncio.create_task(tick())
        value = await lisp.eval_async("(sleep 200) (+ 1 2)")
        other.cancel()
        return value

    assert asyncio.run(main()) == 3
    assert len(ticks) > 3


def test_errors_and_limits_arrive_where_it_is_awaited() -> None:
    async def main() -> None:
        lisp = LispE()
        with pytest.raises(LispError, match="car"):
            await lisp.eval_async("(car 5)")
        with pytest.raises(LimitError):
            await lisp.eval_async("(while true nil)", max_seconds=0.05)

    asyncio.run(main())


@pytest.mark.parametrize("delay", [0, 0.05])
def test_a_cancellation_ends_the_program(delay: float) -> None:
    lisp = LispE()

    async def main() -> None:
        task = asyncio.create_task(lisp.eval_async("(while true (maybe (car 1) nil))"))
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert lisp.running == []
        assert await lisp.eval_async("(+ 1 2)") == 3

    before = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - before < 10


def test_several_at_once() -> None:
    async def main() -> list[object]:
        lisp = LispE()
        lisp.eval("(defun f(n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2)))))")
        return await asyncio.gather(*[lisp.eval_async(f"(f {n})") for n in range(10)])

    assert asyncio.run(main()) == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
