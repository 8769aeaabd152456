"""The process and what surrounds it: input, environment, commands, the end."""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
import sys
from typing import Any

from lispe_py.builtins.output import write
from lispe_py.builtins.strings import text_of
from lispe_py.errors import LispError, LispExit
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.pauses import SLICE
from lispe_py.values.typed import Strings


def _line(lisp: Context) -> str:
    lisp.stdout.flush()
    try:
        return lisp.stdin.readline()
    except UnicodeDecodeError:
        raise LispError("the standard input is not in its encoding") from None
    except (OSError, ValueError) as error:
        raise LispError(f"cannot read the standard input: {error}") from None


@primitive("input@", "input", interpreter=True)
def input_(lisp: Context, preset: Any = None) -> str | None:
    """A line of the standard input, without its end; nil when there is none left.

    On a terminal, a text given first can be edited; elsewhere it does not count.

    (input@)
    ; nil
    """
    if preset is not None and lisp.stdin.isatty() and lisp.stdin is sys.stdin:
        return _edited(text_of(preset))
    line = _line(lisp)
    return line.removesuffix("\n") if line else None


def _edited(preset: str) -> str | None:
    """A line of the terminal that starts with a text which can be changed."""
    from prompt_toolkit import prompt

    try:
        return prompt("", default=preset)
    except EOFError:
        return None


@primitive("pipe", interpreter=True)
def pipe(lisp: Context) -> str | None:
    """The next line of the standard input with its end; nil when there is none left.

    (pipe)
    ; nil
    """
    return _line(lisp) or None


@primitive("getchar", interpreter=True)
def getchar(lisp: Context) -> str | None:
    """The next character of the standard input; nil when there is none left.

    (getchar)
    ; nil
    """
    lisp.stdout.flush()
    return lisp.stdin.read(1) or None


# ---------------------------------------------------------------- environment


def _variable(value: Any) -> str:
    name = text_of(value)
    if not name or "=" in name or "\0" in name:
        raise LispError(f"no name of a variable of the environment: '{name}'")
    return name


@primitive("getenv", interpreter=True, needs=("process",))
def getenv(lisp: Context, name: Any) -> str:
    """A variable of the environment; an empty string if it is not set.

    (setenv "COLOUR" "green") (getenv "COLOUR")
    ; green
    """
    return os.environ.get(text_of(name), "")


@primitive("setenv", interpreter=True, needs=("process",))
def setenv(lisp: Context, name: Any, value: Any) -> bool:
    """Set a variable of the environment, for this process and those it starts.

    (setenv "COUNT" 12) (getenv "COUNT")
    ; 12
    """
    lisp.require("process")
    text = text_of(value)
    if "\0" in text:
        raise LispError("a variable of the environment cannot hold a character of code 0")
    os.environ[_variable(name)] = text
    return True


@primitive("command", interpreter=True, needs=("process",))
def command(lisp: Context, line: Any) -> Strings:
    """The lines that a command of the shell prints, with their ends.

    Its errors go to the standard error. A command that cannot be found, or that
    fails, gives what it printed.

    (command "echo saffron && echo thyme")
    ; ("saffron
    ; " "thyme
    ; ")
    """
    lisp.require("process")
    lisp.stdout.flush()
    lisp.stderr.flush()
    try:
        printed, errors = _run(text_of(line))
    except (OSError, ValueError) as error:
        raise LispError(f"cannot run the command: {error}") from None
    if errors:
        write(lisp.stderr, errors.decode("utf-8", "replace"))
    return Strings(_lines(printed.decode("utf-8", "replace")))


def _run(line: str) -> tuple[bytes, bytes]:
    """What a command prints, and its errors. It ends with the evaluation."""
    pipe = subprocess.PIPE
    with subprocess.Popen(line, shell=True, stdout=pipe, stderr=pipe) as process:
        try:
            while True:
                try:
                    return process.communicate(timeout=SLICE)
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            process.kill()
            raise


def _lines(text: str) -> list[str]:
    """Lines with their ends. Only the character 10 ends a line."""
    pieces = [piece + "\n" for piece in text.split("\n")]
    last = pieces.pop()[:-1]
    return [*pieces, last] if last else pieces


@primitive("exit", interpreter=True, arity=(0, 1))
def exit_(lisp: Context, code: Any = 0) -> Any:
    """End the program with a status, 0 by default. No handler of errors stops it.

    (if nil (exit 3) "goes on")
    ; goes on
    """
    lisp.stdout.flush()
    raise LispExit(to_integer(code))


@primitive("os_version")
def os_version() -> str:
    """The name of the operating system.

    (> (size (os_version)) 0)
    ; true
    """
    return f"{platform.system()} {platform.release()}".strip()


@primitive("memory_size", "memory_full_size")
def memory_size() -> int:
    """Bytes of memory that the process has used at most; 0 where that is not known.

    (>= (memory_size) 0)
    ; true
    """
    try:
        import resource
    except ImportError:
        return 0
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


@primitive("uuid")
def uuid() -> str:
    """A random identifier: groups of 8, 4, 4, 4 and 8 hexadecimal digits.

    The second group starts with 4, the third with 1.

    (size (uuid))
    ; 32
    """
    digits = secrets.token_hex(14)
    return f"{digits[:8]}-4{digits[8:11]}-1{digits[11:14]}-{digits[14:18]}-{digits[18:26]}"
