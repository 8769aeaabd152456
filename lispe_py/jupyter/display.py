"""How a notebook shows a value: the text of the prompt, and a table for a tensor."""

from __future__ import annotations

import base64
import html
import sys
from collections.abc import Iterator
from typing import Any

from lispe_py.repl.values import about, element, summary

#: Rows and columns of a table; of a larger tensor the first ones are shown.
MOST = 10

Bundle = dict[str, str]


def bundle(value: Any) -> Bundle:
    """A value by MIME types; the text is what the prompt shows."""
    shown = {"text/plain": summary(value)}
    table = _table(value)
    if table is not None:
        shown["text/html"] = table
    return shown


def picture(path: str) -> Bundle:
    """A PNG file that a program has written."""
    with open(path, "rb") as stream:
        data = base64.b64encode(stream.read()).decode("ascii")
    return {"image/png": data, "text/plain": path}


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
