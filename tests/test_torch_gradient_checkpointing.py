"""Gradient checkpointing: the same numbers, less memory."""

from __future__ import annotations

import pytest
import torch

import lispe_py.primitives
from lispe_py import LispE, LispError
from lispe_py.primitives.checkpointing import Checkpointed
from lispe_py.primitives.composite import Transformer
from lispe_py.primitives.layers import MLP, Embedding, Layer, Linear, TransformerBlock

lispe_py.primitives.load()


@pytest.fixture
def lisp() -> LispE:
    interpreter = LispE()
    interpreter.eval("(use 'lispe_torch)")
    return interpreter


@pytest.fixture(autouse=True)
def settings():
    yield
    TransformerBlock.recompute_by_default = False


def kept_bytes(run) -> int:  # type: ignore[no-untyped-def]
    """The memory of what the forward pass saves for the backward pass, shared storage once."""
    storages: dict[int, int] = {}

    def pack(t: torch.Tensor) -> torch.Tensor:
        storages[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        out = run()
    del out
    return sum(storages.values())


def gradients(module: torch.nn.Module, run) -> list[torch.Tensor]:  # type: ignore[no-untyped-def]
    module.zero_grad()
    run().square().sum().backward()
    return [p.grad.clone() for p in module.parameters()]


CASES = {
    "mlp": (lambda: MLP(8, 32, 4), lambda: torch.randn(64, 8)),
    "linear": (lambda: Linear(8, 4), lambda: torch.randn(64, 8)),
    "embedding": (lambda: Embedding(8, 4), lambda: torch.randint(0, 8, (5,))),
    "block": (lambda: TransformerBlock(16, 2, 32), lambda: torch.randn(4, 32, 16)),
    "transformer": (lambda: Transformer(11, 16, 2, 4, 32), lambda: torch.randint(0, 11, (4, 32))),
}


@pytest.mark.parametrize("name", list(CASES))
def test_values_and_gradients_are_equal(name: str) -> None:
    make, data = CASES[name]
    module, x = make(), data()
    wrapper = Checkpointed(module)
    plain = module(x)
    expected = gradients(module, lambda: module(x))
    for on in (False, True):
        wrapper.enabled = on
        assert torch.equal(wrapper(x), plain)
        for a, b in zip(gradients(module, lambda: wrapper(x)), expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("name", "share"), [("mlp", 0.7), ("block", 0.3), ("transformer", 0.3)])
def test_less_is_kept(name: str, share: float) -> None:
    make, data = CASES[name]
    module, x = make(), data()
    wrapper = Checkpointed(module)
    before = kept_bytes(lambda: wrapper(x))
    wrapper.enabled = True
    assert kept_bytes(lambda: wrapper(x)) < share * before


def test_layers_of_a_model_are_recomputed_one_by_one() -> None:
    model = Transformer(11, 16, 2, 4, 32)
    calls: list[int] = []
    for index, block in enumerate(model.layers):
        block.register_forward_pre_hook(lambda *_, index=index: calls.append(index))
    wrapper = Checkpointed(model)
    wrapper.enabled = True
    loss = wrapper(torch.randint(0, 11, (2, 8))).sum()
    assert calls == [0, 1, 2, 3]
    loss.backward()
    assert calls == [0, 1, 2, 3, 3, 2, 1, 0]
    assert not model.recompute


def test_dropout_draws_the_same_numbers_again(lisp: LispE) -> None:
    lisp.eval("""
    (setq m (torch_flash_attention_create 8 2 0.5)) (setq c (torch_checkpoint_create m))
    (torch_checkpoint_enable c)
    (setq x (tensor_randn '(2 6 8)))""")
    module = lisp.eval("m")

    def run(call: str) -> list[torch.Tensor]:
        torch.manual_seed(4)
        return gradients(module, lambda: lisp.eval(call))

    plain, again = run("(torch_forward m x)"), run("(torch_checkpoint_forward c x)")
    for a, b in zip(plain, again, strict=True):
        torch.testing.assert_close(a, b)


def test_nothing_is_recomputed_without_gradients(lisp: LispE) -> None:
    lisp.eval("(setq c (torch_checkpoint_create (torch_linear 2 1))) (torch_checkpoint_enable c)")
    found = lisp.eval("(torch_no_grad (lambda () (torch_forward c (tensor_ones '(1 2)))))")
    assert not found.requires_grad


def test_blocks_may_recompute_by_default(lisp: LispE) -> None:
    x = torch.randn(4, 32, 16)
    lisp.define("x", x)
    plain = lisp.eval("(setq b (torch_transformer_block 16 2 32)) b")
    lisp.eval("(torch_set_checkpoint true) (setq d (torch_transformer_block 16 2 32))")
    lisp.eval("(torch_load_state_dict d (torch_state_dict b)) (setq w (torch_checkpoint_create b))")
    assert lisp.show(lisp.eval("w")) == "PyTorch Checkpointed Module (checkpointing enabled)"
    other = lisp.eval("d")
    assert torch.equal(plain(x), other(x))
    assert kept_bytes(lambda: other(x)) < 0.3 * kept_bytes(lambda: plain(x))
    lisp.eval("(torch_set_checkpoint nil)")
    assert not lisp.eval("(torch_transformer_block 16 2 32)").recompute


def test_in_the_language(lisp: LispE) -> None:
    lisp.eval("(setq m (torch_model 4 8 3)) (setq c (torch_checkpoint_create m))")
    assert lisp.show(lisp.eval("c")) == "PyTorch Checkpointed Module (checkpointing disabled)"
    assert lisp.show(lisp.eval("(type c)")) == "torch_checkpointed_module_"
    assert lisp.eval("(torch_checkpoint_enable c)") is True
    assert lisp.show(lisp.eval("c")) == "PyTorch Checkpointed Module (checkpointing enabled)"
    assert lisp.eval("(torch_checkpoint_disable c)") is True
    assert lisp.eval("(size (torch_model_parameters c))") == 6
    lisp.eval("(setq b (torch_checkpoint_create (torch_transformer_block 8 2 8)))")
    lisp.eval("(torch_checkpoint_enable b) (setq x (tensor_randn '(2 3 8)))")
    assert (
        lisp.show(lisp.eval("(torch_shape (torch_checkpoint_forward b x (tensor_ones '(3 3))))"))
        == "(2 3 8)"
    )


@pytest.mark.parametrize("segments", [1, 3])
def test_modules_of_scripts(lisp: LispE, segments: int) -> None:
    parts = " ".join(["(torch_linear 8 8) 'tensor_tanh"] * segments)
    lisp.eval(f"(setq s (torch_sequential {parts})) (setq c (torch_checkpoint_create s))")
    module, wrapper = lisp.eval("s"), lisp.eval("c")
    assert isinstance(module, Layer)
    x = torch.randn(16, 8)
    expected = gradients(module, lambda: module(x))
    wrapper.enabled = True
    for a, b in zip(gradients(module, lambda: wrapper(x)), expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    "program",
    [
        "(torch_checkpoint_create 5)",
        "(torch_checkpoint_create (tensor_ones '(2)))",
        "(torch_checkpoint_enable (torch_linear 1 1))",
        "(torch_checkpoint_disable nil)",
        "(torch_checkpoint_forward (torch_linear 2 2) (tensor_ones '(1 2)))",
        "(torch_checkpoint_forward (torch_checkpoint_create (torch_linear 2 2)) (tensor_ones '(1 3)))",
        "(torch_checkpoint_forward (torch_checkpoint_create (torch_linear 2 2)) 5)",
        "(torch_set_checkpoint 5)",
    ],
)
def test_mistakes_are_errors_of_the_language(lisp: LispE, program: str) -> None:
    with pytest.raises(LispError):
        lisp.eval(program)
