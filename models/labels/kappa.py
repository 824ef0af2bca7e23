"""Agreement of two graders: Cohen's weighted kappa, and its interval by bootstrap over queries. Pure.

    kappa = 1 - sum_ij w_ij O_ij / sum_ij w_ij E_ij

with O the confusion matrix, E what its margins give by chance, and w_ij = |i - j| (linear) or (i - j)^2 (quadratic);
Cohen, Weighted kappa, Psychological Bulletin 70 (1968). scikit-learn has the same, but not the services' environment.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.labels.judgement import MAX_GRADE

__all__ = ["Interval", "Matrix", "bootstrap", "kappa", "linear", "quadratic"]

Matrix = tuple[tuple[int, ...], ...]
"""[5][5] counts: row of the gold grade, column of the label's."""

_SIZE = MAX_GRADE + 1
_BITS = 40
"""Of a packed count: a resample may hold 2^40 pairs."""
_MASK = (1 << _BITS) - 1


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval; None where it is not defined.

    Attributes:
        num_defined: Resamples that the interval rests on: those in which the value was defined.
    """

    value: float | None
    low: float | None
    high: float | None
    num_defined: int


def linear(matrix: Matrix) -> float | None:
    """Kappa with weights |i - j|."""
    return kappa(matrix, 1)


def quadratic(matrix: Matrix) -> float | None:
    """Kappa with weights (i - j)^2."""
    return kappa(matrix, 2)


def kappa(matrix: Matrix, power: int) -> float | None:
    """Weighted kappa: 1 full agreement, 0 that of chance. None where chance cannot disagree (one grade, or no pair)."""
    total = sum(map(sum, matrix))
    rows = [sum(row) for row in matrix]
    columns = [sum(column) for column in zip(*matrix, strict=True)]
    observed = expected = 0.0
    for i in range(_SIZE):
        for j in range(_SIZE):
            weight = abs(i - j) ** power
            observed += weight * matrix[i][j]
            expected += weight * rows[i] * columns[j] / total if total else 0.0
    return None if expected == 0 else 1 - observed / expected


def bootstrap(
    matrices: Sequence[Matrix],
    measures: Sequence[Callable[[Matrix], float | None]],
    *,
    num_resamples: int,
    seed: int,
) -> list[Interval]:
    """Value and percentile interval of each measure. Queries are drawn, not pairs: pairs of one query are alike.

    Args:
        matrices: [Q] confusion matrix of each query.
        measures: Of the sum of matrices.
        num_resamples: Draws of Q queries with replacement.
        seed: Of the draws; the same one gives the same intervals.
    """
    # A matrix as one whole number with 40 bits a cell: the sum over a resample is then one sum, in C.
    packed = [_packed(matrix) for matrix in matrices]
    rng = random.Random(seed)
    whole = _unpacked(sum(packed))
    draws = [_unpacked(sum(rng.choices(packed, k=len(packed)))) for _ in range(num_resamples if packed else 0)]
    intervals = []
    for measure in measures:
        values = sorted(value for draw in draws if (value := measure(draw)) is not None)
        low, high = (_percentile(values, share) for share in (0.025, 0.975))
        intervals.append(Interval(measure(whole), low, high, len(values)))
    return intervals


def _packed(matrix: Matrix) -> int:
    cells = [count for row in matrix for count in row]
    return sum(count << (_BITS * place) for place, count in enumerate(cells))


def _unpacked(number: int) -> Matrix:
    cells = [(number >> (_BITS * place)) & _MASK for place in range(_SIZE * _SIZE)]
    return tuple(tuple(cells[row * _SIZE : (row + 1) * _SIZE]) for row in range(_SIZE))


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """Linear between neighbours, as numpy's default."""
    if not ordered:
        return None
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (at - below) * (ordered[above] - ordered[below])
