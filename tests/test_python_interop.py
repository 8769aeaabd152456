"""Python from the language: values both ways, modules, callbacks, errors."""

from __future__ import annotations

import threading
import time

import pytest

from lispe_py import LispE, LispError


def run(program: str, **globals_: object) -> str:
    lisp = LispE()
    for name, value in globals_.items():
        lisp.define(name, value)
    return lisp.show(lisp.eval(program))


START = "(use 'pylispe) (setq py (python)) "


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(type py)", "python_"),
        ("(python_run py `n = 6 * 7` \"n\")", "42"),
        ("(python_run py `n = 1`)", "true"),
        ("(python_run py `a = 1`) (python_run py `b = a + 1` \"b\")", "2"),
        ("(python_simple py `n = 1`)", "true"),
        ("(python_run py `def twice(x):\n   return x * 2\n`) (python_execute py \"twice\" '(21))", "42"),
        (
            "(python_run py `r = [1, 2.5, 'a b', None, True, False, {'k': [1]}, (1, 2)]` \"r\")",
            '(1 2.5 "a b" nil true nil {"k":(1)} (1 2))',
        ),
        (
            "(python_run py `def f(*a):\n   return [type(x).__name__ for x in a]\n`)"
            "(python_execute py \"f\" (list (integers 1) (dictionary \"a\" 1) (llist 1) 'atom \"s\" 2.5 nil true (setn 1)))",
            '("list" "dict" "list" "str" "str" "float" "NoneType" "bool" "set")',
        ),
        ("(python_import py \"math\") (python_execute py \"gcd\" '(12 18))", "6"),
        # The first module is the one that is searched; others are reached by their names.
        ("(python_import py \"math\") (python_import py \"json\") (python_execute py \"json.dumps\" '((1 2)))", "[1, 2]"),
        ("(python_runmodule py \"m\" `a = 3\nb = a + 1`) (python_getmodule py \"m\" \"b\")", "4"),
        ("(python_runmodule py \"m\" `a = 3`) (python_getmodule py \"m\")", '{"a":3}'),
        ("(python_runmodule py \"m\" `a = 3`) (python_runmodule py \"n\" `b = 4`) (python_getmodule py \"m\")", '{"a":3}'),
        ("(python_run py `x = 1`) (list (python_close py) (python_close py))", "(true nil)"),
    ],
)
def test_interpreter_objects(program: str, expected: str) -> None:
    assert run(START + program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(python_run py `1 / 0`)", r"PYT\(997\).*division by zero"),
        ("(python_run py `def (`)", r"PYT\(996\).*syntax"),
        ("(python_run py `n = 1` \"missing\")", r"PYT\(002\).*'missing'"),
        ("(python_execute py \"no_such\" '(1))", r"PYT\(002\).*no_such"),
        ("(python_execute py \"len\" '(5))", r"PYT\(999\).*int"),
        ("(python_execute py \"len\" 5)", "list of arguments"),
        ("(python_import py \"no_such_module_here\")", r"PYT\(997\).*no_such_module_here"),
        ("(python_run py `raise SystemExit(3)`)", r"PYT\(997\).*SystemExit"),
        ("(python_getmodule py \"none\")", r"PYT\(002\).*none"),
        ("(python_runfile py \"no_such.py\")", "No such file.*no_such.py"),
        ("(python_close py) (python_run py `n = 1`)", r"PYT\(004\)"),
        ("(python_run 12 `x = 1`)", "Python object"),
        ("(py_get py \"no_such\")", "no_such"),
        ("(py_call (py_import \"math\") \"pi\")", "not a function"),
        ("(py_import \"no_such_module_here\")", "no_such_module_here"),
        ("(py_list 5)", "not iterable"),
    ],
)
def test_failures_are_errors_of_the_language(program: str, message: str) -> None:
    lisp = LispE()
    with pytest.raises(LispError, match=message):
        lisp.eval(START + program)
    assert lisp.eval("(+ 1 2)") == 3


def test_a_run_that_lasts_too_long_is_stopped() -> None:
    lisp = LispE()
    before = time.monotonic()
    with pytest.raises(LispError, match="time out"):
        lisp.eval(START + '(python_run py `while True: pass` "" 0.2)')
    assert time.monotonic() - before < 10
    # Nothing of it arrives later, and a run that ends in time is left alone.
    assert lisp.eval('(python_run py `n = sum(range(100000))` "n" 30)') == 4999950000
    assert all(not isinstance(t, threading.Timer) or t.finished.is_set() for t in threading.enumerate())


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(py_get (py_import \"sys\") \"byteorder\")", __import__("sys").byteorder),
        ("(setq o (py_call (py_import \"types\") \"SimpleNamespace\")) (py_set o \"n\" '(1 2)) (py_get o \"n\")", "(1 2)"),
        ("(py_call (py_import \"math\") \"sqrt\" 16)", "4"),
        ("(py_apply (py_import \"builtins\") \"sorted\" '((3 1 2)) {\"reverse\":true})", "(3 2 1)"),
        # Lambdas are callbacks; what they get and give is converted.
        ("(py_apply (py_import \"builtins\") \"sorted\" '((\"bb\" \"a\" \"ccc\")) (dictionary \"key\" (λ (s) (- 0 (size s)))))", '("ccc" "bb" "a")'),
        ("(setq k 10) (py_list (py_call (py_import \"builtins\") \"map\" (λ (l) (+ k (sum l))) '((1 2) (3))))", "(13 13)"),
        ("(defun f(x) (* x x)) (py_list (py_call (py_import \"builtins\") \"map\" (py_function 'f) '(1 2 3)))", "(1 4 9)"),
        ("(py_eval \"[n * n for n in range(k)]\" {\"k\":4})", "(0 1 4 9)"),
        # Objects take part in the language.
        ("(setq l ()) (loop x (py_eval \"(n for n in 'abc')\") (push l x)) l", '("a" "b" "c")'),
        ("(setq d (py_eval \"__import__('collections').deque([7, 8])\")) (list (size d) (at d 1))", "(2 8)"),
        ("(setq d (py_eval \"__import__('collections').deque([7, 8])\")) (set@ d 0 5) (at d 0)", "5"),
        ("(setq up (py_eval \"str.upper\")) (up \"a\")", "A"),
    ],
)
def test_objects(program: str, expected: str) -> None:
    assert run(program) == expected


def test_a_failing_iterator_is_an_error_of_the_language() -> None:
    with pytest.raises(LispError, match="ZeroDivisionError"):
        run('(loop x (py_eval "(1 // n for n in (1, 0))") x)')


def test_an_error_of_a_callback_comes_through_unchanged() -> None:
    with pytest.raises(LispError) as raised:
        run('(py_list (py_call (py_import "builtins") "map" (λ (x) (throw "mine")) \'(1)))')
    assert raised.value.message == "mine" and raised.value.thrown


def test_objects_of_the_program_are_passed_as_they_are() -> None:
    class Point:
        def __init__(self) -> None:
            self.x = 3

        def moved(self, by: int) -> Point:
            self.x += by
            return self

    point = Point()
    assert run('(py_get (py_call point "moved" 4) "x")', point=point) == "7"


def test_objects_of_classes_without_a_module() -> None:
    bare = eval("type('Bare', (), {})()", {"__builtins__": {"type": type}})
    assert not hasattr(type(bare), "__module__")
    odd = type("Odd", (), {"__module__": 7})()
    assert run("(list (size bare) (size odd) (= bare odd))", bare=bare, odd=odd) == "(0 0 nil)"


@pytest.mark.parametrize("program", ['(python)', '(py_import "math")', '(py_eval "1")'])
def test_without_the_capability(program: str) -> None:
    with pytest.raises(LispError, match="not allowed.*python"):
        LispE(allow=["fs"]).eval(program)


def test_a_file_of_python(tmp_path: object) -> None:
    path = f"{tmp_path}/six.py"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("six = 6\n")
    assert run(START + f'(python_runfile py "{path}") (python_run py `n = six + 1` "n")') == "7"
