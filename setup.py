"""Puts ``grammar.lark``, which lies at the top of the checkout, inside the package.

Everything else about the distribution stands in ``pyproject.toml``. An editable
install needs no copy: there the grammar is found beside the package.
"""

from __future__ import annotations

import os

from setuptools import setup
from setuptools.command.build_py import build_py


class Build(build_py):
    """The usual build, and the grammar."""

    def _grammar(self) -> str:
        return os.path.join(self.build_lib, "lispe_py", "grammar.lark")

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self.copy_file("grammar.lark", self._grammar())

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        grammar = [] if self.editable_mode else [self._grammar()]
        return [*super().get_outputs(include_bytecode), *grammar]


setup(cmdclass={"build_py": Build})
