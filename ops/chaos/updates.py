"""The segment's records: publishing, how far they are committed, and what stands in the log at the end."""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from ops.chaos.progress import Progress
from ops.chaos.records import SEQ_HEADER, Entry, Planned
from ops.settings import Topics
from ops.topic_reader import TopicReader
from schemas.errors import BackendError, BackendProtocolError, BackendUnavailable
from schemas.events import MAX_RECORD_BYTES
from schemas.resummarise import ResummariseRequest, encode_request
from stream.source import Record

__all__ = ["UpdateLog", "read_all"]

_ANSWER_LIMIT_S = 5.0
_RECONNECT_PAUSE_S = 0.5


class UpdateLog:
    """Topics ``updates`` and ``resummarise`` of a segment, and the groups that consume them. An async context manager.

    Attributes:
        bootstrap: The broker.
        acked: Place of each acknowledged update, by number in the plan.
        num_ambiguous: Updates whose send failed: the log tells whether they stand in it.
    """

    def __init__(self, bootstrap: str, topics: Topics, group: str) -> None:
        """Connect to nothing yet.

        Args:
            bootstrap: The broker.
            topics: Of the segment.
            group: Of the live lane; that of the re-summarise lane has ``.resummarise`` behind it.
        """
        self.bootstrap = bootstrap
        self.acked: dict[int, tuple[int, int]] = {}
        self.num_ambiguous = 0
        self._topics = topics
        self._live = Progress(bootstrap, topics.updates, group, topics.num_partitions)
        self._lane = Progress(bootstrap, topics.resummarise, f"{group}.resummarise", topics.num_partitions)
        self._producer: Any = None
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def publish(self, records: list[Planned]) -> None:
        """Append the updates in order; returns when each is acknowledged, or its send has failed."""
        try:
            sent = [await self._send(record) for record in records]
        except KafkaError:
            self.num_ambiguous += len(records)
            await self._reconnect()
            return
        results = await asyncio.gather(*sent, return_exceptions=True)
        for record, place in zip(records, results, strict=True):
            if isinstance(place, BaseException):
                self.num_ambiguous += 1
            else:
                self.acked[record.seq] = (place.partition, place.offset)
        if any(isinstance(place, BaseException) for place in results):
            await self._reconnect()

    async def ask_anew(self, request: ResummariseRequest) -> None:
        """Append a re-summarise request; whether it arrives does not matter to the end state."""
        key, value = encode_request(request)
        try:
            await self._producer.send_and_wait(self._topics.resummarise, value, key=key)
        except KafkaError:
            await self._reconnect()

    async def num_uncommitted(self) -> int | None:
        """Updates that are acknowledged and not committed; None while the broker does not answer."""
        try:
            async with asyncio.timeout(_ANSWER_LIMIT_S):
                committed = await self._live.committed()
        except (BackendUnavailable, TimeoutError):
            return None
        ends = dict.fromkeys(committed, 0)
        for partition, offset in self.acked.values():
            ends[partition] = max(ends[partition], offset + 1)
        return sum(max(0, end - committed[partition]) for partition, end in ends.items())

    async def is_through(self) -> bool:
        """Whether the groups have committed everything that stands in both topics; False without an answer."""
        try:
            async with asyncio.timeout(2 * _ANSWER_LIMIT_S):
                # Live records publish requests before they are committed: in this order nothing slips through.
                return await self._live.is_through() and await self._lane.is_through()
        except (BackendUnavailable, TimeoutError):
            return False

    async def entries(self, planned: list[Planned]) -> list[Entry]:
        """What stands in the topic, by plan.

        Raises:
            BackendProtocolError: An acknowledged place does not hold its record: the broker lost it.
        """
        records = await read_all(self.bootstrap, self._topics.updates)
        found = [Entry(record.partition, record.offset, planned[_seq(record)]) for record in records]
        at = {(entry.partition, entry.offset): entry.planned.seq for entry in found}
        lost = {seq: place for seq, place in self.acked.items() if at.get(place) != seq}
        if lost:
            raise BackendProtocolError(
                f"acknowledged records are not where they were put: {dict(list(lost.items())[:5])}",
                backend="kafka",
                operation="read the updates",
            )
        return found

    async def _send(self, record: Planned) -> Any:
        headers = [(SEQ_HEADER, str(record.seq).encode())]
        return await self._producer.send(self._topics.updates, record.value, key=record.key, headers=headers)

    async def _connect(self) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            acks="all",
            enable_idempotence=True,  # order per partition survives a retry
            max_request_size=2 * MAX_RECORD_BYTES,
        )
        self._exits.push_async_callback(self._producer.stop)
        await self._producer.start()
        await self._exits.enter_async_context(self._live)
        await self._exits.enter_async_context(self._lane)

    async def _reconnect(self) -> None:
        """After a failed send the producer may be beyond repair: its sequence has a gap."""
        while True:
            with contextlib.suppress(KafkaError, OSError):
                await self._exits.aclose()
            try:
                await self._connect()
            except (KafkaError, OSError):
                await asyncio.sleep(_RECONNECT_PAUSE_S)
            else:
                return


async def read_all(bootstrap: str, topic: str) -> list[Record]:
    """Every record of a topic, partition by partition; a broker that just came back is asked again."""
    for attempt in range(5):
        try:
            async with TopicReader(bootstrap) as reader:
                return [record async for record in reader.read(await reader.spans(topic))]
        except BackendError:
            if attempt == 4:  # noqa: PLR2004 - the last one
                raise
            await asyncio.sleep(1)
    raise AssertionError  # the last attempt returns or raises


def _seq(record: Record) -> int:
    return int(dict(record.headers)[SEQ_HEADER])
