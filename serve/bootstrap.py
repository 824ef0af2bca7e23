"""The composition root of the scorer: builds every part, opens what needs opening, closes it in reverse order."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from models.prompts import RankerPrompt
from schemas.errors import PrecisError
from serve import problems
from serve.access.gate import Access, Guard
from serve.access.key_file import KeySource
from serve.admission import CallGate
from serve.arms.arm import OpenRanker, open_arm
from serve.arms.declaration import ArmConfig, Declaration
from serve.arms.file import ArmsFile
from serve.arms.fleet import Fleet, FleetTimes
from serve.arms.shadow import Shadows
from serve.body import BodyLimits
from serve.cache import ScoreCache
from serve.clock import utc_now
from serve.config import ScorerConfig
from serve.context import context_of
from serve.edge import Edge
from serve.near_cache.feed import ScannableStore
from serve.near_cache.service import NearCache
from serve.openapi import document_problems
from serve.parts import Parts
from serve.reading import Reading
from serve.refresh import Refresher, SoftAge
from serve.routes import arms, operations, rerank, score, search, summaries
from serve.routes import cache as cache_routes
from serve.routes.page import page_router
from serve.score import Scorer
from serve.shared_flight import SharedFlight, SharedFlightLimits
from serve.telemetry import Telemetry
from store.breaker_metrics import export_breakers
from store.ports import PostingIndex, Store
from store.score_metrics import export_wrong_scores
from store.score_policy import ScorePolicy

__all__ = ["create_admin_app", "create_app"]

OpenStore = Callable[[], Awaitable[Store]]
OpenIndex = Callable[[], Awaitable[PostingIndex]]


def create_app(
    config: ScorerConfig,
    *,
    open_store: OpenStore,
    open_ranker: OpenRanker,
    open_index: OpenIndex | None = None,
    keys: KeySource | None = None,
) -> FastAPI:
    """The scorer as an ASGI application. Nothing is opened before its lifespan begins.

    Args:
        config: Limits.
        open_store: Makes the store inside the service's event loop; closed with the application.
        open_ranker: Likewise the client of an arm's engine. The engine itself may come up later.
        open_index: Likewise full-text search; None leaves out ``/v1/search``.
        keys: API keys; None: everybody may call.
    """
    telemetry = Telemetry()
    guard = Guard(keys or KeySource(), telemetry, share=1 / config.num_workers)

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
    app.state.telemetry, app.state.guard = telemetry, guard
    for router in (score.router, rerank.router, summaries.router, operations.router):
        app.include_router(router)
    if open_index is not None:
        app.include_router(search.router)
    app.include_router(page_router())
    document_problems(app)
    _add_layers(app, config, guard, telemetry)
    return app


def create_admin_app(app: FastAPI, config: ScorerConfig) -> FastAPI:
    """What is served on the admin port, over the parts of the scorer; it has no lifespan of its own.

    Where API keys are configured, all but metrics and probes needs one with ``is_admin``.

    Args:
        app: Of :func:`create_app`, whose lifespan has begun.
        config: The same.
    """
    admin = FastAPI(title="Précis scorer, admin", version=config.build, docs_url=None, redoc_url=None)
    admin.state = app.state
    for router in (operations.router, operations.metrics_router, arms.router, cache_routes.router):
        admin.include_router(router)
    document_problems(admin)
    _add_layers(admin, config, app.state.guard, app.state.telemetry, needs_admin=True)
    return admin


def _add_layers(
    app: FastAPI, config: ScorerConfig, guard: Guard, telemetry: Telemetry, *, needs_admin: bool = False
) -> None:
    """What every request goes through."""
    _handle_errors(app)
    app.add_middleware(BodyLimits, max_bytes=config.max_body_bytes, timeout_s=config.body_timeout_s)
    app.add_middleware(Access, guard=guard, needs_admin=needs_admin)
    app.add_middleware(Edge, telemetry=telemetry)  # added last: outermost


async def _open_parts(
    config: ScorerConfig,
    telemetry: Telemetry,
    open_store: OpenStore,
    open_ranker: OpenRanker,
    open_index: OpenIndex | None,
    closing: AsyncExitStack,
) -> Parts:
    store = await open_store()
    closing.push_async_callback(store.close)
    export_breakers(store, telemetry.registry)
    export_wrong_scores(store, telemetry.registry)
    index = await _open_index(open_index, closing)
    cache = ScoreCache(
        store,
        ttl_s=config.cache_ttl_s,
        budget_s=config.cache_budget_s,
        max_writes=config.max_cache_writes,
        telemetry=telemetry,
        now=utc_now,
    )
    closing.push_async_callback(cache.drain)
    fleet = await _open_arms(config, telemetry, open_ranker, closing)
    refresher = Refresher(
        cache,
        SoftAge(ScorePolicy(config.cache_ttl_s), config.cache_soft_share),
        deadline_s=config.refresh_deadline_s,
        max_pending=config.max_refreshes,
        telemetry=telemetry,
        now=utc_now,
    )
    closing.push_async_callback(refresher.close)
    shadows = Shadows(
        fleet, max_pending=config.max_shadow_calls, timeout_s=config.shadow_timeout_s, telemetry=telemetry
    )
    closing.push_async_callback(shadows.close)
    near_cache = _near_cache(config, telemetry, fleet.champion.prompt, store, closing)
    scorer = Scorer(
        reading=Reading(
            store,
            near_cache,
            max_lag_s=config.near_cache.max_lag_s if config.near_cache else 0.0,
            telemetry=telemetry,
            now=utc_now,
        ),
        arms=fleet,
        shadows=shadows,
        cache=cache,
        refresher=refresher,
        shared_flight=_shared_flight(config, telemetry, store, cache, closing),
        telemetry=telemetry,
        now=utc_now,
        depth_floor=config.depth_floor,
        margin_s=config.deadline_margin_s,
    )
    return Parts(
        config=config,
        arms=fleet,
        store=store,
        index=index,
        scorer=scorer,
        calls=CallGate(config.max_calls_in_flight),
        near_cache=near_cache,
        telemetry=telemetry,
        now=utc_now,
    )


async def _open_arms(
    config: ScorerConfig, telemetry: Telemetry, open_ranker: OpenRanker, closing: AsyncExitStack
) -> Fleet:
    """The rankers that are declared, the champion open."""
    settings_arm = ArmConfig(bundle=config.ranker_bundle)
    file = ArmsFile(config.arms_file, settings_arm) if config.arms_file else None
    fleet = Fleet(
        await file.read() if file else Declaration(settings_arm),
        file=file,
        open_arm=lambda arm: open_arm(arm, config, open_ranker, telemetry),
        telemetry=telemetry,
        times=FleetTimes(config.arms_interval_s, config.canary_retry_s, config.drain_limit_s),
    )
    closing.push_async_callback(fleet.close)
    await fleet.start()
    export_breakers(fleet, telemetry.registry, of="engine")
    return fleet


def _near_cache(
    config: ScorerConfig, telemetry: Telemetry, prompt: RankerPrompt, store: Store, closing: AsyncExitStack
) -> NearCache | None:
    """The near-cache, with token ids of this prompt: an arm of another one makes its own."""
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


def _shared_flight(
    config: ScorerConfig,
    telemetry: Telemetry,
    store: Store,
    cache: ScoreCache,
    closing: AsyncExitStack,
) -> SharedFlight | None:
    """Single flight with the other processes, where the configuration says that there are any."""
    if not config.shared_flight:
        return None
    shared_flight = SharedFlight(
        store,
        cache,
        SharedFlightLimits(
            budget_s=config.cache_budget_s, min_s=4 * config.cache_budget_s, pack_tokens=config.pack_tokens
        ),
        holder=uuid.uuid4().hex,
        telemetry=telemetry,
    )
    closing.push_async_callback(shared_flight.close)
    return shared_flight


async def _open_index(open_index: OpenIndex | None, closing: AsyncExitStack) -> PostingIndex | None:
    if open_index is None:
        return None
    index = await open_index()
    # The port has no close: an index may be the store itself (whose close is idempotent) or hold nothing open.
    if (close := getattr(index, "close", None)) is not None:
        closing.push_async_callback(close)
    return index


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
