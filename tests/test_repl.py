"""The prompt: sessions on a real pseudo-terminal, and the parts it is made of."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lispe_py import LispE
from lispe_py.assistance import complete, describe, signature_at
from lispe_py.highlighting import LispELexer, pieces
from lispe_py.indentation import indent_of
from lispe_py.repl.session import WAYS, Session, quoted, starred
from lispe_py.surface import tokens

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted([*(ROOT / "lisp_examples").glob("*.lisp"), *(ROOT / "tests/lisp").glob("*.lisp")])
#: Seconds to wait for a text on a machine that is busy.
PATIENCE = 30

ENTER, UP, CTRL_C, CTRL_D, CTRL_R = "\r", "\x1b[A", "\x03", "\x04", "\x12"


class Terminal:
    """The command on a pseudo-terminal, and the screen that its user sees."""

    def __init__(self, home: Path, *words: str, size: tuple[int, int] = (40, 100), **more: str):
        pexpect = pytest.importorskip("pexpect")
        pyte = pytest.importorskip("pyte")
        self.eof, self.timeout = pexpect.EOF, pexpect.TIMEOUT
        environment = {
            **{k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "PAGER", "LESS")},
            "HOME": str(home), "XDG_STATE_HOME": str(home / "state"),
            "XDG_CONFIG_HOME": str(home / "config"), "TERM": "xterm-256color",
            "PAGER": "cat", **more,
        }  # fmt: skip
        self.process = pexpect.spawn(
            sys.executable, ["-m", "lispe_py", *words], env=environment, dimensions=size,
            encoding="utf-8", codec_errors="replace", cwd=str(home), timeout=PATIENCE,
        )  # fmt: skip
        self.screen = pyte.HistoryScreen(size[1], size[0], history=5000)
        self.stream = pyte.Stream(self.screen)
        self.raw = ""
        self.answered = 0

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def pump(self, seconds: float = 0.05) -> bool:
        """Take what has come; False at the end."""
        try:
            text = self.process.read_nonblocking(65536, seconds)
        except self.timeout:
            return True
        except self.eof:
            return False
        self.raw += text
        self.stream.feed(text)
        # Terminals answer where their cursor is.
        while self.raw.count("\x1b[6n") > self.answered:
            self.answered += 1
            cursor = self.screen.cursor
            self.process.send(f"\x1b[{cursor.y + 1};{cursor.x + 1}R")
        return True

    def wait(self, pattern: str) -> str:
        """Wait until a line of the screen matches from its beginning to its end."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = next((line for line in self.lines() if re.fullmatch(pattern, line)), None)
            if found is not None:
                return found
            if not self.pump():
                break
        raise AssertionError(f"no line is {pattern!r} on:\n" + "\n".join(self.lines()))

    def ready(self) -> None:
        """Wait for an empty prompt, with the cursor behind it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            row = self.screen.cursor.y
            if self.screen.display[row].rstrip() == ">" and self.screen.cursor.x == 2:
                return
            if not self.pump():
                break
        raise AssertionError("no prompt on:\n" + "\n".join(self.lines()))

    def send(self, text: str) -> None:
        self.process.send(text)

    def enter(self, text: str, answer: str | None = None) -> None:
        """Type an entry at an empty prompt; wait for the answer."""
        self.ready()
        self.send(text + ENTER)
        if answer is not None:
            self.wait(answer)

    def leave(self) -> int:
        self.ready()
        self.send(CTRL_D)
        return self.ended()

    def ended(self) -> int:
        while self.pump():
            pass
        self.process.close()
        return int(self.process.exitstatus)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path


# ---------------------------------------------------------------- on a terminal


def test_session(home: Path) -> None:
    """Values, entries of several lines, pairs, completion, the signature, *1, errors."""
    (home / "notes.txt").write_text("x")
    t = Terminal(home)
    t.enter("(+ 40 2)", "42")
    # Brackets close themselves and may be typed all the same; a line is indented.
    t.enter("(defun area(width height)")
    t.wait(r"\.\.    \)")
    t.send("(* width height))")
    t.wait(r"\.\.    \(\* width height\)\)")
    t.send(ENTER)
    t.wait("nil")
    t.ready()
    t.send("(area 3 ")
    t.wait(r" *\(area width height\)")
    t.send("14)" + ENTER)
    t.enter("(list *1 *2)", r"\(42 42\)")
    t.ready()
    t.send("(torch_matm")
    t.wait(r" *torch_matmul +\(torch_matmul tensor1 tensor2\).*")
    t.send("\t")
    t.wait(r"> \(torch_matmul\)")
    t.send(CTRL_C)
    t.enter('(setq d {"apple":1 "pear":2})', "true")
    t.ready()
    t.send('(@ d "a')
    t.wait(r" *apple +1")
    t.send("\t")
    t.wait(r'> \(@ d "apple"\)')
    t.send('")' + ENTER)
    t.wait("1")
    t.ready()
    t.send('(fread "no')
    t.wait(r" *notes.txt +file")
    t.send("\t")
    t.wait(r'> \(fread "notes.txt"\)')
    t.send(CTRL_C)
    t.enter("(car 7)", r"<entry \d+>:1:1: Error: .*")
    t.wait(r" {4}\^")
    assert re.search(r"\x1b\[1;31m<entry \d+>:1:1: Error:\x1b\[0m", t.raw)
    t.enter("(size (string *e))")
    t.ready()
    t.enter("(exit 3)")
    assert t.ended() == 3


def test_interrupts_end_the_evaluation_and_not_the_session(home: Path) -> None:
    t = Terminal(home)
    t.enter('(block (println "loops") (while true nil))', "loops")
    t.send(CTRL_C)
    t.wait("(\\^C)?interrupted")
    # Deep recursion, again and again so that it is met in the middle.
    t.enter("(defun down(n) (if (= n 0) 0 (+ 1 (down (- n 1)))))", "nil")
    t.enter('(block (println "falls") (while true (down 50000)))', "falls")
    t.send(CTRL_C)
    t.enter("(+ 1000 1)", "1001")
    t.enter("(setq w (torch_ones '(1500 1500)))", "true")
    t.enter("(size (torch_matmul w w))", "2250000")
    t.enter('(block (println "multiplies") (while true (torch_matmul w w)))', "multiplies")
    t.send(CTRL_C)
    t.enter("(+ 2000 2)", "2002")
    assert len([line for line in t.lines() if line.endswith("interrupted")]) == 3
    t.enter("w", r"tensor 1500 x 1500 float32 cpu \(1 1 1 1 1 1 \.\.\.\)")
    assert t.leave() == 0


def test_history_is_kept_whole_and_private_sessions_leave_none(home: Path) -> None:
    t = Terminal(home)
    t.enter("(defun triple(x)")
    t.wait(r"\.\.    \)")
    t.send("(* 3 x))" + ENTER)
    t.enter("(triple 5)", "15")
    assert t.leave() == 0
    path = home / "state/lispe/history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()

    t = Terminal(home, "--private")
    t.enter("(+ 70 7)", "77")
    assert t.leave() == 0
    assert path.read_text() == before

    t = Terminal(home)
    t.ready()
    t.send(UP)
    t.wait(r"> \(triple 5\)")
    t.send(UP)
    t.wait(r"\.\.    \(\* 3 x\)\)")
    t.send(CTRL_C)
    t.ready()
    t.send(CTRL_R + "tripl")
    t.wait(r".*\(triple 5\).*")
    t.send(CTRL_C)
    assert t.leave() == 0


def test_an_entry_is_opened_in_an_editor(home: Path) -> None:
    editor = home / "editor"
    editor.write_text("#!/bin/sh\ncase $1 in *.lisp) echo '(* 6 7)' > $1;; esac\n")
    editor.chmod(0o755)
    t = Terminal(home, EDITOR=str(editor), VISUAL=str(editor))
    t.ready()
    t.send("(+ 1" + "\x18\x05")
    t.wait(r"> \(\* 6 7\)")
    t.send(ENTER)
    t.wait("42")
    assert t.leave() == 0


def test_paste_of_a_thousand_lines(home: Path) -> None:
    lines = ["(setq total 0)", *(f"(+= total {n})" for n in range(998)), "(println 'is total)"]
    t = Terminal(home)
    t.ready()
    t.send("\x1b[200~" + "\n".join(lines) + "\x1b[201~")
    t.wait(r"\.\. \(println 'is total\)")
    t.send(ENTER)
    t.wait(f"is {997 * 998 // 2}")
    assert t.leave() == 0


def test_start_up_file_and_no_colour(home: Path) -> None:
    (home / "config/lispe").mkdir(parents=True)
    (home / "config/lispe/init.lisp").write_text("(defun hello() 'there)\n(car 5)\n")
    t = Terminal(home, NO_COLOR="1")
    t.wait(r".*init\.lisp:2:1: Error: .*")
    t.enter("(hello)", "there")
    t.enter("(car 5)", "<entry 2>:1:1: Error: .*")
    t.ready()
    assert re.findall(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])(?:;\d+)*m", t.raw) == []
    assert t.leave() == 0


def test_plain_mode_on_a_terminal_that_cannot_move_its_cursor(home: Path) -> None:
    t = Terminal(home, TERM="dumb")
    t.enter("(* 6", None)
    t.wait(r"\.\.")
    t.send("7)" + ENTER)
    t.wait("42")
    t.enter("(while true nil)")
    time.sleep(0.5)
    t.send(CTRL_C)
    t.wait(r"(\^C)?interrupted")
    t.enter("(list *1 *1)", r"\(42 42\)")
    assert "\x1b[" not in t.raw.replace("\x1b[?2004h", "").replace("\x1b[?2004l", "")
    assert t.leave() == 0


@pytest.mark.parametrize("kind", ["xterm-256color", "dumb"])
def test_errors_show_the_line_of_an_earlier_entry(home: Path, kind: str) -> None:
    t = Terminal(home, TERM=kind)
    t.enter("(defun first-of(x) (car x))", "nil")
    t.enter("(defun twice-of(x) (first-of x))", "nil")
    t.enter("(twice-of 5)", "<entry 1>:1:20: Error: .*")
    t.ready()
    lines = t.lines()
    at = next(i for i, line in enumerate(lines) if "Error" in line)
    assert lines[at + 1 : at + 6] == [
        "    (defun first-of(x) (car x))",
        "                       ^",
        "  in first-of, <entry 1>:1:20",
        "  in twice-of, <entry 2>:1:20",
        "  in the program, <entry 3>:1:1",
    ]
    t.enter("(source twice-of)", r"\(defun twice-of\(x\) \(first-of x\)\)")
    assert t.leave() == 0


def test_long_values_are_paged(home: Path) -> None:
    t = Terminal(home, PAGER="wc -c")
    t.enter("(+ 1 1)", "2")
    t.enter("(iota 3000)", str(len(" ".join(map(str, range(1, 3001)))) + 3))
    assert t.leave() == 0


# ---------------------------------------------------------------- parts


@pytest.fixture(scope="module")
def lisp() -> LispE:
    lisp = LispE()
    lisp.eval(
        "(defun area(width height) (* width height)) (setq alpha 1)"
        '(setq d {"apple":1 "pear":2}) (class@ point (x y) (defun norm() (+ x y)))'
        '(setq p (point 1 2)) (setq m (py_import "math")) (defmacro twice(x) (* 2 x))'
    )
    return lisp


@pytest.mark.parametrize(
    "text, expected, kind",
    [
        ("(are", "area", "function"),
        ("(+ alph", "alpha", "variable"),
        ("(poin", "point", "class"),
        ("(twic", "twice", "macro"),
        ("(torch_matm", "torch_matmul", "primitive"),
        ("(maplis", "maplist", "builtin"),
        ("(lambd", "lambda", "builtin"),
        ("(defun g(parameter) (+ 1 par", "parameter", "name"),
        ('(@ d "p', "pear", "key"),
        ('(set@ d "', "apple", "key"),
        ("(p (no", "norm", "method"),
        ('(py_call m "hypo', "hypot", "attribute"),
        ("(tru", "true", "constant"),
        ("(maplist 'torch_matm", "torch_matmul", "primitive"),
    ],
)
def test_completion(lisp: LispE, text: str, expected: str, kind: str) -> None:
    found = next(c for c in complete(lisp, text, len(text)) if c.text == expected)
    assert found.kind == kind
    assert expected.startswith(text[found.start :])


def test_completion_of_files_and_what_has_none(
    lisp: LispE, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/model.bin").touch()
    (tmp_path / ".hidden").touch()
    assert [c.text for c in complete(lisp, '(load "', 7)] == ["folder/"]
    text = '(load "folder/mo'
    assert [(c.text, c.start, c.kind) for c in complete(lisp, text, len(text))] == [
        ("model.bin", 14, "file")
    ]
    for nothing in ("; torch_mat", "(f 12", '(load "nowhere/x'):
        assert complete(lisp, nothing, len(nothing)) == []


def test_completion_knows_every_torch_name_without_torch() -> None:
    import subprocess

    code = (
        "import sys\nfrom lispe_py import LispE, libraries\n"
        "from lispe_py.assistance import complete\n"
        "found = complete(LispE(), '(torch_', 7)\n"
        "names = {n for n in libraries.index() if n.startswith('torch_')}\n"
        "assert names <= {c.text for c in found}, names\n"
        "assert all(c.signature and c.summary for c in found if c.text in names)\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text, name, argument",
    [
        ("(area", "area", 0), ("(area ", "area", 0), ("(area 1", "area", 0),
        ("(area 1 ", "area", 1), ("(area (car 1) ", "area", 1), ("(area (car ", "car", 0),
        ("(area 1 (nowhere 2 ", "area", 1), ("(area '(a b", "area", 0), ('(area 1 "x', "area", 1),
    ],
)  # fmt: skip
def test_signature(lisp: LispE, text: str, name: str, argument: int) -> None:
    found = signature_at(lisp, text, len(text))
    assert found is not None
    assert (found.name, found.argument) == (name, argument)


def test_signature_and_description_of_nothing(lisp: LispE) -> None:
    assert signature_at(lisp, "alpha ", 6) is None
    assert signature_at(lisp, "(nowhere 1", 10) is None
    assert describe(lisp, "nowhere") is None


def test_description(lisp: LispE) -> None:
    area = describe(lisp, "area")
    assert area is not None
    assert (area.kind, area.signature, area.place) == (
        "function", "(area width height)", ("main", 1, 1),
    )  # fmt: skip
    car = describe(lisp, "car")
    assert car is not None and car.kind == "builtin"
    assert car.documentation.startswith(car.summary)


@pytest.mark.parametrize(
    "text, column",
    [
        ("", 0), ("(car l)", 0), ("(defun f(x)", 3), ("(if a\n   (b c)", 3),
        ("(join (list", 3), ("(if a\n   (join (list", 6), ("'((1 2)", 2), ("(setq d {1:2", 9),
        ('(println "abc', 0), ("(a ; (b", 3), ('(f ")" ', 3), ("[a]", 0), ("((a (b]", 0),
    ],
)  # fmt: skip
def test_indentation(text: str, column: int) -> None:
    assert indent_of(text) == column


def test_indentation_of_our_programs() -> None:
    """The conventions are those that our programs follow, but for rare alignments."""
    lines = wrong = 0
    for path in PROGRAMS:
        text = path.read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(text):
            if line.strip():
                lines += 1
                wrong += indent_of("\n".join(text[:number])) != len(line) - len(line.lstrip())
    assert lines > 300
    assert wrong <= lines // 50


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.name)
def test_programs_are_highlighted(path: Path) -> None:
    from pygments.token import Error

    text = path.read_text(encoding="utf-8")
    position = 0
    for start, kind, piece in LispELexer().get_tokens_unprocessed(text):
        assert kind is not Error, (start, piece)
        assert start == position and text[start : start + len(piece)] == piece
        position += len(piece)
    assert position == len(text)


def test_tokens_are_those_of_the_reader() -> None:
    """The names, numbers and strings of a program are found where the reader finds them."""
    from lispe_py.grammar import grammar

    lark = pytest.importorskip("lark")
    lexer = lark.Lark(grammar(), parser="lalr", lexer="basic")
    for path in PROGRAMS:
        text = path.read_text(encoding="utf-8")
        if text.startswith("#!"):
            text = ";!" + text[2:]
        ours = [t for t in tokens(text) if t.kind not in ("BLANK", "COMMENT", "BLOCK")]
        theirs = [(t.type, t.start_pos, t.end_pos) for t in lexer.lex(text)]
        assert [tuple(t) for t in ours] == theirs


@pytest.mark.parametrize(
    "text", ['(a "b', "(a `b", ";; never", '"""x', '(a "b\\"', "\x01", "«", "1.2.3", "", "b`a"]
)
def test_unfinished_texts_are_covered_whole(text: str) -> None:
    assert "".join(text[t.start : t.end] for t in tokens(text)) == text
    assert "".join(piece for _, piece in pieces(text)) == text


def test_kinds_of_highlighting() -> None:
    from pygments.token import Keyword, Name, Number, String

    found = {(kind, piece) for kind, piece in pieces('(defun f(x) (car "s" 12 nil) (torch_add x))')}
    assert {
        (Keyword, "defun"), (Name.Function, "f"), (Name.Builtin, "car"), (String, '"s"'),
        (Number.Integer, "12"), (Keyword.Constant, "nil"), (Name.Builtin, "torch_add"),
    } <= found  # fmt: skip


def test_star_names() -> None:
    assert starred("(list *1 *2 '*e)") == "(list ⁎1 ⁎2 '⁎e)"
    for text in ("(*1 2)", "(* 1 2)", '"*1"', "(a *4)", "; *1"):
        assert starred(text) == text


def test_words_of_other_prompts() -> None:
    lisp, shown = LispE(), []
    session = Session(lisp, lambda error, _: shown.append(str(error)))
    for word in ("help", "?", "exit", " quit\n"):
        assert session.enter(word, shown.append) is None
    assert shown == [WAYS] * 4
    session.enter("(setq quit 5) quit", shown.append)
    session.enter("quit", shown.append)
    assert shown[4:] == ["5", "5"]


def test_help_of_a_built_in_needs_no_quote() -> None:
    lisp = LispE()
    lisp.eval("(defun half(x) (/ x 2)) (setq word 'car)")
    assert quoted(lisp, "(list (help car) (source torch_relu))") == (
        "(list (help 'car) (source 'torch_relu))"
    )
    assert quoted(lisp, "(help +)") == "(help '+)"
    for text in ("(help 'car)", "(help half)", "(help word)", "(help)", "(f car)", '"(help car)"'):
        assert quoted(lisp, text) == text
    shown: list[str] = []
    session = Session(lisp, lambda error, _: shown.append(str(error)))
    for text in ("(help car)", "(help 'car)", "(help half)", "(help nowhere)"):
        session.enter(text, shown.append)
    assert shown[0] == shown[1] and shown[0].startswith("(car value)")
    assert shown[2] == "(defun half (x) (/ x 2))"
    assert "nowhere" in shown[3]


def test_session_remembers_values_and_errors() -> None:
    errors: list[str] = []
    shown: list[str] = []
    session = Session(LispE(), lambda error, _: errors.append(str(error)))
    for text in ("10", "20", "(defun f() 1)", "(list *1 *2 *3)", "(car 5)", "(size *1)"):
        assert session.enter(text, shown.append) is None
    assert shown == ["10", "20", "nil", "(20 10 nil)", "3"]
    assert len(errors) == 1
    session.enter("*e", shown.append)
    assert errors[0] in shown[-1]
    assert session.enter("(exit 4)", shown.append) == 4


def test_source_time_and_python(tmp_path: Path) -> None:
    lisp = LispE(stderr=io.StringIO())
    path = tmp_path / "f.lisp"
    path.write_text("; twice as much\n(defun twice (x)\n   ; inside\n   (* 2 x))\n")
    lisp.execute(str(path))
    assert lisp.eval("(source 'twice)") == "(defun twice (x)\n   ; inside\n   (* 2 x))"
    path.write_text("; something else\n")
    assert lisp.eval("(source twice)") == "(defun twice (x) (* 2 x))"
    assert "def car" in lisp.eval("(source 'car)")
    assert lisp.eval("(show_python twice)").startswith("def twice()(x):")
    assert lisp.eval("(time (twice 4))") == 8
    assert re.fullmatch(r"[\d.e+]+ (s|ms|µs|ns)\n", lisp.stderr.getvalue())  # type: ignore[attr-defined]
    assert lisp.eval("(block (time (setq k 3)) k)") == 3
    # The names stay free for programs.
    assert LispE().eval("(defun time(source) (* 2 source)) (time 4)") == 8
    assert LispE().eval("(setq time 3) (+ time 1)") == 4


def test_special_forms_show_their_arguments(lisp: LispE) -> None:
    """All have some but those that take none, and as many as they accept."""
    from lispe_py.registry import registry

    found = signature_at(lisp, "(if (< 1 2) ", 12)
    assert found is not None and (found.text, found.argument) == ("(if condition then [else])", 1)
    for entry in registry.entries():
        words = entry.usage.split()
        assert bool(words) == (entry.special and entry.most != 0 and entry.name != "break")
        if words and entry.least:
            rest = words[-1].endswith("...") or words[0].endswith("...")
            fixed = [w for w in words if not w.endswith("...") and w[0] != "["]
            assert len(fixed) <= entry.least
            assert rest if entry.most is None else len(words) == entry.most
