"""Tokenizers of Hugging Face models, and the prompts that chat models expect."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lispe_py.errors import LispError
from lispe_py.registry import primitive

from . import gguf_tokenizers, storage
from .arguments import boolean, is_list, text, what
from .sentencepiece_models import load as load_sentencepiece
from .tokenizers import LIBRARY, SPECIALS, Tokenizer, tokenizer_of

_FAST, _PIECES, _CONFIG = "tokenizer.json", "tokenizer.model", "tokenizer_config.json"
_TEMPLATE = "chat_template.jinja"


class HFTokenizer(Tokenizer):
    """A tokenizer.json, with the special tokens and the chat template beside it."""

    title = "Hugging Face Tokenizer"

    def __init__(self, made: Any, config: Mapping[str, Any], template: str | None) -> None:
        self.made = made
        self.template = template
        self.specials: dict[str, str] = {}
        for name in SPECIALS:
            entry = config.get(f"{name}_token")
            content = entry.get("content") if isinstance(entry, Mapping) else entry
            if isinstance(content, str) and made.token_to_id(content) is not None:
                self.specials[name] = content

    def size(self) -> int:
        return int(self.made.get_vocab_size())

    def encode(self, source: str, bos: bool | None = None, eos: bool | None = None) -> list[int]:
        try:
            ids: list[int] = list(self.made.encode(source).ids)
        except (UnicodeEncodeError, TypeError):
            raise LispError("text holds characters that no UTF-8 text can hold") from None
        for wanted, name, place in ((bos, "bos", 0), (eos, "eos", -1)):
            if wanted is None:
                continue
            mark = self.special(name)
            if mark is None:
                if wanted:
                    raise LispError(f"this tokenizer has no {name} token")
                continue
            there = bool(ids) and ids[place] == mark
            if wanted and not there:
                ids.insert(0 if place == 0 else len(ids), mark)
            elif there and not wanted:
                del ids[place]
        return ids

    def decode(self, ids: list[int]) -> str:
        return str(self.made.decode(self.checked(ids), skip_special_tokens=True))

    def piece(self, index: int) -> str:
        found = self.made.id_to_token(index)
        if found is None:
            raise LispError(f"unknown token id: {index}")
        return str(found)

    def checked(self, ids: list[int]) -> list[int]:
        for index in ids:
            if index < 0 or self.made.id_to_token(index) is None:
                raise LispError(f"unknown token id: {index}")
        return ids

    def lookup(self, entry: str) -> int | None:
        found = self.made.token_to_id(entry)
        return None if found is None else int(found)

    def special(self, name: str) -> int | None:
        content = self.specials.get(name)
        return None if content is None else self.lookup(content)


def _config(folder: str) -> dict[str, Any]:
    """What lies beside a tokenizer: its special tokens, and perhaps a template."""
    found: dict[str, Any] = {}
    for name in ("special_tokens_map.json", _CONFIG):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            record = storage.read_json(path)
            if isinstance(record, Mapping):
                found.update(record)
    return found


def _template(folder: str, config: Mapping[str, Any]) -> str | None:
    path = os.path.join(folder, _TEMPLATE)
    if os.path.isfile(path):
        try:
            with open(path, encoding="utf-8") as stream:
                return stream.read()
        except (OSError, ValueError) as error:
            raise LispError(f"cannot read {path}: {storage.reason(error)}") from None
    found = config.get("chat_template")
    if isinstance(found, list):
        named = {t.get("name"): t.get("template") for t in found if isinstance(t, Mapping)}
        found = named.get("default")
    return found if isinstance(found, str) else None


@primitive("torch_hf_tokenizer", library=LIBRARY, needs=("fs",))
def torch_hf_tokenizer(path: Any) -> Tokenizer:
    """Load the tokenizer of a Hugging Face folder, a tokenizer.json or a GGUF file.

    torch_encode adds the marks that the file asks for, torch_decode leaves
    special tokens out. A folder that has only a tokenizer.model gives a
    SentencePiece tokenizer. Needs the package tokenizers, and gguf for GGUF
    files. A missing or damaged file is an error.

    (maybe (torch_hf_tokenizer "nowhere") 'missing)
    ; missing
    """
    given = text(path, "path")
    if not os.path.isdir(given):
        folder, file = os.path.dirname(given), given
    else:
        folder, file = given, _file_in(given)
    if os.path.basename(file) == _PIECES:
        return load_sentencepiece(file)
    storage.existing(file)
    try:
        import tokenizers
    except ImportError:
        raise LispError(
            "Hugging Face tokenizers need the package tokenizers",
            hint="install it: pip install tokenizers",
        ) from None
    if file.endswith(".gguf"):
        made, config = gguf_tokenizers.read(file)
        return HFTokenizer(made, config, config["chat_template"])
    try:
        made = tokenizers.Tokenizer.from_file(file)
    except Exception as error:
        raise LispError(f"cannot read {file}: {storage.reason(error)}") from None
    config = _config(folder)
    return HFTokenizer(made, config, _template(folder, config))


def _file_in(folder: str) -> str:
    """The file of a folder that holds the tokenizer."""
    for name in (_FAST, _PIECES):
        if os.path.isfile(os.path.join(folder, name)):
            return os.path.join(folder, name)
    inside = sorted(name for name in os.listdir(folder) if name.endswith(".gguf"))
    if len(inside) == 1:
        return os.path.join(folder, inside[0])
    raise LispError(f"there is no {_FAST} and no {_PIECES} in {folder}")


def _message(value: Any) -> dict[str, Any]:
    """A message as the template sees it."""
    if isinstance(value, Mapping):
        found = {text(key, "a key of a message"): item for key, item in value.items()}
    elif is_list(value) and len(value) == 2:
        found = {"role": value[0], "content": value[1]}
    else:
        raise LispError(f"a message must be a dictionary or a pair, not {what(value)}")
    for key in ("role", "content"):
        if not isinstance(found.get(key), str):
            raise LispError(f"a message needs '{key}', a string")
    return found


def _refuse(message: str) -> None:
    raise LispError(f"the chat template refuses: {message}")


@primitive("torch_chat_prompt", "torch_hf_chat_prompt", library=LIBRARY)
def torch_chat_prompt(tokenizer: Any, messages: Any, add_generation_prompt: Any = True) -> str:
    """The text that a chat model expects for a conversation, by its own template.

    The messages are dictionaries with role and content, or pairs of the two;
    the roles are mostly system, user and assistant. With
    add_generation_prompt, the default, the text ends where the answer begins.
    Encode it without another bos: (torch_encode tokenizer text nil).

    (maybe (torch_chat_prompt (torch_simple_tokenizer) (list (list "user" "hi"))) 'none)
    ; none
    """
    found = tokenizer_of(tokenizer)
    template = getattr(found, "template", None)
    if template is None:
        raise LispError("this tokenizer has no chat template")
    if not is_list(messages):
        raise LispError(f"messages must be a list, not {what(messages)}")
    conversation = [_message(member) for member in messages]
    try:
        from jinja2 import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise LispError(
            "chat templates need the package jinja2", hint="install it: pip install jinja2"
        ) from None
    # A template comes out of a file: it may compute, but reach nothing outside.
    world = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    world.filters["tojson"] = lambda value, **rest: json.dumps(value, ensure_ascii=False, **rest)
    world.globals["raise_exception"] = _refuse
    world.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    specials = {f"{name}_token": value for name, value in found.specials.items()}  # type: ignore[attr-defined]
    try:
        return world.from_string(template).render(
            messages=conversation,
            add_generation_prompt=boolean(add_generation_prompt, "add_generation_prompt"),
            **specials,
        )
    except LispError:
        raise
    except (TemplateError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise LispError(f"the chat template fails: {storage.reason(error)}") from None
