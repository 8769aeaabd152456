"""The torch library: ``(use 'lispe_torch)``.

A primitive is one function in the module of its topic::

    @primitive("torch_add", "tensor_add", "torch_tensor_add", library=LIBRARY)
    def torch_add(tensor1: Any, tensor2: Any) -> Tensor:
        '''The sum, element by element and broadcast.

        Facts: shapes, element types, errors, the paper it follows.

        (torch_add (torch_tensor (floats 4 5)) 1)
        ; (5 6)
        '''

- The names are string literals in the decorator, which starts its line: they
  are read from the source before torch is imported. An operation on tensors
  has three: ``torch_x``, ``tensor_x``, ``torch_tensor_x``.
- The parameters are the arguments of the call. A default makes one optional;
  nil means the default, and false where a boolean is expected.
- Tensors take the shortest way (``if tensor.__class__ is Tensor: return ...``);
  numbers, lists and parameters are converted after it by ``convert``, settings
  are checked by ``arguments``. Foreseeable errors are ``LispError``s; what
  torch itself raises is translated where it leaves the interpreter.
- The last part of the docstring is an example that the tests run.

A new module is added to ``MODULES``. Importing it needs torch and nothing
else: whatever is optional is imported where it is used.
"""

from __future__ import annotations

import importlib

#: The modules of primitives, in the order in which they are loaded.
MODULES = (
    "adapters",
    "tensors",
    "tensor_arithmetic",
    "tensor_math",
    "activations",
    "tensor_reductions",
    "tensor_shapes",
    "tensor_access",
    "devices",
    "quantised_tensors",
    "decompositions",
    "plots",
    "layers",
    "modules",
    "composite",
    "positions",
    "attention",
    "losses",
    "optimisers",
    "schedulers",
    "training",
    "trainer",
    "batching",
    "checkpointing",
    "persistence",
    "checkpoints",
    "lora",
    "tokenizers",
    "sentencepiece_models",
    "hf_tokenizers",
    "tiktoken",
    "sampling",
    "generation",
    "text_generation",
    "torchscript",
    "decoder.loading",
    "decoder.running",
    "decoder.adapters",
    "model_quantisation",
    "onnx_export",
    "distributed",
)


def load() -> None:
    """Import every module: their primitives are registered, their adapters in force."""
    for name in MODULES:
        importlib.import_module(f"{__name__}.{name}")
