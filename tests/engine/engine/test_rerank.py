"""Rerank over text with the shipped ranker, over real HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.bundle import RankerCanary, Role, load_bundle
from models.engine.config import EngineConfig, Limits
from tests.engine.engine.serving import Served, served

RANKER = Path(__file__).parents[3] / "models" / "bundles" / "ranker-tiny"
MANIFEST = load_bundle(RANKER, Role.RANKER).manifest
CANARIES = [canary for canary in MANIFEST.canaries if isinstance(canary, RankerCanary)]


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """The shipped ranker, float32."""
    with served(EngineConfig(bundle=RANKER, role="ranker", limits=Limits(max_items=20))) as running:
        yield running


def document_of(canary: RankerCanary) -> str:
    return f"{canary.header}\n{canary.summary}"


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.query)
def test_text_scores_as_the_canary_of_the_bundle(server: Served, canary: RankerCanary) -> None:
    """Claim: raw text goes through the template that the ranker was trained with, to the reference score."""
    body = {"query": canary.query, "documents": [document_of(canary)]}
    [result] = server.client.post("/v1/rerank", json=body).json()["results"]
    assert abs(result["relevance_score"] - canary.score) <= 1e-5


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
def test_documents_come_best_first_as_cohere_and_jina_clients_read_them(server: Served, path: str) -> None:
    """Claim: index, relevance_score, the document where asked for, at most top_n, in descending order."""
    documents = [document_of(canary) for canary in CANARIES]
    body = {"model": "any", "query": CANARIES[0].query, "documents": documents}
    full = server.client.post(path, json=body).json()
    scores = [result["relevance_score"] for result in full["results"]]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 1
    assert sorted(result["index"] for result in full["results"]) == list(range(len(documents)))
    assert all(result.keys() == {"index", "relevance_score"} for result in full["results"])
    objects = [{"text": text} for text in documents]
    best = server.client.post(path, json=body | {"documents": objects, "top_n": 2, "return_documents": True}).json()
    assert "document" not in server.client.post(path, json=body | {"return_documents": None}).json()["results"][0]
    assert [result["index"] for result in best["results"]] == [result["index"] for result in full["results"][:2]]
    assert all(result["document"] == {"text": documents[result["index"]]} for result in best["results"])
    assert full["usage"]["total_tokens"] == best["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"query": " "}, 400, "query has no text"),
        ({"query": "nurse " * 100}, 400, "tokens, over this ranker's 48"),
        ({"documents": []}, 422, "documents"),
        ({"documents": ["a", " \n "]}, 400, "documents[1] has no text"),
        ({"documents": ["header\n" + "night shifts " * 100]}, 400, "documents[0] has"),
        ({"documents": ["header " * 100 + "\nsummary"]}, 400, "the first line of documents[0] has"),
        ({"documents": ["a"] * 21}, 400, "documents has 21 entries, over the limit of 20"),
        ({"documents": [{"image": "x"}]}, 422, "documents[0]"),
        ({"top_n": 0}, 422, "top_n"),
        ({"truncate_prompt_tokens": 10}, 400, "truncate_prompt_tokens is not supported"),
    ],
)
def test_a_wrong_rerank_request_is_told_what_is_wrong(server: Served, change: dict, status: int, words: str) -> None:
    """Claim: nothing is cut or ignored without a word."""
    response = server.client.post("/v1/rerank", json={"query": "nurse", "documents": ["ICU nurse"]} | change)
    assert response.status_code == status
    assert words in response.json()["error"]["message"]


def test_a_bundle_without_a_prompt_says_so(checkpoint) -> None:
    """Claim: where nothing says how to render text, text is refused, and token ids still score."""
    with served(EngineConfig(bundle=checkpoint("gqa2"), role="ranker")) as running:
        response = running.client.post("/v1/rerank", json={"query": "a", "documents": ["b"]})
        assert (response.status_code, "send token ids to /v1/score" in response.text) == (400, True)
        body = {"query": [1], "items": [[2]], "label_token_ids": [3, 4]}
        assert running.client.post("/v1/score", content=json.dumps(body)).status_code == 200
