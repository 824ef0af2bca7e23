"""Publishing dead letters again, byte for byte, and marking each as replayed."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from ops.dlq.letters import Box, Letter, Mark, mark_headers
from ops.topic_reader import TopicReader, kafka_errors
from schemas.errors import BackendUnavailable
from stream.producer import MAX_REQUEST_BYTES
from stream.source import Record

__all__ = ["Plan", "Replayer", "Skip", "make_plan"]


class Skip(StrEnum):
    """Why a letter is not replayed."""

    REPLAYED = "already replayed (--again replays it once more)"
    FOREIGN = "it does not say where it came from"
    OTHER_TOPIC = "it came from a topic that this service does not consume"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay would do.

    Attributes:
        chosen: To be replayed, oldest first.
        skipped: Letters that were meant but are not replayed, and why.
    """

    chosen: list[Letter] = field(default_factory=list)
    skipped: list[tuple[Letter, Skip]] = field(default_factory=list)


def make_plan(
    letters: Iterable[Letter], box: Box, *, consumed: Collection[str], is_again: bool, limit: int | None
) -> Plan:
    """Decide which of the letters to replay.

    Args:
        letters: Those that the filters chose, oldest first.
        box: All letters and marks.
        consumed: Topics that the service consumes. Headers can name any topic, and anyone may set them.
        is_again: Whether letters that were replayed before are replayed too.
        limit: At most so many are replayed; None for all.
    """
    plan = Plan()
    for letter in letters:
        if letter.origin is None:
            plan.skipped.append((letter, Skip.FOREIGN))
        elif letter.origin.topic not in consumed:
            plan.skipped.append((letter, Skip.OTHER_TOPIC))
        elif box.replays(letter) and not is_again:
            plan.skipped.append((letter, Skip.REPLAYED))
        elif limit is None or len(plan.chosen) < limit:
            plan.chosen.append(letter)
    return plan


class Replayer:
    """Publishes letters to where they came from. Use as an async context manager.

    The record gets the original key, bytes and headers, and keeps the letter's ``dlq.*`` headers, so that it keeps its
    original place in the order of the log and its attempts add up if it is refused again (``stream.deadletter``). It
    goes to the partition that it came from, whatever partitioner its publisher used: records of one key must stay
    together. The mark follows the record; a crash between the two leaves a letter open that was replayed, and replaying
    it twice changes nothing, since every step of the service is idempotent.
    """

    def __init__(self, bootstrap: str, reader: TopicReader, topic: str, *, clock: Callable[[], datetime]) -> None:
        """Put together.

        Args:
            bootstrap: The broker.
            reader: Reads the letters' bytes.
            topic: The dead-letter topic.
            clock: Present time, UTC.
        """
        self._bootstrap = bootstrap
        self._reader = reader
        self._topic = topic
        self._clock = clock

    async def __aenter__(self) -> Self:
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=15_000,
        )
        with kafka_errors(self._bootstrap, "connect"):
            await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def replay(self, letter: Letter) -> str:
        """Publish one letter again; it is durable and marked when this returns.

        Returns:
            ``topic[partition]@offset`` of the new record.

        Raises:
            BackendUnavailable: The broker did not take it, or the letter is gone; it may or may not be published.
        """
        assert letter.origin is not None, "only letters with an origin are planned"
        record = await self._reader.at(self._topic, letter.place.partition, letter.place.offset)
        if record is None:
            raise BackendUnavailable(
                f"letter {letter.place} has expired meanwhile", backend="kafka", operation="read dead letter"
            )
        topic, partition = letter.origin.topic, letter.origin.partition
        partitions = self._reader.partitions(topic)
        # Not there: the topic was made anew with fewer partitions, and the key decides again.
        sent = await self._send(topic, record, partition if partition in partitions else None)
        to = f"{topic}[{sent.partition}]@{sent.offset}"
        mark = Mark(letter.place, self._clock(), to)
        with kafka_errors(self._bootstrap, "mark as replayed"):
            # In the letter's own partition: the reader of one partition sees letter and mark.
            await self._producer.send_and_wait(
                self._topic, b"", key=record.key, headers=mark_headers(mark), partition=letter.place.partition
            )
        return to

    async def _send(self, topic: str, record: Record, partition: int | None) -> Any:
        operation = f"replay to {topic}"
        try:
            with kafka_errors(self._bootstrap, operation):
                return await self._producer.send_and_wait(
                    topic, record.value, key=record.key, headers=list(record.headers), partition=partition
                )
        except BackendUnavailable as error:
            if isinstance(error.__cause__, MessageSizeTooLargeError):
                size = len(record.value or b"")
                raise BackendUnavailable(
                    f"{size} bytes are more than the topic takes: publish the job anew, shorter",
                    backend="kafka",
                    operation=operation,
                ) from error
            raise
