"""Modules of the torch library against plain PyTorch with the same weights."""

from __future__ import annotations

import io

import pytest
import torch
from torch import nn

import lispe_py.primitives
from lispe_py import LispE, LispError
from lispe_py.primitives import layers
from lispe_py.primitives.composite import Transformer

lispe_py.primitives.load()


@pytest.fixture
def lisp() -> LispE:
    interpreter = LispE()
    interpreter.eval("(use 'lispe_torch)")
    return interpreter


def run(program: str) -> str:
    out = io.StringIO()
    interpreter = LispE(stdout=out)
    interpreter.eval("(use 'lispe_torch)")
    return interpreter.show(interpreter.eval(program))


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


def same_gradients(ours: nn.Module, theirs: nn.Module, tolerance: float = 1e-5) -> None:
    mine = dict(ours.named_parameters())
    other = dict(theirs.named_parameters())
    assert list(mine) == list(other)
    for name, parameter in other.items():
        close(mine[name].grad, parameter.grad, tolerance)


# ------------------------------------------------------------------ simple layers


def test_linear_is_pytorch_s() -> None:
    ours, theirs = layers.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    for shape in [(5,), (2, 5), (2, 4, 5), (0, 5)]:
        x = torch.randn(shape)
        close(ours(x), theirs(x))
    x = torch.randn(7, 5)
    ours(x).square().sum().backward()
    theirs(x).square().sum().backward()
    same_gradients(ours, theirs)


def test_linear_default_initialisation_is_pytorch_s() -> None:
    torch.manual_seed(3)
    ours = layers.Linear(5, 3)
    torch.manual_seed(3)
    theirs = nn.Linear(5, 3)
    assert torch.equal(ours.weight, theirs.weight) and torch.equal(ours.bias, theirs.bias)


def test_linear_without_bias() -> None:
    assert run("(size (torch_model_parameters (torch_linear 3 2 nil)))") == "1"


def test_mlp_by_hand() -> None:
    model = layers.MLP(4, 6, 3)
    x = torch.randn(5, 4)
    hidden = torch.relu(x @ model.fc1.weight.T + model.fc1.bias)
    hidden = torch.relu(hidden @ model.fc2.weight.T + model.fc2.bias)
    close(model(x), hidden @ model.fc3.weight.T + model.fc3.bias)
    assert [tuple(p.shape) for p in model.parameters()] == [
        (6, 4), (6,), (6, 6), (6,), (3, 6), (3,),
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int16, torch.uint8])
def test_embedding_takes_ids_of_every_integer_type(dtype: torch.dtype) -> None:
    table = layers.Embedding(6, 4)
    ids = torch.tensor([[0, 5], [3, 3]], dtype=dtype)
    close(table(ids), table.weight[ids.long()])


def test_embedding_of_nothing_and_of_one_id() -> None:
    table = layers.Embedding(6, 4)
    assert table(torch.zeros(0, dtype=torch.int64)).shape == (0, 4)
    assert table(torch.tensor(2)).shape == (4,)


@pytest.mark.parametrize("bad", [6, -1, 10**9])
def test_embedding_names_the_id_that_is_outside(bad: int) -> None:
    with pytest.raises(LispError, match=f"id {bad} is outside the table of 6 rows"):
        layers.Embedding(6, 4)(torch.tensor([1, bad]))


@pytest.mark.parametrize("shape", [4, [4], [3, 4]])
def test_layer_norm_is_pytorch_s(shape: object) -> None:
    ours, theirs = layers.LayerNorm(shape), nn.LayerNorm(shape)  # type: ignore[arg-type]
    x = torch.randn(2, 3, 4) * 5
    close(ours(x), theirs(x))
    ours(x).cos().sum().backward()
    theirs(x).cos().sum().backward()
    same_gradients(ours, theirs)


def test_layer_norm_and_parts_in_the_language(lisp: LispE) -> None:
    lisp.eval("(setq norm (torch_layer_norm '(3 4)))")
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    lisp.globals["x"] = x
    found = lisp.eval("(torch_layer_norm_forward norm x)")
    close(found, nn.functional.layer_norm(x.float(), (3, 4)))
    weight = lisp.eval('(torch_module_part norm "weight")')
    assert weight is lisp.globals["norm"].weight
    lisp.eval("(setq model (torch_model 2 3 1))")
    assert lisp.eval('(torch_module_part model "fc2")') is lisp.globals["model"].fc2


# ------------------------------------------------------------------ attention


def attention_pair(
    embed: int, heads: int
) -> tuple[layers.MultiHeadAttention, nn.MultiheadAttention]:
    ours = layers.MultiHeadAttention(embed, heads)
    theirs = nn.MultiheadAttention(embed, heads, batch_first=True)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("shape", [(3, 5, 8), (5, 8), (1, 1, 8)])
def test_self_attention_is_pytorch_s(shape: tuple[int, ...]) -> None:
    ours, theirs = attention_pair(8, 2)
    x = torch.randn(shape, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    mine, other = ours(x), theirs(y, y, y, need_weights=False)[0]
    close(mine, other)
    mine.square().sum().backward()
    other.square().sum().backward()
    close(x.grad, y.grad, 1e-5)
    same_gradients(ours, theirs)


def test_cross_attention_is_pytorch_s() -> None:
    ours, theirs = attention_pair(8, 4)
    q, k, v = torch.randn(2, 3, 8), torch.randn(2, 6, 8), torch.randn(2, 6, 8)
    close(ours(q, k, v), theirs(q, k, v, need_weights=False)[0])
    close(ours(q, k), theirs(q, k, k, need_weights=False)[0])


@pytest.mark.parametrize("kind", [torch.bool, torch.float32, torch.int64])
def test_padding_mask(kind: torch.dtype) -> None:
    ours, theirs = attention_pair(8, 2)
    x = torch.randn(3, 4, 8)
    keep = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0]])
    expected = theirs(x, x, x, key_padding_mask=keep == 0, need_weights=False)[0]
    close(ours(x, mask=keep.to(kind)), expected)


@pytest.mark.parametrize("kind", [torch.bool, torch.float32, torch.int64])
def test_attention_mask_of_two_and_three_axes(kind: torch.dtype) -> None:
    ours, theirs = attention_pair(8, 2)
    x = torch.randn(3, 4, 8)
    causal = torch.ones(4, 4).tril()
    expected = theirs(x, x, x, attn_mask=causal == 0, need_weights=False)[0]
    close(ours(x, mask=causal.to(kind)), expected)
    close(ours(x, mask=causal.to(kind).expand(3, 4, 4)), expected)
    close(ours(x[0], mask=causal.to(kind)), expected[0])


def test_float_mask_of_other_values_is_added() -> None:
    ours, theirs = attention_pair(8, 2)
    x = torch.randn(3, 4, 8)
    bias = torch.randn(4, 4)
    bias[0, 3] = float("-inf")
    expected = theirs(x, x, x, attn_mask=bias, need_weights=False)[0]
    close(ours(x, mask=bias), expected)


def test_a_square_mask_pads_where_batch_and_length_are_equal() -> None:
    ours, theirs = attention_pair(8, 2)
    x = torch.randn(4, 4, 8)
    keep = torch.ones(4, 4).tril()
    expected = theirs(x, x, x, key_padding_mask=keep == 0, need_weights=False)[0]
    close(ours(x, mask=keep), expected)
    # Scores to add can only be meant query by query.
    bias = torch.zeros(4, 4).masked_fill(keep == 0, float("-inf"))
    expected = theirs(x, x, x, attn_mask=bias, need_weights=False)[0]
    close(ours(x, mask=bias), expected)


@pytest.mark.parametrize("kind", [torch.bool, torch.float32, torch.int64])
def test_a_query_without_keys_gives_zeros_and_finite_gradients(kind: torch.dtype) -> None:
    ours, _ = attention_pair(8, 2)
    x = torch.randn(2, 3, 8, requires_grad=True)
    mask = torch.ones(2, 3, 3)
    mask[1, 2] = 0
    out = ours(x, mask=mask.to(kind))
    assert torch.equal(out[1, 2], torch.zeros(8))
    assert out[1, 1].abs().sum() > 0
    out.sum().backward()
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in ours.parameters())
    padded = ours(x, mask=torch.tensor([[1, 1, 1], [0, 0, 0]]).to(kind))
    assert torch.equal(padded[1], torch.zeros(3, 8))


def test_attention_without_positions_or_batch() -> None:
    ours, _ = attention_pair(8, 2)
    assert ours(torch.zeros(2, 0, 8)).shape == (2, 0, 8)
    assert ours(torch.zeros(0, 3, 8)).shape == (0, 3, 8)


def test_half_precision_module_and_double_input() -> None:
    ours = layers.MultiHeadAttention(8, 2)
    x = torch.randn(2, 3, 8, dtype=torch.float64)
    close(ours(x), ours(x.float()))
    ours.to(torch.bfloat16)
    assert ours(x).dtype is torch.bfloat16


def test_block_is_pytorch_s_encoder_layer() -> None:
    ours = layers.TransformerBlock(8, 2, 16)
    theirs = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 5, 8)
    close(ours(x), theirs(x))
    close(ours(x[0]), theirs(x[0]))
    causal = torch.ones(5, 5).tril()
    close(ours(x, causal), theirs(x, src_mask=causal == 0), 1e-5)
    keep = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]])
    close(ours(x, keep), theirs(x, src_key_padding_mask=keep == 0), 1e-5)
    ours(x).square().sum().backward()
    theirs(x).square().sum().backward()
    same_gradients(ours, theirs, 1e-4)


def test_transformer_is_causal_unless_told_otherwise() -> None:
    model = Transformer(11, 8, 2, 2, 16)
    ids = torch.randint(0, 11, (2, 6))
    logits = model(ids)
    assert logits.shape == (2, 6, 11)
    close(logits[:, :4], model(ids[:, :4]), 1e-5)
    close(logits[0], model(ids[0]), 1e-5)
    open_model = Transformer(11, 8, 2, 2, 16, causal=None)
    assert not torch.allclose(open_model(ids)[:, :4], open_model(ids[:, :4]), atol=1e-5)


def test_transformer_with_padding() -> None:
    model = Transformer(11, 8, 2, 2, 16)
    ids = torch.randint(0, 11, (4, 4))
    keep = torch.ones(4, 4)
    keep[1, 2:] = 0
    close(model(ids, keep)[1, :2], model(ids[1, :2]), 1e-5)
    close(model(ids, keep)[0], model(ids[0]), 1e-5)


# ------------------------------------------------------------------ in the language


def test_printed_forms_and_types() -> None:
    program = """
    (list (string (torch_model 1 1 1)) (type (torch_model 1 1 1))
          (string (torch_linear 1 1)) (type (torch_linear 1 1))
          (string (torch_embedding 1 1)) (type (torch_embedding 1 1))
          (string (torch_layer_norm 1)) (type (torch_layer_norm 1))
          (string (torch_multihead_attention 1 1)) (type (torch_multihead_attention 1 1))
          (string (torch_transformer_block 1 1 1)) (type (torch_transformer_block 1 1 1)))"""
    assert run(program) == (
        '("PyTorch Model" torch_model_ "PyTorch Linear Layer" torch_linear_ '
        '"PyTorch Embedding" torch_embedding_ "PyTorch Layer Normalization" torch_layernorm_ '
        '"PyTorch Multi-Head Attention" torch_attention_ '
        '"PyTorch Transformer Block" torch_transformer_block_)'
    )


def test_calls_of_attention_agree(lisp: LispE) -> None:
    lisp.eval("(setq a (torch_multihead_attention 8 2)) (setq x (tensor_randn '(3 5 8)))")
    lisp.eval("(setq pad (tensor_ones '(3 5)))")
    plain = lisp.eval("(torch_multihead_attention_forward a x)")
    for call in (
        "(torch_multihead_attention_forward a x nil)",
        "(torch_multihead_attention_forward a x pad)",
        "(torch_multihead_attention_forward a x x x)",
        "(torch_multihead_attention_forward a x x x nil)",
        "(torch_multihead_attention_forward a x x x pad)",
        "(torch_attention_forward a x x x)",
        "(torch_forward a x)",
        "(a x)",
    ):
        close(lisp.eval(call), plain)


def test_models_from_variables_of_the_caller(lisp: LispE) -> None:
    program = """
    (defun build (input_size)
       (setq hidden_size 5) (setq output_size 2)
       (setq model (torch_model_create))
       (setq input_data (tensor_ones (list 4 input_size)))
       (torch_shape (torch_model_forward)))
    (build 3)"""
    assert lisp.show(lisp.eval(program)) == "(4 2)"


def test_models_from_a_configuration() -> None:
    assert run(
        '(torch_model_create "MLP" \'(("input_size" 2) ("hidden_size" 3) ("output_size" 1)))'
    ) == ("PyTorch Model")
    program = """
    (setq m (torch_model_create "transformer" (dictionary "vocab_size" 12 "hidden_size" 8
       "num_heads" 2 "num_layers" 1)))
    (torch_shape (torch_forward m (torch_tensor '((1 2 3)))))"""
    assert run(program) == "(1 3 12)"


def test_parameters_freeze_and_modes(lisp: LispE) -> None:
    lisp.eval("(setq m (torch_model 4 8 3))")
    assert lisp.eval('(torch_freeze m "fc[12]")') == 4
    assert lisp.show(lisp.eval("(torch_parameter_names m)")) == '("fc3.weight" "fc3.bias")'
    assert lisp.eval("(size (torch_model_parameters m))") == 2
    assert lisp.eval("(torch_unfreeze m)") == 6
    assert lisp.eval("(size (torch_model_parameters (list m (torch_linear 1 1))))") == 8
    assert lisp.eval("(torch_model_eval m)") is True
    model = lisp.eval("m")
    assert not model.fc1.training
    lisp.eval("(torch_model_train (list m))")
    assert model.fc1.training


def test_conversion_of_the_parameters(lisp: LispE) -> None:
    lisp.eval('(setq m (torch_model_to_dtype (torch_model 4 8 3) "float64"))')
    assert lisp.eval("(torch_forward m (tensor_ones '(2 4)))").dtype is torch.float64
    assert lisp.eval("(torch_forward m (torch_tensor (numbers 1 2 3 4)))").dtype is torch.float64


def test_parts_by_name_and_number(lisp: LispE) -> None:
    lisp.eval("(setq m (torch_model 4 8 3))")
    assert lisp.show(lisp.eval('(@ m "fc1")')) == "PyTorch Linear Layer"
    assert lisp.show(lisp.eval('(torch_shape (@ m "fc1" "weight"))')) == "(8 4)"
    assert lisp.show(lisp.eval('(torch_shape (@ m "fc1.weight"))')) == "(8 4)"
    assert lisp.show(lisp.eval('(torch_shape (@ (@ m -1) "bias"))')) == "(3)"
    with pytest.raises(LispError, match="no part 'fc4'"):
        lisp.eval('(@ m "fc4")')
    with pytest.raises(LispError, match="out of bounds"):
        lisp.eval("(@ m 3)")


@pytest.mark.parametrize(
    "program",
    [
        "(torch_model 0 3 4)",
        "(torch_model 2.5 3 4)",
        '(torch_model "a" 3 4)',
        "(torch_model 2 nil 4)",
        "(torch_model 2 3 true)",
        "(torch_linear 2 -1)",
        "(torch_linear 2 1 5)",
        "(torch_embedding 0 4)",
        "(torch_layer_norm (list))",
        '(torch_layer_norm (list 2 "a"))',
        "(torch_layer_norm nil)",
        "(torch_multihead_attention 8 3)",
        "(torch_multihead_attention 8 0)",
        "(torch_transformer_block 8 3 16)",
        "(torch_transformer_block 8 2 0)",
        '(torch_model_create "lstm" (dictionary))',
        '(torch_model_create "mlp" (dictionary "input_size" 2))',
        '(torch_model_create "mlp" (dictionary "input_size" 2 "hidden_size" 2 "size" 1))',
        '(torch_model_create "mlp")',
        "(torch_model_create 1 2)",
        "(torch_model_create)",
        "(torch_model_forward)",
        "(torch_forward 5 (tensor_ones '(2)))",
        "(torch_forward nil nil)",
        "(torch_forward (torch_linear 2 2) 5)",
        "(torch_forward (torch_linear 2 2) '(1 2))",
        "(torch_forward (torch_linear 2 2) (tensor_ones '(2 3)))",
        "(torch_forward (torch_linear 2 2) (torch_tensor 1.5))",
        "(torch_forward (torch_linear 2 2) (torch_tensor (integers 1 2)))",
        "(torch_linear_forward (torch_embedding 3 2) (tensor_ones '(1 3)))",
        "(torch_embedding_forward (torch_linear 3 2) (torch_tensor (integers 1)))",
        "(torch_embedding_forward (torch_embedding 3 2) (tensor_ones '(2)))",
        "(torch_embedding_forward (torch_embedding 3 2) (torch_tensor (integers -1)))",
        "(torch_layer_norm_forward (torch_layer_norm 4) (tensor_ones '(2 5)))",
        "(torch_layer_norm_forward (torch_layer_norm '(3 4)) (tensor_ones '(4)))",
        "(torch_multihead_attention_forward (torch_multihead_attention 8 2) (tensor_ones '(8)))",
        "(torch_multihead_attention_forward (torch_multihead_attention 8 2) (tensor_ones '(2 3 6)))",
        "(torch_multihead_attention_forward (torch_multihead_attention 8 2) (tensor_ones '(2 3 8))"
        " (tensor_ones '(3 2)))",
        "(torch_multihead_attention_forward (torch_multihead_attention 8 2) (tensor_ones '(2 3 8))"
        " (tensor_ones '(2 3 8)) (tensor_ones '(2 4 8)))",
        "(torch_multihead_attention_forward (torch_multihead_attention 8 2) (tensor_ones '(2 3 8))"
        " (tensor_ones '(3 3 8)) (tensor_ones '(3 3 8)))",
        "(torch_transformer_forward (torch_transformer_block 8 2 8) (tensor_ones '(2 3 8))"
        " (tensor_ones '(5 5)))",
        "(torch_transformer_forward (torch_linear 8 8) (tensor_ones '(2 3 8)))",
        "(torch_model_parameters (tensor_ones '(1)))",
        "(torch_model_parameters (list (torch_linear 1 1) 5))",
        "(torch_model_train 5)",
        '(torch_model_to_dtype (torch_linear 2 2) "int8")',
        '(torch_model_to_dtype (torch_linear 2 2) "float128x")',
        '(torch_freeze (torch_linear 2 2) "nothing")',
        '(torch_freeze (torch_linear 2 2) "(")',
    ],
)
def test_mistakes_are_errors_of_the_language(program: str) -> None:
    with pytest.raises(LispError) as caught:
        run(program)
    assert caught.value.line == 1


def test_messages() -> None:
    with pytest.raises(LispError, match="embed_dim must be divisible by num_heads"):
        run("(torch_multihead_attention 8 3)")
    with pytest.raises(LispError, match=r"the last axis of \(1 4\) should be 3"):
        run("(torch_linear_forward (torch_linear 3 2) (tensor_ones '(1 4)))")


# ------------------------------------------------------------------ modules that scripts build

NET = """
(setq net (torch_module
   (dictionary "fc" (torch_linear 4 6) "out" (torch_linear 6 2) "scale" (tensor_ones '(2)))
   (lambda (m x)
      (tensor_mul (torch_forward (@ m "out") (tensor_tanh (torch_forward (@ m "fc") x)))
                  (@ m "scale")))))
"""


def test_module_of_a_script(lisp: LispE) -> None:
    lisp.eval(NET)
    net = lisp.eval("net")
    x = torch.randn(3, 4)
    expected = torch.tanh(x @ net.fc.weight.T + net.fc.bias) @ net.out.weight.T + net.out.bias
    lisp.define("x", x)
    close(lisp.eval("(torch_forward net x)"), expected)
    close(lisp.eval("(net x)"), expected)
    assert lisp.eval("(size (torch_model_parameters net))") == 5
    assert lisp.show(lisp.eval("(torch_state_dict net)")) == "PyTorch State Dict (5 parameters)"
    assert lisp.show(lisp.eval("(type net)")) == "torch_model_"


def test_module_of_a_script_trains_and_travels(lisp: LispE, tmp_path) -> None:
    lisp.define("path", str(tmp_path / "net.pt"))
    lisp.eval(NET)
    lisp.eval('(setq x (tensor_ones \'(3 4))) (setq opt (torch_optimizer net 0.1 "sgd"))')
    lisp.eval("(torch_backward (tensor_sum (torch_forward net x))) (torch_optimizer_step opt)")
    assert not torch.equal(lisp.eval('(@ net "scale")'), torch.ones(2))
    lisp.eval('(torch_to_device net "cpu") (torch_save_model net path) (setq old net)')
    lisp.eval(NET)
    assert lisp.eval("(torch_load_model path net)") == "Model loaded successfully"
    close(lisp.eval("(torch_forward net x)"), lisp.eval("(torch_forward old x)"))
    lisp.eval("(setq again (torch_load_model path))")
    with pytest.raises(LispError, match="forward function of this module did not come"):
        lisp.eval("(torch_forward again x)")
    lisp.eval(
        '(torch_module_forward_with again (lambda (m x) (tensor_mul (torch_forward (@ m "out")'
        ' (tensor_tanh (torch_forward (@ m "fc") x))) (@ m "scale"))))'
    )
    close(lisp.eval("(torch_forward again x)"), lisp.eval("(torch_forward old x)"))


def test_sequence_of_modules_and_functions(lisp: LispE) -> None:
    lisp.eval("(defun double (x) (tensor_mul_scalar x 2))")
    lisp.eval(
        "(setq s (torch_sequential (torch_linear 4 6) 'tensor_relu 'double (torch_linear 6 2)))"
    )
    s = lisp.eval("s")
    x = torch.randn(3, 4)
    first, last = list(s.children())
    lisp.define("x", x)
    close(lisp.eval("(torch_forward s x)"), last(2 * torch.relu(first(x))))
    close(lisp.eval("(torch_forward (torch_sequential (list 'double)) x)"), 2 * x)


def test_functions_of_a_sequence_do_not_travel(lisp: LispE, tmp_path) -> None:
    lisp.define("path", str(tmp_path / "s.pt"))
    lisp.eval("(setq s (torch_sequential (torch_linear 4 6) 'tensor_relu (torch_linear 6 2)))")
    lisp.eval("(torch_save_model s path) (setq t (torch_load_model path))")
    with pytest.raises(LispError, match="did not come with the file"):
        lisp.eval("(torch_forward t (tensor_ones '(1 4)))")
    lisp.eval("(torch_module_add t \"1\" 'tensor_relu) (setq x (tensor_ones '(1 4)))")
    close(lisp.eval("(torch_forward t x)"), lisp.eval("(torch_forward s x)"))


def test_modules_nest(lisp: LispE, tmp_path) -> None:
    lisp.define("path", str(tmp_path / "deep.pt"))
    lisp.eval(
        "(setq deep (torch_sequential (torch_sequential (torch_linear 4 4)) (torch_transformer_block"
        " 4 2 8) (torch_layer_norm 4)))"
    )
    lisp.eval("(torch_save_model deep path) (setq again (torch_load_model path))")
    lisp.eval("(setq x (tensor_randn '(2 3 4)))")
    assert torch.equal(lisp.eval("(torch_forward again x)"), lisp.eval("(torch_forward deep x)"))


@pytest.mark.parametrize(
    "program",
    [
        "(torch_module 5)",
        '(torch_module (dictionary "a" 5))',
        '(torch_module (dictionary "a.b" (torch_linear 1 1)))',
        '(torch_module (dictionary "forward" (torch_linear 1 1)))',
        '(torch_module (dictionary "a" (torch_linear 1 1)) 5)',
        '(torch_module_add (torch_linear 1 1) "a" (torch_linear 1 1))',
        '(torch_forward (torch_module (dictionary "w" (tensor_ones (list 2)))) (tensor_ones (list 2)))',
    ],
)
def test_mistakes_in_modules_of_scripts(program: str) -> None:
    with pytest.raises(LispError):
        run(program)
