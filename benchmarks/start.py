"""How long the command takes to start, with a fresh process each time."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.harness import best, line, unit


def report() -> None:
    """Print the times of the shortest programs."""

    def run(*words: str) -> None:
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)

    python, lispe = best(
        lambda: run("-c", "print(1 + 1)"),
        lambda: run("-m", "lispe_py", "-e", "(+ 1 1)"),
        turns=10,
        seconds=10,
    )
    line("python -c 'print(1 + 1)'", unit(python))
    line("lispe -e '(+ 1 1)'", unit(lispe), "120 ms")
