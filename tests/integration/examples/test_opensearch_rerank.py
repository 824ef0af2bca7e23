"""``examples/opensearch_rerank.py`` as its users run it: a real OpenSearch, its own client, a real scorer."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from schemas.documents import State
from tests.doubles.http_server import http_server, refused_address
from tests.doubles.served import served
from tests.doubles.summaries import summary_of
from tests.integration.examples.opensearch import opensearch_node

pytestmark = [pytest.mark.java, pytest.mark.rerank_clients]

_ROOT = Path(__file__).parents[3]
_PYTHON = _ROOT / ".engines" / "rerank_clients" / "bin" / "python"
_EXAMPLE = _ROOT / "examples" / "opensearch_rerank.py"

_QUERY = "night nurse"
# By words alone the title counts most: a, b, c, d in this order.
_TITLES = {
    "a": "night nurse",
    "b": "night nurse wanted",
    "c": "night nurse wanted today",
    "d": "night nurse in one clinic",
}
# What the ranker reads; the last is gone, which the index does not know yet.
_SUMMARIES = {"a": "bakery", "b": "night", "c": "night nurse"}


@pytest.fixture(scope="module")
def opensearch(tmp_path_factory):
    """A node with the four postings in it."""
    with opensearch_node(tmp_path_factory.mktemp("opensearch")) as address:
        fields = {"title": {"type": "text"}, "description": {"type": "text"}}
        index = {"settings": {"number_of_shards": 1, "number_of_replicas": 0}, "mappings": {"properties": fields}}
        httpx.put(f"{address}/jobs", json=index).raise_for_status()
        lines = [line for job_id, title in _TITLES.items() for line in ({"index": {"_id": job_id}}, {"title": title})]
        bulk = "".join(json.dumps(line) + "\n" for line in lines)
        headers = {"content-type": "application/x-ndjson"}
        answer = httpx.post(f"{address}/jobs/_bulk?refresh=true", content=bulk, headers=headers)
        assert answer.raise_for_status().json()["errors"] is False
        yield address


@pytest.fixture
async def scorer(start_scorer):
    """A scorer that knows the four, one of them as deleted."""
    scorer = await start_scorer()
    for job_id, summary in _SUMMARIES.items():
        await scorer.store.put(summary_of(job_id, summary, header=""), cas=None)
    await scorer.store.put(summary_of("d", state=State.DELETED), cas=None)
    return scorer


async def _run(opensearch: str, scorer: str, query: str = _QUERY) -> list[list[str]]:
    """The lines that the example prints: place, id, score, why."""
    process = await asyncio.create_subprocess_exec(
        *(_PYTHON, _EXAMPLE, opensearch, scorer, query), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return [line.split("\t") for line in printed.decode().splitlines()]


async def test_candidates_come_in_the_ranker_s_order(opensearch, scorer):
    """The best by meaning first, each with its score; the deleted job, which the index still has, is not shown."""
    async with served(scorer.app) as address:
        lines = await _run(opensearch, address)
    assert [(place, job_id, why) for place, job_id, _, why in lines] == [
        ("1", "c", "model"),
        ("2", "b", "model"),
        ("3", "a", "model"),
    ]
    scores = [float(score) for _, _, score, _ in lines]
    assert scores == sorted(scores, reverse=True)


async def test_a_job_without_summary_keeps_its_place_behind(opensearch, start_scorer):
    """Scored ones first, then the others in the order of retrieval."""
    scorer = await start_scorer()
    await scorer.store.put(summary_of("c", "night nurse"), cas=None)
    async with served(scorer.app) as address:
        lines = await _run(opensearch, address)
    assert [(job_id, why) for _, job_id, _, why in lines] == [
        ("c", "model"),
        ("a", "no_summary"),
        ("b", "no_summary"),
        ("d", "no_summary"),
    ]


async def test_nothing_found_is_no_call(opensearch):
    """No candidate: an empty answer, and the scorer is not asked."""
    assert await _run(opensearch, await refused_address(), "zebra") == []


async def test_without_the_scorer_the_order_is_that_of_retrieval(opensearch):
    """Away, refusing, or late."""
    outcomes = {"ConnectError": await _run(opensearch, await refused_address())}

    async def refuse(_request):
        return b"HTTP/1.1 429 -\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"

    async with http_server(refuse) as refusing:
        outcomes["HTTPStatusError"] = await _run(opensearch, refusing.base_url)

    async def never(_request):
        await asyncio.Event().wait()

    async with http_server(never) as late:
        outcomes["ReadTimeout"] = await _run(opensearch, late.base_url)
    for why, lines in outcomes.items():
        assert lines == [[str(place), job_id, "None", why] for place, job_id in enumerate("abcd", start=1)]
