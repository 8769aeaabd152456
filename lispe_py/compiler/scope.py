"""Where variables live.

A *frame* is what the language gives to a function call: the top level, a
``defun``, a method. Lambdas have parameters of their own but no frame: what
they set belongs to the frame around them. So each frame is a Python function
and each lambda a nested one, and Python's own cells do the capturing.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from lispe_py.compiler import emit
from lispe_py.compiler.inference import Assumption
from lispe_py.compiler.walk import named_forms
from lispe_py.names import NOT_RESERVED
from lispe_py.registry import CORE, registry
from lispe_py.values.instances import ClassInfo
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

QUOTE = Symbol("quote")


@dataclass
class Frame:
    """The variables of one call: top level, function or method."""

    #: "top": variables are globals. "function": Python locals. "mapping": they
    #: stand in a mapping, since code made at run time may read and set them.
    kind: str
    #: Names that the body sets (an over-estimate does no harm).
    locals: set[str] = field(default_factory=set)
    #: Names that may be read before they are set: they start as "unbound".
    uncertain: set[str] = field(default_factory=set)
    #: Names stored to as globals; the Python function declares them.
    globals: set[str] = field(default_factory=set)
    #: Fields and methods visible by name: inside a class.
    fields: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    #: Name and parameters of the function, for tail calls and ``self``.
    title: str = ""
    parameters: tuple[str, ...] = ()
    #: A self call in tail position may become a jump.
    loops: bool = False
    looped: bool = False
    lambdas: int = 0
    #: The names in the lambdas of the body; None: not known.
    in_lambdas: frozenset[str] | None = None
    #: Lists that a loop around this point builds -> where their new members are.
    fronts: dict[str, str] = field(default_factory=dict)
    #: Variables that always hold a value of one class, as ``inference`` names it.
    classes: dict[str, str] = field(default_factory=dict)
    #: In a version for parameters of certain classes: the class of the result,
    #: and what that rests on.
    result: str | None = None
    assumption: Assumption | None = None
    #: The class whose method this is, for ``from@`` and siblings.
    owner: ClassInfo | None = None

    def read(self, name: str) -> ast.Name:
        """A reading of a local variable that is surely set, with its class if that is known."""
        return emit.classed(emit.name(emit.identifier(name)), self.classes.get(name))

    def become_method(self, owner: ClassInfo) -> None:
        """Let the body see the fields and the methods of a class by name."""
        self.fields = frozenset(owner.all_fields) - self.locals
        self.methods = frozenset(owner.all_methods)
        self.owner = owner


@dataclass
class Lambda:
    """A function inside a frame: parameters, and what it sets of the outside."""

    parameters: set[str]
    title: str
    stored: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    #: ``(break)`` outside of its loops ends the walk of the built-in that it is given to.
    leaves: bool = False


class Fresh(str):
    """The Python name of a variable that nothing sets, and the class of its value."""

    number_class: str | None

    def __new__(cls, name: str, number_class: str | None) -> Fresh:
        fresh = super().__new__(cls, name)
        fresh.number_class = number_class
        return fresh


class Scope:
    """Names as the compiler sees them at one point of the text."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.lambdas: list[Lambda] = []
        #: Innermost last: ``let`` variables, by the fresh name they got.
        self.renamed: list[dict[str, str]] = []
        #: Names surely bound at this point.
        self.certain: set[str] = set(frame.parameters)
        #: The lambda that is written in place of the function of a walk, until it is compiled.
        self.walking: List | None = None

    def renaming(self, name: str) -> str | None:
        for table in reversed(self.renamed):
            if name in table:
                return table[name]
        return None

    def in_lambda(self, name: str) -> bool:
        """Is it a parameter of a lambda around this point?"""
        return any(name in fn.parameters for fn in self.lambdas)

    def is_local(self, name: str) -> bool:
        """Does the name belong to this frame, not to the globals?"""
        if self.renaming(name) is not None or self.in_lambda(name):
            return True
        return self.frame.kind != "top" and name in self.frame.locals

    def store(self, name: str) -> str:
        """Record that the code at this point sets a name; its Python identifier."""
        renamed = self.renaming(name)
        if renamed is not None:
            self._stored_by_lambda(renamed)
            return renamed
        if self.in_lambda(name):
            self._stored_by_lambda(name)
            return emit.identifier(name)
        if self.frame.kind == "top" or name not in self.frame.locals:
            target: Any = self.lambdas[-1] if self.lambdas else self.frame
            target.globals.add(emit.identifier(name))
        else:
            self._stored_by_lambda(name)
            if not self.lambdas:
                self.certain.add(name)
            elif name not in self.certain:
                # Set by a lambda only: the frame must own it all the same.
                self.frame.uncertain.add(name)
        return emit.identifier(name)

    def _stored_by_lambda(self, name: str) -> None:
        """Note the lambdas that must declare ``name`` as an outer variable."""
        for fn in reversed(self.lambdas):
            if name in fn.parameters:
                return
            fn.stored.add(name)


# ---------------------------------------------------------------- what a body sets


def _symbol_names(form: Any) -> list[str]:
    if form.__class__ is Symbol:
        return [form.name]
    if isinstance(form, List):
        return [m.name for m in form if m.__class__ is Symbol]
    return []


def _first(form: List) -> list[str]:
    return _symbol_names(form[1]) if len(form) > 1 else []


def _count_variable(form: List) -> list[str]:
    names = [m.name for m in form[2:4] if m.__class__ is Symbol and m.name != "?"]
    return names[:1]


def _pattern_names(form: Any) -> list[str]:
    """Every symbol of a pattern that is no constant: those that bind are among them."""
    found: list[str] = []
    pending = [form]
    while pending:
        item = pending.pop()
        if item.__class__ is Symbol:
            found.append(item.name.rstrip("*+%@"))
        elif isinstance(item, List) and item and item[0] is not QUOTE:
            pending.extend(item[1:] if _calls_built_in(item) else item)
    return found


def _calls_built_in(pattern: List) -> bool:
    """Is a list in a pattern a dictionary, or a test by a built-in function?"""
    if hasattr(pattern, "pairs"):
        return True
    head = pattern[0] if len(pattern) > 1 else None
    if head.__class__ is not Symbol or head.name in NOT_RESERVED:
        return False
    entry = registry.get(head.name)
    return entry is not None and entry.library == CORE


#: head of a form -> the names it binds in the current frame
_BINDERS = {
    **dict.fromkeys(
        ("setq", "setqv", "setconst", "label", "loop", "lloop", "mloop", "whilein", "for"),
        _first,
    ),
    "loopcount": _count_variable,
    "pattern@": lambda form: _pattern_names(form[1]) if len(form) > 1 else [],
}


def bound_names(body: Any, binders: dict[str, Any] = _BINDERS) -> set[str]:
    """The names that the forms of a body set, inner lambdas included."""
    found: set[str] = set()
    for name, form in named_forms(body):
        binder = binders.get(name)
        if binder is not None:
            found.update(binder(form))
    return found


def updated_names(body: Any) -> set[str]:
    """The names that ``setq=`` sets: locals unless they live elsewhere."""
    return bound_names(body, {"setq=": _first})


def mentions(body: Any, names: frozenset[str]) -> bool:
    """Does a body call one of the named forms (outside quotes)?"""
    return any(name in names for name, _ in named_forms(body))
