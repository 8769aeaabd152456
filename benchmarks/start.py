"""How long the command takes to start, with a fresh process each time, and to help."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import best, line, unit


def report() -> None:
    """Print the times of the shortest programs, of the prompt and of completion."""

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
    if sys.platform != "win32":
        with tempfile.TemporaryDirectory() as home:
            (prompt,) = best(lambda: to_the_prompt(home), turns=5, seconds=10)
        line("lispe, until the prompt is there", unit(prompt), "400 ms")
    line("completion, all torch names known", unit(completion()), "50 ms")
    with tempfile.TemporaryDirectory() as folder:
        length, compiled, found = loading(Path(folder))
    line(f"a file of {length:,} lines: read, compiled", unit(compiled))
    line("the same, found compiled", unit(found), f"{unit(compiled / 5)}")


def to_the_prompt(home: str) -> None:
    """Start the command on a pseudo-terminal; return once it asks for an entry."""
    import pty

    child, terminal = pty.fork()
    if not child:
        environment = {**os.environ, "HOME": home, "TERM": "xterm-256color"}
        os.execve(sys.executable, [sys.executable, "-m", "lispe_py", "--private"], environment)
    try:
        seen = b""
        while b">" not in seen.replace(b"\x1b[>", b""):
            seen += os.read(terminal, 65536)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def completion() -> float:
    """Seconds that the longest list of candidates takes, and one of a single name."""
    from lispe_py import LispE
    from lispe_py.assistance import complete, prepare

    lisp = LispE()
    prepare()
    return max(
        *best(
            lambda: complete(lisp, "(", 1),
            lambda: complete(lisp, "(torch_", 7),
            lambda: complete(lisp, "(matmul", 7),
        )
    )


def loading(folder: Path) -> tuple[int, float, float]:
    """Lines of a long program, seconds until it is there at first, and the next time."""
    from lispe_py import LispE

    text = Path(__file__).with_name("core.lisp").read_text(encoding="utf-8")
    names = re.compile(
        rf"(?<=\()({'|'.join(re.findall(r'defun ([^(]+)', text))})\b|(?<=defun )[^(]+"
    )
    program = "".join(names.sub(lambda name, n=n: f"{name[0]}_{n}", text) for n in range(20))
    file = folder / "long.lisp"
    file.write_text(program, encoding="utf-8")
    before = os.environ.get("LISPE_CACHE")
    os.environ["LISPE_CACHE"] = str(folder / "cache")

    def load(cache: bool) -> None:
        LispE(cache=cache).execute(file)

    try:
        first, second = best(lambda: load(False), lambda: load(True), turns=5, seconds=5)
    finally:
        del os.environ["LISPE_CACHE"]
        if before is not None:
            os.environ["LISPE_CACHE"] = before
    return program.count("\n"), first, second
