"""One record as consumed: raw bytes and its place. Nothing is decoded here, so nothing can fail here."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from schemas.documents import Origin

__all__ = ["Record"]

_LAST_SECOND_S = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a consumed topic.

    Attributes:
        topic: Where it stands.
        partition: Where it stands.
        offset: Where it stands.
        log_time: Its timestamp in the log, UTC.
        key: As published; None where it has none.
        value: As published; None is a tombstone.
        headers: As published, in order.
    """

    topic: str
    partition: int
    offset: int
    log_time: datetime
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def of(cls, message: Any, *, timestamp_s: float | None) -> Self:
        """A message as a client hands it over: faust's, or aiokafka's.

        Args:
            message: With topic, partition, offset, key, value and headers.
            timestamp_s: Its time in the log, in seconds since the epoch: the clients differ in the unit. Producers set
                it, so it may be anything: -1 for none, or beyond what a date can be.
        """
        return cls(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            log_time=datetime.fromtimestamp(min(max(timestamp_s or 0.0, 0.0), _LAST_SECOND_S), UTC),
            key=message.key,
            value=message.value,
            headers=tuple((name, value or b"") for name, value in message.headers or ()),
        )

    @property
    def place(self) -> str:
        """``topic[partition]@offset``, as every log line names it."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    def origin(self, log_id: str) -> Origin:
        """Its place as documents keep it."""
        return Origin(
            log=log_id, topic=self.topic, partition=self.partition, offset=self.offset, log_time=self.log_time
        )
