"""The command ``lispe``: programs, options, errors, exit status, the prompt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "lispe_py"]


def lispe(*words: str, text: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], input=text, capture_output=True, text=True, cwd=cwd, timeout=60
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.lisp"
    path.write_text(
        "#!/usr/bin/env lispe\n"
        "(defun head(x)\n"
        "   (car x))\n"
        "(defun next(y) (+ 1 (head y)))\n"
        "(println _args)\n"
        "(next 5)\n"
    )
    return path


def test_code_prints_its_value() -> None:
    done = lispe("-e", "(+ 1 1)")
    assert (done.stdout, done.stderr, done.returncode) == ("2\n", "", 0)


def test_code_that_prints_has_no_value_to_show() -> None:
    assert lispe("-e", '(println "a")').stdout == "a\n"


def test_standard_input_and_arguments() -> None:
    for words in ((), ("-",)):
        assert lispe(*words, text="(println (* 6 7))\n(+ 1 1)").stdout == "42\n"
    assert lispe("-", "x", "-e", text="(println _args)").stdout == '("x" "-e")\n'
    assert lispe("-e", "(println _args)", "1", "--version").stdout == '("1" "--version")\n'


def test_file_with_shebang_and_arguments(script: Path) -> None:
    script.write_text(script.read_text().replace("(next 5)", "(println (next '(5)))"))
    done = lispe(str(script), "a", "--traceback", "-")
    assert done.stdout == '("a" "--traceback" "-")\n6\n'
    assert done.returncode == 0


def test_error_shows_place_line_caret_and_calls(script: Path) -> None:
    done = lispe("script.lisp", cwd=script.parent)
    assert done.returncode == 1
    assert done.stdout == "()\n"
    first, source, caret, *calls = done.stderr.splitlines()
    assert first.startswith("script.lisp:3:4: Error: ")
    assert source == "       (car x))"
    assert caret == "       ^"
    assert calls == [
        "  in head, script.lisp:3:4",
        "  in next, script.lisp:4:21",
        "  in the program, script.lisp:6:1",
    ]


def test_error_at_top_level_has_no_calls() -> None:
    done = lispe("-e", "(+ 1 missing)")
    assert done.stderr.splitlines()[0] == "-e:1:6: Error: Unbound atom: 'missing'"
    assert "  in " not in done.stderr


def test_caret_below_wide_letters_and_tabs() -> None:
    lines = lispe("-e", '\t(list "漢字" (car 5))').stderr.splitlines()
    assert lines[1] == '    \t(list "漢字" (car 5))'
    # Two columns for each of the wide letters.
    assert lines[2] == "    \t" + " " * len('(list "____" ') + "^"


def test_long_lines_are_cut_around_the_place() -> None:
    program = f'(list "{"a" * 300}" (car 5) "{"b" * 300}")'
    _, source, caret, *_ = lispe("-e", program).stderr.splitlines()
    assert len(source) < 130
    assert source[caret.index("^") :].startswith("(car 5)")


def test_endless_recursion_is_told_in_few_lines() -> None:
    done = lispe("-e", "(defun f(x) (+ 1 (f x)))\n(f 1)")
    assert done.returncode == 1
    assert "Stack overflow" in done.stderr
    assert len(done.stderr.splitlines()) < 12


def test_syntax_error() -> None:
    done = lispe("-e", "(+ 1\n(car 5)")
    assert done.returncode == 1
    assert done.stderr.startswith("-e:1:1: Error: ")


def test_traceback_shows_python_frames() -> None:
    assert "Traceback" not in lispe("-e", "(car 5)").stderr
    assert "Traceback" in lispe("--traceback", "-e", "(car 5)").stderr


def test_show_python_does_not_run(script: Path) -> None:
    done = lispe("--show-python", str(script))
    assert done.returncode == 0
    assert "def head()(x):" in done.stdout
    assert '("' not in done.stdout


def test_promote() -> None:
    assert lispe("-e", "(+ 1 2.5)").stdout == "3\n"
    assert lispe("--promote", "-e", "(+ 1 2.5)").stdout == "3.5\n"


def test_version_and_help() -> None:
    from lispe_py import __version__

    assert lispe("--version").stdout == f"lispe_py {__version__}\n"
    assert lispe("--help").stdout.startswith("usage: lispe")


@pytest.mark.parametrize("words", [("--unknown",), ("-e",), ("no_such_file.lisp",)])
def test_wrong_command_lines(words: tuple[str, ...]) -> None:
    done = lispe(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("lispe: ")


def test_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "bytes.lisp").write_bytes(b"(println 1)\xff\xfe")
    done = lispe("bytes.lisp", cwd=tmp_path)
    assert done.returncode == 1
    assert "not UTF-8" in done.stderr


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    done = lispe(str(tmp_path))
    assert done.returncode == 1
    assert "Error: " in done.stderr and "internal" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_interrupt() -> None:
    process = subprocess.Popen(
        [*COMMAND, "-e", '(println "on") (while true 1)'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # Whoever runs the tests in the background has them ignore this signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "on\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "-e", "(println 1)"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
def test_closed_pipe() -> None:
    process = subprocess.Popen(
        [*COMMAND, "-e", "(loop i (iota 200000) (println i))"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


def test_letters_that_the_terminal_lacks() -> None:
    done = subprocess.run(
        [*COMMAND, "-e", '(println "é")'], capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.stdout, done.returncode) == (b"\\xe9\n", 0)


def test_prompt_after_a_program() -> None:
    entries = "(setq x 5)\n(* x\n 3)\n(car 7)\n(defun f() 1)\n(defun f() 2)\n(f)\n"
    done = lispe("-i", "-e", "(setq y 1)", text=entries)
    assert done.returncode == 0
    assert "15" in done.stdout
    assert ".. " in done.stdout
    assert "> 2\n" in done.stdout
    assert "<entry 3>:1:1: Error: " in done.stderr


def test_start_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from lispe_py.cli import main\n"
        "assert main(['-e', '(+ 1 1)']) == 0\n"
        "heavy = {'torch', 'numpy', 'prompt_toolkit', 'regex', 'pygments'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
