"""New spellings of atoms: ``(link "True" true)``."""

from __future__ import annotations

from typing import Any

from lispe_py.errors import LispError
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

_LINK = Symbol("link")
_QUOTE = Symbol("quote")


class Links:
    """The spellings that a program has given; each interpreter has its own.

    A ``link`` whose arguments are literal holds from where it is read, as the
    forms behind it may need it to be compiled.
    """

    def __init__(self) -> None:
        #: What the texts stand for.
        self.atoms: dict[Symbol, Any] = {}

    def add(self, text: Any, atom: Any) -> None:
        """Let a text mean an atom.

        Raises:
            LispError: unless they are a text or symbol and an atom.
        """
        if not _is_name(text):
            raise LispError("the first argument must be a string or an atom")
        if not _is_atom(atom):
            raise LispError("the second argument must be an atom")
        self.atoms[text if isinstance(text, Symbol) else Symbol(text)] = atom

    def replace(self, others: Links) -> None:
        """Have the spellings of others."""
        self.atoms = dict(others.atoms)

    def read(self, form: Any) -> Any:
        """A form with its spellings replaced; note the literal links in it."""
        return self._read(form) if self.atoms or _has_link(form) else form

    def spelled(self, data: Any) -> Any:
        """An atom, or data read from a text, with its spellings replaced."""
        return self._read(data) if self.atoms else data

    def _read(self, form: Any) -> Any:
        if not isinstance(form, List):
            return self.atoms.get(form, form) if form.__class__ is Symbol else form
        if form and form[0] is _LINK:
            self._note(form)
            return form
        changed = [self._read(member) for member in form]
        if all(new is old for new, old in zip(changed, form, strict=True)):
            return form
        copy = type(form)(changed)
        if hasattr(form, "where"):
            copy.where = form.where
        return copy

    def _note(self, form: List) -> None:
        if len(form) == 3 and not any(isinstance(argument, Symbol) for argument in form[1:]):
            text, atom = (
                argument[1]
                if isinstance(argument, List) and len(argument) == 2 and argument[0] is _QUOTE
                else argument
                for argument in form[1:]
            )
            if _is_name(text) and _is_atom(atom):
                self.add(text, atom)


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, Symbol))


def _is_atom(value: Any) -> bool:
    return value is None or value is True or isinstance(value, Symbol)


def _has_link(form: Any) -> bool:
    pending = [form]
    while pending:
        item = pending.pop()
        if isinstance(item, List) and item:
            if item[0] is _LINK:
                return True
            pending.extend(item)
    return False
