"""The parser of ``grammar.lark``, built by Lark or found as it was built before.

Building it takes some 20 ms, a good part of what a short command may last; its
tables load in a fifth of that. They are kept in the store of the user, under a name
that changes with the grammar, with Lark and with Python.
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
    import marshal

    from lark import Lark

    from lispe_py.runtime.store import user_store

    text = grammar()
    options: dict[str, Any] = {"transformer": builder, "postlex": filter_}
    store = user_store()
    kept = store.get(_name(text)) if store is not None else None
    if kept is not None:
        return Lark._load_from_dict(*marshal.loads(kept), **options)
    parser = Lark(text, parser="lalr", lexer="basic", **options)
    if store is not None:
        store.put(_name(text), marshal.dumps(_tables(parser)))
    return parser


def _name(text: str) -> str:
    """The name under which the tables of a grammar are kept."""
    import hashlib
    import sys

    import lark

    key = f"{lark.__version__} {sys.version} {text}"
    return f"grammar-{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def _tables(parser: Lark) -> tuple[dict[str, Any], dict[str, Any]]:
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = parser.memo_serialize([TerminalDef, Rule])
    # What belongs to one parser alone: given anew on loading.
    data["options"] = {
        name: value
        for name, value in data["options"].items()
        if name not in ("transformer", "postlex")
    }
    return data, memo
