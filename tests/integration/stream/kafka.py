"""What the suites of the worker do to the broker: publish, read a topic, ask for committed offsets, wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import Producer

from schemas.documents import SummaryDocument

__all__ = ["committed", "eventually", "last_documents", "publish", "read_topic"]

_POLL_S = 0.05


async def eventually(check: Callable[[], Awaitable[bool]], what: str, *, within_s: float = 240.0) -> None:
    """Look until it is so.

    Raises:
        AssertionError: It was not within the time.
    """
    deadline_s = time.monotonic() + within_s
    while not await check():
        assert time.monotonic() < deadline_s, f"not within {within_s} s: {what}"
        await asyncio.sleep(_POLL_S)


async def publish(
    bootstrap: str,
    records: Iterable[tuple[bytes | None, bytes | None]],
    topic: str = "job-updates",
    **fields: Any,
) -> None:
    """Append records in order, by another client than the service's; returns when all are acknowledged.

    Args:
        bootstrap: Address of the broker.
        records: Key and value of each.
        topic: Where to.
        fields: ``timestamp`` in milliseconds and ``headers`` of all of them, where they matter.
    """
    await asyncio.to_thread(_publish, bootstrap, list(records), topic, fields)


def _publish(
    bootstrap: str, records: list[tuple[bytes | None, bytes | None]], topic: str, fields: dict[str, Any]
) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5})
    failures: list[object] = []
    for key, value in records:
        producer.produce(topic, key=key, value=value, on_delivery=lambda error, _: failures.append(error), **fields)
    assert producer.flush(30) == 0
    assert not any(failures), failures


async def read_topic(bootstrap: str, topic: str) -> list[Any]:
    """Every record that stands in the topic now, partition by partition."""
    partitions = await _partitions(bootstrap, topic)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[Any] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


async def last_documents(bootstrap: str, topic: str = "job-summaries") -> dict[str, SummaryDocument]:
    """The last record of each key of the changelog."""
    records = await read_topic(bootstrap, topic)
    return {record.key.decode(): SummaryDocument.model_validate_json(record.value) for record in records}


async def committed(bootstrap: str, group_id: str, topic: str = "job-updates") -> dict[int, int]:
    """Committed offset of each partition; 0 where nothing is committed."""
    partitions = await _partitions(bootstrap, topic)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group_id, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        return {partition.partition: await consumer.committed(partition) or 0 for partition in partitions}
    finally:
        await consumer.stop()


async def _partitions(bootstrap: str, topic: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (described,) = await admin.describe_topics([topic])
        return [TopicPartition(topic, part["partition"]) for part in described["partitions"]]
    finally:
        await admin.close()
