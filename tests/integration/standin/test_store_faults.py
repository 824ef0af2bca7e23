"""The Couchbase store when its backend stalls, dies and comes back: errors of ours, nothing lost, no reopening."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from ops.settings import PROJECT_ROOT
from ops.standin import Fault, KvStandIn
from schemas.errors import BackendError, BackendProtocolError, BackendTimeout, BackendUnavailable
from store.couchbase import BreakerConfig, BreakerState, CouchbaseStore, provision
from tests.doubles.documents import posting_document, score_entry, summary_document
from tests.integration.standin.counter_process import COUNTER
from tests.integration.standin.stores import LIMIT_S, config_of, eventually

OpenStore = Callable[..., Awaitable[CouchbaseStore]]


@pytest.fixture
def shared(kv_standin: KvStandIn) -> Iterator[KvStandIn]:
    """The session's stand-in, well again after the test."""
    yield kv_standin
    kv_standin.resume()
    kv_standin.clear_faults()


@pytest.fixture
async def open_store() -> AsyncIterator[OpenStore]:
    """Opens stores on a stand-in; keyword arguments change their config."""
    opened: list[CouchbaseStore] = []

    async def open_one(standin: KvStandIn, **changes: Any) -> CouchbaseStore:
        config = config_of(standin, **changes)
        await provision(config)
        opened.append(await CouchbaseStore.open(config))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: OpenStore, shared: KvStandIn) -> CouchbaseStore:
    """One on the shared stand-in, with the usual config of these tests."""
    return await open_store(shared)


async def all_operations(store: CouchbaseStore) -> list[Any]:
    """Each kind of call once, at the same time; errors as values."""
    entry = {"job-1": score_entry()}
    calls = (
        store.get("job-1"),
        store.get_many(["job-1", "job-2"]),
        store.put(summary_document("job-9"), cas=None),
        store.get_posting("job-1"),
        store.put_posting(posting_document("job-9")),
        store.remove_posting("job-9", up_to_version=0),
        store.get_scores("query", ["job-1"]),
        store.merge_scores("query", entry),
        store.forget_job("job-1"),
    )
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def test_killed_under_load_it_loses_nothing_it_acknowledged(standin: KvStandIn, open_store: OpenStore) -> None:
    """Twenty writers, the process killed and started again twice: every error is one of two, nothing is reopened."""
    store = await open_store(standin)
    acknowledged: dict[str, int] = {}
    restarts = asyncio.Event()

    async def writer(job_id: str) -> None:
        version = 0
        while not restarts.is_set():
            version += 1
            await eventually(partial(put_version, store, job_id, version))
            acknowledged[job_id] = version

    async with asyncio.TaskGroup() as tasks:
        writers = [tasks.create_task(writer(f"job-{index}")) for index in range(20)]
        for _ in range(2):
            before = sum(acknowledged.values())
            await until(lambda before=before: sum(acknowledged.values()) >= before + 200)
            standin.kill()
            standin.start()
        await until(lambda: sum(acknowledged.values()) >= 600)
        restarts.set()
    assert all(task.done() for task in writers)
    stored = await store.get_many(list(acknowledged))
    assert {job_id: document.source_version for job_id, document in stored.items()} == acknowledged


async def put_version(store: CouchbaseStore, job_id: str, version: int) -> None:
    """Read, decide, write: again after an unknown outcome, as the nearline service does."""
    stored = await store.get(job_id)
    if stored and stored.document.source_version >= version:
        return
    document = summary_document(job_id, source_version=version)
    assert await store.put(document, cas=stored.cas if stored else None), "nobody else writes this job"


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for a state."""
    async with asyncio.timeout(LIMIT_S):
        while not is_so():  # noqa: ASYNC110 (the state is of the store, which tells nobody)
            await asyncio.sleep(0.01)


async def test_paused_longer_than_its_timeouts_every_call_fails_in_our_terms(
    shared: KvStandIn, store: CouchbaseStore
) -> None:
    """Then, once enough calls have waited, the others are refused at once; resumed, all is as before."""
    await store.put(summary_document("job-1"), cas=None)
    shared.pause()
    failures = await all_operations(store) + await all_operations(store)
    assert {type(failure) for failure in failures} <= {BackendTimeout, BackendUnavailable}
    assert BackendTimeout in {type(failure) for failure in failures}
    await until_open(store, "reads")
    shared.resume()
    stored = await eventually(lambda: store.get("job-1"))
    assert stored is not None
    for _ in range(3):  # each kind of call has its own breaker to close
        await eventually(lambda: store.put_posting(posting_document("job-1")))
        await eventually(lambda: store.get_scores("query", ["job-1"]))
    assert set(store.breaker_states.values()) == {BreakerState.CLOSED}
    assert not [each for each in await all_operations(store) if isinstance(each, Exception)]


async def until_open(store: CouchbaseStore, name: str) -> None:
    """Go on reading until the breaker refuses."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            with pytest.raises(BackendError) as caught:
                await store.get("job-1")
            if f"{name} are not asked" in str(caught.value):
                return


async def test_an_open_breaker_refuses_without_asking(shared: KvStandIn, open_store: OpenStore) -> None:
    """With a pause of an hour no call reaches the backend any more, though it would answer."""
    hour = BreakerConfig(num_failures=3, first_pause_s=3_600, max_pause_s=3_600)
    store = await open_store(shared, breaker=hour)
    await store.put(summary_document("job-1"), cas=None)
    shared.inject(Fault(operation="GET", is_silent=True, times=3))
    for _ in range(3):
        with pytest.raises(BackendTimeout):
            await store.get("job-1")
    for _ in range(100):
        with pytest.raises(BackendUnavailable, match=r"store get: .*reads are not asked"):
            await store.get("job-1")
    assert store.breaker_states["reads"] is BreakerState.OPEN


async def test_writes_and_cached_scores_do_not_take_the_reads_with_them(
    shared: KvStandIn, open_store: OpenStore
) -> None:
    """Durable writes that find no majority, and a cache that does not answer, each open their own breaker only."""
    hour = BreakerConfig(num_failures=2, first_pause_s=3_600, max_pause_s=3_600)
    store = await open_store(shared, breaker=hour)
    shared.inject(Fault(operation="ADD", status="SYNC_WRITE_AMBIGUOUS", times=2))
    shared.inject(Fault(operation="GET", key="query", is_silent=True, times=2))
    for _ in range(2):
        with pytest.raises(BackendTimeout):
            await store.put(summary_document("job-1"), cas=None)
        with pytest.raises(BackendTimeout):
            await store.get_scores("query", ["job-1"])
    assert store.breaker_states == {"reads": "closed", "writes": "open", "cached scores": "open"}
    assert await store.get("job-1") is None


async def test_lost_swaps_and_absent_documents_are_no_failures(store: CouchbaseStore) -> None:
    """Fifty of each in a row leave the breakers closed."""
    await store.put(summary_document("job-1"), cas=None)
    for _ in range(50):
        assert await store.put(summary_document("job-1"), cas=None) is None
        assert await store.get("nobody") is None
    assert set(store.breaker_states.values()) == {BreakerState.CLOSED}


async def test_an_ambiguous_durable_write_is_a_timeout(shared: KvStandIn, store: CouchbaseStore) -> None:
    """The server says that it does not know: the caller reads again and decides again."""
    shared.inject(Fault(operation="ADD", status="SYNC_WRITE_AMBIGUOUS"))
    with pytest.raises(BackendTimeout, match="Ambiguous"):
        await store.put(summary_document("job-1"), cas=None)
    await put_version(store, "job-1", 1)


async def test_a_write_that_landed_unheard_is_a_timeout_and_stands(shared: KvStandIn, store: CouchbaseStore) -> None:
    """Done, but the answer never came: reading again finds it, and a second insert does not get past it."""
    shared.inject(Fault(operation="ADD", key="job-1", is_silent=True))
    with pytest.raises(BackendTimeout):
        await store.put(summary_document("job-1"), cas=None)
    assert await store.put(summary_document("job-1", rev=2), cas=None) is None
    stored = await store.get("job-1")
    assert stored is not None
    assert stored.document == summary_document("job-1")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [({"is_silent": True}, BackendTimeout), ({"status": "INVALID"}, BackendProtocolError)],
)
async def test_one_key_that_fails_is_not_a_key_that_is_not_there(
    shared: KvStandIn, store: CouchbaseStore, fault: dict[str, Any], expected: type[BackendError]
) -> None:
    """A look-up of many says so; the next one has them all."""
    job_ids = [f"job-{index}" for index in range(20)]
    await asyncio.gather(*(store.put(summary_document(job_id), cas=None) for job_id in job_ids))
    shared.inject(Fault(operation="GET", key="job-7", **fault))
    with pytest.raises(expected):
        await store.get_many(job_ids)
    assert set(await store.get_many(job_ids)) == set(job_ids)


async def test_a_stall_shorter_than_the_timeout_is_only_slow(shared: KvStandIn, store: CouchbaseStore) -> None:
    """Answers that come late, in time, are answers."""
    await store.put(summary_document("job-1"), cas=None)
    shared.inject(Fault(operation="GET", delay_s=0.1, times=5))
    found = await asyncio.gather(*(store.get_many(["job-1"]) for _ in range(5)))
    assert found == [{"job-1": summary_document("job-1")}] * 5


async def test_a_store_whose_backend_is_away_can_be_closed(shared: KvStandIn, store: CouchbaseStore) -> None:
    """A service must stop in its time also when the store does not answer; what was at work ends in its timeout."""
    shared.pause()
    at_work = [asyncio.create_task(store.get(f"job-{index}")) for index in range(40)]
    await asyncio.sleep(0)
    async with asyncio.timeout(LIMIT_S):
        await store.close()
    ended = await asyncio.gather(*at_work, return_exceptions=True)
    assert {type(each) for each in ended} <= {BackendTimeout, BackendUnavailable}


async def test_several_processes_count_one_document_up(shared: KvStandIn) -> None:
    """Three processes, forty compare-and-swaps each: none is lost."""
    config = config_of(shared)
    await provision(config)
    arguments = [shared.url, config.scope, "40"]
    command = [sys.executable, "-m", "tests.integration.standin.counter_process", *arguments]
    processes = [await asyncio.create_subprocess_exec(*command, cwd=PROJECT_ROOT) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    store = await CouchbaseStore.open(config)
    stored = await store.get(COUNTER)
    await store.close()
    assert stored is not None
    assert stored.document.generation == 3 * 40
