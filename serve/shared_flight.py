"""Single flight across processes: what another scorer computes now is waited for, not computed again.

The score store keeps a lease for each (query, item version) that some process computes. Protocol of one call:

1. It takes part with its interactive misses that have a job, and only where they cost the ranker more than ``min_s``:
   held work may wait for long at its process, and nobody elsewhere could hasten it. All else is scored as ever.
2. It asks for the lead of their versions, within the cache's budget. Where the store fails or is slow, it leads all;
   where the cache is being left alone, it does not even ask.
3. What it leads it scores at once.
4. For the rest it waits, at growing intervals, and each time (a) asks for the lead again, then (b) looks in the cache.
   In this order: a lease is released after its score was written, so what (a) gives and (b) lacks is to be scored.
   What (b) finds is a cache hit like any other: of the item version that this call read, young enough, checked.
5. Its wait ends at ``max_wait_s``, or when a share of its time is spent, whichever is first. Then it scores the rest.
6. Its leases are released after its scores were written; those of a call that failed at once; those of a process that
   died end by themselves, ``lease_s`` after they were taken.

Invariants: (1) a followed score passes the same check of version and age as every cached one; (2) no call waits here
longer than step 5 says, whatever the store answers; (3) whatever fails here, the call is scored by itself.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from schemas.api import TrafficClass
from schemas.deadline import Deadline
from schemas.documents import ScoreEntry
from serve.background import BackgroundTasks
from serve.cache import ScoreCache
from serve.candidates import Item
from serve.cost import CostModel
from serve.ranking import Ranked
from serve.telemetry import Telemetry
from store.ports import ScoreLeases

__all__ = ["Joined", "SharedFlight", "SharedFlightLimits"]

_log = structlog.get_logger(__name__)

Rank = Callable[[Sequence[Item]], Awaitable[Ranked]]
"""Scores items in this process, within the call's deadline."""

_GROWTH = 1.5
_CHARS_PER_TOKEN = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFlightLimits:
    """Bounds of waiting and leading.

    Attributes:
        lease_s: Longest time for which a lead is taken, in seconds.
        budget_s: Longest time for one question to the store, in seconds.
        min_s: Time at the ranker from which on sharing pays, in seconds: several times the budget.
        first_pause_s: Before the first look, in seconds; each later one is half as long again.
        max_wait_s: Longest time that a call waits for others, in seconds.
        share: Of the time that a call has left, the most that it waits for others, in [0, 1].
        pack_tokens: Most tokens of one request to the ranker.
    """

    lease_s: float = 5.0
    budget_s: float = 0.005
    min_s: float = 0.02
    first_pause_s: float = 0.02
    max_wait_s: float = 2.0
    share: float = 0.5
    pack_tokens: int = 4_096


@dataclass(slots=True)
class Joined:
    """What a call got, here and from elsewhere.

    Attributes:
        ranked: What this process scored.
        found: Cache entries that other processes wrote meanwhile, by job id.
        led: Versions to release when the scores are written.
    """

    ranked: Ranked
    found: dict[str, ScoreEntry] = field(default_factory=dict)
    led: list[str] = field(default_factory=list)


class SharedFlight:
    """One process's part in it."""

    def __init__(
        self,
        leases: ScoreLeases,
        cache: ScoreCache,
        limits: SharedFlightLimits,
        *,
        holder: str,
        telemetry: Telemetry,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Make it.

        Args:
            leases: Who computes what.
            cache: Where others write what they computed.
            limits: Bounds.
            holder: Name of this process, unlike any other's.
            telemetry: Counts versions by what became of them.
            clock: Monotonic seconds.
            sleep: Waits.
        """
        self._leases = leases
        self._cache = cache
        self._limits = limits
        self._holder = holder
        self._telemetry = telemetry
        self._clock = clock
        self._sleep = sleep
        self._releases = BackgroundTasks()

    async def rank(
        self,
        fingerprint: str,
        misses: Sequence[Item],
        rank: Rank,
        *,
        cost: CostModel,
        deadline: Deadline,
        traffic_class: TrafficClass,
    ) -> Joined:
        """Score the misses, here or by waiting for another process.

        Args:
            fingerprint: Of the query.
            misses: What the cache does not have, the caller's best first.
            rank: Scores in this process.
            cost: What its ranker takes for a miss.
            deadline: The call's.
            traffic_class: The call's.
        """
        shareable = {item.version: item for item in misses if item.job_id is not None}
        is_alone = traffic_class is not TrafficClass.INTERACTIVE or self._cache.is_left_alone
        if is_alone or not self._pays(list(shareable.values()), cost, deadline):
            return Joined(await rank(misses))
        joined = Joined(Ranked(), led=list(shareable))
        until_s = self._clock() + min(self._limits.max_wait_s, self._limits.share * deadline.remaining_s())
        tasks: list[asyncio.Task[Ranked]] = []
        try:
            others = await self._lead(fingerprint, list(shareable))
            self._count("followed", len(others))
            tasks += _begun(rank, [item for item in misses if item.job_id is None or item.version not in others])
            followed = [item for item in misses if item.job_id is not None and item.version in others]
            await self._follow(fingerprint, followed, rank, until_s, joined, tasks)
            for done in await asyncio.gather(*tasks):
                joined.ranked.absorb(done)
        except BaseException:
            for task in tasks:
                task.cancel()
            self.release(fingerprint, joined.led)
            raise
        return joined

    def _pays(self, items: Sequence[Item], cost: CostModel, deadline: Deadline) -> bool:
        tokens = sum(
            len(item.summary) / _CHARS_PER_TOKEN if item.token_ids is None else len(item.token_ids) for item in items
        )
        packs = math.ceil(tokens / cost.pack_tokens(deadline.remaining_s(), self._limits.pack_tokens))
        return packs > 0 and cost.seconds(tokens, packs) >= self._limits.min_s

    async def _follow(
        self,
        fingerprint: str,
        items: Sequence[Item],
        rank: Rank,
        until_s: float,
        joined: Joined,
        tasks: list[asyncio.Task[Ranked]],
    ) -> None:
        """Steps 4 and 5: fills ``joined.found``, and begins to score what nobody else will."""
        pause_s = self._limits.first_pause_s
        while items and (left_s := until_s - self._clock()) > 0:
            await self._sleep(min(pause_s, left_s))
            pause_s *= _GROWTH
            others = await self._lead(fingerprint, [item.version for item in items])
            found = await self._look_up(fingerprint, items)
            joined.found |= found
            self._count("found", len(found))
            items = [item for item in items if item.job_id not in found]
            tasks += self._taken(rank, [item for item in items if item.version not in others])
            items = [item for item in items if item.version in others]
        tasks += self._taken(rank, items)

    def _taken(self, rank: Rank, items: Sequence[Item]) -> list[asyncio.Task[Ranked]]:
        self._count("taken_over", len(items))
        return _begun(rank, items)

    async def _lead(self, fingerprint: str, versions: Sequence[str]) -> Mapping[str, float]:
        """Versions that another process computes; none where the store does not say so in time."""
        try:
            async with asyncio.timeout(self._limits.budget_s):
                return await self._leases.lead(fingerprint, versions, holder=self._holder, ttl_s=self._limits.lease_s)
        except Exception as error:  # noqa: BLE001 - leases may fail in any way and must not be noticed
            self._count("failed", len(versions))
            _log.warning("score lease failed", operation="lead", error=type(error).__name__)
            return {}

    async def _look_up(self, fingerprint: str, items: Sequence[Item]) -> dict[str, ScoreEntry]:
        versions = {item.job_id: item.version for item in items if item.job_id is not None}
        try:
            async with asyncio.timeout(self._limits.budget_s):
                return await self._cache.usable(fingerprint, versions)
        except TimeoutError:
            return {}

    def release(self, fingerprint: str, versions: Sequence[str], after: asyncio.Task[None] | None = None) -> None:
        """Step 6, in the background.

        Args:
            fingerprint: Of the query.
            versions: From ``Joined.led``.
            after: The write of their scores; None where there is none.
        """
        if versions:
            self._releases.begin(self._release(fingerprint, versions, after))

    async def _release(self, fingerprint: str, versions: Sequence[str], after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.wait({after})
        try:
            await self._leases.release(fingerprint, versions, holder=self._holder)
        except Exception as error:  # noqa: BLE001 - the lease ends by itself
            _log.warning("score lease failed", operation="release", error=type(error).__name__)

    async def close(self) -> None:
        """Leave the pending releases: those leases end by themselves."""
        await self._releases.cancel()

    def _count(self, result: str, number: int) -> None:
        self._telemetry.shared_flights.labels(result).inc(number)


def _begun(rank: Rank, items: Sequence[Item]) -> list[asyncio.Task[Ranked]]:
    async def run() -> Ranked:
        return await rank(items)

    return [asyncio.get_running_loop().create_task(run())] if items else []
