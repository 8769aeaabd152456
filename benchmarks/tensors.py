"""What a primitive of the torch library costs beside torch, and lists become tensors."""

from __future__ import annotations

import torch

from benchmarks.harness import best, line, unit
from lispe_py import LispE

#: Calls in one timing.
CALLS = 200_000

PROGRAM = f"""
(defun add_often(a b) (loopcount {CALLS} (torch_add a b)))
(setq ten_million (iota 10000000))
(defun copied() (torch_tensor ten_million))
(defun borrowed() (torch_borrow ten_million))
"""


def report() -> None:
    """Print the cost of a call, and of the ways from a list to a tensor."""
    lisp = LispE()
    lisp.eval(PROGRAM)
    a, b = torch.zeros(4), torch.ones(4)

    def python() -> None:
        add = torch.add
        for _ in range(CALLS):
            add(a, b)

    add_often = lisp.globals["add_often"]
    ours, theirs = best(lambda: add_often(a, b), python, turns=10)
    line("torch.add(a, b), called by Python", unit(theirs / CALLS))
    line("(torch_add a b), in a compiled function", unit(ours / CALLS))
    line("  the difference", unit(max(0.0, ours - theirs) / CALLS), "150 ns")

    numbers = torch.arange(10_000_000)
    clone, copied, borrowed = best(
        numbers.clone, lisp.globals["copied"], lisp.globals["borrowed"], turns=10
    )
    line("10 million integers: torch's own copy", unit(clone))
    line("10 million integers to a tensor: copied", unit(copied), "as fast")
    line("10 million integers to a tensor: borrowed", unit(borrowed), "1 ms")
