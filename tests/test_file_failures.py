"""What a program sees when a file or a disk fails it, and what is left on the disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from lispe_py import LispE, LispError
from lispe_py.cli import main

WRITERS = ['(fwrite "a" "new")', '(bwrite "a" (shorts 1 2))']


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def failure(program: str) -> LispError:
    with pytest.raises(LispError) as caught:
        LispE().eval(program)
    return caught.value


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('(fread "none")', "Unknown file: none"),
        ('(bread "none")', "Unknown file: none"),
        ('(json_read "none")', "Unknown file: none"),
        ('(load "none")', "there is no such file: none"),
        ('(fopen "none" "r")', "cannot open file: none"),
        ('(file "none")', "cannot open file: none"),
        ('(fwrite "none/a" "x")', "Cannot write in file: none/a"),
    ],
)
def test_missing_file(program: str, message: str) -> None:
    error = failure(program)
    assert (error.message, error.line) == (message, 1)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('(fread "folder")', "Cannot read file: folder (Is a directory)"),
        ('(load "folder")', "this is a directory, not a file: folder"),
        ('(fopen "folder" "r")', "cannot open file: folder"),
    ],
)
def test_directory_in_place_of_a_file(program: str, message: str) -> None:
    os.mkdir("folder")
    assert failure(program).message == message


def test_writing_over_a_directory_leaves_it() -> None:
    os.mkdir("folder")
    assert "folder" in failure('(fwrite "folder" "x")').message
    assert os.listdir() == ["folder"]


@pytest.mark.parametrize("program", WRITERS)
def test_full_disk_keeps_the_old_file(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a").write_text("old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        patched.setattr(os, "replace", full)
        error = failure(program)
    assert (error.message, error.hint) == ("Cannot write in file: a", os.strerror(errno.ENOSPC))
    assert Path("a").read_text() == "old"
    assert os.listdir() == ["a"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
def test_what_a_program_leaves_unwritten_is_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    program = """(setq f (file "/dev/full" 'w)) (file_write f "x") 1"""
    assert main(["-e", program]) == 1
    assert capfd.readouterr() == (
        "1\n",
        "Error: Cannot write in file: /dev/full (No space left on device)\n",
    )
    assert main(["-e", """(setq f (file "a" 'w)) (file_write f "x") 1"""]) == 0
    assert Path("a").read_text() == "x"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_can_be_loaded() -> None:
    os.mkfifo("pipe")
    writer = Thread(target=Path("pipe").write_text, args=["(defmacro m (x) x) (m 7)"])
    writer.start()
    assert LispE().eval('(load "pipe")') == 7
    writer.join()
    assert LispE().eval('(load "/dev/null")') is None


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
@pytest.mark.parametrize(
    "program",
    [
        '(fwrite "/dev/full" "x")',
        '(fappend "/dev/full" "x")',
        '(setq f (fopen "/dev/full" "w")) (fputchars f "abc") (fclose f)',
    ],
)
def test_full_device(program: str) -> None:
    error = failure(program)
    assert error.message.startswith("Cannot write in file: /dev/full")
    assert os.strerror(errno.ENOSPC) in f"{error.message} {error.hint}"


def test_invalid_text_in_a_program_and_in_json() -> None:
    Path("bad.lisp").write_bytes(b'(println "a")\n(x \xff)')
    error = failure('(load "bad.lisp")')
    assert (error.file, error.line, error.column) == ("bad.lisp", 2, 4)
    assert "not UTF-8" in error.message
    Path("bad.json").write_bytes(b'["\xff"]')
    assert failure('(json_read "bad.json")').message == "bad.json is not in utf-8: byte 2"


def test_invalid_text_keeps_its_bytes() -> None:
    Path("in").write_bytes(b"\xff\xfe abc")
    LispE().eval('(fwrite "out" (fread "in"))')
    assert Path("out").read_bytes() == b"\xff\xfe abc"


def test_a_closed_file_says_so() -> None:
    closed = '(setq f (fopen "a" "w")) (fclose f) '
    assert failure(closed + '(fputchars f "x")').message == "the file is closed: a"


def test_an_interrupt_while_writing_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a").write_text("old")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", interrupted)
        with pytest.raises((KeyboardInterrupt, LispError)):
            LispE().eval('(fwrite "a" "new")')
    assert Path("a").read_text() == "old"
    assert os.listdir() == ["a"]


def test_an_interrupt_when_the_passing_file_is_just_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from lispe_py.runtime import atomic

    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    made = []

    def interrupted(path: str, flags: int) -> int:
        made.append(path)
        os.close(os.open(path, flags, 0o600))
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "_private", interrupted)
    with pytest.raises(KeyboardInterrupt):
        atomic.write_bytes(target, [b"new"])
    assert len(made) == 1
    assert os.listdir(tmp_path) == ["a.txt"]
    assert target.read_text(encoding="utf-8") == "old"


def test_a_new_file_may_be_for_the_user_alone(tmp_path: Path) -> None:
    from lispe_py.runtime import atomic

    target = tmp_path / "a.txt"
    for content in (b"one", b"two"):
        with atomic.replacing(target, mode=0o600) as file:
            file.write(content)
    assert target.read_bytes() == b"two"
    assert target.stat().st_mode & 0o777 == 0o600
