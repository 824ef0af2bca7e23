"""Every store tells processes apart that compute the same scores."""

import asyncio
from collections.abc import Callable

import pytest

from store.ports import Store
from tests.doubles.clock import ManualClock


async def test_the_first_leads_and_others_are_told_how_long(store: Store, clock: ManualClock) -> None:
    """Version by version: what the first did not ask for is the second's."""
    assert await store.lead("query-1", ["v1", "v2"], holder="a", ttl_s=10) == {}
    clock.advance(4)
    assert await store.lead("query-1", ["v2", "v3"], holder="b", ttl_s=10) == {"v2": pytest.approx(6)}
    assert await store.lead("query-1", ["v1", "v3"], holder="a", ttl_s=10) == {"v3": pytest.approx(10)}


async def test_queries_are_led_apart(store: Store) -> None:
    """A lease belongs to one fingerprint."""
    assert await store.lead("query-1", ["v1"], holder="a", ttl_s=10) == {}
    assert await store.lead("query-2", ["v1"], holder="b", ttl_s=10) == {}


async def test_a_holder_meets_itself_nowhere(store: Store, clock: ManualClock) -> None:
    """Its calls share what it leads; asking again moves the end."""
    await store.lead("query-1", ["v1"], holder="a", ttl_s=10)
    clock.advance(5)
    assert await store.lead("query-1", ["v1"], holder="a", ttl_s=10) == {}
    clock.advance(7)
    assert await store.lead("query-1", ["v1"], holder="b", ttl_s=10) == {"v1": pytest.approx(3)}


async def test_what_is_released_is_free(store: Store) -> None:
    """Only what is named, only the holder's own, and as often as one likes."""
    await store.lead("query-1", ["v1", "v2"], holder="a", ttl_s=10)
    await store.release("query-1", ["v1", "v2"], holder="b")
    assert set(await store.lead("query-1", ["v1", "v2"], holder="b", ttl_s=10)) == {"v1", "v2"}
    for _ in range(2):
        await store.release("query-1", ["v1", "nothing"], holder="a")
    assert set(await store.lead("query-1", ["v1", "v2"], holder="b", ttl_s=10)) == {"v2"}
    await store.release("query-2", ["v1"], holder="a")


async def test_a_holder_that_died_loses_its_lease(store: Store, let_time_pass: Callable[[float], None]) -> None:
    """At its end the lease is the next one's, whether or not anybody released it."""
    await store.lead("query-1", ["v1"], holder="a", ttl_s=10)
    let_time_pass(9)
    assert set(await store.lead("query-1", ["v1"], holder="b", ttl_s=10)) == {"v1"}
    let_time_pass(1)
    assert await store.lead("query-1", ["v1"], holder="b", ttl_s=10) == {}
    assert set(await store.lead("query-1", ["v1"], holder="a", ttl_s=10)) == {"v1"}


async def test_of_two_that_ask_at_once_one_leads(store: Store) -> None:
    """Both never wait for each other, and never do both lead."""
    first, second = await asyncio.gather(
        store.lead("query-1", ["v1"], holder="a", ttl_s=10), store.lead("query-1", ["v1"], holder="b", ttl_s=10)
    )
    assert sorted([set(first), set(second)], key=len) == [set(), {"v1"}]


async def test_leases_are_no_scores(store: Store, clock: ManualClock) -> None:
    """They neither appear among a query's scores nor go with a job."""
    await store.lead("query-1", ["v1"], holder="a", ttl_s=10)
    assert await store.get_scores("query-1", ["v1", "lease:query-1"]) == {}
    assert await store.forget_job("v1") == 0
    assert set(await store.lead("query-1", ["v1"], holder="b", ttl_s=10)) == {"v1"}
