"""Where a line of a program begins, by the conventions of LispE.

- A line inside a call begins three columns to the right of the line on which the
  call was opened: ``(if test`` is followed by its branches, ``(defun f(x)`` by its
  body, however many brackets were opened before on that line.
- Members of data, which is a quoted list or braces, stand below one another, right of
  the bracket.
- Inside a string that goes on a line begins at the margin: what it holds is its own.

The prompt and ``lispe format`` ask the same function.
"""

from __future__ import annotations

from lispe_py.surface import (
    UNFINISHED_COMMENT,
    UNFINISHED_STRING,
    VOID,
    Token,
    open_brackets,
    tokens,
)

#: Columns by which the inside of a call stands to the right.
STEP = 3


def indent_of(lines_before: str) -> int:
    """The column, from 0, at which the line after a text begins.

    ``lines_before``: everything that stands before it, with or without the end of the
    last line.

    >>> indent_of("(defun square(x)")
    3
    >>> indent_of("(setq rows '((1 2)")
    13
    """
    found = tokens(lines_before)
    if found and found[-1].kind in (UNFINISHED_STRING, UNFINISHED_COMMENT):
        return 0
    opened = open_brackets(found)
    if not opened:
        return 0
    bracket = found[opened[-1]]
    line = lines_before.rfind("\n", 0, bracket.start) + 1
    if _is_data(found, opened[-1]):
        return bracket.end - line
    first = next(t for t in found if t.end > line and t.kind != "BLANK")
    return max(first.start - line, 0) + STEP


def _is_data(found: list[Token], index: int) -> bool:
    """Is it the bracket of data, with a member on its line?"""
    if index + 1 >= len(found) or found[index + 1].kind in VOID:
        return False
    if found[index].kind == "LBRACE":
        return True
    return index > 0 and found[index - 1].kind == "QUOTE"
