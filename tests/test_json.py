"""JSON both ways."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.runtime import json_text
from lispe_py.runtime.interop import from_python, to_python
from lispe_py.runtime.json_text import parse, pieces
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.lists import List


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("(json 12)", "12"),
        ("(json 2.50)", "2.5"),
        ("(json 2.0)", "2"),
        ("(json 0.1)", "0.1"),
        ("(json (/ 1.0 3))", "0.3333333333333333"),
        ("(json 123456789012345678901234567890)", "123456789012345678901234567890"),
        ("(json (float 0.1))", "0.1"),
        ("(json nil)", "null"),
        ("(json true)", "true"),
        ('(json \'(1 "two" (3 nil)))', '[1,"two",[3,null]]'),
        ("(json 'atom)", '"atom"'),
        ("(json ())", "[]"),
        ("(json {})", "{}"),
        ('(json (strings "é" "漢🙂"))', '["é","漢🙂"]'),
        ("(json (integers 1 2))", "[1,2]"),
        ("(json (floats 0.1 2))", "[0.1,2]"),
        ("(json (llist 1 2))", "[1,2]"),
        ("(json (cdr '(1 2 3)))", "[2,3]"),
        ('(json (dictionary "k" \'(1 2)))', '{"k":[1,2]}'),
        ('(json (dictionaryi 5 "five"))', '{"5":"five"}'),
        ("(json (dictionaryn 1.5 nil))", '{"1.5":null}'),
        ("(json (rho 2 2 (integers 1 2 3 4)))", "[[1,2],[3,4]]"),
        ('(json (sets "only"))', '["only"]'),
        ('(json b"é")', '"é"'),
        ('(json "a\\"b\\\\c\\nd\\te\\rf")', '"a\\"b\\\\c\\nd\\te\\rf"'),
        ("(json (chr '(8 12 1 127)))", '"\\b\\f\\u0001\x7f"'),
        ("(json (setdate 2031 4 9 8 5 3))", '"2031/04/09 08:05:03"'),
    ],
)
def test_writing(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_json_has_no_number_for(value: float) -> None:
    assert "".join(pieces(List([value]))) == "[null]"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(json_parse `{"z": 1, "a": {"q": [1, 2]}}`)', '{"z":1 "a":{"q":(1 2)}}'),
        ("(json_parse `[true, false, null]`)", "(true nil nil)"),
        ("(json_parse `[1e3, -2.5E-1, -7, 2.0]`)", "(1000 -0.25 -7 2)"),
        ("(json_parse `12`)", "12"),
        ("(json_parse `true`)", "true"),
        ("(json_parse `false`)", "nil"),
        ('(json_parse `"x"`)', "x"),
        ("(json_parse `[1,2,]`)", "(1 2)"),
        ('(json_parse `{"a":1,}`)', '{"a":1}'),
        ("(json_parse `[0x10, +1, 01]`)", "(16 1 1)"),
        ("(json_parse `{bare: 1, 'single': 'it'}`)", '{"bare":1 "single":"it"}'),
        ("(json_parse `[1] trailing`)", "(1)"),
        (r'(json_parse `["a\/b\tc\u00e9\ud83d\ude42"]`)', '("a/b\tcé🙂")'),
        (r"(json_parse `['\ud83d\ude42\'\n']`)", '("🙂\'\n")'),
        ('(json_parse `{"a":1,"a":2}`)', '{"a":2}'),
        ('(type (json_parse `{"a":1}`))', "dictionaryjson_"),
        ('(type (json_parse `{"a":1}` true))', "dictionary_"),
        ('(type (@ (json_parse `[{"a":1}]` true) 0))', "dictionary_"),
        ("(type (json_parse `[1]`))", "list_"),
        ("(json_parse b`[1]`)", "(1)"),
    ],
)
def test_reading(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('(json {"a":2.0 "b":-0.0 "c":1.05})', '{"a":2,"b":-0,"c":1.05}'),
        ("(json '(1.0))", "[1]"),
        ("(json '((2.0 1.5) (3.0)))", "[[2,1.5],[3]]"),
        ("(json '(1e16 1e22 0.00001))", "[1e+16,1e+22,1e-05]"),
        ('(json {"a":"1.0,"})', '{"a":"1.0,"}'),
        ('(json {"a":true "b":nil})', '{"a":true,"b":null}'),
        ("(json (list (float 0.1) 'a 1.5))", '[0.1,"a",1.5]'),
        ('(json (dictionarytree "b" 1 "a" "é"))', '{"a":"é","b":1}'),
        ('(json (list (strings "a") (integers 1) (dictionaryi 2 3)))', '[["a"],[1],{"2":3}]'),
        ('(size (json (list (integer (fill "1" 5000)))))', "5002"),
    ],
)
def test_records_with_and_without_the_writer_in_c(
    program: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(program) == expected
    monkeypatch.setattr(json_text, "_encoded", None)
    assert shown(program) == expected


def test_a_record_holds_numbers_that_json_does_not_know() -> None:
    assert "".join(pieces(List([math.inf, -math.inf, math.nan, 1.5]))) == "[null,null,null,1.5]"


def test_half_a_character_is_escaped() -> None:
    record = Dictionary({"k\ud800": "é\udfff"})
    assert "".join(pieces(record)) == '{"k\\ud800":"é\\udfff"}'


def test_a_text_is_made_at_once_up_to_a_size() -> None:
    small, large = List(range(900)), List(range(1100))
    assert len(list(pieces(small))) == 1 < len(list(pieces(large)))
    assert "".join(pieces(large)) == json.dumps(list(range(1100)), separators=(",", ":"))
    assert len(list(pieces(List([List(range(700)), List(range(700))])))) > 1


@pytest.mark.parametrize(
    ("text", "line", "position"),
    [
        ("[1, 2", 1, 6),
        ("", 1, 1),
        ("[1,,2]", 1, 4),
        ("[1 2]", 1, 4),
        ("{a}", 1, 3),
        ("{1:}", 1, 4),
        ('["open]', 1, 2),
        ("[1,\n 2 3]", 2, 4),
        ("word", 1, 1),
        ("]", 1, 1),
    ],
)
def test_errors_tell_where(text: str, line: int, position: int) -> None:
    with pytest.raises(LispError, match=rf"line: {line} at position: {position}$"):
        parse(text)


def test_a_circle_is_an_error() -> None:
    with pytest.raises(LispError, match="holds itself"):
        LispE().eval("(setq l (list 1)) (push l l) (json l)")


def test_the_same_list_twice_is_no_circle() -> None:
    assert shown("(setq l '(1)) (json (list l l))") == "[[1],[1]]"


@pytest.mark.parametrize("inner", ["", "'x'"])
def test_any_depth(inner: str) -> None:
    lisp = LispE()
    text = "[" * 50_000 + inner + "]" * 50_000
    assert lisp.call("json", lisp.call("json_parse", text)) == text.replace("'", '"')


_values = st.recursive(
    st.none()
    | st.just(True)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _plain(value: Any) -> Any:
    """What a value becomes on its way: numbers without a fraction are integers."""
    if isinstance(value, float) and abs(value) <= 2**53 and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


@given(_values)
def test_round_trip_against_pythons_json(value: Any) -> None:
    text = "".join(pieces(from_python(value)))
    assert _plain(json.loads(text)) == _plain(value)
    assert to_python(parse(text)) == _plain(value)


def test_files(tmp_path: Path) -> None:
    path = str(tmp_path / "v.json")
    lisp = LispE()
    assert lisp.call("json_write", {"z": [1, "é", None], "a": 2.5}, path) is True
    assert Path(path).read_text(encoding="utf-8") == '{"z":[1,"é",null],"a":2.5}'
    assert lisp.show(lisp.call("json_read", path)) == '{"z":(1 "é" nil) "a":2.5}'


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    path.write_text("[1]", encoding="utf-8")
    with pytest.raises(LispError, match="holds itself"):
        LispE().eval(f'(setq l (list 1)) (push l l) (json_write l "{path}")')
    assert path.read_text(encoding="utf-8") == "[1]"
    assert [p.name for p in tmp_path.iterdir()] == ["v.json"]


def test_files_need_permission(tmp_path: Path) -> None:
    lisp = LispE(allow=[])
    for program in (f'(json_write 1 "{tmp_path}/x")', f'(json_read "{tmp_path}/x")'):
        with pytest.raises(LispError, match="not allowed.*fs"):
            lisp.eval(program)


def test_a_missing_file() -> None:
    with pytest.raises(LispError, match="Unknown file: no_such.json"):
        LispE().eval('(json_read "no_such.json")')
