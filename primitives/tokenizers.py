"""Tokenizers: a growing vocabulary of words, and SentencePiece."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.values.lists import List
from torch import Tensor

from .arguments import integer, is_list, natural, positive, text, what
from .convert import from_lisp

LIBRARY = "lispe_torch"

PAD, UNK, BOS, EOS = range(4)
_SPECIALS = ("<pad>", "<unk>", "<bos>", "<eos>")
_MODEL_TYPES = ("bpe", "unigram", "char", "word")
_TOO_LARGE = re.compile(r"Vocabulary size too high.*?<= *(\d+)", re.DOTALL)
#: What an incomplete UTF-8 sequence decodes to.
_REPLACEMENT = "\ufffd"


class Tokenizer:
    """What every tokenizer offers to the primitives."""

    title = "Tokenizer"

    def encode(self, words: str) -> list[int]:
        raise LispError(f"{self.title} cannot encode")

    def decode(self, ids: Sequence[int]) -> str:
        raise LispError(f"{self.title} cannot decode")

    def size(self) -> int:
        return 0

    def piece(self, index: int) -> str:
        raise LispError(f"{self.title} has no pieces")


class SimpleTokenizer(Tokenizer):
    """Words and punctuation; a word that is new gets the next id."""

    title = "Simple Tokenizer"

    def __init__(self) -> None:
        self.tokens = list(_SPECIALS)
        self.ids = {token: index for index, token in enumerate(self.tokens)}

    @staticmethod
    def _is_punctuation(char: str) -> bool:
        return unicodedata.category(char)[0] in "PS"

    def _split(self, words: str) -> list[str]:
        found: list[str] = []
        word = ""
        for char in words:
            if char.isspace() or self._is_punctuation(char):
                if word:
                    found.append(word)
                    word = ""
                if not char.isspace():
                    found.append(char)
            else:
                word += char.lower()
        return [*found, word] if word else found

    def encode(self, words: str) -> list[int]:
        ids = [BOS]
        for token in self._split(words):
            index = self.ids.get(token)
            if index is None:
                index = self.ids[token] = len(self.tokens)
                self.tokens.append(token)
            ids.append(index)
        return [*ids, EOS]

    def decode(self, ids: Sequence[int]) -> str:
        written = ""
        for index in ids:
            if index in (PAD, BOS, EOS) or not 0 <= index < len(self.tokens):
                continue
            token = self.tokens[index]
            if written and not self._is_punctuation(token[0]):
                written += " "
            written += token
        return written

    def size(self) -> int:
        return len(self.tokens)

    def piece(self, index: int) -> str:
        return self.tokens[index]


class SentencePieceTokenizer(Tokenizer):
    """A trained SentencePiece model."""

    title = "SentencePiece Tokenizer"

    def __init__(self, path: str) -> None:
        library = _sentencepiece()
        self.path = path
        try:
            self.processor = library.SentencePieceProcessor(model_file=path)
        except (OSError, RuntimeError) as error:
            raise LispError(f"Failed to load SentencePiece model: {path}") from error

    def encode(self, words: str) -> list[int]:
        return list(self.processor.encode(words))

    def decode(self, ids: Sequence[int]) -> str:
        size = self.size()
        for index in ids:
            if not 0 <= index < size:
                raise LispError(f"id {index} is outside the vocabulary of {size}")
        return str(self.processor.decode(list(ids)))

    def size(self) -> int:
        return int(self.processor.get_piece_size())

    def piece(self, index: int) -> str:
        return str(self.processor.id_to_piece(index))


class StreamDecoder:
    """Ids one at a time to text; the parts joined equal the whole decoded at once."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.ids: list[int] = []
        self.written = ""

    def add(self, ids: Sequence[int]) -> str:
        """The text that has become certain with these ids."""
        self.ids.extend(ids)
        whole = self.tokenizer.decode(self.ids)
        if whole.endswith(_REPLACEMENT) or not whole.startswith(self.written):
            # The last piece is the beginning of a character: wait for the rest.
            return ""
        return self._give(whole)

    def finish(self) -> str:
        """What is left, complete or not."""
        return self._give(self.tokenizer.decode(self.ids))

    def _give(self, whole: str) -> str:
        new, self.written = whole[len(self.written) :], whole
        return new


class TokenizerAdapter(Adapter):
    name = "torch_tokenizer_"

    def show(self, value: Any) -> str:
        if isinstance(value, StreamDecoder):
            return "Stream Decoder"
        return f"{value.title} (vocab size: {value.size()})"


register_adapter(Tokenizer, TokenizerAdapter())
register_adapter(StreamDecoder, TokenizerAdapter())


def _sentencepiece() -> ModuleType:
    try:
        import sentencepiece
    except ImportError:
        raise LispError(
            "SentencePiece support not compiled", hint="pip install sentencepiece"
        ) from None
    return sentencepiece  # type: ignore[no-any-return]


def tokenizer_of(value: Any) -> Tokenizer:
    if isinstance(value, Tokenizer):
        return value
    raise LispError(f"the first argument must be a tokenizer, not {what(value)}")


def ids_of(value: Any) -> list[int]:
    """The ids of a tensor of any shape, a list of integers or one integer."""
    if value.__class__ is int:
        return [value]
    if is_list(value):
        if not len(value):
            return []
        value = from_lisp(value)
    if not isinstance(value, Tensor):
        raise LispError(f"ids must be integers, not {what(value)}")
    if value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
        raise LispError(f"ids must be integers, not {str(value.dtype).removeprefix('torch.')}")
    ids: list[int] = value.flatten().tolist()
    return ids


@primitive(
    "torch_simple_tokenizer",
    "torch_tokenizer_create",
    "torch_tokenizer_simple_create",
    library=LIBRARY,
)
def torch_simple_tokenizer() -> SimpleTokenizer:
    """A tokenizer of words whose vocabulary grows as it encodes.

    Ids 0 to 3 are <pad>, <unk>, <bos> and <eos>; punctuation is a token of its
    own, and case is folded, both by the rules of Unicode.

    (setq t (torch_simple_tokenizer)) (torch_encode t "the cat, the dog")
    ; (2 4 5 6 4 7 3)
    """
    return SimpleTokenizer()


@primitive(
    "torch_sentencepiece_tokenizer",
    "torch_tokenizer_sentencepiece_create",
    library=LIBRARY,
    interpreter=True,
    needs=("fs",),
)
def torch_sentencepiece_tokenizer(lisp: Context, model_path: Any) -> SentencePieceTokenizer:
    """Load a SentencePiece model from its .model file.

    An error where the file is missing or is no model.

    (maybe (torch_sentencepiece_tokenizer "none.model") 'missing)
    ; missing
    """
    lisp.require("fs")
    return SentencePieceTokenizer(text(model_path, "model_path"))


@primitive(
    "torch_train_sentencepiece",
    "torch_tokenizer_sentencepiece_train",
    library=LIBRARY,
    interpreter=True,
    needs=("fs",),
)
def torch_train_sentencepiece(
    lisp: Context,
    input_file: Any,
    model_prefix: Any,
    vocab_size: Any = 8000,
    model_type: Any = "bpe",
) -> str:
    """Train a SentencePiece model on a text file; writes PREFIX.model and PREFIX.vocab.

    Kinds: bpe, unigram, char, word. Every character of the text is covered; ids
    0 to 3 are pad, unk, bos and eos. A vocabulary larger than the text allows is
    lowered, with a warning on the error stream. Source: Kudo and Richardson 2018.

    (fwrite "corpus.txt" "the cat sat on the mat\\nthe dog sat on the cat\\n")
    (torch_train_sentencepiece "corpus.txt" "pieces" 22)
    ; Training completed successfully. Model saved as: pieces.model
    """
    lisp.require("fs")
    path, prefix = text(input_file, "input_file"), text(model_prefix, "model_prefix")
    kind = text("bpe" if model_type is None else model_type, "model_type")
    size = positive(8000 if vocab_size is None else vocab_size, "vocab_size")
    if kind not in _MODEL_TYPES:
        raise LispError(
            f"unknown kind of SentencePiece model: {kind}", hint=f"one of {', '.join(_MODEL_TYPES)}"
        )
    if not os.path.isfile(path):
        raise LispError(f"there is no such file: {path}")
    if not os.path.isdir(os.path.dirname(prefix) or "."):
        raise LispError(f"there is no such folder: {os.path.dirname(prefix)}")
    # Trained in a folder beside the target and moved: no half-written model remains.
    with tempfile.TemporaryDirectory(dir=os.path.dirname(prefix) or ".") as folder:
        made = os.path.join(folder, "model")
        used = _train(path, made, size, kind)
        for ending in (".model", ".vocab"):
            os.replace(made + ending, prefix + ending)
    if used != size:
        lisp.stderr.write(
            f"warning: the vocabulary is lowered from {size} to {used}: "
            f"the text allows no more\n"
        )
    return f"Training completed successfully. Model saved as: {prefix}.model"


def _train(path: str, prefix: str, size: int, kind: str) -> int:
    """Train, with a vocabulary as large as asked for or as the text allows; its size."""
    library = _sentencepiece()
    options = {
        "input": path,
        "model_prefix": prefix,
        "model_type": kind,
        "character_coverage": 1.0,
        "pad_id": PAD,
        "unk_id": UNK,
        "bos_id": BOS,
        "eos_id": EOS,
        "minloglevel": 2,
    }
    # Words and characters are counted; their vocabulary may simply be smaller.
    if kind in ("word", "char"):
        options["hard_vocab_limit"] = False
    try:
        library.SentencePieceTrainer.train(vocab_size=size, **options)
    except (RuntimeError, OSError) as error:
        limit = _TOO_LARGE.search(str(error))
        if limit is None or int(limit[1]) >= size:
            raise LispError(f"SentencePiece training failed: {_reason(error)}") from error
        return _train(path, prefix, int(limit[1]), kind)
    return int(library.SentencePieceProcessor(model_file=f"{prefix}.model").get_piece_size())


def _reason(error: BaseException) -> str:
    """The trainer's own words, without its source lines."""
    parts = [p.strip() for p in re.split(r"\n|\)\s*\[", str(error)) if p.strip()]
    return re.sub(r"^\w+:\s*\S+\(\d+\)\s*", "", parts[-1]) if parts else type(error).__name__


@primitive("torch_encode", "torch_tokenizer_encode", library=LIBRARY)
def torch_encode(tokenizer: Any, text_: Any) -> Tensor:
    """The ids of a text, an int64 tensor [n].

    The simple tokenizer puts its marks around them and its vocabulary grows;
    SentencePiece gives the pieces alone.

    (torch_encode (torch_simple_tokenizer) "Hello world!")
    ; (2 4 5 6 3)
    """
    return torch.tensor(tokenizer_of(tokenizer).encode(text(text_, "text")), dtype=torch.int64)


@primitive("torch_decode", "torch_tokenizer_decode", library=LIBRARY)
def torch_decode(tokenizer: Any, token_ids: Any) -> str:
    """The text of ids: a tensor of any shape, a list or one id.

    (setq t (torch_simple_tokenizer)) (torch_decode t (torch_encode t "Hello world!"))
    ; hello world!
    """
    return tokenizer_of(tokenizer).decode(ids_of(token_ids))


@primitive("torch_token_pieces", library=LIBRARY)
def torch_token_pieces(tokenizer: Any, token_ids: Any) -> List:
    """The pieces that ids stand for, one string each.

    (setq t (torch_simple_tokenizer)) (torch_token_pieces t (torch_encode t "a cat"))
    ; ("<bos>" "a" "cat" "<eos>")
    """
    found = tokenizer_of(tokenizer)
    size = found.size()
    ids = ids_of(token_ids)
    wrong = next((i for i in ids if not 0 <= i < size), None)
    if wrong is not None:
        raise LispError(f"id {wrong} is outside the vocabulary of {size}")
    return List(found.piece(i) for i in ids)


@primitive("torch_stream_decoder", library=LIBRARY)
def torch_stream_decoder(tokenizer: Any) -> StreamDecoder:
    """A decoder that takes ids as they come and gives text as soon as it is certain.

    (setq t (torch_simple_tokenizer)) (torch_encode t "one two")
    (setq d (torch_stream_decoder t)) (+ (torch_stream_decode d 4) (torch_stream_decode d 5))
    ; one two
    """
    return StreamDecoder(tokenizer_of(tokenizer))


@primitive("torch_stream_decode", library=LIBRARY)
def torch_stream_decode(decoder: Any, token_ids: Any = None) -> str:
    """Give ids to a stream decoder; the text that is new. Without ids: what is left.

    (setq t (torch_simple_tokenizer)) (torch_encode t "one two")
    (torch_stream_decode (torch_stream_decoder t) (integers 4 5))
    ; one two
    """
    if not isinstance(decoder, StreamDecoder):
        raise LispError(f"the first argument must be a stream decoder, not {what(decoder)}")
    return decoder.finish() if token_ids is None else decoder.add(ids_of(token_ids))


@primitive(
    "torch_vocab_size", "torch_tokenizer_get_vocab_size", "torch_vocabulary_size", library=LIBRARY
)
def torch_vocab_size(tokenizer: Any) -> int:
    """The number of entries of a tokenizer's vocabulary.

    (torch_vocab_size (torch_simple_tokenizer))
    ; 4
    """
    return tokenizer_of(tokenizer).size()


@primitive("torch_pad_sequences", "torch_pad_sequence", library=LIBRARY)
def torch_pad_sequences(sequences: Any, max_length: Any, pad_token: Any = 0) -> Tensor:
    """Sequences of ids as the rows of one int64 tensor [batch, max_length].

    A longer one is cut, a shorter one filled on the right.

    (torch_pad_sequences (list (integers 5 6 7) (integers 8)) 2)
    ; ((5 6) (8 0))
    """
    if isinstance(sequences, Tensor):
        sequences = list(sequences)
    if not (is_list(sequences) or isinstance(sequences, list)) or not len(sequences):
        raise LispError("sequences must be a list of tensors or lists, not empty")
    length = natural(max_length, "max_length")
    pad = integer(0 if pad_token is None else pad_token, "pad_token")
    rows = torch.full((len(sequences), length), pad, dtype=torch.int64)
    for row, sequence in zip(rows, sequences, strict=True):
        ids = ids_of(sequence)[:length]
        row[: len(ids)] = torch.tensor(ids, dtype=torch.int64)
    return rows


@primitive("torch_attention_mask", "torch_create_attention_mask", library=LIBRARY)
def torch_attention_mask(sequences: Any, pad_token: Any = 0) -> Tensor:
    """1 where an id is none of the padding, else 0: a float32 tensor of the same shape.

    (torch_attention_mask (torch_tensor '((5 6 0) (7 0 0))))
    ; ((1 1 0) (1 0 0))
    """
    if not isinstance(sequences, Tensor):
        raise LispError("argument must be a tensor")
    pad = integer(0 if pad_token is None else pad_token, "pad_token")
    return (sequences != pad).to(torch.float32)
