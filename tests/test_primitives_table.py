"""Every primitive of the list is bound, documented and tested; and how calls are found."""

from __future__ import annotations

from collections.abc import Iterator

import primitives_table
import pytest

TABLE = primitives_table.rows()


@pytest.mark.parametrize("column", ["bound", "documented", "tested"])
def test_the_whole_list(column: str) -> None:
    lacking = [f"{row.name} ({row.group})" for row in TABLE if not getattr(row, column)]
    if lacking:
        pytest.fail("\n".join([f"not {column}:", *lacking]), pytrace=False)


def test_the_list_is_read_whole() -> None:
    groups = [row.group for row in TABLE]
    assert groups.count(primitives_table.BEYOND) > 0
    assert len(groups) - groups.count(primitives_table.BEYOND) == 378


def calls(text: str) -> Iterator[str]:
    return (name for name in primitives_table.calls_of(text) if name.startswith("torch_"))


def test_what_counts_as_tested() -> None:
    assert set(calls("def test_a():\n    assert run('(torch_one (torch_two))') == 1")) == {
        "torch_one",
        "torch_two",
    }
    assert list(calls("def test_a():\n    run('(torch_one)')")) == []
    assert list(calls("def helper():\n    assert run('(torch_one)')")) == []


def test_an_expected_error_does_not_count() -> None:
    text = """
@parametrize("text", ["(torch_one)"])
def test_a(text):
    with pytest.raises(LispError):
        run(text)

def test_b():
    assert "no" in refused("(torch_two)")
    assert run("(torch_three)") == 3
"""
    assert list(calls(text)) == ["torch_three"]


def test_constants_and_helpers_belong_to_the_test() -> None:
    text = """
NAMES = {"three": 3}
PROGRAM = "(torch_one)"

def same(a, b):
    assert a == b

def test_a():
    same(run(PROGRAM), 1)

@parametrize("name", NAMES)
def test_b(name):
    same(run(f"(torch_{name} x)"), run(f"(torch_sum (torch_get_{name}_part x))"))
"""
    wanted = {"torch_one", "torch_three", "torch_sum", "torch_get_three_part"}
    assert wanted <= set(calls(text))
