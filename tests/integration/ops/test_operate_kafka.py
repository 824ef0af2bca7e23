"""The operator's reading and replaying on Apache Kafka: real groups, and a coordinator that must be found first."""

from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.dlq.read import read_box
from ops.dlq.replay import Replayer
from ops.lag.lanes import Lane
from ops.lag.measure import measure
from ops.topic_reader import TopicReader
from schemas.errors import InvalidInput
from stream.deadletter import DeadLetters, origin_of
from stream.producer import KafkaPublisher
from tests.integration.stream.kafka import publish

pytestmark = [pytest.mark.java, pytest.mark.timeout(400)]


async def commit(topics, offsets):
    consumer = AIOKafkaConsumer(bootstrap_servers=topics.bootstrap, group_id=topics.group_id, enable_auto_commit=False)
    await consumer.start()
    try:
        places = {TopicPartition(topics.names.updates, partition): offset for partition, offset in offsets.items()}
        consumer.assign(list(places))
        await consumer.commit(places)
    finally:
        await consumer.stop()


async def test_lag_and_replay_on_apache_kafka(fresh_topics):
    """A group without offsets, then with some; a letter goes back to its partition and is marked."""
    topics = await fresh_topics(num_partitions=2)
    lane = Lane("live", topics.names.updates, topics.group_id)
    missing = Lane("backfill", f"{topics.names.updates}.missing", topics.group_id)
    await publish(topics.bootstrap, [(b"k", b"v")] * 5, topics.names.updates, partition=1)
    (measured,) = await measure(topics.bootstrap, [lane, missing], now=datetime.now(UTC))
    assert [(part.committed, part.lag) for part in measured.partitions] == [(None, 0), (None, 5)]
    await commit(topics, {1: 3})
    (measured,) = await measure(topics.bootstrap, [lane], now=datetime.now(UTC))
    assert [(part.committed, part.lag) for part in measured.partitions] == [(None, 0), (3, 2)]
    assert measured.age_s is not None

    async with TopicReader(topics.bootstrap) as reader:
        assert reader.partitions(missing.topic) == ()
        refused = await reader.at(topics.names.updates, 1, 4)
        async with KafkaPublisher(topics.bootstrap, client_id="test") as publisher:
            letters = DeadLetters(publisher, topics.names.dead_letters, log_id=topics.log_id)
            await letters.publish(refused, InvalidInput("poison"), attempts=1)
        (letter,) = (await read_box(reader, topics.names.dead_letters)).letters
        async with Replayer(
            topics.bootstrap, reader, topics.names.dead_letters, clock=lambda: datetime.now(UTC)
        ) as replayer:
            assert await replayer.replay(letter) == f"{topics.names.updates}[1]@5"
        again = await reader.at(topics.names.updates, 1, 5)
        assert (again.key, again.value) == (refused.key, refused.value)
        assert origin_of(again, topics.log_id) == refused.origin(topics.log_id)
        box = await read_box(reader, topics.names.dead_letters)
        assert [len(box.replays(letter)) for letter in box.letters] == [1]
