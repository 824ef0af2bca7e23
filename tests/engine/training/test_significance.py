"""Intervals by the paired bootstrap, against scipy and by hand."""

import math

import numpy as np
import pytest

from models.training.significance import Interval, difference, mean, relative_difference, resampled
from models.training.slices import by_slice

RNG = np.random.default_rng(7)
THEIRS = RNG.uniform(0.2, 0.9, 120)
OURS = np.clip(THEIRS + RNG.normal(0.03, 0.1, 120), 0, 1)


@pytest.mark.training
@pytest.mark.parametrize(
    ("found", "statistic"),
    [
        (difference(OURS, THEIRS), lambda a, b, axis: a.mean(axis) - b.mean(axis)),
        (relative_difference(OURS, THEIRS), lambda a, b, axis: a.mean(axis) / b.mean(axis) - 1),
    ],
)
def test_intervals_are_those_of_scipy(found, statistic):
    """The percentile bootstrap of scipy gives the same borders but for its own random draws (under 0.001 here)."""
    from scipy.stats import bootstrap  # noqa: PLC0415 - the training environment has it, and this test alone needs it

    expected = bootstrap(
        (OURS, THEIRS), statistic, paired=True, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert found.value == pytest.approx(statistic(OURS, THEIRS, 0))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-3)
    assert found.low < found.value < found.high


def test_a_mean_of_two_values_by_hand():
    """Of the draws a quarter is (0, 0), a half (0, 1), a quarter (1, 1): the borders are 0 and 1."""
    assert mean([0.0, 1.0]) == Interval(0.5, 0.0, 1.0)


def test_pairing_removes_what_both_share():
    """Where ours is theirs plus 0.1 at each query, nothing is uncertain, however much queries differ."""
    found = difference([value + 0.1 for value in THEIRS], THEIRS)
    assert (found.low, found.high) == (pytest.approx(0.1), pytest.approx(0.1))
    assert found.excludes_zero
    assert not difference(THEIRS, THEIRS).excludes_zero


def test_relative_difference_is_of_the_means():
    """Halved at each query: -50 %, without doubt. Draws of nothing but zeros are left out."""
    assert relative_difference([0.2, 0.4, 0.0], [0.4, 0.8, 0.0]) == Interval(*[pytest.approx(-0.5)] * 3)
    with pytest.raises(ValueError, match="mean of zero"):
        relative_difference([0.5], [0.0])


def test_the_interval_narrows_with_the_square_root_of_the_queries():
    """Four times the queries, half the width; 10 % are left to chance."""
    few, many = mean(RNG.uniform(size=400)), mean(RNG.uniform(size=1600))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(2, rel=0.1)
    assert few.high - few.low == pytest.approx(2 * 1.96 / math.sqrt(12 * 400), rel=0.1)


@pytest.mark.parametrize("samples", [[[]], [[1.0], [1.0, 2.0]]])
def test_unpaired_samples_are_refused(samples):
    """Silence about them would give a wrong interval."""
    with pytest.raises(ValueError, match="no paired samples"):
        resampled(samples, lambda rows: rows[0].mean(-1))


def test_slices_hold_the_queries_that_carry_them():
    """A query may stand in several; a slice of too few queries is left out."""
    names = [{"place", "synonym"}, {"place"}, {"pay"}]
    found = by_slice(names, [1.0, 0.5, 0.2], [0.5, 0.5, 0.9], fewest=1)
    assert [(part.name, part.num_queries, part.ours.value, part.difference.value) for part in found] == [
        ("pay", 1, 0.2, pytest.approx(-0.7)),
        ("place", 2, 0.75, 0.25),
        ("synonym", 1, 1.0, 0.5),
    ]
    assert [part.name for part in by_slice(names, [1.0, 0.5, 0.2], [0.5, 0.5, 0.9], fewest=2)] == ["place"]
