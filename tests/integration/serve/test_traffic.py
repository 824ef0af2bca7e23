"""Traffic classes, end to end: who goes first, who is held to idle windows, and who need not be served at all."""

import asyncio

import pytest

from schemas.api import TrafficClass
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of
from tests.doubles.waiting import until

_JOB_IDS = ["a", "b", "c", "d"]


@pytest.fixture
async def busy(start_scorer):
    """Its ranker takes two requests and keeps what it is sent; an interactive call is there."""
    scorer = await start_scorer(depth_floor=1)
    for job_id in _JOB_IDS:
        assert await scorer.store.put(summary_of(job_id, f"night shift {job_id}"), cas=None)
    scorer.ranker.hold()
    first = asyncio.create_task(scorer.score("night nurse", _JOB_IDS))
    await _until(scorer, calls=1)
    yield scorer
    scorer.ranker.release.set()
    assert (await first).status_code == 200


def _admission(scorer):
    return scorer.app.state.parts.arms.champion.admission


def _ahead(scorer) -> int:
    return _admission(scorer).ahead(TrafficClass.INTERACTIVE).tokens


async def _until(scorer, *, calls: int) -> None:
    await until(lambda: len(scorer.ranker.calls) >= calls, f"{calls} calls of the ranker")


async def _ask(scorer, traffic_class: str, query: str, **fields) -> "asyncio.Task":
    """A call that was admitted."""
    before = _admission(scorer).in_flight
    call = asyncio.create_task(scorer.score(query, _JOB_IDS, **{"class": traffic_class}, **fields))
    await until(lambda: _admission(scorer).in_flight > before, "the call was admitted")
    return call


@pytest.mark.parametrize("traffic_class", ["latency_insensitive", "refresh"])
async def test_held_calls_wait_for_an_idle_window(busy, traffic_class: str):
    """Not sent beside an interactive call although a slot is free; sent and answered once that is done."""
    held = await _ask(busy, traffic_class, "remote work")
    urgent = await _ask(busy, "interactive", "part time")
    await _until(busy, calls=2)
    assert not held.done()
    busy.ranker.release.set()
    assert (await urgent).status_code == (await held).status_code == 200
    assert (await held).json()["depth_served"] == len(_JOB_IDS)
    assert len(busy.ranker.calls) == 3


async def test_latency_insensitive_calls_are_sent_before_it_is_too_late(busy):
    """No idle window comes: with the end of their time in sight they go beside interactive calls."""
    held = await _ask(busy, "latency_insensitive", "remote work", deadline_ms=400)
    await _until(busy, calls=2)
    busy.ranker.release.set()
    answer = (await held).json()
    assert answer["depth_served"] == len(_JOB_IDS)


async def test_refreshes_that_find_no_window_are_never_sent(busy):
    """At their deadline they are dropped, and say so."""
    answer = await (await _ask(busy, "refresh", "remote work", deadline_ms=100))
    assert answer.status_code == 504
    assert len(busy.ranker.calls) == 1
    assert busy.sample("ranker_requests_total", arm="champion", result="Expired") == 1


async def test_an_interactive_call_takes_the_held_work_it_shares_along(busy):
    """It waits for what a held call began; that is as urgent as the call itself, and is computed once."""
    held = await _ask(busy, "latency_insensitive", "remote work")
    joined = asyncio.create_task(busy.score("remote work", _JOB_IDS))
    await _until(busy, calls=2)
    busy.ranker.release.set()
    scores = [[result["score"] for result in (await call).json()["results"]] for call in (joined, held)]
    assert scores[0] == scores[1]
    assert None not in scores[0]
    assert len(busy.ranker.calls) == 2


async def test_decisions_are_counted_by_class(busy):
    """One metric shows which class pays for an overload."""
    held = await _ask(busy, "latency_insensitive", "remote work")
    busy.ranker.release.set()
    await held
    for traffic_class in ("interactive", "latency_insensitive"):
        labels = {"arm": "champion", "decision": "granted", "class": traffic_class}
        assert busy.sample("admission_total", **labels) == 1


class _CountingStore(MemoryStore):
    """Counts the reads of summaries, and keeps them waiting where a test wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.num_reads = 0
        self.open = asyncio.Event()
        self.open.set()

    async def get_many(self, job_ids):
        self.num_reads += 1
        await self.open.wait()
        return await super().get_many(job_ids)


@pytest.fixture
async def start_slow(start_scorer):
    """Starts scorers whose ranker is taken to do 2 tokens a second, and whose depth floor is all candidates."""

    async def start():
        store = _CountingStore()
        for job_id in _JOB_IDS:
            assert await store.put(summary_of(job_id, f"night shift {job_id}"), cas=None)
        return await start_scorer(store=store, depth_floor=len(_JOB_IDS), initial_tokens_per_s=2.0)

    return start


async def test_what_will_be_refused_is_refused_before_anything_is_read(start_slow):
    """The queue leaves no time for the floor: no store read; a query with cached scores is still answered from them."""
    scorer = await start_slow()
    known = await scorer.score("night nurse", _JOB_IDS[:2])
    assert known.status_code == 200
    await scorer.until_cached()
    scorer.ranker.hold()
    waiting = asyncio.create_task(scorer.score("part time", _JOB_IDS))
    await _until(scorer, calls=2)
    before = scorer.store.num_reads
    for query, job_ids in (("remote work", _JOB_IDS), ("night nurse", _JOB_IDS[2:])):
        refused = await scorer.score(query, job_ids, deadline_ms=1_000)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
    assert scorer.store.num_reads == before
    again = await scorer.score("night nurse", _JOB_IDS[:2], deadline_ms=1_000)
    assert [result["source"] for result in again.json()["results"]] == ["cache"] * 2
    scorer.ranker.release.set()
    await waiting


async def test_no_call_is_refused_after_its_summaries_were_read(start_slow):
    """The room goes to another call meanwhile: the first one keeps its seat, and waits for its scores."""
    scorer = await start_slow()
    scorer.ranker.hold()
    scorer.store.open.clear()
    first = asyncio.create_task(scorer.score("night nurse", _JOB_IDS, deadline_ms=20_000))
    await until(lambda: scorer.store.num_reads == 1, "the first call reads")
    body = {"query": "part time", "documents": ["night shift " * 40], "deadline_ms": 60_000}
    other = asyncio.create_task(scorer.client.post("/v1/score", json=body))
    await _until(scorer, calls=1)
    refused = await scorer.client.post("/v1/score", json=body | {"query": "remote work", "deadline_ms": 20_000})
    assert refused.status_code == 429
    scorer.store.open.set()
    await _until(scorer, calls=2)
    scorer.ranker.release.set()
    answers = [await first, await other]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["depth_served"] == len(_JOB_IDS)
    assert _ahead(scorer) == 0


async def test_a_call_that_fails_or_leaves_gives_its_seat_back(start_slow):
    """However it ends while it reads."""
    scorer = await start_slow()
    scorer.store.open.clear()
    late = await scorer.score("night nurse", _JOB_IDS, deadline_ms=50)
    assert late.status_code == 504
    assert _ahead(scorer) == 0
    leaves = asyncio.create_task(scorer.score("night nurse", _JOB_IDS))
    await until(lambda: _ahead(scorer) > 0, "the call has a seat")
    leaves.cancel()
    await asyncio.wait({leaves})
    assert _ahead(scorer) == 0
