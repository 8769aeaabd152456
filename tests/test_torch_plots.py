"""Plots: texts for the terminal, PNG files."""

from __future__ import annotations

import builtins
import math
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from tensor_programs import interpreter, refused, run

from lispe_py import LispE, LispError


def png_size(path: Path) -> tuple[int, int]:
    """Width and height, from the header of a PNG file."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_a_curve_as_text() -> None:
    lines = run("(torch_plot_loss (floats 4 2 1 0.5))").split("\n")
    assert len(lines) == 13
    assert lines[0] == "  4 |*" and lines[11] == "0.5 |   *" and lines[12] == "    +---- 4"
    columns = ["".join(line)[5:].find("*") for line in lines[:12]]
    assert [c for c in columns if c >= 0] == [0, 1, 2, 3], "a falling loss falls"


def test_long_curves_are_gathered() -> None:
    lines = run("(torch_plot_loss t)", t=torch.linspace(1, 0, 1000)).split("\n")
    assert max(map(len, lines)) < 80 and lines[-1].endswith(" 1000")


def test_several_curves_and_a_title() -> None:
    text = run(
        '(torch_plot_loss (dictionary "train" (floats 3 2) "test" (floats 4 1)) nil "run 1")'
    )
    lines = text.split("\n")
    assert lines[0] == "run 1" and lines[-1] == "* train  o test"
    assert "o" in lines[1] and "*" not in lines[1]
    assert run("(torch_plot_loss (list (floats 3 2) (floats 4 1)))").split("\n")[-1] == "* 1  o 2"


def test_values_that_are_not_finite_are_left_out() -> None:
    text = run("(torch_plot_loss t)", t=torch.tensor([1.0, math.nan, math.inf, 0.5]))
    assert text.count("*") == 2
    assert run("(torch_plot_loss (floats 2 2 2))").count("*") == 3


def test_attention_as_text() -> None:
    weights = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.25, 0.25, 0.5]])
    assert run("(torch_plot_attention w)", w=weights) == "██    \n▒▒▒▒  \n░░░░▒▒"
    text = run('(torch_plot_attention w nil (list "a" "bb" "c"))', w=weights)
    assert text.split("\n")[1] == "bb ▒▒▒▒  "
    text = run('(torch_plot_attention w nil nil "map")', w=torch.stack([weights, weights]))
    assert text.split("\n")[:2] == ["map", "head 0"] and text.count("\n") == 8
    assert run("(torch_plot_attention w)", w=weights.expand(3, 2, 3, 3)).startswith("head 0")


def test_a_histogram_as_text() -> None:
    lines = run("(torch_plot_histogram (floats 1 2 2 3) nil 2)").split("\n")
    assert [line.split()[-1] for line in lines] == ["1", "3"]
    assert lines[0].startswith("1 .. 2 |") and lines[1].count("█") == 40
    tally = [line.split()[-1] for line in run("(torch_plot_histogram (torch_ones 5))").split("\n")]
    assert sum(map(int, tally)) == 5 and len(tally) == 10


def test_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for form in (
        "(torch_plot_loss (floats 4 2 1) p)",
        '(torch_plot_loss (dictionary "a" (floats 3 2) "b" (floats 4 1)) p "title")',
        '(torch_plot_attention (torch_rand \'(4 3 3)) p (list "x" "y" "z") "title")',
        "(torch_plot_attention (torch_rand '(100 90)) p)",
        "(torch_plot_histogram (torch_randn '(100)) p 20)",
    ):
        path = tmp_path / "plot.png"
        assert run(form, p=str(path)) == str(path)
        width, height = png_size(path)
        assert width > 300 and height > 200
        assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"
        path.unlink()


@pytest.mark.parametrize(
    "form",
    ["(torch_plot_loss (list))", "(torch_plot_loss 4)", "(torch_plot_loss '(\"a\"))",
     "(torch_plot_loss (dictionary))", "(torch_plot_loss (torch_zeros '(2 2 2)))",
     "(torch_plot_loss (torch_log (torch_tensor (floats -1))))", "(torch_plot_loss (floats 1) \"p.jpg\")",
     "(torch_plot_loss (floats 1) 4)", "(torch_plot_loss (floats 1) nil 4)",
     "(torch_plot_attention (floats 1 2))", "(torch_plot_attention (torch_rand '(100 90)))",
     "(torch_plot_attention (torch_rand '(2 2)) nil (list \"a\"))",
     "(torch_plot_attention (torch_rand '(2 2)) nil 4)", "(torch_plot_histogram (list))",
     "(torch_plot_histogram (floats 1) nil 0)", "(torch_plot_histogram \"x\")",
     "(torch_plot_loss (floats 1) \"/no/such/folder/p.png\")"],
)  # fmt: skip
def test_what_cannot_be_drawn(form: str) -> None:
    assert refused(form)


def test_files_need_the_capability(tmp_path: Path) -> None:
    lisp = LispE(allow=())
    lisp.eval("(use 'lispe_torch)")
    assert "*" in lisp.eval("(torch_plot_loss (floats 2 1))")
    lisp.globals["p"] = str(tmp_path / "plot.png")
    with pytest.raises(LispError, match="fs"):
        lisp.eval("(torch_plot_loss (floats 2 1) p)")


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lisp = interpreter(p=str(tmp_path / "plot.png"))
    original = builtins.__import__

    def absent(name: str, *rest: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return original(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(LispError) as caught:
        lisp.eval("(torch_plot_loss (floats 2 1) p)")
    assert "matplotlib" in caught.value.message and "plots" in (caught.value.hint or "")
