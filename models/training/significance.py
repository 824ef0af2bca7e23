"""How sure a mean over queries is: 95 % intervals by the paired bootstrap.

Queries are drawn with replacement, the same ones for both of what is compared, and the statistic is taken anew; the
interval goes from the 2.5th to the 97.5th percentile of 10,000 such draws (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13; for rankings Sakai, SIGIR 2006). It covers the choice of queries, and nothing else: not
another training seed, not other judges.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Interval", "difference", "mean", "relative_difference", "resampled"]

_DRAWS, _SEED, _AT_ONCE = 10_000, 1, 500
_TAILS = (2.5, 97.5)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval; ``low <= high``, the value as a rule between them."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


def mean(values: Sequence[float]) -> Interval:
    """Mean of one value a query."""
    return resampled([values], lambda rows: rows[0].mean(axis=-1))


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Mean of ours minus mean of theirs, query by query."""
    return resampled([ours, theirs], lambda rows: rows[0].mean(axis=-1) - rows[1].mean(axis=-1))


def relative_difference(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Ratio of the means minus one: -0.02 is "2 % lower".

    Raises:
        ValueError: The mean of ``theirs`` is zero.
    """
    if not np.any(theirs):
        message = "nothing is relative to a mean of zero"
        raise ValueError(message)
    return resampled([ours, theirs], lambda rows: _ratio(rows[0].mean(axis=-1), rows[1].mean(axis=-1)) - 1)


def _ratio(ours: Floats, theirs: Floats) -> Floats:
    # A draw of queries that all count zero says nothing about the ratio; it is left out of the percentiles.
    return np.divide(ours, theirs, out=np.full_like(np.asarray(ours), np.nan), where=np.asarray(theirs) != 0)


def resampled(samples: Sequence[Sequence[float]], statistic: Callable[[Sequence[Floats]], Floats]) -> Interval:
    """Any statistic of paired samples.

    Args:
        samples: One or several sequences of [N], paired by query.
        statistic: Takes arrays [..., N] in the order of ``samples``, gives [...].

    Raises:
        ValueError: The samples are empty or differ in length.
    """
    arrays = [np.asarray(sample, dtype=np.float64) for sample in samples]
    sizes = {len(array) for array in arrays}
    if len(sizes) != 1 or not (size := sizes.pop()):
        message = f"samples of {', '.join(str(len(array)) for array in arrays)} values are no paired samples"
        raise ValueError(message)
    rng, drawn = np.random.default_rng(_SEED), []
    for _ in range(_DRAWS // _AT_ONCE):
        chosen = rng.integers(0, size, (_AT_ONCE, size))
        drawn.append(statistic([array[chosen] for array in arrays]))
    low, high = np.nanpercentile(np.concatenate(drawn), _TAILS)
    return Interval(float(statistic(arrays)), float(low), float(high))
