"""Files that are compiled once: the code of a file is kept for the next run.

What a text compiles to depends on more than the text: on the macros and spellings that
are in force, on the names, classes, structures and constants that are there, on options
of the interpreter, on this Python and on our own sources. The name under which code is
kept is a digest of all of it, so that what is found is what would be compiled. Beside
the code stand the forms that were read and what compiling has noted in the interpreter.

:mod:`lispe_py.runtime.store` keeps it, and tells what is not the user's own.
"""

from __future__ import annotations

import io
import marshal
import os
import pickle
from collections.abc import Iterable, Iterator
from functools import cache
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

from lispe_py import libraries
from lispe_py.grammar import grammar
from lispe_py.reader import read
from lispe_py.registry import CORE, registry
from lispe_py.runtime.store import user_store
from lispe_py.values.instances import ClassInfo
from lispe_py.values.lists import List
from lispe_py.version import __version__

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

#: Forms nested deeper are compiled anew each time: pickle recurses.
_DEEPEST = 500
#: What the kept objects may be made of, besides the classes of this package.
_PYTHONS = frozenset({("builtins", "frozenset"), ("builtins", "set"), ("builtins", "complex")})


class Noted(NamedTuple):
    """What compiling a text adds to an interpreter, or changes there."""

    data: dict[str, Any]
    groups: dict[str, Any]
    classes: dict[str, Any]
    links: dict[Any, Any]
    macros: dict[str, Any]


class CompiledFiles:
    """Compiles the files of an interpreter, or finds them compiled.

    Attributes:
        on: is anything kept, and looked for?
        found: how many files were found compiled.
        kept: how many were compiled and kept.
    """

    def __init__(self, lisp: LispE, on: bool) -> None:
        self._lisp = lisp
        self.on = on
        self.found = 0
        self.kept = 0

    def compiled(self, text: str, file: str, space: str | None) -> tuple[CodeType, list[Any]]:
        """The code of a file and its constants, noted in the interpreter."""
        lisp = self._lisp
        store = user_store() if self.on else None
        if store is None:
            code = lisp.compile_forms(read(text, file), file, space=space)
            return code.compiled(), code.constants
        name = _name(lisp, text, file, space)
        kept = store.get(name)
        if kept is not None:
            unit = self._restored(kept, space)
            if unit is not None:
                self.found += 1
                return unit
        before = _state(lisp)
        forms = read(text, file)
        code = lisp.compile_forms(forms, file, space=space, mark=f"{name[:16]}.")
        unit = code.compiled(), code.constants
        data = _packed(forms, *unit, before, _state(lisp))
        if data is not None and store.put(name, data):
            self.kept += 1
        return unit

    def _restored(self, data: bytes, space: str | None) -> tuple[CodeType, list[Any]] | None:
        lisp = self._lisp
        code, objects = marshal.loads(data)
        entries = []
        for name in sorted(_primitives(code)):
            entry = lisp.entry(name)
            if entry is None:
                # Of a library that was installed then.
                return None
            entries.append(entry)
        forms, constants, noted = _Unpickler(objects, lisp.classes).load()
        for entry in entries:
            lisp.bind(entry)
        lisp.enter_text(forms, space)
        lisp.data.update(noted.data)
        lisp.groups.update(noted.groups)
        lisp.classes.update(noted.classes)
        lisp.links.atoms.update(noted.links)
        lisp.expander.macros.update(noted.macros)
        return code, constants


def _primitives(code: CodeType) -> set[str]:
    """The names of the primitives that code calls: a colon stands before them."""
    found = {name[1:] for name in code.co_names if name.startswith(":")}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _primitives(constant)
    return found


# ---------------------------------------------------------------- what is kept


def _state(lisp: LispE) -> Noted:
    return Noted(
        dict(lisp.data),
        dict(lisp.groups),
        dict(lisp.classes),
        dict(lisp.links.atoms),
        lisp.expander.macros.table(),
    )


def _packed(
    forms: List, code: CodeType, constants: list[Any], before: Noted, after: Noted
) -> bytes | None:
    """All that a file was compiled to, as bytes; None where that cannot be."""
    if _is_deep([forms, *constants]):
        return None
    changes = Noted(
        *(
            {name: value for name, value in new.items() if old.get(name) != value}
            for old, new in zip(before, after, strict=True)
        )
    )
    stream = io.BytesIO()
    try:
        _Pickler(stream, before.classes).dump((forms, constants, changes))
        return marshal.dumps((code, stream.getvalue()))
    except (pickle.PicklingError, TypeError, ValueError):
        # A constant that is a foreign object, which a reader of our own never makes.
        return None


def _is_deep(values: list[Any]) -> bool:
    level = values
    for _ in range(_DEEPEST):
        level = [member for value in level for member in _members(value)]
        if not level:
            return False
    return True


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, (list, tuple, frozenset)):
        return value
    return value.values() if isinstance(value, dict) else ()


class _Pickler(pickle.Pickler):
    """Leaves out the classes that were there before, which keep their identity."""

    def __init__(self, stream: io.BytesIO, classes: dict[str, ClassInfo]) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self._classes = classes

    def persistent_id(self, value: Any) -> str | None:
        if value.__class__ is ClassInfo and self._classes.get(value.name) is value:
            name: str = value.name
            return name
        return None


class _Unpickler(pickle.Unpickler):
    """Makes forms and what stands in them, and nothing else."""

    def __init__(self, data: bytes, classes: dict[str, ClassInfo]) -> None:
        super().__init__(io.BytesIO(data))
        self._classes = classes

    def persistent_load(self, name: Any) -> ClassInfo:
        return self._classes[name]

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("lispe_py.") or (module, name) in _PYTHONS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


# ---------------------------------------------------------------- under which name


def _name(lisp: LispE, text: str, file: str, space: str | None) -> str:
    """A digest of a text and of all that decides what it compiles to."""
    from hashlib import blake2b

    digest = blake2b(digest_size=32)
    for part in (text, file, _surroundings(), *_described(lisp, space)):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


@cache
def _surroundings() -> str:
    """This Python, this package: its sources may change without its version."""
    import importlib.util
    import sys

    folders = [os.path.dirname(os.path.dirname(__file__))]
    for package in dict.fromkeys(libraries.LIBRARIES.values()):
        spec = importlib.util.find_spec(package)
        folders += (spec and spec.submodule_search_locations) or []
    sources = []
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                if name.endswith(".py"):
                    about = os.stat(os.path.join(place, name))
                    sources.append((place, name, about.st_mtime_ns, about.st_size))
    python = (sys.version, sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER, sys.flags)
    return repr((python, __version__, grammar(), sorted(sources)))


def _described(lisp: LispE, space: str | None) -> Iterator[str]:
    """What the compiler and the expander ask of an interpreter, as texts."""
    scope = lisp.scope
    yield repr((space, lisp.promote, lisp.interactive, lisp.meter is not None))
    yield repr(sorted(name for name in scope if name[:1] not in (".", ":")))
    yield repr((sorted(lisp.spaces), sorted(lisp.constants)))
    yield repr((list(lisp.data.items()), list(lisp.groups.items())))
    yield repr(list(lisp.links.atoms.items()))
    yield repr(sorted(_foreign_primitives()))
    for name, bodies in lisp.expander.macros.table().items():
        yield name
        for body in bodies:
            yield from _spelled(body)
    for info in lisp.classes.values():
        yield repr((info.name, sorted(info.added), info.base and info.base.name))
        yield from _spelled(info.form, places=True)
    for key, function in scope.items():
        earlier = getattr(function, "__lisp_bodies__", None)
        if earlier is not None:
            # New bodies are compiled together with these.
            yield key
            yield from _spelled(earlier, places=True)


def _foreign_primitives() -> Iterator[tuple[Any, ...]]:
    """The primitives that are not the language's own: a library's that is loaded, a host's."""
    for entry in registry.known():
        if entry.library != CORE or not entry.function.__module__.startswith("lispe_py."):
            yield (
                entry.name, entry.aliases, entry.library, entry.special, entry.truth,
                entry.least, entry.most, repr(entry.rebinds),
            )  # fmt: skip


def _spelled(form: Any, places: bool = False) -> Iterator[str]:
    """A form as texts that no other form has; with the places of its lists if wanted."""
    pending = [form]
    while pending:
        item = pending.pop()
        if isinstance(item, (list, tuple)):
            yield f"{item.__class__.__name__} {len(item)}"
            if places:
                yield repr(getattr(item, "where", None))
            pending.extend(reversed(item))
        else:
            yield f"{item.__class__.__name__} {item!r}"
