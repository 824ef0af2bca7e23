"""``POST /v1/score``: the native scoring call."""

from fastapi import APIRouter, Request

from schemas.api import ScoreRequest, ScoreResponse, TokenCounts
from serve import views
from serve.access.gate import permit_class
from serve.calls import Answer, Call
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


@router.post("/v1/score", responses=documented(400, 413, 415, 422, 429, 502, 503, 504))
async def score(request: Request, body: ScoreRequest) -> ScoreResponse:
    """Scores of candidates for a query, in request order, as many as the deadline allows.

    A candidate without a score says why. The call fails only where no candidate got a score although one could have:
    429 (come back after `Retry-After`), 503 (the ranker or the store is away), 504 (the deadline passed). Where some
    have one, the answer is 200 and partial.
    """
    parts, context = parts_of(request), context_of(request)
    permit_class(request, body.traffic_class)
    call = Call(
        query=body.query,
        candidates=body.job_ids,
        deadline=context.deadline(body.deadline_ms / 1000),
        depth_min=body.depth.min,
        depth_max=body.depth.max,
        traffic_class=body.traffic_class,
        consistency=body.consistency,
        max_lag_s=None if body.max_lag_ms is None else body.max_lag_ms / 1000,
    )
    with parts.calls.enter():
        answer = await parts.scorer.score(call, context.stages)
    note_answer(request, answer)
    answer.raise_if_unanswered()
    await give_way(len(answer.results))
    results = views.score_results(answer, body.job_ids, now=parts.now(), explain=body.explain)
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
