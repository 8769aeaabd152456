"""Decoders against those of transformers: logits, generation, files both ways; a real model."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from smollm import ABSENT, model_file
from torch import Tensor

from lispe_py import LispE
from lispe_py.primitives.decoder import rope

transformers = pytest.importorskip("transformers")

torch.set_num_threads(1)

BASE = {
    "vocab_size": 50, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
    "rms_norm_eps": 1e-6, "initializer_range": 0.3, "bos_token_id": 1, "eos_token_id": 2,
    "pad_token_id": 0,
}  # fmt: skip

LINEAR = {"rope_type": "linear", "factor": 2.5, "rope_theta": 10000.0}
LLAMA3 = {
    "rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16, "rope_theta": 500.0,
}  # fmt: skip
YARN = {
    "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16,
    "rope_theta": 10000.0,
}  # fmt: skip

FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("Llama", {}),
    ("Llama", {"attention_bias": True, "mlp_bias": True}),
    ("Llama", {"head_dim": 16, "tie_word_embeddings": True}),
    ("Llama", {"num_key_value_heads": 1, "rope_parameters": LINEAR}),
    ("Llama", {"rope_parameters": LLAMA3}),
    ("Llama", {"rope_parameters": YARN}),
    ("Mistral", {"sliding_window": 5}),
    ("Mistral", {"sliding_window": None, "head_dim": 12}),
    ("Qwen2", {"tie_word_embeddings": True}),
    ("Qwen2", {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 2}),
    ("Qwen2", {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}),
    ("Qwen3", {"head_dim": 16, "attention_bias": True}),
    ("Qwen3", {"tie_word_embeddings": True, "rope_parameters": YARN}),
    ("SmolLM3", {"no_rope_layers": [1, 0, 1, 1]}),
    ("SmolLM3", {"no_rope_layer_interval": 2}),
]


@pytest.fixture
def lisp(tmp_path: Path) -> LispE:
    made = LispE(stderr=io.StringIO())
    made.eval("(use 'lispe_torch)")
    made.define("folder", f"{tmp_path}/")
    made.define("m", str(tmp_path / "m"))
    torch.manual_seed(11)
    return made


def made(family: str, changes: dict[str, Any], folder: Path) -> Any:
    """A model of transformers with random weights, norms and biases included, in a folder."""
    config = getattr(transformers, f"{family}Config")(**{**BASE, **changes})
    config._attn_implementation = "eager"
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight") or name.endswith(".bias"):
                parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(str(folder))
    return model


def logits(model: Any, ids: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = model(ids).logits
    return found


@pytest.mark.parametrize(("family", "changes"), FAMILIES)
def test_logits(lisp: LispE, tmp_path: Path, family: str, changes: dict[str, Any]) -> None:
    theirs = made(family, changes, tmp_path / "m")
    ids = torch.randint(3, 50, (2, 24))
    want = logits(theirs, ids)
    lisp.globals["ids"] = ids
    found = lisp.eval("(torch_hf_forward (torch_hf_load_model m) ids)")
    torch.testing.assert_close(found, want, atol=1e-4, rtol=0)
    # with a cache, a few ids at a time
    lisp.eval("(setq cache (torch_hf_enable_kv_cache m))")
    parts = []
    for part in ids.split([9, 1, 1, 6, 7], 1):
        lisp.globals["part"] = part
        parts.append(lisp.eval("(torch_hf_forward m part cache)"))
    torch.testing.assert_close(torch.cat(parts, 1), want, atol=1e-4, rtol=0)
    # what we write is what they read
    lisp.eval('(torch_hf_save_model m (+ folder "ours"))')
    again = transformers.AutoModelForCausalLM.from_pretrained(str(tmp_path / "ours"))
    assert type(again) is type(theirs)
    torch.testing.assert_close(logits(again.float(), ids), want, atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", ["Llama", "Mistral", "Qwen2", "Qwen3"])
def test_generation(lisp: LispE, tmp_path: Path, family: str) -> None:
    changes = {"sliding_window": 6} if family == "Mistral" else {}
    theirs = made(family, changes, tmp_path / "m")
    prompt = torch.randint(3, 50, (1, 5))
    lisp.globals["ids"] = prompt

    def want(**how: Any) -> list[int]:
        config = transformers.GenerationConfig(
            max_new_tokens=20, eos_token_id=-1, pad_token_id=0, **how
        )
        found: list[int] = theirs.generate(prompt, generation_config=config)[0, 5:].tolist()
        return found

    lisp.eval("(torch_hf_load_model m)")
    greedy = lisp.eval('(torch_hf_generate m ids nil 20 (dictionary "greedy" true))')
    assert list(greedy) == want(do_sample=False)
    penalty = '(dictionary "greedy" true "repetition_penalty" 1.4 "no_repeat_ngram_size" 2)'
    assert list(lisp.eval(f"(torch_hf_generate m ids nil 20 {penalty})")) == want(
        do_sample=False, repetition_penalty=1.4, no_repeat_ngram_size=2
    )
    lisp.eval("(setq g (torch_generator_create m))")
    lisp.eval('(torch_generator_config g (dictionary "max_length" 20 "eos_token_id" -1))')
    beams = lisp.eval("(torch_generator_beam_search g ids 20 3)")[0, 5:].tolist()
    assert beams == want(do_sample=False, num_beams=3)


def test_tables_of_yarn() -> None:
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    for extra in ({}, {"beta_fast": 16, "beta_slow": 2}, {"mscale": 1.0, "mscale_all_dim": 0.5},
                  {"truncate": False}):  # fmt: skip
        scaling = {**YARN, **extra}
        config = LlamaConfig(**{**BASE, "rope_parameters": scaling})
        want, factor = ROPE_INIT_FUNCTIONS["yarn"](config, "cpu")
        found, ours = rope.frequencies(8, 10000.0, rope.check_scaling(scaling, 64))
        torch.testing.assert_close(found.float(), want)
        assert ours == pytest.approx(factor)


def test_scaling_that_is_asked_for_when_loading(lisp: LispE, tmp_path: Path) -> None:
    made("Llama", {}, tmp_path / "m")
    stretched = transformers.AutoModelForCausalLM.from_pretrained(
        str(tmp_path / "m"), rope_parameters=LINEAR
    ).eval()
    lisp.globals["ids"] = torch.randint(3, 50, (1, 20))
    found = lisp.eval(
        '(torch_hf_forward (torch_hf_load_model m (dictionary "rope_scaling"'
        ' (dictionary "type" "linear" "factor" 2.5))) ids)'
    )
    want = logits(stretched, lisp.globals["ids"])
    torch.testing.assert_close(found, want, atol=1e-4, rtol=0)


# ------------------------------------------------------------------ a real model

#: Beginnings of five ids each, so that they make one batch.
PROMPTS = [
    "The capital of France is", "Once upon a time there", "In the beginning of the",
    "The quick brown fox jumps", "My favourite thing about the", "To make a cup of",
    "The history of the Roman", "Water is made up of", "The first man on the",
    "How to learn to play", "A good teacher is someone", "The largest planet in our",
    "Photosynthesis is the process", "If you want to be", "The children went to the",
    "A computer program is a", "The opposite of hot is", "She opened the door and",
    "The best way to cook", "Music has the power to",
]  # fmt: skip


@pytest.fixture(scope="module")
def smol() -> tuple[LispE, Any]:
    """SmolLM2 as we load it, and the same file as transformers loads it."""
    path = model_file()
    if path is None:
        pytest.skip(ABSENT)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=torch.float32
    ).eval()
    lisp = LispE(stderr=io.StringIO())
    lisp.define("path", str(path))
    lisp.eval("(use 'lispe_torch) (torch_hf_load_model path)")
    lisp.eval("(setq words (torch_hf_tokenizer path))")
    return lisp, theirs


def test_logits_of_smollm2(smol: tuple[LispE, Any]) -> None:
    lisp, theirs = smol
    lisp.eval('(setq ids (torch_encode words "Paris is the capital of France. 12 + 30 = 42"))')
    ids = lisp.globals["ids"].unsqueeze(0)
    found = lisp.eval("(torch_hf_forward path ids)")
    torch.testing.assert_close(found, logits(theirs, ids), atol=1e-4, rtol=1e-5)


def test_greedy_text_of_smollm2(smol: tuple[LispE, Any]) -> None:
    """Twenty texts of 64 ids.

    Each id of ours is the one that transformers finds likeliest after those before it: by
    induction the text is that of its own greedy generation, which would take minutes.
    The first words of one text are generated by it all the same.
    """
    lisp, theirs = smol
    lisp.globals["prompts"] = [lisp.call("torch_encode", lisp.globals["words"], p) for p in PROMPTS]
    lisp.eval("(setq g (torch_generator_create path))")
    lisp.eval('(torch_generator_config g (dictionary "max_length" 64 "eos_token_id" -1))')
    lisp.eval("(setq ids (torch_stack prompts))")
    found = lisp.eval("(torch_generate g ids)")
    start = found.shape[1] - 64
    assert found.shape[0] == 20
    for rows in found.split(5):
        likeliest = logits(theirs, rows)[:, start - 1 : -1].argmax(-1)
        assert torch.equal(likeliest, rows[:, start:])
    prompt = found[:1, :start]
    one = theirs.generate(prompt, max_new_tokens=12, do_sample=False, eos_token_id=None)
    assert one[0].tolist() == found[0, : start + 12].tolist()


def test_the_tokenizer_of_smollm2(smol: tuple[LispE, Any]) -> None:
    lisp, _ = smol
    path = model_file()
    assert path is not None
    theirs = transformers.AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    words = lisp.globals["words"]
    texts = ["It's naïve:\n\n  cafés, 日本 and 90s", "<|im_start|>user\nHi<|im_end|>\n", *PROMPTS]
    for text in texts:
        ids = lisp.call("torch_encode", words, text).tolist()
        assert ids == theirs(text).input_ids
        decoded = lisp.call("torch_decode", words, ids)
        assert decoded == theirs.decode(ids, skip_special_tokens=True)
    messages = [{"role": "user", "content": "What is 2 + 2?"}]
    prompt = theirs.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert lisp.call("torch_chat_prompt", words, messages) == prompt
