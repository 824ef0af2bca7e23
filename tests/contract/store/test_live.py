"""Every store writes posting and summary of a live job together, and knows whether a write is still the last one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from schemas.documents import SummaryDocument
from store.ports import Cas, Store, StoredSummary
from tests.doubles.documents import posting_document, summary_document


async def write(store: Store, version: int = 1) -> Cas:
    """Posting and summary of a job that was not there."""
    cas = await store.put_live(
        summary_document(source_version=version), posting_document(source_version=version), cas=None
    )
    assert cas is not None
    return cas


def repeated(version: int, **changes: Any) -> SummaryDocument:
    """The summary when the same posting is published again."""
    return summary_document(source_version=version, rev=version, **changes)


async def test_both_are_written_whole(store: Store) -> None:
    """What is read back is what was written, with the token of the summary."""
    cas = await write(store)
    assert await store.get("job-1") == StoredSummary(summary_document(), cas)
    assert await store.get_posting("job-1") == posting_document()


async def test_a_write_that_was_overtaken_loses(store: Store) -> None:
    """As ``put``: the summary stays as it is."""
    cas = await write(store)
    newer = summary_document(source_version=2, rev=2)
    assert await store.put_live(newer, posting_document(source_version=2), cas=cas) is not None
    assert await store.put_live(repeated(3), posting_document(source_version=3), cas=cas) is None
    stored = await store.get("job-1")
    assert stored is not None
    assert stored.document == newer


async def test_an_older_posting_does_not_replace_a_newer_one(store: Store) -> None:
    """As ``put_posting``, whatever becomes of the summary."""
    await store.put_posting(posting_document(source_version=5))
    await store.put_live(summary_document(source_version=3), posting_document(source_version=3), cas=None)
    assert await store.get_posting("job-1") == posting_document(source_version=5)


async def test_the_same_posting_again_changes_its_version_alone(store: Store) -> None:
    """Nothing of it is sent, and nothing of it is lost."""
    cas = await write(store)
    for version in (2, 7):
        new_cas = await store.put_live(repeated(version), None, cas=cas)
        assert new_cas is not None
        assert new_cas != cas
        cas = new_cas
    assert await store.get("job-1") == StoredSummary(repeated(7), cas)
    assert await store.get_posting("job-1") == posting_document().model_copy(update={"source_version": 7})
    # From then on it stands for that version, in every respect.
    assert not await store.put_posting(posting_document(source_version=6))
    await store.remove_posting("job-1", up_to_version=6)
    assert await store.get_posting("job-1") is not None


async def remove(store: Store) -> None:
    """The posting goes."""
    await store.remove_posting("job-1", up_to_version=9)


async def replace(store: Store) -> None:
    """Another writer's posting stands there."""
    await store.put_posting(posting_document(source_version=2, posting_hash="f" * 32, body="Another."))


async def overtake(store: Store) -> None:
    """The same posting stands there under a higher version."""
    await store.put_posting(posting_document(source_version=9))


async def age(store: Store) -> None:
    """An older build wrote it, without a hash."""
    await store.put_posting(posting_document(posting_hash=""))


@pytest.mark.parametrize("happen", [remove, replace, overtake, age])
async def test_another_posting_is_not_taken_for_the_same(store: Store, happen: Any) -> None:
    """Nothing is written: the caller has to write it whole."""
    cas = await write(store)
    await happen(store)
    posting = await store.get_posting("job-1")
    assert await store.put_live(repeated(3), None, cas=cas) is None
    assert await store.get_posting("job-1") == posting
    assert await store.get("job-1") == StoredSummary(summary_document(), cas)


async def test_of_many_that_repeat_a_posting_one_wins(store: Store) -> None:
    """Ten writers that read the same document: one token, and the posting is of a version that was tried."""
    cas = await write(store)
    answers = await asyncio.gather(*(store.put_live(repeated(version), None, cas=cas) for version in range(2, 12)))
    assert sum(answer is not None for answer in answers) == 1
    stored, posting = await store.get("job-1"), await store.get_posting("job-1")
    assert stored is not None
    assert posting is not None
    assert stored.document.source_version <= posting.source_version <= 11


async def test_a_write_is_current_until_the_next(store: Store) -> None:
    """By ``put`` or ``put_live``; a token of another write is not."""
    first = await write(store)
    assert await store.is_current("job-1", first)
    second = await store.put(summary_document(rev=2), cas=first)
    assert second is not None
    assert not await store.is_current("job-1", first)
    assert await store.is_current("job-1", second)


async def test_no_write_is_current_where_nothing_is_stored(store: Store) -> None:
    """Neither of an unknown job, nor of another one."""
    cas = await write(store)
    assert not await store.is_current("nobody", cas)


async def test_a_document_that_expired_is_not_current(store: Store, let_time_pass: Callable[[float], None]) -> None:
    """As ``get``, which returns none."""
    cas = await store.put(summary_document(), cas=None, ttl_s=600)
    assert cas is not None
    assert await store.is_current("job-1", cas)
    let_time_pass(601)
    assert not await store.is_current("job-1", cas)
