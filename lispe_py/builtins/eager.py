"""List functions that give their whole result at once.

A partial form such as ``(- 10)`` receives the element last: ``(- 10 x)``;
``_`` marks another place.

A lambda that is written in place leaves the walk by ``(break)``, which raises
``StopIteration``: here it ends the iteration that called it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import dropwhile as drop_until
from itertools import starmap
from itertools import takewhile as take_while
from typing import Any

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.runtime.lazy import finite
from lispe_py.runtime.mapping import (
    answers_truth,
    eager_function,
    kept,
    numbered,
    typed_by_first,
)
from lispe_py.runtime.sequence import iterate
from lispe_py.runtime.truth import truth
from lispe_py.values.lists import List
from lispe_py.values.types import is_list


@primitive("maplist", interpreter=True)
def maplist(lisp: Context, function: Any, container: Any, typed: Any = True) -> Any:
    """The list of a function of every member, typed by the first result.

    A false third argument forces a generic list. The answers of a predicate
    are 1 and 0.

    (list (maplist '(- 10) '(4 5)) (maplist (- _ 10) '(4 5)))
    ; ((6 5) (-6 -5))
    """
    results = map(eager_function(lisp, function), finite(container))
    if answers_truth(function):
        results = numbered(results)  # type: ignore[assignment]
    return List(results) if typed is None else typed_by_first(results)


@primitive("mapcar", interpreter=True)
def mapcar(lisp: Context, function: Any, container: Any) -> List:
    """The generic list of a function of every member.

    The answers of a predicate are 1 and 0.

    (mapcar (\\(x) (* x x)) '(4 5))
    ; (16 25)
    """
    results = map(eager_function(lisp, function), finite(container))
    return List(numbered(results) if answers_truth(function) else results)


def _predicate(lisp: Context, function: Any) -> Callable[[Any], bool]:
    call = lisp.callable(function)

    def test(item: Any) -> bool:
        answer = call(item)
        return answer is True or (answer is not None and truth(answer))

    return test


@primitive("filterlist", interpreter=True)
def filterlist(lisp: Context, predicate: Any, container: Any) -> Any:
    """The members that satisfy a predicate, in a list of the same kind.

    (list (filterlist '(< 5) '(4 5 6)) (filterlist (< _ 5) '(4 5 6)))
    ; ((6) (4))
    """
    call = lisp.callable(predicate)
    found = []
    with suppress(StopIteration):
        # In line: a call of a test for each member would double the time.
        for item in finite(container):
            if (answer := call(item)) is True or (answer is not None and truth(answer)):
                found.append(item)
    return kept(container, found)


@primitive("filtercar", interpreter=True)
def filtercar(lisp: Context, predicate: Any, container: Any) -> List:
    """The members that satisfy a predicate, in a generic list.

    (filtercar (\\(x) (> x 4)) (integers 4 5 6))
    ; (5 6)
    """
    return List(filterlist(lisp, predicate, List(finite(container))))


@primitive("takelist", interpreter=True)
def takelist(lisp: Context, predicate: Any, container: Any) -> Any:
    """The longest beginning whose members satisfy a predicate, kind kept.

    (takelist (\\(x) (< x 6)) '(4 5 6 4))
    ; (4 5)
    """
    return kept(container, take_while(_predicate(lisp, predicate), iterate(container)))


@primitive("takecar", interpreter=True)
def takecar(lisp: Context, predicate: Any, container: Any) -> List:
    """As ``takelist``, in a generic list.

    (takecar (\\(x) (< x 6)) (integers 4 5 6))
    ; (4 5)
    """
    return List(take_while(_predicate(lisp, predicate), iterate(container)))


def _dropped(lisp: Context, predicate: Any, container: Any) -> Iterable[Any]:
    test = _predicate(lisp, predicate)
    return drop_until(lambda item: not test(item), finite(container))


@primitive("droplist", interpreter=True)
def droplist(lisp: Context, predicate: Any, container: Any) -> Any:
    """Everything from the first member that satisfies a predicate, kind kept.

    (droplist (\\(x) (> x 5)) '(4 5 6 4))
    ; (6 4)
    """
    return kept(container, _dropped(lisp, predicate, container))


@primitive("dropcar", interpreter=True)
def dropcar(lisp: Context, predicate: Any, container: Any) -> List:
    """As ``droplist``, in a generic list.

    (dropcar (\\(x) (> x 4)) (integers 4 5 6))
    ; (5 6)
    """
    return List(_dropped(lisp, predicate, container))


@primitive("zipwith", interpreter=True)
def zipwith(lisp: Context, function: Any, first: Any, second: Any, *others: Any) -> Any:
    """A function of the parallel members of lists of one size, typed by the first result.

    Beyond two lists, the function is folded over the members of a tuple.

    (zipwith '+ '(4 5) '(6 7))
    ; (10 12)
    """
    lists = (first, second, *others)
    call = lisp.callable(function)
    _check_parallel("zipwith", lists)
    tuples = zip(*map(iterate, lists), strict=True)
    return typed_by_first(starmap(call, tuples))


def _check_parallel(name: str, lists: tuple[Any, ...]) -> None:
    if not all(map(is_list, lists)):
        raise LispError(f"'{name}' only accepts lists as arguments")
    if len({len(items) for items in lists}) > 1:
        raise LispError(f"'{name}' only accepts lists of same size as arguments")


@primitive("scanlist", interpreter=True)
def scanlist(lisp: Context, function: Any, container: Any) -> Any:
    """The first result of a function that is not nil.

    (scanlist (\\(x) (if (> x 4) (* 10 x))) '(3 4 5 6))
    ; 50
    """
    call = eager_function(lisp, function)
    return next((r for r in map(call, iterate(container)) if r is not None), None)


@primitive("apply", interpreter=True)
def apply(lisp: Context, function: Any, arguments: Any) -> Any:
    """Call a function with the members of a list as its arguments.

    (apply 'max '(4 9 6))
    ; 9
    """
    if not is_list(arguments):
        raise LispError("arguments to 'apply' should be given as a list")
    return lisp.callable(function)(*iterate(arguments))
