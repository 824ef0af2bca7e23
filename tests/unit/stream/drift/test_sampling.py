"""Who is sampled and with which queries: the same everywhere, in the share that is asked for, of all kinds."""

import pytest

from stream.drift.sampling import QueryPool, is_sampled, position

POOL = QueryPool(
    ("icu nurse nights", "nurse part time", "python developer remote", "truck driver", "chef london", "night porter")
)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0])
def test_the_share_is_kept(share):
    """Of 20,000 items, within four standard deviations."""
    num = sum(is_sampled(f"job-{number}", "v", share) for number in range(20_000))
    assert abs(num - 20_000 * share) <= 4 * (20_000 * share * (1 - share)) ** 0.5


def test_it_is_the_same_in_every_process():
    """A golden position: a worker that restarts, or another one, samples the same items."""
    assert position("item", "job-1", "v1") == pytest.approx(0.44658429, abs=1e-8)
    assert position("a", "b") != position("ab", "")


def test_a_larger_share_keeps_the_smaller_ones_sample():
    """Raising the share adds items, and takes none away."""
    jobs = [f"job-{number}" for number in range(2_000)]
    small = {job for job in jobs if is_sampled(job, "v", 0.05)}
    assert small < {job for job in jobs if is_sampled(job, "v", 0.2)}


def test_an_edit_is_another_draw():
    """Else a job would be sampled always or never."""
    drawn = {is_sampled("job-1", f"v{version}", 0.5) for version in range(50)}
    assert drawn == {True, False}


def test_the_larger_half_of_the_queries_shares_a_word_with_the_posting():
    """As candidates of live queries do, which a retrieval found; the rest is from anywhere."""
    for number in range(50):
        chosen = POOL.choose(f"job-{number}", "Staff Nurse | City Hospital | Leeds", 3)
        assert len(set(chosen)) == 3
        assert {"icu nurse nights", "nurse part time"} < set(chosen)


def test_queries_differ_by_job_and_not_by_call():
    """Stable for a job, and all queries get their turn."""
    headers = [(f"job-{number}", "Astronaut | Moon") for number in range(200)]
    first = [tuple(POOL.choose(job_id, header, 2)) for job_id, header in headers]
    assert first == [tuple(POOL.choose(job_id, header, 2)) for job_id, header in headers]
    assert {query for queries in first for query in queries} == set(POOL.queries)


@pytest.mark.parametrize("header", ["Astronaut", "nurse python truck chef night"])
def test_a_short_pool_gives_what_it_has(header):
    """None shares a word, or all do: as many queries as asked for, or as there are."""
    assert len(POOL.choose("job", header, 4)) == 4
    assert sorted(POOL.choose("job", header, 99)) == sorted(POOL.queries)


def test_the_pools_identity_is_that_of_its_set():
    """The order of the file changes no reference; another query does."""
    assert QueryPool(("a", "b")).identity == QueryPool(("b", "a", "a")).identity != QueryPool(("a", "c")).identity
