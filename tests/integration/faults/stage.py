"""A small world that stays up for all tests of a module: a fault strikes, and the end is compared with the oracle.

Nothing here goes by time: a fault is held until its effect is seen (a metric, an exit status, a commit), then it is
healed; updates are published meanwhile. They are the harness's own, from one seed: edits, duplicates, late and
reordered versions, deletions, tombstones, re-posts, conflicts, and records that can never be processed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ops.chaos.bundles import write_bundles
from ops.chaos.engine.moods import Mood
from ops.chaos.feed import Feed
from ops.chaos.freshness import Judge
from ops.chaos.oracle import Reader
from ops.chaos.probe import Probe
from ops.chaos.records import Planned
from ops.chaos.report import SegmentReport
from ops.chaos.settle import Settlement
from ops.chaos.site.ports import Site
from ops.chaos.site.world import World
from ops.chaos.updates import UpdateLog
from ops.chaos.workload import Workload
from ops.settings import load_settings
from store.ports import Store
from tests.integration.stream.kafka import eventually

__all__ = ["LIMIT_S", "Stage", "open_stage"]

LIMIT_S = 240.0
"""For a state to be reached: far above what it takes, for the machine is shared."""

_SEED = 11
_NUM_JOBS = 16
_NUM_MOVES = 8
_SERVICE_S = 0.05  # ten times that while the engine is slow


@dataclass(frozen=True, slots=True)
class Stage:
    """What a test breaks, and what it looks at.

    Attributes:
        site: Broker and store.
        world: Engine, workers and scorer.
        store: The checker's own connection.
        workload: What was published.
        log: How far it is committed.
        probe: Asks the scorer strictly all the time, and judges the answers.
    """

    site: Site
    world: World
    store: Store
    workload: Workload
    log: UpdateLog
    probe: Probe
    _moves: Iterator[list[Planned]]
    _settlement: Settlement

    async def publish(self) -> None:
        """Some moves more."""
        for move in islice(self._moves, _NUM_MOVES):
            await self.log.publish(move)

    async def until(self, is_so: Callable[[], Awaitable[bool]], what: str) -> None:
        """Publish until it is so: more whenever all that was published is committed."""

        async def look() -> bool:
            if await is_so():
                return True
            if await self.log.num_uncommitted() == 0:
                await self.publish()
            return False

        await eventually(look, what, within_s=LIMIT_S)

    async def until_counted(self, what: str, *samples: str) -> None:
        """Publish until one of these metrics of the workers is above what it is now."""

        async def counted() -> float:
            return sum([await self.world.sample(sample) for sample in samples])

        before = await counted()

        async def is_counted() -> bool:
            return await counted() > before

        await self.until(is_counted, what)

    async def until_ended(self, exit_status: str, *, before: int) -> None:
        """Wait until a process has ended so once more, as ``keeper.exits`` names it."""

        async def has_ended() -> bool:
            return self.world.keeper.exits[exit_status] > before

        await eventually(has_ended, f"{exit_status} again", within_s=LIMIT_S)

    async def until_at_work(self, worker: str = "") -> None:
        """Publish until the engine, slow from now on, holds records of the workers, or of this one."""
        await self.world.order(Mood.SLOW, service_s=_SERVICE_S)

        async def is_at_work() -> bool:
            return await self.world.sample("in_flight", of=worker) > 0

        await self.until(is_at_work, f"{worker or 'a worker'} has records in flight")

    async def until_judged(self) -> None:
        """Wait until the scorer has answered the probe twice more: one call may have been under way."""
        wanted = self.probe.counts["judged"] + 2 * _NUM_JOBS

        async def is_judged() -> bool:
            return self.probe.counts["judged"] >= wanted

        await eventually(is_judged, "the scorer answers strictly", within_s=LIMIT_S)

    async def assert_nothing_is_lost(self) -> None:
        """All is healed: every process comes up, everything is committed and mended, and is as the oracle says."""
        await self.world.order(Mood.WELL)
        await self.world.wait_up()
        report = SegmentReport(0)
        await self._settlement.run(report)
        assert not report.details, report.details
        assert report.dead_lettered == report.expected_dead_lettered
        assert report.updates == len(self.workload.planned)
        assert not self.probe.findings, self.probe.findings


@asynccontextmanager
async def open_stage(site: Site, directory: Path) -> AsyncIterator[Stage]:
    """Start engine, workers and scorer on a site."""
    site.overrides |= {"nearline.summary_budget_s": "1.5"}  # then the fallback: an outage need not be long
    bundles = write_bundles(directory / "bundles", load_settings().summarizer.bundle / "tokenizer.json")
    workload = Workload(_SEED, name="fault", num_jobs=_NUM_JOBS)
    world = World(site, directory=directory, bundles=bundles, mutant=None, seed=_SEED)
    store = await site.open_store()
    try:
        await world.start()
        async with UpdateLog(site.bootstrap, site.topics, world.group) as log:
            choose = Feed(workload, log, seed=_SEED).choose
            probe = Probe(store, Judge(bundles.prompt), url=world.scorer_url, choose=choose, seed=_SEED)
            settlement = Settlement(workload, log, store, Reader(bundles.tokenizer, bundles.limits), site.topics)
            async with _beside(world.keeper.watch()), _beside(probe.run()):
                yield Stage(site, world, store, workload, log, probe, workload.records(), settlement)
    finally:
        await world.stop()
        await store.close()


@asynccontextmanager
async def _beside(work: Awaitable[None]) -> AsyncIterator[None]:
    """Run it beside the block; what it raised is raised."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
