"""What one update means for the stored document. Pure: the same arguments, the same decision.

The order of the questions is the order of DESIGN 4 step 1. Versions decide between upserts and deletes; a tombstone has
no version, so its place in the log decides.

Two topics carry updates, and they are read at different speeds: a backfill tells late what happened long ago. Between
them no offsets compare, so where a tombstone of one meets an upsert of the other, the time of the tombstone in its log
is compared with the time of the upsert's event, and in both orders of arrival the same one wins.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.documents import Origin, State, SummaryDocument
from schemas.errors import VersionConflict
from schemas.events import Delete, Tombstone, Update, Upsert
from stream.content import Content

__all__ = ["Decision", "Keep", "Outcome", "Redelivered", "Remove", "Stale", "Summarise", "decide"]


class Outcome(StrEnum):
    """What became of a record. All of them are ordinary."""

    SUMMARIZED = "summarized"
    """A summary was written for a new body; by the model, or the body itself where that is short enough."""
    UNCHANGED = "unchanged"
    """The body was summarised already: new version and header, same summary."""
    REVIVED = "revived"
    """A deleted job came back with the body it had: the kept summary stands again."""
    FALLBACK = "fallback"
    """An extractive summary was written in place of the model's."""
    DELETED = "deleted"
    """The job is gone."""
    STALE = "stale"
    """Something newer is stored."""
    REDELIVERED = "redelivered"
    """This very update is stored; what a crash may have cut off was finished."""
    SUPERSEDED = "superseded"
    """A higher version of the job was queued behind it and was applied in its place."""
    DEAD_LETTERED = "dead_lettered"
    """The record cannot be processed; it stands in the dead-letter topic with the reason."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Write nothing; make sure the changelog ends on what is stored."""


@dataclass(frozen=True, slots=True)
class Redelivered:
    """Write nothing; finish what a crash may have cut off."""


@dataclass(frozen=True, slots=True)
class Remove:
    """Write the document as deleted.

    Attributes:
        source_version: Version it then has.
        origin: Place in the log that it then stands for.
        event_time: When it was deleted; None for a tombstone.
    """

    source_version: int
    origin: Origin
    event_time: datetime | None


@dataclass(frozen=True, slots=True)
class Keep:
    """Write the new version with the stored summary; no model is asked.

    Attributes:
        outcome: ``UNCHANGED`` or ``REVIVED``.
    """

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Summarise:
    """Make a summary of the new body and write it."""


Decision = Stale | Redelivered | Remove | Keep | Summarise


def decide(
    stored: SummaryDocument | None,
    update: Update,
    content: Content | None,
    origin: Origin,
    *,
    is_backfill: bool = False,
) -> Decision:
    """Decide about an update.

    Args:
        stored: The document as read, None where there is none.
        update: What the record says.
        content: The posting of an upsert; None for a delete or a tombstone.
        origin: Place of the record.
        is_backfill: Whether it came by the backfill topic.

    Raises:
        VersionConflict: Another posting with the same version is stored.
    """
    if isinstance(update, Tombstone):
        return _decide_tombstone(stored, origin)
    if stored is None:
        return _remove(None, update, origin) if isinstance(update, Delete) else Summarise()
    if is_backfill and _is_before_deletion(stored, update, origin):
        return Stale()
    if update.version < stored.source_version:
        return Stale()
    if update.version == stored.source_version:
        return _decide_tie(stored, update, content, origin)
    if isinstance(update, Delete):
        return _remove(stored, update, origin)
    if _is_overtaken(stored, origin):
        # A tombstone that stands behind this upsert was applied first: the job is gone as of that place.
        return Remove(update.version, stored.origin, None)
    return _decide_upsert(stored, content)


def _decide_tombstone(stored: SummaryDocument | None, origin: Origin) -> Decision:
    if stored is None:
        # Unknown key: remembered all the same, so that an upsert that stands before it cannot bring the job back.
        return Remove(0, origin, None)
    return Remove(stored.source_version, origin, None) if _is_tombstone_after(origin, stored) else Stale()


def _is_tombstone_after(origin: Origin, stored: SummaryDocument) -> bool:
    if origin.topic != stored.origin.topic and stored.event_time is not None:
        # The other came by the backfill: what counts is when its change happened, not when it was exported.
        return origin.log_time > stored.event_time
    return origin.is_after(stored.origin)


def _is_before_deletion(stored: SummaryDocument, update: Upsert | Delete, origin: Origin) -> bool:
    """Whether the job was deleted at or after the event of this backfill record, as far as is known."""
    if not stored.is_deleted or _is_same_partition(stored.origin, origin):
        return False  # in one partition versions and offsets decide, as in any topic
    # A tombstone has no event time; it happened when it was logged.
    deleted_at = stored.event_time if stored.event_time is not None else stored.origin.log_time
    return update.event_time <= deleted_at


def _decide_tie(stored: SummaryDocument, update: Upsert | Delete, content: Content | None, origin: Origin) -> Decision:
    if isinstance(update, Delete):
        return Redelivered() if stored.is_deleted else _remove(stored, update, origin)
    if stored.is_deleted:
        return Stale()  # deletes win ties
    assert content is not None, "an upsert has content"
    if content.posting_hash == stored.posting_hash:
        return Redelivered()
    raise VersionConflict(
        f"version {update.version} of this job is stored with another posting: publish changes under a higher version",
        field="version",
    )


def _decide_upsert(stored: SummaryDocument, content: Content | None) -> Decision:
    assert content is not None, "an upsert has content"
    if content.content_hash != stored.content_hash:
        return Summarise()
    match stored.state:
        case State.FRESH:
            return Keep(Outcome.UNCHANGED)
        case State.DELETED if stored.summarizer is not None:
            return Keep(Outcome.REVIVED)
        # No model wrote the kept summary. Either it was a fallback, which the deleted document does not remember and
        # which must not come back as fresh; or the body is short, and summarising it asks no model anyway.
        case State.DELETED | State.FALLBACK:
            return Summarise()


def _remove(stored: SummaryDocument | None, update: Delete, origin: Origin) -> Remove:
    if stored is not None and _is_overtaken(stored, origin):
        return Remove(update.version, stored.origin, None)
    return Remove(update.version, origin, update.event_time)


def _is_overtaken(stored: SummaryDocument, origin: Origin) -> bool:
    """Whether a tombstone that stands behind ``origin`` in the same partition is what is stored.

    Across partitions and logs only log times could tell, and clocks of producers are weaker evidence than a version.
    """
    by_tombstone = stored.is_deleted and stored.event_time is None
    return by_tombstone and _is_same_partition(stored.origin, origin) and origin.offset < stored.origin.offset


def _is_same_partition(one: Origin, other: Origin) -> bool:
    return (one.log, one.topic, one.partition) == (other.log, other.topic, other.partition)
