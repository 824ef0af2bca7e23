"""SIGKILL of the worker at each step of DESIGN 4, before it and after it, on real processes and the embedded profile.

One job, one world; for each step the worker is started so that it dies there, an update is published, and the next
worker (which dies at the next step) takes it over. The last one dies nowhere; then all must be as the oracle says.
"""

import asyncio
import signal
from pathlib import Path

from ops.chaos.bundles import write_bundles
from ops.chaos.oracle import Reader
from ops.chaos.report import SegmentReport
from ops.chaos.settle import Settlement
from ops.chaos.site.embedded import EmbeddedSite
from ops.chaos.site.world import World
from ops.chaos.updates import UpdateLog
from ops.chaos.workload import Workload
from ops.settings import load_settings

_STEPS = ("get", "put_posting", "put", "put:after", "forget_job", "publish", "publish:after")
_LIMIT_S = 60


async def _until_killed(world: World, name: str) -> None:
    async with asyncio.timeout(_LIMIT_S):
        assert await world.keeper.wait_ended(name) == -signal.SIGKILL


async def test_a_worker_killed_at_any_step_loses_nothing(tmp_path: Path) -> None:
    """Job set, state, version, header, hash, summary, posting, changelog and dead letters are the undisturbed ones."""
    bundles = write_bundles(tmp_path / "bundles", load_settings().summarizer.bundle / "tokenizer.json")
    with EmbeddedSite(tmp_path) as site:
        site.session_timeout_s = 1.5  # a killed member is waited for this long
        workload = Workload(3, name="job", num_jobs=1)
        moves = workload.records()
        world = World(site, directory=tmp_path, bundles=bundles, mutant=None, seed=3)
        log = UpdateLog(site.bootstrap, site.topics, world.group)
        store = await site.open_store()
        try:
            world.start_engine()
            async with log:
                for step in _STEPS:
                    name = world.add_worker(die_at=step)
                    await log.publish(next(moves))
                    await _until_killed(world, name)
                    world.keeper.forget(name)
                world.add_worker()
                report, reader = SegmentReport(0), Reader(bundles.tokenizer, bundles.limits)
                await Settlement(workload, log, store, reader, site.topics).run(report)
        finally:
            await world.stop()
            await store.close()
    assert report.details == []
    assert report.updates >= len(_STEPS)
