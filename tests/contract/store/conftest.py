"""The adapters that the contract suite runs on."""

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.memory import MemoryStore
from store.ports import Store
from store.sqlite import SqliteStore
from tests.doubles.clock import ManualClock

COUCHBASE_URL = "PRECIS_TEST_COUCHBASE_URL"


@pytest.fixture
def clock() -> ManualClock:
    """The time of the store under test, where it lets itself be told the time."""
    return ManualClock()


@pytest.fixture(params=["memory", "sqlite", pytest.param("couchbase", marks=pytest.mark.couchbase_server)])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    opened: Store
    match request.param:
        case "memory":
            opened = MemoryStore(clock=clock, ttl_jitter=0)
        case "sqlite":
            opened = await SqliteStore.open(tmp_path / "store.db", clock=clock, ttl_jitter=0, synchronous="NORMAL")
        case _:
            opened = await _open_couchbase(clock)
    yield opened
    await opened.close()


async def _open_couchbase(clock: ManualClock) -> Store:
    url = os.environ.get(COUCHBASE_URL)  # noqa: TID251 (where the server is, is a fact of the machine that tests run on)
    if not url:
        pytest.skip(f"no Couchbase server: set {COUCHBASE_URL} to couchbase://user:password@host/bucket")
    from store.couchbase import CouchbaseConfig, CouchbaseStore, provision  # noqa: PLC0415 (0.5 s that most runs save)

    # A scope of its own is an empty store, whatever ran before.
    config = CouchbaseConfig.from_url(url, scope=f"test-{uuid.uuid4().hex[:12]}", durability="NONE")
    await provision(config)
    return await CouchbaseStore.open(config, clock=clock, ttl_jitter=0)
