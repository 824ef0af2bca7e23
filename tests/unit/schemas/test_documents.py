"""Versions, places and digests."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.canonical import canonical_json, content_hash, item_version, posting_hash
from schemas.documents import Origin, next_rev

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def place(log="l", partition=0, offset=0, seconds=0):
    return Origin(log=log, topic="t", partition=partition, offset=offset, log_time=NOW + timedelta(seconds=seconds))


def test_places_of_one_partition_compare_by_offset():
    """Clocks of producers do not count within a partition."""
    assert place(offset=2, seconds=-9).is_after(place(offset=1))
    assert not place(offset=1, seconds=9).is_after(place(offset=1))


def test_places_of_different_logs_compare_by_time():
    """After a restart of the embedded broker offsets start at 0 again: only time tells."""
    assert place(log="second run", offset=0, seconds=1).is_after(place(log="first run", offset=500))
    assert not place(partition=1, offset=900).is_after(place(partition=0, offset=1))


@given(st.none() | st.integers(0, 2**52), st.integers(0, 2**40))
def test_revs_grow_with_every_write(previous, milliseconds):
    """A rev is above the one before, even where the clock stands or runs backwards."""
    rev = next_rev(previous, datetime.fromtimestamp(milliseconds / 1000, UTC))
    assert rev > (previous or 0)


def test_item_version_sees_the_seam():
    """Moving text between header and summary is another item."""
    assert item_version("a b", "c") != item_version("a", "b c")
    assert item_version("a", "b") == item_version("a", "b")
    assert len(item_version("a", "b")) == 32


def test_digests_of_different_kinds_never_meet():
    """A body and a posting with the same text have different digests."""
    assert content_hash("x") != posting_hash({"body": "x"})


def test_canonical_json_ignores_key_order():
    """Equal content gives equal bytes."""
    assert canonical_json({"b": 1, "a": "é"}) == canonical_json({"a": "é", "b": 1}) == '{"a":"é","b":1}'.encode()
