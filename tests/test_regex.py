"""Regular expressions in both syntaxes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.runtime.regex import Prgx, Rgx


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%x+", "g1Fz9", ["1F", "9"]),
        ("%d+", "room 12, floor 3", ["12", "3"]),
        ("%a+", "ab1Éé_漢αβ", ["ab", "Éé_", "αβ"]),
        ("%c+", "abCDé", ["ab", "é"]),
        ("%C+", "abCDÉ", ["CDÉ"]),
        ("%p+", "a, b; «c» $", [",", ";", "«", "»"]),
        ("%h+", "aαβγb", ["αβγ"]),
        ("%H+", "x漢字カナ한z", ["漢字カナ한"]),
        ("%s", "a b\tc\nd\xa0", [" ", "\t", "\xa0"]),
        ("%S", "a b\nc", [" ", "\n"]),
        ("%r", "a\nb\rc", ["\n", "\r"]),
        ("%n", "a\xa0 b", ["\xa0"]),
        ("%e", "x🙂y☂👩‍🚀z🇫🇷", ["🙂", "☂", "👩‍🚀", "🇫🇷"]),
        ("%.", "a.b", ["."]),
        (".", "a.b", ["."]),
        ("?", "a\n", ["a", "\n"]),
        ("%?", "a?", ["?"]),
        ("~%d+", "44ab5cd", ["ab", "cd"]),
        ("~{xy}+", "abxcdy", ["ab", "cd"]),
        ("~{a-c}+", "abxyc", ["xy"]),
        ("~a", "ab", ["b"]),
        ("{aeiou}", "educ", ["e", "u"]),
        ("{a-d}+", "abcdefda", ["abcd", "da"]),
        ("{%d.}+", "v1.2.3 beta", ["1.2.3"]),
        ("{a b}+", "ab ba cab", ["ab ba ", "ab"]),
        ("{[red][blue]}", "redblue bled", ["red", "blue"]),
        ("{%dx[ab]}+", "1xab a", ["1xab"]),
        ("{a+}", "aa+", ["aa"]),
        ("{-a}+", "a-b", ["a-"]),
        ("lo+l", "lol lool ll", ["lol", "lool"]),
        ("%d+[km]", "10km 20m 3km", ["10km", "3km"]),
        # Shortest before what must follow, longest otherwise.
        ("?*x", "aaxbbx", ["aax", "bbx"]),
        ("<?+>", "<i><b>", ["<i>", "<b>"]),
        ("%d+%d", "4567", ["45", "67"]),
        ("%d+(.%d+)", "v 10.25.3", ["10.25", "3"]),
        ("%a%d*", "_ x12", ["_", "x12"]),
        ("{a-z}{a-z0-9}*", "ab1 c", ["ab1", "c"]),
        ("%d*", "a12b", ["12"]),
        (r"\065\x0042", "AB", ["AB"]),
        (r"\d\+", "d+", ["d+"]),
        ("^%d+", "12ab 3", ["12"]),
        ("%d+$", "12ab 3", ["3"]),
        ("a^b", "a^b", []),
        ("a$b", "a$b", []),
        ("a|b", "a|b", ["a|b"]),
        ("a\nb", "ab", ["ab"]),
        ("{é-ü}+", "éaü", ["é", "ü"]),
    ],
)
def test_rgx_findall(pattern: str, text: str, expected: list[str]) -> None:
    assert list(LispE().call("rgx_findall", Rgx(pattern), text)) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("[ha]+!", "hahaha!", True),
        ("[ha]", "ha", True),
        ("a(b(c))d", "abcd", True),
        ("a(b(c))d", "abd", True),
        ("a(b(c))d", "ad", True),
        ("a(b(c))d", "acd", False),
        # After an optional part a sign is a plain character.
        ("(ab)+", "ab+", True),
        ("(ab)+", "+", True),
        ("(ab)+", "abab", False),
        ("%d+(.%d+)({eE}({%- %+})%d+)", "6.02e-23", True),
        ("%C%c+ %C%c+", "Ada Byron", True),
        ("abc", "ABC", False),
        ("a%+b", "a+b", True),
        ("a++", "aa+", True),
        ("%", "%", True),
        ("%%", "%", True),
        ("%{%a+%}", "{abc}", True),
        ("🙂+", "🙂🙂", True),
        ("%d*", "", True),
        ("{^a}", "^", True),
        ("{~a}", "b", True),
    ],
)
def test_rgx_match(pattern: str, text: str, matches: bool) -> None:
    assert LispE().call("rgx_match", Rgx(pattern), text) is (True if matches else None)


@pytest.mark.parametrize(
    "pattern",
    ["{open", "(open", "[open", "close}", "close)", "close]", "~", "a~", "~(a)", "~[a]", "[]", "()",
     "{+a}", "{z-a}", "{~}", "{a(b)}"],
)  # fmt: skip
def test_rgx_refuses(pattern: str) -> None:
    with pytest.raises(LispError, match="Unrecognized regular expression"):
        LispE().call("rgx", pattern)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(list (rgx "%d+") (type (rgx "a")) (string (rgx "%d")))', '(%d+ rgx_ "%d")'),
        ('(list (rgx "%d+" "42") (rgx "%d+" "x"))', "(true nil)"),
        ("(filterlist (rgx \"{a-c}+\") '(\"abc\" \"abd\"))", '("abc")'),
        ('(list (rgx_find (rgx "%d+") "none") (rgx_find (rgx "%d+") "room 12, 3" 7) (rgx_find (rgx "%d+") "12" 50))',
         '("" "3" "")'),
        ('(list (rgx_find_i (rgx "%d+") "room 12") (rgx_find_i (rgx "c") "ab🙂c") (rgx_find_i (rgx "x") "a"))',
         "((5 7) (3 4) ())"),
        ('(list (rgx_findall_i (rgx "漢") "a漢b漢") (rgx_findall_i (rgx "a") "aab" 1))', "((1 2 3 4) (1 2))"),
        ('(list (rgx_replace (rgx "%s+") "to   be" "_") (rgx_replace (rgx "%d+") "none" "#") (rgx_replace (rgx "a") "bab" "$1\\\\1"))',
         '("to_be" "none" "b$1\\1b")'),
        ('(list (rgx_split (rgx ";") "p;q;;r") (rgx_split (rgx ";") "none") (rgx_split (rgx ";") ";p;"))',
         '(("p" "q" "" "r") ("none") ("" "p" ""))'),
        ('(list (rgx_findall (rgx "%d+") 4567) (rgx_findall (rgx "a") b"bab"))', '(("4567") ("a"))'),
        ('(= (rgx "a") (rgx "a"))', "true"),
        ('(map \'type (list (rgx_findall (rgx "a") "") (rgx_find_i (rgx "a") "")))', "(list_ integers_)"),
    ],
)  # fmt: skip
def test_rgx_functions(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(list (prgx `[0-9]+` \"55\") (type (prgx `a`)) (prgx `a`))", "(true prgx_ a)"),
        ("(prgx_match (prgx `[0-9]+`) \"55x\")", "nil"),
        ("(list (prgx_find (prgx `\\d+`) \"none\") (prgx_find (prgx `\\d+`) \"no 33 of 44\" 5))", '("" "44")'),
        ("(prgx_findall (prgx `(\\w)(\\d)`) \"a1 b2\")", '("a1" "b2")'),
        ("(prgx_findall (prgx `(.)\\1`) \"aabccd\")", '("aa" "cc")'),
        ("(prgx_findall (prgx `[[:upper:]]+`) \"abCDé\")", '("CD")'),
        ("(prgx_findall (prgx `[^[:digit:]x]+`) \"a1xb\")", '("a" "b")'),
        ("(prgx_findall (prgx `\\w+`) \"né\")", '("n")'),
        ("(prgx_findall (prgx `.`) \"é\n🙂\")", '("é" "🙂")'),
        ("(prgx_findall (prgx `a*`) \"baac\")", '("" "aa" "" "")'),
        ("(prgx_findall (prgx `a$`) \"a\n\")", "()"),
        ("(prgx_findall (prgx `\\d+`) \"1 22\" 1)", '("22")'),
        ("(prgx_findall (prgx `a(?=b)`) \"ab ac\")", '("a")'),
        ("(prgx_findall_i (prgx `\\d+`) \"no 33 of 44\")", "(3 5 9 11)"),
        ("(list (prgx_find_i (prgx `漢`) \"a漢\") (prgx_find_i (prgx `x`) \"a\"))", "((1 2) ())"),
        ("(prgx_replace (prgx `(\\w+)@(\\w+)`) \"me@home\" \"$2 at $1 $& $$ $3\")", "home at me me@home $ "),
        ("(prgx_replace (prgx `z`) \"none\" \"-\")", "none"),
        ("(prgx_replace (prgx `a*`) \"baac\" \"-\")", "-b--c-"),
        ("(list (prgx_split (prgx `[,;]`) \"p,q;;r\") (prgx_split (prgx `,`) \"none\"))", '(("p" "q" "" "r") ("none"))'),
        ("(list (prgx_findall (prgx `[]`) \"]\") (prgx_findall (prgx `[^]`) \"a\"))", '(() ("a"))'),
        ("(prgx_findall (prgx `.+`) (+ \"a\rb\" (chr 8232) \"c\n\"))", '("a" "b" "c")'),
        ("(list (prgx_match (prgx `\\cJ[\\cJ]`) \"\n\n\") (prgx_match (prgx `[[.a.][=b=]]+`) \"ab\"))",
         "(true true)"),
        ("(prgx_match (prgx `\\x41\\u00e9\\-\\.\\_\\é`) \"Aé-._é\")", "true"),
        ("(list (prgx_match (prgx `()*a{2}?b{1,}?|`) \"aab\") (prgx_match (prgx `\\bab\\b`) \"ab\"))",
         "(true true)"),
    ],
)  # fmt: skip
def test_prgx_functions(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[open", r"mismatched \[ and \]"),
        ("(open", r"mismatched \( and \)"),
        ("close)", r"mismatched \( and \)"),
        ("*a", r"One of \*\?\+\{ was not preceded"),
        ("a{3,2}", "range in a {}"),
        ("[z-a]", "character range"),
        (r"\1", "back reference"),
        ("[[:no:]]", "character class name"),
        ("a\\", "escape"),
        # What only Python's expressions know.
        ("(?<=a)b", "was not preceded"),
        ("(?<!a)b", "was not preceded"),
        ("(?i)a", "was not preceded"),
        ("(?P<n>a)", "was not preceded"),
        ("(?>a)", "was not preceded"),
        ("(?", "was not preceded"),
        ("a++", "was not preceded"),
        ("a{2}+", "was not preceded"),
        ("{", "was not preceded"),
        ("(?=a)*", "was not preceded"),
        (r"\b+", "was not preceded"),
        ("a|*", "was not preceded"),
        ("a{,2}", "range in a {}"),
        ("a{", "range in a {}"),
        ("a{1 }", "range in a {}"),
        ("a{99999999999}", "range in a {}"),
        ("a}", "did not consume"),
        ("[]]", "did not consume"),
        ("a]", "did not consume"),
        (r"\A", "escape"),
        (r"\Z", "escape"),
        (r"\a", "escape"),
        (r"\p{L}", "escape"),
        (r"\x4", "escape"),
        (r"\u004", "escape"),
        (r"[\1]", "escape"),
        (r"\c1", "escape"),
        ("[[.ab.]]", "collating element"),
    ],  # fmt: skip
)
def test_prgx_refuses(pattern: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        LispE().call("prgx", pattern)


@pytest.mark.parametrize(
    "program",
    ['(rgx_match "%d" "1")', '(rgx_replace "%d" "1" "x")', '(prgx_match "a" "a")',
     '(rgx_find (prgx "a") "a")', '(prgx_split (rgx "a") "a")'],
)  # fmt: skip
def test_the_first_argument_is_an_expression(program: str) -> None:
    with pytest.raises(LispError, match="the first element must be a regular expression"):
        LispE().eval(program)


@given(st.text(alphabet="ab+*?.|-#{}[]()^$~%\\ ", max_size=12))
def test_any_text_is_an_expression_or_an_error(pattern: str) -> None:
    for cls in (Rgx, Prgx):
        try:
            expression = cls(pattern)
        except LispError:
            continue
        expression.matches("ab")


@given(st.text(alphabet="ab1 é漢", max_size=20))
def test_escaped_text_matches_itself(text: str) -> None:
    assert Rgx("".join(f"%{c}" if c in "+*" else c for c in text)).matches(text)
    assert Prgx(re.escape(text)).matches(text)


def test_a_dot_of_prgx_is_all_but_the_ends_of_a_line() -> None:
    every = "".join(map(chr, range(0x110000)))
    found = set(Prgx(".").pattern.findall(every))
    assert set(every) - found == {"\n", "\r", "\u2028", "\u2029"}
