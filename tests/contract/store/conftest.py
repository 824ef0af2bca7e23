"""The adapters that the contract suite runs on."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from store.memory import MemoryStore
from store.ports import Store
from store.sqlite import SqliteStore
from tests.doubles.clock import ManualClock

if TYPE_CHECKING:
    from ops.standin import KvStandIn
    from store.couchbase.config import CouchbaseConfig, Durability

COUCHBASE_URL = "PRECIS_TEST_COUCHBASE_URL"
KINDS = ["memory", "sqlite", "couchbase", pytest.param("couchbase-server", marks=pytest.mark.couchbase_server)]
"""Couchbase twice: on the stand-in always, and on a real server where one is named."""


@pytest.fixture
def clock() -> ManualClock:
    """The time of the store under test, where it lets itself be told the time."""
    return ManualClock()


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[KvStandIn]":
    """The stand-in for Couchbase, one for all tests: each has a scope of its own."""
    from ops.standin import KvStandIn  # noqa: PLC0415 - only where a test asks for it

    with KvStandIn(tmp_path_factory.mktemp("standin")) as running:
        yield running


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which adapter."""
    return str(request.param)


@pytest.fixture
def let_time_pass(kind: str, request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Callable[[float], None]]:
    """Moves, by so many seconds, the time that documents expire by."""
    if kind == "couchbase-server":
        pytest.skip("the server's own clock cannot be moved")
    if kind != "couchbase":
        yield clock.advance
        return
    standin: KvStandIn = request.getfixturevalue("standin")
    started_s = clock.now_s

    def advance_both(seconds: float) -> None:
        clock.advance(seconds)
        standin.advance_clock(seconds)

    yield advance_both
    standin.advance_clock(started_s - clock.now_s)  # the SDK makes dates of long durations, by the client's own clock


@pytest.fixture
async def store(kind: str, request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    match kind:
        case "memory":
            memory = MemoryStore(clock=clock, ttl_jitter=0)
            yield memory
            await memory.close()
        case "sqlite":
            sqlite = await SqliteStore.open(tmp_path / "store.db", clock=clock, ttl_jitter=0, synchronous="NORMAL")
            yield sqlite
            await sqlite.close()
        case "couchbase":
            standin: KvStandIn = request.getfixturevalue("standin")
            async with _couchbase(standin.url, clock, durability="MAJORITY") as couchbase:
                yield couchbase
        case _:
            # Durability needs replicas that a server for tests may not have.
            async with _couchbase(os.environ[COUCHBASE_URL], clock, durability="NONE") as couchbase:  # noqa: TID251
                yield couchbase


@asynccontextmanager
async def _couchbase(url: str, clock: ManualClock, *, durability: "Durability") -> AsyncIterator[Store]:
    from store.couchbase import CouchbaseConfig, CouchbaseStore, provision  # noqa: PLC0415 (0.5 s that most runs save)

    # A scope of its own is an empty store, whatever ran before.
    scope = f"test-{uuid.uuid4().hex[:12]}"
    # Time-outs are not what this suite is about, and the machine may be busy.
    timeouts = {"kv_timeout_s": 20.0, "durable_timeout_s": 20.0, "scores_timeout_s": 20.0}
    config = replace(CouchbaseConfig.from_url(url, scope=scope, durability=durability), **timeouts)
    await provision(config)
    opened = await CouchbaseStore.open(config, clock=clock, ttl_jitter=0)
    yield opened
    await opened.close()
    await asyncio.to_thread(_drop_scope, config)


def _drop_scope(config: "CouchbaseConfig") -> None:
    from store.couchbase.collections import connect  # noqa: PLC0415 - as above

    cluster = connect(config)
    cluster.bucket(config.bucket).collections().drop_scope(config.scope)
    cluster.close()
