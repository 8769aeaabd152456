"""What the documents promise of files, streams, threads, chance and Python.

Every case of ``conformance/io_docs_only.jsonl`` has its check here, by its id: the text
of the value, a test of the outcome, or, for an error, what its message holds.
"""

from __future__ import annotations

import ast
import contextlib
import datetime
import io
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import pylispe
from lispe_py import LispE, LispError
from lispe_py.errors import LispExit

_FILE = Path(__file__).parent / "conformance" / "io_docs_only.jsonl"
CASES = {c["id"][3:]: c for c in map(json.loads, _FILE.read_text("utf-8").splitlines())}


class Outcome(NamedTuple):
    """What a program gave: its value, that as text, what it printed, how it ended."""

    lisp: LispE
    value: Any
    text: str
    out: str
    err: str
    exit: int | None


def _local(form: str) -> str:
    return datetime.datetime.now().strftime(form)


def _mean(low: float, high: float) -> Callable[[Outcome], bool]:
    return lambda o: low < o.value < high


def _members(name: str, test: Callable[[Any], bool]) -> Callable[[Outcome], bool]:
    return lambda o: all(test(v) for v in o.lisp.globals[name])


def _mean_of(name: str, low: float, high: float) -> Callable[[Outcome], bool]:
    return lambda o: low < sum(o.lisp.globals[name]) / len(o.lisp.globals[name]) < high


def _all(*tests: Callable[[Outcome], bool]) -> Callable[[Outcome], bool]:
    return lambda o: all(test(o) for test in tests)


_UUID = r"[0-9a-f]{8}-4[0-9a-f]{3}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{8}"

INPUT = {
    "stdin/001": "hello\n",
    "stdin/002": "edited\n",
    "stdin/003": "a\nb\nc\n",
}

#: id -> the text of the value, or a test of the outcome
CHECKS: dict[str, str | Callable[[Outcome], bool]] = {
    "fopen/001": lambda o: o.text.startswith("saffron") and os.path.isfile("io1.txt"),
    "fopen/002": "file_element_",
    "fopen/003": '("abc" "de")',
    "fopen/004": "3",
    "fopen/005": "fg",
    "fopen/006": "8",
    "fopen/007": "8",
    "fopen/008": "2",
    "fopen/009": "onetwo",
    "fopen/010": "3",
    "fopen/012": "abc",
    "stdin/001": "hello",
    "stdin/002": "edited",
    "stdin/003": '("a" "b" "c")',
    "stdin/004": "nil",
    "print/001": lambda o: o.out == "ab1\nend\n",
    "print/002": lambda o: o.out == "x 1 y\n",
    "print/003": lambda o: (o.out, o.err) == ("", "warn1 2\n"),
    "system/001": lambda o: o.value == ["saffron\n"] and o.lisp.call("type", o.value).name
    == "strings_",
    "system/002": "3",
    "system/003": "()",
    "system/004": "v1",
    "system/005": lambda o: o.value == os.environ["PATH"],
    "system/006": lambda o: (o.out, o.exit) == ("before\n", 3),
    "system/007": lambda o: 29 <= o.value < 1000,
    "system/008": lambda o: 19 <= o.value < 1000,
    "system/009": lambda o: o.text == _local("%Y"),
    "system/010": lambda o: o.text == _local("%Y-%m-%d"),
    "system/011": lambda o: o.text == time.strftime(
        "%Z", time.localtime(time.mktime((2031, 4, 9, 8, 5, 3, 0, 0, -1)))),
    "system/012": lambda o: o.value == time.mktime((1970, 1, 1, 0, 0, 0, 0, 0, -1)),
    "system/013": lambda o: o.value not in (None, False),
    "system/014": lambda o: os.path.isabs(o.text)
    and not {".", ".."} & set(o.text.split(os.sep)),
    "system/015": "date_",
    "system/016": "true",
    "system/017": "(65 10 66 10)",
    "load/001": "42",
    "load/005": "(1 2)",
    "thread/001": "(4 9 16)",
    "thread/002": lambda o: sorted(o.out.splitlines()[:2]) == ["n 1", "n 2"]
    and o.out.endswith("\ndone\n"),
    "thread/003": "210",
    "thread/004": "150",
    "thread/005": "1",
    "thread/006": '("first" "woken")',
    "thread/007": "(1 2)",
    "thread/008": "true",
    "thread/009": lambda o: o.text == "alive" and o.err != "",
    "thread/010": "(2)",
    "thread/011": lambda o: o.text in ("true", "nil"),
    "thread/012": "1",
    "random/001": "true",
    "random/002": _mean(9.8, 10.2),
    "random/003": _all(_mean(1.8, 2.2), _members("l", lambda v: 0 <= v < 4)),
    "random/004": _all(_mean(2.8, 3.2), _members("l", lambda v: v >= 0 and v == int(v))),
    "random/005": _all(_mean(0.45, 0.55), _members("l", lambda v: v >= 0)),
    "random/006": _all(
        _mean_of("l", 2.8, 3.2), _members("l", lambda v: 0 <= v <= 10 and v == int(v))),
    "random/007": lambda o: {str(v) for v in o.value} <= {"a", "b", "c"} and len(o.value) > 0,
    "random/008": lambda o: o.text == "true" and sorted(o.lisp.globals["l"]) == [1, 2, 3, 4, 5],
    "random/009": lambda o: bool(re.fullmatch(_UUID, o.text))
    and o.lisp.eval("(uuid)") != o.value,
    "python/001": "python_",
    "python/002": "42",
    "python/003": "true",
    "python/004": "42",
    "python/005": lambda o: o.text == '(1 2.5 "a b" nil true nil {"k":(1)})'
    and [v.__class__ for v in o.value[:3]] == [int, float, str],
    "python/006": "list dict",
    "python/010": "4",
    "python/011": "dictionary_",
    "python/013": "(true nil)",
}  # fmt: skip

#: id -> what the message holds; the interpreter stays usable
ERRORS = {
    "fopen/011": "no_such_file_io.txt",
    "fopen/013": "closed",
    "fopen/014": "",
    "load/002": "io_bad.lisp",
    "load/003": "line: 3 in: .*io_err.lisp",
    "load/004": "lispe_no_such_library",
    "python/007": r"division by zero",
    "python/008": "",
    "python/009": "missing",
    "python/012": "no_such_function",
    "python/014": "",
    "python/015": "(?i)time",
}

#: id -> the value of the last line of a Python program
PYTHON = {
    "pylispe/001": 42,
    "pylispe/002": [1, 2.5, "a", None, True],
    "pylispe/003": {"a": 1},
    "pylispe/004": "n=10",
    "pylispe/005": 3.5,
    "pylispe/006": 3,
    "pylispe/009": 7,
}

PYTHON_ERRORS = {
    "pylispe/007": pylispe.error,
    "pylispe/008": pylispe.error,
    "pylispe/010": Exception,
    "pylispe/011": Exception,
}

#: Cases about a script that is run; they have tests of their own below.
SCRIPTS = {"system/018", "system/019"}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LSP_IO", "")


def run(lisp: LispE, name: str) -> Any:
    return lisp.eval(CASES[name]["program"])


def interpreter(name: str) -> LispE:
    return LispE(stdin=io.StringIO(INPUT.get(name, "")), stdout=io.StringIO(), stderr=io.StringIO())


def test_every_case_has_a_check() -> None:
    assert set(CASES) == {*CHECKS, *ERRORS, *PYTHON, *PYTHON_ERRORS, *SCRIPTS}


@pytest.mark.parametrize("name", CHECKS)
def test_value(name: str) -> None:
    lisp = interpreter(name)
    value, status = None, None
    try:
        value = run(lisp, name)
    except LispExit as end:
        status = end.code
    out, err = (s.getvalue() for s in (lisp.stdout, lisp.stderr))  # type: ignore[attr-defined]
    outcome = Outcome(lisp, value, lisp.show(value), out, err, status)
    check = CHECKS[name]
    if isinstance(check, str):
        assert outcome.text == check
    else:
        assert check(outcome), f"{CASES[name]['expected_property']}: {outcome}"


@pytest.mark.parametrize("name", ERRORS)
def test_error(name: str) -> None:
    lisp = interpreter(name)
    with pytest.raises(LispError) as caught:
        run(lisp, name)
    assert re.search(ERRORS[name], caught.value.text)
    assert lisp.eval("(+ 1 2)") == 3


def last_value(program: str) -> Any:
    """Run a Python program; the value of its last line."""
    tree = ast.parse(program)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    names: dict[str, Any] = {}
    exec(compile(tree, "program", "exec"), names)
    return eval(compile(ast.Expression(last.value), "program", "eval"), names)


@pytest.mark.parametrize("name", PYTHON)
def test_python_program(name: str) -> None:
    Path("some_file.lisp").write_text("(setq a 3) (+ a 4)")
    assert last_value(CASES[name]["program"]) == PYTHON[name]


@pytest.mark.parametrize("name", PYTHON_ERRORS)
def test_python_program_fails(name: str) -> None:
    with pytest.raises(PYTHON_ERRORS[name]):
        last_value(CASES[name]["program"])


def test_arguments_and_folder_of_a_script(tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    script = folder / "script.lisp"
    script.write_text("(list _args _current)")
    with contextlib.redirect_stdout(io.StringIO()):
        args, current = LispE().execute(script, ["a", "-b"])
    assert args == ["a", "-b"]
    assert os.path.samefile(current, folder)
