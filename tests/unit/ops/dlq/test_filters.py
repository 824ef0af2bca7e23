"""Which letters an operator means, and what is said about filters that mean nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.dlq.filters import TypedFilters, parse_when, read_filters
from ops.dlq.letters import read_letter
from schemas.errors import ConfigurationError, UnknownSchema
from tests.unit.ops.dlq.letter_records import NOON, letter_record, refused

LETTERS = [
    read_letter(letter_record(0, minutes=30)),
    read_letter(letter_record(1, of=refused(3, key=b"job-2", partition=1), minutes=10)),
    read_letter(letter_record(2, of=refused(topic="job-updates.backfill"), error=UnknownSchema("x"), minutes=20)),
]


def chosen(**typed):
    found = read_filters(TypedFilters(**typed), NOON + timedelta(hours=1)).choose(LETTERS)
    return [letter.place.offset for letter in found]


@pytest.mark.parametrize(
    ("typed", "offsets"),
    [
        ({}, [1, 2, 0]),
        ({"job_id": "job-2"}, [1]),
        ({"job_id": "job"}, []),
        ({"errors": ["UnknownSchema"]}, [2]),
        ({"errors": ["UnknownSchema", "InvalidInput"]}, [1, 2, 0]),
        ({"topic": "job-updates"}, [1, 0]),
        ({"partition": 1}, [1]),
        ({"partition": 2, "topic": "job-updates.backfill"}, [2]),
        ({"since": "40m"}, [2, 0]),
        ({"until": "2026-03-01T12:20:00+00:00"}, [1]),
        ({"since": "2026-03-01", "until": "30m"}, [1, 2]),
        ({"places": ["0@2", "0@0"]}, [2, 0]),
    ],
)
def test_all_filters_that_are_set_must_fit(typed, offsets):
    """Oldest first; the start of a time span is in it, the end is not."""
    assert chosen(**typed) == offsets


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"since": "yesterday"}, "since 'yesterday' is no time: write 2h"),
        ({"until": "12:00"}, "until '12:00' is no time"),
        ({"since": "1h", "until": "2h"}, "nothing lies between them"),
        ({"partition": -1}, "partition -1 is below 0"),
        ({"limit": 0}, "limit 0 is below 1"),
        ({"places": ["17"]}, "place '17' is not PARTITION@OFFSET"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(typed, message):
    """What, where, remedy; nothing is filtered by a guess."""
    with pytest.raises(ConfigurationError, match=message):
        chosen(**typed)


def test_times_without_a_zone_are_utc():
    """And those with one are converted."""
    assert parse_when("2026-11-23T14:30", "since", NOON) == datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    assert parse_when("2026-11-23T14:30+02:00", "since", NOON) == datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    assert parse_when("2d", "since", NOON) == NOON - timedelta(days=2)
