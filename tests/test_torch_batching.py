"""Batches of sequences by a budget of tokens."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lispe_py.primitives
from lispe_py import LispE, LispError
from lispe_py.primitives.batching import torch_batch_by_tokens as batches_of
from lispe_py.primitives.batching import torch_padding_waste as waste
from lispe_py.values.lists import List

lispe_py.primitives.load()


def run(program: str) -> str:
    lisp = LispE()
    lisp.eval("(use 'lispe_torch)")
    return lisp.show(lisp.eval(program))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 12), max_size=30), st.integers(12, 40), st.booleans())
def test_every_sequence_once_within_the_budget(
    lengths: list[int], budget: int, shuffle: bool
) -> None:
    rows = List(torch.arange(1, n + 1) + 100 * i for i, n in enumerate(lengths))
    seen: list[int] = []
    for ids, mask, positions in batches_of(rows, budget, -1, shuffle or None):
        assert ids.numel() <= budget and ids.shape == mask.shape == (len(positions), ids.shape[1])
        assert ids.dtype is torch.int64 and mask.dtype is torch.float32
        for row, kept, index in zip(ids, mask, positions, strict=True):
            n = lengths[index]
            assert torch.equal(row[:n], rows[index]) and (row[n:] == -1).all()
            assert (kept[:n] == 1).all() and (kept[n:] == 0).all()
        seen += list(positions)
    assert sorted(seen) == list(range(len(lengths)))


def test_similar_lengths_share_a_batch() -> None:
    torch.manual_seed(0)
    lengths = torch.randint(1, 200, (300,)).tolist()
    rows = List(torch.ones(n, dtype=torch.int64) for n in lengths)
    assert waste(batches_of(rows, 2000)) < 0.1
    padded = 300 * max(lengths)
    assert 1 - sum(lengths) / padded > 0.4


def test_shuffled_batches_follow_the_seed() -> None:
    rows = List(torch.ones(n % 5 + 1, dtype=torch.int64) for n in range(40))

    def order(seed: int) -> list[list[int]]:
        torch.manual_seed(seed)
        return [list(p) for _, _, p in batches_of(rows, 12, 0, True)]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_in_the_language() -> None:
    assert run("(torch_batch_by_tokens (list (integers 1 2 3) (integers 4) (list 5 6)) 4 9)") == (
        "((((1 2 3)) ((1 1 1)) (0)) (((5 6) (4 9)) ((1 1) (1 0)) (2 1)))"
    )
    assert run(
        "(torch_padding_waste (torch_dynamic_batches (list (integers 1 2 3) (integers 4)) 6))"
    ) == ("0.333333")
    assert run("(torch_padding_waste (tensor_ones '(2 2)))") == "0"
    assert run("(torch_batch_by_tokens (list) 4)") == "()"
    assert run("(torch_padding_waste (list))") == "0"


@pytest.mark.parametrize(
    "program",
    [
        "(torch_batch_by_tokens 5 4)",
        "(torch_batch_by_tokens (list (integers 1 2 3)) 2)",
        "(torch_batch_by_tokens (list (integers 1 2 3)) 0)",
        '(torch_batch_by_tokens (list (list "a")) 5)',
        "(torch_batch_by_tokens (list 5) 5)",
        "(torch_batch_by_tokens (list (tensor_ones '(2))) 5)",
        "(torch_batch_by_tokens (list (torch_tensor '((1 2)))) 5)",
        "(torch_batch_by_tokens (list (integers 1)) 5 0 7)",
        "(torch_padding_waste 5)",
        "(torch_padding_waste (list 1 2))",
    ],
)
def test_mistakes_are_errors_of_the_language(program: str) -> None:
    with pytest.raises(LispError):
        run(program)
