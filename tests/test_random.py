"""Random numbers: repeatable, in range, of the right law."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest

from lispe_py import LispE, LispError


def seeded(program: str, seed: int = 7) -> Any:
    return LispE().eval(f"(random_seed {seed}) {program}")


DRAWS = [
    "(random 1000)", "(shuffle (list 1 2 3 4 5 6 7 8))", "(random_choice 9 '(a b c) 10)",
    "(uniform_distribution 5)", "(normal_distribution 5)", "(poisson_distribution 5 4)",
    "(bernoulli_distribution 20)", "(discrete_distribution 9 '(1 2 3))",
]  # fmt: skip


@pytest.mark.parametrize("program", DRAWS)
def test_a_seed_repeats_everything(program: str) -> None:
    lisp = LispE()
    assert lisp.show(seeded(program)) == lisp.show(seeded(program))
    shown = {lisp.show(seeded(program, seed)) for seed in range(8)}
    assert len(shown) > 1


def test_seeding_reaches_torch_when_it_is_loaded() -> None:
    torch = pytest.importorskip("torch")
    LispE().eval("(random_seed 3)")
    first = torch.rand(4)
    LispE().eval("(random_seed 3)")
    assert torch.equal(first, torch.rand(4))


def test_interpreters_do_not_share_their_generator() -> None:
    a, b = LispE(), LispE()
    a.eval("(random_seed 1)")
    first = a.eval("(random 1000000)")
    a.eval("(random_seed 1)")
    b.eval("(random 5)")
    assert a.eval("(random 1000000)") == first


def test_range_and_types() -> None:
    lisp = LispE()
    assert {lisp.eval("(random 4)") for _ in range(300)} == {0, 1, 2, 3}
    assert lisp.eval("(random 0)") == 0
    assert lisp.eval("(random 3.9)").__class__ is int
    for program, atom in [
        ("(uniform_distribution 3)", "numbers_"), ("(poisson_distribution 3 4)", "integers_"),
        ("(geometric_distribution 3)", "integers_"), ("(bernoulli_distribution 3)", "list_"),
        ("(normal_distribution 1)", "number_"), ("(poisson_distribution 1)", "integer_"),
        ("(normal_distribution 0)", "numbers_"), ("(shuffle (integers 1 2))", "integers_"),
        ("(random_choice 2 (integers 1 2) 10)", "integers_"),
        ("(random_choice 1 '(a) 10)", "atom_"),
        ("(shuffle (llist 1 2))", "llist_"), ("(random_choice 0 '(a b) 10)", "list_"),
    ]:  # fmt: skip
        assert lisp.eval(f"(type {program})").name == atom


def test_shuffle_works_in_place() -> None:
    lisp = LispE()
    lisp.eval("(random_seed 5) (setq l (list 1 2 3 4 5)) (setq r (shuffle l))")
    assert lisp.eval("(eq l r)") is True
    assert sorted(lisp.eval("l")) == [1, 2, 3, 4, 5]
    lisp.eval("(setq k (llist 1 2 3 4 5 6 7)) (shuffle k)")
    assert sorted(lisp.eval("k")) == [1, 2, 3, 4, 5, 6, 7]


N = 20_000

#: program -> mean and variance of the law
LAWS = {
    f"(uniform_distribution {N} 0 4)": (2, 16 / 12),
    f"(normal_distribution {N} 10 2)": (10, 4),
    f"(lognormal_distribution {N} 0 0.5)": (math.exp(0.125), (math.exp(0.25) - 1) * math.exp(0.25)),
    f"(exponential_distribution {N} 2)": (0.5, 0.25),
    f"(gamma_distribution {N} 3 2)": (6, 12),
    f"(weibull_distribution {N} 2 3)": (3 * math.gamma(1.5), 9 * (1 - math.pi / 4)),
    f"(extreme_value_distribution {N} 1 2)": (1 + 2 * 0.5772156649, 4 * math.pi**2 / 6),
    f"(chi_squared_distribution {N} 5)": (5, 10),
    f"(fisher_distribution {N} 4 20)": (20 / 18, 2 * 400 * 22 / (4 * 324 * 16)),
    f"(student_distribution {N} 10)": (0, 10 / 8),
    f"(poisson_distribution {N} 3)": (3, 3),
    f"(binomial_distribution {N} 10 0.3)": (3, 2.1),
    f"(negative_binomial_distribution {N} 4 0.5)": (4, 8),
    f"(geometric_distribution {N} 0.25)": (3, 12),
    f"(piecewise_constant_distribution {N} '(0 1 3) '(1 1))": (1.25, 0.5 / 3 + 0.5 * 13 / 3 - 1.25**2),
    f"(piecewise_linear_distribution {N} '(0 1 2) '(0 1 0))": (1, 1 / 6),
    f"(piecewise_linear_distribution {N} '(0 3))": (1.5, 0.75),
}  # fmt: skip


@pytest.mark.parametrize("program", LAWS)
def test_laws(program: str) -> None:
    mean, variance = LAWS[program]
    values = list(seeded(program))
    assert len(values) == N
    found = math.fsum(values) / N
    assert abs(found - mean) < 5 * math.sqrt(variance / N)
    spread = math.fsum((x - found) ** 2 for x in values) / N
    assert spread == pytest.approx(variance, rel=0.2)


def test_cauchy_has_its_quartiles() -> None:
    values = sorted(seeded(f"(cauchy_distribution {N} 3 2)"))
    assert values[N // 4] == pytest.approx(1, abs=0.15)
    assert values[N // 2] == pytest.approx(3, abs=0.1)
    assert values[3 * N // 4] == pytest.approx(5, abs=0.15)


def test_choices_and_weights() -> None:
    counts = Counter(seeded(f"(discrete_distribution {N} '(2 0 6))"))
    assert set(counts) == {2.0, 6.0}
    assert counts[6.0] / N == pytest.approx(0.75, abs=0.02)
    drawn = Counter(seeded(f"(random_choice {N} '(1 2 3 4) 10)"))
    assert all(abs(n / N - 0.25) < 0.02 for n in drawn.values())
    truths = seeded(f"(bernoulli_distribution {N} 0.2)")
    assert set(truths) == {True, None}
    assert truths.count(True) / N == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    "program",
    [
        "(random)", "(random nil)", "(random \"a\")", "(random -5)", "(random_seed 'a)",
        "(shuffle \"abc\")", "(shuffle (seti 1))", "(random_choice 3 \"abc\" 10)",
        "(random_choice 2 () 10)", "(random_choice 2 '(1 2))", "(normal_distribution 2 0 -1)",
        "(exponential_distribution 2)", "(exponential_distribution 2 0)", "(gamma_distribution 2 -1 1)",
        "(binomial_distribution 2 5 1.5)", "(bernoulli_distribution 2 7)", "(poisson_distribution 2 -1)",
        "(discrete_distribution 2 '(0 0))", "(discrete_distribution 2 '(-1 2))",
        "(discrete_distribution 2 5)", "(piecewise_constant_distribution 2 '(1))",
        "(piecewise_constant_distribution 2 '(0 1 2) '(1))", "(piecewise_linear_distribution 2 '(2 1))",
        "(piecewise_linear_distribution 2 '(0 1) '(0 0))", "(uniform_distribution 'a)",
        "(normal_distribution (! 30))", "(geometric_distribution 3 0)",
    ],
)  # fmt: skip
def test_errors(program: str) -> None:
    with pytest.raises(LispError):
        LispE().eval(program)


@pytest.mark.parametrize(
    ("weights", "many", "one"),
    [("(integers 5)", "integers_", "integer_"), ("(floats 5)", "floats_", "float_"),
     ("(shorts 5)", "shorts_", "short_"), ("'(5)", "numbers_", "integer_")],
)  # fmt: skip
def test_weights_that_are_drawn_keep_their_kind(weights: str, many: str, one: str) -> None:
    program = f"(list (type (discrete_distribution 3 {weights})) (type (discrete_distribution 1 {weights})))"
    lisp = LispE()
    assert lisp.show(lisp.eval(program)) == f"({many} {one})"
    exact = 2**53 + 1
    assert list(lisp.eval(f"(discrete_distribution 3 (integers {exact} 0))")) == [exact] * 3
