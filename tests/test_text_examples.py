"""The example programs on texts: a table to JSON, and what a log says."""

from __future__ import annotations

import csv
import io
import json
import random
import tracemalloc
from pathlib import Path

import pytest

from lispe_py import LispE, LispError

EXAMPLES = Path(__file__).parent.parent / "lisp_examples"


def run(name: str, *args: str) -> str:
    out = io.StringIO()
    LispE(stdout=out).execute(EXAMPLES / name, args)
    return out.getvalue()


def converted(folder: Path, text: str, *options: str) -> list[dict[str, object]]:
    source, target = folder / "t.csv", folder / "t.jsonl"
    source.write_text(text, encoding="utf-8", newline="")
    printed = run("csv_to_json.lisp", str(source), str(target), *options)
    lines = target.read_text(encoding="utf-8").splitlines()
    assert printed == f"{len(lines)} records\n"
    return [json.loads(line) for line in lines]


def test_a_table(tmp_path: Path) -> None:
    text = 'name,n,note\r\n"Ünal, A",12,"says ""hi""\nthere"\r\nBo,1.5,\r\n"",007,-3\r\n'
    assert converted(tmp_path, text) == [
        {"name": "Ünal, A", "n": 12, "note": 'says "hi"\nthere'},
        {"name": "Bo", "n": 1.5, "note": None},
        {"name": None, "n": "007", "note": -3},
    ]


def test_another_separator(tmp_path: Path) -> None:
    assert converted(tmp_path, "a;b\n1,5;2", ";") == [{"a": "1,5", "b": 2}]


def test_against_pythons_csv(tmp_path: Path) -> None:
    rng = random.Random(7)
    rows = [["".join(rng.choice('ab ,"\né') for _ in range(rng.randrange(1, 6))) for _ in range(3)] for _ in range(200)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerows([["x", "y", "z"], *rows])
    assert [list(record.values()) for record in converted(tmp_path, text.getvalue())] == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table is empty"),
        ("a,b\n1,2\n3\n", "record 2 has 1 fields, not 2"),
        ('a,b\n1,"2\n', "a quote is never closed"),
    ],
)
def test_what_is_no_table(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(LispError, match=message):
        run("csv_to_json.lisp", str(tmp_path / "t.csv"), str(tmp_path / "t.jsonl"))


LOG = """2031-04-09 08:05:03 INFO [web] GET / (12ms)
2031-04-09 08:06:00 ERROR [store] cannot reach the disk (1250ms)
2031-04-09 09:00:01 INFO [web] GET /a (40ms)
  at a line of another form
2031-04-09 09:00:02 ERROR [web] no answer
2031-04-09 23:00:02 WARN [store] slow (400ms)
2031-04-09 23:00:03 ERROR [store] again (7ms)
"""


def test_a_log(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    path.write_text(LOG)
    assert run("log_analyser.lisp", str(path), "3") == (
        "7 lines, 1 of another form\n\n"
        "levels\n  ERROR            3\n  INFO             2\n  WARN             1\n\n"
        "hours\n  08               2\n  09               2\n  23               2\n\n"
        "errors by source\n  store            2\n  web              1\n\n"
        "slowest\n"
        "      1250 ms   2031-04-09 08:06:00 ERROR [store] cannot reach the disk (1250ms)\n"
        "       400 ms   2031-04-09 23:00:02 WARN [store] slow (400ms)\n"
        "        40 ms   2031-04-09 09:00:01 INFO [web] GET /a (40ms)\n"
    )


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    peaks = []
    for times in (200, 4000):
        path = tmp_path / f"{times}.log"
        path.write_text(LOG * times)
        tracemalloc.start()
        run("log_analyser.lisp", str(path))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000


def test_a_log_that_is_missing() -> None:
    with pytest.raises(LispError, match="cannot open file: no_such.log"):
        run("log_analyser.lisp", "no_such.log")
