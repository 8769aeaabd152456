"""Model files, state dictionaries and checkpoints: round trips, exact resumption, hostile files."""

from __future__ import annotations

import io
import os
import random
import struct

import hostile_files
import pytest
import torch
from torch import nn

import lispe_py.primitives
from lispe_py import LispE, LispError
from lispe_py.primitives import storage

lispe_py.primitives.load()


@pytest.fixture
def lisp(tmp_path) -> LispE:
    interpreter = LispE(stderr=io.StringIO())
    interpreter.eval("(use 'lispe_torch)")
    interpreter.define("dir", str(tmp_path) + "/")
    return interpreter


MODULES = {
    "linear": ("(torch_linear 4 3)", "(tensor_randn '(2 4))"),
    "bare": ("(torch_linear 4 3 nil)", "(tensor_randn '(2 4))"),
    "embedding": ("(torch_embedding 6 3)", "(torch_tensor '((1 2) (3 5)))"),
    "norm": ("(torch_layer_norm '(3 4))", "(tensor_randn '(2 3 4))"),
    "attention": ("(torch_multihead_attention 4 2)", "(tensor_randn '(2 3 4))"),
    "block": ("(torch_transformer_block 4 2 8)", "(tensor_randn '(2 3 4))"),
    "positions": ("(torch_positional_encoding 4 8)", "(tensor_randn '(2 3 4))"),
    "rotary": ("(torch_rotary_embedding 4 8)", "(tensor_randn '(2 3 4))"),
    "flash": ("(torch_flash_attention_create 4 2 0.0 nil)", "(tensor_randn '(2 3 4))"),
    "mlp": ("(torch_model 4 5 2)", "(tensor_randn '(2 4))"),
    "transformer": (
        '(torch_model_create "transformer" (dictionary "vocab_size" 7 "embed_dim" 4 "num_heads" 2))',
        "(torch_tensor '((1 2) (3 5)))",
    ),
    "sequence": (
        "(torch_sequential (torch_linear 4 4) (torch_layer_norm 4))",
        "(tensor_ones '(2 4))",
    ),
    "wrapped": ("(torch_checkpoint_create (torch_linear 4 3))", "(tensor_randn '(2 4))"),
}


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
@pytest.mark.parametrize("kind", list(MODULES))
def test_round_trip(lisp: LispE, kind: str, ending: str) -> None:
    make, x = MODULES[kind]
    lisp.eval(f'(setq path (+ dir "m.{ending}")) (setq a {make}) (setq x {x})')
    assert lisp.eval("(torch_save_model a path)") == "Model saved successfully"
    expected = lisp.eval("(torch_forward a x)")
    lisp.eval("(setq b (torch_load_model path))")
    assert torch.equal(lisp.eval("(torch_forward b x)"), expected)
    if kind != "wrapped":
        assert lisp.eval("(type a)") is lisp.eval("(type b)")
        assert lisp.show(lisp.eval("a")) == lisp.show(lisp.eval("b"))
    for call in ("(torch_load_model path c)", "(torch_load_model c path)"):
        lisp.eval(f"(setq c {make})")
        assert lisp.eval(call) == "Model loaded successfully"
        assert torch.equal(lisp.eval("(torch_forward c x)"), expected)
    assert os.listdir(lisp.eval("dir")) == [f"m.{ending}"]


def test_a_rebuilt_module_keeps_type_frozen_parameters_and_can_be_trained(lisp: LispE) -> None:
    lisp.eval("""
    (setq a (torch_model_to_dtype (torch_model 4 5 2) "float64")) (torch_freeze a "fc1")
    (torch_save_model a (+ dir "m.pt")) (setq b (torch_load_model (+ dir "m.pt")))""")
    b = lisp.eval("b")
    assert {p.dtype for p in b.parameters()} == {torch.float64}
    assert [n for n, p in b.named_parameters() if not p.requires_grad] == ["fc1.weight", "fc1.bias"]
    lisp.eval("""
    (setq o (torch_optimizer b 0.1 "sgd"))
    (torch_backward (tensor_sum (torch_forward b (tensor_ones '(2 4))))) (torch_optimizer_step o)""")
    assert not torch.equal(b.fc3.bias, lisp.eval("a").fc3.bias)


def test_rebuilding_draws_no_random_numbers(lisp: LispE) -> None:
    lisp.eval('(torch_save_model (torch_model 4 5 2) (+ dir "m.pt")) (torch_manual_seed 5)')
    expected = torch.randn(3)
    lisp.eval('(torch_manual_seed 5) (torch_load_model (+ dir "m.pt"))')
    assert torch.equal(torch.randn(3), expected)


def test_a_list_of_modules(lisp: LispE) -> None:
    lisp.eval("""
    (setq a (list (torch_linear 4 3) (torch_embedding 5 2)))
    (torch_save_model a (+ dir "l.pt")) (setq b (torch_load_model (+ dir "l.pt")))""")
    assert lisp.show(lisp.eval("b")) == "(PyTorch Linear Layer PyTorch Embedding)"
    assert torch.equal(lisp.eval('(@ (@ b 1) "weight")'), lisp.eval('(@ (@ a 1) "weight")'))
    lisp.eval("(setq c (list (torch_linear 4 3) (torch_embedding 5 2)))")
    assert lisp.eval('(torch_load_model (+ dir "l.pt") c)') == "Model loaded successfully"
    for wrong in ("(torch_linear 4 3)", "(list (torch_linear 4 3))",
                  "(list (torch_embedding 3 4) (torch_embedding 5 2))"):  # fmt: skip
        with pytest.raises(LispError):
            lisp.eval(f'(torch_load_model (+ dir "l.pt") {wrong})')


def test_memory_mapped_weights(lisp: LispE) -> None:
    lisp.eval('(setq path (+ dir "m.pt")) (setq a (torch_linear 64 64)) (torch_save_model a path)')
    lisp.eval("(setq x (tensor_randn '(2 64)))")
    for call in ("(torch_load_model path nil true)", "(torch_load_model path true)"):
        lisp.eval(f"(setq b {call})")
        assert torch.equal(lisp.eval("(torch_forward b x)"), lisp.eval("(torch_forward a x)"))
    # Training the module does not reach the file.
    lisp.eval("""
    (setq o (torch_optimizer b 1.0 "sgd"))
    (torch_backward (tensor_sum (torch_forward b x))) (torch_optimizer_step o)""")
    lisp.eval("(setq c (torch_load_model path))")
    assert torch.equal(lisp.eval("(torch_forward c x)"), lisp.eval("(torch_forward a x)"))
    lisp.eval("(setq d (torch_linear 64 64)) (torch_load_model path d true)")
    assert torch.equal(lisp.eval("(torch_forward d x)"), lisp.eval("(torch_forward a x)"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_files_of_pytorch(lisp: LispE, tmp_path) -> None:
    """Bare state dictionaries, older archives, and what others wrap them in."""
    theirs = nn.Linear(4, 3)
    x = torch.randn(2, 4)
    lisp.define("x", x)
    torch.save(theirs.state_dict(), tmp_path / "a.pt")
    torch.save(theirs.state_dict(), tmp_path / "b.pt", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": theirs.state_dict(), "epoch": 3}, tmp_path / "c.pt")
    torch.jit.save(torch.jit.script(theirs), tmp_path / "d.pt")
    storage.write_safetensors(str(tmp_path / "e.safetensors"), theirs.state_dict())
    for name in ("a.pt", "b.pt", "c.pt", "d.pt", "e.safetensors"):
        lisp.eval("(setq m (torch_linear 4 3))")
        assert lisp.eval(f'(torch_load_model (+ dir "{name}") m)') == "Model loaded successfully"
        assert torch.equal(lisp.eval("(torch_forward m x)"), theirs(x))
        with pytest.raises(LispError, match="does not say what module"):
            lisp.eval(f'(torch_load_model (+ dir "{name}"))')


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_nested_torchscript_archive(lisp: LispE, tmp_path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(4, 5)
            self.fc2 = nn.Linear(5, 5)
            self.fc3 = nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))

    theirs = Net()
    torch.jit.save(torch.jit.script(theirs), tmp_path / "n.pt")
    x = torch.randn(2, 4)
    lisp.define("x", x)
    lisp.eval('(setq m (torch_model 4 5 2)) (torch_load_model m (+ dir "n.pt"))')
    torch.testing.assert_close(lisp.eval("(torch_forward m x)"), theirs(x))


def test_our_files_are_read_by_pytorch(lisp: LispE, tmp_path) -> None:
    lisp.eval('(setq m (torch_linear 4 3)) (torch_save_model m (+ dir "m.pt"))')
    found = torch.load(tmp_path / "m.pt", weights_only=True)
    assert found["spec"]["kind"] == "linear"
    nn.Linear(4, 3).load_state_dict(found["state"])


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("saved", "into"),
    [
        ("(torch_linear 4 3)", "(torch_linear 3 4)"),
        ("(torch_linear 4 3)", "(torch_linear 4 3 nil)"),
        ("(torch_linear 4 3 nil)", "(torch_linear 4 3)"),
        ("(torch_embedding 3 4)", "(torch_linear 4 3)"),
        ("(torch_embedding 3 4)", "(torch_embedding 4 4)"),
        ("(torch_layer_norm 4)", "(torch_layer_norm 5)"),
        ("(torch_layer_norm 4)", "(torch_positional_encoding 4 8)"),
        ("(torch_positional_encoding 4 8)", "(torch_positional_encoding 4 9)"),
        ("(torch_multihead_attention 8 2)", "(torch_multihead_attention 8 4)"),
        ("(torch_transformer_block 8 2 8)", "(torch_transformer_block 8 4 8)"),
        ("(torch_transformer_block 8 2 8)", "(torch_transformer_block 8 2 9)"),
        ("(torch_model 4 5 2)", "(torch_model 4 6 2)"),
        ("(torch_sequential (torch_multihead_attention 8 2))",
         "(torch_sequential (torch_multihead_attention 8 4))"),
        ("(torch_sequential (torch_linear 4 4))", "(torch_linear 4 4)"),
    ],
)  # fmt: skip
def test_another_kind_or_size_is_refused_and_changes_nothing(
    lisp: LispE, saved: str, into: str
) -> None:
    lisp.eval(f'(torch_save_model {saved} (+ dir "m.pt")) (setq m {into})')
    before = {k: v.clone() for k, v in lisp.eval("m").state_dict().items()}
    with pytest.raises(LispError):
        lisp.eval('(torch_load_model (+ dir "m.pt") m)')
    assert all(torch.equal(before[k], v) for k, v in lisp.eval("m").state_dict().items())


def test_hostile_and_damaged_files_are_refused_and_run_nothing(lisp: LispE, tmp_path) -> None:
    names = hostile_files.make(tmp_path)
    assert len(names) > 15
    lisp.eval("(setq m (torch_linear 4 3)) (setq o (torch_optimizer m 0.1))")
    before = lisp.eval("m").weight.clone()
    for name in names:
        for call in (
            f'(torch_load_model (+ dir "{name}") m)',
            f'(torch_load_model (+ dir "{name}"))',
            f'(torch_load_model (+ dir "{name}") nil true)',
            f'(torch_load_checkpoint (+ dir "{name}"))',
            f'(torch_load_checkpoint (+ dir "{name}") m o)',
        ):
            with pytest.raises(LispError):
                lisp.eval(call)
    assert torch.equal(lisp.eval("m").weight, before)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "spec",
    [
        None, 5, {}, {"kind": "nothing", "sizes": {}}, {"kind": "linear"}, {"kind": 5, "sizes": {}},
        {"kind": "linear", "sizes": {"in_features": 4}},
        {"kind": "linear", "sizes": {"in_features": 4, "out_features": 3, "self": 1}},
        {"kind": "linear", "sizes": {"in_features": "4", "out_features": 3}},
        {"kind": "linear", "sizes": {"in_features": 10**14, "out_features": 3}},
        {"kind": "linear", "sizes": {5: 4}},
        {"kind": "module", "sizes": {"parts": [["a", 5]]}},
        {"kind": "module", "sizes": {"parts": 5}},
        {"kind": "module", "sizes": {"parts": [["forward", {"kind": "function"}]]}},
        {"kind": "module", "sizes": {"parts": [["w", {"kind": "parameter", "sizes": {"shape": [10**12],
         "dtype": "float32"}}]]}},
        {"kind": "module", "sizes": {"parts": [["w", {"kind": "parameter", "sizes": {"shape": "a",
         "dtype": "load"}}]]}},
        {"kind": "transformer", "sizes": {"vocab_size": 5, "embed_dim": 4, "num_heads": 1,
         "num_layers": 10**12, "ffn_dim": 4}},
        {"kind": "list", "sizes": {"members": 5}}, {"kind": "list", "sizes": {"members": [5]}},
        {"kind": "list"},
    ],
)  # fmt: skip
def test_files_that_lie_about_their_module(lisp: LispE, tmp_path, spec: object) -> None:
    state = nn.Linear(4, 3).state_dict()
    torch.save({"format": "lispe_torch_model", "spec": spec, "state": state}, tmp_path / "m.pt")
    with pytest.raises(LispError):
        lisp.eval('(torch_load_model (+ dir "m.pt"))')


def test_deeply_nested_parts(lisp: LispE, tmp_path) -> None:
    spec: dict = {"kind": "linear", "sizes": {"in_features": 1, "out_features": 1}}
    for _ in range(60):
        spec = {"kind": "module", "sizes": {"parts": [["a", spec]]}}
    torch.save({"format": "lispe_torch_model", "spec": spec, "state": {}}, tmp_path / "m.pt")
    with pytest.raises(LispError):
        lisp.eval('(torch_load_model (+ dir "m.pt"))')


@pytest.mark.parametrize(
    "program",
    [
        '(torch_load_model (+ dir "none.pt"))',
        '(torch_load_model (+ dir "none.pt") (torch_linear 1 1))',
        "(torch_load_model dir)",
        "(torch_load_model 5)",
        "(torch_load_model (torch_linear 1 1) 5)",
        '(torch_load_model (+ dir "m.pt") 5)',
        '(torch_save_model 5 (+ dir "m.pt"))',
        "(torch_save_model (torch_linear 1 1) dir)",
        "(torch_save_model (torch_linear 1 1) 5)",
        '(torch_save_model (torch_linear 1 1) (+ dir "no/such/folder.pt"))',
        '(torch_save_model (torch_linear 1 1) "")',
        '(torch_save_model (torch_linear 1 1) "/dev/null")',
        "(torch_state_dict 5)",
        "(torch_load_state_dict (torch_linear 1 1) 5)",
        "(torch_load_state_dict 5 (torch_state_dict (torch_linear 1 1)))",
        "(torch_load_state_dict (torch_linear 2 1) (torch_state_dict (torch_linear 1 1)))",
        "(torch_load_state_dict (torch_linear 1 1) (torch_state_dict (torch_model 1 1 1)))",
        "(torch_load_state_dict (torch_linear 1 1) (dictionary))",
        '(torch_load_state_dict (torch_linear 1 1) (dictionary "weight" 5 "bias" 6))',
        '(@ (torch_state_dict (torch_linear 1 1)) "w")',
        "(@ (torch_state_dict (torch_linear 1 1)) 0)",
    ],
)
def test_mistakes_are_errors_of_the_language(lisp: LispE, program: str) -> None:
    lisp.eval('(torch_save_model (torch_linear 1 1) (+ dir "m.pt"))')
    with pytest.raises(LispError):
        lisp.eval(program)


# ------------------------------------------------------------------ writing


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "m.pt"
    storage.write_torch(str(path), {"a": 1})
    before = path.read_bytes()

    def broken(*rest: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(LispError, match="No space left on device"):
        storage.write_torch(str(path), {"a": 2})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.pt"]


def test_permissions_and_links_are_kept(tmp_path) -> None:
    path, link = tmp_path / "m.pt", tmp_path / "link.pt"
    storage.write_torch(str(path), {"a": 1})
    path.chmod(0o640)
    link.symlink_to(path)
    storage.write_torch(str(link), {"a": 2})
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o640
    assert torch.load(path, weights_only=True) == {"a": 2}


def test_a_program_may_be_kept_from_files(tmp_path) -> None:
    interpreter = LispE(allow=())
    interpreter.eval("(use 'lispe_torch)")
    with pytest.raises(LispError, match="fs"):
        interpreter.eval(f'(torch_save_model (torch_linear 1 1) "{tmp_path}/m.pt")')
    with pytest.raises(LispError, match="fs"):
        interpreter.eval(f'(torch_load_checkpoint "{tmp_path}/m.pt")')


# ------------------------------------------------------------------ state dictionaries


def test_state_dictionaries_are_copies(lisp: LispE) -> None:
    lisp.eval("""
    (setq m (torch_linear 2 1)) (setq s (torch_state_dict m)) (setq w (torch_tensor (@ s "weight")))
    (setq o (torch_optimizer m 1.0 "sgd"))
    (torch_backward (tensor_sum (torch_forward m (tensor_ones '(1 2))))) (torch_optimizer_step o)""")
    assert lisp.eval('(= (@ s "weight") w)') is True
    assert lisp.eval('(= (@ m "weight") w)') is None
    assert not lisp.eval('(@ s "weight")').requires_grad
    assert lisp.eval("(torch_load_state_dict m s)") == "State dict loaded successfully"
    assert lisp.eval('(= (@ m "weight") w)') is True
    assert lisp.eval("(torch_load_state_dict s m)") == "State dict loaded successfully"


def test_counts_names_and_members(lisp: LispE) -> None:
    lisp.eval("(setq s (torch_state_dict (torch_linear 2 1)))")
    assert lisp.show(lisp.eval("s")) == "PyTorch State Dict (2 parameters)"
    assert lisp.eval("(size s)") == 2
    assert lisp.show(lisp.eval("(setq l (list)) (loop n s (push l n)) l")) == '("weight" "bias")'
    assert lisp.eval('(@ s "weight" 0 1)') == lisp.eval('(@ (@ s "weight") 0 1)')
    assert lisp.show(lisp.eval("(type s)")) == "torch_state_dict_"


def test_a_dictionary_of_tensors_will_do(lisp: LispE) -> None:
    lisp.eval("""
    (setq m (torch_linear 2 1))
    (torch_load_state_dict m (dictionary "weight" (torch_tensor '((1.5 2.5))) "bias" (torch_tensor '(3.5))))
    """)
    assert lisp.show(lisp.eval("(torch_forward m (torch_tensor '((1.0 1.0))))")) == "((7.5))"


def test_wrapped_and_plain_modules_share_state_dictionaries(lisp: LispE) -> None:
    lisp.eval("""
    (setq a (torch_linear 2 1)) (setq b (torch_checkpoint_create (torch_linear 2 1)))
    (torch_load_state_dict b (torch_state_dict a))
    (torch_load_state_dict a (torch_state_dict b))""")
    assert lisp.eval(
        "(= (torch_forward a (tensor_ones '(1 2))) (torch_forward b (tensor_ones '(1 2))))"
    )


# ------------------------------------------------------------------ checkpoints

RUN = """
(setq m (torch_sequential (torch_linear 4 8) (torch_flash_attention_create 8 2 0.3) (torch_linear 8 2)))
(setq o (torch_optimizer m 0.02 "{kind}" (dictionary {options})))
(setq s (torch_lr_scheduler o "linear_warmup_cosine" (dictionary "total_steps" 12 "warmup_steps" 3)))
(defun go ()
   (setq x (tensor_randn '(2 3 4)))
   (setq loss (torch_mse_loss (torch_forward m x) (tensor_ones '(2 3 2))))
   (torch_optimizer_zero_grad o) (torch_backward loss) (torch_optimizer_step o) (torch_scheduler_step s)
   (tensor_item loss))
"""


@pytest.mark.parametrize(
    ("kind", "options"), [("adam", ""), ("adamw", '"amsgrad" true'), ("sgd", '"momentum" 0.9')]
)
def test_resuming_is_exact(lisp: LispE, kind: str, options: str) -> None:
    program = RUN.format(kind=kind, options=options)
    lisp.eval("(torch_manual_seed 11) (random_seed 3)" + program)
    for _ in range(4):
        lisp.eval("(go)")
    lisp.eval('(torch_save_checkpoint m o 4 (+ dir "c.pt") s (dictionary "at" 17))')
    expected = [lisp.eval("(go)") for _ in range(5)]
    weights = [p.clone() for p in lisp.eval("m").parameters()]
    drawn = lisp.eval("(random 1000000)"), random.random()

    other = LispE(stderr=io.StringIO())
    other.eval("(use 'lispe_torch)" + program)
    other.define("dir", lisp.eval("dir"))
    other.eval('(go) (random 5) (setq c (torch_load_checkpoint (+ dir "c.pt") m o s))')
    assert other.eval('(@ c "epoch")') == 4
    assert other.eval('(@ c "extra" "at")') == 17
    assert [other.eval("(go)") for _ in range(5)] == expected
    assert all(
        torch.equal(a, b) for a, b in zip(other.eval("m").parameters(), weights, strict=True)
    )
    assert (other.eval("(random 1000000)"), random.random()) == drawn


def test_entries_of_a_checkpoint(lisp: LispE) -> None:
    lisp.eval("""
    (setq m (torch_model 2 4 1)) (setq o (torch_optimizer m 0.01))
    (setq s (torch_lr_scheduler_cosine o (dictionary "total_steps" 9)))
    (torch_backward (tensor_sum (torch_forward m (tensor_ones '(1 2))))) (torch_optimizer_step o)
    (torch_save_checkpoint m o 7 (+ dir "c.pt") s
       (dictionary "text" "a" "numbers" (numbers 1.5 2.5) "list" (list 1 "b" nil true (integers 1 2))
                   "inner" (dictionary "x" (tensor_ones '(2)))))
    (setq c (torch_load_checkpoint (+ dir "c.pt")))""")
    assert lisp.show(lisp.eval("c")) == "PyTorch State Dict (6 parameters)"
    assert lisp.show(lisp.eval('(@ c "model")')) == "PyTorch State Dict (6 parameters)"
    assert (
        lisp.show(lisp.eval('(@ c "optimizer")')) == "PyTorch Optimizer State (adam, 6 parameters)"
    )
    assert lisp.show(lisp.eval('(@ c "extra" "list")')) == '(1 "b" nil true (1 2))'
    assert lisp.show(lisp.eval('(@ c "extra" "numbers")')) == "(1.5 2.5)"
    assert lisp.show(lisp.eval('(type (@ c "extra" "numbers"))')) == "numbers_"
    assert lisp.show(lisp.eval('(@ c "extra" "inner" "x")')) == "(1 1)"
    assert lisp.eval('(@ c "scheduler" "total_steps")') == 9
    assert lisp.show(lisp.eval('(torch_shape (@ c "fc1.weight"))')) == "(4 2)"
    assert lisp.show(lisp.eval('(torch_shape (@ c "model" "fc1.weight"))')) == "(4 2)"
    for source in ("c", '(@ c "model")'):
        lisp.eval(f"(setq n (torch_model 2 4 1)) (torch_load_state_dict n {source})")
        assert lisp.eval(
            "(= (torch_forward n (tensor_ones '(1 2))) (torch_forward n (tensor_ones '(1 2))))"
        )
    with pytest.raises(LispError, match="no tensor 'nothing'"):
        lisp.eval('(@ c "nothing")')


def test_reading_a_checkpoint_alone_leaves_random_numbers(lisp: LispE) -> None:
    lisp.eval("""
    (setq m (torch_linear 2 1)) (torch_save_checkpoint m (torch_optimizer m) 1 (+ dir "c.pt"))
    (torch_manual_seed 9)""")
    expected = torch.randn(2)
    lisp.eval('(torch_manual_seed 9) (torch_load_checkpoint (+ dir "c.pt"))')
    assert torch.equal(torch.randn(2), expected)


def test_checkpoint_of_a_list_and_of_a_scaler(lisp: LispE) -> None:
    lisp.eval("""
    (setq m (list (torch_linear 2 2) (torch_linear 2 1))) (setq o (torch_optimizer m 0.1))
    (setq g (torch_grad_scaler 128))
    (torch_save_checkpoint m o 2 (+ dir "c.pt") g)
    (setq n (list (torch_linear 2 2) (torch_linear 2 1))) (setq p (torch_optimizer n 0.1))
    (setq h (torch_grad_scaler 2))
    (torch_load_checkpoint (+ dir "c.pt") n p h)""")
    assert lisp.eval('(= (@ (@ m 1) "weight") (@ (@ n 1) "weight"))') is True
    assert lisp.show(lisp.eval("h")) == "Gradient Scaler (scale=128)"


@pytest.mark.parametrize(
    "program",
    [
        "(torch_load_checkpoint c (torch_linear 3 1))",
        "(torch_load_checkpoint c (torch_embedding 1 2))",
        '(torch_load_checkpoint c m (torch_optimizer m 0.1 "sgd"))',
        "(torch_load_checkpoint c m (torch_optimizer (list m m2) 0.1))",
        "(torch_load_checkpoint c m2 (torch_optimizer (torch_linear 5 1) 0.1))",
        "(torch_load_checkpoint c m o (torch_lr_scheduler_cosine o))",
        "(torch_load_checkpoint c m o (torch_grad_scaler))",
        "(torch_load_checkpoint c 5)",
        "(torch_load_checkpoint m)",
        "(torch_load_checkpoint plain)",
        '(torch_load_checkpoint (+ dir "none.pt"))',
        "(torch_load_state_dict (torch_linear 3 1) (torch_load_checkpoint c))",
        "(torch_save_checkpoint m 5 1 c)",
        "(torch_save_checkpoint 5 o 1 c)",
        "(torch_save_checkpoint m o 1.5 c)",
        "(torch_save_checkpoint m o 1 5)",
        '(torch_save_checkpoint m o 1 (+ dir "x.safetensors"))',
        '(torch_save_checkpoint m o 1 c (dictionary "f" (torch_linear 1 1)))',
        "(torch_save_checkpoint m o 1 c m2 m)",
    ],
)
def test_checkpoints_that_do_not_fit(lisp: LispE, program: str) -> None:
    lisp.eval("""
    (setq m (torch_linear 2 1)) (setq m2 (torch_linear 2 1)) (setq o (torch_optimizer m 0.1))
    (setq c (+ dir "c.pt")) (setq plain (+ dir "plain.pt"))
    (torch_save_model m plain)
    (torch_backward (tensor_sum (torch_forward m (tensor_ones '(1 2))))) (torch_optimizer_step o)
    (torch_save_checkpoint m o 1 c)""")
    before = lisp.eval("m").weight.clone(), lisp.eval("m2").weight.clone()
    with pytest.raises(LispError):
        lisp.eval(program)
    assert torch.equal(lisp.eval("m").weight, before[0])
    assert torch.equal(lisp.eval("m2").weight, before[1])
    assert lisp.eval('(@ (torch_load_checkpoint c m o) "epoch")') == 1


# ------------------------------------------------------------------ raw files


def test_raw_values_are_mapped(lisp: LispE, tmp_path) -> None:
    values = torch.arange(6, dtype=torch.float32)
    path = tmp_path / "v.bin"
    path.write_bytes(values.numpy().tobytes())
    lisp.define("path", str(path))
    found = lisp.eval("(torch_memory_map path)")
    assert torch.equal(found, values)
    assert lisp.show(lisp.eval('(torch_memory_map path "float32" \'(2 3))')) == "((0 1 2) (3 4 5))"
    found[0] = 9.0
    assert path.read_bytes() == values.numpy().tobytes()
    path.write_bytes(struct.pack("<3q", 1, -2, 3))
    assert lisp.show(lisp.eval('(torch_memory_map path "int64")')) == "(1 -2 3)"
    path.write_bytes(b"")
    assert lisp.show(lisp.eval("(torch_shape (torch_memory_map path))")) == "(0)"
    path.write_bytes(b"abcde")
    for call in ("(torch_memory_map path)", '(torch_memory_map path "text")', "(torch_memory_map 5)",
                 "(torch_memory_map path \"uint8\" '(2 2))", '(torch_memory_map (+ path "x"))',
                 '(torch_memory_map path "uint8" "a")'):  # fmt: skip
        with pytest.raises(LispError):
            lisp.eval(call)
