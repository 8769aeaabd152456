"""Things that took time to make, kept for the next run in a folder of the user's own.

What is read back may be code, so nothing is believed that another could have put
there. The folder and its files must belong to the user, and nobody else may write to
them; every file begins with a code of its name and content (BLAKE2 with a key, RFC
7693) whose key is a file that only the user can read. Whatever is not so is as if it
were not there. Nor does a folder that cannot be written, or a full disk, harm anything:
things are made anew.

Where owners of files are unknown (Windows), nothing is kept.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache

#: Where things are kept, if not in the cache folder of the user; or one of ``_OFF``.
VARIABLE = "LISPE_CACHE"
_OFF = ("0", "off", "no", "false")

#: Bytes that all files may take together; the oldest go first.
LIMIT = 64 << 20

_KEY = "key"
_KEY_SIZE = 32
_MARK_SIZE = 32
#: A file is marked as used again when its time is older than so many seconds.
_STALE = 24 * 3600


def user_folder(variable: str, default: str) -> str:
    """A folder of the XDG Base Directory Specification: ``XDG_CACHE_HOME``, ``.cache``."""
    # The specification: a path that is not absolute is to be ignored.
    path = os.environ.get(variable, "")
    return path if os.path.isabs(path) else os.path.join(os.path.expanduser("~"), default)


def user_store() -> Store | None:
    """The store of the user; None where it is switched off or cannot be safe."""
    named = os.environ.get(VARIABLE, "")
    if named.lower() in _OFF or not hasattr(os, "geteuid"):
        return None
    if os.path.isabs(named):
        return _store(named)
    folder = os.path.join(user_folder("XDG_CACHE_HOME", ".cache"), "lispe_py")
    return _store(folder) if os.path.isabs(folder) else None


class Store:
    """A folder of files that only their owner can have written.

    Args:
        folder: its path; it is made when something is first put in.
        limit: bytes that its files may take together.
    """

    def __init__(self, folder: str, limit: int = LIMIT) -> None:
        self.folder = folder
        self.limit = limit
        self._secret: bytes | None = None

    def get(self, name: str) -> bytes | None:
        """What was put under a name, None if nothing that can be trusted was."""
        secret = self._key()
        if secret is None:
            return None
        data = self._read(name, used=True)
        if data is None or len(data) < _MARK_SIZE:
            return None
        from hmac import compare_digest

        content = data[_MARK_SIZE:]
        return content if compare_digest(data[:_MARK_SIZE], _mark(secret, name, content)) else None

    def put(self, name: str, content: bytes) -> bool:
        """Keep something under a name, if that is possible; is it kept?"""
        try:
            os.makedirs(os.path.dirname(self.folder), mode=0o700, exist_ok=True)
            if not os.path.lexists(self.folder):
                os.mkdir(self.folder, 0o700)
            secret = self._key(make=True)
            if secret is None:
                return False
            self._write(name, _mark(secret, name, content) + content)
            self._prune()
        except OSError:
            return False
        return True

    # ------------------------------------------------------------ files

    def _key(self, make: bool = False) -> bytes | None:
        """The secret of the user; None where there is none, or it cannot be one."""
        if not self._is_ours():
            return None
        if self._secret is None:
            secret = self._read(_KEY)
            if make and (secret is None or len(secret) != _KEY_SIZE):
                self._write(_KEY, os.urandom(_KEY_SIZE))
                # Of two processes that make one at once, both take the later.
                secret = self._read(_KEY)
            if secret is not None and len(secret) == _KEY_SIZE:
                self._secret = secret
        return self._secret

    def _is_ours(self) -> bool:
        try:
            about = os.lstat(self.folder)
        except OSError:
            return False
        return stat.S_ISDIR(about.st_mode) and _is_private(about)

    def _read(self, name: str, used: bool = False) -> bytes | None:
        """The content of a file that is the user's and no link; None for another."""
        try:
            # Not blocking: a pipe would wait for its other end.
            descriptor = os.open(
                os.path.join(self.folder, name),
                os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
            )
            with open(descriptor, "rb") as file:
                about = os.fstat(descriptor)
                if not stat.S_ISREG(about.st_mode) or not _is_private(about):
                    return None
                if about.st_size > self.limit:
                    return None
                if used:
                    _touch(descriptor, about)
                return file.read()
        except OSError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        from lispe_py.runtime.atomic import replacing

        path = os.path.join(self.folder, name)
        if os.path.lexists(path) and not _is_file_of_ours(path):
            # A link would be followed, and the mode of a file that all may write kept.
            os.unlink(path)
        with replacing(path, mode=0o600) as file:
            file.write(content)

    def _prune(self) -> None:
        """Remove the files that were not used for longest, where there are too many."""
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                # Another process may have just removed it.
                with suppress(FileNotFoundError):
                    about = entry.stat(follow_symlinks=False)
                    if entry.name != _KEY:
                        found.append((about.st_mtime, about.st_size, entry.path))
        total = sum(size for _, size, _ in found)
        if total <= self.limit:
            return
        for _, size, path in sorted(found):
            with suppress(FileNotFoundError):
                os.unlink(path)
            total -= size
            # Some room, so that not every file that comes looks at all again.
            if total <= self.limit * 3 // 4:
                break


@cache
def _store(folder: str) -> Store:
    return Store(folder)


def _mark(secret: bytes, name: str, content: bytes) -> bytes:
    from hashlib import blake2b

    mark = blake2b(f"{name}\0".encode(), key=secret, digest_size=_MARK_SIZE)
    mark.update(content)
    return mark.digest()


def _is_private(about: os.stat_result) -> bool:
    return about.st_uid == os.geteuid() and not about.st_mode & 0o022


def _is_file_of_ours(path: str) -> bool:
    about = os.lstat(path)
    return stat.S_ISREG(about.st_mode) and _is_private(about)


def _touch(descriptor: int, about: os.stat_result) -> None:
    import time

    if time.time() - about.st_mtime > _STALE:
        os.utime(descriptor)
