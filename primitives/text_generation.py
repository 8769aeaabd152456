"""Generation from text to text: a generator and a tokenizer together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.symbol import Symbol

from .arguments import options, text
from .generation import LIBRARY, Listener, continued, function_of, generator_of
from .tokenizers import StreamDecoder, tokenizer_of


def first_stop(written: str, stops: Sequence[str]) -> int:
    """Where the first of the stop strings begins, -1 if there is none."""
    places = [place for stop in stops if (place := written.find(stop)) >= 0]
    return min(places, default=-1)


def held(written: str, stops: Sequence[str]) -> int:
    """How many of the last characters may be the beginning of a stop string."""
    longest = 0
    for stop in stops:
        for count in range(min(len(stop) - 1, len(written)), longest, -1):
            if written.endswith(stop[:count]):
                longest = count
                break
    return longest


class Writer:
    """Turns ids into text as they come, up to the first stop string or stop sequence."""

    def __init__(
        self,
        decode: Callable[[list[int]], str],
        prompt: list[int],
        stops: Sequence[Any],
        ends: set[int],
    ) -> None:
        self.stream = StreamDecoder(decode)
        # The text goes on from the prompt: a space between the two belongs to it.
        self.stream.add(prompt)
        self.strings = [stop for stop in stops if isinstance(stop, str)]
        self.sequences = [stop for stop in stops if not isinstance(stop, str)]
        self.ends = ends
        self.written = ""
        self.given = 0
        self.ended = False
        #: Ids that may be the beginning of a stop sequence.
        self.pending: list[int] = []
        self.delay = max(map(len, self.sequences), default=1) - 1

    def add(self, index: int) -> str:
        """What can be shown now."""
        if index in self.ends:
            return ""
        self.pending.append(index)
        for stop in self.sequences:
            if tuple(self.pending[-len(stop) :]) == stop:
                del self.pending[-len(stop) :]
                return ""
        if len(self.pending) <= self.delay:
            return ""
        return self._more(self.stream.add([self.pending.pop(0)]), False)

    def finish(self) -> str:
        """What is left to be shown."""
        if self.ended:
            return ""
        return self._more(self.stream.add(self.pending) + self.stream.finish(), True)

    def _more(self, more: str, last: bool) -> str:
        self.written += more
        begin = max(0, self.given - max(map(len, self.strings), default=0))
        place = first_stop(self.written[begin:], self.strings)
        if place >= 0:
            self.written = self.written[: begin + place]
            self.ended = True
            until = len(self.written)
        else:
            until = len(self.written) - (0 if last else held(self.written, self.strings))
        new = self.written[self.given : until]
        self.given = max(self.given, until)
        return new


@primitive(
    "torch_generate_text", "torch_generator_generate_text", library=LIBRARY, interpreter=True
)
def torch_generate_text(
    lisp: Context,
    generator: Any,
    tokenizer: Any,
    prompt: Any,
    config: Any = None,
    callback: Any = None,
) -> str:
    """Continue a text: the new text alone, which can be put behind the prompt as it is.

    The settings are those of the generator, but for the keys of the
    configuration, which count for this call only; stop may hold strings, at
    the first of which the text ends. Unless eos_token_id is set there, it is
    the tokenizer's. The callback is given each piece of text as soon as it is
    certain; if it answers with the atom stop, that was the last.

    (setq t (torch_simple_tokenizer (list "red" "green")))
    (setq g (torch_generator_create (lambda (ids) (torch_tensor '((0.0 0 0 0 1.0 2.0))))))
    (+ "red" (torch_generate_text g t "red" (dictionary "max_length" 2)))
    ; red green green
    """
    found, words = generator_of(generator), tokenizer_of(tokenizer)
    given = options(config)
    settings = found.settings.but(**given)
    if "strategy" in given:
        strategy = settings.strategy
    elif not settings.do_sample and settings.strategy != "beam_search":
        strategy = "greedy"
    else:
        strategy = settings.strategy
    end = words.special("eos")
    if end is not None and "eos_token_id" not in given:
        settings.eos_token_id = (*settings.eos_token_id, end)
    ids = words.encode(text(prompt, "prompt"), eos=False)
    if not ids:
        begin = words.special("bos")
        if begin is None:
            raise LispError("the prompt is empty")
        ids = [begin]
    writer = Writer(words.decode, ids, settings.stop, set(settings.eos_token_id))
    tell = None
    if callback is not None:
        tell = function_of(lisp, callback)
    start = torch.tensor([ids], dtype=torch.int64, device=found.device)
    if strategy == "beam_search":
        for index in continued(found.model, start, settings, strategy)[0]:
            if writer.ended or _say(tell, writer.add(index)):
                break
    else:
        continued(found.model, start, settings, strategy, _listener(writer, tell))
    _say(tell, writer.finish())
    return writer.written


def _say(tell: Callable[[str], Any] | None, piece: str) -> bool:
    return tell is not None and bool(piece) and tell(piece) is Symbol("stop")


def _listener(writer: Writer, tell: Callable[[str], Any] | None) -> Listener:
    def listen(new: torch.Tensor) -> bool:
        piece = writer.add(int(new[0]))
        return _say(tell, piece) or writer.ended

    return listen
