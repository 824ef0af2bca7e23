"""Taking one part away under load and bringing it back, by profile."""

import asyncio
import fcntl
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ops.load.site import Site
from ops.local_real import Stack
from ops.services import init_store
from ops.stack import EmbeddedStack

__all__ = ["Drill", "drills_of"]

Drill = Callable[[], AbstractAsyncContextManager[None]]
"""The part is away within the block; when it has been left, the part is ready again."""

# SQLite's wal-index: five locks, of which every reader takes one.
_READ_LOCKS_AT, _NUM_READ_LOCKS = 123, 5


def drills_of(site: Site) -> dict[str, Drill]:
    """The drills of a site of our own, in the order in which they are held.

    Embedded: `cache` renames the table of scores, so that every call of the cache fails; `store` holds the read locks
    of the file, so that every read hangs; `broker` closes its connections and takes none. Local-real: `cache` drops the
    collection of scores; `store` and `broker` are killed. `engine` is the ranker's, killed.
    """
    assert site.stack is not None, "only what is ours can be hurt"
    engine = partial(_killed_engine, site.stack)
    if site.services is not None:
        return {
            "cache": partial(_dropped_collection, site),
            "store": partial(_killed_services, site.services, brokers=False),
            "engine": engine,
            "broker": partial(_killed_services, site.services, brokers=True),
        }
    return {
        "cache": partial(_renamed_scores, site.settings.sqlite_file),
        "store": partial(_held_read_locks, site.settings.sqlite_file),
        "engine": engine,
        "broker": partial(_refusing_broker, site.stack),
    }


@asynccontextmanager
async def _killed_engine(stack: EmbeddedStack) -> AsyncIterator[None]:
    child = stack.child("ranker-engine")
    child.kill()
    try:
        yield
    finally:
        child.start()
    await asyncio.to_thread(child.wait_ready)


@asynccontextmanager
async def _renamed_scores(file: Path) -> AsyncIterator[None]:
    await asyncio.to_thread(_execute, file, ["ALTER TABLE scores RENAME TO scores_away"])
    try:
        yield
    finally:
        await asyncio.to_thread(_execute, file, ["ALTER TABLE scores_away RENAME TO scores"])


def _execute(file: Path, statements: list[str]) -> None:
    with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@asynccontextmanager
async def _held_read_locks(file: Path) -> AsyncIterator[None]:
    # Locks belong to the process: nothing else in it may open the store meanwhile.
    index = os.open(f"{file}-shm", os.O_RDWR)
    try:
        await asyncio.to_thread(fcntl.lockf, index, fcntl.LOCK_EX, _NUM_READ_LOCKS, _READ_LOCKS_AT)
        yield
    finally:
        os.close(index)


@asynccontextmanager
async def _refusing_broker(stack: EmbeddedStack) -> AsyncIterator[None]:
    assert stack.broker is not None, "the embedded profile has one"
    stack.broker.refuse()
    try:
        yield
    finally:
        stack.broker.accept()


@asynccontextmanager
async def _killed_services(services: Stack, *, brokers: bool) -> AsyncIterator[None]:
    for part in services.status():
        if part.record.is_broker is brokers and part.pid is not None:
            os.kill(part.pid, signal.SIGKILL)
    try:
        yield
    finally:
        await asyncio.to_thread(services.up, None, on_step=lambda _: None)


@asynccontextmanager
async def _dropped_collection(site: Site) -> AsyncIterator[None]:
    chosen = site.settings.store.couchbase
    record = (
        next(part.record for part in site.services.status() if not part.record.is_broker) if site.services else None
    )
    assert record is not None, "the profile local-real has a store"
    address = urlsplit(record.ready_url)
    path = f"/pools/default/buckets/{chosen.bucket}/scopes/{chosen.scope}/collections/scores"
    account = (chosen.username, chosen.password.get_secret_value())
    async with httpx.AsyncClient(trust_env=False, auth=account) as http:
        answer = await http.delete(f"{address.scheme}://{address.netloc}{path}")
        answer.raise_for_status()
    try:
        yield
    finally:
        await init_store(site.settings)
