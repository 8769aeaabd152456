"""Files: whole, open, and what is known of them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lispe_py import LispE, LispError
from lispe_py.runtime import atomic


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(fwrite "a" "alpha") (fread "a")', "alpha"),
        ('(fwrite "a" "alpha\\nbeta\\n") (fread "a")', "alpha\nbeta\n"),
        ('(fwrite "a" "") (size (fread "a"))', "0"),
        ('(fwrite "a" "é\\r\\n") (size (fread "a"))', "3"),
        ('(fwrite "a" \'(1 "b")) (fread "a")', '(1 "b")'),
        ('(fwrite "a" "one") (fappend "a" "two") (fread "a")', "onetwo"),
        ('(list (fwrite "a" 1) (fappend "n" "new")) (fread "n")', "new"),
        ('(fwrite "a" "é" "latin-1") (list (bread "a") (fread "a" "latin-1") (type (fread "a")))',
         '((233) "é" stringbyte_)'),
        ('(bwrite "b" \'(72 10 0 255)) (bread "b")', "(72 10 0 255)"),
        ('(bwrite "b" (shorts 72 105)) (fread "b")', "Hi"),
        ('(bwrite "b" \'(72)) (bappend "b" (integers 33)) (bread "b")', "(72 33)"),
        ('(type (bread "b0"))', None),
        ('(bwrite "b" b"é") (bread "b")', "(195 169)"),
        ('(fwrite "a" "é") (fsize "a")', "2"),
        ('(list (isdirectory ".") (isdirectory "none"))', "(true nil)"),
        ('(ls "none")', "()"),
        ('(fwrite "z" 1) (fwrite "y" 1) (ls ".")', '("y" "z")'),
        ('(fwrite "a" "hello") (key@ (fileinfo "a") "size")', "5"),
        ('(fileinfo "none")', "nil"),
        ('(fwrite "a" 1) (list (type (key@ (fileinfo "a") "date")) (key@ (fileinfo ".") "directory"))',
         "(date_ true)"),
        ('(realpath "none")', ""),
    ],
)  # fmt: skip
def test_whole_files(program: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(LispError, match="Unknown file: b0"):
            shown(program)
    else:
        assert shown(program) == expected


def test_entries_are_prefixed(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "x").write_text("")
    assert shown('(ls "sub")') == f'("{os.path.join("sub", "x")}")'
    assert shown('(realpath "sub")') == str((folder / "sub").resolve())


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('(fread "none")', "Unknown file: none"),
        ('(bread "none")', "Unknown file: none"),
        ('(fsize "none")', "Unknown file: none"),
        ('(fread ".")', "Cannot read file: ."),
        ('(fwrite "no/such/folder" 1)', "Cannot write in file: no/such/folder"),
        ('(fappend "no/such/folder" 1)', "Cannot write in file: no/such/folder"),
        ('(bwrite "b" \'(1 256))', "256 is no byte"),
        ('(bwrite "b" 5)', "a list of bytes"),
        ("(fread 5)", "a path is expected"),
        ('(fread "")', "a path is expected"),
        ('(fread (+ "a" (chr 0)))', "character of code 0"),
        ('(fwrite "a" "é" "ascii")', "ascii has no 'é'"),
        ('(fwrite "a" "é" "no-such")', "unknown encoding: 'no-such'"),
        ('(bwrite "b" \'(233)) (fread "b" "utf-8")', "b is not in utf-8: byte 0"),
        ("(file \"none\" 'r)", "cannot open file: none"),
        ('(file "a" "w")', "mode of a file is an atom"),
        ("(file \"a\" 'x)", "unknown mode: 'x'"),
        ('(fopen "none" "r")', "cannot open file: none"),
        ('(fopen "none" "rw")', "unknown mode"),
        ("(setq f (file \"a\" 'w)) (file_read f)", "expecting 'stream' to be in 'read' mode"),
        ("(fwrite \"a\" 1) (setq f (file \"a\" 'r)) (file_write f 1)",
         "expecting 'stream' to be in 'write' mode"),
        ("(setq f (file \"a\" 'w)) (file_close f) (file_write f 1)", "the file is closed: a"),
        ('(setq f (fopen "a" "w")) (fclose f) (fputchars f "x")', "the file is closed: a"),
        ('(fgetchars "no handle" 3)', "an open file is expected"),
        ("(setq f (file \"a\" 'w)) (file_close f) (file_tell f)", "closed"),
        ('(fwrite "a" "p") (setq f (file "a")) (file_read f) (file_readline f)', "the file is closed: a"),
        ('(fwrite "a" "p") (setq f (file "a")) (file_read f) (file_seek f 0)', "closed"),
        ('(fwrite "a" 1) (file_seek (file "a") -1)', "no such position"),
        ('(fwrite "a" 1) (file_seek (file "a") 0 7)', "from 0"),
        ('(bwrite "b" \'(65 233 66)) (file_read (file "b"))', "b is not in utf-8"),
    ],
)  # fmt: skip
def test_errors(program: str, message: str) -> None:
    with pytest.raises(LispError, match=message.replace("(", r"\(")):
        LispE().eval(program)


def test_a_write_that_fails_leaves_the_file(folder: Path) -> None:
    (folder / "a").write_text("old")
    with pytest.raises(LispError):
        LispE().eval('(fwrite "a" "é" "ascii")')
    with pytest.raises(RuntimeError), atomic.replacing("a") as file:
        file.write(b"half")
        raise RuntimeError
    assert (folder / "a").read_text() == "old"
    assert os.listdir(folder) == ["a"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_and_links_stay(folder: Path) -> None:
    (folder / "a").write_text("old")
    (folder / "a").chmod(0o640)
    (folder / "link").symlink_to("a")
    LispE().eval('(fwrite "link" "new")')
    assert (folder / "a").read_text() == "new"
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o640
    assert (folder / "link").is_symlink()
    mask = os.umask(0o022)
    os.umask(mask)
    LispE().eval('(fwrite "fresh" "x")')
    assert stat.S_IMODE((folder / "fresh").stat().st_mode) == 0o666 & ~mask


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no /dev/null")
def test_devices_are_written_directly() -> None:
    assert LispE().eval('(fwrite "/dev/null" "x")') is True
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(type (file \"a\" 'w))", "file_"),
        ("(setq f (file \"a\" 'w)) (list (file_write f \"a\") (file_writeln f 12) (file_close f)"
         " (file_close f) (fread \"a\"))", '(true true true nil "a12\n")'),
        ('(fwrite "a" "ab") (setq f (file "a" \'a)) (file_write f "cd") (file_close f) (fread "a")', "abcd"),
        ('(fwrite "a" "p\\nq") (file_readlist (file "a"))', '("p" "q")'),
        ('(fwrite "a" "p\\nq\\n") (file_readlist (file "a"))', '("p" "q" "")'),
        ('(fwrite "a" "") (file_readlist (file "a"))', "()"),
        ('(fwrite "a" "p\\nq") (setq f (file "a")) (list (file_read f) (file_eof f) (file_close f))',
         '("p\nq" true nil)'),
        ('(fwrite "a" "p") (setq f (file "a")) (list (file_readlist f) (file_eof f) (file_close f))',
         '(("p") true nil)'),
        ('(fwrite "a" "p") (setq f (file "a")) (list (file_read f 9) (file_eof f) (file_close f))',
         '("p" true true)'),
        ('(fwrite "a" "p") (setq f (file "a")) (file_close f) (file_eof f)', "nil"),
        ('(fwrite "a" "p\\nq") (setq f (file "a")) (list (file_readline f) (file_readline f) (file_readline f))',
         '("p\n" "q" "")'),
        ('(fwrite "a" "né漢🙂x") (setq f (file "a")) (list (file_read f 2) (file_tell f) (file_getchar f) (file_tell f) (file_read f))',
         '("né" 3 "漢" 6 "🙂x")'),
        ('(fwrite "a" "a") (setq f (file "a")) (list (file_eof f) (file_getchar f) (file_eof f) (file_getchar f) (file_eof f))',
         '(nil "a" nil "" true)'),
        ('(fwrite "a" "abcdef") (setq f (file "a")) (file_seek f -2 2) (setq x (file_read f 1)) (file_seek f -3 1) (list x (file_read f))',
         '("e" "cdef")'),
        ('(fwrite "a" "k={1{2}} r {") (setq f (file "a")) (list (file_getstruct f "{" "}") (file_getstruct f "{" "}"))',
         '("{1{2}}" nil)'),
        ('(fwrite "a" "(\\")\\\\\\"\\" x) y") (file_getstruct (file "a") "(" ")")', '(")\\"" x)'),
        ("(bwrite \"a\" '(239 187 191 65)) (file_read (file \"a\"))", "A"),
        ('(fwrite "a" "é\\nb" "utf-16") (setq f (file "a" \'r "utf-16")) (list (file_readline f) (file_read f))',
         '("é\n" "b")'),
        ('(fwrite "a" "é" "latin-1") (file_read (file "a" \'r "latin-1"))', "é"),
        ('(fwrite "a" "abcdefgh") (setq f (fopen "a" "r")) (list (fsize f) (fgetchars f 3) (ftell f) (fseek f 6) (fgetchars f 50) (fclose f) (fclose f) (type f))',
         '(8 "abc" 3 true "gh" true nil file_element_)'),
        ('(setq f (fopen "a" "w")) (fputchars f "saffron") (fsize f)', "7"),
        ('(fwrite "a" "é") (setq f (fopen "a")) (type (fgetchars f 1))', "stringbyte_"),
    ],
)  # fmt: skip
def test_open_files(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    "program",
    ['(fread "a")', '(fwrite "a" 1)', '(fappend "a" 1)', '(bread "a")', '(bwrite "a" (list))',
     '(bappend "a" (list))', '(file "a")', '(fopen "a" "r")', '(ls ".")', '(fileinfo "a")',
     '(isdirectory ".")', '(realpath ".")', '(fsize "a")'],
)  # fmt: skip
def test_files_need_permission(program: str, folder: Path) -> None:
    with pytest.raises(LispError, match="not allowed to use: fs"):
        LispE(allow=["process", "python", "net"]).eval(program)
    assert os.listdir(folder) == []


def test_a_file_that_is_closed_amid_its_lines() -> None:
    Path("a.txt").write_text("one\n" * 100)
    lisp = LispE()
    lisp.eval('(setq f (file "a.txt")) (loopcount 5 (file_readline f)) (file_close f)')
    with pytest.raises(LispError, match="the file is closed: a.txt"):
        lisp.eval("(file_readline f)")


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_end_is_seen_with_the_last_line(end: str) -> None:
    Path("a.txt").write_text("one\n" * 50 + "two" + end)
    lisp = LispE()
    lisp.eval('(setq f (file "a.txt"))')
    for number in range(51):
        assert lisp.eval("(file_eof f)") is None
        line = lisp.eval("(file_readline f)")
        assert line == ("one\n" if number < 50 else f"two{end}")
    assert lisp.eval("(file_eof f)") is (None if end else True)
    assert lisp.eval("(file_readline f)") == ""
    assert lisp.eval("(file_eof f)") is True


@pytest.mark.parametrize(
    "text",
    [
        "a\nb\n", "a\nb", "\n\n", "a\r\nb\r\n", "a\rb\nc", "a\x0bb\x0cc\nd", "é\u2028f\u2029g\nh\x85",
        "x" * 70_000 + "\n" + "y\n" * 40_000, "1\n" * 200_000 + "\x1c\n2", "\r", "\x1d\n\r",
    ],
)  # fmt: skip
def test_lines_end_at_line_feeds_only(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(text.encode())
    lisp = LispE()
    lisp.eval(
        """(defun lines(path)
           (setq f (file path 'r)) (setq r ()) (setq l (file_readline f))
           (while (!= l "") (push r l) (setq l (file_readline f)))
           (file_close f) r)"""
    )
    wanted = [line.decode() for line in path.read_bytes().splitlines(keepends=True)]
    if any(sign in text for sign in "\r\x0b\x0c\x1c\x1d\x85\u2028"):
        wanted = [line + "\n" for line in text.split("\n")]
        wanted = [*wanted[:-1], *([wanted[-1][:-1]] if wanted[-1] != "\n" else [])]
    assert lisp.call("lines", str(path)) == wanted
