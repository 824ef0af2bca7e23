"""``GET /v1/search``: candidates by words from the full-text index, ranked as in ``/v1/score``. Embedded only."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Query, Request

from schemas.api import SearchResponse, TrafficClass
from schemas.deadline import Deadline
from schemas.errors import DeadlineExceeded, InvalidInput
from schemas.wire import MAX_CANDIDATES, MAX_QUERY_CHARS, MAX_SEARCH_RESULTS
from serve import views
from serve.access.gate import permit_class
from serve.calls import Call
from serve.context import context_of
from serve.parts import parts_of
from serve.problems import documented
from serve.routes.score import note_answer
from store.ports import Hit, PostingIndex

__all__ = ["router"]

router = APIRouter(tags=["search"])


async def _candidates(index: PostingIndex, query: str, limit: int, deadline: Deadline) -> list[Hit]:
    try:
        async with asyncio.timeout(deadline.remaining_s()):
            return await index.search(query, limit=limit)
    except TimeoutError as error:
        message = "deadline passed before the index answered"
        raise DeadlineExceeded(message) from error


@router.get("/v1/search", responses=documented(422, 429, 503, 504))
async def search(
    request: Request,
    q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY_CHARS, examples=["night shift nurse berlin"])],
    k: Annotated[int, Query(ge=1, le=MAX_SEARCH_RESULTS, description="How many candidates to rank.")] = 20,
) -> SearchResponse:
    """The best postings for a query: candidates by words, order by the ranker.

    Where the ranker is away, results come in the index's order, unscored, each with its reason.
    """
    parts, context = parts_of(request), context_of(request)
    assert parts.index is not None, "this route exists only with an index"
    permit_class(request, TrafficClass.INTERACTIVE)
    deadline = context.deadline(parts.config.search_deadline_s)
    with parts.calls.enter():
        with context.stages.stage("index"):
            hits = await _candidates(parts.index, q, k, deadline)
        call = Call(query=q, candidates=[hit.job_id for hit in hits], deadline=deadline, depth_max=MAX_CANDIDATES)
        try:
            answer = await parts.scorer.score(call, context.stages)
        except InvalidInput as error:
            raise InvalidInput(str(error), field="q") from error
    note_answer(request, answer)
    return SearchResponse(
        query=q,
        results=views.search_results(hits, answer, now=parts.now()),
        num_candidates=len(hits),
        depth_served=answer.depth_served,
        cache=answer.cache,
        versions=views.versions(answer, build=parts.config.build),
        as_of=answer.freshness.as_of,
        wall_ms=round((time.monotonic() - context.arrived_s) * 1e3, 2),
    )
