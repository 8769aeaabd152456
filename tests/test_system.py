"""Input, environment, commands, the end of a program."""

from __future__ import annotations

import io
import os
import re

import pytest

from lispe_py import LispE, LispError, LispExit


def run(program: str, text: str = "") -> str:
    lisp = LispE(stdin=io.StringIO(text), stdout=io.StringIO(), stderr=io.StringIO())
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "text", "expected"),
    [
        ("(input@)", "hello\n", "hello"),
        ('(input@ "preset")', "typed\n", "typed"),
        ("(list (input@) (input@) (input@))", "a\n\n", '("a" "" nil)'),
        ("(input@)", "no end", "no end"),
        ("(list (pipe) (pipe) (pipe))", "a\nb", '("a\n" "b" nil)'),
        ("(setq l (list)) (setq p (pipe)) (while p (push l (trim p)) (setq p (pipe))) l",
         "a\nb\nc\n", '("a" "b" "c")'),
        ("(pipe)", "", "nil"),
        ("(list (getchar) (getchar) (getchar))", "é\n", '("é" "\n" nil)'),
    ],
)  # fmt: skip
def test_input(program: str, text: str, expected: str) -> None:
    assert run(program, text) == expected


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISPE_TEST", raising=False)
    assert run('(list (getenv "LISPE_TEST") (setenv "LISPE_TEST" 12) (getenv "LISPE_TEST"))') == (
        '("" true "12")'
    )
    assert os.environ["LISPE_TEST"] == "12"
    monkeypatch.setenv("LISPE_TEST", "é")
    assert run('(getenv "LISPE_TEST")') == "é"


@pytest.mark.parametrize("name", ['""', '"a=b"', '(chr 0)'])
def test_names_the_environment_cannot_hold(name: str) -> None:
    with pytest.raises(LispError, match="no name of a variable"):
        run(f"(setenv {name} 1)")


@pytest.mark.skipif(os.name != "posix", reason="commands of a POSIX shell")
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(command "echo saffron")', '("saffron\n")'),
        ('(size (command "printf \'a\\nb\\nc\'"))', "3"),
        ('(last@ (command "printf \'a\\nb\'"))', "b"),
        ('(command "true")', "()"),
        ('(command "exit 3")', "()"),
        ('(type (command "true"))', "strings_"),
        ('(setenv "LISPE_IO" "v1") (trim (@ (command "echo $LISPE_IO") 0))', "v1"),
    ],
)
def test_commands(program: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISPE_IO", "")
    assert run(program) == expected


@pytest.mark.skipif(os.name != "posix", reason="commands of a POSIX shell")
def test_errors_of_a_command_are_passed_on() -> None:
    err = io.StringIO()
    lisp = LispE(stderr=err)
    assert lisp.eval('(command "echo out; echo bad >&2")') == ["out\n"]
    assert err.getvalue() == "bad\n"


@pytest.mark.parametrize("program", ['(command "true")', '(setenv "LISPE_TEST" 1)'])
def test_processes_need_permission(program: str) -> None:
    with pytest.raises(LispError, match="not allowed to use: process"):
        LispE(allow=["fs"]).eval(program)


@pytest.mark.parametrize(("program", "code"), [("(exit 3)", 3), ("(exit)", 0), ("(exit 2.9)", 2)])
def test_exit(program: str, code: int) -> None:
    out = io.StringIO()
    lisp = LispE(stdout=out)
    with pytest.raises(LispExit) as ended:
        lisp.eval(f'(println "before") {program} (println "after")')
    assert ended.value.code == code
    assert out.getvalue() == "before\n"


def test_no_handler_stops_the_exit() -> None:
    with pytest.raises(LispExit):
        LispE().eval("(catch (exit 1))")


def test_identifiers() -> None:
    found = {LispE().eval("(uuid)") for _ in range(20)}
    assert len(found) == 20
    shape = "[0-9a-f]{8}-4[0-9a-f]{3}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{8}"
    assert all(re.fullmatch(shape, text) for text in found)


def test_what_surrounds_the_program() -> None:
    lisp = LispE()
    assert lisp.eval("(> (memory_size) 1000000)") is True
    assert lisp.eval("(os_version)")
    assert lisp.eval("_sep") == os.sep
