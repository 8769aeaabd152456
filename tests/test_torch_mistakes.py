"""Wrong arguments for every primitive of the library: errors of the language, and readable."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path

import pytest
import torch

from lispe_py import LispE, LispError
from lispe_py.registry import CORE, registry

torch.set_num_threads(1)

OBJECTS = """
(use 'lispe_torch)
(setq f (tensor_ones '(3 4))) (setq i (torch_tensor '((1 2) (0 1)))) (setq z (torch_tensor 2.5))
(setq e (tensor_zeros '(0))) (setq b (torch_tensor (list true nil))) (setq q (torch_quantize_int8 f))
(setq lin (torch_linear 4 4)) (setq emb (torch_embedding 5 4)) (setq opt (torch_optimizer lin 0.1 "sgd"))
(setq tok (torch_simple_tokenizer)) (setq sd (torch_state_dict lin)) (setq lam (\\(x) x))
(setq d (dictionary "a" 1)) (setq s (set 1 2)) (setq lora (torch_lora_linear 4 4 2 4.0))
"""
VALUES = (
    "nil", "true", "-3", "0", "1", "2.5", '"abc"', '""', "'sym", "'()", "'(1 2)", "'(-1 2)", "'(\"a\")",
    "(floats 1 2)", "(strings \"a\")", "d", "s", "f", "i", "z", "e", "b", "q", "lin", "emb", "opt", "tok",
    "sd", "lam", "lora", "(list f f)", "(list lin)", '"cpu"', '"float16"', '"nowhere.pt"', "'torch_relu",
    "99999999999999999999", "(list (list 1 2) (list 3))",
)  # fmt: skip
#: They wait for other processes, or make a model as large as its default configuration says.
LEFT_OUT = {
    "torch_distributed_launch", "torch_distributed_init", "torch_distributed_barrier", "torch_decoder",
}  # fmt: skip
#: What a Python error would show.
INNER = (
    "object has no attribute",
    "NoneType",
    "<class",
    "Traceback",
    "unsupported operand",
    "keyword",
)
CALLS = 3


def test_mistakes_are_errors_of_the_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lisp = LispE(stdout=io.StringIO(), stderr=io.StringIO(), stdin=io.StringIO())
    lisp.eval(OBJECTS)
    draw = random.Random(7)
    faults = []
    refused = 0
    for entry in registry.entries():
        if entry.library == CORE or entry.name in LEFT_OUT:
            continue
        most = entry.least + 3 if entry.most is None else entry.most
        for _ in range(CALLS):
            values = draw.choices(VALUES, k=draw.randint(entry.least, most))
            program = f"({' '.join([entry.name, *values])})"
            try:
                lisp.show(lisp.eval(program))
            except LispError as error:
                refused += 1
                if not error.message.strip() or any(inner in error.message for inner in INNER):
                    faults.append(f"{program}: {error.message}")
            except Exception as error:
                faults.append(f"{program}: {error!r}")
        lisp.eval("(torch_set_grad_enabled true) (torch_set_autocast nil)")
    assert faults == []
    assert refused > 800


#: An argument of a call: a form, a string or a word.
_ARGUMENT = re.compile(r"\"[^\"]*\"|[^\s()'\"]+")


def test_one_wrong_argument_in_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lisp = LispE(stdout=io.StringIO(), stderr=io.StringIO(), stdin=io.StringIO())
    lisp.eval(OBJECTS)
    draw = random.Random(11)
    entries = [e for e in registry.entries() if e.library != CORE and e.name not in LEFT_OUT]
    faults = []
    for entry in draw.sample(entries, 120):
        example = "".join(x for x in entry.example.splitlines(True) if not x.startswith(";"))
        _, call, rest = example.partition(f"({entry.name} ")
        there = list(_ARGUMENT.finditer(rest))
        if not call or not there:
            continue
        begin, end = draw.choice(there).span()
        program = example[: -len(rest)] + rest[:begin] + draw.choice(VALUES) + rest[end:]
        try:
            lisp.show(lisp.eval(program))
        except LispError as error:
            if any(inner in error.message for inner in INNER):
                faults.append(f"{program}: {error.message}")
        except Exception as error:
            faults.append(f"{program}: {error!r}")
    lisp.eval("(torch_set_grad_enabled true) (torch_set_autocast nil) (torch_distributed_end)")
    assert faults == []


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(torch_full '(2) (tensor_ones '(4)))", "value must be a number, not a tensor (4)"),
        ("(torch_arange 'a)", "start must be a number, not an atom_"),
        ("(torch_arange '(1))", "start must be a number, not a list_"),
        ("(torch_arange (torch_tensor '(1 2)))", "start must be a number, not a tensor (2)"),
        ("(torch_zeros '(-1 2))", "shape must be a list of integers of at least 0: it holds -1"),
        (
            "(setq m (torch_embedding 4 4)) (m (floats 1 2))",
            "a module that is called takes tensors",
        ),
        ('(torch_relu "a")', 'argument must be a tensor, not the string "a"'),
        ("(torch_linear 2 -1)", "out_features must be a positive integer, not -1"),
    ],
)
def test_messages(program: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        LispE().eval("(use 'lispe_torch) " + program)
    assert caught.value.message == message
