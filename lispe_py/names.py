"""Spellings. The reader replaces an alias by the name it stands for.

So quoted and printed code shows one spelling, and every later stage has one
name to know (``../docs`` lists them for users).
"""

from __future__ import annotations

#: alias -> canonical name
ALIASES: dict[str, str] = {
    "lambda": "λ", "\\": "λ", "not": "¬",
    "@": "at", "nth": "at", "@@": "extract", "@@@": "atshape",
    "set@@": "setrange", "set@@@": "setshape",
    "**": "^^", "**=": "^^=",
    "rho": "ρ", "⍴": "ρ", "iota": "⍳", "iota0": "⍳0",
    "sum": "∑", "product": "∏", "tally": "≢", "transpose": "⍉", "rotate": "⌽",
    "invert": "⌹", "member": "∈",
    "reduce": "↗", "//": "↗", "scan": "↘", "\\\\": "↘",
    "backreduce": "⌿", "-//": "⌿", "backscan": "⍀", "-\\\\": "⍀",
    "to_list": "⊂", "to_tensor": "⊃", "cutlist": "slice",
    "containerkeys": "keys@", "containervalues": "values@", "⍤": "rank@",
    "•": "infix", "§": "infix", "/\\": "infix",
    "into": "?", "outer": "°", "inner": ".",
}  # fmt: skip

#: Spellings of the constants.
CONSTANTS: dict[str, bool | None] = {"nil": None, "false": None, "_": None, "true": True}

#: Names that are understood in call position and stay free for the program:
#: older spellings, and functions that the language did not have.
NOT_RESERVED: frozenset[str] = frozenset(
    """
    key keyi keyn keys values last explode integerp floatp listp symbolp functionp
    help apropos macroexpand
    """.split()
)
