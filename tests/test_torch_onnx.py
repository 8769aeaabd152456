"""ONNX files, run by another runtime."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from lispe_py import LispE, LispError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

torch.set_num_threads(1)

TRANSFORMER = """(torch_model_create "transformer" (dictionary "vocab_size" 20 "embed_dim" 16
   "num_heads" 2 "num_layers" 1 "ffn_dim" 24 "max_length" 16))"""
DECODER = """(torch_decoder (dictionary "vocab_size" 20 "hidden_size" 16 "intermediate_size" 24
   "num_hidden_layers" 1 "num_attention_heads" 4 "num_key_value_heads" 2))"""


SEQUENCE = "(torch_model_quantize_int4 (torch_sequential (torch_linear 4 8) (torch_linear 8 3)))"


@pytest.fixture
def lisp(tmp_path: Path) -> LispE:
    made = LispE()
    made.eval("(use 'lispe_torch)")
    made.define("folder", f"{tmp_path}/")
    torch.manual_seed(4)
    return made


MODELS: list[tuple[str, Tensor, list[Tensor]]] = [
    ("(torch_model 4 8 3)", torch.randn(2, 4), [torch.randn(7, 4)]),
    ("(torch_lora_linear 4 3 2 2)", torch.randn(2, 4), [torch.randn(5, 4)]),
    ("(torch_model_quantize_dynamic (torch_model 4 8 3))", torch.randn(2, 4), [torch.randn(5, 4)]),
    (SEQUENCE, torch.randn(2, 4), [torch.randn(5, 4)]),
    (TRANSFORMER, torch.randint(0, 20, (2, 5)), [torch.randint(0, 20, (3, 9))]),
    (DECODER, torch.randint(0, 20, (2, 5)), [torch.randint(0, 20, (3, 9))]),
]


@pytest.mark.parametrize(("program", "example", "others"), MODELS)
def test_another_runtime_gives_the_same(
    lisp: LispE, program: str, example: Tensor, others: list[Tensor]
) -> None:
    lisp.eval(f"(setq m {program})")
    lisp.globals["x"] = example
    said = lisp.eval('(torch_onnx_export m x (+ folder "m.onnx"))')
    assert said == "Model exported successfully"
    for value in (example, *others):
        lisp.globals["x"] = value
        found = lisp.eval('(torch_onnx_run (+ folder "m.onnx") x)')
        want = lisp.eval("(torch_forward m x)").detach()
        torch.testing.assert_close(found, want, atol=1e-5, rtol=1e-4)
    assert lisp.globals["m"].training


def test_names_and_fixed_axes(lisp: LispE, tmp_path: Path) -> None:
    config = '(dictionary "dynamic" nil "input_names" (list "x") "output_names" (list "y"))'
    lisp.eval("(setq m (torch_linear 4 3))")
    lisp.eval(f'(torch_onnx_export m (tensor_ones \'(2 4)) (+ folder "m.onnx") {config})')
    info = lisp.eval('(torch_onnx_info (+ folder "m.onnx"))')
    assert list(info["inputs"]) == ["x"] and list(info["outputs"]) == ["y"]
    model = onnx.load(str(tmp_path / "m.onnx"))
    sizes = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert sizes == [2, 4]
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]
    with pytest.raises(LispError, match="the model failed"):
        lisp.eval('(torch_onnx_run (+ folder "m.onnx") (tensor_ones \'(3 4)))')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('(torch_onnx_export 5 (tensor_ones \'(2 4)) "m.onnx")', "must be a module"),
        ('(torch_onnx_export m 5 "m.onnx")', "must be a tensor or a list of tensors"),
        ('(torch_onnx_export m (tensor_ones \'(2 5)) "m.onnx")', "cannot be exported"),
        ('(torch_onnx_export m (tensor_ones \'(2 4)) "nowhere/m.onnx")', "no such folder"),
        ('(torch_onnx_run "none.onnx" (tensor_ones \'(2 4)))', "file not found"),
        ('(torch_onnx_run (+ folder "bad.onnx") (tensor_ones \'(2 4)))', "cannot read"),
        ('(torch_onnx_info (+ folder "bad.onnx"))', "cannot read"),
    ],
)
def test_errors(lisp: LispE, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    lisp.eval("(setq m (torch_linear 4 3))")
    with pytest.raises(LispError, match=message):
        lisp.eval(text)
