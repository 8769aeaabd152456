"""Pattern functions, classes and macros against ``match``, classes and plain code in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.harness import Result, compare
from lispe_py import LispE

# ---------------------------------------------------------------- patterns


def fizzbuzz(value: Any) -> Any:
    match value:
        case int(x) if x % 15 == 0:
            return "fizzbuzz"
        case int(x) if x % 3 == 0:
            return "fizz"
        case int(x) if x % 5 == 0:
            return "buzz"
        case x:
            return x


def fizzbuzzes(n: int) -> int:
    texts = 0
    i = 1
    while i <= n:
        if isinstance(fizzbuzz(i), str):
            texts += 1
        i += 1
    return texts


def derive(formula: Any) -> Any:
    match formula:
        case ["+", a, b]:
            return ["+", derive(a), derive(b)]
        case ["-", a, b]:
            return ["-", derive(a), derive(b)]
        case ["*", a, b]:
            return ["+", ["*", derive(a), b], ["*", a, derive(b)]]
        case ["^", a, int(n)]:
            return ["*", ["*", n, ["^", a, n - 1]], derive(a)]
        case ["sin", a]:
            return ["*", ["cos", a], derive(a)]
        case "x":
            return 1
        case _:
            return 0


FORMULA = [
    "+",
    ["*", ["^", "x", 3], ["sin", ["*", 2, "x"]]],
    ["-", ["*", 4, ["^", "x", 2]], ["*", ["sin", "x"], ["+", "x", 7]]],
]


def shown(formula: Any) -> str:
    return f"({' '.join(map(shown, formula))})" if isinstance(formula, list) else str(formula)


def derivatives(n: int) -> str:
    for _ in range(n):
        found = derive(FORMULA)
    return shown(found)


# ---------------------------------------------------------------- classes


class Account:
    def __init__(self, owner: str, balance: int = 0) -> None:
        self.owner = owner
        self.balance = balance

    def deposit(self, amount: int) -> None:
        self.balance = self.balance + amount

    def charge(self, amount: int) -> None:
        self.balance = self.balance - (amount + self.fee())

    def fee(self) -> int:
        return 2


class Business(Account):
    def __init__(self, vat: int, owner: str) -> None:
        super().__init__(owner)
        self.vat = vat

    def fee(self) -> int:
        return self.vat if self.balance > 1000 else 3


def trade(n: int) -> int:
    private = Account("Ada")
    firm = Business(5, "Ltd")
    for i in range(n):
        private.deposit(i)
        private.charge(1)
        firm.deposit(i)
        firm.charge(1)
    return private.balance + firm.balance


# ---------------------------------------------------------------- macros


def macros(n: int) -> int:
    a = 1
    b = 2
    total = 0
    i = 0
    while i < n:
        if i % 3 != 0:
            total += (a - b) * (a - b)
        kept = a
        a = b
        b = kept
        a = (a + i) % 17
        i += 1
    return total


def results(goal: float = 2.0) -> list[Result]:
    """The comparisons."""
    lisp = LispE()
    lisp.execute(Path(__file__).with_suffix(".lisp"))

    def ours(name: str, n: int) -> Any:
        function = lisp.globals[name]
        return lambda: function(n)

    return [
        compare("defpat: fizzbuzz to 100,000", ours("fizzbuzzes", 100_000),
                lambda: fizzbuzzes(100_000), goal),
        compare("defpat: 2,000 derivatives", ours("derivatives", 2_000),
                lambda: derivatives(2_000), goal),
        compare("class@: 200,000 method calls", ours("trade", 50_000),
                lambda: trade(50_000), goal),
        compare("macros: 200,000 rounds", ours("macros", 200_000),
                lambda: macros(200_000), goal),
    ]  # fmt: skip
