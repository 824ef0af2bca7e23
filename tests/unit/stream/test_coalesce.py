"""Which queued records one of them may stand for, case by case."""

from datetime import timedelta

import pytest

from schemas.documents import SummaryDocument
from schemas.events import Delete, Upsert, encode_update
from stream.coalesce import candidates_of, group_of, representative
from stream.decide import Remove
from stream.source import Record
from tests.unit.stream.builders import EPOCH, composer, stored, upsert
from tests.unit.stream.builders import origin as origin_at

REPLAYED = tuple(
    (f"dlq.{name}", value)
    for name, value in {
        "topic": b"job-updates",
        "log": b"log",
        "partition": b"0",
        "offset": b"1",
        "time": b"2026-01-01T00:00:00+00:00",
    }.items()
)


def edit(offset: int, version: int, body: str = "Night shift.", *, hours: int = 0, partition: int = 0) -> Record:
    posting = {"@type": "JobPosting", "title": "Nurse", "description": body}
    event_time = EPOCH + timedelta(hours=hours)
    key, value = encode_update(Upsert(job_id="job", version=version, event_time=event_time, posting=posting))
    return Record("job-updates", partition, offset, EPOCH, key, value)


def offsets(records: list[Record], kept: SummaryDocument | None = None) -> list[int]:
    group = group_of(candidates_of(records), kept)
    return [member.record.offset for member in group]


def chosen(records: list[Record]) -> int:
    return representative(group_of(candidates_of(records), None)).record.offset


def test_the_highest_version_stands_for_all_whatever_its_place() -> None:
    """Late versions queue behind newer ones; of equal ones the first is the original."""
    assert chosen([edit(0, 3), edit(1, 5, "Day."), edit(2, 4, "Late."), edit(3, 5, "Day.")]) == 1


DELETE = encode_update(Delete(job_id="job", version=2, event_time=EPOCH))
BARRIERS = {
    "delete": Record("job-updates", 0, 1, EPOCH, *DELETE),
    "tombstone": Record("job-updates", 0, 1, EPOCH, b"job", None),
    "undecodable": Record("job-updates", 0, 1, EPOCH, b"job", b"\xff"),
    "no posting that can be served": Record(
        "job-updates", 0, 1, EPOCH, *encode_update(Upsert(job_id="job", version=2, event_time=EPOCH, posting={}))
    ),
    "replayed dead letter": Record("job-updates", 0, 1, EPOCH, edit(1, 2).key, edit(1, 2).value, REPLAYED),
    "another partition": edit(1, 2, partition=1),
    "same version, another posting": edit(1, 1, "Day."),
    "higher version, earlier event": edit(1, 2, hours=-1),
}


@pytest.mark.parametrize("name", BARRIERS)
def test_a_group_ends_before_what_must_stand_alone(name: str) -> None:
    """What is behind it is not reached: order is kept."""
    assert offsets([edit(0, 1), BARRIERS[name], edit(2, 3)]) == [0]


def test_what_must_stand_alone_is_no_group_at_the_front_either() -> None:
    """It is handled by itself, as it would be in sequence."""
    assert candidates_of([BARRIERS["delete"], edit(2, 3)]) == []


def test_a_lower_version_of_a_later_event_ends_the_group() -> None:
    """A backfill rule looks at event times: the highest version may fall under it where another does not."""
    assert offsets([edit(0, 3), edit(1, 2, "Day.", hours=1)]) == [0]


def test_an_upsert_that_contradicts_what_is_stored_stands_alone() -> None:
    """In sequence it is a dead letter; superseded by a later version it would vanish."""
    kept = stored(upsert(5, "Night shift."))
    assert offsets([edit(0, 5, "Day."), edit(1, 6)], kept) == []
    assert offsets([edit(0, 4, "Day."), edit(1, 5), edit(2, 6, "New.")], kept) == [0, 1, 2]
    assert offsets([edit(0, 4), edit(1, 5, "Day."), edit(2, 6)], kept) == [0]


def test_deletes_win_ties_so_an_upsert_at_the_version_of_a_deletion_contradicts_nothing() -> None:
    """In sequence it is late, not a dead letter."""
    gone = composer().deleted(
        "job", Remove(5, origin_at(9), EPOCH), previous=stored(upsert(4)), now=EPOCH + timedelta(hours=1)
    )
    assert offsets([edit(0, 5, "Day."), edit(1, 6)], gone) == [0, 1]
