"""From values to text.

``display`` is the form at top level, ``show`` the form inside a container:
there, strings are quoted. The walk over nested containers keeps its own stack,
so nesting may be as deep as memory allows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any

from lispe_py.errors import LispError
from lispe_py.protocol import adapter_for
from lispe_py.values.dictionaries import DICTIONARIES
from lispe_py.values.functions import form_of
from lispe_py.values.heap import Heap
from lispe_py.values.linked import LinkedList, Point
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Caught, Data, Enumeration, Range, Stream
from lispe_py.values.scalars import Float32, Short
from lispe_py.values.sets import Set, SetI, SetN, SetS
from lispe_py.values.symbol import Symbol
from lispe_py.values.text import LongString
from lispe_py.values.typed import Floats, Integers, Numbers, Shorts, Stringbytes, Strings

_QUOTE = Symbol("quote")

#: What a walk yields: finished text, or a container to descend into.
Pieces = Iterator[Any]

COMPOSED = "This instruction must be composed with other instructions such as 'drop' or 'take'"


def quoted(text: str) -> str:
    """A string as it stands inside a container: only ``"`` is escaped."""
    return '"' + text.replace('"', '\\"') + '"' if '"' in text else f'"{text}"'


def number(value: float) -> str:
    """At most six significant digits, as C's ``%g`` gives them: ``-nan`` too."""
    text = f"{value:g}"
    return "-nan" if text == "nan" and math.copysign(1, value) < 0 else text


def integer(value: int) -> str:
    """Decimal digits; Python itself refuses to write more than 4300 of them."""
    try:
        return int.__str__(value)
    except ValueError:
        return _long_integer(value)


def _long_integer(value: int) -> str:
    if value < 0:
        return "-" + _long_integer(-value)
    blocks: list[str] = []
    # Halving keeps the divisions near the size of their result.
    waiting = [(value, 0)]
    while waiting:
        part, width = waiting.pop()
        if part.bit_length() < 10_000:
            blocks.append(int.__str__(part).rjust(width, "0"))
            continue
        digits = part.bit_length() * 30103 // 200_000
        high, low = divmod(part, 10**digits)
        waiting.append((low, digits))
        waiting.append((high, max(width - digits, 0)))
    return "".join(blocks)


def complex_number(value: complex) -> str:
    """``re,imi``; a unit imaginary part is written without its 1."""
    imaginary = value.imag
    unit = "" if imaginary == 1 else "-" if imaginary == -1 else number(imaginary)
    return f"{number(value.real)},{unit}i"


def decoded(value: bytes) -> str:
    """Bytes as text; what is not UTF-8 is replaced."""
    return value.decode("utf-8", "replace")


def _joined(texts: Iterable[str]) -> str:
    return f"({' '.join(texts)})"


def _set_text(texts: Iterable[str]) -> str:
    return "{" + " ".join(texts) + "}"


def _stream(value: Any) -> str:
    raise LispError(COMPOSED)


def _range(value: Range) -> str:
    return f"(irange {show(value.start)} {show(value.step)})"


#: Values without members, and the typed lists and sets: class -> text.
SCALARS: dict[type, Callable[[Any], str]] = {
    str: quoted,
    LongString: lambda v: f"`{v}`",
    int: integer,
    bool: lambda v: "true" if v else "nil",
    float: number,
    Symbol: lambda v: v.name,
    type(None): lambda v: "nil",
    Short: integer,
    Float32: number,
    complex: complex_number,
    bytes: lambda v: quoted(decoded(v)),
    Integers: lambda v: _joined(map(str, v)),
    Shorts: lambda v: _joined(map(str, v)),
    Floats: lambda v: _joined([f"{x:g}" for x in v]),
    Numbers: lambda v: _joined([f"{x:g}" for x in v]),
    Strings: lambda v: _joined(map(quoted, v)),
    Stringbytes: lambda v: _joined([quoted(decoded(x)) for x in v]),
    SetS: lambda v: _set_text(map(quoted, v)),
    SetI: lambda v: _set_text(map(integer, v)),
    SetN: lambda v: _set_text(map(number, v)),
    Caught: lambda v: v.error.text,
    Range: _range,
    Stream: _stream,
}

#: How strings look where they are not quoted; everything else as in SCALARS.
_BARE: dict[type, Callable[[Any], str]] = {
    str: lambda v: v,
    LongString: str.__str__,
    bytes: decoded,
}


def print_as_text(cls: type, text: Callable[[Any], str]) -> None:
    """Print a class as strings are: bare at top level, quoted in containers."""
    _BARE[cls] = text
    SCALARS[cls] = lambda v: quoted(text(v))


def _scalar(cls: type) -> Callable[[Any], str] | None:
    """The writer of a class without members, found by its ancestors too."""
    found = SCALARS.get(cls)
    if found is None and cls not in _WALKS:
        found = next((SCALARS[base] for base in cls.__mro__ if base in SCALARS), None)
        if found is not None:
            SCALARS[cls] = found
    return found


def _sequence(items: Iterable[Any]) -> Pieces:
    texts = SCALARS
    yield "("
    separator = ""
    for item in items:
        text = texts.get(item.__class__)
        if text is not None:
            yield separator + text(item)
        else:
            yield separator
            yield item
        separator = " "
    yield ")"


def _list(value: List) -> Pieces:
    if len(value) == 2 and value[0] is _QUOTE:
        return _quote(value[1])
    return _sequence(value)


def _quote(item: Any) -> Pieces:
    yield "'"
    yield _piece(item)


def _piece(item: Any) -> Any:
    """Text of a scalar, a container unchanged."""
    text = SCALARS.get(item.__class__)
    return item if text is None else text(item)


def _linked(value: LinkedList) -> Pieces:
    yield "("
    separator = ""
    cell = None
    for cell in value.cells():
        yield f"{separator}. " if cell.__class__ is Point else separator
        yield _piece(cell.value)
        separator = " "
    if cell is not None and cell.next is not None:
        yield " ..."
    yield ")"


#: Kind of key -> its text.
_KEYS: dict[str, Callable[[Any], str]] = {"string": quoted, "integer": integer, "number": number}


def _dictionary(value: Any) -> Pieces:
    texts: dict[str, Callable[[Any], str]] = {
        "string": quoted,
        "integer": integer,
        "number": number,
    }
    key_text = texts[value.keys_are]
    opening = "{"
    for key, item in value.items():
        yield f"{opening}{key_text(key)}:"
        yield _piece(item)
        opening = " "
    yield "{}" if opening == "{" else "}"


def _python_dictionary(value: Any) -> Pieces:
    opening = "{"
    for key, item in value.items():
        yield opening
        yield _piece(key)
        yield ":"
        yield _piece(item)
        opening = " "
    yield "{}" if opening == "{" else "}"


def _bare(value: Iterable[Any], opening: str, closing: str) -> Pieces:
    """Members of heaps and of generic sets: strings are not quoted there."""
    yield opening
    separator = ""
    for item in value:
        yield separator
        text = _BARE.get(item.__class__)
        yield _piece(item) if text is None else text(item)
        separator = " "
    yield closing


#: Containers: class -> the walk over their pieces.
_WALKS: dict[type, Callable[[Any], Pieces]] = {
    List: _list,
    Tail: _sequence,
    Data: _sequence,
    LinkedList: _linked,
    Enumeration: _sequence,
    Heap: lambda v: _bare(v, "(", ")"),
    Set: lambda v: _bare(v, "{", "}"),
    list: _sequence,
    tuple: _sequence,
    dict: _python_dictionary,
    **dict.fromkeys(DICTIONARIES.values(), _dictionary),
}


def _function(value: Any) -> Pieces | str:
    form = form_of(value)
    return value.__name__ if form is None else _list(form)


def _walk(value: Any) -> Pieces | str:
    """The pieces of a container, or the text of a value that has none."""
    cls = value.__class__
    walk = _WALKS.get(cls)
    if walk is not None:
        return walk(value)
    if cls is FunctionType:
        return _function(value)
    text = _scalar(cls)
    if text is not None:
        return text(value)
    walk = next((_WALKS[base] for base in cls.__mro__ if base in _WALKS), None)
    adapter = adapter_for(cls)
    if walk is not None and adapter is adapter_for(object):
        return walk(value)
    pieces = getattr(adapter, "pieces", None)
    if pieces is not None:
        found: Pieces = pieces(value)
        return found
    form = form_of(value)
    return adapter.show(value) if form is None else _list(form)


def _identity(value: Any) -> Any:
    # A window is made anew by each cdr: what it shows is its identity.
    if value.__class__ is Tail:
        return id(value.base), value.offset
    return id(value)


def _render(value: Any) -> str:
    pieces = _walk(value)
    if pieces.__class__ is str:
        return pieces  # type: ignore[return-value]
    out: list[str] = []
    write = out.append
    stack: list[tuple[Any, Any]] = [(pieces, _identity(value))]
    # What is being printed: a container that holds itself shows as dots.
    active = {stack[0][1]}
    while stack:
        pieces, mark = stack[-1]
        for piece in pieces:
            if piece.__class__ is str:
                write(piece)
                continue
            inner = _walk(piece)
            if inner.__class__ is str:
                write(inner)  # type: ignore[arg-type]
                continue
            inner_mark = _identity(piece)
            if inner_mark in active:
                write("...")
                continue
            active.add(inner_mark)
            stack.append((inner, inner_mark))
            break
        else:
            stack.pop()
            active.discard(mark)
    return "".join(out)


def show(value: Any) -> str:
    """The form inside a container, or in an error message: strings are quoted."""
    text = SCALARS.get(value.__class__)
    return _render(value) if text is None else text(value)


def display(value: Any) -> str:
    """The form at top level, as ``print`` and ``string`` give it: strings are bare."""
    cls = value.__class__
    if cls is str:
        return value  # type: ignore[no-any-return]
    text = _BARE.get(cls) or SCALARS.get(cls)
    if text is None:
        if isinstance(value, str):
            return str.__str__(value)
        return _render(value)
    return text(value)
