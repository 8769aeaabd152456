"""Losses, optimisers, gradients, precision, compilation and the training loop."""

from __future__ import annotations

import io

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import lispe_py.primitives
from lispe_py import LispE, LispError
from lispe_py.primitives import optimisers
from lispe_py.primitives.layers import MLP, Linear, TransformerBlock
from lispe_py.primitives.losses import torch_crossentropy_loss as cross_entropy
from lispe_py.primitives.losses import torch_mse_loss as mse
from lispe_py.primitives.training import torch_set_autocast

lispe_py.primitives.load()


@pytest.fixture
def lisp() -> LispE:
    interpreter = LispE(stderr=io.StringIO())
    interpreter.eval("(use 'lispe_torch)")
    return interpreter


@pytest.fixture(autouse=True)
def settings():
    """What scripts switch for the whole process is switched back."""
    yield
    torch.set_grad_enabled(True)
    torch_set_autocast(None)
    TransformerBlock.recompute_by_default = False


def run(program: str) -> str:
    interpreter = LispE(stderr=io.StringIO())
    interpreter.eval("(use 'lispe_torch)")
    return interpreter.show(interpreter.eval(program))


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


# ------------------------------------------------------------------ losses


def test_mse() -> None:
    assert mse(torch.tensor([1.0, 2, 3]), torch.tensor([1.1, 1.9, 3.2])).item() == pytest.approx(
        0.02
    )
    p, t = torch.randn(3, 4), torch.randn(4)
    close(mse(p, t), (p - t).square().mean())
    close(mse(p, torch.ones(3, 4, dtype=torch.int64)), (p - 1).square().mean())
    close(mse(torch.tensor([1, 2]), torch.tensor([0, 4])), torch.tensor(2.5))
    assert mse(p, t.double()).dtype is torch.float64


def test_mse_gradient() -> None:
    p, t = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
    mse(p, t).backward()
    close(p.grad, 2 * (p - t).detach() / 12)


def test_cross_entropy() -> None:
    one = torch.tensor([2.0, 1, 0.1])
    assert cross_entropy(one, torch.tensor([0])).item() == pytest.approx(0.417030, abs=1e-6)
    assert cross_entropy(one, torch.tensor(2)).item() == pytest.approx(2.317030, abs=1e-6)
    logits, ids = torch.randn(2, 3, 5), torch.randint(0, 5, (2, 3))
    expected = -logits.log_softmax(-1).gather(-1, ids.unsqueeze(-1)).mean()
    for kind in (torch.int64, torch.int32, torch.int16, torch.float32):
        close(cross_entropy(logits, ids.to(kind)), expected)
    close(cross_entropy(logits.reshape(6, 5), ids.reshape(6)), expected)


def test_cross_entropy_without_the_padding() -> None:
    logits, ids = torch.randn(4, 5), torch.tensor([1, 2, 0, 0])
    close(cross_entropy(logits, ids, 0), F.cross_entropy(logits[:2], ids[:2]))


@pytest.mark.parametrize("bad", [-1, 3, -100])
def test_cross_entropy_names_the_id_that_is_outside(bad: int) -> None:
    with pytest.raises(LispError, match=f"class id {bad} is outside 0..2"):
        cross_entropy(torch.zeros(2, 3), torch.tensor([0, bad]))


# ------------------------------------------------------------------ optimisers


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)],
)
def test_steps_are_pytorch_s(kind: str, theirs: type) -> None:
    model = MLP(3, 5, 2)
    copy = MLP(3, 5, 2)
    copy.load_state_dict(model.state_dict())
    ours = optimisers.torch_optimizer(model, 0.05, kind.upper())
    other = theirs(copy.parameters(), lr=0.05)
    x, y = torch.randn(6, 3), torch.randn(6, 2)
    for _ in range(5):
        for net, optimizer in ((model, ours), (copy, other)):
            optimizer.zero_grad()
            mse(net(x), y).backward()
            optimizer.step()
    for a, b in zip(model.parameters(), copy.parameters(), strict=True):
        assert torch.equal(a, b)


def test_arguments_in_any_order(lisp: LispE) -> None:
    for call in (
        '(torch_optimizer m 0.5 "sgd")',
        '(torch_optimizer m "sgd" 0.5)',
        '(torch_optimizer 0.5 "sgd" m)',
        "(torch_optimizer m 0.5 'sgd)",
        "(torch_sgd_optimizer 0.5 m)",
        "(torch_sgd_optimizer m 0.5)",
        '(torch_optimizer_create m 0.5 "sgd")',
    ):
        lisp.eval("(setq m (torch_linear 2 1))")
        found = lisp.eval(call)
        assert isinstance(found, torch.optim.SGD)
        assert found.param_groups[0]["lr"] == 0.5
        assert len(found.param_groups[0]["params"]) == 2


def test_options(lisp: LispE) -> None:
    found = lisp.eval(
        '(torch_optimizer (torch_linear 2 1) 0.1 "sgd" (dictionary "momentum" 0.9 "nesterov" true))'
    )
    assert found.param_groups[0]["momentum"] == 0.9 and found.param_groups[0]["nesterov"]
    found = lisp.eval(
        '(torch_optimizer (torch_linear 2 1) 0.1 "adamw" (dictionary "betas" (list 0.8 0.9) "eps" 1e-6'
        ' "weight_decay" 0.2 "amsgrad" true))'
    )
    group = found.param_groups[0]
    assert group["betas"] == (0.8, 0.9) and group["eps"] == 1e-6
    assert group["weight_decay"] == 0.2 and group["amsgrad"] is True


def test_groups_by_name(lisp: LispE) -> None:
    found = lisp.eval("""
    (setq m (torch_model 4 8 3))
    (torch_optimizer m 0.1 "adamw" (dictionary "groups"
       (list (list "bias$" (dictionary "weight_decay" 0.0))
             (list "^fc1" (dictionary "lr" 0.5 "weight_decay" 0.3)))))""")
    settings = {
        name: (group["lr"], group["weight_decay"])
        for group in found.param_groups
        for name, p in lisp.eval("m").named_parameters()
        if any(p is q for q in group["params"])
    }
    assert settings == {
        "fc1.weight": (0.5, 0.3), "fc1.bias": (0.1, 0.0),
        "fc2.weight": (0.1, 0.01), "fc2.bias": (0.1, 0.0),
        "fc3.weight": (0.1, 0.01), "fc3.bias": (0.1, 0.0),
    }  # fmt: skip


def test_layer_wise_rates(lisp: LispE) -> None:
    found = lisp.eval("""
    (setq m (torch_model_create "transformer" (dictionary "vocab_size" 5 "embed_dim" 4
       "num_heads" 1 "num_layers" 2)))
    (torch_optimizer m 1.0 "sgd" (dictionary "layer_decay" 0.5))""")
    rates = {}
    for group in found.param_groups:
        for name, p in lisp.eval("m").named_parameters():
            if any(p is q for q in group["params"]):
                rates[name.split(".self_attn")[0].split(".linear")[0].split(".norm")[0]] = group[
                    "lr"
                ]
    assert rates == {
        "embedding.weight": 0.125, "layers.0": 0.25, "layers.1": 0.5,
        "head.weight": 1.0, "head.bias": 1.0,
    }  # fmt: skip


def test_layer_wise_rates_of_an_mlp() -> None:
    found = optimisers.make("sgd", MLP(2, 2, 2), 1.0, {"layer_decay": 0.1})
    assert [g["lr"] for g in found.param_groups] == pytest.approx([0.01, 0.1, 1.0])


def test_frozen_parameters_are_left_out(lisp: LispE) -> None:
    lisp.eval('(setq m (torch_model 4 8 3)) (torch_freeze m "fc1|fc2")')
    assert len(lisp.eval("(torch_optimizer m 0.1)").param_groups[0]["params"]) == 2
    lisp.eval("(torch_freeze m)")
    with pytest.raises(LispError, match="at least one parameter"):
        lisp.eval("(torch_optimizer m 0.1)")


def test_a_shared_parameter_counts_once(lisp: LispE) -> None:
    lisp.eval("(setq a (torch_linear 2 2))")
    assert len(lisp.eval("(torch_optimizer (list a a) 0.1)").param_groups[0]["params"]) == 2


def test_optimisers_filled_later(lisp: LispE) -> None:
    lisp.eval(
        "(setq a (torch_linear 2 2)) (setq b (torch_linear 2 1)) (setq o (torch_sgd_optimizer 0.3))"
    )
    assert lisp.eval("(torch_optimizer_step o)") is True
    assert lisp.eval("(torch_optimizer_zero_grad o)") is True
    found = lisp.eval("(torch_optimizer_add_params o a)")
    lisp.eval('(torch_optimizer_add_params o b (dictionary "lr" 0.7))')
    assert [(g["lr"], len(g["params"])) for g in found.param_groups] == [(0.3, 2), (0.7, 2)]
    with pytest.raises(LispError, match="cannot be added"):
        lisp.eval("(torch_optimizer_add_params o a)")
    made = lisp.eval("(torch_optimizer_add_params (torch_model_parameters a) 0.02 0.0)")
    assert isinstance(made, torch.optim.AdamW)
    assert (made.param_groups[0]["lr"], made.param_groups[0]["weight_decay"]) == (0.02, 0.0)


def test_optimizer_without_arguments(lisp: LispE) -> None:
    assert lisp.eval("(torch_optimizer_create)").param_groups[0]["lr"] == 0.001
    found = lisp.eval("(setq learning_rate 0.25) (torch_optimizer_create)")
    assert isinstance(found, torch.optim.AdamW) and found.param_groups[0]["lr"] == 0.25


def test_clipping() -> None:
    model = MLP(3, 5, 2)
    optimizer = optimisers.make("sgd", model, 0.1)
    clip = optimisers.torch_clip_grad_norm
    assert clip(optimizer, 1.0) == 0.0
    mse(model(torch.randn(4, 3)), torch.randn(4, 2) * 10).backward()
    before = [p.grad.clone() for p in model.parameters()]
    norm = torch.cat([g.flatten() for g in before]).norm().item()
    for limit in (norm * 2, 0, -1.0):
        assert clip(optimizer, limit) == pytest.approx(norm, rel=1e-5)
        assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), before, strict=True))
    assert clip(model, norm / 2) == pytest.approx(norm, rel=1e-5)
    after = torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item()
    assert after == pytest.approx(norm / 2, rel=1e-4)
    model.fc1.weight.grad[0, 0] = float("inf")
    kept = model.fc2.weight.grad.clone()
    assert clip(optimizer, 1.0) == float("inf")
    assert torch.equal(model.fc2.weight.grad, kept)


# ------------------------------------------------------------------ gradients


def test_gradients_add_up_until_they_are_cleared(lisp: LispE) -> None:
    lisp.eval("""
    (setq m (torch_linear 2 1)) (setq o (torch_optimizer m 0.1 "sgd"))
    (defun go () (torch_backward (tensor_sum (torch_forward m (torch_tensor '((3.0 4.0)))))))
    """)
    assert lisp.eval('(torch_grad (@ m "weight"))') is None
    lisp.eval("(go) (go)")
    assert lisp.show(lisp.eval('(torch_grad (@ m "weight"))')) == "((6 8))"
    lisp.eval("(torch_optimizer_zero_grad o)")
    assert lisp.eval('(torch_grad (@ m "weight"))') is None


def test_kept_graphs_and_second_derivatives(lisp: LispE) -> None:
    lisp.eval(
        "(setq m (torch_linear 1 1)) (setq loss (tensor_sum (torch_forward m (tensor_ones '(1 1)))))"
    )
    assert lisp.eval("(torch_backward loss true) (torch_backward loss)") is True
    with pytest.raises(LispError, match="graph of this loss is gone"):
        lisp.eval("(torch_backward loss)")
    x = torch.tensor(3.0, requires_grad=True)
    lisp.define("x", x)
    lisp.eval("(torch_backward (tensor_pow x 3) nil true)")
    (second,) = torch.autograd.grad(x.grad, x)
    assert second.item() == 18.0


def test_recording_can_be_switched_off(lisp: LispE) -> None:
    lisp.eval("(setq m (torch_linear 2 1)) (setq x (tensor_ones '(1 2)))")
    assert lisp.eval("(torch_set_grad_enabled nil)") is True
    with pytest.raises(LispError, match="does not depend on anything"):
        lisp.eval("(torch_backward (tensor_sum (torch_forward m x)))")
    lisp.eval("(torch_set_grad_enabled true)")
    assert lisp.eval("(torch_backward (tensor_sum (torch_forward m x)))") is True
    assert not lisp.eval("(torch_no_grad (lambda () (torch_forward m x)))").requires_grad
    with pytest.raises(LispError):
        lisp.eval("(torch_no_grad (lambda () (torch_forward m 5)))")
    assert torch.is_grad_enabled()


# ------------------------------------------------------------------ precision


def test_autocast_follows_pytorch(lisp: LispE) -> None:
    model = MLP(4, 8, 3)
    x, y = torch.randn(5, 4), torch.randn(5, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = model(x)
        loss = F.mse_loss(expected, y)
    loss.backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    for name, value in (("m", model), ("x", x), ("y", y)):
        lisp.define(name, value)
    assert lisp.eval("(torch_set_autocast true)") is True
    found = lisp.eval("(torch_forward m x)")
    assert found.dtype is torch.bfloat16
    close(found, expected, 0)
    lisp.eval("(torch_backward (torch_mse_loss (torch_forward m x) y))")
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert parameter.grad.dtype is torch.float32
        close(parameter.grad, gradient, 1e-6)
    lisp.eval("(torch_set_autocast nil)")
    assert lisp.eval("(torch_forward m x)").dtype is torch.float32


def test_autocast_sees_the_weights_of_the_last_step(lisp: LispE) -> None:
    lisp.eval("(setq m (torch_linear 2 1)) (setq x (tensor_ones '(1 2))) (torch_set_autocast true)")
    lisp.eval('(setq o (torch_optimizer m 1.0 "sgd"))')
    before = lisp.eval("(torch_forward m x)").item()
    lisp.eval("(torch_backward (tensor_sum (torch_forward m x))) (torch_optimizer_step o)")
    assert lisp.eval("(torch_forward m x)").item() == pytest.approx(before - 3, abs=0.05)


def test_scaled_losses(lisp: LispE) -> None:
    lisp.eval("""
    (setq m (torch_linear 2 1)) (setq o (torch_optimizer m 0.5 "sgd")) (setq s (torch_grad_scaler 8))
    (setq x (torch_tensor '((3.0 4.0))))
    (defun go (v) (torch_backward (torch_scale_loss s (tensor_sum (torch_forward m v)))))""")
    before = lisp.eval('(torch_tensor (@ m "weight"))')
    lisp.eval("(go x)")
    assert lisp.show(lisp.eval('(torch_grad (@ m "weight"))')) == "((24 32))"
    assert lisp.eval("(torch_scaler_step s o)") is True
    close(lisp.eval('(@ m "weight")').detach(), before - 0.5 * torch.tensor([[3.0, 4.0]]))
    lisp.eval("(torch_optimizer_zero_grad o) (go x)")
    assert lisp.eval("(torch_scaler_unscale s o)") is True
    assert lisp.eval("(torch_clip_grad_norm o 100)") == pytest.approx(26**0.5)
    lisp.eval("(torch_scaler_step s o) (torch_optimizer_zero_grad o)")
    kept = lisp.eval('(torch_tensor (@ m "weight"))')
    lisp.eval("(go (tensor_mul_scalar x 1e38))")
    assert lisp.eval("(torch_scaler_step s o)") is None
    close(lisp.eval('(@ m "weight")').detach(), kept, 0)
    assert lisp.show(lisp.eval("s")) == "Gradient Scaler (scale=4)"


def test_announced_switches() -> None:
    for name in (
        "torch_enable_fusion", "torch_adaptive_precision", "torch_optimize_memory_pools",
        "torch_enable_autotuning",
    ):  # fmt: skip
        assert run(f"(list ({name} true) ({name} nil))") == "(true true)"


# ------------------------------------------------------------------ compilation


def test_primitives_of_the_forward_path_compile_into_one_graph() -> None:
    from lispe_py.primitives import attention, modules, positions

    mlp, block = MLP(16, 32, 4), TransformerBlock(16, 2, 32)
    encoder = positions.PositionalEncoding(16, 32)
    rotary = positions.RotaryEmbedding(16)
    flash = attention.FlashAttention(16, 2)

    def net(x: torch.Tensor, mask: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = positions.torch_positional_encoding_forward(encoder, x)
        x = modules.torch_transformer_forward(block, x, mask)
        x = attention.torch_flash_attention_with_mask(flash, x, x, x, mask)
        x = positions.torch_apply_rotary_pos_emb(x, *positions.torch_rotary_forward(rotary, 6))
        x = attention.torch_scaled_dot_product_attention(x, x, x, mask, 0.0, True)
        x = modules.torch_forward(mlp, x)
        return cross_entropy(x, y) + mse(x, torch.zeros_like(x))

    x, mask, y = torch.randn(3, 6, 16), torch.ones(6, 6).tril(), torch.randint(0, 4, (3, 6))
    compiled = torch.compile(net, fullgraph=True, backend="eager")
    close(compiled(x, mask, y), net(x, mask, y))


@pytest.mark.parametrize(
    ("function", "data"),
    [
        ("(defun f (x) (torch_forward m x))", "(tensor_randn '(3 6 16))"),
        ("(defun f (x) (torch_transformer_forward b x (tensor_tril (tensor_ones (list 6 6)))))",
         "(tensor_randn '(3 6 16))"),
        ("(defun f (ids) (torch_forward p (torch_embedding_forward e ids)))",
         "(tensor_randint 0 10 '(3 6))"),
        ("(defun f (ids) (torch_forward t ids))", "(tensor_randint 0 10 '(3 6))"),
        ("(defun f (x) (torch_checkpoint_forward c x))", "(tensor_randn '(3 6 16))"),
        ("(defun f (x) (net x))", "(tensor_randn '(3 16))"),
        ("(defun f (x) (torch_mse_loss (torch_forward m x) (tensor_ones (list 3 4))))",
         "(tensor_randn '(3 16))"),
        ("(defun f (q) (setq r (torch_rotary_forward ro 6))"
         " (torch_apply_rotary_pos_emb q (@ r 0) (@ r 1)))", "(tensor_randn '(6 8))"),
        ("(defun f (x) (tensor_add (torch_reshape x (integers 2 -1)) (torch_zeros (integers '(2 9)))))",
         "(tensor_randn '(6 3))"),
        ("(defun f (x) (torch_reshape x (integers (* (@ (tensor_shape x) 0) 3))))", "(tensor_randn '(6 3))"),
        ("(defun f (x) (tensor_mul x (tensor_create (integers 1 2 3))))", "(tensor_randn '(6 3))"),
        ("(defun f (x) (tensor_mul x (tensor_create '(0.5 2 3))))", "(tensor_randn '(6 3))"),
    ],
)  # fmt: skip
def test_functions_compile_into_one_graph(lisp: LispE, function: str, data: str) -> None:
    torch._dynamo.reset()
    lisp.eval(f"""
    (setq m (torch_model 16 32 4)) (setq b (torch_transformer_block 16 2 32))
    (setq e (torch_embedding 10 16)) (setq p (torch_positional_encoding 16 32))
    (setq ro (torch_rotary_embedding 8)) (setq c (torch_checkpoint_create b))
    (torch_checkpoint_enable c)
    (setq t (torch_model_create "transformer" (dictionary "vocab_size" 10 "embed_dim" 16)))
    (setq net (torch_module (dictionary "fc" (torch_linear 16 4) "scale" (tensor_ones '(4)))
       (lambda (m x) (tensor_mul (torch_forward (@ m "fc") x) (@ m "scale")))))
    {function}
    (setq g (torch_compile 'f true "eager")) (setq x {data})""")
    close(lisp.eval("(g x)"), lisp.eval("(f x)"))


def test_other_integers_break_the_graph_and_are_right(lisp: LispE) -> None:
    torch._dynamo.reset()
    lisp.eval("""(defun f(x) (tensor_mul x (tensor_create (integers 1.5 "2" '(3)))))
    (setq g (torch_compile 'f nil "eager")) (setq x (tensor_randn '(6 3)))""")
    close(lisp.eval("(g x)"), lisp.eval("(f x)"))
    close(lisp.eval("(g x)"), lisp.globals["x"] * torch.tensor([1, 2, 3]))


def test_integers_of_changing_sizes_stay_in_the_graph(lisp: LispE) -> None:
    torch._dynamo.reset()
    lisp.eval("(defun f(x) (torch_reshape x (integers (* (@ (tensor_shape x) 0) 3)))) (torch_compile 'f)")
    sized = torch.compile(lisp.globals["f"], fullgraph=True, backend="eager", dynamic=True)
    for rows in (2, 3, 5):
        x = torch.arange(rows * 3.0).reshape(rows, 3)
        assert torch.equal(sized(x), x.reshape(-1))


def test_compiled_module_keeps_its_name_and_files(lisp: LispE, tmp_path) -> None:
    lisp.define("path", str(tmp_path / "m.pt"))
    lisp.eval("(setq m (torch_model 4 8 3)) (setq x (tensor_ones '(2 4)))")
    expected = lisp.eval("(torch_forward m x)")
    lisp.eval('(setq c (torch_compile m true "eager"))')
    assert lisp.show(lisp.eval("c")) == "PyTorch Model"
    close(lisp.eval("(torch_forward c x)"), expected)
    lisp.eval("(torch_save_model c path)")
    close(lisp.eval("(torch_forward (torch_load_model path) x)"), expected)


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    "program",
    [
        "(torch_optimizer 5)",
        "(torch_optimizer nil)",
        '(torch_optimizer (torch_linear 2 2) 0.1 "rmsprob")',
        '(torch_optimizer (torch_linear 2 2) "sgd" "adam")',
        "(torch_optimizer (torch_linear 2 2) -0.1)",
        "(torch_optimizer (list 1 2) 0.1)",
        "(torch_optimizer (list) 0.1)",
        "(torch_optimizer (tensor_ones '(2)) 0.1)",
        '(torch_optimizer (torch_linear 2 2) 0.1 "adam" (dictionary "momentum" 0.9))',
        '(torch_optimizer (torch_linear 2 2) 0.1 "adam" (dictionary "betas" 0.9))',
        '(torch_optimizer (torch_linear 2 2) 0.1 "adam" (dictionary "layer_decay" 2.0))',
        '(torch_optimizer (torch_linear 2 2) 0.1 "adam" (dictionary "groups" (list "x")))',
        '(torch_optimizer (torch_linear 2 2) 0.1 "adam" (dictionary "groups"'
        ' (list (list "xyz" (dictionary "lr" 1.0)))))',
        "(torch_optimizer_step 5)",
        "(torch_optimizer_step (torch_linear 2 2))",
        "(torch_optimizer_zero_grad (torch_linear 2 2))",
        '(torch_optimizer_add_params (list "a") 0.1 0.0)',
        "(torch_optimizer_add_params (torch_sgd_optimizer 0.1) 5)",
        "(torch_optimizer_add_params (torch_sgd_optimizer 0.1) (torch_positional_encoding 4))",
        "(torch_clip_grad_norm 4 1.0)",
        '(torch_clip_grad_norm (torch_optimizer (torch_linear 2 2)) "a")',
        "(torch_mse_loss (tensor_ones '(2)) (tensor_ones '(3)))",
        "(torch_mse_loss (tensor_ones '(2)) 5)",
        "(torch_crossentropy_loss (tensor_ones '(2 3)) (torch_tensor (integers 0 3)))",
        "(torch_crossentropy_loss (tensor_ones '(2 3)) (torch_tensor (integers 0 1 2)))",
        "(torch_crossentropy_loss (tensor_ones '(2 3)) (tensor_ones '(2 3)))",
        "(torch_crossentropy_loss (torch_tensor 1.0) (torch_tensor 0))",
        "(torch_crossentropy_loss 5 6)",
        "(torch_backward (tensor_ones '(2)))",
        "(torch_backward (torch_tensor 1.0))",
        "(torch_backward 5)",
        "(torch_set_grad_enabled 5)",
        "(torch_grad 5)",
        "(torch_grad (torch_forward (torch_linear 1 1) (tensor_ones '(1 1))))",
        '(torch_set_autocast true "float64")',
        '(torch_set_autocast "yes")',
        "(torch_grad_scaler -1)",
        "(torch_scale_loss 5 (torch_tensor 1.0))",
        "(torch_scaler_step (torch_grad_scaler) (torch_linear 1 1))",
        "(torch_scaler_step (torch_grad_scaler) (torch_optimizer (torch_linear 1 1)))",
        "(torch_compile 5)",
        '(torch_compile (torch_linear 1 1) nil "nothing")',
        '(torch_manual_seed "a")',
    ],
)
def test_mistakes_are_errors_of_the_language(program: str) -> None:
    with pytest.raises(LispError):
        run(program)


def test_plain_modules_of_torch_train_too() -> None:
    model = nn.Sequential(Linear(2, 4), nn.ReLU(), Linear(4, 1))
    optimizer = optimisers.make("adam", model, 0.01)
    assert len(optimizer.param_groups[0]["params"]) == 4
