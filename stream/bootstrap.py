"""The composition root of the nearline service: builds everything, runs until SIGTERM, closes everything."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import structlog

from models.bundle import Bundle, Role, load_bundle
from models.clients.canaries import check_summarizer
from models.clients.ports import SummarizerEngine
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from schemas.deadline import Deadline
from schemas.errors import BackendError, BackendProtocolError, BackendUnavailable, DeadlineExceeded, Overloaded
from store.ports import Store
from stream.backoff import backoff_s
from stream.changelog import SummaryChangelog
from stream.compose import Composer
from stream.config import NearlineConfig
from stream.deadletter import DeadLetters
from stream.health import Health, serve_health
from stream.process import Processor
from stream.producer import KafkaPublisher, Publisher
from stream.record import RecordHandler
from stream.summarize import Summarizer
from stream.telemetry import Telemetry
from stream.topics import missing_topics
from stream.worker import NearlineWorker

__all__ = ["OpenStore", "OpenSummarizer", "run_nearline"]

OpenStore = Callable[[], Awaitable[Store]]
OpenSummarizer = Callable[[], Awaitable[SummarizerEngine]]

_Opened = TypeVar("_Opened")

_log = structlog.get_logger(__name__)


class _Stopped(Exception):
    """SIGTERM before the service was through its start."""


@dataclass(frozen=True, slots=True)
class _Bundles:
    summarizer: Bundle
    ranker: Bundle


def run_nearline(config: NearlineConfig, *, open_store: OpenStore, open_summarizer: OpenSummarizer) -> int:
    """Run one worker in this process, in the main thread, until SIGTERM or SIGINT.

    Args:
        config: Settings.
        open_store: Opens the store, inside the service's event loop; it is closed here.
        open_summarizer: Opens the engine client, likewise.

    Returns:
        Exit code: 0 after an orderly stop. A fail-stop ends the process with 70 and does not return.

    Raises:
        ConfigurationError: A bundle does not fit, or the port of the probes is taken.
    """
    bundles = _Bundles(
        summarizer=load_bundle(config.summarizer_bundle, Role.SUMMARIZER),
        ranker=load_bundle(config.ranker_bundle, Role.RANKER),
    )
    return asyncio.run(_run(config, bundles, open_store, open_summarizer))


async def _run(
    config: NearlineConfig, bundles: _Bundles, open_store: OpenStore, open_summarizer: OpenSummarizer
) -> int:
    stop = _stop_on_signals()
    telemetry, health = Telemetry(), Health()
    telemetry.ready.set_function(lambda: float(health.is_ready()))
    async with AsyncExitStack() as stack:
        port = stack.enter_context(serve_health(health, telemetry.registry, config.http_host, config.http_port))
        _log.info("nearline.start", http_port=port, group_id=config.group_id, topic=config.topics.updates)
        try:
            store = await _until(stop, health, "store", open_store)
            stack.push_async_callback(store.close)
            engine = await _until(stop, health, "engine", open_summarizer)
            stack.push_async_callback(engine.close)
            await _until(stop, health, "topics", partial(_check_topics, config))
            canaries = partial(_check_canaries, engine, bundles.summarizer, config.summary_budget_s)
            await _until(stop, health, "canaries", canaries)
        except _Stopped:
            return 0
        publisher = await stack.enter_async_context(
            KafkaPublisher(config.bootstrap_servers, client_id=f"{config.group_id}-publisher")
        )
        handler = _build_handler(config, bundles, store, engine, publisher, telemetry)
        worker = NearlineWorker(config, handler.handle, telemetry=telemetry, health=health, exit_now=os._exit)
        health.waiting_for = ""
        await worker.run(stop)
    _log.info("nearline.stopped")
    return 0


def _build_handler(
    config: NearlineConfig,
    bundles: _Bundles,
    store: Store,
    engine: SummarizerEngine,
    publisher: Publisher,
    telemetry: Telemetry,
) -> RecordHandler:
    ranker, summarizer = bundles.ranker.manifest, bundles.summarizer.manifest
    ranker_prompt = RankerPrompt(TextTokenizer.from_file(bundles.ranker.tokenizer_file), ranker.limits)
    tokenizer = TextTokenizer.from_file(bundles.summarizer.tokenizer_file)
    processor = Processor(
        store=store,
        summarizer=Summarizer(
            engine,
            SummarizerPrompt(tokenizer, summarizer.limits),
            tokenizer,
            manifest=summarizer,
            budget_s=config.summary_budget_s,
            telemetry=telemetry,
        ),
        changelog=SummaryChangelog(publisher, config.topics.summaries),
        composer=Composer(ranker_prompt, ranker.limits),
        clock=lambda: datetime.now(UTC),
        deleted_ttl_s=config.deleted_ttl_s,
        telemetry=telemetry,
    )
    return RecordHandler(
        processor,
        DeadLetters(publisher, config.topics.dead_letters, log_id=config.log_id),
        log_id=config.log_id,
        max_tries=config.max_tries,
        retry_budget_s=config.retry_budget_s,
        pause_s=config.pause_s,
        telemetry=telemetry,
    )


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _until(stop: asyncio.Event, health: Health, what: str, attempt: Callable[[], Awaitable[_Opened]]) -> _Opened:
    """Repeat a step of start-up until it works; unready until then, and saying why.

    Raises:
        _Stopped: SIGTERM came first.
    """
    num_attempts = 0
    rng = random.Random()
    while not stop.is_set():
        num_attempts += 1
        try:
            return await attempt()
        except (BackendError, DeadlineExceeded, Overloaded) as error:
            reason = f"{what}: {type(error).__name__}: {error}"
            if reason != health.waiting_for:  # once, not every two seconds
                _log.warning("nearline.waiting", what=what, error=type(error).__name__, reason=str(error))
            health.waiting_for = reason
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(backoff_s(num_attempts, rng)):
                await stop.wait()
    raise _Stopped


async def _check_topics(config: NearlineConfig) -> None:
    names = (config.topics.updates, config.topics.summaries, config.topics.dead_letters)
    if missing := await missing_topics(config.bootstrap_servers, names):
        message = f"{', '.join(missing)} not on {config.bootstrap_servers}: run `precis topics create`"
        raise BackendUnavailable(message, backend="kafka", operation="find topics")


async def _check_canaries(engine: SummarizerEngine, bundle: Bundle, budget_s: float) -> None:
    report = await check_summarizer(engine, bundle, deadline=Deadline.after(budget_s))
    if not report.is_ok:
        # Waited for as well: the remedy is to restart the engine, not this service.
        raise BackendProtocolError("; ".join(report.problems), backend="summarizer", operation="canaries")
