"""LispE for deep learning: the language and its PyTorch library, in Python.

>>> from lispe_py import LispE
>>> LispE().eval("(+ 1 2)")
3
"""

import os
from typing import TYPE_CHECKING, Any

from lispe_py.errors import (
    LimitError,
    LispError,
    LispExit,
    LispInterrupt,
    LispSyntaxError,
    StoppedError,
)
from lispe_py.version import __version__

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

# In a checkout that is not installed, ``primitives`` lies beside this folder.
_checkout = os.path.dirname(__path__[0])
if os.path.isfile(os.path.join(_checkout, "grammar.lark")):
    __path__.append(_checkout)

__all__ = [
    "LimitError",
    "LispE",
    "LispError",
    "LispExit",
    "LispInterrupt",
    "LispSyntaxError",
    "StoppedError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    # The parts of the interpreter import this package: it loads when it is asked for.
    if name == "LispE":
        from lispe_py.interpreter import LispE

        return LispE
    raise AttributeError(name)
