"""The composed list functions: ``map filter take foldl`` and their family.

The compiler fuses nested calls of them into one loop. These are the functions
themselves, for a call that stands alone, is made by name, or whose source has
no end and is only known when the program runs.

A partial form such as ``(- 10)`` receives the element first: ``(- x 10)``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, islice
from itertools import dropwhile as drop_while
from itertools import takewhile as take_while
from typing import Any

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.lazy import composed, endlessly, finite, in_circles, is_endless
from lispe_py.runtime.mapping import element_function
from lispe_py.runtime.sequence import iterate
from lispe_py.runtime.truth import truth
from lispe_py.values.lists import List
from lispe_py.values.records import Stream
from lispe_py.values.types import is_list


def _predicate(lisp: Context, function: Any) -> Callable[[Any], bool]:
    call = element_function(lisp, function)

    def test(item: Any) -> bool:
        answer = call(item)
        return answer is True or (answer is not None and truth(answer))

    return test


@primitive("map", interpreter=True)
def map_(lisp: Context, function: Any, container: Any) -> Any:
    """The list of a function of every member.

    A bare operator is applied to the member twice: ``(map '* l)`` squares.

    (list (map '(+ 1) '(4 5)) (map '* '(4 5)))
    ; ((5 6) (16 25))
    """
    call = element_function(lisp, function)
    return composed(container, lambda members: map(call, members))


@primitive("filter", interpreter=True)
def filter_(lisp: Context, predicate: Any, container: Any) -> Any:
    """The list of the members that satisfy a predicate.

    (filter '(> 4) '(4 5 6))
    ; (5 6)
    """
    test = _predicate(lisp, predicate)
    return composed(container, lambda members: filter(test, members))


def _count(n: Any) -> int:
    """How many members to take or drop."""
    return min(max(0, to_integer(n)), sys.maxsize)


@primitive("take")
def take(n: Any, container: Any) -> List:
    """The list of the first n members; the source may have no end.

    (take 3 (filter (\\(x) (= 0 (% x 7))) (irange 10 1)))
    ; (14 21 28)
    """
    return List(islice(iterate(container), _count(n)))


@primitive("drop")
def drop(n: Any, container: Any) -> Any:
    """The list of all members but the first n.

    (drop 1 '(4 5 6))
    ; (5 6)
    """
    count = _count(n)
    return composed(container, lambda members: islice(members, count, None))


@primitive("takewhile", interpreter=True)
def takewhile(lisp: Context, predicate: Any, container: Any) -> List:
    """The list of the members before the first that fails a predicate.

    (takewhile '(< 6) '(4 5 6 4))
    ; (4 5)
    """
    return List(take_while(_predicate(lisp, predicate), iterate(container)))


@primitive("dropwhile", interpreter=True)
def dropwhile(lisp: Context, predicate: Any, container: Any) -> Any:
    """The list of the members from the first that fails a predicate, that one included.

    (dropwhile '(< 6) '(4 5 6 4))
    ; (6 4)
    """
    test = _predicate(lisp, predicate)
    return composed(container, lambda members: drop_while(test, members))


@primitive("repeat")
def repeat(value: Any) -> Stream:
    """A value over and over, for a composed function that stops.

    (take 2 (map '(+ 1) (repeat 5)))
    ; (6 6)
    """
    return endlessly(value)


@primitive("cycle")
def cycle(container: Any) -> Any:
    """The members of a list over and over, for a composed function that stops.

    (take 5 (cycle '(4 5)))
    ; (4 5 4 5 4)
    """
    if is_endless(container):
        return container
    if not is_list(container):
        raise LispError("we can only cycle on list")
    return in_circles(iterate(container))


# --- folds -----------------------------------------------------------------


def _swapped(call: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda accumulated, item: call(item, accumulated)


def _backward(container: Any) -> Iterable[Any]:
    return list(finite(container))[::-1]


def _fold(call: Callable[[Any, Any], Any], start: Any, items: Iterable[Any]) -> Any:
    for item in items:
        start = call(start, item)
    return start


def _fold_from_first(call: Callable[[Any, Any], Any], items: Iterable[Any]) -> Any:
    rest = iter(items)
    first = next(rest, rest)
    return None if first is rest else _fold(call, first, rest)


@primitive("foldl", interpreter=True)
def foldl(lisp: Context, function: Any, start: Any, container: Any) -> Any:
    """Fold from the left: a function of the accumulated value and each member.

    (foldl '- 100 '(4 5 6))
    ; 85
    """
    return _fold(lisp.callable(function), start, finite(container))


@primitive("foldl1", interpreter=True)
def foldl1(lisp: Context, function: Any, container: Any) -> Any:
    """Fold from the left, starting with the first member; nil of an empty list.

    (foldl1 '- '(4 5 6))
    ; -7
    """
    return _fold_from_first(lisp.callable(function), finite(container))


@primitive("foldr", interpreter=True)
def foldr(lisp: Context, function: Any, start: Any, container: Any) -> Any:
    """Fold from the right: a function of each member and the accumulated value.

    (foldr '- 100 '(4 5 6))
    ; -95
    """
    return _fold(_swapped(lisp.callable(function)), start, _backward(container))


@primitive("foldr1", interpreter=True)
def foldr1(lisp: Context, function: Any, container: Any) -> Any:
    """Fold from the right, starting with the last member; nil of an empty list.

    (foldr1 'list '(4 5 6))
    ; (4 (5 6))
    """
    return _fold_from_first(_swapped(lisp.callable(function)), _backward(container))


@primitive("scanl", interpreter=True)
def scanl(lisp: Context, function: Any, start: Any, container: Any) -> Any:
    """All the accumulated values of ``foldl``, the start first.

    (scanl '+ 0 '(4 5 6))
    ; (0 4 9 15)
    """
    call = lisp.callable(function)

    def running(members: Iterable[Any]) -> Iterator[Any]:
        return accumulate(members, call, initial=start)

    return composed(container, running)


@primitive("scanl1", interpreter=True)
def scanl1(lisp: Context, function: Any, container: Any) -> Any:
    """All the accumulated values of ``foldl1``.

    (scanl1 '+ '(4 5 6))
    ; (4 9 15)
    """
    call = lisp.callable(function)
    return composed(container, lambda members: accumulate(members, call))


@primitive("scanr", interpreter=True)
def scanr(lisp: Context, function: Any, start: Any, container: Any) -> List:
    """All the accumulated values of ``foldr``, the final one first.

    (scanr '+ 0 '(4 5 6))
    ; (15 11 6 0)
    """
    call = _swapped(lisp.callable(function))
    found = List(accumulate(_backward(container), call, initial=start))
    found.reverse()
    return found


@primitive("scanr1", interpreter=True)
def scanr1(lisp: Context, function: Any, container: Any) -> List:
    """All the accumulated values of ``foldr1``, the final one first.

    (scanr1 '+ '(4 5 6))
    ; (15 11 6)
    """
    call = _swapped(lisp.callable(function))
    found = List(accumulate(_backward(container), call))
    found.reverse()
    return found
