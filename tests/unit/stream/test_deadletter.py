"""Dead letters carry the original bytes and the whole place, and a replay keeps the place it had."""

from datetime import UTC, datetime
from itertools import product

import pytest

from schemas.documents import Origin
from schemas.errors import InvalidInput, VersionConflict
from stream.deadletter import DeadLetters, dead_letter_headers, origin_of
from stream.producer import Headers
from stream.source import Record

TIME = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
RECORD = Record("job-updates", 3, 41, TIME, b"job", b"bytes", (("trace", b"t"), ("trace", b"u")))


def replayed(letter: Headers) -> Record:
    """As a replay publishes it: same bytes and headers, another place."""
    return Record("job-updates", 0, 999, datetime(2026, 4, 1, tzinfo=UTC), b"job", b"bytes", tuple(letter))


def test_headers_name_reason_and_place() -> None:
    """Everything that `precis dlq show` prints; the record's own headers come first, in order, repeats kept."""
    headers = dead_letter_headers(RECORD, VersionConflict("taken"), attempts=2, log_id="log-1")
    assert list(headers) == [
        ("trace", b"t"),
        ("trace", b"u"),
        ("dlq.error", b"VersionConflict"),
        ("dlq.message", b"taken"),
        ("dlq.topic", b"job-updates"),
        ("dlq.partition", b"3"),
        ("dlq.offset", b"41"),
        ("dlq.time", b"2026-03-01T12:30:00+00:00"),
        ("dlq.attempts", b"2"),
        ("dlq.log", b"log-1"),
    ]


def test_long_messages_are_cut_and_odd_characters_survive() -> None:
    """A header is bytes of bounded size, whatever stands in the message."""
    headers = dict(dead_letter_headers(RECORD, InvalidInput("é\ud800" * 1_000), attempts=1, log_id="log"))
    assert len(headers["dlq.message"]) <= 2_000


def test_an_ordinary_record_stands_where_it_stands() -> None:
    """Without dead-letter headers the place is the record's own."""
    assert origin_of(RECORD, "log-1") == Origin(log="log-1", topic="job-updates", partition=3, offset=41, log_time=TIME)


def test_a_replay_keeps_the_original_place() -> None:
    """A tombstone that came after the first delivery is not undone by the second."""
    letter = dead_letter_headers(RECORD, InvalidInput("x"), attempts=1, log_id="log-1")
    assert origin_of(replayed(letter), "log-2") == origin_of(RECORD, "log-1")


def test_a_replay_that_fails_again_adds_its_attempts_and_keeps_one_reason() -> None:
    """The newest reason, all attempts, the first place; the old reason is not left beside it."""
    first = dead_letter_headers(RECORD, InvalidInput("x"), attempts=1, log_id="log-1")
    second = dead_letter_headers(replayed(first), VersionConflict("y"), attempts=3, log_id="log-2")
    names = [name for name, _ in second]
    headers = dict(second)
    assert names.count("dlq.error") == 1
    assert headers["dlq.error"] == b"VersionConflict"
    assert headers["dlq.attempts"] == b"4"
    assert (headers["dlq.offset"], headers["dlq.log"]) == (b"41", b"log-1")


@pytest.mark.parametrize(
    ("name", "value"),
    list(
        product(
            ["dlq.partition", "dlq.offset", "dlq.time"],
            [None, b"", b"x", b"-1", b"\xff", b"9" * 5_000, b"2026-01-01T00:00:00", b"0001-01-01T00:00:00+05:00"],
        )
    ),
)
def test_a_place_that_cannot_be_read_is_ignored(name: str, value: bytes | None) -> None:
    """Anyone may set headers: half a place is no place, and no error either."""
    letter = dict(dead_letter_headers(RECORD, InvalidInput("x"), attempts=1, log_id="log-1"))
    del letter[name]
    if value is not None:
        letter[name] = value
    record = replayed(list(letter.items()))
    assert origin_of(record, "log-2") == record.origin("log-2")


async def test_record_with_neither_key_nor_value_has_a_dead_letter() -> None:
    """The Kafka client takes no such record, though other clients write them: an empty value stands for it."""
    sent = []

    class Publisher:
        async def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
            sent.append((topic, key, value, len(headers)))

    empty = Record("job-updates", 0, 1, TIME, None, None)
    await DeadLetters(Publisher(), "dlq", log_id="log").publish(empty, InvalidInput("x"), attempts=1)
    assert sent == [("dlq", None, b"", 8)]
