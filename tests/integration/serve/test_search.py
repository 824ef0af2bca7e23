"""``GET /v1/search`` over the embedded store: its full-text index and its summaries."""

from pathlib import Path

import pytest

from schemas.documents import PostingDocument, State
from schemas.errors import BackendUnavailable
from store.sqlite import SqliteStore
from tests.doubles.summaries import summary_of

_BODIES = {"a": "night shift; part time", "b": "python engineer", "c": "night porter"}


@pytest.fixture
async def store(tmp_path: Path):
    """An embedded store with three jobs."""
    store = await SqliteStore.open(tmp_path / "store" / "store.sqlite")
    for job_id, body in _BODIES.items():
        document = summary_of(job_id, body)
        await store.put_posting(
            PostingDocument(
                job_id=job_id, source_version=1, content_hash="c", posting={}, header=document.header, body=body
            )
        )
        await store.put(document, cas=None)
    yield store
    await store.close()


@pytest.fixture
async def searching(start_scorer, store):
    """A scorer with that store as its index."""
    return await start_scorer(store=store, index=store)


async def test_candidates_by_words_are_ordered_by_the_ranker(searching):
    """Each result has what a page shows: rank, score, title, place, summary, source, age, and its rank by words."""
    body = (await searching.client.get("/v1/search", params={"q": "night shift", "k": 10})).json()
    assert [result["job_id"] for result in body["results"]] == ["a", "c"]
    first = body["results"][0]
    assert (first["rank"], first["title"], first["place"], first["source"]) == (1, "Nurse a", "Berlin", "model")
    assert first["summary"] == _BODIES["a"]
    assert {first["bm25_rank"], body["results"][1]["bm25_rank"]} == {1, 2}


async def test_nothing_found_is_an_empty_answer(searching):
    """Also where the query has no word at all."""
    for query in ("zebra", "???"):
        answer = await searching.client.get("/v1/search", params={"q": query})
        assert answer.status_code == 200
        assert answer.json()["results"] == []


async def test_a_job_deleted_meanwhile_is_not_shown(searching, store):
    """The index may lag behind; the read point decides."""
    stored = await store.get("a")
    await store.put(stored.document.model_copy(update={"state": State.DELETED, "rev": 2}), cas=stored.cas)
    body = (await searching.client.get("/v1/search", params={"q": "night shift"})).json()
    assert [result["job_id"] for result in body["results"]] == ["c"]


async def test_ranker_away_leaves_the_order_of_the_index(searching):
    """Search goes on by words, and says so."""
    searching.ranker.fail_next(BackendUnavailable("away", backend="ranker", operation="score"))
    body = (await searching.client.get("/v1/search", params={"q": "night shift"})).json()
    assert [result["bm25_rank"] for result in body["results"]] == [1, 2]
    assert {result["reason"] for result in body["results"]} == {"backend"}


@pytest.mark.parametrize(
    ("params", "field"),
    [({}, "q"), ({"q": ""}, "q"), ({"q": "\x00"}, "q"), ({"q": "x", "k": 0}, "k"), ({"q": "x", "k": 101}, "k")],
)
async def test_bad_parameters_are_named(searching, params, field: str):
    """As the caller wrote them."""
    answer = await searching.client.get("/v1/search", params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_without_an_index_there_is_no_search(scorer):
    """Callers bring their own candidates: 404, and ``/info`` says so."""
    assert (await scorer.client.get("/v1/search", params={"q": "night"})).status_code == 404
    assert (await scorer.client.get("/info")).json()["has_search"] is False
