"""Text generation: any model of ids, greedy, by sampling or by beams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import Integers

from . import convert
from .arguments import (
    boolean,
    integer,
    is_list,
    known,
    natural,
    number,
    options,
    positive,
    shape_text,
    text,
    what,
)
from .beam_search import beam_search
from .devices import device_of
from .language_models import LanguageModel, language_model
from .sampling import draw, penalised, without_repeats
from .tokenizers import ids_of

LIBRARY = "lispe_torch"

STRATEGIES = ("greedy", "top_k", "top_p", "sample", "beam_search")

#: Called with the new ids, one of each row; true ends the generation.
Listener = Callable[[Tensor], bool]


def _temperature(value: Any, name: str) -> float:
    found = number(value, name)
    if not 0 < found < float("inf"):
        raise LispError(f"{name} must be positive: {what(value)}")
    return found


def _share(value: Any, name: str) -> float:
    found = number(value, name)
    if not 0 < found <= 1:
        raise LispError(f"{name} must be above 0 and at most 1: {what(value)}")
    return found


def _min_p(value: Any, name: str) -> float:
    found = number(value, name)
    if not 0 <= found < 1:
        raise LispError(f"{name} must be at least 0 and below 1: {what(value)}")
    return found


def strategy_of(value: Any, name: str = "strategy") -> str:
    found = text(value, name)
    if found not in STRATEGIES:
        raise LispError(
            f"unknown strategy: '{found}'", hint=f"the strategies are: {' '.join(STRATEGIES)}"
        )
    return found


def _stop_ids(value: Any, name: str) -> tuple[int, ...]:
    return tuple(ids_of(value, name))


def _stops(value: Any, name: str) -> tuple[Any, ...]:
    """Sequences that end a text: lists of ids, or strings where there is a tokenizer."""
    if isinstance(value, str):
        return (value,)
    if is_list(value) and not isinstance(value, Integers):
        members = list(value)
        if members and all(isinstance(m, int) for m in members):
            members = [members]
    elif isinstance(value, (Tensor, Integers)):
        members = [value]
    else:
        raise LispError(f"{name} must be a list of sequences, not {what(value)}")
    found = tuple(m if isinstance(m, str) else tuple(ids_of(m, name)) for m in members)
    if not all(found):
        raise LispError(f"a sequence of {name} is empty")
    return found


def _optional(check: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda value, name: None if value is None else check(value, name)


class Settings:
    """How a generator generates. ``update`` checks what it is given."""

    CHECKS: dict[str, Callable[[Any, str], Any]] = {
        "max_length": natural,
        "temperature": _temperature,
        "top_k": natural,
        "top_p": _share,
        "min_p": _min_p,
        "strategy": strategy_of,
        "repetition_penalty": _temperature,
        "eos_token_id": _stop_ids,
        "pad_token_id": integer,
        "bos_token_id": integer,
        "num_beams": positive,
        "length_penalty": number,
        "do_sample": boolean,
        "no_repeat_ngram_size": natural,
        "stop": _stops,
        "seed": _optional(integer),
        "use_cache": boolean,
    }

    #: Keys for which nil is a value; for the others it leaves them as they are.
    _NIL = ("do_sample", "seed", "use_cache")

    def __init__(self) -> None:
        self.max_length = 100
        self.temperature = 1.0
        self.top_k = 50
        self.top_p = 0.9
        self.min_p = 0.0
        self.strategy = "greedy"
        self.repetition_penalty = 1.0
        self.eos_token_id: tuple[int, ...] = (50256,)
        self.pad_token_id = 50256
        self.bos_token_id = 50256
        self.num_beams = 1
        self.length_penalty = 1.0
        self.do_sample = True
        self.no_repeat_ngram_size = 0
        self.stop: tuple[Any, ...] = ()
        self.seed: int | None = None
        self.use_cache = True

    def update(self, given: dict[str, Any], where: str = "generator") -> None:
        """All of it, or nothing where a key or a value is wrong."""
        known(given, self.CHECKS, where)
        found = {
            key: self.CHECKS[key](value, key)
            for key, value in given.items()
            if value is not None or key in self._NIL
        }
        for key, value in found.items():
            setattr(self, key, value)

    def but(self, **changes: Any) -> Settings:
        """A copy with other values, which are checked."""
        made = Settings()
        made.__dict__.update(self.__dict__)
        made.update(changes)
        return made


class Generator:
    """A model and the settings of its generation."""

    def __init__(self, model: LanguageModel, device: torch.device) -> None:
        self.model = model
        self.device = device
        self.settings = Settings()


class GeneratorAdapter(Adapter):
    name = "torch_generator_"

    def show(self, value: Generator) -> str:
        s = value.settings
        return (
            f"TorchGenerator(max_length={s.max_length}, temperature={s.temperature:g}, "
            f"strategy={s.strategy})"
        )


register_adapter(Generator, GeneratorAdapter())


# ------------------------------------------------------------------ running


def _ended(row: Sequence[int], stops: Sequence[tuple[int, ...]]) -> bool:
    return any(tuple(row[-len(stop) :]) == stop for stop in stops)


def processed(settings: Settings, logits: Tensor, ids: Tensor) -> Tensor:
    """Logits after the penalties for what is there already."""
    if bool(torch.isnan(logits).any()):
        raise LispError("the model gives logits that are not numbers")
    logits = logits.float()
    if settings.repetition_penalty != 1.0:
        logits = penalised(logits, ids, settings.repetition_penalty)
    if settings.no_repeat_ngram_size:
        logits = without_repeats(logits, ids, settings.no_repeat_ngram_size)
    return logits


def next_ids(
    settings: Settings, strategy: str, logits: Tensor, random: torch.Generator | None
) -> Tensor:
    """One id for each row of processed logits."""
    if strategy == "greedy":
        return logits.argmax(-1)
    return draw(
        logits,
        settings.temperature,
        settings.top_k if strategy in ("top_k", "sample") else 0,
        settings.top_p if strategy in ("top_p", "sample") else 1.0,
        settings.min_p,
        random,
    )


def random_of(settings: Settings, device: torch.device) -> torch.Generator | None:
    """A source of random numbers of its own where a seed is set, else torch's."""
    if settings.seed is None:
        return None
    return torch.Generator(device=device).manual_seed(settings.seed)


def continued(
    model: LanguageModel,
    ids: Tensor,
    settings: Settings,
    strategy: str,
    listen: Listener | None = None,
    keep_stop: bool = False,
) -> list[list[int]]:
    """The new ids of every row of [batch, n]. The ids that stop are left out unless kept."""
    stops = [s for s in settings.stop if not isinstance(s, str)]
    ends = set(settings.eos_token_id)
    if not settings.max_length:
        return [[] for _ in ids]
    with model.at_rest():
        if strategy == "beam_search":
            found = [beam_search(model, row, settings, processed, stops) for row in ids.split(1)]
            return found if keep_stop else [_cut(row, ends, stops) for row in found]
        random = random_of(settings, ids.device)
        rows: list[list[int]] = [[] for _ in ids]
        running = [True] * len(rows)
        runner = model.runner(settings.use_cache)
        logits = runner.start(ids)
        tracked = settings.repetition_penalty != 1.0 or settings.no_repeat_ngram_size
        for index in range(settings.max_length):
            new = next_ids(settings, strategy, processed(settings, logits, ids), random)
            picked = new.tolist()
            for place, row in enumerate(rows):
                if running[place]:
                    row.append(picked[place])
                    running[place] = picked[place] not in ends and not _ended(row, stops)
                else:
                    new[place] = settings.pad_token_id
            if listen is not None and listen(new):
                break
            if not any(running) or index + 1 == settings.max_length:
                break
            # A finished row goes on with an id that is surely in the vocabulary.
            sent = torch.where(torch.tensor(running, device=new.device), new, ids[:, -1])
            if tracked:
                ids = torch.cat((ids, sent.unsqueeze(-1)), -1)
            logits = runner.step(sent)
    return rows if keep_stop else [_cut(row, ends, stops) for row in rows]


def _cut(row: list[int], ends: set[int], stops: Sequence[tuple[int, ...]]) -> list[int]:
    """A row without the id, or the ids, that ended it."""
    if row and row[-1] in ends:
        return row[:-1]
    found = next((stop for stop in stops if tuple(row[-len(stop) :]) == stop), ())
    return row[: len(row) - len(found)]


def prompt_of(value: Any) -> Tensor:
    """Ids [n] or [batch, n]."""
    if convert.is_data(value):
        value = convert.from_lisp(value)
        if not value.numel():
            value = value.to(torch.int64)
    if not isinstance(value, Tensor):
        raise LispError(f"input_ids must be a tensor of ids, not {what(value)}")
    if value.is_floating_point() or value.is_complex() or value.dtype is torch.bool:
        raise LispError("input_ids must be integers")
    if value.dim() not in (1, 2):
        raise LispError(f"input_ids must have the axes [n] or [batch, n], not {shape_text(value)}")
    if not value.numel():
        raise LispError("the prompt is empty")
    return value.detach().to(torch.int64)


def generated(
    generator: Generator,
    input_ids: Any,
    settings: Settings,
    strategy: str,
    listen: Listener | None = None,
) -> Tensor:
    """The prompt and the new ids, of the rank of the prompt."""
    ragged = _ragged(input_ids)
    if ragged is not None:
        parts = [
            [*row.tolist(), *continued(generator.model, row.unsqueeze(0), settings, strategy)[0]]
            for row in (p.to(generator.device) for p in ragged)
        ]
        longest = max(map(len, parts))
        pad = settings.pad_token_id
        return torch.tensor(
            [row + [pad] * (longest - len(row)) for row in parts], device=generator.device
        )
    prompt = prompt_of(input_ids).to(generator.device)
    ids = prompt if prompt.dim() == 2 else prompt.unsqueeze(0)
    rows = continued(generator.model, ids, settings, strategy, listen)
    longest = max(map(len, rows))
    filled = [row + [settings.pad_token_id] * (longest - len(row)) for row in rows]
    new = torch.tensor(filled, dtype=torch.int64, device=ids.device).reshape(len(rows), longest)
    whole = torch.cat((ids, new), -1)
    return whole if prompt.dim() == 2 else whole.squeeze(0)


def _ragged(value: Any) -> list[Tensor] | None:
    """Prompts of different lengths: they are continued one by one."""
    if not is_list(value) or not all(is_list(m) or isinstance(m, Tensor) for m in value):
        return None
    rows = [prompt_of(member) for member in value]
    if any(row.dim() != 1 for row in rows):
        raise LispError("a list of prompts must hold prompts of one axis")
    return rows if len({row.numel() for row in rows}) > 1 else None


# ------------------------------------------------------------------ primitives


def generator_of(value: Any) -> Generator:
    if isinstance(value, Generator):
        return value
    raise LispError(f"generator must be a text generator, not {what(value)}")


def _strategy(settings: Settings, named: Any) -> str:
    """The strategy of a call. Without one named, do_sample nil means no draws."""
    if named is not None:
        settings.strategy = strategy_of(named)
        return settings.strategy
    if not settings.do_sample and settings.strategy in ("top_k", "top_p", "sample"):
        return "greedy"
    return settings.strategy


@primitive("torch_generator_create", library=LIBRARY, interpreter=True)
def torch_generator_create(lisp: Context, model: Any, device: Any = None) -> Generator:
    """Make a text generator of a model: anything that maps ids to logits.

    A module, a TorchScript model, the handle of a Hugging Face model, or a
    function from int64 ids [batch,n] to logits [batch,n,vocabulary] or
    [batch,vocabulary]. It runs where the model is, or on the device named. A
    model that cannot do that, or an unknown device, is an error.
    torch_generator_config has the settings.

    (torch_generator_create (torch_embedding 5 5))
    ; TorchGenerator(max_length=100, temperature=1, strategy=greedy)
    """
    place = None if device is None else device_of(device)
    found = language_model(lisp, model)
    if place is not None:
        found.move(place)
    return Generator(found, place or found.device())


@primitive("torch_generator_config", "torch_generator_configure", library=LIBRARY)
def torch_generator_config(generator: Any, config: Any) -> str:
    """Change the settings of a generator, from a dictionary or a list of (key value) pairs.

    max_length (new ids), temperature, top_k (0: all), top_p, min_p, strategy
    greedy top_k top_p sample or beam_search, do_sample (nil: no draws),
    repetition_penalty, no_repeat_ngram_size, num_beams, length_penalty,
    eos_token_id, one or several, stop, lists of ids, pad_token_id,
    bos_token_id, seed (the same draws in each call), use_cache. An unknown key
    or a bad value is an error.

    (torch_generator_config (torch_generator_create (torch_embedding 5 5))
       (dictionary "max_length" 3))
    ; Generator configured successfully
    """
    generator_of(generator).settings.update(options(config))
    return "Generator configured successfully"


@primitive("torch_set_generation_params", library=LIBRARY)
def torch_set_generation_params(
    generator: Any,
    max_length: Any = None,
    temperature: Any = None,
    top_k: Any = None,
    top_p: Any = None,
) -> str:
    """Change four settings of a generator by their position; nil leaves one as it is.

    (torch_set_generation_params (torch_generator_create (torch_embedding 5 5)) 3 0.7 5 0.8)
    ; Generation parameters updated
    """
    generator_of(generator).settings.update(
        {"max_length": max_length, "temperature": temperature, "top_k": top_k, "top_p": top_p}
    )
    return "Generation parameters updated"


@primitive("torch_generate", library=LIBRARY, interpreter=True)
def torch_generate(
    lisp: Context, generator: Any, input_ids: Any, strategy: Any = None, callback: Any = None
) -> Tensor:
    """Continue a prompt of ids: the prompt, then the new ids, of the same rank.

    A strategy that is named becomes the configured one. It ends at a stop id,
    which is left out, or after max_length new ids. The rows of a batch are
    made together, and filled with pad_token_id once they have ended; a list of
    prompts of different lengths is continued one by one. The callback is given
    every new id as it is made (a list of them for a batch); if it answers with
    the atom stop, that was the last.

    (setq g (torch_generator_create (lambda (ids) (torch_tensor '((0.0 3.0 1.0))))))
    (torch_generator_config g (dictionary "max_length" 3))
    (torch_generate g (integers 0))
    ; (0 1 1 1)
    """
    found = generator_of(generator)
    chosen = _strategy(found.settings, strategy)
    listen = None if callback is None else listener(lisp, callback)
    return generated(found, input_ids, found.settings, chosen, listen)


def function_of(lisp: Context, callback: Any) -> Callable[..., Any]:
    """A LispE function, by itself or by its name."""
    if isinstance(callback, (nn.Module, Tensor)):
        raise LispError(f"callback must be a function, not {what(callback)}")
    return lisp.callable(Symbol(callback) if isinstance(callback, str) else callback)


def listener(lisp: Context, callback: Any) -> Listener:
    """A LispE function as listener: it gets one id, or the ids of a batch."""
    call = function_of(lisp, callback)
    stop = Symbol("stop")

    def listen(new: Tensor) -> bool:
        ids = new.tolist()
        return call(ids[0] if len(ids) == 1 else Integers(ids)) is stop

    return listen


@primitive("torch_generator_generate", library=LIBRARY)
def torch_generator_generate(generator: Any, input_ids: Any) -> Tensor:
    """Continue a prompt with the configured strategy, as torch_generate does.

    (setq g (torch_generator_create (lambda (ids) (torch_tensor '((0.0 3.0 1.0))))))
    (torch_generator_config g (dictionary "max_length" 2))
    (torch_generator_generate g (torch_tensor '((0) (2))))
    ; ((0 1 1) (2 1 1))
    """
    found = generator_of(generator)
    return generated(found, input_ids, found.settings, _strategy(found.settings, None))


@primitive("torch_generator_greedy", library=LIBRARY)
def torch_generator_greedy(generator: Any, input_ids: Any, max_length: Any = None) -> Tensor:
    """Continue a prompt by at most max_length of the likeliest ids; settings stay untouched.

    (torch_generator_greedy (torch_generator_create (lambda (ids) (torch_tensor '((0.0 3.0 1.0)))))
       (integers 0) 2)
    ; (0 1 1)
    """
    found = generator_of(generator)
    return generated(found, input_ids, found.settings.but(max_length=max_length), "greedy")


@primitive("torch_generator_top_k", library=LIBRARY)
def torch_generator_top_k(
    generator: Any, input_ids: Any, max_length: Any = None, k: Any = None, temperature: Any = None
) -> Tensor:
    """Continue a prompt by drawing from the k likeliest ids; settings stay untouched.

    (torch_generator_top_k (torch_generator_create (lambda (ids) (torch_tensor '((0.0 3.0 1.0)))))
       (integers 0) 2 1 1.0)
    ; (0 1 1)
    """
    found = generator_of(generator)
    settings = found.settings.but(max_length=max_length, top_k=k, temperature=temperature)
    return generated(found, input_ids, settings, "top_k")


@primitive("torch_generator_top_p", library=LIBRARY)
def torch_generator_top_p(
    generator: Any, input_ids: Any, max_length: Any = None, p: Any = None, temperature: Any = None
) -> Tensor:
    """Continue a prompt by drawing from the likeliest ids that make up p; settings stay untouched.

    (torch_generator_top_p (torch_generator_create (lambda (ids) (torch_tensor '((0.0 9.0 1.0)))))
       (integers 0) 2 0.5 1.0)
    ; (0 1 1)
    """
    found = generator_of(generator)
    settings = found.settings.but(max_length=max_length, top_p=p, temperature=temperature)
    return generated(found, input_ids, settings, "top_p")


@primitive("torch_generator_beam_search", library=LIBRARY)
def torch_generator_beam_search(
    generator: Any, input_ids: Any, max_length: Any = None, num_beams: Any = None
) -> Tensor:
    """Continue a prompt by the best of num_beams hypotheses; settings stay untouched.

    A hypothesis is judged by the sum of its log-probabilities over its length.

    (setq g (torch_generator_create (lambda (ids) (torch_tensor '((0.0 3.0 1.0))))))
    (torch_generator_beam_search g (integers 0) 2 2)
    ; (0 1 1)
    """
    found = generator_of(generator)
    settings = found.settings.but(max_length=max_length, num_beams=num_beams)
    return generated(found, input_ids, settings, "beam_search")


@primitive("torch_generator_set_device", library=LIBRARY)
def torch_generator_set_device(generator: Any, device: Any) -> Generator:
    """Move a generator and its model to a device; the generator is returned.

    (torch_generator_set_device (torch_generator_create (torch_embedding 5 5)) "cpu")
    ; TorchGenerator(max_length=100, temperature=1, strategy=greedy)
    """
    found = generator_of(generator)
    found.device = device_of(device)
    found.model.move(found.device)
    return found
