"""Whole files, folders, what is known of a file."""

from __future__ import annotations

import os
from typing import Any

from lispe_py.builtins.strings import text_of
from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime import files
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.dates import Date
from lispe_py.runtime.files import path_of
from lispe_py.runtime.sequence import iterate
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.streams import Stream
from lispe_py.values.typed import Shorts, Strings
from lispe_py.values.types import is_list


def _content(value: Any, encoding: Any) -> bytes:
    if value.__class__ is bytes:
        return value  # type: ignore[no-any-return]
    return files.encode(text_of(value), _encoding(encoding))


def _encoding(value: Any) -> str:
    return "utf-8" if value is None else text_of(value).lower()


@primitive("fread", interpreter=True, needs=("fs",))
def fread(lisp: Context, path: Any, encoding: Any = None) -> str | bytes:
    """The content of a file, exactly.

    Without an encoding, text is expected in UTF-8; a file that is not gives a
    byte string. With an encoding, such as ``"latin-1"``, a file that is not in
    it is an error.

    (fwrite "note.txt" "alpha") (fread "note.txt")
    ; alpha
    """
    lisp.require("fs")
    name = path_of(path)
    if encoding is not None:
        return files.read_text(name, _encoding(encoding))
    data = files.read_bytes(name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


@primitive("fwrite", interpreter=True, needs=("fs",))
def fwrite(lisp: Context, path: Any, value: Any, encoding: Any = None) -> bool:
    """Write the text of a value to a file, which is replaced when all is written.

    UTF-8 unless another encoding is named; a byte string is written as it is.

    (fwrite "list.txt" '(1 "b")) (fread "list.txt")
    ; (1 "b")
    """
    lisp.require("fs")
    files.write_pieces(path_of(path), [_content(value, encoding)])
    return True


@primitive("fappend", interpreter=True, needs=("fs",))
def fappend(lisp: Context, path: Any, value: Any, encoding: Any = None) -> bool:
    """Add the text of a value to a file, which is created if need be.

    (fwrite "two.txt" "one") (fappend "two.txt" "two") (fread "two.txt")
    ; onetwo
    """
    lisp.require("fs")
    files.append_bytes(path_of(path), _content(value, encoding))
    return True


@primitive("bread", interpreter=True, needs=("fs",))
def bread(lisp: Context, path: Any) -> Shorts:
    """The bytes of a file, all of them, as numbers from 0 to 255.

    (bwrite "three.bin" '(72 10 33)) (bread "three.bin")
    ; (72 10 33)
    """
    lisp.require("fs")
    return Shorts(files.read_bytes(path_of(path)))


def _bytes(value: Any) -> bytes:
    if value.__class__ is bytes:
        return value  # type: ignore[no-any-return]
    if not is_list(value):
        raise LispError("a list of bytes is expected")
    numbers = [to_integer(item) for item in iterate(value)]
    try:
        return bytes(numbers)
    except ValueError:
        wrong = next(number for number in numbers if not 0 <= number < 256)
        raise LispError(f"{wrong} is no byte") from None


@primitive("bwrite", interpreter=True, needs=("fs",))
def bwrite(lisp: Context, path: Any, values: Any) -> bool:
    """Write a list of numbers from 0 to 255, or a byte string, as the bytes of a file.

    (bwrite "hi.bin" (shorts 72 105)) (fread "hi.bin")
    ; Hi
    """
    lisp.require("fs")
    files.write_pieces(path_of(path), [_bytes(values)])
    return True


@primitive("bappend", interpreter=True, needs=("fs",))
def bappend(lisp: Context, path: Any, values: Any) -> bool:
    """Add a list of bytes to a file, which is created if need be.

    (bwrite "more.bin" '(72)) (bappend "more.bin" '(33)) (bread "more.bin")
    ; (72 33)
    """
    lisp.require("fs")
    files.append_bytes(path_of(path), _bytes(values))
    return True


# ---------------------------------------------------------------- folders


@primitive("isdirectory", interpreter=True, needs=("fs",), truth=True)
def isdirectory(lisp: Context, path: Any) -> bool | None:
    """Is there a folder of this name?

    (list (isdirectory ".") (isdirectory "no_such_folder"))
    ; (true nil)
    """
    lisp.require("fs")
    return True if os.path.isdir(path_of(path, sought=True)) else None


@primitive("file_exists", interpreter=True, needs=("fs",), truth=True)
def file_exists(lisp: Context, path: Any) -> bool | None:
    """Is there a file or a folder of this name?

    (list (file_exists ".") (file_exists "no_such_file"))
    ; (true nil)
    """
    lisp.require("fs")
    return True if os.path.exists(path_of(path, sought=True)) else None


@primitive("mkdir", interpreter=True, needs=("fs",))
def mkdir(lisp: Context, path: Any) -> bool:
    """Make a folder, and those it lies in; true, also where it is there already.

    An error where a file has that name, or the place may not be written.

    (mkdir "results/today") (isdirectory "results/today")
    ; true
    """
    lisp.require("fs")
    os.makedirs(path_of(path), exist_ok=True)
    return True


@primitive("ls", interpreter=True, needs=("fs",))
def ls(lisp: Context, path: Any = ".") -> Strings:
    """The entries of a folder in order, each after the path given; empty if there is none.

    Entries of the current folder stand alone.

    (ls "no_such_folder")
    ; ()
    """
    lisp.require("fs")
    name = path_of(path, sought=True)
    if not os.path.isdir(name):
        return Strings()
    try:
        entries = sorted(os.listdir(name))
    except OSError as error:
        raise LispError(f"Cannot read folder: {name} ({files.reason(error)})") from None
    if name in (".", "./"):
        return Strings(entries)
    return Strings([os.path.join(name, entry) for entry in entries])


@primitive("fileinfo", interpreter=True, needs=("fs",))
def fileinfo(lisp: Context, path: Any) -> Dictionary | None:
    """What is known of a file: size, three dates, full path, whether it is a folder.

    ``date`` is when its content was written, ``access`` when it was read,
    ``change`` when its properties changed. Nil for a missing file.

    (fwrite "five.txt" "hello") (key@ (fileinfo "five.txt") "size")
    ; 5
    """
    lisp.require("fs")
    name = path_of(path, sought=True)
    try:
        status = os.stat(name)
    except OSError:
        return None
    return Dictionary(
        {
            "size": status.st_size,
            "date": Date(status.st_mtime),
            "access": Date(status.st_atime),
            "change": Date(status.st_ctime),
            "pathname": os.path.realpath(name),
            "directory": True if os.path.isdir(name) else None,
        }
    )


@primitive("realpath", interpreter=True, needs=("fs",))
def realpath(lisp: Context, path: Any) -> str:
    """The full path of a file or folder, links followed; empty if it is missing.

    (realpath "no_such_file")
    ;
    """
    lisp.require("fs")
    name = path_of(path, sought=True)
    return os.path.realpath(name) if os.path.exists(name) else ""


@primitive("fsize", interpreter=True, needs=("fs",))
def fsize(lisp: Context, file: Any) -> int:
    """The size in bytes of a file, given by its path or open.

    (fwrite "eight.txt" "abcdefgh") (fsize "eight.txt")
    ; 8
    """
    lisp.require("fs")
    if isinstance(file, Stream):
        if file.file is not None and file.mode != "r":
            file.file.flush()
        name = file.path
    else:
        name = path_of(file)
    try:
        return os.stat(name).st_size
    except FileNotFoundError:
        raise LispError(f"Unknown file: {name}") from None
    except OSError as error:
        raise LispError(f"Cannot read file: {name} ({files.reason(error)})") from None
