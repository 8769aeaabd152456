"""Cutting texts: ``segment``, and tokenizers made of rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lispe_py.builtins.strings import text_of
from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.registry import primitive
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.sequence import iterate
from lispe_py.runtime.tokenizing import LANGUAGE, Tokenizer, segmentation
from lispe_py.values.lists import List
from lispe_py.values.sets import SetS
from lispe_py.values.typed import Integers, Strings
from lispe_py.values.types import is_list, is_set


@lru_cache(maxsize=8)
def _segmenter(keep_blanks: bool, point: int) -> Tokenizer:
    return Tokenizer(segmentation(keep_blanks, point))


def _point(value: Any) -> int:
    point = to_integer(value)
    if point not in (0, 1, 2):
        raise LispError("the decimal sign is 0, a point, 1, a comma, or 2, either")
    return point


@primitive("segment")
def segment(value: Any, point: Any = 0) -> Strings:
    """The words, numbers and signs of a text in a natural language.

    Decimals are written with a point (0), a comma (1) or either (2). Times,
    ordinals, addresses and words with hyphens or apostrophes stay whole; a sign
    before a digit belongs to the number.

    (segment "don't pay $12, mail me@home.org at 10:30am!")
    ; ("don't" "pay" "$12" "," "mail" "me@home.org" "at" "10:30am" "!")
    """
    return Strings(_segmenter(False, _point(point)).tokens(text_of(value))[0])


@primitive("segment_e")
def segment_e(value: Any, point: Any = 0) -> Strings:
    """The words, numbers, signs and single blanks of a text.

    (segment_e "x, y")
    ; ("x" "," " " "y")
    """
    return Strings(_segmenter(True, _point(point)).tokens(text_of(value))[0])


# ---------------------------------------------------------------- rules


def _tokenizer(value: Any) -> Tokenizer:
    if not isinstance(value, Tokenizer):
        raise LispError(f"a tokenizer is expected, not: '{display(value)}'")
    return value


@primitive("tokenizer", "tokenizer_rules")
def tokenizer() -> Tokenizer:
    """A tokenizer with rules for the language itself; blanks are tokens too.

    (tokenize (tokenizer) "foo 12 (bar)")
    ; ("foo" " " "12" " " "(" "bar" ")")
    """
    return Tokenizer(LANGUAGE)


_main = Tokenizer(LANGUAGE)


@primitive("tokenizer_main")
def tokenizer_main() -> Tokenizer:
    """The one shared tokenizer of the language, the same at every call.

    Programs are read by a grammar: other rules here do not change that.

    (eq (tokenizer_main) (tokenizer_main))
    ; true
    """
    return _main


@primitive("segmenter")
def segmenter(keepblanks: Any, point: Any = 0) -> Tokenizer:
    """A tokenizer with the rules of ``segment``, which keeps blanks if asked to.

    (tokenize (segmenter nil 1) "1,5 1.5")
    ; ("1,5" "1" "." "5")
    """
    return Tokenizer(segmentation(bool(keepblanks), _point(point)))


@primitive("tokenize", "tokenize_rules")
def tokenize(tokenizer: Any, value: Any, types: Any = None) -> Any:
    """The tokens of a text by the rules of a tokenizer; with the actions if asked to.

    A character that no rule takes is a token of action 0.

    (setq h (tokenizer)) (set_tokenizer_rules h '("%a+=1" "%d+=2" "%s=#"))
    (tokenize h "abc 12" true)
    ; (("abc" "12") (1 2))
    """
    tokens, actions = _tokenizer(tokenizer).tokens(text_of(value))
    return List([Strings(tokens), Integers(actions)]) if types else Strings(tokens)


@primitive("get_tokenizer_rules")
def get_tokenizer_rules(tokenizer: Any) -> Strings:
    """The rules of a tokenizer, in order.

    (setq h (tokenizer)) (set_tokenizer_rules h '("%d+=1" "%s=#")) (get_tokenizer_rules h)
    ; ("%d+=1" "%s=#")
    """
    return Strings(_tokenizer(tokenizer).rules)


@primitive("set_tokenizer_rules")
def set_tokenizer_rules(tokenizer: Any, rules: Any) -> bool:
    """Replace the rules of a tokenizer by a list of rules ``body=action``.

    The first rule that matches wins. In a body: characters, ``%`` before a
    reserved one, ``?`` any, ``#65`` or ``#a-f`` codes, the classes of ``rgx``
    and ``%o`` for operators, ``{..}`` one of, ``(..)`` optional, ``* +``
    repetition, ``-`` after what is left out of the token, ``~`` not;
    ``h:{%d #a-f}`` makes ``%h`` a class. An action is a number up to 255, a
    letter, or ``#`` for no token.

    (setq h (tokenizer)) (set_tokenizer_rules h '("'-~'*'-=8" "%a+=1" "%s=#"))
    (tokenize h "x 'two words' y")
    ; ("x" "two words" "y")
    """
    if not is_list(rules):
        raise LispError("This function expects a list")
    _tokenizer(tokenizer).set_rules(tuple(text_of(rule) for rule in iterate(rules)))
    return True


@primitive("get_tokenizer_operators")
def get_tokenizer_operators(tokenizer: Any) -> SetS:
    """The characters that ``%o`` matches in the rules of a tokenizer.

    (setq h (tokenizer)) (set_tokenizer_operators h (sets "@")) (get_tokenizer_operators h)
    ; {"@"}
    """
    return SetS(_tokenizer(tokenizer).operators)


@primitive("set_tokenizer_operators")
def set_tokenizer_operators(tokenizer: Any, operators: Any) -> bool:
    """Replace the characters that ``%o`` matches in the rules of a tokenizer.

    (setq h (tokenizer)) (set_tokenizer_operators h (sets "@" "§"))
    (set_tokenizer_rules h '("%o=4" "?=1")) (tokenize h "a@" true)
    ; (("a" "@") (1 4))
    """
    if not is_set(operators):
        raise LispError("This function expects a set")
    found = frozenset(text_of(operator) for operator in operators)
    if any(len(operator) != 1 for operator in found):
        raise LispError("an operator is one character")
    _tokenizer(tokenizer).set_operators(found)
    return True


@primitive("tokenizer_display")
def tokenizer_display(tokenizer: Any) -> str:
    """The rules of a tokenizer as they were compiled: actions and patterns.

    (setq h (tokenizer)) (set_tokenizer_rules h '("%d+=1")) (tokenizer_display h)
    ; 1: (?:[0-9])+
    """
    return _tokenizer(tokenizer).description()
