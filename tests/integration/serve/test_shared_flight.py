"""Two scorers on one store: what one computes, the other waits for."""

import asyncio

import pytest

from schemas.errors import BackendUnavailable
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of

# The misses cost many seconds by the model, so sharing pays, and a busy machine exceeds no budget.
_LIMITS = {"shared_flight": True, "cache_budget_s": 1.0, "initial_tokens_per_s": 0.1}


@pytest.fixture
async def pair(start_scorer):
    """Two scorers and their store; the first one's ranker keeps what it is sent."""
    store = MemoryStore()
    first, second = await start_scorer(store=store, **_LIMITS), await start_scorer(store=store, **_LIMITS)
    for job_id in ("a", "b"):
        assert await store.put(summary_of(job_id, f"night shift for nurses {job_id}"), cas=None)
    first.ranker.hold()
    return first, second


def _sources(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [result["source"] for result in answer.json()["results"]]


async def _both_ask(pair):
    first, second = pair
    leading = asyncio.create_task(first.score("night", ["a", "b"]))
    await first.ranker.wait_in_flight(1)
    following = asyncio.create_task(second.score("night", ["a", "b"]))
    await second.until_sample(1, "shared_flights_total", result="followed")
    return leading, following


async def test_the_second_is_answered_with_what_the_first_computed(pair):
    """Its ranker is not asked; to its caller it is a score from the cache."""
    first, second = pair
    leading, following = await _both_ask(pair)
    first.ranker.release.set()
    assert _sources(await leading) == ["model", "model"]
    answer = await following
    assert _sources(answer) == ["cache", "cache"]
    assert [result["score"] for result in answer.json()["results"]] == [
        result["score"] for result in (await leading).json()["results"]
    ]
    assert second.ranker.calls == []
    assert second.sample("shared_flights_total", result="found") == 2


async def test_what_another_computed_keeps_words_out_of_the_answer(pair):
    """Its own ranker is away for the rest: that has no score, for those of words never stand beside a ranker's."""
    first, second = pair
    assert await second.store.put(summary_of("c", "night shift for cooks"), cas=None)
    second.ranker.script.append(BackendUnavailable("away", backend="ranker", operation="score"))
    leading = asyncio.create_task(first.score("night", ["a", "b"]))
    await first.ranker.wait_in_flight(1)
    following = asyncio.create_task(second.score("night", ["a", "b", "c"]))
    await second.until_sample(1, "shared_flights_total", result="followed")
    first.ranker.release.set()
    await leading
    assert _sources(await following) == ["cache", "cache", "unscored"]


async def test_what_the_first_does_not_get_done_the_second_takes_over(pair):
    """Its ranker fails: the lead is given up at once, and the other does not wait for nothing."""
    first, second = pair
    first.ranker.script.append(BackendUnavailable("away", backend="ranker", operation="score"))
    leading, following = await _both_ask(pair)
    first.ranker.release.set()
    assert _sources(await leading) == ["fallback", "fallback"]
    assert _sources(await following) == ["model", "model"]
    assert second.sample("shared_flights_total", result="taken_over") == 2


async def test_held_calls_are_not_led_and_do_not_follow(pair):
    """Nobody elsewhere could hasten them."""
    first, second = pair
    leading = asyncio.create_task(first.score("night", ["a", "b"], **{"class": "latency_insensitive"}))
    await first.ranker.wait_in_flight(1)
    assert _sources(await second.score("night", ["a", "b"])) == ["model", "model"]
    assert second.sample("shared_flights_total", result="followed") == 0
    first.ranker.release.set()
    assert (await leading).status_code == 200


class _NoLeases(MemoryStore):
    async def lead(self, fingerprint, item_versions, *, holder, ttl_s):
        raise RuntimeError("no error of ours")

    async def release(self, fingerprint, item_versions, *, holder):
        raise RuntimeError("no error of ours")


class _SlowLeases(MemoryStore):
    async def lead(self, fingerprint, item_versions, *, holder, ttl_s):
        await asyncio.Event().wait()


@pytest.mark.parametrize(("store", "budget_s"), [(_NoLeases, 1.0), (_SlowLeases, 0.01)], ids=["broken", "slow"])
async def test_without_leases_each_scores_by_itself(start_scorer, store, budget_s: float):
    """A lease store that fails or hangs costs a budget and nothing else."""
    scorer = await start_scorer(store=store(), **(_LIMITS | {"cache_budget_s": budget_s}))
    assert await scorer.store.put(summary_of("a", "night shift for nurses"), cas=None)
    assert _sources(await scorer.score("night", ["a"])) == ["model"]
    assert scorer.sample("shared_flights_total", result="failed") == 1


async def test_what_costs_the_ranker_little_is_not_asked_about(start_scorer):
    """A fast ranker is done before a question would be answered."""
    scorer = await start_scorer(store=_NoLeases(), **(_LIMITS | {"initial_tokens_per_s": 1e6}))
    assert await scorer.store.put(summary_of("a", "night shift for nurses"), cas=None)
    assert _sources(await scorer.score("night", ["a"])) == ["model"]
    assert scorer.sample("shared_flights_total", result="failed") == 0
