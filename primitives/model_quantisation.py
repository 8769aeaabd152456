"""Quantised models: linear layers in 8 or 4 bits, for inference and under adapters."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context

from .arguments import is_list, known, module, options, positive, text, what
from .checkpointing import bare
from .layers import Linear, MultiHeadAttention, replace_part
from .lora_layers import Adapted, LoRALinear, LoRAOver
from .quantised_layers import GROUP, KINDS, QuantisedAttention, QuantisedLinear

LIBRARY = "lispe_torch"

#: Spellings of the kinds.
_SPELLINGS = {"qint8": "int8", "int8_weight_only": "int8", "qint4": "int4", "uint4": "int4"}


def kind_of(value: Any) -> str:
    name = "int8" if value is None else text(value, "dtype").lower().removeprefix("torch.")
    name = _SPELLINGS.get(name, name)
    if name not in KINDS:
        raise LispError(
            f"unknown quantised dtype: '{name}'", hint=f"the kinds are: {' '.join(KINDS)}"
        )
    return name


def _excluded(name: str, exclude: list[str]) -> bool:
    return any(name == one or name.endswith(f".{one}") for one in exclude)


def quantised(model: nn.Module, how: str, group: int, exclude: list[str]) -> nn.Module:
    """The model with quantised linear layers, changed in place; the whole of a lone one is new."""
    shared: dict[int, nn.Module] = {}
    for name, part in list(model.named_modules(remove_duplicate=False)):
        if _excluded(name, exclude):
            continue
        made = shared.get(id(part)) or _replacement(part, how, group)
        if made is not None:
            shared[id(part)] = made
            if not name:
                model = made
                break
            replace_part(model, name, made)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for part in model.modules():
        if isinstance(part, Adapted):
            part.activate(part.active)
    return model


def _replacement(part: nn.Module, how: str, group: int) -> nn.Module | None:
    if isinstance(part, LoRALinear):
        return _under_adapters(part, how, group)
    if isinstance(part, nn.Linear):
        return QuantisedLinear.of(part, how, group)
    if type(part) is MultiHeadAttention:
        return QuantisedAttention.of(part, how, group)
    return None


def _under_adapters(part: LoRALinear, how: str, group: int) -> LoRAOver:
    """The adapters of a layer over its quantised base."""
    part.unmerge()
    base = nn.Linear(part.in_features, part.out_features, part.bias is not None, device="meta")
    base.weight, base.bias = part.weight, part.bias  # type: ignore[assignment]
    made = LoRAOver(QuantisedLinear.of(base, how, group))
    made.lora_A, made.lora_B = part.lora_A, part.lora_B
    made.configs, made.active, made.enabled = part.configs, part.active, part.enabled
    made.train(part.training)
    return made


def _copy(value: Any) -> nn.Module:
    return copy.deepcopy(bare(module(value, "module")))


def _settings(config: Any) -> tuple[int, list[str]]:
    if isinstance(config, int) and not isinstance(config, bool):
        return positive(config, "group_size"), []
    given = options(config)
    known(given, ("group_size", "exclude"), "quantisation")
    group = given.get("group_size")
    exclude = given.get("exclude")
    names: Any = exclude if is_list(exclude) else [] if exclude is None else [exclude]
    return (
        GROUP if group is None else positive(group, "group_size"),
        [text(name, "exclude") for name in names],
    )


# ------------------------------------------------------------------ primitives


@primitive("torch_model_quantize_dynamic", "torch_model_quantize", library=LIBRARY)
def torch_model_quantize_dynamic(module: Any, dtype: Any = "int8", config: Any = None) -> nn.Module:
    """A copy of a module whose linear layers keep their weights in 8 or 4 bits.

    int8 (also qint8): one scale for each row, the products in floating
    numbers. int8_dynamic: the activations in 8 bits too, a scale for each row
    found while running, and products of integers: several times faster on the
    CPU. int4: 4 bits in groups of group_size columns (32). Keys of the
    configuration: group_size, exclude (names of layers to leave alone). Other
    layers stay; nothing can be trained but adapters.

    (torch_model_quantize_dynamic (torch_model 4 8 3))
    ; Quantised PyTorch Model (int8)
    """
    how = kind_of(dtype)
    group, exclude = _settings(config)
    return quantised(_copy(module), how, group, exclude)


@primitive("torch_model_quantize_int4", library=LIBRARY)
def torch_model_quantize_int4(module: Any, group_size: Any = GROUP) -> nn.Module:
    """A copy of a module whose linear layers keep their weights in 4 bits.

    Each group of group_size columns has a scale and a least value of its own.

    (torch_model_quantize_int4 (torch_model 4 8 3))
    ; Quantised PyTorch Model (int4)
    """
    group = GROUP if group_size is None else positive(group_size, "group_size")
    return quantised(_copy(module), "int4", group, [])


class _Ranges:
    """The least and the greatest input of every linear layer, seen on examples."""

    def __init__(self, model: nn.Module) -> None:
        self.found: dict[str, tuple[float, float]] = {}
        self.hooks = [
            part.register_forward_pre_hook(self._watch(name))
            for name, part in model.named_modules()
            if isinstance(part, nn.Linear)
        ]

    def _watch(self, name: str) -> Any:
        def watch(part: nn.Module, inputs: Any) -> None:
            value = inputs[0].detach()
            if value.numel():
                low, high = (float(v) for v in torch.aminmax(value.float()))
                if not (math.isfinite(low) and math.isfinite(high)):
                    raise LispError("the calibration data lead to values that are not finite")
                before = self.found.get(name, (low, high))
                self.found[name] = (min(low, before[0]), max(high, before[1]))

        return watch

    def close(self) -> None:
        for hook in self.hooks:
            hook.remove()


@primitive("torch_model_quantize_static", library=LIBRARY)
def torch_model_quantize_static(
    module: Any, calibration_data: Any, config: Any = None
) -> nn.Module:
    """A copy of a module whose linear layers compute in 8 bits, with ranges seen on examples.

    The module is run on the calibration data, a tensor or a list of them; the
    range of what each linear layer is given fixes the scale of its input.
    Weights have one scale for each row. Data that the module cannot take is an
    error. The configuration may have exclude, names of layers to leave alone.

    (torch_model_quantize_static (torch_model 4 8 3) (tensor_randn '(20 4)))
    ; Quantised PyTorch Model (int8 static)
    """
    made = _copy(module)
    _, exclude = _settings(config)
    if isinstance(calibration_data, Tensor):
        examples = [calibration_data]
    elif is_list(calibration_data):
        examples = list(calibration_data)
    else:
        raise LispError(f"calibration_data must be tensors, not {what(calibration_data)}")
    if not examples or not all(isinstance(example, Tensor) for example in examples):
        raise LispError("calibration_data must hold at least one tensor, and nothing else")
    training = made.training
    made.eval()
    ranges = _Ranges(made)
    try:
        with torch.no_grad():
            for example in examples:
                made(example)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise LispError(f"the module cannot take the calibration data: {error}") from None
    finally:
        ranges.close()
        made.train(training)
    found = quantised(made, "int8", GROUP, exclude)
    for name, part in found.named_modules():
        if isinstance(part, QuantisedLinear) and name in ranges.found:
            part.observe(*ranges.found[name])
    return found


@primitive("torch_model_dequantize", library=LIBRARY)
def torch_model_dequantize(module: Any) -> nn.Module:
    """A copy of a quantised module with plain linear layers, of the rounded weights.

    (torch_model_dequantize (torch_model_quantize_dynamic (torch_model 4 8 3)))
    ; PyTorch Model
    """
    model = _copy(module)
    for name, part in list(model.named_modules()):
        made: Any
        if isinstance(part, QuantisedAttention):
            made = MultiHeadAttention(part.embed_dim, part.num_heads)
            weight, bias = part.in_projection()
            made.in_proj_weight, made.in_proj_bias = nn.Parameter(weight), nn.Parameter(bias)
            made.out_proj = part.out_proj
        elif isinstance(part, QuantisedLinear) and not _inside_attention(model, name):
            with torch.device("meta"):
                made = Linear(part.in_features, part.out_features, part.bias is not None)
            dtype = torch.float32 if part.bias is None else part.bias.dtype
            made.weight = nn.Parameter(part.dequantised(dtype))
            if part.bias is not None:
                made.bias = nn.Parameter(part.bias)
        else:
            continue
        if not name:
            return made  # type: ignore[no-any-return]
        replace_part(model, name, made)
    return model


def _inside_attention(model: nn.Module, name: str) -> bool:
    """The joint projection of an attention layer is replaced along with it."""
    above = name.rpartition(".")[0]
    return isinstance(model.get_submodule(above), (QuantisedAttention, MultiHeadAttention)) and (
        name.endswith("projection")
    )


@primitive("torch_model_memory_usage", library=LIBRARY)
def torch_model_memory_usage(module_: Any) -> int:
    """The bytes that the parameters and buffers of a module take.

    (torch_model_memory_usage (torch_model_quantize_dynamic (torch_linear 100 10)))
    ; 1080
    """
    found = module(module_, "module")
    tensors = {id(t): t for t in (*found.parameters(), *found.buffers())}
    return sum(t.numel() * t.element_size() for t in tensors.values())


@primitive("torch_hf_quantize", library=LIBRARY, interpreter=True)
def torch_hf_quantize(lisp: Context, path: Any, dtype: Any = "int8", config: Any = None) -> str:
    """Quantise a loaded model in place; the kinds are those of torch_model_quantize_dynamic.

    The output head is quantised as well unless exclude names it: lm_head. The
    handle is returned.

    (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8
       "intermediate_size" 12 "num_hidden_layers" 1 "num_attention_heads" 2)) "tiny")
    (torch_hf_quantize (torch_hf_load_model "tiny") "int4")
    ; tiny
    """
    from .decoder.handles import handle_of

    handle = handle_of(lisp, path)
    how = kind_of(dtype)
    group, exclude = _settings(config)
    quantised(handle.decoder, how, group, exclude)
    return handle.name
