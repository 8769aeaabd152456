"""The operator symbols, and what they mean to the compiler."""

from __future__ import annotations

#: operator of an update form
UPDATES = {
    "+=": "+", "-=": "-", "*=": "*", "/=": "/", "%=": "%", "^^=": "^^",
    "<<=": "<<", ">>=": ">>", "&=": "&", "|=": "|", "^=": "^", "&~=": "&~",
}  # fmt: skip

#: language's spelling -> name of the binary function in ``runtime.arithmetic``
ARITHMETIC = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo",
    "^^": "power", "<<": "shift_left", ">>": "shift_right", "&": "bit_and",
    "|": "bit_or", "^": "bit_xor", "&~": "bit_and_not",
}  # fmt: skip

COMPARISON = {
    "=": "equal", "!=": "not_equal", "eq": "same", "neq": "not_same", "<": "less",
    "<=": "less_equal", ">": "greater", ">=": "greater_equal",
}  # fmt: skip

OPERATORS = frozenset(
    {*ARITHMETIC, *COMPARISON, *UPDATES, "==", ">=<", "~", "!", "-+", "and", "or", "xor", "at"}
)


def is_operator(name: str) -> bool:
    """Operators evaluate to themselves when they stand as values."""
    return name in OPERATORS
