"""One update through all steps: what is stored, published, counted and asked of the model."""

from collections.abc import Iterable

import pytest

from schemas.documents import PostingDocument, ScoreEntry, State, SummaryDocument
from schemas.errors import BackendUnavailable, InvalidInput
from schemas.resummarise import Reason, ResummariseRequest
from schemas.rollout import RolloutState
from store.memory import MemoryStore
from store.ports import Cas
from stream.compose import Summary
from stream.decide import Outcome
from stream.telemetry import Telemetry
from tests.unit.stream.builders import (
    EPOCH,
    KnownRollout,
    PureSummaries,
    RecordedChangelog,
    RecordedRequests,
    delete,
    make_mending,
    make_processor,
    origin,
    pure_summary,
    stored,
    tombstone,
    upsert,
)


class RivalledStore(MemoryStore):
    """Another writer puts these documents, one just before each write of ours."""

    def __init__(self, rivals: Iterable[SummaryDocument]) -> None:
        super().__init__()
        self._rivals = list(rivals)

    async def put(self, document: SummaryDocument, *, cas: Cas | None, ttl_s: float | None = None) -> Cas | None:
        if self._rivals:
            rival = self._rivals.pop(0)
            present = await self.get(rival.job_id)
            await super().put(rival, cas=present.cas if present else None)
        return await super().put(document, cas=cas, ttl_s=ttl_s)


class WholePostings(MemoryStore):
    """Notes the versions of the postings that were written whole."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[int] = []

    async def put_posting(self, document: PostingDocument) -> bool:
        self.versions.append(document.source_version)
        return await super().put_posting(document)


class ForgetfulStore(MemoryStore):
    """Its score cache is away."""

    async def forget_job(self, job_id: str) -> int:
        raise BackendUnavailable(f"no {job_id}", backend="store", operation="forget")


def value(telemetry: Telemetry, name: str, **labels: str) -> float:
    return telemetry.registry.get_sample_value(f"precis_nearline_{name}", labels) or 0.0


async def test_upsert_stores_posting_and_summary_and_publishes() -> None:
    """Everything a scorer and a re-summarise lane need is there when the update is done."""
    store, changelog = MemoryStore(), RecordedChangelog()
    processed = await make_processor(store, changelog).process(upsert(3), origin(9))

    kept = await store.get("job")
    posting = await store.get_posting("job")
    assert kept is not None
    assert posting is not None
    assert processed.outcome is Outcome.SUMMARIZED
    assert processed.written == kept.document == changelog.last()
    assert (kept.document.state, kept.document.source_version, kept.document.origin) == (State.FRESH, 3, origin(9))
    assert kept.document.header == "Nurse"
    assert kept.document.summary == pure_summary("Night shift.").text
    assert next(iter(kept.document.item_tokens.values()))
    assert (posting.source_version, posting.body, posting.content_hash) == (
        3,
        "Night shift.",
        kept.document.content_hash,
    )


async def test_header_edit_asks_no_model() -> None:
    """The summary stands under a new header, version and item version."""
    store, summaries, telemetry = MemoryStore(), PureSummaries(), Telemetry()
    processor = make_processor(store, summarizer=summaries, telemetry=telemetry)
    before = (await processor.process(upsert(1), origin(1))).written
    after = await processor.process(upsert(2, title="Head nurse"), origin(2))

    assert before is not None
    assert after.written is not None
    assert after.outcome is Outcome.UNCHANGED
    assert after.written.summary == before.summary
    assert after.written.item_version != before.item_version
    assert after.written.rev > before.rev
    assert len(summaries.bodies) == 1
    assert value(telemetry, "model_calls_saved_total", reason="unchanged") == 1


async def test_delete_keeps_the_summary_and_removes_the_posting() -> None:
    """The document says deleted; the text is kept for a re-post, which needs no model."""
    store, changelog, summaries = MemoryStore(), RecordedChangelog(), PureSummaries()
    processor = make_processor(store, changelog, summaries)
    await processor.process(upsert(1), origin(1))
    gone = await processor.process(delete(2), origin(2))
    assert gone.outcome is Outcome.DELETED
    assert changelog.last() == gone.written
    assert await store.get_posting("job") is None

    back = await processor.process(upsert(3), origin(3))
    assert back.outcome is Outcome.REVIVED
    assert back.written is not None
    assert back.written.state is State.FRESH
    assert back.written.summary == pure_summary("Night shift.").text
    assert back.written.item_tokens
    assert len(summaries.bodies) == 1
    assert await store.get_posting("job") is not None


async def test_fallback_is_an_outcome_and_a_state() -> None:
    """What no model wrote says so."""
    summaries = PureSummaries(lambda body: Summary(body, State.FALLBACK, None))
    processed = await make_processor(summarizer=summaries).process(upsert(1), origin(1))
    assert processed.outcome is Outcome.FALLBACK
    assert processed.written is not None
    assert processed.written.state is State.FALLBACK


async def test_lost_write_is_decided_again_without_asking_the_model_again() -> None:
    """The model is asked once for an update, however many writers are in the way."""
    rivals = [stored(upsert(1, "Day shift."), at=1)]
    store, summaries, telemetry = RivalledStore(rivals), PureSummaries(), Telemetry()
    processed = await make_processor(store, summarizer=summaries, telemetry=telemetry).process(upsert(2), origin(2))
    assert processed.outcome is Outcome.SUMMARIZED
    assert summaries.bodies == ["Night shift."]
    assert value(telemetry, "cas_lost_total") == 1


async def test_write_lost_to_a_newer_version_ends_stale_and_publishes_the_newer() -> None:
    """The older update writes nothing, and the changelog ends on what is stored."""
    newer = stored(upsert(5, "Day shift."), at=5)
    store, changelog = RivalledStore([newer]), RecordedChangelog()
    processed = await make_processor(store, changelog).process(upsert(2), origin(2))
    assert processed.outcome is Outcome.STALE
    assert processed.written is None
    assert changelog.last() == newer


async def test_writes_lost_without_end_are_given_back() -> None:
    """A store whose swaps never succeed is an outage, not a loop."""
    rivals = [stored(upsert(1, f"Shift {number}."), at=1) for number in range(50)]
    with pytest.raises(BackendUnavailable, match="lost"):
        await make_processor(RivalledStore(rivals)).process(upsert(2), origin(2))


async def test_posting_left_by_a_slow_writer_is_removed() -> None:
    """Whatever the outcome, a deleted job has no posting."""
    store = MemoryStore()
    processor = make_processor(store)
    await processor.process(upsert(1), origin(1))
    await processor.process(delete(2), origin(2))
    await store.put_posting(
        PostingDocument(job_id="job", source_version=1, content_hash="x", posting={}, header="", body="")
    )
    assert (await processor.process(upsert(1), origin(1))).outcome is Outcome.STALE
    assert await store.get_posting("job") is None


async def test_cached_scores_are_removed() -> None:
    """The old item's scores match no more; removing them frees their memory at once."""
    store, telemetry = MemoryStore(clock=EPOCH.timestamp), Telemetry()
    entry = ScoreEntry(item_version="0" * 32, score=0.5, scored_at=EPOCH)
    await store.merge_scores("query", {"job": entry})
    await make_processor(store, telemetry=telemetry).process(upsert(1), origin(1))
    assert await store.get_scores("query", ["job"]) == {}
    assert value(telemetry, "scores_removed_total") == 1


async def test_score_cache_away_does_not_fail_the_update() -> None:
    """Invalidation is the write itself; this part is best effort and counted."""
    telemetry = Telemetry()
    processed = await make_processor(ForgetfulStore(), telemetry=telemetry).process(upsert(1), origin(1))
    assert processed.outcome is Outcome.SUMMARIZED
    assert value(telemetry, "forget_failures_total") == 1


async def test_tombstone_of_an_unknown_job_writes_a_deleted_document() -> None:
    """So that an upsert which stands before it cannot bring the job back."""
    store, changelog = MemoryStore(), RecordedChangelog()
    processor = make_processor(store, changelog)
    gone = await processor.process(tombstone(), origin(5))
    assert gone.written is not None
    assert (gone.written.state, gone.written.source_version) == (State.DELETED, 0)
    assert (await processor.process(upsert(1), origin(4))).outcome is Outcome.DELETED
    assert changelog.last() is not None
    assert changelog.last().is_deleted  # type: ignore[union-attr]


async def test_a_fallback_for_a_cause_that_passes_is_asked_for() -> None:
    """Before the update is done, so before it is acknowledged; by whoever is there when the engine is back."""
    requests, telemetry = RecordedRequests(), Telemetry()
    summaries = PureSummaries(lambda body: Summary(body, State.FALLBACK, None, cause="deadline"))
    mending = make_mending(requests=requests, telemetry=telemetry)
    await make_processor(summarizer=summaries, mending=mending).process(upsert(1), origin(1))
    assert requests.requests == [ResummariseRequest(job_id="job", reason=Reason.FALLBACK, generation=0)]
    assert value(telemetry, "resummarise_requests_total", reason="fallback") == 1


@pytest.mark.parametrize("cause", ["unfaithful:number", "empty", None])
async def test_a_fallback_that_the_model_would_give_again_waits_for_another_model(cause: str | None) -> None:
    """Asked again, a greedy model says the same."""
    requests = RecordedRequests()
    summaries = PureSummaries(lambda body: Summary(body, State.FALLBACK, None, cause=cause))
    await make_processor(summarizer=summaries, mending=make_mending(requests=requests)).process(upsert(1), origin(1))
    assert requests.requests == []


async def test_a_fresh_summary_carries_the_latest_generation_and_owes_nothing() -> None:
    """A kept one keeps its own, which is older: that is asked for."""
    requests, rollout, store = RecordedRequests(), KnownRollout(RolloutState(generation=4)), MemoryStore()
    processor = make_processor(store, mending=make_mending(rollout, requests))
    first = (await processor.process(upsert(1), origin(1))).written
    assert first is not None
    assert (first.generation, requests.requests) == (4, [])
    rollout.state = RolloutState(generation=5, revision="r1")
    kept = (await processor.process(upsert(2, title="Head nurse"), origin(2))).written
    assert kept is not None
    assert kept.generation == 4
    wanted = ResummariseRequest(job_id="job", reason=Reason.ROLLOUT, generation=5, revision="r1")
    assert requests.requests == [wanted]


async def test_a_redelivered_fallback_is_asked_for_again() -> None:
    """The crash may have come before the request, and the cause was not stored."""
    requests, store = RecordedRequests(), MemoryStore()
    summaries = PureSummaries(lambda body: Summary(body, State.FALLBACK, None, cause="deadline"))
    processor = make_processor(store, summarizer=summaries, mending=make_mending(requests=requests))
    for _ in range(2):
        await processor.process(upsert(1), origin(1))
    assert len(requests.requests) == 2


async def test_every_upsert_that_asks_no_model_is_counted_with_its_reason() -> None:
    """Deletes and tombstones save nothing: nobody would have asked a model for them."""
    store, telemetry = MemoryStore(), Telemetry()
    processor = make_processor(store, telemetry=telemetry)
    steps = [
        (upsert(2), 1, "none"),
        (upsert(2), 1, "redelivered"),
        (upsert(1, "Day shift."), 2, "stale"),
        (upsert(3, title="Head nurse"), 3, "unchanged"),
        (delete(4), 4, "none"),
        (delete(4), 4, "none"),
        (upsert(5), 5, "revived"),
        (tombstone(), 7, "none"),
        (upsert(6), 6, "deleted"),
    ]
    for number, (update, at, reason) in enumerate(steps):
        before = telemetry_saved(telemetry)
        await processor.process(update, origin(at))
        changed = {name for name, count in telemetry_saved(telemetry).items() if count != before.get(name, 0)}
        assert changed == ({reason} - {"none"}), number


def telemetry_saved(telemetry: Telemetry) -> dict[str, float]:
    (family,) = [
        family for family in telemetry.registry.collect() if family.name == "precis_nearline_model_calls_saved"
    ]
    return {sample.labels["reason"]: sample.value for sample in family.samples if sample.name.endswith("_total")}


async def test_posting_that_cannot_be_served_is_refused_before_anything_is_written() -> None:
    """A posting without a title leaves no trace in the store."""
    store = MemoryStore()
    with pytest.raises(InvalidInput, match="title"):
        await make_processor(store).process(upsert(1, title=""), origin(1))
    assert await store.get("job") is None
    assert await store.get_posting("job") is None


async def test_a_posting_published_again_is_written_by_its_version_alone() -> None:
    """Neither read nor rendered nor stored anew; the document is what it would have been."""
    store, changelog, telemetry = WholePostings(), RecordedChangelog(), Telemetry()
    processor = make_processor(store, changelog, telemetry=telemetry)
    before = (await processor.process(upsert(1), origin(1))).written
    after = await processor.process(upsert(4, minutes=3), origin(2))

    assert before is not None
    assert after.outcome is Outcome.UNCHANGED
    assert after.written is not None
    assert changelog.last() == after.written
    assert after.written.rev > before.rev
    assert after.written == before.model_copy(
        update={
            "source_version": 4,
            "origin": origin(2),
            "event_time": upsert(4, minutes=3).event_time,
            "summarized_at": after.written.summarized_at,
            "rev": after.written.rev,
        }
    )
    posting = await store.get_posting("job")
    assert posting is not None
    assert (posting.source_version, posting.body) == (4, "Night shift.")
    assert store.versions == [1]
    assert value(telemetry, "model_calls_saved_total", reason="unchanged") == 1


async def test_scores_of_an_item_that_stays_are_kept() -> None:
    """They are still right; those of an item with another header are not."""
    store = MemoryStore(clock=EPOCH.timestamp)
    processor = make_processor(store)
    await processor.process(upsert(1), origin(1))
    await store.merge_scores("query", {"job": ScoreEntry(item_version="0" * 32, score=0.5, scored_at=EPOCH)})
    await processor.process(upsert(2), origin(2))
    assert list(await store.get_scores("query", ["job"])) == ["job"]
    await processor.process(upsert(3, title="Head nurse"), origin(3))
    assert await store.get_scores("query", ["job"]) == {}


async def test_a_posting_whose_copy_is_gone_is_written_whole() -> None:
    """What the document was made from is not there to be given a version."""
    store, telemetry = WholePostings(), Telemetry()
    processor = make_processor(store, telemetry=telemetry)
    await processor.process(upsert(1), origin(1))
    await store.remove_posting("job", up_to_version=1)
    assert (await processor.process(upsert(2), origin(2))).outcome is Outcome.UNCHANGED
    assert store.versions == [1, 2]
    assert value(telemetry, "cas_lost_total") == 1


async def test_a_posting_read_by_other_rules_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new build makes another header of it; publishing it again must bring that in."""
    store = WholePostings()
    processor = make_processor(store)
    await processor.process(upsert(1), origin(1))
    for module in ("stream.content", "stream.compose"):
        monkeypatch.setattr(f"{module}.READING", 1_000)
    again = await processor.process(upsert(2), origin(2))
    assert store.versions == [1, 2]
    assert again.written is not None
    assert again.written.reading == 1_000


async def test_a_fallback_published_again_is_summarised() -> None:
    """The same posting, but no model has read it yet."""
    answers = iter([Summary("extract", State.FALLBACK, None), pure_summary("Night shift.")])
    summaries = PureSummaries(lambda _: next(answers))
    processor = make_processor(summarizer=summaries)
    await processor.process(upsert(1), origin(1))
    assert (await processor.process(upsert(2), origin(2))).outcome is Outcome.SUMMARIZED


async def test_a_posting_that_cannot_be_read_is_refused_wherever_it_stands() -> None:
    """Also where a newer version is stored: it is a publisher's mistake, and is told as one."""
    store = MemoryStore()
    processor = make_processor(store)
    await processor.process(upsert(5), origin(1))
    with pytest.raises(InvalidInput, match="title"):
        await processor.process(upsert(2, title=""), origin(2))
