"""Functions as values: which form a Python function was compiled from."""

from __future__ import annotations

from typing import Any

from lispe_py.values.lists import List

#: Key in the globals of compiled code: the forms of its lambdas, by code name.
FORMS = ".forms"


def form_of(function: Any) -> List | None:
    """The ``(defun f ...)`` or ``(λ ...)`` form of a compiled function, or None.

    ``type``, printing, ``bodies``, ``car`` and ``size`` of a function use it.
    """
    form = getattr(function, "__lisp_form__", None)
    if form is None:
        code = getattr(function, "__code__", None)
        if code is not None:
            form = function.__globals__.get(FORMS, {}).get(code.co_name)
    return form
