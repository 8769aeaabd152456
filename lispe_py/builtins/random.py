"""Random numbers, choices and distributions.

Everything is drawn from the interpreter's own generator, which
``random_seed`` seeds; the distributions take from it the seed of a numpy
generator for each call, so a seed makes a whole program repeatable.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.runtime.context import Context
from lispe_py.runtime.elementwise import like, members
from lispe_py.runtime.functions import real, whole
from lispe_py.runtime.limits import claim
from lispe_py.runtime.operands import NUMERIC_LISTS
from lispe_py.runtime.sequence import iterate
from lispe_py.values.linked import LinkedList
from lispe_py.values.lists import List
from lispe_py.values.typed import Integers, Numbers
from lispe_py.values.types import LISTS, is_list
from lispe_py.values.unfilled import list_of

#: Draws beyond which a request is a mistake.
MOST_DRAWS = 1 << 28


@primitive("random_seed", interpreter=True)
def random_seed(lisp: Context, seed: Any) -> bool:
    """Make what is random repeatable: the same seed, the same numbers.

    It also seeds torch, once the torch library is loaded.

    (random_seed 42) (setq a (random 1000)) (random_seed 42) (= a (random 1000))
    ; true
    """
    value = whole(seed)
    lisp.random.seed(value)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(value & 0x7FFF_FFFF_FFFF_FFFF)
    return True


@primitive("random", interpreter=True)
def random(lisp: Context, limit: Any) -> int:
    """An integer from 0 to below a limit; 0 if the limit is 0.

    (< (random 10) 10)
    ; true
    """
    below = whole(limit)
    if below < 0:
        raise LispError("the limit of 'random' should not be negative")
    return lisp.random.randrange(below) if below else 0


@primitive("shuffle", interpreter=True)
def shuffle(lisp: Context, container: Any) -> Any:
    """Put the members of a list in a random order, in place; gives the list.

    (sort '< (shuffle (list 3 1 2)))
    ; (1 2 3)
    """
    cls = container.__class__
    if cls not in LISTS:
        raise LispError("the 'shuffle' argument must be a list")
    if cls is LinkedList:
        items = members(container)
        lisp.random.shuffle(items)
        for cell, item in zip(container.cells(), items, strict=True):
            cell.value = item
    else:
        lisp.random.shuffle(container)
    return container


@primitive("random_choice", interpreter=True)
def random_choice(lisp: Context, count: Any, container: Any, base: Any) -> Any:
    """Members drawn from a list, each time from all of it; one alone is given bare.

    ``base`` is an integer that older versions needed; it is not used. A typed
    list gives a list of its kind.

    (size (random_choice 5 '(a b c) 10))
    ; 5
    """
    whole(base)
    if not is_list(container):
        raise LispError("The second parameter must be a list")
    items = list(iterate(container))
    wanted = _count(count)
    if not wanted:
        return like(container, []) if container.__class__ in LISTS else List()
    if not items:
        raise LispError("there is nothing to choose from an empty list")
    drawn = lisp.random.choices(items, k=wanted)
    if wanted == 1:
        return drawn[0]
    return like(container, drawn) if container.__class__ in LISTS else List(drawn)


def _count(count: Any) -> int:
    wanted = max(0, whole(count))
    if wanted > MOST_DRAWS:
        raise LispError(f"{wanted} random values are too many")
    claim(8 * wanted)
    return wanted


def _draw(
    lisp: Context, count: Any, draw: Callable[[Any, int], Any], kind: type[Any] = Numbers
) -> Any:
    """Values of a distribution as a typed list; one alone is given bare."""
    wanted = _count(count)
    if not wanted:
        return kind()
    import numpy

    generator = numpy.random.Generator(numpy.random.PCG64(lisp.random.getrandbits(128)))
    try:
        with numpy.errstate(all="ignore"):
            values = numpy.asarray(draw(generator, wanted), kind.code)
    except (ValueError, OverflowError) as error:
        raise LispError(f"this distribution has no such parameter: {error}") from None
    found = list_of(kind, values)
    return found[0] if wanted == 1 else found


def _positive(value: Any, name: str) -> float:
    number = real(value)
    if not number > 0:
        raise LispError(f"the {name} of this distribution should be positive: {number:g}")
    return number


@primitive("uniform_distribution", interpreter=True)
def uniform_distribution(lisp: Context, count: Any, low: Any = 0, high: Any = 1) -> Any:
    """Numbers spread evenly from ``low`` to below ``high``.

    (size (uniform_distribution 4 2 3))
    ; 4
    """
    a, b = real(low), real(high)
    return _draw(lisp, count, lambda g, n: g.uniform(a, b, n))


@primitive("bernoulli_distribution", interpreter=True)
def bernoulli_distribution(lisp: Context, count: Any, probability: Any = 0.5) -> Any:
    """true with a probability, else nil, in a generic list.

    (bernoulli_distribution 3 1)
    ; (true true true)
    """
    p = real(probability)
    if not 0 <= p <= 1:
        raise LispError(f"a probability lies between 0 and 1: {p:g}")
    wanted = _count(count)
    drawn = List(True if lisp.random.random() < p else None for _ in range(wanted))
    return drawn[0] if wanted == 1 else drawn


@primitive("binomial_distribution", interpreter=True)
def binomial_distribution(
    lisp: Context, count: Any, trials: Any = 1, probability: Any = 0.5
) -> Any:
    """Numbers of successes in a number of trials.

    (binomial_distribution 2 7 1)
    ; (7 7)
    """
    t, p = whole(trials), real(probability)
    return _draw(lisp, count, lambda g, n: g.binomial(t, p, n), Integers)


@primitive("negative_binomial_distribution", interpreter=True)
def negative_binomial_distribution(
    lisp: Context, count: Any, successes: Any = 1, probability: Any = 0.5
) -> Any:
    """Numbers of failures before a number of successes.

    (negative_binomial_distribution 2 3 1)
    ; (0 0)
    """
    k, p = whole(successes), real(probability)
    return _draw(lisp, count, lambda g, n: g.negative_binomial(k, p, n), Integers)


@primitive("geometric_distribution", interpreter=True)
def geometric_distribution(lisp: Context, count: Any, probability: Any = 0.5) -> Any:
    """Numbers of failures before the first success.

    (geometric_distribution 2 1)
    ; (0 0)
    """
    p = real(probability)
    return _draw(lisp, count, lambda g, n: g.geometric(p, n) - 1, Integers)


@primitive("poisson_distribution", interpreter=True)
def poisson_distribution(lisp: Context, count: Any, mean: Any = 1) -> Any:
    """Numbers of events where ``mean`` of them are expected.

    (type (poisson_distribution 3 4))
    ; integers_
    """
    m = real(mean)
    return _draw(lisp, count, lambda g, n: g.poisson(m, n), Integers)


@primitive("exponential_distribution", interpreter=True)
def exponential_distribution(lisp: Context, count: Any, rate: Any) -> Any:
    """Waiting times at a rate; their mean is 1 / rate.

    (size (exponential_distribution 3 2))
    ; 3
    """
    scale = 1 / _positive(rate, "rate")
    return _draw(lisp, count, lambda g, n: g.exponential(scale, n))


@primitive("gamma_distribution", interpreter=True)
def gamma_distribution(lisp: Context, count: Any, shape: Any, scale: Any) -> Any:
    """The gamma law of a shape and a scale; its mean is their product.

    (size (gamma_distribution 3 2 1))
    ; 3
    """
    a, b = real(shape), real(scale)
    return _draw(lisp, count, lambda g, n: g.gamma(a, b, n))


@primitive("weibull_distribution", interpreter=True)
def weibull_distribution(lisp: Context, count: Any, shape: Any = 1, scale: Any = 1) -> Any:
    """The Weibull law of a shape and a scale.

    (size (weibull_distribution 3))
    ; 3
    """
    a, b = real(shape), real(scale)
    return _draw(lisp, count, lambda g, n: b * g.weibull(a, n))


@primitive("extreme_value_distribution", interpreter=True)
def extreme_value_distribution(lisp: Context, count: Any, location: Any = 0, scale: Any = 1) -> Any:
    """The law of the largest of many values (Gumbel).

    (size (extreme_value_distribution 3))
    ; 3
    """
    a, b = real(location), real(scale)
    return _draw(lisp, count, lambda g, n: g.gumbel(a, b, n))


@primitive("normal_distribution", interpreter=True)
def normal_distribution(lisp: Context, count: Any, mean: Any = 0, deviation: Any = 1) -> Any:
    """The normal law of a mean and a standard deviation.

    (normal_distribution 2 7 0)
    ; (7 7)
    """
    m, s = real(mean), real(deviation)
    return _draw(lisp, count, lambda g, n: g.normal(m, s, n))


@primitive("lognormal_distribution", interpreter=True)
def lognormal_distribution(lisp: Context, count: Any, mean: Any = 0, deviation: Any = 1) -> Any:
    """Numbers whose logarithms follow the normal law.

    (lognormal_distribution 2 0 0)
    ; (1 1)
    """
    m, s = real(mean), real(deviation)
    return _draw(lisp, count, lambda g, n: g.lognormal(m, s, n))


@primitive("chi_squared_distribution", interpreter=True)
def chi_squared_distribution(lisp: Context, count: Any, degrees: Any) -> Any:
    """The chi-squared law of some degrees of freedom.

    (size (chi_squared_distribution 3 2))
    ; 3
    """
    d = real(degrees)
    return _draw(lisp, count, lambda g, n: g.chisquare(d, n))


@primitive("cauchy_distribution", interpreter=True)
def cauchy_distribution(lisp: Context, count: Any, location: Any = 0, scale: Any = 1) -> Any:
    """The Cauchy law of a location and a scale.

    (size (cauchy_distribution 3))
    ; 3
    """
    a, b = real(location), real(scale)
    return _draw(lisp, count, lambda g, n: a + b * g.standard_cauchy(n))


@primitive("fisher_distribution", interpreter=True)
def fisher_distribution(lisp: Context, count: Any, first: Any = 1, second: Any = 1) -> Any:
    """Fisher's F law of two degrees of freedom.

    (size (fisher_distribution 3 2 5))
    ; 3
    """
    a, b = real(first), real(second)
    return _draw(lisp, count, lambda g, n: g.f(a, b, n))


@primitive("student_distribution", interpreter=True)
def student_distribution(lisp: Context, count: Any, degrees: Any = 1) -> Any:
    """Student's t law of some degrees of freedom.

    (size (student_distribution 3 4))
    ; 3
    """
    d = real(degrees)
    return _draw(lisp, count, lambda g, n: g.standard_t(d, n))


# ---------------------------------------------------------------- given by lists


def _numbers(value: Any, name: str) -> list[float]:
    if not is_list(value):
        raise LispError(f"the {name} of this distribution are a list")
    if value.__class__ in NUMERIC_LISTS:
        return [float(x) for x in value]
    return [real(x) for x in iterate(value)]


def _weights(value: Any, name: str) -> Any:
    import numpy

    weights = numpy.asarray(_numbers(value, name), "d")
    if not len(weights) or (weights < 0).any() or not 0 < weights.sum() < numpy.inf:
        raise LispError(f"the {name} of this distribution are positive numbers")
    return weights


@primitive("discrete_distribution", interpreter=True)
def discrete_distribution(lisp: Context, count: Any, weights: Any) -> Any:
    """Members of a list of weights, each drawn in proportion to itself; one alone is given bare.

    A typed list gives a list of its kind, any other one numbers.

    (sort '< (unique (discrete_distribution 200 '(2 0 5))))
    ; (2 5)
    """
    import numpy

    w = _weights(weights, "weights")
    if _count(count) == 1:
        index = _draw(lisp, 1, lambda g, n: g.choice(len(w), n, p=w / w.sum()), Integers)
        return list(iterate(weights))[index]
    if weights.__class__ not in NUMERIC_LISTS:
        return _draw(lisp, count, lambda g, n: g.choice(w, n, p=w / w.sum()))
    own = numpy.asarray(weights)
    return _draw(lisp, count, lambda g, n: g.choice(own, n, p=w / w.sum()), weights.__class__)


def _intervals(bounds: Any, densities: Any, extra: int) -> tuple[Any, Any]:
    """The bounds of the pieces, rising, and a density for each piece or bound."""
    import numpy

    edges = numpy.asarray(_numbers(bounds, "intervals"), "d")
    if len(edges) < 2 or not (numpy.diff(edges) > 0).all():
        raise LispError("the intervals of this distribution are two or more rising numbers")
    wanted = len(edges) - 1 + extra
    if densities is None:
        return edges, numpy.ones(wanted)
    found = _weights(densities, "densities")
    if len(found) != wanted:
        raise LispError(f"these intervals need {wanted} densities")
    return edges, found


@primitive("piecewise_constant_distribution", interpreter=True)
def piecewise_constant_distribution(
    lisp: Context, count: Any, intervals: Any, densities: Any = None
) -> Any:
    """Numbers spread evenly inside each of some intervals.

    ``intervals`` are the bounds, rising; ``densities`` the weight of each
    interval, all alike by default.

    (size (piecewise_constant_distribution 3 '(0 1 2) '(1 2)))
    ; 3
    """
    edges, weights = _intervals(intervals, densities, 0)

    def draw(g: Any, n: int) -> Any:
        chosen = g.choice(len(weights), n, p=weights / weights.sum())
        return edges[chosen] + (edges[chosen + 1] - edges[chosen]) * g.random(n)

    return _draw(lisp, count, draw)


@primitive("piecewise_linear_distribution", interpreter=True)
def piecewise_linear_distribution(
    lisp: Context, count: Any, intervals: Any, densities: Any = None
) -> Any:
    """Numbers whose density runs in straight lines between some bounds.

    ``intervals`` are the bounds, rising; ``densities`` the density at each
    bound, all alike by default.

    (size (piecewise_linear_distribution 3 '(0 1 2) '(0 1 0)))
    ; 3
    """
    import numpy

    edges, heights = _intervals(intervals, densities, 1)
    low, high = heights[:-1], heights[1:]
    areas = (low + high) * numpy.diff(edges) / 2
    if not areas.sum() > 0:
        raise LispError("the densities of this distribution are positive numbers")

    def draw(g: Any, n: int) -> Any:
        chosen = g.choice(len(areas), n, p=areas / areas.sum())
        a, b = low[chosen], high[chosen]
        # The part of a trapezium's area up to t is (a t + (b - a) t^2 / 2) / ((a + b) / 2).
        u = g.random(n)
        t = u * (a + b) / (a + numpy.sqrt(a * a + u * (b * b - a * a)))
        return edges[chosen] + (edges[chosen + 1] - edges[chosen]) * numpy.nan_to_num(t)

    return _draw(lisp, count, draw)
