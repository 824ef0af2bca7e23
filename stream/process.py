"""One update, from the record to the stored document and the changelog. Every step may be cut off and done again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from schemas.documents import Origin, State, SummaryDocument
from schemas.errors import BackendError, BackendUnavailable
from schemas.events import Update, Upsert
from store.ports import PostingStore, StoredSummary, SummaryStore
from stream.compose import Composer, Summary, kept_summary
from stream.content import Content, read_content
from stream.decide import Keep, Outcome, Redelivered, Remove, Stale, Summarise, decide
from stream.telemetry import Telemetry

__all__ = ["Changelog", "NearlineStore", "Processed", "Processor", "SummaryMaker"]

_MAX_DECISIONS = 8
"""Lost writes of one job in a row before the record is given back: more is a store that cannot swap, not a race."""


class NearlineStore(SummaryStore, PostingStore, Protocol):
    """What processing asks of the store."""

    async def forget_job(self, job_id: str) -> int:
        """See ``ScoreStore.forget_job``."""
        ...


class SummaryMaker(Protocol):
    """Step 3; ``stream.summarize.Summarizer`` in production."""

    async def summarize(self, body: str) -> Summary:
        """The summary of a body, fresh or fallback."""
        ...


class Changelog(Protocol):
    """Step 6; ``stream.changelog.SummaryChangelog`` in production."""

    async def publish(self, document: SummaryDocument) -> None:
        """Publish the document under its job id; returns when the broker has acknowledged it."""
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
    ) -> None:
        self._store = store
        self._summarizer = summarizer
        self._changelog = changelog
        self._composer = composer
        self._clock = clock
        self._deleted_ttl_s = deleted_ttl_s
        self._telemetry = telemetry

    async def process(self, update: Update, origin: Origin) -> Processed:
        """Apply one update.

        1. Read the stored document and decide.
        2. Render the header (the body and its hash were read before: the decision needs them).
        3. Summarise, where the decision says so; once for this update, however often it is decided again.
        4. Write posting, then summary, by compare-and-swap; where another write came first, back to 1.
        5. Remove the cached scores of the old item; where the job is gone, its posting.
        6. Publish the stored document, read it again, and publish again while a newer one is stored. Without this the
           changelog can end on an old version: two writers may publish in the other order than they wrote.

        An update that writes nothing does 5 and 6 too: they may be what a crash cut off. The caller acknowledges (7).

        Args:
            update: What the record says.
            origin: Where it stands.

        Raises:
            InvalidInput: The posting cannot be served, or its version is taken by another one.
            Overloaded: The engine refused work; nothing was written.
            BackendError: Store, broker or engine; whatever was written, doing it all again completes it.
        """
        content = read_content(update.posting) if isinstance(update, Upsert) else None
        summary: Summary | None = None
        for _ in range(_MAX_DECISIONS):
            with self._telemetry.stage("read"):
                stored = await self._store.get(update.job_id)
            previous = stored.document if stored else None
            decision = decide(previous, update, content, origin)  # 1
            if isinstance(decision, Stale | Redelivered):
                outcome = Outcome.STALE if isinstance(decision, Stale) else Outcome.REDELIVERED
                await self._finish(update.job_id, previous)
                return Processed(outcome, None)
            if isinstance(decision, Summarise) and summary is None:
                assert content is not None, "only an upsert is summarised"
                with self._telemetry.stage("summarise"):
                    summary = await self._summarizer.summarize(content.body)  # 3
            draft = self._draft(decision, update, content, origin, previous, summary)  # 2
            with self._telemetry.stage("write"):
                is_written = await self._write(draft.document, update, content, stored)  # 4
            if is_written:
                await self._finish(update.job_id, draft.document)
                self._count_saved(decision)
                return Processed(draft.outcome, draft.document)
            self._telemetry.cas_lost.inc()
        message = f"{_MAX_DECISIONS} writes in a row lost to others"
        raise BackendUnavailable(message, backend="store", operation="put summary")

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
            return _Draft(document, Outcome.DELETED)
        assert isinstance(update, Upsert), "only an upsert keeps or makes a summary"
        assert content is not None, "an upsert has content"
        if isinstance(decision, Keep):
            assert previous is not None, "only a stored summary is kept"
            chosen, outcome = kept_summary(previous), decision.outcome
        else:
            assert summary is not None, "made in step 3"
            chosen = summary
            outcome = Outcome.FALLBACK if summary.state is State.FALLBACK else Outcome.SUMMARIZED
        header = self._composer.header(content)
        document = self._composer.live(update, content, header, chosen, origin=origin, previous=previous, now=now)
        return _Draft(document, outcome)

    async def _write(
        self, document: SummaryDocument, update: Update, content: Content | None, stored: StoredSummary | None
    ) -> bool:
        """Step 4. False where another write came first."""
        cas = stored.cas if stored else None
        if document.is_deleted:
            # Removed only after the document says so (5): a crash between leaves a posting too many, never one too few.
            return await self._store.put(document, cas=cas, ttl_s=self._deleted_ttl_s) is not None
        assert isinstance(update, Upsert), "only an upsert is live"
        assert content is not None, "an upsert has content"
        await self._store.put_posting(self._composer.posting(update, content, document.header))
        return await self._store.put(document, cas=cas) is not None

    async def _finish(self, job_id: str, document: SummaryDocument | None) -> None:
        """Steps 5 and 6, from the document that was just written or read."""
        if document is None:
            return
        with self._telemetry.stage("invalidate"):
            await self._forget(job_id)  # 5
            if document.is_deleted:
                await self._store.remove_posting(job_id, up_to_version=document.source_version)
        with self._telemetry.stage("publish"):
            await self._publish(document)  # 6

    async def _forget(self, job_id: str) -> None:
        try:
            self._telemetry.scores_removed.inc(await self._store.forget_job(job_id))
        except BackendError:
            # Scores of the old item version match no more: this only frees memory.
            self._telemetry.forget_failures.inc()

    async def _publish(self, document: SummaryDocument) -> None:
        while True:
            await self._changelog.publish(document)
            stored = await self._store.get(document.job_id)
            if stored is None or stored.document.rev == document.rev:
                return
            document = stored.document
            self._telemetry.republished.inc()

    def _count_saved(self, decision: Remove | Keep | Summarise) -> None:
        if isinstance(decision, Keep):
            self._telemetry.calls_saved.labels(str(decision.outcome)).inc()
