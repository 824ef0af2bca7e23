"""The bench's own side of the broker: publishes updates, notes when each changelog record was made.

By librdkafka, whose work is done in C beside this process's Python: what the bench itself costs is not to be measured.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from ops.settings import Topics
from schemas.errors import BackendTimeout, BackendUnavailable

__all__ = ["Published", "Wire"]

_CONSUME_AT_ONCE = 500
_POLL_S = 0.05
_FLUSH_S = 60.0
# Below errors: what goes wrong comes as an answer, and a broker that stops first is none.
_LOG_LEVEL = 2
# The embedded broker holds an empty fetch for its whole wait, whatever arrives meanwhile.
_FETCH_WAIT_MS = 50


@dataclass(frozen=True, slots=True)
class Published:
    """One record of the changelog.

    Attributes:
        job_id: Its key.
        at_s: When the nearline service handed it to the broker, the document being stored by then; seconds since the
            epoch, by the record's own timestamp.
    """

    job_id: str
    at_s: float


@dataclass(slots=True)
class Wire:
    """A producer of updates and a reader of the changelog from its end on. Use as a context manager."""

    bootstrap: str
    topics: Topics
    _producer: Producer = field(init=False)
    _consumer: Consumer = field(init=False)
    _failures: list[str] = field(init=False, default_factory=list)

    def __enter__(self) -> Self:
        self._producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "acks": "all",
                "linger.ms": 1,
                "log_level": _LOG_LEVEL,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "precis-bench",  # asked for, and not used: partitions are assigned, nothing is committed
                "log_level": _LOG_LEVEL,
                "enable.auto.commit": False,
                "fetch.wait.max.ms": _FETCH_WAIT_MS,
            }
        )
        described = self._consumer.list_topics(self.topics.summaries, timeout=30).topics[self.topics.summaries]
        partitions = [TopicPartition(self.topics.summaries, number) for number in described.partitions]
        ends = [self._consumer.get_watermark_offsets(partition, timeout=30)[1] for partition in partitions]
        self._consumer.assign(
            [TopicPartition(part.topic, part.partition, end) for part, end in zip(partitions, ends, strict=True)]
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._consumer.close()

    def publish(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Append these updates; all are acknowledged when this returns.

        Raises:
            BackendUnavailable: The broker refused one, or did not answer.
        """
        for key, value in records:
            self.send(key, value)
        self.flush()

    def send(self, key: bytes, value: bytes) -> None:
        """Hand over one update; it leaves within a millisecond or two."""
        self._producer.produce(self.topics.updates, key=key, value=value, on_delivery=self._note)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until every update handed over is acknowledged. Raises as :meth:`publish`."""
        if left := self._producer.flush(_FLUSH_S):
            self._failures.append(f"{left} updates not acknowledged after {_FLUSH_S:.0f} s")
        if self._failures:
            raise BackendUnavailable(self._failures[0], backend="kafka", operation="publish updates")

    def wait_for(self, num_records: int, *, stall_s: float) -> list[Published]:
        """The next records of the changelog.

        Args:
            num_records: How many to wait for.
            stall_s: Give up where none came for this long, seconds.

        Raises:
            BackendTimeout: Fewer came.
        """
        found: list[Published] = []
        last_s = time.monotonic()
        while len(found) < num_records:
            messages = self._consumer.consume(_CONSUME_AT_ONCE, timeout=_POLL_S)
            found += [_published(message) for message in messages if message.error() is None]
            if messages:
                last_s = time.monotonic()
            elif time.monotonic() - last_s > stall_s:
                message = f"{len(found)} of {num_records} updates answered, then none for {stall_s:.0f} s: see its log"
                raise BackendTimeout(message, backend="nearline", operation="wait for the changelog")
        return found

    def _note(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failures.append(str(error))


def _published(message: Message) -> Published:
    _, at_ms = message.timestamp()
    return Published((message.key() or b"").decode(), at_ms / 1000)
