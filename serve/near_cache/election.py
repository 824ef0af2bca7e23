"""Who feeds: the process that holds the lock file. The system lets go of it when that process ends, however it ends."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["elected"]


@asynccontextmanager
async def elected(lock_file: Path, *, retry_s: float) -> AsyncIterator[None]:
    """Wait until this process is the feeder; it is while the block runs.

    Args:
        lock_file: On a local file system; made where it is missing, never removed.
        retry_s: Between two tries, in seconds.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    # Not inherited by children (Python's default): one that outlives this process would keep the lock.
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while not _try_lock(descriptor):  # noqa: ASYNC110 - another process lets go of it
            await asyncio.sleep(retry_s)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
