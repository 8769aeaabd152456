"""Instances of ``class@`` classes."""

from __future__ import annotations

from typing import Any

from lispe_py.values.lists import List


class ClassInfo:
    """What is known of a class: its own parts and those it inherits."""

    def __init__(
        self,
        name: str,
        fields: dict[str, Any],
        required: list[str],
        methods: set[str],
        base: ClassInfo | None,
        form: List,
    ) -> None:
        self.name = name
        #: own fields, with the form of the default where there is one
        self.fields = fields
        self.required = required
        self.methods = methods
        self.base = base
        self.form = form
        #: the Python class, once the definition has run
        self.constructor: Any = None
        #: names that methods add with ``setqi``
        self.added: set[str] = set()

    @property
    def declared_fields(self) -> list[str]:
        """The fields in the order of the arguments: its own, then those it inherits."""
        inherited = self.base.declared_fields if self.base else []
        return [*self.fields, *(f for f in inherited if f not in self.fields)]

    @property
    def all_fields(self) -> list[str]:
        inherited = self.base.all_fields if self.base else []
        named = [*self.fields, *(f for f in inherited if f not in self.fields)]
        return [*named, *sorted(self.added.difference(named))]

    @property
    def all_methods(self) -> set[str]:
        return self.methods | (self.base.all_methods if self.base else set())


class Instance:
    """An object of a class of the program; its fields are its attributes."""

    lisp_class: ClassInfo

    def __copy__(self) -> Instance:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        from pickle import PicklingError

        name = self.lisp_class.name
        raise PicklingError(
            f"the class '{name}' belongs to an interpreter: use its 'dumps' and 'loads'"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Instance:
        import copy

        twin = object.__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update({k: copy.deepcopy(v, memo) for k, v in self.__dict__.items()})
        return twin
