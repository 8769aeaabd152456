"""Strings: cutting, padding, replacing, splitting.

Each function takes any value by its printed form and gives a new string.
"""

from __future__ import annotations

import re
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.registry import primitive
from lispe_py.runtime import text as texts
from lispe_py.runtime.characters import characters
from lispe_py.runtime.convert import to_integer
from lispe_py.runtime.text import count_of, like, pieces, text_of
from lispe_py.values.text import LongString
from lispe_py.values.types import TEXTS

LIBRARY = "strings"


@primitive("aslongstring")
def aslongstring(value: Any) -> LongString:
    """The printed form of a value as a ``longstring_``, which shows between backquotes.

    (list (aslongstring "a"))
    ; (`a`)
    """
    return LongString(display(value))


# --- ends ------------------------------------------------------------------


@primitive("trim", library=LIBRARY)
def trim(text: Any) -> Any:
    """A text without the blanks at its ends (characters with codes 1 to 32).

    (trim "  bark ")
    ; bark
    """
    return like(text, text_of(text).strip(texts.BLANKS))


@primitive("trimleft", library=LIBRARY)
def trimleft(text: Any) -> Any:
    """A text without the blanks at its start.

    (list (trimleft "  bark "))
    ; ("bark ")
    """
    return like(text, text_of(text).lstrip(texts.BLANKS))


@primitive("trimright", library=LIBRARY)
def trimright(text: Any) -> Any:
    """A text without the blanks at its end.

    (list (trimright "  bark "))
    ; ("  bark")
    """
    return like(text, text_of(text).rstrip(texts.BLANKS))


_EXPONENT = re.compile(r"[0-9.][eE][+-]?[0-9]+$")


@primitive("trim0", library=LIBRARY)
def trim0(text: Any) -> Any:
    """A decimal number without the zeros at its end, nor a final point.

    A text without a point, or with an exponent, is left as it is.

    (list (trim0 "7.2500") (trim0 "5.") (trim0 "1200"))
    ; ("7.25" "5" "1200")
    """
    found = text_of(text)
    if "." in found and _EXPONENT.search(found) is None:
        found = found.rstrip("0").removesuffix(".")
    return like(text, found)


@primitive("left", library=LIBRARY)
def left(text: Any, count: Any) -> Any:
    """The first characters of a text.

    (left "window" 3)
    ; win
    """
    return like(text, text_of(text)[: count_of(count)])


@primitive("right", library=LIBRARY)
def right(text: Any, count: Any) -> Any:
    """The last characters of a text.

    (right "window" 3)
    ; dow
    """
    found = text_of(text)
    return like(text, found[max(0, len(found) - count_of(count)) :])


@primitive("middle", library=LIBRARY)
def middle(text: Any, position: Any, count: Any) -> Any:
    """``count`` characters of a text from a position on; a negative count takes all of them.

    A negative position counts from the end.

    (list (middle "window" 2 3) (middle "window" 2 -1))
    ; ("ndo" "ndow")
    """
    found = text_of(text)
    start, many = to_integer(position), to_integer(count)
    if start < 0:
        start = max(0, start + len(found))
    return like(text, found[start:] if many < 0 else found[start : start + many])


@primitive("startwith", library=LIBRARY, truth=True)
def startwith(text: Any, prefix: Any) -> bool | None:
    """Does a text start with another one? With the empty text none does.

    (startwith "mississippi" "miss")
    ; true
    """
    sought = text_of(prefix)
    return True if sought and text_of(text).startswith(sought) else None


@primitive("endwith", library=LIBRARY, truth=True)
def endwith(text: Any, suffix: Any) -> bool | None:
    """Does a text end with another one? With the empty text none does.

    (endwith "mississippi" "ppi")
    ; true
    """
    sought = text_of(suffix)
    return True if sought and text_of(text).endswith(sought) else None


# --- filling ---------------------------------------------------------------


@primitive("fill", library=LIBRARY)
def fill(text: Any, count: Any) -> Any:
    """A text several times over.

    (fill "ab" 3)
    ; ababab
    """
    return like(text, text_of(text) * count_of(count))


@primitive("padding", library=LIBRARY)
def padding(text: Any, pattern: Any, size: Any) -> Any:
    """A text brought to a size by the characters of a pattern, over and over.

    They are put after it, or before it if the size is negative. A longer text
    and an empty pattern leave it as it is.

    (list (padding "go" "12" 7) (padding 42 "0" -6))
    ; ("go12121" "000042")
    """
    found, filler, wanted = text_of(text), text_of(pattern), to_integer(size)
    missing = abs(wanted) - len(found)
    if missing <= 0 or not filler:
        return like(text, found)
    added = (filler * (missing // len(filler) + 1))[:missing]
    return like(text, added + found if wanted < 0 else found + added)


_MARK = re.compile(r"%([1-9])")


@primitive("format", library=LIBRARY, arity=(2, 10))
def format_(pattern: Any, *values: Any) -> Any:
    """A text in which ``%1`` to ``%9`` stand for the values that follow.

    The mark of a value that is missing or nil stays. What is inserted is not
    looked at again.

    (format "%2 and %1" "left" "right")
    ; right and left
    """

    def value(found: re.Match[str]) -> str:
        place = int(found[1])
        given = values[place - 1] if place <= len(values) else None
        return found[0] if given is None else text_of(given)

    result = _MARK.sub(value, text_of(pattern))
    return LongString(result) if pattern.__class__ is LongString else like(pattern, result)


# --- replacing -------------------------------------------------------------


@primitive("replace", library=LIBRARY)
def replace(text: Any, old: Any, new: Any, end: Any = None) -> Any:
    """A text with all occurrences of another one replaced.

    With four arguments, ``(replace text new from to)``, the characters from a
    position up to another are replaced; negative positions count from the end.

    (list (replace "pepper" "p" "") (replace "pepper" "__" 2 4))
    ; ("eer" "pe__er")
    """
    if text.__class__ not in TEXTS:
        raise LispError(
            "cannot apply 'replace' to this type of object",
            hint=f"it takes a string, and this is '{display(text)}'",
        )
    found = text_of(text)
    if end is None:
        sought = text_of(old)
        return found.replace(sought, text_of(new)) if sought else str(found)
    size = len(found)
    start, stop = to_integer(new), to_integer(end)
    start = max(0, start + size) if start < 0 else start
    stop = min(stop + size if stop < 0 else stop, size)
    if start >= size or stop < start:
        raise LispError("out of range")
    return like(text, found[:start] + text_of(old) + found[stop:])


# --- splitting -------------------------------------------------------------


@primitive("split", library=LIBRARY)
def split(text: Any, separator: Any = None) -> Any:
    """The pieces of a text between separators; empty pieces are left out.

    Without a separator it is cut at blanks, with an empty one into characters.

    (list (split ";red;;blue;" ";") (split "a  b") (split "né" ""))
    ; (("red" "blue") ("a" "b") ("n" "é"))
    """
    found = text_of(text)
    if separator is None:
        return pieces(text, texts.words(found))
    sought = text_of(separator)
    if not sought:
        return pieces(text, characters(found))
    return pieces(text, [piece for piece in found.split(sought) if piece])


@primitive("splite", library=LIBRARY)
def splite(text: Any, separator: Any = None) -> Any:
    """The pieces of a text before each separator, empty pieces included.

    What follows the last separator is left out. Without a separator it is cut
    at each blank, and a last piece that is not empty is kept.

    (list (splite ";red;;blue;" ";") (splite "x  y"))
    ; (("" "red" "" "blue") ("x" "" "y"))
    """
    found = text_of(text)
    if separator is None:
        return pieces(text, texts.at_blanks(found))
    sought = text_of(separator)
    if not sought:
        return pieces(text, characters(found))
    return pieces(text, found.split(sought)[:-1])


@primitive("ngrams", library=LIBRARY)
def ngrams(text: Any, size: Any) -> Any:
    """All runs of ``size`` characters of a text.

    (ngrams "delta" 2)
    ; ("de" "el" "lt" "ta")
    """
    count = to_integer(size)
    if count <= 0:
        raise LispError("nb should be a positive value")
    found = text_of(text)
    return pieces(text, [found[i : i + count] for i in range(len(found) - count + 1)])


# --- case ------------------------------------------------------------------


@primitive("lower", library=LIBRARY)
def lower(text: Any) -> Any:
    """A text in small letters; each letter gives one letter.

    (lower "GÂTEAU Ñ")
    ; gâteau ñ
    """
    return like(text, texts.lower(text_of(text)))


@primitive("upper", library=LIBRARY)
def upper(text: Any) -> Any:
    """A text in capital letters; a letter without a single capital stays.

    (upper "gâteau, straße")
    ; GÂTEAU, STRAßE
    """
    return like(text, texts.upper(text_of(text)))


@primitive("deaccentuate", library=LIBRARY)
def deaccentuate(text: Any) -> Any:
    """A text with its accented letters replaced by their base letters.

    Letters with a stroke count (``ø ł đ``), ligatures do not (``œ æ ß``).

    (deaccentuate "Crème brûlée à l'été")
    ; Creme brulee a l'ete
    """
    return like(text, texts.deaccentuate(text_of(text)))


# --- comparison and structure ----------------------------------------------


@primitive("editdistance", library=LIBRARY)
def editdistance(first: Any, second: Any) -> int:
    """Levenshtein's distance of two texts: insertions, deletions and replacements.

    (editdistance "sunday" "saturday")
    ; 3
    """
    return texts.edit_distance(text_of(first), text_of(second))


@primitive("getstruct", library=LIBRARY)
def getstruct(text: Any, opening: Any, closing: Any, position: Any = None) -> Any:
    """The next balanced group of a text, with its start and its end; nil if there is none.

    The first characters of ``opening`` and ``closing`` count. Texts between
    double quotes inside the group are passed over.

    (getstruct "f(x, g(y)) + h(z)" "(" ")")
    ; ("(x, g(y))" 1 10)
    """
    from lispe_py.values.lists import List

    found = text_of(text)
    start = max(0, texts.optional(position, 0))
    group = texts.balanced(found, text_of(opening)[:1], text_of(closing)[:1], start)
    if group is None:
        return None
    return List([like(text, found[group[0] : group[1]]), *group])


_OPENING, _CLOSING = "([{", ")]}"


@primitive("indent", library=LIBRARY)
def indent(code: Any, lisp: Any = None) -> str:
    """The text of a program with its lines indented by the brackets around them.

    With a true second argument the text is LispE: ``;`` begins a comment there,
    and a backquote a string.

    (indent "(a\\n(b\\nc))" true)
    ; (a
    ;    (b
    ;       c))
    """
    from lispe_py.runtime.truth import truth

    skip = _LISP_TEXT if truth(lisp) else _OTHER_TEXT
    lines: list[str] = []
    depth = 0
    inside: str | None = None
    for line in text_of(code).split("\n"):
        if inside is not None:
            lines.append(line)
            end = line.find(inside)
            if end < 0:
                continue
            body, inside = line[end + 1 :], None
        else:
            line = line.strip()
            closers = len(line) - len(line.lstrip(_CLOSING))
            lines.append("   " * max(0, depth - closers) + line if line else "")
            body = line
        body = skip.sub("", body)
        for place, character in enumerate(body):
            if character == "`":
                inside = character
                body = body[:place]
                break
        depth += sum(map(body.count, _OPENING)) - sum(map(body.count, _CLOSING))
        depth = max(0, depth)
    return "\n".join(lines)


_LISP_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|;.*')
_OTHER_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
