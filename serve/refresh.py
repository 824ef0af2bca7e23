"""Soft time to live: a cached score that grows old is still served, and scored anew before it is too old.

What is refreshed goes to the ranker as traffic class ``refresh``: in idle windows only, dropped at its deadline, never
counted against a call. So a query that is asked again and again is answered from the cache for as long as it is asked
and its items stand, and a busy ranker notices nothing of it.

Invariants:

1. A call waits for nothing here: :meth:`Refresher.begin` does not give way.
2. What is scored is the text and version that the call read; the entry is merged under that version. Where the item was
   written meanwhile, the entry lands where nobody reads it, like every late score.
3. Each (fingerprint, item version) is refreshed at most once at a time, and at most ``max_pending`` in all.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from schemas.api import TrafficClass
from schemas.deadline import Deadline
from schemas.documents import ScoreEntry
from serve.arms.arm import Arm
from serve.background import BackgroundTasks
from serve.cache import ScoreCache
from serve.candidates import Item
from serve.flight import FlightKey, ModelScore
from serve.ranking import Ranked
from serve.telemetry import Telemetry
from store.score_policy import ScorePolicy

__all__ = ["Refresh", "Refresher", "SoftAge", "entries_of"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SoftAge:
    """From which age on an entry is scored anew. Pure, and a function of the query: its share of the entry's life.

    Attributes:
        policy: How long entries live at all.
        share: Of an entry's life, from 0 (each hit is refreshed) to 1 (none is).
    """

    policy: ScorePolicy
    share: float

    def is_due(self, fingerprint: str, entry: ScoreEntry, now: datetime) -> bool:
        """Whether the entry is to be refreshed although it may be served."""
        return now - entry.scored_at >= timedelta(seconds=self.share * self.policy.life_s(fingerprint))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What a call asked, as far as scoring it anew needs it.

    Attributes:
        arm: The ranker that answered. It stays open until the refresh is done.
        fingerprint: Of the query, for this arm and revision.
        query_ids: Its prefix.
        revision: The arm's verified one: scores of others are not cached under the fingerprint.
    """

    arm: Arm
    fingerprint: str
    query_ids: Sequence[int]
    revision: str


class Refresher:
    """Scores anew, in the background, what calls found old in the cache."""

    def __init__(
        self,
        cache: ScoreCache,
        soft_age: SoftAge,
        *,
        deadline_s: float,
        max_pending: int,
        telemetry: Telemetry,
        now: Callable[[], datetime],
    ) -> None:
        """Make it.

        Args:
            cache: Where fresh scores go.
            soft_age: What is old.
            deadline_s: How long a refresh may wait for an idle window, in seconds.
            max_pending: Candidates that may wait at once; more are left as they are, and counted.
            telemetry: Counts candidates by what became of them.
            now: The wall clock.
        """
        self._cache = cache
        self._soft_age = soft_age
        self._deadline_s = deadline_s
        self._max_pending = max_pending
        self._telemetry = telemetry
        self._now = now
        self._pending: set[FlightKey] = set()
        self._tasks = BackgroundTasks()

    def begin(self, refresh: Refresh, items: Sequence[Item], hits: Mapping[str, ScoreEntry]) -> None:
        """Begin to score those anew whose entries are old. Returns at once.

        Args:
            refresh: The query.
            items: As this call read them, the caller's best first; those without a job are never cached.
            hits: The entries that the call is answered with, by job id.
        """
        now = self._now()
        due: dict[FlightKey, Item] = {}
        for item in items:
            entry = hits.get(item.job_id) if item.job_id is not None else None
            if entry is not None and self._soft_age.is_due(refresh.fingerprint, entry, now):
                due.setdefault(FlightKey(refresh.fingerprint, item.version), item)
        new = [key for key in due if key not in self._pending]
        begun = new[: max(0, self._max_pending - len(self._pending))]
        if len(begun) < len(new):
            self._telemetry.refreshes.labels("dropped").inc(len(new) - len(begun))
        if not begun:
            return
        self._pending.update(begun)
        refresh.arm.begin_call()
        task = self._tasks.begin(self._run(refresh, {key: due[key] for key in begun}))
        task.add_done_callback(lambda _: refresh.arm.end_call())

    async def _run(self, refresh: Refresh, items: Mapping[FlightKey, Item]) -> None:
        num_refreshed, result = 0, "unserved"
        try:
            chosen = list(items.values())
            ranked = await refresh.arm.ranking.rank(
                refresh.fingerprint,
                refresh.query_ids,
                chosen,
                deadline=Deadline.after(self._deadline_s),
                floor=0,
                traffic_class=TrafficClass.REFRESH,
            )
            for score in ranked.scores.values():
                refresh.arm.revisions.observe(score.revision)
            num_refreshed = len(ranked.scores)
            if ranked.led:
                await self._cache.write(refresh.fingerprint, entries_of(ranked, chosen, refresh.revision))
        except Exception as error:  # noqa: BLE001 - a refresh may fail in any way and must not be noticed
            _log.warning("refresh of cached scores failed", items=len(items), error=type(error).__name__)
            result = "error"
        finally:
            # Not before the write: until then the next call would find the old entry and begin anew.
            self._pending.difference_update(items)
        self._telemetry.refreshes.labels("refreshed").inc(num_refreshed)
        self._telemetry.refreshes.labels(result).inc(len(items) - num_refreshed)

    async def close(self) -> None:
        """Leave what is pending: the cache has older scores of all of it."""
        await self._tasks.cancel()


async def entries_of(ranked: Ranked, items: Sequence[Item], revision: str) -> dict[str, ScoreEntry]:
    """Cache entries of what a call began, once all of it is done; late packs included, other revisions left out."""
    if ranked.led:
        await asyncio.wait(ranked.led.values())
    outcomes = {version: future.result() for version, future in ranked.led.items()}
    return {
        item.job_id: ScoreEntry(item_version=item.version, score=score.value, scored_at=score.scored_at)
        for item in items
        if item.job_id is not None
        and isinstance(score := outcomes.get(item.version), ModelScore)
        and score.revision == revision
    }
