"""Any JSON at all: every answer is a documented one, and a whole document."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.api import Problem, ScoreResponse
from schemas.rerank import RerankResponse
from serve.bootstrap import create_app
from serve.config import ScorerConfig
from store.memory import MemoryStore
from tests.doubles.engines import LexicalRanker
from tests.doubles.ranker_bundle import write_ranker_bundle
from tests.doubles.summaries import summary_of

_SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_REFUSALS = {400, 413, 422}

# Lone surrogates too: JSON can carry them as escapes, and answers cannot.
_TEXT = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(["a", "nobody", "night", "\x00", "\ud800"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=8,
)


def _bodies(likely: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Objects that are nearly right, some of their fields replaced by anything; and anything at all."""
    fields = {name: strategy | _JSON for name, strategy in likely.items()}
    right = st.fixed_dictionaries(likely)
    nearly = st.fixed_dictionaries({}, optional=fields | {"other": _JSON})
    return right | nearly | _JSON


_SCORE = _bodies(
    {
        "query": _TEXT,
        "job_ids": st.lists(_TEXT, min_size=1, max_size=5),
        "deadline_ms": st.integers(-1, 70_000),
        "depth": st.fixed_dictionaries({}, optional={"min": st.integers(0, 5), "max": st.integers(0, 5)}),
        "sort": st.booleans(),
        "explain": st.booleans(),
    }
)
_DOCUMENT = _TEXT | st.fixed_dictionaries({"text": _TEXT}) | st.fixed_dictionaries({"id": _TEXT})
_RERANK = _bodies(
    {
        "query": _TEXT,
        "documents": st.lists(_DOCUMENT, min_size=1, max_size=5),
        "top_n": st.none() | st.integers(-1, 5),
        "return_documents": st.none() | st.booleans(),
    }
)


class Scorer:
    """One scorer for all examples, in an event loop of its own; calls are synchronous."""

    def __init__(self, bundle: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._closing = AsyncExitStack()
        self._client = self._loop.run_until_complete(self._start(bundle))

    async def _start(self, bundle: Path) -> httpx.AsyncClient:
        store = MemoryStore()
        await store.put(summary_of("a"), cas=None)

        async def open_store() -> MemoryStore:
            return store

        async def open_ranker(_: object) -> LexicalRanker:
            return LexicalRanker()

        config = ScorerConfig(ranker_bundle=await write_ranker_bundle(bundle))
        app = create_app(config, open_store=open_store, open_ranker=open_ranker)
        await self._closing.enter_async_context(app.router.lifespan_context(app))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://scorer")
        await self._closing.enter_async_context(client)
        while (await client.get("/readyz")).status_code != httpx.codes.OK:  # noqa: ASYNC110 - as a prober would
            await asyncio.sleep(0)
        return client

    def post(self, path: str, body: Any) -> httpx.Response:
        content = json.dumps(body).encode()  # lone surrogates become escapes
        headers = {"content-type": "application/json"}
        return self._loop.run_until_complete(self._client.post(path, content=content, headers=headers))

    def close(self) -> None:
        self._loop.run_until_complete(self._closing.aclose())
        self._loop.close()


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    """The scorer of all examples."""
    with tempfile.TemporaryDirectory() as folder:
        scorer = Scorer(Path(folder))
        yield scorer
        scorer.close()


def _check_refusal(response: httpx.Response) -> None:
    # 504 is documented: a deadline of some milliseconds can pass on a busy machine.
    assert response.status_code in _REFUSALS | {504}, response.text
    problem = Problem.model_validate_json(response.content)
    assert problem.status == response.status_code
    assert problem.errors or response.status_code in {400, 504}


@_SETTINGS
@given(body=_SCORE)
def test_score_answers_any_body(scorer: Scorer, body: Any):
    """200 with one result for each id, or a problem that names a field; never an undocumented status."""
    response = scorer.post("/v1/score", body)
    if response.status_code == httpx.codes.OK:
        answer = ScoreResponse.model_validate_json(response.content)
        assert len(answer.results) == len(body["job_ids"])
        assert all((result.score is None) == (result.reason is not None) for result in answer.results)
    else:
        _check_refusal(response)


@_SETTINGS
@given(body=_RERANK)
def test_rerank_answers_any_body(scorer: Scorer, body: Any):
    """200 with results and unscored documents that together are the request's, or a problem."""
    response = scorer.post("/v1/rerank", body)
    if response.status_code == httpx.codes.OK:
        answer = RerankResponse.model_validate_json(response.content)
        indices = {result.index for result in answer.results} | {item.index for item in answer.unscored}
        assert indices <= set(range(len(body["documents"])))
        if body.get("top_n") is None:
            assert len(indices) == len(body["documents"])
    else:
        _check_refusal(response)
