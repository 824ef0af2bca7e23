"""Arithmetic of the bench."""

import itertools
import statistics

import pytest

from ops.bench.rates import arrival_times_s, median, steady_rate


def test_the_rate_leaves_out_both_ends():
    """A slow start and a late straggler do not count."""
    steady = [10.0 + index / 100 for index in range(100)]
    assert steady_rate([0.0, *steady[1:-1], 500.0]) == pytest.approx(100)


def test_the_order_of_events_does_not_matter():
    """Answers of several partitions come interleaved."""
    times = [index / 50 for index in range(200)]
    assert steady_rate(times[::-1]) == pytest.approx(50)


@pytest.mark.parametrize("times", [[], [1.0], [1.0, 2.0], [5.0] * 100])
def test_no_rate_is_made_up(times):
    """Too few events, or all in one moment, are an error and not infinity."""
    with pytest.raises(ValueError, match="make no rate"):
        steady_rate(times)


def test_arrivals_are_poisson_and_reproducible():
    """Mean gap 1 / rate, gaps as spread as their mean, and one seed gives one schedule."""
    times = list(arrival_times_s(200.0, 20_000, seed=3))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert statistics.mean(gaps) == pytest.approx(1 / 200, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(1 / 200, rel=0.05)
    assert times == list(arrival_times_s(200.0, 20_000, seed=3))
    assert times != list(arrival_times_s(200.0, 20_000, seed=4))


def test_the_median_is_rounded():
    """One outlier moves nothing."""
    assert median([1.00049, 900.0, 1.0], 3) == 1.0
