"""Values pickled and copied: equal, of the same kind, and on their own."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest

from lispe_py import LispE, LispError
from lispe_py.printer import display
from lispe_py.runtime.compare import equal
from lispe_py.values.dictionaries import DictionaryJson
from lispe_py.values.heap import Heap
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Caught, Enumeration, Range
from lispe_py.values.symbol import Symbol

#: A program that makes a value, and one that changes it in place; None: nothing can.
KINDS = {
    "integers": ("(integers 1 -2 3)", "(push v 4)"),
    "shorts": ("(shorts 1 -2)", "(push v 4)"),
    "floats": ("(floats 0.1 2)", "(push v 4)"),
    "numbers": ("(numbers 0.1 2)", "(push v 4)"),
    "strings": ('(strings "a" "b")', '(push v "c")'),
    "stringbytes": ('(stringbytes "a" "b")', '(push v (stringbyte "c"))'),
    "list": ('\'(1 (2 "a") 3.5 nil true b)', "(push v 4)"),
    "dictionary": ('{"a":1 "b":(1 2)}', '(set@ v "c" 3)'),
    "integer keys": ("{2:1 1:(1 2)}", "(set@ v 3 3)"),
    "number keys": ("{2.5:1 1.5:(1 2)}", "(set@ v 3.5 3)"),
    "tree": ('(dictionarytree "b" 1 "a" 2)', '(set@ v "aa" 3)'),
    "tree of integers": ("(dictionarytreei 2 1 1 2)", "(set@ v 3 3)"),
    "tree of numbers": ("(dictionarytreen 2.5 1 1.5 2)", "(set@ v 3.5 3)"),
    "json": ('(json_parse "{\\"b\\":1,\\"a\\":[1,2]}")', '(set@ v "c" 3)'),
    "set": ("(set 1 'a \"b\" '(1 2))", "(insert v 5)"),
    "set of strings": ('(sets "b" "a")', '(insert v "c")'),
    "set of integers": ("(seti 2 1)", "(insert v 3)"),
    "set of numbers": ("(setn 2.5 1)", "(insert v 3)"),
    "heap": ("(heap nil 3 1 2 2)", "(push v 0)"),
    "heap of anything": ('(heap nil 3 "a" \'(1))', "(push v 0)"),
    "linked list": ("(llist 1 '(2) 3)", "(push v 0)"),
    "dotted pair": ("(cons 1 2)", "(push v 0)"),
    "matrix": ("(matrix_integer 2 2 1)", "(set@ v 0 0 5)"),
    "matrix of strings": ('(matrix_string 2 2 "a")', '(set@ v 0 0 "b")'),
    "tensor": ("(tensor_number 2 2 2)", "(set@ v 0 0 0 5)"),
    "symbol": ("'abc", None),
    "complex": ("(complex 1 2)", None),
    "short": ("(short 3)", None),
    "float": ("(float 0.1)", None),
    "large integer": ("(! 30)", None),
    "long string": ("`abc`", None),
    "byte string": ('(stringbyte "abc")', None),
    "range": ("(irange 1 10 2)", None),
    "endless range": ("(irange 1 2)", None),
    "enumeration": ("(enum '(a b))", None),
    "structure": ("(data@ (Pair _ _)) (Pair 1 '(2))", "(set@ v 1 5)"),
    "error": ("(catch (car 1))", None),
    "nested": ('(list {"a":(integers 1)} (llist \'x (seti 1)) (heap nil 2 1))', "(push v 1)"),
}

#: Fields that tell what a value without members of its own is.
STATE = ("start", "step", "stop", "closed")


def contents(value: Any) -> Any:
    if isinstance(value, Range):
        return [getattr(value, name) for name in STATE]
    if isinstance(value, Caught):
        error = value.error
        return [error.message, error.file, error.line, error.column, error.hint]
    if isinstance(value, (Enumeration, Heap)):
        return list(value)
    return display(value)


@pytest.fixture(scope="module")
def lisp() -> LispE:
    return LispE()


def check(lisp: LispE, kind: str, twin: Any, value: Any) -> None:
    assert type(twin) is type(value)
    assert contents(twin) == contents(value)
    assert lisp.show(twin) == lisp.show(value)
    if not isinstance(value, (Range, Caught, Enumeration, DictionaryJson)):
        assert equal(twin, value) is True
    change = KINDS[kind][1]
    if change is not None:
        before = lisp.show(value)
        lisp.scope["v"] = twin
        lisp.eval(change)
        assert lisp.show(twin) != before
        assert lisp.show(value) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_value_comes_back_from_a_pickle(lisp: LispE, kind: str, protocol: int) -> None:
    value = LispE().eval(KINDS[kind][0])
    check(lisp, kind, pickle.loads(pickle.dumps(value, protocol)), value)
    check(lisp, kind, lisp.loads(lisp.dumps(value, protocol)), value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_a_copy_is_equal_and_on_its_own(lisp: LispE, kind: str, how: Any) -> None:
    value = LispE().eval(KINDS[kind][0])
    check(lisp, kind, how(value), value)


@pytest.mark.parametrize("kind", [k for k in KINDS if KINDS[k][1] is not None])
def test_members_of_a_deep_copy_are_copies(lisp: LispE, kind: str) -> None:
    value = List([LispE().eval(KINDS[kind][0])])
    twin = copy.deepcopy(value)
    assert twin[0] is not value[0]
    check(lisp, kind, twin[0], value[0])


def test_symbols_are_interned_again() -> None:
    symbol = Symbol("a-name")
    for twin in (pickle.loads(pickle.dumps(symbol)), copy.copy(symbol), copy.deepcopy([symbol])[0]):
        assert twin is symbol


def test_a_window_stays_a_window_within_a_pickle() -> None:
    base = List([1, 2, 3])
    twin, window = pickle.loads(pickle.dumps([base, Tail(base, 1)]))
    window[0] = 9
    assert (twin, base) == ([1, 9, 3], [1, 2, 3])
    alone = copy.copy(Tail(base, 1))
    alone[0] = 7
    assert (type(alone), alone, base) == (List, [7, 3], [1, 2, 3])


def test_circles_stay_circles() -> None:
    lisp = LispE()
    ring = LinkedList([1, 2, 3])
    ring.last().next = ring.head.next  # type: ignore[union-attr]
    for twin in (pickle.loads(pickle.dumps(ring)), copy.deepcopy(ring), copy.copy(ring)):
        assert list(twin) == [1, 2, 3] and twin.cyclic
        assert twin.last().next is twin.head.next and twin.head is not ring.head
    for kind in ("dictionary", "dictionarytree", "json_dictionary"):
        tree = lisp.eval(f"({kind})" if kind != "json_dictionary" else '(json_parse "{}")')
        tree["self"] = tree
        for twin in (pickle.loads(pickle.dumps(tree)), copy.deepcopy(tree)):
            assert twin["self"] is twin and type(twin) is type(tree)
    held = LinkedList([1])
    held.push(held)
    twin = pickle.loads(pickle.dumps(held))
    assert twin.head.value is twin


def test_a_long_linked_list_needs_no_depth() -> None:
    chain = LinkedList(range(100_000))
    assert list(pickle.loads(pickle.dumps(chain))) == list(range(100_000))
    assert list(copy.deepcopy(chain)) == list(range(100_000))


def test_a_deep_list() -> None:
    lisp = LispE()
    deep = lisp.eval("(setq l '(0)) (loopcount 5000 i (setq l (list l))) l")
    twin = lisp.loads(lisp.dumps(deep))
    for _ in range(5000):
        (twin,) = twin
    assert twin == [0]


# ---------------------------------------------------------------- what belongs to an interpreter

CLASSES = """
(class@ Shape (name) (defun title() name))
(class@ Square ((side 2) (parts '(1 2))) (from@ Shape) (defun area() (* side side)))
(defun twice(x) (* 2 x))
(data@ (Pair _ _))
"""


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_instances_find_their_class_by_its_name(protocol: int) -> None:
    one, two = LispE(), LispE()
    one.eval(CLASSES)
    two.eval(CLASSES)
    square = one.eval('(setq s (Square 3 (integers 1 2) "s")) s')
    data = one.dumps(List([square, square]), protocol)
    first, second = two.loads(data)
    assert first is second
    two.define("twin", first)
    assert two.eval("(list (twin (area)) (twin (title)) twin)") == [9, "s", first]
    assert two.show(first) == one.show(square)
    first.parts.append(3)
    assert list(square.parts) == [1, 2]
    assert equal(one.loads(one.dumps(square)), square) is True


def test_instances_are_copied() -> None:
    lisp = LispE()
    lisp.eval(CLASSES)
    square = lisp.eval('(Square 3 (integers 1 2) "s")')
    shallow, deep = copy.copy(square), copy.deepcopy(square)
    assert shallow.parts is square.parts and deep.parts is not square.parts
    shallow.side = 5
    assert (square.side, deep.side, type(deep)) == (3, 3, type(square))
    assert equal(deep, square) is True


def test_functions_and_classes_by_name() -> None:
    one, two = LispE(), LispE()
    one.eval(CLASSES)
    two.eval(CLASSES.replace("* 2 x", "* 20 x"))
    names = one.eval("(list twice Square Pair)")
    twice, square, pair = two.loads(one.dumps(names))
    assert twice(2) == 40
    assert square is two.eval("Square")
    assert list(pair) == list(names[2])


def test_a_heap_of_its_own_order() -> None:
    lisp = LispE()
    lisp.eval("(defun falling(x y) (- y x)) (setq h (heap 'falling 1 3 2))")
    twin = lisp.loads(lisp.dumps(lisp.globals["h"]))
    lisp.define("g", twin)
    assert list(lisp.eval("(push g 4) g")) == [4, 3, 2, 1]
    assert list(lisp.globals["h"]) == [3, 2, 1]
    assert list(copy.deepcopy(twin)) == [4, 3, 2, 1]


def test_another_process() -> None:
    lisp = LispE()
    lisp.eval(CLASSES)
    data = lisp.dumps(lisp.eval('(list (Square 3 \'a "s") (irange 1 2) {1.5:(llist 1)})'))
    code = (
        "import sys; from lispe_py import LispE; lisp = LispE();"
        f"lisp.eval({CLASSES!r}); v = lisp.loads(sys.stdin.buffer.read());"
        "print(lisp.show(v))"
    )
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    shown = '((Square "side":3 "parts":a "name":"s") (irange 1 2) {1.5:(1)})'
    assert done.stdout.decode().strip() == shown


def test_errors() -> None:
    lisp = LispE()
    lisp.eval(CLASSES)
    square = lisp.eval('(Square 3 1 "s")')
    with pytest.raises(pickle.PicklingError, match="'Square' belongs to an interpreter"):
        pickle.dumps(List([square]))
    with pytest.raises((pickle.PicklingError, AttributeError), match="pickle"):
        pickle.dumps(lisp.eval("(\\(x) x)"))
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(lisp.scope["twice()"])
    with pytest.raises(LispError, match="a function without a name cannot be pickled"):
        lisp.dumps(lisp.eval("(list (\\(x) x))"))
    with pytest.raises(LispError, match="'Square' is not, or no longer, a class of this"):
        LispE().dumps(square)
    with pytest.raises(LispError, match="Unknown class: 'Square'"):
        LispE().loads(lisp.dumps(square))
    with pytest.raises(LispError, match="Unknown function: 'twice'"):
        LispE().loads(lisp.dumps(lisp.scope["twice()"]))
    with pytest.raises(LispError, match="use its 'loads'"):
        pickle.loads(lisp.dumps(square))
    with pytest.raises(LispError, match="these bytes are not a pickled value"):
        lisp.loads(b"no pickle")
    with pytest.raises(LispError, match="these bytes are not a pickled value"):
        lisp.loads(lisp.dumps(square)[:20])
    with pytest.raises(LispError, match="this value cannot be pickled"):
        lisp.dumps(lisp)


def test_an_open_file_cannot_be_pickled(tmp_path: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a", encoding="utf-8")
    lisp = LispE()
    with pytest.raises(LispError, match="this value cannot be pickled: cannot pickle"):
        lisp.dumps(lisp.eval(f'(fopen "{path}" "r")'))
