"""Strings: trimming, parts, replacing, splitting, filling, codes of characters."""

from __future__ import annotations

import re
from typing import Any

from lispe_py.errors import LispError
from lispe_py.printer import display
from lispe_py.registry import primitive
from lispe_py.runtime.characters import characters
from lispe_py.runtime.convert import plain_number, to_integer, to_text
from lispe_py.runtime.limits import claim
from lispe_py.runtime.reading import bytes_text
from lispe_py.runtime.sequence import iterate
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol
from lispe_py.values.text import LongString
from lispe_py.values.typed import Integers, Stringbytes, Strings
from lispe_py.values.types import is_list, is_number

#: The characters of codes 1 to 32.
BLANKS = "".join(map(chr, range(1, 33)))
_BLANK = re.compile("[\x01-\x20]")

#: Characters beyond which a text is a mistake of a program.
MOST_CHARACTERS = 1 << 30


def text_of(value: Any) -> str:
    """The text of any value, as the functions on strings take it."""
    cls = value.__class__
    if cls is str:
        return value  # type: ignore[no-any-return]
    return bytes_text(value) if cls is bytes else to_text(value)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def same_kind(value: Any, text: str) -> str | bytes:
    """A result as a byte string if the argument was one."""
    return encoded(text) if value.__class__ is bytes else text


def pieces_like(value: Any, pieces: list[str]) -> Strings | Stringbytes:
    """A typed list of texts, byte strings if the argument was one."""
    if value.__class__ is bytes:
        return Stringbytes([encoded(piece) for piece in pieces])
    return Strings(pieces)


# ---------------------------------------------------------------- trimming


@primitive("trim")
def trim(value: Any) -> str | bytes:
    """The text without the blanks at both ends: the characters of codes 1 to 32.

    (list (trim "  bark \\n"))
    ; ("bark")
    """
    if value.__class__ is str:
        return value.strip(BLANKS)  # type: ignore[no-any-return]
    return same_kind(value, text_of(value).strip(BLANKS))


@primitive("trimleft")
def trimleft(value: Any) -> str | bytes:
    """The text without the blanks at its start.

    (list (trimleft "  bark "))
    ; ("bark ")
    """
    return same_kind(value, text_of(value).lstrip(BLANKS))


@primitive("trimright")
def trimright(value: Any) -> str | bytes:
    """The text without the blanks at its end.

    (list (trimright " bark  "))
    ; (" bark")
    """
    if value.__class__ is str:
        return value.rstrip(BLANKS)  # type: ignore[no-any-return]
    return same_kind(value, text_of(value).rstrip(BLANKS))


@primitive("trim0")
def trim0(value: Any) -> str | bytes:
    """A decimal number as text, without final zeros and without a final point.

    Only zeros after a decimal point go.

    (list (trim0 "7.2500") (trim0 "3.000") (trim0 "1200"))
    ; ("7.25" "3" "1200")
    """
    text = text_of(value)
    if "." in text:
        text = text.rstrip("0")
        text = text.removesuffix(".")
    return same_kind(value, text)


# ---------------------------------------------------------------- parts


@primitive("left")
def left(value: Any, n: Any) -> str | bytes:
    """The first ``n`` characters of the text; fewer if it is shorter.

    (left "window" 3)
    ; win
    """
    if value.__class__ is str and n.__class__ is int:
        return value[:n] if n > 0 else ""  # type: ignore[no-any-return]
    return same_kind(value, text_of(value)[: max(to_integer(n), 0)])


@primitive("right")
def right(value: Any, n: Any) -> str | bytes:
    """The last ``n`` characters of the text; fewer if it is shorter.

    (right "window" 3)
    ; dow
    """
    text = text_of(value)
    return same_kind(value, text[max(len(text) - max(to_integer(n), 0), 0) :])


@primitive("middle")
def middle(value: Any, position: Any, n: Any) -> str | bytes:
    """``n`` characters of the text from a position on; a negative ``n``: up to the end.

    A negative position counts as 0.

    (middle "window" 2 3)
    ; ndo
    """
    if value.__class__ is str and position.__class__ is n.__class__ is int and position >= 0:
        return value[position:] if n < 0 else value[position : position + n]  # type: ignore[no-any-return]
    text = text_of(value)
    start = max(to_integer(position), 0)
    count = to_integer(n)
    return same_kind(value, text[start:] if count < 0 else text[start : start + count])


@primitive("startwith", truth=True)
def startwith(value: Any, prefix: Any) -> bool | None:
    """Does the text start with a prefix? Nil for an empty prefix.

    (startwith "window" "win")
    ; true
    """
    start = text_of(prefix)
    return True if start and text_of(value).startswith(start) else None


@primitive("endwith", truth=True)
def endwith(value: Any, suffix: Any) -> bool | None:
    """Does the text end with a suffix? Nil for an empty suffix.

    (endwith "window" "dow")
    ; true
    """
    end = text_of(suffix)
    return True if end and text_of(value).endswith(end) else None


@primitive("ngrams")
def ngrams(value: Any, n: Any) -> Strings | Stringbytes:
    """All windows of ``n`` characters of the text; ``n`` must be positive.

    (ngrams "delta" 2)
    ; ("de" "el" "lt" "ta")
    """
    size = to_integer(n)
    if size <= 0:
        raise LispError("nb should be a positive value")
    text = text_of(value)
    return pieces_like(value, [text[i : i + size] for i in range(len(text) - size + 1)])


@primitive("explode")
def explode(value: Any) -> List:
    """The characters of the text, each as an atom.

    (explode "abc")
    ; (a b c)
    """
    return List([Symbol(character) for character in characters(text_of(value))])


# ---------------------------------------------------------------- replacing


@primitive("replace")
def replace(value: Any, old: Any, new: Any, end: Any = None) -> str:
    """A new string with every ``old`` replaced by ``new``.

    With four arguments, ``(replace s new from to)``: the slice ``[from, to)``
    is replaced; negative positions count from the end. A slice that starts
    beyond the text or ends before its start is an error.

    (list (replace "pepper" "pp" "P") (replace "pepper" "__" 2 4))
    ; ("pePer" "pe__er")
    """
    if not isinstance(value, (str, bytes)):
        raise LispError("cannot apply 'replace' to this type of object")
    text = str(text_of(value))
    if end is not None:
        return _replace_slice(text, text_of(old), to_integer(new), to_integer(end))
    sought = text_of(old)
    return text.replace(sought, text_of(new)) if sought else text


def _replace_slice(text: str, new: str, start: int, end: int) -> str:
    size = len(text)
    start = start + size if start < 0 else start
    end = end + size if end < 0 else end
    if not 0 <= start < size or end < start:
        raise LispError("out of range")
    return text[:start] + new + text[end:]


@primitive("format")
def format_(value: Any, first: Any, *others: Any) -> str | bytes:
    """The text with ``%1`` to ``%9`` replaced by the arguments.

    The mark of an argument that is absent or nil stays. What was put in is not
    looked at again.

    (format "%2, %1 and %9" 'left "right")
    ; right, left and %9
    """
    values = (first, *others)
    if len(values) > 9:
        raise LispError("'format' takes nine arguments at most")

    def found(mark: re.Match[str]) -> str:
        index = int(mark[1]) - 1
        if index >= len(values) or values[index] is None:
            return mark[0]
        return text_of(values[index])

    return same_kind(value, re.sub("%([1-9])", found, text_of(value)))


# ---------------------------------------------------------------- splitting


@primitive("split")
def split(value: Any, separator: Any = None) -> Strings | Stringbytes:
    """The pieces between separators, empty ones left out.

    Without a separator: between blanks. With an empty one: the characters.

    (list (split ";red;;blue;" ";") (split "a b") (split "né" ""))
    ; (("red" "blue") ("a" "b") ("n" "é"))
    """
    if value.__class__ is separator.__class__ is str and separator:
        pieces = value.split(separator)
        return Strings([piece for piece in pieces if piece] if "" in pieces else pieces)
    return pieces_like(value, [piece for piece in _pieces(value, separator) if piece])


@primitive("splite")
def splite(value: Any, separator: Any = None) -> Strings | Stringbytes:
    """The pieces before each separator, empty ones kept.

    What follows the last separator is no piece: end the text with a separator
    to have it too. Without a separator, between blanks, it is one.

    (list (splite ";red;;blue;" ";") (splite "x  y"))
    ; (("" "red" "" "blue") ("x" "" "y"))
    """
    if value.__class__ is separator.__class__ is str and separator:
        found = Strings(value.split(separator))
        del found[-1]
        return found
    pieces = _pieces(value, separator)
    if separator is not None and text_of(separator):
        pieces = pieces[:-1]
    elif not text_of(value):
        pieces = []
    return pieces_like(value, pieces)


def _pieces(value: Any, separator: Any) -> list[str]:
    text = text_of(value)
    if separator is None:
        return _BLANK.split(text)
    sought = text_of(separator)
    return text.split(sought) if sought else list(characters(text))


# ---------------------------------------------------------------- filling


def _bounded(count: int, name: str, text: str) -> int:
    """A count of characters such as those of a text, if there is room for them."""
    if count > MOST_CHARACTERS:
        raise LispError(f"'{name}' cannot make a text of {count} characters")
    count = max(count, 0)
    claim(count * _width(text))
    return count


def _width(text: str) -> int:
    """The bytes that Python needs for each character of a text."""
    if text.isascii():
        return 1
    last = max(text)
    return 1 if last < "\u0100" else 2 if last < "\U00010000" else 4


@primitive("fill")
def fill(value: Any, n: Any) -> str | bytes:
    """``n`` copies of the text, one after the other.

    (fill "ab" 3)
    ; ababab
    """
    text = text_of(value)
    count = max(to_integer(n), 0)
    _bounded(count * len(text), "fill", text)
    return same_kind(value, text * count if text else "")


@primitive("padding")
def padding(value: Any, pattern: Any, n: Any) -> str | bytes:
    """The text filled up to \\|n\\| characters with a pattern; before it if ``n`` is negative.

    A longer text, and an empty pattern, leave the text as it is.

    (list (padding "go" "." 5) (padding 42 "0" -6))
    ; ("go..." "000042")
    """
    text, unit = text_of(value), text_of(pattern)
    size = to_integer(n)
    missing = _bounded(abs(size) - len(text), "padding", text + unit)
    if not unit or not missing:
        return same_kind(value, text)
    filler = (unit * (missing // len(unit) + 1))[:missing]
    return same_kind(value, filler + text if size < 0 else text + filler)


# ---------------------------------------------------------------- codes


@primitive("ord")
def ord_(value: Any) -> Integers:
    """The codes of the characters of the text; the bytes of a byte string.

    (list (ord "Hi") (ord "é") (ord b"é"))
    ; ((72 105) (233) (195 169))
    """
    if value.__class__ is bytes:
        return Integers(value)
    return Integers(list(map(ord, to_text(value))))


def _codes(value: Any) -> list[int]:
    return [to_integer(code) for code in (iterate(value) if is_list(value) else (value,))]


@primitive("chr")
def chr_(value: Any) -> str:
    """The string of one code of a character, or of a list of them.

    (list (chr 233) (chr '(72 105)))
    ; ("é" "Hi")
    """
    codes = _codes(value)
    for code in codes:
        if not 0 <= code < 0x110000 or 0xD800 <= code < 0xE000:
            raise LispError(f"no character has the code {code}")
    return "".join(map(chr, codes))


@primitive("chrbyte")
def chrbyte(value: Any) -> bytes:
    """The byte string of one byte, or of a list of them.

    (chrbyte '(72 105))
    ; Hi
    """
    try:
        return bytes(_codes(value))
    except ValueError:
        raise LispError("cannot convert this value to a stringbyte") from None


@primitive("aslongstring")
def aslongstring(value: Any) -> LongString:
    """The text of a value as a long string, which shows between backquotes in a list.

    (list (aslongstring "a"))
    ; (`a`)
    """
    return LongString(text_of(value))


# ---------------------------------------------------------------- C formats

_DIRECTIVE = re.compile(
    r"%(?P<flags>[-+ #0]*)(?P<width>\d+)?(?:\.(?P<precision>\d*))?(?:hh|ll|[hlLqjzt])?"
    r"(?P<kind>[diouxXcsfFeEgGaA%])"
)
_MOST_WIDE = 100_000


@primitive("stringf", "sprintf")
def stringf(number: Any, pattern: Any) -> str:
    """A number written as a C format says: ``%d %x %o %c %f %e %g`` and their like.

    The number is converted to what the directive needs; a negative one in a
    base other than ten shows its 64 bits.

    (list (stringf 7.0 "%.3f") (stringf 42 "%06d") (stringf 255 "%#x"))
    ; ("7.000" "000042" "0xff")
    """
    if not is_number(number):
        raise LispError("the first argument should be a number")
    value = plain_number(number)
    return _DIRECTIVE.sub(lambda found: _directive(found, value), text_of(pattern))


def _directive(found: re.Match[str], value: int | float) -> str:
    flags, kind = found["flags"], found["kind"]
    if kind == "%":
        return "%"
    width, precision = found["width"] or "", found["precision"]
    if len(width) > 9 or len(precision or "") > 9:
        raise LispError(f"cannot write so many characters: {found[0]}")
    if int(width or 0) > _MOST_WIDE or int(precision or 0) > _MOST_WIDE:
        raise LispError(f"cannot write so many characters: {found[0]}")
    spec = f"%{flags}{width}" + ("" if precision is None else f".{precision}")
    if kind in "fFeEgG":
        return (spec + kind) % to_float(value)
    if kind in "aA":
        # C leaves out the zeros at the end that Python writes.
        text = re.sub(r"\.?0+p", "p", to_float(value).hex())
        return (f"%{flags}{width}s") % (text.upper() if kind == "A" else text)
    if kind == "s":
        return (spec + "s") % display(value)
    whole = to_integer(value)
    if kind == "c":
        return (f"%{flags}{width}s") % chr_(whole)
    if kind in "uoxX" and whole < 0:
        whole &= (1 << 64) - 1
    text = (spec + ("d" if kind in "iu" else kind)) % whole
    # C writes 052 where Python writes 0o52.
    return text.replace("0o", "0", 1) if kind == "o" else text


def to_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise LispError("the integer is too large for a number") from None
