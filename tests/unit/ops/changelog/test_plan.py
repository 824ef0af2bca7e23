"""Which keys of the changelog end on a deletion."""

from datetime import timedelta

from ops.changelog.plan import Tails
from schemas.documents import State
from stream.source import Record
from tests.doubles.documents import NOON, summary_document

TTL_S = 3_600.0


def record(job_id, offset, document):
    value = None if document is None else document.model_dump_json().encode()
    return Record("job-summaries", 0, offset, NOON, job_id.encode(), value)


def deleted(job_id, *, ago_s):
    return summary_document(job_id, state=State.DELETED, summarized_at=NOON - timedelta(seconds=ago_s))


def test_only_the_last_record_of_a_key_counts():
    """Deleted then posted again is live; posted then deleted is deleted; a null ends a key."""
    tails = Tails.of(
        [
            record("back", 0, deleted("back", ago_s=9_000)),
            record("gone", 1, summary_document("gone")),
            record("nulled", 2, deleted("nulled", ago_s=9_000)),
            record("back", 3, summary_document("back")),
            record("gone", 4, deleted("gone", ago_s=9_000)),
            record("nulled", 5, None),
        ]
    )
    assert tails.expired(NOON, TTL_S) == ["gone"]
    assert tails.nulled == {"nulled"}


def test_a_deletion_expires_when_it_is_as_old_as_it_is_kept():
    """Not a second earlier; the oldest come first."""
    tails = Tails.of(
        record(name, offset, deleted(name, ago_s=ago_s))
        for offset, (name, ago_s) in enumerate([("a", 3_600), ("b", 3_599), ("c", 7_200)])
    )
    assert tails.expired(NOON, TTL_S) == ["c", "a"]


def test_what_is_no_summary_document_is_left_alone():
    """Counted; the key is not ended because of it, nor by a record that was readable before."""
    tails = Tails.of(
        [Record("job-summaries", 0, 0, NOON, b"\xff", b"{}"), Record("job-summaries", 0, 1, NOON, b"a", b"x")]
    )
    assert (tails.num_unreadable, tails.deleted, tails.nulled) == (2, {}, set())
