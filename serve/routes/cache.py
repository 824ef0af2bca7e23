"""``POST /v1/cache/purge``: cached scores that nobody may use any more. Of the admin port."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request

from schemas.purge import PurgeRequest, PurgeResponse
from serve.context import context_of
from serve.parts import Parts, parts_of
from serve.problems import documented
from serve.routes.admin import require_admin
from serve.score import normalised

__all__ = ["router"]

router = APIRouter(tags=["operations"], dependencies=[Depends(require_admin)])


@router.post("/v1/cache/purge", responses=documented(400, 401, 403, 413, 415, 422, 503))
async def purge(request: Request, body: PurgeRequest) -> PurgeResponse:
    """Remove cached scores. Idempotent: after a 503, part of it may be done; send it again.

    It holds for every process at once, since none keeps scores of its own: the store has them, with the epoch that
    `all` begins, and each look-up reads both. A call that looked up before is answered with what it found. By jobs or
    query, what is being computed meanwhile may be cached after the purge; with `all` what was scored before it is not
    used whenever it is written, give or take the difference of the machines' clocks.
    """
    parts = parts_of(request)
    context_of(request).facts.update(purged=next(iter(body.model_fields_set)))
    if body.job_ids is not None:
        return _done(parts, "job_ids", await _forget_jobs(parts, list(dict.fromkeys(body.job_ids))))
    if body.query is not None:
        for fingerprint in _fingerprints(parts, body.query):
            await parts.store.forget_query(fingerprint)
        return _done(parts, "query", None)
    await parts.store.forget_all_scores()
    return _done(parts, "all", None)


def _fingerprints(parts: Parts, query: str) -> list[str]:
    """Of the query for each open ranker that is verified; raises what the champion says where none is."""
    text = normalised(query)
    verified = [arm for arm in parts.arms.arms.values() if arm.is_verified] or [parts.arms.champion]
    return [arm.fingerprint(arm.prompt.query_ids(text), arm.revisions.current()) for arm in verified]


async def _forget_jobs(parts: Parts, job_ids: Sequence[str]) -> int:
    return sum(await asyncio.gather(*(parts.store.forget_job(job_id) for job_id in job_ids)))


def _done(parts: Parts, scope: str, num_removed: int | None) -> PurgeResponse:
    return PurgeResponse.model_validate({"scope": scope, "num_removed": num_removed, "as_of": parts.now()})
