"""What a loader does with a file that it should not trust: an error, and nothing is executed.

Models and checkpoints are in ``test_torch_persistence.py``.
"""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
from pathlib import Path

import hostile_files
import pytest

from lispe_py import LispE, LispError

#: Loaders of one file, by the name that stands in for its path.
FILES = {
    "adapters": "(torch_lora_load_adapters lora path)",
    "adapters of a decoder": "(torch_hf_lora_load hf path)",
    "a training": """(torch_train lin (torch_optimizer lin 0.1) (list x x) "mse"
       (dictionary "resume" path))""",
    "a tokenizer": "(torch_tokenizer_load path)",
    "a SentencePiece model": "(torch_sentencepiece_tokenizer path)",
    "a Hugging Face tokenizer": "(torch_hf_tokenizer path)",
    "a tiktoken vocabulary": "(tiktoken_load path)",
    "TorchScript": "(torch_jit_load path)",
    "a decoder": "(torch_hf_load_model path)",
    "a decoder with adapters": '(torch_hf_load_model_lora "name" path (dictionary))',
    "ONNX": "(torch_onnx_info path)",
    "ONNX, run": "(torch_onnx_run path x)",
}
NEEDS = {"a Hugging Face tokenizer": "tokenizers", "ONNX": "onnx", "ONNX, run": "onnxruntime"}

#: Files that are what a loader wants, whatever else they are called here.
FITTING = {("a tiktoken vocabulary", "empty.pt")}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    hostile_files.make(folder)
    return folder


@pytest.fixture
def lisp(tiny_models: dict[str, str]) -> LispE:
    made = LispE(stdout=io.StringIO(), stderr=io.StringIO())
    made.define("tiny", tiny_models["tinyhf"])
    made.eval("""
    (use 'lispe_torch)
    (setq lin (torch_linear 4 4)) (setq lora (torch_lora_linear 4 4 2 4.0))
    (setq x (tensor_ones '(2 4)))
    (setq hf (torch_hf_load_model_lora "policy" tiny (dictionary))) (torch_hf_lora_init hf 2 4 (strings "q_proj") "float32")
    """)
    return made


@pytest.mark.parametrize("loader", FILES)
def test_files(loader: str, lisp: LispE, files: Path) -> None:
    needed = NEEDS.get(loader)
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"needs {needed}")
    accepted = []
    for path in sorted(files.iterdir()):
        lisp.define("path", str(path))
        try:
            lisp.eval(FILES[loader])
        except LispError as error:
            assert error.message.strip(), path.name
            assert "Traceback" not in error.message
        else:
            accepted.append((loader, path.name))
    assert set(accepted) <= FITTING
    assert not (files / "executed").exists()


def test_a_map_of_values_takes_any_bytes_for_what_they_are(lisp: LispE, files: Path) -> None:
    whole = 0
    for path in sorted(files.iterdir()):
        lisp.define("path", str(path))
        stored = path.read_bytes()
        if len(stored) % 4:
            with pytest.raises(LispError, match="bytes"):
                lisp.eval("(torch_memory_map path)")
        else:
            assert lisp.eval("(torch_memory_map path)").numpy().tobytes() == stored
            whole += 1
        with pytest.raises(LispError, match="bytes|do not fill"):
            lisp.eval("(torch_memory_map path nil '(1000000000 1000000000))")
    assert whole > 3
    for wrong in (str(files), str(files / "absent.bin")):
        lisp.define("path", wrong)
        with pytest.raises(LispError):
            lisp.eval("(torch_memory_map path)")
    assert not (files / "executed").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "config.json"])
def test_folders_of_a_decoder(
    name: str, lisp: LispE, files: Path, tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    for path in sorted(files.iterdir()):
        folder = tmp_path / path.stem
        folder.mkdir()
        config = Path(tiny_models["tinyhf"]) / "config.json"
        shutil.copy(config, folder / "config.json")
        shutil.copy(path, folder / name)
        lisp.define("path", str(folder))
        with pytest.raises(LispError):
            lisp.eval("(torch_hf_load_model path)")
    assert not (files / "executed").exists()


@pytest.mark.parametrize(
    "name", ["adapter_model.safetensors", "adapter_model.bin", "adapter_config.json"]
)
def test_folders_of_adapters(name: str, lisp: LispE, files: Path, tmp_path: Path) -> None:
    for path in sorted(files.iterdir()):
        folder = tmp_path / path.stem
        folder.mkdir()
        config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["fc1"]}
        (folder / "adapter_config.json").write_text(json.dumps(config))
        shutil.copy(path, folder / name)
        lisp.define("path", str(folder))
        with pytest.raises(LispError):
            lisp.eval("(torch_lora_load_peft (torch_model 4 4 4) path)")
    assert not (files / "executed").exists()
