"""One small test a kind of fault that needs no broker of its own; docs/chaos.md lists where the others are."""

import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
import pytest_asyncio

from ops.chaos.engine.moods import Mood
from ops.chaos.faults.embedded import full_disk
from ops.chaos.site.embedded import EmbeddedSite
from ops.chaos.site.world import ENGINE, SCORER
from tests.integration.faults.stage import LIMIT_S, Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_S = 3600
LIVE_PAUSES = 'pauses_total{lane="live"}'
PROTOCOL_RETRIES = 'retries_total{error="BackendProtocolError"}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One world for all of them: broker in memory, SQLite, one worker."""
    directory = tmp_path_factory.mktemp("embedded")
    with EmbeddedSite(directory) as site:
        site.session_timeout_s = 1.5
        async with open_stage(site, directory) as opened:
            yield opened


@pytest.fixture
def worker(stage: Stage) -> str:
    """Name of the only worker."""
    (name,) = stage.world.workers()
    return name


async def test_worker_sigkill_twice(stage: Stage, worker: str) -> None:
    """Killed with records in flight; killed again before it is up; what was at work comes again."""
    await stage.until_at_work()
    killed = stage.world.keeper.exits["nearline -9"]
    for num_kills in (1, 2):
        stage.world.keeper.signal(worker, signal.SIGKILL)
        await stage.until_ended("nearline -9", before=killed + num_kills - 1)
    assert await stage.log.num_uncommitted() > 0
    await stage.assert_nothing_is_lost()


async def test_worker_sigkill_behind_slow_engine(stage: Stage, worker: str) -> None:
    """Records that finished behind one that the engine holds up are not committed: they are done twice."""
    await stage.until_at_work()
    await stage.until_counted("others finish behind what is in flight", "records_total")
    killed = stage.world.keeper.exits["nearline -9"]
    stage.world.keeper.signal(worker, signal.SIGKILL)
    await stage.until_ended("nearline -9", before=killed)
    await stage.assert_nothing_is_lost()


async def test_worker_sigstop_short(stage: Stage, worker: str) -> None:
    """Stopped with records in flight while more come in: it wakes, and goes on."""
    await stage.until_at_work()
    pid = stage.world.keeper.pid(worker)
    stage.world.keeper.signal(worker, signal.SIGSTOP)
    await stage.publish()
    assert await stage.log.num_uncommitted() > 0
    stage.world.keeper.signal(worker, signal.SIGCONT)
    await stage.assert_nothing_is_lost()
    assert stage.world.keeper.pid(worker) == pid


async def test_scorer_sigkill(stage: Stage) -> None:
    """Started again it answers, and its scores are those of what is stored."""
    await stage.publish()
    killed = stage.world.keeper.exits["scorer -9"]
    stage.world.keeper.signal(SCORER, signal.SIGKILL)
    await stage.until_ended("scorer -9", before=killed)
    await stage.world.wait_up()
    await stage.until_judged()
    await stage.assert_nothing_is_lost()


async def test_engine_sigkill(stage: Stage) -> None:
    """Away longer than a summary may take: fallbacks are stored, and mended when it is back."""
    await stage.until_at_work()
    stage.world.keeper.hold(ENGINE)
    stage.world.keeper.signal(ENGINE, signal.SIGKILL)
    await stage.until_counted("a fallback is stored", "fallbacks_total")
    stage.world.keeper.release(ENGINE)
    await stage.world.wait_up()
    await stage.assert_nothing_is_lost()


async def test_engine_refuses(stage: Stage) -> None:
    """429: the lane pauses; nothing is dropped, no fallback is made of it, and work resumes."""
    await stage.until_at_work()
    fallbacks = await stage.world.sample("fallbacks_total")
    await stage.world.order(Mood.REFUSE)
    await stage.until_counted("the lane pauses", LIVE_PAUSES)
    assert await stage.log.num_uncommitted() > 0
    assert await stage.world.sample("fallbacks_total") == fallbacks
    await stage.assert_nothing_is_lost()


async def test_engine_unready(stage: Stage) -> None:
    """503 for longer than a summary may take: fallbacks are stored, and mended when it is ready."""
    await stage.until_at_work()
    await stage.world.order(Mood.UNREADY)
    await stage.until_counted("a fallback is stored", "fallbacks_total")
    await stage.assert_nothing_is_lost()


async def test_engine_slow(stage: Stage) -> None:
    """Slower than a summary may take: fallbacks are stored, and mended when it is fast again."""
    await stage.world.order(Mood.SLOW, service_s=30)
    await stage.until_counted("a fallback is stored", "fallbacks_total")
    await stage.assert_nothing_is_lost()


async def test_engine_broken(stage: Stage) -> None:
    """Answers reset, cut off or in another form, now and then: no good record is dead-lettered for it."""
    await stage.until_at_work()
    await stage.world.order(Mood.BROKEN)
    await stage.until_counted("an answer was in another form", PROTOCOL_RETRIES, LIVE_PAUSES)
    await stage.assert_nothing_is_lost()


async def test_engine_garbage(stage: Stage) -> None:
    """Nothing that it says is in the agreed form, canaries included: records wait, none is dead-lettered."""
    await stage.until_at_work()
    await stage.world.order(Mood.GARBAGE)
    await stage.until_counted("the lane pauses, for the canaries fail", LIVE_PAUSES)
    assert await stage.log.num_uncommitted() > 0
    await stage.assert_nothing_is_lost()


async def test_clock_jump(stage: Stage) -> None:
    """Two hours ahead, then one hour behind: the order of writes of a job does not go by the clock."""
    for shift_s in (2 * HOUR_S, -HOUR_S):
        stage.world.shift_clock(shift_s)

        async def is_written_then(shift_s: int = shift_s) -> bool:
            documents = await stage.store.get_many(stage.workload.job_ids)
            ages_s = [time.time() - document.summarized_at.timestamp() for document in documents.values()]
            return any(abs(age_s + shift_s) < HOUR_S / 2 for age_s in ages_s)

        await stage.until(is_written_then, f"a document is written {shift_s} s from now")
        await stage.until_judged()
    stage.world.shift_clock(0)
    await stage.publish()
    await stage.assert_nothing_is_lost()


async def test_store_locked(stage: Stage) -> None:
    """Another process holds SQLite's write lock for longer than a writer waits: the record is tried again."""
    await stage.until_at_work()
    with closing(sqlite3.connect(stage.site.store_file, timeout=LIMIT_S, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        await stage.until_counted("a writer has given up, and tries again", "retries_total")
        holder.execute("ROLLBACK")
    await stage.assert_nothing_is_lost()


async def test_disk_full(stage: Stage) -> None:
    """No file of the worker may grow: every write of the store fails, and is tried again when there is room."""
    await stage.until_at_work()
    with full_disk(stage.world):
        await stage.until_counted("a write has failed, and is tried again", "retries_total")
    await stage.assert_nothing_is_lost()
