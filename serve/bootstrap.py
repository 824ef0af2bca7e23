"""The composition root of the scorer: builds every part, opens what needs opening, closes it in reverse order."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from models.bundle import Bundle, Role, load_bundle
from models.clients.examination import examine_ranker
from models.clients.ports import RankerEngine
from models.prompts import RankerPrompt, TextTokenizer
from schemas.api import TrafficClass
from schemas.deadline import Deadline
from schemas.errors import PrecisError
from schemas.wire import DEFAULT_DEADLINE_MS
from serve import problems
from serve.admission import Admission, CallGate
from serve.body import BodyLimits
from serve.cache import ScoreCache
from serve.config import ScorerConfig
from serve.context import context_of
from serve.depth_control import DepthControl
from serve.edge import Edge
from serve.flight import SingleFlight
from serve.lane import Lane, LaneLimits
from serve.near_cache.feed import ScannableStore
from serve.near_cache.service import NearCache
from serve.openapi import document_problems
from serve.parts import Parts
from serve.ranking import Ranking
from serve.reading import Reading
from serve.routes import operations, rerank, score, search, summaries
from serve.routes.page import page_router
from serve.score import Scorer
from serve.speed import SpeedMeter
from serve.telemetry import Telemetry
from serve.verification import CanariesFailed, Verification
from store.breaker_metrics import export_breakers
from store.ports import PostingIndex, Store

__all__ = ["create_app"]

OpenStore = Callable[[], Awaitable[Store]]
OpenRanker = Callable[[], Awaitable[RankerEngine]]
OpenIndex = Callable[[], Awaitable[PostingIndex]]


def create_app(
    config: ScorerConfig,
    *,
    open_store: OpenStore,
    open_ranker: OpenRanker,
    open_index: OpenIndex | None = None,
) -> FastAPI:
    """The scorer as an ASGI application. Nothing is opened before its lifespan begins.

    Args:
        config: Limits.
        open_store: Makes the store inside the service's event loop; closed with the application.
        open_ranker: Likewise the client of the ranker engine. The engine itself may come up later.
        open_index: Likewise full-text search; None leaves out ``/v1/search``.
    """
    telemetry = Telemetry()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            app.state.parts = await _open_parts(config, telemetry, open_store, open_ranker, open_index, closing)
            yield

    app = FastAPI(
        title="Précis scorer",
        version=config.build,
        description=(
            "Scores query-document pairs against the summaries of a live catalogue, inside a deadline, never a stale "
            "one. Errors are RFC 9457 problem documents (`application/problem+json`) that name the field."
        ),
        lifespan=lifespan,
        # FastAPI's pages load scripts from a public network; ours (serve.routes.page) come with the service.
        docs_url=None,
        redoc_url=None,
    )
    for router in (score.router, rerank.router, summaries.router, operations.router):
        app.include_router(router)
    if open_index is not None:
        app.include_router(search.router)
    app.include_router(page_router())
    _handle_errors(app)
    document_problems(app)
    app.add_middleware(BodyLimits, max_bytes=config.max_body_bytes, timeout_s=config.body_timeout_s)
    app.add_middleware(Edge, telemetry=telemetry)  # added last: outermost
    return app


async def _open_parts(
    config: ScorerConfig,
    telemetry: Telemetry,
    open_store: OpenStore,
    open_ranker: OpenRanker,
    open_index: OpenIndex | None,
    closing: AsyncExitStack,
) -> Parts:
    bundle = await asyncio.to_thread(load_bundle, config.ranker_bundle, Role.RANKER)
    tokenizer = await asyncio.to_thread(TextTokenizer.from_file, bundle.tokenizer_file)
    prompt = RankerPrompt(tokenizer, bundle.manifest.limits)
    store = await open_store()
    closing.push_async_callback(store.close)
    export_breakers(store, telemetry.registry)
    index = await _open_index(open_index, closing)
    ranker = await open_ranker()
    closing.push_async_callback(ranker.close)
    export_breakers(ranker, telemetry.registry, of="engine")
    cache = ScoreCache(
        store,
        ttl_s=config.cache_ttl_s,
        budget_s=config.cache_budget_s,
        max_writes=config.max_cache_writes,
        telemetry=telemetry,
        now=_utc_now,
    )
    closing.push_async_callback(cache.drain)
    ranking, admission = _ranking(config, telemetry, bundle, prompt, ranker, closing)
    verification = Verification(
        lambda: _verify(ranker, bundle, config, telemetry),
        retry_s=config.canary_retry_s,
        interval_s=config.canary_interval_s,
    )
    verification.start()
    closing.push_async_callback(verification.close)
    near_cache = _near_cache(config, telemetry, prompt, store, closing)
    scorer = Scorer(
        reading=Reading(
            store,
            near_cache,
            max_lag_s=config.near_cache.max_lag_s if config.near_cache else 0.0,
            telemetry=telemetry,
            now=_utc_now,
        ),
        prompt=prompt,
        cache=cache,
        ranking=ranking,
        revisions=verification,
        telemetry=telemetry,
        now=_utc_now,
        depth_floor=config.depth_floor,
        margin_s=config.deadline_margin_s,
    )
    return Parts(
        config=config,
        bundle=bundle,
        prompt=prompt,
        store=store,
        index=index,
        scorer=scorer,
        calls=CallGate(config.max_calls_in_flight),
        admission=admission,
        near_cache=near_cache,
        verification=verification,
        telemetry=telemetry,
        now=_utc_now,
    )


def _ranking(
    config: ScorerConfig,
    telemetry: Telemetry,
    bundle: Bundle,
    prompt: RankerPrompt,
    ranker: RankerEngine,
    closing: AsyncExitStack,
) -> tuple[Ranking, Admission]:
    """How misses are scored: admission, depth, single flight and the lane to the engine."""
    admission = Admission(config.max_tokens_in_flight, SpeedMeter(config.initial_tokens_per_s))
    telemetry.in_flight_tokens.set_function(lambda: admission.in_flight)
    telemetry.speed.set_function(lambda: admission.speed.tokens_per_s)
    depth = DepthControl(config.depth_floors)
    telemetry.depth_share.set_function(
        lambda: depth.share_at(
            admission.queue_s, time.monotonic(), TrafficClass.INTERACTIVE, DEFAULT_DEADLINE_MS / 1000
        )
    )
    flights = SingleFlight()
    lane = Lane(
        ranker,
        label_token_ids=bundle.manifest.label_token_ids,
        limits=LaneLimits(config.pack_tokens, config.pack_items, config.packs_in_flight),
        flights=flights,
        admission=admission,
        telemetry=telemetry,
        now=_utc_now,
    )
    closing.push_async_callback(lane.close)
    ranking = Ranking(prompt=prompt, lane=lane, flights=flights, admission=admission, depth=depth, telemetry=telemetry)
    return ranking, admission


def _near_cache(
    config: ScorerConfig, telemetry: Telemetry, prompt: RankerPrompt, store: Store, closing: AsyncExitStack
) -> NearCache | None:
    if config.near_cache is None:
        return None
    near_cache = NearCache(
        config.near_cache,
        prompt_digest=prompt.digest,
        tokenise=prompt.item_ids,
        scannable=store if isinstance(store, ScannableStore) else None,
        telemetry=telemetry,
    )
    near_cache.start()
    closing.push_async_callback(near_cache.close)
    return near_cache


async def _open_index(open_index: OpenIndex | None, closing: AsyncExitStack) -> PostingIndex | None:
    if open_index is None:
        return None
    index = await open_index()
    # The port has no close: an index may be the store itself (whose close is idempotent) or hold nothing open.
    if (close := getattr(index, "close", None)) is not None:
        closing.push_async_callback(close)
    return index


async def _verify(ranker: RankerEngine, bundle: Bundle, config: ScorerConfig, telemetry: Telemetry) -> str:
    """Revision of the engine, its canaries passed."""
    report = await examine_ranker(
        ranker, bundle, deadline=Deadline.after(config.canary_timeout_s), tolerance=config.canary_tolerance
    )
    if report.max_drift is not None:
        telemetry.canary_drift.set(report.max_drift)
    if report.is_ok and report.engine_revision is not None:
        return report.engine_revision
    telemetry.canary_failures.inc()
    raise CanariesFailed("; ".join(report.problems))


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(PrecisError)
    async def on_error(request: Request, error: PrecisError) -> Response:
        context_of(request).facts.update(error=type(error).__name__)
        return problems.of_error(error, context_of(request).request_id)

    @app.exception_handler(RequestValidationError)
    async def on_validation(request: Request, error: RequestValidationError) -> Response:
        return problems.of_validation(error, context_of(request).request_id)

    @app.exception_handler(HTTPException)
    async def on_status(request: Request, error: HTTPException) -> Response:
        return problems.of_status(error.status_code, error.detail, context_of(request).request_id, error.headers)
