"""What is false, and ``not``."""

from __future__ import annotations

import pytest

from lispe_py import LispE
from lispe_py.runtime.truth import truth
from lispe_py.values.matrix import shaped
from lispe_py.values.scalars import Float32, Short

FALSE = [
    "nil", "false", "0", "0.0", "0,0i", '""', 'b""', "()", "(integers)", "(numbers)", "(strings)",
    "(llist)", "(dictionary)", "(dictionaryi)", "(seti)", "(sets)", "(set)", "(heap nil)",
    "(short 0)", "(float 0)", "(matrix_integer 0 0)",
]  # fmt: skip
TRUE = [
    "true", "1", "-1", "0.25", "0,1i", '"0"', "b\"a\"", "'(nil)", "(integers 0)", "(llist nil)",
    "'sym", "(lambda (x) x)", "(println)", "(seti 0)", "(set nil)", "(heap nil 0)",
    "(rho 2 2 (iota 4))", '(dictionary "a" nil)', "(short 1)",
]  # fmt: skip


@pytest.mark.parametrize("value", FALSE)
def test_false(value: str) -> None:
    lisp = LispE()
    assert lisp.eval(f"(if {value} 'y 'n)") == lisp.eval("'n")
    assert truth(lisp.eval(value)) is False


@pytest.mark.parametrize("value", TRUE)
def test_true(value: str) -> None:
    lisp = LispE()
    assert lisp.eval(f"(if {value} 'y 'n)") == lisp.eval("'y")
    assert truth(lisp.eval(value)) is True


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(not nil)", "true"), ("(not 5)", "nil"), ("(not \"\")", "true"), ("(not ())", "true"),
        ("(not '(nil))", "nil"), ("(not (strings \"\"))", "nil"), ("(not (integers 1 0))", "(0 1)"),
        ("(not (numbers 0.5 0))", "(0 1)"), ("(not (integers))", "true"),
        ("(not {\"a\":1})", "nil"), ("(not (rho 2 2 (integers 1 0)))", "((0 1) (0 1))"),
        ("(map 'not '(1 nil))", "(nil true)"),
        # xor: each argument differs from the next.
        ("(xor true nil true)", "true"), ("(xor nil 'a nil)", "true"), ("(xor 1 0 0)", "nil"),
        ("(xor nil nil nil true)", "nil"), ("(if (xor true true true) 'y 'n)", "n"),
        ("(setq n 0) (list (xor nil nil (setqv n 1)) n)", "(nil 0)"),
    ],
)  # fmt: skip
def test_connectives(program: str, expected: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(program)) == expected


def test_values_made_in_python() -> None:
    assert not truth(Short(0))
    assert not truth(Float32(0))
    assert truth(object())
    assert not truth(shaped("integers", (0, 3), []))
    assert truth(shaped("integers", (1, 1), [0]))
