"""What one update means for the stored document: each answer, and the order of the questions."""

from dataclasses import replace

import pytest

from schemas.documents import State, SummaryDocument
from schemas.errors import VersionConflict
from schemas.events import Update, Upsert
from stream.content import read_content
from stream.decide import Decision, Keep, Outcome, Redelivered, Remove, Stale, Summarise, decide
from tests.unit.stream.builders import EPOCH, composer, delete, origin, pure_summary, stored, tombstone, upsert


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
