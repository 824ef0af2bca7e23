"""`precis load` as it is run: every figure is there; a scorer that stands still shows; parts go and come back."""

import asyncio
import json
import os
import signal
from dataclasses import replace

import pytest

from ops.load.kills import KillsPlan, hold_drills
from ops.load.run import Load, Plan
from ops.load.site import own_site
from ops.load.traffic import Mix
from tests.e2e.processes import Command

pytestmark = pytest.mark.timeout(1200)

_SMALL = ("--postings", "200", "--candidates", "10", "--queries", "50")
_PLAN = Plan(num_postings=200, mix=Mix(num_queries=50, num_candidates=10, deadline_ms=2_000))
_BY_WORDS_PLAN = replace(_PLAN, mix=replace(_PLAN.mix, fallback=True))
_KEYS = {
    "deadline_ms",
    "admitted",
    "deadline_misses_admitted",
    "shed_3x",
    "scored_share_3x",
    "goodput_3x_over_1x",
    "stale",
    "hit_rate",
    "depth_p50",
}


def test_the_command_prints_every_figure(precis: Command) -> None:
    """One short run at 1x, 3x and in bursts; no figure is judged but that nothing was stale."""
    done = precis.run("load", "--json", "--rate", "3", "--seconds", "3", "--factor", "1", "--factor", "3", *_SMALL)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() >= _KEYS
    assert found["rates"].keys() == {"1x", "3x", "1x_bursts"}
    assert found["stale"] == 0
    assert found["ingested"]["dead_lettered"] == 0
    assert found["machine"]["num_cores"]
    for figures in found["rates"].values():
        assert figures["offered"] > 0
        assert figures["results_judged"] > 0
        assert figures["results_of_unknown_version"] == 0
        assert figures["cpu_cores"].keys() >= {"scorer", "ranker-engine", "generator"}


async def _stop_scorer_under_load(load: Load, pid: int) -> dict:
    async with load.prepared():
        stopped = asyncio.Event()

        async def stop() -> None:
            await stopped.wait()
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(3.5)
            os.kill(pid, signal.SIGCONT)

        stopping = asyncio.create_task(stop())
        run, _ = await load.calls_at(5.0, 6.0, look=stopped.set)
        await stopping
    return {"misses": sum(outcome.is_miss(2.0) for outcome in run.outcomes), "calls": len(run.outcomes)}


def test_a_scorer_that_stands_still_misses_deadlines(tmp_path) -> None:
    """Stopped for longer than the deadline: the calls of that time are misses, though each was sent when it was due."""
    with own_site("embedded", "local", tmp_path / "data", on_step=lambda _: None) as site:
        assert site.stack is not None
        load = Load(_PLAN, site, tmp_path, lambda _: None)
        found = asyncio.run(_stop_scorer_under_load(load, site.stack.child("scorer").pid))
    assert found["misses"] >= 1
    assert found["misses"] < found["calls"]


def test_parts_go_and_come_back_under_load(tmp_path) -> None:
    """Each drill meets calls; without cache, engine or broker none fails; and when all is back, all are answered."""
    plan = KillsPlan(lead_s=2.0, away_s=2.0, recovery_s=9.0, grace_s=7.0)

    async def hold(load: Load) -> dict:
        async with load.prepared():
            return await hold_drills(load, 3.0, plan, lambda _: None, "strict")

    with own_site("embedded", "local", tmp_path / "data", on_step=lambda _: None) as site:
        found = asyncio.run(hold(Load(_BY_WORDS_PLAN, site, tmp_path, lambda _: None)))
    assert found["phases"].keys() == {"healthy", "cache", "store", "engine", "broker"}
    assert all(phase["calls"] for phase in found["phases"].values())
    assert all(found["well"][name] for name in ("healthy", "cache", "store", "engine", "broker")), found["phases"]
    assert found["stale"] == 0
