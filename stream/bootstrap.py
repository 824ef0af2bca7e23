"""The composition root of the nearline service: builds everything, runs until SIGTERM, closes everything."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import structlog
import uvloop

from models.bundle import Bundle, Role, load_bundle
from models.clients.ports import RankerEngine, SummarizerEngine
from models.prompts import RankerPrompt, TextTokenizer
from store.breaker_metrics import export_breakers
from store.ports import Store
from stream.canaries import CanaryWatch, check_canaries
from stream.config import NearlineConfig
from stream.drift.monitor import DriftMonitor
from stream.drift.telemetry import DriftTelemetry
from stream.handlers import Parts, lane_work
from stream.health import Health, serve_health
from stream.producer import KafkaPublisher
from stream.rollout import RolloutFollower
from stream.shared import share
from stream.slots import Priority
from stream.startup import Stopped, check_topics, stop_on_signals, until
from stream.telemetry import Telemetry
from stream.worker import NearlineWorker

__all__ = ["OpenRanker", "OpenStore", "OpenSummarizer", "run_nearline"]

OpenStore = Callable[[], Awaitable[Store]]
OpenSummarizer = Callable[[], Awaitable[SummarizerEngine]]
OpenRanker = Callable[[], Awaitable[RankerEngine]]

_log = structlog.get_logger(__name__)

_GC_THRESHOLD = 20_000
"""Objects made between two looks for cycles: a record makes some thousands, and next to none of them is in one."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What the caller hands in."""

    config: NearlineConfig
    summarizer: Bundle
    ranker: Bundle
    open_store: OpenStore
    open_summarizer: OpenSummarizer
    open_ranker: OpenRanker | None


def run_nearline(
    config: NearlineConfig,
    *,
    open_store: OpenStore,
    open_summarizer: OpenSummarizer,
    open_ranker: OpenRanker | None = None,
) -> int:
    """Run all lanes of one worker in this process, in the main thread, until SIGTERM or SIGINT.

    Args:
        config: Settings.
        open_store: Opens the store, inside the service's event loop; it is closed here.
        open_summarizer: Opens the engine client, likewise.
        open_ranker: Opens the drift monitor's client of a ranker, likewise; needed where ``config.drift`` is there. The
            ranker need not answer, now or ever.

    Returns:
        Exit code: 0 after an orderly stop. A fail-stop of any lane ends the process with 70 and does not return.

    Raises:
        ConfigurationError: A bundle or the drift monitor's reference does not fit, or the port of the probes is taken.
    """
    given = _Given(
        config,
        load_bundle(config.summarizer_bundle, Role.SUMMARIZER),
        load_bundle(config.ranker_bundle, Role.RANKER),
        open_store,
        open_summarizer,
        open_ranker,
    )
    gc.freeze()  # modules, bundles and models of documents live as long as the process: not looked at again
    gc.set_threshold(_GC_THRESHOLD, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(given))


async def _run(given: _Given) -> int:
    config = given.config
    stop = stop_on_signals()
    telemetry, health = Telemetry(), Health(stall_timeout_s=config.stall_timeout_s)
    telemetry.ready.set_function(lambda: float(health.is_ready()))
    async with AsyncExitStack() as stack:
        port = stack.enter_context(serve_health(health, telemetry.registry, config.http_host, config.http_port))
        _log.info("nearline.start", http_port=port, lanes={lane.name: lane.topic for lane in config.lanes})
        try:
            parts = await _open(given, stack, stop, health, telemetry)
        except Stopped:
            return 0
        health.waiting_for = ""
        await _run_lanes(config, parts, health, stop)
    _log.info("nearline.stopped")
    return 0


async def _open(
    given: _Given, stack: AsyncExitStack, stop: asyncio.Event, health: Health, telemetry: Telemetry
) -> Parts:
    """Everything that lanes need, each waited for; closed with the stack.

    Raises:
        Stopped: SIGTERM came first.
    """
    config = given.config
    store = await until(stop, health, "store", given.open_store)
    stack.push_async_callback(store.close)
    export_breakers(store, telemetry.registry)
    engine = await until(stop, health, "engine", given.open_summarizer)
    stack.push_async_callback(engine.close)
    export_breakers(engine, telemetry.registry, of="engine")
    await until(stop, health, "topics", partial(check_topics, config))
    rollout = RolloutFollower(config.bootstrap_servers, config.topics.rollouts, telemetry=telemetry)
    stack.push_async_callback(rollout.stop)
    await until(stop, health, "roll-out", rollout.start)
    canaries = partial(check_canaries, engine, given.summarizer, config, telemetry)
    await until(stop, health, "canaries", canaries)
    publisher = await stack.enter_async_context(
        KafkaPublisher(config.bootstrap_servers, client_id=f"{config.group_id}-publisher")
    )
    monitor = await _open_monitor(given, stack, store, telemetry)
    return Parts(given.summarizer, given.ranker, store, engine, publisher, rollout, telemetry, monitor)


async def _open_monitor(
    given: _Given, stack: AsyncExitStack, store: Store, telemetry: Telemetry
) -> DriftMonitor | None:
    """The drift monitor, where it is wanted. Start-up does not wait for its ranker."""
    if given.config.drift is None:
        return None
    assert given.open_ranker is not None, "a monitor has a ranker"
    engine = await given.open_ranker()
    stack.push_async_callback(engine.close)
    return DriftMonitor(
        given.config.drift,
        postings=store,
        engine=engine,
        bundle=given.ranker,
        prompt=RankerPrompt(TextTokenizer.from_file(given.ranker.tokenizer_file), given.ranker.manifest.limits),
        telemetry=DriftTelemetry(telemetry.registry),
    )


async def _run_lanes(config: NearlineConfig, parts: Parts, health: Health, stop: asyncio.Event) -> None:
    """All lanes, started and drained together; a fail-stop of one ends the process."""
    shared = share(config, parts.telemetry, health, os._exit)
    work = lane_work(config, parts)
    workers = [
        NearlineWorker(
            config,
            lane,
            work[lane.priority].handle,
            shared=shared,
            health=health.lane(lane.name, is_lower=lane.priority is not Priority.LIVE),
            is_held=work[lane.priority].is_held,
        )
        for lane in config.lanes
    ]
    canaries = partial(check_canaries, parts.engine, parts.summarizer, config, parts.telemetry)
    watch = CanaryWatch(canaries, health=health, pause=shared.pause, interval_s=config.canary_interval_s)
    beside = {asyncio.create_task(watch.run())}
    if parts.monitor is not None:
        beside.add(asyncio.create_task(parts.monitor.run()))
    try:
        await asyncio.gather(*(worker.run(stop) for worker in workers))
    finally:
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
