"""What a special form is to the compiler: destinations and the tables of forms."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from lispe_py.registry import Entry, primitive
from lispe_py.values.lists import List
from lispe_py.values.text import LongString

if TYPE_CHECKING:
    from lispe_py.compiler.compiler import Compiler


class Dest:
    """Where the value of a form goes."""

    __slots__ = ("target",)

    def __init__(self, target: str | None = None) -> None:
        self.target = target


EFFECT = Dest()
TAIL = Dest()

#: Forms nested deeper than this are refused: Python's own compiler recurses.
MAX_DEPTH = 2_000
#: Every so many levels an expression is cut by a temporary, for the same reason.
SPILL_DEPTH = 40


class World(Protocol):
    """What the compiler asks of the interpreter it compiles for."""

    classes: dict[str, Any]
    data: dict[str, int]
    groups: dict[str, tuple[str, ...]]
    constants: frozenset[str]
    #: Functions may be defined again.
    interactive: bool

    @property
    def scope(self) -> dict[str, Any]:
        """The globals of compiled code."""

    def entry(self, name: str) -> Entry | None:
        """The primitive of that name; loads the library that has it."""

    def bind(self, entry: Entry) -> str:
        """Make a primitive reachable from compiled code; its identifier."""

    def number(self) -> int:
        """A number that no other lambda of this interpreter has."""

    def may_redefine(self, name: str) -> bool:
        """At a prompt a function may be defined again."""


Handler = Callable[["Compiler", List, Dest], None]
Expression = Callable[["Compiler", List], ast.expr]

#: Special forms that emit statements, and those that are expressions.
STATEMENTS: dict[str, Handler] = {}
EXPRESSIONS: dict[str, Expression] = {}
#: Forms that give a Python truth value when they stand in a test.
TESTS: dict[str, Expression] = {}


def as_held(form: Any) -> Any:
    """A form as a variable takes its value: of a text in backquotes an ordinary one."""
    return str(form) if form.__class__ is LongString else form


def special(
    name: str,
    *aliases: str,
    arity: tuple[int, int | None],
    usage: str = "",
    statement: bool = False,
) -> Callable[[Any], Any]:
    """Register a function of the compiler as a special form.

    ``usage``: its arguments as ``help`` and completion show them, ``condition then [else]``.
    """

    def register(handler: Any) -> Any:
        table: dict[str, Any] = STATEMENTS if statement else EXPRESSIONS
        for spelling in (name, *aliases):
            table[spelling] = handler
        primitive(name, *aliases, special=True, arity=arity, usage=usage)(handler)
        return handler

    return register


def inline(*names: str) -> Callable[[Any], Any]:
    """Compile calls of a built-in in line; the built-in itself stays a function."""

    def register(handler: Any) -> Any:
        for name in names:
            EXPRESSIONS[name] = handler
        return handler

    return register


def test_form(*names: str) -> Callable[[Any], Any]:
    def register(handler: Any) -> Any:
        for name in names:
            TESTS[name] = handler
        return handler

    return register
