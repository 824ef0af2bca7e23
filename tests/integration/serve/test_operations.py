"""Summaries, probes, metrics, facts, the page, and the OpenAPI document."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from models.clients.ports import Scores
from schemas.documents import State
from schemas.errors import BackendUnavailable
from store.memory import MemoryStore
from tests.doubles.engines import LexicalRanker
from tests.doubles.summaries import summary_of


async def test_summaries_come_in_the_order_asked_for(scorer):
    """Those that are not there are listed apart; repeated ids count once."""
    for job_id in ("a", "b"):
        await scorer.store.put(summary_of(job_id), cas=None)
    body = (await scorer.client.get("/v1/summaries?ids=b,nobody&ids=a,b")).json()
    assert [summary["job_id"] for summary in body["summaries"]] == ["b", "a"]
    assert body["missing"] == ["nobody"]


async def test_one_summary_by_its_address(scorer):
    """Also where the id is an address itself."""
    job_id = "https://jobs.example/1?x=a,b"
    await scorer.store.put(summary_of(job_id), cas=None)
    answer = await scorer.client.get("/v1/summaries/https%3A%2F%2Fjobs.example%2F1%3Fx%3Da%2Cb")
    assert answer.json()["job_id"] == job_id
    assert answer.json()["item_version"] == summary_of(job_id).item_version


@pytest.mark.parametrize(("state", "status"), [(None, 404), (State.DELETED, 410)])
async def test_missing_and_deleted_summaries_are_told_apart(scorer, state, status: int):
    """404 and 410."""
    if state:
        await scorer.store.put(summary_of("a", "gone text", state=state), cas=None)
    answer = await scorer.client.get("/v1/summaries/a")
    assert answer.status_code == status
    assert "gone text" not in answer.text


async def test_alive_and_ready(scorer):
    """Ready names the revision that was verified."""
    assert (await scorer.client.get("/livez")).json() == {"status": "alive"}
    assert (await scorer.client.get("/readyz")).json()["ranker_revision"] == "ranker-double"


async def test_not_ready_while_the_canaries_drift(start_scorer):
    """The problem says that it is the ranker, and what differs."""

    class Drifting(LexicalRanker):
        async def score(self, query_ids, items, **rest):
            scores = await super().score(query_ids, items, **rest)
            return type(scores)(tuple(value / 2 for value in scores.values), scores.revision)

    scorer = await start_scorer(ranker=Drifting(), is_verified=False)
    answer = await scorer.client.get("/readyz")
    while "drift" not in answer.text:
        await asyncio.sleep(0)
        answer = await scorer.client.get("/readyz")
    assert answer.status_code == 503
    assert (await scorer.client.get("/livez")).status_code == 200


async def test_not_ready_without_the_store(start_scorer):
    """The ranker alone is not enough."""

    class GoneStore(MemoryStore):
        is_gone = False

        async def get_many(self, job_ids):
            if self.is_gone:
                raise BackendUnavailable("gone", backend="store", operation="get_many")
            return await super().get_many(job_ids)

    scorer = await start_scorer(store=GoneStore())
    scorer.store.is_gone = True
    answer = await scorer.client.get("/readyz")
    assert answer.status_code == 503
    assert "store" in answer.json()["detail"]


async def test_metrics_count_results_by_source(scorer):
    """By route template, never by id."""
    await scorer.store.put(summary_of("a"), cas=None)
    await scorer.score("night", ["a", "nobody"])
    await scorer.client.get("/v1/summaries/secret-id")
    text = (await scorer.admin.get("/metrics")).text
    assert 'precis_scorer_results_total{arm="champion",reason="",source="model"} 1.0' in text
    assert 'precis_scorer_results_total{arm="champion",reason="no_summary",source="unscored"} 1.0' in text
    assert 'precis_scorer_requests_total{route="/v1/score",status="200"} 1.0' in text
    assert 'precis_scorer_stage_seconds_count{stage="summaries"} 1.0' in text
    assert "secret-id" not in text


async def test_info_states_limits_and_versions(scorer):
    """What a client must know to stay inside them."""
    info = (await scorer.client.get("/info")).json()
    assert info["ranker"]["verified_revision"] == "ranker-double"
    assert info["limits"]["candidates"] == 1_000


class TurningRanker(LexicalRanker):
    """A ranker whose weights change under one revision while ``is_turned``."""

    is_turned = False

    async def score(self, *args: Any, **kwargs: Any) -> Scores:
        scores = await super().score(*args, **kwargs)
        return replace(scores, values=tuple(0.9 * value for value in scores.values)) if self.is_turned else scores


async def test_a_ranker_that_drifts_under_way_makes_the_scorer_unready_until_it_is_itself_again(start_scorer):
    """The timer finds it; nothing is scored meanwhile; metrics tell how far and how often."""
    ranker = TurningRanker()
    scorer = await start_scorer(ranker=ranker, canary_interval_s=0.001)
    ranker.is_turned = True

    async def status_becomes(status: int) -> httpx.Response:
        while (answer := await scorer.client.get("/readyz")).status_code != status:  # noqa: ASYNC110 - asked again and again, as an orchestrator does
            await asyncio.sleep(0.001)
        return answer

    assert "drift: " in (await status_becomes(503)).text
    refused = await scorer.client.post("/v1/rerank", json={"query": "nurse", "documents": ["a nurse"]})
    assert refused.status_code == 503
    metrics = (await scorer.admin.get("/metrics")).text
    (drift,) = re.findall(r"^precis_scorer_canary_drift{arm=\"champion\"} (\S+)", metrics, re.MULTILINE)
    (failures,) = re.findall(r"^precis_scorer_canary_failures_total{arm=\"champion\"} (\S+)", metrics, re.MULTILINE)
    assert 0.01 < float(drift) < 0.1
    assert float(failures) >= 2
    ranker.is_turned = False
    await status_becomes(200)


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_pages_ask_nothing_from_elsewhere(scorer, path: str):
    """One file each; its policy lets only its own script run, and only talk to the scorer."""
    answer = await scorer.client.get(path)
    policy = answer.headers["content-security-policy"]
    assert answer.headers["content-type"].startswith("text/html")
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", answer.text)
    assert "innerHTML" not in answer.text
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 2


async def test_openapi_examples_are_answered(scorer):
    """Each example of a request body in the OpenAPI document runs."""
    document = (await scorer.client.get("/openapi.json")).json()
    count = 0
    for path, methods in document["paths"].items():
        body = methods.get("post", {}).get("requestBody")
        if body is None:
            continue
        schema = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for example in document["components"]["schemas"][schema]["examples"]:
            count += 1
            assert (await scorer.client.post(path, json=example)).status_code == 200
    assert count >= 4


async def test_openapi_documents_problems(scorer):
    """Errors are problem documents there too, and every reference resolves."""
    document = (await scorer.client.get("/openapi.json")).json()
    responses = document["paths"]["/v1/score"]["post"]["responses"]
    assert "application/problem+json" in responses["422"]["content"]
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert names <= set(document["components"]["schemas"])
