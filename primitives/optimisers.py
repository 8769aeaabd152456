"""Optimisers: torch's own, over modules, tensors and lists of them, in groups where wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.symbol import Symbol

from .arguments import boolean, is_list, known, number, what
from .arguments import options as settings_of
from .modules import matcher
from .sharding import whole

LIBRARY = "lispe_torch"

#: The optimisers, and the settings each takes.
_TYPES: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD}
_ADAM = ("lr", "weight_decay", "betas", "eps", "amsgrad")
_SETTINGS = {
    "adam": _ADAM,
    "adamw": _ADAM,
    "sgd": ("lr", "weight_decay", "momentum", "dampening", "nesterov"),
}
#: Settings that say how parameters are grouped, not how they are updated.
_GROUPING = ("groups", "layer_decay")


class OptimizerAdapter(Adapter):
    name = "torch_optimizer_"

    def show(self, value: Any) -> str:
        return "PyTorch Optimizer"


register_adapter(Optimizer, OptimizerAdapter())


def optimizer_of(value: Any, name: str = "optimizer") -> Optimizer:
    if isinstance(value, Optimizer):
        return value
    raise LispError(f"{name} must be an optimizer, not {what(value)}")


def named_parameters(target: Any) -> list[tuple[str, Tensor]]:
    """Names and trainable tensors of a module, a tensor, or a list of either.

    In a list the names begin with the position of their module; a tensor that
    occurs twice counts once.
    """
    found: list[tuple[str, Tensor]] = []
    if isinstance(target, nn.Module):
        found = list(target.named_parameters())
    elif isinstance(target, Tensor):
        found = [("0", target)]
    elif is_list(target):
        for index, member in enumerate(target):
            if isinstance(member, nn.Module):
                found += [(f"{index}.{name}", p) for name, p in member.named_parameters()]
            elif isinstance(member, Tensor):
                found.append((str(index), member))
            else:
                raise LispError(f"parameters must be tensors or modules, not {what(member)}")
    else:
        raise LispError(f"an optimizer needs a module or a list of tensors, not {what(target)}")
    kept: dict[int, tuple[str, Tensor]] = {}
    for name, parameter in found:
        if parameter.requires_grad:
            if not parameter.is_leaf:
                raise LispError("an optimizer takes parameters, not the result of a computation")
            kept.setdefault(id(parameter), (name, parameter))
    return list(kept.values())


def _settings(kind: str, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Options of a script as keyword arguments of torch."""
    known(given, (*_SETTINGS[kind], "beta1", "beta2", "learning_rate"), where)
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key in ("amsgrad", "nesterov"):
            found[key] = boolean(value, key)
        elif key == "betas":
            pair = list(value) if is_list(value) else []
            if len(pair) != 2:
                raise LispError("betas must be a list of two numbers")
            found[key] = (number(pair[0], "betas"), number(pair[1], "betas"))
        elif key in ("beta1", "beta2"):
            first, second = found.get("betas", (0.9, 0.999))
            rate = number(value, key)
            found["betas"] = (rate, second) if key == "beta1" else (first, rate)
        else:
            found["lr" if key == "learning_rate" else key] = number(value, key)
    return found


def layers_of(names: list[str]) -> list[int]:
    """The layer of each parameter, counted from the input.

    The first number in a dotted name is the layer; names without one count as
    the input when they come before the first numbered name, else as the top.
    Where no name has a number, each first part of the names is a layer.
    """
    numbers = [next((int(w) for w in name.split(".") if w.isdigit()), None) for name in names]
    if all(n is None for n in numbers):
        firsts = list(dict.fromkeys(name.partition(".")[0] for name in names))
        return [firsts.index(name.partition(".")[0]) for name in names]
    begin = next(i for i, n in enumerate(numbers) if n is not None)
    top = max(n for n in numbers if n is not None) + 2
    return [n + 1 if n is not None else 0 if i < begin else top for i, n in enumerate(numbers)]


def _grouped(
    kind: str, parameters: list[tuple[str, Tensor]], rate: float, given: dict[str, Any]
) -> list[dict[str, Any]]:
    """Parameter groups by the patterns of ``groups`` and by ``layer_decay``."""
    patterns = []
    for entry in given.get("groups") or ():
        pair = list(entry) if is_list(entry) else []
        if len(pair) != 2:
            raise LispError("groups must hold (pattern settings) pairs")
        where = f"the settings of the group '{pair[0]}'"
        patterns.append(
            (pair[0], matcher(pair[0]), _settings(kind, settings_of(pair[1], where), where))
        )
    used = set()
    decay = given.get("layer_decay")
    decay = None if decay is None else number(decay, "layer_decay")
    if decay is not None and not 0.0 < decay <= 1.0:
        raise LispError(f"layer_decay must be above 0 and at most 1: {decay:g}")
    depths = layers_of([name for name, _ in parameters])
    top = max(depths, default=0)
    groups: dict[Any, dict[str, Any]] = {}
    for (name, parameter), depth in zip(parameters, depths, strict=True):
        chosen = next((i for i, (_, search, _) in enumerate(patterns) if search(name)), -1)
        used.add(chosen)
        layer = depth if decay is not None else 0
        group = groups.get((chosen, layer))
        if group is None:
            group = {"params": [], **(patterns[chosen][2] if chosen >= 0 else {})}
            if decay is not None:
                group["lr"] = group.get("lr", rate) * decay ** (top - depth)
            groups[chosen, layer] = group
        group["params"].append(parameter)
    unused = [str(p) for i, (p, _, _) in enumerate(patterns) if i not in used]
    if unused:
        names = " ".join(name for name, _ in parameters[:20])
        raise LispError(
            f"no parameter has a name that matches the group '{unused[0]}'",
            hint=f"the names are: {names}",
        )
    return list(groups.values())


def make(kind: Any, target: Any, rate: Any = None, config: Any = None) -> Optimizer:
    """An optimiser over what ``target`` trains; nil leaves it to be filled later."""
    name = kind.lower() if isinstance(kind, str) else "adam"
    if name not in _TYPES:
        raise LispError(f"unknown optimizer: '{kind}'", hint="the optimizers are: adam adamw sgd")
    given = settings_of(config)
    grouping = {key: given.pop(key) for key in _GROUPING if key in given}
    settings = _settings(name, given, f"the options of '{name}'")
    lr = 1e-3 if rate is None else number(rate, "learning_rate")
    lr = settings.pop("lr", lr)
    if target is None:
        groups: list[dict[str, Any]] = [{"params": []}]
    else:
        parameters = named_parameters(target)
        if not parameters:
            raise LispError("an optimizer needs at least one parameter that is trained")
        groups = _grouped(name, parameters, lr, grouping)
    try:
        return _TYPES[name](groups, lr=lr, **settings)  # type: ignore[call-arg]
    except (ValueError, TypeError) as error:
        raise LispError(f"{name}: {error}") from None


def _sorted(*values: Any) -> tuple[Any, Any, Any, Any]:
    """Target, rate, kind and options among arguments in any order."""
    target = rate = kind = config = None
    for value in values:
        if value is None:
            continue
        if isinstance(value, (str, Symbol)) and kind is None:
            kind = str(value) if isinstance(value, str) else value.name
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and rate is None:
            rate = value
        elif isinstance(value, Mapping) and config is None:
            config = value
        elif target is None and not isinstance(value, (str, int, float, Mapping)):
            target = value
        else:
            raise LispError(f"an optimizer cannot use this argument: {what(value)}")
    return target, rate, kind, config


@primitive("torch_optimizer", library=LIBRARY)
def torch_optimizer(
    module: Any, learning_rate: Any = 0.001, type: Any = "adam", options: Any = None
) -> Optimizer:
    """Make an optimiser over the trainable parameters of a module or of a list.

    type is "adam", "adamw" or "sgd" (in any case), with PyTorch's defaults.
    The arguments are told apart by what they are. options: weight_decay,
    betas, eps, amsgrad, momentum, dampening, nesterov; "groups", pairs of a
    pattern searched in the parameter names and settings for those that match;
    "layer_decay", a factor by which the rate shrinks a layer below the top.

    (torch_optimizer (torch_linear 2 1) 0.01 "adamw"
       (dictionary "groups" '(("bias" (("weight_decay" 0.0))))))
    ; PyTorch Optimizer
    """
    target, rate, kind, config = _sorted(module, learning_rate, type, options)
    if target is None:
        raise LispError(f"an optimizer needs a module or a list of tensors, not {what(module)}")
    return make(kind, target, rate, config)


@primitive("torch_optimizer_create", library=LIBRARY, interpreter=True)
def torch_optimizer_create(
    lisp: Context,
    module: Any = None,
    learning_rate: Any = None,
    type: Any = None,
    options: Any = None,
) -> Optimizer:
    """Make an optimiser as torch_optimizer does; without arguments, an empty AdamW.

    The empty one takes its rate from the caller's variable learning_rate, if
    there is one, else 0.001, and gets parameters by torch_optimizer_add_params.

    (torch_optimizer_create (torch_linear 2 1) 0.01 "sgd")
    ; PyTorch Optimizer
    """
    target, rate, kind, config = _sorted(module, learning_rate, type, options)
    if target is None and rate is None and kind is None and config is None:
        try:
            rate = lisp.variable("learning_rate")
        except LispError:
            rate = None
        return make("adamw", None, rate)
    return make(kind, target, rate, config)


def _empty(kind: str, learning_rate: Any, module: Any, config: Any = None) -> Optimizer:
    target, rate, other, found = _sorted(learning_rate, module, config)
    if other is not None:
        raise LispError(f"an optimizer cannot use this argument: {what(other)}")
    return make(kind, target, rate, found)


@primitive("torch_adam_optimizer", library=LIBRARY)
def torch_adam_optimizer(
    learning_rate: Any = 0.001, module: Any = None, options: Any = None
) -> Optimizer:
    """Make an Adam optimiser, to be filled by torch_optimizer_add_params (Kingma, Ba 2015).

    A module or a list of tensors may be given at once.

    (torch_optimizer_add_params (torch_adam_optimizer 0.01) (torch_linear 2 1))
    ; PyTorch Optimizer
    """
    return _empty("adam", learning_rate, module, options)


@primitive("torch_adamw_optimizer", "torch_adamw_optimizer_create", library=LIBRARY)
def torch_adamw_optimizer(
    learning_rate: Any = 0.001, module: Any = None, options: Any = None
) -> Optimizer:
    """Make an AdamW optimiser, to be filled by torch_optimizer_add_params.

    Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization". A module
    or a list of tensors may be given at once. PyTorch's weight decay of 0.01
    holds unless the options say otherwise.

    (torch_adamw_optimizer 0.01 (torch_linear 2 1))
    ; PyTorch Optimizer
    """
    return _empty("adamw", learning_rate, module, options)


@primitive("torch_sgd_optimizer", library=LIBRARY)
def torch_sgd_optimizer(
    learning_rate: Any = 0.001, module: Any = None, options: Any = None
) -> Optimizer:
    """Make an SGD optimiser, to be filled by torch_optimizer_add_params.

    A module or a list of tensors may be given at once.

    (torch_sgd_optimizer 0.01 (torch_linear 2 1) (dictionary "momentum" 0.9))
    ; PyTorch Optimizer
    """
    return _empty("sgd", learning_rate, module, options)


@primitive("torch_optimizer_add_params", library=LIBRARY)
def torch_optimizer_add_params(
    optimizer: Any, params: Any = None, weight_decay: Any = None, options: Any = None
) -> Optimizer:
    """Give parameters to an optimiser, or make a new AdamW over a list.

    With an optimiser first, a module or a list of tensors becomes a group of
    it, for which options such as "lr" and "weight_decay" may be given; the
    optimiser is returned. A list, a rate and a weight decay make a new AdamW. A member that is no
    tensor, or a parameter that is there already, is an error.

    (torch_optimizer_add_params (torch_model_parameters (torch_linear 2 1)) 0.01 0.0)
    ; PyTorch Optimizer
    """
    if not isinstance(optimizer, Optimizer):
        config: dict[str, Any] = {}
        if weight_decay is not None:
            config["weight_decay"] = number(weight_decay, "weight_decay")
        return make("adamw", optimizer, params, {**config, **settings_of(options)})
    kind = next(name for name, cls in _TYPES.items() if optimizer.__class__ is cls)
    config = settings_of(options if weight_decay is None else weight_decay)
    group = _settings(kind, config, "the options of the group")
    parameters = [p for _, p in named_parameters(params)]
    if not parameters:
        raise LispError("there is no parameter to add that is trained")
    # An optimiser that was made without parameters holds one empty group.
    if len(optimizer.param_groups) == 1 and not optimizer.param_groups[0]["params"]:
        group = {k: v for k, v in optimizer.param_groups[0].items() if k != "params"} | group
        optimizer.param_groups.clear()
    try:
        optimizer.add_param_group({"params": parameters, **group})
    except (ValueError, TypeError) as error:
        raise LispError(f"these parameters cannot be added: {error}") from None
    return optimizer


@primitive("torch_optimizer_step", library=LIBRARY)
def torch_optimizer_step(optimizer: Any) -> bool:
    """Update the parameters once from their gradients.

    (torch_optimizer_step (torch_optimizer (torch_linear 2 1)))
    ; true
    """
    optimizer_of(optimizer).step()
    return True


@primitive("torch_optimizer_zero_grad", library=LIBRARY)
def torch_optimizer_zero_grad(optimizer: Any) -> bool:
    """Forget the gradients of all parameters of an optimiser.

    (torch_optimizer_zero_grad (torch_optimizer (torch_linear 2 1)))
    ; true
    """
    optimizer_of(optimizer).zero_grad()
    return True


@primitive("torch_clip_grad_norm", library=LIBRARY)
def torch_clip_grad_norm(optimizer: Any, max_norm: Any) -> float:
    """Scale the gradients so that their joint 2-norm is at most max_norm; the norm before.

    Takes an optimiser, a module or a list. Without gradients the norm is 0. A
    limit of 0 or less, or a norm that is not finite, leaves the gradients.

    (torch_clip_grad_norm (torch_optimizer (torch_linear 2 1)) 1.0)
    ; 0
    """
    limit = number(max_norm, "max_norm")
    if isinstance(optimizer, Optimizer):
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
    else:
        parameters = [p for _, p in named_parameters(optimizer)]
    return clip(parameters, limit)


def clip(parameters: list[Tensor], limit: float) -> float:
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return 0.0
    total = torch.nn.utils.get_total_norm(gradients)
    norm = float(whole(total))
    if limit > 0 and norm == norm and norm != float("inf"):
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, total)
    return norm


def kind_of(found: Optimizer) -> str:
    """The name of an optimiser's type, for files."""
    return re.sub(r"\W", "", type(found).__name__).lower()
