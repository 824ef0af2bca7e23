"""Retrieve 250 candidates with OpenSearch, rerank them with Précis. Without the scorer: the order of retrieval.

pip install opensearch-py httpx
python opensearch_rerank.py http://localhost:9200 http://localhost:8080 "night shift nurse berlin"
"""

import sys
from typing import NamedTuple

import httpx
from opensearchpy import OpenSearch

_GONE = {"deleted", "expired"}


class Hit(NamedTuple):
    """One search result. ``why`` says where the score is from, or why there is none."""

    job_id: str
    score: float | None
    why: str


def retrieve(opensearch: OpenSearch, query: str, *, size: int = 250) -> list[str]:
    """Ids of candidates, best first by words. The ids of the index are the job ids of the topic."""
    words = {"multi_match": {"query": query, "fields": ["title^3", "description"]}}
    found = opensearch.search(index="jobs", body={"query": words, "size": size, "_source": False})
    return [hit["_id"] for hit in found["hits"]["hits"]]


def rerank(scorer: httpx.Client, query: str, job_ids: list[str], *, deadline_ms: int = 300) -> list[Hit]:
    """The candidates, scored ones first by score, then the others as retrieved; jobs that are gone are left out.

    Where the scorer refuses, fails or is late, the answer is the order of retrieval: search goes on.
    """
    if not job_ids:
        return []
    call = {"query": query, "job_ids": job_ids, "deadline_ms": deadline_ms, "sort": True}
    try:
        answer = scorer.post("/v1/score", json=call, timeout=(deadline_ms + 50) / 1000)
        results = answer.raise_for_status().json()["results"]
    except httpx.HTTPError as error:
        return [Hit(job_id, None, type(error).__name__) for job_id in job_ids]
    return [
        Hit(result["job_id"], result["score"], result["reason"] or result["source"])
        for result in results
        if result["reason"] not in _GONE
    ]


if __name__ == "__main__":
    _, search_url, scorer_url, words = sys.argv
    with httpx.Client(base_url=scorer_url) as client:
        for place, hit in enumerate(rerank(client, words, retrieve(OpenSearch(search_url), words)), start=1):
            print(place, *hit, sep="\t")
