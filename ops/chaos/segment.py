"""One segment: start a world, stream updates, let faults strike, settle, compare."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.chaos.bundles import Bundles
from ops.chaos.engine.moods import Mood
from ops.chaos.faults.ports import FaultTable
from ops.chaos.feed import Feed
from ops.chaos.freshness import Judge
from ops.chaos.mutants import Mutant
from ops.chaos.oracle import Reader
from ops.chaos.probe import Probe
from ops.chaos.report import SegmentReport
from ops.chaos.settle import Settlement
from ops.chaos.site.ports import Site
from ops.chaos.site.world import World
from ops.chaos.updates import UpdateLog
from ops.chaos.workload import Workload
from schemas.errors import BackendUnavailable
from store.ports import Store

__all__ = ["Conditions", "SegmentPlan", "run_segment"]

_BUSY_LIMIT_S = 3.0
_BUSY_LOOK_S = 0.02
_WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """What a segment is.

    Attributes:
        number: From 0.
        seed: Of its updates and of everything random in its faults.
        kinds: Faults in their order.
        num_jobs: Jobs of its workload.
    """

    number: int
    seed: int
    kinds: tuple[str, ...]
    num_jobs: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all segments of a run share.

    Attributes:
        faults: By kind; those of every plan are in it.
        bundles: Of the engine.
        mutant: Step to break, or None.
        on_fault: Told each kind before it strikes.
    """

    faults: FaultTable
    bundles: Bundles
    mutant: Mutant | None
    on_fault: Callable[[str], None]


async def run_segment(plan: SegmentPlan, site: Site, conditions: Conditions, *, directory: Path) -> SegmentReport:
    """Run it.

    Args:
        plan: What to do.
        site: Broker and store, fresh.
        conditions: How.
        directory: For logs and files of this segment.
    """
    start_s = time.monotonic()
    report = SegmentReport(plan.number)
    world = World(site, directory=directory, bundles=conditions.bundles, mutant=conditions.mutant, seed=plan.seed)
    store = await site.open_store()
    try:
        await world.start()
        async with _running(world.keeper.watch()):
            await _observe(plan, world, store, conditions, report)
    except BackendUnavailable as error:
        report.note("stuck", str(error))
    finally:
        report.exits = world.keeper.exits
        await world.stop()
        await store.close()
    report.wall_s = round(time.monotonic() - start_s, 1)
    return report


async def _observe(
    plan: SegmentPlan, world: World, store: Store, conditions: Conditions, report: SegmentReport
) -> None:
    """Stream, strike, ask, settle; what is found goes to the report."""
    site, bundles = world.site, conditions.bundles
    workload = Workload(plan.seed, name=f"chaos-{plan.seed}-{plan.number}", num_jobs=plan.num_jobs)
    reader = Reader(bundles.tokenizer, bundles.limits)
    async with UpdateLog(site.bootstrap, site.topics, world.group) as log:
        feed = Feed(workload, log, seed=plan.seed)
        probe = Probe(store, Judge(bundles.prompt), url=world.scorer_url, choose=feed.choose, seed=plan.seed)
        async with _running(probe.run()):
            async with _running(feed.run(), end=feed.end):
                await _strike(plan, world, conditions, report)
            await world.order(Mood.WELL)
            await Settlement(workload, log, store, reader, site.topics).run(report)
    for finding in probe.findings:
        report.note(finding.count, f"{finding.job_id} {finding.detail}")
    report.probe = probe.counts
    report.probe["ambiguous_sends"] = log.num_ambiguous


async def _strike(plan: SegmentPlan, world: World, conditions: Conditions, report: SegmentReport) -> None:
    rng = random.Random(plan.seed + 1)
    await asyncio.sleep(_WARM_UP_S)
    for kind in plan.kinds:
        await asyncio.sleep(rng.uniform(0.0, 0.7))
        report.in_flight += await _is_busy(world)
        conditions.on_fault(kind)
        await conditions.faults[kind](world, rng)
        report.by_kind[kind] += 1
        await world.wait_up()


async def _is_busy(world: World) -> bool:
    """Wait until records are at work, for a while; whether they are."""
    give_up_at_s = time.monotonic() + _BUSY_LIMIT_S
    while not await world.in_flight():
        if time.monotonic() > give_up_at_s:
            return False
        await asyncio.sleep(_BUSY_LOOK_S)
    return True


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None], *, end: Callable[[], None] | None = None) -> AsyncIterator[None]:
    """Run beside the block. At its end the work is told to end, or cancelled; if it failed, that is raised."""
    task = asyncio.create_task(work)
    try:
        yield
        if end is not None:
            end()
            await task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
