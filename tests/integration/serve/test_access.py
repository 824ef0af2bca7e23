"""API keys and their limits at a whole scorer."""

import httpx
import pytest

from schemas.api import TrafficClass
from serve.access.key_file import KeySource
from serve.access.keys import ApiKey, digest_of
from tests.doubles.summaries import summary_of


def source(**fields) -> KeySource:
    return KeySource([ApiKey(name="shop", sha256=digest_of("secret-key"), **fields)])


SHOP = {"Authorization": "Bearer secret-key"}
RERANK = {"query": "nurse", "documents": ["a nurse at night", "a cook"]}


@pytest.mark.parametrize("headers", [SHOP, {"X-API-Key": "secret-key"}, {"authorization": "bearer secret-key"}])
async def test_a_known_key_is_let_in(start_scorer, headers: dict[str, str]):
    """By either header; the scheme's case does not matter."""
    scorer = await start_scorer(keys=source())
    assert (await scorer.client.post("/v1/rerank", json=RERANK, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Basic secret-key"}, {"X-API-Key": ""}]
)
async def test_without_a_known_key_nothing_is_told(start_scorer, headers: dict[str, str]):
    """401 with the scheme to use, also where the body is bad or the route is not there."""
    scorer = await start_scorer(keys=source())
    for answer in (
        await scorer.client.post("/v1/rerank", json=RERANK, headers=headers),
        await scorer.client.post("/v1/score", content=b"no json", headers=headers),
        await scorer.client.get("/nowhere", headers=headers),
        await scorer.client.get("/info", headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret-key" not in answer.text
    for path in ("/livez", "/readyz", "/docs", "/openapi.json"):
        assert (await scorer.client.get(path, headers=headers)).status_code == 200


async def test_open_without_keys_and_says_so(scorer):
    """As on a laptop."""
    assert (await scorer.client.get("/info")).json()["access"] == "open"
    assert (await scorer.client.post("/v1/rerank", json=RERANK)).status_code == 200


async def test_a_key_is_charged_what_its_calls_send_and_refused_with_the_time_to_come_back(start_scorer):
    """The second call finds the debt of the first; another key, and a look-up, do not."""
    keys = KeySource(
        [
            ApiKey(name="shop", sha256=digest_of("secret-key"), tokens_per_s=0.001, burst=1),
            ApiKey(name="app", sha256=digest_of("other-key")),
        ]
    )
    scorer = await start_scorer(keys=keys)
    assert (await scorer.client.post("/v1/rerank", json=RERANK, headers=SHOP)).status_code == 200
    refused = await scorer.client.post("/v1/rerank", json=RERANK, headers=SHOP)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 1_000
    assert "'shop'" in refused.json()["detail"]
    other = await scorer.client.post("/v1/rerank", json=RERANK, headers={"X-API-Key": "other-key"})
    assert other.status_code == 200
    assert (await scorer.client.get("/info", headers=SHOP)).json()["access"] == "keys"
    metrics = (await scorer.admin.get("/metrics")).text
    tokens = other.json()["usage"]["total_tokens"]
    assert 'precis_scorer_key_calls_total{decision="limited",key="shop"} 1.0' in metrics
    (charged,) = [line for line in metrics.splitlines() if line.startswith('precis_scorer_key_tokens_total{key="app"}')]
    assert 0 < float(charged.split()[1]) <= tokens
    assert "secret-key" not in metrics


async def test_cached_scores_cost_a_key_nothing(start_scorer):
    """Its limit is in what the ranker works, not in calls."""
    scorer = await start_scorer(keys=source(tokens_per_s=0.001, burst=100))
    await scorer.store.put(summary_of("a"), cas=None)
    body = {"query": "nurse", "job_ids": ["a"], "deadline_ms": 60_000}
    sources = set()
    for _ in range(20):
        answer = await scorer.client.post("/v1/score", json=body, headers=SHOP)
        assert answer.status_code == 200
        sources.add(answer.json()["results"][0]["source"])
    assert sources == {"model", "cache"}


async def test_a_key_may_be_kept_to_classes(start_scorer):
    """403 names those that it may use."""
    keys = source(classes=frozenset({TrafficClass.LATENCY_INSENSITIVE}))
    scorer = await start_scorer(keys=keys)
    answer = await scorer.client.post("/v1/score", json={"query": "nurse", "job_ids": ["a"]}, headers=SHOP)
    assert answer.status_code == 403
    assert "latency_insensitive" in answer.json()["detail"]


async def test_admin_calls_need_an_admin_key_where_keys_are_configured(start_scorer):
    """Metrics and probes stay open there: who scrapes holds no key."""
    keys = KeySource(
        [
            ApiKey(name="shop", sha256=digest_of("secret-key")),
            ApiKey(name="operator", sha256=digest_of("admin-key"), is_admin=True),
        ]
    )
    scorer = await start_scorer(keys=keys)

    async def status(headers: dict[str, str]) -> int:
        return (await scorer.admin.get("/info", headers=headers)).status_code

    assert [await status(h) for h in ({}, SHOP, {"X-API-Key": "admin-key"})] == [401, 403, 200]
    for path in ("/metrics", "/livez", "/readyz"):
        assert (await scorer.admin.get(path)).status_code == httpx.codes.OK


async def test_the_public_port_has_no_metrics(scorer):
    """They are of the admin port."""
    assert (await scorer.client.get("/metrics")).status_code == 404
