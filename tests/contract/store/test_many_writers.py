"""Every store lets many writers of one job agree: the newest version stands, by compare-and-swap alone."""

import asyncio
import random

import pytest

from schemas.documents import State
from store.ports import Store
from tests.doubles.documents import summary_document


async def put_if_newer(store: Store, job_id: str, version: int) -> int:
    """Write a version unless a newer one stands: the loop that every writer of summaries goes round.

    Returns:
        How many compare-and-swaps were lost.
    """
    for num_lost in range(1_000):
        stored = await store.get(job_id)
        if stored and stored.document.source_version >= version:
            return num_lost
        document = summary_document(job_id, source_version=version, summary=f"summary of version {version}")
        if await store.put(document, cas=stored.cas if stored else None) is not None:
            return num_lost
    raise AssertionError("a writer lost a thousand times")


@pytest.mark.parametrize("seed", range(3))
async def test_the_newest_of_many_concurrent_versions_stands(store: Store, seed: int) -> None:
    """Thirty writers of one job in random order: never an older version, and never the text of another one."""
    versions = list(range(1, 31))
    random.Random(seed).shuffle(versions)
    lost = await asyncio.gather(*(put_if_newer(store, "job-1", version) for version in versions))
    stored = await store.get("job-1")
    assert stored is not None
    assert (stored.document.source_version, stored.document.summary) == (30, "summary of version 30")
    assert sum(lost) > 0  # they did meet


async def test_writers_of_different_jobs_do_not_disturb_each_other(store: Store) -> None:
    """Fifty jobs written at once: no compare-and-swap is lost, all are found by one look-up."""
    job_ids = [f"job-{index}" for index in range(50)]
    assert await asyncio.gather(*(put_if_newer(store, job_id, 1) for job_id in job_ids)) == [0] * 50
    assert list(await store.get_many(job_ids)) == job_ids


async def test_a_tombstone_keeps_its_text_and_yields_only_to_a_swap(store: Store) -> None:
    """A deletion is a document: it is found, by both reads, and an insert does not get past it."""
    text = {"header": "Nurse | Berlin", "summary": "night shift"}
    first = await store.put(summary_document("job-1", **text), cas=None)
    deleted = summary_document("job-1", state=State.DELETED, source_version=2, **text)
    cas = await store.put(deleted, cas=first)
    assert cas is not None
    assert await store.get_many(["job-1"]) == {"job-1": deleted}
    assert await store.put(summary_document("job-1", source_version=3), cas=None) is None
    assert await store.put(summary_document("job-1", source_version=3), cas=first) is None
    assert await store.put(summary_document("job-1", source_version=3), cas=cas) is not None


async def test_a_tombstone_with_a_time_to_live_goes(store: Store, let_time_pass) -> None:
    """It is kept for its days, then the job is as if it had never been."""
    day_s = 86_400.0
    deleted = summary_document("job-1", state=State.DELETED)
    assert await store.put(deleted, cas=None, ttl_s=7 * day_s) is not None
    let_time_pass(6 * day_s)
    stored = await store.get("job-1")
    assert stored is not None
    assert stored.document == deleted
    let_time_pass(1 * day_s + 2)
    assert await store.get("job-1") is None
    assert await store.put(summary_document("job-1"), cas=None) is not None
