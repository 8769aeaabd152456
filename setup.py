"""What ``pyproject.toml`` cannot say: which packages there are, and where the grammar goes.

``primitives`` is installed as ``lispe_py.primitives``, and ``grammar.lark``, which
lies at the top of the checkout, inside ``lispe_py``. An editable install needs no
copy of it: there the grammar is found beside the package.
"""

from __future__ import annotations

import os

from setuptools import find_packages, setup
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


TORCH = "lispe_py.primitives"

setup(
    cmdclass={"build_py": Build},
    packages=[
        *find_packages(include=["lispe_py", "lispe_py.*"]),
        TORCH,
        *(f"{TORCH}.{name}" for name in find_packages("primitives")),
    ],
)
