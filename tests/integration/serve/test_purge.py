"""``POST /v1/cache/purge``: what goes, for whom, and who may ask for it."""

import asyncio
import hashlib

import pytest

from schemas.errors import BackendUnavailable
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of

_KEY = "a key of the operators"
_SHA256 = hashlib.sha256(_KEY.encode()).hexdigest()
_HEADERS = {"Authorization": f"Bearer {_KEY}"}
_JOBS = ["a", "b"]


@pytest.fixture
async def pair(start_scorer):
    """Two scorers on one store, which has cached scores of two queries."""
    store = MemoryStore()
    pair = [await start_scorer(store=store, admin_key_sha256=_SHA256) for _ in range(2)]
    for job_id in _JOBS:
        assert await store.put(summary_of(job_id, f"night shift {job_id}"), cas=None)
    for query in ("night", "part time"):
        assert await _sources(pair[0], query) == ["model", "model"]
    await _written(pair[0], 2)
    for scorer in pair:
        assert await _sources(scorer, "night") == await _sources(scorer, "part time") == ["cache", "cache"]
    return pair


async def _written(scorer, times: int) -> None:
    value = scorer.app.state.parts.telemetry.registry.get_sample_value
    while (value("precis_scorer_cache_writes_total", {"result": "written"}) or 0) < times:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def _sources(scorer, query: str) -> list[str]:
    answer = await scorer.score(query, _JOBS)
    assert answer.status_code == 200, answer.text
    return [result["source"] for result in answer.json()["results"]]


async def _purge(scorer, headers=_HEADERS, **body):
    return await scorer.client.post("/v1/cache/purge", json=body, headers=headers)


async def test_scores_of_jobs_go_whatever_the_query(pair):
    """The others stay; both scorers see it, and how many it were is said."""
    answer = await _purge(pair[0], job_ids=["a", "a", "nobody"])
    assert answer.status_code == 200
    assert (answer.json()["scope"], answer.json()["num_removed"]) == ("job_ids", 2)
    assert await _sources(pair[1], "night") == ["model", "cache"]
    assert await _sources(pair[0], "part time") == ["model", "cache"]


async def test_scores_of_a_query_go_as_it_is_normalised(pair):
    """Other queries keep theirs."""
    assert (await _purge(pair[0], query="  NIGHT ")).status_code == 200
    assert await _sources(pair[1], "part time") == ["cache", "cache"]
    assert await _sources(pair[1], "night") == ["model", "model"]


async def test_all_scores_go_for_every_process_at_once(pair):
    """Of all queries, for the scorer that was not asked too; new ones are cached again."""
    assert (await _purge(pair[0], all=True)).json()["scope"] == "all"
    for query in ("night", "part time"):
        assert await _sources(pair[1], query) == ["model", "model"]
    await _written(pair[1], 2)
    assert await _sources(pair[0], "night") == ["cache", "cache"]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": _KEY}, {"Authorization": f"Basic {_KEY}"}, {"Authorization": "Bearer another"}],
    ids=["none", "no scheme", "another scheme", "another key"],
)
async def test_without_the_key_nothing_goes(pair, headers):
    """A problem document says how to send it."""
    answer = await _purge(pair[0], headers=headers, all=True)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Authorization: Bearer" in answer.json()["detail"]
    assert await _sources(pair[1], "night") == ["cache", "cache"]


async def test_without_a_configured_key_nobody_may(scorer):
    """Not even with an empty one."""
    for headers in ({}, {"Authorization": "Bearer "}, _HEADERS):
        answer = await _purge(scorer, headers=headers, all=True)
        assert answer.status_code == 403
        assert "scorer.admin_key_sha256" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [{}, {"all": False}, {"all": True, "query": "night"}, {"job_ids": []}, {"query": "\x00"}, {"everything": True}],
)
async def test_one_scope_must_be_named(pair, body):
    """Anything else is refused by a problem that names the field, and nothing goes."""
    answer = await _purge(pair[0], **body)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert await _sources(pair[1], "night") == ["cache", "cache"]


class _NoScores(MemoryStore):
    async def forget_all_scores(self):
        raise BackendUnavailable("away", backend="store", operation="forget_all_scores")


async def test_a_purge_that_the_store_does_not_take_fails(start_scorer):
    """Never a 200 for what did not happen."""
    scorer = await start_scorer(store=_NoScores(), admin_key_sha256=_SHA256)
    assert (await _purge(scorer, all=True)).status_code == 503
