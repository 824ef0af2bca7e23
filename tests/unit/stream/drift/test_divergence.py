"""Golden numbers of the divergence, worked out by hand from eq. 4's first term."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.statistics import quantile
from stream.drift.divergence import PairScores, kl_divergence, measure

SCORES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("p_sum", "p_raw", "nats"),
    [
        (0.5, 0.5, 0.0),
        (0.9, 0.5, 0.9 * math.log(1.8) + 0.1 * math.log(0.2)),
        (0.9, 0.5, 0.368064),
        (0.5, 0.9, 0.510826),
        (0.25, 0.75, 0.549306),  # ln(3) / 2
        (0.02, 0.2, 0.152826),
        (0.0, 1.0, 13.815483),  # the bound: ln(1e-6), nearly
        (1.0, 1.0, 0.0),
    ],
)
def test_golden_numbers(p_sum, p_raw, nats):
    """Of the two-label distributions, in nats; the summary's distribution is the one that weighs."""
    assert kl_divergence(p_sum, p_raw) == pytest.approx(nats, abs=1e-5)


def test_the_order_of_the_arguments_matters():
    """KL is not symmetric, and eq. 4 has the summary first."""
    assert kl_divergence(0.9, 0.5) != pytest.approx(kl_divergence(0.5, 0.9), rel=0.2)


@given(SCORES, SCORES)
def test_it_is_finite_and_never_negative(p_sum, p_raw):
    """Whatever two scores an engine gives, 0 and 1 among them."""
    assert 0 <= kl_divergence(p_sum, p_raw) < 14
    assert kl_divergence(p_sum, p_sum) == 0


@given(SCORES, SCORES)
def test_swapping_the_labels_changes_nothing(p_sum, p_raw):
    """Yes and no are two outcomes of one distribution."""
    assert kl_divergence(1 - p_sum, 1 - p_raw) == pytest.approx(kl_divergence(p_sum, p_raw), rel=1e-6, abs=1e-9)


def test_a_window_is_measured():
    """Mean and quantiles of the divergences, and the signed shift, which the divergences do not tell."""
    found = measure([PairScores(0.5, 0.5), PairScores(0.9, 0.5), PairScores(0.5, 0.9), PairScores(0.5, 0.5)])
    assert found.mean == pytest.approx((0.368064 + 0.510826) / 4, abs=1e-5)
    assert (found.p50, found.p90, found.p99) == pytest.approx((0.0, 0.510826, 0.510826), abs=1e-5)
    assert found.shift == pytest.approx(0.0, abs=1e-12)
    assert measure([PairScores(0.3, 0.5)]).shift == pytest.approx(-0.2)


def test_nothing_measured_is_no_number():
    """Not 0, which would look like perfect agreement."""
    assert math.isnan(measure([]).mean)
    assert all(math.isnan(value) for value in (measure([]).p50, measure([]).p90, measure([]).p99))


def test_quantiles_are_values_of_the_sample():
    """By nearest rank."""
    values = [3.0, 1.0, 2.0, 4.0]
    assert [quantile(values, share) for share in (0.0, 0.25, 0.5, 0.51, 1.0)] == [1.0, 1.0, 2.0, 3.0, 4.0]
