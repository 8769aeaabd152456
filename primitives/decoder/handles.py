"""Handles: strings that stand for loaded models, in the interpreter that loaded them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.runtime.context import Context

from ..arguments import boolean, floating_dtype, known, natural, number, options, positive, what
from ..devices import device_of
from ..generation import Settings
from .gguf_files import load_gguf
from .model import Decoder, DecoderModel
from .rope import check_scaling
from .weights import load_folder

NOT_LOADED = "Model not loaded"

#: Settings of a loading, apart from those of generation.
_KEYS = (
    "device", "dtype", "max_seq_len", "rope_scaling", "use_kv_cache", "max_cache_len",
    "manual_attention",
)  # fmt: skip
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed")

#: What scripts also ask for, and what there is no choice about: weights are always read one
#: by one, code in a folder is never run, and attention takes the fused kernel where it can.
_SETTLED = ("low_memory", "trust_remote_code", "use_flash_attention")

_tables: WeakKeyDictionary[Context, dict[str, Handle]] = WeakKeyDictionary()


class Handle:
    """A loaded model and what was said when it was loaded."""

    def __init__(self, name: str, path: str, decoder: Decoder, given: Mapping[str, Any]) -> None:
        self.name = name
        self.path = path
        self.decoder = decoder
        self.max_seq_len = _count(given, "max_seq_len")
        self.max_cache_len = _count(given, "max_cache_len")
        self.use_kv_cache = boolean(given.get("use_kv_cache"), "use_kv_cache")
        self.manual = boolean(given.get("manual_attention"), "manual_attention")
        #: How ids are drawn unless a call says otherwise.
        self.sampling = Settings()
        self.sampling.top_k, self.sampling.top_p = 0, 1.0
        self.sampling.eos_token_id = decoder.config.eos
        self.sampling.update({key: given[key] for key in _SAMPLING if key in given})
        #: Loaded to be given adapters.
        self.for_lora = False
        #: Attention weights of the last explicit run without a cache.
        self.scores: list[Tensor] = []

    def checked(self, ids: Any, before: int = 0) -> Tensor:
        """Ids that the model can take, on its device."""
        if not isinstance(ids, Tensor):
            raise LispError(f"input_ids must be a tensor of ids, not {what(ids)}")
        found = self.decoder.ids(ids)
        least, most = (int(v) for v in torch.aminmax(found))
        count = self.decoder.config.vocab_size
        if least < 0 or most >= count:
            wrong = least if least < 0 else most
            raise LispError(f"id {wrong} is outside the vocabulary of {count}")
        if self.max_seq_len is not None and before + found.shape[1] > self.max_seq_len:
            raise LispError(
                f"{before + found.shape[1]} ids are more than max_seq_len ({self.max_seq_len})"
            )
        return found.to(self.decoder.model.embed_tokens.weight.device)

    def language_model(self) -> DecoderModel:
        return DecoderModel(self.decoder, self.max_cache_len)


def _count(given: Mapping[str, Any], key: str) -> int | None:
    """A limit; 0 and nil mean none."""
    value = given.get(key)
    return None if value is None else natural(value, key) or None


def table(lisp: Context) -> dict[str, Handle]:
    """The handles of an interpreter."""
    return _tables.setdefault(lisp, {})


def find(lisp: Context, name: str) -> Handle | None:
    return table(lisp).get(name)


def handle_of(lisp: Context, value: Any) -> Handle:
    """The model of a handle."""
    if not isinstance(value, str):
        raise LispError(f"a model is named by a string, not by {what(value)}")
    found = find(lisp, value)
    if found is None:
        there = " ".join(table(lisp))
        raise LispError(
            f"{NOT_LOADED}: {value}", hint=f"loaded are: {there}" if there else "none is loaded"
        )
    return found


def load(lisp: Context, name: str, path: str, config: Any) -> Handle:
    """Load a folder, or a GGUF file, under a name."""
    given = options(config)
    known(given, (*_KEYS, *_SAMPLING, *_SETTLED), "loading a model")
    place = device_of(given["device"]) if given.get("device") is not None else None
    dtype = None if given.get("dtype") is None else floating_dtype(given["dtype"])
    changes: dict[str, Any] = {}
    stretch = _stretching(given.get("rope_scaling"))
    if stretch is not None:
        check_scaling(stretch, 1)
        changes["rope_scaling"] = stretch
    if os.path.isdir(path):
        inside = sorted(n for n in os.listdir(path) if n.endswith(".gguf"))
        if inside and not os.path.isfile(os.path.join(path, "config.json")):
            if len(inside) > 1:
                raise LispError(f"there are several GGUF files in {path}: name one of them")
            decoder = load_gguf(os.path.join(path, inside[0]), dtype, changes)
        else:
            decoder = load_folder(path, dtype, changes)
    elif path.endswith(".gguf"):
        decoder = load_gguf(path, dtype, changes)
    else:
        raise LispError(f"there is no folder {path}")
    if place is not None:
        decoder.to(place)
    made = Handle(name, path, decoder, given)
    table(lisp)[name] = made
    return made


def _stretching(value: Any) -> dict[str, Any] | None:
    """Settings of a stretching as plain values, which a file can hold; a number is a factor."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and value is not True:
        return None if value == 1 else {"rope_type": "linear", "factor": value}
    found: dict[str, Any] = {}
    for key, item in options(value, "rope_scaling").items():
        found[key] = item if isinstance(item, str) else number(item, key)
    return found


def layer_index(handle: Handle, value: Any) -> int:
    count = handle.decoder.config.num_layers
    index = natural(value, "layer") if not isinstance(value, bool) else positive(value, "layer")
    if index >= count:
        raise LispError(f"layer {index} of {count}: index out of bounds")
    return index
