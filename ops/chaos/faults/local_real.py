"""Faults of the broker and of the store service."""

import asyncio
import random
from typing import TYPE_CHECKING, cast

from ops.chaos.faults.ports import FaultTable
from ops.chaos.site.world import World

if TYPE_CHECKING:
    from ops.chaos.site.local_real import LocalRealSite

__all__ = ["LOCAL_REAL_FAULTS"]


async def kill_broker(world: World, rng: random.Random) -> None:
    """SIGKILL of the only broker; it comes back on its data."""
    site = _site(world)
    site.kafka.kill()
    await asyncio.sleep(rng.uniform(0.0, 2.0))
    await site.restart_broker()


async def kill_store(world: World, rng: random.Random) -> None:
    """SIGKILL of the store; it comes back on its data."""
    site = _site(world)
    site.kv.kill()
    await asyncio.sleep(rng.uniform(0.0, 3.0))
    site.restart_store()


async def stall_store(world: World, rng: random.Random) -> None:
    """SIGSTOP of the store: connections stay open, nothing is answered; often longer than a call waits."""
    site = _site(world)
    site.kv.pause()
    await asyncio.sleep(rng.uniform(0.5, 6.5))
    site.kv.resume()


async def restart_store(world: World, rng: random.Random) -> None:
    """SIGTERM of the store, and a start."""
    del rng
    site = _site(world)
    await asyncio.to_thread(site.kv.stop)
    site.restart_store()


def _site(world: World) -> "LocalRealSite":
    return cast("LocalRealSite", world.site)


LOCAL_REAL_FAULTS: FaultTable = {
    "broker_sigkill": kill_broker,
    "store_sigkill": kill_store,
    "store_sigstop": stall_store,
    "store_restart": restart_store,
}
