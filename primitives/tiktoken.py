"""Byte-pair encoding in the manner of tiktoken: ``(use 'lispe_tiktoken)``.

A vocabulary gives every token its id, and the id is its rank: of the pairs of
neighbours that can be joined, the one of the lowest rank goes first (Sennrich
et al. 2016). A vocabulary whose tokens are written in the byte alphabet of
GPT-2 works on bytes, any other on characters.
"""

from __future__ import annotations

import base64
import heapq
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import regex

from lispe_py.errors import LispError
from lispe_py.protocol import register_adapter
from lispe_py.registry import primitive
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers

from . import storage
from .arguments import integer, is_list, text, what
from .tokenizers import Tokenizer, TokenizerAdapter, ids_of

LIBRARY = "lispe_tiktoken"

#: Characters that stand for a space and for a new line, where tokens are characters.
SPACE, NEWLINE = "\u0120", "\u010a"

#: How texts are cut before pairs are joined, by the name of the family.
PATTERNS = {
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
}

#: Encoded pieces that are remembered.
_REMEMBERED = 1 << 16


@cache
def byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-in of every byte: itself, or the next free one above 255."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    found = {chr(byte): byte for byte in plain}
    hidden = [byte for byte in range(256) if byte not in set(plain)]
    found.update({chr(0x100 + index): byte for index, byte in enumerate(hidden)})
    return found


def merged(parts: list[Any], ranks: Mapping[Any, int]) -> list[Any]:
    """Join neighbours, the pair of the lowest rank first and the left one of equals."""
    count = len(parts)
    after = [*range(1, count), -1]
    before = list(range(-1, count - 1))
    queue: list[tuple[int, int, Any]] = []
    for left in range(count - 1):
        rank = ranks.get(parts[left] + parts[left + 1])
        if rank is not None:
            queue.append((rank, left, parts[left] + parts[left + 1]))
    heapq.heapify(queue)
    while queue:
        _, left, joined = heapq.heappop(queue)
        right = after[left]
        # Pairs whose members were joined with others since have another text.
        if right < 0 or not parts[left] or parts[left] + parts[right] != joined:
            continue
        parts[left] = joined
        parts[right] = parts[right][:0]
        following = after[left] = after[right]
        if following >= 0:
            before[following] = left
            rank = ranks.get(joined + parts[following])
            if rank is not None:
                heapq.heappush(queue, (rank, left, joined + parts[following]))
        previous = before[left]
        if previous >= 0:
            rank = ranks.get(parts[previous] + joined)
            if rank is not None:
                heapq.heappush(queue, (rank, previous, parts[previous] + joined))
    return [part for part in parts if part]


class BytePair(Tokenizer):
    """A vocabulary of tokens, special tokens, and the pattern that cuts texts."""

    title = "Tiktoken"

    def __init__(
        self, vocabulary: Mapping[Any, int], specials: Mapping[str, int], pattern: str
    ) -> None:
        """``vocabulary`` maps bytes, or strings where tokens are characters, to ids."""
        self.bytewise = not any(isinstance(token, str) for token in vocabulary)
        self.ranks: dict[Any, int] = dict(vocabulary)
        self.specials = dict(specials)
        self.names = {index: name for name, index in specials.items()}
        self.tokens: dict[int, Any] = {}
        for token, index in vocabulary.items():
            if index in self.tokens or index in self.names:
                raise LispError(f"the id {index} is given to two tokens")
            self.tokens[index] = token
        if len(self.names) < len(specials):
            raise LispError("two special tokens have the same id")
        try:
            self.cutter = regex.compile(pattern)
        except regex.error as error:
            raise LispError(f"'{pattern}' is no regular expression: {error}") from None
        longest_first = sorted(self.specials, key=len, reverse=True)
        marks = "|".join(regex.escape(name) for name in longest_first)
        self.marks = regex.compile(f"({marks})") if marks else None
        self.space = SPACE
        self.metas = {} if self.bytewise else {SPACE: " ", NEWLINE: "\n"}
        unknown = b"<unk>" if self.bytewise else "<unk>"
        self.unknown = self.specials.get("<unk>", self.ranks.get(unknown))
        self.remembered: dict[str, list[int]] = {}

    # ------------------------------------------------------------ encoding

    def encode(self, source: str, bos: bool | None = None, eos: bool | None = None) -> list[int]:
        found: list[int] = []
        for wanted, name in ((bos, "bos"), (eos, "eos")):
            if wanted and self.special(name) is None:
                raise LispError(f"this vocabulary has no {name} token")
        if bos:
            found.append(self.special("bos"))  # type: ignore[arg-type]
        for part in self.marks.split(source) if self.marks else (source,):
            if part in self.specials:
                found.append(self.specials[part])
            else:
                self._plain(part, found)
        if eos:
            found.append(self.special("eos"))  # type: ignore[arg-type]
        return found

    def _plain(self, source: str, found: list[int]) -> None:
        """The ids of a text without special tokens. What the pattern leaves out is a piece too."""
        done = 0
        for match in self.cutter.finditer(source):
            start, end = match.span()
            if start > done:
                found.extend(self._piece(source[done:start]))
            if end > start:
                found.extend(self._piece(source[start:end]))
            done = max(done, end)
        if done < len(source):
            found.extend(self._piece(source[done:]))

    def _piece(self, piece: str) -> list[int]:
        found = self.remembered.get(piece)
        if found is None:
            found = self._joined(piece)
            if len(self.remembered) < _REMEMBERED and len(piece) < 64:
                self.remembered[piece] = found
        return found

    def _joined(self, piece: str) -> list[int]:
        whole: Any
        if self.bytewise:
            try:
                whole = piece.encode()
            except UnicodeEncodeError:
                raise LispError("text holds characters that no UTF-8 text can hold") from None
            parts: list[Any] = [whole[i : i + 1] for i in range(len(whole))]
        else:
            whole = piece.replace(" ", self.space).replace("\n", NEWLINE)
            parts = list(whole)
        index = self.ranks.get(whole)
        if index is not None:
            return [index]
        found = []
        for part in merged(parts, self.ranks):
            index = self.ranks.get(part, self.unknown)
            if index is None:
                raise LispError(f"the vocabulary has no token for {_shown(part)}")
            found.append(index)
        return found

    # ------------------------------------------------------------ decoding

    def token(self, index: int) -> Any:
        """The text or the bytes of an id."""
        found = self.names.get(index)
        if found is None:
            found = self.tokens.get(index)
        if found is None:
            raise LispError(f"unknown token id: {index}")
        return found

    def bytes_of(self, ids: Sequence[int]) -> bytes:
        found = []
        for index in ids:
            token = self.token(index)
            if isinstance(token, str):
                if index not in self.names:
                    for meta, replacement in self.metas.items():
                        token = token.replace(meta, replacement)
                token = token.encode("utf-8", "replace")
            found.append(token)
        return b"".join(found)

    def decode(self, ids: Sequence[int]) -> str:
        return self.bytes_of(ids).decode("utf-8", "replace")

    # ------------------------------------------------------------ vocabulary

    def size(self) -> int:
        """One more than the highest id: the rows that an embedding needs."""
        return max([*self.tokens, *self.names], default=-1) + 1

    def checked(self, ids: list[int]) -> list[int]:
        for index in ids:
            self.token(index)
        return ids

    def piece(self, index: int) -> str:
        token = self.token(index)
        return token if isinstance(token, str) else token.decode("utf-8", "replace")

    def lookup(self, entry: str) -> int | None:
        index = self.specials.get(entry)
        if index is None:
            index = self.ranks.get(entry.encode() if self.bytewise else entry)
        return index

    def special(self, name: str) -> int | None:
        """A mark by one of the names that vocabularies give it."""
        for spelt in _MARKS.get(name, ()):
            if spelt in self.specials:
                return self.specials[spelt]
        return self.unknown if name == "unk" else None


_MARKS = {
    "bos": ("<bos>", "<s>", "<|begin_of_text|>", "<|startoftext|>"),
    "eos": ("<eos>", "</s>", "<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>"),
    "pad": ("<pad>", "<|pad|>", "<|padding|>"),
    "unk": ("<unk>",),
}


def _shown(part: Any) -> str:
    if isinstance(part, str):
        return f"the character '{part}'"
    return f"the byte {part[0]}" if len(part) == 1 else f"the bytes {list(part)}"


class BytePairAdapter(TokenizerAdapter):
    name = "tiktoken_"

    def show(self, value: Any) -> str:
        return f"{value.title} (vocab size: {len(value.tokens)})"


register_adapter(BytePair, BytePairAdapter())


# ------------------------------------------------------------------ arguments


def _vocabulary(value: Any) -> dict[Any, int]:
    if not isinstance(value, Mapping) or not value:
        raise LispError(f"vocab must be a dictionary of tokens and ids, not {what(value)}")
    found: dict[str, int] = {}
    for token, index in value.items():
        if not isinstance(token, str) or not token:
            raise LispError(f"a token of vocab must be a string, not {what(token)}")
        found[token] = _id(index)
    alphabet = byte_alphabet()
    if all(character in alphabet for token in found for character in token):
        return {bytes(alphabet[c] for c in token): index for token, index in found.items()}
    return found


def _id(value: Any) -> int:
    index = integer(value, "a token id")
    if index < 0:
        raise LispError(f"a token id must not be negative: {index}")
    return index


def _specials(value: Any) -> dict[str, int]:
    """Special tokens: a list of dictionaries with content and id, or one from texts to ids."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {text(name, "a special token"): _id(index) for name, index in value.items()}
    if not is_list(value):
        raise LispError(f"special_tokens must be a list of dictionaries, not {what(value)}")
    found: dict[str, int] = {}
    for member in value:
        content = member.get("content") if isinstance(member, Mapping) else None
        if not isinstance(content, str) or not content or "id" not in member:
            raise LispError("a special token must be a dictionary with 'content' and 'id'")
        if content in found:
            raise LispError(f"the special token '{content}' is there twice")
        found[content] = _id(member["id"])
    return found


def _pattern(value: Any) -> str:
    if value is None:
        return PATTERNS["gpt2"]
    found = text(value, "pattern")
    return PATTERNS.get(found, found)


def _bpe(value: Any) -> BytePair:
    if isinstance(value, BytePair):
        return value
    raise LispError(f"the first argument must be a tiktoken object, not {what(value)}")


# ------------------------------------------------------------------ primitives


@primitive("tiktoken_create", library=LIBRARY)
def tiktoken_create(vocab: Any, special_tokens: Any = None, pattern: Any = None) -> BytePair:
    """Make a byte-pair tokenizer from a dictionary of tokens and their ids.

    Special tokens are a list of dictionaries with content and id; the pattern
    cuts a text into pieces, within which pairs are joined, the lowest id
    first. It may be one of the names gpt2 (the default) and cl100k. If all
    tokens are written in the byte alphabet of GPT-2, they stand for bytes;
    otherwise they are characters, and a space is looked up as U+0120.

    (tiktoken_create (dictionary "a" 0 "b" 1 "ab" 2) (list) `\\w+|\\s+`)
    ; Tiktoken (vocab size: 3)
    """
    return BytePair(_vocabulary(vocab), _specials(special_tokens), _pattern(pattern))


@primitive("tiktoken_load", library=LIBRARY, needs=("fs",))
def tiktoken_load(path: Any, special_tokens: Any = None, pattern: Any = None) -> BytePair:
    """Load a file of ranks: on each line a token in base 64, a space and its id.

    That is the format of .tiktoken files and of the tokenizer.model of Llama 3.
    Special tokens and pattern are those of tiktoken_create, but cl100k is the
    default pattern.

    (fwrite "ab.tiktoken" "YQ== 0\\nYg== 1\\nYWI= 2\\n")
    (tiktoken_encode (tiktoken_load "ab.tiktoken") "abba")
    ; (2 1 0)
    """
    name = storage.existing(text(path, "path"))
    found: dict[bytes, int] = {}
    try:
        with open(name, "rb") as stream:
            for line in stream:
                if line.strip():
                    token, _, index = line.rstrip().partition(b" ")
                    found[base64.b64decode(token, validate=True)] = int(index)
    except (OSError, ValueError):
        raise LispError(f"cannot read {name}: it is no file of ranks") from None
    if not found or b"" in found:
        raise LispError(f"cannot read {name}: it is no file of ranks")
    cutting = PATTERNS["cl100k"] if pattern is None else _pattern(pattern)
    return BytePair(found, _specials(special_tokens), cutting)


@primitive("tiktoken_encode", library=LIBRARY)
def tiktoken_encode(bpe_object: Any, text_: Any) -> Integers:
    """The ids of a text, integers.

    Special tokens are cut out first, the longest where several fit. A byte or
    a character without a token becomes <unk> if there is one, else it is an error.

    (tiktoken_encode (tiktoken_create (dictionary "a" 0 "b" 1 "ab" 2)) "abba")
    ; (2 1 0)
    """
    return Integers(_bpe(bpe_object).encode(text(text_, "text")))


@primitive("tiktoken_decode", library=LIBRARY)
def tiktoken_decode(bpe_object: Any, ids: Any) -> str:
    """The text of ids; bytes that make no character become U+FFFD. An unknown id is an error.

    (tiktoken_decode (tiktoken_create (dictionary "a" 0 "b" 1 "ab" 2)) (integers 2 1))
    ; abb
    """
    return _bpe(bpe_object).decode(ids_of(ids))


@primitive("tiktoken_special_encode", library=LIBRARY)
def tiktoken_special_encode(bpe_object: Any, text_: Any) -> int:
    """The id of a special token, -1 if there is none of this text.

    (tiktoken_special_encode (tiktoken_create (dictionary "a" 0)
       (list (dictionary "content" "<end>" "id" 9))) "<end>")
    ; 9
    """
    return _bpe(bpe_object).specials.get(text(text_, "text"), -1)


@primitive("tiktoken_vocab_size", library=LIBRARY)
def tiktoken_vocab_size(bpe_object: Any) -> int:
    """The number of ordinary tokens; special ones are not counted.

    (tiktoken_vocab_size (tiktoken_create (dictionary "a" 0 "b" 1 "ab" 2)))
    ; 3
    """
    return len(_bpe(bpe_object).tokens)


@primitive("tiktoken_set_space", library=LIBRARY)
def tiktoken_set_space(bpe_object: Any, str: Any) -> bool:
    """Set the character that stands for a space in a vocabulary of characters.

    It is read as a space when ids are decoded, too.

    (tiktoken_set_space (tiktoken_create (dictionary "a" 0 "▁a" 1)) "▁")
    ; true
    """
    found, mark = _bpe(bpe_object), text(str, "str")
    if len(mark) != 1:
        raise LispError(f"str must be one character, not '{mark}'")
    if not found.bytewise:
        if found.metas.get(found.space) == " ":
            del found.metas[found.space]
        found.metas[mark] = " "
    found.space = mark
    found.remembered.clear()
    return True


def _add_meta(found: BytePair, meta: Any, replacement: Any) -> None:
    mark = text(meta, "meta_char")
    if not mark:
        raise LispError("meta_char must not be empty")
    found.metas[mark] = text(replacement, "replacement")


@primitive("tiktoken_add_meta", library=LIBRARY)
def tiktoken_add_meta(bpe_object: Any, meta_char: Any, replacement: Any) -> bool:
    """Replace a character by a text when ids are decoded; not for vocabularies of bytes.

    (setq t (tiktoken_create (dictionary "a" 0 "▁a" 1)))
    (tiktoken_add_meta t "▁" " ")
    (tiktoken_decode t (integers 0 1))
    ; a a
    """
    _add_meta(_bpe(bpe_object), meta_char, replacement)
    return True


@primitive("tiktoken_remove_meta", library=LIBRARY)
def tiktoken_remove_meta(bpe_object: Any, meta_char: Any) -> bool:
    """Leave a character as it is when ids are decoded.

    (tiktoken_remove_meta (tiktoken_create (dictionary "a" 0 "▁a" 1)) "▁")
    ; true
    """
    _bpe(bpe_object).metas.pop(text(meta_char, "meta_char"), None)
    return True


@primitive("tiktoken_list_meta", library=LIBRARY)
def tiktoken_list_meta(bpe_object: Any, metas: Any = None) -> Any:
    """The replacements of decoding, a dictionary; with a dictionary it adds them instead.

    (tiktoken_list_meta (tiktoken_create (dictionary "a" 0 "▁a" 1)) (dictionary "▁" " "))
    ; true
    """
    found = _bpe(bpe_object)
    if metas is None:
        return Dictionary(found.metas)
    if not isinstance(metas, Mapping):
        raise LispError(f"metas must be a dictionary, not {what(metas)}")
    for meta, replacement in metas.items():
        _add_meta(found, meta, replacement)
    return True


@primitive("tiktoken_decode_bytes", library=LIBRARY)
def tiktoken_decode_bytes(bpe_object: Any, ids: Any) -> Integers:
    """The bytes of ids, integers from 0 to 255.

    (tiktoken_decode_bytes (tiktoken_create (dictionary "a" 0 "b" 1 "ab" 2)) (integers 2 0))
    ; (97 98 97)
    """
    return Integers(_bpe(bpe_object).bytes_of(ids_of(ids)))


@primitive("tiktoken_decode_single_token_bytes", library=LIBRARY)
def tiktoken_decode_single_token_bytes(bpe_object: Any, token: Any) -> Integers:
    """The bytes of one id, integers from 0 to 255.

    (tiktoken_decode_single_token_bytes (tiktoken_create (dictionary "a" 0 "b" 1 "ab" 2)) 2)
    ; (97 98)
    """
    return Integers(_bpe(bpe_object).bytes_of([integer(token, "token")]))


@primitive("tiktoken_token_byte_values", library=LIBRARY)
def tiktoken_token_byte_values(bpe_object: Any) -> List:
    """The bytes of every ordinary token, in order.

    (tiktoken_token_byte_values (tiktoken_create (dictionary "b" 0 "a" 1 "ab" 2)))
    ; ((97) (97 98) (98))
    """
    found = _bpe(bpe_object)
    return List(Integers(token) for token in sorted(found.bytes_of([i]) for i in found.tokens))
