"""The house in order: imports in one direction, modules of a size to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import lispe_py

PACKAGE = Path(lispe_py.__file__).parent
ROOT = Path(__file__).parent.parent

#: What may be imported by what stands on a later line (docs/architecture.md).
LAYERS = (
    {"errors", "registry", "names", "protocol", "version"},
    {"values"},
    {"printer", "reader", "places", "macros", "infix", "expander", "links", "runtime"}
    | {"grammar", "surface", "indentation"},
    {"builtins", "libraries"},
    {"compiler"},
    {"embedding"},
    {"interpreter"},
    {"assistance", "testing", "reporting"},
    {"tools"},
    {"cli", "repl", "jupyter", "highlighting", "importer", "__main__", "__init__"},
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Parts of the package that a module imports, those for type checkers left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or id(node) in typing or node.level:
            continue
        parts = (node.module or "").split(".")
        if parts[0] == "lispe_py":
            names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
            yield from ((name, node.lineno) for name in names)


def test_every_part_has_its_place() -> None:
    parts = {path.stem if path.is_file() else path.name for path in PACKAGE.iterdir()}
    parts -= {"__pycache__", "primitives", "py", "grammar"} | {"py.typed"}
    assert parts - {"grammar.lark"} <= set(LAYER)


def test_imports_go_one_way() -> None:
    turned = []
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if own in ("primitives", "__init__"):
            continue
        turned += [
            f"{path.relative_to(PACKAGE)}:{line} imports {name}"
            for name, line in imports(path)
            if LAYER.get(name, -1) > LAYER[own]
        ]
    assert turned == []


def test_the_torch_library_knows_nothing_of_the_compiler() -> None:
    above = {name for names in LAYERS[4:] for name in names}
    turned = [
        f"{path.name}:{line} imports {name}"
        for path in sorted((ROOT / "primitives").rglob("*.py"))
        for name, line in imports(path)
        if name in above
    ]
    assert turned == []


def test_modules_are_of_a_size_to_read() -> None:
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "primitives").rglob("*.py")]
    lengths = {p.name: len(p.read_text(encoding="utf-8").splitlines()) for p in sources}
    assert {name: n for name, n in lengths.items() if n > 800} == {}
