"""Open files, read and written character by character or line by line."""

from __future__ import annotations

import codecs
import io
import os
import sys
import weakref
from typing import Any, BinaryIO, cast

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter

#: Encodings in which a line ends with the byte 10 and nothing else does.
_BYTE_LINES = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"})
#: Bytes of lines that are read in advance, about.
_MOST_AHEAD = 1 << 16
_SIGNATURE = b"\xef\xbb\xbf"
#: Those that are in use.
_streams: weakref.WeakSet[Stream] = weakref.WeakSet()


def _release(file: BinaryIO, path: str) -> bool:
    """Close the file of a stream that nobody closed; False where that loses something."""
    try:
        file.close()
    except OSError as error:
        print(f"Error: Cannot write in file: {path} ({error.strerror})", file=sys.stderr)
        return False
    return True


def close_all() -> bool:
    """Close what a program that ends left open; False where something of it is lost."""
    return False not in [stream.release() for stream in list(_streams)]


def _lines(data: bytes) -> list[str]:
    """The lines of UTF-8, with their ends, the last one first."""
    found = data.decode().splitlines(True)
    if len(found) != data.count(b"\n") + (not data.endswith(b"\n")):
        # Python's lines end at other signs too.
        found = list(map(bytes.decode, io.BytesIO(data)))
    found.reverse()
    return found


class Stream:
    """An open file. Positions count bytes, what is read counts characters.

    Args:
        path: the file.
        mode: ``r``, ``w`` or ``a``.
        encoding: of its text.
        atom: what ``type`` answers.

    Raises:
        OSError: where the file cannot be opened.
    """

    __slots__ = (
        "path",
        "mode",
        "encoding",
        "atom",
        "file",
        "decoder",
        "past_end",
        "release",
        "ahead",
        "block",
        "__weakref__",
    )

    def __init__(self, path: str, mode: str, encoding: str = "utf-8", atom: str = "file_") -> None:
        try:
            self.encoding = codecs.lookup(encoding).name
        except LookupError:
            raise LispError(f"unknown encoding: '{encoding}'") from None
        self.path = path
        self.mode = mode
        self.atom = atom
        opened = cast(BinaryIO, open(path, f"{mode}b"))
        self.file: BinaryIO | None = opened
        # What is written reaches the file though a program ends, by an error or
        # an interrupt, before it closes it.
        self.release = weakref.finalize(self, _release, opened, path)
        _streams.add(self)
        self.decoder = codecs.getincrementaldecoder(self.encoding)()
        self.past_end = False
        #: Lines that were read in advance, the next one last.
        self.ahead: list[str] = []
        #: Bytes of lines to read in advance the next time; 0: one line a time.
        self.block = 0
        if mode == "r" and self.encoding == "utf-8" and opened.seekable():
            self.block = 1
            if opened.read(3) != _SIGNATURE:
                opened.seek(0)

    def reading(self) -> BinaryIO:
        if self.file is None:
            raise LispError(f"the file is closed: {self.path}")
        if self.mode != "r":
            raise LispError("expecting 'stream' to be in 'read' mode")
        return self.file

    def settled(self) -> BinaryIO:
        """The file to read from, at the place that the program has reached."""
        file = self.reading()
        if self.block:
            self._give_back(file)
        return file

    def _give_back(self, file: BinaryIO) -> None:
        """Go back to the end of the last line that was asked for."""
        if self.ahead:
            file.seek(-self._bytes_ahead(), os.SEEK_CUR)
            self.ahead.clear()
        # Who reads now and then something else does not wait for many lines.
        self.block = 1

    def _bytes_ahead(self) -> int:
        return sum(len(text.encode()) for text in self.ahead)

    def _read_ahead(self, file: BinaryIO) -> bool:
        """Read some lines; more each time, as a program that goes through a file does."""
        data = file.read(self.block)
        if not data:
            return False
        data += file.readline()
        try:
            self.ahead = _lines(data)
        except UnicodeDecodeError:
            # The error is that of its own line.
            file.seek(-len(data), os.SEEK_CUR)
            self.block = 1
            return False
        self.block = min(2 * self.block, _MOST_AHEAD)
        return True

    def writing(self) -> BinaryIO:
        if self.file is None:
            raise LispError(f"the file is closed: {self.path}")
        if self.mode == "r":
            raise LispError("expecting 'stream' to be in 'write' mode")
        return self.file

    def decode(self, data: bytes, final: bool = False) -> str:
        try:
            return self.decoder.decode(data, final)
        except UnicodeDecodeError:
            self.decoder.reset()
            raise LispError(f"{self.path} is not in {self.encoding}") from None

    def read(self, count: int = -1) -> str:
        """So many characters; or all that is left, which closes the file."""
        file = self.settled()
        if count < 0:
            text = self.decode(file.read(), True)
            self.past_end = True
            self.close()
            return text
        text = ""
        # One character takes a byte at least: what is missing is never too much.
        while len(text) < count:
            data = file.read(count - len(text))
            text += self.decode(data, not data)
            if not data:
                self.past_end = True
                break
        return text

    def read_bytes(self, count: int) -> bytes:
        data = self.settled().read(max(count, 0))
        if len(data) < count:
            self.past_end = True
        return data

    def line(self) -> str:
        """The next line with its end; empty after the last one."""
        file = self.file
        if file is None or self.mode != "r":
            file = self.reading()
        if self.ahead or (self.block and self._read_ahead(file)):
            found = self.ahead.pop()
            if not found.endswith("\n"):
                self.past_end = True
            return found
        if self.encoding in _BYTE_LINES:
            data = file.readline()
            whole = data.endswith(b"\n")
            if not whole:
                self.past_end = True
            return self.decode(data, not whole)
        text = io.StringIO()
        while character := self.read(1):
            text.write(character)
            if character == "\n":
                break
        return text.getvalue()

    def group(self, opening: str, closing: str) -> str | None:
        """The next balanced group, brackets included; None if there is none."""
        while (character := self.read(1)) != opening:
            if not character:
                return None
        text = io.StringIO()
        text.write(character)
        depth = 1
        quoted = False
        while depth:
            character = self.read(1)
            if not character:
                return None
            text.write(character)
            if quoted:
                if character == "\\":
                    text.write(self.read(1))
                elif character == '"':
                    quoted = False
            elif character == '"' and '"' not in (opening, closing):
                quoted = True
            elif character == closing:
                depth -= 1
            elif character == opening:
                depth += 1
        return text.getvalue()

    def seek(self, offset: int, origin: int = os.SEEK_SET) -> None:
        if self.file is None:
            raise LispError("this file is closed")
        try:
            if self.block:
                self._give_back(self.file)
            self.file.seek(offset, origin)
        except (OSError, ValueError, OverflowError):
            raise LispError(f"no such position in the file: {offset}") from None
        self.decoder.reset()
        self.past_end = False

    def tell(self) -> int:
        if self.file is None:
            raise LispError("this file is closed")
        return self.file.tell() - self._bytes_ahead()

    def put(self, text: str) -> bool:
        """Write a text to an open file in UTF-8; False where that needs the long way."""
        file = self.file
        if file is None or self.mode == "r" or self.encoding != "utf-8":
            return False
        try:
            file.write(text.encode())
        except UnicodeEncodeError:
            return False
        except OSError as error:
            raise self._unwritten(error) from None
        return True

    def write(self, data: bytes) -> None:
        try:
            self.writing().write(data)
        except OSError as error:
            raise self._unwritten(error) from None

    def _unwritten(self, error: OSError) -> LispError:
        return LispError(f"Cannot write in file: {self.path} ({error.strerror})")

    def close(self) -> bool:
        """False if it was closed before."""
        if self.file is None:
            return False
        file, self.file = self.file, None
        self.ahead.clear()
        self.release.detach()
        try:
            file.close()
        except OSError as error:
            raise self._unwritten(error) from None
        return True

    def __repr__(self) -> str:
        return f"Stream({self.path!r}, {self.mode!r})"


class StreamAdapter(Adapter):
    """An open file prints as its path."""

    def type_name(self, value: Any) -> str:
        name: str = value.atom
        return name

    def show(self, value: Any) -> str:
        path: str = value.path
        return path


register_adapter(Stream, StreamAdapter())
