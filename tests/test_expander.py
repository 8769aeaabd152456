"""Composition, operator notation, texts with values, and macros."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lispe_py import LispE
from lispe_py.errors import STACK_OVERFLOW, LispError
from lispe_py.expander import Expander
from lispe_py.infix import BINDING, LEVELS
from lispe_py.macros import same_form
from lispe_py.reader import Braces, read
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol


def one(text: str) -> Any:
    (form,) = read(text)
    return form


def expanded(text: str) -> list[Any]:
    """What is left of a text, definitions of macros taken out."""
    expander = Expander()
    forms = []
    for form in read(text):
        result = expander.expand(form)
        if not (isinstance(form, List) and form and form[0] is Symbol("defmacro")):
            forms.append(result)
    return forms


def check(text: str, *expected: str) -> None:
    forms = expanded(text)
    assert len(forms) == len(expected)
    for form, wanted in zip(forms, expected, strict=True):
        assert same_form(form, one(wanted)), f"{form!r} is not {wanted}"


def refused(text: str) -> LispError:
    with pytest.raises(LispError) as caught:
        expanded(text)
    return caught.value


# --- composition -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, result",
    [
        ("(f a . g b . h c)", "(f a (g b (h c)))"),
        ("(car.cdr.cdr '(p q r))", "(car (cdr (cdr '(p q r))))"),
        ("(+ 100 . * 6 7)", "(+ 100 (* 6 7))"),
        ("(f . g)", "(f (g))"),
        ("(f . 5)", "(f 5)"),
        ('(f a . "s")', '(f a "s")'),
        ("(f . (g x))", "(f (g x))"),
        ("(f . 'a)", "(f 'a)"),
        ("(f . {1:2})", "(f {1:2})"),
        ("(f . (g h) x)", "(f ((g h) x))"),
        ("((f . g l) x)", "((f (g l)) x)"),
        ("(. '+ '* a b)", "(. '+ '* a b)"),
        ("(f '(1 . 2))", "(f '(1 . 2))"),
        ("(f (g . h x) . k y)", "(f (g (h x)) (k y))"),
        ("(cond ((> 1 2) . f x) (true . g y))", "(cond ((> 1 2) (f x)) (true (g y)))"),
        ("(let ((a . f x)) a)", "(let ((a (f x))) a)"),
        ("(lambda (x) (f . g x))", "(λ (x) (f (g x)))"),
        ("{1:(f . g x)}", "{1:(f (g x))}"),
        ("(reduce '. l)", "(↗ '. l)"),
    ],
)
def test_composition(text: str, result: str) -> None:
    check(text, result)


def test_composition_in_a_chain_of_inner_products() -> None:
    (form,) = expanded("(. '+ '* a . f b)")
    assert form == [Symbol("."), one("'+"), one("'*"), Symbol("a"), one("(f b)")]


@pytest.mark.parametrize(
    "text, message",
    [
        ("(f .)", "Wrong use of '.'"),
        ("(f a . g .)", "Wrong use of '.'"),
        ("(f . . g)", "two '.' in a row. Composition is impossible"),
    ],
)
def test_composition_refused(text: str, message: str) -> None:
    error = refused(f"a\n (g {text})")
    assert error.message == message
    assert (error.line, error.column) == (2, 5)


def test_composition_keeps_places() -> None:
    (form,) = expanded("(f a .\n g (h) . k\n  c)")
    assert form.where.members == ((1, 2, 1, 3), (1, 4, 1, 5), (2, 2, 3, 4))
    assert form.where[:4] == (1, 1, 3, 5)
    assert form[2].where[:4] == (2, 2, 3, 4)
    assert form[2].where.members == ((2, 2, 2, 3), (2, 4, 2, 7), (2, 10, 3, 4))
    assert form[2][2].where.members == ((2, 10, 2, 11), (3, 3, 3, 4))


# --- infix -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, result",
    [
        ("a - b - c", "(- a b c)"),
        ("a - b + c", "(+ (- a b) c)"),
        ("a + b * c", "(+ a (* b c))"),
        ("a * b + c * d", "(+ (* a b) (* c d))"),
        ("10 + 20 - 4 * x", "(- (+ 10 20) (* 4 x))"),
        ("x ^^ 3 + 10 * x ^^ 2 + 2 * x - 1", "(- (+ (^^ x 3) (* 10 (^^ x 2)) (* 2 x)) 1)"),
        ("1 + 2 * 3 ^^ 2", "(+ 1 (* 2 (^^ 3 2)))"),
        ("10 / 4 * 2", "(* (/ 10 4) 2)"),
        ("a * b / c * d", "(* (/ (* a b) c) d)"),
        ("a ^^ b ^^ c", "(^^ a b c)"),
        ("a ** b", "(^^ a b)"),
        ("1 << 2 + 3", "(<< 1 (+ 2 3))"),
        ("a & b << 1", "(& a (<< b 1))"),
        ("x + y = z", "(= (+ x y) z)"),
        ("1 < 2 and 3 < 4", "(and (< 1 2) (< 3 4))"),
        ("x or y and z", "(or x (and y z))"),
        ("a xor b or c", "(or (xor a b) c)"),
        ("a < b < c", "(< a b c)"),
        ("a != b != c", "(!= (!= a b) c)"),
        ("a = b & c", "(= a (& b c))"),
        ("(1 + 2) * 3", "(* (+ 1 2) 3)"),
        ("(+ 1 2) * 3", "(* (+ 1 2) 3)"),
        ("10 * (§ x - 1) ^^ 2", "(* 10 (^^ (- x 1) 2))"),
        ("a + (b * (c - 1))", "(+ a (* b (- c 1)))"),
        ("(f x) + (g y z)", "(+ (f x) (g y z))"),
        ("3*4", "(* 3 4)"),
        ("5", "5"),
        ("(f x)", "(f x)"),
    ],
)
@pytest.mark.parametrize("name", ["infix", "•", "§", "/\\"])
def test_infix(name: str, text: str, result: str) -> None:
    check(f"({name} {text})", result)


@pytest.mark.parametrize(
    "text", ["", "1 +", "1 2 3", "1 2", "- 3 + 4", "5 -3", "1 + * 2", "a eq b", "not a", "'(1 + 2)"]
)
def test_infix_malformed(text: str) -> None:
    error = refused(f"(f\n (infix {text}))")
    assert error.message == "Infix expression is malformed"
    assert (error.line, error.column) == (2, 2)


def test_infix_within_calls_and_quotes() -> None:
    check("(f (infix 1 + (g (infix 2 * 3))))", "(f (+ 1 (g (* 2 3))))")
    check("'(infix 1 + 2)", "'(infix 1 + 2)")


_OPERATORS_OF_PYTHON = ("*", "+", "-", "&", "and", "or")


def _value(form: Any) -> Any:
    if not isinstance(form, List):
        return form
    values = [_value(member) for member in form[1:]]
    left = values[0]
    for right in values[1:]:
        left = eval(f"left {form[0].name} right")
    return left


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(_OPERATORS_OF_PYTHON), st.integers(0, 6)), max_size=6),
    st.integers(0, 6),
)
def test_infix_agrees_with_python(rest: list[tuple[str, int]], first: int) -> None:
    # Python binds these operators in the same order.
    text = " ".join([str(first), *(f"{operator} {value}" for operator, value in rest)])
    assert _value(expanded(f"(infix {text})")[0]) == eval(text)


def test_every_operator_has_one_level() -> None:
    assert len(BINDING) == sum(len(names) for names in LEVELS)


# --- texts with values ---------------------------------------------------------------


@pytest.mark.parametrize(
    "text, result",
    [
        ('"a{x}b{* x 2}"', '(+ "a" x "b" (* x 2))'),
        ('"{x}"', '(+ "" x)'),
        ('"{x}{y}"', '(+ "" x y)'),
        ("`{x}b`", '(+ "" x "b")'),
        ('"%{n%} is {n}, 5% }"', '(+ "{n} is " n ", 5% }")'),
        ('"{* x . + 1 x}"', '(+ "" (* x (+ 1 x)))'),
        ('"{+ 1 (* 2 3)}"', '(+ "" (+ 1 (* 2 3)))'),
        ('"{(+ 1 2)}"', '(+ "" (+ 1 2))'),
        ('"{1}{ x }{nil}"', '(+ "" 1 x nil)'),
        ('"{@ d \'k}"', '(+ "" (at d \'k))'),
        ('`{car (list "}" 2)}!`', '(+ "" (car (list "}" 2)) "!")'),
        ('"{car {1 2}}"', '(+ "" (car {1 2}))'),
        ('"{infix 1 + 2}"', '(+ "" (+ 1 2))'),
        ('"no braces"', '"no braces"'),
        ('"%{x%}"', '"{x}"'),
        ('""', '""'),
    ],
)
def test_interpolation(text: str, result: str) -> None:
    check(f"(f_ {text})", result)


@pytest.mark.parametrize(
    "text, message",
    [
        ("(f_)", "Wrong use of 'f_'"),
        ('(f_ "a" "b")', "Wrong use of 'f_'"),
        ("(f_ x)", "Wrong use of 'f_'"),
        ('(f_ "open {x")', "Wrong format"),
        ('(f_ "{}")', "Wrong format"),
        ('(f_ "{1a}")', "malformed number: '1a'"),
    ],
)
def test_interpolation_refused(text: str, message: str) -> None:
    error = refused(f"1\n2 (g {text})")
    assert error.message == message
    assert (error.line, error.column) == (2, 6)


def test_interpolation_has_the_place_of_the_text() -> None:
    (form,) = expanded('\n  (f_ "a{g (h x)}")')
    assert form.where[:2] == (2, 3)
    assert form[2].where[:2] == form[2][1].where[:2] == (2, 3)
    assert form.where.members == (form.where[:4],) * 3


# --- spellings of the guides to the torch library ------------------------------------


@pytest.mark.parametrize(
    "text, result",
    [
        ("(loop (i 0 n) (f i))", "(loop i (range 0 n 1) (f i))"),
        ("(loop (i (g 1) (+ n 1)) (f i) 3)", "(loop i (range (g 1) (+ n 1) 1) (f i) 3)"),
        ("(loop i 50 (f i))", "(loop i (range 0 50 1) (f i))"),
        ("(loop i 0 (f i))", "(loop i 0 (f i))"),
        ("(loop i -3 (f i))", "(loop i -3 (f i))"),
        ("(loop i n (f i))", "(loop i n (f i))"),
        ("(loop i 50)", "(loop i 50)"),
        ("(loop (i 0) (f i))", "(loop (i 0) (f i))"),
        ('(@ (@ "a" 1) (@ "b" (g x)))', '(dictionary "a" 1 "b" (g x))'),
        ('(@ (@ "abc" 1) i)', '(at (at "abc" 1) i)'),
        ("(@ (@ d 1) (@ d 2))", "(at (at d 1) (at d 2))"),
        ("'(loop i 50 (f i))", "'(loop i 50 (f i))"),
    ],
)
def test_spellings_of_the_guides(text: str, result: str) -> None:
    check(text, result)


def test_what_the_guides_spell_runs() -> None:
    lisp = LispE()
    program = """
    (setq config (@ (@ "size" 3) (@ "sizes" (integers 4 5))))
    (defun f(table key) (table @ key))
    (setq seen ()) (loop (i 1 (config @ "size")) (push seen i)) (loop i 3 (push seen i))
    (loop (i 2 2) (push seen "never"))
    (list seen (config @ "sizes" -1) (f config "size") (f (dictionary "k" 6) "k"))
    """
    assert lisp.show(lisp.evaluate_text(program)) == "((1 2 0 1 2) 5 3 6)"
    assert lisp.eval("(defun g(h l) (h @ l)) (g (\\(o l) (o l 1)) '(7 8))") == 8
    with pytest.raises(LispError, match="index out of bounds"):
        lisp.eval('(config @ "other")')
    with pytest.raises(LispError, match="Not a function") as caught:
        lisp.eval("(setq l (list 1 2))\n  (l @ 1)")
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_a_loop_between_numbers_keeps_its_places() -> None:
    with pytest.raises(LispError, match="Unbound atom: 'ending'") as caught:
        LispE().eval("1\n(loop (i 0 ending) i)")
    assert (caught.value.line, caught.value.column) == (2, 12)


# --- macros --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, result",
    [
        ("(defmacro sq(x) (* x x)) (sq 7)", "(* 7 7)"),
        ("(defmacro sq(x) (* x x)) (λ (k) (sq (sq k)))", "(λ (k) (* (* k k) (* k k)))"),
        ("(defmacro lst($ b) (list 0 $ b 9)) (lst 1 2)", "(list 0 1 2 9)"),
        ("(defmacro lst($ b) (list 0 $ b 9)) (lst)", "(list 0 9)"),
        ("(defmacro lst($ b) (list 0 b)) (lst 1 2)", "(list 0 (1 2))"),
        ("(defmacro w(c $ b) (while c $ b (end))) (w (< x 1) (f) (g))", "(while (< x 1) (f) (g) (end))"),
        ("(defmacro m(x) (list $ x)) (m 5)", "(list $ 5)"),
        ("(defmacro show(x) (println 'x \"=\" x)) (show v)", "(println 'v \"=\" v)"),
        ("(defmacro m($ r) (list '($ r))) (m 1 2)", "(list '(1 2))"),
        ("(defmacro m(x) x) (m (f 1))", "(f 1)"),
        ('(defmacro m(x) "text") (m 1)', '"text"'),
        ("(defmacro m() (list 1)) (m)", "(list 1)"),
        ("(defmacro m(f $ a) (f $ a)) (m + 1 2)", "(+ 1 2)"),
        ("(defmacro m(x) (λ (x) x)) (m z)", "(λ (z) z)"),
        ("(defmacro m(op) (infix 1 op 2)) (m *)", "(* 1 2)"),
        ("(defmacro m(s) (f_ s)) (m \"{x}!\")", '(+ "" x "!")'),
        ("(defmacro m(x) (car x)) (m . cdr z)", "(car (cdr z))"),
        ("(defmacro m(x) (f . g x)) (m 1)", "(f (g 1))"),
        ("(defmacro m(x) {x:1}) (m k)", "{k:1}"),
        ("(defmacro m(x) (f x)) {\"a\":(m 1)}", '{"a":(f 1)}'),
        ("(defmacro a(x) (b x)) (defmacro b(x) (c x)) (a 1)", "(c 1)"),
        ("(defmacro all(a) a) (defmacro all(a $ r) (if a (all $ r) nil)) (all p q r)", "(if p (if q r nil) nil)"),
        ("(block (defmacro m(x) (f x)) (m 1))", "(block (f 1))"),
        ("(defmacro mk(n) (defmacro n(x) (f x))) (block (mk k) (k 1))", "(block (f 1))"),
    ],
)  # fmt: skip
def test_macro(text: str, result: str) -> None:
    check(text, result)


@pytest.mark.parametrize(
    "patterns, arguments, result",
    [
        ("x y", "1 2", "((x 1) (y 2))"),
        ("[a b]", "(1 2)", "((a 1) (b 2))"),
        ("[a b]", "(1 2 3)", None),
        ("[a b]", "5", None),
        ("[a $ r]", "(1 2 3)", "((a 1) (r (2 3)))"),
        ("[a $ r]", "(1)", "((a 1) (r ()))"),
        ("[a $ r]", "()", None),
        ("('tag x)", "(tag 5)", "((x 5))"),
        ("('tag x)", "(other 5)", None),
        ("('tag x)", "('tag 5)", None),
        ("'tag x", "tag 5", "((x 5))"),
        ("(head x)", "(f 5)", "((head f) (x 5))"),
        ("x x", "(f 1) (f 1)", "((x (f 1)))"),
        ("x x", "1 2", None),
        ("_ y", "1 2", "((y 2))"),
        ("nil y", "1 2", "((y 2))"),
        ("true y", "true 2", "((y 2))"),
        ("true y", "1 2", None),
        ("5 y", "5 2", "((y 2))"),
        ("5 y", "true 2", None),
        ('"a"', '"a"', "()"),
        ('"a"', "a", None),
        ("[]", "()", "()"),
        ("()", "nil", "()"),
        ("[]", "(1)", None),
        ("[integer_ x]", "5", "((x 5))"),
        ("[integer_ x]", "5.5", None),
        ("[integer_ x]", "true", None),
        ("[number_ x]", "5.5", "((x 5.5))"),
        ("[string_ x]", '"s"', '((x "s"))'),
        ("[atom_ x]", "a", "((x a))"),
        ("[atom_ x]", "nil", "((x nil))"),
        ("[list_ x]", "(a b)", "((x (a b)))"),
        ("[list_ [a b]]", "(a b)", "((a a) (b b))"),
        ("[integer_]", "5", "()"),
        ("a* b", "1 2 3", "((a (1 2)) (b 3))"),
        ("a* b", "3", "((a ()) (b 3))"),
        ("a+ b", "3", None),
        ("a+ b", "1 2 3", "((a (1 2)) (b 3))"),
        ("a% b", "3", "((a nil) (b 3))"),
        ("a% b", "1 3", "((a 1) (b 3))"),
        ("a% b", "1 2 3", None),
        ("[a* 'mid b*]", "(1 2 mid 3)", "((a (1 2)) (b (3)))"),
        ("a* a+", "1 2", None),
        ('{"k":x}', '{"k":5}', "((x 5))"),
        ('{"k":x}', '{"j":5}', None),
        ('{"k":x}', '{"k":5 "j":6}', None),
        ('{"k":x $:r}', '{"j":6 "k":5}', '((x 5) (r {"j":6}))'),
        ('{v:w "k":x}', '{"k":5 "j":6}', '((x 5) (v "j") (w 6))'),
        ('{"k":x}', "(1 2)", None),
        ("{}", "{}", "()"),
        ("[x]", "{1}", None),
    ],
)
def test_macro_pattern(patterns: str, arguments: str, result: str | None) -> None:
    names = [] if result is None else [pair[0].name for pair in one(result)]
    template = "(" + " ".join(f"('{name}. {name})" for name in names) + ")"
    template = template.replace(".", "")
    text = f"(defmacro m({patterns}) (quote {template})) (m {arguments})"
    if result is None:
        assert refused(text).message.startswith("cannot apply this macro: m to '(m")
        return
    ((_, found),) = expanded(text)
    pairs = one(result)
    for (name, value), (_, taken) in zip(pairs, found, strict=True):
        assert same_form(taken, value), name


def test_bodies_are_tried_in_order() -> None:
    check(
        "(defmacro m(('first l)) (car l)) (defmacro m(('rest l)) (cdr l)) (defmacro m(x) (none x))"
        "(m (first k)) (m (rest k)) (m (last k)) (m 5)",
        "(car k)", "(cdr k)", "(none (last k))", "(none 5)",
    )  # fmt: skip


def test_same_patterns_replace_a_body() -> None:
    check("(defmacro m(x) (f x)) (m 1) (defmacro m(x) (g x)) (m 1)", "(f 1)", "(g 1)")


def test_no_body_takes_the_call() -> None:
    error = refused("(defmacro m(a b) (+ a b))\n(f\n  (m 1))")
    assert error.message == "cannot apply this macro: m to '(m 1)'"
    assert (error.line, error.column) == (3, 3)


@pytest.mark.parametrize(
    "text, message",
    [
        ("(defmacro m(x))", "wrong number of arguments"),
        ("(defmacro m)", "wrong number of arguments"),
        ("(defmacro m(x) (f) (g))", "wrong number of arguments"),
        ("(defmacro m 5 (f))", "List of missing parameters in a function declaration"),
        ("(defmacro 5 (x) (f))", "the name of a macro is missing"),
    ],
)
def test_malformed_definition(text: str, message: str) -> None:
    error = refused("\n" + text)
    assert error.message == message
    assert error.line == 2


@pytest.mark.parametrize(
    "text",
    [
        "(quote (m 5))",
        "'(m 5)",
        "(λ (m x) m)",
        "(λ (m) m)",
        "(defun g (m x) m)",
        "(defun m (x) x)",
        "(defun g (x (m 2)) m)",
        "(defpat g (m x) m)",
        "(let ((m 5)) m)",
        "(setq m 5)",
        "(setq (m x) '(1 2))",
        "(lloop (m x) l k x)",
        "(cond (m 1) (true 2))",
        "(switch v (m 1) (true 2))",
        "(data@ (m _))",
        "(class@ C (m (m 1)) (defun f (m) m))",
        "m",
    ],
)
def test_what_is_no_call_is_left_alone(text: str) -> None:
    form = one(text)
    expander = Expander()
    expander.define_macro(one("(defmacro m(x) (wrong x))"))
    assert expander.expand(form) is form


@pytest.mark.parametrize(
    "text, result",
    [
        ("(defun g (a (x (m 1))) (m 2))", "(defun g (a (x (f 1))) (f 2))"),
        ("(let ((a (m 1)) (b 2)) (m a))", "(let ((a (f 1)) (b 2)) (f a))"),
        ("(cond ((m 1) (m 2)))", "(cond ((f 1) (f 2)))"),
        ("(switch (m 1) (2 (m 3)))", "(switch (f 1) (2 (f 3)))"),
        ("(defpat g ([integer_ (m x)]) (m x))", "(defpat g ([integer_ (f x)]) (f x))"),
        ("(class@ C (a (b (m 1))) (defun g () (m 2)))", "(class@ C (a (b (f 1))) (defun g () (f 2)))"),
        ("(setq x (m 1))", "(setq x (f 1))"),
        ("(o (m 1))", "(o (f 1))"),
        ("((m 1) 2)", "((f 1) 2)"),
    ],
)  # fmt: skip
def test_where_calls_are_found(text: str, result: str) -> None:
    check("(defmacro m(x) (f x)) " + text, result)


def test_what_is_not_rewritten_stays_the_same_object() -> None:
    form = one("(f (g (infix 1 + 2)) (h 'x {1:2}))")
    result = Expander().expand(form)
    assert result is not form
    assert result[2] is form[2]
    assert form[1][1][0] is Symbol("infix"), "the source must not be changed"
    assert result.where == form.where
    assert result[1].where == form[1].where


def test_expansion_has_the_place_of_the_call() -> None:
    (form,) = expanded("(defmacro m(x y) (f (g x)\n y))\n\n(h (m (k 1)\n  2))")
    call = form[1]
    assert call.where[:4] == (4, 4, 5, 5)
    assert call[1].where[:4] == (4, 4, 5, 5)
    assert call.where.members == (call.where[:4],) * 3
    assert call[1].where.members == ((4, 4, 5, 5), (4, 7, 4, 12))
    assert call[1][1].where[:4] == (4, 7, 4, 12)
    assert call[1][1].where.members == ((4, 8, 4, 9), (4, 10, 4, 11))


def test_members_stay_beside_their_places_when_a_definition_goes() -> None:
    (form,) = expanded("(block (defmacro m(x) x) (m 1) (f))")
    assert form.where.members == ((1, 2, 1, 7), (1, 26, 1, 31), (1, 32, 1, 35))


def test_braces_stay_braces() -> None:
    (form,) = expanded("(defmacro m(x) {x:(k x)}) (m 1)")
    assert type(form) is Braces
    (form,) = expanded("{1:(infix 1 + 2)}")
    assert type(form) is Braces
    assert form.kind == "dictionaryi"


def test_condition_in_a_pattern() -> None:
    asked: list[Any] = []

    def condition(test: List) -> bool | None:
        asked.append(test)
        if test[0].name not in ("<", ">"):
            return None
        quoted, limit = test[1], test[2]
        limit = limit[1] if isinstance(limit, List) else limit
        if not isinstance(quoted[1], int):
            return False
        return bool(quoted[1] < limit if test[0].name == "<" else quoted[1] > limit)

    expander = Expander(condition)
    for form in read(
        "(defmacro m((< x 10)) (small x)) (defmacro m((> x 100)) (large x))"
        "(defmacro m(x) (other x)) (defmacro n((f x)) (pair f x))"
    ):
        expander.define_macro(form)
    assert expander.expand(one("(m 5)")) == one("(small 5)")
    assert expander.expand(one("(m 500)")) == one("(large 500)")
    assert expander.expand(one("(m 50)")) == one("(other 50)")
    assert expander.expand(one("(m (g))")) == one("(other (g))")
    assert expander.expand(one("(n (g 1))")) == one("(pair g 1)")
    assert same_form(asked[0], one("(< '5 10)"))


def test_one_step() -> None:
    expander = Expander()
    expander.define_macro(one("(defmacro m(x) (n (n x)))"))
    expander.define_macro(one("(defmacro n(x) (f x))"))
    assert expander.is_macro("m") and not expander.is_macro("f")
    assert expander.macro_names() == ["m", "n"]
    assert [body.template for body in expander.bodies("m")] == [one("(n (n x))")]
    assert expander.bodies("f") == []
    step = expander.expand_once(one("(m 1)"))
    assert step == one("(n (n 1))")
    step = expander.expand_once(step)
    assert step == one("(f (n 1))")
    assert expander.expand_once(step) is step
    assert expander.expand_once(5) == 5
    assert expander.expand_once(one("(f . g x)")) == one("(f (g x))")


@pytest.mark.parametrize(
    "definitions",
    [
        "(defmacro m(x) (m x))",
        "(defmacro m(x) (list (m x)))",
        "(defmacro m(x) (list (m x) (m x)))",
        "(defmacro m(x) (m (f x)))",
        "(defmacro m(x) (n x)) (defmacro n(x) (f 1 (m x)))",
        "(defmacro m($ r) (m $ r $ r))",
    ],
)
def test_endless_macro(definitions: str) -> None:
    error = refused(f"{definitions}\n\n (m 1)")
    assert error.message in ("the macro 'm' expands for ever", "the macro 'n' expands for ever")
    assert error.line == 3


def test_many_calls_are_not_endless() -> None:
    depth = 20_000
    (form,) = expanded("(defmacro m(x) (f x)) " + "(m " * depth + "1" + ")" * depth)
    for _ in range(depth):
        head, form = form
        assert head is Symbol("f")
    assert form == 1
    (form,) = expanded("(defmacro m(x) (f x)) (g" + " (m 1)" * depth + ")")
    assert form[-1] == one("(f 1)")


@pytest.mark.parametrize(
    "opening, inner, closing, head",
    [
        ("(f ", "(infix 1 + 2)", ")", "f"),
        ("(infix 1 + ", "(2 + 3)", ")", "+"),
        ("(f . g ", "x", ")", "f"),
        ("(cond (true ", "(infix 1 + 2)", "))", "cond"),
        ("{1:", "(infix 1 + 2)", "}", "dictionaryi"),
        ("(λ (x) ", "(infix 1 + 2)", ")", "λ"),
    ],
)
def test_depth(opening: str, inner: str, closing: str, head: str) -> None:
    depth = 100_000 if opening == "(f " else 20_000
    (form,) = expanded(opening * depth + inner + closing * depth)
    seen = 0
    while isinstance(form, List):
        seen += form[0] is Symbol(head)
        form = form[-1]
    assert seen >= depth


def test_long_chain_of_dots() -> None:
    (form,) = expanded("(f" + " . f" * 20_000 + " x)")
    for _ in range(20_000):
        form = form[1]
    assert form == one("(f x)")


def test_deep_pattern_matches_or_is_an_ordinary_error() -> None:
    depth = 20_000
    deep = "[" * depth + "x" + "]" * depth
    expander = Expander()
    expander.define_macro(one(f"(defmacro m({deep}) x)"))
    try:
        assert expander.expand(one(f"(m {deep})")) is Symbol("x")
    except LispError as error:
        assert error.message == STACK_OVERFLOW


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("()[]{}' .:$12mfinx+*_\"\n"), max_size=40))
def test_any_form_is_expanded_or_refused(text: str) -> None:
    definitions = "(defmacro m(x) (f x)) (defmacro m(x [y $ z]) (g $ z . h y)) (defmacro n(x*) 'x)"
    try:
        forms = read(definitions + text)
    except LispError:
        return
    expander = Expander()
    for form in forms:
        try:
            expander.expand(form)
        except LispError as error:
            assert error.message
            assert error.line is not None
