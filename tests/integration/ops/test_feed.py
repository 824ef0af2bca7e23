"""Publishing on the embedded broker, and learning what became of each update."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from ops.broker import EmbeddedBroker
from ops.feed import DeadLettered, JobFeed, Servable
from ops.ingest.read import Readable, Refused
from ops.ingest.run import Report, ingest
from ops.settings import Ingest, Topics
from schemas.documents import NumTokens, Origin, State, SummaryDocument
from schemas.errors import BackendTimeout, BackendUnavailable, PostingTooLarge
from schemas.events import MAX_RECORD_BYTES, Delete, Tombstone, decode_update
from schemas.posting import JobId

TOPICS = Topics()


def document(job_id, version, record, *, is_deleted=False):
    now = datetime.now(UTC)
    place = Origin(log="l", topic=record.topic, partition=record.partition, offset=record.offset, log_time=now)
    return SummaryDocument(
        job_id=job_id,
        source_version=version,
        state=State.DELETED if is_deleted else State.FRESH,
        header="h",
        summary="s",
        content_hash="c",
        posting_hash="p",
        summarizer=None,
        num_tokens=NumTokens(raw=1, item=1),
        valid_through=None,
        origin=place,
        event_time=now,
        summarized_at=now,
        rev=1,
    )


class AnsweringService:
    """Answers every update as the nearline service does, without a model: titles ``poison`` are dead-lettered."""

    def __init__(self, bootstrap, topic):
        self.bootstrap = bootstrap
        self.topic = topic
        self.versions = {}
        self.is_silent = False

    async def run(self, started):
        consumer = AIOKafkaConsumer(self.topic, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await consumer.start()
        await producer.start()
        started.set()
        try:
            async for record in consumer:
                if not self.is_silent:
                    await self.answer(record, producer)
        finally:
            await consumer.stop()
            await producer.stop()

    async def answer(self, record, producer):
        update = decode_update(record.key, record.value)
        title = "" if isinstance(update, Tombstone | Delete) else update.posting.get("title")
        if title == "overtaken":
            return
        if title == "poison":
            headers = {
                "dlq.topic": record.topic,
                "dlq.partition": str(record.partition),
                "dlq.offset": str(record.offset),
                "dlq.error": "InvalidInput",
                "dlq.message": "poisoned",
            }
            encoded = [(name, value.encode()) for name, value in headers.items()]
            await producer.send_and_wait(TOPICS.dead_letters, record.value, key=record.key, headers=encoded)
            return
        version = max(self.versions.get(update.job_id, 0), getattr(update, "version", 0))
        self.versions[update.job_id] = version
        answer = document(update.job_id, version, record, is_deleted=isinstance(update, Tombstone | Delete))
        value = answer.model_dump_json().encode()
        await producer.send_and_wait(TOPICS.summaries, value, key=update.job_id.encode())


@asynccontextmanager
async def running(topic=TOPICS.updates):
    with EmbeddedBroker({topic: 4, TOPICS.summaries: 4, TOPICS.dead_letters: 1}) as broker:
        service, started = AnsweringService(broker.bootstrap, topic), asyncio.Event()
        task = asyncio.create_task(service.run(started))
        await started.wait()
        try:
            async with JobFeed(broker.bootstrap, TOPICS, topic) as feed:
                yield feed, service
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def readable(number, title="Baker"):
    return Readable(f"f:{number}", JobId(f"job-{number}"), {"identifier": f"job-{number}", "title": title})


async def test_every_item_is_accounted_for():
    """Servable, dead-lettered and refused add up, each with its place; the bound on outstanding records is kept."""
    async with running() as (feed, _):
        items = [readable(number, "poison" if number % 10 == 3 else "Baker") for number in range(100)]
        report, most = Report(), 0

        def watch(so_far):
            nonlocal most
            most = max(most, so_far.num_published - so_far.num_settled)

        limits = Ingest(max_outstanding=8)
        await ingest([*items, Refused("f:100", "broken")], feed, limits, report=report, on_progress=watch)
    assert (report.num_published, report.num_lost, len(report.refused)) == (100, 0, 1)
    assert report.states == {"fresh": 90}
    assert sorted(place for place, _ in report.dead) == sorted(f"f:{number}" for number in range(3, 100, 10))
    assert report.dead[0][1].message == "poisoned"
    assert 0 < most <= 8
    assert len(report.freshness_s) == 90


async def test_an_overtaken_update_counts_as_servable():
    """Where a later version of the same job answers, the earlier update is settled without a freshness of its own."""
    async with running() as (feed, _):
        first = await feed.upsert(JobId("a"), {"title": "overtaken"})
        second = await feed.upsert(JobId("a"), {"title": "two"})
        overtaken, answered = await asyncio.wait_for(asyncio.gather(first, second), 30)
    assert isinstance(overtaken, Servable)
    assert isinstance(answered, Servable)
    assert overtaken.document == answered.document
    assert overtaken.freshness_s is None
    assert answered.freshness_s is not None


async def test_deletes_and_tombstones_settle_on_a_deleted_document():
    """Both ways to delete are answered by the deleted document."""
    async with running() as (feed, _):
        for send in (feed.delete, feed.tombstone):
            await asyncio.wait_for(await feed.upsert(JobId("a"), {"title": "x"}), 30)
            settled = await asyncio.wait_for(await send(JobId("a")), 30)
            assert isinstance(settled, Servable)
            assert settled.document.is_deleted


async def test_a_dead_letter_is_told_with_its_reason():
    """The class and the message of the error come back."""
    async with running() as (feed, _):
        settled = await asyncio.wait_for(await feed.upsert(JobId("a"), {"title": "poison"}), 30)
    assert settled == DeadLettered("a", "InvalidInput", "poisoned")


async def test_a_feed_of_the_backfill_publishes_there_and_knows_its_answers():
    """The broker has no live topic here: the records and the dead letters are those of the backfill."""
    async with running(TOPICS.backfill) as (feed, _):
        served = await asyncio.wait_for(await feed.upsert(JobId("a"), {"title": "x"}), 30)
        dead = await asyncio.wait_for(await feed.upsert(JobId("b"), {"title": "poison"}), 30)
    assert isinstance(served, Servable)
    assert isinstance(dead, DeadLettered)


async def test_a_posting_over_the_limit_is_never_sent():
    """Too large for a record: refused here, and the feed goes on."""
    async with running() as (feed, _):
        with pytest.raises(PostingTooLarge):
            await feed.upsert(JobId("a"), {"title": "x" * MAX_RECORD_BYTES})
        assert isinstance(await asyncio.wait_for(await feed.upsert(JobId("a"), {"title": "x"}), 30), Servable)


async def test_silence_of_the_service_ends_the_ingest():
    """Nothing becomes servable for the limit: an error that says what is outstanding, and a report that is true."""
    async with running() as (feed, service):
        service.is_silent = True
        report = Report()
        with pytest.raises(BackendTimeout, match="1 records are outstanding, the first from f:1"):
            await ingest([readable(1)], feed, Ingest(stall_timeout_s=0.2), report=report)
    assert report.num_lost == 1


async def test_a_broker_that_is_not_there_is_named():
    """The address stands in the error."""
    with pytest.raises(BackendUnavailable, match=r"127\.0\.0\.1:1"):
        async with JobFeed("127.0.0.1:1", TOPICS):
            pass
