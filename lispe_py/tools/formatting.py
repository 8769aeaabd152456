"""``lispe format``: programs laid out by the conventions.

Lines stay where their author broke them, if they are not too long. Each begins where
:mod:`lispe_py.indentation` says; between two members stands one blank; closing brackets
follow what they close; two blank lines or more become one. Comments and strings are left
as they are. What is written reads as the same program: that is tested before a file is
touched.
"""

from __future__ import annotations

import argparse
import difflib
import sys

from lispe_py.errors import LispError
from lispe_py.indentation import indent_of
from lispe_py.printer import show
from lispe_py.reader import read
from lispe_py.runtime.atomic import replacing
from lispe_py.surface import CLOSING, COMMENTS, OPENING, Token, open_brackets, tokens
from lispe_py.tools.files import lisp_files, text_of

WIDTH = 100

#: A piece of a line, and whether a blank goes before it.
Piece = tuple[Token, str]


def format_text(text: str, file: str = "main") -> str:
    """The text of a program, laid out anew.

    Raises:
        LispError: it cannot be read.

    >>> print(format_text("(defun f(x)\\n(* x\\n   2 )\\n)"), end="")
    (defun f(x)
       (* x
          2))
    """
    before = read(text, file)
    head = ""
    if text.startswith("#!"):
        head, _, text = text.partition("\n")
        head += "\n"
    made = head + _laid_out(text)
    if show(read(made, file)) != show(before) or _comments(made) != _comments(head + text):
        raise LispError("the layout would change the program; it is left as it is", file=file)
    return made


def _comments(text: str) -> list[str]:
    return [text[t.start : t.end].rstrip() for t in tokens(text) if t.kind in COMMENTS]


def _laid_out(text: str) -> str:
    lines: list[str] = []
    # The text since the last line at which no bracket was open.
    since: list[str] = []
    for pieces, blank in _lines(text):
        if blank and lines:
            lines.append("")
        rest = pieces
        while rest:
            column = indent_of("\n".join(since)) if since else 0
            now, rest = _broken(text, rest, column)
            line = (" " * column + _joined(text, now)).rstrip()
            lines.append(line)
            since.append(line)
            if not open_brackets(tokens("\n".join(since))):
                since.clear()
    return "\n".join(lines) + "\n" if lines else ""


def _lines(text: str) -> list[tuple[list[Piece], bool]]:
    """The pieces of each line, closing brackets drawn up, and whether a blank line was above."""
    found: list[tuple[list[Piece], bool]] = []
    gap = "\n"
    for token in tokens(text):
        if token.kind == "BLANK":
            gap = text[token.start : token.end]
            continue
        breaks = gap.count("\n")
        last = found[-1][0][-1][0] if found else None
        if last is not None and last.kind == "COMMENT" and not breaks:
            breaks = 1
        drawn = token.kind in CLOSING and last is not None and last.kind not in COMMENTS
        if last is None or (breaks and not drawn):
            found.append(([(token, "")], breaks > 1))
        else:
            found[-1][0].append((token, _blank(last, token, gap if not breaks else "")))
        gap = ""
    return found


def _blank(last: Token, token: Token, gap: str) -> str:
    """What stands between two pieces of a line."""
    if token.kind in COMMENTS:
        return gap or " "  # comments of several lines may be aligned
    if last.kind in OPENING or token.kind in CLOSING:
        return ""
    if last.kind in CLOSING and token.kind in OPENING:
        return " "
    return " " if gap else ""


def _joined(text: str, pieces: list[Piece]) -> str:
    joined = "".join(blank + text[t.start : t.end] for t, blank in pieces)
    return joined[len(pieces[0][1]) :]


def _broken(text: str, pieces: list[Piece], column: int) -> tuple[list[Piece], list[Piece]]:
    """A line that fits, and what is left for the next: broken at the outermost blank."""
    if len(_joined(text, pieces).partition("\n")[0]) + column <= WIDTH:
        return pieces, []
    best: tuple[int, int] | None = None
    depth = used = 0
    for index, (token, blank) in enumerate(pieces):
        before = pieces[index - 1][0] if index else None
        # The head of a call keeps its first argument, a name its parameters.
        alone = index < 2 or (index > 1 and pieces[index - 2][0].kind in OPENING)
        if blank and token.kind not in COMMENTS and before is not None and not alone:
            if column + used <= WIDTH and (best is None or depth <= best[0]):
                best = (depth, index)
        depth += (token.kind in OPENING) - (token.kind in CLOSING)
        used += len(blank) + token.end - token.start
    if best is None:
        return pieces, []
    at = best[1]
    return pieces[:at], pieces[at:]


def main(words: list[str]) -> int:
    """``lispe format [--check] [--diff] FILE|FOLDER ...``"""
    parser = argparse.ArgumentParser(
        prog="lispe format", description="Lay out programs by the conventions, in place."
    )
    parser.add_argument("paths", nargs="+", metavar="FILE|FOLDER")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if a file would")
    parser.add_argument("--diff", action="store_true", help="change nothing; print what would")
    options = parser.parse_args(words)
    status = 0
    try:
        paths = list(lisp_files(options.paths))
    except LispError as error:
        print(f"lispe format: {error.message}", file=sys.stderr)
        return 2
    for path in paths:
        try:
            before = text_of(path)
            after = format_text(before, path)
        except LispError as error:
            place = f"{path}:{error.line or 1}:{error.column or 1}"
            print(f"{place}: {error.message}", file=sys.stderr)
            status = 1
            continue
        if before == after:
            continue
        if options.diff:
            lines = (before.splitlines(True), after.splitlines(True))
            sys.stdout.writelines(difflib.unified_diff(*lines, path, path))
        if options.check or options.diff:
            print(f"would change {path}", file=sys.stderr)
            status = status or int(options.check)
            continue
        with replacing(path) as stream:
            stream.write(after.encode())
        print(f"changed {path}")
    return status
