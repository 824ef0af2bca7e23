"""Signals to processes: kills, orderly ends, stops, and workers that join and leave."""

import asyncio
import random
import signal

from ops.chaos.engine.moods import Mood
from ops.chaos.faults.ports import FaultTable
from ops.chaos.site.world import ENGINE, SCORER, World

__all__ = ["PROCESS_FAULTS", "SCALE_FAULTS"]

_LEAVE_LIMIT_S = 40.0


async def kill_worker(world: World, rng: random.Random) -> None:
    """SIGKILL; the supervisor starts it again."""
    world.keeper.signal(rng.choice(world.workers()), signal.SIGKILL)


async def kill_worker_again(world: World, rng: random.Random) -> None:
    """SIGKILL, and once more while it comes up or has just begun."""
    name = rng.choice(world.workers())
    world.keeper.signal(name, signal.SIGKILL)
    await asyncio.sleep(rng.uniform(1.0, 4.0))
    world.keeper.signal(name, signal.SIGKILL)


async def kill_worker_behind_slow_engine(world: World, rng: random.Random) -> None:
    """SIGKILL after a time in which the engine holds some records up: what others finished behind them comes again."""
    await world.order(Mood.SLOW)
    await asyncio.sleep(rng.uniform(1.5, 4.0))
    world.keeper.signal(rng.choice(world.workers()), signal.SIGKILL)
    await world.order(Mood.WELL)


async def terminate_worker(world: World, rng: random.Random) -> None:
    """SIGTERM: it drains, commits and ends; the supervisor starts it again."""
    world.keeper.signal(rng.choice(world.workers()), signal.SIGTERM)


async def stop_worker(world: World, rng: random.Random) -> None:
    """SIGSTOP for longer than the session time-out: it wakes as a member that was given up, its work still in hand."""
    name = rng.choice(world.workers())
    pid = world.keeper.pid(name)
    world.keeper.signal(name, signal.SIGSTOP)
    await asyncio.sleep(world.site.session_timeout_s + rng.uniform(0.5, 5.0))
    if world.keeper.pid(name) == pid:
        world.keeper.signal(name, signal.SIGCONT)


async def stop_worker_briefly(world: World, rng: random.Random) -> None:
    """SIGSTOP for less than the session time-out."""
    name = rng.choice(world.workers())
    world.keeper.signal(name, signal.SIGSTOP)
    await asyncio.sleep(rng.uniform(0.2, world.site.session_timeout_s / 2))
    world.keeper.signal(name, signal.SIGCONT)


async def kill_scorer(world: World, rng: random.Random) -> None:
    """SIGKILL of the scorer."""
    del rng
    world.keeper.signal(SCORER, signal.SIGKILL)


async def kill_engine(world: World, rng: random.Random) -> None:
    """SIGKILL of the engine, which is away for a while: sometimes longer than a summary may take."""
    world.keeper.hold(ENGINE)
    world.keeper.signal(ENGINE, signal.SIGKILL)
    await asyncio.sleep(rng.choice((rng.uniform(0, 1.5), rng.uniform(1.5, 5.5))))
    world.keeper.release(ENGINE)


async def join_and_leave(world: World, rng: random.Random) -> None:
    """Another worker joins the group, works, and leaves in order."""
    name = world.add_worker()
    await world.wait_up()
    await asyncio.sleep(rng.uniform(0.5, 3.0))
    await world.keeper.remove(name, signal.SIGTERM, limit_s=_LEAVE_LIMIT_S)


async def join_and_die(world: World, rng: random.Random) -> None:
    """Another worker joins the group, works, and is killed."""
    name = world.add_worker()
    await asyncio.sleep(rng.uniform(1.0, 6.0))
    await world.keeper.remove(name, signal.SIGKILL, limit_s=_LEAVE_LIMIT_S)


PROCESS_FAULTS: FaultTable = {
    "worker_sigkill": kill_worker,
    "worker_sigkill_twice": kill_worker_again,
    "worker_sigkill_behind_slow_engine": kill_worker_behind_slow_engine,
    "worker_sigterm": terminate_worker,
    "worker_sigstop_past_session": stop_worker,
    "worker_sigstop_short": stop_worker_briefly,
    "scorer_sigkill": kill_scorer,
    "engine_sigkill": kill_engine,
}

SCALE_FAULTS: FaultTable = {
    "worker_joins_and_leaves": join_and_leave,
    "worker_joins_and_dies": join_and_die,
}
