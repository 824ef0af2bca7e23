from dataclasses import replace

from ops.chaos.oracle import EndState
from ops.chaos.verdict import Seen, compare
from schemas.documents import State
from tests.unit.ops.chaos.builders import document, end_of, posting

RIGHT = Seen(
    documents={"job": document(2, rev=5)},
    postings={"job": posting(2)},
    changelog=[("job", document(1, rev=4)), ("job", document(2, rev=5))],
)


def _counts(seen: Seen, end: EndState | None = None) -> list[str]:
    return [finding.count for finding in compare(end or end_of(2), seen)]


def test_what_the_oracle_says_is_right() -> None:
    """Store, posting and the changelog's last record agree with it."""
    assert _counts(RIGHT) == []


def test_a_missing_job_is_lost() -> None:
    """It is in neither store nor changelog."""
    assert _counts(replace(RIGHT, documents={}, changelog=[])) == ["lost"]


def test_an_older_version_is_lost_where_the_newer_was_never_written() -> None:
    """The edit did not arrive."""
    seen = Seen({"job": document(1)}, {"job": posting(1)}, [("job", document(1))])
    assert _counts(seen) == ["lost"]


def test_an_older_version_is_misordered_where_the_newer_was_written() -> None:
    """The changelog has the newer one: the older came over it."""
    changelog = [("job", document(2, rev=5)), ("job", document(1, rev=6))]
    seen = Seen(documents={"job": document(1, rev=6)}, postings={"job": posting(1)}, changelog=changelog)
    assert _counts(seen) == ["misordered"]


def test_a_deleted_job_that_lives_and_a_live_one_that_is_deleted_are_lost() -> None:
    """State is compared."""
    assert _counts(RIGHT, end_of(2, is_deleted=True)) == ["lost"]
    gone = document(2, rev=5, state=State.DELETED)
    assert _counts(replace(RIGHT, documents={"job": gone}, changelog=[("job", gone)])) == ["lost"]


def test_a_fallback_at_the_end_is_lost() -> None:
    """After mending every live summary is the engine's."""
    fallback = document(2, rev=5, state=State.FALLBACK)
    assert _counts(replace(RIGHT, documents={"job": fallback}, changelog=[("job", fallback)])) == ["lost"]


def test_a_wrong_summary_is_lost() -> None:
    """Summary of another text under the right version."""
    wrong = document(2, rev=5, summary="of another")
    assert _counts(replace(RIGHT, documents={"job": wrong}, changelog=[("job", wrong)])) == ["lost"]


def test_a_job_that_nobody_made_is_lost_and_its_records_are_no_excuse() -> None:
    """A dead letter must not leave a document."""
    assert _counts(RIGHT, EndState()) == ["lost"]


def test_a_posting_of_another_version_is_lost() -> None:
    """Re-summarising would read the wrong body; a deleted job needs none."""
    assert _counts(replace(RIGHT, postings={"job": posting(1)})) == ["lost"]
    assert _counts(replace(RIGHT, postings={})) == ["lost"]


def test_a_changelog_that_ends_on_another_document_is_behind() -> None:
    """Older, missing, or of a job that is not stored."""
    assert _counts(replace(RIGHT, changelog=[("job", document(1, rev=4))])) == ["changelog_behind"]
    assert _counts(replace(RIGHT, changelog=[])) == ["changelog_behind"]
    more = [*RIGHT.changelog, ("other", document(1, job_id="other"))]
    assert _counts(replace(RIGHT, changelog=more)) == ["changelog_behind"]


def test_a_document_under_another_key_is_a_duplicate() -> None:
    """Consumers would hold the job twice."""
    changelog = [("twin", document(2, rev=5)), *RIGHT.changelog]
    assert "duplicate_visible" in _counts(replace(RIGHT, changelog=changelog))


def test_dead_letters_are_compared_as_a_set_of_places() -> None:
    """As many as expected is not enough: they must be the right ones."""
    end = EndState(jobs=end_of(2).jobs, dead={(0, 7)})
    assert _counts(replace(RIGHT, dead=frozenset({(0, 7)})), end) == []
    assert _counts(replace(RIGHT, dead=frozenset({(0, 8)})), end) == ["dead_letters", "dead_letters"]
