"""JSON texts and files."""

from __future__ import annotations

from typing import Any

from lispe_py.builtins.strings import text_of
from lispe_py.registry import primitive
from lispe_py.runtime import json_text
from lispe_py.runtime.context import Context
from lispe_py.runtime.files import path_of, read_text, write_pieces


@primitive("json")
def json(value: Any) -> str:
    """The JSON text of a value, without blanks.

    Nil is ``null``; keys are quoted; numbers have the shortest digits that read
    back; infinity and NaN, which JSON does not know, are ``null``. What has no
    counterpart gives its printed form as a string.

    (json '(1 "two" (3.5 nil true) {"k":'a}))
    ; [1,"two",[3.5,null,true],{"k":"a"}]
    """
    text = json_text.at_once(value)
    return "".join(json_text.pieces(value)) if text is None else text


@primitive("json_parse")
def json_parse(text: Any, raw: Any = None) -> Any:
    """The value of a JSON text.

    Objects become dictionaries in order of insertion, or ordinary ones if
    ``raw`` is true; ``false`` and ``null`` are nil; numbers without a fraction
    are integers. Single quotes, words without quotes and a last comma are
    accepted. An error tells line and position.

    (json_parse `{"z": 1, "a": [true, null, 2.5]}`)
    ; {"z":1 "a":(true nil 2.5)}
    """
    return json_text.parse(text_of(text), bool(raw))


@primitive("json_read", interpreter=True, needs=("fs",))
def json_read(lisp: Context, path: Any, raw: Any = None) -> Any:
    """The value of a JSON file, as ``json_parse`` reads it.

    (json_write '(1 "a" 2.5) "values.json") (json_read "values.json")
    ; (1 "a" 2.5)
    """
    lisp.require("fs")
    return json_text.parse(read_text(path_of(path)), bool(raw))


@primitive("json_write", interpreter=True, needs=("fs",))
def json_write(lisp: Context, value: Any, path: Any) -> bool:
    """Write the JSON text of a value to a file, which is replaced when all is written.

    (json_write {"a":1} "one.json") (json_read "one.json")
    ; {"a":1}
    """
    lisp.require("fs")
    write_pieces(path_of(path), (piece.encode("utf-8") for piece in json_text.pieces(value)))
    return True
