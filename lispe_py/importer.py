"""``import script`` for programs of the language.

>>> from lispe_py import importer
>>> importer.install()

From then on a file ``shapes.lisp`` in a folder of ``sys.path`` is a module
``shapes``: its functions take and give Python values, its global variables are
attributes. A name that Python cannot spell has a second spelling: ``my-area?``
is also ``my_area_``. The interpreter of a module is its ``__lispe__``.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType

from lispe_py.embedding.functions import exported
from lispe_py.interpreter import LispE

_SUFFIX = ".lisp"
#: Global names that every interpreter has.
_KNOWN = frozenset({"_args", "_version", "_sep", "_current", "_root"})


class LispLoader(Loader):
    """Runs a file in an interpreter of its own."""

    def __init__(self, path: str) -> None:
        self.path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        lisp = LispE()
        before = set(lisp.globals)
        lisp.execute(self.path)
        module.__dict__["__lispe__"] = lisp
        for name in lisp.globals:
            if name in before or name in _KNOWN:
                continue
            value = lisp.globals[name]
            item = exported(lisp, name) if isinstance(value, FunctionType) else value
            for spelling in dict.fromkeys((name, re.sub(r"\W", "_", name))):
                module.__dict__.setdefault(spelling, item)


class LispFinder(MetaPathFinder):
    """Finds ``name.lisp`` where Python looks for ``name.py``, after Python itself."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        file = fullname.rpartition(".")[2] + _SUFFIX
        for folder in sys.path if path is None else path:
            candidate = os.path.join(folder or os.getcwd(), file)
            if os.path.isfile(candidate):
                loader = LispLoader(candidate)
                return importlib.util.spec_from_file_location(fullname, candidate, loader=loader)
        return None


_finder = LispFinder()


def install() -> None:
    """Let ``import`` find programs of the language. Python's own modules come first."""
    if _finder not in sys.meta_path:
        sys.meta_path.append(_finder)


def uninstall() -> None:
    """Take back what :func:`install` did; modules already imported stay."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
