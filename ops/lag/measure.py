"""Measuring lag from outside: no member joins, so the live members notice nothing.

A consumer with the group's name and partitions of its own choosing only asks for committed offsets. On the embedded
broker this is the only way (it has no admin calls), and on Apache Kafka it needs no more rights than consuming.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.lag.lanes import Lane
from ops.topic_reader import Span, TopicReader, kafka_errors
from store.consumers import stop_consumer

__all__ = ["LaneLag", "PartitionLag", "committed_offsets", "measure"]


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One partition of one lane.

    Attributes:
        partition: Its number.
        committed: Next offset that the group will process; None where it committed nothing yet.
        end: Offset of the next record to be written.
        lag: Records between the two that are still there.
        age_s: Seconds since the oldest uncommitted record was written; None where there is none.
    """

    partition: int
    committed: int | None
    end: int
    lag: int
    age_s: float | None


@dataclass(frozen=True, slots=True)
class LaneLag:
    """One lane: its partitions and their sum."""

    lane: Lane
    partitions: tuple[PartitionLag, ...]

    @property
    def lag(self) -> int:
        """Records not committed yet."""
        return sum(part.lag for part in self.partitions)

    @property
    def age_s(self) -> float | None:
        """Age of the oldest of them, in seconds; None where there is none."""
        return max((part.age_s for part in self.partitions if part.age_s is not None), default=None)


async def measure(bootstrap: str, lanes: Iterable[Lane], *, now: datetime) -> list[LaneLag]:
    """The lag of the lanes whose topics exist.

    Args:
        bootstrap: The broker.
        lanes: Which.
        now: Present time, UTC.

    Raises:
        BackendUnavailable: The broker does not answer.
    """
    found = []
    async with TopicReader(bootstrap) as reader:
        for lane in lanes:
            committed = await committed_offsets(bootstrap, lane.group, lane.topic, reader.partitions(lane.topic))
            spans = await reader.spans(lane.topic)
            parts = [await _partition_lag(reader, span, committed[span.partition], now) for span in spans]
            if parts:
                found.append(LaneLag(lane, tuple(parts)))
    return found


async def committed_offsets(bootstrap: str, group: str, topic: str, partitions: Iterable[int]) -> dict[int, int | None]:
    """Committed offset of each partition; None where nothing is committed. Joins no group.

    Raises:
        BackendUnavailable: The broker does not answer.
    """
    wanted = [TopicPartition(topic, number) for number in partitions]
    if not wanted:
        return {}
    with kafka_errors(bootstrap, "read committed offsets"):
        consumer: Any = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
        try:
            await consumer.start()
            return {place.partition: await consumer.committed(place) for place in wanted}
        finally:
            await stop_consumer(consumer)


async def _partition_lag(reader: TopicReader, span: Span, committed: int | None, now: datetime) -> PartitionLag:
    # What has expired cannot be processed any more, and a new group starts at the beginning: neither counts as lag.
    position = span.begin if committed is None else min(max(committed, span.begin), span.end)
    oldest = await reader.first_from(span.topic, span.partition, position) if position < span.end else None
    age_s = max(0.0, (now - oldest.log_time).total_seconds()) if oldest else None
    return PartitionLag(span.partition, committed, span.end, span.end - position, age_s)
