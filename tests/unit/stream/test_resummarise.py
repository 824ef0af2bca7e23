"""The re-summarise lane, request by request: what is written, what is put off, what is left as it is."""

from dataclasses import replace

import pytest

from schemas.documents import State, SummaryDocument
from schemas.errors import BackendProtocolError, BackendUnavailable, InvalidInput, Overloaded
from schemas.resummarise import ResummariseRequest
from schemas.rollout import RolloutPhase, RolloutState
from store.memory import MemoryStore
from store.ports import Cas
from stream.compose import Summary
from stream.resummarise import PutOff
from stream.resummarise_policy import LaneOutcome
from tests.unit.stream.builders import (
    KnownRollout,
)
from tests.unit.stream.resummarise_lane import (
    FALLBACK,
    FALLBACK_REQUEST,
    NEW,
    NEW_TEXT,
    OLD_TEXT,
    Lane,
    record,
    rollout_request,
)


@pytest.mark.parametrize("request_", [FALLBACK_REQUEST, rollout_request()], ids=["fallback", "rollout"])
async def test_a_fallback_is_mended(request_: ResummariseRequest) -> None:
    """The model's summary takes its place; all that the update had said stays as it was."""
    lane = Lane()
    before = await lane.put(summary=FALLBACK)
    assert await lane.resummariser().resummarise(request_) is LaneOutcome.RESUMMARIZED
    after = await lane.document()
    assert (after.state, after.summary, after.summarizer) == (State.FRESH, NEW_TEXT, NEW)
    assert after.generation == request_.generation
    changed = {"state", "summary", "summarizer", "item_tokens", "num_tokens", "summarized_at", "rev", "generation"}
    assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)
    assert after.num_tokens.raw == before.num_tokens.raw
    assert after.num_tokens.item == len(next(iter(after.item_tokens.values())))
    assert after.rev > before.rev
    assert lane.changelog.last() == after


async def test_a_request_whose_work_is_done_is_finished_and_published_again() -> None:
    """A crash may have cut off the publication: the model is not asked, the changelog ends on what is stored."""
    lane = Lane()
    before = await lane.put(summary=Summary(NEW_TEXT, State.FRESH, NEW, generation=1))
    assert await lane.resummariser().resummarise(rollout_request(1)) is LaneOutcome.CURRENT
    assert lane.engine.num_calls == 0
    assert lane.changelog.documents == [before]


async def test_a_fresh_summary_needs_no_mending() -> None:
    """A live update mended the fallback meanwhile."""
    lane = Lane()
    await lane.put()
    assert await lane.resummariser().resummarise(FALLBACK_REQUEST) is LaneOutcome.CURRENT
    assert lane.engine.num_calls == 0


@pytest.mark.parametrize("cause", ["unfaithful:number", "empty"])
async def test_an_old_models_summary_is_better_than_an_extractive_one(cause: str) -> None:
    """Where the new model gives nothing that may be stored, the old summary stays, and the roll-out still ends."""
    lane = Lane()
    before = await lane.put()
    lane.engine.fails(cause)
    assert await lane.resummariser().resummarise(rollout_request()) is LaneOutcome.KEPT
    after = await lane.document()
    assert (after.summary, after.state, after.summarizer) == (OLD_TEXT, State.FRESH, before.summarizer)
    assert after.generation == 1
    assert await lane.resummariser().resummarise(rollout_request()) is LaneOutcome.CURRENT
    assert lane.engine.num_calls == 1


async def test_a_fallback_that_the_model_cannot_mend_stays_and_is_not_written_again() -> None:
    """The same model says the same again: nothing to write, nothing to ask for."""
    lane = Lane()
    before = await lane.put(summary=FALLBACK)
    lane.engine.fails("unfaithful:number")
    assert await lane.resummariser().resummarise(FALLBACK_REQUEST) is LaneOutcome.KEPT
    assert await lane.document() == before
    assert lane.requests.requests == []


async def test_a_fallback_that_the_new_model_cannot_mend_counts_as_done() -> None:
    """Its generation is raised, so that the roll-out has no straggler; its state stays what it is."""
    lane = Lane()
    await lane.put(summary=FALLBACK)
    lane.engine.fails("empty")
    assert await lane.resummariser().resummarise(rollout_request()) is LaneOutcome.KEPT
    after = await lane.document()
    assert (after.state, after.generation, after.summary) == (State.FALLBACK, 1, FALLBACK.text)


async def test_unknown_and_deleted_jobs_are_gone() -> None:
    """Nothing is written for them."""
    lane = Lane()
    assert await lane.resummariser().resummarise(rollout_request()) is LaneOutcome.GONE
    document = await lane.put()
    kept = await lane.store.get("job")
    assert kept is not None
    await lane.store.put(document.model_copy(update={"state": State.DELETED}), cas=kept.cas)
    assert await lane.resummariser().resummarise(rollout_request()) is LaneOutcome.GONE
    assert (await lane.document()).is_deleted


async def test_a_job_without_a_posting_is_left() -> None:
    """There is nothing to summarise; what is stored serves on."""
    lane = Lane()
    before = await lane.put()
    await lane.store.remove_posting("job", up_to_version=9)
    assert await lane.resummariser().resummarise(rollout_request()) is LaneOutcome.NO_POSTING
    assert await lane.document() == before


async def test_a_posting_that_is_being_replaced_is_left_to_the_live_update() -> None:
    """Its new body is stored before its summary: a summary of it must not stand under the old version."""
    lane = Lane()
    before = await lane.put()
    posting = await lane.store.get_posting("job")
    assert posting is not None
    other = {"content_hash": "other", "body": "Day shift.", "source_version": 2}
    await lane.store.put_posting(posting.model_copy(update=other))
    assert await lane.resummariser().resummarise(rollout_request()) is LaneOutcome.CHANGED
    assert await lane.document() == before
    assert lane.engine.num_calls == 0


class Rivalled(MemoryStore):
    """Another writer raises the version just before each write of ours, so many times."""

    def __init__(self, num_rivals: int) -> None:
        super().__init__()
        self.num_rivals = num_rivals

    async def put(self, document: SummaryDocument, *, cas: Cas | None, ttl_s: float | None = None) -> Cas | None:
        present = await self.get(document.job_id)
        if self.num_rivals and present:
            self.num_rivals -= 1
            rival = present.document.model_copy(
                update={"source_version": present.document.source_version + 1, "rev": present.document.rev + 1}
            )
            await super().put(rival, cas=present.cas)
        return await super().put(document, cas=cas, ttl_s=ttl_s)


async def test_a_lost_write_is_decided_again_without_asking_the_model_again() -> None:
    """A new header meanwhile: the summary that was made stands under it."""
    lane = Lane(store=Rivalled(0))
    await lane.put()
    lane.store.num_rivals = 2  # type: ignore[attr-defined]
    assert await lane.resummariser().resummarise(rollout_request()) is LaneOutcome.RESUMMARIZED
    assert ((await lane.document()).source_version, lane.engine.num_calls) == (3, 1)


async def test_writes_lost_without_end_are_given_back() -> None:
    """A store whose swaps never succeed is an outage, not a loop."""
    lane = Lane(store=Rivalled(0))
    await lane.put()
    lane.store.num_rivals = 99  # type: ignore[attr-defined]
    with pytest.raises(BackendUnavailable, match="lost"):
        await lane.resummariser().resummarise(rollout_request())


@pytest.mark.parametrize("cause", ["deadline", "unavailable"])
async def test_an_engine_that_does_not_answer_is_waited_for(cause: str) -> None:
    """The fallback stands, nothing is finished, and this lane alone is held for as long as is stated."""
    lane = Lane()
    before = await lane.put(summary=FALLBACK)
    lane.engine.fails(cause)
    handler = lane.handler()
    for _ in range(20):
        with pytest.raises(PutOff) as caught:
            await handler.handle(record(FALLBACK_REQUEST))
        assert caught.value.retry_after_s == 0.0
        assert handler.is_held()
        lane.seconds.now_s += 5.1
        assert not handler.is_held()
    assert await lane.document() == before
    assert lane.value("resummarise_waits_total", reason="engine") == 20
    assert lane.letters.sent == []


async def test_an_engine_that_answers_nonsense_is_waited_for() -> None:
    """It is restarted or replaced sooner or later; a request has time, and its summary serves on."""
    lane = Lane(rollout=KnownRollout(RolloutState(generation=1)))
    before = await lane.put()
    lane.engine.raises(BackendProtocolError("no text", backend="summarizer", operation="complete"))
    handler = lane.handler()
    for _ in range(10):
        with pytest.raises(PutOff):
            await handler.handle(record(rollout_request()))
    assert await lane.document() == before
    assert lane.letters.sent == []


async def test_an_engine_that_refuses_work_says_for_how_long() -> None:
    """That concerns all lanes: the refusal goes through as it is."""
    lane = Lane(rollout=KnownRollout(RolloutState(generation=1)))
    await lane.put()
    lane.engine.raises(Overloaded("full", retry_after_s=0.7))
    handler = lane.handler()
    with pytest.raises(Overloaded) as caught:
        await handler.handle(record(rollout_request()))
    assert caught.value.retry_after_s == 0.7
    assert not handler.is_held()


async def test_a_posting_that_the_engine_never_answers_does_not_hold_up_the_lane() -> None:
    """Others are answered meanwhile: it is put aside with its reason, and its stored summary stays."""
    lane = Lane()
    before = await lane.put(summary=FALLBACK)
    handler = lane.handler()
    resummariser = handler._resummariser  # noqa: SLF001 - the other postings are summarised by the same worker
    for _ in range(4):
        lane.engine.fails("deadline")
        with pytest.raises(PutOff):
            await handler.handle(record(FALLBACK_REQUEST))
        resummariser._patience.answered("another posting")  # noqa: SLF001
    await handler.handle(record(FALLBACK_REQUEST))
    assert await lane.document() == before
    assert lane.letters.sent[0]["dlq.error"] == b"InvalidInput"
    assert b"answers other postings" in lane.letters.sent[0]["dlq.message"]
    assert lane.count(LaneOutcome.DEAD_LETTERED) == 1


async def test_a_paused_rollout_holds_the_lane() -> None:
    """Nothing is taken, and what is in hand is not finished; resumed, it is."""
    lane = Lane(rollout=KnownRollout(RolloutState(generation=1, phase=RolloutPhase.PAUSED)))
    before = await lane.put()
    handler = lane.handler()
    assert handler.is_held()
    with pytest.raises(PutOff):
        await handler.handle(record(rollout_request()))
    assert await lane.document() == before
    lane.rollout.state = RolloutState(generation=1)
    lane.seconds.now_s += 5.1
    assert not handler.is_held()
    await handler.handle(record(rollout_request()))
    assert lane.count(LaneOutcome.RESUMMARIZED) == 1


async def test_a_request_is_not_touched_before_its_rollout_is_known() -> None:
    """Else live work could still write under the old generation, over what the lane wrote or saw coming."""
    lane = Lane()
    before = await lane.put()
    lane.rollout.written, lane.rollout.is_away = RolloutState(generation=1), True
    handler = lane.handler()
    with pytest.raises(PutOff, match="has not read of roll-out 1"):
        await handler.handle(record(rollout_request()))
    assert await lane.document() == before
    lane.rollout.is_away = False
    await handler.handle(record(rollout_request()))
    assert lane.rollout.state.generation == 1
    assert lane.count(LaneOutcome.RESUMMARIZED) == 1


async def test_a_rollout_that_was_paused_before_it_was_heard_of_holds_the_lane() -> None:
    """What is read on the way to the request counts for it."""
    lane = Lane()
    before = await lane.put()
    lane.rollout.written = RolloutState(generation=1, phase=RolloutPhase.PAUSED)
    with pytest.raises(PutOff, match="paused"):
        await lane.handler().handle(record(rollout_request()))
    assert await lane.document() == before


async def test_a_request_of_no_rollout_does_not_hold_the_lane() -> None:
    """Whoever wrote it named a generation that nobody started: those behind it must not wait for that."""
    lane = Lane()
    await lane.put()
    await lane.handler().handle(record(rollout_request()))
    assert lane.count(LaneOutcome.RESUMMARIZED) == 1


async def test_a_request_for_another_model_waits_for_its_workers() -> None:
    """An old worker must not write old words under the new generation."""
    lane = Lane(rollout=KnownRollout(RolloutState(generation=2, revision="r9")))
    before = await lane.put()
    handler = lane.handler()
    with pytest.raises(PutOff, match="r9"):
        await handler.handle(record(rollout_request(2, "r9")))
    assert await lane.document() == before
    assert lane.value("resummarise_waits_total", reason="revision") == 1


async def test_a_request_for_another_model_of_an_earlier_rollout_is_superseded() -> None:
    """The later roll-out asks for the job again, so nobody need wait for a model that may never come back."""
    lane = Lane(rollout=KnownRollout(RolloutState(generation=3, revision="r1")))
    await lane.put()
    await lane.handler().handle(record(rollout_request(2, "r9")))
    assert lane.count(LaneOutcome.SUPERSEDED) == 1
    assert lane.engine.num_calls == 0


async def test_an_earlier_request_is_carried_out_under_the_latest_rollout() -> None:
    """One call for both: the later request finds its work done."""
    lane = Lane(rollout=KnownRollout(RolloutState(generation=3)))
    await lane.put()
    handler = lane.handler()
    await handler.handle(record(rollout_request(2)))
    await handler.handle(record(rollout_request(3)))
    assert (await lane.document()).generation == 3
    assert (lane.engine.num_calls, lane.count(LaneOutcome.CURRENT)) == (1, 1)


@pytest.mark.parametrize(("key", "value"), [(None, b"{}"), (b"job", None), (b"job", b"{}"), (b"job", b"nonsense")])
async def test_what_is_no_request_is_dead_lettered(key: bytes | None, value: bytes | None) -> None:
    """Nothing is skipped and nothing stops."""
    lane = Lane()
    bad = replace(record(rollout_request()), key=key, value=value)
    await lane.handler().handle(bad)
    assert lane.letters.sent[0]["dlq.topic"] == b"job-updates.resummarise"
    assert lane.count(LaneOutcome.DEAD_LETTERED) == 1


async def test_a_posting_that_the_engine_refuses_for_ever_is_dead_lettered() -> None:
    """A prompt that is too long for the new model: the old summary serves on."""
    lane = Lane(rollout=KnownRollout(RolloutState(generation=1)))
    before = await lane.put()
    lane.engine.raises(InvalidInput("too long", field="posting"))
    await lane.handler().handle(record(rollout_request()))
    assert await lane.document() == before
    assert lane.count(LaneOutcome.DEAD_LETTERED) == 1
