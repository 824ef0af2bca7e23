"""Probes, metrics and facts about the running process."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from schemas.api import Consistency
from schemas.errors import BackendTimeout
from schemas.wire import MAX_CANDIDATES, MAX_DEADLINE_MS, MAX_QUERY_CHARS
from serve.arms.status import arms_of
from serve.parts import Parts, parts_of
from serve.problems import documented

__all__ = ["metrics_router", "router"]

router = APIRouter(tags=["operations"])
metrics_router = APIRouter(tags=["operations"])
"""Of the admin port only."""


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Whether the process turns its event loop. Says nothing about backends."""
    return {"status": "alive"}


@router.get("/readyz", responses=documented(503))
async def readyz(request: Request) -> dict[str, str]:
    """Whether scoring calls can be answered: the ranker passed its canaries and the store answers a read now."""
    parts = parts_of(request)
    revision = parts.arms.champion.revisions.current()
    await _probe_store(parts)
    return {"status": "ready", "ranker_revision": revision}


async def _probe_store(parts: Parts) -> None:
    timeout_s = parts.config.probe_timeout_s
    try:
        async with asyncio.timeout(timeout_s):
            await parts.store.get_many(["readyz"])
    except TimeoutError as error:
        message = f"no answer within {timeout_s:g} s"
        raise BackendTimeout(message, backend="store", operation="probe") from error


@metrics_router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus metrics."""
    return Response(parts_of(request).telemetry.render(), media_type=CONTENT_TYPE_LATEST)


@router.get("/info")
async def info(request: Request) -> dict[str, Any]:
    """Versions, limits and the present state."""
    parts = parts_of(request)
    config, arm = parts.config, parts.arms.champion
    manifest, why_not = arm.bundle.manifest, arm.revisions.why_not
    return {
        "build": config.build,
        "profile": config.profile,
        "as_of": parts.now().isoformat(),
        "access": "open" if request.app.state.guard.is_open else "keys",
        "workers": config.num_workers,
        "has_search": parts.index is not None,
        "consistency": [each for each in Consistency if parts.near_cache or each is Consistency.STRICT],
        "ranker": {
            "arm": arm.name,
            "bundle": manifest.name,
            "bundle_revision": arm.bundle.revision,
            "verified_revision": None if why_not else arm.revisions.current(),
            "why_not_verified": why_not,
            "prompt": arm.prompt.version,
            "prompt_digest": arm.prompt.digest,
            "tokens_per_s": round(arm.tokens_per_s(), 1),
            "overhead_tokens_per_request": round(arm.admission.cost.overhead_tokens),
            "tokens_in_flight": arm.tokens_in_flight(),
        },
        "arms": arms_of(parts.arms).model_dump(mode="json"),
        "limits": {
            "candidates": MAX_CANDIDATES,
            "query_chars": MAX_QUERY_CHARS,
            "deadline_ms": MAX_DEADLINE_MS,
            "body_bytes": config.max_body_bytes,
            "tokens_in_flight": arm.tokens_limit(),
            "calls_in_flight": config.max_calls_in_flight,
            "prompt_tokens": manifest.limits.model_dump(),
        },
        "near_cache": await parts.near_cache.facts() if parts.near_cache else None,
        "cache": {
            "ttl_s": config.cache_ttl_s,
            "soft_share": config.cache_soft_share,
            "budget_s": config.cache_budget_s,
        },
    }
