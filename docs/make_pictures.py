"""``make pictures``: the picture of the prompt, from a session on a pseudo-terminal.

Needs pexpect and pyte (the ``test`` extra).
"""

from __future__ import annotations

import html
import os
import sys
import tempfile
import time
from pathlib import Path

import pexpect
import pyte

COLUMNS, ROWS = 92, 26
#: Seconds to wait for the prompt.
PATIENCE = 60
#: Size of a character cell, and the colours of the screen.
WIDTH, HEIGHT = 8.4, 18
GROUND, INK = "#1e1f29", "#e6e6e6"
COLOURS = {
    "black": "#44475a", "red": "#ff6e6e", "green": "#69d58c", "brown": "#e5c07b",
    "blue": "#7aa2f7", "magenta": "#d19af0", "cyan": "#7fdbea", "white": INK, "default": INK,
}  # fmt: skip

ENTRIES = (
    "(defun fib(n)\r(if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))",
    "(time (fib 20))",
    "(setq w (torch_ones '(512 512)))",
    "(torch_matmul w w)",
    "(torch_matmul w (torch_ones '(3)))",
)
#: What is being written when the picture is taken.
LAST = "(torch_soft"


def session() -> pyte.Screen:
    """The screen after the entries."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "TERM": "xterm-256color", "PAGER": "cat"}
        for name in ("NO_COLOR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            environment.pop(name, None)
        process = pexpect.spawn(
            sys.executable, ["-m", "lispe_py", "--private"], env=environment,
            dimensions=(ROWS, COLUMNS), encoding="utf-8",
        )  # fmt: skip

        def pump(seconds: float) -> None:
            """Take what comes, and answer where the cursor is."""
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    text = process.read_nonblocking(65536, 0.1)
                except pexpect.TIMEOUT:
                    continue
                stream.feed(text)
                if "\x1b[6n" in text:
                    process.send(f"\x1b[{screen.cursor.y + 1};{screen.cursor.x + 1}R")

        def wait() -> None:
            end = time.monotonic() + PATIENCE
            while not (screen.cursor.x == 2 and screen.display[screen.cursor.y].strip() == ">"):
                if time.monotonic() > end:
                    raise TimeoutError("\n".join(screen.display))
                pump(0.2)

        for entry in ENTRIES:
            wait()
            process.send(entry + "\r")
            pump(0.5)
        wait()
        process.send(LAST)
        pump(3)
        process.close(force=True)
    return screen


def colour(name: str) -> str:
    """A colour of the screen, which is a name or six hexadecimal digits."""
    return COLOURS.get(name) or COLOURS.get(name.removeprefix("bright")) or f"#{name}"


def svg(screen: pyte.Screen) -> str:
    """The screen as a picture, one text element for each run of one look."""
    height = HEIGHT * (screen.lines + 1)
    width = WIDTH * (screen.columns + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">',
        f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>',
    ]
    for row in range(screen.lines):
        column = 0
        while column < screen.columns:
            cell = screen.buffer[row][column]
            look = cell[1:]
            text = ""
            start = column
            while column < screen.columns and screen.buffer[row][column][1:] == look:
                text += screen.buffer[row][column].data
                column += 1
            ink, ground = colour(cell.fg), colour(cell.bg) if cell.bg != "default" else GROUND
            if cell.reverse:
                ink, ground = ground, ink
            x, y = WIDTH * (start + 1), HEIGHT * (row + 0.5)
            if ground != GROUND:
                parts.append(
                    f'<rect x="{x:g}" y="{y:g}" width="{WIDTH * len(text):g}" '
                    f'height="{HEIGHT}" fill="{ground}"/>'
                )
            if text.strip():
                bold = ' font-weight="bold"' if cell.bold else ""
                parts.append(
                    f'<text x="{x:g}" y="{y + 13:g}" textLength="{WIDTH * len(text):g}" '
                    f'fill="{ink}"{bold} xml:space="preserve">{html.escape(text)}</text>'
                )
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    target = Path(__file__).parent / "pictures" / "prompt.svg"
    target.parent.mkdir(exist_ok=True)
    target.write_text(svg(session()), encoding="utf-8")
    print(target)
