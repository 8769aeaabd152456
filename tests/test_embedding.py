"""The embedding API: eval, call, define, globals, streams, capabilities."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from lispe_py import LispE, LispError


def test_eval_gives_python_values() -> None:
    lisp = LispE()
    assert lisp.eval("(+ 1 2)") == 3
    assert lisp.eval("(list 1 2.5 \"a\" nil true)") == [1, 2.5, "a", None, True]
    assert lisp.eval('{"a":1}') == {"a": 1}
    assert lisp.eval("") is None
    assert lisp.eval("(cdr '(1 2 3))") == [2, 3]


def test_show_is_what_the_prompt_prints() -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval("'(1 \"a\" b)")) == '(1 "a" b)'
    assert lisp.show("text") == "text"
    assert lisp.show(None) == "nil"


def test_define_and_call() -> None:
    lisp = LispE()
    lisp.define("twice", lambda x: 2 * x)
    lisp.define("config", {"rate": [1, 2]})
    assert lisp.eval('(twice (@ config "rate" 1))') == 4
    assert lisp.call("+", 1, 2) == 3
    lisp.eval("(defun f(l) (sum l))")
    assert lisp.call("f", (1, 2, 3)) == 6


def test_a_function_of_the_language_is_a_python_function() -> None:
    lisp = LispE()
    lisp.eval("(defun area(w (h 2)) (* w h))")
    area = lisp.globals["area"]
    assert area(3) == 6
    assert area(3, 4) == 12
    assert area.__name__ == "area"


def test_globals_is_a_mapping_of_the_program_alone() -> None:
    lisp = LispE()
    lisp.eval("(setq a 1) (defun f(x) x)")
    assert lisp.globals["a"] == 1
    assert {"a", "f"} <= set(lisp.globals)
    assert not [name for name in lisp.globals if name.startswith((".", ":"))]
    lisp.globals["b"] = 5
    assert lisp.eval("(+ a b)") == 6
    del lisp.globals["b"]
    with pytest.raises(LispError, match="Unbound atom: 'b'"):
        lisp.eval("b")


def test_execute_a_file_with_arguments(tmp_path: Path) -> None:
    script = tmp_path / "s.lisp"
    script.write_text('#!/usr/bin/env lispe\n(setq n (size _args))\n(list n (@ _args 0))\n')
    assert LispE().execute(script, ["x", "y"]) == [2, "x"]


def test_streams_belong_to_their_interpreter() -> None:
    one, two = io.StringIO(), io.StringIO()
    LispE(stdout=one).eval('(println "one")')
    LispE(stdout=two, stderr=two).eval('(println "two") (printerrln "err")')
    assert (one.getvalue(), two.getvalue()) == ("one\n", "two\nerr\n")


def test_an_error_has_its_place_and_a_hint(tmp_path: Path) -> None:
    script = tmp_path / "bad.lisp"
    script.write_text("(defun f(x)\n   (list x\n      (car x)))\n(f 5)\n")
    with pytest.raises(LispError) as caught:
        LispE().execute(script)
    error = caught.value
    assert error.message == "You cannot apply 'car' to: '5'"
    assert (error.file, error.line, error.column) == (str(script), 3, 7)
    with pytest.raises(LispError) as caught:
        LispE().eval("(car 1 2)")
    assert caught.value.hint == "usage: (car value)"


@pytest.mark.parametrize(
    ("text", "capability"),
    [('(fread "x")', "fs"), ('(command "true")', "process"), ('(load "x.lisp")', "fs"), ('(getenv "HOME")', "process"), ("(torch_distributed_init)", "net")],
)
def test_a_program_can_be_kept_from_the_outside(text: str, capability: str) -> None:
    with pytest.raises(LispError, match=f"not allowed to use: {capability}"):
        LispE(allow=()).eval(text)
    with pytest.raises(ValueError, match="unknown capability: disk"):
        LispE(allow=("disk",))


def test_values_can_be_pickled() -> None:
    lisp = LispE()
    value = lisp.eval('(list 1 (integers 1 2) (strings "a") {"k":\'(a b)} (seti 2 1) \'sym)')
    again = pickle.loads(pickle.dumps(value))
    assert lisp.show(again) == lisp.show(value)
    assert again[-1] is value[-1]


def test_the_python_of_a_text_can_be_read() -> None:
    text = LispE().python_source("(defun f(n) (+ n 1))")
    assert "def f()(n):" in text
    assert "n + 1" in text


# ---------------------------------------------------------------- compiled texts


def test_a_text_is_compiled_once_and_run_many_times() -> None:
    lisp = LispE()
    area = lisp.compile("(* width height)")
    assert area.parameters == ("width", "height")
    assert [area(2, 3), area(width=4, height=5), area(6, height=7)] == [6, 20, 42]
    with pytest.raises(LispError, match="Unbound atom: 'height'"):
        area(2)
    with pytest.raises(TypeError, match="width, height"):
        area(depth=3)


def test_what_a_text_sets_or_knows_is_no_parameter() -> None:
    lisp = LispE()
    lisp.define("rate", 2)
    run = lisp.compile("(defun twice(x) (* rate x)) (setq total (twice n)) total")
    assert run.parameters == ("n",)
    assert (run(n=4), lisp.globals["total"], lisp.eval("(twice 5)")) == (8, 8, 10)
    assert lisp.compile("(+ rate a)", ["rate", "a"])(10, 1) == 11
    assert lisp.compile("(f 3)")(f=lambda x: x + 1) == 4


# ---------------------------------------------------------------- forks


def test_a_fork_knows_everything_and_changes_nothing() -> None:
    lisp = LispE()
    lisp.eval("""
    (setq l '(1 2)) (setq same l)
    (defun add(x) (push l x) (size l))
    (defmacro twice(x) (* 2 x))
    (class@ Counter (n) (defun up() (+= n 1) n))
    (setq c (Counter 5))
    (defun maker(k) (\\() (+= k 1) k))
    (setq next (maker 10)) (next)
    """)
    fork = lisp.fork()
    assert fork.eval("(list (add 3) (twice 4) (c (up)) (next) (@ (Counter 1) 'n))") == [3, 8, 6, 12, 1]
    assert fork.eval("(eq l same)") is True and fork.eval("same") == [1, 2, 3]
    assert lisp.eval("(list l (@ c 'n) (next))") == [[1, 2], 5, 12]
    fork.eval("(defun only() 1)")
    with pytest.raises(LispError):
        lisp.eval("(only)")
    with pytest.raises(LispError, match="not allowed"):
        lisp.fork(allow=()).eval('(fread "x")')


# ---------------------------------------------------------------- functions of Python


def test_a_decorated_function() -> None:
    lisp = LispE()

    @lisp.function
    def mean(values: list[float], default: float = 0) -> float:
        """The arithmetic mean."""
        assert type(values) is list
        return sum(values) / len(values) if values else default

    @lisp.function("kind-of", convert=False)
    def kind(value: object) -> str:
        return type(value).__name__

    assert mean([1, 2]) == 1.5
    assert lisp.eval("(list (mean (integers 1 2)) (mean () 7) (mean () (? default 9)))") == [1.5, 7, 9]
    assert lisp.eval("(kind-of 'a)") == "Symbol"
    assert lisp.globals["mean"].__doc__ == "The arithmetic mean."
    with pytest.raises(LispError, match="Wrong number of arguments for: 'mean'") as raised:
        lisp.eval("(mean)")
    assert raised.value.hint == "usage: (mean values [default])"
    with pytest.raises(LispError, match="TypeError") as raised:
        lisp.eval("(mean '(a))")
    assert isinstance(raised.value.__cause__, TypeError)
    assert lisp.eval("(maybe (mean '(a)) 'caught)").name == "caught"


_GIVEN_A_MATRIX = """
import numpy
from lispe_py import LispE
lisp = LispE()
lisp.globals["m"] = numpy.array([[1, 2], [3, 4]])
print(lisp.show(lisp.eval("(type m)")), lisp.show(lisp.eval("m")), lisp.show(lisp.eval("(+ m 1)")))
"""


def test_a_matrix_is_known_before_a_program_makes_one() -> None:
    """In a process of its own: any other may have loaded what serves matrices."""
    run = subprocess.run(
        [sys.executable, "-c", _GIVEN_A_MATRIX], capture_output=True, text=True, check=True
    )
    assert run.stdout == "matrix_integer_ ((1 2) (3 4)) ((2 3) (4 5))\n"


def test_what_an_array_holds_must_fit() -> None:
    lisp = LispE()
    lisp.globals["v"] = numpy.array([2**63 - 1], "uint64")
    assert lisp.eval("(@ v 0)") == 2**63 - 1
    with pytest.raises(LispError, match="^9223372036854775808 does not fit in 'integers'$"):
        lisp.globals["v"] = numpy.array([1, 2**63], "uint64")
