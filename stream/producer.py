"""Publishing to Kafka, durable before it returns."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from schemas.errors import BackendProtocolError, BackendUnavailable

__all__ = ["MAX_REQUEST_BYTES", "Headers", "KafkaPublisher", "Publisher"]

Headers = Sequence[tuple[str, bytes]]

MAX_REQUEST_BYTES = 16 * 1024 * 1024
"""A dead letter is the original record with headers added, and a topic may take records above Kafka's default of 1 MiB:
the dead-letter topic takes this much, so that no record is too large to be put aside."""


class Publisher(Protocol):
    """Appends records to topics."""

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """Append one record; returns when the broker has acknowledged it on all in-sync replicas.

        Raises:
            BackendUnavailable: It may or may not have been appended.
            BackendProtocolError: The record is larger than the topic takes.
        """
        ...


class KafkaPublisher:
    """``Publisher`` over an idempotent producer of its own.

    Not faust's: this one outlives the worker's stop, and its failures are answers to the caller instead of crashes.
    """

    def __init__(self, bootstrap_servers: str, *, client_id: str) -> None:
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_REQUEST_BYTES,
            linger_ms=0,
            request_timeout_ms=10_000,
        )

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise BackendUnavailable(repr(error), backend="kafka", operation="connect") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """See ``Publisher.send``."""
        try:
            await self._producer.send_and_wait(topic, value=value, key=key, headers=list(headers))
        except MessageSizeTooLargeError as error:
            raise BackendProtocolError(repr(error), backend="kafka", operation=f"publish to {topic}") from error
        except KafkaError as error:
            # Also what Kafka calls not retriable (a lapsed authorisation): the record waits for an operator, it is not
            # dead-lettered for what is not its fault.
            raise BackendUnavailable(repr(error), backend="kafka", operation=f"publish to {topic}") from error
