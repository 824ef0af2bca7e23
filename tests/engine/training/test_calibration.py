"""Calibration: golden numbers by hand and against scikit-learn."""

import numpy as np
import pytest

from models.training.calibration import cross_fitted, expected_calibration_error, measure_calibration


def test_expected_calibration_error_by_hand():
    """Bins [0, .1): two pairs, mean score .05, none relevant: .05; [.9, 1]: three, mean .95, two relevant: .2833."""
    scores, outcomes = [0.04, 0.06, 0.9, 0.95, 1.0], [0.0, 0.0, 1.0, 1.0, 0.0]
    assert expected_calibration_error(scores, outcomes) == pytest.approx(2 / 5 * 0.05 + 3 / 5 * (0.95 - 2 / 3))


@pytest.mark.training
def test_bins_are_those_of_scikit_learn():
    """The curve has the bins of its calibration_curve, and ECE is their gaps weighted by size."""
    from sklearn.calibration import calibration_curve  # noqa: PLC0415 - only the training environment has it

    rng = np.random.default_rng(5)
    scores = rng.uniform(size=(40, 10))
    grades = (rng.uniform(size=(40, 10)) < scores**2).astype(int) * 4
    share, score = calibration_curve(grades.ravel() >= 2, scores.ravel(), n_bins=10)
    found = measure_calibration(scores.tolist(), grades.tolist())
    assert [point[0] for point in found.curve] == pytest.approx(score)
    assert [point[1] for point in found.curve] == pytest.approx(share)
    sizes = np.array([point[2] for point in found.curve])
    assert sizes.sum() == 400
    expected = float((np.abs(share - score) * sizes).sum() / 400)
    assert found.before.value == pytest.approx(expected)
    assert found.before.low < expected < found.before.high


@pytest.mark.training
def test_isotonic_regression_mends_overconfidence():
    """Scores whose square is the truth: ECE of a sixth before, near zero after."""
    rng = np.random.default_rng(6)
    scores = rng.uniform(size=(400, 10))
    grades = np.where(rng.uniform(size=(400, 10)) < scores**2, 2, 1)
    found = measure_calibration(scores.tolist(), grades.tolist())
    assert found.before.value == pytest.approx(1 / 6, abs=0.02)
    assert found.after.high < 0.04


@pytest.mark.training
def test_no_query_is_mapped_by_a_fit_that_saw_it():
    """One query of its own kind: the others, all relevant, give it 1 although none of its candidates is."""
    scores = [[0.2, 0.8]] * 5
    outcomes = [[0.0, 0.0], *[[1.0, 1.0]] * 4]
    assert cross_fitted(scores, outcomes)[0] == [1.0, 1.0]


@pytest.mark.training
def test_the_map_never_turns_an_order_round():
    """Isotonic: within a query a higher score is mapped at least as high."""
    rng = np.random.default_rng(8)
    scores = rng.uniform(size=(20, 12)).tolist()
    outcomes = (rng.uniform(size=(20, 12)) < 0.4).astype(float).tolist()
    for before, after in zip(scores, cross_fitted(scores, outcomes), strict=True):
        assert np.all(np.diff(np.array(after)[np.argsort(before)]) >= 0)


@pytest.mark.training
def test_one_query_is_not_enough():
    """There is nothing to fit on."""
    with pytest.raises(ValueError, match="at least two"):
        cross_fitted([[0.1, 0.9]], [[0.0, 1.0]])
