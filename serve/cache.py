"""The score cache as the scorer uses it: matched by item version, never waited for, never able to fail a call.

An entry is used iff it was computed for exactly the item version that this call read, and is young enough. So a score
of an old version that is written late (its call began before the edit) lands where nobody reads it.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from schemas.api import CacheState
from schemas.canonical import canonical_json
from schemas.documents import ScoreEntry
from serve.background import BackgroundTasks
from serve.cache_circuit import CacheCircuit, Question
from serve.telemetry import Telemetry
from store.ports import ScoreStore
from store.score_policy import MAX_AHEAD_S

__all__ = ["CacheAnswer", "LookUp", "ScoreCache", "fingerprint", "is_usable"]

_log = structlog.get_logger(__name__)

_MAX_KNOWN = 50_000
"""Queries that are remembered as cached, the latest: some 8 MB."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """One look-up under way.

    Attributes:
        task: The read; its result is None where the store failed: a failure is a value, because an abandoned look-up
            has nobody to raise to. None where the cache is being left alone.
        question: What the circuit is told of it.
    """

    task: asyncio.Task[dict[str, ScoreEntry] | None] | None = None
    question: Question | None = None

    def cancel(self) -> None:
        """Leave it, where it was not collected."""
        if self.task is not None:
            self.task.cancel()
        if self.question is not None:
            self.question.abandoned()


def fingerprint(query_ids: Sequence[int], revision: str, prompt_digest: str) -> str:
    """Identity of a query for one ranker: 64 hexadecimal digits.

    Two queries share it iff the ranker reads the same token ids, with the same weights and the same template.
    """
    return hashlib.sha256(canonical_json([list(query_ids), revision, prompt_digest])).hexdigest()


def is_usable(entry: ScoreEntry, item_version: str, *, now: datetime, ttl_s: float) -> bool:
    """Whether the entry was computed for this item version, at most ``ttl_s`` ago, and not after now."""
    age_s = (now - entry.scored_at).total_seconds()
    return entry.item_version == item_version and -MAX_AHEAD_S <= age_s <= ttl_s


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
        circuit: CacheCircuit | None = None,
    ) -> None:
        """Make the cache's front.

        Args:
            store: Where entries live.
            ttl_s: Age from which an entry is not used, in seconds.
            budget_s: How long :meth:`collect` waits, in seconds.
            max_writes: Pending writes; more are dropped.
            telemetry: Counts look-ups and writes by result.
            now: The wall clock.
            circuit: When to leave the store alone; None: as usual.
        """
        self._store = store
        self._ttl_s = ttl_s
        self._budget_s = budget_s
        self._max_writes = max_writes
        self._telemetry = telemetry
        self._now = now
        self._circuit = circuit or CacheCircuit()
        self._writes = BackgroundTasks()
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
        question = self._circuit.ask()
        if question is None:
            return LookUp()
        return LookUp(asyncio.get_running_loop().create_task(self._read(query, job_ids)), question)

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
        entries, why_not = await self._entries(look_up)
        if entries is None:
            self._telemetry.cache_look_ups.labels(why_not).inc()
            return CacheAnswer({}, CacheState.UNAVAILABLE)
        now = self._now()
        found = {job_id: entry for job_id, entry in entries.items() if job_id in versions}
        hits = {job_id: entry for job_id, entry in found.items() if self._accepts(entry, versions[job_id], now)}
        self._telemetry.cache_look_ups.labels("hit").inc(len(hits))
        self._telemetry.cache_look_ups.labels("superseded").inc(len(found) - len(hits))
        self._telemetry.cache_look_ups.labels("miss").inc(len(versions) - len(found))
        return CacheAnswer(hits, CacheState.OK)

    async def _entries(self, look_up: LookUp) -> tuple[dict[str, ScoreEntry] | None, str]:
        """What was read, or why nothing was: slow, error, or open (the cache is being left alone)."""
        task, question = look_up.task, look_up.question
        if task is None or question is None:
            return None, "open"
        await asyncio.wait({task}, timeout=self._budget_s)
        if not task.done():
            question.failed()
            task.cancel()
            return None, "slow"
        if (entries := task.result()) is None:
            question.failed()
            return None, "error"
        question.answered()
        return entries, ""

    async def has_any(self, look_up: LookUp) -> bool:
        """Whether the candidates have entries, of whatever version, waiting for at most the budget.

        Args:
            look_up: From :meth:`begin`; where they have, it can be collected all the same.
        """
        entries, _ = await self._entries(look_up)
        return bool(entries)

    @property
    def is_left_alone(self) -> bool:
        """Whether it was slow or failed again and again: nobody asks it now, save one call at times."""
        return self._circuit.is_open

    async def usable(self, query: str, versions: Mapping[str, str]) -> dict[str, ScoreEntry]:
        """Usable entries that are there now; none where the store fails. Counts no look-up, bounds no time.

        Args:
            query: A fingerprint.
            versions: Item version by job id, from the document read of this call.
        """
        entries, now = await self._read(query, list(versions)) or {}, self._now()
        return {
            job_id: entry
            for job_id, entry in entries.items()
            if job_id in versions and self._accepts(entry, versions[job_id], now)
        }

    def _accepts(self, entry: ScoreEntry, item_version: str, now: datetime) -> bool:
        return is_usable(entry, item_version, now=now, ttl_s=self._ttl_s)

    def write_later(self, query: str, entries: Awaitable[Mapping[str, ScoreEntry]]) -> "asyncio.Task[None] | None":
        """Merge entries in the background once they are there. The answer does not wait for it.

        Args:
            query: The fingerprint that the entries were computed for.
            entries: By job id; awaited in the background, because late packs may still be on their way.

        Returns:
            The write; None where it was dropped.
        """
        if len(self._writes) >= self._max_writes:
            self._telemetry.cache_writes.labels("dropped").inc()
            if asyncio.iscoroutine(entries):
                entries.close()
            return None
        return self._writes.begin(self.write(query, entries))

    async def write(self, query: str, entries: Awaitable[Mapping[str, ScoreEntry]]) -> None:
        """Merge entries once they are there, and count what became of it. Never raises for what the store does."""
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
        await self._writes.drain()
