"""The engine misbehaves; and the wall clock, which everybody believes."""

import asyncio
import random
from functools import partial

from ops.chaos.engine.moods import Mood
from ops.chaos.faults.ports import FaultTable
from ops.chaos.site.world import World

__all__ = ["CLOCK_FAULTS", "ENGINE_FAULTS"]

_HOUR_S = 3600.0


async def _misbehave(world: World, rng: random.Random, *, mood: Mood, longest_s: float) -> None:
    await world.order(mood)
    await asyncio.sleep(rng.uniform(1.0, longest_s))
    await world.order(Mood.WELL)


async def jump_clock(world: World, rng: random.Random) -> None:
    """The wall clock of workers and scorer jumps, stays there for a while, and mostly jumps back."""
    shift_s = rng.choice((rng.uniform(-2 * _HOUR_S, -1.0), rng.uniform(1.0, 2 * _HOUR_S)))
    world.shift_clock(shift_s)
    await asyncio.sleep(rng.uniform(1.0, 3.0))
    if rng.random() < 2 / 3:
        world.shift_clock(0.0)


ENGINE_FAULTS: FaultTable = {
    "engine_refuses": partial(_misbehave, mood=Mood.REFUSE, longest_s=3.0),
    "engine_unready": partial(_misbehave, mood=Mood.UNREADY, longest_s=5.5),
    "engine_slow": partial(_misbehave, mood=Mood.SLOW, longest_s=4.0),
    "engine_broken": partial(_misbehave, mood=Mood.BROKEN, longest_s=4.0),
    "engine_garbage": partial(_misbehave, mood=Mood.GARBAGE, longest_s=4.0),
}

CLOCK_FAULTS: FaultTable = {"clock_jump": jump_clock}
