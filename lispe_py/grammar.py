"""The parser of ``grammar.lark``, built by Lark or taken from a private cache.

Building it takes some 20 ms, a good part of what a short command may last; its
tables load in a fifth of that. They are kept as JSON, which holds no code, in a
folder of the user's own, under a name that changes with the grammar, with Lark
and with Python. Without such a folder the parser is built anew each time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark

NAME = "grammar.lark"


def grammar() -> str:
    """The text of ``grammar.lark``: inside the package, or beside it in a checkout."""
    package = os.path.dirname(os.path.abspath(__file__))
    for folder in (package, os.path.dirname(package)):
        try:
            with open(os.path.join(folder, NAME), encoding="utf-8") as source:
                return source.read()
        except OSError:
            continue
    # A package that is no folder, as in a zip archive; the import is slow.
    from importlib import resources

    return resources.files("lispe_py").joinpath(NAME).read_text(encoding="utf-8")


def make_parser(builder: Any, filter_: Any) -> Lark:
    """A parser that calls ``builder`` for its rules and sees tokens through ``filter_``."""
    from lark import Lark

    text = grammar()
    path = _cache_path(text)
    options: dict[str, Any] = {"transformer": builder, "postlex": filter_}
    tables = _load(path) if path else None
    if tables is not None:
        try:
            return Lark._load_from_dict(tables["data"], tables["memo"], **options)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, AssertionError):
            # A file that is JSON but not ours: built anew, and written over.
            tables = None
    parser = Lark(text, parser="lalr", lexer="basic", **options)
    if path:
        _save(path, parser)
    return parser


def _cache_path(text: str) -> str | None:
    """Where the tables are kept; None where there is no folder of the user's own."""
    import hashlib
    import sys

    import lark

    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        return None
    key = f"{lark.__version__} {sys.version_info[:2]} {text}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:24]
    return os.path.join(base, "lispe_py", f"grammar-{digest}.json")


def _load(path: str) -> dict[str, Any] | None:
    import json

    try:
        with open(path, encoding="utf-8") as file:
            about = os.fstat(file.fileno())
            if hasattr(os, "getuid") and (about.st_uid != os.getuid() or about.st_mode & 0o022):
                return None
            tables = _integer_keys(json.load(file))
    except (OSError, ValueError, RecursionError):
        return None
    return tables if isinstance(tables, dict) else None


def _integer_keys(value: Any) -> Any:
    """JSON has only strings for keys; Lark's tables number their states."""
    if value.__class__ is dict:
        return {
            (int(key) if key.isdigit() else key): _integer_keys(member)
            for key, member in value.items()
        }
    if value.__class__ is list:
        return [_integer_keys(member) for member in value]
    return value


def _save(path: str, parser: Lark) -> None:
    """Write the tables beside their place, then rename: readers never see a part."""
    import json

    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = parser.memo_serialize([TerminalDef, Rule])
    # What belongs to one parser alone: given anew on loading.
    data["options"] = {
        name: value
        for name, value in data["options"].items()
        if name not in ("transformer", "postlex")
    }
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump({"data": data, "memo": memo}, file)
        os.replace(temporary, path)
    except OSError:
        # A read-only or full disk costs the next start 20 ms, no more.
        return
