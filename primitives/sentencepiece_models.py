"""SentencePiece: tokenizers trained from raw text (Kudo and Richardson 2018)."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from typing import Any

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context

from . import storage
from .arguments import boolean, is_list, positive, text
from .tokenizers import LIBRARY, Tokenizer

#: Kinds of models that can be trained.
TYPES = ("bpe", "unigram", "char", "word")

#: Longer lines are cut at a space: the trainer would leave them out.
_LONGEST_LINE = 4000


def library() -> Any:
    """The sentencepiece package."""
    try:
        import sentencepiece
    except ImportError:
        raise LispError(
            "SentencePiece support not compiled", hint="install it: pip install sentencepiece"
        ) from None
    return sentencepiece


class SentencePiece(Tokenizer):
    """A trained SentencePiece model."""

    title = "SentencePiece Tokenizer"

    def __init__(self, processor: Any) -> None:
        self.processor = processor

    def size(self) -> int:
        return int(self.processor.get_piece_size())

    def encode(self, source: str, bos: bool | None = None, eos: bool | None = None) -> list[int]:
        for wanted, name in ((bos, "bos"), (eos, "eos")):
            if wanted and self.special(name) is None:
                raise LispError(f"this SentencePiece model has no {name} mark")
        try:
            found: list[int] = self.processor.encode(source, add_bos=bool(bos), add_eos=bool(eos))
        except UnicodeEncodeError:
            raise LispError("text holds characters that no UTF-8 text can hold") from None
        return found

    def decode(self, ids: list[int]) -> str:
        return str(self.processor.decode(self.checked(ids)))

    def piece(self, index: int) -> str:
        return str(self.processor.id_to_piece(index))

    def lookup(self, entry: str) -> int | None:
        index = int(self.processor.piece_to_id(entry))
        return index if self.piece(index) == entry else None

    def special(self, name: str) -> int | None:
        index = int(getattr(self.processor, f"{name}_id")())
        return index if index >= 0 else None


def load(path: str) -> SentencePiece:
    package = library()
    processor = package.SentencePieceProcessor()
    try:
        with open(path, "rb") as stream:
            processor.load_from_serialized_proto(stream.read())
        if not processor.get_piece_size():
            raise RuntimeError("it has no pieces")
    except (OSError, RuntimeError) as error:
        raise LispError(
            f"Failed to load SentencePiece model: {path}", hint=storage.reason(error)
        ) from None
    return SentencePiece(processor)


@primitive(
    "torch_sentencepiece_tokenizer", "torch_tokenizer_sentencepiece_create",
    library=LIBRARY, needs=("fs",),
)  # fmt: skip
def torch_sentencepiece_tokenizer(model_path: Any) -> SentencePiece:
    """Load a SentencePiece model, a .model file.

    torch_encode gives the pieces alone, without bos and eos. A file that is
    missing or no model is an error.

    (fwrite "corpus.txt" "the cat sat on the mat")
    (torch_train_sentencepiece "corpus.txt" "sp" 24)
    (torch_sentencepiece_tokenizer "sp.model")
    ; SentencePiece Tokenizer (vocab size: 24)
    """
    return load(text(model_path, "model_path"))


def _lines(path: str) -> Iterator[str]:
    """The lines of a text file, the endless ones in pieces."""
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            line = line.strip("\r\n\0")
            while len(line) > _LONGEST_LINE:
                cut = line.rfind(" ", 0, _LONGEST_LINE)
                cut = _LONGEST_LINE if cut <= 0 else cut
                yield line[:cut]
                line = line[cut:].lstrip(" ")
            if line:
                yield line


def _corpus(value: Any) -> list[str]:
    """The files of a corpus."""
    members = list(value) if is_list(value) else [value]
    if not members:
        raise LispError("the list of corpus files is empty")
    return [_there(text(member, "input_file")) for member in members]


def _there(path: str) -> str:
    if os.path.isfile(path):
        return path
    raise LispError(f"there is no such file: {path}")


def reason(error: Exception) -> str:
    """The trainer's message without its place in the C++ sources."""
    return re.sub(r"^[A-Z_]+: .*?\(\d+\) \[.*\] ", "", str(error)).strip() or str(error)


@primitive(
    "torch_train_sentencepiece", "torch_tokenizer_sentencepiece_train",
    library=LIBRARY, needs=("fs",), interpreter=True,
)  # fmt: skip
def torch_train_sentencepiece(
    lisp: Context,
    input_file: Any,
    model_prefix: Any,
    vocab_size: Any = 8000,
    model_type: Any = "bpe",
    byte_fallback: Any = None,
) -> str:
    """Train a SentencePiece model on a text file, or on a list of them.

    Writes <model_prefix>.model and <model_prefix>.vocab. The kinds are bpe,
    unigram, char and word; every character of the corpus is covered; the ids
    are pad 0, unk 1, bos 2, eos 3. A vocabulary larger than the corpus allows
    is lowered, with a warning. With byte_fallback true characters that the
    corpus lacks become bytes instead of <unk>. A missing or empty corpus, or a
    vocabulary smaller than its alphabet, is an error.

    (fwrite "corpus.txt" "the cat sat on the mat")
    (torch_train_sentencepiece "corpus.txt" "sp" 24)
    ; Training completed successfully. Model saved as: sp.model
    """
    package = library()
    files = _corpus(input_file)
    prefix = text(model_prefix, "model_prefix")
    if not os.path.isdir(os.path.dirname(prefix) or "."):
        raise LispError(f"there is no such folder: {os.path.dirname(prefix)}")
    wanted = 8000 if vocab_size is None else positive(vocab_size, "vocab_size")
    if wanted >= 1 << 31:
        raise LispError(f"vocab_size is too large: {wanted}")
    kind = "bpe" if model_type is None else text(model_type, "model_type")
    if kind not in TYPES:
        raise LispError(
            f"unknown kind of SentencePiece model: '{kind}'",
            hint=f"the kinds are {' '.join(TYPES)}",
        )
    with tempfile.TemporaryDirectory(prefix="lispe_sentencepiece") as folder:
        passing = os.path.join(folder, "trained")
        try:
            package.SentencePieceTrainer.train(
                sentence_iterator=(line for path in files for line in _lines(path)),
                model_prefix=passing,
                vocab_size=wanted,
                model_type=kind,
                character_coverage=1.0,
                pad_id=0,
                unk_id=1,
                bos_id=2,
                eos_id=3,
                pad_piece="<pad>",
                byte_fallback=boolean(byte_fallback, "byte_fallback"),
                # A corpus that cannot fill the vocabulary gets a smaller one.
                hard_vocab_limit=False,
                minloglevel=2,
            )
        except UnicodeDecodeError:
            raise LispError(f"the corpus is no UTF-8 text: {' '.join(files)}") from None
        except OSError as error:
            raise LispError(f"cannot read the corpus: {storage.reason(error)}") from None
        except RuntimeError as error:
            if "sentences_.empty()" in str(error):
                raise LispError("SentencePiece training failed: the corpus is empty") from None
            raise LispError(f"SentencePiece training failed: {reason(error)}") from None
        for suffix in (".model", ".vocab"):
            with open(passing + suffix, "rb") as stream:
                storage.write_bytes(prefix + suffix, stream.read())
        count = load(passing + ".model").size()
    if count < wanted:
        lisp.stderr.write(
            f"warning: the vocabulary is lowered from {wanted} to {count}: "
            "the text allows no more\n"
        )
    return f"Training completed successfully. Model saved as: {prefix}.model"
