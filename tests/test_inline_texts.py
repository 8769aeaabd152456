"""Functions of texts that are compiled in line do what the built-ins do, for any value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.runtime import slices
from lispe_py.runtime.convert import leading_number, to_integer, truncated

#: Values of many kinds, as forms.
VALUES = (
    '" ab\\t\\n"', '""', '"né \\u00a0"', '"12"', '"漢字 "', "nil", "true", "12", "-1.5", "'ab",
    "(stringbyte \" 12 \")", "'(1 2)", "(strings \"12\")", "{\"a\":1}", "(float 12)",
)  # fmt: skip

CALLS = (
    "(trim x)", "(trimleft x)", "(trimright x)", "(prgx_match p x)", "(rgx_match r x)",
    "(integer x)", "(number x)", "(+ (integer x) 1)", "(* 2 (number x))", "(if (prgx_match p x) 1 2)", "(if (rgx_match r x) 1 2)", "(prgx_find p x)", "(rgx_find r x)",
)  # fmt: skip
EXPRESSIONS = '(setq p (prgx `[0-9]+`)) (setq r (rgx "%d+"))'


def value_of(form: str) -> str:
    lisp = LispE()
    try:
        return lisp.show(lisp.eval(form))
    except LispError as error:
        return error.message


@pytest.mark.parametrize("call", CALLS)
def test_the_same_as_the_built_in(call: str) -> None:
    for value in VALUES:
        # The argument of a lambda, a local and an expression: in line and not.
        expected = value_of(f"{EXPRESSIONS} {call.replace(' x)', f' (car (list {value})))')}")
        in_line = f"{EXPRESSIONS} (defun f(x) {call}) (f {value})"
        assert value_of(in_line) == expected, value
        assert value_of(f"{EXPRESSIONS} ((\\(x) {call}) {value})") == expected, value


@pytest.mark.parametrize("name", ["prgx_match", "rgx_match", "prgx_find"])
@pytest.mark.parametrize("expression", ['"[0-9]+"', "nil", "12", "other"])
def test_what_is_no_such_expression_is_an_error_with_its_place(name: str, expression: str) -> None:
    other = '(rgx "%d")' if name.startswith("p") else "(prgx `a`)"
    with pytest.raises(LispError, match="the first element must be a regular expression") as caught:
        LispE().eval(
            f'(defun f(e x)\n   (list ({name} e x)))\n(f {other if expression == "other" else expression} "1")'
        )
    assert (caught.value.line, caught.value.column) == (2, 10)


@pytest.mark.parametrize("name", ["integer", "number"])
def test_what_has_no_such_number_is_an_error_with_its_place(name: str) -> None:
    value = {"integer": "(log 0)", "number": '(integer (fill "9" 400))'}[name]
    with pytest.raises(LispError, match="has no integer value|too large for a number") as caught:
        LispE().eval(f"(defun f(x)\n   (+ 1 ({name} x)))\n(f {value})")
    assert (caught.value.line, caught.value.column) == (2, 9)


def test_a_wrong_number_of_arguments() -> None:
    for call in ("(prgx_match p)", "(prgx_find)", "(trimright)", "(integer)", "(number x p)"):
        with pytest.raises(LispError, match="Wrong number of arguments for"):
            LispE().eval(f"(defun f(p x) {call})")


def test_prgx_find_from_a_position() -> None:
    form = '(defun f(p x) (list (prgx_find p x 2) (prgx_find p x) (prgx_find p "b"))) (f (prgx `.`) "abc")'
    assert LispE().eval(form) == ["c", "a", "b"]
    assert LispE().eval('(defun f(p x) (prgx_find p x)) (f (prgx `x*`) "ab")') == ""


def test_arguments_are_evaluated_once_and_in_order() -> None:
    form = """
        (setq seen ())
        (defun note (what) (push seen what) what)
        (defun e () (note "e") (prgx `a`))
        (defun f (x) (list (prgx_match (e) x) (prgx_match (e) (note "a")) (trimright (note "t "))))
        (list (f "a") (f 1) seen)
    """
    assert LispE().eval(form) == [[True, True, "t"], [None, True, "t"], ["e", "e", "a", "t "] * 2]


def test_a_function_of_that_name_is_called() -> None:
    form = "(defun prgx_match (a b) (+ a b)) (defun f (x) (list (prgx_match x 1))) (f 2)"
    assert LispE().eval(form) == [3]


@pytest.mark.parametrize(
    "text",
    [
        "12", "12ms)", "0x1Fg", "0b11 ", "0x", "0b", "12e2", "12e", "1.5kg", "3.", "-7km", "+7m", " 8",
        "", "kg", "12\u0663", "\u0663", "5€", "1_000", "9" * 5000, "9" * 40 + "x", "12 apples and more text",
    ],
)  # fmt: skip
def test_an_integer_is_the_leading_number_of_a_text(text: str) -> None:
    number = leading_number(text)
    assert to_integer(text) == (number if isinstance(number, int) else truncated(number))


_letters = st.text("abé", max_size=8)


@given(_letters, _letters.map(lambda t: t[:2]), _letters.map(lambda t: t[:2]))
def test_between_two_texts(text: str, begin: str, end: str) -> None:
    positions = slices.read_positions((begin, end))
    found = slices.bounds(text, *positions)
    assert slices.extract(text, (begin, end)) == ("" if found is None else text[slice(*found)])


def test_lines_are_written_as_texts_and_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    lisp = LispE()
    lisp.globals["path"] = str(path)
    lisp.globals["half"] = "a\udce9"
    lisp.eval("""(setq f (file path 'w)) (file_writeln f "né") (file_write f half)
                 (file_writeln f (stringbyte "b")) (file_writeln f 12) (file_close f)""")
    assert path.read_bytes() == "né\na".encode() + b"\xe9b\n12\n"
    with pytest.raises(LispError, match="the file is closed"):
        lisp.eval('(file_writeln f "x")')
    with pytest.raises(LispError, match="expecting .stream. to be in .write. mode"):
        lisp.eval('(file_writeln (file path) "x")')
    lisp.eval('(setq f (file path \'w "latin-1")) (file_writeln f "né") (file_close f)')
    assert path.read_bytes() == "né\n".encode("latin-1")
