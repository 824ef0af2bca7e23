"""The embedded store: all collections and the full-text index in one SQLite file."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from schemas.documents import PostingDocument, ScoreEntry, SummaryDocument
from schemas.errors import BackendError, ConfigurationError
from store.ports import Cas, Hit, ScannedSummary, StoredSummary
from store.score_entries import WrongScores
from store.score_policy import ScorePolicy
from store.sqlite import index, leases, live, postings, scan, schema, scores, summaries
from store.sqlite.connection import ConnectionThreads, Synchronous, translated
from store.sqlite.score_count import count_scores
from store.sqlite.turns import TurnThread

__all__ = ["SqliteStore"]

_NUM_READERS = 4
_BUSY_TIMEOUT_S = 5.0
# The cache must never be waited for long.
_CACHE_BUSY_TIMEOUT_S = 1.0
_SWEEP_INTERVAL_S = 60.0


class SqliteStore:
    """Implements ``Store`` and ``PostingIndex``; any number of processes may share the file.

    Writes of summaries and postings run one at a time on a thread of their own and are durable when they return, as
    ``synchronous`` says; those that wait at the same time share a transaction and its fsync. Cached scores are written
    on another thread, never with an fsync. Reads of one document share a thread too, all others have four; none waits
    for a writer.
    """

    def __init__(
        self, path: Path, *, policy: ScorePolicy, synchronous: Synchronous, clock: Callable[[], float]
    ) -> None:
        """Use :meth:`open`."""
        self._policy = policy
        self._clock = clock
        self._wrong = WrongScores()
        self._next_sweep_at_s = clock() + _SWEEP_INTERVAL_S
        self._reader = TurnThread(
            path, mode="read", synchronous="NORMAL", busy_timeout_s=_BUSY_TIMEOUT_S, name="store-get"
        )
        self._readers = ConnectionThreads(
            path,
            num_threads=_NUM_READERS,
            synchronous="NORMAL",
            busy_timeout_s=_BUSY_TIMEOUT_S,
            name="store-read",
        )
        self._writer = TurnThread(
            path, mode="write", synchronous=synchronous, busy_timeout_s=_BUSY_TIMEOUT_S, name="store-write"
        )
        self._cache_writer = TurnThread(
            path, mode="write", synchronous="NORMAL", busy_timeout_s=_CACHE_BUSY_TIMEOUT_S, name="store-cache"
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        scores_ttl_s: float = 900.0,
        ttl_jitter: float = 0.1,
        synchronous: Synchronous = "FULL",
        clock: Callable[[], float] = time.time,
    ) -> "SqliteStore":
        """Open the file, made with its directory where it is not there.

        Args:
            path: The file; two more with the endings ``-wal`` and ``-shm`` stand beside it. A local file system.
            scores_ttl_s: Longest life of a cached score, in seconds.
            ttl_jitter: Share of it by which a query's scores may expire earlier.
            synchronous: ``FULL``: an acknowledged write survives power loss. ``NORMAL``: it survives the death of the
                process, and power loss may take the last ones; several times faster where fsync is slow.
            clock: Seconds since the epoch.

        Raises:
            ConfigurationError: The path cannot be used, or is a database of a newer version or of another program.
            BackendError: The file cannot be opened or is damaged.
        """
        path = await asyncio.to_thread(_usable, path)
        policy = ScorePolicy(scores_ttl_s, ttl_jitter)
        store = cls(path, policy=policy, synchronous=synchronous, clock=clock)
        try:
            await store._writer.run("open", partial(schema.prepare, path=path))
            await store.sweep()
        except BaseException:
            await store.close()
            raise
        return store

    async def get(self, job_id: str) -> StoredSummary | None:
        """See ``SummaryStore.get``."""
        return await self._reader.run("get", partial(summaries.get, job_id=job_id, now_s=self._clock()))

    async def get_many(self, job_ids: Sequence[str]) -> dict[str, SummaryDocument]:
        """See ``SummaryStore.get_many``."""
        work = partial(summaries.get_many, job_ids=job_ids, now_s=self._clock())
        return await self._readers.run("get_many", work)

    async def put(self, document: SummaryDocument, *, cas: Cas | None, ttl_s: float | None = None) -> Cas | None:
        """See ``SummaryStore.put``."""
        now_s = self._clock()
        expires_at_s = None if ttl_s is None else now_s + ttl_s
        work = partial(summaries.put, document=document, cas=cas, expires_at_s=expires_at_s, now_s=now_s)
        new_cas = await self._writer.run("put", work)
        await self._sweep_if_due()
        return new_cas

    async def is_current(self, job_id: str, cas: Cas) -> bool:
        """See ``SummaryStore.is_current``."""
        work = partial(summaries.is_current, job_id=job_id, cas=cas, now_s=self._clock())
        return await self._reader.run("is_current", work)

    async def put_live(
        self, document: SummaryDocument, posting: PostingDocument | None, *, cas: Cas | None
    ) -> Cas | None:
        """See ``LiveStore.put_live``; one transaction."""
        work = partial(live.put_live, document=document, posting=posting, cas=cas, now_s=self._clock())
        new_cas = await self._writer.run("put_live", work)
        await self._sweep_if_due()
        return new_cas

    async def scan(self, *, page_size: int = 1_000) -> AsyncIterator[Sequence[ScannedSummary]]:
        """See ``SummaryScan.scan``."""
        after = ""
        while True:
            work = partial(scan.page, after=after, page_size=page_size, now_s=self._clock())
            found = await self._readers.run("scan", work)
            if not found:
                return
            after = found[-1].job_id
            yield found

    async def get_posting(self, job_id: str) -> PostingDocument | None:
        """See ``PostingStore.get_posting``."""
        return await self._reader.run("get_posting", partial(postings.get_posting, job_id=job_id))

    async def put_posting(self, document: PostingDocument) -> bool:
        """See ``PostingStore.put_posting``."""
        return await self._writer.run("put_posting", partial(postings.put_posting, document=document))

    async def remove_posting(self, job_id: str, *, up_to_version: int) -> None:
        """See ``PostingStore.remove_posting``."""
        work = partial(postings.remove_posting, job_id=job_id, up_to_version=up_to_version)
        await self._writer.run("remove_posting", work)

    async def get_scores(self, fingerprint: str, job_ids: Sequence[str]) -> dict[str, ScoreEntry]:
        """See ``ScoreStore.get_scores``."""
        work = partial(
            scores.get_scores,
            fingerprint=fingerprint,
            job_ids=job_ids,
            policy=self._policy,
            now_s=self._clock(),
            wrong=self._wrong,
        )
        return await self._readers.run("get_scores", work)

    @property
    def num_wrong_scores(self) -> int:
        """See ``HasWrongScores``."""
        return self._wrong.number

    async def merge_scores(self, fingerprint: str, entries: Mapping[str, ScoreEntry]) -> bool:
        """See ``ScoreStore.merge_scores``; one transaction, so it never loses.

        Raises:
            BackendTimeout: Other writers held the file for a second: the entries are dropped.
        """
        work = partial(scores.merge_scores, fingerprint=fingerprint, entries=entries, now_s=self._clock())
        await self._cache_writer.run("merge_scores", work)
        await self._sweep_if_due()
        return True

    async def forget_job(self, job_id: str) -> int:
        """See ``ScoreStore.forget_job``."""
        # Most jobs have none, and asking takes no lock.
        if not await self._reader.run("forget_job", partial(scores.is_cached, job_id=job_id)):
            return 0
        work = partial(scores.forget_job, job_id=job_id, policy=self._policy, now_s=self._clock())
        return await self._cache_writer.run("forget_job", work)

    async def forget_query(self, fingerprint: str) -> None:
        """See ``ScoreStore.forget_query``."""
        await self._cache_writer.run("forget_query", partial(scores.forget_query, fingerprint=fingerprint))

    async def forget_all_scores(self) -> None:
        """See ``ScoreStore.forget_all_scores``."""
        await self._cache_writer.run("forget_all_scores", partial(scores.forget_all, now_s=self._clock()))

    async def lead(
        self, fingerprint: str, item_versions: Sequence[str], *, holder: str, ttl_s: float
    ) -> dict[str, float]:
        """See ``ScoreLeases.lead``."""
        work = partial(
            leases.lead,
            fingerprint=fingerprint,
            item_versions=item_versions,
            holder=holder,
            ttl_s=ttl_s,
            now_s=self._clock(),
        )
        return await self._cache_writer.run("lead", work)

    async def release(self, fingerprint: str, item_versions: Sequence[str], *, holder: str) -> None:
        """See ``ScoreLeases.release``."""
        work = partial(leases.release, fingerprint=fingerprint, item_versions=item_versions, holder=holder)
        await self._cache_writer.run("release", work)

    async def count_scores(self, job_id: str) -> int:
        """See ``ScoreCount.count_scores``."""
        work = partial(count_scores, job_id=job_id, policy=self._policy, now_s=self._clock())
        return await self._readers.run("count_scores", work)

    async def search(self, query: str, *, limit: int) -> list[Hit]:
        """See ``PostingIndex.search``."""
        return await self._readers.run("search", partial(index.search, query=query, limit=limit))

    async def bm25(self, query: str, job_ids: Sequence[str]) -> dict[str, float]:
        """See ``PostingIndex.bm25``."""
        return await self._readers.run("bm25", partial(index.bm25, query=query, job_ids=job_ids))

    async def sweep(self) -> int:
        """Remove what has expired; reads leave it out anyway. Runs on opening and, at writes, once a minute.

        Returns:
            How many documents and cached scores were removed.
        """
        now_s = self._clock()
        self._next_sweep_at_s = now_s + _SWEEP_INTERVAL_S

        def work(connection: sqlite3.Connection) -> int:
            leases.delete_ended(connection, now_s=now_s)
            removed = summaries.delete_expired(connection, now_s=now_s)
            return removed + scores.delete_expired(connection, policy=self._policy, now_s=now_s)

        return await self._cache_writer.run("sweep", work)

    async def close(self) -> None:
        """See ``Store.close``. Waits for writes under way."""
        for threads in (self._cache_writer, self._reader, self._readers, self._writer):
            await threads.close()

    async def _sweep_if_due(self) -> None:
        if self._clock() >= self._next_sweep_at_s:
            # The write before it stands; what is not swept now is swept a minute later, and no read returns it.
            with suppress(BackendError):
                await self.sweep()


def _usable(path: Path) -> Path:
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"store {str(path)!r}: its directory cannot be made: {error}") from error
    with translated("open"):
        schema.check_usable(path)
    return path
