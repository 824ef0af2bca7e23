"""What the services ask of a store. Three adapters answer: Couchbase, SQLite (WAL, embedded default), memory (tests).

All of them pass one contract suite (``tests/contract/store``). Every method may be called concurrently, from many
processes where the adapter is not memory. Foreign exceptions become ``BackendTimeout``, ``BackendUnavailable`` or
``BackendProtocolError``; a lost compare-and-swap is an ordinary outcome and a return value.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

from schemas.documents import PostingDocument, ScoreEntry, State, SummaryDocument

__all__ = [
    "Cas",
    "Hit",
    "InspectableStore",
    "LiveStore",
    "PostingIndex",
    "PostingStore",
    "ScannedSummary",
    "ScoreCount",
    "ScoreLeases",
    "ScoreStore",
    "Store",
    "StoredSummary",
    "SummaryScan",
    "SummaryStore",
]

Cas = NewType("Cas", int)
"""Opaque token of one write of one document; never 0."""


@dataclass(frozen=True, slots=True)
class StoredSummary:
    """A summary document and the token that a compare-and-swap of it needs."""

    document: SummaryDocument
    cas: Cas


class SummaryStore(Protocol):
    """Collection ``summaries``, key job id."""

    async def get(self, job_id: str) -> StoredSummary | None:
        """The stored document; None where there is none or it has expired."""
        ...

    async def get_many(self, job_ids: Sequence[str]) -> dict[str, SummaryDocument]:
        """The stored documents of these ids, each from one read; ids without one are left out. Any number of ids."""
        ...

    async def put(self, document: SummaryDocument, *, cas: Cas | None, ttl_s: float | None = None) -> Cas | None:
        """Write iff nothing was written since ``cas``; ``cas`` None means: iff there is no document.

        Args:
            document: What to write, under its own job id.
            cas: From the read that this write was decided on.
            ttl_s: Seconds until the document expires; None keeps it for ever, whatever was set before.

        Returns:
            The token of this write, durable as the adapter is configured; None where another write came first.

        Raises:
            BackendTimeout: Unknown whether it was written: read again and decide again.
        """
        ...

    async def is_current(self, job_id: str, cas: Cas) -> bool:
        """Whether the write with this token is still the last one of the job; False too where its document is gone.

        Reads no document: what ``get`` would say of its token, for less.
        """
        ...


@dataclass(frozen=True, slots=True)
class ScannedSummary:
    """What a scan tells of a summary document.

    Attributes:
        job_id: Its key.
        state: What it stands for.
        generation: Roll-out that its summary belongs to.
        rev: Order of writes of this job.
    """

    job_id: str
    state: State
    generation: int
    rev: int


class SummaryScan(Protocol):
    """Every summary document, one after the other. The embedded store and memory have it.

    A cluster has not: a scan of a key-value store is a query or a stream of another service. There the compacted
    changelog holds the same (invariant c).
    """

    def scan(self, *, page_size: int = 1_000) -> AsyncIterator[Sequence[ScannedSummary]]:
        """The documents in order of job ids (by code points), deleted ones too, in pages of at most ``page_size``.

        A document that is stored from before the first page to after the last is in exactly one of them, as of some
        moment between; of one that is written or expires meanwhile nothing is promised. Holds one page in memory and no
        lock between two; writers wait for none of it.

        Raises:
            BackendError: As every read; what was handed out before stands.
        """
        ...


class PostingStore(Protocol):
    """Collection ``postings``, key job id: raw bodies, put if newer. Never read on the query path."""

    async def get_posting(self, job_id: str) -> PostingDocument | None:
        """The stored posting; None where there is none."""
        ...

    async def put_posting(self, document: PostingDocument) -> bool:
        """Write iff no posting of a higher ``source_version`` is stored. Idempotent.

        Returns:
            Whether this posting now stands (also where it stood already).
        """
        ...

    async def remove_posting(self, job_id: str, *, up_to_version: int) -> None:
        """Remove the posting iff its ``source_version`` is at most ``up_to_version``. Idempotent."""
        ...


class LiveStore(SummaryStore, PostingStore, Protocol):
    """Posting and summary of a job that is there, written together."""

    async def put_live(
        self, document: SummaryDocument, posting: PostingDocument | None, *, cas: Cas | None
    ) -> Cas | None:
        """Write the posting as ``put_posting`` does, then the summary as ``put`` does.

        Where this is cut off between the two, there is a posting too many, never one too few.

        Args:
            document: The summary.
            posting: Its posting, of the same version. None where the stored one is the same posting, published again:
                then that is only given the summary's ``source_version``.
            cas: As for ``put``.

        Returns:
            As ``put``. None, too, where there is no posting to be given and the stored one is gone, is of a higher
            version, or has another ``posting_hash`` than the summary: write it whole.

        Raises:
            BackendTimeout: As ``put``.
        """
        ...


class ScoreStore(Protocol):
    """Collection ``scores``: a cache. It may lose anything at any time and must never be waited for long."""

    async def get_scores(self, fingerprint: str, job_ids: Sequence[str]) -> dict[str, ScoreEntry]:
        """Cached entries of this query for these jobs, expired ones left out. The caller checks item versions.

        What is no entry (another shape, a score outside [0, 1], a time without zone or ahead of now) is left out too,
        and counted: see ``store.score_metrics``.
        """
        ...

    async def merge_scores(self, fingerprint: str, entries: Mapping[str, ScoreEntry]) -> bool:
        """Add entries: one read, one compare-and-swap, two tries; of two of one job the later ``scored_at`` stays.

        At most 1,000 entries a query are kept (the latest scored) and 1,000 fingerprints a job, with the adapter's TTL.

        Returns:
            False where both tries lost: the entries are dropped, which costs a model call and nothing else.
        """
        ...

    async def forget_job(self, job_id: str) -> int:
        """Remove every cached entry of the job that ``by_job`` knows of. Idempotent.

        Returns:
            How many entries were removed.
        """
        ...

    async def forget_query(self, fingerprint: str) -> None:
        """Remove every cached entry of the query. Idempotent."""
        ...

    async def forget_all_scores(self) -> None:
        """Begin an epoch: what was scored before now is returned to nobody any more. Idempotent.

        It holds for all processes at once, from when this returns: adapters keep the epoch where the entries are and
        read it with them. What is scored before and merged later is not returned either. ``scored_at`` is compared with
        the clock of the caller, so clocks that differ move the border by as much.
        """
        ...


class ScoreLeases(Protocol):
    """Who computes which scores now, so that processes that share the cache need not compute them twice.

    Advice, like the cache itself: any of it may be lost at any time, and then a score is computed twice.
    """

    async def lead(
        self, fingerprint: str, item_versions: Sequence[str], *, holder: str, ttl_s: float
    ) -> dict[str, float]:
        """Take the lead of each of these that no other holder has; it ends by itself ``ttl_s`` from now.

        Args:
            fingerprint: Of the query.
            item_versions: What is to be computed.
            holder: Who asks: one name a process. What it leads already it leads again, until the later end.
            ttl_s: Longest time that others are to wait, in seconds.

        Returns:
            Those that another holder computes now, with the seconds that its lease still lasts.
        """
        ...

    async def release(self, fingerprint: str, item_versions: Sequence[str], *, holder: str) -> None:
        """Give up the lead of these, so far as the holder has it. Idempotent."""
        ...


class ScoreCount(Protocol):
    """Looking at the cache without using it: ``precis inspect``. All adapters have it."""

    async def count_scores(self, job_id: str) -> int:
        """Queries that the job is listed under with a score young enough to be served: at most so many are cached."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of full-text search.

    Attributes:
        job_id: The posting.
        bm25: Its BM25 score, higher is better.
    """

    job_id: str
    bm25: float


class PostingIndex(Protocol):
    """Full-text search over the stored postings: the embedded profile's retrieval, for demo and `precis search`.

    A search service brings its own retrieval; only the SQLite adapter has this one.
    """

    async def search(self, query: str, *, limit: int) -> list[Hit]:
        """The best postings for any of the query's words, best first, deleted jobs left out. Any text is a query."""
        ...

    async def bm25(self, query: str, job_ids: Sequence[str]) -> dict[str, float]:
        """BM25 score of each of these postings; 0.0 for one without any of the words."""
        ...


class Store(LiveStore, ScoreStore, ScoreLeases, Protocol):
    """All collections, as the composition roots hand them out."""

    async def close(self) -> None:
        """Release connections and files. Idempotent."""
        ...


class InspectableStore(Store, ScoreCount, Protocol):
    """What ``precis inspect`` asks of a store; every adapter is one."""
