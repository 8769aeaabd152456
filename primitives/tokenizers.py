"""Tokenizers: text to ids and back, at once or piece by piece.

A :class:`Tokenizer` is what ``torch_encode`` and its like work with; the kinds
(words, SentencePiece, Hugging Face, byte pairs) differ in a few methods.
"""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.registry import primitive
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers, Shorts

from . import storage
from .arguments import boolean, integer, is_list, natural, text, what
from .convert import dtype_name
from .devices import placed

LIBRARY = "lispe_torch"
FORMAT = "lispe_torch_tokenizer"

PAD, UNK, BOS, EOS = range(4)
#: The marks that a program may ask for, by name.
SPECIALS = ("pad", "unk", "bos", "eos")
#: What half a character decodes to.
REPLACEMENT = "\ufffd"
#: Stands for an argument that was not given: the tokenizer does as it is used to.
HABIT = "default"


class Tokenizer(ABC):
    """What every kind of tokenizer offers."""

    title = "Tokenizer"

    @abstractmethod
    def size(self) -> int:
        """Number of entries of the vocabulary."""

    @abstractmethod
    def encode(self, source: str, bos: bool | None = None, eos: bool | None = None) -> list[int]:
        """The ids of a text; None leaves the marks of beginning and end to the tokenizer."""

    @abstractmethod
    def decode(self, ids: list[int]) -> str:
        """The text of ids."""

    @abstractmethod
    def piece(self, index: int) -> str:
        """The vocabulary entry of an id, as it is stored."""

    @abstractmethod
    def lookup(self, entry: str) -> int | None:
        """The id of a vocabulary entry, None if there is none."""

    @abstractmethod
    def special(self, name: str) -> int | None:
        """The id of ``pad``, ``unk``, ``bos`` or ``eos``, None if there is none."""

    def checked(self, ids: list[int]) -> list[int]:
        """The ids, each of which must be in the vocabulary."""
        count = self.size()
        for index in ids:
            if not 0 <= index < count:
                raise LispError(f"id {index} is outside the vocabulary of {count}")
        return ids


class TokenizerAdapter(Adapter):
    """Tokenizers in the ordinary functions: they print, and have a size."""

    name = "torch_tokenizer_"

    def show(self, value: Tokenizer) -> str:
        return f"{value.title} (vocab size: {value.size()})"

    def size(self, value: Tokenizer) -> int:
        return value.size()


register_adapter(Tokenizer, TokenizerAdapter())


def is_punctuation(character: str) -> bool:
    """A punctuation mark or a symbol, of any script."""
    return unicodedata.category(character)[0] in "PS"


def words(source: str) -> list[str]:
    """Lower-cased words, and each punctuation mark as a word of its own."""
    found: list[str] = []
    start = 0
    for index, character in enumerate(source):
        space = character.isspace()
        if space or is_punctuation(character):
            if index > start:
                found.append(source[start:index].lower())
            if not space:
                found.append(character)
            start = index + 1
    if start < len(source):
        found.append(source[start:].lower())
    return found


class SimpleTokenizer(Tokenizer):
    """Words and punctuation marks, with a vocabulary that grows as it reads."""

    title = "Simple Tokenizer"
    marks = ("<pad>", "<unk>", "<bos>", "<eos>")

    def __init__(self, entries: Iterable[str] = (), frozen: bool = False) -> None:
        self.entries = list(self.marks)
        self.ids = {entry: index for index, entry in enumerate(self.entries)}
        self.frozen = frozen
        for entry in entries:
            if not entry or entry in self.ids:
                raise LispError(f"the vocabulary entry '{entry}' is empty or there twice")
            self.ids[entry] = len(self.entries)
            self.entries.append(entry)

    def size(self) -> int:
        return len(self.entries)

    def encode(self, source: str, bos: bool | None = None, eos: bool | None = None) -> list[int]:
        found = [] if bos is False else [BOS]
        ids, entries = self.ids, self.entries
        for word in words(source):
            index = ids.get(word)
            if index is None:
                if self.frozen:
                    index = UNK
                else:
                    index = ids[word] = len(entries)
                    entries.append(word)
            found.append(index)
        if eos is not False:
            found.append(EOS)
        return found

    def decode(self, ids: list[int]) -> str:
        parts: list[str] = []
        for index in ids:
            if index == UNK or EOS < index < len(self.entries):
                entry = self.entries[index]
                if parts and (index == UNK or not is_punctuation(entry[0])):
                    parts.append(" ")
                parts.append(entry)
        return "".join(parts)

    def piece(self, index: int) -> str:
        return self.entries[index]

    def lookup(self, entry: str) -> int | None:
        return self.ids.get(entry)

    def special(self, name: str) -> int | None:
        return SPECIALS.index(name)


# ------------------------------------------------------------------ arguments


def tokenizer_of(value: Any) -> Tokenizer:
    if isinstance(value, Tokenizer):
        return value
    raise LispError(f"the first argument must be a tokenizer, not {what(value)}")


def ids_of(value: Any, name: str = "ids") -> list[int]:
    """Ids from a tensor of any shape, integer lists of any nesting, or one id."""
    if isinstance(value, Tensor):
        if value.is_floating_point() or value.is_complex() or value.dtype is torch.bool:
            raise LispError(f"{name} must be integers, not {dtype_name(value.dtype)}")
        return [int(n) for n in value.detach().reshape(-1).tolist()]
    if isinstance(value, (Integers, Shorts)):
        return list(value)
    if isinstance(value, int) and value.__class__ is not bool:
        return [int(value)]
    if is_list(value):
        return [index for member in value for index in ids_of(member, name)]
    raise LispError(f"{name} must be integers, not {what(value)}")


def mark_of(value: Any, name: str) -> bool | None:
    """true, nil, or None for the habit of the tokenizer."""
    return None if isinstance(value, str) and value == HABIT else boolean(value, name)


# ------------------------------------------------------------------ primitives


@primitive(
    "torch_simple_tokenizer", "torch_tokenizer_create", "torch_tokenizer_simple_create",
    library=LIBRARY,
)  # fmt: skip
def torch_simple_tokenizer(entries: Any = None) -> SimpleTokenizer:
    """A tokenizer of words, whose vocabulary grows with every text that it encodes.

    Ids 0 to 3 are <pad>, <unk>, <bos> and <eos>; a list of strings gives it
    more entries from the start. Punctuation is a token of its own, and case is
    folded, both by the rules of Unicode.

    (torch_simple_tokenizer)
    ; Simple Tokenizer (vocab size: 4)
    """
    if entries is not None and not is_list(entries):
        raise LispError(f"entries must be a list of strings, not {what(entries)}")
    return SimpleTokenizer(text(member, "an entry") for member in entries or ())


@primitive("torch_encode", "torch_tokenizer_encode", library=LIBRARY)
def torch_encode(tokenizer: Any, text_: Any, add_bos: Any = HABIT, add_eos: Any = HABIT) -> Any:
    """The ids of a text, an int64 tensor [n]; of a list of texts, a list of such tensors.

    A simple tokenizer puts <bos> before and <eos> after the words and adds
    unknown words to its vocabulary; SentencePiece gives its pieces alone; a
    Hugging Face tokenizer does what its file says. add_bos and add_eos, true
    or nil, say otherwise.

    (torch_encode (torch_simple_tokenizer) "Hello world!")
    ; (2 4 5 6 3)
    """
    found = tokenizer_of(tokenizer)
    bos, eos = mark_of(add_bos, "add_bos"), mark_of(add_eos, "add_eos")
    if is_list(text_):
        return List(_tensor(found.encode(text(member, "text"), bos, eos)) for member in text_)
    return _tensor(found.encode(text(text_, "text"), bos, eos))


def _tensor(ids: list[int]) -> Tensor:
    return placed(torch.tensor(ids, dtype=torch.int64))


@primitive("torch_decode", "torch_tokenizer_decode", library=LIBRARY)
def torch_decode(tokenizer: Any, token_ids: Any) -> str:
    """The text of ids: a tensor of any shape, an integer list, or one id.

    A simple tokenizer leaves out <pad>, <bos>, <eos> and ids that it does not
    know, and puts a space before every word that is no punctuation mark. For
    the others an unknown id is an error.

    (setq t (torch_simple_tokenizer))
    (torch_decode t (torch_encode t "Hello world!"))
    ; hello world!
    """
    return tokenizer_of(tokenizer).decode(ids_of(token_ids))


@primitive(
    "torch_vocab_size", "torch_tokenizer_get_vocab_size", "torch_vocabulary_size", library=LIBRARY
)
def torch_vocab_size(tokenizer: Any) -> int:
    """The number of entries of a tokenizer's vocabulary, special ones included.

    That of a simple tokenizer grows: size an embedding after encoding.

    (torch_vocab_size (torch_simple_tokenizer))
    ; 4
    """
    return tokenizer_of(tokenizer).size()


@primitive("torch_token_pieces", "torch_encode_pieces", library=LIBRARY)
def torch_token_pieces(tokenizer: Any, token_ids: Any) -> List:
    """The pieces that ids stand for, or those of a text, one string each.

    SentencePiece writes a space as the mark U+2581.

    (torch_token_pieces (torch_simple_tokenizer) "a cat")
    ; ("<bos>" "a" "cat" "<eos>")
    """
    found = tokenizer_of(tokenizer)
    ids = found.encode(token_ids) if isinstance(token_ids, str) else ids_of(token_ids)
    return List(found.piece(index) for index in found.checked(ids))


@primitive("torch_token_id", library=LIBRARY)
def torch_token_id(tokenizer: Any, token: Any) -> int | None:
    """The id of a vocabulary entry, or of one of the marks pad, unk, bos and eos.

    nil if the vocabulary has no such entry.

    (torch_token_id (torch_simple_tokenizer) "eos")
    ; 3
    """
    found = tokenizer_of(tokenizer)
    entry = text(token, "token")
    index = found.lookup(entry)
    return found.special(entry) if index is None and entry in SPECIALS else index


def _simple(value: Any) -> SimpleTokenizer:
    if isinstance(value, SimpleTokenizer):
        return value
    raise LispError(f"the first argument must be a simple tokenizer, not {what(value)}")


@primitive("torch_tokenizer_freeze", library=LIBRARY)
def torch_tokenizer_freeze(tokenizer: Any, frozen: Any = True) -> bool:
    """Stop a simple tokenizer from growing: unknown words become <unk>. nil lets it grow again.

    (setq t (torch_simple_tokenizer))
    (torch_encode t "a b")
    (torch_tokenizer_freeze t)
    (torch_encode t "a c")
    ; (2 4 1 3)
    """
    _simple(tokenizer).frozen = boolean(frozen, "frozen")
    return True


@primitive("torch_tokenizer_save", library=LIBRARY, needs=("fs",))
def torch_tokenizer_save(tokenizer: Any, path: Any) -> str:
    """Write the vocabulary of a simple tokenizer to a JSON file.

    (torch_tokenizer_save (torch_simple_tokenizer) "words.json")
    ; Tokenizer saved successfully
    """
    found = _simple(tokenizer)
    record = {
        "format": FORMAT, "version": 1, "kind": "simple", "frozen": found.frozen,
        "entries": found.entries[len(found.marks) :],
    }  # fmt: skip
    storage.write_json(text(path, "path"), record)
    return "Tokenizer saved successfully"


@primitive("torch_tokenizer_load", library=LIBRARY, needs=("fs",))
def torch_tokenizer_load(path: Any) -> SimpleTokenizer:
    """Read a simple tokenizer from the file that torch_tokenizer_save wrote.

    (torch_tokenizer_save (torch_simple_tokenizer (list "red" "green")) "words.json")
    (torch_tokenizer_load "words.json")
    ; Simple Tokenizer (vocab size: 6)
    """
    name = text(path, "path")
    found = storage.read_json(name)
    entries = found.get("entries") if isinstance(found, Mapping) else None
    if not isinstance(entries, list) or found.get("format") != FORMAT:
        raise LispError(f"cannot read {name}: it holds no tokenizer")
    return SimpleTokenizer((text(e, "an entry") for e in entries), found.get("frozen") is True)


# ------------------------------------------------------------------ streams


class StreamDecoder:
    """Ids one at a time to text; the parts joined equal the whole decoded at once.

    The text of the last ids is computed anew with each id, and what was added
    is handed out, unless it ends in half a character. The window of ids is
    cut where its text shows that what lies before does not matter.
    """

    #: At this length a window is cut to its end, of the second length.
    LONG = 64
    KEPT = 24

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self.decode = decode
        self.window: list[int] = []
        #: How much of the text of the window has been handed out.
        self.given = 0

    def add(self, ids: Iterable[int]) -> str:
        """The text that has become certain with these ids."""
        parts = []
        for index in ids:
            whole = self.decode([*self.window, index])
            self.window.append(index)
            if not whole.endswith(REPLACEMENT):
                parts.append(whole[self.given :])
                self.given = max(self.given, len(whole))
                if len(self.window) >= self.LONG:
                    self._cut(whole)
        return "".join(parts)

    def _cut(self, whole: str) -> None:
        kept = self.window[-self.KEPT :]
        tail = self.decode(kept)
        # Spaces alone, or a start within a character, would read otherwise at the front.
        if tail.strip() and REPLACEMENT not in tail and whole.endswith(tail):
            self.window, self.given = kept, len(tail)

    def finish(self) -> str:
        """What is left, complete or not."""
        rest = self.decode(self.window)[self.given :]
        self.window, self.given = [], 0
        return rest


class StreamAdapter(Adapter):
    name = "torch_stream_decoder_"

    def show(self, value: Any) -> str:
        return "Stream Decoder"


register_adapter(StreamDecoder, StreamAdapter())


@primitive("torch_stream_decoder", library=LIBRARY)
def torch_stream_decoder(tokenizer: Any) -> StreamDecoder:
    """A decoder that takes ids as they come and gives text as soon as it is certain.

    A character of several bytes is held back until it is whole.

    (torch_stream_decoder (torch_simple_tokenizer))
    ; Stream Decoder
    """
    return StreamDecoder(tokenizer_of(tokenizer).decode)


@primitive("torch_stream_decode", library=LIBRARY)
def torch_stream_decode(decoder: Any, token_ids: Any = None) -> str:
    """Give ids to a stream decoder; the text that is new. Without ids: what is left.

    What it gives, joined, is what torch_decode gives for all ids at once.
    After the call without ids it can be used anew.

    (setq d (torch_stream_decoder (torch_simple_tokenizer (list "one" "two"))))
    (list (torch_stream_decode d 4) (torch_stream_decode d 5) (torch_stream_decode d))
    ; ("one" " two" "")
    """
    if not isinstance(decoder, StreamDecoder):
        raise LispError(f"the first argument must be a stream decoder, not {what(decoder)}")
    return decoder.finish() if token_ids is None else decoder.add(ids_of(token_ids))


# ------------------------------------------------------------------ batches


@primitive("torch_pad_sequences", "torch_pad_sequence", library=LIBRARY)
def torch_pad_sequences(sequences: Any, max_length: Any = None, pad_token: Any = 0) -> Tensor:
    """Sequences of ids as the rows of one int64 tensor [batch, max_length].

    A longer one is cut, a shorter one filled on the right with pad_token. The
    longest gives the length where none is given. A sequence is a tensor, which
    is flattened, or a list of integers.

    (torch_pad_sequences (list (integers 5 6 7) (integers 8)) 2)
    ; ((5 6) (8 0))
    """
    if isinstance(sequences, Tensor) and sequences.dim() == 2:
        sequences = List(sequences)
    if not is_list(sequences) or isinstance(sequences, (Integers, Shorts)) or not len(sequences):
        raise LispError("sequences must be a list of tensors or lists, not empty")
    rows = [ids_of(member, "sequences") for member in sequences]
    length = max(map(len, rows)) if max_length is None else natural(max_length, "max_length")
    pad = 0 if pad_token is None else integer(pad_token, "pad_token")
    filled = [(row + [pad] * (length - len(row)))[:length] for row in rows]
    if not -(1 << 63) <= pad < 1 << 63:
        raise LispError(f"pad_token is too large: {what(pad_token)}")
    return placed(torch.tensor(filled, dtype=torch.int64))


@primitive("torch_attention_mask", "torch_create_attention_mask", library=LIBRARY)
def torch_attention_mask(sequences: Any, pad_token: Any = 0) -> Tensor:
    """1 where an id is none of the padding, else 0: a float32 tensor of the same shape.

    (torch_attention_mask (torch_tensor '((5 6 0) (7 0 0))))
    ; ((1 1 0) (1 0 0))
    """
    if not isinstance(sequences, Tensor):
        raise LispError(f"argument must be a tensor, not {what(sequences)}")
    pad = 0 if pad_token is None else integer(pad_token, "pad_token")
    return (sequences != pad).to(torch.float32)
