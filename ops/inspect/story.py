"""What is known of one job, from the store and from the topics. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ops.dlq.letters import Letter
from schemas.documents import PostingDocument, SummaryDocument

__all__ = ["ChangelogTail", "OpenRequest", "OriginRecord", "Published", "Story", "Waiting"]


class OriginRecord(StrEnum):
    """What became of the record that was applied last."""

    PRESENT = "present"
    """It still stands in its topic."""
    EXPIRED = "expired"
    """The topic has dropped it; a later record of the job would have been applied."""
    OTHER_LOG = "other log"
    """It stood in another log (an earlier run of the embedded broker, or topics that were made anew)."""
    NO_TOPIC = "no topic"
    """The broker does not have its topic."""


class Published(StrEnum):
    """How the changelog stands to the store (invariant c)."""

    EQUAL = "equal"
    """The last record of the key is the stored document."""
    BEHIND = "behind"
    """The last record is older than the stored document."""
    AHEAD = "ahead"
    """The last record is newer than the stored document: the store went back, or is not the one that is published."""
    NULLED = "nulled"
    """The last record is a null: right where nothing is stored."""
    MISSING = "missing"
    """The changelog has no record of the key."""
    EXPIRED = "expired"
    """The deleted document has expired from the store; its null is still to be published."""
    UNREADABLE = "unreadable"
    """The last record is no summary document."""


@dataclass(frozen=True, slots=True)
class ChangelogTail:
    """The last record of a key in the changelog.

    Attributes:
        place: ``topic[partition]@offset``.
        log_time: When it was appended.
        document: What it says; None for a null or where it cannot be read.
        is_null: Whether it is a null.
    """

    place: str
    log_time: datetime
    document: SummaryDocument | None
    is_null: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record of the job that is not committed yet.

    Attributes:
        lane: Lane that it waits in.
        place: ``topic[partition]@offset``.
        log_time: When it was appended.
        says: ``upsert``, ``delete``, ``tombstone`` or what is wrong with it.
        version: Its version; None where it has none.
    """

    lane: str
    place: str
    log_time: datetime
    says: str
    version: int | None


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request on the re-summarise lane that is not committed yet.

    Attributes:
        place: ``topic[partition]@offset``.
        reason: Why it was made.
        generation: Roll-out that it asks for.
    """

    place: str
    reason: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All of it, as of one moment.

    Attributes:
        job_id: The job.
        as_of: The moment, UTC.
        document: Stored summary document; None where there is none.
        posting: Stored posting; None where there is none.
        num_scores: Queries that the job is listed under in the score cache.
        origin: What became of the record applied last; None without a document.
        changelog: Last record of the key in the changelog; None where there is none.
        letters: Dead letters of the key, oldest first.
        replayed: Places of those that were replayed.
        waiting: Uncommitted records of the job, live and backfill.
        requests: Open requests on the re-summarise lane; None where there is no such topic.
        deleted_ttl_s: How long a deleted document is kept, in seconds.
    """

    job_id: str
    as_of: datetime
    document: SummaryDocument | None
    posting: PostingDocument | None
    num_scores: int
    origin: OriginRecord | None
    changelog: ChangelogTail | None
    letters: tuple[Letter, ...]
    replayed: frozenset[str]
    waiting: tuple[Waiting, ...]
    requests: tuple[OpenRequest, ...] | None
    deleted_ttl_s: float

    @property
    def is_unknown(self) -> bool:
        """Whether nothing at all is known of the job."""
        known = (self.document, self.posting, self.changelog, self.letters, self.waiting, self.requests)
        return not any(known)

    @property
    def published(self) -> Published:
        """How the changelog stands to the store."""
        tail, document = self.changelog, self.document
        if tail is None:
            return Published.MISSING
        if tail.document is None:
            return Published.NULLED if tail.is_null else Published.UNREADABLE
        if document is None:
            return Published.EXPIRED if tail.document.is_deleted else Published.AHEAD
        if tail.document == document:
            return Published.EQUAL
        return Published.AHEAD if tail.document.rev > document.rev else Published.BEHIND
