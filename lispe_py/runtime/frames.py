"""Variables at run time: globals, frames in mappings, the callers' variables."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from lispe_py.errors import LispError
from lispe_py.runtime.support import UNBOUND

#: Key in the globals of compiled code that marks them as ours.
MARK = ".lispe"

#: File of code made at run time from a list that was read nowhere.
MADE = "<form>"


def unbound(name: str) -> LispError:
    return LispError(f"Unbound atom: '{name}'")


class FrameMap(dict):  # type: ignore[type-arg]
    """The variables of a function whose code may be made at run time.

    ``outer`` is the mapping around it: a lambda has its parameters here and
    everything else there. ``globals`` ends the chain.
    """

    __slots__ = ("outer", "globals", "closed")

    def __init__(self, values: dict[str, Any], globals_: dict[str, Any]) -> None:
        super().__init__(values)
        self.outer: FrameMap | None = None
        self.globals = globals_
        #: A lambda's own mapping takes no new names.
        self.closed = False

    def __setitem__(self, name: str, value: Any) -> None:
        if self.closed and name not in self:
            if self.outer is None:
                self.globals[name] = value
            else:
                self.outer[name] = value
            return
        super().__setitem__(name, value)

    def __missing__(self, name: str) -> Any:
        if self.outer is not None:
            return self.outer[name]
        value = self.globals.get(name, UNBOUND)
        if value is UNBOUND:
            value = self.globals.get(f"{name}()", UNBOUND)
        if value is UNBOUND:
            raise unbound(name)
        return value

    def owns(self, name: str) -> bool:
        if name in self:
            return True
        return self.outer is not None and self.outer.owns(name)


def frame_get(frame: FrameMap, name: str) -> Any:
    return frame[name]


def frame_update(frame: FrameMap, name: str, value: Any) -> None:
    """Set a variable where it lives: in the frame, else among the globals."""
    holder: FrameMap | None = frame
    while holder is not None:
        if name in holder:
            dict.__setitem__(holder, name, value)
            return
        holder = holder.outer
    if name in frame.globals:
        frame.globals[name] = value
    else:
        frame[name] = value


def frame_bound(frame: FrameMap, name: str) -> bool | None:
    return True if frame.owns(name) or name in frame.globals else None


class Saved:
    """Variables that a ``let`` hides, to be put back."""

    __slots__ = ("mapping", "values")

    def __init__(self, mapping: dict[str, Any], names: tuple[str, ...]) -> None:
        self.mapping = mapping
        self.values = {name: mapping.get(name, UNBOUND) for name in names}

    def restore(self) -> None:
        for name, value in self.values.items():
            if value is UNBOUND:
                self.mapping.pop(name, None)
            else:
                self.mapping[name] = value


def callers_variable(name: str, globals_: dict[str, Any], frame: FrameType | None) -> Any:
    """A variable of the functions that are running, innermost first; or UNBOUND.

    This is how a lambda that was given to another function finds a name that
    is nowhere else, and how a function sees the fields of the instance whose
    method called it.
    """
    while frame is not None:
        if frame.f_globals is globals_:
            code = frame.f_code
            if name in code.co_varnames or name in code.co_cellvars or name in code.co_freevars:
                value = frame.f_locals.get(name, UNBOUND)
                if value is not UNBOUND:
                    return value
            if ".F" in code.co_varnames:
                mapping = frame.f_locals.get(".F")
                if isinstance(mapping, FrameMap) and mapping.owns(name):
                    return mapping[name]
            if ".self" in code.co_varnames:
                fields = getattr(frame.f_locals.get(".self"), "__dict__", {})
                if name in fields:
                    return fields[name]
        frame = frame.f_back
    return UNBOUND


class Variables:
    """The helpers of compiled code that reach one interpreter's globals."""

    def __init__(self, globals_: dict[str, Any]) -> None:
        self.globals = globals_

    def dynamic(self, name: str) -> Any:
        """A name that no scope around the code has: a global, else the callers'."""
        value = self.globals.get(name, UNBOUND)
        if value is UNBOUND:
            value = callers_variable(name, self.globals, sys._getframe(1))
        if value is UNBOUND:
            value = self.globals.get(f"{name}()", UNBOUND)
        if value is UNBOUND:
            raise unbound(name)
        return value

    def set_global(self, name: str, value: Any) -> None:
        self.globals[name] = value

    def only_global(self, local: Any, name: str) -> bool:
        """Must an update go to the global, the local not having been set?"""
        return local is UNBOUND and name in self.globals

    def bound(self, name: str) -> bool | None:
        return True if name in self.globals or f"{name}()" in self.globals else None

    def bound_local(self, local: Any, name: str) -> bool | None:
        return True if local is not UNBOUND else self.bound(name)

    def save_globals(self, names: tuple[str, ...]) -> Saved:
        return Saved(self.globals, names)

    def frame(self, values: dict[str, Any]) -> FrameMap:
        return FrameMap(values, self.globals)

    def inner_frame(self, outer: FrameMap | None, values: dict[str, Any]) -> FrameMap:
        frame = FrameMap(values, self.globals)
        frame.outer = outer
        frame.closed = True
        return frame

    def helpers(self) -> dict[str, Any]:
        return {
            "dynamic": self.dynamic, "set_global": self.set_global,
            "only_global": self.only_global, "bound": self.bound,
            "bound_local": self.bound_local, "save_globals": self.save_globals,
            "save_frame": Saved, "frame": self.frame, "inner_frame": self.inner_frame,
            "frame_get": frame_get, "frame_update": frame_update, "frame_bound": frame_bound,
        }  # fmt: skip
