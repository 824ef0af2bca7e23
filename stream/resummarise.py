"""The re-summarise lane: fallbacks are mended and roll-outs carried out, one stored job at a time.

Protocol, for one request
    1. Decode, and read of its roll-out where this worker has not. While the roll-out is paused, or another summarizer
       is to write it: put off, not acknowledged. Workers of the old and of the new model run side by side while a
       roll-out is deployed; each does its own.
    2. Read the stored document and decide (``stream.resummarise_policy``): it may be done already, or gone.
    3. Read the stored posting; its ``content_hash`` must be the document's, else a live update is at work on the job.
    4. Summarise inside the budget. Where the engine does not answer, or nonsense: put off; what is stored stays. Where
       it answers others, but not this one, again and again: dead letter.
    5. Write the document with the new summary by compare-and-swap: version, header, title, place, origin and event time
       stay. Where another write came first, back to 2; a summary that was made is used again if its body still stands.
    6. Remove the old scores, publish until what was published is what is stored (``stream.finish``, shared with live
       updates), ask for what is still owed. The caller acknowledges.

Invariants
    L1  Between the old summary and the new one there is no moment without: 5 replaces one document by another.
    L2  A live update that comes meanwhile wins: whatever it changed makes the swap of 5 fail, and 2 decides again.
    L3  Neither version nor header of a stored document ever changes here, so none becomes older.
    L4  A request may come any number of times, at once or again after any crash: where its work is done only 6 is done.
    L5  A stored summary is never replaced by an extractive one: a fallback is only ever mended here.
    L6  What is put off for a reason of this lane holds this lane alone (``is_held``), never live updates.
"""

import time
from collections.abc import Callable
from datetime import datetime

import structlog

from schemas.documents import PostingDocument
from schemas.errors import BackendProtocolError, BackendUnavailable, InvalidInput, Overloaded
from schemas.resummarise import Reason, ResummariseRequest, decode_request
from store.ports import StoredSummary
from stream.attempts import Attempts
from stream.compose import Composer, Summary
from stream.finish import Changelog, Finisher, NearlineStore
from stream.mending import Mending
from stream.patience import Patience
from stream.process import MAX_DECISIONS, SummaryMaker, lost_race
from stream.resummarise_policy import LaneOutcome, is_ours, is_superseded, settled_as, to_write
from stream.source import Record
from stream.telemetry import Telemetry

__all__ = ["PutOff", "ResummariseHandler", "Resummariser"]


class PutOff(Overloaded):
    """A request cannot be worked on yet, for a reason that concerns this lane alone: no other lane need pause.

    Attributes:
        reason: One of ``paused``, ``revision``, ``engine``.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message, retry_after_s=0.0)
        self.reason = reason


class Resummariser:
    """Steps 2 to 6. May be called concurrently, also for one job: the store decides who comes first."""

    def __init__(
        self,
        *,
        store: NearlineStore,
        summarizer: SummaryMaker,
        changelog: Changelog,
        composer: Composer,
        mending: Mending,
        clock: Callable[[], datetime],
        telemetry: Telemetry,
    ) -> None:
        """Put together.

        Args:
            store: Postings, summaries, and the scores to forget.
            summarizer: Step 4.
            changelog: Step 6.
            composer: Makes the documents.
            mending: The latest roll-out, and where more is asked for.
            clock: Now, UTC.
            telemetry: Where things are counted and timed.
        """
        self._store = store
        self._summarizer = summarizer
        self._finisher = Finisher(store, changelog, telemetry)
        self._composer = composer
        self._mending = mending
        self._clock = clock
        self._patience = Patience()
        self._telemetry = telemetry

    async def resummarise(self, request: ResummariseRequest) -> LaneOutcome:
        """Make the stored summary of a job anew, where that is still to be done.

        Raises:
            PutOff: The engine did not answer; nothing was written.
            Overloaded: The engine refused work; nothing was written.
            InvalidInput: The engine answers others, but not this posting.
            BackendError: Store or broker; whatever was written, doing it all again completes it.
        """
        made: Summary | None = None
        summarised_hash: str | None = None
        for _ in range(MAX_DECISIONS):
            with self._telemetry.stage("read"):
                stored = await self._store.get(request.job_id)
            outcome = settled_as(stored.document if stored else None, request, summarised_hash=summarised_hash)  # 2
            if stored is None or outcome is not None:
                return await self._leave(stored, outcome or LaneOutcome.GONE)
            if made is None:
                with self._telemetry.stage("read"):
                    posting = await self._store.get_posting(request.job_id)  # 3
                if posting is None:
                    return LaneOutcome.NO_POSTING
                if posting.content_hash != stored.document.content_hash:
                    return LaneOutcome.CHANGED
                made, summarised_hash = await self._summarize(posting), posting.content_hash  # 4
            written = to_write(stored.document, made, self._generation_for(request))
            if written is None:
                return await self._leave(stored, LaneOutcome.KEPT)
            if after := await self._write(stored, written):  # 5
                await self._finisher.finish(after)  # 6
                await self._mending.ask_for_what_is_owed(after.document, is_mendable=False)
                return LaneOutcome.RESUMMARIZED if written.text is made.text else LaneOutcome.KEPT
            self._telemetry.cas_lost.inc()
        raise lost_race()

    def _generation_for(self, request: ResummariseRequest) -> int:
        if request.reason is Reason.FALLBACK:
            return self._mending.generation
        return max(request.generation, self._mending.generation)

    async def _leave(self, stored: StoredSummary | None, outcome: LaneOutcome) -> LaneOutcome:
        """What is stored stands; step 6 for it, which a crash may have cut off."""
        if stored is not None:
            await self._finisher.finish(stored)
            if outcome is LaneOutcome.CURRENT:
                await self._mending.ask_for_what_is_owed(stored.document, is_mendable=False)
        return outcome

    async def _summarize(self, posting: PostingDocument) -> Summary:
        try:
            with self._telemetry.stage("summarise"):
                made = await self._summarizer.summarize(posting.body)
            cause = made.cause
        except BackendProtocolError as error:  # nothing waits for this: no reason to give up as soon as a live update
            made, cause = None, str(error)
        if made is not None and not made.is_mendable:
            self._patience.answered(posting.content_hash)
            return made
        if self._patience.failed(posting.content_hash):
            message = f"the summarizer answers other postings, but not this one ({cause}): see the engine's log"
            raise InvalidInput(message, field="posting")
        raise PutOff(f"the summarizer did not answer: {cause}", reason="engine")

    async def _write(self, stored: StoredSummary, summary: Summary) -> StoredSummary | None:
        document = self._composer.resummarised(stored.document, summary, now=self._clock())
        with self._telemetry.stage("write"):
            cas = await self._store.put(document, cas=stored.cas)
        return StoredSummary(document, cas) if cas is not None else None


class ResummariseHandler:
    """Finishes records of the re-summarise topic. May be called concurrently for records of different keys."""

    def __init__(
        self,
        resummariser: Resummariser,
        attempts: Attempts,
        mending: Mending,
        *,
        pause_s: float,
        telemetry: Telemetry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put together.

        Args:
            resummariser: Steps 2 to 6.
            attempts: What is done about errors.
            mending: The latest roll-out, and this worker's revision.
            pause_s: How long the lane holds after a request was put off, in seconds.
            telemetry: Where things are counted.
            clock: Monotonic seconds.
        """
        self._resummariser = resummariser
        self._attempts = attempts
        self._mending = mending
        self._pause_s = pause_s
        self._telemetry = telemetry
        self._clock = clock
        self._held_until_s = 0.0
        self._log = structlog.get_logger(__name__)

    def is_held(self) -> bool:
        """Whether the lane takes nothing for now: the roll-out is paused, or a request was put off just now."""
        return self._mending.rollout.is_paused or self._clock() < self._held_until_s

    async def handle(self, record: Record) -> None:
        """Finish the record.

        Raises:
            Overloaded: It is not finished; call again with the same record after ``retry_after_s`` seconds, and not
                while :meth:`is_held`. The pause is the engine's own where that refused work, which concerns all lanes;
                it is 0 where only this lane waits.
            Exception: Not even the dead letter could be published, and not because the broker is away: stop the worker.
        """
        try:
            error = await self._attempts.settle(record, lambda: self._settle(record))
        except PutOff as put_off:
            self._held_until_s = self._clock() + self._pause_s
            self._telemetry.resummarise_waits.labels(put_off.reason).inc()
            self._log.info("nearline.resummarise_put_off", at=record.place, reason=put_off.reason, why=str(put_off))
            raise
        if error is not None:
            self._note(record, LaneOutcome.DEAD_LETTERED, error=type(error).__name__)

    async def _settle(self, record: Record) -> None:
        request = decode_request(record.key, record.value)  # 1
        if request.reason is Reason.ROLLOUT and request.generation > self._mending.rollout.generation:
            await self._catch_up(request.generation)
        rollout = self._mending.rollout
        if rollout.is_paused:
            raise PutOff("the roll-out is paused: `precis rollout resume` ends that", reason="paused")
        if not is_ours(request, self._mending.revision):
            if not is_superseded(request, rollout):
                message = f"revision {request.revision} is to write it, this worker has {self._mending.revision}"
                raise PutOff(message, reason="revision")
            self._note(record, LaneOutcome.SUPERSEDED)
            return
        self._note(record, await self._resummariser.resummarise(request))

    async def _catch_up(self, generation: int) -> None:
        """Read of the roll-out before its first request is touched.

        Else this worker's live work could still write under the old generation what the lane saw coming, and nobody
        would ask for it again. A roll-out is written before its requests: what is unknown even then was never started.
        """
        try:
            await self._mending.catch_up()
        except BackendUnavailable as error:
            message = f"this worker has not read of roll-out {generation}, and cannot now: {error}"
            raise PutOff(message, reason="unknown") from error

    def _note(self, record: Record, outcome: LaneOutcome, *, error: str | None = None) -> None:
        self._telemetry.resummarised.labels(str(outcome)).inc()
        self._log.info("nearline.resummarised", at=record.place, outcome=str(outcome), error=error)
