"""The rerank calls through the clients that exist: Cohere's own, and LangChain's and LlamaIndex's classes over it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.served import served
from tests.doubles.summaries import summary_of

pytestmark = pytest.mark.rerank_clients

_SCRIPT = Path(__file__).with_name("rerank_clients.py")
_PYTHON = Path(__file__).parents[3] / ".engines" / "rerank_clients" / "bin" / "python"

_QUERY = "night shift nurse Berlin"
_TEXTS = ["Baker\nearly shift", "Nurse\nnight shift in Berlin", "Nurse\nnight duty"]
_BEST_FIRST = [1, 2, 0]
_CALL = {"query": _QUERY, "documents": _TEXTS}


async def _ask(scorer: Any, client: str, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    """What the client made of each call."""
    async with served(scorer.app) as address:
        process = await asyncio.create_subprocess_exec(
            *(_PYTHON, "-W", "ignore", _SCRIPT, client, address),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, said = await process.communicate(json.dumps(calls).encode())
    assert process.returncode == 0, said.decode()
    return json.loads(printed)


async def _scores(scorer: Any) -> dict[int, float]:
    """Index -> score of ``_TEXTS``, without any client."""
    body = (await scorer.client.post("/v1/rerank", json=_CALL | {"deadline_ms": 60_000})).json()
    assert [result["index"] for result in body["results"]] == _BEST_FIRST
    return {result["index"]: result["relevance_score"] for result in body["results"]}


def _pairs(results: list[dict[str, Any]]) -> list[tuple[int, float]]:
    return [(result["index"], result["relevance_score"]) for result in results]


def _assert_refused(outcome: dict[str, Any], field: str) -> None:
    """The client's own exception for 422, with our problem document."""
    assert (outcome["error"], outcome["status"]) == ("UnprocessableEntityError", 422)
    assert outcome["body"]["type"] == "urn:precis:problem:invalid-input"
    assert [error["field"] for error in outcome["body"]["errors"]] == [field]
    assert outcome["body"]["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize("client", ["cohere_v1", "cohere_v2"])
async def test_cohere(scorer, client: str):
    """Order, indices and scores are those of the scorer; ``top_n`` cuts; a job's id is a document; errors are typed."""
    scores = await _scores(scorer)
    await scorer.store.put(summary_of("a", "night shift; part time"), cas=None)
    known = [*_TEXTS, {"id": "a"}, {"id": "nobody"}]
    whole, cut, of_jobs, without_query, without_documents = await _ask(
        scorer,
        client,
        _CALL | {"request_options": {"additional_body_parameters": {"deadline_ms": 60_000}}},
        _CALL | {"top_n": 2},
        {"query": _QUERY, "documents": known},
        _CALL | {"query": ""},
        _CALL | {"documents": []},
    )
    assert _pairs(whole["answer"]["results"]) == [(index, scores[index]) for index in _BEST_FIRST]
    assert whole["answer"]["id"]
    assert whole["answer"]["model"] == "ranker-double"
    assert _pairs(cut["answer"]["results"]) == [(index, scores[index]) for index in _BEST_FIRST[:2]]
    assert {index for index, _ in _pairs(of_jobs["answer"]["results"])} == {0, 1, 2, 3}
    assert of_jobs["answer"]["unscored"] == [{"index": 4, "reason": "no_summary"}]
    _assert_refused(without_query, "query")
    _assert_refused(without_documents, "documents")


async def test_cohere_v1_returns_documents_and_sends_its_own_fields(scorer):
    """Texts come back as they were sent; a field that is null is one that was left out."""
    documents = [{"text": text, "title": "of theirs"} for text in _TEXTS]
    returned, own = await _ask(
        scorer,
        "cohere_v1",
        {"query": _QUERY, "documents": documents, "return_documents": True, "rank_fields": ["text"]},
        _CALL | {"model": None, "top_n": None, "return_documents": None, "rank_fields": None, "max_chunks_per_doc": 10},
    )
    assert [result["document"]["text"] for result in returned["answer"]["results"]] == [_TEXTS[i] for i in _BEST_FIRST]
    assert [result["index"] for result in own["answer"]["results"]] == _BEST_FIRST
    assert all(result.get("document") is None for result in own["answer"]["results"])


async def test_cohere_v2_sends_its_own_fields(scorer):
    """They change nothing."""
    plain, own = await _ask(scorer, "cohere_v2", _CALL, _CALL | {"max_tokens_per_doc": 512, "priority": 3})
    assert _pairs(own["answer"]["results"]) == _pairs(plain["answer"]["results"])


async def test_langchain(scorer):
    """``CohereRerank.rerank``: three of them unless told, all of them with None; the exception is Cohere's."""
    scores = await _scores(scorer)
    whole, cut, refused = await _ask(
        scorer, "langchain", _CALL | {"top_n": None}, _CALL | {"top_n": 1}, _CALL | {"query": ""}
    )
    assert _pairs(whole["answer"]) == [(index, scores[index]) for index in _BEST_FIRST]
    assert _pairs(cut["answer"]) == [(1, scores[1])]
    _assert_refused(refused, "query")


async def test_langchain_compresses_documents(scorer):
    """``CohereRerank.compress_documents`` keeps text and metadata of the best, and adds the score."""
    scores = await _scores(scorer)
    (compressed,) = await _ask(scorer, "langchain_compressor", _CALL | {"top_n": 2})
    assert compressed["answer"] == [
        {"text": _TEXTS[index], "place": index, "relevance_score": scores[index]} for index in _BEST_FIRST[:2]
    ]


async def test_llama_index(scorer):
    """``CohereRerank.postprocess_nodes`` returns the best nodes with our scores; the exception is Cohere's."""
    scores = await _scores(scorer)
    cut, refused = await _ask(scorer, "llama_index", _CALL | {"top_n": 2}, _CALL | {"top_n": 2, "query": ""})
    assert cut["answer"] == [{"text": _TEXTS[index], "score": scores[index]} for index in _BEST_FIRST[:2]]
    _assert_refused(refused, "query")
