"""Full-text search of the embedded store."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.documents import State
from store.sqlite import SqliteStore
from store.sqlite.index import match_expression
from tests.doubles.documents import posting_document, summary_document


async def put(store: SqliteStore, job_id: str, header: str, body: str = "", version: int = 1) -> None:
    """Store a posting."""
    await store.put_posting(posting_document(job_id, version, header=header, body=body))


async def found(store: SqliteStore, query: str, limit: int = 10) -> list[str]:
    """Ids, best first."""
    return [hit.job_id for hit in await store.search(query, limit=limit)]


async def test_any_word_matches_and_more_words_rank_higher(store: SqliteStore) -> None:
    """OR of the words, in header and body; scores are positive and fall."""
    await put(store, "both", "Nurse | Berlin")
    await put(store, "one", "Nurse | Hamburg")
    await put(store, "in-body", "Carer | Munich", "Not far from Berlin.")
    await put(store, "none", "Welder | Cologne")
    hits = await store.search("nurse berlin", limit=10)
    assert hits[0].job_id == "both"
    assert {hit.job_id for hit in hits} == {"both", "one", "in-body"}
    assert [hit.bm25 for hit in hits] == sorted((hit.bm25 for hit in hits), reverse=True)
    assert all(hit.bm25 > 0 for hit in hits)


async def test_case_and_diacritics_do_not_matter(store: SqliteStore) -> None:
    """Both ways, in several scripts."""
    await put(store, "job-1", "Ärztin | Charité | Москва")
    for query in ("arztin", "CHARITE", "ÄRZTIN", "москва"):
        assert await found(store, query) == ["job-1"]


async def test_the_limit_holds(store: SqliteStore) -> None:
    """The best ones; none for zero or less."""
    for index in range(5):
        await put(store, f"job-{index}", "nurse " * (index + 1))
    assert len(await found(store, "nurse", limit=3)) == 3
    assert await found(store, "nurse", limit=0) == []
    assert await found(store, "nurse", limit=-1) == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        '"',
        "*",
        "()",
        "NEAR(",
        "a AND",
        "col:x",
        "-",
        "^",
        "'; DROP TABLE postings; --",
        "\0",
        "\ud800",
        "😀",
        "́",
    ],
)
async def test_any_text_is_a_query(store: SqliteStore, query: str) -> None:
    """What FTS5 takes for operators is plain text; a query without words finds nothing."""
    await put(store, "job-1", "Nurse")
    assert await found(store, query) == []
    assert await store.bm25(query, ["job-1"]) == {"job-1": 0.0}


async def test_words_that_are_operators_are_words(store: SqliteStore) -> None:
    """AND, OR, NOT and NEAR can be searched for."""
    await put(store, "job-1", "not near and or")
    for query in ("AND", "OR", "NOT", "NEAR"):
        assert await found(store, query) == ["job-1"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(query=st.text(max_size=40))
async def test_no_text_makes_search_fail(store: SqliteStore, query: str) -> None:
    """Whatever a user types."""
    await store.search(query, limit=3)
    assert await store.bm25(query, ["nobody"]) == {"nobody": 0.0}


def test_a_long_query_is_cut_and_words_count_once() -> None:
    """64 different words at most: a pasted page is no denial of service."""
    assert match_expression("nurse nurse C++/C#") == '"nurse" OR "C"'
    assert match_expression(" ".join(f"w{index}" for index in range(1_000))).count(" OR ") == 63


async def test_the_index_follows_the_postings(store: SqliteStore) -> None:
    """A newer version replaces the words, an older one does not, a removal takes them away."""
    await put(store, "job-1", "nurse", version=1)
    await put(store, "job-1", "welder", version=3)
    await put(store, "job-1", "baker", version=2)
    assert [await found(store, word) for word in ("nurse", "welder", "baker")] == [[], ["job-1"], []]
    await store.remove_posting("job-1", up_to_version=2)
    assert await found(store, "welder") == ["job-1"]
    await store.remove_posting("job-1", up_to_version=3)
    assert await found(store, "welder") == []


async def test_deleted_jobs_are_not_found(store: SqliteStore) -> None:
    """Also in the moment between the summary's deletion and the posting's."""
    await put(store, "job-1", "nurse")
    cas = await store.put(summary_document("job-1"), cas=None)
    assert await found(store, "nurse") == ["job-1"]
    await store.put(summary_document("job-1", state=State.DELETED), cas=cas)
    assert await found(store, "nurse") == []


async def test_bm25_scores_the_jobs_that_were_asked_for(store: SqliteStore) -> None:
    """The same number as search gives; 0 for one without the words and for one that is not there."""
    await put(store, "job-1", "nurse berlin")
    await put(store, "job-2", "welder")
    await put(store, "job-3", "nurse")
    scores = await store.bm25("nurse berlin", ["job-1", "job-2", "nobody"])
    (best, *_) = await store.search("nurse berlin", limit=1)
    assert scores == {"job-1": best.bm25, "job-2": 0.0, "nobody": 0.0}
    assert await store.bm25("nurse", []) == {}
