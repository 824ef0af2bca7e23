"""The statistic, its bound, and the hysteresis, by golden numbers. How often it is wrong: tests/property."""

import math

import pytest

from stream.drift.detector import MATERIAL_PSI, Finding, Signal, chance_bound, compare_mix, compare_values, psi


def test_golden_index():
    """By hand: shares (0.5, 0.5) against (0.8, 0.2), with half a posting added to each bin."""
    q, p = (50.5 / 101, 50.5 / 101), (80.5 / 101, 20.5 / 101)
    expected = sum((b - a) * math.log(b / a) for a, b in zip(q, p, strict=True))
    assert psi([50, 50], [80, 20]) == pytest.approx(expected) == pytest.approx(0.406287, abs=1e-6)
    assert psi([80, 20], [50, 50]) == pytest.approx(expected)
    assert psi([50, 50], [500, 500]) == 0


@pytest.mark.parametrize(("num_bins", "quantile"), [(3, 13.816), (8, 24.322), (10, 27.877)])
def test_the_bound_is_the_chi_squared_quantile(num_bins, quantile):
    """Of the tables, at 0.999, over the size of the samples; the approximation is above it, by 3 % at most."""
    ratio = chance_bound(400, 200, num_bins) / (quantile * (1 / 400 + 1 / 200))
    assert 1.0 <= ratio <= 1.03


def test_small_samples_need_more():
    """With few postings chance alone exceeds what is material."""
    assert chance_bound(80, 80, 8) > MATERIAL_PSI > chance_bound(400, 200, 8)


def test_values_are_compared_in_bins_of_the_reference():
    """The same values are alike; doubled ones are not; a tail that is only longer is hardly seen."""
    reference = [number / 100 for number in range(400)]
    assert compare_values(reference, reference[::2]).statistic == pytest.approx(0, abs=0.01)
    assert not compare_values(reference, reference[::2]).is_off
    assert compare_values(reference, [2 * value for value in reference[::2]]).is_off


def test_equal_values_make_one_bin():
    """Postings as short as their summaries all diverge by 0: no empty bins, no alarm, until others come."""
    zeros = [0.0] * 100
    assert compare_values(zeros, zeros).statistic == 0
    assert compare_values(zeros, [0.0] * 40 + [0.5] * 60).is_off


def test_a_new_category_counts():
    """An industry that the reference never had."""
    mix = {"health": 60, "sales": 60, "office": 80}
    assert not compare_mix(mix, {"health": 30, "sales": 30, "office": 39, "trades": 1}).is_off
    assert compare_mix(mix, {"health": 20, "sales": 20, "office": 30, "trades": 30}).is_off


def test_rare_categories_are_one():
    """Each of them alone would be noise with a bin of its own."""
    rare = {f"rare-{number}": 1 for number in range(9)}
    finding = compare_mix({"health": 191, **rare}, {"health": 191, **{f"other-{number}": 1 for number in range(9)}})
    assert finding.statistic == pytest.approx(0, abs=1e-9)


OFF, ON = Finding(1.0, 0.2), Finding(0.1, 0.2)


@pytest.mark.parametrize(
    ("findings", "raised"),
    [
        ([OFF], [False]),
        ([OFF, OFF], [False, True]),
        ([OFF, ON, OFF, ON], [False] * 4),
        ([OFF, OFF, ON, OFF, ON, ON], [False, True, True, True, True, False]),
    ],
)
def test_two_windows_in_a_row_change_the_signal(findings, raised):
    """One odd window neither raises nor lowers it."""
    signal, seen = Signal(), []
    for finding in findings:
        signal = signal.after(finding)
        seen.append(signal.is_raised)
    assert seen == raised


def test_the_threshold_itself_is_not_off():
    """Only what is above."""
    assert not Finding(0.2, 0.2).is_off
