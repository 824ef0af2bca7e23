from typing import Any

from ops.chaos.bundles import Bundles
from ops.chaos.oracle import ExpectedJob, Reader, expected_end
from ops.chaos.records import Broken, Erased, Gone, Meaning, Put
from tests.unit.ops.chaos.builders import log_of


def _posting(text: str) -> dict[str, Any]:
    return {"@type": "JobPosting", "title": f"Nurse {text}", "description": f"Body {text}"}


def _put(version: int, text: str = "") -> Put:
    return Put(version, _posting(text or str(version)))


def _end(bundles: Bundles, *meanings: Meaning) -> tuple[ExpectedJob | None, set[tuple[int, int]]]:
    end = expected_end(log_of(*meanings), Reader(bundles.tokenizer, bundles.limits))
    return end.jobs.get("job"), end.dead


def test_the_highest_version_stands_whatever_its_place(bundles) -> None:
    """Late and duplicate versions change nothing."""
    job, dead = _end(bundles, _put(1), _put(5), _put(3), _put(5), _put(1))
    assert job.source_version == 5
    assert job.header == "Nurse 5"
    assert dead == set()


def test_a_deletion_wins_a_tie_and_a_higher_version_revives(bundles) -> None:
    """Upsert and delete of one version: deleted, in either order."""
    assert _end(bundles, _put(2), Gone(2))[0].is_deleted
    assert _end(bundles, Gone(2), _put(2))[0].is_deleted
    assert not _end(bundles, Gone(2), _put(3))[0].is_deleted
    assert not _end(bundles, _put(3), Gone(2))[0].is_deleted


def test_a_tombstone_deletes_by_its_place(bundles) -> None:
    """It keeps the version; only a higher one comes back."""
    job, _ = _end(bundles, _put(4), Erased())
    assert (job.is_deleted, job.source_version, job.header) == (True, 4, "Nurse 4")
    assert _end(bundles, _put(4), Erased(), _put(4))[0].is_deleted
    assert not _end(bundles, _put(4), Erased(), _put(5))[0].is_deleted
    assert _end(bundles, Erased())[0] == ExpectedJob(is_deleted=True, source_version=0)


def test_another_posting_at_a_live_version_is_dead(bundles) -> None:
    """The first stays; the same posting again is a redelivery; at a deleted version it is merely late."""
    job, dead = _end(bundles, _put(2, "a"), _put(2, "b"), _put(2, "a"))
    assert job.header == "Nurse a"
    assert dead == {(0, 1)}
    assert _end(bundles, Gone(2), _put(2, "b"))[1] == set()


def test_broken_records_are_dead_and_leave_nothing(bundles) -> None:
    """Each by its place."""
    job, dead = _end(bundles, Broken("no_title"), _put(1), Broken("undecodable"))
    assert job.source_version == 1
    assert dead == {(0, 0), (0, 2)}


def test_the_log_is_read_by_place_whatever_order_it_comes_in(bundles) -> None:
    """Entries of a fresh consumer come partition by partition, in any order."""
    entries = log_of(_put(2, "a"), _put(2, "b"))
    end = expected_end(reversed(entries), Reader(bundles.tokenizer, bundles.limits))
    assert end.dead == {(0, 1)}
