"""Open files: ``file_*``, and ``fopen`` with its like."""

from __future__ import annotations

from typing import Any

from lispe_py.builtins.strings import text_of
from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.registry import primitive
from lispe_py.runtime import files
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.files import path_of
from lispe_py.values.streams import Stream
from lispe_py.values.symbol import Symbol
from lispe_py.values.typed import Strings


def _stream(value: Any) -> Stream:
    if not isinstance(value, Stream):
        raise LispError(f"an open file is expected, not: '{display(value)}'")
    return value


def _opened(path: Any, mode: str, encoding: Any, atom: str) -> Stream:
    name = path_of(path)
    if mode not in ("r", "w", "a"):
        raise LispError(f"unknown mode: '{mode}'", hint="the modes are r, w and a")
    try:
        return Stream(name, mode, "utf-8" if encoding is None else text_of(encoding), atom)
    except OSError as error:
        raise LispError(f"cannot open file: {name}", hint=files.reason(error)) from None


@primitive("file", interpreter=True, needs=("fs",))
def file(lisp: Context, path: Any, mode: Any = None, encoding: Any = None) -> Stream:
    """Open a file to read ``'r``, the default, to write ``'w`` or to add to ``'a``.

    Its text is in UTF-8 unless an encoding is named.

    (setq f (file "out.txt" 'w)) (file_writeln f "line") (file_close f) (fread "out.txt")
    ; line
    """
    lisp.require("fs")
    if mode is not None and mode.__class__ is not Symbol:
        raise LispError("the mode of a file is an atom: 'r, 'w or 'a")
    return _opened(path, "r" if mode is None else mode.name, encoding, "file_")


@primitive("file_close")
def file_close(file: Any) -> bool | None:
    """Close a file; nil if it was closed before.

    (setq f (file "out.txt" 'w)) (list (file_close f) (file_close f))
    ; (true nil)
    """
    return True if _stream(file).close() else None


@primitive("file_eof", truth=True)
def file_eof(file: Any) -> bool | None:
    """Did a read go beyond the end of the file? It may be asked of a closed one.

    (fwrite "a.txt" "a") (setq f (file "a.txt"))
    (list (file_getchar f) (file_eof f) (file_getchar f) (file_eof f))
    ; ("a" nil "" true)
    """
    return True if _stream(file).past_end else None


@primitive("file_read")
def file_read(file: Any, count: Any = -1) -> str:
    """The rest of a file, which closes it, or so many characters of it.

    (fwrite "pq.txt" "p\\nq") (setq f (file "pq.txt")) (size (file_read f))
    ; 3
    """
    return _stream(file).read(to_integer(count))


@primitive("file_readline")
def file_readline(file: Any) -> str:
    """The next line with its end; an empty string after the last one.

    (fwrite "pq.txt" "p\\nq") (setq f (file "pq.txt")) (file_readline f) (file_readline f)
    ; q
    """
    if file.__class__ is Stream and len(file.ahead) > 1:
        # None of these is the last one of the file.
        return file.ahead.pop()  # type: ignore[no-any-return]
    return _stream(file).line()


@primitive("file_readlist")
def file_readlist(file: Any) -> Strings:
    """The remaining lines, without their ends; a last empty one if the text ends with one.

    It closes the file.

    (fwrite "pq.txt" "p\\nq") (file_readlist (file "pq.txt"))
    ; ("p" "q")
    """
    text = _stream(file).read()
    return Strings(text.split("\n")) if text else Strings()


@primitive("file_getchar")
def file_getchar(file: Any) -> str:
    """The next character; an empty string at the end.

    (fwrite "ne.txt" "né") (setq f (file "ne.txt")) (file_getchar f) (file_getchar f)
    ; é
    """
    return _stream(file).read(1)


@primitive("file_getstruct")
def file_getstruct(file: Any, opening: Any, closing: Any) -> str | None:
    """The next balanced group between two characters, both included, or nil.

    Characters in ``"..."`` inside the group do not count.

    (fwrite "k.txt" "k={1{2}} r") (file_getstruct (file "k.txt") "{" "}")
    ; {1{2}}
    """
    begin, end = text_of(opening)[:1], text_of(closing)[:1]
    if not begin or not end:
        raise LispError("'file_getstruct' needs two characters")
    return _stream(file).group(begin, end)


@primitive("file_seek")
def file_seek(file: Any, offset: Any, origin: Any = 0) -> bool:
    """Move in a file, in bytes: from its start (0), from here (1) or from its end (2).

    (fwrite "abc.txt" "abc") (setq f (file "abc.txt")) (file_seek f 2) (file_getchar f)
    ; c
    """
    start = to_integer(origin)
    if start not in (0, 1, 2):
        raise LispError("'file_seek' goes from 0, the start, 1, here, or 2, the end")
    _stream(file).seek(to_integer(offset), start)
    return True


@primitive("file_tell")
def file_tell(file: Any) -> int:
    """The position in a file, in bytes.

    (fwrite "abc.txt" "abc") (setq f (file "abc.txt")) (file_read f 2) (file_tell f)
    ; 2
    """
    return _stream(file).tell()


def _write(stream: Stream, value: Any, end: str = "") -> bool:
    if value.__class__ is str and stream.put(value + end):
        return True
    stream.writing()
    if value.__class__ is bytes:
        stream.write(value + end.encode())
    else:
        stream.write(files.encode(text_of(value) + end, stream.encoding))
    return True


@primitive("file_write")
def file_write(file: Any, value: Any) -> bool:
    """Write the text of a value to a file.

    (setq f (file "out.txt" 'w)) (file_write f 12) (file_close f) (fread "out.txt")
    ; 12
    """
    return _write(_stream(file), value)


@primitive("file_writeln")
def file_writeln(file: Any, value: Any) -> bool:
    """Write the text of a value and the end of a line to a file.

    (setq f (file "out.txt" 'w)) (file_writeln f 12) (file_close f) (size (fread "out.txt"))
    ; 3
    """
    return _write(_stream(file), value, "\n")


# ---------------------------------------------------------------- fopen


@primitive("fopen", interpreter=True, needs=("fs",))
def fopen(lisp: Context, path: Any, mode: Any = "r") -> Stream:
    """Open a file by a mode in a string: ``"r"``, ``"w"`` or ``"a"``.

    (setq f (fopen "io.txt" "w")) (fputchars f "saffron") (fclose f) (fread "io.txt")
    ; saffron
    """
    lisp.require("fs")
    return _opened(path, text_of(mode), None, "file_element_")


@primitive("fclose")
def fclose(file: Any) -> bool | None:
    """Close a file; nil if it was closed before.

    (fclose (fopen "io.txt" "w"))
    ; true
    """
    return True if _stream(file).close() else None


@primitive("fgetchars")
def fgetchars(file: Any, count: Any) -> str | bytes:
    """The next bytes of a file, fewer at its end; a byte string where they are no UTF-8.

    (fwrite "abc.txt" "abc") (fgetchars (fopen "abc.txt" "r") 2)
    ; ab
    """
    data = _stream(file).read_bytes(to_integer(count))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


@primitive("fputchars")
def fputchars(file: Any, value: Any) -> bool:
    """Write the text of a value to a file.

    (setq f (fopen "io.txt" "w")) (fputchars f "new") (fclose f) (fsize "io.txt")
    ; 3
    """
    return _write(_stream(file), value)


@primitive("fseek")
def fseek(file: Any, position: Any) -> bool:
    """Go to a position in a file, in bytes from its start.

    (fwrite "abc.txt" "abc") (setq f (fopen "abc.txt")) (fseek f 2) (fgetchars f 9)
    ; c
    """
    _stream(file).seek(to_integer(position))
    return True


@primitive("ftell")
def ftell(file: Any) -> int:
    """The position in a file, in bytes.

    (fwrite "abc.txt" "abc") (setq f (fopen "abc.txt")) (fseek f 2) (ftell f)
    ; 2
    """
    return _stream(file).tell()
