"""The torch library as a whole: its modules, names and spellings."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensor_programs import run

import lispe_py.primitives as library
from lispe_py import libraries
from lispe_py.errors import LispError
from lispe_py.registry import CORE, registry

FOLDER = Path(library.__path__[0])

#: Modules of operations on tensors, which have three spellings.
OPERATIONS = (
    "tensors", "tensor_arithmetic", "tensor_math", "activations", "tensor_reductions",
    "tensor_shapes", "tensor_access", "quantised_tensors",
)  # fmt: skip

#: What is spelt otherwise: torch_tensor is tensor_create, torch_linear makes a layer, and the
#: names of element types are no operations, nor is get, which reads any container.
EXCEPTIONS = {
    "torch_tensor", "tensor_linear", "torch_float32", "torch_float64", "torch_float16", "torch_bfloat16",
    "torch_int64", "torch_int32", "torch_bool", "get",
}  # fmt: skip


def test_every_module_with_primitives_is_loaded() -> None:
    found = {
        path.stem
        for path in FOLDER.glob("*.py")
        if "\n@primitive(" in path.read_text(encoding="utf-8")
    }
    assert found <= set(library.MODULES)
    assert len(set(library.MODULES)) == len(library.MODULES)


def test_names_are_known_before_the_library_is_loaded() -> None:
    library.load()
    names = libraries.index()
    for name in registry.names():
        entry = registry.get(name)
        assert entry is not None
        if entry.library != CORE:
            assert name in names, name


@pytest.mark.parametrize("module", OPERATIONS)
def test_operations_have_three_spellings(module: str) -> None:
    library.load()
    for entry in registry.entries():
        if entry.function.__module__ != f"{library.__name__}.{module}" or entry.name in EXCEPTIONS:
            continue
        names = {entry.name, *entry.aliases}
        stem = entry.name.removeprefix("torch_")
        assert {f"torch_{stem}", f"tensor_{stem}", f"torch_tensor_{stem}"} <= names, entry.name


@pytest.mark.parametrize("name", ["lispe_torch", "liblispe_torch", "lispe_tiktoken", "torch"])
def test_names_of_the_library(name: str) -> None:
    assert run(f"(use '{name}) (torch_shape (torch_zeros 1))").tolist() == [1]


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ('(defun f(d) (get d "a")) (use \'lispe_torch) (f (dictionary "a" 8))', 8),
        ("(use 'lispe_torch) (get '((4 5) (6 7)) 1 -2)", 6),
        ("(use 'lispe_torch) (defun get(x) (+ x 1)) (get 4)", 5),
        ("(use 'lispe_torch) (class@ P (x) (defun get(y) (+ x y))) (setq p (P 3)) (p (get 4))", 7),
    ],
)
def test_get_is_bound_by_use_and_stays_free(program: str, value: int) -> None:
    assert run(program) == value


def test_an_unknown_library() -> None:
    with pytest.raises(LispError, match="unknown library"):
        run("(use 'lispe_torchx)")
