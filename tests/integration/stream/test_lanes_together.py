"""Three lanes in one process on the embedded broker: apart in everything but the slots of the engine."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ops.broker import EmbeddedBroker
from schemas.errors import Overloaded
from store.memory import MemoryStore
from stream.config import NearlineConfig, TopicNames
from stream.lanes import one_by_one
from stream.producer import KafkaPublisher
from stream.source import Record
from stream.telemetry import Telemetry
from stream.topics import topic_specs
from stream.worker import EXIT_FAIL_STOP
from tests.doubles.engines import ScriptedSummarizer
from tests.integration.stream.kafka import committed, eventually, last_documents, publish
from tests.integration.stream.workers import job, record_handler, run_lanes

NAMES = TopicNames()


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({spec.name: spec.num_partitions for spec in topic_specs(NAMES, num_partitions=4)}) as running:
        yield running


def config_of(broker: EmbeddedBroker, **changes: float) -> NearlineConfig:
    fields = {
        "max_in_flight": 4,
        "window": 16,
        "commit_interval_s": 0.1,
        "lag_interval_s": 0.1,
        "session_timeout_s": 2.0,
        "stop_timeout_s": 5.0,
        "fetch_wait_s": 0.05,
        **changes,
    }
    return NearlineConfig(
        bootstrap_servers=broker.bootstrap,
        log_id=broker.log_id,
        summarizer_bundle=Path("unused"),
        ranker_bundle=Path("unused"),
        **fields,  # type: ignore[arg-type]
    )


class Gate:
    """A handler of records that wait until they are let through.

    Attributes:
        at_work: Records that wait now.
        finished: Records by topic.
        is_open: Set: all that wait and all that come are finished.
    """

    def __init__(self) -> None:
        self.at_work = 0
        self.peak = 0
        self.finished: Counter[str] = Counter()
        self.is_open = asyncio.Event()

    async def __call__(self, record: Record) -> None:
        self.at_work += 1
        self.peak = max(self.peak, self.at_work)
        try:
            await self.is_open.wait()
            self.finished[record.topic] += 1
        finally:
            self.at_work -= 1


def keys(number: int) -> list[tuple[bytes | None, bytes | None]]:
    return [(b"key-%d" % index, b"") for index in range(number)]


async def test_live_work_goes_on_while_lower_lanes_are_full(broker: EmbeddedBroker) -> None:
    """The backfill holds all that it may for as long as it likes; live records pass, and progress of both is apart."""
    config = config_of(broker)
    live_lane, backfill_lane, resummarise_lane = config.lanes
    lower, live = Gate(), Gate()
    live.is_open.set()
    await publish(broker.bootstrap, keys(200), NAMES.backfill)
    await publish(broker.bootstrap, keys(50), NAMES.resummarise)
    handles = {"live": one_by_one(live), "backfill": one_by_one(lower), "resummarise": one_by_one(lower)}
    async with run_lanes(config, handles) as running:
        await eventually(lambda: _is_so(lower.at_work == 3), "lower lanes hold all but the reserved slot")
        await publish(broker.bootstrap, keys(100), NAMES.updates)
        await eventually(lambda: _is_committed(config, live_lane.group_id, NAMES.updates, 100), "live committed")
        assert live.finished[NAMES.updates] == 100
        assert sum(lower.finished.values()) == 0
        assert lower.peak == 3
        await eventually(lambda: _is_so(running.sample("lag_records", "backfill") == 200), "lag of the backfill")
        await eventually(lambda: _is_so(running.sample("lag_records", "live") == 0), "no lag of the live lane")
        assert running.health.is_ready()
        lower.is_open.set()
        await eventually(lambda: _is_committed(config, backfill_lane.group_id, NAMES.backfill, 200), "backfilled")
        done = (config, resummarise_lane.group_id, NAMES.resummarise, 50)
        await eventually(lambda: _is_committed(*done), "re-summarised")
    assert running.exits == []


async def test_all_lanes_are_drained_within_one_stop_timeout(broker: EmbeddedBroker) -> None:
    """SIGTERM with work that never ends in every lane: they give up side by side, and what was done is committed."""
    config = config_of(broker, stop_timeout_s=1.5)
    stuck = Gate()
    handles = {}
    for lane in config.lanes:
        await publish(broker.bootstrap, [(b"quick", b""), *keys(1)], lane.topic)
        handles[lane.name] = one_by_one(_unless_quick(stuck))
    loop = asyncio.get_running_loop()
    async with run_lanes(config, handles) as running:
        await eventually(lambda: _is_so(stuck.at_work == 3), "one record of each lane is at work")
        started_s = loop.time()
    # Three in a row would take three times the limit; the rest is faust's own stop, far below its 10 s.
    assert loop.time() - started_s < 2 * config.stop_timeout_s + 1
    assert running.exits == []
    for lane in config.lanes:
        assert sum((await committed(broker.bootstrap, lane.group_id, lane.topic)).values()) <= 1


async def test_a_fail_stop_of_any_lane_ends_the_process(broker: EmbeddedBroker) -> None:
    """Nothing goes on behind a record that is neither finished nor given back."""
    config = config_of(broker)

    async def fail(record: Record) -> None:
        raise ZeroDivisionError(record.place)

    await publish(broker.bootstrap, keys(1), NAMES.resummarise)
    idle = Gate()
    handles = {"live": one_by_one(idle), "backfill": one_by_one(idle), "resummarise": one_by_one(fail)}
    async with run_lanes(config, handles) as running:
        await eventually(lambda: _is_so(bool(running.exits)), "stopped")
    assert running.exits[0] == EXIT_FAIL_STOP


async def test_lag_is_known_before_anything_was_delivered(broker: EmbeddedBroker) -> None:
    """A lane that takes nothing has the lag of its log, from the committed offset on; it is alive and ready."""
    config = config_of(broker)
    gate, held = Gate(), {"backfill"}
    gate.is_open.set()
    await publish(broker.bootstrap, keys(30), NAMES.backfill)
    handles = {"backfill": one_by_one(gate)}
    async with run_lanes(config, handles, held=held) as running:
        await eventually(lambda: _is_so(running.sample("lag_records", "backfill") == 30), "the whole log")
        assert sum(gate.finished.values()) == 0
        held.clear()
        await eventually(lambda: _is_so(running.sample("lag_records", "backfill") == 0), "done")
    await publish(broker.bootstrap, keys(12), NAMES.backfill)
    held.add("backfill")
    async with run_lanes(config, handles, held=held) as running:
        await eventually(lambda: _is_so(running.sample("lag_records", "backfill") == 12), "from the commit on")
        assert running.health.is_live()


async def test_a_refusal_in_a_lower_lane_pauses_all_and_live_work_comes_first(broker: EmbeddedBroker) -> None:
    """The engine is shared; after the pause a live record is at work before the one that was refused."""
    config = config_of(broker)
    order: list[str] = []
    refuse, held = asyncio.Event(), {"live"}

    async def handle(record: Record) -> None:
        order.append(record.topic)
        if order == [NAMES.backfill]:
            await refuse.wait()
            raise Overloaded("full", retry_after_s=0.1)

    handles = {"live": one_by_one(handle), "backfill": one_by_one(handle)}
    async with run_lanes(config, handles, held=held) as running:
        await publish(broker.bootstrap, keys(1), NAMES.backfill)
        await publish(broker.bootstrap, keys(3), NAMES.updates)
        await eventually(lambda: _is_so(bool(order)), "the backfill is at work")
        await eventually(lambda: _is_so(running.sample("buffered_records") == 2), "one live record in hand, two behind")
        held.clear()
        refuse.set()
        await eventually(lambda: _is_so(len(order) == 5), "all done")
    assert order[:2] == [NAMES.backfill, NAMES.updates]
    assert Counter(order) == {NAMES.backfill: 2, NAMES.updates: 3}


async def test_ten_edits_in_a_moment_cost_two_summaries_and_the_last_one_wins(broker: EmbeddedBroker) -> None:
    """Through Kafka, with other jobs between them; every record is committed and the changelog ends on the last."""
    config = config_of(broker, window=64)  # so that all of them can queue
    store, engine, telemetry = MemoryStore(), ScriptedSummarizer(), Telemetry()
    engine.hold()
    edits = [job(1, version, f"Text {version}.") for version in range(1, 11)]
    records: Sequence[tuple[bytes | None, bytes | None]] = [entry for edit in edits for entry in (edit, job(2))]
    async with KafkaPublisher(broker.bootstrap, client_id="test") as publisher:
        handler = record_handler(config, store, publisher, engine, telemetry)
        async with run_lanes(config, {"live": handler.handle_group}, telemetry) as running:
            await publish(broker.bootstrap, [job(1, 1, "Text 1.")])
            await engine.started.wait()
            await publish(broker.bootstrap, records)
            await eventually(lambda: _is_so(running.sample("uncommitted_records") == 21), "they are queued")
            engine.release.set()
            (live, *_) = config.lanes
            await eventually(lambda: _is_committed(config, live.group_id, NAMES.updates, 21), "all committed")
    document = (await store.get_many(["job-1"]))["job-1"]
    assert document.source_version == 10
    assert (await last_documents(broker.bootstrap))["job-1"] == document
    num_calls = len(engine.calls)
    assert num_calls == 1 + 1 + 1  # the first, the other job, and the edits


def _unless_quick(stuck: Gate):
    async def handle(record: Record) -> None:
        if record.key != b"quick":
            await stuck(record)

    return handle


async def _is_committed(config: NearlineConfig, group_id: str, topic: str, wanted: int) -> bool:
    return sum((await committed(config.bootstrap_servers, group_id, topic)).values()) == wanted


async def _is_so(value: bool) -> bool:
    await asyncio.sleep(0)
    return value
