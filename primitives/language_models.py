"""Whatever maps ids to logits, brought under one roof for the generator.

A model may be a module, a TorchScript model, the handle of a Hugging Face
model, or a LispE function. It is given int64 ids [batch, n] and answers with
logits [batch, n, vocabulary] or [batch, vocabulary]; for a single row the
batch axis may be missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.runtime.context import Context
from lispe_py.values.symbol import Symbol

from .arguments import shape_text, what
from .checkpointing import bare
from .composite import Assembled, Transformer
from .layers import MLP
from .sharding import in_step


class Runner:
    """One run of a model: the logits of the next id, for rows that grow.

    This one calls the model with all ids each time; models with a cache of
    keys and values bring a runner of their own.
    """

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self.ids: Tensor | None = None

    def start(self, ids: Tensor) -> Tensor:
        """Logits [batch, vocabulary] after the ids [batch, n]."""
        self.ids = ids
        return self.model.next_logits(ids)

    def step(self, new: Tensor) -> Tensor:
        """Logits after one more id in every row."""
        assert self.ids is not None
        self.ids = torch.cat((self.ids, new.unsqueeze(-1)), -1)
        return self.model.next_logits(self.ids)

    def reorder(self, rows: Tensor) -> None:
        """Go on with these rows in the place of the present ones."""
        assert self.ids is not None
        self.ids = self.ids[rows]


class LanguageModel:
    """A model as the generator sees it."""

    def __init__(
        self,
        function: Callable[[Tensor], Any],
        module: nn.Module | None = None,
        context: int | None = None,
    ) -> None:
        self.function = function
        self.module = module
        #: The most ids that the model can take; the latest ones are sent.
        self.context = context
        #: It was seen to answer for one row only.
        self.single = False

    def runner(self, use_cache: bool) -> Any:
        return Runner(self)

    def move(self, device: torch.device) -> None:
        if self.module is not None:
            self.module.to(device)

    def device(self) -> torch.device:
        """Where the model is."""
        parameters = self.module.parameters() if self.module is not None else iter(())
        return next((p.device for p in parameters), torch.device("cpu"))

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Without gradients and without dropout; a sharded model in step with the others."""
        training = self.module is not None and self.module.training
        if training:
            self.module.eval()  # type: ignore[union-attr]
        one = torch.zeros(1, 1, dtype=torch.int64, device=self.device())
        try:
            with torch.no_grad(), in_step(self.module, lambda: self.next_logits(one)):
                yield
        finally:
            if training:
                self.module.train()  # type: ignore[union-attr]

    def next_logits(self, ids: Tensor) -> Tensor:
        if self.context is not None and ids.shape[-1] > self.context:
            ids = ids[:, -self.context :]
        if self.single and ids.shape[0] > 1:
            return self._one_by_one(ids)
        found = last_logits(self.function(ids), ids)
        if found is None and ids.shape[0] > 1 and self.module is None:
            self.single = True
            return self._one_by_one(ids)
        if found is None:
            raise LispError(
                "the model gives no logits of the shape (batch vocabulary) "
                f"or (batch length vocabulary) for ids {shape_text(ids)}"
            )
        return found

    def _one_by_one(self, ids: Tensor) -> Tensor:
        rows = [last_logits(self.function(row), row) for row in ids.split(1)]
        if any(row is None for row in rows):
            raise LispError("the model gives no logits of the shape (batch vocabulary)")
        return torch.cat(rows)  # type: ignore[arg-type]


def last_logits(answer: Any, ids: Tensor) -> Tensor | None:
    """Logits [batch, vocabulary] for the next id; None: the shape fits no reading."""
    if not isinstance(answer, Tensor):
        raise LispError(f"the model must give a tensor of logits, not {what(answer)}")
    if not answer.is_floating_point():
        raise LispError("the model must give logits, not integers")
    batch, length = ids.shape
    answer = answer.detach()
    if answer.dim() == 3 and answer.shape[0] == batch and answer.shape[1]:
        return answer[:, -1]
    if answer.dim() == 2 and answer.shape[0] == batch:
        return answer
    if batch == 1 and answer.dim() == 2 and answer.shape[0] == length:
        return answer[-1:]
    if batch == 1 and answer.dim() == 1 and answer.numel():
        return answer.unsqueeze(0)
    return None


# ------------------------------------------------------------------ making one


def _bigrams(model: MLP) -> Callable[[Tensor], Tensor]:
    """A perceptron that sees the last id as a one-hot vector."""
    count = model.fc1.in_features

    def run(ids: Tensor) -> Tensor:
        last = ids[:, -1]
        if bool((last >= count).any()) or bool((last < 0).any()):
            raise LispError(f"id {int(last.max())} is outside a vocabulary of {count}")
        return model(F.one_hot(last, count).to(model.fc1.weight.dtype))  # type: ignore[no-any-return]

    return run


def of_module(model: nn.Module) -> LanguageModel:
    inner = bare(model)
    if isinstance(inner, MLP):
        if inner.fc1.in_features != inner.fc3.out_features:
            raise LispError(
                "this model maps no ids to logits: as many outputs as inputs would make "
                "a bigram model"
            )
        return LanguageModel(_bigrams(inner), inner)
    if isinstance(inner, nn.Embedding) and inner.embedding_dim != inner.num_embeddings:
        raise LispError(
            f"an embedding of {inner.num_embeddings} vectors of {inner.embedding_dim} "
            "gives no logits: the sizes must be equal"
        )
    if not isinstance(inner, Assembled):
        # What a script wrote may print or count; anything else can be tried without harm.
        _try(model)
    context = inner.positions.max_length if isinstance(inner, Transformer) else None
    return LanguageModel(model, model, context)


def _try(model: nn.Module) -> None:
    """Refuse a module that takes no ids."""
    place = next((p.device for p in model.parameters()), torch.device("cpu"))
    ids = torch.zeros(1, 1, dtype=torch.int64, device=place)
    training = model.training
    try:
        model.eval()
        with torch.no_grad():
            usable = last_logits(model(ids), ids) is not None
    except (LispError, RuntimeError, ValueError, TypeError, IndexError):
        usable = False
    finally:
        model.train(training)
    if not usable:
        raise LispError(f"{what(model)} maps no ids to logits")


def language_model(lisp: Context, value: Any) -> Any:
    """The model that a value stands for."""
    if isinstance(value, LanguageModel):
        return value
    if isinstance(value, nn.Module):
        own = getattr(bare(value), "language_model", None)
        return own() if own is not None else of_module(value)
    if isinstance(value, str):
        from .decoder.handles import find

        decoder = find(lisp, value)
        if decoder is not None:
            return decoder.language_model()
        value = Symbol(value)
    own = getattr(value, "language_model", None)
    if own is not None:
        return own()
    try:
        return LanguageModel(lisp.callable(value))
    except LispError as error:
        raise LispError(
            f"a generator needs a model: a module, a function or a handle, not {what(value)}"
        ) from error
