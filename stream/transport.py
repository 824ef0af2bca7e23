"""Faust's Kafka transport, with what it lacks: a fetch wait to set, waiting for room, committed offsets, a whole seek.

Faust asks the broker to hold an empty fetch for 1.5 s and offers no setting. Apache Kafka answers as soon as a record
arrives, so there the wait costs nothing; the embedded broker (librdkafka's mock cluster) holds it to the end, and every
update on an idle system would be that late.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import faust
from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.services import WaitResults

from stream.eager import Started

__all__ = ["committed_offsets", "make_transport"]

_LONGEST_LOOK_AWAY_S = 1.0
"""As faust's own: partitions may be taken away meanwhile."""


class _Thread(driver.AIOKafkaConsumerThread):
    """The thread of its own that the Kafka client runs in.

    Attributes:
        fetch_wait_s: Longest wait of an empty fetch, in seconds; set before the thread starts.
    """

    fetch_wait_s: float

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        consumer: Any = super()._create_consumer(loop=loop)
        # Read when the consumer starts. Faust and aiokafka are both pinned to one version.
        consumer._fetch_max_wait_ms = round(self.fetch_wait_s * 1000)  # noqa: SLF001
        return consumer

    async def committed_offsets(self, partitions: Iterable[TP]) -> dict[TP, int]:
        found: dict[TP, int] = await self.call_thread(self._committed_offsets, tuple(partitions))
        return found

    async def _committed_offsets(self, partitions: tuple[TP, ...]) -> dict[TP, int]:
        consumer = self._ensure_consumer()
        offsets = [await consumer.committed(TopicPartition(tp.topic, tp.partition)) for tp in partitions]
        return {tp: offset for tp, offset in zip(partitions, offsets, strict=True) if offset is not None}

    async def seek_to_committed(self) -> dict[TP, int]:
        """Go back to what the group has committed; where that is nothing, to the first record.

        After a rebalance faust throws away what it had fetched and relies on this to get it again, but aiokafka leaves
        a partition without a commit where it is: its first records would be passed over, then committed past.
        """
        found: dict[TP, int] = await self.call_thread(self._seek_to_committed)
        return found

    async def _seek_to_committed(self) -> dict[TP, int]:
        consumer = self._ensure_consumer()
        committed: dict[TP, int] = await consumer.seek_to_committed()
        uncommitted = [tp for tp, offset in committed.items() if not offset]  # 0, or None whatever the types say
        if uncommitted:
            for tp, offset in (await consumer.beginning_offsets(uncommitted)).items():
                if tp in consumer.assignment():  # it may have been revoked meanwhile
                    consumer.seek(tp, offset)
        return committed


class _Consumer(driver.Consumer):
    """The consumer, awake.

    Where the buffer of every partition is full, faust sleeps for a second before it looks again, however soon there is
    room: a service that works its buffer off faster than that runs dry once a second.
    """

    fetch_wait_s: float

    def __init__(self, *args: Any, **options: Any) -> None:
        self._has_room = asyncio.Event()
        super().__init__(*args, **options)

    def on_buffer_drop(self, tp: TP) -> None:
        super().on_buffer_drop(tp)
        self._has_room.set()

    async def wait_first(self, *waited: Any, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109 (faust's own)
        """What is done first. Faust delivers each record by this: four tasks, for what is mostly done at once."""
        first, *others = waited
        if asyncio.iscoroutine(first):
            delivery = Started(first)
            if delivery.is_done:
                for other in others:
                    if asyncio.iscoroutine(other):
                        other.close()
                return WaitResults([first], [delivery.result()], self.should_stop)
            first = delivery.rest()
        return await super().wait_first(first, *others, timeout=timeout)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 (faust's own)
        if self._buffered_partitions and not self._get_active_partitions():
            self._has_room.clear()
            await self.wait(self._has_room.wait(), timeout=_LONGEST_LOOK_AWAY_S)
        return await super()._wait_next_records(timeout)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        thread = _Thread(self, loop=self.loop, beacon=self.beacon)
        thread.fetch_wait_s = self.fetch_wait_s
        return thread


async def committed_offsets(app: faust.App, partitions: Iterable[TP]) -> dict[TP, int]:
    """What the group of a running app has committed; partitions without a commit are left out.

    Args:
        app: Started, with a transport of :func:`make_transport`.
        partitions: Assigned ones.

    Raises:
        KafkaError: The broker does not answer.
    """
    thread: _Thread = app.consumer._thread  # type: ignore[attr-defined]  # noqa: SLF001 - made here
    return await thread.committed_offsets(partitions)


def make_transport(app: faust.App, *, fetch_wait_s: float) -> driver.Transport:
    """The transport of an app that was not started yet; assign it to ``app.transport``.

    Args:
        app: Whose broker addresses are used.
        fetch_wait_s: Longest wait of an empty fetch, in seconds.
    """

    class Consumer(_Consumer):
        pass

    Consumer.fetch_wait_s = fetch_wait_s

    class Transport(driver.Transport):
        pass

    Transport.Consumer = Consumer
    return Transport(app.conf.broker_consumer, app)
