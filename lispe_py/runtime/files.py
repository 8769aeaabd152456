"""Whole files, with errors that name the path."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.runtime.atomic import write_bytes


def path_of(value: Any, *, sought: bool = False) -> str:
    """A path given as a string; ``~`` is the user's folder.

    Only where a path is merely looked for may it be empty: there is no such file.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if not isinstance(value, str) or not (value or sought):
        raise LispError(f"a path is expected, not: '{display(value)}'")
    if "\0" in value:
        raise LispError("a path cannot hold a character of code 0")
    return os.path.expanduser(value) if value.startswith("~") else str(value)


def reason(error: OSError) -> str:
    return error.strerror or str(error)


def read_bytes(path: str) -> bytes:
    """The content of a file."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise LispError(f"Unknown file: {path}") from None
    except OSError as error:
        raise LispError(f"Cannot read file: {path} ({reason(error)})") from None


def decode(data: bytes, encoding: str, path: str) -> str:
    """Bytes of a file as text; a signature of UTF-8 is dropped."""
    try:
        if encoding == "utf-8":
            return data.decode("utf-8-sig")
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise LispError(
            f"{path} is not in {encoding}: byte {error.start}",
            hint="name its encoding, or read it with 'bread'",
        ) from None
    except LookupError:
        raise LispError(f"unknown encoding: '{encoding}'") from None


def encode(text: str, encoding: str) -> bytes:
    """Text as bytes for a file."""
    try:
        return text.encode(encoding, "surrogateescape" if encoding == "utf-8" else "strict")
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise LispError(f"{encoding} has no '{character}' (U+{ord(character):04X})") from None
    except LookupError:
        raise LispError(f"unknown encoding: '{encoding}'") from None


def read_text(path: str, encoding: str = "utf-8") -> str:
    """The content of a text file, exactly."""
    return decode(read_bytes(path), encoding, path)


def write_pieces(path: str, pieces: Iterable[bytes]) -> None:
    """Put a new content in the place of a file."""
    try:
        write_bytes(path, pieces)
    except OSError as error:
        raise LispError(f"Cannot write in file: {path}", hint=reason(error)) from None


def append_bytes(path: str, data: bytes) -> None:
    """Add to a file, which is created if need be."""
    try:
        with open(path, "ab") as file:
            file.write(data)
    except OSError as error:
        raise LispError(f"Cannot write in file: {path}", hint=reason(error)) from None
