"""Weighted kappa, against scikit-learn's numbers, and its interval."""

import random

import pytest

from models.labels.kappa import bootstrap, kappa, linear, quadratic

# Sixty pairs drawn with random.Random(7); scikit-learn 1.7's cohen_kappa_score gave the numbers below.
MATRIX = (
    (16, 3, 8, 0, 0),
    (1, 11, 1, 0, 0),
    (0, 2, 3, 1, 1),
    (0, 0, 1, 3, 4),
    (0, 0, 0, 1, 4),
)
LINEAR, QUADRATIC = 0.6488661302121433, 0.7825141365811222


def diagonal(*counts):
    return tuple(tuple(count if i == j else 0 for j in range(5)) for i, count in enumerate(counts))


def test_kappas_are_those_of_scikit_learn():
    """To the last digits."""
    assert linear(MATRIX) == pytest.approx(LINEAR, abs=1e-12)
    assert quadratic(MATRIX) == pytest.approx(QUADRATIC, abs=1e-12)
    transposed = tuple(zip(*MATRIX, strict=True))
    assert kappa(transposed, 2) == pytest.approx(QUADRATIC, abs=1e-12)


def test_full_agreement_chance_and_opposition():
    """1, 0 and below 0."""
    assert quadratic(diagonal(1, 2, 3, 4, 5)) == 1
    assert linear(((4, 4, 0, 0, 0), (4, 4, 0, 0, 0), *[(0,) * 5] * 3)) == 0
    assert quadratic(((0, 0, 0, 0, 5), *[(0,) * 5] * 3, (5, 0, 0, 0, 0))) == -1


def test_one_grade_alone_has_no_kappa():
    """Chance agrees always, so nothing can be better than it."""
    assert quadratic(diagonal(0, 7, 0, 0, 0)) is None
    assert linear(diagonal(0, 0, 0, 0, 0)) is None


def test_the_interval_is_that_of_drawn_queries():
    """The packed sums give what a plain resampling of whole queries gives, draw by draw."""
    rng = random.Random(3)
    queries = [
        tuple(tuple(rng.randrange(4) if abs(i - j) < 3 else 0 for j in range(5)) for i in range(5)) for _ in range(30)
    ]
    (interval,) = bootstrap(queries, [quadratic], num_resamples=200, seed=11)
    draws, values = random.Random(11), []
    for _ in range(200):
        drawn = draws.choices(queries, k=30)
        values.append(quadratic(tuple(tuple(sum(q[i][j] for q in drawn) for j in range(5)) for i in range(5))))
    values.sort()
    assert interval.low == pytest.approx(values[4] + 0.975 * (values[5] - values[4]))
    assert interval.high == pytest.approx(values[194] + 0.025 * (values[195] - values[194]))
    assert interval.low < interval.value < interval.high
    assert interval.num_defined == 200


def test_resamples_without_a_kappa_are_counted():
    """Three queries of one grade each: a draw of one grade only has none."""
    queries = [diagonal(4, 0, 0, 0, 0), diagonal(0, 4, 0, 0, 0), diagonal(0, 4, 0, 0, 0)]
    (interval,) = bootstrap(queries, [quadratic], num_resamples=100, seed=0)
    assert interval.value == 1
    assert 0 < interval.num_defined < 100
    (nothing,) = bootstrap([], [quadratic], num_resamples=100, seed=0)
    assert (nothing.value, nothing.low, nothing.num_defined) == (None, None, 0)
