"""Learning rate schedules: closed formulas of the step number."""

from __future__ import annotations

import math
from typing import Any

from torch.optim import Optimizer

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.registry import primitive

from .arguments import integer, known, number, options, text, what
from .optimisers import optimizer_of

LIBRARY = "lispe_torch"

#: Kinds by their names in scripts, and how they print.
KINDS = {
    "linear_warmup_cosine": "LinearWarmupCosine",
    "cosine": "Cosine",
    "exponential": "Exponential",
    "step": "Step",
    "linear": "Linear",
}

_KEYS = ("initial_lr", "min_lr", "total_steps", "warmup_steps", "gamma", "step_size")


class Scheduler:
    """The rate of an optimiser as a function of the number of steps taken.

    Groups whose rates differ keep their proportions to the first one.
    """

    def __init__(self, optimizer: Optimizer, kind: str, config: dict[str, Any]) -> None:
        known(config, _KEYS, "the schedule")
        groups = optimizer.param_groups
        current = float(groups[0]["lr"])
        self.optimizer = optimizer
        self.kind = kind
        self.step_count = 0

        def real(key: str, default: float) -> float:
            value = config.get(key)
            return default if value is None else number(value, key)

        def whole(key: str, default: int) -> int:
            value = config.get(key)
            found = default if value is None else integer(value, key)
            if found < 0:
                raise LispError(f"{key} must not be negative: {found}")
            return found

        self.initial_lr = real("initial_lr", current)
        self.min_lr = real("min_lr", 1e-6)
        self.total_steps = whole("total_steps", 1000)
        self.warmup_steps = whole("warmup_steps", 0)
        self.gamma = real("gamma", 0.1)
        self.step_size = whole("step_size", 100)
        if self.step_size == 0:
            raise LispError("step_size must be a positive integer, not 0")
        self.shares = [float(g["lr"]) / current if current else 1.0 for g in groups]

    def rate(self, n: int) -> float:
        """The rate after n steps; it stays where it is once the schedule is over."""
        start, least, total = self.initial_lr, self.min_lr, self.total_steps
        if self.kind == "exponential":
            return start * self.gamma**n
        if self.kind == "step":
            return start * self.gamma ** (n // self.step_size)
        warmup = self.warmup_steps if self.kind == "linear_warmup_cosine" else 0
        if n < warmup:
            return start * n / warmup
        if total <= warmup:
            # Pure warm-up; without any, the schedule is over at once.
            return start if warmup else least
        done = min(max((n - warmup) / (total - warmup), 0.0), 1.0)
        if self.kind == "linear":
            return least + (start - least) * (1.0 - done)
        return least + (start - least) * (1.0 + math.cos(math.pi * done)) / 2.0

    def write(self, rate: float) -> None:
        groups = self.optimizer.param_groups
        for index, group in enumerate(groups):
            group["lr"] = rate * (self.shares[index] if index < len(self.shares) else 1.0)

    def step(self) -> None:
        self.step_count += 1
        self.write(self.rate(self.step_count))

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        keys = (*_KEYS, "kind", "step_count", "shares")
        return {key: getattr(self, key) for key in keys}

    def check(self, state: Any) -> None:
        """Refuse what is not the state of a schedule of this kind."""
        if not isinstance(state, dict):
            raise LispError("the checkpoint holds no learning rate schedule")
        if state.get("kind") != self.kind:
            raise LispError(
                f"the checkpoint has a schedule '{state.get('kind')}', not '{self.kind}'"
            )
        numbers = [state.get(key) for key in (*_KEYS, "step_count")]
        shares = state.get("shares")
        if not isinstance(shares, list) or not all(
            isinstance(value, (int, float)) for value in (*numbers, *shares)
        ):
            raise LispError("the schedule of the checkpoint is damaged")

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that was checked."""
        for key in (*_KEYS, "step_count"):
            setattr(self, key, state[key])
        self.shares = [float(share) for share in state["shares"]]


class SchedulerAdapter(Adapter):
    name = "torch_lrs_scheduler_"

    def show(self, value: Any) -> str:
        rate = value.optimizer.param_groups[0]["lr"]
        return f"LR Scheduler ({KINDS[value.kind]}, step={value.step_count}, lr={rate:.6g})"


register_adapter(Scheduler, SchedulerAdapter())


def scheduler_of(value: Any) -> Scheduler:
    if isinstance(value, Scheduler):
        return value
    raise LispError(f"scheduler must be a learning rate scheduler, not {what(value)}")


def make(optimizer: Any, kind: Any, config: Any = None) -> Scheduler:
    target = optimizer_of(optimizer)
    name = text(kind, "scheduler_type").lower()
    if name not in KINDS:
        raise LispError(
            f"unknown scheduler type: '{name}'", hint=f"the types are: {' '.join(KINDS)}"
        )
    return Scheduler(target, name, options(config))


@primitive("torch_lr_scheduler", library=LIBRARY)
def torch_lr_scheduler(optimizer: Any, scheduler_type: Any, config: Any = None) -> Scheduler:
    """Make a learning rate schedule for an optimiser.

    Types: linear_warmup_cosine, cosine, linear, exponential, step. Keys of the
    configuration: initial_lr (default: the rate of the optimiser), min_lr 1e-6,
    total_steps 1000, warmup_steps 0, gamma 0.1, step_size 100. Making it does
    not touch the rate; after total_steps the rate stays.

    (torch_lr_scheduler (torch_optimizer (torch_linear 1 1) 0.1) "cosine"
       (dictionary "total_steps" 10))
    ; LR Scheduler (Cosine, step=0, lr=0.1)
    """
    return make(optimizer, scheduler_type, config)


@primitive("torch_lr_scheduler_linear_warmup_cosine", library=LIBRARY)
def torch_lr_scheduler_linear_warmup_cosine(optimizer: Any, config: Any = None) -> Scheduler:
    """A schedule that rises linearly for warmup_steps, then falls along a cosine to min_lr.

    L0 n/w for n < w, then Lm + (L0-Lm)(1+cos(pi (n-w)/(N-w)))/2.

    (torch_lr_scheduler_linear_warmup_cosine (torch_optimizer (torch_linear 1 1) 0.1))
    ; LR Scheduler (LinearWarmupCosine, step=0, lr=0.1)
    """
    return make(optimizer, "linear_warmup_cosine", config)


@primitive("torch_lr_scheduler_cosine", library=LIBRARY)
def torch_lr_scheduler_cosine(optimizer: Any, config: Any = None) -> Scheduler:
    """A schedule that falls along a cosine from initial_lr to min_lr in total_steps.

    (torch_lr_scheduler_cosine (torch_optimizer (torch_linear 1 1) 0.1))
    ; LR Scheduler (Cosine, step=0, lr=0.1)
    """
    return make(optimizer, "cosine", config)


@primitive("torch_lr_scheduler_exponential", library=LIBRARY)
def torch_lr_scheduler_exponential(optimizer: Any, config: Any = None) -> Scheduler:
    """A schedule that multiplies the rate by gamma at every step.

    (torch_lr_scheduler_exponential (torch_optimizer (torch_linear 1 1) 0.1))
    ; LR Scheduler (Exponential, step=0, lr=0.1)
    """
    return make(optimizer, "exponential", config)


@primitive("torch_lr_scheduler_step_decay", library=LIBRARY)
def torch_lr_scheduler_step_decay(optimizer: Any, config: Any = None) -> Scheduler:
    """A schedule that multiplies the rate by gamma every step_size steps.

    (torch_lr_scheduler_step_decay (torch_optimizer (torch_linear 1 1) 0.1))
    ; LR Scheduler (Step, step=0, lr=0.1)
    """
    return make(optimizer, "step", config)


@primitive("torch_lr_scheduler_linear", library=LIBRARY)
def torch_lr_scheduler_linear(optimizer: Any, config: Any = None) -> Scheduler:
    """A schedule that falls in a straight line from initial_lr to min_lr in total_steps.

    (torch_lr_scheduler_linear (torch_optimizer (torch_linear 1 1) 0.1))
    ; LR Scheduler (Linear, step=0, lr=0.1)
    """
    return make(optimizer, "linear", config)


@primitive("torch_scheduler_step", library=LIBRARY)
def torch_scheduler_step(scheduler: Any) -> bool:
    """Count one step and give every parameter group its new rate.

    (torch_scheduler_step (torch_lr_scheduler_cosine (torch_optimizer (torch_linear 1 1) 0.1)))
    ; true
    """
    scheduler_of(scheduler).step()
    return True


@primitive("torch_scheduler_get_lr", library=LIBRARY)
def torch_scheduler_get_lr(scheduler: Any) -> float:
    """The current rate of the scheduled optimiser (of its first group).

    (torch_scheduler_get_lr (torch_lr_scheduler_cosine (torch_optimizer (torch_linear 1 1) 0.1)))
    ; 0.1
    """
    return float(scheduler_of(scheduler).optimizer.param_groups[0]["lr"])


@primitive("torch_scheduler_set_lr", library=LIBRARY)
def torch_scheduler_set_lr(scheduler: Any, learning_rate: Any) -> bool:
    """Write a rate directly; the next step of the schedule overrides it.

    (setq schedule (torch_lr_scheduler_cosine (torch_optimizer (torch_linear 1 1) 0.1)))
    (torch_scheduler_set_lr schedule 0.5)
    ; true
    """
    scheduler_of(scheduler).write(number(learning_rate, "learning_rate"))
    return True
