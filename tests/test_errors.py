"""Where an error says it is: file, line and column, wherever the form came from."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from lispe_py import LispE, LispError

CAR = "You cannot apply 'car' to: '5'"

#: what it is about -> program, message, line, column
CASES: dict[str, tuple[str, str, int, int]] = {
    "variable": ("(setq a 1)\n(+ a\n   missing)", "Unbound atom: 'missing'", 3, 4),
    "function": ("(defun f(x)\n   (g x))\n(f 1)", "Unbound atom: 'g'", 2, 4),
    "test": ("(if\n   (car 5)\n   1 2)", CAR, 2, 4),
    "clause": ("(cond\n  ((= 1 2) 1)\n  ((car 5) 2))", CAR, 3, 4),
    "binding": ("(let ((a 1)\n      (b (car 5)))\n  b)", CAR, 2, 10),
    "loop": ("(loop i '(1 0)\n   (setq z\n      (/ 1 i)))", "division by zero", 3, 7),
    "throw": ('(defun f()\n  (throw "gone"))\n(f)', "gone", 2, 3),
    "recursion": (
        "(defun f(x)\n  (if (= x 0)\n    (car 5)\n    (f (- x 1))))\n(f 5)", CAR, 3, 5,
    ),
    "handler": ("(maybe\n  (car 4)\n  (car 5))", CAR, 3, 3),
    "arguments of a function": (
        "(defun f(x) x)\n\n  (f 1 2)", "Wrong number of arguments in call to: '(f (x)...)'", 3, 3,
    ),
    "arguments of a built-in": (
        "(setq a 1)\n  (car 1 2)", "Wrong number of arguments for: 'car'", 2, 3,
    ),
    "composition": ("(println . size .\n   car 5)", CAR, 2, 4),
    "text with values": ('(setq a 1)\n  (f_ "{(car 5)}")', CAR, 2, 3),
    # Macros: code of the template has the place of the call, an argument its own.
    "template": ("(defmacro half(x)\n  (/ x 0))\n(setq a 1)\n\n   (half a)", "division by zero", 5, 4),
    "macro's argument": ("(defmacro twice(x)\n  (* 2 x))\n(twice\n   (car 5))", CAR, 4, 4),
    "macro inside a function": (
        "(defmacro gone(x)\n  (- x missing))\n(defun f(y)\n  (+ 1\n     (gone y)))\n(f 3)",
        "Unbound atom: 'missing'", 5, 6,
    ),
    # Pattern functions.
    "body": (
        "(defpat f ((integer_ x))\n   (+ x\n      (car 5)))\n(defpat f (x) x)\n(f 3)", CAR, 3, 7,
    ),
    "condition": (
        "(defpat f ([(< x (car 5)) x])\n   x)\n\n (f '(1 2))",
        "Could not find a match for function: 'f'", 4, 2,
    ),
    "no body fits": (
        "(defpat f (1) 2)\n(defun g(x)\n  (f x))\n(g 3)",
        "Could not find a match for function: 'f'", 3, 3,
    ),
    "predicate": ("(defpred f (x)\n   (= x 1)\n   (car 5))\n(f 1)", CAR, 3, 4),
    # Classes, structures, spaces.
    "method": (
        "(class@ A (x)\n  (defun m()\n    (+ x\n       (car 5))))\n(setq a (A 3))\n(a (m))", CAR, 4, 8,
    ),
    "default of a field": ("(class@ A (x (y (car 5)))\n  (defun m() x))\n\n(A 3)", CAR, 1, 17),
    "fields": (
        "(class@ A (x)\n  (defun m() x))\n\n  (A 3 4)",
        "Wrong number of arguments in call to: '(A (x)...)'", 4, 3,
    ),
    "structure": (
        '(data@ (P integer_ integer_))\n  (P 1 "a")',
        "Mismatch on argument: 2 (integer_ required)", 2, 3,
    ),
    "space": ("(defspace s\n  (defun f(x)\n    (car 5)))\n(space s\n  (f 5))", CAR, 3, 5),
    "pattern method": (
        "(class@ A (x)\n  (defpat m(0)\n    (car x))\n  (defpat m(n)\n    (cdr\n       (car n))))\n"
        "((A 5) (m 5))", CAR, 6, 8,
    ),
    "no body of a method fits": (
        "(class@ A (x)\n  (defpat m(0) x))\n(setq a (A 5))\n(+ 1\n  (a (m 7)))",
        "Could not find a match for function: 'm'", 5, 6,
    ),
    "unknown space": ("(setq a 1)\n(+ 1\n (space nowhere\n  1))", "Unbound atom: 'nowhere'", 3, 2),
    "operand": ("(setq b\n  (xor true\n    (car 5)\n nil))", CAR, 3, 5),
    "after a cut": ("(defprol f(x)\n   (> x 1)\n   cut_\n  (car x))\n(f 5)", CAR, 4, 3),
    "rest of a macro": (
        "(defmacro all($ r)\n  (block $ r))\n(all 1\n   (+ 1 2)\n  (car 5))", CAR, 5, 3,
    ),
    "pattern": ('(pattern@ {"a":z}\n  (car 5))', CAR, 2, 3),
    "infix": ("(setq a 1)\n(infix a +\n   (car 5))", CAR, 3, 4),
    # Functions that built-ins call.
    "maplist": (
        "(setq l '(1 2 0))\n(maplist\n   (\\(x)\n      (/ 1 x))\n  l)", "division by zero", 4, 7,
    ),
    "sort": ("(sort\n  (\\(x y)\n     (< x (car 5)))\n  '(1 2 3))", CAR, 3, 11),
    "map": ("(map\n   (\\(x) (car 5))\n   '(1 2))", CAR, 2, 10),
    # Code made at run time.
    "text": ('(setq x 1)\n(eval "(+ 1\n   (car 5))")', CAR, 2, 4),
    "list": ("(setq x '(+ 1\n   (car 5)))\n(+ 1\n  (eval x))", CAR, 4, 3),
    "list that cannot be compiled": (
        "(setq x '(car 1 2))\n(+ 1\n  (eval x))", "Wrong number of arguments for: 'car'", 3, 3,
    ),
    "syntax": (
        "(setq a 1)\n(+ a 2))", "parentheses do not balance: one closing ')' too many", 2, 8,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_place(name: str) -> None:
    program, message, line, column = CASES[name]
    with pytest.raises(LispError) as caught:
        LispE().eval(program, "program.lisp")
    error = caught.value
    file = "main" if name == "text" else "program.lisp"
    assert (error.message, error.file, error.line, error.column) == (message, file, line, column)


#: Where a name that means nothing stands by itself: the place is the last "zork".
NAMES = [
    "(defun f (x) (if (> x 1) zork (block (println x) 2))) (f 3)",
    "(defun f (x) (if (> x 1) 2 (block (+ x 1) zork))) (f 0)",
    "(let ((a 1) (b zork)) (+ a b))",
    "(cond ((eq 1 2) 3) ((eq 2 2) zork))",
    "(setq zork zork)",
    "(if zork 1 2)",
    "(while zork 1)",
    "(loop i zork i)",
    "(loop i '(1 2) zork)",
    "(and true zork)",
    "(while (not zork) 1)",
    "((\\(x) zork) 3)",
    "(select nil zork)",
    "(switch 1 (1 zork))",
    "(car '(1))\n  zork",
    "{1:zork}",
    "(+= zork 1)",
    "(defpat g (0) 1) (defpat g ((integer_ x)) zork) (g 2)",
    "(defpred p (x) zork) (p 1)",
    "(defprol p (x) (+ x 1) zork) (p 1)",
    "(defmacro twice (x) (* 2 x)) (twice zork)",
    "(class@ A (x) (defun m () 1) (defun n () zork)) (setq a (A 1)) (a (n))",
    "(defspace s (defun f () zork)) (space s (f))",
    "(defun f ((x zork)) x) (f)",
    "(infix 1 + 2 + zork * 2)",
    "(quote zork) (block 1 zork)",
]


@pytest.mark.parametrize("program", NAMES)
def test_place_of_a_name(program: str) -> None:
    with pytest.raises(LispError, match="Unbound atom: 'zork'") as caught:
        LispE().eval(program)
    before = program[: program.rindex("zork")]
    expected = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert (caught.value.line, caught.value.column) == expected


def test_place_of_a_name_in_compiled_text() -> None:
    with pytest.raises(LispError, match="Unbound atom") as caught:
        LispE().compile("(+ x 1)\n zork", parameters=["x"])(1)
    assert (caught.value.line, caught.value.column) == (2, 2)


def test_handlers_get_the_place() -> None:
    program = "(maybe\n  (+ 1\n    (car 5))\n  (\\(message) message))"
    assert LispE().eval(program, "p.lisp") == f"Error: {CAR}, line: 3 in: p.lisp"
    assert LispE().show(LispE().eval("\n(catch (car 5))")) == f"Error: {CAR}, line: 2 in: main"


def test_threads() -> None:
    errors = io.StringIO()
    LispE(stderr=errors).eval("(dethread t(x)\n   (car x))\n(t 5)\n  (wait)", "t.lisp")
    assert errors.getvalue() == f"Error: {CAR}, line: 2 in: t.lisp\n"


def test_loaded_files(tmp_path: Path) -> None:
    library = tmp_path / "library.lisp"
    library.write_text(
        "(defun good(x)\n   (+ 1\n     (car x)))\n(defmacro first(l)\n  (car l))\n"
        "(defun firsts(l)\n  (first l))\n(class@ A (x)\n  (defun m()\n    (car x)))\n",
        encoding="utf-8",
    )
    main = tmp_path / "main.lisp"
    for text, file, line, column in [
        ('(load "library.lisp")\n(good 5)', library, 3, 6),
        ('(load "library.lisp")\n(firsts 5)', library, 7, 3),
        ('(load "library.lisp")\n(setq a (A 5))\n(a (m))', library, 10, 5),
        ('(load "library.lisp")\n(good (list 1))\n  (car 5)', main, 3, 3),
        ('(load "library.lisp")\n(maplist\n  (\\(x) (good x))\n  \'(5))', library, 3, 6),
    ]:
        main.write_text(text, encoding="utf-8")
        with pytest.raises(LispError) as caught:
            LispE().execute(main)
        error = caught.value
        assert (error.message, error.file, error.line, error.column) == (
            CAR, str(file), line, column,
        )  # fmt: skip


def test_a_file_that_fails_while_it_is_loaded(tmp_path: Path) -> None:
    broken = tmp_path / "broken.lisp"
    main = tmp_path / "main.lisp"
    main.write_text('(setq a 1)\n(load "broken.lisp")', encoding="utf-8")
    for text, message, line, column in [
        ("(setq a 5)\n\n  (car a)\n", CAR, 3, 3),
        ("(setq a 5)\n  (+ a", "parentheses do not balance: opening not closed", 2, 3),
        ("(setq a 5)\n  (car)", "Wrong number of arguments for: 'car'", 2, 3),
    ]:
        broken.write_text(text, encoding="utf-8")
        with pytest.raises(LispError) as caught:
            LispE().execute(main)
        error = caught.value
        assert (error.message, error.file, error.line, error.column) == (
            message, str(broken), line, column,
        )  # fmt: skip


def test_a_call_from_python_has_no_place_to_show() -> None:
    lisp = LispE()
    lisp.eval("(defun f(x)\n  (car x))", "f.lisp")
    with pytest.raises(LispError) as caught:
        lisp.call("f", 5)
    assert (caught.value.file, caught.value.line) == ("f.lisp", 2)
    with pytest.raises(LispError) as caught:
        lisp.call("car", 5)
    assert caught.value.text == f"Error: {CAR}, line: 0 in: main"


@pytest.mark.parametrize(
    "program, hint",
    [
        ("(defun sum(l) l)", "'∑' is also written: sum"),
        ("(class@ member (x))", "'∈' is also written: member"),
        ("(defpat scan(x) x)", "'↘' is also written: scan \\\\"),
        ("(defun car(l) l)", None),
    ],
)
def test_a_reserved_name_is_told_as_it_was_written(program: str, hint: str | None) -> None:
    with pytest.raises(LispError, match="is a reserved keyword") as raised:
        LispE().eval(program)
    assert raised.value.hint == hint
