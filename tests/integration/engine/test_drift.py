"""The drift monitor on the shipped ranker, over the wire: generated postings of all industries, then of one alone."""

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from models.bundle import Bundle
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from models.prompts import RankerPrompt, TextTokenizer
from models.training.data import GeneratedPosting
from models.training.data.corpus import draw_pool
from models.training.data.truth import Split
from ops.settings import load_settings
from schemas.documents import State
from store.memory import MemoryStore
from stream.compose import Composer, Summary
from stream.content import read_content
from stream.drift.config import DriftConfig
from stream.drift.industry import Industry, industry_of
from stream.drift.monitor import DriftMonitor, Result
from stream.drift.queries import read_queries
from stream.drift.telemetry import DriftTelemetry
from stream.drift.windows import Kind
from tests.unit.stream.builders import MODEL, origin, upsert

REFERENCE, WINDOW = 80, 80


class Site:
    """A monitor that is shown documents as the nearline service writes them; their summaries are the generator's."""

    def __init__(self, url: str, bundle: Bundle) -> None:
        self._prompt = RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)
        self._composer = Composer(self._prompt, bundle.manifest.limits)
        self._store, self._registry = MemoryStore(), CollectorRegistry()
        self.client = ScoringClient(EngineTransport(TransportConfig(base_url=url, max_tries=1), backend="ranker"))
        self.monitor = DriftMonitor(
            DriftConfig(
                queries=read_queries(load_settings().nearline.drift.queries),
                share=1.0,
                queries_per_posting=1,
                max_pairs_per_minute=1e6,
                timeout_s=60,
                queue_size=1_000,
                window=WINDOW,
                reference_size=REFERENCE,
            ),
            postings=self._store,
            engine=self.client,
            bundle=bundle,
            prompt=self._prompt,
            telemetry=DriftTelemetry(self._registry),
            sleep=lambda _: asyncio.sleep(0),
        )
        self._num_shown = 0

    def metric(self, name: str, **labels: str) -> float:
        return self._registry.get_sample_value(f"precis_nearline_drift_{name}", labels) or 0.0

    async def show(self, postings: Sequence[GeneratedPosting]) -> None:
        """Publish these, and wait until they are compared."""
        for posting in postings:
            self._num_shown += 1
            update = upsert(1, job_id=f"job-{self._num_shown}").model_copy(update={"posting": posting.posting})
            content = read_content(update.posting)
            header = self._composer.header(content)
            await self._store.put_posting(self._composer.posting(update, content, header))
            document = self._composer.live(
                update,
                content,
                header,
                Summary(posting.summary, State.FRESH, MODEL),
                origin=origin(self._num_shown),
                previous=None,
                now=update.event_time,
            )
            self.monitor.offer(document)
        await self.monitor.drain()


@pytest.fixture
def site(ranker_url, ranker_bundle):
    return Site(ranker_url, ranker_bundle)


@pytest.mark.timeout(900)  # 320 calls with whole texts: a minute on a quiet machine
async def test_a_shifted_industry_mix_is_caught(site):
    """No alarm after a window of the usual mix; after two of health alone there is one, for the mix."""
    usual = draw_pool(21, REFERENCE + WINDOW, Split.EVALUATION, "usual")
    later = draw_pool(22, 1_200, Split.EVALUATION, "later")
    health = [posting for posting in later if industry_of(posting.posting) is Industry.HEALTH][: 2 * WINDOW]
    assert len(health) == 2 * WINDOW
    running = asyncio.create_task(site.monitor.run())
    try:
        await site.show(usual)
        assert {kind: site.metric("detected", signal=kind) for kind in Kind} == dict.fromkeys(Kind, 0.0)
        before = site.metric("window_divergence", statistic="mean")
        assert 0 < before < 1
        await site.show(health)
        assert site.metric("detected", signal=Kind.INDUSTRY) == 1
        assert site.metric("psi", signal=Kind.INDUSTRY) > 2 * site.metric("psi_threshold", signal=Kind.INDUSTRY)
        assert site.metric("samples_total", result=Result.COMPARED) == REFERENCE + 3 * WINDOW
    finally:
        running.cancel()
        await asyncio.wait({running})
        await site.client.close()
