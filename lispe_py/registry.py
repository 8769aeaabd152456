"""The registry: the ground floor on which built-ins and torch primitives stand.

One decorator on one function gives a name everything it needs::

    @primitive("torch_add", "tensor_add", library="lispe_torch")
    def torch_add(a: Tensor, b: Tensor) -> Tensor:
        '''The sum of two tensors, broadcast.

        (torch_add (torch_tensor '(1 2)) (torch_tensor '(3 4)))
        ; (4 6)
        '''

From it come the argument check of the compiler, ``(help 'torch_add)``,
completion, the reference page and the test that every entry has a summary and
an example that runs. The example is the last paragraph of the docstring that
begins with ``(``; ``; text`` lines after it are the expected result.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


_TAKES_REST = inspect.CO_VARARGS


class Parameter(NamedTuple):
    """One argument of a primitive, as its help shows it."""

    name: str
    required: bool
    rest: bool
    default: Any = None


class Entry:
    """What is known of one primitive."""

    __slots__ = (
        "name", "aliases", "function", "library", "needs", "pure", "truth",
        "interpreter", "special", "usage", "rebinds", "parameters", "least", "most",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        aliases: tuple[str, ...],
        function: Callable[..., Any],
        library: str,
        needs: tuple[str, ...],
        pure: bool,
        truth: bool,
        interpreter: bool,
        special: bool,
        rebinds: bool | int,
        arity: tuple[int, int | None] | None,
        usage: str = "",
    ) -> None:
        self.name = name
        self.aliases = aliases
        self.function = function
        self.library = library
        self.needs = needs
        self.pure = pure
        self.truth = truth
        self.interpreter = interpreter
        self.special = special
        self.usage = usage
        self.rebinds = rebinds
        self.parameters = () if special else _parameters(function, interpreter)
        if arity is None:
            least = sum(1 for p in self.parameters if p.required)
            most = None if any(p.rest for p in self.parameters) else len(self.parameters)
        else:
            least, most = arity
        self.least = least
        self.most = most

    def accepts(self, count: int) -> bool:
        """May it be called with ``count`` arguments?"""
        return count >= self.least and (self.most is None or count <= self.most)

    def stores_back(self, count: int) -> bool:
        """Does a call of ``count`` arguments give its first one a new value?"""
        return bool(self.rebinds) and (self.rebinds is True or count <= self.rebinds)

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @property
    def documentation(self) -> str:
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def signature(self) -> str:
        """The call as a user would write it: ``(at container key ...)``."""
        words = [self.name, *([self.usage] if self.usage else [])]
        for p in self.parameters:
            words.append(f"{p.name}..." if p.rest else p.name if p.required else f"[{p.name}]")
        return f"({' '.join(words)})"

    @property
    def example(self) -> str:
        """The example of the docstring, comments included; empty if it has none."""
        parts = self.documentation.split("\n\n")
        return next((part for part in reversed(parts[1:]) if part.startswith("(")), "")


def _parameters(function: Callable[..., Any], interpreter: bool) -> tuple[Parameter, ...]:
    # Read from the code object: inspect.signature costs ten times as much, and
    # every start of the interpreter pays for some hundreds of primitives.
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__"):
        found = _from_signature(function)
    else:
        names = code.co_varnames
        count = code.co_argcount
        defaults = function.__defaults__ or ()  # type: ignore[attr-defined]
        required = count - len(defaults)
        found = [
            Parameter(name, i < required, False, None if i < required else defaults[i - required])
            for i, name in enumerate(names[:count])
        ]
        if code.co_flags & _TAKES_REST:
            found.append(Parameter(names[count + code.co_kwonlyargcount], False, True))
    return tuple(found[1:] if interpreter else found)


def _from_signature(function: Callable[..., Any]) -> list[Parameter]:
    kinds = inspect.Parameter
    return [
        Parameter(
            p.name,
            p.default is kinds.empty and p.kind is not kinds.VAR_POSITIONAL,
            p.kind is kinds.VAR_POSITIONAL,
            None if p.default is kinds.empty else p.default,
        )
        for p in inspect.signature(function).parameters.values()
        if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD, kinds.VAR_POSITIONAL)
    ]


class Registry:
    """All primitives, by every name they have.

    A module of primitives may be announced by its names alone: it is imported
    when one of them is asked for.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, Entry] = {}
        self._announced: dict[str, str] = {}

    def announce(self, names: Iterable[str], module: str) -> None:
        """Names that a module will register as soon as it is imported."""
        for name in names:
            self._announced[name] = module

    def add(self, entry: Entry) -> None:
        for name in (entry.name, *entry.aliases):
            other = self._by_name.get(name)
            if other is not None and other.function.__qualname__ != entry.function.__qualname__:
                raise ValueError(f"primitive {name!r} is defined twice")
            self._by_name[name] = entry

    def get(self, name: str) -> Entry | None:
        entry = self._by_name.get(name)
        if entry is None and name in self._announced:
            importlib.import_module(self._announced[name])
            entry = self._by_name.get(name)
        return entry

    def __contains__(self, name: str) -> bool:
        return name in self._by_name or name in self._announced

    def names(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._by_name, *self._announced)))

    def known(self) -> list[Entry]:
        """Each entry once, without those of modules that are only announced."""
        return list(dict.fromkeys(self._by_name.values()))

    def entries(self) -> list[Entry]:
        """Each entry once, those of announced modules too, in order of definition."""
        for module in dict.fromkeys(self._announced.values()):
            importlib.import_module(module)
        return self.known()


#: The one registry of the process. What an interpreter may use of it is its own affair.
registry = Registry()

#: The library of the language itself, always there.
CORE = "lispe"


def primitive(
    name: str,
    *aliases: str,
    library: str = CORE,
    needs: tuple[str, ...] = (),
    pure: bool = False,
    truth: bool = False,
    interpreter: bool = False,
    special: bool = False,
    rebinds: bool | int = False,
    arity: tuple[int, int | None] | None = None,
    usage: str = "",
) -> Callable[[F], F]:
    """Register a function as a primitive of the language.

    Args:
        name: canonical name, the one that errors and printed code show.
        aliases: further spellings.
        library: the library that brings it in; the language itself by default.
        needs: capabilities it uses, among ``fs net process python``.
        pure: same arguments, same result, no effect.
        truth: it answers true or nil; return a plain ``bool``-like True / None.
        interpreter: its first parameter is the running interpreter, which the
            caller does not write.
        special: it is a form of the compiler, whose arguments are not evaluated.
        rebinds: it gives the new value of its first argument; where that is a
            variable, the compiler stores it back (strings and numbers are
            values, so ``(push s "x")`` can only work so). A number: only in
            calls of at most so many arguments.
        arity: (least, most) number of arguments where the signature does not
            tell; ``most`` None for any number.
        usage: the arguments as they are shown, where the signature does not tell.

    The function's positional parameters are the arguments of the call; keyword
    defaults make them optional and ``*rest`` takes any number.
    """

    def register(function: F) -> F:
        registry.add(
            Entry(
                name, aliases, function, library, needs, pure, truth, interpreter, special,
                rebinds, arity, usage,
            )
        )  # fmt: skip
        return function

    return register
