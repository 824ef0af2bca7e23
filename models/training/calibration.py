"""Whether scores are probabilities: expected calibration error before and after isotonic regression, cross-fitted.

The outcome is whether a candidate is relevant (grade 2 or more). ECE (Naeini et al., AAAI 2015; Guo et al., ICML 2017)
puts the N pairs into ten bins of equal width by score:

    ECE = sum_b n_b / N * | mean score in b - share of relevant in b |

Isotonic regression (scikit-learn) learns the score's monotone map to a probability. It is learnt on the other four
fifths of the queries, so that no pair is judged by a map that has seen its query. The map keeps the order up to ties:
NDCG hardly changes, the probability does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.training.folds import folds
from models.training.significance import Floats, Interval, resampled

__all__ = ["RELEVANT_GRADE", "Calibration", "cross_fitted", "expected_calibration_error", "measure_calibration"]

RELEVANT_GRADE = 2
_BINS, _FOLDS, _SEED = 10, 5, 3


@dataclass(frozen=True, slots=True)
class Calibration:
    """Measured on pairs.

    Attributes:
        before: ECE of the scores.
        after: ECE of the calibrated scores, out of fold.
        curve: Of each bin that holds pairs: mean score, share of relevant, number of pairs; before calibration.
    """

    before: Interval
    after: Interval
    curve: tuple[tuple[float, float, int], ...]


def measure_calibration(scores: Sequence[Sequence[float]], grades: Sequence[Sequence[int]]) -> Calibration:
    """Measure a set of rankings; intervals over its queries.

    Args:
        scores: For each query one probability a candidate.
        grades: The grades of the same candidates.
    """
    relevant = [[float(grade >= RELEVANT_GRADE) for grade in row] for row in grades]
    after = cross_fitted(scores, relevant)
    pairs, outcomes = np.concatenate([np.asarray(row, float) for row in scores]), np.concatenate(relevant)
    bins = _bins(pairs)
    curve = tuple(
        (float(pairs[bins == place].mean()), float(outcomes[bins == place].mean()), int((bins == place).sum()))
        for place in range(_BINS)
        if (bins == place).any()
    )
    return Calibration(_over_queries(scores, relevant), _over_queries(after, relevant), curve)


def expected_calibration_error(scores: Sequence[float], outcomes: Sequence[float]) -> float:
    """ECE of pairs, in [0, 1]."""
    gaps, pairs = _gaps(scores, outcomes)
    return float(np.abs(gaps).sum() / pairs)


def cross_fitted(scores: Sequence[Sequence[float]], outcomes: Sequence[Sequence[float]]) -> list[list[float]]:
    """The scores of each query, mapped by an isotonic regression that was fitted without its fold.

    Raises:
        ValueError: Fewer than two queries: nothing to fit on.
    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 (only the training environment has it)

    num_folds = min(_FOLDS, len(scores))
    if num_folds < 2:  # noqa: PLR2004 (one to fit on, one to measure)
        message = f"{len(scores)} queries: at least two are needed to fit on some and measure on others"
        raise ValueError(message)
    mapped: dict[int, list[float]] = {}
    for others, left_out in folds(len(scores), num_folds, _SEED):
        isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        isotonic.fit(
            np.concatenate([np.asarray(scores[query], float) for query in others]),
            np.concatenate([np.asarray(outcomes[query], float) for query in others]),
        )
        for query in left_out:
            mapped[query] = isotonic.predict(np.asarray(scores[query], float)).tolist()
    return [mapped[query] for query in range(len(scores))]


def _bins(scores: Floats) -> np.ndarray:
    return np.minimum((np.asarray(scores, float) * _BINS).astype(int), _BINS - 1)


def _gaps(scores: Sequence[float], outcomes: Sequence[float]) -> tuple[Floats, int]:
    """[BINS] sum over a bin's pairs of score minus outcome, and the number of pairs."""
    pairs = np.asarray(scores, float)
    return np.bincount(_bins(pairs), weights=pairs - np.asarray(outcomes, float), minlength=_BINS), len(pairs)


def _over_queries(scores: Sequence[Sequence[float]], outcomes: Sequence[Sequence[float]]) -> Interval:
    # A bin's |mean score - mean outcome| times its share of pairs is |sum of gaps| / N, and sums add up over queries.
    parts = [_gaps(row, truth) for row, truth in zip(scores, outcomes, strict=True)]
    columns = np.array([[*gaps, pairs] for gaps, pairs in parts]).T
    return resampled(list(columns), lambda rows: np.abs(np.stack(rows[:-1]).sum(-1)).sum(0) / rows[-1].sum(-1))
