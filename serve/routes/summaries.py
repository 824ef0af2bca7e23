"""``GET /v1/summaries``: what the store holds, for search services and for people."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from schemas.api import SummariesResponse, SummaryView
from schemas.errors import InvalidInput
from schemas.posting import check_job_id
from schemas.wire import MAX_CANDIDATES
from serve import problems, views
from serve.context import context_of
from serve.parts import parts_of
from serve.problems import documented

__all__ = ["router"]

router = APIRouter(tags=["summaries"])


def _checked(job_id: str, field: str) -> str:
    try:
        return check_job_id(job_id)
    except InvalidInput as error:
        raise InvalidInput(str(error), field=field) from error


@router.get("/v1/summaries", responses=documented(422, 503))
async def summaries(
    request: Request,
    ids: Annotated[
        list[str],
        Query(description="Job ids, separated by commas or given several times.", examples=[["job-1", "job-2"]]),
    ],
) -> SummariesResponse:
    """The stored summaries of several jobs, in the order asked for; for an id with a comma use its own address."""
    parts = parts_of(request)
    names = list(dict.fromkeys(name for part in ids for name in part.split(",") if name))
    if not 1 <= len(names) <= MAX_CANDIDATES:
        message = f"{len(names)} ids; give 1 to {MAX_CANDIDATES}"
        raise InvalidInput(message, field="ids")
    found = await parts.store.get_many([_checked(name, "ids") for name in names])
    now = parts.now()
    return SummariesResponse(
        summaries=[views.summary_view(found[name], now=now) for name in names if name in found],
        missing=[name for name in names if name not in found],
    )


# Ids may be addresses with slashes in them: the rest of the path is the id.
@router.get("/v1/summaries/{job_id:path}", responses=documented(404, 410, 422, 503), response_model=SummaryView)
async def summary(request: Request, job_id: Annotated[str, Path(examples=["job-1"])]) -> SummaryView | Response:
    """The stored summary of one job; 410 where the job was deleted."""
    parts, request_id = parts_of(request), context_of(request).request_id
    document = (await parts.store.get_many([_checked(job_id, "job_id")])).get(job_id)
    if document is None:
        return problems.of_status(404, f"there is no summary of job {job_id!r}", request_id)
    if document.is_deleted:
        return problems.of_status(410, f"job {job_id!r} was deleted", request_id)
    return views.summary_view(document, now=parts.now())
