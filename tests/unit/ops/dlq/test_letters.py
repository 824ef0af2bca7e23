"""Reading dead letters and the marks of their replays."""

from dataclasses import replace

import pytest

from ops.dlq.letters import Box, Mark, Place, mark_headers, read_letter, read_mark
from schemas.errors import ConfigurationError
from stream.source import Record
from tests.unit.ops.dlq.letter_records import DLQ, NOON, letter_record, refused


def mark_record(of, *, at=9, **changes):
    record = Record(DLQ, 0, at, NOON, b"job-1", b"", tuple(mark_headers(Mark(of, NOON, "job-updates[2]@7"))))
    return replace(record, **changes)


def test_a_letter_says_what_was_refused_and_why():
    """Key, reason, attempts and original place come out of the headers that the service writes."""
    letter = read_letter(letter_record(4, of=refused(17), attempts=3))
    assert (letter.job_id, letter.error, letter.message) == ("job-1", "InvalidInput", "value is not JSON")
    assert (letter.attempts, letter.origin_place, str(letter.place)) == (3, "job-updates[2]@17", "0@4")
    assert letter.num_bytes == 7


def test_a_record_that_others_put_there_is_a_letter_without_origin():
    """No header, no claim: it is listed, and it does not say where it came from."""
    letter = read_letter(Record(DLQ, 0, 3, NOON, b"\xff", None, (("dlq.attempts", "²".encode()),)))
    assert (letter.origin, letter.error, letter.attempts, letter.num_bytes) == (None, "unknown", 0, None)
    assert letter.job_id == "�"


def test_a_mark_names_its_letter():
    """What is written is read back; the letter then counts as replayed."""
    box = Box()
    box.add(letter_record(4))
    box.add(mark_record(Place(0, 4)))
    (letter,) = box.letters
    assert box.replays(letter) == [Mark(Place(0, 4), NOON, "job-updates[2]@7")]


def test_a_refused_record_cannot_pass_for_a_mark():
    """A publisher may set any header: with ``replay.*`` headers its dead letter is a letter all the same."""
    forged = refused(value=b"", headers=mark_headers(Mark(Place(0, 1), NOON, "x")))
    assert read_mark(letter_record(5, of=forged)) is None


@pytest.mark.parametrize("changes", [{"value": b"{}"}, {"headers": (("replay.partition", b"0"),)}, {"headers": ()}])
def test_half_a_mark_is_a_letter(changes):
    """What has bytes, or does not name a letter, marks nothing."""
    assert read_mark(mark_record(Place(0, 4), **changes)) is None


def test_letters_of_one_record_are_relatives():
    """Replayed and refused again: another letter of the same original place. Other records are none."""
    box = Box()
    replayed = Record("job-updates", 2, 99, NOON, b"job-1", b"{broken", letter_record(0).headers)
    for record in (letter_record(0), letter_record(1, of=refused(5)), letter_record(2, of=replayed)):
        box.add(record)
    first, _, again = box.letters
    assert box.relatives(first) == [again]
    assert again.attempts == 2


@pytest.mark.parametrize("text", ["", "17", "0@", "@3", "a@b", "-1@2", "0@²", "0@1@2", "0@" + "9" * 30])
def test_a_place_that_is_none_is_refused(text):
    """The message says how to write one."""
    with pytest.raises(ConfigurationError, match="PARTITION@OFFSET"):
        Place.parse(text)


def test_a_place_is_read_as_it_is_written():
    """Round trip."""
    assert Place.parse(str(Place(3, 17))) == Place(3, 17)
