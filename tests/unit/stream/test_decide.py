"""What one update means for the stored document: each answer, and the order of the questions."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from schemas.documents import State, SummaryDocument
from schemas.errors import VersionConflict
from schemas.events import Update, Upsert
from stream.content import read_content
from stream.decide import Decision, Keep, Outcome, Redelivered, Remove, Stale, Summarise, decide
from tests.unit.stream.builders import (
    BACKFILL_TOPIC,
    EPOCH,
    composer,
    delete,
    origin,
    pure_summary,
    stored,
    tombstone,
    upsert,
)


def decided(document: SummaryDocument | None, update: Update, at: int) -> Decision:
    content = read_content(update.posting) if isinstance(update, Upsert) else None
    return decide(document, update, content, origin(at))


def removed(document: SummaryDocument | None, update: Update, at: int) -> SummaryDocument:
    remove = decided(document, update, at)
    assert isinstance(remove, Remove)
    return composer().deleted("job", remove, previous=document, now=EPOCH)


def test_unknown_job_is_summarised() -> None:
    """The first upsert of a job needs a summary."""
    assert decided(None, upsert(1), 1) == Summarise()


def test_delete_of_an_unknown_job_is_remembered() -> None:
    """A delete that overtakes its upsert must win when the upsert comes."""
    assert decided(None, delete(3), 7) == Remove(3, origin(7), EPOCH)


def test_tombstone_of_an_unknown_job_is_remembered() -> None:
    """It writes a deleted document of version 0, whose place stands for it."""
    assert decided(None, tombstone(), 7) == Remove(0, origin(7), None)


def test_tombstone_after_the_stored_record_removes() -> None:
    """Its place is its order; the version stays."""
    assert decided(stored(upsert(4), at=5), tombstone(), 6) == Remove(4, origin(6), None)


@pytest.mark.parametrize("at", [4, 5])
def test_tombstone_before_a_newer_upsert_is_stale(at: int) -> None:
    """A replayed tombstone does not remove what came after it, nor does itself again."""
    assert decided(stored(upsert(4), at=5), tombstone(), at) == Stale()


def test_tombstone_of_another_partition_goes_by_log_time() -> None:
    """Offsets of two partitions say nothing; their log times do."""
    document = stored(upsert(4), at=5)
    later = decide(document, tombstone(), None, origin(1, partition=1, minutes=6))
    earlier = decide(document, tombstone(), None, origin(9, partition=1, minutes=4))
    assert isinstance(later, Remove)
    assert earlier == Stale()


def test_tombstone_of_another_log_goes_by_log_time() -> None:
    """The embedded broker starts again at offset 0: a tombstone of the new run applies."""
    assert isinstance(decide(stored(upsert(4), at=500), tombstone(), None, origin(0, log="new", minutes=501)), Remove)


@pytest.mark.parametrize("update", [upsert(3, "another"), delete(3)])
def test_lower_version_is_stale(update: Update) -> None:
    """Whatever it says and wherever it stands."""
    assert decided(stored(upsert(4), at=5), update, 6) == Stale()


def test_same_version_and_posting_is_a_redelivery() -> None:
    """It was stored; what came after the write may have been cut off."""
    assert decided(stored(upsert(4)), upsert(4), 1) == Redelivered()


def test_same_version_with_another_posting_is_a_conflict() -> None:
    """Two postings cannot be one version, even where only the header differs."""
    with pytest.raises(VersionConflict, match="version 4"):
        decided(stored(upsert(4)), upsert(4, title="Doctor"), 2)


def test_delete_wins_a_tie() -> None:
    """An explicit delete of the stored version applies."""
    assert decided(stored(upsert(4)), delete(4), 2) == Remove(4, origin(2), EPOCH)


def test_upsert_loses_a_tie_with_a_deletion() -> None:
    """By delete or by tombstone: the same version does not come back."""
    document = stored(upsert(4), at=1)
    assert decided(removed(document, delete(4), 2), upsert(4), 3) == Stale()
    assert decided(removed(document, tombstone(), 2), upsert(4), 3) == Stale()


def test_same_delete_again_is_a_redelivery() -> None:
    """What came after the write may have been cut off."""
    assert decided(removed(stored(upsert(4)), delete(4), 2), delete(4), 2) == Redelivered()


def test_new_body_is_summarised() -> None:
    """A higher version with another body needs a summary."""
    assert decided(stored(upsert(1)), upsert(2, "Day shift."), 2) == Summarise()


def test_new_header_keeps_the_summary() -> None:
    """The summarizer reads the body only."""
    assert decided(stored(upsert(1)), upsert(2, title="Head nurse"), 2) == Keep(Outcome.UNCHANGED)


def test_fallback_with_the_same_body_is_summarised() -> None:
    """A new version is a chance to mend it."""
    fallback = replace(pure_summary("Night shift."), state=State.FALLBACK, summarizer=None)
    assert decided(stored(upsert(1), summary=fallback), upsert(2), 2) == Summarise()


def test_deleted_job_with_the_same_body_is_revived() -> None:
    """A re-post of the same text needs no model call."""
    gone = removed(stored(upsert(1)), delete(2), 2)
    assert decided(gone, upsert(3, title="Nurse again"), 3) == Keep(Outcome.REVIVED)


def test_deleted_fallback_is_not_revived_as_fresh() -> None:
    """The deleted document does not say that its summary was a fallback: where no model wrote it, one is asked."""
    fallback = replace(pure_summary("Night shift."), state=State.FALLBACK, summarizer=None)
    gone = removed(stored(upsert(1), summary=fallback), delete(2), 2)
    assert decided(gone, upsert(3), 3) == Summarise()


def test_deleted_job_with_another_body_is_summarised() -> None:
    """A re-created job is a new text."""
    assert decided(removed(stored(upsert(1)), delete(2), 2), upsert(3, "Day shift."), 3) == Summarise()


def test_job_known_by_tombstone_only_is_summarised() -> None:
    """Nothing was kept that could be revived, not even for an empty body."""
    assert decided(removed(None, tombstone(), 1), upsert(1, ""), 2) == Summarise()


def test_higher_version_after_a_tombstone_lives() -> None:
    """A job that is re-created after a tombstone is there again."""
    gone = removed(stored(upsert(1), at=1), tombstone(), 5)
    assert decided(gone, upsert(2, "Day shift."), 6) == Summarise()


@pytest.mark.parametrize("update", [upsert(2, "Day shift."), delete(2)])
def test_higher_version_that_a_tombstone_overtook_stays_deleted(update: Update) -> None:
    """It stands before the tombstone in its partition: the version counts, the deletion and its place stay."""
    gone = removed(stored(upsert(1), at=1), tombstone(), 5)
    assert decided(gone, update, 4) == Remove(2, origin(5), None)


def test_only_a_tombstone_overtakes_by_place() -> None:
    """After an explicit delete, versions decide, wherever the upsert stands."""
    gone = removed(stored(upsert(1), at=1), delete(2), 5)
    assert decided(gone, upsert(3, "Day shift."), 4) == Summarise()


def test_a_tombstone_of_another_log_overtakes_nothing() -> None:
    """Clocks of producers are weaker evidence than a higher version."""
    gone = removed(stored(upsert(1), at=1), tombstone(), 5)
    update = upsert(2, "Day shift.")
    assert decide(gone, update, read_content(update.posting), origin(0, log="new", minutes=2)) == Summarise()


LATE = origin(1, minutes=10_000, topic=BACKFILL_TOPIC)
"""Where a backfill stands: exported long after all else."""


def decided_late(document: SummaryDocument | None, update: Update) -> Decision:
    content = read_content(update.posting) if isinstance(update, Upsert) else None
    return decide(document, update, content, LATE, is_backfill=True)


@pytest.mark.parametrize("minutes", [3, 5])
@pytest.mark.parametrize("kind", [upsert, delete])
def test_a_backfill_from_before_a_tombstone_is_stale(kind: Callable[..., Update], minutes: int) -> None:
    """The tombstone has no event time: when it was logged is when it happened. Higher versions do not help."""
    gone = removed(stored(upsert(4), at=2), tombstone(), 5)
    assert decided_late(gone, kind(9, minutes=minutes)) == Stale()


@pytest.mark.parametrize("minutes", [3, 5])
def test_a_backfill_from_before_a_delete_is_stale(minutes: int) -> None:
    """An export that gives old postings new versions does not bring deleted jobs back."""
    gone = removed(stored(upsert(4), at=2), delete(5, minutes=5), 5)
    assert decided_late(gone, upsert(9, minutes=minutes)) == Stale()


def test_a_backfill_from_after_a_deletion_applies() -> None:
    """The job was posted again, and only the backfill tells of it."""
    gone = removed(stored(upsert(4), at=2), tombstone(), 5)
    assert decided_late(gone, upsert(9, minutes=6)) == Keep(Outcome.REVIVED)
    assert decided_late(gone, upsert(9, "Day shift.", minutes=6)) == Summarise()


def test_what_stands_in_one_partition_goes_by_its_order_there() -> None:
    """A backfill that deletes and posts again means it."""
    gone = composer().deleted(
        "job", Remove(4, origin(0, minutes=10_000, topic=BACKFILL_TOPIC), None), previous=stored(upsert(4)), now=EPOCH
    )
    assert decided_late(gone, upsert(9, minutes=6)) == Keep(Outcome.REVIVED)


def test_a_live_job_takes_a_backfill_by_version_alone() -> None:
    """The rule is about deletions."""
    assert decided_late(stored(upsert(4, minutes=9)), upsert(5, "Day shift.", minutes=3)) == Summarise()
    assert decided_late(stored(upsert(4, minutes=3)), upsert(3, minutes=9)) == Stale()


@pytest.mark.parametrize(("minutes", "wins"), [(4, True), (6, False)])
def test_a_tombstone_meets_a_backfilled_job_by_the_time_of_its_event(minutes: int, wins: bool) -> None:
    """Logged before the export in both cases: what counts is whether it came after the event."""
    update = upsert(9, minutes=minutes)
    content = read_content(update.posting)
    document = composer().live(
        update, content, "Nurse", pure_summary(content.read.body), origin=LATE, previous=None, now=EPOCH
    )
    assert isinstance(decided(document, tombstone(), 5), Remove) is wins
