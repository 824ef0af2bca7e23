"""What an engine's HTTP status means."""

import json
from datetime import UTC, datetime

import pytest

from models.clients.statuses import error_of, retry_after_s
from schemas.errors import (
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    DeadlineExceeded,
    Overloaded,
    PrecisError,
    PromptTooLong,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

VLLM_TOO_LONG = {
    "error": {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000."}
}
SGLANG_TOO_LONG = {"message": "The input (5000 tokens) is longer than the model's context length (4096 tokens)."}
SGLANG_NEARLY_TOO_LONG = {
    "message": "Input length (1023 tokens) exceeds the maximum allowed length (1018 tokens). Use a shorter input."
}
LOCAL_TOO_LONG = {"error": {"message": "prompt[0]: 2100 tokens and max_tokens 96 are over the context of 2048"}}


def error(status: int, body: object, **headers: str) -> PrecisError:
    """The error for an answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_of(status, headers, content, backend="ranker", operation="/v1/score", now=NOON)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, VLLM_TOO_LONG, PromptTooLong),
        (400, SGLANG_TOO_LONG, PromptTooLong),
        (400, SGLANG_NEARLY_TOO_LONG, PromptTooLong),
        (400, LOCAL_TOO_LONG, PromptTooLong),
        (413, b"", PromptTooLong),
        (
            400,
            {"error": {"message": "label_token_ids is empty", "type": "invalid_request_error"}},
            BackendProtocolError,
        ),
        (422, {"detail": "field required"}, BackendProtocolError),
        (404, {"error": "no such model"}, BackendProtocolError),
        (401, b"", BackendProtocolError),
        (302, b"", BackendProtocolError),
        (500, {"error": {"message": "NaN", "type": "numerical_fault"}}, BackendProtocolError),
        (429, b"", Overloaded),
        (503, b"<html>starting</html>", BackendUnavailable),
        (502, b"", BackendUnavailable),
        (504, b"gateway", BackendTimeout),
        (408, b"", BackendTimeout),
        (504, {"error": {"message": "too late", "type": "deadline_exceeded"}}, DeadlineExceeded),
    ],
)
def test_status_and_body_name_the_error(status: int, body: object, expected: type[PrecisError]) -> None:
    """One row a meaning; bodies as vLLM, SGLang, the local engine and proxies write them."""
    assert type(error(status, body)) is expected


def test_the_message_says_what_the_engine_said() -> None:
    """Who reads the error learns backend, operation, status and the engine's own words, not a page of HTML."""
    said = str(error(500, {"error": {"message": "kernel failed", "type": "internal_error"}}))
    assert said == "ranker /v1/score: HTTP 500: kernel failed"
    assert len(str(error(503, b"x" * 100_000))) < 400


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:20 GMT"}, 20.0),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "86400"}, 60.0),
        ({"retry-after": "inf"}, 60.0),
        ({"retry-after": "nan"}, 1.0),
        ({"retry-after": "soon"}, 1.0),
        ({"retry-after": ""}, 1.0),
        ({}, 1.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_bounds(header: dict[str, str], expected: float) -> None:
    """No hint makes a caller wait for ever, or not at all by accident."""
    assert retry_after_s(header, NOON) == expected


def test_overloaded_carries_the_hint() -> None:
    """The header becomes the attribute."""
    refused = error(429, b"", **{"retry-after": "3"})
    assert isinstance(refused, Overloaded)
    assert refused.retry_after_s == 3.0
