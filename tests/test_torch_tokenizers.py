"""Tokenizers: ids, texts, files and errors."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
import sentencepiece

from lispe_py import LispE, LispError
from lispe_py.primitives.tokenizers import StreamDecoder

CORPUS = "\n".join(
    f"the {a} {b} sat near the {c} on a warm day"
    for a in ("small", "old", "red") for b in ("cat", "dog", "hen") for c in ("mat", "barn", "tree")
)  # fmt: skip


@pytest.fixture
def lisp(tmp_path: Path) -> LispE:
    lisp = LispE(stderr=io.StringIO())
    lisp.eval("(use 'lispe_torch)")
    (tmp_path / "corpus.txt").write_text(CORPUS, encoding="utf-8")
    lisp.define("folder", f"{tmp_path}/")
    return lisp


def show(lisp: LispE, text: str) -> str:
    return lisp.show(lisp.eval(text))


def test_simple_tokenizer_numbers_words_as_it_meets_them(lisp: LispE) -> None:
    text = '(setq t (torch_simple_tokenizer)) (torch_encode t "Hello world! This is a test.")'
    assert show(lisp, text) == "(2 4 5 6 7 8 9 10 11 3)"
    assert show(lisp, "(torch_vocab_size t)") == "12"
    assert show(lisp, "(torch_decode t (iota 11))") == "<unk> hello world! this is a test."
    assert show(lisp, "t") == "Simple Tokenizer (vocab size: 12)"
    assert show(lisp, "(type t)") == "torch_tokenizer_"


@pytest.mark.parametrize("kind", ["bpe", "unigram", "char", "word"])
def test_sentencepiece_agrees_with_the_library(lisp: LispE, tmp_path: Path, kind: str) -> None:
    lisp.eval(f'(torch_train_sentencepiece (+ folder "corpus.txt") (+ folder "m") 40 "{kind}")')
    lisp.eval('(setq t (torch_sentencepiece_tokenizer (+ folder "m.model")))')
    reference = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "m.model"))
    sample = "the old hen sat near the tree"
    ids = lisp.eval(f'(torch_encode t "{sample}")').tolist()
    assert ids == reference.encode(sample)
    assert lisp.call("torch_decode", lisp.globals["t"], ids) == reference.decode(ids)
    assert list(lisp.call("torch_token_pieces", lisp.globals["t"], ids)) == (
        reference.encode(sample, out_type=str)
    )
    assert [reference.pad_id(), reference.unk_id(), reference.bos_id(), reference.eos_id()] == [
        0, 1, 2, 3,
    ]  # fmt: skip


def test_a_vocabulary_the_text_cannot_fill_is_lowered_with_a_warning(lisp: LispE) -> None:
    said = lisp.eval('(torch_train_sentencepiece (+ folder "corpus.txt") (+ folder "m") 8000)')
    assert said.startswith("Training completed successfully. Model saved as: ")
    size = lisp.eval(
        '(torch_vocab_size (torch_sentencepiece_tokenizer (+ folder "m.model")))'
    )
    assert 20 < size < 8000
    assert f"from 8000 to {size}" in lisp.stderr.getvalue()


def test_stream_decoding_equals_decoding_at_once(lisp: LispE) -> None:
    lisp.eval('(torch_train_sentencepiece (+ folder "corpus.txt") (+ folder "m") 60)')
    text = """
    (setq t (torch_sentencepiece_tokenizer (+ folder "m.model")))
    (setq ids (torch_encode t "the red dog sat on a warm mat"))
    (setq d (torch_stream_decoder t)) (setq s "")
    (loop i ids (setq s (+ s (torch_stream_decode d i))))
    (list (+ s (torch_stream_decode d)) (torch_decode t ids))
    """
    streamed, whole = lisp.eval(text)
    assert streamed == whole == "the red dog sat on a warm mat"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('(torch_encode 5 "a")', "must be a tokenizer"),
        ("(torch_decode (torch_simple_tokenizer) (floats 1.5))", "must be integers"),
        ("(torch_pad_sequences (list) 3)", "not empty"),
        ("(torch_attention_mask (list 1 0))", "argument must be a tensor"),
        ('(torch_sentencepiece_tokenizer "none.model")', "Failed to load SentencePiece model"),
        ('(torch_train_sentencepiece "none.txt" "m")', "no such file: none.txt"),
        ('(torch_train_sentencepiece (+ folder "corpus.txt") "m" 40 "odd")', "unknown kind"),
        ('(torch_train_sentencepiece (+ folder "corpus.txt") "nowhere/m" 40)', "no such folder"),
    ],
)
def test_errors(lisp: LispE, text: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        lisp.eval(text)


def test_an_empty_corpus_leaves_no_file(lisp: LispE, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(LispError, match="SentencePiece training failed"):
        lisp.eval('(torch_train_sentencepiece (+ folder "empty.txt") (+ folder "m") 40)')
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus.txt", "empty.txt"]


def test_streams_of_any_ids_equal_decoding_at_once(lisp: LispE) -> None:
    lisp.eval('(torch_train_sentencepiece (+ folder "corpus.txt") (+ folder "m") 320 "bpe" true)')
    tokenizer = lisp.eval('(torch_sentencepiece_tokenizer (+ folder "m.model"))')
    draw = random.Random(1)
    for length in (1, 2, 30, 300):
        for _ in range(10):
            ids = [draw.randrange(tokenizer.size()) for _ in range(length)]
            stream = StreamDecoder(tokenizer.decode)
            assert stream.add(ids) + stream.finish() == tokenizer.decode(ids)


def test_a_stream_gives_whole_characters_and_keeps_a_short_window(lisp: LispE) -> None:
    lisp.eval('(torch_train_sentencepiece (+ folder "corpus.txt") (+ folder "m") 320 "bpe" true)')
    tokenizer = lisp.eval('(torch_sentencepiece_tokenizer (+ folder "m.model"))')
    stream = StreamDecoder(tokenizer.decode)
    source = "the red dog \u20ac\U0001f600 sat " * 40
    parts, longest = [], 0
    for index in tokenizer.encode(source):
        parts.append(stream.add([index]))
        longest = max(longest, len(stream.window))
    assert "".join(parts) + stream.finish() == source.strip()
    assert "\ufffd" not in "".join(parts)
    assert longest < 80


def test_bytes_stand_for_characters_that_the_corpus_lacks(lisp: LispE) -> None:
    lisp.eval('(torch_train_sentencepiece (+ folder "corpus.txt") (+ folder "m") 320 "bpe" true)')
    text = '(setq t (torch_sentencepiece_tokenizer (+ folder "m.model"))) (torch_decode t (torch_encode t "a \u20ac"))'
    assert lisp.eval(text) == "a \u20ac"
    assert list(lisp.eval('(torch_token_pieces t "\u20ac")'))[1:] == ["<0xE2>", "<0x82>", "<0xAC>"]


def test_marks_are_put_and_left_out(lisp: LispE) -> None:
    lisp.eval('(torch_train_sentencepiece (+ folder "corpus.txt") (+ folder "m") 40)')
    lisp.eval('(setq t (torch_sentencepiece_tokenizer (+ folder "m.model")))')
    plain = lisp.eval('(torch_encode t "red")').tolist()
    assert lisp.eval('(torch_encode t "red" true true)').tolist() == [2, *plain, 3]
    lisp.eval('(setq s (torch_simple_tokenizer (list "red")))')
    assert show(lisp, '(torch_encode s "red" nil nil)') == "(4)"
    assert show(lisp, '(torch_encode s (list "red" "red!") nil)') == "((4 3) (4 5 3))"
    assert show(lisp, '(torch_token_id s "red")') == "4"
    assert show(lisp, '(torch_token_id t "bos")') == "2"
    assert show(lisp, '(torch_token_id t "bos!")') == "nil"


def test_a_simple_tokenizer_is_saved_frozen_and_loaded(lisp: LispE) -> None:
    lisp.eval('(setq t (torch_simple_tokenizer)) (torch_encode t "\u00c9t\u00e9 \u00abrouge\u00bb")')
    assert lisp.eval('(torch_tokenizer_freeze t)') is True
    lisp.eval('(torch_tokenizer_save t (+ folder "w.json"))')
    lisp.eval('(setq u (torch_tokenizer_load (+ folder "w.json")))')
    assert show(lisp, '(torch_encode u "\u00e9t\u00e9 bleu")') == "(2 4 1 3)"
    assert lisp.eval("(torch_decode u (torch_encode u `\u00e9t\u00e9 \u00abrouge\u00bb`))") == (
        "\u00e9t\u00e9\u00ab rouge\u00bb"
    )
    (Path(lisp.globals["folder"]) / "bad.json").write_text("{}")
    with pytest.raises(LispError, match="it holds no tokenizer"):
        lisp.eval('(torch_tokenizer_load (+ folder "bad.json"))')


def test_lines_beyond_the_limit_of_the_trainer_are_read(lisp: LispE, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("the old hen sat " * 2000)
    lisp.eval('(torch_train_sentencepiece (+ folder "long.txt") (+ folder "m") 30)')
    tokenizer = lisp.eval('(torch_sentencepiece_tokenizer (+ folder "m.model"))')
    assert tokenizer.decode(tokenizer.encode("the old hen")) == "the old hen"


def test_ids_outside_the_vocabulary_are_refused(lisp: LispE) -> None:
    lisp.eval('(torch_train_sentencepiece (+ folder "corpus.txt") (+ folder "m") 40)')
    lisp.eval('(setq t (torch_sentencepiece_tokenizer (+ folder "m.model")))')
    for call in ("(torch_decode t 40)", "(torch_decode t -1)", "(torch_token_pieces t 99)"):
        with pytest.raises(LispError, match="outside the vocabulary of 40"):
            lisp.eval(call)


def test_sequences_are_padded_to_the_longest(lisp: LispE) -> None:
    assert show(lisp, "(torch_pad_sequences (list (integers 1 2) (list 3)))") == "((1 2) (3 0))"
    assert show(lisp, "(torch_pad_sequences (list (list 3)) 3 9)") == "((3 9 9))"
