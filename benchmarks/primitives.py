"""What the primitives of the torch library cost beside torch, by group.

Each is called in a loop of a compiled LispE function, and the function of torch that does
the same in a loop of Python, on tensors so small that the work itself hardly counts. A
LispE call that is the cheaper of the two counts as free.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.harness import best
from lispe_py import LispE

#: Calls in one timing.
CALLS = 4_000
#: Nanoseconds that a primitive may cost beyond torch, as the median of its group.
GOAL = 500

A, B = torch.rand(4, 4), torch.rand(4, 4)
COMPLETE = torch.ones(4, 4, dtype=torch.bool)
IDS = torch.tensor([0, 3, 1, 2])
QUERY = torch.rand(1, 2, 4, 4)
LINEAR, NORM, TABLE = nn.Linear(4, 4), nn.LayerNorm(4), nn.Embedding(8, 4)

#: group -> LispE call and what does the same in Python
GROUPS: dict[str, dict[str, Callable[[], Any]]] = {
    "arithmetic": {
        "(torch_add a b)": lambda: torch.add(A, B),
        "(torch_sub a b)": lambda: torch.sub(A, B),
        "(torch_mul a b)": lambda: torch.mul(A, B),
        "(torch_div a b)": lambda: torch.div(A, B),
        "(torch_maximum a b)": lambda: torch.maximum(A, B),
        "(torch_minimum a b)": lambda: torch.minimum(A, B),
        "(torch_matmul a b)": lambda: torch.matmul(A, B),
        "(torch_ge a b)": lambda: torch.ge(A, B),
        "(torch_lt a b)": lambda: torch.lt(A, B),
        "(torch_eq a b)": lambda: torch.eq(A, B),
        "(torch_add_scalar a 2.5)": lambda: A + 2.5,
        "(torch_mul_scalar a 2.5)": lambda: A * 2.5,
        "(torch_div_scalar a 2.5)": lambda: A / 2.5,
        "(torch_pow a 2)": lambda: torch.pow(A, 2),
        "(+ a b)": lambda: A + B,
        "(- a b)": lambda: A - B,
        "(* a b)": lambda: A * B,
        "(* a 2.5)": lambda: A * 2.5,
        "(/ a 2.5)": lambda: A / 2.5,
        "(torch_where m a b)": lambda: torch.where(COMPLETE, A, B),
    },
    "mathematics": {
        f"(torch_{name} a)": (lambda f: lambda: f(A))(getattr(torch, name))
        for name in (
            "exp",
            "log",
            "sqrt",
            "rsqrt",
            "abs",
            "sin",
            "cos",
            "tan",
            "floor",
            "ceil",
            "round",
            "neg",
            "reciprocal",
            "square",
            "erf",
            "sign",
            "log2",
            "log10",
            "asin",
            "atan",
        )
    },
    "activations": {
        "(torch_relu a)": lambda: torch.relu(A),
        "(torch_sigmoid a)": lambda: torch.sigmoid(A),
        "(torch_tanh a)": lambda: torch.tanh(A),
        "(torch_gelu a)": lambda: F.gelu(A),
        "(torch_silu a)": lambda: F.silu(A),
        "(torch_softplus a)": lambda: F.softplus(A),
        "(torch_leaky_relu a)": lambda: F.leaky_relu(A),
        "(torch_softmax a -1)": lambda: torch.softmax(A, -1),
        "(torch_log_softmax a -1)": lambda: torch.log_softmax(A, -1),
    },
    "reductions": {
        "(torch_sum a)": lambda: torch.sum(A),
        "(torch_mean a)": lambda: torch.mean(A),
        "(torch_std a)": lambda: torch.std(A),
        "(torch_max a)": lambda: torch.max(A),
        "(torch_min a)": lambda: torch.min(A),
        "(torch_argmax a)": lambda: torch.argmax(A),
        "(torch_argmax a 1 nil)": lambda: torch.argmax(A, 1),
        "(torch_norm a)": lambda: torch.norm(A),
        "(torch_sum a 1)": lambda: torch.sum(A, 1),
        "(torch_cumsum a 1)": lambda: torch.cumsum(A, 1),
    },
    "shapes": {
        "(torch_reshape a s)": lambda: torch.reshape(A, (2, 8)),
        "(torch_transpose a 0 1)": lambda: torch.transpose(A, 0, 1),
        "(torch_unsqueeze a 0)": lambda: torch.unsqueeze(A, 0),
        "(torch_squeeze a)": lambda: torch.squeeze(A),
        "(torch_select a 0 1)": lambda: A.select(0, 1),
        "(torch_slice a 0 1 3)": lambda: A.narrow(0, 1, 2),
        "(torch_tril a)": lambda: torch.tril(A),
        "(torch_triu a)": lambda: torch.triu(A),
        "(torch_contiguous a)": lambda: A.contiguous(),
        "(torch_clone a)": lambda: A.clone(),
        "(torch_detach a)": lambda: A.detach(),
        "(torch_shape a)": lambda: list(A.shape),
        "(torch_numel a)": lambda: A.numel(),
        "(torch_cat (list a b) 0)": lambda: torch.cat([A, B], 0),
        "(torch_stack (list a b) 0)": lambda: torch.stack([A, B], 0),
        "(torch_index_select a 0 i)": lambda: torch.index_select(A, 0, IDS),
        "(torch_gather a 0 (torch_unsqueeze i 0))": lambda: torch.gather(A, 0, IDS.unsqueeze(0)),
        "(at a 2)": lambda: A.flatten()[2].item(),
        "(torch_item z)": lambda: A[0, 0].item(),
    },
    "creation": {
        "(torch_zeros s)": lambda: torch.zeros((2, 8)),
        "(torch_ones s)": lambda: torch.ones((2, 8)),
        "(torch_rand s)": lambda: torch.rand((2, 8)),
        "(torch_randn s)": lambda: torch.randn((2, 8)),
        "(torch_full s 0.5)": lambda: torch.full((2, 8), 0.5),
        "(torch_zeros_like a)": lambda: torch.zeros_like(A),
        "(torch_ones_like a)": lambda: torch.ones_like(A),
        "(torch_arange 4)": lambda: torch.arange(4),
        "(torch_eye 4)": lambda: torch.eye(4),
        "(torch_tensor l)": lambda: torch.tensor([1, 2, 3]),
    },
    "modules": {
        "(torch_forward lin a)": lambda: LINEAR(A),
        "(torch_linear_forward lin a)": lambda: LINEAR(A),
        "(torch_layer_norm_forward norm a)": lambda: NORM(A),
        "(torch_embedding_forward table i)": lambda: TABLE(IDS),
        "(lin a)": lambda: LINEAR(A),
        "(torch_mse_loss a b)": lambda: F.mse_loss(A, B),
        "(torch_cross_entropy a i)": lambda: F.cross_entropy(A, IDS),
        "(torch_scaled_dot_product_attention q q q)": lambda: F.scaled_dot_product_attention(
            QUERY, QUERY, QUERY
        ),
    },
}


def _nothing() -> None:
    """What the call of a Python lambda costs, which the LispE side has not."""


def beyond(lisp: LispE, text: str, function: Callable[[], Any]) -> float:
    """Nanoseconds that a LispE call takes beyond one of Python."""
    names = "a b m i s l z q lin norm table"
    often = lisp.eval(f"(\\({names}) (loopcount {CALLS} {text}))")
    values = [lisp.globals[name] for name in names.split()]

    def python(called: Callable[[], Any]) -> None:
        for _ in range(CALLS):
            called()

    ours, theirs, call = best(
        lambda: often(*values),
        lambda: python(function),
        lambda: python(_nothing),
        turns=7,
        seconds=0,
    )
    return max(0.0, ours - (theirs - call)) / CALLS * 1e9


def report() -> None:
    """Print, for each group, the median and the most expensive primitive."""
    torch.set_num_threads(1)
    lisp = LispE()
    lisp.eval("(use 'lispe_torch)")
    for name, value in {
        "a": A, "b": B, "m": COMPLETE, "i": IDS, "z": A[0, 0].clone(), "q": QUERY,
        "lin": LINEAR, "norm": NORM, "table": TABLE,
    }.items():  # fmt: skip
        lisp.globals[name] = value
    lisp.eval("(setq s '(2 8)) (setq l (integers 1 2 3))")
    print(f"{'ns a call beyond torch':24}{'calls':>6}{'median':>9}{'most':>8}   the most expensive")
    for group, calls in GROUPS.items():
        found = {text: beyond(lisp, text, function) for text, function in calls.items()}
        worst = max(found, key=found.__getitem__)
        middle = statistics.median(found.values())
        mark = "" if middle <= GOAL else "  above"
        figures = f"{len(found):6}{middle:9.0f}{found[worst]:8.0f}"
        print(f"{group:24}{figures}   {worst}{mark}", flush=True)
