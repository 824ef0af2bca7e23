"""Records of `job-updates`."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidInput, PostingTooLarge, UnknownSchema
from schemas.events import MAX_RECORD_BYTES, SCHEMA, Delete, Tombstone, Upsert, decode_update, encode_update

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = {"schema": SCHEMA, "op": "upsert", "job_id": "a", "version": 1, "event_time": NOW.isoformat(), "posting": {}}


@pytest.mark.parametrize(
    "update",
    [
        Upsert(job_id="a", version=1, event_time=NOW, posting={"title": "x", "deep": [{"k": None}]}),
        Delete(job_id="a", version=2**53 - 1, event_time=NOW),
    ],
)
def test_updates_survive_the_wire(update):
    """What is encoded is decoded as it was."""
    assert decode_update(*encode_update(update)) == update


def test_a_record_without_value_is_a_tombstone():
    """A null value deletes the job of its key."""
    assert decode_update(b"a", None) == Tombstone("a")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"op": "merge"}, "op"),
        ({"op": ["upsert"]}, "op"),
        ({"version": 0}, "version"),
        ({"version": "1"}, "version"),
        ({"version": 1.5}, "version"),
        ({"version": 2**53}, "version"),
        ({"event_time": "2026-01-01T00:00:00"}, "event_time"),
        ({"posting": "text"}, "posting"),
        ({"job_id": "b"}, "job_id"),
    ],
)
def test_each_wrong_field_is_named(change, field):
    """The error says which field is wrong, so that the dead letter can be understood."""
    with pytest.raises(InvalidInput) as caught:
        decode_update(b"a", json.dumps(GOOD | change).encode())
    assert caught.value.field == field


def test_an_unknown_schema_is_told_apart():
    """Another schema is not garbage: it may be a newer publisher."""
    with pytest.raises(UnknownSchema, match=r"precis\.job-update/2"):
        decode_update(b"a", json.dumps(GOOD | {"schema": "precis.job-update/2"}).encode())


def test_oversized_records_are_refused_before_they_are_parsed():
    """A value over the limit is refused whatever it holds."""
    with pytest.raises(PostingTooLarge, match=str(MAX_RECORD_BYTES)):
        decode_update(b"a", b"{" * (MAX_RECORD_BYTES + 1))


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 50_000, b'{"a": NaN}', b'{"a": 1e999}']
)
def test_what_is_no_json_object_is_refused(value):
    """Broken, deep, non-finite or non-object JSON is refused, never raised as something else."""
    with pytest.raises(InvalidInput):
        decode_update(b"a", value)


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_any_bytes_are_decoded_or_refused(value, key):
    """No record can stop the worker: it is an update or an InvalidInput."""
    with suppress(InvalidInput):
        decode_update(key, value)


def test_lone_surrogates_are_replaced_not_fatal():
    """Half a character in a posting costs that character, not the posting."""
    value = json.dumps(GOOD | {"posting": {"title": "bad \ud800 title"}}).encode()
    update = decode_update(b"a", value)
    assert isinstance(update, Upsert)
    assert update.posting["title"] == "bad ? title"
    encode_update(update)
