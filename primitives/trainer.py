"""The training loop: epochs, batches, validation, checkpoints, and going on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import Numbers

from . import sharded_files, storage
from .arguments import (
    boolean,
    is_list,
    known,
    natural,
    number,
    positive,
    shape_text,
    text,
    what,
)
from .arguments import (
    options as options_of,
)
from .checkpoints import apply_checkpoint, read_checkpoint, record_of, write_together
from .losses import torch_crossentropy_loss, torch_mse_loss
from .optimisers import clip, optimizer_of
from .persistence import gathered
from .schedulers import scheduler_of
from .sharding import Grouped, by_first, is_sharded, of_all, processes, rank, started
from .training import precision, scaler_of

LIBRARY = "lispe_torch"

_OPTIONS = (
    "epochs", "batch_size", "shuffle", "drop_last", "validation", "scheduler", "scheduler_every",
    "clip_norm", "accumulate", "patience", "min_delta", "checkpoint", "checkpoint_every", "resume",
    "max_steps", "progress", "autocast", "scaler", "callback", "seed",
)  # fmt: skip

Loss = Callable[[Any, Any], Any]


class Data:
    """Examples in batches: tensors that share their first axis, or ready-made batches.

    In both, the last tensor is the target and those before it are the inputs.
    """

    def __init__(self, value: Any, batch_size: int, name: str) -> None:
        members = list(value) if is_list(value) else []
        self.batch_size = batch_size
        self.tensors: list[Tensor] = []
        self.batches: list[list[Tensor]] = []
        if len(members) >= 2 and all(isinstance(m, Tensor) for m in members):
            self.tensors = members
            sizes = {m.shape[0] if m.dim() else 0 for m in members}
            if len(sizes) > 1:
                shapes = " ".join(shape_text(m) for m in members)
                raise LispError(f"the tensors of {name} have different first axes: {shapes}")
            self.size = sizes.pop()
        else:
            for member in members:
                batch = list(member) if is_list(member) else []
                if len(batch) < 2 or not all(isinstance(m, Tensor) for m in batch):
                    raise LispError(
                        f"{name} must be a list of tensors (inputs targets) or of such lists, "
                        f"not of {what(member)}"
                    )
                self.batches.append(batch)
            self.size = len(self.batches)
        if self.size == 0:
            raise LispError(f"{name} holds no examples")

    def count(self, drop_last: bool = False) -> int:
        """The number of batches of an epoch."""
        if self.batches:
            return self.size
        if drop_last:
            return self.size // self.batch_size
        return -(-self.size // self.batch_size)

    def batch(self, index: int, order: Tensor | None) -> list[Tensor]:
        if self.batches:
            return self.batches[index if order is None else int(order[index])]
        begin, end = index * self.batch_size, (index + 1) * self.batch_size
        if order is None:
            return [t[begin:end] for t in self.tensors]
        rows = order[begin:end]
        return [t[rows.to(t.device)] for t in self.tensors]

    def all(self) -> Iterator[list[Tensor]]:
        return (self.batch(index, None) for index in range(self.count()))


class Progress:
    """A bar on standard error, redrawn at most ten times a second."""

    def __init__(self, stream: Any, shown: bool) -> None:
        self.stream = stream
        self.shown = shown
        self.width = 0
        self.last = 0.0

    def show(self, head: str, done: int, total: int, value: Callable[[], float]) -> None:
        # A bar is drawn over itself; a file or a pipe gets the line of each epoch alone.
        if not (self.shown and self.stream.isatty()):
            return
        now = time.monotonic()
        if done < total and now - self.last < 0.1:
            return
        self.last = now
        filled = round(24 * done / max(total, 1))
        bar = "#" * filled + "." * (24 - filled)
        self._write(f"\r{head} [{bar}] {done}/{total} loss {value():.6g}")

    def _write(self, line: str) -> None:
        self.stream.write(line + " " * max(0, self.width - len(line)))
        self.width = len(line)
        self.stream.flush()

    def end(self, line: str) -> None:
        if self.shown:
            self._write(f"\r{line}" if self.width else line)
            self.stream.write("\n")
            self.stream.flush()
            self.width = 0


def _loss_of(lisp: Context, value: Any) -> Loss:
    if isinstance(value, (str, Symbol)):
        name = text(value, "loss").lower()
        if name in ("mse", "mse_loss", "torch_mse_loss"):
            return torch_mse_loss
        if name in (
            "cross_entropy",
            "crossentropy",
            "torch_cross_entropy",
            "torch_crossentropy_loss",
        ):
            return torch_crossentropy_loss
        if isinstance(value, str):
            raise LispError(
                f"unknown loss: '{value}'", hint='use "mse", "cross_entropy" or a function'
            )
    return lisp.callable(value)  # type: ignore[no-any-return]


class Trainer:
    """One run of :func:`torch_train`."""

    def __init__(
        self, lisp: Context, model: Any, optimizer: Any, data: Any, loss: Any, config: Any
    ) -> None:
        given = options_of(config, "options")
        known(given, _OPTIONS, "torch_train")
        self.lisp = lisp
        self.module = (
            gathered(model, "model") if isinstance(model, nn.Module) or is_list(model) else None
        )
        self.run_model: Callable[..., Any]
        self.run_model = model if isinstance(model, nn.Module) else lisp.callable(model)
        #: Is the model one of a group of processes that learn together?
        self.together = started() and (
            isinstance(model, Grouped) or (self.module is not None and is_sharded(self.module))
        )
        self.optimizer: Optimizer = optimizer_of(optimizer)
        self.loss = _loss_of(lisp, loss)

        def setting(name: str, convert: Callable[[Any, str], Any], default: Any = None) -> Any:
            value = given.get(name)
            return default if value is None else convert(value, name)

        def switch(name: str, default: bool) -> bool:
            return boolean(given[name], name) if name in given else default

        self.epochs: int = setting("epochs", natural, 1)
        size = setting("batch_size", positive, 32)
        self.data = Data(data, size, "the data")
        held = given.get("validation")
        self.validation = None if held is None else Data(held, size, "the validation data")
        self.shuffle = switch("shuffle", True)
        self.drop_last = switch("drop_last", False)
        self.count = self.data.count(self.drop_last)
        if self.count == 0:
            raise LispError("the data holds less than one batch")
        scheduler = given.get("scheduler")
        self.scheduler = None if scheduler is None else scheduler_of(scheduler)
        self.scheduler_every = setting("scheduler_every", text, "step")
        if self.scheduler_every not in ("step", "epoch"):
            raise LispError(f'scheduler_every is "step" or "epoch", not \'{self.scheduler_every}\'')
        self.clip_norm: float | None = setting("clip_norm", number)
        self.accumulate: int = setting("accumulate", positive, 1)
        if self.together:
            self._check_shares()
        self.patience: int | None = setting("patience", positive)
        self.min_delta: float = setting("min_delta", number, 0.0)
        self.checkpoint: str | None = setting("checkpoint", text)
        self.checkpoint_every: int = setting("checkpoint_every", natural, 0)
        self.max_steps: int | None = setting("max_steps", natural)
        scaler = given.get("scaler")
        self.scaler = None if scaler is None else scaler_of(scaler)
        cast = given.get("autocast")
        self.cast = None if cast is None else precision("bfloat16" if cast is True else cast)
        callback = given.get("callback")
        self.callback = None if callback is None else lisp.callable(callback)
        shown = switch("progress", lisp.stderr.isatty())
        self.progress = Progress(lisp.stderr, shown and not (self.together and rank()))
        if self.checkpoint is not None:
            lisp.require("fs")
            if self.module is None:
                raise LispError("a checkpoint needs a module; the model is a function")
            sharded_files.check_target(self.checkpoint, self.module)
        if given.get("seed") is not None:
            torch.manual_seed(int(number(given["seed"], "seed")))
        # Where the run stands; this is what a checkpoint keeps.
        self.epoch = 0
        self.batch = 0
        self.steps = 0
        self.order: Tensor | None = None
        self.total: Tensor | float = 0.0
        self.seen = 0
        self.best: float | None = None
        self.waited = 0
        self.losses: list[float] = []
        self.validations: list[float] = []
        self.ended = "running"
        resume = given.get("resume")
        if resume is not None:
            self.resume(resume)

    # -- several processes

    def _check_shares(self) -> None:
        """Refuse shares of the data of which some give more steps than others."""
        shares = of_all((self.count, self.accumulate, self.validation is None))
        if len(set(shares)) > 1:
            raise LispError(
                f"the processes have different numbers of batches: {shares}",
                hint="share the data out with torch_distributed_shard",
            )

    def of_group(self, total: Any, rows: int) -> float:
        """A mean over the rows of all processes."""
        if not self.together:
            return float(total) / max(rows, 1)
        shares = of_all((float(total), rows))
        return sum(t for t, _ in shares) / max(sum(r for _, r in shares), 1)

    # -- checkpoints

    def resume(self, value: Any) -> None:
        """Go on from a checkpoint; with true, from the run's own, if it is there already."""
        path = self.checkpoint if value is True else text(value, "resume")
        if path is None:
            raise LispError("resume needs the path of a checkpoint")
        self.lisp.require("fs")
        if value is True:
            outline = sharded_files.outline_of(path)
            if self.together:
                by_first(lambda: storage.remove_unfinished(outline))
            else:
                storage.remove_unfinished(outline)
            if not storage.is_there(outline):
                return
        found = read_checkpoint(path, self.module, self.optimizer)
        run = found.get("run")
        if not isinstance(run, dict):
            raise LispError(f"{path} was not written by torch_train")
        if not self._same_data(run, found.get("saved_by", 1)):
            raise LispError(f"{path} belongs to other data or to another batch size")
        try:
            epoch, batch, steps, seen, waited = (
                int(run[key]) for key in ("epoch", "batch", "steps", "seen", "waited")
            )
            order, total, best, ended = (run[key] for key in ("order", "total", "best", "ended"))
            losses, validations = list(run["losses"]), list(run["validations"])
            whole = order is None or sorted(order.tolist()) == list(range(self.data.size))
        except (KeyError, TypeError, ValueError, AttributeError):
            whole = False
        if not whole:
            raise LispError(f"cannot read {path}: the state of the run is damaged")
        apply_checkpoint(self.lisp, found, self.module, self.optimizer, self.scheduler, self.scaler)
        self.epoch, self.batch, self.steps, self.seen, self.waited = (
            epoch,
            batch,
            steps,
            seen,
            waited,
        )
        self.order, self.total, self.best = order, total, best
        self.losses, self.validations = losses, validations
        self.ended = "early" if ended == "early" else "running"

    def _same_data(self, run: dict[str, Any], writers: int) -> bool:
        """Are these the examples of the run, if in other shares for other processes?"""
        readers = processes() if self.together else 1
        if readers == writers:
            mine = (self.data.size, self.data.batch_size)
            return (run.get("examples"), run.get("batch_size")) == mine
        if run.get("batch"):
            raise LispError(
                f"the checkpoint is of the midst of an epoch of {writers} processes: "
                f"{readers} cannot go on from it"
            )
        given, own = run.get("examples"), self.data.size
        # What does not share out evenly was left.
        return isinstance(given, int) and abs(given * writers - own * readers) < max(
            readers, writers
        )

    def save(self) -> None:
        if self.checkpoint is None or self.module is None:
            return
        record = record_of(
            self.lisp, self.module, self.optimizer, self.epoch, self.scheduler, self.scaler
        )
        total = self.total.cpu() if isinstance(self.total, Tensor) else self.total
        record["run"] = {
            "epoch": self.epoch, "batch": self.batch, "steps": self.steps, "order": self.order,
            "total": total, "seen": self.seen, "best": self.best, "waited": self.waited,
            "losses": self.losses, "validations": self.validations, "ended": self.ended,
            "examples": self.data.size, "batch_size": self.data.batch_size,
        }  # fmt: skip
        if self.together or sharded_files.is_folder(self.checkpoint):
            write_together(self.checkpoint, record, "run")
        else:
            storage.write_torch(self.checkpoint, record)

    # -- the loop

    def casting(self, x: Tensor) -> AbstractContextManager[Any]:
        if self.cast is None:
            return nullcontext()
        return torch.autocast(x.device.type, dtype=self.cast)

    def loss_on(self, batch: list[Tensor]) -> Tensor:
        with self.casting(batch[0]):
            found = self.loss(self.run_model(*batch[:-1]), batch[-1])
        if not isinstance(found, Tensor) or found.numel() != 1:
            raise LispError(f"the loss must be a scalar tensor, not {what(found)}")
        return found

    def update(self) -> None:
        """One step of the optimiser from the gradients that have gathered."""
        if self.clip_norm is not None:
            if self.scaler is not None:
                self.scaler.unscale_(self.optimizer)
            clip([p for g in self.optimizer.param_groups for p in g["params"]], self.clip_norm)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self.optimizer.zero_grad()
        self.steps += 1
        if self.scheduler is not None and self.scheduler_every == "step":
            self.scheduler.step()

    def run(self) -> None:
        self.optimizer.zero_grad()
        if self.module is not None:
            self.module.train()
        while self.ended == "running" and self.epoch < self.epochs:
            self.run_epoch()
        if self.ended == "running":
            self.ended = "completed"
        self.save()

    def run_epoch(self) -> None:
        if self.shuffle and self.order is None:
            self.order = torch.randperm(self.data.size)
        head = f"epoch {self.epoch + 1}/{self.epochs}"
        while self.batch < self.count:
            if self.max_steps is not None and self.steps >= self.max_steps:
                self.ended = "max_steps"
                return
            group = min(self.accumulate, self.count - self.batch)
            for _ in range(group):
                batch = self.data.batch(self.batch, self.order)
                loss = self.loss_on(batch)
                share = loss if group == 1 else loss / group
                (share if self.scaler is None else self.scaler.scale(share)).backward()
                rows = batch[-1].shape[0] if batch[-1].dim() else 1
                self.total = self.total + loss.detach() * rows
                self.seen += rows
                self.batch += 1
            self.update()
            self.progress.show(head, self.batch, self.count, self.mean)
            if self.checkpoint_every and self.steps % self.checkpoint_every == 0:
                self.save()
        self.end_epoch(head)

    def mean(self) -> float:
        return float(self.total) / max(self.seen, 1)

    def end_epoch(self, head: str) -> None:
        self.losses.append(self.of_group(self.total, self.seen))
        watched = self.losses[-1]
        line = f"{head} loss {watched:.6g}"
        if self.validation is not None:
            watched = self.validate(self.validation)
            self.validations.append(watched)
            line += f" validation {watched:.6g}"
        self.progress.end(line)
        self.epoch += 1
        self.batch, self.seen, self.total, self.order = 0, 0, 0.0, None
        if self.scheduler is not None and self.scheduler_every == "epoch":
            self.scheduler.step()
        if self.best is None or watched < self.best - self.min_delta:
            self.best, self.waited = watched, 0
        else:
            self.waited += 1
            if self.patience is not None and self.waited >= self.patience:
                self.ended = "early"
        if self.callback is not None:
            answer = self.callback(self.epoch, self.history())
            stop = answer == "stop" or answer is Symbol("stop")
            if any(of_all(stop)) if self.together else stop:
                self.ended = "early"
        if self.checkpoint is not None and not self.checkpoint_every:
            self.save()

    def validate(self, data: Data) -> float:
        """The mean loss on data that is not trained on, in evaluation mode."""
        modes = [] if self.module is None else [(m, m.training) for m in self.module.modules()]
        if self.module is not None:
            self.module.eval()
        total: Any = 0.0
        rows = 0
        try:
            with torch.no_grad():
                for batch in data.all():
                    count = batch[-1].shape[0] if batch[-1].dim() else 1
                    total = total + self.loss_on(batch) * count
                    rows += count
        finally:
            for member, mode in modes:
                member.training = mode
        return self.of_group(total, rows)

    def history(self) -> Dictionary:
        return Dictionary(
            {
                "loss": Numbers(self.losses),
                "validation": Numbers(self.validations),
                "best": self.best,
                "epochs": self.epoch,
                "steps": self.steps,
                "ended": self.ended,
            }
        )


@primitive("torch_train", library=LIBRARY, interpreter=True)
def torch_train(
    lisp: Context, model: Any, optimizer: Any, data: Any, loss: Any = "mse", options: Any = None
) -> Dictionary:
    """Train a model: epochs of shuffled batches, with all that belongs to them.

    data is (inputs targets), tensors with the same first axis (several inputs
    may precede the targets), or a list of such batches. loss is "mse",
    "cross_entropy" or a function of prediction and target. The result is a
    dictionary: loss and validation by epoch, best, epochs, steps, ended.

    Options: epochs (1), batch_size (32), shuffle (true), drop_last (nil),
    validation (data as above), scheduler, scheduler_every ("step" or
    "epoch"), clip_norm, accumulate (batches a step), patience and min_delta
    for an early stop when the validation loss, or else the loss, no longer
    falls, checkpoint (a path, or a folder, which ends in /), checkpoint_every
    (steps; else every epoch), resume (true or a path), max_steps, progress (a
    bar on standard error), autocast (true or a dtype), scaler, seed, callback:
    a function of epoch and history that may answer "stop". A run that is
    resumed gives the same numbers, bit for bit, as one that was not interrupted.

    A model of torch_distributed_model is trained by all processes, each with
    its share of the data (torch_distributed_shard). Losses are those of all
    rows, process 0 shows the progress and writes the checkpoint, a callback
    runs in each. Another number of processes can go on from the end of an epoch.

    (setq x (tensor_reshape (torch_tensor (iota 8.0)) '(8 1)))
    (setq m (torch_linear 1 1))
    (setq h (torch_train m (torch_optimizer m 0.01 "sgd") (list x (tensor_mul_scalar x 2)) "mse"
       (dictionary "epochs" 5 "batch_size" 4)))
    (list (@ h "epochs") (@ h "steps") (@ h "ended"))
    ; (5 10 "completed")
    """
    trainer = Trainer(lisp, model, optimizer, data, loss, options)
    with torch.enable_grad():
        trainer.run()
    return trainer.history()
