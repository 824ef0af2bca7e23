"""Every store keeps postings put-if-newer."""

import asyncio
import itertools

import pytest

from store.ports import Store
from tests.doubles.documents import posting_document


async def test_unknown_job_has_no_posting(store: Store) -> None:
    """``get_posting`` of an id that was never written is None."""
    assert await store.get_posting("nobody") is None


async def test_posting_is_read_back_equal(store: Store) -> None:
    """Nested JSON of any script survives."""
    document = posting_document(
        posting={"title": "Ärztin", "skills": ["日本語", {"name": None, "level": 1.5}], "": True}
    )
    assert await store.put_posting(document)
    assert await store.get_posting("job-1") == document


@pytest.mark.parametrize(("second", "stands"), [(6, True), (5, True), (4, False)])
async def test_a_posting_replaces_an_equal_or_older_one(store: Store, second: int, stands: bool) -> None:
    """A newer and an equal version are written, an older one is not, and the caller is told which."""
    assert await store.put_posting(posting_document(source_version=5, body="first"))
    assert await store.put_posting(posting_document(source_version=second, body="second")) is stands
    stored = await store.get_posting("job-1")
    assert stored is not None
    assert (stored.source_version, stored.body) == ((second, "second") if stands else (5, "first"))


@pytest.mark.parametrize(("bound", "is_left"), [(4, True), (5, False), (6, False)])
async def test_remove_spares_a_posting_above_its_bound(store: Store, bound: int, is_left: bool) -> None:
    """A delete of version 4 does not take the posting of version 5 with it."""
    await store.put_posting(posting_document(source_version=5))
    await store.remove_posting("job-1", up_to_version=bound)
    await store.remove_posting("job-1", up_to_version=bound)
    assert (await store.get_posting("job-1") is not None) is is_left


async def test_remove_of_an_unknown_posting_does_nothing(store: Store) -> None:
    """Removing is idempotent from the beginning."""
    await store.remove_posting("nobody", up_to_version=10**15)
    assert await store.get_posting("nobody") is None


async def test_a_removed_posting_can_come_back(store: Store) -> None:
    """A re-post, also of a lower version, is a new posting: the summary's document decides whether it may be."""
    await store.put_posting(posting_document(source_version=5))
    await store.remove_posting("job-1", up_to_version=5)
    assert await store.put_posting(posting_document(source_version=3))


async def test_the_newest_version_stands_whatever_the_order(store: Store) -> None:
    """All 24 orders of four concurrent versions end with the highest."""
    for index, order in enumerate(itertools.permutations(range(1, 5))):
        job_id = f"job-{index}"
        await asyncio.gather(*(store.put_posting(posting_document(job_id, version)) for version in order))
        stored = await store.get_posting(job_id)
        assert stored is not None
        assert stored.source_version == 4
