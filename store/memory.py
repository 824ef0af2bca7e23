"""The store in memory: for tests, and the model that other adapters are compared with. Nothing outlives the process."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from schemas.documents import PostingDocument, ScoreEntry, SummaryDocument
from schemas.errors import BackendUnavailable
from store.lease_policy import Leases, after_release, others_of, with_lead
from store.ports import Cas, ScannedSummary, StoredSummary
from store.score_entries import WrongScores, mergeable, read_entry, servable
from store.score_policy import MAX_QUERIES_PER_JOB, ScorePolicy, merged

__all__ = ["MemoryStore"]


@dataclass(frozen=True, slots=True)
class _Row:
    document: SummaryDocument
    cas: Cas
    expires_at_s: float | None


class MemoryStore:
    """Implements ``Store`` for the tasks of one event loop.

    Every call gives way to other tasks once before it acts, as a store that does I/O would, so that races of callers
    show; the act itself is atomic.
    """

    def __init__(
        self, *, scores_ttl_s: float = 900.0, ttl_jitter: float = 0.1, clock: Callable[[], float] = time.time
    ) -> None:
        """Make an empty store.

        Args:
            scores_ttl_s: Longest life of a cached score, in seconds.
            ttl_jitter: Share of it by which a query's scores may expire earlier.
            clock: Seconds since the epoch.
        """
        self._policy = ScorePolicy(scores_ttl_s, ttl_jitter)
        self._clock = clock
        self._last_cas = 0
        self._summaries: dict[str, _Row] = {}
        self._postings: dict[str, PostingDocument] = {}
        self._scores: dict[str, dict[str, ScoreEntry]] = {}
        self._wrong = WrongScores()
        self._scored_from_s = 0.0
        self._leases: dict[str, Leases] = {}
        self._is_closed = False

    async def get(self, job_id: str) -> StoredSummary | None:
        """See ``SummaryStore.get``."""
        await self._turn("get")
        row = self._live(job_id)
        return StoredSummary(row.document, row.cas) if row else None

    async def get_many(self, job_ids: Sequence[str]) -> dict[str, SummaryDocument]:
        """See ``SummaryStore.get_many``."""
        await self._turn("get_many")
        return {job_id: row.document for job_id in job_ids if (row := self._live(job_id))}

    async def put(self, document: SummaryDocument, *, cas: Cas | None, ttl_s: float | None = None) -> Cas | None:
        """See ``SummaryStore.put``."""
        await self._turn("put")
        row = self._live(document.job_id)
        if (row.cas if row else None) != cas:
            return None
        self._last_cas += 1
        new_cas = Cas(self._last_cas)
        expires_at_s = None if ttl_s is None else self._clock() + ttl_s
        self._summaries[document.job_id] = _Row(document, new_cas, expires_at_s)
        return new_cas

    async def is_current(self, job_id: str, cas: Cas) -> bool:
        """See ``SummaryStore.is_current``."""
        await self._turn("is_current")
        row = self._live(job_id)
        return row is not None and row.cas == cas

    async def put_live(
        self, document: SummaryDocument, posting: PostingDocument | None, *, cas: Cas | None
    ) -> Cas | None:
        """See ``LiveStore.put_live``; gives way between the two, as a store without transactions would."""
        if posting is not None:
            await self.put_posting(posting)
        elif not await self._raise_posting(document):
            return None
        return await self.put(document, cas=cas)

    async def scan(self, *, page_size: int = 1_000) -> AsyncIterator[Sequence[ScannedSummary]]:
        """See ``SummaryScan.scan``."""
        after = ""
        while True:
            await self._turn("scan")
            job_ids = sorted(self._summaries)
            start = bisect_right(job_ids, after)
            chosen = job_ids[start : start + page_size]
            if not chosen:
                return
            after = chosen[-1]
            documents = [row.document for job_id in chosen if (row := self._live(job_id))]
            if documents:
                yield [ScannedSummary(found.job_id, found.state, found.generation, found.rev) for found in documents]

    async def get_posting(self, job_id: str) -> PostingDocument | None:
        """See ``PostingStore.get_posting``."""
        await self._turn("get_posting")
        return self._postings.get(job_id)

    async def put_posting(self, document: PostingDocument) -> bool:
        """See ``PostingStore.put_posting``."""
        await self._turn("put_posting")
        stored = self._postings.get(document.job_id)
        if stored and stored.source_version > document.source_version:
            return False
        self._postings[document.job_id] = document
        return True

    async def _raise_posting(self, document: SummaryDocument) -> bool:
        await self._turn("raise_posting")
        stored, version = self._postings.get(document.job_id), document.source_version
        if stored is None or stored.posting_hash != document.posting_hash or stored.source_version > version:
            return False
        self._postings[document.job_id] = stored.model_copy(update={"source_version": version})
        return True

    async def remove_posting(self, job_id: str, *, up_to_version: int) -> None:
        """See ``PostingStore.remove_posting``."""
        await self._turn("remove_posting")
        stored = self._postings.get(job_id)
        if stored and stored.source_version <= up_to_version:
            del self._postings[job_id]

    async def get_scores(self, fingerprint: str, job_ids: Sequence[str]) -> dict[str, ScoreEntry]:
        """See ``ScoreStore.get_scores``."""
        await self._turn("get_scores")
        stored = self._scores.get(fingerprint, {})
        entries = {job_id: entry for job_id in job_ids if (entry := self._read(stored.get(job_id)))}
        return servable(
            fingerprint,
            entries,
            job_ids,
            policy=self._policy,
            now_s=self._clock(),
            scored_from_s=self._scored_from_s,
            wrong=self._wrong,
        )

    def _read(self, stored: ScoreEntry | None) -> ScoreEntry | None:
        if stored is None:
            return None
        entry = read_entry(stored.model_dump(warnings=False))
        self._wrong.add(entry is None)
        return entry

    @property
    def num_wrong_scores(self) -> int:
        """See ``HasWrongScores``."""
        return self._wrong.number

    async def merge_scores(self, fingerprint: str, entries: Mapping[str, ScoreEntry]) -> bool:
        """See ``ScoreStore.merge_scores``; never loses."""
        await self._turn("merge_scores")
        stored = mergeable(self._scores.get(fingerprint, {}), self._clock())
        self._scores[fingerprint] = merged(stored, entries)
        if len(self._scores) > MAX_QUERIES_PER_JOB:
            for job_id in entries:
                self._forget_oldest(job_id)
        return True

    async def forget_job(self, job_id: str) -> int:
        """See ``ScoreStore.forget_job``."""
        await self._turn("forget_job")
        now_s = self._clock()
        removed = ((fingerprint, entries.pop(job_id, None)) for fingerprint, entries in self._scores.items())
        return sum(
            entry is not None and self._policy.is_live(fingerprint, entry.scored_at, now_s)
            for fingerprint, entry in removed
        )

    async def forget_query(self, fingerprint: str) -> None:
        """See ``ScoreStore.forget_query``."""
        await self._turn("forget_query")
        self._scores.pop(fingerprint, None)

    async def forget_all_scores(self) -> None:
        """See ``ScoreStore.forget_all_scores``."""
        await self._turn("forget_all_scores")
        self._scored_from_s = max(self._scored_from_s, self._clock())
        self._scores.clear()

    async def lead(
        self, fingerprint: str, item_versions: Sequence[str], *, holder: str, ttl_s: float
    ) -> dict[str, float]:
        """See ``ScoreLeases.lead``."""
        await self._turn("lead")
        now_s, leases = self._clock(), self._leases.get(fingerprint, {})
        self._leases[fingerprint] = with_lead(leases, item_versions, holder, now_s=now_s, ttl_s=ttl_s)
        return others_of(leases, item_versions, holder, now_s)

    async def release(self, fingerprint: str, item_versions: Sequence[str], *, holder: str) -> None:
        """See ``ScoreLeases.release``."""
        await self._turn("release")
        left = after_release(self._leases.pop(fingerprint, {}), item_versions, holder, now_s=self._clock())
        if left:
            self._leases[fingerprint] = left

    async def count_scores(self, job_id: str) -> int:
        """See ``ScoreCount.count_scores``."""
        await self._turn("count_scores")
        now_s = self._clock()
        return sum(
            entry is not None and self._policy.is_live(fingerprint, entry.scored_at, now_s)
            for fingerprint, entry in ((name, entries.get(job_id)) for name, entries in self._scores.items())
        )

    async def close(self) -> None:
        """See ``Store.close``; what was stored is gone."""
        self._is_closed = True
        self._summaries.clear()
        self._postings.clear()
        self._scores.clear()
        self._leases.clear()

    async def _turn(self, operation: str) -> None:
        await asyncio.sleep(0)
        if self._is_closed:
            raise BackendUnavailable("it is closed", backend="store", operation=operation)

    def _live(self, job_id: str) -> _Row | None:
        row = self._summaries.get(job_id)
        if row and row.expires_at_s is not None and row.expires_at_s <= self._clock():
            del self._summaries[job_id]
            return None
        return row

    def _forget_oldest(self, job_id: str) -> None:
        listed = [(entries[job_id].scored_at, name) for name, entries in self._scores.items() if job_id in entries]
        for _, fingerprint in sorted(listed, reverse=True)[MAX_QUERIES_PER_JOB:]:
            del self._scores[fingerprint][job_id]
