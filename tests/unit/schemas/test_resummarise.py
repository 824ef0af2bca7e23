"""Requests and roll-out states: what is written is read again, and what is none says what is wrong."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidInput, UnknownSchema
from schemas.resummarise import (
    MAX_REQUEST_VALUE_BYTES,
    Reason,
    ResummariseRequest,
    decode_request,
    encode_request,
)
from schemas.rollout import ROLLOUT_KEY, RolloutPhase, RolloutState, decode_rollout, encode_rollout

REQUEST = ResummariseRequest(job_id="job", reason=Reason.ROLLOUT, generation=3, revision="abc")


def value(**changes: object) -> bytes:
    fields = {"schema": 1, "job_id": "job", "reason": "fallback", "generation": 0, "revision": None}
    return json.dumps(fields | changes).encode()


def test_a_request_has_the_agreed_form() -> None:
    """Other publishers may write it by hand."""
    key, raw = encode_request(REQUEST)
    assert key == b"job"
    assert json.loads(raw) == {
        "schema": 1,
        "job_id": "job",
        "reason": "rollout",
        "generation": 3,
        "revision": "abc",
    }


@given(
    job_id=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=40),
    reason=st.sampled_from(Reason),
    generation=st.integers(0, 2**53 - 1),
    revision=st.none() | st.text(max_size=16),
)
def test_what_is_encoded_is_decoded(job_id: str, reason: Reason, generation: int, revision: str | None) -> None:
    """Every request comes back as it was."""
    request = ResummariseRequest(job_id=job_id, reason=reason, generation=generation, revision=revision)
    assert decode_request(*encode_request(request)) == request


def test_unknown_fields_do_no_harm() -> None:
    """A later version may add some."""
    assert decode_request(b"job", value(more=1)).reason is Reason.FALLBACK


@pytest.mark.parametrize(
    ("key", "raw", "says"),
    [
        (None, value(), "no key"),
        (b"", value(), "no key"),
        (b"\xff", value(), "UTF-8"),
        (b"job", None, "no value"),
        (b"job", b"nonsense", "not JSON"),
        (b"job", b"[1]", "JSON list"),
        (b"job", b"9" * (MAX_REQUEST_VALUE_BYTES + 1), "over the limit"),
        (b"other", value(), "differs from the record's key"),
        (b"job", value(reason="because"), "reason"),
        (b"job", value(generation=-1), "generation"),
        (b"job", value(generation="1"), "generation"),
        (b"job", value(generation=True), "generation"),
        (b"job", value(revision=7), "revision"),
    ],
)
def test_what_is_no_request_says_why(key: bytes | None, raw: bytes | None, says: str) -> None:
    """The message is what stands in the dead letter."""
    with pytest.raises(InvalidInput, match=says):
        decode_request(key, raw)


@pytest.mark.parametrize("schema", [2, None, "precis.job-update/1", {"a": []}])
def test_another_schema_is_named(schema: object) -> None:
    """Version skew is told apart from nonsense."""
    with pytest.raises(UnknownSchema, match="schema"):
        decode_request(b"job", value(schema=schema))


def test_a_state_comes_back_as_it_was() -> None:
    """Partitions are keys of a JSON object, which are text; they are numbers again."""
    state = RolloutState(
        generation=2,
        phase=RolloutPhase.PAUSED,
        revision="abc",
        requested=7,
        is_enumerated=False,
        until={0: 5, 11: 9},
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    key, raw = encode_rollout(state)
    assert json.loads(raw)["state"] == "paused"
    assert decode_rollout(key, raw) == state


@pytest.mark.parametrize(
    ("key", "raw"),
    [(b"other", encode_rollout(RolloutState())[1]), (ROLLOUT_KEY, None), (ROLLOUT_KEY, b"{"), (None, b"{}")],
)
def test_what_is_no_state_is_refused(key: bytes | None, raw: bytes | None) -> None:
    """The follower keeps what it knows."""
    with pytest.raises(InvalidInput, match=r"roll-out state|key"):
        decode_rollout(key, raw)


@pytest.mark.parametrize(
    ("generation", "revision", "allowed"),
    [(0, None, 0), (3, None, 3), (3, "mine", 3), (3, "other", 2), (0, "other", 0)],
)
def test_a_worker_of_another_model_stays_a_generation_behind(
    generation: int, revision: str | None, allowed: int
) -> None:
    """So that the lane does not take its summaries for the new ones."""
    assert RolloutState(generation=generation, revision=revision).allowed_generation("mine") == allowed
