"""A second interpreter with a copy of everything that the first one knows."""

from __future__ import annotations

import copy
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any

from lispe_py.registry import registry
from lispe_py.runtime.copying import clone
from lispe_py.runtime.frames import FrameMap
from lispe_py.values.functions import FORMS
from lispe_py.values.instances import ClassInfo, Instance
from lispe_py.values.lists import List, Tail
from lispe_py.values.types import DICTIONARY_KINDS

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

#: Globals of the compiler's own that every interpreter makes for itself.
_OWN = (".", "__")


def fill(child: LispE, parent: LispE) -> None:
    """Copy what a parent knows into a child that is new."""
    child.interactive = parent.interactive
    child.random.setstate(parent.random.getstate())
    child.args[:] = parent.args
    child.search_path[:] = parent.search_path
    child.expander.macros = copy.deepcopy(parent.expander.macros)
    child.links.replace(parent.links)
    child.data.update(parent.data)
    child.groups.update(parent.groups)
    child.spaces.update(parent.spaces)
    child.constants = parent.constants
    child.texts.update(parent.texts)
    child.number_from(parent.number())
    _Twins(child, parent).copy_globals()


class _Twins:
    """The copies of a parent's values that belong to a child."""

    def __init__(self, child: LispE, parent: LispE) -> None:
        self.child, self.parent = child, parent
        #: id of an original -> (copy, original, which must outlive the walk)
        self.made: dict[int, tuple[Any, Any]] = {}

    def copy_globals(self) -> None:
        source, scope = self.parent.scope, self.child.scope
        scope[FORMS].update(source[FORMS])
        threads: list[tuple[str, FunctionType]] = []
        for name, value in list(source.items()):
            if name.startswith(":"):
                entry = registry.get(name[1:]) or self.parent.entry(name[1:])
                if entry is not None:
                    self.child.bind(entry)
            elif name == "_args" or name.startswith(_OWN):
                continue
            else:
                wrapped: Any = getattr(value, "__wrapped__", None)
                if wrapped.__class__ is FunctionType and wrapped.__globals__ is source:
                    # A function that runs as a thread, of this interpreter.
                    threads.append((name, wrapped))
                else:
                    scope[name] = self.twin(value)
        for name, function in threads:
            scope[name] = self.twin(function)
        for name, function in threads:
            if name.endswith("()"):
                scope[".define_thread"](name, function.__name__)
        for name, info in self.parent.classes.items():
            self.child.classes[name] = self._class_info(info)
            scope[".expose_class"](name)

    def twin(self, value: Any) -> Any:
        """The copy of a value; what is not the language's own is shared."""
        found = self.made.get(id(value))
        if found is not None:
            return found[0]
        cls = value.__class__
        if cls is FunctionType:
            return self._function(value)
        if cls is type and issubclass(value, Instance) and value is not Instance:
            return self._class(value)
        if cls is Tail:
            return self._keep(value, Tail(self.twin(value.base), value.offset))
        if isinstance(value, List):
            made = self._keep(value, cls())
            made.extend([self.twin(item) for item in value])
            return made
        if cls in DICTIONARY_KINDS:
            made = self._keep(value, cls())
            for key, item in dict.items(value):
                made[key] = self.twin(item)
            return made
        if isinstance(value, Instance):
            made = self._keep(value, object.__new__(self.twin(cls)))
            made.__dict__.update({k: self.twin(v) for k, v in value.__dict__.items()})
            return made
        if isinstance(value, FrameMap):
            return self._frame(value)
        if cls.__module__.startswith("lispe_py.values."):
            return self._keep(value, clone(value))
        return value

    def _keep(self, original: Any, made: Any) -> Any:
        self.made[id(original)] = (made, original)
        return made

    def _function(self, function: FunctionType) -> Any:
        if function.__globals__ is not self.parent.scope:
            return function
        cells = function.__closure__
        closure = None if cells is None else tuple(self._cell(cell) for cell in cells)
        made = FunctionType(
            function.__code__, self.child.scope, function.__name__, function.__defaults__, closure
        )
        self._keep(function, made)
        made.__qualname__ = function.__qualname__
        made.__dict__.update(function.__dict__)
        for cell in cells or ():
            self._fill(cell)
        return made

    def _cell(self, cell: CellType) -> CellType:
        found = self.made.get(id(cell))
        if found is not None:
            return found[0]
        made: CellType = self._keep(cell, CellType())
        return made

    def _fill(self, cell: CellType) -> None:
        made = self.made[id(cell)][0]
        try:
            content = cell.cell_contents
        except ValueError:
            # A variable that has not been set yet.
            return
        try:
            _ = made.cell_contents
        except ValueError:
            made.cell_contents = None
            made.cell_contents = self.twin(content)

    def _frame(self, frame: FrameMap) -> FrameMap:
        made = self._keep(frame, FrameMap({}, self.child.scope))
        made.outer = None if frame.outer is None else self.twin(frame.outer)
        for key, item in frame.items():
            dict.__setitem__(made, key, self.twin(item))
        made.closed = frame.closed
        return made

    def _class(self, cls: Any) -> Any:
        bases = tuple(self.twin(base) for base in cls.__bases__)
        body = {
            key: self.twin(item)
            for key, item in vars(cls).items()
            if key.endswith("()") or key == "__del__"
        }
        body["lisp_class"] = self._class_info(cls.lisp_class)
        return self._keep(cls, type(cls.__name__, bases, body))

    def _class_info(self, info: ClassInfo) -> ClassInfo:
        found = self.made.get(id(info))
        if found is not None:
            return found[0]
        made: ClassInfo = self._keep(info, copy.copy(info))
        made.base = None if info.base is None else self._class_info(info.base)
        return made
