"""What a replay takes and what it leaves out."""

from ops.dlq.letters import Box, Mark, Place, mark_headers, read_letter
from ops.dlq.replay import Skip, make_plan
from stream.source import Record
from tests.unit.ops.dlq.letter_records import DLQ, NOON, letter_record, refused

CONSUMED = ("job-updates", "job-updates.backfill")


def plan_of(*records, is_again=False, limit=None):
    box = Box()
    for record in records:
        box.add(record)
    plan = make_plan(box.letters, box, consumed=CONSUMED, is_again=is_again, limit=limit)
    return [letter.place.offset for letter in plan.chosen], [(letter.place.offset, why) for letter, why in plan.skipped]


def mark(of):
    return Record(DLQ, 0, 50, NOON, b"job-1", b"", tuple(mark_headers(Mark(Place(0, of), NOON, "job-updates[0]@1"))))


def test_what_was_replayed_is_left_out_unless_asked_for():
    """Twice by accident is not possible; on purpose it is."""
    records = (letter_record(0), letter_record(1), mark(0))
    assert plan_of(*records) == ([1], [(0, Skip.REPLAYED)])
    assert plan_of(*records, is_again=True) == ([0, 1], [])


def test_a_letter_goes_only_to_a_topic_that_is_consumed():
    """Headers can name any topic, and publishers set headers."""
    elsewhere = letter_record(1, of=refused(topic="payments"))
    foreign = Record(DLQ, 0, 2, NOON, b"k", b"v")
    assert plan_of(letter_record(0, of=refused(topic="job-updates.backfill")), elsewhere, foreign) == (
        [0],
        [(1, Skip.OTHER_TOPIC), (2, Skip.FOREIGN)],
    )


def test_the_limit_counts_what_is_replayed():
    """Letters that are left out do not use it up."""
    records = (letter_record(0), letter_record(1), letter_record(2), mark(0))
    assert plan_of(*records, limit=1) == ([1], [(0, Skip.REPLAYED)])


def test_letters_are_read_in_full_before_any_is_chosen():
    """A mark may stand anywhere behind its letter."""
    assert read_letter(letter_record(3)).place == Place(0, 3)
    assert plan_of(letter_record(3), letter_record(4), mark(3))[0] == [4]
