"""The rerank shape that existing clients speak."""

import pytest

from schemas.errors import BackendUnavailable
from tests.doubles.summaries import summary_of

_DOCUMENTS = ["Baker\nearly shift", {"text": "Nurse\nnight shift in Berlin"}, {"id": "a"}, {"id": "nobody"}]


@pytest.fixture
async def filled(scorer):
    """A scorer with one summary."""
    await scorer.store.put(summary_of("a", "night shift; part time"), cas=None)
    return scorer


async def _rerank(scorer, path: str = "/v1/rerank", **fields):
    body = {"query": "night shift nurse Berlin", "documents": _DOCUMENTS, "deadline_ms": 60_000, **fields}
    return await scorer.client.post(path, json=body)


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
async def test_results_are_best_first_with_the_index_of_the_request(filled, path: str):
    """The shape of Cohere and Jina: index and relevance_score, best first, nothing else unless asked for."""
    body = (await _rerank(filled, path)).json()
    scores = [result["relevance_score"] for result in body["results"]]
    assert scores == sorted(scores, reverse=True)
    assert body["results"][-1]["index"] == 0
    assert all(set(result) == {"index", "relevance_score"} for result in body["results"])
    assert body["unscored"] == [{"index": 3, "reason": "no_summary"}]
    assert body["model"] == "ranker-double"


async def test_top_n_cuts_the_results(filled):
    """More than there are is no error."""
    assert len((await _rerank(filled, top_n=1)).json()["results"]) == 1
    assert len((await _rerank(filled, top_n=99)).json()["results"]) == 3


async def test_documents_come_back_on_request(filled):
    """A text as it was sent; of a job its id and the text that was scored."""
    results = (await _rerank(filled, return_documents=True)).json()["results"]
    documents = {result["index"]: result["document"] for result in results}
    assert documents[0] == {"text": "Baker\nearly shift"}
    assert documents[2] == {"id": "a", "text": "Nurse a | Clinic | Berlin\nnight shift; part time"}


async def test_fields_of_other_dialects_are_taken(filled):
    """Clients send their own: they are not refused."""
    answer = await _rerank(filled, model="rerank-v3.5", max_tokens_per_doc=512, rank_fields=["text"], truncate=True)
    assert answer.status_code == 200


async def test_null_is_as_good_as_leaving_out(filled):
    """Cohere's and LangChain's clients send it for an argument that is None."""
    nulls = dict.fromkeys(["model", "top_n", "return_documents", "max_tokens_per_doc", "rank_fields"])
    assert (await _rerank(filled, **nulls)).json()["results"] == (await _rerank(filled)).json()["results"]


async def test_stored_and_inline_texts_are_scored_alike(filled):
    """The same header and summary have the same score, wherever they came from."""
    inline = "Nurse a | Clinic | Berlin\nnight shift; part time"
    results = (await _rerank(filled, documents=[{"id": "a"}, inline])).json()["results"]
    assert results[0]["relevance_score"] == results[1]["relevance_score"]
    assert filled.ranker.num_items == 1


async def test_inline_texts_are_never_cached(filled):
    """They belong to no job, so nothing could invalidate them."""
    for _ in range(2):
        assert (await _rerank(filled, documents=["Nurse"])).status_code == 200
    assert filled.ranker.num_items == 2


async def test_a_very_long_text_is_cut_not_refused(filled):
    """Only its beginning is read."""
    assert (await _rerank(filled, documents=["nurse " * 50_000])).status_code == 200
    assert len(filled.ranker.calls[0].items[0]) <= 200


async def test_ranker_away_is_a_problem(filled):
    """These clients know no partial answer without any result."""
    filled.ranker.fail_next(BackendUnavailable("away", backend="ranker", operation="score"))
    assert (await _rerank(filled)).status_code == 503
