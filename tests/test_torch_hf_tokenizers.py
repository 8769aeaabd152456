"""Tokenizers of Hugging Face folders, and chat templates, as their own libraries read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lispe_py import LispE, LispError
from lispe_py.primitives.tokenizers import StreamDecoder

tokenizers = pytest.importorskip("tokenizers")

TEXTS = ["the small cat sat", "caf\u00e9 \u4f60\u597d \U0001f600!", "  two  spaces\n", ""]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}<end>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>", "<end>", "<pad>"], show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    made.train_from_iterator(TEXTS * 3, trainer)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", made.token_to_id("<s>"))]
    )
    made.save(str(tmp_path / "tokenizer.json"))
    config = {
        "bos_token": {"__type": "AddedToken", "content": "<s>"}, "eos_token": "<end>",
        "pad_token": "<pad>", "unk_token": "<none>", "chat_template": TEMPLATE,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }  # fmt: skip
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    return tmp_path


@pytest.fixture
def lisp(folder: Path) -> LispE:
    made = LispE()
    made.eval("(use 'lispe_torch)")
    made.define("folder", str(folder))
    made.eval("(setq t (torch_hf_tokenizer folder))")
    return made


def test_ids_and_texts_are_those_of_the_library(lisp: LispE, folder: Path) -> None:
    theirs = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer = lisp.globals["t"]
    for text in TEXTS:
        ids = lisp.call("torch_encode", tokenizer, text).tolist()
        assert ids == theirs.encode(text).ids
        assert lisp.call("torch_decode", tokenizer, ids) == text
        assert list(lisp.call("torch_token_pieces", tokenizer, ids)) == theirs.encode(text).tokens
        stream = StreamDecoder(tokenizer.decode)
        assert stream.add(ids) + stream.finish() == text
    assert lisp.eval("(torch_vocab_size t)") == theirs.get_vocab_size()
    assert lisp.show(tokenizer) == f"Hugging Face Tokenizer (vocab size: {theirs.get_vocab_size()})"


def test_marks(lisp: LispE) -> None:
    bos, eos = lisp.eval('(torch_token_id t "bos")'), lisp.eval('(torch_token_id t "eos")')
    assert (bos, eos) == (0, 1)
    plain = lisp.eval('(torch_encode t "cat" nil)').tolist()
    assert plain[0] != bos
    assert lisp.eval('(torch_encode t "cat")').tolist() == [bos, *plain]
    assert lisp.eval('(torch_encode t "cat" true true)').tolist() == [bos, *plain, eos]
    assert lisp.eval('(torch_token_id t "unk")') is None
    assert lisp.eval("(torch_decode t (torch_encode t `cat` true true))") == "cat"


@pytest.mark.parametrize("ending", [True, False])
def test_chat_prompts_are_those_of_transformers(lisp: LispE, folder: Path, ending: bool) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.PreTrainedTokenizerFast.from_pretrained(str(folder))
    messages = [{"role": "system", "content": " be brief "}, {"role": "user", "content": "hi"}]
    want = theirs.apply_chat_template(messages, tokenize=False, add_generation_prompt=ending)
    pairs = '(list (list "system" " be brief ") (dictionary "role" "user" "content" "hi"))'
    found = lisp.eval(f"(torch_chat_prompt t {pairs} {'true' if ending else 'nil'})")
    assert found == want
    ids = lisp.call("torch_encode", lisp.globals["t"], found, None).tolist()
    assert ids == theirs(found, add_special_tokens=False)["input_ids"]


def test_a_template_reaches_nothing_outside(lisp: LispE, folder: Path) -> None:
    messages = '(list (list "user" "x"))'
    for template, message in (
        ("{{ messages.__class__.__mro__ }}", "the chat template fails"),
        ("{{ raise_exception('no roles') }}", "the chat template refuses: no roles"),
        ("{% if %}", "the chat template fails"),
    ):
        (folder / "chat_template.jinja").write_text(template)
        with pytest.raises(LispError, match=message):
            lisp.eval(f"(torch_chat_prompt (torch_hf_tokenizer folder) {messages})")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('(torch_hf_tokenizer "nowhere")', "file not found"),
        ("(torch_decode t 100000)", "unknown token id"),
        ("(torch_decode t -1)", "unknown token id"),
        ("(torch_chat_prompt (torch_simple_tokenizer) (list))", "no chat template"),
        ('(torch_chat_prompt t (list (list "user" 5)))', "needs 'content'"),
        ('(torch_chat_prompt t "hi")', "messages must be a list"),
    ],
)
def test_errors(lisp: LispE, text: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        lisp.eval(text)


def test_damaged_and_empty_folders(lisp: LispE, folder: Path, tmp_path: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(LispError, match="cannot read"):
        lisp.eval("(torch_hf_tokenizer folder)")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(LispError, match="no tokenizer.json and no tokenizer.model"):
        lisp.eval("(torch_hf_tokenizer folder)")


# ------------------------------------------------------------------ GGUF files


def write_gguf(folder: Path, pre: str, kind: str = "gpt2") -> Path:
    """The tokenizer of a folder inside a GGUF file."""
    gguf = pytest.importorskip("gguf")
    record = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = sorted(record["model"]["vocab"].items(), key=lambda entry: int(entry[1]))
    entries = [entry for entry, _ in vocabulary]
    special = {token["content"] for token in record["added_tokens"]}
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in record["model"]["merges"]]
    path = folder / "words.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model(kind)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(entries)
    writer.add_token_types([3 if entry in special else 1 for entry in entries])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(entries.index("<s>"))
    writer.add_eos_token_id(entries.index("<end>"))
    writer.add_pad_token_id(entries.index("<pad>"))
    writer.add_add_bos_token(True)
    writer.add_chat_template(TEMPLATE)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("pre", ["gpt-2", "default"])
def test_the_tokenizer_of_a_gguf_file_is_that_of_the_folder(
    lisp: LispE, folder: Path, pre: str
) -> None:
    lisp.define("file", str(write_gguf(folder, pre)))
    lisp.eval("(setq u (torch_hf_tokenizer file))")
    for text in [*TEXTS, "a<end>b <s>"]:
        ids = lisp.call("torch_encode", lisp.globals["u"], text)
        assert ids.tolist() == lisp.call("torch_encode", lisp.globals["t"], text).tolist()
        assert lisp.call("torch_decode", lisp.globals["u"], ids) == text.replace("<end>", "").replace("<s>", "")
    for name in ("bos", "eos", "pad", "unk"):
        assert lisp.eval(f'(torch_token_id u "{name}")') == lisp.eval(f'(torch_token_id t "{name}")')
    messages = '(list (list "user" "hi "))'
    assert lisp.eval(f"(torch_chat_prompt u {messages})") == lisp.eval(f"(torch_chat_prompt t {messages})")


CUTS = [
    ("gpt-2", "it's 1234", ["it", "'s", " 1234"]),
    ("smollm", "it's 1234\n\n5", ["it", "'s", " ", "1", "2", "3", "4", "\n\n", "5"]),
    ("llama-bpe", "IT'S 12345\n\n ok", ["IT", "'S", " ", "123", "45", "\n\n", " ok"]),
    ("qwen2", "IT'S 123 ok!\n", ["IT", "'S", " ", "1", "2", "3", " ok", "!\n"]),
]


@pytest.mark.parametrize(("pre", "text", "pieces"), CUTS)
def test_how_a_text_is_cut(lisp: LispE, folder: Path, pre: str, text: str, pieces: list[str]) -> None:
    lisp.define("file", str(write_gguf(folder, pre)))
    made = lisp.eval("(torch_hf_tokenizer file)").made
    found = [text[begin:end] for _, (begin, end) in made.pre_tokenizer.pre_tokenize_str(text)]
    assert found == pieces


def test_gguf_tokenizers_that_are_not_known(lisp: LispE, folder: Path) -> None:
    lisp.define("file", str(write_gguf(folder, "martian")))
    with pytest.raises(LispError, match="unsupported tokenizer in .*: 'martian'"):
        lisp.eval("(torch_hf_tokenizer file)")
    lisp.define("file", str(write_gguf(folder, "default", "llama")))
    with pytest.raises(LispError, match="unsupported tokenizer in .*: 'llama'"):
        lisp.eval("(torch_hf_tokenizer file)")
    (folder / "words.gguf").write_bytes(b"GGUF")
    with pytest.raises(LispError, match="cannot read"):
        lisp.eval("(torch_hf_tokenizer file)")
