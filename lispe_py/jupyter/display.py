"""How a notebook shows a value: the text of the prompt, and a table for a tensor.

Objects of Python that know how to show themselves, as data frames do, are asked.
Source: IPython, "Rich display", https://ipython.readthedocs.io/en/stable/config/integrating.html
"""

from __future__ import annotations

import base64
import html
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from IPython.core.formatters import DisplayFormatter

from lispe_py.repl.values import about, element, summary

#: Rows and columns of a table; of a larger tensor the first ones are shown.
MOST = 10

#: What is shown, by MIME types; pictures are texts in base64.
Bundle = dict[str, Any]


def bundle(value: Any) -> Bundle:
    """A value by MIME types; the text is what the prompt shows."""
    table = _table(value)
    shown = _own(value) if table is None else {"text/html": table}
    return {**shown, "text/plain": summary(value)}


@cache
def _formatter() -> DisplayFormatter:
    return DisplayFormatter()


def _own(value: Any) -> Bundle:
    """What an object has methods for, besides text."""
    shown, _ = _formatter().format(value, exclude=["text/plain"])
    return {kind: _text(data) for kind, data in shown.items()}


def _text(data: Any) -> Any:
    """Pictures of points are sent in base64."""
    return base64.b64encode(data).decode("ascii") if isinstance(data, bytes) else data


def picture(path: str) -> Bundle:
    """A PNG file that a program has written."""
    with open(path, "rb") as stream:
        return {"image/png": _text(stream.read()), "text/plain": path}


def _table(value: Any) -> str | None:
    """A vector or matrix of torch as HTML; None for anything else."""
    torch = sys.modules.get("torch")
    kind = getattr(torch, "Tensor", None)
    if kind is None or not isinstance(value, kind) or value.dim() not in (1, 2):
        return None
    try:
        matrix = value.detach() if value.dim() == 2 else value.detach().unsqueeze(0)
        rows = matrix[:MOST, :MOST].tolist()
    except (RuntimeError, NotImplementedError, TypeError):
        # Sparse, or of a device without memory: the text says what it is.
        return None
    body = "".join(_rows(rows, *matrix.shape))
    return f"<table><caption>{html.escape(about(value))}</caption>{body}</table>"


def _rows(rows: list[list[Any]], height: int, width: int) -> Iterator[str]:
    for row in rows:
        cells = [html.escape(element(x)) for x in row] + ["…"] * (width > MOST)
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    if height > MOST:
        cells = ["⋮"] * (min(width, MOST) + (width > MOST))
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
