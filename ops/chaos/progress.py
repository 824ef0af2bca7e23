"""How far a group has committed a topic, watched from outside."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import BackendUnavailable
from store.consumers import stop_consumer

__all__ = ["Progress"]

_FETCH_WAIT_MS = 50


@dataclass(slots=True)
class Progress:
    """Committed offsets of one group and ends of one topic. Use as an async context manager.

    Attributes:
        bootstrap: The broker.
        topic: The topic.
        group: Whose commits are read; it is not joined.
        num_partitions: Of the topic.
    """

    bootstrap: str
    topic: str
    group: str
    num_partitions: int
    _consumer: Any = None

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=self.group,
            enable_auto_commit=False,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        await self._consumer.start()
        self._consumer.assign(self._places())
        self._consumer.pause(*self._places())  # it never reads: it only asks for offsets
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await stop_consumer(self._consumer)

    async def committed(self) -> dict[int, int]:
        """Committed offset of each partition; 0 where nothing is committed.

        Raises:
            BackendUnavailable: The broker does not answer. A library's own error or time-out, whichever comes first.
        """
        try:
            return {place.partition: await self._consumer.committed(place) or 0 for place in self._places()}
        except (KafkaError, TimeoutError) as error:
            raise BackendUnavailable(repr(error), backend="kafka", operation="read commits") from error

    async def is_through(self) -> bool:
        """Whether everything that stands in the topic is committed.

        Raises:
            BackendUnavailable: The broker does not answer.
        """
        try:
            ends = await self._consumer.end_offsets(self._places())
        except (KafkaError, TimeoutError) as error:
            raise BackendUnavailable(repr(error), backend="kafka", operation="read ends") from error
        committed = await self.committed()
        return all(committed[place.partition] >= end for place, end in ends.items())

    def _places(self) -> list[TopicPartition]:
        return [TopicPartition(self.topic, number) for number in range(self.num_partitions)]
