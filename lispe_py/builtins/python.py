"""Python from a program: running code, calling functions, using objects."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from lispe_py.builtins.strings import text_of
from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.registry import primitive
from lispe_py.runtime import python_objects
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import to_number
from lispe_py.runtime.files import path_of, read_text
from lispe_py.runtime.interop import from_python
from lispe_py.runtime.python_objects import CALL, CLOSED, RUN, UNKNOWN, Python
from lispe_py.runtime.sequence import iterate
from lispe_py.values.dictionaries import Dictionary
from lispe_py.values.lists import List
from lispe_py.values.types import is_dictionary, is_list


def _python(lisp: Context, value: Any) -> Python:
    lisp.require("python")
    if not isinstance(value, Python):
        raise LispError(f"a Python object is expected, not: '{display(value)}'")
    if value.closed:
        raise LispError(f"{CLOSED}: this Python object is closed")
    return value


def _variable(variables: dict[str, Any], name: str) -> Any:
    if name not in variables:
        raise LispError(f"{UNKNOWN}: there is no Python variable '{name}'")
    return from_python(variables[name])


def _run(
    variables: dict[str, Any], source: str, file: str, wanted: str, timeout: float = -1
) -> Any:
    code = python_objects.compiled(source, file)
    python_objects.limited(timeout, lambda: exec(code, variables))
    return _variable(variables, wanted) if wanted else True


@primitive("python", interpreter=True, needs=("python",))
def python(lisp: Context) -> Python:
    """A Python interpreter: an object with variables of its own.

    (setq py (python)) (python_run py "n = 6 * 7" "n")
    ; 42
    """
    lisp.require("python")
    return Python()


@primitive("python_run", interpreter=True, needs=("python",))
def python_run(lisp: Context, py: Any, code: Any, variable: Any = "", timeout: Any = -1) -> Any:
    """Run Python statements; true, or the value of a variable if one is named.

    A time out, in seconds, ends code that runs longer with an error.

    (python_run (python) "squares = [i * i for i in range(4)]" "squares")
    ; (0 1 4 9)
    """
    variables = _python(lisp, py).variables
    return _run(variables, text_of(code), "<python>", text_of(variable), to_number(timeout))


@primitive("python_simple", interpreter=True, needs=("python",))
def python_simple(lisp: Context, py: Any, code: Any) -> bool:
    """Run Python statements, without a result.

    (setq py (python)) (python_simple py "n = 2") (python_run py "n += 1" "n")
    ; 3
    """
    _run(_python(lisp, py).variables, text_of(code), "<python>", "")
    return True


@primitive("python_runfile", interpreter=True, needs=("python", "fs"))
def python_runfile(lisp: Context, py: Any, path: Any, variable: Any = "") -> Any:
    """Run a Python script; true, or the value of a variable if one is named.

    (fwrite "two.py" "n = 1 + 1") (python_runfile (python) "two.py" "n")
    ; 2
    """
    lisp.require("fs")
    name = path_of(path)
    if not os.path.exists(name):
        raise LispError(f"No such file: {name}")
    return _run(_python(lisp, py).variables, read_text(name), name, text_of(variable))


@primitive("python_runmodule", interpreter=True, needs=("python",))
def python_runmodule(lisp: Context, py: Any, name: Any, code: Any, variable: Any = "") -> Any:
    """Run Python statements with variables of their own, kept under a name.

    (setq py (python)) (python_runmodule py "m" "a = 3") (python_getmodule py "m" "a")
    ; 3
    """
    holder, module = _python(lisp, py), text_of(name)
    variables = holder.modules.get(module, {"__name__": module})
    value = _run(variables, text_of(code), f"<{module}>", text_of(variable))
    holder.modules[module] = variables
    return value


@primitive("python_getmodule", interpreter=True, needs=("python",))
def python_getmodule(lisp: Context, py: Any, name: Any, variable: Any = "") -> Any:
    """A variable of a module made by ``python_runmodule``; all of them in a dictionary.

    (setq py (python)) (python_runmodule py "m" "a = 3") (python_getmodule py "m")
    ; {"a":3}
    """
    holder, module, wanted = _python(lisp, py), text_of(name), text_of(variable)
    if module not in holder.modules:
        raise LispError(f"{UNKNOWN}: there is no Python module '{module}'")
    variables = holder.modules[module]
    if wanted:
        return _variable(variables, wanted)
    return Dictionary(
        {key: from_python(value) for key, value in variables.items() if not key.startswith("__")}
    )


@primitive("python_setpath", interpreter=True, needs=("python",))
def python_setpath(lisp: Context, py: Any, path: Any) -> bool:
    """Add a folder to those in which Python looks for modules.

    (python_setpath (python) ".")
    ; true
    """
    _python(lisp, py)
    folder = path_of(path)
    if folder not in sys.path:
        sys.path.append(folder)
    return True


@primitive("python_import", interpreter=True, needs=("python",))
def python_import(lisp: Context, py: Any, module: Any) -> Any:
    """Import a Python module; its functions can then be called by ``python_execute``.

    The value is the module, for ``py_get`` and ``py_call``.

    (setq math (python_import (python) "math")) (py_call math "hypot" 3 4)
    ; 5
    """
    holder, name = _python(lisp, py), text_of(module)
    found = _imported(name)
    if found not in holder.imported:
        holder.imported.append(found)
    return found


@primitive("python_execute", interpreter=True, needs=("python",))
def python_execute(lisp: Context, py: Any, function: Any, arguments: Any = None) -> Any:
    """Call a Python function by its name with a list of arguments.

    It is one that was defined in this Python object, or one of a module that was
    imported; a name may have dots.

    (setq py (python)) (python_import py "math") (python_execute py "gcd" '(12 18))
    ; 6
    """
    holder = _python(lisp, py)
    found = holder.find(text_of(function)) if not callable(function) else function
    return python_objects.call(found, _arguments(arguments))


def _arguments(value: Any) -> list[Any]:
    if value is None:
        return []
    if not is_list(value):
        raise LispError("a list of arguments is expected")
    return list(iterate(value))


@primitive("python_close", interpreter=True, needs=("python",))
def python_close(lisp: Context, py: Any) -> bool | None:
    """Forget the variables and modules of a Python object; nil if it was closed before.

    (setq py (python)) (list (python_close py) (python_close py))
    ; (true nil)
    """
    lisp.require("python")
    if not isinstance(py, Python):
        raise LispError(f"a Python object is expected, not: '{display(py)}'")
    if py.closed:
        return None
    py.variables.clear()
    py.modules.clear()
    py.imported.clear()
    py.closed = True
    return True


# ---------------------------------------------------------------- objects


@primitive("py_import", interpreter=True, needs=("python",))
def py_import(lisp: Context, module: Any) -> Any:
    """A Python module, for ``py_get`` and ``py_call``.

    (py_call (py_import "math") "hypot" 3 4)
    ; 5
    """
    lisp.require("python")
    return _imported(text_of(module))


def _imported(name: str) -> Any:
    return python_objects.guarded(RUN, lambda: importlib.import_module(name))


@primitive("py_get", interpreter=True, needs=("python",))
def py_get(lisp: Context, value: Any, name: Any) -> Any:
    """An attribute of a Python object or module; a name may have dots.

    Of a Python interpreter: one of its variables.

    (py_get (py_import "string") "digits")
    ; 0123456789
    """
    lisp.require("python")
    wanted = text_of(name)
    if isinstance(value, Python):
        return _variable(_python(lisp, value).variables, wanted)
    return from_python(python_objects.attribute(value, wanted.split(".")))


@primitive("py_set", interpreter=True, needs=("python",))
def py_set(lisp: Context, value: Any, name: Any, item: Any) -> bool:
    """Give an attribute to a Python object, or a variable to a Python interpreter.

    A function of the program can then be called there.

    (setq py (python)) (py_set py "double" (lambda (x) (* 2 x)))
    (python_run py "n = double(21)" "n")
    ; 42
    """
    lisp.require("python")
    wanted, content = text_of(name), python_objects.argument(item)
    if isinstance(value, Python):
        _python(lisp, value).variables[wanted] = content
    else:
        python_objects.guarded(CALL, lambda: setattr(value, wanted, content))
    return True


@primitive("py_call", interpreter=True, needs=("python",))
def py_call(lisp: Context, value: Any, name: Any, *arguments: Any) -> Any:
    """Call a function of a module or a method of a Python object, by its name.

    Functions of the program among the arguments can be called back.

    (py_call "a-b" "partition" "-")
    ; ("a" "-" "b")
    """
    lisp.require("python")
    return python_objects.call(_function(lisp, value, name), list(arguments))


def _function(lisp: Context, value: Any, name: Any) -> Any:
    wanted = text_of(name)
    if isinstance(value, Python):
        return _python(lisp, value).find(wanted)
    return python_objects.attribute(value, wanted.split("."))


@primitive("py_apply", interpreter=True, needs=("python",))
def py_apply(lisp: Context, value: Any, name: Any, arguments: Any, keywords: Any = None) -> Any:
    """Call a function or method by its name, with a list of arguments and named ones.

    The named ones are given as a dictionary.

    (py_apply (py_import "builtins") "sorted" '((3 1 2)) {"reverse":true})
    ; (3 2 1)
    """
    lisp.require("python")
    if keywords is not None and not is_dictionary(keywords):
        raise LispError("the named arguments are given as a dictionary")
    return python_objects.call(_function(lisp, value, name), _arguments(arguments), keywords)


@primitive("py_list", interpreter=True, needs=("python",))
def py_list(lisp: Context, value: Any) -> List:
    """The members of any Python iterable as a list.

    (py_list (py_call (py_import "builtins") "map" (lambda (x) (* x x)) '(1 2 3)))
    ; (1 4 9)
    """
    lisp.require("python")
    return List(python_objects.members(value))


@primitive("py_function", interpreter=True, needs=("python",))
def py_function(lisp: Context, function: Any) -> Any:
    """A function of the program, given by itself or by its name, for Python to call.

    A lambda or a function itself needs none of this where it is an argument of a call.

    (defun square (x) (* x x))
    (py_list (py_call (py_import "builtins") "map" (py_function 'square) '(1 2 3)))
    ; (1 4 9)
    """
    lisp.require("python")
    return python_objects.callback(lisp.callable(function))


@primitive("py_eval", interpreter=True, needs=("python",))
def py_eval(lisp: Context, expression: Any, variables: Any = None) -> Any:
    """The value of a Python expression, with the variables of a dictionary.

    (py_eval "[n * n for n in range(k)]" {"k":4})
    ; (0 1 4 9)
    """
    lisp.require("python")
    if variables is not None and not is_dictionary(variables):
        raise LispError("the variables are given as a dictionary")
    source = text_of(expression)
    known = {str(key): python_objects.argument(item) for key, item in (variables or {}).items()}
    try:
        code = compile(source.strip(), "<python>", "eval")
    except (SyntaxError, ValueError) as error:
        raise LispError(f"{python_objects.COMPILE}: {error}") from None
    return from_python(python_objects.guarded(RUN, lambda: eval(code, known)))
