"""Tucker decompositions, and the Khatri-Rao product."""

from __future__ import annotations

import numpy
import pytest
import torch
from tensor_programs import near, refused, run, shown


def modelled(core: torch.Tensor, factors: list[torch.Tensor]) -> numpy.ndarray:
    """The tensor of a model, independently: one einsum."""
    letters = "abcde"[: core.dim()]
    terms = ",".join(f"{letter.upper()}{letter}" for letter in letters)
    arrays = [f.numpy() for f in factors]
    return numpy.einsum(f"{letters},{terms}->{letters.upper()}", core.numpy(), *arrays)


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 3), (2, 3, 2, 3), (6,), (1, 1, 4)])
def test_full_ranks_give_the_tensor_back(shape: tuple[int, ...]) -> None:
    t = torch.rand(shape, dtype=torch.float64)
    core, factors = run("(torch_tucker_decomposition t s)", t=t, s=list(shape))
    assert core.shape == t.shape and len(factors) == len(shape)
    for size, factor in zip(shape, factors, strict=True):
        assert near(factor.T @ factor, torch.eye(size, dtype=torch.float64), 1e-10)
    assert near(torch.from_numpy(modelled(core, factors)), t, 1e-10)
    assert near(run("(torch_tucker_reconstruct c f)", c=core, f=factors), t, 1e-10)


def test_a_tensor_of_low_rank_is_found() -> None:
    torch.manual_seed(3)
    factors = [torch.randn(n, 2, dtype=torch.float64) for n in (6, 5, 4)]
    t = torch.from_numpy(modelled(torch.randn(2, 2, 2, dtype=torch.float64), factors))
    core, found = run("(torch_tucker_decomposition t 2 50 1e-8)", t=t)
    assert core.shape == (2, 2, 2) and [tuple(f.shape) for f in found] == [(6, 2), (5, 2), (4, 2)]
    assert near(torch.from_numpy(modelled(core, found)), t, 1e-8)


def test_iterations_only_improve() -> None:
    torch.manual_seed(5)
    t = torch.randn(6, 7, 8, dtype=torch.float64)
    errors = []
    for times in range(6):
        core, factors = run(f"(torch_tucker_decomposition t '(2 3 2) {times} 0)", t=t)
        for factor in factors:
            eye = torch.eye(factor.shape[1], dtype=torch.float64)
            assert near(factor.T @ factor, eye, 1e-10)
        errors.append(float(numpy.linalg.norm(modelled(core, factors) - t.numpy())))
    assert all(after <= before + 1e-12 for before, after in zip(errors, errors[1:], strict=False))
    assert errors[-1] < errors[0]
    # The optimum of one truncated axis bounds the error from below.
    tail = [numpy.linalg.svd(t.movedim(n, 0).reshape(t.shape[n], -1).numpy())[1] for n in range(3)]
    bound = max(float((s[r:] ** 2).sum()) ** 0.5 for s, r in zip(tail, (2, 3, 2), strict=True))
    assert errors[-1] >= bound


def test_ranks_are_cut_to_the_sizes() -> None:
    core, factors = run("(torch_tucker_decomposition t 4)", t=torch.rand(2, 3, 5))
    assert core.shape == (2, 3, 4) and factors[2].shape == (5, 4)


def test_a_rank_beyond_that_of_the_others() -> None:
    t = torch.rand(6, 2, dtype=torch.float64)
    core, factors = run("(torch_tucker_decomposition t '(6 1))", t=t)
    assert core.shape == (6, 1) and factors[0].shape == (6, 6)
    assert near(factors[0].T @ factors[0], torch.eye(6, dtype=torch.float64), 1e-10)


def test_element_types_and_zeros() -> None:
    assert run("(@ (torch_tucker_decomposition (torch_zeros '(2 2)) 1) 0)").item() == 0
    assert (
        run("(@ (torch_tucker_decomposition (torch_tensor '((1 2) (3 4))) 1) 0)").dtype
        is torch.float32
    )
    half = torch.rand(2, 3).half()
    assert run("(@ (torch_tucker_decomposition t 1) 0)", t=half).dtype is torch.float32


@pytest.mark.parametrize(
    "program",
    ["(torch_tucker_decomposition t '(1 1))", "(torch_tucker_decomposition t '(1 -1 1))",
     "(torch_tucker_decomposition t 0)", "(torch_tucker_decomposition t \"x\")",
     "(torch_tucker_decomposition t 1.5)", "(torch_tucker_decomposition 4 1)",
     "(torch_tucker_decomposition t 1 -2)", "(torch_tucker_decomposition (torch_tensor 4) 1)",
     "(torch_tucker_decomposition (torch_zeros '(2 0)) 1)",
     "(torch_tucker_decomposition (torch_log (torch_zeros '(2 2))) 1)",
     "(torch_tucker_reconstruct t 4)", "(torch_tucker_reconstruct t (list))",
     "(torch_tucker_reconstruct t (list (torch_ones '(2 2))))",
     "(torch_tucker_reconstruct (torch_ones '(2)) (list (torch_ones '(4 3))))",
     "(torch_tucker_reconstruct (torch_ones '(2)) (list (torch_ones '(2))))",
     "(torch_khatri_rao_product (torch_ones '(2 3)) (torch_ones '(2 4)))",
     "(torch_khatri_rao_product (torch_ones '(3)) (torch_ones '(2 3)))",
     "(torch_khatri_rao_product 1 2)", "(torch_tucker_compression_ratio '(8 8) '(2 2) 3)",
     "(torch_tucker_compression_ratio '(8 8) '(0 2) '())",
     "(torch_tucker_compression_ratio \"x\" '(2 2) '((8 2)))"],
)  # fmt: skip
def test_what_does_not_fit(program: str) -> None:
    assert refused(program, t=torch.rand(2, 2, 2))


def test_reconstruction_by_hand() -> None:
    program = """(torch_tucker_reconstruct (torch_tensor '((2.0 0) (0 3)))
       (list (torch_tensor '((1.0 0) (0 1) (1 1))) (torch_tensor '((1.0 2) (3 4)))))"""
    assert shown(program) == "((2 6) (6 12) (8 18))"


def test_ratios() -> None:
    form = "(torch_tucker_compression_ratio '(10 10 10) '(2 2 2) '((10 2) (10 2) (10 2)))"
    assert run(form) == pytest.approx(1000 / 68)
    form = "(torch_tucker_compression_ratio (integers 8 8) (integers 2 2) (list (integers 8 2) '(8 2)))"
    assert run(form) == pytest.approx(64 / 36)


def test_khatri_rao() -> None:
    a, b = torch.rand(3, 4), torch.rand(5, 4)
    columns = [numpy.kron(a[:, i].numpy(), b[:, i].numpy()) for i in range(4)]
    expected = torch.from_numpy(numpy.stack(columns, 1))
    assert near(run("(torch_khatri_rao_product a b)", a=a, b=b), expected)
