"""The examples on language models, run on a tiny one: they verify themselves."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from lispe_py import LispE

tokenizers = pytest.importorskip("tokenizers")
pytest.importorskip("jinja2")

torch.set_num_threads(1)

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "lisp_examples"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A decoder of random weights, with a tokenizer of single bytes and a chat template."""
    folder = tmp_path_factory.mktemp("tiny")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=259, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )  # fmt: skip
    made.train_from_iterator([], trainer)
    made.save(str(folder / "tokenizer.json"))
    config = {"eos_token": "<|im_end|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    lisp = LispE()
    lisp.define("folder", str(folder))
    torch.manual_seed(4)
    lisp.eval("""
       (use 'lispe_torch)
       (torch_hf_save_model (torch_decoder (dictionary "vocab_size" 259 "hidden_size" 32
          "intermediate_size" 64 "num_hidden_layers" 2 "num_attention_heads" 4
          "num_key_value_heads" 2 "initializer_range" 0.2)) folder)""")
    return str(folder)


def run(name: str, *arguments: str, said: str = "") -> list[str]:
    out = io.StringIO()
    lisp = LispE(stdout=out, stderr=io.StringIO(), stdin=io.StringIO(said))
    lisp.execute(EXAMPLES / f"{name}.lisp", list(arguments))
    return out.getvalue().splitlines()


def verified(lines: list[str]) -> int:
    return sum(line.startswith("ok  ") for line in lines)


def test_chat(tiny: str) -> None:
    lines = run("chat", "What is the capital of France?", tiny)
    assert "> What is the capital of France?" in lines
    assert verified(lines) == 1 and "in a second" in lines[-1]


def test_fine_tuning(tiny: str, tmp_path: Path) -> None:
    lines = run("lora_finetuning", str(tmp_path), "200", tiny)
    assert lines[-1] == "all of it holds" and verified(lines) == 5
    assert sum(line.startswith("loss ") for line in lines) == 200
    assert (tmp_path / "islander" / "adapter_model.safetensors").is_file()


def test_preferences(tiny: str) -> None:
    lines = run("dpo", "6", tiny)
    assert lines[-1] == "all of it holds" and verified(lines) == 3


def test_quantised_models(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    lines = run("quantise_and_compare", tiny)
    assert lines[-1] == "all of it holds" and verified(lines) == 4


@pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="no groups of processes"
)
def test_two_processes_by_torchrun(tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    port = ["--master-port", "0", "--rdzv-endpoint", "localhost:0", "--rdzv-backend", "c10d"]
    done = subprocess.run(
        [*launch, *port, "-m", "lispe_py", str(EXAMPLES / "distributed.lisp"), "60", f"{tmp_path}/"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "processes: 2, rows of each: 64 pairs"
    assert "elements in each process: (609 609) of 1218" in lines
    assert lines[-1] == "all of it holds" and verified(lines) == 4
    # One process alone goes on from there.
    lines = run("distributed", "60", f"{tmp_path}/")
    assert any(line.startswith("epochs before: 60, loss: 0.05") for line in lines)
    assert lines[-1] == "all of it holds"
