"""``job-summaries`` as the feeder reads it: outside of any group, all partitions, from offsets of its own."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.documents import SummaryDocument
from schemas.errors import BackendUnavailable
from serve.near_cache.policy import Change, Offsets
from store.consumers import stop_consumer

__all__ = ["Batch", "Changelog", "KafkaChangelog", "decoded"]

# A broker answers one request a connection at a time: a fetch that waits holds the question for the end up as long. The
# embedded one waits it out whatever arrives meanwhile.
_FETCH_WAIT_MS = 50
# Decoding is Python's work beside the event loop: batches are kept short.
_MAX_RECORDS = 100
# How long a partition that was added may stay unseen.
_METADATA_MAX_AGE_MS = 5_000


@dataclass(frozen=True, slots=True)
class Batch:
    """What one fetch brought.

    Attributes:
        records: Keys and values in the order of the log.
        offsets: Where the log goes on behind them.
    """

    records: Sequence[tuple[bytes | None, bytes | None]]
    offsets: Offsets


class Changelog(Protocol):
    """A log open for one reader. Every method may raise ``BackendUnavailable``; then it is closed and opened anew."""

    async def begins(self) -> Offsets:
        """First offsets that are still there."""
        ...

    async def ends(self) -> Offsets:
        """Offsets of the next records to be written: at least what was acknowledged before the call."""
        ...

    async def seek(self, offsets: Offsets) -> None:
        """Go on from there."""
        ...

    async def fetch(self, *, wait_s: float) -> Batch:
        """What comes next, at most a short batch; empty where nothing comes in this time."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class KafkaChangelog:
    """``Changelog`` over a Kafka topic."""

    def __init__(self, consumer: Any, topic: str, partitions: Sequence[TopicPartition], timeout_s: float) -> None:
        """Use :meth:`open`."""
        self._consumer = consumer
        self._topic = topic
        self._partitions = partitions
        self._timeout_s = timeout_s

    @classmethod
    async def open(cls, bootstrap_servers: str, topic: str, *, timeout_s: float) -> Self:
        """Connect to the broker.

        Args:
            bootstrap_servers: ``host:port[,host:port]``.
            topic: The topic; it must be there.
            timeout_s: Limit of one request, in seconds.

        Raises:
            BackendUnavailable: The broker cannot be reached or does not have the topic.
        """
        consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            metadata_max_age_ms=_METADATA_MAX_AGE_MS,
            request_timeout_ms=round(timeout_s * 1000),
        )
        try:
            partitions = await _partitions(bootstrap_servers, topic, timeout_s)
            await consumer.start()
            consumer.assign(partitions)
        except BaseException as error:
            await stop_consumer(consumer)
            if isinstance(error, KafkaError | TimeoutError | OSError):
                raise _unavailable(f"{bootstrap_servers!r}: {error!r}", "open") from error
            raise
        return cls(consumer, topic, partitions, timeout_s)

    async def begins(self) -> Offsets:
        """See ``Changelog.begins``."""
        return await self._offsets(self._consumer.beginning_offsets, "read begins")

    async def ends(self) -> Offsets:
        """See ``Changelog.ends``; also raises where partitions were added: then the file must be built anew."""
        known = self._consumer.partitions_for_topic(self._topic) or set()
        if known - {place.partition for place in self._partitions}:
            raise _unavailable(f"topic {self._topic!r} has more partitions than before", "read ends")
        return await self._offsets(self._consumer.end_offsets, "read ends")

    async def seek(self, offsets: Offsets) -> None:
        """See ``Changelog.seek``."""
        for place in self._partitions:
            self._consumer.seek(place, offsets[place.partition])

    async def fetch(self, *, wait_s: float) -> Batch:
        """See ``Changelog.fetch``."""
        try:
            async with asyncio.timeout(self._timeout_s):
                batches = await self._consumer.getmany(timeout_ms=round(wait_s * 1000), max_records=_MAX_RECORDS)
                # Not the last record's offset + 1: compaction and markers leave gaps.
                offsets = {place.partition: await self._consumer.position(place) for place in self._partitions}
        except (KafkaError, TimeoutError, OSError) as error:
            raise _unavailable(repr(error), "fetch") from error
        return Batch([(record.key, record.value) for some in batches.values() for record in some], offsets)

    async def close(self) -> None:
        """See ``Changelog.close``."""
        await stop_consumer(self._consumer)

    async def _offsets(self, ask: Any, operation: str) -> Offsets:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await ask(self._partitions)
        except (KafkaError, TimeoutError, OSError) as error:
            raise _unavailable(repr(error), operation) from error
        return {place.partition: answer[place] for place in self._partitions}


def decoded(records: Iterable[tuple[bytes | None, bytes | None]]) -> tuple[list[Change], int]:
    """What records say, and how many of them this build cannot read: those remove, so that the store is asked."""
    changes: list[Change] = []
    num_refused = 0
    for key, value in records:
        try:
            job_id = (key or b"").decode()
        except UnicodeDecodeError:  # no job of ours
            num_refused += 1
            continue
        document = None if value is None else _document(job_id, value)
        num_refused += value is not None and document is None
        changes.append((job_id, document))
    return changes, num_refused


def _document(job_id: str, value: bytes) -> SummaryDocument | None:
    try:
        document = SummaryDocument.model_validate_json(value)
    except ValidationError:
        return None
    return document if document.job_id == job_id else None


async def _partitions(bootstrap_servers: str, topic: str, timeout_s: float) -> list[TopicPartition]:
    """The topic's partitions. All topics are asked for: naming one that is missing could make it."""
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=round(timeout_s * 1000))
    try:
        await admin.start()
        described = await admin.describe_topics()
    finally:
        await admin.close()
    for found in described:
        if found["topic"] == topic and not found["error_code"] and found["partitions"]:
            return [TopicPartition(topic, number) for number in sorted(it["partition"] for it in found["partitions"])]
    raise _unavailable(f"{bootstrap_servers!r} has no topic {topic!r}: `precis topics create`", "open")


def _unavailable(message: str, operation: str) -> BackendUnavailable:
    return BackendUnavailable(message, backend="kafka", operation=operation)
