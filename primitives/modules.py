"""Modules as the language makes and runs them."""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor, nn

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.lists import List

from . import layers
from .arguments import floating_dtype, is_list, module, modules, tensor, text, what, with_article
from .composite import Assembled, architecture, named_parts
from .layers import MLP, Embedding, Layer, LayerNorm, Linear, MultiHeadAttention, TransformerBlock

LIBRARY = "lispe_torch"


def _of(value: Any, cls: type[nn.Module], name: str) -> nn.Module:
    """A module of one kind; torch's own class of that kind will do."""
    if isinstance(value, cls):
        return value
    kind = getattr(cls, "title", cls.__name__)
    raise LispError(f"{name} must be {with_article(kind)}, not {what(value)}")


@primitive("torch_model", library=LIBRARY)
def torch_model(input_size: Any, hidden_size: Any, output_size: Any) -> MLP:
    """Make a multilayer perceptron: three linear layers with ReLU between them.

    input -> hidden -> hidden -> output, with a weight and a bias in each of
    fc1, fc2 and fc3. The sizes must be positive integers.

    (torch_shape (torch_forward (torch_model 4 8 3) (tensor_ones '(5 4))))
    ; (5 3)
    """
    return MLP(input_size, hidden_size, output_size)


@primitive("torch_model_create", library=LIBRARY, interpreter=True)
def torch_model_create(
    lisp: Context, input_size: Any = None, hidden_size: Any = None, output_size: Any = None
) -> Layer:
    """Make a model from three sizes, or from an architecture and its configuration.

    Without arguments the sizes are the caller's variables input_size,
    hidden_size and output_size. "mlp" takes these three as keys; "transformer"
    takes vocab_size, embed_dim, num_heads, num_layers, ffn_dim, max_length and
    causal, and maps ids [batch, seq] to logits. An unknown name is an error.

    (torch_model_create "mlp" (dictionary "input_size" 4 "hidden_size" 8 "output_size" 3))
    ; PyTorch Model
    """
    if isinstance(input_size, str):
        return architecture(input_size, hidden_size)
    given = {"input_size": input_size, "hidden_size": hidden_size, "output_size": output_size}
    if all(value is None for value in given.values()):
        given = {name: lisp.variable(name) for name in given}
    return MLP(**given)


@primitive("torch_forward", "torch_mlp_forward", library=LIBRARY)
def torch_forward(model: Any, input: Any) -> Any:
    """Run any module on a tensor.

    Linear layers, embeddings, normalisation, attention (as self attention),
    transformer blocks, positional encodings, LoRA layers, quantised and
    TorchScript modules, modules built by scripts. Floating inputs are cast to
    the type of the parameters, and the module follows the device of its
    input. A wrong last axis or type is an error.

    (torch_shape (torch_forward (torch_linear 8 3) (tensor_ones '(2 4 8))))
    ; (2 4 3)
    """
    if isinstance(model, nn.Module):
        return model(tensor(input, "input"))
    run = getattr(model, "forward", None)
    if callable(run):
        return run(tensor(input, "input"))
    raise LispError(f"module must be a module, not {what(model)}")


@primitive("torch_model_forward", library=LIBRARY, interpreter=True)
def torch_model_forward(lisp: Context, model: Any = None, input_data: Any = None) -> Any:
    """Run any module on a tensor, as torch_forward does.

    Without arguments the caller's variables model and input_data are used.

    (torch_shape (torch_model_forward (torch_linear 8 3) (tensor_ones '(2 8))))
    ; (2 3)
    """
    if model is None and input_data is None:
        model, input_data = lisp.variable("model"), lisp.variable("input_data")
    return torch_forward(model, input_data)


@primitive("torch_model_parameters", library=LIBRARY)
def torch_model_parameters(model: Any) -> List:
    """The trainable parameters of a module or of a list of modules.

    The tensors are shared with the module, so an optimiser that is given them
    trains it. Frozen ones are left out.

    (size (torch_model_parameters (torch_model 4 8 3)))
    ; 6
    """
    found = {id(p): p for m in modules(model, "model") for p in m.parameters() if p.requires_grad}
    return List(found.values())


@primitive("torch_parameter_names", library=LIBRARY)
def torch_parameter_names(model: Any) -> List:
    """The names of the trainable parameters of a module, in order.

    Patterns of parameter groups and of torch_freeze are matched with them.

    (torch_parameter_names (torch_linear 2 1))
    ; ("weight" "bias")
    """
    return List(n for n, p in module(model, "model").named_parameters() if p.requires_grad)


@primitive("torch_freeze", library=LIBRARY)
def torch_freeze(model: Any, pattern: Any = None) -> int:
    """Exclude parameters from training: all, or those whose name matches a pattern.

    The pattern is a regular expression searched in the dotted name. The number
    of parameters that are frozen now is returned.

    (torch_freeze (torch_model 4 8 3) "fc1")
    ; 2
    """
    return _train_switch(model, pattern, False)


@primitive("torch_unfreeze", library=LIBRARY)
def torch_unfreeze(model: Any, pattern: Any = None) -> int:
    """Train parameters again that were frozen; the opposite of torch_freeze.

    (torch_unfreeze (torch_linear 2 1))
    ; 2
    """
    return _train_switch(model, pattern, True)


def _train_switch(model: Any, pattern: Any, on: bool) -> int:
    search = matcher("" if pattern is None else pattern)
    found = [p for m in modules(model, "model") for n, p in m.named_parameters() if search(n)]
    if not found:
        raise LispError(f"no parameter has a name that matches '{pattern}'")
    for parameter in found:
        parameter.requires_grad_(on)
    return len(found)


def matcher(pattern: Any) -> Any:
    """The search of a regular expression given by the user."""
    try:
        return re.compile(text(pattern, "pattern")).search
    except re.error as error:
        raise LispError(f"'{pattern}' is no regular expression: {error}") from None


@primitive("torch_model_train", library=LIBRARY)
def torch_model_train(model: Any) -> bool:
    """Put a module, or a list of modules, in training mode: dropout is active.

    (torch_model_train (torch_linear 2 1))
    ; true
    """
    for member in modules(model, "model"):
        member.train()
    return True


@primitive("torch_model_eval", library=LIBRARY)
def torch_model_eval(model: Any) -> bool:
    """Put a module, or a list of modules, in evaluation mode: no dropout.

    (torch_model_eval (torch_linear 2 1))
    ; true
    """
    for member in modules(model, "model"):
        member.eval()
    return True


@primitive("torch_model_to_dtype", library=LIBRARY)
def torch_model_to_dtype(model: Any, dtype: Any) -> Any:
    """Convert the parameters of a module to float32, float64, float16 or bfloat16.

    The module itself is changed and returned; another name is an error.

    (setq layer (torch_model_to_dtype (torch_linear 2 1) "float64"))
    (torch_dtype (torch_forward layer (tensor_ones '(1 2))))
    ; float64
    """
    return module(model, "model").to(floating_dtype(dtype))


@primitive("torch_linear", "torch_linear_create", library=LIBRARY)
def torch_linear(in_features: Any, out_features: Any, bias: Any = True) -> Linear:
    """Make an affine layer y = x W^T + b, with weight [out, in].

    PyTorch's default initialisation: uniform within 1/sqrt(in). With bias nil
    there is no b. Sizes must be positive integers.

    (torch_linear 4 2)
    ; PyTorch Linear Layer
    """
    return Linear(in_features, out_features, bias)


@primitive("torch_linear_forward", library=LIBRARY)
def torch_linear_forward(linear: Any, input: Any) -> Tensor:
    """Apply a linear layer to [..., in_features]; the result is [..., out_features].

    Another last axis, or another kind of module, is an error.

    (torch_shape (torch_linear_forward (torch_linear 4 2) (tensor_ones '(3 4))))
    ; (3 2)
    """
    if not isinstance(linear, nn.Linear):
        _of(linear, Linear, "linear")
    return linear(tensor(input, "input"))  # type: ignore[no-any-return]


@primitive("torch_embedding", "torch_embedding_create", library=LIBRARY)
def torch_embedding(vocab_size: Any, embed_dim: Any) -> Embedding:
    """Make a table of vocab_size vectors of embed_dim values, drawn from N(0,1).

    (torch_embedding 100 8)
    ; PyTorch Embedding
    """
    return Embedding(vocab_size, embed_dim)


@primitive("torch_embedding_forward", library=LIBRARY)
def torch_embedding_forward(embedding: Any, tokens: Any) -> Tensor:
    """Look up the vector of every id of an integer tensor, of any shape.

    The result has one axis more, embed_dim. An id outside the table, or ids
    that are not integers, are an error.

    (torch_shape (torch_embedding_forward (torch_embedding 10 4) (torch_tensor '((1 2) (3 9)))))
    ; (2 2 4)
    """
    if not isinstance(embedding, nn.Embedding):
        _of(embedding, Embedding, "embedding")
    return embedding(tensor(tokens, "tokens"))  # type: ignore[no-any-return]


@primitive("torch_layer_norm", "torch_layer_norm_create", library=LIBRARY)
def torch_layer_norm(normalized_shape: Any) -> LayerNorm:
    """Make a layer normalisation over the last axis, or over the last axes of a list.

    Learnable scale and shift, eps 1e-5 (Ba et al. 2016).

    (torch_layer_norm '(4))
    ; PyTorch Layer Normalization
    """
    return LayerNorm(normalized_shape)


@primitive("torch_layer_norm_forward", library=LIBRARY)
def torch_layer_norm_forward(layer_norm: Any, input: Any) -> Tensor:
    """Normalise a tensor; its last axes must be those of the layer.

    (torch_layer_norm_forward (torch_layer_norm 2) (torch_tensor '((5.0 5.0))))
    ; ((0 0))
    """
    if not isinstance(layer_norm, nn.LayerNorm):
        _of(layer_norm, LayerNorm, "layer_norm")
    return layer_norm(tensor(input, "input"))  # type: ignore[no-any-return]


@primitive("torch_multihead_attention", "torch_multihead_attention_create", library=LIBRARY)
def torch_multihead_attention(embed_dim: Any, num_heads: Any) -> MultiHeadAttention:
    """Make a multi-head attention layer with bias, batch first (Vaswani et al. 2017).

    num_heads must divide embed_dim. The parameters are those of PyTorch's
    MultiheadAttention.

    (torch_multihead_attention 8 2)
    ; PyTorch Multi-Head Attention
    """
    return MultiHeadAttention(embed_dim, num_heads)


@primitive("torch_multihead_attention_forward", library=LIBRARY)
def torch_multihead_attention_forward(
    attention: Any, query: Any, key: Any = None, value: Any = None, mask: Any = None
) -> Tensor:
    """Attention: (attention x), (attention x mask) or (attention query key value [mask]).

    Inputs are [batch, seq, dim] or [seq, dim]; the result has the shape of the
    query. In the mask 1 keeps and 0 hides: [batch, seq] leaves keys out as
    padding, [seq, seq] and [batch, seq, seq] say who sees whom; a float mask
    of other values is added to the scores. A query without a key gives zeros.

    (setq attention (torch_multihead_attention 8 2))
    (torch_shape (torch_multihead_attention_forward attention (tensor_ones '(3 5 8))
       (tensor_ones '(3 5))))
    ; (3 5 8)
    """
    _of(attention, MultiHeadAttention, "attention")
    query = tensor(query, "query")
    if value is None and key is not None:
        # A lone third tensor is the mask.
        return attention(query, mask=tensor(key, "mask"))  # type: ignore[no-any-return]
    if key is None:
        if mask is None and value is None:
            return attention(query)  # type: ignore[no-any-return]
        key = query
    if mask is not None:
        mask = tensor(mask, "mask")
    value = key if value is None else value
    return attention(query, tensor(key, "key"), tensor(value, "value"), mask)  # type: ignore[no-any-return]


@primitive("torch_attention_forward", library=LIBRARY)
def torch_attention_forward(
    attention: Any, query: Any, key: Any = None, value: Any = None, mask: Any = None
) -> Tensor:
    """Attention with query, key and value given one by one, and a mask where wanted.

    Shapes and masks are those of torch_multihead_attention_forward.

    (torch_shape (torch_attention_forward (torch_multihead_attention 8 2)
       (tensor_ones '(5 8)) (tensor_ones '(7 8)) (tensor_ones '(7 8))))
    ; (5 8)
    """
    return torch_multihead_attention_forward(attention, query, key, value, mask)


@primitive("torch_transformer_block", "torch_transformer_block_create", library=LIBRARY)
def torch_transformer_block(embed_dim: Any, num_heads: Any, ffn_dim: Any) -> TransformerBlock:
    """Make a post-norm encoder block: attention, then a ReLU feed-forward.

    x = norm1(x + attention(x)); x = norm2(x + ffn2(relu(ffn1(x)))), without
    dropout. num_heads must divide embed_dim. The parameters carry the names of
    PyTorch's TransformerEncoderLayer.

    (torch_transformer_block 8 2 32)
    ; PyTorch Transformer Block
    """
    return TransformerBlock(embed_dim, num_heads, ffn_dim)


@primitive("torch_transformer_forward", "torch_transformer_block_forward", library=LIBRARY)
def torch_transformer_forward(block: Any, input: Any, mask: Any = None) -> Tensor:
    """Run a transformer block on [batch, seq, dim] or [seq, dim].

    The mask is that of torch_multihead_attention_forward: [batch, seq],
    [seq, seq] or [batch, seq, seq], 1 keeps and 0 hides.

    (setq layer (torch_transformer_block 8 2 32))
    (torch_shape (torch_transformer_forward layer (tensor_ones '(2 5 8))))
    ; (2 5 8)
    """
    _of(block, TransformerBlock, "block")
    return block(tensor(input, "input"), None if mask is None else tensor(mask, "mask"))  # type: ignore[no-any-return]


@primitive("torch_module", "torch_module_create", library=LIBRARY, interpreter=True)
def torch_module(lisp: Context, parts: Any, forward: Any = None) -> Assembled:
    """Make a module of one's own: named parts and a forward function.

    The parts are a dictionary, a list of (name part) pairs or a plain list, of
    modules, tensors (floating ones are trained) and functions. The forward
    function gets the module and the inputs, and reaches its parts with @;
    without one the parts run one after the other. Optimisers, files, devices
    and state dictionaries see one module.

    (setq net (torch_module (dictionary "fc" (torch_linear 4 2) "scale" (tensor_ones '(2)))
       (lambda (m x) (tensor_mul (torch_forward (@ m "fc") x) (@ m "scale")))))
    (torch_shape (torch_forward net (tensor_ones '(3 4))))
    ; (3 2)
    """
    made = Assembled()
    for name, part in named_parts(parts, lisp.callable):
        made.place(name, part)
    if forward is not None:
        made.function = lisp.callable(forward)
        made.sequential = False
    return made


@primitive("torch_sequential", library=LIBRARY, interpreter=True)
def torch_sequential(lisp: Context, *parts: Any) -> Assembled:
    """Make a module that runs its parts one after the other: modules and functions.

    (setq net (torch_sequential (torch_linear 4 8) 'tensor_relu (torch_linear 8 2)))
    (torch_shape (torch_forward net (tensor_ones '(3 4))))
    ; (3 2)
    """
    members = parts[0] if len(parts) == 1 and is_list(parts[0]) else List(parts)
    return torch_module(lisp, members)


@primitive("torch_module_add", library=LIBRARY, interpreter=True)
def torch_module_add(lisp: Context, assembled: Any, name: Any, part: Any) -> Assembled:
    """Add a part to a module made by torch_module, or put another in its place.

    The module is returned.

    (size (torch_model_parameters (torch_module_add (torch_module (list)) "fc" (torch_linear 4 2))))
    ; 2
    """
    if not isinstance(assembled, Assembled):
        raise LispError(f"only a module made by torch_module takes parts, not {what(assembled)}")
    held = part if isinstance(part, (nn.Module, Tensor)) else lisp.callable(part)
    assembled.place(text(name, "name"), held)
    return assembled


@primitive("torch_module_forward_with", library=LIBRARY, interpreter=True)
def torch_module_forward_with(lisp: Context, assembled: Any, forward: Any) -> Assembled:
    """Give a module made by torch_module its forward function; nil runs the parts in order.

    A module rebuilt from a file has its parts and weights, but no code: this
    is how it gets its forward function back. The module is returned.

    (setq net (torch_module (list)))
    (torch_module_forward_with net (lambda (m x) (tensor_mul_scalar x 2)))
    (torch_forward net (tensor_ones '(2)))
    ; (2 2)
    """
    if not isinstance(assembled, Assembled):
        raise LispError(
            f"only a module made by torch_module takes a forward function, not {what(assembled)}"
        )
    assembled.function = None if forward is None else lisp.callable(forward)
    assembled.sequential = forward is None
    return assembled


@primitive("torch_module_part", library=LIBRARY)
def torch_module_part(model: Any, name: Any) -> Any:
    """A part or a tensor of a module by its dotted name, as (@ module name) gives it.

    (torch_shape (torch_module_part (torch_model 4 8 3) "fc1.weight"))
    ; (8 4)
    """
    return layers.part(module(model, "model"), name)
