"""Hugging Face models: forward passes, caches, attention weights, generation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import Integers

from ..arguments import boolean, is_list, known, natural, options, what
from ..generation import Settings, continued, function_of
from ..kv_cache import KVCache
from ..tokenizers import ids_of
from .handles import Handle, handle_of, layer_index

LIBRARY = "lispe_torch"

#: Options of torch_hf_generate, with their other spellings.
_OPTIONS = {
    "topk": "top_k", "top_k": "top_k", "topp": "top_p", "top_p": "top_p", "minp": "min_p",
    "min_p": "min_p", "temperature": "temperature", "repetition_penalty": "repetition_penalty",
    "no_repeat_ngram_size": "no_repeat_ngram_size", "seed": "seed", "stop": "stop",
    "greedy": "greedy", "callback": "callback", "data": "data",
}  # fmt: skip


def _cache_of(handle: Handle, value: Any) -> KVCache | None:
    if value is None:
        return None
    if not isinstance(value, KVCache):
        raise LispError(f"kvcache must be a cache, not {what(value)}")
    if value.owner is not handle.decoder:
        raise LispError("this cache belongs to another model")
    return value


def _before(cache: KVCache | None) -> int:
    return cache.seen if cache is not None and cache.enabled else 0


@primitive("torch_hf_forward", library=LIBRARY, interpreter=True)
def torch_hf_forward(lisp: Context, path: Any, input_ids: Any, kvcache: Any = None) -> Tensor:
    """The logits [batch, n, vocabulary] of a loaded model for int64 ids [batch, n] or [n].

    With a cache only the new ids are sent, and it grows by them. Ids outside
    the vocabulary, and the cache of another model, are errors. Gradients reach
    adapters and weights that are not frozen, where no cache is used.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_forward (torch_hf_load_model "tiny") (torch_tensor '((1 2 3)))))
    ; (1 3 16)
    """
    handle = handle_of(lisp, path)
    cache = _cache_of(handle, kvcache)
    ids = handle.checked(input_ids, _before(cache))
    if cache is None or not cache.enabled:
        return handle.decoder(ids)
    with torch.no_grad():
        return handle.decoder(ids, cache)


@primitive("torch_hf_forward_manual", library=LIBRARY, interpreter=True)
def torch_hf_forward_manual(
    lisp: Context, path: Any, input_ids: Any, kvcache: Any = None
) -> Tensor:
    """The logits of a loaded model, by explicit attention whose weights are kept.

    torch_hf_forward_attention_scores gives them, layer by layer. The model
    must have been loaded with manual_attention true.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (setq h (torch_hf_load_model "tiny" (dictionary "manual_attention" true)))
    (torch_shape (torch_hf_forward_manual h (torch_tensor '((1 2 3)))))
    ; (1 3 16)
    """
    handle = handle_of(lisp, path)
    cache = _cache_of(handle, kvcache)
    if not handle.manual:
        raise LispError(
            "the model was not loaded for explicit attention",
            hint='load it so: (torch_hf_load_model path (dictionary "manual_attention" true))',
        )
    ids = handle.checked(input_ids, _before(cache))
    kept = cache if cache is not None else handle.decoder.cache(enabled=False)
    if kept.enabled:
        with torch.no_grad():
            found = handle.decoder(ids, kept, manual=True)
    else:
        found = handle.decoder(ids, kept, manual=True)
    if cache is None:
        handle.scores = kept.scores
    return found


def _scores(lisp: Context, path: Any, kvcache: Any) -> list[Tensor]:
    handle = handle_of(lisp, path)
    cache = _cache_of(handle, kvcache)
    return handle.scores if cache is None else cache.scores


@primitive("torch_hf_forward_attention_scores", library=LIBRARY, interpreter=True)
def torch_hf_forward_attention_scores(
    lisp: Context, path: Any, layer_index: Any, kvcache: Any = None
) -> Tensor | None:
    """The attention weights [batch, heads, q, k] that the last explicit run kept of a layer.

    On the CPU; nil where there are none.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_forward_attention_scores (torch_hf_load_model "tiny") 0)
    ; nil
    """
    index = _layer(lisp, path, layer_index)
    found = _scores(lisp, path, kvcache)
    return found[index] if found else None


def _layer(lisp: Context, path: Any, value: Any) -> int:
    return layer_index(handle_of(lisp, path), value)


@primitive("torch_hf_forward_attention_size", library=LIBRARY, interpreter=True)
def torch_hf_forward_attention_size(lisp: Context, path: Any, kvcache: Any = None) -> int:
    """The number of layers whose attention weights are kept.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_forward_attention_size (torch_hf_load_model "tiny"))
    ; 0
    """
    return len(_scores(lisp, path, kvcache))


@primitive("torch_hf_clear_attention_scores", library=LIBRARY, interpreter=True)
def torch_hf_clear_attention_scores(lisp: Context, path: Any, kvcache: Any = None) -> bool:
    """Forget the attention weights that were kept.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_clear_attention_scores (torch_hf_load_model "tiny"))
    ; true
    """
    _scores(lisp, path, kvcache).clear()
    return True


@primitive("torch_hf_enable_kv_cache", library=LIBRARY, interpreter=True)
def torch_hf_enable_kv_cache(lisp: Context, path: Any, enable: Any = True) -> KVCache:
    """Make a cache of keys and values for a loaded model; nil makes one that keeps none.

    It is given to torch_hf_forward, one for each text. With max_cache_len only
    so many of the latest keys are kept, while positions go on counting.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_enable_kv_cache (torch_hf_load_model "tiny") true)
    ; KV Cache (layers=1, length=0)
    """
    handle = handle_of(lisp, path)
    threads = getattr(lisp, "threads", None)
    if threads is not None and any(thread.is_alive() for thread in threads.running):
        raise LispError("no cache can be made while threads are running")
    return handle.decoder.cache(handle.max_cache_len, boolean(enable, "enable"))


@primitive("torch_hf_reset_kv_cache", library=LIBRARY)
def torch_hf_reset_kv_cache(kvcache: Any) -> bool:
    """Empty a cache, for another text.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_reset_kv_cache (torch_hf_enable_kv_cache (torch_hf_load_model "tiny") true))
    ; true
    """
    if not isinstance(kvcache, KVCache):
        raise LispError(f"kvcache must be a cache, not {what(kvcache)}")
    kvcache.reset()
    return True


def _settings(handle: Handle, given: dict[str, Any], eos: Any, length: Any) -> tuple[Settings, str]:
    """How a call generates: what it says, else what was said when the model was loaded."""
    known(given, _OPTIONS, "torch_hf_generate")
    found = {_OPTIONS[key]: value for key, value in given.items()}
    greedy = boolean(found.pop("greedy", None), "greedy")
    found.pop("callback", None)
    found.pop("data", None)
    settings = handle.sampling.but(**found)
    settings.eos_token_id = () if eos is None else tuple(ids_of(eos, "eos_id"))
    settings.max_length = natural(length, "max_length")
    return settings, "greedy" if greedy else "sample"


def _several(ids: Any) -> bool:
    """Is this a batch of more than one?"""
    if isinstance(ids, Tensor):
        return ids.dim() > 1 and ids.numel() > ids.shape[-1]
    rows = list(ids) if is_list(ids) else []
    return len(rows) > 1 and any(is_list(r) or (isinstance(r, Tensor) and r.dim()) for r in rows)


@primitive("torch_hf_generate", library=LIBRARY, interpreter=True)
def torch_hf_generate(
    lisp: Context,
    path: Any,
    initial_tokens: Any,
    eos_id: Any,
    max_length: Any,
    options_: Any = None,
) -> Integers:
    """Continue a prompt by at most max_length ids: the new ids, the stop id included.

    eos_id is one id, several or nil. Options: greedy true, or draws by topk,
    topp, min_p, temperature, repetition_penalty, seed (top_k and top_p are
    understood too); what they leave out was said when the model was loaded.
    callback is given every new id and the value of data; if it answers with
    the atom stop, that was the last id.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (size (torch_hf_generate (torch_hf_load_model "tiny") (integers 1 2) nil 5
       (dictionary "greedy" true)))
    ; 5
    """
    handle = handle_of(lisp, path)
    given = options(options_, "options")
    settings, strategy = _settings(handle, given, eos_id, max_length)
    if _several(initial_tokens):
        raise LispError(
            "torch_hf_generate continues one prompt, and was given several",
            hint="torch_generate takes a batch; the handle serves as its model",
        )
    prompt = ids_of(initial_tokens, "initial_tokens")
    if not prompt:
        raise LispError("the prompt is empty")
    ids = handle.checked(torch.tensor([prompt], dtype=torch.int64))
    if handle.max_seq_len is not None:
        settings.max_length = min(settings.max_length, handle.max_seq_len - len(prompt))
    listen = None
    if given.get("callback") is not None:
        call, data = function_of(lisp, given["callback"]), given.get("data")

        def listen(new: Tensor) -> bool:
            return call(int(new[0]), data) is Symbol("stop")

    rows = continued(handle.language_model(), ids, settings, strategy, listen, keep_stop=True)
    return Integers(rows[0])
