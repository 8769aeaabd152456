"""The conformance corpus: reading it, running a case, judging what came out."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lispe_py import LispE, LispError, LispExit

FOLDER = Path(__file__).parent / "conformance"
TOPICS = ("core", "containers", "strings", "torch")
#: Seconds that one case may last.
LIMIT = 120

Case = dict[str, Any]


class TooLong(BaseException):
    """A case did not end in time. No handler of the language may catch it."""


def load(topic: str) -> list[Case]:
    """The cases of a topic that are demanded of us: not those that a decision settles."""
    with open(FOLDER / f"{topic}.jsonl", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    return [case for case in cases if not case.get("decided")]


def pending() -> set[str]:
    """Cases that do not pass yet. The list may only shrink."""
    return set((FOLDER / "pending.txt").read_text(encoding="utf-8").split())


def deviations() -> dict[str, str]:
    """Cases in which we differ on purpose: id and reason."""
    lines = (FOLDER / "deviations.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines if line)  # type: ignore[misc]


def lacks(case: Case) -> str | None:
    """What this machine has not, or has and should not have, for a case to run."""
    needs = set(case.get("needs", ()))
    if needs & {"cuda", "nocuda", "nomps"}:
        import torch

        cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
        present = {"cuda": cuda, "nocuda": not cuda, "nomps": not mps}
        return next((need for need in needs if not present.get(need, True)), None)
    return None


def make_models(folder: Path) -> dict[str, str]:
    """The tiny models that the torch cases use, by the name of the global."""
    spec = importlib.util.spec_from_file_location("make_tiny_hf", FOLDER / "make_tiny_hf.py")
    assert spec is not None and spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    maker.main(str(folder))
    return {
        "tinyhf": str(folder / "tiny_llama"),
        "tinyqwen": str(folder / "tiny_qwen3"),
        "tinyjit": str(folder / "tiny_jit.pt"),
    }


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise TooLong(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def run(case: Case, values: dict[str, str]) -> str | None:
    """Run a case in an interpreter of its own; what is wrong with the outcome, or None."""
    out = io.StringIO()
    value = error = None
    before = os.getcwd()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        try:
            lisp = LispE(stdout=out, stderr=io.StringIO(), stdin=io.StringIO())
            for name, given in values.items():
                lisp.define(name, given)
            if case["id"].startswith("torch/"):
                os.mkdir("tmp")
                lisp.define("tmpdir", os.path.join(folder, "tmp", ""))
            with _time_limit(LIMIT):
                value = lisp.show(lisp.eval(case["program"]))
        except LispError as raised:
            error = raised.text
        except (LispExit, TooLong) as ended:
            return f"ended by {ended!r}"
        except Exception as escaped:
            return f"an internal error: {escaped!r}"
        finally:
            os.chdir(before)
    if case["error"] is None and error is not None:
        return f"an error: {error}"
    if case["error"] is not None and error is None:
        return f"no error, but {value}"
    wanted = case.get("value")
    if wanted is not None and case["error"] is None and value != wanted:
        return f"value {value!r} in place of {wanted!r}"
    if trimmed(out.getvalue()) != trimmed(case["out"]):
        return f"printed {out.getvalue()!r} in place of {case['out']!r}"
    return None
