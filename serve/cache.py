"""The score cache as the scorer uses it: matched by item version, never waited for, never able to fail a call.

An entry is used iff it was computed for exactly the item version that this call read, and is young enough. So a score
of an old version that is written late (its call began before the edit) lands where nobody reads it.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from schemas.api import CacheState
from schemas.canonical import canonical_json
from schemas.documents import ScoreEntry
from serve.telemetry import Telemetry
from store.ports import ScoreStore

__all__ = ["CacheAnswer", "LookUp", "ScoreCache", "fingerprint", "is_usable"]

_log = structlog.get_logger(__name__)

_MAX_KNOWN = 50_000
"""Queries that are remembered as cached, the latest: some 8 MB."""

LookUp = asyncio.Task[dict[str, ScoreEntry] | None]
"""None where the store failed: a failure is a value, because an abandoned look-up has nobody to raise to."""


def fingerprint(query_ids: Sequence[int], revision: str, prompt_digest: str) -> str:
    """Identity of a query for one ranker: 64 hexadecimal digits.

    Two queries share it iff the ranker reads the same token ids, with the same weights and the same template.
    """
    return hashlib.sha256(canonical_json([list(query_ids), revision, prompt_digest])).hexdigest()


def is_usable(entry: ScoreEntry, item_version: str, *, now: datetime, ttl_s: float) -> bool:
    """Whether the entry was computed for this item version, at most ``ttl_s`` ago."""
    return entry.item_version == item_version and now - entry.scored_at <= timedelta(seconds=ttl_s)


@dataclass(frozen=True, slots=True)
class CacheAnswer:
    """What a look-up gave.

    Attributes:
        hits: Usable entries by job id.
        state: Whether the cache worked.
    """

    hits: Mapping[str, ScoreEntry]
    state: CacheState


class ScoreCache:
    """Reads within a time budget; writes in the background, bounded in number."""

    def __init__(
        self,
        store: ScoreStore,
        *,
        ttl_s: float,
        budget_s: float,
        max_writes: int,
        telemetry: Telemetry,
        now: Callable[[], datetime],
    ) -> None:
        """Make the cache's front.

        Args:
            store: Where entries live.
            ttl_s: Age from which an entry is not used, in seconds.
            budget_s: How long :meth:`collect` waits, in seconds.
            max_writes: Pending writes; more are dropped.
            telemetry: Counts look-ups and writes by result.
            now: The wall clock.
        """
        self._store = store
        self._ttl_s = ttl_s
        self._budget_s = budget_s
        self._max_writes = max_writes
        self._telemetry = telemetry
        self._now = now
        self._writes: set[asyncio.Task[None]] = set()
        self._known: OrderedDict[str, None] = OrderedDict()

    def may_have(self, query: str) -> bool:
        """Whether this process saw or wrote an entry of the query: where not, a busy scorer need not look."""
        return query in self._known

    def _note(self, query: str) -> None:
        self._known[query] = None
        self._known.move_to_end(query)
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)

    def begin(self, query: str, job_ids: Sequence[str]) -> LookUp:
        """Start a look-up beside the read of the summaries. End it with :meth:`collect` or by cancelling it.

        Args:
            query: A fingerprint.
            job_ids: Candidates, each once.
        """
        return asyncio.get_running_loop().create_task(self._read(query, job_ids))

    async def _read(self, query: str, job_ids: Sequence[str]) -> dict[str, ScoreEntry] | None:
        try:
            found = await self._store.get_scores(query, job_ids)
            if found:
                self._note(query)
            return found
        except Exception as error:  # noqa: BLE001 - a cache may fail in any way and must not be noticed
            _log.warning("score cache failed", operation="get_scores", error=str(error))
            return None

    async def collect(self, look_up: LookUp, versions: Mapping[str, str]) -> CacheAnswer:
        """Usable entries, waiting for at most the budget. Never raises for what the store does.

        Args:
            look_up: From :meth:`begin`.
            versions: Item version by job id, from the document read of this call.
        """
        await asyncio.wait({look_up}, timeout=self._budget_s)
        if not look_up.done():
            look_up.cancel()
            self._telemetry.cache_look_ups.labels("slow").inc()
            return CacheAnswer({}, CacheState.UNAVAILABLE)
        if (entries := look_up.result()) is None:
            self._telemetry.cache_look_ups.labels("error").inc()
            return CacheAnswer({}, CacheState.UNAVAILABLE)
        now = self._now()
        found = {job_id: entry for job_id, entry in entries.items() if job_id in versions}
        hits = {job_id: entry for job_id, entry in found.items() if self._accepts(entry, versions[job_id], now)}
        self._telemetry.cache_look_ups.labels("hit").inc(len(hits))
        self._telemetry.cache_look_ups.labels("superseded").inc(len(found) - len(hits))
        self._telemetry.cache_look_ups.labels("miss").inc(len(versions) - len(found))
        return CacheAnswer(hits, CacheState.OK)

    def _accepts(self, entry: ScoreEntry, item_version: str, now: datetime) -> bool:
        return is_usable(entry, item_version, now=now, ttl_s=self._ttl_s)

    def write_later(self, query: str, entries: Awaitable[Mapping[str, ScoreEntry]]) -> None:
        """Merge entries in the background once they are there. The answer does not wait for it.

        Args:
            query: The fingerprint that the entries were computed for.
            entries: By job id; awaited in the background, because late packs may still be on their way.
        """
        if len(self._writes) >= self._max_writes:
            self._telemetry.cache_writes.labels("dropped").inc()
            if asyncio.iscoroutine(entries):
                entries.close()
            return
        task = asyncio.get_running_loop().create_task(self._write(query, entries))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write(self, query: str, entries: Awaitable[Mapping[str, ScoreEntry]]) -> None:
        result = "error"
        try:
            ready = await entries
            if ready:
                self._note(query)
            result = "empty" if not ready else "written" if await self._store.merge_scores(query, ready) else "lost"
        except Exception as error:  # noqa: BLE001 - a cache may fail in any way and must not be noticed
            _log.warning("score cache failed", operation="merge_scores", error=str(error))
        self._telemetry.cache_writes.labels(result).inc()

    async def drain(self) -> None:
        """Wait for the pending writes: at shutdown, before the store is closed."""
        while self._writes:
            await asyncio.wait(set(self._writes))
