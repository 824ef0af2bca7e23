"""Lag from outside: right numbers, and the live member of the group notices nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from ops.broker import EmbeddedBroker
from ops.lag.lanes import Lane
from ops.lag.measure import measure
from tests.integration.stream.kafka import publish

LIVE = Lane("live", "job-updates", "g")
NOW = datetime.now(UTC)


class Assignments(ConsumerRebalanceListener):
    """Counts assignments and revocations of a member."""

    def __init__(self):
        self.num_assigned = 0
        self.num_lost = 0

    async def on_partitions_assigned(self, assigned):
        self.num_assigned += 1

    async def on_partitions_revoked(self, revoked):
        self.num_lost += bool(revoked)


@pytest.fixture
def broker():
    with EmbeddedBroker({"job-updates": 2, "job-updates.backfill": 1}) as running:
        yield running


async def commit(broker, topic, group, offsets):
    """What a worker of the group has finished, by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic, partition) for partition in offsets]
        consumer.assign(places)
        await consumer.commit({place: offsets[place.partition] for place in places})
    finally:
        await consumer.stop()


async def test_lag_is_what_stands_behind_the_committed_offset(broker):
    """By partition and in sum, with the age of the oldest; a group without offsets is behind by all there is."""
    for partition, seconds in ((0, 90), (0, 60), (0, 30), (1, 10)):
        stamp = round((NOW - timedelta(seconds=seconds)).timestamp() * 1000)
        await publish(broker.bootstrap, [(b"k", b"v")], timestamp=stamp, partition=partition)
    await commit(broker, "job-updates", "g", {0: 1})
    (lane,) = await measure(broker.bootstrap, [LIVE], now=NOW)
    parts = [(part.partition, part.committed, part.end, part.lag, round(part.age_s)) for part in lane.partitions]
    assert parts == [(0, 1, 3, 2, 60), (1, None, 1, 1, 10)]
    assert (lane.lag, round(lane.age_s)) == (3, 60)


async def test_nothing_behind_has_no_age_and_missing_topics_are_left_out(broker):
    """All committed: 0 and no age. A lane whose topic does not exist is not shown."""
    await publish(broker.bootstrap, [(b"k", b"v")], "job-updates.backfill")
    await commit(broker, "job-updates.backfill", "g.backfill", {0: 1})
    lanes = [Lane("backfill", "job-updates.backfill", "g.backfill"), Lane("resummarise", "missing", "g.resummarise")]
    (lane,) = await measure(broker.bootstrap, lanes, now=NOW)
    assert (lane.lane.name, lane.lag, lane.age_s) == ("backfill", 0, None)


async def test_a_live_member_keeps_its_partitions_and_goes_on_committing(broker):
    """Ten looks at its group's offsets: no rebalance, and its next commit is taken."""
    await publish(broker.bootstrap, [(b"k%d" % number, b"v") for number in range(20)])
    member = AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap,
        group_id="g",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    assignments = Assignments()
    await member.start()
    try:
        member.subscribe(["job-updates"], listener=assignments)
        for num_read in range(1, 21):
            await member.getone()
            if num_read % 2 == 0:
                await member.commit()
                (lane,) = await measure(broker.bootstrap, [LIVE], now=NOW)
                assert lane.lag == 20 - num_read
        assert (assignments.num_assigned, assignments.num_lost) == (1, 0)
    finally:
        await member.stop()
