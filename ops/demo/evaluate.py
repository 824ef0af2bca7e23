"""NDCG@10 of a ranking of judged candidates: linear gain, mean over queries, computed by ir-measures."""

import random
from collections.abc import Callable, Mapping, Sequence

from ir_measures import ScoredDoc, iter_calc, nDCG

from ops.demo.samples import JudgedQuery

__all__ = ["best_first", "ndcg_at_10", "ndcg_of_orders", "random_ndcg_at_10"]

_MEASURE = nDCG @ 10
_NUM_SHUFFLES = 20


def ndcg_at_10(
    judged: Sequence[JudgedQuery], score: Callable[[JudgedQuery], Mapping[str, float]], *, seed: int = 0
) -> float:
    """Mean NDCG@10 when each query's candidates are ordered by ``score``, as :func:`best_first` does it."""
    values = ndcg_of_orders(judged, {query.query_id: best_first(query, score(query), seed=seed) for query in judged})
    return sum(values.values()) / len(values)


def best_first(query: JudgedQuery, scores: Mapping[str, float], *, seed: int = 0) -> list[str]:
    """A query's candidates by score, higher first; those without one last.

    Ties are broken at random but the same way in each run: candidates stand in the file in an order that must not help,
    and measures break ties by id.

    Args:
        query: With its candidates.
        scores: Of some or all of them.
        seed: Of the order among ties.
    """
    candidates = sorted(query.grades)
    random.Random(f"{seed}/{query.query_id}").shuffle(candidates)
    candidates.sort(key=lambda job_id: scores.get(job_id, float("-inf")))
    return candidates[::-1]


def ndcg_of_orders(judged: Sequence[JudgedQuery], orders: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """NDCG@10 of each query for a given order of its candidates.

    Args:
        judged: Queries with graded candidates.
        orders: Query id -> all its candidates, best first.
    """
    run = [
        ScoredDoc(query.query_id, job_id, float(-place))
        for query in judged
        for place, job_id in enumerate(orders[query.query_id])
    ]
    truth = {query.query_id: query.grades for query in judged}
    return {str(metric.query_id): float(metric.value) for metric in iter_calc([_MEASURE], truth, run)}


def random_ndcg_at_10(judged: Sequence[JudgedQuery]) -> float:
    """Mean NDCG@10 of random orders of the same candidates."""
    shuffles = [ndcg_at_10(judged, lambda _: {}, seed=seed) for seed in range(_NUM_SHUFFLES)]
    return sum(shuffles) / len(shuffles)
