"""Libraries of primitives that are loaded when they are used.

The names of a library are known without importing it: they are read from the
``@primitive("name", "alias", ...)`` lines of its sources.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lispe_py.errors import LispError
from lispe_py.protocol import adapters_of
from lispe_py.registry import Entry, registry

if TYPE_CHECKING:
    from pathlib import Path

#: name after ``use`` -> package that holds the library
LIBRARIES = {
    "lispe_torch": "lispe_py.primitives",
    "liblispe_torch": "lispe_py.primitives",
    "lispe_tiktoken": "lispe_py.primitives",
    "torch": "lispe_py.primitives",
}

#: names after ``use`` whose primitives are always there
BUILT_IN = frozenset({"pylispe"})

_DECORATOR = re.compile(r"^@primitive\(\s*((?:\"[^\"]+\",?\s*)+)", re.MULTILINE)
_NAME = re.compile(r"\"([^\"]+)\"")
_index: dict[str, str] | None = None


def sources(package: str) -> Iterator[Path]:
    """The Python files of a library's package, without importing it."""
    # An import that costs a start of the interpreter some milliseconds.
    from pathlib import Path

    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return
    for folder in spec.submodule_search_locations:
        yield from sorted(Path(folder).rglob("*.py"))


def names(source: str) -> list[str]:
    """The names of the primitives that a Python text defines."""
    found = [n for match in _DECORATOR.finditer(source) for n in _NAME.findall(match[1])]
    return [n.replace("\\\\", "\\") for n in found]


def index() -> dict[str, str]:
    """Every name of every library, with the package it comes from."""
    global _index
    if _index is None:
        found: dict[str, str] = {}
        for package in dict.fromkeys(LIBRARIES.values()):
            for path in sources(package):
                found.update(dict.fromkeys(names(path.read_text(encoding="utf-8")), package))
        _index = found
    return _index


def load(package: str) -> None:
    """Import a library, which registers its primitives."""
    try:
        importlib.import_module(package).load()
    except ImportError as error:
        raise LispError(
            f"library '{package}' cannot be loaded: {error}",
            hint="install the missing package",
        ) from error


def use(name: str) -> list[Entry]:
    """``(use 'name)``: load a library by the name that scripts give it.

    Gives its primitives without an underscore in their names: ``find`` does not see those
    in time, because a program is compiled before it runs, so the caller binds them.
    """
    if name in BUILT_IN:
        return []
    package = LIBRARIES.get(name)
    if package is None:
        known = ", ".join(sorted(LIBRARIES))
        raise LispError(f"unknown library: '{name}'", hint=f"the libraries are {known}")
    load(package)
    plain = (registry.get(n) for n in index() if "_" not in n)
    return [entry for entry in plain if entry is not None]


# A tensor may come from Python, into a program whose text names none of the library.
adapters_of("torch", lambda: load(LIBRARIES["torch"]))


def find(name: str) -> Entry | None:
    """The primitive of a name; the library that has it is loaded for it."""
    entry = registry.get(name)
    if entry is None and "_" in name and not name.startswith("_"):
        package = index().get(name)
        if package is not None:
            load(package)
            entry = registry.get(name)
    return entry


def described(package: str) -> dict[str, tuple[str, str]]:
    """Name -> (signature, first line of documentation), without importing.

    Completion and help use it before a library is loaded.
    """
    found: dict[str, tuple[str, str]] = {}
    for path in sources(package):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if not (
                    isinstance(decorator, ast.Call)
                    and isinstance(decorator.func, ast.Name)
                    and decorator.func.id == "primitive"
                ):
                    continue
                names = [a.value for a in decorator.args if isinstance(a, ast.Constant)]
                interpreter = any(k.arg == "interpreter" for k in decorator.keywords)
                arguments = [a.arg for a in node.args.args][1 if interpreter else 0 :]
                required = len(arguments) - len(node.args.defaults)
                words = [a if i < required else f"[{a}]" for i, a in enumerate(arguments)]
                if node.args.vararg:
                    words.append(f"{node.args.vararg.arg}...")
                summary = (ast.get_docstring(node) or "").partition("\n")[0]
                for name in names:
                    found[str(name)] = (f"({' '.join([str(name), *words])})", summary)
    return found


_core_loaded = False


def load_core() -> None:
    """Import every module of special forms, and announce the names of the built-ins.

    A module of built-ins is imported when a program uses one of its names: to
    import them all would take longer than many programs run.
    """
    global _core_loaded
    if _core_loaded:
        return
    import pkgutil

    import lispe_py.builtins
    import lispe_py.compiler

    for module in pkgutil.iter_modules(lispe_py.compiler.__path__):
        importlib.import_module(f"lispe_py.compiler.{module.name}")
    for folder in lispe_py.builtins.__path__:
        for module in pkgutil.iter_modules([folder]):
            name = f"lispe_py.builtins.{module.name}"
            try:
                with open(f"{folder}/{module.name}.py", encoding="utf-8") as source:
                    registry.announce(names(source.read()), name)
            except OSError:
                # Installed without sources, or in an archive.
                importlib.import_module(name)
    _core_loaded = True
