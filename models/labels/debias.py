"""From clicks to soft labels without the bias of positions: inverse propensities, clipped, towards a prior. Pure.

    rate_qd  = sum over positions k of  s_k / max(theta_k, clip)  /  N         (s: signs, N: impressions)
    N_eff    = N^2 / sum over k of  N_k / max(theta_k, clip)
    label_qd = (N_eff rate_qd + m r) / (N_eff + m), over the rate that counts as 1

The estimate is that of Joachims, Swaminathan, Schnabel, Unbiased learning-to-rank with biased feedback, WSDM 2017: its
expectation is gamma_qd wherever no propensity is clipped. N_eff is its effective sample size: so many impressions at a
position that everybody examines would have its variance, at small rates; a pair that was only ever shown far down has
little. r is the rate of all pairs together, m how many effective impressions it is worth.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from models.labels.click_log import Cell
from schemas.errors import ConfigurationError

__all__ = ["ClickLabels", "Debias", "debiased"]

_DIGITS_KEPT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Debias:
    """The choices."""

    clip: float = 0.05
    """Smallest propensity that is divided by: a rarer click would weigh more than it tells."""
    prior_weight: float = 10.0
    """Effective impressions that the prior is worth."""
    prior_rate: float | None = None
    """Rate of a pair that nothing is known of; None: that of all pairs."""
    min_impressions: int = 10
    """Pairs that were shown less often get no label."""
    full_rate: float = 1.0
    """Rate at which a label is 1."""

    def __post_init__(self) -> None:
        if not 0 < self.clip <= 1 or not 0 < self.full_rate <= 1:
            raise ConfigurationError(f"clip {self.clip} and full rate {self.full_rate} must be above 0, and at most 1")
        if self.prior_weight < 0 or self.min_impressions < 1 or not 0 <= (self.prior_rate or 0) <= 1:
            raise ConfigurationError(
                f"prior weight {self.prior_weight} must be at least 0, min impressions {self.min_impressions} at least "
                f"1, prior rate {self.prior_rate} from 0 to 1"
            )


@dataclass(frozen=True, slots=True)
class ClickLabels:
    """What came of a log.

    Attributes:
        rows: Lines of the label file, in order of query and job id.
        prior_rate: What labels of few impressions lean to.
        num_too_few: Pairs with too few impressions.
        num_unplaced: Impressions at positions without a propensity, which count for nothing.
        num_clipped: Impressions at positions whose propensity is below the clip.
    """

    rows: list[dict[str, Any]]
    prior_rate: float
    num_too_few: int
    num_unplaced: int
    num_clipped: int


@dataclass(frozen=True, slots=True)
class _Sums:
    impressions: int
    clicks: int
    weighted_signals: float
    inverse: float
    """Sum of 1 / propensity over the impressions."""


def debiased(
    cells: Mapping[tuple[str, str], Mapping[int, Cell]], propensities: Mapping[int, float], how: Debias
) -> ClickLabels:
    """Labels of all pairs with enough impressions."""
    sums = {key: _sums(pair, propensities, how.clip) for key, pair in cells.items()}
    every = [(position, cell.impressions) for pair in cells.values() for position, cell in pair.items()]
    total = sum(each.impressions for each in sums.values())
    prior = how.prior_rate
    if prior is None:
        prior = min(1.0, math.fsum(each.weighted_signals for each in sums.values()) / total) if total else 0.0
    kept = {key: each for key, each in sums.items() if each.impressions >= how.min_impressions}
    return ClickLabels(
        rows=list(_rows(kept, prior, how)),
        prior_rate=prior,
        num_too_few=len(sums) - len(kept),
        num_unplaced=sum(impressions for position, impressions in every if position not in propensities),
        num_clipped=sum(impressions for position, impressions in every if propensities.get(position, 1) < how.clip),
    )


def _sums(pair: Mapping[int, Cell], propensities: Mapping[int, float], clip: float) -> _Sums:
    placed = [(max(clip, propensities[position]), cell) for position, cell in pair.items() if position in propensities]
    return _Sums(
        impressions=sum(cell.impressions for _, cell in placed),
        clicks=sum(cell.clicks for _, cell in placed),
        weighted_signals=math.fsum(cell.signals / propensity for propensity, cell in placed),
        inverse=math.fsum(cell.impressions / propensity for propensity, cell in placed),
    )


def _rows(sums: Mapping[tuple[str, str], _Sums], prior: float, how: Debias) -> Iterator[dict[str, Any]]:
    for (query, job_id), each in sorted(sums.items()):
        rate = each.weighted_signals / each.impressions
        effective = each.impressions**2 / each.inverse
        shrunk = (effective * rate + how.prior_weight * prior) / (effective + how.prior_weight)
        yield {
            "query": query,
            "job_id": job_id,
            "label": round(min(1.0, shrunk / how.full_rate), _DIGITS_KEPT),
            "method": "clicks",
            "rate": round(rate, _DIGITS_KEPT),
            "impressions": each.impressions,
            "clicks": each.clicks,
            "effective_impressions": round(effective, 3),
        }
