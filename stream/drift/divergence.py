"""How far the ranker's opinion of a summary is from its opinion of the whole text. Pure; natural logarithms.

The paper's reward (arXiv 2510.22101, eq. 4) is ``-KL(p_sum || p_raw) - w (len_sum / len_raw)^2``; its first term,
without the sign, is watched here. Both p are distributions over the two labels, yes and no:

    KL(p_sum || p_raw) = p_s ln(p_s / p_r) + (1 - p_s) ln((1 - p_s) / (1 - p_r))
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.statistics import quantile

__all__ = ["Divergences", "PairScores", "kl_divergence", "measure"]

_LEAST = 1e-6
"""Probabilities are moved so far away from 0 and 1: an engine in bfloat16 says exactly 0 or 1, and the logarithm of 0
would hide all else in a window. Bounds a pair's divergence by 13.8."""


def kl_divergence(p_sum: float, p_raw: float) -> float:
    """KL(p_sum || p_raw) in nats; 0 where both are equal, and never below.

    Args:
        p_sum: Score of the summarised item, in [0, 1].
        p_raw: Score of the whole text, likewise.
    """
    p, q = (min(max(value, _LEAST), 1 - _LEAST) for value in (p_sum, p_raw))
    return max(0.0, p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q)))


@dataclass(frozen=True, slots=True)
class PairScores:
    """Both scores of one query with one posting, of one call.

    Attributes:
        p_sum: On header and summary.
        p_raw: On header and body.
    """

    p_sum: float
    p_raw: float

    @property
    def divergence(self) -> float:
        """See :func:`kl_divergence`."""
        return kl_divergence(self.p_sum, self.p_raw)

    @property
    def shift(self) -> float:
        """Signed: above 0 where the summary is scored higher than the text."""
        return self.p_sum - self.p_raw


@dataclass(frozen=True, slots=True)
class Divergences:
    """What is exported of a window's pairs.

    Attributes:
        mean: Of the divergences, in nats; this and the quantiles are NaN of no pairs.
        p50: Half of the pairs are not above.
        p90: Nine in ten.
        p99: Ninety-nine in a hundred.
        shift: Mean signed difference of the scores, summary less text.
    """

    mean: float
    p50: float
    p90: float
    p99: float
    shift: float


def measure(pairs: Sequence[PairScores]) -> Divergences:
    """Measure pairs."""
    values = [pair.divergence for pair in pairs]
    num = len(pairs) or math.nan
    p50, p90, p99 = (math.nan if (found := quantile(values, share)) is None else found for share in (0.5, 0.9, 0.99))
    return Divergences(
        mean=math.fsum(values) / num,
        p50=p50,
        p90=p90,
        p99=p99,
        shift=math.fsum(pair.shift for pair in pairs) / num,
    )
