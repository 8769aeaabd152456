"""Byte-pair encoding: the same ids as the tiktoken and the tokenizers packages."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest

from lispe_py import LispE, LispError
from lispe_py.primitives import tiktoken as ours
from lispe_py.values.dictionaries import Dictionary

TEXTS = [
    "the small cat sat on the warm mat, the dog's bed isn't here",
    "  two spaces\n\n\tand   more\r\nlines   ",
    "caf\u00e9 \u00e9t\u00e9 \u4f60\u597d \U0001f600\U0001f468\u200d\U0001f469 12345 67.89",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "",
]


@pytest.fixture(scope="module")
def vocabulary() -> dict[str, int]:
    """A byte-level vocabulary trained by the tokenizers package."""
    tokenizers = pytest.importorskip("tokenizers")
    trained = tokenizers.Tokenizer(tokenizers.models.BPE())
    trained.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator([TEXTS[0], TEXTS[1], TEXTS[2]] * 5, trainer)
    found: dict[str, int] = trained.get_vocab()
    return found


def lisp_with(vocabulary: dict[str, int]) -> LispE:
    lisp = LispE()
    lisp.eval("(use 'lispe_tiktoken)")
    lisp.define("vocab", Dictionary(vocabulary))
    return lisp


def test_byte_alphabet_is_that_of_gpt2() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    assert set(ours.byte_alphabet()) == set(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    assert sorted(ours.byte_alphabet().values()) == list(range(256))
    assert ours.byte_alphabet()["\u0120"] == 32


@pytest.mark.parametrize("pattern", sorted(ours.PATTERNS))
def test_ids_are_those_of_tiktoken(vocabulary: dict[str, int], pattern: str) -> None:
    package = pytest.importorskip("tiktoken")
    alphabet = ours.byte_alphabet()
    ranks = {bytes(alphabet[c] for c in token): index for token, index in vocabulary.items()}
    theirs = package.Encoding(
        "test",
        pat_str=ours.PATTERNS[pattern],
        mergeable_ranks=ranks,
        special_tokens={"<|end|>": 1000, "<|end|><|end|>": 1001},
    )
    lisp = lisp_with(vocabulary)
    lisp.eval(
        f'(setq bpe (tiktoken_create vocab (dictionary "<|end|>" 1000 "<|end|><|end|>" 1001) "{pattern}"))'
    )
    draw = random.Random(3)
    noise = ["".join(draw.choice("ab \n'.1\u00e9\u4f60") for _ in range(60)) for _ in range(50)]
    for text in [*TEXTS, *noise, "a<|end|> b<|end|><|end|>"]:
        ids = theirs.encode(text, allowed_special="all")
        assert list(lisp.call("tiktoken_encode", lisp.globals["bpe"], text)) == ids
        assert lisp.call("tiktoken_decode", lisp.globals["bpe"], ids) == text
        assert list(lisp.call("tiktoken_decode_bytes", lisp.globals["bpe"], ids)) == list(text.encode())
    for token in (0, 97, len(vocabulary) - 1):
        found = lisp.call("tiktoken_decode_single_token_bytes", lisp.globals["bpe"], token)
        assert bytes(list(found)) == theirs.decode_single_token_bytes(token)
    values = lisp.call("tiktoken_token_byte_values", lisp.globals["bpe"])
    assert [bytes(list(v)) for v in values] == theirs.token_byte_values()
    assert lisp.eval("(tiktoken_vocab_size bpe)") == len(vocabulary)
    assert lisp.eval("(torch_vocab_size bpe)") == 1002
    assert lisp.eval("(type bpe)").name == "tiktoken_"


def test_a_long_piece_takes_no_quadratic_time(vocabulary: dict[str, int]) -> None:
    lisp = lisp_with(vocabulary)
    lisp.eval("(setq bpe (tiktoken_create vocab))")
    text = "thesmallcat" * 5000
    ids = lisp.call("tiktoken_encode", lisp.globals["bpe"], text)
    assert lisp.call("tiktoken_decode", lisp.globals["bpe"], ids) == text


def test_files_of_ranks(vocabulary: dict[str, int], tmp_path: Path) -> None:
    alphabet = ours.byte_alphabet()
    lines = [
        base64.b64encode(bytes(alphabet[c] for c in token)) + b" %d" % index
        for token, index in sorted(vocabulary.items(), key=lambda item: item[1])
    ]
    path = tmp_path / "v.tiktoken"
    path.write_bytes(b"\n".join(lines))
    lisp = lisp_with(vocabulary)
    lisp.define("path", str(path))
    same = '(setq a (tiktoken_load path)) (setq b (tiktoken_create vocab nil "cl100k"))'
    lisp.eval(same)
    for text in TEXTS:
        assert list(lisp.call("tiktoken_encode", lisp.globals["a"], text)) == list(
            lisp.call("tiktoken_encode", lisp.globals["b"], text)
        )
    path.write_bytes(b"no ranks")
    with pytest.raises(LispError, match="no file of ranks"):
        lisp.eval("(tiktoken_load path)")


def test_tokens_of_characters() -> None:
    lisp = lisp_with({"a": 0, "b": 1, "ab": 2, "\u2581": 3, "\u2581ab": 4, "\u010a": 5})
    lisp.eval(r'(setq bpe (tiktoken_create vocab (list) ` ?\w+|\s`))')
    lisp.eval('(tiktoken_set_space bpe "\u2581")')
    assert list(lisp.eval('(tiktoken_encode bpe "ab ab\nb")')) == [2, 4, 5, 1]
    assert lisp.eval("(tiktoken_decode bpe (integers 2 4 5 1))") == "ab ab\nb"
    with pytest.raises(LispError, match="no token for the character 'z'"):
        lisp.eval('(tiktoken_encode bpe "az")')


def test_an_unknown_byte_becomes_unk_where_there_is_one() -> None:
    lisp = lisp_with({"a": 0, "<unk>": 7})
    assert list(lisp.eval('(tiktoken_encode (tiktoken_create vocab) "az")')) == [0, 7]


def test_torch_functions_take_it(vocabulary: dict[str, int]) -> None:
    lisp = lisp_with(vocabulary)
    lisp.eval('(setq bpe (tiktoken_create vocab (dictionary "<|endoftext|>" 900)))')
    ids = lisp.eval('(torch_encode bpe "the cat" nil true)').tolist()
    assert ids[-1] == 900 and lisp.call("torch_decode", lisp.globals["bpe"], ids[:-1]) == "the cat"
    assert lisp.eval('(torch_token_id bpe "eos")') == 900
    streamed = '(setq d (torch_stream_decoder bpe)) (setq s "") (loop i (torch_encode bpe "\u4f60 \U0001f600") (+= s (torch_stream_decode d i))) s'
    assert lisp.eval(streamed) == "\u4f60 \U0001f600"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(tiktoken_create (list 1))", "vocab must be a dictionary"),
        ('(tiktoken_create vocab "none")', "special_tokens must be a list"),
        ('(tiktoken_create vocab (list (dictionary "content" "x")))', "'content' and 'id'"),
        ('(tiktoken_create vocab (dictionary "x" 0))', "given to two tokens"),
        ('(tiktoken_create vocab (list) "(")', "no regular expression"),
        ('(tiktoken_create (dictionary "a" -1))', "must not be negative"),
        ("(tiktoken_decode (tiktoken_create vocab) (integers 55))", "unknown token id: 55"),
        ('(tiktoken_encode (tiktoken_create vocab) "b")', "no token for the byte 98"),
        ("(tiktoken_vocab_size 5)", "must be a tiktoken object"),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        lisp_with({"a": 0}).eval(text)
