"""Text tools: distance, balanced groups, bases, base64, indentation, segments, tokenizers."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


def rules(*lines: str) -> str:
    quoted = " ".join(f'"{line}"' for line in lines)
    return f"(setq h (tokenizer)) (set_tokenizer_rules h '({quoted}))"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(list (editdistance "saturn" "stern") (editdistance "" "") (editdistance "" "abcd") (editdistance "漢字" "漢和") (editdistance 1234 1334))',
         "(2 0 4 1 1)"),
        ('(getstruct "f(x, g(y)) + h(z)" "(" ")")', '("(x, g(y))" 1 10)'),
        ('(getstruct "f(x, g(y)) + h(z)" "(" ")" 10)', '("(z)" 14 17)'),
        ('(getstruct "k: {a:{b:1}} ," "{" "}")', '("{a:{b:1}}" 3 12)'),
        ('(getstruct "a|b|c" "|" "|")', '("|b|" 1 4)'),
        ('(getstruct "(a \\")\\" b) c" "(" ")")', '("(a \\")\\" b)" 0 9)'),
        ('(list (getstruct "open ( only" "(" ")") (getstruct "" "(" ")") (getstruct "(a)" "(" ")" 99) (getstruct "(a)" "" ")"))',
         "(nil nil nil nil)"),
        ('(list (convert_in_base 123456 36) (convert_in_base 61 62) (convert_in_base 62 64) (convert_in_base 63 64) (convert_in_base 0 2) (convert_in_base -5 2))',
         '("2N9C" "z" "#" "@" "0" "-101")'),
        ('(list (convert_in_base "FACE" 16 true) (convert_in_base 777 8 true) (convert_in_base "" 2 true) (convert_in_base "26" 3))',
         '(64206 511 0 "222")'),
        ('(list (btoa "light work") (btoa "") (btoa b"é") (atob "YQ==") (atob b"YQ==") (atob (btoa "漢🙂")))',
         '("bGlnaHQgd29yaw==" "" "w6k=" "a" "a" "漢🙂")'),
        ('(indent "(if a\\nb\\n(f c)\\n)" true)', "(if a\n   b\n   (f c)\n)"),
        ('(indent "if (a) {\\nb\\n}")', "if (a) {\n   b\n}"),
        ('(segment "don\'t pay $12, mail me@home.org at 10:30am!")',
         '("don\'t" "pay" "$12" "," "mail" "me@home.org" "at" "10:30am" "!")'),
        ('(segment "1,234,567.5 12.50 12,50 -3 a-3 2+3")',
         '("1,234,567" "." "5" "12.50" "12" "," "50" "-3" "a-3" "2" "+3")'),
        ('(list (segment "1,5 1.5" 1) (segment "1,5 1.5" 2))', '(("1,5" "1" "." "5") ("1,5" "1.5"))'),
        ('(segment "漢字 かな αβγ one🙂two 0x1F 1.5e-3 2nd 21st #tag 50%")',
         '("漢字" "かな" "αβγ" "one" "🙂two" "0x1F" "1.5e-3" "2nd" "21" "st" "#tag" "50" "%")'),
        ('(list (segment "") (segment "  ") (segment_e "a  b") (segment 3.5) (type (segment "a")))',
         '(() () ("a" " " " " "b") ("3.5") strings_)'),
        ('(tokenize (tokenizer) "foo 12 (bar \\"a b\\") ;; note ;;")',
         '("foo" " " "12" " " "(" "bar" " " "\\"a b\\"" ")" " " ";; note ;;")'),
        ("(tokenize (segmenter true 0) \"a b\")", '("a" " " "b")'),
        ("(list (type (tokenizer)) (eq (tokenizer_main) (tokenizer_main)))", "(tokenize_rule true)"),
    ],
)  # fmt: skip
def test_values(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("lines", "text", "tokens", "actions"),
    [
        (("%a+=1", "%d+=2", "%s=#"), "abc 12 d4", ("abc", "12", "d", "4"), (1, 2, 1, 2)),
        (("%a+=1", "%d+=2"), "a 1!", ("a", " ", "1", "!"), (1, 0, 2, 0)),
        (("{%a %d}+=3", "%s=#"), "a1b2 ,c", ("a1b2", ",", "c"), (3, 0, 3)),
        (("'-~'*'-=8", "%a+=1", "%s=#"), "x 'two words' y", ("x", "two words", "y"), (1, 8, 1)),
        (("h:{%d #a-f}", "0x%h+=9", "%a+=1", "%s=#"), "0xff add", ("0xff", "add"), (9, 1)),
        (("~{%s %d}+=1", "%d+=2", "%s=#"), "a-b! 12", ("a-b!", "12"), (1, 2)),
        (("#66=1", "?=2"), "ABC", ("A", "B", "C"), (2, 1, 2)),
        (("#48-57+=1",), "12a", ("12", "a"), (1, 0)),
        (("a(b(c))=1",), "abcabac", ("abc", "ab", "a", "c"), (1, 1, 1, 0)),
        (("{[ab] x}+=1",), "abxa", ("abx", "a"), (1, 0)),
        (("%(%a+%)=x",), "(ab)", ("(ab)",), (72,)),
        (("a=1", "a=2"), "a", ("a",), (1,)),
        (("a*=1", "b=2"), "aab", ("aa", "b"), (1, 2)),
        (("%o=4", "%d+=1"), "3*4", ("3", "*", "4"), (1, 4, 1)),
    ],
)
def test_rules(
    lines: tuple[str, ...], text: str, tokens: tuple[str, ...], actions: tuple[int, ...]
) -> None:
    lisp = LispE()
    lisp.define("text", text)
    found = lisp.eval(rules(*lines) + "(tokenize h text true)")
    assert [list(part) for part in found] == [list(tokens), list(actions)]


def test_operators_are_a_set_of_their_own() -> None:
    program = rules("%o=4", "?=1") + '(set_tokenizer_operators h (sets "§")) (tokenize h "+§" true)'
    assert shown(program) == '(("+" "§") (1 4))'
    assert shown('(setq h (tokenizer)) (set_tokenizer_operators h (sets "@")) (get_tokenizer_operators h)') == '{"@"}'


def test_rules_read_back() -> None:
    assert shown(rules("%d+=1", "%s=#") + "(get_tokenizer_rules h)") == '("%d+=1" "%s=#")'
    assert shown(rules("%d=1") + "(tokenizer_display h)") == "1: [0-9]"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('(convert_in_base 10 1)', "cannot convert to this base"),
        ('(convert_in_base 10 70)', "[Bb]ase too large"),
        ('(convert_in_base "12" 2 true)', "Cannot analyze this string in this base"),
        ('(convert_in_base "-11" 2 true)', "Cannot analyze"),
        ('(atob "x")', "Invalid Base64 string length"),
        ('(atob "!!!!")', "Invalid Base64 character"),
        ('(segment "a" 3)', "decimal sign"),
        ('(tokenize 5 "a")', "a tokenizer is expected, not: '5'"),
        ('(set_tokenizer_rules (tokenizer) "x")', "This function expects a list"),
        ('(set_tokenizer_operators (tokenizer) "x")', "This function expects a set"),
        (rules("%a+"), r"Error in: %a\+. Error is: missing '=' sign"),
        (rules("[*]=1"), r"'\*' operator is not associated with any element"),
        (rules("a=999"), "'999' is no action"),
        (rules("(a=1"), "is missing"),
        (rules("{a=1"), "is missing"),
        (rules("{}=1"), "braces are empty"),
        (rules("=1"), "body is empty"),
        (rules("%E=1"), "cannot start"),
        (rules("#b-a=1"), "range is empty"),
    ],
)  # fmt: skip
def test_errors(program: str, message: str) -> None:
    with pytest.raises(LispError, match=message):
        LispE().eval(program)


def test_rules_that_are_refused_change_nothing() -> None:
    lisp = LispE()
    lisp.eval(rules("%d+=1"))
    with pytest.raises(LispError):
        lisp.eval("(set_tokenizer_rules h '(\"(a=1\"))")
    assert lisp.show(lisp.eval("(get_tokenizer_rules h)")) == '("%d+=1")'


def _distance(a: str, b: str) -> int:
    """The definition itself, for short texts."""
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return _distance(a[1:], b[1:])
    return 1 + min(_distance(a[1:], b), _distance(a, b[1:]), _distance(a[1:], b[1:]))


@given(st.text("ab", max_size=5), st.text("abc", max_size=5))
def test_distance_against_its_definition(a: str, b: str) -> None:
    assert LispE().call("editdistance", a, b) == _distance(a, b)


@given(st.integers(), st.integers(2, 36))
def test_bases_against_python(number: int, base: int) -> None:
    text = LispE().call("convert_in_base", number, base)
    assert int(text, base) == number


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_base64_against_python(text: str) -> None:
    lisp = LispE()
    assert lisp.call("btoa", text) == base64.b64encode(text.encode()).decode()
    assert lisp.call("atob", lisp.call("btoa", text)) == text


@given(st.text())
def test_segments_with_blanks_are_the_whole_text(text: str) -> None:
    assert "".join(LispE().call("segment_e", text)) == text
