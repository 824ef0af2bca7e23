"""Steps 5 and 6 of DESIGN 4: what follows a write of a summary document, whoever wrote it.

They are done for documents that were only read, too: a crash may have cut off the writer between its write and these.
"""

from typing import Protocol

from schemas.documents import SummaryDocument
from schemas.errors import BackendError
from store.ports import LiveStore, StoredSummary
from stream.telemetry import Telemetry

__all__ = ["Changelog", "Finisher", "NearlineStore"]


class NearlineStore(LiveStore, Protocol):
    """What processing asks of the store."""

    async def forget_job(self, job_id: str) -> int:
        """See ``ScoreStore.forget_job``."""
        ...


class Changelog(Protocol):
    """Step 6; ``stream.changelog.SummaryChangelog`` in production."""

    async def publish(self, document: SummaryDocument) -> None:
        """Publish the document under its job id; returns when the broker has acknowledged it."""
        ...


class Finisher:
    """Removes old scores, then publishes until what was published is what is stored."""

    def __init__(self, store: NearlineStore, changelog: Changelog, telemetry: Telemetry) -> None:
        self._store = store
        self._changelog = changelog
        self._telemetry = telemetry

    async def finish(self, stored: StoredSummary, *, up_to_version: int = 0, is_same_item: bool = False) -> None:
        """Do both steps for a document that was just written or read. Idempotent.

        Args:
            stored: What is stored, with the token of its write.
            up_to_version: Where the document is deleted: version of the update that was refused for it, whose posting
                may have been written by a try that lost the race. Its own version, where that is higher.
            is_same_item: The write left header and summary as they were: scores of before are still right.

        Raises:
            BackendError: Store or broker; doing it again completes it.
        """
        document = stored.document
        with self._telemetry.stage("invalidate"):
            if not is_same_item:
                await self._forget(document.job_id)  # 5
            if document.is_deleted:
                version = max(document.source_version, up_to_version)
                await self._store.remove_posting(document.job_id, up_to_version=version)
        with self._telemetry.stage("publish"):
            await self._publish(stored)  # 6

    async def _forget(self, job_id: str) -> None:
        try:
            self._telemetry.scores_removed.inc(await self._store.forget_job(job_id))
        except BackendError:
            # Scores of the old item version match no more: this only frees memory.
            self._telemetry.forget_failures.inc()

    async def _publish(self, stored: StoredSummary) -> None:
        job_id = stored.document.job_id
        while True:
            await self._changelog.publish(stored.document)
            if await self._store.is_current(job_id, stored.cas):
                return
            newer = await self._store.get(job_id)
            if newer is None:
                return
            stored = newer
            self._telemetry.republished.inc()
