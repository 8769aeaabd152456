"""Compiled arithmetic against the rules applied one operation at a time.

The compiler infers the classes of variables and computes natively where it
may; here the same programs run through the runtime's binary functions.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.runtime.arithmetic import OPERATIONS

NAMES = ("a", "b", "c", "x", "y")
ARITHMETIC = st.sampled_from(["+", "-", "*", "/", "%", "&", "|", "^", ">>"])
NUMBERS = st.one_of(st.integers(-9, 9), st.sampled_from([0.5, -2.5, 3.0, 1e10]))
LEAVES = st.one_of(NUMBERS, st.sampled_from(NAMES))
EXPRESSIONS = st.recursive(LEAVES, lambda e: st.tuples(ARITHMETIC, e, e), max_leaves=6)
STATEMENTS = st.lists(
    st.tuples(st.sampled_from(["setq", "+=", "-=", "*="]), st.sampled_from(["a", "x", "y"]), EXPRESSIONS),
    max_size=4,
)  # fmt: skip


def text_of(form: Any) -> str:
    if isinstance(form, tuple):
        return f"({' '.join(text_of(part) for part in form)})"
    return str(form)


def step(operator: str, left: Any, right: Any) -> Any:
    try:
        return OPERATIONS[operator].apply(left, right)
    except (ZeroDivisionError, OverflowError) as error:
        raise LispError(str(error)) from None


def value_of(form: Any, names: dict[str, Any]) -> Any:
    if isinstance(form, tuple):
        left = value_of(form[1], names)
        return step(form[0], left, value_of(form[2], names))
    return names[form] if isinstance(form, str) else form


def plainly(statements: list[Any], result: Any, names: dict[str, Any], rounds: int) -> Any:
    for _ in range(rounds):
        for kind, name, form in statements:
            value = value_of(form, names)
            names[name] = value if kind == "setq" else step(kind[0], names[name], value)
    return value_of(result, names)


def outcome(run: Any) -> Any:
    """The value and its class; or that there is none."""
    try:
        value = run()
    except LispError:
        return "error"
    return type(value), repr(value)


@settings(max_examples=400, deadline=None)
@given(STATEMENTS, EXPRESSIONS, NUMBERS, NUMBERS, NUMBERS, st.integers(1, 3))
def test_native_arithmetic_follows_the_rules(
    statements: list[Any], result: Any, a: Any, b: Any, c: Any, rounds: int
) -> None:
    body = " ".join(text_of(s) for s in statements)
    program = f"(defun f(a b c) (setq x 1) (setq y 0.5) (loopcount {rounds} {body or 'nil'}) {text_of(result)})"
    lisp = LispE()
    lisp.eval(program)
    names = {"a": a, "b": b, "c": c, "x": 1, "y": 0.5}
    assert outcome(lambda: lisp.call("f", a, b, c)) == outcome(
        lambda: plainly(statements, result, names, rounds)
    ), program


def test_the_rules_here_are_those_of_the_language() -> None:
    # So that the comparison above is not one of the compiler with itself.
    assert OPERATIONS["+"].apply(1, 2.5) == 3
    assert OPERATIONS["+"].apply(2.5, 1) == 3.5
    assert OPERATIONS["/"].apply(9, 2) == 4.5
    assert OPERATIONS["%"].apply(-17, 5) == -2
