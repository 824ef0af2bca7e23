"""Every store keeps summaries by compare-and-swap."""

import asyncio
from collections.abc import Callable

import pytest

from schemas.documents import Origin, State
from store.ports import Store, StoredSummary
from tests.doubles.documents import NOON, summary_document


async def write(store: Store, job_id: str, **changes: object) -> StoredSummary:
    """Write a document that was not there, and read it."""
    assert await store.put(summary_document(job_id, **changes), cas=None) is not None
    stored = await store.get(job_id)
    assert stored is not None
    return stored


async def test_unknown_job_has_no_summary(store: Store) -> None:
    """``get`` of an id that was never written is None."""
    assert await store.get("nobody") is None


async def test_what_was_put_is_read_back_equal(store: Store) -> None:
    """Every field survives the store, with the token that ``put`` returned."""
    document = summary_document(
        "job-1",
        state=State.DELETED,
        summarizer=None,
        item_tokens={"digest": (1, 2, 3)},
        valid_through=NOON,
        origin=Origin(log="log", topic="job-updates", partition=3, offset=2**40, log_time=NOON),
        rev=1_790_000_000_000,
    )
    cas = await store.put(document, cas=None)
    assert cas
    assert await store.get("job-1") == StoredSummary(document, cas)


async def test_insert_loses_where_a_document_stands(store: Store) -> None:
    """``cas`` None means: iff there is no document."""
    first = await write(store, "job-1")
    assert await store.put(summary_document("job-1", rev=2), cas=None) is None
    assert await store.get("job-1") == first


async def test_replace_needs_the_token_of_the_last_write(store: Store) -> None:
    """Of two writers that read the same document one wins; the other is told."""
    read = await write(store, "job-1")
    won = await store.put(summary_document("job-1", rev=2), cas=read.cas)
    assert won is not None
    assert won != read.cas
    assert await store.put(summary_document("job-1", rev=3), cas=read.cas) is None
    assert await store.get("job-1") == StoredSummary(summary_document("job-1", rev=2), won)


async def test_replace_of_nothing_loses(store: Store) -> None:
    """A token does not bring back a document that is not there."""
    stored = await write(store, "job-1")
    assert await store.put(summary_document("job-2"), cas=stored.cas) is None
    assert await store.get("job-2") is None


@pytest.mark.parametrize("num_ids", [0, 1, 5_000])
async def test_get_many_returns_what_is_there_for_any_number_of_ids(store: Store, num_ids: int) -> None:
    """Ids without a document are left out, and 5,000 ids are no error."""
    await asyncio.gather(*(store.put(summary_document(f"job-{index}"), cas=None) for index in range(0, 40, 2)))
    found = await store.get_many([f"job-{index}" for index in range(num_ids)])
    assert found == {f"job-{index}": summary_document(f"job-{index}") for index in range(0, min(40, num_ids), 2)}


async def test_get_many_takes_an_id_twice(store: Store) -> None:
    """Duplicates are one document."""
    await write(store, "job-1")
    assert await store.get_many(["job-1", "job-1", "nobody", "nobody"]) == {"job-1": summary_document("job-1")}


async def test_expired_document_is_not_there(store: Store, let_time_pass: Callable[[float], None]) -> None:
    """After its time to live a document is neither read nor in the way of an insert, and its token is worth nothing.

    To the second: Couchbase keeps whole ones.
    """
    cas = await store.put(summary_document("job-1"), cas=None, ttl_s=600)
    assert cas is not None
    let_time_pass(540)
    assert await store.get("job-1") is not None
    let_time_pass(62)
    assert await store.get("job-1") is None
    assert await store.get_many(["job-1"]) == {}
    assert await store.put(summary_document("job-1", rev=2), cas=cas) is None
    again = await store.put(summary_document("job-1", rev=3), cas=None)
    assert again not in {None, cas}
    assert await store.get("job-1") is not None


async def test_write_without_time_to_live_lasts(store: Store, let_time_pass: Callable[[float], None]) -> None:
    """``ttl_s`` None keeps a document for ever, whatever was set before."""
    cas = await store.put(summary_document("job-1"), cas=None, ttl_s=600)
    assert await store.put(summary_document("job-1", rev=2), cas=cas) is not None
    let_time_pass(10_000_000)
    assert await store.get("job-1") is not None


async def test_a_time_to_live_may_be_longer_than_a_month(store: Store, let_time_pass: Callable[[float], None]) -> None:
    """Couchbase takes durations above 30 days for dates: a document for 40 days must not be gone, or stay, at once."""
    days_s = 86_400.0
    assert await store.put(summary_document("job-1"), cas=None, ttl_s=40 * days_s) is not None
    let_time_pass(39 * days_s)
    assert await store.get("job-1") is not None
    let_time_pass(1 * days_s + 2)
    assert await store.get("job-1") is None


@pytest.mark.parametrize(
    "job_id", ["日本語の求人 № 5", "ü" * 100, "a'b\"c;--", "%_*?", "x" * 200, "{}[]\\", "a:b/c?d=e&f"]
)
async def test_any_job_id_is_a_key(store: Store, job_id: str) -> None:
    """Ids of any script, up to 200 bytes, with characters that mean something to databases."""
    stored = await write(store, job_id)
    assert stored.document.job_id == job_id
    assert list(await store.get_many([job_id])) == [job_id]


async def test_document_of_a_megabyte_survives(store: Store) -> None:
    """Size is no error below a megabyte and a little above."""
    summary = "größer 日本 " * 80_000
    stored = await write(store, "job-1", summary=summary)
    assert stored.document.summary == summary


async def test_concurrent_writers_lose_no_update(store: Store) -> None:
    """Eight tasks that count one document up by compare-and-swap, ten times each, reach 80."""
    await write(store, "job-1", generation=0)

    async def count_up() -> None:
        while True:
            stored = await store.get("job-1")
            assert stored is not None
            document = summary_document("job-1", generation=stored.document.generation + 1)
            if await store.put(document, cas=stored.cas) is not None:
                return

    async def writer() -> None:
        for _ in range(10):
            await count_up()

    await asyncio.gather(*(writer() for _ in range(8)))
    stored = await store.get("job-1")
    assert stored is not None
    assert stored.document.generation == 80


async def test_one_of_many_concurrent_inserts_wins(store: Store) -> None:
    """Of 20 inserts of one id exactly one succeeds, and its document stands."""
    results = await asyncio.gather(*(store.put(summary_document("job-1", rev=rev), cas=None) for rev in range(20)))
    winners = [rev for rev, cas in enumerate(results) if cas is not None]
    assert len(winners) == 1
    stored = await store.get("job-1")
    assert stored is not None
    assert stored.document.rev == winners[0]
