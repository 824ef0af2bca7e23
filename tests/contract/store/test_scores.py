"""Every store caches scores by query and forgets them by job."""

import asyncio
from datetime import timedelta

import pytest

from store.ports import Store
from tests.doubles.clock import ManualClock
from tests.doubles.documents import score_entry


async def test_unknown_query_has_no_scores(store: Store) -> None:
    """Looking up never fails for want of an entry."""
    assert await store.get_scores("query-1", ["job-1"]) == {}
    assert await store.get_scores("query-1", []) == {}


async def test_merged_entries_are_read_back_equal(store: Store, clock: ManualClock) -> None:
    """Scores to the last bit, versions and times; only the jobs that were asked for."""
    entry = score_entry(0.1 + 0.2, scored_at=clock.now() - timedelta(microseconds=123_457))
    assert await store.merge_scores("query-1", {"job-1": entry, "job-2": score_entry(0, scored_at=clock.now())})
    assert await store.get_scores("query-1", ["job-1", "job-3", "job-1"]) == {"job-1": entry}


async def test_queries_are_apart(store: Store, clock: ManualClock) -> None:
    """An entry belongs to one fingerprint."""
    await store.merge_scores("query-1", {"job-1": score_entry(0.1, scored_at=clock.now())})
    await store.merge_scores("query-2", {"job-1": score_entry(0.2, scored_at=clock.now())})
    assert (await store.get_scores("query-1", ["job-1"]))["job-1"].score == 0.1


@pytest.mark.parametrize("is_later_first", [True, False])
async def test_the_later_scored_entry_stays(store: Store, clock: ManualClock, is_later_first: bool) -> None:
    """In any order of arrival; entries of other jobs stay."""
    older = score_entry(0.9, scored_at=clock.ago(2), item_version="b" * 32)
    later = score_entry(0.1, scored_at=clock.ago(1), item_version="a" * 32)
    other = score_entry(0.5, scored_at=clock.ago(3))
    for entry in (later, older) if is_later_first else (older, later):
        await store.merge_scores("query-1", {"job-1": entry})
    await store.merge_scores("query-1", {"job-2": other})
    assert await store.get_scores("query-1", ["job-1", "job-2"]) == {"job-1": later, "job-2": other}


async def test_an_old_entry_is_not_served(store: Store, clock: ManualClock) -> None:
    """The age of each entry is checked when it is read: 900 s after it was scored it is gone."""
    await store.merge_scores("query-1", {"job-1": score_entry(scored_at=clock.ago(100))})
    await store.merge_scores("query-1", {"job-2": score_entry(scored_at=clock.now())})
    clock.advance(799)
    assert set(await store.get_scores("query-1", ["job-1", "job-2"])) == {"job-1", "job-2"}
    clock.advance(1)
    assert set(await store.get_scores("query-1", ["job-1", "job-2"])) == {"job-2"}


async def test_a_query_keeps_its_thousand_latest_entries(store: Store, clock: ManualClock) -> None:
    """Beyond 1,000 the earliest scored go."""
    entries = {f"job-{age}": score_entry(scored_at=clock.ago(age / 10)) for age in range(1_005)}
    await store.merge_scores("query-1", dict(list(entries.items())[:500]))
    await store.merge_scores("query-1", dict(list(entries.items())[500:]))
    kept = await store.get_scores("query-1", list(entries))
    assert set(kept) == {f"job-{age}" for age in range(1_000)}


async def test_two_writers_of_one_query_both_stay(store: Store, clock: ManualClock) -> None:
    """Entries of different jobs that are merged at once are all there, or the loser is told that they are not."""
    entries = {f"job-{index}": score_entry(scored_at=clock.now()) for index in range(6)}
    merges = [store.merge_scores("query-1", {job_id: entry}) for job_id, entry in entries.items()]
    kept = await asyncio.gather(*merges)
    expected = {job_id for job_id, is_kept in zip(entries, kept, strict=True) if is_kept}
    assert set(await store.get_scores("query-1", list(entries))) == expected
    assert expected


async def test_merging_nothing_is_allowed(store: Store) -> None:
    """An answer without misses has nothing to cache."""
    assert await store.merge_scores("query-1", {})


async def test_a_forgotten_job_has_no_scores_left(store: Store, clock: ManualClock) -> None:
    """Its entries of all queries go, those of other jobs stay; the second time there is nothing to remove."""
    for query in range(5):
        entries = {"job-1": score_entry(scored_at=clock.now()), "job-2": score_entry(scored_at=clock.now())}
        assert await store.merge_scores(f"query-{query}", entries)
    assert await store.forget_job("job-1") == 5
    assert await store.forget_job("job-1") == 0
    for query in range(5):
        assert set(await store.get_scores(f"query-{query}", ["job-1", "job-2"])) == {"job-2"}


async def test_forgetting_an_unknown_job_removes_nothing(store: Store) -> None:
    """The store may know nothing of a job that was never scored."""
    assert await store.forget_job("nobody") == 0


async def test_a_forgotten_job_can_be_scored_again(store: Store, clock: ManualClock) -> None:
    """Forgetting is no tombstone: a late write lands, and the reader's check of the item version keeps it unread."""
    entry = score_entry(scored_at=clock.now())
    await store.merge_scores("query-1", {"job-1": entry})
    await store.forget_job("job-1")
    assert await store.merge_scores("query-1", {"job-1": entry})
    assert await store.get_scores("query-1", ["job-1"]) == {"job-1": entry}
    assert await store.forget_job("job-1") == 1


async def test_a_job_is_listed_under_its_thousand_latest_queries(store: Store, clock: ManualClock) -> None:
    """Beyond 1,000 queries the earliest scored are not known any more."""
    for age in range(1_010):
        await store.merge_scores(f"query-{age}", {"job-1": score_entry(scored_at=clock.ago(age / 10))})
    assert await store.forget_job("job-1") == 1_000


async def test_a_forgotten_query_has_no_scores_left(store: Store, clock: ManualClock) -> None:
    """Other queries keep theirs, and it can be scored again."""
    entry = score_entry(scored_at=clock.now())
    for query in ("query-1", "query-2"):
        await store.merge_scores(query, {"job-1": entry, "job-2": entry})
    for _ in range(2):
        await store.forget_query("query-1")
    assert await store.get_scores("query-1", ["job-1", "job-2"]) == {}
    assert set(await store.get_scores("query-2", ["job-1", "job-2"])) == {"job-1", "job-2"}
    await store.merge_scores("query-1", {"job-1": entry})
    assert await store.get_scores("query-1", ["job-1", "job-2"]) == {"job-1": entry}


async def test_an_epoch_ends_all_scores_before_it(store: Store, clock: ManualClock) -> None:
    """Those of all queries; also one that was scored before it and comes late."""
    before = score_entry(scored_at=clock.now())
    for query in ("query-1", "query-2"):
        await store.merge_scores(query, {"job-1": before})
    clock.advance(1)
    for _ in range(2):
        await store.forget_all_scores()
    for query in ("query-1", "query-2"):
        assert await store.get_scores(query, ["job-1"]) == {}
    await store.merge_scores("query-1", {"job-1": before})
    assert await store.get_scores("query-1", ["job-1"]) == {}
    clock.advance(1)
    after = score_entry(scored_at=clock.now())
    await store.merge_scores("query-1", {"job-1": after})
    assert await store.get_scores("query-1", ["job-1"]) == {"job-1": after}
