"""``POST /v1/rerank`` and ``/v2/rerank``: the shape that existing rerank clients speak."""

import asyncio

from fastapi import APIRouter, Request

from schemas.api import TrafficClass
from schemas.rerank import RerankRequest, RerankResponse, RerankUsage
from schemas.wire import MAX_CANDIDATES
from serve import views
from serve.access.gate import permit_class
from serve.calls import Call
from serve.candidates import candidates_of
from serve.context import context_of
from serve.parts import parts_of
from serve.problems import documented
from serve.routes.score import note_answer

__all__ = ["router"]

router = APIRouter(tags=["scoring"])


@router.post(
    "/v2/rerank", responses=documented(400, 413, 415, 422, 429, 502, 503, 504), response_model_exclude_none=True
)
@router.post(
    "/v1/rerank", responses=documented(400, 413, 415, 422, 429, 502, 503, 504), response_model_exclude_none=True
)
async def rerank(request: Request, body: RerankRequest) -> RerankResponse:
    """Documents by relevance to the query, best first.

    A document is a text (its first line is read as the header of an item, the rest as its summary, each cut to the
    ranker's limits) or `{"id": job_id}`: then the stored summary is scored, as in `/v1/score`. Only scores of stored
    summaries are cached. Documents that have no score stand in `unscored` with the reason.

    Where the ranker is away or late the call fails, unless it says `fallback: true`: then documents are ordered by
    words and the answer says `source: fallback`. That is no default, because rerank clients drop fields that they do
    not know: their callers would hold scores of another kind against their thresholds and never learn of it.
    """
    parts, context = parts_of(request), context_of(request)
    permit_class(request, TrafficClass.INTERACTIVE)
    with parts.calls.enter():
        call = Call(
            query=body.query,
            candidates=await asyncio.to_thread(candidates_of, body.documents),
            deadline=context.deadline(body.deadline_ms / 1000),
            depth_max=MAX_CANDIDATES,
            is_fallback_wanted=body.fallback,
        )
        answer = await parts.scorer.score(call, context.stages)
    note_answer(request, answer)
    answer.raise_if_unanswered()
    results, unscored = views.rerank_results(body, answer)
    return RerankResponse(
        id=context.request_id,
        model=answer.served_by.model,
        results=results,
        unscored=unscored,
        source="fallback" if answer.is_fallback else None,
        usage=RerankUsage(total_tokens=answer.num_query_tokens + answer.num_item_tokens),
    )
