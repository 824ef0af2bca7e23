"""Bad input: a clear answer that names the field, never a 500."""

import json

import pytest
from structlog.testing import capture_logs

from schemas.api import Problem
from tests.doubles.summaries import summary_of

_GOOD = {"query": "night", "job_ids": ["a"]}


def _problem(response, status: int) -> Problem:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return Problem.model_validate_json(response.content)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"query": "x" * 50_000}, "query"),
        ({"query": ""}, "query"),
        ({"query": "\x00\x01"}, "query"),
        ({"query": " \u00a0 "}, "query"),
        ({"query": 7}, "query"),
        ({"query": None}, "query"),
        ({"query": []}, "query"),
        ({"query": {"text": "night"}}, "query"),
        ({"query": [80, -1]}, "query[1]"),
        ({"query": [80, "81"]}, "query[1]"),
        ({"query": [True]}, "query[0]"),
        ({"query": [80.0]}, "query[0]"),
        ({"query": [80, 10**30]}, "query[1]"),
        ({"query": [80, 599_999]}, "query[1]"),
        ({"query": [80, 4]}, "query[1]"),  # <|relevant|> asks for the answer: no query may
        ({"query": [80] * 49}, "query"),
        ({"query": [80] * 5_000}, "query"),
        ({"job_ids": None}, "documents"),
        ({"documents": ["a nurse"]}, "documents"),
        ({"job_ids": None, "documents": []}, "documents"),
        ({"job_ids": None, "documents": ["x"] * 1_001}, "documents"),
        ({"job_ids": None, "documents": ["x", {}]}, "documents[1]"),
        ({"job_ids": None, "documents": [7]}, "documents[0]"),
        ({"job_ids": None, "documents": [{"id": "\x00"}]}, "documents[0].id"),
        ({"job_ids": []}, "job_ids"),
        ({"job_ids": [str(number) for number in range(5_000)]}, "job_ids"),
        ({"job_ids": ["a", ""]}, "job_ids[1]"),
        ({"job_ids": ["a", "b\x00c"]}, "job_ids[1]"),
        ({"job_ids": ["x" * 201]}, "job_ids[0]"),
        ({"job_ids": [7]}, "job_ids[0]"),
        ({"job_ids": "a"}, "job_ids"),
        ({"deadline_ms": 0}, "deadline_ms"),
        ({"deadline_ms": -5}, "deadline_ms"),
        ({"deadline_ms": 10**30}, "deadline_ms"),
        ({"deadline_ms": 1.5}, "deadline_ms"),
        ({"class": "urgent"}, "class"),
        ({"consistency": "eventual"}, "consistency"),
        ({"consistency": "bounded", "max_lag_ms": 0}, "max_lag_ms"),
        ({"depth": {"min": 5, "max": 2}}, "depth"),
        ({"depth": {"min": 0}}, "depth.min"),
        ({"deadline": 500}, "deadline"),
    ],
)
async def test_score_names_the_field(scorer, change, field: str):
    """422, with the path of the field as the caller wrote it."""
    problem = _problem(await scorer.client.post("/v1/score", json=_GOOD | change), 422)
    assert [error.field for error in problem.errors] == [field]
    assert problem.errors[0].message


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"query": "\\ud800", "job_ids": ["a"]}', "query"),
        (b'{"query": "a", "job_ids": ["\\udfff"]}', "job_ids[0]"),
        (b'{"query": "a", "job_ids": ["a"], "\\ud800": 1}', "body"),  # a name that no text can hold
        (b'{"query": "a", "job_ids": ["a"], "deadline_ms": NaN}', "deadline_ms"),
        (b'{"query": "a", "job_ids": ["a"], "deadline_ms": 1e999}', "deadline_ms"),
        (b"[]", "body"),
        (b"null", "body"),
        (b"", "body"),
        (b"7", "body"),
    ],
)
async def test_odd_json_names_the_field(scorer, body: bytes, field: str):
    """Lone surrogates and numbers that are none: an answer that can itself be encoded."""
    response = await scorer.client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    assert _problem(response, 422).errors[0].field == field


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"query": "a"', b"\xff\xfe\x00", b"[" * 100_000, b'{"deadline_ms": ' + b"9" * 5_000 + b"}", b"\x00"],
    ids=["open", "cut", "not-utf8", "deep", "digits", "nul"],
)
async def test_what_is_not_json_is_malformed(scorer, body: bytes):
    """400, also for nesting and numbers that no parser takes."""
    response = await scorer.client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    _problem(response, 400)


@pytest.mark.parametrize("path", ["/v1/score", "/v1/rerank", "/v2/rerank"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"])
async def test_other_content_types_are_refused(scorer, path: str, content_type: str):
    """415, said before the body is read."""
    response = await scorer.client.post(path, content=json.dumps(_GOOD), headers={"content-type": content_type})
    assert "application/json" in _problem(response, 415).detail


async def test_body_over_the_limit_is_refused(start_scorer):
    """413 by the declared length, and by what really comes where none is declared."""
    scorer = await start_scorer(max_body_bytes=1_000)
    headers = {"content-type": "application/json"}
    read = 0

    async def endless():
        nonlocal read
        while True:
            read += 1
            yield b" " * 100

    declared = await scorer.client.post("/v1/score", content=b" " * 1_001, headers=headers)
    _problem(declared, 413)
    chunked = await scorer.client.post("/v1/score", content=endless(), headers=headers)
    _problem(chunked, 413)
    assert read < 20


@pytest.mark.parametrize("path", ["/nothing", "/v1/score/x"])
async def test_unknown_paths_are_problems_too(scorer, path: str):
    """404."""
    _problem(await scorer.client.get(path), 404)


async def test_wrong_method_is_a_problem_too(scorer):
    """405, with the methods that are allowed."""
    response = await scorer.client.get("/v1/score")
    _problem(response, 405)
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"documents": []}, "documents"),
        ({"documents": ["x"] * 1_001}, "documents"),
        ({"documents": [{}]}, "documents[0]"),
        ({"documents": [7]}, "documents[0]"),
        ({"documents": [{"text": "a", "id": "b"}]}, "documents[0]"),
        ({"documents": [{"id": "\x00"}]}, "documents[0].id"),
        ({"documents": ["a"], "top_n": 0}, "top_n"),
        ({"documents": ["a"], "query": ""}, "query"),
    ],
)
async def test_rerank_names_the_field(scorer, change, field: str):
    """As for ``/v1/score``."""
    response = await scorer.client.post("/v1/rerank", json={"query": "night", "documents": ["a"]} | change)
    assert field in {error.field for error in _problem(response, 422).errors}


@pytest.mark.parametrize("query", ["", "?ids=", "?ids=,", "?ids=%00", "?ids=" + ",".join(map(str, range(1_001)))])
async def test_summaries_name_the_parameter(scorer, query: str):
    """Missing, empty, unprintable, too many."""
    assert _problem(await scorer.client.get("/v1/summaries" + query), 422).errors[0].field == "ids"


async def test_bug_is_a_plain_500_and_logged_without_its_text(start_scorer):
    """The caller learns an id; the log has the trace under it, without the message, which may quote a document."""

    class BuggyStore:
        async def get_many(self, job_ids):
            if list(job_ids) == ["readyz"]:
                return {}
            message = "secret of the inside"
            raise ZeroDivisionError(message)

        async def get_scores(self, fingerprint, job_ids):
            return {}

        async def close(self):
            pass

    scorer = await start_scorer(store=BuggyStore())
    with capture_logs() as lines:
        response = await scorer.score("night", ["a"])
    assert "secret" not in response.text + repr(lines)
    assert [line["error"] for line in lines if line["event"] == "unexpected error"] == ["ZeroDivisionError"]
    assert _problem(response, 500).instance.endswith(response.headers["x-request-id"])


async def test_log_lines_never_hold_text(scorer):
    """Numbers and ids of the request only: neither query nor summary."""
    await scorer.store.put(summary_of("a", "confidential summary"), cas=None)
    with capture_logs() as lines:
        await scorer.score("confidential query", ["a"])
        await scorer.score("\x00", ["a"])
        await scorer.client.post("/v1/rerank", json={"query": "confidential", "documents": ["confidential"]})
    assert [line["status"] for line in lines if line["event"] == "request"] == [200, 422, 200]
    assert "confidential" not in repr(lines)
