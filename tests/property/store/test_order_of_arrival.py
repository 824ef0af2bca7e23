"""Versions arrive in any order at any number of writers: the newest stands."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.memory import MemoryStore
from store.ports import Store
from store.sqlite import SqliteStore
from tests.doubles.documents import posting_document, summary_document

arrivals = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=4)
"""For each writer the versions that it sees, in its order; a version may come twice."""


@asynccontextmanager
async def writers(kind: str, count: int) -> AsyncIterator[list[Store]]:
    """As many stores over the same documents: one in memory, or one file opened by each, as processes would."""
    if kind == "memory":
        yield [MemoryStore()] * count
        return
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "store.db"
        stores: list[Store] = [await SqliteStore.open(path, synchronous="NORMAL") for _ in range(count)]
        try:
            yield stores
        finally:
            for store in stores:
                await store.close()


async def write_postings(store: Store, versions: Sequence[int]) -> None:
    """As nearline does: each as it comes."""
    for version in versions:
        await store.put_posting(posting_document(source_version=version))


async def write_summaries(store: Store, versions: Sequence[int]) -> None:
    """As nearline does: read, decide, write by compare-and-swap, again where that lost."""
    for version in versions:
        while True:
            stored = await store.get("job-1")
            if stored and stored.document.source_version >= version:
                break
            document = summary_document(source_version=version)
            if await store.put(document, cas=stored.cas if stored else None) is not None:
                break


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@settings(max_examples=30)
@given(arrivals=arrivals)
async def test_the_newest_posting_stands(kind: str, arrivals: list[list[int]]) -> None:
    """Put-if-newer, with as many concurrent writers as lists."""
    async with writers(kind, len(arrivals)) as stores:
        await asyncio.gather(*map(write_postings, stores, arrivals))
        stored = await stores[0].get_posting("job-1")
    newest = max(map(max, arrivals))
    assert stored == posting_document(source_version=newest)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@settings(max_examples=30)
@given(arrivals=arrivals)
async def test_the_newest_summary_stands(kind: str, arrivals: list[list[int]]) -> None:
    """Compare-and-swap lets no older version over a newer one."""
    async with writers(kind, len(arrivals)) as stores:
        await asyncio.gather(*map(write_summaries, stores, arrivals))
        stored = await stores[0].get("job-1")
    assert stored is not None
    assert stored.document.source_version == max(map(max, arrivals))
