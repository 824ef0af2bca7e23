"""From settings to running services: the one place where adapters are chosen."""

import logging
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import structlog
from pydantic_core import to_json

from models.clients.completions import CompletionsClient
from models.clients.kinds import EngineKind
from models.clients.ports import RankerEngine, SummarizerEngine
from models.clients.scoring import CallLimits, ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from ops.nearline_settings import Drift
from ops.runfile import require_stack, with_engines
from ops.settings import Couchbase, Engine, Ranker, Settings
from schemas.api import TrafficClass
from schemas.errors import ConfigurationError
from store.ports import InspectableStore
from store.sqlite import SqliteStore

if TYPE_CHECKING:
    from ops.scorer.listening import Place
    from serve.arms.declaration import ArmConfig
    from serve.near_cache.config import NearCacheConfig
    from store.couchbase import CouchbaseConfig
    from stream.drift.config import DriftConfig

__all__ = [
    "create_topics",
    "init_store",
    "open_embedded_store",
    "open_store",
    "run_nearline",
    "run_scorer",
]


async def open_embedded_store(settings: Settings) -> SqliteStore:
    """The SQLite store of the settings; its file is made where it is missing."""
    return await SqliteStore.open(settings.sqlite_file, scores_ttl_s=settings.store.scores_ttl_s)


async def open_store(settings: Settings) -> InspectableStore:
    """The store of the settings; the caller closes it.

    Raises:
        BackendError: It cannot be reached.
    """
    if settings.store.kind == "sqlite":
        return await open_embedded_store(settings)
    from store.couchbase import CouchbaseStore

    return await CouchbaseStore.open(
        _couchbase_config(settings.store.couchbase),
        scores_ttl_s=settings.store.scores_ttl_s,
        on_breaker_change=_log_breaker,
    )


def _log_breaker(calls: str, state: str) -> None:
    # The library's own logger: to standard error, also from a command whose standard output is its result.
    logging.getLogger("store.couchbase").warning("circuit breaker of %s: %s", calls, state)


def _couchbase_config(chosen: Couchbase) -> "CouchbaseConfig":
    from store.couchbase import BreakerConfig, CouchbaseConfig

    return CouchbaseConfig(
        connection_string=chosen.url,
        username=chosen.username,
        password=chosen.password.get_secret_value(),
        bucket=chosen.bucket,
        scope=chosen.scope,
        durability=chosen.durability,
        connect_timeout_s=chosen.connect_timeout_s,
        kv_timeout_s=chosen.kv_timeout_s,
        durable_timeout_s=chosen.durable_timeout_s,
        scores_timeout_s=chosen.scores_timeout_s,
        breaker=BreakerConfig(
            num_failures=chosen.breaker_num_failures,
            first_pause_s=chosen.breaker_first_pause_s,
            max_pause_s=chosen.breaker_max_pause_s,
        ),
    )


async def _open_summarizer(settings: Settings) -> SummarizerEngine:
    return CompletionsClient(_transport(settings.summarizer, "summarizer"), model=settings.summarizer.name or None)


async def _open_ranker(settings: Settings, arm: "ArmConfig") -> RankerEngine:
    given = {"url": arm.url or None, "name": arm.served_name, "kind": arm.kind}
    chosen = settings.ranker.model_copy(update={key: value for key, value in given.items() if value is not None})
    return _scoring_client(chosen, _transport(chosen, "ranker"))


async def _open_drift_ranker(settings: Settings) -> RankerEngine:
    """As the scorer's, but a call is tried once and at one replica: nobody waits for it, and retries are load."""
    url = settings.nearline.drift.ranker_url or settings.ranker.url
    return _scoring_client(
        settings.ranker, EngineTransport(TransportConfig(base_url=url, max_tries=1), backend="ranker")
    )


def _scoring_client(chosen: Ranker, transport: EngineTransport) -> RankerEngine:
    return ScoringClient(
        transport,
        model=chosen.name or None,
        kind=None if chosen.kind == "auto" else EngineKind(chosen.kind),
        limits=CallLimits(max_items=chosen.max_call_items, max_tokens=chosen.max_call_tokens),
    )


def _transport(engine: Engine, backend: str) -> EngineTransport:
    config = TransportConfig(base_url=engine.url, hedge_after_s=engine.hedge_after_s)
    return EngineTransport(config, backend=backend)


def _configure_logging(settings: Settings) -> None:
    level = settings.log_level.upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("aiokafka", "httpx", "faust", "mode"):
        logging.getLogger(noisy).setLevel("WARNING")
    is_read_by_people = settings.log_format == "console" or (settings.log_format == "auto" and sys.stdout.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False) if is_read_by_people else _json_renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(),  # print() takes twice as long
        cache_logger_on_first_use=True,
    )


def _json_renderer() -> structlog.processors.JSONRenderer:
    """Of a line a record: the standard library's encoder is made anew for each and takes five times as long."""

    def serialise(event: Any, *, default: Callable[[Any], Any]) -> str:
        return to_json(event, fallback=default).decode()

    return structlog.processors.JSONRenderer(serializer=serialise)


def _with_addresses(settings: Settings) -> Settings:
    if settings.is_embedded:
        raise ConfigurationError(
            "profile is 'embedded': its services are started by `precis up`. To run a service by itself set profile to "
            "'external' with kafka.bootstrap, summarizer.url and ranker.url"
        )
    require_stack(settings)
    return with_engines(settings)


def run_nearline(settings: Settings) -> int:
    """Run the nearline service until SIGTERM or SIGINT.

    Returns:
        Exit status.

    Raises:
        ConfigurationError: The settings do not name what it needs.
    """
    from ops.topics import topic_names
    from stream.bootstrap import run_nearline as run
    from stream.config import NearlineConfig

    settings = _with_addresses(settings)
    _configure_logging(settings)
    chosen = settings.nearline
    config = NearlineConfig(
        bootstrap_servers=settings.kafka.bootstrap,
        log_id=settings.kafka.log_id or settings.kafka.bootstrap,
        group_id=settings.kafka.group,
        session_timeout_s=settings.kafka.session_timeout_s,
        topics=topic_names(settings.topics),
        summarizer_bundle=settings.summarizer.bundle,
        ranker_bundle=settings.ranker.bundle,
        max_in_flight=chosen.max_in_flight,
        reserved_slots=chosen.reserved_slots,
        window=chosen.window,
        summary_budget_s=chosen.summary_budget_s,
        stop_timeout_s=chosen.stop_timeout_s,
        stall_timeout_s=chosen.stall_timeout_s,
        canary_interval_s=chosen.canary_interval_s,
        canary_tokens=chosen.canary_tokens,
        drift=_drift(chosen.drift),
        http_host=chosen.metrics_host,
        http_port=chosen.metrics_port,
    )
    return run(
        config,
        open_store=lambda: open_store(settings),
        open_summarizer=lambda: _open_summarizer(settings),
        open_ranker=lambda: _open_drift_ranker(settings),
    )


def _drift(chosen: Drift) -> "DriftConfig | None":
    from stream.drift.config import DriftConfig
    from stream.drift.queries import read_queries

    if not chosen.enabled:
        return None
    return DriftConfig(
        queries=read_queries(chosen.queries),
        share=chosen.share,
        queries_per_posting=chosen.queries_per_posting,
        max_pairs_per_minute=chosen.max_pairs_per_minute,
        timeout_s=chosen.timeout_s,
        window=chosen.window,
        reference_size=chosen.reference_size,
        reference_file=chosen.reference_file,
    )


def run_scorer(settings: Settings, place: "Place | None" = None) -> int:
    """Run the scorer until SIGTERM or SIGINT.

    Args:
        settings: With ``scorer.workers`` above 1 this process supervises so many others.
        place: This process is one of these, and here is its place among them.

    Returns:
        Exit status.

    Raises:
        ConfigurationError: The settings do not name what it needs.
    """
    from ops.scorer.listening import listen, reserve, share
    from ops.scorer.serving import serve
    from ops.scorer.supervisor import Supervisor
    from ops.scorer.tls import check_tls
    from serve.access.key_file import KeySource
    from serve.bootstrap import create_admin_app, create_app
    from serve.config import ScorerConfig

    settings = _with_addresses(settings)
    _configure_logging(settings)
    check_tls(settings.scorer.tls_cert, settings.scorer.tls_key)
    keys = KeySource(settings.scorer.access.keys, settings.scorer.access.file)
    if place is not None:
        public = share(settings.scorer.host, place.port, "scorer.port")
    elif settings.scorer.workers > 1:
        with reserve(settings.scorer.host, settings.scorer.port, "scorer.port") as reserved:
            return Supervisor(settings.scorer.workers, reserved.getsockname()[1]).run()
    else:
        public = listen(settings.scorer.host, settings.scorer.port, "scorer.port")
    chosen = settings.scorer
    config = ScorerConfig(
        ranker_bundle=settings.ranker.bundle,
        arms_file=chosen.arms_file,
        build=version("precis"),
        profile=settings.profile,
        max_tokens_in_flight=chosen.max_tokens_in_flight // chosen.workers,
        num_workers=chosen.workers,
        depth_floors={TrafficClass(name): share for name, share in chosen.depth_floors},
        pack_tokens=chosen.pack_tokens,
        max_body_bytes=chosen.max_body_bytes,
        cache_ttl_s=settings.store.scores_ttl_s,
        cache_budget_s=chosen.cache_budget_s,
        cache_soft_share=chosen.cache_soft_share,
        shared_flight=chosen.shares_flights,
        canary_tolerance=chosen.canary_tolerance,
        canary_interval_s=chosen.canary_interval_s,
        near_cache=_near_cache(settings),
    )
    has_index = settings.store.kind == "sqlite"  # only this store brings full-text search
    app = create_app(
        config,
        open_store=lambda: open_store(settings),
        open_ranker=lambda arm: _open_ranker(settings, arm),
        open_index=(lambda: open_embedded_store(settings)) if has_index else None,
        keys=keys,
    )
    admin_port = chosen.admin_port + (place.index if place else 0) if chosen.admin_port else 0
    serve(
        app,
        create_admin_app(app, config),
        public=public,
        admin=listen(chosen.admin_host, admin_port, "scorer.admin_port"),
        tls=(chosen.tls_cert, chosen.tls_key) if chosen.tls_cert and chosen.tls_key else None,
        waits_until_verified=chosen.workers > 1,
    )
    return 0


def _near_cache(settings: Settings) -> "NearCacheConfig | None":
    from serve.near_cache.config import NearCacheConfig

    chosen = settings.scorer.near_cache
    if not chosen.enabled or not settings.kafka.bootstrap:
        return None
    return NearCacheConfig(
        path=chosen.file(settings.data_dir),
        bootstrap_servers=settings.kafka.bootstrap,
        log_id=settings.kafka.log_id or settings.kafka.bootstrap,
        topic=settings.topics.summaries,
        max_lag_s=chosen.max_lag_s,
        max_age_s=chosen.max_age_s,
    )


async def create_topics(settings: Settings) -> dict[str, bool]:
    """Create the missing topics on the broker of the settings.

    Returns:
        Topic -> whether it was created now.

    Raises:
        ConfigurationError: No broker is named (the embedded one makes its own topics).
    """
    from ops.topics import specs_of
    from stream.topics import create_topics as create

    require_stack(settings)
    if not settings.kafka.bootstrap:
        raise ConfigurationError("kafka.bootstrap is '': name the broker; the embedded one makes its own topics")
    specs = specs_of(settings.topics)
    made = await create(settings.kafka.bootstrap, specs, replication_factor=settings.topics.replication_factor)
    return {spec.name: spec.name in made for spec in specs}


async def init_store(settings: Settings) -> str:
    """Make what the store needs.

    Returns:
        What was made, for a person.

    Raises:
        ConfigurationError: The profile is local-real and no stack runs.
    """
    require_stack(settings)
    if settings.store.kind == "couchbase":
        from store.couchbase import provision

        chosen = settings.store.couchbase
        await provision(_couchbase_config(chosen))
        return f"bucket {chosen.bucket!r} has scope {chosen.scope!r} with its collections"
    store = await open_embedded_store(settings)
    await store.close()
    return f"store {str(settings.sqlite_file)!r} is ready"
