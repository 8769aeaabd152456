"""Files are compiled once, and what is not ours is not believed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lispe_py import LispE, LispError
from lispe_py.runtime import store as stores
from lispe_py.runtime.store import Store, user_store

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners here")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("LISPE_CACHE", str(folder))
    return folder


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "script.lisp"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def run(path: Path, before: str = "", **options: bool) -> tuple[str, int, int]:
    """What a file gives in a new interpreter; how many files were found, and kept."""
    lisp = LispE(**options)
    lisp.eval(before)
    value = lisp.show(lisp.execute(path))
    return value, lisp.files.found, lisp.files.kept


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != "key")


# ---------------------------------------------------------------- found again


PROGRAM = """
(defmacro twice(x) (+ x x))
(link "plus" '+)
(data@ Shape (Circle integer_) (Square integer_))
(class@ Point (x (y 2)) (defun total() (plus x y)))
(class@ Point3 (z) (from@ Point) (defun all() (+ z (total))))
(defspace apart (defun f() 'apart))
(defun f(n) (if (< n 1) 0 (+ 1 (f (- n 1)))))
(defpat area([Circle r]) (* 3 r r))
(defpat area([Square s]) (* s s))
(setconst limit 10)
(setq adder (\\(x) (mapcar (\\(y) (+ x y)) '(1 2 3))))
(list (twice 4) (f 5) (area (Circle 2)) ((Point3 1 5) (all)) (space apart (f)) (adder 1)
   '(a "b" (c {"k":1}) `long`) limit (size (car _root)) (switch 2 (1 "a") (2 "b")) 1.5 2,3i)
"""


def test_the_second_run_finds_what_the_first_has_kept(cache: Path, script: Path) -> None:
    write(script, PROGRAM)
    value, *counts = run(script)
    assert counts == [0, 1]
    assert value == LispE(cache=False).show(LispE(cache=False).execute(script))
    assert run(script) == (value, 1, 0)


def test_what_a_file_defines_is_there_for_what_comes_after(cache: Path, script: Path) -> None:
    write(script, PROGRAM)
    after = """(class@ Point4 (w) (from@ Point3) (defun more() (+ w (all))))
       (defpat area([Point3 1 x y]) 'point)
       (defun g() (twice 21))
       (list (g) (plus 1 2) ((Point4 1 2 3) (more)) (area (Square 3)) (bodies f))"""
    shown = []
    for count in (0, 1):
        lisp = LispE()
        lisp.execute(script)
        assert lisp.files.found == count
        with pytest.raises(LispError, match="'limit' is a constant value"):
            lisp.eval("(setq limit 2)")
        with pytest.raises(LispError, match="already declared"):
            lisp.eval("(defun f(x) x)")
        shown.append(lisp.show(lisp.eval(after)))
    assert shown[0] == shown[1]


def test_errors_have_the_same_places(cache: Path, script: Path) -> None:
    write(
        script, "(defun half(x)\n   (/ x\n      nothing))\n(setq l (maplist (\\(x) (half x)) '(1)))"
    )
    errors = []
    for _ in range(2):
        lisp = LispE()
        with pytest.raises(LispError) as caught:
            lisp.execute(script)
        error = caught.value
        places = []
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename == str(script):
                places.append((code.co_name.partition(".")[0], trace.tb_lineno))
            trace = trace.tb_next
        errors.append((error.text, error.file, error.line, error.column, places))
    assert lisp.files.found == 1
    assert errors[0] == errors[1]
    assert errors[0][1:4] == (str(script), 3, 7)


def test_lambdas_of_several_files_keep_their_forms(cache: Path, tmp_path: Path) -> None:
    names = [tmp_path / f"{name}.lisp" for name in "ab"]
    for index, path in enumerate(names):
        write(path, f"(setq f{index} (\\(x) (+ x {index})))")
    for count in (0, 2):
        lisp = LispE()
        for path in names:
            lisp.execute(path)
        lisp.eval("(setq g (\\(x) (- x)))")
        assert lisp.show(lisp.eval("(list f0 f1 g)")) == (
            "((λ (x) (+ x 0)) (λ (x) (+ x 1)) (λ (x) (- x)))"
        )
        assert lisp.files.found == count


def test_loading_and_a_name_space(cache: Path, tmp_path: Path) -> None:
    write(tmp_path / "part.lisp", "(defun half(x) (/ x 2)) (setq loaded 1)")
    main = write(tmp_path / "main.lisp", "(load 'part.lisp' 'apart) (space apart (half 8))")
    main.write_text(main.read_text().replace("'part.lisp'", '"part.lisp"'))
    assert run(main) == ("4", 0, 2)
    assert run(main) == ("4", 2, 0)


def test_options_and_limits_are_told_apart(cache: Path, script: Path) -> None:
    write(script, "(defun f(n) (if (< n 1) (+ 1 2.5) (f (- n 1)))) (f 20)")
    assert run(script) == ("3", 0, 1)
    assert run(script, promote=True) == ("3.5", 0, 1)
    assert run(script, promote=True) == ("3.5", 1, 0)
    LispE(max_steps=1000).execute(script)
    limited = LispE(max_steps=10)
    with pytest.raises(LispError, match="steps"):
        limited.execute(script)
    assert limited.files.found == 1


def test_primitives_of_a_library_are_bound_again(cache: Path, script: Path) -> None:
    write(script, "(json (list 1 (cadr '(1 2))))")
    assert [run(script)[1:] for _ in range(2)] == [(0, 1), (1, 0)]


# ---------------------------------------------------------------- not found


@pytest.mark.parametrize(
    ("before", "value"),
    [
        ("(defmacro m(x) (* x 2))", "10"),
        ("(defmacro m(x) (* x 3))", "15"),
        ("(defun m(x) (- 0 x))", "-5"),
        ("(setq m (\\(x) (+ x 1)))", "6"),
        ("(class@ m (x))", '(m "x":5)'),
        ("(data@ (m _))", "(m 5)"),
        ('(link "m" (quote list))', "(5)"),
        ("(defpat m(0) 'none) (defpat m(x) 'some)", "some"),
        ("(defpat m(5) 'five) (defpat m(x) 'some)", "five"),
    ],
)  # fmt: skip
def test_what_is_there_before_decides(cache: Path, script: Path, before: str, value: str) -> None:
    write(script, "(m 5)")
    for other in ("(defmacro m(x) (* x 7))", "(setq n 1) (defun m(x) (* x 9))"):
        run(script, other)
    assert run(script, before) == (value, 0, 1)
    assert run(script, before) == (value, 1, 0)


def test_patterns_that_are_added_to(cache: Path, script: Path) -> None:
    write(script, "(defpat m(1) 'one) (list (m 1) (m 2))")
    assert run(script, "(defpat m(x) 'a)") == ("(one a)", 0, 1)
    assert run(script, "(defpat m(x) 'b)") == ("(one b)", 0, 1)
    assert run(script, "(defpat m(x) 'a)") == ("(one a)", 1, 0)


def test_changed_content(cache: Path, script: Path) -> None:
    write(script, "(+ 1 1)")
    about = script.stat()
    assert run(script) == ("2", 0, 1)
    write(script, "(+ 1 2)")
    os.utime(script, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert run(script) == ("3", 0, 1)
    write(script, "(+ 1 1)")
    assert run(script) == ("2", 1, 0)


def test_a_host_that_changes_a_primitive(cache: Path, script: Path) -> None:
    from lispe_py.registry import primitive, registry

    def define(rebinds: bool) -> None:
        def t_grown(x: object, y: object) -> object:
            """A sum."""
            return x + y  # type: ignore[operator]

        primitive("t_grown", library="host", rebinds=rebinds)(t_grown)

    write(script, "(setq a 1) (t_grown a 5) a")
    define(False)
    try:
        assert run(script) == ("1", 0, 1)
        define(True)
        assert run(script) == ("6", 0, 1)
    finally:
        del registry._by_name["t_grown"]


@pytest.mark.parametrize("off", ["0", "off", "No"])
def test_switched_off(
    tmp_path: Path, script: Path, monkeypatch: pytest.MonkeyPatch, off: str
) -> None:
    monkeypatch.setenv("LISPE_CACHE", off)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    write(script, "(+ 1 1)")
    assert run(script) == run(script) == ("2", 0, 0)
    monkeypatch.delenv("LISPE_CACHE")
    assert run(script, cache=False) == ("2", 0, 0)
    assert not (tmp_path / "home").exists()
    assert run(script) == ("2", 0, 1)
    assert (tmp_path / "home" / "lispe_py").stat().st_mode & 0o777 == 0o700


def test_a_text_is_not_kept(cache: Path) -> None:
    LispE().eval("(+ 1 1)", "a.lisp")
    assert not cache.exists()


def test_data_nested_too_deeply_to_be_kept(cache: Path, script: Path) -> None:
    write(script, f"(size '{'(' * 5000}{')' * 5000})")
    assert run(script) == run(script) == ("1", 0, 0)


# ---------------------------------------------------------------- not believed


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def forge(path: Path) -> None:
    other = Store(str(path.parent.parent / "other"))
    other.put(path.name, path.read_bytes()[32:])
    path.write_bytes(Path(other.folder, path.name).read_bytes())


def link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def rename(path: Path) -> None:
    """What was put under another name."""
    other = path.parent / "another"
    Store(str(path.parent)).put(other.name, b"another")
    path.write_bytes(other.read_bytes())


CHANGES = {
    "damaged": damage,
    "truncated": lambda path: os.truncate(path, 100),
    "empty": lambda path: os.truncate(path, 0),
    "forged": forge,
    "a link": link,
    "of another name": rename,
    "writable by others": lambda path: path.chmod(0o622),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path, 0o600)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_not_to_be_trusted(cache: Path, script: Path, change: str) -> None:
    write(script, "(+ 1 1)")
    run(script)
    (entry,) = entries(cache)
    CHANGES[change](entry)
    value, found, kept = run(script)
    assert (value, found) == ("2", 0)
    # What it can replace it does.
    assert kept == (change != "a folder")
    assert run(script) == ("2", int(change != "a folder"), 0)


def test_a_file_of_another_user(cache: Path, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(script, "(+ 1 1)")
    run(script)
    (entry,) = entries(cache)
    fstat = os.fstat

    def foreign(descriptor: int) -> os.stat_result:
        about = fstat(descriptor)
        if about.st_ino != entry.stat().st_ino:
            return about
        return os.stat_result((*about[:4], about.st_uid + 1, *about[5:]))

    monkeypatch.setattr(stores.os, "fstat", foreign)
    assert run(script) == ("2", 0, 1)


def test_a_folder_of_another_user(
    cache: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(script, "(+ 1 1)")
    run(script)
    monkeypatch.setattr(stores.os, "geteuid", lambda: os.getuid() + 1)
    assert run(script) == ("2", 0, 0)


@pytest.mark.parametrize(("name", "kept"), [("", 0), ("key", 1)])
def test_what_others_may_write_is_not_used(cache: Path, script: Path, name: str, kept: int) -> None:
    write(script, "(+ 1 1)")
    run(script)
    path = cache / name
    path.chmod(path.stat().st_mode | 0o020)
    stores._store.cache_clear()
    # A key that others may know is replaced; a folder that they may change is left alone.
    assert run(script) == ("2", 0, kept)
    assert run(script) == ("2", kept, 0)


def test_a_folder_that_is_a_link(cache: Path, script: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    cache.symlink_to(tmp_path / "real")
    write(script, "(+ 1 1)")
    assert run(script) == run(script) == ("2", 0, 0)
    assert os.listdir(tmp_path / "real") == []


# ---------------------------------------------------------------- when it cannot be kept


@pytest.mark.parametrize("name", ["write", "replace", "mkdir", "fsync"])
def test_a_full_disk(cache: Path, script: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write(script, "(+ 1 1)")
    full = OSError(28, "No space left on device")

    def refuse(*_: object, **__: object) -> None:
        raise full

    with monkeypatch.context() as patched:
        if name == "write":
            patched.setattr(Store, "_write", refuse)
        else:
            patched.setattr(os, name, refuse)
        assert run(script) == ("2", 0, 0)
    left = list(cache.iterdir()) if cache.exists() else []
    assert left == []
    assert run(script) == ("2", 0, 1)


def test_a_path_that_is_no_folder(cache: Path, script: Path) -> None:
    write(cache, "a file")
    write(script, "(+ 1 1)")
    assert run(script) == ("2", 0, 0)
    assert cache.read_text(encoding="utf-8") == "a file"


def test_the_oldest_go_first(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "cache"), limit=1000)
    for number in range(9):
        assert store.put(f"n{number}", bytes(100))
        os.utime(tmp_path / "cache" / f"n{number}", (number, number))
    # The seventh found 924 bytes, the eighth went over the limit.
    left = {path.name for path in entries(tmp_path / "cache")}
    assert left == {"n3", "n4", "n5", "n6", "n7", "n8"}
    assert store.get("n3") == bytes(100)
    assert store.get("n2") is None
    # What was used is the newest.
    for number in range(9, 11):
        assert store.put(f"n{number}", bytes(100))
    assert store.get("n3") == bytes(100)
    assert store.get("n4") is None


def test_several_processes_at_once(cache: Path, script: Path) -> None:
    write(script, "(defun f(x) (* x x)) (println (f 7))")
    command = [sys.executable, "-m", "lispe_py", str(script)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0] for process in running] == ["49\n"] * 3
    assert len([path for path in entries(cache) if not path.name.startswith("grammar")]) == 1
    # One more process: what other tests have loaded into this one is part of the key.
    asks = (
        "import io, sys; from lispe_py import LispE; lisp = LispE(stdout=io.StringIO()); "
        "lisp.execute(sys.argv[1]); print(lisp.files.found)"
    )
    found = subprocess.run([sys.executable, "-c", asks, script], capture_output=True, text=True)
    assert found.stdout == "1\n", found.stderr


def test_threads_that_put_and_get(tmp_path: Path) -> None:
    seen = []

    def work(number: int) -> None:
        store = Store(str(tmp_path / "cache"))
        for _ in range(20):
            store.put("one", bytes([number]) * 1000)
            got = store.get("one")
            seen.append(got is None or (len(got) == 1000 and len(set(got)) == 1))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 80


def test_where_the_user_keeps_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISPE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    store = user_store()
    assert store is not None
    assert store.folder == str(tmp_path / ".cache" / "lispe_py")
