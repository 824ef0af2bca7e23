"""Step 2 of a scoring call: the summaries of its candidates, from the store or from the near-cache."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from schemas.api import Consistency, WhyStrict
from schemas.deadline import Deadline
from schemas.errors import BackendError, BackendUnavailable, DeadlineExceeded
from serve.calls import Call
from serve.candidates import Servable
from serve.freshness import Freshness
from serve.telemetry import Telemetry
from store.ports import SummaryStore

__all__ = ["NearSource", "Read", "Reading", "why_strict"]

# What a `bounded` call gives the store for the jobs that the near-cache does not have: a share of the time it has left.
# Without an answer they have no summary, which was so as of the near-cache's moment.
_MISS_SHARE = 0.25


class NearSource(Protocol):
    """The near-cache, as a call uses it."""

    async def read(self, job_ids: Sequence[str]) -> tuple[Mapping[str, Servable], float | None]:
        """Documents, and their lag in seconds; None while it is being built. Raises ``BackendUnavailable``."""
        ...


@dataclass(frozen=True, slots=True)
class Read:
    """What a call reads.

    Attributes:
        documents: Job id -> document; ids without one are left out.
        freshness: As of when.
    """

    documents: Mapping[str, Servable]
    freshness: Freshness


class Reading:
    """Reads summaries as fresh as a call wants them.

    Invariants. ``strict``: a store read inside the call. ``bounded``: nothing that was superseded by a write published
    ``lag_s`` before the call came, and ``lag_s`` is at most its bound; where that cannot be said, the call is strict.
    """

    def __init__(
        self,
        store: SummaryStore,
        near: NearSource | None,
        *,
        max_lag_s: float,
        telemetry: Telemetry,
        now: Callable[[], datetime],
    ) -> None:
        """Take the sources.

        Args:
            store: The truth.
            near: The near-cache; None where there is none.
            max_lag_s: Bound of calls that name none, in seconds.
            telemetry: Metrics.
            now: The wall clock.
        """
        self._store = store
        self._near = near
        self._max_lag_s = max_lag_s
        self._telemetry = telemetry
        self._now = now

    async def read(self, job_ids: Sequence[str], call: Call) -> Read:
        """The documents of these distinct ids, as the call wants them.

        Raises:
            DeadlineExceeded: They could not be read in time: without them no version can be vouched for.
            BackendError: The store failed, likewise.
        """
        came_at = self._now()
        if not job_ids:
            return Read({}, Freshness(came_at))
        try:
            async with asyncio.timeout(call.deadline.remaining_s()):
                if call.consistency is Consistency.STRICT:
                    return Read(await self._store.get_many(job_ids), Freshness(came_at))
                return await self._bounded(job_ids, call, came_at)
        except TimeoutError as error:
            message = "deadline passed before the summaries were read"
            raise DeadlineExceeded(message) from error

    async def _bounded(self, job_ids: Sequence[str], call: Call, came_at: datetime) -> Read:
        read, reason = await self._near_read(job_ids, call, came_at)
        self._telemetry.bounded_calls.labels(reason or "near_cache").inc()
        if read is not None:
            return read
        return Read(await self._store.get_many(job_ids), Freshness(came_at, why_strict=reason))

    async def _near_read(
        self, job_ids: Sequence[str], call: Call, came_at: datetime
    ) -> tuple[Read | None, WhyStrict | None]:
        if self._near is None:
            return None, WhyStrict.OFF
        try:
            found, lag_s = await self._near.read(job_ids)
        except BackendUnavailable:
            return None, WhyStrict.UNREADABLE
        reason = why_strict(lag_s, self._max_lag_s if call.max_lag_s is None else call.max_lag_s)
        if lag_s is None or reason:
            return None, reason
        missing = [job_id for job_id in job_ids if job_id not in found]
        documents = {**found, **await self._missing(missing, call.deadline)}
        return Read(documents, Freshness(came_at - timedelta(seconds=lag_s), lag_s=lag_s)), None

    async def _missing(self, job_ids: Sequence[str], deadline: Deadline) -> Mapping[str, Servable]:
        if not job_ids:
            return {}
        try:
            async with asyncio.timeout(deadline.remaining_s() * _MISS_SHARE):
                return await self._store.get_many(job_ids)
        except (BackendError, TimeoutError):
            self._telemetry.near_cache_misses_unread.inc(len(job_ids))
            return {}


def why_strict(lag_s: float | None, max_lag_s: float) -> WhyStrict | None:
    """Why a ``bounded`` call is answered strictly; None where the near-cache may answer it. Pure.

    Args:
        lag_s: Of the near-cache, in seconds; None while it is being built.
        max_lag_s: The call's bound, in seconds.
    """
    if lag_s is None:
        return WhyStrict.BUILDING
    return None if lag_s <= max_lag_s else WhyStrict.LAG
