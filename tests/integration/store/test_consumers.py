"""Consumers are stopped for good, on the embedded broker and when it is away."""

import asyncio
import contextlib

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from ops.broker import EmbeddedBroker
from store.consumers import stop_consumer

_PLACES = [TopicPartition("jobs", 0), TopicPartition("jobs", 1)]


async def _reading(consumer: AIOKafkaConsumer) -> None:
    await consumer.start()
    consumer.assign(_PLACES)
    await consumer.seek_to_beginning(*_PLACES)
    await consumer.getmany(timeout_ms=1)


@pytest.mark.parametrize("is_away", [False, True], ids=["broker-there", "broker-away"])
async def test_nothing_of_a_stopped_consumer_is_left(is_away: bool) -> None:
    """No task that asks for metadata for ever; a connection would be an error of its own when it is collected."""
    before = asyncio.all_tasks()
    with EmbeddedBroker({"jobs": 2}) as broker:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", request_timeout_ms=1000
        )
        await _reading(consumer)
        if not is_away:
            await stop_consumer(consumer)
    if is_away:
        with contextlib.suppress(KafkaError):
            await consumer.getmany(timeout_ms=1)
        await stop_consumer(consumer)
    assert asyncio.all_tasks() == before


async def test_a_consumer_that_never_started_is_stopped_too() -> None:
    """Where nothing listens."""
    before = asyncio.all_tasks()
    with EmbeddedBroker({"jobs": 2}) as broker:
        address = broker.bootstrap
    consumer = AIOKafkaConsumer(bootstrap_servers=address, request_timeout_ms=1000)
    with pytest.raises(KafkaError):
        await consumer.start()
    await stop_consumer(consumer)
    assert asyncio.all_tasks() == before
