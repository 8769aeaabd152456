"""Decoders in GGUF files, the format of llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError

from ..gguf_reader import GGUF
from .model import Decoder
from .weights import empty, fill

#: Architecture of a file -> family, and whether rows of queries and keys are interleaved.
_FAMILIES = {
    "llama": ("llama", "LlamaForCausalLM", True),
    "mistral": ("mistral", "MistralForCausalLM", True),
    "qwen2": ("qwen2", "Qwen2ForCausalLM", False),
    "qwen3": ("qwen3", "Qwen3ForCausalLM", False),
    "smollm3": ("smollm3", "SmolLM3ForCausalLM", True),
}

#: Name in a file -> name in the model, after ``blk.N.`` for those of a layer.
_WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_PARTS = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}  # fmt: skip
_FACTORS = "rope_freqs.weight"


def _config(file: GGUF) -> tuple[dict[str, Any], bool]:
    kind = str(file.need("general.architecture"))
    if kind not in _FAMILIES:
        raise LispError(
            f"unsupported architecture: {kind}", hint=f"there are: {' '.join(_FAMILIES)}"
        )
    family, architecture, interleaved = _FAMILIES[kind]
    heads = int(file.need(f"{kind}.attention.head_count"))
    hidden = int(file.need(f"{kind}.embedding_length"))
    raw: dict[str, Any] = {
        "architectures": [architecture],
        "model_type": family,
        "hidden_size": hidden,
        "intermediate_size": int(file.need(f"{kind}.feed_forward_length")),
        "num_hidden_layers": int(file.need(f"{kind}.block_count")),
        "num_attention_heads": heads,
        "num_key_value_heads": int(file.get(f"{kind}.attention.head_count_kv", heads)),
        "head_dim": int(file.get(f"{kind}.attention.key_length", hidden // heads)),
        "rms_norm_eps": float(file.need(f"{kind}.attention.layer_norm_rms_epsilon")),
        "rope_theta": float(file.get(f"{kind}.rope.freq_base", 10000.0)),
        "max_position_embeddings": int(file.get(f"{kind}.context_length", 131072)),
        "vocab_size": int(reversed_shape(file, "token_embd.weight")[0]),
        "tie_word_embeddings": "output.weight" not in file.tensors,
        "attention_bias": "blk.0.attn_q.bias" in file.tensors,
        "hidden_act": "silu",
    }
    eos = file.get("tokenizer.ggml.eos_token_id")
    if eos is not None:
        raw["eos_token_id"] = int(eos)
    scaling = file.get(f"{kind}.rope.scaling.type")
    if _FACTORS in file.tensors:
        factors = file.values(_FACTORS).tolist()
        raw["rope_scaling"] = {"rope_type": "factors", "factors": factors}
    elif scaling in ("linear", "yarn"):
        raw["rope_scaling"] = {
            "rope_type": scaling,
            "factor": float(file.need(f"{kind}.rope.scaling.factor")),
        }
        original = file.get(f"{kind}.rope.scaling.original_context_length")
        if original is not None:
            raw["rope_scaling"]["original_max_position_embeddings"] = int(original)
    elif scaling not in (None, "none"):
        raise LispError(f"unsupported rope_scaling: '{scaling}'")
    return raw, interleaved


def reversed_shape(file: GGUF, name: str) -> list[int]:
    """The shape of a tensor, rows first."""
    if name not in file.tensors:
        raise LispError(f"the weight '{name}' is missing")
    return [int(n) for n in reversed(file.tensors[name].shape.tolist())]


def _uninterleaved(value: Tensor, heads: int) -> Tensor:
    """Rows of pairs (i, i+1) as rows of pairs (i, i + half), the order of the other formats."""
    pairs = value.reshape(heads, value.shape[0] // heads // 2, 2, *value.shape[1:])
    return pairs.transpose(1, 2).reshape(value.shape)


def _tensors(file: GGUF, raw: Mapping[str, Any], interleaved: bool) -> Iterator[tuple[str, Tensor]]:
    for name in file.tensors:
        if name == _FACTORS:
            continue
        if name in _WHOLE:
            yield _WHOLE[name], file.values(name)
            continue
        block, _, rest = name.partition(".")
        index, _, part = rest.partition(".")
        stem, _, last = part.rpartition(".")
        if block != "blk" or stem not in _PARTS:
            raise LispError(f"the weight '{name}' has no place in a {raw['model_type']} model")
        value = file.values(name)
        if interleaved and stem in ("attn_q", "attn_k"):
            heads = raw["num_attention_heads" if stem == "attn_q" else "num_key_value_heads"]
            value = _uninterleaved(value, heads)
        yield f"model.layers.{index}.{_PARTS[stem]}.{last}", value


def load_gguf(
    path: str, dtype: torch.dtype | None, changes: Mapping[str, Any] | None = None
) -> Decoder:
    """A model from a GGUF file. Quantised weights become single precision unless ``dtype`` says."""
    file = GGUF(path)
    raw, interleaved = _config(file)
    raw.update(changes or {})
    decoder = empty(raw)
    fill(decoder, _tensors(file, raw, interleaved), dtype)
    decoder.eval()
    return decoder
