"""The tokenizer inside a GGUF file: byte-level BPE, as most models of today have it."""

from __future__ import annotations

from typing import Any

from lispe_py.errors import LispError

from .gguf_reader import GGUF

_LETTERS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"

#: How a text is cut before pairs are merged, by the name in the file: a pattern, or
#: None for that of GPT-2, with digits apart where the second entry says so.
_CUTS: dict[str, tuple[str | None, bool]] = {
    "gpt-2": (None, False),
    "default": (None, False),
    "smollm": (None, True),
    "llama-bpe": (rf"{_ENDINGS}|{_LETTERS}|\p{{N}}{{1,3}}|{_REST}", False),
    "qwen2": (rf"{_ENDINGS}|{_LETTERS}|\p{{N}}|{_REST}", False),
}

#: Kinds of entries that are never cut: control marks, and what users added.
_CONTROL, _ADDED = 3, 4


def _cutter(file: GGUF) -> Any:
    from tokenizers import Regex, pre_tokenizers

    name = str(file.get("tokenizer.ggml.pre", "default"))
    if name not in _CUTS:
        raise LispError(
            f"unsupported tokenizer in {file.path}: '{name}'",
            hint=f"there are: {' '.join(_CUTS)}",
        )
    pattern, digits = _CUTS[name]
    steps: list[Any] = []
    if digits:
        steps.append(pre_tokenizers.Digits(individual_digits=True))
    if pattern is not None:
        steps.append(pre_tokenizers.Split(Regex(pattern), "isolated"))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None))
    return pre_tokenizers.Sequence(steps)


def read(path: str) -> tuple[Any, dict[str, Any]]:
    """A tokenizer of the package ``tokenizers``, and what a tokenizer_config.json would say.

    Raises:
        LispError: the file is damaged, or holds a tokenizer of another kind.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, processors

    file = GGUF(path)
    kind = file.need("tokenizer.ggml.model")
    if kind != "gpt2":
        raise LispError(f"unsupported tokenizer in {path}: '{kind}'", hint="there is: gpt2")
    entries = [str(entry) for entry in file.need("tokenizer.ggml.tokens")]
    pairs = [str(pair).partition(" ") for pair in file.need("tokenizer.ggml.merges")]
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    whole = file.get("tokenizer.ggml.pre") == "llama-bpe"
    made = Tokenizer(models.BPE(vocabulary, [(a, b) for a, _, b in pairs], ignore_merges=whole))
    made.pre_tokenizer = _cutter(file)
    made.decoder = decoders.ByteLevel()
    kinds = file.get("tokenizer.ggml.token_type") or []
    for wanted in (_CONTROL, _ADDED):
        made.add_tokens([
            AddedToken(entry, special=wanted == _CONTROL, normalized=False)
            for entry, kind in zip(entries, kinds, strict=False)
            if kind == wanted
        ])  # fmt: skip
    config: dict[str, Any] = {"chat_template": file.get("tokenizer.chat_template")}
    for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")):
        index = file.get(f"tokenizer.ggml.{key}_token_id")
        if index is not None and 0 <= int(index) < len(entries):
            config[f"{name}_token"] = entries[int(index)]
    first = config.get("bos_token")
    if file.get("tokenizer.ggml.add_bos_token") and first is not None:
        made.post_processor = processors.TemplateProcessing(
            single=f"{first} $A", special_tokens=[(first, vocabulary[first])]
        )
    return made, config
