"""What depth costs in NDCG: a part of the candidates is scored, the rest keeps the caller's order behind them."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.demo.evaluate import best_first, ndcg_of_orders
from ops.demo.samples import JudgedQuery
from schemas.statistics import quantile

__all__ = ["SHARES", "DepthRow", "Orders", "merged", "ndcg_by_depth", "retrieved"]

Orders = Mapping[str, Sequence[str]]
"""Query id -> all its candidates, best first."""

SHARES = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1, 0.0)

_NUM_RESAMPLES = 2_000
_INTERVAL = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class DepthRow:
    """One share.

    Attributes:
        depth_share: Of the candidates, those that were scored; rounded up to whole ones, as the scorer does.
        depth: Candidates scored, mean over queries.
        ndcg_at_10: Mean over queries.
        ndcg_low: Lower end of its 95 % interval.
        ndcg_high: Upper end.
        change: Mean over queries of the difference to share 1 on the same query; 0 there, negative where it costs.
        change_low: Lower end of its 95 % interval.
        change_high: Upper end.
    """

    depth_share: float
    depth: float
    ndcg_at_10: float
    ndcg_low: float
    ndcg_high: float
    change: float
    change_low: float
    change_high: float


def merged(candidates: Sequence[str], scores: Mapping[str, float], depth: int) -> list[str]:
    """The order that a caller should show: scored ones by score, then the others as they came.

    It is what ``"sort": true`` of ``POST /v1/score`` returns.

    Args:
        candidates: The caller's order, best first.
        scores: What the ranker makes of them.
        depth: Only the first so many are scored.
    """
    scored = [job_id for job_id in candidates[:depth] if job_id in scores]
    behind = [job_id for job_id in candidates if job_id not in set(scored)]
    return [*sorted(scored, key=lambda job_id: -scores[job_id]), *behind]


def retrieved(judged: Sequence[JudgedQuery], scores: Mapping[str, Mapping[str, float]], *, seed: int = 0) -> Orders:
    """Each query's candidates in the order of a retrieval's scores, ties at random; of no scores, all at random."""
    return {query.query_id: best_first(query, scores.get(query.query_id, {}), seed=seed) for query in judged}


def ndcg_by_depth(
    judged: Sequence[JudgedQuery],
    ranker: Mapping[str, Mapping[str, float]],
    orders: Orders,
    *,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> list[DepthRow]:
    """NDCG@10 for each share.

    The intervals are percentiles over samples of the queries, drawn with replacement, the same ones for every share.

    Args:
        judged: Queries with graded candidates.
        ranker: Query id -> job id -> score.
        orders: Query id -> all its candidates in the caller's order, best first.
        shares: Which; the first is what the others are compared with.
        seed: Of the samples.
    """
    rows: list[DepthRow] = []
    full: Mapping[str, float] = {}
    for share in shares:
        depths = {query_id: math.ceil(share * len(order)) for query_id, order in orders.items()}
        shown = {query_id: merged(order, ranker[query_id], depths[query_id]) for query_id, order in orders.items()}
        values = ndcg_of_orders(judged, shown)
        full = full or values
        changes = [value - full[query_id] for query_id, value in values.items()]
        mean_depth = sum(depths.values()) / len(depths)
        ndcg = _with_interval(list(values.values()), seed)
        rows.append(DepthRow(share, mean_depth, *ndcg, *_with_interval(changes, seed)))
    return rows


def _with_interval(values: Sequence[float], seed: int) -> tuple[float, float, float]:
    """Mean, and the ends of its interval."""
    draw = random.Random(seed)
    means = [sum(draw.choices(values, k=len(values))) / len(values) for _ in range(_NUM_RESAMPLES)]
    low, high = (quantile(means, share) for share in _INTERVAL)
    assert low is not None, "there are resamples"
    assert high is not None, "as above"
    return round(sum(values) / len(values), 4), round(low, 4), round(high, 4)
