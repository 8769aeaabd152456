"""``import script`` for programs of the language.

>>> from lispe_py import importer
>>> importer.install()

From then on a file ``shapes.lisp`` in a folder of ``sys.path`` is a module
``shapes``: its functions take and give Python values, its global variables are
attributes. A name that Python cannot spell has a second spelling: ``my-area?``
is also ``my_area_``. The interpreter of a module is its ``__lispe__``. A folder
with a file ``__init__.lisp`` is a package; its modules may be of either language.
``importlib.reload`` runs the file again, in a new interpreter.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType, ModuleType

from lispe_py.embedding.functions import exported
from lispe_py.errors import LispError
from lispe_py.interpreter import LispE
from lispe_py.runtime.calls import read_source

_SUFFIX = ".lisp"
_PACKAGE = "__init__.lisp"
#: Global names that every interpreter has.
_KNOWN = frozenset({"_args", "_version", "_sep", "_current", "_root"})


class LispLoader(InspectLoader):
    """Runs a file in an interpreter of its own."""

    def __init__(self, path: str) -> None:
        self.path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        lisp = LispE()
        before = set(lisp.globals)
        try:
            lisp.execute(self.path)
        except LispError as error:
            # A text that cannot be compiled has no frame in the traceback.
            error.add_note(f'  File "{error.file}", line {error.line}, column {error.column}')
            raise
        items = {
            name: exported(lisp, name) if isinstance(value, FunctionType) else value
            for name, value in lisp.globals.items()
            if name not in before and name not in _KNOWN
        }
        spelled = {re.sub(r"\W", "_", name): item for name, item in items.items()}
        # What Python knows a module by is not for the program to set.
        known = {name for name in module.__dict__ if name.startswith("__")}
        for name, item in {**spelled, **items}.items():
            if name not in known:
                module.__dict__[name] = item
        module.__dict__["__lispe__"] = lisp

    def get_source(self, fullname: str) -> str:
        """The text of the program, for ``inspect`` and for tracebacks."""
        return read_source(self.path)

    def get_filename(self, fullname: str) -> str:
        return self.path

    def is_package(self, fullname: str) -> bool:
        return os.path.basename(self.path) == _PACKAGE


class LispFinder(MetaPathFinder):
    """Finds ``name.lisp`` and ``name/__init__.lisp`` where Python looks for ``name.py``.

    A module of Python's comes first, but not a mere folder of that name, which
    Python would take for a package without any code.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        for folder in sys.path if path is None else path:
            folder = os.path.abspath(folder or os.getcwd())
            for file in (
                os.path.join(folder, name, _PACKAGE),
                os.path.join(folder, name + _SUFFIX),
            ):
                if os.path.isfile(file):
                    return None if _is_python(fullname, path) else _spec(fullname, file)
        return None


def _is_python(fullname: str, path: Sequence[str] | None) -> bool:
    found = PathFinder.find_spec(fullname, path)
    return found is not None and found.has_location


def _spec(fullname: str, file: str) -> ModuleSpec | None:
    loader = LispLoader(file)
    folders = [os.path.dirname(file)] if loader.is_package(fullname) else None
    return importlib.util.spec_from_file_location(
        fullname, file, loader=loader, submodule_search_locations=folders
    )


_finder = LispFinder()


def install() -> None:
    """Let ``import`` find programs of the language. Python's own modules come first."""
    if _finder not in sys.meta_path:
        places = [i for i, finder in enumerate(sys.meta_path) if finder is PathFinder]
        sys.meta_path.insert(places[0] if places else len(sys.meta_path), _finder)


def uninstall() -> None:
    """Take back what :func:`install` did; modules already imported stay."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
