"""Reading topics as an operator does: outside of any group, from offset to offset, disturbing nobody.

Works on Apache Kafka and on the embedded broker alike: metadata, offsets and fetches are all it asks for.
"""

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import BackendTimeout, BackendUnavailable
from store.consumers import stop_consumer
from stream.source import Record

__all__ = ["Span", "TopicReader", "kafka_errors"]

# The embedded broker holds an empty fetch for its whole wait, whatever arrives meanwhile.
_FETCH_WAIT_MS = 50
_POLL_MS = 500
_STALL_S = 30.0
_MAX_RECORD_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """Records of one partition, from ``begin`` to before ``end``.

    Attributes:
        topic: The topic.
        partition: The partition.
        begin: First offset that is still there.
        end: Offset of the next record to be written.
    """

    topic: str
    partition: int
    begin: int
    end: int


class TopicReader:
    """A reader of one cluster. Use as an async context manager; one reading at a time."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: Any = None
        self._partitions: dict[str, tuple[int, ...]] = {}

    async def __aenter__(self) -> Self:
        with kafka_errors(self._bootstrap, "connect"):
            self._partitions = await _all_partitions(self._bootstrap)
            self._consumer = _make_consumer(self._bootstrap)
            try:
                await self._consumer.start()
            except BaseException:
                await stop_consumer(self._consumer)
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await stop_consumer(self._consumer)

    def partitions(self, topic: str) -> tuple[int, ...]:
        """Its partitions as of the start of this reader; empty where there is no such topic."""
        return self._partitions.get(topic, ())

    async def spans(self, topic: str, partitions: Iterable[int] | None = None) -> list[Span]:
        """What stands in the topic now, by partition; empty where there is no such topic.

        Args:
            topic: The topic.
            partitions: Only these; all of them by default.

        Raises:
            BackendUnavailable: The broker does not answer.
        """
        numbers = self.partitions(topic) if partitions is None else partitions
        chosen = [TopicPartition(topic, number) for number in numbers]
        if not chosen:
            return []
        with kafka_errors(self._bootstrap, "read offsets"):
            begins = await self._consumer.beginning_offsets(chosen)
            ends = await self._consumer.end_offsets(chosen)
        return [Span(topic, at.partition, begins[at], ends[at]) for at in chosen]

    async def read(self, spans: Iterable[Span]) -> AsyncIterator[Record]:
        """The records of the spans, one partition after the other, in order; what comes later is not waited for.

        Raises:
            BackendUnavailable: The broker does not answer.
            BackendTimeout: It gave nothing for half a minute although there is more.
        """
        for span in spans:
            if span.begin < span.end:
                async for record in self._read_one(span):
                    yield record

    async def at(self, topic: str, partition: int, offset: int) -> Record | None:
        """The record at this place; None where it is not there (any more). Raises as :meth:`read`."""
        record = await self.first_from(topic, partition, offset)
        return record if record is not None and record.offset == offset else None

    async def first_from(self, topic: str, partition: int, offset: int) -> Record | None:
        """The first record at this place or behind it; None where there is none. Raises as :meth:`read`."""
        if partition not in self.partitions(topic):
            return None
        (span,) = await self.spans(topic, [partition])
        if offset >= span.end:
            return None
        wanted = Span(topic, partition, max(offset, span.begin), span.end)
        async with contextlib.aclosing(self._read_one(wanted)) as records:
            return await anext(records, None)

    async def _read_one(self, span: Span) -> AsyncGenerator[Record, None]:
        place = TopicPartition(span.topic, span.partition)
        with kafka_errors(self._bootstrap, f"read {span.topic}[{span.partition}]"):
            self._consumer.assign([place])
            self._consumer.seek(place, span.begin)
            last_progress_s = time.monotonic()
            while await self._consumer.position(place) < span.end:
                batch = (await self._consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, ())
                for consumed in batch:
                    if consumed.offset >= span.end:
                        return
                    yield Record.of(consumed, timestamp_s=(consumed.timestamp or 0) / 1000)
                if batch:
                    last_progress_s = time.monotonic()
                elif time.monotonic() - last_progress_s > _STALL_S:
                    reached = await self._consumer.position(place)
                    raise BackendTimeout(
                        f"nothing came for {_STALL_S:.0f} s, at offset {reached} of {span.end}",
                        backend="kafka",
                        operation=f"read {span.topic}[{span.partition}]",
                    )


@contextlib.contextmanager
def kafka_errors(bootstrap: str, operation: str) -> Iterator[None]:
    """Errors of the client as ours.

    Raises:
        BackendUnavailable: Whatever the client reported.
    """
    try:
        yield
    except (KafkaError, TimeoutError) as error:
        raise BackendUnavailable(
            f"{bootstrap!r} cannot be used: {str(error) or type(error).__name__}", backend="kafka", operation=operation
        ) from error


async def _all_partitions(bootstrap: str) -> dict[str, tuple[int, ...]]:
    """Partitions of every topic. All are asked for: naming one that is missing could make it."""
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
        described = await admin.describe_topics()
    finally:
        await admin.close()
    return {
        topic["topic"]: tuple(sorted(part["partition"] for part in topic["partitions"]))
        for topic in described
        if not topic["error_code"]
    }


def _make_consumer(bootstrap: str) -> Any:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=_FETCH_WAIT_MS,
        max_partition_fetch_bytes=_MAX_RECORD_BYTES,
        request_timeout_ms=15_000,
    )
