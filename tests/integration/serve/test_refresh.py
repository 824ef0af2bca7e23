"""Soft time to live, end to end: old scores are served, and scored anew behind the answer."""

import asyncio
from collections.abc import Mapping

import pytest

from schemas.documents import ScoreEntry
from schemas.errors import BackendUnavailable
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of

_ALWAYS = 1e-9
"""Share of its life after which an entry is due: every hit is."""


@pytest.fixture
async def due(start_scorer):
    """A scorer with two cached scores, which are due."""
    return await _filled(start_scorer)


async def _filled(start_scorer, **limits):
    scorer = await start_scorer(**({"cache_soft_share": _ALWAYS} | limits))
    for job_id in ("a", "b"):
        assert await scorer.store.put(summary_of(job_id, f"night shift {job_id}"), cas=None)
    assert (await scorer.score("night", ["a", "b"])).status_code == 200
    await scorer.until_cached()
    scorer.ranker.calls.clear()
    return scorer


def _sources(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [result["source"] for result in answer.json()["results"]]


class _NotingMerges(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.merges: list[dict[str, ScoreEntry]] = []

    async def merge_scores(self, fingerprint: str, entries: Mapping[str, ScoreEntry]) -> bool:
        self.merges.append(dict(entries))
        return await super().merge_scores(fingerprint, entries)


async def test_an_old_hit_is_served_and_scored_anew(start_scorer):
    """The entry is younger afterwards, of the same version and value; the answer was the cache's."""
    due = await _filled(start_scorer, store=_NotingMerges())
    assert _sources(await due.score("night", ["a", "b"])) == ["cache", "cache"]
    await due.until_sample(2, "refreshes_total", result="refreshed")
    assert due.ranker.num_items == 2
    before, after = due.store.merges
    assert set(after) == set(before) == {"a", "b"}
    for job_id, entry in after.items():
        assert entry.scored_at > before[job_id].scored_at
        assert (entry.item_version, entry.score) == (before[job_id].item_version, before[job_id].score)


async def test_a_refresh_under_way_delays_nothing_and_is_not_begun_twice(due):
    """The ranker keeps the first; hits go on being answered, and none of them sends another."""
    due.ranker.hold()
    for _ in range(3):
        assert _sources(await due.score("night", ["a", "b"])) == ["cache", "cache"]
    await due.ranker.wait_in_flight(1)
    assert len(due.ranker.calls) == 1
    due.ranker.release.set()
    await due.until_sample(2, "refreshes_total", result="refreshed")
    assert len(due.ranker.calls) == 1


async def test_refreshes_wait_for_an_idle_window(due):
    """An interactive call is at the ranker: the refresh is not sent beside it, only after it."""
    due.ranker.hold()
    interactive = asyncio.create_task(due.score("remote work", ["a"]))
    await due.ranker.wait_in_flight(1)
    assert _sources(await due.score("night", ["a", "b"])) == ["cache", "cache"]
    second = asyncio.create_task(due.score("part time", ["a"]))
    await due.ranker.wait_in_flight(2)
    assert [len(call.items) for call in due.ranker.calls] == [1, 1]
    due.ranker.release.set()
    assert _sources(await interactive) == _sources(await second) == ["model"]
    await due.until_sample(2, "refreshes_total", result="refreshed")
    assert [len(call.items) for call in due.ranker.calls] == [1, 1, 2]


async def test_no_more_than_the_limit_wait_at_once(start_scorer):
    """The others keep their old score and are counted."""
    scorer = await _filled(start_scorer, max_refreshes=1)
    assert _sources(await scorer.score("night", ["a", "b"])) == ["cache", "cache"]
    await scorer.until_sample(1, "refreshes_total", result="refreshed")
    assert scorer.sample("refreshes_total", result="dropped") == 1
    assert scorer.ranker.num_items == 1


async def test_a_refresh_that_fails_costs_nothing_and_is_tried_again(due):
    """The old score stays; the next hit begins anew."""
    due.ranker.script.append(BackendUnavailable("away", backend="ranker", operation="score"))
    assert _sources(await due.score("night", ["a", "b"])) == ["cache", "cache"]
    await due.until_sample(2, "refreshes_total", result="unserved")
    assert _sources(await due.score("night", ["a", "b"])) == ["cache", "cache"]
    await due.until_sample(2, "refreshes_total", result="refreshed")


async def test_young_hits_are_left_alone(start_scorer):
    """Below the soft age the ranker is not asked."""
    scorer = await _filled(start_scorer, cache_soft_share=0.6)
    assert _sources(await scorer.score("night", ["a", "b"])) == ["cache", "cache"]
    for _ in range(100):  # many times the turns that a refresh takes in the tests above
        await asyncio.sleep(0)
    assert scorer.ranker.calls == []
