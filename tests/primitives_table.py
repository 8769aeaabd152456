"""The primitives that the torch library must have, and what is shown of each.

``python -m tests.primitives_table [--missing]`` counts, group by group, the names of
``torch_primitives.tsv`` that are

- bound: a program can call them under this spelling;
- documented: a summary, and an example with its result, which ``test_registry.py`` runs;
- tested: called, under this spelling or another of the same primitive, by a test that
  compares what comes out with an expectation of its own. The example does not count, nor
  does a call whose only expected outcome is an error.

What the library has beyond that list is counted on a line of its own.

Calls are found in the text of the tests: in the cases of the conformance corpus that
expect a value or a printed text, and in the strings of those test functions that assert
something when what they expect to be refused is left out, with the constants and the
helpers of the same file that such a function uses.
"""

from __future__ import annotations

import ast
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import corpus  # noqa: E402

from lispe_py import LispE  # noqa: E402
from lispe_py.registry import CORE, Entry, registry  # noqa: E402

FOLDER = Path(__file__).parent
BEYOND = "beyond the list"

_CALL = re.compile(r"\(\s*'?([^\s()'\";]+)")
#: A word by itself: what a test may put into the calls of its f-strings.
_WORD = re.compile(r"[a-z]\w*")
_REFUSED = {"refused", "raises"}


class Row(NamedTuple):
    """What is shown of one name."""

    name: str
    group: str
    bound: bool
    documented: bool
    tested: bool


def demanded() -> dict[str, str]:
    """The names that must exist, and the group of each."""
    with open(FOLDER / "torch_primitives.tsv", encoding="utf-8", newline="") as lines:
        return {row["name"]: row["group"] for row in csv.DictReader(lines, delimiter="\t")}


# ---------------------------------------------------------------- calls in the tests


def conformance_calls() -> Iterator[str]:
    """Names called by cases that expect a value or a printed text, and pass."""
    left_out = corpus.pending() | set(corpus.deviations())
    for topic in corpus.TOPICS:
        for case in corpus.load(topic):
            if case["error"] is None and case["id"] not in left_out:
                if case["out"] or case.get("value") is not None:
                    yield from _CALL.findall(case["program"])


class _WithoutRefusals(ast.NodeTransformer):
    """Takes out what expects an error: ``with pytest.raises``, ``refused(...)``."""

    def visit_With(self, node: ast.With) -> ast.AST | None:
        if any(_called(item.context_expr) in _REFUSED for item in node.items):
            return None
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST | None:
        # What remains to be asserted of an error is its text.
        if any(_called(inner) in _REFUSED for inner in ast.walk(node.test)):
            return None
        if "caught" in _names(node):
            return None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _called(node) in _REFUSED:
            return ast.copy_location(ast.Constant(None), node)
        return self.generic_visit(node)


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "id", "") or getattr(node.func, "attr", "")


def _names(node: ast.AST) -> set[str]:
    found = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        found |= {argument.arg for argument in node.args.args}
    return found


def _asserts(node: ast.AST) -> bool:
    return any(
        isinstance(inner, ast.Assert) or _called(inner).startswith("assert")
        for inner in ast.walk(node)
    )


def _strings(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def _built_calls(node: ast.AST, words: set[str]) -> Iterator[str]:
    """Names that f-strings make, in a call or alone, with one of the words in them."""
    for inner in ast.walk(node):
        if not isinstance(inner, ast.JoinedStr):
            continue
        texts = [str(part.value) if isinstance(part, ast.Constant) else "" for part in inner.values]
        for i, part in enumerate(inner.values):
            before = re.search(r"(?:^|\('?)(\w*)$", texts[i - 1] if i else "")
            if isinstance(part, ast.FormattedValue) and before:
                after = re.match(r"\w*", texts[i + 1] if i + 1 < len(texts) else "")
                yield from (before[1] + word + (after[0] if after else "") for word in words)


def calls_of(source: str) -> Iterator[str]:
    """Names that the test functions of a file call and hold against an expectation."""
    tree = _WithoutRefusals().visit(ast.parse(source))
    parts: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            parts[node.name] = node
        elif isinstance(node, ast.Assign):
            parts.update((t.id, node) for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            parts[node.target.id] = node
    for name, node in parts.items():
        if not name.startswith("test_"):
            continue
        used = {name}
        waiting = [node]
        while waiting:
            for other in _names(waiting.pop()) & parts.keys() - used:
                used.add(other)
                waiting.append(parts[other])
        if any(_asserts(parts[part]) for part in used):
            texts = {text for part in used for text in _strings(parts[part])}
            words = {text for text in texts if _WORD.fullmatch(text)}
            yield from words
            for text in texts:
                yield from _CALL.findall(text)
            for part in used:
                yield from _built_calls(parts[part], words)


def tested_names() -> set[str]:
    """All names that tests call and hold against an expectation."""
    found = set(conformance_calls())
    for path in FOLDER.glob("test_*.py"):
        found.update(calls_of(path.read_text(encoding="utf-8")))
    for path in (FOLDER / "lisp").glob("*.lisp"):
        found.update(_CALL.findall(path.read_text(encoding="utf-8")))
    return found


# ---------------------------------------------------------------- the table


def rows() -> list[Row]:
    """A row for each demanded name, then one for each primitive beyond them."""
    LispE().eval("(use 'lispe_torch)")
    tested = {id(e) for e in map(registry.get, tested_names()) if e is not None}

    def row(name: str, group: str, entry: Entry | None) -> Row:
        if entry is None:
            return Row(name, group, False, False, False)
        documented = bool(entry.summary) and "\n;" in entry.example
        return Row(name, group, True, documented, id(entry) in tested)

    wanted = demanded()
    found = [row(name, group, registry.get(name)) for name, group in wanted.items()]
    for entry in registry.entries():
        if entry.library != CORE and not wanted.keys() & {entry.name, *entry.aliases}:
            found.append(row(entry.name, BEYOND, entry))
    return found


def _line(name: str, values: Iterable[object]) -> str:
    return f"{name:18}" + "".join(f"{value!s:>12}" for value in values)


def main(arguments: list[str]) -> None:
    table = rows()
    columns = ("bound", "documented", "tested")
    print(_line("group", ("names", *columns)))
    counts = {column: Counter(r.group for r in table if getattr(r, column)) for column in columns}
    for group, total in sorted(Counter(r.group for r in table).items()):
        print(_line(group, (total, *(counts[c][group] for c in columns))))
    print(_line("all", (len(table), *(counts[c].total() for c in columns))))
    if "--missing" in arguments:
        for r in table:
            lacking = [c for c in columns if not getattr(r, c)]
            if lacking:
                print(f"{r.name} ({r.group}): not {', not '.join(lacking)}")


if __name__ == "__main__":
    main(sys.argv[1:])
