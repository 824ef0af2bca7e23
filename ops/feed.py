"""Publishing job updates, and knowing what became of each: servable, or dead-lettered with its reason.

The nearline service answers every record with one on the changelog or one on the dead-letter topic (DESIGN 4); both are
read here from their ends as of before the first update, so nothing that answers one of ours can be missed.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from ops.settings import Topics
from schemas.documents import SummaryDocument
from schemas.errors import BackendUnavailable, PostingTooLarge
from schemas.events import MAX_RECORD_BYTES, Delete, Upsert, encode_update, event_age_s
from schemas.posting import JobId
from store.consumers import stop_consumer

__all__ = ["DeadLettered", "JobFeed", "Servable", "Settled"]

# The embedded broker holds an empty fetch for its whole wait, whatever arrives meanwhile.
_FETCH_WAIT_MS = 50


@dataclass(frozen=True, slots=True)
class Servable:
    """The update, or a later one of the same job, stands in the store.

    Attributes:
        document: The stored document.
        freshness_s: Seconds from the event to the write; None where a later update took its place.
    """

    document: SummaryDocument
    freshness_s: float | None


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The update went to the dead-letter topic."""

    job_id: str
    error: str
    message: str


Settled = Servable | DeadLettered


@dataclass(slots=True, eq=False)
class _Pending:
    job_id: str
    version: int | None
    """None: a tombstone."""
    event_time: datetime
    settled: "asyncio.Future[Settled]"
    place: tuple[int, int] | None = None

    def is_answered_by(self, document: SummaryDocument) -> bool:
        if self.version is None:
            return document.is_deleted
        if document.is_deleted and document.event_time is not None and document.event_time > self.event_time:
            return True  # a backfill record is no match for a later deletion, whatever their versions
        return document.source_version >= self.version


@dataclass(slots=True)
class JobFeed:
    """A publisher of job updates. Use as an async context manager.

    Attributes:
        bootstrap: The broker.
        topics: Names of the topics.
        lane: Topic that updates are published to; empty: ``topics.updates``.
    """

    bootstrap: str
    topics: Topics
    lane: str = ""
    _producer: Any = field(init=False)
    _consumer: Any = field(init=False)
    _reader: "asyncio.Task[None]" = field(init=False)
    _pending: dict[str, list[_Pending]] = field(init=False, default_factory=lambda: defaultdict(list))
    _dead: dict[tuple[int, int], DeadLettered] = field(init=False, default_factory=dict)
    _last_version: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.lane = self.lane or self.topics.updates

    async def __aenter__(self) -> Self:
        limits = {"max_request_size": 2 * MAX_RECORD_BYTES}
        self._producer = _client(AIOKafkaProducer, bootstrap_servers=self.bootstrap, acks="all", linger_ms=2, **limits)
        self._consumer = _client(
            AIOKafkaConsumer,
            self.topics.summaries,
            self.topics.dead_letters,
            bootstrap_servers=self.bootstrap,
            auto_offset_reset="latest",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        try:
            await self._producer.start()
            await self._consumer.start()
            for partition in self._consumer.assignment():
                await self._consumer.position(partition)  # fixes the end before the first update is sent
        except KafkaError as error:
            await self._stop_clients()
            raise BackendUnavailable(
                f"{self.bootstrap!r} cannot be used: {error}", backend="kafka", operation="connect"
            ) from error
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._stop_clients()

    async def upsert(self, job_id: JobId, posting: dict[str, Any]) -> "asyncio.Future[Settled]":
        """Publish a posting under the next version (the time in milliseconds, or one more than the last).

        Returns:
            What became of it, once known. The update is acknowledged by the broker when this returns.

        Raises:
            PostingTooLarge: It does not fit one record.
            BackendUnavailable: The broker did not take it.
        """
        now, version = self._next_version()
        update = Upsert(job_id=job_id, version=version, event_time=now, posting=posting)
        key, value = encode_update(update)
        if len(value) > MAX_RECORD_BYTES:
            raise PostingTooLarge(f"posting of {len(value)} bytes is over the limit of {MAX_RECORD_BYTES}")
        return await self._send(key, value, _Pending(job_id, version, now, _future()))

    async def delete(self, job_id: JobId) -> "asyncio.Future[Settled]":
        """Publish a deletion under the next version. Returns and raises as :meth:`upsert`."""
        now, version = self._next_version()
        key, value = encode_update(Delete(job_id=job_id, version=version, event_time=now))
        return await self._send(key, value, _Pending(job_id, version, now, _future()))

    async def tombstone(self, job_id: JobId) -> "asyncio.Future[Settled]":
        """Publish a record without a value. Returns and raises as :meth:`upsert`."""
        return await self._send(job_id.encode(), None, _Pending(job_id, None, datetime.now(UTC), _future()))

    def _next_version(self) -> tuple[datetime, int]:
        now = datetime.now(UTC)
        self._last_version = max(self._last_version + 1, int(now.timestamp() * 1000))
        return now, self._last_version

    async def _send(self, key: bytes, value: bytes | None, pending: _Pending) -> "asyncio.Future[Settled]":
        self._pending[pending.job_id].append(pending)
        try:
            sent = await self._producer.send_and_wait(self.lane, value, key=key)
        except MessageSizeTooLargeError as error:
            self._drop(pending)
            raise PostingTooLarge(f"the broker refused a record of {len(value or b'')} bytes") from error
        except KafkaError as error:
            self._drop(pending)
            raise BackendUnavailable(
                f"record of job {pending.job_id!r}: {error}", backend="kafka", operation="send"
            ) from error
        pending.place = (sent.partition, sent.offset)
        if dead := self._dead.pop(pending.place, None):  # its answer was faster than the broker's acknowledgement
            self._settle(pending, dead)
        return pending.settled

    async def _read(self) -> None:
        try:
            async for record in self._consumer:
                if record.topic == self.topics.dead_letters:
                    self._on_dead_letter(record)
                elif record.value is not None:
                    self._on_document(SummaryDocument.model_validate_json(record.value))
        except (KafkaError, ValueError) as error:  # whoever waits for an answer must not wait for ever
            failure = BackendUnavailable(f"answers cannot be read: {error}", backend="kafka", operation="fetch")
            for pending in [entry for entries in self._pending.values() for entry in entries]:
                pending.settled.set_exception(failure)

    def _on_document(self, document: SummaryDocument) -> None:
        for pending in [entry for entry in self._pending.get(document.job_id, ()) if entry.is_answered_by(document)]:
            is_own = pending.version in {None, document.source_version}
            age_s = event_age_s(pending.event_time, document.summarized_at) if is_own else None
            self._settle(pending, Servable(document, age_s))

    def _on_dead_letter(self, record: Any) -> None:
        headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
        if headers.get("dlq.topic") != self.lane:
            return
        place = (int(headers["dlq.partition"]), int(headers["dlq.offset"]))
        job_id = (record.key or b"").decode(errors="replace")
        dead = DeadLettered(job_id, headers.get("dlq.error", "?"), headers.get("dlq.message", ""))
        waiting = self._pending.get(job_id, ())
        for pending in waiting:
            if pending.place == place:
                self._settle(pending, dead)
                return
        if any(pending.place is None for pending in waiting):  # ours, perhaps: the broker's acknowledgement tells
            self._dead[place] = dead

    def _settle(self, pending: _Pending, outcome: Settled) -> None:
        self._drop(pending)
        if not pending.settled.done():
            pending.settled.set_result(outcome)

    def _drop(self, pending: _Pending) -> None:
        entries = self._pending[pending.job_id]
        entries.remove(pending)
        if not entries:
            del self._pending[pending.job_id]

    async def _stop_clients(self) -> None:
        await asyncio.gather(self._producer.stop(), stop_consumer(self._consumer), return_exceptions=True)


def _client(kind: Any, *topics: str, **settings: Any) -> Any:
    return kind(*topics, **settings)  # aiokafka's constructors carry no types


def _future() -> "asyncio.Future[Settled]":
    return asyncio.get_running_loop().create_future()
