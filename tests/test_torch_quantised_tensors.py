"""Quantised tensors: 8-bit integers with a scale and a zero point."""

from __future__ import annotations

import copy

import numpy
import pytest
import torch
from tensor_programs import near, refused, run, shown

from lispe_py.errors import LispError


def affine(x: numpy.ndarray, scale: float, zero: int, low: int, high: int) -> numpy.ndarray:
    return numpy.clip(numpy.round(x / numpy.float32(scale)) + zero, low, high)


def test_a_given_scale() -> None:
    x = torch.tensor([1.5, 2.3, -0.8, 4.2])
    q = run("(torch_quantize_static x 0.1 0)", x=x)
    assert run("(torch_int_repr q)", q=q).tolist() == [15, 23, -8, 42]
    assert near(run("(torch_dequantize q)", q=q), x, 1e-6)
    q = run("(torch_quantize_static x 0.5 -128)", x=x)
    assert run("(torch_dequantize q)", q=q).tolist() == [1.5, 2.5, 0, 4]
    q = run('(torch_quantize_static x 0.1 100 "uint8")', x=x)
    assert run("(torch_int_repr q)", q=q).tolist() == [115, 123, 92, 142]
    assert run("(torch_int_repr q)", q=q).dtype is torch.uint8
    q = run("(torch_quantize_linear x 0.1 3)", x=x)
    assert run("(torch_int_repr q)", q=q).tolist() == [18, 26, -5, 45]
    q = run("(torch_quantize_dynamic x 0.1 3)", x=x)
    assert run("(torch_int_repr q)", q=q).tolist() == [18, 26, -5, 45]


def test_what_is_out_of_range_is_cut() -> None:
    q = run("(torch_quantize_static (torch_tensor (floats 1000 -1000)) 1 0)")
    assert run("(torch_int_repr q)", q=q).tolist() == [127, -128]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("name", "low", "high"), [("qint8", -128, 127), ("quint8", 0, 255)])
def test_the_range_of_the_data(seed: int, name: str, low: int, high: int) -> None:
    x = numpy.random.default_rng(seed).normal(seed - 1, 2, (5, 7)).astype("f")
    q = run(f'(torch_quantize_dynamic x "{name}")', x=torch.from_numpy(x))
    least, most = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = (most - least) / 255
    assert run("(torch_q_scale q)", q=q) == pytest.approx(scale)
    zero = run("(torch_q_zero_point q)", q=q)
    assert zero == int(numpy.clip(round(low - least / scale), low, high))
    stored = run("(torch_int_repr q)", q=q).numpy()
    assert numpy.abs(stored - affine(x, scale, zero, low, high)).max() <= 1
    back = run("(torch_dequantize q)", q=q).numpy()
    assert numpy.abs(back - x).max() <= scale / 2 * 1.001


@pytest.mark.parametrize(
    "data", ["5 6 7", "-5 -6 -7", "0 0 0", "3 3 3", "-1 -0.5 0 0.25 1", "1e-40 0"]
)
def test_ranges_on_one_side(data: str) -> None:
    x = run(f"(torch_tensor (floats {data}))")
    back = run("(torch_dequantize (torch_quantize_int8 x))", x=x)
    width = max(float(x.max()), 0.0) - min(float(x.min()), 0.0)
    assert float((back - x).abs().max()) <= width / 510 * 1.001 + 1e-30


def test_each_channel_has_its_scale() -> None:
    x = torch.tensor([[1.0, 2.0], [1.0, 2.0], [-1.0, 4.0]])
    program = "(torch_quantize_per_channel x (floats 0.5 0.25 1) (integers 0 1 -2) 0)"
    q = run(program, x=x)
    assert run("(torch_int_repr q)", q=q).tolist() == [[2, 4], [5, 9], [-3, 2]]
    assert near(run("(torch_dequantize q)", q=q), x)
    assert run("(torch_q_scale q)", q=q).tolist() == [0.5, 0.25, 1]
    assert run("(torch_q_zero_point q)", q=q).tolist() == [0, 1, -2]
    q = run("(torch_quantize_per_channel x '(1 0.5) '(0 0) -1)", x=x)
    assert run("(torch_int_repr q)", q=q).tolist() == [[1, 4], [1, 4], [-1, 8]]


@pytest.mark.parametrize(
    "program",
    ["(torch_quantize_static x 0 0)", "(torch_quantize_static x -0.5 0)", "(torch_quantize_static x 0.1 200)",
     "(torch_quantize_static x 0.1 -1 \"uint8\")", "(torch_quantize_static x \"a\" 0)",
     "(torch_quantize_static x 0.1 0.5)", "(torch_quantize_static x 0.1 0 \"int3\")",
     "(torch_quantize_dynamic x \"float9\")", "(torch_quantize_dynamic x \"int8\" 3)",
     "(torch_quantize_dynamic (torch_tensor (integers 1 2)))", "(torch_quantize_int8 (torch_tensor (integers 1)))",
     "(torch_quantize_int8 3)", "(torch_quantize_linear x 0.1 300)",
     "(torch_quantize_per_channel x (floats 0.1 0.1) (integers 0 0 0) 0)",
     "(torch_quantize_per_channel x (floats 0.1 0.1 0.1) (integers 0 0 0) 0)",
     "(torch_quantize_per_channel x (floats 0.1 -0.1) (integers 0 0) 0)",
     "(torch_quantize_per_channel x (floats 0.1 0.1) (integers 0 500) 0)",
     "(torch_quantize_per_channel x 0.1 0 0)", "(torch_quantize_per_channel x (floats 0.1) (integers 0) 4)",
     "(torch_quantize_int8 (torch_div x 0.0))", "(torch_quantize_int8 (torch_log (torch_zeros 2)))",
     "(torch_int_repr x)", "(torch_q_scale 4)", "(torch_dequantize 4)", "(torch_to_int8 4)"],
)  # fmt: skip
def test_what_cannot_be_quantised(program: str) -> None:
    assert refused(program, x=torch.rand(2))


def test_quantised_tensors_are_tensors() -> None:
    program = "(setq q (torch_quantize_static (torch_tensor '((1.5 2.25) (0 -1))) 0.25 0)) "
    for form, text in (
        ("q", "((1.5 2.25) (0 -1))"), ("(type q)", "torch_tensor_"), ("(torch_shape q)", "(2 2)"),
        ("(size q)", "4"), ("(torch_numel q)", "4"), ("(torch_dtype q)", "qint8"), ("(@ q 1)", "2.25"),
        ("(@ q 1 1)", "-1"), ("(@ q 0)", "1.5"), ("(torch_to_list q)", "((1.5 2.25) (0 -1))"),
        ("(flatten q)", "(1.5 2.25 0 -1)"), ("(+ q 1)", "((2.5 3.25) (1 0))"),
        ("(torch_add q q)", "((3 4.5) (0 -2))"), ("(torch_matmul q (torch_eye 2))", "((1.5 2.25) (0 -1))"),
        ("(torch_reshape q '(4))", "(1.5 2.25 0 -1)"), ("(torch_max q)", "2.25"), ("(= q q)", "true"),
        ("(= q (torch_dequantize q))", "true"), ("(car q)", "(1.5 2.25)"), ("(torch_clone q)", "((1.5 2.25) (0 -1))"),
        ("(torch_dtype (torch_clone q))", "qint8"), ('(torch_dtype (torch_to_device q "cpu"))', "qint8"),
        ('(torch_dtype (torch_to_dtype q "float32"))', "float32"), ("(torch_dtype (+ q 0))", "float32"),
        ('(torch_to_dtype q "int8")', "((1 2) (0 -1))"), ("(torch_tensor q)", "((1.5 2.25) (0 -1))"),
        ("(torch_device q)", "cpu"), ("(if q 1 2)", "1"),
    ):  # fmt: skip
        assert shown(program + form) == text, form
    assert "in place" in refused(program + "(torch_masked_fill_ q (torch_ge q 0) 3)")


def test_memory() -> None:
    q = run("(torch_quantize_int8 (torch_randn '(100 10)))")
    assert q.stored.element_size() * q.stored.numel() == 1000
    assert run("(torch_quantize_fp16 (torch_randn '(10)))").element_size() == 2


def test_copies_and_compiled_code() -> None:
    q = run("(torch_quantize_static (torch_tensor (floats 1 2)) 0.5 0)")
    assert near(copy.deepcopy(q).dequantized(), q.dequantized())
    compiled = torch.compile(lambda t: t * 2 + 1, backend="eager")
    assert compiled(q).tolist() == [3, 5]
    assert "qint8" in repr(q)
    with pytest.raises(LispError):
        q.add_(1)


def test_half_precision_and_plain_integers() -> None:
    t = torch.tensor([3.7, -4.2, 0.0])
    for name in ("torch_quantize_fp16", "torch_tensor_to_fp16"):
        assert near(run(f"({name} t)", t=t), t.half())
    for name in ("torch_tensor_to_int8", "torch_to_int8", "tensor_to_int8"):
        assert run(f"({name} t)", t=t).tolist() == [3, -4, 0]
    assert run("(torch_to_int8 (torch_tensor (integers 200)))").tolist() == [-56]
    assert run("(torch_dequantize (torch_quantize_fp16 t))", t=t).dtype is torch.float32


def test_empty_tensors() -> None:
    assert run("(torch_dequantize (torch_quantize_int8 (torch_zeros '(0 3))))").shape == (0, 3)
