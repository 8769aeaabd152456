"""Shapes of tensors, parts of them, and element types."""

from __future__ import annotations

import pytest
import torch
from tensor_programs import near, refused, run, shown

from lispe_py.values.typed import Integers

T = torch.arange(24.0).reshape(2, 3, 4)


def test_sizes() -> None:
    for name in ("torch_shape", "tensor_shape", "torch_tensor_shape", "torch_size", "tensor_size"):
        found = run(f"({name} t)", t=T)
        assert found.__class__ is Integers and found.tolist() == [2, 3, 4]
    assert run("(torch_size t -1)", t=T) == 4
    assert run("(torch_dim t)", t=T) == 3
    assert run("(torch_numel t)", t=T) == 24
    assert shown("(torch_shape (torch_tensor 4))") == "()"
    for program in (
        "(torch_shape 3)",
        "(torch_numel '(1 2))",
        "(torch_size nil)",
        "(torch_size t 3)",
    ):
        assert refused(program, t=T)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("(torch_transpose t 0 1)", T.transpose(0, 1)),
        ("(tensor_transpose t -1 0)", T.transpose(-1, 0)),
        ("(torch_permute t '(2 0 1))", T.permute(2, 0, 1)),
        ("(torch_permute t (integers -1 0 1))", T.permute(-1, 0, 1)),
        ("(torch_reshape t '(4 6))", T.reshape(4, 6)),
        ("(torch_reshape t '(6 -1))", T.reshape(6, 4)),
        ("(torch_reshape t -1)", T.reshape(-1)),
        ("(torch_flatten t)", T.flatten()),
        ("(torch_flatten t 1)", T.flatten(1)),
        ("(torch_flatten t 0 1)", T.flatten(0, 1)),
        ("(torch_contiguous (torch_transpose t 0 1))", T.transpose(0, 1)),
        ("(torch_unsqueeze t 0)", T.unsqueeze(0)),
        ("(torch_unsqueeze t -1)", T.unsqueeze(-1)),
        ("(torch_unsqueeze t -4)", T.unsqueeze(0)),
        ("(torch_squeeze (torch_unsqueeze t 1))", T),
        ("(torch_squeeze (torch_unsqueeze t 1) 0)", T.unsqueeze(1)),
        ("(torch_squeeze (torch_unsqueeze t 1) -3)", T),
        ("(torch_expand (torch_unsqueeze t 0) '(5 -1 3 4))", T.expand(5, 2, 3, 4)),
        ("(torch_repeat t '(2 1 1))", T.repeat(2, 1, 1)),
        ("(torch_flip t 1)", T.flip(1)),
        ("(torch_flip t '(0 -1))", T.flip(0, -1)),
        ("(torch_roll t 1)", T.roll(1, -1)),
        ("(torch_roll t -1 0)", T.roll(-1, 0)),
        ("(torch_triu t)", T.triu()),
        ("(torch_triu t 1)", T.triu(1)),
        ("(torch_tril t -1)", T.tril(-1)),
        ("(torch_tril t nil)", T.tril()),
        ("(torch_slice t 2 1 3)", T[:, :, 1:3]),
        ("(torch_slice t -1 -2 nil)", T[:, :, -2:]),
        ("(torch_slice t 0 nil 1)", T[:1]),
        ("(torch_slice t 1 3)", T[:, 1:3]),
        ("(torch_slice t 0 0 99)", T),
        ("(torch_slice (torch_tensor (integers 1 2 3)) 1 3)", torch.tensor([2, 3])),
        ("(torch_slice (torch_tensor (integers 1 2 3)) 1 nil)", torch.tensor([2, 3])),
        ("(torch_slice (torch_tensor (integers 1 2 3)) 2 1)", torch.tensor([], dtype=torch.int64)),
        ("(torch_select t 0 -1)", T[-1]),
        ("(torch_select t 2 1)", T[:, :, 1]),
        ("(torch_select t -1)", T[-1]),
        ("(torch_index_select t 1 '(2 0 -1))", T[:, [2, 0, 2]]),
        ("(torch_gather t 2 (torch_zeros '(2 3 1) \"int64\"))", T[:, :, :1]),
        ("(torch_masked_select t (torch_ge t 20))", torch.arange(20.0, 24)),
        ("(torch_nonzero (torch_ge t 22))", torch.tensor([[1, 2, 2], [1, 2, 3]])),
        ("(torch_masked_fill t (torch_lt t 23) 0)", T.masked_fill(T < 23, 0)),
    ],
)  # fmt: skip
def test_other_shapes_and_parts(form: str, expected: torch.Tensor) -> None:
    assert near(run(form, t=T), expected)


def test_views_are_views_and_copies_copies() -> None:
    program = "(setq v (torch_transpose t 0 1)) (torch_index_put_ v '(0 0 0) 99) t"
    assert float(run(program, t=T.clone())[0, 0, 0]) == 99
    for form in ("(torch_slice t 0 0 1)", "(torch_select t 0 0)", "(torch_reshape t -1)"):
        values = T.clone()
        assert run(form, t=values).data_ptr() == values.data_ptr()
    values = T.clone()
    assert run("(torch_contiguous t)", t=values) is values
    assert shown("(torch_split (torch_tensor (integers 1 2 3 4 5)) 2)") == "((1 2) (3 4) (5))"
    assert shown("(torch_split (torch_tensor (integers 1 2 3)) '(1 2))") == "((1) (2 3))"


@pytest.mark.parametrize(
    "form",
    ["(torch_transpose t 0 3)", "(torch_transpose t 0 \"x\")", "(torch_transpose 3 0 1)",
     "(torch_permute t '(0 1))", "(torch_permute t '(0 1 5))", "(torch_reshape t '(5 5))",
     "(torch_reshape t \"x\")", "(torch_reshape t '(-1 -1))", "(torch_reshape t '(2.5 4))",
     "(torch_unsqueeze t 4)", "(torch_unsqueeze t nil)", "(torch_squeeze t 3)",
     "(torch_triu (torch_zeros '(2)))", "(torch_tril (torch_tensor 2))", "(torch_slice t 3 0 1)",
     "(torch_slice t 0 \"a\" 2)", "(torch_slice (torch_tensor 3) 0 1)", "(torch_select t 0 2)",
     "(torch_select t 0 1.5)", "(torch_index_select t 0 '(2))", "(torch_index_select t 0 '(0.5))",
     "(torch_gather t 0 (torch_tensor (integers 0)))", "(torch_gather t 2 (torch_tensor '(((9)))))",
     "(torch_gather t 0 4)", "(torch_gather t 0 (torch_tensor '(((0.5)))))",
     "(torch_masked_fill t (torch_ge t 3) \"x\")", "(torch_masked_fill t 3 0)",
     "(torch_repeat t '(2))", "(torch_expand t '(2 5 4))", "(torch_split t 0)", "(torch_flip t 3)",
     "(torch_contiguous nil)", "(torch_set_item t '(2 0 0) 1)", "(torch_set_item t '(0 0 0 0) 1)",
     "(torch_set_item t '() 1)", "(torch_set_item t '(0) \"x\")", "(torch_set_item t \"x\" 1)",
     "(torch_set_item t '(0) (torch_zeros '(7)))", "(torch_index_put_ t '(0 3 0) 1)",
     "(torch_item t)", "(torch_item 3)", "(torch_at t)", "(torch_at t 24)", "(torch_at t 0 3)",
     "(torch_at t 0 0 0 0)", "(torch_at 3 0)", "(torch_to_dtype t \"float31\")",
     "(torch_to_dtype t 3)", "(torch_to_dtype 3 \"bool\")", "(torch_dtype 3)"],
)  # fmt: skip
def test_what_does_not_fit(form: str) -> None:
    assert refused(form, t=T.clone())


def test_texts_of_errors() -> None:
    assert "2" in refused("(torch_item (torch_zeros '(2)))")
    assert refused("(torch_at (torch_zeros '(2)) 2)") == "tensor index out of bounds"


def test_writing() -> None:
    t = torch.zeros(2, 2)
    assert run("(torch_set_item t '(0 1) 9)", t=t).tolist() == [[0, 9], [0, 0]]
    assert run("(torch_set_item t '(1) (torch_tensor (floats 7 8)))", t=t).tolist() == [
        [0, 0],
        [7, 8],
    ]
    assert run("(torch_set_item t (integers -1 -1) 0.5)", t=t).tolist() == [[0, 0], [0, 0.5]]
    assert run("(torch_set_item t 1 (floats 7 8))", t=t).tolist() == [[0, 0], [7, 8]]
    assert t.tolist() == [[0, 0], [0, 0]]
    assert run("(torch_index_put_ t '(0) 3)", t=t) is t
    assert run("(torch_masked_fill_ t (torch_tensor '((true nil) (nil nil))) 5)", t=t) is t
    assert t.tolist() == [[5, 3], [0, 0]]
    flags = torch.tensor([False, False])
    assert run("(torch_index_put_ t '(0) true)", t=flags).tolist() == [True, False]


def test_a_parameter_cannot_be_written() -> None:
    leaf = torch.zeros(2, requires_grad=True)
    assert refused("(torch_masked_fill_ t (torch_tensor '(true nil)) 5)", t=leaf)
    assert refused("(torch_index_put_ t '(0) 5)", t=leaf)


def test_elements() -> None:
    assert run("(torch_at t 5)", t=T) == 5
    assert run("(torch_tensor_at t -1)", t=T) == 23
    assert run("(tensor_at t 1 2 3)", t=T) == 23
    assert near(run("(torch_at t 1 2)", t=T), T[1, 2])
    for program, value in (
        ("(torch_item (torch_tensor (integers 7)))", 7),
        ("(torch_item (torch_tensor '((2.5))))", 2.5),
        ("(torch_item (torch_ge (torch_tensor 3) 2))", True),
        ("(torch_item (torch_ge (torch_tensor 1) 2))", None),
        ('(torch_item (torch_to_dtype (torch_tensor 1.5) "bfloat16"))', 1.5),
        ('(torch_item (torch_to_dtype (torch_tensor 200) "uint8"))', 200),
    ):
        found = run(program)
        assert found == value and found.__class__ is value.__class__


@pytest.mark.parametrize(
    "name",
    [
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
        "bool",
    ],
)
def test_element_types(name: str) -> None:
    found = run(f'(torch_to_dtype (torch_tensor (floats 1.5 0)) "{name}")')
    assert found.dtype is getattr(torch, name)
    assert shown(f'(torch_dtype (torch_to_dtype (torch_zeros 1) "{name}"))') == name


def test_names_of_element_types() -> None:
    for name in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "bool"):
        assert shown(f"(torch_dtype (torch_to_dtype (torch_zeros 1) (torch_{name})))") == name
    assert shown('(torch_dtype (torch_to_dtype (torch_zeros 1) "torch.half"))') == "float16"
    assert shown("(torch_dtype (torch_to_dtype (torch_zeros 1) 'int32))") == "int32"
    assert run('(torch_to_dtype (torch_tensor (floats 1.9 -1.9)) "int64")').tolist() == [1, -1]


def test_empty_tensors() -> None:
    assert run("(torch_reshape (torch_zeros '(0 3)) '(3 0))").shape == (3, 0)
    assert run("(torch_cat (list (torch_zeros '(0 2)) (torch_ones '(1 2))))").shape == (1, 2)
    assert run("(torch_gather (torch_zeros '(0)) 0 (torch_tensor (list)))").shape == (0,)
    assert run("(torch_flip (torch_zeros '(0 2)) 0)").shape == (0, 2)
    assert run("(torch_nonzero (torch_zeros '(2)))").shape == (0, 1)
