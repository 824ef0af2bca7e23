"""Faults of the embedded store: another process holds the lock, or the disk is full."""

import asyncio
import random
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from ops.chaos.faults.ports import FaultTable
from ops.chaos.site.embedded import EmbeddedSite
from ops.chaos.site.world import World

__all__ = ["EMBEDDED_FAULTS", "full_disk"]

_HOLDER = (
    "import sqlite3, sys, time; connection = sqlite3.connect(sys.argv[1], timeout=5, isolation_level=None); "
    "connection.execute('BEGIN IMMEDIATE'); time.sleep(float(sys.argv[2])); connection.execute('ROLLBACK')"
)


async def hold_lock(world: World, rng: random.Random) -> None:
    """Another process holds the write lock, sometimes longer than a writer waits (5 s)."""
    held_s = rng.choice((rng.uniform(0.5, 3.0), rng.uniform(5.2, 7.0)))
    command = (sys.executable, "-c", _HOLDER, str(_store_file(world)), str(held_s))
    holder = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    await holder.wait()


async def fill_disk(world: World, rng: random.Random) -> None:
    """No file of the workers may grow, for a while."""
    with full_disk(world):
        await asyncio.sleep(rng.uniform(1.0, 4.0))


@contextmanager
def full_disk(world: World) -> Iterator[None]:
    """No file of the workers may grow: the kernel refuses each write of the store beyond the first page (EFBIG).

    A reader that stays open keeps the write-ahead log from starting over, so every write must grow it.
    """
    with closing(sqlite3.connect(_store_file(world))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM summaries").fetchone()
        limited = {name: world.keeper.pid(name) for name in world.workers()}
        try:
            for pid in limited.values():
                _limit_files(pid, 0)
            yield
        finally:
            for name, pid in limited.items():
                if world.keeper.pid(name) == pid:
                    _limit_files(pid, resource.RLIM_INFINITY)


def _limit_files(pid: int, num_bytes: int) -> None:
    with suppress(ProcessLookupError):  # it has ended; the one that comes after it has no limit
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (num_bytes, hard))


def _store_file(world: World) -> str:
    assert isinstance(world.site, EmbeddedSite), "these faults belong to the embedded profile"
    return str(world.site.store_file)


EMBEDDED_FAULTS: FaultTable = {"store_locked": hold_lock, "disk_full": fill_disk}
