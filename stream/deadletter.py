"""The dead-letter topic: the original bytes, and in headers why they stand there and where they stood.

A replay publishes a dead letter again with its headers. Its place in the log is then still the original one, so that a
tombstone which came after it is not undone, and its attempts add up.
"""

from datetime import UTC, datetime

from schemas.documents import Origin
from stream.producer import Headers, Publisher
from stream.source import Record

__all__ = ["DeadLetters", "dead_letter_headers", "is_replayed", "origin_of"]

_PREFIX = "dlq."
_MAX_MESSAGE_CHARS = 500
_MAX_DIGITS = 18
"""Of a 64-bit offset; ``int`` refuses 4,300 digits with an exception, and anyone may set headers."""


class DeadLetters:
    """Publishes dead letters, durable before it returns."""

    def __init__(self, publisher: Publisher, topic: str, *, log_id: str) -> None:
        self._publisher = publisher
        self._topic = topic
        self._log_id = log_id

    async def publish(self, record: Record, error: Exception, *, attempts: int) -> None:
        """Append the record's own key and value, with the reason.

        Args:
            record: What cannot be processed.
            error: Why.
            attempts: How often it was tried just now.

        Raises:
            BackendError: It may or may not have been appended; the record must not be acknowledged.
        """
        headers = dead_letter_headers(record, error, attempts=attempts, log_id=self._log_id)
        # The client refuses a record with neither key nor value, though brokers and other clients take it.
        value = b"" if record.key is None and record.value is None else record.value
        await self._publisher.send(self._topic, key=record.key, value=value, headers=headers)


def dead_letter_headers(record: Record, error: Exception, *, attempts: int, log_id: str) -> Headers:
    """The record's own headers, then ``dlq.error, .message, .topic, .partition, .offset, .time, .attempts, .log``."""
    origin = origin_of(record, log_id)
    earlier = _number(dict(record.headers).get("dlq.attempts")) or 0
    reason = {
        "error": type(error).__name__,
        "message": str(error)[:_MAX_MESSAGE_CHARS],
        "topic": origin.topic,
        "partition": str(origin.partition),
        "offset": str(origin.offset),
        "time": origin.log_time.isoformat(),
        "attempts": str(earlier + attempts),
        "log": origin.log,
    }
    own = [(name, value) for name, value in record.headers if not name.startswith(_PREFIX)]
    return own + [(f"{_PREFIX}{name}", text.encode("utf-8", "replace")) for name, text in reason.items()]


def origin_of(record: Record, log_id: str) -> Origin:
    """Where the record stands, or stood first where it is a replayed dead letter.

    Headers that do not name a whole place are ignored: anyone may set headers.
    """
    return _first_place(record) or record.origin(log_id)


def is_replayed(record: Record) -> bool:
    """Whether it is a dead letter that was published again, so that its place in the log is not where it stands."""
    return _first_place(record) is not None


def _first_place(record: Record) -> Origin | None:
    headers = dict(record.headers)
    topic, log = headers.get("dlq.topic"), headers.get("dlq.log")
    partition, offset = _number(headers.get("dlq.partition")), _number(headers.get("dlq.offset"))
    log_time = _moment(headers.get("dlq.time"))
    if topic is None or log is None or partition is None or offset is None or log_time is None:
        return None
    return Origin(
        log=log.decode("utf-8", "replace"),
        topic=topic.decode("utf-8", "replace"),
        partition=partition,
        offset=offset,
        log_time=log_time,
    )


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() and len(value) <= _MAX_DIGITS else None


def _moment(value: bytes | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.decode()) if value else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):  # OverflowError: the year 1 or 9999, with a zone that leaves it
        return None
