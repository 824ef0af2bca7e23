"""Publishing the nulls, against a store and a nearline service that go on working.

A null must not end up behind a document that is stored: readers of the changelog would miss the job. Two things can
bring that about, and both are mended here:

- A re-post is stored and published between the look into the store and the null. So after the null is acknowledged the
  store is read again, and a document found there is published again, again while its ``rev`` differs, as the nearline
  service does it (step 6). A write after that second read is published by its writer, behind the null.
- A run is killed between the null and the second read. So each run also looks at the keys that end on a null already.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ops.changelog.plan import Tails
from schemas.documents import SummaryDocument
from stream.changelog import SummaryChangelog
from stream.producer import Publisher

__all__ = ["PruneReport", "PrunedStore", "Pruner"]

_BATCH = 500


class PrunedStore(Protocol):
    """What is asked of the store."""

    async def get_many(self, job_ids: Sequence[str]) -> dict[str, SummaryDocument]:
        """See ``SummaryStore.get_many``."""
        ...


@dataclass(slots=True)
class PruneReport:
    """What a run did, or would do.

    Attributes:
        num_records: Records of the changelog that were read.
        num_deleted: Keys that end on a deleted document.
        num_kept: Of those older than the limit, how many are still in the store.
        num_nulled: Keys that were ended by a null.
        num_republished: Documents published again behind a null.
        num_unreadable: Records that are no summary documents; left alone.
    """

    num_records: int = 0
    num_deleted: int = 0
    num_kept: int = 0
    num_nulled: int = 0
    num_republished: int = 0
    num_unreadable: int = 0


class Pruner:
    """One run. Idempotent: a second one right after it does nothing."""

    def __init__(
        self, store: PrunedStore, publisher: Publisher, topic: str, *, ttl_s: float, clock: Callable[[], datetime]
    ) -> None:
        """Put together.

        Args:
            store: The store that the changelog is of.
            publisher: Appends to it.
            topic: The changelog.
            ttl_s: How long a deleted document is kept, in seconds.
            clock: Present time, UTC.
        """
        self._store = store
        self._publisher = publisher
        self._topic = topic
        self._changelog = SummaryChangelog(publisher, topic)
        self._ttl_s = ttl_s
        self._clock = clock

    async def prune(self, tails: Tails, *, is_dry: bool) -> PruneReport:
        """Publish what is missing.

        Args:
            tails: The last records, as read.
            is_dry: Only count.

        Raises:
            BackendError: Store or broker failed; run it again.
        """
        report = PruneReport(
            num_records=tails.num_records, num_deleted=len(tails.deleted), num_unreadable=tails.num_unreadable
        )
        for batch in _batches(tails.expired(self._clock(), self._ttl_s)):
            stored = await self._store.get_many(batch)
            gone = [job_id for job_id in batch if job_id not in stored]
            report.num_kept += len(stored)
            report.num_nulled += len(gone)
            if not is_dry:
                for job_id in gone:
                    await self._publisher.send(self._topic, key=job_id.encode(), value=None)
                await self._republish_stored(gone, report, is_dry=False)
        for batch in _batches(sorted(tails.nulled)):
            await self._republish_stored(batch, report, is_dry=is_dry)
        return report

    async def _republish_stored(self, job_ids: Sequence[str], report: PruneReport, *, is_dry: bool) -> None:
        """Publish those that are stored after all, so that the changelog ends on what is stored."""
        for document in (await self._store.get_many(job_ids)).values():
            report.num_republished += 1
            if not is_dry:
                await self._republish(document)

    async def _republish(self, document: SummaryDocument) -> None:
        while True:
            await self._changelog.publish(document)
            stored = (await self._store.get_many([document.job_id])).get(document.job_id)
            if stored is None or stored.rev == document.rev:
                return
            document = stored


def _batches(job_ids: Collection[str]) -> list[list[str]]:
    listed = list(job_ids)
    return [listed[start : start + _BATCH] for start in range(0, len(listed), _BATCH)]
