"""The reader: what is written, the forms it gives, and where they stand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lispe_py import grammar
from lispe_py.errors import LispSyntaxError
from lispe_py.names import ALIASES
from lispe_py.reader import Braces, is_incomplete, read
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol
from lispe_py.values.text import LongString


def plain(form: Any) -> Any:
    """Forms as Python data that tells the types apart: symbols as 1-tuples."""
    if isinstance(form, Symbol):
        return (form.name,)
    if isinstance(form, List):
        return [plain(member) for member in form]
    return form


def one(text: str) -> Any:
    (form,) = read(text)
    return form


def s(*names: str) -> list[tuple[str]]:
    return [(name,) for name in names]


# --- numbers --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, value",
    [
        ("42", 42),
        ("-17", -17),
        ("+8", 8),
        ("007", 7),
        ("0x1A", 26),
        ("-0xF", -15),
        ("+0XaB", 171),
        ("0b1101", 13),
        ("-0b11", -3),
        ("3.25", 3.25),
        ("-0.75", -0.75),
        ("12.", 12.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("2e3", 2000.0),
        ("1.25E2", 125.0),
        ("25e-2", 0.25),
        ("1.e2", 100.0),
        ("3,4i", 3 + 4j),
        ("5,-1i", 5 - 1j),
        ("2,-i", 2 - 1j),
        ("1,i", 1 + 1j),
        ("-1.5,2.5i", -1.5 + 2.5j),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_number(text: str, value: Any) -> None:
    found = one(text)
    assert found == value
    assert type(found) is type(value)


def test_integer_of_thousands_of_digits() -> None:
    digits = "-" + "1234567890" * 1000
    value = one(digits)
    assert value % 10**10 == (-1234567890) % 10**10
    assert -(10**10000) < value < -(10**9999)


@pytest.mark.parametrize(
    "text, items",
    [
        ("(7-3)", [7, -3]),
        ("(7 - 3)", [7, ("-",), 3]),
        ("(1+2)", [1, 2]),
        ("(5-)", [5, ("-",)]),
        ("(3(4)5)", [3, [4], 5]),
        ("(1'x)", [1, [("quote",), ("x",)]]),
        ('(1"c")', [1, "c"]),
        ("(2π)", [2, ("π",)]),
        ("(2, 3)", [2, (",",), 3]),
        ("(1/2)", [1, ("/",), 2]),
        ("(x .5)", [("x",), 0.5]),
    ],
)
def test_number_beside_something(text: str, items: list[Any]) -> None:
    assert plain(one(text)) == items


@pytest.mark.parametrize(
    "text", ["1a", "1_000", "1.2.3", "0x", "0xZ", "0b12", "1e", "1e5x", "12.a"]
)
def test_malformed_number(text: str) -> None:
    with pytest.raises(LispSyntaxError) as caught:
        read(f"(list\n  {text})")
    assert caught.value.message == f"malformed number: '{text}'"
    assert (caught.value.line, caught.value.column) == (2, 3)
    assert not caught.value.incomplete


# --- strings --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, value",
    [
        ('""', ""),
        ('"plain"', "plain"),
        (r'"a\nb\tc\rd"', "a\nb\tc\rd"),
        (r'"say \"no\""', 'say "no"'),
        (r'"\\"', "\\"),
        (r'"\\n"', "\\n"),
        (r'"\\\n"', "\\\n"),
        (r'"\\\\"', "\\\\"),
        (r'"a\qb\x41\u00e9\0"', "aqbx41u00e90"),
        ('"raw\nbreak"', "raw\nbreak"),
        ('"; ) ] } \' `"', "; ) ] } ' `"),
        ('"Grüße 漢字 🙂"', "Grüße 漢字 🙂"),
    ],
)
def test_string(text: str, value: str) -> None:
    assert one(text) == value
    assert type(one(text)) is str


@pytest.mark.parametrize(
    "text, value",
    [
        ('`no \\n escape, "quotes"`', r'no \n escape, "quotes"'),
        ('«angle "q"»', 'angle "q"'),
        ("“curly”", "curly"),
        ("„low”", "low"),
        ("‘single’", "single"),
        ("❝heavy❞", "heavy"),
        ('"""a"b\\n"""', 'a"b\\n'),
        ("`two\nlines`", "two\nlines"),
    ],
)
def test_long_string(text: str, value: str) -> None:
    assert one(text) == value
    assert type(one(text)) is LongString


@pytest.mark.parametrize("text", ["``", "«»", '""""""'])
def test_empty_long_string_is_an_ordinary_string(text: str) -> None:
    assert one(text) == ""
    assert type(one(text)) is str


@pytest.mark.parametrize(
    "text, value",
    [
        ('b"é"', "é".encode()),
        (r'b"a\n\q"', b"a\nq"),
        (r"b`a\n`", rb"a\n"),
        ("b«x»", b"x"),
        ('b""', b""),
    ],
)
def test_bytes(text: str, value: bytes) -> None:
    assert one(text) == value


def test_base64() -> None:
    assert one("j`plain`") == "cGxhaW4="


def test_strings_end_a_token() -> None:
    assert plain(one('(list"x""y"ab"z")')) == [("list",), "x", "y", ("ab",), "z"]


# --- names and operators ----------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["a->b", "from/to", "done?", "größe", "変数", "my_var", "$cash", "#x", "a*b", "a=b", "x@", "x2y",
     "setq=", "class@", "λx", "größe2", "a+", "_args", "_pi", "Ünicode", "a\\b", "a|b", "naïve!", "$"],
)  # fmt: skip
def test_name(name: str) -> None:
    assert one(name) is Symbol(name)
    assert type(one(name).name) is str


@pytest.mark.parametrize("alias, canonical", ALIASES.items())
def test_alias(alias: str, canonical: str) -> None:
    assert one(f"({alias} x)") == List((Symbol(canonical), Symbol("x")))
    assert one(f"'{alias}")[1] is Symbol(canonical)


@pytest.mark.parametrize(
    "text, value", [("nil", None), ("false", None), ("_", None), ("true", True)]
)
def test_constant(text: str, value: Any) -> None:
    assert one(text) is value
    assert one(f"'({text})")[1][0] is value


@pytest.mark.parametrize(
    "text, items",
    [
        ("(+dr y)", s("+", "dr", "y")),
        ("(@i 1)", [("at",), ("i",), 1]),
        ("(@@x)", s("extract", "x")),
        ("(<=x)", s("<=", "x")),
        ("(>=<x)", s(">=<", "x")),
        ("(->a)", s("->", "a")),
        ("(*a* b)", s("*", "a*", "b")),
        ("(-a)", s("-", "a")),
        ("(a-b)", s("a-b")),
        ("(\\x)", s("λ", "x")),
        ("(\\(x)x)", [("λ",), [("x",)], ("x",)]),
        ("(\\\\'+ l)", [("↘",), s("quote", "+"), ("l",)]),
        ("(-//x)", s("⌿", "x")),
        ("(-\\\\x)", s("⍀", "x")),
        ("(/\\ x)", s("infix", "x")),
        ("(,a)", s(",", "a")),
        ("(⍳5)", [("⍳",), 5]),
        ("(⍳0 5)", [("⍳0",), 5]),
        ("(⍳05)", [("⍳",), 5]),
        ("(ρ2 3)", [("ρ",), 2, 3]),
        ("(√4)", [("√",), 4]),
        ("(¬a)", s("¬", "a")),
        ("(*-5 x)", [("*",), -5, ("x",)]),
        ("(<=-1.5 x)", [("<=",), -1.5, ("x",)]),
        ("(- -5)", [("-",), -5]),
        ("(--a)", s("--", "a")),
        ('(@@ s -+"x" -)', [("extract",), ("s",), ("-+",), "x", ("-",)]),
        ("(!map f l)", s("!map", "f", "l")),
        ("(! 5)", [("!",), 5]),
        ("(!5)", [("!",), 5]),
        ("(!mapped)", s("!", "mapped")),
        ("(!=x)", s("!=", "x")),
        ("(a.b)", s("a", ".", "b")),
        ("(f . g x)", s("f", ".", "g", "x")),
        ("(a: b)", s("a", ":", "b")),
        ("((< x 1)* y)", [[("<",), ("x",), 1], ("*",), ("y",)]),
        ("(a+ b* c%)", s("a+", "b*", "c%")),
    ],
)
def test_operator(text: str, items: list[Any]) -> None:
    assert plain(one(text)) == items


# --- quotes, brackets, comments ---------------------------------------------------


def test_quote() -> None:
    assert plain(one("'x")) == s("quote", "x")
    assert plain(one("''x")) == [("quote",), s("quote", "x")]
    assert plain(one("(quote x)")) == s("quote", "x")
    assert plain(one("'()")) == [("quote",), []]
    assert plain(one("(a'b)")) == [("a",), s("quote", "b")]


def test_brackets_are_parentheses() -> None:
    assert plain(one("[a [b] (c)]")) == [("a",), s("b"), s("c")]


@pytest.mark.parametrize(
    "text, forms",
    [
        ("(a (b (c] d", [[("a",), [("b",), s("c")]], ("d",)]),
        ("(a [b (c (d] e)", [[("a",), [("b",), [("c",), s("d")]], ("e",)]]),
        ("(a]", [s("a")]),
        ("(a [b] c)", [[("a",), s("b"), ("c",)]]),
    ],
)
def test_bracket_closes_what_is_open(text: str, forms: list[Any]) -> None:
    assert plain(read(text)) == forms


@pytest.mark.parametrize(
    "text",
    [
        "(list 1 ;; hidden ( ;; 2)",
        "(list 1 ;; two\nlines ;; 2)",
        "(list ; one\n 1 ; two (\n 2)",
        ";; x ;; ;; y ;;(list 1 2)",
        "(list 1;;x;;2)",
        ";;; x\n y ;; (list 1 2)",
        ";;; x ;;; (list 1 2)",
        ";;;;;;;;; (\n(list 1 2)",
        "#!/usr/bin/env lispe (\n(list 1 2)",
        "(list 1 2) ; the text ends here",
        "\ufeff(list 1 2)",
        "(list\t1\r\n\u00a02)",
        "(list ;\n1 2)",
        "# older ( \"\n#\n(list 1\n# here too\n2)\n# the end",
    ],
)
def test_comment_and_blank(text: str) -> None:
    assert plain(read(text)) == [[("list",), 1, 2]]


def test_a_number_sign_elsewhere_starts_no_comment() -> None:
    assert plain(read("(f # 1)\n#a\n'(b\n # c) \"\n# d\"")) == [
        [("f",), ("#",), 1],
        ("#a",),
        [("quote",), [("b",), ("#",), ("c",)]],
        "\n# d",
    ]


def test_nothing_to_read() -> None:
    assert read("") == []
    assert read("  ; only this") == []
    assert read("").where.members == ()


# --- braces -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, form",
    [
        ("{}", [("dictionary",)]),
        ("{:}", [("dictionary",)]),
        ('{"a":1}', [("dictionary",), "a", 1]),
        ("{k:(f 1)}", [("dictionary",), ("k",), [("f",), 1]]),
        ("{'k:5}", [("dictionary",), s("quote", "k"), 5]),
        ("{1:x -2:y}", [("dictionaryi",), 1, ("x",), -2, ("y",)]),
        ("{1:x 2.5 : y}", [("dictionaryn",), 1, ("x",), 2.5, ("y",)]),
        ('{1:x "a":y}', [("dictionary",), 1, ("x",), "a", ("y",)]),
        ('{"a":x k:v _:w $:r}', [("dictionary",), "a", ("x",), ("k",), ("v",), None, ("w",), ("$",), ("r",)]),
        ("{1 2}", [("seti",), 1, 2]),
        ("{1 2.5}", [("setn",), 1, 2.5]),
        ('{"a"}', [("sets",), "a"]),
        ("{1 x}", [("sets",), 1, ("x",)]),
        ("{true}", [("sets",), True]),
        ("@{1:2}", [("dictionary",), 1, 2]),
        ("@{}", [("dictionary",)]),
    ],
)  # fmt: skip
def test_braces(text: str, form: list[Any]) -> None:
    found = one(text)
    assert type(found) is Braces
    assert plain(found) == form
    assert found.kind == form[0][0]
    assert found.pairs == ("dictionary" in found.kind)
    assert len(found.where.members) == len(found)


def test_braces_within() -> None:
    form = one("'(1 {2:{3 4}})")
    assert type(form[1][1]) is Braces
    assert type(form[1][1][2]) is Braces
    assert type(one("'{1}")[1]) is Braces


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"a":1 2}', "dictionary has a different number of key/value"),
        ("{1 2:3}", "dictionary has a different number of key/value"),
        ("{1:}", "dictionary has a different number of key/value"),
        ("{a b : c}", "dictionary has a different number of key/value"),
        ("@{1}", "dictionary has a different number of key/value"),
        ("{1::2}", "wrong key/value separator in a dictionary"),
    ],
)
def test_braces_that_do_not_pair(text: str, message: str) -> None:
    with pytest.raises(LispSyntaxError) as caught:
        read(f"(a)\n(b\n {text})")
    assert caught.value.message == message
    assert (caught.value.line, caught.value.column) == (3, 2)


# --- places -----------------------------------------------------------------------


def test_places() -> None:
    forms = read("x\n(ab 'c\n  {k:1} [d\n]) 5", file="f.lisp")
    assert forms.where.members == ((1, 1, 1, 2), (2, 1, 4, 3), (4, 4, 4, 5))
    call = forms[1]
    assert call.where[:5] == (2, 1, 4, 3, "f.lisp")
    assert call.where.members == ((2, 2, 2, 4), (2, 5, 2, 7), (3, 3, 3, 8), (3, 9, 4, 2))
    assert call[1].where == (2, 5, 2, 7, "f.lisp", ((2, 5, 2, 6), (2, 6, 2, 7)))
    assert call[2].where == (
        3, 3, 3, 8, "f.lisp", ((3, 3, 3, 4), (3, 4, 3, 5), (3, 6, 3, 7)),
    )  # fmt: skip
    assert call[3].where == (3, 9, 4, 2, "f.lisp", ((3, 10, 3, 11),))


def test_place_counts_characters_and_spans_lines() -> None:
    form = one('(漢字 "a\nb" 🙂)')
    assert form.where.members == ((1, 2, 1, 4), (1, 5, 2, 3), (2, 4, 2, 5))


def test_place_of_what_a_bracket_closes() -> None:
    form = one("(a (b]")
    assert form.where[:4] == (1, 1, 1, 7)
    assert form[1].where[:4] == (1, 4, 1, 7)


def test_file_of_one_reading_does_not_reach_another() -> None:
    first = read("(a)", file="one")
    second = read("(a)")
    assert first[0].where.file == "one"
    assert second[0].where.file == "main"


# --- errors -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, message, line, column, incomplete",
    [
        ("(list 1 2\n", "parentheses do not balance: opening not closed", 1, 1, True),
        ("(a)\n(b\n(c)\n", "parentheses do not balance: opening not closed", 2, 1, True),
        ("(list\n(a\n", "parentheses do not balance: 2 openings not closed", 1, 1, True),
        ("[a", "brackets do not balance: opening not closed", 1, 1, True),
        ('{"a":1', "braces do not balance: opening not closed", 1, 1, True),
        ("(a {1 2", "parentheses do not balance: 2 openings not closed", 1, 1, True),
        ("(a))", "parentheses do not balance: one closing ')' too many", 1, 4, False),
        (")", "parentheses do not balance: one closing ')' too many", 1, 1, False),
        ("[a)", "parentheses do not balance: one closing ')' too many", 1, 3, False),
        ("]", "brackets do not balance: one closing ']' too many", 1, 1, False),
        ("(a}", "braces do not balance: one closing '}' too many", 1, 3, False),
        ("{1 (2}", "braces do not balance: one closing '}' too many", 1, 6, False),
        ("({1 (2]", "braces do not balance: opening not closed", 1, 2, False),
        ('(a\n "b', "string: '\"' is not closed", 2, 2, True),
        ("(a `b", "string: '`' is not closed", 1, 4, True),
        ("“b", "string: '“' is not closed", 1, 1, True),
        ("1\n;; x", "comment: ';;' is not closed", 2, 1, True),
        ("'", "nothing to quote", 1, 2, True),
        ("1\n'", "nothing to quote", 2, 2, True),
        ("(')", "unexpected ')'", 1, 3, False),
        ("a\x00", "unexpected character: '\\x00'", 1, 2, False),
        ("»", "unexpected character: '»'", 1, 1, False),
        (":", "", 0, 0, None),
    ],
)
def test_error(text: str, message: str, line: int, column: int, incomplete: bool | None) -> None:
    if incomplete is None:
        assert read(text) == [Symbol(":")]
        return
    with pytest.raises(LispSyntaxError) as caught:
        read(text, file="f")
    error = caught.value
    assert (error.message, error.file, error.line, error.column, error.incomplete) == (
        message, "f", line, column, incomplete,
    )  # fmt: skip
    assert is_incomplete(text) is incomplete


def test_complete_text_is_not_incomplete() -> None:
    assert not is_incomplete("(+ 1 2)")
    assert not is_incomplete("")


def test_mismatch_names_the_opening() -> None:
    with pytest.raises(LispSyntaxError) as caught:
        read("(a\n [b)")
    assert caught.value.hint == "'[' opened at line 2, column 2 is closed by ']'"


# --- depth, chance, cache ---------------------------------------------------------


def test_deep_nesting() -> None:
    depth = 100_000
    form = one("(" * depth + "x" + ")" * depth)
    for _ in range(depth - 1):
        (form,) = form
    assert form == [Symbol("x")]
    form = one("'" * depth + "x")
    for _ in range(depth):
        form = form[1]
    assert form is Symbol("x")
    assert is_incomplete("[" * depth)
    form = one("(a " * depth + "]")
    assert form.where[:4] == (1, 1, 1, 3 * depth + 2)


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from("()[]{}'\"`;:.,@!\\+-*/<=# \n\t01ae_xibλ⍳«»“”é🙂\x00"), max_size=40
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        forms = read(text)
    except LispSyntaxError as error:
        assert error.line is not None and error.line >= 1
        assert error.column is not None and error.column >= 1
        assert error.message
        return
    assert len(forms.where.members) == len(forms)
    stack: list[Any] = list(forms)
    while stack:
        form = stack.pop()
        if isinstance(form, List):
            assert len(form.where.members) == len(form)
            stack.extend(form)
        else:
            assert form is None or isinstance(form, (bool, int, float, complex, str, bytes, Symbol))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_written_string_reads_back(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert one(f'"{escaped}"') == text


def test_tables_are_kept_and_mistrusted(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from lispe_py import reader

    def fresh() -> Any:
        monkeypatch.setattr(reader, "_built", None)
        return plain(read("(f 'x {1:2})"))

    expected = [[("f",), s("quote", "x"), [("dictionaryi",), 1, 2]]]
    folder = tmp_path / "cache"
    monkeypatch.setenv("LISPE_CACHE", str(folder))
    assert fresh() == expected
    (kept,) = (path for path in folder.iterdir() if path.name != "key")
    assert kept.stat().st_mode & 0o077 == 0
    built = kept.read_bytes()
    assert fresh() == expected
    assert kept.read_bytes() == built
    # Broken, foreign or open to others: built anew.
    for content in (b"", b"{", built[:-1], built[:40] + b"x" + built[41:]):
        kept.write_bytes(content)
        assert fresh() == expected
        assert len(kept.read_bytes()) > 1000 and kept.read_bytes() != content
    kept.chmod(0o666)
    assert fresh() == expected
    assert kept.stat().st_mode & 0o077 == 0
    # No folder can be made there, or none is wanted.
    (tmp_path / "file").write_text("")
    for place in (str(tmp_path / "file"), "off"):
        monkeypatch.setenv("LISPE_CACHE", place)
        assert fresh() == expected
    assert "start:" in grammar.grammar()
