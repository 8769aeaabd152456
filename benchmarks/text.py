"""The example programs on large texts, beside the same programs in Python.

``python -m benchmarks.text [MB]``: 50 unless another size is given. Each program
runs in a process of its own, so that its peak memory is its own too.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from benchmarks.harness import line, unit

EXAMPLES = Path(__file__).parent.parent / "lisp_examples"
#: Megabytes of each text, turns of each program, and what is wanted.
SIZE, TURNS, GOAL = 50, 3, 1.5

# ---------------------------------------------------------------- the texts


def log_lines() -> Iterator[str]:
    """Lines as services write them; one in fifty is of another form."""
    rng = random.Random(5)
    minute = 0
    while True:
        minute += 1
        if minute % 50 == 0:
            yield "   at store.read, line 12\n"
            continue
        level = rng.choices(("INFO", "WARN", "ERROR"), (90, 7, 3))[0]
        source = rng.choice(("web", "store", "mail"))
        stamp = f"2031-04-{1 + minute // 1440 % 28:02} {minute // 60 % 24:02}:{minute % 60:02}:03"
        took = f" ({rng.randrange(3000)}ms)" if rng.random() < 0.7 else ""
        yield f"{stamp} {level} [{source}] request {minute} for /pages/{minute % 97}{took}\n"


def table_lines() -> Iterator[str]:
    """A table of eight columns; one text in ten stands between quotes."""
    rng = random.Random(6)
    yield "id,name,city,price,count,note,code,seen\n"
    number = 0
    while True:
        number += 1
        note = f'"says ""hi"", {number}"' if rng.random() < 0.1 else f"note {number}"
        name, city = rng.choice(("Ada", "Ünal", "Bo")), rng.choice(("Lyon", "Paris", ""))
        price = f"{rng.randrange(100000) / 100:.2f}"
        yield f"{number},{name},{city},{price},{rng.randrange(99)},{note},00{number % 9},true\n"


def write(path: Path, lines: Iterator[str], size: int) -> None:
    """Write lines up to a size in bytes."""
    written = 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            text = "".join(next(lines) for _ in range(1000))
            written += len(text.encode())
            file.write(text)


# ---------------------------------------------------------------- the peers


def analyse(path: str, kept: int = 5) -> None:
    """The log analyser in Python."""
    entry = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+ \[[^\]]+\] .*", re.ASCII).fullmatch
    took = re.compile(r"\(\d+ms\)$", re.ASCII).search
    levels: dict[str, int] = {}
    hours: dict[str, int] = {}
    errors: dict[str, int] = {}
    slowest: list[tuple[int, str]] = []
    total = strange = 0

    def more(counts: dict[str, int], key: str) -> None:
        counts[key] = 1 + (counts[key] if key in counts else 0)

    def milliseconds(text: str) -> int:
        found = took(text)
        return -1 if found is None else int(found[0][1:-3])

    def remember(milliseconds: int, text: str) -> None:
        place = 0
        while place < len(slowest) and slowest[place][0] >= milliseconds:
            place += 1
        if place < kept:
            slowest.insert(place, (milliseconds, text))
            if len(slowest) > kept:
                slowest.pop()

    with open(path, encoding="utf-8") as source:
        for text in source:
            text = text.rstrip()
            total += 1
            if not entry(text):
                strange += 1
                continue
            words = [word for word in text.split(" ") if word]
            level = words[2]
            more(levels, level)
            more(hours, words[1][:2])
            if level == "ERROR":
                start = text.index("[") + 1
                more(errors, text[start : text.index("]", start)])
            time_taken = milliseconds(text)
            if time_taken >= 0:
                remember(time_taken, text)
    print(total, "lines,", strange, "of another form")
    for title, counts in (("levels", levels), ("hours", hours), ("errors by source", errors)):
        print(f"\n{title}")
        for key in sorted(counts):
            print(f"  {key:10}{counts[key]:8}")
    print("\nslowest")
    for milliseconds_taken, text in slowest:
        print(f"  {milliseconds_taken:8} ms   {text}")


def convert(path: str, target: str, separator: str = ",") -> None:
    """The converter of tables in Python."""
    numeric = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?").fullmatch

    def is_open(text: str) -> bool:
        return text.count('"') % 2 == 1

    def next_record(source: TextIO) -> str | None:
        text = source.readline()
        if not text:
            return None
        more = "x"
        while is_open(text) and more:
            more = source.readline()
            text += more
        if is_open(text):
            raise ValueError(f"a quote is never closed: {text[:40]}")
        return text.removesuffix("\n").removesuffix("\r")

    def unquoted(field: str) -> str:
        return field[1:-1].replace('""', '"') if field.startswith('"') else field

    def fields(text: str) -> list[str]:
        found = []
        waiting = None
        for piece in text.split(separator):
            waiting = piece if waiting is None else waiting + separator + piece
            if not is_open(waiting):
                found.append(unquoted(waiting))
                waiting = None
        return found

    def value(text: str) -> object:
        if text == "":
            return None
        if numeric(text):
            return float(text) if "." in text else int(text)
        return text

    def record(columns: list[str], values: list[str], number: int) -> dict[str, object]:
        if len(columns) != len(values):
            raise ValueError(f"record {number} has {len(values)} fields, not {len(columns)}")
        return {columns[i]: value(values[i]) for i in range(len(columns))}

    done = 0
    with (
        open(path, encoding="utf-8", newline="\n") as source,
        open(target, "w", encoding="utf-8") as output,
    ):
        header = next_record(source)
        assert header is not None
        columns = fields(header)
        while (text := next_record(source)) is not None:
            if text:
                done += 1
                found = record(columns, fields(text), done)
                output.write(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(done, "records")


PEERS: dict[str, Callable[..., None]] = {"log_analyser": analyse, "csv_to_json": convert}

# ---------------------------------------------------------------- measuring


def measured(command: list[str]) -> tuple[float, float, str]:
    """Seconds, peak memory in MB, and what is printed, of a process."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024, printed


def report(size: int = SIZE, turns: int = TURNS) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log, csv = Path(folder, "t.log"), Path(folder, "t.csv")
        write(log, log_lines(), size << 20)
        write(csv, table_lines(), size << 20)
        for name, arguments in (
            ("log_analyser", [str(log)]),
            ("csv_to_json", [str(csv), str(Path(folder, "t.jsonl"))]),
        ):
            commands = (
                [sys.executable, "-m", "lispe_py", str(EXAMPLES / f"{name}.lisp"), *arguments],
                [sys.executable, "-m", "benchmarks.text", name, *arguments],
            )
            runs = [[measured(command) for command in commands] for _ in range(turns)]
            ours, theirs = ([run[side] for run in runs] for side in (0, 1))
            if ours[0][2] != theirs[0][2]:
                raise ValueError(f"{name}: LispE prints {ours[0][2]}, Python {theirs[0][2]}")
            times = [min(run[0] for run in side) for side in (ours, theirs)]
            peaks = [max(run[1] for run in side) for side in (ours, theirs)]
            line(f"{name}, {size} MB: LispE, Python", f"{unit(times[0])}, {unit(times[1])}")
            line(f"{name}, {size} MB: ratio", f"{times[0] / times[1]:.2f}", f"at most {GOAL}")
            line(f"{name}, {size} MB: peak memory", f"{peaks[0]:.0f}, {peaks[1]:.0f} MB")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PEERS:
        PEERS[sys.argv[1]](*sys.argv[2:])
    else:
        report(*map(int, sys.argv[1:]))
