"""Decoders, against the plain forward pass beside the conformance corpus."""

from __future__ import annotations

import importlib.util
import io
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from lispe_py import LispE, LispError
from lispe_py.primitives.decoder import rope
from lispe_py.primitives.decoder.weights import load_folder

torch.set_num_threads(1)

IDS = [3, 14, 15, 9, 26, 5]


def _tiny() -> ModuleType:
    path = Path(__file__).parent / "conformance" / "make_tiny_hf.py"
    spec = importlib.util.spec_from_file_location("make_tiny_hf", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tiny = _tiny()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hf")
    tiny.main(str(folder))
    return folder


@pytest.fixture
def lisp(folders: Path, tmp_path: Path) -> LispE:
    made = LispE(stderr=io.StringIO())
    made.eval("(use 'lispe_torch)")
    made.define("tinyhf", str(folders / "tiny_llama"))
    made.define("tinyqwen", str(folders / "tiny_qwen3"))
    made.define("folder", f"{tmp_path}/")
    made.globals["ids"] = torch.tensor([IDS])
    torch.manual_seed(11)
    return made


def show(lisp: LispE, text: str) -> str:
    return lisp.show(lisp.eval(text))


def reference(folder: Path, ids: list[int], **more: Any) -> Tensor:
    config, weights = tiny.load_folder(str(folder))
    found: Tensor = tiny.reference_forward(weights, config, ids, **more)
    return found


VARIANTS = ["tiny_llama", "tiny_llama_sharded", "tiny_llama_tied", "tiny_llama_rope",
            "tiny_llama_linrope", "tiny_llama_qwen2", "tiny_qwen3"]  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_logits_are_those_of_the_plain_pass(lisp: LispE, folders: Path, name: str) -> None:
    lisp.globals["path"] = str(folders / name)
    found = lisp.eval("(torch_hf_forward (torch_hf_load_model path) ids)")
    torch.testing.assert_close(found[0], reference(folders / name, IDS), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(("name", "near"), [("tiny_llama_bf16", 0.15), ("tiny_llama_f16", 0.02)])
def test_short_floats_stay_short(lisp: LispE, folders: Path, name: str, near: float) -> None:
    lisp.globals["path"] = str(folders / name)
    lisp.eval("(setq h (torch_hf_load_model path))")
    found = lisp.eval("(torch_hf_forward h ids)")
    assert found.dtype in (torch.bfloat16, torch.float16)
    assert float((found[0].float() - reference(folders / name, IDS)).abs().max()) < near
    assert lisp.eval("(torch_hf_memory_usage h)") == 39232
    wide = '(torch_hf_forward (torch_hf_load_model_lora "w" path (dictionary "dtype" "float32")) ids)'
    torch.testing.assert_close(
        lisp.eval(wide)[0], reference(folders / name, IDS), atol=2e-5, rtol=1e-4
    )


# ------------------------------------------------------------------ caches


@pytest.mark.parametrize("handle", ["tinyhf", "tinyqwen"])
@pytest.mark.parametrize("parts", [[6], [1] * 6, [3, 3], [2, 1, 3], [1, 5]])
def test_cached_passes_equal_the_whole_one(lisp: LispE, handle: str, parts: list[int]) -> None:
    lisp.eval(f"(setq h (torch_hf_load_model {handle})) (setq c (torch_hf_enable_kv_cache h true))")
    whole = lisp.eval("(torch_hf_forward h ids)")
    found = []
    for part in lisp.globals["ids"].split(parts, 1):
        lisp.globals["part"] = part
        found.append(lisp.eval("(torch_hf_forward h part c)"))
    torch.testing.assert_close(torch.cat(found, 1), whole, atol=2e-5, rtol=1e-4)
    assert lisp.show(lisp.globals["c"]) == "KV Cache (layers=2, length=6)"


@pytest.mark.parametrize("window", [1, 2, 3, 4])
@pytest.mark.parametrize("parts", [[9], [1] * 9, [4, 1, 4], [2, 7]])
def test_a_window_of_keys(lisp: LispE, folders: Path, window: int, parts: list[int]) -> None:
    ids = [*IDS, 40, 41, 2]
    lisp.eval(f'(setq h (torch_hf_load_model tinyhf (dictionary "max_cache_len" {window})))')
    lisp.eval("(setq c (torch_hf_enable_kv_cache h true))")
    found = []
    for part in torch.tensor([ids]).split(parts, 1):
        lisp.globals["part"] = part
        found.append(lisp.eval("(torch_hf_forward h part c)"))
    want = reference(folders / "tiny_llama", ids, window=window)
    torch.testing.assert_close(torch.cat(found, 1)[0], want, atol=2e-5, rtol=1e-4)


def test_a_long_text_outgrows_the_first_buffer(lisp: LispE) -> None:
    lisp.globals["long"] = torch.randint(0, 64, (1, 100))
    lisp.eval("(setq h (torch_hf_load_model tinyhf)) (setq c (torch_hf_enable_kv_cache h true))")
    whole = lisp.eval("(torch_hf_forward h long)")
    for part, want in zip(lisp.globals["long"].split(7, 1), whole.split(7, 1), strict=True):
        lisp.globals["part"] = part
        found = lisp.eval("(torch_hf_forward h part c)")
        torch.testing.assert_close(found, want, atol=2e-5, rtol=1e-4)


def test_a_cache_that_keeps_nothing(lisp: LispE) -> None:
    lisp.eval("(setq h (torch_hf_load_model tinyhf)) (setq c (torch_hf_enable_kv_cache h nil))")
    for _ in range(2):
        assert torch.equal(lisp.eval("(torch_hf_forward h ids c)"), lisp.eval("(torch_hf_forward h ids)"))
    assert lisp.show(lisp.globals["c"]) == "KV Cache (disabled)"


# ------------------------------------------------------------------ attention weights


def test_attention_weights_are_kept(lisp: LispE, folders: Path) -> None:
    lisp.eval('(setq h (torch_hf_load_model tinyhf (dictionary "manual_attention" true)))')
    assert lisp.eval("(torch_hf_forward_attention_scores h 0)") is None
    found = lisp.eval("(torch_hf_forward_manual h ids)")
    scores: list[Tensor] = []
    want = reference(folders / "tiny_llama", IDS, scores=scores)
    torch.testing.assert_close(found[0], want, atol=2e-5, rtol=1e-4)
    assert lisp.eval("(torch_hf_forward_attention_size h)") == 2
    for layer in (0, 1):
        kept = lisp.eval(f"(torch_hf_forward_attention_scores h {layer})")
        torch.testing.assert_close(kept[0], scores[layer], atol=1e-5, rtol=1e-4)
    # with a cache they are the cache's
    lisp.eval("(setq c (torch_hf_enable_kv_cache h true))")
    lisp.eval("(torch_hf_forward h (tensor_slice ids 1 0 4) c)")
    tail = lisp.eval("(torch_hf_forward_manual h (tensor_slice ids 1 4 6) c)")
    torch.testing.assert_close(tail[0], want[4:], atol=2e-5, rtol=1e-4)
    kept = lisp.eval("(torch_hf_forward_attention_scores h 1 c)")
    torch.testing.assert_close(kept[0], scores[1][:, 4:], atol=1e-5, rtol=1e-4)
    lisp.eval("(torch_hf_clear_attention_scores h)")
    assert lisp.eval("(torch_hf_forward_attention_size h)") == 0
    assert lisp.eval("(torch_hf_forward_attention_size h c)") == 2


# ------------------------------------------------------------------ generation


def test_greedy_generation_is_that_of_the_plain_pass(lisp: LispE, folders: Path) -> None:
    for name in ("tiny_llama", "tiny_qwen3"):
        config, weights = tiny.load_folder(str(folders / name))
        want = tiny.greedy(weights, config, IDS, 8)
        lisp.globals["path"] = str(folders / name)
        generate = '(torch_hf_generate (torch_hf_load_model path) ids 99 8 (dictionary "greedy" true))'
        assert list(lisp.eval(generate)) == want
        stop = f"(list 99 {want[4]})"
        stopped = f'(torch_hf_generate path ids {stop} 8 (dictionary "greedy" true))'
        assert list(lisp.eval(stopped)) == want[: want.index(want[4]) + 1]
        lisp.eval("(setq g (torch_generator_create path)) (torch_generator_config g (list (list \"max_length\" 8)))")
        for cached in ("true", "nil"):
            lisp.eval(f'(torch_generator_config g (dictionary "use_cache" {cached}))')
            assert lisp.eval("(torch_generate g ids)").tolist() == [[*IDS, *want]]


def test_beams_with_a_cache_are_those_without(lisp: LispE) -> None:
    lisp.eval("(setq g (torch_generator_create (torch_hf_load_model tinyhf)))")
    found = []
    for cached in ("true", "nil"):
        lisp.eval(f'(torch_generator_config g (dictionary "use_cache" {cached}))')
        found.append(lisp.eval("(torch_generator_beam_search g ids 6 3)").tolist())
    assert found[0] == found[1]


def test_draws_and_callbacks(lisp: LispE) -> None:
    load = '(setq h (torch_hf_load_model tinyhf (dictionary "temperature" 0.5 "top_k" 1)))'
    lisp.eval(load)
    greedy = lisp.eval('(torch_hf_generate h ids nil 5 (dictionary "greedy" true))')
    assert list(lisp.eval("(torch_hf_generate h ids nil 5)")) == list(greedy)
    seeded = '(torch_hf_generate h ids nil 20 (dictionary "topk" 30 "temperature" 3 "seed" 4))'
    first = list(lisp.eval(seeded))
    assert list(lisp.eval(seeded)) == first and first[:5] != list(greedy)
    lisp.eval("(setq seen (list)) (defun see (id data) (push seen id) (if (= (size seen) 3) 'stop))")
    options = '(dictionary "greedy" true "callback" see "data" "x")'
    assert list(lisp.eval(f"(torch_hf_generate h ids nil 9 {options})")) == list(greedy)[:3]
    assert list(lisp.eval("seen")) == list(greedy)[:3]


# ------------------------------------------------------------------ adapters


def test_adapters_of_all_layers(lisp: LispE, folders: Path) -> None:
    lisp.eval('(setq h (torch_hf_load_model_lora "mine" tinyhf))')
    base = lisp.eval("(torch_hf_forward h ids)")
    targets = ["q_proj", "v_proj", "o_proj", "down_proj"]
    lisp.globals["targets"] = targets
    assert lisp.eval("(torch_hf_lora_init h 4 8 targets)") is True
    assert torch.equal(lisp.eval("(torch_hf_forward h ids)"), base)
    parameters = list(lisp.eval("(torch_hf_lora_get_parameters h)"))
    assert len(parameters) == 16
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(torch.randn_like(parameter) * 0.2)
    pairs = iter(parameters)
    adapters = {
        (layer, name): (next(pairs).detach(), next(pairs).detach(), 2.0)
        for layer in (0, 1)
        for name in targets
    }
    want = reference(folders / "tiny_llama", IDS, lora=adapters)
    tuned = lisp.eval("(torch_hf_forward h ids)")
    torch.testing.assert_close(tuned[0], want, atol=5e-5, rtol=1e-4)
    tuned.sum().backward()
    assert all(parameter.grad is not None for parameter in parameters)
    # merged, unmerged, ignored
    lisp.eval("(torch_hf_lora_merge h) (torch_hf_lora_merge h)")
    torch.testing.assert_close(lisp.eval("(torch_hf_forward h ids)"), tuned, atol=5e-5, rtol=1e-4)
    lisp.eval("(torch_hf_lora_enable h nil)")
    assert torch.equal(lisp.eval("(torch_hf_forward h ids)"), base)
    lisp.eval("(torch_hf_lora_enable h true)")
    assert torch.equal(lisp.eval("(torch_hf_forward h ids)"), tuned)
    # to a file and into another model
    for name in ("a.pt", "a.safetensors"):
        lisp.eval(f'(torch_hf_lora_save h (+ folder "{name}"))')
        lisp.eval('(torch_hf_load_model_lora tinyhf (dictionary) "other")')
        lisp.eval('(torch_hf_lora_init "other" (dictionary "rank" 4 "alpha" 8 "target_modules" targets))')
        lisp.eval(f'(torch_hf_lora_load "other" (+ folder "{name}"))')
        assert torch.equal(lisp.eval('(torch_hf_forward "other" ids)'), tuned)
    # cached generation goes through the adapters
    greedy = '(torch_hf_generate "other" ids nil 3 (dictionary "greedy" true))'
    assert lisp.eval(greedy)[0] == int(want[-1].argmax())


def test_adapter_files_with_names_beside(lisp: LispE, tmp_path: Path) -> None:
    lisp.eval('(torch_hf_load_model_lora "m" tinyhf) (torch_hf_lora_init "m" 2 2 (list "k_proj"))')
    lisp.eval('(torch_hf_lora_save "m" (+ folder "a.pt"))')
    named = torch.load(tmp_path / "a.pt", weights_only=True)
    torch.save(list(named.values()), tmp_path / "b.pt")
    (tmp_path / "b.pt.keys").write_text("\n".join(named))
    assert lisp.eval('(torch_hf_lora_load "m" (+ folder "b.pt"))') is True


# ------------------------------------------------------------------ files


def test_a_decoder_from_scratch_learns_and_is_saved(lisp: LispE, tmp_path: Path) -> None:
    program = """
    (setq m (torch_decoder (dictionary "vocab_size" 12 "hidden_size" 16 "intermediate_size" 24
       "num_hidden_layers" 2 "num_attention_heads" 2 "num_key_value_heads" 1
       "tie_word_embeddings" true "eos_token_id" 2)))
    (setq o (torch_optimizer m 0.02 "adamw"))
    (setq x (torch_tensor '((3 4 5 6 7 8 9)))) (setq y (torch_tensor (integers 4 5 6 7 8 9 10)))
    (loopcount 60
       (setq loss (torch_crossentropy_loss (tensor_reshape (torch_forward m x) '(7 12)) y))
       (torch_optimizer_zero_grad o) (torch_backward loss) (torch_optimizer_step o))
    (torch_model_eval m)
    (torch_hf_save_model m (+ folder "m") 2000)
    (torch_hf_generate (torch_hf_load_model (+ folder "m")) (integers 3 4) nil 5 (dictionary "greedy" true))
    """
    assert list(lisp.eval(program)) == [5, 6, 7, 8, 9]
    assert (tmp_path / "m" / "model.safetensors.index.json").is_file()
    assert len(list((tmp_path / "m").glob("*.safetensors"))) > 1
    model = lisp.globals["m"]
    lisp.eval('(torch_save_model m (+ folder "m.pt"))')
    again = lisp.eval('(torch_load_model (+ folder "m.pt"))')
    ids = torch.tensor([[3, 4, 5]])
    assert torch.equal(again(ids), model(ids))
    assert again.lm_head.weight is again.model.embed_tokens.weight
    # fewer parts than before: the old ones do not count any more
    lisp.eval('(torch_hf_save_model m (+ folder "m"))')
    found = load_folder(str(tmp_path / "m"), None)
    assert torch.equal(found(ids), model(ids))


def test_a_decoder_from_scratch_has_no_sizes_of_its_own(lisp: LispE) -> None:
    lacking = "lacks vocab_size, intermediate_size, num_attention_heads$"
    with pytest.raises(LispError, match=lacking):
        lisp.eval('(torch_decoder (dictionary "hidden_size" 16 "num_hidden_layers" 2))')


def test_weights_and_information(lisp: LispE, folders: Path) -> None:
    _, weights = tiny.load_folder(str(folders / "tiny_qwen3"))
    lisp.eval("(setq h (torch_hf_load_model tinyqwen))")
    assert sorted(lisp.eval("(torch_hf_list_weights h)")) == sorted(weights)
    for name, value in weights.items():
        lisp.globals["name"] = name
        assert torch.equal(lisp.eval("(torch_hf_get_weight h name)"), value)
    tied = lisp.eval('(torch_hf_get_weight h "lm_head.weight")')
    assert torch.equal(tied, weights["model.embed_tokens.weight"])
    first = "model.layers.1.self_attn."
    fused = torch.cat([weights[f"{first}{n}_proj.weight"] for n in "qkv"])
    assert torch.equal(lisp.eval("(torch_hf_get_qkv_fused_weight h 1)"), fused)
    mlp = "model.layers.1.mlp."
    fused = torch.cat([weights[f"{mlp}{n}_proj.weight"] for n in ("gate", "up")])
    assert torch.equal(lisp.eval("(torch_hf_get_gate_up_fused_weight h 1)"), fused)
    for short, name in (
        *((n, f"{first}{n}_proj") for n in ("q", "k", "v", "o")),
        *((n, f"{mlp}{n}_proj") for n in ("gate", "up", "down")),
    ):
        assert torch.equal(lisp.eval(f"(torch_hf_get_{short}_weight h 1)"), weights[f"{name}.weight"])
    info = lisp.eval("(torch_hf_model_info h)")
    assert info["head_dim"] == 16 and info["tie_word_embeddings"] is True
    assert info["parameters"] == sum(v.numel() for v in weights.values())
    assert "Qwen3ForCausalLM: 2 layers" in lisp.eval("(torch_hf_model_summary h)")


def test_handles_belong_to_their_interpreter(lisp: LispE) -> None:
    lisp.eval('(setq h (torch_hf_load_model tinyhf (dictionary "max_seq_len" 4)))')
    # a path that is loaded keeps its model and its settings
    lisp.eval("(torch_hf_load_model tinyhf)")
    with pytest.raises(LispError, match=r"6 ids are more than max_seq_len \(4\)"):
        lisp.eval("(torch_hf_forward h ids)")
    other = LispE()
    other.define("h", lisp.globals["h"])
    with pytest.raises(LispError, match="Model not loaded"):
        other.eval("(torch_hf_model_info h)")
    assert lisp.eval("(torch_hf_unload h)") is True
    with pytest.raises(LispError, match="Model not loaded"):
        lisp.eval("(torch_hf_forward h ids)")


@pytest.mark.parametrize(
    ("scaling", "folder"),
    [
        ('(dictionary "rope_type" "linear" "factor" 2.0)', "tiny_llama_linrope"),
        ("2.0", "tiny_llama_linrope"),
        ("1.0", "tiny_llama"),
    ],
)
def test_stretched_positions_from_the_loading(
    lisp: LispE, folders: Path, scaling: str, folder: str
) -> None:
    load = f'(torch_hf_load_model tinyhf (dictionary "rope_scaling" {scaling}))'
    want = reference(folders / folder, IDS)
    found = lisp.eval(f"(torch_hf_forward {load} ids)")[0]
    torch.testing.assert_close(found, want, atol=2e-5, rtol=1e-4)


def test_settings_that_are_always_so_are_accepted(lisp: LispE) -> None:
    lisp.eval("""(torch_hf_load_model tinyhf (dictionary "device" "cpu" "dtype" "float16"
       "low_memory" true "trust_remote_code" true "use_flash_attention" true))""")
    assert lisp.eval('(torch_hf_get_weight tinyhf "model.norm.weight")').dtype == torch.float16
    for wrong in ("true", "0.5", '"linear"'):
        with pytest.raises(LispError, match="rope_scaling"):
            lisp.eval(f'(torch_hf_load_model_lora "x" tinyhf (dictionary "rope_scaling" {wrong}))')
    with pytest.raises(LispError, match="'low_memry'"):
        lisp.eval('(torch_hf_load_model_lora "x" tinyhf (dictionary "low_memry" true))')


# ------------------------------------------------------------------ GGUF


def interleaved(value: Tensor, heads: int) -> Tensor:
    """Rows of queries and keys in the order of llama.cpp."""
    half = value.shape[0] // heads // 2
    return value.reshape(heads, 2, half, *value.shape[1:]).transpose(1, 2).reshape(value.shape)


def write_gguf(path: Path, config: dict[str, Any], weights: dict[str, Tensor], kind: str) -> None:
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(str(path), kind)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_context_length(config["max_position_embeddings"])
    if "head_dim" in config:
        writer.add_key_length(config["head_dim"])
    scaling = config.get("rope_scaling")
    if scaling:
        plain, _ = rope.frequencies(8, 10000.0, None)
        stretched, _ = rope.frequencies(8, 10000.0, rope.check_scaling(scaling, 128))
        writer.add_tensor("rope_freqs.weight", (plain / stretched).float().numpy())
    names = {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    }  # fmt: skip
    parts = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
        "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    for name, value in weights.items():
        stem, _, last = name.rpartition(".")
        if stem in names:
            writer.add_tensor(f"{names[stem]}.{last}", value.numpy())
            continue
        _, _, index, part = stem.split(".", 3)
        if kind == "llama" and part in ("self_attn.q_proj", "self_attn.k_proj"):
            which = "num_attention_heads" if part.endswith("q_proj") else "num_key_value_heads"
            value = interleaved(value, config[which]).contiguous()
        writer.add_tensor(f"blk.{index}.{parts[part]}.{last}", value.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("tiny_llama", "llama"), ("tiny_llama_rope", "llama"), ("tiny_llama_tied", "llama"),
     ("tiny_llama_qwen2", "qwen2"), ("tiny_qwen3", "qwen3")],
)  # fmt: skip
def test_gguf_files(lisp: LispE, folders: Path, tmp_path: Path, name: str, kind: str) -> None:
    config, weights = tiny.load_folder(str(folders / name))
    write_gguf(tmp_path / "m.gguf", config, weights, kind)
    found = lisp.eval('(torch_hf_forward (torch_hf_load_model (+ folder "m.gguf")) ids)')
    torch.testing.assert_close(found[0], reference(folders / name, IDS), atol=5e-5, rtol=1e-4)
    # a GGUF file written back as a folder
    lisp.eval('(torch_hf_save_model (+ folder "m.gguf") (+ folder "back"))')
    again = lisp.eval('(torch_hf_forward (torch_hf_load_model (+ folder "back")) ids)')
    assert torch.equal(again, found)


def test_a_quantised_gguf_file(lisp: LispE, folders: Path, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    config, weights = tiny.load_folder(str(folders / "tiny_llama"))
    write_gguf(tmp_path / "plain.gguf", config, weights, "llama")
    reader = gguf.GGUFReader(str(tmp_path / "plain.gguf"))
    writer = gguf.GGUFWriter(str(tmp_path / "q.gguf"), "llama")
    for key in ("block_count", "embedding_length", "feed_forward_length", "context_length"):
        writer.add_uint32(f"llama.{key}", reader.get_field(f"llama.{key}").contents())
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    for tensor in reader.tensors:
        data = tensor.data
        if data.ndim == 2 and data.shape[1] % 32 == 0:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor.name, gguf.quantize(data, kind), raw_dtype=kind)
        else:
            writer.add_tensor(tensor.name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = lisp.eval('(torch_hf_forward (torch_hf_load_model (+ folder "q.gguf")) ids)')
    want = reference(folders / "tiny_llama", IDS)
    assert 1e-4 < float((found[0] - want).abs().max()) < 0.3


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tiny_llama_truncated", "damaged"),
        ("tiny_llama_badheader", "damaged"),
        ("tiny_llama_missing", "'model.layers.1.mlp.up_proj.weight' is missing"),
        ("tiny_llama_badshape", r"k_proj.weight' has the shape \(16 31\), not \(16 32\)"),
        ("tiny_llama_badarch", "unsupported architecture: T5"),
        ("tiny_llama_noconfig", "file not found"),
        ("tiny_llama_noweights", "there are no weights"),
        ("nowhere", "there is no folder"),
    ],
)
def test_folders_that_cannot_be_loaded(
    lisp: LispE, folders: Path, name: str, message: str
) -> None:
    lisp.globals["path"] = str(folders / name)
    with pytest.raises(LispError, match=message):
        lisp.eval("(torch_hf_load_model path)")
    with pytest.raises(LispError, match="Model not loaded"):
        lisp.eval("(torch_hf_memory_usage path)")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rope_scaling": {"rope_type": "longrope", "factor": 2.0}}, "unsupported rope_scaling"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 2.0}}, "needs 'low_freq_factor'"),
        ({"hidden_act": "gelu"}, "unsupported activation"),
        ({"num_key_value_heads": 3}, "do not divide"),
        ({"hidden_size": "wide"}, "hidden_size must be an integer"),
        ({"num_hidden_layers": 3}, "is missing"),
        ({"num_hidden_layers": 1}, "has no place"),
        ({"attention_bias": True}, "is missing"),
    ],
)
def test_configurations_that_do_not_fit(
    lisp: LispE, folders: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    (tmp_path / "m").mkdir()
    source = folders / "tiny_llama"
    config = json.loads((source / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_text(json.dumps({**config, **change}))
    data = (source / "model.safetensors").read_bytes()
    (tmp_path / "m" / "model.safetensors").write_bytes(data)
    with pytest.raises(LispError, match=message):
        lisp.eval('(torch_hf_load_model (+ folder "m"))')


def test_an_index_must_stay_in_its_folder(lisp: LispE, folders: Path, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    config = (folders / "tiny_llama" / "config.json").read_text()
    (tmp_path / "m" / "config.json").write_text(config)
    index = {"weight_map": {"lm_head.weight": "../x.safetensors"}}
    (tmp_path / "m" / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(LispError, match="outside its folder"):
        lisp.eval('(torch_hf_load_model (+ folder "m"))')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(torch_hf_forward h 5)", "must be a tensor of ids"),
        ("(torch_hf_forward h (torch_tensor '((1 64))))", "id 64 is outside the vocabulary of 64"),
        ("(torch_hf_forward h (torch_tensor '((1 -1))))", "id -1 is outside"),
        ("(torch_hf_forward h (floats 1 2))", "must be a tensor of ids"),
        ("(torch_hf_forward h ids 5)", "kvcache must be a cache"),
        ("(torch_hf_forward h ids q)", "belongs to another model"),
        ("(torch_hf_forward_manual h ids)", "not loaded for explicit attention"),
        ("(torch_hf_get_q_weight h 2)", "index out of bounds"),
        ("(torch_hf_get_q_weight h -1)", "must not be negative"),
        ('(torch_hf_get_weight h "x")', "no weight 'x'"),
        ("(torch_hf_reset_kv_cache h)", "kvcache must be a cache"),
        ("(torch_hf_generate h (integers) 9 3)", "the prompt is empty"),
        ("(torch_hf_generate h (torch_tensor '((1 2) (3 4))) 9 3)", "was given several"),
        ("(torch_hf_generate h '((1 2) (3)) 9 3)", "was given several"),
        ('(torch_hf_generate h ids 9 3 (dictionary "topq" 3))', "unknown option 'topq'"),
        ('(torch_hf_load_model tinyhf2 (dictionary "devise" "cpu"))', "unknown option 'devise'"),
        ('(torch_hf_load_model tinyhf2 (dictionary "device" "warp"))', "unknown device"),
        ('(torch_hf_lora_init h 2 2 (list "q_proj"))', "not loaded for adapters"),
        ('(torch_hf_lora_init l 2 2 (list "x_proj"))', "unknown target module: 'x_proj'"),
        ('(torch_hf_lora_init l 0 2 (list "q_proj"))', "rank must be a positive integer"),
        ("(torch_hf_lora_merge l)", "has no adapters yet"),
        ('(torch_hf_lora_load l "none.pt")', "has no adapters yet"),
    ],
)
def test_errors(lisp: LispE, folders: Path, text: str, message: str) -> None:
    lisp.define("tinyhf2", str(folders / "tiny_llama_tied"))
    lisp.eval("(setq h (torch_hf_load_model tinyhf))")
    lisp.eval("(setq q (torch_hf_enable_kv_cache (torch_hf_load_model tinyqwen) true))")
    lisp.eval('(setq l (torch_hf_load_model_lora "l" tinyhf))')
    with pytest.raises(LispError, match=message):
        lisp.eval(text)


def test_adapter_files_that_do_not_fit(lisp: LispE) -> None:
    lisp.eval('(torch_hf_load_model_lora "a" tinyhf) (torch_hf_lora_init "a" 2 2 (list "q_proj"))')
    lisp.eval('(torch_hf_lora_save "a" (+ folder "a.pt"))')
    for rank, target in ((3, "q_proj"), (2, "k_proj")):
        lisp.eval('(torch_hf_load_model_lora "b" tinyhf)')
        lisp.eval(f'(torch_hf_lora_init "b" {rank} 2 (list "{target}"))')
        with pytest.raises(LispError):
            lisp.eval('(torch_hf_lora_load "b" (+ folder "a.pt"))')
    with pytest.raises(LispError, match="file not found"):
        lisp.eval('(torch_hf_lora_load "a" (+ folder "none.pt"))')


def test_frequencies_of_llama3_by_hand() -> None:
    scaling = rope.check_scaling(
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 32}, 128,
    )  # fmt: skip
    found, _ = rope.frequencies(8, 10000.0, scaling)
    for index, value in enumerate(found.tolist()):
        plain = 10000.0 ** (-2 * index / 8)
        length = 2 * math.pi / plain
        if length > 32:
            want = plain / 8
        elif length < 8:
            want = plain
        else:
            share = (32 / length - 1) / 3
            want = (1 - share) * plain / 8 + share * plain
        assert value == pytest.approx(want)
