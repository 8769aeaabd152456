"""Memory of Python's arrays that programs read and write without a copy."""

from __future__ import annotations

import subprocess
import sys
from array import array
from typing import Any

import numpy
import pytest
import torch

from lispe_py import LispE, LispError


def test_tensors_from_python_are_themselves() -> None:
    """Also in a program that names nothing of the torch library, in a new process."""
    code = (
        "import torch\n"
        "from lispe_py import LispE\n"
        "lisp, t = LispE(), torch.tensor([1.0, 2.0])\n"
        "lisp.define('t', t)\n"
        "assert lisp.eval('t') is t\n"
        "print(lisp.show(lisp.eval('(set@ t 0 5) (list (type t) (size t) (+ t 1) (@ t 1))')))\n"
        "print(t.tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("(torch_tensor_ 2 (6 3) 2)\n[5.0, 2.0]\n", "")


def writable(values: Any) -> memoryview:
    return memoryview(bytearray(values))


@pytest.mark.parametrize(
    "make, cell",
    [
        (lambda: numpy.arange(6.0).reshape(2, 3), (1, 2)),
        (lambda: numpy.arange(6, dtype="int32").reshape(3, 2)[::2], (1, 1)),
        (lambda: numpy.asfortranarray(numpy.ones((2, 2), "float32")), (0, 1)),
        (lambda: array("d", [1, 2, 3]), (1,)),
        (lambda: array("q", [1, 2, 3]), (2,)),
        (lambda: bytearray(b"abc"), (0,)),
        (lambda: writable(b"abcdef").cast("B", (2, 3)), (1, 0)),
        (lambda: torch.ones(2, 2), (0, 1)),
        (lambda: LispE().eval("(integers 1 2 3)"), (2,)),
    ],
    ids=["numpy", "strided", "by-columns", "array", "integers", "bytearray", "view", "tensor", "typed"],
)  # fmt: skip
def test_memory_is_shared(make: Any, cell: tuple[int, ...]) -> None:
    lisp, data = LispE(), make()
    lisp.globals["shared"] = lisp.share(data)
    key = cell if len(cell) > 1 else cell[0]
    where = " ".join(map(str, cell))
    lisp.eval(f"(set@ shared {where} 7)")
    assert data[key] == 7, "what the program writes is read in Python"
    data[key] = 9
    assert lisp.eval(f"(= (@ shared {where}) 9)") is True, "and the other way"


def test_functions_share_memory_too() -> None:
    lisp, image = LispE(), numpy.zeros((2, 2))
    lisp.eval("(defun paint(m v) (set@ m 1 1 v) m)")
    painted = lisp.call("paint", lisp.share(image), 3)
    assert image[1, 1] == 3
    image[0, 0] = 4
    assert painted.tolist() == [[4.0, 0.0], [0.0, 3.0]]
    # A matrix of a program is a buffer for numpy: one memory as long as no row was taken.
    matrix = lisp.eval("(setq m (matrix 2 2)) m")
    lisp.share(matrix)[0, 1] = 5
    assert lisp.eval("(@ m 0 1)") == 5


def test_memory_that_is_shared_keeps_its_size() -> None:
    lisp, data = LispE(), array("d", [1, 2])
    tensor = lisp.share(data)
    with pytest.raises(BufferError):
        data.append(3)
    del tensor
    data.append(3)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"abc", "this memory may only be read"),
        (numpy.broadcast_to(numpy.ones(1), (3,)), "this memory may only be read"),
        ([1, 2], "cannot share memory of the class list: "),
        (5, "cannot share memory of the class int: "),
        (array("u", "abc"), "cannot share memory of the class array: "),
        (numpy.arange(3)[::-1], "cannot share memory of the class ndarray: "),
        (numpy.arange(3).astype(">i4"), "cannot share memory of the class ndarray: "),
        (numpy.array(["a"]), "cannot share memory of the class ndarray: "),
    ],
)
def test_memory_that_cannot_be_shared(data: Any, message: str) -> None:
    with pytest.raises(LispError, match=message):
        LispE().share(data)
