"""The monitor beside the pipeline: what it compares, and that nothing of it is ever waited for."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from models.bundle import Bundle, Manifest, PromptLimits, Role
from models.prompts import RankerPrompt
from models.training.data.corpus import draw_pool
from models.training.data.truth import Split
from schemas.errors import (
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    DeadlineExceeded,
    Overloaded,
    PromptTooLong,
)
from store.memory import MemoryStore
from stream.compose import Summary
from stream.decide import Outcome
from stream.drift.config import DriftConfig
from stream.drift.divergence import kl_divergence
from stream.drift.industry import Industry, industry_of
from stream.drift.monitor import DriftMonitor, Result
from stream.drift.reference_file import read_reference
from stream.drift.tap import TappedChangelog
from stream.drift.telemetry import DriftTelemetry
from stream.drift.windows import Kind
from stream.telemetry import Telemetry
from tests.doubles.engines import LexicalRanker
from tests.doubles.tokenizer import small_tokenizer
from tests.unit.stream.builders import (
    MODEL,
    PureSummaries,
    RecordedChangelog,
    delete,
    make_processor,
    origin,
    pure_summary,
    upsert,
)

LIMITS = PromptLimits()
PROMPT = RankerPrompt(small_tokenizer(), LIMITS)
CONFIG = DriftConfig(
    queries=("nurse night shift", "python engineer", "forklift"), share=1.0, queries_per_posting=2, window=80
)


class Site:
    """A pipeline whose changelog is tapped by a monitor of a lexical ranker."""

    def __init__(self, config: DriftConfig = CONFIG, ranker: LexicalRanker | None = None) -> None:
        self.ranker = ranker or LexicalRanker()
        self.store = MemoryStore()
        self.changelog = RecordedChangelog()
        self.telemetry = Telemetry()
        self.waits: list[float] = []
        self.summaries = PureSummaries()
        manifest = Manifest(
            role=Role.RANKER,
            name="double",
            prompt_version=PROMPT.version,
            limits=LIMITS,
            label_token_ids=PROMPT.label_token_ids,
        )
        self.monitor = DriftMonitor(
            config,
            postings=self.store,
            engine=self.ranker,
            bundle=Bundle.model_construct(path=None, manifest=manifest, revision="double"),
            prompt=PROMPT,
            telemetry=DriftTelemetry(self.telemetry.registry),
            sleep=self._sleep,
            clock=lambda: 0.0,
        )
        tapped = TappedChangelog(self.changelog, self.monitor.offer)
        self.processor = make_processor(self.store, tapped, self.summaries)  # type: ignore[arg-type]

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    def metric(self, name: str, **labels: Any) -> float:
        return self.telemetry.registry.get_sample_value(f"precis_nearline_drift_{name}", labels) or 0.0

    def results(self) -> dict[Result, int]:
        counts = {result: int(self.metric("samples_total", result=result)) for result in Result}
        return {result: count for result, count in counts.items() if count}

    async def publish(self, *jobs: int, body: str = "Night shift. Python.") -> None:
        for number in jobs:
            await self.processor.process(upsert(1, f"{body} {number}", job_id=f"job-{number}"), origin(number))

    @asynccontextmanager
    async def at_work(self):
        task = asyncio.create_task(self.monitor.run())
        try:
            yield
            await self.monitor.drain()
        finally:
            task.cancel()
            await asyncio.wait({task})


async def test_both_items_of_a_posting_are_scored_in_one_call_a_query():
    """Header with summary, as the scorer reads it, and header with the whole body; the query is their prefix."""
    site = Site()
    async with site.at_work():
        await site.publish(1)
    document = site.changelog.documents[0]
    assert site.results() == {Result.COMPARED: 1}
    assert {call.query_ids for call in site.ranker.calls} < {tuple(PROMPT.query_ids(query)) for query in CONFIG.queries}
    assert len(site.ranker.calls) == 2
    for call in site.ranker.calls:
        short, whole = call.items
        assert short == document.item_tokens[PROMPT.digest]
        assert list(whole) == PROMPT.whole_item_ids(document.header, "Night shift. Python. 1")
        assert call.label_token_ids == PROMPT.label_token_ids


async def test_the_divergence_is_that_of_the_two_scores():
    """Its histogram holds what eq. 4 makes of them, under the posting's industry."""
    site = Site()
    async with site.at_work():
        await site.publish(1, body="Somebody wanted, says the summary, no more. Night shift. Python.")
    expected = 0.0
    for call in site.ranker.calls:
        wanted = set(call.query_ids)
        p_sum, p_raw = ((1 + len(wanted & set(item))) / (2 + len(wanted)) for item in call.items)
        expected += kl_divergence(p_sum, p_raw)
    assert expected > 0
    assert site.metric("divergence_sum", industry="health") == pytest.approx(expected)
    assert site.metric("divergence_count", industry="health") == 2


async def test_a_long_body_is_cut_where_the_summarizers_prompt_cuts_it():
    """At the bundle's ``limits.body`` tokens, at its end."""
    site = Site()
    async with site.at_work():
        await site.publish(1, body="night " * 5_000)
    _, whole = site.ranker.calls[0].items
    header = PROMPT.whole_item_ids(site.changelog.documents[0].header, "")
    assert len(whole) == len(header) + LIMITS.body


async def test_the_pipeline_goes_on_while_the_engine_holds_still():
    """Publishing waits for nothing; what exceeds the queue is dropped, and counted."""
    site = Site(replace(CONFIG, queue_size=3))
    site.ranker.hold()
    async with site.at_work():
        await site.publish(0)
        await site.ranker.started.wait()
        await site.publish(*range(1, 10))
        assert len(site.changelog.documents) == 10
        assert site.results() == {Result.DROPPED: 6}
        site.ranker.release.set()
    assert site.results() == {Result.DROPPED: 6, Result.COMPARED: 4}
    assert site.ranker.peak_in_flight == 1


@pytest.mark.parametrize(
    ("error", "result", "wait_s"),
    [
        (Overloaded("busy", retry_after_s=9.0), Result.REFUSED, 9.0),
        (DeadlineExceeded("late"), Result.LATE, 2.0),
        (BackendTimeout("late", backend="ranker", operation="score"), Result.LATE, 2.0),
        (BackendUnavailable("down", backend="ranker", operation="score"), Result.AWAY, 2.0),
        (PromptTooLong("long"), Result.TOO_LONG, 2.0),
        (BackendProtocolError("odd", backend="ranker", operation="score"), Result.FAILED, 2.0),
        (RuntimeError("bug"), Result.FAILED, 2.0),
    ],
)
async def test_an_engine_in_trouble_is_counted_and_left_alone_for_a_while(error, result, wait_s):
    """A call is not repeated, its posting is given up, the next one is tried after a longer wait; records go on."""
    site = Site()
    site.ranker.fail_next(error)
    async with site.at_work():
        await site.publish(1, 2)
    assert len(site.changelog.documents) == 2
    assert site.results() == {result: 1, Result.COMPARED: 1}
    assert len(site.ranker.calls) == 3
    assert site.waits[0] == wait_s


async def test_a_store_in_trouble_is_counted():
    """The posting is read in the background, too."""

    class AwayStore(MemoryStore):
        async def get_posting(self, job_id):
            raise BackendUnavailable(f"no {job_id}", backend="store", operation="get posting")

    site = Site()
    site.monitor._postings = AwayStore()  # noqa: SLF001 - the pipeline's own store works
    async with site.at_work():
        await site.publish(1)
    assert site.results() == {Result.AWAY: 1}


async def test_calls_keep_to_the_limit_a_minute():
    """One wait after each of them."""
    site = Site(replace(CONFIG, max_pairs_per_minute=120))
    async with site.at_work():
        await site.publish(1, 2)
    assert site.waits == [0.5] * 4


async def test_what_was_published_again_is_not_sampled_again():
    """A redelivery, and a higher version of the same item; an edit of the body is another item."""
    site = Site()
    async with site.at_work():
        await site.publish(1)
        await site.publish(1)
        again = upsert(2, "Night shift. Python. 1", job_id="job-1")
        assert (await site.processor.process(again, origin(5))).outcome is Outcome.UNCHANGED
        assert len(site.changelog.documents) == 3
        await site.monitor.drain()
        await site.processor.process(upsert(3, "Day shift.", job_id="job-1"), origin(6))
    assert site.results() == {Result.COMPARED: 2}


async def test_deleted_jobs_and_replaced_postings_are_not_compared():
    """A deletion is no sample; a posting that changed before its turn is another text than the summary's."""
    site = Site()
    await site.publish(1, 2)
    await site.processor.process(delete(2, job_id="job-1"), origin(8))
    await site.processor.process(upsert(2, "Day shift.", job_id="job-2"), origin(9))
    async with site.at_work():
        pass
    assert site.results() == {Result.GONE: 2, Result.COMPARED: 1}


async def test_the_share_is_of_items():
    """A tenth of 300, of a binomial's width."""
    site = Site(replace(CONFIG, share=0.1, queue_size=300))
    await site.publish(*range(300))
    async with site.at_work():
        pass
    assert 15 <= sum(site.results().values()) <= 45


async def test_another_ranker_in_the_middle_of_a_posting_begins_it_anew():
    """The pairs of a sample are of one revision."""
    site = Site()
    site.ranker.hold()
    async with site.at_work():
        await site.publish(1)
        await site.ranker.started.wait()
        site.ranker.release.set()
        await site.ranker.wait_idle()
        site.ranker.model_revision = "another"
    (sample,) = site.monitor._windows.samples  # noqa: SLF001
    assert (sample.revision, len(sample.pairs)) == ("another", 1)


GENERATED = draw_pool(11, 360, Split.EVALUATION, "drift")


async def _feed(site: Site, postings, start: int) -> None:
    for number, posting in enumerate(postings, start=start):
        update = upsert(1, job_id=f"job-{number}").model_copy(update={"posting": posting.posting})
        await site.processor.process(update, origin(number))


def _of_health(postings):
    return [posting for posting in postings if industry_of(posting.posting) is Industry.HEALTH]


SHIFT = replace(CONFIG, window=80, reference_size=160, queue_size=1_000, queries=("nurse nights", "driver", "chef"))


async def test_a_shifted_industry_mix_is_caught(tmp_path):
    """Generated postings of all industries, then of one alone: the gauge says so after two windows."""
    site = Site(replace(SHIFT, reference_file=tmp_path / "reference.json"))
    async with site.at_work():
        await _feed(site, GENERATED[:240], 0)
        await site.monitor.drain()
        assert site.metric("reference_postings") == 160
        assert site.metric("detected", signal=Kind.INDUSTRY) == 0
        assert site.metric("psi", signal=Kind.INDUSTRY) < site.metric("psi_threshold", signal=Kind.INDUSTRY)
        await _feed(site, (3 * _of_health(GENERATED))[:160], 1_000)
    assert site.metric("detected", signal=Kind.INDUSTRY) == 1
    assert site.metric("psi", signal=Kind.INDUSTRY) > 1
    reference = read_reference(tmp_path / "reference.json")
    assert reference is not None
    assert sum(reference.industries.values()) == len(reference.divergences) == 160


async def test_summaries_that_lose_the_text_are_caught():
    """The same mix; from some day on the summarizer says nothing of the posting."""
    site = Site(SHIFT)
    async with site.at_work():
        site.summaries._answer = lambda body: Summary(body[:400], pure_summary(body).state, MODEL)  # noqa: SLF001
        await _feed(site, GENERATED[:240], 0)
        await site.monitor.drain()
        before = site.metric("window_divergence", statistic="mean")
        assert site.metric("detected", signal=Kind.DIVERGENCE) == 0
        site.summaries._answer = lambda body: Summary("", pure_summary(body).state, MODEL)  # noqa: SLF001
        await _feed(site, (GENERATED[240:] + GENERATED[:40]), 1_000)
    assert site.metric("detected", signal=Kind.DIVERGENCE) == 1
    assert site.metric("detected", signal=Kind.INDUSTRY) == 0
    assert site.metric("window_divergence", statistic="mean") > before
    assert site.metric("window_shift") < 0


async def test_a_restart_compares_with_the_kept_reference(tmp_path):
    """Of the same queries; with others a new one is collected."""
    config = replace(SHIFT, reference_size=80, reference_file=tmp_path / "reference.json")
    site = Site(config)
    async with site.at_work():
        await _feed(site, GENERATED[:80], 0)
    assert Site(config).metric("reference_postings") == 80
    assert Site(replace(config, queries=("other",))).metric("reference_postings") == 0


async def test_a_reference_that_cannot_be_kept_stops_nothing(tmp_path):
    """It is used all the same, until the process ends."""
    site = Site(replace(SHIFT, reference_size=80, reference_file=tmp_path / "missing" / "reference.json"))
    async with site.at_work():
        await _feed(site, GENERATED[:80], 0)
    assert site.results() == {Result.COMPARED: 80}
    assert site.metric("reference_postings") == 80
