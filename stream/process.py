"""One update, from the record to the stored document and the changelog. Every step may be cut off and done again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from schemas.documents import Origin, PostingDocument, State, SummaryDocument
from schemas.errors import BackendUnavailable
from schemas.events import Tombstone, Update, Upsert
from store.ports import Cas, StoredSummary
from stream.compose import Composer, Summary, kept_summary
from stream.content import Content, read_content
from stream.decide import Keep, Outcome, Redelivered, Remove, Stale, Summarise, decide
from stream.finish import Changelog, Finisher, NearlineStore
from stream.mending import Mending
from stream.telemetry import Telemetry

__all__ = ["MAX_DECISIONS", "Changelog", "NearlineStore", "Processed", "Processor", "SummaryMaker", "lost_race"]

MAX_DECISIONS = 8
"""Lost writes of one job in a row before the record is given back: more is a store that cannot swap, not a race."""


def lost_race() -> BackendUnavailable:
    """What is raised then."""
    message = f"{MAX_DECISIONS} writes in a row lost to others"
    return BackendUnavailable(message, backend="store", operation="put summary")


class SummaryMaker(Protocol):
    """Step 3; ``stream.summarize.Summarizer`` in production."""

    async def summarize(self, body: str) -> Summary:
        """The summary of a body, fresh or fallback."""
        ...


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of an update.

    Attributes:
        outcome: Which of the ordinary ends.
        written: The document that was written; None where none was.
    """

    outcome: Outcome
    written: SummaryDocument | None


@dataclass(frozen=True, slots=True)
class _Draft:
    document: SummaryDocument
    outcome: Outcome
    posting: PostingDocument | None  # None: none is written, or the stored one stands for this version, too


def _is_same_item(one: SummaryDocument, other: SummaryDocument) -> bool:
    is_live = not one.is_deleted and not other.is_deleted
    return is_live and (one.header, one.summary) == (other.header, other.summary)


class Processor:
    """Applies updates. May be called concurrently, also for one job: the store decides who comes first."""

    def __init__(
        self,
        *,
        store: NearlineStore,
        summarizer: SummaryMaker,
        changelog: Changelog,
        composer: Composer,
        clock: Callable[[], datetime],
        deleted_ttl_s: float,
        telemetry: Telemetry,
        mending: Mending,
    ) -> None:
        """Put together.

        Args:
            store: Postings, summaries, and the scores to forget.
            summarizer: Step 3.
            changelog: Step 6.
            composer: Makes the documents.
            clock: Now, UTC.
            deleted_ttl_s: How long a deleted document is kept, in seconds.
            telemetry: Where things are counted and timed.
            mending: The latest roll-out, and the way to the re-summarise lane.
        """
        self._store = store
        self._summarizer = summarizer
        self._finisher = Finisher(store, changelog, telemetry)
        self._mending = mending
        self._composer = composer
        self._clock = clock
        self._deleted_ttl_s = deleted_ttl_s
        self._telemetry = telemetry

    async def process(self, update: Update, origin: Origin, *, is_backfill: bool = False) -> Processed:
        """Apply one update.

        1. Read the stored document and decide.
        2. Render the header (the posting was read before: the decision needs its hashes). One that was published again
           as it was is not even read: its document gets the new version and place.
        3. Summarise, where the decision says so; once for this update, however often it is decided again.
        4. Write posting, then summary, by compare-and-swap; where another write came first, back to 1.
        5. Remove the cached scores of the old item, where there is a new one; where the job is gone, its posting.
        6. Publish the stored document, look whether it still is what is stored, and publish again while it is not.
           Without this the changelog can end on an old version: two writers may publish in another order than they
           wrote.
        7. Ask the re-summarise lane for what the document is owed (``stream.resummarise_policy``, invariant R).

        An update that writes nothing does 5 and 6 too, a redelivery also 7: they may be what a crash cut off. The
        caller acknowledges.

        Args:
            update: What the record says.
            origin: Where it stands.
            is_backfill: Whether it came by the backfill topic.

        Raises:
            InvalidInput: The posting cannot be served, or its version is taken by another one.
            Overloaded: The engine refused work; nothing was written.
            BackendError: Store, broker or engine; whatever was written, doing it all again completes it.
        """
        content: Content | None = None
        summary: Summary | None = None
        for num_lost in range(MAX_DECISIONS):
            with self._telemetry.stage("read"):
                stored = await self._store.get(update.job_id)
            previous = stored.document if stored else None
            if isinstance(update, Upsert) and (content is None or content.reading is None):
                # After a lost race the posting that the document was made from may be gone: then it is written whole.
                may_be_known = num_lost == 0 and self._composer.knows(previous)
                content = read_content(update.posting, previous if may_be_known else None)
            decision = decide(previous, update, content, origin, is_backfill=is_backfill)  # 1
            if isinstance(decision, Stale | Redelivered):
                return await self._leave(decision, update, stored)
            if isinstance(decision, Summarise) and summary is None:
                assert content is not None, "only an upsert is summarised"
                summary = await self._summarize(content.read.body)  # 3
            draft = self._draft(decision, update, content, origin, previous, summary)  # 2
            with self._telemetry.stage("write"):
                cas = await self._write(draft, stored)  # 4
            if cas is not None:
                is_same_item = previous is not None and _is_same_item(previous, draft.document)
                await self._finisher.finish(StoredSummary(draft.document, cas), is_same_item=is_same_item)  # 5, 6
                is_mendable = isinstance(decision, Summarise) and summary is not None and summary.is_mendable
                await self._mending.ask_for_what_is_owed(draft.document, is_mendable=is_mendable)  # 7
                self._count_saved(draft.outcome, update, is_summarised=isinstance(decision, Summarise))
                return Processed(draft.outcome, draft.document)
            self._telemetry.cas_lost.inc()
        raise lost_race()

    async def _leave(self, decision: Stale | Redelivered, update: Update, stored: StoredSummary | None) -> Processed:
        """What is stored stands; steps 5 to 7 for it."""
        outcome = Outcome.STALE if isinstance(decision, Stale) else Outcome.REDELIVERED
        if stored is not None:
            # A backfill's version may be above that of the deletion that it is stale for.
            await self._finisher.finish(stored, up_to_version=0 if isinstance(update, Tombstone) else update.version)
            if isinstance(decision, Redelivered):
                # Why the stored one is a fallback was not stored: at worst the model says the same again, once.
                await self._mending.ask_for_what_is_owed(stored.document, is_mendable=True)
        self._count_saved(outcome, update, is_summarised=False)
        return Processed(outcome, None)

    async def _summarize(self, body: str) -> Summary:
        with self._telemetry.stage("summarise"):
            made = await self._summarizer.summarize(body)
        # Of the roll-out that is known now: which model wrote it is this worker's, whenever it began.
        return replace(made, generation=self._mending.generation)

    def _draft(
        self,
        decision: Remove | Keep | Summarise,
        update: Update,
        content: Content | None,
        origin: Origin,
        previous: SummaryDocument | None,
        summary: Summary | None,
    ) -> _Draft:
        now = self._clock()
        if isinstance(decision, Remove):
            document = self._composer.deleted(update.job_id, decision, previous=previous, now=now)
            return _Draft(document, Outcome.DELETED, None)
        assert isinstance(update, Upsert), "only an upsert keeps or makes a summary"
        assert content is not None, "an upsert has content"
        if isinstance(decision, Keep):
            assert previous is not None, "only a stored summary is kept"
            if content.reading is None:
                document = self._composer.repeated(update, previous, origin=origin, now=now)
                return _Draft(document, decision.outcome, None)
            chosen, outcome = kept_summary(previous), decision.outcome
        else:
            assert summary is not None, "made in step 3"
            chosen = summary
            outcome = Outcome.FALLBACK if summary.state is State.FALLBACK else Outcome.SUMMARIZED
        header = self._composer.header(content, previous)
        document = self._composer.live(update, content, header, chosen, origin=origin, previous=previous, now=now)
        return _Draft(document, outcome, self._composer.posting(update, content, header))

    async def _write(self, draft: _Draft, stored: StoredSummary | None) -> Cas | None:
        """Step 4. None where another write came first."""
        document, cas = draft.document, stored.cas if stored else None
        if document.is_deleted:
            # Removed only after the document says so (5): a crash between leaves a posting too many, never one too few.
            return await self._store.put(document, cas=cas, ttl_s=self._deleted_ttl_s)
        return await self._store.put_live(document, draft.posting, cas=cas)

    def _count_saved(self, outcome: Outcome, update: Update, *, is_summarised: bool) -> None:
        if isinstance(update, Upsert) and not is_summarised:
            self._telemetry.calls_saved.labels(str(outcome)).inc()
