"""``(time form)``: how long a form takes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from lispe_py.compiler.forms import special
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

if TYPE_CHECKING:
    from lispe_py.compiler.compiler import Compiler


@special("time", arity=(1, 1), usage="form")
def time(c: Compiler, form: List) -> ast.expr:
    """Evaluate a form and tell on the standard error how long it took; its value.

    (time (+ 1 2))
    ; 3
    """
    return c.expr(List((Symbol("time_since"), List((Symbol("chrono"),)), form[1])))
