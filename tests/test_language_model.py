"""The main job, in small: the example trains, and a second run goes on where it stopped."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCRIPT = "lisp_examples/language_model.lisp"


def run(folder: Path, epochs: int) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "lispe_py", SCRIPT, str(folder), str(epochs)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def figure(out: str, label: str) -> float:
    found = re.search(rf"{label}\D*([0-9.]+) nats", out)
    assert found, out
    return float(found[1])


def test_trains_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    out, progress = run(folder, 2)
    entropy, first = figure(out, "unigram entropy"), figure(out, "validation loss")
    assert first < 0.75 * entropy
    assert "epoch 1/2" in progress and "epoch 2/2" in progress
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert len(out.partition("A sample:\n")[2]) > 50

    again, progress = run(folder, 3)
    assert "epoch 3/3" in progress and "epoch 2/3" not in progress
    assert figure(again, "unigram entropy") == entropy
    assert figure(again, "validation loss") < first
