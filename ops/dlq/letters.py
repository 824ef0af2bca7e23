"""Dead letters and the marks of their replays, as they stand in the dead-letter topic. Pure.

A replay is marked by a record in the dead-letter topic itself: it has the letter's key, no bytes, and headers
``replay.partition, .offset`` (which letter), ``.at`` (when) and ``.to`` (where its record went). No database is needed,
a mark outlives its letter (it is younger), any set of letters can be marked in any order (a committed offset could not
do that), and a reader of dead letters that knows nothing of marks passes over them: they carry no ``dlq.*`` header.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas.documents import Origin
from schemas.errors import ConfigurationError
from stream.deadletter import origin_of
from stream.producer import Headers
from stream.source import Record

__all__ = ["Box", "Letter", "Mark", "Place", "mark_headers", "read_letter", "read_mark"]

_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a letter stands in the dead-letter topic."""

    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read ``partition@offset``, as :meth:`__str__` writes it.

        Raises:
            ConfigurationError: It is something else.
        """
        partition, at, offset = text.strip().partition("@")
        if not (at and _is_number(partition) and _is_number(offset)):
            raise ConfigurationError(
                f"place {text!r} is not PARTITION@OFFSET, such as 0@17: `precis dlq list` has them"
            )
        return cls(int(partition), int(offset))

    def __str__(self) -> str:
        return f"{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter, without its bytes.

    Attributes:
        place: Where it stands.
        key: Key of the refused record; normally the job id.
        num_bytes: Length of its value; None for a tombstone.
        buried_at: When it was dead-lettered, by the log's clock.
        error: Class of the error.
        message: Its message.
        attempts: How often it was tried, replays included.
        origin: Where the refused record stood; None where the headers do not say (a record that others put here).
    """

    place: Place
    key: bytes | None
    num_bytes: int | None
    buried_at: datetime
    error: str
    message: str
    attempts: int
    origin: Origin | None

    @property
    def job_id(self) -> str:
        """The key as text; what is not UTF-8 in it is shown as a replacement character."""
        return (self.key or b"").decode("utf-8", "replace")

    @property
    def origin_place(self) -> str:
        """``topic[partition]@offset`` of the refused record."""
        return f"{self.origin.topic}[{self.origin.partition}]@{self.origin.offset}" if self.origin else "unknown"


@dataclass(frozen=True, slots=True)
class Mark:
    """One replay of one letter.

    Attributes:
        of: The letter.
        at: When, by the clock of who replayed it.
        to: ``topic[partition]@offset`` of the record that was published.
    """

    of: Place
    at: datetime
    to: str


@dataclass(slots=True)
class Box:
    """What the dead-letter topic holds: letters in their order, and the replays of each."""

    letters: list[Letter] = field(default_factory=list)
    marks: dict[Place, list[Mark]] = field(default_factory=lambda: defaultdict(list))

    def add(self, record: Record) -> None:
        """Take in one record of the topic."""
        if mark := read_mark(record):
            self.marks[mark.of].append(mark)
        else:
            self.letters.append(read_letter(record))

    def replays(self, letter: Letter) -> list[Mark]:
        """Its replays, oldest first; empty for an open letter."""
        return self.marks.get(letter.place, [])

    def relatives(self, letter: Letter) -> list[Letter]:
        """Other letters of the very same record: it was replayed and refused again, or delivered twice."""
        return [
            other
            for other in self.letters
            if other.place != letter.place and letter.origin is not None and other.origin == letter.origin
        ]


def read_letter(record: Record) -> Letter:
    """The letter that a record of the dead-letter topic is; any record is one."""
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    origin = origin_of(record, "")
    attempts = headers.get("dlq.attempts", "")
    return Letter(
        place=Place(record.partition, record.offset),
        key=record.key,
        num_bytes=None if record.value is None else len(record.value),
        buried_at=record.log_time,
        error=headers.get("dlq.error", "unknown"),
        message=headers.get("dlq.message", ""),
        attempts=int(attempts) if _is_number(attempts) else 0,
        # The record's own place comes back where headers name none: nothing is consumed from the dead-letter topic.
        origin=None if origin.topic == record.topic else origin,
    )


def mark_headers(mark: Mark) -> Headers:
    """Headers of the record that marks a replay."""
    return [
        ("replay.partition", str(mark.of.partition).encode()),
        ("replay.offset", str(mark.of.offset).encode()),
        ("replay.at", mark.at.isoformat().encode()),
        ("replay.to", mark.to.encode()),
    ]


def read_mark(record: Record) -> Mark | None:
    """The mark that a record of the dead-letter topic is; None for a letter.

    A letter keeps the headers of the refused record, which anyone may set: what has ``dlq.*`` headers is a letter.
    """
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    partition, offset = headers.get("replay.partition", ""), headers.get("replay.offset", "")
    if "dlq.error" in headers or record.value or not (_is_number(partition) and _is_number(offset)):
        return None
    try:
        at = datetime.fromisoformat(headers.get("replay.at", ""))
    except ValueError:
        at = record.log_time
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Mark(Place(int(partition), int(offset)), at, headers.get("replay.to", "unknown"))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
