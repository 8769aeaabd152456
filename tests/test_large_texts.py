"""Programs on large files: their memory does not grow with the file; an interrupt ends them."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lispe_py import LispError
from lispe_py.runtime.atomic import write_bytes
from lispe_py.values.streams import Stream

EXAMPLES = Path(__file__).parent.parent / "lisp_examples"
LISPE = [sys.executable, "-m", "lispe_py"]
MB = 1 << 20
#: A text that makes lines long and few.
LONG = "a page, of words " * 30

resource = pytest.importorskip("resource", reason="peak memory is read from the system")


def peak(name: str, *arguments: Path) -> tuple[float, str]:
    """Peak memory in MB of a process that runs an example, and what it prints."""
    command = [*LISPE, str(EXAMPLES / name), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    # macOS counts bytes, other systems kilobytes.
    return usage.ru_maxrss / (MB if sys.platform == "darwin" else 1024), printed


def log(path: Path, size: int) -> dict[str, int]:
    """Write a log of a size in bytes; how many lines it has of each level."""
    lines = [
        f"2031-04-09 {i % 24:02}:06:00 {('INFO', 'WARN', 'ERROR')[i % 3]} [store] {LONG} ({i}ms)\n"
        for i in range(600)
    ]
    text = "".join(lines)
    times = size // len(text)
    path.write_text(text * times)
    return dict.fromkeys(("INFO", "WARN", "ERROR"), 200 * times)


def table(path: Path, size: int) -> int:
    """Write a table of a size in bytes; how many records it has."""
    text = "".join(f'{i},"a ""b"", {LONG}",{i}.25,007,\n' for i in range(1000))
    times = size // len(text)
    path.write_text("n,note,price,code,rest\n" + text * times)
    return 1000 * times


def test_the_log_analyser_in_bounded_memory(tmp_path: Path) -> None:
    path, peaks = tmp_path / "t.log", []
    for size in (MB, 8 * MB):
        levels = log(path, size)
        used, printed = peak("log_analyser.lisp", path)
        peaks.append(used)
        assert printed.startswith(f"{sum(levels.values())} lines, 0 of another form")
        for level, count in levels.items():
            assert re.search(rf"^  {level} +{count}$", printed, re.MULTILINE)
    assert peaks[1] < peaks[0] + 20


def test_the_converter_of_tables_in_bounded_memory(tmp_path: Path) -> None:
    path, target, peaks = tmp_path / "t.csv", tmp_path / "t.jsonl", []
    for size in (MB, 8 * MB):
        records = table(path, size)
        used, printed = peak("csv_to_json.lisp", path, target)
        peaks.append(used)
        assert printed == f"{records} records\n"
        found = 0
        with target.open(encoding="utf-8") as file:
            for text in file:
                n = found % 1000
                if found < 1000:
                    assert json.loads(text) == {
                        "n": n, "note": f'a "b", {LONG}', "price": n + 0.25, "code": "007", "rest": None,
                    }  # fmt: skip
                found += 1
        assert found == records
    assert peaks[1] < peaks[0] + 20


# ---------------------------------------------------------------- interrupts


def interrupted(process: subprocess.Popen[str], ready: str) -> tuple[int, str, str]:
    """Interrupt a program when it has said that it is ready; status, output, errors."""
    assert process.stdout is not None
    assert process.stdout.readline() == f"{ready}\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    return process.returncode, output, errors


def started(program: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*LISPE, "-e", program], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1",
             "PYTHONPATH": str(EXAMPLES.parent), "PYTHONWARNINGS": "error::ResourceWarning"},
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("read", ["(file_readline f)", "(file_read f)", "(file_getchar f)"])
def test_an_interrupted_read_of_a_pipe(read: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    program = f'(setq f (file "pipe")) (println "ready") {read} (println "never")'
    with started(program, tmp_path) as process:
        # Its writer says nothing, so the program waits.
        with (tmp_path / "pipe").open("w"):
            status, output, errors = interrupted(process, "ready")
    assert (status, output) == (130, "")
    assert "internal" not in errors and "Traceback" not in errors and "Warning" not in errors


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_an_interrupt_while_a_pipe_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with started('(println "ready") (fread "pipe")', tmp_path) as process:
        status, output, errors = interrupted(process, "ready")
    assert (status, output) == (130, "")
    assert "internal" not in errors and "Traceback" not in errors


def test_what_was_written_before_an_interrupt_is_kept(tmp_path: Path) -> None:
    """Files are closed: what a program wrote reaches them, though it was interrupted."""
    (tmp_path / "t.txt").write_text("a line\n" * 100_000)
    program = """
        (setq out (file "out.txt" 'w))
        (file_writeln out "first")
        (println "ready")
        (while true
           (setq f (file "t.txt"))
           (setq line (file_readline f))
           (while (!= line "") (setq line (file_readline f)))
           (file_close f))
    """
    with started(program, tmp_path) as process:
        status, output, errors = interrupted(process, "ready")
    assert (status, output) == (130, "")
    assert "Traceback" not in errors and "Warning" not in errors
    assert (tmp_path / "out.txt").read_text() == "first\n"


def test_an_interrupted_write_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, pieces())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_when_a_file_has_just_been_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def replace_and_stop(old: str, new: str) -> None:
        replace(old, new)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace_and_stop)
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, [b"new"])
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


# ---------------------------------------------------------------- lines read in advance


def test_lines_between_other_reads(tmp_path: Path) -> None:
    """Lines are read in advance, which no other function on the file may notice."""
    lines = [f"{i}: né {'x' * (i % 50)}\n" for i in range(3000)]
    data = "".join(lines).encode()
    path = tmp_path / "t.txt"
    path.write_bytes(data)
    stream = Stream(str(path), "r")
    rng = random.Random(3)
    at = 0
    for _ in range(400):
        for _ in range(rng.choice((1, 2, 30))):
            end = data.find(b"\n", at) + 1 or len(data)
            assert stream.line().encode() == data[at:end]
            at = end
        assert stream.tell() == at
        kind = rng.randrange(4)
        if kind == 0:
            text = stream.read(5)
            assert text == data[at:].decode()[:5]
            at += len(text.encode())
        elif kind == 1:
            assert stream.read_bytes(1) == data[at : at + 1]
            stream.seek(at)
        elif kind == 2:
            at = len("".join(lines[: rng.randrange(2500)]).encode())
            stream.seek(at)
    stream.close()


def test_the_end_after_lines_read_in_advance(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("a\nb\nc\nd")
    stream = Stream(str(path), "r")
    assert [(stream.line(), stream.past_end) for _ in range(5)] == [
        ("a\n", False), ("b\n", False), ("c\n", False), ("d", True), ("", True),
    ]  # fmt: skip
    with path.open("a") as file:
        file.write("e\n")
    assert stream.line() == "e\n"
    stream.close()


def test_bytes_that_are_no_text_are_told_at_their_line(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"a\n" * 50 + b"\xff\n" + b"b\n")
    stream = Stream(str(path), "r")
    assert [stream.line() for _ in range(50)] == ["a\n"] * 50
    with pytest.raises(LispError, match="is not in utf-8"):
        stream.line()
    assert stream.line() == "b\n"
    stream.close()
