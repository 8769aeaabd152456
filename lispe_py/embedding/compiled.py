"""Texts that are compiled once and run many times."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

from lispe_py.compiler.compiler import Compiler
from lispe_py.compiler.forms import TAIL, World
from lispe_py.compiler.scope import Frame, Scope
from lispe_py.compiler.symbols import is_operator
from lispe_py.compiler.unit import global_names, take_definitions
from lispe_py.errors import LispError
from lispe_py.reader import read
from lispe_py.runtime.interop import from_python
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE


class Compiled:
    """A text as a function; see :meth:`LispE.compile`.

    Attributes:
        text: what it was compiled from.
        parameters: names of its arguments.
        function: the compiled function itself, without any conversion.
    """

    def __init__(
        self, lisp: LispE, text: str, parameters: tuple[str, ...], function: FunctionType
    ) -> None:
        self._lisp = lisp
        self.text = text
        self.parameters = parameters
        self.function = function

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind) for name in self.parameters])

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._lisp.apply(self.function, self._values(args, named))

    def _values(self, args: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        parameters = self.parameters
        if len(args) > len(parameters) or not named.keys() <= set(parameters[len(args) :]):
            raise TypeError(f"the parameters of this text are: {', '.join(parameters) or 'none'}")
        values = [from_python(a) for a in args]
        for name in parameters[len(args) :]:
            if name in named:
                values.append(from_python(named[name]))
            elif name in self._lisp.globals:
                # Defined since the text was compiled.
                values.append(self._lisp.globals[name])
            else:
                raise LispError(f"Unbound atom: '{name}'", hint=f"give it a value: f({name}=...)")
        return values

    def __repr__(self) -> str:
        return f"Compiled({self.text!r})"


def compile_text(
    lisp: LispE, text: str, parameters: Sequence[str] | None, file: str
) -> tuple[tuple[str, ...], FunctionType]:
    """Install the definitions of a text; names of its parameters, and its function."""
    forms = lisp.read_expanded(read(text, file))
    rest, definitions = take_definitions(forms)
    if definitions:
        lisp.run_forms(list(definitions), file)
    if parameters is None:
        parameters = _free_names(lisp, rest, file)
    names = List([Symbol(name) for name in parameters])
    whole = List([Symbol("λ"), names, *(rest or [None])])
    if rest:
        # The head and the parameters are not in the text.
        start = rest.where[:4]
        whole.where = rest.where._replace(members=(start, start, *rest.where.members))
    function: FunctionType = lisp.run_forms([whole], file)
    return tuple(parameters), function


class _Reader(Compiler):
    """Compiles a text only to see which of its names mean nothing yet."""

    def __init__(self, world: World, file: str) -> None:
        super().__init__(world, file)
        self.free: dict[str, None] = {}

    def _global(self, name: str) -> Any:
        known = (
            self.known_variable(name)
            or name in self.world.classes
            or self.function_key(name) is not None
            or is_operator(name)
            or self.world.entry(name) is not None
        )
        if not known:
            self.free[name] = None
        return super()._global(name)


def _free_names(lisp: LispE, forms: list[Any], file: str) -> tuple[str, ...]:
    top = List(forms)
    c = _Reader(lisp, file)
    c.variables = global_names(top, [], False)
    c.scope = Scope(Frame("top"))
    c.body(forms, TAIL)
    return tuple(c.free)
