"""An empty SQLite store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.sqlite import SqliteStore
from tests.doubles.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """The store's time."""
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Its file."""
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path, clock: ManualClock) -> AsyncIterator[SqliteStore]:
    """The store."""
    opened = await SqliteStore.open(path, clock=clock, ttl_jitter=0, synchronous="NORMAL")
    yield opened
    await opened.close()
