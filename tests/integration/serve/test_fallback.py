"""Answers by words, where the ranker is away or late and nothing else has a score."""

import pytest
from structlog.testing import capture_logs

from models.prompts import normalise_query
from schemas.errors import BackendProtocolError, BackendUnavailable, DeadlineExceeded, Overloaded
from store.memory import MemoryStore
from tests.doubles.summaries import summary_of
from tests.doubles.tokenizer import small_tokenizer

_QUERY = "night shift"
_AWAY = BackendUnavailable("away", backend="ranker", operation="score")
_SUMMARIES = {"a": "remote work; python", "b": "night shift; part time", "c": "night"}


async def _fill(store) -> None:
    for job_id, summary in _SUMMARIES.items():
        assert await store.put(summary_of(job_id, summary), cas=None)


@pytest.fixture
async def filled(scorer):
    """A scorer with three summaries."""
    await _fill(scorer.store)
    return scorer


def _results(response) -> list[dict]:
    assert response.status_code == 200, response.text
    return response.json()["results"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (_AWAY, "backend"),
        (BackendProtocolError("odd", backend="ranker", operation="score"), "backend"),
        (DeadlineExceeded("late"), "deadline"),
    ],
)
async def test_words_answer_for_a_ranker_that_is_away_or_late(filled, error, reason: str):
    """200, each score says its source and why; nothing says that a ranker made them."""
    filled.ranker.fail_next(error)
    response = await filled.score(_QUERY, ["a", "b", "nobody", "c"])
    results = _results(response)
    assert [result["source"] for result in results] == ["fallback", "fallback", "unscored", "fallback"]
    assert [result["reason"] for result in results] == [reason, reason, "no_summary", reason]
    assert results[1]["score"] > results[3]["score"] > results[0]["score"] == 0
    assert response.json()["depth_served"] == 0
    assert response.json()["versions"]["ranker_revision"] is None


async def test_a_ranker_that_hangs_is_answered_for_before_the_deadline(filled):
    """Time for it is kept back, so the answer is not late; sorted as asked."""
    filled.ranker.hold()
    results = _results(await filled.score(_QUERY, ["a", "b", "c"], deadline_ms=200, sort=True))
    assert [result["job_id"] for result in results] == ["b", "c", "a"]
    assert {result["source"] for result in results} == {"fallback"}


async def test_such_scores_are_never_cached(filled):
    """The next call asks the ranker again, and has its scores alone."""
    filled.ranker.fail_next(_AWAY)
    await filled.score(_QUERY, ["a", "b"])
    results = _results(await filled.score(_QUERY, ["a", "b"]))
    assert [result["source"] for result in results] == ["model", "model"]


async def test_scores_of_two_kinds_are_never_in_one_answer(start_scorer):
    """Where some have a score of the ranker's, the rest stays unscored."""
    scorer = await start_scorer(pack_items=1, packs_in_flight=1)
    await _fill(scorer.store)
    scorer.ranker.fail_next(None, _AWAY, _AWAY)
    results = _results(await scorer.score(_QUERY, ["a", "b", "c"]))
    assert [result["source"] for result in results] == ["model", "unscored", "unscored"]


async def test_what_is_cached_is_answered_alone(filled):
    """A cached score is the ranker's too."""
    await filled.score(_QUERY, ["a"])
    await filled.app.state.parts.scorer._cache.drain()  # noqa: SLF001 - the write is in the background
    assert filled.sample("cache_writes_total", result="written") == 1
    filled.ranker.fail_next(_AWAY)
    results = _results(await filled.score(_QUERY, ["a", "b"]))
    assert [result["source"] for result in results] == ["cache", "unscored"]


async def test_only_the_first_candidates_are_looked_at(filled):
    """``depth.max`` is the caller's."""
    filled.ranker.fail_next(_AWAY)
    results = _results(await filled.score(_QUERY, ["a", "b", "c"], depth={"max": 2}))
    assert [result["source"] for result in results] == ["fallback", "fallback", "unscored"]


async def test_token_ids_and_texts_inline_have_words_too(filled):
    """The ids say what the text says."""
    filled.ranker.fail_next(_AWAY, _AWAY)
    documents = ["Baker\nearly shift", {"text": "Nurse\nnight shift"}]
    answers = []
    for query in (_QUERY, small_tokenizer().encode(normalise_query(_QUERY))):
        body = {"query": query, "documents": documents, "deadline_ms": 60_000}
        answers.append(_results(await filled.client.post("/v1/score", json=body)))
    assert answers[0] == answers[1]
    assert [result["source"] for result in answers[0]] == ["fallback", "fallback"]
    assert answers[0][1]["score"] > answers[0][0]["score"]


@pytest.mark.parametrize(
    ("query", "fields", "error", "status"),
    [
        (_QUERY, {"fallback": False}, _AWAY, 503),
        (_QUERY, {"class": "refresh"}, _AWAY, 503),
        ("+ !", {}, _AWAY, 503),
        (_QUERY, {}, Overloaded("busy", retry_after_s=3), 429),
    ],
    ids=["switched off", "nobody reads it", "no words", "overload"],
)
async def test_a_problem_stays_a_problem(filled, query: str, fields: dict, error, status: int):
    """Where nobody wants words, where there are none, and where the caller may come back."""
    filled.ranker.fail_next(error)
    assert (await filled.score(query, ["a"], **fields)).status_code == status


async def test_without_the_store_there_are_no_words(start_scorer):
    """No version could be vouched for."""

    class Gone(MemoryStore):
        async def get_many(self, job_ids):
            raise BackendUnavailable("gone", backend="store", operation="get_many")

    scorer = await start_scorer(store=Gone(), is_verified=False)
    assert (await scorer.score(_QUERY, ["a"])).status_code == 503


async def test_metrics_and_the_log_line_show_it(filled):
    """How many scores, and why; and which call."""
    filled.ranker.fail_next(_AWAY)
    with capture_logs() as lines:
        await filled.score(_QUERY, ["a", "b"])
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["fallback"] == "BackendUnavailable"
    assert filled.sample("results_total", arm="champion", source="fallback", reason="backend") == 2


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
async def test_rerank_answers_by_words_only_on_request(filled, path: str):
    """Its clients cannot see the source of a score, so by default they are told the truth by status."""
    body = {"query": _QUERY, "documents": ["Baker\nearly", "Nurse\nnight shift"], "deadline_ms": 60_000}
    filled.ranker.fail_next(_AWAY, _AWAY)
    assert (await filled.client.post(path, json=body)).status_code == 503
    answer = (await filled.client.post(path, json=body | {"fallback": True})).json()
    assert [result["index"] for result in answer["results"]] == [1, 0]
    assert (answer["source"], answer["unscored"]) == ("fallback", [])
    assert "source" not in (await filled.client.post(path, json=body | {"fallback": True})).json()
