"""Tokenizers made of rules, and the rules that cut a natural language.

A rule is ``body=action``; the first one that matches wins::

    x  a character        %x  a reserved one      ?  any       #n #a-f  codes
    %a %c %C %d %h %H %e %E %n %o %p %r %s %S  classes, %o operators
    {..}  one of          (..)  optional          [..]  a sequence
    e* e+  repetition     e-  recognised but left out          ~e  anything but
    k:{..}  makes %k a class of its own for the rules that follow
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import Adapter, register_adapter
from lispe_py.runtime import letters
from lispe_py.runtime.regex import CLASSES

OPERATORS = frozenset("!#$%&*+,-/<=>?@\\^|~§¬°•")

#: action of a rule whose tokens are not kept
SKIP = -1


def _failure(rule: str, message: str) -> LispError:
    return LispError(f"Error in: {rule}. Error is: {message}")


class Element:
    """One element of a rule, as patterns of the regex module."""

    __slots__ = ("whole", "inside")

    def __init__(self, whole: str, inside: str = "") -> None:
        self.whole = whole
        #: how it is written in a class of characters; empty: it cannot be
        self.inside = inside

    def negated(self) -> Element:
        if self.inside:
            return Element(f"[^{self.inside}]")
        return Element(f"(?!{self.whole})(?s:.)")


def _class(inside: str) -> Element:
    return Element(f"[{inside}]", inside)


class RuleReader:
    """Reads one rule."""

    def __init__(self, rule: str, body: str, classes: dict[str, Element]) -> None:
        self.rule = rule
        self.body = body
        self.classes = classes
        self.at = 0

    def peek(self) -> str:
        return self.body[self.at : self.at + 1]

    def take(self, what: str = "an element is missing.") -> str:
        character = self.peek()
        if not character:
            raise _failure(self.rule, what)
        self.at += 1
        return character

    def pattern(self) -> str:
        if not self.body:
            raise _failure(self.rule, "the body is empty.")
        if self.body.startswith("%E"):
            raise _failure(self.rule, "%E cannot start a rule.")
        text, _ = self.sequence("", False)
        return text

    def sequence(self, closing: str, followed: bool) -> tuple[str, bool]:
        """The pattern up to a closing bracket; whether something in it must come."""
        parts: list[tuple[Any, str, bool]] = []
        while self.peek() != closing:
            if not self.peek():
                raise _failure(self.rule, f"'{closing}' is missing.")
            parts.append(self.part())
        if closing:
            self.at += 1
        out: list[str] = []
        mandatory = False
        for content, sign, dropped in reversed(parts):
            text = f"(?:{content})" if sign else content
            if sign in ("+", "*"):
                # It stops where the next element can start.
                text += sign + ("?" if followed or mandatory else "")
            elif sign == "?":
                text += "?"
            out.append(f"({text})" if dropped else text)
            mandatory = mandatory or sign not in ("*", "?")
        return "".join(reversed(out)), mandatory

    def part(self) -> tuple[str, str, bool]:
        """A pattern, its repetition, and whether it is left out of the token."""
        character = self.peek()
        if character == "(":
            self.at += 1
            text, _ = self.sequence(")", False)
            return text, "?", self.dropped()
        if character == "[":
            self.at += 1
            text, _ = self.sequence("]", False)
        else:
            if character in ("*", "+"):
                raise _failure(
                    self.rule, f"'{character}' operator is not associated with any element."
                )
            text = self.element().whole
        sign = self.take() if self.peek() in ("*", "+") and self.peek() else ""
        return text, sign, self.dropped()

    def dropped(self) -> bool:
        if self.peek() == "-":
            self.at += 1
            return True
        return False

    def element(self) -> Element:
        character = self.take()
        if character == "~":
            return self.element().negated()
        if character == "{":
            return self.choice()
        if character == "?":
            return Element("(?s:.)")
        if character == "%":
            name = self.take("a character must follow '%'.")
            return self.classes.get(name) or _class(re.escape(name))
        if character == "#":
            return self.code()
        if character in ")]}":
            raise _failure(self.rule, f"'{character}' closes nothing.")
        return _class(re.escape(character))

    def code(self) -> Element:
        """``#66``, ``#48-57`` or ``#a-f``."""
        found = re.compile(r"(\d+|[!-~])(?:-(\d+|[!-~]))?").match(self.body, self.at)
        if found is None:
            raise _failure(self.rule, "a code must follow '#'.")
        self.at = found.end()
        bounds = [self.character(bound) for bound in found.groups() if bound]
        if bounds != sorted(bounds):
            raise _failure(self.rule, "the range is empty.")
        return _class("-".join(map(re.escape, bounds)))

    def character(self, text: str) -> str:
        if not text.isdigit():
            return text
        code = int(text)
        if not 0 < code < 0x110000:
            raise _failure(self.rule, f"no character has the code {text}.")
        return chr(code)

    def choice(self) -> Element:
        inside: list[str] = []
        others: list[str] = []
        while self.peek() != "}":
            character = self.peek()
            if not character:
                raise _failure(self.rule, "'}' is missing.")
            if character.isspace():
                self.at += 1
            elif character == "[":
                self.at += 1
                others.append(self.sequence("]", False)[0])
            elif character in "*+":
                raise _failure(
                    self.rule, f"'{character}' operator is not associated with any element."
                )
            else:
                item = self.element()
                if item.inside:
                    inside.append(item.inside)
                else:
                    others.append(item.whole)
        self.at += 1
        if not inside and not others:
            raise _failure(self.rule, "the braces are empty.")
        if not others:
            return _class("".join(inside))
        if inside:
            others.append(f"[{''.join(inside)}]")
        return Element(f"(?:{'|'.join(others)})")


def _classes(operators: frozenset[str]) -> dict[str, Element]:
    inside = {
        **CLASSES,
        "p": letters.PUNCTUATION,
        "h": letters.GREEK,
        "H": letters.ASIAN,
        "E": letters.EMOJI_COMPLEMENT,
    }
    del inside["x"]
    found = {name: _class(text) for name, text in inside.items()}
    found["e"] = Element(letters.EMOJI)
    found["o"] = (
        _class("".join(map(re.escape, sorted(operators)))) if operators else Element("(?!)")
    )
    return found


def _action(rule: str, text: str) -> int:
    text = text.removeprefix(":")
    if text == "#":
        return SKIP
    if text.isdecimal() and int(text) < 256:
        return int(text)
    if len(text) == 1 and text.isalpha():
        return ord(text) - 48
    raise _failure(rule, f"'{text}' is no action.")


class Compiled:
    """Rules as one pattern, with the action of each."""

    __slots__ = ("pattern", "actions", "patterns")

    def __init__(self, rules: tuple[str, ...], operators: frozenset[str]) -> None:
        import regex

        classes = _classes(operators)
        self.actions: list[int] = []
        self.patterns: list[str] = []
        for rule in rules:
            if rule[1:2] == ":" and rule[2:3] == "{":
                reader = RuleReader(rule, rule[2:], classes)
                classes[rule[0]] = reader.element()
                continue
            body, equal, action = rule.rpartition("=")
            if not equal or (body.endswith("%") and not body.endswith("%%")):
                raise _failure(rule, "missing '=' sign for label assignment.")
            self.actions.append(_action(rule, action))
            text = RuleReader(rule, body, classes).pattern()
            try:
                empty = regex.fullmatch(text, "") is not None
            except regex.error:
                raise _failure(rule, "it cannot be compiled.") from None
            # A rule that can match nothing must still take a character.
            self.patterns.append(f"(?=(?s:.)){text}(?<!\\G)" if empty else text)
        marked = [f"(?P<r{i}>{text})" for i, text in enumerate(self.patterns)]
        self.pattern: Any = regex.compile("|".join([*marked, "(?s:.)"]))

    def tokens(self, text: str) -> tuple[list[str], list[int]]:
        """The tokens of a text and their actions."""
        tokens: list[str] = []
        actions: list[int] = []
        kept = {f"r{i}": action for i, action in enumerate(self.actions)}
        names = {number: name for name, number in self.pattern.groupindex.items()}
        for found in self.pattern.finditer(text):
            if found.end() == found.start():
                continue
            rule = found.lastgroup
            action = kept[rule] if rule else 0
            if action == SKIP:
                continue
            tokens.append(self.without_dropped(found, names))
            actions.append(action)
        return tokens, actions

    def without_dropped(self, found: Any, names: dict[int, str]) -> str:
        """The text of a match but for the groups that have no name."""
        token: str = found[0]
        if len(names) == self.pattern.groups:
            return token
        spans = sorted(
            (span for number in range(1, self.pattern.groups + 1) if number not in names
             for span in found.spans(number)),
            reverse=True,
        )  # fmt: skip
        start = found.start()
        for begin, end in spans:
            token = token[: begin - start] + token[end - start :]
        return token


@lru_cache(maxsize=128)
def compiled(rules: tuple[str, ...], operators: frozenset[str]) -> Compiled:
    return Compiled(rules, operators)


class Tokenizer:
    """``tokenize_rule``: rules and a set of operators, both of which can be replaced."""

    __slots__ = ("rules", "operators")

    def __init__(self, rules: tuple[str, ...], operators: frozenset[str] = OPERATORS) -> None:
        self.rules = rules
        self.operators = operators
        compiled(rules, operators)

    def set_rules(self, rules: tuple[str, ...]) -> None:
        compiled(rules, self.operators)
        self.rules = rules

    def set_operators(self, operators: frozenset[str]) -> None:
        compiled(self.rules, operators)
        self.operators = operators

    def tokens(self, text: str) -> tuple[list[str], list[int]]:
        return compiled(self.rules, self.operators).tokens(text)

    def description(self) -> str:
        """Each rule with the pattern it became and its action."""
        found = compiled(self.rules, self.operators)
        lines = [
            f"{'#' if action == SKIP else action}: {pattern}"
            for action, pattern in zip(found.actions, found.patterns, strict=True)
        ]
        return "\n".join(lines)


class TokenizerAdapter(Adapter):
    name = "tokenize_rule"

    def show(self, value: Any) -> str:
        return f"tokenize_rule({len(value.rules)})"


register_adapter(Tokenizer, TokenizerAdapter())


# ---------------------------------------------------------------- sets of rules

_SIGN = "({%+ %-})"
_DECIMAL = "%d+(.%d+)({e E}({%+ %-})%d+)"

#: How the language itself is cut; blanks are kept. The action is the code of a character
#: that is typical of the token: 65, A, of a name, 57, 9, of a number, 63, ?, of an operator.
LANGUAGE = (
    "%s+=32",
    "#10+=10",
    "#13=#",
    ";;?+;;=67",
    ";?+%r=67",
    "'=39",
    ".=46",
    ":=58",
    "%(=40",
    "%)=41",
    "%[=91",
    "%]=93",
    "%{=123",
    "%}=125",
    '(b)"{[%\\?] ~{" %\\ %r}}*"=34',
    "(b)`~`*`=96",
    "(b)«~»*»=96",
    "(b)“~”*”=96",
    f"{_SIGN}0x{{%d #a-f #A-F}}+=57",
    f"{_SIGN}0b{{0 1}}+=57",
    f"{_SIGN}{_DECIMAL}(,{_SIGN}{_DECIMAL}i)=57",
    "%%{%o %p}=65",
    "%%%d+=65",
    "{%# $}{%a %d}+=65",
    "%o+=63",
    "%e%E*=65",
    "{%a %h %H}{%a %h %H %d %o}*=65",
    "%p=32",
    "~{%S %o %p}+=65",
)


def segmentation(keep_blanks: bool, point: int) -> tuple[str, ...]:
    """Rules for natural language.

    ``point`` tells how decimals are written: 0 with a point, 1 with a comma,
    2 with either.
    """
    sign = "({%+ %-})"
    exponent = "({e E}({%+ %-})%d+)"
    decimal = ("{.}", "{,}", "{. ,}")[point]
    groups = (",", ".", ",.")[point]
    rules = [
        "%S=0" if keep_blanks else "%S=#",
        # a second one, and the time of the day
        "%d+{[nd] [rd] [th] [er]}=1",
        "%d(%d){: h}%d%d({[am] [pm]})=2",
        "%d(%d){[am] [pm]}=2",
        f"{sign}0x{{%d #a-f #A-F}}+=3",
        f"{sign}%d+{decimal}%d+{exponent}=4",
        f"{sign}%d+=3",
        "{%# $}{%a %d}+=5",
        'http(s)://~{%S , ; " < > %( %)}+=6',
        "w:{%a %d %-}",
        "%w+{[.%w+]}*@%w+{[.%w+]}*=7",
        "{%o}=8",
        "{%p}=9",
        "%e{%a %d %e %E}*=10",
        "%H{%H %d}*=11",
        "%h{%h %d}*=11",
        "%a{%a %d %- ' ’}*=12",
        "~{%S}+=13",
    ]
    for group in groups:
        rules.insert(5, f"{sign}%d(%d)(%d){{[{group}%d%d%d]}}+=3")
    return tuple(rules)
