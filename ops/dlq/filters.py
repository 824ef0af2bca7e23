"""Which dead letters an operator means. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ops.dlq.letters import Letter, Place
from schemas.errors import ConfigurationError

__all__ = ["Filters", "TypedFilters", "parse_when", "read_filters"]

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d{1,6})([smhdw])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """All that are set must fit; what is None or empty fits everything.

    Attributes:
        job_id: Key of the refused record.
        errors: Names of error classes.
        since: Dead-lettered at or after it.
        until: Dead-lettered before it.
        topic: Topic that the record came from.
        partition: Partition of that topic.
        places: The letters themselves.
        limit: At most so many, oldest first.
    """

    job_id: str | None = None
    errors: Collection[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    topic: str | None = None
    partition: int | None = None
    places: Collection[Place] = ()
    limit: int | None = None

    def fits(self, letter: Letter) -> bool:
        """Whether the letter is meant; the limit is the caller's."""
        origin = letter.origin
        return (
            (self.job_id is None or letter.job_id == self.job_id)
            and (not self.errors or letter.error in self.errors)
            and (self.since is None or letter.buried_at >= self.since)
            and (self.until is None or letter.buried_at < self.until)
            and (self.topic is None or (origin is not None and origin.topic == self.topic))
            and (self.partition is None or (origin is not None and origin.partition == self.partition))
            and (not self.places or letter.place in self.places)
        )

    def choose(self, letters: Iterable[Letter]) -> list[Letter]:
        """Those that fit, oldest first, without the limit."""
        return sorted((letter for letter in letters if self.fits(letter)), key=lambda it: (it.buried_at, it.place))


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedFilters:
    """The same as an operator types them; None or empty where nothing was typed."""

    job_id: str | None = None
    errors: Collection[str] = ()
    since: str | None = None
    until: str | None = None
    topic: str | None = None
    partition: int | None = None
    places: Collection[str] = ()
    limit: int | None = None


def read_filters(typed: TypedFilters, now: datetime) -> Filters:
    """Filters from what was typed.

    Args:
        typed: What was typed.
        now: Present time, UTC.

    Raises:
        ConfigurationError: One cannot be read, or two exclude everything; the message says which and how to write it.
    """
    earliest, latest = parse_when(typed.since, "since", now), parse_when(typed.until, "until", now)
    if earliest is not None and latest is not None and earliest >= latest:
        raise ConfigurationError(
            f"since {typed.since!r} is {earliest.isoformat()} and until {typed.until!r} is {latest.isoformat()}: "
            "nothing lies between them, since must be the earlier one"
        )
    if typed.partition is not None and typed.partition < 0:
        raise ConfigurationError(f"partition {typed.partition} is below 0: partitions are counted from 0")
    if typed.limit is not None and typed.limit < 1:
        raise ConfigurationError(f"limit {typed.limit} is below 1: leave it out for all")
    return Filters(
        job_id=typed.job_id,
        errors=frozenset(typed.errors),
        since=earliest,
        until=latest,
        topic=typed.topic,
        partition=typed.partition,
        places=frozenset(Place.parse(text) for text in typed.places),
        limit=typed.limit,
    )


def parse_when(text: str | None, what: str, now: datetime) -> datetime | None:
    """A moment as people write it: ``2h`` (ago; s, m, h, d, w), a date, or ISO 8601; UTC where it names no zone.

    Args:
        text: What was typed; None stays None.
        what: Name of the option, for the message.
        now: Present time, UTC.

    Raises:
        ConfigurationError: It is none of these.
    """
    if text is None:
        return None
    if ago := _AGO.fullmatch(text.strip()):
        return now - timedelta(seconds=int(ago[1]) * _UNITS_S[ago[2]])
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigurationError(
            f"{what} {text!r} is no time: write 2h (ago; s, m, h, d, w), 2026-11-23 or 2026-11-23T14:30:00Z"
        ) from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
