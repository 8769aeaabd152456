"""Functions of the language under torch.compile, autograd and torch.func."""

from __future__ import annotations

import pytest
import torch

from lispe_py import LispE

PROGRAMS = {
    "a loop": "(defun f(x y) (setq t (* x 1.0)) (loopcount 4 i (setq t (+ (* t x) 0.5))) (torch_tanh t))",
    "updates": "(defun f(x y) (setq t (torch_zeros_like x)) (loopcount 3 i (+= t (* y 0.5))) t)",
    "primitives": "(defun f(x y) (tensor_where (tensor_ge x 0.3) x (tensor_mean (tensor_mul y 2.0))))",
    "numbers first": "(defun f(x y) (+ (* 2.0 x) (/ x (+ 1.0 (* y y)))))",
    "another function": "(defun g(x) (tensor_relu x)) (defun f(x y) (g (- (g x) y)))",
    "a quoted list": "(defun f(x y) (+ (tensor_reshape (tensor_permute x '(1 0)) '(3 4)) (tensor_sum y '(0))))",
    "a quoted table": "(defun f(x y) (setq t '((1 2) (3 4))) (* x (@ t 1 0)))",
    "a lambda": "(defun f(x y) (setq g (\\(z) (* z y))) (+ (g x) (g 1.0)))",
}  # fmt: skip


@pytest.mark.parametrize("title", PROGRAMS)
def test_the_whole_graph_is_compiled_and_gives_the_same(title: str) -> None:
    lisp = LispE()
    lisp.eval("(use 'lispe_torch) " + PROGRAMS[title])
    function = lisp.globals["f"]
    torch.manual_seed(0)
    x, y = torch.randn(3, 4), torch.randn(3, 4)
    compiled = torch.compile(function, fullgraph=True, backend="eager")
    assert torch.equal(compiled(x, y), function(x, y))


def test_gradients_flow_through_a_function() -> None:
    lisp = LispE()
    lisp.eval("(use 'lispe_torch) (defun f(x) (torch_sum (* x x x)))")
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    lisp.globals["f"](x).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3.0, 12.0]


def test_torch_func_maps_over_a_function() -> None:
    lisp = LispE()
    lisp.eval("(use 'lispe_torch) (defun f(x) (torch_sum (* x x)))")
    rows = torch.arange(6.0).reshape(2, 3)
    mapped = torch.func.vmap(lisp.globals["f"])(rows)
    assert mapped.tolist() == [5.0, 50.0]
    slope = torch.func.grad(lisp.globals["f"])(torch.tensor([1.0, 3.0]))
    assert slope.tolist() == [2.0, 6.0]
