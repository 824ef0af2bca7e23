"""``POST /v1/score``: the native scoring call."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Request

from schemas.api import ScoreRequest, ScoreResponse, TokenCounts, TrafficClass
from serve import views
from serve.access.gate import permit_class
from serve.calls import Answer, Call, Candidate
from serve.candidates import candidates_of
from serve.context import context_of
from serve.parts import parts_of
from serve.problems import documented
from serve.stalls import give_way

__all__ = ["note_answer", "router"]

router = APIRouter(tags=["scoring"])


def note_answer(request: Request, answer: Answer) -> None:
    """Numbers of the answer for the log line."""
    context_of(request).facts.update(
        arm=answer.served_by.arm,
        candidates=len(answer.results),
        depth=answer.depth_served,
        depth_share=round(answer.depth_share, 3),
        cache=answer.cache.value,
        tokens=answer.num_item_tokens,
    )
    if answer.is_fallback:
        context_of(request).facts.update(fallback=type(answer.failure).__name__)


async def _candidates(body: ScoreRequest) -> Sequence[Candidate]:
    if body.job_ids is not None:
        return body.job_ids
    return await asyncio.to_thread(candidates_of, body.documents or ())


@router.post("/v1/score", responses=documented(400, 413, 415, 422, 429, 502, 503, 504))
async def score(request: Request, body: ScoreRequest) -> ScoreResponse:
    """Scores of candidates for a query, in request order, as many as the deadline allows.

    A candidate without a score says why. Where some have one, the answer is 200 and partial. Where none has one because
    the ranker is away or late, all are scored by words and say `source: fallback`; with `fallback: false` the call
    fails instead, with 502, 503 or 504. It always fails where too much work is in flight (429: come back after
    `Retry-After`) and where the store is away or late (503, 504): then no version can be vouched for.
    """
    parts, context = parts_of(request), context_of(request)
    permit_class(request, body.traffic_class)
    with parts.calls.enter():
        call = Call(
            query=body.query,
            candidates=await _candidates(body),
            deadline=context.deadline(body.deadline_ms / 1000),
            depth_min=body.depth.min,
            depth_max=body.depth.max,
            traffic_class=body.traffic_class,
            consistency=body.consistency,
            max_lag_s=None if body.max_lag_ms is None else body.max_lag_ms / 1000,
            is_fallback_wanted=body.fallback and body.traffic_class is not TrafficClass.REFRESH,
        )
        answer = await parts.scorer.score(call, context.stages)
    note_answer(request, answer)
    answer.raise_if_unanswered()
    await give_way(len(answer.results))
    results = views.score_results(answer, now=parts.now(), explain=body.explain)
    if body.sort:
        results = [results[index] for index in views.best_first(answer.results)]
    await give_way(len(results))
    return ScoreResponse(
        results=results,
        depth_served=answer.depth_served,
        depth_share=round(answer.depth_share, 3),
        cache=answer.cache,
        versions=views.versions(answer, build=parts.config.build),
        num_tokens=TokenCounts(query=answer.num_query_tokens, items=answer.num_item_tokens),
        as_of=answer.freshness.as_of,
        consistency=answer.freshness.consistency,
        lag_ms=views.lag_ms(answer),
        why_strict=answer.freshness.why_strict,
    )
