"""One record as consumed: raw bytes and its place. Nothing is decoded here, so nothing can fail here."""

from dataclasses import dataclass
from datetime import datetime

from schemas.documents import Origin

__all__ = ["Record"]


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

    @property
    def place(self) -> str:
        """``topic[partition]@offset``, as every log line names it."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    def origin(self, log_id: str) -> Origin:
        """Its place as documents keep it."""
        return Origin(
            log=log_id, topic=self.topic, partition=self.partition, offset=self.offset, log_time=self.log_time
        )
