"""Strings: letters, parts, replacing, splitting, filling, codes of characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.runtime import letters


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(list (trim " \\t a b\\r\\n ") (trimleft " a ") (trimright " a "))', '("a b" "a " " a")'),
        ("(list (trim (+ (chr 1) \"a\" (chr 31))) (size (trim (chr '(160 97 160)))))", '("a" 3)'),
        ("(list (trim 45) (trim '(\" a \")) (trim nil))", '("45" "(" a ")" "nil")'),
        ('(list (trim0 "7.2500") (trim0 "3.000") (trim0 "1200") (trim0 "5.") (trim0 "text"))',
         '("7.25" "3" "1200" "5" "text")'),
        ('(list (left "window" 3) (left "window" 99) (left "window" 0) (left "window" -2) (left 9876 "2"))',
         '("win" "window" "" "" "98")'),
        ('(list (right "window" 3) (right "window" 99) (right "window" 0) (right "漢字🙂" 2))',
         '("dow" "window" "" "字🙂")'),
        ('(list (middle "window" 2 3) (middle "window" 2 99) (middle "window" 9 2) (middle "window" 2 -1) (middle "window" -4 2))',
         '("ndo" "ndow" "" "ndow" "wi")'),
        ('(list (startwith "window" "win") (startwith "window" "dow") (startwith "a" "") (startwith 123 12))',
         "(true nil nil true)"),
        ('(list (endwith "window" "dow") (endwith "a" "") (endwith b"abc" "bc"))', "(true nil true)"),
        ('(list (ngrams "delta" 2) (ngrams "ab" 3) (ngrams 2025 3))', '(("de" "el" "lt" "ta") () ("202" "025"))'),
        ('(list (explode "a漢") (type (car (explode "a"))))', "((a 漢) atom_)"),
    ],
)  # fmt: skip
def test_ends_and_parts(program: str, expected: str) -> None:
    assert shown(program) == expected.replace('"(" a ")"', '"(\\" a \\")"')


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(replace "pepper" "pp" "P")', "pePer"),
        ('(replace "oooo" "oo" "o")', "oo"),
        ('(replace "pepper" "" "y")', "pepper"),
        ('(replace "a1b1" 1 22)', "a22b22"),
        ('(setq s "pepper") (replace s "p" "P") s', "pepper"),
        ('(replace "pepper" "__" 2 4)', "pe__er"),
        ('(replace "pepper" "X" 0 0)', "Xpepper"),
        ('(replace "pepper" "X" -3 6)', "pepX"),
        ('(replace "pepper" "X" 4 99)', "peppX"),
        ('(list (type (replace b"thé" "é" "e")) (type (replace `a` "a" "b")))', "(string_ string_)"),
        ("(format \"%2, %1 and %9\" 'left \"right\")", "right, left and %9"),
        ('(format "%1 and %2" "%2" "two")', "%2 and two"),
        ('(format "%2 %1" "%1" "x")', "x %1"),
        ('(format "%1|%2" nil 3)', "%1|3"),
        ('(format "%12 %0 %" "a")', "a2 %0 %"),
        ('(split ";red;;blue;" ";")', '("red" "blue")'),
        ('(split "tab\\tnew\\nline")', '("tab" "new" "line")'),
        ('(split "🙂x" "")', '("🙂" "x")'),
        ('(split "" ";")', "()"),
        ('(split 20302 0)', '("2" "3" "2")'),
        ('(list (type (split "a b")) (type (split b"a b")))', "(strings_ stringbytes_)"),
        # What follows the last separator is no piece, as in the reference.
        ('(list (splite ";red;;blue;" ";") (splite "red;green" ";") (splite "red" ";"))',
         '(("" "red" "" "blue") ("red") ())'),
        ('(list (splite "x  y") (splite " a") (splite "") (splite "日本" ""))',
         '(("x" "" "y") ("" "a") () ("日" "本"))'),
        ('(list (fill "ab" 3) (fill "-" 0) (fill "-" -4) (fill "" 5) (fill "ab" 2.7))',
         '("ababab" "" "" "" "abab")'),
        ('(list (padding "go" "." 5) (padding "go" "." -5) (padding "go" "123" -7) (padding "longer" "." 3) (padding "go" "" 9))',
         '("go..." "...go" "12312go" "longer" "go")'),
        ('(type (padding b"a" "b" 3))', "stringbyte_"),
        ('(list (ord "Hé漢") (ord "") (ord b"é") (ord 42))', "((72 233 28450) () (195 169) (52 50))"),
        ("(list (chr 233) (chr '(72 105)) (chr \"66\") (chr 66.7) (chr (integers 128578)))",
         '("é" "Hi" "B" "B" "🙂")'),
        ("(list (chrbyte 66) (type (chrbyte '(72 105))))", '("B" stringbyte_)'),
        ("(list (aslongstring 12) (aslongstring \"a\"))", "(`12` `a`)"),
        ('(list (stringf 7.0 "%.3f") (stringf 42 "%06d") (stringf 42 "[%-5d]") (stringf 42 "%x") (stringf 3.75 "%.1f%%"))',
         '("7.000" "000042" "[42   ]" "2a" "3.8%")'),
        ('(list (stringf 1.5 "%a") (stringf 0 "%a") (stringf -0.1 "%A"))', '("0x1.8p+0" "0x0p+0" "-0X1.999999999999AP-4")'),
        ('(list (stringf 7 "%.2f") (stringf 7.9 "%d") (stringf 65 "%c") (stringf 8 "%#o") (stringf -1 "%X") (stringf 42 "plain"))',
         '("7.00" "7" "A" "010" "FFFFFFFFFFFFFFFF" "plain")'),
        ('(list (sprintf 12345.678 "%e") (sprintf 5 "%ld") (sprintf 255 "%#x") (sprintf 5 "%+d"))',
         '("1.234568e+04" "5" "0xff" "+5")'),
    ],
)  # fmt: skip
def test_replacing_splitting_filling_codes(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(replace 12 1 2)", "cannot apply 'replace'"),
        ('(replace "pepper" "X" 2 1)', "out of range"),
        ('(replace "pepper" "X" 9 10)', "out of range"),
        ('(replace "pepper" "X" -9 2)', "out of range"),
        ('(ngrams "abc" 0)', "nb should be a positive value"),
        ("(chr -1)", "no character has the code -1"),
        ("(chr 1114112)", "1114112"),
        ("(chr 55296)", "55296"),
        ("(chrbyte 300)", "cannot convert this value to a stringbyte"),
        ('(stringf "a" "%d")', "the first argument should be a number"),
        ('(stringf 1 "%999999999d")', "so many characters"),
        ('(stringf 1 "%.9999999999f")', "so many characters"),
        ('(stringf -5 "%c")', "no character"),
        ('(format "%1" 1 2 3 4 5 6 7 8 9 10)', "nine arguments"),
        ('(fill "ab" 1000000000000)', "cannot make a text"),
        ('(padding "ab" "c" 1000000000000)', "cannot make a text"),
        ("(trim)", "[Ww]rong"),
    ],
)
def test_errors(program: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        LispE().eval(program)


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("vowelp", ["oué", "Yy", "ø", "ǔ"], ["", "oui!", "œ", "b"]),
        ("consonantp", ["çñ", "W", "łđŋħ"], ["", "ba", "1", "漢"]),
        ("lowerp", ["soft", "é", "ωμέγα"], ["", "sofT", "so ft", "1"]),
        ("upperp", ["LOUD", "ÀÉ"], ["", "Ab", "A1"]),
        ("alphap", ["Σκέψη", "aB", "Привет"], ["", "a1", "a_b", "漢字"]),
        ("digitp", ["42", "0"], ["", "4.2", "４２", "-1"]),
        ("punctuationp", ["?!…", "«»", "#", ""], ["$", "%", "_", "a.", "£"]),
        ("emojip", ["🙂", "☂", "👩‍🚀🎈", "🇫🇷"], ["", "x🙂", "a"]),
    ],
)
def test_predicates(name: str, yes: list[str], no: list[str]) -> None:
    lisp = LispE()
    twin = name[:-1] + "?"
    assert [lisp.call(name, text) for text in yes] == [True] * len(yes)
    assert [lisp.call(twin, text) for text in no] == [None] * len(no)


def test_predicates_take_the_printed_form() -> None:
    assert shown('(list (digitp 42) (alphap nil) (upperp (strings "A")))') == "(true true nil)"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(list (upper "straße ﬂ") (lower "ΩΜΈΓΑ İ") (upper "漢 a1"))', '("STRAßE ﬂ" "ωμέγα i" "漢 A1")'),
        ("(list (upper '(\"x\" y)) (type (upper 'a)) (type (lower b\"É\")))", '("(\\"X\\" Y)" string_ stringbyte_)'),
        ('(deaccentuate "Crème brûlée à l\'été ÌÍ")', "Creme brulee a l'ete II"),
        ('(list (deaccentuate "œ æ ß") (deaccentuate "Việt ế") (deaccentuate "άλφα") (deaccentuate "が й 한"))',
         '("œ æ ß" "Viet e" "αλφα" "が й 한")'),
        (f'(deaccentuate "{unicodedata.normalize("NFD", "été")}")', "ete"),
    ],
)  # fmt: skip
def test_case_and_accents(program: str, expected: str) -> None:
    assert shown(program) == expected


@given(st.text())
def test_case_keeps_the_number_of_characters(text: str) -> None:
    assert len(letters.upper(text)) == len(letters.lower(text)) == len(text)


@given(st.text(), st.text(min_size=1, max_size=2))
def test_splitting_against_python(text: str, separator: str) -> None:
    lisp = LispE()
    assert list(lisp.call("split", text, separator)) == [p for p in text.split(separator) if p]
    assert list(lisp.call("splite", text, separator)) == text.split(separator)[:-1]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_codes_round_trip(text: str) -> None:
    lisp = LispE()
    assert lisp.call("chr", lisp.call("ord", text)) == text


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("(list (type (+ `a` 1)) (type (+ '(`a` \"b\"))) (type (+ \"a\" `b`)))",
         "(longstring_ longstring_ string_)"),
        ("(list (type (+ \"a\" '(1 x))) (type (+ \"a\" '(1 (2)))) (type (+ b\"a\" '(1))))",
         "(strings_ list_ stringbytes_)"),
        ('(setq w "orchid") (set@@ w +"r" +"i" "=") w', "o=d"),
        ('(setq w "orchid") (set@@ w 2 - "=") w', "or="),
        ('(setq w "orchid") (set@@ w 2 "=") w', "or=hid"),
        ('(maplist (\\(e) (rfind "mississippi" "ss" e)) (list 1 2 4 5 20 -6 -20))', "(nil 2 2 5 5 5 nil)"),
        ("(setq l '(1 2 3 4)) (set@@ l 1 - 9) l", "(1 9)"),
    ],
)  # fmt: skip
def test_kinds_of_sums_and_signed_positions_to_write(program: str, value: str) -> None:
    lisp = LispE()
    assert lisp.show(lisp.eval(program)) == value


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('(@@ "orchid" - 3)', "Wrong value after first operator: '-'"),
        ("(@@ '(1 2 3) - 2 -)", "Wrong value after first operator: '-'"),
        ('(@@ "orchid" 0 -+"d")', "Wrong value after second operator: '-+'"),
        ('(@@ "orchid" 0 +)', "Wrong value after second operator: '+'"),
        ('(setq w "orchid") (set@@ w - 3 "x")', "Wrong value after first operator: '-'"),
        ('(setq w "orchid") (set@@ w 1 2 3 "x")', "Wrong number of arguments for: 'setrange'"),
    ],
)
def test_a_sign_stands_before_a_text(program: str, message: str) -> None:
    with pytest.raises(LispError, match=re.escape(message)):
        LispE().eval(program)


@pytest.mark.parametrize(
    ("text", "integer", "number"),
    [
        ("123", "123", "123.0"), ("-45", "-45", "-45.0"), ("-45.5", "-45", "-45.5"), ("12.50", "12", "12.5"),
        ("-0", "0", "0.0"), ("-0.0", "0", "-0.0"), ("007", "7", "7.0"), ("1.5.2", "1", "1.5"), ("12x", "12", "12.0"),
        ("1_000", "1", "1.0"), ("--3", "0", "0.0"), ("\u0663", "0", "0.0"), ("-0x1f", "-31", "-31.0"), (" 7", "7", "7.0"),
        ("2e3", "2000", "2000.0"), ("-2.5e1x", "-25", "-25.0"), ("1.5\u0663", "1", "1.5"), ("", "0", "0.0"),
    ],
)  # fmt: skip
def test_numbers_of_texts(text: str, integer: str, number: str) -> None:
    lisp = LispE()
    lisp.define("t", text)
    assert (repr(lisp.eval("(integer t)")), repr(lisp.eval("(number t)"))) == (integer, number)


SUMMANDS = ('"a"', '"é"', "1", "2.5", "nil", "true", 'b"x"', "`l`", '\'(1 "b")', '{"k":"v"}')


@pytest.mark.parametrize("y", SUMMANDS)
@pytest.mark.parametrize("x", SUMMANDS)
def test_sums_in_line_are_those_of_the_operator(x: str, y: str) -> None:
    lisp = LispE()
    x, y = (lisp.eval(value) for value in (x, y))
    plus = lisp.scope[".op +"]
    for form, sum_ in {
        "(+ x y)": lambda: plus(x, y),
        '(+ x "-" y)': lambda: plus(plus(x, "-"), y),
        '(+ "-" x y)': lambda: plus(plus("-", x), y),
        "(+ x (+ y x))": lambda: plus(x, plus(y, x)),
    }.items():
        lisp.interactive = True
        lisp.eval(f"(defun joined(x y) {form})")
        assert outcome(lambda: lisp.call("joined", x, y)) == outcome(sum_)


def outcome(action: Callable[[], object]) -> str:
    try:
        return repr(action())
    except LispError as error:
        return error.message
