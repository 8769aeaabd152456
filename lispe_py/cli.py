"""The command line: ``lispe [OPTIONS] [FILE [ARGUMENTS]]``."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lispe_py.errors import LispError, LispExit

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

USAGE = """\
usage: lispe [options] [FILE | -] [arguments]
       lispe check | format | doc | test | lsp ...

Runs a LispE program: a file, standard input (-), or the text after -e. Without a
program, a prompt opens on a terminal, and standard input is run where it is none.
The arguments after the program are in the list _args.

commands (each has its own --help; write ./check for a file of that name):
  check          find mistakes in programs without running them
  format         lay out programs by the conventions
  doc            show the documentation of names and files
  test           run tests that are written in LispE
  lsp            serve an editor (Language Server Protocol)

options:
  -e CODE        run CODE and print its value
  -i             open the prompt after the program
  --private      do not read or write the history of the prompt
  --show-python  print the Python that the program compiles to; do not run it
  --traceback    with an error, show Python's traceback too
  --promote      mixed arithmetic gives a number: (+ 1 2.5) is 3.5
  --version      print the version
  -h, --help     print this text

environment: LISPE_CACHE is the folder where the code of files is kept, or off.

exit status: 0; 1 after an error in the program; 2 for a wrong command line;
130 after an interrupt; the number given to (exit n).
"""

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


class Misuse(Exception):
    """A command line that makes no sense."""


class Options:
    """What the command line asks for."""

    def __init__(self) -> None:
        self.code: str | None = None
        self.file: str | None = None
        self.arguments: list[str] = []
        self.prompt = False
        self.private = False
        self.show_python = False
        self.traceback = False
        self.promote = False
        self.answer: str | None = None


def parse(words: list[str]) -> Options:
    """Options come before the program; everything after it belongs to it."""
    options = Options()
    rest = list(words)
    switches = {
        "-i": "prompt",
        "--private": "private",
        "--show-python": "show_python",
        "--traceback": "traceback",
        "--promote": "promote",
    }
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word in switches:
            setattr(options, switches[word], True)
        elif word == "-e":
            if not rest:
                raise Misuse("-e needs the text of a program")
            options.code = rest.pop(0)
        elif word == "--version":
            from lispe_py.version import __version__

            options.answer = f"lispe_py {__version__}\n"
        elif word in ("-h", "--help"):
            options.answer = USAGE
        elif word == "--":
            break
        else:
            raise Misuse(f"unknown option: {word}")
    if options.code is None and rest:
        options.file = rest.pop(0)
    options.arguments = rest
    return options


class Session:
    """One run of the command: an interpreter and the texts it was given."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lisp: LispE = _interpreter()(promote=options.promote)
        self.lisp.args[:] = options.arguments

    # ------------------------------------------------------------ errors

    def guarded(self, run: Callable[[], Any]) -> int:
        """Run something of the program; the exit status, its errors having been shown."""
        try:
            run()
            sys.stdout.flush()
            return OK
        except LispExit as ended:
            return ended.code & 0xFF
        except KeyboardInterrupt:
            return INTERRUPTED
        except Exception as error:
            if _is_closed_pipe(error):
                return _leave_pipe()
            self.show(error)
            return FAILED

    def show(self, error: Exception) -> None:
        self.report(error, self.lisp.texts)

    def report(self, error: BaseException, sources: Mapping[str, str]) -> None:
        """Tell an error of the program; ``sources`` are the texts that are no files."""
        from lispe_py import reporting

        text = reporting.text_of(error, sources, with_python=self.options.traceback)
        if reporting.is_coloured(sys.stderr):
            text = reporting.coloured(text)
        _tell(text)

    # ------------------------------------------------------------ programs

    def run(self) -> int:
        """The program of the command line, then the prompt if one is wanted."""
        options = self.options
        interactive = options.code is None and options.file is None and sys.stdin.isatty()
        if interactive and not options.show_python:
            return self.prompt()
        status = self.guarded(self._program)
        if options.prompt and status in (OK, FAILED):
            return self.prompt(status)
        return status

    def _program(self) -> None:
        options = self.options
        if options.code is not None:
            name, text = "-e", options.code
        elif options.file in (None, "-"):
            name, text = "stdin", _standard_input()
        elif options.show_python:
            assert options.file is not None
            from lispe_py.runtime.calls import read_source

            name, text = options.file, read_source(options.file)
        else:
            assert options.file is not None
            self.lisp.execute(options.file, options.arguments)
            return
        self.lisp.texts[name] = text
        if options.show_python:
            print(self.lisp.python_source(text, name))
            return
        value = self.lisp.eval(text, name)
        if options.code is not None:
            self.print_value(value)

    def print_value(self, value: Any) -> None:
        from lispe_py.values.symbol import NOTHING

        if value is not NOTHING:
            print(self.lisp.show(value))

    # ------------------------------------------------------------ prompt

    def prompt(self, status: int = OK) -> int:
        """Read entries, run them, print their values; until the end of the input."""
        from lispe_py.repl import open_prompt

        return open_prompt(self.lisp, self.report, status, private=self.options.private)


def _interpreter() -> type[LispE]:
    """Import the interpreter, in the shortest time.

    Nothing that it makes then is garbage, so collecting would be for nothing. And
    Lark imports regex where there is one, for grammars that ask for it; ours does
    not, and a program that uses regular expressions still gets it later.
    """
    import gc

    gc.disable()
    spare = "lark" not in sys.modules and "regex" not in sys.modules
    if spare:
        sys.modules["regex"] = None  # type: ignore[assignment]
    try:
        import lark  # noqa: F401

        from lispe_py.interpreter import LispE
    finally:
        if spare:
            del sys.modules["regex"]
        gc.enable()
    return LispE


def _standard_input() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise LispError(f"standard input is not UTF-8 (byte {error.start})") from None


def _tell(text: str) -> None:
    """A message on standard error, after what the program has printed."""
    try:
        sys.stdout.flush()
    except OSError:
        # The message that follows says what could not be written, or why.
        _discard_output()
    print(text, file=sys.stderr)


def _is_closed_pipe(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, BrokenPipeError):
            return True
        error = error.__cause__
    return False


def _discard_output() -> None:
    """Nothing more can be written: keep Python from trying again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave_pipe() -> int:
    """The reader of our output is gone, as with ``| head``: end without a word."""
    _discard_output()
    return FAILED


def _prepare_streams() -> None:
    """Text that the terminal cannot show must not end a program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _left_open() -> int:
    """Close the files that the program left open; a failure where not all could be written."""
    streams = sys.modules.get("lispe_py.values.streams")
    return OK if streams is None or streams.close_all() else FAILED


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit status."""
    # Looking for cycles every 700 objects costs a tenth of the start, and programs
    # that make long lists more; this process is ours.
    gc.set_threshold(50_000, 20, 20)
    _prepare_streams()
    words = sys.argv[1:] if arguments is None else arguments
    if words and words[0] in ("check", "format", "doc", "test", "lsp"):
        from lispe_py import tools

        return tools.run(words[0], words[1:])
    try:
        options = parse(words)
        if options.answer is not None:
            sys.stdout.write(options.answer)
            return OK
        file = options.file
        if file not in (None, "-") and not os.path.exists(file or ""):
            raise Misuse(f"there is no file {file}")
    except Misuse as misuse:
        print(f"lispe: {misuse}\n{USAGE.partition(chr(10))[0]}", file=sys.stderr)
        return MISUSED
    return Session(options).run() or _left_open()
