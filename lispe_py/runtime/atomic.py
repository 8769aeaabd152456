"""Writing whole files so that a reader never sees half of one.

The content goes to a new file beside the target, is flushed to the disk, and
takes the name of the target at the end. What is no regular file (a terminal, a
pipe, ``/dev/null``) is written directly.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

_SUFFIX = ".new"


@contextmanager
def replacing(path: str | os.PathLike[str], mode: int | None = None) -> Iterator[BinaryIO]:
    """A binary file to write; it takes the place of ``path`` when the block ends well.

    After an exception the target is as it was, and nothing is left beside it. ``mode``
    holds the permissions of the file where it is new; those that the user's new files
    have by default.

    Raises:
        OSError: where the folder or the file cannot be written.
    """
    # Through a link, its target is replaced, not the link.
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as direct:
            yield direct
        return
    with passing_file(target, mode) as beside, open(beside, "wb") as file:
        yield file


@contextmanager
def passing_file(path: str | os.PathLike[str], mode: int | None = None) -> Iterator[str]:
    """The name of a new file, to be filled; it takes the place of ``path`` at the end.

    For writers that want a name. The permissions of a file that was there are kept.

    Raises:
        OSError: where the folder or the file cannot be written.
    """
    target = os.path.realpath(path)
    try:
        mode = stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        mode = 0o666 & ~_umask() if mode is None else mode
    else:
        if not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied", target)
    folder, prefix = _passing(target)
    # The name is known before there is a file: an interrupt may come at any moment.
    beside = os.path.join(folder, f"{prefix}{os.urandom(8).hex()}{_SUFFIX}")
    try:
        with open(beside, "xb", opener=_private):
            pass
        yield beside
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(beside, mode)
        os.replace(beside, target)
    except BaseException:
        # It may not be there yet, or have taken the name of its target; what happened
        # first is what to tell.
        with suppress(OSError):
            os.unlink(beside)
        raise
    _sync_folder(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def remove_unfinished(path: str | os.PathLike[str]) -> None:
    """Remove the passing files of writers of ``path`` that were killed; none may be at work.

    Raises:
        OSError: where one cannot be removed.
    """
    folder, prefix = _passing(os.path.realpath(path))
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        left = [e.path for e in entries if e.name.startswith(prefix) and e.name.endswith(_SUFFIX)]
    for file in left:
        os.unlink(file)


def _passing(target: str) -> tuple[str, str]:
    """The folder in which a file is filled before it takes its name, and how its name begins."""
    folder, name = os.path.split(target)
    return folder, f".{name[:64]}."


def write_bytes(path: str | os.PathLike[str], pieces: Iterable[bytes]) -> None:
    """Write a whole file from its pieces."""
    with replacing(path) as file:
        for piece in pieces:
            file.write(piece)


def _umask() -> int:
    """The permissions that new files do not get; reading it means setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sync_folder(folder: str) -> None:
    """Make the new name last through a crash, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        # Some file systems do not sync folders; the content itself is safe.
        return
    finally:
        os.close(descriptor)
