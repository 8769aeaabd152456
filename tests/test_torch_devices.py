"""Devices: what holds on any machine, and what holds where there is no GPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from tensor_programs import near, refused, run, shown

from lispe_py.errors import LispError

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
no_mps = pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is MPS")
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.fixture(autouse=True)
def default_device() -> Iterator[None]:
    yield
    run('(torch_set_device "cpu")')


def test_what_is_there() -> None:
    there = True if torch.cuda.is_available() else None
    assert run("(torch_cuda_is_available)") is there and run("(torch_cuda_available)") is there
    there = True if torch.backends.mps.is_available() else None
    assert run("(torch_mps_is_available)") is there and run("(torch_mps_available)") is there
    assert run("(torch_cuda_device_count)") == torch.cuda.device_count()
    assert run("(torch_get_best_device)") in ("mps", "cuda", "cpu")
    assert run("(torch_cuda_empty_cache)") is True
    assert run("(torch_mps_synchronize true)") is True


@no_cuda
@no_mps
def test_without_a_gpu() -> None:
    assert run("(torch_get_best_device)") == "cpu"
    assert run("(torch_cuda_memory_allocated)") == run("(torch_cuda_memory_total)") == 0
    assert run("(torch_mps_synchronize)") is None


def test_the_cpu() -> None:
    t = torch.ones(2)
    assert run("(torch_device t)", t=t) == "cpu"
    assert run("(torch_to_cpu t)", t=t) is t
    assert near(run('(torch_to_device t "cpu")', t=t), t)
    assert run("(torch_on_mps t)", t=t) is None
    assert run('(torch_set_device "cpu")') is True
    assert shown("(torch_device (torch_zeros 2))") == "cpu"


def test_modules_are_moved_too() -> None:
    layer = run("(torch_linear 2 1)")
    assert run('(torch_to_device m "cpu")', m=layer) is layer


@pytest.mark.parametrize(
    "program",
    ["(torch_to_device (torch_ones 2) \"cpx\")", "(torch_to_device (torch_ones 2) \"cuda:77\")",
     "(torch_to_device (torch_ones 2) nil)", "(torch_to_device 3 \"cpu\")",
     "(torch_to_cuda (torch_ones 2) \"cuda:77\")", "(torch_to_cuda (torch_ones 2) 77)",
     "(torch_to_cuda (torch_ones 2) \"cpu\")", "(torch_set_device 64)", "(torch_set_device -1)",
     "(torch_set_device \"tpu\")", "(torch_to_cpu \"x\")", "(torch_on_mps 3)", "(torch_device nil)",
     "(torch_cuda_device_count 1)"],
)  # fmt: skip
def test_absent_devices(program: str) -> None:
    assert refused(program)


@no_cuda
def test_texts_without_cuda() -> None:
    assert refused("(torch_to_cuda (torch_ones 2))") == "CUDA not available"
    assert refused("(torch_set_device 0)") == "CUDA not available"
    assert refused('(torch_to_device (torch_ones 2) "cuda")') == "unknown device: 'cuda'"
    with pytest.raises(LispError) as caught:
        run('(torch_to_device (torch_ones 2) "cuda")')
    assert "cpu" in (caught.value.hint or "")


@no_mps
def test_texts_without_mps() -> None:
    assert refused("(torch_to_mps (torch_ones 2))") == "MPS not available"
    assert refused('(torch_to_device (torch_ones 2) "mps")') == "unknown device: 'mps'"


@no_cuda
def test_memory_of_the_process() -> None:
    before = run("(torch_memory_usage)")
    kept = torch.zeros(1 << 20)
    view = kept[:10]
    used = run("(torch_memory_usage)") - before
    assert 3.9 < used < 4.1, "a float32 takes four bytes, a view none"
    peak = run("(torch_peak_memory)")
    assert peak >= before + used
    del kept, view
    assert run("(torch_memory_usage)") < before + 1
    assert run("(torch_peak_memory)") == peak


@cuda
def test_on_cuda() -> None:
    t = torch.ones(2, requires_grad=True)
    moved = run("(torch_to_cuda t)", t=t)
    assert moved.is_cuda and moved.grad_fn is not None
    assert run("(torch_device t)", t=moved) == f"cuda:{torch.cuda.current_device()}"
    assert run('(torch_to_device t "cuda:0")', t=t).device == torch.device("cuda:0")
    assert run("(torch_to_cuda t 0)", t=t).device == torch.device("cuda:0")
    assert run("(torch_to_list t)", t=moved).tolist() == [1, 1]
    assert shown("(list t (@ t 0) (+ t (floats 1 2)) (= t (torch_ones 2)))", t=moved) == (
        "((1 1) 1 (2 3) true)"
    )
    assert refused("(torch_add t (torch_ones 2))", t=moved)
    assert run("(torch_cuda_memory_allocated)") > 0
    assert run("(torch_cuda_memory_total)") > run("(torch_cuda_memory_allocated)")


@cuda
def test_the_default_device() -> None:
    assert run('(torch_set_device "cuda") (torch_zeros 2)').is_cuda
    assert run("(torch_tensor (floats 1 2))").is_cuda
    assert run("(torch_randn 2)").is_cuda
    run('(torch_set_device "cpu")')
    assert not run("(torch_zeros 2)").is_cuda
