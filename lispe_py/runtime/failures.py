"""From any exception to a LispE error with its place.

Compiled code carries the positions of its source, so the traceback tells where
an error arose: nothing is paid while a program runs well.
"""

from __future__ import annotations

import re
from types import CodeType, TracebackType
from typing import Any

from lispe_py.errors import STACK_OVERFLOW, LispError
from lispe_py.runtime.frames import MADE, MARK

_ARITY = re.compile(r"\(\) (missing|takes|got)|positional argument|unexpected keyword")


def place_of(code: CodeType, instruction: int) -> tuple[int, int] | None:
    for index, (line, _, column, _) in enumerate(code.co_positions()):
        if index == instruction // 2:
            if line is None:
                return None
            return line, (column or 0) + 1
    return None


def _frames(traceback: TracebackType | None) -> tuple[TracebackType | None, TracebackType | None]:
    """The innermost LispE frame of a traceback, and the last frame of all."""
    ours = last = None
    while traceback is not None:
        last = traceback
        if MARK in traceback.tb_frame.f_globals:
            ours = traceback
        traceback = traceback.tb_next
    return ours, last


def _site(traceback: TracebackType | None, at_call: bool) -> TracebackType | None:
    """The frame whose place is shown: the innermost one that was read from a text."""
    ours: list[TracebackType] = []
    while traceback is not None:
        if MARK in traceback.tb_frame.f_globals:
            ours.append(traceback)
        traceback = traceback.tb_next
    if at_call and len(ours) > 1:
        ours.pop()
    read = [t for t in ours if t.tb_frame.f_code.co_filename != MADE]
    found = read or ours
    return found[-1] if found else None


def _operands(traceback: TracebackType | None) -> str:
    """The shapes of the tensors that the outermost primitive frame was given."""
    shapes: list[str] = []
    entered = False
    while traceback is not None and not shapes:
        frame = traceback.tb_frame
        if MARK in frame.f_globals:
            entered = True
        elif entered:
            code = frame.f_code
            for name in code.co_varnames[: code.co_argcount]:
                shape = getattr(frame.f_locals.get(name), "shape", None)
                if shape is not None and not callable(shape):
                    shapes.append(f"{name} ({' '.join(str(n) for n in shape)})")
        traceback = traceback.tb_next
    return ", ".join(shapes)


def _module_given_no_tensor(traceback: TracebackType | None) -> bool:
    """Did a LispE frame itself call a module of torch with something else than tensors?"""
    while traceback is not None:
        inner = traceback.tb_next
        if inner is not None and MARK in traceback.tb_frame.f_globals:
            if inner.tb_frame.f_code.co_name == "_wrapped_call_impl":
                given = inner.tb_frame.f_locals.get("args", ())
                return not all(hasattr(one, "dtype") for one in given)
        traceback = inner
    return False


def _message(
    error: BaseException, in_lisp: bool, callback: bool, traceback: TracebackType | None
) -> str | None:
    """The language's message for a Python exception; None: it is none of the user's.

    ``callback``: the program may have given a built-in a function that does not fit.
    """
    if isinstance(error, NameError) and in_lisp:
        return f"Unbound atom: '{str(error.name).removesuffix('()').strip()}'"
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if isinstance(error, IndexError) and in_lisp:
        return "index out of bounds"
    if isinstance(error, OverflowError):
        return "this number is too large"
    if isinstance(error, BufferError):
        return "a list cannot change its size while a tensor is borrowed from it"
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, TypeError) and (in_lisp or callback) and _ARITY.search(str(error)):
        return f"Wrong number of arguments in call: {error}"
    if isinstance(error, AttributeError) and in_lisp:
        return f"Unbound atom: '{str(error.name).removesuffix('()')}'"
    if isinstance(error, AttributeError) and _module_given_no_tensor(traceback):
        return "a module that is called takes tensors"
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}"
    module = type(error).__module__
    text = str(error).strip().split("\n")[0]
    if isinstance(error, (RuntimeError, IndexError, ValueError, TypeError)) and "torch" in (
        _origin(traceback)
    ):
        shapes = _operands(traceback)
        return f"torch: {text}" + (f" [{shapes}]" if shapes else "")
    if module.startswith("torch"):
        return f"torch: {text}"
    return None


def _origin(traceback: TracebackType | None) -> str:
    """Module of the primitive that a LispE frame called."""
    names = []
    while traceback is not None:
        names.append(str(traceback.tb_frame.f_globals.get("__name__", "")))
        traceback = traceback.tb_next
    return "torch" if any(n.startswith(("torch", "lispe_py.primitives")) for n in names) else ""


#: What defines a function whose form may be a list of bodies.
_WITH_PATTERNS = frozenset({"defpat", "defpred", "defprol"})


def _arity(error: BaseException, last: TracebackType) -> str | None:
    """The reference's text for a call with a wrong number of arguments."""
    from lispe_py.printer import show
    from lispe_py.values.functions import form_of

    found = re.match(r"(.*?)\(\) ", str(error))
    if found is None:
        return None
    title = found[1].rpartition("<locals>.")[2]
    name = title if title.startswith("λ.") else title.rpartition(".")[2]
    globals_ = last.tb_frame.f_globals
    function: Any = globals_.get(f"{name}()")
    form = form_of(function) if function is not None else globals_.get(".forms", {}).get(name)
    if form is None:
        return None
    if not hasattr(form[0], "name") or form[0].name in _WITH_PATTERNS:
        # Another count of arguments is one more thing that fits no pattern.
        return f"Could not find a match for function: '{name}'"
    if form[0].name == "λ":
        return f"Wrong number of arguments in: '(lambda {show(form[1])}...)'"
    return wrong_number(form)


def wrong_number(form: Any) -> str:
    """The text for a call of a function with a wrong number of arguments, by its definition."""
    from lispe_py.printer import show

    return f"Wrong number of arguments in call to: '({show(form[1])} {show(form[2])}...)'"


def translate(error: Exception) -> LispError | None:
    """The LispE error for an exception, with its place; None for an internal error."""
    traceback = error.__traceback__
    if isinstance(error, LispError):
        result = error
    elif isinstance(error, RecursionError):
        result = LispError(STACK_OVERFLOW)
    else:
        ours, last = _frames(traceback)
        in_lisp = ours is not None and ours is last
        message = None
        if isinstance(error, TypeError) and ours is not None:
            # Also when a built-in calls the function through Python's own tools.
            message = _arity(error, ours)
        if message is None:
            message = _message(error, in_lisp, ours is not None, traceback)
        if message is None:
            return None
        result = LispError(message)
        result.__cause__ = error
    return placed(result, traceback)


def placed(error: LispError, traceback: TracebackType | None) -> LispError:
    """Give an error the place at which a traceback says it arose, unless it has one."""
    site = _site(traceback, error.at_call) if error.line is None else None
    place = place_of(site.tb_frame.f_code, site.tb_lasti) if site is not None else None
    if site is not None and place is not None:
        error.line, error.column = place
        file = site.tb_frame.f_code.co_filename
        error.file = "main" if file == MADE else file
    return error
