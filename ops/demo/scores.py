"""Scores of the judged candidates: the running ranker's, and those of words alone."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.demo.samples import JudgedQuery
from ops.scorer_client import ScorerClient
from ops.services import open_embedded_store
from ops.settings import Settings

__all__ = ["JudgedScores", "score_judged"]


@dataclass(frozen=True, slots=True)
class JudgedScores:
    """Query id -> job id -> score.

    Attributes:
        ranker: On summaries, through the scorer; a candidate that got none is left out.
        lexical: BM25 on the full text; likewise.
    """

    ranker: Mapping[str, Mapping[str, float]]
    lexical: Mapping[str, Mapping[str, float]]


async def score_judged(settings: Settings, scorer: ScorerClient, judged: Sequence[JudgedQuery]) -> JudgedScores:
    """Score every candidate of every query on the embedded profile, whose store holds them."""
    ranked = {}
    for query in judged:
        answer = await asyncio.to_thread(scorer.score, query.query, list(query.grades))
        ranked[query.query_id] = {
            result["job_id"]: result["score"] for result in answer["results"] if result["score"] is not None
        }
    store = await open_embedded_store(settings)
    try:
        lexical = {query.query_id: await store.bm25(query.query, list(query.grades)) for query in judged}
    finally:
        await store.close()
    return JudgedScores(ranked, lexical)
