"""Contract of ``SummaryScan``, of the adapters that have it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from schemas.documents import State
from store.memory import MemoryStore
from store.ports import ScannedSummary, SummaryScan, SummaryStore
from store.sqlite import SqliteStore
from tests.doubles.clock import ManualClock
from tests.doubles.summaries import summary_of


class Scannable(SummaryScan, SummaryStore, Protocol):
    """What the tests ask for."""


@pytest.fixture(params=["memory", "sqlite"])
async def scannable(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Scannable]:
    """An empty store of each kind that can scan."""
    if request.param == "memory":
        memory = MemoryStore(clock=clock)
        yield memory
        await memory.close()
    else:
        sqlite = await SqliteStore.open(tmp_path / "store.db", clock=clock, synchronous="NORMAL")
        yield sqlite
        await sqlite.close()


async def pages_of(store: SummaryScan, page_size: int) -> list[Sequence[ScannedSummary]]:
    return [page async for page in store.scan(page_size=page_size)]


async def test_an_empty_store_has_no_pages(scannable: Scannable) -> None:
    """Nothing is stored, nothing is handed out."""
    assert await pages_of(scannable, 10) == []


@pytest.mark.parametrize("page_size", [1, 3, 7, 8, 100])
async def test_every_document_once_in_order(scannable: Scannable, page_size: int) -> None:
    """Whatever the page size, and whatever the ids are made of."""
    job_ids = ["b", "a", "Z", "job-10", "job-9", "ä", "求人", "\U0001f600"]
    for number, job_id in enumerate(job_ids):
        state = State.FALLBACK if number % 2 else State.FRESH
        document = summary_of(job_id, generation=number, rev=100 + number, state=state)
        assert await scannable.put(document, cas=None) is not None
    pages = await pages_of(scannable, page_size)
    assert all(0 < len(page) <= page_size for page in pages)
    found = [entry for page in pages for entry in page]
    assert [entry.job_id for entry in found] == sorted(job_ids)
    assert {entry.job_id: (entry.generation, entry.rev, entry.state) for entry in found} == {
        job_id: (number, 100 + number, State.FALLBACK if number % 2 else State.FRESH)
        for number, job_id in enumerate(job_ids)
    }


async def test_deleted_documents_are_there_until_they_expire(scannable: Scannable, clock: ManualClock) -> None:
    """A scan sees what a read sees; a page may be all expired and the scan goes on."""
    for job_id in ("a", "b", "c"):
        await scannable.put(summary_of(job_id, state=State.DELETED), cas=None, ttl_s=None if job_id == "c" else 10.0)
    assert [len(page) for page in await pages_of(scannable, 2)] == [2, 1]
    clock.advance(11)
    assert [[entry.job_id for entry in page] for page in await pages_of(scannable, 2)] == [["c"]]


async def test_what_stands_throughout_is_found_beside_writers(scannable: Scannable) -> None:
    """Documents are replaced and added behind and before the scan; no writer waits, none of the standing is missed."""
    standing = [f"job-{number:03}" for number in range(0, 100, 2)]
    for job_id in standing:
        await scannable.put(summary_of(job_id), cas=None)
    found: list[str] = []
    number = 1
    async for page in scannable.scan(page_size=5):
        found += [entry.job_id for entry in page]
        for job_id in (f"job-{number:03}", f"job-{100 - number:03}"):
            await scannable.put(summary_of(job_id), cas=None)
        kept = await scannable.get(found[-1])
        assert kept is not None
        assert await scannable.put(summary_of(found[-1], rev=2), cas=kept.cas) is not None
        number += 2
    assert len(found) == len(set(found))
    assert set(standing) <= set(found)


async def test_two_scans_at_once(scannable: Scannable) -> None:
    """Each has a position of its own."""
    for number in range(30):
        await scannable.put(summary_of(f"job-{number:02}"), cas=None)
    one, other = await asyncio.gather(pages_of(scannable, 4), pages_of(scannable, 7))
    assert [entry for page in one for entry in page] == [entry for page in other for entry in page]
    assert isinstance(one[0][0], ScannedSummary)
