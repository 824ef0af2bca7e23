"""``POST /v1/cache/purge``: what goes, for whom, and who may ask for it."""

import pytest

from schemas.errors import BackendUnavailable
from serve.access.key_file import KeySource
from serve.access.keys import ApiKey, digest_of
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of

_KEY = "a key of the operators"
_KEYS = [
    ApiKey(name="operator", sha256=digest_of(_KEY), is_admin=True),
    ApiKey(name="shop", sha256=digest_of("a key of the shop")),
]
_HEADERS = {"Authorization": f"Bearer {_KEY}"}
_JOBS = ["a", "b"]


@pytest.fixture
async def pair(start_scorer):
    """Two scorers on one store, which has cached scores of two queries."""
    store = MemoryStore()
    pair = [await start_scorer(store=store, keys=KeySource(_KEYS)) for _ in range(2)]
    for job_id in _JOBS:
        assert await store.put(summary_of(job_id, f"night shift {job_id}"), cas=None)
    for query in ("night", "part time"):
        assert await _sources(pair[0], query) == ["model", "model"]
    await pair[0].until_cached(2)
    for scorer in pair:
        assert await _sources(scorer, "night") == await _sources(scorer, "part time") == ["cache", "cache"]
    return pair


async def _sources(scorer, query: str) -> list[str]:
    body = {"query": query, "job_ids": _JOBS, "deadline_ms": 60_000}
    answer = await scorer.client.post("/v1/score", json=body, headers=_HEADERS)
    assert answer.status_code == 200, answer.text
    return [result["source"] for result in answer.json()["results"]]


async def _purge(scorer, headers=_HEADERS, **body):
    return await scorer.admin.post("/v1/cache/purge", json=body, headers=headers)


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
    await pair[1].until_cached(2)
    assert await _sources(pair[0], "night") == ["cache", "cache"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer another"}, 401), ({"Authorization": "Bearer a key of the shop"}, 403)],
    ids=["none", "unknown", "of no operator"],
)
async def test_without_an_operators_key_nothing_goes(pair, headers, status: int):
    """A problem document says what is needed."""
    answer = await _purge(pair[0], headers=headers, all=True)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert await _sources(pair[1], "night") == ["cache", "cache"]


async def test_without_configured_keys_nobody_may(scorer):
    """The rest of the admin port is open then, this is not."""
    for headers in ({}, _HEADERS):
        answer = await _purge(scorer, headers=headers, all=True)
        assert answer.status_code == 403
        assert "no API keys are configured" in answer.json()["detail"]


async def test_the_public_port_has_no_such_call(pair):
    """Whatever the key."""
    answer = await pair[0].client.post("/v1/cache/purge", json={"all": True}, headers=_HEADERS)
    assert answer.status_code == 404


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
    scorer = await start_scorer(store=_NoScores(), keys=KeySource(_KEYS))
    assert (await _purge(scorer, all=True)).status_code == 503
