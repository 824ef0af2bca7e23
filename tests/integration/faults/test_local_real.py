"""One small test a kind of fault that needs Apache Kafka or the key-value stand-in; docs/chaos.md lists the others."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ops.chaos.site.local_real import LocalReal, LocalRealSite
from tests.integration.faults.stage import LIMIT_S, Stage, open_stage
from tests.integration.stream.kafka import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.java]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One world for all of them, with two workers; its broker is its own, for it is killed."""
    directory = tmp_path_factory.mktemp("local-real")
    with LocalReal(directory) as profile, profile.open_site(directory, 0) as site:
        site.session_timeout_s = 2.0  # a stopped member is waited for this long
        async with open_stage(site, directory) as opened:
            yield opened


@pytest.fixture
def site(stage: Stage) -> LocalRealSite:
    """Broker and store."""
    assert isinstance(stage.site, LocalRealSite)
    return stage.site


async def test_worker_sigstop_past_session(stage: Stage) -> None:
    """Stopped with records in flight until another worker has done them: it wakes with work in hand that is done."""
    victim = stage.world.workers()[0]
    await stage.until_at_work(victim)
    stage.world.keeper.signal(victim, signal.SIGSTOP)

    async def has_taken_over() -> bool:
        return await stage.log.num_uncommitted() == 0

    await eventually(has_taken_over, "another worker has taken its partitions and committed", within_s=LIMIT_S)
    stage.world.keeper.signal(victim, signal.SIGCONT)
    await stage.assert_nothing_is_lost()


async def test_broker_sigkill(stage: Stage, site: LocalRealSite) -> None:
    """The only broker is killed with records in flight, and comes back on its data: consumption goes on."""
    await stage.until_at_work()
    site.kafka.kill()
    await site.restart_broker()
    await stage.until_counted("records are finished again", "records_total")
    await stage.assert_nothing_is_lost()


async def test_store_sigkill(stage: Stage, site: LocalRealSite) -> None:
    """Killed with records in flight: they are tried again, and done when it is back on its data."""
    await stage.until_at_work()
    site.kv.kill()
    await stage.until_counted("a record is tried again", "retries_total")
    site.restart_store()
    await stage.assert_nothing_is_lost()


async def test_store_sigstop(stage: Stage, site: LocalRealSite) -> None:
    """Stalled with its connections open: calls time out, records are tried again, and done when it goes on."""
    await stage.until_at_work()
    site.kv.pause()
    await stage.until_counted("a record is tried again", "retries_total")
    site.kv.resume()
    await stage.assert_nothing_is_lost()


async def test_store_restart(stage: Stage, site: LocalRealSite) -> None:
    """Stopped in order with records in flight, and started: they are tried again, and done."""
    await stage.until_at_work()
    site.kv.stop()
    await stage.until_counted("a record is tried again", "retries_total")
    site.restart_store()
    await stage.assert_nothing_is_lost()
