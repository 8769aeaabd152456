"""Training that is killed and started again gives the weights of one that was left alone.

``python -m tests.kill_resume [--times N] [--seed N]`` trains a small network with
``torch_train`` in a process of its own, ends that process with SIGKILL at a random moment
of training, and starts it again until it is done; then the next training begins, until
there have been N kills. Every start must find a whole checkpoint or none, and the weights,
the losses and the state of the optimiser at the end must equal, bit for bit, those of a
training that nobody killed.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

#: A network with dropout, so that the state of the random numbers matters too.
SCRIPT = """
(use 'lispe_torch)
(random_seed 11)
(setq folder (@ _args 0))
(setq model (torch_module
   (dictionary "a" (torch_linear 32 64) "b" (torch_linear 64 64) "c" (torch_linear 64 4))
   (lambda (m x)
      (setq x (tensor_dropout (tensor_relu (torch_forward (@ m "a") x)) 0.1))
      (torch_forward (@ m "c") (tensor_relu (torch_forward (@ m "b") x))))))
(setq inputs (tensor_randn '(240 32)))
(setq targets (tensor_argmax (tensor_matmul inputs (tensor_randn '(32 4))) 1))
(setq optimizer (torch_optimizer model 0.003 "adamw"))
(setq schedule (torch_lr_scheduler optimizer "linear_warmup_cosine"
   (dictionary "total_steps" 300 "warmup_steps" 30)))
(println "training")
(setq history (torch_train model optimizer (list inputs targets) "cross_entropy" (dictionary
   "epochs" 20 "batch_size" 16 "scheduler" schedule "clip_norm" 1.0
   "checkpoint" (+ folder "/run.pt") "checkpoint_every" 2 "resume" true)))
(torch_save_model model (+ folder "/end.pt"))
(println (@ history "steps") (json (@ history "loss")))
"""


@dataclass
class Outcome:
    """What happened in all trainings together."""

    kills: int = 0
    #: kills before the first checkpoint was there
    early: int = 0
    trainings: int = 0
    #: files of killed writers that lie beside the checkpoint at the end
    left: int = 0
    faults: list[str] = field(default_factory=list)


class Killed(Exception):
    """The training was ended by us."""


def train(script: Path, folder: Path, after: float | None) -> tuple[str, float]:
    """Run the script; kill it so many seconds after training has begun.

    Returns:
        What it printed, and the seconds that its training took.

    Raises:
        Killed: it was ended in time.
        RuntimeError: it ended by itself, with an error.
    """
    command = [sys.executable, "-u", "-m", "lispe_py", str(script), str(folder)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, env=one_thread
    ) as process:
        assert process.stdout is not None
        begins = process.stdout.readline()
        start = time.monotonic()
        # Its next line comes when training is done.
        if begins and not select.select([process.stdout], [], [], after)[0]:
            process.kill()
            process.wait()
            raise Killed
        taken = time.monotonic() - start
        rest, errors = process.communicate()
        if process.returncode:
            raise RuntimeError(f"status {process.returncode}: {errors.decode().strip()[-600:]}")
        return rest.decode(), taken


def differences(wanted: Any, found: Any, place: str = "") -> list[str]:
    """Where two records of plain values and tensors are not the same, bit for bit."""
    if isinstance(wanted, torch.Tensor):
        same = isinstance(found, torch.Tensor) and wanted.dtype == found.dtype
        return [] if same and torch.equal(wanted, found) else [place]
    if isinstance(wanted, dict) and isinstance(found, dict):
        if list(wanted) != list(found):
            return [place]
        return [d for k in wanted for d in differences(wanted[k], found[k], f"{place}.{k}")]
    if isinstance(wanted, (list, tuple)) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{place}.{i}")]
    return [] if wanted == found else [place]


def results(folder: Path) -> list[Any]:
    """The weights and the last checkpoint of a training that is done."""
    weights, last = (torch.load(folder / name, weights_only=True) for name in ("end.pt", "run.pt"))
    # The script draws from neither of these two, and nothing has seeded them.
    for unused in ("python", "numpy"):
        del last["random"][unused]
    return [weights, last]


def run(times: int, folder: Path, seed: int, report: bool = False) -> Outcome:
    """Train again and again until there have been so many kills."""
    draw = random.Random(seed)
    script = folder / "train.lisp"
    script.write_text(SCRIPT, encoding="utf-8")
    alone = folder / "alone"
    alone.mkdir()
    wanted_text, seconds = train(script, alone, None)
    wanted = results(alone)
    outcome = Outcome()
    while outcome.kills < times:
        outcome.trainings += 1
        here = folder / f"run{outcome.trainings}"
        here.mkdir()
        while True:
            after = draw.uniform(0, seconds) if outcome.kills < times else None
            try:
                text, _ = train(script, here, after)
            except Killed:
                outcome.kills += 1
                outcome.early += not (here / "run.pt").exists()
                if report:
                    print(f"\rkilled {outcome.kills} times", end="", file=sys.stderr, flush=True)
                continue
            except RuntimeError as error:
                outcome.faults.append(f"training {outcome.trainings}: {error}")
                break
            if text != wanted_text:
                outcome.faults.append(f"training {outcome.trainings}: {text!r}")
            places = differences(wanted, results(here))
            if places:
                outcome.faults.append(
                    f"training {outcome.trainings}: {len(places)} differences, first {places[:3]}"
                )
            break
        outcome.left += len(list(here.glob(".run.pt.*")))
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kill_resume")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(arguments.times, Path(folder), arguments.seed, report=True)
    print(
        f"\n{outcome.kills} kills in {outcome.trainings} trainings, {outcome.early} before the "
        f"first checkpoint; {outcome.left} unfinished files beside the checkpoints"
    )
    print("\n".join(outcome.faults) or "all weights, losses and checkpoints equal, bit for bit")
    sys.exit(1 if outcome.faults else 0)


if __name__ == "__main__":
    main()
