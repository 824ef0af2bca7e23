"""The forms of a scoring request: a query as text or as token ids, candidates as ids or as documents."""

import pytest

from models.prompts import normalise_query
from tests.doubles.summaries import summary_of
from tests.doubles.tokenizer import small_tokenizer

_QUERY = "night shift nurse"
_IDS = small_tokenizer().encode(normalise_query(_QUERY))


@pytest.fixture
async def filled(scorer):
    """A scorer with two summaries."""
    for job_id, summary in {"a": "night shift; part time", "b": "remote work"}.items():
        assert await scorer.store.put(summary_of(job_id, summary), cas=None)
    return scorer


async def _post(scorer, **fields) -> list[dict]:
    response = await scorer.client.post("/v1/score", json={"query": _QUERY, "deadline_ms": 60_000, **fields})
    assert response.status_code == 200, response.text
    return response.json()["results"]


@pytest.mark.parametrize(("first", "second"), [(_QUERY, _IDS), (_IDS, "NIGHT  shift Nurse")])
async def test_a_text_and_its_ids_are_one_query(filled, first, second):
    """The same prompt, and so the same entry of the cache, whichever form came first."""
    before = await _post(filled, query=first, job_ids=["a", "b"])
    await filled.until_cached()
    after = await _post(filled, query=second, job_ids=["a", "b"])
    assert [result["source"] for result in before + after] == ["model"] * 2 + ["cache"] * 2
    assert [result["score"] for result in before] == [result["score"] for result in after]
    assert len(filled.ranker.calls) == 1


async def test_token_ids_are_scored_as_they_are(filled):
    """Nothing is normalised: ids of capital letters are another query than those of small ones."""
    capitals = small_tokenizer().encode("NIGHT shift")
    await _post(filled, query=capitals, job_ids=["a"])
    assert list(filled.ranker.calls[0].query_ids[1:]) == capitals


async def test_documents_are_scored_in_their_places(filled):
    """A text has no job id, a named job has its own; a stored text and the same text inline have the same score."""
    inline = "Nurse a | Clinic | Berlin\nnight shift; part time"
    results = await _post(filled, documents=["Baker", inline, {"text": inline}, {"id": "a"}, {"id": "nobody"}])
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
    assert [result["job_id"] for result in results] == [None, None, None, "a", "nobody"]
    assert results[1]["score"] == results[2]["score"] == results[3]["score"] > results[0]["score"]
    assert results[1]["item_version"] == results[3]["item_version"]
    assert results[1]["age_s"] is None
    assert results[4]["reason"] == "no_summary"


async def test_sorted_results_say_their_place_in_the_request(filled):
    """Without it nobody could tell which text a result is of."""
    results = await _post(filled, documents=["Baker", "Nurse\nnight shift"], sort=True)
    assert [result["index"] for result in results] == [1, 0]


async def test_documents_are_explained_too(filled):
    """What was read of a text, and what it cost; there is no posting to have a version."""
    (result,) = await _post(filled, documents=["Nurse\n<b>Nights</b>"], explain=True)
    explained = result["explain"]
    assert (explained["header"], explained["summary"], explained["source_version"]) == ("Nurse", "Nights", None)
    assert explained["num_tokens"] == len(filled.ranker.calls[0].items[0])


async def test_scores_of_texts_are_never_cached(filled):
    """They belong to no job, so nothing could invalidate them."""
    for _ in range(2):
        assert (await _post(filled, documents=["Nurse"]))[0]["source"] == "model"
    assert filled.ranker.num_items == 2
