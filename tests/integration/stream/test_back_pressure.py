"""The engine refuses work for a while: consumption pauses, nothing grows nor is acknowledged early; then all is done.

On the embedded broker with one worker, and on Apache Kafka with a second one that joins in the pause.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from ops.broker import EmbeddedBroker
from schemas.errors import Overloaded, PrecisError
from store.memory import MemoryStore
from stream.config import NearlineConfig, TopicNames
from stream.producer import KafkaPublisher
from stream.telemetry import Telemetry
from stream.topics import topic_specs
from tests.doubles.engines import ScriptedSummarizer
from tests.integration.stream.kafka import committed, eventually, last_documents, publish, read_topic
from tests.integration.stream.workers import RunningLanes, job, record_handler, run_lanes

if TYPE_CHECKING:
    from tests.integration.fresh_topics import MakeTopics

NUM_JOBS = 300
READ_AHEAD = 64
WINDOW = 16
MAX_IN_FLIGHT = 4
RETRY_AFTER_S = 0.5
SESSION_S = 2.0
REFUSALS = 24
"""At most one a slot in each pause, so together they last longer than a session: heartbeats must have gone on."""


class RefusingEngine(ScriptedSummarizer):
    """Refuses every call while it is told to.

    Attributes:
        is_refusing: Whether it does.
        num_refused: How often it did.
    """

    def __init__(self) -> None:
        super().__init__(fail_when=self._refuse)
        self.is_refusing = True
        self.num_refused = 0

    def _refuse(self, prompt_ids: Sequence[int]) -> PrecisError | None:
        del prompt_ids
        if not self.is_refusing:
            return None
        self.num_refused += 1
        return Overloaded("full", retry_after_s=RETRY_AFTER_S)


def config_of(
    bootstrap: str, log_id: str, topics: TopicNames, group_id: str, *, session_timeout_s: float
) -> NearlineConfig:
    return NearlineConfig(
        bootstrap_servers=bootstrap,
        log_id=log_id,
        summarizer_bundle=Path("unused"),
        ranker_bundle=Path("unused"),
        topics=topics,
        group_id=group_id,
        max_in_flight=MAX_IN_FLIGHT,
        window=WINDOW,
        commit_interval_s=0.1,
        lag_interval_s=0.1,
        session_timeout_s=session_timeout_s,
        rebalance_timeout_s=20.0,
        stop_timeout_s=5.0,
        fetch_wait_s=0.05,
    )


async def num_committed(config: NearlineConfig) -> int:
    return sum((await committed(config.bootstrap_servers, config.group_id, config.topics.updates)).values())


def assert_bounded(running: RunningLanes) -> None:
    """What is held in memory is counted, and does not depend on what waits in the log."""
    assert running.sample("uncommitted_records") <= WINDOW
    assert running.sample("buffered_records") <= READ_AHEAD
    assert running.sample("keys_at_work") <= MAX_IN_FLIGHT
    assert running.health.is_live()


async def assert_all_done(config: NearlineConfig, store: MemoryStore) -> None:
    documents = await store.get_many([f"job-{number}" for number in range(NUM_JOBS)])
    assert len(documents) == NUM_JOBS
    assert await last_documents(config.bootstrap_servers, config.topics.summaries) == documents
    assert await read_topic(config.bootstrap_servers, config.topics.dead_letters) == []


async def test_a_refusing_engine_pauses_consumption_and_nothing_is_lost_or_acknowledged_early() -> None:
    """300 records wait behind a window of 16; one assignment throughout, commits only after the engine is back."""
    names = TopicNames()
    counts = {spec.name: spec.num_partitions for spec in topic_specs(names, num_partitions=4)}
    with EmbeddedBroker(counts) as broker, capture_logs() as logs:
        config = config_of(broker.bootstrap, broker.log_id, names, "precis-nearline", session_timeout_s=SESSION_S)
        store, engine, telemetry = MemoryStore(), RefusingEngine(), Telemetry()
        await publish(broker.bootstrap, [job(number) for number in range(NUM_JOBS)])
        async with KafkaPublisher(broker.bootstrap, client_id="test") as publisher:
            handler = record_handler(config, store, publisher, engine, telemetry)
            async with run_lanes(config, {"live": handler.handle_group}, telemetry) as running:
                for wanted in (5, 15, REFUSALS):
                    await eventually(lambda wanted=wanted: _is_so(engine.num_refused >= wanted), f"{wanted} refusals")
                    assert_bounded(running)
                    assert await num_committed(config) == 0
                await eventually(lambda: _is_so(running.sample("lag_records") == NUM_JOBS), "the lag is known")
                assert running.sample("pauses_total") >= REFUSALS
                assert REFUSALS / MAX_IN_FLIGHT * RETRY_AFTER_S > SESSION_S
                engine.is_refusing = False
                await eventually(lambda: _is_committed(config, NUM_JOBS), "all committed")
                assert_bounded(running)
                await eventually(lambda: _is_so(running.sample("lag_records") == 0), "no lag")
        await assert_all_done(config, store)
        assert len(engine.calls) == NUM_JOBS + engine.num_refused
        assert engine.peak_in_flight <= MAX_IN_FLIGHT
        assert [line["event"] for line in logs].count("nearline.assigned") == 1


@pytest.mark.java
async def test_a_second_worker_that_joins_in_the_pause_shares_the_work(fresh_topics: "MakeTopics") -> None:
    """On Apache Kafka: the rebalance does not wait for the engine, and nothing is lost or acknowledged early."""
    made = await fresh_topics(num_partitions=4)
    config = config_of(made.bootstrap, made.log_id, made.names, made.group_id, session_timeout_s=6.0)
    store, engine = MemoryStore(), RefusingEngine()
    await publish(made.bootstrap, [job(number) for number in range(NUM_JOBS)], made.names.updates)
    first, second = Telemetry(), Telemetry()
    async with KafkaPublisher(made.bootstrap, client_id="test") as publisher:
        one = record_handler(config, store, publisher, engine, first).handle_group
        two = record_handler(config, store, publisher, engine, second).handle_group
        async with run_lanes(config, {"live": one}, first) as running:
            await eventually(lambda: _is_so(running.sample("pauses_total") >= 5), "the first pauses")
            async with run_lanes(config, {"live": two}, second) as joined:
                await eventually(lambda: _is_so(joined.sample("pauses_total") >= 5), "the second pauses")
                for each in (running, joined):
                    await eventually(
                        lambda each=each: _is_so(0 < each.sample("lag_records") < NUM_JOBS), "both own some"
                    )
                    assert_bounded(each)
                assert await num_committed(config) == 0
                lags = running.sample("lag_records"), joined.sample("lag_records")
                assert sum(lags) == NUM_JOBS
                engine.is_refusing = False
                await eventually(lambda: _is_committed(config, NUM_JOBS), "all committed")
                assert (running.exits, joined.exits) == ([], [])
    await assert_all_done(config, store)
    for telemetry in (first, second):
        assert telemetry.registry.get_sample_value("precis_nearline_records_total", {"outcome": "summarized"})


async def _is_committed(config: NearlineConfig, wanted: int) -> bool:
    return await num_committed(config) == wanted


async def _is_so(value: bool) -> bool:
    await asyncio.sleep(0)
    return value
