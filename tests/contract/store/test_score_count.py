"""Every store can say how many queries have a job cached."""

from store.ports import InspectableStore
from tests.doubles.clock import ManualClock
from tests.doubles.documents import score_entry


async def test_scores_of_a_job_are_counted_until_they_are_too_old(store: InspectableStore, clock: ManualClock) -> None:
    """One a query that has it cached; what is too old to be served does not count, nor do other jobs' scores."""
    assert await store.count_scores("job-1") == 0
    await store.merge_scores("query-1", {"job-1": score_entry(scored_at=clock.ago(800))})
    await store.merge_scores("query-2", {"job-1": score_entry(scored_at=clock.now())})
    await store.merge_scores("query-3", {"job-2": score_entry(scored_at=clock.now())})
    assert await store.count_scores("job-1") == 2
    clock.advance(150)
    assert await store.count_scores("job-1") == 1


async def test_a_forgotten_job_has_no_scores(store: InspectableStore, clock: ManualClock) -> None:
    """Invalidation brings the count to 0."""
    await store.merge_scores("query-1", {"job-1": score_entry(scored_at=clock.now())})
    await store.forget_job("job-1")
    assert await store.count_scores("job-1") == 0
