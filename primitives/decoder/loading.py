"""Hugging Face models: loading, what they are, their weights, writing them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.typed import Integers, Strings

from ..arguments import is_list, options, positive, text, what
from ..persistence import path_of
from ..tokenizers import ids_of
from . import handles
from .config import FAMILIES
from .handles import Handle, handle_of, layer_index
from .model import Decoder
from .weights import SHARD, save_folder

LIBRARY = "lispe_torch"


@primitive("torch_hf_load_model", library=LIBRARY, needs=("fs",), interpreter=True)
def torch_hf_load_model(lisp: Context, path: Any, config: Any = None) -> str:
    """Load a decoder from a Hugging Face folder, or a GGUF file; its path is the handle.

    Llama, Mistral, Qwen2, Qwen3, SmolLM: config.json and safetensors files, or
    PyTorch archives, read as data only. Weights keep their type. Keys of the
    configuration: device, dtype, max_seq_len, rope_scaling, manual_attention,
    use_kv_cache, max_cache_len (a sliding window), temperature, top_p, top_k,
    min_p, repetition_penalty, seed. A path that is loaded already keeps its
    model. Missing files or tensors, wrong shapes, another architecture are errors.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 2 "num_attention_heads" 2)) "tiny")
    (torch_hf_load_model "tiny")
    ; tiny
    """
    name = path_of(path)
    if handles.find(lisp, name) is None:
        handles.load(lisp, name, name, config)
    return name


@primitive("torch_hf_load_model_lora", library=LIBRARY, needs=("fs",), interpreter=True)
def torch_hf_load_model_lora(lisp: Context, first: Any, second: Any, third: Any = None) -> str:
    """Load a decoder under a name of its own, to be given adapters; the name is the handle.

    Written (name path config) or (path config name), told apart by where the
    dictionary stands. A model of that name is replaced. The configuration is
    that of torch_hf_load_model.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 2 "num_attention_heads" 2)) "tiny")
    (torch_hf_load_model_lora "mine" "tiny" (dictionary))
    ; mine
    """
    if isinstance(second, str):
        name, path, config = text(first, "model_name"), second, third
    else:
        path, config = path_of(first), second
        name = path if third is None else text(third, "model_name")
    made = handles.load(lisp, name, path, config)
    made.for_lora = True
    return name


@primitive("torch_hf_unload", "torch_hf_unload_model", library=LIBRARY, interpreter=True)
def torch_hf_unload(lisp: Context, path: Any) -> bool:
    """Forget a loaded model, so that its memory can be used again.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 2 "num_attention_heads" 2)) "tiny")
    (torch_hf_unload (torch_hf_load_model "tiny"))
    ; true
    """
    handle_of(lisp, path)
    del handles.table(lisp)[path]
    return True


@primitive("torch_hf_model", "torch_hf_module", library=LIBRARY, interpreter=True)
def torch_hf_model(lisp: Context, path: Any) -> Decoder:
    """The module behind a handle, for everything that works on modules.

    Training, freezing, adapters by torch_lora_apply, quantisation, files.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 2 "num_attention_heads" 2)) "tiny")
    (torch_hf_model (torch_hf_load_model "tiny"))
    ; PyTorch Decoder (llama, layers=2, hidden=8, heads=2, vocab=16)
    """
    return handle_of(lisp, path).decoder


def _plain(value: Any) -> Any:
    """A value of a configuration as JSON can hold it."""
    if isinstance(value, Mapping):
        return {text(key, "a key"): _plain(item) for key, item in value.items()}
    if is_list(value):
        return [_plain(member) for member in value]
    if isinstance(value, float) and value.__class__ is not float:
        return float(value)
    return value


_SIZES = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
)  # fmt: skip


@primitive("torch_decoder", "torch_decoder_create", library=LIBRARY)
def torch_decoder(config: Any) -> Decoder:
    """Make a decoder of the Llama kind with fresh weights, to be trained from scratch.

    The keys are those of a config.json: model_type (llama, mistral, qwen2,
    qwen3, smollm3), vocab_size, hidden_size, intermediate_size,
    num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim,
    tie_word_embeddings, rope_theta, rope_scaling and others. The first five
    sizes must be given. It maps ids [batch,n] to logits, and torch_hf_save_model
    writes it as a folder.

    (torch_shape (torch_forward (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 2 "num_attention_heads" 2))
       (torch_tensor '((1 2 3)))))
    ; (1 3 16)
    """
    raw = _plain(options(config))
    lacking = [key for key in _SIZES if raw.get(key) is None]
    if lacking:
        # A file without them means Llama 3.1 8B, which nobody wants to make by an oversight.
        raise LispError(f"the configuration lacks {', '.join(lacking)}")
    if "architectures" not in raw:
        family = FAMILIES.get(raw.setdefault("model_type", "llama"))
        if family is not None:
            raw["architectures"] = list(family.architectures)
    return Decoder(raw)


@primitive("torch_hf_save_model", "torch_hf_save", library=LIBRARY, needs=("fs",), interpreter=True)
def torch_hf_save_model(lisp: Context, model: Any, folder: Any, max_shard_bytes: Any = None) -> str:
    """Write a decoder, by its handle or as a module, as a Hugging Face folder.

    config.json and safetensors files, in several parts beyond max_shard_bytes,
    5 GB by default, with an index; tokenizer files are copied from the folder it came
    from. Adapters are not written: merge them first, or save them apart.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 2 "num_attention_heads" 2)) "tiny")
    ; Model saved successfully
    """
    source = None
    if isinstance(model, str):
        handle = handle_of(lisp, model)
        decoder, source = handle.decoder, handle.path
    elif isinstance(model, Decoder):
        decoder = model
    else:
        raise LispError(f"model must be a decoder or the handle of one, not {what(model)}")
    most = SHARD if max_shard_bytes is None else positive(max_shard_bytes, "max_shard_bytes")
    save_folder(decoder, path_of(folder), source, most)
    return "Model saved successfully"


# ------------------------------------------------------------------ what they are


def _bytes(handle: Handle) -> int:
    return sum(t.numel() * t.element_size() for t in _weights(handle).values())


def _weights(handle: Handle) -> dict[str, Tensor]:
    """The weights of a model by name, whatever holds them."""
    found: dict[str, Tensor] = {}
    for name, value in handle.decoder.state_dict(keep_vars=True).items():
        if ".lora_A." in name or ".lora_B." in name:
            continue
        if name == "lm_head.weight" and handle.decoder.config.tied:
            continue
        found[name] = value.detach()
    return found


@primitive("torch_hf_model_info", library=LIBRARY, interpreter=True)
def torch_hf_model_info(lisp: Context, path: Any) -> Dictionary:
    """What a loaded model is, a dictionary.

    architecture, vocab_size, hidden_size, intermediate_size,
    num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim,
    rms_norm_eps, rope_theta, max_position_embeddings, tie_word_embeddings,
    dtype, device, parameters, memory.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 2 "num_attention_heads" 2)) "tiny")
    (@ (torch_hf_model_info (torch_hf_load_model "tiny")) "vocab_size")
    ; 16
    """
    handle = handle_of(lisp, path)
    config, weight = handle.decoder.config, handle.decoder.model.embed_tokens.weight
    return Dictionary({
        "architecture": config.family.architectures[0],
        "model_type": config.family.name,
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_layers,
        "num_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "rms_norm_eps": config.eps,
        "rope_theta": config.theta,
        "max_position_embeddings": config.max_positions,
        "tie_word_embeddings": True if config.tied else None,
        "eos_token_id": Integers(config.eos),
        "dtype": str(weight.dtype).removeprefix("torch."),
        "device": str(weight.device),
        "parameters": sum(t.numel() for t in _weights(handle).values()),
        "memory": _bytes(handle),
    })  # fmt: skip


@primitive("torch_hf_model_summary", library=LIBRARY, interpreter=True)
def torch_hf_model_summary(lisp: Context, path: Any) -> str:
    """A description of a loaded model: architecture, sizes, type, parameters, memory.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 2 "num_attention_heads" 2)) "tiny")
    (stringp (torch_hf_model_summary (torch_hf_load_model "tiny")))
    ; true
    """
    info = torch_hf_model_info(lisp, path)
    return (
        f"{info['architecture']}: {info['num_layers']} layers, hidden size {info['hidden_size']}, "
        f"{info['num_attention_heads']} heads ({info['num_key_value_heads']} for keys and values) "
        f"of {info['head_dim']}, feed-forward {info['intermediate_size']}, "
        f"vocabulary {info['vocab_size']}\n"
        f"{info['parameters']} parameters in {info['dtype']} on {info['device']}, "
        f"{info['memory'] / (1 << 20):.6g} MB"
    )


@primitive("torch_hf_memory_usage", library=LIBRARY, interpreter=True)
def torch_hf_memory_usage(lisp: Context, path: Any) -> int:
    """The bytes that the weights of a loaded model take, in the type they are held in.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_memory_usage (torch_hf_load_model "tiny"))
    ; 3296
    """
    return _bytes(handle_of(lisp, path))


@primitive("torch_hf_list_weights", library=LIBRARY, interpreter=True)
def torch_hf_list_weights(lisp: Context, path: Any) -> Strings:
    """The names of all weights of a loaded model; a tied output head has none of its own.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (size (torch_hf_list_weights (torch_hf_load_model "tiny")))
    ; 12
    """
    return Strings(_weights(handle_of(lisp, path)))


@primitive("torch_hf_get_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_weight(lisp: Context, path: Any, name: Any) -> Tensor:
    """A weight of a loaded model by its name, as torch_hf_list_weights gives it.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_weight (torch_hf_load_model "tiny") "lm_head.weight"))
    ; (16 8)
    """
    handle, wanted = handle_of(lisp, path), text(name, "name")
    weights = _weights(handle)
    if wanted == "lm_head.weight" and handle.decoder.config.tied:
        wanted = "model.embed_tokens.weight"
    if wanted not in weights:
        raise LispError(
            f"the model has no weight '{wanted}'",
            hint=f"it has: {' '.join(list(weights)[:12])} ...",
        )
    return weights[wanted]


def _projection(lisp: Context, path: Any, layer: Any, *parts: str) -> Tensor:
    """The weights of projections of one layer, stacked where there are several."""
    handle = handle_of(lisp, path)
    index = layer_index(handle, layer)
    found = []
    for part in parts:
        module = handle.decoder.model.layers[index].get_submodule(part)
        weight = getattr(module, "weight", None)
        if not isinstance(weight, Tensor):
            raise LispError(f"the weight of {part} is quantised")
        found.append(weight.detach())
    return found[0] if len(found) == 1 else torch.cat(found)


_Q, _K, _V, _O = (f"self_attn.{name}_proj" for name in "qkvo")


@primitive("torch_hf_get_q_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_q_weight(lisp: Context, path: Any, layer: Any) -> Tensor:
    """The weight of the query projection of one layer, counted from 0.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_q_weight (torch_hf_load_model "tiny") 0))
    ; (8 8)
    """
    return _projection(lisp, path, layer, _Q)


@primitive("torch_hf_get_k_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_k_weight(lisp: Context, path: Any, layer: Any) -> Tensor:
    """The weight of the key projection of one layer, counted from 0.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_k_weight (torch_hf_load_model "tiny") 0))
    ; (8 8)
    """
    return _projection(lisp, path, layer, _K)


@primitive("torch_hf_get_v_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_v_weight(lisp: Context, path: Any, layer: Any) -> Tensor:
    """The weight of the value projection of one layer, counted from 0.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_v_weight (torch_hf_load_model "tiny") 0))
    ; (8 8)
    """
    return _projection(lisp, path, layer, _V)


@primitive("torch_hf_get_o_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_o_weight(lisp: Context, path: Any, layer: Any) -> Tensor:
    """The weight of the output projection of one layer, counted from 0.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_o_weight (torch_hf_load_model "tiny") 0))
    ; (8 8)
    """
    return _projection(lisp, path, layer, _O)


@primitive("torch_hf_get_qkv_fused_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_qkv_fused_weight(lisp: Context, path: Any, layer: Any) -> Tensor:
    """The weights of queries, keys and values of one layer, stacked on the first axis.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_qkv_fused_weight (torch_hf_load_model "tiny") 0))
    ; (24 8)
    """
    return _projection(lisp, path, layer, _Q, _K, _V)


@primitive("torch_hf_get_gate_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_gate_weight(lisp: Context, path: Any, layer: Any) -> Tensor:
    """The weight of the gate projection of one layer, counted from 0.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_gate_weight (torch_hf_load_model "tiny") 0))
    ; (12 8)
    """
    return _projection(lisp, path, layer, "mlp.gate_proj")


@primitive("torch_hf_get_up_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_up_weight(lisp: Context, path: Any, layer: Any) -> Tensor:
    """The weight of the up projection of one layer, counted from 0.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_up_weight (torch_hf_load_model "tiny") 0))
    ; (12 8)
    """
    return _projection(lisp, path, layer, "mlp.up_proj")


@primitive("torch_hf_get_down_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_down_weight(lisp: Context, path: Any, layer: Any) -> Tensor:
    """The weight of the down projection of one layer, counted from 0.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_down_weight (torch_hf_load_model "tiny") 0))
    ; (8 12)
    """
    return _projection(lisp, path, layer, "mlp.down_proj")


@primitive("torch_hf_get_gate_up_fused_weight", library=LIBRARY, interpreter=True)
def torch_hf_get_gate_up_fused_weight(lisp: Context, path: Any, layer: Any) -> Tensor:
    """The weights of gate and up projection of one layer, stacked on the first axis.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_get_gate_up_fused_weight (torch_hf_load_model "tiny") 0))
    ; (24 8)
    """
    return _projection(lisp, path, layer, "mlp.gate_proj", "mlp.up_proj")


@primitive("torch_hf_get_rms_norm_eps", library=LIBRARY, interpreter=True)
def torch_hf_get_rms_norm_eps(lisp: Context, path: Any) -> float:
    """The epsilon of the norms of a loaded model.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_get_rms_norm_eps (torch_hf_load_model "tiny"))
    ; 1e-06
    """
    return handle_of(lisp, path).decoder.config.eps


@primitive("torch_hf_embeddings", library=LIBRARY, interpreter=True)
def torch_hf_embeddings(lisp: Context, path: Any, token_ids: Any) -> Tensor:
    """The embedding rows of ids, a tensor of any shape or an integer list: [..., hidden].

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_shape (torch_hf_embeddings (torch_hf_load_model "tiny") (integers 1 2 3)))
    ; (3 8)
    """
    table = handle_of(lisp, path).decoder.model.embed_tokens
    if not isinstance(token_ids, Tensor):
        token_ids = torch.tensor(ids_of(token_ids, "token_ids"), dtype=torch.int64)
    return table(token_ids.to(table.weight.device))
