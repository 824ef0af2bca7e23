"""The score cache slow, gone or wrong: scoring goes on, says so, and does not pay for it in every call."""

import asyncio

import pytest

from schemas.errors import BackendTimeout, BackendUnavailable
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of

_FAILURES = 5
"""In a row, after which the cache is left alone."""


class _Cache(MemoryStore):
    """Counts look-ups; fails or hangs while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fault = ""
        self.num_look_ups = 0

    async def get_scores(self, fingerprint, job_ids):
        self.num_look_ups += 1
        if self.fault == "slow":
            await asyncio.Event().wait()
        if self.fault == "gone":
            raise BackendTimeout("no answer", backend="store", operation="get_scores")
        return await super().get_scores(fingerprint, job_ids)


async def _answer(scorer, *job_ids: str) -> dict:
    answer = await scorer.score("night", list(job_ids))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("fault", "budget_s"), [("slow", 0.001), ("gone", 60.0)])
async def test_a_cache_that_fails_again_and_again_is_left_alone(start_scorer, fault: str, budget_s: float):
    """Every answer is the model's and says that the cache was unavailable; most calls do not even ask it."""
    store = _Cache()
    scorer = await start_scorer(store=store, cache_budget_s=budget_s)
    assert await store.put(summary_of("a", "night shift"), cas=None)
    store.fault = fault
    for _ in range(2 * _FAILURES):
        answer = await _answer(scorer, "a")
        assert answer["cache"] == "unavailable"
        assert answer["results"][0]["source"] == "model"
    assert store.num_look_ups < 2 * _FAILURES
    assert scorer.sample("cache_lookups_total", result="open") == 2 * _FAILURES - store.num_look_ups


async def test_what_has_no_score_is_not_remembered(start_scorer):
    """Neither an unknown job nor a ranker that failed: the next call finds out anew."""
    store = _Cache()
    scorer = await start_scorer(store=store)
    assert await store.put(summary_of("a", "night shift"), cas=None)
    scorer.ranker.script.append(BackendUnavailable("away", backend="ranker", operation="score"))
    assert (await scorer.score("night", ["a", "b"], fallback=False)).status_code == 503
    await scorer.until_sample(1, "cache_writes_total", result="empty")
    assert await store.put(summary_of("b", "days"), cas=None)
    answer = await _answer(scorer, "a", "b")
    assert [result["source"] for result in answer["results"]] == ["model", "model"]
