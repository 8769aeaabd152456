"""Programs that use the torch library, run in an interpreter of their own."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lispe_py import LispE, LispError

torch.set_num_threads(1)


def interpreter(**variables: Any) -> LispE:
    """An interpreter with the library loaded and these global variables."""
    lisp = LispE()
    lisp.eval("(use 'lispe_torch)")
    for name, value in variables.items():
        lisp.globals[name] = value
    return lisp


def run(program: str, **variables: Any) -> Any:
    """The value of a program."""
    return interpreter(**variables).eval(program)


def shown(program: str, **variables: Any) -> str:
    """The value of a program as the prompt prints it."""
    lisp = interpreter(**variables)
    return lisp.show(lisp.eval(program))


def refused(program: str, **variables: Any) -> str:
    """The message of the error that a program must raise."""
    with pytest.raises(LispError) as caught:
        run(program, **variables)
    return caught.value.message


def near(found: Any, expected: Any, tolerance: float = 1e-6) -> bool:
    """Same shape and element type, and values that differ by rounding only."""
    return (
        found.shape == expected.shape
        and found.dtype == expected.dtype
        and torch.allclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    )
