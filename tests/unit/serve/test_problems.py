"""From errors to problem documents."""

import json

import pytest
from fastapi.exceptions import RequestValidationError

from schemas.api import Problem
from schemas.errors import (
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    ConfigurationError,
    DeadlineExceeded,
    InvalidInput,
    Overloaded,
    PromptTooLong,
)
from serve import problems

_ID = "9f0c5a8e-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("bad", field="query"), 422),
        (PromptTooLong("long"), 422),
        (Overloaded("busy", retry_after_s=1.2), 429),
        (DeadlineExceeded("late"), 504),
        (BackendTimeout("slow", backend="store", operation="get"), 503),
        (BackendUnavailable("away", backend="store", operation="get"), 503),
        (BackendProtocolError("odd", backend="ranker", operation="score"), 502),
        (ConfigurationError("wrong"), 500),
    ],
)
def test_each_error_has_its_status_and_a_whole_problem_document(error, status: int):
    """Status, type, title, detail and instance, as RFC 9457 says."""
    response = problems.of_error(error, _ID)
    problem = Problem.model_validate_json(response.body)
    assert response.status_code == problem.status == status
    assert response.headers["content-type"] == "application/problem+json"
    assert problem.type.startswith("urn:precis:problem:")
    assert problem.instance == f"urn:uuid:{_ID}"
    assert str(error) == problem.detail


def test_overload_says_when_to_come_back_in_whole_seconds():
    """``Retry-After`` is rounded up."""
    assert problems.of_error(Overloaded("busy", retry_after_s=1.2), _ID).headers["retry-after"] == "2"
    assert problems.of_error(Overloaded("busy", retry_after_s=0.01), _ID).headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("location", "field"),
    [
        (("body", "job_ids", 3), "job_ids[3]"),
        (("body", "documents", 0, "<object>", "id"), "documents[0].id"),
        (("body", "documents", 0, "<object>", "text"), "documents[0].text"),
        (("body", "documents", 0, "<text>"), "documents[0]"),
        (("body", "query", "<ids>", 2), "query[2]"),
        (("body", "<ids>"), "<ids>"),
        (("query", "k"), "k"),
        (("body",), "body"),
        (("body", "a\ud800b"), "a\\ud800b"),
    ],
)
def test_fields_are_named_as_the_caller_wrote_them(location, field: str):
    """A path with indices; what no answer can carry is escaped."""
    error = RequestValidationError([{"loc": location, "msg": "no", "type": "value_error"}])
    body = json.loads(problems.of_validation(error, _ID).body)
    assert body["errors"] == [{"field": field, "message": "no"}]


def test_a_bug_tells_nothing_of_its_inside():
    """Only the id under which the log has it."""
    problem = Problem.model_validate_json(problems.unexpected(_ID).body)
    assert problem.status == 500
    assert problem.errors == []
