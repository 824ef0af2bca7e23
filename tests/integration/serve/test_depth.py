"""Depth under load, end to end: calls that come together behind a slow ranker each get less, and say so."""

import asyncio
from functools import partial

import pytest

from tests.doubles.summaries import summary_of
from tests.doubles.waiting import until

_JOB_IDS = [f"job-{index}" for index in range(40)]
_QUERIES = ["night shift", "remote work", "part time"]
"""Different ones: equal pairs would share a computation and cost nothing."""


async def _fill(scorer) -> None:
    for job_id in _JOB_IDS:
        assert await scorer.store.put(summary_of(job_id, "night"), cas=None)


async def _num_tokens(scorer) -> int:
    """Of a call at full depth."""
    counts = (await scorer.score(_QUERIES[0], _JOB_IDS)).json()["num_tokens"]
    return counts["query"] + counts["items"]


def _share(scorer) -> float:
    return scorer.app.state.parts.telemetry.registry.get_sample_value("precis_scorer_depth_share", {"arm": "champion"})


@pytest.fixture
async def slow_scorer(start_scorer):
    """Known to need 18 of the 60 seconds that a call has; what it is sent stays until the test lets it go."""
    probe = await start_scorer()
    await _fill(probe)
    scorer = await start_scorer(initial_tokens_per_s=await _num_tokens(probe) / 18, depth_floor=1)
    await _fill(scorer)
    scorer.ranker.hold()
    return scorer


def _is_admitted(admission, before: int) -> bool:
    return admission.in_flight > before


async def _send_all(scorer) -> list[dict]:
    """The answers to all queries, each sent when the one before waits for the ranker."""
    admission, calls = scorer.app.state.parts.arms.champion.admission, []
    for query in _QUERIES:
        before = admission.in_flight
        calls.append(asyncio.create_task(scorer.score(query, _JOB_IDS)))
        await until(partial(_is_admitted, admission, before), "the call was admitted")
    return await _let_go(scorer, calls)


async def _let_go(scorer, calls: list[asyncio.Task]) -> list[dict]:
    scorer.ranker.release.set()
    answers = await asyncio.gather(*calls)
    assert [answer.status_code for answer in answers] == [200] * len(calls)
    return [answer.json() for answer in answers]


async def test_calls_behind_a_queue_get_less_depth_each(slow_scorer):
    """The first all, the next ones less and less, all above the floor, although the deadline would leave time."""
    first, second, third = await _send_all(slow_scorer)
    assert [first["depth_served"], first["depth_share"]] == [len(_JOB_IDS), 1.0]
    assert len(_JOB_IDS) > second["depth_served"] > third["depth_served"] > 0.2 * len(_JOB_IDS)
    assert 1 > second["depth_share"] > third["depth_share"] > 0.2
    # Queues of 18 and 34 s before 60 s: the deadline leaves 48 - 18 = 30 and 14 of the 18 s that all would take.
    assert second["depth_share"] == pytest.approx(0.867, abs=0.01)
    assert third["depth_share"] == pytest.approx(0.52, abs=0.02)


async def test_what_load_leaves_out_is_the_end_and_says_depth(slow_scorer):
    """Results stand in request order; the caller's best have scores, the rest the reason."""
    for answer in await _send_all(slow_scorer):
        assert [result["job_id"] for result in answer["results"]] == _JOB_IDS
        depth = answer["depth_served"]
        rest = len(_JOB_IDS) - depth
        assert [result["source"] for result in answer["results"]] == ["model"] * depth + ["unscored"] * rest
        assert [result["reason"] for result in answer["results"]] == [None] * depth + ["depth"] * rest


async def test_depth_min_is_kept_under_load(slow_scorer):
    """The caller's own floor is above that of its class."""
    busy = asyncio.create_task(slow_scorer.score(_QUERIES[0], _JOB_IDS))
    await slow_scorer.ranker.started.wait()
    asked = asyncio.create_task(slow_scorer.score(_QUERIES[1], _JOB_IDS, depth={"min": len(_JOB_IDS)}))
    admission = slow_scorer.app.state.parts.arms.champion.admission
    before = admission.in_flight
    await until(partial(_is_admitted, admission, before), "the call was admitted")
    _, answer = await _let_go(slow_scorer, [busy, asked])
    assert answer["depth_share"] < 1
    assert answer["depth_served"] == len(_JOB_IDS)


async def test_gauge_shows_what_the_load_leaves(slow_scorer):
    """Full before any call, less while one waits: 18 s are more than the usual deadline, so the floor."""
    assert _share(slow_scorer) == 1.0
    busy = asyncio.create_task(slow_scorer.score(_QUERIES[0], _JOB_IDS))
    await slow_scorer.ranker.started.wait()
    assert _share(slow_scorer) == pytest.approx(0.2)
    await _let_go(slow_scorer, [busy])


async def test_calls_one_after_the_other_keep_full_depth(slow_scorer):
    """No call is a load to itself or to the one after it."""
    slow_scorer.ranker.release.set()
    for query in _QUERIES:
        answer = (await slow_scorer.score(query, _JOB_IDS)).json()
        assert [answer["depth_served"], answer["depth_share"]] == [len(_JOB_IDS), 1.0]
