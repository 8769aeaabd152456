"""How values of other libraries take part in the language.

The core knows its own kinds. Anything else (a tensor, a module, a Python
object) is served by the :class:`Adapter` registered for its class; the
ordinary functions (``type at size loop car + = print`` ...) ask it when a
value is none of theirs. The torch library registers its adapters when it is
loaded, so the core never imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lispe_py.errors import LispError


class Adapter:
    """What the language asks of a foreign value. The defaults refuse.

    A subclass overrides what its values can do. ``name`` is the atom that
    ``(type x)`` answers.
    """

    name = "python_"

    def type_name(self, value: Any) -> str:
        """The atom that ``(type value)`` gives."""
        return self.name

    def show(self, value: Any) -> str:
        """The printed form."""
        return str(value)

    def truth(self, value: Any) -> bool:
        """Is it true in a test? Foreign values are, unless they say otherwise."""
        return True

    def is_list(self, value: Any) -> bool:
        """Does ``consp`` hold?"""
        return False

    def is_number(self, value: Any) -> bool:
        """Does it act as a scalar number (a 0-d tensor does)?"""
        return False

    def number(self, value: Any) -> int | float:
        """The plain number of a value that acts as one."""
        raise LispError(f"not a number: {self.show(value)}")

    def as_number(self, value: Any) -> int | float:
        """What ``(integer value)`` and ``(number value)`` convert; 0 for what is no number."""
        return self.number(value) if self.is_number(value) else 0

    def size(self, value: Any) -> int:
        return 0

    def at(self, value: Any, keys: tuple[Any, ...]) -> Any:
        raise LispError("value cannot be access through index")

    def set_at(self, value: Any, keys: tuple[Any, ...], item: Any) -> Any:
        raise LispError("value cannot be access through index")

    def extract(self, value: Any, begin: Any, end: Any) -> Any:
        raise LispError("cannot use the first position in 'extract'")

    def iterate(self, value: Any) -> Iterator[Any] | None:
        """Members for ``loop`` and the list functions; None: not a container."""
        return None

    def car(self, value: Any) -> Any:
        raise LispError(f"You cannot apply 'car' to: '{self.show(value)}'")

    def cdr(self, value: Any) -> Any:
        raise LispError(f"You cannot apply 'cdr' to: '{self.show(value)}'")

    def to_typed(self, value: Any) -> Any:
        """A flat typed list of the members (``flatten``, ``numbers`` ...)."""
        raise LispError(f"cannot make a list of: '{self.show(value)}'")

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        """``left operator right`` where at least one side is ours.

        ``operator`` is the language's spelling: ``+ - * / % ^^ & | ^ << >>``.
        """
        raise LispError(f"cannot evaluate '{operator}' with these operands")

    def equal(self, left: Any, right: Any) -> bool:
        return bool(left is right)

    def compare(self, left: Any, right: Any) -> int | None:
        """-1, 0 or 1; None when the two have no order."""
        return None

    def call(self, value: Any) -> Callable[..., Any] | None:
        """A Python callable when the value can stand at the head of a form."""
        return value if callable(value) else None


_adapters: dict[type, Adapter] = {}
_resolved: dict[type, Adapter] = {}
_python = Adapter()
#: What is still to be loaded, by the package whose values it serves.
_waiting: dict[str, Callable[[], object]] = {}


def register_adapter(cls: type, adapter: Adapter) -> None:
    """Serve instances of ``cls`` and of its subclasses by ``adapter``."""
    _adapters[cls] = adapter
    _waiting.pop(cls.__module__.partition(".")[0], None)
    _resolved.clear()


def adapters_of(home: str, load: Callable[[], object]) -> None:
    """Say what registers the adapters of the classes of a package, or of one module.

    It is called once a value of such a class is met.
    """
    _waiting[home] = load


def adapter_for(cls: type) -> Adapter:
    """The adapter of a class: its own, an ancestor's, or the plain Python one."""
    found = _resolved.get(cls)
    if found is None:
        for base in cls.__mro__ if _waiting else ():
            # A class may have no module, or anything in its place.
            module = str(getattr(base, "__module__", ""))
            for home in (module, module.partition(".")[0]):
                load = _waiting.pop(home, None)
                if load is not None:
                    load()
        found = next((_adapters[base] for base in cls.__mro__ if base in _adapters), _python)
        _resolved[cls] = found
    return found
