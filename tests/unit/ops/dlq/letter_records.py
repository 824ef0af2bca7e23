"""Records of a dead-letter topic, as the nearline service writes them."""

from datetime import UTC, datetime, timedelta

from schemas.errors import InvalidInput
from stream.deadletter import dead_letter_headers
from stream.source import Record

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DLQ = "job-updates.dlq"


def refused(offset=0, *, key=b"job-1", value=b"{broken", topic="job-updates", partition=2, headers=()):
    """A record that the service refused."""
    return Record(topic, partition, offset, NOON, key, value, tuple(headers))


def letter_record(place=0, *, of=None, error=None, attempts=1, minutes=0, partition=0):
    """The dead letter of it, at an offset of the dead-letter topic, so many minutes after noon."""
    of = of or refused()
    headers = dead_letter_headers(of, error or InvalidInput("value is not JSON"), attempts=attempts, log_id="log")
    return Record(DLQ, partition, place, NOON + timedelta(minutes=minutes), of.key, of.value, tuple(headers))
