"""The worker on the embedded broker, in this process: every kind of record, and every kind of trouble."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.broker import EmbeddedBroker
from schemas.errors import Overloaded
from schemas.events import Delete, Upsert, encode_update
from store.memory import MemoryStore
from stream.attempts import Attempts
from stream.changelog import SummaryChangelog
from stream.config import NearlineConfig
from stream.deadletter import DeadLetters
from stream.health import Health
from stream.lanes import Handle, one_by_one
from stream.producer import KafkaPublisher
from stream.record import RecordHandler
from stream.shared import share
from stream.source import Record
from stream.telemetry import Telemetry
from stream.topics import missing_topics
from stream.worker import EXIT_FAIL_STOP, NearlineWorker
from tests.integration.stream.kafka import committed, eventually, last_documents, publish, read_topic
from tests.unit.stream.builders import PureSummaries, make_processor

TOPICS = {"job-updates": 4, "job-summaries": 4, "job-updates.dlq": 1}


class StoppedProcess(Exception):
    """Stands for the end of the process: nothing after it happens."""


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(TOPICS) as running:
        yield running


def config(broker: EmbeddedBroker, **changes: float) -> NearlineConfig:
    fields = {
        "max_in_flight": 4,
        "window": 16,
        "commit_interval_s": 0.1,
        "session_timeout_s": 2.0,
        "stop_timeout_s": 5.0,
        **changes,
    }
    return NearlineConfig(
        bootstrap_servers=broker.bootstrap,
        log_id=broker.log_id,
        summarizer_bundle=Path("unused"),
        ranker_bundle=Path("unused"),
        **fields,  # type: ignore[arg-type]
    )


@asynccontextmanager
async def worker_of(
    chosen: NearlineConfig,
    handle: Handle,
    telemetry: Telemetry | None = None,
    exits: list[int] | None = None,
) -> AsyncIterator[Health]:
    """A worker while the block runs; then it is stopped as SIGTERM would."""
    stop, health = asyncio.Event(), Health()
    health.waiting_for = ""
    exits = [] if exits is None else exits
    shared = share(chosen, telemetry or Telemetry(), health, exits.append)
    (live, *_) = chosen.lanes
    worker = NearlineWorker(chosen, live, handle, shared=shared, health=health.lane(live.name))
    running = asyncio.create_task(worker.run(stop))
    try:
        yield health
    finally:
        stop.set()
        await running


class Service:
    """Handler and parts of one service over a store that outlives it."""

    def __init__(self, chosen: NearlineConfig, store: MemoryStore, publisher: KafkaPublisher) -> None:
        self.telemetry = Telemetry()
        self.summaries = PureSummaries()
        processor = make_processor(
            store,
            SummaryChangelog(publisher, chosen.topics.summaries),  # type: ignore[arg-type]
            self.summaries,
            self.telemetry,
        )
        attempts = Attempts(
            DeadLetters(publisher, chosen.topics.dead_letters, log_id=chosen.log_id),
            max_tries=2,
            retry_budget_s=5,
            pause_s=0.1,
            telemetry=self.telemetry,
        )
        self.handler = RecordHandler(
            processor, attempts, stored=store.get, log_id=chosen.log_id, telemetry=self.telemetry
        )

    def count(self, outcome: str) -> int:
        return int(self.telemetry.registry.get_sample_value("precis_nearline_records_total", {"outcome": outcome}) or 0)


def job(number: int, version: int = 1, body: str = "Night shift.") -> tuple[bytes, bytes]:
    posting = {"title": f"Job {number}", "description": f"{body} {number}"}
    update = Upsert(job_id=f"job-{number}", version=version, event_time=datetime.now(UTC), posting=posting)
    return encode_update(update)


def gone(number: int, version: int) -> tuple[bytes, bytes]:
    return encode_update(Delete(job_id=f"job-{number}", version=version, event_time=datetime.now(UTC)))


POISON: list[tuple[bytes | None, bytes | None, str]] = [
    (b"bad-1", b"not json", "InvalidInput"),
    (b"bad-2", b"\xff\xfe", "InvalidInput"),
    (b"bad-3", json.dumps({"schema": "other/9", "job_id": "bad-3"}).encode(), "UnknownSchema"),
    (None, job(0)[1], "InvalidInput"),
    (b"bad-4", b'"' + b"x" * 900_001 + b'"', "PostingTooLarge"),
    (b"bad-5", job(0)[1], "InvalidInput"),
    (None, None, "InvalidInput"),
    (b"job-20", job(20, 1, "Another text.")[1], "VersionConflict"),
]


async def test_a_hundred_records_of_every_kind(broker: EmbeddedBroker) -> None:
    """Each is applied or dead-lettered with reason and bytes; all are committed; the changelog ends on the store."""
    chosen = config(broker)
    records: list[tuple[bytes | None, bytes | None]] = [job(number) for number in range(70)]
    records += [job(number, 2, "Day shift.") for number in range(10)]
    records += [gone(number, 3) for number in range(5)]
    records += [(b"job-%d" % number, None) for number in range(5, 9)]
    records += [job(0, 4)]
    records += [gone(99, 1), (b"job-98", None)]
    records += [(key, value) for key, value, _ in POISON]
    assert len(records) == 100
    store = MemoryStore()
    await publish(broker.bootstrap, records)
    async with KafkaPublisher(broker.bootstrap, client_id="test") as publisher:
        service = Service(chosen, store, publisher)
        async with worker_of(chosen, service.handler.handle_group, service.telemetry):
            await eventually(lambda: _is_committed(chosen, 100), "all committed")

    documents = await store.get_many([f"job-{number}" for number in range(100)])
    assert {job_id for job_id, document in documents.items() if document.is_deleted} == {
        *(f"job-{number}" for number in range(1, 9)),
        "job-98",
        "job-99",
    }
    assert len(documents) == 72
    assert documents["job-0"].source_version == 4
    assert await last_documents(broker.bootstrap) == documents
    letters = await read_topic(broker.bootstrap, chosen.topics.dead_letters)
    found = Counter((letter.key, letter.value, dict(letter.headers)["dlq.error"].decode()) for letter in letters)
    # With neither key nor value there is nothing to keep but the place: it is written as an empty value.
    assert found == Counter((key, b"" if key is value is None else value, error) for key, value, error in POISON)
    assert service.count("dead_lettered") == len(POISON)


async def test_odd_timestamps_and_headers_stop_nothing(broker: EmbeddedBroker) -> None:
    """Publishers may set both to anything; the record is applied, or dead-lettered with its headers."""
    chosen, store = config(broker), MemoryStore()
    odd = [("dlq.offset", b"9" * 5_000), ("empty", None), ("text", b"\xff")]
    await publish(broker.bootstrap, [job(1), (b"bad", b"x")], timestamp=2**62, headers=odd)
    await publish(broker.bootstrap, [job(2), (b"bad", b"y")], timestamp=1)
    async with KafkaPublisher(broker.bootstrap, client_id="test") as publisher:
        service = Service(chosen, store, publisher)
        async with worker_of(chosen, service.handler.handle_group):
            await eventually(lambda: _is_committed(chosen, 4), "all committed")
    assert (service.count("summarized"), service.count("dead_lettered")) == (2, 2)
    letters = await read_topic(broker.bootstrap, chosen.topics.dead_letters)
    assert dict(letters[0].headers)["text"] == b"\xff"


async def test_a_new_worker_resumes_where_the_last_one_stopped(broker: EmbeddedBroker) -> None:
    """Nothing is lost and nothing is done twice across an orderly stop."""
    chosen, store = config(broker), MemoryStore()
    async with KafkaPublisher(broker.bootstrap, client_id="test") as publisher:
        services = []
        for start in (0, 20):
            await publish(broker.bootstrap, [job(number) for number in range(start, start + 20)])
            service = Service(chosen, store, publisher)
            services.append(service)
            async with worker_of(chosen, service.handler.handle_group):
                await eventually(lambda start=start: _is_committed(chosen, start + 20), "all committed")
    assert [service.count("summarized") for service in services] == [20, 20]
    assert [service.count("redelivered") for service in services] == [0, 0]
    assert len(await store.get_many([f"job-{number}" for number in range(40)])) == 40


async def test_offsets_stop_before_a_record_at_work(broker: EmbeddedBroker) -> None:
    """Others go on, up to the window; nothing at or behind the record is committed until it is finished."""
    chosen = config(broker, max_in_flight=2, window=6)
    release, seen = asyncio.Event(), []

    async def handle(record: Record) -> None:
        seen.append((record.partition, record.offset))
        if record.key == b"slow":
            await release.wait()

    await publish(broker.bootstrap, [(b"slow", b"")])
    slow_in = next(record.partition for record in await read_topic(broker.bootstrap, "job-updates"))
    await publish(broker.bootstrap, [(b"quick-%d" % number, b"") for number in range(60)])
    async with worker_of(chosen, one_by_one(handle)):
        await eventually(lambda: _is_so(len(seen) >= 6), "the window is used")
        await eventually(lambda: _is_committed(chosen, 1, beside=slow_in), "others are committed")
        offsets = await committed(chosen.bootstrap_servers, chosen.group_id)
        assert offsets[slow_in] == 0
        behind = sum(1 for partition, _ in seen if partition == slow_in)
        assert behind <= 6
        release.set()
        await eventually(lambda: _is_committed(chosen, 61), "all committed")
    assert Counter(seen).most_common(1)[0][1] == 1


async def test_refused_work_pauses_and_comes_again(broker: EmbeddedBroker) -> None:
    """Overloaded is back-pressure: the same record again, nothing committed before it, readiness stays."""
    chosen, telemetry = config(broker), Telemetry()
    refusals: Counter[bytes] = Counter()

    async def handle(record: Record) -> None:
        assert record.key is not None
        refusals[record.key] += 1
        if refusals[record.key] <= 2:
            raise Overloaded("not now", retry_after_s=0.05)

    await publish(broker.bootstrap, [(b"key-%d" % number, b"") for number in range(10)])
    async with worker_of(chosen, one_by_one(handle), telemetry) as health:
        await eventually(lambda: _is_committed(chosen, 10), "all committed")
        assert health.is_ready()
    assert set(refusals.values()) == {3}
    assert telemetry.registry.get_sample_value("precis_nearline_pauses_total", {"lane": "live"}) == 20


async def test_what_nobody_planned_for_stops_the_process(broker: EmbeddedBroker) -> None:
    """The exit code says so, and nothing at or behind the record is committed: it comes back."""
    chosen = config(broker)
    exits: list[int] = []

    async def handle(record: Record) -> None:
        raise StoppedProcess(record.place)

    await publish(broker.bootstrap, [(b"key", b"")])
    async with worker_of(chosen, one_by_one(handle), exits=exits):
        await eventually(lambda: _is_so(bool(exits)), "stopped")
    assert exits[0] == EXIT_FAIL_STOP
    assert sum((await committed(chosen.bootstrap_servers, chosen.group_id)).values()) == 0


async def test_missing_topics_are_named_and_not_made(broker: EmbeddedBroker) -> None:
    """Asking does not create them, though the broker would on first use."""
    assert await missing_topics(broker.bootstrap, ["job-updates", "elsewhere"]) == ["elsewhere"]
    assert await missing_topics(broker.bootstrap, ["elsewhere"]) == ["elsewhere"]


async def _is_committed(chosen: NearlineConfig, wanted: int, *, beside: int | None = None) -> bool:
    offsets = await committed(chosen.bootstrap_servers, chosen.group_id)
    return sum(offset for partition, offset in offsets.items() if partition != beside) >= wanted


async def _is_so(value: bool) -> bool:
    return value
