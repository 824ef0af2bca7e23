"""How scored and unscored candidates stand in a sorted answer: as `docs/depth.md` says and its bench measures."""

import pytest

from ops.bench.depth import merged
from tests.doubles.summaries import summary_of

_TEXTS = {"a": "baker", "b": "night", "c": "night nurse", "d": "cook", "e": "night nurse berlin"}
_QUERY = "night nurse berlin"


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
async def test_a_sorted_answer_is_the_order_that_the_bench_measures(scorer, depth: int):
    """Scored ones by score, then the unscored ones in the caller's order."""
    for job_id, text in _TEXTS.items():
        await scorer.store.put(summary_of(job_id, text, header=text), cas=None)
    candidates = list(_TEXTS)
    full = (await scorer.score(_QUERY, candidates)).json()["results"]
    scores = {result["job_id"]: result["score"] for result in full}
    cut = (await scorer.score(_QUERY, candidates, depth={"max": depth}, sort=True)).json()["results"]
    assert [result["job_id"] for result in cut] == merged(candidates, scores, depth)
    assert [result["reason"] for result in cut] == [None] * depth + ["depth"] * (len(candidates) - depth)
