"""Plots of a training: losses, attention maps, histograms.

With a path a plot is a PNG file, drawn by matplotlib (the extra ``plots``);
without one it is a text for the terminal, which needs nothing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context

from . import convert
from .arguments import positive, shape_text, text, what
from .storage import write_file

LIBRARY = "lispe_torch"

_WIDTH, _HEIGHT = 64, 12
_SHADES = " ░▒▓█"
_BLOCKS = " ▏▎▍▌▋▊▉█"
#: An attention map of more positions is drawn to a file only.
_MOST_CELLS = 64


def _vector(value: Any, name: str) -> Tensor:
    """Numbers to draw, as a float64 vector on the CPU."""
    if isinstance(value, Tensor):
        found = convert.settled(value)
    elif convert.is_data(value):
        found = convert.from_lisp(value)
    else:
        raise LispError(f"{name} must be a list of numbers or a tensor, not {what(value)}")
    if found.is_complex():
        raise LispError(f"{name} must be real numbers")
    return found.to(torch.float64)


def _series(losses: Any) -> dict[str, Tensor]:
    """The curves: one, or several by name."""
    if isinstance(losses, Mapping):
        found = {str(name): _vector(curve, f"losses of {name}") for name, curve in losses.items()}
    else:
        one = _vector(losses, "losses")
        if one.dim() == 2:
            found = {str(i + 1): curve for i, curve in enumerate(one)}
        else:
            found = {"loss": one}
    for name, curve in found.items():
        if curve.dim() != 1 or not curve.numel():
            raise LispError(f"losses of {name} must be a flat list of at least one number")
    if not found:
        raise LispError("there are no losses to draw")
    return found


def _finite_range(values: Sequence[Tensor]) -> tuple[float, float]:
    joined = torch.cat([v.reshape(-1) for v in values])
    joined = joined[torch.isfinite(joined)]
    if not joined.numel():
        raise LispError("there is no finite number to draw")
    return float(joined.min()), float(joined.max())


# ---------------------------------------------------------------- files


def _save(
    lisp: Context, path: Any, title: str, size: tuple[float, float], draw: Callable[[Any], None]
) -> str:
    """Draw a figure into a PNG file; its path."""
    name = text(path, "path")
    lisp.require("fs")
    if os.path.splitext(name)[1].lower() not in ("", ".png"):
        raise LispError(f"a plot is written as .png, not {name}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise LispError(
            "plots need matplotlib", hint="install it: pip install 'lispe-py[plots]'"
        ) from None
    figure = Figure(figsize=size, layout="constrained")
    draw(figure)
    if title:
        figure.suptitle(title)

    def write(passing: str) -> None:
        with open(passing, "wb") as stream:
            figure.savefig(stream, format="png")

    write_file(name, write)
    if lisp.on_picture is not None:
        lisp.on_picture(name)
    return name


def _title(value: Any) -> str:
    return "" if value is None else text(value, "title")


# ---------------------------------------------------------------- losses


@primitive("torch_plot_loss", library=LIBRARY, interpreter=True)
def torch_plot_loss(lisp: Context, losses: Any, path: Any = None, title: Any = None) -> str:
    """The curve of losses: a PNG file at path, or without one a text for the terminal.

    losses is a list of numbers (or a tensor), a list of such lists, or a
    dictionary of them by name. The answer is the path, or the text. A file
    needs matplotlib (pip install 'lispe-py[plots]'); values that are not finite
    are left out.

    (in (torch_plot_loss (floats 4 2 1 0.5)) "0.5 |   *")
    ; true
    """
    curves = _series(losses)
    low, high = _finite_range(list(curves.values()))
    if path is None:
        return _loss_text(curves, low, high, _title(title))

    def draw(figure: Any) -> None:
        panel = figure.add_subplot()
        for name, curve in curves.items():
            panel.plot(range(1, curve.numel() + 1), curve.tolist(), label=name)
        panel.set_ylabel("loss")
        panel.grid(alpha=0.3)
        if len(curves) > 1:
            panel.legend()

    return _save(lisp, path, _title(title), (7, 4.5), draw)


def _loss_text(curves: Mapping[str, Tensor], low: float, high: float, title: str) -> str:
    """A chart of characters: the marks of each curve, the range on the left."""
    marks = "*o+x#@%&"
    steps = max(curve.numel() for curve in curves.values())
    width = min(_WIDTH, max(steps, 2))
    span = high - low or 1.0
    rows = [[" "] * width for _ in range(_HEIGHT)]
    for number, curve in enumerate(curves.values()):
        mark = marks[number % len(marks)]
        for column in range(width):
            # The values that fall into one column are drawn by their mean.
            first = column * steps // width
            last = max((column + 1) * steps // width, first + 1)
            part = curve[first:last]
            part = part[torch.isfinite(part)]
            if part.numel():
                height = (float(part.mean()) - low) / span
                rows[_HEIGHT - 1 - round(height * (_HEIGHT - 1))][column] = mark
    labels = {0: f"{high:g}", _HEIGHT - 1: f"{low:g}"}
    margin = max(map(len, labels.values()))
    lines = [title] if title else []
    for i, row in enumerate(rows):
        lines.append(f"{labels.get(i, ''):>{margin}} |{''.join(row).rstrip()}")
    lines.append(f"{'':>{margin}} +{'-' * width} {steps}")
    if len(curves) > 1:
        lines.append("  ".join(f"{marks[i % len(marks)]} {name}" for i, name in enumerate(curves)))
    return "\n".join(lines)


# ---------------------------------------------------------------- attention


@primitive("torch_plot_attention", library=LIBRARY, interpreter=True)
def torch_plot_attention(
    lisp: Context, weights: Any, path: Any = None, tokens: Any = None, title: Any = None
) -> str:
    """A map of attention weights: a PNG file at path, or a text for the terminal.

    weights is [queries, keys], or [heads, queries, keys] for a panel a head; of
    a batch the first member is drawn. tokens is a list of words for the
    positions. The answer is the path, or the text.

    (list (torch_plot_attention (torch_tensor '((1.0 0.5)))))
    ; ("██▒▒")
    """
    value = _vector(weights, "weights")
    while value.dim() > 3:
        value = value[0]
    if value.dim() == 2:
        value = value.unsqueeze(0)
    if value.dim() != 3 or not value.numel():
        raise LispError(
            f"weights must be [queries, keys] or [heads, queries, keys], not {shape_text(value)}"
        )
    words = None if tokens is None else _words(tokens, value.shape[1:])
    _, high = _finite_range([value])
    if path is None:
        return _attention_text(value, high, words, _title(title))
    heads = value.shape[0]
    columns = math.ceil(math.sqrt(heads))
    lines = math.ceil(heads / columns)

    def draw(figure: Any) -> None:
        panels = figure.subplots(lines, columns, squeeze=False)
        for head, panel in enumerate(panels.flat):
            if head >= heads:
                panel.set_axis_off()
                continue
            image = panel.imshow(value[head].tolist(), vmin=0.0, vmax=high or 1.0, aspect="auto")
            if heads > 1:
                panel.set_title(f"head {head}", fontsize=9)
            if words is not None:
                panel.set_xticks(range(value.shape[2]), words[: value.shape[2]], rotation=90)
                panel.set_yticks(range(value.shape[1]), words[: value.shape[1]])
        figure.colorbar(image, ax=panels.ravel().tolist())

    return _save(lisp, path, _title(title), (4.0 * columns + 1, 3.5 * lines), draw)


def _words(tokens: Any, shape: Sequence[int]) -> list[str]:
    if not convert.is_data(tokens) and not isinstance(tokens, list):
        raise LispError(f"tokens must be a list of words, not {what(tokens)}")
    found = [word if isinstance(word, str) else str(word) for word in tokens]
    if len(found) < max(shape):
        raise LispError(f"{len(found)} tokens for {max(shape)} positions")
    return found


def _attention_text(value: Tensor, high: float, words: list[str] | None, title: str) -> str:
    heads, queries, keys = value.shape
    if max(queries, keys) > _MOST_CELLS:
        raise LispError(
            f"a map of {queries} by {keys} positions is too large for the terminal",
            hint="give a path, for a PNG file",
        )
    margin = max(len(word) for word in words[:queries]) + 1 if words is not None else 0
    lines = [title] if title else []
    top = high if high > 0 else 1.0
    for head in range(heads):
        if heads > 1:
            lines.append(f"head {head}")
        for query, row in enumerate(value[head].tolist()):
            shades = "".join(2 * _shade(weight / top) for weight in row)
            label = f"{words[query]:>{margin - 1}} " if words is not None else ""
            lines.append(label + shades)
    return "\n".join(lines)


def _shade(part: float) -> str:
    if not math.isfinite(part):
        return "?"
    return _SHADES[min(len(_SHADES) - 1, max(0, math.ceil(part * (len(_SHADES) - 1))))]


# ---------------------------------------------------------------- histograms


@primitive("torch_plot_histogram", library=LIBRARY, interpreter=True)
def torch_plot_histogram(
    lisp: Context, values: Any, path: Any = None, bins: Any = None, title: Any = None
) -> str:
    """A histogram of the elements: a PNG file at path, or a text for the terminal.

    bins is the number of intervals, 10 by default. The answer is the path, or
    the text; values that are not finite are left out.

    (in (torch_plot_histogram (floats 1 2 2 3) nil 2) "2 .. 3 |")
    ; true
    """
    flat = _vector(values, "values").reshape(-1)
    count = 10 if bins is None else positive(bins, "bins")
    low, high = _finite_range([flat])
    flat = flat[torch.isfinite(flat)]
    if low == high:
        low, high = low - 0.5, high + 0.5
    tally = torch.histc(flat, count, low, high).to(torch.int64).tolist()
    edges = [low + (high - low) * i / count for i in range(count + 1)]
    if path is None:
        return _histogram_text(tally, edges, _title(title))

    def draw(figure: Any) -> None:
        panel = figure.add_subplot()
        panel.stairs(tally, edges, fill=True)
        panel.set_ylabel("count")

    return _save(lisp, path, _title(title), (7, 4.5), draw)


def _histogram_text(tally: list[int], edges: list[float], title: str) -> str:
    most = max(tally) or 1
    names = [f"{edges[i]:.4g} .. {edges[i + 1]:.4g}" for i in range(len(tally))]
    margin = max(map(len, names))
    lines = [title] if title else []
    for name, count in zip(names, tally, strict=True):
        eighths = round(count / most * 40 * 8)
        bar = "█" * (eighths // 8) + _BLOCKS[eighths % 8].strip()
        lines.append(f"{name:>{margin}} |{bar} {count}")
    return "\n".join(lines)
