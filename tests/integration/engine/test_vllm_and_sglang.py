"""The demo's steps with vLLM as summarizer and SGLang as ranker, on Apache Kafka and the key-value stand-in.

Nearline service and scorer run unchanged: `precis up` is told which engines to start, and nothing else.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from models.bundle import Bundle, Role, load_bundle
from models.clients.canaries import DEFAULT_TOLERANCE
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from models.prompts import RankerPrompt, TextTokenizer, normalise_query
from ops.demo.changes import count_stale
from ops.demo.samples import read_judged, read_samples
from ops.feed import JobFeed, Servable
from ops.local_real import Stack
from ops.scorer_client import ScorerClient
from ops.services import open_store
from ops.settings import Settings, load_settings
from ops.stack import EmbeddedStack
from schemas.deadline import Deadline
from schemas.documents import State, SummaryDocument

pytestmark = [pytest.mark.java, pytest.mark.vllm, pytest.mark.sglang]

_NUM_POSTINGS = 12
_JUDGED = read_judged()[0]
_QUERY = _JUDGED.query


def _ignore(step: str) -> None:
    del step


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Of a broker and a store that run, and of the two engines."""
    for name, value in {"SUMMARIZER__ENGINE": "vllm", "RANKER__ENGINE": "sglang", "SCORER__PORT": "0"}.items():
        monkeypatch.setenv(f"PRECIS_{name}", value)
    monkeypatch.setenv("PRECIS_NEARLINE__METRICS_PORT", "0")
    monkeypatch.setenv("PRECIS_SCORER__ADMIN_PORT", "0")
    data_dir = tmp_path_factory.mktemp("live")
    stack = Stack(data_dir)
    stack.up(None, on_step=_ignore)
    yield load_settings(profile="local-real", data_dir=data_dir)
    stack.down()


@pytest.fixture
def up(settings: Settings) -> Iterator[EmbeddedStack]:
    """Both engines, the nearline service and the scorer, each a process, ready."""
    with EmbeddedStack(settings, on_step=_ignore) as stack:
        yield stack


async def _settled(feed: JobFeed, postings: Mapping[str, dict[str, Any]]) -> dict[str, SummaryDocument]:
    """Publish all at once, and wait until each is servable."""
    sent = [await feed.upsert(job_id, posting) for job_id, posting in postings.items()]
    outcomes = await asyncio.gather(*sent)
    assert all(isinstance(outcome, Servable) for outcome in outcomes), outcomes
    return {outcome.document.job_id: outcome.document for outcome in outcomes}


async def _reference_scores(url: str, bundle: Bundle, documents: list[SummaryDocument]) -> list[float]:
    """What the local engine gives for the query and these documents, rendered here."""
    prompt = RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)
    client = ScoringClient(EngineTransport(TransportConfig(base_url=url), backend="ranker"))
    try:
        answer = await client.score(
            prompt.query_ids(normalise_query(_QUERY)),
            [prompt.item_ids(document.header, document.summary) for document in documents],
            label_token_ids=bundle.manifest.label_token_ids,
            deadline=Deadline.after(60),
        )
    finally:
        await client.close()
    return list(answer.values)


@pytest.mark.timeout(900)
async def test_the_steps_of_the_demo(
    up: EmbeddedStack, settings: Settings, ranker_url: str, ranker_bundle: Bundle
) -> None:
    """All servable and written by vLLM; scores as of the local engine; an edit and a delete are seen at once."""
    graded = sorted(_JUDGED.grades, key=_JUDGED.grades.__getitem__)  # the worst six and the best: scores spread
    chosen_ids = {*graded[: _NUM_POSTINGS // 2], *graded[-_NUM_POSTINGS // 2 :]}
    samples = [item for item in read_samples() if item.job_id in chosen_ids]
    postings = {item.job_id: item.posting for item in samples}
    job_ids = list(postings)
    with ScorerClient(up.run.scorer_url) as scorer:

        async def scored(*chosen: str) -> dict[str, dict[str, Any]]:
            answer = await asyncio.to_thread(scorer.score, _QUERY, chosen)
            return {result["job_id"]: result for result in answer["results"]}

        async with JobFeed(up.run.bootstrap, settings.topics) as feed:
            documents = await _settled(feed, postings)
            store = await open_store(settings)
            try:
                assert await store.get_many(job_ids) == documents
            finally:
                await store.close()
            fresh = [document for document in documents.values() if document.state is State.FRESH]
            assert len(fresh) > _NUM_POSTINGS / 2
            revision = load_bundle(settings.summarizer.bundle, Role.SUMMARIZER).revision
            assert {document.summarizer.revision for document in fresh if document.summarizer} == {revision}

            results = await scored(*job_ids)
            references = await _reference_scores(ranker_url, ranker_bundle, [documents[name] for name in job_ids])
            assert {results[name]["source"] for name in job_ids} == {"model"}
            assert [results[name]["score"] for name in job_ids] == pytest.approx(references, abs=DEFAULT_TOLERANCE)
            assert max(references) - min(references) > 0.1, "a constant would pass too"

            edited, other, *_ = job_ids
            before = documents[edited]
            rewritten = {**postings[other], "identifier": postings[edited]["identifier"]}
            after = (await _settled(feed, {edited: rewritten}))[edited]
            assert after.item_version != before.item_version
            again = await scored(edited, other)
            assert again[edited]["item_version"] == after.item_version
            assert again[edited]["source"] == "model"
            assert again[other]["source"] == "cache"
            (reference,) = await _reference_scores(ranker_url, ranker_bundle, [after])
            assert again[edited]["score"] == pytest.approx(reference, abs=DEFAULT_TOLERANCE)

            assert await count_stale(scorer, feed, _QUERY, samples) == 0

            assert isinstance(await (await feed.delete(other)), Servable)
            gone = (await scored(other))[other]
            assert (gone["score"], gone["reason"]) == (None, "deleted")
